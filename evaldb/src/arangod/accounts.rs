//! Users, their passwords and grants, as documents of `_system/_users` in ArangoDB's own form.
//!
//! The rules of who may do what follow `arangod/Auth/User.cpp`: a grant on a database says nothing about its collections;
//! the wildcard database is asked only where the named one says nothing.

use crate::error::{ArangoError, Result};
use crate::store::{CollectionKind, Database, Server, WriteOptions};
use crate::value::{Object, Text, Value};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use std::fmt::Write as _;

const USERS: &str = "_users";

/// What a user may do with a database or collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Grant {
    None,
    Read,
    Write,
}

impl Grant {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Grant::None => "none",
            Grant::Read => "ro",
            Grant::Write => "rw",
        }
    }

    pub(crate) fn parse(text: &str) -> Result<Grant> {
        match text {
            "none" => Ok(Grant::None),
            "ro" => Ok(Grant::Read),
            "rw" => Ok(Grant::Write),
            _ => Err(ArangoError::new(
                10,
                "bad parameter: expecting access type 'none', 'ro' or 'rw'",
            )),
        }
    }

    fn from_permissions(entry: Option<&Value>) -> Option<Grant> {
        let permissions = entry?.get("permissions")?;
        let has = |name: &str| permissions.get(name).is_some_and(Value::is_true);
        Some(match (has("write"), has("read")) {
            (true, _) => Grant::Write,
            (false, true) => Grant::Read,
            // An empty object means that nothing is said.
            (false, false) if permissions.as_object().is_some_and(|object| !object.is_empty()) => Grant::None,
            (false, false) => return None,
        })
    }

    fn permissions(self) -> Value {
        match self {
            Grant::None => object([("read", false.into()), ("write", false.into())]),
            Grant::Read => object([("read", true.into()), ("write", false.into())]),
            Grant::Write => object([("read", true.into()), ("write", true.into())]),
        }
    }
}

/// One user as it is stored.
#[derive(Clone)]
pub(crate) struct Account<'a>(&'a Value);

impl Account<'_> {
    pub(crate) fn name(&self) -> &str {
        self.0.text("user").unwrap_or_default()
    }

    pub(crate) fn is_active(&self) -> bool {
        self.0
            .get("authData")
            .and_then(|data| data.get("active"))
            .is_some_and(Value::is_true)
    }

    pub(crate) fn has_password(&self, password: &str) -> bool {
        let simple = self.0.get("authData").and_then(|data| data.get("simple"));
        let part = |name: &str| simple.and_then(|simple| simple.text(name)).unwrap_or_default();
        !part("hash").is_empty() && hash(part("salt"), password) == part("hash")
    }

    pub(crate) fn config(&self) -> Value {
        self.0
            .get("configData")
            .cloned()
            .unwrap_or_else(|| Value::object(Object::new()))
    }

    /// The user as the interface shows it.
    pub(crate) fn public(&self) -> serde_json::Map<String, serde_json::Value> {
        let extra = self
            .0
            .get("userData")
            .map_or_else(|| serde_json::json!({}), Value::to_json);
        let mut shown = serde_json::Map::new();
        shown.insert("user".to_owned(), self.name().into());
        shown.insert("active".to_owned(), self.is_active().into());
        shown.insert("extra".to_owned(), extra);
        shown
    }

    fn entry(&self, database: &str) -> Option<&Value> {
        self.0.get("databases")?.get(database)
    }

    fn collection_entry(&self, database: &str, collection: &str) -> Option<Grant> {
        Grant::from_permissions(self.entry(database)?.get("collections")?.get(collection))
    }

    /// What is granted for a database by name, without the wildcard.
    pub(crate) fn configured_database(&self, database: &str) -> Option<Grant> {
        Grant::from_permissions(self.entry(database))
    }

    /// What is granted for a collection by name, without any wildcard.
    pub(crate) fn configured_collection(&self, database: &str, collection: &str) -> Option<Grant> {
        self.collection_entry(database, collection)
    }

    /// What the user may do with a database.
    pub(crate) fn database(&self, name: &str) -> Grant {
        self.configured_database(name)
            .or_else(|| self.configured_database("*"))
            .unwrap_or(Grant::None)
    }

    /// What the user may do with a collection.
    pub(crate) fn collection(&self, database: &str, name: &str) -> Grant {
        if name.starts_with('_') {
            return match (database, name) {
                ("_system", USERS) => Grant::None,
                (_, "_queues") => Grant::Read,
                (_, "_frontend") => Grant::Write,
                _ => self.database(database),
            };
        }
        let within = |database: &str| {
            self.collection_entry(database, name)
                .or_else(|| self.collection_entry(database, "*"))
        };
        within(database).or_else(|| within("*")).unwrap_or(Grant::None)
    }
}

