//! What a checked schema set says: collections with their attributes, views, graphs, roles, limits.
//!
//! INVARIANT: a value of [`SchemaSet`] is valid as a whole; nothing that uses one has to check it again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::shape::Shape;
use super::validator::Validator;
use crate::aql::ParseLimits;

/// A valid schema set.
#[derive(Debug, Clone)]
pub struct SchemaSet {
    /// The databases served, in order of first mention.
    pub databases: Vec<String>,
    /// Collections, views and graphs of each served database, by database name.
    pub resources: BTreeMap<String, Resources>,
    /// Who has which role.
    pub roles: Roles,
    /// Which functions queries may call.
    pub functions: FunctionPolicy,
    /// Limits for everybody, with exceptions for roles.
    pub limits: Limits,
    /// Whether any query may be judged or only approved ones.
    pub queries: QueryPolicy,
    /// What happens when a document with hidden attributes would leave as a whole.
    pub whole_document: WholeDocument,
    /// Application users to create at start, by name.
    pub users: BTreeMap<String, ProvisionedUser>,
    /// SHA-256 of the files that the set was read from, in hexadecimal.
    pub digest: String,
}

/// What one database holds for clients.
#[derive(Debug, Clone, Default)]
pub struct Resources {
    /// Document and edge collections by name.
    pub collections: BTreeMap<String, Arc<Collection>>,
    /// Views by name.
    pub views: BTreeMap<String, Arc<View>>,
    /// Named graphs by name.
    pub graphs: BTreeMap<String, Arc<Graph>>,
}

/// A document or edge collection.
#[derive(Debug)]
pub struct Collection {
    /// Its name.
    pub name: String,
    /// `Some` for an edge collection.
    pub edge: Option<EdgeEnds>,
    /// Who may do what.
    pub allow: Allow,
    /// The attributes of its documents; system attributes (`_key`, `_id`, `_rev`, `_from`, `_to`) included.
    pub shape: Shape,
    /// The JSON Schema as written, without `x-mallku` and without asking for what is read-only, for validating documents.
    pub json_schema: Value,
    /// The same, compiled, for a whole document: one that is inserted, or that replaces another.
    pub validator: Validator,
    /// The same without the top level's `required`, for the attributes that an update merges into a valid document.
    ///
    /// `None` where the schema ties the document's attributes to each other (`oneOf`, `if`, `dependentRequired`,
    /// `maxProperties` …), not those of an attribute's value, which [`Shape::constrained`] tells: then the parts of a document can be valid and the whole is not, and nothing can be said of an update alone.
    pub update_validator: Option<Validator>,
    /// Indexes to create at start, each as the body of ArangoDB's `POST /_api/index`.
    pub indexes: Vec<Value>,
    /// Whether it is created at start when it is missing.
    pub provision: bool,
}

/// Where an edge's ends may be.
#[derive(Debug, Clone)]
pub struct EdgeEnds {
    /// Collections that `_from` may point to.
    pub from: BTreeSet<String>,
    /// Collections that `_to` may point to.
    pub to: BTreeSet<String>,
}

/// A view over collections.
#[derive(Debug)]
pub struct View {
    /// Its name.
    pub name: String,
    /// The collections that it spans; each is known.
    pub collections: BTreeSet<String>,
    /// Who may read it.
    pub allow: Allow,
    /// The body of ArangoDB's `POST /_api/view` without the name: `type`, `links`, … as `definition` gives it.
    pub definition: Value,
    /// Whether it is created at start when it is missing.
    pub provision: bool,
}

/// A named graph.
#[derive(Debug)]
pub struct Graph {
    /// Its name.
    pub name: String,
    /// Its edge collections; each is known and is an edge collection.
    pub edges: BTreeSet<String>,
    /// Vertex collections without edges.
    pub orphans: BTreeSet<String>,
    /// Who may read it.
    pub allow: Allow,
    /// Whether it is created at start when it is missing.
    pub provision: bool,
}

/// An operation on a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Reading documents.
    Read,
    /// Creating documents.
    Insert,
    /// Changing documents in part.
    Update,
    /// Replacing documents.
    Replace,
    /// Deleting documents.
    Remove,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 5] = [Self::Read, Self::Insert, Self::Update, Self::Replace, Self::Remove];

    /// Its name in `allow` and in verdicts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Remove => "remove",
        }
    }
}

/// The role that everybody has.
pub const EVERYBODY: &str = "*";

