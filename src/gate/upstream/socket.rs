//! HTTP/1.1 with the database over its Unix socket.
//!
//! The one way that nearly every request takes, so it does just what arangod needs: a kept connection, one request in one
//! system call, the answer's body read to where it stays. INVARIANT: an answer states where it ends and came completely, or
//! it is none; a connection is used again only if not a byte was left on it.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use rustix::net::{self, AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, sockopt};

use super::{
    Answer, CONNECT_TIMEOUT, FIRST_PIECE, IDLE_AGE, IDLE_CONNECTIONS, MAX_ANSWER, Method, Outgoing, Share,
    UpstreamError,
};

/// Bytes of an answer's head, and those that are read along with it.
const HEAD_BYTES: usize = 16 * 1024;
/// Header fields of an answer.
const FIELDS: usize = 64;
/// Bytes of a line between chunks.
const LINE_BYTES: usize = 1024;
/// A body up to this size is copied behind its head, so that both leave in one piece.
const COPIED_BYTES: usize = 64 * 1024;

/// The database at the other end of a socket, with the connections that are kept to it.
#[derive(Debug)]
pub(super) struct Database {
    path: PathBuf,
    /// The one used last at the end: its memory is warm, and the others grow old.
    idle: Mutex<Vec<Connection>>,
}

impl Database {
    pub(super) fn new(path: &Path) -> Self {
        Database {
            path: path.to_owned(),
            idle: Mutex::default(),
        }
    }

    /// Sends a request and reads the whole answer.
    pub(super) fn run(&self, request: &Outgoing, share: &Share) -> Result<Answer, UpstreamError> {
        let head = head(request).ok_or_else(|| UpstreamError::Lost("the request cannot be written".into()))?;
        let deadline = Instant::now() + request.timeout;
        let mut connection = match self.kept() {
            Some(connection) => connection,
            None => Connection::new(&self.path, request.timeout.min(CONNECT_TIMEOUT))?,
        };
        connection.send(head, request.body.as_deref().unwrap_or_default(), deadline)?;
        let (answer, reusable) = connection.receive(request.method, deadline, share)?;
        if reusable {
            self.keep(connection);
        }
        Ok(answer)
    }

    fn kept(&self) -> Option<Connection> {
        loop {
            let mut connection = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            if connection.since.elapsed() < IDLE_AGE && connection.is_quiet() {
                return Some(connection);
            }
        }
    }

    fn keep(&self, mut connection: Connection) {
        connection.since = Instant::now();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let aged = idle
            .iter()
            .take_while(|other| other.since.elapsed() >= IDLE_AGE)
            .count();
        let old: Vec<Connection> = idle.drain(..aged).collect();
        if idle.len() < IDLE_CONNECTIONS {
            idle.push(connection);
        }
        drop(idle);
        // Closing is a call into the kernel: not while others wait.
        drop(old);
    }
}

/// The request line and the header fields. `None` where a value would become something else.
fn head(request: &Outgoing) -> Option<Vec<u8>> {
    let mut head = Vec::with_capacity(512);
    let plain = |text: &str| text.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
    if !request.target.starts_with('/') || !request.target.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    for part in [request.method.name(), " ", &request.target, " HTTP/1.1\r\n"] {
        head.extend_from_slice(part.as_bytes());
    }
    let mut field = |name: &str, value: &str| {
        for part in [name, ": ", value, "\r\n"] {
            head.extend_from_slice(part.as_bytes());
        }
        plain(value)
    };
    // arangod does not route by the host.
    let mut sound =
        field("host", "arangodb") && field("user-agent", "mallku-db") && field("accept", "application/json");
    for (name, value) in &request.headers {
        sound &= field(name, value);
    }
    if request.body.is_some() {
        field("content-type", "application/json");
    }
    // arangod takes what follows a POST without a length as the next request.
    if request.body.is_some() || matches!(request.method, Method::Post | Method::Put | Method::Patch) {
        let length = request.body.as_ref().map_or(0, Vec::len);
        field("content-length", &length.to_string());
    }
    head.extend_from_slice(b"\r\n");
    sound.then_some(head)
}

