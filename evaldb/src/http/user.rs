//! `/_api/user`: users, passwords, grants (`RestUsersHandler.cpp`).

use super::auth::text;
use super::{Call, Fault, Method, Outcome, Reply, admin, session};
use crate::arangod::accounts::{self, Account, Grant, Profile};
use crate::error::ArangoError;
use crate::store::Server;
use crate::value::Value;
use serde_json::{Map, json};

pub(super) fn handle(call: &Call) -> Outcome {
    let rest = call.rest(2);
    let own = rest
        .first()
        .is_some_and(|name| session::current_user(call) == Some(*name));
    match rest.as_slice() {
        [] | [_, "database", _, ..] if call.method != Method::Get => admin::need_admin(call)?,
        [] => admin::need_admin(call)?,
        _ if own => {}
        _ => admin::need_admin(call)?,
    }
    match (call.method, rest.as_slice()) {
        (Method::Get, []) => {
            let users: Vec<_> = call
                .service
                .with_server(|server| accounts::all(server).map(|user| user.public()).collect());
            Ok(Reply::result(200, json!(users)))
        }
        (Method::Post, []) => {
            let body = call.json_object()?;
            let name = text(&body, "user").unwrap_or("").to_owned();
            call.service
                .change(|server| accounts::create(server, &name, &profile(&body)))?;
            shown(call, 201, &name)
        }
        (Method::Post, [name]) => {
            let body = call.json_object()?;
            let password = text(&body, "passwd").unwrap_or("");
            if call
                .service
                .with_server(|server| accounts::login(server, name, password).is_some())
            {
                Ok(Reply::result(200, json!(true)))
            } else {
                Err(ArangoError::new(1703, "user not found").into())
            }
        }
        (Method::Get, [name]) => shown(call, 200, name),
        (Method::Put | Method::Patch, [name]) => {
            let body = call.json_object()?;
            let mut profile = profile(&body);
            if call.service.unruly().forget_passwords {
                profile.password = None;
            }
            let replace = call.method == Method::Put;
            call.service
                .change(|server| accounts::change(server, name, &profile, replace))?;
            shown(call, 200, name)
        }
        (Method::Delete, [name]) => {
            admin::need_admin(call)?;
            call.service.change(|server| accounts::remove(server, name))?;
            Ok(Reply::ok(202, json!({})))
        }
        (_, [name, "database", place @ ..]) => grants(call, name, place),
        (_, [name, "config", key @ ..]) => config(call, name, key.first().copied()),
        _ => Err(Fault::bad("bad parameter")),
    }
}

fn profile(body: &Value) -> Profile<'_> {
    Profile {
        password: text(body, "passwd"),
        active: body
            .get("active")
            .filter(|active| matches!(active, Value::Bool(_)))
            .map(Value::is_true),
        extra: body.get("extra").filter(|extra| extra.as_object().is_some()).cloned(),
    }
}

fn shown(call: &Call, status: u16, name: &str) -> Outcome {
    let user = call
        .service
        .with_server(|server| accounts::find(server, name).map(|user| user.public()))?;
    Ok(Reply::ok(status, user.into()))
}

