//! Tables of verdicts over schema sets of different character: a blog whose schemas Pydantic wrote, a knowledge base with
//! graphs and views, a market of two databases that masks, a till with approved queries, a set of odd schemas, and the
//! example set.
//!
//! `tables/NAME.txt` is about the set in `tables/NAME/`. `# USER in DATABASE` says who asks from there on (`somebody`: a
//! user of no role); `+ QUERY` is admitted, `- RULE | QUERY` is denied for this reason among others; after ` ## ` come the
//! bind values; `\n` and `\r` in a query stand for the characters.

use std::fs;
use std::path::Path;

use mallku_db::judge::{Request, judge};
use mallku_db::schema::SchemaSet;

struct Row<'t> {
    line: usize,
    user: &'t str,
    database: &'t str,
    /// `None`: admitted.
    rule: Option<&'t str>,
    query: String,
    binds: Option<serde_json::Map<String, serde_json::Value>>,
}

fn rows(text: &str) -> Vec<Row<'_>> {
    let (mut user, mut database) = ("", "_system");
    let mut rows = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
        if let Some(who) = line.strip_prefix("# ") {
            (user, database) = who.split_once(" in ").unwrap_or((who, "_system"));
            continue;
        }
        let (rest, binds) = line.split_once(" ## ").unwrap_or((line, ""));
        let (rule, query) = match rest.split_at(2) {
            ("+ ", query) => (None, query),
            ("- ", denied) => {
                let (rule, query) = denied.split_once(" | ").unwrap_or_else(|| panic!("no rule: {line}"));
                (Some(rule), query)
            }
            _ => panic!("neither admitted nor denied: {line}"),
        };
        rows.push(Row {
            line: index + 1,
            user,
            database,
            rule,
            query: query.replace("\\n", "\n").replace("\\r", "\r"),
            binds: (!binds.is_empty()).then(|| serde_json::from_str(binds).unwrap()),
        });
    }
    rows
}

/// Judges every row of a table, and fails with all that were judged otherwise.
fn check(table: &str, schemas: &str, at_least: usize) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let set = SchemaSet::load(&root.join(schemas)).unwrap_or_else(|faults| panic!("{faults}"));
    let text = fs::read_to_string(root.join(format!("tests/judge/tables/{table}.txt"))).unwrap();
    let rows = rows(&text);
    assert!(rows.len() >= at_least, "only {} rows", rows.len());
    let mut failures = Vec::new();
    for row in &rows {
        let verdict = judge(
            &set,
            &Request {
                query: &row.query,
                bind_vars: row.binds.as_ref(),
                user: (row.user != "somebody").then_some(row.user),
                database: row.database,
            },
        );
        let found = super::rules(&verdict);
        let as_expected = row.rule.map_or(verdict.admitted(), |rule| found.contains(&rule));
        if !as_expected {
            let wanted = row.rule.unwrap_or("nothing");
            failures.push(format!(
                "{table}.txt:{}: wanted {wanted}, got {found:?}: {}",
                row.line, row.query
            ));
        }
        // Whatever is denied says where and why.
        for denial in &verdict.denials {
            let inside = denial.span.is_none_or(|span| {
                let (start, end) = (span.start as usize, span.end as usize);
                start <= end && row.query.get(start..end).is_some()
            });
            if denial.message.is_empty() || !inside {
                failures.push(format!("{table}.txt:{}: {denial:?}", row.line));
            }
        }
    }
    assert!(failures.is_empty(), "{} rows:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn the_example_set() {
    check("example", "schemas", 190);
}

#[test]
fn a_blog() {
    check("blog", "tests/judge/tables/blog", 240);
}

#[test]
fn a_knowledge_base() {
    check("knowledge", "tests/judge/tables/knowledge", 600);
}

#[test]
fn a_market() {
    check("market", "tests/judge/tables/market", 110);
}

#[test]
fn a_till() {
    check("till", "tests/judge/tables/till", 30);
}

#[test]
fn odd_schemas() {
    check("odd", "tests/judge/tables/odd", 180);
}

#[test]
fn lists_and_maps_of_hidden_values() {
    check("lists", "tests/judge/tables/lists", 25);
}

#[test]
fn hidden_by_rare_keywords() {
    check("rare", "tests/judge/tables/rare", 12);
}
