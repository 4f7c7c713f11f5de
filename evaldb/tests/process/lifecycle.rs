//! Start, stop and restart, with arangod's exit codes.

use crate::client::{sign, token};
use crate::server::{Place, SECRET, run, wait_for};
use rustix::process::Signal;
use serde_json::json;

#[test]
fn a_server_starts_says_what_it_is_and_stops() {
    let place = Place::new();
    let mut server = place.ready();
    let version = place
        .client()
        .basic("root", "")
        .get("/_api/version?details=true")
        .json();
    assert_eq!(version["server"], "arango");
    assert_eq!(version["license"], "evaldb, not for production");
    assert_eq!(version["details"]["evaldb"], "evaldb, not for production");
    for file in [
        "ENGINE",
        "SERVER",
        "LANGUAGE",
        "LOCK",
        "databases/database-1/VERSION",
        "engine-rocksdb",
    ] {
        assert!(place.data().join(file).exists(), "{file}");
    }
    server.signal(Signal::TERM);
    assert_eq!(server.end(), 0);
    assert!(!place.path("sock").exists() && !place.data().join("LOCK").exists());
    assert_eq!(
        std::fs::read_dir(place.path("temp")).unwrap().count(),
        0,
        "the temporary directory is gone"
    );
}

#[test]
fn the_log_has_arangod_s_form() {
    let place = Place::new();
    let mut command = place.serving();
    command.args(["--log.use-json-format", "true", "--log.output", "-"]);
    let mut server = crate::server::Server {
        place: &place,
        child: command.spawn().unwrap(),
    }
    .wait_ready();
    server.signal(Signal::INT);
    assert_eq!(server.end(), 0);
    let mut text = String::new();
    std::io::Read::read_to_string(server.child.stdout.as_mut().unwrap(), &mut text).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: Vec<&str> = lines.iter().filter_map(|line| line["id"].as_str()).collect();
    assert!(ids.contains(&"cf3f4") && ids.contains(&"b4133"), "{ids:?}");
    assert!(lines[0]["message"].as_str().unwrap().contains("not for production"));
}

#[test]
fn data_users_and_definitions_survive_a_restart() {
    let place = Place::new();
    let server = place.ready();
    let root = place.client().basic("root", "");
    assert_eq!(
        root.call("POST", "/_api/database", &json!({ "name": "shop" })).status,
        201
    );
    assert_eq!(
        root.call(
            "POST",
            "/_db/shop/_api/collection",
            &json!({ "name": "c", "waitForSync": true })
        )
        .status,
        200
    );
    assert_eq!(
        root.call("POST", "/_api/user", &json!({ "user": "app", "passwd": "pw" }))
            .status,
        201
    );
    assert_eq!(
        root.call("PUT", "/_api/user/app/database/shop", &json!({ "grant": "ro" }))
            .status,
        200
    );
    server.stop();
    let server = place.ready();
    let app = place.client().basic("app", "pw");
    assert_eq!(app.get("/_db/shop/_api/database/current").status, 200);
    assert_eq!(
        root.get("/_db/shop/_api/collection/c/properties").json()["waitForSync"],
        true
    );
    server.stop();
}

#[test]
fn definitions_survive_a_kill() {
    let place = Place::new();
    let mut server = place.ready();
    let root = place.client().basic("root", "");
    assert_eq!(
        root.call("POST", "/_api/database", &json!({ "name": "shop" })).status,
        201
    );
    server.signal(Signal::KILL);
    assert_eq!(server.end(), 137);
    assert!(place.path("sock").exists(), "a kill leaves the socket behind");
    let server = place.ready();
    assert_eq!(root.get("/_db/shop/_api/database/current").status, 200);
    server.stop();
}

#[test]
fn a_second_server_on_the_same_data_is_locked_out() {
    let place = Place::new();
    let server = place.ready();
    let mut command = place.command();
    command
        .arg("--server.endpoint")
        .arg(format!("unix://{}", place.path("other").display()));
    let (status, text) = run(command);
    assert_eq!(status.code(), Some(22), "{text}");
    assert!(text.contains("[5e8e5]") && text.contains("locked by process"), "{text}");
    server.stop();
    std::fs::write(place.data().join("LOCK"), "1").unwrap();
    place.ready().stop();
}

