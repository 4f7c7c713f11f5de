//! Misbehaviour on command, so that whoever supervises or talks to the server can be tested against it.
//!
//! Every setting is an environment variable that begins with `EVALDB_UNRULY_`. A supervisor that scrubs the environment of
//! its children does not pass them on; the same `NAME=value` lines are therefore also read from a file beside the program,
//! named like it with `.env` appended (`/tmp/x/arangod` → `/tmp/x/arangod.env`). The environment wins.
//!
//! docs/evaldb.md has the table. Nothing here is active unless it is asked for.

pub(crate) mod wire;

use crate::arangod::Phase;
use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use wire::WireFaults;

/// The first argument of the processes that [`Unruly`] leaves behind.
const ORPHAN_ARGUMENT: &str = "--evaldb-orphans";

/// A setting that cannot be understood.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingError {
    #[error("unknown variable {0}")]
    Unknown(String),
    #[error("{name}: {value:?} is not {wanted}")]
    Value {
        name: String,
        value: String,
        wanted: &'static str,
    },
}

/// How a process ends itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Code(u8),
    Signal(i32),
}

/// The settings in force.
#[derive(Debug, Default)]
pub(crate) struct Unruly {
    /// Misbehave only at the first so many starts on a data directory.
    starts: Option<u64>,
    crash: Option<(Phase, End)>,
    crash_after: Duration,
    crash_request: Option<u64>,
    hang_at: Option<Phase>,
    hang_after: Duration,
    start_delay: Duration,
    stop_delay: Duration,
    ignore_term: bool,
    lock_held: bool,
    orphans: u32,
    orphan_life: Duration,
    flood_bytes: u64,
    reexec_after: Option<Duration>,
    /// Answer availability probes with 503 for ever.
    pub(crate) unavailable: bool,
    /// Refuse every token.
    pub(crate) deny_tokens: bool,
    /// Say that a password was set, and do not set it.
    pub(crate) forget_passwords: bool,
    /// Only requests whose target contains this are treated badly.
    requests: String,
    answer_delay: Duration,
    wire: Option<WireFaults>,
    state: State,
}

#[derive(Debug, Default)]
struct State {
    hung: AtomicBool,
    requests: AtomicU64,
}

/// `EVALDB_` variables that are no misbehaviour.
const OTHERS: &[&str] = &["EVALDB_VERSION", "EVALDB_EDITION", "EVALDB_REEXECED"];

/// The `EVALDB_` settings from the file beside the program and from the environment.
pub(crate) fn settings(program: Option<&str>) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let file = program.map(|program| format!("{program}.env"));
    if let Some(text) = file.and_then(|file| std::fs::read_to_string(file).ok()) {
        let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
        found.extend(
            lines
                .filter_map(|line| line.split_once('='))
                .map(|(n, v)| (n.trim().to_owned(), v.trim().to_owned())),
        );
    }
    found.extend(
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
    );
    found.retain(|name, _| name.starts_with("EVALDB_"));
    found
}