fn system(server: &Server) -> Result<&Database> {
    server.database("_system")
}

fn documents(server: &Server) -> impl Iterator<Item = &Value> {
    system(server)
        .and_then(|system| system.collection(USERS))
        .into_iter()
        .flat_map(crate::store::Collection::documents)
}

/// Every user.
pub(crate) fn all(server: &Server) -> impl Iterator<Item = Account<'_>> {
    documents(server).map(Account)
}

/// A user by name; 1703 when there is none.
pub(crate) fn find<'a>(server: &'a Server, name: &str) -> Result<Account<'a>> {
    all(server)
        .find(|account| account.name() == name)
        .ok_or_else(|| ArangoError::new(1703, "user not found"))
}

/// A user that may come in with this password.
pub(crate) fn login<'a>(server: &'a Server, name: &str, password: &str) -> Option<Account<'a>> {
    find(server, name)
        .ok()
        .filter(|account| account.is_active() && account.has_password(password))
}

/// What a request wants a user to be.
#[derive(Default)]
pub(crate) struct Profile<'a> {
    pub(crate) password: Option<&'a str>,
    pub(crate) active: Option<bool>,
    pub(crate) extra: Option<Value>,
}

/// Creates a user: 1702 when it exists, 1700 for an impossible name.
pub(crate) fn create(server: &mut Server, name: &str, profile: &Profile<'_>) -> Result<()> {
    if name.is_empty() || name.starts_with(":role:") {
        return Err(ArangoError::new(1700, "invalid user name"));
    }
    if find(server, name).is_ok() {
        return Err(ArangoError::new(1702, "duplicate user"));
    }
    let document = object([
        ("user", name.into()),
        ("source", "LOCAL".into()),
        (
            "authData",
            authentication(profile.active.unwrap_or(true), profile.password.unwrap_or(""))?,
        ),
        ("databases", Value::object(Object::new())),
        (
            "userData",
            profile.extra.clone().unwrap_or_else(|| Value::object(Object::new())),
        ),
        ("configData", Value::object(Object::new())),
    ]);
    let system = server.database_mut("_system")?;
    if system.collection(USERS).is_err() {
        create_system_collection(system, USERS)?;
    }
    system.insert(USERS, &document, &WriteOptions::default()).map(drop)
}

/// Changes what the profile names; with `replace`, the rest falls back to its default.
pub(crate) fn change(server: &mut Server, name: &str, profile: &Profile<'_>, replace: bool) -> Result<()> {
    edit(server, name, |user| {
        let active = profile
            .active
            .unwrap_or_else(|| replace || Account(&Value::object(user.clone())).is_active());
        let password = match profile.password {
            None if replace => Some(""),
            given => given,
        };
        if let Some(password) = password {
            user.set("authData", authentication(active, password)?);
        } else {
            let data = user.get("authData").and_then(Value::as_object);
            let mut data = data.cloned().unwrap_or_default();
            data.set("active", active.into());
            user.set("authData", Value::object(data));
        }
        match &profile.extra {
            Some(extra) => user.set("userData", extra.clone()),
            None if replace => user.set("userData", Value::object(Object::new())),
            None => {}
        }
        Ok(())
    })
}

/// Removes a user; 11 for root.
pub(crate) fn remove(server: &mut Server, name: &str) -> Result<()> {
    if name == "root" {
        return Err(ArangoError::new(11, "forbidden"));
    }
    let key = find(server, name)?.0.text("_key").unwrap_or_default().to_owned();
    server
        .database_mut("_system")?
        .remove(USERS, &key, None, &WriteOptions::default())
        .map(drop)
}

/// Sets or, with `None`, clears what a user may do with a database.
pub(crate) fn grant_database(server: &mut Server, user: &str, database: &str, grant: Option<Grant>) -> Result<()> {
    if user == "root" && database == "_system" && grant != Some(Grant::Write) {
        return Err(ArangoError::new(11, "Cannot lower access level of 'root' to _system"));
    }
    edit(server, user, |user| {
        edit_entry(user, database, grant, |entry, grant| {
            entry.set(
                "permissions",
                grant.map_or_else(|| Value::object(Object::new()), Grant::permissions),
            );
        });
        Ok(())
    })
}

