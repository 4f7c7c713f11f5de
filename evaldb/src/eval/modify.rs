//! `INSERT`, `UPDATE`, `REPLACE`, `REMOVE` and `UPSERT`.

use mallku_db::aql::ast::{Expr, Insert, Remove, SourceRef, Update, Upsert, UpsertLookup, VarId};

use super::{Evaluator, Row};
use crate::error::{ArangoError, Result};
use crate::store::{OverwriteMode, WriteOptions, Written};
use crate::trace::WriteKind;
use crate::value::{Text, Value, equal};

/// Where and how a modification writes.
struct Target {
    collection: Text,
    options: WriteOptions,
    ignore_errors: bool,
}

impl Evaluator<'_> {
    fn target(&mut self, source: &SourceRef<'_>, options: Option<&Expr<'_>>) -> Result<Target> {
        let name = self.source_name(source)?;
        let collection = self.database.collection(&name)?.name().clone();
        let given = self.statement_options(options)?;
        let flag = |name: &str, default: bool| given.get(name).map_or(default, Value::is_true);
        let overwrite_mode = match given.text("overwriteMode") {
            Some("ignore") => OverwriteMode::Ignore,
            Some("replace") => OverwriteMode::Replace,
            Some("update") => OverwriteMode::Update,
            Some(_) => OverwriteMode::Conflict,
            None if flag("overwrite", false) => OverwriteMode::Replace,
            None => OverwriteMode::Conflict,
        };
        let options = WriteOptions {
            overwrite_mode,
            keep_null: flag("keepNull", true),
            merge_objects: flag("mergeObjects", true),
            ignore_revs: flag("ignoreRevs", true),
            version_attribute: given.text("versionAttribute").map(str::to_owned),
        };
        if let Some(attribute) = &options.version_attribute {
            let path = vec![Text::from(attribute.as_str())];
            self.note(|trace| {
                trace.reads.entry(collection.clone()).or_default().insert(path);
            });
        }
        Ok(Target {
            collection,
            options,
            ignore_errors: flag("ignoreErrors", false),
        })
    }

    pub(super) fn insert(&mut self, insert: &Insert<'_>, rows: Vec<Row>) -> Result<Vec<Row>> {
        let target = self.target(&insert.target, insert.options.as_ref())?;
        self.modify(&target, rows, insert.old, Some(insert.new), |this| {
            let document = this.operand(&insert.document)?;
            this.insert_one(&target, &document)
        })
    }

    pub(super) fn update(&mut self, update: &Update<'_>, rows: Vec<Row>) -> Result<Vec<Row>> {
        let target = self.target(&update.target, update.options.as_ref())?;
        self.modify(&target, rows, update.old, Some(update.new), |this| {
            let selector = this.eval(&update.key)?;
            let key = this.key_of(&selector)?;
            let document = match &update.document {
                Some(document) => {
                    let document = this.operand(document)?;
                    if target.options.ignore_revs {
                        document
                    } else {
                        with_revision(&document, this.attribute(&selector, "_rev"))
                    }
                }
                None => {
                    this.used(&selector);
                    selector
                }
            };
            this.change_one(&target, &key, &document, update.replace)
        })
    }

    pub(super) fn remove(&mut self, remove: &Remove<'_>, rows: Vec<Row>) -> Result<Vec<Row>> {
        let target = self.target(&remove.target, remove.options.as_ref())?;
        self.modify(&target, rows, remove.old, None, |this| {
            let selector = this.eval(&remove.key)?;
            let key = this.key_of(&selector)?;
            let revision = if target.options.ignore_revs {
                Value::Null
            } else {
                this.attribute(&selector, "_rev")
            };
            let written = this
                .database
                .remove(&target.collection, &key, revision.as_str(), &target.options)?;
            this.written(&target, WriteKind::Remove, None, &written);
            Ok(written)
        })
    }

    pub(super) fn upsert(&mut self, upsert: &Upsert<'_>, rows: Vec<Row>) -> Result<Vec<Row>> {
        let target = self.target(&upsert.target, upsert.options.as_ref())?;
        self.modify(&target, rows, upsert.old, Some(upsert.new), |this| {
            let found = match &upsert.lookup {
                UpsertLookup::Example(example) => {
                    let example = this.operand(example)?;
                    this.find(&target, |this, candidate| Ok(this.resembles(candidate, &example)))?
                }
                UpsertLookup::Filter { current, condition } => this.find(&target, |this, candidate| {
                    this.set(*current, candidate.clone());
                    this.condition(condition)
                })?,
            };
            this.set(upsert.old, found.clone().unwrap_or_default());
            match found {
                Some(found) => {
                    let key = Text::from(found.text("_key").unwrap_or_default());
                    let document = this.operand(&upsert.update)?;
                    this.change_one(&target, &key, &document, upsert.replace)
                }
                None => {
                    let document = this.operand(&upsert.insert)?;
                    this.insert_one(&target, &document)
                }
            }
        })
    }

    /// Writes for each row; a row whose write fails is dropped when errors are ignored.
    fn modify(
        &mut self,
        target: &Target,
        rows: Vec<Row>,
        old: VarId,
        new: Option<VarId>,
        mut write: impl FnMut(&mut Self) -> Result<Written>,
    ) -> Result<Vec<Row>> {
        let mut result = Vec::with_capacity(rows.len());
        for row in rows {
            self.step()?;
            self.row = row;
            match write(self) {
                Ok(written) => {
                    let marked = |this: &Self, document: &Option<Value>| {
                        document
                            .as_ref()
                            .map(|document| this.stored(&target.collection, document))
                            .unwrap_or_default()
                    };
                    let before = marked(self, &written.old);
                    self.set(old, before);
                    if let Some(new) = new {
                        let after = marked(self, &written.new);
                        self.set(new, after);
                    }
                    self.stats.writes_executed += u64::from(written.stored);
                    result.push(std::mem::take(&mut self.row));
                }
                Err(_) if target.ignore_errors => self.stats.writes_ignored += 1,
                Err(error) => return Err(error),
            }
        }
        Ok(result)
    }

    fn insert_one(&mut self, target: &Target, document: &Value) -> Result<Written> {
        let written = self.database.insert(&target.collection, document, &target.options)?;
        let kind = match (&written.old, target.options.overwrite_mode) {
            (Some(_), OverwriteMode::Update) => WriteKind::Update,
            (Some(_), _) => WriteKind::Replace,
            _ => WriteKind::Insert,
        };
        self.written(target, kind, Some(document), &written);
        Ok(written)
    }

    fn change_one(&mut self, target: &Target, key: &Text, document: &Value, replace: bool) -> Result<Written> {
        let (collection, options) = (&target.collection, &target.options);
        let written = if replace {
            self.database.replace(collection, key, document, options)?
        } else {
            self.database.update(collection, key, document, options)?
        };
        let kind = if replace { WriteKind::Replace } else { WriteKind::Update };
        self.written(target, kind, Some(document), &written);
        Ok(written)
    }

    fn written(&mut self, target: &Target, kind: WriteKind, document: Option<&Value>, written: &Written) {
        self.note(|trace| {
            trace.wrote(&target.collection, kind, document);
            trace.fetched.insert(target.collection.clone());
            if written.stored {
                trace
                    .written
                    .insert(Text::from(format!("{}/{}", target.collection, written.key)));
            }
        });
    }

    /// The key that a selector names: itself, or its `_key`.
    fn key_of(&mut self, selector: &Value) -> Result<Text> {
        match selector {
            Value::String(key) => Ok(key.clone()),
            Value::Object(_) => match self.attribute(selector, "_key") {
                Value::String(key) => Ok(key),
                _ => Err(ArangoError::new(1226, "missing document key")),
            },
            _ => Err(ArangoError::new(
                1227,
                "invalid document type: expecting a document key or an object",
            )),
        }
    }

    /// The first document of the target that satisfies a condition.
    fn find(
        &mut self,
        target: &Target,
        mut holds: impl FnMut(&mut Self, &Value) -> Result<bool>,
    ) -> Result<Option<Value>> {
        let collection = self.database.shared(&target.collection)?.clone();
        for document in collection.documents() {
            self.step()?;
            let document = self.stored(collection.name(), document);
            if holds(self, &document)? {
                return Ok(Some(document));
            }
        }
        Ok(None)
    }

    /// Whether a document has the attributes of an example, nested objects compared attribute by attribute.
    fn resembles(&mut self, candidate: &Value, example: &Value) -> bool {
        let Value::Object(example) = example else { return false };
        for (name, wanted) in example.iter() {
            let value = self.attribute(candidate, name);
            let same = match wanted {
                Value::Object(inner) if !inner.is_empty() => self.resembles(&value, wanted),
                _ => {
                    self.used(&value);
                    equal(&value, wanted)
                }
            };
            if !same {
                return false;
            }
        }
        true
    }
}

fn with_revision(document: &Value, revision: Value) -> Value {
    match document {
        Value::Object(object) if !revision.is_null() => {
            let mut object = (**object).clone();
            object.set("_rev", revision);
            Value::object(object)
        }
        other => other.clone(),
    }
}
