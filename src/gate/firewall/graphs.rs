//! Vertices and edges through a named graph: documents of their collections, with what the graph adds.
//!
//! Two things go beyond a document: removing a vertex makes arangod remove its edges in every edge collection of every graph
//! that uses the vertex's collection (`GraphOperations::removeEdgeOrVertex`), and writing an edge tells whether its ends exist.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::documents::{Identity, check_key, flags, merge_of, without_revision};
use super::passage::{error_object, failure, not_visible, read_object, respond, respond_empty, unusable};
use super::{Context, Firewall};
use crate::gate::message::Response;
use crate::gate::parameters::{Kind, Parameters, TargetWriter};
use crate::gate::reply::Refusal;
use crate::gate::upstream::Method;
use crate::judge::documents::{DocumentOperation, Overwrite, Place, Projection, judge_documents};
use crate::judge::{Denial, Rule};

const PARAMETERS: &[(&str, Kind)] = &[
    ("returnNew", Kind::Flag),
    ("returnOld", Kind::Flag),
    ("waitForSync", Kind::Flag),
    ("keepNull", Kind::Flag),
    ("rev", Kind::Text),
    // Not read by arangod on these routes.
    ("silent", Kind::Dropped),
    ("overwrite", Kind::Dropped),
    ("ignoreRevs", Kind::Dropped),
    ("mergeObjects", Kind::Dropped),
    ("details", Kind::Dropped),
];

impl Context<'_> {
    fn graph_name(&self) -> &str {
        self.graph.unwrap_or_default()
    }

    fn is_edge_route(&self) -> bool {
        self.trail.route.is_some_and(|route| route.contains("/edge/"))
    }

    /// Refuses a collection that is not part of the graph, and a graph that the user may not see.
    fn require_in_graph(&mut self) -> Result<(), Refusal> {
        let name = self.graph_name().to_owned();
        self.require_visible(Rule::UnknownGraph, "graph", &name)?;
        let collection = self.name(0);
        let resources = self.policy.set().resources.get(self.database());
        let known = resources.is_some_and(|resources| {
            resources.graphs.get(&name).is_some_and(|graph| {
                let ends = graph
                    .edges
                    .iter()
                    .filter_map(|edges| resources.collections.get(edges)?.edge.as_ref());
                let is_vertex = graph.orphans.contains(collection)
                    || ends
                        .into_iter()
                        .any(|ends| ends.from.contains(collection) || ends.to.contains(collection));
                if self.is_edge_route() {
                    graph.edges.contains(collection)
                } else {
                    is_vertex
                }
            })
        });
        if known {
            return Ok(());
        }
        let refusal = not_visible(Rule::UnknownCollection, "collection", collection);
        self.admit_or(refusal)
    }

    /// Writing an edge tells whether its ends exist: they must be readable.
    fn require_readable_ends(&mut self) -> Result<(), Refusal> {
        let Some(ends) = self
            .collection(self.name(0))
            .and_then(|collection| collection.edge.as_ref())
        else {
            return Ok(());
        };
        let names: BTreeSet<&String> = ends.from.iter().chain(&ends.to).collect();
        let mut denials: Vec<Denial> = Vec::new();
        for name in names {
            let place = Place {
                user: self.credentials.user.as_deref(),
                database: &self.target.database,
                collection: name,
            };
            denials.extend(judge_documents(self.policy.set(), place, DocumentOperation::Read, false).denials);
        }
        self.admit(&denials, None)
    }

    fn graph_target(&self) -> TargetWriter {
        let mut writer = TargetWriter::new(self.database())
            .words("/_api/gharial")
            .name(self.graph_name())
            .words(if self.is_edge_route() { "/edge" } else { "/vertex" })
            .name(self.name(0));
        if self.names.len() > 1 {
            writer = writer.name(self.name(1));
        }
        writer
    }

    /// An answer of these routes: the document or its handle, and stored versions of it, each reduced.
    fn graph_answer(&self, mut object: Map<String, Value>) -> Result<Value, Refusal> {
        let member = if self.is_edge_route() { "edge" } else { "vertex" };
        object
            .retain(|name, _| name == member || matches!(name.as_str(), "error" | "code" | "new" | "old" | "removed"));
        let reads = self.method.only_reads();
        let projection = Projection::of(self.policy.set(), self.place());
        for name in [member, "new", "old"] {
            let Some(document) = object.get_mut(name) else {
                continue;
            };
            match (&projection, document) {
                (Some(projection), document) if reads || name != member => projection.reduce(document),
                (_, Value::Object(handle)) if !reads && name == member => {
                    handle.retain(|name, _| {
                        matches!(name.as_str(), "_id" | "_key" | "_rev" | "_oldRev" | "_from" | "_to")
                    });
                }
                (None, _) if self.detect => {}
                _ => return Err(unusable("it holds what may not be read")),
            }
        }
        Ok(Value::Object(object))
    }
}

