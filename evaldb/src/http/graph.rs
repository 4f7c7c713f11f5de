//! `/_api/gharial`: named graphs, their vertices and edges; `/_api/edges`.

use super::auth::text;
use super::collection::{need_definitions, need_read, need_write};
use super::document::{Operation, Wanted, apply, precondition_failed, report, revision};
use super::{Call, Fault, Method, Outcome, Reply};
use crate::error::{ArangoError, Result};
use crate::store::{Database, EdgeDefinition, Graph};
use crate::value::{Object, Value};
use serde_json::{Map, json};
use std::collections::BTreeSet;

pub(super) fn handle(call: &Call) -> Outcome {
    match (call.method, call.rest(2).as_slice()) {
        (Method::Get, []) => {
            let graphs: Vec<_> = call.read("", |database| Ok(database.graphs().map(shown).collect()))?;
            Ok(Reply::ok(200, json!({ "graphs": graphs })))
        }
        (Method::Post, []) => create(call),
        (Method::Get, [graph]) => graph_answer(call, 200, graph),
        (Method::Delete, [graph]) => delete(call, graph),
        (Method::Get, [graph, "vertex"]) => {
            let names: Vec<String> = call.read("", |database| {
                Ok(database
                    .graph(graph)?
                    .vertex_collections()
                    .into_iter()
                    .map(str::to_owned)
                    .collect())
            })?;
            Ok(Reply::ok(200, json!({ "collections": names })))
        }
        (Method::Get, [graph, "edge"]) => {
            let names: Vec<String> = call.read("", |database| {
                Ok(database
                    .graph(graph)?
                    .edges
                    .iter()
                    .map(|edge| edge.collection.clone())
                    .collect())
            })?;
            Ok(Reply::ok(200, json!({ "collections": names })))
        }
        (Method::Post, [graph, "vertex"]) => add_orphan(call, graph),
        (Method::Delete, [graph, "vertex", name]) => remove_orphan(call, graph, name),
        (Method::Post, [graph, "edge"]) => add_definition(call, graph),
        (Method::Put, [graph, "edge", name]) => replace_definition(call, graph, name),
        (Method::Delete, [graph, "edge", name]) => remove_definition(call, graph, name),
        (Method::Post, [graph, kind @ ("vertex" | "edge"), collection]) => {
            item(call, graph, Kind::of(kind), collection, None, Operation::Insert)
        }
        (Method::Get | Method::Head, [graph, kind @ ("vertex" | "edge"), collection, key]) => {
            read(call, graph, Kind::of(kind), collection, key)
        }
        (Method::Put, [graph, kind @ ("vertex" | "edge"), collection, key]) => {
            item(call, graph, Kind::of(kind), collection, Some(key), Operation::Replace)
        }
        (Method::Patch, [graph, kind @ ("vertex" | "edge"), collection, key]) => {
            item(call, graph, Kind::of(kind), collection, Some(key), Operation::Update)
        }
        (Method::Delete, [graph, kind @ ("vertex" | "edge"), collection, key]) => {
            remove(call, graph, Kind::of(kind), collection, key)
        }
        (Method::Get | Method::Post | Method::Put | Method::Patch | Method::Delete, _) => {
            Err(Fault::unknown_path(&call.path))
        }
        _ => Err(Fault::wrong_method()),
    }
}

/// A graph as the interface shows it.
fn shown(graph: &Graph) -> serde_json::Value {
    let edges: Vec<_> = graph
        .edges
        .iter()
        .map(|edge| json!({ "collection": edge.collection, "from": edge.from, "to": edge.to }))
        .collect();
    json!({
        "_key": graph.name, "_id": format!("_graphs/{}", graph.name), "_rev": "_evaldb----", "name": graph.name,
        "edgeDefinitions": edges, "orphanCollections": graph.orphans, "isSmart": false, "isDisjoint": false,
        "isSatellite": false,
    })
}

