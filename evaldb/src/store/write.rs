//! Writing single documents with ArangoDB's options and errors.

use std::sync::Arc;

use super::collection::{Collection, CollectionKind, unique_violated};
use super::revision::encode_revision;
use super::{Database, Undo};
use crate::error::{ArangoError, Result};
use crate::value::{Object, Text, Value, compare};

/// What an insert does when the key is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OverwriteMode {
    /// Fails with 1210.
    #[default]
    Conflict,
    /// Leaves the document as it is, without an error.
    Ignore,
    /// Replaces it.
    Replace,
    /// Updates it.
    Update,
}

/// Options of a write.
#[derive(Debug, Clone)]
pub struct WriteOptions {
    /// What an insert does when the key is taken.
    pub overwrite_mode: OverwriteMode,
    /// Whether `null` in an update is stored; otherwise it removes the attribute.
    pub keep_null: bool,
    /// Whether an update merges objects; otherwise it replaces them.
    pub merge_objects: bool,
    /// Whether the `_rev` of the given document is ignored; otherwise a different one is 1200.
    pub ignore_revs: bool,
    /// Attribute whose number must grow for the write to happen.
    pub version_attribute: Option<String>,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self {
            overwrite_mode: OverwriteMode::Conflict,
            keep_null: true,
            merge_objects: true,
            ignore_revs: true,
            version_attribute: None,
        }
    }
}

/// What a write did.
#[derive(Debug, Clone)]
pub struct Written {
    /// The document before; absent for a plain insert, and where an insert was ignored.
    pub old: Option<Value>,
    /// The document after; absent for a remove, and where an insert was ignored.
    pub new: Option<Value>,
    /// Whether anything was stored: not so for an ignored insert or a version that did not grow.
    pub stored: bool,
    /// The key.
    pub key: Text,
}

impl Database {
    /// The document of a collection with this key: 1203 or 1202 when there is none.
    pub fn document(&self, collection: &str, key: &str) -> Result<&Value> {
        self.collection(collection)?
            .get(key)
            .ok_or_else(ArangoError::document_not_found)
    }

    /// Inserts a document; with an overwriting mode, an existing one is replaced or updated.
    pub fn insert(&mut self, collection: &str, document: &Value, options: &WriteOptions) -> Result<Written> {
        let target = self.collection(collection)?;
        let given = document.as_object().ok_or_else(invalid_document)?;
        let key = match given.get("_key") {
            None => None,
            Some(Value::String(key)) => Some(checked_key(key)?.clone()),
            Some(_) => return Err(bad_key()),
        };
        if let Some(key) = &key
            && target.get(key).is_some()
        {
            return match options.overwrite_mode {
                OverwriteMode::Ignore => Ok(Written {
                    old: None,
                    new: None,
                    stored: false,
                    key: key.clone(),
                }),
                OverwriteMode::Replace => self.replace(collection, key, document, options),
                OverwriteMode::Update => self.update(collection, key, document, options),
                OverwriteMode::Conflict => target
                    .indexes()
                    .first()
                    .map_or_else(|| Err(bad_key()), |primary| Err(unique_violated(primary, document))),
            };
        }
        let ends = edge_ends(target, given, None)?;
        let name = target.name().clone();
        let revision = self.clock.tick();
        let key = key.unwrap_or_else(|| Text::from(revision.to_string()));
        if let Ok(number) = key.parse::<u64>() {
            // Generated keys never meet a numeric key that was given.
            self.clock.skip_past(number.min(u64::MAX >> 1));
        }
        let new = assemble(&name, &key, revision, ends, given);
        let target = self.collection_mut(&name)?;
        let place = target.new_place();
        target.check(place, &new)?;
        self.store(&name, place, Some(new.clone()))?;
        Ok(Written {
            old: None,
            new: Some(new),
            stored: true,
            key,
        })
    }

    /// Replaces the document with this key.
    pub fn replace(
        &mut self,
        collection: &str,
        key: &str,
        document: &Value,
        options: &WriteOptions,
    ) -> Result<Written> {
        self.change(collection, key, document, options, |_, given| Ok(given.clone()))
    }

    /// Changes the document with this key by the given attributes.
    pub fn update(&mut self, collection: &str, key: &str, patch: &Value, options: &WriteOptions) -> Result<Written> {
        self.change(collection, key, patch, options, |old, patch| {
            Ok(merge(old, patch, options))
        })
    }

