//! The `Date` field, computed once a second and thread.

use httpdate::HttpDate;
use std::cell::RefCell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The last second that the format of RFC 9110 has a year for: the end of 9999, in seconds since 1970.
const LAST_SECOND: u64 = 253_402_300_799;

thread_local! {
    static NOW: RefCell<(u64, String)> = const { RefCell::new((0, String::new())) };
}

/// Hands the current date to `write`.
pub(super) fn with_now<T>(write: impl FnOnce(&str) -> T) -> T {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs().min(LAST_SECOND));
    NOW.with_borrow_mut(|(last, text)| {
        if *last != seconds || text.is_empty() {
            *last = seconds;
            *text = HttpDate::from(UNIX_EPOCH + Duration::from_secs(seconds)).to_string();
        }
        write(text)
    })
}
