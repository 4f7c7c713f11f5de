//! A small HTTP client over a Unix socket that shows exactly what came back.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn error_num(&self) -> u64 {
        self.json()["errorNum"].as_u64().unwrap_or(0)
    }
}

/// Somebody who sends requests to a socket.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) socket: PathBuf,
    pub(crate) authorization: Option<String>,
}

impl Client {
    pub(crate) fn basic(mut self, user: &str, password: &str) -> Client {
        self.authorization = Some(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))));
        self
    }

    pub(crate) fn token(mut self, token: &str) -> Client {
        self.authorization = Some(format!("bearer {token}"));
        self
    }

    /// The bytes that came back, up to the end of the connection or a silence of `patience`.
    pub(crate) fn raw(&self, request: &str, patience: Duration) -> std::io::Result<Vec<u8>> {
        let mut stream = UnixStream::connect(&self.socket)?;
        stream.write_all(request.as_bytes())?;
        read_all(stream, patience)
    }

    /// Everything that comes back for one request, which is the last on its connection.
    pub(crate) fn everything(&self, request: &str) -> std::io::Result<Vec<u8>> {
        let mut stream = UnixStream::connect(&self.socket)?;
        stream.write_all(request.as_bytes())?;
        stream.shutdown(Shutdown::Write)?;
        read_all(stream, Duration::from_secs(20))
    }

    pub(crate) fn request(&self, method: &str, target: &str, headers: &str, body: &str) -> String {
        let authorization = self
            .authorization
            .as_ref()
            .map_or(String::new(), |a| format!("Authorization: {a}\r\n"));
        let length = body.len();
        format!(
            "{method} {target} HTTP/1.1\r\nHost: x\r\n{authorization}{headers}Content-Length: {length}\r\n\r\n{body}"
        )
    }

    pub(crate) fn send(&self, method: &str, target: &str, headers: &str, body: &str) -> std::io::Result<Answer> {
        let mut stream = UnixStream::connect(&self.socket)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        stream.write_all(self.request(method, target, headers, body).as_bytes())?;
        read_answer(&mut BufReader::new(stream), method == "HEAD")
    }

    pub(crate) fn try_get(&self, target: &str) -> std::io::Result<Answer> {
        self.send("GET", target, "", "")
    }

    pub(crate) fn get(&self, target: &str) -> Answer {
        self.try_get(target).unwrap()
    }

    pub(crate) fn call(&self, method: &str, target: &str, body: &Value) -> Answer {
        self.send(method, target, "", &body.to_string()).unwrap()
    }
}

fn read_all(mut stream: UnixStream, patience: Duration) -> std::io::Result<Vec<u8>> {
    stream.set_read_timeout(Some(patience))?;
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 65536];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(bytes),
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(bytes),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn read_answer(from: &mut impl BufRead, bodiless: bool) -> std::io::Result<Answer> {
    let gone = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return Err(gone());
    }
    let status = line
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .ok_or_else(gone)?;
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        if from.read_line(&mut line)? == 0 {
            return Err(gone());
        }
        match line.trim_end().split_once(':') {
            Some((name, value)) => headers.push((name.to_owned(), value.trim().to_owned())),
            None => break,
        }
    }
    let mut answer = Answer {
        status,
        headers,
        body: Vec::new(),
    };
    let length: usize = answer
        .header("content-length")
        .and_then(|length| length.parse().ok())
        .unwrap_or(0);
    if !bodiless {
        answer.body = vec![0; length];
        from.read_exact(&mut answer.body)?;
    }
    Ok(answer)
}

/// A token with these claims beside `iss` and times, signed with a secret.
pub(crate) fn token(secret: &str, claims: Value) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut all = json!({ "iss": "arangodb", "iat": now, "exp": now + 60 });
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    sign(secret, &json!({ "alg": "HS256", "typ": "JWT" }), &all)
}

pub(crate) fn sign(secret: &str, header: &Value, claims: &Value) -> String {
    let message = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    format!(
        "{message}.{}",
        URL_SAFE_NO_PAD.encode(ring::hmac::sign(&key, message.as_bytes()))
    )
}
