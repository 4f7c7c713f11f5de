//! Trees to text: one canonical spelling, with the fewest parentheses that keep the tree.
//!
//! INVARIANT: parsing what is printed gives the same tree, spans aside; so a query can be sent on from its tree. It holds
//! for trees that the parser made: some that can be built by hand have no text (an expansion whose element expands a part
//! of itself by two stars).

mod expression;
mod statement;

use std::fmt::{self, Display, Formatter, Write};

use super::ast::{Bind, Expr, Query, VarId, Variable, VariableKind};
use super::token::keyword;

impl Display for Query<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Printer::new(self, f).query()
    }
}

impl<'q> Query<'q> {
    /// An expression of this query as text.
    pub fn expression<'a>(&'a self, expr: &'a Expr<'q>) -> impl Display + 'a {
        fmt::from_fn(move |f| Printer::new(self, f).expression(expr))
    }
}

/// Whether `name` is an identifier that needs no quotes.
pub(super) fn is_plain(name: &str) -> bool {
    let bytes = name.as_bytes();
    let head = match bytes {
        [b'$', rest @ ..] => rest,
        [b'_', ..] => &bytes[bytes.iter().position(|&b| b != b'_').unwrap_or(bytes.len())..],
        _ => bytes,
    };
    head.first().is_some_and(u8::is_ascii_alphabetic)
        && head.iter().all(|&b| b.is_ascii_alphanumeric() || b == b'_')
        && keyword(bytes).is_none()
}

/// Writes a name, in backticks where it needs them.
pub(super) fn write_name(out: &mut impl Write, name: &str) -> fmt::Result {
    if is_plain(name) {
        out.write_str(name)
    } else {
        write_quoted(out, name, '`')
    }
}

/// Writes a text between quotes, so that the scanner reads it back.
pub(super) fn write_quoted(out: &mut impl Write, text: &str, quote: char) -> fmt::Result {
    out.write_char(quote)?;
    for c in text.chars() {
        match c {
            '\n' => out.write_str("\\n")?,
            '\r' => out.write_str("\\r")?,
            '\t' => out.write_str("\\t")?,
            '\\' => out.write_str("\\\\")?,
            c if c == quote => write!(out, "\\{c}")?,
            c if c.is_control() => write!(out, "\\u{:04x}", c as u32)?,
            c => out.write_char(c)?,
        }
    }
    out.write_char(quote)
}

fn is_pseudo(variable: &Variable) -> bool {
    matches!(
        variable.kind,
        VariableKind::Old | VariableKind::New | VariableKind::Current
    )
}

/// A printing in progress.
struct Printer<'a, 'q, 'f> {
    query: &'a Query<'q>,
    out: &'a mut Formatter<'f>,
    /// Whether the query has variables of its own called `OLD`, `NEW` or `CURRENT`; found out once it matters.
    shadows: Option<bool>,
}

impl<'a, 'q, 'f> Printer<'a, 'q, 'f> {
    fn new(query: &'a Query<'q>, out: &'a mut Formatter<'f>) -> Self {
        let shadows = None;
        Self { query, out, shadows }
    }

    fn text(&mut self, text: &str) -> fmt::Result {
        self.out.write_str(text)
    }

    fn name(&mut self, name: &str) -> fmt::Result {
        write_name(self.out, name)
    }

    fn bind(&mut self, bind: &Bind) -> fmt::Result {
        write!(self.out, "@{}", bind.key)
    }

    /// A variable by its name. `OLD`, `NEW` and `CURRENT` have a second one, for where the query uses the first itself.
    fn variable(&mut self, id: VarId) -> fmt::Result {
        let Some(variable) = self.query.variables.get(id.index()) else {
            return Err(fmt::Error);
        };
        if is_pseudo(variable) {
            let mut variables = self.query.variables.iter();
            let shadows = *self.shadows.get_or_insert_with(|| {
                variables.any(|other| !is_pseudo(other) && matches!(&*other.name.text, "OLD" | "NEW" | "CURRENT"))
            });
            if shadows {
                self.text("$")?;
            }
            return self.text(&variable.name.text);
        }
        self.name(&variable.name.text)
    }

    /// Prints items with a separator between.
    fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut each: impl FnMut(&mut Self, T) -> fmt::Result,
    ) -> fmt::Result {
        for (at, item) in items.into_iter().enumerate() {
            if at > 0 {
                self.text(", ")?;
            }
            each(self, item)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
