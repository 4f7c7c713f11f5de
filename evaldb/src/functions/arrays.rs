//! Array functions.

use std::collections::{HashMap, HashSet};

use super::{Entry, MANY, arg, check_size, wrong_type};
use crate::error::Result;
use crate::eval::Evaluator;
use crate::value::{ByValue, Value, compare, equal};

pub(super) const TABLE: &[Entry] = &[
    ("APPEND", 2, 3, append),
    ("CONTAINS_ARRAY", 2, 3, position),
    ("COUNT_DISTINCT", 1, 1, |this, args| {
        on_array(this, args, "COUNT_DISTINCT", |items| {
            Value::count(distinct(items).len())
        })
    }),
    ("COUNT_UNIQUE", 1, 1, |this, args| {
        on_array(this, args, "COUNT_UNIQUE", |items| Value::count(distinct(items).len()))
    }),
    ("FIRST", 1, 1, |this, args| {
        on_array(this, args, "FIRST", |items| items.first().cloned().unwrap_or_default())
    }),
    ("FLATTEN", 1, 2, flatten),
    ("INTERLEAVE", 2, MANY, interleave),
    ("INTERSECTION", 2, MANY, |this, args| {
        by_occurrence(this, args, "INTERSECTION", |count, all| count == all)
    }),
    ("JACCARD", 2, 2, jaccard),
    ("LAST", 1, 1, |this, args| {
        on_array(this, args, "LAST", |items| items.last().cloned().unwrap_or_default())
    }),
    ("LENGTH", 1, 1, length),
    ("COUNT", 1, 1, length),
    ("MINUS", 2, MANY, minus),
    ("NTH", 2, 2, |this, args| {
        let place = usize::try_from(arg(args, 1).to_i64()).ok();
        on_array(this, args, "NTH", |items| {
            place.and_then(|place| items.get(place)).cloned().unwrap_or_default()
        })
    }),
    ("OUTERSECTION", 2, MANY, |this, args| {
        by_occurrence(this, args, "OUTERSECTION", |count, _| count == 1)
    }),
    ("POP", 1, 1, |this, args| {
        on_array(this, args, "POP", |items| {
            Value::array(items.split_last().map_or_else(Vec::new, |(_, rest)| rest.to_vec()))
        })
    }),
    ("POSITION", 2, 3, position),
    ("PUSH", 2, 3, |this, args| add_one(this, args, "PUSH", Vec::push)),
    ("REMOVE_NTH", 2, 2, remove_nth),
    ("REMOVE_VALUE", 2, 3, remove_value),
    ("REMOVE_VALUES", 2, 2, remove_values),
    ("REPLACE_NTH", 3, 4, replace_nth),
    ("REVERSE", 1, 1, reverse),
    ("SHIFT", 1, 1, |this, args| {
        on_array(this, args, "SHIFT", |items| {
            Value::array(items.split_first().map_or_else(Vec::new, |(_, rest)| rest.to_vec()))
        })
    }),
    ("SLICE", 2, 3, slice),
    ("SORTED", 1, 1, |this, args| {
        on_array(this, args, "SORTED", |items| sorted(items.to_vec()))
    }),
    ("SORTED_UNIQUE", 1, 1, |this, args| {
        on_array(this, args, "SORTED_UNIQUE", |items| sorted(distinct(items)))
    }),
    ("UNION", 2, MANY, |this, args| {
        joined(this, args, "UNION", |items| Value::array(items.to_vec()))
    }),
    ("UNION_DISTINCT", 2, MANY, |this, args| {
        joined(this, args, "UNION_DISTINCT", |items| Value::array(distinct(items)))
    }),
    ("UNIQUE", 1, 1, |this, args| {
        on_array(this, args, "UNIQUE", |items| Value::array(distinct(items)))
    }),
    ("UNSHIFT", 2, 3, |this, args| {
        add_one(this, args, "UNSHIFT", |items, value| items.insert(0, value))
    }),
];

fn on_array(
    evaluator: &mut Evaluator<'_>,
    args: &[Value],
    name: &str,
    function: impl FnOnce(&[Value]) -> Value,
) -> Result<Value> {
    match arg(args, 0).as_array() {
        Some(items) => Ok(function(items)),
        None => wrong_type(evaluator, name),
    }
}

/// Each different element once, in order of its first appearance.
fn distinct(items: &[Value]) -> Vec<Value> {
    let mut seen = HashSet::with_capacity(items.len());
    items
        .iter()
        .filter(|item| seen.insert(ByValue((*item).clone())))
        .cloned()
        .collect()
}

