//! PID 1 beside tini, in turn in one run: from exec to exec, resident memory, wake-ups when idle; and how long the gate is gone
//! when it dies. Prints figures and ratios; the promises stand in docs/pid1.md.
//!
//! `MALLKU_BENCH_BINARY` is the binary to measure, by default this build's; the static one in `dist/` is the one that ships. The
//! database is `evaldb` beside it. `BENCH_ROUNDS` (default 40) is how often each start is repeated, `BENCH_SECONDS` (60) how long
//! idleness is watched. Needs `tini`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints")]
#![allow(missing_docs, reason = "a program")]

mod container;
mod process;

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use container::Container;
use process::{Memory, Spawned};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let program = PathBuf::from(arguments.next().unwrap_or_default());
    if program.file_name().is_some_and(|name| name == "arangod") {
        return process::stamp(&program, arguments.next());
    }
    // `cargo test --benches` only asks whether it runs.
    if arguments.any(|word| word == "--test") {
        return ExitCode::SUCCESS;
    }
    match bench() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn number(name: &str, default: u64) -> u64 {
    let given = std::env::var(name).ok().and_then(|value| value.parse().ok());
    given.unwrap_or(default)
}

fn bench() -> io::Result<()> {
    if Command::new("tini").arg("--version").output().is_err() {
        println!("tini is not installed: PID 1 has no peer and is not measured");
        return Ok(());
    }
    let binary =
        std::env::var_os("MALLKU_BENCH_BINARY").map_or_else(|| env!("CARGO_BIN_EXE_mallku-db").into(), PathBuf::from);
    let binary = binary.canonicalize()?;
    println!("{}: {} bytes", binary.display(), std::fs::metadata(&binary)?.len());
    exec_to_exec(&binary)?;
    at_rest(&binary)?;
    gate_restart(&binary)
}

/// A way to start the stamping command.
struct Way<'a> {
    name: &'static str,
    command: Box<dyn Fn() -> Command + 'a>,
    times: Vec<Duration>,
}

/// The time from before the fork of the init to the command's first line, less the same without an init.
fn exec_to_exec(binary: &Path) -> io::Result<()> {
    let container = Container::new(binary)?;
    // A database that was there before, as at every start but the first: its version is known.
    let mut first = container.start()?;
    container.wait_ready()?;
    first.end();
    let stamper = container.path("arangod");
    std::fs::remove_file(&stamper)?;
    std::fs::copy(std::env::current_exe()?, &stamper)?;
    let stamp = stamper.with_extension("stamp");
    let plain = |program: &Path, arguments: &'static [&'static str]| {
        let (program, stamper) = (program.to_owned(), stamper.clone());
        Box::new(move || {
            let mut command = Command::new(&program);
            command.args(arguments);
            if !arguments.is_empty() {
                command.arg(&stamper);
            }
            command
        })
    };
    let mut ways = [
        Way {
            name: "no init",
            command: plain(&stamper, &[]),
            times: Vec::new(),
        },
        Way {
            name: "tini",
            command: plain(Path::new("tini"), &["-s", "--"]),
            times: Vec::new(),
        },
        Way {
            name: "mallku-db init",
            command: plain(binary, &["init", "-s", "--"]),
            times: Vec::new(),
        },
        Way {
            name: "mallku-db run",
            command: Box::new(|| container.command()),
            times: Vec::new(),
        },
    ];
    // The first round warms caches, and lets `run` ask the new binary for its version.
    for round in 0..=number("BENCH_ROUNDS", 40) {
        for way in &mut ways {
            let _ = std::fs::remove_file(&stamp);
            let mut command = (way.command)();
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let before = process::now();
            let mut spawned = Spawned(command.spawn()?);
            let after = process::read_stamp(&stamp)?;
            spawned.end();
            if round > 0 {
                way.times.push(after.saturating_sub(before));
            }
        }
    }
    println!("\nexec to exec, median (least, most) of {} starts", ways[0].times.len());
    let baseline = median(&mut ways[0].times);
    let mut of_tini = None;
    for way in &mut ways {
        let middle = median(&mut way.times);
        let added = middle.saturating_sub(baseline);
        if way.name == "tini" {
            of_tini = Some(added);
        }
        let ratio = of_tini.map_or_else(String::new, |tini| {
            format!(", {:.1} of tini's", added.as_secs_f64() / tini.as_secs_f64())
        });
        println!(
            "  {:<16} {:>7.2} ms ({:.2}, {:.2}); adds {:.2} ms{ratio}",
            way.name,
            millis(middle),
            way.times.first().map_or(0.0, |time| millis(*time)),
            way.times.last().map_or(0.0, |time| millis(*time)),
            millis(added),
        );
    }
    Ok(())
}

