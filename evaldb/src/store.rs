//! The stored data: databases, their collections, views and named graphs.
//!
//! Cloning a [`Database`] is cheap, since collections are shared until one side writes: a clone is a stream
//! transaction's snapshot. Inside of one database, [`Database::begin`] and [`Database::roll_back`] undo the writes of a
//! single query that failed.

mod collection;
mod graph;
mod index;
mod revision;
mod snapshot;
mod write;

pub use collection::{Collection, CollectionKind, DocumentSchema, SchemaLevel};
pub use graph::{EdgeDefinition, Graph, View};
pub use index::Index;
pub use revision::{Clock, decode_revision};
pub(crate) use write::is_key;
pub use write::{OverwriteMode, WriteOptions, Written};

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::{ArangoError, Result};
use crate::value::{Text, Value};

/// Every database of a server.
#[derive(Debug, Clone)]
pub struct Server {
    databases: BTreeMap<String, Database>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            databases: BTreeMap::from([("_system".to_owned(), Database::new("_system"))]),
        }
    }
}

impl Server {
    /// A server with the database `_system`.
    pub fn new() -> Self {
        Self::default()
    }

    /// The databases by name.
    pub fn databases(&self) -> impl Iterator<Item = &Database> {
        self.databases.values()
    }

    /// A database; 1228 when there is none of that name.
    pub fn database(&self, name: &str) -> Result<&Database> {
        self.databases.get(name).ok_or_else(|| database_not_found(name))
    }

    /// A database, to change it; 1228 when there is none of that name.
    pub fn database_mut(&mut self, name: &str) -> Result<&mut Database> {
        self.databases.get_mut(name).ok_or_else(|| database_not_found(name))
    }

    /// Creates a database: 1207 when it exists, 1229 for an impossible name.
    pub fn create_database(&mut self, name: &str) -> Result<&mut Database> {
        if name.is_empty()
            || name.starts_with(|first: char| first.is_ascii_digit() || first == '_')
            || name.contains('/')
        {
            return Err(ArangoError::new(1229, "database name invalid"));
        }
        if self.databases.contains_key(name) {
            return Err(ArangoError::new(1207, "duplicate database name"));
        }
        Ok(self
            .databases
            .entry(name.to_owned())
            .or_insert_with(|| Database::new(name)))
    }

    /// Drops a database: 1228 when there is none, 11 for `_system`.
    pub fn drop_database(&mut self, name: &str) -> Result<()> {
        if name == "_system" {
            return Err(ArangoError::new(11, "forbidden"));
        }
        self.databases
            .remove(name)
            .map(drop)
            .ok_or_else(|| database_not_found(name))
    }
}

fn database_not_found(name: &str) -> ArangoError {
    ArangoError::new(1228, format!("database not found: {name}"))
}

/// One database.
#[derive(Debug, Clone)]
pub struct Database {
    name: String,
    id: u64,
    collections: BTreeMap<Text, Arc<Collection>>,
    views: BTreeMap<String, Arc<View>>,
    graphs: BTreeMap<String, Arc<Graph>>,
    clock: Clock,
    undo: Option<Vec<Undo>>,
}

/// What a write replaced.
#[derive(Debug, Clone)]
struct Undo {
    collection: Text,
    place: u64,
    before: Option<Value>,
}

