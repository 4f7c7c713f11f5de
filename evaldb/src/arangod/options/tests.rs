//! What is accepted and what is refused, with which exit code.

use super::*;

fn read(arguments: &[&str]) -> Result<Options, OptionsError> {
    read_as(arguments, Build::default())
}

fn read_as(arguments: &[&str], build: Build) -> Result<Options, OptionsError> {
    Options::read(&arguments.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>(), build)
}

#[test]
fn names_and_values_are_read_in_every_form() {
    let options = read(&[
        "--server.endpoint",
        "unix:///run/a.sock",
        "--server.endpoint=tcp://127.0.0.1:0",
        "--server.authentication",
        "false",
        "--server.early-connections",
        "--log.output",
        "-",
        "/data",
    ])
    .unwrap();
    assert_eq!(
        options.list("server.endpoint"),
        ["unix:///run/a.sock", "tcp://127.0.0.1:0"]
    );
    assert!(!options.flag("server.authentication", true));
    assert!(options.flag("server.early-connections", false));
    assert_eq!(options.text("log.output"), Some("-"));
    assert_eq!(options.text("database.directory"), Some("/data"));
}

#[test]
fn what_arangod_refuses_is_refused_with_its_exit_code() {
    for (arguments, code) in [
        (&["--server.disable-admin-interface", "true"][..], 3),
        (&["--javascript.enable", "false"], 3),
        (&["--server.authentication", "--server.harden=maybe"], 4),
        (&["--query.memory-limit", "lots"], 4),
        (&["--server.support-info-api", "everybody"], 4),
        (&["--server.endpoint"], 4),
        (&["/one", "/two"], 4),
        (&["--configuration", "/nowhere/arangod.conf"], 6),
        (
            &["--database.auto-upgrade", "true", "--database.upgrade-check", "false"],
            4,
        ),
    ] {
        assert_eq!(read(arguments).unwrap_err().exit_code(), code, "{arguments:?}");
    }
}

#[test]
fn availability_follows_release_and_edition() {
    let build = |text: &str, enterprise| Build {
        version: text.parse().unwrap(),
        enterprise,
    };
    for (option, build, known) in [
        ("--server.options-api=disabled", build("3.11.14", false), false),
        ("--server.options-api=disabled", build("3.12.0", false), true),
        ("--query.enable-debug-apis=false", build("3.11.8", false), false),
        ("--query.enable-debug-apis=false", build("3.11.9", false), true),
        ("--query.enable-debug-apis=false", build("3.12.4", false), false),
        ("--rocksdb.encryption-keyfile=/k", build("3.11.14", false), false),
        ("--rocksdb.encryption-keyfile=/k", build("3.11.14", true), true),
        ("--rocksdb.encryption-keyfile=/k", build("3.12.5", false), true),
        ("--server.telemetrics-api=false", build("3.12.10", false), true),
    ] {
        assert_eq!(
            read_as(&[option], build).is_ok(),
            known,
            "{option} in {}",
            build.version
        );
    }
}

#[test]
fn configuration_files_fill_what_the_command_line_left() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("arangod.conf");
    std::fs::write(dir.path().join("more.conf"), "[query]\nmax-runtime = 300\n").unwrap();
    std::fs::write(
        &file,
        "# comment\n[server]\nendpoint = tcp://1.2.3.4:8529\nharden = true\n[backup:enterprise]\napi-enabled = false\n\
         [http:community]\nkeep-alive-timeout = 120\n@include more.conf\n",
    )
    .unwrap();
    std::fs::write(dir.path().join("arangod.conf.local"), "[server]\nharden = off\n").unwrap();
    let path = file.to_str().unwrap();
    let options = read(&["--configuration", path, "--server.endpoint", "unix:///x"]).unwrap();
    assert_eq!(
        options.list("server.endpoint"),
        ["unix:///x"],
        "the command line freezes a list"
    );
    assert!(
        !options.flag("server.harden", true),
        "the .local file wins over the main one"
    );
    assert_eq!(options.text("http.keep-alive-timeout"), Some("120"));
    assert!((options.number("query.max-runtime", 0.0) - 300.0).abs() < f64::EPSILON);
    assert_eq!(
        options.text("backup.api-enabled"),
        None,
        "a section of the other edition is skipped"
    );
}

#[test]
fn a_bad_line_of_a_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("arangod.conf");
    std::fs::write(&file, "[server]\n\nendpoint\n").unwrap();
    let error = read(&["--configuration", file.to_str().unwrap()]).unwrap_err();
    assert!(matches!(&error, OptionsError::BadLine { line: 3, .. }), "{error:?}");
    std::fs::write(&file, "@include arangod.conf\n").unwrap();
    assert_eq!(
        read(&["--configuration", file.to_str().unwrap()])
            .unwrap_err()
            .exit_code(),
        6
    );
}

#[test]
fn an_unknown_option_suggests_names_that_look_alike() {
    let error = read(&["--http.keep-alive", "true"]).unwrap_err();
    assert!(error.to_string().starts_with("unknown option '--http.keep-alive'"));
    let error = read(&["--client.authentication", "true"]).unwrap_err();
    assert!(error.to_string().contains("--server.authentication"), "{error}");
}
