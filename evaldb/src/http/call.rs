//! A request taken apart the way arangod does it (`GeneralRequest`, `ConnectionInfo`): slashes are collapsed, `/_db/NAME` is
//! taken off, fixed segments are compared raw and names are decoded, the last of equal query parameters counts.

use super::auth::Identity;
use super::{Fault, Service, json};
use crate::value::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
}

impl Method {
    pub(super) fn parse(text: &str) -> Option<Method> {
        Some(match text {
            "GET" => Method::Get,
            "HEAD" => Method::Head,
            "POST" => Method::Post,
            "PUT" => Method::Put,
            "PATCH" => Method::Patch,
            "DELETE" => Method::Delete,
            "OPTIONS" => Method::Options,
            _ => return None,
        })
    }
}

/// The parts of a request target.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) database: String,
    /// Without the database prefix and the query string, undecoded.
    pub(super) path: String,
    pub(super) query: BTreeMap<String, String>,
}

impl Target {
    pub(super) fn parse(raw: &str) -> Result<Target, Fault> {
        let mut text = String::with_capacity(raw.len());
        for c in raw.chars() {
            if !(c == '/' && text.ends_with('/')) {
                text.push(c);
            }
        }
        let (path, query) = text.split_once('?').unwrap_or((&text, ""));
        let (database, path) = match path.strip_prefix("/_db/") {
            Some(rest) => {
                let (name, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
                (decode(name, true)?, path)
            }
            None => ("_system".to_owned(), path),
        };
        let mut parameters = BTreeMap::new();
        for pair in query.split('&') {
            // A name without `=` is no parameter.
            if let Some((name, value)) = pair.split_once('=') {
                parameters.insert(decode(name, true)?, decode(value, true)?);
            }
        }
        Ok(Target {
            database,
            path: path.to_owned(),
            query: parameters,
        })
    }
}

fn decode(text: &str, plus_is_space: bool) -> Result<String, Fault> {
    let bad = || Fault::new(400, 400, "invalid URL encoding");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' if plus_is_space => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| byte.and_then(|b| char::from(b).to_digit(16));
                let (high, low) = (digit(rest.next()).ok_or_else(bad)?, digit(rest.next()).ok_or_else(bad)?);
                u8::try_from(high * 16 + low).map_err(|_| bad())?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| bad())
}

/// A request with everything that a route needs.
pub(super) struct Call {
    pub(super) service: Arc<Service>,
    pub(super) method: Method,
    pub(super) database: String,
    pub(super) path: String,
    /// The path's segments, decoded.
    pub(super) segments: Vec<String>,
    query: BTreeMap<String, String>,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) who: Identity,
}

/// The last header of a name counts.
pub(super) fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers
        .iter()
        .rev()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.as_str())
}

impl Call {
    pub(super) fn new(
        service: Arc<Service>,
        method: Method,
        target: Target,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
        who: Identity,
    ) -> Result<Call, Fault> {
        let segments = target.path.split('/').filter(|segment| !segment.is_empty());
        let segments = segments
            .map(|segment| decode(segment, false))
            .collect::<Result<_, _>>()?;
        Ok(Call {
            service,
            method,
            database: target.database,
            path: target.path,
            segments,
            query: target.query,
            headers,
            body,
            who,
        })
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// A query parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// A boolean query parameter; what is not one of the true words is false.
    pub(super) fn flag(&self, name: &str, default: bool) -> bool {
        self.parameter(name).map_or(default, |text| {
            matches!(
                text.trim().to_lowercase().as_str(),
                "true" | "yes" | "on" | "y" | "1" | "✓"
            )
        })
    }

    /// The body as JSON; an empty one is an error.
    pub(super) fn json(&self) -> Result<Value, Fault> {
        json::parse(&self.body)
    }

    /// The body as a JSON object; an empty one counts as `{}`.
    pub(super) fn json_object(&self) -> Result<Value, Fault> {
        if self.body.trim_ascii().is_empty() {
            return Ok(Value::object(crate::value::Object::new()));
        }
        let value = self.json()?;
        if value.as_object().is_some() {
            Ok(value)
        } else {
            Err(Fault::new(400, 600, "expecting a JSON object as body"))
        }
    }

    /// `If-Match` or `If-None-Match`, with or without quotes.
    pub(super) fn revision(&self, header: &str) -> Option<&str> {
        self.header(header).map(|value| value.trim().trim_matches('"'))
    }

    /// The segments from a place on, as text.
    pub(super) fn rest(&self, from: usize) -> Vec<&str> {
        self.segments.iter().skip(from).map(String::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(raw: &str) -> (String, String) {
        let target = Target::parse(raw).unwrap();
        (target.database, target.path)
    }

    #[test]
    fn targets_are_read_as_arangod_reads_them() {
        for (raw, database, path) in [
            ("/_api/version", "_system", "/_api/version"),
            ("//_api///version", "_system", "/_api/version"),
            ("/_db/shop/_api/x", "shop", "/_api/x"),
            ("/_db/a%20b+c/_api/x", "a b c", "/_api/x"),
            ("/_db//_api/version", "_api", "/version"),
            ("/_db/a/_db/b/_api/x", "a", "/_db/b/_api/x"),
            ("/%5fdb/x/y", "_system", "/%5fdb/x/y"),
            ("/_db/shop", "shop", ""),
        ] {
            assert_eq!(target(raw), (database.to_owned(), path.to_owned()), "{raw}");
        }
        assert_eq!(Target::parse("/_db/%zz/x").unwrap_err().status, 400);
    }

    #[test]
    fn query_parameters() {
        let query = Target::parse("/x?a=1&a=2&onlyget&b=x%20y+z").unwrap().query;
        assert_eq!(query.get("a").map(String::as_str), Some("2"));
        assert_eq!(query.get("b").map(String::as_str), Some("x y z"));
        assert!(!query.contains_key("onlyget"));
    }
}
