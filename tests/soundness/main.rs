//! Soundness of the judge, shown with the evaluation database as oracle.
//!
//! For random schema sets, data and queries, what the judge admits
//! (a) touches only what is allowed,
//! (b) gives the same result whatever the hidden values and the documents of unreadable collections are,
//! (c) leaves only documents that are valid under the schemas,
//! (d) is announced by its verdict, every attribute that leaves and every one that is written; and
//! (e) a judge that remembers what it judged before gives the same verdict.
//!
//! `SOUNDNESS_CASES` sets the number of queries (20 000 by default), `SOUNDNESS_SEED` the first world, `SOUNDNESS_FAILURES`
//! after how many counterexamples to stop (10). A failure prints the seed of its world and the number of its query.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::format_push_string,
    clippy::get_unwrap,
    reason = "a test ends where its own assumptions fail, and builds its queries piece by piece"
)]

mod calls;
mod cases;
mod chance;
mod documents;
mod expressions;
mod fitting;
mod properties;
mod queries;
mod rights;
mod scope;
mod statements;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use chance::Chance;
use mallku_db::judge::{Request, apply, judge};
use world::World;

/// Queries for each world.
const PER_WORLD: u64 = 40;

/// Everything that the generator must reach, and that must be admitted at least once.
const PRODUCTIONS: [&str; 62] = [
    "ALL_SHORTEST_PATHS",
    "COLLECT",
    "COLLECT AGGREGATE",
    "COLLECT INTO",
    "COLLECT KEEP",
    "COLLECT WITH COUNT",
    "FILTER",
    "FOR",
    "INSERT",
    "K_PATHS",
    "K_SHORTEST_PATHS",
    "LET",
    "LIMIT",
    "PRUNE",
    "REMOVE",
    "REPLACE",
    "RETURN",
    "SEARCH",
    "SHORTEST_PATH",
    "SORT",
    "UPDATE",
    "UPSERT",
    "UPSERT FILTER",
    "WINDOW",
    "array",
    "attribute",
    "attribute bind",
    "binary",
    "bind",
    "bool",
    "call",
    "double",
    "expansion",
    "index",
    "int",
    "null",
    "object",
    "pattern",
    "quantified",
    "question",
    "range",
    "source bind",
    "string",
    "subquery",
    "ternary",
    "traversal",
    "unary",
    "document from data",
    "documents masked",
    "list passed on",
    "object passed on",
    "bound documents",
    "INSERT that overwrites",
    "fitting value",
    "called by name",
    "computed name",
    "document overwritten",
    "COLLECT several",
    "COLLECT AGGREGATE INTO",
    "whole document",
    "documents read",
    "documents written",
];

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

#[derive(Default)]
struct Tally {
    generated: u64,
    parsed: u64,
    admitted: u64,
    completed: u64,
    denials: BTreeMap<&'static str, u64>,
    admitted_productions: BTreeMap<&'static str, u64>,
    functions: BTreeSet<String>,
}

#[test]
fn admitted_queries_keep_to_the_schema_set() {
    let cases = setting("SOUNDNESS_CASES", 20_000);
    let first = setting("SOUNDNESS_SEED", 1);
    let enough = setting("SOUNDNESS_FAILURES", 10);
    let mut tally = Tally::default();
    let mut failures = Vec::new();
    for seed in first..first + cases.div_ceil(PER_WORLD) {
        let mut chance = Chance::new(seed);
        let world = World::new(&mut chance);
        for number in 0..PER_WORLD {
            let query = queries::generate(&world, &mut chance);
            if let Err(why) = one(&world, &query, &mut chance, &mut tally) {
                let files: Vec<String> = world
                    .files
                    .iter()
                    .filter(|(name, _)| is_met(name, &query))
                    .map(|(name, text)| format!("{name}: {text}"))
                    .collect();
                failures.push(format!(
                    "seed {seed}, query {number}, user {:?}: {why}\n  {}\n  binds {}\n{}",
                    world.user,
                    query.text,
                    serde_json::Value::Object(query.binds.clone()),
                    files.join("\n")
                ));
            }
        }
        if failures.len() as u64 >= enough {
            break;
        }
    }
    report(&tally);
    assert!(
        failures.is_empty(),
        "{} unsound verdicts\n\n{}",
        failures.len(),
        failures.join("\n\n")
    );
    assert!(
        tally.admitted * 100 >= tally.generated * 25,
        "too few queries are admitted to show anything"
    );
    let missing: Vec<&str> = PRODUCTIONS
        .into_iter()
        .filter(|name| !tally.admitted_productions.contains_key(name))
        .collect();
    assert!(cases < 20_000 || missing.is_empty(), "never admitted: {missing:?}");
}

fn one(world: &World, query: &queries::Generated, chance: &mut Chance, tally: &mut Tally) -> Result<(), String> {
    tally.generated += 1;
    let request = Request {
        query: &query.text,
        bind_vars: Some(&query.binds),
        user: world.user,
        database: world::DATABASE,
    };
    let verdict = judge(&world.set, &request);
    if !verdict.denials.iter().any(|denial| denial.rule.name() == "syntax") {
        tally.parsed += 1;
    }
    properties::remembered(world, &request, &verdict, chance)?;
    if !verdict.admitted() {
        let rules: BTreeSet<&'static str> = verdict.denials.iter().map(|denial| denial.rule.name()).collect();
        for rule in rules {
            *tally.denials.entry(rule).or_default() += 1;
        }
        return Ok(());
    }
    tally.admitted += 1;
    for production in &query.productions {
        *tally.admitted_productions.entry(production).or_default() += 1;
    }
    for (name, some) in [
        ("documents read", !verdict.reads.is_empty()),
        ("documents written", !verdict.writes.is_empty()),
    ] {
        if some {
            *tally.admitted_productions.entry(name).or_default() += 1;
        }
    }
    tally.functions.extend(verdict.functions.iter().cloned());
    if !verdict.edits.is_empty() {
        *tally.admitted_productions.entry("documents masked").or_default() += 1;
        let masked = queries::Generated {
            text: apply(&query.text, &verdict.edits).into_owned(),
            binds: query.binds.clone(),
            productions: BTreeSet::new(),
        };
        tally.completed += u64::from(
            properties::check(world, &masked, &verdict, chance).map_err(|why| format!("{why}\n  {}", masked.text))?,
        );
        return Ok(());
    }
    tally.completed += u64::from(properties::check(world, query, &verdict, chance)?);
    Ok(())
}

/// Whether a schema file matters to a query: its name is in it, or it is the policy or a graph.
fn is_met(file: &str, query: &queries::Generated) -> bool {
    let stem = file.trim_end_matches(".json");
    let bound = query.binds.values().any(|value| value.to_string().contains(stem));
    bound || query.text.contains(stem) || ["policy", "net"].contains(&stem)
}

fn report(tally: &Tally) {
    println!(
        "{} queries, {} parsed, {} admitted ({} %), {} of these ran to their end",
        tally.generated,
        tally.parsed,
        tally.admitted,
        tally.admitted * 100 / tally.generated.max(1),
        tally.completed
    );
    println!("denied by rule: {:?}", tally.denials);
    println!("admitted, by what is in the query: {:?}", tally.admitted_productions);
    println!("{} functions in admitted queries", tally.functions.len());
}
