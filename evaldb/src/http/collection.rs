//! `/_api/collection`.

use super::auth::{self, text};
use super::{Call, Fault, Method, Outcome, Reply};
use crate::arangod::accounts::Grant;
use crate::error::ArangoError;
use crate::store::{Collection, CollectionKind, Database, DocumentSchema};
use crate::value::{Text, Value};
use serde_json::{Map, json};

pub(super) fn handle(call: &Call) -> Outcome {
    let rest = call.rest(2);
    match (call.method, rest.as_slice()) {
        (Method::Get, []) => list(call),
        (Method::Post, []) => create(call),
        (Method::Get, [name]) => look(call, name, false, |_, _| Ok(json!({}))),
        (Method::Get, [name, "properties"]) => look(call, name, true, |_, _| Ok(json!({}))),
        (Method::Get, [name, "count"]) => look(call, name, true, |_, c| Ok(json!({ "count": c.len() }))),
        (Method::Get, [name, "figures"]) => look(call, name, true, |_, c| {
            Ok(json!({ "count": c.len(), "figures": figures(c) }))
        }),
        (Method::Get, [name, "revision"]) => look(call, name, true, |_, c| Ok(json!({ "revision": last_revision(c) }))),
        (Method::Get, [name, "checksum"]) => look(call, name, false, |_, c| {
            Ok(
                json!({ "revision": last_revision(c), "checksum": checksum(c, call.flag("withRevisions", false), call.flag("withData", false)) }),
            )
        }),
        (Method::Get, [_, "shards"]) => Err(Fault::new(501, 9, "only supported in a cluster")),
        (Method::Put, [name, "properties"]) => set_properties(call, name),
        (Method::Put, [name, "truncate"]) => truncate(call, name),
        (Method::Put, [name, "rename"]) => rename(call, name),
        (Method::Put, [name, "load" | "unload"]) => look(call, name, false, |_, c| Ok(json!({ "count": c.len() }))),
        (Method::Put, [name, "loadIndexesIntoMemory" | "recalculateCount" | "compact"]) => {
            look(call, name, false, |_, _| Ok(json!({ "result": true })))
        }
        (Method::Put, [name, "responsibleShard"]) => look(call, name, false, |_, _| {
            Err(Fault::new(501, 9, "only supported in a cluster"))
        }),
        (Method::Delete, [name]) => delete(call, name),
        (Method::Get | Method::Post | Method::Put | Method::Delete, _) => Err(Fault::unknown_path(&call.path)),
        _ => Err(Fault::wrong_method()),
    }
}

/// The names of everything that is kept as `_…` for the server itself.
pub(super) fn is_system(collection: &Collection) -> bool {
    collection.name().starts_with('_')
}

/// Read access to a collection: 403 without.
pub(super) fn need_read(call: &Call, collection: &str) -> Result<(), Fault> {
    if call.may_read(collection) {
        Ok(())
    } else {
        Err(Fault::forbidden())
    }
}

/// Write access to a collection: 403 without.
pub(super) fn need_write(call: &Call, collection: &str) -> Result<(), Fault> {
    match auth::collection_grant(&call.service, &call.who, &call.database, collection) {
        Grant::Write => Ok(()),
        _ => Err(Fault::forbidden()),
    }
}

/// Write access to the database, for whoever changes definitions: 403 without.
pub(super) fn need_definitions(call: &Call) -> Result<(), Fault> {
    match auth::database_grant(&call.service, &call.who, &call.database) {
        Grant::Write => Ok(()),
        _ => Err(Fault::forbidden()),
    }
}

