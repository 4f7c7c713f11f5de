//! The HTTP interface where drivers do not look: statuses, headers, strictness, isolation, expiry.

use crate::client::{Answer, Client};
use crate::server::{Place, run, wait_for};
use serde_json::{Value, json};

fn root(place: &Place) -> Client {
    let root = place.client().basic("root", "");
    assert_eq!(
        root.call("POST", "/_api/collection", &json!({ "name": "c" })).status,
        200
    );
    root
}

fn query(client: &Client, text: &str) -> Answer {
    client.call("POST", "/_api/cursor", &json!({ "query": text }))
}

#[test]
fn documents_have_arangodb_s_statuses_and_headers() {
    let place = Place::new();
    let server = place.ready();
    let root = root(&place);
    let made = root.call("POST", "/_api/document/c", &json!({ "_key": "a", "n": 1 }));
    assert_eq!(made.status, 202);
    assert_eq!(
        root.call("POST", "/_api/document/c?waitForSync=true", &json!({ "_key": "b" }))
            .status,
        201
    );
    let rev = made.json()["_rev"].as_str().unwrap().to_owned();
    assert_eq!(made.header("etag"), Some(format!("\"{rev}\"").as_str()));
    let read = |headers: &str| root.send("GET", "/_api/document/c/a", headers, "").unwrap();
    assert_eq!(read("").header("etag"), Some(format!("\"{rev}\"").as_str()));
    assert_eq!(read(&format!("If-None-Match: \"{rev}\"\r\n")).status, 304);
    assert_eq!(read(&format!("If-Match: {rev}\r\n")).status, 200);
    let stale = read("If-Match: \"_old\"\r\n");
    assert_eq!((stale.status, stale.error_num()), (412, 1200));
    assert_eq!(stale.json()["_rev"], rev.as_str());
    let head = root.send("HEAD", "/_api/document/c/a", "", "").unwrap();
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(root.send("HEAD", "/_api/document/c/x", "", "").unwrap().status, 404);
    let many = root.call(
        "POST",
        "/_api/document/c",
        &json!([{ "_key": "a" }, { "_key": "x y" }, { "_key": "ok" }, 1]),
    );
    assert_eq!(many.status, 202);
    assert_eq!(
        many.header("x-arango-error-codes"),
        Some(r#"{"1210":1,"1221":1,"1227":1}"#)
    );
    assert_eq!(many.json()[2]["_key"], "ok");
    let put = |target: &str, body: Value| root.call("PUT", target, &body);
    assert_eq!(
        put("/_api/document/c?onlyget=false", json!(["a"])).json()[0]["n"],
        1,
        "its presence counts"
    );
    assert_eq!(
        put("/_api/document/c?onlyget", json!([{ "_key": "a", "m": 1 }])).json()[0]["_key"],
        "a",
        "without = it is none"
    );
    assert_eq!(
        root.get("/_api/document/c/a").json().get("n"),
        None,
        "that was a replace"
    );
    let silent = root.call(
        "POST",
        "/_api/document/c?silent=true",
        &json!([{ "_key": "s1" }, { "_key": "s2" }]),
    );
    assert_eq!(silent.json(), json!({}));
    let gone = root
        .send("DELETE", "/_api/document/c", "", r#"["other/s1", {"_key":"s2"}]"#)
        .unwrap();
    assert_eq!((gone.status, gone.json()[0]["_id"].clone()), (202, json!("c/s1")));
    let wrong = root.call("PATCH", "/_api/document/c", &json!({ "n": 1 }));
    assert_eq!((wrong.status, wrong.error_num()), (400, 1227));
    let twice = root
        .send("POST", "/_api/document/c", "", r#"{"a":1,"\u0061":2}"#)
        .unwrap();
    assert_eq!((twice.status, twice.error_num()), (400, 600));
    server.stop();
}

#[test]
fn documents_survive_a_restart_and_keep_their_revisions() {
    let place = Place::new();
    let server = place.ready();
    let root = root(&place);
    let rev = root
        .call("POST", "/_api/document/c", &json!({ "_key": "a", "text": "Straße 😀" }))
        .json()["_rev"]
        .clone();
    root.call(
        "POST",
        "/_api/index?collection=c",
        &json!({ "type": "persistent", "fields": ["text"], "unique": true }),
    );
    server.stop();
    let mut server = place.ready();
    assert_eq!(root.get("/_api/document/c/a").json()["_rev"], rev);
    let twin = root.call("POST", "/_api/document/c", &json!({ "text": "Straße 😀" }));
    assert_eq!((twin.status, twin.error_num()), (409, 1210));
    // Documents reach the disk in the background, so a kill a moment later loses nothing.
    root.call("POST", "/_api/document/c", &json!({ "_key": "late" }));
    let snapshot = place.data().join("engine-rocksdb/evaldb-snapshot.json");
    wait_for("the snapshot", || {
        std::fs::read_to_string(&snapshot)
            .ok()
            .filter(|text| text.contains("\"late\""))
    });
    server.child.kill().unwrap();
    server.end();
    let server = place.ready();
    assert_eq!(root.get("/_api/document/c/late").status, 200);
    server.stop();
    std::fs::write(&snapshot, "{").unwrap();
    assert_eq!(run(place.serving()).0.code(), Some(23));
}

#[test]
fn cursors_are_kept_for_their_owner_and_their_time() {
    let place = Place::new();
    let server = place.ready();
    let root = root(&place);
    root.call("POST", "/_api/user", &json!({ "user": "app", "passwd": "pw" }));
    root.call("PUT", "/_api/user/app/database/_system", &json!({ "grant": "ro" }));
    let app = place.client().basic("app", "pw");
    let open = |ttl: f64| {
        let body = json!({ "query": "FOR i IN 1..5 RETURN i", "batchSize": 2, "ttl": ttl });
        app.call("POST", "/_api/cursor", &body).json()["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let id = open(60.0);
    let stranger = place.client().basic("root", "");
    assert_eq!(
        stranger
            .call("PUT", &format!("/_api/cursor/{id}"), &json!({}))
            .error_num(),
        1600
    );
    assert_eq!(
        place
            .superuser()
            .call("PUT", &format!("/_api/cursor/{id}"), &json!({}))
            .json()["result"],
        json!([3, 4])
    );
    let last = app.call("POST", &format!("/_api/cursor/{id}"), &json!({})).json();
    assert_eq!(
        (last["result"].clone(), last["hasMore"].clone(), last.get("id")),
        (json!([5]), json!(false), None)
    );
    assert_eq!(app.call("POST", &format!("/_api/cursor/{id}"), &json!({})).status, 404);
    let short = open(0.05);
    wait_for("the expiry", || {
        // Longer than it lives; a look at a living cursor would prolong it.
        std::thread::sleep(std::time::Duration::from_millis(60));
        (app.call("POST", &format!("/_api/cursor/{short}"), &json!({})).status == 404).then_some(())
    });
    server.stop();
}

#[test]
fn retried_batches_come_again() {
    let place = Place::new();
    let server = place.ready();
    let root = root(&place);
    let body = json!({ "query": "FOR i IN 1..5 RETURN i", "batchSize": 2, "options": { "allowRetry": true } });
    let first = root.call("POST", "/_api/cursor", &body).json();
    let id = first["id"].as_str().unwrap();
    let next = |batch: &str| {
        root.call("POST", &format!("/_api/cursor/{id}/{batch}"), &json!({}))
            .json()
    };
    assert_eq!(first["nextBatchId"], "2");
    assert_eq!(next("2")["result"], json!([3, 4]));
    assert_eq!(next("2")["result"], json!([3, 4]), "once more");
    let last = next("3");
    assert_eq!(
        (last["result"].clone(), last["hasMore"].clone()),
        (json!([5]), json!(false))
    );
    assert_eq!(next("3")["result"], json!([5]), "kept until it is deleted");
    assert_eq!(next("2")["errorNum"], 1600);
    assert_eq!(
        root.send("DELETE", &format!("/_api/cursor/{id}"), "", "")
            .unwrap()
            .status,
        202
    );
    server.stop();
}

#[test]
fn transactions_stand_apart_and_conflict() {
    let place = Place::new();
    let server = place.ready();
    let root = root(&place);
    root.call("POST", "/_api/document/c", &json!([{ "_key": "a" }, { "_key": "b" }]));
    let begin = |body: Value| root.call("POST", "/_api/transaction/begin", &body);
    let id = |answer: &Answer| answer.json()["result"]["id"].as_str().unwrap().to_owned();
    let first = id(&begin(json!({ "collections": { "write": "c" } })));
    let second = id(&begin(json!({ "collections": { "write": ["c"] } })));
    let within = |trx: &str, key: &str, body: &str| {
        root.send(
            "PATCH",
            &format!("/_api/document/c/{key}"),
            &format!("x-arango-trx-id: {trx}\r\n"),
            body,
        )
        .unwrap()
        .status
    };
    assert_eq!(within(&first, "a", r#"{"n":1}"#), 202);
    assert_eq!(within(&second, "b", r#"{"n":2}"#), 202);
    root.call("POST", "/_api/document/c", &json!({ "_key": "outside" }));
    let end = |trx: &str, method: &str| root.send(method, &format!("/_api/transaction/{trx}"), "", "").unwrap();
    assert_eq!(end(&first, "PUT").json()["result"]["status"], "committed");
    assert_eq!(
        end(&second, "PUT").json()["result"]["status"],
        "committed",
        "other documents: no conflict"
    );
    assert_eq!(
        query(&root, "FOR d IN c SORT d._key RETURN d.n").json()["result"],
        json!([1, 2, null])
    );
    assert_eq!(end(&second, "PUT").status, 200, "again in the same way");
    let abort = end(&second, "DELETE");
    assert_eq!((abort.status, abort.error_num()), (400, 1653));
    let missing = begin(json!({ "collections": { "write": "nowhere" } }));
    assert_eq!((missing.status, missing.error_num()), (404, 1203));
    assert_eq!(begin(json!({})).status, 400);
    let exclusive = begin(json!({ "collections": { "exclusive": "c" } }));
    let blocked = begin(json!({ "collections": { "write": "c" }, "lockTimeout": 0.05 }));
    assert_eq!((blocked.status, blocked.error_num()), (500, 18));
    end(&id(&exclusive), "DELETE");
    assert_eq!(begin(json!({ "collections": { "write": "c" } })).status, 201);
    server.stop();
}

#[test]
fn queries_tell_their_errors_as_arangodb_does() {
    let place = Place::new();
    let server = place.ready();
    let root = root(&place);
    for (body, status, num) in [
        (json!({ "query": "" }), 400, 1502),
        (json!({}), 400, 1502),
        (json!([]), 400, 1502),
        (json!({ "query": "RETURN 1", "bindVars": [] }), 400, 17),
        (json!({ "query": "RETURN 1", "batchSize": 0 }), 400, 17),
        (
            json!({ "query": "FOR x IN @@c RETURN x", "bindVars": { "@c": "nowhere" } }),
            404,
            1203,
        ),
        (json!({ "query": "RETURN FAIL('x')" }), 400, 1569),
        (
            json!({ "query": "FOR i IN 1..100000 FOR j IN 1..100000 FILTER i < 0 RETURN 1", "options": { "maxRuntime": 0.05 } }),
            410,
            1500,
        ),
    ] {
        let answer = root.call("POST", "/_api/cursor", &body);
        assert_eq!((answer.status, answer.error_num()), (status, num), "{body}");
        assert_eq!(answer.json()["code"], status);
    }
    let message = query(&root, "FOR x IN\nRETURN").json()["errorMessage"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        message.starts_with("AQL: syntax error") && message.ends_with("(while parsing)"),
        "{message}"
    );
    let message = query(&root, "FOR d IN nowhere RETURN d").json()["errorMessage"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(message, "AQL: collection or view not found: nowhere (while parsing)");
    server.stop();
}

#[test]
fn imports_of_every_kind() {
    let place = Place::new();
    let server = place.ready();
    let root = root(&place);
    let import = |parameters: &str, body: &str| {
        let answer = root
            .send("POST", &format!("/_api/import?collection=c&{parameters}"), "", body)
            .unwrap();
        let json = answer.json();
        (
            answer.status,
            json["created"].as_u64().unwrap_or(0),
            json["errors"].as_u64().unwrap_or(0),
        )
    };
    assert_eq!(
        import("type=documents", "{\"_key\":\"a\"}\n\n{\"_key\":\"b\"}\nnonsense\n"),
        (201, 2, 1)
    );
    assert_eq!(import("type=array", r#"[{"_key":"c"},{"_key":"a"}]"#), (201, 1, 1));
    assert_eq!(import("type=auto", r#"[{"_key":"d"}]"#), (201, 1, 0));
    assert_eq!(import("", "[\"_key\",\"n\"]\n[\"e\",1]\n[\"f\"]\n"), (201, 1, 1));
    assert_eq!(
        import("type=array&complete=true", r#"[{"_key":"g"},{"_key":"a"}]"#).0,
        409
    );
    assert_eq!(root.get("/_api/document/c/g").status, 404);
    assert_eq!(import("type=array&overwrite=true", r#"[{"_key":"z"}]"#), (201, 1, 0));
    assert_eq!(root.get("/_api/collection/c/count").json()["count"], 1);
    server.stop();
}

#[test]
fn what_is_not_there_says_so() {
    let place = Place::new();
    let server = place.ready();
    let root = root(&place);
    for (method, target, status) in [
        ("GET", "/_api/nothing", 404),
        ("GET", "/_db/nowhere/_api/version", 404),
        ("POST", "/_api/transaction", 501),
        ("GET", "/_api/cluster/endpoints", 501),
        ("PATCH", "/_api/version", 405),
        ("PURGE", "/_api/version", 405),
        ("OPTIONS", "/_api/cursor", 200),
    ] {
        assert_eq!(
            root.send(method, target, "", "").unwrap().status,
            status,
            "{method} {target}"
        );
    }
    let asynchronous = root
        .send(
            "POST",
            "/_api/cursor",
            "x-arango-async: store\r\n",
            r#"{"query":"RETURN 1"}"#,
        )
        .unwrap();
    assert_eq!((asynchronous.status, asynchronous.error_num()), (501, 9));
    let chunked = place.client().raw(
        "POST /_api/cursor HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
        std::time::Duration::from_secs(5),
    );
    assert!(chunked.unwrap().starts_with(b"HTTP/1.1 501"));
    server.stop();
}

#[test]
fn large_answers_carry_their_length() {
    let place = Place::new();
    let server = place.ready();
    let root = root(&place);
    let answer = query(
        &root,
        "FOR i IN 1..1000 RETURN CONCAT('0123456789012345678901234567890123456789', i)",
    );
    assert!(answer.body.len() > 40_000 && answer.header("transfer-encoding").is_none());
    assert_eq!(
        answer.header("content-length"),
        Some(answer.body.len().to_string().as_str())
    );
    server.stop();
}

#[test]
fn absurd_requests_do_not_end_the_process() {
    let place = Place::new();
    let server = place.ready();
    let root = root(&place);
    let soon = std::time::Duration::from_millis(200);
    for request in [
        "POST /_open/auth HTTP/1.1\r\nContent-Length: 99999999999999\r\n\r\n{}".to_owned(),
        "POST /_open/auth HTTP/1.1\r\nContent-Length: -5\r\n\r\n".to_owned(),
        "GET /\u{e9} HTTP/1.1\r\n\r\n".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(20_000)),
        format!(
            "POST /_open/auth HTTP/1.1\r\nContent-Length: 100000\r\n\r\n{}",
            "[".repeat(100_000)
        ),
    ] {
        let _ = place.client().raw(&request, soon);
    }
    for text in [
        format!("RETURN {}1{}", "(".repeat(50_000), ")".repeat(50_000)),
        format!("RETURN {}1", "1 + ".repeat(50_000)),
        format!("RETURN {}1", "-".repeat(20_000)),
        "RETURN LENGTH(1..1000000000)".to_owned(),
        "FOR i IN 1..1000000 FOR j IN 1..1000000 LIMIT 5 RETURN j".to_owned(),
    ] {
        let status = query(&root, &text).status;
        assert!([201, 400, 410, 500].contains(&status), "{status}");
    }
    assert_eq!(query(&root, "RETURN 1").json()["result"], json!([1]));
    server.stop();
}

#[test]
fn a_vertex_goes_with_its_edges_or_not_at_all() {
    let place = Place::new();
    let server = place.ready();
    let root = root(&place);
    let graph = json!({ "name": "g", "edgeDefinitions": [{ "collection": "e", "from": ["c"], "to": ["c"] }] });
    assert_eq!(root.call("POST", "/_api/gharial", &graph).status, 202);
    root.call("POST", "/_api/document/c", &json!([{ "_key": "a" }, { "_key": "b" }]));
    root.call(
        "POST",
        "/_api/document/e",
        &json!({ "_key": "ab", "_from": "c/a", "_to": "c/b" }),
    );
    let remove = |collections: Value| {
        let begun = root.call(
            "POST",
            "/_api/transaction/begin",
            &json!({ "collections": { "write": collections } }),
        );
        let id = begun.json()["result"]["id"].as_str().unwrap().to_owned();
        let header = format!("x-arango-trx-id: {id}\r\n");
        let removed = root.send("DELETE", "/_api/gharial/g/vertex/c/a", &header, "").unwrap();
        root.send("PUT", &format!("/_api/transaction/{id}"), "", "").unwrap();
        (removed.status, removed.error_num())
    };
    assert_eq!(remove(json!(["c"])), (400, 1652), "the edges were not declared");
    assert_eq!(root.get("/_api/document/c/a").status, 200);
    assert_eq!(remove(json!(["c", "e"])), (202, 0));
    assert_eq!(root.get("/_api/document/e/ab").status, 404);
    server.stop();
}

#[test]
fn definitions_change_completely_or_not_at_all() {
    let place = Place::new();
    let server = place.ready();
    let root = root(&place);
    let users = json!([{ "username": "" }]);
    assert_eq!(
        root.call("POST", "/_api/database", &json!({ "name": "half", "users": users }))
            .status,
        400
    );
    assert_eq!(root.get("/_db/half/_api/database/current").status, 404);
    let graph = json!({ "name": "g", "edgeDefinitions": [
        { "collection": "fresh", "from": ["c"], "to": ["c"] }, { "collection": "c", "from": ["c"], "to": ["c"] },
    ] });
    assert_eq!(
        root.call("POST", "/_api/gharial", &graph).error_num(),
        1218,
        "c holds no edges"
    );
    assert_eq!(root.get("/_api/collection/fresh").status, 404);
    server.stop();
}
