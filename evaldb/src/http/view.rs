//! `/_api/view`: definitions are kept; a view is read by scanning what it links. `/_api/analyzer`: definitions are kept.

use super::auth::text;
use super::collection::need_definitions;
use super::{Call, Fault, Method, Outcome, Reply};
use crate::error::{ArangoError, Result};
use crate::store::{View, WriteOptions};
use crate::value::Value;
use serde_json::{Map, json};

pub(super) fn handle(call: &Call) -> Outcome {
    match (call.method, call.rest(2).as_slice()) {
        (Method::Get, []) => {
            let views: Vec<_> = call.read("", |database| Ok(database.views().map(short).collect()))?;
            Ok(Reply::result(200, json!(views)))
        }
        (Method::Post, []) => create(call),
        (Method::Get, [name]) => look(call, 200, name, short),
        (Method::Get, [name, "properties"]) => look(call, 200, name, full),
        (Method::Put, [name, "properties"]) => change(call, name, true),
        (Method::Patch, [name, "properties"]) => change(call, name, false),
        (Method::Put, [name, "rename"]) => rename(call, name),
        (Method::Delete, [name]) => {
            need_definitions(call)?;
            call.service
                .change(|server| server.database_mut(&call.database)?.drop_view(name))?;
            Ok(Reply::result(200, json!(true)))
        }
        (Method::Get | Method::Post | Method::Put | Method::Patch | Method::Delete, _) => {
            Err(Fault::unknown_path(&call.path))
        }
        _ => Err(Fault::wrong_method()),
    }
}

fn short(view: &View) -> Map<String, serde_json::Value> {
    let id = number(&view.name).to_string();
    [
        ("globallyUniqueId", json!(format!("h{id}"))),
        ("id", json!(id)),
        ("name", json!(view.name)),
        ("type", json!(view.kind)),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

fn full(view: &View) -> Map<String, serde_json::Value> {
    let mut members = short(view);
    let defaults = if view.kind == "search-alias" {
        json!({ "indexes": [] })
    } else {
        json!({
            "links": {}, "primarySort": [], "storedValues": [], "cleanupIntervalStep": 2, "commitIntervalMsec": 1000,
            "consolidationIntervalMsec": 1000, "consolidationPolicy": { "type": "tier" }, "primarySortCompression": "lz4",
        })
    };
    if let serde_json::Value::Object(defaults) = defaults {
        members.extend(defaults);
    }
    members.extend(view.definition.clone());
    members
}

/// A number for a view: the store keeps none.
fn number(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    }) >> 16
}

fn look(call: &Call, status: u16, name: &str, show: impl FnOnce(&View) -> Map<String, serde_json::Value>) -> Outcome {
    let view = call.read("", |database| database.view(name).map(show))?;
    Ok(Reply::ok(status, view.into()))
}

fn rest_of(body: &Value) -> Map<String, serde_json::Value> {
    match body.to_json() {
        serde_json::Value::Object(mut members) => {
            members.retain(|name, _| !matches!(name.as_str(), "name" | "type" | "id" | "globallyUniqueId"));
            members
        }
        _ => Map::new(),
    }
}

fn create(call: &Call) -> Outcome {
    need_definitions(call)?;
    let body = call.json_object()?;
    let name = text(&body, "name")
        .ok_or_else(|| Fault::bad("expecting name parameter to be of the form of \"name: <string>\""))?;
    let kind = text(&body, "type").filter(|kind| ["arangosearch", "search-alias"].contains(kind));
    let kind = kind.ok_or_else(|| Fault::bad("error retrieving view type: unknown"))?;
    let view = View {
        name: name.to_owned(),
        kind: kind.to_owned(),
        definition: rest_of(&body),
    };
    check_links(call, &view)?;
    call.service
        .change(|server| server.database_mut(&call.database)?.create_view(view, false))?;
    look(call, 201, name, full)
}

/// Linked collections must exist.
fn check_links(call: &Call, view: &View) -> std::result::Result<(), Fault> {
    call.read("", |database| {
        view.collections()
            .into_iter()
            .try_for_each(|name| database.collection(name).map(drop))
    })
}

fn change(call: &Call, name: &str, replace: bool) -> Outcome {
    need_definitions(call)?;
    let body = call.json_object()?;
    let mut view = call.read("", |database| database.view(name).cloned())?;
    let given = rest_of(&body);
    if replace {
        view.definition = given;
    } else {
        merge(&mut view.definition, given);
    }
    check_links(call, &view)?;
    call.service
        .change(|server| server.database_mut(&call.database)?.create_view(view, true))?;
    look(call, 200, name, full)
}

