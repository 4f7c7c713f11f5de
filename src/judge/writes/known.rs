//! Written documents that are known as a whole: the compiled JSON Schema decides, and the shape tells who may write what.

use serde_json::Value as Json;

use super::kept::{Stored, replaced_value};
use super::words::{below, dotted, invalid, missing_end, read_only, unknown, violated, wrong_end};
use super::{Mode, Rule};
use crate::judge::names::collection_of_id;
use crate::judge::value::Types;
use crate::judge::verdict::{Denial, MOST_DENIALS};
use crate::schema::{Collection, RoleSet, SYSTEM_ATTRIBUTES, Shape, is_large};

/// What is wrong with a document that is known as a whole.
pub(in crate::judge) fn check_json(
    collection: &Collection,
    document: &Json,
    mode: Mode,
    roles: &RoleSet,
) -> Vec<Denial> {
    let Json::Object(members) = document else {
        return vec![invalid(collection, "*", "a document has to be an object")];
    };
    let mut found = Vec::new();
    let keep_null = match mode {
        Mode::Whole => true,
        Mode::Merge { keep_null, .. } => keep_null,
    };
    let stripped;
    let effective = if keep_null {
        document
    } else {
        check_dropped(
            collection,
            document,
            &collection.shape,
            &mut Vec::new(),
            roles,
            &mut found,
        );
        stripped = without_nulls(document);
        &stripped
    };
    walk_members(
        collection,
        effective,
        &collection.shape,
        &mut Vec::new(),
        mode.stored(1),
        roles,
        &mut found,
    );
    if found.len() >= MOST_DENIALS {
        return found;
    }
    // The validator leaves ArangoDB's own attributes aside.
    if mode == Mode::Whole
        && members
            .get("_key")
            .is_some_and(|key| !key.is_string() && !key.is_null())
    {
        found.push(
            invalid(collection, "_key", "`_key` has to be a string")
                .hint("ArangoDB's keys are strings: `TO_STRING(key)`"),
        );
    }
    if let Some(ends) = &collection.edge {
        for (name, allowed) in [("_from", &ends.from), ("_to", &ends.to)] {
            match members.get(name) {
                Some(Json::String(id)) => {
                    let inside = collection_of_id(id).is_some_and(|end| allowed.contains(end));
                    if !inside {
                        found.push(wrong_end(collection, name, allowed));
                    }
                }
                Some(_) => found.push(wrong_end(collection, name, allowed)),
                None if mode == Mode::Whole => found.push(missing_end(collection, name)),
                None => {}
            }
        }
    }
    let violations = match mode {
        Mode::Whole => collection.validator.violations(effective),
        Mode::Merge { .. } => match &collection.update_validator {
            Some(validator) => validator.violations(effective),
            None => {
                found.push(invalid(
                    collection,
                    "*",
                    "its schema ties attributes to one another, so an update cannot be checked without the stored document",
                ).hint("replace the whole document instead"));
                Vec::new()
            }
        },
    };
    let merged = match mode {
        Mode::Merge {
            merge_objects: true, ..
        } => merged_levels(effective, &collection.shape),
        _ => Vec::new(),
    };
    let violates = !violations.is_empty();
    for violation in violations {
        if found.len() >= MOST_DENIALS {
            break;
        }
        // What an object lacks that is merged into a valid one is there already.
        if merged.contains(&violation.path) && violation.message.ends_with("is a required property") {
            continue;
        }
        // The name of an attribute that does not exist was denied by its own rule.
        let known = found.iter().any(|denial| denial.rule == Rule::AttributeUnknown);
        if !(known && violation.message.contains("Additional properties")) {
            found.push(violated(collection, &violation.path, &violation.message));
        }
    }
    // The violation that is none was the only one told; what follows it is not known.
    if violates && found.is_empty() && is_large(effective) {
        found.push(
            invalid(
                collection,
                "*",
                "it is too large to be checked against what it is merged with",
            )
            .hint("set fewer attributes at once, or give whole objects and `mergeObjects: false`"),
        );
    }
    found
}

