//! A front that takes each answer of the server apart on its way to the client: cut off, garbled, wrongly framed.
//!
//! It accepts on the public listener, speaks to the real server behind it, and lets every answer that is not to be hurt pass
//! unchanged. The faults work on bytes, so the server itself knows nothing of them.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use tiny_http::Listener;

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    StatusLine,
    Garbage,
    NoLength,
    TwoLengths,
    ShortLength,
    LongLength,
    Chunked,
    TwoReplies,
    Continue,
    EndlessHeader,
    NotJson,
    BadJson,
    DuplicateKeys,
    Empty,
    Elsewhere,
}

impl Malformed {
    pub(crate) const NAMES: &'static str = "one of status-line, garbage, no-length, two-lengths, short-length, long-length, \
        chunked, two-replies, continue, endless-header, not-json, bad-json, duplicate-keys, empty, elsewhere";

    pub(crate) fn parse(text: &str) -> Option<Malformed> {
        Some(match text {
            "status-line" => Malformed::StatusLine,
            "garbage" => Malformed::Garbage,
            "no-length" => Malformed::NoLength,
            "two-lengths" => Malformed::TwoLengths,
            "short-length" => Malformed::ShortLength,
            "long-length" => Malformed::LongLength,
            "chunked" => Malformed::Chunked,
            "two-replies" => Malformed::TwoReplies,
            "continue" => Malformed::Continue,
            "endless-header" => Malformed::EndlessHeader,
            "not-json" => Malformed::NotJson,
            "bad-json" => Malformed::BadJson,
            "duplicate-keys" => Malformed::DuplicateKeys,
            "empty" => Malformed::Empty,
            "elsewhere" => Malformed::Elsewhere,
            _ => return None,
        })
    }
}

/// Which answers are hurt, and how.
#[derive(Debug, Default)]
pub(crate) struct WireFaults {
    /// Only answers to requests whose target contains this.
    pub(super) requests: String,
    /// Only the first so many of those.
    pub(super) answers: Option<u64>,
    /// Close the connection after so many bytes of the answer's body.
    pub(super) cut_after: Option<usize>,
    pub(super) malformed: Option<Malformed>,
    hurt: AtomicU64,
}

impl WireFaults {
    pub(super) fn any(&self) -> bool {
        self.cut_after.is_some() || self.malformed.is_some()
    }

    fn applies(&self, target: &str) -> bool {
        target.contains(&self.requests)
            && self
                .answers
                .is_none_or(|limit| self.hurt.fetch_add(1, Ordering::Relaxed) < limit)
    }

    /// What to send instead of the answer, and whether the connection ends with it.
    fn spoil(&self, answer: &Message) -> (Vec<u8>, bool) {
        if let Some(limit) = self.cut_after {
            let mut bytes = answer.head.clone();
            bytes.extend_from_slice(answer.body.get(..limit).unwrap_or(&answer.body));
            return (bytes, true);
        }
        match self.malformed {
            Some(kind) => garble(kind, answer),
            None => (answer.bytes(), false),
        }
    }
}

/// An HTTP message that was read completely.
struct Message {
    /// With the empty line at its end.
    head: Vec<u8>,
    body: Vec<u8>,
}

impl Message {
    /// Reads one message; `None` when the peer has gone.
    fn read(from: &mut impl BufRead, bodiless: bool) -> std::io::Result<Option<Message>> {
        let mut head = Vec::new();
        loop {
            let before = head.len();
            if from.read_until(b'\n', &mut head)? == 0 {
                return Ok(None);
            }
            if matches!(head.get(before..), Some(b"\r\n" | b"\n")) {
                break;
            }
        }
        let length = if bodiless {
            0
        } else {
            header(&head, "content-length")
                .and_then(|v| v.parse().ok())
                .unwrap_or(0)
        };
        let mut body = Vec::new();
        from.take(length).read_to_end(&mut body)?;
        Ok(Some(Message { head, body }))
    }

    fn bytes(&self) -> Vec<u8> {
        [self.head.as_slice(), &self.body].concat()
    }

    fn start_line(&self) -> String {
        let end = self.head.iter().position(|b| *b == b'\r').unwrap_or(self.head.len());
        String::from_utf8_lossy(self.head.get(..end).unwrap_or_default()).into_owned()
    }

    /// The same message with other headers and body.
    fn with(&self, extra: &str, body: &[u8]) -> Vec<u8> {
        let mut bytes = format!("{}\r\nContent-Type: application/json\r\n{extra}\r\n", self.start_line()).into_bytes();
        bytes.extend_from_slice(body);
        bytes
    }

