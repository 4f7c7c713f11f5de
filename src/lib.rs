//! mallku-db: one static binary that is an ArangoDB container's init and its query firewall.
//!
//! The layers, lowest first, and what each may use, are in ARCHITECTURE.md.

pub mod aql;
pub mod cli;
pub mod config;
pub mod gate;
pub mod init;
pub mod judge;
pub mod schema;
pub mod state;
