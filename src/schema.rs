//! Schema sets: files in, a checked [`SchemaSet`] out, or every fault with file, line and column.
#![forbid(unsafe_code)]

mod model;
mod shape;
mod validator;

pub use model::*;
pub use shape::*;
pub use validator::{Pattern, Validator, Violation};