fn graph_answer(call: &Call, status: u16, name: &str) -> Outcome {
    let graph = call
        .service
        .with_server(|server| server.database(&call.database)?.graph(name).map(shown))?;
    Ok(Reply::ok(status, json!({ "graph": graph })))
}

/// 201 when the caller waited for the disk, 202 otherwise.
fn changed(call: &Call) -> u16 {
    if call.flag("waitForSync", false) { 201 } else { 202 }
}

fn create(call: &Call) -> Outcome {
    need_definitions(call)?;
    let body = call.json_object()?;
    let name = text(&body, "name").filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Fault::from(ArangoError::new(1932, "missing graph name")))?;
    let edges = body
        .get("edgeDefinitions")
        .and_then(Value::as_array)
        .unwrap_or_default();
    let edges = edges
        .iter()
        .map(edge_definition)
        .collect::<std::result::Result<Vec<_>, Fault>>()?;
    let mut seen = BTreeSet::new();
    if let Some(twice) = edges.iter().find(|edge| !seen.insert(&edge.collection)) {
        return Err(Fault::new(
            400,
            1920,
            format!("multi use of edge collection in edge def: {}", twice.collection),
        ));
    }
    let orphans = names(body.get("orphanCollections"))?;
    let graph = Graph {
        name: name.to_owned(),
        edges,
        orphans,
    };
    call.service
        .change(|server| server.database_mut(&call.database)?.create_graph(graph))?;
    graph_answer(call, changed(call), name)
}

fn edge_definition(body: &Value) -> std::result::Result<EdgeDefinition, Fault> {
    let bad = || Fault::new(400, 1935, "malformed edge definition");
    let (from, to) = (names(body.get("from"))?, names(body.get("to"))?);
    let collection = text(body, "collection").ok_or_else(bad)?.to_owned();
    if from.is_empty() || to.is_empty() {
        return Err(bad());
    }
    Ok(EdgeDefinition { collection, from, to })
}

fn names(value: Option<&Value>) -> std::result::Result<Vec<String>, Fault> {
    let bad = || Fault::new(400, 1935, "malformed edge definition");
    let items = value.map_or(Some(&[][..]), Value::as_array).ok_or_else(bad)?;
    items
        .iter()
        .map(|name| name.as_str().map(str::to_owned).ok_or_else(bad))
        .collect()
}

fn delete(call: &Call, name: &str) -> Outcome {
    need_definitions(call)?;
    let with_collections = call.flag("dropCollections", false);
    call.service.change(|server| {
        let database = server.database_mut(&call.database)?;
        let graph = database.graph(name)?.clone();
        database.drop_graph(name)?;
        if with_collections {
            let edges = graph.edges.iter().map(|edge| edge.collection.as_str());
            for collection in edges.chain(graph.vertex_collections()) {
                drop_unused(database, collection);
            }
        }
        Ok(())
    })?;
    Ok(Reply::ok(changed(call), json!({ "removed": true })))
}

/// Drops a collection that no graph uses any more.
fn drop_unused(database: &mut Database, collection: &str) {
    let used = database.graphs().any(|graph| {
        graph.vertex_collections().contains(collection) || graph.edges.iter().any(|edge| edge.collection == collection)
    });
    if !used {
        let _ = database.drop_collection(collection);
    }
}

fn edit(
    call: &Call,
    name: &str,
    edit: impl FnOnce(&mut Graph, &Database) -> Result<()>,
    unused: Option<&str>,
) -> Outcome {
    need_definitions(call)?;
    call.service.change(|server| {
        let database = server.database_mut(&call.database)?;
        let mut graph = database.graph(name)?.clone();
        edit(&mut graph, database)?;
        database.replace_graph(graph)?;
        if let Some(collection) = unused {
            drop_unused(database, collection);
        }
        Ok(())
    })?;
    graph_answer(call, changed(call), name)
}

