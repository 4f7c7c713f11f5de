//! The documents API: operations judged, documents validated, answers reduced to what the user may read.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::passage::{error_object, failure, read, respond, respond_empty, unusable};
use super::{Context, Firewall};
use crate::gate::body;
use crate::gate::message::Response;
use crate::gate::parameters::{Kind, Parameters, TargetWriter};
use crate::gate::reply::{Refusal, number};
use crate::gate::upstream::{Incoming, Method, Outgoing};
use crate::judge::Rule;
use crate::judge::documents::{DocumentOperation, Merge, Overwrite, Place, Projection, judge_documents};
use crate::schema::copy_bytes;

/// Longest document key, in bytes.
const MAX_KEY: usize = 254;

const INSERT: &[(&str, Kind)] = &[
    ("returnNew", Kind::Flag),
    ("returnOld", Kind::Flag),
    ("silent", Kind::Flag),
    ("waitForSync", Kind::Flag),
    ("overwrite", Kind::Flag),
    ("overwriteMode", Kind::Text),
    ("keepNull", Kind::Flag),
    ("mergeObjects", Kind::Flag),
    ("refillIndexCaches", Kind::Flag),
    ("versionAttribute", Kind::Text),
    ("ignoreRevs", Kind::Dropped),
    ("details", Kind::Dropped),
];

const CHANGE: &[(&str, Kind)] = &[
    ("returnNew", Kind::Flag),
    ("returnOld", Kind::Flag),
    ("silent", Kind::Flag),
    ("waitForSync", Kind::Flag),
    ("ignoreRevs", Kind::Flag),
    ("keepNull", Kind::Flag),
    ("mergeObjects", Kind::Flag),
    ("refillIndexCaches", Kind::Flag),
    ("versionAttribute", Kind::Text),
    // python-arango sends these where they mean nothing.
    ("overwrite", Kind::Dropped),
    ("details", Kind::Dropped),
];

const REMOVE: &[(&str, Kind)] = &[
    ("returnOld", Kind::Flag),
    ("silent", Kind::Flag),
    ("waitForSync", Kind::Flag),
    ("ignoreRevs", Kind::Flag),
    ("refillIndexCaches", Kind::Flag),
    ("overwrite", Kind::Dropped),
    ("details", Kind::Dropped),
];

/// Whether a text can be a document's key.
pub(super) fn is_key(key: &str) -> bool {
    (1..=MAX_KEY).contains(&key.len())
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-:.@()+,=;$!*'%".contains(&byte))
}

pub(super) fn check_key(key: &str) -> Result<(), Refusal> {
    if is_key(key) {
        return Ok(());
    }
    Err(Refusal::new(400, number::DOCUMENT_KEY_BAD, "illegal document key"))
}

fn type_invalid(message: &str) -> Refusal {
    Refusal::new(
        400,
        number::DOCUMENT_TYPE_INVALID,
        format!("invalid document type: {message}"),
    )
}

/// How a document in a body is identified.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Identity<'k> {
    /// By its own `_key`, or by none: a new document.
    New,
    /// By the path.
    Path(&'k str),
    /// By its own `_key`.
    Own,
}

