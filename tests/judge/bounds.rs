//! Hostile queries: deep, wide, and exponential ones are judged in bounded time and space.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use mallku_db::schema::SchemaSet;
use serde_json::json;

use super::{rules, schemas, verdict};

/// Far beyond what any of these takes, and far below what an exponential walk would.
const SOON: Duration = Duration::from_secs(20);

fn generous() -> SchemaSet {
    let policy = json!({"limits": {"queryBytes": 4_000_000, "depth": 500, "nodes": 1_000_000, "bindBytes": 4_000_000}});
    let users = json!({
        "type": "object",
        "properties": {"pw": {"type": "string", "writeOnly": true}},
        "x-mallku": {"allow": ["read", "insert"]}
    });
    SchemaSet::from_files([("policy.json", policy.to_string()), ("users.json", users.to_string())])
        .unwrap_or_else(|faults| panic!("{faults}"))
}

fn denied_soon(query: &str, rule: &str) {
    let set = generous();
    let start = Instant::now();
    let verdict = verdict(&set, None, query, "");
    assert!(start.elapsed() < SOON, "took {:?}", start.elapsed());
    let rules = rules(&verdict);
    assert!(rules.contains(&rule), "wanted {rule}, got {rules:?}");
}

/// Each `LET` doubles what the last one names.
fn doubling(each: impl Fn(usize) -> String, first: &str, last: usize) -> String {
    let mut query = format!("FOR u IN users LET x0 = {first} ");
    for index in 1..=last {
        let _ = write!(query, "LET x{index} = {} ", each(index - 1));
    }
    let _ = write!(query, "RETURN x{last}");
    query
}

#[test]
fn doubled_arrays() {
    denied_soon(&doubling(|at| format!("[x{at}, x{at}]"), "u", 60), "limit-exceeded");
}

#[test]
fn doubled_objects() {
    denied_soon(
        &doubling(|at| format!("{{a: x{at}, b: x{at}}}"), "u.name", 60),
        "limit-exceeded",
    );
}

#[test]
fn doubled_alternatives_are_still_followed() {
    let text = doubling(|at| format!("(1 == 2 ? x{at} : x{at})"), "u", 400);
    denied_soon(&text, "whole-document");
    let text = doubling(|at| format!("(1 == 2 ? x{at} : 'x{at}')"), "u", 5000);
    denied_soon(&text, "limit-exceeded");
}

#[test]
fn deep_values() {
    denied_soon(&doubling(|at| format!("[x{at}]"), "u", 20_000), "whole-document");
}

#[test]
fn long_paths() {
    denied_soon(
        &doubling(|at| format!("x{at}.a"), "u.b", 20_000).replace("RETURN x20000", "RETURN u"),
        "whole-document",
    );
    denied_soon(
        &doubling(|at| format!("x{at}[0]"), "u.b", 20_000).replace("RETURN x20000", "RETURN u"),
        "whole-document",
    );
}

#[test]
fn many_denials() {
    let mut query = "FOR u IN users RETURN [".to_owned();
    for _ in 0..10_000 {
        query.push_str("u.pw, ");
    }
    query.push_str("u.pw]");
    let verdict = verdict(&generous(), None, &query, "");
    assert!((1..=100).contains(&verdict.denials.len()));
}

#[test]
fn long_names_give_short_messages() {
    let name = "n".repeat(100_000);
    let set = schemas::attacked();
    let query = format!("FOR u IN users RETURN u.`{}`", &name[..60_000]);
    let verdict = verdict(&set, None, &query, "");
    assert_eq!(rules(&verdict), ["attribute-unknown"]);
    let denial = &verdict.denials[0];
    assert!(denial.message.len() < 700 && denial.attribute.as_ref().is_some_and(|path| path.len() < 300));
}

#[test]
fn deep_expressions_do_not_exhaust_a_small_stack() {
    let shapes: [(&str, &str, &str); 5] = [
        ("(", "1", ")"),
        ("[", "u", "]"),
        ("{a: ", "u", "}"),
        ("NOT_NULL(", "u", ")"),
        ("-", "1", ""),
    ];
    let judge = move || {
        for (open, inner, close) in shapes {
            let query = format!("FOR u IN users RETURN {}{inner}{}", open.repeat(400), close.repeat(400));
            let verdict = verdict(&generous(), None, &query, "");
            assert!(verdict.admitted() || !verdict.denials.is_empty());
        }
        let query = format!("{}RETURN 1{}", "RETURN (".repeat(240), ")".repeat(240));
        verdict(&generous(), None, &query, "");
    };
    // What a thread has by default; frames are several times as large without optimisation.
    let stack = if cfg!(debug_assertions) { 8 << 20 } else { 2 << 20 };
    let thread = std::thread::Builder::new().stack_size(stack).spawn(judge).unwrap();
    thread.join().unwrap();
}

