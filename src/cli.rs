//! The command line: one table of commands drives parsing, `--help` and docs/cli.md.
//!
//! INVARIANT: nothing is said of a command in two places. What is not in the table is no command.
#![forbid(unsafe_code)]

mod arguments;
mod check;
mod gate;
mod help;
mod init;
mod input;
mod parse;
mod policy_tests;
mod schema;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

pub use arguments::{Arguments, Command, Flag, Operands};

/// Every command, in the order of the help. A new one is a line here and a `Command` where it lives.
pub static COMMANDS: &[&Command] = &[
    // Roles of a running container.
    &init::RUN,
    &gate::GATE,
    &init::INIT,
    &init::HEALTH,
    &init::CONF_CHECK,
    &init::WATCH,
    // Judging without a server.
    &check::COMMAND,
    &parse::COMMAND,
    &policy_tests::COMMAND,
    // The schema set itself.
    &schema::CHECK,
    &schema::GRAPH,
];

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done; everything was admitted.
    Done,
    /// A query was denied, or a check failed.
    Denied,
    /// Wrong usage, or input that cannot be read.
    Usage,
    /// The schema set is invalid.
    InvalidSchemas,
    /// The code of a role that has its own (`run`, `init`).
    Code(u8),
}

impl Exit {
    /// The code that the process ends with.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Denied => 1,
            Self::Usage => 2,
            Self::InvalidSchemas => 3,
            Self::Code(code) => code,
        }
    }
}

/// Where a command writes. Tests read it back.
pub struct Streams<'a> {
    /// Standard output: what was asked for.
    pub out: &'a mut dyn Write,
    /// Standard error: what went wrong.
    pub err: &'a mut dyn Write,
}

impl Streams<'_> {
    /// Writes to standard output. A reader that has gone away (`| head`) is no error of ours.
    pub fn say(&mut self, text: impl std::fmt::Display) {
        let _ = writeln!(self.out, "{text}");
    }

    /// Writes to standard error.
    pub fn complain(&mut self, text: impl std::fmt::Display) {
        let _ = writeln!(self.err, "{text}");
    }
}

/// Runs the command that the process was called with.
pub fn main() -> ExitCode {
    let mut arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if arguments.is_empty() && std::process::id() == 1 {
        arguments.push("run".into());
    }
    let (stdout, stderr) = (io::stdout(), io::stderr());
    let mut out = io::BufWriter::new(stdout.lock());
    let mut err = stderr;
    let exit = run(
        arguments,
        &mut Streams {
            out: &mut out,
            err: &mut err,
        },
    );
    let _ = out.flush();
    ExitCode::from(exit.code())
}

/// Runs a command with these arguments, the program's name left out.
pub fn run(arguments: Vec<OsString>, streams: &mut Streams<'_>) -> Exit {
    match arguments::parse(arguments, COMMANDS) {
        Ok(arguments::Call::Run(command, arguments)) => (command.run)(&arguments, streams),
        Ok(arguments::Call::Help(None)) => {
            streams.say(help::overview(COMMANDS).trim_end());
            Exit::Done
        }
        Ok(arguments::Call::Help(Some(command))) => {
            streams.say(help::command(command).trim_end());
            Exit::Done
        }
        Ok(arguments::Call::Version) => {
            streams.say(version());
            Exit::Done
        }
        Err(error) => {
            streams.complain(format_args!("error: {error}"));
            Exit::Usage
        }
    }
}

/// Version, commit and target, as `--version` prints them.
pub fn version() -> String {
    format!(
        "mallku-db {} ({}, {})",
        env!("CARGO_PKG_VERSION"),
        env!("MALLKU_BUILD_COMMIT"),
        env!("MALLKU_BUILD_TARGET")
    )
}
