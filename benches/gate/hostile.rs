//! One client among hostile ones, and alone, in turn: with one connection that it keeps, and with a new one for each request.
//!
//! What an attacker does to the server is to be told apart from what he does to the machine. Where there are processors for
//! it, the attackers have one to themselves, as they would bring their own; server, client and stub share the others. And the
//! same attacks meet nginx, in turn: what delays a client there as well is the scheduler's and the kernel's.

use std::io;
use std::path::Path;
use std::time::Duration;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::attack::Attack;
use crate::load::{self, Ask, Figures};
use crate::servers::{self, Server};
use crate::{Compared, micros, number, seconds, stub};

/// Both servers have done with refused clients by then.
const AFTERMATH: Duration = Duration::from_secs(2);

/// What one server came to under one attack.
#[derive(Default)]
struct Runs {
    kept: Pair,
    fresh: Pair,
    memory: u64,
    descriptors: usize,
    done: u64,
}

/// A client's figures, round by round.
#[derive(Default)]
struct Pair {
    alone: Vec<Figures>,
    among: Vec<Figures>,
}

impl Pair {
    fn lost(&self) -> u64 {
        self.alone.iter().chain(&self.among).map(|figures| figures.failed).sum()
    }
}

/// Prints what each attack does to the gate and to nginx; how many answers failed.
pub(crate) fn measure(dir: &Path) -> io::Result<u64> {
    let all = sched_getaffinity(None)?;
    let own = last_of(&all);
    let mut others = all;
    if let Some(own) = &own {
        (0..CpuSet::MAX_CPU)
            .filter(|&cpu| own.is_set(cpu))
            .for_each(|cpu| others.unset(cpu));
    }
    sched_setaffinity(None, &others)?;
    // Threads and processes stay where the one is that makes them.
    let result = measure_apart(dir, own);
    sched_setaffinity(None, &all)?;
    result
}

/// A processor for the attackers, where there is another one for everybody else.
fn last_of(all: &CpuSet) -> Option<CpuSet> {
    let last = (0..CpuSet::MAX_CPU).rev().find(|&cpu| all.is_set(cpu))?;
    let mut own = CpuSet::new();
    own.set(last);
    (all.count() > 1).then_some(own)
}

fn measure_apart(dir: &Path, own: Option<CpuSet>) -> io::Result<u64> {
    let rounds = number("BENCH_ROUNDS", 5).clamp(1, 1000);
    let socket = dir.join("hostile.sock");
    stub::start(&socket)?;
    let servers = [servers::nginx(dir, &socket)?, servers::gate(dir, &socket)?];
    println!("one client at a time, among attackers and alone: medians of {rounds} rounds (goal: ratios to 2, 64 MiB)");
    let place = if own.is_some() {
        "attackers have a processor of their own"
    } else {
        "attackers share the only processor, at the lowest priority"
    };
    println!("{place}; the last column is the ratio of the 99th percentile over nginx's\n");
    println!(
        "| attack | connection | server | median | ratio | p99 | ratio | memory | descriptors | done to it | over nginx's |"
    );
    println!("| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let mut failed = 0;
    let wanted = std::env::var("BENCH_ATTACK").unwrap_or_default();
    for attack in Attack::ALL.into_iter().filter(|attack| attack.name().contains(&wanted)) {
        let mut runs: Vec<Runs> = Vec::new();
        runs.resize_with(servers.len(), Runs::default);
        for round in 0..rounds {
            for turn in 0..servers.len() as u64 {
                let index = usize::try_from((round + turn) % servers.len() as u64).unwrap_or(0);
                if let (Some(server), Some(runs)) = (servers.get(index), runs.get_mut(index)) {
                    round_of(dir, server, attack, own, runs)?;
                }
            }
        }
        failed += print(&servers, attack, &runs);
    }
    println!();
    Ok(failed)
}

fn round_of(dir: &Path, server: &Server, attack: Attack, own: Option<CpuSet>, runs: &mut Runs) -> io::Result<()> {
    let kept = || load::run(dir, server.address, Ask::Small, 1, seconds());
    let fresh = || load::newcomers(server.address, seconds());
    runs.kept.alone.push(kept()?);
    runs.fresh.alone.push(fresh());
    let running = attack.start(server.address, own)?;
    runs.kept.among.push(kept()?);
    runs.fresh.among.push(fresh());
    let (memory, descriptors) = server.footprint();
    runs.memory = runs.memory.max(memory);
    runs.descriptors = runs.descriptors.max(descriptors);
    runs.done += running.stop();
    // What is left of the attack is not to be the next one's company.
    std::thread::sleep(AFTERMATH);
    Ok(())
}

fn print(servers: &[Server], attack: Attack, runs: &[Runs]) -> u64 {
    let mut failed = 0;
    for (client, pair) in [
        ("kept", (|runs| &runs.kept) as fn(&Runs) -> &Pair),
        ("new", |runs| &runs.fresh),
    ] {
        let mut peer = None;
        for (server, runs) in servers.iter().zip(runs) {
            let name = attack.name();
            let figures = pair(runs);
            if figures.lost() > 0 {
                failed += if server.name == "gate" { figures.lost() } else { 0 };
                println!(
                    "| {name} | {client} | {} | {} answers failed | | | | | | {} | |",
                    server.name,
                    figures.lost(),
                    runs.done
                );
                continue;
            }
            let p50 = Compared::of(&figures.among, &figures.alone, |figures| micros(figures.p50));
            let p99 = Compared::of(&figures.among, &figures.alone, |figures| micros(figures.p99));
            let over = peer.map_or(String::new(), |peer: f64| format!("{:.2}", p99.ratio / peer));
            peer = peer.or(Some(p99.ratio));
            // nginx works in processes of its own, whose memory is not looked at.
            let held = if server.name == "gate" {
                format!("{} MiB | {}", runs.memory / 1024, runs.descriptors)
            } else {
                " | ".to_owned()
            };
            println!(
                "| {name} | {client} | {} | {:.0} µs | {:.2} | {:.0} µs | {:.2} | {held} | {} | {over} |",
                server.name, p50.median, p50.ratio, p99.median, p99.ratio, runs.done,
            );
        }
    }
    failed
}
