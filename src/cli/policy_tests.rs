//! `test`: the policy's own unit tests, `tests/*.json` of a schema set.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::arguments::{Arguments, Command, Operands};
use super::check::default_database;
use super::schema::{directory, load};
use super::{Exit, Streams};
use crate::judge::{self, Request, Rule, Verdict};
use crate::schema::SchemaSet;

pub(super) static COMMAND: Command = Command {
    name: "test",
    summary: "Run the policy's own unit tests",
    details: "\
Reads the schema set in DIR (`$MALLKU_SCHEMAS`, then `/opt/mallku/schemas`, then `./schemas`) and its `tests/*.json`:
lists of `{\"name\", \"query\", \"bindVars\"?, \"user\"?, \"database\"?, \"expect\": \"allow\"|\"deny\", \"rule\"?}`. Prints a line
for each and a closing count. With `rule`, one of the reasons to deny must be that rule.",
    flags: &[],
    operands: Operands::One("DIR"),
    run,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    query: String,
    #[serde(rename = "bindVars")]
    bind_vars: Option<Map<String, Value>>,
    user: Option<String>,
    database: Option<String>,
    expect: Expectation,
    rule: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Expectation {
    Allow,
    Deny,
}

fn run(arguments: &Arguments, streams: &mut Streams<'_>) -> Exit {
    let directory = directory(arguments.operands.first().map(std::ffi::OsString::as_os_str));
    let set = match load(&directory, streams) {
        Ok(set) => set,
        Err(exit) => return exit,
    };
    let cases = match read(&directory.join("tests")) {
        Ok(cases) => cases,
        Err(problems) => {
            for problem in problems {
                streams.complain(format_args!("error: {problem}"));
            }
            return Exit::Usage;
        }
    };
    let (mut passed, mut failed) = (0_u64, 0_u64);
    for case in &cases {
        let verdict = verdict(&set, case);
        match failure(case, &verdict) {
            None => {
                passed += 1;
                streams.say(format_args!("ok    {}", case.name));
            }
            Some(failure) => {
                failed += 1;
                streams.say(format_args!("FAIL  {}: {failure}", case.name));
                let reasons = judge::render(&verdict, &case.query, &case.name);
                for line in reasons.lines() {
                    streams.say(format_args!("      {line}"));
                }
            }
        }
    }
    streams.say(format_args!("{passed} passed, {failed} failed"));
    if failed == 0 { Exit::Done } else { Exit::Denied }
}

fn verdict(set: &SchemaSet, case: &Case) -> Verdict {
    let default = default_database(set);
    let request = Request {
        query: &case.query,
        bind_vars: case.bind_vars.as_ref(),
        user: case.user.as_deref(),
        database: case.database.as_deref().unwrap_or(&default),
    };
    judge::judge(set, &request)
}

fn failure(case: &Case, verdict: &Verdict) -> Option<String> {
    let rules: Vec<&str> = verdict.denials.iter().map(|denial| denial.rule.name()).collect();
    match (case.expect, verdict.admitted(), &case.rule) {
        (Expectation::Allow, true, _) => None,
        (Expectation::Allow, false, _) => Some(format!("expected allow, denied by {}", rules.join(", "))),
        (Expectation::Deny, true, _) => Some("expected deny, allowed".to_owned()),
        (Expectation::Deny, false, Some(rule)) if !rules.contains(&rule.as_str()) => {
            Some(format!("expected {rule}, denied by {}", rules.join(", ")))
        }
        (Expectation::Deny, false, _) => None,
    }
}

/// The cases of every file, in order of the files' names.
fn read(directory: &Path) -> Result<Vec<Case>, Vec<String>> {
    let mut files: Vec<PathBuf> = match fs::read_dir(directory) {
        Ok(entries) => entries
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .collect(),
        Err(error) => return Err(vec![format!("{}: {error}", directory.display())]),
    };
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let (mut cases, mut problems) = (Vec::<Case>::new(), Vec::new());
    for path in files {
        let shown = path.display();
        let read = fs::read_to_string(&path).map_err(|error| error.to_string());
        match read.and_then(|text| serde_json::from_str::<Vec<Case>>(&text).map_err(|error| error.to_string())) {
            Ok(found) => cases.extend(found),
            Err(error) => problems.push(format!("{shown}: {error}")),
        }
    }
    for (index, case) in cases.iter().enumerate() {
        if let Some(rule) = &case.rule {
            if !Rule::ALL.iter().any(|known| known.name() == rule) {
                problems.push(format!("the test `{}` names the unknown rule `{rule}`", case.name));
            }
            if case.expect == Expectation::Allow {
                problems.push(format!("the test `{}` expects allow and names a rule", case.name));
            }
        }
        if cases[..index].iter().any(|other| other.name == case.name) {
            problems.push(format!("two tests have the name `{}`", case.name));
        }
    }
    if problems.is_empty() { Ok(cases) } else { Err(problems) }
}
