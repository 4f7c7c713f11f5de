//! The rules of ARCHITECTURE.md that no compiler checks: which layer may use which, the size of files, their openings.
#![allow(clippy::unwrap_used, reason = "a test that cannot read the sources has failed")]

use std::fs;
use std::path::{Path, PathBuf};

/// What each module may use of the others; a module that is not listed may not exist.
const LAYERS: &[(&str, &[&str])] = &[
    ("aql", &[]),
    ("schema", &["aql"]),
    ("config", &["state"]),
    ("state", &[]),
    ("judge", &["aql", "schema"]),
    ("gate", &["aql", "schema", "judge", "config", "state"]),
    ("init", &["schema", "config", "state"]),
    ("cli", &["aql", "schema", "judge", "gate", "init", "config", "state"]),
];

/// Lines above which a file is no longer read in a sitting.
const LONGEST: usize = 800;

/// Files that are tables and may be longer, each with its reason.
const TABLES: &[&str] = &[];

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    collect(Path::new(folder), &mut found);
    assert!(!found.is_empty(), "no source below {folder}");
    found
}

fn collect(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
}

/// The module of a file: the first part of its path below `src`.
fn module(path: &Path) -> String {
    let below = path.strip_prefix("src").unwrap();
    let first = below.components().next().unwrap().as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

#[test]
fn layers_point_one_way() {
    let mut wrong = Vec::new();
    for (path, text) in sources("src") {
        let module = module(&path);
        if module == "lib" || module == "main" {
            continue;
        }
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == module) else {
            wrong.push(format!("{}: module `{module}` is in no layer", path.display()));
            continue;
        };
        // A module's own tests may look down the whole stack.
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        if path.ends_with("tests.rs") || path.components().any(|part| part.as_os_str() == "tests") {
            continue;
        }
        for (line, content) in code.lines().enumerate() {
            let content = content.split("//").next().unwrap();
            for used in content.split("crate::").skip(1) {
                let used: String = used
                    .chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                    .collect();
                let known = LAYERS.iter().any(|(name, _)| *name == used);
                if known && used != module && !allowed.contains(&used.as_str()) {
                    wrong.push(format!("{}:{}: `{module}` uses `{used}`", path.display(), line + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_are_read_in_a_sitting() {
    let mut long = Vec::new();
    for (path, text) in sources("src").into_iter().chain(sources("evaldb/src")) {
        let lines = text.lines().count();
        let name = path.to_string_lossy().into_owned();
        if lines > LONGEST && !TABLES.contains(&name.as_str()) {
            long.push(format!("{name}: {lines} lines"));
        }
    }
    assert!(long.is_empty(), "longer than {LONGEST} lines:\n{}", long.join("\n"));
}

#[test]
fn a_file_says_what_lives_in_it() {
    let mut silent = Vec::new();
    for (path, text) in sources("src")
        .into_iter()
        .chain(sources("evaldb/src"))
        .chain(sources("tests"))
    {
        if !text.starts_with("//!") && !text.starts_with("#!") {
            silent.push(path.display().to_string());
        }
    }
    assert!(silent.is_empty(), "no `//!` at the top of:\n{}", silent.join("\n"));
}

#[test]
fn names_say_what_a_file_is_for() {
    for (path, _) in sources("src").into_iter().chain(sources("evaldb/src")) {
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(
            !["utils", "util", "helpers", "common", "misc", "manager", "mod"].contains(&stem.as_str()),
            "{}: a name that says nothing",
            path.display()
        );
    }
}

#[test]
fn nothing_but_the_command_line_prints() {
    let mut wrong = Vec::new();
    for (path, text) in sources("src") {
        let test = path.ends_with("tests.rs") || path.components().any(|part| part.as_os_str() == "tests");
        if test || ["cli", "main", "init"].contains(&module(&path).as_str()) {
            continue;
        }
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for word in ["println!(", "eprintln!(", "dbg!("] {
            if code.contains(word) {
                wrong.push(format!("{}: {word}…)", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
