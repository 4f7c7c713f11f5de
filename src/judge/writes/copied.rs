//! Documents that are copied from one collection into another.
//!
//! INVARIANT: a copy is taken for valid only where each attribute that the source may have is one whose schema in the
//! target is the same text, or asks for nothing.

use std::borrow::Cow;

use serde_json::Value as Json;

use crate::judge::value::Part;
use crate::schema::{Collection, Others, SYSTEM_ATTRIBUTES, Shape};

/// Whether every attribute but some of a valid document of one collection is valid in another.
pub(super) fn takes_attributes_of(target: &Collection, source: &Collection, without: &[Cow<'_, str>]) -> bool {
    // An edge's ends are no matter of its schema.
    let documents = source.edge.is_none() && target.edge.is_none();
    // What is not named could be anything; what the target ties together needs the whole document.
    let closed = matches!(source.shape.others, Others::Absent) && source.shape.patterns.is_empty();
    let dialect = |collection: &Collection| collection.json_schema.get("$schema").cloned();
    if !documents || !closed || target.shape.constrained || dialect(source) != dialect(target) {
        return false;
    }
    let system = |name: &str| SYSTEM_ATTRIBUTES[..3].contains(&name);
    source
        .shape
        .attributes
        .keys()
        .filter(|name| !system(name) && !without.iter().any(|without| without == name.as_str()))
        .all(|name| takes(target, source, name))
}

fn takes(target: &Collection, source: &Collection, name: &str) -> bool {
    let Some(shape) = target.shape.attribute(name) else {
        return false;
    };
    if asks_nothing(shape) {
        return true;
    }
    let written = |collection: &Collection| collection.json_schema.get("properties")?.get(name).cloned();
    match (written(source), written(target)) {
        // Beside `properties`, other keywords could speak of the attribute: then the texts alone tell nothing.
        (Some(given), Some(asked)) => {
            given == asked
                && speaks_through_properties(&target.json_schema)
                && (!refers(&asked) || definitions(source) == definitions(target))
        }
        _ => false,
    }
}

/// Whether a value of this shape may be anything.
fn asks_nothing(shape: &Shape) -> bool {
    *shape == Shape::open()
}

/// Whether a schema says all that it says of its attributes in `properties`.
fn speaks_through_properties(schema: &Json) -> bool {
    const OTHERS: [&str; 5] = ["allOf", "anyOf", "oneOf", "$ref", "patternProperties"];
    OTHERS.iter().all(|keyword| schema.get(keyword).is_none())
}

fn definitions(collection: &Collection) -> [Option<&Json>; 2] {
    ["$defs", "definitions"].map(|key| collection.json_schema.get(key))
}

fn refers(schema: &Json) -> bool {
    match schema {
        Json::Object(members) => members.iter().any(|(key, value)| key == "$ref" || refers(value)),
        Json::Array(elements) => elements.iter().any(refers),
        _ => false,
    }
}

/// The attributes that a copy of a whole document has for certain.
pub(super) fn present<'s>(part: &Part<'_>, source: &'s Collection, without: &[Cow<'_, str>]) -> Vec<&'s str> {
    if part.optional {
        return Vec::new();
    }
    let names = source.shape.required.iter().map(String::as_str);
    names
        .filter(|name| !without.iter().any(|without| without == name))
        .collect()
}