impl Unruly {
    pub(crate) fn from_settings(settings: &BTreeMap<String, String>) -> Result<Unruly, SettingError> {
        let mut unruly = Unruly {
            orphan_life: Duration::from_millis(50),
            ..Unruly::default()
        };
        let (mut crash_at, mut crash_end) = (None, None);
        let mut wire = WireFaults::default();
        for (name, value) in settings {
            let Some(short) = name.strip_prefix("EVALDB_UNRULY_") else {
                if OTHERS.contains(&name.as_str()) {
                    continue;
                }
                return Err(SettingError::Unknown(name.clone()));
            };
            let bad = |wanted| SettingError::Value {
                name: name.clone(),
                value: value.clone(),
                wanted,
            };
            let number = || value.parse::<u64>().map_err(|_| bad("a number"));
            let millis = || number().map(Duration::from_millis);
            let flag = || value.parse::<bool>().map_err(|_| bad("true or false"));
            let phase = || Phase::parse(value).ok_or_else(|| bad(Phase::NAMES));
            match short {
                "STARTS" => unruly.starts = Some(number()?),
                "CRASH_AT" => crash_at = Some(phase()?),
                "CRASH_AFTER_MS" => {
                    crash_at = crash_at.or(Some(Phase::Ready));
                    unruly.crash_after = millis()?;
                }
                "CRASH_CODE" => crash_end = Some(End::Code(value.parse().map_err(|_| bad("an exit code"))?)),
                "CRASH_SIGNAL" => crash_end = Some(End::Signal(signal_number(value).ok_or_else(|| bad("a signal"))?)),
                "CRASH_REQUEST" => unruly.crash_request = Some(number()?),
                "HANG_AT" => unruly.hang_at = Some(phase()?),
                "HANG_AFTER_MS" => unruly.hang_after = millis()?,
                "START_DELAY_MS" => unruly.start_delay = millis()?,
                "STOP_DELAY_MS" => unruly.stop_delay = millis()?,
                "IGNORE_TERM" => unruly.ignore_term = flag()?,
                "LOCK" => unruly.lock_held = (value == "held").then_some(true).ok_or_else(|| bad("\"held\""))?,
                "ORPHANS" => unruly.orphans = value.parse().map_err(|_| bad("a number"))?,
                "ORPHAN_LIFE_MS" => unruly.orphan_life = millis()?,
                "FLOOD_STDERR" => unruly.flood_bytes = number()?,
                "REEXEC_AFTER_MS" => unruly.reexec_after = Some(millis()?),
                "UNAVAILABLE" => unruly.unavailable = flag()?,
                "DENY_TOKENS" => unruly.deny_tokens = flag()?,
                "FORGET_PASSWORDS" => unruly.forget_passwords = flag()?,
                "REQUESTS" => unruly.requests.clone_from(value),
                "ANSWER_DELAY_MS" => unruly.answer_delay = millis()?,
                "CUT_AFTER" => wire.cut_after = Some(value.parse().map_err(|_| bad("a number"))?),
                "MALFORMED" => {
                    wire.malformed = Some(wire::Malformed::parse(value).ok_or_else(|| bad(wire::Malformed::NAMES))?);
                }
                "ANSWERS" => wire.answers = Some(number()?),
                _ => return Err(SettingError::Unknown(name.clone())),
            }
        }
        if crash_at.is_some() || crash_end.is_some() {
            unruly.crash = Some((crash_at.unwrap_or(Phase::Ready), crash_end.unwrap_or(End::Code(1))));
        }
        wire.requests.clone_from(&unruly.requests);
        unruly.wire = wire.any().then_some(wire);
        Ok(unruly)
    }

    /// Counts this start in the data directory and turns everything off when it is one too many.
    pub(crate) fn count_start(&mut self, directory: &Path) {
        let Some(limit) = self.starts else { return };
        let file = directory.join("engine-rocksdb/evaldb-starts");
        let earlier = std::fs::read_to_string(&file)
            .ok()
            .and_then(|text| text.trim().parse::<u64>().ok())
            .unwrap_or(0);
        let _ = file.parent().map(std::fs::create_dir_all);
        let _ = std::fs::write(&file, earlier.saturating_add(1).to_string());
        if earlier >= limit {
            *self = Unruly::default();
        }
    }

    /// Called as the start reaches a phase: crashes or hangs there if that is wanted.
    pub(crate) fn at(&'static self, phase: Phase) {
        let crash = self
            .crash
            .filter(|(at, _)| *at == phase && self.crash_request.is_none());
        if let Some((_, end)) = crash {
            later(self.crash_after, move || die(end));
        }
        if self.hang_at == Some(phase) {
            if phase == Phase::Ready {
                later(self.hang_after, || self.state.hung.store(true, Ordering::Relaxed));
            } else {
                hang();
            }
        }
        match phase {
            Phase::Lock => self.flood(),
            Phase::Recovery => std::thread::sleep(self.start_delay),
            Phase::Ready => {
                self.leave_orphans();
                if let Some(after) = self.reexec_after {
                    later(after, reexec);
                }
            }
            _ => {}
        }
    }

    pub(crate) fn lock_is_held(&self) -> bool {
        self.lock_held
    }

    pub(crate) fn ignores_term(&self) -> bool {
        self.ignore_term
    }

    /// How long recovery is to take.
    pub(crate) fn start_delay(&self) -> Duration {
        self.start_delay
    }

    /// Called when an orderly stop begins.
    pub(crate) fn before_stop(&self) {
        std::thread::sleep(self.stop_delay);
    }

    /// Called before each request is handled.
    pub(crate) fn before_answer(&self, target: &str) {
        if self.state.hung.load(Ordering::Relaxed) {
            hang();
        }
        if !target.contains(&self.requests) {
            return;
        }
        if let Some(wanted) = self.crash_request
            && self.state.requests.fetch_add(1, Ordering::Relaxed).saturating_add(1) == wanted
        {
            die(self.crash.map_or(End::Signal(9), |(_, end)| end));
        }
        if !self.answer_delay.is_zero() {
            std::thread::sleep(self.answer_delay);
        }
    }

    /// What is to be done to answers on their way out.
    pub(crate) fn wire(&self) -> Option<&WireFaults> {
        self.wire.as_ref()
    }

    fn flood(&self) {
        if self.flood_bytes == 0 {
            return;
        }
        let wanted = self.flood_bytes;
        std::thread::spawn(move || {
            let line = format!("{}\n", "evaldb floods its standard error ".repeat(4));
            let mut written = 0;
            while written < wanted && std::io::stderr().write_all(line.as_bytes()).is_ok() {
                written = written.saturating_add(line.len() as u64);
            }
        });
    }

