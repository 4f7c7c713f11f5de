//! Modifications: which operations they are, which document they look up, what they write.
//!
//! INVARIANT: a document that an admitted modification leaves behind keeps its collection's schema, given that the one
//! before it did; and every value that it writes was read with the right to read it.

mod copied;
mod fit;
mod kept;
mod known;
mod paths;
mod shapes;
mod words;

use std::borrow::Cow;
use std::collections::BTreeSet;

pub(super) use kept::replaced_document;
pub(super) use known::check_json;

use super::analysis::Analysis;
use super::message::listed;
use super::names::Named;
use super::options::{self, Options};
use super::value::{Part, Value};
use super::verdict::{Denial, Rule};
use crate::aql::ast::{
    Expr, ExprKind, Insert, MemberKey, Remove, SourceRef, Span, Update, Upsert, UpsertLookup, VarId,
};
use crate::schema::{Collection, Operation};
use serde_json::Value as Json;

/// The collection that a modification writes.
#[derive(Clone, Copy)]
struct Target<'a> {
    collection: &'a Collection,
    span: Span,
}

impl<'a> Analysis<'a> {
    /// `INSERT`.
    pub(super) fn insert(&mut self, it: &'a Insert<'a>) {
        let target = self.target(&it.target);
        let value = self.expr(&it.document);
        self.read(&value, it.document.span);
        let given = self.given(it.options.as_ref(), options::INSERT, target);
        let Some(target) = target else {
            return self.unknown_target(it.old, Some(it.new));
        };
        self.operation(target, Operation::Insert);
        let overwrite = self.overwrite_mode(&given);
        self.write(target, &it.document, &value, Operation::Insert, Mode::Whole);
        match overwrite {
            Overwrite::Conflict => {}
            // Whether a document with this key is there shows in `NEW`, in statistics and in what follows.
            Overwrite::Ignore => self.operation(target, Operation::Read),
            Overwrite::Replace => {
                self.operation(target, Operation::Replace);
                self.write(target, &it.document, &value, Operation::Replace, Mode::Whole);
            }
            Overwrite::Update => {
                self.operation(target, Operation::Update);
                self.write(target, &it.document, &value, Operation::Update, merge_mode(&given));
            }
        }
        let old = match overwrite {
            Overwrite::Conflict => Value::NULL,
            _ => self.old_or_new(target, true),
        };
        self.assign(it.old, old);
        let new = self.old_or_new(target, matches!(overwrite, Overwrite::Ignore));
        self.assign(it.new, new);
    }

    /// `UPDATE` and `REPLACE`.
    pub(super) fn update(&mut self, it: &'a Update<'a>) {
        let target = self.target(&it.target);
        let key = self.expr(&it.key);
        let (written, document) = match &it.document {
            Some(document) => {
                self.read_key(&key, it.key.span);
                (document, self.expr(document))
            }
            None => (&it.key, key),
        };
        self.read(&document, written.span);
        let given = self.given(it.options.as_ref(), options::UPDATE, target);
        self.read_revision(&given, target, it.key.span);
        let Some(target) = target else {
            return self.unknown_target(it.old, Some(it.new));
        };
        let (operation, mode) = if it.replace {
            (Operation::Replace, Mode::Whole)
        } else {
            (Operation::Update, merge_mode(&given))
        };
        self.operation(target, operation);
        self.write(target, written, &document, operation, mode);
        let old = self.old_or_new(target, false);
        self.assign(it.old, old.clone());
        self.assign(it.new, old);
    }

    /// `REMOVE`.
    pub(super) fn remove(&mut self, it: &'a Remove<'a>) {
        let target = self.target(&it.target);
        let key = self.expr(&it.key);
        self.read_key(&key, it.key.span);
        let given = self.given(it.options.as_ref(), options::REMOVE, target);
        self.read_revision(&given, target, it.key.span);
        let Some(target) = target else {
            return self.unknown_target(it.old, None);
        };
        self.operation(target, Operation::Remove);
        self.note_write(target.collection, Operation::Remove, "*".to_owned());
        let old = self.old_or_new(target, false);
        self.assign(it.old, old);
    }

