//! The abstract value of an expression: what stored content it may hold, and what of it is known before the query runs.
//!
//! INVARIANT: a value describes every result that the expression can have. Content that a value does not mention was
//! read already (and found readable), so that passing it on needs no further permission.

use std::borrow::Cow;
use std::rc::Rc;

use serde_json::Value as Json;

use crate::aql::ast::{self as aql, MemberKey};
use crate::schema::{Bounds, JsonType, Shape};

/// Nesting of values beyond which they are read as a whole instead of being tracked.
///
/// A chain of `LET`s nests values deeper than the query nests expressions, so the parser's limit does not bound this.
pub(super) const DEEPEST: u16 = 64;

/// Steps from a document's root beyond which its parts are not told apart.
pub(super) const LONGEST_PATH: u16 = 128;

/// Alternatives of a value beyond which it is read as a whole.
pub(super) const MOST_ALTERNATIVES: usize = 4096;

/// Alternatives among which equal ones are looked for.
const FEW: usize = 64;

/// The JSON types that a value may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Types(u8);

impl Types {
    /// Those of what is never there: an element of an empty array.
    pub(super) const NONE: Self = Self(0);
    pub(super) const NULL: Self = Self(1);
    pub(super) const BOOL: Self = Self(2);
    pub(super) const INTEGER: Self = Self(4);
    /// Any number, whole or not.
    pub(super) const NUMBER: Self = Self(4 | 8);
    pub(super) const STRING: Self = Self(16);
    pub(super) const ARRAY: Self = Self(32);
    pub(super) const OBJECT: Self = Self(64);
    pub(super) const ANY: Self = Self(127);

    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(super) const fn within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    pub(super) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The types that a shape admits.
    pub(super) fn of_shape(shape: &Shape) -> Self {
        if shape.types.is_empty() {
            return Self::ANY;
        }
        shape.types.iter().fold(Self(0), |all, json_type| {
            all.or(match json_type {
                JsonType::Null => Self::NULL,
                JsonType::Boolean => Self::BOOL,
                JsonType::Integer => Self::INTEGER,
                JsonType::Number => Self::NUMBER,
                JsonType::String => Self::STRING,
                JsonType::Array => Self::ARRAY,
                JsonType::Object => Self::OBJECT,
            })
        })
    }

    /// The type of a JSON value.
    pub(super) fn of_json(json: &Json) -> Self {
        match json {
            Json::Null => Self::NULL,
            Json::Bool(_) => Self::BOOL,
            Json::Number(number) if number.is_f64() && number.as_f64().is_some_and(|value| value.fract() != 0.0) => {
                Self::NUMBER
            }
            Json::Number(_) => Self::INTEGER,
            Json::String(_) => Self::STRING,
            Json::Array(_) => Self::ARRAY,
            Json::Object(_) => Self::OBJECT,
        }
    }

    /// For messages: `string or null`.
    pub(super) fn describe(self) -> String {
        const NAMES: [(Types, &str); 7] = [
            (Types(4 | 8), "number"),
            (Types(4), "integer"),
            (Types(16), "string"),
            (Types(2), "boolean"),
            (Types(32), "array"),
            (Types(64), "object"),
            (Types(1), "null"),
        ];
        if self == Self::ANY {
            return "anything".to_owned();
        }
        let mut left = self;
        let mut names = Vec::new();
        for (types, name) in NAMES {
            if types.within(left) {
                names.push(name);
                left = left.without(types);
            }
        }
        names.join(" or ")
    }
}

/// A value known before the query runs.
#[derive(Clone, Debug)]
pub(super) enum Constant<'a> {
    Null,
    Bool(bool),
    Integer(i64),
    Double(f64),
    String(Cow<'a, str>),
    /// A bind value or a part of one. Whoever looks at the value has to say so (`Analysis::known`): the verdict then
    /// depends on it.
    Bind {
        bind: u32,
        json: &'a Json,
    },
    /// Some element of a bound array, or what stands at a path of each.
    ElementOf {
        bind: u32,
        json: &'a Json,
        path: Path<'a>,
    },
}

