//! What loads and what a loaded set says; the faults are in `tests/faults.rs`.

mod directory;
mod faults;
mod meta;
mod properties;
mod pydantic;

use serde_json::json;

use super::*;

/// A set of one schema file, `things.json`, in `_system`.
pub(super) fn one(schema: &serde_json::Value) -> Result<SchemaSet, Faults> {
    SchemaSet::from_files([("things.json", schema.to_string())])
}

fn collection(set: &SchemaSet) -> &Collection {
    &set.resources["_system"].collections["things"]
}

fn roles(names: &[&str]) -> RoleSet {
    let users = names
        .iter()
        .map(|name| ((*name).to_owned(), ["ana".to_owned()].into()))
        .collect();
    Roles { users }.of(Some("ana"))
}

fn loaded(schema: &serde_json::Value) -> SchemaSet {
    one(schema).unwrap_or_else(|faults| panic!("{faults}"))
}

#[test]
fn no_files_are_a_set_that_allows_nothing() {
    let set = SchemaSet::from_files::<String, String>([]).unwrap();
    assert_eq!(set.databases, ["_system"]);
    assert!(set.resources["_system"].collections.is_empty());
    assert_eq!(set.limits.query_bytes, 64 << 10);
    assert!(set.functions.allow.contains("@pure"));
}

/// Found by the properties: the part's `additionalProperties` evaluates every attribute, so none is left to forbid.
#[test]
fn unevaluated_properties_do_not_close_what_a_part_opens() {
    let opened = json!({"unevaluatedProperties": false, "allOf": [{"additionalProperties": {"type": "object", "writeOnly": true}}]});
    let set = loaded(&opened);
    let shape = &collection(&set).shape;
    let attribute = shape.attribute("a").unwrap();
    assert!(!attribute.readable(&roles(&[])));
    let closed = json!({"unevaluatedProperties": false, "allOf": [{"properties": {"b": {}}}]});
    assert!(collection(&loaded(&closed)).shape.attribute("a").is_none());
}

#[test]
fn what_is_hidden_under_any_keyword_is_hidden() {
    let nobody = roles(&[]);
    let hidden = json!({"type": "object", "properties": {"pin": {"type": "string", "writeOnly": true}}});
    for part in [
        json!({"contains": hidden}),
        json!({"contains": hidden, "items": {"properties": {"pin": {}}}}),
        json!({"prefixItems": [{"type": "string"}], "unevaluatedItems": hidden}),
        json!({"unevaluatedItems": {"$ref": "#/$defs/Entry"}}),
    ] {
        let set = loaded(&json!({"properties": {"list": part}, "$defs": {"Entry": hidden}}));
        let list = collection(&set).shape.attribute("list").unwrap();
        assert!(!list.readable(&nobody), "{part}");
        let pin = list.element().attribute("pin").unwrap();
        assert!(!pin.readable(&nobody) && pin.writable(&nobody), "{part}");
        assert!(list.element().attribute("other").unwrap().readable(&nobody), "{part}");
    }
    let set = loaded(&json!({
        "properties": {"a": {}, "text": {"contentSchema": hidden}},
        "anyOf": [{"properties": {"b": {}}}, {}],
        "unevaluatedProperties": {"type": "string", "writeOnly": true}
    }));
    let shape = &collection(&set).shape;
    let readable = |name: &str| shape.attribute(name).unwrap().readable(&nobody);
    assert!(readable("a") && readable("_key"));
    assert!(!readable("b") && !readable("other") && !readable("text"));
    let set = loaded(&json!({"properties": {"list": {"contains": {"readOnly": true}}}}));
    assert!(!collection(&set).shape.attribute("list").unwrap().writable(&nobody));
}

