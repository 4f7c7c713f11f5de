//! The gate beside nginx's plain `proxy_pass`, in front of the same stub; then both among hostile clients; then its memory
//! after many requests. Prints ratios; figures alone say little about a machine.
//!
//! Servers take turns, each round begins with another one, and a ratio is the median of the ratios within each round: what
//! disturbs the machine disturbs both sides. Where an answer failed there is no ratio, and the bench fails.
//!
//! `BENCH_SECONDS` (default 2) is the time of one run, `BENCH_ROUNDS` (5) how often each is repeated, `BENCH_REQUESTS`
//! (1000000) how many requests the memory test sends. `BENCH_PART=compare|hostile|flat` does one of the three, and
//! `BENCH_ATTACK` those attacks whose name contains it. Needs `nginx` and `wrk`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints")]
#![allow(missing_docs, reason = "a program")]

mod attack;
mod hostile;
mod load;
mod servers;
mod stub;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use load::{Ask, Figures, median};
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
    let only = std::env::var("BENCH_PART").ok();
    let part = |name| only.as_deref().is_none_or(|only| only == name);
    let mut failed = 0;
    if part("compare") {
        failed += compare(dir.path(), &socket)?;
    }
    if part("hostile") {
        failed += hostile::measure(dir.path())?;
    }
    if part("flat") {
        failed += stays_flat(dir.path(), &socket)?;
    }
    if failed > 0 {
        return Err(io::Error::other(format!(
            "{failed} answers failed; what they belong to was not measured"
        )));
    }
    Ok(())
}

/// The time of one run.
fn seconds() -> Duration {
    Duration::from_secs(number("BENCH_SECONDS", 2))
}

/// This process holds the other end of every hostile connection.
fn raise_descriptors() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
}

fn compare(dir: &Path, socket: &Path) -> io::Result<u64> {
    let rounds = usize::try_from(number("BENCH_ROUNDS", 5)).unwrap_or(5).max(1);
    let servers = [
        servers::nginx(dir, socket)?,
        servers::door(socket)?,
        servers::gate(dir, socket)?,
    ];
    println!(
        "requests a second, median and 99th percentile, medians of {rounds} runs; in brackets the median of the ratios to"
    );
    println!("nginx in the same round\n");
    println!("| answer | connections | server | requests/s | p50 | p99 |");
    println!("| --- | ---: | --- | ---: | ---: | ---: |");
    let mut lowest = f64::INFINITY;
    let mut failed = 0;
    for ask in [Ask::Small, Ask::Large] {
        for connections in CONNECTIONS {
            for server in &servers {
                load::run(dir, server.address, ask, connections, Duration::from_secs(1))?;
            }
            let mut runs: Vec<Vec<Figures>> = vec![Vec::new(); servers.len()];
            for round in 0..rounds {
                for turn in 0..servers.len() {
                    let index = (round + turn) % servers.len();
                    if let (Some(server), Some(runs)) = (servers.get(index), runs.get_mut(index)) {
                        runs.push(load::run(dir, server.address, ask, connections, seconds())?);
                    }
                }
            }
            let peer = runs.first().cloned().unwrap_or_default();
            for (server, runs) in servers.iter().zip(&runs) {
                let lost: u64 = runs.iter().chain(&peer).map(|figures| figures.failed).sum();
                if lost > 0 {
                    failed += lost;
                    println!(
                        "| {} | {connections} | {} | {lost} answers failed | | |",
                        ask.name(),
                        server.name
                    );
                    continue;
                }
                let per_second = Compared::of(runs, &peer, |figures| figures.per_second);
                let p50 = Compared::of(runs, &peer, |figures| micros(figures.p50));
                let p99 = Compared::of(runs, &peer, |figures| micros(figures.p99));
                if server.name == "gate" {
                    lowest = lowest.min(per_second.ratio);
                }
                println!(
                    "| {} | {connections} | {} | {:.0} ({:.2}) | {:.0} µs ({:.2}) | {:.0} µs ({:.2}) |",
                    ask.name(),
                    server.name,
                    per_second.median,
                    per_second.ratio,
                    p50.median,
                    p50.ratio,
                    p99.median,
                    p99.ratio,
                );
            }
        }
    }
    if failed == 0 {
        println!("\nlowest ratio of the gate to nginx: {lowest:.2} (goal {GOAL})\n");
    }
    Ok(failed)
}

/// A figure over several rounds, beside a peer's in the same rounds.
struct Compared {
    median: f64,
    ratio: f64,
}

impl Compared {
    fn of(runs: &[Figures], peer: &[Figures], figure: impl Fn(&Figures) -> f64) -> Self {
        let ratios = runs
            .iter()
            .zip(peer)
            .map(|(own, other)| figure(own) / figure(other).max(f64::MIN_POSITIVE));
        Compared {
            median: median(runs.iter().map(&figure).collect()),
            ratio: median(ratios.collect()),
        }
    }
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

fn stays_flat(dir: &Path, socket: &Path) -> io::Result<u64> {
    let wanted = number("BENCH_REQUESTS", 1_000_000);
    let server: Server = servers::gate(dir, socket)?;
    let (mut sent, mut shown, mut failed) = (0, 0, 0);
    println!("| requests | memory | descriptors |\n| ---: | ---: | ---: |");
    while sent < wanted {
        // Nine parts small answers, one part large ones.
        for (ask, time) in [(Ask::Small, 9), (Ask::Large, 1)] {
            let figures = load::run(dir, server.address, ask, 16, Duration::from_secs(time))?;
            sent += figures.total;
            failed += figures.failed;
        }
        if sent >= shown {
            let (resident, descriptors) = server.footprint();
            println!("| {sent} | {resident} KiB | {descriptors} |");
            shown = sent + wanted / 10;
        }
        if failed > 0 {
            println!("\n{failed} answers failed");
            break;
        }
    }
    Ok(failed)
}
