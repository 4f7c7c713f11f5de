//! Indexes: any definition is accepted, unique ones are enforced.

use std::collections::HashMap;

use crate::value::{ByValue, Value};

/// An index of a collection.
#[derive(Debug, Clone)]
pub struct Index {
    /// Its number, as in the handle `collection/number`.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// `primary`, `edge`, `persistent`, `ttl`, `geo`, `inverted`, …
    pub kind: String,
    /// The indexed attribute paths, joined with dots.
    pub fields: Vec<String>,
    /// Whether two documents may not agree on all fields.
    pub unique: bool,
    /// Whether documents without one of the fields are left out.
    pub sparse: bool,
    /// The rest of its definition, as it was given.
    pub definition: serde_json::Map<String, serde_json::Value>,
    /// Of a unique index: where the document with these values is.
    pub(super) entries: HashMap<ByValue, u64>,
}

impl Index {
    /// A definition that nothing has been indexed by.
    pub fn new(kind: &str, fields: &[&str], unique: bool, sparse: bool) -> Self {
        Self {
            id: 0,
            name: String::new(),
            kind: kind.to_owned(),
            fields: fields.iter().map(|field| (*field).to_owned()).collect(),
            unique,
            sparse,
            definition: serde_json::Map::new(),
            entries: HashMap::new(),
        }
    }

    /// The values that a document has in a unique index: several for an array field, none where it is left out.
    pub(super) fn keys(&self, document: &Value) -> Vec<ByValue> {
        if !self.unique {
            return Vec::new();
        }
        let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
        for field in &self.fields {
            let values = field_values(document, field);
            rows = rows
                .into_iter()
                .flat_map(|row| {
                    values.iter().map(move |value| {
                        let mut row = row.clone();
                        row.push(value.clone());
                        row
                    })
                })
                .collect();
        }
        if self.sparse {
            rows.retain(|row| !row.iter().any(Value::is_null));
        }
        let mut keys: Vec<ByValue> = Vec::new();
        for row in rows {
            let key = ByValue(Value::array(row));
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }
}

/// The values of a field: one, or those of every element where the path has `[*]`.
fn field_values(document: &Value, field: &str) -> Vec<Value> {
    let mut values = vec![document.clone()];
    for step in field.split('.') {
        let (name, expand) = match step.strip_suffix("[*]") {
            Some(name) => (name, true),
            None => (step, false),
        };
        values = values
            .iter()
            .flat_map(|value| {
                let value = value.attribute(name);
                match value.as_array() {
                    Some(items) if expand => items.to_vec(),
                    _ => vec![value],
                }
            })
            .collect();
    }
    values
}
