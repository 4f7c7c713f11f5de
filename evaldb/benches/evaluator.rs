//! How many small evaluations a second: the soundness run must not wait for its oracle (50 000 are wanted).

#![allow(clippy::unwrap_used, reason = "a bench ends where its own assumptions fail")]

use divan::counter::ItemsCount;
use evaldb::query::{BindVars, QueryOptions, execute, run};
use evaldb::store::{CollectionKind, Database, WriteOptions};
use evaldb::value::Value;

fn main() {
    divan::main();
}

fn database() -> Database {
    let mut database = Database::new("bench");
    database.create_collection("people", CollectionKind::Document).unwrap();
    for number in 0..8 {
        let person =
            serde_json::json!({"_key": format!("k{number}"), "name": "Ann", "age": 20 + number, "tags": ["x", "y"]});
        database
            .insert("people", &Value::from_json(&person), &WriteOptions::default())
            .unwrap();
    }
    database
}

const QUERIES: [&str; 3] = [
    "FOR p IN people FILTER p.age > 22 SORT p.age DESC LIMIT 3 RETURN {name: UPPER(p.name), tags: p.tags[* RETURN CURRENT]}",
    "FOR p IN people COLLECT name = p.name WITH COUNT INTO n RETURN [name, n]",
    "UPDATE 'k1' WITH {age: 1} IN people RETURN NEW.age",
];

#[divan::bench(args = QUERIES)]
fn parsed_before(bencher: divan::Bencher<'_, '_>, text: &str) {
    let mut database = database();
    let query = mallku_db::aql::parse(text).unwrap();
    let (binds, options) = (BindVars::new(), QueryOptions::default());
    bencher
        .counter(ItemsCount::new(1_u32))
        .bench_local(|| execute(&mut database, &query, &binds, &options).unwrap());
}

#[divan::bench(args = QUERIES)]
fn from_text(bencher: divan::Bencher<'_, '_>, text: &str) {
    let mut database = database();
    let (binds, options) = (BindVars::new(), QueryOptions::default());
    bencher
        .counter(ItemsCount::new(1_u32))
        .bench_local(|| run(&mut database, text, &binds, &options).unwrap());
}

#[divan::bench(args = QUERIES)]
fn with_the_trace(bencher: divan::Bencher<'_, '_>, text: &str) {
    let mut database = database();
    let (binds, options) = (
        BindVars::new(),
        QueryOptions {
            trace: true,
            ..QueryOptions::default()
        },
    );
    bencher
        .counter(ItemsCount::new(1_u32))
        .bench_local(|| run(&mut database, text, &binds, &options).unwrap());
}
