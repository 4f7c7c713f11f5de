//! Verdicts as people and programs read them: a code frame for each denial, and the JSON of `check --format json`.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json, json};

use super::verdict::{Denial, Verdict};
use crate::aql::diagnostic::{Frame, Position, Printable};

/// Every denial as a code frame, for people. `origin` is what the query came from: a file's name, or `query`.
pub fn render(verdict: &Verdict, text: &str, origin: &str) -> String {
    let mut out = String::new();
    for (index, denial) in verdict.denials.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        render_denial(&mut out, denial, text, origin);
    }
    out
}

fn render_denial(out: &mut String, denial: &Denial, text: &str, origin: &str) {
    let name = denial.rule.name();
    match denial.span {
        Some(span) => {
            let mut frame = Frame::new(name, &denial.message, text, span).origin(origin);
            if let Some(hint) = &denial.hint {
                frame = frame.hint(hint.clone());
            }
            // Writing to a string cannot fail.
            let _ = write!(out, "{frame}");
            if !out.ends_with('\n') {
                out.push('\n');
            }
        }
        None => {
            let _ = writeln!(out, "error[{name}]: {}", Printable(&denial.message));
            let _ = writeln!(out, " --> {origin}");
            if let Some(hint) = &denial.hint {
                let _ = writeln!(out, "  = hint: {}", Printable(hint));
            }
        }
    }
}

/// A verdict in the form of `check --format json`.
pub fn to_json(verdict: &Verdict, text: &str) -> Json {
    let writes: Map<String, Json> = verdict
        .writes
        .iter()
        .map(|(collection, operations)| {
            let operations: Map<String, Json> = operations
                .iter()
                .map(|(operation, paths)| (operation.name().to_owned(), json!(paths)))
                .collect();
            (collection.clone(), Json::Object(operations))
        })
        .collect();
    let mut out = Map::new();
    let word = if verdict.admitted() { "allow" } else { "deny" };
    out.insert("verdict".to_owned(), json!(word));
    out.insert("fingerprint".to_owned(), json!(verdict.fingerprint));
    out.insert("reads".to_owned(), json!(verdict.reads));
    out.insert("writes".to_owned(), Json::Object(writes));
    out.insert("functions".to_owned(), json!(verdict.functions));
    let denials = verdict.denials.iter().map(|denial| denial_json(denial, Some(text)));
    out.insert("denials".to_owned(), denials.collect());
    if !verdict.edits.is_empty() {
        let edits = verdict.edits.iter().map(|edit| {
            let mut out = place(text, edit.span.start, edit.span.end);
            out.insert("text".to_owned(), json!(edit.text));
            Json::Object(out)
        });
        out.insert("edits".to_owned(), edits.collect());
    }
    Json::Object(out)
}

/// A denial in the form of `check --format json`; also part of the gate's error objects. `text` is what its span points into.
pub fn denial_json(denial: &Denial, text: Option<&str>) -> Json {
    let mut out = Map::new();
    out.insert("rule".to_owned(), json!(denial.rule.name()));
    out.insert("message".to_owned(), json!(denial.message));
    if let Some(collection) = &denial.collection {
        out.insert("collection".to_owned(), json!(collection));
    }
    if let Some(attribute) = &denial.attribute {
        out.insert("attribute".to_owned(), json!(attribute));
    }
    if let (Some(span), Some(text)) = (denial.span, text) {
        out.append(&mut place(text, span.start, span.end));
    }
    if let Some(hint) = &denial.hint {
        out.insert("hint".to_owned(), json!(hint));
    }
    Json::Object(out)
}

/// Line and column, from 1, and length, all in characters.
fn place(text: &str, start: u32, end: u32) -> Map<String, Json> {
    let position = Position::of(text, start);
    let length = text
        .get(start as usize..(end as usize).min(text.len()))
        .map_or(0, |piece| piece.chars().count());
    let mut out = Map::new();
    out.insert("line".to_owned(), json!(position.line));
    out.insert("column".to_owned(), json!(position.column));
    out.insert("length".to_owned(), json!(length));
    out
}
