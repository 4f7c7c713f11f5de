//! The same rules for what needs no query: documents by key, and the collections of a transaction.
//!
//! INVARIANT: what a client may not do with a query it may not do through the documents API, and a document that leaves
//! is reduced to what the client may read.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::message::kind_of;
use super::verdict::{Denial, MOST_DENIALS, Rule, Verdict, deny};
use super::writes::{Mode, check_json, replaced_document};
use crate::schema::{Collection, Operation, Others, RoleSet, SchemaSet, Shape};

/// Who asks, and where.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Who asks; `None`: nobody in particular.
    pub user: Option<&'a str>,
    /// The database.
    pub database: &'a str,
    /// The collection.
    pub collection: &'a str,
}

/// An operation on documents.
#[derive(Debug, Clone, Copy)]
pub enum DocumentOperation<'a> {
    /// Reading documents by key, or whether they are there.
    Read,
    /// Creating documents.
    Insert {
        /// The documents.
        documents: &'a [Json],
        /// What happens to a document with the same key.
        overwrite: Overwrite,
    },
    /// Replacing documents.
    Replace {
        /// The documents afterwards.
        documents: &'a [Json],
    },
    /// Changing documents in part.
    Update {
        /// The attributes to set.
        documents: &'a [Json],
        /// How they meet the stored ones.
        merge: Merge,
    },
    /// Deleting documents.
    Remove,
}

impl<'a> DocumentOperation<'a> {
    /// The documents that it writes.
    pub fn documents(&self) -> &'a [Json] {
        match *self {
            Self::Insert { documents, .. } | Self::Replace { documents } | Self::Update { documents, .. } => documents,
            Self::Read | Self::Remove => &[],
        }
    }
}

/// What creating a document does where one with its key is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    /// It fails.
    Conflict,
    /// Nothing.
    Ignore,
    /// It replaces it.
    Replace,
    /// It updates it.
    Update(Merge),
}

/// How the attributes of an update meet the stored ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Merge {
    /// Whether an attribute set to null stays; else it is dropped.
    pub keep_null: bool,
    /// Whether objects are merged into stored objects; else they replace them.
    pub merge_objects: bool,
}

impl Default for Merge {
    /// ArangoDB's defaults.
    fn default() -> Self {
        Self {
            keep_null: true,
            merge_objects: true,
        }
    }
}

/// Judges an operation on documents. `returns`: whether the answer holds stored documents (`returnOld`, `returnNew`);
/// they have to be reduced with [`Projection`].
pub fn judge_documents(set: &SchemaSet, place: Place<'_>, operation: DocumentOperation<'_>, returns: bool) -> Verdict {
    let mut verdict = Verdict::default();
    let roles = set.roles.of(place.user);
    let Some(collection) = known(set, place, &mut verdict) else {
        return verdict;
    };
    let name = &collection.name;
    let mut needed: Vec<(Operation, &[Json], Mode)> = Vec::new();
    let mut reads = returns;
    match operation {
        DocumentOperation::Read => reads = true,
        DocumentOperation::Insert { documents, overwrite } => {
            needed.push((Operation::Insert, documents, Mode::Whole));
            match overwrite {
                Overwrite::Conflict => {}
                Overwrite::Ignore => reads = true,
                Overwrite::Replace => needed.push((Operation::Replace, documents, Mode::Whole)),
                Overwrite::Update(merge) => needed.push((Operation::Update, documents, merge.mode())),
            }
        }
        DocumentOperation::Replace { documents } => needed.push((Operation::Replace, documents, Mode::Whole)),
        DocumentOperation::Update { documents, merge } => needed.push((Operation::Update, documents, merge.mode())),
        DocumentOperation::Remove => needed.push((Operation::Remove, &[], Mode::Whole)),
    }
    if reads {
        check(collection, Operation::Read, &roles, &mut verdict);
        verdict.reads.entry(name.clone()).or_default().insert("*".to_owned());
    }
    for (operation, documents, mode) in needed {
        check(collection, operation, &roles, &mut verdict);
        let written = verdict
            .writes
            .entry(name.clone())
            .or_default()
            .entry(operation)
            .or_default();
        match documents {
            [] => {
                written.insert("*".to_owned());
            }
            documents => {
                let names = documents
                    .iter()
                    .filter_map(Json::as_object)
                    .flat_map(serde_json::Map::keys);
                written.extend(names.take(64).cloned());
            }
        }
        if operation == Operation::Replace {
            verdict.denials.extend(replaced_document(collection, &roles));
        }
        for document in documents {
            if verdict.denials.len() >= MOST_DENIALS {
                break;
            }
            for denial in check_json(collection, document, mode, &roles) {
                deny(&mut verdict.denials, denial);
            }
        }
    }
    verdict
}

