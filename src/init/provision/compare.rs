//! How what exists differs from what the schemas want, in words for the log.
//!
//! The database fills in defaults, so that what exists says more than what is wanted; only what is wanted is looked for, but in
//! a validation rule, where each further word makes it stricter.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::schema::EdgeEnds;

/// The level of a validation rule that is created here: documents that do not fit already may be changed.
pub(super) const LEVEL: &str = "moderate";
/// Longest value that is shown in a difference, in characters.
const SHOWN: usize = 60;

/// How a collection's validation, in its `properties`, differs from the rule that is wanted.
pub(super) fn validation(properties: &Value, wanted: Option<Value>) -> Option<String> {
    let existing = properties.get("schema").filter(|schema| schema.is_object());
    match (existing, wanted) {
        (None, None) => None,
        (None, Some(_)) => Some("has no validation rule, the schemas would give it one".to_owned()),
        (Some(_), None) => Some("has a validation rule, the schemas would give it none".to_owned()),
        (Some(existing), Some(wanted)) => {
            let level = existing.get("level").and_then(Value::as_str).unwrap_or("strict");
            if let Some(difference) =
                difference(existing.get("rule").unwrap_or(&Value::Null), &wanted, Match::Whole, "")
            {
                return Some(format!("has another validation rule: {difference}"));
            }
            (level != LEVEL).then(|| format!("has the validation level `{level}`, the schemas would give it `{LEVEL}`"))
        }
    }
}

/// Attributes by which an index is one and not another.
const IDENTITY: [&str; 4] = ["type", "fields", "unique", "sparse"];

/// Whether two definitions are of one index: the kind, the fields in order, and whether it is unique and sparse.
pub(super) fn is_same_index(existing: &Value, wanted: &Value) -> bool {
    IDENTITY
        .iter()
        .all(|key| index_attribute(existing, key) == index_attribute(wanted, key))
}

/// How an index differs from the one that is wanted.
pub(super) fn index(existing: &Value, wanted: &Value) -> Option<String> {
    let identity = IDENTITY.iter().find_map(|key| {
        let (found, said) = (index_attribute(existing, key), index_attribute(wanted, key));
        (found != said).then(|| says(key, &found, &said))
    });
    identity.or_else(|| {
        let mut rest = wanted.as_object()?.iter();
        // Whether it is built in the background is not kept.
        rest.find_map(|(key, said)| {
            let compared = !IDENTITY.contains(&key.as_str()) && key != "inBackground" && key != "name";
            compared.then(|| member(existing, key, said, Match::Part, key))?
        })
    })
}

fn index_attribute(index: &Value, key: &str) -> Value {
    let value = index.get(key).cloned().unwrap_or(Value::Null);
    match (key, value) {
        // Three names for one kind, since the storage engine of 3.4, and one that was renamed in 3.12.
        ("type", Value::String(kind)) if kind == "hash" || kind == "skiplist" => "persistent".into(),
        ("type", Value::String(kind)) if kind == "zkd" => "mdi".into(),
        ("unique" | "sparse", Value::Null) => {
            // A TTL or geo index is sparse whatever is said.
            let always = key == "sparse" && matches!(index.get("type").and_then(Value::as_str), Some("ttl" | "geo"));
            always.into()
        }
        (_, value) => value,
    }
}

/// The collections that a view spans, by its properties: an `arangosearch` view's links, a `search-alias` view's indexes.
pub(super) fn spanned(properties: &Value) -> BTreeSet<String> {
    let links = properties.get("links").and_then(Value::as_object);
    let links = links.into_iter().flat_map(|links| links.keys().cloned());
    let indexes = properties.get("indexes").and_then(Value::as_array);
    let indexes = indexes
        .into_iter()
        .flatten()
        .filter_map(|index| index.get("collection")?.as_str().map(str::to_owned));
    links.chain(indexes).collect()
}

