//! The bounds of the door: nothing a client does makes the gate hold more, or wait longer, than stands here.

use std::time::Duration;

/// Bounds on connections, bytes and times. [`Limits::default`] suits a container of a few hundred megabytes.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Open connections; beyond it the oldest idle one is closed, and without an idle one the newcomer gets a 503.
    pub connections: usize,
    /// Bytes of a request's head: request line and header fields.
    pub head_bytes: usize,
    /// Bytes of a request target.
    pub target_bytes: usize,
    /// Header fields of a request.
    pub fields: usize,
    /// Bytes of a request body after chunk decoding.
    pub body_bytes: usize,
    /// Bytes held for all connections together: unfinished requests and answers that clients have not taken yet.
    pub buffered_bytes: usize,
    /// Complete requests that wait for a worker.
    pub queue: usize,
    /// From a request's first byte to the end of its head.
    pub head_time: Duration,
    /// From the end of a request's head to the end of its body.
    pub body_time: Duration,
    /// Between requests, and before the first one.
    pub idle_time: Duration,
    /// For a TLS handshake.
    pub handshake_time: Duration,
    /// For a client to take its answer, on top of [`Limits::write_rate`].
    pub write_time: Duration,
    /// Bytes a second that a client must at least take of a long answer.
    pub write_rate: usize,
    /// For a complete request to wait for a worker.
    pub queue_time: Duration,
    /// For a client to close after a refusal, before the door closes.
    pub linger_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 16_384,
            head_bytes: 32 * 1024,
            target_bytes: 8 * 1024,
            fields: 100,
            body_bytes: 16 * 1024 * 1024,
            buffered_bytes: 256 * 1024 * 1024,
            queue: 1024,
            head_time: Duration::from_secs(10),
            body_time: Duration::from_mins(1),
            // arangod's own keep-alive (`--http.keep-alive-timeout`), so that drivers see no difference.
            idle_time: Duration::from_mins(5),
            handshake_time: Duration::from_secs(10),
            write_time: Duration::from_secs(30),
            write_rate: 32 * 1024,
            queue_time: Duration::from_secs(10),
            linger_time: Duration::from_secs(2),
        }
    }
}

impl Limits {
    /// How long a client may take for an answer of this many bytes.
    pub fn write_allowance(&self, bytes: usize) -> Duration {
        let seconds = bytes / self.write_rate.max(1);
        self.write_time.saturating_add(Duration::from_secs(seconds as u64))
    }
}
