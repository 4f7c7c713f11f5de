//! One schema file: its `x-mallku`, read and checked as far as the file alone allows.

use std::collections::BTreeSet;

use serde_json::Value;

use super::fault::Report;
use super::fields::Placed;
use super::json::{Json, Node, Span};
use super::model::{EVERYBODY, Operation};
use super::vocabulary::{KINDS, MALLKU_KEYS};

/// What a file says of its collection, view or graph; names are not resolved yet.
pub(super) struct Draft<'s> {
    pub(super) source: &'s super::fault::Source,
    pub(super) name: Placed<String>,
    /// `None`: every served database.
    pub(super) databases: Option<Vec<Placed<String>>>,
    /// Roles with their operations; a plain list is the role `*`.
    pub(super) allow: Vec<(Placed<String>, BTreeSet<Operation>)>,
    pub(super) provision: bool,
    pub(super) kind: Kind,
    pub(super) indexes: Vec<(Span, Value)>,
}

pub(super) enum Kind {
    Document,
    Edge {
        from: Vec<Placed<String>>,
        to: Vec<Placed<String>>,
    },
    View {
        collections: Vec<Placed<String>>,
        definition: Option<Placed<Value>>,
    },
    Graph {
        edges: Vec<Placed<String>>,
        orphans: Vec<Placed<String>>,
    },
}

impl Kind {
    /// The name of the kind in `x-mallku`.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Edge { .. } => "edge",
            Self::View { .. } => "view",
            Self::Graph { .. } => "graph",
        }
    }

    fn keys(name: &str) -> &'static [&'static str] {
        match name {
            "edge" => &["from", "to", "indexes"],
            "view" => &["collections", "definition"],
            "graph" => &["edges", "orphans"],
            _ => &["indexes"],
        }
    }
}

/// The keys of `x-mallku` that belong to some kinds only.
const KIND_KEYS: [&str; 7] = ["from", "to", "indexes", "collections", "definition", "edges", "orphans"];

/// Reads a file's `x-mallku`; `extension` is the node that holds it, at the root or where the root's `$ref` leads.
pub(super) fn read<'s>(report: &mut Report<'s>, root: &'s Node, extension: Option<&'s Node>) -> Draft<'s> {
    let source = report.source;
    let stem = source
        .name
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .trim_end_matches(".json")
        .to_owned();
    let top = Span {
        start: root.at.start,
        end: root.at.start + 1,
    };
    let mut draft = Draft {
        source,
        name: Placed { at: top, value: stem },
        databases: None,
        allow: Vec::new(),
        provision: true,
        kind: Kind::Document,
        indexes: Vec::new(),
    };
    let Some(extension) = extension.and_then(|node| report.object(node, "`x-mallku`", &MALLKU_KEYS)) else {
        report.resource_name(&draft.name, "collection");
        return draft;
    };
    if let Some(name) = extension
        .get("collection")
        .and_then(|node| report.string(node, "`collection`"))
    {
        draft.name = name;
    }
    if let Some(node) = extension.get("database") {
        let databases = report.one_or_more(node, "`database`");
        for database in &databases {
            report.database_name(database);
        }
        draft.databases = Some(databases);
    }
    if let Some(provision) = extension
        .get("provision")
        .and_then(|node| report.boolean(node, "`provision`"))
    {
        draft.provision = provision;
    }
    draft.kind = kind(report, extension);
    report.resource_name(&draft.name, what(&draft.kind));
    if let Some(node) = extension.get("allow") {
        draft.allow = allow(report, node, &draft.kind);
    }
    if let Some(node) = extension.get("indexes") {
        draft.indexes = indexes(report, node);
    }
    draft
}

/// What a file of this kind describes, in words.
pub(super) fn what(kind: &Kind) -> &'static str {
    match kind {
        Kind::Document | Kind::Edge { .. } => "collection",
        Kind::View { .. } => "view",
        Kind::Graph { .. } => "graph",
    }
}

fn kind(report: &mut Report<'_>, extension: &Node) -> Kind {
    let named = extension.get("kind").and_then(|node| report.string(node, "`kind`"));
    let name = named.as_ref().map_or("document", Placed::as_str);
    if let Some(named) = named.as_ref().filter(|named| !KINDS.contains(&named.as_str())) {
        report.unknown(named.at, "kind", &named.value, &KINDS);
        return Kind::Document;
    }
    for member in extension.members() {
        let key = member.key.as_str();
        if KIND_KEYS.contains(&key) && !Kind::keys(name).contains(&key) {
            let owners: Vec<_> = KINDS
                .into_iter()
                .filter(|kind| Kind::keys(kind).contains(&key))
                .collect();
            let message = format!("`{key}` does not belong to the kind `{name}`");
            let hint = match key {
                "from" | "to" if name == "document" => {
                    "an edge collection has ends: add `\"kind\": \"edge\"`".to_owned()
                }
                _ => format!("`{key}` belongs to: {}", owners.join(", ")),
            };
            report.hint(member.key_at, message, hint);
        }
    }
    let mut list = |key: &str, needed: bool, hint: &str| match extension.get(key) {
        Some(node) if needed => report.some_strings(node, &format!("`{key}`")),
        Some(node) => report.strings(node, &format!("`{key}`")),
        None if needed => {
            let at = Span {
                start: extension.at.start,
                end: extension.at.start + 1,
            };
            report.hint(at, format!("the kind `{name}` needs `{key}`"), hint);
            Vec::new()
        }
        None => Vec::new(),
    };
    match name {
        "edge" => Kind::Edge {
            from: list("from", true, "`from` lists the collections that `_from` may point to"),
            to: list("to", true, "`to` lists the collections that `_to` may point to"),
        },
        "view" => {
            let collections = list(
                "collections",
                true,
                "`collections` lists the collections that the view spans",
            );
            Kind::View {
                collections,
                definition: definition(report, extension),
            }
        }
        "graph" => Kind::Graph {
            edges: list("edges", true, "`edges` lists the graph's edge collections"),
            orphans: list("orphans", false, ""),
        },
        _ => Kind::Document,
    }
}

