//! Graph traversals: depth first, breadth first and weighted.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashSet, VecDeque};

use mallku_db::aql::ast::{Direction, Expr, ExprKind, Graph, SourceRef, Traversal};

use super::{Evaluator, Flow};
use crate::error::{ArangoError, Result};
use crate::store::Collection;
use crate::value::{Object, Text, Value};

/// The edge collections that a search follows, each with its direction.
pub(super) struct Edges {
    sources: Vec<(std::sync::Arc<Collection>, Direction)>,
    vertex_collections: Option<Vec<String>>,
    pub(super) weight: Option<(String, f64)>,
}

/// A way from the start: the ids and documents of its vertices, its edges and their weights.
#[derive(Clone)]
pub(super) struct Way {
    pub(super) ids: Vec<Text>,
    pub(super) vertices: Vec<Value>,
    pub(super) edges: Vec<Value>,
    pub(super) weights: Vec<f64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unique {
    None,
    Path,
    Global,
}

impl<'d> Evaluator<'d> {
    pub(super) fn traverse(
        &mut self,
        traversal: &Traversal<'_>,
        next: &mut dyn FnMut(&mut Evaluator<'d>) -> Result<Flow>,
    ) -> Result<Flow> {
        let (low, high) = self.depths(traversal.depth.as_ref(), (1, 1))?;
        let options = self.statement_options(traversal.options.as_ref())?;
        let edges = self.edges(&traversal.graph, traversal.direction, &options)?;
        let order = match options.text("order") {
            Some(order) => order.to_owned(),
            None if options.get("bfs").is_some_and(Value::is_true) => "bfs".to_owned(),
            None => "dfs".to_owned(),
        };
        let unique = |name: &str, default| match options.text(name) {
            Some("none") => Unique::None,
            Some("path") => Unique::Path,
            Some("global") => Unique::Global,
            _ => default,
        };
        let (vertices, unique_edges) = (
            unique("uniqueVertices", Unique::None),
            unique("uniqueEdges", Unique::Path),
        );
        if unique_edges == Unique::Global {
            return Err(ArangoError::bad_parameter("uniqueEdges: 'global' is not supported"));
        }
        if vertices == Unique::Global && order == "dfs" {
            return Err(ArangoError::bad_parameter(
                "uniqueVertices: 'global' is only supported with a breadth-first order",
            ));
        }
        let Some(start) = self.start(&traversal.start)? else {
            return Ok(Flow::More);
        };
        let mut visited: HashSet<Text> = HashSet::from([start.ids.first().cloned().unwrap_or_else(|| Text::from(""))]);
        let mut frontier = Frontier::new(&order);
        frontier.push(start);
        while let Some(way) = frontier.pop() {
            self.step()?;
            let depth = way.edges.len();
            let pruned = self.arrive(traversal, &way, &edges)?;
            if depth >= low && next(self)? == Flow::Enough {
                return Ok(Flow::Enough);
            }
            if depth >= high || pruned {
                continue;
            }
            let mut found = Vec::new();
            for (edge, id) in self.neighbours(&edges, way.ids.last().map_or("", |id| id))? {
                let edge_id = edge.text("_id");
                let edge_seen =
                    unique_edges == Unique::Path && way.edges.iter().any(|known| known.text("_id") == edge_id);
                let vertex_seen = match vertices {
                    Unique::None => false,
                    Unique::Path => way.ids.contains(&id),
                    Unique::Global => !visited.insert(id.clone()),
                };
                if !edge_seen && !vertex_seen {
                    found.push(self.extended(&way, edge, id, &edges)?);
                }
            }
            frontier.extend(found);
        }
        Ok(Flow::More)
    }

    /// Sets the variables for a vertex and evaluates `PRUNE`.
    fn arrive(&mut self, traversal: &Traversal<'_>, way: &Way, edges: &Edges) -> Result<bool> {
        self.set(traversal.vertex, way.vertices.last().cloned().unwrap_or_default());
        if let Some(edge) = traversal.edge {
            self.set(edge, way.edges.last().cloned().unwrap_or_default());
        }
        if let Some(path) = traversal.path {
            let mut object = way.object();
            if edges.weight.is_some() {
                object.set(
                    "weights",
                    Value::array(way.weights.iter().map(|weight| Value::number(*weight)).collect()),
                );
            }
            self.set(path, Value::object(object));
        }
        match &traversal.prune {
            Some(prune) => {
                let pruned = self.condition(&prune.condition)?;
                if let Some(variable) = prune.variable {
                    self.set(variable, Value::Bool(pruned));
                }
                Ok(pruned)
            }
            None => Ok(false),
        }
    }

    pub(super) fn depths(&mut self, depth: Option<&Expr<'_>>, default: (usize, usize)) -> Result<(usize, usize)> {
        let Some(depth) = depth else { return Ok(default) };
        let (low, high) = match &depth.kind {
            ExprKind::Range { low, high } => self.range(low, high)?,
            _ => {
                let depth = self.operand(depth)?.to_i64();
                (depth, depth)
            }
        };
        match (usize::try_from(low), usize::try_from(high)) {
            (Ok(low), Ok(high)) if low <= high => Ok((low, high)),
            _ => Err(ArangoError::bad_parameter("invalid traversal depth")),
        }
    }

    pub(super) fn edges(&mut self, graph: &Graph<'_>, direction: Direction, options: &Value) -> Result<Edges> {
        let mut named: Vec<(Text, Direction)> = Vec::new();
        let graph_name = match graph {
            Graph::Named(name) => Some(Text::from(&*name.text)),
            Graph::NamedBind(bind) => Some(self.bind(&bind.key)?.to_text()),
            Graph::Edges(sources) => {
                for edge in sources {
                    let name = match &edge.source {
                        // With a direction before it, a bind parameter's text is the collection's name as well.
                        SourceRef::Bind(_) | SourceRef::Name(_) => self.source_name(&edge.source)?,
                    };
                    named.push((name, edge.direction.unwrap_or(direction)));
                }
                None
            }
        };
        if let Some(name) = graph_name {
            let graph = self.database.graph(&name)?;
            named = graph
                .edges
                .iter()
                .map(|edge| (Text::from(edge.collection.as_str()), direction))
                .collect();
            self.note(|trace| {
                trace.views_and_graphs.insert(name);
            });
        }
        let listed = |name: &str| {
            options.get(name).map(|value| match value.as_array() {
                Some(items) => items.iter().map(|item| item.to_text().to_string()).collect(),
                None => vec![value.to_text().to_string()],
            })
        };
        if let Some(allowed) = listed("edgeCollections") {
            named.retain(|(name, _)| allowed.iter().any(|allowed| **allowed == **name));
        }
        let mut sources = Vec::with_capacity(named.len());
        for (name, direction) in named {
            sources.push((self.database.shared(&name)?.clone(), direction));
            self.note(|trace| {
                trace.followed.insert(name);
            });
        }
        let weight = options
            .text("weightAttribute")
            .map(|name| (name.to_owned(), options.get("defaultWeight").map_or(1.0, Value::to_f64)));
        Ok(Edges {
            sources,
            vertex_collections: listed("vertexCollections"),
            weight,
        })
    }

    /// The way that has only its start; none, with a warning, when the value is no document id.
    pub(super) fn start(&mut self, start: &Expr<'_>) -> Result<Option<Way>> {
        let value = self.eval(start)?;
        let id = match &value {
            Value::String(id) => Value::String(id.clone()),
            Value::Object(_) => self.attribute(&value, "_id"),
            _ => Value::Null,
        };
        match id {
            Value::String(id) if id.contains('/') => {
                let vertex = self.vertex(&id)?;
                Ok(Some(Way {
                    ids: vec![id],
                    vertices: vec![vertex],
                    edges: Vec::new(),
                    weights: vec![0.0],
                }))
            }
            _ => {
                self.warn(
                    10,
                    "invalid input for traversal: only id strings or objects with _id are allowed",
                )?;
                Ok(None)
            }
        }
    }

    /// The document of a vertex; `null` when there is none. ArangoDB's `--query.require-with` is always in force here:
    /// a vertex of a collection that the query does not name ends it (1521).
    fn vertex(&mut self, id: &str) -> Result<Value> {
        let collection = id.split_once('/').map_or("", |(collection, _)| collection);
        if !self.declared.contains(collection) {
            return Err(ArangoError::new(
                1521,
                format!(
                    "collection not known to traversal: '{collection}'. please add 'WITH {collection}' as the first line in your AQL"
                ),
            ));
        }
        match self.fetch(id) {
            Some(vertex) => Ok(vertex),
            None => {
                self.warn(1202, format!("document not found: {id}"))?;
                Ok(Value::Null)
            }
        }
    }

    /// The edges at a vertex, each with the id of its other end.
    pub(super) fn neighbours(&mut self, edges: &Edges, id: &str) -> Result<Vec<(Value, Text)>> {
        let mut found = Vec::new();
        for (collection, direction) in &edges.sources {
            let outbound = (*direction != Direction::Inbound)
                .then(|| collection.edges_from(id))
                .into_iter()
                .flatten();
            let inbound = (*direction != Direction::Outbound)
                .then(|| collection.edges_to(id))
                .into_iter()
                .flatten();
            let ends = outbound
                .map(|edge| (edge, "_to"))
                .chain(inbound.map(|edge| (edge, "_from")));
            for (edge, end) in ends {
                self.step()?;
                let Some(Value::String(other)) = edge.get(end) else {
                    continue;
                };
                let allowed = edges.vertex_collections.as_ref().is_none_or(|allowed| {
                    other
                        .split_once('/')
                        .is_some_and(|(collection, _)| allowed.iter().any(|name| name == collection))
                });
                if allowed {
                    found.push((self.stored(collection.name(), edge), other.clone()));
                }
            }
        }
        Ok(found)
    }

    /// A way with one more edge and vertex.
    pub(super) fn extended(&mut self, way: &Way, edge: Value, id: Text, edges: &Edges) -> Result<Way> {
        let mut way = way.clone();
        let weight = match &edges.weight {
            Some((attribute, default)) => match self.attribute(&edge, attribute) {
                weight @ (Value::Int(_) | Value::Double(_)) => weight.to_f64(),
                _ => *default,
            },
            None => 1.0,
        };
        way.weights.push(way.weights.last().copied().unwrap_or(0.0) + weight);
        way.vertices.push(self.vertex(&id)?);
        way.ids.push(id);
        way.edges.push(edge);
        Ok(way)
    }
}

impl Way {
    /// `{vertices, edges}`.
    pub(super) fn object(&self) -> Object {
        let mut object = Object::with_capacity(3);
        object.set("vertices", Value::array(self.vertices.clone()));
        object.set("edges", Value::array(self.edges.clone()));
        object
    }

