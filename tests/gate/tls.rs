//! TLS towards the database: who is trusted, and what an operator reads when nobody is.

use crate::coordinator::{Coordinator, usual};
use crate::process::{Gate, certificate};

const NOTES: (&str, &str) = ("notes", r#"{"type":"object","x-mallku":{"allow":["read"]}}"#);

/// A gate that trusts the named authority, and `https://{host}:{port}` behind it.
fn gate(host: &str, port: u16, authority: &str) -> Gate {
    let file = certificate(&format!("{authority}.crt")).display().to_string();
    let upstream = format!("https://{host}:{port}");
    Gate::start(&upstream, &[NOTES], &[("SSL_CERT_FILE", &file)])
}

const QUERY: &str = "FOR n IN notes RETURN n._key";

#[test]
fn a_certificate_of_the_authority_for_the_name_is_trusted() {
    let coordinator = Coordinator::secured("localhost", usual);
    for host in ["localhost", "127.0.0.1"] {
        let gate = gate(host, coordinator.port, "authority");
        for _ in 0..3 {
            let (status, answer) = gate.query("app", QUERY);
            assert_eq!(status, 201, "{answer} {}", gate.log());
        }
        let health = gate.ask_with("GET", "/health", "", b"");
        assert_eq!(health.status, 200, "{}", health.json());
        assert_eq!(gate.wait_for_audit("/_api/cursor")["verdict"], "allow");
        let seen = coordinator.seen();
        assert_eq!(seen.len(), 3, "{seen:?}");
        assert_eq!(seen[0].line, "POST /_db/_system/_api/cursor");
        assert_eq!(seen[0].json()["query"], QUERY);
        let host_line = format!("host: {host}:{}", coordinator.port);
        assert!(seen[0].head.contains(&host_line), "{}", seen[0].head);
    }
}

/// The client reads that the database is not there and may try again; the reason is the operator's, in the log.
fn is_not_trusted(gate: &Gate, coordinator: &Coordinator, reason: &str) {
    let (status, answer) = gate.query("app", QUERY);
    assert_eq!((status, answer["errorNum"].as_u64()), (503, Some(503)), "{answer}");
    assert!(!answer.to_string().contains(reason), "{answer}");
    // Before any client asks, too: the gate's own look at the servers says it.
    let line = gate.wait_for_line("is not available");
    assert!(line.contains(reason), "{line}");
    let health = gate.ask_with("GET", "/health", "", b"");
    assert_eq!(health.status, 503);
    assert!(health.head.contains("Retry-After: 1"), "{}", health.head);
    assert_eq!(coordinator.seen().len(), 0, "not a byte of a request may reach it");
}

#[test]
fn an_unknown_authority_is_not_trusted() {
    let coordinator = Coordinator::secured("localhost", usual);
    let gate = gate("localhost", coordinator.port, "first");
    is_not_trusted(&gate, &coordinator, "UnknownIssuer");
}

#[test]
fn a_certificate_for_another_name_is_not_trusted() {
    let coordinator = Coordinator::secured("other", usual);
    let gate = gate("localhost", coordinator.port, "authority");
    is_not_trusted(&gate, &coordinator, "not valid for name");
}

#[test]
fn an_expired_certificate_is_not_trusted() {
    let coordinator = Coordinator::secured("expired", usual);
    let gate = gate("localhost", coordinator.port, "authority");
    is_not_trusted(&gate, &coordinator, "expired");
}

#[test]
fn plain_http_where_tls_was_configured_is_not_spoken() {
    let coordinator = Coordinator::plain(usual);
    let gate = gate("localhost", coordinator.port, "authority");
    is_not_trusted(&gate, &coordinator, "does not speak TLS");
}

#[test]
fn tls_where_plain_http_was_configured_is_said() {
    let coordinator = Coordinator::secured("localhost", usual);
    let gate = Gate::start(&format!("http://127.0.0.1:{}", coordinator.port), &[NOTES], &[]);
    let line = gate.wait_for_line("is not available");
    assert!(line.contains("it may speak TLS"), "{line}");
    let (status, answer) = gate.query("app", QUERY);
    assert!(status == 502 || status == 503, "{status} {answer}");
    assert_eq!(coordinator.seen().len(), 0);
}

#[test]
fn an_authority_that_cannot_be_read_ends_the_start() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("notes.json"), NOTES.1).unwrap();
    for (file, reason) in [("none.crt", "No such file"), ("README.md", "holds no certificate")] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_mallku-db"))
            .arg("gate")
            .env_clear()
            .env("MALLKU_LISTEN", "127.0.0.1:0")
            .env("MALLKU_SCHEMAS", dir.path())
            .env("MALLKU_UPSTREAM", "https://localhost:1")
            .env("SSL_CERT_FILE", certificate(file))
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(file) && text.contains(reason), "{text}");
    }
}
