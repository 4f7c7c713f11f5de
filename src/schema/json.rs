//! A strict JSON reader that keeps every value's place in the text.
//!
//! INVARIANT: what is read here means the same to every JSON parser: a key that occurs twice, a number that does not
//! fit, a lone surrogate, a comment or a comma too many is a problem, never a guess.
#![allow(
    clippy::unnecessary_box_returns,
    reason = "a problem is boxed from birth, so that results stay small"
)]

use std::collections::BTreeSet;

use serde_json::{Map, Number, Value};

/// Bytes `start..end` of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A JSON value and its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) at: Span,
    pub(super) value: Json,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<Node>),
    Object(Vec<Member>),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Member {
    pub(super) key: String,
    pub(super) key_at: Span,
    pub(super) value: Node,
}

/// Something wrong with a text, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) at: Span,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

/// Deeper nesting than any schema needs, and far less than a thread's stack holds.
const DEPTH: usize = 128;

impl Node {
    pub(super) fn members(&self) -> &[Member] {
        if let Json::Object(members) = &self.value {
            members
        } else {
            &[]
        }
    }

    pub(super) fn elements(&self) -> &[Node] {
        if let Json::Array(elements) = &self.value {
            elements
        } else {
            &[]
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        if let Json::String(text) = &self.value {
            Some(text)
        } else {
            None
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.members()
            .iter()
            .find(|member| member.key == key)
            .map(|member| &member.value)
    }

    /// What kind of value it is, in words.
    pub(super) fn kind(&self) -> &'static str {
        match self.value {
            Json::Null => "null",
            Json::Bool(_) => "a boolean",
            Json::Number(_) => "a number",
            Json::String(_) => "a string",
            Json::Array(_) => "an array",
            Json::Object(_) => "an object",
        }
    }

    /// The value at a JSON pointer (RFC 6901).
    pub(super) fn pointer(&self, pointer: &str) -> Option<&Node> {
        let Some(rest) = pointer.strip_prefix('/') else {
            return pointer.is_empty().then_some(self);
        };
        rest.split('/').try_fold(self, |node, part| {
            let part = part.replace("~1", "/").replace("~0", "~");
            match &node.value {
                Json::Object(_) => node.get(&part),
                Json::Array(elements) => elements.get(part.parse::<usize>().ok()?),
                _ => None,
            }
        })
    }

    pub(super) fn to_value(&self) -> Value {
        match &self.value {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(value) => Value::Number(value.clone()),
            Json::String(value) => Value::String(value.clone()),
            Json::Array(elements) => Value::Array(elements.iter().map(Node::to_value).collect()),
            Json::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|member| (member.key.clone(), member.value.to_value()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }
}

/// Reads one JSON value that fills the text. Keys that occur twice are reported beside the value: reading goes on.
pub(super) fn parse(text: &str) -> (Option<Node>, Vec<Problem>) {
    let mut reader = Reader {
        text,
        at: 0,
        problems: Vec::new(),
    };
    let node = reader.document();
    let mut problems = reader.problems;
    let node = match node {
        Ok(node) => Some(node),
        Err(problem) => {
            problems.push(*problem);
            None
        }
    };
    (node, problems)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    problems: Vec<Problem>,
}

type Read<T> = Result<T, Box<Problem>>;

impl Reader<'_> {
    fn document(&mut self) -> Read<Node> {
        if self.text.starts_with('\u{feff}') {
            return Err(self.problem(
                0,
                3,
                "the file starts with a byte order mark",
                Some("save it as plain UTF-8"),
            ));
        }
        self.space();
        if self.peek().is_none() {
            return Err(self.problem(self.at, 0, "the file is empty", Some("a schema is a JSON object")));
        }
        let node = self.value(0)?;
        self.space();
        if self.at < self.text.len() {
            return Err(self.problem(self.at, 1, "expected the end of the file after the JSON value", None));
        }
        Ok(node)
    }

    fn value(&mut self, depth: usize) -> Read<Node> {
        let start = self.at;
        if depth > DEPTH {
            return Err(self.problem(start, 1, &format!("nested deeper than {DEPTH} levels"), None));
        }
        let value = match self.peek() {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => Json::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => Json::Number(self.number()?),
            Some(b'a'..=b'z' | b'A'..=b'Z' | b'_') => self.word()?,
            Some(b'\'') => {
                return Err(self.problem(
                    start,
                    1,
                    "a string in single quotes",
                    Some("JSON has double quotes only"),
                ));
            }
            _ => return Err(self.unexpected("a JSON value")),
        };
        Ok(Node {
            at: Span { start, end: self.at },
            value,
        })
    }

    fn object(&mut self, depth: usize) -> Read<Json> {
        let (mut members, mut seen) = (Vec::<Member>::new(), BTreeSet::new());
        self.at += 1;
        self.space();
        if self.take(b'}') {
            return Ok(Json::Object(members));
        }
        loop {
            let start = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("a key in double quotes"));
            }
            let key = self.string()?;
            let key_at = Span { start, end: self.at };
            self.space();
            if !self.take(b':') {
                return Err(self.unexpected("`:` after the key"));
            }
            self.space();
            let value = self.value(depth + 1)?;
            if seen.insert(key.clone()) {
                members.push(Member { key, key_at, value });
            } else {
                self.problems.push(Problem {
                    at: key_at,
                    message: format!("the key `{key}` occurs twice in this object"),
                    hint: Some("keep one of them: programs disagree about which one counts".to_owned()),
                });
            }
            self.space();
            if self.take(b'}') {
                return Ok(Json::Object(members));
            }
            self.comma(b'}', "`,` or `}`")?;
        }
    }

