//! The way to ArangoDB: a Unix socket, or several servers over TCP and TLS.
//!
//! INVARIANT: a request is repeated only when nothing of it can have been executed: no connection was made, or it only
//! reads. What was sent and got no complete answer is reported as lost, never as "not there": drivers repeat the latter,
//! writes included.

mod remote;
mod socket;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::Duration;

use super::budget::{Budget, NoRoomError, Share};
use crate::config;
use remote::Remote;
use socket::Database;

/// Largest answer of the database, in bytes.
const MAX_ANSWER: u64 = 128 * 1024 * 1024;
/// Room for the first piece of an answer whose length is not known.
const FIRST_PIECE: usize = 16 * 1024;
/// Time to make a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// [`Upstream::probe_timeout`], where nothing else is said.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
/// Unused connections are dropped at this age, long before arangod does (300 s).
const IDLE_AGE: Duration = Duration::from_mins(1);
/// Unused connections kept for each server.
const IDLE_CONNECTIONS: usize = 256;

/// A method of ArangoDB's API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Reads, without the body.
    Head,
    /// Creates or runs.
    Post,
    /// Replaces.
    Put,
    /// Changes in part.
    Patch,
    /// Removes.
    Delete,
}

impl Method {
    /// The method by its exact name.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "GET" => Method::Get,
            "HEAD" => Method::Head,
            "POST" => Method::Post,
            "PUT" => Method::Put,
            "PATCH" => Method::Patch,
            "DELETE" => Method::Delete,
            _ => return None,
        })
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }

    /// Whether a repetition changes nothing.
    pub const fn only_reads(self) -> bool {
        matches!(self, Method::Get | Method::Head)
    }
}

/// A request to the database, built from judged values only.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The method.
    pub method: Method,
    /// Path and query string, encoded.
    pub target: String,
    /// Headers.
    pub headers: Vec<(&'static str, String)>,
    /// The JSON body.
    pub body: Option<Vec<u8>>,
    /// How long to wait for the whole answer.
    pub timeout: Duration,
    /// The server that must get it, where a cursor or transaction lives there.
    pub server: Option<usize>,
}

