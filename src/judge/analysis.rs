//! The state of one analysis: what is known so far, what was read and written, and why the query is denied.
//!
//! INVARIANT: a step that cannot prove that it is allowed leaves a denial here; nothing takes one back.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::cache::Dependencies;
use super::value::{Constant, DEEPEST, MOST_ALTERNATIVES, Types, Value, each_element};
use super::verdict::{self, Denial, MOST_DENIALS, Rule};
use crate::aql::ast::{Bind, Pattern, Query, Span, VarId};
use crate::schema::{Collection, Operation, Resources, RoleSet, SchemaSet, copy_bytes};

/// Steps that the analysis of one query may take.
///
/// Values share their parts, so that a short query can name a value of exponential size; looking through it ends here.
const FUEL: u32 = 400_000;

/// Bytes of bind values that are copied for one step: all steps together copy a few dozen megabytes.
const COPIED_IN_A_STEP: usize = 64;

/// A collection that documents may come from.
#[derive(Clone, Debug)]
pub(super) struct Source<'a> {
    pub(super) name: Cow<'a, str>,
    /// Absent for a collection that the schema set does not name; its documents are followed for the report only.
    pub(super) collection: Option<&'a Collection>,
}

/// A bind value.
#[derive(Debug)]
pub(super) struct BindValue<'a> {
    pub(super) key: &'a str,
    pub(super) json: &'a Json,
    pub(super) used: bool,
    /// What of it the verdict depends on.
    pub(super) inspected: Inspected,
}

/// What the verdict depends on of a bind value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inspected {
    /// That it is there.
    Presence,
    /// Its type.
    Type,
    /// All of it.
    Value,
}

/// Where content stands in a value that is used as a whole, for hints.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It is the value.
    Itself,
    /// It is an element of the array that the value is.
    Element,
    /// It is a vertex or an edge of the path that the value is.
    Path,
    /// It is somewhere further inside.
    Inside,
}

/// The state of one analysis.
pub(super) struct Analysis<'a> {
    pub(super) set: &'a SchemaSet,
    pub(super) resources: &'a Resources,
    pub(super) roles: &'a RoleSet,
    pub(super) text: &'a str,
    pub(super) query: &'a Query<'a>,
    /// What each variable holds; by [`VarId`].
    pub(super) variables: Vec<Value<'a>>,
    pub(super) sources: Vec<Source<'a>>,
    pub(super) binds: Vec<BindValue<'a>>,
    /// The vertex collections that `WITH` names.
    pub(super) with: BTreeSet<String>,
    /// The collections that a `FOR` of this query iterates over.
    pub(super) iterated: BTreeSet<String>,
    pub(super) reads: BTreeMap<String, BTreeSet<String>>,
    pub(super) writes: BTreeMap<String, BTreeMap<Operation, BTreeSet<String>>>,
    pub(super) functions: BTreeSet<String>,
    pub(super) denials: Vec<Denial>,
    /// What the query returns: the operand of its last `RETURN`, for masking.
    pub(super) returned: Option<(&'a crate::aql::ast::Expr<'a>, Value<'a>)>,
    /// How many subqueries enclose the statement at hand.
    pub(super) nesting: u32,
    /// Whether the statements at hand write documents: bind values that numbers are computed of are looked at then.
    pub(super) writing: bool,
    /// Where the content that is read stands in the value that is used.
    pub(super) place: Place,
    bind_index: BTreeMap<&'a str, u32>,
    missing_binds: BTreeSet<Cow<'a, str>>,
    fuel: u32,
}

impl<'a> Analysis<'a> {
    pub(super) fn new(
        set: &'a SchemaSet,
        resources: &'a Resources,
        roles: &'a RoleSet,
        text: &'a str,
        query: &'a Query<'a>,
        bind_vars: Option<&'a serde_json::Map<String, Json>>,
    ) -> Self {
        let binds: Vec<_> = bind_vars
            .into_iter()
            .flatten()
            .map(|(key, json)| BindValue {
                key,
                json,
                used: false,
                inspected: Inspected::Presence,
            })
            .collect();
        Self {
            set,
            resources,
            roles,
            text,
            query,
            variables: vec![Value::NULL; query.variables.len()],
            sources: Vec::new(),
            bind_index: (0..).zip(&binds).map(|(index, bind)| (bind.key, index)).collect(),
            binds,
            with: BTreeSet::new(),
            iterated: BTreeSet::new(),
            reads: BTreeMap::new(),
            writes: BTreeMap::new(),
            functions: BTreeSet::new(),
            denials: Vec::new(),
            returned: None,
            nesting: 0,
            writing: false,
            place: Place::Itself,
            missing_binds: BTreeSet::new(),
            fuel: FUEL,
        }
    }

