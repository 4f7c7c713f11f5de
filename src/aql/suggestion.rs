//! What the writer may have meant: the messages for a token that fits nowhere, and spellings near to a wrong one.
#![allow(
    clippy::unnecessary_box_returns,
    reason = "an error is boxed from birth, so that results stay small"
)]

use super::error::{SyntaxError, num};
use super::functions;
use super::token::{KEYWORDS, Kind, Token};

/// Words with a meaning by their place, which are names elsewhere.
const CONTEXTUAL: [&str; 6] = ["KEEP", "COUNT", "OPTIONS", "PRUNE", "SEARCH", "TO"];

/// What other languages, or another place, have such a word for; said where it fits nowhere.
const ELSEWHERE: [(&str, &str); 22] = [
    ("ASCENDING", "did you mean `ASC`?"),
    ("BETWEEN", "write `x >= low AND x <= high`"),
    ("DELETE", "AQL deletes with `REMOVE key IN collection`"),
    ("DESCENDING", "did you mean `DESC`?"),
    ("FROM", "a collection stands after `IN`, as in `FOR x IN collection`"),
    ("GROUP", "AQL groups with `COLLECT`"),
    ("HAVING", "AQL filters groups with a `FILTER` after `COLLECT`"),
    ("IS", "`== null` and `!= null` compare with null"),
    ("JOIN", "AQL joins with a second `FOR` and a `FILTER`"),
    (
        "KEEP",
        "`KEEP` stands after `COLLECT … INTO g`, where there is no `AGGREGATE`",
    ),
    ("OF", "did you mean `IN`?"),
    ("OFFSET", "AQL writes `LIMIT offset, count`"),
    ("OPTIONS", "`OPTIONS` stands once, at the end of its statement"),
    ("ORDER", "AQL sorts with `SORT`, as in `SORT x.a DESC`"),
    ("PRUNE", "`PRUNE` stands in a traversal, once and before `OPTIONS`"),
    ("SEARCH", "`SEARCH` stands once, right after `FOR … IN view`"),
    ("SELECT", "AQL reads with `FOR x IN collection … RETURN x`"),
    (
        "SET",
        "the changes stand after `WITH`, as in `UPDATE key WITH {…} IN collection`",
    ),
    ("THEN", "AQL chooses with `condition ? a : b`"),
    ("VALUES", "a document is an object, as in `INSERT {…} INTO collection`"),
    ("WHEN", "AQL chooses with `condition ? a : b`"),
    ("WHERE", "AQL filters with `FILTER`"),
];

/// Functions by the names that other languages have for them.
const FOREIGN_FUNCTIONS: [(&str, &str); 16] = [
    ("ARRAY_LENGTH", "`LENGTH`"),
    ("CEILING", "`CEIL`"),
    ("COALESCE", "`NOT_NULL`"),
    ("GROUP_CONCAT", "`CONCAT_SEPARATOR`"),
    ("IF", "`condition ? a : b`"),
    ("IFNULL", "`NOT_NULL`"),
    ("IIF", "`condition ? a : b`"),
    ("INDEX_OF", "`FIND_FIRST` or `POSITION`"),
    ("LEN", "`LENGTH`"),
    ("MOD", "`a % b`"),
    ("NOW", "`DATE_NOW`"),
    ("NVL", "`NOT_NULL`"),
    ("POWER", "`POW`"),
    ("SIZE", "`LENGTH`"),
    ("STRLEN", "`CHAR_LENGTH`"),
    ("SUBSTR", "`SUBSTRING`"),
];

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
    let before = text.get(..token.start as usize).unwrap_or_default();
    let name_expected = expected.iter().any(|wanted| wanted.contains("name"));
    error.suggestion = misplaced(token.kind, before).or_else(|| hint(token.kind, found, name_expected));
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

/// What to do about a token where it is because of what stands right before it.
fn misplaced(kind: Kind, before: &str) -> Option<String> {
    let adjacent = before.ends_with(['"', '\'']);
    let before = before.trim_end();
    let ends_in = |word: &str| {
        let start = before.len().checked_sub(word.len());
        start
            .and_then(|at| before.get(at..))
            .is_some_and(|end| end.eq_ignore_ascii_case(word))
    };
    let closes = matches!(
        kind,
        Kind::Close | Kind::ArrayClose | Kind::ObjectClose | Kind::Comma | Kind::End
    );
    let hint = match kind {
        kind if (closes || kind.starts_statement()) && ends_in(",") => "remove the comma before it",
        Kind::Gt if ends_in("<") => "`!=` tells whether two values differ",
        Kind::Gt if ends_in("-") => "an attribute is `a.b`",
        Kind::Times if ends_in("*") => "`POW(a, b)` is the power",
        Kind::Question if ends_in("?") => "`a ?: b` is `a` if that is true, else `b`",
        Kind::Dot if ends_in("?") => "an attribute of null is null: a plain `.` will do",
        Kind::Into if ends_in("INSERT") => "the document stands first: `INSERT {…} INTO collection`",
        Kind::Identifier if adjacent => "a quote within a string of its like needs a backslash",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn hint(kind: Kind, found: &str, name_expected: bool) -> Option<String> {
    match kind {
        Kind::Identifier => ELSEWHERE
            .iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(found))
            .map(|(_, hint)| (*hint).to_owned())
            .or_else(|| did_you_mean(nearest(found, KEYWORDS.iter().chain(&CONTEXTUAL).copied()))),
        Kind::NonAscii if found.starts_with(['“', '”', '‘', '’', '„', '«', '»']) => {
            Some("a string stands in straight quotes".to_owned())
        }
        Kind::NonAscii => Some("quote the name with backticks, or remove the character".to_owned()),
        Kind::Assign => Some("`==` compares".to_owned()),
        Kind::Stray if found == ";" => Some("a request holds one query, without a semicolon".to_owned()),
        Kind::Stray if found == "&" => Some("did you mean `&&`?".to_owned()),
        Kind::Stray if found == "|" => Some("did you mean `||`?".to_owned()),
        Kind::Stray if found == "#" => Some("a comment is `// …` or `/* … */`".to_owned()),
        kind if name_expected && KEYWORDS.contains(&found.to_ascii_uppercase().as_str()) => Some(format!(
            "{} is a reserved word; as a name it needs backticks",
            kind.spelling()
        )),
        _ => None,
    }
}

/// What to call instead of a function that there is not.
pub(super) fn function(name: &str) -> Option<String> {
    let foreign = FOREIGN_FUNCTIONS.iter().find(|(function, _)| *function == name);
    foreign
        .map(|(_, instead)| format!("AQL has {instead}"))
        .or_else(|| did_you_mean(nearest(name, functions::all().iter().map(|function| function.name))))
}

/// The suggestion of a spelling.
pub(super) fn did_you_mean(word: Option<&str>) -> Option<String> {
    word.map(|word| format!("did you mean `{word}`?"))
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
