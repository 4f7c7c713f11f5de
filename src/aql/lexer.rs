//! The scanner: bytes to tokens, one at a time.
//!
//! INVARIANT: scanning is a function of the position alone, so the parser looks ahead by scanning again; it never fails,
//! a text that begins no token becomes a token that no rule of the grammar takes.
//!
//! It follows `arangod/Aql/tokens.ll` (longest match, blanks are space, tab, CR and LF only, a `//` comment ends at LF
//! only). Where that scanner silently drops the rest of a text, at a zero byte or a byte of 0x80 and above outside
//! quotes, this one has a token of its own that is an error everywhere.

use super::token::{Kind, Token, keyword};

/// What a byte can be part of.
const LETTER: u8 = 1;
const DIGIT: u8 = 2;
const UNDERSCORE: u8 = 4;
const BLANK: u8 = 8;
const WORD: u8 = LETTER | DIGIT | UNDERSCORE;

const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        #[allow(clippy::cast_possible_truncation, reason = "the loop ends at 255")]
        let b = byte as u8;
        classes[byte] = match b {
            b'a'..=b'z' | b'A'..=b'Z' => LETTER,
            b'0'..=b'9' => DIGIT,
            b'_' => UNDERSCORE,
            b' ' | b'\t' | b'\r' | b'\n' => BLANK,
            _ => 0,
        };
        byte += 1;
    }
    classes
};

/// A position in a query text. The text must be shorter than 4 GiB.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lexer<'q> {
    bytes: &'q [u8],
    at: usize,
}

impl<'q> Lexer<'q> {
    pub(super) fn new(text: &'q str, at: u32) -> Self {
        Self {
            bytes: text.as_bytes(),
            at: at as usize,
        }
    }

    /// The next token, or [`Kind::End`] at the end, as often as asked.
    pub(super) fn next_token(&mut self) -> Token {
        self.take(BLANK);
        if self.byte(0) == Some(b'/')
            && let Some(unterminated) = self.skip_comments()
        {
            return unterminated;
        }
        let start = self.at;
        let Some(&first) = self.bytes.get(start) else {
            return self.token(Kind::End, start);
        };
        let kind = match first {
            b'a'..=b'z' | b'A'..=b'Z' => self.word(start),
            b'_' => self.underscored(),
            b'$' if self.is(1, LETTER) => {
                self.at += 2;
                self.take(WORD);
                Kind::Identifier
            }
            b'0'..=b'9' => self.number(),
            b'.' => self.dot(),
            b'"' | b'\'' => self.quoted(&[first], Kind::String, Kind::UnterminatedString),
            b'`' => self.quoted(b"`", Kind::QuotedIdentifier, Kind::UnterminatedName),
            0xC2 if self.byte(1) == Some(0xB4) => {
                self.quoted("´".as_bytes(), Kind::QuotedIdentifier, Kind::UnterminatedName)
            }
            b'@' => self.parameter(),
            b'!' => self.bang(),
            _ => self.symbol(first),
        };
        self.token(kind, start)
    }

    fn token(&self, kind: Kind, start: usize) -> Token {
        Token {
            kind,
            start: position(start),
            end: position(self.at),
        }
    }

    #[inline]
    fn byte(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    #[inline]
    fn is(&self, ahead: usize, class: u8) -> bool {
        self.byte(ahead).is_some_and(|b| CLASSES[b as usize] & class != 0)
    }

    /// Takes all bytes of the class that follow.
    #[inline]
    fn take(&mut self, class: u8) {
        let mut at = self.at;
        while let Some(&b) = self.bytes.get(at)
            && CLASSES[b as usize] & class != 0
        {
            at += 1;
        }
        self.at = at;
    }

    /// Skips comments and the blanks after them, if a comment begins here. One that does not end is a token.
    #[cold]
    fn skip_comments(&mut self) -> Option<Token> {
        while self.byte(0) == Some(b'/') {
            match self.byte(1) {
                Some(b'/') => {
                    let rest = &self.bytes[self.at..];
                    self.at += rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len());
                }
                Some(b'*') => {
                    let start = self.at;
                    let rest = &self.bytes[start + 2..];
                    let Some(length) = rest.windows(2).position(|pair| pair == b"*/") else {
                        self.at = self.bytes.len();
                        return Some(self.token(Kind::UnterminatedComment, start));
                    };
                    self.at += length + 4;
                }
                _ => return None,
            }
            self.take(BLANK);
        }
        None
    }

    /// A word that begins with a letter.
    fn word(&mut self, start: usize) -> Kind {
        self.take(WORD);
        let word = &self.bytes[start..self.at];
        match keyword(word) {
            Some(Kind::Not) => self.not_in(self.is(0, BLANK)),
            Some(kind) => kind,
            None if word.eq_ignore_ascii_case(b"AT") => self.at_least(),
            None => Kind::Identifier,
        }
    }

    /// After `NOT` or `!`: [`Kind::NotIn`] when nothing but blanks comes before `IN`.
    fn not_in(&mut self, allowed: bool) -> Kind {
        match self.second_word(b"IN") {
            Some(end) if allowed => {
                self.at = end;
                Kind::NotIn
            }
            _ => Kind::Not,
        }
    }

    fn at_least(&mut self) -> Kind {
        match self.second_word(b"LEAST") {
            Some(end) if self.is(0, BLANK) => {
                self.at = end;
                Kind::AtLeast
            }
            _ => Kind::Identifier,
        }
    }

