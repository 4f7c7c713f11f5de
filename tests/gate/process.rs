//! `mallku-db gate` with a directory of its own, and a client that speaks plain HTTP/1.1 to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Far beyond what anything takes, on a machine that does much else.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until `look` finds something.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The lines of a log so far.
type Lines = Arc<(Mutex<Vec<String>>, Condvar)>;

fn follow(stream: impl Read + Send + 'static) -> Lines {
    let lines: Lines = Arc::default();
    let shared = Arc::clone(&lines);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            shared.0.lock().unwrap().push(line);
            shared.1.notify_all();
        }
    });
    lines
}

/// A running gate.
pub(crate) struct Gate {
    child: Child,
    log: Lines,
    audit: Lines,
    pub(crate) address: String,
    _dir: tempfile::TempDir,
}

impl Gate {
    /// A gate with these schema files (name and text) in front of this upstream.
    pub(crate) fn start(upstream: &str, schemas: &[(&str, &str)], variables: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in schemas {
            let file = dir.path().join("schemas").join(format!("{name}.json"));
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        let mut child = Command::new(env!("CARGO_BIN_EXE_mallku-db"))
            .arg("gate")
            .env_clear()
            .env("MALLKU_LISTEN", "127.0.0.1:0")
            .env("MALLKU_SCHEMAS", dir.path().join("schemas"))
            .env("MALLKU_RUN_DIR", dir.path())
            .env("MALLKU_UPSTREAM", upstream)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = follow(child.stderr.take().unwrap());
        let audit = follow(child.stdout.take().unwrap());
        let mut gate = Self {
            child,
            log,
            audit,
            address: String::new(),
            _dir: dir,
        };
        let line = gate.wait_for_line(" serves http");
        line.rsplit(' ').next().unwrap().clone_into(&mut gate.address);
        gate
    }

    /// The gate's own log so far.
    pub(crate) fn log(&self) -> String {
        self.log.0.lock().unwrap().join("\n")
    }

    /// Waits for a line of the log with this text.
    pub(crate) fn wait_for_line(&self, text: &str) -> String {
        wait_in(&self.log, text)
    }

    /// Waits for a line of the audit log with this text.
    pub(crate) fn wait_for_audit(&self, text: &str) -> Value {
        serde_json::from_str(&wait_in(&self.audit, text)).unwrap()
    }

    /// Sends bytes on a connection of its own and reads until the gate closes it.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // The gate may refuse, and close, before it has read everything.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        answer
    }

    /// One request with Basic credentials; status and JSON body.
    pub(crate) fn ask(&self, user: &str, method: &str, target: &str, body: &str) -> (u16, Value) {
        let authorization = format!("Authorization: {}\r\n", basic(user, "pw"));
        let answer = self.ask_with(method, target, &authorization, body.as_bytes());
        (answer.status, answer.json())
    }

    /// One request with these header lines.
    pub(crate) fn ask_with(&self, method: &str, target: &str, lines: &str, body: &[u8]) -> Answer {
        let mut request = format!(
            "{method} {target} HTTP/1.1\r\nHost: db\r\nConnection: close\r\n{lines}Content-Length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        Answer::parse(&self.raw(&request))
    }

    /// Runs a query.
    pub(crate) fn query(&self, user: &str, text: &str) -> (u16, Value) {
        let body = serde_json::json!({ "query": text }).to_string();
        self.ask(user, "POST", "/_api/cursor", &body)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait_in(lines: &Lines, text: &str) -> String {
    let deadline = Instant::now() + PATIENCE;
    let mut all = lines.0.lock().unwrap();
    loop {
        if let Some(line) = all.iter().find(|line| line.contains(text)) {
            return line.clone();
        }
        let left = deadline.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "no line with {text:?} in:\n{}", all.join("\n"));
        all = lines.1.wait_timeout(all, left).unwrap().0;
    }
}

/// An `Authorization` header's value.
pub(crate) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// An answer taken apart.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let end = bytes
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(bytes)));
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer {
            status,
            head,
            body: bytes[end + 4..].to_vec(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

/// A file among the tests' certificates.
pub(crate) fn certificate(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tls").join(name)
}
