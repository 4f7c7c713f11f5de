//! Answers on their way to the client: read, cut down to what may leave, and written anew.

use serde_json::{Map, Value};

use super::{Context, Firewall};
use crate::gate::body;
use crate::gate::budget::NoRoomError;
use crate::gate::json::{self, JsonLimits};
use crate::gate::message::Response;
use crate::gate::parameters::TargetWriter;
use crate::gate::reply::{Refusal, bytes_response, number};
use crate::gate::upstream::Incoming;
use crate::judge::Rule;
use crate::schema::Collection;

/// What a database's answer may consist of.
const ANSWER_LIMITS: JsonLimits = JsonLimits {
    depth: 512,
    values: 8_000_000,
};

/// An answer that is no JSON, or contradicts itself.
pub(super) fn unusable(why: &str) -> Refusal {
    Refusal::new(
        502,
        number::INTERNAL,
        format!("the database's answer cannot be passed on: {why}"),
    )
}

/// The answer came, and there is no memory for it: whatever was asked for may have been done.
pub(super) fn no_room(error: &NoRoomError) -> Refusal {
    Refusal::new(
        507,
        number::INTERNAL,
        format!(
            "the gate has no room for the database's answer: {error}; ask for less at once, such as a smaller batchSize"
        ),
    )
}

/// The body of an answer.
pub(super) fn read(answer: &Incoming) -> Result<Value, Refusal> {
    answer.share.take_tree(&answer.body).map_err(|error| no_room(&error))?;
    json::parse(&answer.body, ANSWER_LIMITS).map_err(|error| unusable(&error.to_string()))
}

/// The body of an answer that is an object.
pub(super) fn read_object(answer: &Incoming) -> Result<Map<String, Value>, Refusal> {
    match read(answer)? {
        Value::Object(object) => Ok(object),
        _ => Err(unusable("it is no object")),
    }
}

/// A response with an answer's status and headers and this body.
pub(super) fn respond(answer: Incoming, body: &Value) -> Response {
    respond_bytes(answer, body.to_string().into_bytes())
}

/// The same with a body that is JSON already.
pub(super) fn respond_bytes(answer: Incoming, body: Vec<u8>) -> Response {
    let mut response = bytes_response(answer.status, body);
    response
        .headers
        .extend(answer.headers.into_iter().map(|(name, value)| (name.to_owned(), value)));
    response
}

/// A response without a body.
pub(super) fn respond_empty(answer: Incoming) -> Response {
    let mut response = respond_bytes(answer, Vec::new());
    response.headers.retain(|(name, _)| name != "Content-Type");
    response
}

/// A failure as the database reports it, rebuilt. `touched` are the collections that the request was about, with
/// whether the user may read everything in them.
pub(super) fn failure(answer: Incoming, all_readable: bool) -> Result<Response, Refusal> {
    if answer.body.is_empty() {
        return Ok(respond_empty(answer));
    }
    let object = read_object(&answer)?;
    let mut body = error_object(&object, all_readable);
    body.entry("code").or_insert_with(|| answer.status.into());
    let challenges = answer.status == 401;
    let status = answer.status;
    let mut response = respond(answer, &Value::Object(body));
    if challenges {
        response.headers.extend(
            Refusal::unauthenticated()
                .into_response()
                .headers
                .into_iter()
                .filter(|(name, _)| name == "Www-Authenticate"),
        );
    }
    if status == 503 {
        response.headers.push(("Retry-After".into(), "1".into()));
    }
    Ok(response)
}

/// The members of an error object that may leave. A violated unique index is named by arangod with its attributes and
/// the conflicting key (error 1210), which may both be hidden.
pub(super) fn error_object(object: &Map<String, Value>, all_readable: bool) -> Map<String, Value> {
    let mut body = Map::new();
    let number = object.get("errorNum").and_then(Value::as_u64);
    for name in ["error", "code", "errorNum", "errorMessage", "_key", "_id", "_rev"] {
        let Some(value) = object.get(name) else {
            continue;
        };
        let value = match (name, number) {
            ("errorMessage", Some(1210)) if !all_readable => Value::from("unique constraint violated"),
            ("errorMessage", Some(1620)) if !all_readable => {
                Value::from("the document violates the collection's schema")
            }
            _ => value.clone(),
        };
        body.insert(name.to_owned(), value);
    }
    body
}

impl Context<'_> {
    /// A collection of the database.
    pub(super) fn collection(&self, name: &str) -> Option<&Collection> {
        let resources = self.policy.set().resources.get(self.database())?;
        resources.collections.get(name).map(AsRef::as_ref)
    }

    /// Whether the user may read every attribute of these collections.
    pub(super) fn all_readable<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> bool {
        let roles = self.policy.set().roles.of(self.user());
        names.into_iter().all(|name| {
            self.collection(name).is_some_and(|collection| {
                collection.allow.permits(&roles, crate::schema::Operation::Read) && collection.shape.readable(&roles)
            })
        })
    }

    /// The same for what a verdict touches. A graph or view counts as its collections, which the verdict names.
    pub(super) fn touched_readable(&self) -> bool {
        match &self.trail.verdict {
            Some(verdict) => {
                let names: Vec<&str> = verdict
                    .reads
                    .keys()
                    .chain(verdict.writes.keys())
                    .map(String::as_str)
                    .collect();
                self.all_readable(names)
            }
            None => false,
        }
    }
}

impl Firewall {
    /// In detect mode: a request that has no route, rebuilt from its parts and sent on as it is.
    pub(super) fn pass_on(&self, context: &mut Context<'_>) -> Result<Response, Refusal> {
        let mut writer = TargetWriter::new(context.database());
        for segment in &context.target.segments {
            if segment.name().is_empty() {
                writer = writer.words("/");
            } else {
                writer = writer.name(segment.name());
            }
        }
        for (name, value) in &context.target.parameters {
            writer = writer.parameter(name, value);
        }
        let mut outgoing = Self::outgoing(context, context.method, writer.finish());
        if !context.method.only_reads() {
            body::check_media_type(context.request)?;
            outgoing.body = context.json()?.map(|body| body.to_string().into_bytes());
        }
        let answer = self.send(context, outgoing)?;
        if answer.body.is_empty() {
            return Ok(respond_empty(answer));
        }
        let body = read(&answer)?;
        Ok(respond(answer, &body))
    }
}

/// A refusal about a thing of which the user may not even learn whether it is there.
pub(super) fn not_visible(rule: Rule, kind: &str, name: &str) -> Refusal {
    Refusal::denied(rule, format!("{kind} {name:?} is not among those that you may use"))
}
