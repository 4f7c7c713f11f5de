//! The table of operators between operands, and the comparisons that a quantifier makes of them.
//!
//! The levels restate the `%left`/`%right`/`%nonassoc` lines of `arangod/Aql/grammar.y`; a rule there has the precedence
//! of its last operator token, so `x ALL == y` takes its right operand at the level of `==`.

use super::super::ast::{BinaryOp, Expr, ExprKind, Quantifier};
use super::super::token::{Kind, Token};
use super::{Parsed, Parser};

/// How tight operators bind; a higher level binds tighter.
pub(super) mod level {
    pub(in crate::aql::parser) const ANYTHING: u8 = 0;
    pub(in crate::aql::parser) const TERNARY: u8 = 1;
    pub(in crate::aql::parser) const OR: u8 = 2;
    pub(in crate::aql::parser) const AND: u8 = 3;
    pub(in crate::aql::parser) const QUANTIFIER: u8 = 4;
    pub(in crate::aql::parser) const AT_LEAST: u8 = 5;
    pub(in crate::aql::parser) const EQUALITY: u8 = 6;
    pub(in crate::aql::parser) const MEMBERSHIP: u8 = 7;
    pub(in crate::aql::parser) const ORDER: u8 = 8;
    pub(in crate::aql::parser) const RANGE: u8 = 9;
    pub(in crate::aql::parser) const SUM: u8 = 10;
    pub(in crate::aql::parser) const PRODUCT: u8 = 11;
}

/// What a token is between two operands.
#[derive(Clone, Copy)]
pub(super) enum Infix {
    Binary {
        op: BinaryOp,
        level: u8,
    },
    Range,
    /// The `NOT` of `NOT LIKE`, `NOT =~` and `NOT !~`.
    Negated,
    /// `ALL`, `ANY`, `NONE`.
    Quantified,
    AtLeast,
    Ternary,
}

impl Infix {
    pub(super) fn of(kind: Kind) -> Option<Self> {
        Some(match kind {
            Kind::Question => Self::Ternary,
            Kind::Or => Self::Binary {
                op: BinaryOp::Or,
                level: level::OR,
            },
            Kind::And => Self::Binary {
                op: BinaryOp::And,
                level: level::AND,
            },
            Kind::All | Kind::Any | Kind::None => Self::Quantified,
            Kind::AtLeast => Self::AtLeast,
            Kind::Not => Self::Negated,
            Kind::Range => Self::Range,
            Kind::Plus => Self::Binary {
                op: BinaryOp::Add,
                level: level::SUM,
            },
            Kind::Minus => Self::Binary {
                op: BinaryOp::Sub,
                level: level::SUM,
            },
            Kind::Times => Self::Binary {
                op: BinaryOp::Mul,
                level: level::PRODUCT,
            },
            Kind::Div => Self::Binary {
                op: BinaryOp::Div,
                level: level::PRODUCT,
            },
            Kind::Mod => Self::Binary {
                op: BinaryOp::Mod,
                level: level::PRODUCT,
            },
            kind => comparison(kind).map(|(op, level)| Self::Binary { op, level })?,
        })
    }

    pub(super) fn level(self) -> u8 {
        match self {
            Self::Binary { level, .. } => level,
            Self::Range => level::RANGE,
            Self::Negated => level::MEMBERSHIP,
            Self::Quantified => level::QUANTIFIER,
            Self::AtLeast => level::AT_LEAST,
            Self::Ternary => level::TERNARY,
        }
    }
}

/// The comparisons, each of which can be quantified; `LIKE`, `=~` and `!~` from ArangoDB 4.0 only
/// (`tests/js/client/aql/aql-array-like.js` and `aql-array-regex.js`).
fn comparison(kind: Kind) -> Option<(BinaryOp, u8)> {
    Some(match kind {
        Kind::Eq => (BinaryOp::Eq, level::EQUALITY),
        Kind::Ne => (BinaryOp::Ne, level::EQUALITY),
        Kind::Like => (BinaryOp::Like, level::EQUALITY),
        Kind::Matches => (BinaryOp::Matches, level::EQUALITY),
        Kind::NotMatches => (BinaryOp::NotMatches, level::EQUALITY),
        Kind::In => (BinaryOp::In, level::MEMBERSHIP),
        Kind::NotIn => (BinaryOp::NotIn, level::MEMBERSHIP),
        Kind::Lt => (BinaryOp::Lt, level::ORDER),
        Kind::Le => (BinaryOp::Le, level::ORDER),
        Kind::Gt => (BinaryOp::Gt, level::ORDER),
        Kind::Ge => (BinaryOp::Ge, level::ORDER),
        _ => return None,
    })
}

