//! Counterexamples that the properties found, kept under a name.

use mallku_db::judge::{Request, Verdict, judge};
use mallku_db::schema::SchemaSet;
use serde_json::{Value, json};

fn verdict(schema: &Value, query: &str) -> Verdict {
    let edges = json!({"x-mallku": {"kind": "edge", "from": ["c"], "to": ["c"], "allow": ["read"]}});
    let set = SchemaSet::from_files([("c.json", schema.to_string()), ("e.json", edges.to_string())])
        .unwrap_or_else(|faults| panic!("{faults}"));
    let request = Request {
        query,
        bind_vars: None,
        user: None,
        database: "_system",
    };
    judge(&set, &request)
}

fn rules(verdict: &Verdict) -> Vec<&'static str> {
    verdict.denials.iter().map(|denial| denial.rule.name()).collect()
}

/// The type of a constant was checked only where the whole document's skeleton was validated, and that ends at a list.
#[test]
fn constants_in_an_object_in_a_list_have_their_types() {
    let schema = json!({
        "type": "object",
        "properties": {"l": {"type": "array", "items": {
            "type": "object",
            "properties": {"n": {"type": "integer"}, "t": {"type": "string"}},
            "additionalProperties": false
        }}},
        "additionalProperties": false,
        "x-mallku": {"allow": ["read", "insert", "update", "replace"]}
    });
    for query in [
        "FOR v IN [3, 2] INSERT {l: [{t: v}]} INTO c",
        "FOR v IN [3, 2] REPLACE 'k' WITH {l: [{n: 1, t: v}]} IN c",
        "FOR d IN c INSERT {l: [{n: LENGTH(d.l), t: 3}]} INTO c",
        "FOR d IN c UPDATE 'k' WITH {l: [{n: LENGTH(d.l)}, {n: 'x'}]} IN c",
    ] {
        assert_eq!(rules(&verdict(&schema, query)), ["document-invalid"], "{query}");
    }
    let query = "FOR v IN ['a', 'b'] FOR d IN c UPDATE 'k' WITH {l: [{n: LENGTH(d.l), t: v}]} IN c";
    assert_eq!(rules(&verdict(&schema, query)), [""; 0], "{query}");
}

/// `keepNull: false` removes an attribute that is set to null: below the top level nobody looked who may.
#[test]
fn a_null_that_drops_a_read_only_attribute_is_a_write() {
    let schema = json!({
        "type": "object",
        "properties": {
            "o": {
                "type": "object",
                "properties": {"r": {"type": ["string", "null"], "readOnly": true}, "n": {"type": ["integer", "null"]}},
                "additionalProperties": false
            }
        },
        "additionalProperties": false,
        "x-mallku": {"allow": ["read", "insert", "update", "replace"]}
    });
    for query in [
        "UPDATE 'k' WITH {o: {r: null}} IN c OPTIONS {keepNull: false}",
        "UPDATE 'k' WITH {o: {r: null, n: LENGTH('x')}} IN c OPTIONS {keepNull: false}",
        "INSERT {_key: 'k', o: {r: null}} INTO c OPTIONS {overwriteMode: 'update', keepNull: false}",
    ] {
        assert!(
            rules(&verdict(&schema, query)).contains(&"attribute-read-only"),
            "{query}"
        );
    }
    let query = "UPDATE 'k' WITH {o: {n: null}} IN c OPTIONS {keepNull: false}";
    assert_eq!(rules(&verdict(&schema, query)), [""; 0], "{query}");
}

/// What is merged into a stored object must not lose what the schema requires there.
#[test]
fn a_null_that_drops_a_required_attribute_is_denied_at_any_depth() {
    let schema = json!({
        "type": "object",
        "properties": {
            "o": {"type": "object", "properties": {"n": {"type": "integer"}, "m": {"type": "integer"}}, "required": ["n"]}
        },
        "required": ["o"],
        "x-mallku": {"allow": ["read", "insert", "update", "replace"]}
    });
    for query in [
        "UPDATE 'k' WITH {o: null} IN c OPTIONS {keepNull: false}",
        "UPDATE 'k' WITH {o: {n: null}} IN c OPTIONS {keepNull: false}",
        "UPDATE 'k' WITH {o: {n: null, m: LENGTH('x')}} IN c OPTIONS {keepNull: false}",
    ] {
        assert!(!verdict(&schema, query).admitted(), "{query}");
    }
}

