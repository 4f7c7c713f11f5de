//! What a client may learn about collections, indexes, views, graphs and databases: of those it may use, and nothing that
//! names a hidden attribute.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::passage::{failure, not_visible, read_object, respond};
use super::{Context, Firewall};
use crate::gate::message::Response;
use crate::gate::parameters::{Kind, Parameters, TargetWriter};
use crate::gate::reply::Refusal;
use crate::gate::route::Call;
use crate::gate::target::Target;
use crate::gate::upstream::{Incoming, Method};
use crate::judge::Rule;
use crate::judge::documents::{self, DocumentOperation, Place, judge_documents};
use crate::schema::Shape;

/// Members of answers about collections. `schema` and `computedValues` would name hidden attributes.
const COLLECTION_MEMBERS: &[&str] = &[
    "error",
    "code",
    "id",
    "name",
    "status",
    "statusString",
    "type",
    "isSystem",
    "globallyUniqueId",
    "waitForSync",
    "keyOptions",
    "cacheEnabled",
    "replicationFactor",
    "minReplicationFactor",
    "writeConcern",
    "numberOfShards",
    "shardKeys",
    "shardingStrategy",
    "isSmart",
    "isDisjoint",
    "isSmartChild",
    "syncByRevision",
    "count",
    "figures",
    "revision",
];

const VIEW_MEMBERS: &[&str] = &["error", "code", "id", "name", "type", "globallyUniqueId"];

const GRAPH_MEMBERS: &[&str] = &[
    "_key",
    "_id",
    "_rev",
    "name",
    "edgeDefinitions",
    "orphanCollections",
    "isSmart",
    "isDisjoint",
    "isSatellite",
    "numberOfShards",
    "replicationFactor",
    "minReplicationFactor",
    "writeConcern",
    "smartGraphAttribute",
];

impl Context<'_> {
    fn visible(&self) -> BTreeSet<&str> {
        documents::visible(self.policy.set(), self.user(), self.database())
    }

    /// Whether a thing may be learnt of; in detect mode everything.
    fn sees(&self, name: &str) -> bool {
        self.detect || self.visible().contains(name)
    }

    pub(super) fn require_visible(&mut self, rule: Rule, kind: &str, name: &str) -> Result<(), Refusal> {
        if self.visible().contains(name) {
            return Ok(());
        }
        self.admit_or(not_visible(rule, kind, name))
    }
}

