//! `COLLECT` in all its forms, and the aggregates that it shares with `WINDOW`.

use std::collections::HashMap;

use mallku_db::aql::ast::{Aggregate, Collect, CollectInto};

use super::{Evaluator, Row};
use crate::error::Result;
use crate::functions;
use crate::value::{ByValue, Object, Value, compare};

/// The rows of one group, as far as they are kept.
struct Group {
    keys: Value,
    count: usize,
    aggregated: Vec<Vec<Value>>,
    kept: Vec<Value>,
}

impl Evaluator<'_> {
    pub(super) fn collect(&mut self, collect: &Collect<'_>, rows: Vec<Row>, base: &Row) -> Result<Vec<Row>> {
        let mut groups: Vec<Group> = Vec::new();
        let mut places: HashMap<ByValue, usize> = HashMap::new();
        let fresh = |keys: Value| Group {
            keys,
            count: 0,
            aggregated: vec![Vec::new(); collect.aggregates.len()],
            kept: Vec::new(),
        };
        if collect.groups.is_empty() {
            // Without groups there is one row, even of nothing.
            groups.push(fresh(Value::array(Vec::new())));
            places.insert(ByValue(Value::array(Vec::new())), 0);
        }
        for row in rows {
            self.step()?;
            self.row = row;
            let mut keys = Vec::with_capacity(collect.groups.len());
            for group in &collect.groups {
                keys.push(self.operand(&group.expr)?);
            }
            let keys = Value::array(keys);
            let place = *places.entry(ByValue(keys.clone())).or_insert(groups.len());
            if place == groups.len() {
                groups.push(fresh(keys));
            }
            let aggregated = self.aggregate_arguments(&collect.aggregates)?;
            let kept = self.kept(collect.into.as_ref())?;
            if let Some(group) = groups.get_mut(place) {
                group.count += 1;
                group.kept.extend(kept);
                group
                    .aggregated
                    .iter_mut()
                    .zip(aggregated)
                    .for_each(|(values, value)| values.push(value));
            }
        }
        // ArangoDB sorts the groups by their keys, whichever method it chooses.
        groups.sort_by(|left, right| compare(&left.keys, &right.keys));
        let mut result = Vec::with_capacity(groups.len());
        for group in groups {
            self.row.clone_from(base);
            for (variable, key) in collect.groups.iter().zip(group.keys.as_array().unwrap_or_default()) {
                self.set(variable.variable, key.clone());
            }
            self.set_aggregates(&collect.aggregates, group.aggregated)?;
            match &collect.into {
                Some(CollectInto::Rows { variable, .. } | CollectInto::Projection { variable, .. }) => {
                    self.set(*variable, Value::array(group.kept));
                }
                Some(CollectInto::Count { variable }) => self.set(*variable, Value::count(group.count)),
                None => {}
            }
            result.push(std::mem::take(&mut self.row));
        }
        Ok(result)
    }

    /// What `INTO` keeps of the current row.
    fn kept(&mut self, into: Option<&CollectInto<'_>>) -> Result<Option<Value>> {
        Ok(match into {
            Some(CollectInto::Rows { captured, .. }) => {
                let mut object = Object::with_capacity(captured.len());
                for variable in captured {
                    let value = self.row.get(variable.index()).cloned().unwrap_or_default();
                    object.set(self.variable_name(*variable), value);
                }
                Some(Value::object(object))
            }
            Some(CollectInto::Projection { expr, .. }) => Some(self.eval(expr)?),
            _ => None,
        })
    }

    /// The argument of each aggregate on the current row.
    pub(super) fn aggregate_arguments(&mut self, aggregates: &[Aggregate<'_>]) -> Result<Vec<Value>> {
        let mut values = Vec::with_capacity(aggregates.len());
        for aggregate in aggregates {
            values.push(match aggregate.args.first() {
                // These count their arguments, and pass them on.
                Some(arg) if matches!(&*aggregate.function.text, "LENGTH" | "COUNT" | "PUSH") => self.eval(arg)?,
                Some(arg) => self.operand(arg)?,
                None => Value::Null,
            });
        }
        Ok(values)
    }

    /// Gives each aggregate's variable its value over the collected arguments.
    pub(super) fn set_aggregates(&mut self, aggregates: &[Aggregate<'_>], arguments: Vec<Vec<Value>>) -> Result<()> {
        for (aggregate, values) in aggregates.iter().zip(arguments) {
            let value = match &*aggregate.function.text {
                "LENGTH" | "COUNT" => Value::count(values.len()),
                "PUSH" => Value::array(values),
                function => functions::apply(self, function, &[Value::array(values)])?,
            };
            self.set(aggregate.variable, value);
        }
        Ok(())
    }
}
