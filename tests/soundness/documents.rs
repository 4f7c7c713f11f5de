//! The documents that a generated query writes.

use mallku_db::schema::{Collection, Shape};
use serde_json::{Map, Value, json};

use crate::queries::Generator;
use crate::scope::{Kind, Variable};
use crate::world::{valid_document, value_of};

/// What a document is written for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A whole document, mostly a new one.
    Whole,
    /// A whole document with the key of a stored one.
    Overwriting,
    /// Some attributes of one.
    Part,
}

impl<'w> Generator<'w, '_> {
    /// A document of this shape, or one with the same attributes, where there is one; else any.
    fn document_of(&mut self, shape: &'w Shape) -> Option<Variable<'w>> {
        let same = self.scope.iter().rev().find(
            |variable| matches!(&variable.kind, Kind::Part(part) if part.attributes.keys().eq(shape.attributes.keys())),
        );
        match same.cloned() {
            Some(variable) => Some(variable),
            None if self.chance.percent(12) => self.document(),
            None => None,
        }
    }

    pub(crate) fn document(&mut self) -> Option<Variable<'w>> {
        let documents: Vec<&Variable<'w>> = self
            .scope
            .iter()
            .filter(|variable| matches!(variable.kind, Kind::Part(_)))
            .collect();
        if documents.is_empty() {
            None
        } else {
            Some(self.chance.pick(&documents).clone())
        }
    }

    /// A document to be written, as a literal or a bind value; mostly one that the schema accepts.
    pub(crate) fn written_document(&mut self, collection: &'w Collection, wanted: Wanted) -> String {
        if self.chance.percent(24)
            && let Some(variable) = self.document_of(&collection.shape)
        {
            self.note("document from data");
            let name = match &variable.kind {
                Kind::Part(shape) if self.chance.percent(75) => self.taken_over(&variable.name, shape),
                _ => variable.name,
            };
            return match self.chance.below(7) {
                0 | 6 => name,
                1 => {
                    let document = self.document_to_write(collection, Wanted::Part);
                    let literal = self.document_literal(&document, &collection.shape, true);
                    format!("MERGE({name}, {literal})")
                }
                2 => self.keep().text,
                3 => format!("UNSET({name}, \"_key\", \"_id\", \"_rev\")"),
                4 => match self.step(&name, &Kind::Part(&collection.shape)) {
                    Some(step) => format!("{{a: {}}}", step.text),
                    None => name,
                },
                _ => self.unset().text,
            };
        }
        let document = self.document_to_write(collection, wanted);
        // What is forbidden is written out, mostly: as a constant, it is looked at elsewhere.
        let writable = |name: &String| {
            let below = collection.shape.attribute(name);
            name.starts_with('_') || below.is_some_and(|below| below.writable(&self.world.roles))
        };
        let forbidden = !document.as_object().unwrap().keys().all(writable);
        let form = if forbidden && self.chance.percent(70) {
            19
        } else {
            self.chance.below(20)
        };
        match form {
            0..=4 => self.bind(document),
            5 => {
                let list = self.bind(json!([document]));
                format!("FIRST({list})")
            }
            6 => {
                let other = self.document_to_write(collection, wanted);
                let condition = self.condition(0);
                let (bound, literal) = (
                    self.bind(other),
                    self.document_literal(&document, &collection.shape, true),
                );
                format!("({condition} ? {bound} : {literal})")
            }
            7 if document.as_object().is_some_and(|object| object.len() > 1) => {
                let mut first = document.clone();
                let name = document.as_object().unwrap().keys().next().unwrap().clone();
                let taken = first.as_object_mut().unwrap().shift_remove(&name).unwrap();
                let bound = self.bind(first);
                let taken = self.document_literal(&json!({name: taken}), &collection.shape, true);
                format!("MERGE({bound}, {taken})")
            }
            _ => self.document_literal(&document, &collection.shape, true),
        }
    }

    /// A document without what may not be read or may not be written.
    fn taken_over(&mut self, name: &str, shape: &Shape) -> String {
        let roles = &self.world.roles;
        let left_out: Vec<String> = shape
            .attributes
            .iter()
            .filter(|(name, below)| !(name.starts_with('_') || below.readable(roles) && below.writable(roles)))
            .map(|(name, _)| format!("\"{name}\""))
            .collect();
        if left_out.is_empty() {
            name.to_owned()
        } else {
            format!("UNSET({name}, {})", left_out.join(", "))
        }
    }

    /// A document to be written, as a value.
    pub(crate) fn document_to_write(&mut self, collection: &Collection, wanted: Wanted) -> Value {
        let whole = wanted != Wanted::Part;
        let mut document = if whole || self.chance.percent(50) {
            valid_document(self.chance, collection)
        } else {
            value_of(self.chance, &collection.shape, 0)
        };
        let roles = &self.world.roles;
        let forbidden = self.chance.percent(25);
        let place = self.chance.below(8);
        let object = document.as_object_mut().unwrap();
        // What may not be written is left out, but for one attribute now and then, an object where there is one.
        let unwritable = |name: &String| {
            let shape = collection.shape.attribute(name);
            !shape.is_some_and(|shape| shape.writable(roles))
        };
        let mut kept = object.iter().filter(|(name, _)| unwritable(name)).collect::<Vec<_>>();
        kept.sort_by_key(|(_, value)| !(value.is_object() || value.is_array()));
        let kept = kept.first().filter(|_| forbidden).map(|(name, _)| (*name).clone());
        object.retain(|name, _| !unwritable(name) || Some(name) == kept.as_ref());
        if !whole && object.len() > 1 {
            let dropped = object.keys().nth(place % object.len()).cloned();
            dropped.and_then(|name| object.remove(&name));
        }
        if whole {
            if self.chance.percent(5) {
                let dropped = object.keys().next().cloned();
                dropped.and_then(|name| object.remove(&name));
            }
            let (share, stored) = if wanted == Wanted::Overwriting {
                (90, 75)
            } else {
                (40, 15)
            };
            if self.chance.percent(share) {
                let stored = if self.chance.percent(stored) { "k" } else { "n" };
                object.insert("_key".to_owned(), json!(format!("{stored}{}", self.chance.below(3))));
            }
            if let Some(ends) = &collection.edge {
                let from: Vec<&str> = ends.from.iter().map(String::as_str).collect();
                let to: Vec<&str> = ends.to.iter().map(String::as_str).collect();
                for (name, allowed, key) in [("_from", from, "k0"), ("_to", to, "k1")] {
                    let end = if self.chance.percent(6) {
                        self.chance.pick(&["people", "notes", "vault", "knows"])
                    } else {
                        self.chance.pick(&allowed)
                    };
                    object.insert(name.to_owned(), json!(format!("{end}/{key}")));
                }
            }
        }
        document
    }

    /// An object whose values are computed and certainly fit: one of them, the others constants, or all.
    fn with_computed(&mut self, object: &Map<String, Value>, shape: &Shape) -> String {
        let free: Vec<&String> = object
            .keys()
            .filter(|name| shape.attribute(name).is_some_and(|below| !below.constrained))
            .collect();
        if self.chance.percent(50) {
            let members = free.into_iter().filter_map(|name| Some((name, shape.attribute(name)?)));
            let members = members.map(|(name, below)| format!("\"{name}\": {}", self.certain(below)));
            return format!("{{{}}}", members.collect::<Vec<_>>().join(", "));
        }
        let chosen = free.get(self.chance.below(free.len())).copied();
        let members = object.iter().map(|(name, value)| match shape.attribute(name) {
            Some(below) if Some(name) == chosen => format!("\"{name}\": {}", self.certain(below)),
            _ => format!("\"{name}\": {value}"),
        });
        format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
    }

    /// A key or the end of an edge, as it is mostly.
    fn id(&mut self, value: &Value) -> String {
        let document = self.document().map(|variable| variable.name);
        match (self.chance.below(24), document) {
            (0, Some(name)) => format!("{name}._id"),
            (1, Some(name)) => format!("{name}.{}", self.chance.pick(&["_from", "_to", "_key"])),
            (2, Some(name)) => format!(
                "CONCAT(\"{}/\", {name}._key)",
                self.chance.pick(&["people", "notes", "vault"])
            ),
            (3, _) => self.scalar(0),
            (4 | 5, _) => self.bind(value.clone()),
            _ => value.to_string(),
        }
    }

    fn document_literal(&mut self, value: &Value, shape: &Shape, top: bool) -> String {
        let forbidden = !shape.writable(&self.world.roles);
        let computed = if forbidden { 35 } else { 14 };
        match value {
            Value::Object(object) if !top && self.chance.percent(if forbidden { 65 } else { 8 }) => {
                self.with_computed(object, shape)
            }
            _ if !top && self.chance.percent(computed) => self.fitting(shape, 2),
            Value::Object(object) => {
                let members: Vec<String> = object
                    .iter()
                    .map(|(name, value)| {
                        let shape = shape.attribute(name).unwrap_or(shape);
                        let value = if name.starts_with('_') {
                            self.id(value)
                        } else {
                            self.document_literal(value, shape, false)
                        };
                        format!("\"{name}\": {value}")
                    })
                    .collect();
                format!("{{{}}}", members.join(", "))
            }
            _ if !top && self.chance.percent(8) => self.bind(value.clone()),
            _ if !top && self.chance.percent(4) => self.scalar(1),
            // A value of some other type, and a loop's variable where there is one.
            _ if !top && self.chance.percent(6) => self.literal(),
            Value::Array(items) => {
                let items: Vec<String> = items
                    .iter()
                    .map(|item| self.document_literal(item, shape.element(), false))
                    .collect();
                format!("[{}]", items.join(", "))
            }
            other => other.to_string(),
        }
    }
}
