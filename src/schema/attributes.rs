//! From a checked JSON Schema to the [`Shape`] of its documents.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::Draft;
use serde_json::Value;

use super::json::{Json, Node};
use super::keywords::{Schema, resolve};
use super::shape::{Access, JsonType, Others, Shape};
use super::takes::Takes;
use super::validator::Pattern;
use super::vocabulary::{Holds, keyword};

/// How many times a recursive definition may be inside itself, and at how many shapes less has to do.
const LEVELS: usize = 4;
const COMFORTABLE: usize = 2_000;
/// More shapes than a collection's schema may have.
const MOST: usize = 50_000;

/// The shape of the documents; `None`: the schema is too large, its definitions multiply each other.
pub(super) fn shape(schema: &Schema<'_>) -> Option<Shape> {
    let build = |levels: usize| {
        let mut builder = Builder {
            schema,
            levels,
            open: Vec::new(),
            count: 0,
            cut: false,
            conditions: 0,
        };
        let shape = builder.shape(schema.root);
        (shape, builder)
    };
    for levels in (2..=LEVELS).rev() {
        let (shape, built) = build(levels);
        if !built.cut {
            return (built.count <= MOST).then_some(shape);
        }
        if built.count <= COMFORTABLE {
            return Some(shape);
        }
    }
    let (shape, built) = build(1);
    (built.count <= MOST).then_some(shape)
}

struct Builder<'b, 's> {
    schema: &'b Schema<'s>,
    levels: usize,
    /// The references that are being followed, innermost last.
    open: Vec<*const Node>,
    count: usize,
    /// Whether a recursion was cut.
    cut: bool,
    /// How many conditions (`if`, `then`, `not` …) are around the schema that is read.
    conditions: usize,
}

