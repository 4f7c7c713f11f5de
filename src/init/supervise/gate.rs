//! The gate as a child: started with the database, so that clients are told to wait, and again at once whenever it ends.

use std::process::Stdio;
use std::time::{Duration, Instant};

use super::watching::own_role;
use super::*;

/// A gate that lived so long ended for a reason of its own, not of its start.
const PROVEN: Duration = Duration::from_secs(1);
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Starts in a row that came to nothing.
const MOST_FAILURES: u32 = 10;

/// The gate process, if there is one.
#[derive(Default)]
pub(super) struct Gate {
    pub(super) pid: Option<Pid>,
    started: Option<Instant>,
    pub(super) restart_at: Option<Instant>,
    failures: u32,
    pub(super) killed: bool,
}

impl Supervisor<'_> {
    pub(super) fn start_gate(&mut self) {
        if self.gate.pid.is_some() || self.stop.is_some() || self.gate.restart_at.is_some() {
            return;
        }
        let mut command = own_role(&["gate"]);
        command.stdin(Stdio::null());
        self.prepared.who.as_gate(&mut command);
        let mut setup = self.setup();
        // Unblocked by the gate when it knows what to do with it: a reload in the first milliseconds must not end it.
        setup.mask.add(Signal::SIGHUP);
        match child::spawn(&mut command, &setup) {
            Ok(pid) => {
                self.gate.pid = Some(pid);
                self.gate.started = Some(Instant::now());
                self.state.gate.pid = u32::try_from(pid.as_raw_nonzero().get()).ok();
                let uptime = self.uptime();
                self.report
                    .info(format!("gate started as process {pid} after {uptime}"));
            }
            Err(error) => {
                self.report.error(format!("the gate cannot be started: {error}"));
                self.renew_gate_later();
            }
        }
        self.dirty = true;
    }

    pub(super) fn on_gate_end(&mut self, end: End) {
        self.gate.pid = None;
        self.state.gate.pid = None;
        self.dirty = true;
        if self.stop.is_some() {
            if end != End::Exited(0) && !self.gate.killed {
                self.report.warn(format!("the gate ended with {end}"));
            }
            return;
        }
        let lived = self.gate.started.map_or(Duration::ZERO, |started| started.elapsed());
        self.state.gate.restarts += 1;
        if lived >= PROVEN {
            self.gate.failures = 0;
            self.report
                .error(format!("the gate ended with {end} and is started again"));
            self.start_gate();
            return;
        }
        match end {
            // It says itself what is wrong with its configuration or schemas.
            End::Exited(code @ (2 | 3)) => {
                let dir = self.config.schema_dir().display();
                let why = format!(
                    "the gate refuses its configuration or its schemas; see its lines above, or `mallku-db schema check {dir}`"
                );
                self.give_up(code.max(3), &why);
            }
            _ if self.gate.failures + 1 >= MOST_FAILURES => {
                self.give_up(
                    end.code().max(1),
                    &format!("the gate ended with {end} {MOST_FAILURES} times in a row"),
                );
            }
            _ => {
                self.report
                    .error(format!("the gate ended with {end} right after its start"));
                self.renew_gate_later();
            }
        }
    }

    fn renew_gate_later(&mut self) {
        let wait = match self.gate.failures {
            // The first failure may be an accident: at once.
            0 => Duration::ZERO,
            more => FIRST_WAIT.saturating_mul(1 << (more - 1).min(10)).min(LONGEST_WAIT),
        };
        self.gate.failures += 1;
        self.gate.restart_at = Some(Instant::now() + wait);
    }

    pub(super) fn signal_gate(&mut self, signal: Signal) {
        if let Some(pid) = self.gate.pid {
            send(pid, signal);
        }
    }
}
