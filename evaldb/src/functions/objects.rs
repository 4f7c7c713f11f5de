//! Document and object functions.

use std::collections::HashSet;

use super::{Entry, MANY, arg, names_in, wrong_type};
use crate::error::Result;
use crate::eval::Evaluator;
use crate::value::{Object, Text, Value, equal};

pub(super) const TABLE: &[Entry] = &[
    ("ATTRIBUTES", 1, 3, attributes),
    ("KEYS", 1, 3, attributes),
    ("ENTRIES", 1, 1, |this, args| {
        on_object(this, args, "ENTRIES", |object| {
            let pair = |(name, value): (&Text, &Value)| Value::array(vec![Value::String(name.clone()), value.clone()]);
            Value::array(object.iter().map(pair).collect())
        })
    }),
    ("HAS", 2, 2, |_, args| {
        let name = arg(args, 1).to_text();
        Ok(arg(args, 0).get(&name).is_some().into())
    }),
    ("IS_SAME_COLLECTION", 2, 2, is_same_collection),
    ("KEEP", 2, MANY, |this, args| {
        selected(this, args, "KEEP", <[Text]>::contains)
    }),
    ("UNSET", 2, MANY, |this, args| {
        selected(this, args, "UNSET", |names, name| !names.contains(name))
    }),
    ("KEEP_RECURSIVE", 2, MANY, |this, args| {
        recursive(this, args, "KEEP_RECURSIVE", keep_recursive)
    }),
    ("UNSET_RECURSIVE", 2, MANY, |this, args| {
        recursive(this, args, "UNSET_RECURSIVE", unset_recursive)
    }),
    ("MATCHES", 2, 3, matches),
    ("MERGE", 1, MANY, |this, args| merge(this, args, "MERGE", false)),
    ("MERGE_RECURSIVE", 1, MANY, |this, args| {
        merge(this, args, "MERGE_RECURSIVE", true)
    }),
    ("PARSE_IDENTIFIER", 1, 1, |this, args| {
        identifier(this, args, "PARSE_IDENTIFIER", |collection, key| {
            Value::object(
                [
                    (Text::from("collection"), collection.into()),
                    (Text::from("key"), key.into()),
                ]
                .into_iter()
                .collect(),
            )
        })
    }),
    ("PARSE_COLLECTION", 1, 1, |this, args| {
        identifier(this, args, "PARSE_COLLECTION", |collection, _| collection.into())
    }),
    ("PARSE_KEY", 1, 1, |this, args| {
        identifier(this, args, "PARSE_KEY", |_, key| key.into())
    }),
    ("TRANSLATE", 2, 3, |this, args| {
        let value = arg(args, 0);
        let Value::Object(table) = arg(args, 1) else {
            return wrong_type(this, "TRANSLATE");
        };
        Ok(table.get(&value.to_text()).or(args.get(2)).unwrap_or(value).clone())
    }),
    ("VALUE", 2, 2, |this, args| {
        let Some(path) = arg(args, 1).as_array() else {
            return wrong_type(this, "VALUE");
        };
        let mut value = arg(args, 0).clone();
        for step in path {
            value = this.index(&value, step);
        }
        Ok(value)
    }),
    ("VALUES", 1, 2, |this, args| {
        let all = !arg(args, 1).is_true();
        on_object(this, args, "VALUES", |object| {
            let kept = object.iter().filter(|(name, _)| all || !name.starts_with('_'));
            Value::array(kept.map(|(_, value)| value.clone()).collect())
        })
    }),
    ("ZIP", 2, 2, zip),
];

fn on_object(
    evaluator: &mut Evaluator<'_>,
    args: &[Value],
    name: &str,
    function: impl FnOnce(&Object) -> Value,
) -> Result<Value> {
    match arg(args, 0).as_object() {
        Some(object) => Ok(function(object)),
        None => wrong_type(evaluator, name),
    }
}

fn attributes(evaluator: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    let (without_system, sort) = (arg(args, 1).is_true(), arg(args, 2).is_true());
    on_object(evaluator, args, "ATTRIBUTES", |object| {
        let names = object.iter().map(|(name, _)| name);
        let mut names: Vec<&Text> = names.filter(|name| !without_system || !name.starts_with('_')).collect();
        if sort {
            names.sort();
        }
        Value::array(names.into_iter().map(|name| Value::String(name.clone())).collect())
    })
}

fn is_same_collection(evaluator: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    let collection = |value: &Value| {
        let id = match value {
            Value::Object(object) => object.get("_id")?.as_str()?,
            other => other.as_str()?,
        };
        Some(id.split('/').next().unwrap_or_default().to_owned())
    };
    match (collection(arg(args, 0)), collection(arg(args, 1))) {
        (Some(left), Some(right)) => Ok(Value::Bool(left == right)),
        _ => wrong_type(evaluator, "IS_SAME_COLLECTION"),
    }
}

