//! Properties of the parser over generated queries and over mutilated ones: printing and parsing are inverse, nothing
//! panics, and what is refused is refused with a place in the text.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot set itself up has failed"
)]

use mallku_db::aql::{self, ParseLimits};
use proptest::prelude::*;

/// Writes queries from a list of choices; when the choices run out, the shortest one is taken.
struct Writer<'c> {
    choices: &'c [u8],
    text: String,
    depth: u32,
    names: u32,
}

impl Writer<'_> {
    fn pick(&mut self, of: u8) -> u8 {
        let Some((first, rest)) = self.choices.split_first() else {
            return 0;
        };
        self.choices = rest;
        first % of
    }

    fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn words(&mut self, words: &[&str]) {
        let at = self.pick(u8::try_from(words.len()).unwrap());
        self.put(words[usize::from(at)]);
    }

    fn fresh(&mut self) -> String {
        self.names += 1;
        format!("v{}", self.names)
    }

    fn list(&mut self, most: u8, mut each: impl FnMut(&mut Self)) {
        for at in 0..=self.pick(most) {
            if at > 0 {
                self.put(", ");
            }
            each(self);
        }
    }

    fn expression(&mut self) {
        self.depth += 1;
        if self.depth > 12 {
            self.put("x");
        } else {
            match self.pick(16) {
                0..=3 => self.reference(),
                4 => self.words(&["1", "1.5", "'a'", "null", "true", "0x1f", "1e400", "\"\\u00e4\\n\""]),
                5..=7 => {
                    self.expression();
                    self.words(&[
                        " + ",
                        " - ",
                        " * ",
                        " / ",
                        " % ",
                        " == ",
                        " != ",
                        " < ",
                        " <= ",
                        " > ",
                        " >= ",
                        " IN ",
                        " NOT IN ",
                        " LIKE ",
                        " NOT LIKE ",
                        " =~ ",
                        " !~ ",
                        " NOT =~ ",
                        " NOT !~ ",
                        " AND ",
                        " || ",
                        "..",
                    ]);
                    self.expression();
                }
                8 => {
                    self.words(&["-", "+", "!", "NOT "]);
                    self.expression();
                }
                9 => {
                    self.expression();
                    self.put(" ? ");
                    if self.pick(2) == 0 {
                        self.expression();
                    }
                    self.put(" : ");
                    self.expression();
                }
                10 => {
                    self.expression();
                    self.words(&[" ALL ", " ANY ", " NONE ", " AT LEAST (1) "]);
                    self.words(&["== ", "IN ", "NOT IN ", "< ", "LIKE ", "NOT LIKE ", "=~ ", "!~ "]);
                    self.reference();
                }
                _ => {
                    self.put("(");
                    self.expression();
                    self.put(")");
                }
            }
        }
        self.depth -= 1;
    }

    fn reference(&mut self) {
        match self.pick(9) {
            0..=2 => self.words(&["x", "y", "`a b`", "@p", "@@s", "$z"]),
            3 => {
                self.put("[");
                self.list(3, |writer| {
                    writer.words(&["", "", "..."]);
                    writer.expression();
                });
                self.put("]");
            }
            4 => {
                self.put("{");
                self.list(3, |writer| {
                    writer.words(&["a: ", "'b c': ", "@k: ", "[1 + 2]: ", "..."]);
                    writer.expression();
                });
                self.put("}");
            }
            5 => {
                self.put("CONCAT(");
                self.list(3, Self::expression);
                self.put(")");
            }
            6 => {
                self.put("(");
                self.query();
                self.put(")");
            }
            _ => {
                self.put("(");
                self.expression();
                self.put(")");
            }
        }
        for _ in 0..self.pick(4) {
            match self.pick(6) {
                0 => self.words(&[".a", ".`b c`", ".@p"]),
                1 => {
                    self.put("[");
                    self.expression();
                    self.put("]");
                }
                2 => self.words(&["[*]", "[**]", "[?]", "[??]"]),
                3 => {
                    self.words(&[
                        "[* FILTER ",
                        "[** FILTER ",
                        "[? FILTER ",
                        "[? ALL FILTER ",
                        "[? 1..2 FILTER ",
                    ]);
                    self.put("CURRENT == ");
                    self.expression();
                    self.put("]");
                }
                4 => {
                    self.put("[* LIMIT 1, 2 RETURN ");
                    self.expression();
                    self.put("]");
                    // Nothing may follow a projection.
                    return;
                }
                _ => self.put(".c"),
            }
        }
    }

    fn query(&mut self) {
        self.depth += 1;
        for _ in 0..self.pick(4) {
            if self.depth > 8 {
                break;
            }
            self.statement();
            self.put(" ");
        }
        self.put("RETURN ");
        self.expression();
        self.depth -= 1;
    }

    fn statement(&mut self) {
        let name = self.fresh();
        match self.pick(11) {
            0 | 1 => {
                self.put(&format!("FOR {name} IN "));
                self.reference();
            }
            2 => {
                let (edge, prune) = (self.fresh(), self.fresh());
                self.put(&format!("FOR {name}, {edge} IN "));
                self.words(&["", "1..2 ", "@d "]);
                self.words(&["OUTBOUND ", "INBOUND "]);
                self.reference();
                self.words(&[" GRAPH 'g'", " e1, INBOUND e2", " @@e"]);
                if self.pick(2) == 0 {
                    self.put(&format!(" PRUNE {prune} = {name}.x"));
                }
            }
            3 => {
                self.put(&format!("LET [{name}, , {name}_2] = "));
                self.expression();
            }
            4 => {
                self.put(&format!("LET {{a: {name}, b: {{c: {name}_2}}}} = "));
                self.expression();
            }
            5 => {
                self.put("FILTER ");
                self.expression();
            }
            6 => {
                self.put("SORT ");
                self.list(2, |writer| {
                    writer.expression();
                    writer.words(&["", " ASC", " DESC", " @d"]);
                });
            }
            7 => self.words(&["LIMIT 1", "LIMIT @a, @b"]),
            8 => {
                self.put(&format!("COLLECT {name} = "));
                self.expression();
                self.words(&["", " OPTIONS {method: 'hash'}"]);
            }
            9 => {
                self.put(&format!("COLLECT AGGREGATE {name} = MAX("));
                self.expression();
                self.put(&format!(") INTO {name}_g"));
            }
            _ => {
                self.words(&["INSERT (", "REMOVE (", "UPDATE ("]);
                self.expression();
                self.put(") IN ");
                self.words(&["c", "'c'", "@@c"]);
                self.words(&["", " OPTIONS {exclusive: true}"]);
            }
        }
    }
}

