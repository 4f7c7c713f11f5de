//! The whole path in front of a database that records what arrives.

mod differential;
mod learnt;
mod refused;
mod tending;
mod trust;

use std::io::{BufRead, BufReader, Write as _};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::{Mutex, mpsc};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::*;
use crate::gate::audit::Log;

/// A request as the database saw it.
#[derive(Debug, Clone)]
struct Recorded {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Recorded {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

type Answer = dyn Fn(&Recorded) -> (u16, Value) + Send + Sync;

/// A firewall and the database behind it.
struct Bench {
    firewall: Arc<Firewall>,
    seen: Arc<Mutex<Vec<Recorded>>>,
    dir: tempfile::TempDir,
}

const NOTES: &str = r#"{"type":"object",
    "properties":{"title":{"type":"string"},"stars":{"type":"integer"},"secret":{"type":"string","writeOnly":true},
                  "origin":{"type":"string","readOnly":true},"list":{"type":"array"}},
    "additionalProperties":false,
    "x-mallku":{"database":["_system","mydb"],"allow":["read","insert","update","replace","remove"]}}"#;
const PEOPLE: &str = r#"{"type":"object","properties":{"name":{"type":"string"}},"x-mallku":{"database":["_system","mydb"],"allow":["read","insert","update"]}}"#;
const INBOX: &str = r#"{"type":"object","x-mallku":{"database":["_system","mydb"],"allow":["insert"]}}"#;
const KNOWS: &str = r#"{"type":"object","x-mallku":{"database":["_system","mydb"],"kind":"edge","from":["people"],"to":["people"],"allow":["read","insert","remove"]}}"#;
const SOCIAL: &str =
    r#"{"x-mallku":{"database":["_system","mydb"],"kind":"graph","edges":["knows"],"allow":["read"]}}"#;
const POLICY: &str =
    r#"{"databases":["_system","mydb"],"limits":{"maxRuntime":30,"memoryLimit":2000000,"bodyBytes":100000}}"#;

fn write_schemas(dir: &Path) {
    std::fs::create_dir_all(dir).unwrap();
    for (name, text) in [
        ("notes", NOTES),
        ("people", PEOPLE),
        ("inbox", INBOX),
        ("knows", KNOWS),
        ("social", SOCIAL),
        ("policy", POLICY),
    ] {
        std::fs::write(dir.join(format!("{name}.json")), text).unwrap();
    }
}

/// What the database answers when a test does not say otherwise.
fn usual(request: &Recorded) -> (u16, Value) {
    let path = request.target.split('?').next().unwrap_or_default();
    if path.ends_with("/_api/cursor") {
        return (
            201,
            json!({"result": [1], "hasMore": true, "id": "77", "error": false, "code": 201, "extra": {"plan": {"secret": 1}, "stats": {}}}),
        );
    }
    if path.ends_with("/transaction/begin") {
        return (
            201,
            json!({"error": false, "code": 201, "result": {"id": "88", "status": "running"}}),
        );
    }
    if path.contains("/_api/document/") && request.method != "GET" {
        return (
            202,
            json!({"_id": "notes/1", "_key": "1", "_rev": "r", "new": {"_key": "1", "title": "t", "secret": "s"}}),
        );
    }
    if path.contains("/_api/document/") {
        return (
            200,
            json!({"_id": "notes/1", "_key": "1", "_rev": "r", "title": "t", "secret": "s", "more": 1}),
        );
    }
    (200, json!({"error": false, "code": 200, "result": []}))
}

impl Bench {
    fn new() -> Self {
        Self::with(&[], usual)
    }

