//! Random worlds: a schema set, data that is valid under it, and the same data with everything hidden changed.

use std::sync::Arc;

use evaldb::store::{CollectionKind, Database, EdgeDefinition, Graph, View, WriteOptions};
use evaldb::trace::Path;
use evaldb::value::{ELEMENT, Text, Value as Stored};
use mallku_db::judge::Judge;
use mallku_db::schema::{Collection, JsonType, Operation, Others, Resources, RoleSet, SchemaSet, Shape, WholeDocument};
use serde_json::{Map, Value, json};

use crate::chance::Chance;
use crate::rights::Rights;

pub(crate) const DATABASE: &str = "_system";

/// Document collections: `vault` is known to the set but closed to everybody, `attic` is for what was in `notes`.
const DOCUMENTS: [&str; 4] = ["people", "notes", "vault", "attic"];

/// Edge collections with their ends.
const EDGES: [(&str, &str, &[&str]); 3] = [
    ("knows", "people", &["people"]),
    ("wrote", "people", &["notes"]),
    ("holds", "people", &["notes", "vault"]),
];

pub(crate) struct World {
    pub(crate) files: Vec<(String, String)>,
    pub(crate) set: Arc<SchemaSet>,
    /// A judge that remembers.
    pub(crate) judge: Judge,
    pub(crate) user: Option<&'static str>,
    pub(crate) roles: RoleSet,
    pub(crate) rights: Rights,
    pub(crate) database: Database,
}

impl World {
    pub(crate) fn new(chance: &mut Chance) -> Self {
        let files = schemas(chance);
        let set = SchemaSet::from_files(files.clone()).unwrap_or_else(|faults| panic!("{faults}\n{files:#?}"));
        let set = Arc::new(set);
        let user = if chance.percent(50) { Some("ada") } else { None };
        let roles = set.roles.of(user);
        let database = data(chance, &set.resources[DATABASE]);
        Self {
            rights: Rights::of(&files, user),
            files,
            judge: Judge::new(Arc::clone(&set), 1 << 20),
            set,
            user,
            roles,
            database,
        }
    }

    pub(crate) fn resources(&self) -> &Resources {
        &self.set.resources[DATABASE]
    }

    pub(crate) fn permits(&self, collection: &str, operation: Operation) -> bool {
        self.rights.permits(collection, operation)
    }

    /// Whether documents of the collection can be read, by whatever way: a view or a graph opens none that is closed.
    pub(crate) fn readable(&self, collection: &str) -> bool {
        self.permits(collection, Operation::Read)
    }

    /// Whether whole documents are reduced to what may be read.
    pub(crate) fn masks(&self) -> bool {
        self.set.whole_document == WholeDocument::Mask
    }

    fn writable(&self, collection: &str) -> bool {
        [
            Operation::Insert,
            Operation::Update,
            Operation::Replace,
            Operation::Remove,
        ]
        .into_iter()
        .any(|operation| self.permits(collection, operation))
    }

    /// The same database with other hidden values, and other documents where none may be read.
    pub(crate) fn with_other_secrets(&self, chance: &mut Chance) -> Database {
        let mut database = self.database.clone();
        for collection in self.resources().collections.values() {
            let documents: Vec<Stored> = database
                .collection(&collection.name)
                .unwrap()
                .documents()
                .cloned()
                .collect();
            if self.readable(&collection.name) {
                for document in documents {
                    let mut json = document.to_json();
                    let hidden = |path: &Path| !self.rights.admit(&collection.name, path, false);
                    change_hidden(chance, &mut json, &collection.shape, &hidden, &mut Path::new());
                    // Like the data, what is hidden keeps the schema.
                    if collection.validator.accepts(&json) {
                        database
                            .overwrite_raw(&collection.name, Stored::from_json(&json))
                            .unwrap();
                    }
                }
                continue;
            }
            for document in documents {
                let key = document.to_json()["_key"].as_str().unwrap().to_owned();
                if chance.percent(30) && !self.writable(&collection.name) {
                    database
                        .remove(&collection.name, &key, None, &WriteOptions::default())
                        .unwrap();
                } else {
                    let mut json = valid_document(chance, collection);
                    for name in ["_key", "_id", "_rev", "_from", "_to"] {
                        if let Some(value) = document.to_json().get(name) {
                            json[name] = value.clone();
                        }
                    }
                    database
                        .overwrite_raw(&collection.name, Stored::from_json(&json))
                        .unwrap();
                }
            }
            if !self.writable(&collection.name) && chance.percent(50) {
                let mut json = valid_document(chance, collection);
                json["_key"] = json!("other");
                set_ends(chance, collection, &mut json);
                database
                    .insert(&collection.name, &Stored::from_json(&json), &WriteOptions::default())
                    .unwrap();
            }
        }
        database.use_logical_clock();
        database
    }
}

