//! The Gregorian calendar: parts of a date, ISO 8601 texts, durations.

use super::DAY;

/// A unit of time, longest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unit {
    Year,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
}

impl Unit {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "y" | "year" | "years" => Unit::Year,
            "m" | "month" | "months" => Unit::Month,
            "w" | "week" | "weeks" => Unit::Week,
            "d" | "day" | "days" => Unit::Day,
            "h" | "hour" | "hours" => Unit::Hour,
            "i" | "minute" | "minutes" => Unit::Minute,
            "s" | "second" | "seconds" => Unit::Second,
            "f" | "millisecond" | "milliseconds" => Unit::Millisecond,
            _ => return None,
        })
    }

    /// Its length, where it always has the same.
    pub(super) fn millis(self) -> Option<i64> {
        match self {
            Unit::Year | Unit::Month => None,
            Unit::Week => Some(7 * DAY),
            Unit::Day => Some(DAY),
            Unit::Hour => Some(3_600_000),
            Unit::Minute => Some(60_000),
            Unit::Second => Some(1000),
            Unit::Millisecond => Some(1),
        }
    }
}

pub(super) fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub(super) fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date (H. Hinnant, "chrono-compatible low-level date algorithms").
pub(super) fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// A date and time of day.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Civil {
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    pub(super) millisecond: i64,
}

impl Civil {
    pub(crate) fn of(millis: i64) -> Self {
        let (days, time) = (millis.div_euclid(DAY), millis.rem_euclid(DAY));
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        };
        Self {
            year: era * 400 + year_of_era + i64::from(month <= 2),
            month,
            day: day_of_year - (153 * shifted_month + 2) / 5 + 1,
            hour: time / 3_600_000,
            minute: time / 60_000 % 60,
            second: time / 1000 % 60,
            millisecond: time % 1000,
        }
    }

    pub(crate) fn millis(&self) -> i64 {
        let time = ((self.hour * 60 + self.minute) * 60 + self.second) * 1000 + self.millisecond;
        days_of(self.year, self.month, self.day) * DAY + time
    }

    /// 0 for Sunday to 6 for Saturday.
    pub(super) fn weekday(&self) -> i64 {
        (days_of(self.year, self.month, self.day) + 4).rem_euclid(7)
    }

    pub(super) fn day_of_year(&self) -> i64 {
        days_of(self.year, self.month, self.day) - days_of(self.year, 1, 1) + 1
    }

    /// The year and the number of the ISO week.
    pub(super) fn iso_week(&self) -> (i64, i64) {
        let weekday = (self.weekday() + 6) % 7;
        // The week belongs to the year of its Thursday.
        let thursday = Civil::of((days_of(self.year, self.month, self.day) - weekday + 3) * DAY);
        (thursday.year, (thursday.day_of_year() - 1) / 7 + 1)
    }

    pub(super) fn truncated(mut self, unit: Unit) -> Self {
        for (smaller, part, least) in [
            (Unit::Month, &mut self.month, 1),
            (Unit::Day, &mut self.day, 1),
            (Unit::Hour, &mut self.hour, 0),
            (Unit::Minute, &mut self.minute, 0),
            (Unit::Second, &mut self.second, 0),
            (Unit::Millisecond, &mut self.millisecond, 0),
        ] {
            if smaller > unit {
                *part = least;
            }
        }
        self
    }
}

/// A date as ArangoDB writes it.
pub(crate) fn iso(millis: i64) -> String {
    let date = Civil::of(millis);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        date.year, date.month, date.day, date.hour, date.minute, date.second, date.millisecond
    )
}

/// Reads characters of a text one after the other.
struct Reader<'t>(&'t str);

impl Reader<'_> {
    /// The next number of at least one and at most so many digits, with how many it had.
    fn number(&mut self, most: usize) -> Option<(i64, usize)> {
        let digits = self.0.bytes().take(most).take_while(u8::is_ascii_digit).count();
        let (number, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        Some((number.parse().ok()?, digits))
    }

    fn skip(&mut self, wanted: &[char]) -> bool {
        match self.0.strip_prefix(wanted) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }
}

