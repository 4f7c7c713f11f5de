//! PID 1 with real processes, real signals and an unruly database: every fault with the exit code, the line in the log and
//! the state that a user sees. docs/pid1.md has the table.
//!
//! No test sleeps for luck: each waits for a line, a state or an end, and fails after a deadline that is far beyond it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot set itself up has failed"
)]

#[path = "init/container.rs"]
mod container;
#[path = "init/ends.rs"]
mod ends;
#[path = "init/first_start.rs"]
mod first_start;
#[path = "init/general.rs"]
mod general;
#[path = "init/opening.rs"]
mod opening;
#[path = "init/preflight.rs"]
mod preflight;
#[path = "init/provision.rs"]
mod provision;
#[path = "init/signals.rs"]
mod signals;
#[path = "init/surroundings.rs"]
mod surroundings;
#[path = "init/tini.rs"]
mod tini;

/// The table of scenarios names tests that exist.
#[test]
fn the_documented_scenarios_have_their_tests() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = std::fs::read_to_string(root.join("docs/pid1.md")).unwrap();
    let named: Vec<_> = docs.split('`').filter_map(|part| part.split_once("::")).collect();
    assert!(named.len() >= 50, "{}", named.len());
    for (module, name) in named {
        let file = root.join(format!("tests/init/{module}.rs"));
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(
            text.contains(&format!("fn {name}()")),
            "{module}::{name} is in docs/pid1.md and not in the tests"
        );
    }
}
