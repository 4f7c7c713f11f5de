//! Each misbehaviour, and that it is over when it should be.

use crate::client::Client;
use crate::server::{Place, Server, orphans_alive, run, wait_for};
use rustix::process::Signal;
use serde_json::json;
use std::io::Read;
use std::time::Duration;

const SOON: Duration = Duration::from_millis(300);

fn settings<'a>(pairs: &[(&'a str, &'a str)]) -> Vec<(String, &'a str)> {
    pairs
        .iter()
        .map(|(name, value)| (format!("EVALDB_UNRULY_{name}"), *value))
        .collect()
}

fn start<'a>(place: &'a Place, pairs: &[(&str, &str)]) -> Server<'a> {
    let settings = settings(pairs);
    let pairs: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    place.start_with(&pairs)
}

fn version(place: &Place) -> Client {
    place.superuser()
}

#[test]
fn crashes_with_a_code_or_signal_at_every_phase() {
    let place = Place::new();
    for phase in ["options", "lock", "markers", "recovery", "users", "listen", "ready"] {
        assert_eq!(
            start(&place, &[("CRASH_AT", phase), ("CRASH_CODE", "77")]).end(),
            77,
            "{phase}"
        );
    }
    for (signal, number) in [("SEGV", 11), ("KILL", 9), ("ILL", 4), ("ABRT", 6), ("15", 15)] {
        assert_eq!(
            start(&place, &[("CRASH_SIGNAL", signal)]).end(),
            128 + number,
            "{signal}"
        );
    }
    place.ready().stop();
}

#[test]
fn a_crash_after_the_markers_leaves_an_empty_root_password() {
    let place = Place::new();
    let mut command = place.serving();
    command
        .env("EVALDB_UNRULY_CRASH_AT", "markers")
        .env("ARANGODB_DEFAULT_ROOT_PASSWORD", "wanted");
    assert_eq!(run(command).0.code(), Some(1));
    assert!(place.data().join("SERVER").exists());
    let server = place.ready();
    assert_eq!(place.client().basic("root", "").get("/_api/version").status, 200);
    server.stop();
}

#[test]
fn crashes_after_a_time_or_at_a_request() {
    let place = Place::new();
    let mut server = start(&place, &[("CRASH_AFTER_MS", "150"), ("CRASH_SIGNAL", "SEGV")]);
    assert_eq!(server.end(), 139);
    let mut text = String::new();
    server.child.stdout.as_mut().unwrap().read_to_string(&mut text).unwrap();
    assert!(text.contains("[cf3f4]"), "it was ready before: {text}");
    let mut server = start(
        &place,
        &[
            ("CRASH_REQUEST", "2"),
            ("CRASH_CODE", "5"),
            ("REQUESTS", "/_api/version"),
        ],
    )
    .wait_ready();
    assert_eq!(version(&place).get("/_api/version").status, 200);
    assert!(
        version(&place).try_get("/_api/version").is_err(),
        "the second request gets no answer"
    );
    assert_eq!(server.end(), 5);
}

#[test]
fn hangs_before_it_is_ready() {
    let place = Place::new();
    for phase in ["lock", "recovery", "listen"] {
        let mut server = start(&place, &[("HANG_AT", phase)]);
        wait_for("the data directory", || {
            place.data().exists().then_some(()).or((phase == "lock").then_some(()))
        });
        let answered = place
            .client()
            .raw("GET /_admin/server/availability HTTP/1.1\r\n\r\n", SOON);
        match answered {
            Err(_) => {}
            Ok(bytes) => assert!(bytes.is_empty() || bytes.starts_with(b"HTTP/1.1 503"), "{phase}"),
        }
        assert!(server.child.try_wait().unwrap().is_none(), "{phase}");
        server.signal(Signal::KILL);
        assert_eq!(server.end(), 137);
        let _ = std::fs::remove_file(place.path("sock"));
    }
}

#[test]
fn hangs_after_it_was_ready() {
    let place = Place::new();
    let server = start(&place, &[("HANG_AT", "ready"), ("HANG_AFTER_MS", "2000")]).wait_ready();
    let silent = || {
        let request = "GET /_admin/server/availability HTTP/1.1\r\n\r\n";
        place
            .client()
            .raw(request, SOON)
            .is_ok_and(|bytes| bytes.is_empty())
            .then_some(())
    };
    wait_for("silence", silent);
    drop(server);
}

