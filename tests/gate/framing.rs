//! Raw bytes at the gate: whatever has two readings reaches nobody, and what follows it is not taken for a request.

use crate::coordinator::{Coordinator, usual};
use crate::process::{Gate, basic};

const NOTES: (&str, &str) = ("notes", r#"{"type":"object","x-mallku":{"allow":["read","insert"]}}"#);
/// What an attacker wants to get through.
const SMUGGLED: &str = "DELETE /_api/user/smuggled HTTP/1.1\r\nHost: db\r\n\r\n";
const BODY: &str = r#"{"query":"RETURN 1"}"#;

fn bench() -> (Gate, Coordinator) {
    let coordinator = Coordinator::plain(usual);
    let gate = Gate::start(&format!("http://127.0.0.1:{}", coordinator.port), &[NOTES], &[]);
    (gate, coordinator)
}

/// Statuses of all answers in what came back.
fn statuses(answer: &[u8]) -> Vec<u16> {
    let text = String::from_utf8_lossy(answer);
    text.split("HTTP/1.1 ")
        .skip(1)
        .filter_map(|part| part.get(..3)?.parse().ok())
        .collect()
}

/// Requests that must be refused, each with what would be smuggled behind it.
fn refused() -> Vec<(&'static str, String)> {
    let post =
        |lines: &str, body: &str| format!("POST /_api/cursor HTTP/1.1\r\nHost: db\r\n{lines}\r\n{body}{SMUGGLED}");
    let get = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: db\r\n\r\n{SMUGGLED}");
    let length = BODY.len();
    let chunked = format!("{length:x}\r\n{BODY}\r\n0\r\n\r\n");
    let both = format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n");
    let mut cases = vec![
        ("length and chunks", post(&both, &chunked)),
        (
            "chunks and length",
            post(
                &format!("Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n"),
                &chunked,
            ),
        ),
        (
            "two lengths",
            post(&format!("Content-Length: {length}\r\nContent-Length: 0\r\n"), BODY),
        ),
        (
            "two equal lengths",
            post(
                &format!("Content-Length: {length}\r\nContent-Length: {length}\r\n"),
                BODY,
            ),
        ),
        (
            "list of lengths",
            post(&format!("Content-Length: {length}, {length}\r\n"), BODY),
        ),
        ("signed length", post(&format!("Content-Length: +{length}\r\n"), BODY)),
        ("hexadecimal length", post("Content-Length: 0x14\r\n", BODY)),
        (
            "length with zeros",
            post(&format!("Content-Length: 0{length}\r\n"), BODY),
        ),
        (
            "length of another script",
            post("Content-Length: \u{0662}\u{0660}\r\n", BODY),
        ),
        ("negative length", post("Content-Length: -1\r\n", BODY)),
        ("empty length", post("Content-Length:\r\n", BODY)),
        ("huge length", post("Content-Length: 18446744073709551636\r\n", BODY)),
        (
            "blank before the colon",
            post(&format!("Content-Length : {length}\r\n"), BODY),
        ),
        (
            "tab before the colon",
            post("Transfer-Encoding\t: chunked\r\n", &chunked),
        ),
        (
            "chunked twice",
            post("Transfer-Encoding: chunked, chunked\r\n", &chunked),
        ),
        (
            "two transfer encodings",
            post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", &chunked),
        ),
        (
            "trailers",
            post(
                "Transfer-Encoding: chunked\r\n",
                &format!("{length:x}\r\n{BODY}\r\n0\r\nX-Arango-Async: store\r\n\r\n"),
            ),
        ),
        ("identity", post("Transfer-Encoding: identity\r\n", &chunked)),
        (
            "identity, chunked",
            post("Transfer-Encoding: identity, chunked\r\n", &chunked),
        ),
        ("gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n", &chunked)),
        (
            "chunked by another name",
            post("Transfer-Encoding: xchunked\r\n", &chunked),
        ),
        ("vertical tab", post("Transfer-Encoding: \u{b}chunked\r\n", &chunked)),
        ("underscore", post("Transfer_Encoding: chunked\r\n", &chunked)),
        ("folded line", post("Transfer-Encoding:\r\n chunked\r\n", &chunked)),
        (
            "folded header",
            post(&format!("X-A: b\r\n\tc\r\nContent-Length: {length}\r\n"), BODY),
        ),
        (
            "bare line feeds",
            post(&format!("X-A: b\nContent-Length: {length}\r\n"), BODY),
        ),
        (
            "bare carriage return",
            post(&format!("X-A: b\rContent-Length: {length}\r\n"), BODY),
        ),
        (
            "NUL in a value",
            post(&format!("X-A: b\0\r\nContent-Length: {length}\r\n"), BODY),
        ),
        (
            "NUL in a name",
            post(&format!("X\0A: b\r\nContent-Length: {length}\r\n"), BODY),
        ),
        ("no name", post(&format!(": b\r\nContent-Length: {length}\r\n"), BODY)),
        (
            "no colon",
            post(&format!("nothing\r\nContent-Length: {length}\r\n"), BODY),
        ),
        (
            "second host",
            post(&format!("Host: other\r\nContent-Length: {length}\r\n"), BODY),
        ),
        (
            "connection that names a length",
            post(
                &format!("Connection: content-length\r\nContent-Length: {length}\r\n"),
                BODY,
            ),
        ),
        (
            "connection that names the credentials",
            post(
                &format!("Connection: close, Authorization\r\nContent-Length: {length}\r\n"),
                BODY,
            ),
        ),
        (
            "method override",
            post(
                &format!("X-HTTP-Method-Override: DELETE\r\nContent-Length: {length}\r\n"),
                BODY,
            ),
        ),
        (
            "unknown expectation",
            post(&format!("Expect: 200-ok\r\nContent-Length: {length}\r\n"), BODY),
        ),
        ("no length", post("", "")),
        (
            "chunk size with a sign",
            post("Transfer-Encoding: chunked\r\n", &format!("+{chunked}")),
        ),
        (
            "chunk size with 0x",
            post("Transfer-Encoding: chunked\r\n", &format!("0x{chunked}")),
        ),
        (
            "chunk size with a blank",
            post("Transfer-Encoding: chunked\r\n", &format!(" {chunked}")),
        ),
        (
            "chunk size that overflows",
            post("Transfer-Encoding: chunked\r\n", "10000000000000014\r\n"),
        ),
        (
            "chunk without its end",
            post(
                "Transfer-Encoding: chunked\r\n",
                &format!("{length:x}\r\n{BODY}X\r\n0\r\n\r\n"),
            ),
        ),
        (
            "chunk ended by line feeds",
            post("Transfer-Encoding: chunked\r\n", &format!("{length:x}\n{BODY}\n0\n\n")),
        ),
        (
            "chunk extension of 64 KiB",
            post(
                "Transfer-Encoding: chunked\r\n",
                &format!("{length:x};a={}\r\n{BODY}\r\n0\r\n\r\n", "x".repeat(65536)),
            ),
        ),
        (
            "body with HEAD",
            format!("HEAD /_api/version HTTP/1.1\r\nHost: db\r\nContent-Length: 5\r\n\r\nabcde{SMUGGLED}"),
        ),
        (
            "body with GET",
            format!("GET /_api/version HTTP/1.1\r\nHost: db\r\nContent-Length: 5\r\n\r\nabcde{SMUGGLED}"),
        ),
        ("no host", format!("GET /_api/version HTTP/1.1\r\n\r\n{SMUGGLED}")),
        (
            "old version",
            format!("GET /_api/version HTTP/0.9\r\nHost: db\r\n\r\n{SMUGGLED}"),
        ),
        (
            "another protocol",
            format!("GET /_api/version RTSP/1.0\r\nHost: db\r\n\r\n{SMUGGLED}"),
        ),
        ("HTTP/2", format!("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{SMUGGLED}")),
        ("VelocyStream", format!("VST/1.1\r\n\r\n{SMUGGLED}")),
        (
            "blanks in the request line",
            format!("GET  /_api/version HTTP/1.1\r\nHost: db\r\n\r\n{SMUGGLED}"),
        ),
        (
            "blank before a header",
            format!("GET /_api/version HTTP/1.1\r\n Host: db\r\n\r\n{SMUGGLED}"),
        ),
        (
            "lower-case method",
            format!("get /_api/version HTTP/1.1\r\nHost: db\r\n\r\n{SMUGGLED}"),
        ),
        ("TLS", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}".repeat(20)),
    ];
    for target in [
        "http://db/_api/version",
        "//db/_api/version",
        "db:80",
        "*",
        "/../_api/version",
        "/_api/../_api/version",
        "/_api/./version",
        "/_api/%2e%2e/_api/version",
        "/_api/%252e%252e/version",
        "/_api//version",
        "/%5fapi/version",
        "/_api/%76ersion",
        "/_api%2Fversion",
        "/_api/version%00",
        "/_api/version;a=b",
        "/_api/version#x",
        "/_api\\version",
        "/_api/document/notes%2F1/2",
        "/_api/document/notes/%zz",
        "/_api/document/notes/%2",
        "/_db/_system/_db/_system/_api/version",
        "/_db/%2Fsystem/_api/version",
        "/_DB/_system/_api/version",
        "/_api/version?details",
        "/_api/version?details=true&details=false",
        "/_api/version?details=%zz",
        "/_api/version\u{e9}",
    ] {
        cases.push(("target", get(target)));
    }
    cases
}

