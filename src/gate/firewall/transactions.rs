//! Stream transactions: the declared collections are judged, and ids belong to who began them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::passage::{failure, read_object, respond, unusable};
use super::{Context, Firewall};
use crate::gate::message::Response;
use crate::gate::ownership::{Claim, Owned};
use crate::gate::parameters::{Parameters, TargetWriter};
use crate::gate::reply::{Refusal, number};
use crate::gate::upstream::Method;
use crate::judge::Rule;
use crate::judge::documents::judge_transaction;

/// arangod ends an unused stream transaction after 60 s, at most 120 s.
const TTL: Duration = Duration::from_secs(125);
/// Longest wait for a lock, in seconds; 0 would wait for ever.
const MAX_LOCK_TIMEOUT: f64 = 60.0;

impl Firewall {
    /// Refuses a request in a transaction that is not the user's own.
    pub(super) fn require_transaction(&self, context: &Context<'_>, id: &str) -> Result<(), Refusal> {
        match self
            .transactions
            .claim(id, context.user(), context.database(), Instant::now())
        {
            Claim::Own(_) => Ok(()),
            // Begun through another gate: arangod checks the user itself.
            Claim::Unknown if self.upstream.is_shared() || context.detect => Ok(()),
            Claim::Unknown | Claim::Foreign => Err(Refusal::new(
                404,
                number::TRANSACTION_NOT_FOUND,
                "transaction not found",
            )),
        }
    }

    /// The server that holds a transaction.
    pub(super) fn transaction_server(&self, context: &Context<'_>, id: &str) -> Option<usize> {
        match self
            .transactions
            .claim(id, context.user(), context.database(), Instant::now())
        {
            Claim::Own(owned) => Some(owned.server),
            Claim::Foreign | Claim::Unknown => None,
        }
    }

    pub(super) fn transaction_begin(&self, context: &mut Context<'_>) -> Result<Response, Refusal> {
        Parameters::read(context.target, &[])?;
        let mut body = context.object()?;
        let Some(Value::Object(collections)) = body.remove("collections") else {
            return Err(Refusal::bad_parameter("\"collections\" is missing or no object"));
        };
        let (mut read, mut write, mut exclusive) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for (mode, names) in collections {
            let set = match mode.as_str() {
                "read" => &mut read,
                "write" => &mut write,
                "exclusive" => &mut exclusive,
                // arangojs and others leave unset members out; what is unknown is refused.
                _ => {
                    return Err(Refusal::bad_parameter(format!(
                        "\"collections\" has an unknown member {mode:?}"
                    )));
                }
            };
            names_into(names, set)?;
        }
        let verdict = judge_transaction(context.policy.set(), context.user(), context.database(), &read, &write);
        let denials = verdict.denials.clone();
        context.trail.verdict = Some(Arc::new(verdict));
        context.admit(&denials, None)?;
        if !exclusive.is_empty() {
            let message = "exclusive locks keep all other writers out; declare the collections as \"write\"";
            context.admit_or(Refusal::denied(Rule::OptionNotAllowed, message))?;
        }
        let mut rebuilt = Map::new();
        let mut declared = json!({"read": read, "write": write});
        if !exclusive.is_empty() {
            declared["exclusive"] = json!(exclusive);
        }
        rebuilt.insert("collections".into(), declared);
        options(body, &mut rebuilt)?;
        let target = TargetWriter::new(context.database())
            .words("/_api/transaction/begin")
            .finish();
        let mut outgoing = Self::outgoing(context, Method::Post, target);
        outgoing.body = Some(Value::Object(rebuilt).to_string().into_bytes());
        let answer = self.send(context, outgoing)?;
        if answer.status >= 400 {
            return failure(answer, false);
        }
        let object = read_object(&answer)?;
        let id = object
            .get("result")
            .and_then(|result| result.get("id"))
            .and_then(Value::as_str)
            .ok_or_else(|| unusable("it names no transaction"))?;
        let owned = Owned {
            user: context.credentials.user.clone(),
            database: context.database().to_owned(),
            server: answer.server,
            digest: context.policy.set().digest.clone(),
            ttl: TTL,
        };
        self.transactions.insert(id, owned, Instant::now());
        let body = state(&object);
        Ok(respond(answer, &body))
    }

