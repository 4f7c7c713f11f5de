//! Creating in the database what the schemas declare and it lacks.
//!
//! INVARIANT: only creating. Nothing that exists is altered or dropped; where it differs from the schemas, that is a line in
//! the log. Every step looks before it creates, so that it may be repeated, and interrupted anywhere.

mod compare;
mod rule;
mod users;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde_json::{Value, json};

use crate::schema::{Collection, EdgeEnds, Faults, Graph, Resources, SchemaSet, View};

use super::report::Report;
use super::watch::Database;

/// ArangoDB's numbers for the kinds of collections.
const DOCUMENTS: u64 = 2;
const EDGES: u64 = 3;

/// What the schemas declare.
pub(super) struct Plan {
    set: SchemaSet,
}

/// What was done and found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// How many of each kind were created.
    created: BTreeMap<&'static str, u32>,
    differences: u32,
    failures: u32,
    /// What lets clients reach more than the schemas say, a sentence each.
    wider: Vec<String>,
}

impl Plan {
    pub(super) fn load(dir: &Path) -> Result<Self, Faults> {
        SchemaSet::load(dir).map(|set| Self { set })
    }

    /// Creates what is missing. A fault of one thing is logged and does not keep the others from being created; that the
    /// database does not answer at all ends it.
    ///
    /// Gives a sentence for each view and graph that reaches more than the schemas say: verdicts about it would be wrong.
    pub(super) fn apply(&self, database: &Database, report: &mut Report) -> io::Result<Vec<String>> {
        let mut step = Step {
            database,
            report,
            outcome: Outcome::default(),
        };
        step.databases(&self.set)?;
        for (name, resources) in &self.set.resources {
            step.resources(name, resources)?;
        }
        users::create(&mut step, &self.set)?;
        let Outcome {
            created,
            differences,
            failures,
            ..
        } = &step.outcome;
        let mut parts: Vec<String> = created
            .iter()
            .map(|(kind, count)| format!("{count} {kind} created"))
            .collect();
        if parts.is_empty() {
            parts.push("nothing to create".to_owned());
        }
        for (count, what) in [(differences, "differences"), (failures, "failures")] {
            if *count > 0 {
                parts.push(format!("{count} {what}"));
            }
        }
        let line = format!("provisioning: {}", parts.join(", "));
        if *failures > 0 {
            step.report.error(line);
        } else {
            step.report.info(line);
        }
        Ok(step.outcome.wider)
    }
}

/// One round of provisioning.
struct Step<'a> {
    database: &'a Database,
    report: &'a mut Report,
    outcome: Outcome,
}

