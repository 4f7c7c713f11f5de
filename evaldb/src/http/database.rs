//! `/_api/database`.

use super::auth::{self, Identity, text};
use super::{Call, Fault, Method, Outcome, Reply};
use crate::arangod::accounts::{self, Grant, Profile};
use crate::error::ArangoError;
use crate::store::Server;
use crate::value::Value;
use serde_json::json;

pub(super) fn handle(call: &Call) -> Outcome {
    match (call.method, call.rest(2).as_slice()) {
        (Method::Get, ["current"]) => current(call),
        (Method::Get, ["user"]) => Ok(Reply::result(200, json!(visible(call)))),
        (Method::Get, []) => {
            administrate(call)?;
            let names: Vec<String> = call
                .service
                .with_server(|server| server.databases().map(|d| d.name().to_owned()).collect());
            Ok(Reply::result(200, json!(names)))
        }
        (Method::Post, []) => create(call),
        (Method::Delete, [name]) => {
            administrate(call)?;
            call.service.change(|server| {
                server.drop_database(name)?;
                accounts::forget_database(server, name)
            })?;
            Ok(Reply::result(200, json!(true)))
        }
        (Method::Get | Method::Post | Method::Delete, _) => Err(Fault::unknown_path(&call.path)),
        _ => Err(Fault::wrong_method()),
    }
}

/// Only in `_system`, and only with the right to administrate it.
fn administrate(call: &Call) -> Result<(), Fault> {
    if call.database != "_system" {
        return Err(ArangoError::new(1230, "operation only allowed in system database").into());
    }
    super::admin::need_admin(call)
}

fn current(call: &Call) -> Outcome {
    let id = call
        .service
        .with_server(|server| server.database(&call.database).map(crate::store::Database::id))?;
    Ok(Reply::result(
        200,
        json!({
            "name": call.database, "id": id.to_string(), "isSystem": call.database == "_system",
            "path": call.service.directory().path().display().to_string(),
        }),
    ))
}

fn visible(call: &Call) -> Vec<String> {
    let names: Vec<String> = call
        .service
        .with_server(|server| server.databases().map(|d| d.name().to_owned()).collect());
    names
        .into_iter()
        .filter(|name| auth::database_grant(&call.service, &call.who, name) >= Grant::Read)
        .collect()
}

fn create(call: &Call) -> Outcome {
    administrate(call)?;
    let body = call.json_object()?;
    let name = text(&body, "name").ok_or_else(|| Fault::from(ArangoError::new(1229, "database name invalid")))?;
    let users = body.get("users").and_then(Value::as_array).unwrap_or_default();
    call.service.change(|server| {
        accounts::create_system_collections(server.create_database(name)?)?;
        for user in users {
            add_user(server, name, user)?;
        }
        // Whoever creates a database may use it.
        match &call.who {
            Identity::User(creator) if users.is_empty() => allow(server, creator, name),
            _ => Ok(()),
        }
    })?;
    Ok(Reply::result(201, json!(true)))
}

fn add_user(server: &mut Server, database: &str, user: &Value) -> Result<(), ArangoError> {
    let name = text(user, "username").or_else(|| text(user, "user")).unwrap_or("");
    if accounts::find(server, name).is_err() {
        let profile = Profile {
            password: text(user, "passwd").or_else(|| text(user, "password")),
            active: user.get("active").map(Value::is_true),
            extra: user.get("extra").cloned(),
        };
        accounts::create(server, name, &profile)?;
    }
    allow(server, name, database)
}

fn allow(server: &mut Server, user: &str, database: &str) -> Result<(), ArangoError> {
    accounts::grant_database(server, user, database, Some(Grant::Write))?;
    accounts::grant_collection(server, user, database, "*", Some(Grant::Write))
}
