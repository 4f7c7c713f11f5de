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
    // Of ArangoDB's own attributes a copy keeps the key, which matters where the target says something of it.
    let set_anew =
        |name: &str| SYSTEM_ATTRIBUTES[..3].contains(&name) && (name != "_key" || says(target, name).is_none());
    source
        .shape
        .attributes
        .keys()
        .filter(|name| !set_anew(name) && !without.iter().any(|without| without == name.as_str()))
        .all(|name| takes(target, source, name))
}

/// What a schema says of an attribute in `properties`.
fn says<'s>(collection: &'s Collection, name: &str) -> Option<&'s Json> {
    collection.json_schema.get("properties")?.get(name)
}

fn takes(target: &Collection, source: &Collection, name: &str) -> bool {
    let Some(shape) = target.shape.attribute(name) else {
        return false;
    };
    if asks_nothing(shape) {
        return true;
    }
    match (says(source, name), says(target, name)) {
        // Beside `properties`, other keywords could speak of the attribute: then the texts alone tell nothing.
        (Some(given), Some(asked)) => {
            given == asked
                && speaks_through_properties(&target.json_schema)
                && match references(asked) {
                    References::None => true,
                    References::Definitions => definitions(source) == definitions(target) && closed_in(target),
                    References::Others => false,
                }
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

/// Whether the definitions refer to one another only.
fn closed_in(collection: &Collection) -> bool {
    let mut definitions = definitions(collection).into_iter().flatten();
    definitions.all(|definitions| references(definitions) != References::Others)
}

/// Where the references in a schema lead.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum References {
    None,
    Definitions,
    /// To the whole schema, or to another attribute's.
    Others,
}

fn references(schema: &Json) -> References {
    let below = match schema {
        Json::Object(members) => members.values().map(references).max(),
        Json::Array(elements) => elements.iter().map(references).max(),
        _ => None,
    };
    let own = match schema.get("$ref") {
        None => References::None,
        Some(to) => match to.as_str() {
            Some(to) if to.starts_with("#/$defs/") || to.starts_with("#/definitions/") => References::Definitions,
            _ => References::Others,
        },
    };
    below.map_or(own, |below| below.max(own))
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
