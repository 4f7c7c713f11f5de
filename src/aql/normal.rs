//! The normal form of a query and its fingerprint.
//!
//! INVARIANT: two queries have the same normal form exactly if they differ only in the values of literals, in blanks and
//! comments, in the case of keywords, and in how names are quoted. So it is made of the tokens, not of the tree: an added
//! parenthesis, `&&` for `AND`, another name or one element more in a list is another form.
//!
//! A string in a place where it is a name is kept like a name: an object's key, the target of a modification, a graph,
//! and the subscript in `doc["name"]`. An approved query must not stand for one that touches other attributes.

use std::fmt::{self, Write};

use super::ParseLimits;
use super::ast::Query;
use super::error::SyntaxError;
use super::lexer::Lexer;
use super::literal;
use super::parser::{self, Mark};
use super::printer::{write_name, write_quoted};
use super::token::{Kind, Token};

/// Stands for a literal; no token of AQL is spelt so.
const LITERAL: &str = "#";

/// A query with its literals taken out, and one spelling for the rest.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NormalForm(String);

impl NormalForm {
    /// The form as text, for people to read: `FOR u IN users FILTER u.age > # RETURN u.name`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A short name for the form.
    pub fn fingerprint(&self) -> Fingerprint {
        let digest = ring::digest::digest(&ring::digest::SHA256, self.0.as_bytes());
        let mut short = [0; 16];
        short.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
        Fingerprint(short)
    }
}

impl fmt::Display for NormalForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The first half of the SHA-256 of a normal form, written as 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 16]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The tree and the normal form of a query.
pub fn normalise<'q>(text: &'q str, limits: &ParseLimits) -> Result<(Query<'q>, NormalForm), Box<SyntaxError>> {
    let (query, marks) = parser::parse_marked(text, limits)?;
    Ok((query, NormalForm(write(text, &marks))))
}

/// The fingerprint of a query within the default limits.
pub fn fingerprint(text: &str) -> Result<Fingerprint, Box<SyntaxError>> {
    normalise(text, &ParseLimits::default()).map(|(_, form)| form.fingerprint())
}

/// Writes the tokens of a text that is a query.
fn write(text: &str, marks: &[(u32, Mark)]) -> String {
    let mut form = String::with_capacity(text.len());
    let mut lexer = Lexer::new(text, 0);
    let mut marks = marks.iter().peekable();
    let mut glued = true;
    loop {
        let token = lexer.next_token();
        if token.kind == Kind::End {
            return form;
        }
        let mark = marks.next_if(|(start, _)| *start == token.start).map(|(_, mark)| *mark);
        if !glued && !glues_to_the_left(token.kind) {
            form.push(' ');
        }
        glued = glues_to_the_right(token.kind);
        // Writing to a string cannot fail.
        let _ = write_token(&mut form, text, token, mark);
    }
}

/// Brackets and dots need no blanks; which tokens follow each other is the same with and without.
fn glues_to_the_left(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Dot | Kind::Comma | Kind::Close | Kind::ArrayClose | Kind::ObjectClose | Kind::Scope
    )
}

fn glues_to_the_right(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Dot | Kind::Open | Kind::ArrayOpen | Kind::ObjectOpen | Kind::Scope
    )
}

fn write_token(form: &mut String, text: &str, token: Token, mark: Option<Mark>) -> fmt::Result {
    let raw = text.get(token.start as usize..token.end as usize).unwrap_or_default();
    match token.kind {
        Kind::Identifier | Kind::QuotedIdentifier => {
            let name = name(raw, token.kind);
            if mark == Some(Mark::Word) {
                return form.write_str(&name.to_ascii_uppercase());
            }
            write_name(form, &name)
        }
        Kind::String if mark == Some(Mark::Key) => write_name(form, &literal::string(raw).unwrap_or_default()),
        Kind::String if mark == Some(Mark::Name) => write_quoted(form, &literal::string(raw).unwrap_or_default(), '"'),
        Kind::String | Kind::Integer | Kind::Double | Kind::Null | Kind::True | Kind::False => form.write_str(LITERAL),
        Kind::Parameter | Kind::SourceParameter => form.write_str(raw),
        Kind::And | Kind::Or | Kind::Not | Kind::NotIn if !raw.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            form.write_str(if token.kind == Kind::NotIn { "!IN" } else { raw })
        }
        kind => form.write_str(kind.spelling().trim_matches('`')),
    }
}

