//! What the gate itself answers: ArangoDB's error object, with the reasons of a denial beside it.
//!
//! INVARIANT: every answer that is no success carries `error`, `code`, `errorNum` and `errorMessage`, as drivers need
//! them to raise their usual exception with our reason in its text. A denial is never 401 (drivers log in again and
//! repeat), 404 (drivers read "does not exist") or a closed connection (python-arango repeats even a write).

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::message::Response;
use crate::aql::diagnostic::Position;
use crate::judge::{Denial, Rule, denial_json};

/// ArangoDB's error numbers that the gate uses (`lib/Basics/errors.dat`).
pub mod number {
    /// Internal error.
    pub const INTERNAL: u32 = 4;
    /// Not implemented.
    pub const NOT_IMPLEMENTED: u32 = 9;
    /// Bad parameter.
    pub const BAD_PARAMETER: u32 = 10;
    /// Forbidden; with status 401: not authenticated.
    pub const FORBIDDEN: u32 = 11;
    /// Wrong type of a value.
    pub const TYPE_ERROR: u32 = 17;
    /// Malformed request.
    pub const HTTP_BAD_PARAMETER: u32 = 400;
    /// Wrong user name or password at `/_open/auth`.
    pub const HTTP_UNAUTHORIZED: u32 = 401;
    /// Forbidden, as arangosh's telemetry poller expects it.
    pub const HTTP_FORBIDDEN: u32 = 403;
    /// No such path.
    pub const HTTP_NOT_FOUND: u32 = 404;
    /// Method not allowed.
    pub const HTTP_METHOD_NOT_ALLOWED: u32 = 405;
    /// Not ready; each driver knows that it is safe to repeat.
    pub const HTTP_SERVICE_UNAVAILABLE: u32 = 503;
    /// The upstream did not answer in time.
    pub const HTTP_GATEWAY_TIMEOUT: u32 = 504;
    /// Corrupt JSON.
    pub const CORRUPTED_JSON: u32 = 600;
    /// Bad document handle.
    pub const DOCUMENT_HANDLE_BAD: u32 = 1205;
    /// Bad document key.
    pub const DOCUMENT_KEY_BAD: u32 = 1221;
    /// The document is no object, or the list of documents no array.
    pub const DOCUMENT_TYPE_INVALID: u32 = 1227;
    /// AQL syntax error.
    pub const QUERY_PARSE: u32 = 1501;
    /// Empty query.
    pub const QUERY_EMPTY: u32 = 1502;
    /// No such cursor.
    pub const CURSOR_NOT_FOUND: u32 = 1600;
    /// No such transaction.
    pub const TRANSACTION_NOT_FOUND: u32 = 1655;
    /// Too many requests; arangod's own number for a full queue.
    pub const QUEUE_FULL: u32 = 21003;
}

/// Why a request is not answered with a success.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// ArangoDB's error number.
    pub number: u32,
    /// The reason on one line; drivers print it inline.
    pub message: String,
    /// The rule, where one refuses.
    pub rule: Option<Rule>,
    /// Every reason of the judge, already as JSON.
    pub denials: Vec<Value>,
    /// Seconds after which to try again.
    pub retry_after: Option<u64>,
    /// The methods that the path has, for 405.
    pub allow: Option<String>,
    /// Whether the connection must end.
    pub close: bool,
}

impl Refusal {
    /// A refusal with a status, an error number and a message.
    pub fn new(status: u16, number: u32, message: impl Into<String>) -> Self {
        Refusal {
            status,
            number,
            message: message.into(),
            rule: None,
            denials: Vec::new(),
            retry_after: None,
            allow: None,
            close: false,
        }
    }

    /// A request that cannot be understood without doubt.
    pub fn malformed(message: impl Into<String>) -> Self {
        let mut refusal = Self::new(400, number::HTTP_BAD_PARAMETER, message);
        refusal.rule = Some(Rule::RequestMalformed);
        refusal
    }

