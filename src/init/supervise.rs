//! The loop of PID 1: signals, children, timers, and the database's output, one event after another.
//!
//! INVARIANT: every decision is taken here, in one thread, from the event and the monotonic clock; nothing is decided by the
//! wall clock, and no child is waited for outside of [`child::reap`].

mod database;
mod gate;
mod stop;
mod watching;

use std::collections::VecDeque;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::Pid;

use crate::config::{Config, SecurityLevel};
use crate::state::{self, Phase, State};

use super::child::{self, Change, End, Setup};
use super::policy::Policy;
use super::preflight::Prepared;
use super::relay::Flow;
use super::report::{self, Report, now_millis};
use super::signals::{self, Meaning, Received, Signals};

use database::Running;
use gate::Gate;
use stop::Stop;
use watching::Watch;

/// Lines of the database's output that are kept for the case that they were its last.
const LAST_WORDS: usize = 20;
/// How often at most the state file is written for counters alone.
const COUNTER_INTERVAL: Duration = Duration::from_secs(1);
/// Waking up so much later than asked for, this process was paused with its whole container.
const PAUSE: Duration = Duration::from_secs(2);

/// PID 1's state.
pub(super) struct Supervisor<'a> {
    config: &'a Config,
    prepared: Prepared,
    signals: Signals,
    report: Report,
    born: Instant,
    state: State,
    dirty: bool,
    counters_due: Option<Instant>,
    policy: Policy,
    database: Option<Running>,
    watch: Watch,
    gate: Gate,
    /// When the database is started again, in phase `Backoff`.
    restart_at: Option<Instant>,
    /// Whether root's password was verified in this life, and data marked.
    initialised: bool,
    upgrade_tried: bool,
    stop: Option<Stop>,
    last_words: VecDeque<String>,
    /// Children of ours that were killed and replaced before they were reaped.
    retired: Vec<Pid>,
    orphans: u64,
    finished: Option<u8>,
}

impl<'a> Supervisor<'a> {
    pub(super) fn new(config: &'a Config, prepared: Prepared, signals: Signals, report: Report, born: Instant) -> Self {
        let now = now_millis();
        let state = State {
            phase: Phase::Preflight,
            since_ms: now,
            started_ms: now,
            pid: std::process::id(),
            reason: String::new(),
            database: state::Database::default(),
            gate: state::Gate::default(),
            orphans_reaped: 0,
            log_lines_dropped: 0,
        };
        Self {
            config,
            prepared,
            signals,
            report,
            born,
            state,
            dirty: true,
            counters_due: None,
            policy: Policy::default(),
            database: None,
            watch: Watch::default(),
            gate: Gate::default(),
            restart_at: None,
            initialised: false,
            upgrade_tried: false,
            stop: None,
            last_words: VecDeque::new(),
            retired: Vec::new(),
            orphans: 0,
            finished: None,
        }
    }

    /// Runs until everything has ended; gives the exit code.
    pub(super) fn run(mut self) -> u8 {
        // A stop that arrived during preflight comes before the first start.
        self.take_signals();
        if self.stop.is_none() {
            self.start_database();
        }
        self.publish();
        // Only now, with the phase written: the gate answers 503 from the first moment on, and opens in phase `Ready`.
        self.start_gate();
        while self.finished.is_none() {
            self.wait();
            self.take_signals();
            self.take_output();
            self.reap();
            self.run_timers();
            self.go_on_stopping();
            self.publish();
        }
        self.enter(Phase::Stopped, "");
        self.publish();
        self.finish_log();
        self.finished.unwrap_or(1)
    }

    /// Sleeps until something happens or a timer is due.
    fn wait(&mut self) {
        self.report.flush();
        let timeout = self.next_timer().map(|at| at.saturating_duration_since(Instant::now()));
        let timespec = timeout.and_then(|left| Timespec::try_from(left).ok());
        let mut fds = vec![PollFd::new(&self.signals, PollFlags::IN)];
        let streams = self
            .database
            .iter()
            .flat_map(Running::streams)
            .chain(self.watch.stream());
        fds.extend(streams.map(|stream| PollFd::from_borrowed_fd(stream.as_fd(), PollFlags::IN)));
        let stderr = report::stderr();
        if self.report.is_waiting() {
            fds.push(PollFd::from_borrowed_fd(stderr, PollFlags::OUT));
        }
        let before = Instant::now();
        let _ = rustix::event::poll(&mut fds, timespec.as_ref());
        if timeout.is_some_and(|timeout| before.elapsed() > timeout + PAUSE) {
            self.report.info("the container was paused; time-outs begin anew");
            self.after_pause();
        }
    }