/// What the elements of a bound array hold at a path; `None` where that is not plain to see.
pub(super) fn each_element<'a>(json: &'a Json, path: &Path<'a>) -> Option<Vec<&'a Json>> {
    static NULL: Json = Json::Null;
    let Json::Array(elements) = json else {
        return Some(Vec::new());
    };
    let names = path.names()?;
    elements
        .iter()
        .map(|element| {
            names.iter().try_fold(element, |json, name| match json {
                Json::Object(members) => Some(members.get(name.as_ref()).unwrap_or(&NULL)),
                // A subscript may be a position there.
                Json::Array(_) => None,
                _ => Some(&NULL),
            })
        })
        .collect()
}

impl Constant<'_> {
    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(left), Self::Bool(right)) => left == right,
            (Self::Integer(left), Self::Integer(right)) => left == right,
            (Self::String(left), Self::String(right)) => left == right,
            (Self::Bind { json: left, .. }, Self::Bind { json: right, .. }) => std::ptr::eq(*left, *right),
            (
                Self::ElementOf {
                    json: left, path: at, ..
                },
                Self::ElementOf { json: right, path, .. },
            ) => std::ptr::eq(*left, *right) && at.same(path),
            _ => false,
        }
    }
}

/// Names from the document's root down to a part of it; `None` stands for the elements of an array.
#[derive(Clone, Debug, Default)]
pub(super) struct Path<'a>(Option<Rc<Segment<'a>>>);

#[derive(Debug)]
struct Segment<'a> {
    parent: Path<'a>,
    name: Option<Cow<'a, str>>,
    length: u16,
}

impl<'a> Path<'a> {
    pub(super) fn root() -> Self {
        Self(None)
    }

    pub(super) fn is_root(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn attribute(&self, name: Cow<'a, str>) -> Self {
        Self(Some(Rc::new(Segment {
            parent: self.clone(),
            name: Some(name),
            length: self.length().saturating_add(1),
        })))
    }

    pub(super) fn element(&self) -> Self {
        Self(Some(Rc::new(Segment {
            parent: self.clone(),
            name: None,
            length: self.length().saturating_add(1),
        })))
    }

    /// How many steps it takes from the root.
    pub(super) fn length(&self) -> u16 {
        self.0.as_ref().map_or(0, |segment| segment.length)
    }

    /// Its names from the root down; `None` where it passes elements of an array.
    fn names(&self) -> Option<Vec<&Cow<'a, str>>> {
        let mut names = Vec::new();
        let mut at = self;
        while let Some(segment) = &at.0 {
            names.push(segment.name.as_ref()?);
            at = &segment.parent;
        }
        names.reverse();
        Some(names)
    }

    fn same(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(left), Some(right)) => {
                Rc::ptr_eq(left, right) || (left.name == right.name && left.parent.same(&right.parent))
            }
            _ => false,
        }
    }

    /// The attribute's name, for an attribute of the document itself.
    pub(super) fn top_level(&self) -> Option<&str> {
        let segment = self.0.as_ref()?;
        if segment.parent.is_root() {
            segment.name.as_deref()
        } else {
            None
        }
    }

    /// `a.b`, `a[*].b`, `*` for the root; a name that is no plain identifier stands in backticks.
    pub(super) fn display(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        if text.is_empty() { "*".to_owned() } else { text }
    }

    fn write(&self, text: &mut String) {
        let Some(segment) = &self.0 else { return };
        segment.parent.write(text);
        match &segment.name {
            None => text.push_str("[*]"),
            Some(name) => {
                if !text.is_empty() {
                    text.push('.');
                }
                push_name(text, name);
            }
        }
    }
}

/// Appends an attribute name, quoted where it could be taken for a path.
pub(super) fn push_name(text: &mut String, name: &str) {
    if !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80)
    {
        text.push_str(name);
    } else {
        text.push('`');
        text.push_str(&name.replace('\\', "\\\\").replace('`', "\\`"));
        text.push('`');
    }
}

/// A part of the documents of a collection: a whole document, or what stands at a path of it.
#[derive(Clone, Debug)]
pub(super) struct Part<'a> {
    /// Index into the analysis' table of sources.
    pub(super) source: u32,
    pub(super) path: Path<'a>,
    pub(super) shape: &'a Shape,
    /// Whether it may be absent (and so give null) although the document is there.
    pub(super) optional: bool,
    /// Whether the user may read the collection at all. `OLD` and `NEW` exist without that right.
    pub(super) permitted: bool,
}

impl Part<'_> {
    pub(super) fn same(&self, other: &Self) -> bool {
        self.source == other.source
            && std::ptr::eq(self.shape, other.shape)
            && self.optional == other.optional
            && self.permitted == other.permitted
            && self.path.same(&other.path)
    }

    pub(super) fn types(&self) -> Types {
        let types = Types::of_shape(self.shape);
        if self.optional { types.or(Types::NULL) } else { types }
    }
}

