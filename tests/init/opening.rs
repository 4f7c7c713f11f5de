//! The gate before the database is ready, while it is away, and when it is back: there, and closed.

use std::io::{Read, Write};
use std::net::TcpStream;

use mallku_db::state::Phase;

use crate::container::{Container, PATIENCE, wait_until};

/// One request; the whole answer, or `None` when nobody listens.
fn ask(container: &Container, method: &str, target: &str) -> Option<String> {
    let mut stream = TcpStream::connect(container.address()).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!("{method} {target} HTTP/1.1\r\nHost: db\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    (!answer.is_empty()).then_some(answer)
}

#[test]
fn before_the_database_is_ready_clients_are_told_to_wait() {
    let container = Container::new().unruly(&["UNAVAILABLE=true"]);
    let mut running = container.start();
    wait_until("the gate", || ask(&container, "GET", "/livez").is_some());
    running.wait_state("a gate", |state| state.gate.pid.is_some());
    assert!(ask(&container, "GET", "/livez").unwrap().starts_with("HTTP/1.1 200 "));
    for target in ["/health", "/readyz"] {
        let answer = ask(&container, "GET", target).unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 503 ") && answer.contains("Retry-After: 1"),
            "{answer}"
        );
    }
    let health = ask(&container, "GET", "/health").unwrap();
    assert!(health.contains(r#""status":"starting""#), "{health}");
    for (method, target) in [
        ("GET", "/_api/version"),
        ("GET", "/_admin/server/availability"),
        ("POST", "/_api/cursor"),
        ("POST", "/_open/auth"),
        ("DELETE", "/_api/user/app"),
        ("GET", "/anything"),
    ] {
        let answer = ask(&container, method, target).unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 503 ") && answer.contains("Retry-After: 1"),
            "{answer}"
        );
        assert!(answer.contains(r#""errorNum":503"#), "{answer}");
        assert!(
            answer.contains("the database is not ready (starting): the database starts"),
            "{answer}"
        );
    }
    assert_eq!(running.count("the gate is open"), 0);
    running.stop();
}

#[test]
fn while_the_database_is_away_no_connection_is_refused() {
    let container = Container::new().unruly(&["STARTS=1", "CRASH_AT=ready", "CRASH_AFTER_MS=300"]);
    let mut running = container.ready();
    let mut away = Vec::new();
    // Every single answer from the first life to the second.
    while running
        .state()
        .is_none_or(|state| state.database.starts < 2 || state.phase != Phase::Ready)
    {
        let answer = ask(&container, "GET", "/_api/version").expect("a connection was refused");
        if answer.starts_with("HTTP/1.1 503 ") {
            assert!(answer.contains("Retry-After: 1"), "{answer}");
            away.push(answer);
        } else {
            assert!(
                answer.starts_with("HTTP/1.1 401 ") || answer.starts_with("HTTP/1.1 502 "),
                "{answer}"
            );
        }
    }
    let told = |text: &str| away.iter().any(|answer| answer.contains(text));
    assert!(told("not ready (backoff): the database ended with"), "{away:?}");
    wait_until("the gate's look at the state", || {
        ask(&container, "GET", "/_api/version").is_some_and(|answer| answer.starts_with("HTTP/1.1 401 "))
    });
    assert_eq!(running.stop(), 0);
}
