//! Date functions. A date is a number of milliseconds since 1970 or a text in ISO 8601; all are in UTC.
//!
//! Time zones other than UTC are not known here and give a clear error.

mod calendar;
mod format;

use super::{Entry, arg, wrong_type};
use crate::error::{ArangoError, Result};
use crate::eval::Evaluator;
use crate::value::{Object, Value};
pub(crate) use calendar::{Civil, Duration, is_date_string, iso, parse, parse_duration, shift};
use calendar::{Unit, days_in_month, days_of, is_leap};

const DAY: i64 = 86_400_000;

pub(super) const TABLE: &[Entry] = &[
    ("DATE_NOW", 0, 0, |this, _| Ok(Value::Int(this.now))),
    ("DATE_TIMESTAMP", 1, 7, |this, args| {
        from_parts(this, args, "DATE_TIMESTAMP", Value::Int)
    }),
    ("DATE_ISO8601", 1, 7, |this, args| {
        from_parts(this, args, "DATE_ISO8601", |millis| iso(millis).into())
    }),
    ("DATE_DAYOFWEEK", 1, 2, |this, args| {
        part(this, args, "DATE_DAYOFWEEK", |date| Value::Int(date.weekday()))
    }),
    ("DATE_YEAR", 1, 2, |this, args| {
        part(this, args, "DATE_YEAR", |date| Value::Int(date.year))
    }),
    ("DATE_MONTH", 1, 2, |this, args| {
        part(this, args, "DATE_MONTH", |date| Value::Int(date.month))
    }),
    ("DATE_DAY", 1, 2, |this, args| {
        part(this, args, "DATE_DAY", |date| Value::Int(date.day))
    }),
    ("DATE_HOUR", 1, 2, |this, args| {
        part(this, args, "DATE_HOUR", |date| Value::Int(date.hour))
    }),
    ("DATE_MINUTE", 1, 2, |this, args| {
        part(this, args, "DATE_MINUTE", |date| Value::Int(date.minute))
    }),
    ("DATE_SECOND", 1, 1, |this, args| {
        part(this, args, "DATE_SECOND", |date| Value::Int(date.second))
    }),
    ("DATE_MILLISECOND", 1, 1, |this, args| {
        part(this, args, "DATE_MILLISECOND", |date| Value::Int(date.millisecond))
    }),
    ("DATE_DAYOFYEAR", 1, 2, |this, args| {
        part(this, args, "DATE_DAYOFYEAR", |date| Value::Int(date.day_of_year()))
    }),
    ("DATE_ISOWEEK", 1, 2, |this, args| {
        part(this, args, "DATE_ISOWEEK", |date| Value::Int(date.iso_week().1))
    }),
    ("DATE_ISOWEEKYEAR", 1, 2, |this, args| {
        part(this, args, "DATE_ISOWEEKYEAR", |date| {
            let (year, week) = date.iso_week();
            let mut object = Object::new();
            object.set("week", Value::Int(week));
            object.set("year", Value::Int(year));
            Value::object(object)
        })
    }),
    ("DATE_LEAPYEAR", 1, 2, |this, args| {
        part(this, args, "DATE_LEAPYEAR", |date| is_leap(date.year).into())
    }),
    ("DATE_QUARTER", 1, 2, |this, args| {
        part(this, args, "DATE_QUARTER", |date| Value::Int((date.month + 2) / 3))
    }),
    ("DATE_DAYS_IN_MONTH", 1, 2, |this, args| {
        part(this, args, "DATE_DAYS_IN_MONTH", |date| {
            Value::Int(days_in_month(date.year, date.month))
        })
    }),
    ("DATE_TRUNC", 2, 3, |this, args| {
        zone(args, 2)?;
        match (timestamp(arg(args, 0)), unit(arg(args, 1))) {
            (Some(millis), Some(unit)) if unit != Unit::Week => {
                Ok(iso(Civil::of(millis).truncated(unit).millis()).into())
            }
            _ => wrong_date(this, "DATE_TRUNC"),
        }
    }),
    ("DATE_ROUND", 3, 4, |this, args| {
        zone(args, 3)?;
        let length = unit(arg(args, 2))
            .and_then(Unit::millis)
            .and_then(|unit| unit.checked_mul(arg(args, 1).to_i64()));
        match (timestamp(arg(args, 0)), length) {
            (Some(millis), Some(length)) if length > 0 => Ok(iso(millis - millis.rem_euclid(length)).into()),
            _ => wrong_date(this, "DATE_ROUND"),
        }
    }),
    ("DATE_FORMAT", 2, 3, |this, args| {
        zone(args, 2)?;
        match (timestamp(arg(args, 0)), arg(args, 1).as_str()) {
            (Some(millis), Some(format)) => Ok(format::format(millis, format).into()),
            _ => wrong_date(this, "DATE_FORMAT"),
        }
    }),
    ("DATE_ADD", 2, 4, |this, args| shifted(this, args, "DATE_ADD", 1)),
    ("DATE_SUBTRACT", 2, 4, |this, args| {
        shifted(this, args, "DATE_SUBTRACT", -1)
    }),
    ("DATE_DIFF", 3, 6, difference),
    ("DATE_COMPARE", 3, 6, comparison),
    ("DATE_UTCTOLOCAL", 2, 3, |this, args| {
        zone(args, 1)?;
        match timestamp(arg(args, 0)) {
            Some(millis) => Ok(iso(millis).trim_end_matches('Z').into()),
            None => wrong_date(this, "DATE_UTCTOLOCAL"),
        }
    }),
    ("DATE_LOCALTOUTC", 2, 3, |this, args| {
        zone(args, 1)?;
        match timestamp(arg(args, 0)) {
            Some(millis) => Ok(iso(millis).into()),
            None => wrong_date(this, "DATE_LOCALTOUTC"),
        }
    }),
    ("DATE_TIMEZONE", 0, 0, |_, _| Ok("Etc/UTC".into())),
];

