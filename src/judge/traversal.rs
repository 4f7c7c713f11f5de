//! Traversals and path searches: which edges, which vertices, from where, how deep.
//!
//! INVARIANT: the vertices that a traversal can meet are those at the ends of its edges, which the schemas bound (and
//! every write keeps), and where it starts. All of these collections have to be known and readable.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::analysis::Analysis;
use super::functions::is_object;
use super::message::listed;
use super::names::Named;
use super::options::{self, Options};
use super::value::{Member, Types, Value};
use super::verdict::{Denial, Rule};
use crate::aql::ast::{Direction, Expr, ExprKind, Graph, PathKind, Paths, Span, Traversal};
use crate::schema::{Collection, Operation};
use serde_json::Value as Json;

/// What a traversal moves through.
struct Ground<'a> {
    /// A document of one of its edge collections.
    edge: Value<'a>,
    /// Names of its edge collections.
    edges: BTreeSet<&'a str>,
    /// Vertex collections at the far ends of the edges.
    reached: BTreeMap<&'a str, &'a Collection>,
    /// Whether an edge collection was denied, so that the rest is guesswork.
    broken: bool,
}

/// Least and greatest depth; `None` where it is known only when the query runs.
#[derive(Clone, Copy)]
struct Depth {
    least: Option<u64>,
    most: Option<u64>,
}

impl<'a> Analysis<'a> {
    /// `FOR v, e, p IN … OUTBOUND start …`.
    pub(super) fn traversal(&mut self, it: &'a Traversal<'a>, span: Span) {
        let depth = self.depth(it.depth.as_ref());
        let start = self.endpoint(&it.start);
        let ground = self.ground(&it.graph, it.direction);
        self.check_ground(&it.graph, &ground, &start, span);
        let reached = self.vertices(&ground, &BTreeMap::new());
        let with_start = self.vertices(&ground, &start);
        let edge = Value::union([ground.edge.clone(), Value::NULL]);

        // PRUNE sees the start vertex at any depth.
        self.assign(it.vertex, with_start.clone());
        if let Some(variable) = it.edge {
            self.assign(variable, edge.clone());
        }
        if let Some(variable) = it.path {
            let path = path_object(with_start.clone(), &ground);
            self.assign(variable, path);
        }
        if let Some(prune) = &it.prune {
            let value = self.condition(&prune.condition);
            if let Some(variable) = prune.variable {
                self.assign(variable, value);
            }
        }
        if depth.least.is_some_and(|least| least > 0) {
            self.assign(it.vertex, reached);
        }
        if let Some(given) = &it.options {
            let given = self.options(given, options::TRAVERSAL);
            self.check_graph_options(&given, &ground, &start);
        }
    }

    /// `FOR … IN OUTBOUND SHORTEST_PATH start TO target …` and its relatives.
    pub(super) fn paths(&mut self, it: &'a Paths<'a>, span: Span) {
        if it.kind == PathKind::KPaths {
            self.depth(it.depth.as_ref());
        } else if let Some(depth) = &it.depth {
            self.read_expr(depth);
        }
        let mut ends = self.endpoint(&it.start);
        ends.extend(self.endpoint(&it.target));
        let ground = self.ground(&it.graph, it.direction);
        self.check_ground(&it.graph, &ground, &ends, span);
        let vertices = self.vertices(&ground, &ends);
        if it.kind == PathKind::Shortest {
            self.assign(it.first, vertices);
        } else {
            let path = path_object(vertices, &ground);
            self.assign(it.first, path);
        }
        if let Some(variable) = it.edge {
            self.assign(variable, Value::union([ground.edge.clone(), Value::NULL]));
        }
        if let Some(given) = &it.options {
            let given = self.options(given, options::PATHS);
            self.check_graph_options(&given, &ground, &ends);
        }
    }

    fn depth(&mut self, depth: Option<&'a Expr<'a>>) -> Depth {
        let Some(expr) = depth else {
            return Depth {
                least: Some(1),
                most: Some(1),
            };
        };
        let depth = match &expr.kind {
            ExprKind::Range { low, high } => Depth {
                least: self.depth_bound(low),
                most: self.depth_bound(high),
            },
            _ => {
                let both = self.depth_bound(expr);
                Depth {
                    least: both,
                    most: both,
                }
            }
        };
        if let Some(limit) = self.set.limits.traversal_depth
            && depth.most.is_none_or(|most| most > limit)
        {
            let message = match depth.most {
                Some(most) => format!("the traversal goes {most} levels deep; the policy allows {limit}"),
                None => format!(
                    "how deep the traversal goes is known only when the query runs; the policy allows {limit} levels"
                ),
            };
            self.deny(
                Denial::new(Rule::TraversalTooDeep, message)
                    .at(expr.span)
                    .hint(format!("use a depth of at most {limit}, such as `1..{limit}`")),
            );
        }
        depth
    }

