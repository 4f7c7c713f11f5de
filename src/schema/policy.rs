//! `policy.json`: what belongs to no collection.

use std::collections::{BTreeMap, BTreeSet};

use super::fault::{Report, nearest};
use super::fields::Placed;
use super::json::{Json, Node, Span};
use super::model::{EVERYBODY, FunctionPolicy, Limits, RoleLimits, WholeDocument};
use super::vocabulary::POLICY_KEYS;
use crate::aql::functions::{self, Class};

/// What a policy says; names are not resolved yet.
#[derive(Default)]
pub(super) struct Policy {
    /// `None`: `_system` and those that the schemas name.
    pub(super) databases: Option<Vec<Placed<String>>>,
    pub(super) roles: BTreeMap<String, Vec<Placed<String>>>,
    pub(super) functions: FunctionPolicy,
    pub(super) limits: Limits,
    /// The roles that `limits` names.
    pub(super) limited: Vec<Placed<String>>,
    pub(super) whole_document: WholeDocument,
    /// `queries` is `"approved"`, and where it says so.
    pub(super) approved: Option<Span>,
    pub(super) users: Vec<User>,
}

pub(super) struct User {
    pub(super) name: Placed<String>,
    pub(super) password_file: String,
    pub(super) database: Option<Placed<String>>,
    pub(super) role: Option<Placed<String>>,
}