fn grants(call: &Call, name: &str, place: &[&str]) -> Outcome {
    match (call.method, place) {
        (Method::Get, []) => {
            let full = call.flag("full", false);
            let databases = call.service.with_server(|server| {
                accounts::find(server, name).map(|user| {
                    if full {
                        every_grant(server, &user)
                    } else {
                        usable(server, &user)
                    }
                })
            })?;
            Ok(Reply::result(200, databases.into()))
        }
        (Method::Get, [database]) => {
            let configured = call.flag("configured", false);
            level(call, name, |user| {
                if configured {
                    user.configured_database(database)
                } else {
                    Some(user.database(database))
                }
            })
        }
        (Method::Get, [database, collection]) => {
            let configured = call.flag("configured", false);
            level(call, name, |user| {
                if configured {
                    user.configured_collection(database, collection)
                } else {
                    Some(user.collection(database, collection))
                }
            })
        }
        (Method::Put, [database]) => {
            let grant = wanted(call)?;
            call.service
                .change(|server| accounts::grant_database(server, name, database, Some(grant)))?;
            Ok(Reply::ok(200, json!({ *database: grant.name() })))
        }
        (Method::Put, [database, collection]) => {
            let grant = wanted(call)?;
            call.service.change(|server| {
                if *database != "*" && *collection != "*" {
                    server.database(database)?.collection(collection)?;
                }
                accounts::grant_collection(server, name, database, collection, Some(grant))
            })?;
            Ok(Reply::ok(
                200,
                json!({ format!("{database}/{collection}"): grant.name() }),
            ))
        }
        (Method::Delete, [database]) => {
            call.service
                .change(|server| accounts::grant_database(server, name, database, None))?;
            Ok(Reply::ok(202, json!({})))
        }
        (Method::Delete, [database, collection]) => {
            call.service
                .change(|server| accounts::grant_collection(server, name, database, collection, None))?;
            Ok(Reply::ok(202, json!({})))
        }
        _ => Err(Fault::bad("bad parameter")),
    }
}

fn level(call: &Call, name: &str, look: impl FnOnce(&Account<'_>) -> Option<Grant>) -> Outcome {
    let grant = call
        .service
        .with_server(|server| accounts::find(server, name).map(|user| look(&user)))?;
    Ok(Reply::result(200, json!(grant.map_or("undefined", Grant::name))))
}

fn wanted(call: &Call) -> Result<Grant, Fault> {
    let body = call.json_object()?;
    Ok(Grant::parse(
        text(&body, "grant").ok_or_else(|| Fault::bad("bad parameter"))?,
    )?)
}

fn usable(server: &Server, user: &Account<'_>) -> Map<String, serde_json::Value> {
    let databases = server
        .databases()
        .map(|database| (database.name().to_owned(), user.database(database.name())));
    databases
        .filter(|(_, grant)| *grant >= Grant::Read)
        .map(|(name, grant)| (name, json!(grant.name())))
        .collect()
}

fn every_grant(server: &Server, user: &Account<'_>) -> Map<String, serde_json::Value> {
    let name = |grant: Option<Grant>| grant.map_or("undefined", Grant::name);
    let mut all = Map::new();
    for database in server.databases() {
        let collections = database
            .collections()
            .map(|collection| &**collection.name())
            .chain(["*"]);
        let collections: Map<String, serde_json::Value> = collections
            .map(|collection| {
                (
                    collection.to_owned(),
                    json!(name(user.configured_collection(database.name(), collection))),
                )
            })
            .collect();
        let permission = name(user.configured_database(database.name()));
        all.insert(
            database.name().to_owned(),
            json!({ "permission": permission, "collections": collections }),
        );
    }
    all.insert("*".to_owned(), json!({ "permission": user.database("*").name() }));
    all
}

fn config(call: &Call, name: &str, key: Option<&str>) -> Outcome {
    match (call.method, key) {
        (Method::Get, key) => {
            let config = call
                .service
                .with_server(|server| accounts::find(server, name).map(|user| user.config()))?;
            let shown = key.map_or_else(
                || config.to_json(),
                |key| config.get(key).map_or(json!(null), Value::to_json),
            );
            Ok(Reply::result(200, shown))
        }
        (Method::Put, Some(key)) => {
            let body = call.json_object()?;
            let value = body.get("value").cloned();
            call.service
                .change(|server| accounts::configure(server, name, Some(key), value))?;
            Ok(Reply::ok(200, json!({})))
        }
        (Method::Delete, key) => {
            call.service
                .change(|server| accounts::configure(server, name, key, None))?;
            Ok(Reply::ok(202, json!({})))
        }
        _ => Err(Fault::wrong_method()),
    }
}
