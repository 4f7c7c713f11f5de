//! Percent-encoding, decoded exactly once and written in one spelling.
//!
//! INVARIANT: `decode` gives a text or nothing. arangod drops malformed escapes (`a%zz` becomes `azz`) and looks at some
//! segments undecoded; so what is not well-formed is refused, and what is sent on encodes all but the unreserved characters.

use std::fmt::Write as _;

/// Why an encoded text was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncodingError {
    /// `%` without two hexadecimal digits after it.
    #[error("a \"%\" is not followed by two hexadecimal digits")]
    Escape,
    /// The decoded bytes are no UTF-8.
    #[error("the decoded bytes are not valid UTF-8")]
    Utf8,
    /// A NUL or another control character.
    #[error("it holds a control character")]
    Control,
}

/// What a `+` means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plus {
    /// Itself, as in a path.
    Literal,
    /// A space, as in a query string.
    Space,
}

/// Decodes a text once.
///
/// # Errors
/// When an escape is malformed, or the result is not UTF-8 or holds a control character.
pub fn decode(text: &str, plus: Plus) -> Result<String, EncodingError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut input = text.bytes();
    while let Some(byte) = input.next() {
        bytes.push(match byte {
            b'%' => {
                let high = input.next().and_then(hex_digit).ok_or(EncodingError::Escape)?;
                let low = input.next().and_then(hex_digit).ok_or(EncodingError::Escape)?;
                high << 4 | low
            }
            b'+' if plus == Plus::Space => b' ',
            other => other,
        });
    }
    let text = String::from_utf8(bytes).map_err(|_| EncodingError::Utf8)?;
    if text.chars().any(char::is_control) {
        return Err(EncodingError::Control);
    }
    Ok(text)
}

fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// Appends a text with every byte encoded that is not unreserved (RFC 3986, section 2.3).
pub fn encode_into(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn malformed_escapes_are_errors() {
        for text in ["%", "%4", "a%zz", "%%41", "a%b", "%-1"] {
            assert_eq!(decode(text, Plus::Literal), Err(EncodingError::Escape), "{text}");
        }
        assert_eq!(decode("%FF", Plus::Literal), Err(EncodingError::Utf8));
        assert_eq!(decode("%C0%AF", Plus::Literal), Err(EncodingError::Utf8));
        assert_eq!(decode("a%00", Plus::Literal), Err(EncodingError::Control));
        assert_eq!(decode("a%C2%85", Plus::Literal), Err(EncodingError::Control));
    }

    #[test]
    fn decoding_happens_once() {
        assert_eq!(decode("%2565", Plus::Literal).as_deref(), Ok("%65"));
        assert_eq!(decode("a+b", Plus::Literal).as_deref(), Ok("a+b"));
        assert_eq!(decode("a+b", Plus::Space).as_deref(), Ok("a b"));
    }

    proptest! {
        #[test]
        fn encoding_is_undone_by_decoding(text in "[^\\p{Cc}]{0,40}") {
            let mut encoded = String::new();
            encode_into(&text, &mut encoded);
            prop_assert!(encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~%".contains(&byte)));
            prop_assert_eq!(decode(&encoded, Plus::Literal), Ok(text.clone()));
            prop_assert_eq!(decode(&encoded, Plus::Space), Ok(text));
        }
    }
}