    /// `UPSERT`: a look-up, an insert, and an update or replace.
    pub(super) fn upsert(&mut self, it: &'a Upsert<'a>) {
        let target = self.target(&it.target);
        let candidate = target.map_or(Value::ANY, |target| self.old_or_new(target, false));
        match &it.lookup {
            UpsertLookup::Example(example) => {
                let value = self.expr(example);
                self.read(&value, example.span);
                self.look_up(&value, &candidate, example);
            }
            UpsertLookup::Filter { current, condition } => {
                self.assign(*current, candidate.clone());
                self.condition(condition);
            }
        }
        let old = target.map_or(Value::ANY, |target| self.old_or_new(target, true));
        self.assign(it.old, old.clone());
        let insert = self.expr(&it.insert);
        self.read(&insert, it.insert.span);
        // The second document is written only where there is an old one.
        self.assign(it.old, candidate);
        let update = self.expr(&it.update);
        self.read(&update, it.update.span);
        self.assign(it.old, old);
        let given = self.given(it.options.as_ref(), options::UPSERT, target);
        let Some(target) = target else {
            return self.unknown_target(it.old, Some(it.new));
        };
        self.operation(target, Operation::Read);
        self.operation(target, Operation::Insert);
        self.write(target, &it.insert, &insert, Operation::Insert, Mode::Whole);
        let (operation, mode) = if it.replace {
            (Operation::Replace, Mode::Whole)
        } else {
            (Operation::Update, merge_mode(&given))
        };
        self.operation(target, operation);
        self.write(target, &it.update, &update, operation, mode);
        let new = self.old_or_new(target, false);
        self.assign(it.new, new);
    }

