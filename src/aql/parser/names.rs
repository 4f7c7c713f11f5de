//! Names: reading, declaring and resolving them.

use super::super::ast::{Bind, ExprKind, Name, SourceRef, Span, VarId, Variable, VariableKind};
use super::super::error::{SyntaxError, num};
use super::super::literal::{self, LiteralError};
use super::super::token::{Kind, Token};
use super::{Mark, Marks, Parsed, Parser, Written, error};
use std::borrow::Cow;

/// Pseudo variables and the names ArangoDB has for them within.
const OLD: [&str; 2] = ["OLD", "$OLD"];
const NEW: [&str; 2] = ["NEW", "$NEW"];
const CURRENT: [&str; 2] = ["CURRENT", "$CURRENT"];

impl<'q> Parser<'q> {
    /// Takes an identifier, quoted or not.
    pub(super) fn name(&mut self) -> Parsed<Name<'q>> {
        if !self.token.kind.is_name() {
            return Err(self.unexpected(&["a name"]));
        }
        let token = self.bump();
        self.decoded_name(token)
    }

    /// The name that an identifier token spells.
    #[inline]
    pub(super) fn decoded_name(&self, token: Token) -> Parsed<Name<'q>> {
        let span = token.span();
        let raw = self.slice(span);
        let text = if token.kind == Kind::Identifier {
            Cow::Borrowed(raw)
        } else {
            value(literal::quoted_name(raw), span)?
        };
        Ok(Name { text, span })
    }

    /// Takes a string that stands for a name.
    pub(super) fn string_name(&mut self) -> Parsed<Name<'q>> {
        self.mark(Mark::Key);
        let span = self.bump().span();
        Ok(Name {
            text: self.string_value(span)?,
            span,
        })
    }

    pub(super) fn string_value(&self, span: Span) -> Parsed<Cow<'q, str>> {
        value(literal::string(self.slice(span)), span)
    }

    /// Whether the token at hand is this word, which is reserved nowhere; quoting it changes nothing.
    pub(super) fn at_word(&self, word: &str) -> bool {
        self.token.kind.is_name()
            && self
                .decoded_name(self.token)
                .is_ok_and(|name| name.text.eq_ignore_ascii_case(word))
    }

    /// Takes that word.
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let found = self.at_word(word);
        if found {
            self.mark(Mark::Word);
            self.bump();
        }
        found
    }

    /// The error for a name where only one of `words` may stand.
    pub(super) fn unexpected_word(&self, words: &'static [&'static str], wording: &str) -> Box<SyntaxError> {
        let found = self.decoded_name(self.token).map(|name| name.text).unwrap_or_default();
        self.unexpected(words)
            .worded(format!("unexpected qualifier '{found}', expecting {wording}"))
    }

    /// Takes the bind parameter at hand.
    pub(super) fn bind(&mut self) -> Bind<'q> {
        let span = self.bump().span();
        Bind {
            key: Cow::Borrowed(self.slice(Span {
                start: span.start + 1,
                end: span.end,
            })),
            span,
        }
    }

    /// A bare collection name in a place where nothing else can stand.
    pub(super) fn source_name(name: Name<'q>) -> Parsed<SourceRef<'q>> {
        check_source(&name)?;
        Ok(SourceRef::Name(name))
    }

    /// Declares a variable that the query names.
    pub(super) fn declare(&mut self, name: Name<'q>, kind: VariableKind) -> Parsed<VarId> {
        check_variable(&name)?;
        if self.scopes.find(&name.text, &self.variables).is_some() {
            let message = format!("variable `{}` is declared already", name.text);
            let wording = format!("variable '{}' is assigned multiple times", name.text);
            return Err(SyntaxError::new(name.span, num::VARIABLE_REDECLARED, message)
                .worded(wording)
                .without_position()
                .suggesting("choose another name: AQL has no shadowing"));
        }
        let id = self.new_variable(name, kind)?;
        self.scopes.declare(id, &self.variables);
        Ok(id)
    }

    /// A variable that no scope shows yet.
    pub(super) fn new_variable(&mut self, name: Name<'q>, kind: VariableKind) -> Parsed<VarId> {
        let id = u32::try_from(self.variables.len())
            .map_err(|_| self.too_deep("the query has too many variables".to_owned()))?;
        self.variables.push(Variable { name, kind });
        self.marks.push(Marks::default());
        Ok(VarId(id))
    }

    /// `OLD`, `NEW` or `CURRENT`, brought into being by the construct at `span`.
    pub(super) fn pseudo_variable(&mut self, kind: VariableKind, span: Span) -> Parsed<VarId> {
        let text = match kind {
            VariableKind::Old => OLD[0],
            VariableKind::New => NEW[0],
            _ => CURRENT[0],
        };
        self.new_variable(
            Name {
                text: Cow::Borrowed(text),
                span,
            },
            kind,
        )
    }

    /// What a name in an expression stands for, by the rule of `grammar.y`'s `reference`: a visible variable, then a
    /// pseudo variable, then a collection or view.
    pub(super) fn resolve(&mut self, name: Name<'q>, token: Token) -> Parsed<ExprKind<'q>> {
        if let Some(id) = self.variable(&name)? {
            return Ok(ExprKind::Variable(id));
        }
        let text = &*name.text;
        if CURRENT.contains(&text)
            && let Some(&id) = self.scopes.currents.last()
        {
            return Ok(ExprKind::Variable(id));
        }
        if token.kind == Kind::Identifier && (OLD.contains(&text) || NEW.contains(&text) || CURRENT.contains(&text)) {
            return Err(out_of_place(&name));
        }
        check_source(&name)?;
        self.read(name)
    }

    /// A collection or view in an expression.
    pub(super) fn read(&self, name: Name<'q>) -> Parsed<ExprKind<'q>> {
        if !self.written.is_empty() {
            self.refuse_written(&Written::Name(name.text.clone()), name.span)?;
        }
        Ok(ExprKind::Source(name))
    }

    /// The variable or modification result of that name.
    pub(super) fn variable(&mut self, name: &Name<'q>) -> Parsed<Option<VarId>> {
        let text = &*name.text;
        if let Some(id) = self.scopes.find(text, &self.variables) {
            if self.marks[id.index()].pending {
                let message = format!("`{text}` is made by this very statement, whose expressions cannot use it");
                let wording = format!("use of COLLECT variable '{text}' inside same COLLECT");
                return Err(SyntaxError::new(name.span, num::VARIABLE_NAME_UNKNOWN, message).worded(wording));
            }
            return Ok(Some(id));
        }
        if OLD.contains(&text) {
            return Ok(self.scopes.old);
        }
        if NEW.contains(&text) {
            return Ok(self.scopes.new);
        }
        Ok(None)
    }
}

/// Refuses names by which ArangoDB's own temporaries and pseudo variables could be reached, and what it refuses itself:
/// underscores with nothing or a digit after them (`tests/js/client/aql/aql-parse.js`).
fn check_variable(name: &Name) -> Parsed<()> {
    let reserved = [OLD[1], NEW[1], CURRENT[1]].contains(&&*name.text);
    let first = name.text.bytes().find(|&b| b != b'_');
    if reserved || first.is_none_or(|b| b.is_ascii_digit()) {
        let wording = format!("variable name '{}' has an invalid format", name.text);
        let message = format!("`{}` cannot be a variable's name", name.text);
        return Err(SyntaxError::new(name.span, num::VARIABLE_NAME_INVALID, message)
            .worded(wording)
            .without_position());
    }
    Ok(())
}

/// A pseudo variable where nothing brings it into being. ArangoDB then looks for a collection of that name; quoting
/// it says that one is meant.
fn out_of_place(name: &Name) -> Box<SyntaxError> {
    let text = &*name.text;
    let place = if CURRENT.contains(&text) {
        "`CURRENT` exists only within `[* ]`, `[? ]` and `UPSERT FILTER`"
    } else if NEW.contains(&text) {
        "`NEW` exists only after `INSERT`, `UPDATE`, `REPLACE` or `UPSERT`"
    } else {
        "`OLD` exists only after `UPDATE`, `REPLACE`, `REMOVE`, `UPSERT` or an overwriting `INSERT`"
    };
    SyntaxError::new(name.span, num::VARIABLE_NAME_UNKNOWN, place)
        .worded(format!("collection or view not found: {text}"))
        .without_position()
        .suggesting(format!("a collection of that name is written `` `{text}` ``"))
}

/// Refuses names that ArangoDB would take as the id of a collection instead (`CollectionNameResolver`).
fn check_source(name: &Name) -> Parsed<()> {
    match name.text.as_bytes().first() {
        None => Err(error(name.span, "a collection name may not be empty")),
        Some(b'0'..=b'9') => Err(error(name.span, "a collection name may not begin with a digit")),
        Some(_) => Ok(()),
    }
}

/// The value of a literal at `span`, or why it has none.
fn value(literal: Result<Cow<'_, str>, LiteralError>, span: Span) -> Parsed<Cow<'_, str>> {
    literal.map_err(|reason| error(span, reason.to_string()))
}