impl<'s> Builder<'_, 's> {
    fn shape(&mut self, node: &'s Node) -> Shape {
        self.count += 1;
        if self.count > MOST {
            return sealed(false, false);
        }
        match node.value {
            Json::Object(_) => {}
            // `false`: no value is valid, so that none may be written. In a condition it says that only of some cases.
            Json::Bool(false) if self.conditions == 0 => return sealed(false, true),
            _ => return Shape::open(),
        }
        let mut shape = self.own(node);
        self.beside(node, &mut shape);
        if let Some(target) = node
            .get("$ref")
            .and_then(Node::text)
            .and_then(|to| resolve(self.schema.root, to))
        {
            let target = self.follow(target);
            shape = meet(&shape, &target);
        }
        for part in node.get("allOf").map(Node::elements).unwrap_or_default() {
            let part = self.shape(part);
            shape = meet(&shape, &part);
        }
        for key in ["anyOf", "oneOf"] {
            let branches: Vec<Shape> = node
                .get(key)
                .map(Node::elements)
                .unwrap_or_default()
                .iter()
                .map(|branch| self.shape(branch))
                .collect();
            if let Some(union) = branches.into_iter().reduce(|left, right| union(&left, &right)) {
                shape = meet(&shape, &union);
            }
        }
        // Conditions restrict a value in ways that a shape cannot say, but what they hide is hidden.
        for member in node.members() {
            let Some(condition) = keyword(&member.key).filter(|keyword| keyword.in_place && keyword.constrains) else {
                continue;
            };
            let parts: Vec<&Node> = match condition.holds {
                Holds::Map => member.value.members().iter().map(|member| &member.value).collect(),
                _ => vec![&member.value],
            };
            for part in parts {
                self.conditions += 1;
                let relaxed = relax(&self.shape(part));
                self.conditions -= 1;
                shape = meet(&shape, &relaxed);
                shape.constrained = true;
                shape.takes = Takes::NOTHING;
            }
        }
        self.limit_parts(node, &mut shape);
        if matches!(
            node.get("unevaluatedProperties").map(|node| &node.value),
            Some(Json::Bool(false))
        ) && !self.evaluates_others(node, &mut BTreeSet::new())
        {
            shape.others = Others::Absent;
        }
        shape
    }

    /// What keywords say of access that speak of parts of a value which other keywords, or the value itself, choose: it
    /// holds for every part that may be meant.
    fn limit_parts(&mut self, node: &'s Node, shape: &mut Shape) {
        let parts = ["contains", "unevaluatedItems", "additionalItems"]
            .into_iter()
            .filter_map(|key| node.get(key))
            .chain(node.get("prefixItems").map(Node::elements).unwrap_or_default());
        for part in parts {
            if let Some(limits) = self.limits(part) {
                let items = shape
                    .items
                    .as_deref()
                    .map_or_else(|| limits.clone(), |items| meet(items, &limits));
                shape.items = Some(Box::new(items));
            }
        }
        if let Some(limits) = node.get("unevaluatedProperties").and_then(|part| self.limits(part)) {
            let named = node.get("properties");
            for (name, attribute) in &mut shape.attributes {
                if named.is_none_or(|named| named.get(name).is_none()) {
                    *attribute = meet(attribute, &limits);
                }
            }
            match &mut shape.others {
                Others::Absent => {}
                others @ Others::Open => *others = Others::Like(Box::new(limits)),
                Others::Like(others) => **others = meet(others, &limits),
            }
        }
        // What is in a text, or the names of attributes, cannot be told apart from the value.
        for key in ["contentSchema", "propertyNames"] {
            let Some(part) = node.get(key) else { continue };
            let (hides, forbids) = self.restricts(part, &mut BTreeSet::new());
            if hides {
                shape.read = Access::Nobody;
            }
            if forbids {
                shape.write = Access::Nobody;
            }
        }
    }

    /// What a schema says of access alone; `None`: nothing.
    fn limits(&mut self, part: &'s Node) -> Option<Shape> {
        if self.restricts(part, &mut BTreeSet::new()) == (false, false) {
            return None;
        }
        self.conditions += 1;
        let limits = relax(&self.shape(part));
        self.conditions -= 1;
        Some(limits)
    }

    /// Whether a schema for the same value speaks of attributes that it does not name: to `unevaluatedProperties` these are
    /// evaluated, so it does not forbid them (JSON Schema 2020-12 core, section 11.3).
    fn evaluates_others(&self, node: &'s Node, seen: &mut BTreeSet<*const Node>) -> bool {
        if !seen.insert(node) {
            return false;
        }
        let speaks = |word| node.get(word).is_some_and(|of| !matches!(of.value, Json::Bool(false)));
        if speaks("additionalProperties") || speaks("unevaluatedProperties") {
            return true;
        }
        node.members().iter().any(|member| {
            let Some(word) = keyword(&member.key).filter(|word| word.in_place) else {
                let target = (member.key == "$ref").then(|| member.value.text()).flatten();
                let target = target.and_then(|to| resolve(self.schema.root, to));
                return target.is_some_and(|target| self.evaluates_others(target, seen));
            };
            match (&member.value.value, &word.holds) {
                (Json::Array(_), _) => member
                    .value
                    .elements()
                    .iter()
                    .any(|part| self.evaluates_others(part, seen)),
                (_, Holds::Map) => {
                    let parts = member.value.members();
                    parts.iter().any(|part| self.evaluates_others(&part.value, seen))
                }
                _ => self.evaluates_others(&member.value, seen),
            }
        })
    }

    /// What the node's own keywords say, without the schemas that it combines.
    fn own(&mut self, node: &'s Node) -> Shape {
        let mut shape = Shape::open();
        shape.read = access(node, "writeOnly", "readers");
        shape.write = access(node, "readOnly", "writers");
        shape.types = types(node);
        shape.constrained = node
            .members()
            .iter()
            .any(|member| keyword(&member.key).is_some_and(|word| word.constrains))
            // By position, as `prefixItems`.
            || node.get("items").is_some_and(|items| matches!(items.value, Json::Array(_)));
        shape.takes = Takes::of(node);
        shape.required = node
            .get("required")
            .map(Node::elements)
            .unwrap_or_default()
            .iter()
            .filter_map(Node::text)
            .filter(|name| !set_by_others(node, name))
            .map(str::to_owned)
            .collect();
        for member in node.get("properties").map(Node::members).unwrap_or_default() {
            let attribute = self.shape(&member.value);
            shape.attributes.insert(member.key.clone(), attribute);
        }
        for member in node.get("patternProperties").map(Node::members).unwrap_or_default() {
            let below = self.shape(&member.value);
            if let Ok(pattern) = Pattern::compile(&member.key, self.schema.draft) {
                for (_, attribute) in shape.attributes.iter_mut().filter(|(name, _)| pattern.matches(name)) {
                    *attribute = meet(attribute, &below);
                }
                shape.patterns.push((pattern, below));
            }
        }
        shape.overlap = overlap(&shape.patterns);
        shape.others = match node.get("additionalProperties").map(|node| (node, &node.value)) {
            None | Some((_, Json::Bool(true))) => Others::Open,
            Some((_, Json::Bool(false))) => Others::Absent,
            Some((others, _)) => Others::Like(Box::new(self.shape(others))),
        };
        shape.items = self.items(node);
        shape
    }

    /// What keywords hide or forbid that say little else of a value's attributes and elements.
    fn beside(&mut self, node: &'s Node, shape: &mut Shape) {
        let mut restricting = |key: &str| {
            let part = node.get(key)?;
            let (hides, forbids) = self.restricts(part, &mut BTreeSet::new());
            (hides || forbids).then(|| (relax(&self.shape(part)), hides, forbids))
        };
        // Elements that one of these speaks of are told from the others only by their content.
        for key in ["contains", "unevaluatedItems"] {
            if let Some((below, ..)) = restricting(key) {
                shape.items = Some(Box::new(meet(shape.element(), &below)));
            }
        }
        if let Some((below, ..)) = restricting("unevaluatedProperties") {
            shape.others = match &shape.others {
                Others::Absent => Others::Absent,
                Others::Open => Others::Like(Box::new(below)),
                Others::Like(others) => Others::Like(Box::new(meet(others, &below))),
            };
        }
        // What is in a text, and what attributes are called, cannot be taken out of it.
        for key in ["contentSchema", "propertyNames"] {
            if let Some((_, hides, forbids)) = restricting(key) {
                for (access, restricted) in [(&mut shape.read, hides), (&mut shape.write, forbids)] {
                    if restricted {
                        *access = Access::Nobody;
                    }
                }
            }
        }
    }

    /// One shape for all elements: positions are not told apart.
    fn items(&mut self, node: &'s Node) -> Option<Box<Shape>> {
        let items = node.get("items");
        let listed = items.filter(|items| matches!(items.value, Json::Array(_)));
        // By position, and the rest; the other dialect's words are none of this one's.
        let (positions, rest) = match (self.schema.draft, listed) {
            (Draft::Draft7, Some(listed)) => (listed.elements(), node.get("additionalItems")),
            (Draft::Draft7, None) => ([].as_slice(), items),
            (_, _) => (
                node.get("prefixItems").map(Node::elements).unwrap_or_default(),
                items.filter(|_| listed.is_none()),
            ),
        };
        let mut shapes: Vec<Shape> = positions
            .iter()
            .chain(rest)
            .filter(|part| !matches!(part.value, Json::Bool(false)))
            .map(|part| self.shape(part))
            .collect();
        // Elements after the positions that are listed are open, unless something is said of them.
        if !positions.is_empty() && rest.is_none() {
            shapes.push(Shape::open());
        }
        shapes
            .into_iter()
            .reduce(|left, right| union(&left, &right))
            .map(Box::new)
    }

    /// Follows a reference, a limited number of times into itself.
    fn follow(&mut self, target: &'s Node) -> Shape {
        let id = std::ptr::from_ref(target);
        if self.open.iter().filter(|open| **open == id).count() >= self.levels {
            self.cut = true;
            let (hides, forbids) = self.restricts(target, &mut BTreeSet::new());
            return sealed(hides, forbids);
        }
        self.open.push(id);
        let shape = self.shape(target);
        self.open.pop();
        shape
    }

    /// Whether anything reachable from the node is hidden from anybody, and whether anything is read-only.
    fn restricts(&self, node: &'s Node, seen: &mut BTreeSet<*const Node>) -> (bool, bool) {
        if !seen.insert(node) {
            return (false, false);
        }
        let mut hides = access(node, "writeOnly", "readers") != Access::Everybody;
        let mut forbids = access(node, "readOnly", "writers") != Access::Everybody;
        let mut parts = Vec::new();
        for member in node.members() {
            match keyword(&member.key).map_or(Holds::None, |keyword| keyword.holds) {
                Holds::None if member.key == "$ref" => {
                    parts.extend(member.value.text().and_then(|to| resolve(self.schema.root, to)));
                }
                Holds::None => {}
                Holds::One | Holds::OneOrList | Holds::List | Holds::Map => {
                    parts.push(&member.value);
                    parts.extend(member.value.elements());
                    parts.extend(member.value.members().iter().map(|member| &member.value));
                }
            }
        }
        for part in parts {
            let below = self.restricts(part, seen);
            (hides, forbids) = (hides || below.0, forbids || below.1);
        }
        (hides, forbids)
    }
}

