//! The head of a request: request line and header fields, read strictly.
//!
//! arangod's parser and httparse both accept more than the standard does, and not the same (blanks before a colon, folded
//! lines, bare line feeds, repeated lengths). INVARIANT: a head that passes here has one reading. [`Scanner`] looks at every
//! byte once, as it arrives; [`parse`] then takes the fields apart.

use super::limits::Limits;
use super::refusal::{Reason, Refusal};

/// The methods of ArangoDB's API.
pub(super) const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Fields whose repetition arangod reads as "the last wins": which one was judged would be a matter of luck.
const SINGLE: &[&str] = &[
    "host",
    "content-length",
    "transfer-encoding",
    "content-type",
    "content-encoding",
    "authorization",
    "expect",
    "if-match",
    "if-none-match",
];

/// Ways to say another method than the request line does; arangod 3.11 can be configured to believe them.
const METHOD_OVERRIDES: &[&str] = &["x-http-method", "x-http-method-override", "x-method-override"];

/// Fields that concern this connection only; the door consumes them.
const HOP_BY_HOP: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What `Connection` may name. Anything else asks a proxy to drop that field, so it might be judged and then vanish.
const CONNECTION_OPTIONS: &[&str] = &["close", "keep-alive", "upgrade", "te", "http2-settings", "trailer"];

/// How the body is delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// No body.
    None,
    /// So many bytes.
    Length(usize),
    /// Chunks.
    Chunked,
    /// A method that usually has a body, and no word about it: there is none, and no byte after it is read as a request.
    Unstated,
}

/// A head that was understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) method: String,
    pub(super) target: String,
    /// Without those that concern the connection.
    pub(super) headers: Vec<(String, String)>,
    pub(super) framing: Framing,
    /// The client waits for `100 Continue` before it sends the body.
    pub(super) expects_continue: bool,
    /// The client wants to use the connection again.
    pub(super) keep_alive: bool,
}

/// Finds the end of a head in bytes that arrive piece by piece, and refuses at the first byte that cannot belong to one.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    /// Bytes looked at already.
    position: usize,
    /// Where the current line begins.
    line_start: usize,
    /// Complete lines before the current one, not counting a first empty one.
    lines: usize,
    /// Bytes of an empty line before the request line, which is allowed once (RFC 9112, 2.2).
    skipped: usize,
}

impl Scanner {
    /// Looks at the bytes that are new; the span of the head once it is complete.
    pub(super) fn scan(&mut self, bytes: &[u8], limits: &Limits) -> Result<Option<std::ops::Range<usize>>, Refusal> {
        let mut skipped_to = None;
        while let Some(&byte) = bytes.get(self.position) {
            if self.position >= limits.head_bytes {
                return Err(head_too_large(limits));
            }
            let at_start = self.position == self.line_start;
            if self.lines > 0 && !at_start && skipped_to != Some(self.line_start) {
                let end = limits.head_bytes.min(bytes.len());
                self.position += ordinary(bytes.get(self.position..end).unwrap_or_default());
                skipped_to = Some(self.line_start);
                continue;
            }
            match byte {
                b'\r' => match bytes.get(self.position + 1) {
                    None => return Ok(None),
                    Some(b'\n') => {
                        let line_end = self.position;
                        self.position += 2;
                        if self.position > limits.head_bytes {
                            return Err(head_too_large(limits));
                        }
                        if at_start && self.lines == 0 {
                            if self.skipped > 0 {
                                return Err(Refusal::malformed("more than one empty line before the request line"));
                            }
                            self.skipped = 2;
                        } else if at_start {
                            return Ok(Some(self.skipped..self.position));
                        } else {
                            if self.lines == 0 {
                                check_request_line(bytes.get(self.line_start..line_end).unwrap_or_default(), limits)?;
                            }
                            self.lines += 1;
                            if self.lines > limits.fields + 1 {
                                return Err(Refusal::new(
                                    Reason::HeadTooLarge,
                                    format!("the request has more than {} header fields", limits.fields),
                                ));
                            }
                        }
                        self.line_start = self.position;
                        continue;
                    }
                    Some(_) => return Err(Refusal::malformed("a carriage return without a line feed in the head")),
                },
                b'\n' => return Err(Refusal::malformed("a line feed without a carriage return in the head")),
                _ if at_start && self.lines == 0 && !byte.is_ascii_alphabetic() => return Err(not_http(byte)),
                b' ' | b'\t' if at_start => {
                    return Err(Refusal::malformed(
                        "a header line that begins with a blank (obsolete folding)",
                    ));
                }
                b'\t' if self.lines > 0 => {}
                b' '..=b'~' => {}
                _ => {
                    return Err(Refusal::malformed(format!(
                        "the byte 0x{byte:02x} in the head, which is limited to visible ASCII; encode other characters"
                    )));
                }
            }
            self.position += 1;
            if self.lines == 0 && self.position - self.line_start > limits.target_bytes + 32 {
                return Err(target_too_long(limits));
            }
        }
        Ok(None)
    }
}

