//! What must hold for every admitted query.

use std::collections::BTreeMap;

use evaldb::query::{BindVars, QueryOptions, QueryResult, run};
use evaldb::store::{CollectionKind, Database};
use evaldb::trace::{Path, Trace, WriteKind};
use evaldb::value::{ELEMENT, Text};
use mallku_db::aql::functions;
use mallku_db::judge::documents::{Place, Projection};
use mallku_db::judge::{Request, Verdict};
use mallku_db::schema::Operation;
use serde_json::{Map, Value as Json};

use crate::chance::Chance;
use crate::queries::Generated;
use crate::world::{DATABASE, World};

/// How an evaluation ended, as a client sees it.
#[derive(Debug, PartialEq)]
struct Outcome {
    rows: Result<String, String>,
    warnings: Vec<String>,
}

fn evaluate(database: &mut Database, query: &Generated, trace: bool) -> (Outcome, Option<Trace>) {
    let options = QueryOptions {
        trace,
        seed: Some(7),
        now: Some(1_700_000_000_000),
        max_steps: 200_000,
        user: Some("ada".to_owned()),
        ..QueryOptions::default()
    };
    let binds: &BindVars = &query.binds;
    match run(database, &query.text, binds, &options) {
        Ok(QueryResult {
            rows, warnings, trace, ..
        }) => {
            let rows = rows
                .iter()
                .map(evaldb::value::Value::to_json_text)
                .collect::<Vec<_>>()
                .join("\n");
            let warnings = warnings
                .into_iter()
                .map(|warning| format!("{} {}", warning.code, warning.message))
                .collect();
            (
                Outcome {
                    rows: Ok(rows),
                    warnings,
                },
                trace,
            )
        }
        Err(error) => (
            Outcome {
                rows: Err(format!("{} {}", error.num, error.message)),
                warnings: Vec::new(),
            },
            None,
        ),
    }
}

/// Checks an admitted query; the text begins with the property that fails and says how. `Ok` tells whether the query ran
/// to its end.
pub(crate) fn check(world: &World, query: &Generated, verdict: &Verdict, chance: &mut Chance) -> Result<bool, String> {
    let mut database = world.database.clone();
    let (outcome, trace) = evaluate(&mut database, query, true);
    if let Some(trace) = &trace {
        only_allowed(world, trace).map_err(breaks("(a) access"))?;
        only_announced(verdict, trace).map_err(breaks("(d) announcement"))?;
    }
    still_valid(world, &database).map_err(breaks("(c) validity"))?;
    // Without the trace nothing may be different: it only watches.
    let (unwatched, _) = evaluate(&mut world.database.clone(), query, false);
    if unwatched != outcome {
        return Err(format!(
            "the trace changes the outcome: {outcome:?} against {unwatched:?}"
        ));
    }
    let mut otherwise = world.with_other_secrets(chance);
    let (other, _) = evaluate(&mut otherwise, query, false);
    // Running out of steps ends the query at a point that hangs on the number of documents met on the way.
    let killed = |outcome: &Outcome| matches!(&outcome.rows, Err(text) if text.starts_with("1500 "));
    if other != outcome && !killed(&outcome) && !killed(&other) {
        let why = format!("hidden values change the outcome:\n{outcome:?}\n{other:?}");
        return Err(breaks("(b) non-interference")(why));
    }
    if !verdict.writes.is_empty() && outcome.rows.is_ok() && other == outcome {
        same_afterwards(world, &database, &otherwise).map_err(breaks("(b) non-interference"))?;
    }
    Ok(outcome.rows.is_ok())
}

/// What can be read after a write is the same, whatever was hidden before.
fn same_afterwards(world: &World, database: &Database, otherwise: &Database) -> Result<(), String> {
    for name in world.resources().collections.keys() {
        let place = Place {
            user: world.user,
            database: DATABASE,
            collection: name,
        };
        let Some(projection) = Projection::of(&world.set, place) else {
            continue;
        };
        let readable = |database: &Database| -> Result<BTreeMap<String, Json>, String> {
            let collection = database.collection(name).map_err(|error| error.message)?;
            let documents = collection.documents().map(|document| {
                let mut json = document.to_json();
                projection.reduce(&mut json);
                (json["_key"].to_string(), json)
            });
            Ok(documents.collect())
        };
        let (one, other) = (readable(database)?, readable(otherwise)?);
        if one != other {
            return Err(format!(
                "hidden values change what is in {name} afterwards: {one:?}\n{other:?}"
            ));
        }
    }
    Ok(())
}

