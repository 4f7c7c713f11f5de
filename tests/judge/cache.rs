//! The cache of verdicts: it never changes one, and it stays small.

use std::sync::Arc;

use mallku_db::judge::{Judge, Request, judge};
use serde_json::{Map, Value, json};

use super::schemas;

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("{other} is no object"),
    }
}

/// Asks twice, and compares with a judge without a memory.
fn ask(judge_with_cache: &Judge, query: &str, binds: Value) -> bool {
    let binds = object(binds);
    let request = Request {
        query,
        bind_vars: Some(&binds),
        user: None,
        database: "_system",
    };
    let fresh = judge(judge_with_cache.set(), &request);
    for _ in 0..2 {
        assert_eq!(*judge_with_cache.judge(&request), fresh, "{query} {binds:?}");
    }
    fresh.admitted()
}

#[test]
fn verdicts_hang_on_the_values_that_were_looked_at() {
    let judge = Judge::new(Arc::new(schemas::attacked()), 1 << 20);
    assert!(ask(
        &judge,
        "FOR u IN users FILTER u.name == @x RETURN u.name",
        json!({"x": 1})
    ));
    assert!(ask(
        &judge,
        "FOR u IN users FILTER u.name == @x RETURN u.name",
        json!({"x": "pw"})
    ));
    assert!(!ask(
        &judge,
        "FOR u IN users FILTER u.name == @x RETURN u.name",
        json!({"x": 1, "y": 2})
    ));
    assert!(!ask(
        &judge,
        "FOR u IN users FILTER u.name == @x RETURN u.name",
        json!({"y": 2})
    ));
    for (name, admitted) in [
        ("name", true),
        ("pw", false),
        ("age", true),
        ("pw", false),
        ("name", true),
    ] {
        assert_eq!(
            ask(&judge, "FOR u IN users RETURN u[@a]", json!({"a": name})),
            admitted,
            "{name}"
        );
        assert_eq!(
            ask(&judge, "FOR u IN users RETURN KEEP(u, @a)", json!({"a": [name]})),
            admitted,
            "{name}"
        );
        assert_eq!(
            ask(&judge, "FOR u IN users FOR k IN @a RETURN u[k]", json!({"a": [name]})),
            admitted,
            "{name}"
        );
    }
    for (name, admitted) in [("users", true), ("secrets", false), ("users", true)] {
        assert_eq!(
            ask(&judge, "FOR u IN @@c RETURN u._key", json!({"@c": name})),
            admitted,
            "{name}"
        );
        let start = format!("{name}/1");
        let query = "WITH users FOR v IN 0..1 ANY @s friends RETURN v.name";
        assert_eq!(ask(&judge, query, json!({"s": start})), admitted, "{name}");
        let query = "WITH users FOR v IN 0..1 ANY CONCAT(@c, '/', @k) friends RETURN v.name";
        assert_eq!(ask(&judge, query, json!({"c": name, "k": "1"})), admitted, "{name}");
    }
    for (likes, admitted) in [
        (json!(1), true),
        (json!("x"), false),
        (json!(2), true),
        (json!(1.5), false),
    ] {
        assert_eq!(
            ask(&judge, "INSERT {likes: @l} INTO notes", json!({"l": likes})),
            admitted
        );
        let query = "FOR n IN notes UPDATE n WITH {likes: n.likes + @l} IN notes";
        // Adding a text that is no number adds nothing, but that is known only when the query runs.
        assert_eq!(ask(&judge, query, json!({"l": likes})), admitted);
    }
    assert!(judge.cache_state().hits > 20);
}

#[test]
fn users_of_other_roles_have_other_verdicts() {
    let users = json!({
        "properties": {"name": {"type": "string"}, "salary": {"type": "number", "x-mallku": {"read": ["hr"]}}},
        "x-mallku": {"allow": ["read"]}
    });
    let policy = json!({"roles": {"hr": {"users": ["ana"]}}});
    let files = [("users.json", users.to_string()), ("policy.json", policy.to_string())];
    let Ok(set) = mallku_db::schema::SchemaSet::from_files(files) else {
        // Where attributes have no rules of their own by role, collections have.
        return roles_of_collections();
    };
    let judge = Judge::new(Arc::new(set), 1 << 20);
    differ(&judge, "FOR u IN users RETURN u.salary");
}