/// Links are completed, one that is null goes; everything else is set.
fn merge(definition: &mut Map<String, serde_json::Value>, given: Map<String, serde_json::Value>) {
    for (name, value) in given {
        match (definition.get_mut(&name), value) {
            (Some(serde_json::Value::Object(links)), serde_json::Value::Object(more)) if name == "links" => {
                links.extend(more);
                links.retain(|_, link| !link.is_null());
            }
            (_, value) => drop(definition.insert(name, value)),
        }
    }
}

fn rename(call: &Call, name: &str) -> Outcome {
    need_definitions(call)?;
    let body = call.json_object()?;
    let fresh = text(&body, "name").ok_or_else(|| Fault::from(ArangoError::new(1208, "illegal name")))?;
    call.service.change(|server| {
        let database = server.database_mut(&call.database)?;
        let mut view = database.view(name)?.clone();
        fresh.clone_into(&mut view.name);
        database.create_view(view, false)?;
        database.drop_view(name)
    })?;
    look(call, 200, fresh, full)
}

const ANALYZERS: &str = "_analyzers";

/// The analyzers that every database has.
fn built_in() -> Vec<serde_json::Value> {
    let languages = ["de", "en", "es", "fi", "fr", "it", "nl", "no", "pt", "ru", "sv", "zh"];
    let features = json!(["position", "frequency", "norm"]);
    let text = languages.into_iter().map(|language| {
        json!({
            "name": format!("text_{language}"), "type": "text", "features": features,
            "properties": { "locale": language, "case": "lower", "stopwords": [], "accent": false, "stemming": true },
        })
    });
    let identity =
        json!({ "name": "identity", "type": "identity", "properties": {}, "features": ["frequency", "norm"] });
    std::iter::once(identity).chain(text).collect()
}

/// `/_api/analyzer`.
pub(super) fn analyzers(call: &Call) -> Outcome {
    let own = |call: &Call| -> Result<Vec<serde_json::Value>> {
        call.service.with_server(|server| {
            let kept = server.database(&call.database)?.collection(ANALYZERS)?;
            Ok(kept.documents().map(|document| analyzer(call, document)).collect())
        })
    };
    let find = |name: &str| -> std::result::Result<serde_json::Value, Fault> {
        let short = name.rsplit_once("::").map_or(name, |(_, short)| short);
        let full = format!("{}::{short}", call.database);
        let all = built_in().into_iter().chain(own(call)?);
        let found = all
            .into_iter()
            .find(|analyzer| analyzer["name"] == *name || analyzer["name"] == *full);
        found.ok_or_else(|| ArangoError::new(1202, format!("unable to find analyzer '{name}'")).into())
    };
    match (call.method, call.rest(2).as_slice()) {
        (Method::Get, []) => {
            let all: Vec<_> = built_in().into_iter().chain(own(call)?).collect();
            Ok(Reply::result(200, json!(all)))
        }
        (Method::Get, [name]) => Ok(Reply::ok(200, find(name)?)),
        (Method::Post, []) => {
            need_definitions(call)?;
            let body = call.json_object()?;
            let (name, kind) = (text(&body, "name").unwrap_or(""), text(&body, "type").unwrap_or(""));
            if name.is_empty() || kind.is_empty() || name.contains(':') {
                return Err(Fault::bad("invalid name or type of analyzer"));
            }
            if let Ok(known) = find(name) {
                let same = known["type"] == *kind
                    && known["properties"] == body.get("properties").map_or(json!({}), Value::to_json);
                return if same {
                    Ok(Reply::ok(200, known))
                } else {
                    Err(Fault::bad("analyzer exists with other properties"))
                };
            }
            let mut document = body.as_object().cloned().unwrap_or_default();
            document.set("_key", name.into());
            let document = Value::object(document);
            call.service.change(|server| {
                server
                    .database_mut(&call.database)?
                    .insert(ANALYZERS, &document, &WriteOptions::default())
            })?;
            Ok(Reply::ok(201, find(name)?))
        }
        (Method::Delete, [name]) => {
            need_definitions(call)?;
            let short = name.rsplit_once("::").map_or(*name, |(_, short)| short);
            if built_in().iter().any(|analyzer| analyzer["name"] == *short) {
                return Err(Fault::forbidden());
            }
            call.service.change(|server| {
                server
                    .database_mut(&call.database)?
                    .remove(ANALYZERS, short, None, &WriteOptions::default())
            })?;
            Ok(Reply::ok(200, json!({ "name": format!("{}::{short}", call.database) })))
        }
        (Method::Get | Method::Post | Method::Delete, _) => Err(Fault::unknown_path(&call.path)),
        _ => Err(Fault::wrong_method()),
    }
}

fn analyzer(call: &Call, document: &Value) -> serde_json::Value {
    json!({
        "name": format!("{}::{}", call.database, text(document, "name").unwrap_or_default()),
        "type": text(document, "type"),
        "properties": document.get("properties").map_or(json!({}), Value::to_json),
        "features": document.get("features").map_or(json!([]), Value::to_json),
    })
}
