//! A JSON value with ArangoDB's order, equality and conversions.
//!
//! Values are shared, never copied deeply: cloning one costs a reference count. An object or array that came out of a
//! stored document while an access trace is wanted knows where it came from ([`Origin`]); without a trace there is no
//! origin and no cost.

mod json;
mod number;
mod order;

pub(crate) use number::{f64_to_i64, format_double, parse_number};
pub(crate) use order::{ByValue, compare, digest, equal};

use std::sync::Arc;

/// A name or string, shared.
pub type Text = Arc<str>;

/// A JSON value.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// `null`, and every attribute that does not exist.
    #[default]
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A whole number within 64 bits.
    Int(i64),
    /// Any other number; always finite.
    Double(f64),
    /// A string.
    String(Text),
    /// An array.
    Array(Arc<Array>),
    /// An object.
    Object(Arc<Object>),
}

/// The part of a stored document that a value is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The collection.
    pub collection: Text,
    /// The attribute names from the document to the value; [`ELEMENT`] for a step into an array.
    pub path: Vec<Text>,
}

/// The path step from an array to an element of it.
pub const ELEMENT: &str = "[*]";

/// The elements of an array.
#[derive(Clone, Debug, Default)]
pub struct Array {
    pub(crate) items: Vec<Value>,
    pub(crate) origin: Option<Arc<Origin>>,
}

/// The attributes of an object, in the order in which they were set.
#[derive(Clone, Debug, Default)]
pub struct Object {
    entries: Vec<(Text, Value)>,
    pub(crate) origin: Option<Arc<Origin>>,
    /// Where single attributes came from that have no mark of their own, when the object itself has none (`MERGE`, `KEEP`).
    taken: Vec<(Text, Origin)>,
}

impl Object {
    /// An empty object.
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            entries: Vec::with_capacity(capacity),
            origin: None,
            taken: Vec::new(),
        }
    }

    /// The attribute's value, where there is one.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.entries
            .iter()
            .find(|(key, _)| &**key == name)
            .map(|(_, value)| value)
    }

    /// Sets an attribute; an existing one keeps its place.
    pub fn set(&mut self, name: impl Into<Text>, value: Value) {
        let name = name.into();
        self.taken.retain(|(taken, _)| *taken != name);
        match self.entries.iter_mut().find(|(key, _)| *key == name) {
            Some((_, old)) => *old = value,
            None => self.entries.push((name, value)),
        }
    }

    /// Sets an attribute to that of another object, which stays the part of a stored document that it is.
    pub(crate) fn take_over(&mut self, from: &Object, name: &Text, value: &Value) {
        self.set(name.clone(), value.clone());
        if value.origin().is_none()
            && let Some(origin) = from.origin_of(name)
        {
            self.taken.push((name.clone(), origin));
        }
    }

    /// The place in a stored document that an attribute came from.
    pub(crate) fn origin_of(&self, name: &str) -> Option<Origin> {
        if let Some(origin) = &self.origin {
            let mut path = origin.path.clone();
            path.push(Text::from(name));
            let collection = origin.collection.clone();
            return Some(Origin { collection, path });
        }
        let taken = self.taken.iter().find(|(taken, _)| &**taken == name)?;
        Some(taken.1.clone())
    }

    /// Adds an attribute that is known to be new.
    pub(crate) fn push(&mut self, name: Text, value: Value) {
        self.entries.push((name, value));
    }

    /// Removes an attribute and returns its value.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        let index = self.entries.iter().position(|(key, _)| &**key == name)?;
        Some(self.entries.remove(index).1)
    }

    /// Name and value of each attribute, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Text, &Value)> + DoubleEndedIterator {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    /// How many attributes there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl FromIterator<(Text, Value)> for Object {
    fn from_iter<I: IntoIterator<Item = (Text, Value)>>(entries: I) -> Self {
        let mut object = Object::new();
        for (name, value) in entries {
            object.set(name, value);
        }
        object
    }
}

impl Value {
    /// A string.
    pub fn string(text: impl Into<Text>) -> Self {
        Value::String(text.into())
    }

    /// An array of these elements.
    pub fn array(items: Vec<Value>) -> Self {
        Value::Array(Arc::new(Array { items, origin: None }))
    }

    /// An object.
    pub fn object(object: Object) -> Self {
        Value::Object(Arc::new(object))
    }

    /// A finite number, or `null` as ArangoDB makes of every other result.
    pub(crate) fn number(number: f64) -> Self {
        if number.is_finite() {
            Value::Double(if number == 0.0 { 0.0 } else { number })
        } else {
            Value::Null
        }
    }

    pub(crate) fn count(count: usize) -> Self {
        Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    pub(crate) fn is_number(&self) -> bool {
        matches!(self, Value::Int(_) | Value::Double(_))
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The elements of an array.
    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Value::Array(array) => Some(&array.items),
            _ => None,
        }
    }