/// The parts of an ISO 8601 text, its offset already taken off the time in milliseconds.
fn read(text: &str) -> Option<(Civil, i64)> {
    let mut reader = Reader(text.trim_matches([' ', '\t', '\r', '\n']));
    let mut date = Civil {
        year: 0,
        month: 1,
        day: 1,
        hour: 0,
        minute: 0,
        second: 0,
        millisecond: 0,
    };
    let mut offset = 0;
    let negative = reader.skip(&['-']);
    if !negative {
        reader.skip(&['+']);
    }
    date.year = reader.number(6)?.0 * if negative { -1 } else { 1 };
    if reader.skip(&['-']) {
        date.month = reader.number(2)?.0;
        if reader.skip(&['-']) {
            date.day = reader.number(2)?.0;
        }
    }
    if reader.skip(&['T', ' ']) {
        let two = |reader: &mut Reader<'_>| {
            reader
                .number(2)
                .filter(|(_, digits)| *digits == 2)
                .map(|(number, _)| number)
        };
        date.hour = two(&mut reader)?;
        if !reader.skip(&[':']) {
            return None;
        }
        date.minute = two(&mut reader)?;
        if reader.skip(&[':']) {
            date.second = two(&mut reader)?;
            if reader.skip(&['.', ',']) {
                let (fraction, digits) = reader.number(9)?;
                date.millisecond = (0..digits).fold(fraction * 1000, |number, _| number / 10);
            }
        }
    }
    if reader.skip(&['+', '-']) {
        let negative = text
            .trim_end()
            .rfind(['+', '-'])
            .and_then(|place| text.as_bytes().get(place))
            == Some(&b'-');
        let hours = reader.number(2)?.0;
        reader.skip(&[':']);
        let minutes = reader.number(2).map_or(0, |(minutes, _)| minutes);
        offset = (hours * 60 + minutes) * 60_000 * if negative { -1 } else { 1 };
    } else {
        reader.skip(&['Z', 'z']);
    }
    let fits = (1..=12).contains(&date.month)
        && (1..=31).contains(&date.day)
        && date.hour <= 24
        && date.minute <= 59
        && date.second <= 59;
    (reader.0.is_empty() && fits).then_some((date, offset))
}

/// The milliseconds of an ISO 8601 text; a day beyond the end of its month counts on into the next.
pub(crate) fn parse(text: &str) -> Option<i64> {
    read(text).map(|(date, offset)| date.millis() - offset)
}

/// Whether a text can be read as a date, an impossible day of a month included.
pub(crate) fn is_date_string(text: &str) -> bool {
    read(text).is_some()
}

/// A length of time in months and milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Duration {
    months: i64,
    millis: i64,
}

impl Duration {
    /// So many of a unit; parts of months and years are dropped.
    pub(super) fn of(unit: Unit, amount: f64) -> Self {
        #[allow(clippy::cast_precision_loss, reason = "no unit is that long")]
        let millis = |length: i64| crate::value::f64_to_i64(amount * length as f64);
        match unit {
            Unit::Year => Self {
                months: crate::value::f64_to_i64(amount).saturating_mul(12),
                millis: 0,
            },
            Unit::Month => Self {
                months: crate::value::f64_to_i64(amount),
                millis: 0,
            },
            other => Self {
                months: 0,
                millis: millis(other.millis().unwrap_or(0)),
            },
        }
    }
}

/// An ISO 8601 duration: `P1Y2M3W4DT5H6M7.89S`.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let mut reader = Reader(text.strip_prefix('P')?);
    let mut duration = Duration::default();
    let mut time = false;
    let mut parts = 0;
    while !reader.0.is_empty() {
        if reader.skip(&['T']) {
            time = true;
            continue;
        }
        let whole = reader.number(9)?.0;
        let mut fraction = 0;
        if reader.skip(&['.', ',']) {
            let (number, digits) = reader.number(3)?;
            fraction = (0..digits).fold(number * 1000, |number, _| number / 10);
        }
        let mut letters = reader.0.chars();
        let letter = letters.next()?;
        reader.0 = letters.as_str();
        match (letter, time) {
            ('Y', false) => duration.months += whole * 12,
            ('M', false) => duration.months += whole,
            ('W', false) => duration.millis += whole * 7 * DAY,
            ('D', false) => duration.millis += whole * DAY,
            ('H', true) => duration.millis += whole * 3_600_000,
            ('M', true) => duration.millis += whole * 60_000,
            ('S', true) => duration.millis += whole * 1000 + fraction,
            _ => return None,
        }
        parts += 1;
    }
    (parts > 0).then_some(duration)
}

/// A date moved by a duration, forwards or backwards; months first, and a day beyond a month's end counts on.
pub(crate) fn shift(millis: i64, duration: &Duration, sign: i64) -> Option<i64> {
    let date = Civil::of(millis);
    let months = (date.year * 12 + date.month - 1).checked_add(duration.months.checked_mul(sign)?)?;
    let year = months.div_euclid(12);
    if !(-100_000..=100_000).contains(&year) {
        return None;
    }
    let moved = Civil {
        year,
        month: months.rem_euclid(12) + 1,
        ..date
    };
    moved.millis().checked_add(duration.millis.checked_mul(sign)?)
}
