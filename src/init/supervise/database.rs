//! The database process: started, found hanging, ended.

use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::super::policy::{Next, Run};
use super::super::relay::Stream;
use super::super::report::{Level, Passed};
use super::super::{limits, preflight};
use super::*;

/// How long a hung database has between SIGTERM and SIGKILL.
const HUNG_GRACE: Duration = Duration::from_secs(10);
/// Below this share of one core, a silent process does nothing.
const BUSY_SHARE: f64 = 0.01;
/// The kernel takes the database before PID 1 when memory runs out.
const OOM_SCORE: &str = "200";

/// A database process that was not reaped yet.
pub(super) struct Running {
    pub(super) pid: Pid,
    started: Instant,
    pub(super) ready: Option<Instant>,
    purpose: Purpose,
    out: Option<Stream>,
    err: Option<Stream>,
    /// Whether it was told to end; it is told once, for a second SIGTERM makes arangod drop everything.
    pub(super) told: bool,
    /// When it last gave a sign of progress.
    moved: Instant,
    /// Its processor time at that moment or at the last check, in ticks.
    ticks: u64,
    hang: Hang,
    memory_kills: Option<u64>,
}

/// What a database process is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Serve,
    /// Upgrades its data and ends.
    Upgrade,
}

/// Where the suspicion of a hang stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hang {
    /// None; checked when this moment comes without progress.
    CheckAt(Instant),
    /// Checked no more, because it is ready or upgrades, or ends anyway.
    Unchecked,
    /// It hangs, was told to end, and is killed at this moment.
    KillAt(Instant),
    Killed,
}

impl Running {
    pub(super) fn streams(&self) -> impl Iterator<Item = &Stream> {
        self.out.iter().chain(self.err.iter())
    }

    pub(super) fn next_timer(&self) -> Option<Instant> {
        match self.hang {
            Hang::CheckAt(at) | Hang::KillAt(at) => Some(at),
            Hang::Unchecked | Hang::Killed => None,
        }
    }

    /// Notes a sign of progress.
    pub(super) fn moved(&mut self, now: Instant) {
        self.moved = now;
    }

    pub(super) fn read(&mut self, mut each: impl FnMut(Passed<'_>)) {
        for slot in [&mut self.out, &mut self.err] {
            if slot
                .as_mut()
                .is_some_and(|stream| stream.read(&mut each) == Flow::Closed)
            {
                *slot = None;
            }
        }
    }

    fn is_hung(&self) -> bool {
        matches!(self.hang, Hang::KillAt(_) | Hang::Killed)
    }

    /// Whether it used the processor since the last look.
    fn is_busy(&mut self, span: Duration) -> bool {
        let before = self.ticks;
        self.ticks = processor_ticks(self.pid).unwrap_or(before);
        let used = Duration::from_millis((self.ticks - before.min(self.ticks)).saturating_mul(10));
        used.as_secs_f64() > span.as_secs_f64() * BUSY_SHARE
    }
}

/// User and system time of a process in hundredths of a second.
fn processor_ticks(pid: Pid) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything, blanks and parentheses included.
    let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user.saturating_add(system))
}

