//! Faults that are found before anything starts: each with its exit code and a sentence that says what to do.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::container::Container;

/// Nothing was started, the code is right, and the log says this.
fn refuses(container: &Container, code: i32, sentence: &str) {
    let (found, log) = container.outcome();
    assert_eq!(found, code, "{log}");
    assert!(log.contains(sentence), "no `{sentence}` in\n{log}");
    assert!(!log.contains("database started"), "{log}");
    assert!(!log.contains("hunter2"), "a secret in the log:\n{log}");
    assert!(!container.was_started());
}

#[test]
fn the_environment_is_checked() {
    refuses(
        &Container::new().with("MALLKU_ENFORCE_SECURTY", "false"),
        3,
        "MALLKU_ENFORCE_SECURTY: is not a variable of mallku-db; did you mean MALLKU_ENFORCE_SECURITY?",
    );
    refuses(
        &Container::new().with("MALLKU_ENFORCE_SECURITY", "false"),
        3,
        "refused in production",
    );
    refuses(
        &Container::new().with("MALLKU_UPSTREAM", "http://elsewhere:8529"),
        3,
        "use `mallku-db gate`",
    );
    let long = format!("/tmp/{}", "r".repeat(120));
    refuses(&Container::new().with("MALLKU_RUN_DIR", &long), 3, "99 is the most");
}

#[test]
fn a_database_program_that_cannot_run_is_126_or_127() {
    let container = Container::new();
    fs::remove_file(container.path("arangod")).unwrap();
    refuses(
        &container,
        127,
        "arangod is missing; build the image with arangod in it",
    );
    container.write("arangod", "#!/bin/sh\n", 0o644);
    refuses(&container, 126, "is not an executable file");
    // An executable for another machine.
    container.write("arangod", "\u{7f}ELF nonsense", 0o755);
    refuses(&container, 126, "was built for another machine or is damaged");
}

#[test]
fn a_secret_has_to_be_one() {
    let cases = [
        ("", 0o400, "is empty; write the password into it"),
        ("\n", 0o400, "is empty; write the password into it"),
        ("two\nlines\n", 0o400, "several lines"),
        ("nul\0", 0o400, "control characters"),
        (
            "hunter2",
            0o666,
            "may be changed by everybody (mode 666); run `chmod 400` on it",
        ),
    ];
    for (content, mode, sentence) in cases {
        let container = Container::new();
        container.write("secret", content, mode);
        refuses(&container, 3, sentence);
    }
    let container = Container::new();
    container.write("secret", &"x".repeat(5000), 0o400);
    refuses(&container, 3, "1024 at most");
    fs::remove_file(container.path("secret")).unwrap();
    refuses(&container, 3, "is missing; mount it there");
    fs::create_dir(container.path("secret")).unwrap();
    refuses(
        &container,
        3,
        "is a directory; a mount whose source file is missing makes one",
    );
    refuses(
        &Container::new().with("ARANGODB_ROOT_PASSWORD_FILE", ""),
        3,
        "a first start needs a password for root: set ARANGODB_ROOT_PASSWORD_FILE",
    );
}

#[test]
fn a_secret_of_somebody_else_is_told_by_user() {
    let container = Container::new().with_user(12345, 12345);
    std::os::unix::fs::chown(container.path("secret"), Some(0), Some(0)).unwrap();
    refuses(&container, 3, "cannot be read by user 12345");
}

#[test]
fn an_encryption_key_has_32_bytes() {
    let container = Container::new().with_path("ARANGODB_ENCRYPTION_KEYFILE", "key");
    container.write("key", "short", 0o400);
    refuses(&container, 3, "has 5 bytes; it must have exactly 32");
}

#[test]
fn encryption_that_the_edition_lacks_is_said() {
    let container = Container::new()
        .with_path("ARANGODB_ENCRYPTION_KEYFILE", "key")
        .script("exit 99");
    container.write("key", &"k".repeat(32), 0o400);
    container.write("arangod", "#!/bin/sh\necho 3.12.4; echo 'license: community'\n", 0o755);
    refuses(&container, 3, "arangod 3.12.4 in its community edition cannot encrypt");
}

#[test]
fn foreign_files_are_left_alone() {
    let container = Container::new();
    container.write("data/holiday.jpg", "", 0o644);
    refuses(
        &container,
        3,
        "holds other files (holiday.jpg) and no database; mount an empty volume there",
    );
    assert!(container.path("data/holiday.jpg").exists());
}

