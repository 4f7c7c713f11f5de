//! The options of a query: each is known, capped, dropped or refused.
//!
//! arangod copies `options` almost unfiltered into query and transaction options; python-arango repeats its options at the
//! top level of the body, where only `stream`, `cache` and `memoryLimit` count (`RestCursorHandler`).

use serde_json::{Map, Number, Value};

use super::reply::Refusal;
use crate::judge::Rule;
use crate::schema::Limits;

/// arangod's default.
const DEFAULT_BATCH: u64 = 1000;
/// arangod's default, in seconds.
const DEFAULT_TTL: f64 = 30.0;

/// What the query is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It runs.
    Run,
    /// It is explained.
    Explain,
}

/// The options as they are sent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QueryOptions {
    count: Option<bool>,
    batch_size: Option<u64>,
    /// Seconds that an unused cursor lives, where the client or the policy says so.
    pub ttl: Option<f64>,
    options: Map<String, Value>,
}

/// Why options are not accepted, with what is left of them.
#[derive(Debug)]
pub struct OptionFault {
    refusal: Refusal,
    rest: QueryOptions,
}

impl OptionFault {
    /// The refusal, or in detect mode the acceptable options.
    ///
    /// # Errors
    /// With the refusal.
    pub fn settle(self, detect: bool) -> Result<QueryOptions, Refusal> {
        if detect && self.refusal.rule == Some(Rule::OptionNotAllowed) {
            log::warn!("would be denied: {}", self.refusal.message);
            return Ok(self.rest);
        }
        Err(self.refusal)
    }
}

/// True or false, passed on as they are.
const FLAGS: &[&str] = &[
    "fullCount",
    "stream",
    "cache",
    "allowRetry",
    "failOnWarning",
    "fillBlockCache",
    "usePlanCache",
    "waitForSync",
    "allowDirtyReads",
];

/// Without meaning inside of `options`, or harmless and internal: dropped.
const DROPPED: &[&str] = &[
    "count",
    "batchSize",
    "ttl",
    "verbosePlans",
    "explainInternals",
    "explainRegisters",
    "optimizePlanForCaching",
    "silent",
    "joinStrategyType",
    "satelliteSyncWait",
    "lockTimeout",
    "skipFastLockRound",
    "allowImplicit",
    "quiet",
];

/// Takes the options out of a body, which then holds nothing more that counts.
///
/// # Errors
/// When an option is not allowed or has a value that it cannot have.
pub fn read(
    body: &mut Map<String, Value>,
    limits: &Limits,
    purpose: Purpose,
) -> Result<QueryOptions, Box<OptionFault>> {
    let mut out = QueryOptions::default();
    match fill(body, limits, purpose, &mut out) {
        Ok(()) => Ok(out),
        Err(refusal) => Err(Box::new(OptionFault { refusal, rest: out })),
    }
}

fn fill(
    body: &mut Map<String, Value>,
    limits: &Limits,
    purpose: Purpose,
    out: &mut QueryOptions,
) -> Result<(), Refusal> {
    if body.contains_key("executionPlan") {
        return Err(not_allowed("executionPlan", "a plan is not judged; send a query"));
    }
    let top_memory = body.remove("memoryLimit");
    let top_stream = body.remove("stream");
    let top_cache = body.remove("cache");
    let options = match body.remove("options") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(options)) => options,
        Some(_) => return Err(Refusal::bad_parameter("\"options\" is no object")),
    };
    // Limits first, so that they stand whatever comes after.
    let memory = options.get("memoryLimit").or(top_memory.as_ref());
    let memory = capped_number("memoryLimit", memory, limits.memory_limit)?;
    let runtime = capped_seconds("maxRuntime", options.get("maxRuntime"), limits.max_runtime)?;
    if purpose == Purpose::Run {
        out.options.insert("memoryLimit".into(), memory.into());
        out.options.insert("maxRuntime".into(), number(runtime));
        out.count = optional_flag("count", body.remove("count"))?;
        let batch = optional_count("batchSize", body.remove("batchSize"))?;
        out.batch_size = match limits.batch_size {
            Some(most) => Some(batch.unwrap_or(DEFAULT_BATCH).min(most)),
            None => batch,
        };
        let ttl = optional_seconds("ttl", body.remove("ttl"))?;
        out.ttl = match limits.ttl {
            Some(longest) => Some(ttl.unwrap_or(DEFAULT_TTL).min(longest)),
            None => ttl,
        };
        for (name, value) in [("stream", top_stream), ("cache", top_cache)] {
            if let Some(value) = optional_flag(name, value)? {
                out.options.insert(name.into(), value.into());
            }
        }
    }
    for (name, value) in options {
        option(&name, value, purpose, out)?;
    }
    Ok(())
}