impl Firewall {
    pub(super) fn metadata(&self, call: Call, context: &mut Context<'_>) -> Result<Response, Refusal> {
        match call {
            Call::CollectionList => {
                let parameters = Parameters::read(context.target, &[("excludeSystem", Kind::Flag)])?;
                let target = TargetWriter::new(context.database())
                    .words("/_api/collection")
                    .flag("excludeSystem", parameters.flag("excludeSystem"));
                self.list(context, target, "result", |_, item| keep(item, COLLECTION_MEMBERS))
            }
            Call::CollectionInfo => {
                let name = context.name(0).to_owned();
                context.require_visible(Rule::UnknownCollection, "collection", &name)?;
                self.collection_answer(context, &name)
            }
            Call::CollectionRead => {
                let name = context.name(0).to_owned();
                let verdict = judge_documents(
                    context.policy.set(),
                    place(context, &name),
                    DocumentOperation::Read,
                    false,
                );
                context.admit(&verdict.denials, None)?;
                self.collection_answer(context, &name)
            }
            Call::IndexList => self.index_list(context),
            Call::IndexInfo => self.index_info(context),
            Call::ViewList => {
                Parameters::read(context.target, &[])?;
                let target = TargetWriter::new(context.database()).words("/_api/view");
                self.list(context, target, "result", |_, item| keep(item, VIEW_MEMBERS))
            }
            Call::ViewInfo => {
                Parameters::read(context.target, &[])?;
                let name = context.name(0).to_owned();
                context.require_visible(Rule::UnknownView, "view", &name)?;
                let target = TargetWriter::new(context.database()).words("/_api/view").name(&name);
                self.one(context, target, |_, object| {
                    object.retain(|name, _| VIEW_MEMBERS.contains(&name.as_str()));
                })
            }
            Call::GraphList => {
                Parameters::read(context.target, &[])?;
                let target = TargetWriter::new(context.database()).words("/_api/gharial");
                self.list(context, target, "graphs", cut_graph)
            }
            Call::GraphInfo => {
                Parameters::read(context.target, &[])?;
                let name = context.name(0).to_owned();
                context.require_visible(Rule::UnknownGraph, "graph", &name)?;
                let target = TargetWriter::new(context.database()).words("/_api/gharial").name(&name);
                self.one(context, target, |context, object| {
                    object.retain(|name, _| matches!(name.as_str(), "error" | "code" | "graph"));
                    if let Some(graph) = object.get_mut("graph") {
                        cut_graph(context, graph);
                    }
                })
            }
            Call::GraphCollections => {
                Parameters::read(context.target, &[])?;
                let name = context.name(0).to_owned();
                context.require_visible(Rule::UnknownGraph, "graph", &name)?;
                let mut target = TargetWriter::new(context.database()).words("/_api/gharial").name(&name);
                let route = context.trail.route.unwrap_or_default();
                target = target.words(if route.ends_with("/vertex") { "/vertex" } else { "/edge" });
                let answer = self.ask(context, target)?;
                if answer.status >= 400 {
                    return failure(answer, false);
                }
                let mut object = read_object(&answer)?;
                object.retain(|name, _| matches!(name.as_str(), "error" | "code" | "collections"));
                if let Some(Value::Array(names)) = object.get_mut("collections") {
                    names.retain(|name| name.as_str().is_some_and(|name| context.sees(name)));
                }
                Ok(respond(answer, &Value::Object(object)))
            }
            Call::AnalyzerList => {
                Parameters::read(context.target, &[])?;
                let target = TargetWriter::new(context.database()).words("/_api/analyzer");
                self.one(context, target, |_, object| {
                    object.retain(|name, _| matches!(name.as_str(), "error" | "code" | "result"));
                    if let Some(Value::Array(items)) = object.get_mut("result") {
                        // The properties of an AQL analyzer hold a query.
                        for item in items.iter_mut() {
                            keep(item, &["name", "type", "features"]);
                        }
                    }
                })
            }
            Call::DatabaseCurrent => {
                Parameters::read(context.target, &[])?;
                let target = TargetWriter::new(context.database()).words("/_api/database/current");
                self.one(context, target, |_, object| {
                    object.retain(|name, _| matches!(name.as_str(), "error" | "code" | "result"));
                    if let Some(Value::Object(result)) = object.get_mut("result") {
                        result.retain(|name, _| matches!(name.as_str(), "id" | "name" | "isSystem" | "path"));
                        if result.contains_key("path") {
                            result.insert("path".into(), "".into());
                        }
                    }
                })
            }
            Call::DatabaseUser => {
                Parameters::read(context.target, &[])?;
                let served = context.policy.set().databases.clone();
                let all = context.detect;
                let target = TargetWriter::new(context.database()).words("/_api/database/user");
                self.one(context, target, move |_, object| {
                    object.retain(|name, _| matches!(name.as_str(), "error" | "code" | "result"));
                    if let Some(Value::Array(names)) = object.get_mut("result") {
                        names.retain(|name| {
                            all || name
                                .as_str()
                                .is_some_and(|name| served.iter().any(|served| served == name))
                        });
                    }
                })
            }
            _ => {
                Parameters::read(context.target, &[])?;
                let target = TargetWriter::new(context.database()).words("/_api/key-generators");
                self.one(context, target, |_, object| {
                    object.retain(|name, _| matches!(name.as_str(), "error" | "code" | "keyGenerators"));
                })
            }
        }
    }

