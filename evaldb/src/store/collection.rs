//! One collection: its documents in insertion order, by key, and, for edges, by their ends.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::index::Index;
use crate::error::{ArangoError, Result};
use crate::value::{Text, Value};

/// What a collection holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CollectionKind {
    /// Documents.
    Document,
    /// Edges: documents with `_from` and `_to`.
    Edge,
}

/// When a written document must satisfy the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaLevel {
    /// Never.
    None,
    /// New documents only.
    New,
    /// Also changed ones, unless they broke the rule before.
    Moderate,
    /// Always.
    Strict,
}

/// A collection's rule for its documents.
#[derive(Debug, Clone)]
pub struct DocumentSchema {
    /// As it was given: `rule`, `level`, `message`.
    pub definition: serde_json::Value,
    /// When it applies.
    pub level: SchemaLevel,
    /// What a violation says.
    pub message: String,
    validator: Arc<jsonschema::Validator>,
}

impl DocumentSchema {
    /// Compiles ArangoDB's `schema` property; 1621 when it is none.
    pub fn new(definition: &serde_json::Value) -> Result<Self> {
        let bad = |what: String| ArangoError::new(1621, format!("schema: {what}"));
        let rule = definition
            .get("rule")
            .ok_or_else(|| bad("rule is missing".to_owned()))?;
        let level = match definition
            .get("level")
            .and_then(serde_json::Value::as_str)
            .unwrap_or("strict")
        {
            "none" => SchemaLevel::None,
            "new" => SchemaLevel::New,
            "moderate" => SchemaLevel::Moderate,
            "strict" => SchemaLevel::Strict,
            other => return Err(bad(format!("unknown level {other}"))),
        };
        let validator = jsonschema::validator_for(rule).map_err(|error| bad(error.to_string()))?;
        let message = definition
            .get("message")
            .and_then(serde_json::Value::as_str)
            .unwrap_or_default()
            .to_owned();
        Ok(Self {
            definition: definition.clone(),
            level,
            message,
            validator: Arc::new(validator),
        })
    }

    /// Checks a document that is to be stored; 1620 when it breaks the rule. `before` is the document that it changes.
    pub(super) fn check(&self, document: &Value, before: Option<&Value>) -> Result<()> {
        let applies = match self.level {
            SchemaLevel::None => false,
            SchemaLevel::New => before.is_none(),
            SchemaLevel::Moderate => before.is_none_or(|before| self.holds(before)),
            SchemaLevel::Strict => true,
        };
        if applies && !self.holds(document) {
            return Err(ArangoError::new(
                1620,
                format!("schema validation failed: {}", self.message),
            ));
        }
        Ok(())
    }

    /// Whether a document satisfies the rule; as in ArangoDB, its system attributes are left out.
    pub(crate) fn holds(&self, document: &Value) -> bool {
        let mut json = document.to_json();
        if let Some(map) = json.as_object_mut() {
            map.retain(|name, _| !matches!(name.as_str(), "_key" | "_id" | "_rev" | "_from" | "_to"));
        }
        self.validator.is_valid(&json)
    }
}

/// A collection.
#[derive(Debug, Clone)]
pub struct Collection {
    name: Text,
    id: u64,
    kind: CollectionKind,
    documents: BTreeMap<u64, Value>,
    places: HashMap<Text, u64>,
    next_place: u64,
    from: HashMap<Text, BTreeSet<u64>>,
    to: HashMap<Text, BTreeSet<u64>>,
    indexes: Vec<Index>,
    schema: Option<DocumentSchema>,
    /// Properties that are kept and shown but mean nothing here (`waitForSync`, `keyOptions`, …).
    pub properties: serde_json::Map<String, serde_json::Value>,
}

