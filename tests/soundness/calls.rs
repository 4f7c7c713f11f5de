//! The function calls of a generated query.

use mallku_db::aql::functions;
use mallku_db::schema::Operation;
use serde_json::json;

use crate::queries::{Generator, Made};
use crate::scope::Kind;

impl<'w> Generator<'w, '_> {
    pub(crate) fn call(&mut self, depth: usize) -> Made<'w> {
        self.note("call");
        let plain = |text: String| Made {
            text,
            kind: Kind::Plain,
        };
        match self.chance.below(24) {
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
            13 | 14 => self.list_call(depth),
            15 => self.object_call(depth),
            16 => self.named_call(),
            17 => self.computed_name(),
            18 => self.overwritten(),
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

    /// A function called by its name as a string.
    fn named_call(&mut self) -> Made<'w> {
        self.note("called by name");
        let all = functions::all();
        let (name, arguments) = match self.chance.below(4) {
            0 => ("DOCUMENT", vec!["\"vault/k0\"".to_owned()]),
            1 => ("LENGTH", vec![self.list(0).text]),
            _ => {
                let place = self.chance.below(all.len());
                (all[place].name, vec![self.scalar(0); usize::from(all[place].min_args)])
            }
        };
        let text = if self.chance.percent(50) {
            let mut given = vec![format!("\"{name}\"")];
            given.extend(arguments);
            format!("CALL({})", given.join(", "))
        } else {
            format!("APPLY(\"{name}\", [{}])", arguments.join(", "))
        };
        Made {
            text,
            kind: Kind::Plain,
        }
    }

    /// An attribute by a name that is known only when the query runs.
    fn computed_name(&mut self) -> Made<'w> {
        self.note("computed name");
        let plain = |text: String| Made {
            text,
            kind: Kind::Plain,
        };
        let Some(variable) = self.document() else {
            return plain("VALUES({})".to_owned());
        };
        let document = variable.name;
        let attributes = variable.kind.attributes();
        let place = self.chance.below(attributes.len());
        let name = attributes.get(place).map_or("a", |(name, _)| name);
        let name = match self.chance.below(3) {
            0 => format!("CONCAT(\"{name}\", \"\")"),
            1 => format!("LOWER(\"{name}\")"),
            _ => format!("FIRST(SPLIT(\"{name} {name}\", \" \"))"),
        };
        plain(match self.chance.below(7) {
            0 => format!("KEEP({document}, {name})"),
            1 => format!("HAS({document}, {name})"),
            2 => format!("VALUE({document}, [{name}])"),
            3 => format!("TRANSLATE({name}, {document})"),
            4 => format!("(FOR k IN [{name}] RETURN {document}[k])"),
            _ => format!("{document}[{name}]"),
        })
    }

    /// A document with other values in the place of what is hidden.
    fn overwritten(&mut self) -> Made<'w> {
        self.note("document overwritten");
        let Some(variable) = self.document() else {
            return self.object(0);
        };
        let Kind::Part(shape) = variable.kind else {
            return self.object(0);
        };
        let roles = &self.world.roles;
        let mut names: Vec<&String> = shape
            .attributes
            .iter()
            .filter(|(_, below)| !below.readable(roles))
            .map(|(name, _)| name)
            .collect();
        if names.is_empty() || self.chance.percent(20) {
            names.extend(shape.attributes.keys().next_back());
        }
        let members: Vec<String> = names.iter().map(|name| format!("{name}: {}", self.scalar(0))).collect();
        let members = format!("{{{}}}", members.join(", "));
        let document = &variable.name;
        let text = match self.chance.below(4) {
            0 => format!("MERGE({members}, {document})"),
            1 => format!("MERGE([{document}, {members}])"),
            2 => format!("MERGE({{n: 1}}, MERGE({document}, {members}))"),
            _ => format!("MERGE({document}, {members})"),
        };
        Made {
            text,
            kind: variable.kind,
        }
    }

    /// A function that makes a list of lists, or picks from one.
    fn list_call(&mut self, depth: usize) -> Made<'w> {
        self.note("list passed on");
        let list = self.list(depth);
        let other = self.list(0);
        let element = list.kind.element().unwrap_or(Kind::Plain);
        let value = self.expr(0);
        let (text, kind) = match self.chance.below(12) {
            0 => (format!("NTH({}, {})", list.text, self.chance.below(3)), element),
            1 => (format!("SLICE({}, 0, 2)", list.text), list.kind),
            2 => (format!("PUSH({}, {})", list.text, value.text), Kind::list(element)),
            3 => (
                format!("UNSHIFT({}, {}, true)", list.text, value.text),
                Kind::list(value.kind),
            ),
            4 => (format!("APPEND({}, {})", list.text, other.text), list.kind),
            5 => (format!("UNION({}, {})", list.text, other.text), other.kind),
            6 => (format!("INTERLEAVE({}, {})", list.text, other.text), list.kind),
            7 => (format!("REMOVE_NTH({}, 0)", list.text), list.kind),
            8 => (
                format!("REPLACE_NTH({}, 0, {}, null)", list.text, value.text),
                list.kind,
            ),
            9 => (format!("FLATTEN([{}, {}])", list.text, other.text), Kind::list(element)),
            10 => (format!("FIRST_LIST({}, {})", list.text, other.text), list.kind),
            _ => (format!("TO_ARRAY({})", list.text), list.kind),
        };
        Made { text, kind }
    }

    /// A function that makes an object of others.
    fn object_call(&mut self, depth: usize) -> Made<'w> {
        self.note("object passed on");
        if self.chance.percent(20) {
            return self.overwritten();
        }
        let (left, right) = match self.document() {
            Some(variable) if self.chance.percent(40) => {
                let right = if self.chance.percent(50) {
                    self.unset()
                } else {
                    self.object(depth)
                };
                (
                    Made {
                        text: variable.name,
                        kind: variable.kind,
                    },
                    right,
                )
            }
            _ => (self.object(depth), self.keep()),
        };
        let mut kinds = left.kind.attributes();
        kinds.extend(right.kind.attributes());
        let made = Kind::Made(kinds);
        let name = self
            .attribute(&left.kind)
            .map_or_else(|| "m".to_owned(), |(name, _)| name);
        let (text, kind) = match self.chance.below(8) {
            0 => (format!("MERGE({}, {})", left.text, right.text), made),
            1 => (format!("MERGE([{}, {}])", left.text, right.text), made),
            2 => (format!("MERGE_RECURSIVE({}, {})", left.text, right.text), made),
            3 => (format!("FIRST_DOCUMENT({}, {})", left.text, right.text), left.kind),
            4 => (format!("KEEP_RECURSIVE({}, \"{name}\")", left.text), left.kind),
            5 => (format!("UNSET_RECURSIVE({}, \"{name}\")", left.text), left.kind),
            6 => (
                format!("ZIP([\"m\", \"{name}\"], [1, {}])", right.text),
                Kind::made(vec![("m", Kind::Plain)]),
            ),
            _ => (format!("ENTRIES({})", right.text), Kind::list(Kind::Plain)),
        };
        Made { text, kind }
    }

    /// A function that looks into a whole document, by names that are data or not at all.
    pub(crate) fn whole_document_call(&mut self) -> Made<'w> {
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
        plain(match self.chance.below(16) {
            0 => format!("ATTRIBUTES({document})"),
            1 => format!("VALUES({document})"),
            2 => format!("VALUE({document}, [\"{name}\"])"),
            3 => format!("TRANSLATE(\"{name}\", {document})"),
            4 => format!("MATCHES({document}, {{\"{name}\": 1}})"),
            5 => format!("HASH({document})"),
            6 => format!("JSON_STRINGIFY({document})"),
            7 => format!("LENGTH({document})"),
            8 => format!("TYPENAME({document})"),
            9 => format!("ENTRIES({document})"),
            10 => format!("(FOR k IN ATTRIBUTES({document}) RETURN {document}[k])"),
            11 => format!("PARSE_IDENTIFIER({document})"),
            12 => format!("IS_SAME_COLLECTION(\"people\", {document})"),
            13 => format!("CHECK_DOCUMENT({document})"),
            14 => format!("({document} IN [{document}, {{\"{name}\": 1}}])"),
            _ => format!("({document} == {{\"{name}\": 1}})"),
        })
    }

    /// A document fetched by an id that is data.
    pub(crate) fn fetched(&mut self) -> Made<'w> {
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
    pub(crate) fn keep(&mut self) -> Made<'w> {
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
    pub(crate) fn unset(&mut self) -> Made<'w> {
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
}
