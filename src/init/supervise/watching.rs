//! The watch as a child: started with the database, heard, renewed when it ends.

use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::super::datadir::Past;
use super::super::relay::Stream;
use super::super::report::Level;
use super::super::watch::{self, Task, Word};
use super::*;

/// First wait before a watch that ended is started again; doubled each time.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The watch process, if there is one.
#[derive(Default)]
pub(super) struct Watch {
    pub(super) pid: Option<Pid>,
    words: Option<Stream>,
    pub(super) restart_at: Option<Instant>,
    failures: u32,
    fault: String,
    /// Ended by us so that another takes its place.
    renewed: bool,
}

impl Watch {
    pub(super) fn stream(&self) -> Option<&Stream> {
        self.words.as_ref()
    }
}

impl Supervisor<'_> {
    pub(super) fn start_watch(&mut self) {
        if self.watch.pid.is_some() || self.database.is_none() || self.stop.is_some() {
            return;
        }
        match self.spawn_watch() {
            Ok((pid, words)) => {
                self.watch.pid = Some(pid);
                self.watch.words = Some(words);
                self.watch.fault.clear();
            }
            Err(error) => {
                self.report.error(format!("the watch cannot be started: {error}"));
                self.renew_watch_later();
            }
        }
    }

    fn spawn_watch(&self) -> std::io::Result<(Pid, Stream)> {
        let served = self.database.as_ref().is_some_and(|running| running.ready.is_some());
        let task = match self.prepared.past {
            _ if served => Task::Again,
            _ if self.initialised => Task::Later,
            Past::Fresh => Task::First,
            Past::Unmarked => Task::Unmarked,
            Past::Ours => Task::Later,
        };
        let (words, words_writer) = std::io::pipe()?;
        let (password_reader, mut password) = std::io::pipe()?;
        if let Some(secret) = &self.prepared.password {
            // 1 KiB at most: a new pipe takes it without waiting.
            password.write_all(secret.reveal().as_bytes())?;
        }
        drop(password);
        let mut command = own_role(&["watch", task.name()]);
        command
            .stdin(Stdio::from(OwnedFd::from(password_reader)))
            .stdout(words_writer);
        self.prepared.who.as_database(&mut command);
        let pid = child::spawn(&mut command, &self.setup())?;
        Ok((pid, Stream::new(OwnedFd::from(words), Level::Info)?))
    }

    /// Reads what the watch says.
    pub(super) fn take_words(&mut self) {
        let Some(stream) = &mut self.watch.words else { return };
        let mut words = Vec::new();
        let flow = stream.read(|line| words.extend(Word::parse(line.message)));
        if flow == Flow::Closed {
            self.watch.words = None;
        }
        for word in words {
            self.on_word(word);
        }
    }

    fn on_word(&mut self, word: Word) {
        if self.stop.is_some() {
            return;
        }
        match word {
            Word::Progress(text) => {
                if let Some(running) = &mut self.database {
                    running.moved(Instant::now());
                }
                self.enter(Phase::Starting, &format!("the database starts: {text}"));
            }
            Word::Version(version) => self.state.database.version = version,
            Word::Initialised => self.initialised = true,
            Word::Ready => {
                self.watch.failures = 0;
                self.on_ready();
            }
            Word::Unavailable(reason) => {
                if let Some(running) = &mut self.database {
                    running.moved(Instant::now());
                }
                self.report
                    .warn(format!("{reason} and is not asked for anything until it serves again"));
                self.falter(&reason);
            }
            Word::Silent => self.on_silence(),
            Word::Fault(text) => self.watch.fault = text,
        }
        self.dirty = true;
    }

    pub(super) fn on_watch_end(&mut self, end: End) {
        self.watch.pid = None;
        self.watch.words = None;
        if self.stop.is_some() || self.database.is_none() {
            return;
        }
        if std::mem::take(&mut self.watch.renewed) {
            self.start_watch();
            return;
        }
        let served = self.database.as_ref().is_some_and(|running| running.ready.is_some());
        let fault = std::mem::take(&mut self.watch.fault);
        match end {
            End::Exited(watch::INVALID) if !served => self.give_up(watch::INVALID, &fault),
            End::Exited(watch::UNTRUSTED) => self.give_up(1, &fault),
            _ => {
                let why = if fault.is_empty() { end.to_string() } else { fault };
                self.report.warn(format!("the watch ended and is started again: {why}"));
                self.renew_watch_later();
            }
        }
    }

    fn renew_watch_later(&mut self) {
        let wait = FIRST_WAIT
            .saturating_mul(1 << self.watch.failures.min(10))
            .min(LONGEST_WAIT);
        self.watch.failures = self.watch.failures.saturating_add(1);
        self.watch.restart_at = Some(Instant::now() + wait);
    }

    /// Starts a new watch in place of the old one, which then reads schemas and passwords anew.
    pub(super) fn renew_watch(&mut self) {
        if let Some(pid) = self.watch.pid {
            self.watch.renewed = true;
            send(pid, Signal::SIGKILL);
        }
    }

    /// Ends the watch with its database.
    pub(super) fn end_watch(&mut self) {
        self.watch.restart_at = None;
        self.watch.failures = 0;
        // It keeps nothing that could be lost.
        if let Some(pid) = self.watch.pid.take() {
            send(pid, Signal::SIGKILL);
            self.retired.push(pid);
        }
        self.watch.words = None;
    }
}

/// A command that is this binary in another role, with our environment and without the secrets in it.
pub(super) fn own_role(arguments: &[&str]) -> Command {
    let mut command = Command::new(own_program());
    command.arg0_named("mallku-db").args(arguments);
    for secret in ["ARANGO_ROOT_PASSWORD", "ARANGODB_DEFAULT_ROOT_PASSWORD"] {
        command.env_remove(secret);
    }
    command
}

/// The running file itself, even if its path was replaced meanwhile; by its path where `/proc` is not mounted.
fn own_program() -> PathBuf {
    let running = Path::new("/proc/self/exe");
    if running.exists() {
        return running.to_owned();
    }
    std::env::args_os()
        .next()
        .map_or_else(|| running.to_owned(), PathBuf::from)
}

trait Arg0 {
    fn arg0_named(&mut self, name: &str) -> &mut Self;
}

impl Arg0 for Command {
    fn arg0_named(&mut self, name: &str) -> &mut Self {
        std::os::unix::process::CommandExt::arg0(self, name)
    }
}
