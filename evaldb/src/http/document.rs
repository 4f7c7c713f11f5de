//! `/_api/document`: single documents and lists of them.

use super::auth::text;
use super::collection::{need_read, need_write};
use super::{Call, Fault, Method, Outcome, Reply};
use crate::error::{ArangoError, Result};
use crate::store::{Database, OverwriteMode, WriteOptions, Written};
use crate::value::{Object, Value};
use serde_json::{Map, json};
use std::collections::BTreeMap;

pub(super) fn handle(call: &Call) -> Outcome {
    let mut place = call.rest(2);
    // `?collection=` stands for the segment when there is none.
    if place.is_empty() && call.method != Method::Get {
        place.extend(call.parameter("collection"));
    }
    match (call.method, place.as_slice()) {
        (Method::Get | Method::Head, [collection, key]) => read(call, collection, key),
        (Method::Post, [collection]) => change(call, collection, None, Operation::Insert),
        (Method::Put, [collection, key]) => change(call, collection, Some(key), Operation::Replace),
        (Method::Patch, [collection, key]) => change(call, collection, Some(key), Operation::Update),
        (Method::Delete, [collection, key]) => change(call, collection, Some(key), Operation::Remove),
        // The parameter's presence counts, not its value.
        (Method::Put, [collection]) if call.parameter("onlyget").is_some() => read_many(call, collection),
        (Method::Put, [collection]) => change(call, collection, None, Operation::Replace),
        (Method::Patch, [collection]) => change(call, collection, None, Operation::Update),
        (Method::Delete, [collection]) => change(call, collection, None, Operation::Remove),
        (Method::Get | Method::Post | Method::Put | Method::Patch | Method::Delete, _) => {
            Err(Fault::new(400, 601, "superfluous or missing suffix"))
        }
        _ => Err(Fault::wrong_method()),
    }
}

fn identity(document: &Value) -> Map<String, serde_json::Value> {
    ["_id", "_key", "_rev"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), document.get(name)?.to_json())))
        .collect()
}

pub(super) fn revision(document: &Value) -> String {
    text(document, "_rev").unwrap_or_default().to_owned()
}

/// 412 with what the document is now.
pub(super) fn precondition_failed(document: &Value) -> Fault {
    let mut fault = Fault::new(412, 1200, "conflict, _rev values do not match");
    fault.more = identity(document);
    fault
}

fn read(call: &Call, collection: &str, key: &str) -> Outcome {
    need_read(call, collection)?;
    let document = call.read(collection, |database| database.document(collection, key).cloned())?;
    let rev = revision(&document);
    if call.revision("if-none-match") == Some(rev.as_str()) {
        return Ok(Reply::empty(304).with("Etag", format!("\"{rev}\"")));
    }
    if call.revision("if-match").is_some_and(|wanted| wanted != rev) {
        return Err(precondition_failed(&document));
    }
    Ok(Reply::text(200, document.to_json_text()).with("Etag", format!("\"{rev}\"")))
}

fn read_many(call: &Call, collection: &str) -> Outcome {
    need_read(call, collection)?;
    let body = call.json()?;
    let wanted = body.as_array().ok_or_else(not_a_list)?;
    let strict = call.parameter("ignoreRevs").is_some() && !call.flag("ignoreRevs", true);
    let found: Vec<Result<Value>> = call.read(collection, |database| {
        database.collection(collection)?;
        Ok(wanted
            .iter()
            .map(|selector| {
                let (key, rev) = selected(selector)?;
                let document = database.document(collection, &key)?;
                match rev {
                    Some(rev) if strict && text(document, "_rev") != Some(rev) => Err(conflict()),
                    _ => Ok(document.clone()),
                }
            })
            .collect())
    })?;
    let mut codes = Codes::default();
    let items = found
        .into_iter()
        .map(|found| found.map_or_else(|error| codes.item(&error), |document| document.to_json()));
    let body = serde_json::Value::Array(items.collect());
    Ok(codes.announce(Reply::json(200, &body)))
}

fn conflict() -> ArangoError {
    ArangoError::new(1200, "conflict, _rev values do not match")
}

fn not_a_list() -> Fault {
    ArangoError::new(1227, "invalid document type: expecting an array").into()
}