impl Context<'_> {
    pub(super) fn place(&self) -> Place<'_> {
        Place {
            user: self.credentials.user.as_deref(),
            database: &self.target.database,
            collection: self.names.first().copied().unwrap_or_default(),
        }
    }

    /// Takes what a copy of one document may need: each is copied to be validated without ArangoDB's own attributes.
    pub(super) fn take_copy(&self, documents: &[Value]) -> Result<(), Refusal> {
        let largest = documents.iter().map(copy_bytes).max().unwrap_or_default();
        body::take(&self.share, largest)
    }

    /// Judges an operation on the collection of the path.
    pub(super) fn judge_documents(&mut self, operation: DocumentOperation<'_>, returns: bool) -> Result<(), Refusal> {
        self.take_copy(operation.documents())?;
        let verdict = judge_documents(self.policy.set(), self.place(), operation, returns);
        let denials = verdict.denials.clone();
        self.trail.verdict = Some(std::sync::Arc::new(verdict));
        self.admit(&denials, None)
    }

    /// Takes a document as it may be sent: system attributes as arangod treats them, so that what is judged is what is stored.
    pub(super) fn document(&self, value: Value, identity: Identity<'_>, keep_revision: bool) -> Result<Value, Refusal> {
        let Value::Object(mut object) = value else {
            return Err(type_invalid("a document must be an object"));
        };
        // `_id` is recomputed and `_rev` set by arangod; a `_rev` counts for a check only.
        object.remove("_id");
        if !keep_revision {
            object.remove("_rev");
        }
        if !self.may_be_edges(self.name(0)) {
            // Dropped without a word by arangod.
            object.remove("_from");
            object.remove("_to");
        }
        match (identity, object.get("_key")) {
            (Identity::Path(key), None | Some(Value::String(_))) => {
                object.insert("_key".into(), key.into());
            }
            (Identity::New | Identity::Own, Some(Value::String(key))) => check_key(key)?,
            (Identity::New, None) => {}
            (Identity::Own, None) => {
                return Err(Refusal::new(
                    400,
                    number::DOCUMENT_HANDLE_BAD,
                    "a document of the list has no \"_key\"",
                ));
            }
            (_, Some(_)) => return Err(Refusal::new(400, number::DOCUMENT_KEY_BAD, "illegal document key")),
        }
        Ok(Value::Object(object))
    }

    /// Whether a collection has edges. One that no schema names may have some, and is reached where the gate only detects.
    pub(super) fn may_be_edges(&self, collection: &str) -> bool {
        self.collection(collection)
            .is_none_or(|collection| collection.edge.is_some())
    }

    fn list(&self) -> Result<Vec<Value>, Refusal> {
        match self.json()? {
            Some(Value::Array(items)) => Ok(items),
            _ => Err(type_invalid("the body must be an array")),
        }
    }

    /// Selectors of documents, rewritten so that the collection is the path's: arangod drops the part before the slash
    /// without comparing it.
    fn selectors(&self) -> Result<Vec<Value>, Refusal> {
        self.list()?.into_iter().map(|item| self.selector(item)).collect()
    }

    fn selector(&self, item: Value) -> Result<Value, Refusal> {
        let key_of = |text: &str| -> Result<String, Refusal> {
            let key = match text.split_once('/') {
                Some((collection, key)) if collection == self.name(0) => key,
                Some(_) => {
                    let message = format!("{text:?} is no document of collection {:?}", self.name(0));
                    return Err(Refusal::denied(Rule::OperationNotAllowed, message));
                }
                None => text,
            };
            check_key(key)?;
            Ok(key.to_owned())
        };
        match item {
            Value::String(text) => Ok(key_of(&text)?.into()),
            Value::Object(object) => {
                let text = match (object.get("_key"), object.get("_id")) {
                    (Some(Value::String(key)), None) => key_of(key)?,
                    (None, Some(Value::String(id))) if id.contains('/') => key_of(id)?,
                    (Some(Value::String(key)), Some(Value::String(id))) if key_of(id)? == *key => key_of(key)?,
                    _ => {
                        return Err(Refusal::new(
                            400,
                            number::DOCUMENT_HANDLE_BAD,
                            "illegal document handle",
                        ));
                    }
                };
                let mut selector = Map::new();
                selector.insert("_key".into(), text.into());
                match object.get("_rev") {
                    None => {}
                    Some(Value::String(revision)) => {
                        selector.insert("_rev".into(), revision.clone().into());
                    }
                    Some(_) => return Err(Refusal::bad_parameter("\"_rev\" is no string")),
                }
                Ok(Value::Object(selector))
            }
            _ => Err(Refusal::new(
                400,
                number::DOCUMENT_HANDLE_BAD,
                "illegal document handle",
            )),
        }
    }

    /// `versionAttribute` compares an attribute by whether the write happens: it must be readable, and writable.
    pub(super) fn check_version_attribute(&mut self, parameters: &Parameters) -> Result<(), Refusal> {
        let Some(name) = parameters.text("versionAttribute") else {
            return Ok(());
        };
        let roles = self.policy.set().roles.of(self.user());
        let known = self.collection(self.name(0)).is_none_or(|collection| {
            let shape = collection.shape.attribute(name);
            shape.is_some_and(|shape| shape.readable(&roles) && shape.writable(&roles))
        });
        if known {
            return Ok(());
        }
        let message = format!("versionAttribute {name:?} is no attribute that you may read and write");
        self.admit_or(Refusal::denied(Rule::AttributeHidden, message))
    }

    pub(super) fn if_headers(&self, outgoing: &mut Outgoing) {
        if let Some(revision) = &self.headers.if_match {
            outgoing.headers.push(("if-match", revision.clone()));
        }
        if let Some(revision) = &self.headers.if_none_match {
            outgoing.headers.push(("if-none-match", revision.clone()));
        }
    }

    fn document_target(&self) -> TargetWriter {
        let mut writer = TargetWriter::new(self.database())
            .words("/_api/document")
            .name(self.name(0));
        if self.names.len() > 1 {
            writer = writer.name(self.name(1));
        }
        writer
    }

    /// The answer to a write.
    fn written(&self, answer: Incoming) -> Result<Response, Refusal> {
        let readable = self.all_readable([self.name(0)]);
        if answer.status >= 400 {
            return failure(answer, readable);
        }
        if answer.body.is_empty() {
            return Ok(respond_empty(answer));
        }
        let projection = Projection::of(self.policy.set(), self.place());
        let mut body = read(&answer)?;
        let reduce = |item: &mut Value| match item {
            Value::Object(object) => {
                if object.get("error") == Some(&Value::Bool(true)) {
                    *object = error_object(object, readable);
                    return;
                }
                object.retain(|name, _| matches!(name.as_str(), "_id" | "_key" | "_rev" | "_oldRev" | "new" | "old"));
                for name in ["new", "old"] {
                    match (&projection, object.get_mut(name)) {
                        (Some(projection), Some(document)) => projection.reduce(document),
                        (None, Some(_)) if !self.detect => {
                            object.remove(name);
                        }
                        _ => {}
                    }
                }
            }
            other => *other = Value::Null,
        };
        match &mut body {
            Value::Array(items) => items.iter_mut().for_each(reduce),
            single => reduce(single),
        }
        Ok(respond(answer, &body))
    }

    /// Documents on their way to the user.
    pub(super) fn reduced(&self, document: &mut Value) -> Result<(), Refusal> {
        match Projection::of(self.policy.set(), self.place()) {
            Some(projection) => projection.reduce(document),
            None if self.detect => {}
            None => return Err(unusable("it holds what may not be read")),
        }
        Ok(())
    }
}