    /// The attributes of an object.
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The attribute of an object, where both are there.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.as_object()?.get(name)
    }

    /// The attribute of an object, else `null`.
    pub(crate) fn attribute(&self, name: &str) -> Value {
        self.get(name).cloned().unwrap_or_default()
    }

    /// The text of a string attribute of an object.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// AQL's truth of a value: `false`, `null`, zero and the empty string are false.
    pub fn is_true(&self) -> bool {
        match self {
            Value::Null => false,
            Value::Bool(value) => *value,
            Value::Int(value) => *value != 0,
            Value::Double(value) => *value != 0.0,
            Value::String(text) => !text.is_empty(),
            Value::Array(_) | Value::Object(_) => true,
        }
    }

    /// ArangoDB's name of the type, as `TYPENAME` gives it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Int(_) | Value::Double(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        }
    }

    /// The number that AQL takes the value for in arithmetic: `TO_NUMBER` without its `null`.
    pub fn to_f64(&self) -> f64 {
        match self {
            #[allow(clippy::cast_precision_loss, reason = "ArangoDB computes with doubles here as well")]
            Value::Int(value) => *value as f64,
            Value::Double(value) => *value,
            _ => match self.to_number() {
                #[allow(clippy::cast_precision_loss, reason = "ArangoDB computes with doubles here as well")]
                Value::Int(value) => value as f64,
                Value::Double(value) => value,
                _ => 0.0,
            },
        }
    }

    /// `TO_NUMBER`.
    #[must_use]
    pub fn to_number(&self) -> Value {
        match self {
            Value::Null | Value::Object(_) => Value::Int(0),
            Value::Bool(value) => Value::Int(i64::from(*value)),
            Value::Int(_) | Value::Double(_) => self.clone(),
            Value::String(text) => parse_number(text).unwrap_or(Value::Int(0)),
            Value::Array(array) => match array.items.as_slice() {
                [only] => only.to_number(),
                _ => Value::Int(0),
            },
        }
    }

    /// A whole number, cut towards zero, clamped to 64 bits.
    pub(crate) fn to_i64(&self) -> i64 {
        match self {
            Value::Int(value) => *value,
            _ => f64_to_i64(self.to_f64()),
        }
    }

    /// A size or count: a whole number, negative ones being zero.
    pub(crate) fn to_usize(&self) -> usize {
        usize::try_from(self.to_i64().max(0)).unwrap_or(usize::MAX)
    }

    /// `TO_STRING`.
    pub fn to_text(&self) -> Text {
        match self {
            Value::Null => Text::from(""),
            Value::Bool(value) => Text::from(if *value { "true" } else { "false" }),
            Value::Int(value) => Text::from(value.to_string()),
            Value::Double(value) => Text::from(format_double(*value)),
            Value::String(text) => text.clone(),
            Value::Array(_) | Value::Object(_) => Text::from(self.to_json_text()),
        }
    }

    /// `TO_ARRAY`.
    pub(crate) fn to_list(&self) -> Vec<Value> {
        match self {
            Value::Null => Vec::new(),
            Value::Array(array) => array.items.clone(),
            Value::Object(object) => object.entries.iter().map(|(_, value)| value.clone()).collect(),
            scalar => vec![scalar.clone()],
        }
    }

    /// The same value, every object and array of it marked with its place in a stored document.
    pub(crate) fn marked(&self, origin: &Origin) -> Value {
        let below = |step: &Text, value: &Value| match value {
            Value::Array(_) | Value::Object(_) => {
                let mut path = origin.path.clone();
                path.push(step.clone());
                value.marked(&Origin {
                    collection: origin.collection.clone(),
                    path,
                })
            }
            scalar => scalar.clone(),
        };
        match self {
            Value::Array(array) => {
                let step = Text::from(ELEMENT);
                let items = array.items.iter().map(|item| below(&step, item)).collect();
                Value::Array(Arc::new(Array {
                    items,
                    origin: Some(Arc::new(origin.clone())),
                }))
            }
            Value::Object(object) => {
                let entries = object
                    .entries
                    .iter()
                    .map(|(name, value)| (name.clone(), below(name, value)))
                    .collect();
                Value::Object(Arc::new(Object {
                    entries,
                    origin: Some(Arc::new(origin.clone())),
                    taken: Vec::new(),
                }))
            }
            scalar => scalar.clone(),
        }
    }

    /// The same value without marks, as it is stored.
    pub(crate) fn unmarked(&self) -> Value {
        match self {
            Value::Array(array) => Value::array(array.items.iter().map(Value::unmarked).collect()),
            Value::Object(object) => Value::object(Object {
                entries: object
                    .entries
                    .iter()
                    .map(|(name, value)| (name.clone(), value.unmarked()))
                    .collect(),
                origin: None,
                taken: Vec::new(),
            }),
            scalar => scalar.clone(),
        }
    }

    pub(crate) fn origin(&self) -> Option<&Arc<Origin>> {
        match self {
            Value::Array(array) => array.origin.as_ref(),
            Value::Object(object) => object.origin.as_ref(),
            _ => None,
        }
    }
}

/// AQL's equality: `1 == 1.0`, and an attribute that is `null` is the same as none.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        equal(self, other)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::string(value)
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Value::string(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Int(value)
    }
}
