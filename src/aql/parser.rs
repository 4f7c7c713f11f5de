//! Tokens to a tree: a recursive descent over `arangod/Aql/grammar.y` with precedence climbing for expressions.
//!
//! INVARIANT: recursion is bounded by [`MAX_NESTING`] and the tree's height by [`MAX_HEIGHT`], whatever limits the caller
//! sets, so neither parsing nor anything that walks or drops a tree can exhaust a stack. No step looks further ahead than
//! two tokens, so time is linear in the text.
#![allow(
    clippy::unnecessary_box_returns,
    reason = "an error is boxed from birth, so that results stay small"
)]

mod collect;
mod compound;
mod expression;
mod loops;
mod modification;
mod names;
mod operators;
mod pattern;
mod statement;
mod suffix;

use super::ParseLimits;
use super::ast::{Query, Span, Variable};
use super::error::{SyntaxError, num};
use super::lexer::Lexer;
use super::scope::Scopes;
use super::suggestion;
use super::token::{Kind, Token};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// The deepest tree: ArangoDB refuses expressions of more than 500 levels, `1 + 2 + 3` having two.
pub(super) const MAX_HEIGHT: u32 = 500;
/// The deepest recursion: what fits the usual 2 MiB of a thread even in a build without optimisation, where what needs
/// much of a stack counts twice. The default limit of 200 brackets within each other stays below it.
const MAX_NESTING: u32 = 408;
/// The most variables that all `COLLECT … INTO` of a query capture together.
const MAX_CAPTURED: usize = 100_000;

/// The result of parsing something.
type Parsed<T> = Result<T, Box<SyntaxError>>;

/// Marks of a variable while the query is being parsed.
#[derive(Clone, Copy, Debug, Default)]
struct Marks {
    /// Made by the `COLLECT` or `WINDOW` that is being parsed, whose expressions may not use it.
    pending: bool,
    /// Bound by `LET` to a value known at compile time.
    constant: bool,
}

/// What a token is by its place, as far as the token itself does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// A word that is a keyword here.
    Word,
    /// A string that stands where an identifier could.
    Key,
    /// A string that names an attribute: `doc["name"]`.
    Name,
}

/// A collection that a modification writes to: by its name, or by the key of a bind parameter.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Written<'q> {
    Name(Cow<'q, str>),
    Bind(Cow<'q, str>),
}

/// Marked tokens by where they start.
pub(super) type Marked = Vec<(u32, Mark)>;

/// A parse in progress.
struct Parser<'q> {
    text: &'q str,
    limits: ParseLimits,
    /// The token at hand.
    token: Token,
    /// Where the token before it begins.
    begun: u32,
    /// Where the token before it ends.
    end: u32,
    scopes: Scopes<'q>,
    variables: Vec<Variable<'q>>,
    marks: Vec<Marks>,
    /// How deep the recursion is.
    nesting: u32,
    /// How many brackets of any sort, operators before their operand and subqueries enclose the token.
    depth: u32,
    /// The height of the expression that is being built, so far.
    height: u32,
    nodes: u32,
    captured: usize,
    subqueries: u32,
    /// Whether a modification was seen.
    modifies: bool,
    /// The collections that the modifications so far write to.
    written: BTreeSet<Written<'q>>,
    /// The marked tokens, where they are asked for.
    marked: Option<Marked>,
}

/// Parses a whole text.
pub(super) fn parse<'q>(text: &'q str, limits: &ParseLimits) -> Parsed<Query<'q>> {
    parse_text(text, limits, None).map(|(query, _)| query)
}

/// Parses a whole text and tells the marked tokens, in order.
pub(super) fn parse_marked<'q>(text: &'q str, limits: &ParseLimits) -> Parsed<(Query<'q>, Marked)> {
    parse_text(text, limits, Some(Vec::new())).map(|(query, marked)| (query, marked.unwrap_or_default()))
}

fn parse_text<'q>(text: &'q str, limits: &ParseLimits, marked: Option<Marked>) -> Parsed<(Query<'q>, Option<Marked>)> {
    let whole = Span { start: 0, end: 0 };
    if text.len() > limits.bytes || u32::try_from(text.len()).is_err() {
        let message = format!("the query is longer than {} bytes", limits.bytes.min(u32::MAX as usize));
        return Err(SyntaxError::new(whole, num::PARSE, message));
    }
    if text.is_empty() {
        return Err(SyntaxError::new(whole, num::EMPTY, "the query is empty")
            .worded("query is empty")
            .without_position());
    }
    let mut parser = Parser {
        text,
        limits: *limits,
        token: Lexer::new(text, 0).next_token(),
        begun: 0,
        end: 0,
        scopes: Scopes::new(),
        variables: Vec::with_capacity(8),
        marks: Vec::with_capacity(8),
        nesting: 0,
        depth: 0,
        height: 0,
        nodes: 0,
        captured: 0,
        subqueries: 0,
        modifies: false,
        written: BTreeSet::new(),
        marked,
    };
    let with = parser.with_list()?;
    let body = parser.block()?;
    if !parser.at(Kind::End) {
        return Err(parser.after_the_query());
    }
    let query = Query {
        with,
        body,
        variables: parser.variables,
    };
    Ok((query, parser.marked))
}

