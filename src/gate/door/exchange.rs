//! What happens on a connection: read, answer, write, and what comes next. The event loop and the workers both act through
//! these functions, with the connection's lock held; none of them waits for a client, except a worker for the moment that
//! [`Patience::Moment`] allows.

use std::io;
use std::net::Shutdown;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::net::RecvFlags;

use super::Shared;
use super::connection::{Connection, Phase, State};
use super::limits::Limits;
use super::queue::{Job, Queue, Work};
use super::reader::{Complete, Reader, Step};
use super::refusal::{Reason, Refusal};
use super::transport::{Patience, Transport};
use super::writer::{After, Output};
use crate::gate::message::{Request, Response};

/// Reads of one connection in a row before others get their turn.
const READS_IN_A_ROW: usize = 4;
/// Bytes that a refused client may still send before the door closes.
const DISCARD_BYTES: usize = 1024 * 1024;
/// How long such a client is left alone before each turn: whoever does not stop fills the socket, and then waits himself.
const DISCARD_PAUSE: Duration = Duration::from_millis(10);

/// What the reader came to.
pub(super) enum Pumped {
    /// A request to answer.
    Complete(Complete),
    /// Nothing more for now, or for ever; the connection has been seen to.
    Settled,
}

/// How far an answer got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    All,
    /// The client has not taken all of it; the event loop goes on.
    Parked,
    /// The connection is gone.
    Failed,
}

impl Shared {
    /// Reads what there is, until a request is complete or nothing is left to read.
    pub(super) fn pump(
        &self,
        connection: &Connection,
        state: &mut State,
        scratch: &mut [u8],
        patience: Patience,
    ) -> Pumped {
        let mut patience = patience;
        let limits = self.limits_now();
        let mut out_of_turn = false;
        for turn in 0.. {
            loop {
                match state.reader.step(connection.peer, &limits) {
                    Step::Wait => break,
                    Step::Complete(complete) => {
                        state.enter(Phase::Active, &self.limits);
                        self.account(state);
                        return Pumped::Complete(complete);
                    }
                    Step::SendContinue => {
                        // So few bytes fit, or the client is not reading and gets what it deserves.
                        let line = b"HTTP/1.1 100 Continue\r\n\r\n";
                        if !matches!(state.transport.send(&connection.socket, line, b""), Ok(25)) {
                            self.close(connection, state);
                            return Pumped::Settled;
                        }
                    }
                    Step::Refused(refusal) => {
                        self.refuse(connection, state, &refusal);
                        return Pumped::Settled;
                    }
                }
            }
            if !self.account(state) {
                let refusal = Refusal::new(
                    Reason::Overloaded,
                    "the gate holds as many unfinished requests as it may",
                );
                self.refuse(connection, state, &refusal);
                return Pumped::Settled;
            }
            if turn >= READS_IN_A_ROW {
                out_of_turn = true;
                break;
            }
            self.counters.reads.fetch_add(1, Ordering::Relaxed);
            match state.transport.receive(&connection.socket, scratch, patience) {
                Ok(0) => {
                    self.close(connection, state);
                    return Pumped::Settled;
                }
                Ok(count) => state.reader.push(scratch.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if turn == 0 && matches!(state.transport, Transport::Tls(_)) {
                        // Something came, and it was not even a whole record.
                        state.reader.count_read();
                    }
                    break;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    self.close(connection, state);
                    return Pumped::Settled;
                }
            }
            patience = Patience::None;
        }
        state.settle(&self.limits);
        if self.stopping() && state.phase == Phase::Idle {
            self.close(connection, state);
        } else {
            self.wait_for_more(connection, state, out_of_turn);
        }
        Pumped::Settled
    }

    /// Waits for more of a request, or of a handshake; in crumbs, not for each of them. With `out_of_turn`, more may be there.
    fn wait_for_more(&self, connection: &Connection, state: &mut State, out_of_turn: bool) {
        // What a TLS session holds already is nothing that epoll would tell of: it is the next turn's.
        let held = out_of_turn && matches!(state.transport, Transport::Tls(_));
        let pause = state.reader.pause(state.since).or(held.then_some(Duration::ZERO));
        let Some(pause) = pause else {
            self.rearm(connection, state, EventFlags::IN);
            return;
        };
        self.leave_alone(connection, state, pause);
    }

