//! The expressions of a generated query.

use serde_json::json;

use crate::queries::{Generator, Made};
use crate::scope::{Kind, Variable};

impl<'w> Generator<'w, '_> {
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

    pub(crate) fn ternary(&mut self, depth: usize) -> Made<'w> {
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

    pub(crate) fn object(&mut self, depth: usize) -> Made<'w> {
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

    pub(crate) fn expand(&mut self, base: &str, element: Kind<'w>, depth: usize) -> Made<'w> {
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
        // After a projection, only parentheses let more follow.
        let text = if inside.contains(" RETURN ") {
            format!("({base}[{stars}{inside}])")
        } else {
            format!("{base}[{stars}{inside}]")
        };
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

    pub(crate) fn question(&mut self, depth: usize) -> Made<'w> {
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
}
