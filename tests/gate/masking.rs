//! `wholeDocument: "mask"` from the client to the database and back.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::coordinator::{Act, Coordinator, Seen, alive};
use crate::evaluation::Database;
use crate::process::Gate;

const USERS: (&str, &str) = (
    "users",
    r#"{"type":"object",
        "properties":{
            "name":{"type":"string"},
            "pw":{"type":"string","writeOnly":true},
            "address":{"type":"object","properties":{"city":{"type":"string"},"code":{"type":"string","writeOnly":true}}}},
        "additionalProperties":false,
        "x-mallku":{"allow":["read","insert","update"]}}"#,
);
const POLICY: (&str, &str) = ("policy", r#"{"wholeDocument":"mask"}"#);
/// In every hidden attribute's value, and nowhere else.
const HIDDEN: &str = "HIDDENVALUE";

/// A database with documents, a recorder that passes everything on to it, and a gate before that.
fn world(variables: &[(&str, &str)]) -> (Gate, Coordinator) {
    let database = Arc::new(Database::start());
    assert_eq!(
        database.root("POST", "/_api/collection", &json!({"name": "users"})).0,
        200
    );
    for name in ["ann", "ben", "cem"] {
        let document = json!({
            "_key": name, "name": name, "pw": HIDDEN, "address": {"city": "Bonn", "code": HIDDEN}
        });
        assert!(database.root("POST", "/_api/document/users", &document).0 < 300);
    }
    let coordinator = Coordinator::plain(move |request: &Seen| {
        if let Some(act) = alive(request) {
            return act;
        }
        let (method, target) = request.line.split_once(' ').unwrap();
        let authorization = request
            .head
            .lines()
            .find_map(|line| line.strip_prefix("authorization: "))
            .unwrap_or_default();
        let (status, body) = database.raw(method, target, authorization, &request.body);
        Act::Answer(status, body)
    });
    let upstream = format!("http://127.0.0.1:{}", coordinator.port);
    (Gate::start(&upstream, &[USERS, POLICY], variables), coordinator)
}

/// The one query that reached the database.
fn sent(coordinator: &Coordinator) -> String {
    let seen = coordinator.seen();
    let [one] = seen.as_slice() else {
        panic!("{seen:?}");
    };
    one.json()["query"].as_str().unwrap().to_owned()
}

#[test]
fn documents_leave_masked_and_the_database_ran_what_masks_them() {
    let (gate, coordinator) = world(&[]);
    for query in [
        "FOR u IN users SORT u.name RETURN u",
        "FOR u IN users SORT u.name RETURN {found: u, at: u.address}",
        "FOR u IN users SORT u.name LET whole = u RETURN [whole.name, whole]",
        "RETURN (FOR u IN users SORT u.name RETURN u)",
    ] {
        let (status, answer) = gate.query("app", query);
        assert_eq!(status, 201, "{query} {answer}");
        let text = answer.to_string();
        assert!(!text.contains(HIDDEN) && !text.contains("\"pw\""), "{query} {answer}");
        assert!(
            text.contains("ann") && text.contains("Bonn") && text.contains("_key"),
            "{answer}"
        );
        let edited = sent(&coordinator);
        assert_ne!(edited, query);
        assert!(edited.contains("KEEP("), "{edited}");
        // What was sent is admitted as it stands, goes on unchanged, and comes to the same.
        let (status, again) = gate.query("app", &edited);
        assert_eq!((status, &again["result"]), (201, &answer["result"]), "{edited}");
        assert_eq!(sent(&coordinator), edited);
    }
}

#[test]
fn what_needs_no_mask_is_sent_as_it_came_and_what_cannot_be_masked_is_denied() {
    let (gate, coordinator) = world(&[]);
    let plain = "FOR u IN users SORT u.name  RETURN  u.name";
    assert_eq!(gate.query("app", plain).1["result"], json!(["ann", "ben", "cem"]));
    assert_eq!(sent(&coordinator), plain);
    for query in [
        "FOR u IN users RETURN u.pw",
        "FOR u IN users FILTER u.pw == 'x' RETURN u",
        "FOR u IN users SORT u.address.code RETURN u",
        "FOR u IN users RETURN ATTRIBUTES(u)",
        "FOR u IN users RETURN LENGTH(u)",
    ] {
        let (status, answer) = gate.query("app", query);
        assert_eq!(status, 403, "{query} {answer}");
        assert!(
            coordinator
                .seen()
                .iter()
                .all(|request| request.line.ends_with("/_api/version")),
            "{query}"
        );
    }
}

#[test]
fn batches_plans_and_documents_are_masked_too() {
    let (gate, coordinator) = world(&[]);
    let body = json!({"query": "FOR u IN users SORT u.name RETURN u", "batchSize": 1}).to_string();
    let (status, first) = gate.ask("app", "POST", "/_api/cursor", &body);
    assert_eq!((status, &first["hasMore"]), (201, &json!(true)), "{first}");
    let target = format!("/_api/cursor/{}", first["id"].as_str().unwrap());
    let mut names = vec![first["result"][0]["name"].clone()];
    loop {
        let (status, next) = gate.ask("app", "POST", &target, "");
        assert_eq!(status, 200, "{next}");
        assert!(!next.to_string().contains(HIDDEN), "{next}");
        names.push(next["result"][0]["name"].clone());
        if next["hasMore"] == false {
            break;
        }
    }
    assert_eq!(names, ["ann", "ben", "cem"]);
    coordinator.seen();
    let body = json!({"query": "FOR u IN users RETURN u"}).to_string();
    let (status, plan) = gate.ask("app", "POST", "/_api/explain", &body);
    assert_eq!(status, 200, "{plan}");
    assert!(!plan.to_string().contains("pw"), "{plan}");
    assert!(sent(&coordinator).contains("KEEP("));
    for (method, target, body) in [
        ("GET", "/_api/document/users/ann", ""),
        ("PUT", "/_api/document/users?onlyget=true", r#"["ann","ben"]"#),
        (
            "PATCH",
            "/_api/document/users/ann?returnNew=true&returnOld=true",
            r#"{"name":"ann"}"#,
        ),
        (
            "POST",
            "/_api/document/users?returnNew=true",
            r#"{"name":"dan","pw":"HIDDENVALUE","address":{"city":"Bonn","code":"HIDDENVALUE"}}"#,
        ),
    ] {
        let (status, answer) = gate.ask("app", method, target, body);
        assert!(status < 300, "{method} {target} {answer}");
        assert!(!answer.to_string().contains(HIDDEN), "{method} {target} {answer}");
        assert!(answer.to_string().contains("name"), "{method} {target} {answer}");
    }
    let body = json!({"query": "UPDATE 'ben' WITH {name: 'bea'} IN users RETURN [OLD, NEW]"}).to_string();
    let (status, answer) = gate.ask("app", "POST", "/_api/cursor", &body);
    assert_eq!(status, 201, "{answer}");
    assert_eq!(answer["result"][0][1]["name"], "bea");
    assert!(!answer.to_string().contains(HIDDEN), "{answer}");
}

#[test]
fn the_audit_log_says_that_it_was_masked_and_keeps_values_to_itself() {
    let (gate, _coordinator) = world(&[]);
    let query = "FOR u IN users FILTER u.name != @v RETURN u /* literalvalue */";
    let body = json!({"query": query, "bindVars": {"v": "boundvalue"}}).to_string();
    assert_eq!(gate.ask("app", "POST", "/_api/cursor", &body).0, 201);
    let record = gate.wait_for_audit("\"masked\":true");
    assert_eq!((&record["verdict"], &record["user"]), (&json!("allow"), &json!("app")));
    assert!(
        !record["reads"]["users"].as_array().unwrap().contains(&json!("pw")),
        "{record}"
    );
    assert!(!record.to_string().contains("value"), "{record}");
    assert_eq!(gate.query("app", "FOR u IN users RETURN u.name").0, 201);
    let plain = gate.wait_for_audit("[\"name\"]");
    assert_eq!(plain["masked"], Value::Null, "{plain}");
}

#[test]
fn with_values_asked_for_the_audit_log_has_them_and_says_what_that_means() {
    let dir = tempfile::tempdir().unwrap();
    let shapes = dir.path().join("shapes");
    let variables = [
        ("MALLKU_AUDIT_VALUES", "true"),
        ("MALLKU_RECORD", shapes.to_str().unwrap()),
    ];
    let (gate, _coordinator) = world(&variables);
    assert!(
        gate.log().contains("those of hidden attributes included"),
        "{}",
        gate.log()
    );
    let query = "FOR u IN users FILTER u.name != @v && u.name != 'literalvalue' RETURN u.name";
    let body = json!({"query": query, "bindVars": {"v": "boundvalue"}}).to_string();
    assert_eq!(gate.ask("app", "POST", "/_api/cursor", &body).0, 201);
    let record = gate.wait_for_audit("boundvalue");
    assert_eq!(
        (&record["query"], &record["bindVars"]),
        (&json!(query), &json!({"v": "boundvalue"}))
    );
    // Long ones are cut, and said to be.
    let long = json!({"query": query, "bindVars": {"v": "x".repeat(5000)}}).to_string();
    assert_eq!(gate.ask("app", "POST", "/_api/cursor", &long).0, 201);
    let record = gate.wait_for_audit("\"cut\":true");
    assert_eq!((&record["query"], &record["bindVars"]), (&json!(query), &Value::Null));
    // A stranger's query is no shape; the same query twice is one; and no shape holds a value.
    let lines = format!("Authorization: {}\r\n", crate::process::basic("app", "wrong"));
    let stranger = json!({"query": "FOR u IN users RETURN u.strange"}).to_string();
    assert_eq!(
        gate.ask_with("POST", "/_api/cursor", &lines, stranger.as_bytes())
            .status,
        401
    );
    assert_eq!(gate.query("app", "FOR u IN users RETURN u.pw").0, 403);
    let recorded = crate::process::wait_for("two shapes", || {
        let text = std::fs::read_to_string(&shapes).unwrap();
        (text.lines().count() >= 2).then_some(text)
    });
    assert_eq!(recorded.lines().count(), 2, "{recorded}");
    assert!(
        !recorded.contains("value") && !recorded.contains("strange"),
        "{recorded}"
    );
    let first: Value = serde_json::from_str(recorded.lines().next().unwrap()).unwrap();
    assert_eq!(first["reads"], json!({"users": ["name"]}), "{recorded}");
}
