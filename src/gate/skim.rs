//! JSON that passes through as it came: checked to be JSON, cut into its outermost members, and otherwise not read.
//!
//! INVARIANT: what passes here is what `serde_json` accepts as one value that takes up the whole text; a test holds both
//! against each other. A large answer spends most of its time in the gate here, so strings are looked at eight bytes at a
//! time and nothing is built.

use std::borrow::Cow;

/// Why a text is not passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SkimError {
    /// The bytes are no UTF-8.
    #[error("it is not UTF-8")]
    Utf8,
    /// No JSON.
    #[error("it is not JSON")]
    Syntax,
    /// JSON, and no object.
    #[error("it is no object")]
    NoObject,
    /// An object with a member twice.
    #[error("a member is given twice")]
    Duplicate,
}

/// A member of an object: its name, and its value as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member<'t> {
    /// The name, without escapes.
    pub name: Cow<'t, str>,
    /// The value as it stands, without surrounding blanks.
    pub value: &'t str,
}

/// The members of the JSON object that the text consists of, no name twice. Their values are checked to be JSON.
///
/// # Errors
/// When the text is anything else.
pub fn members(text: &[u8]) -> Result<Vec<Member<'_>>, SkimError> {
    let text = std::str::from_utf8(text).map_err(|_| SkimError::Utf8)?;
    let Some(mut rest) = blanks(text.as_bytes()).strip_prefix(b"{") else {
        // What is no JSON at all is said to be so.
        let whole = value(text.as_bytes()).is_some_and(|rest| blanks(rest).is_empty());
        return Err(if whole { SkimError::NoObject } else { SkimError::Syntax });
    };
    let mut members: Vec<Member<'_>> = Vec::new();
    if let Some(behind) = blanks(rest).strip_prefix(b"}") {
        rest = behind;
    } else {
        loop {
            let (member, behind) = member(text, rest).ok_or(SkimError::Syntax)?;
            if members.iter().any(|known| known.name == member.name) {
                return Err(SkimError::Duplicate);
            }
            members.push(member);
            match blanks(behind).split_first() {
                Some((b',', behind)) => rest = behind,
                Some((b'}', behind)) => {
                    rest = behind;
                    break;
                }
                _ => return Err(SkimError::Syntax),
            }
        }
    }
    if blanks(rest).is_empty() {
        Ok(members)
    } else {
        Err(SkimError::Syntax)
    }
}

/// The member with which the rest of a text begins, and what is behind it.
fn member<'t>(text: &'t str, rest: &'t [u8]) -> Option<(Member<'t>, &'t [u8])> {
    // What was cut off: both ends are next to ASCII characters.
    let between = |start: &[u8], end: &[u8]| text.get(text.len() - start.len()..text.len() - end.len());
    let start = blanks(rest);
    let inner = start.strip_prefix(b"\"")?;
    let behind = value(start)?;
    let quoted = between(start, behind)?;
    let bare = quoted.get(1..quoted.len().checked_sub(1)?)?;
    let name = if inner.get(..bare.len())?.contains(&b'\\') {
        // Escapes that stand for no character are found here.
        Cow::Owned(serde_json::from_str(quoted).ok()?)
    } else {
        Cow::Borrowed(bare)
    };
    let start = blanks(blanks(behind).strip_prefix(b":")?);
    let behind = value(start)?;
    let value = between(start, behind)?;
    Some((Member { name, value }, behind))
}

// Each of the following gives what is left of a text behind what it is about; `None` where the text is no JSON.

/// Behind blanks.
#[inline]
fn blanks(mut rest: &[u8]) -> &[u8] {
    while let Some((b' ' | b'\t' | b'\n' | b'\r', behind)) = rest.split_first() {
        rest = behind;
    }
    rest
}

/// Behind a value, and blanks before it.
fn value(mut rest: &[u8]) -> Option<&[u8]> {
    // The brackets that would close what is open: the innermost one, and those around it. Zero: nothing is open.
    let (mut closing, mut around) = (0, Vec::new());
    // Whether a member's name comes next.
    let mut naming = false;
    loop {
        rest = blanks(rest);
        let (&first, behind) = rest.split_first()?;
        if first == b'"' {
            rest = string(behind)?;
            if naming {
                rest = blanks(rest).strip_prefix(b":")?;
                naming = false;
                continue;
            }
        } else if naming {
            return None;
        } else if first == b'{' || first == b'[' {
            around.push(closing);
            // Both pairs of brackets are two apart in ASCII.
            closing = first + 2;
            rest = blanks(behind);
            if rest.first() != Some(&closing) {
                naming = first == b'{';
                continue;
            }
        } else {
            rest = match first {
                b'-' | b'0'..=b'9' => number(rest)?,
                b't' => rest.strip_prefix(b"true")?,
                b'f' => rest.strip_prefix(b"false")?,
                b'n' => rest.strip_prefix(b"null")?,
                _ => return None,
            };
        }
        // A value, or what is in brackets, has ended.
        loop {
            if closing == 0 {
                return Some(rest);
            }
            rest = blanks(rest);
            let (&first, behind) = rest.split_first()?;
            rest = behind;
            if first == b',' {
                naming = closing == b'}';
                break;
            }
            if first != closing {
                return None;
            }
            closing = around.pop()?;
        }
    }
}