fn breaks(property: &str) -> impl Fn(String) -> String {
    move |why| format!("{property}: {why}")
}

/// (a) Only what is allowed is read, written, called.
fn only_allowed(world: &World, trace: &Trace) -> Result<(), String> {
    for name in trace.scanned.iter().chain(&trace.counted).chain(&trace.followed) {
        if !world.readable(name) {
            return Err(format!("reads the collection {name}"));
        }
    }
    for name in &trace.fetched {
        if !world.readable(name) && !trace.writes.contains_key(name) {
            return Err(format!("fetches a document of {name}"));
        }
    }
    for name in &trace.views_and_graphs {
        if !world.rights.permits(name, Operation::Read) {
            return Err(format!("reads the view or graph {name}"));
        }
    }
    for (name, paths) in &trace.reads {
        for path in paths {
            if !admits(world, name, path, false) {
                return Err(format!("reads {name}.{}", path.join(".")));
            }
        }
    }
    for (name, kinds) in &trace.writes {
        for (kind, paths) in kinds {
            if !world.permits(name, operation(*kind)) {
                return Err(format!("writes {name}: {kind:?}"));
            }
            for path in paths.iter().filter(|path| !is_system(path)) {
                if !path.is_empty() && !admits(world, name, path, true) {
                    return Err(format!("writes {name}.{}: {kind:?}", path.join(".")));
                }
            }
        }
    }
    let policy = &world.set.functions;
    for name in &trace.functions {
        let function = functions::lookup(name).ok_or_else(|| format!("calls {name}, which does not exist"))?;
        if !policy.allow.contains(function.class.policy_name()) && !policy.allow.contains(&**name) {
            return Err(format!("calls {name}"));
        }
    }
    Ok(())
}

/// (d) The verdict names every attribute that leaves as part of an object or array, and every one that is written, under
/// its operation: what the audit log and `learn` rely on.
fn only_announced(verdict: &Verdict, trace: &Trace) -> Result<(), String> {
    for (name, paths) in &trace.returned {
        let announced = verdict.reads.get(&**name);
        for path in paths.iter().filter(|path| !path.is_empty()) {
            let path = dotted(path);
            let covers = |read: &String| read == "*" || *read == path || is_below(&path, read) || is_below(read, &path);
            if !announced.is_some_and(|announced| announced.iter().any(covers)) {
                return Err(format!(
                    "the verdict does not tell that {name}.{path} leaves: {announced:?}"
                ));
            }
        }
    }
    for (name, kinds) in &trace.writes {
        for (kind, paths) in kinds {
            let announced = verdict
                .writes
                .get(&**name)
                .and_then(|writes| writes.get(&operation(*kind)));
            let Some(announced) = announced else {
                return Err(format!("the verdict does not tell of the {kind:?} of {name}"));
            };
            for path in paths.iter().filter(|path| !is_system(path)) {
                let path = dotted(path);
                let covers = |written: &String| written == "*" || path == *written || is_below(&path, written);
                if !path.is_empty() && !announced.iter().any(covers) {
                    return Err(format!(
                        "the verdict does not tell that {name}.{path} is written: {kind:?} of {announced:?}"
                    ));
                }
            }
        }
    }
    Ok(())
}

/// (e) The verdict is the same after the judge has met the query with other bind values, and from another user.
pub(crate) fn remembered(
    world: &World,
    request: &Request<'_>,
    verdict: &Verdict,
    chance: &mut Chance,
) -> Result<(), String> {
    let others: Map<String, Json> = request
        .bind_vars
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.clone(), other_value(chance, key, value)))
        .collect();
    let user = if request.user.is_none() { Some("ada") } else { None };
    world.judge.judge(&Request { user, ..*request });
    world.judge.judge(&Request {
        bind_vars: Some(&others),
        ..*request
    });
    let given = world.judge.judge(request);
    if *given == *verdict {
        return Ok(());
    }
    let why = format!("after {others:?} the verdict is {given:?}, not {verdict:?}");
    Err(breaks("(e) memory")(why))
}