pub(super) fn flags(mut writer: TargetWriter, parameters: &Parameters, names: &[&str]) -> TargetWriter {
    for name in names {
        writer = writer.flag(name, parameters.flag(name));
    }
    if let Some(attribute) = parameters.text("versionAttribute") {
        writer = writer.parameter("versionAttribute", attribute);
    }
    writer
}

pub(super) fn merge_of(parameters: &Parameters) -> Merge {
    let default = Merge::default();
    Merge {
        keep_null: parameters.flag("keepNull").unwrap_or(default.keep_null),
        merge_objects: parameters.flag("mergeObjects").unwrap_or(default.merge_objects),
    }
}

impl Firewall {
    pub(super) fn document_read(&self, context: &mut Context<'_>) -> Result<Response, Refusal> {
        Parameters::read(context.target, &[])?;
        check_key(context.name(1))?;
        context.judge_documents(DocumentOperation::Read, false)?;
        let mut outgoing = Self::outgoing(context, context.method, context.document_target().finish());
        context.if_headers(&mut outgoing);
        let answer = self.send(context, outgoing)?;
        if context.method == Method::Head || answer.status == 304 {
            return Ok(respond_empty(answer));
        }
        if answer.status >= 400 {
            return failure(answer, context.all_readable([context.name(0)]));
        }
        let mut document = read(&answer)?;
        context.reduced(&mut document)?;
        Ok(respond(answer, &document))
    }

    /// `PUT` with `onlyget`: reads many. Its presence alone makes it a read for arangod.
    pub(super) fn documents_read(&self, context: &mut Context<'_>) -> Result<Response, Refusal> {
        let parameters = Parameters::read(
            context.target,
            &[
                ("onlyget", Kind::Text),
                ("ignoreRevs", Kind::Flag),
                ("silent", Kind::Dropped),
            ],
        )?;
        if context.method != Method::Put {
            return Err(Refusal::bad_parameter("\"onlyget\" goes with PUT"));
        }
        context.judge_documents(DocumentOperation::Read, false)?;
        let selectors = context.selectors()?;
        let target = flags(
            context.document_target().parameter("onlyget", "true"),
            &parameters,
            &["ignoreRevs"],
        )
        .finish();
        let mut outgoing = Self::outgoing(context, Method::Put, target);
        outgoing.body = Some(Value::Array(selectors).to_string().into_bytes());
        let answer = self.send(context, outgoing)?;
        let readable = context.all_readable([context.name(0)]);
        if answer.status >= 400 {
            return failure(answer, readable);
        }
        let Value::Array(mut items) = read(&answer)? else {
            return Err(unusable("it is no list"));
        };
        for item in &mut items {
            // A stored document may have an attribute `error`, but it always has a revision.
            match item {
                Value::Object(object)
                    if object.get("error") == Some(&Value::Bool(true))
                        && object.contains_key("errorNum")
                        && !object.contains_key("_rev") =>
                {
                    *object = error_object(object, readable);
                }
                document => context.reduced(document)?,
            }
        }
        Ok(respond(answer, &Value::Array(items)))
    }

