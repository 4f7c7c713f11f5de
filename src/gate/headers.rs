//! Request headers: a short list is understood, a list of dangerous ones is refused, and the rest is dropped.
//!
//! INVARIANT: nothing of a client's header reaches ArangoDB except values that were read and written anew here.

use super::message::Request;
use super::reply::{Refusal, number};
use crate::judge::Rule;

/// The headers that change what ArangoDB does, as understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers {
    /// `If-Match`: the revision that the document must have.
    pub if_match: Option<String>,
    /// `If-None-Match`: the revision that it must not have.
    pub if_none_match: Option<String>,
    /// `x-arango-trx-id`: the stream transaction to run in; digits.
    pub transaction: Option<String>,
    /// `x-arango-allow-dirty-read: true`.
    pub dirty_read: bool,
    /// `x-arango-queue-time-seconds`, checked to be a number.
    pub queue_time: Option<String>,
    /// `x-request-id`, where it is short and plain.
    pub request_id: Option<String>,
}

/// Headers of which a second one has no single reading: arangod takes the last.
const SINGLE: &[&str] = &[
    "host",
    "content-length",
    "transfer-encoding",
    "content-type",
    "content-encoding",
    "authorization",
    "if-match",
    "if-none-match",
];

/// Internal or state-changing headers of ArangoDB that no driver sends.
const REFUSED: &[(&str, &str)] = &[
    (
        "x-arango-async",
        "asynchronous execution would deliver results past the gate",
    ),
    ("x-arango-trx-body", "it is internal to a cluster"),
    ("x-arango-hlc", "it moves the server's clock"),
    ("x-arango-source", "it claims to come from inside a cluster"),
    ("x-arango-frontend", "it claims to come from the web interface"),
    ("x-arango-fast-path", "it is internal"),
    ("x-arango-aql-document-aql", "it is internal"),
    ("x-arango-shard-id", "it is internal to a cluster"),
    ("x-shard-id", "it is internal to a cluster"),
    ("x-arango-batchpart", "batches of requests are not served"),
    ("x-arango-endpoint", "it is a reply's header"),
    ("x-arango-request-forwarded-to", "it is a reply's header"),
    ("x-arango-errors", "it is a reply's header"),
    ("x-arango-error-codes", "it is a reply's header"),
    ("x-arango-async-id", "it is a reply's header"),
    ("x-arango-potential-dirty-read", "it is a reply's header"),
    ("x-http-method", "it would change the method"),
    ("x-http-method-override", "it would change the method"),
    ("x-method-override", "it would change the method"),
];

/// The same, by the beginning of their names.
const REFUSED_PREFIXES: &[&str] = &["x-arango-dump-", "x-arango-replication-"];

/// Headers of ArangoDB that mean nothing here.
const DROPPED: &[&str] = &["x-arango-driver", "x-arango-version"];

impl Headers {
    /// Understands the headers of a request.
    ///
    /// # Errors
    /// When one is refused, given twice, or has a value that it cannot have.
    pub fn read(request: &Request) -> Result<Self, Refusal> {
        let mut headers = Headers::default();
        let mut seen: Vec<&str> = Vec::new();
        for (name, value) in &request.headers {
            let name = name.as_str();
            if name.contains('_') {
                return Err(Refusal::malformed(format!(
                    "header name {name:?} holds an underscore, which has two readings"
                )));
            }
            if !value.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) {
                // Also in headers that are dropped: what another parser sees in them is unknown.
                return Err(Refusal::malformed(format!(
                    "the value of header {name:?} is not plain ASCII"
                )));
            }
            if SINGLE.contains(&name) || name.starts_with("x-arango-") {
                if seen.contains(&name) {
                    return Err(Refusal::malformed(format!("header {name:?} is given twice")));
                }
                seen.push(name);
            }
            if let Some((_, why)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
                return Err(Refusal::denied(
                    Rule::OptionNotAllowed,
                    format!("header {name:?} is not allowed: {why}"),
                ));
            }
            if REFUSED_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
                return Err(Refusal::denied(
                    Rule::OptionNotAllowed,
                    format!("header {name:?} is not allowed: it is internal"),
                ));
            }
            headers.understand(name, value)?;
        }
        Ok(headers)
    }

    fn understand(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        match name {
            "if-match" => self.if_match = Some(revision(name, value)?),
            "if-none-match" => self.if_none_match = Some(revision(name, value)?),
            // DB-servers know forms such as `12 begin`; a client's is digits. Dropping a bad one would run the request
            // outside of its transaction.
            "x-arango-trx-id" => {
                if !is_id(value) {
                    let message = "the value of x-arango-trx-id is no transaction id";
                    return Err(Refusal::bad_parameter(message));
                }
                self.transaction = Some(value.to_owned());
            }
            "x-arango-allow-dirty-read" => {
                self.dirty_read = match value {
                    "true" => true,
                    "false" => false,
                    _ => {
                        return Err(Refusal::bad_parameter(
                            "the value of x-arango-allow-dirty-read is not true or false",
                        ));
                    }
                };
            }
            "x-arango-queue-time-seconds" => {
                let seconds: f64 = value.parse().map_err(|_| bad_queue_time())?;
                if !(0.0..=1e6).contains(&seconds) {
                    return Err(bad_queue_time());
                }
                self.queue_time = Some(seconds.to_string());
            }
            "x-request-id" => self.request_id = is_request_id(value).then(|| value.to_owned()),
            "connection" => refuse_hop_by_hop(value)?,
            "expect" if !value.eq_ignore_ascii_case("100-continue") => {
                return Err(Refusal::new(
                    417,
                    number::HTTP_BAD_PARAMETER,
                    "only \"Expect: 100-continue\" is understood",
                ));
            }
            _ if DROPPED.contains(&name) => {}
            _ if name.starts_with("x-arango-") => {
                let message = format!("header {name:?} is not known to the gate");
                return Err(Refusal::denied(Rule::OptionNotAllowed, message));
            }
            _ => {}
        }
        Ok(())
    }
}

