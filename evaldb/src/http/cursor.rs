//! `/_api/cursor`: results in batches. A query is evaluated as a whole when its cursor is made.

use super::query::{options, prepare, query_text, run};
use super::{Call, Fault, Method, Outcome, Reply, data};
use crate::error::ArangoError;
use crate::query::{QueryResult, Stats};
use crate::value::Value;
use serde_json::json;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const DEFAULT_BATCH: usize = 1000;
const DEFAULT_TTL: f64 = 30.0;

/// What is left of a result.
struct Cursor {
    owner: String,
    database: String,
    rows: VecDeque<Value>,
    batch_size: usize,
    ttl: Duration,
    expires: Instant,
    count: Option<usize>,
    extra: serde_json::Value,
    /// With `allowRetry`: the last batch is kept, and the cursor until it is deleted.
    retry: Option<Retry>,
}

#[derive(Default)]
struct Retry {
    /// The number of the batch that was sent last.
    sent: u64,
    /// That batch.
    last: String,
}

/// The open cursors.
#[derive(Default)]
pub(super) struct Cursors {
    open: Mutex<(u64, HashMap<u64, Cursor>)>,
}

pub(super) fn handle(call: &Call) -> Outcome {
    match (call.method, call.rest(2).as_slice()) {
        (Method::Post, []) => create(call),
        (Method::Post | Method::Put, [id]) => next(call, id, None),
        (Method::Post, [id, batch]) => next(call, id, Some(batch)),
        (Method::Delete, [id]) => delete(call, id),
        (Method::Post | Method::Put | Method::Delete, _) => Err(Fault::unknown_path(&call.path)),
        _ => Err(Fault::wrong_method()),
    }
}

fn not_found() -> ArangoError {
    ArangoError::new(1600, "cursor not found")
}

fn create(call: &Call) -> Outcome {
    let body = call.json()?;
    if body.as_object().is_none() {
        return Err(ArangoError::new(1502, "query is empty").into());
    }
    let batch_size = match body.get("batchSize") {
        None | Some(Value::Null) => DEFAULT_BATCH,
        Some(size) if size.to_i64() > 0 => size.to_usize(),
        Some(_) => return Err(ArangoError::new(17, "expecting non-zero value for 'batchSize'").into()),
    };
    let started = Instant::now();
    let prepared = prepare(call, query_text(&body)?, &body)?;
    let result = run(call, &prepared, &options(call, &body))?;
    let option = |name: &str| body.get("options").and_then(|options| options.get(name));
    let stream = option("stream")
        .or_else(|| body.get("stream"))
        .is_some_and(Value::is_true);
    let counted = !stream && body.get("count").is_some_and(Value::is_true);
    let ttl = body.get("ttl").map_or(DEFAULT_TTL, Value::to_f64);
    let ttl = Duration::try_from_secs_f64(if ttl > 0.0 { ttl } else { DEFAULT_TTL }).unwrap_or(Duration::from_secs(30));
    let extra = extra(
        &result,
        started.elapsed(),
        option("profile").is_some_and(Value::is_true),
    );
    let mut cursor = Cursor {
        owner: call.who.name().to_owned(),
        database: call.database.clone(),
        count: counted.then_some(result.rows.len()),
        rows: result.rows.into(),
        batch_size,
        ttl,
        expires: started,
        extra,
        retry: option("allowRetry").is_some_and(Value::is_true).then(Retry::default),
    };
    let mut open = call
        .service
        .cursors()
        .open
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let now = Instant::now();
    open.1.retain(|_, cursor| cursor.expires > now);
    open.0 += 1;
    let id = 1000 + open.0 * 7;
    let body = cursor.batch(id, 201);
    if !cursor.rows.is_empty() || cursor.retry.is_some() {
        open.1.insert(id, cursor);
    }
    Ok(Reply::text(201, body))
}

