//! Checks a file's JSON Schema: keywords, references, patterns, and what contradicts itself.
//!
//! INVARIANT: after a check without faults every `$ref` has a target that is a schema of the same file, no schema
//! refers to itself for the same value, and the `jsonschema` crate compiles it.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::Draft;

use super::fault::{Report, nearest, quoted};
use super::json::{Json, Node};
use super::shape::JsonType;
use super::validator;
use super::vocabulary::{ATTRIBUTE_KEYS, Holds, KEYWORDS, MALLKU_KEYS, keyword};

/// What a check learned, for reading the attributes.
pub(super) struct Schema<'s> {
    pub(super) root: &'s Node,
    pub(super) draft: Draft,
    /// The roles that `readers` and `writers` name.
    pub(super) roles: Vec<super::fields::Placed<String>>,
    /// The node of the file's own `x-mallku`.
    pub(super) extension: Option<&'s Node>,
    /// Whether the check found no fault.
    pub(super) sound: bool,
    /// Whether schemas stand where they have to and references end somewhere, so that the attributes can be looked at.
    pub(super) structured: bool,
}

/// The identity of a node: nodes do not move while a file is read.
type Id = *const Node;

struct Walk<'r, 's> {
    report: &'r mut Report<'s>,
    root: &'s Node,
    draft: Draft,
    roles: Vec<super::fields::Placed<String>>,
    extension: Option<&'s Node>,
    /// Every schema of the file, with the schemas that apply to the same value.
    in_place: BTreeMap<Id, Vec<&'s Node>>,
    /// The schemas in the order in which they were checked: a fault must not depend on where memory happens to lie.
    checked: Vec<Id>,
    references: Vec<(&'s Node, &'s Node)>,
    /// How many faults concern a word or a value, and leave the schema's structure as it is.
    slips: usize,
}

/// Where a schema stands in its file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    Root,
    Definition,
    Within,
}

pub(super) fn check<'s>(report: &mut Report<'s>, root: &'s Node) -> Schema<'s> {
    let before = report.faults.len();
    let draft = draft(report, root);
    let mut walk = Walk {
        extension: extension(root),
        report,
        root,
        draft,
        roles: Vec::new(),
        in_place: BTreeMap::new(),
        checked: Vec::new(),
        references: Vec::new(),
        slips: 0,
    };
    walk.schema(root, Position::Root);
    walk.targets();
    walk.cycles();
    let (roles, extension, slips) = (walk.roles, walk.extension, walk.slips);
    let structured = report.faults.len() == before + slips;
    compiles(report, root, draft, before);
    let sound = report.faults.len() == before;
    Schema {
        root,
        draft,
        roles,
        extension,
        sound,
        structured,
    }
}

/// The dialect that `$schema` names; 2020-12 without it, as Pydantic's schemas are.
fn draft(report: &mut Report<'_>, root: &Node) -> Draft {
    let Some(node) = root.get("$schema") else {
        return Draft::Draft202012;
    };
    let uri = node.text().unwrap_or_default().trim_end_matches('#');
    match uri.strip_prefix("https://").or_else(|| uri.strip_prefix("http://")) {
        Some("json-schema.org/draft/2020-12/schema") => Draft::Draft202012,
        Some("json-schema.org/draft-07/schema") => Draft::Draft7,
        _ if uri.ends_with("mallku.schema.json") => Draft::Draft202012,
        _ => {
            let hint =
                "use `https://json-schema.org/draft/2020-12/schema` or `http://json-schema.org/draft-07/schema#`";
            report.hint(node.at, "this dialect of JSON Schema is not supported", hint);
            Draft::Draft202012
        }
    }
}

/// The file's own `x-mallku`: at the root, or where the root's `$ref` leads, for that is where Pydantic puts the extra
/// keys of a recursive model.
fn extension(root: &Node) -> Option<&Node> {
    let mut node = root;
    for _ in 0..8 {
        if let Some(extension) = node.get("x-mallku") {
            return Some(extension);
        }
        node = resolve(root, node.get("$ref")?.text()?)?;
    }
    None
}