#[test]
fn large_bind_arrays() {
    let elements = vec!["{\"a\": 1, \"b\": {\"c\": 2}}"; 50_000].join(",");
    let binds = format!("{{\"docs\": [{elements}]}}");
    let set = generous();
    let start = Instant::now();
    let query = "FOR d IN @docs LET x = d.b.c LET y = d.a LET z = d.b INSERT {x, y, z} INTO users";
    assert!(verdict(&set, None, query, &binds).denials.len() < 3);
    let query = "FOR d IN @docs INSERT d INTO users";
    assert!(verdict(&set, None, query, &binds).admitted());
    assert!(start.elapsed() < SOON, "took {:?}", start.elapsed());
}

#[test]
fn sizes_beyond_the_policy() {
    let set = schemas::attacked();
    let query = format!("RETURN {}", "1 + ".repeat(20_000) + "1");
    assert_eq!(rules(&verdict(&set, None, &query, "")), ["limit-exceeded"]);
    let binds = format!("{{\"x\": \"{}\"}}", "x".repeat(2 << 20));
    assert_eq!(rules(&verdict(&set, None, "RETURN @x", &binds)), ["limit-exceeded"]);
    let nested = "(".repeat(300) + "1" + &")".repeat(300);
    assert_eq!(
        rules(&verdict(&set, None, &format!("RETURN {nested}"), "")),
        ["limit-exceeded"]
    );
}