#[test]
fn what_has_two_readings_reaches_nobody_and_nothing_follows_it() {
    let (gate, coordinator) = bench();
    let credentials = format!("Host: db\r\nAuthorization: {}\r\n", basic("app", "pw"));
    let cases = refused();
    for (name, bytes) in &cases {
        // With right credentials, so that nothing else can be what refuses it; closed by us at last.
        let first_host = bytes.replacen("Host: db\r\n", &credentials, 1);
        let request = format!("{first_host}GET /livez HTTP/1.1\r\nHost: db\r\nConnection: close\r\n\r\n");
        let answer = gate.raw(request.as_bytes());
        let statuses = statuses(&answer);
        let line = request.lines().next().unwrap_or_default();
        // VelocyStream and TLS get no HTTP.
        assert!(
            statuses.first().is_none_or(|status| (400..=505).contains(status)),
            "{name}: {line}: {statuses:?}"
        );
        let seen = coordinator.seen();
        let asked = |line: &str| line.ends_with("/_api/version") || line.ends_with("/_api/cluster/endpoints");
        assert!(
            seen.iter()
                .all(|request| request.line.starts_with("GET ") && asked(&request.line)),
            "{name}: {line}: {seen:?}"
        );
    }
    assert!(cases.len() > 75, "{}", cases.len());
}