/// Whether a schema names an attribute that nobody may write: what is read-only is not asked of those who write, though
/// `required` names it beside. Pydantic writes its computed fields so.
fn set_by_others(node: &Node, name: &str) -> bool {
    node.get("properties")
        .and_then(|properties| properties.get(name))
        .and_then(|property| property.get("readOnly"))
        .is_some_and(|flag| matches!(flag.value, Json::Bool(true)))
}

/// A value of which nothing is told but who may use it.
fn sealed(hides: bool, forbids: bool) -> Shape {
    let access = |denied: bool| if denied { Access::Nobody } else { Access::Everybody };
    let leaf = Shape {
        read: access(hides),
        write: access(forbids),
        others: Others::Absent,
        constrained: true,
        takes: Takes::NOTHING,
        ..Shape::open()
    };
    Shape {
        items: Some(Box::new(leaf.clone())),
        ..leaf
    }
}

fn access(node: &Node, flag: &str, list: &str) -> Access {
    if matches!(node.get(flag).map(|node| &node.value), Some(Json::Bool(true))) {
        return Access::Nobody;
    }
    match node.get("x-mallku").and_then(|extension| extension.get(list)) {
        Some(roles) => Access::Roles(
            roles
                .elements()
                .iter()
                .filter_map(Node::text)
                .map(str::to_owned)
                .collect(),
        ),
        None => Access::Everybody,
    }
}

