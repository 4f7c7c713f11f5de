//! Expressions: operators by precedence, and what stands between them.

use super::super::ast::{Expr, ExprKind, Quantifier, Span, UnaryOp};
use super::super::literal::{self, Number};
use super::super::token::{Kind, Token};
use super::operators::{Infix, level, negated_operator};
use super::{Parsed, Parser, Written, error};

/// An expression and whether suffixes after it go on an open `[*]` (see [`super::suffix`]).
pub(super) struct Reference<'q> {
    pub(super) expr: Expr<'q>,
    /// Where it begins, parentheses included.
    pub(super) start: u32,
    pub(super) chained: bool,
}

impl<'q> Parser<'q> {
    /// An expression.
    pub(super) fn expression(&mut self) -> Parsed<Expr<'q>> {
        self.operand(level::ANYTHING, false)
    }

    /// The operand of a modification, where `IN` may introduce the target instead of being an operator.
    pub(super) fn before_target(&mut self) -> Parsed<Expr<'q>> {
        self.operand(level::ANYTHING, true)
    }

    /// An expression of operators that bind at least as tight as `least`.
    pub(super) fn operand(&mut self, least: u8, target_follows: bool) -> Parsed<Expr<'q>> {
        self.recurse()?;
        let outer = std::mem::take(&mut self.height);
        let start = self.token.start;
        let first = match self.token.kind {
            Kind::Plus | Kind::Minus | Kind::Not => self.prefixed()?,
            _ => self.primary()?,
        };
        let expr = self.infixes(first, start, least, target_follows)?;
        self.height = self.height.max(outer);
        self.nesting -= 1;
        Ok(expr)
    }

    /// Goes on after a reference that is parsed already.
    pub(super) fn continued(&mut self, expr: Expr<'q>) -> Parsed<Expr<'q>> {
        let start = expr.span.start;
        let first = self.suffixes(Reference {
            expr,
            start,
            chained: false,
        })?;
        self.infixes(first, start, level::ANYTHING, false)
    }

    /// Operators and their right operands after `left`, which begins at `start`.
    fn infixes(&mut self, mut left: Expr<'q>, start: u32, least: u8, target_follows: bool) -> Parsed<Expr<'q>> {
        loop {
            let infix = match self.token.kind {
                Kind::In if target_follows && self.target_follows() => return Ok(left),
                kind => Infix::of(kind),
            };
            let Some(infix) = infix.filter(|infix| infix.level() >= least) else {
                return Ok(left);
            };
            left = match infix {
                Infix::Binary { op, level } => {
                    self.bump();
                    self.binary(op, left, start, level + 1)?
                }
                Infix::Range => self.range(left, start)?,
                Infix::Negated => match negated_operator(self.after(self.token).kind) {
                    Some(op) => {
                        self.bump();
                        self.bump();
                        self.binary(op, left, start, level::EQUALITY + 1)?
                    }
                    None => return Ok(left),
                },
                Infix::Quantified => match self.quantified_operator(self.after(self.token)) {
                    Some(_) => self.quantified(left, start)?,
                    // As in ArangoDB's tables, only the outermost level can go on with a direction `ANY`.
                    None if least > level::ANYTHING => return Err(self.unexpected(&["an operator"])),
                    None => return Ok(left),
                },
                Infix::AtLeast => self.at_least(left, start)?,
                Infix::Ternary => self.ternary(left, start)?,
            };
        }
    }

    fn range(&mut self, low: Expr<'q>, start: u32) -> Parsed<Expr<'q>> {
        self.bump();
        let high = self.operand(level::RANGE + 1, false)?;
        self.node(
            start,
            ExprKind::Range {
                low: Box::new(low),
                high: Box::new(high),
            },
        )
    }

    fn ternary(&mut self, condition: Expr<'q>, start: u32) -> Parsed<Expr<'q>> {
        self.bump();
        self.enter()?;
        let then = if self.at(Kind::Colon) {
            None
        } else {
            Some(Box::new(self.operand(level::TERNARY, false)?))
        };
        self.expect(Kind::Colon)?;
        let otherwise = Box::new(self.operand(level::TERNARY, false)?);
        self.leave();
        self.node(
            start,
            ExprKind::Ternary {
                condition: Box::new(condition),
                then,
                otherwise,
            },
        )
    }

    /// Operators before an operand bind tighter than all between operands.
    #[inline]
    fn prefixed(&mut self) -> Parsed<Expr<'q>> {
        let op = match self.token.kind {
            Kind::Plus => UnaryOp::Plus,
            Kind::Minus => UnaryOp::Minus,
            Kind::Not => UnaryOp::Not,
            _ => return self.primary(),
        };
        let start = self.bump().start;
        self.recurse()?;
        self.enter()?;
        let mut operand = self.prefixed()?;
        if op == UnaryOp::Not && self.at_quantified_pattern() {
            let start = operand.span.start;
            operand = self.quantified(operand, start)?;
        }
        let operand = Box::new(operand);
        self.leave();
        self.nesting -= 1;
        self.node(start, ExprKind::Unary { op, operand })
    }

    #[inline]
    fn primary(&mut self) -> Parsed<Expr<'q>> {
        if let Some(literal) = self.literal()? {
            return Ok(literal);
        }
        let first = self.reference()?;
        if matches!(self.token.kind, Kind::Dot | Kind::ArrayOpen) {
            return self.suffixes(first);
        }
        Ok(first.expr)
    }

    /// A literal, if the token at hand is one. No suffix may follow it.
    #[inline]
    pub(super) fn literal(&mut self) -> Parsed<Option<Expr<'q>>> {
        let span = self.token.span();
        let kind = match self.token.kind {
            Kind::String => ExprKind::String(self.string_value(span)?),
            Kind::Integer | Kind::Double => match literal::number(self.slice(span)) {
                Ok(Number::Int(value)) => ExprKind::Int(value),
                Ok(Number::Double(value)) => ExprKind::Double(value),
                Ok(Number::Null) => ExprKind::Null,
                Err(reason) => return Err(error(span, reason.to_string())),
            },
            Kind::Null => ExprKind::Null,
            Kind::True => ExprKind::Bool(true),
            Kind::False => ExprKind::Bool(false),
            _ => return Ok(None),
        };
        self.bump();
        self.node(span.start, kind).map(Some)
    }

    /// What suffixes may follow: a name, a call, an array, an object, a bind parameter or something in parentheses.
    fn reference(&mut self) -> Parsed<Reference<'q>> {
        let start = self.token.start;
        let expr = match self.token.kind {
            Kind::Identifier | Kind::QuotedIdentifier => self.name_or_call()?,
            Kind::Parameter => {
                let bind = self.bind();
                self.node(bind.span.start, ExprKind::Bind(bind))?
            }
            Kind::SourceParameter => {
                let bind = self.bind();
                if !self.written.is_empty() {
                    self.refuse_written(&Written::Bind(bind.key.clone()), bind.span)?;
                }
                self.node(bind.span.start, ExprKind::SourceBind(bind))?
            }
            Kind::Open => self.parenthesised()?,
            Kind::ArrayOpen => self.array()?,
            Kind::ObjectOpen => self.object()?,
            Kind::Like if self.after(self.token).kind == Kind::Open => self.like_call()?,
            _ => return Err(self.unexpected(&["an expression"])),
        };
        Ok(Reference {
            expr,
            start,
            chained: false,
        })
    }

    #[inline]
    fn name_or_call(&mut self) -> Parsed<Expr<'q>> {
        let token = self.bump();
        let name = self.decoded_name(token)?;
        if matches!(self.token.kind, Kind::Open | Kind::Scope) {
            return self.call(name);
        }
        let kind = self.resolve(name, token)?;
        self.node(token.start, kind)
    }

    fn parenthesised(&mut self) -> Parsed<Expr<'q>> {
        let open = self.bump();
        self.enter_large()?;
        let expr = if self.token.kind.starts_statement() {
            self.subquery()?
        } else {
            self.expression()?
        };
        self.close(Kind::Close, open)?;
        self.leave_large();
        Ok(expr)
    }

    /// Takes the bracket that closes `open`.
    pub(super) fn close(&mut self, kind: Kind, open: Token) -> Parsed<()> {
        if self.eat(kind) {
            return Ok(());
        }
        let mut error = self.unexpected(&[kind.spelling()]);
        if matches!(
            self.token.kind,
            Kind::End | Kind::Close | Kind::ArrayClose | Kind::ObjectClose
        ) {
            let opened = super::super::diagnostic::Position::of(self.text, open.start);
            error = error.suggesting(format!(
                "the bracket opened at {}:{} is not closed",
                opened.line, opened.column
            ));
        }
        Err(error)
    }

    /// The quantifier at hand, if it is `ALL`, `ANY` or `NONE`.
    pub(super) fn quantifier(&self) -> Option<Quantifier<'q>> {
        match self.token.kind {
            Kind::All => Some(Quantifier::All),
            Kind::Any => Some(Quantifier::Any),
            Kind::None => Some(Quantifier::None),
            _ => None,
        }
    }

    /// A finished node from `start` to the last token taken.
    #[inline]
    pub(super) fn node(&mut self, start: u32, kind: ExprKind<'q>) -> Parsed<Expr<'q>> {
        self.count()?;
        Ok(Expr {
            kind,
            span: self.since(start),
        })
    }

    /// A finished node with a span of its own.
    #[inline]
    pub(super) fn node_at(&mut self, span: Span, kind: ExprKind<'q>) -> Parsed<Expr<'q>> {
        self.count()?;
        Ok(Expr { kind, span })
    }
}
