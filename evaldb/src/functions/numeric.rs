//! Numeric functions and statistics.

use super::{Entry, arg, check_size, wrong_type};
use crate::error::Result;
use crate::eval::Evaluator;
use crate::value::{Value, compare};

pub(super) const TABLE: &[Entry] = &[
    ("ABS", 1, 1, |_, args| {
        Ok(match arg(args, 0).to_number() {
            Value::Int(number) => number
                .checked_abs()
                .map_or_else(|| Value::number(-arg(args, 0).to_f64()), Value::Int),
            other => Value::number(other.to_f64().abs()),
        })
    }),
    ("ACOS", 1, 1, |_, args| real(args, f64::acos)),
    ("ASIN", 1, 1, |_, args| real(args, f64::asin)),
    ("ATAN", 1, 1, |_, args| real(args, f64::atan)),
    ("ATAN2", 2, 2, |_, args| {
        Ok(Value::number(arg(args, 0).to_f64().atan2(arg(args, 1).to_f64())))
    }),
    ("CEIL", 1, 1, |_, args| rounded(args, f64::ceil)),
    ("COS", 1, 1, |_, args| real(args, f64::cos)),
    ("DEGREES", 1, 1, |_, args| real(args, f64::to_degrees)),
    ("EXP", 1, 1, |_, args| real(args, f64::exp)),
    ("EXP2", 1, 1, |_, args| real(args, f64::exp2)),
    ("FLOOR", 1, 1, |_, args| rounded(args, f64::floor)),
    ("LOG", 1, 1, |_, args| real(args, f64::ln)),
    ("LOG2", 1, 1, |_, args| real(args, f64::log2)),
    ("LOG10", 1, 1, |_, args| real(args, f64::log10)),
    ("PI", 0, 0, |_, _| Ok(Value::Double(std::f64::consts::PI))),
    ("POW", 2, 2, |_, args| {
        Ok(Value::number(arg(args, 0).to_f64().powf(arg(args, 1).to_f64())))
    }),
    ("RADIANS", 1, 1, |_, args| real(args, f64::to_radians)),
    ("RAND", 0, 0, rand),
    ("RANDOM", 0, 0, rand),
    ("RANGE", 2, 3, range),
    // ArangoDB rounds halves up: `floor(x + 0.5)`.
    ("ROUND", 1, 1, |_, args| rounded(args, |number| (number + 0.5).floor())),
    ("SIN", 1, 1, |_, args| real(args, f64::sin)),
    ("SQRT", 1, 1, |_, args| real(args, f64::sqrt)),
    ("TAN", 1, 1, |_, args| real(args, f64::tan)),
    ("SUM", 1, 1, |this, args| {
        total(this, args, "SUM", Value::Int(0), f64::from(0_u8), |sum, number| {
            sum + number
        })
    }),
    ("PRODUCT", 1, 1, |this, args| {
        total(this, args, "PRODUCT", Value::Int(1), 1.0, |product, number| {
            product * number
        })
    }),
    ("AVERAGE", 1, 1, average),
    ("AVG", 1, 1, average),
    ("MIN", 1, 1, |this, args| {
        extreme(this, args, "MIN", std::cmp::Ordering::Less)
    }),
    ("MAX", 1, 1, |this, args| {
        extreme(this, args, "MAX", std::cmp::Ordering::Greater)
    }),
    ("MEDIAN", 1, 1, median),
    ("PERCENTILE", 2, 3, percentile),
    ("VARIANCE", 1, 1, |this, args| variance(this, args, 0.0, false)),
    ("VARIANCE_POPULATION", 1, 1, |this, args| {
        variance(this, args, 0.0, false)
    }),
    ("VARIANCE_SAMPLE", 1, 1, |this, args| variance(this, args, 1.0, false)),
    ("STDDEV", 1, 1, |this, args| variance(this, args, 0.0, true)),
    ("STDDEV_POPULATION", 1, 1, |this, args| variance(this, args, 0.0, true)),
    ("STDDEV_SAMPLE", 1, 1, |this, args| variance(this, args, 1.0, true)),
    ("COSINE_SIMILARITY", 2, 2, |this, args| {
        vectors(this, args, "COSINE_SIMILARITY", cosine)
    }),
    ("L1_DISTANCE", 2, 2, |this, args| {
        vectors(this, args, "L1_DISTANCE", |left, right| {
            left.iter().zip(right).map(|(x, y)| (x - y).abs()).sum()
        })
    }),
    ("L2_DISTANCE", 2, 2, |this, args| {
        vectors(this, args, "L2_DISTANCE", |left, right| {
            left.iter().zip(right).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt()
        })
    }),
    ("DECAY_GAUSS", 5, 5, |this, args| {
        decay(this, args, "DECAY_GAUSS", |distance, scale, decay| {
            (distance.powi(2) * decay.ln() / scale.powi(2)).exp()
        })
    }),
    ("DECAY_EXP", 5, 5, |this, args| {
        decay(this, args, "DECAY_EXP", |distance, scale, decay| {
            (distance * decay.ln() / scale).exp()
        })
    }),
    ("DECAY_LINEAR", 5, 5, |this, args| {
        decay(this, args, "DECAY_LINEAR", |distance, scale, decay| {
            let reach = scale / (1.0 - decay);
            ((reach - distance) / reach).max(0.0)
        })
    }),
];