fn name(raw: &str, kind: Kind) -> std::borrow::Cow<'_, str> {
    if kind == Kind::Identifier {
        return raw.into();
    }
    literal::quoted_name(raw).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> String {
        let parsed = normalise(text, &ParseLimits::default());
        parsed.map_or_else(|error| panic!("{}", error.render(text, "query")), |(_, form)| form.0)
    }

    #[test]
    fn a_form_is_readable() {
        assert_eq!(
            form(
                "for u in users /* all */ filter u.age>18 && u.name != null\n limit 5, @n return {name:u.name, `x y`: -1.5}"
            ),
            "FOR u IN users FILTER u.age > # && u.name != # LIMIT #, @n RETURN {name : u.name, `x y` : - #}"
        );
    }

    #[test]
    fn layout_literals_keyword_case_and_quoting_make_no_difference() {
        for (one, other) in [
            ("RETURN 1", "return\t2"),
            ("RETURN 1", "RETURN 'x'"),
            ("RETURN true", "RETURN null"),
            ("RETURN 0x1F", "RETURN 1e5"),
            ("FOR u IN users RETURN u", "for u in users // all\nreturn u"),
            ("FOR u IN users RETURN u.a", "FOR `u` IN ´users´ RETURN u.`\\u0061`"),
            (
                "FOR u IN v SEARCH u.a == 1 OPTIONS {x: 1} RETURN u",
                "FOR u IN v search u.a == 2 `options` {x: 2} RETURN u",
            ),
            (
                "FOR v IN 1..2 ANY 'a' e PRUNE v.x RETURN v",
                "FOR v IN 1..3 ANY 'b' e prune v.x RETURN v",
            ),
            (
                "FOR v IN ANY SHORTEST_PATH 'a' TO 'b' e RETURN v",
                "FOR v IN any shortest_path 'a' to 'c' e RETURN v",
            ),
            (
                "FOR u IN c COLLECT WITH COUNT INTO n RETURN n",
                "FOR u IN c COLLECT WITH count INTO n RETURN n",
            ),
            (
                "FOR u IN c COLLECT a = u.a INTO g KEEP u RETURN g",
                "FOR u IN c COLLECT a = u.a INTO g keep u RETURN g",
            ),
            ("RETURN {'a': 1}", "RETURN {a: 1}"),
            ("RETURN {'a b': 1}", "RETURN {`a b`: 1}"),
            ("INSERT {} INTO 'a'", "INSERT {} INTO a"),
            (
                "FOR v IN ANY 'x' GRAPH 'a' RETURN v",
                "FOR v IN ANY 'y' GRAPH a RETURN v",
            ),
            ("RETURN 1 NOT  IN [1]", "RETURN 1 not\nin [2]"),
            ("RETURN [1] AT LEAST (1) == 1", "RETURN [1] at  least (2) == 1"),
            ("RETURN [1] LIKE '%'", "RETURN [1] like '_'"),
        ] {
            assert_eq!(form(one), form(other));
            assert_eq!(fingerprint(one), fingerprint(other));
        }
    }

    #[test]
    fn everything_else_makes_a_difference() {
        for (one, other) in [
            ("FOR u IN users RETURN u", "FOR v IN users RETURN v"),
            ("FOR u IN users RETURN u.a", "FOR u IN users RETURN u.b"),
            ("FOR u IN users RETURN u.a", "FOR u IN users RETURN u.A"),
            ("FOR u IN users RETURN u.a", "FOR u IN users RETURN u['a']"),
            ("FOR u IN users RETURN u['a']", "FOR u IN users RETURN u['b']"),
            ("FOR u IN users RETURN u[0]", "FOR u IN users RETURN u[?]"),
            ("FOR u IN users RETURN u.a.b", "FOR u IN users RETURN u.`a.b`"),
            ("RETURN {a: 1}", "RETURN {b: 1}"),
            ("RETURN {'a': 1}", "RETURN {'b': 1}"),
            ("RETURN {a: 1}", "RETURN {['a']: 1}"),
            ("INSERT {} INTO 'a'", "INSERT {} INTO 'b'"),
            ("RETURN {`a b`: 1}", "RETURN {`a  b`: 1}"),
            (
                "FOR v IN ANY 'x' GRAPH 'a' RETURN v",
                "FOR v IN ANY 'x' GRAPH 'b' RETURN v",
            ),
            ("RETURN [1]", "RETURN [1, 2]"),
            ("RETURN [1]", "RETURN [1,]"),
            ("RETURN 1", "RETURN (1)"),
            ("RETURN 1", "RETURN -1"),
            ("RETURN 1", "RETURN @x"),
            ("RETURN @x", "RETURN @y"),
            ("FOR x IN @@x RETURN 1", "FOR x IN @x RETURN 1"),
            ("RETURN 1 AND 2", "RETURN 1 && 2"),
            ("RETURN !1", "RETURN NOT 1"),
            ("RETURN 1 !IN [1]", "RETURN 1 NOT IN [1]"),
            ("RETURN 1 == 2", "RETURN 1 != 2"),
            ("RETURN LENGTH('a')", "RETURN COUNT('a')"),
            ("FOR u IN c SORT u.a RETURN u", "FOR u IN c SORT u.a ASC RETURN u"),
            ("FOR `a b` IN c RETURN 1", "FOR `a  b` IN c RETURN 1"),
        ] {
            assert_ne!(form(one), form(other));
            assert_ne!(fingerprint(one), fingerprint(other));
        }
    }

    #[test]
    fn a_fingerprint_is_written_in_hexadecimal() {
        let text = fingerprint("RETURN 1")
            .map(|fingerprint| fingerprint.to_string())
            .unwrap_or_default();
        assert_eq!(text.len(), 32);
        assert!(text.bytes().all(|b| b.is_ascii_hexdigit()));
    }
}
