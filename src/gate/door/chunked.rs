//! The chunked transfer coding, decoded piece by piece and strictly.
//!
//! A size is one to eight hexadecimal digits, lines end in CR LF, extensions are bounded and ignored, trailer fields are
//! discarded and may not look like framing, routing or credentials.

use super::head::body_too_large;
use super::limits::Limits;
use super::refusal::{Reason, Refusal};

/// Bytes of one size line with its extension, and of the whole trailer section.
const LINE_BYTES: usize = 256 + 10;
const TRAILER_BYTES: usize = 4096;
/// Bytes of all extensions of a body: they carry nothing, so they may not be a way to send for ever.
const EXTENSION_BYTES: usize = 4096;

/// Trailer fields that would mean something if a reader took them as header fields (RFC 9110, 6.5.1).
const FORBIDDEN_TRAILERS: &[&str] = &[
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "if-match",
    "if-none-match",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// In a size line.
    Size,
    /// In the data of a chunk, with so many bytes to come.
    Data(usize),
    /// At the line end after the data.
    DataEnd,
    /// In the trailer section.
    Trailer,
    Done,
}

/// The decoder's place in the body.
#[derive(Debug)]
pub(super) struct Decoder {
    stage: Stage,
    /// The line that is being read.
    line: Vec<u8>,
    extensions: usize,
    trailers: usize,
}

impl Decoder {
    pub(super) fn new() -> Self {
        Self {
            stage: Stage::Size,
            line: Vec::new(),
            extensions: 0,
            trailers: 0,
        }
    }

    pub(super) fn done(&self) -> bool {
        self.stage == Stage::Done
    }

    /// Decodes what it can of `input` into `body`; how many bytes of `input` belonged to the body.
    pub(super) fn decode(&mut self, input: &[u8], body: &mut Vec<u8>, limits: &Limits) -> Result<usize, Refusal> {
        let mut used = 0;
        while self.stage != Stage::Done {
            let rest = input.get(used..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            used += match self.stage {
                Stage::Data(remaining) => {
                    let count = remaining.min(rest.len());
                    body.extend_from_slice(rest.get(..count).unwrap_or_default());
                    self.stage = if count == remaining {
                        Stage::DataEnd
                    } else {
                        Stage::Data(remaining - count)
                    };
                    count
                }
                Stage::Size | Stage::DataEnd | Stage::Trailer => {
                    let (count, complete) = self.take_line(rest)?;
                    if complete {
                        let line = std::mem::take(&mut self.line);
                        self.end_line(&line, body.len(), limits)?;
                    }
                    count
                }
                Stage::Done => 0,
            };
        }
        Ok(used)
    }

    /// Moves bytes to the line until its CR LF; how many, and whether the line is complete.
    fn take_line(&mut self, input: &[u8]) -> Result<(usize, bool), Refusal> {
        let limit = if self.stage == Stage::Trailer {
            TRAILER_BYTES
        } else {
            LINE_BYTES
        };
        for (index, &byte) in input.iter().enumerate() {
            match (byte, self.line.last()) {
                (b'\n', Some(b'\r')) => {
                    self.line.pop();
                    return Ok((index + 1, true));
                }
                (b'\n', _) | (_, Some(b'\r')) => return Err(Refusal::malformed("a bare line end in a chunked body")),
                (b'\r' | b' '..=b'~', _) => {}
                _ => {
                    return Err(Refusal::malformed(format!(
                        "the byte 0x{byte:02x} in the framing of a chunked body"
                    )));
                }
            }
            if self.line.len() >= limit {
                return Err(Refusal::malformed(
                    "a line in the framing of a chunked body is too long",
                ));
            }
            self.line.push(byte);
        }
        Ok((input.len(), false))
    }

    fn end_line(&mut self, line: &[u8], decoded: usize, limits: &Limits) -> Result<(), Refusal> {
        self.stage = match self.stage {
            Stage::Size => match self.size(line)? {
                0 => Stage::Trailer,
                size if size > limits.body_bytes.saturating_sub(decoded) => return Err(body_too_large(limits)),
                size => Stage::Data(size),
            },
            Stage::DataEnd if line.is_empty() => Stage::Size,
            Stage::DataEnd => return Err(Refusal::malformed("a chunk is longer than its size")),
            Stage::Trailer if line.is_empty() => Stage::Done,
            Stage::Trailer => {
                self.trailer(line)?;
                Stage::Trailer
            }
            other => other,
        };
        Ok(())
    }

    fn size(&mut self, line: &[u8]) -> Result<usize, Refusal> {
        let end = line.iter().position(|&byte| byte == b';').unwrap_or(line.len());
        let (digits, extension) = line.split_at(end);
        self.extensions = self.extensions.saturating_add(extension.len());
        if self.extensions > EXTENSION_BYTES {
            return Err(Refusal::malformed("too many chunk extensions"));
        }
        let well_formed = (1..=8).contains(&digits.len()) && digits.iter().all(u8::is_ascii_hexdigit);
        std::str::from_utf8(digits)
            .ok()
            .filter(|_| well_formed)
            .and_then(|text| usize::from_str_radix(text, 16).ok())
            .ok_or_else(|| Refusal::malformed("a chunk size is not one to eight hexadecimal digits"))
    }

    fn trailer(&mut self, line: &[u8]) -> Result<(), Refusal> {
        self.trailers = self.trailers.saturating_add(line.len() + 2);
        if self.trailers > TRAILER_BYTES {
            return Err(Refusal::new(
                Reason::HeadTooLarge,
                "the trailer of a chunked body is too long",
            ));
        }
        let name = line.split(|&byte| byte == b':').next().unwrap_or_default();
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        let token = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !token || name.len() == line.len() {
            return Err(Refusal::malformed("a trailer line of a chunked body is no field"));
        }
        if FORBIDDEN_TRAILERS.contains(&name.as_str()) || name.starts_with("x-") {
            return Err(Refusal::malformed(format!(
                "the field `{name}` in the trailer of a chunked body"
            )));
        }
        Ok(())
    }
}
