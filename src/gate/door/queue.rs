//! Complete requests on their way to the workers: bounded, first come first served.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

use super::connection::Connection;
use super::reader::Complete;

/// What a worker does for a connection.
pub(super) enum Work {
    Answer(Complete),
    /// A turn of the TLS handshake: its arithmetic would hold up everybody in the event loop.
    Handshake,
}

/// A piece of work, and since when it waits.
pub(super) struct Job {
    pub(super) connection: Arc<Connection>,
    pub(super) work: Work,
    pub(super) queued: Instant,
}

#[derive(Default)]
struct Inner {
    jobs: VecDeque<Job>,
    closed: bool,
}

/// The queue, and who waits at it.
pub(super) struct Queue {
    inner: Mutex<Inner>,
    arrival: Condvar,
    capacity: usize,
    waiting: AtomicUsize,
    length: AtomicUsize,
}

impl Queue {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            inner: Mutex::default(),
            arrival: Condvar::new(),
            capacity,
            waiting: AtomicUsize::new(0),
            length: AtomicUsize::new(0),
        }
    }

    /// Adds a job; `false`, and the job is dropped, when there is no room.
    #[must_use]
    pub(super) fn push(&self, job: Job) -> bool {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.closed || inner.jobs.len() >= self.capacity {
            return false;
        }
        inner.jobs.push_back(job);
        self.length.store(inner.jobs.len(), Ordering::Relaxed);
        drop(inner);
        if self.waiting.load(Ordering::Relaxed) > 0 {
            self.arrival.notify_one();
        }
        true
    }

    /// The next job; waits for one. `None` once the queue is closed and empty.
    pub(super) fn pop(&self) -> Option<Job> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(job) = inner.jobs.pop_front() {
                self.length.store(inner.jobs.len(), Ordering::Relaxed);
                return Some(job);
            }
            if inner.closed {
                return None;
            }
            // Counted under the lock, so a push that follows sees it.
            self.waiting.fetch_add(1, Ordering::Relaxed);
            inner = self.arrival.wait(inner).unwrap_or_else(PoisonError::into_inner);
            self.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Whether a worker may stay a moment with its connection: nobody queues, and another worker is free to take who comes.
    pub(super) fn has_slack(&self) -> bool {
        self.length.load(Ordering::Relaxed) == 0 && self.waiting.load(Ordering::Relaxed) > 0
    }

    pub(super) fn len(&self) -> usize {
        self.length.load(Ordering::Relaxed)
    }

    /// Lets the workers go once the queue is empty.
    pub(super) fn close(&self) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.arrival.notify_all();
    }
}
