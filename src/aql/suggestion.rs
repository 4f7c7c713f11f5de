//! What the writer may have meant: the messages for a token that fits nowhere, and spellings near to a wrong one.
#![allow(
    clippy::unnecessary_box_returns,
    reason = "an error is boxed from birth, so that results stay small"
)]

use super::error::{SyntaxError, num};
use super::token::{KEYWORDS, Kind, Token};

/// Words with a meaning by their place, which are names elsewhere.
const CONTEXTUAL: [&str; 6] = ["KEEP", "COUNT", "OPTIONS", "PRUNE", "SEARCH", "TO"];

/// The longest part of the text that a message quotes, in characters.
const QUOTED: usize = 40;

/// The error for a token that fits nowhere.
pub(super) fn unexpected(text: &str, token: Token, expected: &[&'static str]) -> Box<SyntaxError> {
    let span = token.span();
    let found = text.get(token.start as usize..token.end as usize).unwrap_or_default();
    let message = match token.kind {
        Kind::NonAscii => "a character outside ASCII may stand only in strings, comments and quoted names".to_owned(),
        Kind::Nul => "a zero byte may not stand in a query".to_owned(),
        Kind::UnterminatedString => "this string does not end".to_owned(),
        Kind::UnterminatedName => "this quoted name does not end".to_owned(),
        Kind::UnterminatedComment => "this comment does not end".to_owned(),
        kind => format!("{}, found {}", wanted(expected), describe(kind, found)),
    };
    let wording = format!("syntax error, unexpected {}", token.kind.arango_name());
    let mut error = SyntaxError::new(span, num::PARSE, message).worded(wording);
    error.expected = expected.to_vec();
    error.suggestion = hint(token.kind, found, expected.iter().any(|wanted| wanted.contains("name")));
    error
}

fn wanted(expected: &[&'static str]) -> String {
    match expected {
        [] => "expected something else".to_owned(),
        [only] => format!("expected {only}"),
        [first @ .., last] => format!("expected {} or {last}", first.join(", ")),
    }
}

fn describe(kind: Kind, found: &str) -> String {
    match kind {
        Kind::End => kind.spelling().to_owned(),
        Kind::Stray => format!("`{}`, which AQL does not know", quoted(found)),
        Kind::Identifier | Kind::QuotedIdentifier => format!("the name `{}`", quoted(found.trim_matches('`'))),
        Kind::String => format!("the string {}", quoted(found)),
        _ => format!("`{}`", quoted(found)),
    }
}

fn quoted(text: &str) -> String {
    let mut short: String = text.chars().take(QUOTED).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

fn hint(kind: Kind, found: &str, name_expected: bool) -> Option<String> {
    match kind {
        Kind::Identifier => {
            nearest(found, KEYWORDS.iter().chain(&CONTEXTUAL).copied()).map(|word| format!("did you mean `{word}`?"))
        }
        Kind::NonAscii => Some("quote the name with backticks, or remove the character".to_owned()),
        Kind::Assign => Some("`==` compares".to_owned()),
        Kind::Stray if found == ";" => Some("a request holds one query, without a semicolon".to_owned()),
        Kind::Stray if found == "&" => Some("did you mean `&&`?".to_owned()),
        Kind::Stray if found == "|" => Some("did you mean `||`?".to_owned()),
        kind if name_expected && KEYWORDS.contains(&found.to_ascii_uppercase().as_str()) => Some(format!(
            "{} is a reserved word; as a name it needs backticks",
            kind.spelling()
        )),
        _ => None,
    }
}

/// The word of `words` that `found` is most likely a misspelling of.
pub(super) fn nearest<'w>(found: &str, words: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let found: String = found.chars().take(QUOTED).collect::<String>().to_ascii_uppercase();
    let allowed = match found.len() {
        0..=2 => 0,
        3..=4 => 1,
        _ => 2,
    };
    words
        .map(|word| (strsim::osa_distance(&found, word), word))
        .filter(|&(distance, _)| distance > 0 && distance <= allowed)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, word)| word)
}
