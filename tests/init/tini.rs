//! `init` and tini side by side: the same flags, the same commands, the same ends. What differs stands in docs/pid1.md.

use std::process::{Command, Output, Stdio};

use crate::container::{MALLKU, wait_until};

/// tini and `mallku-db init`; nothing where tini is not installed.
fn both() -> Option<[Vec<&'static str>; 2]> {
    let found = Command::new("tini").arg("--version").output().is_ok();
    if !found {
        eprintln!("tini is not installed: `init` has no peer and is not compared");
    }
    found.then(|| [vec!["tini"], vec![MALLKU, "init"]])
}

fn output(program: &[&str], arguments: &[&str]) -> Output {
    Command::new(program[0])
        .args(&program[1..])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn same_code(arguments: &[&str]) {
    let Some([tini, init]) = both() else { return };
    let codes = [&tini, &init].map(|program| output(program, arguments).status.code());
    assert_eq!(codes[0], codes[1], "{arguments:?}");
}

#[test]
fn every_code_passes_alike_and_is_remapped_alike() {
    std::thread::scope(|scope| {
        for part in 0..4 {
            scope.spawn(move || {
                for code in (0..=255).filter(|code| code % 4 == part) {
                    let script = format!("exit {code}");
                    same_code(&["-s", "--", "sh", "-c", &script]);
                    same_code(&["-s", "-e", &code.to_string(), "--", "sh", "-c", &script]);
                    same_code(&[
                        "-s",
                        "-e",
                        "0",
                        "-e",
                        &(255 - code).to_string(),
                        "--",
                        "sh",
                        "-c",
                        &script,
                    ]);
                }
            });
        }
    });
}

#[test]
fn an_end_by_any_signal_is_told_alike() {
    for number in (1..=64).filter(|number| ![17, 18, 19, 20, 21, 22, 23, 28, 32, 33].contains(number)) {
        let script = format!("ulimit -c 0; kill -{number} $$; exit 99");
        let command = ["--", "env", "--default-signal", "sh", "-c", &script];
        same_code(&[&["-s"][..], &command].concat());
        same_code(&[&["-s", "-e", &(128 + number).to_string()][..], &command].concat());
    }
}

#[test]
fn what_cannot_be_executed_ends_alike() {
    same_code(&["-s", "--", "/nonexistent"]);
    same_code(&["-s", "--", "/etc/passwd"]);
    same_code(&["-s", "--", "/"]);
}

/// Sends a signal to the init once its command is up, and gives how the init ended and what the command wrote.
fn ended_by(program: &[&str], flags: &[&str], number: i32) -> (Option<i32>, String) {
    // Two processes of one group, each of which says that it got the signal.
    let script = "trap 'echo outer; wait; exit 7' TERM HUP USR1 INT QUIT\n\
                  sh -c 'trap \"echo inner; exit 0\" TERM HUP USR1 INT QUIT; echo up; while :; do sleep 0.02; done' &\n\
                  wait; while :; do sleep 0.02; done";
    let mut child = Command::new(program[0])
        .args(&program[1..])
        .args(flags)
        .args(["-s", "--", "env", "--default-signal", "sh", "-c", script])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    std::io::BufRead::read_line(&mut out, &mut first).unwrap();
    assert_eq!(first, "up\n");
    let pid = i32::try_from(child.id()).unwrap();
    let all = crate::container::descendants(pid);
    crate::container::kill(pid, number);
    if !flags.contains(&"-g") {
        // Only the command got it, and waits for the other.
        let mut line = String::new();
        std::io::BufRead::read_line(&mut out, &mut line).unwrap();
        assert_eq!(line, "outer\n", "{program:?} {number}");
        for other in all {
            let line = std::fs::read_to_string(format!("/proc/{other}/cmdline")).unwrap_or_default();
            if line.contains("echo inner") && !line.contains("echo outer") {
                crate::container::kill(other, 15);
            }
        }
    }
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut out, &mut rest).unwrap();
    let mut lines: Vec<_> = rest.lines().collect();
    lines.sort_unstable();
    (child.wait().unwrap().code(), lines.join(" "))
}

#[test]
fn signals_reach_the_command_or_its_group_alike() {
    let Some([tini, init]) = both() else { return };
    // A shell lets what it starts with `&` ignore SIGINT and SIGQUIT.
    for number in [15, 1, 10] {
        for flags in [&[][..], &["-g"]] {
            let found = [&tini, &init].map(|program| ended_by(program, flags, number));
            assert_eq!(found[0], found[1], "signal {number}, {flags:?}");
            assert_eq!(found[1].0, Some(7), "signal {number}, {flags:?}");
        }
    }
}

#[test]
fn a_parents_death_reaches_the_command_alike() {
    let Some(programs) = both() else { return };
    for program in programs {
        let dir = tempfile::tempdir().unwrap();
        let script = format!(
            "{} -s -p SIGTERM -- sh -c 'echo $$ > \"$0/pid\"; exec sleep 600' \"$0\" & while [ ! -s \"$0/pid\" ]; do sleep 0.01; done",
            program.join(" ")
        );
        let status = Command::new("sh")
            .args(["-c", &script])
            .arg(dir.path())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success());
        let pid: i32 = std::fs::read_to_string(dir.path().join("pid"))
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        wait_until(&format!("the end of {program:?}'s command"), || {
            !crate::container::is_alive(pid)
        });
    }
}

#[test]
fn orphans_are_reaped_and_told_alike() {
    let Some(programs) = both() else { return };
    // The command ends when its orphan is gone from the process table.
    let script = "sh -c 'sleep 0.05 & echo $! > \"$0/orphan\"' \"$0\"; read orphan < \"$0/orphan\"; \
                  while [ -e /proc/$orphan ]; do sleep 0.01; done; exit 5";
    for program in programs {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().display().to_string();
        let ended = output(&program, &["-s", "-w", "--", "sh", "-c", script, &path]);
        assert_eq!(ended.status.code(), Some(5), "{program:?}");
        let log = String::from_utf8_lossy(&ended.stderr).to_lowercase();
        assert!(log.contains("reaped"), "{program:?}: {log}");
    }
}
