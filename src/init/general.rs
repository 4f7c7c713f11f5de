//! `init -- COMMAND`: a general PID 1 that behaves as tini does. It starts one command, passes every signal on to it, reaps
//! whatever becomes an orphan, and ends as the command ended.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::Command;

use nix::sys::signal::Signal;
use rustix::event::{PollFd, PollFlags};
use rustix::process::Pid;

use super::child::{self, Change, End, Setup};
use super::signals::{self, Signals};

/// What tini's flags and environment variables say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// `-s`, `TINI_SUBREAPER`: adopt orphans even when not PID 1.
    pub subreaper: bool,
    /// `-g`, `TINI_KILL_PROCESS_GROUP`: signals go to the command's process group.
    pub group: bool,
    /// `-w`: say when an orphan was reaped.
    pub warn: bool,
    /// `-p SIGNAL`: get this signal when the parent dies.
    pub parent_death: Option<i32>,
    /// `-e CODE`: codes of the command that count as 0.
    pub successes: Vec<u8>,
    /// `-v`s, or `TINI_VERBOSITY`; 1 shows warnings, 2 what happens, 3 all.
    pub verbosity: u8,
}

/// A flag whose value means nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    /// `-p`.
    #[error("`{0}` is no signal; give a name such as SIGTERM, or a number")]
    Signal(String),
    /// `-e`.
    #[error("`{0}` is no exit code from 0 to 255")]
    Code(String),
}

impl Options {
    /// A signal by name, with or without `SIG`, or by number.
    pub fn signal(text: &str) -> Result<i32, OptionError> {
        let unknown = || OptionError::Signal(text.to_owned());
        if let Ok(number) = text.parse::<i32>() {
            return if (1..=64).contains(&number) {
                Ok(number)
            } else {
                Err(unknown())
            };
        }
        let upper = text.to_ascii_uppercase();
        let name = if upper.starts_with("SIG") {
            upper
        } else {
            format!("SIG{upper}")
        };
        (1..=64)
            .find(|number| signals::name(*number) == name)
            .ok_or_else(unknown)
    }

    /// An exit code.
    pub fn code(text: &str) -> Result<u8, OptionError> {
        text.parse().map_err(|_| OptionError::Code(text.to_owned()))
    }
}

/// Runs a command; gives the exit code.
pub fn general(options: &Options, command: &OsString, arguments: &[OsString]) -> u8 {
    let signals = match Signals::block() {
        Ok(signals) => signals,
        Err(error) => {
            say("FATAL", &format!("signals cannot be received: {error}"));
            return 1;
        }
    };
    let mut init = Init {
        options,
        signals,
        main: None,
    };
    if let Err(error) = init.prepare() {
        say("FATAL", &error);
        return 1;
    }
    match init.start(command, arguments) {
        Ok(pid) => {
            init.main = Some(pid);
            init.log(2, "INFO", || format!("started {} as process {pid}", command.display()));
        }
        Err(error) => {
            say("FATAL", &format!("{} cannot be executed: {error}", command.display()));
            // As a shell has it, and tini.
            return match error.kind() {
                io::ErrorKind::NotFound => 127,
                io::ErrorKind::PermissionDenied => 126,
                _ if error.raw_os_error() == Some(nix::libc::ENOEXEC) => 126,
                _ => 1,
            };
        }
    }
    init.run()
}

struct Init<'a> {
    options: &'a Options,
    signals: Signals,
    main: Option<Pid>,
}

impl Init<'_> {
    fn prepare(&self) -> Result<(), String> {
        if let Some(number) = self.options.parent_death {
            let signal =
                Signal::try_from(number).map_err(|_| format!("signal {number} cannot tell of a parent's death"))?;
            nix::sys::prctl::set_pdeathsig(signal).map_err(|error| format!("the parent cannot be watched: {error}"))?;
        }
        if self.options.subreaper {
            rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
                .map_err(|error| format!("orphans cannot be adopted: {error}"))?;
        } else if std::process::id() != 1 && rustix::process::child_subreaper().is_ok_and(|set| set.is_none()) {
            self.log(1, "WARN", || {
                "not PID 1 and no subreaper: orphans are not reaped; use -s, or set TINI_SUBREAPER".to_owned()
            });
        }
        Ok(())
    }

    fn start(&self, command: &OsString, arguments: &[OsString]) -> io::Result<Pid> {
        let setup = Setup {
            mask: self.signals.inherited,
            death_signal: None,
            foreground: true,
        };
        child::spawn(Command::new(command).args(arguments), &setup)
    }

    fn run(&self) -> u8 {
        loop {
            let mut fds = [PollFd::new(&self.signals, PollFlags::IN)];
            let _ = rustix::event::poll(&mut fds, None);
            while let Some(signal) = self.signals.next() {
                // Ours. The terminal's stops are its user's business with the command's group, which has the terminal.
                let own = [Signal::SIGCHLD, Signal::SIGTTIN, Signal::SIGTTOU];
                if !own.iter().any(|own| *own as i32 == signal.number) {
                    self.pass_on(signal.number);
                }
            }
            if let Some(end) = self.reap() {
                // What ended together with it is reaped, too.
                while self.reap().is_some() {}
                let code = end.code();
                self.log(2, "INFO", || format!("the command ended with {end}"));
                return if self.options.successes.contains(&code) {
                    0
                } else {
                    code
                };
            }
        }
    }

    fn pass_on(&self, number: i32) {
        let Some(main) = self.main else { return };
        let pid = main.as_raw_nonzero().get();
        let target = if self.options.group { pid.saturating_neg() } else { pid };
        self.log(2, "INFO", || format!("{} is passed on", signals::name(number)));
        if let Err(error) = child::kill(target, number) {
            self.log(1, "WARN", || {
                format!("{} was not passed on: {error}", signals::name(number))
            });
        }
    }

    /// Reaps everybody; gives the command's end when it is among them.
    fn reap(&self) -> Option<End> {
        while let Some((pid, change)) = child::reap() {
            match change {
                Change::Ended(end) if self.main == Some(pid) => return Some(end),
                Change::Ended(end) => {
                    let level = if self.options.warn { 0 } else { 2 };
                    self.log(level, "WARN", || format!("reaped orphan {pid}: {end}"));
                }
                Change::Stopped | Change::Continued => {}
            }
        }
        None
    }

    fn log(&self, level: u8, name: &str, text: impl FnOnce() -> String) {
        if self.options.verbosity >= level {
            say(name, &text());
        }
    }
}

fn say(level: &str, text: &str) {
    // Standard error may be closed or full; neither is a reason to end.
    let _ = writeln!(
        io::stderr(),
        "[{level}  mallku-db init ({})] {text}",
        std::process::id()
    );
}

/// tini's environment variables, added to its flags.
pub fn with_environment(mut options: Options) -> Options {
    options.subreaper |= std::env::var_os("TINI_SUBREAPER").is_some();
    options.group |= std::env::var_os("TINI_KILL_PROCESS_GROUP").is_some();
    if let Some(level) = std::env::var("TINI_VERBOSITY").ok().and_then(|text| text.parse().ok()) {
        options.verbosity = level;
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_by_name_and_number() {
        for (text, number) in [("SIGTERM", 15), ("term", 15), ("9", 9), ("RTMIN+3", 37), ("64", 64)] {
            assert_eq!(Options::signal(text), Ok(number), "{text}");
        }
        for text in ["", "0", "65", "-9", "SIGNOTHING"] {
            assert!(Options::signal(text).is_err(), "{text}");
        }
    }
}
