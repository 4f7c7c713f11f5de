//! The value of each kind of expression.
//!
//! INVARIANT: whatever can influence a result, an order, a filter, an error or a written document is read; of a value
//! that is only handed on (a `LET`, an element of an array literal), nothing is read yet. All branches count: ArangoDB
//! evaluates subqueries of branches that are not taken, up to 3.12.0.

use std::borrow::Cow;

use super::analysis::Analysis;
use super::value::{Constant, Member, Types, Value, each_element};
use super::verdict::{Denial, Rule};
use crate::aql::ast::{
    BinaryOp, Bind, Expansion, Expr, ExprKind, Limit, Member as AstMember, MemberKey, Quantifier, Question, Span,
    UnaryOp,
};
use serde_json::Value as Json;

/// Elements of a bound array that are taken one by one where each may name an attribute.
const MOST_NAMES: usize = 256;

/// Levels of arrays that are followed; `[**…]` with more stars reads the array as a whole.
const MOST_LEVELS: u32 = 16;

impl<'a> Analysis<'a> {
    /// The value of an expression.
    pub(super) fn expr(&mut self, expr: &'a Expr<'a>) -> Value<'a> {
        if !self.step(expr.span) {
            return Value::ANY;
        }
        match &expr.kind {
            ExprKind::Null => Value::NULL,
            ExprKind::Bool(value) => Value::Constant(Constant::Bool(*value)),
            ExprKind::Int(value) => Value::Constant(Constant::Integer(*value)),
            ExprKind::Double(value) => Value::Constant(Constant::Double(*value)),
            ExprKind::String(text) => Value::Constant(Constant::String(Cow::Borrowed(text))),
            ExprKind::Variable(variable) => self.variable(*variable),
            ExprKind::Source(name) => self.source_as_value(&name.text, name.span),
            ExprKind::SourceBind(bind) => self.bound_source_as_value(bind),
            ExprKind::Bind(bind) => self.bind(bind),
            ExprKind::Array(elements) => self.array(elements, expr.span),
            ExprKind::Object(members) => self.object(members, expr.span),
            ExprKind::Attribute { base, name } => {
                let base = self.expr(base);
                self.attribute(&base, &name.text, name.span)
            }
            ExprKind::AttributeBind { base, bind } => self.bound_attribute(base, bind),
            ExprKind::Index { base, index } => self.index(base, index, expr.span),
            ExprKind::Expansion(expansion) => self.expansion(expansion, expr.span),
            ExprKind::Question(question) => self.question(question),
            ExprKind::Unary { op, operand } => self.unary(*op, operand),
            ExprKind::Binary { op, left, right } => self.binary(*op, left, right, expr.span),
            ExprKind::Quantified {
                quantifier,
                left,
                right,
                ..
            } => self.quantified(quantifier, left, right),
            ExprKind::Ternary {
                condition,
                then,
                otherwise,
            } => self.ternary(condition, then.as_deref(), otherwise, expr.span),
            ExprKind::Range { low, high } => {
                self.read_expr(low);
                self.read_expr(high);
                Value::list(Value::Plain(Types::INTEGER))
            }
            ExprKind::Call { function, args } => self.call(function, args, expr.span),
            ExprKind::Subquery(block) => self.subquery(block),
        }
    }

    /// Evaluates an expression and uses its value as a whole; its types.
    pub(super) fn read_expr(&mut self, expr: &'a Expr<'a>) -> Types {
        self.read_value(expr).types()
    }

    /// Evaluates an expression and uses its value as a whole; the value.
    pub(super) fn read_value(&mut self, expr: &'a Expr<'a>) -> Value<'a> {
        let value = self.expr(expr);
        self.read(&value, expr.span);
        value
    }

    /// Evaluates a condition: of objects and arrays no more than their being there is used.
    pub(super) fn condition(&mut self, expr: &'a Expr<'a>) -> Value<'a> {
        let value = self.expr(expr);
        self.read_presence(&value, false, expr.span);
        value
    }

    fn source_as_value(&mut self, name: &str, span: Span) -> Value<'a> {
        let resources = self.resources;
        let reserved = name.starts_with(|first: char| first == '_' || first.is_ascii_digit()) || name.is_empty();
        if !reserved && !resources.collections.contains_key(name) && !resources.views.contains_key(name) {
            self.unknown_variable(name, span);
            return Value::ANY;
        }
        self.resolve(name, span, false);
        // ArangoDB refuses it since 3.9 unless `--query.allow-collections-in-expressions` is set.
        self.deny(
            Denial::new(
                Rule::OperationNotAllowed,
                format!("`{name}` is used as a value: that would be the whole collection as an array"),
            )
            .about(name)
            .at(span)
            .hint(format!(
                "no variable `{name}` is visible here; to read the collection, loop over it: `FOR x IN {name}`"
            )),
        );
        Value::ANY
    }

    fn bound_source_as_value(&mut self, bind: &'a Bind<'a>) -> Value<'a> {
        if let Some(name) = self.bound_name(bind) {
            self.source_as_value(&name, bind.span);
        }
        Value::ANY
    }

    fn array(&mut self, elements: &'a [Expr<'a>], span: Span) -> Value<'a> {
        let elements = elements.iter().map(|element| self.expr(element)).collect();
        self.bounded(Value::array(elements), span)
    }

    fn object(&mut self, members: &'a [AstMember<'a>], span: Span) -> Value<'a> {
        let mut known = Vec::with_capacity(members.len());
        let mut open = false;
        for member in members {
            let name = match &member.key {
                MemberKey::Name(name) => Some(name.text.clone()),
                MemberKey::Bind(bind) => self.bound_key(bind),
                MemberKey::Computed(key) => self.computed_key(key),
            };
            let value = self.expr(&member.value);
            match name {
                Some(name) => known.push(Member {
                    name,
                    value,
                    optional: false,
                }),
                None => {
                    self.read(&value, member.value.span);
                    open = true;
                }
            }
        }
        self.bounded(Value::object(known, Vec::new(), open), span)
    }

    fn bound_key(&mut self, bind: &'a Bind<'a>) -> Option<Cow<'a, str>> {
        match self.bind_json(bind)? {
            Json::String(name) => Some(Cow::Borrowed(name)),
            _ => {
                self.deny(Denial::bind_type(
                    &bind.key,
                    "a string: it names an attribute",
                    bind.span,
                ));
                None
            }
        }
    }

    fn computed_key(&mut self, key: &'a Expr<'a>) -> Option<Cow<'a, str>> {
        let value = self.expr(key);
        self.read(&value, key.span);
        self.known_string(&value)
    }

    fn bound_attribute(&mut self, base: &'a Expr<'a>, bind: &'a Bind<'a>) -> Value<'a> {
        let base = self.expr(base);
        let names = match self.bind_json(bind) {
            None => return Value::ANY,
            Some(Json::String(name)) => Some(vec![name.as_str()]),
            Some(Json::Array(names)) if !names.is_empty() => names.iter().map(Json::as_str).collect(),
            Some(_) => None,
        };
        let Some(names) = names else {
            self.deny(Denial::bind_type(
                &bind.key,
                "a string or an array of strings: it names an attribute",
                bind.span,
            ));
            return Value::ANY;
        };
        names
            .into_iter()
            .fold(base, |value, name| self.attribute(&value, name, bind.span))
    }

    fn index(&mut self, base: &'a Expr<'a>, index: &'a Expr<'a>, span: Span) -> Value<'a> {
        let base = self.expr(base);
        let subscript = self.expr(index);
        self.read(&subscript, index.span);
        self.subscript(&base, &subscript, span)
    }

    /// `base[subscript]`, the subscript already read.
    pub(super) fn subscript(&mut self, base: &Value<'a>, subscript: &Value<'a>, span: Span) -> Value<'a> {
        let mut found = Vec::new();
        for subscript in subscript.alternatives() {
            let value = match subscript {
                // What holds no document needs no name.
                _ if !base.is_content() && !matches!(subscript, Value::Constant(_)) => Value::ANY,
                Value::Constant(constant) => self.constant_subscript(base, constant, span),
                Value::Plain(_) | Value::Number(_) if subscript.types().within(Types::INTEGER) => {
                    self.position(base, None, span)
                }
                _ => self.unknown_subscript(base, span),
            };
            found.push(value);
        }
        self.bounded(Value::union(found), span)
    }

    fn constant_subscript(&mut self, base: &Value<'a>, constant: &Constant<'a>, span: Span) -> Value<'a> {
        match constant {
            Constant::String(name) => self.attribute(base, name, span),
            Constant::Integer(index) => self.position(base, Some(*index), span),
            Constant::Null | Constant::Bool(_) | Constant::Double(_) => self.unknown_subscript(base, span),
            Constant::Bind { json, .. } => {
                self.inspect(constant);
                match json {
                    Json::String(name) => self.attribute(base, name, span),
                    Json::Number(number) if number.is_i64() => self.position(base, number.as_i64(), span),
                    _ => self.unknown_subscript(base, span),
                }
            }
            Constant::ElementOf { bind, json, path } => {
                self.inspect(constant);
                match each_element(json, path) {
                    Some(elements) if elements.len() <= MOST_NAMES => {
                        let found: Vec<_> = elements
                            .into_iter()
                            .map(|json| self.constant_subscript(base, &Constant::Bind { bind: *bind, json }, span))
                            .collect();
                        Value::union(found)
                    }
                    _ => self.unknown_subscript(base, span),
                }
            }
        }
    }

    /// A subscript that may be any name or any position.
    fn unknown_subscript(&mut self, base: &Value<'a>, span: Span) -> Value<'a> {
        let mut found = Vec::new();
        for value in base.alternatives() {
            let arrays_only = match value {
                Value::Part(part) => part.types().within(Types::ARRAY.or(Types::NULL)),
                Value::Array(_) | Value::List(_) => true,
                _ => false,
            };
            let part = if !value.is_content() {
                Value::ANY
            } else if arrays_only {
                self.position(value, None, span)
            } else {
                self.any_attribute(value, span)
            };
            found.push(part);
        }
        Value::union(found)
    }

    fn expansion(&mut self, expansion: &'a Expansion<'a>, span: Span) -> Value<'a> {
        let base = self.expr(&expansion.base);
        let element = self.flattened_elements(&base, expansion.levels, expansion.base.span);
        self.assign(expansion.current, element.clone());
        if let Some(filter) = &expansion.filter {
            self.condition(filter);
        }
        if let Some(limit) = &expansion.limit {
            self.read_limit(limit);
        }
        if let Some(projection) = &expansion.projection {
            let projected = self.expr(projection);
            self.assign(expansion.current, projected);
        }
        let value = self.expr(&expansion.element);
        self.bounded(Value::list(value), span)
    }

    fn question(&mut self, question: &'a Question<'a>) -> Value<'a> {
        let base = self.expr(&question.base);
        let element = self.flattened_elements(&base, question.levels, question.base.span);
        self.assign(question.current, element);
        if let Some(quantifier) = &question.quantifier {
            self.read_quantifier(quantifier);
        }
        if let Some(filter) = &question.filter {
            self.condition(filter);
        } else {
            self.read_presence(&base, false, question.base.span);
        }
        Value::Plain(Types::BOOL)
    }

    /// The elements of an array after flattening it; an element that is no array stays.
    pub(super) fn flattened_elements(&mut self, base: &Value<'a>, levels: u32, span: Span) -> Value<'a> {
        if levels > MOST_LEVELS {
            self.read(base, span);
            return Value::ANY;
        }
        let mut element = self.elements(base, span);
        for _ in 1..levels {
            let inner = self.elements(&element, span);
            element = Value::union([element, inner]);
        }
        element
    }

    pub(super) fn read_quantifier(&mut self, quantifier: &'a Quantifier<'a>) {
        match quantifier {
            Quantifier::All | Quantifier::Any | Quantifier::None => {}
            Quantifier::AtLeast(count) | Quantifier::Count(count) => {
                self.read_expr(count);
            }
        }
    }

    pub(super) fn read_limit(&mut self, limit: &'a Limit<'a>) {
        for operand in limit.offset.iter().chain([&limit.count]) {
            let value = self.read_value(operand);
            // Null is no limit. https://github.com/arangodb/arangodb `ExecutionPlan::fromNodeLimit`
            if let ExprKind::Bind(bind) = &operand.kind
                && matches!(value, Value::Constant(_))
                && !self.known_types(&value).within(Types::NUMBER.or(Types::NULL))
            {
                self.deny(
                    Denial::bind_type(&bind.key, "a number: it limits rows", operand.span)
                        .hint(format!("give it as a number: `{{\"{}\": 10}}`", bind.key)),
                );
            }
        }
    }

    fn unary(&mut self, op: UnaryOp, operand: &'a Expr<'a>) -> Value<'a> {
        match op {
            UnaryOp::Not => {
                self.condition(operand);
                Value::Plain(Types::BOOL)
            }
            UnaryOp::Plus | UnaryOp::Minus => {
                let value = self.expr(operand);
                self.read(&value, operand.span);
                match (op, value) {
                    (_, Value::Constant(Constant::Double(number))) if op == UnaryOp::Minus => {
                        Value::Constant(Constant::Double(-number))
                    }
                    (UnaryOp::Minus, Value::Constant(Constant::Integer(number))) => {
                        number.checked_neg().map_or(Value::Plain(Types::NUMBER), |number| {
                            Value::Constant(Constant::Integer(number))
                        })
                    }
                    (UnaryOp::Plus, value @ Value::Constant(Constant::Integer(_) | Constant::Double(_))) => value,
                    (op, value) if value.types().within(Types::NUMBER.or(Types::NULL)) => {
                        let same = if op == UnaryOp::Minus {
                            BinaryOp::Sub
                        } else {
                            BinaryOp::Add
                        };
                        self.arithmetic(same, &Value::Constant(Constant::Integer(0)), &value)
                    }
                    _ => Value::Plain(Types::NUMBER.or(Types::NULL)),
                }
            }
        }
    }

    fn binary(&mut self, op: BinaryOp, left: &'a Expr<'a>, right: &'a Expr<'a>, span: Span) -> Value<'a> {
        match op {
            BinaryOp::Or | BinaryOp::And => {
                // Both give back one of their operands; `||` the left one where it is true, and null is not.
                let first = self.condition(left);
                let second = self.expr(right);
                let first = if op == BinaryOp::Or {
                    self.not_null(&first)
                } else {
                    Some(first)
                };
                let union = Value::union(first.into_iter().chain([second]));
                self.bounded(union, span)
            }
            BinaryOp::Eq | BinaryOp::Ne => {
                let (first, second) = (self.expr(left), self.expr(right));
                self.compare(&first, &second, left.span, right.span);
                Value::Plain(Types::BOOL)
            }
            BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge | BinaryOp::In | BinaryOp::NotIn => {
                self.read_expr(left);
                self.read_expr(right);
                Value::Plain(Types::BOOL)
            }
            BinaryOp::Like | BinaryOp::NotLike => {
                self.check_function("LIKE", span);
                self.read_expr(left);
                let pattern = self.read_value(right);
                let literal = matches!(pattern, Value::Constant(Constant::String(_)));
                // As the function of that name; what is negated is no null any more.
                if literal || op == BinaryOp::NotLike {
                    Value::Plain(Types::BOOL)
                } else {
                    Value::Plain(Types::BOOL.or(Types::NULL))
                }
            }
            BinaryOp::Matches | BinaryOp::NotMatches => {
                self.check_function("REGEX_TEST", span);
                self.read_expr(left);
                self.read_expr(right);
                Value::Plain(Types::BOOL.or(Types::NULL))
            }
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod => {
                let (first, second) = (self.read_value(left), self.read_value(right));
                self.arithmetic(op, &first, &second)
            }
        }
    }

    /// Reads what an equality compares. Against `null`, only being there matters.
    fn compare(&mut self, left: &Value<'a>, right: &Value<'a>, left_span: Span, right_span: Span) {
        let null = |value: &Value<'a>| matches!(value, Value::Constant(Constant::Null));
        match (null(left), null(right)) {
            (_, true) => self.read_presence(left, true, left_span),
            (true, _) => self.read_presence(right, true, right_span),
            _ => {
                self.read(left, left_span);
                self.read(right, right_span);
            }
        }
    }

    fn quantified(&mut self, quantifier: &'a Quantifier<'a>, left: &'a Expr<'a>, right: &'a Expr<'a>) -> Value<'a> {
        self.read_quantifier(quantifier);
        self.read_expr(left);
        self.read_expr(right);
        Value::Plain(Types::BOOL)
    }

    fn ternary(
        &mut self,
        condition: &'a Expr<'a>,
        then: Option<&'a Expr<'a>>,
        otherwise: &'a Expr<'a>,
        span: Span,
    ) -> Value<'a> {
        let held = self.condition(condition);
        let first = match then {
            Some(then) => Some(self.expr(then)),
            None => self.not_null(&held),
        };
        let second = self.expr(otherwise);
        let union = Value::union(first.into_iter().chain([second]));
        self.bounded(union, span)
    }
}
