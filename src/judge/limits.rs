//! The policy's limits on a query: sizes, rows, depths.

use super::analysis::Analysis;
use super::value::{Constant, Value};
use super::verdict::{Denial, Rule};
use crate::aql::ast::{Expr, ExprKind, Span};
use serde_json::{Map, Value as Json};

/// How many rows a block of statements can yield; `None`: as many as there are documents.
pub(super) struct Rows(Option<u64>);

impl Rows {
    pub(super) fn one() -> Self {
        Self(Some(1))
    }

    /// A loop over stored documents.
    pub(super) fn unbounded(&mut self) {
        self.0 = None;
    }

    /// A loop over an array of this length. An array that the query makes itself is limited where it is made.
    pub(super) fn times(&mut self, length: Option<u64>) {
        self.0 = self.0.and_then(|rows| rows.checked_mul(length.unwrap_or(1)));
    }

    /// A `LIMIT`, or a `COLLECT` without groups.
    pub(super) fn at_most(&mut self, count: Option<u64>) {
        self.0 = match (self.0, count) {
            (Some(rows), Some(count)) => Some(rows.min(count)),
            (rows, None) => rows,
            (None, count) => count,
        };
    }
}

impl<'a> Analysis<'a> {
    /// How many elements a loop's array has, where that is written in the query or bound.
    pub(super) fn known_length(&mut self, source: &'a Expr<'a>, value: &Value<'a>) -> Option<u64> {
        // Without the limit nobody asks, and the verdict need not depend on the bind value.
        self.set.limits.rows_without_limit?;
        if let ExprKind::Range { low, high } = &source.kind
            && let (ExprKind::Int(low), ExprKind::Int(high)) = (&low.kind, &high.kind)
        {
            return low.abs_diff(*high).checked_add(1);
        }
        match value {
            Value::Array(array) => u64::try_from(array.elements.len()).ok(),
            Value::Constant(
                constant @ Constant::Bind {
                    json: Json::Array(elements),
                    ..
                },
            ) => {
                self.inspect(constant);
                u64::try_from(elements.len()).ok()
            }
            _ => None,
        }
    }

    /// The count of a `LIMIT`, where the policy asks for it.
    pub(super) fn limit_count(&mut self, count: &'a Expr<'a>) -> Option<u64> {
        self.set.limits.rows_without_limit?;
        let value = self.expr(count);
        self.known_json(&value, count.span).and_then(|json| json.as_u64())
    }

    /// Denies a block that may yield more rows than the policy lets pass without a `LIMIT`.
    pub(super) fn check_rows(&mut self, rows: &Rows, span: Span) {
        let Some(most) = self.set.limits.rows_without_limit else {
            return;
        };
        match rows.0 {
            Some(rows) if rows <= most => {}
            Some(rows) => self.deny(
                Denial::new(
                    Rule::LimitExceeded,
                    format!("{rows} rows are more than the policy's {most}"),
                )
                .at(span)
                .hint(format!("use `LIMIT {most}` or less")),
            ),
            None => self.deny(
                Denial::new(
                    Rule::LimitExceeded,
                    "the query loops over stored documents without a `LIMIT`",
                )
                .at(span)
                .hint(format!("add `LIMIT {most}` or less before it returns")),
            ),
        }
    }
}

/// Measures bind values as JSON, up to the policy's limits.
pub(super) struct Size {
    bytes: usize,
    most_bytes: usize,
    most_depth: usize,
}

impl Size {
    pub(super) fn new(most_bytes: usize, most_depth: usize) -> Self {
        Self {
            bytes: 0,
            most_bytes,
            most_depth,
        }
    }

    /// What was added so far.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds the bind values; an error once they are too large or nest too deep.
    pub(super) fn object(&mut self, members: &Map<String, Json>) -> Result<(), Denial> {
        self.members(members, 1)
    }

    fn members(&mut self, members: &Map<String, Json>, depth: usize) -> Result<(), Denial> {
        self.add(2)?;
        for (key, value) in members {
            self.add(key.len().saturating_add(4))?;
            self.value(value, depth)?;
        }
        Ok(())
    }

    /// Adds a value.
    pub(super) fn value(&mut self, value: &Json, depth: usize) -> Result<(), Denial> {
        if depth > self.most_depth {
            return Err(Denial::new(
                Rule::LimitExceeded,
                format!(
                    "the bind values nest deeper than the policy's {} levels",
                    self.most_depth
                ),
            ));
        }
        match value {
            Json::Null | Json::Bool(_) => self.add(5),
            Json::Number(_) => self.add(8),
            Json::String(text) => self.add(text.len().saturating_add(2)),
            Json::Array(elements) => {
                self.add(2)?;
                elements.iter().try_for_each(|element| {
                    self.add(1)?;
                    self.value(element, depth + 1)
                })
            }
            Json::Object(members) => self.members(members, depth + 1),
        }
    }

    fn add(&mut self, bytes: usize) -> Result<(), Denial> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes <= self.most_bytes {
            return Ok(());
        }
        Err(Denial::new(
            Rule::LimitExceeded,
            format!("the bind values are larger than the policy's {} bytes", self.most_bytes),
        )
        .hint("send less at a time, or raise `limits.bindBytes`"))
    }
}