    /// Denies the query, unless for this very reason already.
    pub(super) fn deny(&mut self, denial: Denial) {
        verdict::deny(&mut self.denials, denial);
    }

    /// Takes a step; `false`: the query is too intricate to be judged, which denies it.
    pub(super) fn step(&mut self, span: Span) -> bool {
        self.steps(1, span)
    }

    /// Takes many steps at once.
    pub(super) fn steps(&mut self, count: usize, span: Span) -> bool {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        match self.fuel.checked_sub(count) {
            Some(left) => {
                self.fuel = left;
                true
            }
            None => {
                self.fuel = 0;
                if !self.denials.iter().any(|denial| denial.rule == Rule::LimitExceeded) {
                    // The last word must not fall to the bound on denials.
                    self.denials.truncate(MOST_DENIALS - 1);
                    self.deny(Denial::too_intricate(span));
                }
                false
            }
        }
    }

    /// A value whose nesting is bounded: one that nests too deep is read here instead of being followed further.
    pub(super) fn bounded(&mut self, value: Value<'a>, span: Span) -> Value<'a> {
        let alternatives = value.alternatives().len();
        let followed = self.steps(alternatives, span);
        if followed && value.depth() < DEEPEST && alternatives <= MOST_ALTERNATIVES {
            return value;
        }
        self.read(&value, span);
        Value::Plain(value.types())
    }

    /// The value of a variable.
    pub(super) fn variable(&self, variable: VarId) -> Value<'a> {
        self.variables.get(variable.index()).cloned().unwrap_or(Value::ANY)
    }

    /// Gives a variable its value.
    pub(super) fn assign(&mut self, variable: VarId, value: Value<'a>) {
        let span = self
            .query
            .variables
            .get(variable.index())
            .map_or(Span::default(), |it| it.name.span);
        let value = self.bounded(value, span);
        if let Some(slot) = self.variables.get_mut(variable.index()) {
            *slot = value;
        }
    }

    /// Gives the variables of a pattern their values.
    pub(super) fn bind_pattern(&mut self, pattern: &'a Pattern<'a>, value: &Value<'a>) {
        match pattern {
            Pattern::Variable(variable) => self.assign(*variable, value.clone()),
            Pattern::Array { slots, span } => {
                for (index, slot) in slots.iter().enumerate() {
                    if let Some(slot) = slot {
                        let index = i64::try_from(index).unwrap_or(i64::MAX);
                        let element = self.position(value, Some(index), *span);
                        self.bind_pattern(slot, &element);
                    }
                }
            }
            Pattern::Object { fields, .. } => {
                for field in fields {
                    let part = self.attribute(value, &field.attribute.text, field.attribute.span);
                    self.bind_pattern(&field.target, &part);
                }
            }
        }
    }