/// Judges the collections that a stream transaction declares: what is read has to be readable, and in what is written
/// something has to be allowed. Each query and document operation within is judged on its own as well.
pub fn judge_transaction(
    set: &SchemaSet,
    user: Option<&str>,
    database: &str,
    read: &BTreeSet<String>,
    write: &BTreeSet<String>,
) -> Verdict {
    let mut verdict = Verdict::default();
    let roles = set.roles.of(user);
    let place = |collection| Place {
        user,
        database,
        collection,
    };
    for name in read {
        if verdict.denials.len() >= MOST_DENIALS {
            break;
        }
        if let Some(collection) = known(set, place(name), &mut verdict) {
            check(collection, Operation::Read, &roles, &mut verdict);
        }
    }
    for name in write {
        if verdict.denials.len() >= MOST_DENIALS {
            break;
        }
        let Some(collection) = known(set, place(name), &mut verdict) else {
            continue;
        };
        let writes = [
            Operation::Insert,
            Operation::Update,
            Operation::Replace,
            Operation::Remove,
        ];
        if !writes
            .iter()
            .any(|&operation| collection.allow.permits(&roles, operation))
        {
            check(collection, Operation::Update, &roles, &mut verdict);
        }
    }
    verdict
}

/// The collections, views and graphs that a user may learn of: those with anything allowed.
pub fn visible<'s>(set: &'s SchemaSet, user: Option<&str>, database: &str) -> BTreeSet<&'s str> {
    let roles = set.roles.of(user);
    let Some(resources) = set.resources.get(database) else {
        return BTreeSet::new();
    };
    let allowed =
        |allow: &crate::schema::Allow| Operation::ALL.iter().any(|&operation| allow.permits(&roles, operation));
    let collections = resources.collections.values().map(|it| (it.name.as_str(), &it.allow));
    let views = resources.views.values().map(|it| (it.name.as_str(), &it.allow));
    let graphs = resources.graphs.values().map(|it| (it.name.as_str(), &it.allow));
    collections
        .chain(views)
        .chain(graphs)
        .filter(|(_, allow)| allowed(allow))
        .map(|(name, _)| name)
        .collect()
}

/// What somebody may read of a collection's documents.
#[derive(Debug)]
pub struct Projection<'s> {
    shape: &'s Shape,
    roles: RoleSet,
}

impl<'s> Projection<'s> {
    /// The projection for a user; `None`: nothing of the collection may be read.
    pub fn of(set: &'s SchemaSet, place: Place<'_>) -> Option<Self> {
        let roles = set.roles.of(place.user);
        let collection = set.resources.get(place.database)?.collections.get(place.collection)?;
        collection.allow.permits(&roles, Operation::Read).then(|| Self {
            shape: &collection.shape,
            roles,
        })
    }

    /// Whether it leaves every document as it is, unknown attributes aside.
    pub fn is_whole(&self) -> bool {
        self.shape.readable(&self.roles) && matches!(self.shape.others, Others::Open)
    }

    /// Removes from a stored document what may not be read, at every depth: hidden attributes, and those that a closed
    /// schema does not name.
    pub fn reduce(&self, document: &mut Json) {
        reduce(self.shape, &self.roles, document);
    }
}

fn reduce(shape: &Shape, roles: &RoleSet, value: &mut Json) {
    match value {
        Json::Object(members) => members.retain(|name, value| match shape.attribute(name) {
            Some(below) if below.read.admits(roles) => {
                reduce(below, roles, value);
                true
            }
            _ => false,
        }),
        // Where the schema expects an object and hides something of it, an array of such objects hides it too.
        Json::Array(elements) => {
            let element = match &shape.items {
                None if !shape.readable(roles) => shape,
                _ => shape.element(),
            };
            if element.read.admits(roles) {
                for value in elements {
                    reduce(element, roles, value);
                }
            } else {
                elements.clear();
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

impl Merge {
    fn mode(self) -> Mode {
        Mode::Merge {
            keep_null: self.keep_null,
            merge_objects: self.merge_objects,
        }
    }
}

fn known<'s>(set: &'s SchemaSet, place: Place<'_>, verdict: &mut Verdict) -> Option<&'s Collection> {
    let Some(resources) = set.resources.get(place.database) else {
        verdict
            .denials
            .push(Denial::database_not_served(place.database, &set.databases));
        return None;
    };
    if let Some(collection) = resources.collections.get(place.collection) {
        return Some(collection);
    }
    let known: Vec<&str> = resources.collections.keys().map(String::as_str).collect();
    let mut denial = if place
        .collection
        .starts_with(|first: char| first == '_' || first.is_ascii_digit())
    {
        Denial::reserved_source(
            Rule::UnknownCollection,
            place.collection,
            crate::aql::ast::Span::default(),
        )
    } else {
        Denial::unknown_source(
            Rule::UnknownCollection,
            "collection",
            place.collection,
            crate::aql::ast::Span::default(),
            &known,
        )
    };
    denial.span = None;
    deny(&mut verdict.denials, denial);
    None
}

fn check(collection: &Collection, operation: Operation, roles: &RoleSet, verdict: &mut Verdict) {
    if !collection.allow.permits(roles, operation) {
        let denial = Denial::operation_not_allowed(
            &collection.name,
            kind_of(collection),
            operation,
            &collection.allow,
            roles,
            None,
        );
        deny(&mut verdict.denials, denial);
    }
}
