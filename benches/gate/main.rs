//! The gate beside nginx's plain `proxy_pass`, in front of the same stub, in turn in one run; then the gate among thousands
//! of hostile connections; then its memory after many requests. Prints ratios; figures alone say little about a machine.
//!
//! `BENCH_SECONDS` (default 3) is the time of one run, `BENCH_ROUNDS` (2) how often each is repeated, `BENCH_REQUESTS`
//! (1000000) how many requests the memory test sends. Needs `nginx` and `wrk`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints")]
#![allow(missing_docs, reason = "a program")]

mod load;
mod servers;
mod stub;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use load::{Ask, Figures};
use servers::Server;

/// The connections of a run.
const CONNECTIONS: [u32; 4] = [1, 16, 64, 256];
/// What the gate has to reach of nginx's requests a second.
const GOAL: f64 = 0.65;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let result = match arguments.get(1..) {
        Some([flag, address, socket]) if flag == "--serve-door" => servers::serve_door(address, PathBuf::from(socket)),
        // `cargo test --benches` only asks whether it runs.
        Some(rest) if rest.iter().any(|word| word == "--test") => Ok(()),
        _ => bench(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

fn bench() -> io::Result<()> {
    for program in ["nginx", "wrk"] {
        if std::process::Command::new(program).arg("-v").output().is_err() {
            println!("{program} is not installed: the gate is not measured");
            return Ok(());
        }
    }
    raise_descriptors();
    let dir = tempfile::tempdir()?;
    let socket = dir.path().join("stub.sock");
    stub::start(&socket)?;
    compare(dir.path(), &socket)?;
    among_hostile_connections(dir.path(), &socket)?;
    stays_flat(dir.path(), &socket)
}

/// This process holds the other end of every hostile connection.
fn raise_descriptors() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
}

fn compare(dir: &Path, socket: &Path) -> io::Result<()> {
    let time = Duration::from_secs(number("BENCH_SECONDS", 3));
    let rounds = number("BENCH_ROUNDS", 2);
    let servers = [
        servers::nginx(dir, socket)?,
        servers::door(socket)?,
        servers::gate(dir, socket)?,
    ];
    println!("requests a second, median and 99th percentile; in brackets the ratio to nginx in the same run\n");
    println!("| answer | connections | server | requests/s | p50 | p99 | failed |");
    println!("| --- | ---: | --- | ---: | ---: | ---: | ---: |");
    let mut lowest = f64::INFINITY;
    for ask in [Ask::Small, Ask::Large] {
        for connections in CONNECTIONS {
            let mut runs: Vec<Vec<Figures>> = vec![Vec::new(); servers.len()];
            for _ in 0..rounds {
                for (server, runs) in servers.iter().zip(&mut runs) {
                    runs.push(load::run(dir, server.address, ask, connections, time)?);
                }
            }
            let figures: Vec<Figures> = runs.iter().map(|runs| best(runs)).collect();
            let peer = figures.first().copied().unwrap_or_default();
            for (server, figures) in servers.iter().zip(&figures) {
                let ratio = figures.per_second / peer.per_second;
                if server.name == "gate" {
                    lowest = lowest.min(ratio);
                }
                println!(
                    "| {} | {connections} | {} | {:.0} ({ratio:.2}) | {} ({:.2}) | {} ({:.2}) | {} |",
                    ask.name(),
                    server.name,
                    figures.per_second,
                    micros(figures.p50),
                    ratio_of(figures.p50, peer.p50),
                    micros(figures.p99),
                    ratio_of(figures.p99, peer.p99),
                    figures.failed,
                );
            }
        }
    }
    println!("\nlowest ratio of the gate to nginx: {lowest:.2} (goal {GOAL})\n");
    Ok(())
}

/// The run in which the machine disturbed least.
fn best(runs: &[Figures]) -> Figures {
    runs.iter()
        .copied()
        .max_by(|one, other| one.per_second.total_cmp(&other.per_second))
        .unwrap_or_default()
}

fn micros(duration: Duration) -> String {
    format!("{} µs", duration.as_micros())
}

fn ratio_of(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64().max(0.000_001)
}

fn among_hostile_connections(dir: &Path, socket: &Path) -> io::Result<()> {
    let time = Duration::from_secs(number("BENCH_SECONDS", 3));
    let (idle, half_sent) = (10_000, 3000);
    for server in [servers::door(socket)?, servers::gate(dir, socket)?] {
        let alone = load::run(dir, server.address, Ask::Small, 1, time)?;
        let (before, _) = server.footprint();
        let streams = load::hostile(server.address, idle, half_sent)?;
        let among = load::run(dir, server.address, Ask::Small, 1, time)?;
        let (after, descriptors) = server.footprint();
        println!(
            "{}: one client alone {} (p99 {}), among {idle} idle and {half_sent} half-sent connections {} (p99 {}): \
             {:.2} times as long (p99 {:.2}; goal 2)",
            server.name,
            micros(alone.p50),
            micros(alone.p99),
            micros(among.p50),
            micros(among.p99),
            ratio_of(among.p50, alone.p50),
            ratio_of(among.p99, alone.p99),
        );
        println!(
            "{}: memory {} MiB before, {} MiB with them (goal 64), {descriptors} descriptors, {} failed",
            server.name,
            before / 1024,
            after / 1024,
            among.failed
        );
        drop(streams);
    }
    println!();
    Ok(())
}

fn stays_flat(dir: &Path, socket: &Path) -> io::Result<()> {
    let wanted = number("BENCH_REQUESTS", 1_000_000);
    let server: Server = servers::gate(dir, socket)?;
    let mut sent = 0;
    let mut shown = 0;
    println!("| requests | memory | descriptors |\n| ---: | ---: | ---: |");
    while sent < wanted {
        let figures = load::run(dir, server.address, Ask::Small, 16, Duration::from_secs(2))?;
        if figures.total == 0 {
            return Err(io::Error::other("no request was answered"));
        }
        sent += figures.total;
        if sent >= shown {
            let (resident, descriptors) = server.footprint();
            println!("| {sent} | {resident} KiB | {descriptors} |");
            shown = sent + wanted / 5;
        }
    }
    Ok(())
}