/// The target of a local reference: `#` or `#/…`.
pub(super) fn resolve<'s>(root: &'s Node, reference: &str) -> Option<&'s Node> {
    root.pointer(&decode(reference.strip_prefix('#')?)?)
}

/// Undoes the percent-encoding of a URI fragment.
fn decode(fragment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first == b'%' {
            let [high, low, after @ ..] = after else { return None };
            let digit = |byte: &u8| char::from(*byte).to_digit(16);
            bytes.push(u8::try_from(digit(high)? * 16 + digit(low)?).ok()?);
            rest = after;
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok()
}

impl<'s> Walk<'_, 's> {
    fn schema(&mut self, node: &'s Node, position: Position) {
        self.checked.push(node);
        if self.in_place.insert(node, Vec::new()).is_some() {
            return;
        }
        match &node.value {
            Json::Bool(_) if position != Position::Root => return,
            Json::Object(_) => {}
            _ => {
                let what = if position == Position::Root {
                    "a schema file"
                } else {
                    "a schema"
                };
                self.report
                    .say(node.at, format!("{what} must hold an object, not {}", node.kind()));
                return;
            }
        }
        let mut in_place = Vec::new();
        for member in node.members() {
            let name = member.key.as_str();
            let Some(keyword) = keyword(name) else {
                self.slip(|this| this.unknown_keyword(member));
                continue;
            };
            match name {
                "$ref" => in_place.extend(self.reference(&member.value)),
                "$id" if position != Position::Root => {
                    let hint = "refer to it with a JSON pointer: `#/$defs/Name`";
                    self.report
                        .hint(member.key_at, "`$id` inside a file is not supported", hint);
                }
                "x-mallku" => self.slip(|this| this.attribute_extension(&member.value, position)),
                "type" => self.slip(|this| this.types(&member.value)),
                "pattern" => self.slip(|this| this.pattern(&member.value)),
                "required" => self.slip(|this| drop(this.report.strings(&member.value, "`required`"))),
                _ => {}
            }
            let below = match name {
                "$defs" | "definitions" => Position::Definition,
                _ => Position::Within,
            };
            for part in self.held(name, &member.value, keyword.holds) {
                self.schema(part, below);
                if keyword.in_place {
                    in_place.push(part);
                }
            }
        }
        self.slip(|this| this.contradictions(node, position));
        self.in_place.insert(node, in_place);
    }

    /// A check whose faults leave the structure as it is.
    fn slip(&mut self, check: impl FnOnce(&mut Self)) {
        let before = self.report.faults.len();
        check(self);
        self.slips += self.report.faults.len() - before;
    }

    /// The schemas that a keyword holds; its wrong form is a fault.
    fn held(&mut self, name: &str, value: &'s Node, holds: Holds) -> Vec<&'s Node> {
        match (holds, &value.value) {
            (Holds::None, _) => Vec::new(),
            (Holds::One | Holds::OneOrList, Json::Object(_) | Json::Bool(_)) => vec![value],
            (Holds::List, Json::Array(elements)) if !elements.is_empty() => elements.iter().collect(),
            (Holds::OneOrList, Json::Array(elements)) if self.draft == Draft::Draft7 => elements.iter().collect(),
            (Holds::Map, Json::Object(members)) => {
                if name == "patternProperties" {
                    for member in members {
                        self.name_pattern(member.key_at, &member.key);
                    }
                }
                // `dependencies` maps to a schema or to a list of names.
                let schemas = members.iter().map(|member| &member.value);
                schemas
                    .filter(|node| name != "dependencies" || !matches!(node.value, Json::Array(_)))
                    .collect()
            }
            (Holds::OneOrList, Json::Array(_)) => {
                let hint = "2020-12 has `prefixItems` for it, or say `\"$schema\": \"http://json-schema.org/draft-07/schema#\"`";
                self.report.hint(value.at, "`items` as a list is draft-07", hint);
                Vec::new()
            }
            (Holds::One | Holds::OneOrList, _) => {
                self.report
                    .say(value.at, format!("`{name}` must be a schema, not {}", value.kind()));
                Vec::new()
            }
            (Holds::List, _) => {
                self.report
                    .say(value.at, format!("`{name}` must be a list of schemas, at least one"));
                Vec::new()
            }
            (Holds::Map, _) => {
                self.report.say(
                    value.at,
                    format!("`{name}` must be an object of schemas, not {}", value.kind()),
                );
                Vec::new()
            }
        }
    }

    fn unknown_keyword(&mut self, member: &'s super::json::Member) {
        let word = member.key.as_str();
        if word.starts_with("x-") {
            // Other tools' own keys are theirs, unless one is ours misspelled: then what it says would be lost.
            if nearest(word, ["x-mallku"]).is_some() {
                self.report.hint(
                    member.key_at,
                    format!("unknown key `{word}`"),
                    "did you mean `x-mallku`?",
                );
            }
            return;
        }
        let known = KEYWORDS
            .iter()
            .map(|keyword| keyword.name)
            .chain(MALLKU_KEYS)
            .chain(ATTRIBUTE_KEYS);
        let hint = match (word, nearest(word, known)) {
            (
                "$anchor" | "$dynamicAnchor" | "$dynamicRef" | "$recursiveRef" | "$recursiveAnchor" | "$vocabulary",
                _,
            ) => "it is not supported: refer with a JSON pointer, `\"$ref\": \"#/$defs/Name\"`".to_owned(),
            ("nullable", _) => "JSON Schema says it with the type: `\"type\": [\"string\", \"null\"]`".to_owned(),
            ("hidden" | "secret" | "private", _) => "a hidden attribute is `\"writeOnly\": true`".to_owned(),
            (_, Some(near)) if keyword(near).is_none() => format!("`{near}` belongs into `x-mallku`"),
            (_, Some(near)) => format!("did you mean `{near}`?"),
            (_, None) => "an attribute belongs into `properties`; a remark into `$comment` or an `x-…` key".to_owned(),
        };
        self.report
            .hint(member.key_at, format!("unknown keyword `{word}`"), hint);
    }

    fn reference(&mut self, value: &'s Node) -> Option<&'s Node> {
        let reference = value.text()?;
        if !reference.starts_with('#') {
            let hint = "put it into this file's `$defs`: no other file and no network is read";
            self.report
                .hint(value.at, format!("`{reference}` is not in this file"), hint);
            return None;
        }
        let Some(target) = resolve(self.root, reference) else {
            let hint = self.near_definition(reference);
            self.report.faults.push(
                self.report
                    .source
                    .fault(value.at, format!("`{reference}` leads nowhere"), hint),
            );
            return None;
        };
        self.references.push((value, target));
        Some(target)
    }

    fn near_definition(&self, reference: &str) -> Option<String> {
        let definitions = ["$defs", "definitions"]
            .into_iter()
            .filter_map(|key| Some((key, self.root.get(key)?)));
        let known: Vec<String> = definitions
            .flat_map(|(key, node)| {
                node.members()
                    .iter()
                    .map(move |member| format!("#/{key}/{}", member.key))
            })
            .collect();
        nearest(reference, known.iter().map(String::as_str))
            .map(|near| format!("did you mean `{near}`?"))
            .or_else(|| {
                (!known.is_empty()).then(|| format!("this file has {}", quoted(known.iter().map(String::as_str))))
            })
    }

    /// A reference must lead to a place where a schema is checked: not into `examples`, say.
    fn targets(&mut self) {
        for (place, target) in std::mem::take(&mut self.references) {
            if !self.in_place.contains_key(&std::ptr::from_ref(target)) {
                let message = format!(
                    "`{}` leads to something that is no schema",
                    place.text().unwrap_or_default()
                );
                self.report.say(place.at, message);
            }
        }
    }

    /// A schema that applies itself to the same value would never come to an end.
    fn cycles(&mut self) {
        let mut done = BTreeSet::new();
        for start in std::mem::take(&mut self.checked) {
            let mut path = Vec::new();
            if let Some(node) = self.cycle(start, &mut path, &mut done) {
                let hint = "recursion must go through an attribute or an element";
                self.report
                    .hint(node.at, "this schema refers to itself for the same value", hint);
            }
        }
    }

    fn cycle(&self, id: Id, path: &mut Vec<Id>, done: &mut BTreeSet<Id>) -> Option<&'s Node> {
        if !done.insert(id) {
            return None;
        }
        path.push(id);
        for part in self.in_place.get(&id).into_iter().flatten() {
            let part_id = std::ptr::from_ref(*part);
            if path.contains(&part_id) {
                return Some(part);
            }
            if let Some(found) = self.cycle(part_id, path, done) {
                return Some(found);
            }
        }
        path.pop();
        None
    }

    fn types(&mut self, node: &Node) {
        let names = JsonType::ALL.map(JsonType::name);
        let words: Vec<&Node> = match &node.value {
            Json::Array(elements) => elements.iter().collect(),
            _ => vec![node],
        };
        if words.is_empty() {
            self.report.say(node.at, "`type` is empty: no value would be valid");
        }
        let mut seen = BTreeSet::new();
        for word in words {
            match word.text() {
                Some(text) if names.contains(&text) && !seen.insert(text) => {
                    self.report.say(word.at, format!("`{text}` is twice in `type`"));
                }
                Some(text) if names.contains(&text) => {}
                Some(text) => {
                    let hint = match text.to_lowercase().as_str() {
                        "int" | "long" => Some("integer"),
                        "float" | "double" | "decimal" => Some("number"),
                        "bool" => Some("boolean"),
                        "str" | "text" | "date" | "datetime" | "date-time" | "uuid" => Some("string"),
                        "list" | "set" | "tuple" => Some("array"),
                        "dict" | "map" => Some("object"),
                        "none" | "nil" => Some("null"),
                        _ => None,
                    };
                    match hint {
                        Some(near) => {
                            self.report.hint(
                                word.at,
                                format!("unknown type `{text}`"),
                                format!("did you mean `{near}`?"),
                            );
                        }
                        None => self.report.unknown(word.at, "type", text, &names),
                    }
                }
                None => self.report.say(
                    word.at,
                    format!("`type` must be a string or a list of them, not {}", word.kind()),
                ),
            }
        }
    }

    fn pattern(&mut self, node: &Node) {
        let Some(pattern) = node.text() else { return };
        if validator::compile(&serde_json::json!({ "pattern": pattern }), self.draft).is_err() {
            let hint = "patterns are regular expressions of ECMAScript";
            self.report
                .hint(node.at, format!("`{pattern}` is no regular expression"), hint);
        }
    }

    fn name_pattern(&mut self, at: super::json::Span, pattern: &str) {
        if validator::Pattern::compile(pattern, self.draft).is_err() {
            let hint = if pattern.contains("(?") {
                "look-around is not supported for names: whether a name is hidden must not hang on backtracking"
            } else {
                "the keys of `patternProperties` are regular expressions of ECMAScript"
            };
            self.report
                .hint(at, format!("`{pattern}` is no regular expression for names"), hint);
        }
    }

    fn attribute_extension(&mut self, node: &'s Node, position: Position) {
        if self.extension.is_some_and(|extension| std::ptr::eq(extension, node)) {
            return;
        }
        if !self.report.is_object(node, "`x-mallku`") {
            return;
        }
        for member in node.members() {
            let key = member.key.as_str();
            if ATTRIBUTE_KEYS.contains(&key) {
                let what = format!("`{key}`");
                let roles = self.report.strings(&member.value, &what);
                if member.value.elements().is_empty() {
                    let instead = if key == "readers" { "writeOnly" } else { "readOnly" };
                    let hint = format!("for nobody at all write `\"{instead}\": true`");
                    self.report.hint(member.value.at, format!("{what} is empty"), hint);
                }
                for role in &roles {
                    if role.value == super::model::EVERYBODY {
                        self.report.hint(
                            role.at,
                            format!("`*` in {what} says nothing"),
                            format!("leave {what} out"),
                        );
                    }
                }
                self.roles.extend(roles);
            } else if MALLKU_KEYS.contains(&key) {
                // A definition may be another collection's document, generated from the same model: then this speaks
                // of that collection and not of this file's.
                if position != Position::Definition {
                    let hint =
                        "it belongs into the `x-mallku` of the file's root; an attribute has `readers` and `writers`";
                    self.report
                        .hint(member.key_at, format!("`{key}` cannot be said of an attribute"), hint);
                }
            } else {
                self.report
                    .unknown(member.key_at, "key in an attribute's `x-mallku`:", key, &ATTRIBUTE_KEYS);
            }
        }
    }

    fn contradictions(&mut self, node: &Node, position: Position) {
        let flag = |key: &str| matches!(node.get(key).map(|node| &node.value), Some(Json::Bool(true)));
        let extension = node.get("x-mallku");
        let has = |key: &str| extension.and_then(|extension| extension.get(key));
        for key in ["readOnly", "writeOnly"] {
            if let Some(value) = node.get(key) {
                self.report.boolean(value, &format!("`{key}`"));
            }
        }
        let key_at = |key: &str| {
            node.members()
                .iter()
                .find(|member| member.key == key)
                .map_or(node.at, |member| member.key_at)
        };
        if flag("readOnly") && flag("writeOnly") {
            let hint = "`writeOnly` hides an attribute that clients may write; `readOnly` shows one that they may not";
            self.report.hint(
                key_at("writeOnly"),
                "both `readOnly` and `writeOnly`: nobody could use it",
                hint,
            );
        }
        for (flagged, listed) in [("writeOnly", "readers"), ("readOnly", "writers")] {
            if let Some(list) = has(listed).filter(|_| flag(flagged)) {
                let message = format!("`{listed}` contradicts `\"{flagged}\": true`");
                self.report.hint(
                    list.at,
                    message,
                    format!("leave `{flagged}` out: `{listed}` says who may"),
                );
            }
        }
        if position == Position::Root {
            for (key, operation) in [("writeOnly", "`read`"), ("readOnly", "the writing operations")] {
                if flag(key) {
                    let hint = format!("leave {operation} out of `allow` instead");
                    self.report.hint(
                        key_at(key),
                        format!("`{key}` speaks of an attribute, not of a collection"),
                        hint,
                    );
                }
            }
        }
    }
}

/// What the walk did not see, the dialect's own meta-schema and the compiler do. `before`: the faults before the walk.
fn compiles(report: &mut Report<'_>, root: &Node, draft: Draft, before: usize) {
    let mut value = root.to_value();
    if let Some(object) = value.as_object_mut() {
        object.remove("$schema");
    }
    let meta = match draft {
        Draft::Draft7 => jsonschema::draft7::meta::validator(),
        _ => jsonschema::draft202012::meta::validator(),
    };
    for error in meta.iter_errors(&value) {
        let pointer = error.instance_path().to_string();
        let at = root.pointer(&pointer).unwrap_or(root).at;
        // What the walk said there, it said better.
        if !report.has_fault_in(at, before) {
            report.say(
                at,
                format!(
                    "`{}` is not valid here: {error}",
                    pointer.rsplit('/').next().unwrap_or_default()
                ),
            );
        }
    }
    if report.faults.len() == before
        && let Err((pointer, message)) = validator::compile(&value, draft)
    {
        report.say(root.pointer(&pointer).unwrap_or(root).at, message);
    }
}
