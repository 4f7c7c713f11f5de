//! Answers over the socket as a hostile or broken database would send them.

use super::*;

/// The outcome of a request that is answered so, and of another one after it.
fn outcome(method: Method, answer: &'static str) -> (Result<Incoming, UpstreamError>, Result<Incoming, UpstreamError>) {
    let (_dir, upstream, _seen) = stub(vec![vec![answer, OK], vec![OK]]);
    let first = upstream.send(&Outgoing { method, ..get("/") });
    let second = upstream.send(&post("/next", Some("{}")));
    (first, second)
}

#[test]
fn an_answer_with_two_readings_is_none() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: 134217729\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x0b",
        "HTTP/1.1 200 OK\r\n\r\n{}",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
        "HTTP/1.1 099 What\r\nContent-Length: 2\r\n\r\n{}",
    ] {
        let (first, second) = outcome(Method::Post, answer);
        assert!(matches!(first, Err(UpstreamError::Unusable(_))), "{answer}: {first:?}");
        assert_eq!(second.unwrap().body, b"{}", "{answer}");
    }
}

#[test]
fn what_is_no_answer_or_breaks_off_is_lost() {
    for answer in [
        "",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/2 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nA : b\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}x\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\n{}\n0\n\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100000002\r\n{}\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n{}\r\n0\r\n\r\n",
    ] {
        let (dir, upstream, _seen) = stub(vec![vec![answer], vec![OK]]);
        let first = upstream.send(&post("/", Some("{}")));
        assert!(matches!(first, Err(UpstreamError::Lost(_))), "{answer}: {first:?}");
        assert_eq!(
            upstream.send(&post("/next", Some("{}"))).unwrap().body,
            b"{}",
            "{answer}"
        );
        drop(dir);
    }
}

#[test]
fn an_answer_without_a_body_has_none_whatever_its_length() {
    for (method, answer, status) in [
        (
            Method::Head,
            "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nEtag: \"1\"\r\n\r\n",
            200,
        ),
        (
            Method::Head,
            "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n",
            404,
        ),
        (
            Method::Delete,
            "HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n",
            204,
        ),
        (
            Method::Get,
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
            304,
        ),
        (Method::Get, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200),
        (
            Method::Get,
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\nA: b\r\n\r\n",
            200,
        ),
    ] {
        let (first, second) = outcome(method, answer);
        let first = first.unwrap();
        assert_eq!(
            (first.status, first.body.as_slice()),
            (status, b"".as_slice()),
            "{answer}"
        );
        // The connection is used again, and nothing of the first answer is taken for the second.
        assert_eq!(second.unwrap().body, b"{}", "{answer}");
    }
}

#[test]
fn a_connection_that_is_not_kept_is_not_used_again() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: x, Close\r\n\r\n[]",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\"\"",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\n[]\r\n0\r\n\r\n0\r\n\r\n",
    ] {
        let wrong = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
        let (_dir, upstream, _seen) = stub(vec![vec![answer, wrong], vec![OK]]);
        assert_eq!(upstream.send(&get("/")).unwrap().body, b"[]", "{answer}");
        assert_eq!(upstream.send(&post("/", Some("{}"))).unwrap().body, b"{}", "{answer}");
    }
}

/// A database that sends its one answer in pieces of so many bytes.
fn dripping(answer: String, piece: usize, pause: Duration) -> (tempfile::TempDir, Upstream) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db.sock");
    let listener = UnixListener::bind(&path).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(&stream);
            while read_request(&mut reader).is_some() {
                for piece in answer.as_bytes().chunks(piece) {
                    if (&stream).write_all(piece).is_err() {
                        break;
                    }
                    thread::sleep(pause);
                }
            }
        }
    });
    (dir, Upstream::new(&config::Upstream::Unix(path)).unwrap())
}

