//! The command line as its users meet it.

use std::ffi::OsString;

use super::{COMMANDS, Exit, Streams, help, run};

/// Calls a command and gives its exit, standard output and standard error.
fn call(words: &[&str]) -> (Exit, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = run(
        words.iter().map(OsString::from).collect(),
        &mut Streams {
            out: &mut out,
            err: &mut err,
        },
    );
    (exit, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

#[test]
fn docs_cli_md_is_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cli.md");
    let expected = help::document(COMMANDS);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == expected,
        "docs/cli.md is out of date: run `UPDATE_DOCS=1 cargo test --lib cli::`"
    );
}

#[test]
fn every_command_has_help_of_its_own() {
    for command in COMMANDS {
        let words: Vec<&str> = command.name.split(' ').chain(["--help"]).collect();
        let (exit, out, _) = call(&words);
        assert_eq!(exit, Exit::Done, "{}", command.name);
        assert!(out.contains(&format!("Usage: mallku-db {}", command.name)), "{out}");
        assert!(call(&["--help"]).1.contains(command.summary));
    }
}

#[test]
fn a_wrong_call_says_what_is_wrong() {
    for (words, message) in [
        (&["scheme", "check"][..], "unknown command `scheme`"),
        (&["schema"], "one of: schema check, schema graph"),
        (
            &["schema", "chekc"],
            "unknown command `schema chekc`: did you mean `schema check`?",
        ),
        (
            &["schema", "check", "--fromat", "json"],
            "`schema check` has no flag `--fromat`: did you mean `--format`?",
        ),
        (
            &["schema", "check", "--format"],
            "missing argument for option '--format'",
        ),
        (
            &["schema", "check", "--format", "xml"],
            "`--format xml`: known are human, json",
        ),
        (
            &["schema", "check", "--format=json", "--format=json"],
            "`--format` is given twice",
        ),
        (&["schema", "check", "a", "b"], "`b` is one argument too many"),
        (&["learn"], "unknown command `learn`"),
        (&[], "no command"),
    ] {
        let (exit, out, err) = call(words);
        assert_eq!((exit, out.as_str()), (Exit::Usage, ""), "{words:?}");
        assert!(err.contains(message), "{words:?}: {err}");
    }
}

#[test]
fn the_version_names_commit_and_target() {
    let (exit, out, _) = call(&["--version"]);
    assert_eq!(exit, Exit::Done);
    assert!(
        out.starts_with(concat!("mallku-db ", env!("CARGO_PKG_VERSION"), " (")),
        "{out}"
    );
    assert!(out.contains("linux"), "{out}");
}