    /// A parameter or body member with a value that it cannot have.
    pub fn bad_parameter(message: impl Into<String>) -> Self {
        let mut refusal = Self::new(400, number::BAD_PARAMETER, message);
        refusal.rule = Some(Rule::RequestMalformed);
        refusal
    }

    /// A body that is no acceptable JSON.
    pub fn corrupted_json(message: impl Into<String>) -> Self {
        let mut refusal = Self::new(400, number::CORRUPTED_JSON, message);
        refusal.rule = Some(Rule::RequestMalformed);
        refusal
    }

    /// A refusal by a rule of the policy.
    pub fn denied(rule: Rule, message: impl Into<String>) -> Self {
        let message = message.into();
        let mut refusal = Self::new(403, number::FORBIDDEN, format!("{}: {message}", rule.name()));
        refusal.rule = Some(rule);
        refusal.denials = vec![json!({"rule": rule.name(), "message": message})];
        refusal
    }

    /// A refusal by the judge, with all its reasons. `query` is the text that spans point into.
    pub fn judged(denials: &[Denial], query: Option<&str>) -> Self {
        let mut refusal = Self::new(403, number::FORBIDDEN, one_line(denials, query));
        refusal.rule = denials.first().map(|denial| denial.rule);
        refusal.denials = denials.iter().map(|denial| denial_json(denial, query)).collect();
        if let [only] = denials
            && only.rule == Rule::Syntax
        {
            refusal.status = 400;
            refusal.number = number::QUERY_PARSE;
            refusal.message = syntax_message(only, query);
        }
        refusal
    }

    /// Credentials that are missing or cannot be right.
    pub fn unauthenticated() -> Self {
        Self::new(401, number::FORBIDDEN, "not authorized to execute this request")
    }

    /// The database is not there (yet, or any more). Safe to repeat: the request did not reach it.
    pub fn not_ready(message: impl Into<String>) -> Self {
        let mut refusal = Self::new(503, number::HTTP_SERVICE_UNAVAILABLE, message);
        refusal.retry_after = Some(1);
        refusal
    }

    /// The same refusal, with the connection ended after it.
    #[must_use]
    pub fn closing(mut self) -> Self {
        self.close = true;
        self
    }

    /// The answer.
    pub fn into_response(self) -> Response {
        let mut body = Map::new();
        body.insert("error".into(), Value::Bool(true));
        body.insert("code".into(), self.status.into());
        body.insert("errorNum".into(), self.number.into());
        body.insert("errorMessage".into(), self.message.into());
        if !self.denials.is_empty() {
            body.insert("denials".into(), Value::Array(self.denials));
        }
        let mut response = json_response(self.status, &Value::Object(body));
        response.close = self.close;
        if self.status == 401 {
            // Both lines, as arangod sends them (`GeneralResponse`, realm included).
            for challenge in [
                r#"Bearer token_type="JWT", realm="ArangoDB""#,
                r#"Basic realm="ArangoDB""#,
            ] {
                response.headers.push(("Www-Authenticate".into(), challenge.into()));
            }
        }
        if let Some(seconds) = self.retry_after {
            response.headers.push(("Retry-After".into(), seconds.to_string()));
        }
        if let Some(methods) = self.allow {
            response.headers.push(("Allow".into(), methods));
        }
        response
    }
}

/// A response with a JSON body.
pub fn json_response(status: u16, body: &Value) -> Response {
    bytes_response(status, body.to_string().into_bytes())
}

/// A response with a body that is JSON already.
pub fn bytes_response(status: u16, body: Vec<u8>) -> Response {
    Response {
        status,
        headers: vec![
            ("Content-Type".into(), "application/json; charset=utf-8".into()),
            ("X-Content-Type-Options".into(), "nosniff".into()),
        ],
        body,
        close: false,
    }
}

