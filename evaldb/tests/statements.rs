//! Statements of AQL on a small graph of people: what ArangoDB's manual says of each, in tables.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends where its own assumptions fail"
)]

use evaldb::error::ArangoError;
use evaldb::query::{BindVars, QueryOptions, QueryResult, run};
use evaldb::store::{CollectionKind, Database, EdgeDefinition, Graph, View, WriteOptions};
use evaldb::value::Value;
use serde_json::json;

/// Five people, who knows whom, and a log.
fn database() -> Database {
    let mut database = Database::new("test");
    database.use_logical_clock();
    database.create_collection("people", CollectionKind::Document).unwrap();
    database.create_collection("log", CollectionKind::Document).unwrap();
    database.create_collection("knows", CollectionKind::Edge).unwrap();
    let people = [
        ("a", "Ann", 30, "Rome"),
        ("b", "Bob", 25, "Oslo"),
        ("c", "Cid", 30, "Oslo"),
        ("d", "Dot", 41, "Rome"),
        ("e", "Eve", 25, "Kyiv"),
    ];
    for (key, name, age, city) in people {
        let person = json!({"_key": key, "name": name, "age": age, "city": city, "tags": [name, city]});
        database
            .insert("people", &Value::from_json(&person), &WriteOptions::default())
            .unwrap();
    }
    for (from, to, weight) in [
        ("a", "b", 1),
        ("b", "c", 1),
        ("a", "c", 5),
        ("c", "d", 1),
        ("d", "a", 1),
    ] {
        let edge = json!({"_key": format!("{from}{to}"), "_from": format!("people/{from}"), "_to": format!("people/{to}"), "w": weight});
        database
            .insert("knows", &Value::from_json(&edge), &WriteOptions::default())
            .unwrap();
    }
    let edges = vec![EdgeDefinition {
        collection: "knows".to_owned(),
        from: vec!["people".to_owned()],
        to: vec!["people".to_owned()],
    }];
    database
        .create_graph(Graph {
            name: "net".to_owned(),
            edges,
            orphans: Vec::new(),
        })
        .unwrap();
    let definition = json!({"links": {"people": {"includeAllFields": true}}})
        .as_object()
        .unwrap()
        .clone();
    database
        .create_view(
            View {
                name: "look".to_owned(),
                kind: "arangosearch".to_owned(),
                definition,
            },
            false,
        )
        .unwrap();
    database
}

fn query(database: &mut Database, text: &str) -> Result<QueryResult, ArangoError> {
    run(database, text, &BindVars::new(), &QueryOptions::default())
}

