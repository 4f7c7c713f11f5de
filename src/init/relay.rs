//! The database's output, cut into lines and understood as far as its level.
//!
//! INVARIANT: memory is bounded by [`MESSAGE_BYTES`], whatever the database writes: a longer line is passed in parts,
//! each marked, and nothing of it is lost.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::report::{Level, MESSAGE_BYTES, Passed, cut};

/// Bytes taken from a pipe at most before the loop looks at signals again.
const BYTES_PER_ROUND: usize = 64 * 1024;

/// One end of a pipe on which the database writes lines.
pub(super) struct Stream {
    pipe: OwnedFd,
    rest: Vec<u8>,
    /// Whether `rest` continues a line whose beginning was passed already.
    continues: bool,
    default_level: Level,
}

/// Whether a stream goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Open,
    Closed,
}

impl Stream {
    /// Takes the reading end of a pipe. Lines that tell no level of their own have `default_level`.
    pub(super) fn new(pipe: OwnedFd, default_level: Level) -> rustix::io::Result<Self> {
        rustix::io::ioctl_fionbio(&pipe, true)?;
        Ok(Self {
            pipe,
            rest: Vec::new(),
            continues: false,
            default_level,
        })
    }

    /// Reads what is there, up to a bound, and gives each complete line to `each`.
    pub(super) fn read(&mut self, mut each: impl FnMut(Passed<'_>)) -> Flow {
        let mut chunk = [0; 4096];
        let mut taken = 0;
        while taken < BYTES_PER_ROUND {
            match rustix::io::read(&self.pipe, &mut chunk) {
                Ok(0) => {
                    self.finish(&mut each);
                    return Flow::Closed;
                }
                Ok(length) => {
                    taken += length;
                    self.feed(&chunk[..length], &mut each);
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => break,
                Err(_) => return Flow::Closed,
            }
        }
        Flow::Open
    }

    /// Passes on an unfinished line, as at the end of the process that wrote it.
    pub(super) fn finish(&mut self, each: &mut impl FnMut(Passed<'_>)) {
        if !self.rest.is_empty() {
            self.feed(b"\n", each);
        }
    }

    fn feed(&mut self, mut bytes: &[u8], each: &mut impl FnMut(Passed<'_>)) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.rest.extend_from_slice(&bytes[..end]);
            bytes = &bytes[end + 1..];
            self.pass_parts(each);
            self.pass(self.rest.len(), each);
            self.continues = false;
        }
        self.rest.extend_from_slice(bytes);
        self.pass_parts(each);
    }

    /// Passes on full parts of an overlong line.
    fn pass_parts(&mut self, each: &mut impl FnMut(Passed<'_>)) {
        while self.rest.len() > MESSAGE_BYTES {
            let room = MESSAGE_BYTES - 16;
            // Not in the middle of a character, if these are characters at all.
            let end = (room - 3..=room)
                .rev()
                .find(|at| self.rest[*at] & 0xc0 != 0x80)
                .unwrap_or(room);
            self.pass(end, each);
            self.continues = true;
        }
    }

    fn pass(&mut self, length: usize, each: &mut impl FnMut(Passed<'_>)) {
        let bytes: Vec<u8> = self.rest.drain(..length).collect();
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_end_matches('\r');
        if self.continues {
            let message = format!("… {}", cut(text, MESSAGE_BYTES - 8));
            each(Passed {
                level: self.default_level,
                id: "",
                topic: "",
                message: &message,
            });
        } else if !text.is_empty() {
            each(parse(text, self.default_level));
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

/// Takes a line of arangod's log apart: `2026-11-24T07:00:00.000000Z [1-1] INFO [cf3f4] {general} message`.
///
/// Whatever has another form is a message as a whole.
pub(super) fn parse(line: &str, default_level: Level) -> Passed<'_> {
    let whole = Passed {
        level: default_level,
        id: "",
        topic: "",
        message: line,
    };
    let Some((_time, rest)) = line.split_once(' ') else {
        return whole;
    };
    let Some((_process, rest)) = bracketed(rest, '[', ']') else {
        return whole;
    };
    let Some((word, rest)) = rest.split_once(' ') else {
        return whole;
    };
    let level = match word {
        "FATAL" | "ERROR" | "ERR" => Level::Error,
        "WARNING" | "WARN" => Level::Warn,
        "INFO" => Level::Info,
        "DEBUG" => Level::Debug,
        "TRACE" => Level::Trace,
        _ => return whole,
    };
    let (id, rest) = bracketed(rest, '[', ']').unwrap_or(("", rest));
    let (topic, message) = bracketed(rest, '{', '}').unwrap_or(("", rest));
    Passed {
        level,
        id,
        topic,
        message,
    }
}

fn bracketed(text: &str, open: char, close: char) -> Option<(&str, &str)> {
    let (inside, rest) = text.strip_prefix(open)?.split_once(close)?;
    Some((inside, rest.strip_prefix(' ').unwrap_or(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream() -> (Stream, OwnedFd) {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        (Stream::new(reader, Level::Info).unwrap(), writer)
    }

    fn messages(stream: &mut Stream) -> Vec<String> {
        let mut messages = Vec::new();
        stream.read(|line| messages.push(line.message.to_owned()));
        messages
    }

    #[test]
    fn arangods_lines_keep_level_id_and_topic() {
        let line = "2026-11-24T07:00:00.123456Z [1-7] WARNING [1c156] {startup} Database needs an upgrade";
        assert_eq!(
            parse(line, Level::Info),
            Passed {
                level: Level::Warn,
                id: "1c156",
                topic: "startup",
                message: "Database needs an upgrade"
            }
        );
    }

    #[test]
    fn other_lines_pass_as_they_are() {
        for line in ["terminate called", "2026 [1] NOTICE x", "a [b", "[1-1] INFO x", ""] {
            assert_eq!(parse(line, Level::Error).message, line);
            assert_eq!(parse(line, Level::Error).level, Level::Error);
        }
    }

    #[test]
    fn lines_come_whole_however_they_are_written() {
        let (mut stream, writer) = stream();
        rustix::io::write(&writer, b"one\ntw").unwrap();
        assert_eq!(messages(&mut stream), ["one"]);
        rustix::io::write(&writer, b"o\r\n\nthree").unwrap();
        assert_eq!(messages(&mut stream), ["two"]);
        drop(writer);
        let mut rest = Vec::new();
        assert_eq!(stream.read(|line| rest.push(line.message.to_owned())), Flow::Closed);
        assert_eq!(rest, ["three"]);
    }

    #[test]
    fn an_endless_line_is_passed_in_parts_and_kept_whole() {
        let (mut stream, writer) = stream();
        let line = "ä".repeat(5000);
        rustix::io::write(&writer, line.as_bytes()).unwrap();
        rustix::io::write(&writer, b"\nnext\n").unwrap();
        let mut parts = messages(&mut stream);
        assert_eq!(parts.pop().unwrap(), "next");
        assert!(parts.iter().all(|part| part.len() <= MESSAGE_BYTES));
        let joined: String = parts.iter().map(|part| part.trim_start_matches("… ")).collect();
        assert_eq!(joined, line);
    }
}
