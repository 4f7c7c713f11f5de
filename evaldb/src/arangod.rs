//! arangod's part: command line, data directory, start phases, signals and exit codes, as somebody who supervises an
//! arangod process sees them.
//!
//! The process is one straight line from [`main`]: options, directory, lock, recovery, users, listen, ready, serve, stop.
//! Each step that fails ends the process with the exit code that arangod has for it.

pub(crate) mod accounts;
mod clock;
mod directory;
mod endpoint;
mod journal;
mod lifecycle;
pub mod options;
mod secrets;

pub(crate) use clock::now;
pub(crate) use directory::DataDirectory;
pub(crate) use journal::{Journal, Level};
pub use lifecycle::main;
pub(crate) use lifecycle::{Event, IDENTITY, Phase, Progress};
pub(crate) use secrets::JwtSecrets;

/// Why a start ends, with arangod's exit code for it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct StartError {
    /// arangod's exit code.
    pub(crate) code: u8,
    /// arangod's log id of the line, where it is known.
    pub(crate) id: &'static str,
    /// What is wrong, in a sentence.
    pub(crate) message: String,
}

impl StartError {
    pub(crate) fn new(code: u8, id: &'static str, message: impl Into<String>) -> Self {
        StartError {
            code,
            id,
            message: message.into(),
        }
    }
}
