//! Expressions whose values have the type that a schema asks for, mostly: what is written of stored and computed values.

use mallku_db::schema::{JsonType, Shape};

use crate::queries::Generator;
use crate::scope::Kind;
use crate::world::value_of;

impl Generator<'_, '_> {
    /// An expression of a shape's type, over what is in scope.
    pub(crate) fn fitting(&mut self, shape: &Shape, depth: usize) -> String {
        self.note("fitting value");
        let stored = self.stored_of(shape);
        if !stored.is_empty() && self.chance.percent(55) {
            let place = self.chance.below(stored.len());
            let path = &stored[place];
            // It may be absent.
            return if self.chance.percent(30) && !shape.may_be(JsonType::Null) {
                format!("NOT_NULL({path}, {})", self.constant(shape))
            } else {
                path.clone()
            };
        }
        if self.chance.percent(15) {
            let (one, other) = (self.constant(shape), self.constant(shape));
            return format!("({} ? {one} : {other})", self.condition(0));
        }
        let types: Vec<JsonType> = shape.types.iter().copied().collect();
        let Some(&wanted) = types.get(self.chance.below(types.len())) else {
            return self.scalar(1);
        };
        match wanted {
            JsonType::Integer | JsonType::Number => self.number(depth),
            JsonType::String => self.text(),
            JsonType::Boolean => match self.chance.below(3) {
                0 => format!("IS_NULL({})", self.scalar(0)),
                1 => format!("!({})", self.scalar(0)),
                _ => format!("({})", self.condition(0)),
            },
            JsonType::Array if depth > 0 => {
                let element = self.fitting(shape.element(), depth - 1);
                match (self.chance.below(4), stored.first()) {
                    (0, Some(list)) => format!("PUSH({list}, {element})"),
                    (1, Some(list)) => format!("APPEND({list}, [{element}])"),
                    (2, _) => format!("(FOR q IN 1..2 RETURN {element})"),
                    _ => format!("[{element}]"),
                }
            }
            JsonType::Object if depth > 0 => {
                let mut members = Vec::new();
                for (name, below) in &shape.attributes {
                    if shape.required.contains(name) || self.chance.percent(40) {
                        members.push(format!("{name}: {}", self.fitting(below, depth - 1)));
                    }
                }
                format!("{{{}}}", members.join(", "))
            }
            JsonType::Null => "null".to_owned(),
            _ => self.literal(),
        }
    }

    /// A computed value that certainly has a shape's type.
    pub(crate) fn certain(&mut self, shape: &Shape) -> String {
        match shape.types.first() {
            Some(JsonType::String) => format!("TO_STRING({})", self.scalar(0)),
            Some(JsonType::Boolean) => format!("IS_NULL({})", self.scalar(0)),
            Some(JsonType::Array) => {
                let element = self.certain(shape.element());
                format!("[{element}]")
            }
            Some(JsonType::Object) => format!("{{q: {}}}", self.certain(&Shape::open())),
            Some(JsonType::Null) => "null".to_owned(),
            _ => format!("LENGTH({})", self.list(0).text),
        }
    }

    /// A constant that a shape takes, mostly.
    fn constant(&mut self, shape: &Shape) -> String {
        let value = value_of(self.chance, shape, 1);
        match self.chance.below(5) {
            0 => self.literal(),
            1 => self.bind(value),
            _ => value.to_string(),
        }
    }

    /// The attributes in scope whose types are all among those of a shape; of the same name or not, of the same
    /// collection or another.
    fn stored_of(&self, shape: &Shape) -> Vec<String> {
        let fits = |kind: &Kind<'_>| match kind {
            Kind::Part(part) => {
                part.readable(&self.world.roles)
                    && (shape.types.is_empty() || !part.types.is_empty())
                    && part.types.iter().all(|one| shape.may_be(*one))
            }
            _ => false,
        };
        let mut found = Vec::new();
        for variable in self.scope.iter().filter(|variable| variable.name != "CURRENT") {
            for (name, kind) in variable.kind.attributes() {
                if fits(&kind) {
                    found.push(format!("{}.{name}", variable.name));
                }
                for (inner, kind) in kind.attributes() {
                    if fits(&kind) {
                        found.push(format!("{}.{name}.{inner}", variable.name));
                    }
                }
            }
        }
        found
    }

    /// A computed number, between bounds or not.
    fn number(&mut self, depth: usize) -> String {
        let (one, other) = (self.operand(depth), self.operand(depth));
        match self.chance.below(20) {
            0 | 16 => format!("({one} + {other})"),
            1 | 17 => format!("({one} - {other})"),
            2 | 18 => format!("({one} * {other})"),
            3 | 19 => format!("({one} / {other})"),
            4 => format!("({one} % {other})"),
            5 => format!("MIN([5, MAX([0, {one}])])"),
            6 => format!("MIN([{one}, {other}])"),
            7 => format!("MAX([{one}, {other}, null])"),
            8 => format!("FLOOR({one})"),
            9 => format!("ABS({one})"),
            10 => format!("NOT_NULL({one}, {})", self.chance.below(7)),
            11 => format!("LENGTH({})", self.list(0).text),
            12 => format!("SUM([{one}, {other}])"),
            13 => format!("-({one})"),
            14 => format!("({one} || {other})"),
            _ => format!("({} ? {one} : {other})", self.condition(0)),
        }
    }

    fn operand(&mut self, depth: usize) -> String {
        let numbers = Shape {
            types: [JsonType::Number].into(),
            ..Shape::open()
        };
        let stored = self.stored_of(&numbers);
        match self.chance.below(10) {
            0..=3 if !stored.is_empty() => {
                let place = self.chance.below(stored.len());
                stored[place].clone()
            }
            4 | 5 if depth > 0 => self.number(depth - 1),
            6 | 7 => self
                .chance
                .pick(&["1e308", "1e308", "-1e308", "0", "0.0", "1e-308"])
                .to_owned(),
            8 => {
                let number = self.chance.below(6);
                self.bind(number.into())
            }
            _ => self.chance.below(6).to_string(),
        }
    }

    fn text(&mut self) -> String {
        let value = self.scalar(0);
        match self.chance.below(6) {
            0 => format!("CONCAT({value}, \"x\")"),
            1 => format!("TO_STRING({value})"),
            2 => format!("UPPER({value})"),
            3 => format!("NOT_NULL({value}, \"x\")"),
            4 => format!("TYPENAME({value})"),
            _ => match self.document() {
                Some(variable) => format!("{}.{}", variable.name, self.chance.pick(&["_key", "_id", "_rev"])),
                None => "\"x\"".to_owned(),
            },
        }
    }
}