/// The types that `type` names, or those of the values that `enum` and `const` list.
fn types(node: &Node) -> BTreeSet<JsonType> {
    let named = |word: &str| JsonType::ALL.into_iter().find(|known| known.name() == word);
    match node.get("type") {
        Some(list) if matches!(list.value, Json::Array(_)) => list
            .elements()
            .iter()
            .filter_map(Node::text)
            .filter_map(named)
            .collect(),
        Some(one) => one.text().and_then(named).into_iter().collect(),
        None => match (node.get("const"), node.get("enum")) {
            (Some(value), _) => BTreeSet::from([type_of(value)]),
            (None, Some(values)) => values.elements().iter().map(type_of).collect(),
            (None, None) => BTreeSet::new(),
        },
    }
}

fn type_of(node: &Node) -> JsonType {
    match node.to_value() {
        Value::Null => JsonType::Null,
        Value::Bool(_) => JsonType::Boolean,
        Value::Number(number) if number.is_f64() => JsonType::Number,
        Value::Number(_) => JsonType::Integer,
        Value::String(_) => JsonType::String,
        Value::Array(_) => JsonType::Array,
        Value::Object(_) => JsonType::Object,
    }
}

fn overlap(patterns: &[(Pattern, Shape)]) -> Option<Box<Shape>> {
    if patterns.len() < 2 {
        return None;
    }
    patterns
        .iter()
        .map(|(_, shape)| shape.clone())
        .reduce(|left, right| meet(&left, &right))
        .map(Box::new)
}

