//! The server as a process: its start and end, its HTTP interface, and its misbehaviour on command.

#![allow(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "what a test cannot do without is there or the test fails; values are built on the spot"
)]

mod client;
mod interface;
mod lifecycle;
mod server;
mod unruly;
