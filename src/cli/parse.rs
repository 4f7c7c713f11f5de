//! `parse`: is it AQL at all?

use serde_json::json;

use super::arguments::{Arguments, Command, Flag, Operands};
use super::schema::usage;
use super::{Exit, Streams, input};
use crate::aql;

pub(super) static COMMAND: Command = Command {
    name: "parse",
    summary: "Check the syntax of queries, and nothing else",
    details: "\
Reads one query from each FILE, or from standard input. With `--jsonl`, each line of FILE is an object with a `query`,
and each line of the output answers one: `{\"ok\":true}`, or `{\"ok\":false,\"line\":…,\"column\":…,\"message\":…}`.",
    flags: &[
        Flag::value(
            "format",
            "human|json",
            "How to print: a diagnostic with the source line, or one JSON object a query",
        ),
        Flag::value("jsonl", "FILE|-", "Read JSON Lines, write JSON Lines in the same order"),
    ],
    operands: Operands::Many("FILE|-"),
    run,
};

fn run(arguments: &Arguments, streams: &mut Streams<'_>) -> Exit {
    if let Some(name) = arguments.value("jsonl") {
        return input::rows(name, streams, |row| match row {
            Ok(row) => answer(&row.query),
            Err(problem) => {
                let message = format!("the row cannot be read: {problem}");
                (
                    json!({ "ok": false, "line": 0, "column": 0, "message": message }).to_string(),
                    Exit::Usage,
                )
            }
        });
    }
    let format = match arguments.choice("format", &["human", "json"]) {
        Ok(format) => format,
        Err(error) => return usage(&error, streams),
    };
    let texts = match input::texts(&arguments.operands, streams) {
        Ok(texts) => texts,
        Err(exit) => return exit,
    };
    let mut worst = Exit::Done;
    for text in texts {
        let (line, exit) = answer(&text.text);
        if exit != Exit::Done {
            worst = exit;
        }
        match (format, aql::parse(&text.text)) {
            ("json", _) => streams.say(line),
            (_, Ok(_)) => streams.say(format_args!("{}: ok", text.origin)),
            (_, Err(error)) => streams.say(error.render(&text.text, &text.origin).trim_end()),
        }
    }
    worst
}

fn answer(text: &str) -> (String, Exit) {
    match aql::parse(text) {
        Ok(_) => (r#"{"ok":true}"#.to_owned(), Exit::Done),
        Err(error) => {
            let place = error.position(text);
            let answer =
                json!({ "ok": false, "line": place.line, "column": place.column, "message": error.to_string() });
            (answer.to_string(), Exit::Denied)
        }
    }
}
