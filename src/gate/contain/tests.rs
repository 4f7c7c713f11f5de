//! Each measure is shown from inside: this test program starts itself once more, contained, and reports what it can do.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;

use super::*;

const ROLE: &str = "CONTAINED_TEST_DIRECTORY";

/// Runs [`contained`] in a process of its own; what it reported.
fn report(network: bool) -> (serde_json::Value, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("schemas")).unwrap();
    std::fs::create_dir(dir.path().join("log")).unwrap();
    std::fs::write(dir.path().join("schemas/a.json"), "{}").unwrap();
    std::fs::write(dir.path().join("secret"), "secret").unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "gate::contain::tests::contained",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(ROLE, dir.path())
        .env("CONTAINED_TEST_NETWORK", if network { "1" } else { "" })
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (_, line) = text
        .lines()
        .find_map(|line| line.split_once("REPORT "))
        .unwrap_or_else(|| panic!("{output:?}"));
    (serde_json::from_str(line).unwrap(), dir)
}

fn works<T, E>(result: &Result<T, E>) -> bool {
    result.is_ok()
}

/// The other side; does nothing in the usual run.
#[test]
fn contained() {
    let Some(dir) = std::env::var_os(ROLE) else {
        return;
    };
    let dir = Path::new(&dir);
    let network = std::env::var_os("CONTAINED_TEST_NETWORK").is_some_and(|value| !value.is_empty());
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let unix = UnixListener::bind(dir.join("socket")).unwrap();
    let port = tcp.local_addr().unwrap().port();
    let needs = Needs {
        read: vec![dir.join("schemas")],
        append: vec![dir.join("log/audit.log")],
        ports: if network { vec![port] } else { Vec::new() },
        descriptors: 64,
        memory: 512 * 1024 * 1024,
    };
    let parent = rustix::process::getppid().unwrap();
    let report = contain(&needs);
    let append = |path: &Path| std::fs::OpenOptions::new().create(true).append(true).open(path);
    let mut pair = UnixStream::connect(dir.join("socket")).map(|client| (client, unix.accept().unwrap().0));
    let talks = pair.as_mut().is_ok_and(|(client, server)| {
        let mut byte = [0];
        client.write_all(b"x").is_ok() && server.read_exact(&mut byte).is_ok()
    });
    let found = serde_json::json!({
        "applied": report.applied,
        "missing": report.missing.iter().map(|(measure, _)| measure).collect::<Vec<_>>(),
        "starts a program": works(&Command::new("/bin/true").spawn()),
        "starts a thread": std::thread::Builder::new().spawn(|| 7).is_ok_and(|thread| thread.join().is_ok()),
        "reads a schema": works(&std::fs::read(dir.join("schemas/a.json"))),
        "lists the schemas": works(&std::fs::read_dir(dir.join("schemas"))),
        "writes a schema": works(&append(&dir.join("schemas/b.json"))),
        "reads elsewhere": works(&std::fs::read(dir.join("secret"))),
        "reads the password file": works(&std::fs::read("/etc/passwd")),
        "appends to its log": works(&append(&dir.join("log/audit.log"))),
        "writes elsewhere": works(&append(&dir.join("new"))),
        "reads its own status": works(&std::fs::read_to_string("/proc/self/status")),
        "reads another's memory": works(&std::fs::File::open("/proc/1/mem")),
        "talks to the database's socket": talks,
        "connects to a TCP port": works(&TcpStream::connect(("127.0.0.1", port))),
        "makes an internet socket": works(&rustix::net::socket(
            rustix::net::AddressFamily::INET, rustix::net::SocketType::DGRAM, None)),
        "makes a raw socket": works(&rustix::net::socket(
            rustix::net::AddressFamily::NETLINK, rustix::net::SocketType::RAW, None)),
        "signals its parent": works(&rustix::process::test_kill_process(parent)),
        "raises a limit": works(&setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })),
        "changes its root": works(&rustix::process::chroot("/")),
        "changes its priority": works(&rustix::process::setpriority_process(None, 5)),
        "has capabilities": rustix::thread::capabilities(None).is_ok_and(|sets| !sets.permitted.is_empty()),
        "oom_score_adj": std::fs::read_to_string("/proc/self/oom_score_adj").unwrap_or_default().trim(),
        "no_new_privs": status("NoNewPrivs"),
        "seccomp": status("Seccomp"),
        "capabilities": status("CapPrm"),
        "bounding": status("CapBnd"),
    });
    println!("REPORT {found}");
}

/// A line of this thread's status.
fn status(name: &str) -> String {
    let text = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_default().trim().to_owned()
}

/// Whether the kernel that runs the test offers a measure: where it does not, there is nothing to show.
fn offered(report: &serde_json::Value, measure: &str) -> bool {
    let missing = report["missing"].as_array().unwrap();
    let offered = !missing.iter().any(|name| name == measure);
    if !offered {
        eprintln!("this kernel lacks {measure}: not tested");
    }
    offered
}

#[test]
fn what_a_contained_gate_still_does_is_its_work() {
    let (report, _dir) = report(false);
    for ability in [
        "starts a thread",
        "reads a schema",
        "lists the schemas",
        "appends to its log",
        "reads its own status",
        "talks to the database's socket",
    ] {
        assert_eq!(report[ability], true, "{ability}: {report}");
    }
}

#[test]
fn seccomp_leaves_no_program_no_process_and_no_other_network() {
    let (report, _dir) = report(false);
    assert_eq!(report["no_new_privs"], "1", "{report}");
    if !offered(&report, "seccomp") {
        return;
    }
    // 2: a filter is in force.
    assert_eq!(report["seccomp"], "2", "{report}");
    for ability in [
        "starts a program",
        "connects to a TCP port",
        "makes an internet socket",
        "makes a raw socket",
        "signals its parent",
        "raises a limit",
        "changes its root",
        "changes its priority",
    ] {
        assert_eq!(report[ability], false, "{ability}: {report}");
    }
}

#[test]
fn landlock_leaves_its_own_files() {
    let (report, _dir) = report(false);
    if !offered(&report, "landlock") {
        return;
    }
    for ability in [
        "writes a schema",
        "reads elsewhere",
        "reads the password file",
        "writes elsewhere",
        "reads another's memory",
    ] {
        assert_eq!(report[ability], false, "{ability}: {report}");
    }
}

#[test]
fn no_capability_is_left_and_it_goes_first_when_memory_runs_out() {
    let (report, _dir) = report(false);
    assert_eq!(report["has capabilities"], false, "{report}");
    for set in ["capabilities", "bounding"] {
        assert_eq!(report[set], "0000000000000000", "{set}: {report}");
    }
    if offered(&report, "oom_score_adj") {
        assert_eq!(report["oom_score_adj"], "500", "{report}");
    }
}

#[test]
fn a_database_elsewhere_can_be_reached_and_nothing_else() {
    let (report, _dir) = report(true);
    assert_eq!(report["connects to a TCP port"], true, "{report}");
    assert_eq!(report["talks to the database's socket"], true, "{report}");
    for ability in ["starts a program", "makes a raw socket"] {
        assert_eq!(report[ability], false, "{ability}: {report}");
    }
}
