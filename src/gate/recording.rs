//! `MALLKU_RECORD`: the shapes of queries, one JSON object a line, from which `mallku-db learn` proposes a schema set.
//!
//! A shape is a query's normal form with what it accesses; no literal, no bind value. Each is written once, by whom and where.
//!
//! INVARIANT: no request waits for it (lines go through the bounded channel of [`Log`]), and both the file and the memory of
//! what was written already are bounded: at either bound the recording ends with a word in the log.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::audit::{AuditError, Log, Sink, Writes};
use crate::aql;
use crate::judge::Verdict;

/// Bytes that the file may come to.
const MAX_BYTES: u64 = 64 * 1024 * 1024;
/// Shapes that are told apart.
const MAX_SHAPES: usize = 100_000;

/// Where shapes go.
pub struct Recording {
    log: Log,
    state: Mutex<State>,
}

struct State {
    seen: HashSet<u64>,
    bytes: u64,
    over: bool,
}

impl Recording {
    /// Opens the file, before the process gives up its rights.
    pub fn open(path: &Path) -> Result<(Sink, u64), AuditError> {
        let bytes = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        Ok((Sink::file(path, "the recording")?, bytes))
    }

    /// Starts the writer. `bytes` is what the file holds already.
    pub fn start(sink: Sink, bytes: u64) -> Result<Self, AuditError> {
        Ok(Recording {
            log: Log::start(Some(sink))?,
            state: Mutex::new(State {
                seen: HashSet::new(),
                bytes,
                over: false,
            }),
        })
    }

    /// Records a query that was judged, if its shape is new.
    pub fn note(&self, query: &str, user: Option<&str>, database: &str, verdict: &Verdict) {
        // What does not parse has no shape.
        if verdict.fingerprint.is_empty() {
            return;
        }
        let mut shape = Map::new();
        shape.insert("fingerprint".into(), verdict.fingerprint.as_str().into());
        shape.insert("user".into(), user.into());
        shape.insert("database".into(), database.into());
        shape.insert(
            "verdict".into(),
            if verdict.admitted() { "allow" } else { "deny" }.into(),
        );
        shape.insert("reads".into(), json!(verdict.reads));
        shape.insert("writes".into(), json!(Writes(&verdict.writes)));
        shape.insert("functions".into(), json!(verdict.functions));
        let mut hasher = DefaultHasher::new();
        Value::Object(shape.clone()).to_string().hash(&mut hasher);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.over || !state.seen.insert(hasher.finish()) {
            return;
        }
        let Ok((_, form)) = aql::normalise(query, &aql::ParseLimits::WIDEST) else {
            return;
        };
        shape.insert("query".into(), form.as_str().into());
        let mut line = Value::Object(shape).to_string().into_bytes();
        line.push(b'\n');
        let bytes = state
            .bytes
            .saturating_add(u64::try_from(line.len()).unwrap_or(u64::MAX));
        if bytes > MAX_BYTES || state.seen.len() > MAX_SHAPES {
            state.over = true;
            state.seen = HashSet::new();
            log::warn!("the recording of query shapes ends: {MAX_BYTES} bytes or {MAX_SHAPES} shapes are its bound");
            return;
        }
        state.bytes = bytes;
        drop(state);
        self.log.write_line(line);
    }

    /// Opens the file anew with the next line.
    pub fn reopen(&self) {
        self.log.reopen();
    }

    /// Waits until every line is out, but no longer than this.
    pub fn flush(&self, patience: Duration) {
        self.log.flush(patience);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::judge::{Judge, Request};
    use crate::schema::SchemaSet;

    fn recorded(queries: &[(&str, &str)], bytes: u64) -> Vec<Value> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("shapes");
        let notes = r#"{"properties":{"title":{},"secret":{"writeOnly":true}},"x-mallku":{"allow":["read"]}}"#;
        let judge = Judge::new(
            Arc::new(SchemaSet::from_files([("notes.json", notes.to_owned())]).unwrap()),
            1000,
        );
        let (sink, _) = Recording::open(&path).unwrap();
        let recording = Recording::start(sink, bytes).unwrap();
        for (query, values) in queries {
            let values: Map<String, Value> = serde_json::from_str(values).unwrap();
            let verdict = judge.judge(&Request {
                query,
                bind_vars: Some(&values),
                user: Some("app"),
                database: "_system",
            });
            recording.note(query, Some("app"), "_system", &verdict);
        }
        drop(recording);
        let text = std::fs::read_to_string(&path).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn each_shape_is_written_once_and_no_value_at_all() {
        let lines = recorded(
            &[
                ("FOR n IN notes FILTER n.title == 'topsecret' RETURN n.title", "{}"),
                ("for n in notes FILTER n.title == 'othersecret' return n.title", "{}"),
                (
                    "FOR n IN @@c FILTER n.title == @v RETURN n.title",
                    r#"{"@c":"notes","v":"boundsecret"}"#,
                ),
                (
                    "FOR n IN @@c FILTER n.title == @v RETURN n.title",
                    r#"{"@c":"others","v":"boundsecret"}"#,
                ),
                ("FOR n IN notes RETURN n.secret", "{}"),
                ("FOR n IN", "{}"),
            ],
            0,
        );
        let verdicts: Vec<_> = lines.iter().map(|line| line["verdict"].as_str().unwrap()).collect();
        assert_eq!(verdicts, ["allow", "allow", "deny", "deny"], "{lines:?}");
        assert_eq!(lines[0]["reads"], json!({"notes": ["title"]}));
        assert_eq!(lines[0]["user"], "app");
        assert!(lines[0]["query"].as_str().unwrap().contains("notes"), "{}", lines[0]);
        for line in &lines {
            for value in ["topsecret", "othersecret", "boundsecret"] {
                assert!(!line.to_string().contains(value), "{line}");
            }
        }
    }

    #[test]
    fn a_full_file_grows_no_more() {
        assert!(recorded(&[("FOR n IN notes RETURN n.title", "{}")], MAX_BYTES).is_empty());
    }
}