    /// The value of a bind parameter; a missing one is denied and counts as null.
    pub(super) fn bind(&mut self, bind: &'a Bind<'a>) -> Value<'a> {
        match self.bind_index.get(bind.key.as_ref()) {
            Some(&index) => {
                let value = &mut self.binds[index as usize];
                value.used = true;
                Value::Constant(Constant::Bind {
                    bind: index,
                    json: value.json,
                })
            }
            None => {
                if self.missing_binds.insert(bind.key.clone()) {
                    self.deny(Denial::bind_missing(&bind.key, bind.span));
                }
                Value::NULL
            }
        }
    }

    /// The value of a bind parameter that the verdict depends on.
    pub(super) fn bind_json(&mut self, bind: &'a Bind<'a>) -> Option<&'a Json> {
        match self.bind(bind) {
            Value::Constant(constant @ Constant::Bind { json, .. }) => {
                self.inspect(&constant);
                Some(json)
            }
            _ => None,
        }
    }

    /// Notes that the verdict depends on this constant's value.
    pub(super) fn inspect(&mut self, constant: &Constant<'a>) {
        if let Constant::Bind { bind, .. } | Constant::ElementOf { bind, .. } = constant {
            self.binds[*bind as usize].inspected = Inspected::Value;
        }
    }

    /// What the verdict depends on beside the text and the names of the bind values.
    pub(super) fn dependencies(&self) -> Dependencies {
        let mut depends = Dependencies::default();
        for bind in &self.binds {
            match bind.inspected {
                Inspected::Presence => {}
                Inspected::Type => depends.types.push((bind.key.to_owned(), Types::of_json(bind.json))),
                Inspected::Value => depends.values.push((bind.key.to_owned(), bind.json.clone())),
            }
        }
        depends
    }

    /// The string that a value is known to be.
    pub(super) fn known_string(&mut self, value: &Value<'a>) -> Option<Cow<'a, str>> {
        let Value::Constant(constant) = value else { return None };
        self.inspect(constant);
        match constant {
            Constant::String(text) => Some(text.clone()),
            Constant::Bind {
                json: Json::String(text),
                ..
            } => Some(Cow::Borrowed(text)),
            _ => None,
        }
    }

    /// The JSON that a value is known to be, as a whole.
    pub(super) fn known_json(&mut self, value: &Value<'a>, span: Span) -> Option<Cow<'a, Json>> {
        if !self.step(span) {
            return None;
        }
        match value {
            Value::Constant(constant) => {
                self.inspect(constant);
                match constant {
                    Constant::Null => Some(Cow::Owned(Json::Null)),
                    Constant::Bool(value) => Some(Cow::Owned(Json::Bool(*value))),
                    Constant::Integer(value) => Some(Cow::Owned(Json::from(*value))),
                    Constant::Double(value) => Some(Cow::Owned(Json::from(*value))),
                    Constant::String(text) => Some(Cow::Owned(Json::String(text.to_string()))),
                    Constant::Bind { json, .. } => Some(Cow::Borrowed(json)),
                    Constant::ElementOf { .. } => None,
                }
            }
            Value::Array(array) => {
                let elements = array.elements.iter();
                elements
                    .map(|element| self.known_copy(element, span))
                    .collect::<Option<Vec<_>>>()
                    .map(|elements| Cow::Owned(Json::Array(elements)))
            }
            Value::Object(object) if object.rest.is_empty() && !object.open => {
                let mut json = serde_json::Map::new();
                for member in &object.members {
                    let value = self.known_copy(&member.value, span)?;
                    // Which of two equal keys ArangoDB keeps is not for us to rely on.
                    if member.optional || json.insert(member.name.to_string(), value).is_some() {
                        return None;
                    }
                }
                Some(Cow::Owned(Json::Object(json)))
            }
            _ => None,
        }
    }

    /// The same as a copy. A query can name a large bind value thousands of times: copies cost steps by their size.
    pub(super) fn known_copy(&mut self, value: &Value<'a>, span: Span) -> Option<Json> {
        let json = self.known_json(value, span)?;
        self.copied(json, span)
    }

    /// A copy of a known value, unless it is one already.
    pub(super) fn copied(&mut self, json: Cow<'a, Json>, span: Span) -> Option<Json> {
        match json {
            Cow::Owned(json) => Some(json),
            Cow::Borrowed(json) => self
                .steps(copy_bytes(json) / COPIED_IN_A_STEP, span)
                .then(|| json.clone()),
        }
    }

    /// The types that a value may have, bind values looked at.
    pub(super) fn known_types(&mut self, value: &Value<'a>) -> Types {
        let mut types: Option<Types> = None;
        for alternative in value.alternatives() {
            let found = match alternative {
                Value::Constant(constant @ Constant::Bind { bind, json }) => {
                    let value = &mut self.binds[*bind as usize];
                    if !std::ptr::eq(value.json, *json) {
                        self.inspect(constant);
                    } else if value.inspected == Inspected::Presence {
                        value.inspected = Inspected::Type;
                    }
                    Types::of_json(json)
                }
                Value::Constant(constant @ Constant::ElementOf { json, path, .. }) => {
                    self.inspect(constant);
                    each_element(json, path).map_or(Types::ANY, |elements| {
                        elements
                            .into_iter()
                            .map(Types::of_json)
                            .reduce(Types::or)
                            .unwrap_or(Types::NONE)
                    })
                }
                other => other.types(),
            };
            types = Some(types.map_or(found, |all| all.or(found)));
        }
        types.unwrap_or(Types::ANY)
    }

    /// The piece of the query at a span, for messages; `None` where it is too long to be shown.
    pub(super) fn excerpt(&self, span: Span) -> Option<&'a str> {
        let piece = self.text.get(span.start as usize..span.end as usize)?;
        (!piece.is_empty() && piece.len() <= 40 && !piece.contains(['\n', '\r'])).then_some(piece)
    }

    /// Reports bind values that the query does not use.
    pub(super) fn check_unused_binds(&mut self) {
        let unused: Vec<&str> = self
            .binds
            .iter()
            .filter(|bind| !bind.used)
            .map(|bind| bind.key)
            .collect();
        for key in unused {
            self.deny(Denial::bind_unused(key));
        }
    }
}