    /// Comes back to a connection after a pause. It is not armed: what comes meanwhile waits in the socket.
    fn leave_alone(&self, connection: &Connection, state: &State, pause: Duration) {
        let first = self.pauses.add(Instant::now() + pause, connection.key);
        if self.heed_deadline(state) || first {
            self.wake();
        }
    }

    /// Has the event loop look at the connection when its time is up; whether that is earlier than it knows of.
    pub(super) fn heed_deadline(&self, state: &State) -> bool {
        state
            .deadline
            .is_some_and(|deadline| self.alarm.bring_forward(deadline))
    }

    /// The limits, with what the policy in force says of bodies.
    fn limits_now(&self) -> Limits {
        let mut limits = self.limits.clone();
        limits.body_bytes = self.handler.body_limit().unwrap_or(limits.body_bytes);
        limits
    }

    /// Answers a request on a worker, and those that follow on the same connection while nobody else waits.
    pub(super) fn serve(
        &self,
        connection: &Arc<Connection>,
        state: &mut State,
        first: Complete,
        queued: Instant,
        scratch: &mut [u8],
        queue: &Queue,
    ) {
        let mut complete = first;
        let late = queued.elapsed() > self.limits.queue_time;
        let mut response = late.then(|| self.refusal_response(&overloaded(), connection));
        loop {
            let is_head = complete.request.method == "HEAD";
            let keep_alive = complete.keep_alive;
            let pipelined = complete.pipelined;
            let response = response
                .take()
                .unwrap_or_else(|| self.answer(connection, complete.request));
            match self.write(connection, state, response, is_head, keep_alive) {
                Written::All => {}
                Written::Parked | Written::Failed => return,
            }
            if state.phase != Phase::Active {
                return;
            }
            if pipelined {
                // Whoever waits for an answer goes first at the processor as well.
                rustix::thread::sched_yield();
            }
            let patience = if queue.has_slack() {
                Patience::Moment
            } else {
                Patience::None
            };
            complete = match self.pump(connection, state, scratch, patience) {
                Pumped::Settled => return,
                Pumped::Complete(complete) => complete,
            };
            if queue.len() > 0 || !std::ptr::eq(self.queue_for(&complete), queue) {
                self.hand_over(connection, state, complete, scratch);
                return;
            }
        }
    }

    /// A turn of the TLS handshake, on a worker.
    pub(super) fn handshake(&self, connection: &Arc<Connection>, state: &mut State, scratch: &mut [u8]) {
        if state.phase != Phase::Handshake {
            // Its time was up while it waited for a worker.
            return;
        }
        self.counters.reads.fetch_add(1, Ordering::Relaxed);
        match state.transport.handshake(&connection.socket) {
            Ok(false) => {
                state.reader.count_read();
                self.wait_for_more(connection, state, false);
            }
            Ok(true) => {
                state.reader = Reader::new();
                state.enter(Phase::Idle, &self.limits);
                self.read_on(connection, state, scratch);
            }
            Err(error) => {
                self.counters.handshakes_failed.fetch_add(1, Ordering::Relaxed);
                log::debug!("TLS handshake with {:?} failed: {error}", connection.peer);
                self.close(connection, state);
            }
        }
    }

    /// Reads on and queues what is complete.
    pub(super) fn read_on(&self, connection: &Arc<Connection>, state: &mut State, scratch: &mut [u8]) {
        if let Pumped::Complete(complete) = self.pump(connection, state, scratch, Patience::None) {
            self.hand_over(connection, state, complete, scratch);
        }
    }

    /// The gate's own endpoints have a worker of their own: a health probe does not wait behind slow queries. So have
    /// requests that did not wait for the answer before them: no driver sends such, and whoever sends thousands at once
    /// does not take the workers from those who wait.
    fn queue_for(&self, complete: &Complete) -> &Queue {
        if self.handler.is_own(&complete.request.target) {
            &self.own
        } else if complete.pipelined {
            &self.pipelined
        } else {
            &self.ordinary
        }
    }

