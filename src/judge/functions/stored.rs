//! Functions that read stored data by themselves: `DOCUMENT`, counts, geo and fulltext look-ups, calls by name.
//!
//! INVARIANT: even where the policy allows such a function, the collection that it reads has to be known from the query
//! and its bind values, and has to allow reading.

use std::borrow::Cow;

use crate::aql::ast::{Expr, ExprKind, Span};
use crate::aql::functions::Class;
use crate::judge::analysis::Analysis;
use crate::judge::names::{Named, collection_of_id};
use crate::judge::value::{Constant, Member, Rest, Types, Value};
use crate::judge::verdict::{Denial, Rule};
use crate::schema::Operation;

impl<'a> Analysis<'a> {
    /// `LENGTH(users)`: the number of documents.
    pub(super) fn collection_length(&mut self, argument: &'a Expr<'a>) {
        if let Some((name, span)) = self.collection_argument(argument) {
            self.readable_collection(&name, span);
        }
    }

    /// A collection (no view) that allows reading; denies anything else.
    fn readable_collection(&mut self, name: &Cow<'a, str>, span: Span) -> Option<Value<'a>> {
        match self.resolve(name, span, false) {
            Named::Collection(collection) => {
                self.check_operation(collection, Operation::Read, span);
                let source = self.source(collection);
                Some(Value::Part(self.document(source, true)))
            }
            Named::View(view) => {
                self.deny(
                    Denial::new(
                        Rule::UnknownCollection,
                        format!("`{}` is a view; a collection has to stand here", view.name),
                    )
                    .about(view.name.clone())
                    .at(span),
                );
                None
            }
            Named::Unknown => None,
        }
    }

    pub(super) fn stored_documents(&mut self, name: &str, args: &'a [Expr<'a>], span: Span) -> Value<'a> {
        match (name, args) {
            ("DOCUMENT", [id]) if !matches!(id.kind, ExprKind::Source(_) | ExprKind::SourceBind(_)) => {
                self.document_by_id(id)
            }
            ("DOCUMENT", [collection, key]) => {
                let value = self.expr(key);
                self.read(&value, key.span);
                let one = self.collection_in(collection);
                let types = self.known_types(&value);
                let mut results = vec![Value::NULL];
                if types.meets(Types::ARRAY) {
                    results.push(Value::list(one.clone()));
                }
                results.push(one);
                Value::union(results)
            }
            ("COLLECTION_COUNT", [collection]) => {
                self.collection_in(collection);
                Value::Plain(Types::INTEGER)
            }
            ("FULLTEXT", [collection, attribute, others @ ..]) => {
                self.limit_found(others.get(1), span);
                let document = self.collection_in(collection);
                for other in others {
                    self.read_expr(other);
                }
                let path = self.expr(attribute);
                match self.known_string(&path) {
                    Some(path) => {
                        let part = path.split('.').fold(document.clone(), |value, name| {
                            self.attribute(&value, name, attribute.span)
                        });
                        self.read(&part, attribute.span);
                    }
                    None => {
                        self.any_attribute(&document, attribute.span);
                    }
                }
                Value::list(document)
            }
            ("NEAR" | "WITHIN" | "WITHIN_RECTANGLE", [collection, others @ ..]) => {
                self.limit_found(others.get(2).filter(|_| name == "NEAR"), span);
                let document = self.collection_in(collection);
                // Which attribute the geo index is on is not known here.
                self.read(&document, span);
                let distance = match (name, others) {
                    ("NEAR" | "WITHIN", [_, _, _, distance]) => {
                        let value = self.expr(distance);
                        self.known_string(&value)
                    }
                    _ => None,
                };
                for other in others {
                    self.read_expr(other);
                }
                match distance {
                    None => Value::list(document),
                    Some(distance) => Value::list(Value::object(
                        vec![Member {
                            name: distance.clone(),
                            value: Value::Plain(Types::NUMBER),
                            optional: false,
                        }],
                        vec![Rest {
                            value: document,
                            without: vec![distance],
                        }],
                        false,
                    )),
                }
            }
            // `SCHEMA_GET` and `SHARD_ID` tell of the collection that their argument names.
            ("SCHEMA_GET" | "SHARD_ID", [collection, others @ ..]) => {
                self.collection_in(collection);
                for other in others {
                    self.read_expr(other);
                }
                Value::ANY
            }
            _ => self.read_all(args),
        }
    }

    /// A document of the collection that an argument names.
    fn collection_in(&mut self, argument: &'a Expr<'a>) -> Value<'a> {
        let Some((name, span)) = self.collection_argument(argument) else {
            return Value::ANY;
        };
        // `SCHEMA_GET("users/1")` takes what stands before the slash.
        let name = match name {
            Cow::Borrowed(name) => Cow::Borrowed(collection_of_id(name).unwrap_or(name)),
            Cow::Owned(name) => Cow::Owned(collection_of_id(&name).unwrap_or(&name).to_owned()),
        };
        self.readable_collection(&name, span).unwrap_or(Value::ANY)
    }

    /// `DOCUMENT(id)` and `DOCUMENT([ids])`.
    fn document_by_id(&mut self, argument: &'a Expr<'a>) -> Value<'a> {
        let value = self.expr(argument);
        self.read(&value, argument.span);
        let mut results = vec![Value::NULL];
        let alternatives = value.alternatives().to_vec();
        for alternative in alternatives {
            let (ids, many) = match &alternative {
                Value::Array(_) | Value::List(_) => (self.elements(&alternative, argument.span), true),
                Value::Constant(constant @ Constant::Bind { json, .. }) if json.is_array() => {
                    self.inspect(constant);
                    (self.elements(&alternative, argument.span), true)
                }
                _ => (alternative.clone(), false),
            };
            let Some(collections) = self.id_collections(&ids) else {
                self.deny(
                    Denial::new(
                        Rule::DynamicCollection,
                        "the collection of the document is known only when the query runs",
                    )
                    .at(argument.span)
                    .hint("name the collection: `DOCUMENT(\"collection\", key)`"),
                );
                continue;
            };
            let found: Vec<_> = collections
                .iter()
                .filter_map(|collection| self.readable_collection(collection, argument.span))
                .collect();
            let document = Value::union(found);
            results.push(if many { Value::list(document) } else { document });
        }
        Value::union(results)
    }

    /// `CALL("NAME", …)` and `APPLY("NAME", […])`: the function called has to be known, and allowed itself.
    pub(super) fn dynamic_call(&mut self, name: &str, args: &'a [Expr<'a>], span: Span) -> Value<'a> {
        let [callee, others @ ..] = args else {
            return Value::NULL;
        };
        let value = self.expr(callee);
        self.read(&value, callee.span);
        for other in others {
            self.read_expr(other);
        }
        let callee_name = self.known_string(&value).map(|name| name.to_ascii_uppercase());
        match callee_name {
            Some(callee_name) => {
                let class = self.check_function(&callee_name, callee.span);
                let transforms = class.is_some_and(|class| matches!(class, Class::Pure | Class::Geo));
                if !transforms && !callee_name.contains("::") {
                    self.deny(
                        Denial::new(
                            Rule::FunctionNotAllowed,
                            format!(
                                "`{callee_name}` may not be called through `{name}`: what it reads is not in the query"
                            ),
                        )
                        .at(callee.span)
                        .hint(format!("call `{callee_name}` directly")),
                    );
                }
            }
            None => self.deny(
                Denial::new(
                    Rule::FunctionNotAllowed,
                    format!("`{name}` calls a function whose name is known only when the query runs"),
                )
                .at(span)
                .hint("call the function directly"),
            ),
        }
        Value::ANY
    }
}
