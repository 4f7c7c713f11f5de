//! Random queries over a world: every statement and every kind of expression of AQL.

use std::collections::BTreeSet;

use mallku_db::aql::functions;
use mallku_db::schema::{Collection, Operation, Shape};
use serde_json::{Map, Value, json};

use crate::chance::Chance;
use crate::scope::{Kind, Variable};
use crate::world::{World, valid_document, value_of};

/// A query with its bind values and the productions that made it.
pub(crate) struct Generated {
    pub(crate) text: String,
    pub(crate) binds: Map<String, Value>,
    pub(crate) productions: BTreeSet<&'static str>,
}

/// What an expression's text stands for.
pub(crate) struct Made<'w> {
    pub(crate) text: String,
    pub(crate) kind: Kind<'w>,
}

pub(crate) struct Generator<'w, 'c> {
    pub(crate) world: &'w World,
    pub(crate) chance: &'c mut Chance,
    pub(crate) scope: Vec<Variable<'w>>,
    pub(crate) productions: BTreeSet<&'static str>,
    binds: Map<String, Value>,
    names: usize,
    with: BTreeSet<String>,
    /// Collections already written: ArangoDB lets nobody read them afterwards.
    pub(crate) written: BTreeSet<String>,
}

pub(crate) fn generate(world: &World, chance: &mut Chance) -> Generated {
    let mut generator = Generator {
        world,
        chance,
        scope: Vec::new(),
        productions: BTreeSet::new(),
        binds: Map::new(),
        names: 0,
        with: BTreeSet::new(),
        written: BTreeSet::new(),
    };
    let body = generator.block(2).text;
    let text = if generator.with.is_empty() {
        body
    } else {
        let names: Vec<&str> = generator.with.iter().map(String::as_str).collect();
        format!("WITH {} {body}", names.join(", "))
    };
    // Parts that were thrown away may have had bind parameters.
    let used = |key: &String| {
        text.match_indices(&format!("@{key}"))
            .any(|(place, found)| !text[place + found.len()..].starts_with(|next: char| next.is_ascii_digit()))
    };
    let mut binds = generator.binds;
    binds.retain(|key, _| used(key));
    Generated {
        text,
        binds,
        productions: generator.productions,
    }
}