/// All reasons on one line.
fn one_line(denials: &[Denial], query: Option<&str>) -> String {
    let mut line = String::new();
    for denial in denials {
        if !line.is_empty() {
            line.push_str("; ");
        }
        line.push_str(denial.rule.name());
        line.push_str(": ");
        line.push_str(&denial.message);
        if let (Some(span), Some(text)) = (denial.span, query) {
            let place = Position::of(text, span.start);
            // Writing to a String cannot fail.
            let _ = write!(line, " at position {}:{}", place.line, place.column);
        }
        if let Some(hint) = &denial.hint {
            let _ = write!(line, " ({hint})");
        }
    }
    line.replace(['\n', '\r'], " ")
}

/// ArangoDB's form of a parse error: at most 32 characters of the text from the error on, and the position
/// (`Parser::registerParseError`); arangosh and editors look for `position L:C`.
fn syntax_message(denial: &Denial, query: Option<&str>) -> String {
    let Some((span, text)) = denial.span.zip(query) else {
        return format!("AQL: {} (while parsing)", denial.message);
    };
    let Position { line, column } = Position::of(text, span.start);
    let rest = text.get(span.start as usize..).unwrap_or_default();
    let mut near: String = rest.chars().take(32).collect();
    if near.len() < rest.len() {
        near.push_str("...");
    }
    let message = if denial.message.starts_with("syntax error") {
        denial.message.clone()
    } else {
        format!("syntax error, {}", denial.message)
    };
    format!("AQL: {message} near '{near}' at position {line}:{column} (while parsing)")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aql::ast::Span;

    fn body(response: &Response) -> Value {
        serde_json::from_slice(&response.body).unwrap_or_default()
    }

    fn denial(rule: Rule, start: u32, end: u32) -> Denial {
        Denial {
            rule,
            message: "attribute \"secret\" is hidden".into(),
            collection: Some("notes".into()),
            attribute: Some("secret".into()),
            span: Some(Span { start, end }),
            hint: Some("leave it out".into()),
        }
    }

    #[test]
    fn a_denial_has_the_four_fields_first_and_all_reasons() {
        let query = "FOR n IN notes\n  RETURN n.secret";
        let refusal = Refusal::judged(
            &[denial(Rule::AttributeHidden, 26, 32), denial(Rule::WholeDocument, 4, 5)],
            Some(query),
        );
        let response = refusal.into_response();
        assert_eq!(response.status, 403);
        let body = body(&response);
        let keys: Vec<&str> = body
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, _)| key.as_str())
            .collect();
        assert_eq!(keys, ["error", "code", "errorNum", "errorMessage", "denials"]);
        assert_eq!(
            body["errorMessage"],
            "attribute-hidden: attribute \"secret\" is hidden at position 2:12 (leave it out); \
             whole-document: attribute \"secret\" is hidden at position 1:5 (leave it out)"
        );
        assert_eq!(
            body["denials"][0],
            json!({"rule": "attribute-hidden", "message": "attribute \"secret\" is hidden", "collection": "notes",
                   "attribute": "secret", "line": 2, "column": 12, "length": 6, "hint": "leave it out"})
        );
    }

    #[test]
    fn a_syntax_error_is_arangodbs() {
        let mut only = denial(Rule::Syntax, 10, 10);
        only.message = "unexpected end of query string".into();
        let response = Refusal::judged(&[only], Some("FOR x IN [\n")).into_response();
        assert_eq!(
            (response.status, body(&response)["errorNum"].as_u64()),
            (400, Some(1501))
        );
        assert_eq!(
            body(&response)["errorMessage"],
            "AQL: syntax error, unexpected end of query string near '\n' at position 1:11 (while parsing)"
        );
    }

    #[test]
    fn status_401_carries_both_challenges() {
        let response = Refusal::unauthenticated().into_response();
        let challenges = response
            .headers
            .iter()
            .filter(|(name, _)| name == "Www-Authenticate")
            .count();
        assert_eq!(challenges, 2);
    }
}