/// How a view differs from the definition that is wanted.
///
/// `primarySort` and `storedValues` can be given in several forms, and the database tells them in one of its own.
pub(super) fn view(properties: &Value, definition: &Value) -> Option<String> {
    let wanted = definition.as_object()?;
    let index = |index: &Value| (index.get("collection").cloned(), index.get("index").cloned());
    wanted.iter().find_map(|(key, said)| match key.as_str() {
        "type" | "name" | "primarySort" | "storedValues" => None,
        "indexes" => {
            let found = properties.get("indexes").and_then(Value::as_array);
            let found: Vec<_> = found.into_iter().flatten().map(index).collect();
            let missing = said.as_array()?.iter().find(|wanted| !found.contains(&index(wanted)))?;
            Some(format!("the index {} is not in it", short(missing)))
        }
        _ => member(properties, key, said, Match::Part, key),
    })
}

/// What is to be said of a graph.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct GraphFindings {
    /// What lets a traversal reach more than the schemas say.
    pub(super) wider: Vec<String>,
    pub(super) differences: Vec<String>,
}

/// Compares a graph's definition with the edge collections, their ends and the orphans that are wanted.
pub(super) fn graph(existing: &Value, wanted: &BTreeMap<&str, &EdgeEnds>, orphans: &BTreeSet<String>) -> GraphFindings {
    let mut findings = GraphFindings::default();
    let mut seen = BTreeSet::new();
    let definitions = existing.get("edgeDefinitions").and_then(Value::as_array);
    for definition in definitions.into_iter().flatten() {
        let name = definition.get("collection").and_then(Value::as_str).unwrap_or_default();
        let Some(ends) = wanted.get(name) else {
            findings.wider.push(format!(
                "also has the edges `{name}`, which its schema does not name, and whoever may walk the graph would walk these, too; \
                 name them in `edges`, or take them out of the graph"
            ));
            continue;
        };
        seen.insert(name);
        for (key, said) in [("from", &ends.from), ("to", &ends.to)] {
            let found = names(definition, key);
            for other in found.difference(said) {
                findings.wider.push(format!(
                    "lets the edges `{name}` lead {key} `{other}`, which their schema does not name; name it in `{key}`, or take it \
                     out of the graph"
                ));
            }
            for other in said.difference(&found) {
                findings
                    .differences
                    .push(format!("does not let the edges `{name}` lead {key} `{other}`"));
            }
        }
    }
    for name in wanted.keys().filter(|name| !seen.contains(*name)) {
        findings.differences.push(format!("does not have the edges `{name}`"));
    }
    let found = names(existing, "orphanCollections");
    let is_end = |name: &String| {
        wanted
            .values()
            .any(|ends| ends.from.contains(name) || ends.to.contains(name))
    };
    for name in orphans.difference(&found).filter(|name| !is_end(name)) {
        findings
            .differences
            .push(format!("does not have the vertices `{name}`"));
    }
    for name in found.difference(orphans).filter(|name| !is_end(name)) {
        findings.differences.push(format!(
            "also has the vertices `{name}`, which its schema does not name"
        ));
    }
    findings
}

fn names(value: &Value, key: &str) -> BTreeSet<String> {
    let list = value.get(key).and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect()
}

/// Whether more than what is wanted is a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Match {
    Whole,
    Part,
}

