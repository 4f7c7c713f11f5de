//! Every query of the parser's corpus, on an open schema set that has what it names: what is open is never hidden, unknown
//! or too dynamic. Fragments of queries that name no variable, and traversals without `WITH`, stay denied.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use mallku_db::judge::{Request, Rule, judge};
use mallku_db::schema::SchemaSet;
use serde_json::{Map, Value, json};

/// What an open schema set does not lift.
const MAY_DENY: [Rule; 7] = [
    Rule::OperationNotAllowed,
    Rule::TraversalNeedsWith,
    Rule::TraversalStart,
    Rule::FunctionNotAllowed,
    Rule::OptionNotAllowed,
    // A bind value of the corpus stands for anything; here it is a string.
    Rule::DocumentInvalid,
    Rule::BindType,
];

/// What the first judgement says is missing.
#[derive(Default)]
struct Needs {
    kinds: BTreeMap<String, &'static str>,
    binds: Map<String, Value>,
}

impl Needs {
    fn set(&self) -> Option<SchemaSet> {
        let all = json!(["read", "insert", "update", "replace", "remove"]);
        let mut files: BTreeMap<String, Value> = BTreeMap::new();
        let documents: BTreeSet<&str> = ["things"]
            .into_iter()
            .chain(
                self.kinds
                    .iter()
                    .filter(|(_, kind)| **kind == "document")
                    .map(|(name, _)| name.as_str()),
            )
            .collect();
        for name in &documents {
            files.insert(
                (*name).to_owned(),
                json!({"x-mallku": {"collection": name, "allow": all}}),
            );
        }
        for (name, kind) in &self.kinds {
            let schema = match *kind {
                "edge" => {
                    json!({"x-mallku": {"collection": name, "kind": "edge", "from": documents, "to": documents, "allow": all}})
                }
                "graph" => {
                    json!({"x-mallku": {"collection": name, "kind": "graph", "edges": ["links"], "allow": ["read"]}})
                }
                "view" => {
                    json!({"x-mallku": {"collection": name, "kind": "view", "collections": ["things"], "allow": ["read"]}})
                }
                _ => continue,
            };
            files.insert(name.clone(), schema);
        }
        files.insert(
            "links".to_owned(),
            json!({"x-mallku": {"kind": "edge", "from": documents, "to": documents, "allow": all}}),
        );
        let files = files.into_iter().enumerate().map(|(index, (name, mut schema))| {
            if let Some(key) = schema.get_mut("x-mallku") {
                key["collection"] = json!(name);
            }
            (format!("s{index}.json"), schema.to_string())
        });
        SchemaSet::from_files(files).ok()
    }
}

/// The rules that deny a query in the end.
fn verdict(query: &str) -> Vec<(Rule, String)> {
    let mut needs = Needs::default();
    for _ in 0..6 {
        let Some(set) = needs.set() else { return Vec::new() };
        let request = Request {
            query,
            bind_vars: Some(&needs.binds),
            user: None,
            database: "_system",
        };
        let verdict = judge(&set, &request);
        let mut changed = false;
        for denial in &verdict.denials {
            let name = denial.collection.clone().unwrap_or_default();
            let kind = match denial.rule {
                Rule::UnknownCollection if denial.message.contains("no edge collection") => "edge",
                Rule::UnknownCollection => "document",
                Rule::UnknownView => "view",
                Rule::UnknownGraph => "graph",
                Rule::BindMissing => {
                    let key = denial
                        .message
                        .split('@')
                        .nth(1)
                        .map(|_| denial.message.split('`').nth(1).unwrap_or("@")[1..].to_owned());
                    if let Some(key) = key {
                        let value = if key.starts_with('@') {
                            json!("things")
                        } else {
                            json!("things/1")
                        };
                        needs.binds.insert(key, value);
                        changed = true;
                    }
                    continue;
                }
                _ => continue,
            };
            changed |= needs.kinds.insert(name, kind) != Some(kind);
        }
        if !changed {
            return verdict
                .denials
                .into_iter()
                .map(|denial| (denial.rule, denial.message))
                .collect();
        }
    }
    Vec::new()
}

#[test]
fn the_parsers_corpus_passes_where_all_is_open() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/aql/ok");
    let mut queries = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        queries.extend(
            text.split("### ")
                .filter_map(|case| case.split_once('\n'))
                .map(|(_, query)| query.to_owned()),
        );
    }
    assert!(queries.len() > 100, "found {}", queries.len());
    let mut failures = Vec::new();
    for query in &queries {
        let denials = verdict(query);
        if denials.iter().any(|(rule, _)| !MAY_DENY.contains(rule)) {
            failures.push(format!("{}\n    {denials:?}", query.trim()));
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        queries.len(),
        failures.join("\n")
    );
}
