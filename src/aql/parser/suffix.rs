//! What may follow a reference: `.name`, `[index]`, `[* …]` and `[? …]`.
//!
//! While the reference is a `[*]` without parentheses around it, a suffix belongs to its elements: `grammar.y` patches
//! the expansion that stands at the bottom of the chain (`findExpansionSubNode`).

use super::super::ast::{Expansion, Expr, ExprKind, Limit, Quantifier, Question, Span, VarId, VariableKind};
use super::super::token::Kind;
use super::expression::Reference;
use super::{Mark, Parsed, Parser, error};

impl<'q> Parser<'q> {
    pub(super) fn suffixes(&mut self, first: Reference<'q>) -> Parsed<Expr<'q>> {
        let mut reference = first;
        loop {
            reference = match self.token.kind {
                Kind::Dot => self.attribute(reference)?,
                Kind::ArrayOpen => self.bracket(reference)?,
                _ => return Ok(reference.expr),
            };
        }
    }

    fn attribute(&mut self, reference: Reference<'q>) -> Parsed<Reference<'q>> {
        self.bump();
        match self.token.kind {
            Kind::Identifier | Kind::QuotedIdentifier => {
                let name = self.name()?;
                self.extend(reference, |base| ExprKind::Attribute { base, name })
            }
            Kind::Parameter => {
                let bind = self.bind();
                self.extend(reference, |base| ExprKind::AttributeBind { base, bind })
            }
            // `d.@@x` is in the grammar and fails whatever the value is.
            _ => Err(self.unexpected(&["an attribute name", "a bind parameter"])),
        }
    }

    fn bracket(&mut self, reference: Reference<'q>) -> Parsed<Reference<'q>> {
        let open = self.bump();
        self.enter_large()?;
        let reference = match self.token.kind {
            Kind::Times => {
                let levels = self.repeated(Kind::Times);
                self.expansion(reference, levels, open.start)?
            }
            Kind::Question => {
                let levels = self.repeated(Kind::Question);
                self.question(reference, levels, open.start)?
            }
            _ => {
                if self.at(Kind::String) && self.after(self.token).kind == Kind::ArrayClose {
                    self.mark(Mark::Name);
                }
                let index = Box::new(self.expression()?);
                self.close(Kind::ArrayClose, open)?;
                self.extend(reference, |base| ExprKind::Index { base, index })?
            }
        };
        self.leave_large();
        Ok(reference)
    }

    fn repeated(&mut self, kind: Kind) -> u32 {
        let mut times = 0;
        while self.eat(kind) {
            times += 1;
        }
        times
    }

    /// Puts a suffix on the reference, or on the elements of its last expansion.
    fn extend(
        &mut self,
        mut reference: Reference<'q>,
        suffix: impl FnOnce(Box<Expr<'q>>) -> ExprKind<'q>,
    ) -> Parsed<Reference<'q>> {
        self.count()?;
        let end = self.end;
        if reference.chained {
            self.refuse_after_projection(last_projects(&reference.expr))?;
            reference.expr.span.end = end;
            let element = bottom(&mut reference.expr);
            let base = Box::new(take(element));
            *element = Expr {
                span: Span {
                    start: base.span.start,
                    end,
                },
                kind: suffix(base),
            };
            return Ok(reference);
        }
        let start = reference.start;
        let expr = Expr {
            kind: suffix(Box::new(reference.expr)),
            span: Span { start, end },
        };
        Ok(Reference {
            expr,
            start,
            chained: false,
        })
    }

    /// ArangoDB evaluates the projection of `[* RETURN …]` in place of what follows the bracket, which it reads and then leaves
    /// out (`Expression::executeSimpleExpressionExpansion`): `docs[* RETURN CURRENT].name` gives whole documents.
    fn refuse_after_projection(&self, projects: bool) -> Parsed<()> {
        if !projects {
            return Ok(());
        }
        Err(error(
            self.since(self.begun),
            "nothing after `[* RETURN …]` has an effect in ArangoDB",
        )
        .suggesting("put parentheses around it, or the access into its `RETURN`"))
    }

    /// Puts the result of `[*]` or `[?]` where [`base_of`] took its array from.
    fn put_back(&self, mut reference: Reference<'q>, result: Expr<'q>) -> Reference<'q> {
        let expands = matches!(result.kind, ExprKind::Expansion(_));
        let end = self.end;
        if reference.chained
            && let ExprKind::Expansion(first) = &mut reference.expr.kind
        {
            first.element = result;
            reference.expr.span.end = end;
            return reference;
        }
        Reference {
            expr: result,
            start: reference.start,
            chained: expands,
        }
    }

    fn current(&mut self, start: u32) -> Parsed<VarId> {
        let id = self.pseudo_variable(VariableKind::Current, self.since(start))?;
        self.scopes.currents.push(id);
        Ok(id)
    }

    fn expansion(&mut self, mut reference: Reference<'q>, levels: u32, start: u32) -> Parsed<Reference<'q>> {
        self.refuse_after_projection(levels == 1 && first_projects(&reference))?;
        let (base, base_start) = base_of(&mut reference, levels);
        let current = self.current(start)?;
        if let Some(quantifier) = self.inline_quantifier()? {
            drop(quantifier);
            return Err(error(self.token.span(), "`[*` takes no quantifier")
                .worded("unexpected quantifier value found for array expansion operation.")
                .suggesting("`[? ALL FILTER …]` tests how many elements satisfy a condition"));
        }
        let filter = if self.eat(Kind::Filter) {
            Some(self.expression()?)
        } else {
            None
        };
        let limit = if self.eat(Kind::Limit) {
            Some(self.inline_limit()?)
        } else {
            None
        };
        let projection = if self.eat(Kind::Return) {
            Some(self.expression()?)
        } else {
            None
        };
        if !self.at(Kind::ArrayClose) {
            return Err(self.unexpected(match (&filter, &limit, &projection) {
                (_, _, Some(_)) => &["`]`"],
                (_, Some(_), _) => &["`RETURN`", "`]`"],
                (Some(_), ..) => &["`LIMIT`", "`RETURN`", "`]`"],
                _ => &["`FILTER`", "`LIMIT`", "`RETURN`", "`]`"],
            }));
        }
        self.bump();
        self.scopes.currents.pop();
        let element = self.node_at(self.since(start), ExprKind::Variable(current))?;
        let span = self.since(base_start);
        let expansion = Expansion {
            base,
            levels,
            current,
            filter,
            limit,
            projection,
            element,
        };
        let result = self.node_at(span, ExprKind::Expansion(Box::new(expansion)))?;
        Ok(self.put_back(reference, result))
    }

    fn inline_limit(&mut self) -> Parsed<Limit<'q>> {
        let first = self.expression()?;
        if self.eat(Kind::Comma) {
            return Ok(Limit {
                offset: Some(first),
                count: self.expression()?,
            });
        }
        Ok(Limit {
            offset: None,
            count: first,
        })
    }

    fn question(&mut self, mut reference: Reference<'q>, levels: u32, start: u32) -> Parsed<Reference<'q>> {
        self.refuse_after_projection(levels == 1 && first_projects(&reference))?;
        let (base, base_start) = base_of(&mut reference, levels);
        let current = self.current(start)?;
        let mut quantifier = self.inline_quantifier()?;
        if quantifier.is_none() && !matches!(self.token.kind, Kind::Filter | Kind::ArrayClose) {
            quantifier = Some(Quantifier::Count(Box::new(self.expression()?)));
        }
        let filter = match quantifier {
            Some(_) => {
                self.expect(Kind::Filter)?;
                Some(self.expression()?)
            }
            None if self.eat(Kind::Filter) => Some(self.expression()?),
            None => None,
        };
        self.expect(Kind::ArrayClose)?;
        self.scopes.currents.pop();
        let span = self.since(base_start);
        let question = Question {
            base,
            levels,
            current,
            quantifier,
            filter,
        };
        let result = self.node_at(span, ExprKind::Question(Box::new(question)))?;
        Ok(self.put_back(reference, result))
    }

    /// `ALL`, `ANY`, `NONE` or `AT LEAST (n)` before `FILTER`.
    fn inline_quantifier(&mut self) -> Parsed<Option<Quantifier<'q>>> {
        if self.at(Kind::AtLeast) {
            return self.at_least_quantifier().map(Some);
        }
        let quantifier = self.quantifier();
        if quantifier.is_some() {
            self.bump();
        }
        Ok(quantifier)
    }
}

/// What a suffix after a chain of expansions goes on.
fn bottom<'a, 'q>(expr: &'a mut Expr<'q>) -> &'a mut Expr<'q> {
    match expr {
        Expr {
            kind: ExprKind::Expansion(expansion),
            ..
        } => bottom(&mut expansion.element),
        other => other,
    }
}

/// Whether the expansion that [`bottom`] finds the element of has a projection.
fn last_projects(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Expansion(expansion) if matches!(expansion.element.kind, ExprKind::Expansion(_)) => {
            last_projects(&expansion.element)
        }
        ExprKind::Expansion(expansion) => expansion.projection.is_some(),
        _ => false,
    }
}

/// Whether the chain begins with an expansion that has a projection.
fn first_projects(reference: &Reference) -> bool {
    reference.chained
        && matches!(&reference.expr.kind, ExprKind::Expansion(expansion) if expansion.projection.is_some())
}

/// Moves an expression out; the caller puts another in its place.
fn take<'q>(expr: &mut Expr<'q>) -> Expr<'q> {
    std::mem::replace(
        expr,
        Expr {
            kind: ExprKind::Null,
            span: Span::default(),
        },
    )
}

/// `[*`: what the operator applies to, and the reference that its result goes back into. With more than one star or
/// question mark the whole of a chain is the array, else each element of its first expansion.
fn base_of<'q>(reference: &mut Reference<'q>, levels: u32) -> (Expr<'q>, u32) {
    if reference.chained
        && levels == 1
        && let ExprKind::Expansion(first) = &mut reference.expr.kind
    {
        let start = first.element.span.start;
        return (take(&mut first.element), start);
    }
    reference.chained = false;
    (take(&mut reference.expr), reference.start)
}