    /// The collection that a modification names; denies anything else.
    fn target(&mut self, source: &'a SourceRef<'a>) -> Option<Target<'a>> {
        let (name, span) = self.source_name(source)?;
        match self.resolve(&name, span, false) {
            Named::Collection(collection) => Some(Target { collection, span }),
            Named::View(view) => {
                self.deny(
                    Denial::new(
                        Rule::OperationNotAllowed,
                        format!("`{}` is a view: it can only be read", view.name),
                    )
                    .about(view.name.clone())
                    .at(span)
                    .hint(format!(
                        "write to one of its collections: {}",
                        listed(&names(&view.collections))
                    )),
                );
                None
            }
            Named::Unknown => None,
        }
    }

    fn operation(&mut self, target: Target<'a>, operation: Operation) {
        self.check_operation(target.collection, operation, target.span);
    }

    /// The options of a modification.
    fn given(&mut self, options: Option<&'a Expr<'a>>, allowed: &[&str], target: Option<Target<'a>>) -> Options<'a> {
        let Some(options) = options else {
            return Options::default();
        };
        let given = self.options(options, allowed);
        if let Some((value, span)) = given.get("versionAttribute") {
            match (value, target) {
                // Whether the write happens depends on the stored version.
                (Json::String(name), Some(target)) => {
                    let document = self.old_or_new(target, false);
                    let version = self.attribute(&document, name, span);
                    self.read(&version, span);
                }
                (Json::String(_), None) => {}
                _ => self.deny(Denial::option("`versionAttribute` has to be a string", span)),
            }
        }
        given
    }

    /// With `ignoreRevs: false` the write happens only where the revision is the stored one.
    fn read_revision(&mut self, given: &Options<'a>, target: Option<Target<'a>>, span: Span) {
        if given.is_off("ignoreRevs")
            && let Some(target) = target
        {
            let document = self.old_or_new(target, false);
            let revision = self.attribute(&document, "_rev", span);
            self.read(&revision, span);
        }
    }

    fn overwrite_mode(&mut self, given: &Options<'a>) -> Overwrite {
        match given.get("overwriteMode") {
            Some((Json::String(mode), span)) => match mode.as_str() {
                "conflict" => Overwrite::Conflict,
                "ignore" => Overwrite::Ignore,
                "replace" => Overwrite::Replace,
                "update" => Overwrite::Update,
                _ => {
                    self.deny(
                        Denial::option(format!("there is no overwrite mode \"{mode}\""), span)
                            .hint("use \"conflict\", \"ignore\", \"update\" or \"replace\""),
                    );
                    Overwrite::Conflict
                }
            },
            Some((_, span)) => {
                self.deny(Denial::option("`overwriteMode` has to be a string", span));
                Overwrite::Conflict
            }
            None if given.is_on("overwrite") => Overwrite::Replace,
            None => Overwrite::Conflict,
        }
    }

    /// `OLD`, `NEW` or the candidate of an `UPSERT`. `optional`: it may be null.
    fn old_or_new(&mut self, target: Target<'a>, optional: bool) -> Value<'a> {
        let permitted = target.collection.allow.permits(self.roles, Operation::Read);
        let source = self.source(target.collection);
        let document = Part {
            optional,
            ..self.document(source, permitted)
        };
        Value::Part(document)
    }

    fn unknown_target(&mut self, old: VarId, new: Option<VarId>) {
        self.assign(old, Value::ANY);
        if let Some(new) = new {
            self.assign(new, Value::ANY);
        }
    }

    /// What says which document is meant: a key, or an object of which `_key`, `_id` and `_rev` are taken.
    fn read_key(&mut self, value: &Value<'a>, span: Span) {
        for alternative in value.alternatives() {
            match alternative {
                Value::Object(_) => {
                    for name in ["_key", "_id", "_rev"] {
                        let part = self.attribute(alternative, name, span);
                        self.read(&part, span);
                    }
                }
                Value::Part(part) if part.path.is_root() => {
                    for name in ["_key", "_id"] {
                        let part = self.attribute(alternative, name, span);
                        self.read(&part, span);
                    }
                }
                other => self.read(other, span),
            }
        }
    }

    /// The attributes that an `UPSERT` example compares.
    fn look_up(&mut self, example: &Value<'a>, candidate: &Value<'a>, expr: &'a Expr<'a>) {
        let span = expr.span;
        let mut names: BTreeSet<Cow<'a, str>> = BTreeSet::new();
        let mut known = true;
        for alternative in example.alternatives() {
            match alternative {
                Value::Object(object) if object.rest.is_empty() && !object.open => {
                    names.extend(object.members.iter().map(|member| member.name.clone()));
                }
                Value::Constant(constant) => {
                    self.inspect(constant);
                    match self.known_json(alternative, span) {
                        Some(Cow::Borrowed(Json::Object(members))) => {
                            names.extend(members.keys().map(|name| Cow::Borrowed(name.as_str())));
                        }
                        _ => known = false,
                    }
                }
                _ => known = false,
            }
        }
        if !known {
            self.any_attribute(candidate, span);
        }
        for name in names {
            let at = place_of(expr, &name);
            let part = self.attribute(candidate, &name, at);
            self.read(&part, at);
        }
    }

    /// Checks a written document and notes what is written.
    fn write(&mut self, target: Target<'a>, expr: &'a Expr<'a>, value: &Value<'a>, operation: Operation, mode: Mode) {
        let before = self.denials.len();
        // A document without attributes is a write as well.
        self.writes
            .entry(target.collection.name.clone())
            .or_default()
            .entry(operation)
            .or_default();
        for path in paths::written_paths(value) {
            self.note_write(target.collection, operation, path);
        }
        if operation == Operation::Replace
            && let Some(denial) = replaced_document(target.collection, self.roles)
        {
            self.deny(denial.at(expr.span));
        }
        self.check_document(target.collection, value, mode, expr.span);
        // What is wrong with an attribute is shown at the attribute, where it is written out.
        for mut denial in self.denials.split_off(before.min(self.denials.len())) {
            if let Some(path) = &denial.attribute
                && denial.span == Some(expr.span)
            {
                denial.span = Some(place_of(expr, path));
            }
            self.deny(denial);
        }
    }

    pub(super) fn note_write(&mut self, collection: &Collection, operation: Operation, path: String) {
        self.writes
            .entry(collection.name.clone())
            .or_default()
            .entry(operation)
            .or_default()
            .insert(path);
    }
}

/// How a written document meets the stored one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// It is the whole document afterwards.
    Whole,
    /// Its attributes replace or join those of the stored one.
    Merge {
        /// Whether an attribute set to null stays; else it is dropped.
        keep_null: bool,
        /// Whether objects are merged into stored objects; else they replace them.
        merge_objects: bool,
    },
}

/// What an `INSERT` does with a document of the same key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Overwrite {
    Conflict,
    Ignore,
    Replace,
    Update,
}

/// Where an object literal gives the attribute at this path; the whole expression where it does not.
fn place_of(expr: &Expr<'_>, path: &str) -> Span {
    let mut place = expr.span;
    let mut at = expr;
    for step in path.split('.') {
        let name = step.strip_suffix("[*]").unwrap_or(step);
        let ExprKind::Object(members) = &at.kind else { break };
        let found = members.iter().find(|member| match &member.key {
            MemberKey::Name(key) => key.text == name,
            MemberKey::Bind(_) | MemberKey::Computed(_) => false,
        });
        let Some(member) = found else { break };
        place = member.span;
        at = &member.value;
    }
    place
}

fn merge_mode(given: &Options<'_>) -> Mode {
    Mode::Merge {
        keep_null: !given.is_off("keepNull"),
        merge_objects: !given.is_off("mergeObjects"),
    }
}

fn names(set: &BTreeSet<String>) -> Vec<&str> {
    set.iter().map(String::as_str).collect()
}