/// The short form of a collection.
fn short(collection: &Collection) -> Map<String, serde_json::Value> {
    let edge = collection.kind() == CollectionKind::Edge;
    let members = json!({
        "id": collection.id().to_string(),
        "name": &**collection.name(),
        "status": 3,
        "statusString": "loaded",
        "type": if edge { 3 } else { 2 },
        "isSystem": is_system(collection),
        "globallyUniqueId": format!("h{:X}/{}", collection.id(), collection.id()),
    });
    match members {
        serde_json::Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// The defaults of the properties that are kept but mean nothing here.
fn with_properties(collection: &Collection) -> Map<String, serde_json::Value> {
    let mut all = short(collection);
    let defaults = json!({
        "waitForSync": false,
        "cacheEnabled": false,
        "keyOptions": { "allowUserKeys": true, "type": "traditional", "lastValue": 0 },
        "computedValues": null,
        "internalValidatorType": 0,
        "isDisjoint": false,
        "isSmart": false,
        "isSmartChild": false,
        "syncByRevision": true,
        "usesRevisionsAsDocumentIds": true,
        "writeConcern": 1,
        "schema": null,
    });
    if let serde_json::Value::Object(defaults) = defaults {
        all.extend(defaults);
    }
    all.extend(collection.properties.clone());
    all.insert("isSystem".to_owned(), is_system(collection).into());
    if let Some(schema) = collection.schema() {
        all.insert("schema".to_owned(), schema.definition.clone());
    }
    all
}

fn look(
    call: &Call,
    name: &str,
    full: bool,
    more: impl FnOnce(&Database, &Collection) -> Result<serde_json::Value, Fault>,
) -> Outcome {
    let body = call.service.with_server(|server| {
        let database = server.database(&call.database)?;
        let collection = database.collection(name)?;
        let mut body = if full {
            with_properties(collection)
        } else {
            short(collection)
        };
        if let serde_json::Value::Object(members) = more(database, collection)? {
            body.extend(members);
        }
        Ok::<_, Fault>(body)
    })?;
    need_read(
        call,
        body.get("name").and_then(serde_json::Value::as_str).unwrap_or(name),
    )?;
    Ok(Reply::ok(200, body.into()))
}

fn list(call: &Call) -> Outcome {
    let all: Vec<_> = call.service.with_server(|server| {
        server.database(&call.database).map(|database| {
            let hidden = call.flag("excludeSystem", false);
            database
                .collections()
                .filter(|c| !(hidden && is_system(c)))
                .map(short)
                .collect()
        })
    })?;
    let visible = |c: &Map<String, serde_json::Value>| {
        c.get("name")
            .and_then(serde_json::Value::as_str)
            .is_some_and(|name| call.may_read(name))
    };
    let shown: Vec<_> = all.into_iter().filter(visible).collect();
    Ok(Reply::result(200, json!(shown)))
}

fn create(call: &Call) -> Outcome {
    need_definitions(call)?;
    let body = call.json_object()?;
    let name = text(&body, "name")
        .ok_or_else(|| Fault::from(ArangoError::new(1208, "illegal name: collection name missing")))?;
    let system = body.get("isSystem").is_some_and(Value::is_true);
    if name.starts_with('_') && !system {
        return Err(ArangoError::new(1208, format!("illegal name: {name}")).into());
    }
    let kind = match body.get("type").map(Value::to_f64) {
        None => CollectionKind::Document,
        Some(2.0) => CollectionKind::Document,
        Some(3.0) => CollectionKind::Edge,
        Some(_) => return Err(ArangoError::new(1218, "collection type invalid").into()),
    };
    let schema = SchemaChange::of(&body)?;
    call.service.change(|server| {
        let collection = server.database_mut(&call.database)?.create_collection(name, kind)?;
        schema.apply(collection);
        keep_properties(collection, &body);
        Ok(())
    })?;
    look(call, name, true, |_, _| Ok(json!({})))
}

/// What a body says of the schema.
enum SchemaChange {
    Keep,
    Remove,
    Set(DocumentSchema),
}

impl SchemaChange {
    fn of(body: &Value) -> Result<SchemaChange, Fault> {
        match body.get("schema") {
            None => Ok(SchemaChange::Keep),
            Some(Value::Null) => Ok(SchemaChange::Remove),
            Some(empty) if empty.as_object().is_some_and(crate::value::Object::is_empty) => Ok(SchemaChange::Remove),
            Some(schema) => Ok(SchemaChange::Set(DocumentSchema::new(&schema.to_json())?)),
        }
    }

    fn apply(self, collection: &mut Collection) {
        match self {
            SchemaChange::Keep => {}
            SchemaChange::Remove => collection.set_schema(None),
            SchemaChange::Set(schema) => collection.set_schema(Some(schema)),
        }
    }
}

fn keep_properties(collection: &mut Collection, body: &Value) {
    const KEPT: &[&str] = &[
        "waitForSync",
        "cacheEnabled",
        "keyOptions",
        "computedValues",
        "writeConcern",
        "replicationFactor",
        "numberOfShards",
        "shardKeys",
    ];
    for name in KEPT {
        match body.get(name) {
            None => {}
            Some(Value::Object(given)) => {
                // Objects complete what is there.
                let mut merged = collection
                    .properties
                    .get(*name)
                    .and_then(serde_json::Value::as_object)
                    .cloned()
                    .unwrap_or_else(|| {
                        if *name == "keyOptions" {
                            key_option_defaults()
                        } else {
                            Map::new()
                        }
                    });
                merged.extend(given.iter().map(|(key, value)| (key.to_string(), value.to_json())));
                collection.properties.insert((*name).to_owned(), merged.into());
            }
            Some(value) => drop(collection.properties.insert((*name).to_owned(), value.to_json())),
        }
    }
}

fn key_option_defaults() -> Map<String, serde_json::Value> {
    [
        ("allowUserKeys", json!(true)),
        ("type", json!("traditional")),
        ("lastValue", json!(0)),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

fn set_properties(call: &Call, name: &str) -> Outcome {
    need_definitions(call)?;
    let body = call.json_object()?;
    let schema = SchemaChange::of(&body)?;
    call.service.change(|server| {
        let collection = server.database_mut(&call.database)?.collection_mut(name)?;
        schema.apply(collection);
        keep_properties(collection, &body);
        Ok(())
    })?;
    look(call, name, true, |_, _| Ok(json!({})))
}

fn truncate(call: &Call, name: &str) -> Outcome {
    need_write(call, name)?;
    call.service.write(|server| {
        server
            .database_mut(&call.database)?
            .collection_mut(name)
            .map(Collection::truncate)
    })?;
    look(call, name, false, |_, _| Ok(json!({})))
}

fn rename(call: &Call, name: &str) -> Outcome {
    need_definitions(call)?;
    let body = call.json_object()?;
    let fresh = text(&body, "name").ok_or_else(|| Fault::from(ArangoError::new(1208, "illegal name")))?;
    call.service
        .change(|server| server.database_mut(&call.database)?.rename_collection(name, fresh))?;
    look(call, fresh, false, |_, _| Ok(json!({})))
}

fn delete(call: &Call, name: &str) -> Outcome {
    need_definitions(call)?;
    let system = call.flag("isSystem", false);
    let id = call.service.change(|server| {
        let database = server.database_mut(&call.database)?;
        let collection = database.collection(name)?;
        if is_system(collection) && !system {
            return Err(ArangoError::new(11, "forbidden"));
        }
        let (id, name) = (collection.id(), collection.name().to_string());
        database.drop_collection(&name).map(|()| id)
    })?;
    Ok(Reply::ok(200, json!({ "id": id.to_string() })))
}

fn figures(collection: &Collection) -> serde_json::Value {
    let bytes: usize = collection
        .documents()
        .map(|document| document.to_json().to_string().len())
        .sum();
    json!({
        "indexes": { "count": collection.indexes().len(), "size": 0 },
        "documentsSize": bytes, "cacheInUse": false, "cacheSize": 0, "cacheUsage": 0,
    })
}

fn last_revision(collection: &Collection) -> String {
    let latest = collection
        .documents()
        .filter_map(|document| document.get("_rev"))
        .filter_map(Value::as_str)
        .max_by_key(|rev| crate::store::decode_revision(rev).unwrap_or_default());
    latest.unwrap_or("0").to_owned()
}

/// A number that changes with the keys and, as asked for, the revisions and contents; not arangod's own number.
fn checksum(collection: &Collection, revisions: bool, data: bool) -> String {
    let sum = collection.documents().fold(0u64, |sum, document| {
        let mut text = document
            .get("_key")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        if revisions {
            text.push_str(document.get("_rev").and_then(Value::as_str).unwrap_or_default());
        }
        if data {
            let mut content = document.as_object().cloned().unwrap_or_default();
            content.remove("_rev");
            text.push_str(&Value::object(content).to_json().to_string());
        }
        let digest = ring::digest::digest(&ring::digest::SHA256, Text::from(text).as_bytes());
        let part = digest
            .as_ref()
            .first_chunk::<8>()
            .map_or(0, |bytes| u64::from_le_bytes(*bytes));
        sum.wrapping_add(part)
    });
    sum.to_string()
}
