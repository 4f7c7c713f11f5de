//! What the door itself says to a request that it does not let in: ArangoDB's error object, so that drivers show the reason.

use crate::gate::message::Response;
use crate::judge::Rule;

/// Why the door refuses, with the status and the number that ArangoDB's drivers expect for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The bytes are no HTTP request that can be read in one way only.
    Malformed,
    /// Another protocol knocks: HTTP/2, `VelocyStream`, TLS on a plain port.
    Protocol,
    /// An HTTP version other than 1.0 and 1.1.
    Version,
    /// A method that ArangoDB's API does not use.
    Method,
    /// A body without a length.
    LengthRequired,
    /// A body over the limit.
    BodyTooLarge,
    /// A target over the limit.
    TargetTooLong,
    /// Header fields over the limit.
    HeadTooLarge,
    /// An expectation other than `100-continue`.
    Expectation,
    /// A transfer coding other than `chunked`.
    Coding,
    /// The client took too long to send its request.
    TooSlow,
    /// No room for another connection, request or byte.
    Overloaded,
    /// The gate is stopping.
    Stopping,
    /// A fault of the gate itself.
    Internal,
}

impl Reason {
    /// Every reason.
    pub const ALL: &'static [Reason] = &[
        Reason::Malformed,
        Reason::Protocol,
        Reason::Version,
        Reason::Method,
        Reason::LengthRequired,
        Reason::BodyTooLarge,
        Reason::TargetTooLong,
        Reason::HeadTooLarge,
        Reason::Expectation,
        Reason::Coding,
        Reason::TooSlow,
        Reason::Overloaded,
        Reason::Stopping,
        Reason::Internal,
    ];

    /// A stable name for metrics and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Reason::Malformed => "malformed",
            Reason::Protocol => "protocol",
            Reason::Version => "version",
            Reason::Method => "method",
            Reason::LengthRequired => "length-required",
            Reason::BodyTooLarge => "body-too-large",
            Reason::TargetTooLong => "target-too-long",
            Reason::HeadTooLarge => "head-too-large",
            Reason::Expectation => "expectation",
            Reason::Coding => "coding",
            Reason::TooSlow => "too-slow",
            Reason::Overloaded => "overloaded",
            Reason::Stopping => "stopping",
            Reason::Internal => "internal",
        }
    }

    /// The HTTP status.
    pub const fn status(self) -> u16 {
        self.numbers().0
    }

    /// HTTP status and ArangoDB's `errorNum`.
    const fn numbers(self) -> (u16, u32) {
        match self {
            Reason::Malformed | Reason::Protocol => (400, 400),
            Reason::Version => (505, 400),
            Reason::Method => (405, 405),
            Reason::LengthRequired => (411, 400),
            Reason::BodyTooLarge => (413, 400),
            Reason::TargetTooLong => (414, 400),
            Reason::HeadTooLarge => (431, 400),
            Reason::Expectation => (417, 400),
            // 9: not implemented, arangod's own answer to transfer codings.
            Reason::Coding => (501, 9),
            Reason::TooSlow => (408, 400),
            // 21003: queue full. 503/503 would say "not ready", which it is not.
            Reason::Overloaded => (503, 21003),
            // 503 is the one number that drivers take as safe to repeat elsewhere.
            Reason::Stopping => (503, 503),
            Reason::Internal => (500, 4),
        }
    }

    /// The rule it counts under; load and faults are no matter of policy.
    pub const fn rule(self) -> Option<Rule> {
        match self {
            Reason::TooSlow | Reason::Overloaded | Reason::Stopping | Reason::Internal => None,
            Reason::BodyTooLarge | Reason::TargetTooLong | Reason::HeadTooLarge => Some(Rule::LimitExceeded),
            _ => Some(Rule::RequestMalformed),
        }
    }
}

/// One refusal: the reason and a sentence that names the fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// What exactly, for the person who reads the driver's exception.
    pub message: String,
}

impl Refusal {
    pub(super) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }

    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new(Reason::Malformed, message)
    }

    /// The refusal as a response that ends the connection, except where the request itself was in order.
    pub(super) fn response(&self) -> Response {
        let (status, number) = self.reason.numbers();
        let mut body = serde_json::json!({
            "error": true,
            "code": status,
            "errorNum": number,
            "errorMessage": self.message,
        });
        if let Some(rule) = self.reason.rule() {
            body["denials"] = serde_json::json!([{ "rule": rule.name(), "message": self.message }]);
        }
        let mut headers = vec![("Content-Type".to_owned(), "application/json; charset=utf-8".to_owned())];
        match self.reason {
            Reason::Method => headers.push(("Allow".to_owned(), super::head::METHODS.join(", "))),
            Reason::Overloaded | Reason::Stopping => {
                headers.push(("Retry-After".to_owned(), "1".to_owned()));
            }
            _ => {}
        }
        Response {
            status,
            headers,
            body: body.to_string().into_bytes(),
            close: !matches!(self.reason, Reason::Internal | Reason::Overloaded),
        }
    }
}
