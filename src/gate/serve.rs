//! The gate as a process: what is opened in which order, what signals do, and how it ends.
//!
//! Everything that needs rights comes first (ports, certificates, the audit log), then the containment, then whatever reads
//! a schema, a database's answer or a client's byte.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::audit::{AuditError, Log, Sink};
use super::contain::{self, Needs};
use super::door::tls::{Certificates, TlsError};
use super::door::{self, Door, DoorError, Limits, Listeners, Settings};
use super::instruments::Instruments;
use super::logging;
use super::message::Handler;
use super::recording::Recording;
use crate::config::{Audit, Config, Upstream};

/// Descriptors beside connections: listeners, logs, the event loop, schemas being read.
const OTHER_DESCRIPTORS: u64 = 128;
/// Connections to the database that are kept while unused, and those of the workers.
const UPSTREAM_DESCRIPTORS: u64 = 512;
/// Memory that the process may write to, beside what the door holds for clients and the workers' stacks.
const MEMORY: u64 = 2 * 1024 * 1024 * 1024;
/// How much sooner than PID 1 expects it the gate has closed.
const HASTE: Duration = Duration::from_millis(500);

/// The part of the gate behind the door.
pub trait Service: Handler {
    /// Loads schemas and policy again. On a fault the old ones stay; the service says so itself.
    fn reload(&self);
}

/// Why the gate does not start, and with which code it ends.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The schema set is invalid.
    #[error("{0}")]
    Schemas(String),
    /// A file or an address of the configuration cannot be used.
    #[error("{0}")]
    Configuration(String),
    /// The system is not as it has to be.
    #[error("{0}")]
    System(String),
}

impl StartError {
    /// The exit code that says so.
    pub const fn code(&self) -> u8 {
        match self {
            StartError::Schemas(_) => 3,
            StartError::Configuration(_) => 2,
            StartError::System(_) => 1,
        }
    }
}

/// An error with its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

impl From<DoorError> for StartError {
    fn from(error: DoorError) -> Self {
        Self::System(chain(&error))
    }
}

impl From<TlsError> for StartError {
    fn from(error: TlsError) -> Self {
        Self::Configuration(chain(&error))
    }
}

impl From<AuditError> for StartError {
    fn from(error: AuditError) -> Self {
        Self::Configuration(chain(&error))
    }
}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> Self {
        Self::System(chain(&error))
    }
}

/// Makes the part behind the door, once the process is contained.
pub type Build = dyn FnOnce(&Config, &Arc<Instruments>) -> Result<Arc<dyn Service>, StartError>;

/// Runs the gate until a signal ends it; the exit code.
pub(super) fn run(config: &Config, build: Box<Build>) -> u8 {
    logging::start(config);
    match start(config, build) {
        Ok(running) => running.until_told_to_stop(config),
        Err(error) => {
            log::error!("the gate does not start: {error}");
            error.code()
        }
    }
}

/// A gate that serves.
struct Running {
    door: Door,
    service: Arc<dyn Service>,
    instruments: Arc<Instruments>,
    certificates: Option<Arc<Certificates>>,
    signals: Signals,
}