/// An id of a cursor or transaction. arangod reads leading digits and ignores the rest.
pub fn is_id(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a client's request id may appear in logs and replies.
pub fn is_request_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
}

fn bad_queue_time() -> Refusal {
    Refusal::bad_parameter("the value of x-arango-queue-time-seconds is no number of seconds")
}

/// A revision, with or without quotes as drivers send it; always quoted when sent on.
fn revision(name: &str, value: &str) -> Result<String, Refusal> {
    let bare = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(value);
    if bare.is_empty()
        || bare.len() > 64
        || !bare
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    {
        return Err(Refusal::bad_parameter(format!("the value of {name} is no revision")));
    }
    Ok(format!("\"{bare}\""))
}

/// A proxy in between would remove what `Connection` names.
fn refuse_hop_by_hop(value: &str) -> Result<(), Refusal> {
    for token in value.split(',').map(|token| token.trim().to_ascii_lowercase()) {
        let expected = matches!(
            token.as_str(),
            "" | "keep-alive" | "close" | "upgrade" | "te" | "http2-settings" | "proxy-connection"
        );
        if !expected {
            return Err(Refusal::malformed(format!(
                "\"Connection\" names header {token:?}, which is no hop-by-hop header"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn read(headers: &[(&str, &str)]) -> Result<Headers, u16> {
        let request = Request {
            method: "GET".into(),
            target: "/".into(),
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
            body: Vec::new(),
            peer: None,
            received: Instant::now(),
        };
        Headers::read(&request).map_err(|refusal| refusal.status)
    }

    #[test]
    fn dangerous_headers_are_refused() {
        for (name, value, status) in [
            ("x-arango-async", "store", 403),
            ("x-arango-async", "true", 403),
            ("x-arango-source", "PRMR-1", 403),
            ("x-arango-hlc", "1", 403),
            ("x-arango-frontend", "true", 403),
            ("x-arango-dump-auth-user", "root", 403),
            ("x-arango-unheard-of", "1", 403),
            ("x-http-method-override", "DELETE", 403),
            ("x_custom", "1", 400),
            ("x-custom", "caf\u{e9}", 400),
            ("x-arango-trx-id", "12 begin", 400),
            ("x-arango-trx-id", "12 aql", 400),
            ("x-arango-trx-id", "-1", 400),
            ("x-arango-trx-id", "abc", 400),
            ("x-arango-trx-id", "", 400),
            ("x-arango-trx-id", "123456789012345678901", 400),
            ("x-arango-queue-time-seconds", "NaN", 400),
            ("x-arango-queue-time-seconds", "1e9", 400),
            ("x-arango-allow-dirty-read", "yes", 400),
            ("if-match", "*", 400),
            ("connection", "close, Authorization", 400),
            ("connection", "x-arango-trx-id", 400),
            ("expect", "x", 417),
        ] {
            assert_eq!(read(&[(name, value)]), Err(status), "{name}: {value}");
        }
    }

    #[test]
    fn a_second_one_is_refused() {
        for name in [
            "authorization",
            "x-arango-trx-id",
            "content-type",
            "if-match",
            "x-arango-driver",
        ] {
            assert_eq!(read(&[(name, "1"), (name, "1")]), Err(400), "{name}");
        }
    }

    #[test]
    fn what_drivers_send_passes() {
        let headers = read(&[
            ("host", "localhost:7474"),
            ("user-agent", "node"),
            ("x-arango-driver", "arangojs/10.4.0"),
            ("x-arango-version", "31100"),
            ("accept-language", "*"),
            ("sec-fetch-mode", "cors"),
            ("connection", "keep-alive"),
            ("cookie", "a=b"),
            ("x-forwarded-for", "10.0.0.1"),
            ("if-match", "_abc-1"),
            ("x-arango-trx-id", "12345"),
            ("x-arango-queue-time-seconds", "5"),
            ("x-arango-allow-dirty-read", "true"),
            ("x-request-id", "req-1"),
        ]);
        let expected = Headers {
            if_match: Some("\"_abc-1\"".into()),
            if_none_match: None,
            transaction: Some("12345".into()),
            dirty_read: true,
            queue_time: Some("5".into()),
            request_id: Some("req-1".into()),
        };
        assert_eq!(headers, Ok(expected));
        assert_eq!(
            read(&[("if-match", "\"_abc\"")]).map(|headers| headers.if_match),
            Ok(Some("\"_abc\"".into()))
        );
    }
}
