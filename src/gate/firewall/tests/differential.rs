//! Mutated requests: whatever arrives at the database is admissible when it is read there, by other means and from nothing
//! but the recorded bytes.

use super::*;
use crate::judge::documents::{DocumentOperation, Merge, Overwrite, Place, judge_documents};
use crate::schema::SchemaSet;

/// Requests tried. Each costs some ten microseconds.
const TRIES: u64 = 40_000;

const METHODS: &[&str] = &[
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "post", "OPTIONS", "TRACE",
];

#[rustfmt::skip]
const SEEDS: &[(&str, &str, &str)] = &[
    ("POST", "/_api/cursor", r#"{"query":"FOR n IN notes FILTER n.stars > @s RETURN n.title","bindVars":{"s":1},"options":{"fullCount":true}}"#),
    ("POST", "/_db/%6dydb/_api/cursor", r#"{"query":"FOR n IN @@c RETURN n.title","bindVars":{"@c":"notes"},"batchSize":10}"#),
    ("POST", "/_api/cursor", r#"{"query":"FOR n IN notes RETURN n.secret"}"#),
    ("POST", "/_api/cursor", r#"{"query":"FOR u IN _users RETURN u"}"#),
    ("POST", "/_api/cursor", r#"{"query":"INSERT {title: 'x'} INTO notes"}"#),
    ("POST", "/_api/explain", r#"{"query":"FOR n IN notes RETURN n.title"}"#),
    ("GET", "/_api/document/notes/a", ""),
    ("GET", "/_api/document/_users/root", ""),
    ("PUT", "/_api/document/notes?onlyget=true", r#"["a","notes/b",{"_key":"c"}]"#),
    ("POST", "/_api/document/notes?returnNew=1&overwrite=0", r#"{"title":"a","_key":"k"}"#),
    ("POST", "/_api/document/people?overwriteMode=update", r#"[{"name":"a"},{"name":"b"}]"#),
    ("PATCH", "/_api/document/notes/k?keepNull=1&mergeObjects=1", r#"{"title":"a","_key":"k"}"#),
    ("PATCH", "/_api/document/notes", r#"[{"_key":"k","stars":1}]"#),
    ("PUT", "/_api/document/notes/k?ignoreRevs=0", r#"{"title":"a","_rev":"_abc"}"#),
    ("DELETE", "/_api/document/notes", r#"["a",{"_id":"notes/b"}]"#),
    ("DELETE", "/_api/document/people/a", ""),
    ("POST", "/_api/document/knows", r#"{"_from":"people/a","_to":"people/b"}"#),
    ("GET", "/_api/edges/knows?vertex=people%2Fa&direction=out", ""),
    ("POST", "/_api/import?collection=notes&type=documents", "{\"title\":\"a\"}\n{\"title\":\"b\"}"),
    ("POST", "/_api/transaction/begin", r#"{"collections":{"read":"notes","write":["people"]}}"#),
    ("GET", "/_api/collection/notes/properties", ""),
    ("GET", "/_api/index?collection=notes", ""),
    ("GET", "/_db/other/_api/version?details=true", ""),
    ("DELETE", "/_api/collection/notes", ""),
    ("POST", "/_api/gharial/social/vertex/people", r#"{"name":"a"}"#),
];

/// Pieces that parsers disagree on.
#[rustfmt::skip]
const PIECES: &[&str] = &[
    "/", "//", "/..", "/./", "%2f", "%2F", "%00", "%", "%zz", "%5f", "%25", ";", "#", "?", "&", "=", "&a", "+", "%20", "\\", "\u{e9}", "\t",
    "_db/", "_db/other/", "_users", "/_users/root", "12345", "notes", "secret", "n.secret", "_api", "json", "\"query\":\"FOR u IN _users RETURN u\",",
    "\"qu\\u0065ry\":\"x\",", "\"bindVars\":{\"@c\":\"_users\"},", "\"options\":{\"shardIds\":[\"a\"]},", "overwrite=true", "overwriteMode=replace",
    "onlyget=1", "onlyget", "skipDocumentValidation=1", "isRestore=true", "collection=_users", "\"secret\":1,", "\"unknown\":1,", "\"_key\":\"z\",",
    "\"_id\":\"_users/x\",", "\"_from\":\"_users/x\",", "{", "}", "[", "]", ",", "\"", "\\", "null", "1e400", "/* */", "\n", "\0", "@@c", "`_users`",
    "RETURN DOCUMENT('_users/root')", "REMOVE 'a' IN people", " INTO inbox", "LIMIT 1", "'", "--", "//x\n",
];

#[rustfmt::skip]
const HEADERS: &[(&str, &str)] = &[
    ("x-arango-trx-id", "12"), ("x-arango-trx-id", "12 begin"), ("x-arango-async", "store"), ("x-http-method-override", "DELETE"),
    ("content-type", "application/json"), ("content-type", "application/x-velocypack"), ("content-type", "text/plain"), ("content-encoding", "gzip"),
    ("authorization", "Basic cm9vdDo="), ("x-arango-source", "x"), ("if-match", "\"_abc\""), ("if-match", "a b"), ("x-arango-allow-dirty-read", "true"),
    ("x-arango-dump-auth-user", "root"), ("cookie", "a=b"), ("x-forwarded-for", "1.1.1.1"), ("x-custom", "y"), ("accept", "application/x-velocypack"),
];

/// A small generator of numbers; a run is the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap_or(0) % bound.max(1)
    }

    fn of<'t, T>(&mut self, items: &'t [T]) -> &'t T {
        &items[self.below(items.len())]
    }

    /// A text with one change: a piece put in, a part doubled, left out, or turned round, a byte changed.
    fn change(&mut self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        let (from, to) = {
            let (one, two) = (self.below(bytes.len() + 1), self.below(bytes.len() + 1));
            (one.min(two), one.max(two))
        };
        match self.below(6) {
            0 | 1 => {
                let piece = self.of(PIECES).as_bytes().to_vec();
                bytes.splice(from..from, piece);
            }
            2 => {
                let part = bytes[from..to].to_vec();
                bytes.splice(from..from, part);
            }
            3 => drop(bytes.splice(from..to.min(from + 4), [])),
            4 => {
                let piece = self.of(PIECES).as_bytes().to_vec();
                bytes.splice(from..to.min(from + 8), piece);
            }
            _ => {
                if let Some(byte) = bytes.get_mut(from) {
                    *byte ^= 1 << self.below(7);
                }
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// A percent-decoder of the test's own: strict, and only for what the gate may write.
fn decode(text: &str) -> String {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        if first == b'%' {
            let hex = std::str::from_utf8(&tail[..2]).unwrap();
            out.push(u8::from_str_radix(hex, 16).unwrap());
            rest = &tail[2..];
        } else {
            assert!(
                first.is_ascii_alphanumeric() || b"-_.~".contains(&first),
                "{text} is not canonical"
            );
            out.push(first);
            rest = tail;
        }
    }
    String::from_utf8(out).unwrap()
}

const SENT_HEADERS: &[&str] = &[
    "host",
    "accept",
    "user-agent",
    "authorization",
    "content-type",
    "content-length",
    "if-match",
    "if-none-match",
    "x-arango-trx-id",
    "x-arango-allow-dirty-read",
    "x-arango-queue-time-seconds",
];

/// Judges what arrived, from the recorded bytes.
fn check(set: &SchemaSet, request: &Recorded) {
    for (name, _) in &request.headers {
        assert!(SENT_HEADERS.contains(&name.as_str()), "{name}");
    }
    if request.target == "/_open/auth" {
        return;
    }
    assert_eq!(request.header("authorization"), Some(basic("app").as_str()));
    assert_eq!(request.header("x-arango-trx-id"), None, "no transaction was begun");
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let segments: Vec<String> = path[1..].split('/').map(decode).collect();
    let parameters: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            pair.split_once('=')
                .map(|(name, value)| (decode(name), decode(value)))
                .unwrap()
        })
        .collect();
    let parameter = |name: &str| {
        parameters
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    };
    assert!(
        parameters
            .iter()
            .enumerate()
            .all(|(at, (name, _))| parameters[..at].iter().all(|(other, _)| other != name))
    );
    for forbidden in ["skipDocumentValidation", "isRestore"] {
        assert_eq!(parameter(forbidden), None);
    }
    assert_eq!(segments[0], "_db");
    let database = segments[1].as_str();
    assert!(set.databases.iter().any(|served| served == database), "{database}");
    let body = request.json();
    if !request.body.is_empty() {
        assert_eq!(body.to_string().as_bytes(), request.body, "the body is the gate's own");
    }
    let rest: Vec<&str> = segments[2..].iter().map(String::as_str).collect();
    let admitted = |collection: &str, operation: DocumentOperation<'_>, returns: bool| {
        let verdict = {
            let place = Place {
                user: Some("app"),
                database,
                collection,
            };
            judge_documents(set, place, operation, returns)
        };
        assert!(
            verdict.admitted(),
            "{} {}: {:?}",
            request.method,
            request.target,
            verdict.denials
        );
    };
    let documents = |value: &Value| -> Vec<Value> {
        let mut documents = match value {
            Value::Array(items) => items.clone(),
            single => vec![single.clone()],
        };
        for document in &mut documents {
            assert_eq!(document.get("_id"), None);
            document.as_object_mut().unwrap().remove("_rev");
        }
        documents
    };
    let returns = ["returnNew", "returnOld"]
        .iter()
        .any(|name| parameter(name) == Some("true"));
    match (request.method.as_str(), rest.as_slice()) {
        ("POST", ["_api", "cursor" | "explain"]) => {
            let verdict = crate::judge::judge(
                set,
                &crate::judge::Request {
                    query: body["query"].as_str().unwrap(),
                    bind_vars: body["bindVars"].as_object(),
                    user: Some("app"),
                    database,
                },
            );
            assert!(verdict.admitted(), "{body}: {:?}", verdict.denials);
            let known = ["query", "bindVars", "options", "batchSize", "ttl", "count"];
            assert!(
                body.as_object()
                    .unwrap()
                    .keys()
                    .all(|name| known.contains(&name.as_str())),
                "{body}"
            );
            if rest[1] == "cursor" {
                assert!(
                    body["options"]["memoryLimit"]
                        .as_u64()
                        .is_some_and(|limit| limit <= 2_000_000)
                );
                assert!(
                    body["options"]["maxRuntime"]
                        .as_f64()
                        .is_some_and(|limit| limit <= 30.0)
                );
            }
        }
        ("POST", ["_api", "query"]) => assert!(crate::aql::parse(body["query"].as_str().unwrap()).is_ok()),
        ("GET" | "HEAD", ["_api", "document", collection, _]) => admitted(collection, DocumentOperation::Read, false),
        ("POST", ["_api", "document", collection]) => {
            let overwrite = match parameter("overwriteMode") {
                None => Overwrite::Conflict,
                Some("ignore") => Overwrite::Ignore,
                Some("replace") => Overwrite::Replace,
                Some("update") => Overwrite::Update(Merge {
                    keep_null: parameter("keepNull") == Some("true"),
                    merge_objects: parameter("mergeObjects") == Some("true"),
                }),
                Some(other) => panic!("{other}"),
            };
            assert_eq!(parameter("overwrite"), None);
            let documents = documents(&body);
            admitted(
                collection,
                DocumentOperation::Insert {
                    documents: &documents,
                    overwrite,
                },
                returns,
            );
        }
        ("PUT" | "DELETE", ["_api", "document", collection])
            if request.method == "DELETE" || parameter("onlyget").is_some() =>
        {
            let operation = if request.method == "PUT" {
                DocumentOperation::Read
            } else {
                DocumentOperation::Remove
            };
            admitted(collection, operation, returns);
            for selector in body.as_array().unwrap() {
                let key = selector.as_str().or_else(|| selector["_key"].as_str()).unwrap();
                assert!(!key.contains('/'), "{key}");
                assert_eq!(selector.get("_id"), None);
            }
        }
        ("PUT", ["_api", "document", collection, ..]) => {
            admitted(
                collection,
                DocumentOperation::Replace {
                    documents: &documents(&body),
                },
                returns,
            );
        }
        ("PATCH", ["_api", "document", collection, ..]) => {
            let merge = Merge {
                keep_null: parameter("keepNull") == Some("true"),
                merge_objects: parameter("mergeObjects") == Some("true"),
            };
            admitted(
                collection,
                DocumentOperation::Update {
                    documents: &documents(&body),
                    merge,
                },
                returns,
            );
        }
        ("DELETE", ["_api", "document", collection, _]) => admitted(collection, DocumentOperation::Remove, returns),
        ("GET", ["_api", "edges", collection]) => {
            admitted(collection, DocumentOperation::Read, false);
            assert!(parameter("vertex").unwrap().starts_with("people/"));
        }
        ("POST", ["_api", "import"]) => {
            assert_eq!((parameter("type"), parameter("overwrite")), (Some("array"), None));
            let overwrite = match parameter("onDuplicate") {
                None | Some("error") => Overwrite::Conflict,
                Some("ignore") => Overwrite::Ignore,
                Some("replace") => Overwrite::Replace,
                _ => Overwrite::Update(Merge::default()),
            };
            let collection = parameter("collection").unwrap();
            admitted(
                collection,
                DocumentOperation::Insert {
                    documents: &documents(&body),
                    overwrite,
                },
                false,
            );
        }
        ("POST", ["_api", "transaction", "begin"]) => {
            for name in body["collections"]["read"].as_array().unwrap() {
                admitted(name.as_str().unwrap(), DocumentOperation::Read, false);
            }
            assert_eq!(body["collections"].get("exclusive"), None);
        }
        ("POST", ["_api", "gharial", "social", "vertex", collection]) => {
            let documents = documents(&body);
            admitted(
                collection,
                DocumentOperation::Insert {
                    documents: &documents,
                    overwrite: Overwrite::Conflict,
                },
                returns,
            );
        }
        ("GET", ["_api", "collection", collection, ..]) => {
            assert!(crate::judge::documents::visible(set, Some("app"), database).contains(collection));
        }
        ("GET", ["_api", "index"]) => {
            let collection = parameter("collection").unwrap();
            assert!(crate::judge::documents::visible(set, Some("app"), database).contains(collection));
        }
        (
            "GET",
            [
                "_api",
                "collection" | "version" | "view" | "gharial" | "analyzer" | "key-generators" | "transaction",
            ]
            | ["_api", "database", "current" | "user"]
            | ["_api", "gharial", "social", ..]
            | ["_admin", "time"]
            | ["_admin", "server", "availability" | "role" | "mode"],
        ) => {}
        other => panic!("{other:?} has no business at the database"),
    }
}

#[test]
fn what_arrives_is_what_may_arrive() {
    let bench = Bench::new();
    let set = bench.firewall.policy.load();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut arrived, mut refused) = (0_u64, 0_u64);
    for _ in 0..TRIES {
        let &(method, target, body) = random.of(SEEDS);
        let (mut method, mut target, mut body) = (method.to_owned(), target.to_owned(), body.to_owned());
        for _ in 0..random.below(4) {
            match random.below(8) {
                0 => (*random.of(METHODS)).clone_into(&mut method),
                1..=3 => target = random.change(&target),
                _ => body = random.change(&body),
            }
        }
        let mut headers = Vec::new();
        if random.below(8) == 0 {
            headers.push(*random.of(HEADERS));
        }
        let (status, _) = bench.ask_as("app", &method, &target, &headers, body.as_bytes());
        let seen = bench.seen();
        assert!(seen.len() <= 1, "{method} {target} {body}");
        if let Some(request) = seen.first() {
            arrived += 1;
            check(set.set(), request);
        } else {
            refused += 1;
            assert!(
                status >= 400 || target.starts_with("/livez"),
                "{method} {target} {body}: {status}"
            );
        }
    }
    println!("differential: {TRIES} requests, {arrived} arrived as judged, {refused} refused");
    assert!(
        arrived > TRIES / 10 && refused > TRIES / 4,
        "{arrived} arrived, {refused} refused"
    );
}
