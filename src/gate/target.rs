//! The request target: database, path segments and query parameters, understood in one way only.
//!
//! INVARIANT: where the gate's reading and arangod's could differ, the target is refused. arangod collapses `//` before
//! it looks for `/_db/`, matches handlers on undecoded bytes and names on decoded ones, and lets the last duplicate of a
//! parameter win; so empty and dot segments, duplicates and malformed escapes do not pass.

use super::percent::{self, EncodingError, Plus};
use super::reply::{Refusal, number};
use crate::judge::Rule;

/// Longest target, in bytes.
const MAX_BYTES: usize = 8 * 1024;
/// Most query parameters.
const MAX_PARAMETERS: usize = 64;

/// A target that has one reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The database, decoded; `_system` when the path names none.
    pub database: String,
    /// The segments after the database prefix; a trailing slash gives an empty last one.
    pub segments: Vec<Segment>,
    /// Query parameters, decoded, in order, no name twice.
    pub parameters: Vec<(String, String)>,
}

/// One path segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// As sent.
    raw: String,
    /// Decoded once.
    decoded: String,
}

impl Segment {
    /// The segment as a fixed word of the API: escapes are legitimate in names only.
    pub fn word(&self) -> Option<&str> {
        (!self.raw.contains('%')).then_some(self.raw.as_str())
    }

    /// The segment as a name.
    pub fn name(&self) -> &str {
        &self.decoded
    }
}

