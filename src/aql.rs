//! AQL: text to tokens to a syntax tree with spans; diagnostics; normal form and fingerprint; the function table.
//!
//! INVARIANT: this module knows nothing of schemas, networks or processes, and is total: any text gives a tree or an error.
#![forbid(unsafe_code)]

pub mod ast;
