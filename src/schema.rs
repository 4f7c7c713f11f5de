//! Schema sets: files in, a checked [`SchemaSet`] out, or every fault with file, line and column.
#![forbid(unsafe_code)]

mod attributes;
mod collection;
mod directory;
mod documents;
pub mod drawing;
mod fault;
mod fields;
mod json;
mod keywords;
mod link;
mod load;
mod merge;
mod model;
mod policy;
mod shape;
mod takes;
mod validator;
mod vocabulary;

pub use fault::{Fault, Faults, Place};
pub use model::*;
pub use shape::*;
pub use takes::{Bounds, EXACT, Takes};
pub use validator::{Pattern, Validator, Violation, copy_bytes, count_values, is_large};

#[cfg(test)]
mod tests;
