//! The attributes of a document as far as its JSON Schema tells: which exist, who may learn them, who may set them.
//!
//! INVARIANT: a shape errs on the side of safety. An attribute is hidden when any part of the schema says so, and one
//! that a shape does not have is none that the schema lets clients use.

use std::collections::{BTreeMap, BTreeSet};

use super::model::RoleSet;
use super::takes::Takes;
use super::validator::Pattern;

/// The attributes of a value.
///
/// The shape of a JSON Schema is the union over its `anyOf`/`oneOf` branches and the meeting of its `allOf` parts.
/// A recursive schema is unrolled a few levels deep. Below them an attribute does not exist, and the deepest level is
/// hidden as a whole where anything in the recursion is hidden.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// Who may learn the value.
    pub read: Access,
    /// Who may set the value.
    pub write: Access,
    /// Attributes of an object, by name; complete, with what `patternProperties` adds to them.
    pub attributes: BTreeMap<String, Shape>,
    /// Attributes by regular expression (`patternProperties`), for names that are not in `attributes`.
    pub patterns: Vec<(Pattern, Shape)>,
    /// What holds for a name that more than one pattern matches: the meeting of all patterns.
    pub overlap: Option<Box<Shape>>,
    /// What holds for any other attribute.
    pub others: Others,
    /// Elements of an array; `None` where the schema says nothing of them: then they are open.
    pub items: Option<Box<Shape>>,
    /// Attributes that must be present.
    pub required: BTreeSet<String>,
    /// The JSON types that the value may have; empty: any. `Number` includes `Integer` without naming it.
    pub types: BTreeSet<JsonType>,
    /// Whether the schema says more of the value itself than this shape tells (`enum`, `pattern`, `minimum`,
    /// `minItems`, `oneOf`, `if` …), so that a value may have these types and attributes and still be invalid.
    pub constrained: bool,
    /// What of computed values it takes all the same.
    pub takes: Takes,
}

/// What a schema says of the attributes that it does not name.
#[derive(Debug, Clone, PartialEq)]
pub enum Others {
    /// They do not exist (`additionalProperties: false`).
    Absent,
    /// They are open: everybody that may reach the document may read and write them, whatever they hold.
    Open,
    /// They all have this shape.
    Like(Box<Shape>),
}

/// Who may do a thing with an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Everybody that may reach the document.
    Everybody,
    /// Nobody: `writeOnly` for reading, `readOnly` for writing.
    Nobody,
    /// The members of these roles only.
    Roles(BTreeSet<String>),
}

/// The types of JSON, `integer` included as JSON Schema has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the variants are JSON Schema's own words")]
pub enum JsonType {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

/// The attributes that ArangoDB gives every document; `_from` and `_to` those of an edge collection.
pub const SYSTEM_ATTRIBUTES: [&str; 5] = ["_key", "_id", "_rev", "_from", "_to"];

static OPEN: Shape = Shape::open();

impl Shape {
    /// A value that may be anything and hides nothing.
    pub const fn open() -> Self {
        Self {
            read: Access::Everybody,
            write: Access::Everybody,
            attributes: BTreeMap::new(),
            patterns: Vec::new(),
            overlap: None,
            others: Others::Open,
            items: None,
            required: BTreeSet::new(),
            types: BTreeSet::new(),
            constrained: false,
            takes: Takes::ALL,
        }
    }

    /// The shape of the attribute with this name; `None`: the schema has no such attribute.
    pub fn attribute(&self, name: &str) -> Option<&Self> {
        if let Some(named) = self.attributes.get(name) {
            return Some(named);
        }
        let mut matching = self.patterns.iter().filter(|(pattern, _)| pattern.matches(name));
        match (matching.next(), matching.next()) {
            (Some((_, shape)), None) => Some(shape),
            (Some((_, shape)), Some(_)) => Some(self.overlap.as_deref().unwrap_or(shape)),
            (None, _) => match &self.others {
                Others::Absent => None,
                Others::Open => Some(&OPEN),
                Others::Like(shape) => Some(shape),
            },
        }
    }

    /// The shape of the elements, where the value is an array.
    pub fn element(&self) -> &Self {
        self.items.as_deref().unwrap_or(&OPEN)
    }

    /// Every shape directly below this one: attributes, elements, the unnamed.
    pub fn children(&self) -> impl Iterator<Item = &Self> {
        let others = match &self.others {
            Others::Like(shape) => Some(&**shape),
            Others::Absent | Others::Open => None,
        };
        self.attributes
            .values()
            .chain(self.patterns.iter().map(|(_, shape)| shape))
            .chain(self.overlap.as_deref())
            .chain(self.items.as_deref())
            .chain(others)
    }

    /// Whether somebody with these roles may read the value with everything in it.
    pub fn readable(&self, roles: &RoleSet) -> bool {
        self.read.admits(roles) && self.children().all(|child| child.readable(roles))
    }

    /// Whether somebody with these roles may set the value with everything in it.
    pub fn writable(&self, roles: &RoleSet) -> bool {
        self.write.admits(roles) && self.children().all(|child| child.writable(roles))
    }

    /// The paths of the topmost parts that somebody with these roles may not read, in order: `a.b`, `a[*].b`,
    /// `a./regex/` for a pattern, `a.*` for unnamed attributes. A value hidden as a whole gives one empty path.
    pub fn hidden_paths(&self, roles: &RoleSet) -> Vec<String> {
        let mut paths = Vec::new();
        self.collect(&|shape| shape.read.admits(roles), "", &mut paths);
        paths
    }

    /// The paths of the topmost parts that somebody with these roles may not set, written as those of
    /// [`Self::hidden_paths`].
    pub fn read_only_paths(&self, roles: &RoleSet) -> Vec<String> {
        let mut paths = Vec::new();
        self.collect(&|shape| shape.write.admits(roles), "", &mut paths);
        paths
    }

    /// Collects the paths of the topmost parts that are not `admitted`.
    fn collect(&self, admitted: &dyn Fn(&Self) -> bool, at: &str, paths: &mut Vec<String>) {
        if !admitted(self) {
            paths.push(at.to_owned());
            return;
        }
        let below = |name: &str| {
            if at.is_empty() {
                name.to_owned()
            } else {
                format!("{at}.{name}")
            }
        };
        for (name, shape) in &self.attributes {
            shape.collect(admitted, &below(name), paths);
        }
        for (pattern, shape) in &self.patterns {
            shape.collect(admitted, &below(&format!("/{}/", pattern.source())), paths);
        }
        if let Others::Like(shape) = &self.others {
            shape.collect(admitted, &below("*"), paths);
        }
        if let Some(shape) = &self.items {
            shape.collect(admitted, &format!("{at}[*]"), paths);
        }
    }

    /// Whether the value may be of this type. A number without fraction is an integer too.
    pub fn may_be(&self, wanted: JsonType) -> bool {
        self.types.is_empty()
            || self.types.contains(&wanted)
            || (wanted == JsonType::Integer && self.types.contains(&JsonType::Number))
    }
}

impl Access {
    /// Whether somebody with these roles is let in.
    pub fn admits(&self, roles: &RoleSet) -> bool {
        match self {
            Self::Everybody => true,
            Self::Nobody => false,
            Self::Roles(admitted) => admitted.iter().any(|role| roles.contains(role)),
        }
    }
}

impl JsonType {
    /// Every type.
    pub const ALL: [Self; 7] = [
        Self::Null,
        Self::Boolean,
        Self::Integer,
        Self::Number,
        Self::String,
        Self::Array,
        Self::Object,
    ];

    /// Its name in JSON Schema.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
        }
    }
}
