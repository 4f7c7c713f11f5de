//! PID 1's state as a small file in the run directory: what the gate needs for `/health`, `/metrics` and its 503s.
//!
//! One JSON object, replaced as a whole by a rename, so that a reader sees one state or the next and never half of one.
//! INVARIANT: nothing in it is secret; anybody in the container may read it.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The file's name in the run directory.
pub const FILE_NAME: &str = "state.json";

/// What PID 1 knows. Times are milliseconds since 1970 by the wall clock, for people; nothing is decided by them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Where the container stands.
    pub phase: Phase,
    /// When that phase began.
    pub since_ms: u64,
    /// When PID 1 began.
    pub started_ms: u64,
    /// PID 1's process id: 1 in a container.
    pub pid: u32,
    /// Why the phase is what it is, in words; empty when all is well.
    #[serde(default)]
    pub reason: String,
    /// The database process.
    pub database: Database,
    /// The gate process.
    pub gate: Gate,
    /// Orphans that PID 1 reaped.
    #[serde(default)]
    pub orphans_reaped: u64,
    /// Log lines of the database that were dropped because standard output was blocked.
    #[serde(default)]
    pub log_lines_dropped: u64,
}

/// Where the container stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Directories, secrets and configuration are being checked.
    Preflight,
    /// The database starts, recovers or is being provisioned.
    Starting,
    /// The database serves; the only phase in which the gate forwards requests.
    Ready,
    /// The database has served, runs, and does not serve now: read-only, overloaded, or silent.
    Degraded,
    /// The database ended and will be started again.
    Backoff,
    /// A stop was asked for: requests in flight are ended, new ones refused.
    Stopping,
    /// Everything has ended.
    Stopped,
}

impl Phase {
    /// The phase's name as the file has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Preflight => "preflight",
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Degraded => "degraded",
            Self::Backoff => "backoff",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }
}

/// The database process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Database {
    /// Its process id while it runs.
    pub pid: Option<u32>,
    /// Its version as it tells it; empty until known.
    pub version: String,
    /// How often it was started.
    pub starts: u64,
    /// Starts that followed an end nobody asked for.
    pub restarts: u64,
    /// When it last became ready.
    pub ready_ms: Option<u64>,
    /// How it last ended, in words; empty when it never did.
    pub last_end: String,
}

/// The gate process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Gate {
    /// Its process id while it runs.
    pub pid: Option<u32>,
    /// Starts that followed an end nobody asked for.
    pub restarts: u64,
}

impl State {
    /// Whether requests may go to the database.
    pub fn is_open(&self) -> bool {
        self.phase == Phase::Ready
    }

    /// Reads the file in the run directory.
    pub fn read(run_dir: &Path) -> io::Result<Self> {
        let text = std::fs::read(run_dir.join(FILE_NAME))?;
        serde_json::from_slice(&text).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// Replaces the file in the run directory, readable for everybody.
    pub fn write(&self, run_dir: &Path) -> io::Result<()> {
        let mut text = serde_json::to_vec(self).map_err(io::Error::other)?;
        text.push(b'\n');
        let next = run_dir.join(".state.json.next");
        std::fs::write(&next, text)?;
        std::fs::set_permissions(&next, std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
        std::fs::rename(&next, run_dir.join(FILE_NAME))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(phase: Phase) -> State {
        State {
            phase,
            since_ms: 2,
            started_ms: 1,
            pid: 1,
            reason: String::new(),
            database: Database {
                pid: Some(7),
                starts: 1,
                ..Database::default()
            },
            gate: Gate::default(),
            orphans_reaped: 0,
            log_lines_dropped: 0,
        }
    }

    #[test]
    fn what_was_written_is_read_and_replaces_what_was_there() {
        let dir = tempfile::tempdir().unwrap();
        for phase in [Phase::Starting, Phase::Ready] {
            state(phase).write(dir.path()).unwrap();
            assert_eq!(State::read(dir.path()).unwrap(), state(phase));
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "no leftovers");
    }

    #[test]
    fn requests_pass_in_phase_ready_alone() {
        use Phase::*;
        let open: Vec<_> = [Preflight, Starting, Ready, Degraded, Backoff, Stopping, Stopped]
            .into_iter()
            .filter(|phase| state(*phase).is_open())
            .collect();
        assert_eq!(open, [Ready]);
    }

    #[test]
    fn a_file_that_is_no_state_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE_NAME), b"{\"phase\":\"ready\"").unwrap();
        assert_eq!(State::read(dir.path()).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
