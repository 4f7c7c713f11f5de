//! AQL: cursors, their batches, and parsing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::passage::{failure, read_object, respond, respond_bytes, respond_empty, unusable};
use super::{Context, Firewall};
use crate::gate::message::Response;
use crate::gate::ownership::{Claim, Owned};
use crate::gate::parameters::{Parameters, TargetWriter};
use crate::gate::query_options::{self, Purpose, QueryOptions};
use crate::gate::reply::{Refusal, number};
use crate::gate::skim::{self, Member};
use crate::gate::upstream::{Incoming, Method};
use crate::judge::{self, Denial, Rule, Verdict};

/// How long a cursor lives by default when it is not used (ArangoDB's own default), and what is added to a known time so
/// that the gate never forgets a cursor before the database does.
const DEFAULT_TTL: Duration = Duration::from_secs(30);
const TTL_MARGIN: Duration = Duration::from_secs(5);

/// A query as a body names it.
pub(super) struct Query {
    pub(super) text: String,
    pub(super) bind_vars: Option<Map<String, Value>>,
}

impl Query {
    /// Takes query and bind values out of a body.
    pub(super) fn take(body: &mut Map<String, Value>) -> Result<Self, Refusal> {
        let text = match body.remove("query") {
            Some(Value::String(text)) if !text.trim().is_empty() => text,
            Some(Value::String(_)) => return Err(Refusal::new(400, number::QUERY_EMPTY, "query is empty")),
            Some(_) => return Err(Refusal::bad_parameter("\"query\" is no string")),
            None => return Err(Refusal::bad_parameter("\"query\" is missing")),
        };
        let bind_vars = match body.remove("bindVars") {
            None | Some(Value::Null) => None,
            Some(Value::Object(values)) => Some(values),
            Some(_) => return Err(Refusal::new(400, number::TYPE_ERROR, "\"bindVars\" is no object")),
        };
        Ok(Query { text, bind_vars })
    }
}

impl Context<'_> {
    /// The body, which must be an object.
    pub(super) fn object(&self) -> Result<Map<String, Value>, Refusal> {
        match self.json()? {
            Some(Value::Object(object)) => Ok(object),
            Some(_) => Err(Refusal::bad_parameter("the body is no object")),
            None => Err(Refusal::corrupted_json("the body is empty; a JSON object is expected")),
        }
    }

    /// Judges a query and notes the verdict.
    pub(super) fn judge(&mut self, query: &Query) -> Arc<Verdict> {
        let verdict = self.policy.judge.judge(&judge::Request {
            query: &query.text,
            bind_vars: query.bind_vars.as_ref(),
            user: self.credentials.user.as_deref(),
            database: &self.target.database,
        });
        self.trail.verdict = Some(Arc::clone(&verdict));
        if self.instruments.keeps_queries() {
            self.trail.query = Some((query.text.clone(), query.bind_vars.clone()));
        }
        verdict
    }
}

impl Query {
    /// The body that is sent: the text, in mask mode with the judge's replacements, the bind values, and the options.
    pub(super) fn rebuild(self, verdict: &Verdict, options: QueryOptions) -> Vec<u8> {
        let text = if verdict.edits.is_empty() {
            self.text
        } else {
            judge::apply(&self.text, &verdict.edits).into_owned()
        };
        let mut body = Map::new();
        body.insert("query".into(), Value::String(text));
        if let Some(bind_vars) = self.bind_vars {
            body.insert("bindVars".into(), Value::Object(bind_vars));
        }
        options.write(&mut body);
        Value::Object(body).to_string().into_bytes()
    }
}