fn schemas(chance: &mut Chance) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut notes = Value::Null;
    let mut add = |name: &str, schema: Value| files.push((format!("{name}.json"), schema.to_string()));
    for name in DOCUMENTS {
        let allow = if name == "vault" { json!([]) } else { allow(chance) };
        let mut schema = object_schema(chance, 2);
        if name == "notes" {
            notes.clone_from(&schema);
        } else if name == "attic" && chance.percent(60) {
            schema = alike(chance, &notes);
        }
        schema["x-mallku"] = json!({"allow": allow});
        add(name, schema);
    }
    for (name, from, to) in EDGES {
        let mut schema = object_schema(chance, 1);
        schema["x-mallku"] = json!({"kind": "edge", "from": [from], "to": to, "allow": allow(chance)});
        add(name, schema);
    }
    let reads = |chance: &mut Chance| if chance.percent(75) { json!(["read"]) } else { json!([]) };
    let spanned = if chance.percent(50) {
        json!(["people"])
    } else {
        json!(["people", "notes"])
    };
    add(
        "look",
        json!({"x-mallku": {"kind": "view", "collections": spanned, "allow": reads(chance)}}),
    );
    add(
        "seen",
        json!({"x-mallku": {"kind": "view", "collections": ["notes"], "allow": reads(chance)}}),
    );
    let edges = match chance.below(8) {
        0..=3 => json!(["knows"]),
        4 | 5 => json!(["knows", "wrote"]),
        6 => json!(["wrote"]),
        _ => json!(["knows", "wrote", "holds"]),
    };
    add(
        "net",
        json!({"x-mallku": {"kind": "graph", "edges": edges, "allow": reads(chance)}}),
    );
    let functions = match chance.below(4) {
        0 => json!({"allow": ["@pure", "@geo", "@search", "@data", "@info", "@dangerous"]}),
        1 => json!({"allow": ["@pure", "@geo", "@search", "@data"]}),
        _ => json!({}),
    };
    let whole = if chance.percent(25) { "mask" } else { "deny" };
    add(
        "policy",
        json!({"roles": {"staff": {"users": ["ada"]}}, "functions": functions, "wholeDocument": whole}),
    );
    files
}

fn allow(chance: &mut Chance) -> Value {
    let mut operations = Vec::new();
    for (name, share) in [
        ("read", 88),
        ("insert", 60),
        ("update", 60),
        ("replace", 45),
        ("remove", 55),
    ] {
        if chance.percent(share) {
            operations.push(name);
        }
    }
    if chance.percent(25) {
        json!({"*": ["read"], "staff": operations})
    } else {
        json!(operations)
    }
}