    fn array(&mut self, depth: usize) -> Read<Json> {
        let mut elements = Vec::new();
        self.at += 1;
        self.space();
        if self.take(b']') {
            return Ok(Json::Array(elements));
        }
        loop {
            elements.push(self.value(depth + 1)?);
            self.space();
            if self.take(b']') {
                return Ok(Json::Array(elements));
            }
            self.comma(b']', "`,` or `]`")?;
        }
    }

    fn comma(&mut self, close: u8, expected: &str) -> Read<()> {
        let comma = self.at;
        if !self.take(b',') {
            return Err(self.unexpected(expected));
        }
        self.space();
        if self.peek() == Some(close) {
            let hint = format!("remove it, or add what belongs before the `{}`", char::from(close));
            return Err(self.problem(comma, 1, "a comma after the last element", Some(&hint)));
        }
        Ok(())
    }

    fn word(&mut self) -> Read<Json> {
        let start = self.at;
        while self
            .peek()
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            self.at += 1;
        }
        match &self.text[start..self.at] {
            "true" => Ok(Json::Bool(true)),
            "false" => Ok(Json::Bool(false)),
            "null" => Ok(Json::Null),
            word => {
                let hint = match word {
                    "True" | "False" => word.to_lowercase(),
                    "None" | "undefined" | "nil" => "null".to_owned(),
                    _ => format!("\"{word}\""),
                };
                let message = format!("`{word}` is no JSON value");
                Err(self.problem(start, word.len(), &message, Some(&format!("write `{hint}`"))))
            }
        }
    }

    fn number(&mut self) -> Read<Number> {
        let start = self.at;
        while self
            .peek()
            .is_some_and(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
        {
            self.at += 1;
        }
        let text = &self.text[start..self.at];
        serde_json::from_str(text)
            .map_err(|_| self.problem(start, text.len(), &format!("`{text}` is no JSON number"), None))
    }

    /// Finds the string's end here and leaves its escapes to `serde_json`, which refuses what is no Unicode.
    fn string(&mut self) -> Read<String> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                None | Some(b'\n' | b'\r') => {
                    return Err(self.problem(start, 1, "a string without its closing quote", None));
                }
                Some(b'"') => break,
                Some(b'\\') => self.at += 2,
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        let text = &self.text[start..self.at];
        serde_json::from_str(text).map_err(|_| {
            let message = "a string with a control character or an escape that JSON does not have";
            self.problem(start, text.len(), message, Some(r"a backslash itself is written `\\`"))
        })
    }

    fn unexpected(&self, expected: &str) -> Box<Problem> {
        let rest = &self.text[self.at..];
        let Some(found) = rest.chars().next() else {
            return self.problem(
                self.at,
                0,
                &format!("expected {expected}, found the end of the file"),
                None,
            );
        };
        let hint = if rest.starts_with("//") || rest.starts_with("/*") || found == '#' {
            Some("JSON has no comments; `$comment` holds a remark")
        } else {
            None
        };
        self.problem(
            self.at,
            found.len_utf8(),
            &format!("expected {expected}, found `{found}`"),
            hint,
        )
    }

    #[allow(clippy::unused_self, reason = "reads as the reader's own complaint")]
    fn problem(&self, start: usize, length: usize, message: &str, hint: Option<&str>) -> Box<Problem> {
        Box::new(Problem {
            at: Span {
                start,
                end: start + length,
            },
            message: message.to_owned(),
            hint: hint.map(str::to_owned),
        })
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }
}
