//! Load: `wrk` with scripts that check what comes back.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketType};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    /// `GET /_api/version`: an answer of 60 bytes.
    Small,
    /// A query whose answer has 100 KiB.
    Large,
}

impl Ask {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Ask::Small => "small",
            Ask::Large => "100 KiB",
        }
    }

    /// The least that an answer has, with its head.
    const fn bytes(self) -> u64 {
        match self {
            Ask::Small => 60,
            Ask::Large => 100 * 1024,
        }
    }

    const fn script(self) -> &'static str {
        match self {
            Ask::Small => "wrk.path = \"/_db/_system/_api/version\"\n",
            Ask::Large => {
                "wrk.method = \"POST\"\nwrk.path = \"/_db/_system/_api/cursor\"\n\
                 wrk.headers[\"Content-Type\"] = \"application/json\"\n\
                 wrk.body = '{\"query\":\"FOR e IN episodes FILTER e.number >= @n RETURN {number: e.number, title: e.title}\",\
                 \"bindVars\":{\"n\":7}}'\n"
            }
        }
    }
}

/// What a run came to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Figures {
    pub(crate) per_second: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) total: u64,
    /// Answers that were no 2xx or too short, and sockets that failed.
    pub(crate) failed: u64,
}

/// The middle one of several.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Runs `wrk` with so many connections for so long.
pub(crate) fn run(dir: &Path, address: SocketAddr, ask: Ask, connections: u32, time: Duration) -> io::Result<Figures> {
    let script = dir.join(format!("{}.lua", ask.name().replace(' ', "-")));
    let head = "wrk.headers[\"Authorization\"] = \"Basic YXBwOnBhc3N3b3Jk\"\n";
    let done = "done = function(summary, latency)\n\
                local e = summary.errors\n\
                io.write(string.format('FIGURES %f %d %d %d %d %d\\n', summary.requests / summary.duration * 1e6,\n\
                latency:percentile(50), latency:percentile(99), summary.requests,\n\
                e.connect + e.read + e.write + e.status + e.timeout, summary.bytes))\nend\n";
    std::fs::write(&script, format!("{head}{}{done}", ask.script()))?;
    let threads = connections.min(2);
    let output = Command::new("wrk")
        .arg(format!("-t{threads}"))
        .arg(format!("-c{connections}"))
        .arg(format!("-d{}s", time.as_secs().max(1)))
        .arg("-s")
        .arg(&script)
        .arg(format!("http://{address}"))
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    parse(&text, ask)
        .ok_or_else(|| io::Error::other(format!("wrk said: {text}{}", String::from_utf8_lossy(&output.stderr))))
}

/// One request at a time, each on a connection of its own, with a pause between; the time is from the connection's beginning
/// to its end.
pub(crate) fn newcomers(address: SocketAddr, time: Duration) -> Figures {
    let begin = Instant::now();
    let mut times = Vec::new();
    let mut failed = 0;
    while begin.elapsed() < time {
        let start = Instant::now();
        match newcomer(address) {
            Ok(()) => times.push(start.elapsed()),
            Err(_) => failed += 1,
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    times.sort_unstable();
    let percentile = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
    Figures {
        per_second: f64::from(u32::try_from(times.len()).unwrap_or(u32::MAX)) / begin.elapsed().as_secs_f64(),
        p50: percentile(50),
        p99: percentile(99),
        total: times.len() as u64,
        failed,
    }
}

/// From an address of its own: attackers who come from the same one as the client use up its ports.
fn newcomer(address: SocketAddr) -> io::Result<()> {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None)?;
    rustix::net::sockopt::set_socket_reuseaddr(&socket, true)?;
    rustix::net::bind(&socket, &SocketAddr::from(([127, 0, 0, 2], 0)))?;
    rustix::net::connect(&socket, &address)?;
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.write_all(
        b"GET /_api/version HTTP/1.1\r\nHost: db\r\nAuthorization: Basic YXBwOnBhc3N3b3Jk\r\nConnection: close\r\n\r\n",
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let whole = answer.starts_with(b"HTTP/1.1 200 ") && answer.ends_with(b"}");
    whole.then_some(()).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn parse(text: &str, ask: Ask) -> Option<Figures> {
    let line = text.lines().find_map(|line| line.strip_prefix("FIGURES "))?;
    let mut words = line.split(' ');
    let mut figures = Figures {
        per_second: words.next()?.parse().ok()?,
        p50: Duration::from_micros(words.next()?.parse().ok()?),
        p99: Duration::from_micros(words.next()?.parse().ok()?),
        total: words.next()?.parse().ok()?,
        failed: words.next()?.parse().ok()?,
    };
    let bytes: u64 = words.next()?.parse().ok()?;
    if figures.total == 0 || bytes / figures.total < ask.bytes() {
        figures.failed = figures.failed.max(1);
    }
    Some(figures)
}