#[test]
fn an_init_run_sets_the_password_once() {
    let place = Place::new();
    let init = |password: Option<&str>| {
        let mut command = place.command();
        command.args(["--database.init-database", "true"]);
        command.envs(password.map(|password| ("ARANGODB_DEFAULT_ROOT_PASSWORD", password)));
        run(command)
    };
    let (status, text) = init(None);
    assert_eq!(
        status.code(),
        Some(1),
        "no password and nothing on standard input: {text}"
    );
    std::fs::remove_dir_all(place.data()).unwrap();
    assert_eq!(init(Some("secret")).0.code(), Some(0));
    assert_eq!(init(Some("other")).0.code(), Some(24), "initialised already");
    let server = place.ready();
    assert_eq!(place.client().basic("root", "secret").get("/_api/version").status, 200);
    assert_eq!(place.client().basic("root", "").get("/_api/version").status, 401);
    server.stop();
}

#[test]
fn the_password_variable_overwrites_at_every_start() {
    let place = Place::new();
    for password in ["one", "two"] {
        let server = place
            .start_with(&[("ARANGODB_DEFAULT_ROOT_PASSWORD", password)])
            .wait_ready();
        assert_eq!(place.client().basic("root", password).get("/_api/version").status, 200);
        server.stop();
    }
    let server = place.ready();
    assert_eq!(place.client().basic("root", "two").get("/_api/version").status, 200);
    server.stop();
}