fn add_orphan(call: &Call, graph: &str) -> Outcome {
    let body = call.json_object()?;
    let name = text(&body, "collection").ok_or_else(|| Fault::bad("collection is missing"))?;
    let add = |graph: &mut Graph, _: &Database| {
        if graph.vertex_collections().contains(name) {
            return Err(ArangoError::new(1938, "collection already used in the graph"));
        }
        graph.orphans.push(name.to_owned());
        Ok(())
    };
    edit(call, graph, add, None)
}

fn remove_orphan(call: &Call, graph: &str, name: &str) -> Outcome {
    let remove = |graph: &mut Graph, _: &Database| {
        if graph
            .edges
            .iter()
            .any(|edge| edge.from.iter().chain(&edge.to).any(|end| end == name))
        {
            return Err(ArangoError::new(1947, "collection is used in edge definitions"));
        }
        let before = graph.orphans.len();
        graph.orphans.retain(|orphan| orphan != name);
        if graph.orphans.len() == before {
            Err(ArangoError::new(
                1928,
                "collection is not in the list of orphan collections",
            ))
        } else {
            Ok(())
        }
    };
    edit(call, graph, remove, call.flag("dropCollection", false).then_some(name))
}

fn add_definition(call: &Call, graph: &str) -> Outcome {
    let definition = edge_definition(&call.json_object()?)?;
    let add = |graph: &mut Graph, _: &Database| {
        if graph.edges.iter().any(|edge| edge.collection == definition.collection) {
            return Err(ArangoError::new(
                1920,
                format!("multi use of edge collection in edge def: {}", definition.collection),
            ));
        }
        graph
            .orphans
            .retain(|orphan| !definition.from.contains(orphan) && !definition.to.contains(orphan));
        graph.edges.push(definition);
        Ok(())
    };
    edit(call, graph, add, None)
}

fn replace_definition(call: &Call, graph: &str, name: &str) -> Outcome {
    let definition = edge_definition(&call.json_object()?)?;
    let replace = |graph: &mut Graph, _: &Database| {
        let before = graph
            .vertex_collections()
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>();
        let edge = graph
            .edges
            .iter_mut()
            .find(|edge| edge.collection == name)
            .ok_or_else(unused_edges)?;
        *edge = definition;
        keep_as_orphans(graph, before);
        Ok(())
    };
    edit(call, graph, replace, None)
}

fn remove_definition(call: &Call, graph: &str, name: &str) -> Outcome {
    let remove = |graph: &mut Graph, _: &Database| {
        let vertices = graph
            .vertex_collections()
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>();
        let before = graph.edges.len();
        graph.edges.retain(|edge| edge.collection != name);
        if graph.edges.len() == before {
            return Err(unused_edges());
        }
        keep_as_orphans(graph, vertices);
        Ok(())
    };
    let drop_too = call.flag("dropCollections", false) || call.flag("dropCollection", false);
    edit(call, graph, remove, drop_too.then_some(name))
}

/// A vertex collection that lost its last edges stays in the graph.
fn keep_as_orphans(graph: &mut Graph, before: Vec<String>) {
    let lost: Vec<String> = before
        .into_iter()
        .filter(|name| !graph.vertex_collections().contains(name.as_str()))
        .collect();
    graph.orphans.extend(lost);
}

fn unused_edges() -> ArangoError {
    ArangoError::new(1930, "edge collection not used in graph")
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Vertex,
    Edge,
}

impl Kind {
    fn of(segment: &str) -> Kind {
        if segment == "edge" { Kind::Edge } else { Kind::Vertex }
    }

    fn name(self) -> &'static str {
        match self {
            Kind::Vertex => "vertex",
            Kind::Edge => "edge",
        }
    }

    /// Checks that the collection belongs to the graph in this role.
    fn check(self, graph: &Graph, collection: &str) -> Result<()> {
        match self {
            Kind::Vertex if graph.vertex_collections().contains(collection) => Ok(()),
            Kind::Vertex => Err(ArangoError::new(
                1926,
                "vertex collection does not exist or is not part of the graph",
            )),
            Kind::Edge if graph.edges.iter().any(|edge| edge.collection == collection) => Ok(()),
            Kind::Edge => Err(unused_edges()),
        }
    }
}