impl Firewall {
    pub(super) fn graph_read(&self, context: &mut Context<'_>) -> Result<Response, Refusal> {
        let parameters = Parameters::read(context.target, PARAMETERS)?;
        check_key(context.name(1))?;
        context.require_in_graph()?;
        context.judge_documents(DocumentOperation::Read, false)?;
        self.graph_send(context, &parameters, None)
    }

    pub(super) fn graph_write(&self, context: &mut Context<'_>) -> Result<Response, Refusal> {
        let parameters = Parameters::read(context.target, PARAMETERS)?;
        context.require_in_graph()?;
        if context.is_edge_route() {
            context.require_readable_ends()?;
        }
        let body = Value::Object(context.object()?);
        let identity = if context.method == Method::Post {
            Identity::New
        } else {
            check_key(context.name(1))?;
            Identity::Path(context.name(1))
        };
        let document = context.document(body, identity, context.method != Method::Post)?;
        let judged = [without_revision(&document)];
        let mut merge = merge_of(&parameters);
        // `mergeObjects` is not known to these routes: objects are merged.
        merge.merge_objects = true;
        let operation = match context.method {
            Method::Post => DocumentOperation::Insert {
                documents: &judged,
                overwrite: Overwrite::Conflict,
            },
            Method::Put => DocumentOperation::Replace { documents: &judged },
            _ => DocumentOperation::Update {
                documents: &judged,
                merge,
            },
        };
        let returns = parameters.is("returnNew") || parameters.is("returnOld");
        context.judge_documents(operation, returns)?;
        self.graph_send(context, &parameters, Some(&document))
    }

    pub(super) fn graph_remove(&self, context: &mut Context<'_>) -> Result<Response, Refusal> {
        let parameters = Parameters::read(context.target, PARAMETERS)?;
        check_key(context.name(1))?;
        context.require_in_graph()?;
        context.judge_documents(DocumentOperation::Remove, parameters.is("returnOld"))?;
        self.require_cascade(context)?;
        self.graph_send(context, &parameters, None)
    }

    /// Every edge collection that may lose edges must allow `remove`. The database is asked for its graphs, for it may
    /// have some that the schema set does not know.
    fn require_cascade(&self, context: &mut Context<'_>) -> Result<(), Refusal> {
        let answer = self.ask(context, TargetWriter::new(context.database()).words("/_api/gharial"))?;
        if answer.status != 200 {
            return Err(unusable("the graphs of the database are not known"));
        }
        let object = read_object(&answer)?;
        let graphs = object
            .get("graphs")
            .and_then(Value::as_array)
            .ok_or_else(|| unusable("it lists no graphs"))?;
        let vertex = Value::from(context.name(0));
        let holds = |list: Option<&Value>| {
            list.and_then(Value::as_array)
                .is_some_and(|names| names.contains(&vertex))
        };
        let mut edges: BTreeSet<String> = BTreeSet::new();
        for graph in graphs {
            let definitions = graph
                .get("edgeDefinitions")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            let used = holds(graph.get("orphanCollections"))
                || definitions
                    .iter()
                    .any(|definition| holds(definition.get("from")) || holds(definition.get("to")));
            if used {
                let names = definitions
                    .iter()
                    .filter_map(|definition| definition.get("collection")?.as_str());
                edges.extend(names.map(str::to_owned));
            }
        }
        let mut denials = Vec::new();
        for name in &edges {
            let place = Place {
                user: context.credentials.user.as_deref(),
                database: &context.target.database,
                collection: name,
            };
            denials.extend(judge_documents(context.policy.set(), place, DocumentOperation::Remove, false).denials);
        }
        context.admit(&denials, None)
    }

    fn graph_send(
        &self,
        context: &mut Context<'_>,
        parameters: &Parameters,
        body: Option<&Value>,
    ) -> Result<Response, Refusal> {
        let mut writer = flags(
            context.graph_target(),
            parameters,
            &["returnNew", "returnOld", "waitForSync"],
        );
        if context.method == Method::Patch {
            writer = writer.flag("keepNull", Some(merge_of(parameters).keep_null));
        }
        if let Some(revision) = parameters.text("rev") {
            writer = writer.parameter("rev", revision);
        }
        // Whether it is there is asked by reading it: arangod's graph routes need not know HEAD.
        let method = if context.method == Method::Head {
            Method::Get
        } else {
            context.method
        };
        let mut outgoing = Self::outgoing(context, method, writer.finish());
        context.if_headers(&mut outgoing);
        outgoing.body = body.map(|body| body.to_string().into_bytes());
        let answer = self.send(context, outgoing)?;
        let readable = context.all_readable([context.name(0)]);
        if context.method == Method::Head || answer.status == 304 {
            return Ok(respond_empty(answer));
        }
        if answer.status >= 400 {
            return failure(answer, readable);
        }
        let object = read_object(&answer)?;
        if object.get("error") == Some(&Value::Bool(true)) {
            let body = Value::Object(error_object(&object, readable));
            return Ok(respond(answer, &body));
        }
        let body = context.graph_answer(object)?;
        Ok(respond(answer, &body))
    }
}
