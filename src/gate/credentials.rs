//! Who asks: the `Authorization` header, read as arangod reads it and written in one spelling.
//!
//! The gate does not check secrets; ArangoDB does. The gate learns the name, because rules are by name, and refuses
//! `root` and superuser tokens. So a name that is read here must be the name that arangod will read: base64 is decoded
//! strictly and re-encoded, and what arangod would read leniently is no credential at all.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

use super::json::{self, JsonLimits};
use super::reply::Refusal;
use crate::judge::Rule;

/// What a request says about who sends it.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user's name; `None`: no credentials, or a superuser token where those are allowed.
    pub user: Option<String>,
    /// The `Authorization` header to send on, rebuilt.
    pub header: Option<String>,
    /// Whether ArangoDB would act without any user's limits.
    pub privileged: bool,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The header is a secret.
        formatter
            .debug_struct("Credentials")
            .field("user", &self.user)
            .field("privileged", &self.privileged)
            .finish_non_exhaustive()
    }
}

impl Credentials {
    /// No credentials.
    pub const fn none() -> Self {
        Credentials {
            user: None,
            header: None,
            privileged: false,
        }
    }

    /// Reads an `Authorization` header.
    ///
    /// `now` is in seconds of Unix time.
    ///
    /// # Errors
    /// 401 when the header is nothing that arangod could accept.
    pub fn read(header: Option<&str>, now: u64) -> Result<Self, Refusal> {
        let Some(header) = header else {
            return Ok(Self::none());
        };
        let (scheme, rest) = header.split_once(' ').ok_or_else(Refusal::unauthenticated)?;
        let value = rest.trim_start_matches(' ');
        if scheme.eq_ignore_ascii_case("basic") {
            basic(value, now)
        } else if scheme.eq_ignore_ascii_case("bearer") {
            bearer(value, now)
        } else {
            None
        }
        .ok_or_else(Refusal::unauthenticated)
    }

    /// Refuses `root` and superusers.
    ///
    /// # Errors
    /// 403 (not 401: drivers would log in again and repeat).
    pub fn refuse_root(&self) -> Result<(), Refusal> {
        if self.privileged {
            return Err(Refusal::denied(
                Rule::OperationNotAllowed,
                "root and superuser credentials are not accepted here; use an application user (MALLKU_ALLOW_ROOT=true lifts this)",
            ));
        }
        Ok(())
    }
}

/// Whether a user has every right in ArangoDB whatever its grants.
pub fn is_root(user: &str) -> bool {
    user == "root"
}

fn basic(value: &str, now: u64) -> Option<Credentials> {
    let decoded = STANDARD.decode(value).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    if text.chars().any(char::is_control) {
        return None;
    }
    let (name, password) = text.split_once(':')?;
    let user = match access_token_user(password, now) {
        // The token's user is who ArangoDB acts for; a name beside it must agree.
        Token::Of(user) if name.is_empty() || name == user => user,
        Token::Of(_) | Token::Broken => return None,
        Token::No if name.is_empty() => return None,
        Token::No => name.to_owned(),
    };
    Some(Credentials {
        privileged: is_root(&user),
        user: Some(user),
        header: Some(format!("Basic {}", STANDARD.encode(text.as_bytes()))),
    })
}

/// What a password is, seen as an access token.
#[derive(Debug, PartialEq, Eq)]
pub enum Token {
    /// An ordinary password.
    No,
    /// A token of this user.
    Of(String),
    /// A token that cannot be read or has expired.
    Broken,
}