/// The vertex behind an edge that points nowhere is null, and so are its system attributes.
#[test]
fn a_vertex_may_be_null() {
    let schema = json!({
        "type": "object",
        "properties": {"s": {"type": "string"}},
        "additionalProperties": false,
        "x-mallku": {"allow": ["read", "insert", "update", "replace"]}
    });
    for query in [
        "WITH c FOR v IN 1..2 OUTBOUND 'c/k' e UPDATE 'k' WITH {s: v._rev} IN c",
        "WITH c FOR v, e IN OUTBOUND SHORTEST_PATH 'c/k' TO 'c/l' e UPDATE 'k' WITH {s: v._key} IN c",
    ] {
        assert_eq!(rules(&verdict(&schema, query)), ["document-invalid"], "{query}");
    }
    let query = "WITH c FOR v IN 1..2 OUTBOUND 'c/k' e UPDATE 'k' WITH {s: TO_STRING(v._rev)} IN c";
    assert_eq!(rules(&verdict(&schema, query)), [""; 0], "{query}");
}

/// A stored null is valid where it is; taken over with `keepNull: false`, it drops what is required.
#[test]
fn a_stored_null_that_is_taken_over_may_drop_a_required_attribute() {
    let schema = json!({
        "type": "object",
        "properties": {"b": {"type": ["string", "null"]}, "o": {"type": "string"}},
        "required": ["b"],
        "x-mallku": {"allow": ["read", "insert", "update"]}
    });
    for query in [
        "FOR v IN c INSERT UNSET(v, 'o') INTO c OPTIONS {overwriteMode: 'update', keepNull: false}",
        "FOR v IN c UPDATE v WITH UNSET(v, 'o') IN c OPTIONS {keepNull: false}",
    ] {
        assert!(!verdict(&schema, query).admitted(), "{query}");
    }
}

/// What one branch of an `anyOf` asks of an attribute holds although the other branch, a null, says nothing of it.
#[test]
fn attributes_of_an_optional_object_have_their_types() {
    let schema = json!({
        "type": "object",
        "properties": {
            "u": {"anyOf": [
                {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": ["string", "null"]}}},
                {"type": "null"}
            ]}
        },
        "x-mallku": {"allow": ["read", "insert", "update", "replace"]}
    });
    for query in [
        "FOR v IN [1 < 2 ? 2 : false, 1] INSERT {u: {a: v, b: 'k'}} INTO c",
        "FOR d IN c COLLECT k = d._key INTO g = false UPDATE 'k' WITH {u: {a: g, b: 'k'}} IN c OPTIONS {mergeObjects: false}",
        "FOR v IN [[1, 'x'], 3] UPDATE 'k' WITH {u: {a: v[0], b: v[0]}} IN c OPTIONS {mergeObjects: false}",
    ] {
        assert!(!verdict(&schema, query).admitted(), "{query}");
    }
}

/// Who may not write the elements of a list may not write any: literals and computed elements went by their types alone.
#[test]
fn elements_that_are_read_only_may_not_be_written() {
    let schema = json!({
        "type": "object",
        "properties": {
            "l": {"type": "array", "items": {"type": "object", "readOnly": true, "properties": {"n": {"type": "integer"}}}},
            "t": {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 5, "readOnly": true}},
            "n": {"type": "integer"}
        },
        "additionalProperties": false,
        "x-mallku": {"allow": ["read", "insert", "update"]}
    });
    for query in [
        "INSERT {l: [{n: 1}]} INTO c",
        "FOR d IN c INSERT {l: [{n: LENGTH(d.l)}]} INTO c",
        "FOR d IN c INSERT {l: (FOR x IN 1..2 RETURN {n: d.n})} INTO c",
        "FOR d IN c INSERT {t: [MIN([5, MAX([0, LENGTH(d.l)])])]} INTO c",
        "FOR d IN c UPDATE 'k' WITH {l: [{n: LENGTH(d.l)}]} IN c",
    ] {
        assert!(
            rules(&verdict(&schema, query)).contains(&"attribute-read-only"),
            "{query}"
        );
    }
}

