//! Schema sets for the tables.

use mallku_db::schema::SchemaSet;
use serde_json::{Value, json};

fn load(files: &[(&str, Value)]) -> SchemaSet {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    SchemaSet::from_files(files.iter().map(|(name, value)| (*name, text(value))))
        .unwrap_or_else(|faults| panic!("{faults}"))
}

/// `users` may be read but for `pw`; everything may be done with `notes`; `secrets` is known and allows nothing.
pub(crate) fn attacked() -> SchemaSet {
    attacked_with(&[])
}

/// The same with more files.
pub(crate) fn attacked_with(more: &[(&str, Value)]) -> SchemaSet {
    let mut files = attacked_files();
    files.extend(more.iter().cloned());
    load(&files)
}

fn attacked_files<'n>() -> Vec<(&'n str, Value)> {
    vec![
        (
            "users.json",
            json!({
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "age": {"type": "integer"},
                    "link": {"type": "string"},
                    "tags": {"type": "array", "items": {"type": "string"}},
                    "profile": {
                        "type": "object",
                        "properties": {"city": {"type": "string"}, "pw": {"type": "string", "writeOnly": true}},
                        "additionalProperties": false
                    },
                    "pw": {"type": "string", "writeOnly": true}
                },
                "additionalProperties": false,
                "x-mallku": {"allow": ["read"]}
            }),
        ),
        (
            "notes.json",
            json!({
                "type": "object",
                "properties": {"text": {"type": "string"}, "owner": {"type": "string"}, "likes": {"type": "integer"}},
                "additionalProperties": false,
                "x-mallku": {"allow": ["read", "insert", "update", "replace", "remove"]}
            }),
        ),
        ("secrets.json", json!({"type": "object", "x-mallku": {"allow": []}})),
        (
            "friends.json",
            json!({
                "type": "object",
                "properties": {"since": {"type": "integer"}, "salary": {"type": "number", "writeOnly": true}},
                "additionalProperties": false,
                "x-mallku": {"kind": "edge", "from": ["users"], "to": ["users"], "allow": ["read", "insert"]}
            }),
        ),
        (
            "people.json",
            json!({"x-mallku": {"kind": "view", "collections": ["users"], "allow": ["read"]}}),
        ),
        (
            "hidden_view.json",
            json!({"x-mallku": {"kind": "view", "collections": ["users"], "allow": []}}),
        ),
        (
            "social.json",
            json!({"x-mallku": {"kind": "graph", "edges": ["friends"], "allow": ["read"]}}),
        ),
    ]
}

/// A shop and its people: closed and open schemas, hidden attributes, edges, a graph, a view.
pub(crate) fn documented() -> SchemaSet {
    let all = json!(["read", "insert", "update", "replace", "remove"]);
    load(&[
        (
            "users.json",
            json!({
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "firstName": {"type": "string"},
                    "lastName": {"type": "string"},
                    "age": {"type": "integer"},
                    "gender": {"type": "string"},
                    "status": {"type": "string", "enum": ["active", "inactive", "deleted"]},
                    "active": {"type": "boolean"},
                    "city": {"type": "string"},
                    "email": {"type": "string"},
                    "score": {"type": "number"},
                    "logins": {"type": "integer"},
                    "country": {"type": ["string", "null"]},
                    "dateCreated": {"type": "integer"},
                    "hobbies": {"type": "array", "items": {"type": "string"}},
                    "friends": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
                            "additionalProperties": false
                        }
                    },
                    "address": {
                        "type": "object",
                        "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
                        "additionalProperties": false
                    },
                    "password": {"type": "string", "writeOnly": true},
                    "created": {"type": "string", "readOnly": true}
                },
                "required": ["name"],
                "additionalProperties": false,
                "x-mallku": {"allow": all}
            }),
        ),
        (
            "products.json",
            json!({
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "price": {"type": "number"},
                    "stock": {"type": "integer"},
                    "category": {"type": "string"},
                    "tags": {"type": "array", "items": {"type": "string"}}
                },
                "x-mallku": {"allow": all}
            }),
        ),
        (
            "orders.json",
            json!({
                "type": "object",
                "properties": {
                    "user": {"type": "string"},
                    "total": {"type": "number"},
                    "year": {"type": "integer"},
                    "month": {"type": "integer"},
                    "items": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {"product": {"type": "string"}, "qty": {"type": "integer"}, "price": {"type": "number"}}
                        }
                    }
                },
                "x-mallku": {"allow": all}
            }),
        ),
        ("logs.json", json!({"x-mallku": {"allow": all}})),
        (
            "persons.json",
            json!({
                "type": "object",
                "properties": {"name": {"type": "string"}, "born": {"type": "integer"}, "ssn": {"type": "string", "writeOnly": true}},
                "additionalProperties": false,
                "x-mallku": {"allow": all}
            }),
        ),
        (
            "movies.json",
            json!({
                "type": "object",
                "properties": {"title": {"type": "string"}, "released": {"type": "integer"}, "tagline": {"type": "string"}},
                "additionalProperties": false,
                "x-mallku": {"allow": ["read"]}
            }),
        ),
        (
            "acts_in.json",
            json!({
                "type": "object",
                "properties": {"roles": {"type": "array", "items": {"type": "string"}}, "weight": {"type": "number"}},
                "x-mallku": {"kind": "edge", "from": ["persons"], "to": ["movies"], "allow": all}
            }),
        ),
        (
            "knows.json",
            json!({
                "type": "object",
                "properties": {"since": {"type": "integer"}, "distance": {"type": "number"}},
                "x-mallku": {"kind": "edge", "from": ["persons"], "to": ["persons"], "allow": all}
            }),
        ),
        (
            "imdb.json",
            json!({"x-mallku": {"kind": "graph", "edges": ["acts_in"], "allow": ["read"]}}),
        ),
        (
            "knows_graph.json",
            json!({"x-mallku": {"kind": "graph", "edges": ["knows"], "allow": ["read"]}}),
        ),
        (
            "articles.json",
            json!({
                "type": "object",
                "properties": {"title": {"type": "string"}, "body": {"type": "string"}, "rating": {"type": "number"},
                    "draft": {"type": "string", "writeOnly": true}, "location": {}},
                "x-mallku": {"allow": ["read"]}
            }),
        ),
        (
            "articles_view.json",
            json!({"x-mallku": {"kind": "view", "collections": ["articles", "movies"], "allow": ["read"]}}),
        ),
    ])
}
