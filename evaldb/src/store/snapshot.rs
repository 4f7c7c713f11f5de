//! A whole server as JSON text, to keep the data over a restart.

use serde::{Deserialize, Serialize};

use super::{Clock, CollectionKind, Database, DocumentSchema, Graph, Index, Server, View};
use crate::error::{ArangoError, Result};
use crate::value::Value;

#[derive(Serialize, Deserialize)]
struct ServerImage {
    databases: Vec<DatabaseImage>,
}

#[derive(Serialize, Deserialize)]
struct DatabaseImage {
    name: String,
    clock: u64,
    collections: Vec<CollectionImage>,
    views: Vec<View>,
    graphs: Vec<Graph>,
}

#[derive(Serialize, Deserialize)]
struct CollectionImage {
    name: String,
    id: u64,
    edge: bool,
    properties: serde_json::Map<String, serde_json::Value>,
    schema: Option<serde_json::Value>,
    indexes: Vec<IndexImage>,
    documents: Vec<Value>,
}

#[derive(Serialize, Deserialize)]
struct IndexImage {
    id: u64,
    name: String,
    kind: String,
    fields: Vec<String>,
    unique: bool,
    sparse: bool,
    definition: serde_json::Map<String, serde_json::Value>,
}

impl Server {
    /// Everything that is stored, as JSON text.
    pub fn to_snapshot(&self) -> Result<String> {
        let image = ServerImage {
            databases: self.databases().map(image).collect(),
        };
        serde_json::to_string(&image).map_err(|error| ArangoError::new(4, format!("snapshot: {error}")))
    }

    /// A server as [`Server::to_snapshot`] wrote it.
    pub fn from_snapshot(text: &str) -> Result<Self> {
        let bad = |error: serde_json::Error| ArangoError::new(600, format!("snapshot: {error}"));
        let image: ServerImage = serde_json::from_str(text).map_err(bad)?;
        let mut server = Server::new();
        for image in image.databases {
            let name = image.name.clone();
            server.databases.insert(name, database(image)?);
        }
        Ok(server)
    }
}

fn image(database: &Database) -> DatabaseImage {
    DatabaseImage {
        name: database.name.clone(),
        clock: database.clock.last(),
        collections: database
            .collections()
            .map(|collection| CollectionImage {
                name: collection.name().to_string(),
                id: collection.id(),
                edge: collection.kind() == CollectionKind::Edge,
                properties: collection.properties.clone(),
                schema: collection.schema().map(|schema| schema.definition.clone()),
                indexes: collection
                    .indexes()
                    .iter()
                    .filter(|index| !matches!(index.kind.as_str(), "primary" | "edge"))
                    .map(|index| IndexImage {
                        id: index.id,
                        name: index.name.clone(),
                        kind: index.kind.clone(),
                        fields: index.fields.clone(),
                        unique: index.unique,
                        sparse: index.sparse,
                        definition: index.definition.clone(),
                    })
                    .collect(),
                documents: collection.documents().cloned().collect(),
            })
            .collect(),
        views: database.views().cloned().collect(),
        graphs: database.graphs().cloned().collect(),
    }
}

fn database(image: DatabaseImage) -> Result<Database> {
    let mut database = Database::new(&image.name);
    for stored in image.collections {
        let kind = if stored.edge {
            CollectionKind::Edge
        } else {
            CollectionKind::Document
        };
        let collection = database.create_collection(&stored.name, kind)?;
        collection.set_id(stored.id);
        collection.properties = stored.properties;
        collection.set_schema(stored.schema.as_ref().map(DocumentSchema::new).transpose()?);
        for image in stored.indexes {
            let fields: Vec<&str> = image.fields.iter().map(String::as_str).collect();
            let mut index = Index::new(&image.kind, &fields, image.unique, image.sparse);
            index.name = image.name;
            index.definition = image.definition;
            collection.add_index(index, image.id)?;
        }
        for document in stored.documents {
            database.restore(&stored.name, document)?;
        }
    }
    for view in image.views {
        database.create_view(view, true)?;
    }
    for graph in image.graphs {
        database.replace_graph(graph)?;
    }
    database.clock = Clock::wall();
    database.clock.skip_past(image.clock);
    Ok(database)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::WriteOptions;

    #[test]
    fn a_server_survives_its_snapshot() {
        let mut server = Server::new();
        let database = server.create_database("shop").unwrap();
        database.create_collection("users", CollectionKind::Document).unwrap();
        database.create_collection("knows", CollectionKind::Edge).unwrap();
        let collection = database.collection_mut("users").unwrap();
        collection
            .add_index(Index::new("persistent", &["mail"], true, false), 3)
            .unwrap();
        let document: Value = serde_json::from_str(r#"{"_key":"a","mail":"x","n":1.5}"#).unwrap();
        database.insert("users", &document, &WriteOptions::default()).unwrap();
        let restored = Server::from_snapshot(&server.to_snapshot().unwrap()).unwrap();
        assert_eq!(restored.to_snapshot().unwrap(), server.to_snapshot().unwrap());
        let mut restored = restored;
        let again = restored.database_mut("shop").unwrap();
        let twin: Value = serde_json::from_str(r#"{"mail":"x"}"#).unwrap();
        assert_eq!(
            again.insert("users", &twin, &WriteOptions::default()).unwrap_err().num,
            1210
        );
    }
}