/// Reads a password as an access token (ArangoDB 3.12.5): `v1.` and the hexadecimal form of `{"e":…,"c":…,"u":…,"r":…}`.
pub fn access_token_user(password: &str, now: u64) -> Token {
    let Some(hex) = password.strip_prefix("v1.") else {
        return Token::No;
    };
    // An ordinary password may begin like a token; then it is not the hexadecimal form of an object.
    let Some(bytes) = decode_hex(hex) else {
        return Token::No;
    };
    if bytes.first() != Some(&b'{') {
        return Token::No;
    }
    let Ok(Value::Object(claims)) = json::parse(&bytes, JsonLimits { depth: 4, values: 64 }) else {
        return Token::Broken;
    };
    let expired = match claims.get("e").and_then(Value::as_f64) {
        #[allow(clippy::cast_precision_loss, reason = "seconds since 1970 are far below 2^53")]
        Some(end) => end <= now as f64,
        None => true,
    };
    match claims.get("u").and_then(Value::as_str) {
        Some(user) if !user.is_empty() && !expired => Token::Of(user.to_owned()),
        _ => Token::Broken,
    }
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    if text.is_empty() || !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| {
            let pair = text.get(at..at + 2)?;
            if pair.starts_with('+') {
                return None;
            }
            u8::from_str_radix(pair, 16).ok()
        })
        .collect()
}

