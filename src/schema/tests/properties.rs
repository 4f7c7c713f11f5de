//! What the judge relies on, over random schemas and documents: shapes agree with the validator, valid updates of valid
//! documents leave valid documents, and no text makes the loader panic.

use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

use super::super::*;

const NAMES: [&str; 4] = ["a", "b", "ab", "c"];

fn names() -> impl Strategy<Value = Vec<&'static str>> {
    subsequence(NAMES.to_vec(), 0..=NAMES.len())
}

fn leaf() -> impl Strategy<Value = Value> {
    select(vec![
        json!({}),
        json!(true),
        json!(false),
        json!({"type": "string"}),
        json!({"type": "integer"}),
        json!({"type": "number"}),
        json!({"type": ["string", "null"]}),
        json!({"type": "boolean"}),
        json!({"type": "object"}),
        json!({"type": "array"}),
        json!({"enum": ["x", 1, null]}),
        json!({"const": {"a": 1}}),
        json!({"minimum": 1}),
        json!({"pattern": "^x"}),
        json!({"maxLength": 1, "type": "string"}),
        json!({"maxProperties": 1}),
        json!({"required": ["a"]}),
        json!({"$ref": "#/$defs/D"}),
    ])
}

fn schema() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(4, 24, 4, |inner| {
        let others = prop_oneof![
            3 => Just(None),
            3 => Just(Some(json!(false))),
            1 => inner.clone().prop_map(Some),
        ];
        let patterns = prop_oneof![
            3 => Just(json!({})),
            1 => inner.clone().prop_map(|below| json!({"^a": below})),
            1 => (inner.clone(), inner.clone()).prop_map(|(left, right)| json!({"^a": left, "b$": right})),
        ];
        let object = (
            prop::collection::btree_map(select(NAMES.to_vec()), inner.clone(), 0..4),
            names(),
            others,
            patterns,
            any::<bool>(),
        )
            .prop_map(|(properties, required, others, patterns, typed)| {
                let mut schema = json!({"properties": properties, "required": required, "patternProperties": patterns});
                if let Some(others) = others {
                    schema["additionalProperties"] = others;
                }
                if typed {
                    schema["type"] = json!("object");
                }
                schema
            })
            .boxed();
        let list = prop::collection::vec(inner.clone(), 1..3).boxed();
        let combined = (select(vec!["allOf", "anyOf", "oneOf"]), list.clone(), object.clone()).prop_map(
            |(keyword, parts, mut base)| {
                base[keyword] = json!(parts);
                base
            },
        );
        let closed = prop::collection::btree_map(select(NAMES.to_vec()), inner.clone(), 0..3)
            .prop_map(|properties| json!({"type": "object", "properties": properties, "additionalProperties": false}));
        let branches = (select(vec!["anyOf", "oneOf"]), prop::collection::vec(closed, 2..4))
            .prop_map(|(keyword, branches)| json!({keyword: branches}));
        prop_oneof![
            4 => object,
            2 => branches,
            2 => combined,
            1 => (select(vec!["allOf", "anyOf", "oneOf"]), list.clone()).prop_map(|(word, parts)| json!({word: parts})),
            1 => inner.clone().prop_map(|items| json!({"type": "array", "items": items})),
            1 => list.prop_map(|items| json!({"prefixItems": items})),
            1 => (inner.clone(), inner.clone()).prop_map(|(test, then)| json!({"if": test, "then": then})),
            1 => inner.clone().prop_map(|below| json!({"not": below})),
            1 => inner.prop_map(|below| json!({"unevaluatedProperties": false, "allOf": [below]})),
        ]
    })
}

fn value() -> impl Strategy<Value = Value> {
    let scalar = select(vec![
        json!(null),
        json!(true),
        json!(0),
        json!(2),
        json!(1.5),
        json!("x"),
        json!("yy"),
    ]);
    scalar.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            2 => document(inner.clone()),
            1 => prop::collection::vec(inner, 0..3).prop_map(Value::Array),
        ]
    })
}

