//! Functions of `SEARCH`, evaluated on the attribute values themselves.
//!
//! Analyzers: `identity`, and for every other one the words of the text in lower case; scores are the same for all.

use super::{Entry, MANY, arg};
use crate::error::Result;
use crate::eval::Evaluator;
use crate::value::{Value, compare};

pub(super) const TABLE: &[Entry] = &[
    ("ANALYZER", 2, 2, |_, args| Ok(arg(args, 0).clone())),
    ("BOOST", 2, 2, |_, args| Ok(arg(args, 0).clone())),
    ("BM25", 1, MANY, |_, _| Ok(Value::Double(1.0))),
    ("TFIDF", 1, MANY, |_, _| Ok(Value::Double(1.0))),
    ("EXISTS", 1, 3, exists),
    ("IN_RANGE", 5, 5, in_range),
    ("MIN_MATCH", 2, MANY, |_, args| {
        let (conditions, least) = args.split_at(args.len().saturating_sub(1));
        let matching = conditions.iter().filter(|condition| condition.is_true()).count();
        Ok(Value::Bool(matching >= arg(least, 0).to_usize()))
    }),
    ("PHRASE", 2, MANY, phrase),
    ("STARTS_WITH", 2, 4, starts_with),
    ("TOKENS", 1, 2, |_, args| {
        let analyzer = arg(args, 1).as_str().unwrap_or("identity");
        Ok(tokens(arg(args, 0), analyzer))
    }),
];

/// The values that a condition on an attribute looks at: the elements of an array, else the value.
fn candidates(value: &Value) -> Vec<Value> {
    value.as_array().map_or_else(|| vec![value.clone()], <[Value]>::to_vec)
}

fn exists(_: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    let value = arg(args, 0);
    Ok(Value::Bool(match arg(args, 1).as_str() {
        None | Some("analyzer") => !value.is_null(),
        Some("numeric") => value.is_number(),
        Some("boolean") => value.type_name() == "bool",
        Some("nested") => matches!(value, Value::Array(_)),
        Some(kind) => value.type_name() == kind,
    }))
}

fn in_range(_: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    let (low, high) = (arg(args, 1), arg(args, 2));
    let (with_low, with_high) = (arg(args, 3).is_true(), arg(args, 4).is_true());
    let inside = |value: &Value| {
        let above = compare(value, low);
        let below = compare(value, high);
        (above.is_gt() || with_low && above.is_eq()) && (below.is_lt() || with_high && below.is_eq())
    };
    Ok(Value::Bool(candidates(arg(args, 0)).iter().any(inside)))
}

fn words(text: &str) -> Vec<String> {
    let words = text
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

fn tokens(value: &Value, analyzer: &str) -> Value {
    match value {
        Value::Array(array) => Value::array(array.items.iter().map(|item| tokens(item, analyzer)).collect()),
        Value::String(text) if analyzer != "identity" => {
            Value::array(words(text).into_iter().map(Value::from).collect())
        }
        Value::Null => Value::array(Vec::new()),
        other => Value::array(vec![Value::String(other.to_text())]),
    }
}

/// The parts of the phrase follow each other in the text, with so many words between as numbers say.
fn phrase(_: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    let mut wanted: Vec<(usize, String)> = Vec::new();
    let mut gap = 0;
    let parts: Vec<Value> = match args.get(1) {
        Some(Value::Array(array)) => array.items.clone(),
        // A text in the last place, after another, is the analyzer's name.
        _ => match args {
            [_, rest @ .., Value::String(_)] if rest.iter().any(|part| matches!(part, Value::String(_))) => {
                rest.to_vec()
            }
            [_, rest @ ..] => rest.to_vec(),
            [] => Vec::new(),
        },
    };
    for part in parts {
        match part {
            Value::String(text) => {
                for word in words(&text) {
                    wanted.push((std::mem::take(&mut gap), word));
                }
            }
            other => gap = other.to_usize(),
        }
    }
    let holds = |text: &Value| {
        let Some(text) = text.as_str() else { return false };
        let words = words(text);
        (0..words.len()).any(|start| {
            let mut place = start;
            !wanted.is_empty()
                && wanted.iter().enumerate().all(|(index, (gap, word))| {
                    place += if index == 0 { 0 } else { gap.saturating_add(1) };
                    words.get(place) == Some(word)
                })
        })
    };
    Ok(Value::Bool(candidates(arg(args, 0)).iter().any(holds)))
}

fn starts_with(_: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    let prefixes = candidates(arg(args, 1));
    let least = match arg(args, 1) {
        Value::Array(_) => args.get(2).map_or(1, Value::to_usize),
        _ => 1,
    };
    let begins = |text: &Value| {
        let Some(text) = text.as_str() else { return false };
        prefixes
            .iter()
            .filter_map(Value::as_str)
            .filter(|prefix| text.starts_with(prefix))
            .count()
            >= least
    };
    Ok(Value::Bool(candidates(arg(args, 0)).iter().any(begins)))
}
