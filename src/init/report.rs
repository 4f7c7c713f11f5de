//! The log of PID 1 and, passed through it, of the database: one line at a time on standard error, in text or JSON.
//!
//! INVARIANT: a line never blocks the loop and is never torn. A pipe that `poll` calls writable takes `PIPE_BUF` bytes
//! at once and as a whole, so no written line is longer; what finds no room waits in a bounded buffer, and what finds no
//! room there either is dropped and counted.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::os::fd::BorrowedFd;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::event::{PollFd, PollFlags, Timespec};

use crate::config::LogFormat;

/// POSIX guarantees 512, Linux 4096 bytes for an undivided write to a pipe.
const PIPE_BUF: usize = 4096;
/// Most bytes of a message; the rest of the line has room beside it, even when JSON doubles every byte.
pub(super) const MESSAGE_BYTES: usize = 1900;
/// Most bytes that wait for a blocked standard error.
const WAITING_BYTES: usize = 64 * 1024;

/// How grave a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// The least urgent level that is written; `None`: nothing is.
struct Threshold(Option<Level>);

impl Threshold {
    fn parse(text: &str) -> Option<Self> {
        Some(Self(match text.to_ascii_lowercase().as_str() {
            "off" => None,
            "error" => Some(Level::Error),
            "warn" | "warning" => Some(Level::Warn),
            "info" => Some(Level::Info),
            "debug" => Some(Level::Debug),
            "trace" => Some(Level::Trace),
            _ => return None,
        }))
    }
}

/// Which lines are written: the part of an `env_logger` filter that concerns PID 1 and the database.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Filter {
    own: Option<Level>,
    database: Option<Level>,
}

impl Filter {
    /// `info`, `warn,init=debug`, `arangod=off`; directives for other modules are not ours.
    fn parse(text: &str) -> Self {
        let mut filter = Self {
            own: Some(Level::Info),
            database: Some(Level::Info),
        };
        let directives = || text.split('/').next().unwrap_or_default().split(',').map(str::trim);
        for Threshold(level) in directives().filter_map(Threshold::parse) {
            filter.own = level;
            filter.database = level;
        }
        for (target, level) in directives().filter_map(|directive| directive.split_once('=')) {
            let Some(Threshold(level)) = Threshold::parse(level) else {
                continue;
            };
            match target {
                "init" | "mallku_db::init" => filter.own = level,
                "arangod" => filter.database = level,
                _ => {}
            }
        }
        filter
    }
}

/// Writes the log.
pub(super) struct Report {
    format: LogFormat,
    filter: Filter,
    target: &'static str,
    waiting: VecDeque<Vec<u8>>,
    waiting_bytes: usize,
    closed: bool,
    unreported_drops: u64,
    /// Lines that were dropped because standard error took none.
    pub(super) dropped: u64,
}

/// A line of the database's own log, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Passed<'a> {
    pub(super) level: Level,
    /// arangod's five-character id, which is stable over releases; empty when there is none.
    pub(super) id: &'a str,
    /// Its log topic; empty when there is none.
    pub(super) topic: &'a str,
    pub(super) message: &'a str,
}

impl Report {
    pub(super) fn new(format: LogFormat, filter: &str, target: &'static str) -> Self {
        Self {
            format,
            filter: Filter::parse(filter),
            target,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            closed: false,
            unreported_drops: 0,
            dropped: 0,
        }
    }

    pub(super) fn error(&mut self, message: impl AsRef<str>) {
        self.own(Level::Error, message.as_ref());
    }

    pub(super) fn warn(&mut self, message: impl AsRef<str>) {
        self.own(Level::Warn, message.as_ref());
    }

    pub(super) fn info(&mut self, message: impl AsRef<str>) {
        self.own(Level::Info, message.as_ref());
    }

    pub(super) fn debug(&mut self, message: impl AsRef<str>) {
        self.own(Level::Debug, message.as_ref());
    }

    fn own(&mut self, level: Level, message: &str) {
        if self.filter.own.is_none_or(|most| level > most) {
            return;
        }
        let line = Passed {
            level,
            id: "",
            topic: "",
            message: cut(message, MESSAGE_BYTES),
        };
        self.put(render(self.format, now_millis(), self.target, line));
    }

    /// Writes a line of the database's log.
    pub(super) fn pass(&mut self, line: Passed<'_>) {
        if self.filter.database.is_some_and(|most| line.level <= most) {
            self.put(render(self.format, now_millis(), "arangod", line));
        }
    }

    fn put(&mut self, line: Vec<u8>) {
        self.flush();
        if self.closed {
            self.dropped += 1;
        } else if self.waiting.is_empty() && writable() {
            self.write(line);
        } else {
            self.wait(line);
        }
    }

    fn wait(&mut self, line: Vec<u8>) {
        if self.waiting_bytes + line.len() > WAITING_BYTES {
            self.dropped += 1;
            self.unreported_drops += 1;
        } else {
            self.waiting_bytes += line.len();
            self.waiting.push_back(line);
        }
    }

    fn write(&mut self, line: Vec<u8>) {
        match rustix::io::write(stderr(), &line) {
            Ok(_) => {}
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => self.wait(line),
            // Nobody reads any more, as after a closed pipe; the work goes on without a log.
            Err(_) => {
                self.closed = true;
                self.waiting.clear();
                self.waiting_bytes = 0;
            }
        }
    }

