//! Functions of searches: scores, phrases, analyzers.
//!
//! INVARIANT: an analyzer is one that ArangoDB brings along, or one that a view of the schema set uses: what others do
//! to a text is not known here.

use std::borrow::Cow;

use crate::aql::ast::{Expr, Span};
use crate::judge::analysis::Analysis;
use crate::judge::value::{Types, Value};
use crate::judge::verdict::{Denial, Rule};
use serde_json::Value as Json;

/// <https://docs.arangodb.com/3.12/index-and-search/analyzers/#built-in-analyzers>
const BUILT_IN: [&str; 13] = [
    "identity", "text_de", "text_en", "text_es", "text_fi", "text_fr", "text_it", "text_nl", "text_no", "text_pt",
    "text_ru", "text_sv", "text_zh",
];

impl<'a> Analysis<'a> {
    pub(super) fn search_function(&mut self, name: &str, args: &'a [Expr<'a>], span: Span) -> Value<'a> {
        match (name, args) {
            // The score tells how well the SEARCH condition matched, and that condition was read.
            ("BM25" | "TFIDF", [document, others @ ..]) => {
                let value = self.expr(document);
                self.read_handle(&value, document.span);
                for other in others {
                    self.read_expr(other);
                }
                Value::Plain(Types::NUMBER)
            }
            ("OFFSET_INFO", [document, paths]) => self.offset_info(document, paths, span),
            // An object exists where anything in it was indexed, so that this tells of all its attributes.
            // https://github.com/arangodb/arangodb `fromFuncExists`, `makeColumnAcceptor`
            ("EXISTS", [path, others @ ..]) => {
                self.read_expr(path);
                if let [_, analyzer, ..] = others {
                    self.check_analyzer(analyzer);
                }
                for other in others {
                    self.read_expr(other);
                }
                Value::Plain(Types::BOOL)
            }
            ("ANALYZER", [condition, analyzer]) => {
                self.check_analyzer(analyzer);
                self.expr(condition)
            }
            ("BOOST", [condition, factor]) => {
                self.read_expr(factor);
                self.expr(condition)
            }
            ("TOKENS", [text, analyzer]) => {
                self.read_expr(text);
                self.check_analyzer(analyzer);
                Value::list(Value::ANY)
            }
            // Phrase parts and gaps take turns after the path, so that an even number of arguments after it ends in
            // an analyzer.
            ("PHRASE", [path, others @ ..]) => {
                self.read_expr(path);
                if let [_, .., analyzer] = others
                    && others.len().is_multiple_of(2)
                {
                    self.check_analyzer(analyzer);
                }
                for other in others {
                    self.read_expr(other);
                }
                Value::Plain(Types::BOOL)
            }
            ("NGRAM_MATCH", [path, target, others @ ..]) => {
                self.read_expr(path);
                self.read_expr(target);
                for other in others {
                    let value = self.expr(other);
                    self.read(&value, other.span);
                    // A threshold, or an analyzer.
                    if !self.known_types(&value).within(Types::NUMBER) {
                        self.check_analyzer(other);
                    }
                }
                Value::Plain(Types::BOOL)
            }
            ("MINHASH_MATCH", [path, target, threshold, others @ ..]) => {
                self.read_expr(path);
                self.read_expr(target);
                self.read_expr(threshold);
                for analyzer in others {
                    self.check_analyzer(analyzer);
                }
                Value::Plain(Types::BOOL)
            }
            _ => {
                self.read_all(args);
                Value::ANY
            }
        }
    }

    /// A document that only says which row is meant.
    fn read_handle(&mut self, value: &Value<'a>, span: Span) {
        for alternative in value.alternatives() {
            match alternative {
                Value::Part(part) if part.path.is_root() => self.read_presence(alternative, false, span),
                other => self.read(other, span),
            }
        }
    }

    /// Where in the attributes at these paths the search matched.
    fn offset_info(&mut self, document: &'a Expr<'a>, paths: &'a Expr<'a>, span: Span) -> Value<'a> {
        let value = self.expr(document);
        let wanted = self.expr(paths);
        self.read(&wanted, paths.span);
        let Some(wanted) = self.known_json(&wanted, paths.span) else {
            return self.any_attribute(&value, span);
        };
        let wanted: Vec<&Json> = match wanted.as_ref() {
            Json::Array(wanted) => wanted.iter().collect(),
            single => vec![single],
        };
        for path in wanted {
            let Some(path) = path.as_str() else {
                return self.any_attribute(&value, span);
            };
            // `a.b[2].c`: positions do not name attributes.
            let part = path.split('.').fold(value.clone(), |value, name| {
                let name = name.split('[').next().unwrap_or(name);
                self.attribute(&value, name, paths.span)
            });
            self.read(&part, paths.span);
        }
        Value::ANY
    }

    /// Checks that an argument names an analyzer that is known.
    fn check_analyzer(&mut self, argument: &'a Expr<'a>) {
        let value = self.expr(argument);
        self.read(&value, argument.span);
        let Some(name) = self.known_string(&value) else {
            self.deny(
                Denial::new(
                    Rule::FunctionNotAllowed,
                    "the analyzer's name is known only when the query runs",
                )
                .at(argument.span)
                .hint("write it as a string or bind it"),
            );
            return;
        };
        let known = |name: &str| {
            BUILT_IN.contains(&name)
                || self
                    .resources
                    .views
                    .values()
                    .any(|view| names_analyzer(&view.definition, name))
        };
        if !known(&name) {
            let name: Cow<'_, str> = name;
            self.deny(
                Denial::new(
                    Rule::FunctionNotAllowed,
                    format!("the analyzer `{name}` is neither built in nor used by a view of the schema set"),
                )
                .at(argument.span)
                .hint("use one that is built in, such as `text_en` or `identity`, or name it in the view's definition"),
            );
        }
    }
}

/// Whether a view's definition names an analyzer: in an `analyzers` list or as an `analyzer`, at any depth.
fn names_analyzer(definition: &Json, name: &str) -> bool {
    match definition {
        Json::Object(members) => members.iter().any(|(key, value)| match (key.as_str(), value) {
            ("analyzers", Json::Array(list)) => list
                .iter()
                .any(|entry| entry.as_str() == Some(name) || entry.get("name").and_then(Json::as_str) == Some(name)),
            ("analyzer", Json::String(analyzer)) => analyzer == name,
            (_, value) => names_analyzer(value, name),
        }),
        Json::Array(elements) => elements.iter().any(|element| names_analyzer(element, name)),
        _ => false,
    }
}
