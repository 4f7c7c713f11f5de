//! Tokens: what the scanner hands to the parser, and how each is called in a message.

use super::ast::Span;

/// One token; its text is the span's part of the query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Token {
    pub(super) fn span(self) -> Span {
        Span {
            start: self.start,
            end: self.end,
        }
    }
}

/// Declares the token kinds with their spelling and the name that ArangoDB's grammar gives them in messages.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident $spelling:literal $arango:literal,)*) => {
        /// What a token is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Kind {
            $($(#[$doc])* $kind,)*
        }

        impl Kind {
            /// How the token is written, or what it is where the writing varies.
            pub(super) fn spelling(self) -> &'static str {
                match self {
                    $(Self::$kind => $spelling,)*
                }
            }

            /// The name in ArangoDB's own messages (the token aliases of `arangod/Aql/grammar.y`).
            pub(super) fn arango_name(self) -> &'static str {
                match self {
                    $(Self::$kind => $arango,)*
                }
            }
        }
    };
}

kinds! {
    For "`FOR`" "FOR declaration",
    Let "`LET`" "LET declaration",
    Filter "`FILTER`" "FILTER declaration",
    Return "`RETURN`" "RETURN declaration",
    Collect "`COLLECT`" "COLLECT declaration",
    Sort "`SORT`" "SORT declaration",
    Limit "`LIMIT`" "LIMIT declaration",
    Window "`WINDOW`" "WINDOW declaration",
    Insert "`INSERT`" "INSERT command",
    Update "`UPDATE`" "UPDATE command",
    Replace "`REPLACE`" "REPLACE command",
    Remove "`REMOVE`" "REMOVE command",
    Upsert "`UPSERT`" "UPSERT command",
    Asc "`ASC`" "ASC keyword",
    Desc "`DESC`" "DESC keyword",
    In "`IN`" "IN keyword",
    With "`WITH`" "WITH keyword",
    Into "`INTO`" "INTO keyword",
    Aggregate "`AGGREGATE`" "AGGREGATE keyword",
    Graph "`GRAPH`" "GRAPH keyword",
    ShortestPath "`SHORTEST_PATH`" "SHORTEST_PATH keyword",
    KShortestPaths "`K_SHORTEST_PATHS`" "K_SHORTEST_PATHS keyword",
    KPaths "`K_PATHS`" "K_PATHS keyword",
    AllShortestPaths "`ALL_SHORTEST_PATHS`" "ALL_SHORTEST_PATHS keyword",
    Distinct "`DISTINCT`" "DISTINCT modifier",
    Outbound "`OUTBOUND`" "outbound modifier",
    Inbound "`INBOUND`" "inbound modifier",
    Any "`ANY`" "any modifier",
    All "`ALL`" "all modifier",
    None "`NONE`" "none modifier",
    /// `AT LEAST`: one token, only blanks between the words.
    AtLeast "`AT LEAST`" "at least modifier",
    Null "`null`" "null",
    True "`true`" "true",
    False "`false`" "false",
    Like "`LIKE`" "like operator",
    Not "`NOT`" "not operator",
    /// `NOT IN` and `!IN`: one token, only blanks between the parts.
    NotIn "`NOT IN`" "not in operator",
    And "`AND`" "and operator",
    Or "`OR`" "or operator",
    /// A bare identifier.
    Identifier "a name" "identifier",
    /// An identifier in backticks or forward ticks.
    QuotedIdentifier "a name" "identifier",
    String "a string" "quoted string",
    Integer "an integer" "integer number",
    Double "a number" "number",
    /// `@x`.
    Parameter "a bind parameter" "bind parameter",
    /// `@@x`.
    SourceParameter "a collection bind parameter" "bind data source parameter",
    Assign "`=`" "assignment",
    Matches "`=~`" "~= operator",
    NotMatches "`!~`" "~! operator",
    Eq "`==`" "== operator",
    Ne "`!=`" "!= operator",
    Lt "`<`" "< operator",
    Gt "`>`" "> operator",
    Le "`<=`" "<= operator",
    Ge "`>=`" ">= operator",
    Plus "`+`" "+ operator",
    Minus "`-`" "- operator",
    Times "`*`" "* operator",
    Div "`/`" "/ operator",
    Mod "`%`" "% operator",
    Question "`?`" "?",
    Colon "`:`" ":",
    Scope "`::`" "::",
    Range "`..`" "..",
    Dot "`.`" "'.'",
    Comma "`,`" ",",
    Open "`(`" "(",
    Close "`)`" ")",
    ObjectOpen "`{`" "{",
    ObjectClose "`}`" "}",
    ArrayOpen "`[`" "[",
    ArrayClose "`]`" "]",
    End "the end of the query" "end of query string",
    /// A character that begins no token.
    Stray "a character that AQL does not know" "invalid token",
    /// A byte of 0x80 and above outside quotes and comments: ArangoDB drops the rest of the text there.
    NonAscii "a non-ASCII character outside quotes" "end of query string",
    /// A zero byte: ArangoDB ends the text there.
    Nul "a zero byte" "end of query string",
    UnterminatedString "a string that does not end" "unterminated string literal",
    UnterminatedName "a quoted name that does not end" "unterminated identifier",
    UnterminatedComment "a comment that does not end" "unterminated multi-line comment",
}