fn real(args: &[Value], function: fn(f64) -> f64) -> Result<Value> {
    Ok(Value::number(function(arg(args, 0).to_f64())))
}

fn rounded(args: &[Value], function: fn(f64) -> f64) -> Result<Value> {
    Ok(match arg(args, 0).to_number() {
        whole @ Value::Int(_) => whole,
        other => Value::number(function(other.to_f64())),
    })
}

#[allow(
    clippy::cast_precision_loss,
    reason = "53 bits are drawn, which a double holds exactly"
)]
fn rand(evaluator: &mut Evaluator<'_>, _: &[Value]) -> Result<Value> {
    Ok(Value::number((evaluator.random() >> 11) as f64 / (1_u64 << 53) as f64))
}

fn range(evaluator: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    let (from, to) = (arg(args, 0), arg(args, 1));
    let Some(step) = args.get(2) else {
        let (from, to) = (from.to_i64(), to.to_i64());
        check_size(usize::try_from(from.abs_diff(to)).unwrap_or(usize::MAX))?;
        return Ok(Value::array(if from <= to {
            (from..=to).map(Value::Int).collect()
        } else {
            (to..=from).rev().map(Value::Int).collect()
        }));
    };
    let (from, to, step) = (from.to_f64(), to.to_f64(), step.to_f64());
    if step == 0.0 || (from < to && step < 0.0) || (from > to && step > 0.0) {
        return wrong_type(evaluator, "RANGE");
    }
    check_size(Value::Double(((to - from) / step).abs()).to_usize())?;
    let mut numbers = Vec::new();
    let mut number = from;
    while if step > 0.0 { number <= to } else { number >= to } {
        numbers.push(Value::number(number));
        number += step;
    }
    Ok(Value::array(numbers))
}

/// The numbers of an array, `null` left out; `None` when the argument is no array or holds anything else.
fn numbers(args: &[Value]) -> Option<Vec<f64>> {
    let items = arg(args, 0).as_array()?;
    items
        .iter()
        .filter(|item| !item.is_null())
        .map(|item| item.is_number().then(|| item.to_f64()))
        .collect()
}

fn total(
    evaluator: &mut Evaluator<'_>,
    args: &[Value],
    name: &str,
    empty: Value,
    start: f64,
    fold: fn(f64, f64) -> f64,
) -> Result<Value> {
    match numbers(args) {
        Some(numbers) if numbers.is_empty() => Ok(empty),
        Some(numbers) => Ok(Value::number(numbers.into_iter().fold(start, fold))),
        None => wrong_type(evaluator, name),
    }
}

#[allow(clippy::cast_precision_loss, reason = "no array has 2^53 elements")]
fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

fn average(evaluator: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    match numbers(args) {
        Some(numbers) => Ok(Value::number(mean(&numbers))),
        None => wrong_type(evaluator, "AVERAGE"),
    }
}

fn extreme(evaluator: &mut Evaluator<'_>, args: &[Value], name: &str, wanted: std::cmp::Ordering) -> Result<Value> {
    let Some(items) = arg(args, 0).as_array() else {
        return wrong_type(evaluator, name);
    };
    let present = items.iter().filter(|item| !item.is_null());
    Ok(present
        .reduce(|best, item| if compare(item, best) == wanted { item } else { best })
        .cloned()
        .unwrap_or_default())
}

fn sorted_numbers(args: &[Value]) -> Option<Vec<f64>> {
    let mut numbers = numbers(args)?;
    numbers.sort_by(f64::total_cmp);
    Some(numbers)
}

fn median(evaluator: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    let Some(numbers) = sorted_numbers(args) else {
        return wrong_type(evaluator, "MEDIAN");
    };
    let middle = numbers.len() / 2;
    let at = |place: usize| numbers.get(place).copied().unwrap_or(f64::NAN);
    Ok(Value::number(if numbers.len() % 2 == 1 {
        at(middle)
    } else {
        f64::midpoint(at(middle.wrapping_sub(1)), at(middle))
    }))
}

