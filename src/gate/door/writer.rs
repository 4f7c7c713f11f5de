//! A response as bytes, and how much of it the client has taken.

use std::fmt::Write as _;

use super::date;
use crate::gate::message::Response;

/// What happens to the connection once the response is out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// The next request.
    Next,
    /// The end, when everything that was sent had been read.
    Close,
    /// The end, after reading off what the client still sends: closing at once would reset the connection and could take
    /// the response away before the client reads it.
    Linger,
}

/// A response on its way out.
#[derive(Debug)]
pub(super) struct Output {
    head: Vec<u8>,
    body: Vec<u8>,
    sent: usize,
    pub(super) after: After,
}

impl Output {
    pub(super) fn new(response: Response, is_head: bool, after: After) -> Self {
        let body_allowed = !matches!(response.status, 100..=199 | 204 | 304);
        let head = head(&response, body_allowed, after);
        let body = if is_head || !body_allowed {
            Vec::new()
        } else {
            response.body
        };
        Self {
            head,
            body,
            sent: 0,
            after,
        }
    }

    /// What is left to send, in two parts.
    pub(super) fn rest(&self) -> (&[u8], &[u8]) {
        let head = self.head.get(self.sent..).unwrap_or_default();
        let body = self
            .body
            .get(self.sent.saturating_sub(self.head.len())..)
            .unwrap_or_default();
        (head, body)
    }

    /// Notes that so many more bytes are out.
    pub(super) fn advance(&mut self, count: usize) {
        self.sent = self.sent.saturating_add(count);
    }

    /// Bytes of memory held; what is sent already stays until the rest is.
    pub(super) fn held(&self) -> usize {
        self.head.capacity().saturating_add(self.body.capacity())
    }

    pub(super) fn remaining(&self) -> usize {
        (self.head.len() + self.body.len()).saturating_sub(self.sent)
    }
}

fn head(response: &Response, body_allowed: bool, after: After) -> Vec<u8> {
    let mut text = String::with_capacity(256);
    // Writing to a String does not fail.
    let _ = write!(text, "HTTP/1.1 {} {}\r\n", response.status, phrase(response.status));
    for (name, value) in &response.headers {
        if name.bytes().chain(value.bytes()).any(|byte| byte.is_ascii_control()) || name.is_empty() {
            log::error!(
                "dropped a response header with a control character: {}",
                name.escape_debug()
            );
            continue;
        }
        let _ = write!(text, "{name}: {value}\r\n");
    }
    date::with_now(|date| {
        let _ = write!(text, "Date: {date}\r\n");
    });
    if body_allowed {
        let _ = write!(text, "Content-Length: {}\r\n", response.body.len());
    }
    text.push_str(match after {
        After::Next => "Connection: Keep-Alive\r\n\r\n",
        After::Close | After::Linger => "Connection: Close\r\n\r\n",
    });
    text.into_bytes()
}

const fn phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        417 => "Expectation Failed",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        507 => "Insufficient Storage",
        _ => "Status",
    }
}
