//! Revisions: a hybrid logical clock whose readings are written in ArangoDB's own alphabet.

use std::time::{SystemTime, UNIX_EPOCH};

/// Digits of a revision in order of value (`lib/Basics/HybridLogicalClock.cpp` of ArangoDB).
const DIGITS: &[u8; 64] = b"-_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Low bits of a reading that count within one millisecond.
const COUNT_BITS: u32 = 20;

/// Gives out numbers that only grow.
#[derive(Debug, Clone)]
pub struct Clock {
    last: u64,
    wall: bool,
}

impl Clock {
    /// A clock that follows the time of day.
    pub fn wall() -> Self {
        Self { last: 100, wall: true }
    }

    /// A clock that counts from a fixed number, for runs that must be repeatable.
    pub fn logical() -> Self {
        Self {
            last: 1_700_000_000_000 << COUNT_BITS,
            wall: false,
        }
    }

    /// The next number.
    pub fn tick(&mut self) -> u64 {
        let now = if self.wall { wall_millis() << COUNT_BITS } else { 0 };
        self.last = (self.last + 1).max(now);
        self.last
    }

    pub(crate) fn advance_to(&mut self, other: &Clock) {
        self.last = self.last.max(other.last);
    }

    /// Makes every later number greater than this one.
    pub(crate) fn skip_past(&mut self, number: u64) {
        self.last = self.last.max(number);
    }

    pub(crate) fn last(&self) -> u64 {
        self.last
    }
}

fn wall_millis() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX >> COUNT_BITS)
}

/// A reading as text.
pub(crate) fn encode_revision(mut number: u64) -> String {
    let mut digits = Vec::new();
    while number > 0 {
        digits.push(DIGITS.get((number & 63) as usize).copied().unwrap_or(b'-'));
        number >>= 6;
    }
    digits.reverse();
    String::from_utf8(digits).unwrap_or_default()
}

/// Milliseconds since 1970 and the count within the millisecond of a revision; `None` when it is none.
pub fn decode_revision(text: &str) -> Option<(u64, u64)> {
    if text.is_empty() || text.len() > 11 {
        return None;
    }
    let mut number: u64 = 0;
    for byte in text.bytes() {
        let digit = DIGITS.iter().position(|known| *known == byte)?;
        number = number.checked_mul(64)?.checked_add(u64::try_from(digit).ok()?)?;
    }
    Some((number >> COUNT_BITS, number & ((1 << COUNT_BITS) - 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_s_revision_decodes() {
        // The manual's example of DECODE_REV.
        assert_eq!(decode_revision("_YU0HOEG---"), Some((1_552_320_905_314, 0)));
        assert_eq!(decode_revision("not a rev"), None);
    }

    #[test]
    fn numbers_only_grow_and_read_back() {
        for mut clock in [Clock::wall(), Clock::logical()] {
            let (first, second) = (clock.tick(), clock.tick());
            assert!(first < second);
            let (millis, count) = decode_revision(&encode_revision(second)).unwrap();
            assert_eq!((millis << COUNT_BITS) | count, second);
        }
    }
}