/// One connection.
#[derive(Debug)]
struct Connection {
    stream: UnixStream,
    /// What was read and is not consumed.
    input: Vec<u8>,
    /// The timeouts that the socket has now, in whole seconds.
    timeouts: [Option<u64>; 2],
    /// When it was used last.
    since: Instant,
}

/// What waits: the places in [`Connection::timeouts`].
#[derive(Clone, Copy)]
enum Wait {
    Receive,
    Send,
}

/// What an answer's head says.
struct Head {
    answer: Answer,
    /// Bytes of the head.
    length: usize,
    body: Framing,
    keep_alive: bool,
}

/// A body, in memory that was asked for before it was filled.
struct Body<'s> {
    bytes: Vec<u8>,
    share: &'s Share,
}

impl Body<'_> {
    /// Makes room for so many bytes more, and some for those to come.
    fn make_room(&mut self, more: usize) -> Result<(), UpstreamError> {
        let length = self.bytes.len().saturating_add(more);
        if length as u64 > MAX_ANSWER {
            return Err(unusable(format!("it is larger than {MAX_ANSWER} bytes")));
        }
        if length > self.bytes.capacity() {
            let step = more.max(self.bytes.len()).max(FIRST_PIECE);
            self.share.take(step)?;
            self.bytes.reserve_exact(step);
        }
        Ok(())
    }
}

enum Framing {
    None,
    Length(usize),
    Chunked,
}

fn unusable(why: impl Into<String>) -> UpstreamError {
    UpstreamError::Unusable(why.into())
}

