//! The attribute paths that a modification sets, for the report.

use std::borrow::Cow;

use serde_json::Value as Json;

use crate::judge::value::{Constant, Path, Value, each_element};

/// Paths of a written document that are reported; beyond them it is `*`.
const MOST_PATHS: usize = 64;

/// The attribute paths that a written value sets, for the report.
pub(super) fn written_paths(value: &Value<'_>) -> Vec<String> {
    let mut paths = Vec::new();
    for alternative in value.alternatives() {
        collect_paths(alternative, &Path::root(), &mut paths);
    }
    if paths.len() > MOST_PATHS {
        vec!["*".to_owned()]
    } else {
        paths
    }
}

fn collect_paths<'a>(value: &Value<'a>, at: &Path<'a>, paths: &mut Vec<String>) {
    if paths.len() > MOST_PATHS {
        return;
    }
    match value {
        Value::Object(object) if object.rest.is_empty() && !object.open && !object.members.is_empty() => {
            for member in &object.members {
                collect_paths(&member.value, &at.attribute(member.name.clone()), paths);
            }
        }
        Value::Object(object) if at.is_root() && object.rest.is_empty() && !object.open => {}
        Value::Constant(Constant::Bind {
            json: Json::Object(members),
            ..
        }) if at.is_root() => {
            for name in members.keys() {
                paths.push(at.attribute(Cow::Borrowed(name.as_str())).display());
            }
        }
        Value::Constant(Constant::ElementOf { json, path, .. }) if at.is_root() => {
            let documents = each_element(json, path).unwrap_or_default();
            for name in documents
                .into_iter()
                .filter_map(Json::as_object)
                .flat_map(serde_json::Map::keys)
            {
                let path = at.attribute(Cow::Borrowed(name.as_str())).display();
                if !paths.contains(&path) {
                    paths.push(path);
                }
                if paths.len() > MOST_PATHS {
                    return;
                }
            }
        }
        Value::Constant(Constant::Null) if at.is_root() => {}
        _ => paths.push(at.display()),
    }
}
