//! What every fault says, and where it points. The texts are snapshots: read them as the person who meets them at three
//! in the morning.

use std::fmt::Write as _;

use super::super::SchemaSet;

/// The faults of a set; `name: text` for each file.
fn faults(files: &[(&str, &str)]) -> String {
    match SchemaSet::from_files(files.iter().copied()) {
        Ok(_) => "valid".to_owned(),
        Err(faults) => faults.to_string(),
    }
}

/// Snapshots of sets of one file each.
fn each(name: &str, cases: &[&str]) -> String {
    cases
        .iter()
        .map(|text| {
            faults(&[(name, text)])
                + "
"
        })
        .collect()
}

#[test]
fn json_that_is_none() {
    let said = each(
        "things.json",
        &[
            "",
            "\u{feff}{}",
            "{\n  \"type\": \"object\",\n}",
            "{\"a\": 1 \"b\": 2}",
            "{'type': 'object'}",
            "{\"type\": object}",
            "{\"default\": None}",
            "{\n  // the documents\n  \"type\": \"object\"}",
            "{\"type\": \"object\"} {}",
            "{\"type\": \"obj",
            "{\"title\": \"a\\x\"}",
            "{\"maximum\": 01}",
            "[1, 2",
            "{\n\t\"type\": \"object\",\n\t\"title\": \"a\", \"title\": \"b\",\n\t\"title\": \"c\"}",
            "[]",
        ],
    );
    insta::assert_snapshot!(said);
}

#[test]
fn keywords_that_are_none() {
    let said = each(
        "things.json",
        &[
            r#"{"propertes": {}}"#,
            r#"{"properties": {"a": {"writeonly": true}}}"#,
            r#"{"properties": {"a": {"hidden": true}, "b": {"nullable": true}}}"#,
            r#"{"allow": ["read"]}"#,
            r#"{"x-malku": {"allow": ["read"]}}"#,
            r#"{"x-other-tool": {"anything": 1}}"#,
            r#"{"properties": {"a": {"type": "strng"}, "b": {"type": "float"}, "c": {"type": []}, "d": {"type": 1}}}"#,
            r#"{"properties": []}"#,
            r#"{"properties": {"a": "string"}}"#,
            r#"{"anyOf": []}"#,
            r#"{"items": [{}, {}]}"#,
            r#"{"required": "a"}"#,
            r#"{"required": ["a", "a"], "properties": {"a": {}}}"#,
            r#"{"properties": {"a": {"minimum": "1"}, "b": {"maxLength": -1}}}"#,
            r#"{"properties": {"a": {"pattern": "(["}, "b": {"pattern": "(?=x)x"}}, "patternProperties": {"*": {}, "^(?!a)": {}}}"#,
            r#"{"$schema": "https://json-schema.org/draft/2019-09/schema"}"#,
            r#"{"type": "array"}"#,
            r#"{"properties": {"a": {"$anchor": "x", "$dynamicRef": "x"}}}"#,
        ],
    );
    insta::assert_snapshot!(said);
}

#[test]
fn references_that_lead_nowhere() {
    let said = each(
        "things.json",
        &[
            r##"{"properties": {"a": {"$ref": "#/$defs/Persn"}}, "$defs": {"Person": {}}}"##,
            r##"{"properties": {"a": {"$ref": "#/definitions/X"}}}"##,
            r#"{"properties": {"a": {"$ref": "https://example.org/person.json"}}}"#,
            r#"{"properties": {"a": {"$ref": "person.json"}}}"#,
            r##"{"properties": {"a": {"$ref": "#/examples/0"}}, "examples": [{}]}"##,
            r##"{"$ref": "#"}"##,
            r##"{"$defs": {"A": {"allOf": [{"$ref": "#/$defs/B"}]}, "B": {"anyOf": [{"$ref": "#/$defs/A"}]}}}"##,
            r#"{"$defs": {"A": {"$id": "a"}}}"#,
        ],
    );
    insta::assert_snapshot!(said);
}

