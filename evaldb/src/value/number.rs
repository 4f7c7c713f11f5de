//! Numbers: from text and to text, and from double to integer without surprises.

use super::Value;

/// The number that a whole string is, as `TO_NUMBER` reads it: blanks around it are ignored, anything else is no number.
pub(crate) fn parse_number(text: &str) -> Option<Value> {
    let text = text.trim_matches([' ', '\t', '\n', '\r', '\u{b}', '\u{c}']);
    if text.is_empty()
        || !text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'))
    {
        return None;
    }
    if let Ok(integer) = text.parse::<i64>() {
        return Some(Value::Int(integer));
    }
    text.parse::<f64>()
        .ok()
        .filter(|number| number.is_finite())
        .map(Value::Double)
}

/// A double as text: whole numbers without a fraction, the others in the shortest form that reads back the same.
pub(crate) fn format_double(number: f64) -> String {
    let magnitude = number.abs();
    if number == 0.0 {
        "0".to_owned()
    } else if (1e-7..1e21).contains(&magnitude) {
        number.to_string()
    } else {
        let text = format!("{number:e}");
        // JavaScript's and ArangoDB's form has a sign in the exponent.
        match text.split_once('e') {
            Some((digits, exponent)) if !exponent.starts_with('-') => format!("{digits}e+{exponent}"),
            _ => text,
        }
    }
}

/// Cuts towards zero and clamps to the range of 64 bits; not a number is zero.
#[allow(clippy::cast_possible_truncation, reason = "`as` saturates, which is what is wanted")]
pub(crate) fn f64_to_i64(number: f64) -> i64 {
    number as i64
}
