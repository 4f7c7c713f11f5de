//! `DATE_FORMAT`.

use super::calendar::{Civil, days_in_month, is_leap, iso};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// The placeholders, the longer ones before those that they begin with.
const PLACEHOLDERS: [&str; 33] = [
    "%yyyyyy", "%yyyy", "%mmmm", "%wwww", "%mmm", "%www", "%fff", "%xxx", "%yy", "%mm", "%dd", "%hh", "%ii", "%ss",
    "%kk", "%t", "%z", "%w", "%y", "%m", "%d", "%h", "%i", "%s", "%f", "%x", "%k", "%l", "%q", "%a", "%&", "%%", "%",
];

/// A date in a format with placeholders.
pub(super) fn format(millis: i64, format: &str) -> String {
    let date = Civil::of(millis);
    let mut out = String::new();
    let mut rest = format;
    while !rest.is_empty() {
        let lower = rest.to_ascii_lowercase();
        let found = PLACEHOLDERS.iter().find(|placeholder| lower.starts_with(**placeholder));
        if let Some(placeholder) = found {
            out.push_str(&replaced(millis, &date, placeholder));
            rest = rest.get(placeholder.len()..).unwrap_or_default();
        } else {
            let mut characters = rest.chars();
            out.extend(characters.next());
            rest = characters.as_str();
        }
    }
    out
}

fn replaced(millis: i64, date: &Civil, placeholder: &str) -> String {
    let name = |names: &[&str], number: i64| {
        usize::try_from(number)
            .ok()
            .and_then(|place| names.get(place))
            .copied()
            .unwrap_or_default()
            .to_owned()
    };
    let short = |name: String| name.chars().take(3).collect::<String>();
    match placeholder {
        "%t" => millis.to_string(),
        "%z" => iso(millis),
        "%w" => date.weekday().to_string(),
        "%y" => date.year.to_string(),
        "%yy" => format!("{:02}", date.year % 100),
        "%yyyy" => format!("{:04}", date.year),
        "%yyyyyy" => format!("{}{:06}", if date.year < 0 { '-' } else { '+' }, date.year.abs()),
        "%m" => date.month.to_string(),
        "%mm" => format!("{:02}", date.month),
        "%mmm" => short(name(&MONTHS, date.month - 1)),
        "%mmmm" => name(&MONTHS, date.month - 1),
        "%d" => date.day.to_string(),
        "%dd" => format!("{:02}", date.day),
        "%h" => date.hour.to_string(),
        "%hh" => format!("{:02}", date.hour),
        "%i" => date.minute.to_string(),
        "%ii" => format!("{:02}", date.minute),
        "%s" => date.second.to_string(),
        "%ss" => format!("{:02}", date.second),
        "%f" => date.millisecond.to_string(),
        "%fff" => format!("{:03}", date.millisecond),
        "%x" => date.day_of_year().to_string(),
        "%xxx" => format!("{:03}", date.day_of_year()),
        "%k" => date.iso_week().1.to_string(),
        "%kk" => format!("{:02}", date.iso_week().1),
        "%l" => i64::from(is_leap(date.year)).to_string(),
        "%q" => ((date.month + 2) / 3).to_string(),
        "%a" => days_in_month(date.year, date.month).to_string(),
        "%www" => short(name(&WEEKDAYS, date.weekday())),
        "%wwww" => name(&WEEKDAYS, date.weekday()),
        "%%" => "%".to_owned(),
        _ => String::new(),
    }
}
