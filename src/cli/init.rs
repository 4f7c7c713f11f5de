//! `run` with the role that it gives a child of its own, `init` and `health`.

use std::ffi::OsStr;

use crate::config::Config;
use crate::init;
use crate::init::general::{self, OptionError, Options};
use crate::init::health::{self, Probe};

use super::arguments::{Arguments, Command, Flag, Operands};
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

pub(super) static INIT: Command = Command {
    name: "init",
    summary: "Be PID 1 for any command: pass signals on, reap orphans, end as it ends",
    details: "\
Flags mean what they mean in tini, whose variables TINI_SUBREAPER, TINI_KILL_PROCESS_GROUP and TINI_VERBOSITY count as well.
Ends with the command's code, or 128 and the number of the signal that ended it; 127 when there is no such command, 126 when it
cannot be executed.",
    flags: &[
        short('s', None, false, "Adopt orphans even when not PID 1"),
        short('g', None, false, "Send signals to the command's process group"),
        short('w', None, false, "Say when an orphan was reaped"),
        short('p', Some("SIGNAL"), false, "Get this signal when the parent dies"),
        short('e', Some("CODE"), true, "Count this exit code of the command as 0"),
        short('v', None, true, "Say more; up to three times"),
    ],
    operands: Operands::CommandLine("COMMAND"),
    run: init,
};

pub(super) static HEALTH: Command = Command {
    name: "health",
    summary: "Ask the gate on this host whether it is healthy; for HEALTHCHECK and probes",
    details: "\
Asks `/health` at the first address of MALLKU_LISTEN, over TLS when MALLKU_TLS_CERT is set. Ends with 0 when the answer is 200,
else with 1 and one line that says why.",
    flags: &[
        Flag::switch("live", "Ask only whether the gate lives (`/livez`)"),
        Flag::switch("ready", "Ask whether it may get traffic (`/readyz`)"),
    ],
    operands: Operands::None,
    run: health,
};

pub(super) static CONF_CHECK: Command = Command {
    name: "conf check",
    summary: "Check a configuration file of arangod before arangod sees it",
    details: "\
Reads FILE, `-` for standard input, or without either $MALLKU_ARANGOD_CONF. Names options that do not exist, with the right
ones, and those that would open a way around the gate or take something out of PID 1's hands. Ends with 1 when `run` would
refuse the file. With --options every option of a release is known: `arangod --dump-options > options.json`, which `run` asks
the arangod that it starts.",
    flags: &[Flag::value("options", "FILE", "What `arangod --dump-options` printed")],
    operands: Operands::One("FILE"),
    run: conf_check,
};

fn conf_check(arguments: &Arguments, streams: &mut Streams<'_>) -> Exit {
    let given = arguments
        .operands
        .first()
        .cloned()
        .or_else(|| std::env::var_os("MALLKU_ARANGOD_CONF"));
    let Some(file) = given.filter(|file| !file.is_empty()) else {
        streams.complain("error: no file to check\n\nTry `mallku-db conf check --help`.");
        return Exit::Usage;
    };
    let text = if file == "-" {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(&file)
    };
    let text = match text {
        Ok(text) => text,
        Err(error) => {
            streams.complain(format_args!("error: {} cannot be read: {error}", file.display()));
            return Exit::Usage;
        }
    };
    let known = match arguments.value("options").map(known_options).transpose() {
        Ok(known) => known,
        Err(message) => {
            streams.complain(format_args!("error: {message}"));
            return Exit::Usage;
        }
    };
    let findings = init::conf::check(&text, known.as_ref());
    for finding in &findings {
        streams.say(format_args!("{}:{finding}", file.display()));
    }
    if findings.iter().any(|finding| finding.refused) {
        Exit::Denied
    } else {
        Exit::Done
    }
}

fn known_options(file: &OsStr) -> Result<init::conf::KnownOptions, String> {
    let shown = file.display();
    let text = std::fs::read_to_string(file).map_err(|error| format!("{shown} cannot be read: {error}"))?;
    init::conf::KnownOptions::parse(&text).ok_or_else(|| format!("{shown} is not what `arangod --dump-options` prints"))
}

const fn short(short: char, value: Option<&'static str>, repeats: bool, help: &'static str) -> Flag {
    Flag {
        long: "",
        short: Some(short),
        value,
        repeats,
        help,
    }
}

fn init(arguments: &Arguments, streams: &mut Streams<'_>) -> Exit {
    let Some((command, rest)) = arguments.operands.split_first() else {
        streams.complain("error: no command to run\n\nTry `mallku-db init --help`.");
        return Exit::Usage;
    };
    match options(arguments) {
        Ok(options) => Exit::Code(general::general(&options, command, rest)),
        Err(error) => {
            streams.complain(format_args!("error: {error}"));
            Exit::Usage
        }
    }
}

fn options(arguments: &Arguments) -> Result<Options, OptionError> {
    let parent_death = arguments
        .value("p")
        .map(|text| Options::signal(&text.to_string_lossy()));
    let successes = arguments.values("e").map(|text| Options::code(&text.to_string_lossy()));
    let options = Options {
        subreaper: arguments.has("s"),
        group: arguments.has("g"),
        warn: arguments.has("w"),
        parent_death: parent_death.transpose()?,
        successes: successes.collect::<Result<_, _>>()?,
        // tini shows its warnings without being asked.
        verbosity: u8::try_from(arguments.count("v")).unwrap_or(u8::MAX).saturating_add(1),
    };
    Ok(general::with_environment(options))
}

fn health(arguments: &Arguments, streams: &mut Streams<'_>) -> Exit {
    let config = match Config::from_process() {
        Ok(config) => config,
        Err(error) => {
            streams.complain(format_args!("error: {error}"));
            return Exit::Usage;
        }
    };
    let probe = match (arguments.has("live"), arguments.has("ready")) {
        (true, _) => Probe::Live,
        (false, true) => Probe::Ready,
        (false, false) => Probe::Healthy,
    };
    let Some(address) = config.listen.first() else {
        return Exit::Denied;
    };
    match health::health(*address, config.tls.is_some(), probe) {
        Ok(()) => Exit::Done,
        Err(error) => {
            streams.complain(error);
            Exit::Denied
        }
    }
}

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
