//! Roles, databases, approved queries, functions of the policy.

use mallku_db::judge::{Request, judge};
use mallku_db::schema::SchemaSet;
use serde_json::{Value, json};

use super::{rules, verdict};

fn load(files: &[(&str, Value)]) -> SchemaSet {
    SchemaSet::from_files(files.iter().map(|(name, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (*name, text)
    }))
    .unwrap_or_else(|faults| panic!("{faults}"))
}

#[test]
fn operations_by_role() {
    let set = load(&[
        ("policy.json", json!({"roles": {"writer": {"users": ["ana"]}}})),
        (
            "notes.json",
            json!({"x-mallku": {"allow": {"*": ["read"], "writer": ["insert"]}}}),
        ),
    ]);
    let ask = |user, query| rules(&verdict(&set, user, query, ""));
    assert!(ask(None, "FOR n IN notes RETURN n").is_empty());
    assert!(ask(Some("ana"), "FOR n IN notes RETURN n").is_empty());
    assert!(ask(Some("ana"), "INSERT {a: 1} INTO notes").is_empty());
    assert_eq!(ask(Some("bob"), "INSERT {a: 1} INTO notes"), ["operation-not-allowed"]);
    assert_eq!(ask(None, "INSERT {a: 1} INTO notes"), ["operation-not-allowed"]);
}

#[test]
fn what_was_written_is_not_read_without_the_right() {
    let set = load(&[("log.json", json!({"x-mallku": {"allow": ["insert", "remove"]}}))]);
    let ask = |query| rules(&verdict(&set, None, query, ""));
    assert!(ask("INSERT {a: 1} INTO log").is_empty());
    assert!(ask("INSERT {a: 1} INTO log RETURN 1").is_empty());
    assert_eq!(ask("INSERT {a: 1} INTO log RETURN NEW"), ["operation-not-allowed"]);
    assert_eq!(ask("INSERT {a: 1} INTO log RETURN NEW.a"), ["operation-not-allowed"]);
    assert_eq!(ask("REMOVE 'a' IN log RETURN OLD"), ["operation-not-allowed"]);
    assert_eq!(ask("REMOVE 'a' IN log RETURN OLD == null"), ["operation-not-allowed"]);
    assert_eq!(
        ask("REMOVE 'a' IN log LET x = OLD RETURN [x]"),
        ["operation-not-allowed"]
    );
    assert_eq!(
        ask("INSERT {a: 1} INTO log OPTIONS {overwriteMode: 'ignore'}"),
        ["operation-not-allowed"]
    );
    assert_eq!(
        ask("UPSERT {a: 1} INSERT {a: 1} UPDATE {} IN log"),
        ["operation-not-allowed"]
    );
}

#[test]
fn databases() {
    let set = load(&[
        ("policy.json", json!({"databases": ["_system", "shop"]})),
        (
            "notes.json",
            json!({"x-mallku": {"allow": ["read"], "database": "shop"}}),
        ),
    ]);
    let ask = |database| {
        let query = "FOR n IN notes RETURN n";
        rules(&judge(
            &set,
            &Request {
                query,
                bind_vars: None,
                user: None,
                database,
            },
        ))
    };
    assert!(ask("shop").is_empty());
    assert_eq!(ask("_system"), ["unknown-collection"]);
    assert_eq!(ask("other"), ["database-not-served"]);
}

#[test]
fn approved_queries() {
    let set = load(&[
        ("policy.json", json!({"queries": "approved"})),
        ("notes.json", json!({"x-mallku": {"allow": ["read"]}})),
        (
            "queries/by-age.aql",
            json!("FOR n IN notes FILTER n.age > 3 RETURN n.text"),
        ),
        ("queries/hidden.aql", json!("FOR s IN secrets RETURN s")),
    ]);
    let ask = |query| rules(&verdict(&set, None, query, ""));
    assert!(ask("for n in notes /* now */ filter n.age > 77 return n.`text`").is_empty());
    assert_eq!(ask("FOR n IN notes FILTER n.age > 3 RETURN n.other"), ["not-approved"]);
    assert_eq!(ask("FOR n IN notes RETURN n"), ["not-approved"]);
    // Approval is no permission.
    assert_eq!(ask("FOR s IN secrets RETURN s"), ["unknown-collection"]);
}

#[test]
fn functions_of_the_policy() {
    let set = load(&[
        (
            "policy.json",
            json!({"functions": {"allow": ["@pure", "DOCUMENT", "MY::FN", "CALL"], "deny": ["SHA1", "LIKE"]}}),
        ),
        ("notes.json", json!({"x-mallku": {"allow": ["read"]}})),
        (
            "users.json",
            json!({"properties": {"pw": {"writeOnly": true}}, "x-mallku": {"allow": ["read"]}}),
        ),
        ("secrets.json", json!({"x-mallku": {"allow": []}})),
    ]);
    let ask = |query| rules(&verdict(&set, None, query, r"{}")).join(" ");
    assert_eq!(ask("RETURN UPPER('a')"), "");
    assert_eq!(ask("RETURN SHA1('a')"), "function-not-allowed");
    assert_eq!(ask("RETURN 'a' LIKE 'b'"), "function-not-allowed");
    assert_eq!(ask("RETURN 'a' NOT LIKE 'b'"), "function-not-allowed");
    assert_eq!(ask("RETURN GEO_POINT(1, 2)"), "function-not-allowed");
    assert_eq!(ask("RETURN VERSION()"), "function-not-allowed");
    assert_eq!(ask("RETURN MY::FN(1)"), "");
    assert_eq!(ask("RETURN my::fn(1)"), "");
    assert_eq!(ask("RETURN MY::OTHER(1)"), "function-not-allowed");
    assert_eq!(ask("RETURN CALL('UPPER', 'a')"), "");
    assert_eq!(ask("RETURN CALL('sha1', 'a')"), "function-not-allowed");
    assert_eq!(ask("RETURN CALL('DOCUMENT', 'secrets/1')"), "function-not-allowed");
    assert_eq!(ask("RETURN CALL(CONCAT('UP', 'PER'), 'a')"), "function-not-allowed");
    assert_eq!(ask("RETURN DOCUMENT('notes/1')"), "");
    assert_eq!(ask("RETURN DOCUMENT(['notes/1', 'notes/2'])"), "");
    assert_eq!(ask("RETURN DOCUMENT(notes, '1')"), "");
    assert_eq!(ask("RETURN DOCUMENT('notes', ['1', '2'])[*].text"), "");
    assert_eq!(ask("FOR n IN notes RETURN DOCUMENT(n._id)"), "");
    assert_eq!(ask("FOR n IN notes RETURN DOCUMENT(n.link)"), "dynamic-collection");
    assert_eq!(ask("RETURN DOCUMENT('', 'notes/1')"), "dynamic-collection");
    assert_eq!(ask("RETURN DOCUMENT('secrets/1')"), "operation-not-allowed");
    assert_eq!(ask("RETURN DOCUMENT('users/1')"), "whole-document");
    assert_eq!(ask("RETURN DOCUMENT('users/1').name"), "");
    assert_eq!(ask("RETURN DOCUMENT('users', '1').pw"), "attribute-hidden");
    assert_eq!(ask("RETURN DOCUMENT(['notes/1', 'users/1'])[*].pw"), "attribute-hidden");
    assert_eq!(ask("RETURN DOCUMENT(CONCAT('notes/', RAND()))"), "");
    assert_eq!(
        ask("RETURN DOCUMENT(CONCAT('secrets/', RAND()))"),
        "operation-not-allowed"
    );
}
