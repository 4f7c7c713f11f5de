//! When the table has to be looked through next for connections whose time is up. An idle door has no other clock.
//!
//! INVARIANT: the alarm is no later than the deadline of any connection that nobody is at. Whoever leaves a connection to
//! the event loop brings the alarm forward to its deadline; a look through the table silences it first, then brings it
//! forward for every connection that it finds, or cannot look at.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// No alarm is set.
const SILENT: u64 = u64::MAX;

/// One alarm for all connections.
pub(super) struct Alarm {
    origin: Instant,
    /// In nanoseconds since `origin`.
    at: AtomicU64,
}

impl Default for Alarm {
    fn default() -> Self {
        Self {
            origin: Instant::now(),
            at: AtomicU64::new(SILENT),
        }
    }
}

impl Alarm {
    /// Sets the alarm to this time unless it is set to an earlier one; whether that was news.
    pub(super) fn bring_forward(&self, to: Instant) -> bool {
        let nanos = to.saturating_duration_since(self.origin).as_nanos();
        let nanos = u64::try_from(nanos).unwrap_or(SILENT - 1);
        // Looked at first: nearly always an earlier time is set, and the line is shared by all workers.
        nanos < self.at.load(Ordering::Relaxed) && nanos < self.at.fetch_min(nanos, Ordering::AcqRel)
    }

    /// Silences the alarm before a look through the table.
    pub(super) fn silence(&self) {
        self.at.store(SILENT, Ordering::Release);
    }

    /// When it goes off.
    pub(super) fn next(&self) -> Option<Instant> {
        let nanos = self.at.load(Ordering::Acquire);
        (nanos != SILENT)
            .then(|| self.origin.checked_add(Duration::from_nanos(nanos)))
            .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_time_counts() {
        let alarm = Alarm::default();
        assert_eq!(alarm.next(), None);
        let at = |seconds| alarm.origin + Duration::from_secs(seconds);
        assert!(alarm.bring_forward(at(20)));
        assert!(!alarm.bring_forward(at(30)));
        assert!(!alarm.bring_forward(at(20)));
        assert!(alarm.bring_forward(at(10)));
        assert_eq!(alarm.next(), Some(at(10)));
        alarm.silence();
        assert_eq!(alarm.next(), None);
        // What is due already goes off at once.
        assert!(alarm.bring_forward(alarm.origin.checked_sub(Duration::from_secs(1)).unwrap_or(alarm.origin)));
        assert_eq!(alarm.next(), Some(alarm.origin));
    }
}