fn check(table: &[(&str, &str)]) {
    let mut failures = Vec::new();
    for (text, expected) in table {
        let expected =
            Value::from_json(&serde_json::from_str(expected).unwrap_or_else(|_| panic!("no JSON: {expected}")));
        match query(&mut database(), text) {
            Ok(result) if Value::array(result.rows.clone()) == expected => {}
            other => failures.push(format!(
                "{text}\n  expected {}\n  found    {:?}",
                expected.to_json_text(),
                other.map(|result| Value::array(result.rows).to_json_text())
            )),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn loops_filters_sorting_and_limits() {
    check(&[
        ("FOR p IN people RETURN p._key", r#"["a","b","c","d","e"]"#),
        (
            "FOR p IN people FILTER p.age > 26 AND p.city != 'Oslo' RETURN p.name",
            r#"["Ann","Dot"]"#,
        ),
        (
            "FOR p IN people SORT p.age DESC, p.name RETURN p.name",
            r#"["Dot","Ann","Cid","Bob","Eve"]"#,
        ),
        (
            "FOR p IN people SORT p.missing, p.name DESC LIMIT 1, 2 RETURN p.name",
            r#"["Dot","Cid"]"#,
        ),
        ("FOR i IN 1..1000000000000 LIMIT 3 RETURN i", "[1,2,3]"),
        ("FOR i IN 3..1 RETURN i", "[3,2,1]"),
        (
            "FOR i IN 1..3 FOR j IN 1..i FILTER i != j RETURN [i, j]",
            "[[2,1],[3,1],[3,2]]",
        ),
        ("FOR i IN 1..4 LIMIT 2 FOR j IN 1..2 RETURN i * j", "[1,2,2,4]"),
        ("FOR p IN people RETURN DISTINCT p.age", "[30,25,41]"),
        (
            "FOR {name, tags: [, city]} IN people LIMIT 1 RETURN [name, city]",
            r#"[["Ann","Rome"]]"#,
        ),
        ("LET a = 1, b = a + 1 RETURN [a, b]", "[[1,2]]"),
        (
            "FOR p IN people LET n = LENGTH(FOR k IN knows FILTER k._from == p._id RETURN 1) RETURN n",
            "[2,1,1,1,0]",
        ),
        ("RETURN LENGTH(people)", "[5]"),
        ("RETURN DOCUMENT('people/a').name", r#"["Ann"]"#),
        ("RETURN DOCUMENT(people, ['b', 'x', 'a'])[*].name", r#"[["Bob","Ann"]]"#),
        ("RETURN DOCUMENT('log', 'people/a')", "[null]"),
        (
            "FOR d IN look SEARCH d.tags == 'Oslo' SORT BM25(d) DESC RETURN d.name",
            r#"["Bob","Cid"]"#,
        ),
        (
            "FOR d IN look SEARCH STARTS_WITH(d.name, 'A') OR d.age >= 41 RETURN d.name",
            r#"["Ann","Dot"]"#,
        ),
    ]);
}

#[test]
fn grouping() {
    check(&[
        (
            "FOR p IN people COLLECT city = p.city RETURN city",
            r#"["Kyiv","Oslo","Rome"]"#,
        ),
        (
            "FOR p IN people COLLECT city = p.city WITH COUNT INTO n RETURN [city, n]",
            r#"[["Kyiv",1],["Oslo",2],["Rome",2]]"#,
        ),
        ("FOR p IN people COLLECT WITH COUNT INTO n RETURN n", "[5]"),
        ("FOR p IN people FILTER false COLLECT WITH COUNT INTO n RETURN n", "[0]"),
        ("FOR p IN people FILTER false COLLECT city = p.city RETURN city", "[]"),
        (
            "FOR p IN people FILTER false COLLECT AGGREGATE m = MAX(p.age), s = SUM(p.age) RETURN [m, s]",
            "[[null,0]]",
        ),
        (
            "FOR p IN people COLLECT age = p.age INTO g RETURN [age, g[*].p.name]",
            r#"[[25,["Bob","Eve"]],[30,["Ann","Cid"]],[41,["Dot"]]]"#,
        ),
        (
            "FOR p IN people LET n = p.name COLLECT age = p.age INTO g KEEP n RETURN g",
            r#"[[{"n":"Bob"},{"n":"Eve"}],[{"n":"Ann"},{"n":"Cid"}],[{"n":"Dot"}]]"#,
        ),
        (
            "FOR p IN people COLLECT age = p.age INTO names = p.name RETURN names",
            r#"[["Bob","Eve"],["Ann","Cid"],["Dot"]]"#,
        ),
        (
            "FOR p IN people COLLECT AGGREGATE lo = MIN(p.age), hi = MAX(p.age), n = LENGTH(), us = UNIQUE(p.city) RETURN [lo, hi, n, us]",
            r#"[[25,41,5,["Rome","Oslo","Kyiv"]]]"#,
        ),
        (
            "LET k = 7 FOR p IN people COLLECT city = p.city FILTER city == 'Rome' RETURN [k, city]",
            r#"[[7,"Rome"]]"#,
        ),
        (
            "FOR p IN people COLLECT a = p.age, c = p.city WITH COUNT INTO n FILTER n > 0 RETURN [a, c]",
            r#"[[25,"Kyiv"],[25,"Oslo"],[30,"Oslo"],[30,"Rome"],[41,"Rome"]]"#,
        ),
    ]);
}

#[test]
fn windows() {
    check(&[
        (
            "FOR i IN [1, 2, 3, 4] WINDOW {preceding: 1, following: 1} AGGREGATE s = SUM(i) RETURN s",
            "[3,6,9,7]",
        ),
        (
            "FOR i IN [1, 2, 3, 4] WINDOW {preceding: 'unbounded'} AGGREGATE s = SUM(i) RETURN s",
            "[1,3,6,10]",
        ),
        (
            "FOR i IN [1, 2, 5, 6] WINDOW i WITH {preceding: 1, following: 0} AGGREGATE n = LENGTH() RETURN [i, n]",
            "[[1,1],[2,2],[5,1],[6,2]]",
        ),
        (
            "FOR d IN ['2020-01-01', '2020-01-02', '2020-01-10'] WINDOW DATE_TIMESTAMP(d) WITH {preceding: 'P1D'} AGGREGATE n = LENGTH() RETURN n",
            "[1,2,1]",
        ),
    ]);
}

#[test]
fn modifications() {
    check(&[
        (
            "INSERT {_key: 'x', n: 1} INTO log RETURN [NEW._id, NEW.n]",
            r#"[["log/x",1]]"#,
        ),
        (
            "FOR i IN 1..3 INSERT {_key: TO_STRING(i)} INTO log RETURN NEW._key",
            r#"["1","2","3"]"#,
        ),
        (
            "UPDATE 'a' WITH {age: 31} IN people RETURN [OLD.age, NEW.age, NEW.name]",
            r#"[[30,31,"Ann"]]"#,
        ),
        ("UPDATE {_key: 'a', age: 32} IN people RETURN NEW.age", "[32]"),
        (
            "FOR p IN people FILTER p.age < 30 UPDATE p WITH {age: p.age + 1} IN people RETURN NEW.age",
            "[26,26]",
        ),
        (
            "UPDATE 'a' WITH {tags: null} IN people OPTIONS {keepNull: false} RETURN HAS(NEW, 'tags')",
            "[false]",
        ),
        (
            "REPLACE 'a' WITH {n: 1} IN people RETURN UNSET(NEW, '_rev')",
            r#"[{"_key":"a","_id":"people/a","n":1}]"#,
        ),
        ("REMOVE 'a' IN people RETURN OLD.name", r#"["Ann"]"#),
        (
            "FOR p IN people FILTER p.age > 29 REMOVE p IN people RETURN OLD._key",
            r#"["a","c","d"]"#,
        ),
        (
            "UPSERT {name: 'Ann'} INSERT {name: 'Ann', n: 1} UPDATE {n: OLD.age} IN people RETURN [OLD._key, NEW.n]",
            r#"[["a",30]]"#,
        ),
        (
            "UPSERT {name: 'Zoe'} INSERT {_key: 'z', name: 'Zoe'} UPDATE {} IN people RETURN [OLD, NEW._key]",
            r#"[[null,"z"]]"#,
        ),
        (
            "UPSERT FILTER CURRENT.age > 40 INSERT {} REPLACE {name: OLD.name} IN people RETURN [NEW._key, NEW.name, NEW.age]",
            r#"[["d","Dot",null]]"#,
        ),
        (
            "FOR i IN 1..2 UPSERT {_key: 'u'} INSERT {_key: 'u', n: 1} UPDATE {n: OLD.n + 1} IN log RETURN NEW.n",
            "[1,2]",
        ),
        (
            "INSERT {_key: 'a', n: 1} INTO people OPTIONS {overwriteMode: 'ignore'} RETURN NEW",
            "[null]",
        ),
        (
            "INSERT {_key: 'a', n: 1} INTO people OPTIONS {overwriteMode: 'update'} RETURN [NEW.n, NEW.name]",
            r#"[[1,"Ann"]]"#,
        ),
        (
            "INSERT {_key: 'a', n: 1} INTO people OPTIONS {overwriteMode: 'replace'} RETURN [NEW.n, NEW.name, OLD.name]",
            r#"[[1,null,"Ann"]]"#,
        ),
        (
            "FOR k IN ['a', 'new'] INSERT {_key: k} INTO people OPTIONS {ignoreErrors: true} RETURN NEW._key",
            r#"["new"]"#,
        ),
        (
            "FOR p IN people INSERT {of: p._key} INTO log COLLECT WITH COUNT INTO n RETURN n",
            "[5]",
        ),
    ]);
}

#[test]
fn a_query_that_fails_changes_nothing() {
    let mut database = database();
    let error = query(&mut database, "FOR k IN ['x', 'a'] INSERT {_key: k} INTO people").unwrap_err();
    assert_eq!(error.num, 1210);
    assert_eq!(
        query(&mut database, "RETURN LENGTH(people)").unwrap().rows,
        [Value::Int(5)]
    );
}

#[test]
fn traversals_and_paths() {
    check(&[
        (
            "FOR v IN 1..1 OUTBOUND 'people/a' GRAPH net RETURN v._key",
            r#"["b","c"]"#,
        ),
        (
            "WITH people FOR v IN 1..1 INBOUND 'people/a' knows RETURN v._key",
            r#"["d"]"#,
        ),
        (
            "WITH people FOR v IN ANY 'people/a' knows RETURN v._key",
            r#"["b","c","d"]"#,
        ),
        (
            "FOR v IN 0..2 OUTBOUND 'people/a' GRAPH net RETURN v._key",
            r#"["a","b","c","c","d"]"#,
        ),
        (
            "FOR v IN 1..2 OUTBOUND 'people/a' GRAPH net OPTIONS {order: 'bfs'} RETURN v._key",
            r#"["b","c","c","d"]"#,
        ),
        (
            "FOR v IN 1..9 OUTBOUND 'people/a' GRAPH net OPTIONS {order: 'bfs', uniqueVertices: 'global'} RETURN v._key",
            r#"["b","c","d"]"#,
        ),
        (
            "FOR v IN 1..9 OUTBOUND 'people/a' GRAPH net OPTIONS {uniqueVertices: 'path'} RETURN v._key",
            r#"["b","c","d","c","d"]"#,
        ),
        (
            "FOR v, e, p IN 2 OUTBOUND 'people/a' GRAPH net RETURN [e.w, p.vertices[*]._key, LENGTH(p.edges)]",
            r#"[[1,["a","b","c"],2],[1,["a","c","d"],2]]"#,
        ),
        (
            "FOR v IN 1..9 OUTBOUND 'people/a' GRAPH net PRUNE v._key == 'c' RETURN v._key",
            r#"["b","c","c"]"#,
        ),
        (
            "FOR v, e, p IN 1..2 OUTBOUND 'people/a' GRAPH net OPTIONS {order: 'weighted', weightAttribute: 'w'} RETURN [v._key, LAST(p.weights)]",
            r#"[["b",1],["c",2],["c",5],["d",6]]"#,
        ),
        (
            "FOR v IN OUTBOUND SHORTEST_PATH 'people/a' TO 'people/d' GRAPH net RETURN v._key",
            r#"["a","c","d"]"#,
        ),
        (
            "FOR v, e IN OUTBOUND SHORTEST_PATH 'people/a' TO 'people/d' GRAPH net OPTIONS {weightAttribute: 'w'} RETURN [v._key, e.w]",
            r#"[["a",null],["b",1],["c",1],["d",1]]"#,
        ),
        (
            "FOR p IN OUTBOUND ALL_SHORTEST_PATHS 'people/a' TO 'people/d' GRAPH net RETURN p.vertices[*]._key",
            r#"[["a","c","d"]]"#,
        ),
        (
            "FOR p IN OUTBOUND K_SHORTEST_PATHS 'people/a' TO 'people/d' GRAPH net RETURN [LENGTH(p.edges), p.weight]",
            "[[2,2],[3,3]]",
        ),
        (
            "FOR p IN 3 OUTBOUND K_PATHS 'people/a' TO 'people/d' GRAPH net RETURN p.vertices[*]._key",
            r#"[["a","b","c","d"]]"#,
        ),
        (
            "FOR v IN OUTBOUND SHORTEST_PATH 'people/a' TO 'people/e' GRAPH net RETURN v",
            "[]",
        ),
    ]);
}

/// What binds how, by the results that ArangoDB's own suites expect of such queries (`aql-logical.js`, `aql-ternary.js`,
/// `aql-arithmetic.js`, `aql-parse.js` and `aql-array-access.js` in `tests/js/client/aql`).
#[test]
fn operators_bind_as_arangodb_s_suites_expect() {
    check(&[
        (
            "RETURN [!2 == 0, !2 == !3, !2 > 9, !2 < 9]",
            "[[false,true,false,true]]",
        ),
        ("RETURN [!2 IN [!3], !2 NOT IN [!3], !2 IN [2]]", "[[true,false,false]]"),
        (
            "RETURN [-3 == -8--5, -3 < 0, -+-2, ---0.5, +\"-3\"]",
            "[[true,true,2,-0.5,-3]]",
        ),
        (
            "RETURN [1 ? 0 ? 7 : 8 : 9, 0 ? 1 ? 7 : 8 : 9, 2 + 3 > 5 ? 1 : -1]",
            "[[8,9,-1]]",
        ),
        ("FOR n IN [null, 0, 4] RETURN n ?: \"none\"", r#"["none","none",4]"#),
        ("RETURN [7..8 NOT IN 1..2, 1..2 IN [[1, 2]]]", "[[true,true]]"),
        (
            "RETURN ['fir' NOT LIKE 'o%', 'fir' NOT =~ 'r', 'fir' NOT !~ 'r']",
            "[[true,false,true]]",
        ),
        (
            "RETURN [NOT ['elm', 'oak'] ALL !~ '^.{4}$', ['elm', 'oak'] ANY =~ '^o']",
            "[[false,true]]",
        ),
        (
            "LET rows = [{l: [1, 2]}, {l: [3]}] RETURN [rows[*].l[0], (rows[*].l)[0], rows[*].l[**]]",
            "[[[1,3],[1,2],[1,2,3]]]",
        ),
        (
            "LET l = [4, 5, 6] RETURN [l[? 2 FILTER CURRENT > 4], l[? 1..1 FILTER CURRENT > 4], l[? AT LEAST (1) FILTER CURRENT > 5]]",
            "[[true,false,true]]",
        ),
        (
            "RETURN [[][?], [0][?], [[1, [2]], [3]][**], [1, 2, 3, 4][* FILTER CURRENT % 2 == 0 LIMIT 1 RETURN CURRENT * 2]]",
            "[[false,true,[1,[2],3],[4]]]",
        ),
    ]);
}

#[test]
fn errors_have_arangodb_s_numbers() {
    for (text, num) in [
        ("FOR x IN nowhere RETURN x", 1203),
        ("FOR x IN null RETURN x", 1563),
        ("RETURN people", 1568),
        ("INSERT {_key: 'a'} INTO people", 1210),
        ("UPDATE 'nobody' WITH {} IN people", 1202),
        ("INSERT [] INTO people", 1227),
        ("FOR v IN OUTBOUND 'people/a' knows RETURN v", 1521),
        ("FOR v IN OUTBOUND 'people/a' GRAPH nope RETURN v", 1924),
        ("RETURN FAIL('no')", 1569),
        ("RETURN my::fn()", 1582),
        ("RETURN CALL('CALL', 'x')", 1578),
        ("RETURN @x", 1551),
        ("RETURN 1 +", 1501),
    ] {
        assert_eq!(query(&mut database(), text).unwrap_err().num, num, "{text}");
    }
}

#[test]
fn warnings_and_counts_are_told() {
    let result = query(&mut database(), "RETURN 1 / 0").unwrap();
    assert_eq!((result.rows, result.warnings[0].code), (vec![Value::Null], 1562));
    let options = QueryOptions {
        full_count: true,
        ..QueryOptions::default()
    };
    let result = run(
        &mut database(),
        "FOR p IN people FILTER p.age < 40 LIMIT 1 RETURN p.name",
        &BindVars::new(),
        &options,
    );
    assert_eq!(result.unwrap().stats.full_count, Some(4));
}
