//! Expressions, with parentheses by the operators' levels.

use std::fmt;

use super::super::ast::{BinaryOp, Expansion, Expr, ExprKind, Limit, MemberKey, Quantifier, Question, UnaryOp};
use super::{Printer, is_plain, write_quoted};

/// How tight an expression binds, as the parser's levels.
const TERNARY: u8 = 1;
const QUANTIFIED: u8 = 4;
/// From here on an expression can stand before `IN collection`.
pub(super) const ORDER: u8 = 8;
pub(super) const RANGE: u8 = 9;
const UNARY: u8 = 12;
const LITERAL: u8 = 13;
/// What takes a suffix.
const REFERENCE: u8 = 14;

fn level(kind: &ExprKind) -> u8 {
    match kind {
        ExprKind::Ternary { .. } => TERNARY,
        ExprKind::Binary { op, .. } => operator(*op).1,
        ExprKind::Quantified { .. } => QUANTIFIED,
        ExprKind::Range { .. } => RANGE,
        ExprKind::Unary { .. } => UNARY,
        ExprKind::Null | ExprKind::Bool(_) | ExprKind::Int(_) | ExprKind::Double(_) | ExprKind::String(_) => LITERAL,
        ExprKind::Variable(_)
        | ExprKind::Source(_)
        | ExprKind::SourceBind(_)
        | ExprKind::Bind(_)
        | ExprKind::Array(_)
        | ExprKind::Object(_)
        | ExprKind::Attribute { .. }
        | ExprKind::AttributeBind { .. }
        | ExprKind::Index { .. }
        | ExprKind::Expansion(_)
        | ExprKind::Question(_)
        | ExprKind::Call { .. }
        | ExprKind::Subquery(_) => REFERENCE,
    }
}

/// The spelling and level of an operator.
fn operator(op: BinaryOp) -> (&'static str, u8) {
    match op {
        BinaryOp::Or => ("OR", 2),
        BinaryOp::And => ("AND", 3),
        BinaryOp::Eq => ("==", 6),
        BinaryOp::Ne => ("!=", 6),
        BinaryOp::Like => ("LIKE", 6),
        BinaryOp::NotLike => ("NOT LIKE", 6),
        BinaryOp::Matches => ("=~", 6),
        BinaryOp::NotMatches => ("!~", 6),
        BinaryOp::In => ("IN", 7),
        BinaryOp::NotIn => ("NOT IN", 7),
        BinaryOp::Lt => ("<", ORDER),
        BinaryOp::Le => ("<=", ORDER),
        BinaryOp::Gt => (">", ORDER),
        BinaryOp::Ge => (">=", ORDER),
        BinaryOp::Add => ("+", 10),
        BinaryOp::Sub => ("-", 10),
        BinaryOp::Mul => ("*", 11),
        BinaryOp::Div => ("/", 11),
        BinaryOp::Mod => ("%", 11),
    }
}

impl<'q> Printer<'_, 'q, '_> {
    pub(super) fn expression(&mut self, expr: &Expr<'q>) -> fmt::Result {
        match &expr.kind {
            ExprKind::Null => self.text("null"),
            ExprKind::Bool(value) => write!(self.out, "{value}"),
            ExprKind::Int(value) => write!(self.out, "{value}"),
            // The debug form always has a point or an exponent, so it is read back as a double.
            ExprKind::Double(value) => write!(self.out, "{value:?}"),
            ExprKind::String(value) => write_quoted(self.out, value, '"'),
            ExprKind::Variable(id) => self.variable(*id),
            ExprKind::Source(name) => match &*name.text {
                "OLD" | "NEW" | "CURRENT" => write_quoted(self.out, &name.text, '`'),
                text => self.name(text),
            },
            ExprKind::SourceBind(bind) | ExprKind::Bind(bind) => self.bind(bind),
            ExprKind::Array(elements) => {
                self.text("[")?;
                self.list(elements, Self::expression)?;
                self.text("]")
            }
            ExprKind::Object(members) => {
                self.text("{")?;
                self.list(members, |printer, member| {
                    printer.key(&member.key)?;
                    printer.text(": ")?;
                    printer.expression(&member.value)
                })?;
                self.text("}")
            }
            ExprKind::Attribute { base, .. } | ExprKind::AttributeBind { base, .. } | ExprKind::Index { base, .. } => {
                self.base(base)?;
                self.suffix(expr)
            }
            ExprKind::Expansion(expansion) => {
                self.base(&expansion.base)?;
                self.expansion(expansion)
            }
            ExprKind::Question(question) => {
                self.base(&question.base)?;
                self.question(question)
            }
            ExprKind::Unary { op, operand } => {
                self.text(match op {
                    UnaryOp::Plus => "+",
                    UnaryOp::Minus => "-",
                    UnaryOp::Not => "NOT ",
                })?;
                self.operand(operand, UNARY)
            }
            ExprKind::Binary { op, left, right } => self.binary(*op, left, right),
            ExprKind::Quantified {
                quantifier,
                op,
                left,
                right,
            } => {
                let (spelling, level) = operator(*op);
                let pattern = matches!(
                    op,
                    BinaryOp::Like | BinaryOp::NotLike | BinaryOp::Matches | BinaryOp::NotMatches
                );
                // `NOT` before a quantified pattern match negates the whole.
                self.operand(left, if pattern { LITERAL } else { QUANTIFIED })?;
                self.text(" ")?;
                self.quantifier(quantifier)?;
                write!(self.out, " {spelling} ")?;
                self.operand(right, level + 1)
            }
            ExprKind::Ternary {
                condition,
                then,
                otherwise,
            } => {
                self.operand(condition, TERNARY + 1)?;
                self.text(" ? ")?;
                if let Some(then) = then {
                    self.operand(then, TERNARY)?;
                    self.text(" ")?;
                }
                self.text(": ")?;
                self.operand(otherwise, TERNARY)
            }
            ExprKind::Range { low, high } => {
                self.operand(low, RANGE)?;
                self.text("..")?;
                self.operand(high, RANGE + 1)
            }
            ExprKind::Call { function, args } => {
                self.function(&function.text)?;
                self.text("(")?;
                self.list(args, Self::argument)?;
                self.text(")")
            }
            ExprKind::Subquery(block) => {
                self.text("(")?;
                self.block(block)?;
                self.text(")")
            }
        }
    }

