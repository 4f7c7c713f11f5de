//! Identity, version and time.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use super::passage::{failure, read_object, respond};
use super::{AVAILABILITY, Context, Firewall};
use crate::gate::credentials::{self, Credentials, Token};
use crate::gate::message::Response;
use crate::gate::parameters::{Kind, Parameters, TargetWriter};
use crate::gate::reply::{Refusal, number};
use crate::gate::upstream::Method;

/// Longest life of a token that may be asked for, in seconds (arangod's own default limit).
const MAX_EXPIRY: u64 = 3600;

impl Firewall {
    /// `/_open/auth`: name and password, or an access token as the password.
    pub(super) fn login(&self, context: &mut Context<'_>) -> Result<Response, Refusal> {
        Parameters::read(context.target, &[])?;
        let address = context.request.peer.map(|peer| peer.ip());
        let _permit = self.limiter.enter_login(address, Instant::now())?;
        let mut body = context.object()?;
        let Some(Value::String(password)) = body.remove("password") else {
            return Err(Refusal::bad_parameter("\"password\" is missing or no string"));
        };
        let username = match body.remove("username") {
            None => None,
            Some(Value::String(name)) => Some(name),
            Some(_) => return Err(Refusal::bad_parameter("\"username\" is no string")),
        };
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let wrong = || Refusal::new(401, number::HTTP_UNAUTHORIZED, "Wrong credentials");
        let user = match (credentials::access_token_user(&password, now), &username) {
            (Token::Of(user), None) => user,
            (Token::Of(user), Some(name)) if *name == user || name.is_empty() => user,
            (Token::No, Some(name)) if !name.is_empty() => name.clone(),
            _ => return Err(wrong()),
        };
        context.trail.user = Some(user.clone());
        let claimed = Credentials {
            privileged: credentials::is_root(&user),
            user: Some(user),
            header: None,
        };
        if !self.allow_root
            && let Err(refusal) = claimed.refuse_root()
        {
            context.admit_or(refusal)?;
        }
        let mut rebuilt = Map::new();
        if let Some(username) = username {
            rebuilt.insert("username".into(), username.into());
        }
        rebuilt.insert("password".into(), password.into());
        match body.remove("expiryTime") {
            None | Some(Value::Null) => {}
            Some(seconds) => match seconds.as_u64() {
                Some(seconds) if (10..=MAX_EXPIRY).contains(&seconds) => {
                    rebuilt.insert("expiryTime".into(), seconds.into());
                }
                _ => {
                    return Err(Refusal::bad_parameter(
                        "\"expiryTime\" is not between 10 and 3600 seconds",
                    ));
                }
            },
        }
        self.token(context, "/_open/auth", Some(Value::Object(rebuilt)))
    }

    /// `/_open/auth/renew`: the bearer token counts.
    pub(super) fn renew(&self, context: &mut Context<'_>) -> Result<Response, Refusal> {
        Parameters::read(context.target, &[])?;
        context.no_body()?;
        self.token(context, "/_open/auth/renew", None)
    }

    fn token(&self, context: &mut Context<'_>, words: &'static str, body: Option<Value>) -> Result<Response, Refusal> {
        // These routes belong to no database; a prefix would only be one more thing to be wrong.
        let mut outgoing = Self::outgoing(context, Method::Post, TargetWriter::server().words(words).finish());
        outgoing.body = body.map(|body| body.to_string().into_bytes());
        let answer = self.send(context, outgoing)?;
        if answer.status >= 400 {
            return failure(answer, false);
        }
        let mut object = read_object(&answer)?;
        object.retain(|name, _| matches!(name.as_str(), "jwt" | "must_change_password"));
        Ok(respond(answer, &Value::Object(object)))
    }

    pub(super) fn version(&self, context: &mut Context<'_>) -> Result<Response, Refusal> {
        // arangojs sends `undefined` where nothing was asked for.
        let parameters = Parameters::read(context.target, &[("details", Kind::Flag)])?;
        let target = TargetWriter::new(context.database())
            .words("/_api/version")
            .flag("details", parameters.is("details").then_some(true))
            .finish();
        let outgoing = Self::outgoing(context, Method::Get, target);
        let answer = self.send(context, outgoing)?;
        if answer.status >= 400 {
            return failure(answer, false);
        }
        let mut object = read_object(&answer)?;
        object.retain(|name, _| matches!(name.as_str(), "server" | "license" | "version" | "details"));
        if let Some(Value::Object(details)) = object.get_mut("details") {
            details.retain(|name, _| matches!(name.as_str(), "role" | "mode"));
        }
        Ok(respond(answer, &Value::Object(object)))
    }

    /// Routes that take nothing and tell nothing but themselves.
    pub(super) fn plain(&self, context: &mut Context<'_>) -> Result<Response, Refusal> {
        Parameters::read(context.target, &[])?;
        let words = context.trail.route.unwrap_or_default();
        // Availability is for everybody and belongs to no database: with a name before it, arangod would tell strangers whether
        // there is a database of that name.
        let target = if words == AVAILABILITY {
            TargetWriter::server()
        } else {
            TargetWriter::new(context.database())
        };
        let target = target.words(words).finish();
        let outgoing = Self::outgoing(context, Method::Get, target);
        let answer = self.send(context, outgoing)?;
        if answer.status >= 400 {
            return failure(answer, false);
        }
        let mut object = read_object(&answer)?;
        object.retain(|name, _| {
            matches!(
                name.as_str(),
                "error" | "code" | "time" | "mode" | "role" | "errorMessage"
            )
        });
        if words.ends_with("/role") {
            // What a client can know of a cluster is this gate.
            object.insert("role".into(), json!("SINGLE"));
        }
        Ok(respond(answer, &Value::Object(object)))
    }
}