/// A schema of an object with a few attributes of all kinds, some hidden, some read-only, some for staff only.
fn object_schema(chance: &mut Chance, depth: usize) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    // Some objects have next to nothing that not everybody may do.
    let kinds = if chance.percent(30) { 100 } else { 20 };
    for name in ["a", "b", "c", "d", "e", "o", "l", "t"] {
        if !chance.percent(if depth == 0 { 45 } else { 75 }) {
            continue;
        }
        let mut schema = match name {
            "o" if depth > 0 => object_schema(chance, depth - 1),
            "l" if depth > 0 => {
                let mut items = object_schema(chance, depth - 1);
                if chance.percent(20) {
                    items["readOnly"] = json!(true);
                }
                json!({"type": "array", "items": items})
            }
            "t" if chance.percent(75) => json!({"type": "array", "items": {"type": "string"}}),
            "t" => json!({"type": "array", "items": guarded(chance)}),
            _ => scalar_schema(chance),
        };
        match chance.below(kinds) {
            0..=3 => schema["writeOnly"] = json!(true),
            4 => schema["readOnly"] = json!(true),
            5 => schema["x-mallku"] = json!({"readers": ["staff"]}),
            6 => schema["x-mallku"] = json!({"writers": ["staff"]}),
            7 if ["o", "l"].contains(&name) => schema["readOnly"] = json!(true),
            _ if chance.percent(18) => required.push(name),
            _ => {}
        }
        properties.insert(name.to_owned(), schema);
    }
    let mut schema = json!({"type": "object", "properties": properties});
    if chance.percent(70) {
        schema["additionalProperties"] = json!(false);
    } else if chance.percent(25) {
        schema["additionalProperties"] = guarded(chance);
    }
    if chance.percent(16) {
        schema["patternProperties"] = json!({"^x": guarded(chance)});
        // Of a name that both match, either may hide it.
        if chance.percent(50) {
            schema["patternProperties"]["1$"] = guarded(chance);
        }
    }
    if chance.percent(5) {
        let (one, other) = (guarded(chance), scalar_schema(chance));
        schema["properties"]["u"] =
            json!({"anyOf": [{"type": "object", "properties": {"a": one, "b": other}}, {"type": "null"}]});
    }
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// The schema of a collection that documents are moved to: the same, or one with another attribute.
fn alike(chance: &mut Chance, schema: &Value) -> Value {
    let mut schema = schema.clone();
    let names: Vec<String> = schema["properties"].as_object().unwrap().keys().cloned().collect();
    if chance.percent(30) && !names.is_empty() {
        let name = &names[chance.below(names.len())];
        schema["properties"][name] = scalar_schema(chance);
    }
    if chance.percent(20) && !names.is_empty() {
        schema["required"] = json!([names[chance.below(names.len())]]);
    }
    if chance.percent(20) {
        schema["additionalProperties"] = guarded(chance);
    }
    schema
}

/// A scalar that somebody may not read or write, mostly.
fn guarded(chance: &mut Chance) -> Value {
    let mut schema = scalar_schema(chance);
    match chance.below(6) {
        0 | 1 => schema["writeOnly"] = json!(true),
        2 => schema["x-mallku"] = json!({"readers": ["staff"]}),
        3 => schema["readOnly"] = json!(true),
        4 => schema["x-mallku"] = json!({"writers": ["staff"]}),
        _ => {}
    }
    schema
}

fn scalar_schema(chance: &mut Chance) -> Value {
    match chance.below(11) {
        10 => json!({"type": "number"}),
        9 => json!({"type": "number", "minimum": -2, "maximum": 10}),
        0 => json!({"type": "string"}),
        1 => json!({"type": "string", "enum": ["x", "y", "z"]}),
        2 => json!({"type": "integer"}),
        3 => json!({"type": "integer", "minimum": 0, "maximum": 5}),
        4 => json!({"type": "number"}),
        5 => json!({"type": "boolean"}),
        6 => json!({"type": ["string", "null"], "maxLength": 3}),
        7 => json!({"type": ["integer", "string"]}),
        _ => json!({}),
    }
}

fn data(chance: &mut Chance, resources: &Resources) -> Database {
    let mut database = Database::new(DATABASE);
    for collection in resources.collections.values() {
        let kind = if collection.edge.is_some() {
            CollectionKind::Edge
        } else {
            CollectionKind::Document
        };
        database.create_collection(&collection.name, kind).unwrap();
        for number in 0..=chance.below(4) {
            let mut json = valid_document(chance, collection);
            json["_key"] = json!(format!("k{number}"));
            set_ends(chance, collection, &mut json);
            database
                .insert(&collection.name, &Stored::from_json(&json), &WriteOptions::default())
                .unwrap();
        }
    }
    for view in resources.views.values() {
        let links: Map<String, Value> = view.collections.iter().map(|name| (name.clone(), json!({}))).collect();
        let definition = Map::from_iter([("links".to_owned(), Value::Object(links))]);
        let view = View {
            name: view.name.clone(),
            kind: "arangosearch".to_owned(),
            definition,
        };
        database.create_view(view, false).unwrap();
    }
    for graph in resources.graphs.values() {
        let definition = |name: &String| {
            let ends = resources.collections[name].edge.as_ref().unwrap();
            EdgeDefinition {
                collection: name.clone(),
                from: ends.from.iter().cloned().collect(),
                to: ends.to.iter().cloned().collect(),
            }
        };
        let edges = graph.edges.iter().map(definition).collect();
        let orphans = graph.orphans.iter().cloned().collect();
        database
            .create_graph(Graph {
                name: graph.name.clone(),
                edges,
                orphans,
            })
            .unwrap();
    }
    database.use_logical_clock();
    database
}