#[test]
fn rows_and_depths_of_the_policy() {
    let policy = json!({"limits": {"rowsWithoutLimit": 100, "traversalDepth": 3}});
    let persons = json!({"x-mallku": {"allow": ["read"]}});
    let knows = json!({"x-mallku": {"kind": "edge", "from": ["persons"], "to": ["persons"], "allow": ["read"]}});
    let set = SchemaSet::from_files([
        ("policy.json", policy.to_string()),
        ("persons.json", persons.to_string()),
        ("knows.json", knows.to_string()),
    ])
    .unwrap_or_else(|faults| panic!("{faults}"));
    let with = |query: &str, binds: &str| rules(&verdict(&set, None, query, binds)).join(" ");
    assert_eq!(with("FOR p IN persons RETURN p", ""), "limit-exceeded");
    assert_eq!(with("FOR p IN persons LIMIT 100 RETURN p", ""), "");
    assert_eq!(with("FOR p IN persons LIMIT 5, 101 RETURN p", ""), "limit-exceeded");
    assert_eq!(with("FOR p IN persons LIMIT @n RETURN p", r#"{"n": 7}"#), "");
    assert_eq!(
        with("FOR p IN persons LIMIT @n RETURN p", r#"{"n": 700}"#),
        "limit-exceeded"
    );
    assert_eq!(with("FOR p IN persons COLLECT WITH COUNT INTO n RETURN n", ""), "");
    assert_eq!(with("RETURN (FOR p IN persons RETURN p)", ""), "limit-exceeded");
    assert_eq!(with("FOR i IN 1..1000000000000 RETURN i", ""), "limit-exceeded");
    assert_eq!(with("FOR i IN 1..10 FOR j IN 1..11 RETURN i", ""), "limit-exceeded");
    // One row that holds something of each document is as many.
    for aggregate in [
        "UNIQUE(p.a)",
        "SORTED_UNIQUE(p.a)",
        "PUSH(p)",
        "LENGTH(1) INTO g",
        "LENGTH(1) INTO g = p.a",
    ] {
        let query = format!("FOR p IN persons COLLECT AGGREGATE a = {aggregate} RETURN a");
        assert_eq!(with(&query, ""), "limit-exceeded", "{aggregate}");
    }
    assert_eq!(
        with(
            "FOR p IN persons COLLECT AGGREGATE a = MAX(p.a), n = COUNT() RETURN [a, n]",
            ""
        ),
        ""
    );
    // A key, or an id, is that of one document.
    for (condition, wanted) in [
        ("p._key == @k", ""),
        ("'persons/1' == p._id AND p.a > @k", ""),
        ("p._key == @k OR p.a", "limit-exceeded"),
        ("p._key == p.a AND @k", "limit-exceeded"),
        ("p._key IN @k", "limit-exceeded"),
        ("p.a._key == @k", "limit-exceeded"),
    ] {
        let query = format!("FOR p IN persons FILTER {condition} RETURN [p, @k]");
        assert_eq!(with(&query, r#"{"k": "1"}"#), wanted, "{condition}");
    }
    let one_of_many = "FOR p IN persons FOR q IN persons FILTER q._key == '1' RETURN p";
    assert_eq!(with(one_of_many, ""), "limit-exceeded");
    let one_of_each = "FOR i IN 1..3 FOR q IN persons FILTER q._key == '1' RETURN q";
    assert_eq!(with(one_of_each, ""), "");
    let not_the_loop = "FOR p IN persons FOR i IN 1..3 FILTER p._key == '1' RETURN p";
    assert_eq!(with(not_the_loop, ""), "limit-exceeded");
    let traversal = |depth: &str, binds: &str| {
        with(
            &format!("WITH persons FOR v IN {depth} ANY 'persons/1' knows LIMIT 1 RETURN v"),
            binds,
        )
    };
    assert_eq!(traversal("1..3", ""), "");
    assert_eq!(traversal("1..4", ""), "traversal-too-deep");
    assert_eq!(traversal("@d", r#"{"d": 3}"#), "");
    assert_eq!(traversal("1..@d", r#"{"d": 30}"#), "traversal-too-deep");
}

#[test]
fn functions_that_find_documents_have_a_limit_of_their_own() {
    let policy = json!({"functions": {"allow": ["@data"]}, "limits": {"rowsWithoutLimit": 100}});
    let files = [
        ("policy.json", policy.to_string()),
        ("persons.json", json!({"x-mallku": {"allow": ["read"]}}).to_string()),
    ];
    let set = SchemaSet::from_files(files).unwrap_or_else(|faults| panic!("{faults}"));
    for (call, wanted) in [
        ("FULLTEXT(persons, 'a', 'x')", "limit-exceeded"),
        ("FULLTEXT(persons, 'a', 'x', 100)", ""),
        ("FULLTEXT(persons, 'a', 'x', 101)", "limit-exceeded"),
        ("NEAR(persons, 1, 2)", "limit-exceeded"),
        ("NEAR(persons, 1, 2, 10)", ""),
        ("WITHIN(persons, 1, 2, 10)", "limit-exceeded"),
        ("WITHIN_RECTANGLE(persons, 1, 2, 3, 4)", "limit-exceeded"),
    ] {
        let query = format!("FOR p IN {call} LIMIT 5 RETURN p");
        assert_eq!(rules(&verdict(&set, None, &query, "")).join(" "), wanted, "{call}");
    }
}

#[test]
fn a_large_value_beside_many_choices_is_looked_at_with_a_limit() {
    let num = json!({
        "properties": {"list": {"type": "array"}, "number": {"type": "number", "minimum": 0}},
        "x-mallku": {"allow": ["insert"]}
    });
    let set = schemas::attacked_with(&[("num.json", num)]);
    let query = "FOR x IN @each INSERT {list: @large, number: x} INTO num";
    let judged = |large: usize, each: usize| {
        let each: Vec<_> = (0..each).collect();
        let binds = json!({"large": vec![1; large], "each": each});
        rules(&verdict(&set, None, query, &binds.to_string())).join(" ")
    };
    assert_eq!(judged(1000, 1000), "");
    // The whole document, as often as there are choices, would be looked at for a minute.
    let start = Instant::now();
    assert_eq!(judged(100_000, 2000), "limit-exceeded");
    assert!(start.elapsed() < SOON, "took {:?}", start.elapsed());
}

#[test]
fn a_large_value_named_often_is_copied_with_a_limit() {
    let open = json!({"x-mallku": {"allow": ["read", "insert", "update"]}});
    let set = schemas::attacked_with(&[("open.json", open)]);
    let binds = json!({"large": vec![1; 50_000]}).to_string();
    let named = |count: usize| -> String { (0..count).map(|at| format!("a{at}: @large, ")).collect() };
    let judged = |query: String| rules(&verdict(&set, None, &query, &binds)).join(" ");
    assert_eq!(judged(format!("INSERT {{{}}} INTO open", named(2))), "");
    assert_eq!(judged(format!("INSERT {{{} b: RAND()}} INTO open", named(2))), "");
    // A copy for each would be gigabytes.
    for query in [
        format!("INSERT {{{}}} INTO open", named(1500)),
        format!("INSERT {{{} b: RAND()}} INTO open", named(1500)),
        format!("INSERT {{b: [{}]}} INTO open", vec!["@large"; 1500].join(",")),
        format!("FOR d IN open UPDATE d WITH {{{} b: d.c}} IN open", named(1500)),
    ] {
        assert_eq!(judged(query), "limit-exceeded");
    }
}

#[test]
fn many_names_left_out_of_many_are_looked_up() {
    let set = generous();
    let names: Vec<String> = (0..100_000).map(|at| format!("a{at}")).collect();
    let object: serde_json::Map<String, serde_json::Value> =
        names.iter().map(|name| (name.clone(), 1.into())).collect();
    let binds = json!({"object": object, "names": names}).to_string();
    let start = Instant::now();
    let judged = verdict(&set, None, "INSERT UNSET(@object, @names) INTO users", &binds);
    assert_eq!(rules(&judged), [""; 0]);
    assert!(start.elapsed() < SOON, "took {:?}", start.elapsed());
}