fn both(left: &Access, right: &Access) -> Access {
    match (left, right) {
        (Access::Nobody, _) | (_, Access::Nobody) => Access::Nobody,
        (Access::Everybody, other) | (other, Access::Everybody) => other.clone(),
        (Access::Roles(left), Access::Roles(right)) => {
            let common: BTreeSet<String> = left.intersection(right).cloned().collect();
            if common.is_empty() {
                Access::Nobody
            } else {
                Access::Roles(common)
            }
        }
    }
}

/// Whether anybody is kept from anything in it.
fn restricted(shape: &Shape) -> bool {
    shape.read != Access::Everybody || shape.children().any(restricted)
}

/// The shape of a value that keeps both schemas.
pub(super) fn meet(left: &Shape, right: &Shape) -> Shape {
    let mut attributes = BTreeMap::new();
    for name in left.attributes.keys().chain(right.attributes.keys()) {
        let attribute = match (left.attribute(name), right.attribute(name)) {
            (Some(left), Some(right)) => meet(left, right),
            // One part hides it and the other does not have it: it stays hidden, should a document hold it after all.
            (Some(one), None) | (None, Some(one)) if restricted(one) => Shape {
                read: Access::Nobody,
                write: Access::Nobody,
                ..one.clone()
            },
            _ => continue,
        };
        attributes.insert(name.clone(), attribute);
    }
    let mut patterns = Vec::new();
    for (one, other) in [(left, right), (right, left)] {
        for (pattern, shape) in &one.patterns {
            let shape = match &other.others {
                Others::Open => shape.clone(),
                Others::Like(rest) => meet(shape, rest),
                Others::Absent if other.patterns.is_empty() && !restricted(shape) => continue,
                Others::Absent => Shape {
                    read: Access::Nobody,
                    write: Access::Nobody,
                    ..shape.clone()
                },
            };
            if !patterns
                .iter()
                .any(|(known, known_shape)| known == pattern && *known_shape == shape)
            {
                patterns.push((pattern.clone(), shape));
            }
        }
    }
    let (types, possible) = common_types(&left.types, &right.types);
    Shape {
        read: both(&left.read, &right.read),
        write: both(&left.write, &right.write),
        attributes,
        overlap: overlap(&patterns),
        patterns,
        others: match (&left.others, &right.others) {
            (Others::Absent, _) | (_, Others::Absent) => Others::Absent,
            (Others::Open, other) | (other, Others::Open) => other.clone(),
            (Others::Like(left), Others::Like(right)) => Others::Like(Box::new(meet(left, right))),
        },
        items: match (&left.items, &right.items) {
            (None, other) | (other, None) => other.clone(),
            (Some(left), Some(right)) => Some(Box::new(meet(left, right))),
        },
        required: left.required.union(&right.required).cloned().collect(),
        types,
        constrained: left.constrained || right.constrained || !possible,
        takes: if possible {
            left.takes.both(right.takes)
        } else {
            Takes::NOTHING
        },
    }
}

/// The types that both allow; `false` beside them: there is none, so that no value is valid.
fn common_types(left: &BTreeSet<JsonType>, right: &BTreeSet<JsonType>) -> (BTreeSet<JsonType>, bool) {
    if left.is_empty() || right.is_empty() {
        return (left.union(right).copied().collect(), true);
    }
    let has = |types: &BTreeSet<JsonType>, wanted: JsonType| {
        types.contains(&wanted) || (wanted == JsonType::Integer && types.contains(&JsonType::Number))
    };
    let common: BTreeSet<JsonType> = left
        .union(right)
        .copied()
        .filter(|wanted| has(left, *wanted) && has(right, *wanted))
        .collect();
    if common.is_empty() {
        (left.clone(), false)
    } else {
        (common, true)
    }
}

