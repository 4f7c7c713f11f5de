//! The audit log: who asked for what, and what the gate said. One JSON object a line.
//!
//! INVARIANT: a request never waits for the log. Lines go through a bounded channel to one writer; when that is full, the
//! line is dropped and counted, and the next line that gets through says how many are missing. No literal of a query and no
//! bind value is in a record, unless `MALLKU_AUDIT_VALUES` asks for them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};

use crate::config::Audit;
use crate::judge::Rule;
use crate::schema::Operation;

/// Lines that wait for the writer, and their bytes: a client's names may make a line long.
const CAPACITY: usize = 4096;
const CAPACITY_BYTES: usize = 8 * 1024 * 1024;
/// Bytes of a line beyond which the accesses are left out of it: who asked for what is there however long the names are.
const LINE_BYTES: usize = 64 * 1024;

/// What the gate decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// Judged and let through.
    Allow,
    /// Refused by a rule.
    Deny,
    /// Would have been refused; let through because the gate only detects.
    Detect,
    /// Refused by the door before it was a request.
    Malformed,
    /// Not judged: the gate's own endpoints, load, or a database that is not there.
    None,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: &'static [Outcome] = &[
        Outcome::Allow,
        Outcome::Deny,
        Outcome::Detect,
        Outcome::Malformed,
        Outcome::None,
    ];

    /// Its name in records and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Outcome::Allow => "allow",
            Outcome::Deny => "deny",
            Outcome::Detect => "detect",
            Outcome::Malformed => "malformed",
            Outcome::None => "none",
        }
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// What a verdict says is written: attribute paths by collection and operation.
#[derive(Debug, Clone, Copy)]
pub struct Writes<'a>(pub &'a BTreeMap<String, BTreeMap<Operation, BTreeSet<String>>>);

impl Serialize for Writes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let by_name = |operations: &'_ BTreeMap<Operation, BTreeSet<String>>| -> BTreeMap<&'static str, Vec<String>> {
            operations
                .iter()
                .map(|(operation, paths)| (operation.name(), paths.iter().cloned().collect()))
                .collect()
        };
        serializer.collect_map(
            self.0
                .iter()
                .map(|(collection, operations)| (collection, by_name(operations))),
        )
    }
}

/// One line of the audit log.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record<'a> {
    /// When the decision was made; set by [`Log::write`].
    #[serde(serialize_with = "timestamp")]
    pub time: SystemTime,
    /// The request's id, as given by the client or made by the gate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<&'a str>,
    /// The client's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<IpAddr>,
    /// Who asked, as the credentials say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<&'a str>,
    /// The database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<&'a str>,
    /// The method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<&'a str>,
    /// The route, with its names in place of the client's values: `/_api/document/{collection}/{key}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<&'a str>,
    /// The class of the route: `aql`, `document`, `session`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<&'a str>,
    /// What was decided.
    pub verdict: Outcome,
    /// The status that the client got.
    pub status: u16,
    /// The rules that denied, or would have.
    #[serde(serialize_with = "rules", skip_serializing_if = "<[Rule]>::is_empty")]
    pub rules: &'a [Rule],
    /// The reason in words, for refusals that no rule has a name for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
    /// The fingerprint of the query's normal form.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub fingerprint: &'a str,
    /// Whether the query was edited, so that no hidden attribute leaves.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub masked: bool,
    /// With `MALLKU_AUDIT_VALUES`: the query as the client sent it, cut where it is long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<&'a str>,
    /// With `MALLKU_AUDIT_VALUES`: its bind values, left out where they are many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bind_vars: Option<&'a serde_json::Map<String, serde_json::Value>>,
    /// Whether the query was cut, or bind values or accesses were left out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// Attribute paths read, by collection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reads: Option<&'a BTreeMap<String, BTreeSet<String>>>,
    /// Attribute paths written, by collection and operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub writes: Option<Writes<'a>>,
    /// From the request's first byte to its answer.
    #[serde(rename = "durationUs", serialize_with = "micros")]
    pub duration: Duration,
    /// Of that, reading and judging.
    #[serde(rename = "decisionUs", serialize_with = "micros")]
    pub decision: Duration,
    /// Of that, waiting for the database.
    #[serde(rename = "upstreamUs", serialize_with = "micros")]
    pub upstream: Duration,
}