/// Key and revision that a string, or an object with `_key` or `_id`, selects.
fn selected(selector: &Value) -> Result<(String, Option<&str>)> {
    let bad = || ArangoError::new(1221, "illegal document key");
    let name = match selector {
        Value::String(name) => Some(&**name),
        Value::Object(_) => text(selector, "_key").or_else(|| text(selector, "_id")),
        _ => None,
    };
    let name = name.ok_or_else(bad)?;
    // Whatever stands before the slash is dropped, not checked.
    let key = name.rsplit_once('/').map_or(name, |(_, key)| key);
    Ok((key.to_owned(), text(selector, "_rev")))
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Insert,
    Replace,
    Update,
    Remove,
}

/// What the query parameters ask for.
pub(super) struct Wanted {
    pub(super) options: WriteOptions,
    pub(super) return_old: bool,
    pub(super) return_new: bool,
    silent: bool,
    pub(super) sync: bool,
}

impl Wanted {
    pub(super) fn from(call: &Call, collection: &str) -> Wanted {
        let overwrite = if call.flag("overwrite", false) {
            OverwriteMode::Replace
        } else {
            OverwriteMode::Conflict
        };
        let overwrite_mode = match call.parameter("overwriteMode") {
            Some("ignore") => OverwriteMode::Ignore,
            Some("replace") => OverwriteMode::Replace,
            Some("update") => OverwriteMode::Update,
            Some("conflict") => OverwriteMode::Conflict,
            // An unknown mode is silently ignored.
            _ => overwrite,
        };
        let property = || {
            call.service.with_server(|server| {
                let collection = server
                    .database(&call.database)
                    .and_then(|database| database.collection(collection));
                collection.is_ok_and(|collection| collection.properties.get("waitForSync") == Some(&json!(true)))
            })
        };
        Wanted {
            options: WriteOptions {
                overwrite_mode,
                keep_null: call.flag("keepNull", true),
                merge_objects: call.flag("mergeObjects", true),
                ignore_revs: call.flag("ignoreRevs", true),
                version_attribute: call
                    .parameter("versionAttribute")
                    .filter(|name| !name.is_empty())
                    .map(str::to_owned),
            },
            return_old: call.flag("returnOld", false),
            return_new: call.flag("returnNew", false),
            silent: call.flag("silent", false),
            sync: call.flag("waitForSync", false) || property(),
        }
    }
}

/// Runs one operation on one document. With `revision`, the document must have it.
pub(super) fn apply(
    database: &mut Database,
    collection: &str,
    operation: Operation,
    key: Option<&str>,
    item: &Value,
    wanted: &Wanted,
    revision: Option<&str>,
) -> Result<Written> {
    if operation == Operation::Insert {
        return database.insert(collection, item, &wanted.options);
    }
    let (own_key, own_revision) = match key {
        Some(key) => (key.to_owned(), text(item, "_rev")),
        None => selected(item)?,
    };
    let mut options = wanted.options.clone();
    let mut item = item.clone();
    if let Some(revision) = revision {
        options.ignore_revs = false;
        let mut object = item.as_object().cloned().unwrap_or_default();
        object.set("_rev", revision.into());
        item = if operation == Operation::Remove || item.as_object().is_some() {
            Value::object(object)
        } else {
            item
        };
    }
    match operation {
        Operation::Replace => database.replace(collection, &own_key, &item, &options),
        Operation::Update => database.update(collection, &own_key, &item, &options),
        Operation::Remove | Operation::Insert => {
            database.remove(collection, &own_key, revision.or(own_revision), &options)
        }
    }
}

/// The answer's members for one write.
pub(super) fn report(
    written: &Written,
    wanted: &Wanted,
    operation: Operation,
    existing: Option<&Value>,
) -> Map<String, serde_json::Value> {
    let now = written.new.as_ref().or(written.old.as_ref()).or(existing);
    let mut members = now.map(identity).unwrap_or_default();
    if let (Some(old), Some(_)) = (&written.old, &written.new) {
        members.insert("_oldRev".to_owned(), revision(old).into());
    }
    if wanted.return_old
        && let Some(old) = &written.old
    {
        members.insert("old".to_owned(), old.to_json());
    }
    if wanted.return_new
        && operation != Operation::Remove
        && let Some(new) = &written.new
    {
        members.insert("new".to_owned(), new.to_json());
    }
    members
}

