//! Processes as `/proc` shows them, and the command that notes when it was executed.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::Path;
use std::process::{Child, ExitCode};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use rustix::time::ClockId;

/// Far beyond what anything takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The clock that all processes share.
pub(crate) fn now() -> Duration {
    let now = rustix::time::clock_gettime(ClockId::Monotonic);
    Duration::try_from(now).unwrap_or_default()
}

/// The command of the starts: notes the time beside itself and waits to be killed.
pub(crate) fn stamp(program: &Path, first: Option<OsString>) -> ExitCode {
    let now = now();
    if first.is_some_and(|argument| argument == "--version") {
        println!("3.12.4");
        return ExitCode::SUCCESS;
    }
    let next = program.with_extension("next");
    let written = std::fs::write(&next, now.as_nanos().to_string());
    if written
        .and_then(|()| std::fs::rename(&next, program.with_extension("stamp")))
        .is_err()
    {
        return ExitCode::FAILURE;
    }
    loop {
        std::thread::park();
    }
}

pub(crate) fn read_stamp(path: &Path) -> io::Result<Duration> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Ok(text) = std::fs::read_to_string(path) {
            return text.parse().map(Duration::from_nanos).map_err(io::Error::other);
        }
        if Instant::now() > deadline {
            return Err(io::Error::other("the command was not executed"));
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// A child that is ended with this value, by a signal that no descendant survives.
pub(crate) struct Spawned(pub(crate) Child);

impl Spawned {
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    pub(crate) fn end(&mut self) {
        for pid in descendants(self.0.id()) {
            kill(pid);
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        self.end();
    }
}

fn children(pid: u32) -> Vec<u32> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_ascii_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect()
}

fn descendants(pid: u32) -> Vec<u32> {
    let children = children(pid);
    let deeper = children.iter().flat_map(|child| descendants(*child));
    deeper.chain(children.iter().copied()).collect()
}

pub(crate) fn child_with_argument(pid: u32, argument: &str) -> io::Result<u32> {
    let has = |pid: &u32| {
        std::fs::read_to_string(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| line.split('\0').any(|part| part == argument))
    };
    children(pid)
        .into_iter()
        .find(has)
        .ok_or_else(|| io::Error::other(format!("no child is `{argument}`")))
}

pub(crate) fn kill(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = rustix::process::kill_process(pid, Signal::KILL);
    }
}

/// A process's resident pages in KiB.
pub(crate) struct Memory {
    rss: u64,
    pss: u64,
    anonymous: u64,
    private_dirty: u64,
    private_clean: u64,
    shared: u64,
}

impl Memory {
    pub(crate) const HEAD: &'static str = "     rss     pss    anon  private dirty  private clean  shared";

    pub(crate) fn of(pid: u32) -> io::Result<Self> {
        let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.and_then(|rest| rest.split_whitespace().next()?.parse().ok())
                .unwrap_or(0)
        };
        Ok(Self {
            rss: field("Rss"),
            pss: field("Pss"),
            anonymous: field("Anonymous"),
            private_dirty: field("Private_Dirty"),
            private_clean: field("Private_Clean"),
            shared: field("Shared_Clean") + field("Shared_Dirty"),
        })
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{:>8}{:>8}{:>8}{:>15}{:>15}{:>8}",
            self.rss, self.pss, self.anonymous, self.private_dirty, self.private_clean, self.shared
        )
    }
}

/// What a process has done so far.
pub(crate) struct Activity {
    pub(crate) switches: u64,
    pub(crate) ticks: u64,
}

/// Context switches and processor time, of all threads.
pub(crate) fn activity(pid: u32) -> io::Result<Activity> {
    let mut switches = 0;
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = std::fs::read_to_string(task?.path().join("status"))?;
        let counts = text
            .lines()
            .filter_map(|line| line.split_once("voluntary_ctxt_switches:"));
        switches += counts
            .filter_map(|(_, count)| count.trim().parse::<u64>().ok())
            .sum::<u64>();
    }
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields = stat
        .rsplit_once(')')
        .map_or("", |(_, rest)| rest)
        .split_ascii_whitespace();
    let ticks = fields
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Ok(Activity { switches, ticks })
}
