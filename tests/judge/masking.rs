//! Mask mode: the edited query parses, is admitted, and returns readable attributes only.

use mallku_db::aql;
use mallku_db::judge::Request;
use mallku_db::judge::{apply, judge};
use mallku_db::schema::SchemaSet;
use serde_json::json;

use super::verdict;

fn set(mode: &str) -> SchemaSet {
    let users = json!({
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "odd name": {"type": "string"},
            "pw": {"type": "string", "writeOnly": true},
            "address": {
                "type": "object",
                "properties": {"city": {"type": "string"}, "code": {"type": "string", "writeOnly": true}},
                "additionalProperties": false
            },
            "cards": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"brand": {"type": "string"}, "number": {"type": "string", "writeOnly": true}},
                    "additionalProperties": false
                }
            }
        },
        "additionalProperties": false,
        "x-mallku": {"allow": ["read", "insert", "update"]}
    });
    let open = json!({
        "type": "object",
        "properties": {"secret": {"writeOnly": true}},
        "x-mallku": {"allow": ["read"]}
    });
    let policy = json!({ "wholeDocument": mode });
    SchemaSet::from_files([
        ("users.json", users.to_string()),
        ("open.json", open.to_string()),
        ("policy.json", policy.to_string()),
    ])
    .unwrap_or_else(|faults| panic!("{faults}"))
}

fn masked(query: &str) -> String {
    let set = set("mask");
    let verdict = verdict(&set, None, query, "");
    assert!(verdict.admitted(), "{query}: {:?}", verdict.denials);
    assert!(!verdict.edits.is_empty(), "{query}");
    let text = apply(query, &verdict.edits).into_owned();
    aql::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    // With nothing masked any more, the edited query is admitted as it is.
    let again = super::verdict(&self::set("deny"), None, &text, "");
    assert!(again.admitted(), "{text}: {:?}", again.denials);
    text
}

