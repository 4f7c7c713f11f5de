//! Request bodies: JSON as strict as ArangoDB's parser, which refuses an attribute that occurs twice.

use super::Fault;
use crate::value::Value;
use serde::Deserialize;

/// Reads one JSON value from text; 400 with errorNum 600 for anything else.
pub(super) fn parse(text: &[u8]) -> Result<Value, Fault> {
    let corrupt = |message: String| Fault::new(400, 600, format!("VPackError error: {message}"));
    let mut deserializer = serde_json::Deserializer::from_slice(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text));
    let value = Value::deserialize(&mut deserializer).map_err(|error| corrupt(error.to_string()))?;
    deserializer.end().map_err(|error| corrupt(error.to_string()))?;
    Ok(value)
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