/// How many bytes from here on may certainly stand in a field, eight at a time. Byte by byte this was a third of what it took
/// to refuse a head over its limit.
fn ordinary(bytes: &[u8]) -> usize {
    let (words, _) = bytes.as_chunks::<8>();
    words
        .iter()
        .take_while(|word| all_ordinary(u64::from_ne_bytes(**word)))
        .count()
        * 8
}

/// Whether each of eight bytes is visible, a blank or a tab. No sum here carries from one byte into the next.
const fn all_ordinary(word: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES * 0x80;
    const LOW: u64 = ONES * 0x7f;
    // The high bit of each byte, where it is at least a blank; where it is no DEL; where it is no tab.
    let blank_or_more = (word & LOW) + ONES * 0x60;
    let no_delete = ((word ^ LOW) & LOW) + LOW;
    let no_tab = ((word ^ (ONES * 9)) & LOW) + LOW;
    word & HIGH == 0 && ((blank_or_more & no_delete) | !no_tab) & HIGH == HIGH
}

fn not_http(byte: u8) -> Refusal {
    if byte == 0x16 {
        // A TLS record of type handshake.
        Refusal::new(
            Reason::Protocol,
            "TLS is not enabled on this port: connect with http://, or set MALLKU_TLS_CERT and MALLKU_TLS_KEY",
        )
    } else {
        Refusal::malformed(format!("no HTTP request begins with the byte 0x{byte:02x}"))
    }
}

fn head_too_large(limits: &Limits) -> Refusal {
    Refusal::new(
        Reason::HeadTooLarge,
        format!("the request's head is longer than {} bytes", limits.head_bytes),
    )
}

fn target_too_long(limits: &Limits) -> Refusal {
    Refusal::new(
        Reason::TargetTooLong,
        format!("the request target is longer than {} bytes", limits.target_bytes),
    )
}

/// Refuses a request line that is none, before the rest of the head has arrived.
fn check_request_line(line: &[u8], limits: &Limits) -> Result<(), Refusal> {
    if line == b"PRI * HTTP/2.0" {
        return Err(Refusal::new(
            Reason::Protocol,
            "HTTP/2 is not spoken here; switch the driver to HTTP/1.1: Java `.protocol(Protocol.HTTP_JSON)`, \
             Go `connection.NewHttpConnection` instead of `NewHttp2Connection`",
        ));
    }
    if line.starts_with(b"VST/") {
        return Err(Refusal::new(
            Reason::Protocol,
            "VelocyStream is not spoken here; switch the driver to HTTP/1.1 (Java `.protocol(Protocol.HTTP_JSON)`)",
        ));
    }
    let mut parts = line.split(|&byte| byte == b' ');
    let (Some(method), Some(target), Some(version), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Refusal::malformed(
            "the request line is not `METHOD target HTTP/1.1` with single blanks",
        ));
    };
    if method.is_empty() || !method.iter().copied().all(is_token) {
        return Err(Refusal::malformed("the method is not an HTTP token"));
    }
    check_version(version)?;
    if !METHODS.iter().any(|known| known.as_bytes() == method) {
        return Err(Refusal::new(
            Reason::Method,
            format!(
                "the method {} is not one of {}",
                String::from_utf8_lossy(method),
                METHODS.join(", ")
            ),
        ));
    }
    check_target(target, limits)
}

