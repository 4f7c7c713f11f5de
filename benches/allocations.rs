//! What the tree of a typical query allocates. Counting takes time, so the times are measured elsewhere (`aql.rs`).

use divan::{AllocProfiler, Bencher, black_box};
use mallku_db::aql;

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

/// About 300 bytes.
const QUERY: &str = include_str!("query.aql").trim_ascii_end();

fn main() {
    divan::main();
}

#[divan::bench]
fn parse(bencher: Bencher) {
    bencher.bench_local(|| aql::parse(black_box(QUERY)));
}

#[divan::bench]
fn parse_with_its_normal_form(bencher: Bencher) {
    bencher.bench_local(|| aql::normalise(black_box(QUERY), &aql::ParseLimits::default()));
}