#[test]
fn ignores_term_and_stops_slowly() {
    let place = Place::new();
    let mut server = start(&place, &[("IGNORE_TERM", "true")]).wait_ready();
    server.signal(Signal::TERM);
    let mut seen = [0; 4096];
    let mut text = String::new();
    while !text.contains("ignored on command") {
        let read = server.child.stdout.as_mut().unwrap().read(&mut seen).unwrap();
        text.push_str(&String::from_utf8_lossy(&seen[..read]));
    }
    assert_eq!(place.client().get("/_admin/server/availability").status, 200);
    server.signal(Signal::KILL);
    assert_eq!(server.end(), 137);

    let mut server = start(&place, &[("STOP_DELAY_MS", "5000")]).wait_ready();
    server.signal(Signal::TERM);
    wait_for("the stop to begin", || (!place.path("sock").exists()).then_some(()));
    server.signal(Signal::TERM);
    assert_eq!(server.end(), 1, "a second signal ends it at once");
}

#[test]
fn a_signal_during_the_start_waits_for_its_end() {
    let place = Place::new();
    let mut command = place.serving();
    command.args(["--server.early-connections", "true"]);
    command.env("EVALDB_UNRULY_START_DELAY_MS", "700");
    let mut server = Server {
        place: &place,
        child: command.spawn().unwrap(),
    };
    // The early socket opens when signals are held back already.
    wait_for("the early socket", || place.path("sock").exists().then_some(()));
    server.signal(Signal::TERM);
    assert_eq!(server.end(), 0);
    let mut text = String::new();
    server.child.stdout.as_mut().unwrap().read_to_string(&mut text).unwrap();
    let (ready, stop) = (text.find("[cf3f4]").unwrap(), text.find("[b4133]").unwrap());
    assert!(ready < stop, "{text}");
}

#[test]
fn refuses_the_lock() {
    let place = Place::new();
    assert_eq!(start(&place, &[("LOCK", "held")]).end(), 22);
    assert_eq!(
        start(&place, &[("LOCK", "held"), ("STARTS", "0")])
            .wait_ready()
            .child
            .try_wait()
            .unwrap(),
        None
    );
}

#[test]
fn misbehaves_at_its_first_starts_only() {
    let place = Place::new();
    for _ in 0..2 {
        assert_eq!(start(&place, &[("STARTS", "2"), ("CRASH_CODE", "9")]).end(), 9);
    }
    start(&place, &[("STARTS", "2"), ("CRASH_CODE", "9")])
        .wait_ready()
        .stop();
}

#[test]
fn settings_beside_the_program_count_without_an_environment() {
    let place = Place::new();
    let program = place.path("arangod");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_evaldb"), &program).unwrap();
    std::fs::write(place.path("arangod.env"), "# test\nEVALDB_UNRULY_CRASH_CODE=42\n").unwrap();
    let mut command = std::process::Command::new(&program);
    command.env_clear().args(place.serving().get_args());
    assert_eq!(run(command).0.code(), Some(42));
    std::fs::write(place.path("arangod.env"), "EVALDB_UNRULY_CRASH=42\n").unwrap();
    let mut command = std::process::Command::new(&program);
    command.env_clear().args(place.serving().get_args());
    let (status, text) = run(command);
    assert_eq!(status.code(), Some(2));
    assert!(text.contains("unknown variable EVALDB_UNRULY_CRASH"), "{text}");
}

#[test]
fn leaves_orphans_behind() {
    let place = Place::new();
    let server = start(&place, &[("ORPHANS", "50"), ("ORPHAN_LIFE_MS", "3000")]).wait_ready();
    wait_for("the orphans", || (orphans_alive() >= 50).then_some(()));
    wait_for("their end", || (orphans_alive() == 0).then_some(()));
    server.stop();
}

#[test]
fn floods_its_standard_error() {
    let place = Place::new();
    let mut server = start(&place, &[("FLOOD_STDERR", "3000000")]);
    let mut stderr = server.child.stderr.take().unwrap();
    let mut wanted = vec![0; 3_000_000];
    stderr.read_exact(&mut wanted).unwrap();
    server.wait_ready().stop();
}

#[test]
fn replaces_itself_in_place() {
    let place = Place::new();
    let mut server = start(&place, &[("REEXEC_AFTER_MS", "100")]).wait_ready();
    let mut text = String::new();
    let mut seen = [0; 4096];
    while text.matches("[cf3f4]").count() < 2 {
        let read = server.child.stdout.as_mut().unwrap().read(&mut seen).unwrap();
        assert_ne!(read, 0, "{text}");
        text.push_str(&String::from_utf8_lossy(&seen[..read]));
    }
    server.wait_ready().stop();
}

