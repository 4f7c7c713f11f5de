//! What the judge says: the accesses of a query, and each reason to deny it.

use std::collections::{BTreeMap, BTreeSet};

use crate::aql::ast::Span;
use crate::schema::Operation;

/// What is judged.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The query text.
    pub query: &'a str,
    /// The bind values by key (`x`, or `@x` for a collection); `None` is the same as empty.
    pub bind_vars: Option<&'a serde_json::Map<String, serde_json::Value>>,
    /// Who asks, as the gate learned it from the credentials; `None`: nobody in particular, with the role `*` only.
    pub user: Option<&'a str>,
    /// The database that the query would run in.
    pub database: &'a str,
}

/// The judge's answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verdict {
    /// Fingerprint of the query's normal form, in hexadecimal; empty when the text is no query.
    pub fingerprint: String,
    /// Attribute paths read, by collection; `*` stands for the whole document.
    pub reads: BTreeMap<String, BTreeSet<String>>,
    /// Attribute paths written, by collection and operation.
    pub writes: BTreeMap<String, BTreeMap<Operation, BTreeSet<String>>>,
    /// Built-in and user-defined functions called, upper-cased.
    pub functions: BTreeSet<String>,
    /// Every reason to deny; empty: the query is admitted.
    pub denials: Vec<Denial>,
    /// In mask mode, the replacements that make the query admissible, in order of place, never overlapping.
    pub edits: Vec<Edit>,
}

impl Verdict {
    /// Whether the query may run (with [`Verdict::edits`] applied).
    pub fn admitted(&self) -> bool {
        self.denials.is_empty()
    }
}

/// Denials kept of one request: what earns more is not read to the end by anybody, and a client decides how many it earns.
pub(super) const MOST_DENIALS: usize = 100;

/// Adds a denial, unless it is there already or there are enough of them.
pub(super) fn deny(denials: &mut Vec<Denial>, denial: Denial) {
    if denials.len() >= MOST_DENIALS {
        return;
    }
    let denial = denial.clipped();
    if !denials.contains(&denial) {
        denials.push(denial);
    }
}

/// One reason to deny.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// The rule that denies.
    pub rule: Rule,
    /// What is wrong, naming the thing.
    pub message: String,
    /// The collection, view or graph concerned.
    pub collection: Option<String>,
    /// The attribute path concerned, joined with dots.
    pub attribute: Option<String>,
    /// The place in the query text, where there is one.
    pub span: Option<Span>,
    /// How to write it so that it passes.
    pub hint: Option<String>,
}

/// A replacement of a part of the query text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced.
    pub span: Span,
    /// By what.
    pub text: String,
}

macro_rules! rules {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// The rules, by their stable names (contract, section 3).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $($(#[$doc])* $variant,)*
        }

        impl Rule {
            /// Every rule.
            pub const ALL: &'static [Rule] = &[$(Rule::$variant,)*];

            /// The stable name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Rule::$variant => $name,)*
                }
            }
        }
    };
}

rules! {
    /// The text is no AQL.
    Syntax = "syntax",
    /// A collection that the schema set does not name.
    UnknownCollection = "unknown-collection",
    /// An operation that the collection does not allow to this user.
    OperationNotAllowed = "operation-not-allowed",
    /// A view that the schema set does not name.
    UnknownView = "unknown-view",
    /// A graph that the schema set does not name.
    UnknownGraph = "unknown-graph",
    /// An attribute that the closed schema does not name.
    AttributeUnknown = "attribute-unknown",
    /// An attribute that this user may learn nothing about.
    AttributeHidden = "attribute-hidden",
    /// An attribute that clients may not write.
    AttributeReadOnly = "attribute-read-only",
    /// A document with hidden attributes used as a whole.
    WholeDocument = "whole-document",
    /// An attribute name that is known only when the query runs.
    DynamicAttribute = "dynamic-attribute",
    /// A collection name that is known only when the query runs.
    DynamicCollection = "dynamic-collection",
    /// A written document that breaks the collection's schema, or that cannot be shown to keep it.
    DocumentInvalid = "document-invalid",
    /// A function that the policy does not allow.
    FunctionNotAllowed = "function-not-allowed",
    /// A function that does not exist.
    FunctionUnknown = "function-unknown",
    /// An anonymous traversal without its vertex collections in `WITH`.
    TraversalNeedsWith = "traversal-needs-with",
    /// A start vertex whose collection is not known or not allowed.
    TraversalStart = "traversal-start",
    /// A traversal deeper than the limit.
    TraversalTooDeep = "traversal-too-deep",
    /// A bind parameter without a value.
    BindMissing = "bind-missing",
    /// A bind value that the query does not use.
    BindUnused = "bind-unused",
    /// A bind value of the wrong type.
    BindType = "bind-type",
    /// A query or statement option that is not allowed.
    OptionNotAllowed = "option-not-allowed",
    /// A limit of the policy.
    LimitExceeded = "limit-exceeded",
    /// A query that is not among the approved ones.
    NotApproved = "not-approved",
    /// A database that the schema set does not serve.
    DatabaseNotServed = "database-not-served",
    /// A route of ArangoDB's API that the gate does not serve.
    EndpointNotAllowed = "endpoint-not-allowed",
    /// A request that cannot be understood without doubt.
    RequestMalformed = "request-malformed",
    /// More requests than the policy allows.
    RateLimited = "rate-limited",
}
