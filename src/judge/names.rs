//! Names of collections, views and graphs: what a query calls by name, by bind value, or by an id in a string.
//!
//! INVARIANT: a name that begins with `_` or a digit is refused wherever it stands: the first are ArangoDB's own
//! collections, the second would be taken for a collection's internal id.
//! <https://docs.arangodb.com/3.12/concepts/data-structure/collections/#collection-names>

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::analysis::{Analysis, Source};
use super::message::{kind_of, listed, nearest};
use super::value::{Constant, Part, Value, each_element};
use super::verdict::{Denial, Rule};
use crate::aql::ast::{Bind, Expr, ExprKind, SourceRef, Span};
use crate::schema::{Collection, Graph, Operation, Shape, View};
use serde_json::Value as Json;

/// What a name stands for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Named<'a> {
    Collection(&'a Collection),
    View(&'a View),
    /// Denied already.
    Unknown,
}

static OPEN: Shape = Shape::open();

impl<'a> Analysis<'a> {
    /// The name that a source reference gives; denies one that is known only when the query runs.
    pub(super) fn source_name(&mut self, source: &'a SourceRef<'a>) -> Option<(Cow<'a, str>, Span)> {
        match source {
            SourceRef::Name(name) => Some((name.text.clone(), name.span)),
            SourceRef::Bind(bind) => self.bound_name(bind).map(|name| (name, bind.span)),
        }
    }

    /// The name in a bind value.
    pub(super) fn bound_name(&mut self, bind: &'a Bind<'a>) -> Option<Cow<'a, str>> {
        match self.bind_json(bind)? {
            Json::String(name) => Some(Cow::Borrowed(name)),
            _ => {
                self.deny(Denial::bind_type(
                    &bind.key,
                    "a string: it names a collection",
                    bind.span,
                ));
                None
            }
        }
    }

    /// What a name stands for; denies an unknown one. `search`: the place takes a view only.
    pub(super) fn resolve(&mut self, name: &str, span: Span, search: bool) -> Named<'a> {
        let rule = if search {
            Rule::UnknownView
        } else {
            Rule::UnknownCollection
        };
        if name.starts_with(|first: char| first == '_' || first.is_ascii_digit()) || name.is_empty() {
            self.deny(Denial::reserved_source(rule, name, span));
            return Named::Unknown;
        }
        let resources = self.resources;
        if let Some(collection) = resources.collections.get(name) {
            return Named::Collection(collection);
        }
        if let Some(view) = resources.views.get(name) {
            return Named::View(view);
        }
        let views = resources.views.keys().map(String::as_str);
        let collections = resources.collections.keys().map(String::as_str);
        let (kind, known): (_, Vec<&str>) = if search {
            ("view", views.collect())
        } else {
            ("collection or view", collections.chain(views).collect())
        };
        self.deny(Denial::unknown_source(rule, kind, name, span, &known));
        Named::Unknown
    }

    /// The documents of a collection or view that the query reads.
    pub(super) fn documents(&mut self, name: &Cow<'a, str>, span: Span, search: bool) -> Value<'a> {
        match self.resolve(name, span, search) {
            Named::Collection(collection) => {
                if search {
                    self.deny(
                        Denial::new(
                            Rule::UnknownView,
                            format!("`{name}` is a collection: SEARCH takes a view"),
                        )
                        .about(name.as_ref())
                        .at(span)
                        .hint("use FILTER, or name a view"),
                    );
                }
                self.check_operation(collection, Operation::Read, span);
                self.iterated.insert(name.to_string());
                let source = self.source(collection);
                Value::Part(self.document(source, true))
            }
            Named::View(view) => self.view_documents(view, span),
            Named::Unknown => {
                // Follow it as if it were open, so that the report tells what the query wants from it.
                let source = self.push_source(name.clone(), None);
                Value::Part(self.document(source, true))
            }
        }
    }

    fn view_documents(&mut self, view: &'a View, span: Span) -> Value<'a> {
        self.check_view(view, span);
        let collections = self.collections_of(view.collections.iter());
        for collection in &collections {
            self.check_operation(collection, Operation::Read, span);
        }
        self.any_document(&collections)
    }

    fn check_view(&mut self, view: &'a View, span: Span) {
        if !view.allow.permits(self.roles, Operation::Read) {
            let denial =
                Denial::operation_not_allowed(&view.name, "view", Operation::Read, &view.allow, self.roles, Some(span));
            self.deny(denial);
        }
    }

    /// The graph with this name, readable by the user.
    pub(super) fn graph(&mut self, name: &str, span: Span) -> Option<&'a Graph> {
        let resources = self.resources;
        let Some(graph) = resources.graphs.get(name) else {
            let known: Vec<&str> = resources.graphs.keys().map(String::as_str).collect();
            let denial = if name.starts_with('_') {
                Denial::reserved_source(Rule::UnknownGraph, name, span)
            } else {
                Denial::unknown_source(Rule::UnknownGraph, "graph", name, span, &known)
            };
            self.deny(denial);
            return None;
        };
        if !graph.allow.permits(self.roles, Operation::Read) {
            let denial =
                Denial::operation_not_allowed(name, "graph", Operation::Read, &graph.allow, self.roles, Some(span));
            self.deny(denial);
        }
        Some(graph)
    }

    /// The collections with these names, all of them known by the schema set's own invariant.
    pub(super) fn collections_of<'n>(&self, names: impl Iterator<Item = &'n String>) -> Vec<&'a Collection> {
        let resources = self.resources;
        names
            .filter_map(|name| resources.collections.get(name).map(|collection| &**collection))
            .collect()
    }

    /// A document of one of these collections.
    pub(super) fn any_document(&mut self, collections: &[&'a Collection]) -> Value<'a> {
        let parts: Vec<_> = collections
            .iter()
            .map(|&collection| {
                let source = self.source(collection);
                Value::Part(self.document(source, collection.allow.permits(self.roles, Operation::Read)))
            })
            .collect();
        if parts.is_empty() {
            Value::NULL
        } else {
            Value::union(parts)
        }
    }

    /// A whole document of a source.
    pub(super) fn document(&self, source: u32, permitted: bool) -> Part<'a> {
        let shape = match self.sources[source as usize].collection {
            Some(collection) => &collection.shape,
            None => &OPEN,
        };
        Part {
            source,
            path: super::value::Path::root(),
            shape,
            optional: false,
            permitted,
        }
    }

    /// The index of a collection in the table of sources.
    pub(super) fn source(&mut self, collection: &'a Collection) -> u32 {
        let known = self
            .sources
            .iter()
            .position(|source| source.collection.is_some_and(|known| std::ptr::eq(known, collection)));
        match known {
            Some(index) => u32::try_from(index).unwrap_or(u32::MAX),
            None => self.push_source(Cow::Borrowed(&collection.name), Some(collection)),
        }
    }

    pub(super) fn push_source(&mut self, name: Cow<'a, str>, collection: Option<&'a Collection>) -> u32 {
        self.sources.push(Source { name, collection });
        u32::try_from(self.sources.len() - 1).unwrap_or(u32::MAX)
    }

    /// Checks that a collection allows an operation.
    pub(super) fn check_operation(&mut self, collection: &'a Collection, operation: Operation, span: Span) {
        if !collection.allow.permits(self.roles, operation) {
            let denial = Denial::operation_not_allowed(
                &collection.name,
                kind_of(collection),
                operation,
                &collection.allow,
                self.roles,
                Some(span),
            );
            self.deny(denial);
        }
    }

    /// The leading `WITH`.
    pub(super) fn check_with(&mut self) {
        let query = self.query;
        for source in &query.with {
            let Some((name, span)) = self.source_name(source) else {
                continue;
            };
            match self.resolve(&name, span, false) {
                Named::Collection(collection) => {
                    self.check_operation(collection, Operation::Read, span);
                    self.with.insert(collection.name.clone());
                }
                Named::View(view) => {
                    self.check_view(view, span);
                    self.with.extend(view.collections.iter().cloned());
                }
                Named::Unknown => {}
            }
        }
    }

    /// A collection named by an argument of a function: by its bare name or by a string.
    pub(super) fn collection_argument(&mut self, argument: &'a Expr<'a>) -> Option<(Cow<'a, str>, Span)> {
        match &argument.kind {
            ExprKind::Source(name) => Some((name.text.clone(), name.span)),
            ExprKind::SourceBind(bind) => self.bound_name(bind).map(|name| (name, bind.span)),
            _ => {
                let value = self.expr(argument);
                match self.known_string(&value) {
                    Some(name) if !name.is_empty() => Some((name, argument.span)),
                    _ => {
                        self.deny(
                            Denial::new(
                                Rule::DynamicCollection,
                                "the collection's name is known only when the query runs",
                            )
                            .at(argument.span)
                            .hint("write the collection's name as a literal or bind it"),
                        );
                        None
                    }
                }
            }
        }
    }

    /// The collections that an id may be in; `None`: nothing is known of the value, or it is no id.
    pub(super) fn id_collections(&mut self, value: &Value<'a>) -> Option<BTreeSet<Cow<'a, str>>> {
        let mut collections = BTreeSet::new();
        for value in value.alternatives() {
            match value {
                Value::IdIn(collection) => {
                    collections.insert(collection.clone());
                }
                Value::Constant(Constant::Null) => {}
                Value::Constant(constant @ Constant::ElementOf { json, path, .. }) => {
                    self.inspect(constant);
                    for element in each_element(json, path)? {
                        if !element.is_null() {
                            collections.insert(Cow::Borrowed(collection_of_id(element.as_str()?)?));
                        }
                    }
                }
                Value::Constant(_) => {
                    let id = self.known_string(value)?;
                    collections.insert(match id {
                        Cow::Borrowed(id) => Cow::Borrowed(collection_of_id(id)?),
                        Cow::Owned(id) => Cow::Owned(collection_of_id(&id)?.to_owned()),
                    });
                }
                Value::Part(part) => {
                    let source = self.sources.get(part.source as usize)?;
                    match (part.path.top_level()?, source.collection) {
                        ("_id", Some(collection)) => {
                            collections.insert(Cow::Borrowed(collection.name.as_str()));
                        }
                        ("_id", None) => {
                            collections.insert(source.name.clone());
                        }
                        ("_from", Some(collection)) => {
                            let ends = collection.edge.as_ref()?;
                            collections.extend(ends.from.iter().map(|name| Cow::Borrowed(name.as_str())));
                        }
                        ("_to", Some(collection)) => {
                            let ends = collection.edge.as_ref()?;
                            collections.extend(ends.to.iter().map(|name| Cow::Borrowed(name.as_str())));
                        }
                        _ => return None,
                    }
                }
                _ => return None,
            }
        }
        Some(collections)
    }

    /// A hint that names what is near, or what there is.
    pub(super) fn near_or_listed(name: &str, known: &[&str]) -> String {
        match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are: {}", listed(known)),
        }
    }
}

/// The collection in a document id.
pub(super) fn collection_of_id(id: &str) -> Option<&str> {
    let (collection, key) = id.split_once('/')?;
    (!collection.is_empty() && !key.is_empty()).then_some(collection)
}