impl<'q> Parser<'q> {
    #[inline]
    fn at(&self, kind: Kind) -> bool {
        self.token.kind == kind
    }

    /// Takes the token at hand.
    #[inline]
    fn bump(&mut self) -> Token {
        let token = self.token;
        self.begun = token.start;
        self.end = token.end;
        self.token = Lexer::new(self.text, token.end).next_token();
        token
    }

    fn mark(&mut self, mark: Mark) {
        if let Some(marked) = &mut self.marked {
            marked.push((self.token.start, mark));
        }
    }

    /// Takes the token at hand if it is of that kind.
    #[inline]
    fn eat(&mut self, kind: Kind) -> bool {
        let found = self.at(kind);
        if found {
            self.bump();
        }
        found
    }

    fn expect(&mut self, kind: Kind) -> Parsed<Token> {
        if self.at(kind) {
            Ok(self.bump())
        } else {
            Err(self.unexpected(&[kind.spelling()]))
        }
    }

    /// The token after `token`.
    fn after(&self, token: Token) -> Token {
        Lexer::new(self.text, token.end).next_token()
    }

    /// From `start` to the end of the last token taken.
    #[inline]
    fn since(&self, start: u32) -> Span {
        Span {
            start,
            end: self.end.max(start),
        }
    }

    #[inline]
    fn slice(&self, span: Span) -> &'q str {
        self.text
            .get(span.start as usize..span.end as usize)
            .unwrap_or_default()
    }

    /// Goes one bracket deeper; [`Parser::leave`] goes back. An error ends the parse, so it need not.
    #[inline]
    fn enter(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > self.limits.depth {
            return Err(self.nests_deeper_than(self.limits.depth));
        }
        Ok(())
    }

    #[inline]
    fn leave(&mut self) {
        self.depth -= 1;
    }

    #[inline]
    fn recurse(&mut self) -> Parsed<()> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return Err(self.nests_deeper_than(MAX_NESTING));
        }
        Ok(())
    }

    /// [`Parser::enter`] for a construct whose frames are large; [`Parser::leave_large`] goes back.
    fn enter_large(&mut self) -> Parsed<()> {
        self.recurse()?;
        self.enter()
    }

    fn leave_large(&mut self) {
        self.nesting -= 1;
        self.leave();
    }

    #[cold]
    fn nests_deeper_than(&self, levels: u32) -> Box<SyntaxError> {
        self.too_deep(format!("the query nests deeper than {levels} levels"))
    }

    fn too_deep(&self, message: String) -> Box<SyntaxError> {
        SyntaxError::new(self.token.span(), num::TOO_MUCH_NESTING, message)
            .worded("too much nesting or too many objects")
            .without_position()
    }

    /// Counts a node that stands above everything built since the enclosing expression began.
    #[inline]
    fn count(&mut self) -> Parsed<()> {
        self.height += 1;
        self.nodes = self.nodes.saturating_add(1);
        if self.height > MAX_HEIGHT || self.nodes > self.limits.nodes {
            return Err(self.too_large());
        }
        Ok(())
    }

    #[cold]
    fn too_large(&self) -> Box<SyntaxError> {
        self.too_deep(if self.height > MAX_HEIGHT {
            format!("the expression is more than {MAX_HEIGHT} levels high")
        } else {
            format!("the query has more than {} nodes", self.limits.nodes)
        })
    }

    /// Builds an expression that stands for itself, whatever was built before.
    fn apart<T>(&mut self, build: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        let outer = std::mem::take(&mut self.height);
        let built = build(self)?;
        self.height = self.height.max(outer);
        Ok(built)
    }

    /// The token at hand fits nowhere; `expected` is what would have.
    fn unexpected(&self, expected: &[&'static str]) -> Box<SyntaxError> {
        let mut error = suggestion::unexpected(self.text, self.token, expected);
        if self.at(Kind::End) {
            error.seen_at = self.last_scanned();
        }
        error
    }

    /// Where ArangoDB's scanner began what it read last: its end of text has no position of its own.
    fn last_scanned(&self) -> u32 {
        let blanks = self.text.len() - self.text.trim_end_matches([' ', '\t', '\r']).len();
        match u32::try_from(blanks) {
            Ok(0) | Err(_) => self.begun,
            Ok(blanks) => self.token.start.saturating_sub(blanks),
        }
    }

    /// What follows a finished query.
    fn after_the_query(&self) -> Box<SyntaxError> {
        let mut error = self.unexpected(&["the end of the query"]);
        if self.token.kind.starts_statement() {
            error = error.suggesting("`RETURN` ends a query: nothing may follow it");
        }
        error
    }
}

/// A plain syntax error.
fn error(span: Span, message: impl Into<String>) -> Box<SyntaxError> {
    SyntaxError::new(span, num::PARSE, message)
}