fn roles_of_collections() {
    let users = json!({"x-mallku": {"allow": {"hr": ["read"]}}});
    let policy = json!({"roles": {"hr": {"users": ["ana"]}}});
    let files = [("users.json", users.to_string()), ("policy.json", policy.to_string())];
    let set = mallku_db::schema::SchemaSet::from_files(files).unwrap_or_else(|faults| panic!("{faults}"));
    differ(&Judge::new(Arc::new(set), 1 << 20), "FOR u IN users RETURN u.salary");
}

fn differ(judge: &Judge, query: &str) {
    for _ in 0..3 {
        for (user, admitted) in [(None, false), (Some("ana"), true), (Some("bob"), false)] {
            let request = Request {
                query,
                bind_vars: None,
                user,
                database: "_system",
            };
            assert_eq!(judge.judge(&request).admitted(), admitted, "{user:?}");
        }
    }
}

#[test]
fn a_flood_of_texts_stays_within_bounds_and_leaves_what_is_used() {
    let bytes = 1 << 20;
    let judge = Judge::new(Arc::new(schemas::attacked()), bytes);
    fn request(query: &str) -> Request<'_> {
        Request {
            query,
            bind_vars: None,
            user: None,
            database: "_system",
        }
    }
    let used = "FOR u IN users RETURN u.name";
    judge.judge(&request(used));
    let mut found = 0;
    for number in 0..12_000 {
        judge.judge(&request(&format!("RETURN {number}")));
        if number % 50 == 0 {
            let before = judge.cache_state().hits;
            judge.judge(&request(used));
            found += judge.cache_state().hits - before;
        }
    }
    assert!(judge.cache_state().bytes <= bytes, "{:?}", judge.cache_state());
    assert!(found >= 230, "found {found} of 240 times");
}

/// What is written is judged by the values that its bounds, its nulls and its elements come from.
#[test]
fn computed_writes_hang_on_their_bind_values() {
    let note = json!({
        "type": "object",
        "properties": {"text": {"type": "string"}, "likes": {"type": "integer", "minimum": 0}},
        "additionalProperties": false,
        "x-mallku": {"allow": ["read", "insert", "update"]}
    });
    let judge = Judge::new(Arc::new(schemas::attacked_with(&[("counted.json", note)])), 1 << 20);
    let rows: [(&str, [(Value, bool); 4]); 4] = [
        (
            "FOR n IN counted UPDATE n WITH {likes: n.likes + @x} IN counted",
            [
                (json!(1), true),
                (json!(-1), false),
                (json!(0.5), false),
                (json!("1"), false),
            ],
        ),
        (
            "INSERT {text: NOT_NULL(@x, 'none')} INTO counted",
            [
                (Value::Null, true),
                (json!("a"), true),
                (json!(1), false),
                (Value::Null, true),
            ],
        ),
        (
            "FOR d IN @x INSERT MERGE(d, {likes: 0}) INTO counted",
            [
                (json!([{"text": "a"}]), true),
                (json!([{"text": 1}]), false),
                (json!([{"other": 1}]), false),
                (json!([{"text": "b"}, {}]), true),
            ],
        ),
        (
            "FOR n IN counted LIMIT @x RETURN n.text",
            [
                (json!(1), true),
                (json!("1"), false),
                (Value::Null, true),
                (json!([1]), false),
            ],
        ),
    ];
    for (query, values) in rows {
        for (value, admitted) in values {
            assert_eq!(ask(&judge, query, json!({"x": value})), admitted, "{query} {value}");
        }
    }
}

#[test]
fn the_rows_of_a_bound_list_are_counted_each_time() {
    let policy = json!({"limits": {"rowsWithoutLimit": 2}});
    let judge = Judge::new(Arc::new(schemas::attacked_with(&[("policy.json", policy)])), 1 << 20);
    let query = "FOR x IN @list RETURN x";
    assert!(ask(&judge, query, json!({"list": "no list"})));
    assert!(!ask(&judge, query, json!({"list": [1, 2, 3]})));
    assert!(ask(&judge, query, json!({"list": [1, 2]})));
}

#[test]
fn what_is_appended_is_looked_at() {
    let judge = Judge::new(Arc::new(schemas::attacked()), 1 << 20);
    let query = "FOR u IN users RETURN APPEND(u, @more)";
    assert!(ask(&judge, query, json!({"more": [1]})));
    assert!(!ask(&judge, query, json!({"more": []})));
    assert!(!ask(&judge, query, json!({"more": null})));
}