    /// Writes what waits, as far as standard error takes it.
    pub(super) fn flush(&mut self) {
        while !self.waiting.is_empty() && writable() {
            if let Some(line) = self.waiting.pop_front() {
                self.waiting_bytes -= line.len();
                self.write(line);
            }
        }
        if self.unreported_drops > 0 && self.waiting.is_empty() && !self.closed {
            let drops = std::mem::take(&mut self.unreported_drops);
            self.own(
                Level::Warn,
                &format!("standard error was blocked; {drops} log lines were dropped"),
            );
        }
    }

    /// Whether the loop should wake up when standard error takes bytes again.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }
}

/// Standard error as a descriptor.
pub(super) fn stderr() -> BorrowedFd<'static> {
    rustix::stdio::stderr()
}

fn writable() -> bool {
    let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
    let mut fds = [PollFd::from_borrowed_fd(stderr(), PollFlags::OUT)];
    matches!(rustix::event::poll(&mut fds, Some(&zero)), Ok(ready) if ready > 0)
}

fn render(format: LogFormat, millis: u64, target: &str, line: Passed<'_>) -> Vec<u8> {
    let mut text = String::with_capacity(line.message.len() + 96);
    let time = timestamp(millis);
    match format {
        LogFormat::Text => {
            let level = line.level.name();
            let _ = write!(text, "{time} {level:<5} {target}: ");
            if !line.topic.is_empty() {
                let _ = write!(text, "{{{}}} ", line.topic);
            }
            // A line break inside of a message would make two lines of it.
            text.extend(
                line.message
                    .chars()
                    .map(|c| if c.is_control() && c != '\t' { ' ' } else { c }),
            );
        }
        LogFormat::Json => {
            let object = serde_json::json!({ "time": time, "level": line.level.name(), "target": target });
            if let serde_json::Value::Object(mut object) = object {
                for (name, value) in [("id", line.id), ("topic", line.topic)] {
                    if !value.is_empty() {
                        object.insert(name.to_owned(), value.into());
                    }
                }
                object.insert("message".to_owned(), line.message.into());
                let _ = write!(text, "{}", serde_json::Value::Object(object));
            }
        }
    }
    let mut bytes = text.into_bytes();
    if bytes.len() >= PIPE_BUF {
        // Only a message of control characters, which JSON writes six times as long, gets here.
        let shorter = Passed {
            message: cut(line.message, line.message.len() / 4),
            ..line
        };
        return render(format, millis, target, shorter);
    }
    bytes.push(b'\n');
    bytes
}

/// The longest beginning of a text that has at most so many bytes.
pub(super) fn cut(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Milliseconds since 1970 by the wall clock.
pub(super) fn now_millis() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| u64::try_from(since.as_millis()).ok())
        .unwrap_or(0)
}

/// RFC 3339 in UTC with milliseconds.
fn timestamp(millis: u64) -> String {
    // The last millisecond that the format has a year for.
    let millis = millis.min(253_402_300_799_999);
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(millis)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_clock_has_a_time() {
        assert_eq!(timestamp(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(timestamp(1_709_164_800_001), "2024-02-29T00:00:00.001Z");
        assert_eq!(timestamp(u64::MAX), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn a_line_is_one_line_in_either_format() {
        let line = Passed {
            level: Level::Warn,
            id: "a1b2c",
            topic: "rocksdb",
            message: "two\nlines and a \"quote\"",
        };
        let text = |format| String::from_utf8(render(format, 0, "arangod", line)).unwrap();
        assert_eq!(
            text(LogFormat::Text),
            "1970-01-01T00:00:00.000Z warn  arangod: {rocksdb} two lines and a \"quote\"\n"
        );
        assert_eq!(
            text(LogFormat::Json),
            "{\"time\":\"1970-01-01T00:00:00.000Z\",\"level\":\"warn\",\"target\":\"arangod\",\"id\":\"a1b2c\",\
             \"topic\":\"rocksdb\",\"message\":\"two\\nlines and a \\\"quote\\\"\"}\n"
        );
    }

    #[test]
    fn no_line_is_longer_than_a_pipe_takes_at_once() {
        for character in ["x", "\u{1}", "\"", "ä", "😀"] {
            let message = character.repeat(MESSAGE_BYTES);
            for format in [LogFormat::Text, LogFormat::Json] {
                let line = Passed {
                    level: Level::Info,
                    id: "",
                    topic: "",
                    message: cut(&message, MESSAGE_BYTES),
                };
                let bytes = render(format, 0, "arangod", line);
                assert!(bytes.len() <= PIPE_BUF, "{character:?} {format:?} {}", bytes.len());
                assert!(String::from_utf8(bytes).unwrap().ends_with('\n'));
            }
        }
    }

    #[test]
    fn a_filter_for_the_gate_leaves_the_rest_alone() {
        let filter = |text| {
            let Filter { own, database } = Filter::parse(text);
            (own, database)
        };
        let (info, warn, debug) = (Some(Level::Info), Some(Level::Warn), Some(Level::Debug));
        assert_eq!(filter("info"), (info, info));
        assert_eq!(filter("warn,mallku_db::gate=debug"), (warn, warn));
        assert_eq!(filter("init=debug"), (debug, info));
        assert_eq!(filter("arangod=off,debug"), (debug, None));
        assert_eq!(filter("nonsense"), (info, info));
    }
}