impl Supervisor<'_> {
    pub(super) fn start_database(&mut self) {
        self.launch_database(Purpose::Serve);
    }

    fn launch_database(&mut self, purpose: Purpose) {
        if let Err(error) = preflight::clear_socket(&self.prepared.files.socket) {
            self.give_up(1, &error.to_string());
            return;
        }
        match self.spawn_database(purpose) {
            Ok(running) => {
                let pid = running.pid;
                self.state.database.pid = u32::try_from(pid.as_raw_nonzero().get()).ok();
                self.state.database.starts += 1;
                self.database = Some(running);
                let uptime = self.uptime();
                match purpose {
                    Purpose::Serve => {
                        self.enter(Phase::Starting, "the database starts");
                        self.report
                            .info(format!("database started as process {pid} after {uptime}"));
                        self.start_watch();
                    }
                    Purpose::Upgrade => {
                        self.enter(Phase::Starting, "the database upgrades its data");
                        self.report.info(format!("database upgrades its data as process {pid}"));
                    }
                }
            }
            Err(error) => self.on_failed_start(&error),
        }
    }

    fn spawn_database(&self, purpose: Purpose) -> std::io::Result<Running> {
        let launch = &self.prepared.launch;
        let (out, out_writer) = std::io::pipe()?;
        let (err, err_writer) = std::io::pipe()?;
        let mut command = Command::new(&launch.program);
        command
            .args(&launch.arguments)
            .env_clear()
            .envs(launch.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(out_writer)
            .stderr(err_writer);
        if purpose == Purpose::Upgrade {
            command.args(["--database.auto-upgrade", "true"]);
        }
        self.prepared.who.as_database(&mut command);
        let memory_kills = limits::memory_kills();
        let pid = child::spawn(&mut command, &self.setup())?;
        // Nothing depends on it; a hardened kernel may refuse.
        let _ = std::fs::write(format!("/proc/{pid}/oom_score_adj"), OOM_SCORE);
        let now = Instant::now();
        Ok(Running {
            pid,
            started: now,
            ready: None,
            purpose,
            out: Some(Stream::new(OwnedFd::from(out), Level::Info)?),
            err: Some(Stream::new(OwnedFd::from(err), Level::Error)?),
            told: false,
            moved: now,
            ticks: 0,
            hang: match purpose {
                Purpose::Serve => Hang::CheckAt(now + self.config.start_timeout),
                Purpose::Upgrade => Hang::Unchecked,
            },
            memory_kills,
        })
    }

    /// `fork` or `exec` failed: for want of something that may be there again, or for good.
    fn on_failed_start(&mut self, error: &std::io::Error) {
        let program = self.prepared.launch.program.display().to_string();
        let code = match error.kind() {
            std::io::ErrorKind::NotFound => 127,
            std::io::ErrorKind::PermissionDenied => 126,
            _ if error.raw_os_error() == Some(nix::libc::ENOEXEC) => 126,
            _ => {
                let now = Instant::now();
                let run = Run {
                    end: End::Exited(1),
                    started: now,
                    ready: None,
                    ended: now,
                    out_of_memory: false,
                    hung: false,
                };
                self.report.error(format!("{program} cannot be started: {error}"));
                self.follow(run);
                return;
            }
        };
        self.give_up(code, &format!("{program} cannot be executed: {error}"));
    }

    pub(super) fn on_database_end(&mut self, end: End) {
        let Some(mut running) = self.database.take() else {
            return;
        };
        let (report, last_words) = (&mut self.report, &mut self.last_words);
        for stream in [&mut running.out, &mut running.err].into_iter().flatten() {
            stream.finish(&mut |line| {
                last_words.push_back(report::cut(line.message, 300).to_owned());
                report.pass(line);
            });
        }
        self.state.database.pid = None;
        self.state.database.last_end = end.to_string();
        self.dirty = true;
        self.end_watch();
        if self.stop.is_some() {
            self.on_database_end_in_stop(end, running.told);
            return;
        }
        if running.purpose == Purpose::Upgrade && end == End::Exited(0) {
            self.report.info("the data was upgraded");
            self.start_database();
            return;
        }
        let kills = limits::memory_kills();
        self.follow(Run {
            end,
            started: running.started,
            ready: running.ready,
            ended: Instant::now(),
            out_of_memory: end == End::Killed(9) && kills > running.memory_kills,
            hung: running.is_hung(),
        });
    }

    /// Does what the policy says after an end that nobody asked for.
    fn follow(&mut self, run: Run) {
        // Enough to keep a thousand containers from starting at the same moment.
        let jitter = f64::from(now_subsecond() % 1000) / 1000.0;
        match self.policy.after(run, jitter) {
            Next::Retry { after, why } => {
                self.state.database.restarts += 1;
                self.restart_at = Some(Instant::now() + after);
                let reason = format!("the database ended with {}: {why}", run.end);
                self.enter(Phase::Backoff, &reason);
                self.report
                    .error(format!("{reason}; it is started again in {:.1} s", after.as_secs_f64()));
            }
            Next::NeedsUpgrade if self.config.auto_upgrade && !self.upgrade_tried => {
                self.upgrade_tried = true;
                self.report
                    .warn("the data is of an older version; it is upgraded because MALLKU_AUTO_UPGRADE says so");
                self.launch_database(Purpose::Upgrade);
            }
            Next::NeedsUpgrade => self.give_up_on_database(
                run.end,
                run.end.code(),
                "its data is of an older version; make a backup, then start once with MALLKU_AUTO_UPGRADE=true",
            ),
            Next::GiveUp { code, why } => self.give_up_on_database(run.end, code, &why),
        }
    }

    fn give_up_on_database(&mut self, end: End, code: u8, why: &str) {
        let words: Vec<String> = self.last_words.drain(..).collect();
        for word in &words {
            self.report.error(format!("last words: {word}"));
        }
        self.give_up(
            code,
            &format!("the database ended with {end} and is not started again: {why}"),
        );
    }

    /// Looks whether a start without a sign of progress is a hang, and ends what hangs.
    pub(super) fn check_for_hang(&mut self, now: Instant) {
        let Some(running) = &mut self.database else { return };
        match running.hang {
            Hang::CheckAt(at) if at <= now => {
                let quiet = now.saturating_duration_since(running.moved);
                if quiet < self.config.start_timeout {
                    running.hang = Hang::CheckAt(running.moved + self.config.start_timeout);
                    let _ = running.is_busy(quiet);
                } else if running.is_busy(self.config.start_timeout) {
                    running.moved = now;
                    running.hang = Hang::CheckAt(now + self.config.start_timeout);
                } else {
                    self.end_hung("it started and shows no progress", quiet);
                }
            }
            Hang::KillAt(at) if at <= now => {
                running.hang = Hang::Killed;
                send(running.pid, Signal::SIGKILL);
                self.report.error("the database does not end by SIGTERM and was killed");
            }
            _ => {}
        }
    }

    fn end_hung(&mut self, what: &str, quiet: Duration) {
        let grace = HUNG_GRACE.min(self.config.stop_timeout);
        let Some(running) = &mut self.database else { return };
        if running.told {
            return;
        }
        running.told = true;
        running.hang = Hang::KillAt(Instant::now() + grace);
        send(running.pid, Signal::SIGTERM);
        // A stopped process takes no SIGTERM.
        send(running.pid, Signal::SIGCONT);
        self.report.error(format!(
            "the database hangs: {what} for {:.1} s; it is ended",
            quiet.as_secs_f64()
        ));
        self.falter("the database hangs");
    }

    /// The watch has had no answer several times in a row.
    pub(super) fn on_silence(&mut self) {
        let now = Instant::now();
        let Some(running) = &mut self.database else { return };
        if running.told {
            return;
        }
        let quiet = now.saturating_duration_since(running.moved);
        if running.is_busy(quiet) {
            running.moved = now;
            self.falter("the database does not answer and is busy");
            self.report
                .warn("the database does not answer and is busy; it is left alone");
        } else {
            self.end_hung("it neither answers nor works", quiet);
        }
    }

    /// The watch found it serving.
    pub(super) fn on_ready(&mut self) {
        let Some(running) = &mut self.database else { return };
        let now = Instant::now();
        running.moved = now;
        if running.told {
            return;
        }
        running.hang = Hang::Unchecked;
        let first = running.ready.is_none();
        let _ = running.is_busy(Duration::ZERO);
        let took = now.duration_since(running.started);
        running.ready.get_or_insert(now);
        if first {
            self.state.database.ready_ms = Some(now_millis());
            self.report
                .info(format!("database ready {:.3} s after its start", took.as_secs_f64()));
        } else if self.state.phase == Phase::Degraded {
            self.report.info("database serves again");
        }
        self.enter(Phase::Ready, "");
        if first {
            self.publish();
            let uptime = self.uptime();
            self.report.info(format!("the gate is open after {uptime}"));
        }
    }
}

fn now_subsecond() -> u32 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.subsec_micros())
}
