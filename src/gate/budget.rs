//! How much memory requests in work may take together: answers being read, and trees made of bodies and answers.
//!
//! INVARIANT: the sum of all [`Share`]s is at most the budget. The door bounds what it holds for clients by itself
//! ([`super::door::Limits::buffered_bytes`]); this bounds what lies between door and database, which many workers with large
//! answers would otherwise multiply.

use std::cell::Cell;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Bytes that all requests in work may take together.
pub const BUDGET: usize = 768 * 1024 * 1024;
/// How long a request waits for others to give back what they took.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of a tree for each value in it, names of attributes included; their text comes on top. An object's entry has a
/// hash, a `String` and a `Value` (64 bytes with its place in the index), a string an allocation of its own.
const NODE_BYTES: usize = 128;

/// There is no room, and none became free in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{wanted} bytes are needed, and requests in work hold {held} of the {limit} bytes that they may hold together")]
pub struct NoRoomError {
    /// Bytes asked for.
    pub wanted: usize,
    /// Bytes that were taken.
    pub held: usize,
    /// The budget.
    pub limit: usize,
}

#[derive(Debug, Default)]
struct Sum {
    held: usize,
    waiting: usize,
}

/// The budget.
#[derive(Debug)]
pub struct Budget {
    limit: usize,
    patience: Duration,
    sum: Mutex<Sum>,
    freed: Condvar,
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(BUDGET, PATIENCE)
    }
}

impl Budget {
    /// Of so many bytes, for which a request waits so long.
    pub fn new(limit: usize, patience: Duration) -> Self {
        Budget {
            limit,
            patience,
            sum: Mutex::default(),
            freed: Condvar::new(),
        }
    }

    /// A share of nothing yet.
    pub fn share(self: &Arc<Self>) -> Share {
        Share {
            budget: Arc::clone(self),
            held: Cell::new(0),
        }
    }

    /// Bytes taken now.
    pub fn held(&self) -> usize {
        self.sum.lock().unwrap_or_else(PoisonError::into_inner).held
    }

    fn take(&self, wanted: usize) -> Result<(), NoRoomError> {
        let mut sum = self.sum.lock().unwrap_or_else(PoisonError::into_inner);
        let mut deadline = None;
        loop {
            let new = sum.held.saturating_add(wanted);
            if new <= self.limit {
                sum.held = new;
                return Ok(());
            }
            let now = Instant::now();
            let left = deadline
                .get_or_insert_with(|| now + self.patience)
                .saturating_duration_since(now);
            // What no waiting can give is refused at once.
            if wanted > self.limit || left.is_zero() {
                return Err(NoRoomError {
                    wanted,
                    held: sum.held,
                    limit: self.limit,
                });
            }
            sum.waiting += 1;
            (sum, _) = self
                .freed
                .wait_timeout(sum, left)
                .unwrap_or_else(PoisonError::into_inner);
            sum.waiting -= 1;
        }
    }

    fn give_back(&self, bytes: usize) {
        let mut sum = self.sum.lock().unwrap_or_else(PoisonError::into_inner);
        sum.held = sum.held.saturating_sub(bytes);
        if sum.waiting > 0 {
            self.freed.notify_all();
        }
    }
}

/// What one request took; given back when it is dropped.
#[derive(Debug)]
pub struct Share {
    budget: Arc<Budget>,
    held: Cell<usize>,
}

impl Share {
    /// Takes so many bytes more, and waits for a moment where they are not there.
    ///
    /// # Errors
    /// When there is no room.
    pub fn take(&self, bytes: usize) -> Result<(), NoRoomError> {
        self.budget.take(bytes)?;
        self.held.set(self.held.get().saturating_add(bytes));
        Ok(())
    }

    /// Bytes taken so far.
    pub fn held(&self) -> usize {
        self.held.get()
    }

    /// Takes what a tree made of this JSON text may need.
    ///
    /// # Errors
    /// When there is no room.
    pub fn take_tree(&self, text: &[u8]) -> Result<(), NoRoomError> {
        self.take(tree_bytes(text))
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if self.held.get() > 0 {
            self.budget.give_back(self.held.get());
        }
    }
}

/// At least what a tree made of this text takes: every value but the first follows a comma, a colon, an opening bracket or,
/// in imports, a line's end. Those within strings are counted as well, which errs on the safe side.
fn tree_bytes(text: &[u8]) -> usize {
    let nodes = text
        .iter()
        .filter(|byte| matches!(byte, b',' | b':' | b'[' | b'{' | b'\n'))
        .count();
    nodes
        .saturating_add(1)
        .saturating_mul(NODE_BYTES)
        .saturating_add(text.len())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;

    #[test]
    fn shares_never_exceed_the_budget_and_come_back() {
        let budget = Arc::new(Budget::new(100, Duration::ZERO));
        let (one, other) = (budget.share(), budget.share());
        assert_eq!(one.take(60), Ok(()));
        assert_eq!(
            other.take(41),
            Err(NoRoomError {
                wanted: 41,
                held: 60,
                limit: 100
            })
        );
        assert_eq!(other.take(40), Ok(()));
        assert_eq!(one.take(usize::MAX).map_err(|error| error.held), Err(100));
        drop(one);
        assert_eq!(budget.held(), 40);
        drop(other);
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn a_request_waits_until_another_gives_back() {
        let budget = Arc::new(Budget::new(100, Duration::from_mins(1)));
        let first = budget.share();
        first.take(80).unwrap();
        let (sender, receiver) = channel();
        let second = Arc::clone(&budget);
        let waiter = thread::spawn(move || {
            let share = second.share();
            sender.send(share.take(80)).unwrap();
        });
        while budget.sum.lock().unwrap().waiting == 0 {
            thread::yield_now();
        }
        assert!(receiver.try_recv().is_err(), "it got what is not there");
        drop(first);
        assert_eq!(receiver.recv().unwrap(), Ok(()));
        waiter.join().unwrap();
        assert_eq!(budget.held(), 0);
        // What can never be there is not waited for.
        assert!(budget.share().take(101).is_err());
    }

    #[test]
    fn a_tree_is_charged_for_its_values() {
        for (text, nodes) in [("1", 1), ("[]", 2), ("[1,2]", 3), (r#"{"a":1,"b":[2]}"#, 6)] {
            assert_eq!(tree_bytes(text.as_bytes()), nodes * NODE_BYTES + text.len(), "{text}");
        }
    }
}
