//! Whether an update can be judged by itself, and the JSON Schema that does it.
//!
//! An UPDATE merges attributes into a document that is not at hand. Where a schema speaks of each attribute alone, a
//! valid document stays valid when valid attributes are merged into it. Where it ties the document's attributes to each
//! other, it may not, and then there is no such schema.

use serde_json::{Map, Value};

use super::json::{Json, Node};
use super::keywords::{Schema, resolve};

/// Keywords that speak of an object as a whole.
const TIES: [&str; 12] = [
    "not",
    "if",
    "then",
    "else",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
    "minProperties",
    "maxProperties",
    "unevaluatedProperties",
    "enum",
    "const",
];

/// The schema of what an update may merge: the top level's `required` is left out, all else stands.
///
/// Attributes below keep their `required`: the object that they are merged into may not be there yet.
pub(super) fn update_schema(schema: &Schema<'_>) -> Option<Value> {
    let root = schema.root;
    if !mergeable(root, root, &mut Vec::new()) || refers_to_root(root) {
        return None;
    }
    let mut partial = partial(root, root);
    for key in ["$schema", "$id", "$defs", "definitions"] {
        if let (Value::Object(object), Some(value)) = (&mut partial, root.get(key)) {
            object.insert(key.to_owned(), value.to_value());
        }
    }
    Some(partial)
}

/// Whether two valid objects of this schema, merged attribute by attribute, are one again, given that each attribute of
/// the result is valid.
///
/// What ties attributes of an attribute's own value is no matter here: an update that leaves the attribute alone leaves
/// it valid, and one that merges into it is denied there (`Shape::constrained` is set by every tie).
fn mergeable<'s>(root: &'s Node, node: &'s Node, open: &mut Vec<*const Node>) -> bool {
    let id = std::ptr::from_ref(node);
    if open.contains(&id) || !may_be_object(root, node, 0) {
        return true;
    }
    open.push(id);
    let mut parts: Vec<&Node> = Vec::new();
    let mut fits = true;
    for member in node.members() {
        match member.key.as_str() {
            tie if TIES.contains(&tie) => fits = false,
            "$ref" => parts.extend(member.value.text().and_then(|to| resolve(root, to))),
            "allOf" => parts.extend(member.value.elements()),
            "anyOf" | "oneOf" => {
                let objects: Vec<_> = member
                    .value
                    .elements()
                    .iter()
                    .filter(|branch| may_be_object(root, branch, 0))
                    .collect();
                fits &= objects.len() <= 1;
                parts.extend(objects);
            }
            _ => {}
        }
    }
    let fits = fits && parts.into_iter().all(|part| mergeable(root, part, open));
    open.pop();
    fits
}

/// Whether a value of this schema may be an object, as far as `type`, `enum`, `const` and references tell.
fn may_be_object(root: &Node, node: &Node, depth: usize) -> bool {
    if depth > 16 {
        return true;
    }
    if matches!(node.value, Json::Bool(false)) {
        return false;
    }
    let typed = match node.get("type") {
        Some(list) if matches!(list.value, Json::Array(_)) => {
            list.elements().iter().any(|word| word.text() == Some("object"))
        }
        Some(one) => one.text() == Some("object"),
        None => true,
    };
    let is_object = |value: &Node| matches!(value.value, Json::Object(_));
    let listed = node
        .get("enum")
        .is_none_or(|values| values.elements().iter().any(is_object))
        && node.get("const").is_none_or(is_object);
    let referred = node
        .get("$ref")
        .and_then(Node::text)
        .and_then(|to| resolve(root, to))
        .is_none_or(|target| may_be_object(root, target, depth + 1));
    let some = |key: &str| {
        node.get(key).is_none_or(|list| {
            list.elements()
                .iter()
                .any(|branch| may_be_object(root, branch, depth + 1))
        })
    };
    typed && listed && referred && some("anyOf") && some("oneOf")
}

/// Whether anything refers to the root: it would then mean the schema without `required`.
fn refers_to_root(node: &Node) -> bool {
    let here = node
        .get("$ref")
        .and_then(Node::text)
        .is_some_and(|to| to.trim_end_matches('/') == "#");
    here || node.elements().iter().any(refers_to_root)
        || node.members().iter().any(|member| refers_to_root(&member.value))
}

/// The node without `required`, and so are the schemas that it combines for the same value.
fn partial(root: &Node, node: &Node) -> Value {
    let Json::Object(members) = &node.value else {
        return node.to_value();
    };
    let mut object = Map::new();
    let mut all: Vec<Value> = Vec::new();
    for member in members {
        match member.key.as_str() {
            "required" | "$defs" | "definitions" | "$schema" | "$id" => {}
            "$ref" => all.extend(
                member
                    .value
                    .text()
                    .and_then(|to| resolve(root, to))
                    .map(|target| partial(root, target)),
            ),
            "allOf" => all.extend(member.value.elements().iter().map(|part| partial(root, part))),
            "anyOf" | "oneOf" => {
                let branches = member
                    .value
                    .elements()
                    .iter()
                    .map(|branch| partial(root, branch))
                    .collect();
                object.insert(member.key.clone(), Value::Array(branches));
            }
            _ => {
                object.insert(member.key.clone(), member.value.to_value());
            }
        }
    }
    if !all.is_empty() {
        object.insert("allOf".to_owned(), Value::Array(all));
    }
    Value::Object(object)
}
