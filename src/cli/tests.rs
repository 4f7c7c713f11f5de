//! The command line as its users meet it.

use std::ffi::OsString;
use std::fmt::Write as _;

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

const SCHEMAS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas");

/// A file in a directory of its own that goes with the guard.
fn file(name: &str, text: impl AsRef<[u8]>) -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (directory, path)
}

#[test]
fn the_example_set_is_valid_and_passes_its_own_tests() {
    let (exit, out, err) = call(&["schema", "check", SCHEMAS]);
    assert_eq!(exit, Exit::Done, "{out}{err}");
    let (exit, out, err) = call(&["test", SCHEMAS]);
    assert_eq!(exit, Exit::Done, "{out}{err}");
    let passed: u32 = out.lines().last().unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(passed >= 60, "only {passed} tests");
    let expected = |word: &str| {
        let files = std::fs::read_dir(format!("{SCHEMAS}/tests")).unwrap();
        let texts = files.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
        texts
            .map(|text| text.matches(&format!("\"expect\": \"{word}\"")).count())
            .sum::<usize>()
    };
    assert!(expected("allow") >= 25 && expected("deny") >= 25, "both directions");
}

#[test]
fn the_example_application_s_queries_are_all_tested() {
    let tests: String = std::fs::read_dir(format!("{SCHEMAS}/tests"))
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    for entry in std::fs::read_dir(format!("{SCHEMAS}/queries")).unwrap() {
        let path = entry.unwrap().path();
        let query = serde_json::to_string(std::fs::read_to_string(&path).unwrap().trim()).unwrap();
        assert!(tests.contains(&query), "{} is in no test", path.display());
    }
}

