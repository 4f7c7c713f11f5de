//! Connections whose request comes in crumbs: they are looked at again after a pause, not with every crumb.
//!
//! INVARIANT: the number of times that the door reads an unfinished request of crumbs grows with the logarithm of its time, not
//! with their number: the pause is a fixed part of the time that the request has taken already. For an honest client that is
//! also the most by which its request is delayed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Reads of one request before it can count as crumbs.
const READS: u32 = 16;
/// Fewer bytes a read than this are crumbs.
const CRUMB: usize = 512;
/// The pause is this part of the time since the request began...
const PART: u32 = 8;
/// ...but not shorter than this.
const SHORTEST: Duration = Duration::from_millis(1);

/// How long to leave a request alone that has come to so many bytes in so many reads.
pub(super) fn pause(reads: u32, bytes: usize, since: Duration) -> Option<Duration> {
    let crumbs = reads > READS && bytes / reads as usize <= CRUMB;
    crumbs.then(|| (since / PART).max(SHORTEST))
}

/// Who is left alone, and until when.
#[derive(Default)]
pub(super) struct Pauses(Mutex<BinaryHeap<Reverse<(Instant, u64)>>>);

impl Pauses {
    /// Leaves a connection alone until then; whether the event loop has to know of it before it wakes anyway.
    pub(super) fn add(&self, until: Instant, key: u64) -> bool {
        let mut heap = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = heap.peek().is_none_or(|Reverse((next, _))| until < *next);
        heap.push(Reverse((until, key)));
        first
    }

    /// When the next pause ends.
    pub(super) fn next(&self) -> Option<Instant> {
        let heap = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heap.peek().map(|Reverse((until, _))| *until)
    }

    /// A connection whose pause is over.
    pub(super) fn due(&self, now: Instant) -> Option<u64> {
        let mut heap = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if heap.peek().is_some_and(|Reverse((until, _))| *until <= now) {
            return heap.pop().map(|Reverse((_, key))| key);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_crumbs_are_left_alone() {
        let second = Duration::from_secs(1);
        assert_eq!(pause(READS, 1, second), None);
        assert_eq!(pause(READS + 1, 17, second), Some(second / PART));
        assert_eq!(pause(READS + 1, 17, Duration::ZERO), Some(SHORTEST));
        // A body in packets, however many.
        assert_eq!(pause(10_000, 10_000 * 1460, second), None);
    }

    #[test]
    fn reads_grow_with_the_logarithm_of_time() {
        // A byte every microsecond for a minute.
        let (mut reads, mut now) = (0_u32, Duration::ZERO);
        while now < Duration::from_mins(1) {
            reads += 1;
            let bytes = usize::try_from(now.as_micros()).unwrap() / 100_000;
            now += pause(reads, bytes, now).unwrap_or(Duration::from_micros(1));
        }
        assert!(reads < 130, "{reads}");
    }

    #[test]
    fn the_earliest_is_due_first() {
        let pauses = Pauses::default();
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        assert!(pauses.add(at(20), 2));
        assert!(!pauses.add(at(30), 3));
        assert!(pauses.add(at(10), 1));
        assert_eq!(pauses.next(), Some(at(10)));
        assert_eq!(pauses.due(at(9)), None);
        assert_eq!(
            (pauses.due(at(20)), pauses.due(at(20)), pauses.due(at(20))),
            (Some(1), Some(2), None)
        );
    }
}
