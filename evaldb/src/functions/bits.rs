//! Functions on numbers as 32-bit patterns.

use super::{Entry, arg, wrong_type};
use crate::error::Result;
use crate::eval::Evaluator;
use crate::value::Value;

pub(super) const TABLE: &[Entry] = &[
    ("BIT_AND", 1, 2, |this, args| {
        folded(this, args, "BIT_AND", |left, right| left & right)
    }),
    ("BIT_OR", 1, 2, |this, args| {
        folded(this, args, "BIT_OR", |left, right| left | right)
    }),
    ("BIT_XOR", 1, 2, |this, args| {
        folded(this, args, "BIT_XOR", |left, right| left ^ right)
    }),
    ("BIT_NEGATE", 2, 2, |this, args| {
        sized(this, args, "BIT_NEGATE", |number, _, mask| Some(!number & mask))
    }),
    ("BIT_SHIFT_LEFT", 3, 3, |this, args| {
        shifted(this, args, "BIT_SHIFT_LEFT", |number, by| number << by)
    }),
    ("BIT_SHIFT_RIGHT", 3, 3, |this, args| {
        shifted(this, args, "BIT_SHIFT_RIGHT", |number, by| number >> by)
    }),
    ("BIT_POPCOUNT", 1, 1, |this, args| match pattern(arg(args, 0)) {
        Some(number) => Ok(Value::Int(i64::from(number.count_ones()))),
        None => wrong_type(this, "BIT_POPCOUNT"),
    }),
    ("BIT_TEST", 2, 2, |this, args| {
        match (pattern(arg(args, 0)), whole(arg(args, 1))) {
            (Some(number), Some(place @ 0..=31)) => Ok(Value::Bool(number >> place & 1 == 1)),
            _ => wrong_type(this, "BIT_TEST"),
        }
    }),
    ("BIT_CONSTRUCT", 1, 1, construct),
    ("BIT_DECONSTRUCT", 1, 1, |this, args| match pattern(arg(args, 0)) {
        Some(number) => Ok(Value::array(
            (0..32)
                .filter(|place| number >> place & 1 == 1)
                .map(Value::Int)
                .collect(),
        )),
        None => wrong_type(this, "BIT_DECONSTRUCT"),
    }),
    ("BIT_TO_STRING", 2, 2, |this, args| {
        match (pattern(arg(args, 0)), whole(arg(args, 1))) {
            (Some(number), Some(width @ 0..=32)) => {
                let digits = (0..width)
                    .rev()
                    .map(|place| if number >> place & 1 == 1 { '1' } else { '0' });
                Ok(Value::string(digits.collect::<String>()))
            }
            _ => wrong_type(this, "BIT_TO_STRING"),
        }
    }),
    ("BIT_FROM_STRING", 1, 1, |this, args| {
        let digits = arg(args, 0).as_str().filter(|text| text.len() <= 32);
        match digits.and_then(|text| u32::from_str_radix(text, 2).ok()) {
            Some(number) => Ok(Value::Int(i64::from(number))),
            None => wrong_type(this, "BIT_FROM_STRING"),
        }
    }),
];

/// A number from 0 to 2^32 - 1.
fn pattern(value: &Value) -> Option<u64> {
    match value {
        Value::Int(number) => u32::try_from(*number).ok().map(u64::from),
        Value::Double(number) if number.fract() == 0.0 => u32::try_from(value.to_i64()).ok().map(u64::from),
        _ => None,
    }
}

/// A whole number, however it is stored.
fn whole(value: &Value) -> Option<i64> {
    (value.is_number() && value.to_f64().fract() == 0.0).then(|| value.to_i64())
}

fn int(number: u64) -> Value {
    i64::try_from(number).map_or(Value::Null, Value::Int)
}

/// An operation on two numbers, or on all of an array with `null` left out.
fn folded(evaluator: &mut Evaluator<'_>, args: &[Value], name: &str, fold: fn(u64, u64) -> u64) -> Result<Value> {
    let numbers: Option<Vec<u64>> = match args {
        [Value::Array(array)] => array.items.iter().filter(|item| !item.is_null()).map(pattern).collect(),
        [left, right] => [left, right].into_iter().map(pattern).collect(),
        _ => None,
    };
    match numbers {
        Some(numbers) => Ok(numbers.into_iter().reduce(fold).map_or(Value::Null, int)),
        None => wrong_type(evaluator, name),
    }
}

/// An operation within a width of bits, the last argument.
fn sized(
    evaluator: &mut Evaluator<'_>,
    args: &[Value],
    name: &str,
    operation: fn(u64, &[Value], u64) -> Option<u64>,
) -> Result<Value> {
    let width = args.last().and_then(whole).filter(|width| (0..=32).contains(width));
    let result = width.zip(pattern(arg(args, 0))).and_then(|(width, number)| {
        let mask = (1_u64 << width) - 1;
        operation(number, args, mask).map(|result| result & mask)
    });
    match result {
        Some(result) => Ok(int(result)),
        None => wrong_type(evaluator, name),
    }
}

fn shifted(evaluator: &mut Evaluator<'_>, args: &[Value], name: &str, shift: fn(u64, u32) -> u64) -> Result<Value> {
    let Some(by) = u32::try_from(arg(args, 1).to_i64())
        .ok()
        .filter(|by| *by <= 32 && arg(args, 1).is_number())
    else {
        return wrong_type(evaluator, name);
    };
    match (pattern(arg(args, 0)), whole(arg(args, 2))) {
        (Some(number), Some(width @ 0..=32)) => Ok(int(shift(number, by) & ((1_u64 << width) - 1))),
        _ => wrong_type(evaluator, name),
    }
}

fn construct(evaluator: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    let places = arg(args, 0).as_array().and_then(|items| {
        items
            .iter()
            .map(|item| {
                u32::try_from(item.to_i64())
                    .ok()
                    .filter(|place| *place < 32 && item.is_number())
            })
            .collect::<Option<Vec<_>>>()
    });
    match places {
        Some(places) => Ok(int(places.into_iter().fold(0, |number, place| number | 1 << place))),
        None => wrong_type(evaluator, "BIT_CONSTRUCT"),
    }
}
