//! Values of literals: escapes in strings and quoted names, and the forms of numbers.
//!
//! INVARIANT: a value that ArangoDB would read differently from what the text shows (an escape with bad hex digits, a
//! lone surrogate, a zero byte) is an error, never a guess.

use std::borrow::Cow;

/// Why a literal has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum LiteralError {
    #[error("`\\u` needs four hexadecimal digits")]
    BadHex,
    #[error("a surrogate must be one half of a pair")]
    LoneSurrogate,
    #[error("a zero byte may not stand in a string or name")]
    Zero,
    #[error("a binary number has at most 32 digits")]
    BinaryTooLong,
    #[error("a hexadecimal number has at most 8 digits")]
    HexTooLong,
}

/// A number as ArangoDB's scanner reads it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Int(i64),
    Double(f64),
    /// Outside the range of a double: ArangoDB warns and puts `null` (`TRI_ERROR_QUERY_NUMBER_OUT_OF_RANGE`).
    Null,
}

/// The value of a string or quoted name, given without its quotes.
///
/// The escapes are those of `TRI_UnescapeUtf8String`: `\b \f \n \r \t \uXXXX`, and a backslash before anything else
/// stands for that.
fn unescape(raw: &str) -> Result<Cow<'_, str>, LiteralError> {
    if raw.bytes().any(|b| b == 0) {
        return Err(LiteralError::Zero);
    }
    let Some(first) = raw.bytes().position(|b| b == b'\\') else {
        return Ok(Cow::Borrowed(raw));
    };
    let mut value = String::with_capacity(raw.len());
    value.push_str(&raw[..first]);
    let mut rest = &raw[first..];
    while let Some(at) = rest.find('\\') {
        value.push_str(&rest[..at]);
        let mut after = rest[at + 1..].chars();
        match after.next() {
            Some('b') => value.push('\u{8}'),
            Some('f') => value.push('\u{c}'),
            Some('n') => value.push('\n'),
            Some('r') => value.push('\r'),
            Some('t') => value.push('\t'),
            Some('u') => {
                let (decoded, remaining) = unicode_escape(after.as_str())?;
                value.push(decoded);
                rest = remaining;
                continue;
            }
            Some(other) => value.push(other),
            // The scanner ends no literal after a lone backslash.
            None => value.push('\\'),
        }
        rest = after.as_str();
    }
    value.push_str(rest);
    Ok(Cow::Owned(value))
}

/// The name that an identifier in backticks or forward ticks spells.
pub(super) fn quoted_name(raw: &str) -> Result<Cow<'_, str>, LiteralError> {
    let between = |quote| raw.strip_prefix(quote)?.strip_suffix(quote);
    unescape(between('`').or_else(|| between('´')).unwrap_or_default())
}

/// The value of a string with its quotes.
pub(super) fn string(raw: &str) -> Result<Cow<'_, str>, LiteralError> {
    unescape(raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default())
}

/// The character of `XXXX` or `XXXX\uXXXX`, and what follows it.
fn unicode_escape(text: &str) -> Result<(char, &str), LiteralError> {
    let (unit, rest) = hex4(text)?;
    let (code, rest) = match unit {
        0 => return Err(LiteralError::Zero),
        0xD800..=0xDBFF => {
            let second = rest.strip_prefix("\\u").ok_or(LiteralError::LoneSurrogate)?;
            let (low, rest) = hex4(second)?;
            if !(0xDC00..=0xDFFF).contains(&low) {
                return Err(LiteralError::LoneSurrogate);
            }
            (0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00), rest)
        }
        _ => (unit, rest),
    };
    Ok((char::from_u32(code).ok_or(LiteralError::LoneSurrogate)?, rest))
}

fn hex4(text: &str) -> Result<(u32, &str), LiteralError> {
    let digits = text.get(..4).ok_or(LiteralError::BadHex)?;
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(LiteralError::BadHex);
    }
    let unit = u32::from_str_radix(digits, 16).map_err(|_| LiteralError::BadHex)?;
    Ok((unit, &text[4..]))
}

/// The value of a number token.
pub(super) fn number(text: &str) -> Result<Number, LiteralError> {
    let (digits, radix, most, error) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&text[2..], 16, 8, LiteralError::HexTooLong),
        [b'0', b'b' | b'B', ..] => (&text[2..], 2, 32, LiteralError::BinaryTooLong),
        _ => return Ok(decimal(text)),
    };
    if digits.len() > most {
        return Err(error);
    }
    i64::from_str_radix(digits, radix).map(Number::Int).map_err(|_| error)
}

fn decimal(text: &str) -> Number {
    if let Ok(value) = text.parse::<i64>() {
        return Number::Int(value);
    }
    let Ok(value) = text.parse::<f64>() else {
        return Number::Null;
    };
    // `TRI_DoubleString` reports an overflow for infinity and for a value that became zero by underflow.
    let mantissa_is_zero = || {
        text.bytes()
            .take_while(|b| !matches!(b, b'e' | b'E'))
            .all(|b| matches!(b, b'0' | b'.'))
    };
    if value.is_infinite() || (value == 0.0 && !mantissa_is_zero()) {
        Number::Null
    } else {
        Number::Double(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_those_of_arangodb() {
        for (raw, value) in [
            ("plain", "plain"),
            (r"a\nb\tc\rd\be\ff", "a\nb\tc\rd\u{8}e\u{c}f"),
            (r"\u00e4\u20AC", "ä€"),
            (r"\ud83d\ude00!", "😀!"),
            (r#"\"\'\`\\\/\x\é"#, "\"'`\\/xé"),
            (r"us\u0065rs", "users"),
            (r"\n\n", "\n\n"),
        ] {
            assert_eq!(unescape(raw).as_deref(), Ok(value), "{raw}");
        }
        for (raw, error) in [
            (r"\u12", LiteralError::BadHex),
            (r"\u00zz", LiteralError::BadHex),
            (r"\u+041", LiteralError::BadHex),
            (r"\u12é", LiteralError::BadHex),
            (r"\ud83d", LiteralError::LoneSurrogate),
            (r"\ud83dx", LiteralError::LoneSurrogate),
            (r"\ud83d\u0041", LiteralError::LoneSurrogate),
            (r"\ude00", LiteralError::LoneSurrogate),
            (r"a\u0000b", LiteralError::Zero),
            ("a\0b", LiteralError::Zero),
        ] {
            assert_eq!(unescape(raw), Err(error), "{raw}");
        }
    }

    #[test]
    fn a_text_without_escapes_is_borrowed() {
        assert!(matches!(unescape("plain"), Ok(Cow::Borrowed("plain"))));
    }

    #[test]
    fn numbers_are_those_of_arangodb() {
        for (text, value) in [
            ("0", Number::Int(0)),
            ("9223372036854775807", Number::Int(i64::MAX)),
            ("9223372036854775808", Number::Double(9_223_372_036_854_775_808.0)),
            ("1.5", Number::Double(1.5)),
            (".5e1", Number::Double(5.0)),
            ("1e3", Number::Double(1000.0)),
            ("1e999", Number::Null),
            ("1e-999", Number::Null),
            ("0e-999", Number::Double(0.0)),
            ("0xFF", Number::Int(255)),
            ("0XffffFFFF", Number::Int(4_294_967_295)),
            ("0b101", Number::Int(5)),
        ] {
            assert_eq!(number(text), Ok(value), "{text}");
        }
        assert_eq!(number("0x123456789"), Err(LiteralError::HexTooLong));
        assert_eq!(
            number(&format!("0b{}", "1".repeat(33))),
            Err(LiteralError::BinaryTooLong)
        );
    }
}