/// Sets or, with `None`, clears what a user may do with a collection.
pub(crate) fn grant_collection(
    server: &mut Server,
    user: &str,
    database: &str,
    collection: &str,
    grant: Option<Grant>,
) -> Result<()> {
    if collection.starts_with('_') {
        return Err(ArangoError::new(10, "Cannot set rights for system collections"));
    }
    if user == "root" && database == "_system" && collection == "*" && grant != Some(Grant::Write) {
        return Err(ArangoError::new(
            11,
            "Cannot lower access level of 'root' to a collection in _system",
        ));
    }
    // A first grant inside of a database must not hide what the wildcard database grants for the database itself.
    let inherited = find(server, user)?.database(database);
    edit(server, user, |user| {
        edit_entry(user, database, Some(inherited), |entry, inherited| {
            if entry.get("permissions").is_none() {
                entry.set(
                    "permissions",
                    inherited.map_or_else(|| Value::object(Object::new()), Grant::permissions),
                );
            }
            let mut collections = entry
                .get("collections")
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default();
            match grant {
                Some(grant) => collections.set(collection, object([("permissions", grant.permissions())])),
                None => drop(collections.remove(collection)),
            }
            entry.set("collections", Value::object(collections));
        });
        Ok(())
    })
}

/// Forgets every grant on a database that was dropped.
pub(crate) fn forget_database(server: &mut Server, database: &str) -> Result<()> {
    let names: Vec<String> = all(server)
        .filter(|account| account.entry(database).is_some())
        .map(|account| account.name().to_owned())
        .collect();
    names.iter().try_for_each(|name| {
        edit(server, name, |user| {
            let mut databases = user
                .get("databases")
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default();
            databases.remove(database);
            user.set("databases", Value::object(databases));
            Ok(())
        })
    })
}

/// Sets one setting of the web interface, removes it with `None`, or, without a key, removes all.
pub(crate) fn configure(server: &mut Server, user: &str, key: Option<&str>, value: Option<Value>) -> Result<()> {
    edit(server, user, |user| {
        let mut config = user
            .get("configData")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        match (key, value) {
            (Some(key), Some(value)) => config.set(key, value),
            (Some(key), None) => drop(config.remove(key)),
            (None, _) => config = Object::new(),
        }
        user.set("configData", Value::object(config));
        Ok(())
    })
}

/// Sets a password, and creates the user with every right when there is none.
pub(crate) fn set_password(server: &mut Server, name: &str, password: &str) -> Result<()> {
    let profile = Profile {
        password: Some(password),
        ..Profile::default()
    };
    if find(server, name).is_ok() {
        return change(server, name, &profile, false);
    }
    create(server, name, &profile)?;
    grant_database(server, name, "*", Some(Grant::Write))?;
    grant_collection(server, name, "*", "*", Some(Grant::Write))?;
    grant_database(server, name, "_system", Some(Grant::Write))?;
    grant_collection(server, name, "_system", "*", Some(Grant::Write))
}

/// What a new server has: the system collections, and root with an empty password.
pub(crate) fn bootstrap(server: &mut Server) -> Result<()> {
    let names: Vec<String> = server.databases().map(|database| database.name().to_owned()).collect();
    for name in names {
        create_system_collections(server.database_mut(&name)?)?;
    }
    if find(server, "root").is_err() {
        set_password(server, "root", "")?;
    }
    Ok(())
}

/// The collections that ArangoDB keeps for itself in each database.
pub(crate) fn create_system_collections(database: &mut Database) -> Result<()> {
    let everywhere = [
        "_analyzers",
        "_appbundles",
        "_apps",
        "_aqlfunctions",
        "_frontend",
        "_graphs",
        "_jobs",
        "_queues",
    ];
    let only_system = if database.name() == "_system" {
        &[USERS][..]
    } else {
        &[]
    };
    for name in everywhere.iter().chain(only_system) {
        if database.collection(name).is_err() {
            create_system_collection(database, name)?;
        }
    }
    Ok(())
}

fn create_system_collection(database: &mut Database, name: &str) -> Result<()> {
    let collection = database.create_collection(name, CollectionKind::Document)?;
    collection.properties.insert("isSystem".to_owned(), true.into());
    Ok(())
}

