//! The upstream against scripted servers: pooling, retries, broken answers, stickiness.

mod answers;

use std::io::{BufRead, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::sync::mpsc;
use std::thread;

use super::*;

fn get(target: &str) -> Outgoing {
    Outgoing {
        method: Method::Get,
        target: target.into(),
        headers: vec![("authorization", "Basic YXBwOnB3".into())],
        body: None,
        timeout: Duration::from_secs(5),
        server: None,
    }
}

fn post(target: &str, body: Option<&str>) -> Outgoing {
    Outgoing {
        method: Method::Post,
        body: body.map(|text| text.as_bytes().to_vec()),
        ..get(target)
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nx-arango-endpoint: http://10.0.0.1\r\nEtag: \"1\"\r\n\r\n{}";

/// What the stub reports when it has closed a connection.
const CLOSED: &str = "closed";

/// Reads one request from a connection: head and body as text; `None` at its end.
fn read_request(reader: &mut impl BufRead) -> Option<String> {
    let mut text = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        text.push_str(&line);
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    text.push_str(&String::from_utf8_lossy(&body));
    Some(text)
}

/// A database that answers the n-th connection's requests with the n-th list of answers, then closes the connection.
fn stub(connections: Vec<Vec<&'static str>>) -> (tempfile::TempDir, Upstream, mpsc::Receiver<String>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for answers in connections {
            let Ok((mut stream, _)) = listener.accept() else { return };
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            for answer in answers {
                let Some(request) = read_request(&mut reader) else {
                    break;
                };
                let _ = sender.send(request);
                let _ = stream.write_all(answer.as_bytes());
            }
            drop((stream, reader));
            let _ = sender.send(CLOSED.into());
        }
    });
    let upstream = Upstream::new(&config::Upstream::Unix(path)).unwrap();
    (dir, upstream, receiver)
}

#[test]
fn what_is_sent_is_what_was_given() {
    let (_dir, upstream, seen) = stub(vec![vec![OK, OK, OK]]);
    let answer = upstream.send(&get("/_api/version?a=1")).unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"{}".as_slice()));
    assert_eq!(answer.headers, [("etag", "\"1\"".to_owned())]);
    upstream.send(&post("/_api/cursor", Some("{\"query\":1}"))).unwrap();
    upstream.send(&post("/_api/cursor/1", None)).unwrap();
    let requests: Vec<String> = seen.iter().take(3).collect();
    insta::assert_snapshot!(requests.join("\n----\n").replace('\r', ""), @r#"
    GET /_api/version?a=1 HTTP/1.1
    host: arangodb
    user-agent: mallku-db
    accept: application/json
    authorization: Basic YXBwOnB3


    ----
    POST /_api/cursor HTTP/1.1
    host: arangodb
    user-agent: mallku-db
    accept: application/json
    authorization: Basic YXBwOnB3
    content-type: application/json
    content-length: 11

    {"query":1}
    ----
    POST /_api/cursor/1 HTTP/1.1
    host: arangodb
    user-agent: mallku-db
    accept: application/json
    authorization: Basic YXBwOnB3
    content-length: 0
    "#);
}

#[test]
fn a_closed_connection_is_replaced_unseen() {
    // The first connection ends after its answer: even a write goes to the second one, once.
    let (_dir, upstream, seen) = stub(vec![vec![OK], vec![OK]]);
    upstream.send(&get("/1")).unwrap();
    assert!(seen.recv().unwrap().starts_with("GET /1"));
    assert_eq!(seen.recv().unwrap(), CLOSED);
    assert_eq!(upstream.send(&post("/2", Some("{}"))).unwrap().status, 200);
    assert!(seen.recv().unwrap().starts_with("POST /2"));
}

#[test]
fn reads_are_repeated_and_writes_never() {
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"a\":";
    let (_dir, upstream, seen) = stub(vec![vec![cut], vec![OK], vec![cut]]);
    assert_eq!(upstream.send(&get("/read")).unwrap().status, 200);
    let lost = upstream.send(&Outgoing {
        headers: vec![("connection", "close".into())],
        ..post("/write", Some("{}"))
    });
    // The second connection may still be pooled and open; the stub ends it, so the write goes to the third.
    assert!(matches!(lost, Err(UpstreamError::Lost(_))), "{lost:?}");
    let targets: Vec<String> = seen
        .try_iter()
        .filter_map(|request| request.lines().next().map(str::to_owned))
        .collect();
    assert_eq!(
        targets.iter().filter(|line| line.starts_with("POST")).count(),
        1,
        "{targets:?}"
    );
    assert_eq!(
        targets.iter().filter(|line| line.starts_with("GET")).count(),
        2,
        "{targets:?}"
    );
}

#[test]
fn an_answer_without_an_end_is_unusable() {
    let (_dir, upstream, _seen) = stub(vec![vec!["HTTP/1.1 200 OK\r\n\r\n{\"a\":1}"]]);
    let result = upstream.send(&post("/x", Some("{}")));
    assert!(matches!(result, Err(UpstreamError::Unusable(_))), "{result:?}");
}

