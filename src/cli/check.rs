//! `check`: the judge's verdict on queries, without a server.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::arguments::{Arguments, Command, Flag, Operands, UsageError};
use super::schema::{directory, load, usage};
use super::{Exit, Streams, input};
use crate::gate::json::{self, JsonLimits};
use crate::judge::{self, Denial, Judge, Request, Rule, Verdict};
use crate::schema::SchemaSet;

pub(super) static COMMAND: Command = Command {
    name: "check",
    summary: "Judge queries offline, without a server",
    details: "\
Reads one query from each FILE, or from standard input, and prints the verdict: what it reads and writes, or every
reason to refuse it, with the place in the text and how to write it so that it passes.

With `--jsonl`, each line of FILE is an object `{\"query\", \"bindVars\"?, \"user\"?, \"database\"?}` and each line of the
output is the verdict on one, in the same order; a line that cannot be read gets a verdict too, `request-malformed`.",
    flags: &[
        Flag::value(
            "schemas",
            "DIR",
            "The schema set; else `$MALLKU_SCHEMAS`, `/opt/mallku/schemas`, `./schemas`, whichever is there first",
        ),
        Flag::value("user", "NAME", "Who asks; without it nobody in particular, with the role `*` only"),
        Flag::value("database", "NAME", "The database; else `_system`, or the first one where that is not served"),
        Flag::value("bind-vars", "JSON|@FILE", "Bind values as a JSON object, or the file that holds it"),
        Flag::value("format", "human|json", "How to print: diagnostics, or one JSON object a query"),
        Flag::value("jsonl", "FILE|-", "Read JSON Lines, write JSON Lines in the same order"),
    ],
    operands: Operands::Many("FILE|-"),
    run,
};

/// Memory for prepared queries: rows often repeat their texts.
const CACHE_BYTES: usize = 64 << 20;

fn run(arguments: &Arguments, streams: &mut Streams<'_>) -> Exit {
    match checked(arguments, streams) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn checked(arguments: &Arguments, streams: &mut Streams<'_>) -> Result<Exit, Exit> {
    let mut wrong = |error: UsageError| usage(&error, streams);
    let format = arguments.choice("format", &["human", "json"]).map_err(&mut wrong)?;
    let user = arguments.text("user").map_err(&mut wrong)?;
    let database = arguments.text("database").map_err(&mut wrong)?;
    let bind_vars = arguments
        .text("bind-vars")
        .and_then(|given| given.map(bind_vars).transpose())
        .map_err(&mut wrong)?;
    let set = Arc::new(load(&directory(arguments.value("schemas")), streams)?);
    let database = database.map_or_else(|| default_database(&set), str::to_owned);
    if let Some(name) = arguments.value("jsonl") {
        return Ok(jsonl(set, name, user, &database, streams));
    }
    let mut worst = Exit::Done;
    for text in input::texts(&arguments.operands, streams)? {
        let request = Request {
            query: &text.text,
            bind_vars: bind_vars.as_ref(),
            user,
            database: &database,
        };
        let verdict = judge::judge(&set, &request);
        if !verdict.admitted() {
            worst = Exit::Denied;
        }
        if format == "json" {
            streams.say(judge::to_json(&verdict, &text.text));
        } else {
            streams.say(told(&verdict, &text).trim_end());
        }
    }
    Ok(worst)
}

/// `_system`, or the first database where that is not served.
pub(super) fn default_database(set: &SchemaSet) -> String {
    let system = "_system".to_owned();
    if set.databases.contains(&system) {
        system
    } else {
        set.databases.first().cloned().unwrap_or(system)
    }
}

fn bind_vars(given: &str) -> Result<Map<String, Value>, UsageError> {
    let text = match given.strip_prefix('@') {
        Some(file) => {
            std::fs::read_to_string(file).map_err(|error| UsageError::new(format!("--bind-vars @{file}: {error}")))?
        }
        None => given.to_owned(),
    };
    let problem = |error: String| UsageError::new(format!("--bind-vars is no JSON object of bind values: {error}"));
    let value = json::parse(text.as_bytes(), JsonLimits::default()).map_err(|error| problem(error.to_string()))?;
    serde_json::from_value(value).map_err(|error| problem(error.to_string()))
}

fn jsonl(set: Arc<SchemaSet>, name: &OsStr, user: Option<&str>, database: &str, streams: &mut Streams<'_>) -> Exit {
    let judge = Judge::new(set, CACHE_BYTES);
    input::rows(name, streams, |row| match row {
        Ok(row) => {
            let request = Request {
                query: &row.query,
                bind_vars: row.bind_vars.as_ref(),
                user: row.user.as_deref().or(user),
                database: row.database.as_deref().unwrap_or(database),
            };
            let verdict = judge.judge(&request);
            let exit = if verdict.admitted() { Exit::Done } else { Exit::Denied };
            (judge::to_json(&verdict, &row.query).to_string(), exit)
        }
        Err(problem) => (judge::to_json(&unreadable(&problem), "").to_string(), Exit::Usage),
    })
}

/// What cannot be read cannot be admitted.
fn unreadable(problem: &str) -> Verdict {
    let denial = Denial {
        rule: Rule::RequestMalformed,
        message: format!("the row cannot be read: {problem}"),
        collection: None,
        attribute: None,
        span: None,
        hint: Some(
            "a row is a JSON object with a `query`, and `bindVars`, `user` and `database` where needed".to_owned(),
        ),
    };
    Verdict {
        denials: vec![denial],
        ..Verdict::default()
    }
}

fn told(verdict: &Verdict, text: &input::Text) -> String {
    let origin = &text.origin;
    let mut out = String::new();
    if !verdict.admitted() {
        let count = verdict.denials.len();
        let reasons = if count == 1 {
            "1 reason".to_owned()
        } else {
            format!("{count} reasons")
        };
        let _ = writeln!(
            out,
            "{}\n{origin}: denied, {reasons}",
            judge::render(verdict, &text.text, origin).trim_end()
        );
        return out;
    }
    let _ = writeln!(out, "{origin}: allowed");
    for (collection, attributes) in &verdict.reads {
        let _ = writeln!(out, "  reads {collection}: {}", listed(attributes));
    }
    for (collection, operations) in &verdict.writes {
        for (operation, attributes) in operations {
            let _ = writeln!(out, "  {}s {collection}: {}", operation.name(), listed(attributes));
        }
    }
    if !verdict.functions.is_empty() {
        let _ = writeln!(out, "  calls {}", listed(&verdict.functions));
    }
    if !verdict.edits.is_empty() {
        let edited = judge::apply(&text.text, &verdict.edits);
        let _ = writeln!(out, "  masked, it runs as:\n{edited}");
    }
    out
}

fn listed(names: &std::collections::BTreeSet<String>) -> String {
    names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}