/// The database's answer.
#[derive(Debug)]
pub struct Incoming {
    /// HTTP status.
    pub status: u16,
    /// The answer's headers that may pass, by their lower-case name.
    pub headers: Vec<(&'static str, String)>,
    /// The whole body.
    pub body: Vec<u8>,
    /// The server that answered.
    pub server: usize,
    /// What the body takes of the budget.
    pub share: Share,
}

/// Headers of an answer that reach the client; the rest tells about the server or leads around the gate
/// (`x-arango-endpoint`, `location`).
const ANSWER_HEADERS: &[&str] = &[
    "etag",
    "x-arango-error-codes",
    "x-arango-queue-time-seconds",
    "x-arango-potential-dirty-read",
];

/// An answer as it was read.
struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Answer {
    /// Without its body yet; `header` finds a field's value by its name.
    fn new<'v>(status: u16, header: impl Fn(&str) -> Option<&'v str>) -> Self {
        let plain = |value: &&str| value.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
        let headers = ANSWER_HEADERS
            .iter()
            .filter_map(|&name| Some((name, header(name).filter(plain)?.to_owned())))
            .collect();
        Answer {
            status,
            headers,
            body: Vec::new(),
        }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// No connection: nothing was sent.
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    /// The request was sent, at least in part, and no complete answer came.
    #[error("the connection to the database broke: {0}")]
    Lost(String),
    /// No complete answer in time.
    #[error("the database did not answer in time")]
    TimedOut,
    /// The answer exceeds the bound, or its end cannot be known.
    #[error("the database's answer cannot be passed on: {0}")]
    Unusable(String),
    /// Too many large answers are in work.
    #[error("there is no room for the database's answer: {0}")]
    NoRoom(#[from] NoRoomError),
}

/// A fault in the upstream's configuration.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UpstreamConfigError(String);

/// The servers.
#[derive(Debug)]
pub struct Upstream {
    servers: Vec<Server>,
    next: AtomicUsize,
    budget: Arc<Budget>,
    /// Time for a server to say whether it is available.
    pub(super) probe_timeout: Duration,
}

struct Server {
    way: Way,
    name: String,
    /// What is known of it: [`UNKNOWN`], [`AVAILABLE`] or [`MISSING`].
    standing: AtomicU8,
}

/// How a server is reached.
enum Way {
    Socket(Database),
    Remote(Box<Remote>),
}

/// Nobody has asked it yet.
const UNKNOWN: u8 = 0;
/// It answered last.
const AVAILABLE: u8 = 1;
/// It did not.
const MISSING: u8 = 2;

impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

impl Upstream {
    /// The upstream that the configuration names. Makes no connection yet.
    ///
    /// # Errors
    /// When TLS is asked for and no certificate authority is known.
    pub fn new(config: &config::Upstream) -> Result<Self, UpstreamConfigError> {
        let servers = match config {
            config::Upstream::Unix(path) => vec![Server::unix(path)],
            config::Upstream::Servers(list) => list.iter().map(Server::remote).collect::<Result<_, _>>()?,
        };
        Ok(Upstream {
            servers,
            next: AtomicUsize::new(0),
            budget: Arc::default(),
            probe_timeout: PROBE_TIMEOUT,
        })
    }

    /// The files that [`Upstream::new`] reads: certificate authorities, where a server speaks TLS.
    pub fn files(config: &config::Upstream) -> Vec<PathBuf> {
        let tls = matches!(config, config::Upstream::Servers(list) if list.iter().any(|server| server.tls));
        let Some(file) = tls.then(remote::authorities).flatten() else {
            return Vec::new();
        };
        // The name may be a link to another place.
        let target = file.canonicalize().ok();
        std::iter::once(file).chain(target).collect()
    }

    /// What answers may take of memory, together with what is made of them.
    pub fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// Whether more than one gate may stand before these servers, so that cursors of other gates come by.
    pub fn is_shared(&self) -> bool {
        self.servers.iter().any(|server| matches!(server.way, Way::Remote(_)))
    }

    /// How many servers there are, and how many of them answered last.
    pub fn servers(&self) -> (usize, usize) {
        let healthy = self
            .servers
            .iter()
            .filter(|server| server.standing.load(Ordering::Relaxed) == AVAILABLE)
            .count();
        (self.servers.len(), healthy)
    }

    /// Whether a server answered last.
    pub fn is_healthy(&self) -> bool {
        self.servers().1 > 0
    }

    /// Asks a server whether it is available, without credentials, and remembers the answer.
    pub fn probe(&self, index: usize) {
        let Some(server) = self.servers.get(index) else {
            return;
        };
        let request = Outgoing {
            method: Method::Get,
            target: "/_admin/server/availability".into(),
            headers: Vec::new(),
            body: None,
            timeout: self.probe_timeout,
            server: Some(index),
        };
        match self.attempt(index, &request) {
            Ok(answer) if answer.status == 200 => server.is_available(),
            Ok(answer) => server.is_missing(&format!("it answers with status {}", answer.status)),
            Err(error) => server.is_missing(&error),
        }
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// When there is no complete answer.
    pub fn send(&self, request: &Outgoing) -> Result<Incoming, UpstreamError> {
        let order = self.order(request.server);
        let mut last = UpstreamError::Unreachable("no server is configured".into());
        let mut repeated = false;
        for (position, &index) in order.iter().enumerate() {
            let mut result = self.attempt(index, request);
            if matches!(result, Err(UpstreamError::Lost(_))) && request.method.only_reads() && !repeated {
                repeated = true;
                result = self.attempt(index, request);
            }
            match result {
                Ok(answer) if says_not_ready(&answer) => {
                    self.is_missing(index, &"it says that it is not ready");
                    // Not executed anywhere; another server may be ready.
                    if position + 1 == order.len() {
                        return Ok(answer);
                    }
                }
                Ok(answer) => {
                    if let Some(server) = self.servers.get(index) {
                        server.is_available();
                    }
                    return Ok(answer);
                }
                Err(error @ UpstreamError::Unreachable(_)) => {
                    self.is_missing(index, &error);
                    last = error;
                }
                Err(error @ UpstreamError::Lost(_)) if request.method.only_reads() => {
                    self.is_missing(index, &error);
                    last = error;
                }
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    fn is_missing(&self, index: usize, why: &dyn fmt::Display) {
        if let Some(server) = self.servers.get(index) {
            server.is_missing(why);
        }
    }

    /// The servers to try, in order: the one that must get it; else the healthy ones in turn, then those that did not answer last.
    fn order(&self, server: Option<usize>) -> Vec<usize> {
        let count = self.servers.len();
        if let Some(server) = server.filter(|&server| server < count) {
            return vec![server];
        }
        if count == 1 {
            return vec![0];
        }
        let start = self.next.fetch_add(1, Ordering::Relaxed);
        let mut order: Vec<usize> = (0..count).map(|step| start.wrapping_add(step) % count).collect();
        order.sort_by_key(|&index| self.servers[index].standing.load(Ordering::Relaxed) == MISSING);
        order
    }

    fn attempt(&self, index: usize, request: &Outgoing) -> Result<Incoming, UpstreamError> {
        let server = self
            .servers
            .get(index)
            .ok_or_else(|| UpstreamError::Unreachable("no such server".into()))?;
        let share = self.budget.share();
        let answer = match &server.way {
            Way::Socket(database) => database.run(request, &share),
            Way::Remote(remote) => remote.run(request, &share),
        }?;
        Ok(Incoming {
            status: answer.status,
            headers: answer.headers,
            body: answer.body,
            server: index,
            share,
        })
    }
}

/// The signal that every driver takes as safe to repeat, and arangod's "shutting down".
fn says_not_ready(answer: &Incoming) -> bool {
    if answer.status != 503 {
        return false;
    }
    let number = serde_json::from_slice::<serde_json::Value>(&answer.body)
        .ok()
        .and_then(|body| body.get("errorNum").and_then(serde_json::Value::as_u64));
    matches!(number, Some(30 | 503))
}

impl Server {
    /// Notes that it answered.
    fn is_available(&self) {
        // Looked at first: the line is shared by all workers, and nearly always says so already.
        if self.standing.load(Ordering::Relaxed) != AVAILABLE
            && self.standing.swap(AVAILABLE, Ordering::Relaxed) != AVAILABLE
        {
            log::info!("{} is available", self.name);
        }
    }

    /// Notes that it cannot be used; the log says why, once.
    fn is_missing(&self, why: &dyn fmt::Display) {
        if self.standing.swap(MISSING, Ordering::Relaxed) != MISSING {
            log::warn!("{} is not available: {why}", self.name);
        }
    }

    fn unix(path: &Path) -> Self {
        Server {
            way: Way::Socket(Database::new(path)),
            name: format!("unix:{}", path.display()),
            standing: AtomicU8::new(UNKNOWN),
        }
    }

    fn remote(server: &config::Server) -> Result<Self, UpstreamConfigError> {
        Ok(Server {
            way: Way::Remote(Box::new(Remote::new(server)?)),
            name: server.to_string(),
            standing: AtomicU8::new(UNKNOWN),
        })
    }
}
