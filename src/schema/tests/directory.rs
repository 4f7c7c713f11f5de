//! What is in a schema set's directory: what is read, what is left aside, and what would be read by nobody.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::super::{Faults, SchemaSet};

const THINGS: &str = r#"{"x-mallku": {"allow": ["read"]}}"#;

/// A directory with `things.json` and these files; a name that ends in `/` is a folder.
fn directory(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("things.json"), THINGS).unwrap();
    for (name, content) in files {
        let path = dir.path().join(name);
        if name.ends_with('/') {
            fs::create_dir_all(path).unwrap();
        } else {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
    }
    dir
}

/// The faults, without the directory's own name.
fn said(dir: &Path) -> String {
    match SchemaSet::load(dir) {
        Ok(_) => "valid".to_owned(),
        Err(faults) => lines(&faults, dir),
    }
}

fn lines(faults: &Faults, dir: &Path) -> String {
    let lines: Vec<String> = faults.0.iter().map(super::super::Fault::line).collect();
    lines.join("\n").replace(&format!("{}/", dir.display()), "")
}

#[test]
fn what_editors_volumes_and_people_leave_behind_is_left_aside() {
    let names = [
        ".things.json.swp",
        "things.json~",
        "#things.json#",
        "things.json.bak",
        "things.json.orig",
        "things.json.rej",
        "things.json.tmp",
        ".git/config",
        "..data/things.json",
        "lost+found/",
        "README.md",
        "LICENSE",
        "Makefile",
        "tests/cases.json",
        "queries/.draft.aql",
        "queries/one.aql~",
        "queries/README.md",
    ];
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (*name, &b"{"[..])).collect();
    let dir = directory(&files);
    assert_eq!(said(dir.path()), "valid");
    let set = SchemaSet::load(dir.path()).unwrap();
    let collections: Vec<_> = set.resources["_system"].collections.keys().collect();
    assert_eq!(collections, ["things"]);
}

#[test]
fn what_nobody_would_read_is_a_fault() {
    let names = [
        "People.JSON",
        "policy.jsonc",
        "policy.yaml",
        "policy",
        "notes.yml",
        "one.aql",
        "notes.json.txt",
        "quries/",
        "Queries/",
        "old/",
        "folder.json/",
        "queries/two.AQL",
        "queries/three.json",
        "queries/deep/four.aql",
    ];
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (*name, &b"{}"[..])).collect();
    insta::assert_snapshot!(said(directory(&files).path()));
}

#[test]
fn bytes_that_are_no_text_have_a_place() {
    let dir = directory(&[
        ("latin.json", b"{\n  \"title\": \"caf\xe9\"}"),
        ("marked.json", b"\xef\xbb\xbf{}"),
        ("utf16.json", b"\xff\xfe{\0}\0"),
        ("queries/latin.aql", b"RETURN 1\n  // caf\xe9"),
        ("queries/marked.aql", b"\xef\xbb\xbfRETURN 1"),
    ]);
    insta::assert_snapshot!(said(dir.path()));
}

#[test]
fn links_lead_to_files_and_nothing_else_is_opened() {
    let dir = directory(&[("..data/linked.json", THINGS.as_bytes())]);
    symlink("..data/linked.json", dir.path().join("linked.json")).unwrap();
    assert_eq!(said(dir.path()), "valid");
    symlink("nowhere", dir.path().join("dangling.json")).unwrap();
    symlink("/dev/zero", dir.path().join("endless.json")).unwrap();
    let pipe = dir.path().join("pipe.json");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
    let said = said(dir.path());
    for part in [
        "dangling.json: cannot be read: No such file",
        "endless.json: is no file",
        "pipe.json: is no file",
    ] {
        assert!(said.contains(part), "{part} is missing in:\n{said}");
    }
}

#[test]
fn a_file_without_end_is_not_read_to_its_end() {
    let dir = directory(&[("large.json", &vec![b' '; (4 << 20) + 1])]);
    assert_eq!(said(dir.path()), "large.json: cannot be read: larger than 4 MiB");
}

#[test]
fn approved_queries_that_do_not_parse_approve_nothing() {
    let dir = directory(&[
        (
            "policy.json",
            br#"{"queries": "approved", "limits": {"queryBytes": 80}}"#,
        ),
        ("queries/fine.aql", b"FOR t IN things RETURN t"),
        ("queries/empty.aql", b"  // nothing\n"),
        ("queries/broken.aql", b"FOR t IN things\n  FILTR t.a == 1\n  RETURN t"),
        ("queries/unknown.aql", b"RETURN LENGHT([])"),
        ("queries/long.aql", "RETURN 1 + 1".repeat(8).as_bytes()),
    ]);
    insta::assert_snapshot!(said(dir.path()));
}