#[test]
fn what_contradicts_itself() {
    let said = each(
        "things.json",
        &[
            r#"{"properties": {"a": {"readOnly": true, "writeOnly": true}}}"#,
            r#"{"properties": {"a": {"writeOnly": "yes"}}}"#,
            r#"{"properties": {"a": {"writeOnly": true, "x-mallku": {"readers": []}}}}"#,
            r#"{"properties": {"a": {"x-mallku": {"readers": ["*"]}}}}"#,
            r#"{"properties": {"a": {"x-mallku": {"reader": ["ana"]}}}}"#,
            r#"{"properties": {"a": {"x-mallku": {"allow": ["read"]}}}}"#,
            r#"{"writeOnly": true}"#,
            r#"{"properties": {"_key": {"type": "string", "writeOnly": true}, "_rev": {"type": "integer"}}}"#,
            r#"{"required": ["_id"], "properties": {"_id": {"type": "string"}}}"#,
            r##"{"x-mallku": {"allow": ["insert"]}, "required": ["a"], "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"readOnly": true}}}"##,
            r#"{"x-mallku": {"allow": ["insert"]}, "required": ["b"], "additionalProperties": false}"#,
        ],
    );
    insta::assert_snapshot!(said);
}

#[test]
fn one_fault_does_not_hide_another() {
    let things = r#"{
  "x-mallku": {"allow": ["insert"], "indexes": [{"type": "persistent", "fields": ["nme"]}]},
  "properties": {
    "name": {"type": ["string", "string"], "minimum": "0"},
    "age": {"writeonly": true, "maxLength": -1},
    "_id": {"writeOnly": true}
  },
  "required": ["name", "surname"],
  "additionalProperties": false
}"#;
    let files = [
        ("broken.json", r#"{"x-mallku": {"collection": "others"},}"#),
        (
            "links.json",
            r#"{"x-mallku": {"kind": "edge", "from": ["others"], "to": ["thing"]}}"#,
        ),
        ("things.json", things),
    ];
    insta::assert_snapshot!(faults(&files));
}

#[test]
fn what_x_mallku_does_not_know() {
    let said = each(
        "things.json",
        &[
            r#"{"x-mallku": []}"#,
            r#"{"x-mallku": {"colection": "things"}}"#,
            r#"{"x-mallku": {"collection": "_users"}}"#,
            r#"{"x-mallku": {"collection": "1st"}}"#,
            r#"{"x-mallku": {"collection": "a thing"}}"#,
            r#"{"x-mallku": {"kind": "edges"}}"#,
            r#"{"x-mallku": {"kind": "edge"}}"#,
            r#"{"x-mallku": {"from": ["things"]}}"#,
            r#"{"x-mallku": {"kind": "edge", "from": [], "to": "things"}}"#,
            r#"{"x-mallku": {"kind": "view"}}"#,
            r#"{"x-mallku": {"kind": "graph", "edges": ["things"], "from": ["things"]}}"#,
            r#"{"x-mallku": {"allow": "read"}}"#,
            r#"{"x-mallku": {"allow": ["reed", "write", "upsert", "delete", "read", "read"]}}"#,
            r#"{"x-mallku": {"allow": {"analyst": ["read"]}}}"#,
            r#"{"x-mallku": {"database": "1db"}}"#,
            r#"{"x-mallku": {"provision": "yes"}}"#,
            r#"{"x-mallku": {"indexes": [{"fields": ["a"]}, {"type": "hash", "fields": []}, {"type": "persistent", "fields": ["nope"]}]}, "properties": {"a": {}}, "additionalProperties": false}"#,
        ],
    );
    insta::assert_snapshot!(said);
}

