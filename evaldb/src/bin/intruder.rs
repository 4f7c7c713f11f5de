//! What a stranger inside of the container reaches: the amnesia tests smuggle this program in and run it as various users.
//!
//! Prints one JSON object: probe → `"reached"` or why it was not. It changes nothing but a file that it creates and removes.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, test_kill_process};

const PATIENCE: Duration = Duration::from_secs(5);

fn main() {
    let probes: [(&str, io::Result<()>); 10] = [
        ("connect to the database's socket", connect("/run/mallku/arangod.sock")),
        ("read the database without credentials", ask("/run/mallku/arangod.sock")),
        ("connect to port 8529", connect_tcp(8529)),
        ("read a secret", read_any("/run/secrets")),
        ("read the data", list("/var/lib/arangodb3")),
        ("read PID 1's environment", read("/proc/1/environ")),
        ("open PID 1's memory", File::open("/proc/1/mem").map(drop)),
        ("signal PID 1", signal_init()),
        ("change a schema", write("/opt/mallku/schemas/intruder.json")),
        ("change the state folder", write("/run/mallku/intruder")),
    ];
    let report: serde_json::Map<String, serde_json::Value> = probes
        .into_iter()
        .map(|(name, outcome)| {
            let text = outcome.map_or_else(|error| error.to_string(), |()| "reached".to_owned());
            (name.to_owned(), text.into())
        })
        .collect();
    let _ = writeln!(io::stdout(), "{}", serde_json::Value::Object(report));
}

fn connect(path: &str) -> io::Result<()> {
    UnixStream::connect(path).map(drop)
}

/// Whether the database answers a question of somebody whom it does not know.
fn ask(path: &str) -> io::Result<()> {
    let mut stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /_api/database/user HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let line: String = String::from_utf8_lossy(&answer)
        .lines()
        .next()
        .unwrap_or_default()
        .into();
    if line.contains(" 200") {
        Ok(())
    } else {
        Err(io::Error::other(line))
    }
}

fn connect_tcp(port: u16) -> io::Result<()> {
    TcpStream::connect_timeout(&SocketAddr::from(([127, 0, 0, 1], port)), PATIENCE).map(drop)
}

fn read(path: impl AsRef<Path>) -> io::Result<()> {
    let mut byte = [0_u8; 1];
    match File::open(path)?.read(&mut byte)? {
        0 => Err(io::Error::other("empty")),
        _ => Ok(()),
    }
}

fn read_any(folder: &str) -> io::Result<()> {
    let mut last = Err(io::Error::other("no secret to read"));
    for entry in fs::read_dir(folder)? {
        last = read(entry?.path());
        if last.is_ok() {
            break;
        }
    }
    last
}

fn list(folder: &str) -> io::Result<()> {
    fs::read_dir(folder).map(drop)
}

fn signal_init() -> io::Result<()> {
    test_kill_process(Pid::INIT).map_err(Into::into)
}

fn write(path: &str) -> io::Result<()> {
    File::create_new(path)?.write_all(b"{}")?;
    fs::remove_file(path)
}