    fn depth_bound(&mut self, expr: &'a Expr<'a>) -> Option<u64> {
        let value = self.expr(expr);
        self.read(&value, expr.span);
        self.known_json(&value, expr.span).and_then(|json| json.as_u64())
    }

    /// The collections that a start or target vertex may be in; denies one that is not known, or not readable.
    fn endpoint(&mut self, expr: &'a Expr<'a>) -> BTreeMap<&'a str, &'a Collection> {
        let value = self.expr(expr);
        let mut ids = Vec::new();
        for alternative in value.alternatives() {
            if is_object(alternative) || self.known_types(alternative).within(Types::OBJECT) {
                // Of a document, the traversal takes the `_id`.
                ids.push(self.attribute(alternative, "_id", expr.span));
            } else {
                ids.push(alternative.clone());
            }
        }
        let id = Value::union(ids);
        self.read(&id, expr.span);
        let mut found = BTreeMap::new();
        let Some(names) = self.id_collections(&id) else {
            self.deny(
                Denial::new(
                    Rule::TraversalStart,
                    "the collection of this vertex is known only when the query runs",
                )
                .at(expr.span)
                .hint("use an id such as \"users/1\" as literal or bind value, a document of a loop, its `_id`, or `CONCAT(\"users/\", key)`"),
            );
            return found;
        };
        let resources = self.resources;
        for name in names {
            match resources.collections.get(name.as_ref()) {
                Some(collection) if collection.allow.permits(self.roles, Operation::Read) => {
                    found.insert(collection.name.as_str(), &**collection);
                }
                Some(_) => self.start_denied(&name, "does not allow reading to this user", expr.span),
                None => self.start_denied(&name, "is not in the schema set", expr.span),
            }
        }
        found
    }

    fn start_denied(&mut self, name: &str, why: &str, span: Span) {
        let resources = self.resources;
        let roles = self.roles;
        let readable: Vec<&str> = resources
            .collections
            .values()
            .filter(|collection| collection.allow.permits(roles, Operation::Read))
            .map(|collection| collection.name.as_str())
            .collect();
        self.deny(
            Denial::new(
                Rule::TraversalStart,
                format!("the vertex is in the collection `{name}`, which {why}"),
            )
            .about(name)
            .at(span)
            .hint(Self::near_or_listed(name, &readable)),
        );
    }

    /// The edges and the vertices at their far ends.
    fn ground(&mut self, graph: &'a Graph<'a>, direction: Direction) -> Ground<'a> {
        let mut edges: Vec<(&'a Collection, Direction, Span)> = Vec::new();
        let mut broken = false;
        match graph {
            Graph::Named(name) => match self.graph(&name.text, name.span) {
                Some(graph) => {
                    let found = self.collections_of(graph.edges.iter());
                    edges.extend(found.into_iter().map(|edge| (edge, direction, name.span)));
                }
                None => broken = true,
            },
            Graph::NamedBind(bind) => {
                let graph = match self.bind_json(bind) {
                    Some(Json::String(name)) => self.graph(name, bind.span),
                    Some(_) => {
                        self.deny(Denial::bind_type(&bind.key, "a string: it names a graph", bind.span));
                        None
                    }
                    None => None,
                };
                match graph {
                    Some(graph) => {
                        let found = self.collections_of(graph.edges.iter());
                        edges.extend(found.into_iter().map(|edge| (edge, direction, bind.span)));
                    }
                    None => broken = true,
                }
            }
            Graph::Edges(sources) => {
                for source in sources {
                    let Some((name, span)) = self.source_name(&source.source) else {
                        broken = true;
                        continue;
                    };
                    match self.resolve(&name, span, false) {
                        Named::Collection(collection) if collection.edge.is_some() => {
                            edges.push((collection, source.direction.unwrap_or(direction), span));
                        }
                        Named::Collection(_) | Named::View(_) => {
                            broken = true;
                            self.deny(
                                Denial::new(
                                    Rule::UnknownCollection,
                                    format!("`{name}` is no edge collection, so a traversal cannot follow it"),
                                )
                                .about(name.as_ref())
                                .at(span)
                                .hint(Self::near_or_listed(&name, &self.edge_collections())),
                            );
                        }
                        Named::Unknown => broken = true,
                    }
                }
            }
        }
        let mut parts = Vec::new();
        let mut reached = BTreeMap::new();
        let mut names = BTreeSet::new();
        for (collection, direction, at) in edges {
            self.check_operation(collection, Operation::Read, at);
            let source = self.source(collection);
            let permitted = collection.allow.permits(self.roles, Operation::Read);
            parts.push(Value::Part(self.document(source, permitted)));
            names.insert(collection.name.as_str());
            let Some(ends) = &collection.edge else { continue };
            let far = match direction {
                Direction::Outbound => vec![&ends.to],
                Direction::Inbound => vec![&ends.from],
                Direction::Any => vec![&ends.from, &ends.to],
            };
            for vertex in self.collections_of(far.into_iter().flatten()) {
                self.check_operation(vertex, Operation::Read, at);
                reached.insert(vertex.name.as_str(), vertex);
            }
        }
        Ground {
            edge: if broken || parts.is_empty() {
                Value::ANY
            } else {
                Value::union(parts)
            },
            edges: names,
            reached,
            broken,
        }
    }

