//! `OPTIONS` of statements: names that are allowed, with values known before the query runs.
//!
//! INVARIANT: an option that is not in a table here is denied: ArangoDB only warns of a name that it does not know, and
//! its next version may give it a meaning.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::analysis::Analysis;
use super::message::{listed, nearest};
use super::names::Named;
use super::verdict::{Denial, Rule};
use crate::aql::ast::{Expr, ExprKind, MemberKey, Span};

/// Options of a `FOR` over a collection.
pub(super) const FOR: &[&str] = &[
    "indexHint",
    "forceIndexHint",
    "disableIndex",
    "maxProjections",
    "useCache",
    "lookahead",
];

/// Options of a `FOR … SEARCH`.
pub(super) const SEARCH: &[&str] = &[
    "collections",
    "conditionOptimization",
    "countApproximate",
    "parallelism",
];

/// Options of a traversal.
pub(super) const TRAVERSAL: &[&str] = &[
    "order",
    "bfs",
    "uniqueVertices",
    "uniqueEdges",
    "edgeCollections",
    "vertexCollections",
    "parallelism",
    "maxProjections",
    "weightAttribute",
    "defaultWeight",
    "useCache",
    "indexHint",
];

/// Options of a path search.
pub(super) const PATHS: &[&str] = &["weightAttribute", "defaultWeight", "useCache", "algorithm"];

/// Options of a `COLLECT`.
pub(super) const COLLECT: &[&str] = &["method", "disableIndex"];

/// Options of an `INSERT`.
pub(super) const INSERT: &[&str] = &[
    "ignoreErrors",
    "waitForSync",
    "overwrite",
    "overwriteMode",
    "keepNull",
    "mergeObjects",
    "refillIndexCaches",
    "versionAttribute",
    "exclusive",
];

/// Options of an `UPDATE` or a `REPLACE`.
pub(super) const UPDATE: &[&str] = &[
    "ignoreErrors",
    "waitForSync",
    "keepNull",
    "mergeObjects",
    "ignoreRevs",
    "refillIndexCaches",
    "versionAttribute",
    "exclusive",
];

/// Options of a `REMOVE`.
pub(super) const REMOVE: &[&str] = &[
    "ignoreErrors",
    "waitForSync",
    "ignoreRevs",
    "refillIndexCaches",
    "exclusive",
];

/// Options of an `UPSERT`.
pub(super) const UPSERT: &[&str] = &[
    "ignoreErrors",
    "waitForSync",
    "keepNull",
    "mergeObjects",
    "ignoreRevs",
    "refillIndexCaches",
    "versionAttribute",
    "exclusive",
    "indexHint",
    "forceIndexHint",
    "disableIndex",
    "useCache",
    "readOwnWrites",
];

/// Options that change what a modification does, so that nothing but a boolean is taken for one.
const BOOLEANS: &[&str] = &["keepNull", "mergeObjects", "overwrite", "ignoreRevs"];

/// The options that a statement gives.
#[derive(Debug, Default)]
pub(super) struct Options<'a> {
    values: BTreeMap<Cow<'a, str>, (Json, Span)>,
}

impl Options<'_> {
    pub(super) fn get(&self, name: &str) -> Option<(&Json, Span)> {
        self.values.get(name).map(|(value, span)| (value, *span))
    }

    /// Whether an option that is on by default was switched off.
    pub(super) fn is_off(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(|(value, _)| !truthy(value))
    }

    /// Whether an option that is off by default was switched on.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(|(value, _)| truthy(value))
    }
}

/// ArangoDB takes what is no boolean by its truth.
fn truthy(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::Bool(value) => *value,
        Json::Number(number) => number.as_f64() != Some(0.0),
        Json::String(text) => !text.is_empty(),
        Json::Array(_) | Json::Object(_) => true,
    }
}

