//! Running and parsing AQL for the routes that take it; `/_api/query`.

use super::collection::{need_read, need_write};
use super::{Call, Fault, Method, Outcome, Reply};
use crate::error::ArangoError;
use crate::query::{self, BindVars, QueryOptions, QueryResult, Survey};
use crate::store::Database;
use crate::value::Value;
use mallku_db::aql::{self, ParseLimits, ast};
use serde_json::json;
use std::time::{Duration, Instant};

/// A query as it came in, understood as far as its text goes.
pub(super) struct Prepared<'q> {
    pub(super) query: ast::Query<'q>,
    pub(super) survey: Survey,
    pub(super) binds: BindVars,
}

/// The query text of a body; 1502 when there is none.
pub(super) fn query_text(body: &Value) -> Result<&str, Fault> {
    match body.get("query") {
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(text),
        _ => Err(ArangoError::new(1502, "query is empty").into()),
    }
}

/// Parses the text and checks the caller's rights on everything that it names.
pub(super) fn prepare<'q>(call: &Call, text: &'q str, body: &Value) -> Result<Prepared<'q>, Fault> {
    let binds = match body.get("bindVars").map(Value::to_json) {
        None | Some(serde_json::Value::Null) => BindVars::new(),
        Some(serde_json::Value::Object(binds)) => binds,
        Some(_) => return Err(ArangoError::new(17, "type error: expecting object for 'bindVars'").into()),
    };
    let query = parse(text)?;
    let survey = call.read("", |database| Ok(query::survey(&query, database, &binds)))?;
    // What does not exist is for the query itself to complain about, unless the name is out of bounds.
    for name in &survey.sources {
        need_read(call, name)?;
    }
    for name in &survey.targets {
        need_write(call, name)?;
    }
    Ok(Prepared { query, survey, binds })
}

fn parse(text: &str) -> Result<ast::Query<'_>, Fault> {
    aql::parse_with(text, &ParseLimits::WIDEST)
        .map_err(|error| ArangoError::new(u32::from(error.error_num), error.arangodb_message(text)).into())
}

/// Runs a prepared query: inside of its transaction, on a copy of the data when it writes nothing, else on the data.
pub(super) fn run(call: &Call, prepared: &Prepared<'_>, options: &QueryOptions) -> Result<QueryResult, Fault> {
    let execute = |database: &mut Database| query::execute(database, &prepared.query, &prepared.binds, options);
    let outcome = if let Some(transaction) = call.transaction()? {
        for name in &prepared.survey.sources {
            transaction.read(name, |_| Ok(()))?;
        }
        let targets: Vec<&str> = prepared.survey.targets.iter().map(String::as_str).collect();
        transaction.write(&targets, execute)
    } else if prepared.survey.targets.is_empty() {
        let mut copy = call
            .service
            .with_server(|server| server.database(&call.database).cloned())?;
        execute(&mut copy).map_err(Fault::from)
    } else {
        call.service
            .write(|server| execute(server.database_mut(&call.database)?))
            .map_err(Fault::from)
    };
    outcome.map_err(with_state)
}

/// ArangoDB says in a query's error at which stage it was.
fn with_state(mut fault: Fault) -> Fault {
    if fault.status != 401 && !fault.message.starts_with("AQL: ") {
        let state = if matches!(fault.num, 1203 | 1550..=1553) {
            "parsing"
        } else {
            "executing"
        };
        fault.message = format!("AQL: {} (while {state})", fault.message);
    }
    fault
}

/// `/_api/query`: parsing only.
pub(super) fn handle(call: &Call) -> Outcome {
    match (call.method, call.rest(2).as_slice()) {
        (Method::Post, []) => {
            let body = call.json_object()?;
            let query = parse(query_text(&body)?)?;
            let survey = call.read("", |database| Ok(query::survey(&query, database, &BindVars::new())))?;
            Ok(Reply::ok(
                200,
                json!({
                    "parsed": true,
                    "collections": survey.named,
                    "bindVars": survey.binds,
                    "ast": [{ "type": "root", "subNodes": super::plan::nodes(&query) }],
                }),
            ))
        }
        _ => Err(Fault::unknown_path(&call.path)),
    }
}

/// The options of a query that mean something here.
pub(super) fn options(call: &Call, body: &Value) -> QueryOptions {
    let option = |name: &str| body.get("options").and_then(|options| options.get(name));
    let mut options = QueryOptions {
        fail_on_warning: option("failOnWarning").map_or_else(
            || call.service.options().flag("query.fail-on-warning", false),
            Value::is_true,
        ),
        full_count: option("fullCount").is_some_and(Value::is_true),
        user: super::session::current_user(call).map(str::to_owned),
        ..QueryOptions::default()
    };
    let seconds = option("maxRuntime").map_or(0.0, Value::to_f64);
    let seconds = if seconds > 0.0 {
        seconds
    } else {
        call.service.options().number("query.max-runtime", 0.0)
    };
    if seconds > 0.0 {
        let limit = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        options.deadline = Instant::now().checked_add(limit);
    }
    if let Some(limit) = option("maxWarningCount") {
        options.max_warnings = limit.to_usize();
    }
    options
}