fn written(choices: &[u8]) -> String {
    let mut writer = Writer {
        choices,
        text: String::new(),
        depth: 0,
        names: 0,
    };
    writer.query();
    writer.text
}

/// The tree without its spans.
fn tree(query: &aql::ast::Query) -> String {
    let text = format!("{query:?}");
    let mut parts = text.split("Span { start: ");
    let mut tree = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        tree.push_str(part.split_once('}').map_or(part, |(_, rest)| rest));
    }
    tree
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn printing_and_parsing_are_inverse(choices in prop::collection::vec(any::<u8>(), 0..200)) {
        let text = written(&choices);
        let Ok(query) = aql::parse(&text) else { return Ok(()) };
        let printed = query.to_string();
        let again = aql::parse(&printed).map_err(|error| TestCaseError::fail(error.render(&printed, &text)))?;
        prop_assert_eq!(tree(&query), tree(&again), "{}\n{}", text, printed);
    }

    #[test]
    fn a_cut_or_spoilt_query_is_parsed_or_refused_at_a_place_in_it(
        choices in prop::collection::vec(any::<u8>(), 0..120),
        at in any::<prop::sample::Index>(),
        spoil in "[\\x00-\\x7f´é]{0,3}",
    ) {
        let mut text = written(&choices);
        let at = at.index(text.len() + 1);
        if text.is_char_boundary(at) {
            text.insert_str(at, &spoil);
        }
        for text in [&text[..], text.get(..at).unwrap_or_default(), text.get(at..).unwrap_or_default()] {
            if let Err(error) = aql::parse(text) {
                prop_assert!(error.span.start <= error.span.end && error.span.end as usize <= text.len());
                prop_assert!(text.is_char_boundary(error.span.start as usize));
                prop_assert!(text.is_char_boundary(error.span.end as usize));
                let _ = (error.render(text, "query"), error.arangodb_message(text));
            }
        }
    }

    #[test]
    fn spans_hold_what_they_tell_of(choices in prop::collection::vec(any::<u8>(), 0..120)) {
        let text = written(&choices);
        let limits = ParseLimits::default();
        if let Ok((query, form)) = aql::normalise(&text, &limits) {
            prop_assert_eq!(query.body.span.end as usize, text.len());
            let (_, again) = aql::normalise(&format!(" {text}\n"), &limits).map_err(|error| TestCaseError::fail(error.message))?;
            prop_assert_eq!(form, again);
        }
    }
}

#[test]
fn most_generated_queries_are_queries() {
    let mut parsed = 0;
    for seed in 0..200_u32 {
        let choices: Vec<u8> = (0..150_u32)
            .map(|at| (seed.wrapping_mul(2_654_435_761).rotate_left(at % 31) >> (at % 7)).to_le_bytes()[0])
            .collect();
        parsed += u32::from(aql::parse(&written(&choices)).is_ok());
    }
    assert!(parsed > 120, "{parsed} of 200");
}