    /// Asks, and cuts down a successful answer.
    fn one(
        &self,
        context: &mut Context<'_>,
        target: TargetWriter,
        cut: impl FnOnce(&Context<'_>, &mut Map<String, Value>),
    ) -> Result<Response, Refusal> {
        let answer = self.ask(context, target)?;
        if answer.status >= 400 {
            return failure(answer, false);
        }
        let mut object = read_object(&answer)?;
        cut(context, &mut object);
        Ok(respond(answer, &Value::Object(object)))
    }

    pub(super) fn ask(&self, context: &mut Context<'_>, target: TargetWriter) -> Result<Incoming, Refusal> {
        let outgoing = Self::outgoing(context, Method::Get, target.finish());
        self.send(context, outgoing)
    }

    /// A list of named things in one member of the answer, filtered to the visible ones.
    fn list(
        &self,
        context: &mut Context<'_>,
        target: TargetWriter,
        member: &str,
        cut: impl Fn(&Context<'_>, &mut Value),
    ) -> Result<Response, Refusal> {
        let answer = self.ask(context, target)?;
        if answer.status >= 400 {
            return failure(answer, false);
        }
        let mut object = read_object(&answer)?;
        object.retain(|name, _| name == member || matches!(name.as_str(), "error" | "code"));
        if let Some(Value::Array(items)) = object.get_mut(member) {
            items.retain(|item| {
                let name = item.get("name").or_else(|| item.get("_key")).and_then(Value::as_str);
                name.is_some_and(|name| context.sees(name))
            });
            for item in items {
                cut(context, item);
            }
        }
        Ok(respond(answer, &Value::Object(object)))
    }

    fn collection_answer(&self, context: &mut Context<'_>, name: &str) -> Result<Response, Refusal> {
        // Details walk the whole collection.
        Parameters::read(context.target, &[("details", Kind::Dropped)])?;
        let mut target = TargetWriter::new(context.database())
            .words("/_api/collection")
            .name(name);
        let route = context.trail.route.unwrap_or_default();
        for what in ["/properties", "/count", "/figures", "/revision"] {
            if route.ends_with(what) {
                target = target.words(what);
            }
        }
        self.one(context, target, |context, object| {
            object.retain(|name, _| COLLECTION_MEMBERS.contains(&name.as_str()));
            // Sizes tell how much there is in hidden attributes, and the number of indexes that there are hidden ones.
            if !context.detect && !context.all_readable([name]) {
                object.remove("figures");
            }
        })
    }

    fn index_list(&self, context: &mut Context<'_>) -> Result<Response, Refusal> {
        let mut target: Target = context.target.clone();
        let name = target
            .parameter("collection")
            .map(str::to_owned)
            .ok_or_else(|| Refusal::bad_parameter("\"collection\" is missing"))?;
        target.parameters.retain(|(parameter, _)| parameter != "collection");
        Parameters::read(&target, &[("withStats", Kind::Dropped), ("withHidden", Kind::Dropped)])?;
        context.require_visible(Rule::UnknownCollection, "collection", &name)?;
        let writer = TargetWriter::new(context.database())
            .words("/_api/index")
            .parameter("collection", &name);
        let answer = self.ask(context, writer)?;
        if answer.status >= 400 {
            return failure(answer, false);
        }
        let mut object = read_object(&answer)?;
        object.retain(|member, _| matches!(member.as_str(), "error" | "code" | "indexes" | "identifiers"));
        if let Some(Value::Array(indexes)) = object.get_mut("indexes") {
            indexes.retain(|index| shows_nothing_hidden(context, &name, index));
        }
        if let Some(Value::Object(identifiers)) = object.get_mut("identifiers") {
            identifiers.retain(|_, index| shows_nothing_hidden(context, &name, index));
        }
        Ok(respond(answer, &Value::Object(object)))
    }

    fn index_info(&self, context: &mut Context<'_>) -> Result<Response, Refusal> {
        Parameters::read(context.target, &[])?;
        let (name, index) = (context.name(0).to_owned(), context.name(1).to_owned());
        context.require_visible(Rule::UnknownCollection, "collection", &name)?;
        let target = TargetWriter::new(context.database())
            .words("/_api/index")
            .name(&name)
            .name(&index);
        let answer = self.ask(context, target)?;
        if answer.status >= 400 {
            return failure(answer, false);
        }
        let object = Value::Object(read_object(&answer)?);
        if !shows_nothing_hidden(context, &name, &object) {
            return Err(not_visible(Rule::AttributeHidden, "index", &index));
        }
        Ok(respond(answer, &object))
    }
}

fn place<'c>(context: &'c Context<'_>, collection: &'c str) -> Place<'c> {
    Place {
        user: context.user(),
        database: context.database(),
        collection,
    }
}

/// What of a graph's definition may leave: the collections in it that may be learnt of.
fn cut_graph(context: &Context<'_>, graph: &mut Value) {
    keep(graph, GRAPH_MEMBERS);
    let cut_names = |names: Option<&mut Value>| {
        if let Some(Value::Array(names)) = names {
            names.retain(|name| name.as_str().is_some_and(|name| context.sees(name)));
        }
    };
    cut_names(graph.get_mut("orphanCollections"));
    if let Some(Value::Array(definitions)) = graph.get_mut("edgeDefinitions") {
        definitions.retain(|definition| {
            let edges = definition.get("collection").and_then(Value::as_str);
            edges.is_some_and(|name| context.sees(name))
        });
        for definition in definitions {
            cut_names(definition.get_mut("from"));
            cut_names(definition.get_mut("to"));
        }
    }
}

fn keep(item: &mut Value, members: &[&str]) {
    if let Value::Object(object) = item {
        object.retain(|name, _| members.contains(&name.as_str()));
    }
}

/// Whether an index names readable attributes only: those in `fields` and `storedValues`, as paths.
fn shows_nothing_hidden(context: &Context<'_>, collection: &str, index: &Value) -> bool {
    if context.detect {
        return true;
    }
    let Some(collection) = context.collection(collection) else {
        return false;
    };
    let roles = context.policy.set().roles.of(context.user());
    if collection.shape.readable(&roles) {
        return true;
    }
    let mut paths = Vec::new();
    for (member, value) in index.as_object().into_iter().flatten() {
        match value {
            Value::Array(fields) if matches!(member.as_str(), "fields" | "storedValues" | "prefixFields") => {
                for field in fields {
                    match field {
                        Value::String(path) => paths.push(path.clone()),
                        // Inverted indexes nest fields in ways that this does not follow.
                        _ => return false,
                    }
                }
            }
            // Such as an inverted index's `primarySort`.
            Value::Array(_) | Value::Object(_) => return false,
            _ => {}
        }
    }
    paths.iter().all(|path| {
        let mut shape: &Shape = &collection.shape;
        for step in path.split('.') {
            let (name, list) = step.strip_suffix("[*]").map_or((step, false), |name| (name, true));
            match shape.attribute(name) {
                Some(below) if below.read.admits(&roles) => shape = if list { below.element() } else { below },
                _ => return false,
            }
        }
        shape.readable(&roles)
    })
}