#[test]
fn says_that_it_is_unavailable_and_lies_about_credentials() {
    let place = Place::new();
    let server = start(&place, &[("UNAVAILABLE", "true"), ("FORGET_PASSWORDS", "true")]);
    wait_for("503", || {
        place
            .client()
            .try_get("/_admin/server/availability")
            .ok()
            .filter(|answer| answer.status == 503)
    });
    wait_for("the users", || {
        Some(version(&place).get("/_api/user/root").status).filter(|status| *status == 200)
    });
    assert_eq!(
        version(&place)
            .call("PATCH", "/_api/user/root", &json!({ "passwd": "new" }))
            .status,
        200
    );
    let login = place
        .client()
        .call("POST", "/_open/auth", &json!({ "username": "root", "password": "new" }));
    assert_eq!(login.status, 401);
    server.stop();
    let server = start(&place, &[("DENY_TOKENS", "true")]).wait_ready();
    assert_eq!(version(&place).get("/_api/version").status, 401);
    server.stop();
}

#[test]
fn answers_slowly() {
    let place = Place::new();
    let server = start(&place, &[("ANSWER_DELAY_MS", "700"), ("REQUESTS", "/_api/version")]).wait_ready();
    let request = version(&place).request("GET", "/_api/version", "", "");
    assert!(version(&place).raw(&request, SOON).unwrap().is_empty());
    assert_eq!(version(&place).get("/_api/version").status, 200);
    server.stop();
}

/// What comes back for `/_api/version` when answers are spoiled in a way.
fn spoiled(pairs: &[(&str, &str)]) -> Vec<u8> {
    let place = Place::new();
    let mut all = vec![("REQUESTS", "/_api/version")];
    all.extend(pairs);
    let server = start(&place, &all).wait_ready();
    let client = version(&place);
    let bytes = client
        .everything(&client.request("GET", "/_api/version", "", ""))
        .unwrap();
    server.stop();
    bytes
}

fn head_and_body(bytes: &[u8]) -> (String, Vec<u8>) {
    let end = bytes
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .map_or(bytes.len(), |at| at + 4);
    (
        String::from_utf8_lossy(&bytes[..end]).into_owned(),
        bytes[end..].to_vec(),
    )
}

#[test]
fn cuts_answers_off() {
    let (head, body) = head_and_body(&spoiled(&[("CUT_AFTER", "7")]));
    assert!(head.starts_with("HTTP/1.1 200"));
    assert_eq!(body.len(), 7);
}

#[test]
fn sends_malformed_http() {
    type Check<'c> = &'c dyn Fn(&str, &[u8], &[u8]) -> bool;
    let expect = |kind: &str, holds: Check<'_>| {
        let bytes = spoiled(&[("MALFORMED", kind)]);
        let (head, body) = head_and_body(&bytes);
        assert!(
            holds(&head, &body, &bytes),
            "{kind}: {head}{}",
            String::from_utf8_lossy(&body)
        );
    };
    let length = |head: &str| -> usize {
        let line = head
            .lines()
            .find(|line| line.to_ascii_lowercase().starts_with("content-length:"))
            .unwrap();
        line.split_once(':').unwrap().1.trim().parse().unwrap()
    };
    expect("status-line", &|head, _, _| head.starts_with("HTTP/1.1 two hundred"));
    expect("garbage", &|_, _, bytes| {
        bytes.len() == 2048 && !bytes.starts_with(b"HTTP")
    });
    expect("no-length", &|head, body, _| {
        !head.to_ascii_lowercase().contains("content-length") && !body.is_empty()
    });
    expect("two-lengths", &|head, _, _| head.matches("Content-Length").count() == 2);
    expect("short-length", &|head, body, _| length(head) < body.len());
    expect("long-length", &|head, body, _| length(head) > body.len());
    expect("chunked", &|head, body, _| {
        head.contains("chunked") && body.ends_with(b"0\r\n\r\n")
    });
    expect("two-replies", &|_, _, bytes| {
        bytes.windows(8).filter(|eight| eight == b"HTTP/1.1").count() == 2
    });
    expect("continue", &|head, _, _| head.starts_with("HTTP/1.1 100"));
    expect("endless-header", &|_, _, bytes| bytes.len() > 4 << 20);
    expect("not-json", &|_, body, _| body.starts_with(b"<html>"));
    expect("bad-json", &|head, body, _| {
        length(head) == body.len() && serde_json::from_slice::<serde_json::Value>(body).is_err()
    });
    expect("duplicate-keys", &|_, body, _| {
        body.starts_with(br#"{"result":["smuggled"]"#)
    });
    expect("empty", &|_, _, bytes| bytes.is_empty());
    expect("elsewhere", &|head, _, _| {
        head.contains("x-arango-endpoint") && head.contains("503")
    });
}

#[test]
fn spoils_only_what_it_is_told_to() {
    let place = Place::new();
    let server = start(
        &place,
        &[
            ("MALFORMED", "not-json"),
            ("REQUESTS", "/_api/version"),
            ("ANSWERS", "2"),
        ],
    )
    .wait_ready();
    let is_json = || version(&place).get("/_api/version").json()["server"] == "arango";
    assert_eq!([is_json(), is_json(), is_json()], [false, false, true]);
    server.stop();
}
