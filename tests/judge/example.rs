//! The example set in `schemas/`: what its application, its analysts and everybody else may send, and what they may not.

mod rows;

use super::shop::check;

#[test]
fn queries_of_the_example_application() {
    check("schemas", rows::ROWS);
}