fn definition(report: &mut Report<'_>, extension: &Node) -> Option<Placed<Value>> {
    let node = extension.get("definition")?;
    if !report.is_object(node, "`definition`") {
        return None;
    }
    if let Some(member) = node.members().iter().find(|member| member.key == "name") {
        report.hint(
            member.key_at,
            "`definition` cannot name the view",
            "the name is `collection`, or the file's stem",
        );
    }
    match node.get("type").map(|kind| (kind, kind.text())) {
        Some((_, Some("arangosearch" | "search-alias"))) => {}
        Some((kind, Some(word))) => report.unknown(kind.at, "view type", word, &["arangosearch", "search-alias"]),
        Some((kind, None)) => report.say(kind.at, format!("`type` must be a string, not {}", kind.kind())),
        None => report.hint(
            node.at,
            "`definition` needs a `type`",
            "write `\"type\": \"arangosearch\"`",
        ),
    }
    Some(Placed {
        at: node.at,
        value: node.to_value(),
    })
}

fn allow(report: &mut Report<'_>, node: &Node, kind: &Kind) -> Vec<(Placed<String>, BTreeSet<Operation>)> {
    match &node.value {
        Json::Object(members) => members
            .iter()
            .map(|member| {
                let role = Placed {
                    at: member.key_at,
                    value: member.key.clone(),
                };
                let what = format!("`allow` of the role `{}`", member.key);
                (role, operations(report, &member.value, &what, kind))
            })
            .collect(),
        Json::Array(_) => {
            let everybody = Placed {
                at: node.at,
                value: EVERYBODY.to_owned(),
            };
            vec![(everybody, operations(report, node, "`allow`", kind))]
        }
        _ => {
            let message = format!(
                "`allow` must be a list of operations or an object of roles, not {}",
                node.kind()
            );
            report.hint(
                node.at,
                message,
                "for example `[\"read\"]`, or `{\"analyst\": [\"read\"]}`",
            );
            Vec::new()
        }
    }
}

fn operations(report: &mut Report<'_>, node: &Node, what: &str, kind: &Kind) -> BTreeSet<Operation> {
    let names = Operation::ALL.map(Operation::name);
    let mut operations = BTreeSet::new();
    for word in report.strings(node, what) {
        let Some(operation) = Operation::ALL
            .into_iter()
            .find(|operation| operation.name() == word.value)
        else {
            let hint = match word.as_str() {
                "upsert" => Some("an UPSERT needs `insert` and `update` (or `replace`)"),
                "write" => Some("name what is meant: `insert`, `update`, `replace`, `remove`"),
                "delete" => Some("did you mean `remove`?"),
                "*" | "all" => Some("name what is meant: `read`, `insert`, `update`, `replace`, `remove`"),
                _ => None,
            };
            match hint {
                Some(hint) => report.hint(word.at, format!("unknown operation `{}`", word.value), hint),
                None => report.unknown(word.at, "operation", &word.value, &names),
            }
            continue;
        };
        if operation != Operation::Read && matches!(kind, Kind::View { .. } | Kind::Graph { .. }) {
            let message = format!("a {} cannot be written: `{}`", kind.name(), operation.name());
            report.hint(word.at, message, "allow it on the collections themselves");
            continue;
        }
        operations.insert(operation);
    }
    operations
}

/// Index types of ArangoDB 3.11 and 3.12 that `POST /_api/index` creates.
const INDEX_TYPES: [&str; 9] = [
    "persistent",
    "ttl",
    "geo",
    "fulltext",
    "inverted",
    "mdi",
    "mdi-prefixed",
    "zkd",
    "vector",
];

fn indexes(report: &mut Report<'_>, node: &Node) -> Vec<(Span, Value)> {
    let Json::Array(elements) = &node.value else {
        report.say(
            node.at,
            format!("`indexes` must be a list of objects, not {}", node.kind()),
        );
        return Vec::new();
    };
    let (mut indexes, mut names) = (Vec::new(), BTreeSet::new());
    for index in elements {
        if !report.is_object(index, "an index") {
            continue;
        }
        match index.get("type").map(|kind| (kind.at, kind.text())) {
            Some((_, Some(kind))) if INDEX_TYPES.contains(&kind) => {}
            Some((at, Some(kind))) => report.unknown(at, "index type", kind, &INDEX_TYPES),
            Some((at, None)) => report.say(at, "an index's `type` must be a string"),
            None => report.hint(index.at, "an index needs a `type`", "most often it is `persistent`"),
        }
        match index.get("fields") {
            Some(fields) if fields.elements().is_empty() => {
                report.say(
                    fields.at,
                    "an index's `fields` must be a list of attributes, at least one",
                );
            }
            Some(_) => {}
            None => report.say(index.at, "an index needs `fields`"),
        }
        if let Some(name) = index
            .get("name")
            .and_then(|name| report.string(name, "an index's `name`"))
            && !names.insert(name.value.clone())
        {
            report.say(name.at, format!("two indexes have the name `{}`", name.value));
        }
        indexes.push((index.at, index.to_value()));
    }
    indexes
}
