//! Definitions of named graphs and of views.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// A named graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Graph {
    /// Its name.
    pub name: String,
    /// Its edge collections with the vertex collections on both ends.
    pub edges: Vec<EdgeDefinition>,
    /// Vertex collections without edges.
    pub orphans: Vec<String>,
}

/// An edge collection of a graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EdgeDefinition {
    /// The edge collection.
    pub collection: String,
    /// Where its edges may start.
    pub from: Vec<String>,
    /// Where its edges may end.
    pub to: Vec<String>,
}

impl Graph {
    /// The vertex collections, orphans included, each once, in order of their names.
    pub fn vertex_collections(&self) -> BTreeSet<&str> {
        let ends = self
            .edges
            .iter()
            .flat_map(|definition| definition.from.iter().chain(&definition.to));
        ends.chain(&self.orphans).map(String::as_str).collect()
    }
}

/// A view: accepted with any definition, and read by scanning the collections that it links.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// Its name.
    pub name: String,
    /// `arangosearch` or `search-alias`.
    pub kind: String,
    /// The rest of its definition, as it was given.
    pub definition: serde_json::Map<String, serde_json::Value>,
}

impl View {
    /// The collections that it links (`links` of an `arangosearch` view, `indexes` of a `search-alias` one).
    pub fn collections(&self) -> Vec<&str> {
        let links = self.definition.get("links").and_then(serde_json::Value::as_object);
        let indexes = self.definition.get("indexes").and_then(serde_json::Value::as_array);
        let linked = links.into_iter().flat_map(|links| links.keys().map(String::as_str));
        let indexed = indexes
            .into_iter()
            .flatten()
            .filter_map(|index| index.get("collection")?.as_str());
        let mut names: Vec<&str> = linked.chain(indexed).collect();
        names.dedup();
        names
    }
}
