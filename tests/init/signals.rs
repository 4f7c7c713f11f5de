//! Every signal, and stops at every moment.

use std::fs;
use std::time::{Duration, Instant};

use mallku_db::state::Phase;

use crate::container::{Container, is_alive, kill, wait_until};

#[test]
fn signals_that_mean_nothing_reach_nobody() {
    let container = Container::new();
    let mut running = container.ready();
    let database = running.database_pid();
    // Not those that stop it, report or reload, nor those that cannot be caught, nor 32 and 33, which belong to libc.
    let meaningless = (1..=64)
        .filter(|number| ![1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 15, 17, 19, 30, 31, 32, 33, 37, 38].contains(number));
    for number in meaningless {
        running.signal(number);
    }
    running.signal(10);
    running.wait_for("state: ready");
    assert!(is_alive(database));
    assert_eq!(running.state().unwrap().database.starts, 1);
    assert_eq!(running.stop(), 0);
}

#[test]
fn each_way_to_ask_for_a_stop_is_one() {
    for (number, name) in [
        (15, "SIGTERM"),
        (2, "SIGINT"),
        (3, "SIGQUIT"),
        (30, "SIGPWR"),
        (37, "SIGRTMIN+3"),
    ] {
        let container = Container::new();
        let mut running = container.ready();
        running.signal(number);
        assert_eq!(running.end(), 0, "{name}\n{}", running.log());
        let log = running.log();
        assert!(log.contains(&format!("{name} from process")), "{log}");
        assert!(log.contains("database ended with exit code 0"), "{log}");
        assert_eq!(running.state().unwrap().phase, Phase::Stopped);
        assert!(!container.path("run/arangod.sock").exists());
    }
}

/// A database that notes each SIGTERM and ends after the tenth, or when it is told in another way.
const RECORDING: &str = "trap 'echo TERM >> $DIR/run/temp/terms' TERM\n$REAL \"$@\" & child=$!\n\
                         while [ ! -e $DIR/run/temp/end ]; do sleep 0.05; done\nkill $child; wait $child; wait $child";

#[test]
fn the_database_gets_one_sigterm_however_often_we_do() {
    let container = Container::new().script(RECORDING).with("MALLKU_STOP_TIMEOUT", "30");
    let mut running = container.ready();
    // Two are an order to hurry, a third one to kill; each is taken before the next is sent.
    for taken in ["SIGTERM from process", "again: requests in flight are given up"] {
        running.signal(15);
        running.wait_for(taken);
    }
    wait_until("a SIGTERM", || container.path("run/temp/terms").exists());
    container.write("run/temp/end", "", 0o644);
    running.end();
    assert_eq!(fs::read_to_string(container.path("run/temp/terms")).unwrap(), "TERM\n");
}

#[test]
fn a_third_sigterm_kills() {
    let container = Container::new()
        .unruly(&["IGNORE_TERM=true"])
        .with("MALLKU_STOP_TIMEOUT", "60");
    let mut running = container.ready();
    for taken in ["SIGTERM from process", "again: requests in flight are given up"] {
        running.signal(15);
        running.wait_for(taken);
    }
    running.signal(15);
    assert_eq!(running.end(), 1);
    assert!(
        running.log().contains("a third time: everything is killed"),
        "{}",
        running.log()
    );
}

#[test]
fn a_database_that_ignores_sigterm_is_killed_within_the_time() {
    let container = Container::new()
        .unruly(&["IGNORE_TERM=true"])
        .with("MALLKU_STOP_TIMEOUT", "2");
    let mut running = container.ready();
    let asked = Instant::now();
    running.signal(15);
    assert_eq!(running.end(), 1);
    let took = asked.elapsed();
    assert!(took >= Duration::from_millis(1700), "killed early: {took:?}");
    assert!(took < Duration::from_secs(4), "killed late: {took:?}");
    assert!(
        running
            .log()
            .contains("the database did not end within 2.0 s and was killed"),
        "{}",
        running.log()
    );
}

#[test]
fn a_stop_in_back_off_is_immediate() {
    let container = Container::new().script("exit 1");
    let mut running = container.start();
    running.wait_state("a longer back-off", |state| {
        state.phase == Phase::Backoff && state.database.starts == 3
    });
    let asked = Instant::now();
    assert_eq!(running.stop(), 0);
    assert!(asked.elapsed() < Duration::from_millis(1500), "{:?}", asked.elapsed());
}