    fn change(
        &mut self,
        collection: &str,
        key: &str,
        given: &Value,
        options: &WriteOptions,
        make: impl FnOnce(&Object, &Object) -> Result<Object>,
    ) -> Result<Written> {
        let target = self.collection(collection)?;
        let given_object = given.as_object().ok_or_else(invalid_document)?;
        checked_key(key)?;
        let old = target.get(key).ok_or_else(ArangoError::document_not_found)?.clone();
        let place = target.place(key).ok_or_else(ArangoError::document_not_found)?;
        let old_object = old.as_object().ok_or_else(invalid_document)?;
        check_revision(&old, given.text("_rev"), options)?;
        let name = target.name().clone();
        let key = Text::from(key);
        if let Some(attribute) = &options.version_attribute
            && let (Some(before), Some(after)) = (old_object.get(attribute), given_object.get(attribute))
            && before.is_number()
            && after.is_number()
            && compare(after, before).is_le()
        {
            return Ok(Written {
                old: Some(old.clone()),
                new: Some(old),
                stored: false,
                key,
            });
        }
        let made = make(old_object, given_object)?;
        let ends = edge_ends(target, &made, Some(old_object))?;
        let revision = self.clock.tick();
        let new = assemble(&name, &key, revision, ends, &made);
        self.collection(&name)?.check(place, &new)?;
        self.store(&name, place, Some(new.clone()))?;
        Ok(Written {
            old: Some(old),
            new: Some(new),
            stored: true,
            key,
        })
    }

    /// Removes the document with this key; `revision` is what the caller believes it to be.
    pub fn remove(
        &mut self,
        collection: &str,
        key: &str,
        revision: Option<&str>,
        options: &WriteOptions,
    ) -> Result<Written> {
        let target = self.collection(collection)?;
        checked_key(key)?;
        let old = target.get(key).ok_or_else(ArangoError::document_not_found)?.clone();
        let place = target.place(key).ok_or_else(ArangoError::document_not_found)?;
        check_revision(&old, revision, options)?;
        let name = target.name().clone();
        self.store(&name, place, None)?;
        Ok(Written {
            old: Some(old),
            new: None,
            stored: true,
            key: Text::from(key),
        })
    }

    /// Replaces a document's content as it is, key and revision included: for restoring and for tests that must change
    /// nothing else. 1202 when there is no document with that `_key`.
    pub fn overwrite_raw(&mut self, collection: &str, document: Value) -> Result<()> {
        let key = document.text("_key").ok_or_else(bad_key)?;
        let place = self
            .collection(collection)?
            .place(key)
            .ok_or_else(ArangoError::document_not_found)?;
        self.store(collection, place, Some(document))
    }

    /// Sets or removes what is stored under a key, system attributes included, after the checks of a write: how a
    /// transaction commits.
    pub(crate) fn put_raw(&mut self, collection: &str, key: &str, document: Option<Value>) -> Result<()> {
        let target = self.collection_mut(collection)?;
        let place = target.place(key);
        match (place, &document) {
            (None, None) => Ok(()),
            (place, document_after) => {
                let place = place.unwrap_or_else(|| target.new_place());
                if let Some(document) = document_after {
                    target.check(place, document)?;
                }
                self.store(collection, place, document)
            }
        }
    }

    /// A number for something new, such as an index.
    pub(crate) fn new_id(&mut self) -> u64 {
        self.clock.tick()
    }

    /// Stores a document as it is, system attributes included: for restoring a snapshot.
    pub(super) fn restore(&mut self, collection: &str, document: Value) -> Result<()> {
        let place = self.collection_mut(collection)?.new_place();
        self.store(collection, place, Some(document))
    }

    fn store(&mut self, collection: &str, place: u64, document: Option<Value>) -> Result<()> {
        let target = self.collection_mut(collection)?;
        let name = target.name().clone();
        let before = target.put(place, document);
        if let Some(undo) = &mut self.undo {
            undo.push(Undo {
                collection: name,
                place,
                before,
            });
        }
        Ok(())
    }
}

fn invalid_document() -> ArangoError {
    ArangoError::new(1227, "invalid document type")
}

fn bad_key() -> ArangoError {
    ArangoError::new(1221, "illegal document key")
}

/// Whether a text may be a document's key.
pub(crate) fn is_key(key: &str) -> bool {
    (1..=254).contains(&key.len())
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-:.@()+,=;$!*'%".contains(&byte))
}

fn checked_key<K: AsRef<str> + ?Sized>(key: &K) -> Result<&K> {
    if is_key(key.as_ref()) { Ok(key) } else { Err(bad_key()) }
}

fn check_revision(old: &Value, revision: Option<&str>, options: &WriteOptions) -> Result<()> {
    match revision {
        Some(revision) if !options.ignore_revs && old.text("_rev") != Some(revision) => {
            Err(ArangoError::new(1200, "conflict, _rev values do not match"))
        }
        _ => Ok(()),
    }
}