#[test]
fn a_volume_that_lost_its_database_is_refused() {
    let container = Container::new();
    fs::create_dir(container.path("data/.mallku")).unwrap();
    container.write("data/.mallku/initialised", "server=x\n", 0o400);
    refuses(
        &container,
        3,
        "was initialised and now holds no database; mount the right volume",
    );
}

#[test]
fn data_of_an_ancient_engine_is_refused() {
    let container = Container::new();
    container.write("data/ENGINE", "mmfiles", 0o644);
    refuses(&container, 3, "storage engine `mmfiles`");
}

#[test]
fn a_data_directory_of_somebody_else_is_told_with_owner_and_remedy() {
    let container = Container::new().with_user(12345, 12345);
    std::os::unix::fs::chown(container.path("data"), Some(0), Some(0)).unwrap();
    refuses(
        &container,
        3,
        "cannot be written by user 12345:12345 (it belongs to 0:0, mode 755): Permission denied (os error 13); run `chown -R \
         12345:12345` on the volume",
    );
    fs::remove_dir(container.path("data")).unwrap();
    container.write("data", "", 0o644);
    refuses(&container, 3, "is no directory; mount a volume there");
}

#[test]
fn a_run_directory_that_cannot_be_used_is_said() {
    let container = Container::new().with_user(12345, 12345);
    std::os::unix::fs::chown(container.path("run"), Some(0), Some(0)).unwrap();
    refuses(&container, 3, "cannot be used by user 12345");
}

#[test]
fn what_is_no_socket_is_not_removed_from_the_sockets_place() {
    let container = Container::new();
    container.write("run/arangod.sock", "precious", 0o644);
    refuses(&container, 3, "is not a socket and is in the database's way; remove it");
    assert_eq!(
        fs::read_to_string(container.path("run/arangod.sock")).unwrap(),
        "precious"
    );
}

#[test]
fn a_port_in_use_is_found_before_the_database_starts() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    refuses(
        &Container::new().with("MALLKU_LISTEN", &address),
        3,
        "free the port, or set MALLKU_LISTEN",
    );
}

#[test]
fn invalid_schemas_end_it_with_3() {
    let container = Container::new();
    container.write("schemas/things.json", r#"{"x-mallku":{"alow":["read"]}}"#, 0o644);
    let (code, log) = container.outcome();
    assert_eq!(code, 3, "{log}");
    assert!(
        log.contains("things.json") && log.contains("`mallku-db schema check"),
        "{log}"
    );
    assert!(!log.contains("the gate is open"), "{log}");
}

#[test]
fn few_descriptors_are_a_warning_with_a_remedy() {
    let container = Container::new();
    let mut command = std::process::Command::new("sh");
    let run = container.command();
    command
        .args(["-c", "ulimit -n 512; exec \"$0\" run"])
        .arg(run.get_program())
        .env_clear()
        .envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .stderr(std::process::Stdio::piped());
    let mut running = crate::container::Running::new(command.spawn().unwrap(), container.path("run"));
    running.wait_for("only 512 files may be open, arangod wants 8192; raise `ulimits.nofile`");
    running.wait_for("database started");
    running.stop();
}

#[test]
fn modes_of_what_is_written_are_tight() {
    let container = Container::new();
    let mut running = container.ready();
    let mode = |name: &str| fs::metadata(container.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("run/jwt"), 0o400);
    assert_eq!(mode("run/arangod.conf"), 0o400);
    assert_eq!(mode("data/.mallku"), 0o700);
    assert_eq!(mode("run") & 0o007, 0, "nobody else passes to the socket");
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_configuration_that_opens_a_way_around_the_gate_is_refused() {
    let container = Container::new().with_path("MALLKU_ARANGOD_CONF", "arangod.conf");
    container.write(
        "arangod.conf",
        "[server]\nauthentication = false\n[javascript]\nenable = false\n",
        0o644,
    );
    refuses(
        &container,
        3,
        "arangod.conf:2:18: error: `server.authentication = false`: every request would be a superuser's",
    );
    refuses(
        &container,
        3,
        "arangod.conf:4:1: error: `javascript.enable` does not exist in this arangod; it is `javascript.enabled`",
    );
}
