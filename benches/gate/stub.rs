//! The database that gate and peer share: a server on a Unix socket that answers at once and always the same.

use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;

/// Starts the stub; it ends with the process.
pub(crate) fn start(socket: &Path) -> io::Result<()> {
    let listener = UnixListener::bind(socket)?;
    let answers = Arc::new(Answers::new());
    thread::Builder::new().name("stub".to_owned()).spawn(move || {
        for stream in listener.incoming().flatten() {
            let answers = Arc::clone(&answers);
            let _ = thread::Builder::new()
                .stack_size(256 * 1024)
                .spawn(move || serve(stream, &answers));
        }
    })?;
    Ok(())
}

struct Answers {
    small: Vec<u8>,
    large: Vec<u8>,
}

impl Answers {
    fn new() -> Self {
        let rows: Vec<String> = (0..1600)
            .map(|row| format!("{{\"number\":{row},\"title\":\"{row:040}\"}}"))
            .collect();
        Self {
            small: answer(
                "200 OK",
                r#"{"server":"arango","license":"community","version":"3.12.6"}"#,
            ),
            large: answer(
                "201 Created",
                &format!(
                    r#"{{"result":[{}],"hasMore":false,"cached":false,"error":false,"code":201}}"#,
                    rows.join(",")
                ),
            ),
        }
    }
}

fn answer(status: &str, body: &str) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json; charset=utf-8\r\nConnection: Keep-Alive\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body.as_bytes()].concat()
}

fn serve(mut stream: UnixStream, answers: &Answers) {
    let mut buffer = Vec::new();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let Some(length) = request_length(&buffer) else {
            match stream.read(&mut chunk) {
                Ok(count) if count > 0 => buffer.extend(chunk.iter().take(count)),
                _ => return,
            }
            continue;
        };
        let is_cursor = buffer.starts_with(b"POST ");
        buffer.drain(..length);
        let answer = if is_cursor { &answers.large } else { &answers.small };
        if stream.write_all(answer).is_err() {
            return;
        }
    }
}

/// The length of the first request in the buffer once it is complete.
fn request_length(buffer: &[u8]) -> Option<usize> {
    let end = buffer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(buffer.get(..end)?).to_ascii_lowercase();
    let body = head
        .split("\r\n")
        .find_map(|line| line.strip_prefix("content-length:"))
        .and_then(|value| value.trim().parse::<usize>().ok())
        .unwrap_or(0);
    (buffer.len() >= end + body).then_some(end + body)
}
