//! The request body: inflated within bounds, of a media type that is JSON, read strictly.

use std::borrow::Cow;
use std::io::Read;

use flate2::bufread::{GzDecoder, ZlibDecoder};
use serde_json::Value;

use super::budget::{NoRoomError, Share};
use super::json::{self, JsonLimits};
use super::message::Request;
use super::reply::{Refusal, number};

/// A compressed body may be any size below this, whatever its ratio.
const RATIO_FREE_BYTES: usize = 1024 * 1024;
/// Above it, the most bytes that one compressed byte may become.
const MAX_RATIO: usize = 200;

/// The bytes of the body without their content encoding, at most `limit` of them.
///
/// # Errors
/// When the body is too large, not well-formed, or in an encoding that is not supported.
pub fn inflate<'r>(request: &'r Request, limit: usize, share: &Share) -> Result<Cow<'r, [u8]>, Refusal> {
    let encoding = request.header("content-encoding").unwrap_or("identity");
    let body = request.body.as_slice();
    if body.len() > limit {
        return Err(too_large(limit));
    }
    // arangod knows exactly these tokens, in lower case; any other it ignores and takes the body as it is.
    match encoding.to_ascii_lowercase().as_str() {
        "identity" | "" => Ok(Cow::Borrowed(body)),
        _ if body.is_empty() => Ok(Cow::Borrowed(body)),
        "gzip" => {
            let mut decoder = GzDecoder::new(body);
            let out = read_bounded(&mut decoder, body.len(), limit, share)?;
            ends_here(decoder.into_inner())?;
            Ok(Cow::Owned(out))
        }
        "deflate" => {
            let mut decoder = ZlibDecoder::new(body);
            let out = read_bounded(&mut decoder, body.len(), limit, share)?;
            ends_here(decoder.into_inner())?;
            Ok(Cow::Owned(out))
        }
        other => Err(Refusal::new(
            415,
            number::HTTP_BAD_PARAMETER,
            format!("content encoding {other:?} is not supported; send the body plain, or as gzip or deflate"),
        )),
    }
}

fn read_bounded(decoder: &mut impl Read, compressed: usize, limit: usize, share: &Share) -> Result<Vec<u8>, Refusal> {
    let by_ratio = compressed.saturating_mul(MAX_RATIO).max(RATIO_FREE_BYTES);
    let bound = limit.min(by_ratio);
    share.take(bound).map_err(|error| no_room(&error))?;
    let mut out = Vec::new();
    let read = decoder.take(bound as u64 + 1).read_to_end(&mut out);
    if out.len() > bound {
        return Err(too_large(bound));
    }
    read.map_err(|error| Refusal::malformed(format!("the compressed body is not well-formed: {error}")))?;
    Ok(out)
}

fn ends_here(rest: &[u8]) -> Result<(), Refusal> {
    if rest.is_empty() {
        return Ok(());
    }
    Err(Refusal::malformed("bytes follow the end of the compressed body"))
}

fn too_large(limit: usize) -> Refusal {
    Refusal::new(
        413,
        number::HTTP_BAD_PARAMETER,
        format!("the body is larger than {limit} bytes"),
    )
}

/// Checks that the media type is one that is read as JSON.
///
/// arangod reads whatever it does not know as JSON, so clients such as curl send all kinds; those that can only mean JSON
/// or say nothing pass, and what goes on is always `application/json`.
///
/// # Errors
/// When it is another one, or a list of several.
pub fn check_media_type(request: &Request) -> Result<(), Refusal> {
    let Some(content_type) = request.header("content-type") else {
        return Ok(());
    };
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    if !content_type.contains(',')
        && matches!(
            essence.as_str(),
            "" | "*/*"
                | "application/json"
                | "text/plain"
                | "application/octet-stream"
                | "application/x-www-form-urlencoded"
        )
    {
        return Ok(());
    }
    let message = if content_type.to_ascii_lowercase().contains("velocypack") {
        "VelocyPack bodies are not accepted; switch the client to JSON (arangosh: --server.force-json true; \
         Java driver: Protocol.HTTP_JSON; Go driver: connection.ApplicationJSON)"
            .to_owned()
    } else {
        format!("content type {content_type:?} is not accepted; send application/json")
    };
    Err(Refusal::new(415, number::HTTP_BAD_PARAMETER, message))
}

/// Takes what the tree of a body may need. Nothing was sent yet, so a refusal says that it is safe to repeat.
///
/// # Errors
/// When requests in work leave no room for it.
pub fn take_tree(share: &Share, text: &[u8]) -> Result<(), Refusal> {
    share.take_tree(text).map_err(|error| no_room(&error))
}

/// Takes so many bytes, for what is made of a body beside its tree.
///
/// # Errors
/// When requests in work leave no room for it.
pub fn take(share: &Share, bytes: usize) -> Result<(), Refusal> {
    share.take(bytes).map_err(|error| no_room(&error))
}