    fn with_length(&self, length: usize, body: &[u8]) -> Vec<u8> {
        self.with(&format!("Content-Length: {length}\r\n"), body)
    }
}

fn header(head: &[u8], name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(head);
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })
}

fn garble(kind: Malformed, answer: &Message) -> (Vec<u8>, bool) {
    let body = &answer.body;
    let length = body.len();
    match kind {
        Malformed::StatusLine => (
            [b"HTTP/1.1 two hundred\r\nContent-Length: 2\r\n\r\n{}".as_slice()].concat(),
            true,
        ),
        Malformed::Garbage => (
            (0..2048u32)
                .map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3])
                .collect(),
            true,
        ),
        Malformed::NoLength => (answer.with("", body), true),
        Malformed::TwoLengths => {
            let both = format!("Content-Length: {length}\r\nContent-Length: {}\r\n", length / 2);
            (answer.with(&both, body), true)
        }
        Malformed::ShortLength => (answer.with_length(length / 2, body), false),
        Malformed::LongLength => (answer.with_length(length.saturating_add(100), body), true),
        Malformed::Chunked => {
            let chunk = [format!("{length:x}\r\n").as_bytes(), body, b"\r\n0\r\n\r\n"].concat();
            (answer.with("Transfer-Encoding: chunked\r\n", &chunk), false)
        }
        Malformed::TwoReplies => ([answer.bytes(), answer.bytes()].concat(), false),
        Malformed::Continue => (
            [b"HTTP/1.1 100 Continue\r\n\r\n".as_slice(), &answer.bytes()].concat(),
            false,
        ),
        Malformed::EndlessHeader => {
            let mut bytes = format!("{}\r\nX-Long: ", answer.start_line()).into_bytes();
            bytes.resize(bytes.len().saturating_add(4 << 20), b'a');
            (bytes, true)
        }
        Malformed::NotJson => {
            let page = b"<html>proxy error</html>";
            (answer.with_length(page.len(), page), false)
        }
        Malformed::BadJson => {
            let half = body.get(..length / 2).unwrap_or_default();
            (answer.with_length(half.len(), half), false)
        }
        Malformed::DuplicateKeys => {
            let inner = body.get(1..).unwrap_or_default();
            let twice = [br#"{"result":["smuggled"],"hasMore":false,"#.as_slice(), inner].concat();
            (answer.with_length(twice.len(), &twice), false)
        }
        Malformed::Empty => (Vec::new(), true),
        Malformed::Elsewhere => {
            let text = br#"{"error":true,"code":503,"errorNum":503,"errorMessage":"not the leader"}"#;
            let head = format!(
                "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nx-arango-endpoint: http://203.0.113.1:8529\r\n\
                 Location: http://203.0.113.1:8529/\r\nContent-Length: {}\r\n\r\n",
                text.len()
            );
            ([head.as_bytes(), text].concat(), false)
        }
    }
}

/// Accepts on `public` for ever and passes everything on to whatever `connect` reaches.
pub(crate) fn run(
    public: &Listener,
    faults: &'static WireFaults,
    connect: impl Fn() -> std::io::Result<UnixStream> + Clone + Send + 'static,
) {
    loop {
        let connect = connect.clone();
        match public {
            Listener::Tcp(listener) => {
                let Ok((client, _)) = listener.accept() else { return };
                let Ok(reader) = client.try_clone() else { continue };
                std::thread::spawn(move || relay(reader, client, faults, connect));
            }
            Listener::Unix(listener) => {
                let Ok((client, _)) = listener.accept() else { return };
                let Ok(reader) = client.try_clone() else { continue };
                std::thread::spawn(move || relay(reader, client, faults, connect));
            }
        }
    }
}

fn relay(
    from_client: impl Read,
    mut to_client: impl Write,
    faults: &WireFaults,
    connect: impl Fn() -> std::io::Result<UnixStream>,
) -> std::io::Result<()> {
    let mut to_server = connect()?;
    let mut from_server = BufReader::new(to_server.try_clone()?);
    let mut from_client = BufReader::new(from_client);
    while let Some(request) = Message::read(&mut from_client, false)? {
        let start = request.start_line();
        let (method, rest) = start.split_once(' ').unwrap_or((&start, ""));
        let target = rest.split(' ').next().unwrap_or("");
        to_server.write_all(&request.bytes())?;
        let Some(answer) = Message::read(&mut from_server, method == "HEAD")? else {
            return Ok(());
        };
        let (bytes, last) = if faults.applies(target) {
            faults.spoil(&answer)
        } else {
            (answer.bytes(), false)
        };
        to_client.write_all(&bytes)?;
        to_client.flush()?;
        if last {
            return Ok(());
        }
    }
    Ok(())
}
