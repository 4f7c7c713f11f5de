//! The policy's limits on a query: sizes, rows, depths.

use super::analysis::Analysis;
use super::value::{Constant, Value};
use super::verdict::{Denial, Rule};
use crate::aql::ast::{BinaryOp, Expr, ExprKind, Span, VarId};
use serde_json::{Map, Value as Json};

/// How many rows a block of statements can yield; `None`: as many as there are documents.
pub(super) struct Rows {
    most: Option<u64>,
    /// The variable of the last loop, where that is over one collection, and the rows before it.
    looked_up: Option<(VarId, Option<u64>)>,
}

impl Rows {
    pub(super) fn one() -> Self {
        Self {
            most: Some(1),
            looked_up: None,
        }
    }

    /// A loop over stored documents; `variable`: over the documents of one collection.
    pub(super) fn unbounded(&mut self, variable: Option<VarId>) {
        self.looked_up = variable.map(|variable| (variable, self.most));
        self.most = None;
    }

    /// A loop over an array of this length. An array that the query makes itself is limited where it is made.
    pub(super) fn times(&mut self, length: Option<u64>) {
        self.most = self.most.and_then(|rows| rows.checked_mul(length.unwrap_or(1)));
        self.looked_up = None;
    }

    /// A `LIMIT`, or a `COLLECT` without groups.
    pub(super) fn at_most(&mut self, count: Option<u64>) {
        self.most = match (self.most, count) {
            (Some(rows), Some(count)) => Some(rows.min(count)),
            (rows, None) => rows,
            (None, count) => count,
        };
    }

    /// A `COLLECT`: loops end here.
    pub(super) fn grouped(&mut self) {
        self.looked_up = None;
    }

    /// A `FILTER`: no two documents of a collection have the same key.
    pub(super) fn filtered(&mut self, condition: &Expr<'_>) {
        if let Some((variable, before)) = self.looked_up
            && names_one(condition, variable)
        {
            self.at_most(before);
        }
    }
}

/// Whether a condition holds for one document at most: it asks for a `_key` or `_id` that is the same for all rows.
fn names_one(condition: &Expr<'_>, variable: VarId) -> bool {
    let ExprKind::Binary { op, left, right } = &condition.kind else {
        return false;
    };
    let key = |expr: &Expr<'_>| match &expr.kind {
        ExprKind::Attribute { base, name } => {
            matches!(base.kind, ExprKind::Variable(of) if of == variable) && (name.text == "_key" || name.text == "_id")
        }
        _ => false,
    };
    let fixed = |expr: &Expr<'_>| matches!(expr.kind, ExprKind::Bind(_) | ExprKind::String(_));
    match op {
        BinaryOp::And => names_one(left, variable) || names_one(right, variable),
        BinaryOp::Eq => (key(left) && fixed(right)) || (fixed(left) && key(right)),
        _ => false,
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
            Value::Constant(constant @ Constant::Bind { json, .. }) => {
                self.inspect(constant);
                json.as_array().and_then(|elements| u64::try_from(elements.len()).ok())
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

    /// Denies a function that finds documents by itself without a limit of its own, where the policy asks for one.
    pub(super) fn limit_found(&mut self, count: Option<&'a Expr<'a>>, span: Span) {
        if self.set.limits.rows_without_limit.is_some() {
            let most = count.and_then(|count| self.limit_count(count));
            let rows = Rows { most, looked_up: None };
            self.check_rows(&rows, span);
        }
    }

    /// Denies a block that may yield more rows than the policy lets pass without a `LIMIT`.
    pub(super) fn check_rows(&mut self, rows: &Rows, span: Span) {
        let Some(most) = self.set.limits.rows_without_limit else {
            return;
        };
        match rows.most {
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
