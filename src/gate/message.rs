//! Requests and responses as the door hands them to the rest of the gate: complete, bounded, and free of framing.

use std::net::SocketAddr;
use std::time::Instant;

/// A request that was read completely and within limits.
#[derive(Debug)]
pub struct Request {
    /// The method as sent; HTTP methods are case-sensitive.
    pub method: String,
    /// The request target as sent, in origin form (`/path?query`), not yet decoded.
    pub target: String,
    /// Headers in order: name in lower case, value without surrounding blanks.
    pub headers: Vec<(String, String)>,
    /// The body after chunk decoding, still with its content encoding.
    pub body: Vec<u8>,
    /// Where it came from.
    pub peer: Option<SocketAddr>,
    /// When its first byte arrived.
    pub received: Instant,
}

impl Request {
    /// The value of a header (name in lower case); the first one when there are several.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// A complete response; the door adds framing and connection headers.
#[derive(Debug)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Headers without `Content-Length`, `Transfer-Encoding`, `Connection` and `Date`.
    pub headers: Vec<(String, String)>,
    /// The body; for `HEAD` the door keeps its length and drops it.
    pub body: Vec<u8>,
    /// Whether the connection must end after this response.
    pub close: bool,
}

/// What answers requests. Called on a worker thread; a panic is caught by the door and becomes a 500.
pub trait Handler: Send + Sync {
    /// Answers one request.
    fn handle(&self, request: Request) -> Response;

    /// Whether the gate answers this target by itself and at once (`/health`, `/metrics`). Such requests have a worker of
    /// their own, so that a probe never waits behind slow queries. Called in the event loop: looks at the text only.
    fn is_own(&self, _target: &str) -> bool {
        false
    }

    /// Bytes that a request's body may have now; `None`: the door's own limit. Asked for each time bytes arrive.
    fn body_limit(&self) -> Option<usize> {
        None
    }

    /// The door refused something before it was a request; for the audit log.
    fn refused(&self, _refusal: &super::door::Refusal, _peer: Option<SocketAddr>) {}
}