fn set_ends(chance: &mut Chance, collection: &Collection, json: &mut Value) {
    let Some(ends) = &collection.edge else { return };
    for (name, names) in [("_from", &ends.from), ("_to", &ends.to)] {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        json[name] = json!(format!("{}/k{}", chance.pick(&names), chance.below(5)));
    }
}

/// A document that its collection's schema accepts.
pub(crate) fn valid_document(chance: &mut Chance, collection: &Collection) -> Value {
    for _ in 0..200 {
        let document = value_of(chance, &collection.shape, 0);
        if collection.validator.accepts(&document) {
            return document;
        }
    }
    panic!(
        "no valid document found for {}: {}",
        collection.name, collection.json_schema
    );
}

/// Names that no schema gives in its `properties`; the first matches the pattern that some have.
pub(crate) const UNNAMED: [&str; 2] = ["x1", "q"];

/// What a schema says of an attribute that it does not name, where it says anything.
pub(crate) fn unnamed<'s>(shape: &'s Shape, name: &str) -> Option<&'s Shape> {
    let said = !shape.patterns.is_empty() || matches!(shape.others, Others::Like(_));
    shape
        .attribute(name)
        .filter(|_| said && !shape.attributes.contains_key(name))
}

/// A value of a shape's type, from a small domain so that comparisons hit.
pub(crate) fn value_of(chance: &mut Chance, shape: &Shape, depth: usize) -> Value {
    let types: Vec<JsonType> = if depth == 0 {
        vec![JsonType::Object]
    } else if shape.types.is_empty() {
        vec![JsonType::Integer, JsonType::String, JsonType::Null]
    } else {
        shape.types.iter().copied().collect()
    };
    match types[chance.below(types.len())] {
        JsonType::Null => Value::Null,
        JsonType::Boolean => json!(chance.percent(50)),
        JsonType::Integer => json!(chance.below(6)),
        JsonType::Number => json!(f64::from(u8::try_from(chance.below(8)).unwrap()) / 2.0),
        JsonType::String => json!(chance.pick(&["x", "y", "z", "k0", "k1"])),
        JsonType::Array => (0..chance.below(3))
            .map(|_| value_of(chance, shape.element(), depth + 1))
            .collect(),
        JsonType::Object => {
            let mut object = Map::new();
            for (name, attribute) in &shape.attributes {
                if !name.starts_with('_') && (shape.required.contains(name) || chance.percent(75)) {
                    object.insert(name.clone(), value_of(chance, attribute, depth + 1));
                }
            }
            for name in UNNAMED {
                if let Some(attribute) = unnamed(shape, name)
                    && chance.percent(50)
                {
                    object.insert(name.to_owned(), value_of(chance, attribute, depth + 1));
                }
            }
            Value::Object(object)
        }
    }
}

/// Gives every hidden part another value, or none.
fn change_hidden(
    chance: &mut Chance,
    value: &mut Value,
    shape: &Shape,
    hidden: &dyn Fn(&Path) -> bool,
    path: &mut Path,
) {
    match value {
        Value::Object(object) => {
            let named = shape.attributes.iter().map(|(name, shape)| (name.as_str(), shape));
            let unnamed = UNNAMED
                .into_iter()
                .filter_map(|name| Some((name, unnamed(shape, name)?)));
            for (name, shape) in named.chain(unnamed) {
                if name.starts_with('_') {
                    continue;
                }
                path.push(Text::from(name));
                if !hidden(path) {
                    if let Some(value) = object.get_mut(name) {
                        change_hidden(chance, value, shape, hidden, path);
                    }
                } else if chance.percent(25) {
                    object.shift_remove(name);
                } else {
                    object.insert(name.to_owned(), value_of(chance, shape, 1));
                }
                path.pop();
            }
        }
        Value::Array(items) => {
            path.push(Text::from(ELEMENT));
            for item in items {
                if hidden(path) {
                    *item = value_of(chance, shape.element(), 1);
                } else {
                    change_hidden(chance, item, shape.element(), hidden, path);
                }
            }
            path.pop();
        }
        _ => {}
    }
}
