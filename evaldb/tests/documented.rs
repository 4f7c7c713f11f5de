//! Results that ArangoDB's manual gives for its examples (3.12: functions, operators, array operators), one a line.
//!
//! A line is `expression => JSON`; one that begins with `!` is known to differ here and is counted as such.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends where its own assumptions fail"
)]

use evaldb::query::{BindVars, QueryOptions, run};
use evaldb::store::Database;
use evaldb::value::Value;

const EXAMPLES: &str = include_str!("documented/functions.txt");

/// As equal as the manual prints numbers: floating-point functions may differ in the last digits between libraries.
fn agrees(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Int(_) | Value::Double(_), Value::Int(_) | Value::Double(_)) => {
            let (left, right) = (left.to_f64(), right.to_f64());
            (left - right).abs() <= 1e-7 * left.abs().max(right.abs()).max(1e-9)
        }
        (Value::Array(_), Value::Array(_)) => {
            let (left, right) = (left.as_array().unwrap(), right.as_array().unwrap());
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| agrees(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(name, value)| right.get(name).is_some_and(|other| agrees(value, other)))
        }
        _ => left == right,
    }
}

#[test]
fn the_manual_s_examples() {
    let mut database = Database::new("manual");
    let (mut agreed, mut known, mut failures) = (0, 0, Vec::new());
    for line in EXAMPLES
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("# "))
    {
        let (line, differs) = line.strip_prefix('!').map_or((line, false), |line| (line, true));
        let (expression, expected) = line.rsplit_once(" => ").unwrap_or_else(|| panic!("no example: {line}"));
        let expected = Value::from_json(&serde_json::from_str(expected).unwrap_or_else(|_| panic!("no JSON: {line}")));
        let result = run(
            &mut database,
            &format!("RETURN {expression}"),
            &BindVars::new(),
            &QueryOptions::default(),
        );
        let holds = matches!(&result, Ok(result) if result.rows.len() == 1 && agrees(&result.rows[0], &expected));
        match (holds, differs) {
            (true, false) => agreed += 1,
            (false, true) => known += 1,
            (true, true) => failures.push(format!("{expression} agrees by now: take the mark away")),
            (false, false) => {
                let found = result.map(|result| {
                    result
                        .rows
                        .iter()
                        .map(Value::to_json_text)
                        .collect::<Vec<_>>()
                        .join(" ")
                });
                failures.push(format!(
                    "{expression}\n  manual: {}\n  here:   {found:?}",
                    expected.to_json_text()
                ));
            }
        }
    }
    println!(
        "{agreed} of {} documented examples agree, {known} are known to differ",
        agreed + known + failures.len()
    );
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(agreed >= 300);
}