impl Cursor {
    /// The next batch as an answer.
    fn batch(&mut self, id: u64, status: u16) -> String {
        self.expires = Instant::now() + self.ttl;
        let size = self.batch_size.min(self.rows.len());
        let rows: Vec<Value> = self.rows.drain(..size).collect();
        let more = !self.rows.is_empty();
        let mut members = serde_json::Map::new();
        members.insert("hasMore".to_owned(), more.into());
        if more || self.retry.is_some() {
            members.insert("id".to_owned(), id.to_string().into());
        }
        if let Some(count) = self.count {
            members.insert("count".to_owned(), count.into());
        }
        if let Some(retry) = &mut self.retry {
            retry.sent += 1;
            if more {
                members.insert("nextBatchId".to_owned(), (retry.sent + 1).to_string().into());
            }
        }
        members.insert("cached".to_owned(), false.into());
        members.insert("extra".to_owned(), self.extra.clone());
        members.insert("error".to_owned(), false.into());
        members.insert("code".to_owned(), status.into());
        let mut text = String::from("{\"result\":");
        text.push_str(&Value::array(rows).to_json_text());
        text.push(',');
        text.push_str(serde_json::Value::Object(members).to_string().trim_start_matches('{'));
        if let Some(retry) = &mut self.retry {
            retry.last.clone_from(&text);
        }
        text
    }
}

fn extra(result: &QueryResult, took: Duration, profile: bool) -> serde_json::Value {
    let Stats {
        writes_executed,
        writes_ignored,
        scanned_full,
        filtered,
        full_count,
    } = result.stats;
    let mut stats = json!({
        "writesExecuted": writes_executed, "writesIgnored": writes_ignored, "documentLookups": 0, "seeks": 0,
        "scannedFull": scanned_full, "scannedIndex": 0, "cursorsCreated": 0, "cursorsRearmed": 0, "cacheHits": 0,
        "cacheMisses": 0, "filtered": filtered, "httpRequests": 0, "executionTime": took.as_secs_f64(),
        "peakMemoryUsage": 0, "intermediateCommits": 0,
    });
    if let Some(count) = full_count {
        stats["fullCount"] = count.into();
    }
    let warnings: Vec<_> = result
        .warnings
        .iter()
        .map(|warning| json!({ "code": warning.code, "message": warning.message }))
        .collect();
    let mut extra = json!({ "warnings": warnings, "stats": stats });
    if profile {
        extra["profile"] = json!({ "executing": took.as_secs_f64() });
    }
    extra
}

fn next(call: &Call, id: &str, batch: Option<&str>) -> Outcome {
    let number = data::number(id, not_found)?;
    let mut open = call
        .service
        .cursors()
        .open
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let cursor = own(call, &mut open.1, number)?;
    if let Some(batch) = batch {
        let retry = cursor.retry.as_ref().ok_or_else(|| Fault::from(not_found()))?;
        let wanted = data::number(batch, not_found)?;
        if wanted == retry.sent {
            return Ok(Reply::text(200, retry.last.clone()));
        }
        if wanted != retry.sent + 1 || cursor.rows.is_empty() {
            return Err(not_found().into());
        }
    }
    let body = cursor.batch(number, 200);
    if cursor.rows.is_empty() && cursor.retry.is_none() {
        open.1.remove(&number);
    }
    Ok(Reply::text(200, body))
}

/// A cursor of the caller in this database that has not expired.
fn own<'c>(call: &Call, open: &'c mut HashMap<u64, Cursor>, id: u64) -> Result<&'c mut Cursor, Fault> {
    let cursor = open.get_mut(&id).filter(|cursor| {
        cursor.expires > Instant::now() && cursor.database == call.database && call.owns(&cursor.owner)
    });
    cursor.ok_or_else(|| not_found().into())
}

fn delete(call: &Call, id: &str) -> Outcome {
    let number = data::number(id, not_found)?;
    let mut open = call
        .service
        .cursors()
        .open
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    own(call, &mut open.1, number)?;
    open.1.remove(&number);
    Ok(Reply::ok(202, json!({ "id": id })))
}
