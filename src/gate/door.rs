//! The door: the HTTP/1.1 server on 7474.
//!
//! One event loop waits on all connections, reads what arrives and never blocks; a fixed pool of workers answers complete
//! requests. INVARIANT: a connection without a complete request holds no worker, and what a client can make the door keep
//! (connections, bytes, time) is bounded by [`Limits`]. What passes is one request in one reading; everything ambiguous is
//! refused here, so that no later part has to think about framing.

mod alarm;
mod chunked;
mod connection;
pub(crate) mod date;
mod event_loop;
mod exchange;
mod head;
mod limits;
mod pauses;
mod queue;
mod reader;
mod refusal;
mod stint;
mod table;
pub mod tls;
mod transport;
mod workers;
mod writer;

#[cfg(test)]
mod tests;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::epoll::{self, EventFlags};
use rustix::event::{EventfdFlags, eventfd};

pub use connection::Phase;
pub use limits::Limits;
pub use refusal::{Reason, Refusal};

use self::alarm::Alarm;
use self::event_loop::EventLoop;
use self::pauses::Pauses;
use self::queue::Queue;
use self::table::Table;
use self::tls::Certificates;
use super::message::Handler;

/// Keys of epoll that are no connection's.
const WAKE_KEY: u64 = u64::MAX;

const fn listener_key(index: usize) -> u64 {
    WAKE_KEY - 1 - index as u64
}

/// Why the door cannot open.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The system lacks a means that the door needs.
    #[error("cannot set up the door")]
    Setup(#[from] io::Error),
}

/// Addresses bound and not yet served; bound before the process gives up its rights.
#[derive(Debug)]
pub struct Listeners(Vec<TcpListener>);

impl Listeners {
    /// Binds every address or none.
    pub fn bind(addresses: &[SocketAddr]) -> Result<Self, DoorError> {
        let listeners = addresses
            .iter()
            .map(|&address| {
                let listener = TcpListener::bind(address).map_err(|source| DoorError::Listen { address, source })?;
                // std's backlog is 128 at most; a burst of new connections needs more. Listening again only changes that.
                rustix::net::listen(&listener, 4096).map_err(io::Error::from)?;
                listener.set_nonblocking(true)?;
                Ok(listener)
            })
            .collect::<Result<Vec<_>, DoorError>>()?;
        Ok(Self(listeners))
    }

    /// The addresses as bound, with the ports that the system chose.
    pub fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.0.iter().map(TcpListener::local_addr).collect()
    }
}

/// How the door is built.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Threads that answer requests; 0: a number that suits the machine.
    pub workers: usize,
    /// Bounds.
    pub limits: Limits,
    /// Serve TLS with these.
    pub tls: Option<Arc<Certificates>>,
}

/// Workers mostly wait for the database, so there are many more of them than processors.
pub fn default_workers() -> usize {
    thread::available_parallelism()
        .map_or(4, usize::from)
        .saturating_mul(16)
        .clamp(32, 256)
}

/// Bytes of memory that a door with these settings may come to: stacks, and what it holds for clients.
pub fn memory(settings: &Settings) -> u64 {
    let workers = worker_count(settings);
    let threads = workers.saturating_add(pipelined_workers(workers)).saturating_add(2);
    let stacks = threads.saturating_mul(workers::STACK_BYTES);
    stacks.saturating_add(settings.limits.buffered_bytes) as u64
}

/// How many workers answer pipelined requests, beside so many others.
fn pipelined_workers(workers: usize) -> usize {
    (workers / 16).max(1)
}

fn worker_count(settings: &Settings) -> usize {
    if settings.workers == 0 {
        default_workers()
    } else {
        settings.workers
    }
}

/// Counts since the door opened.
#[derive(Debug, Default)]
pub(super) struct Counters {
    accepted: AtomicU64,
    requests: AtomicU64,
    reads: AtomicU64,
    turns: AtomicU64,
    panics: AtomicU64,
    shed: AtomicU64,
    slow_readers: AtomicU64,
    handshakes_failed: AtomicU64,
    refusals: [AtomicU64; Reason::ALL.len()],
}

