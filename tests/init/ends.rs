//! Ends that nobody asked for, hangs, and what follows from them.

use std::fs;
use std::time::Instant;

use mallku_db::state::Phase;

use crate::container::{Container, is_alive, kill, wait_until};

#[test]
fn ends_that_no_restart_changes_end_it_with_arangods_code_and_last_words() {
    let cases = [
        (3, "an option is unknown to this release"),
        (4, "an option has a value that this release does not take"),
        (6, "its configuration file is missing"),
        (10, "the upgrade of its data failed"),
        (11, "start once with MALLKU_AUTO_UPGRADE=true"),
        (12, "its data was written by a newer release"),
        (13, "the version of its data cannot be read"),
        (25, "a storage engine that this release does not read"),
        (26, "its ICU data file is missing"),
        (27, "its time zone database is missing"),
        (28, "raise `ulimits.nofile`"),
    ];
    std::thread::scope(|scope| {
        for (code, sentence) in cases {
            scope.spawn(move || {
                let container = Container::new().script(&format!("echo unknown option --frob >&2; exit {code}"));
                let mut running = container.start();
                assert_eq!(running.end(), code, "{}", running.log());
                let log = running.log();
                assert!(log.contains(sentence), "{log}");
                assert!(log.contains("last words: unknown option --frob"), "{log}");
                let state = running.wait_phase(Phase::Stopped);
                assert_eq!((state.database.starts, state.database.restarts), (1, 0));
                assert_eq!(state.database.last_end, format!("exit code {code}"));
            });
        }
    });
}

#[test]
fn a_crash_loop_backs_off_and_ends_with_the_signals_code() {
    let container = Container::new().script("echo terminate called >&2; kill -SEGV $$");
    let mut running = container.start();
    let state = running.wait_state("a back-off", |state| state.phase == Phase::Backoff);
    assert!(
        state.reason.contains("signal 11 (SIGSEGV): it crashed"),
        "{}",
        state.reason
    );
    assert_eq!(running.end(), 139);
    let log = running.log();
    assert!(
        log.contains("5 starts in a row came to nothing") && log.contains("last words: terminate called"),
        "{log}"
    );
    let waits: Vec<f64> = log
        .lines()
        .filter_map(|line| {
            line.split("it is started again in ")
                .nth(1)?
                .split(' ')
                .next()?
                .parse()
                .ok()
        })
        .collect();
    assert_eq!(waits.len(), 4, "{log}");
    for (wait, nominal) in waits.iter().zip([0.5, 1.0, 2.0, 4.0]) {
        assert!((nominal * 0.75..nominal * 1.25).contains(wait), "{waits:?}");
    }
    assert_eq!(running.state().unwrap().database.starts, 5);
}

#[test]
fn a_processor_without_the_instructions_is_named() {
    let (code, log) = Container::new().script("kill -ILL $$").outcome();
    assert_eq!(code, 132, "{log}");
    assert!(log.contains("lacks instructions that it needs (SSE4.2, AVX)"), "{log}");
}

#[test]
fn a_crash_while_serving_costs_a_restart_and_the_gate_stays() {
    let container = Container::new().unruly(&[
        "STARTS=1",
        "CRASH_AT=ready",
        "CRASH_AFTER_MS=1500",
        "CRASH_SIGNAL=SIGKILL",
    ]);
    let mut running = container.ready();
    let gate = running.wait_state("a gate", |state| state.gate.pid.is_some()).gate.pid;
    running.wait_for("the database ended with signal 9 (SIGKILL): it was killed from outside");
    let state = running.wait_state("a second life", |state| {
        state.phase == Phase::Ready && state.database.starts == 2
    });
    assert_eq!(
        (state.database.restarts, state.gate.restarts, state.gate.pid),
        (1, 0, gate)
    );
    assert_eq!(running.stop(), 0);
}

