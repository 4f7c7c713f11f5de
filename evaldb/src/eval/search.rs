//! `SEARCH` conditions: evaluated on each document of the view, without an index.
//!
//! As in a view's index, an array attribute satisfies a comparison when one of its elements does.

use mallku_db::aql::ast::{BinaryOp, Expr, ExprKind, UnaryOp};

use super::Evaluator;
use crate::error::Result;
use crate::functions;
use crate::value::Value;

impl Evaluator<'_> {
    pub(super) fn search(&mut self, expr: &Expr<'_>) -> Result<bool> {
        match &expr.kind {
            ExprKind::Binary {
                op: BinaryOp::And,
                left,
                right,
            } => Ok(self.search(left)? && self.search(right)?),
            ExprKind::Binary {
                op: BinaryOp::Or,
                left,
                right,
            } => Ok(self.search(left)? || self.search(right)?),
            ExprKind::Unary {
                op: UnaryOp::Not,
                operand,
            } => Ok(!self.search(operand)?),
            ExprKind::Call { function, args } if matches!(&*function.text, "ANALYZER" | "BOOST") => {
                for arg in args.iter().skip(1) {
                    self.operand(arg)?;
                }
                args.first().map_or(Ok(true), |condition| self.search(condition))
            }
            ExprKind::Binary { op, left, right } => {
                let left = self.operand(left)?;
                let right = self.operand(right)?;
                let items = left.as_array().map_or_else(|| vec![left.clone()], <[Value]>::to_vec);
                for item in items {
                    if self.search_relation(*op, &item, &right)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            _ => self.condition(expr),
        }
    }

    fn search_relation(&mut self, op: BinaryOp, left: &Value, right: &Value) -> Result<bool> {
        match op {
            BinaryOp::Like => Ok(functions::apply(self, "LIKE", &[left.clone(), right.clone()])?.is_true()),
            BinaryOp::NotLike => Ok(!functions::apply(self, "LIKE", &[left.clone(), right.clone()])?.is_true()),
            _ => Ok(super::expr::related(op, left, right)),
        }
    }
}
