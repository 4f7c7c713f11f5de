//! ArangoDB's own schema validation, derived from a JSON Schema.
//!
//! ArangoDB validates by draft 4, without remote references. What draft 4 has under the same name and meaning is kept, the rest
//! is left out, so that the derived rule is never stricter than the schema: the gate checks the whole of it anyway, and a
//! document that the schema admits must not fail here.

use serde_json::{Map, Value, json};

/// References are followed so deep; a recursive schema ends there as "anything".
const DEPTH: usize = 12;
/// Keywords whose value is kept as it is.
const SAME: [&str; 8] = [
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "minimum",
    "maximum",
];

/// The rule for a schema; `None` where nothing is left of it.
pub(super) fn derive(schema: &Value) -> Option<Value> {
    let rule = weaken(schema, schema, DEPTH);
    (rule != json!({})).then_some(rule)
}

fn weaken(schema: &Value, root: &Value, depth: usize) -> Value {
    let Value::Object(schema) = schema else {
        // `false` admits nothing; draft 4 says that otherwise.
        return if *schema == Value::Bool(false) {
            json!({ "not": {} })
        } else {
            json!({})
        };
    };
    let Some(depth) = depth.checked_sub(1) else {
        return json!({});
    };
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        // What stands beside a reference is weaker left out than meant otherwise.
        let target = reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
        return target.map_or_else(|| json!({}), |target| weaken(target, root, depth));
    }
    let mut rule = Map::new();
    if let Some(kinds) = schema.get("type").and_then(types) {
        rule.insert("type".to_owned(), kinds);
    }
    for key in SAME {
        if let Some(value) = schema.get(key).filter(|value| value.is_number()) {
            rule.insert(key.to_owned(), value.clone());
        }
    }
    if let Some(values) = schema
        .get("enum")
        .filter(|values| values.as_array().is_some_and(|values| !values.is_empty()))
    {
        rule.insert("enum".to_owned(), values.clone());
    }
    if let Some(value) = schema.get("const") {
        rule.insert("enum".to_owned(), json!([value]));
    }
    if let Some(names) = schema
        .get("required")
        .filter(|names| names.as_array().is_some_and(|names| !names.is_empty()))
    {
        rule.insert("required".to_owned(), names.clone());
    }
    let each = |members: &Map<String, Value>| -> Value {
        Value::Object(
            members
                .iter()
                .map(|(name, part)| (name.clone(), weaken(part, root, depth)))
                .collect(),
        )
    };
    if let Some(Value::Object(members)) = schema.get("properties") {
        rule.insert("properties".to_owned(), each(members));
    }
    // Without the patterns, whose dialect differs, an attribute that one of them admits would be an additional one.
    if !schema.contains_key("patternProperties") {
        match schema.get("additionalProperties") {
            Some(Value::Bool(false)) => drop(rule.insert("additionalProperties".to_owned(), Value::Bool(false))),
            Some(part @ Value::Object(_)) => {
                rule.insert("additionalProperties".to_owned(), weaken(part, root, depth));
            }
            _ => {}
        }
    }
    // `items` beside `prefixItems` is for the rest only.
    if let Some(part @ Value::Object(_)) = schema.get("items").filter(|_| !schema.contains_key("prefixItems")) {
        rule.insert("items".to_owned(), weaken(part, root, depth));
    }
    if let Some(Value::Array(parts)) = schema.get("allOf") {
        rule.insert(
            "allOf".to_owned(),
            parts.iter().map(|part| weaken(part, root, depth)).collect(),
        );
    }
    // Weakened branches of `oneOf` may overlap: one of them, at least.
    if let Some(Value::Array(parts)) = schema.get("anyOf").or_else(|| schema.get("oneOf")) {
        rule.insert(
            "anyOf".to_owned(),
            parts.iter().map(|part| weaken(part, root, depth)).collect(),
        );
    }
    Value::Object(rule)
}

