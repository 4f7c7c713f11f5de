//! Schema sets: files in, a checked [`SchemaSet`] out, or every fault with file, line and column.
#![forbid(unsafe_code)]

mod model;

pub use model::*;