#[allow(clippy::cast_precision_loss, reason = "no array has 2^53 elements")]
fn percentile(evaluator: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    let Some(numbers) = sorted_numbers(args) else {
        return wrong_type(evaluator, "PERCENTILE");
    };
    let share = arg(args, 1).to_f64() / 100.0;
    if !(share > 0.0 && share <= 1.0) {
        return wrong_type(evaluator, "PERCENTILE");
    }
    let at = |place: f64| {
        numbers
            .get(Value::Double(place).to_usize().wrapping_sub(1))
            .copied()
            .unwrap_or(f64::NAN)
    };
    let length = numbers.len() as f64;
    if numbers.len() == 1 {
        return Ok(Value::number(at(1.0)));
    }
    Ok(Value::number(if arg(args, 2).as_str() == Some("interpolation") {
        let place = share * (length + 1.0);
        let whole = place.floor();
        if whole >= length {
            at(length)
        } else if whole <= 0.0 {
            f64::NAN
        } else {
            at(whole) + (place - whole) * (at(whole + 1.0) - at(whole))
        }
    } else {
        let place = share * length;
        if place >= length {
            at(length)
        } else if place <= 0.0 {
            f64::NAN
        } else {
            at(place.ceil())
        }
    }))
}

#[allow(clippy::cast_precision_loss, reason = "no array has 2^53 elements")]
fn variance(evaluator: &mut Evaluator<'_>, args: &[Value], less: f64, root: bool) -> Result<Value> {
    let Some(numbers) = numbers(args) else {
        return wrong_type(evaluator, "VARIANCE");
    };
    let mean = mean(&numbers);
    let variance = numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / (numbers.len() as f64 - less);
    Ok(Value::number(if root { variance.sqrt() } else { variance }))
}

fn vector(value: &Value) -> Option<Vec<f64>> {
    value
        .as_array()?
        .iter()
        .map(|item| item.is_number().then(|| item.to_f64()))
        .collect()
}

/// A measure between two vectors, or between one and each row of a matrix.
fn vectors(
    evaluator: &mut Evaluator<'_>,
    args: &[Value],
    name: &str,
    measure: fn(&[f64], &[f64]) -> f64,
) -> Result<Value> {
    let pair = |left: &Value, right: &Value| {
        let (left, right) = (vector(left)?, vector(right)?);
        (left.len() == right.len() && !left.is_empty()).then(|| Value::number(measure(&left, &right)))
    };
    let is_matrix = |value: &Value| {
        value
            .as_array()
            .is_some_and(|rows| rows.iter().any(|row| row.as_array().is_some()))
    };
    let (left, right) = (arg(args, 0), arg(args, 1));
    let result = match (is_matrix(left), is_matrix(right)) {
        (true, false) => left
            .as_array()
            .unwrap_or_default()
            .iter()
            .map(|row| pair(row, right))
            .collect::<Option<Vec<_>>>()
            .map(Value::array),
        (false, true) => right
            .as_array()
            .unwrap_or_default()
            .iter()
            .map(|row| pair(left, row))
            .collect::<Option<Vec<_>>>()
            .map(Value::array),
        _ => pair(left, right),
    };
    match result {
        Some(result) => Ok(result),
        None => wrong_type(evaluator, name),
    }
}

fn cosine(left: &[f64], right: &[f64]) -> f64 {
    let dot: f64 = left.iter().zip(right).map(|(x, y)| x * y).sum();
    let length = |vector: &[f64]| vector.iter().map(|x| x * x).sum::<f64>().sqrt();
    dot / (length(left) * length(right))
}

fn decay(evaluator: &mut Evaluator<'_>, args: &[Value], name: &str, score: fn(f64, f64, f64) -> f64) -> Result<Value> {
    let parameters: Option<Vec<f64>> = args
        .iter()
        .skip(1)
        .map(|value| value.is_number().then(|| value.to_f64()))
        .collect();
    let Some([origin, scale, offset, decay]) = parameters.as_deref() else {
        return wrong_type(evaluator, name);
    };
    if *scale <= 0.0 || *offset < 0.0 || *decay <= 0.0 || *decay >= 1.0 {
        return wrong_type(evaluator, name);
    }
    let one = |value: &Value| {
        let distance = ((value.to_f64() - origin).abs() - offset).max(0.0);
        Value::number(score(distance, *scale, *decay))
    };
    match arg(args, 0) {
        Value::Array(values) => Ok(Value::array(values.items.iter().map(one).collect())),
        value if value.is_number() => Ok(one(value)),
        _ => wrong_type(evaluator, name),
    }
}