/// The types, with `integer` as `number`: for ArangoDB `1.0` is no integer, for the schema it is one.
fn types(value: &Value) -> Option<Value> {
    let one = |name: &str| Value::from(if name == "integer" { "number" } else { name });
    match value {
        Value::String(name) => Some(one(name)),
        Value::Array(names) if !names.is_empty() => {
            let mut kinds: Vec<Value> = Vec::new();
            for name in names.iter().filter_map(Value::as_str).map(one) {
                if !kinds.contains(&name) {
                    kinds.push(name);
                }
            }
            Some(Value::Array(kinds))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_drafts_mean_alike_is_kept() {
        let cases = [
            (json!({}), None),
            (json!({ "title": "x", "format": "date", "pattern": "^a$" }), None),
            (
                json!({ "type": "integer", "minimum": 1 }),
                Some(json!({ "type": "number", "minimum": 1 })),
            ),
            (json!({ "exclusiveMinimum": 1 }), None),
            (json!({ "const": 5 }), Some(json!({ "enum": [5] }))),
            (
                json!({ "type": ["integer", "number", "null"] }),
                Some(json!({ "type": ["number", "null"] })),
            ),
            (
                json!({ "properties": { "a": { "writeOnly": true, "type": "string" }, "b": false }, "required": ["a"] }),
                Some(json!({ "properties": { "a": { "type": "string" }, "b": { "not": {} } }, "required": ["a"] })),
            ),
            (json!({ "required": [] }), None),
            (
                json!({ "additionalProperties": false, "properties": {} }),
                Some(json!({ "properties": {}, "additionalProperties": false })),
            ),
            (
                json!({ "additionalProperties": false, "patternProperties": { "^x": {} } }),
                None,
            ),
            (
                json!({ "oneOf": [{ "type": "string" }, { "type": "integer" }] }),
                Some(json!({ "anyOf": [{ "type": "string" }, { "type": "number" }] })),
            ),
            (json!({ "items": { "type": "string" }, "prefixItems": [{}] }), None),
        ];
        for (schema, expected) in cases {
            assert_eq!(derive(&schema), expected, "{schema}");
        }
    }

    #[test]
    fn local_references_are_followed_and_recursion_ends() {
        let schema = json!({
            "$defs": { "node": { "type": "object", "properties": { "next": { "$ref": "#/$defs/node" } } } },
            "properties": { "list": { "$ref": "#/$defs/node" }, "far": { "$ref": "https://example.org/x" } }
        });
        let rule = derive(&schema).unwrap();
        assert_eq!(rule["properties"]["list"]["type"], "object");
        assert_eq!(rule["properties"]["list"]["properties"]["next"]["type"], "object");
        assert_eq!(rule["properties"]["far"], json!({}));
        assert!(!rule.to_string().contains("$ref"));
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
        /// A document that the schema admits is admitted by the rule, too.
        #[test]
        fn a_rule_is_never_stricter_than_its_schema(kind in 0_usize..6, low in -3_i64..3, value in -5_i64..5, text in "[a-c]{0,3}") {
            let schema = [
                json!({ "type": "integer", "minimum": low }),
                json!({ "oneOf": [{ "minimum": low }, { "type": "string", "minLength": 1 }] }),
                json!({ "properties": { "a": { "exclusiveMaximum": low } }, "additionalProperties": false }),
                json!({ "if": { "type": "string" }, "then": { "minLength": 2 }, "enum": [value, text] }),
                json!({ "not": { "const": low } }),
                json!({ "type": "array", "prefixItems": [{ "type": "string" }], "items": { "type": "integer" } }),
            ][kind].clone();
            let strict = jsonschema::validator_for(&schema).unwrap();
            let rule = derive(&schema).unwrap_or_else(|| json!({}));
            let weak = jsonschema::draft4::new(&rule).unwrap();
            for document in [json!(value), json!(text), json!({ "a": value }), json!([text, value]), json!(f64::from(i32::try_from(value).unwrap_or(i32::MAX)))] {
                if strict.is_valid(&document) {
                    proptest::prop_assert!(weak.is_valid(&document), "{schema} admits {document}, {rule} does not");
                }
            }
        }
    }
}