#[test]
fn a_whole_document_loses_what_is_hidden() {
    insta::assert_snapshot!(masked("FOR u IN users RETURN u"), @r#"FOR u IN users RETURN MERGE(KEEP(u, "_id", "_key", "_rev", "name", "odd name"), HAS(u, "address") ? {"address": (IS_OBJECT(u["address"]) ? KEEP(u["address"], "city") : null)} : {}, HAS(u, "cards") ? {"cards": (IS_ARRAY(u["cards"]) ? u["cards"][* RETURN (IS_OBJECT(CURRENT) ? KEEP(CURRENT, "brand") : null)] : null)} : {})"#);
}

#[test]
fn an_open_document_keeps_what_no_schema_names() {
    insta::assert_snapshot!(masked("FOR o IN open RETURN o"), @r#"FOR o IN open RETURN UNSET(o, "secret")"#);
}

#[test]
fn documents_within_what_is_returned() {
    insta::assert_snapshot!(masked("FOR u IN users RETURN {u, n: u.name, both: [u.address, 1]}"), @r#"FOR u IN users RETURN {u: MERGE(KEEP(u, "_id", "_key", "_rev", "name", "odd name"), HAS(u, "address") ? {"address": (IS_OBJECT(u["address"]) ? KEEP(u["address"], "city") : null)} : {}, HAS(u, "cards") ? {"cards": (IS_ARRAY(u["cards"]) ? u["cards"][* RETURN (IS_OBJECT(CURRENT) ? KEEP(CURRENT, "brand") : null)] : null)} : {}), n: u.name, both: [(IS_OBJECT(u.address) ? KEEP(u.address, "city") : null), 1]}"#);
}

#[test]
fn arrays_of_documents() {
    insta::assert_snapshot!(masked("RETURN (FOR u IN users LIMIT 3 RETURN u.cards)"), @r#"RETURN (FIRST([(FOR u IN users LIMIT 3 RETURN u.cards)][* RETURN (CURRENT)[* RETURN (IS_ARRAY(CURRENT) ? CURRENT[* RETURN (IS_OBJECT(CURRENT) ? KEEP(CURRENT, "brand") : null)] : null)]]))"#);
    insta::assert_snapshot!(masked("LET found = (FOR o IN open RETURN o) RETURN found"), @r#"LET found = (FOR o IN open RETURN o) RETURN (found)[* RETURN UNSET(CURRENT, "secret")]"#);
}

#[test]
fn what_is_computed_is_computed_once() {
    insta::assert_snapshot!(masked("RETURN FIRST(FOR o IN open RETURN o)"), @r#"RETURN FIRST([FIRST(FOR o IN open RETURN o)][* RETURN (IS_OBJECT(CURRENT) ? UNSET(CURRENT, "secret") : null)])"#);
    insta::assert_snapshot!(masked("FOR o IN open RETURN MERGE(o, {more: 1})"), @r#"FOR o IN open RETURN MERGE(UNSET(o, "secret"), {more: 1})"#);
}

#[test]
fn what_functions_pass_on_is_masked_where_it_comes_from() {
    insta::assert_snapshot!(masked("FOR u IN users RETURN MERGE(u.address, {owner: u.name})"), @r#"FOR u IN users RETURN MERGE((IS_OBJECT(u.address) ? KEEP(u.address, "city") : null), {owner: u.name})"#);
    insta::assert_snapshot!(masked("FOR o IN open RETURN NOT_NULL(o, {})"), @r#"FOR o IN open RETURN NOT_NULL(UNSET(o, "secret"), {})"#);
    insta::assert_snapshot!(masked("FOR o IN open RETURN APPEND([o], PUSH([o.a], o))"), @r#"FOR o IN open RETURN APPEND([UNSET(o, "secret")], PUSH([o.a], UNSET(o, "secret")))"#);
    insta::assert_snapshot!(masked("FOR o IN open RETURN UNION([o], [1], (FOR p IN open RETURN p))"), @r#"FOR o IN open RETURN UNION([UNSET(o, "secret")], [1], (FIRST([(FOR p IN open RETURN p)][* RETURN (CURRENT)[* RETURN UNSET(CURRENT, "secret")]])))"#);
}

#[test]
fn branches() {
    insta::assert_snapshot!(masked("FOR o IN open RETURN o.x > 1 ? o : null"), @r#"FOR o IN open RETURN o.x > 1 ? UNSET(o, "secret") : null"#);
}

#[test]
fn new_documents() {
    insta::assert_snapshot!(masked("INSERT {name: 'x', pw: 'y'} INTO users RETURN NEW"), @r#"INSERT {name: 'x', pw: 'y'} INTO users RETURN MERGE(KEEP(NEW, "_id", "_key", "_rev", "name", "odd name"), HAS(NEW, "address") ? {"address": (IS_OBJECT(NEW["address"]) ? KEEP(NEW["address"], "city") : null)} : {}, HAS(NEW, "cards") ? {"cards": (IS_ARRAY(NEW["cards"]) ? NEW["cards"][* RETURN (IS_OBJECT(CURRENT) ? KEEP(CURRENT, "brand") : null)] : null)} : {})"#);
}

#[test]
fn only_what_leaves_is_masked() {
    let set = set("mask");
    for query in [
        "FOR u IN users FILTER u == {name: 'x'} RETURN 1",
        "FOR u IN users RETURN u.pw",
        "FOR u IN users SORT u RETURN 1",
        "FOR u IN users COLLECT x = u RETURN x",
        "FOR u IN users RETURN JSON_STRINGIFY(u)",
        "FOR u IN users FILTER u.pw == 'x' RETURN u",
    ] {
        let verdict = verdict(&set, None, query, "");
        assert!(!verdict.admitted() && verdict.edits.is_empty(), "{query}");
    }
}

#[test]
fn what_is_readable_is_left_alone() {
    let set = set("mask");
    let request = Request {
        query: "FOR u IN users RETURN u.name",
        bind_vars: None,
        user: None,
        database: "_system",
    };
    let verdict = judge(&set, &request);
    assert!(verdict.admitted() && verdict.edits.is_empty());
}
