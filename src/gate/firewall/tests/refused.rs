//! Requests that must not reach the database, each with the status that says so.

use std::io::Write as _;

use super::*;

/// (method, target, body) and the status.
#[rustfmt::skip]
const CASES: &[(&str, &str, &str, u16)] = &[
    ("POST", "/_api/cursor/json", r#"{"executionPlan":{}}"#, 403),
    ("POST", "/_api/cursor/123abc", "", 403),
    ("POST", "/_api/cursor/%31%32", "", 403),
    ("POST", "//_api//cursor", r#"{"query":"RETURN 1"}"#, 400),
    ("GET", "/_db//_api/version", "", 400),
    ("GET", "/_db/mydb", "", 403),
    ("POST", "/_db/_system/_db/_system/_api/cursor", r#"{"query":"RETURN 1"}"#, 403),
    ("GET", "/%5fadmin/echo", "", 403),
    ("POST", "/_api/x/../cursor", r#"{"query":"RETURN 1"}"#, 400),
    ("GET", "/_api/document/notes%2F..%2F_users/k", "", 403),
    ("GET", "/_api/document/notes%zz/k", "", 400),
    ("GET", "/_api/document/%256eotes/k", "", 403),
    ("GET", "/_api/document/12345/k", "", 403),
    ("GET", "/_api/document/%2012345/k", "", 403),
    ("GET", "/_api/document/+12345/k", "", 403),
    ("GET", "/_api/document/hE5F1A17/k", "", 403),
    ("GET", "/_api/document/Notes/k", "", 403),
    ("GET", "/_api/document/notes%E2%80%8B/k", "", 403),
    ("GET", "/_api/document/_users/root", "", 403),
    ("GET", "/_api/document/inbox/k", "", 403),
    ("HEAD", "/_api/document/inbox/k", "", 403),
    ("POST", "/_api/document?collection=_users", "{}", 403),
    ("GET", "http://x/_api/version", "", 400),
    ("OPTIONS", "/_api/version", "", 405),
    ("TRACE", "/_api/version", "", 405),
    ("get", "/_api/version", "", 405),
    ("GET", "/", "", 403),
    ("POST", "/_open/anything", "", 403),
    ("GET", "/_admin/aardvark/whoAmI", "", 403),
    ("GET", "/_db/unserved/_api/version", "", 403),
    ("POST", "/_db/unserved/_api/cursor", r#"{"query":"RETURN 1"}"#, 403),
    ("DELETE", "/_api/transaction/write", "", 403),
    ("POST", "/_api/transaction", "{}", 403),
    ("GET", "/_api/query/current", "", 403),
    ("GET", "/_api/cluster/endpoints", "", 501),
    ("GET", "/_admin/telemetrics", "", 403),
    ("GET", "/_api/collection/_users", "", 403),
    ("GET", "/_api/collection/inbox/count", "", 403),
    ("GET", "/_api/index?collection=_users", "", 403),
    ("GET", "/_api/version?x=1", "", 400),
    ("GET", "/_api/version?details", "", 400),
    // Parameters
    ("PUT", "/_api/document/notes?onlyget", "[]", 400),
    ("PATCH", "/_api/document/notes?onlyget=true", "[]", 400),
    ("PUT", "/_api/document/notes/k?onlyget=true", "{}", 400),
    ("POST", "/_api/document/notes?overwriteMode=replace&overwriteMode=ignore", "{}", 400),
    ("POST", "/_api/document/notes?overwriteMode=Replace", "{}", 400),
    ("POST", "/_api/document/people?overwrite=yes", "{}", 403),
    ("POST", "/_api/document/people?%6fverwrite=true", "{}", 403),
    ("POST", "/_api/document/people?overwriteMode=replace", "{}", 403),
    ("POST", "/_api/document/inbox?overwriteMode=ignore", "{}", 403),
    ("POST", "/_api/document/inbox?returnNew=true", "{}", 403),
    ("POST", "/_api/document/notes?skipDocumentValidation=0", "{}", 403),
    ("POST", "/_api/document/notes?isRestore=1", "{}", 403),
    ("PATCH", "/_api/document/notes/k?versionAttribute=secret", "{}", 403),
    ("POST", "/_api/import?collection=notes&type=array&overwrite=true", "[]", 403),
    // Documents
    ("POST", "/_api/document/notes", r#"{"unknown":1}"#, 403),
    ("POST", "/_api/document/notes", r#"{"origin":"x"}"#, 403),
    ("POST", "/_api/document/notes", r#"{"stars":"many"}"#, 403),
    ("POST", "/_api/document/notes", r#"[{"title":"a"},{"title":1}]"#, 403),
    ("POST", "/_api/document/notes", "1", 400),
    ("POST", "/_api/document/notes", "[1]", 400),
    ("POST", "/_api/document/notes", "", 400),
    ("POST", "/_api/document/notes", r#"{"_key":1}"#, 400),
    ("POST", "/_api/document/notes", r#"{"_key":"a/b"}"#, 400),
    ("PATCH", "/_api/document/notes", r#"[{"_key":1,"title":"a"}]"#, 400),
    ("PATCH", "/_api/document/notes", r#"[{"_id":"notes/1","title":"a"}]"#, 400),
    ("PATCH", "/_api/document/notes", r#"{"title":"a"}"#, 400),
    ("PATCH", "/_api/document/notes/k", r#"[{"title":"a"}]"#, 400),
    ("PUT", "/_api/document/people/k", r#"{"name":"a"}"#, 403),
    ("DELETE", "/_api/document/people/k", "", 403),
    ("DELETE", "/_api/document/notes", r#"["_users/root"]"#, 403),
    ("DELETE", "/_api/document/notes", r#"[{"_id":"_users/root"}]"#, 403),
    ("DELETE", "/_api/document/notes", r#"["a/b/c"]"#, 403),
    ("PUT", "/_api/document/notes?onlyget=1", r#"["_users/root"]"#, 403),
    ("POST", "/_api/document/knows", r#"{"_from":"_users/root","_to":"people/a"}"#, 403),
    ("POST", "/_api/document/knows", r#"{"_from":"12345/1","_to":"people/a"}"#, 403),
    ("POST", "/_api/document/knows", r#"{"_from":["people/a"],"_to":"people/a"}"#, 403),
    ("GET", "/_api/edges/knows?vertex=_users%2Froot", "", 403),
    ("GET", "/_api/edges/notes?vertex=people%2Fa", "", 403),
    ("POST", "/_api/import?collection=notes&type=documents", "{\"title\":\"a\"}\n{\"unknown\":1}", 403),
    ("POST", "/_api/import?collection=notes&type=documents", "{\"title\":\"a\",\"title\":\"b\"}", 400),
    ("POST", "/_api/import?collection=_users&type=array", "[{}]", 403),
    // Graphs
    ("POST", "/_api/gharial/other/vertex/people", r#"{"name":"a"}"#, 403),
    ("POST", "/_api/gharial/social/vertex/notes", r#"{"title":"a"}"#, 403),
    ("POST", "/_api/gharial/social/edge/people", r#"{"name":"a"}"#, 403),
    ("POST", "/_api/gharial/social/vertex", r#"{"collection":"x"}"#, 403),
    ("DELETE", "/_api/gharial/social?dropCollections=true", "", 403),
    // Queries
    ("POST", "/_api/cursor", r#"{"query":"RETURN 1","query":"FOR d IN _users RETURN d"}"#, 400),
    ("POST", "/_api/cursor", r#"{"query":"RETURN 1","qu\u0065ry":"FOR d IN _users RETURN d"}"#, 400),
    ("POST", "/_api/cursor", r#"{"query":"RETURN @a","bindVars":{"a":{"b":1,"b":2}}}"#, 400),
    ("POST", "/_api/cursor", r#"{"query":"RETURN 1","executionPlan":{}}"#, 403),
    ("POST", "/_api/cursor", r#"{"query":"RETURN 1","bindVars":[]}"#, 400),
    ("POST", "/_api/cursor", r#"{"query":"RETURN 1","bindVars":"x"}"#, 400),
    ("POST", "/_api/cursor", r#"{"query":"FOR d IN @@c RETURN d","bindVars":{"@c":"_users"}}"#, 403),
    ("POST", "/_api/cursor", r#"{"query":"FOR d IN @@c RETURN d","bindVars":{"@c":"12345"}}"#, 403),
    ("POST", "/_api/cursor", r#"{"query":"FOR d IN @@c RETURN d","bindVars":{"@c":7}}"#, 403),
    ("POST", "/_api/cursor", r#"{"query":""}"#, 400),
    ("POST", "/_api/cursor", r#"{"query":1}"#, 400),
    ("POST", "/_api/cursor", r#"{"QUERY":"RETURN 1"}"#, 400),
    ("POST", "/_api/cursor", "", 400),
    ("POST", "/_api/cursor", "[]", 400),
    ("POST", "/_api/cursor", r#"{"query":"RETURN 1"} "#, 201),
    ("POST", "/_api/cursor", r#"{"query":"RETURN 1"}}"#, 400),
    ("POST", "/_api/cursor", "{\"query\":\"RETURN 1\"}\0", 400),
    ("POST", "/_api/cursor", r#"{"query":"RETURN 1","options":{"shardIds":["s"]}}"#, 403),
    ("POST", "/_api/cursor", r#"{"query":"RETURN 1","options":{"isFollowerTransaction":true}}"#, 403),
    ("POST", "/_api/explain", r#"{"query":"FOR d IN _users RETURN d"}"#, 403),
    ("POST", "/_api/query", r#"{"query":"FOR d IN _users RETURN d"}"#, 403),
    ("POST", "/_api/query", r#"{"query":"FOR d IN"}"#, 400),
    ("GET", "/_api/version", "{}", 400),
    // Login
    ("POST", "/_open/auth", r#"{"username":"app","username":"root","password":"x"}"#, 400),
    ("POST", "/_open/auth", r#"{"username":"app"}"#, 400),
    ("POST", "/_open/auth", r#"{"username":"app","password":"x","expiryTime":1000000000}"#, 400),
    ("POST", "/_open/auth", r#"{"username":["app"],"password":"x"}"#, 400),
    ("GET", "/_open/auth", "", 403),
];

#[test]
fn nothing_of_these_reaches_the_database() {
    let bench = Bench::new();
    for &(method, target, body, expected) in CASES {
        let (status, answer) = bench.ask(method, target, body);
        assert_eq!(status, expected, "{method} {target} {body}: {answer}");
        let seen = bench.seen();
        if expected < 300 {
            assert_eq!(seen.len(), 1, "{method} {target}");
        } else {
            assert!(seen.is_empty(), "{method} {target} {body}: {seen:?}");
            if method != "HEAD" {
                for field in ["error", "code", "errorNum", "errorMessage"] {
                    assert!(answer.get(field).is_some(), "{method} {target}: no {field}");
                }
            }
        }
    }
}

#[test]
fn neither_do_these_headers_and_bodies() {
    let bench = Bench::new();
    let query: &[u8] = br#"{"query":"RETURN 1"}"#;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&vec![b' '; 200_000]).unwrap();
    let bomb = gzip.finish().unwrap();
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a [u8], u16);
    let cases: [Case<'_>; 12] = [
        (&[("x-arango-async", "store")], query, 403),
        (&[("x-http-method-override", "DELETE")], query, 403),
        (&[("x-arango-trx-id", "12 begin")], query, 400),
        (&[("x-arango-trx-id", "12")], query, 404),
        (&[("authorization", "Basic cm9vdDo=")], query, 400),
        (&[("content-type", "application/x-velocypack")], query, 415),
        (&[("content-encoding", "br")], query, 415),
        (&[("content-encoding", "gzip")], query, 400),
        (&[("content-encoding", "gzip")], &bomb, 413),
        (&[], b"{\"query\":\"\xc0\xaf\"}", 400),
        (&[], b"\xef\xbb\xbf{\"query\":\"RETURN 1\"}", 400),
        (&[("connection", "close, authorization")], query, 400),
    ];
    for (headers, body, expected) in cases {
        let (status, answer) = bench.ask_as("app", "POST", "/_api/cursor", headers, body);
        assert_eq!(status, expected, "{headers:?}: {answer}");
        assert!(bench.seen().is_empty(), "{headers:?}");
    }
    let long = format!(r#"{{"query":"RETURN '{}'"}}"#, "x".repeat(100_001));
    assert_eq!(bench.ask("POST", "/_api/cursor", &long).0, 413);
    assert!(bench.seen().is_empty());
}
