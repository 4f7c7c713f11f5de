//! The documents of one collection: their shape, their validators, and what of the schema cannot hold in ArangoDB.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::attributes;
use super::collection::{Draft, Kind};
use super::fault::Report;
use super::json::{Node, Span};
use super::keywords::Schema;
use super::link::unknown_hint;
use super::merge;
use super::model::Operation;
use super::shape::{Access, JsonType, SYSTEM_ATTRIBUTES, Shape};
use super::validator::Validator;

/// What becomes of a collection's schema.
pub(super) struct Documents {
    pub(super) shape: Shape,
    pub(super) json_schema: Value,
    pub(super) validator: Validator,
    pub(super) update_validator: Option<Validator>,
}

/// Builds what a collection needs of its schema; a fault gives `None`.
pub(super) fn documents(report: &mut Report<'_>, draft: &Draft<'_>, schema: &Schema<'_>) -> Option<Documents> {
    let shape = attributes_of(report, schema)?;
    let before = report.faults.len();
    let edge = matches!(draft.kind, Kind::Edge { .. });
    if !shape.may_be(JsonType::Object) {
        let at = schema.root.get("type").map_or(schema.root.at, |node| node.at);
        report.hint(at, "documents are objects", "write `\"type\": \"object\"`");
    }
    let system: Vec<&'static str> = SYSTEM_ATTRIBUTES.into_iter().take(if edge { 5 } else { 3 }).collect();
    system_attributes(report, schema.root, &shape, &system);
    let unnamed: Vec<&'static str> = system
        .iter()
        .copied()
        .filter(|name| !shape.attributes.contains_key(*name))
        .collect();
    let shape = with_system(shape, &system);
    read_only_and_required(report, draft, schema.root, &shape);
    indexes(report, draft, &shape);
    if report.faults.len() > before || !schema.sound {
        return None;
    }
    let (asked, aside): (Vec<_>, Vec<_>) = unnamed.iter().copied().partition(|name| shape.required.contains(*name));
    let json_schema = with_properties(of_writers(&schema.root.to_value()), &asked);
    let mut compile = |value: &Value, aside: Vec<&'static str>| match Validator::compile(value, schema.draft, aside) {
        Ok(validator) => Some(validator),
        Err((_, message)) => {
            report.say(schema.root.at, message);
            None
        }
    };
    let validator = compile(&json_schema, aside)?;
    let update_validator = match merge::update_schema(schema) {
        Some(partial) => Some(compile(&of_writers(&partial), unnamed)?),
        None => None,
    };
    Some(Documents {
        shape,
        json_schema,
        validator,
        update_validator,
    })
}

/// System attributes leave with every document and with every write's answer: they can be neither hidden nor asked for.
fn system_attributes(report: &mut Report<'_>, root: &Node, shape: &Shape, system: &[&str]) {
    for name in system {
        let property = root
            .get("properties")
            .and_then(|node| node.members().iter().find(|member| member.key == *name));
        let at = property.map_or(
            Span {
                start: root.at.start,
                end: root.at.start + 1,
            },
            |member| member.key_at,
        );
        if let Some(attribute) = shape.attributes.get(*name) {
            if attribute.read != Access::Everybody {
                let hint = "ArangoDB gives it with every document; do not allow `read` where nobody may see it";
                report.hint(at, format!("the system attribute `{name}` cannot be hidden"), hint);
            }
            if attribute.write != Access::Everybody && (*name == "_from" || *name == "_to") {
                let hint = "to forbid new edges, leave `insert` out of `allow`";
                report.hint(at, format!("`{name}` cannot be read-only: an edge needs it"), hint);
            }
            if !attribute.may_be(JsonType::String) {
                report.say(at, format!("the system attribute `{name}` is a string"));
            }
        }
        let asked_at_root = root
            .get("required")
            .is_some_and(|list| list.elements().iter().any(|element| element.text() == Some(name)));
        if shape.required.contains(*name) && !shape.attributes.contains_key(*name) && !asked_at_root {
            let hint = format!("add `\"{name}\": {{\"type\": \"string\"}}` to the `properties` beside that `required`");
            report.hint(
                at,
                format!("`{name}` is required in a part of this schema and not named there"),
                hint,
            );
        }
        let required = shape.required.contains(*name) && (*name == "_id" || *name == "_rev");
        if required {
            let at = root
                .get("required")
                .and_then(|node| node.elements().iter().find(|element| element.text() == Some(name)))
                .map_or(at, |element| element.at);
            let hint = "take it out of `required`: ArangoDB sets it itself";
            report.hint(at, format!("clients cannot be asked for `{name}`"), hint);
        }
    }
}

