//! Tokens for arangod, minted from the secret that PID 1 chose for it.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;

/// Life of a token in seconds: each is used at once, and a clock that jumps must not outlive it.
const LIFE: u64 = 300;

/// A superuser's token: no user, every right, valid before user data is loaded.
///
/// `header.claims.signature` as RFC 7519 has it, HS256 over the secret without blanks, which is how arangod reads the file.
pub(super) fn superuser(secret: &str) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let claims = format!(
        "{{\"iss\":\"arangodb\",\"server_id\":\"mallku-db\",\"iat\":{now},\"exp\":{}}}",
        now.saturating_add(LIFE)
    );
    sign(secret, &claims)
}

fn sign(secret: &str, claims: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode("{\"alg\":\"HS256\",\"typ\":\"JWT\"}");
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.trim().as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes()));
    format!("{signed}.{signature}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_one_of_rfc_7519s_kind() {
        // From jwt.io's widely published example, secret `your-256-bit-secret`.
        let claims = "{\"sub\":\"1234567890\",\"name\":\"John Doe\",\"iat\":1516239022}";
        assert_eq!(
            sign("your-256-bit-secret\n", claims),
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.\
             SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
        );
    }

    #[test]
    fn a_superusers_token_says_so_and_ends() {
        let token = superuser("secret");
        let claims = token.split('.').nth(1).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
        assert_eq!(claims["iss"], "arangodb");
        assert_eq!(claims["server_id"], "mallku-db");
        assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), LIFE);
    }
}