    /// Starts a process that starts the orphans and ends at once: they belong to nobody then.
    fn leave_orphans(&self) {
        if self.orphans == 0 {
            return;
        }
        let arguments = [
            ORPHAN_ARGUMENT.to_owned(),
            self.orphans.to_string(),
            self.orphan_life.as_millis().to_string(),
        ];
        std::thread::spawn(move || {
            let _ = own_program().args(arguments).status();
        });
    }
}

/// Runs `work` after a time, at once when there is none.
fn later(delay: Duration, work: impl FnOnce() + Send + 'static) {
    if delay.is_zero() {
        work();
        return;
    }
    std::thread::spawn(move || {
        std::thread::sleep(delay);
        work();
    });
}

fn hang() -> ! {
    loop {
        std::thread::park();
    }
}

fn die(end: End) -> ! {
    if let End::Signal(signal) = end {
        let _ = signal_hook::low_level::emulate_default_handler(signal);
    }
    // Not through exit handlers: a crash cleans nothing up.
    let code = if let End::Code(code) = end { i32::from(code) } else { 1 };
    signal_hook::low_level::exit(code)
}

/// Replaces the program in place under the same process id, as arangod does after a restore. A second time it stays.
fn reexec() {
    if std::env::var_os("EVALDB_REEXECED").is_some() {
        return;
    }
    let mut command = own_program();
    if let Some(program) = std::env::args_os().next() {
        command.arg0(program);
    }
    let _error = command
        .args(std::env::args_os().skip(1))
        .env("EVALDB_REEXECED", "1")
        .exec();
}

fn own_program() -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.stdin(Stdio::null());
    command
}

/// The part of the orphans: `--evaldb-orphans COUNT MILLISECONDS` starts them, with COUNT 0 it is one.
pub(crate) fn orphan_role(arguments: &[String]) -> bool {
    let [first, count, life] = arguments else { return false };
    if first != ORPHAN_ARGUMENT {
        return false;
    }
    let (Ok(count), Ok(life_ms)) = (count.parse::<u32>(), life.parse::<u64>()) else {
        return false;
    };
    if count == 0 {
        std::thread::sleep(Duration::from_millis(life_ms));
    }
    for _ in 0..count {
        let _ = own_program().args([ORPHAN_ARGUMENT, "0", life]).spawn();
    }
    true
}

fn signal_number(text: &str) -> Option<i32> {
    const NAMES: &[(&str, i32)] = &[
        ("HUP", 1),
        ("INT", 2),
        ("QUIT", 3),
        ("ILL", 4),
        ("TRAP", 5),
        ("ABRT", 6),
        ("BUS", 7),
        ("FPE", 8),
        ("KILL", 9),
        ("USR1", 10),
        ("SEGV", 11),
        ("USR2", 12),
        ("PIPE", 13),
        ("ALRM", 14),
        ("TERM", 15),
    ];
    let name = text.to_ascii_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    NAMES
        .iter()
        .find_map(|(known, number)| (*known == name).then_some(*number))
        .or_else(|| text.parse().ok().filter(|number| (1..=31).contains(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Unruly, SettingError> {
        let settings = pairs
            .iter()
            .map(|(n, v)| (format!("EVALDB_{n}"), (*v).to_owned()))
            .collect();
        Unruly::from_settings(&settings)
    }

    #[test]
    fn settings_are_checked() {
        assert!(read(&[("VERSION", "3.11.14")]).is_ok());
        let unruly = read(&[("UNRULY_CRASH_SIGNAL", "SEGV"), ("UNRULY_CRASH_AT", "recovery")]).unwrap();
        assert_eq!(unruly.crash, Some((Phase::Recovery, End::Signal(11))));
        for bad in [
            ("UNRULY_CRASH", "1"),
            ("UNRULLY_CRASH_CODE", "1"),
            ("UNRULY_CRASH_CODE", "300"),
            ("UNRULY_CRASH_SIGNAL", "BANG"),
            ("UNRULY_HANG_AT", "lunch"),
            ("UNRULY_IGNORE_TERM", "maybe"),
            ("UNRULY_MALFORMED", "yes"),
        ] {
            assert!(read(&[bad]).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn only_the_first_starts_are_unruly() {
        let dir = tempfile::tempdir().unwrap();
        for expected in [true, true, false, false] {
            let mut unruly = read(&[("UNRULY_STARTS", "2"), ("UNRULY_UNAVAILABLE", "true")]).unwrap();
            unruly.count_start(dir.path());
            assert_eq!(unruly.unavailable, expected);
        }
    }
}