/// What the validator passes over says nothing of types either, but what it hides is hidden.
#[test]
fn elements_have_the_types_that_the_dialect_gives_them() {
    let text = json!({"type": "string", "writeOnly": true});
    let number = json!({"type": "number"});
    for (dialect, list, types) in [
        ("draft/2020-12/schema", json!({"additionalItems": text}), 0),
        (
            "draft/2020-12/schema",
            json!({"items": number, "additionalItems": text}),
            1,
        ),
        ("draft/2020-12/schema", json!({"prefixItems": [text]}), 0),
        (
            "draft/2020-12/schema",
            json!({"prefixItems": [text], "items": number}),
            2,
        ),
        ("draft-07/schema", json!({"additionalItems": text}), 0),
        ("draft-07/schema", json!({"prefixItems": [text], "items": number}), 1),
        ("draft-07/schema", json!({"items": [text]}), 0),
        (
            "draft-07/schema",
            json!({"items": [text], "additionalItems": number}),
            2,
        ),
        ("draft-07/schema", json!({"items": number, "additionalItems": text}), 1),
    ] {
        let schema = json!({"$schema": format!("https://json-schema.org/{dialect}"), "properties": {"list": list}});
        let set = loaded(&schema);
        let list = collection(&set).shape.attribute("list").unwrap();
        assert_eq!(list.element().types.len(), types, "{schema}");
        assert!(!list.readable(&roles(&[])), "{schema}");
    }
}

/// Draft-07 passes over what stands beside a `$ref`; shapes do not, so that the validators may not either.
#[test]
fn what_stands_beside_a_reference_holds_in_every_dialect() {
    for dialect in [
        "http://json-schema.org/draft-07/schema#",
        "https://json-schema.org/draft/2020-12/schema",
    ] {
        let set = loaded(&json!({
            "$schema": dialect,
            "properties": {"x": {"$ref": "#/definitions/X", "maxLength": 2}, "$ref": {"type": "string"}},
            "definitions": {"X": {"type": "string"}, "Y": {"type": "object"}},
            "$ref": "#/definitions/Y",
            "required": ["x"]
        }));
        let things = collection(&set);
        assert!(things.validator.accepts(&json!({"x": "ab", "$ref": "c"})), "{dialect}");
        for wrong in [
            json!({}),
            json!({"x": "abc"}),
            json!({"x": 1}),
            json!({"x": "a", "$ref": 1}),
        ] {
            assert!(!things.validator.accepts(&wrong), "{dialect} {wrong}");
        }
        let update = things.update_validator.as_ref().unwrap();
        assert!(
            update.accepts(&json!({})) && !update.accepts(&json!({"x": "abc"})),
            "{dialect}"
        );
    }
}

#[test]
fn an_empty_directory_is_a_mount_that_went_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let faults = SchemaSet::load(dir.path()).unwrap_err();
    assert!(faults.to_string().contains("holds no schema"), "{faults}");
}

#[test]
fn a_file_without_our_key_is_a_collection_that_allows_nothing() {
    let set = loaded(&json!({"type": "object", "properties": {"a": {"type": "string"}}}));
    let things = collection(&set);
    assert!(things.edge.is_none());
    assert!(!things.allow.permits(&roles(&["admin"]), Operation::Read));
    assert!(things.provision);
}

#[test]
fn allow_is_for_everybody_or_by_role() {
    let policy = json!({"roles": {"analyst": {"users": ["ana"]}, "agent": {"users": ["bot"]}},
        "users": {"extra": {"passwordFile": "/run/secrets/extra", "role": "agent"}}});
    let schema = json!({"x-mallku": {"allow": {"*": ["read"], "agent": ["insert", "update"]}}});
    let set =
        SchemaSet::from_files([("policy.json", policy.to_string()), ("things.json", schema.to_string())]).unwrap();
    let may = |user, operation| collection(&set).allow.permits(&set.roles.of(user), operation);
    assert!(may(None, Operation::Read));
    assert!(may(Some("ana"), Operation::Read));
    assert!(!may(Some("ana"), Operation::Insert));
    assert!(may(Some("bot"), Operation::Insert));
    assert!(may(Some("extra"), Operation::Update));
    assert!(!may(Some("extra"), Operation::Remove));
    assert_eq!(set.roles.of(Some("extra")).iter().collect::<Vec<_>>(), ["*", "agent"]);
}

