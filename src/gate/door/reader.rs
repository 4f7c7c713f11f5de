//! Bytes in, requests out: one connection's input, whatever pieces it comes in. No I/O.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::chunked::Decoder;
use super::head::{self, Framing, Head, Scanner};
use super::limits::Limits;
use super::pauses;
use super::refusal::{Reason, Refusal};
use crate::gate::message::Request;

/// What the bytes so far amount to.
#[derive(Debug)]
pub(super) enum Step {
    /// Nothing complete yet.
    Wait,
    /// The head is complete and the client waits for leave to send the body.
    SendContinue,
    /// A request.
    Complete(Complete),
    /// Nothing after this can be trusted to be a request.
    Refused(Refusal),
}

/// A complete request and what the connection does after it.
#[derive(Debug)]
pub(super) struct Complete {
    pub(super) request: Request,
    pub(super) keep_alive: bool,
    /// It was sent before the answer to the one before it.
    pub(super) pipelined: bool,
}

#[derive(Debug)]
enum Stage {
    Head(Scanner),
    Length {
        head: Head,
        remaining: usize,
        body: Vec<u8>,
    },
    Chunked {
        head: Head,
        decoder: Decoder,
        body: Vec<u8>,
    },
    /// After a refusal, or a request that no other may follow.
    Closed,
}

/// The reader of one connection.
#[derive(Debug)]
pub(super) struct Reader {
    /// Bytes that came and are not consumed.
    buffer: Vec<u8>,
    stage: Stage,
    /// When the first byte of the request being read arrived.
    began: Option<Instant>,
    /// In how many reads, and how many bytes, it came so far.
    reads: u32,
    bytes: usize,
    /// The request being read had begun when the one before it was complete.
    follows: bool,
}

impl Reader {
    pub(super) fn new() -> Self {
        Self {
            buffer: Vec::new(),
            stage: Stage::Head(Scanner::default()),
            began: None,
            reads: 0,
            bytes: 0,
            follows: false,
        }
    }

    /// Between requests, with not a byte of the next one.
    pub(super) fn is_idle(&self) -> bool {
        self.buffer.is_empty() && matches!(self.stage, Stage::Head(_))
    }

    /// In a body, its head complete.
    pub(super) fn in_body(&self) -> bool {
        matches!(self.stage, Stage::Length { .. } | Stage::Chunked { .. })
    }

    /// Bytes of memory held.
    pub(super) fn held(&self) -> usize {
        let body = match &self.stage {
            Stage::Length { body, .. } | Stage::Chunked { body, .. } => body.capacity(),
            Stage::Head(_) | Stage::Closed => 0,
        };
        self.buffer.capacity().saturating_add(body)
    }

    /// Notes a read, also one that brought no byte of the request.
    pub(super) fn count_read(&mut self) {
        self.reads = self.reads.saturating_add(1);
    }

    /// Takes in bytes. Call [`Reader::step`] afterwards until it says [`Step::Wait`].
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.began.is_none() {
            self.began = Some(Instant::now());
        }
        self.count_read();
        self.bytes = self.bytes.saturating_add(bytes.len());
        let mut bytes = bytes;
        if let (Stage::Length { remaining, body, .. }, true) = (&mut self.stage, self.buffer.is_empty()) {
            let (own, rest) = bytes.split_at(bytes.len().min(*remaining));
            body.extend_from_slice(own);
            *remaining -= own.len();
            bytes = rest;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// How long to leave the connection alone, where its request comes in crumbs; without a request, what it has been in since
    /// then.
    pub(super) fn pause(&self, since: Instant) -> Option<Duration> {
        pauses::pause(self.reads, self.bytes, self.began.unwrap_or(since).elapsed())
    }

    /// The next thing that the bytes so far amount to.
    pub(super) fn step(&mut self, peer: Option<SocketAddr>, limits: &Limits) -> Step {
        let step = self.advance(peer, limits).unwrap_or_else(|refusal| {
            self.stage = Stage::Closed;
            self.buffer = Vec::new();
            Step::Refused(refusal)
        });
        if self.buffer.is_empty() {
            // An idle connection holds no memory.
            self.buffer = Vec::new();
        }
        step
    }

    fn advance(&mut self, peer: Option<SocketAddr>, limits: &Limits) -> Result<Step, Refusal> {
        match &mut self.stage {
            Stage::Closed => {
                self.buffer = Vec::new();
                Ok(Step::Wait)
            }
            Stage::Head(scanner) => {
                let Some(span) = scanner.scan(&self.buffer, limits)? else {
                    return Ok(Step::Wait);
                };
                let end = span.end;
                let head = head::parse(self.buffer.get(span).unwrap_or_default(), limits)?;
                self.buffer.drain(..end);
                self.end_head(head, peer, limits)
            }
            Stage::Length { remaining, body, .. } => {
                let count = (*remaining).min(self.buffer.len());
                body.extend_from_slice(self.buffer.get(..count).unwrap_or_default());
                self.buffer.drain(..count);
                *remaining -= count;
                if *remaining > 0 {
                    Ok(Step::Wait)
                } else {
                    Ok(self.complete(peer))
                }
            }
            Stage::Chunked { decoder, body, .. } => {
                let used = decoder.decode(&self.buffer, body, limits)?;
                self.buffer.drain(..used);
                if decoder.done() {
                    Ok(self.complete(peer))
                } else {
                    Ok(Step::Wait)
                }
            }
        }
    }

    fn end_head(&mut self, head: Head, peer: Option<SocketAddr>, limits: &Limits) -> Result<Step, Refusal> {
        let expects_continue = head.expects_continue && self.buffer.is_empty();
        match head.framing {
            Framing::Unstated if !self.buffer.is_empty() => {
                return Err(Refusal::new(
                    Reason::LengthRequired,
                    format!("bytes after a {} request that states no length of a body", head.method),
                ));
            }
            Framing::None | Framing::Unstated => {
                self.stage = Stage::Length {
                    head,
                    remaining: 0,
                    body: Vec::new(),
                };
                return Ok(self.complete(peer));
            }
            Framing::Length(remaining) => {
                // The stated length is a claim: memory follows the bytes that come.
                let body = Vec::with_capacity(remaining.min(self.buffer.len().max(4096)));
                self.stage = Stage::Length { head, remaining, body };
            }
            Framing::Chunked => {
                self.stage = Stage::Chunked {
                    head,
                    decoder: Decoder::new(),
                    body: Vec::new(),
                };
            }
        }
        if expects_continue {
            Ok(Step::SendContinue)
        } else {
            self.advance(peer, limits)
        }
    }

    fn complete(&mut self, peer: Option<SocketAddr>) -> Step {
        let stage = std::mem::replace(&mut self.stage, Stage::Closed);
        let (Stage::Length { head, body, .. } | Stage::Chunked { head, body, .. }) = stage else {
            return Step::Wait;
        };
        if head.keep_alive {
            self.stage = Stage::Head(Scanner::default());
        } else {
            self.buffer = Vec::new();
        }
        let now = Instant::now();
        let received = self.began.take().unwrap_or(now);
        self.reads = 0;
        self.bytes = 0;
        let pipelined = self.follows;
        self.follows = !self.buffer.is_empty();
        if self.follows {
            self.began = Some(now);
        }
        Step::Complete(Complete {
            keep_alive: head.keep_alive,
            pipelined,
            request: Request {
                method: head.method,
                target: head.target,
                headers: head.headers,
                body,
                peer,
                received,
            },
        })
    }
}