    fn with(vars: &[(&str, &str)], answer: impl Fn(&Recorded) -> (u16, Value) + Send + Sync + 'static) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("db.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let seen: Arc<Mutex<Vec<Recorded>>> = Arc::default();
        let (record, answer): (_, Arc<Answer>) = (Arc::clone(&seen), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (record, answer) = (Arc::clone(&record), Arc::clone(&answer));
                thread::spawn(move || {
                    let mut writer = stream.try_clone().unwrap();
                    let mut reader = BufReader::new(stream);
                    while let Some(request) = read(&mut reader) {
                        let (status, body) = answer(&request);
                        let head = request.method == "HEAD";
                        record.lock().unwrap().push(request);
                        let text = if head { String::new() } else { body.to_string() };
                        let reply = format!(
                            "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nx-arango-endpoint: http://10.0.0.1\r\nLocation: /x\r\n\r\n{text}",
                            text.len()
                        );
                        if writer.write_all(reply.as_bytes()).is_err() {
                            break;
                        }
                    }
                });
            }
        });
        let schemas = dir.path().join("schemas");
        write_schemas(&schemas);
        let upstream = format!("unix:{}", socket.display());
        let mut environment = vec![("MALLKU_UPSTREAM", upstream.as_str())];
        environment.extend_from_slice(vars);
        let config = Config::from_vars(environment.iter().map(|(name, value)| (name.into(), value.into()))).unwrap();
        let instruments = Arc::new(Instruments::new(Log::off(), None));
        let policy = PolicySlot::open(&schemas).unwrap();
        let upstream = Upstream::new(&config.upstream).unwrap();
        Bench {
            firewall: Arc::new(Firewall::new(&config, policy, upstream, instruments)),
            seen,
            dir,
        }
    }

    /// What the database has seen since the last look.
    fn everything(&self) -> Vec<Recorded> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    /// The same without the gate's own questions whether credentials are right.
    fn seen(&self) -> Vec<Recorded> {
        let mut seen = self.everything();
        seen.retain(|request| {
            request.method != "GET"
                || !request.body.is_empty()
                || !(request.target.ends_with("/_api/version") || request.target == "/_api/cluster/endpoints")
        });
        seen
    }

    fn ask(&self, method: &str, target: &str, body: &str) -> (u16, Value) {
        self.ask_as("app", method, target, &[], body.as_bytes())
    }

    fn ask_as(&self, user: &str, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, Value) {
        let authorization = basic(user);
        let mut all = vec![("host", "localhost"), ("authorization", authorization.as_str())];
        all.extend_from_slice(headers);
        let response = self.firewall.handle(request(method, target, &all, body));
        (
            response.status,
            serde_json::from_slice(&response.body).unwrap_or(Value::Null),
        )
    }
}

fn basic(user: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:pw")))
}

fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Request {
    Request {
        method: method.into(),
        target: target.into(),
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect(),
        body: body.to_vec(),
        peer: None,
        received: Instant::now(),
    }
}

fn read(reader: &mut impl BufRead) -> Option<Recorded> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut parts = line.trim_end().split(' ');
    let (method, target) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(": ")?;
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .map_or(0, |(_, value)| value.parse().unwrap_or(0));
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Recorded {
        method,
        target,
        headers,
        body,
    })
}

#[test]
fn a_query_is_judged_rebuilt_and_sent() {
    let bench = Bench::new();
    let body = r#"{ "bindVars" : {"@c":"notes", "n": 1}, "query":"FOR n IN @@c FILTER n.stars > @n RETURN n.title", "batchSize":5, "memoryLimit":0, "fullCount":true, "options":{"fullCount":true} }"#;
    let (status, answer) = bench.ask("POST", "/_db/%6dydb/_api/cursor", body);
    assert_eq!(status, 201, "{answer}");
    // The plan is for nobody.
    assert_eq!(answer["extra"], json!({"stats": {}}));
    let seen = bench.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(
        (seen[0].method.as_str(), seen[0].target.as_str()),
        ("POST", "/_db/mydb/_api/cursor")
    );
    assert_eq!(seen[0].header("authorization"), Some(basic("app").as_str()));
    assert_eq!(
        seen[0].json(),
        json!({"query": "FOR n IN @@c FILTER n.stars > @n RETURN n.title", "bindVars": {"@c": "notes", "n": 1}, "batchSize": 5,
               "options": {"memoryLimit": 2_000_000, "maxRuntime": 30.0, "fullCount": true}})
    );
}

