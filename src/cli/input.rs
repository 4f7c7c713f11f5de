//! What `check` and `parse` read: query texts from files or standard input, and rows of JSON Lines.
//!
//! INVARIANT: rows are answered in the order of the input, and a row that cannot be read is answered like any other.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::thread;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Exit, Streams};
use crate::gate::json::{self, JsonLimits};

/// A longer row or query is answered with an error and not held in memory.
const LONGEST: u64 = 64 << 20;

/// Rows that are judged together, and how many bytes of them at most.
const BATCH_ROWS: usize = 4096;
const BATCH_BYTES: usize = 16 << 20;

/// A query text and where it came from.
pub(super) struct Text {
    pub(super) origin: String,
    pub(super) text: String,
}

/// Reads the named files, or standard input without a name; `-` is standard input too.
pub(super) fn texts(names: &[OsString], streams: &mut Streams<'_>) -> Result<Vec<Text>, Exit> {
    let stdin = [OsString::from("-")];
    let names = if names.is_empty() { &stdin[..] } else { names };
    names.iter().map(|name| text(name, streams)).collect()
}

fn text(name: &OsStr, streams: &mut Streams<'_>) -> Result<Text, Exit> {
    let origin = if name == "-" {
        "<stdin>".to_owned()
    } else {
        name.display().to_string()
    };
    let mut bytes = Vec::new();
    let read = open(name).and_then(|reader| reader.take(LONGEST + 1).read_to_end(&mut bytes));
    let problem = match read {
        Err(error) => error.to_string(),
        Ok(_) if bytes.len() as u64 > LONGEST => format!("longer than {} MiB", LONGEST >> 20),
        Ok(_) => match String::from_utf8(bytes) {
            Ok(text) => return Ok(Text { origin, text }),
            Err(_) => "not UTF-8".to_owned(),
        },
    };
    streams.complain(format_args!("error: {origin}: {problem}"));
    Err(Exit::Usage)
}

/// Opens a file, or standard input for `-`.
fn open(name: &OsStr) -> io::Result<Box<dyn BufRead>> {
    if name == "-" {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    Ok(Box::new(BufReader::with_capacity(1 << 16, File::open(name)?)))
}

/// A row of JSON Lines. Other keys may stand beside these.
#[derive(Debug, Deserialize)]
pub(super) struct Row {
    pub(super) query: String,
    #[serde(rename = "bindVars")]
    pub(super) bind_vars: Option<Map<String, Value>>,
    pub(super) user: Option<String>,
    pub(super) database: Option<String>,
}

/// Answers every row of a file, several at a time; `answer` gives the line to print and what it means for the exit.
pub(super) fn rows<F>(name: &OsStr, streams: &mut Streams<'_>, answer: F) -> Exit
where
    F: Fn(Result<Row, String>) -> (String, Exit) + Sync,
{
    let mut reader = match open(name) {
        Ok(reader) => reader,
        Err(error) => {
            streams.complain(format_args!("error: {}: {error}", name.display()));
            return Exit::Usage;
        }
    };
    let mut worst = Exit::Done;
    loop {
        let batch = match batch(&mut *reader) {
            Ok(batch) => batch,
            Err(error) => {
                streams.complain(format_args!("error: {}: {error}", name.display()));
                return Exit::Usage;
            }
        };
        if batch.is_empty() {
            return worst;
        }
        for (line, exit) in answered(&batch, &answer) {
            streams.say(line);
            worst = if worst.code() < exit.code() { exit } else { worst };
        }
    }
}

fn answered<F>(batch: &[Vec<u8>], answer: &F) -> Vec<(String, Exit)>
where
    F: Fn(Result<Row, String>) -> (String, Exit) + Sync,
{
    let workers = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let share = batch.len().div_ceil(workers).max(1);
    thread::scope(|scope| {
        let shares: Vec<_> = batch
            .chunks(share)
            .map(|rows| scope.spawn(|| rows.iter().map(|row| answer(read(row))).collect::<Vec<_>>()))
            .collect();
        let broken = || (r#"{"error":"this row could not be answered"}"#.to_owned(), Exit::Usage);
        shares
            .into_iter()
            .zip(batch.chunks(share))
            // A worker that panicked has answered nothing: its rows are errors, and never admitted.
            .flat_map(|(worker, rows)| {
                worker
                    .join()
                    .unwrap_or_else(|_| rows.iter().map(|_| broken()).collect())
            })
            .collect()
    })
}

/// The next lines. A blank one is a row that cannot be read: each line of the input has its line in the output.
fn batch(reader: &mut dyn BufRead) -> io::Result<Vec<Vec<u8>>> {
    let (mut batch, mut bytes) = (Vec::new(), 0);
    while batch.len() < BATCH_ROWS && bytes < BATCH_BYTES {
        let mut line = Vec::new();
        if reader.take(LONGEST).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.len() as u64 == LONGEST && line.last() != Some(&b'\n') {
            reader.skip_until(b'\n')?;
        }
        bytes += line.len();
        batch.push(line);
    }
    Ok(batch)
}

fn read(row: &[u8]) -> Result<Row, String> {
    if row.len() as u64 >= LONGEST {
        return Err(format!("longer than {} MiB", LONGEST >> 20));
    }
    let value = json::parse(row, JsonLimits::default()).map_err(|error| error.to_string())?;
    if !value.is_object() {
        return Err("it is no JSON object".to_owned());
    }
    serde_json::from_value(value).map_err(|error| error.to_string())
}