/// Behind a string whose first quote was read.
#[inline]
fn string(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        while let Some((word, behind)) = rest.split_first_chunk() {
            let stops = stops(u64::from_le_bytes(*word));
            if stops != 0 {
                rest = rest.get(stops.trailing_zeros() as usize / 8..)?;
                break;
            }
            rest = behind;
        }
        let (&first, behind) = rest.split_first()?;
        rest = match first {
            b'"' => return Some(behind),
            b'\\' => escape(behind)?,
            // The last few bytes come one by one.
            b' '.. => behind,
            _ => return None,
        };
    }
}

/// Marks, in its highest bit, each byte of a word that ends a run of plain characters in a string: the quote, the backslash,
/// and what is below the blank. Those above the lowest mark may be wrong, for a subtraction borrows upwards.
#[inline]
const fn stops(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // Changes places within 0 to 0x1f, and makes the quote 0x20; nothing else comes below 0x21.
    let quote_or_control = (word ^ (ONES * 2)).wrapping_sub(ONES * 0x21);
    let backslash = (word ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    (quote_or_control | backslash) & !word & (ONES << 7)
}

/// Behind an escape whose backslash was read.
#[cold]
fn escape(rest: &[u8]) -> Option<&[u8]> {
    let (first, behind) = rest.split_first()?;
    match first {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(behind),
        b'u' => {
            let (digits, behind) = behind.split_first_chunk::<4>()?;
            digits.iter().all(u8::is_ascii_hexdigit).then_some(behind)
        }
        _ => None,
    }
}

#[inline]
fn number(rest: &[u8]) -> Option<&[u8]> {
    let rest = rest.strip_prefix(b"-").unwrap_or(rest);
    let rest = match rest.strip_prefix(b"0") {
        Some(behind) => behind,
        None => digits(rest)?,
    };
    match rest.first() {
        Some(b'.' | b'e' | b'E') => fraction(rest),
        _ => Some(rest),
    }
}

/// Behind what follows a number's whole part.
fn fraction(mut rest: &[u8]) -> Option<&[u8]> {
    if let Some(behind) = rest.strip_prefix(b".") {
        rest = digits(behind)?;
    }
    if let Some((b'e' | b'E', behind)) = rest.split_first() {
        let sign = matches!(behind.first(), Some(b'+' | b'-'));
        rest = digits(behind.get(usize::from(sign)..)?)?;
    }
    Some(rest)
}

/// Behind one digit or more.
#[inline]
fn digits(rest: &[u8]) -> Option<&[u8]> {
    let mut behind = rest;
    while let Some((b'0'..=b'9', further)) = behind.split_first() {
        behind = further;
    }
    (behind.len() < rest.len()).then_some(behind)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;

    fn shown(text: &str) -> Result<Vec<(String, &str)>, SkimError> {
        members(text.as_bytes()).map(|members| {
            members
                .into_iter()
                .map(|member| (member.name.into_owned(), member.value))
                .collect()
        })
    }

    #[test]
    fn an_object_is_cut_into_its_members() {
        let text = " {\"result\" : [{\"a\":\"}\\\"]\"}, [ ] ,{ }],\n\"hasMore\":false,\"ex\\u0074ra\":{\"plan\":{\"x\":-1.5e+3}}\t} ";
        let expected = [
            ("result", "[{\"a\":\"}\\\"]\"}, [ ] ,{ }]"),
            ("hasMore", "false"),
            ("extra", "{\"plan\":{\"x\":-1.5e+3}}"),
        ]
        .map(|(name, value)| (name.to_owned(), value));
        assert_eq!(shown(text).unwrap(), expected);
        assert_eq!(shown("{}").unwrap(), []);
    }

    #[test]
    fn what_is_no_object_or_has_two_readings_is_refused() {
        for (text, error) in [
            (r#"{"a":1,"a":2}"#, SkimError::Duplicate),
            (r#"{"a":1,"\u0061":2}"#, SkimError::Duplicate),
            ("[1]", SkimError::NoObject),
            ("12", SkimError::NoObject),
            ("[1", SkimError::Syntax),
            ("", SkimError::Syntax),
            (r#"{"a":1} x"#, SkimError::Syntax),
            (r#"{"a":1}}"#, SkimError::Syntax),
            (r#"{"a":[1}}"#, SkimError::Syntax),
            (r#"{"a":{"b":1]}"#, SkimError::Syntax),
            (r#"{"a":["b" "c"]}"#, SkimError::Syntax),
            (r#"{"a":"b"#, SkimError::Syntax),
            (r#"{"a":01}"#, SkimError::Syntax),
            (r#"{"\ud800":1}"#, SkimError::Syntax),
            ("{\"a\":\"\u{1f}\"}", SkimError::Syntax),
            ("\u{feff}{}", SkimError::Syntax),
        ] {
            assert_eq!(shown(text), Err(error), "{text}");
        }
        assert_eq!(members(b"{\"a\":\"\xff\"}"), Err(SkimError::Utf8));
    }

    #[test]
    fn depth_is_bounded_by_the_text_alone() {
        let nested = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        assert!(shown(&nested(1_000_000)).is_ok());
        assert!(shown(&nested(1_000_000).replacen(']', "", 1)).is_err());
    }

    #[test]
    fn every_byte_stops_a_string_or_does_not() {
        for byte in 0..=u8::MAX {
            for place in 0..8 {
                // Beside bytes that are next to those that stop.
                for other in [b'!', b'#', b'[', b']', b' ', b'~', 0x80, 0xff] {
                    let mut word = [other; 8];
                    word[place] = byte;
                    let stop = byte < b' ' || byte == b'"' || byte == b'\\';
                    let first = stops(u64::from_le_bytes(word)).trailing_zeros() as usize / 8;
                    assert_eq!(first, if stop { place } else { 8 }, "{word:x?}");
                }
            }
        }
    }

    /// Texts that are JSON, or nearly.
    fn texts() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            prop::sample::select(vec![
                "{",
                "}",
                "[",
                "]",
                ",",
                ":",
                "\"",
                "\\",
                "\\u",
                "\\n",
                "\\\"",
                "00e9",
                "ud8",
                "true",
                "false",
                "null",
                "nul",
                "0",
                "-",
                "1",
                "9",
                ".",
                "e",
                "E",
                "+",
                " ",
                "\n",
                "\t",
                "\r",
                "\u{b}",
                "\u{0}",
                "\u{1f}",
                "\u{7f}",
                "é",
                "𝄞",
                "abcdefgh",
                "\"a\":",
                "\"b\"",
                "[]",
                "{}",
                "1.5e3",
                "-0",
                "\"long enough for two words\"",
            ])
            .prop_map(str::to_owned),
            any::<f64>().prop_map(|number| serde_json::json!(number).to_string()),
            any::<String>().prop_map(|text| serde_json::json!(text).to_string()),
        ];
        prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
    }

    fn values() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            ".*".prop_map(Into::into),
        ];
        leaf.prop_recursive(5, 48, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::btree_map(".{0,12}", inner, 0..6)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    /// Whether both accept a value, and the same bytes of it.
    fn agree(value: &str) {
        let text = format!("{{\"a\":{value}}}");
        let theirs = serde_json::from_str::<&RawValue>(value)
            .ok()
            .map(|raw| raw.get().trim());
        let ours = shown(&text);
        let ours = ours.as_deref().ok();
        match (theirs, ours) {
            (Some(theirs), Some([(_, ours)])) => assert_eq!(*ours, theirs),
            (None, None) => {}
            // Two members, where the value closes the object and opens another string.
            (None, Some([_, _, ..])) => {}
            _ => panic!("{value:?}: {theirs:?} and {ours:?}"),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn it_accepts_what_serde_json_accepts(text in texts()) {
            agree(&text);
        }

        #[test]
        fn a_byte_more_or_less_makes_no_difference_between_them(value in values(), place in any::<prop::sample::Index>(), byte in 0_u8..128) {
            let text = value.to_string();
            agree(&text);
            let at = place.index(text.len());
            let mut bytes = text.clone().into_bytes();
            bytes.insert(at, byte);
            if let Ok(text) = String::from_utf8(bytes) {
                agree(&text);
            }
            let mut bytes = text.into_bytes();
            bytes.remove(at);
            if let Ok(text) = String::from_utf8(bytes) {
                agree(&text);
            }
        }
    }
}