#[test]
fn old_new_and_broken_files_have_their_exit_codes() {
    let place = Place::new();
    place.ready().stop();
    let version = place.data().join("databases/database-1/VERSION");
    for (content, code) in [
        (r#"{"version":31100}"#, 11),
        (r#"{"version":40000}"#, 12),
        ("nonsense", 13),
    ] {
        std::fs::write(&version, content).unwrap();
        assert_eq!(run(place.serving()).0.code(), Some(code), "{content}");
        let mut check = place.command();
        check.args(["--database.check-version", "true"]);
        assert_eq!(run(check).0.code(), Some(code), "check of {content}");
    }
    std::fs::write(&version, r#"{"version":31100}"#).unwrap();
    let mut upgrade = place.command();
    upgrade.args(["--database.auto-upgrade", "true"]);
    assert_eq!(run(upgrade).0.code(), Some(0));
    place.ready().stop();
    std::fs::write(place.data().join("ENGINE"), "mmfiles").unwrap();
    assert_eq!(run(place.serving()).0.code(), Some(25));
}

#[test]
fn impossible_starts_have_their_exit_codes() {
    let place = Place::new();
    let start = |arguments: &[&str]| {
        let mut command = place.serving();
        command.args(arguments);
        run(command)
    };
    let (status, text) = start(&["--server.disable-admin-interface", "true"]);
    assert_eq!(status.code(), Some(3));
    assert!(
        text.contains("unknown option '--server.disable-admin-interface'"),
        "{text}"
    );
    assert_eq!(start(&["--server.harden", "perhaps"]).0.code(), Some(4));
    assert_eq!(start(&["--configuration", "/nowhere.conf"]).0.code(), Some(6));
    assert_eq!(
        start(&["--database.required-directory-state", "populated"]).0.code(),
        Some(1)
    );
    assert_eq!(run(place.command()).0.code(), Some(1), "no endpoint");
    std::fs::write(place.path("jwt"), "x".repeat(65)).unwrap();
    assert_eq!(start(&[]).0.code(), Some(1), "a secret that is too long");
    let mut command = place.command();
    command.args(["--server.endpoint", "unix:///nowhere/at/all/sock"]);
    std::fs::write(place.path("jwt"), SECRET).unwrap();
    assert_eq!(run(command).0.code(), Some(21), "the socket's directory is missing");
}

#[test]
fn questions_are_answered_without_a_start() {
    let place = Place::new();
    let ask = |option: &str, environment: &[(&str, &str)]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_evaldb"));
        command.env_clear().envs(environment.iter().copied()).arg(option);
        let (status, text) = run(command);
        assert_eq!(status.code(), Some(0), "{text}");
        text
    };
    let version: serde_json::Value = serde_json::from_str(&ask("--version-json", &[])).unwrap();
    assert_eq!(version["server-version"], "3.12.4");
    assert!(ask("--version", &[("EVALDB_VERSION", "3.11.14")]).starts_with("3.11.14\n"));
    let options: serde_json::Value = serde_json::from_str(&ask("--dump-options", &[])).unwrap();
    assert!(options.get("server.endpoint").is_some());
    assert!(ask("--check-configuration", &[]).contains("valid"));
    assert!(!place.data().exists());
}

#[test]
fn credentials_follow_arangod_s_rules() {
    let place = Place::new();
    let server = place.ready();
    let root = place.client().basic("root", "");
    assert_eq!(
        root.call("POST", "/_api/user", &json!({ "user": "app", "passwd": "pw" }))
            .status,
        201
    );
    assert_eq!(
        root.call("PUT", "/_api/user/app/database/_system", &json!({ "grant": "ro" }))
            .status,
        200
    );
    let status = |authorization: &str| {
        let mut client = place.client();
        client.authorization = Some(authorization.to_owned());
        client.get("/_api/version").status
    };
    assert_eq!(place.client().get("/_api/version").status, 401);
    assert_eq!(place.client().get("/_admin/server/availability").status, 200);
    for (claims, expected) in [
        (json!({ "server_id": "x" }), 200),
        (json!({ "preferred_username": "app" }), 200),
        (json!({ "preferred_username": "nobody" }), 401),
        (json!({ "preferred_username": "", "server_id": "x" }), 401),
        (json!({}), 401),
        (json!({ "server_id": "x", "iss": "other" }), 401),
        (json!({ "server_id": "x", "exp": 1 }), 401),
        (json!({ "server_id": "x", "exp": 0 }), 401),
        (json!({ "server_id": "x", "allowed_paths": ["/_api/version"] }), 200),
        (json!({ "server_id": "x", "allowed_paths": ["/_api/other"] }), 401),
        (json!({ "server_id": "x", "allowed_paths": [] }), 401),
    ] {
        assert_eq!(
            status(&format!("Bearer {}", token(SECRET, claims.clone()))),
            expected,
            "{claims}"
        );
    }
    let claims = json!({ "iss": "arangodb", "server_id": "x" });
    assert_eq!(
        status(&format!(
            "bEaReR   {}",
            sign(SECRET, &json!({ "alg": "HS256", "typ": "JWT" }), &claims)
        )),
        200,
        "exp is optional"
    );
    assert_eq!(
        status(&format!(
            "bearer {}",
            sign(SECRET, &json!({ "alg": "none", "typ": "JWT" }), &claims)
        )),
        401
    );
    assert_eq!(
        status(&format!("bearer {}", sign(SECRET, &json!({ "alg": "HS256" }), &claims))),
        401
    );
    assert_eq!(
        status(&format!(
            "bearer {}",
            sign("another secret", &json!({ "alg": "HS256", "typ": "JWT" }), &claims)
        )),
        401
    );
    assert_eq!(status("Basic !!!"), 401);
    assert_eq!(status("Digest x"), 401);

    let login = |body: serde_json::Value| place.client().call("POST", "/_open/auth", &body);
    let refused = login(json!({ "username": "app", "password": "wrong" }));
    assert_eq!((refused.status, refused.error_num()), (401, 401));
    let jwt = login(json!({ "username": "app", "password": "pw" })).json()["jwt"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(place.client().token(&jwt).get("/_api/version").status, 200);
    assert_eq!(
        place
            .client()
            .token(&jwt)
            .call("POST", "/_api/user", &json!({ "user": "x" }))
            .status,
        403
    );
    assert_eq!(
        login(json!({ "username": "app", "username ": 1 })).status,
        400,
        "no password"
    );
    assert_eq!(
        place
            .client()
            .send(
                "POST",
                "/_open/auth",
                "",
                r#"{"username":"a","username":"b","password":""}"#
            )
            .unwrap()
            .error_num(),
        600
    );
    server.stop();
}

#[test]
fn secrets_are_read_again_on_demand() {
    let place = Place::new();
    let server = place.ready();
    let old = place.superuser();
    std::fs::write(place.path("jwt"), "another secret").unwrap();
    assert_eq!(old.call("POST", "/_admin/server/jwt", &json!({})).status, 200);
    assert_eq!(old.get("/_api/version").status, 401);
    let new = place
        .client()
        .token(&token("another secret", json!({ "server_id": "test" })));
    assert_eq!(new.get("/_api/version").status, 200);
    server.stop();
}

#[test]
fn shutdown_by_request() {
    let place = Place::new();
    let mut server = place.ready();
    assert_eq!(
        place
            .client()
            .basic("root", "")
            .send("DELETE", "/_admin/shutdown", "", "")
            .unwrap()
            .status,
        200
    );
    assert_eq!(server.end(), 0);
}

#[test]
fn early_connections_show_the_progress() {
    let place = Place::new();
    let mut command = place.serving();
    command
        .args(["--server.early-connections", "true"])
        .env("EVALDB_UNRULY_START_DELAY_MS", "2500");
    let server = crate::server::Server {
        place: &place,
        child: command.spawn().unwrap(),
    };
    let superuser = place.superuser();
    let status = wait_for("an early answer", || superuser.try_get("/_admin/status").ok());
    let progress = |status: &serde_json::Value| status["serverInfo"]["progress"].clone();
    assert_eq!(progress(&status.json())["phase"], "in-start");
    let first = progress(&status.json())["recoveryTick"].as_u64().unwrap();
    wait_for("a tick", || {
        (progress(&superuser.get("/_admin/status").json())["recoveryTick"].as_u64()? > first).then_some(())
    });
    assert_eq!(place.client().get("/_admin/server/availability").status, 503);
    assert_eq!(superuser.get("/_api/collection").status, 503);
    assert_eq!(
        place.client().basic("root", "").get("/_api/version").status,
        401,
        "no users yet"
    );
    server.wait_ready().stop();
}

#[test]
fn hangup_reopens_the_log_file() {
    let place = Place::new();
    let log = place.path("log");
    let mut command = place.serving();
    command.arg("--log.output").arg(format!("file://{}", log.display()));
    let server = crate::server::Server {
        place: &place,
        child: command.spawn().unwrap(),
    }
    .wait_ready();
    std::fs::rename(&log, place.path("log.1")).unwrap();
    server.signal(Signal::HUP);
    wait_for("a new log file", || {
        std::fs::read_to_string(&log)
            .ok()
            .filter(|text| text.contains("[23db2]"))
    });
    server.stop();
}

#[test]
fn tcp_when_the_endpoint_asks_for_it() {
    let place = Place::new();
    let mut command = place.command();
    command.args(["--server.endpoint", "tcp://127.0.0.1:0"]);
    let mut server = crate::server::Server {
        place: &place,
        child: command.spawn().unwrap(),
    };
    let output = std::io::BufReader::new(server.child.stdout.take().unwrap());
    let endpoint = std::io::BufRead::lines(output)
        .map_while(Result::ok)
        .find_map(|line| Some(line.split_once("http+tcp://")?.1.split_once('\'')?.0.to_owned()))
        .unwrap();
    wait_for("a connection", || std::net::TcpStream::connect(&endpoint).ok());
    let (status, text) = {
        let other = Place::new();
        let mut second = other.command();
        second.args(["--server.endpoint", &format!("tcp://{endpoint}")]);
        run(second)
    };
    assert_eq!(status.code(), Some(21), "{text}");
    server.stop();
}
