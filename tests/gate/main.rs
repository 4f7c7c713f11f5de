//! The gate as a process, in front of databases that record what reaches them: over TLS, in clusters, against raw bytes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot set itself up has failed"
)]

mod cluster;
mod coordinator;
mod evaluation;
mod framing;
mod masking;
mod process;
mod tls;