    /// Queues a request for a worker; while there is no room, says so and reads on.
    fn hand_over(&self, connection: &Arc<Connection>, state: &mut State, first: Complete, scratch: &mut [u8]) {
        let mut complete = first;
        loop {
            let is_head = complete.request.method == "HEAD";
            let keep_alive = complete.keep_alive;
            let queue = self.queue_for(&complete);
            let job = Job {
                connection: Arc::clone(connection),
                work: Work::Answer(complete),
                queued: Instant::now(),
            };
            if queue.push(job) {
                return;
            }
            let response = self.refusal_response(&overloaded(), connection);
            if self.write(connection, state, response, is_head, keep_alive) != Written::All
                || state.phase != Phase::Active
            {
                return;
            }
            complete = match self.pump(connection, state, scratch, Patience::None) {
                Pumped::Settled => return,
                Pumped::Complete(complete) => complete,
            };
        }
    }

    /// The handler's answer; a panic in it costs this request only.
    fn answer(&self, connection: &Connection, request: Request) -> Response {
        self.counters.requests.fetch_add(1, Ordering::Relaxed);
        let route = log::log_enabled!(log::Level::Error).then(|| (request.method.clone(), path(&request.target)));
        catch_unwind(AssertUnwindSafe(|| self.handler.handle(request))).unwrap_or_else(|_| {
            self.counters.panics.fetch_add(1, Ordering::Relaxed);
            if let Some((method, path)) = route {
                log::error!("a fault of the gate while answering {method} {path}; the request got a 500");
            }
            let fault = Refusal::new(Reason::Internal, "a fault of the gate; its log says more");
            self.refusal_response(&fault, connection)
        })
    }

    fn refusal_response(&self, refusal: &Refusal, connection: &Connection) -> Response {
        self.counters.count_refusal(refusal.reason);
        self.handler.refused(refusal, connection.peer);
        refusal.response()
    }

    /// Refuses what cannot be read on.
    pub(super) fn refuse(&self, connection: &Connection, state: &mut State, refusal: &Refusal) {
        log::debug!("refused {:?}: {}", connection.peer, refusal.message);
        let mut response = self.refusal_response(refusal, connection);
        response.close = true;
        self.write(connection, state, response, false, false);
    }

    /// Sends a response, or as much of it as the client takes now.
    fn write(
        &self,
        connection: &Connection,
        state: &mut State,
        response: Response,
        is_head: bool,
        keep_alive: bool,
    ) -> Written {
        let after = if keep_alive && !response.close && !self.stopping() {
            After::Next
        } else if response.close {
            After::Linger
        } else {
            After::Close
        };
        state.output = Some(Output::new(response, is_head, after));
        self.flush(connection, state)
    }

    /// Sends on what is left of an answer.
    fn flush(&self, connection: &Connection, state: &mut State) -> Written {
        let Some(mut output) = state.output.take() else {
            return Written::All;
        };
        while output.remaining() > 0 {
            let (head, body) = output.rest();
            match state.transport.send(&connection.socket, head, body) {
                Ok(count) => output.advance(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return self.park(connection, state, output);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    self.close(connection, state);
                    return Written::Failed;
                }
            }
        }
        match state.transport.flush(&connection.socket) {
            Ok(true) => {}
            Ok(false) => return self.park(connection, state, output),
            Err(_) => {
                self.close(connection, state);
                return Written::Failed;
            }
        }
        match output.after {
            After::Next => state.phase = Phase::Active,
            After::Close => self.close(connection, state),
            After::Linger => self.linger(connection, state),
        }
        Written::All
    }

    /// Leaves the rest of an answer to the event loop: a client that reads slowly holds no worker.
    fn park(&self, connection: &Connection, state: &mut State, output: Output) -> Written {
        if state.phase != Phase::Writing {
            state.enter(Phase::Writing, &self.limits);
            state.deadline = Some(state.since + self.limits.write_allowance(output.remaining()));
        }
        state.output = Some(output);
        if !self.account(state) {
            self.relieve();
        }
        self.rearm(connection, state, EventFlags::OUT);
        Written::Parked
    }