impl<'q> Parser<'q> {
    pub(super) fn binary(&mut self, op: BinaryOp, left: Expr<'q>, start: u32, right_level: u8) -> Parsed<Expr<'q>> {
        let right = self.operand(right_level, false)?;
        self.node(
            start,
            ExprKind::Binary {
                op,
                left: Box::new(left),
                right: Box::new(right),
            },
        )
    }

    /// The comparison that begins at `token`, after a quantifier: the operator, its level and whether it is two tokens.
    pub(super) fn quantified_operator(&self, token: Token) -> Option<(BinaryOp, u8, bool)> {
        let like = if token.kind == Kind::Not {
            self.after(token)
        } else {
            token
        };
        if like.kind == Kind::Like {
            let op = if like == token {
                BinaryOp::Like
            } else {
                BinaryOp::NotLike
            };
            // `ANY LIKE(…)` is a direction and a call (`testAnyLikeOpenParenIsLikeFunction` there).
            let next = self.after(like);
            let called = next.kind == Kind::Open && next.start == like.end;
            return (!called).then_some((op, level::EQUALITY, like != token));
        }
        comparison(token.kind).map(|(op, level)| (op, level, false))
    }

    /// Whether a quantified `LIKE`, `=~` or `!~` begins here. A `NOT` before its left operand negates the whole, other than
    /// with the older comparisons (`testNotArrayAllRegexNonMatchParse` in `aql-parse.js`).
    pub(super) fn at_quantified_pattern(&self) -> bool {
        self.quantifier().is_some()
            && self
                .quantified_operator(self.after(self.token))
                .is_some_and(|(op, ..)| {
                    matches!(
                        op,
                        BinaryOp::Like | BinaryOp::NotLike | BinaryOp::Matches | BinaryOp::NotMatches
                    )
                })
    }

    /// `left ALL == right`, from the quantifier on.
    pub(super) fn quantified(&mut self, left: Expr<'q>, start: u32) -> Parsed<Expr<'q>> {
        let Some(quantifier) = self.quantifier() else {
            return Err(self.unexpected(&["a quantifier"]));
        };
        self.bump();
        self.quantified_comparison(left, start, quantifier)
    }

    /// `left AT LEAST (n) == right`, from `AT LEAST` on.
    pub(super) fn at_least(&mut self, left: Expr<'q>, start: u32) -> Parsed<Expr<'q>> {
        let quantifier = self.at_least_quantifier()?;
        self.quantified_comparison(left, start, quantifier)
    }

    pub(super) fn at_least_quantifier(&mut self) -> Parsed<Quantifier<'q>> {
        self.bump();
        let open = self.expect(Kind::Open)?;
        self.enter()?;
        let count = self.expression()?;
        self.close(Kind::Close, open)?;
        self.leave();
        Ok(Quantifier::AtLeast(Box::new(count)))
    }

    fn quantified_comparison(&mut self, left: Expr<'q>, start: u32, quantifier: Quantifier<'q>) -> Parsed<Expr<'q>> {
        let Some((op, level, two_tokens)) = self.quantified_operator(self.token) else {
            return Err(self.unexpected(&["a comparison"]));
        };
        self.bump();
        if two_tokens {
            self.bump();
        }
        let right = Box::new(self.operand(level + 1, false)?);
        self.node(
            start,
            ExprKind::Quantified {
                quantifier,
                op,
                left: Box::new(left),
                right,
            },
        )
    }
}

/// The operator that `NOT` and this token are together. `NOT !~` is a double negation.
pub(super) fn negated_operator(kind: Kind) -> Option<BinaryOp> {
    match kind {
        Kind::Like => Some(BinaryOp::NotLike),
        Kind::Matches => Some(BinaryOp::NotMatches),
        Kind::NotMatches => Some(BinaryOp::Matches),
        _ => None,
    }
}