#[test]
fn a_closed_schema_has_its_own_attributes_and_the_system_s() {
    let set = loaded(&json!({"additionalProperties": false, "properties": {"a": {"type": "string"}}}));
    let shape = &collection(&set).shape;
    for name in ["a", "_key", "_id", "_rev"] {
        assert!(shape.attribute(name).is_some(), "{name}");
    }
    for name in ["b", "_from", "_to"] {
        assert!(shape.attribute(name).is_none(), "{name}");
    }
    let validator = &collection(&set).validator;
    assert!(validator.accepts(&json!({"a": "x", "_key": "1", "_id": "things/1", "_rev": "r"})));
    assert!(!validator.accepts(&json!({"a": "x", "_from": "things/1"})));
    assert!(!validator.accepts(&json!({"a": 1})));
    let violations = validator.violations(&json!({"a": 4711}));
    assert_eq!(violations[0].path, ["a"]);
    assert!(!violations[0].message.contains("4711"), "{violations:?}");
}

#[test]
fn an_edge_has_its_ends_as_attributes() {
    let edge = json!({"x-mallku": {"kind": "edge", "from": ["things"], "to": ["things"]}, "additionalProperties": false,
        "required": ["_from", "_to"]});
    let set = SchemaSet::from_files([("links.json", edge.to_string()), ("things.json", "{}".to_owned())]).unwrap();
    let links = &set.resources["_system"].collections["links"];
    assert!(links.shape.attribute("_from").is_some());
    assert!(
        links
            .validator
            .accepts(&json!({"_from": "things/1", "_to": "things/2"}))
    );
    assert!(!links.validator.accepts(&json!({"_from": "things/1"})));
    let ends = links.edge.as_ref().unwrap();
    assert!(ends.from.contains("things") && ends.to.contains("things"));
}

#[test]
fn an_open_schema_has_any_attribute() {
    let set = loaded(&json!({"properties": {"a": {"writeOnly": true}}}));
    let shape = &collection(&set).shape;
    assert_eq!(shape.attribute("zzz"), Some(&Shape::open()));
    assert_eq!(shape.attribute("a").unwrap().read, Access::Nobody);
    assert!(!shape.readable(&roles(&[])));
    assert_eq!(shape.hidden_paths(&roles(&[])), ["a"]);
}

#[test]
fn hidden_paths_go_through_objects_lists_and_patterns() {
    let set = loaded(&json!({
        "properties": {
            "people": {"type": "array", "items": {"$ref": "#/$defs/Person"}},
            "meta": {"type": "object", "patternProperties": {"^s_": {"writeOnly": true}}},
            "more": {"type": "object", "additionalProperties": {"$ref": "#/$defs/Person"}},
        },
        "$defs": {"Person": {"type": "object", "properties": {"name": {"writeOnly": true}, "age": {"type": "integer"}}}}
    }));
    let shape = &collection(&set).shape;
    assert_eq!(
        shape.hidden_paths(&roles(&[])),
        ["meta./^s_/", "more.*.name", "people[*].name"]
    );
    let person = shape.attribute("people").unwrap().element();
    assert!(person.attribute("age").unwrap().readable(&roles(&[])));
    assert!(
        !shape
            .attribute("meta")
            .unwrap()
            .attribute("s_x")
            .unwrap()
            .readable(&roles(&[]))
    );
    assert!(
        shape
            .attribute("meta")
            .unwrap()
            .attribute("x")
            .unwrap()
            .readable(&roles(&[]))
    );
}

#[test]
fn readers_and_writers_are_roles() {
    let policy = json!({"roles": {"analyst": {"users": ["ana"]}, "agent": {}}});
    let schema = json!({"properties": {"a": {"x-mallku": {"readers": ["analyst"], "writers": ["agent"]}}}});
    let set =
        SchemaSet::from_files([("policy.json", policy.to_string()), ("things.json", schema.to_string())]).unwrap();
    let attribute = collection(&set).shape.attribute("a").unwrap();
    assert!(attribute.readable(&set.roles.of(Some("ana"))));
    assert!(!attribute.readable(&set.roles.of(None)));
    assert!(!attribute.writable(&set.roles.of(Some("ana"))));
    assert!(attribute.writable(&roles(&["agent"])));
}

