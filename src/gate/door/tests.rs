//! The door against raw sockets: what it serves, what it refuses, and what it survives.

mod bounds;
mod framing;
mod serving;
mod tls;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::{Door, Limits, Listeners, Observer, Phase, Settings};
use crate::gate::message::{Handler, Request, Response};

/// Longer than anything here takes; a test that reaches it fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// Answers with what it saw, and keeps it.
#[derive(Default)]
struct Echo {
    seen: Mutex<Vec<String>>,
}

fn text(status: u16, body: impl Into<Vec<u8>>) -> Response {
    Response {
        status,
        headers: vec![("Content-Type".to_owned(), "text/plain".to_owned())],
        body: body.into(),
        close: false,
    }
}

fn describe(request: &Request) -> String {
    format!(
        "{} {} {}",
        request.method,
        request.target,
        String::from_utf8_lossy(&request.body)
    )
}

impl Handler for Echo {
    fn handle(&self, request: Request) -> Response {
        let line = describe(&request);
        self.seen.lock().unwrap().push(line.clone());
        text(200, line)
    }
}

impl<F: Fn(Request) -> Response + Send + Sync> Handler for F {
    fn handle(&self, request: Request) -> Response {
        self(request)
    }
}

/// An open door on a port of its own.
struct House {
    door: Door,
    address: SocketAddr,
}

impl House {
    fn new(handler: impl Handler + 'static, settings: Settings) -> Self {
        Self::shared(Arc::new(handler), settings)
    }

    fn shared(handler: Arc<dyn Handler>, settings: Settings) -> Self {
        let listeners = Listeners::bind(&["127.0.0.1:0".parse().unwrap()]).unwrap();
        let address = listeners.addresses().unwrap()[0];
        let door = Door::open(listeners, settings, handler).unwrap();
        Self { door, address }
    }

    fn with_limits(handler: impl Handler + 'static, limits: Limits) -> Self {
        Self::new(
            handler,
            Settings {
                workers: 4,
                limits,
                tls: None,
            },
        )
    }

    fn connect(&self) -> Client {
        Client::new(TcpStream::connect(self.address).unwrap())
    }

    fn observer(&self) -> Observer {
        self.door.observer()
    }

    fn in_phase(&self, phase: Phase) -> u64 {
        let stats = self.observer().stats();
        stats
            .connections
            .iter()
            .find(|(other, _)| *other == phase)
            .map_or(0, |(_, count)| *count)
    }

    fn wait_for_phase(&self, phase: Phase, count: u64) {
        wait_until(&format!("{count} connections {}", phase.name()), || {
            self.in_phase(phase) == count
        });
    }
}

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "waited in vain for: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// How often the door may read what comes in crumbs for so long: each pause is an eighth of the time so far, and at least a
/// millisecond. The first ones are not paused for, and a second read each time tells that nothing is left.
fn most_reads(time: Duration) -> u64 {
    let (mut pauses, mut so_far) = (0, Duration::ZERO);
    while so_far < time {
        so_far += (so_far / 8).max(Duration::from_millis(1));
        pauses += 1;
    }
    2 * (20 + pauses)
}

/// A scripted peer.
struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

#[derive(Debug)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Client {
    fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    /// Sends; a door that has closed already is no error here.
    fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let _ = self.stream.write_all(bytes.as_ref());
        self
    }

    fn fill(&mut self) -> usize {
        let mut chunk = [0; 16 * 1024];
        let count = self.stream.read(&mut chunk).unwrap_or(0);
        self.buffer.extend_from_slice(&chunk[..count]);
        count
    }

    /// The next line, or `None` at the end.
    fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\r\n") {
                let line: Vec<u8> = self.buffer.drain(..end + 2).collect();
                return Some(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            if self.fill() == 0 {
                return None;
            }
        }
    }

    /// The next answer without a body's bytes, or `None` at the end.
    fn answer_head(&mut self) -> Option<Answer> {
        let status = self.line()?.split(' ').nth(1)?.parse().ok()?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Some(Answer {
                    status,
                    headers,
                    body: Vec::new(),
                });
            }
            let (name, value) = line.split_once(": ")?;
            headers.push((name.to_owned(), value.to_owned()));
        }
    }

    /// The next answer, or `None` when the connection ended before one was complete.
    fn answer(&mut self) -> Option<Answer> {
        let mut answer = self.answer_head()?;
        let length = answer
            .header("Content-Length")
            .map_or(0, |length| length.parse().unwrap());
        while self.buffer.len() < length {
            if self.fill() == 0 {
                return None;
            }
        }
        answer.body = self.buffer.drain(..length).collect();
        Some(answer)
    }

    fn at_end(&mut self) -> bool {
        self.buffer.is_empty() && self.fill() == 0
    }
}

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: db\r\n\r\n")
}

fn post(target: &str, body: &str) -> String {
    format!(
        "POST {target} HTTP/1.1\r\nHost: db\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