#[test]
fn an_orderly_end_that_nobody_asked_for_is_no_success() {
    let container = Container::new().unruly(&["STARTS=1", "CRASH_AT=ready", "CRASH_CODE=0"]);
    let mut running = container.start();
    running.wait_for("it stopped by itself without having been asked to");
    running.wait_state("a second life", |state| {
        state.phase == Phase::Ready && state.database.starts == 2
    });
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_held_lock_is_waited_for() {
    let container = Container::new();
    let mut first = container.ready();
    // A second container on the same volume.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    fs::create_dir(container.path("run2")).unwrap();
    let mut command = container.command();
    command
        .env("MALLKU_RUN_DIR", container.path("run2"))
        .env("MALLKU_LISTEN", port.to_string());
    let mut second = crate::container::Running::new(command.spawn().unwrap(), container.path("run2"));
    second.wait_for("its data is locked by another process");
    assert!(container.path("data/LOCK").exists());
    assert_eq!(first.stop(), 0);
    second.wait_phase(Phase::Ready);
    assert_eq!(second.stop(), 0);
}

#[test]
fn a_recovery_that_fails_is_tried_once_more() {
    let (code, log) = Container::new().script("exit 23").outcome();
    assert_eq!(code, 23, "{log}");
    assert_eq!(log.matches("database started as process").count(), 2, "{log}");
    assert!(log.contains("the recovery of its data failed twice"), "{log}");
}

#[test]
fn an_upgrade_happens_only_when_asked_for() {
    let script = "case \"$*\" in *--database.auto-upgrade*) touch $DIR/run/temp/upgraded; exit 0;; esac\n\
                  [ -e $DIR/run/temp/upgraded ] || exit 11\nexec $REAL \"$@\"";
    let (code, log) = Container::new().script(script).outcome();
    assert_eq!(code, 11, "{log}");
    let container = Container::new().script(script).with("MALLKU_AUTO_UPGRADE", "true");
    let mut running = container.ready();
    running.wait_for("database upgrades its data");
    running.wait_for("the data was upgraded");
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_hang_before_listening_is_ended_and_started_again() {
    let container = Container::new()
        .unruly(&["STARTS=1", "HANG_AT=recovery", "IGNORE_TERM=true"])
        .with("MALLKU_START_TIMEOUT", "700ms")
        .with("MALLKU_STOP_TIMEOUT", "2");
    let mut running = container.start();
    running.wait_for("the database hangs: it started and shows no progress");
    running.wait_for("does not end by SIGTERM and was killed");
    running.wait_for("it hung and was ended");
    running.wait_phase(Phase::Ready);
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_stopped_process_is_a_hang_too() {
    let container = Container::new()
        .script("if mkdir $DIR/run/temp/once 2>/dev/null; then kill -STOP $$; fi\nexec $REAL \"$@\"")
        .with("MALLKU_START_TIMEOUT", "700ms");
    let mut running = container.start();
    running.wait_for("was stopped by a signal; it is not dead");
    running.wait_for("the database hangs");
    running.wait_phase(Phase::Ready);
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_slow_start_that_moves_is_left_alone() {
    // Five times the patience, with a line at every fifth of it.
    let container = Container::new()
        .script("for i in 1 2 3 4 5 6 7 8 9 10; do echo recovering $i; sleep 0.2; done\nexec $REAL \"$@\"")
        .with("MALLKU_START_TIMEOUT", "1500ms");
    let mut running = container.ready();
    assert!(!running.log().contains("hangs"), "{}", running.log());
    assert_eq!(running.state().unwrap().database.starts, 1);
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_database_that_falls_silent_is_ended_and_started_again() {
    let container = Container::new()
        .unruly(&["STARTS=1", "HANG_AT=ready", "HANG_AFTER_MS=1500"])
        .with("MALLKU_PROBE_INTERVAL", "50ms")
        .with("MALLKU_STOP_TIMEOUT", "3");
    let mut running = container.ready();
    running.wait_for("the database hangs: it neither answers nor works");
    running.wait_state("a second life", |state| {
        state.phase == Phase::Ready && state.database.starts == 2
    });
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_database_that_answers_503_is_waited_for_and_not_restarted() {
    let container = Container::new()
        .unruly(&["UNAVAILABLE=true"])
        .with("MALLKU_START_TIMEOUT", "5s");
    let mut running = container.start();
    let state = running.wait_state("its answer", |state| state.reason.contains("the database starts:"));
    assert_eq!((state.phase, state.database.starts), (Phase::Starting, 1));
    assert_eq!(running.count("the gate is open"), 0);
    running.stop();
}

#[test]
fn a_stale_socket_is_replaced() {
    let container = Container::new();
    drop(std::os::unix::net::UnixListener::bind(container.path("run/arangod.sock")).unwrap());
    let mut running = container.ready();
    assert_eq!(running.stop(), 0);
}

#[test]
fn leftovers_in_the_temporary_directory_are_removed() {
    let container = Container::new();
    fs::create_dir(container.path("run/temp")).unwrap();
    container.write("run/temp/arangodb_crashed", "", 0o644);
    let mut running = container.ready();
    assert!(!container.path("run/temp/arangodb_crashed").exists());
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_gate_that_dies_is_back_at_once_and_the_database_does_not_notice() {
    let container = Container::new();
    let mut running = container.ready();
    let before = running.wait_state("a gate", |state| state.gate.pid.is_some());
    let gate = i32::try_from(before.gate.pid.unwrap()).unwrap();
    // A gate that has lived for a second did not die of its start.
    let born = Instant::now();
    wait_until("a second of life", || born.elapsed().as_millis() > 1100);
    let killed = Instant::now();
    kill(gate, 9);
    let after = running.wait_state("another gate", |state| {
        state.gate.pid.is_some() && state.gate.pid != before.gate.pid
    });
    // The promise is 50 ms; the rest is for a busy machine and for looking every 5 ms.
    assert!(killed.elapsed().as_millis() < 1000, "{:?}", killed.elapsed());
    assert_eq!((after.gate.restarts, after.database.pid), (1, before.database.pid));
    running.wait_for("the gate ended with signal 9 (SIGKILL) and is started again");
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_watch_that_dies_is_replaced_and_the_database_does_not_notice() {
    let container = Container::new();
    let mut running = container.ready();
    let database = running.database_pid();
    let watch = |running: &crate::container::Running| {
        crate::container::descendants(running.pid())
            .into_iter()
            .find(|pid| fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains("watch")))
    };
    let first = watch(&running).unwrap();
    kill(first, 9);
    running.wait_for("the watch ended and is started again: signal 9 (SIGKILL)");
    wait_until("another watch", || watch(&running).is_some_and(|pid| pid != first));
    assert_eq!(running.database_pid(), database);
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_program_that_replaces_itself_has_not_ended() {
    // As arangod does after a restore: the same process, a new start.
    let container = Container::new().unruly(&["REEXEC_AFTER_MS=300"]);
    let mut running = container.ready();
    let database = running.database_pid();
    wait_until("another program", || {
        fs::read_to_string(format!("/proc/{database}/environ")).is_ok_and(|text| text.contains("EVALDB_REEXECED"))
    });
    running.wait_phase(Phase::Ready);
    assert_eq!(running.database_pid(), database);
    assert_eq!(running.state().unwrap().database.starts, 1);
    assert_eq!(running.stop(), 0);
}

#[test]
fn an_orphan_that_does_not_end_is_ended_with_the_rest() {
    let container = Container::new()
        .unruly(&["ORPHANS=1", "ORPHAN_LIFE_MS=600000"])
        .with("MALLKU_STOP_TIMEOUT", "3");
    let mut running = container.ready();
    let database = running.database_pid();
    let orphan = || {
        let all = fs::read_to_string(format!("/proc/{0}/task/{0}/children", running.pid())).unwrap();
        all.split_ascii_whitespace()
            .filter_map(|pid| pid.parse().ok())
            .find(|pid| {
                *pid != database
                    && fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.contains("mallku-db"))
            })
    };
    let mut found = None;
    wait_until("an orphan", || {
        found = orphan();
        found.is_some()
    });
    let found = found.unwrap();
    let code = running.stop();
    assert_eq!(code, 0, "{}", running.log());
    assert!(!is_alive(found));
}

#[test]
fn a_flood_of_output_is_passed_whole_line_by_line() {
    let container = Container::new().unruly(&["FLOOD_STDERR=3000000"]);
    let mut running = container.ready();
    let whole = "evaldb floods its standard error ".repeat(4);
    // A reader that is slower than the flood loses lines, and is told how many.
    let dropped = || -> usize {
        let lines = running.log();
        lines
            .lines()
            .filter_map(|line| {
                line.split("was blocked; ")
                    .nth(1)?
                    .split(' ')
                    .next()?
                    .parse::<usize>()
                    .ok()
            })
            .sum()
    };
    let expected = 3_000_000 / (whole.len() + 1);
    wait_until("the flood", || running.count("evaldb floods") + dropped() >= expected);
    let torn: Vec<String> = running
        .log()
        .lines()
        .filter(|line| line.contains("floods") && !line.ends_with(whole.trim_end()) && !line.ends_with(&whole))
        .map(str::to_owned)
        .collect();
    assert_eq!(torn, Vec::<String>::new());
    assert_eq!(running.stop(), 0);
}

#[test]
fn nobody_who_reads_the_log_is_no_reason_to_stop() {
    let container = Container::new().unruly(&["FLOOD_STDERR=1000000"]);
    let mut child = container.command().spawn().unwrap();
    // Blocked: the pipe is full and never read.
    let blocked = child.stderr.take();
    let mut running = crate::container::Running::new(child, container.path("run"));
    running.wait_state("service with a blocked log", |state| {
        state.phase == Phase::Ready && state.gate.pid.is_some()
    });
    running.wait_state("dropped lines", |state| {
        state.log_lines_dropped > 0 || state.phase == Phase::Ready
    });
    // Closed: writing is an error from now on.
    drop(blocked);
    running.signal(10);
    assert!(is_alive(running.database_pid()));
    running.signal(15);
    assert_eq!(running.end(), 0);
}
