//! What a client may learn beside documents: of the things that it may use, and of no others.

use super::*;

#[test]
fn nobody_learns_whether_a_database_exists_that_is_not_served() {
    let bench = Bench::new();
    let availability = "/_admin/server/availability";
    for database in ["", "/_db/mydb", "/_db/guessed"] {
        assert_eq!(bench.ask("GET", &format!("{database}{availability}"), "").0, 200);
        assert_eq!(bench.seen()[0].target, availability, "the database decides nothing");
    }
    let (status, answer) = bench.ask("GET", "/_db/guessed/_api/transaction", "");
    assert_eq!(
        (status, &answer["denials"][0]["rule"]),
        (403, &json!("database-not-served"))
    );
    assert!(bench.seen().is_empty());
    assert_eq!(bench.ask("GET", "/_db/mydb/_api/transaction", "").0, 200);
    assert_eq!(bench.ask("GET", "/_api/transaction", "").0, 200);
}

#[test]
fn a_graphs_definition_names_no_collection_that_is_out_of_reach() {
    let graph = json!({"_key": "social", "name": "social", "orphanCollections": ["people", "vault"], "edgeDefinitions": [
        {"collection": "knows", "from": ["people", "vault"], "to": ["people"]},
        {"collection": "opens", "from": ["people"], "to": ["vault"]}]});
    let bench = Bench::with(&[], move |request| {
        if request.target.ends_with("/_api/gharial") {
            return (200, json!({"error": false, "code": 200, "graphs": [graph]}));
        }
        (200, json!({"error": false, "code": 200, "graph": graph}))
    });
    let expected = json!({"_key": "social", "name": "social", "orphanCollections": ["people"], "edgeDefinitions": [
        {"collection": "knows", "from": ["people"], "to": ["people"]}]});
    assert_eq!(bench.ask("GET", "/_api/gharial/social", "").1["graph"], expected);
    assert_eq!(bench.ask("GET", "/_api/gharial", "").1["graphs"], json!([expected]));
}

#[test]
fn an_index_that_names_something_hidden_anywhere_is_not_shown() {
    let persistent = json!({"id": "notes/1", "type": "persistent", "name": "a", "fields": ["title"], "storedValues": ["stars"], "unique": false});
    let sorted = json!({"id": "notes/2", "type": "inverted", "name": "b", "fields": [], "includeAllFields": true,
        "primarySort": {"fields": [{"field": "secret", "direction": "asc"}]}});
    let stored =
        json!({"id": "notes/3", "type": "persistent", "name": "c", "fields": ["title"], "storedValues": ["secret"]});
    let all = [persistent.clone(), sorted.clone(), stored];
    let bench = Bench::with(&[], move |request| match request.target.rsplit('/').next() {
        Some("2") => (200, sorted.clone()),
        _ => (200, json!({"error": false, "code": 200, "indexes": all})),
    });
    let (status, answer) = bench.ask("GET", "/_api/index?collection=notes", "");
    assert_eq!((status, &answer["indexes"]), (200, &json!([persistent])));
    assert_eq!(bench.ask("GET", "/_api/index/notes/2", "").0, 403);
    // Where nothing is hidden, all of them are shown.
    assert_eq!(
        bench.ask("GET", "/_api/index?collection=people", "").1["indexes"]
            .as_array()
            .map(Vec::len),
        Some(3)
    );
}

#[test]
fn figures_tell_no_size_of_what_is_hidden() {
    let bench = Bench::with(&[], |_| {
        (
            200,
            json!({"error": false, "code": 200, "count": 1, "figures": {"documentsSize": 99, "indexes": {"count": 4, "size": 1}}}),
        )
    });
    let figures = |collection: &str| {
        bench
            .ask("GET", &format!("/_api/collection/{collection}/figures"), "")
            .1
    };
    assert_eq!(figures("notes"), json!({"error": false, "code": 200, "count": 1}));
    assert_eq!(figures("people")["figures"]["documentsSize"], 99);
}

#[test]
fn detecting_leaves_edges_of_unknown_collections_as_they_are() {
    let vars = [
        ("MALLKU_ENFORCE_SECURITY", "false"),
        ("MALLKU_SECURITY_LEVEL", "development"),
    ];
    let bench = Bench::with(&vars, usual);
    let edge = json!({"_from": "a/1", "_to": "a/2"});
    for (method, target, body) in [
        ("POST", "/_api/document/unknown", edge.to_string()),
        (
            "POST",
            "/_api/import?collection=unknown&type=array",
            json!([edge]).to_string(),
        ),
        ("POST", "/_api/gharial/unknown/edge/unknown", edge.to_string()),
    ] {
        assert!(bench.ask(method, target, &body).0 < 300, "{target}");
        let sent = bench.seen().remove(0).json();
        let sent = sent.as_array().map_or(sent.clone(), |items| items[0].clone());
        assert_eq!(sent, edge, "{target}");
    }
    // Documents have no ends, and arangod drops them as well.
    assert!(bench.ask("POST", "/_api/document/people", &edge.to_string()).0 < 300);
    assert_eq!(bench.seen().remove(0).json(), json!({}));
}
