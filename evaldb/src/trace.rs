//! The access trace: what an evaluation read, wrote and returned.
//!
//! A *read* is recorded where a stored value has an effect: an attribute that holds a scalar (or nothing) when it is
//! accessed, an object or array when it is used as a whole (compared, passed to a function, returned, written), then
//! with every attribute below it. An access on the way to a deeper attribute is no read of its own.

use std::collections::{BTreeMap, BTreeSet};

use crate::value::{ELEMENT, Origin, Text, Value};

/// An attribute path: names from the document inwards, [`ELEMENT`] for a step into an array; empty for the document.
pub type Path = Vec<Text>;

/// An operation that writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WriteKind {
    /// A new document.
    Insert,
    /// A change in part.
    Update,
    /// A new content.
    Replace,
    /// A removal.
    Remove,
}

/// What an evaluation touched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace {
    /// Attribute paths read, by collection.
    pub reads: BTreeMap<Text, BTreeSet<Path>>,
    /// Attribute paths that left in the result, by collection; each is also in `reads`.
    pub returned: BTreeMap<Text, BTreeSet<Path>>,
    /// Collections that were iterated over, directly or through a view.
    pub scanned: BTreeSet<Text>,
    /// Collections of which the number of documents was asked for.
    pub counted: BTreeSet<Text>,
    /// Collections of which single documents were fetched (by id, as vertices, or to be changed).
    pub fetched: BTreeSet<Text>,
    /// Edge collections that were followed.
    pub followed: BTreeSet<Text>,
    /// Views that were read and named graphs that were used.
    pub views_and_graphs: BTreeSet<Text>,
    /// Attribute paths written, by collection and operation; a removal has none.
    pub writes: BTreeMap<Text, BTreeMap<WriteKind, BTreeSet<Path>>>,
    /// Ids of the documents written.
    pub written: BTreeSet<Text>,
    /// Functions called.
    pub functions: BTreeSet<Text>,
}

impl Trace {
    /// Records that the value at an origin was read, with everything below it.
    pub(crate) fn read(&mut self, origin: &Origin, value: &Value) {
        record(&mut self.reads, &origin.collection, origin.path.clone(), value);
    }

    /// Records that a value was used as a whole, wherever parts of it come from.
    pub(crate) fn used(&mut self, value: &Value) {
        walk(value, &mut |origin, value| {
            record(&mut self.reads, &origin.collection, origin.path.clone(), value);
        });
    }

    /// Records that a value left in the result.
    pub(crate) fn left(&mut self, value: &Value) {
        self.used(value);
        walk(value, &mut |origin, value| {
            record(&mut self.returned, &origin.collection, origin.path.clone(), value);
        });
    }

    /// Records a write of every attribute of a value.
    pub(crate) fn wrote(&mut self, collection: &Text, kind: WriteKind, value: Option<&Value>) {
        let mut paths = BTreeMap::new();
        if let Some(value) = value {
            record(&mut paths, collection, Vec::new(), value);
        }
        let written = self
            .writes
            .entry(collection.clone())
            .or_default()
            .entry(kind)
            .or_default();
        written.extend(paths.remove(collection).unwrap_or_default());
    }
}

/// Calls `visit` with each outermost part of a value that has an origin.
fn walk(value: &Value, visit: &mut impl FnMut(&Origin, &Value)) {
    if let Some(origin) = value.origin() {
        visit(origin, value);
        return;
    }
    match value {
        Value::Array(array) => array.items.iter().for_each(|item| walk(item, visit)),
        Value::Object(object) => {
            for (name, value) in object.iter() {
                match object.origin_of(name) {
                    Some(origin) if value.origin().is_none() => visit(&origin, value),
                    _ => walk(value, visit),
                }
            }
        }
        _ => {}
    }
}

/// Adds the paths of all leaves of a value; an empty object or array is a leaf.
fn record(into: &mut BTreeMap<Text, BTreeSet<Path>>, collection: &Text, path: Path, value: &Value) {
    match value {
        Value::Object(object) if !object.is_empty() => {
            for (name, value) in object.iter() {
                let mut path = path.clone();
                path.push(name.clone());
                record(into, collection, path, value);
            }
        }
        Value::Array(array) if !array.items.is_empty() => {
            let mut path = path;
            path.push(Text::from(ELEMENT));
            for value in &array.items {
                record(into, collection, path.clone(), value);
            }
        }
        _ => {
            into.entry(collection.clone()).or_default().insert(path);
        }
    }
}