fn selected(
    evaluator: &mut Evaluator<'_>,
    args: &[Value],
    function: &str,
    wanted: fn(&[Text], &Text) -> bool,
) -> Result<Value> {
    let names: Vec<Text> = args.iter().skip(1).flat_map(names_in).collect();
    on_object(evaluator, args, function, |object| {
        let mut selected = Object::new();
        for (name, value) in object.iter().filter(|(name, _)| wanted(&names, name)) {
            selected.take_over(object, name, value);
        }
        Value::object(selected)
    })
}

fn recursive(
    evaluator: &mut Evaluator<'_>,
    args: &[Value],
    function: &str,
    select: fn(&Object, &[Text]) -> Object,
) -> Result<Value> {
    let names: Vec<Text> = args.iter().skip(1).flat_map(names_in).collect();
    on_object(evaluator, args, function, |object| {
        Value::object(select(object, &names))
    })
}

fn keep_recursive(object: &Object, names: &[Text]) -> Object {
    select_recursive(object, &|name| names.contains(name))
}

fn unset_recursive(object: &Object, names: &[Text]) -> Object {
    select_recursive(object, &|name| !names.contains(name))
}

fn select_recursive(object: &Object, wanted: &dyn Fn(&Text) -> bool) -> Object {
    let mut selected = Object::new();
    for (name, value) in object.iter().filter(|(name, _)| wanted(name)) {
        match value {
            Value::Object(inner) => selected.set(name.clone(), Value::object(select_recursive(inner, wanted))),
            other => selected.take_over(object, name, other),
        }
    }
    selected
}

fn matches(_: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    let Some(document) = arg(args, 0).as_object() else {
        return Ok(Value::Bool(false));
    };
    let index = arg(args, 2).is_true();
    let examples = arg(args, 1)
        .as_array()
        .map_or_else(|| vec![arg(args, 1).clone()], <[Value]>::to_vec);
    let fits = |example: &Value| {
        example.as_object().is_some_and(|example| {
            example.iter().all(|(name, wanted)| {
                document
                    .get(name)
                    .map_or(wanted.is_null(), |value| equal(value, wanted))
            })
        })
    };
    let place = examples.iter().position(fits);
    Ok(if index {
        place.map_or(Value::Int(-1), Value::count)
    } else {
        Value::Bool(place.is_some())
    })
}

fn merge(evaluator: &mut Evaluator<'_>, args: &[Value], function: &str, deep: bool) -> Result<Value> {
    // A single array of objects is merged like several arguments.
    let parts = match args {
        [Value::Array(array)] => array.items.as_slice(),
        _ => args,
    };
    let mut result = Object::new();
    for part in parts {
        match part {
            Value::Object(object) => merge_into(&mut result, object, deep),
            Value::Null if args.len() == 1 && parts.len() == 1 => return wrong_type(evaluator, function),
            _ => return wrong_type(evaluator, function),
        }
    }
    Ok(Value::object(result))
}

fn merge_into(result: &mut Object, object: &Object, deep: bool) {
    for (name, value) in object.iter() {
        match (result.get(name), value) {
            (Some(Value::Object(before)), Value::Object(after)) if deep => {
                let mut inner = Object::new();
                merge_into(&mut inner, before, true);
                merge_into(&mut inner, after, true);
                result.set(name.clone(), Value::object(inner));
            }
            _ => result.take_over(object, name, value),
        }
    }
}

fn identifier(
    evaluator: &mut Evaluator<'_>,
    args: &[Value],
    function: &str,
    make: fn(&str, &str) -> Value,
) -> Result<Value> {
    let id = match arg(args, 0) {
        Value::Object(object) => object.get("_id").cloned().unwrap_or_default(),
        other => other.clone(),
    };
    match id.as_str().and_then(|id| id.split_once('/')) {
        Some((collection, key)) if !key.contains('/') => Ok(make(collection, key)),
        _ => wrong_type(evaluator, function),
    }
}

fn zip(evaluator: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    let (Some(names), Some(values)) = (arg(args, 0).as_array(), arg(args, 1).as_array()) else {
        return wrong_type(evaluator, "ZIP");
    };
    if names.len() != values.len() {
        return wrong_type(evaluator, "ZIP");
    }
    // The first of several equal names wins.
    let mut seen: HashSet<Text> = HashSet::new();
    let mut object = Object::new();
    for (name, value) in names.iter().zip(values) {
        let name = name.to_text();
        if seen.insert(name.clone()) {
            object.set(name, value.clone());
        }
    }
    Ok(Value::object(object))
}
