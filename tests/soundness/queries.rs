//! Random queries over a world: every statement and every kind of expression of AQL.

use std::collections::BTreeSet;

use mallku_db::schema::{Collection, Operation};
use serde_json::{Map, Value, json};

use crate::chance::Chance;
use crate::scope::{Kind, Variable};
use crate::world::World;

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
        if !open.is_empty() && !self.chance.percent(5) {
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
                let whole = match &element {
                    Kind::Part(shape) if !shape.readable(&self.world.roles) => 10,
                    _ => 40,
                };
                if self.chance.percent(whole) {
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
                Kind::Part(_) if self.world.masks() => 12,
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
}
