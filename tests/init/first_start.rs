//! First start: root's password, interruptions, adoption, provisioning, and users of every kind.

use std::fs;
use std::process::{Command, Stdio};

use mallku_db::state::Phase;

use crate::container::{Container, database, kill, wait_until};

/// Asks the database behind its socket with root's password; gives the status.
fn login(container: &Container, password: &str) -> u16 {
    use std::io::{Read, Write};
    let body = format!("{{\"username\":\"root\",\"password\":\"{password}\"}}");
    let mut stream = std::os::unix::net::UnixStream::connect(container.path("run/arangod.sock")).unwrap();
    let head = format!(
        "POST /_open/auth HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    std::str::from_utf8(&answer[9..]).unwrap().parse().unwrap()
}

#[test]
fn root_gets_the_password_of_the_secret_without_its_line_break() {
    let container = Container::new();
    let mut running = container.ready();
    assert_eq!(login(&container, "hunter2"), 200);
    assert_eq!(login(&container, ""), 401);
    running.wait_for("root's password is set and was verified by a login");
    running.wait_for("the line break at the end of");
    assert!(!running.log().contains("hunter2"));
    assert_eq!(running.stop(), 0);
    // A later start needs no secret, and leaves the password alone.
    fs::remove_file(container.path("secret")).unwrap();
    let mut running = container.ready();
    running.wait_for("the database has its password already");
    assert_eq!(login(&container, "hunter2"), 200);
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_random_password_is_kept_and_never_logged() {
    let container = Container::new()
        .with("ARANGODB_ROOT_PASSWORD_FILE", "")
        .with("ARANGO_RANDOM_ROOT_PASSWORD", "1");
    let mut running = container.ready();
    let password = fs::read_to_string(container.path("data/.mallku/root-password")).unwrap();
    assert_eq!(login(&container, &password), 200);
    running.wait_for("root's password was generated and is in");
    assert!(!running.log().contains(&password));
    assert_eq!(running.stop(), 0);
    let mut running = container.ready();
    assert_eq!(
        fs::read_to_string(container.path("data/.mallku/root-password")).unwrap(),
        password
    );
    assert_eq!(running.stop(), 0);
}

#[test]
fn no_secret_is_in_an_environment_or_on_a_command_line() {
    let container = Container::new()
        .with("ARANGODB_ROOT_PASSWORD_FILE", "")
        .with("ARANGO_ROOT_PASSWORD", "hunter2")
        .with("LD_PRELOAD_FORGED", "1")
        .with("IRESEARCH_TEXT_STOPWORD_PATH", "/etc");
    let mut running = container.ready();
    let secret = fs::read_to_string(container.path("run/jwt")).unwrap();
    for pid in crate::container::descendants(running.pid()) {
        for file in ["environ", "cmdline"] {
            let text = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            let text = String::from_utf8_lossy(&text).into_owned();
            assert!(
                !text.contains("hunter2") && !text.contains(&secret),
                "{file} of {pid}: {text}"
            );
        }
    }
    let environment = fs::read(format!("/proc/{}/environ", running.database_pid())).unwrap();
    let mut names: Vec<String> = environment
        .split(|byte| *byte == 0)
        .filter(|entry| !entry.is_empty())
        .map(|entry| String::from_utf8_lossy(entry).split('=').next().unwrap().to_owned())
        .filter(|name| !name.starts_with("ARANGODB_OVERRIDE_DETECTED"))
        .collect();
    names.sort();
    assert_eq!(names, ["GLIBCXX_FORCE_NEW", "HOME", "PATH"]);
    assert_eq!(running.stop(), 0);
}

/// A database that was made without PID 1, with root's password empty, as an interrupted first start leaves it.
fn half_made(container: &Container) {
    let socket = container.path("run/half.sock");
    let mut child = Command::new(database())
        .arg("--database.directory")
        .arg(container.path("data"))
        .args(["--configuration", "none", "--server.endpoint"])
        .arg(format!("unix://{}", socket.display()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_until("a half-made database", || {
        std::os::unix::net::UnixStream::connect(&socket).is_ok()
    });
    kill(i32::try_from(child.id()).unwrap(), 15);
    child.wait().unwrap();
}

#[test]
fn an_interrupted_first_start_is_repaired() {
    let container = Container::new();
    half_made(&container);
    let mut running = container.ready();
    running.wait_for("root has no password, as after an interrupted first start; it gets the one of the secret");
    assert_eq!(login(&container, "hunter2"), 200);
    assert_eq!(login(&container, ""), 401);
    assert_eq!(running.stop(), 0);
}

#[test]
fn an_interrupted_first_start_without_a_secret_stays_closed() {
    let container = Container::new().with("ARANGODB_ROOT_PASSWORD_FILE", "");
    half_made(&container);
    let (code, log) = container.outcome();
    assert_eq!(code, 3, "{log}");
    assert!(
        log.contains("root has no password; set ARANGODB_ROOT_PASSWORD_FILE"),
        "{log}"
    );
    assert!(!log.contains("the gate is open"), "{log}");
}

#[test]
fn a_first_start_killed_anywhere_comes_to_its_end_next_time() {
    let container = Container::new();
    for line in [
        "preflight",
        "database started",
        "gate started",
        "ready for business",
        "the gate is open",
    ] {
        let mut running = container.start();
        if line != "preflight" {
            running.wait_for(line);
        }
        for pid in crate::container::descendants(running.pid()) {
            kill(pid, 9);
        }
        running.signal(9);
        assert_eq!(running.end(), 137);
    }
    let mut running = container.ready();
    assert_eq!(login(&container, "hunter2"), 200);
    assert_eq!(login(&container, ""), 401);
    assert!(container.path("data/.mallku/initialised").exists());
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_database_of_other_origin_is_adopted_with_a_word() {
    let container = Container::new();
    let mut running = container.ready();
    assert_eq!(running.stop(), 0);
    fs::remove_dir_all(container.path("data/.mallku")).unwrap();
    container.write("secret", "another", 0o400);
    let mut running = container.ready();
    running.wait_for("the data is adopted, the password left alone");
    assert_eq!(login(&container, "hunter2"), 200);
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_password_that_does_not_stick_keeps_the_gate_closed() {
    let container = Container::new().unruly(&["FORGET_PASSWORDS=true"]);
    let (code, log) = container.outcome();
    assert_eq!(code, 1, "{log}");
    assert!(
        log.contains("root's password could not be set") && log.contains("the gate stays closed"),
        "{log}"
    );
    assert!(!log.contains("the gate is open"), "{log}");
    assert!(!container.path("data/.mallku/initialised").exists());
}

#[test]
fn a_database_that_refuses_our_token_is_not_ours() {
    let container = Container::new().unruly(&["DENY_TOKENS=true"]);
    let (code, log) = container.outcome();
    assert_eq!(code, 1, "{log}");
    assert!(
        log.contains("it runs with another secret than the one it was given"),
        "{log}"
    );
}

#[test]
fn arangod_is_asked_for_its_version_once() {
    let container = Container::new();
    let real = database().display().to_string();
    let asked = container.path("asked");
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = --version ] && echo asked >> {}\nexec {real} \"$@\"\n",
        asked.display()
    );
    container.write("arangod", &script, 0o755);
    container.write("asked", "", 0o666);
    for _ in 0..2 {
        let mut running = container.ready();
        assert_eq!(running.stop(), 0);
        assert_eq!(fs::read_to_string(&asked).unwrap(), "asked\n");
    }
    // Another executable is another arangod.
    container.write("arangod", &format!("{script}\n"), 0o755);
    let mut running = container.ready();
    assert_eq!(running.stop(), 0);
    assert_eq!(fs::read_to_string(&asked).unwrap(), "asked\nasked\n");
}

#[test]
fn a_secret_that_changed_later_is_said_and_changes_nothing() {
    let container = Container::new();
    let mut running = container.ready();
    assert_eq!(running.stop(), 0);
    container.write("secret", "another\n", 0o400);
    let mut running = container.ready();
    running.wait_for("root's password is another than the secret's, which counts at the first start only");
    assert_eq!((login(&container, "hunter2"), login(&container, "another")), (200, 401));
    assert_eq!(running.count("does not belong to the password"), 0);
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_stop_during_the_first_start_is_made_good_by_the_next() {
    // Held while root's password is set, and while things are created.
    for held in ["/_api/user/root", "/_api/database"] {
        let container = Container::new()
            .unruly(&[&format!("REQUESTS={held}"), "ANSWER_DELAY_MS=60000"])
            .with("MALLKU_STOP_TIMEOUT", "5");
        let mut running = container.start();
        // The watch has seen the database answer, and waits for the answer that does not come.
        running.wait_state("a version", |state| !state.database.version.is_empty());
        let code = running.stop();
        assert!(
            code == 0 || running.log().contains("and was killed"),
            "{code}\n{}",
            running.log()
        );
        assert_eq!(running.count("the gate is open"), 0);
        let container = container.unruly(&[]);
        let mut running = container.ready();
        assert_eq!(
            (login(&container, "hunter2"), login(&container, "")),
            (200, 401),
            "{held}"
        );
        running.wait_state("readiness", |state| state.phase == Phase::Ready);
        assert_eq!(running.stop(), 0);
    }
}

#[test]
fn what_the_schemas_declare_is_created_once() {
    let container = Container::new();
    container.write(
        "schemas/person.json",
        r#"{"type":"object","required":["name"],"properties":{"name":{"type":"string"}},
        "x-mallku":{"allow":["read","insert"],"indexes":[{"type":"persistent","fields":["name"],"unique":true}]}}"#,
        0o644,
    );
    container.write(
        "schemas/knows.json",
        r#"{"type":"object","x-mallku":{"kind":"edge","from":["person"],"to":["person"],"allow":["read"]}}"#,
        0o644,
    );
    container.write(
        "schemas/people.json",
        r#"{"x-mallku":{"kind":"graph","edges":["knows"],"allow":["read"]}}"#,
        0o644,
    );
    container.write(
        "schemas/elsewhere.json",
        r#"{"type":"object","x-mallku":{"database":"other","allow":["read"]}}"#,
        0o644,
    );
    container.write(
        "schemas/policy.json",
        &format!(
            r#"{{"users":{{"app":{{"passwordFile":"{}","database":"_system"}}}}}}"#,
            container.path("app").display()
        ),
        0o644,
    );
    container.write("app", "app-password", 0o400);
    // Users' secrets are read by the database's user.
    std::os::unix::fs::chown(container.path("app"), Some(65532), Some(65532)).unwrap();
    let mut running = container.ready();
    let line = running.wait_for("provisioning:");
    for part in ["7 collections", "1 databases", "2 graphs", "2 indexes", "1 users"] {
        assert!(line.contains(part), "no {part} in {line}");
    }
    assert!(!line.contains("failures"), "{}", running.log());
    assert!(!running.log().contains("app-password"));
    assert_eq!(running.stop(), 0);
    // Another kind of collection than the database has: said, not changed.
    container.write(
        "schemas/person.json",
        r#"{"type":"object","x-mallku":{"kind":"edge","from":["things"],"to":["things"]}}"#,
        0o644,
    );
    fs::remove_file(container.path("schemas/people.json")).unwrap();
    fs::remove_file(container.path("schemas/knows.json")).unwrap();
    let mut running = container.ready();
    running.wait_for(
        "collection `person` is a document collection, the schemas say an edge collection; it is left as it is",
    );
    // In both databases; and the user has rights on them that nothing grants any more.
    running.wait_for("user `app` has `rw` on _system/person, where `none` is all that its roles need");
    running.wait_for("provisioning: nothing to create, 4 differences");
    assert_eq!(running.stop(), 0);
}

#[test]
fn any_user_with_group_0_will_do() {
    // OpenShift: a number nobody knows, and group 0.
    let container = Container::new().with_user(1_000_650_000, 0);
    let mut running = container.ready();
    running.wait_for("user 1000650000:0");
    assert_eq!(login(&container, "hunter2"), 200);
    assert_eq!(running.stop(), 0);
    // Another number reads what the first one wrote, by the group.
    for name in ["run", "data"] {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o770);
        fs::set_permissions(container.path(name), mode).unwrap();
    }
}

#[test]
fn root_gives_every_child_a_user_of_its_own_and_no_capability() {
    let container = Container::new();
    let mut running = container.ready();
    let state = running.wait_state("a gate", |state| {
        state.gate.pid.is_some() && state.phase == Phase::Ready
    });
    let status = |pid: u32, key: &str| {
        let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = text.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_ascii_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    };
    let (database, gate) = (state.database.pid.unwrap(), state.gate.pid.unwrap());
    assert_eq!(status(database, "Uid"), "65532 65532 65532 65532");
    assert_eq!(status(database, "Groups"), "");
    assert_eq!(status(gate, "Uid"), "65533 65533 65533 65533");
    for pid in [database, gate] {
        assert_eq!(status(pid, "CapEff"), "0000000000000000");
        assert_eq!(status(pid, "NoNewPrivs"), "1");
        wait_until("an empty mask", || status(pid, "SigBlk") == "0000000000000000");
    }
    // SETUID 7, SETGID 6, KILL 5, DAC_OVERRIDE 1.
    let own = u64::from_str_radix(&status(u32::try_from(running.pid()).unwrap(), "CapEff"), 16).unwrap();
    assert_eq!(own & !0b1110_0010, 0, "{own:x}");
    assert_eq!(
        status(database, "Seccomp"),
        status(u32::try_from(running.pid()).unwrap(), "Seccomp")
    );
    assert_eq!(running.stop(), 0);
}
