//! Requests that could be read in two ways, or in none: each is refused, the connection ends, and the handler saw nothing.

use std::sync::Arc;

use super::*;
use crate::gate::door::Reason;
use crate::gate::door::reader::{Reader, Step};

/// Sends each input to a fresh connection; `expected` is the status, 0 for a close without an answer.
fn refused(cases: &[(&str, &[u8], u16)]) {
    let echo = Arc::new(Echo::default());
    let house = House::shared(echo.clone(), Settings::default());
    for (what, input, expected) in cases {
        let mut client = house.connect();
        client.send(input);
        let answer = client.answer();
        assert_eq!(
            answer.as_ref().map_or(0, |answer| answer.status),
            *expected,
            "{what}: {answer:?}"
        );
        let answer = answer.unwrap();
        let error: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(error["error"], true, "{what}");
        assert_eq!(error["code"], *expected, "{what}");
        assert!(
            error["errorNum"].is_u64() && error["errorMessage"].is_string(),
            "{what}: {error}"
        );
        assert_eq!(answer.header("Connection"), Some("Close"), "{what}");
        assert!(client.at_end(), "{what}: the connection ends");
    }
    let seen = echo.seen.lock().unwrap();
    assert!(seen.is_empty(), "the handler saw {seen:?}");
}

/// A request with these lines after its request line, and a second one behind it that must never be read.
macro_rules! head {
    ($method:literal, $lines:literal) => {
        concat!(
            $method,
            " / HTTP/1.1\r\nHost: db\r\n",
            $lines,
            "\r\nGET /ghost HTTP/1.1\r\nHost: db\r\n\r\n"
        )
        .as_bytes()
    };
}