fn edit(server: &mut Server, name: &str, edit: impl FnOnce(&mut Object) -> Result<()>) -> Result<()> {
    let mut user = find(server, name)?.0.as_object().cloned().unwrap_or_default();
    let key = user.get("_key").and_then(Value::as_str).unwrap_or_default().to_owned();
    edit(&mut user)?;
    let options = WriteOptions::default();
    server
        .database_mut("_system")?
        .replace(USERS, &key, &Value::object(user), &options)
        .map(drop)
}

fn edit_entry<T>(user: &mut Object, database: &str, grant: T, edit: impl FnOnce(&mut Object, T)) {
    let mut databases = user
        .get("databases")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    let mut entry = databases
        .get(database)
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    edit(&mut entry, grant);
    databases.set(database, Value::object(entry));
    user.set("databases", Value::object(databases));
}

fn authentication(active: bool, password: &str) -> Result<Value> {
    let mut salt = [0; 4];
    SystemRandom::new()
        .fill(&mut salt)
        .map_err(|_| ArangoError::new(4, "no randomness for a salt"))?;
    let salt = hex(&salt);
    let simple = [
        ("hash", hash(&salt, password).into()),
        ("salt", salt.into()),
        ("method", "sha256".into()),
    ];
    Ok(object([("active", active.into()), ("simple", object(simple))]))
}

fn hash(salt: &str, password: &str) -> String {
    hex(digest(&SHA256, format!("{salt}{password}").as_bytes()).as_ref())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

fn object<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::object(
        entries
            .into_iter()
            .map(|(name, value)| (Text::from(name), value))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> Server {
        let mut server = Server::new();
        server.create_database("shop").unwrap();
        bootstrap(&mut server).unwrap();
        create(
            &mut server,
            "app",
            &Profile {
                password: Some("pw"),
                ..Profile::default()
            },
        )
        .unwrap();
        server
    }

    #[test]
    fn passwords_and_activity_decide_a_login() {
        let mut server = server();
        assert!(login(&server, "root", "").is_some() && login(&server, "app", "pw").is_some());
        assert!(login(&server, "app", "").is_none() && login(&server, "nobody", "pw").is_none());
        change(
            &mut server,
            "app",
            &Profile {
                active: Some(false),
                ..Profile::default()
            },
            false,
        )
        .unwrap();
        assert!(login(&server, "app", "pw").is_none(), "inactive");
        set_password(&mut server, "root", "new").unwrap();
        assert!(login(&server, "root", "").is_none() && login(&server, "root", "new").is_some());
        assert_eq!(create(&mut server, "app", &Profile::default()).unwrap_err().num, 1702);
        assert_eq!(remove(&mut server, "root").unwrap_err().num, 11);
        remove(&mut server, "app").unwrap();
        assert_eq!(find(&server, "app").err().map(|error| error.num), Some(1703));
    }

    #[test]
    fn grants_follow_arangodb_s_rules() {
        let mut server = server();
        let level = |server: &Server, database: &str, collection: &str| {
            let account = find(server, "app").unwrap();
            (account.database(database), account.collection(database, collection))
        };
        assert_eq!(level(&server, "shop", "c"), (Grant::None, Grant::None));
        grant_database(&mut server, "app", "shop", Some(Grant::Write)).unwrap();
        assert_eq!(
            level(&server, "shop", "c"),
            (Grant::Write, Grant::None),
            "a database grant says nothing of collections"
        );
        grant_collection(&mut server, "app", "shop", "*", Some(Grant::Read)).unwrap();
        grant_collection(&mut server, "app", "shop", "c", Some(Grant::Write)).unwrap();
        assert_eq!(level(&server, "shop", "c"), (Grant::Write, Grant::Write));
        assert_eq!(level(&server, "shop", "d"), (Grant::Write, Grant::Read));
        grant_database(&mut server, "app", "*", Some(Grant::Read)).unwrap();
        assert_eq!(level(&server, "other", "c"), (Grant::Read, Grant::None));
        grant_collection(&mut server, "app", "other", "c", Some(Grant::Read)).unwrap();
        assert_eq!(
            level(&server, "other", "c"),
            (Grant::Read, Grant::Read),
            "the wildcard's level is kept"
        );
        grant_collection(&mut server, "app", "shop", "c", None).unwrap();
        assert_eq!(level(&server, "shop", "c"), (Grant::Write, Grant::Read));
        let root = find(&server, "root").unwrap();
        assert_eq!(
            root.collection("_system", "_users"),
            Grant::None,
            "nobody reads the users"
        );
        assert_eq!(root.collection("shop", "anything"), Grant::Write);
    }
}