    pub(super) fn document_insert(&self, context: &mut Context<'_>) -> Result<Response, Refusal> {
        let parameters = Parameters::read(context.target, INSERT)?;
        let merge = merge_of(&parameters);
        // An unknown mode would be a plain insert for arangod.
        let overwrite = match parameters.text("overwriteMode") {
            None if parameters.is("overwrite") => Overwrite::Replace,
            None | Some("conflict") => Overwrite::Conflict,
            Some("ignore") => Overwrite::Ignore,
            Some("replace") => Overwrite::Replace,
            Some("update") => Overwrite::Update(merge),
            Some(_) => {
                return Err(Refusal::bad_parameter(
                    "\"overwriteMode\" is one of conflict, ignore, replace, update",
                ));
            }
        };
        context.check_version_attribute(&parameters)?;
        let (documents, many) = match context.json()? {
            Some(Value::Array(items)) => (items, true),
            Some(object @ Value::Object(_)) => (vec![object], false),
            Some(_) => return Err(type_invalid("a document must be an object")),
            None => return Err(Refusal::corrupted_json("the body is empty; a document is expected")),
        };
        let documents: Vec<Value> = documents
            .into_iter()
            .map(|document| context.document(document, Identity::New, false))
            .collect::<Result<_, _>>()?;
        let returns = parameters.is("returnNew") || parameters.is("returnOld");
        let operation = DocumentOperation::Insert {
            documents: &documents,
            overwrite,
        };
        context.judge_documents(operation, returns)?;
        let mut writer = flags(
            context.document_target(),
            &parameters,
            &["returnNew", "returnOld", "silent", "waitForSync", "refillIndexCaches"],
        );
        let mode = match overwrite {
            Overwrite::Conflict => None,
            Overwrite::Ignore => Some("ignore"),
            Overwrite::Replace => Some("replace"),
            Overwrite::Update(_) => Some("update"),
        };
        if let Some(mode) = mode {
            writer = writer.parameter("overwriteMode", mode);
        }
        if let Overwrite::Update(merge) = overwrite {
            // Always said: documentation and code of arangod differ on the defaults here.
            writer = writer
                .flag("keepNull", Some(merge.keep_null))
                .flag("mergeObjects", Some(merge.merge_objects));
        }
        let mut outgoing = Self::outgoing(context, Method::Post, writer.finish());
        outgoing.body = Some(body_of(documents, many));
        let answer = self.send(context, outgoing)?;
        context.written(answer)
    }

    /// `PUT` and `PATCH` of one document.
    pub(super) fn document_change(&self, context: &mut Context<'_>) -> Result<Response, Refusal> {
        check_key(context.name(1))?;
        let body = context
            .json()?
            .ok_or_else(|| Refusal::corrupted_json("the body is empty; a document is expected"))?;
        self.change(context, vec![body], false)
    }

    /// `PUT` and `PATCH` of many.
    pub(super) fn documents_change(&self, context: &mut Context<'_>) -> Result<Response, Refusal> {
        let documents = context.list()?;
        self.change(context, documents, true)
    }

    fn change(&self, context: &mut Context<'_>, documents: Vec<Value>, many: bool) -> Result<Response, Refusal> {
        let parameters = Parameters::read(context.target, CHANGE)?;
        context.check_version_attribute(&parameters)?;
        let keep_revision = parameters.flag("ignoreRevs") == Some(false);
        let identity = if many {
            Identity::Own
        } else {
            Identity::Path(context.name(1))
        };
        let documents: Vec<Value> = documents
            .into_iter()
            .map(|document| context.document(document, identity, keep_revision))
            .collect::<Result<_, _>>()?;
        let merge = merge_of(&parameters);
        let judged = without_revisions(context, &documents)?;
        let operation = if context.method == Method::Put {
            DocumentOperation::Replace { documents: &judged }
        } else {
            DocumentOperation::Update {
                documents: &judged,
                merge,
            }
        };
        let returns = parameters.is("returnNew") || parameters.is("returnOld");
        context.judge_documents(operation, returns)?;
        let mut writer = flags(
            context.document_target(),
            &parameters,
            &[
                "returnNew",
                "returnOld",
                "silent",
                "waitForSync",
                "ignoreRevs",
                "refillIndexCaches",
            ],
        );
        if context.method == Method::Patch {
            writer = writer
                .flag("keepNull", Some(merge.keep_null))
                .flag("mergeObjects", Some(merge.merge_objects));
        }
        let mut outgoing = Self::outgoing(context, context.method, writer.finish());
        context.if_headers(&mut outgoing);
        outgoing.body = Some(body_of(documents, many));
        let answer = self.send(context, outgoing)?;
        context.written(answer)
    }

