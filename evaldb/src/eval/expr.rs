//! Expressions.

use std::cmp::Ordering;

use mallku_db::aql::ast::{BinaryOp, Expansion, Expr, ExprKind, Member, MemberKey, Quantifier, Question, UnaryOp};

use super::Evaluator;
use crate::error::{ArangoError, Result};
use crate::functions;
use crate::value::{ELEMENT, Object, Origin, Text, Value, compare, equal};

/// Longest array that a range may make; ArangoDB's own limit is memory.
const LONGEST_RANGE: u64 = 10_000_000;

impl Evaluator<'_> {
    pub(crate) fn eval(&mut self, expr: &Expr<'_>) -> Result<Value> {
        Ok(match &expr.kind {
            ExprKind::Null => Value::Null,
            ExprKind::Bool(value) => Value::Bool(*value),
            ExprKind::Int(value) => Value::Int(*value),
            ExprKind::Double(value) => Value::number(*value),
            ExprKind::String(text) => Value::string(&**text),
            ExprKind::Variable(variable) => self.row.get(variable.index()).cloned().unwrap_or_default(),
            ExprKind::Bind(bind) => self.bind(&bind.key)?,
            ExprKind::Source(_) | ExprKind::SourceBind(_) => {
                return Err(ArangoError::new(1568, "collection used as expression operand"));
            }
            ExprKind::Array(items) => {
                let mut values = Vec::with_capacity(items.len());
                for item in items {
                    values.push(self.eval(item)?);
                }
                Value::array(values)
            }
            ExprKind::Object(members) => self.object(members)?,
            ExprKind::Attribute { base, name } => {
                let base = self.eval(base)?;
                self.attribute(&base, &name.text)
            }
            ExprKind::AttributeBind { base, bind } => {
                let base = self.eval(base)?;
                let path = self.bind(&bind.key)?;
                self.attribute_path(base, &path)?
            }
            ExprKind::Index { base, index } => {
                let base = self.eval(base)?;
                let index = self.operand(index)?;
                self.index(&base, &index)
            }
            ExprKind::Expansion(expansion) => self.expansion(expansion)?,
            ExprKind::Question(question) => self.question(question)?,
            ExprKind::Unary { op, operand } => self.unary(*op, operand)?,
            ExprKind::Binary { op, left, right } => self.binary(*op, left, right)?,
            ExprKind::Quantified {
                quantifier,
                op,
                left,
                right,
            } => self.quantified(quantifier, *op, left, right)?,
            ExprKind::Ternary {
                condition,
                then,
                otherwise,
            } => {
                let condition = self.eval(condition)?;
                self.glanced(&condition);
                match (condition.is_true(), then) {
                    (true, Some(then)) => self.eval(then)?,
                    (true, None) => condition,
                    (false, _) => self.eval(otherwise)?,
                }
            }
            ExprKind::Range { low, high } => {
                let (low, high) = self.range(low, high)?;
                if low.abs_diff(high) >= LONGEST_RANGE {
                    return Err(ArangoError::new(32, "resource limit exceeded: range is too long"));
                }
                Value::array(if low <= high {
                    (low..=high).map(Value::Int).collect()
                } else {
                    (high..=low).rev().map(Value::Int).collect()
                })
            }
            ExprKind::Call { function, args } => functions::call(self, &function.text, args)?,
            ExprKind::Subquery(block) => Value::array(self.block(block, false)?),
        })
    }

    /// An expression whose value takes effect as a whole.
    pub(crate) fn operand(&mut self, expr: &Expr<'_>) -> Result<Value> {
        let value = self.eval(expr)?;
        self.used(&value);
        Ok(value)
    }

    /// Whether a condition holds.
    pub(crate) fn condition(&mut self, expr: &Expr<'_>) -> Result<bool> {
        let value = self.eval(expr)?;
        self.glanced(&value);
        Ok(value.is_true())
    }

    /// The bounds of a range, in the order in which they were given.
    pub(crate) fn range(&mut self, low: &Expr<'_>, high: &Expr<'_>) -> Result<(i64, i64)> {
        Ok((self.operand(low)?.to_i64(), self.operand(high)?.to_i64()))
    }

    fn object(&mut self, members: &[Member<'_>]) -> Result<Value> {
        let mut object = Object::with_capacity(members.len());
        for member in members {
            let key = match &member.key {
                MemberKey::Name(name) => Text::from(&*name.text),
                MemberKey::Bind(bind) => match self.bind(&bind.key)? {
                    Value::String(key) => key,
                    _ => {
                        return Err(ArangoError::new(
                            1553,
                            format!("bind parameter '{}' is no name", bind.key),
                        ));
                    }
                },
                MemberKey::Computed(key) => self.operand(key)?.to_text(),
            };
            let value = self.eval(&member.value)?;
            object.set(key, value);
        }
        Ok(Value::object(object))
    }

    /// `base.name`.
    pub(crate) fn attribute(&mut self, base: &Value, name: &str) -> Value {
        let Value::Object(object) = base else {
            return Value::Null;
        };
        let value = object.get(name).cloned().unwrap_or_default();
        if let Some(trace) = &mut self.trace
            && value.origin().is_none()
            && let Some(origin) = object.origin_of(name)
        {
            trace.read(&origin, &value);
        }
        value
    }

    /// Records the read of a scalar below a stored array.
    fn touched(&mut self, origin: &Origin, step: &str, value: &Value) {
        if let Some(trace) = &mut self.trace
            && value.origin().is_none()
        {
            let mut path = origin.path.clone();
            path.push(Text::from(step));
            trace.read(
                &Origin {
                    collection: origin.collection.clone(),
                    path,
                },
                value,
            );
        }
    }

    fn attribute_path(&mut self, base: Value, path: &Value) -> Result<Value> {
        let bad = || ArangoError::new(1553, "bind parameter for an attribute is neither a name nor a path");
        match path {
            Value::String(name) => Ok(self.attribute(&base, name)),
            Value::Array(names) if !names.items.is_empty() => {
                let mut value = base;
                for name in &names.items {
                    value = self.attribute(&value, name.as_str().ok_or_else(bad)?);
                }
                Ok(value)
            }
            _ => Err(bad()),
        }
    }

    /// `base[index]`.
    pub(crate) fn index(&mut self, base: &Value, index: &Value) -> Value {
        match (base, index) {
            (Value::Object(_), Value::String(name)) => self.attribute(base, name),
            (Value::Object(_), Value::Int(_) | Value::Double(_)) => self.attribute(base, &index.to_text()),
            (Value::Array(_), Value::Int(_) | Value::Double(_)) => self.element(base, index.to_i64()),
            (Value::Array(_), Value::String(text)) => match text.parse() {
                Ok(place) => self.element(base, place),
                Err(_) => Value::Null,
            },
            _ => Value::Null,
        }
    }

    /// The element at a position; negative ones count from the end.
    pub(crate) fn element(&mut self, base: &Value, place: i64) -> Value {
        let Value::Array(array) = base else { return Value::Null };
        let length = i64::try_from(array.items.len()).unwrap_or(i64::MAX);
        let place = if place < 0 { place.saturating_add(length) } else { place };
        let found = usize::try_from(place).ok().and_then(|place| array.items.get(place));
        let value = found.cloned().unwrap_or_default();
        if let Some(origin) = &array.origin {
            if found.is_some() {
                self.touched(origin, ELEMENT, &value);
            } else {
                self.glanced(base);
            }
        }
        value
    }

    /// The elements of an array, each recorded as read where it is a scalar; `None` for anything else.
    pub(crate) fn elements(&mut self, value: &Value) -> Option<Vec<Value>> {
        let Value::Array(array) = value else { return None };
        if self.trace.is_some()
            && let Some(origin) = &array.origin
        {
            self.glanced(value);
            for item in &array.items {
                self.touched(origin, ELEMENT, item);
            }
        }
        Some(array.items.clone())
    }

    /// The elements of the array that an array operator works on, flattened as its further signs ask.
    fn flattened(&mut self, base: &Expr<'_>, levels: u32) -> Result<Vec<Value>> {
        let base = self.eval(base)?;
        self.glanced(&base);
        let mut items = self.elements(&base).unwrap_or_default();
        for _ in 1..levels {
            let mut next = Vec::with_capacity(items.len());
            for item in items {
                match self.elements(&item) {
                    Some(inner) => next.extend(inner),
                    None => next.push(item),
                }
            }
            items = next;
        }
        Ok(items)
    }

    fn expansion(&mut self, expansion: &Expansion<'_>) -> Result<Value> {
        let items = self.flattened(&expansion.base, expansion.levels)?;
        let (mut skip, mut take) = (0, usize::MAX);
        if let Some(limit) = &expansion.limit {
            skip = limit
                .offset
                .as_ref()
                .map_or(Ok(Value::Int(0)), |offset| self.operand(offset))?
                .to_usize();
            take = self.operand(&limit.count)?.to_usize();
        }
        let outer = self.row.get(expansion.current.index()).cloned().unwrap_or_default();
        let mut result = Vec::with_capacity(items.len());
        for item in items {
            self.step()?;
            self.set(expansion.current, item);
            if let Some(filter) = &expansion.filter
                && !self.condition(filter)?
            {
                continue;
            }
            if skip > 0 {
                skip -= 1;
                continue;
            }
            if take == 0 {
                break;
            }
            take -= 1;
            if let Some(projection) = &expansion.projection {
                let value = self.eval(projection)?;
                self.set(expansion.current, value);
            }
            result.push(self.eval(&expansion.element)?);
        }
        self.set(expansion.current, outer);
        Ok(Value::array(result))
    }

    fn question(&mut self, question: &Question<'_>) -> Result<Value> {
        let items = self.flattened(&question.base, question.levels)?;
        let total = items.len();
        let outer = self.row.get(question.current.index()).cloned().unwrap_or_default();
        let mut matching = 0;
        for item in items {
            self.step()?;
            self.set(question.current, item);
            if question
                .filter
                .as_ref()
                .map_or(Ok(true), |filter| self.condition(filter))?
            {
                matching += 1;
            }
        }
        self.set(question.current, outer);
        self.enough(question.quantifier.as_ref(), matching, total)
            .map(Value::Bool)
    }

    /// Whether so many matches of so many elements satisfy a quantifier; without one, a single match does.
    fn enough(&mut self, quantifier: Option<&Quantifier<'_>>, matching: usize, total: usize) -> Result<bool> {
        Ok(match quantifier {
            None | Some(Quantifier::Any) => matching > 0,
            Some(Quantifier::All) => matching == total,
            Some(Quantifier::None) => matching == 0,
            Some(Quantifier::AtLeast(count)) => matching >= self.operand(count)?.to_usize(),
            Some(Quantifier::Count(count)) => match &count.kind {
                ExprKind::Range { low, high } => {
                    let (low, high) = self.range(low, high)?;
                    i64::try_from(matching).is_ok_and(|matching| (low..=high).contains(&matching))
                }
                _ => matching == self.operand(count)?.to_usize(),
            },
        })
    }

    fn quantified(
        &mut self,
        quantifier: &Quantifier<'_>,
        op: BinaryOp,
        left: &Expr<'_>,
        right: &Expr<'_>,
    ) -> Result<Value> {
        let left = self.operand(left)?;
        let right = self.operand(right)?;
        if is_pattern(op) {
            // 4.0 makes `[? … FILTER …]` of it (`testArrayAnyLike` in `tests/js/client/aql/aql-parse.js`).
            let items = left.as_array().unwrap_or_default();
            let mut matching = 0;
            for item in items {
                matching += usize::from(self.pattern(op, item.clone(), right.clone())?.is_true());
            }
            return self.enough(Some(quantifier), matching, items.len()).map(Value::Bool);
        }
        // As ArangoDB's executor has it, a left side that is no array satisfies nothing (`Aql/Expression.cpp`).
        let Some(items) = left.as_array() else {
            return Ok(Value::Bool(false));
        };
        if matches!(op, BinaryOp::In | BinaryOp::NotIn) && right.as_array().is_none() {
            return Ok(Value::Bool(false));
        }
        let matching = items.iter().filter(|item| related(op, item, &right)).count();
        let total = items.len();
        self.enough(Some(quantifier), matching, total).map(Value::Bool)
    }

    fn unary(&mut self, op: UnaryOp, operand: &Expr<'_>) -> Result<Value> {
        match op {
            UnaryOp::Not => Ok(Value::Bool(!self.condition(operand)?)),
            UnaryOp::Plus => Ok(self.operand(operand)?.to_number()),
            UnaryOp::Minus => Ok(match self.operand(operand)?.to_number() {
                Value::Int(number) => number
                    .checked_neg()
                    .map_or_else(|| Value::number(9_223_372_036_854_775_808.0), Value::Int),
                other => Value::number(-other.to_f64()),
            }),
        }
    }

    fn binary(&mut self, op: BinaryOp, left: &Expr<'_>, right: &Expr<'_>) -> Result<Value> {
        match op {
            BinaryOp::And | BinaryOp::Or => {
                let left = self.eval(left)?;
                self.glanced(&left);
                if left.is_true() == (op == BinaryOp::Or) {
                    Ok(left)
                } else {
                    self.eval(right)
                }
            }
            BinaryOp::In | BinaryOp::NotIn => {
                let left = self.operand(left)?;
                let found = match &right.kind {
                    ExprKind::Range { low, high } => {
                        let (low, high) = self.range(low, high)?;
                        let whole = matches!(left, Value::Int(_)) || left.is_number() && left.to_f64().fract() == 0.0;
                        whole && (low.min(high)..=low.max(high)).contains(&left.to_i64())
                    }
                    _ => {
                        let right = self.operand(right)?;
                        match right.as_array() {
                            Some(items) => items.iter().any(|item| equal(item, &left)),
                            // Neither operator holds on what is no array (`Aql/Expression.cpp`).
                            None => return Ok(Value::Bool(false)),
                        }
                    }
                };
                Ok(Value::Bool(found == (op == BinaryOp::In)))
            }
            BinaryOp::Like | BinaryOp::NotLike | BinaryOp::Matches | BinaryOp::NotMatches => {
                let (left, right) = (self.operand(left)?, self.operand(right)?);
                self.pattern(op, left, right)
            }
            BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => {
                let left = self.eval(left)?;
                let right = self.eval(right)?;
                if self.trace.is_some() {
                    // Values of different types are told apart by their types alone.
                    let same_type = left.type_name() == right.type_name();
                    for value in [&left, &right] {
                        if same_type {
                            self.used(value);
                        } else {
                            self.glanced(value);
                        }
                    }
                }
                Ok(Value::Bool(related(op, &left, &right)))
            }
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod => {
                let left = self.operand(left)?.to_number();
                let right = self.operand(right)?.to_number();
                self.arithmetic(op, &left, &right)
            }
        }
    }

    /// `LIKE` and `=~`, and their opposites.
    fn pattern(&mut self, op: BinaryOp, text: Value, pattern: Value) -> Result<Value> {
        let name = if matches!(op, BinaryOp::Like | BinaryOp::NotLike) {
            "LIKE"
        } else {
            "REGEX_TEST"
        };
        let value = functions::apply(self, name, &[text, pattern])?;
        Ok(match op {
            BinaryOp::Like | BinaryOp::Matches => value,
            _ => Value::Bool(!value.is_true()),
        })
    }

    fn arithmetic(&mut self, op: BinaryOp, left: &Value, right: &Value) -> Result<Value> {
        if matches!(op, BinaryOp::Div | BinaryOp::Mod) && right.to_f64() == 0.0 {
            self.warn(1562, "division by zero")?;
            return Ok(Value::Null);
        }
        if let (Value::Int(left), Value::Int(right)) = (left, right) {
            let exact = match op {
                BinaryOp::Add => left.checked_add(*right),
                BinaryOp::Sub => left.checked_sub(*right),
                BinaryOp::Mul => left.checked_mul(*right),
                BinaryOp::Mod => Some(left.wrapping_rem(*right)),
                _ => None,
            };
            if let Some(exact) = exact {
                return Ok(Value::Int(exact));
            }
        }
        let (left, right) = (left.to_f64(), right.to_f64());
        let result = Value::number(match op {
            BinaryOp::Add => left + right,
            BinaryOp::Sub => left - right,
            BinaryOp::Mul => left * right,
            BinaryOp::Div => left / right,
            _ => left % right,
        });
        if result.is_null() {
            self.warn(1561, "invalid arithmetic value")?;
        }
        Ok(result)
    }
}

fn is_pattern(op: BinaryOp) -> bool {
    matches!(
        op,
        BinaryOp::Like | BinaryOp::NotLike | BinaryOp::Matches | BinaryOp::NotMatches
    )
}

/// Whether a comparison holds.
pub(super) fn related(op: BinaryOp, left: &Value, right: &Value) -> bool {
    let contains = || {
        right
            .as_array()
            .is_some_and(|items| items.iter().any(|item| equal(item, left)))
    };
    match op {
        BinaryOp::Eq => equal(left, right),
        BinaryOp::Ne => !equal(left, right),
        BinaryOp::Lt => compare(left, right) == Ordering::Less,
        BinaryOp::Le => compare(left, right) != Ordering::Greater,
        BinaryOp::Gt => compare(left, right) == Ordering::Greater,
        BinaryOp::Ge => compare(left, right) != Ordering::Less,
        BinaryOp::In => contains(),
        BinaryOp::NotIn => !contains(),
        _ => false,
    }
}
