//! One connection: its socket, what was read and not yet answered, and until when it may stay as it is.

use std::net::{SocketAddr, TcpStream};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::limits::Limits;
use super::reader::Reader;
use super::transport::Transport;
use super::writer::Output;

/// Where a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// In the TLS handshake.
    Handshake,
    /// Between requests, or before the first.
    Idle,
    /// A head has begun.
    Head,
    /// The head is complete, the body is not.
    Body,
    /// With a worker, or queued for one.
    Active,
    /// The client has not taken all of its answer.
    Writing,
    /// Answered for the last time; reading off what still comes.
    Lingering,
    /// Over.
    Closed,
}

impl Phase {
    /// Every phase in which a connection can be found.
    pub const OPEN: &'static [Phase] = &[
        Phase::Handshake,
        Phase::Idle,
        Phase::Head,
        Phase::Body,
        Phase::Active,
        Phase::Writing,
        Phase::Lingering,
    ];

    /// A stable name for metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Phase::Handshake => "handshake",
            Phase::Idle => "idle",
            Phase::Head => "head",
            Phase::Body => "body",
            Phase::Active => "active",
            Phase::Writing => "writing",
            Phase::Lingering => "lingering",
            Phase::Closed => "closed",
        }
    }

    /// How long a connection may stay in this phase; [`Phase::Writing`] depends on the answer, and work has its own limits.
    fn allowance(self, limits: &Limits) -> Option<Duration> {
        match self {
            Phase::Handshake => Some(limits.handshake_time),
            Phase::Idle => Some(limits.idle_time),
            Phase::Head => Some(limits.head_time),
            Phase::Body => Some(limits.body_time),
            Phase::Lingering => Some(limits.linger_time),
            Phase::Active | Phase::Writing | Phase::Closed => None,
        }
    }
}

/// A connection as the event loop and the workers share it. Whoever holds the state's lock acts for the connection.
pub(super) struct Connection {
    /// Its place in the table, and its name in epoll.
    pub(super) key: u64,
    pub(super) socket: TcpStream,
    pub(super) peer: Option<SocketAddr>,
    state: Mutex<State>,
}

/// The part of a connection that changes.
pub(super) struct State {
    pub(super) transport: Transport,
    pub(super) reader: Reader,
    pub(super) output: Option<Output>,
    pub(super) phase: Phase,
    /// When it came into this phase.
    pub(super) since: Instant,
    /// When it has to have left it.
    pub(super) deadline: Option<Instant>,
    /// What it counts for in the door's sum of held bytes.
    pub(super) accounted: usize,
    /// What was read off since it lingers.
    pub(super) discarded: usize,
    /// epoll knows of it. A connection that is over at once, or comes with its request, is spared that.
    pub(super) watched: bool,
}

impl Connection {
    pub(super) fn new(
        key: u64,
        socket: TcpStream,
        peer: Option<SocketAddr>,
        transport: Transport,
        limits: &Limits,
    ) -> Self {
        let phase = match transport {
            Transport::Plain => Phase::Idle,
            Transport::Tls(_) => Phase::Handshake,
        };
        let mut state = State {
            transport,
            reader: Reader::new(),
            output: None,
            phase,
            since: Instant::now(),
            deadline: None,
            accounted: 0,
            discarded: 0,
            watched: false,
        };
        state.enter(phase, limits);
        Self {
            key,
            socket,
            peer,
            state: Mutex::new(state),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // Handlers run under `catch_unwind`, so a poisoned lock still guards a sound state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, unless a worker or the loop is at it.
    pub(super) fn try_lock(&self) -> Option<MutexGuard<'_, State>> {
        match self.state.try_lock() {
            Ok(state) => Some(state),
            Err(std::sync::TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(std::sync::TryLockError::WouldBlock) => None,
        }
    }
}

impl State {
    /// Goes into a phase, and its clock starts.
    pub(super) fn enter(&mut self, phase: Phase, limits: &Limits) {
        self.phase = phase;
        self.since = Instant::now();
        self.deadline = phase.allowance(limits).map(|allowance| self.since + allowance);
    }

    /// Goes into the phase that the reader's progress says. A clock that runs goes on: bytes alone buy no time.
    pub(super) fn settle(&mut self, limits: &Limits) {
        let phase = if self.reader.is_idle() {
            Phase::Idle
        } else if self.reader.in_body() {
            Phase::Body
        } else {
            Phase::Head
        };
        if phase != self.phase {
            self.enter(phase, limits);
        }
    }

    pub(super) fn expired(&self, now: Instant) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now)
    }
}