#[test]
fn pieces_make_no_difference() {
    let body: String = ('a'..='z').cycle().take(40_000).collect();
    let chunked = in_chunks(&body).to_owned();
    let counted = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    for answer in [chunked, counted] {
        for piece in [1, 7, 16_384, 16_385] {
            let (_dir, upstream) = dripping(answer.clone(), piece, Duration::ZERO);
            for _ in 0..2 {
                assert!(upstream.send(&get("/")).unwrap().body == body.as_bytes(), "{piece}");
            }
        }
    }
}

#[test]
fn an_answer_that_drips_buys_no_time() {
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{}",
        "x".repeat(100_000)
    );
    let (_dir, upstream) = dripping(answer, 1, Duration::from_millis(5));
    let result = upstream.send(&Outgoing {
        timeout: Duration::from_millis(100),
        ..post("/", Some("{}"))
    });
    assert!(matches!(result, Err(UpstreamError::TimedOut)), "{result:?}");
}

#[test]
fn a_head_without_end_is_not_held() {
    for head in [
        format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(100_000)),
        format!("HTTP/1.1 200 OK\r\n{}", "X: y\r\n".repeat(1000)),
        format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;{}",
            "x".repeat(100_000)
        ),
        format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n{}",
            "X: y\r\n".repeat(10_000)
        ),
    ] {
        let (_dir, upstream, _seen) = stub(vec![vec![head.leak()], vec![OK]]);
        let result = upstream.send(&post("/", Some("{}")));
        assert!(
            matches!(result, Err(UpstreamError::Unusable(_) | UpstreamError::Lost(_))),
            "{result:?}"
        );
        assert_eq!(upstream.send(&post("/next", Some("{}"))).unwrap().body, b"{}");
    }
}

#[test]
fn a_large_request_arrives_whole() {
    let (_dir, upstream, seen) = stub(vec![vec![OK, OK]]);
    for length in [64 * 1024, 5_000_000] {
        let body = "x".repeat(length);
        upstream.send(&post("/", Some(&body))).unwrap();
        assert!(seen.recv().unwrap().ends_with(&format!("\r\n\r\n{body}")), "{length}");
    }
}

#[test]
fn a_value_that_would_become_another_field_is_not_sent() {
    for (target, value) in [
        ("/", "a\r\nx: y"),
        ("/", "a\0"),
        ("/ HTTP/1.1\r\nx:", "a"),
        ("http://x/", "a"),
        ("", "a"),
    ] {
        let (_dir, upstream, seen) = stub(vec![vec![OK]]);
        let result = upstream.send(&Outgoing {
            headers: vec![("authorization", value.into())],
            ..post(target, Some("{}"))
        });
        assert!(result.is_err(), "{target:?} {value:?}");
        drop(upstream);
        assert!(seen.try_iter().all(|seen| seen == CLOSED), "{target:?} {value:?}");
    }
}

#[test]
fn a_database_that_accepts_nobody_is_unreachable() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db.sock");
    let listener = UnixListener::bind(&path).unwrap();
    // Room for one that waits, and the kernel's extra one.
    rustix::net::listen(&listener, 0).unwrap();
    let mut waiting = Vec::new();
    while waiting.len() < 100 {
        let socket =
            rustix::net::socket(rustix::net::AddressFamily::UNIX, rustix::net::SocketType::STREAM, None).unwrap();
        rustix::io::ioctl_fionbio(&socket, true).unwrap();
        let address = rustix::net::SocketAddrUnix::new(&path).unwrap();
        match rustix::net::connect(&socket, &address) {
            Ok(()) => waiting.push(socket),
            Err(error) => {
                assert_eq!(error, rustix::io::Errno::AGAIN);
                break;
            }
        }
    }
    let upstream = Upstream::new(&config::Upstream::Unix(path)).unwrap();
    let result = upstream.send(&Outgoing {
        timeout: Duration::from_millis(100),
        ..post("/", Some("{}"))
    });
    assert!(matches!(result, Err(UpstreamError::Unreachable(_))), "{result:?}");
}