/// A JSON Web Token, as `arangod/Auth/TokenCache` accepts it: HS256, issued by `arangodb`. Without
/// `preferred_username` it is a superuser's.
fn bearer(value: &str, now: u64) -> Option<Credentials> {
    let mut parts = value.split('.');
    let (header, payload, signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let read = |part: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
        match json::parse(&bytes, JsonLimits { depth: 8, values: 4096 }) {
            Ok(Value::Object(object)) => Some(object),
            _ => None,
        }
    };
    let (head, claims) = (read(header)?, read(payload)?);
    // Decoded leniently by arangod, so that one token has many spellings; only the canonical one passes.
    let signature_bytes = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let text = |object: &serde_json::Map<String, Value>, name: &str| {
        object.get(name).and_then(Value::as_str).map(str::to_owned)
    };
    if text(&head, "alg")? != "HS256" || text(&head, "typ")? != "JWT" || text(&claims, "iss")? != "arangodb" {
        return None;
    }
    let end = claims.get("exp").and_then(Value::as_f64)?;
    #[allow(clippy::cast_precision_loss, reason = "seconds since 1970 are far below 2^53")]
    if end <= now as f64 {
        return None;
    }
    let user = match claims.get("preferred_username") {
        Some(Value::String(user)) if !user.is_empty() => Some(user.clone()),
        Some(_) => return None,
        None if claims.contains_key("server_id") => None,
        None => return None,
    };
    Some(Credentials {
        privileged: user.as_deref().is_none_or(is_root),
        user,
        header: Some(format!(
            "bearer {header}.{payload}.{}",
            URL_SAFE_NO_PAD.encode(signature_bytes)
        )),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn basic_header(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    fn jwt(head: &Value, claims: &Value) -> String {
        jwt_text(&head.to_string(), &claims.to_string())
    }

    fn jwt_text(head: &str, claims: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("bearer {}.{}.{}", part(head), part(claims), part("signature"))
    }

    fn token(claims: &Value) -> String {
        let hex: String = claims.to_string().bytes().map(|byte| format!("{byte:02x}")).collect();
        format!("v1.{hex}")
    }

    /// `Ok(user)`, or the status that refuses.
    fn outcome(header: &str) -> Result<Option<String>, u16> {
        let credentials = Credentials::read(Some(header), NOW).map_err(|refusal| refusal.status)?;
        credentials.refuse_root().map_err(|refusal| refusal.status)?;
        Ok(credentials.user)
    }

    #[test]
    fn basic_names_the_user() {
        assert_eq!(outcome(&basic_header("app:pw")), Ok(Some("app".into())));
        assert_eq!(outcome(&basic_header("app:")), Ok(Some("app".into())));
        assert_eq!(outcome(&basic_header("app:a:b")), Ok(Some("app".into())));
        assert_eq!(
            outcome(&basic_header("app:pw").replace("Basic ", "bAsIc   ")),
            Ok(Some("app".into()))
        );
        assert_eq!(outcome(&basic_header("root:")), Err(403));
        assert_eq!(outcome(&basic_header("ROOT:x")), Ok(Some("ROOT".into())));
        assert_eq!(outcome(&basic_header("root :x")), Ok(Some("root ".into())));
        for text in ["root\0:x", "app", ":pw", "a\n:x"] {
            assert_eq!(outcome(&basic_header(text)), Err(401), "{text:?}");
        }
        for header in [
            "Basic",
            "Basic ",
            "Basic YXBwOnB3 ",
            "Basic YXBw OnB3",
            "Basic YXBwOnB",
            "Basic YXBwOnB3=",
            "Basic YXBwOj8_",
            "Basic a, Basic b",
            "Digest x",
            "Basic\tYXBwOnB3",
            "Basic\u{a0}YXBwOnB3",
        ] {
            assert_eq!(outcome(header), Err(401), "{header:?}");
        }
    }

    #[test]
    fn access_tokens_name_their_own_user() {
        let of = |user: &str, end: u64| token(&json!({"e": end, "c": 1, "u": user, "r": "x"}));
        assert_eq!(
            outcome(&basic_header(&format!(":{}", of("app", NOW + 9)))),
            Ok(Some("app".into()))
        );
        assert_eq!(
            outcome(&basic_header(&format!("app:{}", of("app", NOW + 9)))),
            Ok(Some("app".into()))
        );
        assert_eq!(outcome(&basic_header(&format!(":{}", of("root", NOW + 9)))), Err(403));
        assert_eq!(outcome(&basic_header(&format!("x:{}", of("root", NOW + 9)))), Err(401));
        assert_eq!(outcome(&basic_header(&format!(":{}", of("app", NOW)))), Err(401));
        assert_eq!(outcome(&basic_header("app:v1.secret")), Ok(Some("app".into())));
    }

    #[test]
    fn bearer_tokens_are_arangods() {
        let head = json!({"alg": "HS256", "typ": "JWT"});
        let claims = json!({"iss": "arangodb", "preferred_username": "app", "exp": NOW + 60});
        assert_eq!(outcome(&jwt(&head, &claims)), Ok(Some("app".into())));
        assert_eq!(
            outcome(&jwt(&head, &claims).replace("bearer", "Bearer")),
            Ok(Some("app".into()))
        );
        let with = |name: &str, value: Value| {
            let mut changed = claims.clone();
            changed[name] = value;
            outcome(&jwt(&head, &changed))
        };
        assert_eq!(with("preferred_username", json!("root")), Err(403));
        for user in [json!(""), json!(null), json!(["app"])] {
            assert_eq!(with("preferred_username", user), Err(401));
        }
        for end in [json!(0), json!(NOW), json!("later"), json!(null)] {
            assert_eq!(with("exp", end), Err(401));
        }
        assert_eq!(with("iss", json!("other")), Err(401));
        let superuser = json!({"iss": "arangodb", "server_id": "x", "exp": NOW + 60});
        assert_eq!(outcome(&jwt(&head, &superuser)), Err(403));
        assert_eq!(
            outcome(&jwt(&head, &json!({"iss": "arangodb", "exp": NOW + 60}))),
            Err(401)
        );
        assert_eq!(
            outcome(&jwt(&head, &json!({"iss": "arangodb", "server_id": "x"}))),
            Err(401)
        );
        for other in [
            json!({"alg": "none", "typ": "JWT"}),
            json!({"alg": "RS256", "typ": "JWT"}),
            json!({"alg": "hs256", "typ": "JWT"}),
            json!({"alg": "HS256"}),
        ] {
            assert_eq!(outcome(&jwt(&other, &claims)), Err(401), "{other}");
        }
        let twice = format!(
            r#"{{"iss":"arangodb","preferred_username":"app","preferred_username":"root","exp":{}}}"#,
            NOW + 60
        );
        assert_eq!(outcome(&jwt_text(&head.to_string(), &twice)), Err(401));
        let good = jwt(&head, &claims);
        assert_eq!(outcome(&format!("{good}.x")), Err(401));
        assert_eq!(outcome(&good[..good.rfind('.').unwrap_or(0)]), Err(401));
        assert_eq!(outcome(&format!("{good}=")), Err(401));
    }

    #[test]
    fn what_is_sent_on_is_the_canonical_spelling() {
        let header = Credentials::read(Some("bAsIC  YXBwOnB3"), NOW).map(|credentials| credentials.header);
        assert_eq!(header, Ok(Some("Basic YXBwOnB3".into())));
    }
}
