//! What must hold for every admitted query.

use evaldb::query::{BindVars, QueryOptions, QueryResult, run};
use evaldb::store::{CollectionKind, Database};
use evaldb::trace::{Path, Trace, WriteKind};
use evaldb::value::ELEMENT;
use mallku_db::aql::functions;
use mallku_db::judge::Verdict;
use mallku_db::schema::{Operation, RoleSet, Shape};
use serde_json::Value as Json;

use crate::chance::Chance;
use crate::queries::Generated;
use crate::world::World;

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

/// Checks an admitted query; the text says which property fails and how. `Ok` tells whether the query ran to its end.
pub(crate) fn check(world: &World, query: &Generated, verdict: &Verdict, chance: &mut Chance) -> Result<bool, String> {
    let mut database = world.database.clone();
    let (outcome, trace) = evaluate(&mut database, query, true);
    if let Some(trace) = &trace {
        only_allowed(world, trace)?;
        only_announced(verdict, trace)?;
    }
    still_valid(world, &database)?;
    // Without the trace nothing may be different: it only watches.
    let (unwatched, _) = evaluate(&mut world.database.clone(), query, false);
    if unwatched != outcome {
        return Err(format!(
            "the trace changes the outcome: {outcome:?} against {unwatched:?}"
        ));
    }
    let (other, _) = evaluate(&mut world.with_other_secrets(chance), query, false);
    // Running out of steps ends the query at a point that hangs on the number of documents met on the way.
    let killed = |outcome: &Outcome| matches!(&outcome.rows, Err(text) if text.starts_with("1500 "));
    if other != outcome && !killed(&outcome) && !killed(&other) {
        return Err(format!("hidden values change the outcome:\n{outcome:?}\n{other:?}"));
    }
    Ok(outcome.rows.is_ok())
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
        let resources = world.resources();
        let views = resources.views.get(&**name).map(|view| &view.allow);
        let allow = views.or_else(|| resources.graphs.get(&**name).map(|graph| &graph.allow));
        if !allow.is_some_and(|allow| allow.permits(&world.roles, Operation::Read)) {
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
            let operation = match kind {
                WriteKind::Insert => Operation::Insert,
                WriteKind::Update => Operation::Update,
                WriteKind::Replace => Operation::Replace,
                WriteKind::Remove => Operation::Remove,
            };
            if !world.permits(name, operation) {
                return Err(format!("writes {name}: {kind:?}"));
            }
            // System attributes are ArangoDB's: what a client gives for them is a key, an end, or ignored.
            for path in paths
                .iter()
                .filter(|path| !path.first().is_some_and(|name| name.starts_with('_')))
            {
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

/// The verdict names every attribute that leaves as part of an object or array, and every collection that is written:
/// what the audit log and `learn` rely on.
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
        if !verdict.writes.contains_key(&**name) {
            return Err(format!("the verdict does not tell that {name} is written: {kinds:?}"));
        }
    }
    Ok(())
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

/// Whether every step of a path may be read or written. An attribute that a closed schema does not name is no secret:
/// no document has it.
fn admits(world: &World, collection: &str, path: &Path, write: bool) -> bool {
    let Some(collection) = world.resources().collections.get(collection) else {
        return false;
    };
    if !write && !world.readable(&collection.name) && path.as_slice() != [evaldb::value::Text::from("_key")] {
        return false;
    }
    let mut shape: &Shape = &collection.shape;
    for step in path {
        shape = if &**step == ELEMENT {
            shape.element()
        } else {
            match shape.attribute(step) {
                Some(shape) => shape,
                None => return !write,
            }
        };
        let access = if write { &shape.write } else { &shape.read };
        if !access.admits(&world.roles) {
            return false;
        }
    }
    true
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
                read_only(&before, &schema.shape, &world.roles, "", &mut was);
                read_only(&json, &schema.shape, &world.roles, "", &mut is);
                if was != is {
                    return Err(format!("changes what is read-only in {id}: {was:?} became {is:?}"));
                }
            }
        }
    }
    Ok(())
}

/// The parts of a document that these roles may not write, with their places.
fn read_only(value: &Json, shape: &Shape, roles: &RoleSet, at: &str, found: &mut Vec<(String, Json)>) {
    if !shape.write.admits(roles) {
        found.push((at.to_owned(), value.clone()));
        return;
    }
    match value {
        Json::Object(members) => {
            let mut members: Vec<_> = members
                .iter()
                .filter(|(name, _)| !(at.is_empty() && name.starts_with('_')))
                .collect();
            members.sort_by_key(|(name, _)| *name);
            for (name, value) in members {
                if let Some(below) = shape.attribute(name) {
                    read_only(value, below, roles, &format!("{at}.{name}"), found);
                }
            }
        }
        Json::Array(elements) => {
            for (place, element) in elements.iter().enumerate() {
                read_only(element, shape.element(), roles, &format!("{at}[{place}]"), found);
            }
        }
        _ => {}
    }
}