fn change(call: &Call, collection: &str, key: Option<&str>, operation: Operation) -> Outcome {
    need_write(call, collection)?;
    let wanted = Wanted::from(call, collection);
    if (wanted.return_old || wanted.return_new) && !call.may_read(collection) {
        return Err(Fault::forbidden());
    }
    let body = match (operation, key) {
        (Operation::Remove, Some(_)) => Value::object(Object::new()),
        _ => call.json()?,
    };
    let status = match (operation, wanted.sync) {
        (Operation::Remove, true) => 200,
        (_, true) => 201,
        (_, false) => 202,
    };
    if key.is_none() && body.as_array().is_some() {
        return change_many(call, collection, operation, &body, &wanted, status);
    }
    if key.is_none() && operation != Operation::Insert {
        return Err(not_a_list());
    }
    let if_match = call.revision("if-match");
    let (written, existing) = call
        .write(collection, |database| {
            let written = apply(database, collection, operation, key, &body, &wanted, if_match);
            let existing = match &written {
                Ok(written) => database.collection(collection)?.get(&written.key).cloned(),
                Err(_) => key.and_then(|key| database.collection(collection).ok()?.get(key).cloned()),
            };
            Ok((written, existing))
        })
        .and_then(|(written, existing)| match written {
            Ok(written) => Ok((written, existing)),
            Err(error) if error.num == 1200 => Err(existing
                .as_ref()
                .map_or_else(|| Fault::from(error), precondition_failed)),
            Err(error) => Err(error.into()),
        })?;
    let members = report(&written, &wanted, operation, existing.as_ref());
    let rev = members
        .get("_rev")
        .and_then(serde_json::Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let body = if wanted.silent { json!({}) } else { members.into() };
    Ok(Reply::json(status, &body).with("Etag", format!("\"{rev}\"")))
}

fn change_many(
    call: &Call,
    collection: &str,
    operation: Operation,
    body: &Value,
    wanted: &Wanted,
    status: u16,
) -> Outcome {
    let items = body.as_array().unwrap_or_default();
    let mut codes = Codes::default();
    let mut out = Vec::with_capacity(items.len());
    call.write(collection, |database| {
        database.collection(collection)?;
        for item in items {
            match apply(database, collection, operation, None, item, wanted, None) {
                Ok(_) if wanted.silent => {}
                Ok(written) => {
                    let existing = database.collection(collection)?.get(&written.key).cloned();
                    out.push(report(&written, wanted, operation, existing.as_ref()).into());
                }
                Err(error) => {
                    let mut item_error = codes.item(&error);
                    let existing = selected(item)
                        .ok()
                        .and_then(|(key, _)| database.collection(collection).ok()?.get(&key).cloned());
                    if let (1200, Some(existing), serde_json::Value::Object(members)) =
                        (error.num, existing, &mut item_error)
                    {
                        members.extend(identity(&existing));
                    }
                    out.push(item_error);
                }
            }
        }
        Ok(())
    })?;
    let body = if wanted.silent && out.is_empty() {
        json!({})
    } else {
        serde_json::Value::Array(out)
    };
    Ok(codes.announce(Reply::json(status, &body)))
}

/// The errors of a list, counted for the header that announces them.
#[derive(Default)]
pub(super) struct Codes(BTreeMap<u32, u32>);

impl Codes {
    /// The error as an item of the answer.
    pub(super) fn item(&mut self, error: &ArangoError) -> serde_json::Value {
        *self.0.entry(error.num).or_default() += 1;
        json!({ "error": true, "errorNum": error.num, "errorMessage": error.message })
    }

    pub(super) fn announce(self, reply: Reply) -> Reply {
        if self.0.is_empty() {
            return reply;
        }
        let counts: Map<String, serde_json::Value> = self
            .0
            .into_iter()
            .map(|(num, count)| (num.to_string(), count.into()))
            .collect();
        reply.with("X-Arango-Error-Codes", serde_json::Value::Object(counts).to_string())
    }
}