#[test]
fn a_stop_during_an_upgrade_ends_the_upgrade_and_starts_nothing_more() {
    let container = Container::new().with("MALLKU_AUTO_UPGRADE", "true").script(
        "case \"$*\" in *auto-upgrade*) trap 'exit 0' TERM; : > $DIR/run/temp/upgrading; while :; do sleep 0.02; done;; esac\nexit 11",
    );
    let mut running = container.start();
    wait_until("the upgrade", || container.path("run/temp/upgrading").exists());
    assert_eq!(running.stop(), 0, "{}", running.log());
    assert_eq!(running.state().unwrap().database.starts, 2);
    assert_eq!(running.count("the data was upgraded"), 0);
}

#[test]
fn a_stop_during_preflight_starts_nothing() {
    // The database takes a while to tell its version, and the signal comes meanwhile.
    let container = Container::new();
    container.write(
        "arangod",
        &format!(
            "#!/bin/sh\n/bin/touch {0}/asked; /bin/sleep 0.3; echo 3.12.4\n",
            container.dir.path().display()
        ),
        0o755,
    );
    fs::set_permissions(
        container.dir.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o777),
    )
    .unwrap();
    let mut running = container.start();
    wait_until("preflight", || container.path("asked").exists());
    assert_eq!(running.stop(), 0);
    assert_eq!(running.count("database started"), 0);
}

#[test]
fn a_stop_during_start_up_is_kept_within_the_time() {
    for settings in [&["HANG_AT=recovery"][..], &["START_DELAY_MS=300"]] {
        let container = Container::new().unruly(settings).with("MALLKU_STOP_TIMEOUT", "2");
        let mut running = container.start();
        running.wait_for("database started");
        let asked = Instant::now();
        let code = running.stop();
        assert!(asked.elapsed() < Duration::from_secs(4), "{:?}", asked.elapsed());
        assert_eq!(running.count("the gate is open"), 0);
        assert!(
            code == 0 || running.log().contains("and was killed"),
            "{code}\n{}",
            running.log()
        );
        assert!(!is_alive(
            running
                .state()
                .unwrap()
                .database
                .pid
                .map_or(0, |pid| i32::try_from(pid).unwrap())
        ));
    }
}

#[test]
fn a_reload_reaches_the_gate_and_the_schemas_and_not_the_database() {
    let container = Container::new();
    let mut running = container.ready();
    let database = running.database_pid();
    container.write(
        "schemas/more.json",
        r#"{"type":"object","x-mallku":{"allow":["read"]}}"#,
        0o644,
    );
    running.signal(1);
    running.wait_for("schemas and certificates are reloaded");
    running.wait_for_count("provisioning: 1 collections created", 2);
    // A faulty set changes nothing, and everything goes on.
    container.write("schemas/more.json", "{", 0o644);
    running.signal(1);
    running.wait_for("nothing is created from schemas that are invalid");
    assert_eq!(running.database_pid(), database);
    assert_eq!(running.wait_phase(Phase::Ready).database.starts, 1);
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_storm_of_reloads_never_reaches_the_database() {
    let container = Container::new().script(
        "trap 'echo HUP >> $DIR/run/temp/hups' HUP\n$REAL \"$@\" & child=$!\n\
         trap 'kill $child' TERM\nwait $child; wait $child; exit $?",
    );
    let mut running = container.ready();
    let before = running.wait_state("a gate", |state| state.gate.pid.is_some());
    for _ in 0..100 {
        running.signal(1);
    }
    running.signal(10);
    running.wait_for("state: ready");
    let after = running.wait_phase(Phase::Ready);
    assert_eq!((after.gate.pid, after.gate.restarts), (before.gate.pid, 0));
    assert_eq!(after.database.starts, 1);
    assert!(!container.path("run/temp/hups").exists());
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_paused_container_is_no_hang() {
    let container = Container::new()
        .unruly(&["START_DELAY_MS=4000"])
        .with("MALLKU_START_TIMEOUT", "2s");
    let mut running = container.start();
    let database = running.database_pid();
    running.wait_for("database started");
    // All of it is paused, as `docker pause` does, for longer than a start may be silent.
    let mut all = crate::container::descendants(running.pid());
    all.push(running.pid());
    for pid in &all {
        kill(*pid, 19);
    }
    let paused = Instant::now();
    wait_until("a long pause", || paused.elapsed() > Duration::from_millis(4500));
    for pid in &all {
        kill(*pid, 18);
    }
    running.wait_phase(Phase::Ready);
    assert_eq!(running.database_pid(), database, "{}", running.log());
    assert!(!running.log().contains("hangs"), "{}", running.log());
    assert_eq!(running.stop(), 0);
}
