//! How often the gate looks after what changes by itself: every second while it is asked for anything, seldom while it is not.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// From one look to the next while requests come.
const BUSY: Duration = Duration::from_secs(1);
/// The same once none has come for a while; the next one ends it at once.
const QUIET: Duration = Duration::from_secs(5);
/// That while, in seconds.
const WHILE: u64 = 10;

/// The pace of everything that is looked at again and again.
#[derive(Debug)]
pub struct Pace {
    origin: Instant,
    /// When somebody asked last, in whole seconds since `origin`, so that it seldom changes.
    asked: AtomicU64,
    /// How many quiet times have ended.
    ended: Mutex<u64>,
    end: Condvar,
}

impl Default for Pace {
    fn default() -> Self {
        Pace {
            origin: Instant::now(),
            asked: AtomicU64::new(0),
            ended: Mutex::new(0),
            end: Condvar::new(),
        }
    }
}

impl Pace {
    fn seconds(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.origin).as_secs()
    }

    /// Somebody asks.
    pub fn heed(&self, now: Instant) {
        let now = self.seconds(now);
        let last = self.asked.load(Ordering::Relaxed);
        if now > last {
            let last = self.asked.fetch_max(now, Ordering::Relaxed);
            if now.saturating_sub(last) >= WHILE {
                *self.ended.lock().unwrap_or_else(PoisonError::into_inner) += 1;
                self.end.notify_all();
            }
        }
    }

    fn interval(&self, now: Instant) -> Duration {
        let quiet = self.seconds(now).saturating_sub(self.asked.load(Ordering::Relaxed)) >= WHILE;
        if quiet { QUIET } else { BUSY }
    }

    /// Waits until the next look is due.
    pub fn wait(&self) {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = *ended;
        // Decided under the lock: a request that ends the quiet time from here on wakes.
        let interval = self.interval(Instant::now());
        drop(
            self.end
                .wait_timeout_while(ended, interval, |ended| *ended == seen)
                .unwrap_or_else(PoisonError::into_inner),
        );
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    #[test]
    fn it_slows_down_when_nobody_asks() {
        let pace = Pace::default();
        let at = |seconds| pace.origin + Duration::from_secs(seconds);
        assert_eq!((pace.interval(at(0)), pace.interval(at(9))), (BUSY, BUSY));
        assert_eq!(pace.interval(at(10)), QUIET);
        pace.heed(at(11));
        assert_eq!((pace.interval(at(11)), pace.interval(at(20))), (BUSY, BUSY));
        assert_eq!(pace.interval(at(21)), QUIET);
        assert_eq!(*pace.ended.lock().unwrap(), 1);
        for second in 12..22 {
            pace.heed(at(second));
        }
        assert_eq!(*pace.ended.lock().unwrap(), 1);
    }

    #[test]
    fn a_request_ends_a_quiet_time_at_once() {
        let Some(origin) = Instant::now().checked_sub(Duration::from_mins(1)) else {
            return;
        };
        let pace = Arc::new(Pace {
            origin,
            ..Pace::default()
        });
        let waiting = Arc::clone(&pace);
        let start = Instant::now();
        let waiter = thread::spawn(move || waiting.wait());
        // However late the other thread begins: what it decides then is not to wait for long.
        pace.heed(Instant::now());
        waiter.join().unwrap();
        assert!(start.elapsed() < QUIET);
    }
}
