//! `/_api/index`: any definition is kept, unique ones are enforced by the store.

use super::auth::text;
use super::collection::{need_definitions, need_read};
use super::{Call, Fault, Method, Outcome, Reply};
use crate::error::ArangoError;
use crate::store::{Collection, Index};
use crate::value::Value;
use serde_json::{Map, json};

pub(super) fn handle(call: &Call) -> Outcome {
    let missing = || Fault::from(ArangoError::new(1204, "collection parameter missing"));
    match (call.method, call.rest(2).as_slice()) {
        (Method::Get, []) => list(call, call.parameter("collection").ok_or_else(missing)?),
        (Method::Get, [collection, index]) => one(call, collection, index),
        (Method::Post, []) => create(call, call.parameter("collection").ok_or_else(missing)?),
        (Method::Delete, [collection, index]) => drop_index(call, collection, index),
        (Method::Get | Method::Post | Method::Delete, _) => Err(Fault::unknown_path(&call.path)),
        _ => Err(Fault::wrong_method()),
    }
}

/// An index as the interface shows it.
fn shown(collection: &Collection, index: &Index) -> Map<String, serde_json::Value> {
    let mut members = index.definition.clone();
    let fields = index
        .definition
        .get("fields")
        .cloned()
        .unwrap_or_else(|| json!(index.fields));
    let known = json!({
        "id": format!("{}/{}", collection.name(), index.id),
        "name": index.name,
        "type": index.kind,
        "fields": fields,
        "unique": index.unique,
        "sparse": index.sparse,
    });
    if let serde_json::Value::Object(known) = known {
        members.extend(known);
    }
    if index.unique {
        members.insert("selectivityEstimate".to_owned(), json!(1));
    }
    members
}

fn list(call: &Call, name: &str) -> Outcome {
    need_read(call, name)?;
    let indexes: Vec<_> = call.read(name, |database| {
        let collection = database.collection(name)?;
        Ok(collection
            .indexes()
            .iter()
            .map(|index| shown(collection, index))
            .collect())
    })?;
    let by_id: Map<String, serde_json::Value> = indexes
        .iter()
        .map(|index| {
            (
                index
                    .get("id")
                    .and_then(serde_json::Value::as_str)
                    .unwrap_or_default()
                    .to_owned(),
                index.clone().into(),
            )
        })
        .collect();
    Ok(Reply::ok(200, json!({ "indexes": indexes, "identifiers": by_id })))
}

fn one(call: &Call, name: &str, wanted: &str) -> Outcome {
    need_read(call, name)?;
    let index = call.read(name, |database| {
        let collection = database.collection(name)?;
        let found = collection
            .indexes()
            .iter()
            .find(|index| index.id.to_string() == wanted || index.name == wanted);
        found
            .map(|index| shown(collection, index))
            .ok_or_else(|| ArangoError::new(1212, "index not found"))
    })?;
    Ok(Reply::ok(200, index.into()))
}

fn create(call: &Call, name: &str) -> Outcome {
    need_definitions(call)?;
    let body = call.json_object()?;
    let index = definition(&body)?;
    let (shown, new) = call.service.change(|server| {
        let database = server.database_mut(&call.database)?;
        let id = database.new_id();
        let collection = database.collection_mut(name)?;
        let (index, new) = collection
            .add_index(index, id)
            .map(|(index, new)| (index.clone(), new))?;
        Ok((shown(collection, &index), new))
    })?;
    let mut members = shown;
    members.insert("isNewlyCreated".to_owned(), new.into());
    Ok(Reply::ok(if new { 201 } else { 200 }, members.into()))
}

/// What a body defines; the old names of persistent indexes count as persistent.
fn definition(body: &Value) -> Result<Index, Fault> {
    const KINDS: &[&str] = &[
        "persistent",
        "ttl",
        "geo",
        "fulltext",
        "inverted",
        "mdi",
        "mdi-prefixed",
        "zkd",
        "vector",
    ];
    let kind = match text(body, "type") {
        Some("hash" | "skiplist") => "persistent",
        Some(kind) if KINDS.contains(&kind) => kind,
        other => return Err(Fault::bad(format!("invalid index type '{}'", other.unwrap_or("")))),
    };
    let fields = body
        .get("fields")
        .and_then(Value::as_array)
        .filter(|fields| !fields.is_empty());
    let fields = fields.ok_or_else(|| Fault::bad("\"fields\" attribute must be a non-empty array"))?;
    let names: Option<Vec<&str>> = fields
        .iter()
        .map(|field| field.as_str().or_else(|| text(field, "name")))
        .collect();
    let names = names.ok_or_else(|| Fault::bad("\"fields\" must be attribute paths"))?;
    if kind == "ttl" && body.get("expireAfter").is_none_or(|after| after.to_f64() < 0.0) {
        return Err(Fault::bad("expireAfter attribute must be a non-negative number"));
    }
    let flag = |name: &str| body.get(name).is_some_and(Value::is_true);
    let unique = flag("unique") && matches!(kind, "persistent" | "mdi" | "mdi-prefixed" | "zkd");
    let sparse = flag("sparse") || matches!(kind, "ttl" | "geo" | "fulltext" | "inverted");
    let mut index = Index::new(kind, &names, unique, sparse);
    text(body, "name").unwrap_or_default().clone_into(&mut index.name);
    let mut rest: Map<String, serde_json::Value> = match body.to_json() {
        serde_json::Value::Object(members) => members,
        _ => Map::new(),
    };
    // Only what is not kept in a place of its own; the fields of an inverted index are more than names.
    let plain_fields = fields.iter().all(|field| field.as_str().is_some());
    let kept_apart = |name: &str| match name {
        "id" | "name" | "type" | "unique" | "sparse" => true,
        "fields" => plain_fields,
        _ => false,
    };
    rest.retain(|name, _| !kept_apart(name));
    for (name, default) in defaults(kind) {
        rest.entry(name).or_insert(default);
    }
    index.definition = rest;
    Ok(index)
}

fn defaults(kind: &str) -> Vec<(String, serde_json::Value)> {
    let pairs = match kind {
        "persistent" => vec![
            ("deduplicate", json!(true)),
            ("estimates", json!(true)),
            ("cacheEnabled", json!(false)),
        ],
        "geo" => vec![
            ("geoJson", json!(false)),
            ("legacyPolygons", json!(false)),
            ("bestIndexedLevel", json!(17)),
            ("worstIndexedLevel", json!(4)),
            ("maxNumCoverCells", json!(8)),
        ],
        "fulltext" => vec![("minLength", json!(2))],
        "ttl" => vec![("estimates", json!(false))],
        _ => Vec::new(),
    };
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn drop_index(call: &Call, name: &str, wanted: &str) -> Outcome {
    need_definitions(call)?;
    let id = call.service.change(|server| {
        let collection = server.database_mut(&call.database)?.collection_mut(name)?;
        let index = collection.drop_index(wanted)?;
        Ok(format!("{}/{}", collection.name(), index.id))
    })?;
    Ok(Reply::ok(200, json!({ "id": id })))
}