impl Default for Record<'_> {
    fn default() -> Self {
        Self {
            time: UNIX_EPOCH,
            request_id: None,
            client: None,
            user: None,
            database: None,
            method: None,
            route: None,
            class: None,
            verdict: Outcome::None,
            status: 0,
            rules: &[],
            reason: None,
            fingerprint: "",
            masked: false,
            query: None,
            bind_vars: None,
            cut: false,
            reads: None,
            writes: None,
            duration: Duration::ZERO,
            decision: Duration::ZERO,
            upstream: Duration::ZERO,
        }
    }
}

fn timestamp<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&Rfc3339(*time))
}

fn rules<S: Serializer>(rules: &[Rule], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(rules.iter().map(|rule| rule.name()))
}

fn micros<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
}

/// `2026-01-31T12:34:56.789Z`.
pub(super) struct Rfc3339(pub(super) SystemTime);

impl std::fmt::Display for Rfc3339 {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The format has no year before 1970; a clock that was never set must not stop the log.
        let time = self.0.max(UNIX_EPOCH);
        humantime::format_rfc3339_millis(time).fmt(formatter)
    }
}

/// Why there is no audit log.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The file cannot be opened.
    #[error("cannot open {name} {path}")]
    Open {
        /// What it is.
        name: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The writer cannot be started.
    #[error("cannot start the writer of the audit log")]
    Writer(#[from] io::Error),
}

/// Where lines go, opened before the process gives up its rights.
pub struct Sink {
    output: Box<dyn Write + Send>,
    path: Option<PathBuf>,
    /// What its lines are, for messages.
    name: &'static str,
}

/// What the audit log is in messages.
const AUDIT_LOG: &str = "the audit log";

impl Sink {
    /// Opens what the configuration names; `None` when there is to be no log.
    pub fn open(audit: &Audit) -> Result<Option<Self>, AuditError> {
        match audit {
            Audit::Off => Ok(None),
            // The descriptor itself: the command line holds the lock of std's stream as long as the gate runs.
            Audit::Stdout => {
                let descriptor = rustix::stdio::stdout().try_clone_to_owned()?;
                Ok(Some(Self::to(Box::new(File::from(descriptor)))))
            }
            Audit::File(path) => Self::file(path, AUDIT_LOG).map(Some),
        }
    }

    /// Lines of this name go to a file.
    pub fn file(path: &Path, name: &'static str) -> Result<Self, AuditError> {
        Ok(Self {
            output: Box::new(append(path, name)?),
            path: Some(path.to_owned()),
            name,
        })
    }

    /// Lines go to this writer.
    pub fn to(output: Box<dyn Write + Send>) -> Self {
        Self {
            output,
            path: None,
            name: AUDIT_LOG,
        }
    }
}

fn append(path: &Path, name: &'static str) -> Result<File, AuditError> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(|source| AuditError::Open {
            name,
            path: path.to_owned(),
            source,
        })
}

#[derive(Default)]
struct Counts {
    /// Lines handed to the writer, and those that it is done with, for better or worse.
    queued: AtomicU64,
    settled: AtomicU64,
    /// Bytes of the lines between both.
    waiting: AtomicUsize,
    written: AtomicU64,
    dropped: AtomicU64,
    /// Dropped since the last line that got through.
    gap: AtomicU64,
    failing: AtomicBool,
    reopen: AtomicBool,
}

/// The audit log of a gate. Dropping it writes out what waits.
pub struct Log {
    sender: Option<SyncSender<Vec<u8>>>,
    writer: Option<JoinHandle<()>>,
    counts: Arc<Counts>,
}

impl Log {
    /// A log that keeps nothing.
    pub fn off() -> Self {
        Self {
            sender: None,
            writer: None,
            counts: Arc::default(),
        }
    }

    /// Starts the writer.
    pub fn start(sink: Option<Sink>) -> Result<Self, AuditError> {
        Self::with_capacity(sink, CAPACITY)
    }