impl Step<'_> {
    /// What the database holds under `path`, as its answer has it; an empty list, and a failure, where it does not tell.
    fn list(&mut self, path: &str, key: &str) -> io::Result<Vec<Value>> {
        let answer = self.database.ask("GET", path, None)?;
        if answer.status == 200
            && let Some(Value::Array(list)) = answer.json().get_mut(key)
        {
            return Ok(std::mem::take(list));
        }
        self.fail(&format!("{path} cannot be listed"), answer.status, &answer.json());
        Ok(Vec::new())
    }

    /// Creates one thing. That another got there first is no fault.
    fn create(&mut self, kind: &'static str, name: &str, path: &str, body: &Value) -> io::Result<bool> {
        let answer = self.database.ask("POST", path, Some(body))?;
        let json = answer.json();
        match answer.status {
            // For an index, 200 says that there is one already.
            200 if kind == "indexes" => Ok(true),
            200..=299 => {
                *self.outcome.created.entry(kind).or_default() += 1;
                self.report.debug(format!("{name} was created"));
                Ok(true)
            }
            409 => Ok(true),
            status => {
                self.fail(&format!("{name} cannot be created"), status, &json);
                Ok(false)
            }
        }
    }

    fn fail(&mut self, what: &str, status: u16, answer: &Value) {
        self.outcome.failures += 1;
        let why = answer
            .get("errorMessage")
            .and_then(Value::as_str)
            .unwrap_or("no reason given");
        self.report
            .error(format!("{what}: the database answered {status}: {why}"));
    }

    fn differs(&mut self, what: &str) {
        self.outcome.differences += 1;
        self.report.warn(format!("{what}; it is left as it is"));
    }

    fn is_wider(&mut self, what: String) {
        self.report.error(&what);
        self.outcome.wider.push(what);
    }

    /// One thing's properties; nothing, and a failure, where the database does not tell.
    fn properties(&mut self, shown: &str, path: &str) -> io::Result<Option<Value>> {
        let answer = self.database.ask("GET", path, None)?;
        if answer.status == 200 {
            return Ok(Some(answer.json()));
        }
        self.fail(&format!("{shown} cannot be looked at"), answer.status, &answer.json());
        Ok(None)
    }

    fn databases(&mut self, set: &SchemaSet) -> io::Result<()> {
        let found = self.list("/_api/database", "result")?;
        for name in &set.databases {
            if !found.iter().any(|database| database.as_str() == Some(name)) {
                self.create(
                    "databases",
                    &format!("database `{name}`"),
                    "/_api/database",
                    &json!({ "name": name }),
                )?;
            }
        }
        Ok(())
    }

    fn resources(&mut self, database: &str, resources: &Resources) -> io::Result<()> {
        let base = format!("/_db/{}", encode(database));
        let wanted = resources.collections.values().any(|collection| collection.provision);
        if wanted {
            let found = self.list(&format!("{base}/_api/collection"), "result")?;
            for collection in resources.collections.values().filter(|collection| collection.provision) {
                self.collection(&base, collection, &found)?;
            }
        }
        // Views and graphs are compared even where they are not created here: verdicts rest on what they reach.
        if !resources.views.is_empty() {
            let found = self.list(&format!("{base}/_api/view"), "result")?;
            for view in resources.views.values() {
                self.view(&base, view, &found)?;
            }
        }
        if !resources.graphs.is_empty() {
            let found = self.list(&format!("{base}/_api/gharial"), "graphs")?;
            for graph in resources.graphs.values() {
                self.graph(&base, graph, resources, &found)?;
            }
        }
        Ok(())
    }

    fn collection(&mut self, base: &str, collection: &Collection, found: &[Value]) -> io::Result<()> {
        let name = &collection.name;
        let shown = format!("collection `{name}`");
        let kind = if collection.edge.is_some() { EDGES } else { DOCUMENTS };
        match named(found, name) {
            Some(existing) if existing.get("type").and_then(Value::as_u64) != Some(kind) => {
                let words = |edges| if edges { "an edge" } else { "a document" };
                self.differs(&format!(
                    "{shown} is {} collection, the schemas say {} collection",
                    words(kind != EDGES),
                    words(kind == EDGES)
                ));
                return Ok(());
            }
            Some(_) => {
                let path = format!("{base}/_api/collection/{}/properties", encode(name));
                if let Some(properties) = self.properties(&shown, &path)?
                    && let Some(difference) = compare::validation(&properties, rule::derive(&collection.json_schema))
                {
                    self.differs(&format!("{shown} {difference}"));
                }
            }
            None => {
                let mut body = json!({ "name": name, "type": kind });
                if let (Some(rule), Some(body)) = (rule::derive(&collection.json_schema), body.as_object_mut()) {
                    let message = format!("the document does not fit the schema of `{name}`");
                    body.insert(
                        "schema".to_owned(),
                        json!({ "rule": rule, "level": compare::LEVEL, "message": message }),
                    );
                }
                if !self.create("collections", &shown, &format!("{base}/_api/collection"), &body)? {
                    return Ok(());
                }
            }
        }
        self.indexes(base, collection)
    }

    fn indexes(&mut self, base: &str, collection: &Collection) -> io::Result<()> {
        if collection.indexes.is_empty() {
            return Ok(());
        }
        let path = format!("{base}/_api/index?collection={}", encode(&collection.name));
        let found = self.list(&path, "indexes")?;
        for wanted in &collection.indexes {
            let name = wanted.get("name").and_then(Value::as_str);
            let shown = format!("index {} of `{}`", describe_index(wanted), collection.name);
            let namesake = found
                .iter()
                .find(|existing| name.is_some() && existing.get("name").and_then(Value::as_str) == name);
            let same = || found.iter().find(|existing| compare::is_same_index(existing, wanted));
            if let Some(existing) = namesake.or_else(same) {
                if let Some(difference) = compare::index(existing, wanted) {
                    self.differs(&format!("{shown} is another in the database: {difference}"));
                }
                continue;
            }
            // Counted here, because the database answers 200 or 201 by its own lights.
            let answer = self.database.ask("POST", &path, Some(wanted))?;
            if (200..300).contains(&answer.status) {
                *self.outcome.created.entry("indexes").or_default() += 1;
            } else {
                self.fail(&format!("{shown} cannot be created"), answer.status, &answer.json());
            }
        }
        Ok(())
    }

    fn view(&mut self, base: &str, view: &View, found: &[Value]) -> io::Result<()> {
        let shown = format!("view `{}`", view.name);
        let kind = view.definition.get("type").and_then(Value::as_str);
        let Some(existing) = named(found, &view.name) else {
            if !view.provision {
                return Ok(());
            }
            let mut body = view.definition.clone();
            if let Some(body) = body.as_object_mut() {
                body.insert("name".to_owned(), view.name.as_str().into());
            }
            return self
                .create("views", &shown, &format!("{base}/_api/view"), &body)
                .map(drop);
        };
        if existing.get("type").and_then(Value::as_str) != kind {
            self.differs(&format!("{shown} is of another type in the database"));
        }
        let path = format!("{base}/_api/view/{}/properties", encode(&view.name));
        let Some(properties) = self.properties(&shown, &path)? else {
            return Ok(());
        };
        for collection in compare::spanned(&properties).difference(&view.collections) {
            self.is_wider(format!(
                "{shown} also spans `{collection}`, which its schema does not name, and whoever may read the view would read that, \
                 too; name it in `collections`, or take it out of the view"
            ));
        }
        if let Some(difference) = compare::view(&properties, &view.definition) {
            self.differs(&format!("{shown} is defined otherwise in the database: {difference}"));
        }
        Ok(())
    }

    fn graph(&mut self, base: &str, graph: &Graph, resources: &Resources, found: &[Value]) -> io::Result<()> {
        let shown = format!("graph `{}`", graph.name);
        let wanted: BTreeMap<&str, &EdgeEnds> = graph
            .edges
            .iter()
            .filter_map(|name| Some((name.as_str(), resources.collections.get(name)?.edge.as_ref()?)))
            .collect();
        let Some(existing) = found.iter().find(|existing| {
            ["_key", "name"]
                .iter()
                .any(|key| existing.get(key).and_then(Value::as_str) == Some(&graph.name))
        }) else {
            if !graph.provision {
                return Ok(());
            }
            let edges: Vec<Value> = wanted
                .iter()
                .map(|(name, ends)| json!({ "collection": name, "from": ends.from, "to": ends.to }))
                .collect();
            let body = json!({ "name": graph.name, "edgeDefinitions": edges, "orphanCollections": graph.orphans });
            return self
                .create("graphs", &shown, &format!("{base}/_api/gharial"), &body)
                .map(drop);
        };
        let found = compare::graph(existing, &wanted, &graph.orphans);
        for what in found.wider {
            self.is_wider(format!("{shown} {what}"));
        }
        for what in found.differences {
            self.differs(&format!("{shown} {what}"));
        }
        Ok(())
    }
}

fn named<'v>(list: &'v [Value], name: &str) -> Option<&'v Value> {
    list.iter()
        .find(|item| item.get("name").and_then(Value::as_str) == Some(name))
}

fn describe_index(index: &Value) -> String {
    let part = |key: &str| index.get(key).map(ToString::to_string).unwrap_or_default();
    index.get("name").map_or_else(
        || format!("{} on {}", part("type"), part("fields")),
        ToString::to_string,
    )
}

/// Percent-encodes what is not unreserved (RFC 3986), for names in paths.
fn encode(name: &str) -> String {
    name.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_paths_are_encoded() {
        assert_eq!(encode("my_db-1"), "my_db-1");
        assert_eq!(encode("a/b ü"), "a%2Fb%20%C3%BC");
    }
}
