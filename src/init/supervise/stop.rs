//! Stopping: drain the gate, then the database, then whoever else is left; each within its share of the time.

use std::time::{Duration, Instant};

use super::*;

/// The gate's share of the time for requests in flight.
const DRAIN_SHARE: f64 = 0.3;
/// During start-up arangod holds SIGTERM back until it is up; so long it is waited for. A first start gets all the time there
/// is, because a database that was killed while it was made has to be made again.
const STARTING_SHARE: f64 = 0.6;
/// Kept at the end for SIGKILL and reaping, at most.
const RESERVE: Duration = Duration::from_millis(300);

/// A stop under way.
pub(super) struct Stop {
    /// The exit code, if it is decided already: then the stop is the consequence of a fault.
    code: Option<u8>,
    stage: Stage,
    /// When the gate is killed and the database told.
    drained_by: Instant,
    /// When the database is killed.
    kill_at: Instant,
    /// When everything is.
    deadline: Instant,
    database_killed: bool,
    database_end: Option<(End, bool)>,
    asked: u32,
    /// Whether requests in flight are given up on purpose.
    fast: bool,
}

/// Who is being ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Gate,
    Database,
    /// Orphans that outlived everybody.
    Others {
        killed: bool,
    },
}

impl Stop {
    pub(super) fn next_timer(&self) -> Instant {
        match self.stage {
            Stage::Gate => self.drained_by,
            Stage::Database if !self.database_killed => self.kill_at,
            Stage::Database => self.deadline,
            Stage::Others { killed: false } => self.kill_at.min(self.deadline),
            Stage::Others { killed: true } => self.deadline,
        }
    }
}

impl Supervisor<'_> {
    /// Ends everything because of a fault, with the exit code that it has.
    pub(super) fn give_up(&mut self, code: u8, why: &str) {
        self.report.error(why);
        leave_last_words(why);
        if self.stop.is_none() {
            self.begin_stop(Some(code), true, why);
        }
    }

    pub(super) fn on_stop_signal(&mut self, signal: &str, drain: bool) {
        let Some(stop) = &mut self.stop else {
            self.report.info(format!("{signal}: stopping"));
            self.begin_stop(None, drain, "a stop was asked for");
            return;
        };
        stop.asked += 1;
        let now = Instant::now();
        match stop.asked {
            2 => {
                self.report
                    .info(format!("{signal} again: requests in flight are given up"));
                stop.drained_by = stop.drained_by.min(now);
                stop.fast = true;
            }
            3 => {
                self.report.warn(format!("{signal} a third time: everything is killed"));
                stop.drained_by = stop.drained_by.min(now);
                stop.kill_at = now;
            }
            _ => self.report.debug(format!("{signal} again")),
        }
    }

    fn begin_stop(&mut self, code: Option<u8>, drain_wanted: bool, reason: &str) {
        let now = Instant::now();
        let total = self.config.stop_timeout;
        let deadline = now + total;
        let kill_at = now + total.saturating_sub(RESERVE.min(total.mul_f64(0.1)));
        let drain = if drain_wanted && self.gate.pid.is_some() {
            total.mul_f64(DRAIN_SHARE)
        } else {
            Duration::ZERO
        };
        let starting = self.database.as_ref().is_some_and(|running| running.ready.is_none());
        let first_start = self.prepared.past != super::super::datadir::Past::Ours && !self.initialised;
        self.stop = Some(Stop {
            code,
            stage: Stage::Gate,
            drained_by: now + drain,
            kill_at: if starting && !first_start {
                kill_at.min(now + total.mul_f64(STARTING_SHARE))
            } else {
                kill_at
            },
            deadline,
            database_killed: false,
            database_end: None,
            asked: 1,
            fast: !drain_wanted,
        });
        self.restart_at = None;
        self.gate.restart_at = None;
        self.enter(Phase::Stopping, reason);
        self.publish();
        self.signal_gate(Signal::SIGTERM);
        self.end_watch();
    }

    pub(super) fn on_database_end_in_stop(&mut self, end: End, told: bool) {
        if let Some(stop) = &mut self.stop {
            stop.database_end = Some((end, told));
        }
        let uptime = self.uptime();
        self.report
            .info(format!("database ended with {end}, {uptime} after the start of all"));
    }

    /// Moves a stop on as far as it goes now.
    pub(super) fn go_on_stopping(&mut self) {
        let now = Instant::now();
        loop {
            let Some(stop) = &mut self.stop else { return };
            match stop.stage {
                Stage::Gate if self.gate.pid.is_none() => stop.stage = Stage::Database,
                Stage::Gate if stop.drained_by <= now => {
                    stop.stage = Stage::Database;
                    self.gate.killed = true;
                    self.report
                        .warn("the gate did not end its requests in time and was killed");
                    self.signal_gate(Signal::SIGKILL);
                }
                Stage::Gate => return,
                Stage::Database => {
                    let Some(running) = &mut self.database else {
                        if self.gate.pid.is_some() {
                            return;
                        }
                        stop.stage = Stage::Others { killed: false };
                        end_others(Signal::SIGTERM);
                        continue;
                    };
                    if !running.told {
                        running.told = true;
                        send(running.pid, Signal::SIGTERM);
                        // If it is stopped, it takes SIGTERM only when it goes on.
                        send(running.pid, Signal::SIGCONT);
                    }
                    if stop.kill_at <= now && !stop.database_killed {
                        stop.database_killed = true;
                        self.report.error(format!(
                            "the database did not end within {:.1} s and was killed; it recovers at its next start",
                            self.config.stop_timeout.as_secs_f64()
                        ));
                        send(running.pid, Signal::SIGKILL);
                    }
                    return;
                }
                Stage::Others { killed } => {
                    if !has_children() {
                        return self.finish();
                    }
                    if !killed && stop.kill_at.min(stop.deadline) <= now {
                        stop.stage = Stage::Others { killed: true };
                        self.report.warn("processes that did not end were killed");
                        end_others(Signal::SIGKILL);
                        continue;
                    }
                    if killed && stop.deadline <= now {
                        return self.finish();
                    }
                    return;
                }
            }
        }
    }

    fn finish(&mut self) {
        let Some(stop) = &self.stop else { return };
        let code = match (stop.code, stop.database_end) {
            (Some(code), _) => code,
            (None, _) if stop.database_killed || (self.gate.killed && !stop.fast) => 1,
            // Told before it had a handler, it dies of the signal: that is an orderly end, too.
            (None, None | Some((End::Exited(0), _) | (End::Killed(15), true))) => 0,
            (None, Some((end, _))) => end.code(),
        };
        let uptime = self.uptime();
        self.report.info(format!("stopped after {uptime}, exit code {code}"));
        self.finished = Some(code);
    }
}

/// Signals what is left: as PID 1 everybody, elsewhere our own children, adopted ones included.
fn end_others(signal: Signal) {
    if !has_children() {
        return;
    }
    if std::process::id() == 1 {
        let _ = child::kill(-1, signal as i32);
        return;
    }
    let own = std::process::id();
    let text = std::fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap_or_default();
    for pid in text.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()) {
        let _ = child::kill(pid, signal as i32);
    }
}

/// Whether any child, ours or adopted, is left.
fn has_children() -> bool {
    use rustix::process::{WaitId, WaitIdOptions, waitid};
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    !matches!(waitid(WaitId::All, options), Err(rustix::io::Errno::CHILD))
}