/// The first place where a value is not what is wanted.
fn difference(existing: &Value, wanted: &Value, how: Match, path: &str) -> Option<String> {
    match (existing, wanted) {
        (Value::Object(found), Value::Object(said)) => {
            let below = |key: &str| {
                if path.is_empty() {
                    key.to_owned()
                } else {
                    format!("{path}.{key}")
                }
            };
            let missing = said
                .iter()
                .find_map(|(key, said)| member(existing, key, said, how, &below(key)));
            missing.or_else(|| {
                let more = found
                    .iter()
                    .find(|(key, _)| how == Match::Whole && !said.contains_key(*key));
                more.map(|(key, value)| format!("`{}` is {}, the schemas do not say it", below(key), short(value)))
            })
        }
        // `required`, `enum` and the like are sets.
        (Value::Array(found), Value::Array(said)) if said.iter().all(is_scalar) => {
            let has = |list: &[Value], value: &Value| list.iter().any(|other| is_equal(other, value));
            let same = found.iter().all(|value| has(said, value)) && said.iter().all(|value| has(found, value));
            (!same).then(|| says(path, existing, wanted))
        }
        (Value::Array(found), Value::Array(said)) if found.len() == said.len() => {
            let pairs = found.iter().zip(said).enumerate();
            let mut inner =
                pairs.filter_map(|(at, (found, said))| difference(found, said, how, &format!("{path}[{at}]")));
            inner.next()
        }
        _ => (!is_equal(existing, wanted)).then(|| says(path, existing, wanted)),
    }
}

fn member(existing: &Value, key: &str, said: &Value, how: Match, path: &str) -> Option<String> {
    match existing.get(key) {
        Some(found) => difference(found, said, how, path),
        None => Some(format!("`{path}` is missing, the schemas say {}", short(said))),
    }
}

fn says(path: &str, found: &Value, said: &Value) -> String {
    format!("`{path}` is {}, the schemas say {}", short(found), short(said))
}

fn is_scalar(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}