    /// An argument of a call, where a query needs no parentheses of its own.
    fn argument(&mut self, expr: &Expr<'q>) -> fmt::Result {
        match &expr.kind {
            ExprKind::Subquery(block) => self.block(block),
            _ => self.expression(expr),
        }
    }

    /// An operand, in parentheses when it binds looser than `least`.
    pub(super) fn operand(&mut self, expr: &Expr<'q>, least: u8) -> fmt::Result {
        if level(&expr.kind) >= least {
            return self.expression(expr);
        }
        self.text("(")?;
        self.expression(expr)?;
        self.text(")")
    }

    fn binary(&mut self, op: BinaryOp, left: &Expr<'q>, right: &Expr<'q>) -> fmt::Result {
        let (spelling, level) = operator(op);
        // `NOT` as the first of two words binds as tight as `IN`, what follows `LIKE` as tight as after any `LIKE`.
        let left_level = if op == BinaryOp::NotLike { level + 1 } else { level };
        self.operand(left, left_level)?;
        write!(self.out, " {spelling} ")?;
        self.operand(right, level + 1)
    }

    /// What a suffix goes on; parentheses end the chain of an expansion.
    fn base(&mut self, base: &Expr<'q>) -> fmt::Result {
        let least = if matches!(base.kind, ExprKind::Expansion(_)) {
            u8::MAX
        } else {
            REFERENCE
        };
        self.operand(base, least)
    }

    /// What stands after the base of an attribute or index access.
    fn suffix(&mut self, expr: &Expr<'q>) -> fmt::Result {
        match &expr.kind {
            ExprKind::Attribute { name, .. } => {
                self.text(".")?;
                self.name(&name.text)
            }
            ExprKind::AttributeBind { bind, .. } => {
                self.text(".")?;
                self.bind(bind)
            }
            ExprKind::Index { index, .. } => {
                self.text("[")?;
                self.expression(index)?;
                self.text("]")
            }
            _ => Ok(()),
        }
    }

    fn expansion(&mut self, expansion: &Expansion<'q>) -> fmt::Result {
        self.text("[")?;
        for _ in 0..expansion.levels {
            self.text("*")?;
        }
        if let Some(filter) = &expansion.filter {
            self.text(" FILTER ")?;
            self.expression(filter)?;
        }
        if let Some(limit) = &expansion.limit {
            self.limit(limit)?;
        }
        if let Some(projection) = &expansion.projection {
            self.text(" RETURN ")?;
            self.expression(projection)?;
        }
        self.text("]")?;
        self.chain(&expansion.element)
    }

    fn limit(&mut self, limit: &Limit<'q>) -> fmt::Result {
        self.text(" LIMIT ")?;
        if let Some(offset) = &limit.offset {
            self.expression(offset)?;
            self.text(", ")?;
        }
        self.expression(&limit.count)
    }

    /// What follows the bracket of an expansion: suffixes upon the variable that stands for an element.
    fn chain(&mut self, element: &Expr<'q>) -> fmt::Result {
        match &element.kind {
            ExprKind::Attribute { base, .. } | ExprKind::AttributeBind { base, .. } | ExprKind::Index { base, .. } => {
                self.chain(base)?;
                self.suffix(element)
            }
            ExprKind::Expansion(expansion) => {
                self.chain(&expansion.base)?;
                self.expansion(expansion)
            }
            ExprKind::Question(question) => {
                self.chain(&question.base)?;
                self.question(question)
            }
            _ => Ok(()),
        }
    }

    fn question(&mut self, question: &Question<'q>) -> fmt::Result {
        self.text("[")?;
        for _ in 0..question.levels {
            self.text("?")?;
        }
        if let Some(quantifier) = &question.quantifier {
            self.text(" ")?;
            self.quantifier(quantifier)?;
        }
        if let Some(filter) = &question.filter {
            self.text(" FILTER ")?;
            self.expression(filter)?;
        }
        self.text("]")
    }

    fn quantifier(&mut self, quantifier: &Quantifier<'q>) -> fmt::Result {
        match quantifier {
            Quantifier::All => self.text("ALL"),
            Quantifier::Any => self.text("ANY"),
            Quantifier::None => self.text("NONE"),
            Quantifier::AtLeast(count) => {
                self.text("AT LEAST (")?;
                self.expression(count)?;
                self.text(")")
            }
            Quantifier::Count(count) => self.expression(count),
        }
    }

    fn key(&mut self, key: &MemberKey<'q>) -> fmt::Result {
        match key {
            MemberKey::Name(name) if is_plain(&name.text) => self.text(&name.text),
            MemberKey::Name(name) => write_quoted(self.out, &name.text, '"'),
            MemberKey::Bind(bind) => self.bind(bind),
            MemberKey::Computed(key) => {
                self.text("[")?;
                self.expression(key)?;
                self.text("]")
            }
        }
    }

    /// `LIKE` is the one reserved word that may be called.
    fn function(&mut self, name: &str) -> fmt::Result {
        if name == "LIKE" || name.split("::").all(is_plain) {
            return self.text(name);
        }
        write_quoted(self.out, name, '`')
    }
}
