//! The server as a process: its start and end, its HTTP interface, and its misbehaviour on command.

mod client;
mod interface;
mod lifecycle;
mod server;
mod unruly;