#[test]
fn check_tells_what_a_query_does_or_why_it_may_not() {
    let (_guard, allowed) = file(
        "allowed.aql",
        "FOR e IN episodes FILTER e.is_sacred RETURN LOWER(e.question)",
    );
    let (exit, out, _) = call(&["check", "--schemas", SCHEMAS, &allowed]);
    assert_eq!(exit, Exit::Done);
    insta::assert_snapshot!(out.replace(&allowed, "allowed.aql"), @r"
    allowed.aql: allowed
      reads episodes: is_sacred, question
      calls LOWER
    ");
    let (_guard, denied) = file(
        "denied.aql",
        "FOR e IN episodes\n  SORT e.human_participant\n  RETURN e.password\n",
    );
    let (exit, out, _) = call(&["check", "--schemas", SCHEMAS, &denied, &allowed]);
    assert_eq!(exit, Exit::Denied, "one denied query is enough");
    insta::assert_snapshot!(out.replace(&denied, "denied.aql").replace(&allowed, "allowed.aql"));
}

#[test]
fn check_takes_user_database_and_bind_values() {
    let (_guard, path) = file("q.aql", "FOR s IN signatures FILTER s.voice == @v RETURN s.voice");
    let check = |more: &[&str]| call(&[&["check", "--schemas", SCHEMAS, &path], more].concat()).0;
    assert_eq!(
        check(&["--bind-vars", r#"{"v": "a"}"#]),
        Exit::Denied,
        "signatures are for two roles"
    );
    assert_eq!(check(&["--bind-vars", r#"{"v": "a"}"#, "--user", "mallku"]), Exit::Done);
    assert_eq!(check(&["--user", "mallku"]), Exit::Denied, "the bind value is missing");
    assert_eq!(
        check(&[
            "--bind-vars",
            r#"{"v": "a"}"#,
            "--user",
            "mallku",
            "--database",
            "other"
        ]),
        Exit::Denied
    );
    let (_guard, values) = file("values.json", r#"{"v": "a"}"#);
    assert_eq!(
        check(&["--bind-vars", &format!("@{values}"), "--user", "mallku"]),
        Exit::Done
    );
    assert_eq!(check(&["--bind-vars", "[1]"]), Exit::Usage);
    assert_eq!(check(&["--bind-vars", "@/does/not/exist"]), Exit::Usage);
}

#[test]
fn what_cannot_be_read_is_no_verdict() {
    let (_guard, binary) = file("q.aql", b"RETURN \xff");
    for words in [
        &["check", "--schemas", SCHEMAS, "/does/not/exist.aql"][..],
        &["check", "--schemas", SCHEMAS, &binary],
        &["check", "--schemas", SCHEMAS, "--jsonl", "/does/not/exist.jsonl"],
        &["parse", "/does/not/exist.aql"],
    ] {
        let (exit, out, err) = call(words);
        assert_eq!((exit, out.as_str()), (Exit::Usage, ""), "{words:?}");
        assert!(err.starts_with("error: "), "{err}");
    }
    let (exit, _, err) = call(&["check", "--schemas", "/does/not/exist", &binary]);
    assert_eq!(exit, Exit::InvalidSchemas);
    assert!(err.contains("cannot be read"), "{err}");
}

#[test]
fn a_row_with_a_key_twice_is_malformed() {
    let rows = r#"{"query": "RETURN @a", "bindVars": {"a": 1, "a": 2}}
{"query": "RETURN @a", "bindVars": {"a": {"x": 1, "\u0078": 2}}}
{"query": "RETURN 1", "query": "RETURN 2"}
[]
{"query": "RETURN @a", "bindVars": {"a": {"x": 1, "y": 2}}}
"#;
    let (_guard, path) = file("twice.jsonl", rows.as_bytes());
    let (exit, out, _) = call(&["check", "--schemas", SCHEMAS, "--jsonl", &path]);
    assert_eq!(exit, Exit::Usage);
    let verdicts: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(verdicts.len(), 5);
    for verdict in &verdicts[..4] {
        assert_eq!(verdict["denials"][0]["rule"], "request-malformed", "{verdict}");
    }
    assert_eq!(verdicts[4]["verdict"], "allow");
}

#[test]
fn rows_are_answered_in_order_and_unreadable_ones_too() {
    let mut rows = String::new();
    for number in 0..10_000 {
        match number % 5 {
            0 => {
                let _ = writeln!(rows, "{{\"query\": \"RETURN {number}\"}}");
            }
            1 => rows.push_str("FOR x IN y\n"),
            2 => rows.push_str(
                r#"{"query": "FOR e IN episodes RETURN e.human_participant", "user": null, "extra": 1}
"#,
            ),
            3 => rows.push_str(
                r#"{"query": "FOR s IN signatures FILTER s.voice == @v RETURN 1", "bindVars": {"v": 1}, "user": "ana"}
"#,
            ),
            _ => rows.push('\n'),
        }
    }
    let (_guard, path) = file("rows.jsonl", rows.as_bytes());
    let (exit, out, _) = call(&["check", "--schemas", SCHEMAS, "--jsonl", &path]);
    assert_eq!(exit, Exit::Usage, "rows that cannot be read outweigh denials");
    let verdicts: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(verdicts.len(), 10_000);
    for (number, verdict) in verdicts.iter().enumerate() {
        let (word, rule) = match number % 5 {
            0 | 3 => ("allow", serde_json::Value::Null),
            2 => ("deny", "attribute-hidden".into()),
            _ => ("deny", "request-malformed".into()),
        };
        assert_eq!(verdict["verdict"], word, "row {number}: {verdict}");
        assert_eq!(verdict["denials"][0]["rule"], rule, "row {number}");
    }
    let (exit, out, _) = call(&["parse", "--jsonl", &path]);
    assert_eq!(exit, Exit::Usage);
    assert_eq!(out.lines().count(), 10_000);
    assert_eq!(out.lines().next(), Some(r#"{"ok":true}"#));
}

#[test]
fn parse_answers_with_place_and_message() {
    let (_guard, path) = file("q.aql", "FOR x IN y\n  RETRUN x\n");
    let (exit, out, _) = call(&["parse", "--format", "json", &path]);
    assert_eq!(exit, Exit::Denied);
    let answer: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&answer["ok"], &answer["line"], &answer["column"]),
        (&false.into(), &2.into(), &3.into()),
        "{out}"
    );
    let (exit, out, _) = call(&["parse", &path]);
    assert_eq!(exit, Exit::Denied);
    assert!(out.contains("q.aql:2:3") && out.contains("RETRUN x"), "{out}");
}

#[test]
fn failing_policy_tests_say_what_was_expected() {
    let (guard, _) = file(
        "things.json",
        r#"{"x-mallku": {"allow": ["read"]}, "properties": {"a": {"writeOnly": true}}}"#,
    );
    let directory = guard.path().to_str().unwrap();
    std::fs::create_dir(guard.path().join("tests")).unwrap();
    let tests = |text: &str| std::fs::write(guard.path().join("tests/t.json"), text).unwrap();
    tests(
        r#"[{"name": "open", "query": "FOR t IN things RETURN t.b", "expect": "allow"},
            {"name": "hidden", "query": "FOR t IN things RETURN t.a", "expect": "allow"},
            {"name": "too open", "query": "FOR t IN things RETURN t.b", "expect": "deny"},
            {"name": "other rule", "query": "FOR t IN things RETURN t.a", "expect": "deny", "rule": "syntax"}]"#,
    );
    let (exit, out, _) = call(&["test", directory]);
    assert_eq!(exit, Exit::Denied);
    assert!(out.contains("ok    open\n"), "{out}");
    assert!(
        out.contains("FAIL  hidden: expected allow, denied by attribute-hidden\n"),
        "{out}"
    );
    assert!(out.contains("FAIL  too open: expected deny, allowed\n"), "{out}");
    assert!(
        out.contains("FAIL  other rule: expected syntax, denied by attribute-hidden\n"),
        "{out}"
    );
    assert!(out.ends_with("1 passed, 3 failed\n"), "{out}");
    for broken in [
        r#"[{"name": "a", "query": "RETURN 1"}]"#,
        r#"[{"name": "a", "query": "RETURN 1", "expect": "deny", "rule": "no-such-rule"}]"#,
        r#"[{"name": "a", "query": "RETURN 1", "expect": "allow", "bindvars": {}}]"#,
        r#"[{"name": "a", "query": "RETURN 1", "expect": "allow"}, {"name": "a", "query": "RETURN 1", "expect": "allow"}]"#,
    ] {
        tests(broken);
        assert_eq!(call(&["test", directory]).0, Exit::Usage, "{broken}");
    }
}

#[test]
fn diagrams_show_who_may_do_what() {
    let (exit, mermaid, _) = call(&["schema", "graph", SCHEMAS]);
    assert_eq!(exit, Exit::Done);
    insta::assert_snapshot!("mermaid", mermaid);
    let (exit, dot, _) = call(&["schema", "graph", "--format", "dot", SCHEMAS]);
    assert_eq!(exit, Exit::Done);
    insta::assert_snapshot!("dot", dot);
}

#[test]
fn an_invalid_set_is_reported_whole_for_people_and_for_programs() {
    let (guard, _) = file("things.json", r#"{"propertes": {}, "type": "objekt"}"#);
    let directory = guard.path().to_str().unwrap();
    let (exit, out, _) = call(&["schema", "check", directory]);
    assert_eq!(exit, Exit::InvalidSchemas);
    assert!(
        out.contains("things.json:1:2") && out.contains("things.json:1:27") && out.contains("2 faults"),
        "{out}"
    );
    let (exit, out, _) = call(&["schema", "check", "--format", "json", directory]);
    assert_eq!(exit, Exit::InvalidSchemas);
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["ok"], false);
    assert_eq!(report["faults"][0]["line"], 1);
    assert_eq!(report["faults"][0]["hint"], "did you mean `properties`?");
    assert_eq!(report["faults"].as_array().unwrap().len(), 2);
}
