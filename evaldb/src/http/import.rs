//! `POST /_api/import`: many documents at once, as a list, as lines, or as a header line with rows.

use super::auth::text;
use super::collection::need_write;
use super::{Call, Fault, Method, Outcome, Reply, json as body};
use crate::error::{ArangoError, Result};
use crate::store::{Database, OverwriteMode, WriteOptions};
use crate::value::{Object, Text, Value};
use serde_json::json;

/// One line or item of the body.
enum Item {
    Empty,
    Document(Value),
    Bad(String),
}

#[derive(Default)]
struct Counts {
    created: u64,
    errors: u64,
    empty: u64,
    updated: u64,
    ignored: u64,
    details: Vec<String>,
}

pub(super) fn handle(call: &Call) -> Outcome {
    if call.method != Method::Post {
        return Err(Fault::wrong_method());
    }
    let name = call
        .parameter("collection")
        .ok_or_else(|| Fault::from(ArangoError::new(1204, "collection parameter missing")))?;
    need_write(call, name)?;
    let items = items(call)?;
    let complete = call.flag("complete", false);
    let counts = call.write(name, |database| {
        // A complete import is all or nothing.
        let before = complete.then(|| database.clone());
        let outcome = import(call, database, name, items, complete);
        if let (Err(_), Some(before)) = (&outcome, before) {
            *database = before;
        }
        outcome
    })?;
    let mut answer = json!({
        "created": counts.created, "errors": counts.errors, "empty": counts.empty, "updated": counts.updated,
        "ignored": counts.ignored,
    });
    if call.flag("details", false) {
        answer["details"] = json!(counts.details);
    }
    let mut all = json!({ "error": false });
    if let (serde_json::Value::Object(all), serde_json::Value::Object(answer)) = (&mut all, answer) {
        all.extend(answer);
    }
    Ok(Reply::json(201, &all))
}

fn items(call: &Call) -> std::result::Result<Vec<Item>, Fault> {
    let is_list = call.body.trim_ascii_start().starts_with(b"[");
    match call.parameter("type") {
        Some("documents") => Ok(lines(call).collect()),
        Some("array" | "list") => list(call),
        Some("auto") => {
            if is_list {
                list(call)
            } else {
                Ok(lines(call).collect())
            }
        }
        None => rows(call),
        Some(other) => Err(Fault::bad(format!("invalid value for type: {other}"))),
    }
}

fn list(call: &Call) -> std::result::Result<Vec<Item>, Fault> {
    let list = call.json()?;
    let list = list
        .as_array()
        .ok_or_else(|| Fault::bad("expecting a JSON array in the request"))?;
    Ok(list.iter().cloned().map(Item::Document).collect())
}

fn lines(call: &Call) -> impl Iterator<Item = Item> {
    call.body
        .split(|byte| *byte == b'\n')
        .map(|line| match line.trim_ascii() {
            b"" => Item::Empty,
            line => body::parse(line).map_or_else(|fault| Item::Bad(fault.message), Item::Document),
        })
}

/// The first line names the attributes, each other one has the values.
fn rows(call: &Call) -> std::result::Result<Vec<Item>, Fault> {
    let mut lines = lines(call).filter(|item| !matches!(item, Item::Empty));
    let no_header = || Fault::bad("no JSON array found in the first line");
    let Some(Item::Document(header)) = lines.next() else {
        return Err(no_header());
    };
    let header = header.as_array().ok_or_else(no_header)?;
    let names: Option<Vec<Text>> = header.iter().map(|name| name.as_str().map(Text::from)).collect();
    let names = names.ok_or_else(no_header)?;
    let row = |item| match item {
        Item::Document(row) => match row.as_array() {
            Some(values) if values.len() == names.len() => Item::Document(Value::object(
                names.iter().cloned().zip(values.iter().cloned()).collect::<Object>(),
            )),
            _ => Item::Bad("wrong number of values in row".to_owned()),
        },
        other => other,
    };
    Ok(lines.map(row).collect())
}

fn import(call: &Call, database: &mut Database, name: &str, items: Vec<Item>, complete: bool) -> Result<Counts> {
    let on_duplicate = call.parameter("onDuplicate").unwrap_or("error");
    let options = WriteOptions {
        overwrite_mode: match on_duplicate {
            "update" => OverwriteMode::Update,
            "replace" => OverwriteMode::Replace,
            "ignore" => OverwriteMode::Ignore,
            "error" => OverwriteMode::Conflict,
            other => return Err(ArangoError::new(10, format!("unknown value for onDuplicate: {other}"))),
        },
        ..WriteOptions::default()
    };
    if call.flag("overwrite", false) {
        database.collection_mut(name)?.truncate();
    }
    let mut counts = Counts::default();
    for (position, item) in items.into_iter().enumerate() {
        let fault = match item {
            Item::Empty => {
                counts.empty += 1;
                continue;
            }
            Item::Bad(message) => ArangoError::new(600, message),
            Item::Document(document) => match database.insert(name, &with_prefixes(call, document), &options) {
                Ok(written) if !written.stored => {
                    counts.ignored += 1;
                    continue;
                }
                Ok(written) => {
                    *if written.old.is_some() {
                        &mut counts.updated
                    } else {
                        &mut counts.created
                    } += 1;
                    continue;
                }
                Err(error) => error,
            },
        };
        if complete {
            return Err(fault);
        }
        counts.errors += 1;
        counts.details.push(format!(
            "at position {}: creating document failed with error '{}'",
            position + 1,
            fault.message
        ));
    }
    Ok(counts)
}

/// `fromPrefix` and `toPrefix` complete edge ends that name no collection.
fn with_prefixes(call: &Call, document: Value) -> Value {
    let ends = [
        ("_from", call.parameter("fromPrefix")),
        ("_to", call.parameter("toPrefix")),
    ];
    let mut object = document.as_object().cloned();
    for (name, prefix) in ends {
        if let (Some(prefix), Some(end), Some(object)) = (
            prefix,
            text(&document, name).filter(|end| !end.contains('/')),
            &mut object,
        ) {
            object.set(name, format!("{}/{end}", prefix.trim_end_matches('/')).into());
        }
    }
    object.map_or(document, Value::object)
}