/// Equality of scalars. The database may tell 1.0 as 1.
fn is_equal(one: &Value, other: &Value) -> bool {
    one == other || one.is_number() && one.as_f64() == other.as_f64()
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(difference: Option<String>) -> String {
        difference.unwrap_or_default()
    }

    #[test]
    fn rules_are_compared_as_a_whole() {
        let rule = json!({ "required": ["a", "b"], "properties": { "a": { "type": "string", "minLength": 1 } } });
        let with = |rule: Value, level: &str| json!({ "schema": { "rule": rule, "level": level, "type": "json" } });
        let found = |existing: Value| of(validation(&existing, Some(rule.clone())));
        // Order says nothing, nor whether a number has a fraction of zero.
        let same = json!({ "properties": { "a": { "minLength": 1.0, "type": "string" } }, "required": ["b", "a"] });
        assert_eq!(found(with(same, "moderate")), "");
        assert_eq!(
            found(json!({ "schema": null })),
            "has no validation rule, the schemas would give it one"
        );
        let other = json!({ "required": ["a", "b"], "properties": { "a": { "type": "number", "minLength": 1 } } });
        assert_eq!(
            found(with(other, "moderate")),
            "has another validation rule: `properties.a.type` is \"number\", the schemas say \"string\""
        );
        let mut more = rule.clone();
        more["additionalProperties"] = false.into();
        assert_eq!(
            found(with(more, "moderate")),
            "has another validation rule: `additionalProperties` is false, the schemas do not say it"
        );
        let less = json!({ "required": ["a"], "properties": { "a": { "type": "string", "minLength": 1 } } });
        assert_eq!(
            found(with(less, "moderate")),
            "has another validation rule: `required` is [\"a\"], the schemas say [\"a\",\"b\"]"
        );
        assert_eq!(
            found(with(rule.clone(), "strict")),
            "has the validation level `strict`, the schemas would give it `moderate`"
        );
        assert_eq!(of(validation(&json!({}), None)), "");
        assert_eq!(
            of(validation(&with(rule.clone(), "moderate"), None)),
            "has a validation rule, the schemas would give it none"
        );
    }

    #[test]
    fn indexes_are_compared_by_what_they_do() {
        let wanted = json!({ "type": "persistent", "fields": ["a", "b"], "unique": true });
        for (existing, expected) in [
            (
                json!({ "id": "c/1", "type": "hash", "fields": ["a", "b"], "unique": true, "sparse": false, "estimates": true }),
                "",
            ),
            (
                json!({ "type": "persistent", "fields": ["b", "a"], "unique": true }),
                "`fields` is [\"b\",\"a\"], the schemas say [\"a\",\"b\"]",
            ),
            (
                json!({ "type": "persistent", "fields": ["a", "b"], "unique": false }),
                "`unique` is false, the schemas say true",
            ),
            (
                json!({ "type": "ttl", "fields": ["a", "b"], "unique": true }),
                "`type` is \"ttl\", the schemas say \"persistent\"",
            ),
        ] {
            assert_eq!(of(index(&existing, &wanted)), expected, "{existing}");
            assert_eq!(is_same_index(&existing, &wanted), expected.is_empty(), "{existing}");
        }
        let wanted = json!({ "type": "ttl", "name": "t", "fields": ["at"], "expireAfter": 60, "inBackground": true });
        let existing = json!({ "type": "ttl", "name": "x", "fields": ["at"], "expireAfter": 3600, "unique": false, "sparse": true });
        assert!(is_same_index(&existing, &wanted));
        assert_eq!(
            of(index(&existing, &wanted)),
            "`expireAfter` is 3600, the schemas say 60"
        );
    }

    #[test]
    fn views_are_compared_by_what_is_wanted_of_them() {
        let wanted = json!({ "type": "arangosearch", "links": { "a": { "includeAllFields": true } }, "commitIntervalMsec": 1000 });
        let existing = json!({
            "type": "arangosearch", "commitIntervalMsec": 1000, "cleanupIntervalStep": 2,
            "links": { "a": { "includeAllFields": true, "analyzers": ["identity"] }, "b": {} }
        });
        assert_eq!(of(view(&existing, &wanted)), "");
        assert_eq!(spanned(&existing), BTreeSet::from(["a".to_owned(), "b".to_owned()]));
        let other = json!({ "type": "arangosearch", "links": { "a": { "includeAllFields": false } }, "commitIntervalMsec": 1000 });
        assert_eq!(
            of(view(&other, &wanted)),
            "`links.a.includeAllFields` is false, the schemas say true"
        );
        let alias =
            json!({ "type": "search-alias", "indexes": [{ "collection": "a", "index": "i", "operation": "add" }] });
        let existing = json!({ "type": "search-alias", "indexes": [{ "collection": "a", "index": "i" }] });
        assert_eq!(of(view(&existing, &alias)), "");
        assert_eq!(spanned(&existing), BTreeSet::from(["a".to_owned()]));
        let empty = json!({ "type": "search-alias", "indexes": [] });
        assert!(of(view(&empty, &alias)).ends_with("is not in it"));
    }

    #[test]
    fn graphs_are_compared_by_where_they_lead() {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let ends = EdgeEnds {
            from: set(&["a", "b"]),
            to: set(&["c"]),
        };
        let wanted = BTreeMap::from([("e", &ends)]);
        let same = json!({ "edgeDefinitions": [{ "collection": "e", "from": ["b", "a"], "to": ["c"] }], "orphanCollections": ["o"] });
        assert_eq!(graph(&same, &wanted, &set(&["o", "a"])), GraphFindings::default());
        let wider = json!({
            "edgeDefinitions": [
                { "collection": "e", "from": ["a"], "to": ["c", "secret"] },
                { "collection": "f", "from": ["a"], "to": ["c"] }
            ],
            "orphanCollections": ["p"]
        });
        let found = graph(&wider, &wanted, &set(&["o"]));
        assert_eq!(found.wider.len(), 2, "{found:?}");
        assert!(
            found.wider[0].starts_with("lets the edges `e` lead to `secret`"),
            "{found:?}"
        );
        assert!(found.wider[1].starts_with("also has the edges `f`"), "{found:?}");
        assert_eq!(
            found.differences,
            [
                "does not let the edges `e` lead from `b`",
                "does not have the vertices `o`",
                "also has the vertices `p`, which its schema does not name"
            ]
        );
        let none = graph(&json!({}), &wanted, &set(&[]));
        assert_eq!(none.differences, ["does not have the edges `e`"]);
    }
}