/// A number that is computed, and between which others it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Number {
    pub(super) whole: bool,
    pub(super) bounds: Bounds,
    /// The same, given that stored numbers are such as applications have. Both ends are finite.
    pub(super) ordinary: Bounds,
}

/// The abstract value of an expression.
#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    /// Computed from constants and from content that was read.
    Plain(Types),
    /// A string that begins with this collection's name and a slash: an id there, whatever follows.
    IdIn(Cow<'a, str>),
    /// A number that was computed.
    Number(Number),
    /// A time as `DATE_ISO8601` writes it, from 1970 to 2999: `2026-01-02T03:04:05.678Z`.
    Time,
    /// Known before the query runs.
    Constant(Constant<'a>),
    /// Stored content.
    Part(Part<'a>),
    /// An array whose elements are known one by one.
    Array(Rc<Array<'a>>),
    /// An array of any length whose elements all are like this one.
    List(Rc<List<'a>>),
    /// An object.
    Object(Rc<Object<'a>>),
    /// One of these; none of them is a union.
    Union(Rc<Union<'a>>),
}

/// What is asked often of a compound value, kept beside it: values share parts, so that looking through one can take
/// exponential time.
#[derive(Clone, Copy, Debug)]
struct Facts {
    depth: u16,
    content: bool,
}

#[derive(Debug)]
pub(super) struct Array<'a> {
    pub(super) elements: Vec<Value<'a>>,
    facts: Facts,
}

#[derive(Debug)]
pub(super) struct List<'a> {
    pub(super) element: Value<'a>,
    facts: Facts,
}

#[derive(Debug)]
pub(super) struct Object<'a> {
    pub(super) members: Vec<Member<'a>>,
    /// Objects that give the attributes that `members` does not name.
    pub(super) rest: Vec<Rest<'a>>,
    /// Whether it may also hold attributes of any name whose values are plain.
    pub(super) open: bool,
    /// Whether it is the path of a traversal, whose attributes everybody knows: another one is a mistake.
    pub(super) path: bool,
    facts: Facts,
}

impl Object<'_> {
    /// Whether the object has the members of this literal, in this order, and nothing else.
    pub(super) fn is_written_out(&self, literal: &[aql::Member<'_>]) -> bool {
        let same = |(written, member): (&aql::Member<'_>, &Member<'_>)| match &written.key {
            MemberKey::Name(name) => name.text == member.name,
            MemberKey::Bind(_) | MemberKey::Computed(_) => false,
        };
        self.rest.is_empty()
            && !self.open
            && literal.len() == self.members.len()
            && literal.iter().zip(&self.members).all(same)
    }
}

/// A known attribute of an object.
#[derive(Clone, Debug)]
pub(super) struct Member<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) value: Value<'a>,
    /// Whether the object may lack it.
    pub(super) optional: bool,
}

/// All attributes of a value but some.
#[derive(Clone, Debug)]
pub(super) struct Rest<'a> {
    pub(super) value: Value<'a>,
    pub(super) without: Vec<Cow<'a, str>>,
}

#[derive(Debug)]
pub(super) struct Union<'a> {
    pub(super) alternatives: Vec<Value<'a>>,
    facts: Facts,
}

impl<'a> Value<'a> {
    pub(super) const NULL: Self = Self::Constant(Constant::Null);
    pub(super) const ANY: Self = Self::Plain(Types::ANY);

    pub(super) fn array(elements: Vec<Self>) -> Self {
        let facts = Facts::over(elements.iter());
        Self::Array(Rc::new(Array { elements, facts }))
    }

    pub(super) fn list(element: Self) -> Self {
        let facts = Facts::over(std::iter::once(&element));
        Self::List(Rc::new(List { element, facts }))
    }

    pub(super) fn object(members: Vec<Member<'a>>, rest: Vec<Rest<'a>>, open: bool) -> Self {
        Self::object_or_path(members, rest, open, false)
    }

    /// The path of a traversal.
    pub(super) fn path(members: Vec<Member<'a>>) -> Self {
        Self::object_or_path(members, Vec::new(), false, true)
    }

