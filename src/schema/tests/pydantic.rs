//! What Pydantic 2 writes with `model_json_schema()` loads as it is. The files in `pydantic/` are its own output for
//! models with optional, nested, listed, enumerated, dated, tagged and recursive fields.

use serde_json::{Value, json};

use super::super::*;

const EPISODE: &str = include_str!("pydantic/episode.json");
const OUTLINE: &str = include_str!("pydantic/outline.json");

fn set() -> SchemaSet {
    let policy = json!({"roles": {"analyst": {"users": ["ana"]}}});
    SchemaSet::from_files([
        ("Episode.json", EPISODE),
        ("Outline.json", OUTLINE),
        ("policy.json", &policy.to_string()),
    ])
    .unwrap_or_else(|faults| panic!("{faults}"))
}

fn valid() -> Value {
    json!({
        "_key": "e1", "timestamp": "2026-01-01T12:00:00", "day": null, "length": "PT3M", "domain": "ethics",
        "voices": ["a"], "scores": {"a": 0.5}, "pair": [1, "a"], "tags": ["x"], "price": "1.50", "strength": 0.25,
        "session": "d2719b1c-5c3c-4b1e-9f0e-5a8c8f1a2b3c",
        "human_participant": {"name": "N"}, "notes": [{"kind": "note", "text": "t"}, {"kind": "mark", "at": "now"}],
        "tree": {"label": "a", "children": [{"label": "b"}]}, "anything": {"x": 1},
    })
}

#[test]
fn documents_of_the_model_are_valid() {
    let set = set();
    let episodes = &set.resources["_system"].collections["episodes"];
    assert_eq!(episodes.validator.violations(&valid()), []);
    for (name, wrong) in [
        ("domain", json!("war")),
        ("strength", json!(1.5)),
        ("tree", json!({"label": "a", "children": [{}]})),
        ("notes", json!([{"kind": "note"}])),
        ("tags", json!(["x", "x"])),
        ("price", json!("...")),
        ("other", json!(1)),
    ] {
        let mut document = valid();
        document[name] = wrong;
        assert!(!episodes.validator.accepts(&document), "{name}");
    }
}

#[test]
fn hidden_fields_are_hidden() {
    let set = set();
    let shape = &set.resources["_system"].collections["episodes"].shape;
    assert_eq!(
        shape.hidden_paths(&set.roles.of(None)),
        ["for_analysts", "human_participant"]
    );
    assert_eq!(shape.hidden_paths(&set.roles.of(Some("ana"))), ["human_participant"]);
    assert!(shape.attribute("other").is_none());
    let contact = shape
        .attribute("human_participant")
        .unwrap()
        .attribute("contact")
        .unwrap();
    assert_eq!(contact.types, [JsonType::Null, JsonType::String].into());
    let domain = shape.attribute("domain").unwrap();
    assert!(domain.constrained && domain.types == [JsonType::String].into());
}

#[test]
fn a_recursive_model_has_its_key_beside_its_definition() {
    let set = set();
    let outlines = &set.resources["_system"].collections["outlines"];
    assert!(outlines.allow.permits(&RoleSet::everybody(), Operation::Read));
    let parts = outlines.shape.attribute("parts").unwrap().element();
    assert!(parts.attribute("heading").is_some());
}

const SPECIMEN: &str = include_str!("pydantic/specimen.json");
const DUMPED: &str = include_str!("pydantic/specimen.document.json");
const NODE: &str = include_str!("pydantic/node.json");
const PAGE: &str = include_str!("pydantic/page.json");

