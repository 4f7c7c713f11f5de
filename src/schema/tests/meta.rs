//! The published meta-schemas, docs/mallku.schema.json and docs/policy.schema.json, agree with the loader.
//!
//! An editor sees one file: what depends on others (a role that is not defined) is the loader's alone.

use serde_json::{Value, json};

use super::super::SchemaSet;
use super::super::vocabulary::{ATTRIBUTE_KEYS, KEYWORDS, MALLKU_KEYS, POLICY_KEYS};

fn published(name: &str) -> Value {
    let path = format!("{}/docs/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Whether the loader takes a file; the names that it may refer to are there.
fn loads(name: &str, file: &Value) -> bool {
    let policy = json!({"roles": {"analyst": {}}, "databases": ["_system", "memory"]});
    let mut files = vec![(name.to_owned(), file.to_string())];
    if name != "policy.json" {
        files.push(("policy.json".to_owned(), policy.to_string()));
        files.push(("others.json".to_owned(), "{}".to_owned()));
        files.push((
            "links.json".to_owned(),
            json!({"x-mallku": {"kind": "edge", "from": ["others"], "to": ["others"]}}).to_string(),
        ));
    }
    SchemaSet::from_files(files).is_ok()
}

fn agree(meta: &str, name: &str, accepted: &[Value], refused: &[Value]) {
    let validator = jsonschema::draft7::options().build(&published(meta)).unwrap();
    for file in accepted {
        let complaint = validator
            .iter_errors(file)
            .map(|error| error.to_string())
            .collect::<Vec<_>>();
        assert!(complaint.is_empty(), "the meta-schema refuses {file}: {complaint:?}");
        assert!(loads(name, file), "the loader refuses {file}");
    }
    for file in refused {
        assert!(!validator.is_valid(file), "the meta-schema accepts {file}");
        assert!(!loads(name, file), "the loader accepts {file}");
    }
}

#[test]
fn schema_files() {
    agree(
        "mallku.schema.json",
        "things.json",
        &[
            json!({}),
            json!({"x-mallku": {"allow": ["read", "insert"]}}),
            json!({"x-mallku": {"collection": "stuff", "allow": {"*": ["read"], "analyst": ["remove"]}, "provision": false}}),
            json!({"x-mallku": {"kind": "edge", "from": ["others"], "to": ["others"], "indexes": [{"type": "persistent", "fields": ["a"]}]}}),
            json!({"x-mallku": {"kind": "view", "collections": ["others"], "allow": ["read"]}}),
            json!({"x-mallku": {"kind": "graph", "edges": ["links"], "orphans": [], "allow": {"analyst": ["read"]}}}),
            json!({"x-mallku": {"database": "memory"}}),
            json!({"x-mallku": {"database": ["memory", "_system"]}}),
            json!({"type": "object", "required": ["a"], "additionalProperties": false, "properties": {
                "a": {"type": ["string", "null"], "maxLength": 5, "pattern": "^a"},
                "b": {"anyOf": [{"$ref": "#/$defs/B"}, {"type": "null"}], "default": null, "writeOnly": true},
                "c": {"x-mallku": {"readers": ["analyst"], "writers": ["analyst"]}},
                "d": {"type": "array", "items": {"enum": [1, 2]}, "minItems": 1},
            }, "$defs": {"B": {"type": "object"}}}),
            json!({"properties": {"a": true}, "x-other": {"any": "thing"}}),
        ],
        &[
            json!([]),
            json!({"propertes": {}}),
            json!({"properties": {"a": {"writeonly": true}}}),
            json!({"properties": {"a": {"type": "strng"}}}),
            json!({"properties": {"a": {"readOnly": true, "writeOnly": true}}}),
            json!({"properties": {"a": {"maxLength": -1}}}),
            json!({"properties": {"a": {"x-mallku": {"readers": []}}}}),
            json!({"properties": {"a": {"x-mallku": {"reader": ["analyst"]}}}}),
            json!({"properties": {"a": {"x-mallku": {"allow": ["read"]}}}}),
            json!({"properties": {"a": {"$ref": "other.json"}}}),
            json!({"required": ["a", "a"]}),
            json!({"writeOnly": true}),
            json!({"allOf": []}),
            json!({"x-mallku": {"colection": "x"}}),
            json!({"x-mallku": {"collection": "_users"}}),
            json!({"x-mallku": {"collection": "1st"}}),
            json!({"x-mallku": {"kind": "edges"}}),
            json!({"x-mallku": {"kind": "edge", "from": ["others"]}}),
            json!({"x-mallku": {"kind": "edge", "from": [], "to": ["others"]}}),
            json!({"x-mallku": {"from": ["others"], "to": ["others"]}}),
            json!({"x-mallku": {"kind": "view"}}),
            json!({"x-mallku": {"kind": "view", "collections": ["others"], "allow": ["insert"]}}),
            json!({"x-mallku": {"kind": "view", "collections": ["others"], "indexes": []}}),
            json!({"x-mallku": {"kind": "graph", "edges": ["links"], "from": ["others"]}}),
            json!({"x-mallku": {"allow": ["reed"]}}),
            json!({"x-mallku": {"allow": ["read", "read"]}}),
            json!({"x-mallku": {"allow": "read"}}),
            json!({"x-mallku": {"database": []}}),
            json!({"x-mallku": {"provision": "yes"}}),
            json!({"x-mallku": {"indexes": [{"fields": ["a"]}]}}),
        ],
    );
}

#[test]
fn policies() {
    agree(
        "policy.schema.json",
        "policy.json",
        &[
            json!({}),
            json!({"databases": ["memory"], "roles": {"analyst": {"users": ["ana"]}, "agent": {}}}),
            json!({"functions": {"allow": ["@pure", "MYGROUP::F"], "deny": ["sleep"]}}),
            json!({"limits": {"queryBytes": 1024, "maxRuntime": 0.5, "requestsPerSecond": 10, "concurrent": {"*": 4}}}),
            json!({"queries": "any", "wholeDocument": "mask"}),
            json!({"roles": {"analyst": {}}, "users": {"ana": {"passwordFile": "/run/secrets/ana", "role": "analyst", "database": "_system"}}}),
        ],
        &[
            json!([]),
            json!({"role": {}}),
            json!({"databases": []}),
            json!({"databases": ["not ok"]}),
            json!({"roles": {"*": {}}}),
            json!({"roles": {"analyst": {"user": []}}}),
            json!({"roles": {"analyst": {"users": ["ana", "ana"]}}}),
            json!({"functions": {"allow": ["LENGTH("]}}),
            json!({"limits": {"querybytes": 1}}),
            json!({"limits": {"depth": 1000}}),
            json!({"limits": {"maxRuntime": 0}}),
            json!({"limits": {"queryBytes": "64k"}}),
            json!({"limits": {"concurrent": 0.5}}),
            json!({"queries": "aproved"}),
            json!({"wholeDocument": "hide"}),
            json!({"users": {"root": {"passwordFile": "/x"}}}),
            json!({"users": {"ana": {}}}),
            json!({"users": {"ana": {"passwordFile": "ana"}}}),
        ],
    );
}

#[test]
fn every_word_is_in_a_meta_schema() {
    let meta = published("mallku.schema.json");
    let named = |pointer: &str| {
        meta.pointer(pointer)
            .and_then(Value::as_object)
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    let sorted = |mut words: Vec<String>| {
        words.sort();
        words
    };
    let words = |list: &[&str]| sorted(list.iter().map(|word| (*word).to_owned()).collect());
    assert_eq!(sorted(named("/definitions/collection/properties")), words(&MALLKU_KEYS));
    assert_eq!(
        sorted(named("/definitions/attribute/properties")),
        words(&ATTRIBUTE_KEYS)
    );
    let keywords: Vec<&str> = KEYWORDS.iter().map(|keyword| keyword.name).collect();
    assert_eq!(sorted(named("/properties")), words(&keywords));
    let policy = published("policy.schema.json");
    assert_eq!(
        sorted(policy["properties"].as_object().unwrap().keys().cloned().collect()),
        words(&POLICY_KEYS)
    );
}