    fn with_capacity(sink: Option<Sink>, capacity: usize) -> Result<Self, AuditError> {
        let Some(sink) = sink else {
            return Ok(Self::off());
        };
        let counts = Arc::new(Counts::default());
        let (sender, receiver) = sync_channel(capacity);
        let writer = Writer {
            sink,
            counts: Arc::clone(&counts),
        };
        let thread = thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || writer.run(&receiver))?;
        Ok(Self {
            sender: Some(sender),
            writer: Some(thread),
            counts,
        })
    }

    /// Writes a record, or counts it as dropped. Never waits.
    pub fn write(&self, mut record: Record<'_>) {
        if self.sender.is_none() {
            return;
        }
        record.time = SystemTime::now();
        let mut line = Vec::with_capacity(512);
        let mut written = serde_json::to_writer(&mut line, &record);
        if line.len() > LINE_BYTES {
            let short = Record {
                reads: None,
                writes: None,
                query: None,
                bind_vars: None,
                cut: true,
                ..record
            };
            line = Vec::with_capacity(512);
            written = serde_json::to_writer(&mut line, &short);
        }
        if written.is_err() {
            self.drop_one();
            return;
        }
        line.push(b'\n');
        self.write_line(line);
    }

    /// Writes a line with its end, or counts it as dropped. Never waits.
    pub fn write_line(&self, line: Vec<u8>) {
        let Some(sender) = &self.sender else {
            return;
        };
        let bytes = line.len();
        self.counts.queued.fetch_add(1, Ordering::Relaxed);
        let waiting = self.counts.waiting.fetch_add(bytes, Ordering::Relaxed);
        if waiting.saturating_add(bytes) > CAPACITY_BYTES || sender.try_send(line).is_err() {
            self.counts.waiting.fetch_sub(bytes, Ordering::Relaxed);
            self.counts.settled.fetch_add(1, Ordering::Relaxed);
            self.drop_one();
        }
    }

    fn drop_one(&self) {
        self.counts.dropped.fetch_add(1, Ordering::Relaxed);
        self.counts.gap.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits until every line so far is out, but no longer than `patience`.
    pub fn flush(&self, patience: Duration) {
        let wanted = self.counts.queued.load(Ordering::Relaxed);
        let start = Instant::now();
        while self.counts.settled.load(Ordering::Relaxed) < wanted && start.elapsed() < patience {
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Opens the file anew with the next line, after a log rotation has moved it away.
    pub fn reopen(&self) {
        self.counts.reopen.store(true, Ordering::Relaxed);
    }

    /// Lines written since the start.
    pub fn written(&self) -> u64 {
        self.counts.written.load(Ordering::Relaxed)
    }

    /// Lines dropped since the start.
    pub fn dropped(&self) -> u64 {
        self.counts.dropped.load(Ordering::Relaxed)
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

struct Writer {
    sink: Sink,
    counts: Arc<Counts>,
}

impl Writer {
    fn run(mut self, lines: &Receiver<Vec<u8>>) {
        let mut batch = Vec::new();
        while let Ok(line) = lines.recv() {
            let mut count = 1;
            batch.extend_from_slice(&line);
            // What has gathered meanwhile goes out in one write.
            while batch.len() < 64 * 1024 {
                match lines.try_recv() {
                    Ok(line) => {
                        batch.extend_from_slice(&line);
                        count += 1;
                    }
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
                }
            }
            let bytes = batch.len();
            let gap = self.counts.gap.swap(0, Ordering::Relaxed);
            if gap > 0 {
                let now = Rfc3339(SystemTime::now());
                batch.extend_from_slice(format!("{{\"time\":\"{now}\",\"dropped\":{gap}}}\n").as_bytes());
            }
            self.put(&batch, count);
            self.counts.waiting.fetch_sub(bytes, Ordering::Relaxed);
            self.counts.settled.fetch_add(count, Ordering::Relaxed);
            batch.clear();
            batch.shrink_to(128 * 1024);
        }
    }

    fn put(&mut self, batch: &[u8], count: u64) {
        if self.counts.reopen.swap(false, Ordering::Relaxed)
            && let Some(path) = &self.sink.path
        {
            match append(path, self.sink.name) {
                Ok(file) => self.sink.output = Box::new(file),
                Err(error) => log::error!("{error}; {} goes on in the old file", self.sink.name),
            }
        }
        match self
            .sink
            .output
            .write_all(batch)
            .and_then(|()| self.sink.output.flush())
        {
            Ok(()) => {
                self.counts.written.fetch_add(count, Ordering::Relaxed);
                self.counts.failing.store(false, Ordering::Relaxed);
            }
            Err(error) => {
                self.counts.dropped.fetch_add(count, Ordering::Relaxed);
                self.counts.gap.fetch_add(count, Ordering::Relaxed);
                // Once per failure, not once per line.
                if !self.counts.failing.swap(true, Ordering::Relaxed) {
                    log::error!("{} cannot be written: {error}", self.sink.name);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
