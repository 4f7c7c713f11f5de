//! All files together: names that refer to other files, and the finished [`SchemaSet`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Value, json};

use super::collection::{Draft, Kind, what};
use super::documents::{Documents, documents};
use super::fault::{Fault, Report, Source, nearest, quoted};
use super::fields::Placed;
use super::json::Span;
use super::keywords::Schema;
use super::model::{
    Allow, Collection, EVERYBODY, EdgeEnds, Graph, ProvisionedUser, QueryPolicy, Resources, Roles, SchemaSet, View,
};
use super::policy::Policy;
use super::shape::{JsonType, Shape};
use crate::aql;

/// The files of a set, each read by itself.
pub(super) struct Parts<'s> {
    pub(super) sources: &'s [Source],
    pub(super) drafts: Vec<(Draft<'s>, Schema<'s>)>,
    pub(super) policy_source: Option<&'s Source>,
    pub(super) policy: Policy,
    pub(super) queries: Vec<&'s Source>,
    /// The files that are missing here because of their faults: what they may name is not unknown.
    pub(super) unread: Vec<&'s Source>,
}

/// Resolves the names and builds the set; `None` when there are faults.
pub(super) fn link(parts: Parts<'_>, faults: &mut Vec<Fault>) -> Option<SchemaSet> {
    let databases = databases(&parts, faults);
    policy_names(&parts, &databases, faults);
    duplicates(&parts, &databases, faults);
    let known_roles: Vec<&str> = parts.policy.roles.keys().map(String::as_str).collect();
    for (draft, schema) in &parts.drafts {
        let mut report = Report::new(draft.source);
        for (role, _) in &draft.allow {
            role_is_known(&mut report, role, &known_roles);
        }
        schema
            .roles
            .iter()
            .for_each(|role| role_is_known(&mut report, role, &known_roles));
        faults.append(&mut report.faults);
        names(&parts, draft, &databases, faults);
    }
    let approved = parts.policy.approved;
    if let (Some(at), true, Some(source)) = (approved, parts.queries.is_empty(), parts.policy_source) {
        let hint = "put the approved queries there, one a file, or write `\"queries\": \"any\"`".to_owned();
        faults.push(source.fault(at, "`queries/` holds no `*.aql` file: no query could pass", Some(hint)));
    }
    queries_parse(&parts, faults);
    // The attributes are worth a look whatever is wrong above: every fault is to be reported at once.
    let mut attributes = Vec::new();
    for (draft, schema) in &parts.drafts {
        let mut report = Report::new(draft.source);
        let looked_at = schema.structured && is_collection(draft);
        attributes.push(looked_at.then(|| documents(&mut report, draft, schema)).flatten());
        faults.append(&mut report.faults);
    }
    view_fields(&parts, &attributes, faults);
    faults.is_empty().then(|| build(parts, attributes, databases))
}

/// A query that does not parse approves nothing, and nobody would notice before it is needed.
fn queries_parse(parts: &Parts<'_>, faults: &mut Vec<Fault>) {
    for source in &parts.queries {
        if let Err(error) = aql::parse_with(&source.text, &parts.policy.limits.parse_limits()) {
            let at = Span {
                start: error.span.start as usize,
                end: error.span.end as usize,
            };
            let message = format!("this is no query: {}", error.message);
            faults.push(source.fault(at, message, error.suggestion.clone()));
        }
    }
}