/// The milliseconds that a value means as a date, where it means one.
pub(crate) fn timestamp(value: &Value) -> Option<i64> {
    /// The years 0 to 9999.
    const VALID: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;
    let millis = match value {
        Value::Int(millis) => Some(*millis),
        Value::Double(_) => Some(value.to_i64()),
        Value::String(text) => parse(text),
        _ => None,
    };
    millis.filter(|millis| VALID.contains(millis))
}

fn wrong_date(this: &mut Evaluator<'_>, function: &str) -> Result<Value> {
    this.warn(1542, format!("invalid date value in call to function '{function}()'"))?;
    Ok(Value::Null)
}

/// Refuses every time zone but UTC.
fn zone(args: &[Value], place: usize) -> Result<()> {
    match args.get(place) {
        None | Some(Value::Null | Value::Bool(_)) => Ok(()),
        Some(Value::String(name)) if matches!(&**name, "UTC" | "Etc/UTC" | "GMT" | "Etc/GMT" | "Z") => Ok(()),
        Some(other) => Err(ArangoError::not_implemented(format!("time zone {}", other.to_text()))),
    }
}

fn part(this: &mut Evaluator<'_>, args: &[Value], function: &str, take: fn(&Civil) -> Value) -> Result<Value> {
    zone(args, 1)?;
    match timestamp(arg(args, 0)) {
        Some(millis) => Ok(take(&Civil::of(millis))),
        None => wrong_date(this, function),
    }
}

