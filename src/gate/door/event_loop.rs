//! The one thread that waits for everybody: it accepts, reads what arrives without ever blocking, hands complete requests
//! to the workers, and ends what takes too long.

use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustix::event::Timespec;
use rustix::event::epoll::{self, EventData, EventFlags};

use super::connection::{Connection, Phase, State};
use super::queue::{Job, Work};
use super::refusal::{Reason, Refusal};
use super::stint::Stint;
use super::transport::Transport;
use super::{Shared, WAKE_KEY, listener_key};

/// Events taken from epoll at once.
const EVENTS: usize = 256;
/// Connections accepted in a row before the others get their turn.
const ACCEPTS_IN_A_ROW: usize = 16;
/// Newcomers beyond the limit that are told so at the same time; more are closed without a word.
const TOLD: usize = 64;
/// How many candidates for shedding one look at the table collects.
const SHED_CANDIDATES: usize = 128;
/// An unfinished head is spared while it is younger than this, even when connections run out.
const SPARED: Duration = Duration::from_secs(1);
/// What a worker may wait for the next request on its connection.
const MOMENT: Duration = Duration::from_millis(4);
/// How often a door that closes looks whether the last connection is gone.
const LAST_LOOKS: Duration = Duration::from_millis(10);
/// How long unfinished requests may go on once the door closes.
const LAST_CALL: Duration = Duration::from_secs(1);

pub(super) struct EventLoop {
    shared: Arc<Shared>,
    listeners: Vec<TcpListener>,
    scratch: Vec<u8>,
    /// Connections that were idle or slow when the table was last looked through, the one to go first at the end.
    candidates: Vec<(u64, Instant)>,
    /// The least time from one look through the table to the next.
    tick: Duration,
    last_sweep: Option<Instant>,
    /// Where in the table the sweep under way goes on; events come in between.
    sweeping: Option<usize>,
    /// Accepting is off until then: the process is out of descriptors.
    pause: Option<Instant>,
    stint: Stint,
}

impl EventLoop {
    pub(super) fn new(shared: Arc<Shared>, listeners: Vec<TcpListener>) -> Self {
        let limits = &shared.limits;
        let shortest = [
            limits.head_time,
            limits.body_time,
            limits.idle_time,
            limits.handshake_time,
            limits.write_time,
            limits.linger_time,
        ]
        .into_iter()
        .min()
        .unwrap_or(Duration::from_secs(1));
        let tick = (shortest / 4).clamp(Duration::from_millis(10), Duration::from_secs(1));
        Self {
            shared,
            listeners,
            scratch: vec![0; 64 * 1024],
            candidates: Vec::new(),
            tick,
            last_sweep: None,
            sweeping: None,
            pause: None,
            stint: Stint::begin(Instant::now()),
        }
    }

    /// Runs until the door is told to stop and the last connection is gone, or the time for that is up.
    pub(super) fn run(mut self) {
        let mut events = Vec::with_capacity(EVENTS);
        loop {
            let waits_since = Instant::now();
            let timeout = self
                .next_turn(waits_since)
                .map(|due| due.saturating_duration_since(waits_since));
            let timeout = timeout.map(|timeout| Timespec {
                tv_sec: timeout.as_secs().try_into().unwrap_or(1),
                tv_nsec: timeout.subsec_nanos().into(),
            });
            events.clear();
            if let Err(error) = epoll::wait(
                &self.shared.epoll,
                rustix::buffer::spare_capacity(&mut events),
                timeout.as_ref(),
            ) && error != rustix::io::Errno::INTR
            {
                log::error!("cannot wait for connections: {error}");
                std::thread::sleep(self.tick);
            }
            self.shared.counters.turns.fetch_add(1, Ordering::Relaxed);
            self.stint.waited(waits_since, Instant::now());
            for event in &events {
                self.event(event.data.u64());
            }
            let now = Instant::now();
            // Whoever is left alone can wait: after a rest newcomers go first.
            while let Some(key) = self.shared.pauses.due(now) {
                if self.event(key) {
                    break;
                }
            }
            if self.pause.is_some_and(|until| until <= now) {
                self.resume_accepting();
            }
            if self.sweeping.is_none() && self.next_sweep().is_some_and(|due| due <= now) {
                self.last_sweep = Some(now);
                self.shared.alarm.silence();
                self.sweeping = Some(0);
            }
            if let Some(start) = self.sweeping {
                self.sweeping = self.sweep(start, now);
                self.stint.worked(false);
            }
            if let Some(deadline) = self.shared.stop_deadline() {
                self.listeners.clear();
                if self.shared.table.len() == 0 || now >= deadline {
                    break;
                }
            }
        }
    }

