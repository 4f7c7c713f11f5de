//! `mallku-db gate` as a process: its start, its signals, its end.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

/// A gate of its own, with an empty database behind a socket that is not there.
struct Gate {
    child: Child,
    log: Receiver<String>,
    address: String,
    _dir: tempfile::TempDir,
}

fn command(dir: &Path, listen: &str) -> Command {
    let schemas = dir.join("schemas");
    std::fs::create_dir_all(&schemas).unwrap();
    let episodes = r#"{"type":"object","properties":{"title":{"type":"string"}},"x-mallku":{"allow":["read"]}}"#;
    std::fs::write(schemas.join("episodes.json"), episodes).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_mallku-db"));
    command
        .arg("gate")
        .env_clear()
        .env("MALLKU_LISTEN", listen)
        .env("MALLKU_SCHEMAS", &schemas)
        .env("MALLKU_RUN_DIR", dir)
        .env(
            "MALLKU_UPSTREAM",
            format!("unix:{}", dir.join("arangod.sock").display()),
        )
        .env("MALLKU_AUDIT", "off")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

impl Gate {
    fn start() -> Self {
        Self::start_with(&[])
    }

    fn start_with(variables: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut child = command(dir.path(), "127.0.0.1:0")
            .envs(variables.iter().copied())
            .spawn()
            .unwrap();
        let (send, log) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        let mut gate = Self {
            child,
            log,
            address: String::new(),
            _dir: dir,
        };
        let line = gate.wait_for_line(" serves http");
        line.rsplit(' ')
            .next()
            .unwrap()
            .trim_end_matches(['"', '}'])
            .clone_into(&mut gate.address);
        gate
    }

    /// Reads the log up to a line with this text.
    fn wait_for_line(&mut self, text: &str) -> String {
        let mut seen = Vec::new();
        while let Ok(line) = self.log.recv_timeout(PATIENCE) {
            if line.contains(text) {
                return line;
            }
            seen.push(line);
        }
        panic!("no line with {text:?} in:\n{}", seen.join("\n"));
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_serves_reloads_and_ends_when_told_to() {
    let mut gate = Gate::start();
    let malformed = "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n";
    assert!(gate.ask(malformed).starts_with("HTTP/1.1 400 "));
    gate.signal(rustix::process::Signal::HUP);
    assert!(gate.ask(malformed).starts_with("HTTP/1.1 400 "));
    gate.signal(rustix::process::Signal::TERM);
    gate.wait_for_line("closed, nothing was cut off");
    assert_eq!(gate.child.wait().unwrap().code(), Some(0));
}

#[test]
fn it_says_what_contains_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = command(dir.path(), "127.0.0.1:0")
        .env("MALLKU_LOG_FORMAT", "json")
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let contained = lines.find(|line| line.contains("contained by")).unwrap();
    let line: serde_json::Value = serde_json::from_str(&contained).unwrap();
    assert_eq!((&line["level"], &line["target"]), (&"info".into(), &"gate".into()));
    assert!(line["message"].as_str().unwrap().contains("no_new_privs"), "{line}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn an_address_in_use_is_said_and_is_no_fault_of_the_configuration() {
    let gate = Gate::start();
    let dir = tempfile::tempdir().unwrap();
    let output = command(dir.path(), &gate.address).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains(&format!("cannot listen on {}", gate.address)), "{text}");
}

#[test]
fn files_that_cannot_be_used_are_faults_of_the_configuration() {
    let dir = tempfile::tempdir().unwrap();
    for (name, value, says) in [
        (
            "MALLKU_AUDIT",
            "/nowhere/audit.log",
            "cannot open the audit log /nowhere/audit.log",
        ),
        ("MALLKU_WORKER", "3", "MALLKU_WORKER"),
    ] {
        let output = command(dir.path(), "127.0.0.1:0").env(name, value).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{name}");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains(says), "{text}");
    }
}

#[test]
fn what_the_door_refuses_is_in_the_audit_log() {
    let mut gate = Gate::start_with(&[("MALLKU_AUDIT", "stdout")]);
    let stdout = gate.child.stdout.take().unwrap();
    gate.ask("GET /_api/version?x=secret HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
    let line = BufReader::new(stdout).lines().next().unwrap().unwrap();
    let record: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (&record["verdict"], &record["status"]),
        (&"malformed".into(), &400.into()),
        "{line}"
    );
    assert_eq!(record["rules"], serde_json::json!(["request-malformed"]));
    assert_eq!(record["client"], "127.0.0.1");
    assert!(!line.contains("secret"), "{line}");
}

#[test]
fn probes_and_metrics_are_answered_without_a_database() {
    let gate = Gate::start();
    let get = |target: &str| {
        gate.ask(&format!(
            "GET {target} HTTP/1.1\r\nHost: db\r\nConnection: close\r\n\r\n"
        ))
    };
    assert!(get("/livez").starts_with("HTTP/1.1 200 "), "{}", get("/livez"));
    for target in ["/readyz", "/health"] {
        assert!(get(target).starts_with("HTTP/1.1 503 "), "{}", get(target));
    }
    let metrics = get("/metrics");
    assert!(metrics.starts_with("HTTP/1.1 200 "), "{metrics}");
    for name in [
        "mallku_connections{state=\"active\"}",
        "mallku_cache_entries",
        "mallku_gate_open_descriptors",
    ] {
        assert!(metrics.contains(name), "{name} in {metrics}");
    }
}

#[test]
fn an_invalid_schema_set_ends_it_with_3_and_every_fault() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = command(dir.path(), "127.0.0.1:0");
    std::fs::write(
        dir.path().join("schemas/broken.json"),
        r#"{"x-mallku":{"alow":["read"]}}"#,
    )
    .unwrap();
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("broken.json") && text.contains("alow"), "{text}");
}