fn no_room(error: &NoRoomError) -> Refusal {
    let mut refusal = Refusal::new(
        503,
        number::QUEUE_FULL,
        format!("the gate has no room for the request's body: {error}"),
    );
    refusal.retry_after = Some(1);
    refusal
}

/// The body as JSON; `None` when there is none.
///
/// # Errors
/// When it is not acceptable JSON, or when there is no room for it.
pub fn read_json(request: &Request, limit: usize, depth: usize, share: &Share) -> Result<Option<Value>, Refusal> {
    check_media_type(request)?;
    let bytes = inflate(request, limit, share)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    take_tree(share, &bytes)?;
    let limits = JsonLimits {
        depth,
        ..JsonLimits::default()
    };
    json::parse(&bytes, limits)
        .map(Some)
        .map_err(|error| Refusal::corrupted_json(format!("the body is not acceptable JSON: {error}")))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;
    use std::time::Instant;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;
    use crate::gate::budget::Budget;

    const LIMIT: usize = 4 * 1024 * 1024;

    fn room() -> Share {
        Arc::new(Budget::default()).share()
    }

    fn request(headers: &[(&str, &str)], body: Vec<u8>) -> Request {
        Request {
            method: "POST".into(),
            target: "/_api/cursor".into(),
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
            body,
            peer: None,
            received: Instant::now(),
        }
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder
            .write_all(bytes)
            .and_then(|()| encoder.finish())
            .unwrap_or_default()
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder
            .write_all(bytes)
            .and_then(|()| encoder.finish())
            .unwrap_or_default()
    }

    fn outcome(encoding: &str, body: Vec<u8>) -> Result<Vec<u8>, u16> {
        let request = request(&[("content-encoding", encoding)], body);
        inflate(&request, LIMIT, &room())
            .map(Cow::into_owned)
            .map_err(|refusal| refusal.status)
    }

    #[test]
    fn honest_compression_passes() {
        let text = br#"{"query":"RETURN 1"}"#;
        assert_eq!(outcome("gzip", gzip(text)).as_deref(), Ok(text.as_slice()));
        assert_eq!(outcome("GZIP", gzip(text)).as_deref(), Ok(text.as_slice()));
        assert_eq!(outcome("deflate", zlib(text)).as_deref(), Ok(text.as_slice()));
        assert_eq!(outcome("identity", text.to_vec()).as_deref(), Ok(text.as_slice()));
    }

    #[test]
    fn dishonest_compression_is_refused() {
        let text = br#"{"query":"RETURN 1"}"#;
        let twice = [gzip(text), gzip(text)].concat();
        let trailing = [zlib(text), vec![0]].concat();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::best());
        let raw = raw.write_all(text).and_then(|()| raw.finish()).unwrap_or_default();
        let mut cut = gzip(text);
        cut.truncate(cut.len() - 4);
        assert_eq!(outcome("gzip", twice), Err(400));
        assert_eq!(outcome("deflate", trailing), Err(400));
        assert_eq!(outcome("deflate", raw), Err(400));
        assert_eq!(outcome("gzip", cut), Err(400));
        assert_eq!(outcome("gzip", text.to_vec()), Err(400));
        for encoding in ["gzip, gzip", "x-arango-lz4", "br", "zstd", "identity, gzip"] {
            assert_eq!(outcome(encoding, gzip(text)), Err(415), "{encoding}");
        }
    }

    #[test]
    fn bombs_stop_at_the_bound() {
        let bomb = gzip(&vec![b' '; 2 * 1024 * 1024]);
        assert!(bomb.len() * MAX_RATIO < 2 * 1024 * 1024);
        assert_eq!(outcome("gzip", bomb), Err(413));
        assert_eq!(outcome("gzip", gzip(&vec![b' '; LIMIT + 1])), Err(413));
        assert_eq!(outcome("identity", vec![b' '; LIMIT + 1]), Err(413));
    }

    #[test]
    fn only_json_is_read() {
        for (content_type, accepted) in [
            ("application/json", true),
            ("application/json; charset=utf-8", true),
            ("Application/JSON", true),
            ("text/plain", true),
            ("application/x-www-form-urlencoded", true),
            ("application/x-velocypack", false),
            ("application/x-velocypack; charset=x", false),
            ("application/json, application/x-velocypack", false),
            ("text/html, application/x-velocypack", false),
            ("text/html", false),
            ("multipart/form-data; boundary=x", false),
        ] {
            let request = request(&[("content-type", content_type)], b"{}".to_vec());
            let result = read_json(&request, LIMIT, 200, &room());
            assert_eq!(result.is_ok(), accepted, "{content_type}");
        }
        let advice = request(&[("content-type", "application/x-velocypack")], b"{}".to_vec());
        let refusal = read_json(&advice, LIMIT, 200, &room()).expect_err("VelocyPack is refused");
        assert!(refusal.message.contains("force-json"));
    }
}