impl<'w> Generator<'w, '_> {
    pub(crate) fn note(&mut self, production: &'static str) {
        self.productions.insert(production);
    }

    pub(crate) fn name(&mut self) -> String {
        self.names += 1;
        format!("v{}", self.names)
    }

    pub(crate) fn with(&mut self, names: impl IntoIterator<Item = String>) {
        self.with.extend(names);
    }

    pub(crate) fn declare(&mut self, kind: Kind<'w>) -> String {
        let name = self.name();
        self.scope.push(Variable {
            name: name.clone(),
            kind,
        });
        name
    }

    pub(crate) fn bind(&mut self, value: Value) -> String {
        self.names += 1;
        let name = format!("b{}", self.names);
        self.binds.insert(name.clone(), value);
        format!("@{name}")
    }

    pub(crate) fn collection_bind(&mut self, name: &str) -> String {
        self.names += 1;
        let key = format!("c{}", self.names);
        self.binds.insert(format!("@{key}"), json!(name));
        format!("@@{key}")
    }

    /// A collection, mostly one on which the operation is allowed.
    pub(crate) fn collection(&mut self, operation: Operation, edges: Option<bool>) -> &'w Collection {
        let world = self.world;
        let fits = |collection: &&Collection| edges.is_none_or(|edges| collection.edge.is_some() == edges);
        let all: Vec<&Collection> = world
            .resources()
            .collections
            .values()
            .map(|it| &**it)
            .filter(fits)
            .collect();
        let allowed: Vec<&Collection> = all
            .iter()
            .copied()
            .filter(|collection| world.permits(&collection.name, operation))
            .collect();
        if allowed.is_empty() || self.chance.percent(4) {
            self.chance.pick(&all)
        } else {
            self.chance.pick(&allowed)
        }
    }

    /// A collection's name as a query writes it.
    pub(crate) fn source(&mut self, name: &str) -> String {
        match self.chance.below(8) {
            0 => {
                self.note("source bind");
                self.collection_bind(name)
            }
            1 => format!("`{name}`"),
            _ => name.to_owned(),
        }
    }

    /// An attribute of a value, mostly a readable one.
    pub(crate) fn attribute(&mut self, kind: &Kind<'w>) -> Option<(String, Kind<'w>)> {
        let attributes = kind.attributes();
        let readable = |kind: &Kind<'_>| match kind {
            Kind::Part(shape) => shape.readable(&self.world.roles),
            _ => true,
        };
        let open: Vec<&(String, Kind<'w>)> = attributes.iter().filter(|(_, kind)| readable(kind)).collect();
        if !open.is_empty() && !self.chance.percent(4) {
            return Some(self.chance.pick(&open).clone());
        }
        if attributes.is_empty() {
            return None;
        }
        let place = self.chance.below(attributes.len());
        attributes.into_iter().nth(place)
    }

    /// A step from a value to an attribute of it, in one of the ways to write it.
    pub(crate) fn step(&mut self, base: &str, kind: &Kind<'w>) -> Option<Made<'w>> {
        let (name, kind) = self.attribute(kind)?;
        let text = match self.chance.below(12) {
            0 => {
                self.note("index");
                format!("{base}[\"{name}\"]")
            }
            1 => {
                self.note("attribute bind");
                let bind = self.bind(json!(name));
                format!("{base}.{bind}")
            }
            2 => {
                self.note("index");
                let bind = self.bind(json!(name));
                format!("{base}[{bind}]")
            }
            _ => {
                self.note("attribute");
                format!("{base}.{name}")
            }
        };
        Some(Made { text, kind })
    }

    /// A variable followed by steps, mostly down to a scalar.
    pub(crate) fn path(&mut self) -> Option<Made<'w>> {
        if self.scope.is_empty() {
            return None;
        }
        let place = self.chance.below(self.scope.len());
        let variable = self.scope[place].clone();
        let mut made = Made {
            text: variable.name,
            kind: variable.kind,
        };
        for _ in 0..5 {
            if let Some(element) = made.kind.element() {
                if self.chance.percent(40) {
                    return Some(made);
                }
                made = if self.chance.percent(50) {
                    self.note("index");
                    Made {
                        text: format!("{}[0]", made.text),
                        kind: element,
                    }
                } else {
                    self.expand(&made.text, element, 1)
                };
                continue;
            }
            let whole = match &made.kind {
                Kind::Part(shape) if shape.readable(&self.world.roles) => 30,
                _ => 3,
            };
            if self.chance.percent(whole) {
                break;
            }
            match self.step(&made.text, &made.kind.clone()) {
                Some(next) => made = next,
                None => break,
            }
        }
        Some(made)
    }

    pub(crate) fn scalar(&mut self, depth: usize) -> String {
        match self.path() {
            Some(made) if self.chance.percent(80) => made.text,
            _ => self.expr(depth.saturating_sub(1)).text,
        }
    }

    pub(crate) fn literal(&mut self) -> String {
        match self.chance.below(8) {
            0 => {
                self.note("null");
                "null".to_owned()
            }
            1 => {
                self.note("bool");
                self.chance.pick(&["true", "false"]).to_owned()
            }
            2 => {
                self.note("double");
                self.chance.pick(&["0.5", "1.5", "2e0"]).to_owned()
            }
            3 | 4 => {
                self.note("string");
                format!("\"{}\"", self.chance.pick(&["x", "y", "k0", "people/k0", "a", "%x_"]))
            }
            _ => {
                self.note("int");
                self.chance.below(5).to_string()
            }
        }
    }

    pub(crate) fn condition(&mut self, depth: usize) -> String {
        let left = self.scalar(depth);
        let operator = self.chance.pick(&[
            "==", "!=", "<", "<=", ">", ">=", "IN", "NOT IN", "LIKE", "NOT LIKE", "=~", "!~",
        ]);
        self.note("binary");
        let right = match operator {
            "IN" | "NOT IN" => "[\"x\", 1, null, \"k0\"]".to_owned(),
            "LIKE" | "NOT LIKE" | "=~" | "!~" => "\"x\"".to_owned(),
            _ if self.chance.percent(50) => self.literal(),
            _ => self.scalar(depth),
        };
        let text = format!("{left} {operator} {right}");
        match self.chance.below(8) {
            0 if depth > 0 => format!("({text}) AND {}", self.condition(depth - 1)),
            1 if depth > 0 => format!("({text}) || {}", self.condition(depth - 1)),
            2 => {
                self.note("unary");
                format!("NOT ({text})")
            }
            _ => text,
        }
    }

    pub(crate) fn expr(&mut self, depth: usize) -> Made<'w> {
        let plain = |text: String| Made {
            text,
            kind: Kind::Plain,
        };
        if depth == 0 {
            return match self.path() {
                Some(made) if self.chance.percent(70) => made,
                _ => plain(self.literal()),
            };
        }
        let depth = depth - 1;
        match self.chance.below(22) {
            0 => plain(self.literal()),
            1 => {
                self.note("bind");
                let value = [
                    json!(1),
                    json!("x"),
                    json!(["x", 1]),
                    json!({"a": 1, "o": {"a": "x"}}),
                    json!(null),
                ];
                let place = self.chance.below(value.len());
                plain(self.bind(value[place].clone()))
            }
            2 => {
                self.note("array");
                let (first, second) = (self.expr(depth), self.expr(depth));
                let kind = if self.chance.percent(50) {
                    first.kind
                } else {
                    second.kind
                };
                Made {
                    text: format!("[{}, {}]", first.text, second.text),
                    kind: Kind::list(kind),
                }
            }
            3 | 4 => self.object(depth),
            5 => {
                let list = self.list(depth);
                self.note("index");
                let place = self.chance.pick(&["0", "-1", "1"]);
                Made {
                    text: format!("{}[{place}]", list.text),
                    kind: list.kind.element().unwrap_or(Kind::Plain),
                }
            }
            6 | 7 => {
                let list = self.list(depth);
                let element = list.kind.element().unwrap_or(Kind::Plain);
                self.expand(&list.text, element, depth)
            }
            8 => self.question(depth),
            9 => {
                self.note("unary");
                let operator = self.chance.pick(&["-", "+", "!"]);
                plain(format!("{operator}({})", self.scalar(depth)))
            }
            10 => plain(self.condition(depth)),
            11 => {
                self.note("binary");
                let operator = self.chance.pick(&["+", "-", "*", "/", "%"]);
                plain(format!("({}) {operator} ({})", self.scalar(depth), self.scalar(depth)))
            }
            12 => {
                self.note("quantified");
                let quantifier = self.chance.pick(&["ALL", "ANY", "NONE", "AT LEAST (1)"]);
                let operator = self.chance.pick(&["==", "!=", "<", ">=", "IN", "NOT IN"]);
                let right = if operator.ends_with("IN") {
                    "[\"x\", 1]".to_owned()
                } else {
                    self.literal()
                };
                plain(format!("{} {quantifier} {operator} {right}", self.list(depth).text))
            }
            13 => self.ternary(depth),
            14 => {
                self.note("range");
                let text = format!("({}..{})", self.chance.below(3), 2 + self.chance.below(4));
                plain(text)
            }
            15..=17 => self.call(depth),
            18 | 19 => {
                self.note("subquery");
                let block = self.block(depth);
                Made {
                    text: format!("({})", block.text),
                    kind: Kind::list(block.kind),
                }
            }
            _ => self.path().unwrap_or_else(|| plain("1".to_owned())),
        }
    }

    fn ternary(&mut self, depth: usize) -> Made<'w> {
        self.note("ternary");
        let otherwise = self.expr(depth);
        if self.chance.percent(30) {
            let condition = self.expr(depth);
            return Made {
                text: format!("({}) ?: ({})", condition.text, otherwise.text),
                kind: condition.kind,
            };
        }
        let condition = self.condition(depth);
        let then = self.expr(depth);
        let kind = if self.chance.percent(50) {
            then.kind
        } else {
            otherwise.kind
        };
        Made {
            text: format!("(({condition}) ? ({}) : ({}))", then.text, otherwise.text),
            kind,
        }
    }

    fn object(&mut self, depth: usize) -> Made<'w> {
        self.note("object");
        let mut members = Vec::new();
        let mut kinds = Vec::new();
        for name in ["m", "n", "a"] {
            if !self.chance.percent(60) {
                continue;
            }
            let value = self.expr(depth);
            let key = match self.chance.below(6) {
                0 => format!("[\"{name}\"]"),
                1 => self.bind(json!(name)),
                2 => format!("\"{name}\""),
                _ => name.to_owned(),
            };
            members.push(format!("{key}: {}", value.text));
            kinds.push((name.to_owned(), value.kind));
        }
        if !self.scope.is_empty() && self.chance.percent(10) {
            let place = self.chance.below(self.scope.len());
            let variable = self.scope[place].clone();
            if variable.name.starts_with('v') {
                members.push(variable.name.clone());
                kinds.push((variable.name, variable.kind));
            }
        }
        Made {
            text: format!("{{{}}}", members.join(", ")),
            kind: Kind::Made(kinds),
        }
    }

    /// Something that is an array, mostly.
    pub(crate) fn list(&mut self, depth: usize) -> Made<'w> {
        for _ in 0..6 {
            match self.path() {
                Some(made) if made.kind.element().is_some() => return made,
                _ => {}
            }
        }
        match self.chance.below(3) {
            0 if depth > 0 => {
                self.note("subquery");
                let block = self.block(depth - 1);
                Made {
                    text: format!("({})", block.text),
                    kind: Kind::list(block.kind),
                }
            }
            1 => {
                let (first, second) = (self.expr(depth.min(1)), self.expr(0));
                Made {
                    text: format!("[{}, {}]", first.text, second.text),
                    kind: Kind::list(first.kind),
                }
            }
            _ => Made {
                text: "[1, 2, \"x\", {\"a\": 1}]".to_owned(),
                kind: Kind::list(Kind::Plain),
            },
        }
    }

    fn expand(&mut self, base: &str, element: Kind<'w>, depth: usize) -> Made<'w> {
        self.note("expansion");
        let stars = if self.chance.percent(15) { "**" } else { "*" };
        let element = if stars == "**" {
            element.element().unwrap_or(element)
        } else {
            element
        };
        let mut inside = String::new();
        let mut kind = element.clone();
        self.scope.push(Variable {
            name: "CURRENT".to_owned(),
            kind: element,
        });
        if self.chance.percent(30) {
            inside.push_str(&format!(" FILTER {}", self.condition(depth.min(1))));
        }
        if self.chance.percent(15) {
            inside.push_str(" LIMIT 0, 2");
        }
        if self.chance.percent(30) {
            let value = self.expr(depth.min(1));
            inside.push_str(&format!(" RETURN {}", value.text));
            kind = value.kind;
        }
        self.scope.pop();
        let text = format!("{base}[{stars}{inside}]");
        if self.chance.percent(60)
            && let Some((name, kind)) = self.attribute(&kind)
        {
            return Made {
                text: format!("{text}.{name}"),
                kind: Kind::list(kind),
            };
        }
        Made {
            text,
            kind: Kind::list(kind),
        }
    }

    fn question(&mut self, depth: usize) -> Made<'w> {
        self.note("question");
        let list = self.list(depth);
        let element = list.kind.element().unwrap_or(Kind::Plain);
        let quantifier = self
            .chance
            .pick(&["", "ANY ", "ALL ", "NONE ", "2 ", "1..2 ", "AT LEAST (1) "]);
        self.scope.push(Variable {
            name: "CURRENT".to_owned(),
            kind: element,
        });
        let condition = self.condition(depth.min(1));
        self.scope.pop();
        Made {
            text: format!("{}[? {quantifier}FILTER {condition}]", list.text),
            kind: Kind::Plain,
        }
    }

    fn call(&mut self, depth: usize) -> Made<'w> {
        self.note("call");
        let plain = |text: String| Made {
            text,
            kind: Kind::Plain,
        };
        match self.chance.below(20) {
            0 => self.keep(),
            1 => self.unset(),
            2 => match self.path() {
                Some(made) => {
                    let name = self
                        .attribute(&made.kind)
                        .map_or_else(|| "a".to_owned(), |(name, _)| name);
                    plain(format!("HAS({}, \"{name}\")", made.text))
                }
                None => plain("HAS({}, \"a\")".to_owned()),
            },
            3 => {
                let (left, right) = (self.object(depth), self.object(depth));
                let mut kinds = left.kind.attributes();
                kinds.extend(right.kind.attributes());
                Made {
                    text: format!("MERGE({}, {})", left.text, right.text),
                    kind: Kind::Made(kinds),
                }
            }
            4 | 5 => {
                let list = self.list(depth);
                let element = list.kind.element().unwrap_or(Kind::Plain);
                let function = self.chance.pick(&["FIRST", "LAST"]);
                Made {
                    text: format!("{function}({})", list.text),
                    kind: element,
                }
            }
            6 => {
                let list = self.list(depth);
                let function = self
                    .chance
                    .pick(&["UNIQUE", "SORTED", "REVERSE", "FLATTEN", "POP", "SHIFT"]);
                Made {
                    text: format!("{function}({})", list.text),
                    kind: list.kind,
                }
            }
            7 => {
                let value = self.expr(depth);
                Made {
                    text: format!("NOT_NULL({}, null)", value.text),
                    kind: value.kind,
                }
            }
            8 => {
                let collection = self.collection(Operation::Read, None);
                let source = self.source(&collection.name);
                plain(format!("LENGTH({source})"))
            }
            9 => {
                let collection = self.collection(Operation::Read, Some(false));
                let shape = &collection.shape;
                let text = match self.chance.below(4) {
                    0 => format!("DOCUMENT(\"{}/k0\")", collection.name),
                    1 => format!("DOCUMENT({}, \"k0\")", collection.name),
                    2 => format!("DOCUMENT(\"{}\", {})", collection.name, self.bind(json!("k1"))),
                    _ => format!("DOCUMENT(\"{}\", [\"k0\", \"k1\"])[0]", collection.name),
                };
                let made = Made {
                    text,
                    kind: Kind::Part(shape),
                };
                self.step(&made.text, &made.kind.clone()).unwrap_or(made)
            }
            10 => {
                let block = self.block(depth);
                let function = self.chance.pick(&["LENGTH", "FIRST", "COUNT", "SUM", "MAX"]);
                let kind = if function == "FIRST" { block.kind } else { Kind::Plain };
                Made {
                    text: format!("{function}({})", block.text),
                    kind,
                }
            }
            11 => self.whole_document_call(),
            12 => self.fetched(),
            _ => {
                let all = functions::all();
                let place = self.chance.below(all.len());
                let function = &all[place];
                let most = function.max_args.unwrap_or(3).min(4);
                let count = usize::from(function.min_args.max(most.min(function.min_args + 1)));
                let args: Vec<String> = (0..count)
                    .map(|_| match self.document() {
                        Some(variable) if self.chance.percent(12) => variable.name,
                        _ => self.scalar(depth),
                    })
                    .collect();
                plain(format!("{}({})", function.name, args.join(", ")))
            }
        }
    }

    /// A function that looks into a whole document, by names that are data or not at all.
    fn whole_document_call(&mut self) -> Made<'w> {
        let plain = |text: String| Made {
            text,
            kind: Kind::Plain,
        };
        let Some(variable) = self.document() else {
            return plain("ATTRIBUTES({})".to_owned());
        };
        let document = variable.name;
        let name = self
            .attribute(&variable.kind)
            .map_or_else(|| "a".to_owned(), |(name, _)| name);
        plain(match self.chance.below(12) {
            0 => format!("ATTRIBUTES({document})"),
            1 => format!("VALUES({document})"),
            2 => format!("VALUE({document}, [\"{name}\"])"),
            3 => format!("TRANSLATE(\"{name}\", {document})"),
            4 => format!("MATCHES({document}, {{\"{name}\": 1}})"),
            5 => format!("HASH({document})"),
            6 => format!("JSON_STRINGIFY({document})"),
            7 => format!("LENGTH({document})"),
            8 => format!("{document}[CONCAT(\"{name}\", \"\")]"),
            9 => format!("(FOR k IN [\"{name}\"] RETURN {document}[k])"),
            10 => format!("(FOR k IN ATTRIBUTES({document}) RETURN {document}[k])"),
            _ => format!("({document} == {{\"{name}\": 1}})"),
        })
    }

    /// A document fetched by an id that is data.
    fn fetched(&mut self) -> Made<'w> {
        let id = match self.path() {
            Some(made) => made.text,
            None => "\"vault/k0\"".to_owned(),
        };
        Made {
            text: format!("DOCUMENT({id}).a"),
            kind: Kind::Plain,
        }
    }

    /// Attributes of a document, by `KEEP`.
    fn keep(&mut self) -> Made<'w> {
        let Some(variable) = self.document() else {
            return Made {
                text: "{}".to_owned(),
                kind: Kind::Made(Vec::new()),
            };
        };
        let mut kept = Vec::new();
        for _ in 0..2 {
            kept.extend(self.attribute(&variable.kind));
        }
        let names: Vec<String> = kept.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let names = if names.is_empty() {
            "\"a\"".to_owned()
        } else {
            names.join(", ")
        };
        let names = if self.chance.percent(30) {
            format!("[{names}]")
        } else {
            names
        };
        Made {
            text: format!("KEEP({}, {names})", variable.name),
            kind: Kind::Made(kept),
        }
    }

    /// A document without what is hidden, by `UNSET`.
    fn unset(&mut self) -> Made<'w> {
        let Some(variable) = self.document() else {
            return Made {
                text: "{}".to_owned(),
                kind: Kind::Made(Vec::new()),
            };
        };
        let Kind::Part(shape) = variable.kind else {
            return Made {
                text: "{}".to_owned(),
                kind: Kind::Plain,
            };
        };
        let hidden: Vec<String> = shape
            .attributes
            .iter()
            .filter(|(_, shape)| !shape.readable(&self.world.roles))
            .map(|(name, _)| format!("\"{name}\""))
            .collect();
        let dropped = if self.chance.percent(90) && !hidden.is_empty() {
            hidden.join(", ")
        } else {
            "\"a\"".to_owned()
        };
        let kept = variable
            .kind
            .attributes()
            .into_iter()
            .filter(|(name, _)| !dropped.contains(&format!("\"{name}\"")));
        Made {
            text: format!("UNSET({}, {dropped})", variable.name),
            kind: Kind::Made(kept.collect()),
        }
    }

    fn document(&mut self) -> Option<Variable<'w>> {
        let documents: Vec<&Variable<'w>> = self
            .scope
            .iter()
            .filter(|variable| matches!(variable.kind, Kind::Part(_)))
            .collect();
        if documents.is_empty() {
            None
        } else {
            Some(self.chance.pick(&documents).clone())
        }
    }

    /// A document to be written, as a literal or a bind value; mostly one that the schema accepts.
    pub(crate) fn written_document(&mut self, collection: &Collection, whole: bool) -> String {
        if self.chance.percent(12)
            && let Some(variable) = self.document()
        {
            self.note("document from data");
            return match self.chance.below(4) {
                0 => variable.name,
                1 => format!("MERGE({}, {{\"a\": \"x\"}})", variable.name),
                2 => self.keep().text,
                _ => self.unset().text,
            };
        }
        let mut document = if whole || self.chance.percent(50) {
            valid_document(self.chance, collection)
        } else {
            value_of(self.chance, &collection.shape, 0)
        };
        let roles = &self.world.roles;
        let strict = self.chance.percent(92);
        let place = self.chance.below(8);
        let object = document.as_object_mut().unwrap();
        if strict {
            object.retain(|name, _| {
                collection
                    .shape
                    .attribute(name)
                    .is_some_and(|shape| shape.writable(roles))
            });
        }
        if !whole && object.len() > 1 {
            let dropped = object.keys().nth(place % object.len()).cloned();
            dropped.and_then(|name| object.remove(&name));
        }
        if whole {
            if self.chance.percent(40) {
                object.insert("_key".to_owned(), json!(format!("n{}", self.chance.below(3))));
            }
            if let Some(ends) = &collection.edge {
                let from: Vec<&str> = ends.from.iter().map(String::as_str).collect();
                let to: Vec<&str> = ends.to.iter().map(String::as_str).collect();
                object.insert("_from".to_owned(), json!(format!("{}/k0", self.chance.pick(&from))));
                object.insert("_to".to_owned(), json!(format!("{}/k1", self.chance.pick(&to))));
            }
        }
        if self.chance.percent(25) {
            return self.bind(document);
        }
        self.document_literal(&document, &collection.shape, true)
    }

    fn document_literal(&mut self, value: &Value, shape: &Shape, top: bool) -> String {
        match value {
            Value::Object(object) => {
                let members: Vec<String> = object
                    .iter()
                    .map(|(name, value)| {
                        let shape = shape.attribute(name).unwrap_or(shape);
                        let value = self.document_literal(value, shape, false);
                        format!("\"{name}\": {value}")
                    })
                    .collect();
                format!("{{{}}}", members.join(", "))
            }
            _ if !top && self.chance.percent(8) => self.bind(value.clone()),
            _ if !top && self.chance.percent(8) => self.scalar(1),
            // A value of some other type, and a loop's variable where there is one.
            _ if !top && self.chance.percent(4) => self.literal(),
            Value::Array(items) => {
                let items: Vec<String> = items
                    .iter()
                    .map(|item| self.document_literal(item, shape.element(), false))
                    .collect();
                format!("[{}]", items.join(", "))
            }
            other => other.to_string(),
        }
    }
}
