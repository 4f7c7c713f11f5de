//! A shop's schema set and what its applications, its visitors and its attackers send: each query with the rule that
//! has to deny it, or none. The set has hidden attributes at every depth, attributes of a role, open and closed
//! schemas, patterns, edges, graphs, views, and collections that cannot be read.

mod reach;
mod reading;
mod stored;
mod usual;
mod writing;

use std::fs;
use std::path::Path;

use mallku_db::schema::SchemaSet;

use super::{rules, verdict};

/// What the row shows, the user (empty: nobody in particular), the query, its bind values, and a rule that must be
/// among those that deny (empty: the query is admitted).
pub(super) type Row = (&'static str, &'static str, &'static str, &'static str, &'static str);

/// Judges every row, and fails with all that were judged otherwise.
pub(super) fn check(directory: &str, rows: &[Row]) {
    check_in(
        &SchemaSet::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join(directory)).unwrap(),
        rows,
    );
}

fn check_in(set: &SchemaSet, rows: &[Row]) {
    let mut failures = Vec::new();
    for (reason, user, query, binds, rule) in rows {
        let user = (!user.is_empty()).then_some(*user);
        let found = rules(&verdict(set, user, query, binds));
        let as_expected = if rule.is_empty() {
            found.is_empty()
        } else {
            found.contains(rule)
        };
        if !as_expected {
            failures.push(format!("{reason}: {query} {binds}\n    wanted {rule:?}, got {found:?}"));
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        rows.len(),
        failures.join("\n")
    );
}

const SCHEMAS: &str = "tests/judge/shop/schemas";

#[test]
fn nothing_hidden_is_told() {
    check(SCHEMAS, reading::ROWS);
}

#[test]
fn what_is_out_of_reach_stays_there() {
    check(SCHEMAS, reach::ROWS);
}

#[test]
fn no_write_goes_too_far() {
    check(SCHEMAS, writing::ROWS);
}

#[test]
fn usual_queries_pass() {
    check(SCHEMAS, usual::ROWS);
}

#[test]
fn what_stored_documents_hide_no_function_tells() {
    let allowed = r#"{"functions": {"allow": ["@pure", "@data", "CALL", "APPLY", "SCHEMA_GET"]}}"#;
    let policy = r#"{"roles": {"clerk": {"users": ["cleo"]}, "app": {"users": ["app"]}}, "#.to_owned() + &allowed[1..];
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(SCHEMAS);
    let files = fs::read_dir(directory).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let text = if name == "policy.json" { policy.clone() } else { text };
        (name, text)
    });
    check_in(&SchemaSet::from_files(files).unwrap(), stored::ROWS);
}
