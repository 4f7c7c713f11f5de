//! Counterexamples that the properties found, kept under a name.

use mallku_db::judge::{Request, Verdict, judge};
use mallku_db::schema::SchemaSet;
use serde_json::{Value, json};

fn verdict(schema: &Value, query: &str) -> Verdict {
    let set = SchemaSet::from_files([("c.json", schema.to_string())]).unwrap_or_else(|faults| panic!("{faults}"));
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
