//! Places that are not as they should be: full, read-only, without `/proc`, short of processes or memory; and a real PID 1.
//!
//! Namespaces and cgroups need root, as the whole test run does.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use mallku_db::state::Phase;

use crate::container::{Container, MALLKU, Running, descendants, kill, wait_until};

/// Whether the database answers on its socket, by its status.
fn answers(container: &Container) -> bool {
    let ask = || -> std::io::Result<[u8; 12]> {
        let mut stream = UnixStream::connect(container.path("run/arangod.sock"))?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        stream.write_all(b"GET /_admin/server/availability HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
        let mut status = [0; 12];
        stream.read_exact(&mut status)?;
        Ok(status)
    };
    ask().is_ok_and(|status| status == *b"HTTP/1.1 200")
}

fn zombies(pid: i32) -> usize {
    let is_zombie = |pid: &i32| fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "));
    descendants(pid).iter().filter(|pid| is_zombie(pid)).count()
}

/// A shell's orphans, so many of them: the child of a subshell that ends at once belongs to nobody.
fn orphans(count: u32) -> String {
    format!("i=0; while [ $i -lt {count} ]; do (: &); i=$((i+1)); done")
}

const STORM: u32 = 10_000;

#[test]
fn a_storm_of_orphans_leaves_none_and_disturbs_nobody() {
    let storm = orphans(STORM);
    let container = Container::new().script(&format!("((\n{storm}\n: > $DIR/run/temp/over) &)\nexec $REAL \"$@\""));
    // A line for each orphan is for those who ask for it.
    let container = container.with("MALLKU_LOG", "info");
    let mut running = container.start_as_process_1();
    running.wait_for("the gate is open");
    let mut asked = 0;
    while !container.path("run/temp/over").exists() {
        assert!(answers(&container), "no answer amid the storm, after {asked}");
        asked += 1;
    }
    // And the one that made them.
    let all = u64::from(STORM) + 1;
    running.wait_state("all orphans", |state| state.orphans_reaped >= all);
    wait_until("no zombie", || zombies(running.pid()) == 0);
    running.signal(10);
    let line = running.wait_for("state: ready");
    assert!(line.contains(&format!("orphans reaped {all}")), "{line}");
    assert_eq!(running.state().unwrap().database.starts, 1);
    assert!(running.count("the database does not answer") == 0, "{}", running.log());
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_storm_under_init_leaves_none() {
    let count = "n=0; for stat in /proc/[0-9]*/stat; do read -r line < $stat 2>/dev/null || continue; \
                 case \"$line\" in *') Z '*) n=$((n+1));; esac; done";
    // Reaped while the command runs, which ends when it sees no zombie any more.
    let script = format!(
        "{}; while :; do {count}; [ $n -eq 0 ] && exit 7; sleep 0.02; done",
        orphans(STORM)
    );
    let output = Command::new("unshare")
        .args([
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            MALLKU,
            "init",
            "--",
            "sh",
            "-c",
            &script,
        ])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(
        output.status.code(),
        Some(7),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Ends with 3 and a sentence before anything was started.
fn refuses(container: &Container, change: &str, sentence: &str) {
    let mut running = container.start_after(change);
    assert_eq!(running.end(), 3, "{}", running.log());
    assert!(
        running.log().contains(sentence),
        "no `{sentence}` in\n{}",
        running.log()
    );
    assert_eq!(running.count("database started"), 0);
}

#[test]
fn a_full_volume_is_said() {
    refuses(
        &Container::new(),
        "mount -t tmpfs -o size=64k,mode=1777 tmpfs $DIR/data\nmkdir $DIR/data/.mallku\ncat /dev/zero > $DIR/data/.mallku/filler || true",
        "No space left on device (os error 28); the volume is full; enlarge it, or free space",
    );
}

#[test]
fn a_read_only_volume_is_said() {
    for change in [
        "mount -t tmpfs -o ro tmpfs $DIR/data",
        "mount -t tmpfs tmpfs $DIR/data\nchown 65532:65532 $DIR/data\nmount -o remount,ro $DIR/data",
    ] {
        refuses(
            &Container::new(),
            change,
            "Read-only file system (os error 30); mount the volume for writing",
        );
    }
}

#[test]
fn without_proc_it_works() {
    let container = Container::new();
    let mut running = container.start_after("umount -l /proc");
    running.wait_for("the gate is open");
    running.wait_phase(Phase::Ready);
    assert_eq!(running.stop(), 0);
    let hidden = Container::new();
    let mut running = hidden.start_after("mount -t proc -o hidepid=2 proc /proc");
    running.wait_for("the gate is open");
    assert_eq!(running.stop(), 0);
}

#[test]
fn without_a_temporary_directory_it_works() {
    // `/tmp` is gone, as in a scratch image; the container lies elsewhere.
    let container = Container::new();
    let mut running = container.start_after(
        "mkdir -p /run/mallku-test\nmount --bind $DIR /run/mallku-test\nmount -t tmpfs -o ro tmpfs /tmp\nmkdir -p $DIR 2>/dev/null || true\n\
         for name in MALLKU_ARANGOD=arangod MALLKU_DATA_DIR=data MALLKU_RUN_DIR=run MALLKU_SCHEMAS=schemas \
         ARANGODB_ROOT_PASSWORD_FILE=secret; do export ${name%%=*}=/run/mallku-test/${name#*=}; done",
    );
    running.wait_for("the gate is open");
    assert_eq!(running.stop(), 0);
}

/// Sets how many processes a user may have, for a process of that user that runs already. Root has no such limit.
fn allow_processes(pid: i32, user: u32, count: &str) {
    let status = Command::new("prlimit")
        .args([format!("--pid={pid}"), format!("--nproc={count}:")])
        .uid(user)
        .gid(user)
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn a_database_that_cannot_be_forked_is_tried_again() {
    // A user of its own, because the limit counts all processes of a user.
    let container = Container::new().with_user(54_321, 54_321).script(
        "[ -e $DIR/run/temp/once ] && exec $REAL \"$@\"\n: > $DIR/run/temp/once; : > $DIR/run/temp/hold\n\
         while [ -e $DIR/run/temp/hold ]; do sleep 0.01; done; exit 1",
    );
    let mut running = container.start();
    wait_until("the first database", || container.path("run/temp/hold").exists());
    allow_processes(running.pid(), 54_321, "1");
    fs::remove_file(container.path("run/temp/hold")).unwrap();
    running.wait_for("cannot be started: Resource temporarily unavailable");
    let state = running.wait_state("a back-off", |state| state.phase == Phase::Backoff);
    assert!(state.reason.contains("exit code 1"), "{}", state.reason);
    allow_processes(running.pid(), 54_321, "1000");
    running.wait_phase(Phase::Ready);
    running.wait_for("the gate is open");
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_gate_that_cannot_be_forked_is_tried_again_and_the_database_serves_on() {
    let container = Container::new().with_user(54_322, 54_322);
    let mut running = container.ready();
    let before = running.wait_state("a gate", |state| state.gate.pid.is_some());
    allow_processes(running.pid(), 54_322, "1");
    kill(i32::try_from(before.gate.pid.unwrap()).unwrap(), 9);
    running.wait_for("the gate cannot be started: Resource temporarily unavailable");
    assert!(answers(&container));
    allow_processes(running.pid(), 54_322, "1000");
    let after = running.wait_state("another gate", |state| {
        state.gate.pid.is_some() && state.gate.pid != before.gate.pid
    });
    assert_eq!(after.database.pid, before.database.pid);
    assert_eq!(running.stop(), 0);
}

/// A cgroup with a bound on memory, where this machine lets us make one.
struct Cgroup(std::path::PathBuf);

impl Cgroup {
    fn new(bytes: u64) -> Option<Self> {
        let name = format!("mallku-test-{}", std::process::id());
        let root = std::path::Path::new("/sys/fs/cgroup");
        for (dir, file) in [
            (root.join("memory"), "memory.limit_in_bytes"),
            (root.to_owned(), "memory.max"),
        ] {
            let dir = dir.join(&name);
            if fs::create_dir(&dir).is_ok() {
                let cgroup = Self(dir);
                if fs::write(cgroup.0.join(file), bytes.to_string()).is_ok() {
                    return Some(cgroup);
                }
            }
        }
        eprintln!("no cgroup can be made here: kills for memory are not tested");
        None
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        wait_until("the cgroup's end", || fs::remove_dir(&self.0).is_ok());
    }
}

#[test]
fn a_kill_for_memory_is_named_and_three_end_it() {
    let Some(cgroup) = Cgroup::new(48 << 20) else { return };
    let container = Container::new().script("exec python3 -c 'x = bytearray(1 << 30)'");
    let mut running = container.start_after(&format!("echo $$ > {}/cgroup.procs", cgroup.0.display()));
    let code = running.end();
    let log = running.log();
    assert_eq!(code, 137, "{log}");
    assert!(log.contains("memory"), "{log}");
    assert_eq!(running.state().unwrap().database.starts, 3, "{log}");
    assert!(
        log.contains("the container has 48 MiB of memory; arangod wants 1024"),
        "{log}"
    );
}

/// What a hardened seccomp profile refuses; all of it is wanted and none of it needed.
const REFUSED: [&str; 7] = [
    "seccomp",
    "landlock_create_ruleset",
    "landlock_add_rule",
    "landlock_restrict_self",
    "pidfd_open",
    "capset",
    "io_uring_setup",
];

#[test]
fn a_profile_that_refuses_what_is_only_wanted_is_no_obstacle() {
    let rules: Vec<String> = REFUSED
        .iter()
        .map(|name| format!("{{\"syscall\": \"{name}\"}}"))
        .collect();
    let profile = format!(
        "{{\"all\": {{\"mismatch_action\": \"allow\", \"match_action\": {{\"errno\": 1}}, \"filter\": [{}]}}}}",
        rules.join(",")
    );
    let architecture = std::env::consts::ARCH.try_into().unwrap();
    let filters = seccompiler::compile_from_json(profile.as_bytes(), architecture).unwrap();
    // As an ordinary user, who has no capabilities to drop.
    let container = Container::new().with_user(54_323, 54_323);
    let mut command = container.command();
    // A filter holds for the thread that takes it and for what that thread starts.
    let child = std::thread::spawn(move || {
        seccompiler::apply_filter(&filters["all"]).unwrap();
        command.spawn().unwrap()
    })
    .join()
    .unwrap();
    let mut running = Running::new(child, container.path("run"));
    running.wait_for("the gate is open");
    running.wait_phase(Phase::Ready);
    assert_eq!(running.stop(), 0);
}

#[test]
fn schemas_that_vanish_change_nothing_while_the_gate_lives() {
    let container = Container::new();
    let mut running = container.ready();
    running.wait_for("gate: serves http on");
    let before = running.wait_state("a gate", |state| state.gate.pid.is_some());
    fs::remove_dir_all(container.path("schemas")).unwrap();
    running.signal(1);
    running.wait_for("nothing is created from schemas that are invalid");
    running.signal(10);
    running.wait_for("state: ready");
    assert_eq!(running.state().unwrap().gate.pid, before.gate.pid);
    assert_eq!(running.stop(), 0);
    // The next start has none to stand on.
    let (code, log) = container.outcome();
    assert_eq!(code, 3, "{log}");
    assert!(log.contains("`mallku-db schema check"), "{log}");
}

#[test]
fn the_wall_clock_decides_nothing() {
    // Where it is read at all: times in the log and the state, a token's life of minutes, jitter.
    let allowed = ["report.rs", "token.rs", "supervise/database.rs"];
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/init");
    let mut found: Vec<String> = Vec::new();
    let mut dirs = vec![root.clone()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else if fs::read_to_string(&path).unwrap().contains("SystemTime") {
                found.push(path.strip_prefix(&root).unwrap().display().to_string());
            }
        }
    }
    found.retain(|name| !allowed.contains(&name.as_str()));
    assert_eq!(found, Vec::<String>::new());
}