fn check_version(version: &[u8]) -> Result<(), Refusal> {
    match version {
        b"HTTP/1.1" | b"HTTP/1.0" => Ok(()),
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor] if major.is_ascii_digit() && minor.is_ascii_digit() => Err(
            Refusal::new(Reason::Version, "only HTTP/1.1 and HTTP/1.0 are spoken here"),
        ),
        _ => Err(Refusal::malformed("the request line does not end in an HTTP version")),
    }
}

/// Only the origin form (`/path?query`). arangod reads the absolute form as a path without a leading slash, to which its
/// authentication exception for paths "not below `/_`" applies.
fn check_target(target: &[u8], limits: &Limits) -> Result<(), Refusal> {
    if target.len() > limits.target_bytes {
        return Err(target_too_long(limits));
    }
    if target.first() != Some(&b'/') {
        return Err(Refusal::malformed(
            "the request target does not begin with `/`; the absolute, authority and asterisk forms are not served",
        ));
    }
    let mut rest = target;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'%' => match after {
                [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {}
                _ => {
                    return Err(Refusal::malformed(
                        "a `%` without two hexadecimal digits in the request target",
                    ));
                }
            },
            // RFC 3986: unreserved, sub-delims, and what path and query add. The brackets are common in query strings.
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => {}
            b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'='
            | b':' | b'@' | b'/' | b'?' | b'[' | b']' => {}
            _ => {
                return Err(Refusal::malformed(format!(
                    "the character `{}` in the request target; send it percent-encoded",
                    char::from(byte).escape_default()
                )));
            }
        }
    }
    Ok(())
}

const fn is_token(byte: u8) -> bool {
    matches!(byte,
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.'
        | b'^' | b'_' | b'`' | b'|' | b'~')
}

/// Takes apart a head that [`Scanner`] found complete.
pub(super) fn parse(bytes: &[u8], limits: &Limits) -> Result<Head, Refusal> {
    let mut fields = vec![httparse::EMPTY_HEADER; limits.fields];
    let mut request = httparse::Request::new(&mut fields);
    let complete = request
        .parse(bytes)
        .map_err(|error| Refusal::malformed(format!("the request's head cannot be read: {error}")))?;
    // Both readers have to agree on where the head ends.
    if complete != httparse::Status::Complete(bytes.len()) {
        return Err(Refusal::malformed("the request's head ends in two places"));
    }
    let (Some(method), Some(target), Some(minor)) = (request.method, request.path, request.version) else {
        return Err(Refusal::malformed("the request line is incomplete"));
    };
    let mut headers = Vec::with_capacity(request.headers.len());
    for field in request.headers.iter() {
        let value = std::str::from_utf8(field.value)
            .map_err(|_| Refusal::malformed(format!("the value of `{}` is not ASCII", field.name)))?;
        let name = field.name.to_ascii_lowercase();
        if name.contains('_') {
            // `Transfer_Encoding` is another field to us and the same one to a CGI-like reader.
            return Err(Refusal::malformed(format!(
                "the header name `{name}` contains an underscore"
            )));
        }
        headers.push((name, value.trim_matches([' ', '\t']).to_owned()));
    }
    refuse_ambiguity(&headers, minor)?;
    let framing = framing(method, &headers, minor, limits)?;
    let expects_continue = expectation(&headers, minor, framing)?;
    let keep_alive = keep_alive(&headers, minor)? && framing != Framing::Unstated;
    headers.retain(|(name, _)| !HOP_BY_HOP.contains(&name.as_str()));
    Ok(Head {
        method: method.to_owned(),
        target: target.to_owned(),
        headers,
        framing,
        expects_continue,
        keep_alive,
    })
}

fn value<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
}

fn refuse_ambiguity(headers: &[(String, String)], minor: u8) -> Result<(), Refusal> {
    for (index, (name, content)) in headers.iter().enumerate() {
        let single = SINGLE.contains(&name.as_str()) || name.starts_with("x-arango-");
        if single && headers.iter().take(index).any(|(earlier, _)| earlier == name) {
            return Err(Refusal::malformed(format!(
                "the header `{name}` is there more than once"
            )));
        }
        if METHOD_OVERRIDES.contains(&name.as_str()) {
            return Err(Refusal::malformed(format!(
                "the header `{name}` asks for another method than the request line; send the method itself"
            )));
        }
        if name == "host" && !content.bytes().all(is_host_byte) {
            return Err(Refusal::malformed("the header `host` is no host name"));
        }
    }
    if minor == 1 && value(headers, "host").is_none() {
        return Err(Refusal::malformed("an HTTP/1.1 request without the header `host`"));
    }
    Ok(())
}

const fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']' | b'_' | b'%' | b'~')
}

fn framing(method: &str, headers: &[(String, String)], minor: u8, limits: &Limits) -> Result<Framing, Refusal> {
    let framing = match (value(headers, "content-length"), value(headers, "transfer-encoding")) {
        (Some(_), Some(_)) => {
            return Err(Refusal::malformed(
                "`content-length` and `transfer-encoding` in one request",
            ));
        }
        (None, Some(_)) if minor == 0 => {
            return Err(Refusal::malformed("`transfer-encoding` in an HTTP/1.0 request"));
        }
        (None, Some(coding)) if coding.eq_ignore_ascii_case("chunked") => Framing::Chunked,
        (None, Some(coding)) => {
            return Err(Refusal::new(
                Reason::Coding,
                format!("the transfer coding `{coding}` is not served; use `content-encoding` for compressed bodies"),
            ));
        }
        (Some(length), None) => Framing::Length(content_length(length, limits)?),
        (None, None) if matches!(method, "POST" | "PUT" | "PATCH") => Framing::Unstated,
        (None, None) => Framing::None,
    };
    match framing {
        Framing::Length(0) => Ok(Framing::None),
        // arangod reads the body of a HEAD as the next request.
        Framing::Length(_) | Framing::Chunked if matches!(method, "GET" | "HEAD" | "OPTIONS") => {
            Err(Refusal::malformed(format!("a {method} request with a body")))
        }
        other => Ok(other),
    }
}

fn content_length(text: &str, limits: &Limits) -> Result<usize, Refusal> {
    let canonical =
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if !canonical {
        return Err(Refusal::malformed(format!(
            "the content length `{text}` is not a plain decimal number"
        )));
    }
    match text.parse::<usize>() {
        Ok(length) if length <= limits.body_bytes => Ok(length),
        _ => Err(body_too_large(limits)),
    }
}

pub(super) fn body_too_large(limits: &Limits) -> Refusal {
    Refusal::new(
        Reason::BodyTooLarge,
        format!("the request's body is longer than {} bytes", limits.body_bytes),
    )
}

fn expectation(headers: &[(String, String)], minor: u8, framing: Framing) -> Result<bool, Refusal> {
    match value(headers, "expect") {
        None => Ok(false),
        Some(text) if text.eq_ignore_ascii_case("100-continue") => {
            // RFC 9110, 10.1.1: ignored from an HTTP/1.0 client, and pointless without a body.
            Ok(minor == 1 && matches!(framing, Framing::Length(_) | Framing::Chunked))
        }
        Some(text) => Err(Refusal::new(
            Reason::Expectation,
            format!("the expectation `{text}` is not `100-continue`"),
        )),
    }
}

fn keep_alive(headers: &[(String, String)], minor: u8) -> Result<bool, Refusal> {
    let mut keep_alive = minor == 1;
    let mut close = false;
    let options = headers.iter().filter(|(name, _)| name == "connection");
    for option in options.flat_map(|(_, value)| value.split(',')) {
        let option = option.trim_matches([' ', '\t']).to_ascii_lowercase();
        match option.as_str() {
            "close" => close = true,
            "keep-alive" => keep_alive = true,
            "" => {}
            other if CONNECTION_OPTIONS.contains(&other) => {}
            other => {
                return Err(Refusal::malformed(format!(
                    "the header `connection` names `{other}`, which is no connection option"
                )));
            }
        }
    }
    Ok(keep_alive && !close)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_bytes_are_ordinary_when_each_of_them_is() {
        for byte in 0..=u8::MAX {
            let one = matches!(byte, b'\t' | b' '..=b'~');
            for place in 0..8 {
                for other in [b' ', b'~', b'\t', b'x'] {
                    let mut word = [other; 8];
                    word[place] = byte;
                    assert_eq!(
                        all_ordinary(u64::from_ne_bytes(word)),
                        one,
                        "0x{byte:02x} at {place} among 0x{other:02x}"
                    );
                }
            }
        }
    }
}
