//! Showing people a place in a query: line and column, the source line, the span underlined.
//!
//! INVARIANT: what is rendered of a text is bounded (one line, clipped) and holds no control character of it, so that a
//! hostile query cannot flood or rewrite a log or a terminal.

use std::borrow::Cow;
use std::fmt;

use super::ast::Span;

/// A place in a text; both counts begin at 1, columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Position {
    /// The position of a byte offset; an offset past the end counts as the end.
    pub fn of(text: &str, offset: u32) -> Self {
        let before = before(text, offset);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            line: 1 + before.matches('\n').count(),
            column: 1 + before[line_start..].chars().count(),
        }
    }
}

/// The part of `text` before a byte offset, cut back to a whole character.
fn before(text: &str, offset: u32) -> &str {
    let mut at = (offset as usize).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    &text[..at]
}

/// Most characters shown of a source line.
const WIDTH: usize = 100;
/// Of these, how many before the span when the line is clipped.
const LEAD: usize = 40;

/// The longest message, in characters, and how many of them are kept at its end when it is cut.
const MESSAGE: usize = 280;
const MESSAGE_END: usize = 100;

/// A message without its middle where it is too long, for then it quotes a long name: its first and last words tell what
/// is wrong with it.
pub(crate) fn shortened(message: Cow<'_, str>) -> Cow<'_, str> {
    if message.len() <= MESSAGE || message.chars().nth(MESSAGE).is_none() {
        return message;
    }
    let head: String = message.chars().take(MESSAGE - MESSAGE_END - 1).collect();
    let tail = message.char_indices().rev().nth(MESSAGE_END - 1);
    Cow::Owned(format!("{head}…{}", &message[tail.map_or(0, |(at, _)| at)..]))
}

/// A code frame: what is wrong and where, with the source line.
///
/// ```text
/// error[attribute-hidden]: `email` of `users` is hidden
///  --> query:2:12
///   |
/// 2 |   RETURN u.email
///   |            ^^^^^
///   = hint: …
/// ```
#[derive(Clone, Debug)]
pub struct Frame<'a> {
    rule: &'a str,
    message: &'a str,
    text: &'a str,
    span: Span,
    origin: &'a str,
    label: Option<&'a str>,
    hints: Vec<String>,
}

impl<'a> Frame<'a> {
    /// A frame for `span` of `text`.
    pub fn new(rule: &'a str, message: &'a str, text: &'a str, span: Span) -> Self {
        Self {
            rule,
            message,
            text,
            span,
            origin: "query",
            label: None,
            hints: Vec::new(),
        }
    }

    /// Names the text, as a file's name.
    #[must_use]
    pub fn origin(mut self, origin: &'a str) -> Self {
        self.origin = origin;
        self
    }

    /// A few words beside the underline.
    #[must_use]
    pub fn label(mut self, label: &'a str) -> Self {
        self.label = Some(label);
        self
    }

    /// Adds a line on what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl fmt::Display for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let position = Position::of(self.text, self.span.start);
        let excerpt = Excerpt::of(self.text, self.span);
        let gutter = position.line.to_string().len();
        let message = shortened(Cow::Borrowed(self.message));
        writeln!(f, "error[{}]: {}", self.rule, Printable(&message))?;
        writeln!(
            f,
            "{:gutter$}--> {}:{}:{}",
            "", self.origin, position.line, position.column
        )?;
        writeln!(f, "{:gutter$} |", "")?;
        writeln!(f, "{} | {}", position.line, excerpt.line)?;
        write!(
            f,
            "{:gutter$} | {:indent$}{}",
            "",
            "",
            "^".repeat(excerpt.length),
            indent = excerpt.indent
        )?;
        if let Some(label) = self.label {
            write!(f, " {label}")?;
        }
        for hint in &self.hints {
            let hint = shortened(Cow::Borrowed(hint));
            write!(f, "\n{:gutter$} = hint: {}", "", Printable(&hint))?;
        }
        Ok(())
    }
}

/// One source line around a span, ready to print.
struct Excerpt {
    line: String,
    indent: usize,
    length: usize,
}

