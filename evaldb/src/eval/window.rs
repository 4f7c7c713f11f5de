//! `WINDOW`: aggregates over the rows, or the range of values, around each row.

use mallku_db::aql::ast::Window;

use super::{Evaluator, Row};
use crate::error::{ArangoError, Result};
use crate::functions::date;
use crate::value::{Value, compare};

/// One bound of a window.
enum Bound {
    Unbounded,
    Number(f64),
    Duration(date::Duration),
}

impl Evaluator<'_> {
    pub(super) fn window(&mut self, window: &Window<'_>, rows: Vec<Row>) -> Result<Vec<Row>> {
        let bounds = self.operand(&window.bounds)?;
        let preceding = bound(&bounds.attribute("preceding"))?;
        let following = bound(&bounds.attribute("following"))?;
        match &window.range {
            None => {
                let mut arguments = Vec::with_capacity(rows.len());
                for row in &rows {
                    self.row.clone_from(row);
                    arguments.push(self.aggregate_arguments(&window.aggregates)?);
                }
                let (before, after) = (row_count(&preceding)?, row_count(&following)?);
                let mut result = Vec::with_capacity(rows.len());
                for (place, row) in rows.into_iter().enumerate() {
                    let first = place.saturating_sub(before);
                    let last = place.saturating_add(after).min(arguments.len().saturating_sub(1));
                    let inside = arguments.get(first..=last).unwrap_or_default();
                    result.push(self.windowed(window, row, inside.iter())?);
                }
                Ok(result)
            }
            Some(range) => {
                let mut ranged = Vec::with_capacity(rows.len());
                for row in rows {
                    self.row = row;
                    let value = self.operand(range)?;
                    let arguments = self.aggregate_arguments(&window.aggregates)?;
                    ranged.push((value, arguments, std::mem::take(&mut self.row)));
                }
                ranged.sort_by(|left, right| compare(&left.0, &right.0));
                let mut result = Vec::with_capacity(ranged.len());
                for (value, _, row) in &ranged {
                    self.step()?;
                    let (Some(low), Some(high)) = (shifted(value, &preceding, -1), shifted(value, &following, 1))
                    else {
                        self.warn(1564, "window range value is neither a number nor a date")?;
                        result.push(self.windowed(window, row.clone(), std::iter::empty())?);
                        continue;
                    };
                    let inside = ranged.iter().filter_map(|(other, arguments, _)| {
                        let place = position(
                            other,
                            matches!(preceding, Bound::Duration(_)) || matches!(following, Bound::Duration(_)),
                        )?;
                        (low <= place && place <= high).then_some(arguments)
                    });
                    result.push(self.windowed(window, row.clone(), inside)?);
                }
                Ok(result)
            }
        }
    }

    fn windowed<'v>(
        &mut self,
        window: &Window<'_>,
        row: Row,
        inside: impl Iterator<Item = &'v Vec<Value>>,
    ) -> Result<Row> {
        let mut columns = vec![Vec::new(); window.aggregates.len()];
        for arguments in inside {
            columns
                .iter_mut()
                .zip(arguments)
                .for_each(|(column, value)| column.push(value.clone()));
        }
        self.row = row;
        self.set_aggregates(&window.aggregates, columns)?;
        Ok(std::mem::take(&mut self.row))
    }
}

fn bound(value: &Value) -> Result<Bound> {
    match value {
        Value::Null => Ok(Bound::Number(0.0)),
        Value::Int(_) | Value::Double(_) if value.to_f64() >= 0.0 => Ok(Bound::Number(value.to_f64())),
        Value::String(text) if matches!(&**text, "unbounded" | "inf") => Ok(Bound::Unbounded),
        Value::String(text) => date::parse_duration(text).map(Bound::Duration).ok_or_else(bad_bound),
        _ => Err(bad_bound()),
    }
}

fn bad_bound() -> ArangoError {
    ArangoError::bad_parameter("WINDOW bounds must be numbers, ISO 8601 durations or \"unbounded\"")
}

fn row_count(bound: &Bound) -> Result<usize> {
    match bound {
        Bound::Unbounded => Ok(usize::MAX),
        Bound::Number(number) => Ok(Value::Double(*number).to_usize()),
        Bound::Duration(_) => Err(bad_bound()),
    }
}

/// Where a row lies on the axis of the window: its number, or its date in milliseconds.
fn position(value: &Value, dates: bool) -> Option<f64> {
    if dates {
        date::timestamp(value).map(|millis| Value::Int(millis).to_f64())
    } else {
        value.is_number().then(|| value.to_f64())
    }
}

/// The end of a row's window on one side.
fn shifted(value: &Value, bound: &Bound, sign: i64) -> Option<f64> {
    let direction = if sign < 0 { -1.0 } else { 1.0 };
    match bound {
        Bound::Unbounded => (!value.is_null()).then_some(direction * f64::INFINITY),
        Bound::Number(distance) => position(value, false).map(|place| place + direction * distance),
        Bound::Duration(duration) => {
            let millis = date::shift(date::timestamp(value)?, duration, sign)?;
            Some(Value::Int(millis).to_f64())
        }
    }
}