    /// State, commit and abort.
    pub(super) fn transaction_status(&self, context: &mut Context<'_>) -> Result<Response, Refusal> {
        Parameters::read(context.target, &[])?;
        if !context.method.only_reads() {
            context.no_body()?;
        }
        let id = context.name(0).to_owned();
        self.require_transaction(context, &id)?;
        let target = TargetWriter::new(context.database())
            .words("/_api/transaction")
            .name(&id)
            .finish();
        let mut outgoing = Self::outgoing(context, context.method, target);
        outgoing.server = self.transaction_server(context, &id);
        let answer = self.send(context, outgoing)?;
        if answer.status >= 400 {
            if answer.status == 404 {
                self.transactions.remove(&id);
            }
            return failure(answer, false);
        }
        let body = state(&read_object(&answer)?);
        Ok(respond(answer, &body))
    }

    pub(super) fn transaction_list(&self, context: &mut Context<'_>) -> Result<Response, Refusal> {
        Parameters::read(context.target, &[])?;
        let target = TargetWriter::new(context.database())
            .words("/_api/transaction")
            .finish();
        let outgoing = Self::outgoing(context, Method::Get, target);
        let answer = self.send(context, outgoing)?;
        if answer.status >= 400 {
            return failure(answer, false);
        }
        let object = read_object(&answer)?;
        let listed = object
            .get("transactions")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let own: Vec<Value> = listed
            .iter()
            .filter(|entry| {
                let id = entry.get("id").and_then(Value::as_str).unwrap_or_default();
                self.upstream.is_shared() || context.detect || self.transactions.is_of(id, context.user())
            })
            .map(|entry| json!({"id": entry.get("id"), "state": entry.get("state")}))
            .collect();
        Ok(respond(answer, &json!({"transactions": own})))
    }
}

/// A collection's name, or a list of them; arangod takes both.
fn names_into(names: Value, set: &mut BTreeSet<String>) -> Result<(), Refusal> {
    let bad = || Refusal::bad_parameter("\"collections\" holds something that is no name");
    match names {
        Value::Null => {}
        Value::String(name) => {
            set.insert(name);
        }
        Value::Array(names) => {
            for name in names {
                let Value::String(name) = name else {
                    return Err(bad());
                };
                set.insert(name);
            }
        }
        _ => return Err(bad()),
    }
    Ok(())
}

/// The options of a transaction. Undeclared reads (`allowImplicit`) stay allowed as the client says: each request within is
/// judged on its own.
fn options(body: Map<String, Value>, rebuilt: &mut Map<String, Value>) -> Result<(), Refusal> {
    rebuilt.insert("lockTimeout".into(), json!(MAX_LOCK_TIMEOUT));
    for (name, value) in body {
        let bad = || Refusal::bad_parameter(format!("\"{name}\" has a value that it cannot have"));
        match name.as_str() {
            _ if value.is_null() => {}
            "allowImplicit" | "waitForSync" | "skipFastLockRound" | "allowDirtyReads" => {
                let flag = value.as_bool().ok_or_else(bad)?;
                rebuilt.insert(name, flag.into());
            }
            "lockTimeout" => {
                let seconds = value.as_f64().filter(|seconds| *seconds >= 0.0).ok_or_else(bad)?;
                let seconds = if seconds == 0.0 {
                    MAX_LOCK_TIMEOUT
                } else {
                    seconds.min(MAX_LOCK_TIMEOUT)
                };
                rebuilt.insert(name, json!(seconds));
            }
            // The server caps it.
            "maxTransactionSize" => {
                let bytes = value.as_u64().ok_or_else(bad)?;
                if bytes > 0 {
                    rebuilt.insert(name, bytes.into());
                }
            }
            "action" | "params" => {
                return Err(Refusal::denied(
                    Rule::EndpointNotAllowed,
                    "JavaScript transactions are not served",
                ));
            }
            _ => {
                let message = format!("transaction option {name:?} is not allowed");
                return Err(Refusal::denied(Rule::OptionNotAllowed, message));
            }
        }
    }
    Ok(())
}

/// An answer about one transaction.
fn state(object: &Map<String, Value>) -> Value {
    let result = object.get("result");
    let member = |name: &str| {
        result
            .and_then(|result| result.get(name))
            .cloned()
            .unwrap_or(Value::Null)
    };
    json!({
        "error": false,
        "code": object.get("code").cloned().unwrap_or_else(|| 200.into()),
        "result": {"id": member("id"), "status": member("status")},
    })
}