/// The attributes that a view's links name must exist.
fn view_fields(parts: &Parts<'_>, attributes: &[Option<Documents>], faults: &mut Vec<Fault>) {
    for (draft, _) in &parts.drafts {
        let Kind::View {
            definition: Some(definition),
            ..
        } = &draft.kind
        else {
            continue;
        };
        let mut report = Report::new(draft.source);
        let links = definition.value.get("links").and_then(Value::as_object);
        for (collection, link) in links.into_iter().flatten() {
            let of = |(other, _): &(Draft<'_>, _)| is_collection(other) && other.name.value == *collection;
            let place = parts.drafts.iter().position(of);
            if let Some(documents) = place.and_then(|place| attributes.get(place)?.as_ref()) {
                fields(&mut report, definition.at, collection, link, &documents.shape, "");
            }
        }
        faults.append(&mut report.faults);
    }
}

fn fields(report: &mut Report<'_>, at: Span, collection: &str, link: &Value, shape: &Shape, prefix: &str) {
    // ArangoSearch looks into the elements of an array by itself.
    let shape = match &shape.items {
        Some(items) if !shape.may_be(JsonType::Object) => items,
        _ => shape,
    };
    let named = ["fields", "nested"]
        .into_iter()
        .filter_map(|key| link.get(key)?.as_object());
    for (name, below) in named.flatten() {
        let path = format!("{prefix}{name}");
        if let Some(shape) = shape.attribute(name) {
            fields(report, at, collection, below, shape, &format!("{path}."));
            continue;
        }
        let known = shape.attributes.keys().map(String::as_str);
        let hint = unknown_hint(name, known, "the schema");
        let message = format!("`definition` links the unknown attribute `{path}` of `{collection}`");
        report.hint(at, message, hint);
    }
}

fn is_collection(draft: &Draft<'_>) -> bool {
    matches!(draft.kind, Kind::Document | Kind::Edge { .. })
}

/// The databases served, in order of first mention.
fn databases(parts: &Parts<'_>, faults: &mut Vec<Fault>) -> Vec<String> {
    let named = |draft: &Draft<'_>| draft.databases.clone().unwrap_or_default();
    let Some(listed) = &parts.policy.databases else {
        let mut databases = vec!["_system".to_owned()];
        for database in parts.drafts.iter().flat_map(|(draft, _)| named(draft)) {
            if !databases.contains(&database.value) {
                databases.push(database.value);
            }
        }
        return databases;
    };
    let databases: Vec<String> = listed.iter().map(|database| database.value.clone()).collect();
    for (draft, _) in &parts.drafts {
        for database in named(draft)
            .iter()
            .filter(|database| !databases.contains(&database.value))
        {
            let hint = unknown_hint(
                &database.value,
                databases.iter().map(String::as_str),
                "`databases` of `policy.json`",
            );
            let message = format!("the database `{}` is not served", database.value);
            faults.push(draft.source.fault(database.at, message, Some(hint)));
        }
    }
    databases
}

pub(super) fn unknown_hint<'k>(word: &str, known: impl Iterator<Item = &'k str> + Clone, list: &str) -> String {
    match nearest(word, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.clone().next().is_none() => format!("{list} is empty"),
        None => format!("{list} has {}", quoted(known)),
    }
}

fn role_is_known(report: &mut Report<'_>, role: &Placed<String>, known: &[&str]) {
    if role.value != EVERYBODY && !known.contains(&role.as_str()) {
        let hint = unknown_hint(&role.value, known.iter().copied(), "`roles` of `policy.json`");
        report.hint(role.at, format!("unknown role `{}`", role.value), hint);
    }
}

fn policy_names(parts: &Parts<'_>, databases: &[String], faults: &mut Vec<Fault>) {
    let Some(source) = parts.policy_source else { return };
    let mut report = Report::new(source);
    let known: Vec<&str> = parts.policy.roles.keys().map(String::as_str).collect();
    for role in parts
        .policy
        .limited
        .iter()
        .chain(parts.policy.users.iter().filter_map(|user| user.role.as_ref()))
    {
        role_is_known(&mut report, role, &known);
    }
    for database in parts.policy.users.iter().filter_map(|user| user.database.as_ref()) {
        if !databases.contains(&database.value) {
            let hint = unknown_hint(
                &database.value,
                databases.iter().map(String::as_str),
                "the list of served databases",
            );
            report.hint(
                database.at,
                format!("the database `{}` is not served", database.value),
                hint,
            );
        }
    }
    faults.append(&mut report.faults);
}

/// The databases that a file's collection, view or graph is in.
fn homes(draft: &Draft<'_>, databases: &[String]) -> Vec<String> {
    match &draft.databases {
        Some(named) => named.iter().map(|database| database.value.clone()).collect(),
        None => databases.to_vec(),
    }
}

/// Collections and views share their names in a database; graphs have their own.
fn duplicates(parts: &Parts<'_>, databases: &[String], faults: &mut Vec<Fault>) {
    let mut owners = BTreeMap::<(bool, String, String), &Draft<'_>>::new();
    for (draft, _) in &parts.drafts {
        let graph = matches!(draft.kind, Kind::Graph { .. });
        for database in homes(draft, databases) {
            match owners.get(&(graph, database.clone(), draft.name.value.clone())) {
                Some(owner) => {
                    let message = format!(
                        "the {} `{}` is in `{}` already, as a {}",
                        what(&draft.kind),
                        draft.name.value,
                        owner.source.name,
                        what(&owner.kind)
                    );
                    let hint = format!(
                        "both are in the database `{database}`; rename one, or give them different `database`s"
                    );
                    faults.push(draft.source.fault(draft.name.at, message, Some(hint)));
                    break;
                }
                None => drop(owners.insert((graph, database, draft.name.value.clone()), draft)),
            }
        }
    }
}