#[test]
fn bytes_after_an_answer_are_nobodys_answer() {
    let two = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\n[]";
    let (_dir, upstream, _seen) = stub(vec![vec![two], vec![OK]]);
    assert_eq!(upstream.send(&get("/1")).unwrap().status, 200);
    assert_eq!(upstream.send(&post("/2", Some("{}"))).unwrap().status, 200);
}

/// An answer in chunks of 10 000 bytes.
fn in_chunks(body: &str) -> &'static str {
    use std::fmt::Write as _;
    let mut text = String::from("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for chunk in body.as_bytes().chunks(10_000) {
        write!(text, "{:x}\r\n{}\r\n", chunk.len(), str::from_utf8(chunk).unwrap()).unwrap();
    }
    text.push_str("0\r\n\r\n");
    text.leak()
}

#[test]
fn an_answer_of_any_framing_and_size_is_whole_and_its_connection_used_again() {
    let long: String = ('a'..='z').cycle().take(200_000).collect();
    let stated = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{long}", long.len()).leak();
    let (_dir, upstream, _seen) = stub(vec![vec![stated, in_chunks(&long), in_chunks(""), in_chunks("{}"), OK]]);
    for expected in [long.as_str(), &long, "", "{}", "{}"] {
        let answer = upstream.send(&get("/")).unwrap();
        assert!(answer.body == expected.as_bytes(), "{} bytes", answer.body.len());
        assert!(upstream.budget().held() >= expected.len());
        drop(answer);
        assert_eq!(upstream.budget().held(), 0);
    }
}

#[test]
fn an_answer_without_room_is_not_read() {
    let long = "x".repeat(20_000);
    let stated = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{long}", long.len()).leak();
    for (answer, limit) in [(&*stated, 19_999), (in_chunks(&long), 20_000)] {
        let (_dir, mut upstream, seen) = stub(vec![vec![answer], vec![OK]]);
        upstream.budget = Arc::new(Budget::new(limit, Duration::ZERO));
        let result = upstream.send(&post("/", Some("{}")));
        assert!(matches!(result, Err(UpstreamError::NoRoom(_))), "{result:?}");
        assert_eq!(upstream.budget().held(), 0);
        // What was left unread is not read as the next answer.
        assert_eq!(upstream.send(&post("/next", Some("{}"))).unwrap().body, b"{}");
        assert_eq!(
            seen.try_iter()
                .filter(|request| request.starts_with("POST /next"))
                .count(),
            1
        );
    }
}

#[test]
fn nobody_there_is_unreachable() {
    let dir = tempfile::tempdir().unwrap();
    let upstream = Upstream::new(&config::Upstream::Unix(dir.path().join("none.sock"))).unwrap();
    let result = upstream.send(&post("/x", Some("{}")));
    assert!(matches!(result, Err(UpstreamError::Unreachable(_))), "{result:?}");
    assert!(!upstream.is_healthy());
}

#[test]
fn silence_times_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db.sock");
    let _listener = UnixListener::bind(&path).unwrap();
    let upstream = Upstream::new(&config::Upstream::Unix(path)).unwrap();
    let result = upstream.send(&Outgoing {
        timeout: Duration::from_millis(50),
        ..post("/x", Some("{}"))
    });
    assert!(matches!(result, Err(UpstreamError::TimedOut)), "{result:?}");
}

/// A coordinator over TCP that answers everything the same.
fn coordinator(answer: &'static str) -> (config::Server, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let sender = sender.clone();
            thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                while let Some(request) = read_request(&mut reader) {
                    let _ = sender.send(request);
                    let _ = stream.write_all(answer.as_bytes());
                }
            });
        }
    });
    let server = config::Server {
        tls: false,
        host: "127.0.0.1".into(),
        port,
    };
    (server, receiver)
}

#[test]
fn coordinators_take_turns_and_the_dead_are_passed_over() {
    let starting = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 16\r\n\r\n{\"errorNum\":503}";
    let (one, seen_one) = coordinator(OK);
    let (two, seen_two) = coordinator(OK);
    let (three, _seen) = coordinator(starting);
    let gone = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        config::Server {
            tls: false,
            host: "127.0.0.1".into(),
            port: listener.local_addr().unwrap().port(),
        }
    };
    let upstream = Upstream::new(&config::Upstream::Servers(vec![one, gone, two, three])).unwrap();
    for _ in 0..20 {
        let answer = upstream.send(&post("/_api/cursor", Some("{}"))).unwrap();
        assert_eq!(answer.status, 200);
    }
    assert_eq!(upstream.servers(), (4, 2));
    let (first, second) = (seen_one.try_iter().count(), seen_two.try_iter().count());
    assert_eq!(first + second, 20);
    assert!(first >= 5 && second >= 5, "{first} {second}");
    // What belongs to a server goes there and nowhere else.
    for _ in 0..5 {
        upstream
            .send(&Outgoing {
                server: Some(2),
                ..post("/_api/cursor/1", None)
            })
            .unwrap();
    }
    assert_eq!((seen_one.try_iter().count(), seen_two.try_iter().count()), (0, 5));
    let lost = upstream.send(&Outgoing {
        server: Some(1),
        ..get("/_api/version")
    });
    assert!(matches!(lost, Err(UpstreamError::Unreachable(_))), "{lost:?}");
}
