//! `schema check` and `schema graph`.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::arguments::{Arguments, Command, Flag, Operands, UsageError};
use super::{Exit, Streams};
use crate::schema::{Fault, Faults, SchemaSet, drawing};

const FORMAT: Flag = Flag::value("format", "human|json", "How to print: for people, or one JSON object");

pub(super) static CHECK: Command = Command {
    name: "schema check",
    summary: "Validate a schema set and report every fault at once",
    details: "\
Reads DIR (`$MALLKU_SCHEMAS`, then `/opt/mallku/schemas`, then `./schemas`): `*.json`, `policy.json`, `queries/*.aql`.
Each fault comes with its file, line and column, and with what to do about it.",
    flags: &[FORMAT],
    operands: Operands::One("DIR"),
    run: check,
};

pub(super) static GRAPH: Command = Command {
    name: "schema graph",
    summary: "Draw a schema set: collections, edges, views, graphs, and who may do what",
    details: "\
Prints a diagram of the schema set in DIR (`$MALLKU_SCHEMAS`, then `/opt/mallku/schemas`, then `./schemas`), as
Mermaid, which GitHub and GitLab show in Markdown, or as DOT for Graphviz.",
    flags: &[Flag::value("format", "mermaid|dot", "The language of the diagram")],
    operands: Operands::One("DIR"),
    run: graph,
};

/// The directory of the schema set: as given, else `$MALLKU_SCHEMAS`, else the image's, else `./schemas`.
pub(super) fn directory(given: Option<&std::ffi::OsStr>) -> PathBuf {
    if let Some(given) = given {
        return PathBuf::from(given);
    }
    if let Some(named) = std::env::var_os("MALLKU_SCHEMAS").filter(|value| !value.is_empty()) {
        return PathBuf::from(named);
    }
    let image = PathBuf::from("/opt/mallku/schemas");
    if image.is_dir() {
        image
    } else {
        PathBuf::from("schemas")
    }
}

/// Loads a schema set, or complains about every fault.
pub(super) fn load(directory: &std::path::Path, streams: &mut Streams<'_>) -> Result<SchemaSet, Exit> {
    SchemaSet::load(directory).map_err(|faults| {
        streams.complain(format_args!("{faults}\n{}", summary(&faults)));
        Exit::InvalidSchemas
    })
}

fn summary(faults: &Faults) -> String {
    match faults.0.len() {
        1 => "1 fault: the schema set is refused as a whole".to_owned(),
        count => format!("{count} faults: the schema set is refused as a whole"),
    }
}

/// Ends with a message about the call.
pub(super) fn usage(error: &UsageError, streams: &mut Streams<'_>) -> Exit {
    streams.complain(format_args!("error: {error}"));
    Exit::Usage
}

fn check(arguments: &Arguments, streams: &mut Streams<'_>) -> Exit {
    let format = match arguments.choice("format", &["human", "json"]) {
        Ok(format) => format,
        Err(error) => return usage(&error, streams),
    };
    let directory = directory(arguments.operands.first().map(std::ffi::OsString::as_os_str));
    match (SchemaSet::load(&directory), format) {
        (Ok(set), "json") => {
            streams.say(json!({ "ok": true, "digest": set.digest, "databases": content(&set) }));
            Exit::Done
        }
        (Ok(set), _) => {
            streams.say(format_args!(
                "{}: valid, digest {}",
                directory.display(),
                &set.digest[..12]
            ));
            streams.say(described(&set).trim_end());
            Exit::Done
        }
        (Err(faults), "json") => {
            streams.say(json!({ "ok": false, "faults": faults.0.iter().map(as_json).collect::<Vec<_>>() }));
            Exit::InvalidSchemas
        }
        (Err(faults), _) => {
            streams.say(format_args!("{faults}\n{}", summary(&faults)));
            Exit::InvalidSchemas
        }
    }
}

fn as_json(fault: &Fault) -> Value {
    let place = fault.place.as_ref();
    let mut object = serde_json::Map::new();
    object.insert("file".to_owned(), json!(fault.file));
    for (key, value) in [
        ("line", place.map(|place| place.line)),
        ("column", place.map(|place| place.column)),
        ("length", place.map(|place| place.length)),
    ] {
        if let Some(value) = value {
            object.insert(key.to_owned(), json!(value));
        }
    }
    object.insert("message".to_owned(), json!(fault.message));
    if let Some(hint) = &fault.hint {
        object.insert("hint".to_owned(), json!(hint));
    }
    Value::Object(object)
}

fn content(set: &SchemaSet) -> Value {
    set.resources
        .iter()
        .map(|(database, resources)| {
            let names = json!({
                "collections": resources.collections.keys().collect::<Vec<_>>(),
                "views": resources.views.keys().collect::<Vec<_>>(),
                "graphs": resources.graphs.keys().collect::<Vec<_>>(),
            });
            (database.clone(), names)
        })
        .collect()
}

fn described(set: &SchemaSet) -> String {
    let mut text = String::new();
    for (database, resources) in &set.resources {
        let _ = writeln!(text, "database {database}");
        let rows = resources
            .collections
            .values()
            .map(|it| (if it.edge.is_some() { "edge" } else { "document" }, &it.name, &it.allow))
            .chain(resources.views.values().map(|it| ("view", &it.name, &it.allow)))
            .chain(resources.graphs.values().map(|it| ("graph", &it.name, &it.allow)));
        for (kind, name, allow) in rows {
            let _ = writeln!(text, "  {kind:8}  {name:24}  {}", drawing::permissions(allow));
        }
    }
    text
}

fn graph(arguments: &Arguments, streams: &mut Streams<'_>) -> Exit {
    let format = match arguments.choice("format", &["mermaid", "dot"]) {
        Ok(format) => format,
        Err(error) => return usage(&error, streams),
    };
    let directory = directory(arguments.operands.first().map(std::ffi::OsString::as_os_str));
    match load(&directory, streams) {
        Ok(set) => {
            let drawing = if format == "dot" {
                drawing::dot(&set)
            } else {
                drawing::mermaid(&set)
            };
            streams.say(drawing.trim_end());
            Exit::Done
        }
        Err(exit) => exit,
    }
}