/// `_from` and `_to` of an edge, from the given document, else from the one before; 1233 when they are no document ids.
fn edge_ends(target: &Collection, given: &Object, before: Option<&Object>) -> Result<Option<(Text, Text)>> {
    if target.kind() != CollectionKind::Edge {
        return Ok(None);
    }
    let end = |name: &str| {
        let bad = || ArangoError::new(1233, format!("edge attribute missing or invalid: {name}"));
        match given.get(name) {
            Some(Value::String(id)) => {
                let (collection, key) = id.split_once('/').ok_or_else(bad)?;
                if collection.is_empty() || !is_key(key) {
                    Err(bad())
                } else {
                    Ok(id.clone())
                }
            }
            Some(_) => Err(bad()),
            None => match before.and_then(|before| before.get(name)) {
                Some(Value::String(id)) => Ok(id.clone()),
                _ => Err(bad()),
            },
        }
    };
    Ok(Some((end("_from")?, end("_to")?)))
}

/// The document as it is stored: system attributes first.
fn assemble(collection: &str, key: &Text, revision: u64, ends: Option<(Text, Text)>, given: &Object) -> Value {
    let mut object = Object::with_capacity(given.len() + 5);
    object.push(Text::from("_key"), Value::String(key.clone()));
    object.push(Text::from("_id"), Value::string(format!("{collection}/{key}")));
    if let Some((from, to)) = ends {
        object.push(Text::from("_from"), Value::String(from));
        object.push(Text::from("_to"), Value::String(to));
    }
    object.push(Text::from("_rev"), Value::string(encode_revision(revision)));
    for (name, value) in given.iter() {
        if !matches!(&**name, "_key" | "_id" | "_rev" | "_from" | "_to") {
            object.push(name.clone(), value.unmarked());
        }
    }
    Value::object(object)
}

/// The old document with the changes of a patch.
fn merge(old: &Object, patch: &Object, options: &WriteOptions) -> Object {
    let mut result = Object::with_capacity(old.len() + patch.len());
    for (name, value) in old.iter() {
        result.push(name.clone(), value.clone());
    }
    for (name, value) in patch.iter() {
        let merged = match (result.get(name), value) {
            (_, Value::Null) if !options.keep_null => {
                result.remove(name);
                continue;
            }
            (Some(Value::Object(before)), Value::Object(after)) if options.merge_objects => {
                Value::object(merge(before, after, options))
            }
            // In the place of another value the object stays as it is.
            (None, Value::Object(after)) if !options.keep_null => Value::object(without_nulls(after)),
            _ => value.clone(),
        };
        result.set(name.clone(), merged);
    }
    result
}