#[test]
fn lengths_that_two_readers_could_read_differently() {
    refused(&[
        (
            "both",
            head!("POST", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
            400,
        ),
        (
            "both, other order",
            head!("POST", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
            400,
        ),
        (
            "twice, equal",
            head!("POST", "Content-Length: 5\r\nContent-Length: 5\r\n"),
            400,
        ),
        (
            "twice, different",
            head!("POST", "Content-Length: 5\r\nContent-Length: 6\r\n"),
            400,
        ),
        ("list", head!("POST", "Content-Length: 5, 5\r\n"), 400),
        ("plus", head!("POST", "Content-Length: +5\r\n"), 400),
        ("leading zeros", head!("POST", "Content-Length: 005\r\n"), 400),
        ("hexadecimal", head!("POST", "Content-Length: 0x5\r\n"), 400),
        ("negative", head!("POST", "Content-Length: -1\r\n"), 400),
        ("empty", head!("POST", "Content-Length:\r\n"), 400),
        ("inner blank", head!("POST", "Content-Length: 1 2\r\n"), 400),
        ("2^64", head!("POST", "Content-Length: 18446744073709551616\r\n"), 413),
        ("over the limit", head!("POST", "Content-Length: 16777217\r\n"), 413),
        ("blank before the colon", head!("POST", "Content-Length : 5\r\n"), 400),
        (
            "coding, blank before the colon",
            head!("POST", "Transfer-Encoding : chunked\r\n"),
            400,
        ),
        (
            "coding behind a control byte",
            head!("POST", "\x0bTransfer-Encoding: chunked\r\n"),
            400,
        ),
        (
            "coding with an underscore",
            head!("POST", "Transfer_Encoding: chunked\r\n"),
            400,
        ),
        ("length with an underscore", head!("POST", "Content_Length: 5\r\n"), 400),
        ("gzip", head!("POST", "Transfer-Encoding: gzip\r\n"), 501),
        (
            "chunked, gzip",
            head!("POST", "Transfer-Encoding: chunked, gzip\r\n"),
            501,
        ),
        (
            "gzip, chunked",
            head!("POST", "Transfer-Encoding: gzip, chunked\r\n"),
            501,
        ),
        (
            "chunked twice",
            head!("POST", "Transfer-Encoding: chunked, chunked\r\n"),
            501,
        ),
        (
            "chunked in two fields",
            head!("POST", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
            400,
        ),
        ("identity", head!("POST", "Transfer-Encoding: identity\r\n"), 501),
        ("xchunked", head!("POST", "Transfer-Encoding: xchunked\r\n"), 501),
        ("quoted", head!("POST", "Transfer-Encoding: \"chunked\"\r\n"), 501),
        ("no length and bytes after", head!("POST", ""), 411),
        ("no length and bytes after a PATCH", head!("PATCH", ""), 411),
        ("HEAD with a body", head!("HEAD", "Content-Length: 50\r\n"), 400),
        ("GET with a body", head!("GET", "Content-Length: 50\r\n"), 400),
        ("GET with chunks", head!("GET", "Transfer-Encoding: chunked\r\n"), 400),
        ("OPTIONS with a body", head!("OPTIONS", "Content-Length: 50\r\n"), 400),
        (
            "chunks in HTTP/1.0",
            b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
    ]);
}

#[test]
fn chunks_that_two_readers_could_read_differently() {
    macro_rules! chunks {
        ($body:expr) => {
            concat!(
                "POST / HTTP/1.1\r\nHost: db\r\nTransfer-Encoding: chunked\r\n\r\n",
                $body
            )
            .as_bytes()
        };
    }
    refused(&[
        ("17 digits", chunks!("FFFFFFFFFFFFFFFFF\r\n"), 400),
        ("9 digits", chunks!("000000004\r\nWiki\r\n0\r\n\r\n"), 400),
        ("over the limit", chunks!("1000001\r\n"), 413),
        ("negative", chunks!("-1\r\n"), 400),
        ("0x", chunks!("0x4\r\nWiki\r\n0\r\n\r\n"), 400),
        ("blank before", chunks!(" 4\r\nWiki\r\n0\r\n\r\n"), 400),
        ("blank after", chunks!("4 \r\nWiki\r\n0\r\n\r\n"), 400),
        ("empty size", chunks!("\r\nWiki\r\n0\r\n\r\n"), 400),
        ("only an extension", chunks!(";a=b\r\n0\r\n\r\n"), 400),
        ("bare LF after the size", chunks!("4\nWiki\r\n0\r\n\r\n"), 400),
        ("bare CR in the size line", chunks!("4\rx\r\nWiki\r\n0\r\n\r\n"), 400),
        ("bare LF after the data", chunks!("4\r\nWiki\n0\r\n\r\n"), 400),
        ("nothing after the data", chunks!("4\r\nWiki0\r\n\r\n"), 400),
        ("longer than its size", chunks!("4\r\nWikipedia\r\n0\r\n\r\n"), 400),
        (
            "control byte in an extension",
            chunks!("4;\x07\r\nWiki\r\n0\r\n\r\n"),
            400,
        ),
        ("length in the trailer", chunks!("0\r\nContent-Length: 1\r\n\r\n"), 400),
        ("host in the trailer", chunks!("0\r\nhost: x\r\n\r\n"), 400),
        (
            "credentials in the trailer",
            chunks!("0\r\nAUTHORIZATION: Basic cm9vdDo=\r\n\r\n"),
            400,
        ),
        (
            "transaction in the trailer",
            chunks!("0\r\nx-arango-trx-id: 1\r\n\r\n"),
            400,
        ),
        ("no field in the trailer", chunks!("0\r\nGET / HTTP/1.1\r\n\r\n"), 400),
        ("folded trailer", chunks!("0\r\nA: b\r\n c\r\n\r\n"), 400),
    ]);
}

#[test]
fn an_endless_chunk_extension_or_trailer_ends() {
    let start = "POST / HTTP/1.1\r\nHost: db\r\nTransfer-Encoding: chunked\r\n\r\n";
    let line = format!("{start}4;{}\r\nWiki\r\n0\r\n\r\n", "x".repeat(300));
    let sum = format!(
        "{start}{}0\r\n\r\n",
        format!("1;{}\r\nx\r\n", "x".repeat(200)).repeat(30)
    );
    let trailer = format!("{start}0\r\n{}\r\n", "a: b\r\n".repeat(1000));
    refused(&[
        ("one long extension", line.as_bytes(), 400),
        ("many extensions", sum.as_bytes(), 400),
        ("a long trailer", trailer.as_bytes(), 431),
    ]);
}

#[test]
fn heads_that_two_readers_could_read_differently() {
    refused(&[
        ("folded line", head!("GET", "A: b\r\n c\r\n"), 400),
        ("folded with a tab", head!("GET", "A: b\r\n\tc\r\n"), 400),
        (
            "blank before the first field",
            b"GET / HTTP/1.1\r\n Host: db\r\n\r\n",
            400,
        ),
        (
            "bare LF after the request line",
            b"GET / HTTP/1.1\nHost: db\r\n\r\n",
            400,
        ),
        ("bare LF after a field", b"GET / HTTP/1.1\r\nHost: db\n\r\n", 400),
        ("bare LF at the end", b"GET / HTTP/1.1\r\nHost: db\r\n\n", 400),
        ("bare CR in a value", head!("GET", "A: b\rc\r\n"), 400),
        ("CR CR LF", head!("GET", "A: b\r\r\n"), 400),
        ("NUL in a value", head!("GET", "A: b\0c\r\n"), 400),
        ("NUL in a name", head!("GET", "A\0: b\r\n"), 400),
        ("DEL in a value", head!("GET", "A: b\x7f\r\n"), 400),
        (
            "UTF-8 in a value",
            "GET / HTTP/1.1\r\nHost: db\r\nA: ü\r\n\r\n".as_bytes(),
            400,
        ),
        (
            "Latin-1 in a value",
            b"GET / HTTP/1.1\r\nHost: db\r\nA: \xfc\r\n\r\n",
            400,
        ),
        ("empty name", head!("GET", ": b\r\n"), 400),
        ("no colon", head!("GET", "abc\r\n"), 400),
        ("blank in a name", head!("GET", "A B: c\r\n"), 400),
        ("bracket in a name", head!("GET", "A(B): c\r\n"), 400),
        (
            "two empty lines first",
            b"\r\n\r\nGET / HTTP/1.1\r\nHost: db\r\n\r\n",
            400,
        ),
        ("no host", b"GET / HTTP/1.1\r\n\r\n", 400),
        ("two hosts", head!("GET", "Host: db\r\n"), 400),
        ("host with a path", b"GET / HTTP/1.1\r\nHost: db/x\r\n\r\n", 400),
        ("host with user info", b"GET / HTTP/1.1\r\nHost: a@db\r\n\r\n", 400),
        (
            "two authorizations",
            head!("GET", "Authorization: Basic YTpi\r\nauthorization: Basic cm9vdDo=\r\n"),
            400,
        ),
        (
            "two transactions",
            head!("GET", "x-arango-trx-id: 1\r\nX-Arango-Trx-Id: 2\r\n"),
            400,
        ),
        (
            "two content types",
            head!("GET", "Content-Type: a\r\nContent-Type: b\r\n"),
            400,
        ),
        (
            "two content encodings",
            head!("GET", "Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n"),
            400,
        ),
        ("two if-match", head!("GET", "If-Match: a\r\nIf-Match: b\r\n"), 400),
        (
            "method override",
            head!("GET", "X-HTTP-Method-Override: DELETE\r\n"),
            400,
        ),
        (
            "method override, second form",
            head!("GET", "X-HTTP-Method: DELETE\r\n"),
            400,
        ),
        (
            "method override, third form",
            head!("GET", "X-Method-Override: DELETE\r\n"),
            400,
        ),
        (
            "connection names authorization",
            head!("GET", "Connection: close, Authorization\r\n"),
            400,
        ),
        (
            "connection names a transaction",
            head!("GET", "Connection: x-arango-trx-id\r\n"),
            400,
        ),
        ("connection names host", head!("GET", "Connection: host\r\n"), 400),
        (
            "another expectation",
            head!("POST", "Expect: x\r\nContent-Length: 1\r\n"),
            417,
        ),
    ]);
}

#[test]
fn request_lines_that_are_none() {
    refused(&[
        (
            "two blanks before the target",
            b"GET  / HTTP/1.1\r\nHost: db\r\n\r\n",
            400,
        ),
        (
            "two blanks before the version",
            b"GET /  HTTP/1.1\r\nHost: db\r\n\r\n",
            400,
        ),
        ("blank at the end", b"GET / HTTP/1.1 \r\nHost: db\r\n\r\n", 400),
        ("blank at the start", b" GET / HTTP/1.1\r\nHost: db\r\n\r\n", 400),
        ("tab", b"GET\t/ HTTP/1.1\r\nHost: db\r\n\r\n", 400),
        ("no version", b"GET /\r\n\r\n", 400),
        ("only a word", b"GET\r\n\r\n", 400),
        ("HTTP/0.9", b"GET / HTTP/0.9\r\n\r\n", 505),
        ("HTTP/1.2", b"GET / HTTP/1.2\r\n\r\n", 505),
        ("HTTP/2.0 in text", b"GET / HTTP/2.0\r\n\r\n", 505),
        ("HTTP/1.10", b"GET / HTTP/1.10\r\n\r\n", 400),
        ("lower-case version", b"GET / http/1.1\r\n\r\n", 400),
        ("RTSP", b"GET / RTSP/1.0\r\n\r\n", 400),
        ("ICE", b"GET / ICE/1.0\r\n\r\n", 400),
        ("TRACE", b"TRACE / HTTP/1.1\r\nHost: db\r\n\r\n", 405),
        ("CONNECT", b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        ("PURGE", b"PURGE / HTTP/1.1\r\nHost: db\r\n\r\n", 405),
        ("M-SEARCH", b"M-SEARCH / HTTP/1.1\r\nHost: db\r\n\r\n", 405),
        ("lower case", b"post / HTTP/1.1\r\nHost: db\r\n\r\n", 405),
        ("no method", b"/ HTTP/1.1\r\nHost: db\r\n\r\n", 400),
        ("method with a bracket", b"GE(T / HTTP/1.1\r\nHost: db\r\n\r\n", 400),
    ]);
}

#[test]
fn targets_that_other_readers_split_elsewhere() {
    refused(&[
        (
            "absolute form",
            b"GET http://x/_api/version HTTP/1.1\r\nHost: db\r\n\r\n",
            400,
        ),
        (
            "absolute form without authority",
            b"GET http:/_api/version HTTP/1.1\r\nHost: db\r\n\r\n",
            400,
        ),
        (
            "absolute form with user info",
            b"GET http://root:@x/ HTTP/1.1\r\nHost: db\r\n\r\n",
            400,
        ),
        ("asterisk", b"OPTIONS * HTTP/1.1\r\nHost: db\r\n\r\n", 400),
        ("authority", b"GET db:8529 HTTP/1.1\r\nHost: db\r\n\r\n", 400),
        (
            "fragment",
            b"GET /_api/version#/../../_users HTTP/1.1\r\nHost: db\r\n\r\n",
            400,
        ),
        ("backslash", b"GET \\_api\\cursor HTTP/1.1\r\nHost: db\r\n\r\n", 400),
        (
            "backslash later",
            b"GET /_api\\cursor HTTP/1.1\r\nHost: db\r\n\r\n",
            400,
        ),
        ("quote", b"GET /\" HTTP/1.1\r\nHost: db\r\n\r\n", 400),
        ("angle bracket", b"GET /<a> HTTP/1.1\r\nHost: db\r\n\r\n", 400),
        ("UTF-8", "GET /ü HTTP/1.1\r\nHost: db\r\n\r\n".as_bytes(), 400),
        ("NUL", b"GET /a\0b HTTP/1.1\r\nHost: db\r\n\r\n", 400),
        ("DEL", b"GET /a\x7f HTTP/1.1\r\nHost: db\r\n\r\n", 400),
        ("escape without digits", b"GET /a%zz HTTP/1.1\r\nHost: db\r\n\r\n", 400),
        ("half an escape", b"GET /a%4 HTTP/1.1\r\nHost: db\r\n\r\n", 400),
        ("lone percent", b"GET /a% HTTP/1.1\r\nHost: db\r\n\r\n", 400),
        (
            "bad escape in the query string",
            b"GET /?a=%zz HTTP/1.1\r\nHost: db\r\n\r\n",
            400,
        ),
    ]);
}

#[test]
fn amounts_over_their_limits() {
    let target = format!("GET /{} HTTP/1.1\r\nHost: db\r\n\r\n", "a".repeat(8 * 1024));
    let endless_target = format!("GET /{}", "a".repeat(16 * 1024));
    let query = format!("GET /?{} HTTP/1.1\r\nHost: db\r\n\r\n", "a=1&".repeat(10_000));
    let head = format!("GET / HTTP/1.1\r\nHost: db\r\nA: {}\r\n\r\n", "a".repeat(33 * 1024));
    let endless_head = format!("GET / HTTP/1.1\r\nHost: db\r\nA: {}", "a".repeat(40 * 1024));
    let fields = format!("GET / HTTP/1.1\r\nHost: db\r\n{}\r\n", "a: b\r\n".repeat(100));
    refused(&[
        ("a long target", target.as_bytes(), 414),
        ("a target without end", endless_target.as_bytes(), 414),
        ("many parameters", query.as_bytes(), 414),
        ("a long head", head.as_bytes(), 431),
        ("a head without end", endless_head.as_bytes(), 431),
        ("101 fields", fields.as_bytes(), 431),
    ]);
    // What is just within passes.
    let house = House::new(Echo::default(), Settings::default());
    let target = format!("/{}", "a".repeat(8 * 1024 - 1));
    let fields = format!("GET / HTTP/1.1\r\nHost: db\r\n{}\r\n", "a: b\r\n".repeat(99));
    for request in [get(&target), fields] {
        assert_eq!(house.connect().send(&request).answer().unwrap().status, 200);
    }
}

#[test]
fn other_protocols_learn_what_to_do() {
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    refused(&[
        ("HTTP/2", preface, 400),
        ("VelocyStream 1.0", b"VST/1.0\r\n\r\n", 400),
        ("VelocyStream 1.1", b"VST/1.1\r\n\r\n\x24\0\0\0", 400),
        ("TLS", hello, 400),
        ("SSH", b"SSH-2.0-OpenSSH_9.2p1\r\n", 400),
        ("zeros", b"\0\0\0\0", 400),
    ]);
    let house = House::new(Echo::default(), Settings::default());
    for (opening, advice) in [
        (preface.as_slice(), "Protocol.HTTP_JSON"),
        (preface.as_slice(), "NewHttpConnection"),
        (b"VST/1.1\r\n\r\n".as_slice(), "Protocol.HTTP_JSON"),
        (hello.as_slice(), "MALLKU_TLS_CERT"),
    ] {
        let answer = house.connect().send(opening).answer().unwrap();
        assert!(answer.text().contains(advice), "{}", answer.text());
    }
}

#[test]
fn a_denial_names_its_rule() {
    let house = House::new(Echo::default(), Settings::default());
    for (request, rule) in [
        ("GET / HTTP/1.1\r\n\r\n", "request-malformed"),
        (
            "POST / HTTP/1.1\r\nHost: db\r\nContent-Length: 99999999999\r\n\r\n",
            "limit-exceeded",
        ),
    ] {
        let answer = house.connect().send(request).answer().unwrap();
        let error: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(error["denials"][0]["rule"], rule);
    }
    let answer = house
        .connect()
        .send("PURGE / HTTP/1.1\r\nHost: db\r\n\r\n")
        .answer()
        .unwrap();
    assert_eq!(
        answer.header("Allow"),
        Some("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
    );
}

#[test]
fn a_refusal_ends_a_pipeline_where_it_stands() {
    let echo = Arc::new(Echo::default());
    let house = House::shared(echo.clone(), Settings::default());
    let mut client = house.connect();
    client.send(get("/first") + "GET / HTTP/1.1\r\n\r\n" + &get("/never"));
    assert_eq!(client.answer().unwrap().status, 200);
    assert_eq!(client.answer().unwrap().status, 400);
    assert!(client.at_end());
    assert_eq!(*echo.seen.lock().unwrap(), ["GET /first "]);
}

#[test]
fn a_byte_that_no_field_may_hold_is_found_wherever_it_stands() {
    let limits = Limits::default();
    for length in (0..70).chain([1000]) {
        for wrong in [b'\0', b'\n', 0x1f, 0x7f, 0x80, 0xff] {
            let mut input = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(length)).into_bytes();
            input.push(wrong);
            input.extend_from_slice(&[b'x'; 100]);
            let mut reader = Reader::new();
            reader.push(&input);
            assert!(
                matches!(reader.step(None, &limits), Step::Refused(refusal) if refusal.reason == Reason::Malformed),
                "0x{wrong:02x} after {length} bytes"
            );
        }
    }
}

#[test]
fn a_head_may_be_as_long_as_the_limit_says() {
    let limits = Limits::default();
    let head = |length: usize| {
        let rest = length - "GET / HTTP/1.1\r\nHost: db\r\nX: \r\n\r\n".len();
        format!("GET / HTTP/1.1\r\nHost: db\r\nX: {}\r\n\r\n", "x".repeat(rest))
    };
    for (length, passes) in [(-40, true), (-1, true), (0, true), (1, false), (2, false), (33, false)] {
        let length = limits.head_bytes.checked_add_signed(length).unwrap();
        let mut reader = Reader::new();
        reader.push(head(length).as_bytes());
        let step = reader.step(None, &limits);
        assert_eq!(matches!(step, Step::Complete(_)), passes, "{length}: {step:?}");
        if !passes {
            assert!(matches!(step, Step::Refused(refusal) if refusal.reason == Reason::HeadTooLarge));
        }
    }
}

#[test]
fn one_empty_line_before_a_request_is_allowed() {
    let house = House::new(Echo::default(), Settings::default());
    let mut client = house.connect();
    client.send(format!("\r\n{}\r\n{}", get("/a"), get("/b")));
    assert_eq!(client.answer().unwrap().text(), "GET /a ");
    assert_eq!(client.answer().unwrap().text(), "GET /b ");
}

mod laws {
    use proptest::prelude::*;

    use crate::gate::door::limits::Limits;
    use crate::gate::door::reader::{Reader, Step};

    /// What a reader makes of pieces: descriptions of requests, and whether it refused.
    fn read(pieces: &[&[u8]]) -> (Vec<String>, Option<String>) {
        let limits = Limits {
            body_bytes: 64,
            ..Limits::default()
        };
        let mut reader = Reader::new();
        let mut seen = Vec::new();
        for piece in pieces {
            reader.push(piece);
            loop {
                match reader.step(None, &limits) {
                    Step::Wait => break,
                    Step::SendContinue => {}
                    Step::Complete(complete) => {
                        seen.push(format!(
                            "{} {:?}",
                            super::describe(&complete.request),
                            complete.request.headers
                        ));
                    }
                    Step::Refused(refusal) => return (seen, Some(refusal.message)),
                }
            }
        }
        (seen, None)
    }

    fn fragment() -> impl Strategy<Value = String> {
        prop_oneof![
            Just("GET / HTTP/1.1\r\nHost: db\r\n\r\n".to_owned()),
            Just("POST /a?b=%20 HTTP/1.1\r\nHost: db\r\nContent-Length: 3\r\n\r\nabc".to_owned()),
            Just("POST / HTTP/1.1\r\nHost: db\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n".to_owned()),
            Just("HEAD / HTTP/1.1\r\nHost: db\r\nExpect: 100-continue\r\n\r\n".to_owned()),
            Just("\r\n".to_owned()),
            Just("GET / HTTP/1.1\r\nHost: db\r\n".to_owned()),
            Just("Content-Length: 70\r\n".to_owned()),
            // Longer than a block of the scanner's.
            "X: [ -~]{20,120}\r\n",
            Just("\n".to_owned()),
            Just("\r".to_owned()),
            "[ -~]{0,20}",
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        /// Where the network cuts the bytes decides nothing.
        #[test]
        fn pieces_do_not_matter(fragments in prop::collection::vec(fragment(), 1..6), cuts in prop::collection::vec(1_usize..40, 0..40)) {
            let bytes = fragments.concat().into_bytes();
            let mut pieces: Vec<&[u8]> = Vec::new();
            let mut rest = bytes.as_slice();
            for cut in cuts {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                pieces.push(piece);
                rest = after;
            }
            pieces.push(rest);
            let (whole, whole_refusal) = read(&[&bytes]);
            let (cut, cut_refusal) = read(&pieces);
            // A POST without a length is complete at its head: whether more had come by then is the one thing that shows.
            if whole_refusal.as_ref().is_none_or(|message| !message.starts_with("bytes after")) {
                prop_assert_eq!(whole, cut);
                prop_assert_eq!(whole_refusal, cut_refusal);
            }
        }

        /// No bytes make the reader fail, and what it lets through is clean.
        #[test]
        fn any_bytes_are_read_or_refused(start in prop_oneof![Just(""), Just("GET / HTTP/1.1\r\nHost: db\r\n"), Just("POST / HTTP/1.1\r\nHost: db\r\nTransfer-Encoding: chunked\r\n\r\n")], bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let input = [start.as_bytes(), &bytes].concat();
            let limits = Limits::default();
            let mut reader = Reader::new();
            reader.push(&input);
            while let Step::Complete(complete) = reader.step(None, &limits) {
                let request = complete.request;
                prop_assert!(request.target.starts_with('/'));
                prop_assert!(request.target.bytes().all(|byte| byte.is_ascii_graphic()));
                prop_assert!(request.headers.iter().all(|(name, value)| !name.is_empty()
                    && value.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte))));
            }
        }
    }
}