/// Another bind value than this one, of the same type mostly.
fn other_value(chance: &mut Chance, key: &str, value: &Json) -> Json {
    match value {
        Json::String(_) if key.starts_with('@') => Json::from(chance.pick(&["people", "notes", "vault", "knows"])),
        _ if chance.percent(30) => value.clone(),
        Json::String(text) if text.contains('/') => Json::from(chance.pick(&["people/k0", "notes/k0", "vault/k0"])),
        Json::String(_) => Json::from(chance.pick(&["a", "b", "o", "x"])),
        Json::Number(_) if chance.percent(70) => Json::from(chance.below(9)),
        Json::Object(members) => {
            let mut members = members.clone();
            let names: Vec<String> = members.keys().cloned().collect();
            for name in names {
                if chance.percent(50) {
                    members.insert(name, Json::from(chance.below(3)));
                }
            }
            Json::Object(members)
        }
        Json::Array(elements) => elements
            .iter()
            .map(|element| other_value(chance, "", element))
            .collect(),
        _ => Json::from(chance.pick(&["x", "a"])),
    }
}

fn operation(kind: WriteKind) -> Operation {
    match kind {
        WriteKind::Insert => Operation::Insert,
        WriteKind::Update => Operation::Update,
        WriteKind::Replace => Operation::Replace,
        WriteKind::Remove => Operation::Remove,
    }
}

/// System attributes are ArangoDB's: what a client gives for them is a key, an end, or ignored.
fn is_system(path: &Path) -> bool {
    path.first().is_some_and(|name| name.starts_with('_'))
}

fn is_below(path: &str, base: &str) -> bool {
    path.strip_prefix(base).is_some_and(|rest| rest.starts_with(['.', '[']))
}

fn dotted(path: &Path) -> String {
    let mut text = String::new();
    for step in path {
        if &**step != ELEMENT && !text.is_empty() {
            text.push('.');
        }
        text.push_str(step);
    }
    text
}

/// Whether a path may be read or written; the key of a document whose collection is closed is no secret to who writes it.
fn admits(world: &World, collection: &str, path: &Path, write: bool) -> bool {
    let key = path.as_slice() == [Text::from("_key")];
    (write || key || world.readable(collection)) && world.rights.admit(collection, path, write)
}

/// (c) What is stored keeps the schemas, edges end where they may, and in a document that was there before, read-only
/// attributes are as they were, at every depth.
fn still_valid(world: &World, database: &Database) -> Result<(), String> {
    for schema in world.resources().collections.values() {
        let collection = database.collection(&schema.name).map_err(|error| error.message)?;
        for document in collection.documents() {
            let json = document.to_json();
            let id = json["_id"].as_str().unwrap_or_default().to_owned();
            let violations = schema.validator.violations(&json);
            if !violations.is_empty() {
                return Err(format!("leaves {id} invalid: {violations:?}: {json}"));
            }
            if let (CollectionKind::Edge, Some(ends)) = (collection.kind(), &schema.edge) {
                for (name, allowed) in [("_from", &ends.from), ("_to", &ends.to)] {
                    let end = json[name]
                        .as_str()
                        .and_then(|id| id.split_once('/'))
                        .map_or("", |(collection, _)| collection);
                    if !allowed.contains(end) {
                        return Err(format!("leaves {id} with {name} in {end}"));
                    }
                }
            }
            let before = json["_key"]
                .as_str()
                .and_then(|key| world.database.document(&schema.name, key).ok());
            if let Some(before) = before.map(evaldb::value::Value::to_json) {
                let (mut was, mut is) = (Vec::new(), Vec::new());
                read_only(world, &schema.name, &before, &mut Path::new(), "", &mut was);
                read_only(world, &schema.name, &json, &mut Path::new(), "", &mut is);
                if was != is {
                    return Err(format!("changes what is read-only in {id}: {was:?} became {is:?}"));
                }
            }
        }
    }
    Ok(())
}

/// The parts of a document that this user may not write, with their places.
fn read_only(
    world: &World,
    collection: &str,
    value: &Json,
    path: &mut Path,
    at: &str,
    found: &mut Vec<(String, Json)>,
) {
    if !world.rights.admit(collection, path, true) {
        found.push((at.to_owned(), value.clone()));
        return;
    }
    match value {
        Json::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            for (name, value) in members {
                path.push(Text::from(name.as_str()));
                if !is_system(path) {
                    read_only(world, collection, value, path, &format!("{at}.{name}"), found);
                }
                path.pop();
            }
        }
        Json::Array(elements) => {
            path.push(Text::from(ELEMENT));
            for (place, element) in elements.iter().enumerate() {
                read_only(world, collection, element, path, &format!("{at}[{place}]"), found);
            }
            path.pop();
        }
        _ => {}
    }
}
