//! Answers and refusals in ArangoDB's form.

use crate::error::ArangoError;
use serde_json::{Map, Value, json};

/// What a route gives back.
pub(super) type Outcome = Result<Reply, Fault>;

/// A complete answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: String,
    pub(super) headers: Vec<(&'static str, String)>,
}

impl Reply {
    /// This body, as it is.
    pub(super) fn json(status: u16, body: &Value) -> Reply {
        Reply {
            status,
            body: body.to_string(),
            headers: Vec::new(),
        }
    }

    /// Text that is JSON already.
    pub(super) fn text(status: u16, body: String) -> Reply {
        Reply {
            status,
            body,
            headers: Vec::new(),
        }
    }

    /// These members, with `error` and `code` as most interfaces have them.
    #[allow(clippy::needless_pass_by_value, reason = "callers build it on the spot")]
    pub(super) fn ok(status: u16, members: Value) -> Reply {
        let mut body = Map::new();
        body.insert("error".to_owned(), false.into());
        body.insert("code".to_owned(), status.into());
        if let Value::Object(members) = members {
            body.extend(members);
        }
        Reply::json(status, &Value::Object(body))
    }

    /// `{"error":false,"code":…,"result":…}`.
    #[allow(clippy::needless_pass_by_value, reason = "callers build it on the spot")]
    pub(super) fn result(status: u16, result: Value) -> Reply {
        Reply::ok(status, json!({ "result": result }))
    }

    pub(super) fn empty(status: u16) -> Reply {
        Reply {
            status,
            body: String::new(),
            headers: Vec::new(),
        }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Reply {
        self.headers.push((name, value.into()));
        self
    }
}

/// A refusal: status, ArangoDB's number, and a message.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) status: u16,
    pub(super) num: u32,
    pub(super) message: String,
    /// Members beside the usual four.
    pub(super) more: Map<String, Value>,
}

impl Fault {
    pub(super) fn new(status: u16, num: u32, message: impl Into<String>) -> Fault {
        Fault {
            status,
            num,
            message: message.into(),
            more: Map::new(),
        }
    }

    pub(super) fn bad(message: impl Into<String>) -> Fault {
        Fault::new(400, 10, message)
    }

    pub(super) fn forbidden() -> Fault {
        Fault::new(403, 11, "forbidden")
    }

    pub(super) fn unknown_path(path: &str) -> Fault {
        Fault::new(404, 404, format!("unknown path '{path}'"))
    }

    pub(super) fn wrong_method() -> Fault {
        Fault::new(405, 405, "method not supported")
    }
}

impl From<ArangoError> for Fault {
    fn from(error: ArangoError) -> Fault {
        Fault::new(error.code(), error.num, error.message)
    }
}

impl From<Fault> for Reply {
    fn from(fault: Fault) -> Reply {
        let mut body = fault.more;
        body.insert("error".to_owned(), true.into());
        body.insert("code".to_owned(), fault.status.into());
        body.insert("errorNum".to_owned(), fault.num.into());
        body.insert("errorMessage".to_owned(), fault.message.into());
        Reply::json(fault.status, &Value::Object(body))
    }
}