#[test]
fn all_of_meets_and_any_of_unites() {
    let set = loaded(&json!({
        "properties": {
            "both": {"allOf": [{"properties": {"a": {"writeOnly": true}}}, {"properties": {"a": {"type": "string"}, "b": {}}}]},
            "either": {"anyOf": [
                {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": false},
                {"type": "object", "properties": {"a": {"writeOnly": true}, "b": {}}, "additionalProperties": false},
            ]},
            "optional": {"anyOf": [
                {"type": "object", "properties": {"a": {}}, "additionalProperties": false}, {"type": "null"}
            ]},
        }
    }));
    let shape = &collection(&set).shape;
    let hidden = |attribute: &str, below: &str| {
        !shape
            .attribute(attribute)
            .unwrap()
            .attribute(below)
            .unwrap()
            .readable(&roles(&[]))
    };
    assert!(hidden("both", "a") && !hidden("both", "b"));
    assert!(hidden("either", "a") && !hidden("either", "b"));
    assert!(shape.attribute("either").unwrap().attribute("c").is_none());
    let optional = shape.attribute("optional").unwrap();
    assert!(
        optional.attribute("a").is_some() && optional.attribute("b").is_none(),
        "null opens nothing"
    );
    assert!(!optional.constrained, "object and null are told apart by type");
    assert_eq!(optional.types, [JsonType::Null, JsonType::Object].into());
}

#[test]
fn what_a_condition_hides_is_hidden_and_what_it_forbids_is_not() {
    let set = loaded(&json!({
        "properties": {"kind": {"enum": ["x", "y"]}, "a": {}, "b": {}},
        "additionalProperties": false,
        "if": {"properties": {"kind": {"const": "x"}}},
        "then": {"properties": {"a": {"writeOnly": true}, "b": false}},
    }));
    let shape = &collection(&set).shape;
    assert_eq!(shape.hidden_paths(&roles(&[])), ["a"]);
    assert!(shape.attribute("b").unwrap().writable(&roles(&[])));
    assert!(shape.constrained);
    assert_eq!(shape.attribute("kind").unwrap().types, [JsonType::String].into());
}

#[test]
fn recursion_is_unrolled_and_stays_hidden() {
    let set = loaded(&json!({
        "$ref": "#/$defs/Node",
        "$defs": {"Node": {
            "type": "object", "additionalProperties": false,
            "properties": {"name": {"type": "string"}, "secret": {"writeOnly": true},
                           "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}}},
            "x-mallku": {"allow": ["read"]},
        }}
    }));
    assert!(
        collection(&set).allow.permits(&roles(&[]), Operation::Read),
        "Pydantic puts the key beside the definition"
    );
    let mut shape = &collection(&set).shape;
    for level in 0..3 {
        assert!(
            !shape.attribute("secret").unwrap().readable(&roles(&[])),
            "level {level}"
        );
        assert!(shape.attribute("other").is_none(), "level {level}");
        shape = shape.attribute("children").unwrap().element();
        assert!(shape.attribute("name").is_some(), "level {level}");
    }
    for _ in 0..3 {
        let Some(children) = shape.attribute("children") else {
            return;
        };
        shape = children.element();
    }
    assert!(
        !shape.readable(&roles(&[])),
        "below the last level everything is hidden"
    );
}

#[test]
fn overlapping_patterns_hide_what_one_of_them_hides() {
    let set = loaded(&json!({"patternProperties": {"^a": {}, "z$": {"writeOnly": true}}, "properties": {"abcz": {}}}));
    let shape = &collection(&set).shape;
    let readable = |name: &str| shape.attribute(name).unwrap().readable(&roles(&[]));
    assert!(readable("ab") && readable("other"));
    assert!(!readable("z") && !readable("az") && !readable("abcz"));
}

/// Keywords that speak of a part of a value without naming it hide that part too.
#[test]
fn what_is_hidden_by_rare_keywords_is_hidden() {
    let secret = json!({"properties": {"s": {"$ref": "#/$defs/Secret"}}});
    let set = loaded(&json!({
        "$defs": {"Secret": {"writeOnly": true}},
        "properties": {
            "listed": {"contains": secret},
            "rest": {"prefixItems": [{}], "unevaluatedItems": {"writeOnly": true}},
            "text": {"type": "string", "contentSchema": secret},
            "names": {"propertyNames": {"writeOnly": true}, "contentSchema": {"readOnly": true}},
            "open": {"properties": {"a": {}}, "unevaluatedProperties": {"writeOnly": true}},
            "typed": {"additionalProperties": {"type": "string"}, "unevaluatedProperties": {"writeOnly": true}},
            "plain": {"contains": {"const": 1}, "propertyNames": {"pattern": "a"}, "unevaluatedProperties": {"type": "string"}},
        },
    }));
    let shape = &collection(&set).shape;
    let everybody = RoleSet::everybody();
    let hidden = ["listed[*].s", "names", "open.*", "rest[*]", "text", "typed.*"];
    assert_eq!(shape.hidden_paths(&everybody), hidden);
    assert_eq!(shape.read_only_paths(&everybody), ["names"]);
    assert!(
        shape
            .attribute("open")
            .unwrap()
            .attribute("a")
            .unwrap()
            .readable(&everybody)
    );
}

#[test]
fn an_update_is_judged_alone_where_attributes_are_independent() {
    let set = loaded(
        &json!({"required": ["a", "n"], "additionalProperties": false, "properties": {
            "a": {"type": "string"},
            "n": {"type": "object", "required": ["x"], "properties": {"x": {"type": "integer"}, "y": {}}},
        }}),
    );
    let update = collection(&set).update_validator.as_ref().unwrap();
    assert!(update.accepts(&json!({"a": "new"})));
    assert!(update.accepts(&json!({"n": {"x": 1}})));
    assert!(
        !update.accepts(&json!({"n": {"y": 1}})),
        "`n` may not be there yet, then `x` is missing"
    );
    assert!(!update.accepts(&json!({"b": 1})));
    assert!(!update.accepts(&json!({"a": 1})));
}

#[test]
fn an_update_cannot_be_judged_alone_where_attributes_are_tied() {
    for ties in [
        json!({"dependentRequired": {"a": ["b"]}}),
        json!({"maxProperties": 3}),
        json!({"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}),
        json!({"if": {"required": ["a"]}, "then": {"required": ["b"]}}),
        json!({"allOf": [{"minProperties": 2}]}),
    ] {
        assert!(collection(&loaded(&ties)).update_validator.is_none(), "{ties}");
    }
    // What is tied within an attribute concerns updates of that attribute, and its shape tells.
    for ties in [
        json!({"properties": {"n": {"not": {"required": ["a", "b"]}}}}),
        json!({"properties": {"n": {"anyOf": [{"type": "object", "required": ["a"]}, {"type": "object"}]}}}),
        json!({"properties": {"n": {"$ref": "#/$defs/N"}}, "$defs": {"N": {"type": "object", "dependentRequired": {"a": ["b"]}}}}),
        json!({"patternProperties": {"^n$": {"maxProperties": 1}}}),
        json!({"additionalProperties": {"unevaluatedProperties": false}}),
    ] {
        let set = loaded(&ties);
        assert!(collection(&set).update_validator.is_some(), "{ties}");
        assert!(collection(&set).shape.attribute("n").unwrap().constrained, "{ties}");
    }
}

#[test]
fn databases_are_those_that_the_schemas_name() {
    let schema = json!({"x-mallku": {"database": ["memory", "archive"]}});
    let set = loaded(&schema);
    assert_eq!(set.databases, ["_system", "memory", "archive"]);
    assert!(set.resources["_system"].collections.is_empty());
    assert!(set.resources["archive"].collections.contains_key("things"));
}

#[test]
fn the_digest_tells_sets_apart() {
    let digest = |schema: serde_json::Value| loaded(&schema).digest;
    assert_eq!(digest(json!({})), digest(json!({})));
    assert_ne!(digest(json!({})), digest(json!({"title": "x"})));
    assert_eq!(digest(json!({})).len(), 64);
}