#[test]
fn what_has_one_reading_passes_and_is_framed_anew() {
    let (gate, coordinator) = bench();
    let credentials = format!("Authorization: {}\r\n", basic("app", "pw"));
    let length = BODY.len();
    let half = length / 2;
    let (first, second) = BODY.split_at(half);
    let rest = length - half;
    let bodies = [
        ("plain", format!("Content-Length: {length}\r\n"), BODY.to_owned()),
        (
            "chunks",
            "Transfer-Encoding: chunked\r\n".to_owned(),
            format!("{half:x}\r\n{first}\r\n{rest:X}\r\n{second}\r\n0\r\n\r\n"),
        ),
        (
            "extensions",
            "transfer-encoding: Chunked\r\n".to_owned(),
            format!("{length:x};a=b\r\n{BODY}\r\n0\r\n\r\n"),
        ),
        (
            "expectation",
            format!("Expect: 100-continue\r\nContent-Length: {length}\r\n"),
            BODY.to_owned(),
        ),
        (
            "upgrade",
            format!("Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: {length}\r\n"),
            BODY.to_owned(),
        ),
        (
            "HTTP/2 upgrade",
            format!(
                "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nContent-Length: {length}\r\n"
            ),
            BODY.to_owned(),
        ),
    ];
    for (name, lines, body) in bodies {
        let request = format!(
            "POST /_api/cursor HTTP/1.1\r\nHost: db\r\n{credentials}{lines}\r\n{body}\
             GET /livez HTTP/1.1\r\nHost: db\r\nConnection: close\r\n\r\n"
        );
        let statuses = statuses(&gate.raw(request.as_bytes()));
        let expected: &[u16] = if name == "expectation" {
            &[100, 201, 200]
        } else {
            &[201, 200]
        };
        assert!(
            statuses == expected || statuses == expected[expected.len() - 2..],
            "{name}: {statuses:?}"
        );
        let seen = coordinator.seen();
        assert_eq!(seen.len(), 1, "{name}: {seen:?}");
        let head = seen[0].head.to_ascii_lowercase();
        assert_eq!(head.matches("content-length:").count(), 1, "{name}: {head}");
        assert_eq!(head.matches("authorization:").count(), 1, "{name}: {head}");
        for hop in [
            "transfer-encoding",
            "upgrade",
            "http2",
            "expect",
            "x-arango-async",
            "connection",
        ] {
            assert!(!head.contains(hop), "{name}: {head}");
        }
        assert_eq!(seen[0].json()["query"], "RETURN 1", "{name}");
    }
}

#[test]
fn a_request_that_breaks_off_reaches_nobody() {
    let (gate, coordinator) = bench();
    let whole = format!(
        "POST /_api/cursor HTTP/1.1\r\nHost: db\r\nAuthorization: {}\r\nContent-Length: {}\r\n\r\n{BODY}",
        basic("app", "pw"),
        BODY.len()
    );
    for end in (1..whole.len()).step_by(7) {
        let mut stream = std::net::TcpStream::connect(&gate.address).unwrap();
        std::io::Write::write_all(&mut stream, &whole.as_bytes()[..end]).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut rest = Vec::new();
        let _ = std::io::Read::read_to_end(&mut stream, &mut rest);
        assert!(statuses(&rest).iter().all(|status| *status >= 400), "{end}");
    }
    assert_eq!(coordinator.seen().len(), 0);
}
