//! docs/rules.md is complete, and its examples say the truth.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;

use mallku_db::judge::{self, Request, Rule};
use mallku_db::schema::SchemaSet;
use serde_json::{Map, Value};

/// Rules that no query text breaks: they are about requests.
const OF_REQUESTS: [Rule; 3] = [Rule::EndpointNotAllowed, Rule::RequestMalformed, Rule::RateLimited];

/// An example: a fenced block of AQL with its circumstances.
#[derive(Default)]
struct Example {
    denied: bool,
    query: String,
    bind_vars: Map<String, Value>,
    user: Option<String>,
    database: Option<String>,
    policy: Map<String, Value>,
}

struct Section {
    rule: String,
    text: String,
    examples: Vec<Example>,
}

fn sections() -> Vec<Section> {
    let text = fs::read_to_string("docs/rules.md").unwrap();
    text.split("\n## ")
        .skip(1)
        .map(|section| {
            let (rule, text) = section.split_once('\n').unwrap();
            Section {
                rule: rule.to_owned(),
                text: text.to_owned(),
                examples: examples(text),
            }
        })
        .collect()
}

fn examples(text: &str) -> Vec<Example> {
    text.split("```aql ")
        .skip(1)
        .map(|block| {
            let (circumstances, rest) = block.split_once('\n').unwrap();
            let mut words = circumstances.split(' ');
            let mut example = Example {
                denied: match words.next() {
                    Some("denied") => true,
                    Some("allowed") => false,
                    other => panic!("neither denied nor allowed: {other:?}"),
                },
                query: rest.split("```").next().unwrap().to_owned(),
                ..Example::default()
            };
            for word in words {
                match word.split_once('=').unwrap() {
                    ("bind", json) => example.bind_vars = serde_json::from_str(json).unwrap(),
                    ("policy", json) => example.policy = serde_json::from_str(json).unwrap(),
                    ("user", name) => example.user = Some(name.to_owned()),
                    ("database", name) => example.database = Some(name.to_owned()),
                    (other, _) => panic!("unknown circumstance {other}"),
                }
            }
            example
        })
        .collect()
}

/// The example set, with these keys of the policy replaced.
fn set(policy: &Map<String, Value>) -> SchemaSet {
    let mut files = Vec::new();
    for (directory, prefix) in [("schemas", ""), ("schemas/queries", "queries/")] {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
                files.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    let (_, text) = files.iter_mut().find(|(name, _)| name == "policy.json").unwrap();
    let mut whole: Map<String, Value> = serde_json::from_str(text).unwrap();
    whole.extend(policy.clone());
    *text = Value::Object(whole).to_string();
    SchemaSet::from_files(files).unwrap_or_else(|faults| panic!("{faults}"))
}

#[test]
fn every_rule_has_its_section() {
    let written: Vec<String> = sections().into_iter().map(|section| section.rule).collect();
    let rules: Vec<&str> = Rule::ALL.iter().map(|rule| rule.name()).collect();
    assert_eq!(written, rules, "one section for each rule, in the order of the rules");
}

#[test]
fn a_section_says_what_why_and_how() {
    for section in sections() {
        assert!(section.text.contains("\nWhy: "), "{} does not say why", section.rule);
        assert!(
            section.text.contains("\nHow to pass: "),
            "{} does not say how to pass",
            section.rule
        );
        let of_requests = OF_REQUESTS.iter().any(|rule| rule.name() == section.rule);
        let both = section.examples.iter().any(|it| it.denied) && section.examples.iter().any(|it| !it.denied);
        assert!(
            both != of_requests,
            "{} needs an example denied and one allowed",
            section.rule
        );
    }
}

#[test]
fn the_examples_break_exactly_their_rule() {
    let mut wrong = Vec::new();
    for section in sections() {
        for example in section.examples {
            let set = set(&example.policy);
            let verdict = judge::judge(
                &set,
                &Request {
                    query: &example.query,
                    bind_vars: Some(&example.bind_vars),
                    user: example.user.as_deref(),
                    database: example.database.as_deref().unwrap_or("_system"),
                },
            );
            let broken: BTreeSet<&str> = verdict.denials.iter().map(|denial| denial.rule.name()).collect();
            let expected: BTreeSet<&str> = if example.denied {
                [section.rule.as_str()].into()
            } else {
                BTreeSet::new()
            };
            if broken != expected {
                wrong.push(format!(
                    "{}: {}\n{}",
                    section.rule,
                    example.query,
                    judge::render(&verdict, &example.query, "it")
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