fn read(call: &Call, graph: &str, kind: Kind, collection: &str, key: &str) -> Outcome {
    need_read(call, collection)?;
    let document = call.read(collection, |database| {
        kind.check(database.graph(graph)?, collection)?;
        database.document(collection, key).cloned()
    })?;
    let rev = revision(&document);
    let wanted = call.revision("if-match").or_else(|| call.parameter("rev"));
    if wanted.is_some_and(|wanted| wanted != rev) {
        return Err(precondition_failed(&document));
    }
    Ok(Reply::ok(200, json!({ kind.name(): document.to_json() })).with("Etag", format!("\"{rev}\"")))
}

fn item(call: &Call, graph: &str, kind: Kind, collection: &str, key: Option<&str>, operation: Operation) -> Outcome {
    need_write(call, collection)?;
    let body = call.json_object()?;
    let mut wanted = Wanted::from(call, collection);
    // The graph interface takes a revision only from the header or the parameter.
    wanted.options.ignore_revs = true;
    let revision = call.revision("if-match").or_else(|| call.parameter("rev"));
    let (outcome, existing) = call.write(collection, |database| {
        kind.check(database.graph(graph)?, collection)?;
        if kind == Kind::Edge {
            check_ends(database, graph, collection, &body, operation)?;
        }
        let outcome = apply(database, collection, operation, key, &body, &wanted, revision);
        let existing = key.and_then(|key| database.collection(collection).ok()?.get(key).cloned());
        Ok((outcome, existing))
    })?;
    let written = outcome.map_err(|error| match (&existing, error.num) {
        (Some(existing), 1200) => precondition_failed(existing),
        _ => Fault::from(error),
    })?;
    let mut members = report(&written, &wanted, operation, existing.as_ref());
    let (old, new) = (members.remove("old"), members.remove("new"));
    let mut answer = Map::from_iter([(kind.name().to_owned(), members.into())]);
    answer.extend(old.map(|old| ("old".to_owned(), old)));
    answer.extend(new.map(|new| ("new".to_owned(), new)));
    let status = match (operation, wanted.sync) {
        (Operation::Insert, true) => 201,
        (_, true) => 200,
        (_, false) => 202,
    };
    Ok(Reply::ok(status, answer.into()))
}

/// Both ends must be documents of vertex collections of the graph.
fn check_ends(database: &Database, graph: &str, collection: &str, edge: &Value, operation: Operation) -> Result<()> {
    let graph = database.graph(graph)?;
    let definition = graph
        .edges
        .iter()
        .find(|edge| edge.collection == collection)
        .ok_or_else(unused_edges)?;
    for (name, allowed) in [("_from", &definition.from), ("_to", &definition.to)] {
        let id = match text(edge, name) {
            Some(id) => id,
            None if operation == Operation::Update => continue,
            None => {
                return Err(ArangoError::new(
                    1233,
                    format!("edge attribute missing or invalid: {name}"),
                ));
            }
        };
        let invalid = || ArangoError::new(1233, format!("edge attribute missing or invalid: {name}"));
        let (vertices, key) = id.split_once('/').ok_or_else(invalid)?;
        if !allowed.iter().any(|allowed| allowed == vertices) {
            return Err(ArangoError::new(
                1947,
                format!("collection '{vertices}' is not used in the edge definition"),
            ));
        }
        database.document(vertices, key)?;
    }
    Ok(())
}

