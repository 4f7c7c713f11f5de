//! JSON read strictly: what arangod and other parsers could read differently is an error.
//!
//! INVARIANT: no object has an attribute twice, at any depth and however it is spelled; text is UTF-8 without a byte order
//! mark; nesting and the number of values are bounded. arangod's own parser refuses duplicates as well, but its `VelocyPack`
//! and line-wise import paths, and `serde_json::Value`, do not.

use std::cell::Cell;
use std::fmt;

use serde::de::{Deserialize as _, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

/// `serde_json` itself stops at 128 levels; a part this deep is read on by a reader of its own.
const LEVELS_PER_READER: usize = 100;

/// Bounds of what is read.
#[derive(Debug, Clone, Copy)]
pub struct JsonLimits {
    /// Nested arrays and objects; the outermost counts as one. arangod stops at 200.
    pub depth: usize,
    /// Values in total; each costs memory far beyond its text.
    pub values: usize,
}

impl Default for JsonLimits {
    fn default() -> Self {
        JsonLimits {
            depth: 200,
            values: 1_000_000,
        }
    }
}

/// Why a text was refused.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// The bytes are no UTF-8.
    #[error("the text is not valid UTF-8 (first bad byte at offset {0})")]
    Utf8(usize),
    /// It begins with a byte order mark.
    #[error("the text begins with a byte order mark; send UTF-8 without one")]
    ByteOrderMark,
    /// No JSON, or JSON that has two readings or exceeds a limit.
    #[error("{0}")]
    Syntax(#[from] serde_json::Error),
}

/// Reads one JSON value that takes up the whole text.
///
/// # Errors
/// When the text is not exactly one acceptable JSON value.
pub fn parse(bytes: &[u8], limits: JsonLimits) -> Result<Value, JsonError> {
    let text = std::str::from_utf8(bytes).map_err(|error| JsonError::Utf8(error.valid_up_to()))?;
    if text.starts_with('\u{feff}') {
        return Err(JsonError::ByteOrderMark);
    }
    let values = Cell::new(limits.values);
    let mut reader = serde_json::Deserializer::from_str(text);
    let seed = Strict {
        levels_left: limits.depth,
        level: 0,
        values_left: &values,
    };
    let value = seed.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

#[derive(Clone, Copy)]
struct Strict<'c> {
    levels_left: usize,
    level: usize,
    values_left: &'c Cell<usize>,
}

impl Strict<'_> {
    fn inner<E: serde::de::Error>(self) -> Result<Self, E> {
        let levels_left = self
            .levels_left
            .checked_sub(1)
            .ok_or_else(|| E::custom("nested too deeply"))?;
        Ok(Strict {
            levels_left,
            level: self.level + 1,
            ..self
        })
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let left = self
            .values_left
            .get()
            .checked_sub(1)
            .ok_or_else(|| D::Error::custom("too many values"))?;
        self.values_left.set(left);
        if self.level > 0 && self.level.is_multiple_of(LEVELS_PER_READER) {
            let raw = <&RawValue>::deserialize(deserializer)?;
            let mut reader = serde_json::Deserializer::from_str(raw.get());
            return reader.deserialize_any(self).map_err(D::Error::custom);
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        // `-0` is the integer 0 for arangod and a float for serde_json; both are the same number in AQL.
        if value == 0.0 && value.is_sign_negative() {
            return Ok(0.into());
        }
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(inner)? {
            items.push(item);
        }
        // The room that grew in advance is many times what a small list needs; an object is made of the size that it has.
        items.shrink_to_fit();
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut members: Vec<(String, Value)> = Vec::new();
        while let Some(name) = access.next_key()? {
            members.push((name, access.next_value_seed(inner)?));
        }
        let mut object = Map::with_capacity(members.len());
        for (name, value) in members {
            if object.contains_key(&name) {
                return Err(A::Error::custom(format_args!("duplicate attribute {name:?}")));
            }
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn refused(text: &[u8]) -> bool {
        parse(text, JsonLimits::default()).is_err()
    }

    #[test]
    fn what_other_parsers_read_differently_is_refused() {
        for text in [
            br#"{"query":"RETURN 1","query":"x"}"#.as_slice(),
            br#"{"query":"a","qu\u0065ry":"b"}"#,
            br#"{"a":[{"b":{"c":1,"c":2}}]}"#,
            b"{\"a\":NaN}",
            b"[Infinity]",
            b"[+1]",
            b"[.5]",
            b"[5.]",
            b"[01]",
            b"[0x1]",
            b"[1,]",
            b"{\"a\":1,}",
            b"{'a':1}",
            b"/* c */ {}",
            b"{} {}",
            b"{}}",
            b"{}\0",
            b"",
            b"  ",
            b"\xef\xbb\xbf{}",
            b"\xff\xfe{\0}\0",
            b"\"\xc0\xaf\"",
            b"\"\xed\xa0\x80\"",
            b"\"\xf4\x90\x80\x80\"",
            b"\"\xe2\x82\"",
            br#""\ud800""#,
            br#""\udc00x""#,
            b"\"\x01\"",
            b"1e400",
            b"-1e400",
        ] {
            assert!(refused(text), "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn numbers_keep_their_kind() {
        for (text, expected) in [
            ("18446744073709551615", json!(u64::MAX)),
            ("18446744073709551616", json!(18_446_744_073_709_551_616.0)),
            ("-9223372036854775808", json!(i64::MIN)),
            ("1.0", json!(1.0)),
            ("1", json!(1)),
            ("-0", json!(0)),
            ("1e-400", json!(0.0)),
        ] {
            let value = parse(text.as_bytes(), JsonLimits::default()).unwrap_or_default();
            assert_eq!(value.to_string(), expected.to_string(), "{text}");
        }
    }

    #[test]
    fn depth_has_one_limit_and_no_overflow() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels)).into_bytes();
        for levels in [1, 99, 100, 101, 127, 128, 199, 200] {
            assert!(!refused(&nested(levels)), "{levels}");
        }
        for levels in [201, 300, 100_000] {
            assert!(refused(&nested(levels)), "{levels}");
        }
        let deep_duplicate = format!("{}{}{}", "[".repeat(150), r#"{"a":1,"a":2}"#, "]".repeat(150));
        assert!(refused(deep_duplicate.as_bytes()));
    }

    #[test]
    fn the_number_of_values_is_bounded() {
        let limits = JsonLimits { depth: 10, values: 4 };
        assert!(parse(b"[1,2,3]", limits).is_ok());
        assert!(parse(b"[1,2,3,4]", limits).is_err());
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(|number| if number == 0.0 { json!(0) } else { json!(number) }),
            any::<String>().prop_map(Value::String),
        ];
        leaf.prop_recursive(6, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
                prop::collection::vec((any::<String>(), inner), 0..6)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in any_json()) {
            let text = value.to_string();
            let read = parse(text.as_bytes(), JsonLimits::default());
            prop_assert_eq!(read.ok(), Some(value));
        }
    }
}
