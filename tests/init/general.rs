//! `init -- COMMAND`, as tini's own tests look at tini.

use std::process::{Command, Output, Stdio};

use crate::container::{MALLKU, is_alive, wait_until};

fn init(arguments: &[&str]) -> Output {
    Command::new(MALLKU)
        .arg("init")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn every_exit_code_passes_and_can_be_remapped() {
    std::thread::scope(|scope| {
        for part in 0..8 {
            scope.spawn(move || {
                for code in (0..=255).filter(|code| code % 8 == part) {
                    let script = format!("exit {code}");
                    assert_eq!(init(&["--", "sh", "-c", &script]).status.code(), Some(code));
                    let remap = code.to_string();
                    assert_eq!(init(&["-e", &remap, "--", "sh", "-c", &script]).status.code(), Some(0));
                    let other = (code + 1) % 256;
                    assert_eq!(
                        init(&["-e", &other.to_string(), "--", "sh", "-c", &script])
                            .status
                            .code(),
                        Some(code)
                    );
                }
            });
        }
    });
}

#[test]
fn an_end_by_any_signal_is_128_and_its_number() {
    for number in (1..=64).filter(|number| ![17, 18, 19, 20, 21, 22, 23, 28, 32, 33].contains(number)) {
        let script = format!("ulimit -c 0; kill -{number} $$; exit 99");
        // Whoever runs the tests in the background has some signals ignored, which is inherited.
        let command = ["--", "env", "--default-signal", "sh", "-c", &script];
        assert_eq!(init(&command).status.code(), Some(128 + number), "{number}");
    }
}

#[test]
fn what_cannot_be_executed_is_126_or_127() {
    assert_eq!(init(&["--", "/nonexistent"]).status.code(), Some(127));
    assert_eq!(init(&["--", "/etc/passwd"]).status.code(), Some(126));
    assert_eq!(init(&[]).status.code(), Some(2));
    assert_eq!(init(&["-e", "256", "--", "true"]).status.code(), Some(2));
    assert_eq!(init(&["-p", "SIGNOTHING", "--", "true"]).status.code(), Some(2));
}

#[test]
fn every_signal_reaches_the_command() {
    // Not those that nobody can pass on, nor faults, which are an init's own, nor the terminal's and SIGCHLD.
    let numbers: Vec<i32> = (1..=64)
        .filter(|number| ![4, 5, 6, 7, 8, 9, 11, 17, 19, 21, 22, 31, 32, 33].contains(number))
        .collect();
    let mut child = Command::new(MALLKU)
        .args(["init", "--", "python3", "-c", ECHO])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    assert_eq!(lines.next().unwrap().unwrap(), "listening");
    let pid = i32::try_from(child.id()).unwrap();
    for number in numbers {
        crate::container::kill(pid, number);
        assert_eq!(lines.next().unwrap().unwrap(), number.to_string());
        // The command asked for a stop is told to go on, for the shell's `kill` of TSTP is only a signal to it.
    }
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// Takes every signal by waiting for it, and says its number; ends after the last of them.
const ECHO: &str = "
import signal
wanted = set(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP}
signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
print('listening', flush=True)
number = 0
while number < 64:
    number = int(signal.sigwait(wanted))
    print(number, flush=True)
";

#[test]
fn the_command_has_the_signal_mask_and_ignored_signals_that_we_got() {
    let script = "trap '' HUP; exec \"$0\" init -- grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status";
    let found = Command::new("sh").args(["-c", script, MALLKU]).output().unwrap();
    let direct = Command::new("sh")
        .args(["-c", "trap '' HUP; exec grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status"])
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&found.stdout),
        String::from_utf8_lossy(&direct.stdout)
    );
}

#[test]
fn orphans_are_reaped_by_a_subreaper_and_told_with_w() {
    let output = init(&[
        "-s",
        "-w",
        "--",
        "sh",
        "-c",
        "(sleep 0.05 & exec true); (exit 3) & sleep 0.3",
    ]);
    assert_eq!(output.status.code(), Some(0));
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(log.contains("reaped orphan"), "{log}");
    assert!(!log.contains("not PID 1"), "{log}");
}

#[test]
fn without_a_subreaper_there_is_a_warning() {
    let log = String::from_utf8_lossy(&init(&["--", "true"]).stderr).into_owned();
    assert!(
        log.contains("orphans are not reaped; use -s, or set TINI_SUBREAPER"),
        "{log}"
    );
    let quiet = Command::new(MALLKU)
        .args(["init", "--", "true"])
        .env("TINI_SUBREAPER", "")
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&quiet.stderr), "");
    let silent = Command::new(MALLKU)
        .args(["init", "--", "true"])
        .env("TINI_VERBOSITY", "0")
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&silent.stderr), "");
}

#[test]
fn with_g_the_whole_group_gets_the_signal() {
    for (flags, both) in [(&["-g"][..], true), (&[], false)] {
        let dir = tempfile::tempdir().unwrap();
        let script = "sh -c 'echo $$ > \"$0/inner\"; exec sleep 600' \"$0\" & \
                      while [ ! -s \"$0/inner\" ]; do sleep 0.01; done; echo > \"$0/up\"; wait";
        let mut child = Command::new(MALLKU)
            .arg("init")
            .args(flags)
            .args(["-s", "--", "sh", "-c", script])
            .arg(dir.path())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_until("both processes", || dir.path().join("up").exists());
        let inner: i32 = std::fs::read_to_string(dir.path().join("inner"))
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        crate::container::kill(i32::try_from(child.id()).unwrap(), 15);
        assert_eq!(child.wait().unwrap().code(), Some(143));
        if both {
            wait_until("the end of the other", || !is_alive(inner));
        } else {
            assert!(is_alive(inner));
            crate::container::kill(inner, 9);
        }
    }
}

#[test]
fn a_parents_death_is_told_with_p() {
    let dir = tempfile::tempdir().unwrap();
    let script = format!(
        "\"{MALLKU}\" init -p SIGTERM -- sh -c 'echo $$ > \"$0/pid\"; exec sleep 600' \"$0\" & while [ ! -s \"$0/pid\" ]; do sleep 0.01; done"
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
    wait_until("the command's end", || !is_alive(pid));
}

#[test]
fn nothing_is_polled_for() {
    let mut child = Command::new(MALLKU)
        .args(["init", "-s", "--", "sleep", "600"])
        .spawn()
        .unwrap();
    let pid = i32::try_from(child.id()).unwrap();
    wait_until("the command", || !crate::container::descendants(pid).is_empty());
    let switches = || {
        let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        text.lines()
            .find(|line| line.starts_with("voluntary"))
            .unwrap()
            .to_owned()
    };
    // Asleep for good: the count of its wake-ups does not change over a span in which tini's would. What starting the
    // command took may still be counted at first.
    let (mut count, mut since) = (switches(), std::time::Instant::now());
    wait_until("two seconds without a wake-up", || {
        let now = switches();
        if now != count {
            (count, since) = (now, std::time::Instant::now());
        }
        since.elapsed().as_secs() >= 2
    });
    crate::container::kill(pid, 15);
    assert_eq!(child.wait().unwrap().code(), Some(143));
}
