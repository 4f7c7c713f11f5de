//! docs/schema.md says the truth: its files are a valid schema set.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;

use mallku_db::schema::{Operation, RoleSet, SchemaSet};

#[test]
fn the_files_of_the_schema_guide_are_a_valid_set() {
    let text = fs::read_to_string("docs/schema.md").unwrap();
    let files: Vec<(&str, &str)> = text
        .split("```json file=")
        .skip(1)
        .map(|block| {
            let (name, rest) = block.split_once('\n').unwrap();
            (name, rest.split("```").next().unwrap())
        })
        .collect();
    assert!(files.len() >= 5, "{files:?}");
    let set = SchemaSet::from_files(files).unwrap_or_else(|faults| panic!("{faults}"));
    let people = &set.resources["_system"].collections["people"];
    assert_eq!(people.shape.hidden_paths(&RoleSet::everybody()), ["address", "remarks"]);
    assert_eq!(people.shape.hidden_paths(&set.roles.of(Some("rita"))), ["address"]);
    assert!(people.allow.permits(&set.roles.of(Some("office")), Operation::Insert));
    assert!(people.update_validator.is_some());
}