fn document(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    prop::collection::btree_map(select([&NAMES[..], &["d"]].concat()), inner, 0..4).prop_map(|attributes| {
        Value::Object(
            attributes
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    })
}

/// The collection of a set with this schema and the definition `D`; `None` when the loader refuses it.
fn load(mut root: Value, definition: &Value) -> Option<std::sync::Arc<Collection>> {
    let object = root.as_object_mut()?;
    object.insert("$defs".to_owned(), json!({ "D": definition }));
    let set = super::one(&root).ok()?;
    Some(std::sync::Arc::clone(&set.resources["_system"].collections["things"]))
}

fn type_of(value: &Value) -> JsonType {
    match value {
        Value::Null => JsonType::Null,
        Value::Bool(_) => JsonType::Boolean,
        Value::Number(number) if number.is_f64() => JsonType::Number,
        Value::Number(_) => JsonType::Integer,
        Value::String(_) => JsonType::String,
        Value::Array(_) => JsonType::Array,
        Value::Object(_) => JsonType::Object,
    }
}

/// Whether a valid value is one that the shape knows. The depth is that to which a recursion is unrolled.
fn known(shape: &Shape, value: &Value, depth: usize) -> bool {
    let below = |shape: &Shape, value: &Value| depth == 0 || known(shape, value, depth - 1);
    shape.may_be(type_of(value))
        && match value {
            Value::Object(attributes) => {
                shape.required.iter().all(|name| attributes.contains_key(name))
                    && attributes
                        .iter()
                        .all(|(name, value)| shape.attribute(name).is_some_and(|shape| below(shape, value)))
            }
            Value::Array(elements) => elements.iter().all(|element| below(shape.element(), element)),
            _ => true,
        }
}

/// Whether the shape alone shows that a value is valid, as the judge does for a computed one.
fn shown(shape: &Shape, value: &Value) -> bool {
    !shape.constrained
        && shape.may_be(type_of(value))
        && match value {
            Value::Object(attributes) => {
                shape.required.iter().all(|name| attributes.contains_key(name))
                    && attributes
                        .iter()
                        .all(|(name, value)| shape.attribute(name).is_some_and(|shape| shown(shape, value)))
            }
            Value::Array(elements) => elements.iter().all(|element| shown(shape.element(), element)),
            _ => true,
        }
        && shape.write != Access::Nobody
}

fn merged(old: &Value, new: &Value, deep: bool) -> Value {
    let (Value::Object(old), Value::Object(new)) = (old, new) else {
        return new.clone();
    };
    let mut whole: Map<String, Value> = old.clone();
    for (name, value) in new {
        let value = match (whole.get(name), deep) {
            (Some(before), true) => merged(before, value, true),
            _ => value.clone(),
        };
        whole.insert(name.clone(), value);
    }
    Value::Object(whole)
}

/// Counts how often a property had something to say; it must not be empty.
struct Share(AtomicUsize);

impl Share {
    fn hit(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn at_least(&self, wanted: usize) {
        let hits = self.0.load(Ordering::Relaxed);
        assert!(hits >= wanted, "only {hits} cases said anything");
    }
}

fn cases(count: u32) -> ProptestConfig {
    ProptestConfig {
        cases: count,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

#[test]
fn a_valid_document_has_only_attributes_of_the_shape() {
    let share = Share(AtomicUsize::new(0));
    let strategy = (schema(), schema(), prop::collection::vec(document(value()), 12));
    proptest!(cases(500), |((root, definition, documents) in strategy)| {
        let Some(collection) = load(root, &definition) else { return Ok(()) };
        for document in documents.iter().filter(|document| collection.validator.accepts(document)) {
            share.hit();
            prop_assert!(known(&collection.shape, document, 2), "{document} in {:?}", collection.json_schema.to_string());
        }
    });
    share.at_least(25);
}

#[test]
fn what_the_shape_shows_to_be_valid_is_valid() {
    let share = Share(AtomicUsize::new(0));
    let strategy = (schema(), schema(), prop::collection::vec(document(value()), 12));
    proptest!(cases(500), |((root, definition, documents) in strategy)| {
        let Some(collection) = load(root, &definition) else { return Ok(()) };
        for document in documents.iter().filter(|document| shown(&collection.shape, document)) {
            share.hit();
            let violations = collection.validator.violations(document);
            prop_assert!(violations.is_empty(), "{document} in {}: {violations:?}", collection.json_schema);
        }
    });
    share.at_least(25);
}

/// Whether an update merges an object into a value whose shape says that merging proves nothing.
fn merges_into_tied(update: &Value, shape: &Shape) -> bool {
    update.as_object().into_iter().flatten().any(|(name, value)| {
        let below = shape.attribute(name);
        value.is_object() && below.is_some_and(|below| below.constrained || merges_into_tied(value, below))
    })
}

#[test]
fn a_valid_update_of_a_valid_document_leaves_a_valid_document() {
    let share = Share(AtomicUsize::new(0));
    let strategy = (
        schema(),
        schema(),
        prop::collection::vec((document(value()), document(value())), 16),
    );
    proptest!(cases(500), |((root, definition, pairs) in strategy)| {
        let Some(collection) = load(root, &definition) else { return Ok(()) };
        let Some(update) = &collection.update_validator else { return Ok(()) };
        for (old, new) in &pairs {
            if !collection.validator.accepts(old) || !update.accepts(new) {
                continue;
            }
            share.hit();
            for deep in [true, false] {
                // What ties the attributes of one value is the shape's to tell.
                if deep && merges_into_tied(new, &collection.shape) {
                    continue;
                }
                let whole = merged(old, new, deep);
                let violations = collection.validator.violations(&whole);
                prop_assert!(violations.is_empty(), "{old} + {new} in {}: {violations:?}", collection.json_schema);
            }
        }
    });
    share.at_least(25);
}

#[test]
fn no_text_makes_the_loader_panic() {
    let words = vec![
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\\",
        "null",
        "1e999",
        "-",
        "\"x-mallku\"",
        "\"properties\"",
        "\"$ref\"",
        "\"#\"",
        "\"#/$defs/%\"",
        "\"allow\"",
        "\"read\"",
        "\"type\"",
        "\"é\"",
        "\u{feff}",
        "\n",
        "/*",
        "'",
    ];
    let text = prop::collection::vec(select(words), 0..40).prop_map(|words| words.concat());
    proptest!(cases(1000), |(text in text, policy in any::<bool>())| {
        let name = if policy { "policy.json" } else { "things.json" };
        if let Err(faults) = SchemaSet::from_files([(name, text.as_str())]) {
            prop_assert!(!faults.0.is_empty() && !faults.to_string().is_empty());
        }
    });
    let source = include_str!("pydantic/episode.json");
    proptest!(cases(100), |(at in 0..source.len(), length in 0_usize..40)| {
        let end = (at + length).min(source.len());
        let text = format!("{}{}", &source[..at], &source[end..]);
        let _ = SchemaSet::from_files([("things.json", text.as_str())]);
    });
}
