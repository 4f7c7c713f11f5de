//! What is wrong with a schema set, written for the person who has to put it right.

use std::fmt;

use super::json::{Problem, Span};

/// Everything that is wrong with a schema set; never empty. `Display` gives every fault as a diagnostic with its source line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Faults(pub Vec<Fault>);

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file, as its path was given.
    pub file: String,
    /// Where in the file; `None`: the file as a whole.
    pub place: Option<Place>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Length in characters, within the line; at least 1.
    pub length: usize,
    /// The text of the line.
    pub text: String,
}

/// A file of the set.
#[derive(Debug)]
pub(super) struct Source {
    /// Path below the set's directory, with `/`.
    pub(super) name: String,
    /// The path to show.
    pub(super) shown: String,
    pub(super) text: String,
}

/// Collects the faults of one file.
pub(super) struct Report<'a> {
    pub(super) source: &'a Source,
    pub(super) faults: Vec<Fault>,
}

impl Source {
    fn place(&self, at: Span) -> Place {
        let start = floor(&self.text, at.start);
        let end = floor(&self.text, at.end).max(start);
        let line_start = self.text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = self.text[start..]
            .find('\n')
            .map_or(self.text.len(), |newline| start + newline);
        Place {
            line: self.text[..start].matches('\n').count() + 1,
            column: self.text[line_start..start].chars().count() + 1,
            length: self.text[start..end.min(line_end).max(start)].chars().count().max(1),
            text: self.text[line_start..line_end].trim_end_matches('\r').to_owned(),
        }
    }

    pub(super) fn fault(&self, at: Span, message: impl Into<String>, hint: Option<String>) -> Fault {
        Fault {
            file: self.shown.clone(),
            place: Some(self.place(at)),
            message: message.into(),
            hint,
        }
    }
}

fn floor(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl<'a> Report<'a> {
    pub(super) fn new(source: &'a Source) -> Self {
        Self {
            source,
            faults: Vec::new(),
        }
    }

    pub(super) fn say(&mut self, at: Span, message: impl Into<String>) {
        self.faults.push(self.source.fault(at, message, None));
    }

    pub(super) fn hint(&mut self, at: Span, message: impl Into<String>, hint: impl Into<String>) {
        self.faults.push(self.source.fault(at, message, Some(hint.into())));
    }

    /// Whether one of the faults from this one on stands at or within a place.
    pub(super) fn has_fault_in(&self, at: Span, from: usize) -> bool {
        let at_line = |place: &Place| (place.line, place.column);
        let start = at_line(&self.source.place(at));
        let end = at_line(&self.source.place(Span {
            start: at.end,
            end: at.end,
        }));
        self.faults
            .iter()
            .skip(from)
            .filter_map(|fault| fault.place.as_ref())
            .any(|place| start <= at_line(place) && at_line(place) < end.max((start.0, start.1 + 1)))
    }

    /// Reports a word that is none of the known ones, with the nearest of them.
    pub(super) fn unknown(&mut self, at: Span, what: &str, word: &str, known: &[&str]) {
        let hint = match nearest(word, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => "there is none".to_owned(),
            None => format!("known: {}", quoted(known.iter().copied())),
        };
        self.hint(at, format!("unknown {what} `{word}`"), hint);
    }

    pub(super) fn problem(&mut self, problem: Problem) {
        self.faults
            .push(self.source.fault(problem.at, problem.message, problem.hint));
    }
}

/// The known word that was probably meant.
pub(super) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let plain = |text: &str| text.to_lowercase().replace(['-', '_', ' '], "");
    let wanted = plain(word);
    let allowed = (wanted.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &plain(candidate)), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Names in backticks, with commas.
pub(super) fn quoted<'k>(names: impl IntoIterator<Item = &'k str>) -> String {
    names
        .into_iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

impl fmt::Display for Faults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(formatter)?;
            }
            write!(formatter, "{fault}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "error: {}", self.message)?;
        let Some(place) = &self.place else {
            writeln!(formatter, "  --> {}", self.file)?;
            if let Some(hint) = &self.hint {
                writeln!(formatter, "  = help: {hint}")?;
            }
            return Ok(());
        };
        let number = place.line.to_string();
        let gutter = " ".repeat(number.len());
        writeln!(formatter, "{gutter}--> {}:{}:{}", self.file, place.line, place.column)?;
        writeln!(formatter, "{gutter} |")?;
        writeln!(formatter, "{number} | {}", place.text)?;
        // A tab before the mark stays a tab, so that the mark stands under what it marks.
        let indent: String = place
            .text
            .chars()
            .take(place.column - 1)
            .map(|char| if char == '\t' { '\t' } else { ' ' })
            .collect();
        writeln!(formatter, "{gutter} | {indent}{}", "^".repeat(place.length))?;
        if let Some(hint) = &self.hint {
            writeln!(formatter, "{gutter} = help: {hint}")?;
        }
        Ok(())
    }
}

impl Fault {
    /// The fault on one line, for a log: `file:line:column: message (hint)`.
    pub fn line(&self) -> String {
        let place = self
            .place
            .as_ref()
            .map_or_else(String::new, |place| format!(":{}:{}", place.line, place.column));
        let hint = self.hint.as_ref().map_or_else(String::new, |hint| format!(" ({hint})"));
        format!("{}{place}: {}{hint}", self.file, self.message)
    }
}
