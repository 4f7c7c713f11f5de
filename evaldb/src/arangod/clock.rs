//! The wall clock, in the forms that logs and tokens need.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Time since 1970; zero for a clock before it.
pub(crate) fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// `2024-11-24T08:00:00Z` for a number of seconds since 1970.
pub(crate) fn iso_seconds(seconds: u64) -> String {
    let (year, month, day) = civil(seconds / 86_400);
    let time = seconds % 86_400;
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        time / 3600,
        time / 60 % 60,
        time % 60
    )
}

/// `2024-11-24T08:00:00.000000Z`, ArangoDB's `utc-datestring-micros`.
pub(super) fn iso_micros(since_epoch: Duration) -> String {
    let whole = iso_seconds(since_epoch.as_secs());
    format!("{}.{:06}Z", whole.trim_end_matches('Z'), since_epoch.subsec_micros())
}

/// Year, month and day of a day counted from 1970-01-01, by the Gregorian rules.
fn civil(days: u64) -> (u64, u64, u64) {
    // Counted from 0000-03-01, so that the leap day is a year's last.
    let days = days.saturating_add(719_468);
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_instants() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (4_102_444_800, "2100-01-01T00:00:00Z"),
        ] {
            assert_eq!(iso_seconds(seconds), text);
        }
        assert_eq!(iso_micros(Duration::new(1, 5_000)), "1970-01-01T00:00:01.000005Z");
    }
}
