//! What a `LET` or `FOR` binds: a name or a destructuring pattern (ArangoDB 3.12.2 and later).
//!
//! A pattern is read before the expression that it takes apart and bound after it, for its variables are visible only
//! then.

use super::super::ast::{Name, Pattern, PatternField, Span, VariableKind};
use super::super::token::Kind;
use super::{Parsed, Parser};

/// A pattern whose names are not yet variables.
pub(super) enum Unbound<'q> {
    Name(Name<'q>),
    Array {
        slots: Vec<Option<Unbound<'q>>>,
        span: Span,
    },
    Object {
        fields: Vec<(Name<'q>, Unbound<'q>)>,
        span: Span,
    },
}

impl<'q> Parser<'q> {
    pub(super) fn unbound_pattern(&mut self) -> Parsed<Unbound<'q>> {
        match self.token.kind {
            Kind::ArrayOpen => self.array_pattern(),
            Kind::ObjectOpen => self.object_pattern(),
            kind if kind.is_name() => Ok(Unbound::Name(self.name()?)),
            _ => Err(self.unexpected(&["a variable name"])),
        }
    }

    fn array_pattern(&mut self) -> Parsed<Unbound<'q>> {
        let open = self.bump();
        self.open_pattern()?;
        let mut slots = Vec::new();
        loop {
            let skipped = matches!(self.token.kind, Kind::Comma | Kind::ArrayClose);
            let slot = if skipped { None } else { Some(self.unbound_pattern()?) };
            let more = self.eat(Kind::Comma);
            if more || slot.is_some() {
                slots.push(slot);
            }
            if !more {
                break;
            }
        }
        self.close(Kind::ArrayClose, open)?;
        self.close_pattern();
        Ok(Unbound::Array {
            slots,
            span: self.since(open.start),
        })
    }

    fn object_pattern(&mut self) -> Parsed<Unbound<'q>> {
        let open = self.bump();
        self.open_pattern()?;
        let mut fields = Vec::new();
        loop {
            if self.token.kind.is_name() {
                let attribute = self.name()?;
                let target = if self.eat(Kind::Colon) {
                    self.unbound_pattern()?
                } else {
                    Unbound::Name(attribute.clone())
                };
                fields.push((attribute, target));
            }
            if !self.eat(Kind::Comma) {
                break;
            }
        }
        self.close(Kind::ObjectClose, open)?;
        self.close_pattern();
        Ok(Unbound::Object {
            fields,
            span: self.since(open.start),
        })
    }

    fn open_pattern(&mut self) -> Parsed<()> {
        self.recurse()?;
        self.enter()
    }

    fn close_pattern(&mut self) {
        self.nesting -= 1;
        self.leave();
    }

    /// Declares the names of a pattern.
    pub(super) fn bind_pattern(&mut self, pattern: Unbound<'q>, kind: VariableKind) -> Parsed<Pattern<'q>> {
        self.nodes = self.nodes.saturating_add(1);
        Ok(match pattern {
            Unbound::Name(name) => Pattern::Variable(self.declare(name, kind)?),
            Unbound::Array { slots, span } => {
                let bind = |slot: Option<Unbound<'q>>| slot.map(|slot| self.bind_pattern(slot, kind)).transpose();
                Pattern::Array {
                    slots: slots.into_iter().map(bind).collect::<Parsed<_>>()?,
                    span,
                }
            }
            Unbound::Object { fields, span } => {
                let bind = |(attribute, target)| {
                    Ok(PatternField {
                        attribute,
                        target: self.bind_pattern(target, kind)?,
                    })
                };
                Pattern::Object {
                    fields: fields.into_iter().map(bind).collect::<Parsed<_>>()?,
                    span,
                }
            }
        })
    }

    /// Declares what a `LET` binds; `constant` when its value is known at compile time.
    pub(super) fn bind_let(&mut self, pattern: Unbound<'q>, constant: bool) -> Parsed<Pattern<'q>> {
        let pattern = self.bind_pattern(pattern, VariableKind::Let)?;
        if let Pattern::Variable(id) = pattern {
            self.marks[id.index()].constant = constant;
        }
        Ok(pattern)
    }
}