impl Collection {
    pub(super) fn new(name: &str, id: u64, kind: CollectionKind) -> Self {
        let mut primary = Index::new("primary", &["_key"], true, false);
        "primary".clone_into(&mut primary.name);
        let mut indexes = vec![primary];
        if kind == CollectionKind::Edge {
            let mut edge = Index::new("edge", &["_from", "_to"], false, false);
            edge.id = 1;
            "edge".clone_into(&mut edge.name);
            indexes.push(edge);
        }
        Self {
            name: Text::from(name),
            id,
            kind,
            documents: BTreeMap::new(),
            places: HashMap::new(),
            next_place: 0,
            from: HashMap::new(),
            to: HashMap::new(),
            indexes,
            schema: None,
            properties: serde_json::Map::new(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &Text {
        &self.name
    }

    /// Its number.
    pub fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn set_id(&mut self, id: u64) {
        self.id = id;
    }

    /// What it holds.
    pub fn kind(&self) -> CollectionKind {
        self.kind
    }

    /// How many documents it holds.
    pub fn len(&self) -> usize {
        self.documents.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.documents.is_empty()
    }

    /// Its documents, in the order of their insertion.
    pub fn documents(&self) -> impl Iterator<Item = &Value> {
        self.documents.values()
    }

    /// The document with this key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.documents.get(self.places.get(key)?)
    }

    /// The edges that start at this document id, in the order of their insertion.
    pub fn edges_from(&self, id: &str) -> impl Iterator<Item = &Value> {
        self.from
            .get(id)
            .into_iter()
            .flatten()
            .filter_map(|place| self.documents.get(place))
    }

    /// The edges that end at this document id, in the order of their insertion.
    pub fn edges_to(&self, id: &str) -> impl Iterator<Item = &Value> {
        self.to
            .get(id)
            .into_iter()
            .flatten()
            .filter_map(|place| self.documents.get(place))
    }

    /// Its indexes, the primary one first.
    pub fn indexes(&self) -> &[Index] {
        &self.indexes
    }

    /// Its rule for documents.
    pub fn schema(&self) -> Option<&DocumentSchema> {
        self.schema.as_ref()
    }

    /// Sets or removes the rule for documents; documents that are there are not checked.
    pub fn set_schema(&mut self, schema: Option<DocumentSchema>) {
        self.schema = schema;
    }

    /// Adds an index and returns it with whether it is new; the same definition again gives the index that is there.
    /// 1210 when documents that are there break its uniqueness.
    pub fn add_index(&mut self, mut index: Index, id: u64) -> Result<(&Index, bool)> {
        let same = |known: &Index| {
            known.kind == index.kind
                && known.fields == index.fields
                && known.unique == index.unique
                && known.sparse == index.sparse
        };
        if let Some(place) = self.indexes.iter().position(same) {
            return self
                .indexes
                .get(place)
                .map(|index| (index, false))
                .ok_or_else(index_not_found);
        }
        if index.fields.is_empty() {
            return Err(ArangoError::bad_parameter("index: fields are missing"));
        }
        index.id = id;
        if index.name.is_empty() {
            index.name = format!("idx_{id}");
        }
        for (place, document) in &self.documents {
            for key in index.keys(document) {
                if index.entries.insert(key, *place).is_some() {
                    return Err(unique_violated(&index, document));
                }
            }
        }
        self.indexes.push(index);
        self.indexes
            .last()
            .map(|index| (index, true))
            .ok_or_else(index_not_found)
    }

    /// Drops an index by number or name; 1212 when there is none, 11 for the primary and edge index.
    pub fn drop_index(&mut self, id_or_name: &str) -> Result<Index> {
        let named = |index: &Index| index.name == id_or_name || index.id.to_string() == id_or_name;
        let place = self.indexes.iter().position(named).ok_or_else(index_not_found)?;
        if self
            .indexes
            .get(place)
            .is_some_and(|index| matches!(index.kind.as_str(), "primary" | "edge"))
        {
            return Err(ArangoError::new(11, "forbidden"));
        }
        Ok(self.indexes.remove(place))
    }

    pub(super) fn place(&self, key: &str) -> Option<u64> {
        self.places.get(key).copied()
    }

    pub(super) fn new_place(&mut self) -> u64 {
        self.next_place += 1;
        self.next_place
    }

    /// Checks that a document may be stored at a place: unique indexes and schema.
    pub(super) fn check(&self, place: u64, document: &Value) -> Result<()> {
        for index in self.indexes.iter().skip(1) {
            for key in index.keys(document) {
                if index.entries.get(&key).is_some_and(|other| *other != place) {
                    return Err(unique_violated(index, document));
                }
            }
        }
        match &self.schema {
            Some(schema) => schema.check(document, self.documents.get(&place)),
            None => Ok(()),
        }
    }

    /// Stores a document at a place, or removes the one there, and returns what was there.
    pub(super) fn put(&mut self, place: u64, document: Option<Value>) -> Option<Value> {
        let before = match document {
            Some(document) => {
                let before = self.documents.insert(place, document.clone());
                self.unlink(place, before.as_ref());
                self.link(place, &document);
                before
            }
            None => {
                let before = self.documents.remove(&place);
                self.unlink(place, before.as_ref());
                before
            }
        };
        self.next_place = self.next_place.max(place);
        before
    }

    fn link(&mut self, place: u64, document: &Value) {
        for index in self.indexes.iter_mut().skip(1) {
            for key in index.keys(document) {
                index.entries.insert(key, place);
            }
        }
        if let Some(Value::String(key)) = document.get("_key") {
            self.places.insert(key.clone(), place);
        }
        if self.kind == CollectionKind::Edge {
            for (end, ends) in [("_from", &mut self.from), ("_to", &mut self.to)] {
                if let Some(Value::String(id)) = document.get(end) {
                    ends.entry(id.clone()).or_default().insert(place);
                }
            }
        }
    }

    fn unlink(&mut self, place: u64, document: Option<&Value>) {
        let Some(document) = document else { return };
        for index in self.indexes.iter_mut().skip(1) {
            for key in index.keys(document) {
                index.entries.remove(&key);
            }
        }
        if let Some(key) = document.text("_key") {
            self.places.remove(key);
        }
        for (end, ends) in [("_from", &mut self.from), ("_to", &mut self.to)] {
            if let Some(places) = document.text(end).and_then(|id| ends.get_mut(id)) {
                places.remove(&place);
            }
        }
    }

    pub(super) fn rename(&mut self, name: &str) {
        self.name = Text::from(name);
        for document in self.documents.values_mut() {
            let id = format!("{name}/{}", document.text("_key").unwrap_or_default());
            if let Value::Object(object) = document {
                Arc::make_mut(object).set("_id", Value::string(id));
            }
        }
    }

    /// Removes every document.
    pub fn truncate(&mut self) {
        self.documents.clear();
        self.places.clear();
        self.from.clear();
        self.to.clear();
        for index in &mut self.indexes {
            index.entries.clear();
        }
    }
}

fn index_not_found() -> ArangoError {
    ArangoError::new(1212, "index not found")
}

pub(super) fn unique_violated(index: &Index, document: &Value) -> ArangoError {
    ArangoError::new(
        1210,
        format!(
            "unique constraint violated - in index {} of type {} over '{}'; conflicting key: {}",
            index.name,
            index.kind,
            index.fields.join(", "),
            document.text("_key").unwrap_or_default()
        ),
    )
}