impl<'a> Analysis<'a> {
    /// The options of a statement, each allowed and known.
    pub(super) fn options(&mut self, given: &'a Expr<'a>, allowed: &[&str]) -> Options<'a> {
        let mut options = Options::default();
        let ExprKind::Object(members) = &given.kind else {
            let value = self.expr(given);
            self.read(&value, given.span);
            self.deny(Denial::option("the options have to be an object literal", given.span));
            return options;
        };
        for member in members {
            let value = self.expr(&member.value);
            self.read(&value, member.value.span);
            let value = self.known_json(&value, member.value.span);
            let MemberKey::Name(name) = &member.key else {
                if let MemberKey::Computed(key) = &member.key {
                    self.read_expr(key);
                } else if let MemberKey::Bind(bind) = &member.key {
                    self.bind(bind);
                }
                self.deny(Denial::option(
                    "the name of an option has to be written out",
                    member.span,
                ));
                continue;
            };
            if !allowed.contains(&name.text.as_ref()) {
                let denial = Denial::option(format!("the option `{}` is not allowed here", name.text), name.span);
                self.deny(match nearest(&name.text, allowed.iter().copied()) {
                    Some(near) => denial.hint(format!("did you mean `{near}`?")),
                    None => denial.hint(format!("allowed here: {}", listed(allowed))),
                });
                continue;
            }
            let Some(value) = value else {
                self.deny(
                    Denial::option(
                        format!(
                            "the value of the option `{}` is known only when the query runs",
                            name.text
                        ),
                        member.value.span,
                    )
                    .hint("write it as a literal or bind it"),
                );
                continue;
            };
            if name.text == "forceIndexHint" && truthy(&value) {
                self.deny(
                    Denial::option(
                        "`forceIndexHint` is not allowed: its error tells which indexes exist",
                        member.span,
                    )
                    .hint("leave it out: `indexHint` alone is allowed"),
                );
            }
            if BOOLEANS.contains(&name.text.as_ref()) && !value.is_boolean() {
                self.deny(Denial::option(
                    format!("`{}` has to be true or false", name.text),
                    member.value.span,
                ));
            }
            let entry = (value.into_owned(), member.value.span);
            if options.values.insert(name.text.clone(), entry).is_some() {
                self.deny(Denial::option(
                    format!("the option `{}` is given twice", name.text),
                    member.span,
                ));
            }
        }
        options
    }

    /// `SEARCH … OPTIONS {collections: […]}`: names of collections that the view spans.
    pub(super) fn check_search_collections(&mut self, options: &Options<'a>, source: &'a Expr<'a>) {
        let Some((value, span)) = options.get("collections") else {
            return;
        };
        let name = match &source.kind {
            ExprKind::Source(name) => name.text.clone(),
            ExprKind::SourceBind(bind) => match self.bound_name(bind) {
                Some(name) => name,
                None => return,
            },
            _ => return,
        };
        let Some(view) = self.resources.views.get(name.as_ref()) else {
            return;
        };
        let value = value.clone();
        self.check_collection_names(&value, span, |collection| view.collections.contains(collection));
    }

    /// Checks that an option's value is a collection's name or an array of them, each one among those that the
    /// statement reaches anyway.
    pub(super) fn check_collection_names(&mut self, value: &Json, span: Span, reached: impl Fn(&str) -> bool) {
        let names: Vec<&Json> = match value {
            Json::Array(names) => names.iter().collect(),
            Json::Null => Vec::new(),
            single => vec![single],
        };
        for name in names {
            match name.as_str() {
                Some(name) if reached(name) => {}
                Some(name) => {
                    if let Named::Collection(_) | Named::View(_) = self.resolve(name, span, false) {
                        self.deny(
                            Denial::option(format!("`{name}` is not reached by this statement"), span)
                                .about(name)
                                .hint("the option can only leave collections out"),
                        );
                    }
                }
                None => self.deny(Denial::option("collections are named by strings", span)),
            }
        }
    }
}

impl Denial {
    pub(super) fn option(message: impl Into<String>, span: Span) -> Self {
        Self::new(Rule::OptionNotAllowed, message).at(span)
    }
}