    fn next_timer(&self) -> Option<Instant> {
        let database = self.database.as_ref().and_then(Running::next_timer);
        let stop = self.stop.as_ref().map(Stop::next_timer);
        [
            self.restart_at,
            database,
            stop,
            self.watch.restart_at,
            self.gate.restart_at,
            self.counters_due,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn after_pause(&mut self) {
        if let Some(running) = &mut self.database {
            running.moved(Instant::now());
        }
    }

    fn run_timers(&mut self) {
        let now = Instant::now();
        let due = |timer: &mut Option<Instant>| timer.take_if(|at| *at <= now).is_some();
        if due(&mut self.restart_at) {
            self.start_database();
        }
        if due(&mut self.watch.restart_at) {
            self.start_watch();
        }
        if due(&mut self.gate.restart_at) {
            self.start_gate();
        }
        if due(&mut self.counters_due) {
            self.dirty = true;
        }
        self.check_for_hang(now);
    }

    fn take_signals(&mut self) {
        while let Some(signal) = self.signals.next() {
            self.on_signal(signal);
        }
    }

    fn on_signal(&mut self, signal: Received) {
        let name = signals::name(signal.number);
        let sender = match signal.sender {
            0 => String::new(),
            pid => format!(" from process {pid}"),
        };
        match signals::meaning(signal.number) {
            Meaning::Stop => self.on_stop_signal(&format!("{name}{sender}"), true),
            Meaning::FastStop => self.on_stop_signal(&format!("{name}{sender}"), false),
            Meaning::Reload => {
                self.report
                    .info(format!("{name}{sender}: schemas and certificates are reloaded"));
                self.reload();
            }
            Meaning::Report => self.report_state(),
            Meaning::Continued => self.after_pause(),
            Meaning::Child => {}
            Meaning::Nothing => self
                .report
                .debug(format!("{name}{sender} has no meaning here and is not passed on")),
        }
    }

    fn reload(&mut self) {
        self.signal_gate(Signal::SIGHUP);
        self.renew_watch();
    }

    fn report_state(&mut self) {
        let state = &self.state;
        let pid = |pid: Option<u32>| pid.map_or("none".to_owned(), |pid| pid.to_string());
        let since = now_millis().saturating_sub(state.since_ms) / 1000;
        let database = &state.database;
        let text = format!(
            "state: {} for {since} s{}{}; database: process {}, version {}, starts {}, restarts {}, last end: {}; gate: process {}, \
             restarts {}; orphans reaped {}; log lines dropped {}",
            state.phase.name(),
            if state.reason.is_empty() { "" } else { ": " },
            state.reason,
            pid(database.pid),
            if database.version.is_empty() {
                "unknown"
            } else {
                &database.version
            },
            database.starts,
            database.restarts,
            if database.last_end.is_empty() {
                "none"
            } else {
                &database.last_end
            },
            pid(state.gate.pid),
            state.gate.restarts,
            self.orphans,
            self.report.dropped,
        );
        self.report.info(text);
    }

    /// Reads what the children wrote, up to a bound for each.
    fn take_output(&mut self) {
        let (report, last_words) = (&mut self.report, &mut self.last_words);
        if let Some(running) = &mut self.database {
            let mut moved = false;
            running.read(|line| {
                moved = true;
                if last_words.len() == LAST_WORDS {
                    last_words.pop_front();
                }
                last_words.push_back(report::cut(line.message, 300).to_owned());
                report.pass(line);
            });
            if moved {
                running.moved(Instant::now());
            }
        }
        self.take_words();
    }

    fn reap(&mut self) {
        while let Some((pid, change)) = child::reap() {
            match change {
                Change::Ended(end) => self.on_end(pid, end),
                Change::Stopped => self.on_stopped(pid, true),
                Change::Continued => self.on_stopped(pid, false),
            }
        }
    }

    fn on_end(&mut self, pid: Pid, end: End) {
        if self.database.as_ref().is_some_and(|running| running.pid == pid) {
            // Its last lines are still in the pipes.
            self.take_output();
            self.on_database_end(end);
        } else if self.watch.pid == Some(pid) {
            self.take_words();
            self.on_watch_end(end);
        } else if self.gate.pid == Some(pid) {
            self.on_gate_end(end);
        } else if let Some(at) = self.retired.iter().position(|retired| *retired == pid) {
            self.retired.swap_remove(at);
        } else {
            self.orphans = self.orphans.saturating_add(1);
            self.report.debug(format!("orphan {pid} was reaped: {end}"));
            let due = Instant::now() + COUNTER_INTERVAL;
            self.counters_due.get_or_insert(due);
        }
    }

    fn on_stopped(&mut self, pid: Pid, stopped: bool) {
        if self.database.as_ref().is_some_and(|running| running.pid == pid) {
            let what = if stopped {
                "was stopped by a signal; it is not dead"
            } else {
                "goes on"
            };
            self.report.warn(format!("the database {what}"));
        }
    }

    fn enter(&mut self, phase: Phase, reason: &str) {
        if self.state.phase != phase {
            self.state.phase = phase;
            self.state.since_ms = now_millis();
        }
        if self.state.reason != reason {
            reason.clone_into(&mut self.state.reason);
        }
        self.dirty = true;
    }

    /// The database does not serve. Until it has, that is still its start: what is `Degraded` the gate lets through, and
    /// nothing may pass before root has its password and everything is provisioned.
    fn falter(&mut self, reason: &str) {
        let served = self.database.as_ref().is_some_and(|running| running.ready.is_some());
        self.enter(if served { Phase::Degraded } else { Phase::Starting }, reason);
    }

    /// Writes the state file if something in it changed.
    fn publish(&mut self) {
        if !std::mem::take(&mut self.dirty) {
            return;
        }
        self.state.orphans_reaped = self.orphans;
        self.state.log_lines_dropped = self.report.dropped;
        if let Err(error) = self.state.write(&self.config.run_dir) {
            self.report.warn(format!("the state file cannot be written: {error}"));
        }
    }

    /// Gives a blocked standard error a moment for the last lines.
    fn finish_log(&mut self) {
        let deadline = Instant::now() + Duration::from_millis(200);
        while self.report.is_waiting() && Instant::now() < deadline {
            let wait = Timespec {
                tv_sec: 0,
                tv_nsec: 20_000_000,
            };
            let _ = rustix::event::poll(
                &mut [PollFd::from_borrowed_fd(report::stderr(), PollFlags::OUT)],
                Some(&wait),
            );
            self.report.flush();
        }
    }

    fn setup(&self) -> Setup {
        Setup {
            mask: self.signals.inherited,
            // The kernel ends everybody when PID 1 ends; elsewhere, children are told.
            death_signal: (std::process::id() != 1).then_some(Signal::SIGTERM),
            foreground: false,
        }
    }

    fn uptime(&self) -> String {
        format!("{:.3} s", self.born.elapsed().as_secs_f64())
    }
}

/// Sends a signal to a child that was not reaped yet.
fn send(pid: Pid, signal: Signal) {
    // The only fault there can be is that it has ended, which SIGCHLD tells.
    let _ = child::kill(pid.as_raw_nonzero().get(), signal as i32);
}

/// What the log begins with.
pub(super) fn banner(config: &Config) -> Vec<String> {
    let pid = std::process::id();
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let level = match config.security {
        SecurityLevel::Production => "production",
        SecurityLevel::Development => "development",
    };
    let listen: Vec<_> = config.listen.iter().map(ToString::to_string).collect();
    let stop = config.stop_timeout.as_secs_f64();
    vec![
        format!(
            "mallku-db {} starts as process {pid}, user {uid}:{gid}, {level}",
            env!("CARGO_PKG_VERSION")
        ),
        format!(
            "data in {}, schemas in {}, gate on {}; a stop may take {stop} s, so the runtime must grant more",
            config.data_dir.display(),
            config.schema_dir().display(),
            listen.join(", "),
        ),
    ]
}

/// What this process does to itself, and to all its children, before anything starts.
pub(super) fn protect(report: &mut Report) {
    if std::process::id() != 1 {
        report.info("not PID 1 here: orphans are reaped as a subreaper");
        if let Err(error) = rustix::process::set_child_subreaper(Some(rustix::process::getpid())) {
            report.warn(format!("orphans cannot be reaped: {error}"));
        }
    }
    let no_core = rustix::process::Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let protections = [
        (
            "set-user-id programs stay possible",
            rustix::thread::set_no_new_privs(true),
        ),
        (
            "crashes may write core files",
            rustix::process::setrlimit(rustix::process::Resource::Core, no_core),
        ),
        (
            "huge pages stay on",
            rustix::thread::disable_transparent_huge_pages(true),
        ),
        (
            "this process's memory stays readable for its user",
            rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable),
        ),
    ];
    for (effect, result) in protections {
        if let Err(error) = result {
            report.info(format!("{effect}: {error}"));
        }
    }
}

/// The file that Kubernetes shows in `describe pod`.
pub(super) fn leave_last_words(message: &str) {
    let file = std::fs::OpenOptions::new().write(true).open("/dev/termination-log");
    if let Ok(mut file) = file {
        let _ = std::io::Write::write_all(&mut file, report::cut(message, 4000).as_bytes());
    }
}
