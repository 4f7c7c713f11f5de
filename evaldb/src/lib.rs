//! The evaluation database: ArangoDB's query language and data model in memory, on the project's own syntax tree.
//!
//! It is what the demo runs on where no ArangoDB can be had, what the tests run against by default, and the oracle that
//! proves the judge. It is no product: nothing here is durable, fast on large data, or meant for production.
//!
//! - [`value`]: JSON values with ArangoDB's order and conversions;
//! - [`store`]: databases, collections, documents, views, graphs;
//! - [`query`]: running a query; [`trace`]: what it touched;
//! - [`error`]: ArangoDB's error numbers;
//! - [`arangod`]: the server process: command line, data directory, signals, with ArangoDB's HTTP interface.

#![allow(clippy::single_match_else, reason = "two cases of a value read best as two arms")]

pub mod arangod;
pub mod error;
mod eval;
mod functions;
mod http;
pub mod query;
pub mod store;
pub mod trace;
mod unruly;
pub mod value;