/// Removes a vertex with its edges in every graph that knows its collection, or an edge.
fn remove(call: &Call, graph: &str, kind: Kind, collection: &str, key: &str) -> Outcome {
    need_write(call, collection)?;
    let edges = call.read("", |database| Ok(edges_around(database, collection)))?;
    // The edges go by a query of the caller's: without the right, or undeclared in a transaction, nothing goes.
    for name in &edges {
        need_write(call, name)?;
    }
    let touched: Vec<&str> = std::iter::once(collection)
        .chain(edges.iter().map(String::as_str))
        .collect();
    let wanted = Wanted::from(call, collection);
    let revision = call.revision("if-match").or_else(|| call.parameter("rev"));
    let (outcome, existing) = call.write_all(&touched, |database| {
        kind.check(database.graph(graph)?, collection)?;
        let nothing = Value::object(Object::new());
        let outcome = apply(
            database,
            collection,
            Operation::Remove,
            Some(key),
            &nothing,
            &wanted,
            revision,
        );
        if outcome.is_ok() {
            remove_edges_of(database, &format!("{collection}/{key}"), &edges)?;
        }
        let existing = database.collection(collection)?.get(key).cloned();
        Ok((outcome, existing))
    })?;
    let written = outcome.map_err(|error| match (&existing, error.num) {
        (Some(existing), 1200) => precondition_failed(existing),
        _ => Fault::from(error),
    })?;
    let mut answer = json!({ "removed": true });
    if wanted.return_old
        && let Some(old) = &written.old
    {
        answer["old"] = old.to_json();
    }
    Ok(Reply::ok(if wanted.sync { 200 } else { 202 }, answer))
}

/// The edge collections of every graph that knows a collection.
fn edges_around(database: &Database, collection: &str) -> BTreeSet<String> {
    let knows = |graph: &&Graph| {
        graph.vertex_collections().contains(collection) || graph.edges.iter().any(|edge| edge.collection == collection)
    };
    let graphs = database.graphs().filter(knows);
    graphs
        .flat_map(|graph| graph.edges.iter().map(|edge| edge.collection.clone()))
        .collect()
}

fn remove_edges_of(database: &mut Database, id: &str, edges: &BTreeSet<String>) -> Result<()> {
    for name in edges {
        let known = database.collection(name)?;
        let keys: BTreeSet<String> = known
            .edges_from(id)
            .chain(known.edges_to(id))
            .filter_map(|edge| text(edge, "_key").map(str::to_owned))
            .collect();
        for key in keys {
            database.remove(name, &key, None, &crate::store::WriteOptions::default())?;
        }
    }
    Ok(())
}

/// `GET /_api/edges/{collection}?vertex=…&direction=…`.
pub(super) fn edges(call: &Call) -> Outcome {
    let (Method::Get, [collection]) = (call.method, call.rest(2).as_slice().try_into().unwrap_or([""])) else {
        return Err(Fault::unknown_path(&call.path));
    };
    need_read(call, collection)?;
    let vertex = call.parameter("vertex").filter(|id| id.contains('/'));
    let vertex = vertex.ok_or_else(|| Fault::from(ArangoError::new(1205, "illegal document handle")))?;
    let direction = call.parameter("direction").unwrap_or("any");
    let found: Vec<serde_json::Value> = call.read(collection, |database| {
        let edges = database.collection(collection)?;
        if edges.kind() != crate::store::CollectionKind::Edge {
            return Err(ArangoError::new(1218, "collection type invalid"));
        }
        let outgoing = (direction != "in").then(|| edges.edges_from(vertex));
        let incoming = (direction != "out").then(|| edges.edges_to(vertex));
        let mut seen = BTreeSet::new();
        let all = outgoing.into_iter().flatten().chain(incoming.into_iter().flatten());
        Ok(all
            .filter(|edge| seen.insert(text(edge, "_key").map(str::to_owned)))
            .map(Value::to_json)
            .collect())
    })?;
    let scanned = found.len();
    Ok(Reply::ok(
        200,
        json!({ "edges": found, "stats": { "scannedIndex": scanned, "filtered": 0 } }),
    ))
}
