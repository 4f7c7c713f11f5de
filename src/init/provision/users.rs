//! Application users with the least rights that their roles need.
//!
//! A user is created inactive, gets its grants, and is activated last: an interruption leaves nobody half-entitled who could
//! log in, and the next start goes on with whom it finds marked so. Rights of a user who exists are compared, and told where
//! they are more than the roles need.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use serde_json::{Value, json};

use crate::schema::{Allow, Operation, ProvisionedUser, SchemaSet};

use super::super::secret;
use super::{Step, encode};

/// In a user's `extra`, while it is being created.
const UNFINISHED: &str = "mallkuUnfinished";

/// What a user may do with a collection or database, in ArangoDB's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Grant {
    None,
    Read,
    Write,
}

impl Grant {
    fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Read => "ro",
            Self::Write => "rw",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::None, Self::Read, Self::Write]
            .into_iter()
            .find(|grant| grant.word() == word)
    }
}

pub(super) fn create(step: &mut Step<'_>, set: &SchemaSet) -> io::Result<()> {
    for (name, user) in &set.users {
        one(step, set, name, user)?;
    }
    Ok(())
}

fn one(step: &mut Step<'_>, set: &SchemaSet, name: &str, user: &ProvisionedUser) -> io::Result<()> {
    let path = format!("/_api/user/{}", encode(name));
    let found = step.database.ask("GET", &path, None)?;
    match found.status {
        200 if found.json()["extra"][UNFINISHED] == Value::Bool(true) => {}
        200 => return compare(step, name, &path, &grants(set, name, user)),
        404 => {
            let password = match secret::read_password(Path::new(&user.password_file)) {
                Ok(password) => password.secret,
                Err(error) => {
                    step.outcome.failures += 1;
                    step.report.error(format!("user `{name}` cannot be created: {error}"));
                    return Ok(());
                }
            };
            let body = json!({
                "user": name, "passwd": password.reveal(), "active": false, "extra": { UNFINISHED: true }
            });
            if !step.create("users", &format!("user `{name}`"), "/_api/user", &body)? {
                return Ok(());
            }
        }
        status => {
            step.fail(&format!("user `{name}` cannot be looked up"), status, &found.json());
            return Ok(());
        }
    }
    for (place, grant) in grants(set, name, user) {
        let body = json!({ "grant": grant.word() });
        let answer = step
            .database
            .ask("PUT", &format!("{path}/database/{place}"), Some(&body))?;
        if !(200..300).contains(&answer.status) {
            step.fail(
                &format!("user `{name}` gets no rights on {place}"),
                answer.status,
                &answer.json(),
            );
            return Ok(());
        }
    }
    let done = json!({ "active": true, "extra": {} });
    let answer = step.database.ask("PATCH", &path, Some(&done))?;
    if !(200..300).contains(&answer.status) {
        step.fail(
            &format!("user `{name}` cannot be activated"),
            answer.status,
            &answer.json(),
        );
    }
    Ok(())
}

/// Tells what a user who exists may do beyond what the roles need.
fn compare(step: &mut Step<'_>, name: &str, path: &str, wanted: &[(String, Grant)]) -> io::Result<()> {
    let answer = step.database.ask("GET", &format!("{path}/database?full=true"), None)?;
    if answer.status != 200 {
        step.fail(
            &format!("the rights of user `{name}` cannot be looked at"),
            answer.status,
            &answer.json(),
        );
        return Ok(());
    }
    let mut places = configured(&answer.json()["result"]);
    places.extend(wanted.iter().map(|(place, _)| place.clone()));
    for place in places {
        // The effective right: what is configured there, or else by a `*`.
        let answer = step.database.ask("GET", &format!("{path}/database/{place}"), None)?;
        let found = answer.json()["result"].as_str().and_then(Grant::parse);
        let said = wanted.iter().find(|(other, _)| *other == place);
        let said = said.map_or(Grant::None, |(_, grant)| *grant);
        if let Some(found) = found.filter(|found| *found > said) {
            let (found, said) = (found.word(), said.word());
            step.differs(&format!(
                "user `{name}` has `{found}` on {place}, where `{said}` is all that its roles need"
            ));
        }
    }
    Ok(())
}

