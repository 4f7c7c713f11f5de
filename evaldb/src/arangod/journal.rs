//! The server's own log, line for line in arangod's form: time, process id, level, log id, topic, message; or one JSON
//! object a line with `--log.use-json-format`.
//!
//! A line is written with one call, so that lines of several threads never mix.

use super::clock;
use super::options::Options;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// How important a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Fatal,
    Error,
    Warning,
    Info,
    Debug,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Level::Fatal => "FATAL",
            Level::Error => "ERROR",
            Level::Warning => "WARNING",
            Level::Info => "INFO",
            Level::Debug => "DEBUG",
        }
    }

    fn parse(text: &str) -> Option<Level> {
        match text.to_ascii_lowercase().as_str() {
            "fatal" => Some(Level::Fatal),
            "error" | "err" => Some(Level::Error),
            "warning" | "warn" => Some(Level::Warning),
            "info" => Some(Level::Info),
            "debug" | "trace" => Some(Level::Debug),
            _ => None,
        }
    }
}

enum Sink {
    Stdout,
    Stderr,
    File { path: PathBuf, file: Option<File> },
}

/// Where log lines go, and which.
pub(crate) struct Journal {
    sinks: Mutex<Vec<Sink>>,
    json: bool,
    level: Level,
    /// `escape-control-chars`: a message cannot fake a line of its own.
    escape: bool,
}

impl Journal {
    /// The log that the options ask for; standard output without any.
    pub(crate) fn open(options: &Options) -> Journal {
        let mut sinks: Vec<Sink> = Vec::new();
        for output in options
            .list("log.output")
            .iter()
            .map(String::as_str)
            .chain(options.text("log.file"))
        {
            // `topic=output` sends one topic there; here every line of it goes there.
            let output = output.split_once('=').map_or(output, |(_, target)| target);
            sinks.push(match output {
                "-" => Sink::Stdout,
                "+" => Sink::Stderr,
                other => {
                    let path = PathBuf::from(other.strip_prefix("file://").unwrap_or(other));
                    Sink::File {
                        file: append(&path),
                        path,
                    }
                }
            });
        }
        if sinks.is_empty() {
            sinks.push(Sink::Stdout);
        }
        let level = options
            .list("log.level")
            .iter()
            .filter(|level| !level.contains('='))
            .find_map(|level| Level::parse(level))
            .unwrap_or(Level::Info);
        Journal {
            sinks: Mutex::new(sinks),
            json: options.flag("log.use-json-format", false),
            level,
            escape: options.flag("log.escape-control-chars", true),
        }
    }

    /// Writes one line.
    pub(crate) fn write(&self, level: Level, id: &str, topic: &str, message: &str) {
        if level > self.level {
            return;
        }
        let time = clock::iso_micros(clock::now());
        let pid = std::process::id();
        let line = if self.json {
            let line = serde_json::json!({
                "time": time, "pid": pid, "level": level.name(), "topic": topic, "id": id, "message": message,
            });
            format!("{line}\n")
        } else {
            let message = if self.escape {
                escaped(message)
            } else {
                message.to_owned()
            };
            format!("{time} [{pid}] {} [{id}] {{{topic}}} {message}\n", level.name())
        };
        for sink in self.sinks.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
            // A closed log pipe must not stop the server.
            let _ = match sink {
                Sink::Stdout => std::io::stdout().lock().write_all(line.as_bytes()),
                Sink::Stderr => std::io::stderr().lock().write_all(line.as_bytes()),
                Sink::File { file: Some(file), .. } => file.write_all(line.as_bytes()),
                Sink::File { file: None, .. } => Ok(()),
            };
            if matches!(sink, Sink::Stdout) {
                let _ = std::io::stdout().lock().flush();
            }
        }
    }

    pub(crate) fn info(&self, id: &str, topic: &str, message: &str) {
        self.write(Level::Info, id, topic, message);
    }

    /// Opens log files anew, as arangod does on SIGHUP.
    pub(crate) fn reopen(&self) {
        for sink in self.sinks.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
            if let Sink::File { path, file } = sink {
                *file = append(path);
            }
        }
    }
}

fn append(path: &PathBuf) -> Option<File> {
    OpenOptions::new().create(true).append(true).open(path).ok()
}

fn escaped(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    for c in message.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = std::fmt::Write::write_fmt(&mut out, format_args!("\\x{:02x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}
