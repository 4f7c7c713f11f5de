//! Which credentials ArangoDB has accepted lately.
//!
//! The gate checks no secret; ArangoDB does, when a request gets there. One that is refused never gets there: its reasons
//! would tell a stranger who only names a user what that user may do, and counting it would use up that user's rate. So
//! before either, ArangoDB is asked whether it takes the credentials, and its answer is remembered here for a while.
//!
//! INVARIANT: bounded, no secret is kept (entries are a keyed hash), and an acceptance holds for [`ACCEPTED`] at most; it
//! ends at once when ArangoDB answers any request of these credentials with 401.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ring::hmac;
use ring::rand::SystemRandom;

/// How long an acceptance holds: a changed password counts after this time for who learns why a request is refused. What
/// reaches ArangoDB is checked by it each time.
pub const ACCEPTED: Duration = Duration::from_secs(30);
/// How long a rejection holds: long enough for a flood of one wrong password, short enough for a user just made.
pub const REJECTED: Duration = Duration::from_secs(2);
/// Most acceptances; the oldest goes first. Each stands for a right password or token, which strangers have none of.
const MAX_ACCEPTED: usize = 10_000;
/// Most rejections. A flood of wrong passwords fills this table and harms no acceptance.
const MAX_REJECTED: usize = 1_000;

/// The hash of credentials and what they are for.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mark([u8; 32]);

/// What ArangoDB has said.
#[derive(Debug)]
pub struct Vouched {
    /// Made anew in each process. Without randomness nothing is remembered, and ArangoDB is asked each time.
    key: Option<hmac::Key>,
    accepted: Mutex<HashMap<Mark, Instant>>,
    rejected: Mutex<HashMap<Mark, Instant>>,
}

impl std::fmt::Debug for Mark {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Mark(…)")
    }
}

impl Default for Vouched {
    fn default() -> Self {
        Vouched {
            key: hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).ok(),
            accepted: Mutex::default(),
            rejected: Mutex::default(),
        }
    }
}

impl Vouched {
    /// The mark of an `Authorization` header for a database, or for none in particular.
    pub fn mark(&self, database: Option<&str>, authorization: Option<&str>) -> Option<Mark> {
        let mut context = hmac::Context::with_key(self.key.as_ref()?);
        for part in [database, authorization] {
            // No name and no header value holds a NUL, so that no two pairs read the same.
            context.update(part.map_or(&[0, 0], |_| &[0, 1]));
            context.update(part.unwrap_or_default().as_bytes());
        }
        Some(Mark(context.sign().as_ref().try_into().ok()?))
    }

    /// Whether ArangoDB has accepted or rejected it lately; `None`: it has to be asked.
    pub fn look(&self, mark: Option<Mark>, now: Instant) -> Option<bool> {
        let mark = mark?;
        let holds = |table: &Mutex<HashMap<Mark, Instant>>, time: Duration| {
            let table = table.lock().unwrap_or_else(PoisonError::into_inner);
            table
                .get(&mark)
                .is_some_and(|since| now.saturating_duration_since(*since) < time)
        };
        if holds(&self.accepted, ACCEPTED) {
            return Some(true);
        }
        holds(&self.rejected, REJECTED).then_some(false)
    }

    /// Notes what ArangoDB has said.
    pub fn note(&self, mark: Option<Mark>, accepted: bool, now: Instant) {
        let Some(mark) = mark else { return };
        if !accepted {
            self.forget(Some(mark));
            let mut rejected = self.rejected.lock().unwrap_or_else(PoisonError::into_inner);
            if rejected.len() >= MAX_REJECTED {
                rejected.clear();
            }
            rejected.insert(mark, now);
            return;
        }
        let mut accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        if accepted.len() >= MAX_ACCEPTED {
            accepted.retain(|_, since| now.saturating_duration_since(*since) < ACCEPTED);
        }
        if accepted.len() >= MAX_ACCEPTED
            && let Some(oldest) = accepted.iter().min_by_key(|(_, since)| **since).map(|(mark, _)| *mark)
        {
            accepted.remove(&oldest);
        }
        accepted.insert(mark, now);
    }

    /// Takes an acceptance back.
    pub fn forget(&self, mark: Option<Mark>) {
        if let Some(mark) = mark {
            let mut accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
            accepted.remove(&mark);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_hold_for_their_time_and_for_what_they_were_given() {
        let vouched = Vouched::default();
        let start = Instant::now();
        let mark = vouched.mark(Some("shop"), Some("Basic YQ=="));
        assert!(mark.is_some());
        assert_eq!(vouched.look(mark, start), None);
        vouched.note(mark, true, start);
        assert_eq!(vouched.look(mark, start + Duration::from_secs(29)), Some(true));
        assert_eq!(vouched.look(mark, start + ACCEPTED), None);
        for (database, authorization) in [
            (None, Some("Basic YQ==")),
            (Some("shop"), None),
            (Some(""), Some("Basic YQ==")),
            (Some("shop"), Some("Basic YQ=")),
            (Some("shopBasic YQ=="), None),
            (None, None),
        ] {
            let other = vouched.mark(database, authorization);
            assert_eq!(vouched.look(other, start), None, "{database:?} {authorization:?}");
        }
        vouched.note(mark, false, start);
        assert_eq!(vouched.look(mark, start), Some(false));
        assert_eq!(vouched.look(mark, start + REJECTED), None);
        vouched.note(mark, true, start);
        assert_eq!(vouched.look(mark, start), Some(true));
        vouched.forget(mark);
        assert_ne!(vouched.look(mark, start), Some(true));
    }

    #[test]
    fn a_flood_of_wrong_passwords_costs_no_acceptance() {
        let vouched = Vouched::default();
        let start = Instant::now();
        let good = vouched.mark(None, Some("good"));
        vouched.note(good, true, start);
        for number in 0..3 * MAX_REJECTED {
            vouched.note(vouched.mark(None, Some(&number.to_string())), false, start);
        }
        assert_eq!(vouched.look(good, start), Some(true));
        assert!(vouched.rejected.lock().unwrap().len() <= MAX_REJECTED);
    }

    #[test]
    fn the_oldest_acceptance_goes_first() {
        let vouched = Vouched::default();
        let start = Instant::now();
        for number in 0..=MAX_ACCEPTED {
            let age = Duration::from_micros(u64::try_from(number).unwrap());
            vouched.note(vouched.mark(None, Some(&number.to_string())), true, start + age);
        }
        assert_eq!(vouched.accepted.lock().unwrap().len(), MAX_ACCEPTED);
        assert_eq!(vouched.look(vouched.mark(None, Some("0")), start), None);
        assert_eq!(vouched.look(vouched.mark(None, Some("1")), start), Some(true));
    }
}