impl Firewall {
    pub(super) fn cursor_create(&self, context: &mut Context<'_>) -> Result<Response, Refusal> {
        Parameters::read(context.target, &[])?;
        let mut body = context.object()?;
        let query = Query::take(&mut body)?;
        let verdict = context.judge(&query);
        context.admit(&verdict.denials, Some(&query.text))?;
        let options = query_options::read(&mut body, &context.policy.set().limits, Purpose::Run)
            .or_else(|fault| fault.settle(context.detect))?;
        let ttl = options.ttl.map_or(DEFAULT_TTL, Duration::from_secs_f64);
        let target = TargetWriter::new(context.database()).words("/_api/cursor").finish();
        let mut outgoing = Self::outgoing(context, Method::Post, target);
        outgoing.body = Some(query.rebuild(&verdict, options));
        let answer = self.send(context, outgoing)?;
        self.batch(context, answer, None, ttl + TTL_MARGIN)
    }

    pub(super) fn cursor_next(&self, context: &mut Context<'_>) -> Result<Response, Refusal> {
        Parameters::read(context.target, &[])?;
        context.no_body()?;
        let id = context.name(0).to_owned();
        let owned = self.claim_cursor(context, &id)?;
        let mut writer = TargetWriter::new(context.database()).words("/_api/cursor").name(&id);
        if context.names.len() > 1 {
            writer = writer.name(context.name(1));
        }
        let mut outgoing = Self::outgoing(context, Method::Post, writer.finish());
        outgoing.server = owned.as_ref().map(|owned| owned.server);
        let answer = self.send(context, outgoing)?;
        let ttl = owned.map_or(DEFAULT_TTL + TTL_MARGIN, |owned| owned.ttl);
        self.batch(context, answer, Some(&id), ttl)
    }

    pub(super) fn cursor_delete(&self, context: &mut Context<'_>) -> Result<Response, Refusal> {
        Parameters::read(context.target, &[])?;
        context.no_body()?;
        let id = context.name(0).to_owned();
        let owned = self.claim_cursor(context, &id)?;
        let target = TargetWriter::new(context.database())
            .words("/_api/cursor")
            .name(&id)
            .finish();
        let mut outgoing = Self::outgoing(context, Method::Delete, target);
        outgoing.server = owned.map(|owned| owned.server);
        let answer = self.send(context, outgoing)?;
        // Kept after any other failure: who only names its owner must not make it be forgotten.
        if answer.status < 400 || answer.status == 404 {
            self.cursors.remove(&id);
        }
        if answer.status >= 400 {
            return failure(answer, false);
        }
        if answer.body.is_empty() {
            return Ok(respond_empty(answer));
        }
        let mut object = read_object(&answer)?;
        object.retain(|name, _| matches!(name.as_str(), "id" | "error" | "code"));
        Ok(respond(answer, &Value::Object(object)))
    }

    /// Whose cursor it is. With several gates before the same servers, one that this gate did not open is left to
    /// arangod's own check, which is by user as well.
    fn claim_cursor(&self, context: &Context<'_>, id: &str) -> Result<Option<Owned>, Refusal> {
        let not_found = || Refusal::new(404, number::CURSOR_NOT_FOUND, "cursor not found");
        match self
            .cursors
            .claim(id, context.user(), context.database(), Instant::now())
        {
            // Judged by a set that is in force no more: the user may have lost what the cursor still holds.
            Claim::Own(owned) if owned.digest != context.policy.set().digest && !context.detect => {
                self.cursors.remove(id);
                Err(not_found())
            }
            Claim::Own(owned) => Ok(Some(owned)),
            Claim::Unknown if self.upstream.is_shared() || context.detect => Ok(None),
            Claim::Unknown | Claim::Foreign => Err(not_found()),
        }
    }

