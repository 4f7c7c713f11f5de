//! Access to stored content: steps from a value to a part of it, and uses of a value as a whole.
//!
//! INVARIANT: content leaves a [`Value`] only through here, and a step onto a hidden attribute, or a use of a value with
//! anything hidden in it, is a denial.

use std::borrow::Cow;

use super::analysis::{Analysis, Place};
use super::value::{Constant, LONGEST_PATH, Object, Part, Path, Rest, Types, Value};
use super::verdict::Denial;
use crate::aql::ast::Span;
use crate::schema::{Operation, RoleSet, SYSTEM_ATTRIBUTES, Shape};
use serde_json::Value as Json;

/// What the steps onto an attribute of all that a value may be have found.
#[derive(Default)]
struct Steps<'a> {
    found: Vec<Value<'a>>,
    /// Parts whose closed schemas do not name the attribute.
    unknown: Vec<Part<'a>>,
    /// Whether some schema or object knows the attribute.
    known: bool,
}

/// What a step onto an attribute of a part found.
enum Step<'a> {
    Found(Value<'a>),
    /// The closed schema does not name it.
    Unknown,
}

impl<'a> Analysis<'a> {
    /// The attribute of a value.
    pub(super) fn attribute(&mut self, value: &Value<'a>, name: &str, span: Span) -> Value<'a> {
        let mut steps = Steps::default();
        self.attribute_of_each(value, name, span, &mut steps);
        // Of the collections of a view or the vertices of a graph, some may lack the attribute: there it is null. One
        // that all of them lack is a mistake.
        if !steps.known {
            for part in &steps.unknown {
                self.attribute_unknown(part, name, span);
            }
        }
        if !steps.unknown.is_empty() {
            steps.found.push(Value::NULL);
        }
        let union = Value::union(steps.found);
        self.bounded(union, span)
    }

    fn attribute_of_each(&mut self, value: &Value<'a>, name: &str, span: Span, steps: &mut Steps<'a>) {
        for value in value.alternatives() {
            if !self.step(span) {
                steps.found.push(Value::ANY);
                return;
            }
            match value {
                Value::Plain(types) if types.meets(Types::OBJECT.or(Types::ARRAY)) => steps.found.push(Value::ANY),
                Value::Plain(_) | Value::IdIn(_) | Value::Number(_) | Value::Time => steps.found.push(Value::NULL),
                Value::Constant(constant) => {
                    let part = self.constant_attribute(constant, name);
                    steps.found.push(part);
                }
                Value::Part(part) => match self.part_attribute(part, name, span) {
                    Step::Found(value) => {
                        steps.found.push(value);
                        steps.known = true;
                    }
                    Step::Unknown => steps.unknown.push(part.clone()),
                },
                // A string subscript on an array is its position, where it begins with a number.
                // https://github.com/arangodb/arangodb `Expression::executeSimpleExpressionIndexedAccess`
                Value::Array(_) | Value::List(_) if begins_with_number(name) => {
                    let element = self.position(value, None, span);
                    steps.found.push(Value::union([element, Value::NULL]));
                }
                Value::Array(_) | Value::List(_) => steps.found.push(Value::NULL),
                Value::Object(object) => self.member(object, name, span, steps),
                // Alternatives are no unions.
                Value::Union(_) => steps.found.push(Value::ANY),
            }
        }
    }

    fn member(&mut self, object: &Object<'a>, name: &str, span: Span, steps: &mut Steps<'a>) {
        let mut certain = false;
        for member in object.members.iter().filter(|member| member.name == name) {
            steps.found.push(member.value.clone());
            steps.known = true;
            certain |= !member.optional;
        }
        if object.open {
            steps.found.push(Value::ANY);
        }
        if certain {
            return;
        }
        if object.path && !object.members.iter().any(|member| member.name == name) {
            self.no_part_of_a_path(name, span);
        }
        steps.found.push(Value::NULL);
        for rest in &object.rest {
            if !rest.without.iter().any(|without| without == name) {
                self.attribute_of_each(&rest.value, name, span, steps);
            }
        }
    }

    fn constant_attribute(&mut self, constant: &Constant<'a>, name: &str) -> Value<'a> {
        if matches!(constant, Constant::Bind { .. }) {
            self.inspect(constant);
        }
        match constant {
            Constant::Bind { bind, json } => match json {
                Json::Object(members) => members.get(name).map_or(Value::NULL, |json| {
                    Value::Constant(Constant::Bind { bind: *bind, json })
                }),
                Json::Array(_) if begins_with_number(name) => Value::union([
                    Value::Constant(Constant::ElementOf {
                        bind: *bind,
                        json,
                        path: Path::root(),
                    }),
                    Value::NULL,
                ]),
                _ => Value::NULL,
            },
            Constant::ElementOf { bind, json, path } => Value::Constant(Constant::ElementOf {
                bind: *bind,
                json,
                path: path.attribute(Cow::Owned(name.to_owned())),
            }),
            _ => Value::NULL,
        }
    }

    fn part_attribute(&mut self, part: &Part<'a>, name: &str, span: Span) -> Step<'a> {
        if !self.permitted(part, span) {
            return Step::Found(Value::ANY);
        }
        if part.path.length() >= LONGEST_PATH {
            self.read_part(part, &[], span);
            return Step::Found(Value::ANY);
        }
        let shape = part.shape;
        let found = shape.attribute(name);
        // A search looks through arrays: `d.items.price` is the price of each item. And a subscript that begins with
        // a number is a position where the value is an array.
        let through_items = shape
            .items
            .as_deref()
            .filter(|items| !items.readable(self.roles) || begins_with_number(name));
        let path = || part.path.attribute(Cow::Owned(name.to_owned()));
        let mut values = Vec::new();
        if let Some(below) = found {
            if !below.read.admits(self.roles) {
                self.hidden(part.source, &path().display(), span);
                return Step::Found(Value::ANY);
            }
            values.push(Value::Part(Part {
                source: part.source,
                path: path(),
                shape: below,
                optional: !self.always_there(part, name),
                permitted: true,
            }));
        }
        if let Some(items) = through_items {
            let element = Part {
                path: part.path.element(),
                shape: items,
                optional: true,
                ..part.clone()
            };
            if begins_with_number(name) {
                let value = self.element_part(element, span);
                values.push(value);
            } else if let Step::Found(value) = self.part_attribute(&element, name, span) {
                values.push(value);
            }
        }
        if found.is_none() && values.is_empty() {
            return Step::Unknown;
        }
        Step::Found(Value::union(values))
    }

    /// The element of an array at a position; at any position for `None`. A number as subscript of an object is the
    /// name of an attribute.
    pub(super) fn position(&mut self, value: &Value<'a>, index: Option<i64>, span: Span) -> Value<'a> {
        let mut found = Vec::new();
        for value in value.alternatives() {
            if !self.step(span) {
                return Value::ANY;
            }
            match value {
                Value::Plain(types) if types.meets(Types::OBJECT.or(Types::ARRAY)) => found.push(Value::ANY),
                Value::Plain(_) | Value::IdIn(_) | Value::Number(_) | Value::Time => found.push(Value::NULL),
                Value::Array(array) => match index {
                    Some(index) => {
                        let length = i64::try_from(array.elements.len()).unwrap_or(i64::MAX);
                        let index = if index < 0 { length.saturating_add(index) } else { index };
                        let element = usize::try_from(index).ok().and_then(|index| array.elements.get(index));
                        found.push(element.cloned().unwrap_or(Value::NULL));
                    }
                    None => {
                        found.extend(array.elements.iter().cloned());
                        found.push(Value::NULL);
                    }
                },
                Value::List(list) => {
                    found.push(list.element.clone());
                    found.push(Value::NULL);
                }
                Value::Constant(constant) => {
                    let element = self.constant_position(constant, index);
                    found.push(element);
                }
                Value::Part(part) => {
                    let element = self.part_element(part, span);
                    found.push(element);
                    if part.types().meets(Types::OBJECT) {
                        let attribute = self.numbered_attribute(value, index, span);
                        found.push(attribute);
                    }
                    found.push(Value::NULL);
                }
                Value::Object(_) => {
                    let attribute = self.numbered_attribute(value, index, span);
                    found.push(attribute);
                }
                Value::Union(_) => found.push(Value::ANY),
            }
        }
        let union = Value::union(found);
        self.bounded(union, span)
    }

    /// The attribute of an object that a number as subscript names.
    fn numbered_attribute(&mut self, value: &Value<'a>, index: Option<i64>, span: Span) -> Value<'a> {
        match index {
            Some(index) => self.attribute(value, &index.to_string(), span),
            None => self.any_attribute(value, span),
        }
    }

    /// The attribute of an object whose name is not known: allowed where the whole may be read.
    pub(super) fn any_attribute(&mut self, value: &Value<'a>, span: Span) -> Value<'a> {
        if self.readable(value, span) {
            self.read(value, span);
        } else {
            self.dynamic_attribute(value, span);
        }
        Value::ANY
    }

    fn constant_position(&mut self, constant: &Constant<'a>, index: Option<i64>) -> Value<'a> {
        self.inspect(constant);
        match constant {
            Constant::Bind { bind, json } => match (json, index) {
                (Json::Array(elements), Some(index)) => {
                    let length = i64::try_from(elements.len()).unwrap_or(i64::MAX);
                    let index = if index < 0 { length.saturating_add(index) } else { index };
                    let element = usize::try_from(index).ok().and_then(|index| elements.get(index));
                    element.map_or(Value::NULL, |json| {
                        Value::Constant(Constant::Bind { bind: *bind, json })
                    })
                }
                (Json::Object(_), Some(index)) => self.constant_attribute(constant, &index.to_string()),
                (Json::Object(_), None) => Value::ANY,
                _ => Value::union([
                    Value::Constant(Constant::ElementOf {
                        bind: *bind,
                        json,
                        path: Path::root(),
                    }),
                    Value::NULL,
                ]),
            },
            Constant::ElementOf { .. } => Value::ANY,
            _ => Value::NULL,
        }
    }

    /// What iterating over a value yields: the elements of an array, nothing of anything else.
    pub(super) fn elements(&mut self, value: &Value<'a>, span: Span) -> Value<'a> {
        let mut found = Vec::new();
        for value in value.alternatives() {
            if !self.step(span) {
                return Value::ANY;
            }
            match value {
                Value::Plain(types) if types.meets(Types::ARRAY) => found.push(Value::ANY),
                Value::Plain(_) | Value::IdIn(_) | Value::Number(_) | Value::Time | Value::Object(_) => {}
                Value::Array(array) => found.extend(array.elements.iter().cloned()),
                Value::List(list) => found.push(list.element.clone()),
                // An element of a bound array of arrays.
                Value::Constant(Constant::ElementOf { .. }) => found.push(Value::ANY),
                Value::Constant(Constant::Bind { bind, json }) => {
                    found.push(Value::Constant(Constant::ElementOf {
                        bind: *bind,
                        json,
                        path: Path::root(),
                    }));
                }
                Value::Constant(_) => {}
                Value::Part(part) => {
                    let element = self.part_element(part, span);
                    found.push(element);
                }
                Value::Union(_) => found.push(Value::ANY),
            }
        }
        let union = Value::union(found);
        self.bounded(union, span)
    }

    fn part_element(&mut self, part: &Part<'a>, span: Span) -> Value<'a> {
        if !self.permitted(part, span) {
            return Value::ANY;
        }
        if part.path.length() >= LONGEST_PATH {
            self.read_part(part, &[], span);
            return Value::ANY;
        }
        let element = Part {
            path: part.path.element(),
            shape: part.shape.element(),
            optional: false,
            ..part.clone()
        };
        let mut values = vec![self.element_part(element.clone(), span)];
        // Where the schema expects an object and hides something of it, an array of such objects hides it too.
        if part.shape.items.is_none() && !part.shape.readable(self.roles) {
            values.push(Value::Part(Part {
                shape: part.shape,
                ..element
            }));
        }
        Value::union(values)
    }

    fn element_part(&mut self, element: Part<'a>, span: Span) -> Value<'a> {
        if element.shape.read.admits(self.roles) {
            return Value::Part(element);
        }
        self.hidden(element.source, &element.path.display(), span);
        Value::ANY
    }

    /// Whether the user may read the collection that this content comes from; denies where not.
    fn permitted(&mut self, part: &Part<'a>, span: Span) -> bool {
        if !part.permitted {
            self.operation_denied(part.source, Operation::Read, span);
        } else if !part.shape.read.admits(self.roles) {
            self.hidden(part.source, &part.path.display(), span);
            return false;
        }
        part.permitted
    }

    /// Whether everything in a value may be read.
    pub(super) fn readable(&mut self, value: &Value<'a>, span: Span) -> bool {
        if !value.is_content() {
            return true;
        }
        if !self.step(span) {
            return false;
        }
        match value {
            Value::Plain(_) | Value::IdIn(_) | Value::Number(_) | Value::Time | Value::Constant(_) => true,
            Value::Part(part) => part.permitted && part.shape.readable(self.roles),
            Value::Array(array) => array.elements.iter().all(|element| self.readable(element, span)),
            Value::List(list) => self.readable(&list.element, span),
            Value::Object(object) => {
                object.members.iter().all(|member| self.readable(&member.value, span))
                    && object.rest.iter().all(|rest| self.rest_readable(rest, span))
            }
            Value::Union(union) => union.alternatives.iter().all(|value| self.readable(value, span)),
        }
    }

    /// Uses a value as a whole: everything in it is read.
    pub(super) fn read(&mut self, value: &Value<'a>, span: Span) {
        if !value.is_content() || !self.step(span) {
            return;
        }
        match value {
            Value::Plain(_) | Value::IdIn(_) | Value::Number(_) | Value::Time | Value::Constant(_) => {}
            Value::Part(part) => self.read_part(part, &[], span),
            Value::Array(array) => self.at(Place::Element, |this| {
                array.elements.iter().for_each(|element| this.read(element, span));
            }),
            Value::List(list) => self.at(Place::Element, |this| this.read(&list.element, span)),
            Value::Object(object) => {
                let place = if object.path { Place::Path } else { Place::Inside };
                self.at(place, |this| {
                    object.members.iter().for_each(|member| this.read(&member.value, span));
                });
                for rest in &object.rest {
                    self.read_rest(&rest.value, &rest.without, span);
                }
            }
            Value::Union(union) => union.alternatives.iter().for_each(|value| self.read(value, span)),
        }
    }

    /// Does something one step further inside of the value that is used.
    fn at(&mut self, place: Place, read: impl FnOnce(&mut Self)) {
        let before = self.place;
        self.place = match before {
            Place::Itself => place,
            Place::Path => Place::Path,
            Place::Element | Place::Inside => Place::Inside,
        };
        read(self);
        self.place = before;
    }

    /// Uses all attributes of a value but some.
    fn read_rest(&mut self, value: &Value<'a>, without: &[Cow<'a, str>], span: Span) {
        for value in value.alternatives() {
            match value {
                Value::Part(part) => self.read_part(part, without, span),
                Value::Object(object) if !without.is_empty() => {
                    if !self.step(span) {
                        return;
                    }
                    for member in object.members.iter().filter(|member| !without.contains(&member.name)) {
                        self.read(&member.value, span);
                    }
                    for rest in &object.rest {
                        let mut without = without.to_vec();
                        without.extend(rest.without.iter().cloned());
                        self.read_rest(&rest.value, &without, span);
                    }
                }
                other => self.read(other, span),
            }
        }
    }

    fn rest_readable(&mut self, rest: &Rest<'a>, span: Span) -> bool {
        let roles = self.roles;
        rest.value.alternatives().iter().all(|value| match value {
            Value::Part(part) => part.permitted && hidden_without(part.shape, roles, &rest.without).is_empty(),
            other => self.readable(other, span),
        })
    }

    fn read_part(&mut self, part: &Part<'a>, without: &[Cow<'a, str>], span: Span) {
        if !self.permitted(part, span) {
            return;
        }
        if !part.shape.readable(self.roles) {
            let hidden = hidden_without(part.shape, self.roles, without);
            if !hidden.is_empty() {
                self.whole_document(part, &hidden, span);
                return;
            }
        }
        self.note_read(part);
    }

    /// Notes that a part was read.
    pub(super) fn note_read(&mut self, part: &Part<'a>) {
        let name = &self.sources[part.source as usize].name;
        let path = part.path.display();
        match self.reads.get_mut(name.as_ref()) {
            Some(paths) => {
                paths.insert(path);
            }
            None => {
                self.reads.insert(name.to_string(), std::iter::once(path).collect());
            }
        }
    }

    /// Uses no more of a value than whether it is null, or (an object or array that is there is true) a truth value.
    pub(super) fn read_presence(&mut self, value: &Value<'a>, scalars: bool, span: Span) {
        for value in value.alternatives() {
            match value {
                Value::Part(part) => {
                    let structured = part.types().within(Types::OBJECT.or(Types::ARRAY).or(Types::NULL));
                    if structured || part.path.is_root() || scalars {
                        if self.permitted(part, span) && !part.path.is_root() {
                            self.note_read(part);
                        }
                    } else {
                        self.read(value, span);
                    }
                }
                Value::Array(_)
                | Value::List(_)
                | Value::Object(_)
                | Value::Plain(_)
                | Value::IdIn(_)
                | Value::Number(_)
                | Value::Time => {}
                Value::Constant(_) => {}
                Value::Union(_) => self.read(value, span),
            }
        }
    }

    /// Whether a part certainly has an attribute.
    fn always_there(&self, part: &Part<'a>, name: &str) -> bool {
        let object = part.path.is_root() || Types::of_shape(part.shape).within(Types::OBJECT);
        let edge = || {
            let collection = self.sources[part.source as usize].collection;
            collection.is_some_and(|collection| collection.edge.is_some())
        };
        let system = part.path.is_root()
            && (SYSTEM_ATTRIBUTES[..3].contains(&name) || (SYSTEM_ATTRIBUTES[3..].contains(&name) && edge()));
        !part.optional && object && (system || part.shape.required.contains(name))
    }

    fn hidden(&mut self, source: u32, path: &str, span: Span) {
        let name = self.sources[source as usize].name.to_string();
        self.deny(Denial::attribute_hidden(&name, path, span));
    }
}

/// The hidden paths of a shape outside of some top-level attributes.
///
/// Attributes that only a pattern hides are never named in full, so that leaving some out does not clear them.
fn hidden_without(shape: &Shape, roles: &RoleSet, without: &[Cow<'_, str>]) -> Vec<String> {
    if without.is_empty() {
        return shape.hidden_paths(roles);
    }
    if !shape.read.admits(roles) {
        return vec![String::new()];
    }
    let mut remaining = shape.clone();
    remaining
        .attributes
        .retain(|name, _| !without.iter().any(|without| without == name));
    remaining.hidden_paths(roles)
}

/// Whether a string subscript would be taken for an array's position.
fn begins_with_number(name: &str) -> bool {
    name.trim_start()
        .trim_start_matches(['+', '-'])
        .starts_with(|first: char| first.is_ascii_digit())
}