/// A document that must have what nobody may write can never be inserted.
fn read_only_and_required(report: &mut Report<'_>, draft: &Draft<'_>, root: &Node, shape: &Shape) {
    let inserts = draft
        .allow
        .iter()
        .any(|(_, operations)| operations.contains(&Operation::Insert) || operations.contains(&Operation::Replace));
    for name in shape.required.iter().filter(|_| inserts) {
        let at = root
            .get("required")
            .and_then(|node| node.elements().iter().find(|element| element.text() == Some(name)))
            .map_or(root.at, |element| element.at);
        if shape
            .attribute(name)
            .is_some_and(|attribute| attribute.write == Access::Nobody)
        {
            let hint = "take it out of `required`, or allow neither `insert` nor `replace`";
            report.hint(
                at,
                format!("`{name}` is required and read-only: no document could be written"),
                hint,
            );
        }
        if shape.attribute(name).is_none() {
            report.say(
                at,
                format!("`{name}` is required, and the schema has no such attribute"),
            );
        }
    }
}

/// The attributes of an index must exist.
fn indexes(report: &mut Report<'_>, draft: &Draft<'_>, shape: &Shape) {
    for (at, index) in &draft.indexes {
        let fields = index.get("fields").and_then(Value::as_array).into_iter().flatten();
        for field in fields.filter_map(|field| field.as_str().or_else(|| field.get("name")?.as_str())) {
            let mut parts = field.split('.').map(|part| part.trim_end_matches("[*]"));
            let first = parts.next().unwrap_or_default();
            let found = parts.try_fold(shape.attribute(first), |shape, part| {
                let shape = shape?;
                Some(shape.attribute(part).or_else(|| shape.element().attribute(part)))
            });
            if found.flatten().is_none() {
                let known = shape.attributes.keys().map(String::as_str);
                let hint = unknown_hint(first, known, "the schema");
                report.hint(*at, format!("an index over the unknown attribute `{field}`"), hint);
            }
        }
    }
}

/// The schema with the system attributes that it asks for without naming them, so that it can be closed all the same.
fn with_properties(mut schema: Value, asked: &[&str]) -> Value {
    let Some(object) = schema.as_object_mut().filter(|_| !asked.is_empty()) else {
        return schema;
    };
    if let Value::Object(properties) = object.entry("properties").or_insert_with(|| json!({})) {
        for name in asked {
            properties.insert((*name).to_owned(), json!({ "type": "string" }));
        }
    }
    schema
}

/// The shape with the attributes that every document has.
fn with_system(mut shape: Shape, system: &[&str]) -> Shape {
    for name in system {
        shape.attributes.entry((*name).to_owned()).or_insert_with(|| Shape {
            types: BTreeSet::from([JsonType::String]),
            ..Shape::open()
        });
    }
    shape
}

/// The schema without our own key, wherever it stands, and without asking for what is read-only beside: those who write
/// cannot give it. An attribute may be called as a keyword is, and then its `required` is a schema and no list.
///
/// A `$ref` with others beside it moves into `allOf`: draft-07 passes over what stands beside a reference, and here all
/// of it holds.
fn of_writers(value: &Value) -> Value {
    let Value::Object(members) = value else {
        return match value {
            Value::Array(elements) => Value::Array(elements.iter().map(of_writers).collect()),
            other => other.clone(),
        };
    };
    let read_only = |name: &Value| {
        let property = name.as_str().and_then(|name| members.get("properties")?.get(name));
        property.is_some_and(|property| property.get("readOnly") == Some(&Value::Bool(true)))
    };
    let kept = members.iter().filter(|(key, _)| *key != "x-mallku");
    let kept = kept.map(|(key, value)| match value {
        Value::Array(names) if key == "required" => {
            let asked = names.iter().filter(|name| !read_only(name)).cloned().collect();
            (key.clone(), Value::Array(asked))
        }
        _ => (key.clone(), of_writers(value)),
    });
    let mut kept: Map<String, Value> = kept.collect();
    if kept.len() > 1
        && let Some(Value::String(to)) = kept.get("$ref")
    {
        let reference = json!({ "$ref": to });
        kept.remove("$ref");
        match kept.entry("allOf").or_insert_with(|| json!([])) {
            Value::Array(parts) => parts.push(reference),
            other => *other = json!([reference]),
        }
    }
    Value::Object(kept)
}

/// The shape of a collection's documents, without the system attributes.
fn attributes_of(report: &mut Report<'_>, schema: &Schema<'_>) -> Option<Shape> {
    let shape = attributes::shape(schema);
    if shape.is_none() {
        let hint =
            "definitions that refer to each other several times multiply; name fewer attributes, or leave some open";
        report.hint(schema.root.at, "this schema is too large", hint);
    }
    shape
}