    /// The client can take more of its answer.
    pub(super) fn write_on(&self, connection: &Arc<Connection>, state: &mut State, scratch: &mut [u8]) {
        if self.flush(connection, state) == Written::All && state.phase == Phase::Active {
            self.read_on(connection, state, scratch);
        }
    }

    fn linger(&self, connection: &Connection, state: &mut State) {
        state.transport.farewell(&connection.socket);
        let _ = connection.socket.shutdown(Shutdown::Write);
        state.enter(Phase::Lingering, &self.limits);
        self.account(state);
        self.leave_alone(connection, state, DISCARD_PAUSE);
    }

    /// Reads off what a client still sends after its last answer.
    pub(super) fn discard(&self, connection: &Connection, state: &mut State, scratch: &mut [u8]) {
        for _ in 0..READS_IN_A_ROW {
            self.counters.reads.fetch_add(1, Ordering::Relaxed);
            // TCP drops what it would read with this flag, and copies nothing.
            let flags = RecvFlags::DONTWAIT | RecvFlags::TRUNC;
            match rustix::net::recv(&connection.socket, &mut *scratch, flags) {
                Ok((count, _)) if count > 0 && state.discarded < DISCARD_BYTES => {
                    state.discarded = state.discarded.saturating_add(count);
                }
                Err(rustix::io::Errno::WOULDBLOCK) => break,
                Err(rustix::io::Errno::INTR) => {}
                _ => {
                    self.close(connection, state);
                    return;
                }
            }
        }
        self.leave_alone(connection, state, DISCARD_PAUSE);
    }

    /// Ends a connection.
    pub(super) fn close(&self, connection: &Connection, state: &mut State) {
        if state.phase == Phase::Closed {
            return;
        }
        if state.phase != Phase::Lingering {
            state.transport.farewell(&connection.socket);
        }
        if state.phase == Phase::Handshake {
            // It may be queued, and the queue holds the socket: the client need not wait for a worker to learn the end.
            let _ = connection.socket.shutdown(Shutdown::Both);
        }
        state.enter(Phase::Closed, &self.limits);
        state.output = None;
        state.reader = Reader::new();
        self.account(state);
        // The socket closes, and leaves epoll, with its last holder: whoever is at it now, and soon lets go.
        self.table.remove(connection.key);
    }

    /// Tells epoll what to wait for next; one event only, so that one thread at a time acts on a connection.
    pub(super) fn rearm(&self, connection: &Connection, state: &mut State, what: EventFlags) {
        if self.heed_deadline(state) {
            self.wake();
        }
        let flags = what | EventFlags::ONESHOT;
        let told = if state.watched {
            let key = EventData::new_u64(connection.key);
            epoll::modify(&self.epoll, &connection.socket, key, flags)
        } else {
            self.watch(&connection.socket, connection.key, flags)
        };
        match told {
            Ok(()) => state.watched = true,
            Err(error) => {
                log::error!("cannot watch a connection: {error}");
                self.close(connection, state);
            }
        }
    }

    /// Brings the connection's share of the held bytes up to date; whether the sum is within its limit.
    fn account(&self, state: &mut State) -> bool {
        let output = state.output.as_ref().map_or(0, Output::held);
        let held = state.reader.held().saturating_add(output);
        if held != state.accounted {
            self.held.fetch_add(held, Ordering::Relaxed);
            self.held.fetch_sub(state.accounted, Ordering::Relaxed);
            state.accounted = held;
        }
        // A small request is let through in any case: it is over before it counts.
        held <= 4096 || self.held.load(Ordering::Relaxed) <= self.limits.buffered_bytes
    }
}

fn overloaded() -> Refusal {
    Refusal::new(
        Reason::Overloaded,
        "more requests wait than the gate can serve; try again in a moment",
    )
}

/// The path alone: a query string may hold values.
fn path(target: &str) -> String {
    target.split('?').next().unwrap_or_default().to_owned()
}