/// One member of `options`.
fn option(name: &str, value: Value, purpose: Purpose, out: &mut QueryOptions) -> Result<(), Refusal> {
    match name {
        "memoryLimit" | "maxRuntime" => {}
        _ if FLAGS.contains(&name) => {
            if let Some(value) = optional_flag(name, Some(value))? {
                out.options.insert(name.into(), value.into());
            }
        }
        _ if DROPPED.contains(&name) => {}
        // Levels above 1 tell plans and indexes.
        "profile" => {
            let level = match value {
                Value::Bool(on) => u64::from(on),
                other => optional_count(name, Some(other))?.unwrap_or(0),
            };
            out.options.insert(name.into(), level.min(1).into());
        }
        "maxWarningCount" => {
            let count = optional_count(name, Some(value))?.unwrap_or(10);
            out.options.insert(name.into(), count.min(1000).into());
        }
        "maxNumberOfPlans" | "maxPlans" => {
            let count = optional_count(name, Some(value))?.unwrap_or(128);
            out.options
                .insert("maxNumberOfPlans".into(), count.clamp(1, 128).into());
        }
        "allPlans" => {
            if purpose == Purpose::Explain
                && let Some(value) = optional_flag(name, Some(value))?
            {
                out.options.insert(name.into(), value.into());
            }
        }
        "optimizer" => optimizer(&value)?,
        "skipInaccessibleCollections" if value != Value::Bool(true) => {}
        "skipInaccessibleCollections" | "inaccessibleCollections" => {
            return Err(not_allowed(name, "it changes results without a word"));
        }
        "shardIds" | "forceOneShardAttributeValue" => {
            return Err(not_allowed(name, "it sends the query to a part of the data"));
        }
        "maxTransactionSize" | "intermediateCommitSize" | "intermediateCommitCount" => {
            return Err(not_allowed(name, "a query that fails would stay half-written"));
        }
        "maxNodesPerCallstack"
        | "maxDNFConditionMembers"
        | "spillOverThresholdNumRows"
        | "spillOverThresholdMemoryUsage" => {
            return Err(not_allowed(name, "it lifts a limit of the server"));
        }
        _ => return Err(not_allowed(name, "it is not known to the gate")),
    }
    Ok(())
}

/// Optimiser rules change costs and not results, but nobody needs them here: only the empty settings that drivers send.
fn optimizer(value: &Value) -> Result<(), Refusal> {
    let empty = match value {
        Value::Null => true,
        Value::Object(settings) => settings
            .iter()
            .all(|(name, value)| name == "rules" && (value.is_null() || value.as_array().is_some_and(Vec::is_empty))),
        _ => false,
    };
    if empty {
        Ok(())
    } else {
        Err(not_allowed("optimizer", "optimiser rules are the server's"))
    }
}

fn not_allowed(name: &str, why: &str) -> Refusal {
    Refusal::denied(Rule::OptionNotAllowed, format!("option {name:?} is not allowed: {why}"))
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "callers hand the value over; nothing else is to read it"
)]
fn optional_flag(name: &str, value: Option<Value>) -> Result<Option<bool>, Refusal> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(value)) => Ok(Some(value)),
        Some(_) => Err(Refusal::bad_parameter(format!("\"{name}\" is neither true nor false"))),
    }
}

/// A whole number; a float without fraction counts as one.
fn whole(value: &Value) -> Option<u64> {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole and within 2^53"
    )]
    value.as_u64().or_else(|| {
        let number = value.as_f64()?;
        (number.fract() == 0.0 && (0.0..9e15).contains(&number)).then_some(number as u64)
    })
}

fn optional_count(name: &str, value: Option<Value>) -> Result<Option<u64>, Refusal> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match whole(&value) {
            Some(0) if name == "batchSize" => Err(Refusal::new(
                400,
                super::reply::number::TYPE_ERROR,
                "\"batchSize\" must be a positive number",
            )),
            Some(count) => Ok(Some(count)),
            None => Err(Refusal::bad_parameter(format!("\"{name}\" is no whole number"))),
        },
    }
}

fn optional_seconds(name: &str, value: Option<Value>) -> Result<Option<f64>, Refusal> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_f64() {
            Some(seconds) if (0.0..=1e9).contains(&seconds) => Ok(Some(seconds)),
            _ => Err(Refusal::bad_parameter(format!("\"{name}\" is no number of seconds"))),
        },
    }
}

/// A limit: 0 and nothing mean "none" to arangod, and here the policy's.
fn capped_number(name: &str, value: Option<&Value>, most: u64) -> Result<u64, Refusal> {
    match value {
        None | Some(Value::Null) => Ok(most),
        Some(value) => match value.as_f64() {
            Some(number) if number >= 0.0 => Ok(match whole(value) {
                Some(0) => most,
                Some(wanted) => wanted.min(most),
                None => most,
            }),
            _ => Err(Refusal::bad_parameter(format!("\"{name}\" is no number of bytes"))),
        },
    }
}

fn capped_seconds(name: &str, value: Option<&Value>, most: f64) -> Result<f64, Refusal> {
    let wanted = optional_seconds(name, value.cloned())?.unwrap_or(0.0);
    Ok(if wanted == 0.0 { most } else { wanted.min(most) })
}

fn number(value: f64) -> Value {
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}

