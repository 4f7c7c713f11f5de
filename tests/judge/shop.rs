//! A shop's schema set and what its applications, its visitors and its attackers send: each query with the rule that
//! has to deny it, or none. The set has hidden attributes at every depth, attributes of a role, open and closed
//! schemas, patterns, edges, graphs, views, and collections that cannot be read.

mod reach;
mod reading;
mod usual;
mod writing;

use std::path::Path;

use mallku_db::schema::SchemaSet;

use super::{rules, verdict};

/// What the row shows, the user (empty: nobody in particular), the query, its bind values, and a rule that must be
/// among those that deny (empty: the query is admitted).
pub(super) type Row = (&'static str, &'static str, &'static str, &'static str, &'static str);

/// Judges every row, and fails with all that were judged otherwise.
pub(super) fn check(directory: &str, rows: &[Row]) {
    let set = SchemaSet::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join(directory)).unwrap();
    let mut failures = Vec::new();
    for (reason, user, query, binds, rule) in rows {
        let user = (!user.is_empty()).then_some(*user);
        let found = rules(&verdict(&set, user, query, binds));
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