fn from_parts(this: &mut Evaluator<'_>, args: &[Value], function: &str, make: fn(i64) -> Value) -> Result<Value> {
    if let [date] = args {
        return match timestamp(date) {
            Some(millis) => Ok(make(millis)),
            None => wrong_date(this, function),
        };
    }
    let numbers: Option<Vec<i64>> = args
        .iter()
        .map(|value| match value {
            Value::String(_) | Value::Int(_) | Value::Double(_) => Some(value.to_i64()).filter(|number| *number >= 0),
            _ => None,
        })
        .collect();
    let Some([year, month, day, rest @ ..]) = numbers.as_deref() else {
        return wrong_type(this, function);
    };
    if *month == 0 || *day == 0 || *year > 9999 || *month > 100_000 || *day > 10_000_000 {
        return wrong_date(this, function);
    }
    let at = |place: usize| rest.get(place).copied().unwrap_or(0);
    let days = days_of(year + (month - 1) / 12, (month - 1) % 12 + 1, 1) + day - 1;
    let time = at(0)
        .checked_mul(3_600_000)
        .and_then(|time| time.checked_add(at(1).checked_mul(60_000)?))
        .and_then(|time| time.checked_add(at(2).checked_mul(1000)?))
        .and_then(|time| time.checked_add(at(3))?.checked_add(days.checked_mul(DAY)?));
    match time.and_then(|millis| timestamp(&Value::Int(millis))) {
        Some(millis) => Ok(make(millis)),
        None => wrong_date(this, function),
    }
}

fn unit(value: &Value) -> Option<Unit> {
    Unit::named(value.as_str()?)
}

fn shifted(this: &mut Evaluator<'_>, args: &[Value], function: &str, sign: i64) -> Result<Value> {
    let Some(millis) = timestamp(arg(args, 0)) else {
        return wrong_date(this, function);
    };
    let duration = match (arg(args, 1), args.get(2).and_then(unit)) {
        (Value::String(text), None) => {
            zone(args, 2)?;
            parse_duration(text)
        }
        (amount, Some(unit)) if amount.is_number() => {
            zone(args, 3)?;
            Some(Duration::of(unit, amount.to_f64()))
        }
        _ => None,
    };
    let result = duration.and_then(|duration| shift(millis, &duration, sign));
    match result.and_then(|millis| timestamp(&Value::Int(millis))) {
        Some(millis) => Ok(iso(millis).into()),
        None => wrong_date(this, function),
    }
}

#[allow(clippy::cast_precision_loss, reason = "dates have fewer than 53 bits")]
fn difference(this: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    for place in 3..6 {
        zone(args, place)?;
    }
    let (Some(from), Some(to), Some(unit)) = (timestamp(arg(args, 0)), timestamp(arg(args, 1)), unit(arg(args, 2)))
    else {
        return wrong_date(this, "DATE_DIFF");
    };
    // Years and months count with their mean length, as the manual defines them.
    let length = match unit {
        Unit::Year => 365.2425 * DAY as f64,
        Unit::Month => 365.2425 / 12.0 * DAY as f64,
        other => other.millis().unwrap_or(1) as f64,
    };
    let units = (to - from) as f64 / length;
    Ok(if arg(args, 3).is_true() {
        Value::number(units)
    } else {
        Value::Int(Value::Double(units).to_i64())
    })
}

fn comparison(this: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    zone(args, 4)?;
    zone(args, 5)?;
    let first = unit(arg(args, 2));
    let last = if args.len() > 3 { unit(arg(args, 3)) } else { first };
    let (Some(left), Some(right), Some(first), Some(last)) =
        (timestamp(arg(args, 0)), timestamp(arg(args, 1)), first, last)
    else {
        return wrong_date(this, "DATE_COMPARE");
    };
    let parts = |date: Civil| {
        [
            (Unit::Year, date.year),
            (Unit::Month, date.month),
            (Unit::Day, date.day),
            (Unit::Hour, date.hour),
            (Unit::Minute, date.minute),
            (Unit::Second, date.second),
            (Unit::Millisecond, date.millisecond),
        ]
    };
    let pairs = parts(Civil::of(left)).into_iter().zip(parts(Civil::of(right)));
    let mut inside = pairs.filter(|((unit, _), _)| *unit >= first && *unit <= last);
    Ok(Value::Bool(inside.all(|((_, left), (_, right))| left == right)))
}