#[test]
fn names_of_other_files() {
    let things = ("things.json", r#"{"x-mallku": {"allow": ["read"]}}"#);
    let edge = r#"{"x-mallku": {"kind": "edge", "from": ["thing"], "to": ["things"]}}"#;
    let graph = r#"{"x-mallku": {"kind": "graph", "edges": ["things"], "orphans": ["links"]}, "properties": {}}"#;
    let links = r#"{"x-mallku": {"kind": "edge", "from": ["things"], "to": ["things"]}}"#;
    let view = r#"{"x-mallku": {"kind": "view", "collections": ["things", "other"], "allow": ["read", "insert"],
        "definition": {"type": "arangosearch", "links": {"links": {}}}}}"#;
    let closed = r#"{"properties": {"name": {}, "parts": {"type": "array", "items": {"properties": {"size": {}}, "additionalProperties": false}}}, "additionalProperties": false}"#;
    let fields = r#"{"x-mallku": {"kind": "view", "collections": ["closed"], "definition": {"type": "arangosearch", "links": {"closed":
        {"fields": {"nam": {}, "parts": {"fields": {"size": {}, "sise": {}}}}}}}}}"#;
    let sets: &[&[(&str, &str)]] = &[
        &[("closed.json", closed), ("v.json", fields)],
        &[things, ("links.json", edge)],
        &[things, ("links.json", links), ("g.json", graph)],
        &[things, ("v.json", view)],
        &[things, ("more.json", r#"{"x-mallku": {"collection": "things"}}"#)],
        &[
            things,
            (
                "v.json",
                r#"{"x-mallku": {"collection": "things", "kind": "view", "collections": ["things"]}}"#,
            ),
        ],
        &[
            ("things.json", r#"{"x-mallku": {"database": "a"}}"#),
            (
                "links.json",
                r#"{"x-mallku": {"kind": "edge", "database": "b", "from": ["things"], "to": ["things"]}}"#,
            ),
        ],
        &[
            ("policy.json", r#"{"databases": ["memory"]}"#),
            ("things.json", r#"{"x-mallku": {"database": "memori"}}"#),
        ],
        &[("policies.json", r#"{"roles": {}}"#)],
        &[("broken.json", "{"), ("links.json", links)],
    ];
    let said: String = sets.iter().map(|set| faults(set) + "\n").collect();
    insta::assert_snapshot!(said);
}

#[test]
fn policies() {
    let said = each(
        "policy.json",
        &[
            "[]",
            r#"{"role": {}, "wholedocument": "mask"}"#,
            r#"{"databases": []}"#,
            r#"{"databases": ["ok", "not ok"]}"#,
            r#"{"roles": {"*": {"users": ["ana"]}}}"#,
            r#"{"roles": {"analyst": ["ana"], "b c": {"users": ["*"]}, "d": {"user": []}}}"#,
            r#"{"functions": {"allow": ["@pure", "LENGTH("], "deny": ["sleep", "@pure"]}}"#,
            r#"{"functions": {"allow": ["@pur", "@everything", "LENGHT", "MYFUNCTION", "MYGROUP::F"], "deny": ["sleeep"]}}"#,
            r#"{"limits": {"queryBytes": "64k", "depth": 1000, "maxRuntime": 0, "querybytes": 1, "memoryLimit": 1.5}}"#,
            r#"{"limits": {"requestsPerSecond": {"analist": 5}, "concurrent": 0}, "roles": {"analyst": {}}}"#,
            r#"{"queries": "aproved"}"#,
            r#"{"queries": "approved"}"#,
            r#"{"wholeDocument": "hide"}"#,
            r#"{"users": {"root": {"passwordFile": "/x"}, "ana": {"role": "analyst"}, "bob": {"passwordFile": "bob", "database": "x"}}}"#,
        ],
    );
    insta::assert_snapshot!(said);
}

#[test]
fn every_fault_of_every_file_is_reported_at_once() {
    let report = faults(&[
        (
            "a.json",
            r#"{"x-mallku": {"kind": "edge"}, "properties": {"x": {"type": "strng"}}}"#,
        ),
        ("b.json", "{"),
        ("policy.json", r#"{"wholeDocument": "hide", "limits": {"depht": 1}}"#),
    ]);
    for part in [
        "needs `from`",
        "needs `to`",
        "`strng`",
        "b.json:1:2",
        "`hide`",
        "`depht`",
    ] {
        assert!(report.contains(part), "{part} is missing in:\n{report}");
    }
}

#[test]
fn a_definition_that_multiplies_is_a_fault_and_not_a_hang() {
    let mut definitions = String::new();
    for level in 0..30 {
        let next = level + 1;
        let _ = write!(
            definitions,
            r##""L{level}": {{"properties": {{"a": {{"$ref": "#/$defs/L{next}"}}, "b": {{"$ref": "#/$defs/L{next}"}}}}}},"##
        );
    }
    let text = format!(r##"{{"$ref": "#/$defs/L0", "$defs": {{{definitions} "L30": {{}}}}}}"##);
    assert!(faults(&[("things.json", &text)]).contains("too large"));
}

#[test]
fn deep_nesting_is_a_fault_and_not_a_crash() {
    let text = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(faults(&[("things.json", &text)]).contains("nested deeper"));
}