fn start(config: &Config, build: Box<Build>) -> Result<Running, StartError> {
    // From here on a signal waits for `until_told_to_stop` instead of ending the process half-started.
    let signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    // PID 1 starts the gate with SIGHUP blocked, so that a reload that comes before this line waits for it and ends nobody.
    SigSet::from(Signal::SIGHUP).thread_unblock().map_err(io::Error::from)?;
    let listeners = Listeners::bind(&config.listen)?;
    let addresses = listeners.addresses()?;
    let certificates = match &config.tls {
        Some(files) => Some(Arc::new(Certificates::load(&files.cert, &files.key)?)),
        None => None,
    };
    let sink = Sink::open(&config.audit)?;
    let record = config.record.as_deref().map(Recording::open).transpose()?;
    let mut settings = settings(config, certificates.clone());
    let report = contain::contain(&needs(config, &settings));
    report.log();
    let audit = Log::start(sink)?;
    let run_dir = matches!(&config.upstream, Upstream::Unix(path) if *path == config.socket());
    if !run_dir {
        // Behind our own socket PID 1 has said them already.
        for warning in &config.warnings {
            log::warn!("{warning}");
        }
    }
    let mut instruments = Instruments::new(audit, run_dir.then(|| config.run_dir.clone()));
    instruments.audit_values = config.audit_values;
    instruments.recording = record.map(|(sink, bytes)| Recording::start(sink, bytes)).transpose()?;
    let instruments = Arc::new(instruments);
    let service = build(config, &instruments)?;
    settings.limits.connections = affordable(settings.limits.connections, report.descriptors);
    let handler: Arc<dyn Handler> = Arc::clone(&service) as Arc<dyn Handler>;
    let door = Door::open(listeners, settings, handler)?;
    instruments.attach(door.observer());
    log::info!(
        "serves {} on {}",
        if certificates.is_some() { "https" } else { "http" },
        list(&addresses)
    );
    Ok(Running {
        door,
        service,
        instruments,
        certificates,
        signals,
    })
}

fn list(addresses: &[SocketAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn settings(config: &Config, tls: Option<Arc<Certificates>>) -> Settings {
    let mut limits = Limits::default();
    if let Some(connections) = config.max_connections {
        limits.connections = connections.get();
    }
    Settings {
        // Decided here: the contained process may not see how many processors its container has.
        workers: config
            .workers
            .map_or_else(door::default_workers, std::num::NonZeroUsize::get),
        limits,
        tls,
    }
}

fn needs(config: &Config, settings: &Settings) -> Needs {
    let mut read = vec![config.schema_dir().to_owned(), config.run_dir.clone()];
    if let Some(files) = &config.tls {
        read.extend([files.cert.clone(), files.key.clone()]);
    }
    read.extend(super::upstream::Upstream::files(&config.upstream));
    let mut append: Vec<_> = config.record.iter().cloned().collect();
    if let Audit::File(path) = &config.audit {
        append.push(path.clone());
    }
    let ports = match &config.upstream {
        Upstream::Unix(_) => Vec::new(),
        Upstream::Servers(servers) => servers.iter().map(|server| server.port).collect(),
    };
    let connections = u64::try_from(settings.limits.connections).unwrap_or(u64::MAX);
    Needs {
        read,
        append,
        ports,
        descriptors: connections.saturating_add(UPSTREAM_DESCRIPTORS + OTHER_DESCRIPTORS),
        memory: MEMORY.saturating_add(door::memory(settings)),
    }
}

/// As many connections as the limit on descriptors leaves room for.
fn affordable(wanted: usize, descriptors: u64) -> usize {
    let room = descriptors
        .saturating_sub(UPSTREAM_DESCRIPTORS + OTHER_DESCRIPTORS)
        .max(descriptors / 2);
    let room = usize::try_from(room).unwrap_or(usize::MAX).max(1);
    if room < wanted {
        log::warn!("the limit of {descriptors} open files leaves room for {room} connections instead of {wanted}");
    }
    wanted.min(room)
}

impl Running {
    fn until_told_to_stop(mut self, config: &Config) -> u8 {
        for signal in self.signals.forever() {
            if signal != SIGHUP {
                break;
            }
            self.service.reload();
            self.instruments.audit.reopen();
            if let Some(recording) = &self.instruments.recording {
                recording.reopen();
            }
            if let Some(certificates) = &self.certificates {
                match certificates.reload() {
                    Ok(()) => log::info!("the certificate was loaded again"),
                    Err(error) => log::error!("the certificate stays the old one: {}", chain(&error)),
                }
            }
        }
        log::info!("closes: no new connections, what is active may finish");
        if self.door.close(config.stop_timeout.saturating_sub(HASTE)) {
            log::info!("closed, nothing was cut off");
        } else {
            log::warn!("closed with requests unfinished: the time to stop was up");
        }
        self.instruments.audit.flush(HASTE / 2);
        if let Some(recording) = &self.instruments.recording {
            recording.flush(HASTE / 4);
        }
        0
    }
}
