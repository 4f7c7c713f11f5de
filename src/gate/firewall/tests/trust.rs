//! Reasons and rates are for those whose credentials the database accepts.

use super::*;

/// A database whose users all have the password `pw`, and that lets `guest` into no database.
fn checks(request: &Recorded) -> (u16, Value) {
    let sent = request.header("authorization").unwrap_or_default();
    let known = ["app", "guest"].iter().any(|user| sent == basic(user));
    let inside = known && (sent != basic("guest") || request.target == "/_api/cluster/endpoints");
    if !inside {
        return (
            401,
            json!({"error": true, "code": 401, "errorNum": 11, "errorMessage": "not authorized"}),
        );
    }
    if request.target == "/_api/cluster/endpoints" {
        return (501, json!({"error": true, "code": 501, "errorNum": 9}));
    }
    usual(request)
}

const DENIED: &str = r#"{"query":"FOR n IN notes RETURN n.secret"}"#;
const ALLOWED: &str = r#"{"query":"FOR n IN notes RETURN n.title"}"#;

fn header(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

fn send(bench: &Bench, authorization: Option<&str>, target: &str, body: &str) -> (u16, Value) {
    let headers: Vec<_> = authorization.iter().map(|value| ("authorization", *value)).collect();
    let response = bench
        .firewall
        .handle(request("POST", target, &headers, body.as_bytes()));
    (
        response.status,
        serde_json::from_slice(&response.body).unwrap_or(Value::Null),
    )
}

#[test]
fn who_only_names_a_user_learns_no_rule() {
    let bench = Bench::with(&[], checks);
    let wrong = header("app", "guessed");
    for (target, body) in [
        ("/_api/cursor", DENIED),
        ("/_api/cursor", r#"{"query":"FOR n IN nothing RETURN n"}"#),
        ("/_api/cursor", r#"{"query":"FOR n IN"}"#),
        ("/_api/explain", DENIED),
        ("/_api/document/notes", r#"{"origin":"x"}"#),
        ("/_api/transaction/begin", r#"{"collections":{"read":["nothing"]}}"#),
        ("/_api/user", "{}"),
        ("/nothing", ""),
        ("/_db/unserved/_api/cursor", DENIED),
    ] {
        for authorization in [Some(wrong.as_str()), None] {
            let (status, answer) = send(&bench, authorization, target, body);
            assert_eq!(
                (status, answer["errorNum"].as_u64()),
                (401, Some(11)),
                "{target} {answer}"
            );
            assert_eq!(answer["errorMessage"], "not authorized to execute this request");
            assert_eq!(answer["denials"], Value::Null, "{target}");
        }
        // The same for who may know.
        let (status, answer) = send(&bench, Some(&basic("app")), target, body);
        assert!(matches!(status, 400 | 403), "{target} {answer}");
        assert!(answer["denials"].is_array(), "{target} {answer}");
    }
    assert!(bench.seen().is_empty(), "what is refused reaches nobody");
}

#[test]
fn a_user_without_rights_on_a_database_learns_nothing_about_it() {
    let bench = Bench::with(&[], checks);
    let guest = basic("guest");
    assert_eq!(send(&bench, Some(&guest), "/_db/mydb/_api/cursor", DENIED).0, 401);
    // That a database is not served is told to every user.
    let (status, answer) = send(&bench, Some(&guest), "/_db/unserved/_api/cursor", DENIED);
    assert_eq!(status, 403, "{answer}");
    assert_eq!(answer["denials"][0]["rule"], "database-not-served");
}

#[test]
fn what_a_request_lacks_in_itself_is_told_without_asking() {
    let bench = Bench::with(&[], checks);
    let wrong = header("app", "guessed");
    assert_eq!(send(&bench, Some(&wrong), "/_api/cursor", r#"{"query":1}"#).0, 400);
    assert_eq!(send(&bench, Some(&wrong), "/_api/cursor", "{").0, 400);
    assert_eq!(send(&bench, Some("Digest x"), "/_api/cursor", DENIED).0, 401);
    // Nor is root's password tried for a stranger.
    let (status, answer) = send(&bench, Some(&header("root", "guessed")), "/_api/cursor", ALLOWED);
    assert_eq!(status, 403, "{answer}");
    assert!(bench.everything().is_empty());
}

#[test]
fn the_database_is_asked_once_and_never_for_what_is_allowed() {
    let bench = Bench::with(&[], checks);
    let app = basic("app");
    for _ in 0..20 {
        assert_eq!(send(&bench, Some(&app), "/_api/cursor", ALLOWED).0, 201);
    }
    assert_eq!(bench.everything().len(), 20);
    for _ in 0..20 {
        assert_eq!(send(&bench, Some(&app), "/_api/cursor", DENIED).0, 403);
    }
    let asked: Vec<_> = bench.everything().into_iter().map(|request| request.target).collect();
    assert_eq!(asked, ["/_db/_system/_api/version"]);
    // A wrong password asked again and again is not passed on each time either.
    let wrong = header("app", "guessed");
    for _ in 0..20 {
        assert_eq!(send(&bench, Some(&wrong), "/_api/cursor", DENIED).0, 401);
    }
    let asked = bench.everything().len();
    assert!((1..20).contains(&asked), "{asked}");
}

#[test]
fn a_401_ends_the_trust_at_once() {
    let changed = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen = Arc::clone(&changed);
    let bench = Bench::with(&[], move |request| {
        if seen.load(Ordering::SeqCst) {
            return (
                401,
                json!({"error": true, "code": 401, "errorNum": 11, "errorMessage": "no"}),
            );
        }
        checks(request)
    });
    let app = basic("app");
    assert_eq!(send(&bench, Some(&app), "/_api/cursor", DENIED).0, 403);
    changed.store(true, Ordering::SeqCst);
    // Remembered for its time, or until the database says otherwise.
    assert_eq!(send(&bench, Some(&app), "/_api/cursor", DENIED).0, 403);
    assert_eq!(send(&bench, Some(&app), "/_api/cursor", ALLOWED).0, 401);
    assert_eq!(send(&bench, Some(&app), "/_api/cursor", DENIED).0, 401);
}

#[test]
fn where_the_database_cannot_be_asked_nothing_is_told() {
    let bench = Bench::with(&[], |_| (503, json!({"error": true, "code": 503, "errorNum": 503})));
    let (status, answer) = send(&bench, Some(&basic("app")), "/_api/cursor", DENIED);
    assert_eq!((status, answer["errorNum"].as_u64()), (503, Some(503)), "{answer}");
    assert_eq!(answer["denials"], Value::Null);
    std::fs::remove_file(bench.dir.path().join("db.sock")).unwrap();
    let bench = Bench::with(&[], checks);
    std::fs::remove_file(bench.dir.path().join("db.sock")).unwrap();
    let (status, answer) = send(&bench, Some(&basic("app")), "/_api/cursor", DENIED);
    assert_eq!(status, 503, "{answer}");
    assert_eq!(answer["denials"], Value::Null);
}

/// A bench with these limits by role, everything else as usual.
fn limited(limits: &str) -> Bench {
    let bench = Bench::with(&[], checks);
    let policy = format!(r#"{{"databases":["_system","mydb"],"limits":{limits}}}"#);
    std::fs::write(bench.dir.path().join("schemas/policy.json"), policy).unwrap();
    bench.firewall.reload();
    bench
}

#[test]
fn a_stranger_cannot_use_up_a_users_rate() {
    let bench = limited(r#"{"requestsPerSecond":2}"#);
    for number in 0..200 {
        let guess = header("app", &format!("guess {number}"));
        for body in [ALLOWED, DENIED] {
            assert_eq!(send(&bench, Some(&guess), "/_api/cursor", body).0, 401);
            assert_eq!(send(&bench, None, "/_api/cursor", body).0, 401);
        }
    }
    assert_eq!(send(&bench, Some(&basic("app")), "/_api/cursor", ALLOWED).0, 201);
    assert_eq!(send(&bench, Some(&basic("app")), "/_api/cursor", ALLOWED).0, 201);
    let (status, answer) = send(&bench, Some(&basic("app")), "/_api/cursor", ALLOWED);
    assert_eq!((status, answer["errorNum"].as_u64()), (429, Some(21003)), "{answer}");
}

#[test]
fn asking_for_availability_uses_up_nobodys_rate() {
    let bench = limited(r#"{"requestsPerSecond":2}"#);
    let guess = header("app", "guessed");
    for _ in 0..20 {
        let headers = [("authorization", guess.as_str())];
        bench
            .firewall
            .handle(request("GET", "/_admin/server/availability", &headers, b""));
    }
    assert_eq!(send(&bench, Some(&basic("app")), "/_api/cursor", ALLOWED).0, 201);
}

#[test]
fn logins_do_not_share_the_rate_of_everybody() {
    let bench = limited(r#"{"requestsPerSecond":1}"#);
    let login = r#"{"username":"app","password":"pw"}"#;
    for _ in 0..5 {
        // Its answer here is the stub's 401; what matters is that it got there.
        assert_eq!(send(&bench, None, "/_open/auth", login).0, 401);
    }
    assert_eq!(bench.seen().len(), 5);
}

#[test]
fn a_stranger_cannot_make_the_gate_forget_a_cursor() {
    let bench = Bench::with(&[], checks);
    assert_eq!(send(&bench, Some(&basic("app")), "/_api/cursor", ALLOWED).0, 201);
    let wrong = header("app", "guessed");
    let remove = |authorization: &str| {
        let headers = [("authorization", authorization)];
        bench
            .firewall
            .handle(request("DELETE", "/_api/cursor/77", &headers, b""))
            .status
    };
    assert_eq!(remove(&wrong), 401);
    assert_eq!(send(&bench, Some(&basic("app")), "/_api/cursor/77", "").0, 200);
    assert_eq!(remove(&basic("app")), 200);
    assert_eq!(send(&bench, Some(&basic("app")), "/_api/cursor/77", "").0, 404);
}

#[test]
fn nothing_passes_before_pid_1_says_so() {
    let run = tempfile::tempdir().unwrap();
    let (dir, socket) = (run.path().display().to_string(), run.path().join("arangod.sock"));
    let upstream = format!("unix:{}", socket.display());
    let told = |phase: &str| {
        let text = format!(
            r#"{{"phase":"{phase}","since_ms":0,"started_ms":0,"pid":1,"reason":"so it is","database":{{}},"gate":{{}}}}"#
        );
        std::fs::write(run.path().join("state.json"), text).unwrap();
    };
    told("starting");
    let vars = [("MALLKU_RUN_DIR", dir.as_str()), ("MALLKU_UPSTREAM", upstream.as_str())];
    let bench = Bench::with(&vars, usual);
    std::os::unix::fs::symlink(bench.dir.path().join("db.sock"), &socket).unwrap();
    let ask = |body: &str| {
        thread::sleep(PhaseWatch::AGE);
        send(&bench, Some(&basic("app")), "/_api/cursor", body)
    };
    for phase in ["preflight", "starting", "backoff", "stopping", "stopped", "unheard-of"] {
        told(phase);
        bench.firewall.probe(0);
        for body in [ALLOWED, DENIED] {
            let (status, answer) = ask(body);
            assert_eq!(
                (status, answer["errorNum"].as_u64()),
                (503, Some(503)),
                "{phase} {answer}"
            );
            assert!(
                phase == "unheard-of" || answer.to_string().contains("so it is"),
                "{answer}"
            );
        }
        assert!(bench.everything().is_empty(), "{phase}");
    }
    for phase in ["ready", "degraded"] {
        told(phase);
        assert_eq!(ask(ALLOWED).0, 201);
        assert_eq!(bench.everything().len(), 1);
    }
    // A state that is gone is no state that is open.
    std::fs::remove_file(run.path().join("state.json")).unwrap();
    assert_eq!(ask(ALLOWED).0, 503);
    assert!(bench.everything().is_empty());
}