/// The shape of a value that keeps one schema or the other.
pub(super) fn union(left: &Shape, right: &Shape) -> Shape {
    let objects = (left.may_be(JsonType::Object), right.may_be(JsonType::Object));
    let arrays = (left.may_be(JsonType::Array), right.may_be(JsonType::Array));
    let mut shape = match objects {
        (true, false) => left.clone(),
        (false, true) => right.clone(),
        _ => union_of_objects(left, right),
    };
    shape.items = match arrays {
        (true, false) => left.items.clone(),
        (false, true) => right.items.clone(),
        _ => match (&left.items, &right.items) {
            (None, None) => None,
            (one, other) => Some(Box::new(union(
                one.as_deref().unwrap_or(&Shape::open()),
                other.as_deref().unwrap_or(&Shape::open()),
            ))),
        },
    };
    let apart = !left.types.is_empty()
        && !right.types.is_empty()
        && !left.types.iter().any(|one| right.may_be(*one))
        && !right.types.iter().any(|one| left.may_be(*one));
    shape.read = both(&left.read, &right.read);
    shape.write = both(&left.write, &right.write);
    shape.types = if left.types.is_empty() || right.types.is_empty() {
        BTreeSet::new()
    } else {
        left.types.union(&right.types).copied().collect()
    };
    // Where the types tell the branches apart, a value with the right type is valid in its branch.
    shape.constrained = left.constrained || right.constrained || !apart;
    shape.takes = match (apart, left.may_be(JsonType::Integer)) {
        (true, true) => left.takes.or(right.takes),
        (true, false) => right.takes.or(left.takes),
        (false, _) => Takes::NOTHING,
    };
    shape
}

fn union_of_objects(left: &Shape, right: &Shape) -> Shape {
    let mut attributes = BTreeMap::new();
    for name in left.attributes.keys().chain(right.attributes.keys()) {
        let attribute = match (left.attribute(name), right.attribute(name)) {
            (Some(left), Some(right)) => union(left, right),
            (Some(one), None) | (None, Some(one)) => one.clone(),
            (None, None) => continue,
        };
        attributes.insert(name.clone(), attribute);
    }
    let mut patterns = Vec::new();
    for (one, other) in [(left, right), (right, left)] {
        for (pattern, shape) in &one.patterns {
            let shape = match &other.others {
                Others::Absent => shape.clone(),
                Others::Open => union(shape, &Shape::open()),
                Others::Like(rest) => union(shape, rest),
            };
            if !patterns
                .iter()
                .any(|(known, known_shape)| known == pattern && *known_shape == shape)
            {
                patterns.push((pattern.clone(), shape));
            }
        }
    }
    Shape {
        attributes,
        overlap: overlap(&patterns),
        patterns,
        others: match (&left.others, &right.others) {
            (Others::Absent, other) | (other, Others::Absent) => other.clone(),
            (Others::Open, Others::Open) => Others::Open,
            (Others::Open, Others::Like(rest)) | (Others::Like(rest), Others::Open) => {
                Others::Like(Box::new(union(rest, &Shape::open())))
            }
            (Others::Like(left), Others::Like(right)) => Others::Like(Box::new(union(left, right))),
        },
        required: left.required.intersection(&right.required).cloned().collect(),
        ..Shape::open()
    }
}

/// What a condition says of access alone: it neither names the attributes that exist nor asks for any.
fn relax(shape: &Shape) -> Shape {
    let inner = |shape: &Shape| Box::new(relax(shape));
    Shape {
        read: shape.read.clone(),
        write: shape.write.clone(),
        attributes: shape
            .attributes
            .iter()
            .map(|(name, below)| (name.clone(), relax(below)))
            .collect(),
        patterns: shape
            .patterns
            .iter()
            .map(|(pattern, below)| (pattern.clone(), relax(below)))
            .collect(),
        overlap: shape.overlap.as_deref().map(inner),
        others: match &shape.others {
            Others::Like(rest) => Others::Like(inner(rest)),
            Others::Absent | Others::Open => Others::Open,
        },
        items: shape.items.as_deref().map(inner),
        required: BTreeSet::new(),
        types: BTreeSet::new(),
        constrained: false,
        takes: Takes::ALL,
    }
}