/// Who may do what: role to operations; the role `*` is everybody.
#[derive(Debug, Clone, Default)]
pub struct Allow {
    /// Operations by role.
    pub by_role: BTreeMap<String, BTreeSet<Operation>>,
}

impl Allow {
    /// Whether somebody with these roles may do this.
    pub fn permits(&self, roles: &RoleSet, operation: Operation) -> bool {
        roles.iter().any(|role| {
            self.by_role
                .get(role)
                .is_some_and(|allowed| allowed.contains(&operation))
        })
    }
}

/// Role to users.
#[derive(Debug, Clone, Default)]
pub struct Roles {
    /// The users of each role; the role `*` is everybody and is not listed.
    pub users: BTreeMap<String, BTreeSet<String>>,
}

/// The roles of somebody who asks; `*` is always among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleSet(BTreeSet<String>);

impl RoleSet {
    /// Nobody in particular: the role `*` only.
    pub fn everybody() -> Self {
        Self(BTreeSet::from([EVERYBODY.to_owned()]))
    }

    /// Whether this role is one of them.
    pub fn contains(&self, role: &str) -> bool {
        self.0.contains(role)
    }

    /// The roles in order, `*` first.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl Roles {
    /// The roles of a user; of nobody in particular for `None`.
    pub fn of(&self, user: Option<&str>) -> RoleSet {
        let mut roles = RoleSet::everybody();
        if let Some(user) = user {
            let held = self.users.iter().filter(|(_, users)| users.contains(user));
            roles.0.extend(held.map(|(role, _)| role.clone()));
        }
        roles
    }
}

/// Which functions queries may call.
#[derive(Debug, Clone)]
pub struct FunctionPolicy {
    /// Names (upper-cased) and classes (`@pure`) that are allowed.
    pub allow: BTreeSet<String>,
    /// Names and classes that are denied; a name here is stronger than a class in `allow`.
    pub deny: BTreeSet<String>,
}

/// Limits; those of [`RoleLimits`] may differ by role.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Query text, in bytes.
    pub query_bytes: usize,
    /// Bind values as JSON, in bytes.
    pub bind_bytes: usize,
    /// A request's body, in bytes.
    pub body_bytes: usize,
    /// Nesting of a query or of JSON.
    pub depth: usize,
    /// Nodes of a query's tree.
    pub nodes: usize,
    /// Run time written into each query, in seconds.
    pub max_runtime: f64,
    /// Memory limit written into each query, in bytes.
    pub memory_limit: u64,
    /// Largest batch of a cursor, in rows.
    pub batch_size: Option<u64>,
    /// Longest life of an idle cursor, in seconds.
    pub ttl: Option<f64>,
    /// Deepest traversal.
    pub traversal_depth: Option<u64>,
    /// Whether a query that reads a collection must have a `LIMIT`, and the largest one.
    pub rows_without_limit: Option<u64>,
    /// For everybody (`*`) and by role.
    pub by_role: BTreeMap<String, RoleLimits>,
}

impl Limits {
    /// Those of a query's text.
    pub fn parse_limits(&self) -> ParseLimits {
        ParseLimits {
            bytes: self.query_bytes,
            depth: u32::try_from(self.depth).unwrap_or(u32::MAX),
            nodes: u32::try_from(self.nodes).unwrap_or(u32::MAX),
        }
    }
}

/// Limits on what the members of a role may do at a time.
#[derive(Debug, Clone, Default)]
pub struct RoleLimits {
    /// Requests a second for each user.
    pub requests_per_second: Option<f64>,
    /// Requests at the same time for each user.
    pub concurrent: Option<u64>,
}

/// Which queries are judged at all.
#[derive(Debug, Clone)]
pub enum QueryPolicy {
    /// Any query is judged.
    Any,
    /// Only queries with the normal form of one of these: file name to query text.
    Approved(BTreeMap<String, String>),
}

/// What happens when a document with hidden attributes would leave as a whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WholeDocument {
    /// The query is denied.
    #[default]
    Deny,
    /// The document is reduced to its readable attributes.
    Mask,
}

/// An application user to create at start.
#[derive(Debug, Clone)]
pub struct ProvisionedUser {
    /// The file that holds the password.
    pub password_file: String,
    /// The database that it may use; absent: every served one.
    pub database: Option<String>,
    /// Its role in the policy.
    pub role: Option<String>,
}
