//! The corpus of queries in `tests/aql`: what is a query, and what is none and why.
//!
//! A file holds queries, each under a line `### title`; in `ok` the title may end in the first release that takes the
//! query, in `err` it is ArangoDB's error number and a part of our message.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot set itself up has failed"
)]

use std::fs;
use std::path::Path;

use mallku_db::aql::{self, ParseLimits, ast::Query};

/// The cases of a folder: file and line, title, text.
fn cases(folder: &str) -> Vec<(String, String, String)> {
    let mut cases = Vec::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/aql").join(folder);
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        for (at, line) in text.lines().enumerate() {
            if let Some(title) = line.strip_prefix("### ") {
                cases.push((format!("{name}:{}", at + 1), title.to_owned(), String::new()));
            } else if let Some((_, _, query)) = cases.last_mut() {
                if !query.is_empty() {
                    query.push('\n');
                }
                query.push_str(line);
            }
        }
    }
    cases
}

/// The tree without its spans.
fn tree(query: &Query) -> String {
    let text = format!("{query:?}");
    let mut parts = text.split("Span { start: ");
    let mut tree = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        tree.push_str(part.split_once('}').map_or(part, |(_, rest)| rest));
    }
    tree
}

/// Checks every case of a folder and tells all that fail.
fn check(folder: &str, least: usize, fault: impl Fn(&str, &str, &str) -> Result<(), String>) {
    let cases = cases(folder);
    assert!(cases.len() >= least, "{}", cases.len());
    let faults: Vec<String> = cases
        .iter()
        .filter_map(|(place, title, text)| {
            fault(place, title, text)
                .err()
                .map(|fault| format!("{place} {title}\n{text}\n{fault}\n"))
        })
        .collect();
    assert!(
        faults.is_empty(),
        "{} of {}:\n{}",
        faults.len(),
        cases.len(),
        faults.join("\n")
    );
}

#[test]
fn every_query_parses_and_comes_back_from_its_printed_form() {
    check("ok", 455, |place, _, text| {
        let query = aql::parse(text).map_err(|error| error.render(text, place))?;
        let printed = query.to_string();
        let again = aql::parse(&printed).map_err(|error| error.render(&printed, place))?;
        if tree(&query) == tree(&again) {
            Ok(())
        } else {
            Err(format!("comes back otherwise: {printed}"))
        }
    });
}

#[test]
fn a_query_and_its_rewritings_share_a_fingerprint() {
    check("ok", 455, |place, title, text| {
        let form = |text: &str| {
            let normal = aql::normalise(text, &ParseLimits::default());
            normal.map(|(_, form)| form).map_err(|error| error.render(text, place))
        };
        let other = form(&format!("/* {title} */\n{text} // end"))?;
        let fingerprint = aql::fingerprint(text).map_err(|error| error.render(text, place))?;
        if fingerprint == other.fingerprint() {
            Ok(())
        } else {
            Err(format!("{other}"))
        }
    });
}

#[test]
fn no_faulty_query_parses_and_each_tells_why_and_where() {
    check("err", 525, |_, title, text| {
        let (number, part) = title.split_once(' ').ok_or("no title")?;
        let Err(error) = aql::parse(text) else {
            return Err("parses".to_owned());
        };
        let rendered = error.render(text, "query");
        let message = error.arangodb_message(text);
        let right = error.message.contains(part)
            && error.error_num.to_string() == number
            && error.span.start <= error.span.end
            && error.span.end as usize <= text.len()
            && rendered.starts_with("error[syntax]: ")
            && rendered.contains('^')
            && message.starts_with("AQL: ")
            && message.ends_with("(while parsing)");
        if right {
            Ok(())
        } else {
            Err(format!("{error:?}\n{rendered}\n{message}"))
        }
    });
}