/// `pydantic/models.py` has nearly every kind of field: tagged unions, constraints, literals, generics, named tuples,
/// typed dictionaries, dataclasses, aliases, secrets.
#[test]
fn nearly_every_kind_of_field_loads_and_its_dump_is_valid() {
    let files = [("specimen.json", SPECIMEN), ("node.json", NODE), ("page.json", PAGE)];
    let set = SchemaSet::from_files(files).unwrap_or_else(|faults| panic!("{faults}"));
    let specimens = &set.resources["_system"].collections["specimens"];
    let mut document: Value = serde_json::from_str(DUMPED).unwrap();
    // Of the two names that Pydantic lets a field have, its schema tells the one that it reads.
    assert!(!specimens.validator.accepts(&document));
    let chosen = document.as_object_mut().unwrap().shift_remove("chosen").unwrap();
    document["chosenOne"] = chosen;
    assert_eq!(specimens.validator.violations(&document), []);
    for (pointer, wrong) in [
        ("/price", json!(true)),
        ("/flag", json!("no")),
        ("/animal", json!({"kind": "bird"})),
        ("/animal", json!({"kind": "dog"})),
        ("/pages/total", json!(-1)),
        ("/pages/next/items", json!([{"kind": "dog"}])),
        ("/where", json!([1, 2, 3])),
        ("/size/width", json!(0)),
        ("/names", json!({"a": "b/c"})),
        ("/chosenOne", json!(7)),
        ("/level", json!(3)),
    ] {
        let mut document = document.clone();
        *document.pointer_mut(pointer).unwrap() = wrong;
        assert!(!specimens.validator.accepts(&document), "{pointer}");
    }
    // A `SecretStr` is hidden without another word; through a tagged union and in a generic it stays so.
    let everybody = RoleSet::everybody();
    assert_eq!(
        specimens.shape.hidden_paths(&everybody),
        ["animal.owner", "hidden", "tagged.owner"]
    );
    assert_eq!(specimens.shape.read_only_paths(&everybody), ["made"]);
    // `extra="allow"` with a type for what is extra.
    let nodes = &set.resources["_system"].collections["nodes"];
    assert!(nodes.validator.accepts(&json!({"name": "a", "weight": 3})));
    assert!(!nodes.validator.accepts(&json!({"name": "a", "weight": "3"})));
    // A model without the key is a collection that nobody may use.
    let pages = &set.resources["_system"].collections["page"];
    assert!(!pages.allow.permits(&everybody, Operation::Read));
}

/// What `mode="serialization"` gives of a model with computed fields: each is read-only and required.
#[test]
fn computed_fields_are_not_asked_of_those_who_write() {
    let invoice = json!({
        "$defs": {"Line": {
            "properties": {"net": {"type": "number"}, "gross": {"readOnly": true, "type": "number"}},
            "required": ["net", "gross"], "title": "Line", "type": "object",
        }},
        "additionalProperties": false,
        "properties": {
            "number": {"type": "string"},
            "lines": {"items": {"$ref": "#/$defs/Line"}, "type": "array"},
            "first": {"$ref": "#/$defs/Line"},
            "total": {"readOnly": true, "type": "number"},
        },
        "required": ["number", "lines", "first", "total"],
        "x-mallku": {"allow": ["read", "insert", "update"]},
        "title": "Invoice", "type": "object",
    });
    let set =
        SchemaSet::from_files([("invoices.json", invoice.to_string())]).unwrap_or_else(|faults| panic!("{faults}"));
    let invoices = &set.resources["_system"].collections["invoices"];
    assert!(
        invoices
            .validator
            .accepts(&json!({"number": "1", "lines": [{"net": 1}], "first": {"net": 1}}))
    );
    assert!(!invoices.validator.accepts(&json!({"lines": [], "first": {"net": 1}})));
    assert!(
        !invoices
            .validator
            .accepts(&json!({"number": "1", "lines": [{}], "first": {"net": 1}}))
    );
    assert!(
        invoices
            .update_validator
            .as_ref()
            .unwrap()
            .accepts(&json!({"first": {"net": 2}}))
    );
    assert_eq!(
        invoices.shape.read_only_paths(&RoleSet::everybody()),
        ["first.gross", "lines[*].gross", "total"]
    );
    assert!(
        !invoices.shape.required.contains("total"),
        "a stored document may lack it"
    );
}