impl Target {
    /// Understands a target in origin form.
    ///
    /// # Errors
    /// When it is too long, or has no reading or more than one.
    pub fn parse(target: &str) -> Result<Self, Refusal> {
        if target.len() > MAX_BYTES {
            let message = format!("the request target is longer than {MAX_BYTES} bytes");
            return Err(Refusal::new(414, number::HTTP_BAD_PARAMETER, message).closing());
        }
        if !target.starts_with('/') {
            return Err(Refusal::malformed(
                "the request target must be a path that begins with \"/\"",
            ));
        }
        if let Some(bad) = target.chars().find(|&character| !is_target_character(character)) {
            return Err(Refusal::malformed(format!(
                "the request target holds {bad:?}, which must be percent-encoded"
            )));
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut segments = path[1..].split('/').map(segment).collect::<Result<Vec<_>, _>>()?;
        let last = segments.len() - 1;
        if segments[..last].iter().any(|segment| segment.raw.is_empty()) {
            return Err(Refusal::malformed("the path holds an empty segment (\"//\")"));
        }
        let mut database = "_system".to_owned();
        // Only this literal form is a database prefix for arangod; any other spelling is an unknown path.
        if segments.len() > 2 && segments[0].raw == "_db" {
            if segments[1].raw.contains('+') {
                return Err(Refusal::malformed(
                    "a \"+\" in a database name has two readings; encode it",
                ));
            }
            database = segments.remove(1).decoded;
            segments.remove(0);
        }
        // Legal in a key and nowhere else: other parsers take what follows as parameters of the segment.
        if segments.iter().take(2).any(|segment| segment.raw.contains(';')) {
            return Err(Refusal::malformed("path parameters (\";\") are not supported"));
        }
        Ok(Target {
            database,
            segments,
            parameters: parameters(query)?,
        })
    }

    /// The value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// The characters of RFC 3986 in a path or query, without the fragment's; `[` and `]` appear in drivers' array parameters.
fn is_target_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@%/?[]".contains(character)
}

fn segment(raw: &str) -> Result<Segment, Refusal> {
    let decoded = percent::decode(raw, Plus::Literal).map_err(|error| encoding_refusal("a path segment", error))?;
    if matches!(decoded.as_str(), "." | "..") {
        return Err(Refusal::malformed("the path holds a dot segment"));
    }
    if decoded.contains('/') {
        return Err(Refusal::denied(
            Rule::RequestMalformed,
            "a path segment holds an encoded \"/\", which no name can have",
        ));
    }
    Ok(Segment {
        raw: raw.to_owned(),
        decoded,
    })
}

fn parameters(query: &str) -> Result<Vec<(String, String)>, Refusal> {
    let mut parameters: Vec<(String, String)> = Vec::new();
    if query.is_empty() {
        return Ok(parameters);
    }
    for pair in query.split('&') {
        if parameters.len() == MAX_PARAMETERS {
            let message = format!("more than {MAX_PARAMETERS} query parameters");
            return Err(Refusal::new(414, number::HTTP_BAD_PARAMETER, message).closing());
        }
        // For arangod a name without "=" is no parameter, but joins the next pair.
        let Some((name, value)) = pair.split_once('=') else {
            return Err(Refusal::malformed(format!("query parameter {pair:?} has no \"=\"")));
        };
        let decode =
            |text| percent::decode(text, Plus::Space).map_err(|error| encoding_refusal("a query parameter", error));
        let (name, value) = (decode(name)?, decode(value)?);
        if name.is_empty() {
            return Err(Refusal::malformed("a query parameter has no name"));
        }
        if parameters.iter().any(|(known, _)| *known == name) {
            return Err(Refusal::malformed(format!("query parameter {name:?} is given twice")));
        }
        parameters.push((name, value));
    }
    Ok(parameters)
}

fn encoding_refusal(place: &str, error: EncodingError) -> Refusal {
    Refusal::malformed(format!("{place} is not well-formed: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(target: &str) -> u16 {
        Target::parse(target).map_or_else(|refusal| refusal.status, |_| 200)
    }

    #[test]
    fn the_database_prefix_has_one_spelling() {
        for (target, database, words) in [
            ("/_api/version", "_system", vec!["_api", "version"]),
            ("/_db/shop/_api/version", "shop", vec!["_api", "version"]),
            ("/_db/%73hop/_api/version", "shop", vec!["_api", "version"]),
            ("/_db/my%20db/_api/version", "my db", vec!["_api", "version"]),
            ("/_db/a/_db/b/_api/x", "a", vec!["_db", "b", "_api", "x"]),
            ("/_DB/a/_api/x", "_system", vec!["_DB", "a", "_api", "x"]),
            ("/_db/a", "_system", vec!["_db", "a"]),
            ("/_db/a/", "a", vec![""]),
            ("/", "_system", vec![""]),
        ] {
            let parsed = Target::parse(target).unwrap_or_else(|refusal| panic!("{target}: {}", refusal.message));
            assert_eq!(parsed.database, database, "{target}");
            let found: Vec<_> = parsed.segments.iter().map(Segment::name).collect();
            assert_eq!(found, words, "{target}");
        }
    }

    #[test]
    fn what_has_two_readings_is_refused() {
        for (target, expected) in [
            ("//_api//cursor", 400),
            ("/_db//mydb/_api/cursor", 400),
            ("/_db//_api/version", 400),
            ("/_api/x/../cursor", 400),
            ("/_api/./cursor", 400),
            ("/_api/document/%2e%2e/_users", 400),
            ("/_api/document/episodes%2F..%2F_users/k", 403),
            ("/_api/document/a%2fb/k", 403),
            ("/_api/document/episodes%zz/k", 400),
            ("/_api/document/episodes%4", 400),
            ("/_api/document/episodes%", 400),
            ("/_api/document/episodes//k", 400),
            ("http://x/_api/version", 400),
            ("http:/_api/version", 400),
            ("*", 400),
            ("a:1", 400),
            ("", 400),
            ("/_api/version#/../../_users", 400),
            ("/_api;x=1/cursor", 400),
            ("\\_api\\cursor", 400),
            ("/_api\\cursor", 400),
            ("/_api/\"version", 400),
            ("/_api/v\u{e9}rsion", 400),
            ("/_api/ver\tsion", 400),
            ("/_api/version\u{7f}", 400),
            ("/_db/my+db/_api/version", 400),
            ("/_db/mydb%00/_api/version", 400),
            ("/_db/%FF/_api/version", 400),
            ("/_api/x?a&overwrite=true", 400),
            ("/_api/x?onlyget", 400),
            ("/_api/x?a=1&a=2", 400),
            ("/_api/x?a=1&%61=2", 400),
            ("/_api/x?wait=%zz", 400),
            ("/_api/x?=1", 400),
            ("/_api/x?a=1&&b=2", 400),
            ("/_api/x?a=%C0%80", 400),
        ] {
            assert_eq!(status(target), expected, "{target}");
        }
    }

    #[test]
    fn size_is_bounded() {
        assert_eq!(status(&format!("/{}", "a".repeat(MAX_BYTES - 1))), 200);
        assert_eq!(status(&format!("/{}", "a".repeat(MAX_BYTES))), 414);
        let many = (0..=MAX_PARAMETERS)
            .map(|n| format!("p{n}=1"))
            .collect::<Vec<_>>()
            .join("&");
        assert_eq!(status(&format!("/_api/x?{many}")), 414);
    }

    #[test]
    fn parameters_are_decoded_once() {
        let target = Target::parse("/_api/x?%6fverwrite=%20TRUE&b=a+b&c=")
            .unwrap_or_else(|refusal| panic!("{}", refusal.message));
        assert_eq!(target.parameter("overwrite"), Some(" TRUE"));
        assert_eq!(target.parameter("b"), Some("a b"));
        assert_eq!(target.parameter("c"), Some(""));
    }

    #[test]
    fn escapes_are_for_names_only() {
        let target =
            Target::parse("/_api/%63ursor/Stra%C3%9Fe").unwrap_or_else(|refusal| panic!("{}", refusal.message));
        assert_eq!(target.segments[1].word(), None);
        assert_eq!(target.segments[2].name(), "Straße");
    }
}
