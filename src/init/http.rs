//! A client for one HTTP/1.1 request at a time: `health` to the gate, and the watch to the database's socket.
//!
//! Each request has a connection of its own, one deadline for all of it, and a bound on the answer. PID 1 itself never uses
//! this module.

mod loopback_tls;

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Longest answer, head and body.
const MOST_BYTES: usize = 8 * 1024 * 1024;
const MOST_HEADERS: usize = 64;

/// Where a request goes.
#[derive(Debug, Clone)]
pub(super) enum Peer {
    /// A server behind a Unix socket.
    Unix(PathBuf),
    /// A server on this host.
    Tcp(SocketAddr),
    /// The same over TLS; its certificate names other hosts and is not examined.
    Tls(SocketAddr),
}

/// A complete answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; `Null` if it is none.
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// A request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    /// The value of `Authorization`, if any.
    pub(super) authorization: Option<&'a str>,
    pub(super) body: Option<&'a serde_json::Value>,
}

/// Sends a request and reads the whole answer before the deadline.
pub(super) fn send(peer: &Peer, request: Request<'_>, timeout: Duration) -> io::Result<Answer> {
    let deadline = Instant::now() + timeout;
    match peer {
        Peer::Unix(path) => {
            let stream = UnixStream::connect(path)?;
            let limited = |stream: &mut UnixStream, left| {
                stream.set_read_timeout(Some(left))?;
                stream.set_write_timeout(Some(left))
            };
            exchange(stream, limited, request, deadline)
        }
        Peer::Tcp(address) => {
            let stream = TcpStream::connect_timeout(address, timeout)?;
            exchange(stream, |stream, left| limit(stream, left), request, deadline)
        }
        Peer::Tls(address) => {
            let stream = TcpStream::connect_timeout(address, timeout)?;
            let stream = loopback_tls::connect(stream, *address)?;
            exchange(stream, |stream, left| limit(&stream.sock, left), request, deadline)
        }
    }
}

fn limit(stream: &TcpStream, left: Duration) -> io::Result<()> {
    stream.set_read_timeout(Some(left))?;
    stream.set_write_timeout(Some(left))
}

fn exchange<S: Read + Write>(
    mut stream: S,
    limit: impl Fn(&mut S, Duration) -> io::Result<()>,
    request: Request<'_>,
    deadline: Instant,
) -> io::Result<Answer> {
    limit(&mut stream, left(deadline)?)?;
    stream.write_all(&render(request))?;
    let mut bytes = Vec::new();
    let mut chunk = vec![0; 16 * 1024];
    loop {
        limit(&mut stream, left(deadline)?)?;
        let length = match stream.read(&mut chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        bytes.extend_from_slice(&chunk[..length]);
        if bytes.len() > MOST_BYTES {
            return Err(malformed("the answer is too long"));
        }
        if let Some(answer) = parse(&bytes, length == 0)? {
            return Ok(answer);
        }
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    // Zero means "no timeout" to the socket.
    if left.is_zero() {
        Err(io::ErrorKind::TimedOut.into())
    } else {
        Ok(left)
    }
}

fn render(request: Request<'_>) -> Vec<u8> {
    let Request {
        method,
        path,
        authorization,
        body,
    } = request;
    let mut head =
        format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nUser-Agent: mallku-db\r\n");
    if let Some(value) = authorization {
        head.push_str("Authorization: ");
        head.push_str(value);
        head.push_str("\r\n");
    }
    let body = body.map(ToString::to_string).unwrap_or_default();
    if !body.is_empty() || matches!(method, "POST" | "PUT" | "PATCH") {
        head.push_str("Content-Type: application/json\r\nContent-Length: ");
        head.push_str(&body.len().to_string());
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    head.push_str(&body);
    head.into_bytes()
}

/// The answer, if it is complete.
fn parse(bytes: &[u8], ended: bool) -> io::Result<Option<Answer>> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(start) = response.parse(bytes).map_err(|error| malformed(&error.to_string()))?
    else {
        return Ok(None);
    };
    let status = response.code.ok_or_else(|| malformed("no status"))?;
    if (100..200).contains(&status) {
        return parse(&bytes[start..], ended);
    }
    let header = |name: &str| {
        response
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name))
            .map(|header| String::from_utf8_lossy(header.value).trim().to_owned())
    };
    let rest = &bytes[start..];
    let body = if status == 204 || status == 304 {
        Some(Vec::new())
    } else if header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        dechunk(rest)?
    } else if let Some(length) = header("content-length") {
        let length: usize = length.parse().map_err(|_| malformed("no valid Content-Length"))?;
        rest.get(..length).map(<[u8]>::to_vec)
    } else {
        ended.then(|| rest.to_vec())
    };
    Ok(body.map(|body| Answer { status, body }))
}

fn dechunk(mut bytes: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    loop {
        let Some(end) = bytes.windows(2).position(|pair| pair == b"\r\n") else {
            return Ok(None);
        };
        let size = std::str::from_utf8(&bytes[..end])
            .ok()
            .and_then(|line| usize::from_str_radix(line.split(';').next()?.trim(), 16).ok())
            .filter(|size| *size <= MOST_BYTES)
            .ok_or_else(|| malformed("no valid chunk size"))?;
        let Some(chunk) = bytes.get(end + 2..end + 2 + size) else {
            return Ok(None);
        };
        if size == 0 {
            return Ok(Some(body));
        }
        body.extend_from_slice(chunk);
        let Some(next) = bytes.get(end + 2 + size + 2..) else {
            return Ok(None);
        };
        bytes = next;
    }
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("malformed HTTP answer: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(bytes: &[u8], ended: bool) -> Option<String> {
        parse(bytes, ended)
            .unwrap()
            .map(|answer| String::from_utf8(answer.body).unwrap())
    }

    #[test]
    fn answers_in_every_framing() {
        let cases: &[(&[u8], bool, Option<&str>)] = &[
            (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false, Some("ok")),
            (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok", false, None),
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n1;x=y\r\n!\r\n0\r\n\r\n",
                false,
                Some("ok!"),
            ),
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
                false,
                None,
            ),
            (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", true, Some("until the end")),
            (b"HTTP/1.0 200 OK\r\n\r\nuntil", false, None),
            (b"HTTP/1.1 204 No Content\r\n\r\n", false, Some("")),
            (
                b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                false,
                Some(""),
            ),
            (b"HTTP/1.1 20", false, None),
        ];
        for (bytes, ended, expected) in cases {
            assert_eq!(
                body(bytes, *ended).as_deref(),
                *expected,
                "{}",
                String::from_utf8_lossy(bytes)
            );
        }
    }

    #[test]
    fn nonsense_is_an_error_and_no_panic() {
        for bytes in [
            &b"SSH-2.0-OpenSSH\r\n"[..],
            b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        ] {
            assert!(parse(bytes, true).is_err(), "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn a_silent_server_is_a_timeout() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let request = Request {
            method: "GET",
            path: "/",
            authorization: None,
            body: None,
        };
        let peer = Peer::Tcp(listener.local_addr().unwrap());
        let error = send(&peer, request, Duration::from_millis(50)).unwrap_err();
        assert!(
            matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock),
            "{error}"
        );
    }
}