/// A stored number is taken to be one that an application has; what the query makes of it may still be too large, and
/// is null then.
#[test]
fn numbers_that_a_query_makes_too_large_are_null() {
    let schema = json!({
        "type": "object",
        "properties": {"n": {"type": "number"}, "m": {"type": "number"}, "t": {"type": "string"}},
        "x-mallku": {"allow": ["read", "insert", "update"]}
    });
    for query in [
        "FOR d IN c INSERT {n: d.n * 1e308} INTO c",
        "FOR d IN c INSERT {n: d.n * 1e200 * 1e100} INTO c",
        "FOR d IN c INSERT {n: d.n * 1e100 * 1e100 * 1e100 * 1e100} INTO c",
        "FOR d IN c LET x = d.n * d.n LET y = x * x LET z = y * y INSERT {n: z * z * z * z} INTO c",
        "FOR d IN c INSERT {n: POW(10, 308) * d.n} INTO c",
        "FOR d IN c INSERT {n: EXP(700) * d.n} INTO c",
        "FOR d IN c INSERT {n: TO_NUMBER(d.t) * d.n} INTO c",
        "FOR d IN c INSERT {n: ROUND(d.t) * 1e300} INTO c",
        "FOR d IN c INSERT {n: ROUND(d.n * 1e100 * 1e100) * 1e100} INTO c",
        "FOR d IN c INSERT {n: (d.n == 1 ? 1e300 : d.n) * 1e10} INTO c",
        "FOR d IN c INSERT {n: MAX([d.n, 1e300]) * 1e10} INTO c",
        "FOR d IN c INSERT {n: (d.n * 1e200) % 1e199 * 1e200} INTO c",
        "FOR d IN c INSERT {n: SUM((FOR e IN c RETURN e.n * 1e200)) * 1e100} INTO c",
        "FOR d IN c INSERT {n: d.n / 1e-308} INTO c",
        "FOR d IN c INSERT {n: SUM((FOR i IN 1..9 RETURN 1e308))} INTO c",
    ] {
        assert!(!verdict(&schema, query).admitted(), "{query}");
    }
    for query in [
        "FOR d IN c INSERT {n: d.n * d.m} INTO c",
        "FOR d IN c INSERT {n: d.n * d.m * 1.19 + 3} INTO c",
        "FOR d IN c INSERT {n: d.n * 1000000 / 3600} INTO c",
        "FOR d IN c INSERT {n: SUM((FOR e IN c RETURN e.n))} INTO c",
        "FOR d IN c INSERT {n: SUM((FOR e IN c RETURN e.n * e.m)) * 1.19} INTO c",
        "FOR d IN c INSERT {n: d.n * d.n * d.m * d.m * 100} INTO c",
        "FOR d IN c INSERT {n: LENGTH(d.t) * d.n + DATE_YEAR(d.t) * d.n + DATE_NOW() % 1000 * d.n} INTO c",
        "FOR d IN c INSERT {n: ROUND(DISTANCE(d.n, d.m, 0, 0) * 100) / 100} INTO c",
        "FOR d IN c INSERT {n: ROUND(AVERAGE((FOR e IN c RETURN e.n)) * 100) / 100 * 2} INTO c",
        "FOR d IN c INSERT {n: SQRT(d.n) * d.m + ABS(d.n) * 2} INTO c",
        "FOR d IN c INSERT {n: MAX([d.n, 1]) * d.m} INTO c",
        "FOR d IN c INSERT {n: d.n * d.n + d.m * d.m - 2 * d.n * d.m} INTO c",
    ] {
        assert_eq!(rules(&verdict(&schema, query)), [""; 0], "{query}");
    }
}
