//! Version and login.

use super::auth::{self, Identity, text};
use super::{Call, Fault, Method, Outcome, Reply};
use crate::arangod::{IDENTITY, accounts};
use serde_json::json;

/// `GET /_api/version`.
pub(super) fn version(call: &Call) -> Outcome {
    if call.method != Method::Get && call.method != Method::Head {
        return Err(Fault::wrong_method());
    }
    let version = call.service.build().version.to_string();
    let mut body = json!({ "server": "arango", "license": IDENTITY });
    let hidden = call.service.options().flag("server.harden", false) && !super::admin::is_admin(call);
    if !hidden {
        body["version"] = version.clone().into();
        if call.flag("details", false) {
            body["details"] = json!({
                "architecture": "64bit", "mode": "server", "role": "SINGLE", "platform": "linux",
                "server-version": version, "host": call.service.directory().server_id(), "evaldb": IDENTITY,
            });
        }
    }
    Ok(Reply::json(200, &body))
}

/// `POST /_open/auth` and `POST /_open/auth/renew`.
pub(super) fn open_auth(call: &Call) -> Outcome {
    if call.method != Method::Post {
        return Err(Fault::wrong_method());
    }
    if call.rest(2) == ["renew"] {
        return renew(call);
    }
    let body = call.json()?;
    let password = text(&body, "password").ok_or_else(|| Fault::new(400, 400, "password is missing"))?;
    let name = text(&body, "username").unwrap_or("");
    let lifetime = lifetime(call, body.get("expiryTime").map(crate::value::Value::to_f64))?;
    let known = call
        .service
        .with_server(|server| accounts::login(server, name, password).is_some());
    if !known {
        return Err(Fault::new(401, 401, "Wrong credentials"));
    }
    Ok(Reply::json(
        200,
        &json!({ "jwt": auth::mint(&call.service, name, lifetime) }),
    ))
}

fn lifetime(call: &Call, wanted: Option<f64>) -> Result<f64, Fault> {
    let options = call.service.options();
    let Some(wanted) = wanted else {
        return Ok(options.number("server.session-timeout", 3600.0));
    };
    let range =
        options.number("auth.minimal-jwt-expiry-time", 10.0)..=options.number("auth.maximal-jwt-expiry-time", 3600.0);
    if range.contains(&wanted) {
        Ok(wanted)
    } else {
        Err(Fault::new(400, 400, "expiryTime is out of range"))
    }
}

/// A new token when the old one is about to end, nothing otherwise.
fn renew(call: &Call) -> Outcome {
    const CLOSE_TO_THE_END: f64 = 150.0;
    let token = call
        .header("authorization")
        .and_then(|value| value.split_once(' '))
        .map_or("", |(_, token)| token.trim());
    let claims = auth::verified_claims(&call.service, token).ok_or_else(auth::not_authorized)?;
    let name = claims.get("preferred_username").and_then(serde_json::Value::as_str);
    let left = claims
        .get("exp")
        .and_then(serde_json::Value::as_f64)
        .map(|end| end - crate::arangod::now().as_secs_f64());
    match (name, left) {
        (Some(name), Some(left)) if left < CLOSE_TO_THE_END => {
            let fresh = auth::mint(&call.service, name, lifetime(call, None)?);
            Ok(Reply::json(200, &json!({ "jwt": fresh })))
        }
        _ => Ok(Reply::json(200, &json!({}))),
    }
}

/// The user that asks, where there is one.
pub(super) fn current_user(call: &Call) -> Option<&str> {
    match &call.who {
        Identity::Superuser => None,
        Identity::User(name) => Some(name),
    }
}