#[test]
fn a_denied_query_reaches_nobody_and_says_why() {
    let bench = Bench::new();
    let (status, answer) = bench.ask("POST", "/_api/cursor", r#"{"query":"FOR n IN notes RETURN n.secret"}"#);
    assert_eq!(status, 403);
    assert_eq!(
        (answer["errorNum"].as_u64(), answer["code"].as_u64()),
        (Some(11), Some(403))
    );
    assert!(
        answer["errorMessage"]
            .as_str()
            .is_some_and(|text| text.starts_with("attribute-hidden")),
        "{answer}"
    );
    assert_eq!(answer["denials"][0]["rule"], "attribute-hidden");
    assert_eq!(answer["denials"][0]["line"], 1);
    let (status, answer) = bench.ask("POST", "/_api/cursor", r#"{"query":"FOR n IN notes RETURN"}"#);
    assert_eq!((status, answer["errorNum"].as_u64()), (400, Some(1501)), "{answer}");
    assert!(
        answer["errorMessage"]
            .as_str()
            .is_some_and(|text| text.contains("at position 1:")),
        "{answer}"
    );
    assert!(bench.seen().is_empty());
}

#[test]
fn cursors_belong_to_who_opened_them_where_they_did() {
    let bench = Bench::new();
    assert_eq!(
        bench
            .ask("POST", "/_api/cursor", r#"{"query":"FOR n IN notes RETURN n.title"}"#)
            .0,
        201
    );
    bench.seen();
    let not_found = |answer: (u16, Value)| assert_eq!((answer.0, answer.1["errorNum"].as_u64()), (404, Some(1600)));
    not_found(bench.ask_as("other", "POST", "/_api/cursor/77", &[], b""));
    not_found(bench.ask_as("other", "DELETE", "/_api/cursor/77", &[], b""));
    not_found(bench.ask("POST", "/_db/%6dydb/_api/cursor/77", ""));
    not_found(bench.ask("POST", "/_api/cursor/78", ""));
    assert!(bench.seen().is_empty());
    assert_eq!(bench.ask("PUT", "/_api/cursor/77", "").0, 200);
    let seen = bench.seen();
    assert_eq!(
        (seen[0].method.as_str(), seen[0].target.as_str()),
        ("POST", "/_db/_system/_api/cursor/77")
    );
    // With another schema set in force, what the cursor still holds may be forbidden.
    std::fs::write(
        bench.dir.path().join("schemas/notes.json"),
        NOTES.replace("\"origin\"", "\"source\""),
    )
    .unwrap();
    bench.firewall.reload();
    not_found(bench.ask("POST", "/_api/cursor/77", ""));
    assert!(bench.seen().is_empty());
}

#[test]
fn transactions_belong_to_who_began_them() {
    let bench = Bench::new();
    let (status, _) = bench.ask(
        "POST",
        "/_api/transaction/begin",
        r#"{"collections":{"read":"notes","write":["people"]},"lockTimeout":0}"#,
    );
    assert_eq!(status, 201);
    let seen = bench.seen();
    assert_eq!(
        seen[0].json(),
        json!({"collections": {"read": ["notes"], "write": ["people"]}, "lockTimeout": 60.0})
    );
    let query = br#"{"query":"RETURN 1"}"#;
    let (status, answer) = bench.ask_as("other", "POST", "/_api/cursor", &[("x-arango-trx-id", "88")], query);
    assert_eq!((status, answer["errorNum"].as_u64()), (404, Some(1655)));
    assert!(bench.seen().is_empty());
    assert_eq!(
        bench
            .ask_as("app", "POST", "/_api/cursor", &[("x-arango-trx-id", "88")], query)
            .0,
        201
    );
    assert_eq!(bench.seen()[0].header("x-arango-trx-id"), Some("88"));
    for body in [
        r#"{"collections":{"write":"_users"}}"#,
        r#"{"collections":{"read":["inbox"]}}"#,
        r#"{"collections":{"exclusive":["notes"]}}"#,
        r#"{"collections":{},"action":"function(){}"}"#,
    ] {
        assert_eq!(bench.ask("POST", "/_api/transaction/begin", body).0, 403, "{body}");
    }
    assert_eq!(
        bench
            .ask(
                "POST",
                "/_api/transaction/begin",
                r#"{"collections":{"read":[["notes"]]}}"#
            )
            .0,
        400
    );
    assert!(bench.seen().is_empty());
}

#[test]
fn documents_leave_without_what_is_hidden() {
    let bench = Bench::new();
    let (status, document) = bench.ask("GET", "/_api/document/notes/1", "");
    assert_eq!(
        (status, document),
        (200, json!({"_id": "notes/1", "_key": "1", "_rev": "r", "title": "t"}))
    );
    let (status, answer) = bench.ask(
        "POST",
        "/_api/document/notes?returnNew=true&overwrite=0",
        r#"{"title":"t","secret":"s","_id":"x/1"}"#,
    );
    assert_eq!(
        (status, &answer["new"]),
        (202, &json!({"_key": "1", "title": "t"})),
        "{answer}"
    );
    let seen = bench.seen();
    assert_eq!(seen[1].target, "/_db/_system/_api/document/notes?returnNew=true");
    assert_eq!(seen[1].json(), json!({"title": "t", "secret": "s"}));
    let (_, answer) = bench.ask(
        "PATCH",
        "/_api/document/notes/1?keepNull=0",
        r#"{"stars":2,"_key":"other"}"#,
    );
    assert_eq!(answer.get("secret"), None);
    let seen = bench.seen();
    assert_eq!(
        seen[0].target,
        "/_db/_system/_api/document/notes/1?keepNull=false&mergeObjects=true"
    );
    assert_eq!(seen[0].json(), json!({"stars": 2, "_key": "1"}));
}

#[test]
fn a_unique_index_is_not_named_to_whom_it_is_hidden() {
    let conflict = |_: &Recorded| {
        (
            409,
            json!({"error": true, "code": 409, "errorNum": 1210, "errorMessage": "unique constraint violated - in index x over 'secret'; conflicting key: 9"}),
        )
    };
    let bench = Bench::with(&[], conflict);
    let (status, answer) = bench.ask("POST", "/_api/document/notes", r#"{"title":"t"}"#);
    assert_eq!(
        (status, &answer["errorMessage"]),
        (409, &json!("unique constraint violated"))
    );
    let (_, answer) = bench.ask("POST", "/_api/document/people", r#"{"name":"t"}"#);
    assert!(
        answer["errorMessage"]
            .as_str()
            .is_some_and(|text| text.contains("conflicting key"))
    );
}

#[test]
fn answers_that_contradict_themselves_are_not_passed_on() {
    let bench = Bench::with(&[], |_| (200, json!([1, 2])));
    assert_eq!(bench.ask("POST", "/_api/cursor", r#"{"query":"RETURN 1"}"#).0, 502);
    assert_eq!(bench.ask("GET", "/_api/version", "").0, 502);
}

#[test]
fn a_database_that_is_gone_is_503_and_one_that_breaks_off_502() {
    let bench = Bench::new();
    std::fs::remove_file(bench.dir.path().join("db.sock")).unwrap();
    let response = bench.firewall.handle(request(
        "GET",
        "/_api/version",
        &[("authorization", &basic("app"))],
        b"",
    ));
    assert_eq!(response.status, 503);
    assert!(response.headers.iter().any(|(name, _)| name == "Retry-After"));
    let body: Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(body["errorNum"], 503);
    assert_eq!(bench.ask("GET", "/health", "").0, 503);
    assert_eq!(bench.ask("GET", "/livez", "").0, 200);
}

#[test]
fn root_is_refused_unless_allowed() {
    let bench = Bench::new();
    assert_eq!(bench.ask_as("root", "GET", "/_api/version", &[], b"").0, 403);
    let login = br#"{"username":"root","password":"x"}"#;
    assert_eq!(bench.ask_as("app", "POST", "/_open/auth", &[], login).0, 403);
    assert!(bench.seen().is_empty());
    // arangojs logs in with its default credentials in the header.
    let login = br#"{"username":"app","password":"x"}"#;
    assert_eq!(
        bench.ask_as("root", "POST", "/_db/%6dydb/_open/auth", &[], login).0,
        200
    );
    let seen = bench.seen();
    assert_eq!(
        (seen[0].target.as_str(), seen[0].header("authorization")),
        ("/_open/auth", None)
    );
    let bench = Bench::with(&[("MALLKU_ALLOW_ROOT", "true")], usual);
    assert_eq!(bench.ask_as("root", "GET", "/_api/version", &[], b"").0, 200);
}

#[test]
fn detecting_lets_pass_what_would_be_denied() {
    let vars = [
        ("MALLKU_ENFORCE_SECURITY", "false"),
        ("MALLKU_SECURITY_LEVEL", "development"),
    ];
    let bench = Bench::with(&vars, usual);
    assert_eq!(
        bench
            .ask("POST", "/_api/cursor", r#"{"query":"FOR n IN notes RETURN n.secret"}"#)
            .0,
        201
    );
    assert_eq!(bench.ask("GET", "/_api/user", "").0, 200);
    assert_eq!(bench.ask("GET", "/_db/elsewhere/_api/version", "").0, 200);
    let targets: Vec<String> = bench.everything().into_iter().map(|request| request.target).collect();
    assert_eq!(
        targets,
        [
            "/_db/_system/_api/cursor",
            "/_db/_system/_api/user",
            "/_db/elsewhere/_api/version"
        ]
    );
    // What has no one reading is refused all the same.
    assert_eq!(
        bench
            .ask("POST", "/_api/cursor", r#"{"query":"RETURN 1","query":"RETURN 2"}"#)
            .0,
        400
    );
    assert!(bench.seen().is_empty());
}

#[test]
fn request_ids_go_in_and_out() {
    let bench = Bench::new();
    let given = bench
        .firewall
        .handle(request("GET", "/livez", &[("x-request-id", "abc-1")], b""));
    let made = bench
        .firewall
        .handle(request("GET", "/livez", &[("x-request-id", "a b\"")], b""));
    let id = |response: &Response| {
        response
            .headers
            .iter()
            .find(|(name, _)| name == "X-Request-Id")
            .map(|(_, value)| value.clone())
    };
    assert_eq!(id(&given).as_deref(), Some("abc-1"));
    assert!(id(&made).is_some_and(|id| !id.contains('"')));
}

#[test]
fn a_vertex_takes_only_edges_along_that_may_be_removed() {
    let graphs = |request: &Recorded| {
        if request.target.ends_with("/_api/gharial") {
            let definitions = json!([{"collection": "knows", "from": ["people"], "to": ["people"]}, {"collection": "hidden", "from": ["people"], "to": ["x"]}]);
            return (
                200,
                json!({"graphs": [{"name": "social", "edgeDefinitions": definitions, "orphanCollections": []}]}),
            );
        }
        (200, json!({"error": false, "code": 200, "removed": true}))
    };
    let bench = Bench::with(&[], graphs);
    std::fs::write(
        bench.dir.path().join("schemas/people.json"),
        PEOPLE.replace("\"update\"", "\"update\",\"remove\""),
    )
    .unwrap();
    bench.firewall.reload();
    let (status, answer) = bench.ask("DELETE", "/_api/gharial/social/vertex/people/a", "");
    assert_eq!(status, 403, "{answer}");
    assert!(bench.seen().iter().all(|request| request.method == "GET"));
}
