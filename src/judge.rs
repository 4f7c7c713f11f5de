//! The judge: query text, bind values, who asks, and a schema set in; a [`Verdict`] out.
//!
//! A query passes only when every access that it can make, on any data, is known from its text, its bind values and the
//! schemas, and allowed. The [flow of values](value) through the query is followed statement by statement: a step onto
//! an attribute goes down the collection's shape, and a use of a value reads everything in it.
//!
//! INVARIANT: a pure function. No I/O, no clock, no state that a verdict depends on; anything unexpected is a denial.
#![forbid(unsafe_code)]
#![allow(clippy::single_match_else, reason = "a match shows both outcomes side by side")]

mod access;
mod analysis;
mod cache;
pub mod documents;
mod expressions;
mod functions;
mod limits;
mod mask;
mod message;
mod names;
mod numbers;
mod options;
mod render;
mod statements;
mod traversal;
mod value;
mod verdict;
mod writes;

pub use cache::{CacheState, Judge};
pub use mask::apply;
pub use render::{denial_json, render, to_json};
pub use verdict::*;

use std::collections::HashSet;

use analysis::Analysis;
use cache::Dependencies;

use crate::aql::{self, NormalForm, SyntaxError};
use crate::schema::{QueryPolicy, RoleSet, SchemaSet, WholeDocument};

/// Judges a query.
pub fn judge(set: &SchemaSet, request: &Request<'_>) -> Verdict {
    let roles = set.roles.of(request.user);
    if let Some(denial) = oversized(set, request) {
        return Verdict {
            denials: vec![denial],
            ..Verdict::default()
        };
    }
    judge_tracked(set, &Approvals::of(set), &roles, request).0
}

/// Judges a query within the limits on sizes, for somebody with these roles; also tells which bind values the verdict
/// hangs on.
fn judge_tracked(
    set: &SchemaSet,
    approvals: &Approvals,
    roles: &RoleSet,
    request: &Request<'_>,
) -> (Verdict, Dependencies) {
    let mut verdict = Verdict::default();
    let Some(resources) = set.resources.get(request.database) else {
        verdict
            .denials
            .push(Denial::database_not_served(request.database, &set.databases));
        return (verdict, Dependencies::default());
    };
    let (query, form) = match aql::normalise(request.query, &set.limits.parse_limits()) {
        Ok(normalised) => normalised,
        Err(error) => {
            verdict.denials.push(Denial::no_query(&error));
            return (verdict, Dependencies::default());
        }
    };
    verdict.fingerprint = form.fingerprint().to_string();
    if !approvals.admit(&form) {
        verdict.denials.push(Denial::not_approved());
    }
    let mut analysis = Analysis::new(set, resources, roles, request.query, &query, request.bind_vars);
    analysis.run();
    verdict.denials.append(&mut analysis.denials);
    verdict
        .denials
        .sort_by_key(|denial| denial.span.map_or(0, |span| span.start));
    verdict.reads = std::mem::take(&mut analysis.reads);
    verdict.writes = std::mem::take(&mut analysis.writes);
    verdict.functions = std::mem::take(&mut analysis.functions);
    let mut depends = analysis.dependencies();
    let maskable = set.whole_document == WholeDocument::Mask
        && !verdict.admitted()
        && verdict.denials.iter().all(|denial| denial.rule == Rule::WholeDocument);
    if maskable && let Some(edits) = mask::edits(&mut analysis) {
        depends = analysis.dependencies();
        if let Some(masked) = judge_masked(set, roles, request, &edits, &mut depends) {
            verdict.denials.clear();
            verdict.edits = edits;
            verdict.reads = masked.reads;
            verdict.functions = masked.functions;
        }
    }
    (verdict, depends)
}

/// The verdict on an edited query, where that is admitted as it stands.
fn judge_masked(
    set: &SchemaSet,
    roles: &RoleSet,
    request: &Request<'_>,
    edits: &[Edit],
    depends: &mut Dependencies,
) -> Option<Verdict> {
    let text = apply(request.query, edits);
    let resources = set.resources.get(request.database)?;
    let query = aql::parse_with(&text, &set.limits.parse_limits()).ok()?;
    let mut analysis = Analysis::new(set, resources, roles, &text, &query, request.bind_vars);
    analysis.run();
    depends.extend(analysis.dependencies());
    analysis.denials.is_empty().then(|| Verdict {
        reads: analysis.reads,
        writes: analysis.writes,
        functions: analysis.functions,
        ..Verdict::default()
    })
}

/// The normal forms of the approved queries; `None`: any query is judged.
#[derive(Debug)]
struct Approvals(Option<HashSet<NormalForm>>);

impl Approvals {
    /// Those of a schema set. A file that holds no query approves nothing.
    fn of(set: &SchemaSet) -> Self {
        match &set.queries {
            QueryPolicy::Any => Self(None),
            QueryPolicy::Approved(texts) => Self(Some(
                texts
                    .values()
                    .filter_map(|text| aql::normalise(text, &set.limits.parse_limits()).ok())
                    .map(|(_, form)| form)
                    .collect(),
            )),
        }
    }

    fn admit(&self, form: &NormalForm) -> bool {
        self.0.as_ref().is_none_or(|forms| forms.contains(form))
    }
}

/// A query or bind values beyond the policy's limits.
fn oversized(set: &SchemaSet, request: &Request<'_>) -> Option<Denial> {
    let limits = &set.limits;
    if request.query.len() > limits.query_bytes {
        let message = format!(
            "the query has {} bytes; the policy allows {}",
            request.query.len(),
            limits.query_bytes
        );
        return Some(
            Denial::new(Rule::LimitExceeded, message)
                .hint("hand long lists over as bind values, or raise `limits.queryBytes`"),
        );
    }
    let binds = request.bind_vars?;
    let mut size = limits::Size::new(limits.bind_bytes, limits.depth);
    size.object(binds).err()
}

impl Denial {
    fn no_query(error: &SyntaxError) -> Self {
        // ArangoDB's numbers for a function that it does not know, and for too much nesting.
        let rule = match error.error_num {
            1540 => Rule::FunctionUnknown,
            1524 => Rule::LimitExceeded,
            _ => Rule::Syntax,
        };
        let denial = Self::new(rule, error.message.clone()).at(error.span);
        match &error.suggestion {
            Some(suggestion) => denial.hint(suggestion.clone()),
            None => denial,
        }
    }
}
