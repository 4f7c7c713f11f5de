//! The corpus that fuzzing left, one JSON string a line, held to what the fuzz target checks.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot set itself up has failed"
)]

#[path = "../fuzz/checks/aql_parse.rs"]
mod checks;

#[test]
fn the_kept_corpus_passes_what_the_fuzz_target_checks() {
    let corpus = include_str!("../fuzz/corpus/aql_parse.jsonl");
    let mut count = 0;
    for line in corpus.lines() {
        checks::check(&serde_json::from_str::<String>(line).unwrap());
        count += 1;
    }
    assert!(count > 500, "{count}");
}
