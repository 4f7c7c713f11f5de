//! A database that records what reaches it and answers as a test says: over TCP or TLS, and it can die.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use crate::process::certificate;

/// A request as the database saw it: head and body.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }
}

/// What a database does with a request.
pub(crate) enum Act {
    /// Answers with a status and a body.
    Answer(u16, Value),
    /// Closes the connection without an answer.
    HangUp,
}

type Behave = dyn Fn(&Seen) -> Act + Send + Sync;

/// A running database.
pub(crate) struct Coordinator {
    pub(crate) port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    life: Arc<Life>,
}

#[derive(Default)]
struct Life {
    over: AtomicBool,
    connections: Mutex<Vec<TcpStream>>,
}

impl Coordinator {
    /// Speaks plain HTTP.
    pub(crate) fn plain(behave: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Self {
        Self::start(None, Arc::new(behave))
    }

    /// Speaks TLS with the named certificate.
    pub(crate) fn secured(name: &str, behave: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Self {
        let chain = vec![CertificateDer::from_pem_file(certificate(&format!("{name}.crt"))).unwrap()];
        let key = PrivateKeyDer::from_pem_file(certificate(&format!("{name}.key"))).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        Self::start(Some(Arc::new(config)), Arc::new(behave))
    }

    fn start(tls: Option<Arc<ServerConfig>>, behave: Arc<Behave>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (seen, life): (Arc<Mutex<Vec<Seen>>>, Arc<Life>) = (Arc::default(), Arc::default());
        let coordinator = Coordinator {
            port,
            seen: Arc::clone(&seen),
            life: Arc::clone(&life),
        };
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if life.over.load(Ordering::SeqCst) {
                    break;
                }
                let connection = stream.try_clone().unwrap();
                life.connections.lock().unwrap().push(stream.try_clone().unwrap());
                let (seen, behave, tls) = (Arc::clone(&seen), Arc::clone(&behave), tls.clone());
                thread::spawn(move || {
                    match tls {
                        None => serve(stream, &seen, &*behave),
                        Some(config) => {
                            let session = ServerConnection::new(config).unwrap();
                            serve(StreamOwned::new(session, stream), &seen, &*behave);
                        }
                    }
                    let _ = connection.shutdown(Shutdown::Both);
                });
            }
        });
        coordinator
    }

    /// What it has seen since the last look, without the gate's own questions whether it lives.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        let mut seen = std::mem::take(&mut *self.seen.lock().unwrap());
        seen.retain(|request| !request.line.contains("/_admin/server/availability"));
        seen
    }

    /// Ends at once, with every connection; nobody listens there any more.
    pub(crate) fn die(&self) {
        self.life.over.store(true, Ordering::SeqCst);
        // Wakes the listener, which then goes away.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        crate::process::wait_for("the listener's end", || {
            TcpStream::connect(("127.0.0.1", self.port)).is_err().then_some(())
        });
        for connection in self.life.connections.lock().unwrap().drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Coordinator {
    fn drop(&mut self) {
        self.life.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn serve(stream: impl Read + Write, seen: &Mutex<Vec<Seen>>, behave: &Behave) {
    let mut reader = BufReader::new(stream);
    // A TLS handshake where plain HTTP is spoken: arangod's parser answers what is no HTTP at once.
    if reader.fill_buf().is_ok_and(|bytes| bytes.first() == Some(&0x16)) {
        let _ = reader
            .get_mut()
            .write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        return;
    }
    while let Some(request) = read(&mut reader) {
        seen.lock().unwrap().push(request.clone());
        let Act::Answer(status, body) = behave(&request) else {
            return;
        };
        let text = if request.line.starts_with("HEAD ") {
            String::new()
        } else {
            body.to_string()
        };
        let reply = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{text}", text.len());
        if reader.get_mut().write_all(reply.as_bytes()).is_err() || reader.get_mut().flush().is_err() {
            return;
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Seen> {
    let mut head = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        head.push_str(&line);
    }
    let length = head
        .lines()
        .find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length:")?
                .trim()
                .parse()
                .ok()
        })
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Seen {
        line: head.lines().next()?.trim_end_matches(" HTTP/1.1").to_owned(),
        head,
        body: String::from_utf8(body).ok()?,
    })
}

/// The answer to a question whether the database is there; `None` for any other request.
pub(crate) fn alive(request: &Seen) -> Option<Act> {
    request
        .line
        .contains("/_admin/server/availability")
        .then(|| Act::Answer(200, json!({"mode": "default", "error": false, "code": 200})))
}

/// The answer to a query, as a database that is ready gives it.
pub(crate) fn usual(request: &Seen) -> Act {
    if let Some(act) = alive(request) {
        return act;
    }
    if request.line.ends_with("/_api/cursor") {
        return Act::Answer(
            201,
            json!({"result": [1], "hasMore": true, "id": "77", "error": false, "code": 201}),
        );
    }
    if request.line.ends_with("/_api/transaction/begin") {
        return Act::Answer(
            201,
            json!({"error": false, "code": 201, "result": {"id": "88", "status": "running"}}),
        );
    }
    Act::Answer(
        200,
        json!({"result": [2], "hasMore": false, "error": false, "code": 200, "server": "arango", "version": "3.12.4"}),
    )
}