    pub(super) fn weight(&self) -> f64 {
        self.weights.last().copied().unwrap_or(0.0)
    }
}

/// The ways still to be looked at, in the order of the traversal.
enum Frontier {
    Depth(Vec<Way>),
    Breadth(VecDeque<Way>),
    Weighted(BinaryHeap<Weighted>, usize),
}

impl Frontier {
    fn new(order: &str) -> Self {
        match order {
            "bfs" => Frontier::Breadth(VecDeque::new()),
            "weighted" => Frontier::Weighted(BinaryHeap::new(), 0),
            _ => Frontier::Depth(Vec::new()),
        }
    }

    fn push(&mut self, way: Way) {
        match self {
            Frontier::Depth(ways) => ways.push(way),
            Frontier::Breadth(ways) => ways.push_back(way),
            Frontier::Weighted(ways, count) => {
                *count += 1;
                ways.push(Weighted { way, place: *count });
            }
        }
    }

    fn extend(&mut self, mut ways: Vec<Way>) {
        if matches!(self, Frontier::Depth(_)) {
            ways.reverse();
        }
        for way in ways {
            self.push(way);
        }
    }

    fn pop(&mut self) -> Option<Way> {
        match self {
            Frontier::Depth(ways) => ways.pop(),
            Frontier::Breadth(ways) => ways.pop_front(),
            Frontier::Weighted(ways, _) => ways.pop().map(|weighted| weighted.way),
        }
    }
}

/// A way in a heap that gives the lightest first, and of equal ones the earliest.
pub(super) struct Weighted {
    pub(super) way: Way,
    pub(super) place: usize,
}

impl Ord for Weighted {
    fn cmp(&self, other: &Self) -> Ordering {
        other
            .way
            .weight()
            .total_cmp(&self.way.weight())
            .then_with(|| other.place.cmp(&self.place))
    }
}

impl PartialOrd for Weighted {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Weighted {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Weighted {}