/// The places for which something is configured, of the answer to `?full=true`.
fn configured(all: &Value) -> BTreeSet<String> {
    let is_set = |value: &Value| value.as_str().is_some_and(|word| word != "undefined");
    let mut places = BTreeSet::new();
    for (database, grants) in all.as_object().into_iter().flatten() {
        let base = if database == "*" {
            database.clone()
        } else {
            encode(database)
        };
        if is_set(&grants["permission"]) {
            places.insert(base.clone());
        }
        let collections = grants["collections"].as_object().into_iter().flatten();
        for (collection, _) in collections.filter(|(_, value)| is_set(value)) {
            let collection = if collection == "*" {
                collection.clone()
            } else {
                encode(collection)
            };
            places.insert(format!("{base}/{collection}"));
        }
    }
    places
}

/// Grants by `database` or `database/collection`, in the order in which they are given.
///
/// On a database `ro` is enough: `rw` there is the right to create and drop collections.
fn grants(set: &SchemaSet, name: &str, user: &ProvisionedUser) -> Vec<(String, Grant)> {
    let roles = set.roles.of(Some(name));
    let roles: BTreeSet<&str> = roles.iter().chain(user.role.as_deref()).collect();
    let mut grants = Vec::new();
    for (database, resources) in &set.resources {
        if user.database.as_ref().is_some_and(|only| only != database) {
            continue;
        }
        let place = encode(database);
        grants.push((place.clone(), Grant::Read));
        // Whatever has no schema is closed, also what is created later.
        grants.push((format!("{place}/*"), Grant::None));
        for (collection, declared) in &resources.collections {
            let mut grant = grant(&declared.allow, &roles);
            // A view is read through its collections, a graph through its edges and vertices.
            let through_view = |view: &std::sync::Arc<crate::schema::View>| {
                view.collections.contains(collection) && self::grant(&view.allow, &roles) > Grant::None
            };
            if resources.views.values().any(through_view) {
                grant = grant.max(Grant::Read);
            }
            grants.push((format!("{place}/{}", encode(collection)), grant));
        }
    }
    grants
}

fn grant(allow: &Allow, roles: &BTreeSet<&str>) -> Grant {
    roles
        .iter()
        .filter_map(|role| allow.by_role.get(*role))
        .flatten()
        .map(|operation| match operation {
            Operation::Read => Grant::Read,
            Operation::Insert | Operation::Update | Operation::Replace | Operation::Remove => Grant::Write,
        })
        .max()
        .unwrap_or(Grant::None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_configured_is_a_place() {
        let all = json!({
            "_system": { "permission": "ro", "collections": { "a b": "rw", "c": "undefined", "*": "none" } },
            "other": { "permission": "undefined", "collections": {} },
            "*": { "permission": "none" }
        });
        let places: Vec<_> = configured(&all).into_iter().collect();
        assert_eq!(places, ["*", "_system", "_system/*", "_system/a%20b"]);
    }

    #[test]
    fn rights_are_the_least_that_the_roles_need() {
        let set = SchemaSet::from_files([
            ("read.json", r#"{"x-mallku":{"allow":["read"]},"type":"object"}"#),
            (
                "write.json",
                r#"{"x-mallku":{"allow":{"agent":["insert"]}},"type":"object"}"#,
            ),
            (
                "closed.json",
                r#"{"x-mallku":{"allow":{"other":["read"]}},"type":"object"}"#,
            ),
            (
                "policy.json",
                r#"{"roles":{"agent":{"users":[]},"other":{"users":[]}},
                    "users":{"app":{"passwordFile":"/x","database":"_system","role":"agent"}}}"#,
            ),
        ])
        .unwrap();
        let given: Vec<String> = grants(&set, "app", &set.users["app"])
            .into_iter()
            .map(|(place, grant)| format!("{place}={}", grant.word()))
            .collect();
        assert_eq!(
            given,
            [
                "_system=ro",
                "_system/*=none",
                "_system/closed=none",
                "_system/read=ro",
                "_system/write=rw"
            ]
        );
    }
}