    /// A batch on its way to the client. The rows are passed as they are: the query was judged for what they may hold.
    fn batch(
        &self,
        context: &Context<'_>,
        mut answer: Incoming,
        id: Option<&str>,
        ttl: Duration,
    ) -> Result<Response, Refusal> {
        if answer.status >= 400 {
            if let Some(id) = id
                && answer.status == 404
            {
                self.cursors.remove(id);
            }
            return failure(answer, context.touched_readable());
        }
        let passed = Batch::read(&answer.body)?;
        if let Some(cursor_id) = &passed.cursor_id {
            // A cursor without further batches is gone, unless its last one may be asked for again.
            if passed.has_more || passed.repeatable {
                let owned = Owned {
                    user: context.credentials.user.clone(),
                    database: context.database().to_owned(),
                    server: answer.server,
                    digest: context.policy.set().digest.clone(),
                    ttl,
                };
                self.cursors.insert(cursor_id, owned, Instant::now());
            }
        }
        let body = match passed.rebuilt {
            Some(rebuilt) => rebuilt,
            None => std::mem::take(&mut answer.body),
        };
        Ok(respond_bytes(answer, body))
    }

    pub(super) fn parse_query(&self, context: &mut Context<'_>) -> Result<Response, Refusal> {
        Parameters::read(context.target, &[])?;
        let mut body = context.object()?;
        let query = Query::take(&mut body)?;
        let verdict = context.judge(&query);
        // There are no values yet, and nothing runs: what hangs on a value is judged when the query does.
        let without_values = |denial: &&Denial| {
            !matches!(
                denial.rule,
                Rule::BindMissing
                    | Rule::BindType
                    | Rule::DynamicCollection
                    | Rule::DynamicAttribute
                    | Rule::DocumentInvalid
            )
        };
        let denials: Vec<Denial> = verdict.denials.iter().filter(without_values).cloned().collect();
        context.admit(&denials, Some(&query.text))?;
        let mut rebuilt = Map::new();
        rebuilt.insert("query".into(), Value::String(query.text));
        let target = TargetWriter::new(context.database()).words("/_api/query").finish();
        let mut outgoing = Self::outgoing(context, Method::Post, target);
        outgoing.body = Some(Value::Object(rebuilt).to_string().into_bytes());
        let answer = self.send(context, outgoing)?;
        if answer.status >= 400 {
            return failure(answer, context.touched_readable());
        }
        let mut object = read_object(&answer)?;
        object.retain(|name, _| {
            matches!(
                name.as_str(),
                "error" | "code" | "parsed" | "collections" | "bindVars" | "ast" | "warnings"
            )
        });
        Ok(respond(answer, &Value::Object(object)))
    }
}

/// Members of a batch that pass as they are. One that this gate does not know may tell anything.
const BATCH_MEMBERS: &[&str] = &[
    "result",
    "hasMore",
    "id",
    "count",
    "cached",
    "nextBatchId",
    "planCacheKey",
    "error",
    "code",
];
/// Members of `extra` that pass: the plan with its indexes is left to `explain`.
const EXTRA_MEMBERS: &[&str] = &["warnings", "stats", "profile"];

/// What a batch tells the gate, and what of it may leave.
struct Batch {
    has_more: bool,
    repeatable: bool,
    cursor_id: Option<String>,
    /// The body without what may not leave; `None`: all of it may, and nothing is copied.
    rebuilt: Option<Vec<u8>>,
}

impl Batch {
    fn read(body: &[u8]) -> Result<Self, Refusal> {
        let members = members(body)?;
        let mut batch = Batch {
            has_more: false,
            repeatable: false,
            cursor_id: None,
            rebuilt: None,
        };
        let mut whole = true;
        for member in &members {
            match &*member.name {
                "hasMore" => batch.has_more = member.value == "true",
                "nextBatchId" => batch.repeatable = true,
                "id" => batch.cursor_id = serde_json::from_str(member.value).ok(),
                _ => {}
            }
            whole &= match &*member.name {
                "extra" => reduce(member.value, EXTRA_MEMBERS)?.is_none(),
                name => BATCH_MEMBERS.contains(&name),
            };
        }
        if !whole {
            let mut rebuilt = Vec::with_capacity(body.len());
            for member in &members {
                if member.name == "extra" {
                    let reduced = reduce(member.value, EXTRA_MEMBERS)?;
                    push_member(
                        &mut rebuilt,
                        &member.name,
                        reduced.as_deref().unwrap_or(member.value.as_bytes()),
                    );
                } else if BATCH_MEMBERS.contains(&&*member.name) {
                    push_member(&mut rebuilt, &member.name, member.value.as_bytes());
                }
            }
            batch.rebuilt = Some(end_object(rebuilt));
        }
        Ok(batch)
    }
}

