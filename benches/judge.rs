//! What a verdict costs: on a query seen before, on a new one, on one with a document to validate; beside what
//! `serde_json` takes to parse the request that carries the query.
//!
//! The ratios printed at the end are the figures to keep; the times depend on the machine. The allocator is the one that
//! ships.
#![allow(clippy::panic, reason = "a broken benchmark ends")]
#![allow(clippy::print_stdout, reason = "a benchmark prints")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use divan::{Bencher, black_box};
use mallku_db::judge::{Judge, Request, judge};
use mallku_db::schema::SchemaSet;
use serde_json::{Map, Value, json};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// About 300 bytes.
const READ: &str = include_str!("query.aql").trim_ascii_end();

const WRITE: &str = "INSERT @doc INTO orders RETURN NEW._key";

fn main() {
    divan::main();
    ratios();
}

fn set() -> SchemaSet {
    let users = json!({
        "type": "object",
        "properties": {
            "name": {"type": "string"}, "age": {"type": "integer"}, "active": {"type": "boolean"},
            "address": {"type": "object", "properties": {"city": {"type": "string"}, "code": {"writeOnly": true}}},
            "password": {"type": "string", "writeOnly": true}
        },
        "additionalProperties": false,
        "x-mallku": {"allow": ["read"]}
    });
    let orders = json!({
        "type": "object",
        "properties": {"user": {"type": "string"}, "total": {"type": "number"}, "year": {"type": "integer"}},
        "required": ["user", "total"],
        "additionalProperties": false,
        "x-mallku": {"allow": ["read", "insert"]}
    });
    SchemaSet::from_files([("users.json", users.to_string()), ("orders.json", orders.to_string())])
        .unwrap_or_else(|faults| panic!("{faults}"))
}

fn binds(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("{other} is no object"),
    }
}

fn read_binds() -> Map<String, Value> {
    binds(json!({"minAge": 18, "cities": ["Cologne", "Lima"], "offset": 0, "count": 20}))
}

fn write_binds() -> Map<String, Value> {
    binds(json!({"doc": {"user": "1234", "total": 12.5, "year": 2024}}))
}

fn request<'a>(query: &'a str, binds: &'a Map<String, Value>) -> Request<'a> {
    Request {
        query,
        bind_vars: Some(binds),
        user: None,
        database: "_system",
    }
}

fn body() -> String {
    json!({"query": READ, "bindVars": read_binds(), "batchSize": 100}).to_string()
}

#[divan::bench]
fn serde_json_parses_the_request(bencher: Bencher<'_, '_>) {
    let body = body();
    bencher.bench(|| serde_json::from_str::<Value>(black_box(&body)).is_ok());
}

#[divan::bench]
fn seen_before(bencher: Bencher<'_, '_>) {
    let judge = Judge::new(Arc::new(set()), 1 << 20);
    let binds = read_binds();
    bencher.bench(|| judge.judge(black_box(&request(READ, &binds))));
}

#[divan::bench]
fn new_query(bencher: Bencher<'_, '_>) {
    let set = set();
    let binds = read_binds();
    bencher.bench(|| judge(black_box(&set), black_box(&request(READ, &binds))));
}

#[divan::bench]
fn document_to_validate(bencher: Bencher<'_, '_>) {
    let set = set();
    let binds = write_binds();
    bencher.bench(|| judge(black_box(&set), black_box(&request(WRITE, &binds))));
}

#[divan::bench]
fn flood_of_new_queries(bencher: Bencher<'_, '_>) {
    let judge = Judge::new(Arc::new(set()), 1 << 20);
    let mut number = 0_u64;
    bencher
        .with_inputs(|| {
            number += 1;
            format!("RETURN {number}")
        })
        .bench_local_refs(|query| {
            let request = Request {
                query,
                bind_vars: None,
                user: None,
                database: "_system",
            };
            judge.judge(&request)
        });
}

/// The best of many runs, per call; each is short enough to fit between two turns of a busy machine.
fn best(mut call: impl FnMut()) -> Duration {
    const CALLS: u32 = 50;
    (0..600)
        .map(|_| {
            let start = Instant::now();
            (0..CALLS).for_each(|_| call());
            start.elapsed() / CALLS
        })
        .min()
        .unwrap_or_default()
}

fn ratios() {
    let body = body();
    let cached = Judge::new(Arc::new(set()), 1 << 20);
    let set = set();
    let (read, write) = (read_binds(), write_binds());
    let parse = best(|| {
        black_box(serde_json::from_str::<Value>(black_box(&body)).is_ok());
    });
    let seen = best(|| {
        black_box(cached.judge(black_box(&request(READ, &read))));
    });
    let new = best(|| {
        black_box(judge(&set, black_box(&request(READ, &read))));
    });
    let document = best(|| {
        black_box(judge(&set, black_box(&request(WRITE, &write))));
    });
    println!(
        "\nquery of {} bytes, request of {} bytes; serde_json parses it in {parse:?}",
        READ.len(),
        body.len()
    );
    for (what, time) in [
        ("seen before", seen),
        ("new query", new),
        ("document to validate", document),
    ] {
        println!(
            "{what:>22}: {time:>10?}  {:.2} of serde_json",
            time.as_secs_f64() / parse.as_secs_f64()
        );
    }
}
