//! Any text is a tree or an error, and a tree comes back from its printed form (`checks/aql_parse.rs`).
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks/aql_parse.rs"]
mod checks;

fuzz_target!(|text: &str| checks::check(text));