    /// The end of `word` when it stands after blanks and no identifier continues it.
    fn second_word(&self, word: &[u8]) -> Option<usize> {
        let mut ahead = *self;
        ahead.take(BLANK);
        let end = ahead.at + word.len();
        if !self.bytes.get(ahead.at..end)?.eq_ignore_ascii_case(word) {
            return None;
        }
        ahead.at = end;
        let continued = ahead
            .byte(0)
            .is_some_and(|b| b == b'$' || b >= 0x80 || CLASSES[b as usize] & WORD != 0);
        (!continued).then_some(end)
    }

    /// `_x`, `__x1`: underscores, a letter, then anything of a word.
    fn underscored(&mut self) -> Kind {
        self.take(UNDERSCORE);
        if self.is(0, LETTER) {
            self.take(WORD);
            Kind::Identifier
        } else {
            Kind::Stray
        }
    }

    fn number(&mut self) -> Kind {
        let zero = self.byte(0) == Some(b'0');
        self.at += 1;
        if zero {
            let digit: fn(u8) -> bool = match self.byte(0) {
                Some(b'x' | b'X') => |b| b.is_ascii_hexdigit(),
                Some(b'b' | b'B') => |b| matches!(b, b'0' | b'1'),
                _ => |_| false,
            };
            if self.byte(1).is_some_and(digit) {
                self.at += 1;
                while self.byte(0).is_some_and(digit) {
                    self.at += 1;
                }
                return Kind::Integer;
            }
        } else {
            self.take(DIGIT);
        }
        self.fraction_and_exponent(Kind::Integer)
    }

    fn fraction_and_exponent(&mut self, whole: Kind) -> Kind {
        let mut kind = whole;
        if self.byte(0) == Some(b'.') && self.is(1, DIGIT) {
            self.at += 1;
            self.take(DIGIT);
            kind = Kind::Double;
        }
        if matches!(self.byte(0), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(self.byte(1), Some(b'+' | b'-')));
            if self.is(1 + sign, DIGIT) {
                self.at += 1 + sign;
                self.take(DIGIT);
                kind = Kind::Double;
            }
        }
        kind
    }

    fn dot(&mut self) -> Kind {
        if self.byte(1) == Some(b'.') {
            self.at += 2;
            return Kind::Range;
        }
        if self.is(1, DIGIT) {
            return self.fraction_and_exponent(Kind::Double);
        }
        self.at += 1;
        Kind::Dot
    }

    /// From the opening quote to the closing one; a backslash takes the meaning from the byte after it.
    fn quoted(&mut self, quote: &[u8], kind: Kind, unterminated: Kind) -> Kind {
        self.at += quote.len();
        let (first, length) = (quote[0], quote.len());
        while let Some(b) = self.byte(0) {
            if b == first && (length == 1 || self.byte(1) == Some(quote[1])) {
                self.at += length;
                return kind;
            }
            self.at += if b == b'\\' && self.byte(1).is_some() { 2 } else { 1 };
        }
        unterminated
    }

    fn parameter(&mut self) -> Kind {
        let start = self.at;
        self.at += 1;
        let kind = if self.byte(0) == Some(b'@') {
            self.at += 1;
            Kind::SourceParameter
        } else {
            Kind::Parameter
        };
        self.take(UNDERSCORE);
        if self.is(0, LETTER | DIGIT) {
            self.take(WORD);
            return kind;
        }
        self.at = start + 1;
        Kind::Stray
    }

    fn bang(&mut self) -> Kind {
        self.at += 1;
        match self.byte(0) {
            Some(b'~') => self.second(Kind::NotMatches),
            Some(b'=') => self.second(Kind::Ne),
            _ => self.not_in(true),
        }
    }

    fn second(&mut self, kind: Kind) -> Kind {
        self.at += 1;
        kind
    }

    fn symbol(&mut self, first: u8) -> Kind {
        self.at += 1;
        let next = self.byte(0);
        match (first, next) {
            (b'=', Some(b'~')) => self.second(Kind::Matches),
            (b'=', Some(b'=')) => self.second(Kind::Eq),
            (b'=', _) => Kind::Assign,
            (b'>', Some(b'=')) => self.second(Kind::Ge),
            (b'>', _) => Kind::Gt,
            (b'<', Some(b'=')) => self.second(Kind::Le),
            (b'<', _) => Kind::Lt,
            (b'&', Some(b'&')) => self.second(Kind::And),
            (b'|', Some(b'|')) => self.second(Kind::Or),
            (b':', Some(b':')) => self.second(Kind::Scope),
            (b':', _) => Kind::Colon,
            (b'+', _) => Kind::Plus,
            (b'-', _) => Kind::Minus,
            (b'*', _) => Kind::Times,
            (b'/', _) => Kind::Div,
            (b'%', _) => Kind::Mod,
            (b'?', _) => Kind::Question,
            (b',', _) => Kind::Comma,
            (b'(', _) => Kind::Open,
            (b')', _) => Kind::Close,
            (b'{', _) => Kind::ObjectOpen,
            (b'}', _) => Kind::ObjectClose,
            (b'[', _) => Kind::ArrayOpen,
            (b']', _) => Kind::ArrayClose,
            (0, _) => Kind::Nul,
            (0x80.., _) => {
                // The whole character, so that a span never cuts one.
                while self.byte(0).is_some_and(|b| b & 0xC0 == 0x80) {
                    self.at += 1;
                }
                Kind::NonAscii
            }
            _ => Kind::Stray,
        }
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "the parser refuses texts of 4 GiB and more before scanning"
)]
fn position(at: usize) -> u32 {
    at as u32
}

#[cfg(test)]
mod tests;
