//! Scanning: where tokens begin and end.

use super::super::token::Kind::{self, *};
use super::Lexer;

fn kinds(text: &str) -> Vec<Kind> {
    let mut lexer = Lexer::new(text, 0);
    let mut kinds = Vec::new();
    let mut end = 0;
    loop {
        let token = lexer.next_token();
        assert!(token.start >= end && token.end >= token.start, "{text}: {token:?}");
        assert!(
            text.is_char_boundary(token.start as usize) && text.is_char_boundary(token.end as usize),
            "{text}"
        );
        end = token.end;
        if token.kind == End {
            assert_eq!(end as usize, text.len());
            return kinds;
        }
        kinds.push(token.kind);
    }
}

#[test]
fn the_longest_token_wins() {
    for (text, expected) in [
        ("FORx for", &[Identifier, For][..]),
        ("1..5", &[Integer, Range, Integer]),
        ("1...5", &[Integer, Range, Double]),
        ("1.5.5", &[Double, Double]),
        ("a.b.c", &[Identifier, Dot, Identifier, Dot, Identifier]),
        (
            "1e5 1e 1e+ 1e+5 .5e-1",
            &[Double, Integer, Identifier, Integer, Identifier, Plus, Double, Double],
        ),
        (
            "0x1F 0xg 0b12 0 01",
            &[
                Integer, Integer, Identifier, Integer, Integer, Integer, Integer, Integer,
            ],
        ),
        (
            "=~ !~ == != >= <= = > < !",
            &[Matches, NotMatches, Eq, Ne, Ge, Le, Assign, Gt, Lt, Not],
        ),
        ("&& || & |", &[And, Or, Stray, Stray]),
        ("::: :", &[Scope, Colon, Colon]),
    ] {
        assert_eq!(kinds(text), expected, "{text}");
    }
}

#[test]
fn a_name_needs_a_letter_before_any_digit() {
    for name in ["a", "a1", "_x", "__a1", "$a", "a_", "_a0__"] {
        assert_eq!(kinds(name), [Identifier], "{name}");
    }
    for name in ["_", "__", "_1", "__0a", "$", "$_a", "$1", "a$"] {
        assert!(kinds(name).contains(&Stray), "{name}");
    }
    for name in ["@a", "@1", "@_x", "@__1"] {
        assert_eq!(kinds(name), [Parameter], "{name}");
        assert_eq!(kinds(&format!("@{name}")), [SourceParameter], "{name}");
    }
    for name in ["@", "@@", "@_", "@@_", "@ a", "@@@a"] {
        assert!(kinds(name).contains(&Stray), "{name}");
    }
}

#[test]
fn only_ascii_blanks_part_tokens() {
    assert_eq!(kinds("a \t\r\nb"), [Identifier, Identifier]);
    for blank in ["\u{b}", "\u{c}", "\u{1}"] {
        assert_eq!(kinds(&format!("a{blank}b")), [Identifier, Stray, Identifier]);
    }
    for blank in ["\u{a0}", "\u{2028}", "\u{feff}", "é"] {
        assert_eq!(kinds(&format!("a{blank}b")), [Identifier, NonAscii, Identifier]);
    }
    assert_eq!(kinds("a\0b"), [Identifier, Nul, Identifier]);
}

#[test]
fn comments_end_at_line_feed_or_at_the_first_star_slash() {
    assert_eq!(kinds("a // b\rc\nd"), [Identifier, Identifier]);
    assert_eq!(kinds("a /* /* */ b */"), [Identifier, Identifier, Times, Div]);
    assert_eq!(kinds("a /**/ b /***/ c // end"), [Identifier, Identifier, Identifier]);
    assert_eq!(kinds("/*/ a"), [UnterminatedComment]);
    assert_eq!(kinds("\"/*\" a \"*/\""), [String, Identifier, String]);
    assert_eq!(
        kinds("a -- b # c"),
        [Identifier, Minus, Minus, Identifier, Stray, Identifier]
    );
}

#[test]
fn quotes_hold_anything_up_to_their_like() {
    assert_eq!(
        kinds(r#""a\"b" 'a"b' 'a\\' `a\`b` ´a`b´"#),
        [String, String, String, QuotedIdentifier, QuotedIdentifier]
    );
    assert_eq!(kinds("\"é\0\n\""), [String]);
    assert_eq!(kinds("´a\\´b´"), [QuotedIdentifier]);
    for (text, kind) in [
        ("\"a", UnterminatedString),
        ("'a\\'", UnterminatedString),
        ("`a", UnterminatedName),
        ("´a`", UnterminatedName),
    ] {
        assert_eq!(kinds(text), [kind], "{text}");
    }
}

#[test]
fn two_word_tokens_allow_blanks_between_and_nothing_else() {
    assert_eq!(kinds("NOT IN not\n\tin !IN ! in"), [NotIn, NotIn, NotIn, NotIn]);
    assert_eq!(kinds("NOT/**/IN"), [Not, In]);
    assert_eq!(
        kinds("NOT in_time NOT IN1 !instance NOT IN$a"),
        [Not, Identifier, Not, Identifier, Not, Identifier, Not, In, Identifier,]
    );
    assert_eq!(kinds("3 NOT IN[1]"), [Integer, NotIn, ArrayOpen, Integer, ArrayClose]);
    assert_eq!(kinds("NOTIN NOT INé"), [Identifier, Not, In, NonAscii]);
    assert_eq!(
        kinds("AT LEAST at\nleast AT/**/LEAST ATLEAST AT leastx at"),
        [
            AtLeast, AtLeast, Identifier, Identifier, Identifier, Identifier, Identifier, Identifier,
        ]
    );
}
