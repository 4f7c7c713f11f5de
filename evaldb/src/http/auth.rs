//! Who is asking: Basic and JWT credentials by arangod's rules, and what each may do.

use super::call::{Target, header};
use super::{Fault, Service};
use crate::arangod::accounts::{self, Grant};
use crate::arangod::now;
use crate::value::Value;
use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, STANDARD, URL_SAFE_NO_PAD};
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use ring::hmac;

/// The owner of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// No user and every right: a token with `server_id`, an exempt path, or authentication switched off.
    Superuser,
    User(String),
}

impl Identity {
    /// The name under which cursors and transactions are kept.
    pub(super) fn name(&self) -> &str {
        match self {
            Identity::Superuser => "",
            Identity::User(name) => name,
        }
    }
}

/// Web-safe base64 with or without padding.
const TOKEN_BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Whether arangod runs a path for everybody, with every right.
pub(super) fn is_exempt(path: &str) -> bool {
    path == "/"
        || path == "/_admin/server/availability"
        || path.starts_with("/_open/")
        || path.starts_with("/_admin/aardvark/")
}

/// Finds out who asks; 401 when nobody can be told.
pub(super) fn identify(
    service: &Service,
    target: &Target,
    headers: &[(String, String)],
    local: bool,
) -> Result<Identity, Fault> {
    let options = service.options();
    let off = !options.flag("server.authentication", true)
        || (local && !options.flag("server.authentication-unix-sockets", true))
        || (options.flag("server.authentication-system-only", true) && !target.path.starts_with("/_"));
    if off || is_exempt(&target.path) {
        return Ok(Identity::Superuser);
    }
    let credentials = header(headers, "authorization").unwrap_or("");
    let (scheme, value) = credentials.split_once(' ').unwrap_or((credentials, ""));
    let value = value.trim_start();
    let found = match scheme.to_ascii_lowercase().as_str() {
        "basic" => basic(service, value),
        "bearer" => bearer(service, value, &target.path),
        _ => None,
    };
    found.ok_or_else(not_authorized)
}

/// 401 as arangod answers it.
pub(super) fn not_authorized() -> Fault {
    Fault::new(401, 11, "not authorized to execute this request")
}

fn basic(service: &Service, value: &str) -> Option<Identity> {
    let decoded = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
    let (name, password) = decoded.split_once(':')?;
    service.with_server(|server| {
        accounts::login(server, name, password).map(|account| Identity::User(account.name().to_owned()))
    })
}

fn bearer(service: &Service, token: &str, path: &str) -> Option<Identity> {
    if service.unruly().deny_tokens {
        return None;
    }
    let claims = verified_claims(service, token)?;
    if let Some(allowed) = claims.get("allowed_paths") {
        let allowed = allowed.as_array().filter(|paths| !paths.is_empty())?;
        if !allowed.iter().any(|one| one.as_str() == Some(path)) {
            return None;
        }
    }
    match claims.get("preferred_username") {
        Some(name) => {
            let name = name.as_str().filter(|name| !name.is_empty())?;
            let active =
                service.with_server(|server| accounts::find(server, name).is_ok_and(|account| account.is_active()));
            active.then(|| Identity::User(name.to_owned()))
        }
        None => claims.get("server_id").map(|_| Identity::Superuser),
    }
}

/// The claims of a token that one of the secrets signed and that is still valid.
pub(super) fn verified_claims(service: &Service, token: &str) -> Option<serde_json::Value> {
    let mut parts = token.split('.');
    let (head, payload, signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let header: serde_json::Value = serde_json::from_slice(&TOKEN_BASE64.decode(head).ok()?).ok()?;
    if header.get("alg")?.as_str()? != "HS256" || header.get("typ")?.as_str()? != "JWT" {
        return None;
    }
    let signature = TOKEN_BASE64.decode(signature).ok()?;
    let message = format!("{head}.{payload}");
    service.secrets().find(|secret| {
        hmac::verify(
            &hmac::Key::new(hmac::HMAC_SHA256, secret),
            message.as_bytes(),
            &signature,
        )
        .ok()
    })?;
    let claims: serde_json::Value = serde_json::from_slice(&TOKEN_BASE64.decode(payload).ok()?).ok()?;
    if claims.get("iss")?.as_str()? != "arangodb" {
        return None;
    }
    match claims.get("exp") {
        None => {}
        // Zero counts as over.
        Some(expiry) if expiry.as_f64()? > now().as_secs_f64() => {}
        Some(_) => return None,
    }
    Some(claims)
}

/// A token for a user, as `/_open/auth` gives it.
pub(super) fn mint(service: &Service, user: &str, lifetime_seconds: f64) -> String {
    let issued = now().as_secs();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
    let expiry = issued.saturating_add(lifetime_seconds.max(0.0) as u64);
    let claims = serde_json::json!({ "iss": "arangodb", "preferred_username": user, "iat": issued, "exp": expiry });
    let encode = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!(
        "{}.{}",
        encode(&serde_json::json!({ "alg": "HS256", "typ": "JWT" })),
        encode(&claims)
    );
    let key = hmac::Key::new(hmac::HMAC_SHA256, &service.secrets().signing());
    format!(
        "{message}.{}",
        URL_SAFE_NO_PAD.encode(hmac::sign(&key, message.as_bytes()))
    )
}

/// What an identity may do with a database.
pub(super) fn database_grant(service: &Service, who: &Identity, database: &str) -> Grant {
    grant(service, who, |account| account.database(database))
}

/// What an identity may do with a collection.
pub(super) fn collection_grant(service: &Service, who: &Identity, database: &str, collection: &str) -> Grant {
    grant(service, who, |account| account.collection(database, collection))
}

fn grant(service: &Service, who: &Identity, look: impl FnOnce(&accounts::Account<'_>) -> Grant) -> Grant {
    match who {
        Identity::Superuser => Grant::Write,
        Identity::User(name) => {
            service.with_server(|server| accounts::find(server, name).map_or(Grant::None, |account| look(&account)))
        }
    }
}

/// A text member of a body.
pub(super) fn text<'a>(body: &'a Value, name: &str) -> Option<&'a str> {
    body.get(name).and_then(Value::as_str)
}