impl Default for FunctionPolicy {
    fn default() -> Self {
        let allow = ["@pure", "@geo", "@search"].map(str::to_owned).into();
        Self {
            allow,
            deny: BTreeSet::new(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            query_bytes: 64 << 10,
            bind_bytes: 1 << 20,
            body_bytes: 16 << 20,
            depth: 200,
            nodes: 20_000,
            max_runtime: 60.0,
            memory_limit: 512 << 20,
            batch_size: None,
            ttl: None,
            traversal_depth: None,
            rows_without_limit: None,
            by_role: BTreeMap::new(),
        }
    }
}

pub(super) fn read(report: &mut Report<'_>, root: &Node) -> Policy {
    let mut policy = Policy::default();
    let Some(root) = report.object(root, "`policy.json`", &POLICY_KEYS) else {
        return policy;
    };
    if let Some(node) = root.get("databases") {
        let databases = report.some_strings(node, "`databases`");
        for database in &databases {
            report.database_name(database);
        }
        policy.databases = Some(databases);
    }
    if let Some(node) = root.get("roles") {
        policy.roles = roles(report, node);
    }
    if let Some(node) = root.get("functions") {
        policy.functions = functions(report, node);
    }
    if let Some(node) = root.get("limits") {
        limits(report, node, &mut policy);
    }
    if let Some(node) = root.get("queries") {
        match choice(report, node, "`queries`", &["any", "approved"]) {
            Some("approved") => policy.approved = Some(node.at),
            _ => policy.approved = None,
        }
    }
    if let Some(node) = root.get("wholeDocument") {
        policy.whole_document = match choice(report, node, "`wholeDocument`", &["deny", "mask"]) {
            Some("mask") => WholeDocument::Mask,
            _ => WholeDocument::Deny,
        };
    }
    if let Some(node) = root.get("users") {
        policy.users = users(report, node);
    }
    policy
}

fn choice<'k>(report: &mut Report<'_>, node: &Node, what: &str, known: &[&'k str]) -> Option<&'k str> {
    let word = report.string(node, what)?;
    let choice = known.iter().find(|choice| **choice == word.value).copied();
    if choice.is_none() {
        report.unknown(word.at, &format!("value of {what}:"), &word.value, known);
    }
    choice
}

fn roles(report: &mut Report<'_>, node: &Node) -> BTreeMap<String, Vec<Placed<String>>> {
    let mut roles = BTreeMap::new();
    if !report.is_object(node, "`roles`") {
        return roles;
    }
    for member in node.members() {
        let name = member.key.as_str();
        if name == EVERYBODY {
            report.hint(
                member.key_at,
                "the role `*` is everybody and cannot be defined",
                "leave it out",
            );
            continue;
        }
        role_name(report, member.key_at, name);
        let what = format!("the role `{name}`");
        let users = match report
            .object(&member.value, &what, &["users"])
            .and_then(|role| role.get("users"))
        {
            Some(users) => report.strings(users, &format!("`users` of {what}")),
            None => Vec::new(),
        };
        for user in users.iter().filter(|user| user.value == EVERYBODY) {
            report.hint(
                user.at,
                "`*` is no user",
                "what everybody may do is said of the role `*`",
            );
        }
        roles.insert(name.to_owned(), users);
    }
    roles
}

fn role_name(report: &mut Report<'_>, at: Span, name: &str) {
    let plain = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || "_-".contains(char));
    if !plain {
        report.hint(
            at,
            format!("`{name}` is no role name"),
            "a letter, then letters, digits, `_` and `-`",
        );
    }
}

fn functions(report: &mut Report<'_>, node: &Node) -> FunctionPolicy {
    let mut policy = FunctionPolicy::default();
    let Some(node) = report.object(node, "`functions`", &["allow", "deny"]) else {
        return policy;
    };
    let mut denied = Vec::new();
    if let Some(list) = node.get("deny") {
        denied = report.strings(list, "`deny`");
        for name in &denied {
            function_name(report, name);
        }
        policy.deny = denied.iter().map(normal_function).collect();
    }
    if let Some(list) = node.get("allow") {
        let allowed = report.strings(list, "`allow`");
        for name in &allowed {
            function_name(report, name);
            if denied
                .iter()
                .any(|other| normal_function(other) == normal_function(name))
            {
                report.say(name.at, format!("`{}` is both allowed and denied", name.value));
            }
        }
        policy.allow = allowed.iter().map(normal_function).collect();
    }
    policy
}

fn normal_function(name: &Placed<String>) -> String {
    if name.value.starts_with('@') {
        name.value.clone()
    } else {
        name.value.to_uppercase()
    }
}

/// `@class`, `NAME`, or `GROUP::NAME` of a user-defined function, which only the database knows.
fn function_name(report: &mut Report<'_>, name: &Placed<String>) {
    let text = name.as_str();
    let word = |part: &str| !part.is_empty() && part.chars().all(|char| char.is_ascii_alphanumeric() || char == '_');
    let plain = match text.strip_prefix('@') {
        Some(class) => word(class),
        None => text.split("::").all(word),
    };
    if !plain {
        let hint = "a name such as `LENGTH` or `MYGROUP::MYFUNCTION`, or a class such as `@pure`";
        report.hint(
            name.at,
            format!("`{text}` is neither a function nor a class of functions"),
            hint,
        );
    } else if text.starts_with('@') {
        let classes = Class::ALL.map(Class::policy_name);
        if !classes.contains(&text) {
            report.unknown(name.at, "class of functions", text, &classes);
        }
    } else if !text.contains("::") && functions::lookup(text).is_none() {
        let upper = text.to_uppercase();
        let hint = match nearest(&upper, functions::all().iter().map(|function| function.name)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "a user-defined function is written with its group: `GROUP::NAME`".to_owned(),
        };
        report.hint(name.at, format!("ArangoDB has no function `{text}`"), hint);
    }
}

/// More than any machine has, and less than what arithmetic minds.
const HUGE: u64 = 1 << 50;

fn limits(report: &mut Report<'_>, node: &Node, policy: &mut Policy) {
    let known = [
        "queryBytes",
        "bindBytes",
        "bodyBytes",
        "depth",
        "nodes",
        "maxRuntime",
        "memoryLimit",
        "batchSize",
        "ttl",
        "traversalDepth",
        "rowsWithoutLimit",
        "requestsPerSecond",
        "concurrent",
    ];
    let Some(node) = report.object(node, "`limits`", &known) else {
        return;
    };
    let limits = &mut policy.limits;
    let bytes = 1 << 30;
    let mut size = |key: &str, min: u64, max: u64, field: &mut usize| {
        let count = node
            .get(key)
            .and_then(|node| report.count(node, &format!("`{key}`"), min, max));
        if let Some(count) = count.and_then(|count| usize::try_from(count).ok()) {
            *field = count;
        }
    };
    size("queryBytes", 1, bytes, &mut limits.query_bytes);
    size("bindBytes", 2, bytes, &mut limits.bind_bytes);
    size("bodyBytes", 2, bytes, &mut limits.body_bytes);
    // The parser and the judge walk trees by recursion: deeper ones could exhaust a thread's stack.
    size("depth", 1, 500, &mut limits.depth);
    size("nodes", 1, 1_000_000, &mut limits.nodes);
    let mut optional = |key: &str, min: u64, max: u64| {
        node.get(key)
            .and_then(|node| report.count(node, &format!("`{key}`"), min, max))
    };
    limits.memory_limit = optional("memoryLimit", 1 << 20, HUGE).unwrap_or(limits.memory_limit);
    limits.batch_size = optional("batchSize", 1, HUGE);
    limits.traversal_depth = optional("traversalDepth", 1, 1_000);
    limits.rows_without_limit = optional("rowsWithoutLimit", 1, HUGE);
    let mut seconds = |key: &str| {
        node.get(key)
            .and_then(|node| report.positive(node, &format!("`{key}`"), 86_400.0))
    };
    limits.max_runtime = seconds("maxRuntime").unwrap_or(limits.max_runtime);
    limits.ttl = seconds("ttl");
    for (key, node) in ["requestsPerSecond", "concurrent"]
        .into_iter()
        .filter_map(|key| Some((key, node.get(key)?)))
    {
        by_role(report, key, node, policy);
    }
}

/// A limit that is one number for everybody, or a number for each role.
fn by_role(report: &mut Report<'_>, key: &str, node: &Node, policy: &mut Policy) {
    let everybody = Placed {
        at: node.at,
        value: EVERYBODY.to_owned(),
    };
    let entries: Vec<(Placed<String>, &Node)> = match &node.value {
        Json::Object(members) => members
            .iter()
            .map(|member| {
                (
                    Placed {
                        at: member.key_at,
                        value: member.key.clone(),
                    },
                    &member.value,
                )
            })
            .collect(),
        _ => vec![(everybody, node)],
    };
    for (role, node) in entries {
        let what = format!("`{key}`");
        let limits: &mut RoleLimits = policy.limits.by_role.entry(role.value.clone()).or_default();
        if key == "concurrent" {
            limits.concurrent = report.count(node, &what, 1, 1_000_000);
        } else {
            limits.requests_per_second = report.positive(node, &what, 1e6);
        }
        policy.limited.push(role);
    }
}

fn users(report: &mut Report<'_>, node: &Node) -> Vec<User> {
    let mut users = Vec::new();
    if !report.is_object(node, "`users`") {
        return users;
    }
    for member in node.members() {
        let name = Placed {
            at: member.key_at,
            value: member.key.clone(),
        };
        let what = format!("the user `{}`", name.value);
        if name.value == "root" {
            let hint = "root's password comes from `ARANGODB_ROOT_PASSWORD_FILE`";
            report.hint(name.at, "`root` is no application user", hint);
        } else if name.value.is_empty() || name.value == EVERYBODY || name.value.starts_with(":role:") {
            report.say(name.at, format!("`{}` is no user name", name.value));
        }
        let Some(user) = report.object(&member.value, &what, &["passwordFile", "database", "role"]) else {
            continue;
        };
        let mut field = |key: &str| {
            user.get(key)
                .and_then(|node| report.string(node, &format!("`{key}` of {what}")))
        };
        let (password_file, database, role) = (field("passwordFile"), field("database"), field("role"));
        if let Some(file) = password_file.as_ref().filter(|file| !file.value.starts_with('/')) {
            let hint = format!("for example `/run/secrets/{}`", name.value);
            report.hint(file.at, "`passwordFile` must be an absolute path", hint);
        }
        if user.get("passwordFile").is_none() {
            let hint = format!("for example `\"passwordFile\": \"/run/secrets/{}\"`", name.value);
            report.hint(member.key_at, format!("{what} needs a `passwordFile`"), hint);
        }
        let password_file = password_file.map(|file| file.value).unwrap_or_default();
        users.push(User {
            name,
            password_file,
            database,
            role,
        });
    }
    users
}
