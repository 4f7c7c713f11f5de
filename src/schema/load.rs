//! From files to a [`SchemaSet`]: reading the directory, then every file by itself, then all of them together.

use std::path::Path;

use super::collection::{self, Draft, Kind};
use super::directory;
use super::fault::{Fault, Faults, Report, Source, nearest};
use super::json::{self, Json, Node};
use super::keywords::{self, Schema};
use super::link::{self, Parts};
use super::model::SchemaSet;
use super::policy::{self, Policy};

/// The file that is no schema.
const POLICY: &str = "policy.json";

impl SchemaSet {
    /// Reads and checks the schema set in a directory: `*.json`, `policy.json` and `queries/*.aql`. Names that begin
    /// with a dot and what editors leave behind are left aside; a file or folder that looks as if it were meant and is
    /// not read is a fault.
    ///
    /// # Errors
    /// Every fault of the set. A directory or file that cannot be read is one of them.
    pub fn load(dir: &Path) -> Result<Self, Faults> {
        let files = directory::read(dir);
        check(files.sources, files.faults)
    }

    /// Checks a schema set from texts: each file's path below the set's directory, and what it holds.
    ///
    /// # Errors
    /// Every fault of the set.
    pub fn from_files<N: Into<String>, T: Into<String>>(
        files: impl IntoIterator<Item = (N, T)>,
    ) -> Result<Self, Faults> {
        let sources = files.into_iter().map(|(name, text)| {
            let name = name.into();
            Source {
                shown: name.clone(),
                name,
                text: text.into(),
            }
        });
        check(sources.collect(), Vec::new())
    }
}

fn check(mut sources: Vec<Source>, mut faults: Vec<Fault>) -> Result<SchemaSet, Faults> {
    sources.sort_by(|left, right| left.name.cmp(&right.name));
    let parsed: Vec<(&Source, Option<Node>)> = sources
        .iter()
        .filter(|source| is_schema_file(source))
        .map(|source| {
            let (node, problems) = json::parse(&source.text);
            let mut report = Report::new(source);
            for problem in problems {
                report.problem(problem);
            }
            faults.append(&mut report.faults);
            (source, node)
        })
        .collect();
    let unread = parsed.iter().filter(|(_, node)| node.is_none());
    let unread: Vec<&Source> = unread.map(|(source, _)| *source).collect();
    let mut policy = None;
    let mut drafts: Vec<(Draft<'_>, Schema<'_>)> = Vec::new();
    for (source, node) in &parsed {
        let Some(node) = node else { continue };
        let mut report = Report::new(source);
        if source.name == POLICY {
            policy = Some((*source, policy::read(&mut report, node)));
        } else {
            drafts.push(read_schema(&mut report, node));
        }
        faults.append(&mut report.faults);
    }
    let queries: Vec<&Source> = sources.iter().filter(|source| is_query(source)).collect();
    let (policy_source, policy) = policy.map_or((None, Policy::default()), |(source, policy)| (Some(source), policy));
    let parts = Parts {
        sources: &sources,
        drafts,
        policy_source,
        policy,
        queries,
        unread,
    };
    let set = link::link(parts, &mut faults);
    match set {
        Some(set) if faults.is_empty() => Ok(set),
        _ => {
            faults.sort_by_key(|fault| {
                (
                    fault.file.clone(),
                    fault.place.as_ref().map(|place| (place.line, place.column)),
                )
            });
            faults.dedup();
            Err(Faults(faults))
        }
    }
}

fn is_schema_file(source: &Source) -> bool {
    !source.name.contains('/') && source.name.to_ascii_lowercase().ends_with(".json")
}

fn is_query(source: &Source) -> bool {
    source
        .name
        .strip_prefix("queries/")
        .and_then(|name| name.strip_suffix(".aql"))
        .is_some_and(|stem| !stem.contains('/'))
}

fn read_schema<'s>(report: &mut Report<'s>, root: &'s Node) -> (Draft<'s>, Schema<'s>) {
    let schema = keywords::check(report, root);
    if matches!(root.value, Json::Object(_)) && schema.extension.is_none() {
        misplaced(report, root);
    }
    let draft = collection::read(report, root, schema.extension);
    if matches!(draft.kind, Kind::View { .. } | Kind::Graph { .. }) {
        no_documents(report, root, &draft);
    }
    (draft, schema)
}

/// A file that looks like a policy under another name would be a collection that nobody may use.
fn misplaced(report: &mut Report<'_>, root: &Node) {
    let keys = [
        "databases",
        "roles",
        "functions",
        "limits",
        "queries",
        "wholeDocument",
        "users",
    ];
    let stem = report.source.name.trim_end_matches(".json");
    if root.members().iter().any(|member| keys.contains(&member.key.as_str())) || nearest(stem, ["policy"]).is_some() {
        let hint = "the policy of a schema set is in the file `policy.json`";
        report.hint(root.at, format!("`{}` looks like a policy", report.source.name), hint);
    }
}

/// A view or a graph has no documents of its own.
fn no_documents(report: &mut Report<'_>, root: &Node, draft: &Draft<'_>) {
    let remarks = ["$schema", "$id", "$comment", "title", "description", "x-mallku"];
    for member in root.members() {
        let key = member.key.as_str();
        if !remarks.contains(&key) && !key.starts_with("x-") {
            let message = format!("`{key}` says nothing in a {}", draft.kind.name());
            report.hint(
                member.key_at,
                message,
                "the attributes are those of its collections, in their own files",
            );
        }
    }
}