    /// When the loop has something to do even if nothing happens.
    fn next_turn(&self, now: Instant) -> Option<Instant> {
        [
            self.next_sweep(),
            self.shared.pauses.next(),
            self.pause,
            self.sweeping.map(|_| now),
            // The last connection ends on a worker, which wakes nobody.
            self.shared.stopping().then(|| now + LAST_LOOKS),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// When the table is looked through next: once somebody's time is up, but not all the time.
    fn next_sweep(&self) -> Option<Instant> {
        let due = self.shared.alarm.next()?;
        Some(self.last_sweep.map_or(due, |last| due.max(last + self.tick)))
    }

    /// Something is to be done; whether there was a rest after it.
    fn event(&mut self, key: u64) -> bool {
        if key == WAKE_KEY {
            self.woken();
        } else if let Some(listener) = (0..self.listeners.len()).find(|&index| listener_key(index) == key) {
            self.accept(listener);
        } else if let Some(connection) = self.shared.table.get(key) {
            let mut state = connection.lock();
            self.act(&connection, &mut state);
            let fruitful = matches!(state.phase, Phase::Active | Phase::Writing);
            drop(state);
            return self.stint.worked(fruitful);
        }
        false
    }

    fn act(&mut self, connection: &Arc<Connection>, state: &mut State) {
        let shared = Arc::clone(&self.shared);
        match state.phase {
            Phase::Handshake => {
                let job = Job {
                    connection: Arc::clone(connection),
                    work: Work::Handshake,
                    queued: Instant::now(),
                };
                if !shared.ordinary.push(job) {
                    shared.close(connection, state);
                }
            }
            Phase::Idle | Phase::Head | Phase::Body => shared.read_on(connection, state, &mut self.scratch),
            Phase::Writing => shared.write_on(connection, state, &mut self.scratch),
            Phase::Lingering => shared.discard(connection, state, &mut self.scratch),
            Phase::Active | Phase::Closed => {}
        }
    }

    fn woken(&mut self) {
        let mut count = [0; 8];
        let _ = rustix::io::read(&self.shared.wake, &mut count);
        if self.shared.stop_deadline().is_some() {
            self.last_call();
        }
        if self.shared.relief_wanted.swap(false, Ordering::Relaxed) {
            self.shed_writers();
        }
    }

    fn accept(&mut self, index: usize) {
        for _ in 0..ACCEPTS_IN_A_ROW {
            let Some(listener) = self.listeners.get(index) else {
                return;
            };
            match listener.accept() {
                Ok((socket, peer)) => {
                    let fruitful = self.admit(socket, peer);
                    self.stint.worked(fruitful);
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    self.stint.newcomers_wait(false);
                    return;
                }
                // The client left before it was accepted.
                Err(error)
                    if matches!(
                        error.kind(),
                        std::io::ErrorKind::ConnectionAborted | std::io::ErrorKind::Interrupted
                    ) => {}
                Err(error) => {
                    // Out of descriptors or memory: make room, and look again at the next sweep instead of at once.
                    log::error!("cannot accept a connection: {error}");
                    self.shed(SHED_CANDIDATES);
                    self.pause_accepting();
                    return;
                }
            }
        }
        self.stint.newcomers_wait(true);
    }

    fn pause_accepting(&mut self) {
        self.pause = Some(Instant::now() + self.tick);
        for listener in &self.listeners {
            let _ = epoll::delete(&self.shared.epoll, listener);
        }
    }

    fn resume_accepting(&mut self) {
        self.pause = None;
        for (index, listener) in self.listeners.iter().enumerate() {
            if let Err(error) = self.shared.watch(listener, listener_key(index), EventFlags::IN) {
                log::error!("cannot accept connections any more: {error}");
            }
        }
    }

    /// Takes in a newcomer; whether a request came with it.
    fn admit(&mut self, socket: TcpStream, peer: std::net::SocketAddr) -> bool {
        let shared = Arc::clone(&self.shared);
        shared.counters.accepted.fetch_add(1, Ordering::Relaxed);
        let open = shared.table.len();
        let over = open >= shared.limits.connections && !self.shed(1);
        if over && open >= shared.limits.connections.saturating_add(TOLD) {
            shared.counters.count_refusal(Reason::Overloaded);
            return false;
        }
        let prepared = socket
            .set_nodelay(true)
            .and_then(|()| socket.set_read_timeout(Some(MOMENT)));
        if prepared.is_err() {
            return false;
        }
        // Telling a TLS client that there is no room would take the handshake that there is no room for.
        let transport = match &shared.tls {
            Some(_) if over => return false,
            Some(certificates) => match certificates.session() {
                Ok(session) => Transport::Tls(Box::new(session)),
                Err(error) => {
                    log::error!("cannot begin a TLS session: {error}");
                    return false;
                }
            },
            None => Transport::Plain,
        };
        let connection = shared
            .table
            .insert(|key| Connection::new(key, socket, Some(peer), transport, &shared.limits));
        let mut state = connection.lock();
        if over {
            let full = Refusal::new(
                Reason::Overloaded,
                "the gate has as many connections as it may; try again in a moment",
            );
            shared.refuse(&connection, &mut state, &full);
        } else if state.phase == Phase::Handshake {
            shared.rearm(&connection, &mut state, EventFlags::IN);
        } else {
            // Most come with their request, and some have gone again.
            shared.read_on(&connection, &mut state, &mut self.scratch);
        }
        state.phase == Phase::Active
    }

    /// Closes up to `count` connections: idle ones first, the oldest first; then those whose head is overdue. Whether any.
    fn shed(&mut self, count: usize) -> bool {
        let mut closed = 0;
        let mut looked = false;
        while closed < count {
            let Some((key, since)) = self.candidates.pop() else {
                if looked {
                    break;
                }
                looked = true;
                self.collect_candidates();
                continue;
            };
            let Some(connection) = self.shared.table.get(key) else {
                continue;
            };
            // It may have become busy, or idle anew, since the table was looked through.
            if let Some(mut state) = connection.try_lock()
                && state.since == since
                && sheddable(&state, Instant::now()).is_some()
            {
                self.shared.counters.shed.fetch_add(1, Ordering::Relaxed);
                self.shared.close(&connection, &mut state);
                closed += 1;
            }
        }
        closed > 0
    }

    fn collect_candidates(&mut self) {
        let now = Instant::now();
        let mut found = Vec::new();
        self.shared.table.for_each(|connection| {
            if let Some(state) = connection.try_lock()
                && let Some(rank) = sheddable(&state, now)
            {
                found.push((rank, state.since, connection.key));
            }
        });
        if found.len() > SHED_CANDIDATES {
            found.select_nth_unstable(SHED_CANDIDATES);
            found.truncate(SHED_CANDIDATES);
        }
        found.sort_unstable();
        self.candidates.clear();
        self.candidates
            .extend(found.into_iter().rev().map(|(_, since, key)| (key, since)));
    }

    /// Too much is held: those who have not taken their answers for longest go.
    fn shed_writers(&mut self) {
        let mut writers = Vec::new();
        self.shared.table.for_each(|connection| {
            if let Some(state) = connection.try_lock()
                && state.phase == Phase::Writing
            {
                writers.push((state.since, connection.key));
            }
        });
        writers.sort_unstable();
        // Some more than needed: with the next answer that is not taken the whole table is looked at again.
        let enough = self.shared.limits.buffered_bytes / 8 * 7;
        for (since, key) in writers {
            if self.shared.held.load(Ordering::Relaxed) <= enough {
                break;
            }
            if let Some(connection) = self.shared.table.get(key)
                && let Some(mut state) = connection.try_lock()
                && state.phase == Phase::Writing
                && state.since == since
            {
                self.shared.counters.shed.fetch_add(1, Ordering::Relaxed);
                self.shared.close(&connection, &mut state);
            }
        }
    }

    /// Ends what has had its time, in one part of the table; where the next part begins.
    fn sweep(&mut self, start: usize, now: Instant) -> Option<usize> {
        let mut expired = Vec::new();
        let next = self.shared.table.part(start, |connection| {
            match connection.try_lock() {
                Some(state) if state.expired(now) => expired.push(Arc::clone(connection)),
                Some(state) => {
                    self.shared.heed_deadline(&state);
                }
                // Whoever is at it may have told its deadline before the alarm was silenced.
                None => {
                    self.shared.alarm.bring_forward(now + self.tick);
                }
            }
        });
        for connection in expired {
            let Some(mut state) = connection.try_lock() else {
                self.shared.alarm.bring_forward(now + self.tick);
                continue;
            };
            if !state.expired(now) {
                self.shared.heed_deadline(&state);
                continue;
            }
            match state.phase {
                Phase::Head | Phase::Body if self.shared.stop_deadline().is_some() => {
                    let stopping = Refusal::new(Reason::Stopping, "the gate is stopping");
                    self.shared.refuse(&connection, &mut state, &stopping);
                }
                Phase::Head | Phase::Body => {
                    let slow = Refusal::new(Reason::TooSlow, "the request took too long to arrive");
                    self.shared.refuse(&connection, &mut state, &slow);
                }
                Phase::Writing => {
                    self.shared.counters.slow_readers.fetch_add(1, Ordering::Relaxed);
                    self.shared.close(&connection, &mut state);
                }
                _ => self.shared.close(&connection, &mut state),
            }
        }
        next
    }

    /// The door closes: idle connections end now, unfinished requests soon.
    fn last_call(&mut self) {
        for connection in self.connections_where(|state| state.phase != Phase::Active) {
            let Some(mut state) = connection.try_lock() else {
                continue;
            };
            match state.phase {
                Phase::Idle | Phase::Handshake => self.shared.close(&connection, &mut state),
                Phase::Head | Phase::Body => {
                    let soon = Instant::now() + LAST_CALL;
                    state.deadline = Some(state.deadline.map_or(soon, |deadline| deadline.min(soon)));
                    self.shared.heed_deadline(&state);
                }
                _ => {}
            }
        }
    }

    /// Connections that are at nobody's hands and match. Acting on them comes after the look: closing changes the table.
    fn connections_where(&self, matches: impl Fn(&State) -> bool) -> Vec<Arc<Connection>> {
        let mut found = Vec::new();
        self.shared.table.for_each(|connection| {
            if connection.try_lock().is_some_and(|state| matches(&state)) {
                found.push(Arc::clone(connection));
            }
        });
        found
    }
}

/// Whether a connection may be closed to make room, and how soon its turn comes.
fn sheddable(state: &State, now: Instant) -> Option<u8> {
    match state.phase {
        Phase::Idle => Some(0),
        Phase::Lingering => Some(1),
        Phase::Head | Phase::Handshake if now.saturating_duration_since(state.since) >= SPARED => Some(2),
        _ => None,
    }
}

impl Shared {
    /// Has epoll report events of a source under a key.
    pub(super) fn watch(&self, source: impl AsFd, key: u64, flags: EventFlags) -> rustix::io::Result<()> {
        epoll::add(&self.epoll, source, EventData::new_u64(key), flags)
    }
}