fn sorted(mut items: Vec<Value>) -> Value {
    items.sort_by(compare);
    Value::array(items)
}

fn contains(items: &[Value], value: &Value) -> bool {
    items.iter().any(|item| equal(item, value))
}

fn append(evaluator: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    let (base, more) = (arg(args, 0), arg(args, 1));
    if more.is_null() || more.as_array().is_some_and(<[Value]>::is_empty) {
        return Ok(base.clone());
    }
    if base.is_null() {
        return Ok(more.clone());
    }
    let unique = arg(args, 2).is_true();
    on_array(evaluator, args, "APPEND", |items| {
        let mut result = items.to_vec();
        result.extend(more.as_array().map_or_else(|| vec![more.clone()], <[Value]>::to_vec));
        Value::array(if unique { distinct(&result) } else { result })
    })
}

fn add_one(
    evaluator: &mut Evaluator<'_>,
    args: &[Value],
    name: &str,
    add: fn(&mut Vec<Value>, Value),
) -> Result<Value> {
    let value = arg(args, 1);
    let mut items = match arg(args, 0) {
        Value::Null => Vec::new(),
        Value::Array(array) => array.items.clone(),
        _ => return wrong_type(evaluator, name),
    };
    if !(arg(args, 2).is_true() && contains(&items, value)) {
        add(&mut items, value.clone());
    }
    Ok(Value::array(items))
}

fn flatten(evaluator: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    fn into(items: &[Value], depth: usize, out: &mut Vec<Value>) {
        for item in items {
            match item.as_array() {
                Some(inner) if depth > 0 => into(inner, depth - 1, out),
                _ => out.push(item.clone()),
            }
        }
    }
    let depth = if args.len() > 1 {
        arg(args, 1).to_usize().max(1)
    } else {
        1
    };
    on_array(evaluator, args, "FLATTEN", |items| {
        let mut out = Vec::with_capacity(items.len());
        into(items, depth, &mut out);
        Value::array(out)
    })
}

/// The arrays that the arguments are; `None` when one is none.
fn arrays(args: &[Value]) -> Option<Vec<&[Value]>> {
    args.iter().map(Value::as_array).collect()
}

fn interleave(evaluator: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    let Some(arrays) = arrays(args) else {
        return wrong_type(evaluator, "INTERLEAVE");
    };
    let longest = arrays.iter().map(|items| items.len()).max().unwrap_or(0);
    let items = (0..longest).flat_map(|place| arrays.iter().filter_map(move |items| items.get(place)).cloned());
    Ok(Value::array(items.collect()))
}

fn by_occurrence(
    evaluator: &mut Evaluator<'_>,
    args: &[Value],
    name: &str,
    wanted: fn(usize, usize) -> bool,
) -> Result<Value> {
    let Some(arrays) = arrays(args) else {
        return wrong_type(evaluator, name);
    };
    let mut order = Vec::new();
    let mut counts: HashMap<ByValue, usize> = HashMap::new();
    for items in &arrays {
        for item in distinct(items) {
            let count = counts.entry(ByValue(item.clone())).or_insert(0);
            if *count == 0 {
                order.push(item);
            }
            *count += 1;
        }
    }
    let wanted = |item: &Value| {
        counts
            .get(&ByValue(item.clone()))
            .is_some_and(|count| wanted(*count, arrays.len()))
    };
    Ok(Value::array(order.into_iter().filter(|item| wanted(item)).collect()))
}

#[allow(clippy::cast_precision_loss, reason = "no array has 2^53 elements")]
fn jaccard(evaluator: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    let (Some(left), Some(right)) = (arg(args, 0).as_array(), arg(args, 1).as_array()) else {
        return wrong_type(evaluator, "JACCARD");
    };
    let (left, right) = (distinct(left), distinct(right));
    let common = left.iter().filter(|item| contains(&right, item)).count();
    let all = left.len() + right.len() - common;
    Ok(if all == 0 {
        Value::Int(1)
    } else {
        Value::number(common as f64 / all as f64)
    })
}

fn length(_: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    Ok(Value::count(match arg(args, 0) {
        Value::Null => 0,
        Value::Bool(value) => usize::from(*value),
        Value::Array(array) => array.items.len(),
        Value::Object(object) => object.len(),
        other => other.to_text().chars().count(),
    }))
}

fn minus(evaluator: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    let Some(arrays) = arrays(args) else {
        return wrong_type(evaluator, "MINUS");
    };
    let Some((first, others)) = arrays.split_first() else {
        return wrong_type(evaluator, "MINUS");
    };
    let unwanted: HashSet<ByValue> = others
        .iter()
        .flat_map(|items| items.iter().cloned().map(ByValue))
        .collect();
    Ok(Value::array(
        distinct(first)
            .into_iter()
            .filter(|item| !unwanted.contains(&ByValue(item.clone())))
            .collect(),
    ))
}