/// Checks the collections that a file refers to.
fn names(parts: &Parts<'_>, draft: &Draft<'_>, databases: &[String], faults: &mut Vec<Fault>) {
    let mut report = Report::new(draft.source);
    let collections: Vec<&Draft<'_>> = parts
        .drafts
        .iter()
        .map(|(other, _)| other)
        .filter(|other| is_collection(other))
        .collect();
    let mut refer = |names: &[Placed<String>], key: &str, edges: Option<bool>| {
        for name in names {
            refers(
                &mut report,
                draft,
                name,
                key,
                edges,
                &collections,
                databases,
                &parts.unread,
            );
        }
    };
    match &draft.kind {
        Kind::Document => {}
        Kind::Edge { from, to } => {
            refer(from, "from", None);
            refer(to, "to", None);
        }
        Kind::View {
            collections,
            definition,
        } => {
            refer(collections, "collections", None);
            if let Some(definition) = definition {
                links(&mut report, definition, collections);
            }
        }
        Kind::Graph { edges, orphans } => {
            refer(edges, "edges", Some(true));
            refer(orphans, "orphans", Some(false));
        }
    }
    faults.append(&mut report.faults);
}

#[allow(
    clippy::too_many_arguments,
    reason = "one reference with everything it is checked against"
)]
fn refers(
    report: &mut Report<'_>,
    draft: &Draft<'_>,
    name: &Placed<String>,
    key: &str,
    edges: Option<bool>,
    collections: &[&Draft<'_>],
    databases: &[String],
    unread: &[&Source],
) {
    let found: Vec<_> = collections
        .iter()
        .filter(|other| other.name.value == name.value)
        .collect();
    let Some(first) = found.first() else {
        let may_name = |source: &Source| {
            source.name.trim_end_matches(".json") == name.value || source.text.contains(&format!("\"{}\"", name.value))
        };
        if !unread.iter().any(|source| may_name(source)) {
            let known = collections.iter().map(|other| other.name.as_str());
            let hint = unknown_hint(&name.value, known, "the schema set");
            report.hint(
                name.at,
                format!("`{key}` names the unknown collection `{}`", name.value),
                hint,
            );
        }
        return;
    };
    let is_edge = matches!(first.kind, Kind::Edge { .. });
    match edges {
        Some(true) if !is_edge => {
            let hint = format!("`{}` needs `\"kind\": \"edge\"`, `from` and `to`", first.source.name);
            report.hint(name.at, format!("`{}` is no edge collection", name.value), hint);
        }
        Some(false) if is_edge => {
            report.hint(
                name.at,
                format!("`{}` is an edge collection", name.value),
                "put it into `edges`",
            );
        }
        _ => {}
    }
    let present: BTreeSet<String> = found.iter().flat_map(|other| homes(other, databases)).collect();
    if let Some(missing) = homes(draft, databases)
        .into_iter()
        .find(|database| !present.contains(database))
    {
        let message = format!(
            "the {} `{}` is in the database `{missing}`, and `{}` is not",
            what(&draft.kind),
            draft.name.value,
            name.value
        );
        report.hint(name.at, message, "give both files the same `database`");
    }
}

/// A view's own definition must span the collections that the schema set says, and no other.
fn links(report: &mut Report<'_>, definition: &Placed<Value>, collections: &[Placed<String>]) {
    let mut linked: BTreeSet<&str> = BTreeSet::new();
    if let Some(Value::Object(links)) = definition.value.get("links") {
        linked.extend(links.keys().map(String::as_str));
    }
    if let Some(Value::Array(indexes)) = definition.value.get("indexes") {
        linked.extend(indexes.iter().filter_map(|index| index.get("collection")?.as_str()));
    }
    for name in &linked {
        if !collections.iter().any(|collection| collection.value == *name) {
            let message = format!("`definition` links the collection `{name}`, which `collections` does not name");
            report.hint(
                definition.at,
                message,
                "what a view spans is what its readers can reach: name it",
            );
        }
    }
    for collection in collections
        .iter()
        .filter(|collection| !linked.contains(collection.as_str()))
    {
        report.say(
            collection.at,
            format!("`definition` does not link the collection `{}`", collection.value),
        );
    }
}

fn build(parts: Parts<'_>, attributes: Vec<Option<Documents>>, databases: Vec<String>) -> SchemaSet {
    let mut resources: BTreeMap<String, Resources> = databases
        .iter()
        .map(|database| (database.clone(), Resources::default()))
        .collect();
    for ((draft, _), documents) in parts.drafts.iter().zip(attributes) {
        let homes = homes(draft, &databases);
        let Some(resource) = resource(draft, documents) else {
            continue;
        };
        for database in &homes {
            let held = resources.entry(database.clone()).or_default();
            let name = draft.name.value.clone();
            match &resource {
                Resource::Collection(collection) => drop(held.collections.insert(name, Arc::clone(collection))),
                Resource::View(view) => drop(held.views.insert(name, Arc::clone(view))),
                Resource::Graph(graph) => drop(held.graphs.insert(name, Arc::clone(graph))),
            }
        }
    }
    let mut users: BTreeMap<String, BTreeSet<String>> = parts
        .policy
        .roles
        .into_iter()
        .map(|(role, users)| (role, users.into_iter().map(|user| user.value).collect()))
        .collect();
    let mut provisioned = BTreeMap::new();
    for user in parts.policy.users {
        if let Some(role) = &user.role {
            users
                .entry(role.value.clone())
                .or_default()
                .insert(user.name.value.clone());
        }
        let entry = ProvisionedUser {
            password_file: user.password_file,
            database: user.database.map(|database| database.value),
            role: user.role.map(|role| role.value),
        };
        provisioned.insert(user.name.value, entry);
    }
    let texts = parts
        .queries
        .iter()
        .map(|source| (source.name.clone(), source.text.clone()));
    let queries = if parts.policy.approved.is_some() {
        QueryPolicy::Approved(texts.collect())
    } else {
        QueryPolicy::Any
    };
    SchemaSet {
        databases,
        resources,
        roles: Roles { users },
        functions: parts.policy.functions,
        limits: parts.policy.limits,
        queries,
        whole_document: parts.policy.whole_document,
        users: provisioned,
        digest: digest(parts.sources),
    }
}

enum Resource {
    Collection(Arc<Collection>),
    View(Arc<View>),
    Graph(Arc<Graph>),
}

fn resource(draft: &Draft<'_>, documents: Option<Documents>) -> Option<Resource> {
    let mut allow = Allow::default();
    for (role, operations) in &draft.allow {
        allow.by_role.insert(role.value.clone(), operations.clone());
    }
    let name = draft.name.value.clone();
    let set = |names: &[Placed<String>]| names.iter().map(|name| name.value.clone()).collect::<BTreeSet<_>>();
    let provision = draft.provision;
    Some(match &draft.kind {
        Kind::View {
            collections,
            definition,
        } => {
            let collections = set(collections);
            let definition = definition
                .as_ref()
                .map_or_else(|| default_view(&collections), |given| given.value.clone());
            Resource::View(Arc::new(View {
                name,
                collections,
                allow,
                definition,
                provision,
            }))
        }
        Kind::Graph { edges, orphans } => Resource::Graph(Arc::new(Graph {
            name,
            edges: set(edges),
            orphans: set(orphans),
            allow,
            provision,
        })),
        Kind::Document | Kind::Edge { .. } => {
            let edge = match &draft.kind {
                Kind::Edge { from, to } => Some(EdgeEnds {
                    from: set(from),
                    to: set(to),
                }),
                _ => None,
            };
            let documents = documents?;
            Resource::Collection(Arc::new(Collection {
                name,
                edge,
                allow,
                shape: documents.shape,
                json_schema: documents.json_schema,
                validator: documents.validator,
                update_validator: documents.update_validator,
                indexes: draft.indexes.iter().map(|(_, index)| index.clone()).collect(),
                provision,
            }))
        }
    })
}

/// A view without a definition of its own indexes every attribute of its collections.
fn default_view(collections: &BTreeSet<String>) -> Value {
    let links: serde_json::Map<String, Value> = collections
        .iter()
        .map(|name| (name.clone(), json!({ "includeAllFields": true })))
        .collect();
    json!({ "type": "arangosearch", "links": links })
}

/// SHA-256 over the names and texts of all files, each with its length before it.
fn digest(sources: &[Source]) -> String {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    for part in sources.iter().flat_map(|source| [&source.name, &source.text]) {
        context.update(&part.len().to_be_bytes());
        context.update(part.as_bytes());
    }
    context.finish().as_ref().iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
