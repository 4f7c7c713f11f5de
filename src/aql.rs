//! AQL: text to tokens to a syntax tree with spans; diagnostics; normal form and fingerprint; the function table.
//!
//! INVARIANT: this module knows nothing of schemas, networks or processes, and is total: any text gives a tree or an error.
#![forbid(unsafe_code)]

pub mod ast;
pub mod diagnostic;
mod error;
pub mod functions;
mod lexer;
mod literal;
mod normal;
mod parser;
mod printer;
mod rules;
mod scope;
mod suggestion;
mod token;

pub use error::SyntaxError;
pub use normal::{Fingerprint, NormalForm, fingerprint, normalise};

/// How large a query may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseLimits {
    /// Bytes of text.
    pub bytes: usize,
    /// Brackets, subqueries and prefix operators within each other.
    pub depth: u32,
    /// Nodes of the tree.
    pub nodes: u32,
}

impl ParseLimits {
    /// Only what keeps the parser itself safe: the tree's height and the recursion stay bounded.
    pub const WIDEST: Self = Self {
        bytes: u32::MAX as usize,
        depth: u32::MAX,
        nodes: u32::MAX,
    };
}

impl Default for ParseLimits {
    /// The limits of a policy that sets none.
    fn default() -> Self {
        Self {
            bytes: 64 * 1024,
            depth: 200,
            nodes: 20_000,
        }
    }
}

/// The syntax tree of a query, within the default limits.
///
/// It accepts what ArangoDB 3.11, 3.12 or 4.x accepts while parsing, its semantic rules included; docs/aql-versions.md
/// lists where they differ.
pub fn parse(text: &str) -> Result<ast::Query<'_>, Box<SyntaxError>> {
    parse_with(text, &ParseLimits::default())
}

/// The syntax tree of a query, within the given limits.
pub fn parse_with<'q>(text: &'q str, limits: &ParseLimits) -> Result<ast::Query<'q>, Box<SyntaxError>> {
    parser::parse(text, limits)
}

#[cfg(test)]
mod tests;
