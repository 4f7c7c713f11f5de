//! Printing and parsing are inverse on trees that are built without the parser: every kind of node, names resolved and
//! variables numbered as the parser does it.
//!
//! INVARIANT: a node is built by `make!` only, which counts its variant, so that no variant of `ast.rs` can go untested.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot set itself up has failed"
)]

use std::collections::BTreeSet;

use mallku_db::aql::{self, ParseLimits, ast::Query};
use proptest::prelude::*;

#[macro_use]
mod builder;
mod expressions;
mod statements;

use builder::Builder;

/// A tree that is chosen by `choices`, and the variants in it.
fn built(choices: &[u8]) -> (Query<'static>, BTreeSet<&'static str>) {
    Builder::new(choices).query()
}

/// The tree without its spans.
fn tree(query: &Query) -> String {
    let text = format!("{query:?}");
    let mut parts = text.split("Span { start: ");
    let mut tree = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        tree.push_str(part.split_once('}').map_or(part, |(_, rest)| rest));
    }
    tree
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn a_built_tree_comes_back_from_its_printed_form(choices in prop::collection::vec(any::<u8>(), 0..400)) {
        let (query, _) = built(&choices);
        let printed = query.to_string();
        let again = aql::parse_with(&printed, &ParseLimits::WIDEST)
            .map_err(|error| TestCaseError::fail(error.render(&printed, "printed")))?;
        prop_assert_eq!(tree(&query), tree(&again), "{}", printed);
        prop_assert_eq!(&printed, &again.to_string());
    }
}

/// Every variant of every enum of the syntax tree, from its source.
fn variants() -> BTreeSet<String> {
    let mut variants = BTreeSet::new();
    let mut within = None;
    for line in include_str!("../../src/aql/ast.rs").lines() {
        if let Some(rest) = line.strip_prefix("pub enum ") {
            within = rest.split(['<', ' ']).next();
        } else if line.starts_with('}') {
            within = None;
        } else if let (Some(of), Some(item)) = (within, line.strip_prefix("    "))
            && item.starts_with(|c: char| c.is_ascii_uppercase())
        {
            let name: String = item.chars().take_while(char::is_ascii_alphanumeric).collect();
            variants.insert(format!("{of}::{name}"));
        }
    }
    variants
}

#[test]
fn every_variant_of_the_syntax_tree_is_built() {
    let mut made = BTreeSet::new();
    for seed in 0..400_u64 {
        // SplitMix64 of the seed and the place.
        let choices: Vec<u8> = (0..400_u64)
            .map(|at| {
                let z = (seed * 400 + at).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                (z ^ (z >> 27)).to_le_bytes()[3]
            })
            .collect();
        made.extend(built(&choices).1);
    }
    let all = variants();
    assert!(all.len() > 90, "{all:?}");
    let missing: Vec<&String> = all.iter().filter(|variant| !made.contains(variant.as_str())).collect();
    assert!(missing.is_empty(), "never built: {missing:?}");
}