impl QueryOptions {
    /// Writes them into a body.
    pub fn write(self, body: &mut Map<String, Value>) {
        if let Some(count) = self.count {
            body.insert("count".into(), count.into());
        }
        if let Some(batch_size) = self.batch_size {
            body.insert("batchSize".into(), batch_size.into());
        }
        if let Some(ttl) = self.ttl {
            body.insert("ttl".into(), number(ttl));
        }
        body.insert("options".into(), Value::Object(self.options));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::SchemaSet;

    fn limits() -> Limits {
        let set = SchemaSet::from_files([("notes.json", r#"{"x-mallku":{"allow":["read"]},"type":"object"}"#)]);
        let mut limits = set.unwrap().limits;
        limits.max_runtime = 60.0;
        limits.memory_limit = 1000;
        limits
    }

    fn written(body: Value, limits: &Limits) -> Result<Value, (u16, String)> {
        let Value::Object(mut body) = body else { unreachable!() };
        let options = read(&mut body, limits, Purpose::Run)
            .or_else(|fault| fault.settle(false))
            .map_err(|refusal| (refusal.status, refusal.message))?;
        let mut out = Map::new();
        options.write(&mut out);
        Ok(Value::Object(out))
    }

    #[test]
    fn limits_are_written_into_every_query() {
        let expected = json!({"options": {"memoryLimit": 1000, "maxRuntime": 60.0}});
        for body in [
            json!({}),
            json!({"memoryLimit": 0}),
            json!({"memoryLimit": 0, "options": {"memoryLimit": 1e15, "maxRuntime": 0}}),
            json!({"options": {"maxRuntime": 1e6}, "fullCount": true, "maxRuntime": 1, "QUERY": 1}),
        ] {
            assert_eq!(written(body.clone(), &limits()).as_ref(), Ok(&expected), "{body}");
        }
        let lower = written(json!({"memoryLimit": 10, "options": {"maxRuntime": 1.5}}), &limits());
        assert_eq!(lower, Ok(json!({"options": {"memoryLimit": 10, "maxRuntime": 1.5}})));
        for body in [
            json!({"memoryLimit": -1}),
            json!({"memoryLimit": "1"}),
            json!({"options": {"maxRuntime": -1}}),
        ] {
            assert_eq!(
                written(body.clone(), &limits()).map_err(|(status, _)| status),
                Err(400),
                "{body}"
            );
        }
    }

    #[test]
    fn batch_size_and_ttl_are_capped() {
        let mut limits = limits();
        limits.batch_size = Some(100);
        limits.ttl = Some(20.0);
        let capped = written(json!({"batchSize": 5000, "ttl": 3600, "count": true}), &limits).unwrap();
        assert_eq!(
            (&capped["batchSize"], &capped["ttl"], &capped["count"]),
            (&json!(100), &json!(20.0), &json!(true))
        );
        let absent = written(json!({}), &limits).unwrap();
        assert_eq!((&absent["batchSize"], &absent["ttl"]), (&json!(100), &json!(20.0)));
        assert_eq!(
            written(json!({"batchSize": 0}), &limits).map_err(|(status, _)| status),
            Err(400)
        );
    }

    #[test]
    fn dangerous_and_unknown_options_are_refused_by_name() {
        for (name, value) in [
            ("shardIds", json!(["s1"])),
            ("forceOneShardAttributeValue", json!("x")),
            ("isFollowerTransaction", json!(true)),
            ("origin", json!(1)),
            ("skipInaccessibleCollections", json!(true)),
            ("inaccessibleCollections", json!(["a"])),
            ("intermediateCommitCount", json!(1)),
            ("optimizer", json!({"rules": ["-all"]})),
            ("optimizer", json!({"x": 1})),
            ("spillOverThresholdNumRows", json!(1)),
            ("fullcount", json!(true)),
        ] {
            let result = written(json!({"options": {name: value}}), &limits());
            let (status, message) = result.unwrap_err();
            assert_eq!(status, 403, "{name}");
            assert!(
                message.starts_with("option-not-allowed") && message.contains(name),
                "{message}"
            );
        }
        assert_eq!(
            written(json!({"executionPlan": {}}), &limits()).map_err(|(status, _)| status),
            Err(403)
        );
    }

    #[test]
    fn what_drivers_send_passes() {
        let python = json!({"count": false, "memoryLimit": 0, "fullCount": true, "stream": true, "allowRetry": false,
            "options": {"allowRetry": false, "fullCount": true, "stream": true, "maxWarningCount": 5, "profile": 2,
                        "optimizer": {"rules": []}, "satelliteSyncWait": 3, "skipInaccessibleCollections": false}});
        let expected = json!({"count": false, "options": {"memoryLimit": 1000, "maxRuntime": 60.0, "stream": true,
            "allowRetry": false, "fullCount": true, "maxWarningCount": 5, "profile": 1}});
        assert_eq!(written(python, &limits()), Ok(expected));
        assert!(written(json!({"options": {"optimizer": {}}}), &limits()).is_ok());
    }
}