    fn object_or_path(members: Vec<Member<'a>>, rest: Vec<Rest<'a>>, open: bool, path: bool) -> Self {
        let facts = Facts::over(
            members
                .iter()
                .map(|member| &member.value)
                .chain(rest.iter().map(|rest| &rest.value)),
        );
        Self::Object(Rc::new(Object {
            members,
            rest,
            open,
            path,
            facts,
        }))
    }

    /// One of these values.
    pub(super) fn union(values: impl IntoIterator<Item = Self>) -> Self {
        let mut alternatives: Vec<Self> = Vec::new();
        for value in values {
            match value {
                Self::Union(union) => union
                    .alternatives
                    .iter()
                    .for_each(|value| push_alternative(&mut alternatives, value.clone())),
                value => push_alternative(&mut alternatives, value),
            }
        }
        match alternatives.len() {
            0 => Self::NULL,
            1 => alternatives.swap_remove(0),
            _ => {
                let facts = Facts::over(alternatives.iter());
                Self::Union(Rc::new(Union { alternatives, facts }))
            }
        }
    }

    /// The values that it may be, one by one.
    pub(super) fn alternatives(&self) -> &[Self] {
        match self {
            Self::Union(union) => &union.alternatives,
            single => std::slice::from_ref(single),
        }
    }

    /// How deep it nests.
    pub(super) fn depth(&self) -> u16 {
        self.facts().depth
    }

    /// Whether stored content that was not read yet may be in it.
    pub(super) fn is_content(&self) -> bool {
        self.facts().content
    }

    fn facts(&self) -> Facts {
        match self {
            Self::Plain(_) | Self::IdIn(_) | Self::Number(_) | Self::Time | Self::Constant(_) => Facts {
                depth: 0,
                content: false,
            },
            Self::Part(_) => Facts {
                depth: 0,
                content: true,
            },
            Self::Array(array) => array.facts,
            Self::List(list) => list.facts,
            Self::Object(object) => object.facts,
            Self::Union(union) => union.facts,
        }
    }

    /// The types that it may have, as far as they are known without looking at bind values.
    pub(super) fn types(&self) -> Types {
        match self {
            Self::Plain(types) => *types,
            Self::IdIn(_) | Self::Time => Types::STRING,
            Self::Number(number) if number.whole => Types::INTEGER,
            Self::Number(_) => Types::NUMBER,
            Self::Constant(constant) => match constant {
                Constant::Null => Types::NULL,
                Constant::Bool(_) => Types::BOOL,
                Constant::Integer(_) => Types::INTEGER,
                Constant::Double(value) if value.fract() == 0.0 => Types::INTEGER,
                Constant::Double(_) => Types::NUMBER,
                Constant::String(_) => Types::STRING,
                Constant::Bind { .. } | Constant::ElementOf { .. } => Types::ANY,
            },
            Self::Part(part) => part.types(),
            Self::Array(_) | Self::List(_) => Types::ARRAY,
            Self::Object(_) => Types::OBJECT,
            Self::Union(union) => union
                .alternatives
                .iter()
                .fold(Types(0), |all, value| all.or(value.types())),
        }
    }
}

impl Facts {
    fn over<'v, 'a: 'v>(values: impl Iterator<Item = &'v Value<'a>>) -> Self {
        let below = values.map(Value::facts).fold(
            Self {
                depth: 0,
                content: false,
            },
            |all, facts| Self {
                depth: all.depth.max(facts.depth),
                content: all.content || facts.content,
            },
        );
        Self {
            depth: below.depth.saturating_add(1),
            content: below.content,
        }
    }
}

fn push_alternative<'a>(alternatives: &mut Vec<Value<'a>>, value: Value<'a>) {
    let known = alternatives
        .iter_mut()
        .take(FEW)
        .any(|present| match (present, &value) {
            (Value::Plain(present), Value::Plain(types)) => {
                *present = present.or(*types);
                true
            }
            (Value::Number(present), Value::Number(number)) => present == number,
            (Value::Time, Value::Time) => true,
            (Value::Part(present), Value::Part(part)) => present.same(part),
            (Value::Constant(present), Value::Constant(constant)) => present.same(constant),
            (Value::Array(present), Value::Array(array)) => Rc::ptr_eq(present, array),
            (Value::List(present), Value::List(list)) => Rc::ptr_eq(present, list),
            (Value::Object(present), Value::Object(object)) => Rc::ptr_eq(present, object),
            _ => false,
        });
    if !known {
        alternatives.push(value);
    }
}