    pub(super) fn document_remove(&self, context: &mut Context<'_>) -> Result<Response, Refusal> {
        let parameters = Parameters::read(context.target, REMOVE)?;
        check_key(context.name(1))?;
        context.judge_documents(DocumentOperation::Remove, parameters.is("returnOld"))?;
        let target = flags(
            context.document_target(),
            &parameters,
            &["returnOld", "silent", "waitForSync", "ignoreRevs", "refillIndexCaches"],
        );
        let mut outgoing = Self::outgoing(context, Method::Delete, target.finish());
        context.if_headers(&mut outgoing);
        let answer = self.send(context, outgoing)?;
        context.written(answer)
    }

    pub(super) fn documents_remove(&self, context: &mut Context<'_>) -> Result<Response, Refusal> {
        let parameters = Parameters::read(context.target, REMOVE)?;
        context.judge_documents(DocumentOperation::Remove, parameters.is("returnOld"))?;
        let selectors = context.selectors()?;
        let target = flags(
            context.document_target(),
            &parameters,
            &["returnOld", "silent", "waitForSync", "ignoreRevs", "refillIndexCaches"],
        );
        let mut outgoing = Self::outgoing(context, Method::Delete, target.finish());
        outgoing.body = Some(Value::Array(selectors).to_string().into_bytes());
        let answer = self.send(context, outgoing)?;
        context.written(answer)
    }

    /// The edges of a vertex.
    pub(super) fn edges(&self, context: &mut Context<'_>) -> Result<Response, Refusal> {
        let parameters = Parameters::read(context.target, &[("vertex", Kind::Text), ("direction", Kind::Text)])?;
        context.judge_documents(DocumentOperation::Read, false)?;
        let vertex = parameters.text("vertex").unwrap_or_default().to_owned();
        let (collection, key) = vertex
            .split_once('/')
            .ok_or_else(|| Refusal::new(400, number::DOCUMENT_HANDLE_BAD, "illegal document handle"))?;
        check_key(key)?;
        let ends = context
            .collection(context.name(0))
            .and_then(|edges| edges.edge.as_ref());
        let known = ends.is_some_and(|ends| ends.from.contains(collection) || ends.to.contains(collection));
        if !known {
            let message = format!(
                "collection {collection:?} is no end of edge collection {:?}",
                context.name(0)
            );
            context.admit_or(Refusal::denied(Rule::UnknownCollection, message))?;
        }
        let mut writer = TargetWriter::new(context.database())
            .words("/_api/edges")
            .name(context.name(0))
            .parameter("vertex", &vertex);
        match parameters.text("direction") {
            None | Some("undefined" | "any") => {}
            Some(direction @ ("in" | "out")) => writer = writer.parameter("direction", direction),
            Some(_) => return Err(Refusal::bad_parameter("\"direction\" is one of any, in, out")),
        }
        let outgoing = Self::outgoing(context, Method::Get, writer.finish());
        let answer = self.send(context, outgoing)?;
        if answer.status >= 400 {
            return failure(answer, context.all_readable([context.name(0)]));
        }
        let Value::Object(mut object) = read(&answer)? else {
            return Err(unusable("it is no object"));
        };
        object.retain(|name, _| matches!(name.as_str(), "edges" | "error" | "code" | "stats"));
        if let Some(Value::Array(edges)) = object.get_mut("edges") {
            for edge in edges {
                context.reduced(edge)?;
            }
        }
        Ok(respond(answer, &Value::Object(object)))
    }
}

/// A revision to compare with is no attribute that is written.
pub(super) fn without_revision(document: &Value) -> Value {
    let mut document = document.clone();
    if let Value::Object(object) = &mut document {
        object.remove("_rev");
    }
    document
}

/// Documents without revisions; those that have none are not copied.
fn without_revisions<'d>(context: &Context<'_>, documents: &'d [Value]) -> Result<Cow<'d, [Value]>, Refusal> {
    if documents.iter().all(|document| document.get("_rev").is_none()) {
        return Ok(Cow::Borrowed(documents));
    }
    // The copies take as much as the body did.
    body::take(&context.share, context.share.held())?;
    Ok(Cow::Owned(documents.iter().map(without_revision).collect()))
}

fn body_of(mut documents: Vec<Value>, many: bool) -> Vec<u8> {
    let body = if many {
        Value::Array(documents)
    } else {
        documents.pop().unwrap_or(Value::Null)
    };
    body.to_string().into_bytes()
}