impl Counters {
    fn count_refusal(&self, reason: Reason) {
        let index = Reason::ALL.iter().position(|&other| other == reason);
        if let Some(counter) = index.and_then(|index| self.refusals.get(index)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What event loop and workers share.
pub(super) struct Shared {
    epoll: OwnedFd,
    wake: OwnedFd,
    table: Table,
    pauses: Pauses,
    alarm: Alarm,
    /// Requests that need the database.
    ordinary: Queue,
    /// Requests that the gate answers by itself.
    own: Queue,
    /// Requests that were sent before the answer to the one before them.
    pipelined: Queue,
    limits: Limits,
    handler: Arc<dyn Handler>,
    tls: Option<Arc<Certificates>>,
    counters: Counters,
    /// Bytes held for all connections.
    held: AtomicUsize,
    relief_wanted: AtomicBool,
    stop_deadline: OnceLock<Instant>,
}

impl Shared {
    fn stopping(&self) -> bool {
        self.stop_deadline.get().is_some()
    }

    fn stop_deadline(&self) -> Option<Instant> {
        self.stop_deadline.get().copied()
    }

    fn wake(&self) {
        // A full counter is as good as another one.
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }

    /// Asks the event loop to close those who do not take their answers.
    fn relieve(&self) {
        if !self.relief_wanted.swap(true, Ordering::Relaxed) {
            self.wake();
        }
    }
}

/// What the door has seen and holds.
#[derive(Debug, Clone, Default)]
pub struct Stats {
    /// Connections by phase.
    pub connections: Vec<(Phase, u64)>,
    /// Connections accepted.
    pub accepted: u64,
    /// Complete requests handed to the handler.
    pub requests: u64,
    /// Reads of sockets, whatever they brought.
    pub reads: u64,
    /// Times that the event loop woke.
    pub turns: u64,
    /// Panics caught.
    pub panics: u64,
    /// Connections closed to make room.
    pub shed: u64,
    /// Connections closed because the client did not take its answer.
    pub slow_readers: u64,
    /// TLS handshakes that failed.
    pub handshakes_failed: u64,
    /// What the door refused, by reason.
    pub refusals: Vec<(Reason, u64)>,
    /// Requests that wait for a worker.
    pub queued: u64,
    /// Bytes held for unfinished requests and untaken answers.
    pub held_bytes: u64,
}

/// Reads the door's figures; lives as long as anybody asks.
#[derive(Clone)]
pub struct Observer(Arc<Shared>);

impl Observer {
    /// The figures now.
    pub fn stats(&self) -> Stats {
        let shared = &self.0;
        let mut phases: Vec<(Phase, u64)> = Phase::OPEN.iter().map(|&phase| (phase, 0)).collect();
        shared.table.for_each(|connection| {
            // Somebody is at it: it is being served.
            let phase = connection.try_lock().map_or(Phase::Active, |state| state.phase);
            if let Some((_, count)) = phases.iter_mut().find(|(other, _)| *other == phase) {
                *count += 1;
            }
        });
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &shared.counters;
        Stats {
            connections: phases,
            accepted: read(&counters.accepted),
            requests: read(&counters.requests),
            reads: read(&counters.reads),
            turns: read(&counters.turns),
            panics: read(&counters.panics),
            shed: read(&counters.shed),
            slow_readers: read(&counters.slow_readers),
            handshakes_failed: read(&counters.handshakes_failed),
            refusals: Reason::ALL
                .iter()
                .copied()
                .zip(counters.refusals.iter().map(read))
                .collect(),
            queued: [&shared.ordinary, &shared.own, &shared.pipelined]
                .map(|queue| queue.len() as u64)
                .iter()
                .sum(),
            held_bytes: shared.held.load(Ordering::Relaxed) as u64,
        }
    }
}

/// An open door.
pub struct Door {
    shared: Arc<Shared>,
    event_loop: JoinHandle<()>,
    workers: Vec<JoinHandle<()>>,
}

impl Door {
    /// Serves the listeners with the handler, until [`Door::close`].
    pub fn open(listeners: Listeners, settings: Settings, handler: Arc<dyn Handler>) -> Result<Self, DoorError> {
        let setup = |error: rustix::io::Errno| DoorError::Setup(error.into());
        let count = worker_count(&settings);
        let shared = Arc::new(Shared {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC).map_err(setup)?,
            wake: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map_err(setup)?,
            table: Table::default(),
            pauses: Pauses::default(),
            alarm: Alarm::default(),
            ordinary: Queue::new(settings.limits.queue),
            own: Queue::new(settings.limits.queue),
            pipelined: Queue::new(settings.limits.queue),
            limits: settings.limits,
            handler,
            tls: settings.tls,
            counters: Counters::default(),
            held: AtomicUsize::new(0),
            relief_wanted: AtomicBool::new(false),
            stop_deadline: OnceLock::new(),
        });
        shared.watch(&shared.wake, WAKE_KEY, EventFlags::IN).map_err(setup)?;
        for (index, listener) in listeners.0.iter().enumerate() {
            shared
                .watch(listener, listener_key(index), EventFlags::IN)
                .map_err(setup)?;
        }
        let mut workers = workers::start(&shared, count, "worker", |shared| &shared.ordinary)?;
        workers.extend(workers::start(&shared, 1, "own", |shared| &shared.own)?);
        let few = pipelined_workers(count);
        workers.extend(workers::start(&shared, few, "pipelined", |shared| &shared.pipelined)?);
        let event_loop = EventLoop::new(Arc::clone(&shared), listeners.0);
        let event_loop = thread::Builder::new()
            .name("door".to_owned())
            .spawn(move || event_loop.run())?;
        Ok(Self {
            shared,
            event_loop,
            workers,
        })
    }

    /// A reader of the door's figures.
    pub fn observer(&self) -> Observer {
        Observer(Arc::clone(&self.shared))
    }

    /// Accepts nobody any more, closes idle connections, lets active requests finish within `patience`, then ends all.
    /// Whether everything had finished.
    pub fn close(self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let _ = self.shared.stop_deadline.set(deadline);
        self.shared.wake();
        let _ = self.event_loop.join();
        self.shared.ordinary.close();
        self.shared.own.close();
        self.shared.pipelined.close();
        let clean = self.shared.table.len() == 0;
        if clean {
            for worker in self.workers {
                let _ = worker.join();
            }
        }
        clean
    }
}