impl Connection {
    fn new(path: &Path, patience: Duration) -> Result<Self, UpstreamError> {
        let connect = || -> rustix::io::Result<UnixStream> {
            let socket = net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
            // A database that hangs accepts nobody, and a full queue would hold a worker for ever.
            sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, Some(patience))?;
            loop {
                match net::connect(&socket, &SocketAddrUnix::new(path)?) {
                    Err(Errno::INTR) => {}
                    result => break result?,
                }
            }
            Ok(UnixStream::from(socket))
        };
        let stream = connect().map_err(|error| match error {
            Errno::AGAIN => UpstreamError::Unreachable("no connection in time".into()),
            error => UpstreamError::Unreachable(std::io::Error::from(error).to_string()),
        })?;
        Ok(Connection {
            stream,
            input: Vec::new(),
            timeouts: [None, None],
            since: Instant::now(),
        })
    }

    /// Whether nothing waits to be read: an end, or bytes that nobody asked for, both end its use.
    fn is_quiet(&mut self) -> bool {
        let mut byte = [0_u8; 1];
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        self.input.is_empty() && matches!(net::recv(&self.stream, byte.as_mut_slice(), flags), Err(Errno::AGAIN))
    }

    /// Has the socket wait no longer than until the deadline, rounded up to a second so that the value seldom changes: a
    /// system call saved on each request.
    fn bound(&mut self, wait: Wait, deadline: Instant) -> Result<(), UpstreamError> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(UpstreamError::TimedOut);
        }
        let seconds = Some(left.as_secs().saturating_add(1));
        let (index, which) = match wait {
            Wait::Receive => (0, sockopt::Timeout::Recv),
            Wait::Send => (1, sockopt::Timeout::Send),
        };
        let Some(current) = self.timeouts.get_mut(index).filter(|current| **current != seconds) else {
            return Ok(());
        };
        sockopt::set_socket_timeout(&self.stream, which, seconds.map(Duration::from_secs)).map_err(broken)?;
        *current = seconds;
        Ok(())
    }

    fn send(&mut self, head: Vec<u8>, body: &[u8], deadline: Instant) -> Result<(), UpstreamError> {
        let mut first = head;
        let second = if body.len() <= COPIED_BYTES {
            first.extend_from_slice(body);
            &[]
        } else {
            body
        };
        for part in [first.as_slice(), second] {
            let mut rest = part;
            while !rest.is_empty() {
                self.bound(Wait::Send, deadline)?;
                match net::send(&self.stream, rest, SendFlags::NOSIGNAL) {
                    Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                    Err(Errno::INTR) => {}
                    Err(error) => return Err(broken(error)),
                }
            }
        }
        Ok(())
    }

    /// The answer, and whether the connection can be used again.
    fn receive(&mut self, method: Method, deadline: Instant, share: &Share) -> Result<(Answer, bool), UpstreamError> {
        let head = loop {
            if let Some(head) = self.head(method)? {
                break head;
            }
            if self.input.len() >= HEAD_BYTES {
                return Err(unusable("its head is too long"));
            }
            self.fill(deadline)?;
        };
        self.input.drain(..head.length);
        let mut body = Body {
            bytes: Vec::new(),
            share,
        };
        match head.body {
            Framing::None => {}
            Framing::Length(length) => self.counted(length, &mut body, deadline)?,
            Framing::Chunked => self.chunked(&mut body, deadline)?,
        }
        let mut answer = head.answer;
        answer.body = body.bytes;
        // Bytes behind the answer are nobody's.
        Ok((answer, head.keep_alive && self.input.is_empty()))
    }

    /// Reads some bytes into the input.
    fn fill(&mut self, deadline: Instant) -> Result<(), UpstreamError> {
        self.bound(Wait::Receive, deadline)?;
        if self.input.capacity() - self.input.len() < HEAD_BYTES / 2 {
            self.input.reserve_exact(HEAD_BYTES);
        }
        receive(&self.stream, &mut self.input)
    }

    /// The head, once it is complete.
    fn head(&self, method: Method) -> Result<Option<Head>, UpstreamError> {
        let mut fields = [httparse::EMPTY_HEADER; FIELDS];
        let mut response = httparse::Response::new(&mut fields);
        let length = match response.parse(&self.input) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(error) => return Err(UpstreamError::Lost(format!("its answer is no HTTP ({error})"))),
        };
        let status = response.code.unwrap_or_default();
        if !(200..=599).contains(&status) {
            // No request of ours asks for an interim answer.
            return Err(unusable(format!("its status is {status}")));
        }
        let only = |name: &str| -> Result<Option<&str>, UpstreamError> {
            let mut values = response
                .headers
                .iter()
                .filter(|field| field.name.eq_ignore_ascii_case(name));
            let value = values
                .next()
                .map(|field| std::str::from_utf8(field.value).map(str::trim));
            if values.next().is_some() {
                return Err(unusable(format!("it has {name} twice")));
            }
            value
                .transpose()
                .map_err(|_| unusable(format!("its {name} is no text")))
        };
        let (length_field, coding) = (only("content-length")?, only("transfer-encoding")?);
        if only("content-encoding")?.is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
            return Err(unusable("it is compressed, which nobody asked for"));
        }
        let body = match (length_field, coding) {
            _ if method == Method::Head || matches!(status, 204 | 304) => Framing::None,
            (Some(text), None) => Framing::Length(content_length(text)?),
            (None, Some(coding)) if coding.eq_ignore_ascii_case("chunked") => Framing::Chunked,
            // Without a length or chunks, a cut-off answer would look complete.
            (None, None) => return Err(unusable("it has no length")),
            _ => return Err(unusable("its end can be read in two ways")),
        };
        let closes = response
            .headers
            .iter()
            .filter(|field| field.name.eq_ignore_ascii_case("connection"))
            .flat_map(|field| field.value.split(|&byte| byte == b','))
            .any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"));
        let answer = Answer::new(status, |name| {
            let field = response
                .headers
                .iter()
                .find(|field| field.name.eq_ignore_ascii_case(name))?;
            std::str::from_utf8(field.value).ok()
        });
        Ok(Some(Head {
            answer,
            length,
            body,
            keep_alive: response.version == Some(1) && !closes,
        }))
    }

    /// Reads a body of known length to where it stays.
    fn counted(&mut self, length: usize, body: &mut Body<'_>, deadline: Instant) -> Result<(), UpstreamError> {
        body.share.take(length)?;
        body.bytes.reserve_exact(length);
        self.hand_over(length, body);
        while body.bytes.len() < length {
            self.bound(Wait::Receive, deadline)?;
            receive(&self.stream, &mut body.bytes)?;
        }
        // Room may be more than was asked for, and so what was read.
        self.input.extend(body.bytes.drain(length..));
        Ok(())
    }

    /// Moves at most so many bytes of the input to the body; how many.
    fn hand_over(&mut self, most: usize, body: &mut Body<'_>) -> usize {
        let here = most.min(self.input.len());
        body.bytes.extend_from_slice(self.input.get(..here).unwrap_or_default());
        self.input.drain(..here);
        here
    }

    fn chunked(&mut self, body: &mut Body<'_>, deadline: Instant) -> Result<(), UpstreamError> {
        loop {
            let line = self.line(deadline)?;
            let digits = line.split(|&byte| byte == b';').next().unwrap_or_default();
            let digits = std::str::from_utf8(digits)
                .unwrap_or_default()
                .trim_end_matches([' ', '\t']);
            let size = Some(digits)
                .filter(|digits| (1..=8).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
                .and_then(|digits| usize::from_str_radix(digits, 16).ok())
                .ok_or_else(|| UpstreamError::Lost("the size of a chunk is no number".into()))?;
            if size == 0 {
                break;
            }
            body.make_room(size)?;
            let mut rest = size;
            while rest > 0 {
                if self.input.is_empty() {
                    self.fill(deadline)?;
                }
                rest -= self.hand_over(rest, body);
            }
            if !self.line(deadline)?.is_empty() {
                return Err(UpstreamError::Lost("a chunk is longer than its size".into()));
            }
        }
        // Trailer fields say nothing to us.
        let mut trailers = 0_usize;
        loop {
            let line = self.line(deadline)?;
            if line.is_empty() {
                return Ok(());
            }
            trailers = trailers.saturating_add(line.len());
            if trailers > HEAD_BYTES {
                return Err(unusable("its trailer is too long"));
            }
        }
    }

    /// A line without its end.
    fn line(&mut self, deadline: Instant) -> Result<Vec<u8>, UpstreamError> {
        loop {
            if let Some(end) = self.input.windows(2).position(|pair| pair == b"\r\n") {
                let mut line: Vec<u8> = self.input.drain(..end + 2).collect();
                line.truncate(end);
                return Ok(line);
            }
            if self.input.len() > LINE_BYTES {
                return Err(UpstreamError::Lost("a line between chunks is too long".into()));
            }
            self.fill(deadline)?;
        }
    }
}

fn content_length(text: &str) -> Result<usize, UpstreamError> {
    let length = Some(text)
        .filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse::<u64>().ok())
        .ok_or_else(|| unusable("its length is no number"))?;
    if length > MAX_ANSWER {
        return Err(unusable(format!("{length} bytes are more than {MAX_ANSWER}")));
    }
    usize::try_from(length).map_err(|_| unusable("its length is no number"))
}

/// Reads once into the room that a buffer has.
fn receive(stream: &UnixStream, buffer: &mut Vec<u8>) -> Result<(), UpstreamError> {
    loop {
        match net::recv(stream, spare_capacity(buffer), RecvFlags::empty()) {
            Ok((_, 0)) => return Err(UpstreamError::Lost("it ended the connection".into())),
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(broken(error)),
        }
    }
}

fn broken(error: Errno) -> UpstreamError {
    match error {
        Errno::AGAIN => UpstreamError::TimedOut,
        error => UpstreamError::Lost(std::io::Error::from(error).to_string()),
    }
}