impl Database {
    /// An empty database.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            id: 1,
            collections: BTreeMap::new(),
            views: BTreeMap::new(),
            graphs: BTreeMap::new(),
            clock: Clock::wall(),
            undo: None,
        }
    }

    /// Revisions and generated keys count up from a fixed number from now on: equal runs give equal documents.
    pub fn use_logical_clock(&mut self) {
        self.clock = Clock::logical();
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number under which ArangoDB would know it.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The collections, in order of their names.
    pub fn collections(&self) -> impl Iterator<Item = &Collection> {
        self.collections.values().map(|collection| &**collection)
    }

    /// A collection by name, or by its number as text; 1203 when there is none.
    pub fn collection(&self, name: &str) -> Result<&Collection> {
        self.shared(name).map(|collection| &**collection)
    }

    /// A collection, kept as it is now whatever is written later.
    pub(crate) fn shared(&self, name: &str) -> Result<&Arc<Collection>> {
        let by_id = || {
            let id: u64 = name.parse().ok()?;
            self.collections.values().find(|collection| collection.id() == id)
        };
        self.collections
            .get(name)
            .or_else(by_id)
            .ok_or_else(|| ArangoError::collection_not_found(name))
    }

    /// A collection, to change its indexes or schema; 1203 when there is none. Documents are written by the methods of
    /// the database.
    pub fn collection_mut(&mut self, name: &str) -> Result<&mut Collection> {
        self.collections
            .get_mut(name)
            .map(Arc::make_mut)
            .ok_or_else(|| ArangoError::collection_not_found(name))
    }

    /// Creates a collection: 1207 when a collection or view of the name exists, 1208 for an impossible name.
    pub fn create_collection(&mut self, name: &str, kind: CollectionKind) -> Result<&mut Collection> {
        self.check_new_name(name)?;
        let id = self.clock.tick();
        let collection = Arc::new(Collection::new(name, id, kind));
        Ok(Arc::make_mut(
            self.collections.entry(Text::from(name)).or_insert(collection),
        ))
    }

    /// Drops a collection with its documents; 1203 when there is none.
    pub fn drop_collection(&mut self, name: &str) -> Result<()> {
        self.collections
            .remove(name)
            .map(drop)
            .ok_or_else(|| ArangoError::collection_not_found(name))
    }

    /// Renames a collection; ids of its documents follow.
    pub fn rename_collection(&mut self, name: &str, new: &str) -> Result<()> {
        self.check_new_name(new)?;
        let mut collection = self
            .collections
            .remove(name)
            .ok_or_else(|| ArangoError::collection_not_found(name))?;
        Arc::make_mut(&mut collection).rename(new);
        self.collections.insert(Text::from(new), collection);
        Ok(())
    }

    /// Takes over a collection as it stands in another copy of this database: how a transaction commits.
    pub fn take_collection(&mut self, name: &str, from: &Database) -> Result<()> {
        let collection = from.shared(name)?.clone();
        self.clock.advance_to(&from.clock);
        self.collections.insert(Text::from(name), collection);
        Ok(())
    }

    fn check_new_name(&self, name: &str) -> Result<()> {
        // Extended names allow nearly everything, as ArangoDB 3.12 does by default.
        if name.is_empty() || name.len() > 256 || name.starts_with(|c: char| c.is_ascii_digit()) || name.contains('/') {
            return Err(ArangoError::new(1208, format!("illegal name: {name}")));
        }
        if self.collections.contains_key(name) || self.views.contains_key(name) {
            return Err(ArangoError::new(1207, format!("duplicate name: {name}")));
        }
        Ok(())
    }

    /// The views, in order of their names.
    pub fn views(&self) -> impl Iterator<Item = &View> {
        self.views.values().map(|view| &**view)
    }

    /// A view; 1203 when there is none.
    pub fn view(&self, name: &str) -> Result<&View> {
        self.views
            .get(name)
            .map(|view| &**view)
            .ok_or_else(|| ArangoError::collection_not_found(name))
    }

    /// Creates a view, or changes it when `replace` is set: 1207 when it exists otherwise.
    pub fn create_view(&mut self, view: View, replace: bool) -> Result<()> {
        if !(replace && self.views.contains_key(&view.name)) {
            self.check_new_name(&view.name)?;
        }
        self.views.insert(view.name.clone(), Arc::new(view));
        Ok(())
    }

    /// Drops a view; 1203 when there is none.
    pub fn drop_view(&mut self, name: &str) -> Result<()> {
        self.views
            .remove(name)
            .map(drop)
            .ok_or_else(|| ArangoError::collection_not_found(name))
    }

    /// The named graphs, in order of their names.
    pub fn graphs(&self) -> impl Iterator<Item = &Graph> {
        self.graphs.values().map(|graph| &**graph)
    }

    /// A named graph; 1924 when there is none.
    pub fn graph(&self, name: &str) -> Result<&Graph> {
        self.graphs
            .get(name)
            .map(|graph| &**graph)
            .ok_or_else(|| graph_not_found(name))
    }

    /// Creates a named graph and the collections of it that are missing: 1925 when it exists.
    pub fn create_graph(&mut self, graph: Graph) -> Result<()> {
        if graph.name.is_empty() {
            return Err(ArangoError::new(1208, "illegal graph name"));
        }
        if self.graphs.contains_key(&graph.name) {
            return Err(ArangoError::new(1925, format!("graph already exists: {}", graph.name)));
        }
        self.replace_graph(graph)
    }

    /// Sets a named graph, whether or not it exists, and creates the collections of it that are missing.
    pub fn replace_graph(&mut self, graph: Graph) -> Result<()> {
        for definition in &graph.edges {
            self.ensure_collection(&definition.collection, CollectionKind::Edge)?;
        }
        for vertex in graph.vertex_collections() {
            self.ensure_collection(vertex, CollectionKind::Document)?;
        }
        self.graphs.insert(graph.name.clone(), Arc::new(graph));
        Ok(())
    }

    /// Drops a named graph, not its collections; 1924 when there is none.
    pub fn drop_graph(&mut self, name: &str) -> Result<()> {
        self.graphs.remove(name).map(drop).ok_or_else(|| graph_not_found(name))
    }

    fn ensure_collection(&mut self, name: &str, kind: CollectionKind) -> Result<()> {
        match self.collections.get(name) {
            None => self.create_collection(name, kind).map(drop),
            Some(known) if kind == CollectionKind::Edge && known.kind() != kind => Err(ArangoError::new(
                1218,
                format!("collection type invalid: {name} is no edge collection"),
            )),
            Some(_) => Ok(()),
        }
    }

    /// Keeps what every following write replaces until [`Database::commit`] or [`Database::roll_back`].
    pub fn begin(&mut self) {
        self.undo = Some(Vec::new());
    }

    /// Forgets what the writes since [`Database::begin`] replaced.
    pub fn commit(&mut self) {
        self.undo = None;
    }

    /// Undoes the writes since [`Database::begin`].
    pub fn roll_back(&mut self) {
        for step in self.undo.take().unwrap_or_default().into_iter().rev() {
            if let Some(collection) = self.collections.get_mut(&step.collection) {
                Arc::make_mut(collection).put(step.place, step.before);
            }
        }
    }
}

fn graph_not_found(name: &str) -> ArangoError {
    ArangoError::new(1924, format!("graph '{name}' not found"))
}