    fn edge_collections(&self) -> Vec<&'a str> {
        let resources = self.resources;
        let edges = resources
            .collections
            .values()
            .filter(|collection| collection.edge.is_some());
        edges.map(|collection| collection.name.as_str()).collect()
    }

    /// An anonymous graph needs its vertex collections in `WITH`: a cluster cannot find them out, and arangod runs with
    /// `--query.require-with`. A start vertex may also come from a loop of this query.
    fn check_ground(
        &mut self,
        graph: &'a Graph<'a>,
        ground: &Ground<'a>,
        start: &BTreeMap<&'a str, &'a Collection>,
        span: Span,
    ) {
        if ground.broken || !matches!(graph, Graph::Edges(_)) {
            return;
        }
        let missing: BTreeSet<&str> = ground
            .reached
            .keys()
            .chain(start.keys().filter(|name| !self.iterated.contains(**name)))
            .filter(|name| !self.with.contains(**name))
            .copied()
            .collect();
        if missing.is_empty() {
            return;
        }
        let all: BTreeSet<&str> = self
            .with
            .iter()
            .map(String::as_str)
            .chain(missing.iter().copied())
            .collect();
        let all: Vec<&str> = all.into_iter().collect();
        let missing: Vec<&str> = missing.into_iter().collect();
        let denial = Denial::new(
            Rule::TraversalNeedsWith,
            format!(
                "the traversal can reach {}, which `WITH` does not name",
                listed(&missing)
            ),
        )
        .about(missing[0])
        .at(span)
        .hint(format!("begin the query with `WITH {}`", all.join(", ")));
        self.deny(denial);
    }

    fn vertices(&mut self, ground: &Ground<'a>, start: &BTreeMap<&'a str, &'a Collection>) -> Value<'a> {
        if ground.broken {
            return Value::ANY;
        }
        let all: BTreeMap<&str, &'a Collection> = ground
            .reached
            .iter()
            .chain(start)
            .map(|(name, collection)| (*name, *collection))
            .collect();
        let all: Vec<_> = all.into_values().collect();
        // An edge may point to a document that does not exist: then the vertex is null.
        Value::union([self.any_document(&all), Value::NULL])
    }

    fn check_graph_options(
        &mut self,
        given: &Options<'a>,
        ground: &Ground<'a>,
        start: &BTreeMap<&'a str, &'a Collection>,
    ) {
        if let Some((value, span)) = given.get("weightAttribute") {
            match value {
                Json::String(name) => {
                    let part = self.attribute(&ground.edge, name, span);
                    self.read(&part, span);
                }
                _ => self.deny(Denial::option("`weightAttribute` has to be a string", span)),
            }
        }
        if let Some((value, span)) = given.get("vertexCollections") {
            self.check_collection_names(value, span, |name| {
                ground.reached.contains_key(name) || start.contains_key(name)
            });
        }
        if let Some((value, span)) = given.get("edgeCollections") {
            self.check_collection_names(value, span, |name| ground.edges.contains(name));
        }
    }
}

/// The path variable: its vertices and edges, and the weights that the search summed up.
fn path_object<'a>(vertices: Value<'a>, ground: &Ground<'a>) -> Value<'a> {
    let member = |name: &'static str, value: Value<'a>| Member {
        name: Cow::Borrowed(name),
        value,
        // Which of the weights there is hangs on the search and its options.
        optional: name.starts_with("weight"),
    };
    Value::path(vec![
        member("vertices", Value::list(vertices)),
        member("edges", Value::list(ground.edge.clone())),
        member("weights", Value::list(Value::Plain(Types::NUMBER))),
        member("weight", Value::Plain(Types::NUMBER)),
    ])
}
