//! `/_admin/…`: availability, status, role, secrets, shutdown, and the few other things that somebody asks a server.

use super::auth::{self, Identity};
use super::{Call, Fault, Method, Outcome, Reply};
use crate::arangod::accounts::Grant;
use crate::arangod::{IDENTITY, Phase, now, options};
use serde_json::json;

/// Whether the caller may administrate: write access to `_system`.
pub(super) fn is_admin(call: &Call) -> bool {
    auth::database_grant(&call.service, &call.who, "_system") == Grant::Write
}

pub(super) fn need_admin(call: &Call) -> Result<(), Fault> {
    if is_admin(call) {
        Ok(())
    } else {
        Err(Fault::forbidden())
    }
}

fn need(call: &Call, method: Method) -> Result<(), Fault> {
    if call.method == method || (method == Method::Get && call.method == Method::Head) {
        Ok(())
    } else {
        Err(Fault::wrong_method())
    }
}

/// `/_admin/server/…`.
pub(super) fn server(call: &Call) -> Outcome {
    match (call.method, call.rest(2).as_slice()) {
        (Method::Get | Method::Head, ["availability"]) => availability(call),
        (Method::Get, ["role"]) => Ok(Reply::ok(
            200,
            json!({ "errorNum": 0, "mode": "default", "role": "SINGLE" }),
        )),
        (Method::Get, ["mode"]) => Ok(Reply::ok(200, json!({ "mode": "default" }))),
        (Method::Get, ["id"]) => Err(Fault::new(500, 4, "internal error: not a cluster")),
        (Method::Get, ["jwt"]) => {
            need_superuser(call)?;
            let active = super::super::arangod::accounts::hex(
                ring::digest::digest(&ring::digest::SHA256, &call.service.secrets().signing()).as_ref(),
            );
            Ok(Reply::result(
                200,
                json!({ "active": { "sha256": active }, "passive": [] }),
            ))
        }
        (Method::Post, ["jwt"]) => {
            need_superuser(call)?;
            let options = call.service.options();
            call.service
                .secrets()
                .reload(options)
                .map_err(|error| Fault::new(500, 4, error.message))?;
            Ok(Reply::ok(200, json!({})))
        }
        _ => Err(Fault::unknown_path(&call.path)),
    }
}

fn need_superuser(call: &Call) -> Result<(), Fault> {
    if call.who == Identity::Superuser {
        Ok(())
    } else {
        Err(Fault::forbidden())
    }
}

/// 200 only when the start is complete and no stop has begun.
fn availability(call: &Call) -> Outcome {
    if call.service.progress().phase() == Phase::Ready && !call.service.unruly().unavailable {
        Ok(Reply::ok(200, json!({ "mode": "default" })))
    } else {
        Err(Fault::new(503, 503, "service unavailable"))
    }
}

/// `GET /_admin/status`.
pub(super) fn status(call: &Call) -> Outcome {
    need(call, Method::Get)?;
    if call.service.options().flag("server.harden", false) {
        need_admin(call)?;
    }
    let phase = call.service.progress().phase();
    Ok(Reply::json(
        200,
        &json!({
            "server": "arango",
            "license": IDENTITY,
            "mode": "server",
            "operationMode": "server",
            "version": call.service.build().version.to_string(),
            "pid": std::process::id(),
            "foxxApi": false,
            "host": "",
            "serverInfo": {
                "progress": {
                    "phase": phase.status_name(),
                    "feature": if phase < Phase::Ready { "RocksDBRecovery" } else { "" },
                    "recoveryTick": call.service.progress().recovery_tick(),
                },
                "role": "SINGLE",
                "writeOpsEnabled": true,
                "readOnly": false,
                "maintenance": phase != Phase::Ready,
                "state": "",
                "serverId": call.service.directory().server_id(),
                "uptime": call.service.uptime().as_secs_f64(),
            },
        }),
    ))
}

/// `GET /_admin/time`.
pub(super) fn time(call: &Call) -> Outcome {
    need(call, Method::Get)?;
    Ok(Reply::ok(200, json!({ "time": now().as_secs_f64() })))
}

/// `DELETE /_admin/shutdown`.
pub(super) fn shutdown(call: &Call) -> Outcome {
    need(call, Method::Delete)?;
    need_admin(call)?;
    call.service.shut_down();
    Ok(Reply::json(200, &json!("OK")))
}

/// `GET /_admin/options`: what was set at the start.
pub(super) fn options(call: &Call) -> Outcome {
    need(call, Method::Get)?;
    let allowed = match call.service.options().text("server.options-api").unwrap_or("jwt") {
        "disabled" => return Err(Fault::unknown_path(&call.path)),
        "jwt" => call.who == Identity::Superuser,
        "admin" => is_admin(call),
        _ => true,
    };
    if !allowed {
        return Err(Fault::forbidden());
    }
    let set = call.service.options().all().map(|(name, values)| match values {
        [one] => (name.to_owned(), json!(one)),
        many => (name.to_owned(), json!(many)),
    });
    Ok(Reply::json(200, &serde_json::Value::Object(set.collect())))
}

/// `GET /_admin/license`.
pub(super) fn license(call: &Call) -> Outcome {
    need(call, Method::Get)?;
    Ok(Reply::json(
        200,
        &json!({ "license": IDENTITY, "status": "good", "upgrading": false, "diskUsage": { "status": "good" } }),
    ))
}

/// `GET /_api/engine`.
pub(super) fn engine(call: &Call) -> Outcome {
    need(call, Method::Get)?;
    match call.rest(2).as_slice() {
        [] => Ok(Reply::json(
            200,
            &json!({ "name": "rocksdb", "supports": { "indexes": ["primary", "edge", "hash", "skiplist", "ttl", "persistent", "geo", "fulltext", "inverted"] } }),
        )),
        ["stats"] => {
            need_admin(call)?;
            Ok(Reply::json(
                200,
                &json!({ "evaldb": IDENTITY, "options": options::dump(call.service.build()).as_object().map(serde_json::Map::len) }),
            ))
        }
        _ => Err(Fault::unknown_path(&call.path)),
    }
}
