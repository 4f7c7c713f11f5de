//! The judge from outside: attacks that must be denied, patterns that must pass, and the words of denials.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod attacks;
mod bounds;
mod cache;
mod corpus;
mod documents;
mod example;
mod masking;
mod messages;
mod patterns;
mod roles;
mod schemas;
mod shop;
mod tables;
mod writes;

use mallku_db::judge::{Request, Verdict, judge};
use mallku_db::schema::SchemaSet;

/// Judges a query with bind values given as JSON text (empty: none).
fn verdict(set: &SchemaSet, user: Option<&str>, query: &str, binds: &str) -> Verdict {
    let binds: Option<serde_json::Map<String, serde_json::Value>> =
        (!binds.is_empty()).then(|| serde_json::from_str(binds).unwrap_or_else(|error| panic!("{binds}: {error}")));
    judge(
        set,
        &Request {
            query,
            bind_vars: binds.as_ref(),
            user,
            database: "_system",
        },
    )
}

/// The rules that deny, in order, without repetition.
fn rules(verdict: &Verdict) -> Vec<&'static str> {
    let mut rules = Vec::new();
    for denial in &verdict.denials {
        if !rules.contains(&denial.rule.name()) {
            rules.push(denial.rule.name());
        }
    }
    rules
}