fn without_nulls(object: &Object) -> Object {
    let kept = object.iter().filter(|(_, value)| !value.is_null());
    kept.map(|(name, value)| match value {
        Value::Object(inner) => (name.clone(), Value::Object(Arc::new(without_nulls(inner)))),
        other => (name.clone(), other.clone()),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    fn database() -> Database {
        let mut database = Database::new("test");
        database.use_logical_clock();
        database.create_collection("c", CollectionKind::Document).unwrap();
        database.create_collection("e", CollectionKind::Edge).unwrap();
        database
    }

    fn plain(value: &Value) -> String {
        let mut object = value.as_object().unwrap().clone();
        for name in ["_key", "_id", "_rev"] {
            object.remove(name);
        }
        Value::object(object).to_json_text()
    }

    #[test]
    fn insert_makes_the_system_attributes() {
        let mut database = database();
        let given = value(r#"{"_key":"a","_id":"x/y","_rev":"z","_from":"q","n":1}"#);
        let written = database.insert("c", &given, &WriteOptions::default()).unwrap();
        let new = written.new.unwrap();
        assert_eq!(new.text("_id"), Some("c/a"));
        assert_ne!(new.text("_rev"), Some("z"));
        assert_eq!(
            plain(&new),
            r#"{"n":1}"#,
            "ends are dropped outside of edge collections"
        );
        let generated = database.insert("c", &value("{}"), &WriteOptions::default()).unwrap();
        assert!(generated.key.parse::<u64>().is_ok());
    }

    #[test]
    fn errors_have_their_numbers() {
        let mut database = database();
        let options = WriteOptions::default();
        database.insert("c", &value(r#"{"_key":"a"}"#), &options).unwrap();
        for (collection, document, num) in [
            ("c", r#"{"_key":"a"}"#, 1210),
            ("c", r#"{"_key":1}"#, 1221),
            ("c", r#"{"_key":"a b"}"#, 1221),
            ("c", "[]", 1227),
            ("e", r#"{"_from":"c/a"}"#, 1233),
            ("e", r#"{"_from":"c/a","_to":"nowhere"}"#, 1233),
            ("nope", "{}", 1203),
        ] {
            assert_eq!(
                database.insert(collection, &value(document), &options).unwrap_err().num,
                num,
                "{document}"
            );
        }
        assert_eq!(database.update("c", "b", &value("{}"), &options).unwrap_err().num, 1202);
        assert_eq!(database.remove("c", "b", None, &options).unwrap_err().num, 1202);
        let strict = WriteOptions {
            ignore_revs: false,
            ..WriteOptions::default()
        };
        assert_eq!(
            database
                .update("c", "a", &value(r#"{"_rev":"x"}"#), &strict)
                .unwrap_err()
                .num,
            1200
        );
    }

    #[test]
    fn updates_merge_as_told() {
        for (options, expected) in [
            (WriteOptions::default(), r#"{"a":{"x":1,"y":null,"z":3},"b":null}"#),
            (
                WriteOptions {
                    keep_null: false,
                    ..WriteOptions::default()
                },
                r#"{"a":{"x":1,"z":3}}"#,
            ),
            (
                WriteOptions {
                    merge_objects: false,
                    ..WriteOptions::default()
                },
                r#"{"a":{"y":null,"z":3},"b":null}"#,
            ),
        ] {
            let mut database = database();
            database
                .insert(
                    "c",
                    &value(r#"{"_key":"k","a":{"x":1,"y":2},"b":1}"#),
                    &WriteOptions::default(),
                )
                .unwrap();
            let written = database
                .update("c", "k", &value(r#"{"a":{"y":null,"z":3},"b":null}"#), &options)
                .unwrap();
            assert_eq!(plain(&written.new.unwrap()), expected);
        }
    }

    #[test]
    fn overwrite_modes() {
        for (mode, expected) in [
            (OverwriteMode::Ignore, r#"{"a":1,"b":1}"#),
            (OverwriteMode::Replace, r#"{"b":2}"#),
            (OverwriteMode::Update, r#"{"a":1,"b":2}"#),
        ] {
            let mut database = database();
            database
                .insert("c", &value(r#"{"_key":"k","a":1,"b":1}"#), &WriteOptions::default())
                .unwrap();
            let options = WriteOptions {
                overwrite_mode: mode,
                ..WriteOptions::default()
            };
            database.insert("c", &value(r#"{"_key":"k","b":2}"#), &options).unwrap();
            assert_eq!(plain(database.document("c", "k").unwrap()), expected);
        }
    }

    #[test]
    fn unique_indexes_and_schemas_are_enforced() {
        let mut database = database();
        let collection = database.collection_mut("c").unwrap();
        collection
            .add_index(super::super::Index::new("persistent", &["n"], true, true), 7)
            .unwrap();
        let schema = serde_json::json!({"rule": {"properties": {"n": {"type": "number"}}}, "message": "n is a number"});
        collection.set_schema(Some(super::super::DocumentSchema::new(&schema).unwrap()));
        let options = WriteOptions::default();
        database.insert("c", &value(r#"{"_key":"a","n":1}"#), &options).unwrap();
        database.insert("c", &value(r#"{"_key":"b"}"#), &options).unwrap();
        assert_eq!(
            database.insert("c", &value(r#"{"n":1.0}"#), &options).unwrap_err().num,
            1210
        );
        assert_eq!(
            database.insert("c", &value(r#"{"n":"1"}"#), &options).unwrap_err().num,
            1620
        );
        assert_eq!(
            database
                .update("c", "b", &value(r#"{"n":1}"#), &options)
                .unwrap_err()
                .num,
            1210
        );
        database.remove("c", "a", None, &options).unwrap();
        database.update("c", "b", &value(r#"{"n":1}"#), &options).unwrap();
    }

    #[test]
    fn a_query_s_writes_can_be_undone_and_snapshots_stand_apart() {
        let mut database = database();
        let options = WriteOptions::default();
        database.insert("c", &value(r#"{"_key":"a","n":1}"#), &options).unwrap();
        let snapshot = database.clone();
        database.begin();
        database.update("c", "a", &value(r#"{"n":2}"#), &options).unwrap();
        database.insert("c", &value(r#"{"_key":"b"}"#), &options).unwrap();
        database.remove("c", "a", None, &options).unwrap();
        assert!(database.document("c", "a").is_err() && snapshot.document("c", "a").is_ok());
        database.roll_back();
        assert_eq!(plain(database.document("c", "a").unwrap()), r#"{"n":1}"#);
        assert!(database.document("c", "b").is_err());
    }
}
