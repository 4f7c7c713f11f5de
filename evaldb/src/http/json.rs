//! Request bodies: JSON as strict as ArangoDB's parser, which refuses an attribute that occurs twice.

use super::Fault;
use crate::value::{Object, Text, Value};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;

/// Reads one JSON value from text; 400 with errorNum 600 for anything else.
pub(super) fn parse(text: &[u8]) -> Result<Value, Fault> {
    let corrupt = |message: String| Fault::new(400, 600, format!("VPackError error: {message}"));
    let mut deserializer = serde_json::Deserializer::from_slice(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text));
    let value = Strict
        .deserialize(&mut deserializer)
        .map_err(|error| corrupt(error.to_string()))?;
    deserializer.end().map_err(|error| corrupt(error.to_string()))?;
    Ok(value)
}

struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    #[allow(
        clippy::cast_precision_loss,
        reason = "a number beyond 64 bits becomes a double, as in ArangoDB"
    )]
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or(Value::Double(value as f64), Value::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Double(if value == 0.0 { 0.0 } else { value }))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::string(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element_seed(Strict)? {
            items.push(item);
        }
        Ok(Value::array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Object::new();
        let mut seen = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            let name = Text::from(name);
            if !seen.insert(name.clone()) {
                return Err(serde::de::Error::custom(format!("duplicate attribute name '{name}'")));
            }
            object.push(name, map.next_value_seed(Strict)?);
        }
        Ok(Value::object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_strict_as_the_original() {
        for good in [
            r#"{"a":1,"b":[{"a":2}]}"#,
            "\u{feff}1",
            "  null\n",
            "18446744073709551615",
        ] {
            assert!(parse(good.as_bytes()).is_ok(), "{good}");
        }
        for bad in [
            r#"{"a":1,"a":2}"#,
            r#"{"query":1,"qu\u0065ry":2}"#,
            r#"[{"x":{"a":1,"a":1}}]"#,
            "1 2",
            "",
            "{'a':1}",
            "NaN",
            "[1,]",
            "1e400",
        ] {
            assert_eq!(parse(bad.as_bytes()).unwrap_err().num, 600, "{bad}");
        }
    }
}