/// Sorts, and gives the one in the middle.
fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn per(count: u64, seconds: u64) -> f64 {
    let small = |number: u64| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    small(count) / small(seconds)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Memory and wake-ups of processes that have nothing to do.
fn at_rest(binary: &Path) -> io::Result<()> {
    let container = Container::new(binary)?;
    let mut run = container.start()?;
    container.wait_ready()?;
    let sleep = |program: &Path, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).args(["sleep", "1000000"]).stderr(Stdio::null());
        command.spawn().map(Spawned)
    };
    let mut tini = sleep(Path::new("tini"), &["-s", "--"])?;
    let mut init = sleep(binary, &["init", "-s", "--"])?;
    let state = container.state()?;
    let watch = process::child_with_argument(run.id(), "watch")?;
    let rows = [
        ("tini", tini.id()),
        ("mallku-db init", init.id()),
        ("mallku-db run", run.id()),
        ("  its watch", watch),
        ("  its gate", state.gate.pid.unwrap_or(0)),
    ];
    // What a start leaves to do is done after a moment.
    std::thread::sleep(Duration::from_secs(3));
    println!("\nresident memory, KiB\n  {:<16} {}", "", Memory::HEAD);
    for (name, pid) in rows {
        println!("  {name:<16} {}", Memory::of(pid)?);
    }
    let seconds = number("BENCH_SECONDS", 60);
    let before: Vec<_> = rows
        .iter()
        .map(|(_, pid)| process::activity(*pid))
        .collect::<Result<_, _>>()?;
    std::thread::sleep(Duration::from_secs(seconds));
    println!("\nidle for {seconds} s");
    for ((name, pid), before) in rows.iter().zip(before) {
        let after = process::activity(*pid)?;
        println!(
            "  {name:<16} {:.3} wake-ups a second, {} ticks of processor time",
            per(after.switches.saturating_sub(before.switches), seconds),
            after.ticks.saturating_sub(before.ticks)
        );
    }
    for process in [&mut tini, &mut init, &mut run] {
        process.end();
    }
    Ok(())
}

/// From the gate's death to an answer of the next one.
fn gate_restart(binary: &Path) -> io::Result<()> {
    let container = Container::new(binary)?;
    let mut run = container.start()?;
    let mut times = Vec::new();
    let mut pid = 0;
    for _ in 0..number("BENCH_ROUNDS", 40).div_ceil(4) {
        pid = container.wait_for_gate_after(pid)?;
        // One that has not lived for a second counts as a failed start.
        std::thread::sleep(Duration::from_millis(1100));
        let killed = Instant::now();
        process::kill(pid);
        container.wait_for_gate_after(pid)?;
        times.push(killed.elapsed());
    }
    let middle = median(&mut times);
    println!(
        "\nthe gate's death to its next answer, median (least, most) of {}\n  {:.1} ms ({:.1}, {:.1})",
        times.len(),
        millis(middle),
        times.first().map_or(0.0, |time| millis(*time)),
        times.last().map_or(0.0, |time| millis(*time)),
    );
    run.end();
    Ok(())
}