impl Kind {
    /// Whether the token begins a statement.
    pub(super) fn starts_statement(self) -> bool {
        (self as u8) <= (Self::Upsert as u8)
    }

    /// Whether the token is an identifier, quoted or not.
    pub(super) fn is_name(self) -> bool {
        matches!(self, Self::Identifier | Self::QuotedIdentifier)
    }
}

/// The keyword that `word` spells, whatever its case.
pub(super) fn keyword(word: &[u8]) -> Option<Kind> {
    let first = *word.first()? | 0x20;
    let (spelling, kind): (&[u8], Kind) = match (word.len(), first) {
        (2, b'i') => (b"in", Kind::In),
        (2, b'o') => (b"or", Kind::Or),
        (3, b'a') => match word[1] | 0x20 {
            b'n' if word[2] | 0x20 == b'd' => (b"and", Kind::And),
            b'n' => (b"any", Kind::Any),
            b'l' => (b"all", Kind::All),
            _ => (b"asc", Kind::Asc),
        },
        (3, b'f') => (b"for", Kind::For),
        (3, b'l') => (b"let", Kind::Let),
        (3, b'n') => (b"not", Kind::Not),
        (4, b'd') => (b"desc", Kind::Desc),
        (4, b'i') => (b"into", Kind::Into),
        (4, b'l') => (b"like", Kind::Like),
        (4, b'n') => match word[1] | 0x20 {
            b'u' => (b"null", Kind::Null),
            _ => (b"none", Kind::None),
        },
        (4, b's') => (b"sort", Kind::Sort),
        (4, b't') => (b"true", Kind::True),
        (4, b'w') => (b"with", Kind::With),
        (5, b'f') => (b"false", Kind::False),
        (5, b'g') => (b"graph", Kind::Graph),
        (5, b'l') => (b"limit", Kind::Limit),
        (6, b'f') => (b"filter", Kind::Filter),
        (6, b'i') => (b"insert", Kind::Insert),
        (6, b'r') => match word[2] | 0x20 {
            b't' => (b"return", Kind::Return),
            _ => (b"remove", Kind::Remove),
        },
        (6, b'u') => match word[2] | 0x20 {
            b'd' => (b"update", Kind::Update),
            _ => (b"upsert", Kind::Upsert),
        },
        (6, b'w') => (b"window", Kind::Window),
        (7, b'c') => (b"collect", Kind::Collect),
        (7, b'i') => (b"inbound", Kind::Inbound),
        (7, b'k') => (b"k_paths", Kind::KPaths),
        (7, b'r') => (b"replace", Kind::Replace),
        (8, b'd') => (b"distinct", Kind::Distinct),
        (8, b'o') => (b"outbound", Kind::Outbound),
        (9, b'a') => (b"aggregate", Kind::Aggregate),
        (13, b's') => (b"shortest_path", Kind::ShortestPath),
        (16, b'k') => (b"k_shortest_paths", Kind::KShortestPaths),
        (18, b'a') => (b"all_shortest_paths", Kind::AllShortestPaths),
        _ => return None,
    };
    // Letters, digits and underscores differ in that bit by their case only.
    let same = word.iter().zip(spelling).all(|(a, b)| a | 0x20 == b | 0x20);
    same.then_some(kind)
}

/// Every reserved word, for suggestions.
pub(super) const KEYWORDS: [&str; 37] = [
    "AGGREGATE",
    "ALL",
    "ALL_SHORTEST_PATHS",
    "AND",
    "ANY",
    "ASC",
    "COLLECT",
    "DESC",
    "DISTINCT",
    "FALSE",
    "FILTER",
    "FOR",
    "GRAPH",
    "IN",
    "INBOUND",
    "INSERT",
    "INTO",
    "K_PATHS",
    "K_SHORTEST_PATHS",
    "LET",
    "LIKE",
    "LIMIT",
    "NONE",
    "NOT",
    "NULL",
    "OR",
    "OUTBOUND",
    "REMOVE",
    "REPLACE",
    "RETURN",
    "SHORTEST_PATH",
    "SORT",
    "TRUE",
    "UPDATE",
    "UPSERT",
    "WINDOW",
    "WITH",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reserved_word_is_a_keyword_in_any_case_and_nothing_else_is() {
        for word in KEYWORDS {
            assert!(keyword(word.as_bytes()).is_some(), "{word}");
            assert!(keyword(word.to_lowercase().as_bytes()).is_some(), "{word}");
            assert!(keyword(format!("{word}S").as_bytes()).is_none(), "{word}S");
            assert!(keyword(&word.as_bytes()[1..]).is_none_or(|kind| kind != keyword(word.as_bytes()).unwrap()));
        }
        for word in [
            "KEEP", "COUNT", "OPTIONS", "PRUNE", "SEARCH", "TO", "AT", "LEAST", "CURRENT", "NEW", "OLD", "VIEW",
        ] {
            assert_eq!(keyword(word.as_bytes()), None, "{word}");
        }
    }
}
