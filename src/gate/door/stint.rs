//! When the event loop rests.
//!
//! Each of its turns is short, but under attack one follows upon the other, and the scheduler takes a thread that never sleeps
//! for one that wants a processor to itself: where no other processor is free, the workers, and the database and the clients on
//! the same machine, wait for its time slice, milliseconds. So what brings no request (newcomers, refusals, heads that do not
//! end) never goes on for long without a rest. What brings requests may: somebody waits for those.
//!
//! A rest is sleep. `sched_yield` instead would cost the loop its share: since Linux 6.18 whoever yields gives up what is left
//! of his time slice, and where others keep the processor busy newcomers would then wait for seconds.

use std::thread;
use std::time::{Duration, Instant};

/// The longest work without a rest that brings no request.
const FRUITLESS: Duration = Duration::from_micros(60);
/// The same at most while newcomers wait for more than a turn. Beyond the kernel's queue they would have to come again, after
/// a second.
const BEHIND: Duration = Duration::from_micros(250);
/// What of it a request makes up for: what it took to let in the one who sent it.
const NEWCOMER: Duration = Duration::from_micros(10);
/// A rest; the system adds 50 µs.
const REST: Duration = Duration::from_micros(20);
/// Waiting for this long is a rest as well.
const WAIT: Duration = Duration::from_micros(20);

/// The event loop's work since its last rest.
pub(super) struct Stint {
    /// Until when it is accounted for.
    until: Instant,
    /// The part of it that brought no request.
    fruitless: Duration,
    limit: Duration,
}

impl Stint {
    pub(super) fn begin(now: Instant) -> Self {
        Self {
            until: now,
            fruitless: Duration::ZERO,
            limit: FRUITLESS,
        }
    }

    /// Whether newcomers still wait after their turn. With each turn in a row the loop rests half as often.
    pub(super) fn newcomers_wait(&mut self, wait: bool) {
        self.limit = if wait { (self.limit * 2).min(BEHIND) } else { FRUITLESS };
    }

    /// The loop has waited.
    pub(super) fn waited(&mut self, since: Instant, until: Instant) {
        self.until = until;
        if until.saturating_duration_since(since) >= WAIT {
            self.fruitless = Duration::ZERO;
        }
    }

    /// A piece of work is over, and may have brought a request. Rests when it is time; whether it did.
    pub(super) fn worked(&mut self, fruitful: bool) -> bool {
        let tired = self.tires(Instant::now(), fruitful);
        if tired {
            let since = self.until;
            thread::sleep(REST);
            self.waited(since, Instant::now());
        }
        tired
    }

    fn tires(&mut self, now: Instant, fruitful: bool) -> bool {
        if fruitful {
            self.fruitless = self.fruitless.saturating_sub(NEWCOMER);
        } else {
            self.fruitless += now.saturating_duration_since(self.until);
        }
        self.until = now;
        self.fruitless >= self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn almost(duration: Duration) -> Duration {
        duration.saturating_sub(Duration::from_micros(1))
    }

    #[test]
    fn work_that_brings_no_request_tires() {
        let start = Instant::now();
        let mut stint = Stint::begin(start);
        assert!(!stint.tires(start + almost(FRUITLESS), false));
        assert!(stint.tires(start + FRUITLESS, false));
    }

    #[test]
    fn work_that_brings_requests_does_not() {
        let start = Instant::now();
        let mut stint = Stint::begin(start);
        let later = start + FRUITLESS * 100;
        assert!(!stint.tires(later, true));
        assert!(!stint.tires(later + almost(FRUITLESS), false));
        assert!(stint.tires(later + FRUITLESS, false));
    }

    #[test]
    fn who_sends_a_request_was_let_in_for_nothing() {
        let mut now = Instant::now();
        let mut stint = Stint::begin(now);
        for _ in 0..1000 {
            now += NEWCOMER;
            assert!(!stint.tires(now, false));
            assert!(!stint.tires(now, true));
        }
    }

    #[test]
    fn requests_do_not_hide_other_work() {
        let mut now = Instant::now();
        let mut stint = Stint::begin(now);
        let tired = (0..10).any(|_| {
            now += NEWCOMER * 4;
            stint.tires(now, false) || stint.tires(now, true)
        });
        assert!(tired);
    }

    #[test]
    fn while_newcomers_wait_stints_get_longer() {
        let start = Instant::now();
        let mut stint = Stint::begin(start);
        stint.newcomers_wait(true);
        assert!(!stint.tires(start + almost(FRUITLESS * 2), false));
        assert!(stint.tires(start + FRUITLESS * 2, false));
        (0..20).for_each(|_| stint.newcomers_wait(true));
        assert!(stint.tires(start + BEHIND, false));
        stint = Stint::begin(start);
        stint.newcomers_wait(true);
        stint.newcomers_wait(false);
        assert!(stint.tires(start + FRUITLESS, false));
    }

    #[test]
    fn only_a_long_wait_is_a_rest() {
        let start = Instant::now();
        let mut stint = Stint::begin(start);
        let half = start + FRUITLESS / 2;
        assert!(!stint.tires(half, false));
        stint.waited(half, half + almost(WAIT));
        let mut now = half + almost(WAIT) + FRUITLESS / 2;
        assert!(stint.tires(now, false));
        stint.waited(now, now + WAIT);
        now += WAIT;
        assert!(!stint.tires(now + almost(FRUITLESS), false));
        assert!(stint.tires(now + FRUITLESS, false));
    }
}
