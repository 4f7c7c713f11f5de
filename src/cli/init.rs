//! `run`, and the role that it gives a child of its own.

use crate::config::Config;
use crate::init;

use super::arguments::{Arguments, Command, Operands};
use super::{Exit, Streams};

pub(super) static RUN: Command = Command {
    name: "run",
    summary: "Start, supervise and firewall the database: the image's entry point",
    details: "\
Checks the environment and the directories, starts arangod on a private Unix socket, secures root, creates what the schemas
declare, and opens the gate. SIGTERM and SIGINT drain and stop everything, SIGHUP reloads schemas and certificates, SIGUSR1
writes the state to the log. Ends with 0 when it was asked to stop, with 3 when configuration, secrets or schemas are invalid,
else with arangod's own code, or 128 and the signal's number.

docs/pid1.md has the environment, the files and every fault with what follows from it.",
    flags: &[],
    operands: Operands::None,
    run,
};

pub(super) static WATCH: Command = Command {
    name: "watch",
    summary: "Speak to the database for `run`, which starts this itself",
    details: "\
Waits until the database answers, secures root, creates what the schemas declare, and then asks again and again whether the
database lives. Not for people: it takes root's password on standard input and talks to PID 1 on standard output.",
    flags: &[],
    operands: Operands::One("TASK"),
    run: watch,
};

fn run(_: &Arguments, streams: &mut Streams<'_>) -> Exit {
    let config = Config::from_process().and_then(|config| config.check_for_run().map(|()| config));
    match config {
        Ok(config) => Exit::Code(init::run(&config)),
        Err(error) => {
            for fault in error.faults {
                streams.complain(format_args!("error: {fault}"));
            }
            Exit::InvalidSchemas
        }
    }
}

fn watch(arguments: &Arguments, _: &mut Streams<'_>) -> Exit {
    let task = arguments
        .operands
        .first()
        .and_then(|task| task.to_str())
        .unwrap_or_default();
    Exit::Code(init::watch(task))
}
