//! What a text that is no query gets: one error, in our wording for people and in ArangoDB's for its drivers.
#![allow(
    clippy::unnecessary_box_returns,
    reason = "an error is boxed from birth, so that results stay small"
)]

use std::borrow::Cow;

use super::ast::Span;
use super::diagnostic::{Frame, Position, shortened};

/// Why a text is not a query that ArangoDB would accept (or that this firewall lets near it).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// Where: the offending token or construct.
    pub span: Span,
    /// What is wrong, in lower case, without a final full stop.
    pub message: String,
    /// What could have stood there instead, most likely first; empty when that would tell nothing.
    pub expected: Vec<&'static str>,
    /// A spelling that the writer may have meant, or how to write it instead.
    pub suggestion: Option<String>,
    /// ArangoDB's error number for it (1501 for a plain syntax error).
    pub error_num: u16,
    /// ArangoDB's wording, without the position.
    pub(super) wording: String,
    /// Whether ArangoDB adds the position to it.
    pub(super) positioned: bool,
    /// Where ArangoDB sees it.
    pub(super) seen_at: u32,
}

/// ArangoDB's error numbers (`lib/Basics/errors.dat`) for what it refuses while parsing.
pub(super) mod num {
    pub(in crate::aql) const BAD_PARAMETER: u16 = 10;
    pub(in crate::aql) const PARSE: u16 = 1501;
    pub(in crate::aql) const EMPTY: u16 = 1502;
    pub(in crate::aql) const NUMBER_OUT_OF_RANGE: u16 = 1504;
    pub(in crate::aql) const VARIABLE_NAME_INVALID: u16 = 1510;
    pub(in crate::aql) const VARIABLE_REDECLARED: u16 = 1511;
    pub(in crate::aql) const VARIABLE_NAME_UNKNOWN: u16 = 1512;
    pub(in crate::aql) const TOO_MUCH_NESTING: u16 = 1524;
    pub(in crate::aql) const FUNCTION_NAME_UNKNOWN: u16 = 1540;
    pub(in crate::aql) const FUNCTION_ARGUMENT_NUMBER_MISMATCH: u16 = 1541;
    pub(in crate::aql) const ARRAY_EXPECTED: u16 = 1563;
    pub(in crate::aql) const INVALID_AGGREGATE_EXPRESSION: u16 = 1574;
    pub(in crate::aql) const COMPILE_TIME_OPTIONS: u16 = 1575;
    pub(in crate::aql) const ACCESS_AFTER_MODIFICATION: u16 = 1579;
    pub(in crate::aql) const WINDOW_AFTER_MODIFICATION: u16 = 1595;
}

/// How much of the query ArangoDB quotes (`QueryString::extractRegion`).
const REGION_BYTES: usize = 32;

impl SyntaxError {
    /// An error of ArangoDB's number `error_num` whose wording there is the same as here.
    pub(super) fn new(span: Span, error_num: u16, message: impl Into<String>) -> Box<Self> {
        let message = bounded(message);
        Box::new(Self {
            span,
            wording: message.clone(),
            message,
            expected: Vec::new(),
            suggestion: None,
            error_num,
            positioned: true,
            seen_at: span.start,
        })
    }

    /// The same with ArangoDB's own wording.
    pub(super) fn worded(mut self: Box<Self>, wording: impl Into<String>) -> Box<Self> {
        self.wording = bounded(wording);
        self
    }

    /// The same where ArangoDB gives no position.
    pub(super) fn without_position(mut self: Box<Self>) -> Box<Self> {
        self.positioned = false;
        self
    }

    /// The same with a suggestion.
    pub(super) fn suggesting(mut self: Box<Self>, suggestion: impl Into<String>) -> Box<Self> {
        self.suggestion = Some(bounded(suggestion));
        self
    }

    /// The error as ArangoDB words it to clients, as in
    /// `AQL: syntax error, unexpected identifier near 'x' at position 1:5 (while parsing)`.
    ///
    /// `text` must be the text that was parsed. Columns count bytes, as ArangoDB's do.
    pub fn arangodb_message(&self, text: &str) -> String {
        if !self.positioned {
            return format!("AQL: {} (while parsing)", self.wording);
        }
        let start = floor_char_boundary(text, self.seen_at as usize);
        let (before, rest) = text.split_at(start);
        let line = 1 + before.bytes().filter(|&b| b == b'\n').count();
        let column = 1 + before.len() - before.rfind('\n').map_or(0, |at| at + 1);
        let quoted = floor_char_boundary(rest, REGION_BYTES);
        let region = if rest.len() < REGION_BYTES + "...".len() {
            (rest, "")
        } else {
            (&rest[..quoted], "...")
        };
        format!(
            "AQL: {} near '{}{}' at position {line}:{column} (while parsing)",
            self.wording, region.0, region.1
        )
    }

    /// Line and column of the error, both from 1; columns count characters.
    pub fn position(&self, text: &str) -> Position {
        Position::of(text, self.span.start)
    }

    /// The error with the line it is in and the place underlined, for people; `origin` names the text, as a file's name.
    pub fn render(&self, text: &str, origin: &str) -> String {
        let mut frame = Frame::new("syntax", &self.message, text, self.span).origin(origin);
        if let Some(suggestion) = &self.suggestion {
            frame = frame.hint(suggestion.clone());
        }
        frame.to_string()
    }
}

/// A text for people, however long the names are that it quotes.
fn bounded(text: impl Into<String>) -> String {
    shortened(Cow::Owned(text.into())).into_owned()
}

fn floor_char_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