/// Checks the names in a known value against a shape: that they exist and may be written, and that nothing is lost
/// which may not be written. A schema that asks for more than types does not survive a merge for certain.
pub(super) fn walk(
    collection: &Collection,
    json: &Json,
    shape: &Shape,
    at: &[String],
    stored: Stored,
    roles: &RoleSet,
    found: &mut Vec<Denial>,
) {
    if !shape.write.admits(roles) {
        found.push(read_only(collection, &dotted(at)));
        return;
    }
    let merged = stored == Stored::Merged && json.is_object();
    if stored != Stored::Nothing && !merged {
        found.extend(replaced_value(collection, shape, at, roles));
    }
    match json {
        Json::Object(_) => {
            if merged && shape.constrained {
                found.push(
                    invalid(
                        collection,
                        &dotted(at),
                        "its schema ties attributes to one another, and the object is merged into the stored one",
                    )
                    .hint("give the whole object and `OPTIONS {mergeObjects: false}`"),
                );
            }
            let below = if merged { Stored::Merged } else { Stored::Nothing };
            walk_members(collection, json, shape, &mut at.to_vec(), below, roles, found);
        }
        Json::Array(elements) => {
            for element in elements {
                if found.len() >= MOST_DENIALS {
                    return;
                }
                walk(collection, element, shape.element(), at, Stored::Nothing, roles, found);
            }
        }
        _ => {}
    }
}

fn walk_members(
    collection: &Collection,
    json: &Json,
    shape: &Shape,
    at: &mut Vec<String>,
    stored: Stored,
    roles: &RoleSet,
    found: &mut Vec<Denial>,
) {
    for (name, value) in json.as_object().into_iter().flatten() {
        if found.len() >= MOST_DENIALS {
            return;
        }
        // ArangoDB's own: it takes `_key` for the look-up or the new document, and sets the others itself.
        if at.is_empty() && SYSTEM_ATTRIBUTES[..3].contains(&name.as_str()) && shape.attribute(name).is_none() {
            continue;
        }
        match shape.attribute(name) {
            Some(below) => {
                at.push(name.clone());
                walk(collection, value, below, at, stored, roles, found);
                at.pop();
            }
            None => found.push(unknown(collection, shape, at, name)),
        }
    }
}

/// Paths of the objects in an update that are certainly merged into a stored object which keeps their schema.
fn merged_levels(update: &Json, shape: &Shape) -> Vec<Vec<String>> {
    let mut levels = Vec::new();
    let mut pending = vec![(update, shape, Vec::new())];
    while let Some((json, shape, at)) = pending.pop() {
        for (name, value) in json.as_object().into_iter().flatten() {
            let Some(below) = shape.attributes.get(name) else {
                continue;
            };
            let there = shape.required.contains(name) && Types::of_shape(below).within(Types::OBJECT);
            if value.is_object() && there && !below.constrained {
                let mut path = at.clone();
                path.push(name.clone());
                levels.push(path.clone());
                pending.push((value, below, path));
            }
        }
    }
    levels
}

/// With `keepNull: false` an attribute set to null is dropped, so that one that is required must not be null, and one
/// that clients may not write is not theirs to drop.
pub(super) fn check_dropped(
    collection: &Collection,
    json: &Json,
    shape: &Shape,
    at: &mut Vec<String>,
    roles: &RoleSet,
    found: &mut Vec<Denial>,
) {
    for (name, value) in json.as_object().into_iter().flatten() {
        if found.len() >= MOST_DENIALS {
            return;
        }
        let Some(shape_below) = shape.attribute(name) else {
            if value.is_null() {
                found.push(unknown(collection, shape, at, name));
            }
            continue;
        };
        if value.is_null() {
            let path = below(at, name);
            if shape.required.contains(name) || shape.constrained {
                found.push(invalid(
                    collection,
                    &path,
                    &format!("`{path}` is required, and null would drop it"),
                ));
            }
            if shape_below.write.admits(roles) {
                at.push(name.clone());
                found.extend(replaced_value(collection, shape_below, at, roles));
                at.pop();
            } else {
                found.push(read_only(collection, &path));
            }
        } else {
            at.push(name.clone());
            check_dropped(collection, value, shape_below, at, roles, found);
            at.pop();
        }
    }
}

/// The document without the attributes of its own that are null. Whether ArangoDB drops those of objects in it depends
/// on what is stored, so they have to be valid as they are as well.
fn without_nulls(json: &Json) -> Json {
    match json {
        Json::Object(members) => Json::Object(
            members
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// Whether a known value has the types of a shape, throughout.
pub(super) fn typed(json: &Json, shape: &Shape) -> bool {
    Types::of_json(json).within(Types::of_shape(shape))
        && match json {
            Json::Object(members) => {
                shape.required.iter().all(|name| members.contains_key(name))
                    && members
                        .iter()
                        .all(|(name, value)| shape.attribute(name).is_some_and(|below| typed(value, below)))
            }
            Json::Array(elements) => elements.iter().all(|element| typed(element, shape.element())),
            _ => true,
        }
}

pub(super) fn place_in<'j>(document: &'j mut Json, path: &[String]) -> Option<&'j mut Json> {
    path.iter().try_fold(document, |json, name| json.get_mut(name.as_str()))
}