/// An object with nothing but these members; `None` when it has no others.
fn reduce(text: &str, allowed: &[&str]) -> Result<Option<Vec<u8>>, Refusal> {
    let members = members(text.as_bytes())?;
    if members.iter().all(|member| allowed.contains(&&*member.name)) {
        return Ok(None);
    }
    let mut body = Vec::new();
    for member in members {
        if allowed.contains(&&*member.name) {
            push_member(&mut body, &member.name, member.value.as_bytes());
        }
    }
    Ok(Some(end_object(body)))
}

/// The members of a JSON object with their values as text, no name twice. The values are checked to be JSON and not read.
fn members(text: &[u8]) -> Result<Vec<Member<'_>>, Refusal> {
    skim::members(text).map_err(|error| unusable(&error.to_string()))
}

fn push_member(body: &mut Vec<u8>, name: &str, value: &[u8]) {
    body.push(if body.is_empty() { b'{' } else { b',' });
    body.extend_from_slice(Value::from(name).to_string().as_bytes());
    body.push(b':');
    body.extend_from_slice(value);
}

/// The object that [`push_member`] began, or an empty one.
fn end_object(mut body: Vec<u8>) -> Vec<u8> {
    if body.is_empty() {
        body.push(b'{');
    }
    body.push(b'}');
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_leaves_as_it_came_unless_something_must_stay() {
        let rebuilt = |text: &str| {
            let batch = Batch::read(text.as_bytes()).unwrap();
            batch.rebuilt.map(|body| String::from_utf8(body).unwrap())
        };
        let whole = r#"{"result":[{"plan":1}],"hasMore":false,"extra":{"warnings":[],"stats":{"y":2}},"error":false,"code":201}"#;
        assert_eq!(rebuilt(whole), None);
        assert_eq!(rebuilt("{}"), None);
        for (text, expected) in [
            (
                r#"{"result":[1],"extra":{"plan":{"x":1},"stats":{"y":2}}}"#,
                r#"{"result":[1],"extra":{"stats":{"y":2}}}"#,
            ),
            (
                r#"{"result":[],"ex\u0074ra":{"plan":{}}}"#,
                r#"{"result":[],"extra":{}}"#,
            ),
            (r#"{"secret":1,"result":[1]}"#, r#"{"result":[1]}"#),
            (r#"{"secret":1}"#, "{}"),
        ] {
            assert_eq!(rebuilt(text).as_deref(), Some(expected), "{text}");
        }
        for refused in [
            r#"{"result":[1],"extra":{"stats":1,"stats":2}}"#,
            r#"{"result":[1],"extra":[]}"#,
            r#"{"result":[1],"re\u0073ult":[2]}"#,
            r#"{"result":["a" "b"]}"#,
            r#"{"result":[1]} {}"#,
        ] {
            assert!(Batch::read(refused.as_bytes()).is_err(), "{refused}");
        }
        assert!(Batch::read(b"{\"result\":\"\xff\"}").is_err());
    }

    #[test]
    fn a_batch_tells_of_its_cursor() {
        let batch = Batch::read(br#"{"id":"7","hasMore":true,"nextBatchId":"2"}"#).unwrap();
        assert_eq!(
            (batch.cursor_id.as_deref(), batch.has_more, batch.repeatable),
            (Some("7"), true, true)
        );
        let last = Batch::read(br#"{"result":[],"hasMore":false}"#).unwrap();
        assert_eq!((last.cursor_id, last.has_more, last.repeatable), (None, false, false));
    }
}