impl Excerpt {
    fn of(text: &str, span: Span) -> Self {
        let start = before(text, span.start).len();
        let end = before(text, span.end).len().max(start);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let lead = text[line_start..start].chars().count();
        let marked = text[start..end.min(line_end).max(start)].chars().count();
        let rest = text[start..line_end].chars().count();
        let skipped = if lead + rest > WIDTH {
            lead.saturating_sub(LEAD)
        } else {
            0
        };
        let mut line = String::new();
        if skipped > 0 {
            line.push('…');
        }
        let mut shown = text[line_start..line_end].chars().skip(skipped);
        line.extend(shown.by_ref().take(WIDTH).map(printable));
        if shown.next().is_some() {
            line.push('…');
        }
        let indent = lead - skipped + usize::from(skipped > 0);
        Self {
            line,
            indent,
            length: marked.min(WIDTH.saturating_sub(lead - skipped)).max(1),
        }
    }
}

/// A text without control characters.
pub(crate) struct Printable<'a>(pub(crate) &'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| fmt::Write::write_char(f, printable(c)))
    }
}

fn printable(c: char) -> char {
    match c {
        '\t' | '\r' | '\n' => ' ',
        // Right-to-left overrides and their kin would show another text than the one that was judged.
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: u32, end: u32) -> Span {
        Span { start, end }
    }

    #[test]
    fn a_frame_shows_the_line_and_underlines_the_span() {
        let text = "FOR u IN users\n  RETURN u.email\n";
        let frame = Frame::new("attribute-hidden", "`email` of `users` is hidden", text, span(26, 31))
            .origin("q.aql")
            .label("hidden")
            .hint("leave it out");
        insta::assert_snapshot!(frame.to_string(), @r"
        error[attribute-hidden]: `email` of `users` is hidden
         --> q.aql:2:12
          |
        2 |   RETURN u.email
          |            ^^^^^ hidden
          = hint: leave it out
        ");
    }

    #[test]
    fn a_span_at_the_end_or_over_lines_gets_a_mark_on_its_first_line() {
        assert!(
            Frame::new("r", "m", "RETURN", span(6, 6))
                .to_string()
                .ends_with("1 | RETURN\n  |       ^")
        );
        assert!(
            Frame::new("r", "m", "a\nbc", span(0, 4))
                .to_string()
                .ends_with("1 | a\n  | ^")
        );
        assert!(
            Frame::new("r", "m", "", span(7, 9))
                .to_string()
                .ends_with("1 | \n  | ^")
        );
    }

    #[test]
    fn a_long_line_is_clipped_and_control_characters_are_replaced() {
        let text = format!("{}\u{1b}[31mX{}", "a".repeat(5000), "b".repeat(5000));
        let shown = Frame::new("r", "m", &text, span(5005, 5006)).to_string();
        assert!(shown.len() < 600, "{shown}");
        assert!(!shown.contains('\u{1b}'));
        let lines: Vec<&str> = shown.lines().collect();
        let marked = lines[4].chars().position(|c| c == '^').unwrap();
        assert_eq!(lines[3].chars().nth(marked), Some('X'));
    }

    #[test]
    fn a_message_about_a_long_name_keeps_its_first_and_last_words() {
        let long = |name: &str| format!("there is no variable `{name}` that `RETURN` could see");
        for name in ["x".repeat(5000), "ä´".repeat(3000)] {
            let whole = long(&name);
            let message = shortened(Cow::Borrowed(&whole));
            assert_eq!(message.chars().count(), MESSAGE);
            assert!(message.starts_with("there is no variable `"), "{message}");
            assert!(message.ends_with("` that `RETURN` could see"), "{message}");
            let frame = Frame::new("r", &whole, &name, span(0, 9000)).hint(long(&name));
            assert!(frame.to_string().len() < 3000);
        }
        let fits = "ä".repeat(MESSAGE);
        assert_eq!(shortened(Cow::Borrowed(&fits)), fits);
    }

    #[test]
    fn positions_count_characters_from_one() {
        assert_eq!(Position::of("ä\nöx", 5), Position { line: 2, column: 2 });
        assert_eq!(Position::of("", 9), Position { line: 1, column: 1 });
    }
}