fn position(evaluator: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    let (value, index) = (arg(args, 1), arg(args, 2).is_true());
    on_array(evaluator, args, "POSITION", |items| {
        let place = items.iter().position(|item| equal(item, value));
        if index {
            place.map_or(Value::Int(-1), Value::count)
        } else {
            Value::Bool(place.is_some())
        }
    })
}

/// The place that a possibly negative number means in an array.
fn place_of(number: i64, length: usize) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    usize::try_from(if number < 0 {
        number.checked_add(length)?
    } else {
        number
    })
    .ok()
}

fn remove_nth(evaluator: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    let number = arg(args, 1).to_i64();
    on_array(evaluator, args, "REMOVE_NTH", |items| {
        let mut items = items.to_vec();
        if let Some(place) = place_of(number, items.len()).filter(|place| *place < items.len()) {
            items.remove(place);
        }
        Value::array(items)
    })
}

fn remove_value(evaluator: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    if arg(args, 0).is_null() {
        return Ok(Value::array(Vec::new()));
    }
    let value = arg(args, 1);
    let mut limit = args
        .get(2)
        .filter(|limit| !limit.is_null())
        .map_or(usize::MAX, Value::to_usize);
    on_array(evaluator, args, "REMOVE_VALUE", |items| {
        let kept = items.iter().filter(|item| {
            let dropped = limit > 0 && equal(item, value);
            limit -= usize::from(dropped);
            !dropped
        });
        Value::array(kept.cloned().collect())
    })
}

fn remove_values(evaluator: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    let Some(unwanted) = arg(args, 1).as_array() else {
        return if arg(args, 1).is_null() {
            Ok(arg(args, 0).clone())
        } else {
            wrong_type(evaluator, "REMOVE_VALUES")
        };
    };
    if arg(args, 0).is_null() {
        return Ok(Value::array(Vec::new()));
    }
    on_array(evaluator, args, "REMOVE_VALUES", |items| {
        Value::array(items.iter().filter(|item| !contains(unwanted, item)).cloned().collect())
    })
}

fn replace_nth(evaluator: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    let (number, value) = (arg(args, 1), arg(args, 2));
    if number.is_null()
        || number.to_i64() < 0 && arg(args, 0).as_array().is_some_and(<[Value]>::is_empty) && args.len() < 4
    {
        return wrong_type(evaluator, "REPLACE_NTH");
    }
    let length = arg(args, 0).as_array().map_or(0, <[Value]>::len);
    let place = place_of(number.to_i64(), length).unwrap_or(0);
    if place > length && args.len() < 4 {
        return wrong_type(evaluator, "REPLACE_NTH");
    }
    check_size(place)?;
    on_array(evaluator, args, "REPLACE_NTH", |items| {
        let mut items = items.to_vec();
        while items.len() <= place {
            items.push(arg(args, 3).clone());
        }
        if let Some(slot) = items.get_mut(place) {
            *slot = value.clone();
        }
        Value::array(items)
    })
}

fn reverse(evaluator: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    match arg(args, 0) {
        Value::Array(array) => Ok(Value::array(array.items.iter().rev().cloned().collect())),
        Value::String(text) => Ok(Value::string(text.chars().rev().collect::<String>())),
        _ => wrong_type(evaluator, "REVERSE"),
    }
}

fn slice(evaluator: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    let (from, count) = (
        arg(args, 1).to_i64(),
        args.get(2).filter(|count| !count.is_null()).map(Value::to_i64),
    );
    on_array(evaluator, args, "SLICE", |items| {
        let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
        let start = if from < 0 {
            from.saturating_add(length).max(0)
        } else {
            from.min(length)
        };
        let end = match count {
            None => length,
            Some(count) if count >= 0 => start.saturating_add(count).min(length),
            Some(count) => length.saturating_add(count),
        };
        let range = usize::try_from(start).unwrap_or(0)..usize::try_from(end.max(start)).unwrap_or(0);
        Value::array(items.get(range).unwrap_or_default().to_vec())
    })
}

fn joined(
    evaluator: &mut Evaluator<'_>,
    args: &[Value],
    name: &str,
    finish: impl FnOnce(&[Value]) -> Value,
) -> Result<Value> {
    match arrays(args) {
        Some(arrays) => Ok(finish(&arrays.concat())),
        None => wrong_type(evaluator, name),
    }
}
