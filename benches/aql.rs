//! What a tree costs: a typical query, queries of growing size and of every shape, beside what `sqlparser` takes for an
//! equal query in SQL and `serde_json` for the request that carries it.
//!
//! The ratios printed at the end are the figures to keep; the times depend on the machine. The allocator is the one that
//! ships; what is allocated is counted in a run of its own, `allocations.rs`, for counting takes time.

use std::time::{Duration, Instant};

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use mallku_db::aql::{self, ParseLimits};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// About 300 bytes.
const QUERY: &str = include_str!("query.aql").trim_ascii_end();

/// The same in SQL, as far as it can say it.
const SQL: &str = "SELECT u.name AS name, u.city AS city, count(o.total) AS n,
  (SELECT array_agg(o.total) FROM orders o WHERE o.user_id = u.id ORDER BY o.total DESC LIMIT 5) AS orders
  FROM users u LEFT JOIN orders o ON o.user_id = u.id
  WHERE u.active = true AND u.age >= $1 AND u.city IN ($2, $3)
  GROUP BY u.name, u.city ORDER BY u.name LIMIT $4 OFFSET $5";

const SIZES: [usize; 4] = [16 << 10, 64 << 10, 256 << 10, 1 << 20];

fn main() {
    divan::main();
    ratios();
}

#[divan::bench]
fn parse(bencher: Bencher) {
    bencher
        .counter(BytesCount::of_str(QUERY))
        .bench_local(|| aql::parse(black_box(QUERY)));
}

#[divan::bench]
fn parse_with_its_normal_form(bencher: Bencher) {
    bencher.bench_local(|| aql::normalise(black_box(QUERY), &ParseLimits::default()));
}

#[divan::bench]
fn fingerprint(bencher: Bencher) {
    bencher.bench_local(|| aql::fingerprint(black_box(QUERY)));
}

#[divan::bench]
fn print(bencher: Bencher) {
    if let Ok(query) = aql::parse(QUERY) {
        bencher.bench_local(|| black_box(&query).to_string());
    }
}

#[divan::bench]
fn sqlparser_on_equal_sql(bencher: Bencher) {
    bencher.bench_local(|| Parser::parse_sql(&GenericDialect {}, black_box(SQL)));
}

#[divan::bench]
fn serde_json_on_the_request(bencher: Bencher) {
    let request = request();
    bencher.bench_local(|| serde_json::from_str::<serde_json::Value>(black_box(&request)));
}

/// Texts of one shape: a head, a part repeated up to a size (`#` is its number), a tail.
const SHAPES: [(&str, &str, &str, &str); 16] = [
    ("filters", "FOR u IN users ", "FILTER u.a == 1 ", "RETURN u"),
    ("variables", "", "LET a# = b ", "RETURN 1"),
    ("quoted names", "", "LET `a #` = b ", "RETURN 1"),
    ("loops", "", "FOR a# IN b ", "RETURN a0"),
    ("groups", "FOR x IN y COLLECT ", "a# = x.b, ", "a = 1 RETURN a"),
    ("sort keys", "FOR x IN y SORT ", "x.a DESC, ", "x.b RETURN x"),
    ("list", "RETURN [", "1, ", "1]"),
    ("object", "RETURN {", "a: 'x', ", "b: 1}"),
    ("arguments", "RETURN CONCAT(", "x.a, ", "1)"),
    ("subqueries", "RETURN [", "(FOR x IN y RETURN x), ", "1]"),
    ("expansions", "RETURN [", "a[* FILTER CURRENT.b == 1].c, ", "1]"),
    ("writes", "", "UPDATE @k WITH {a: 1} IN c# ", "RETURN OLD"),
    ("string", "RETURN \"", "abc \\n ", "\""),
    ("comments", "RETURN ", "/* * */ ", "1"),
    ("nesting", "RETURN ", "[", ""),
    ("an error at the end", "RETURN [", "x, ", "1"),
];

fn shaped(name: &str, size: usize) -> String {
    let (_, head, part, tail) = SHAPES
        .iter()
        .find(|(shape, ..)| *shape == name)
        .copied()
        .unwrap_or(SHAPES[0]);
    let mut text = head.to_owned();
    let mut number = 0;
    while text.len() + part.len() + tail.len() + 8 < size {
        text.push_str(&part.replace('#', &number.to_string()));
        number += 1;
    }
    text + tail
}

#[divan::bench(args = SIZES)]
fn filters_of_size(bencher: Bencher, size: usize) {
    of_size(bencher, "filters", size);
}

#[divan::bench(args = SIZES)]
fn variables_of_size(bencher: Bencher, size: usize) {
    of_size(bencher, "variables", size);
}

fn of_size(bencher: Bencher, shape: &str, size: usize) {
    let text = shaped(shape, size);
    bencher
        .counter(BytesCount::of_str(&text))
        .bench_local(|| aql::parse_with(black_box(&text), &ParseLimits::WIDEST).is_ok());
}

fn request() -> String {
    serde_json::json!({
        "query": QUERY,
        "bindVars": {"minAge": 18, "cities": ["Lima", "Cusco"], "offset": 0, "count": 20},
        "batchSize": 100
    })
    .to_string()
}

/// The shortest of several timings.
fn time<T>(rounds: u32, mut work: impl FnMut() -> T) -> Duration {
    let timing = |_| {
        let start = Instant::now();
        for _ in 0..rounds {
            black_box(work());
        }
        start.elapsed() / rounds
    };
    (0..20).map(timing).min().unwrap_or_default()
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

fn ratios() {
    let request = request();
    let parse = time(2000, || aql::parse(QUERY).is_ok());
    let sql = time(500, || Parser::parse_sql(&GenericDialect {}, SQL).is_ok());
    let json = time(2000, || serde_json::from_str::<serde_json::Value>(&request).is_ok());
    println!("\na tree for {} bytes takes {parse:?}", QUERY.len());
    println!(
        "  {:.3} of sqlparser's {sql:?} for {} bytes of SQL",
        ratio(parse, sql),
        SQL.len()
    );
    println!(
        "  {:.2} of serde_json's {json:?} for the request of {} bytes",
        ratio(parse, json),
        request.len()
    );
    println!(
        "times for 1 MiB over times for 64 KiB and for 256 KiB; 16 and 4 where time is linear and the tree stays in the caches:"
    );
    for (shape, ..) in SHAPES {
        let timing = |rounds, size| {
            let text = shaped(shape, size);
            time(rounds, || aql::parse_with(&text, &ParseLimits::WIDEST).is_ok())
        };
        let (small, middle, large) = (timing(4, SIZES[1]), timing(1, SIZES[2]), timing(1, SIZES[3]));
        println!(
            "  {shape:<20}{:>6.1}{:>6.1}   {large:?} for 1 MiB",
            ratio(large, small),
            ratio(large, middle)
        );
    }
}
