//! Operations on documents without a query.

use std::collections::BTreeSet;

use mallku_db::judge::Verdict;
use mallku_db::judge::documents::{
    DocumentOperation, Merge, Overwrite, Place, Projection, judge_documents, judge_transaction, visible,
};
use serde_json::{Map, Value as Json, json};

use super::{rules, schemas};

fn place(collection: &str) -> Place<'_> {
    Place {
        user: None,
        database: "_system",
        collection,
    }
}

fn ask(collection: &str, operation: DocumentOperation<'_>, returns: bool) -> String {
    rules(&judge_documents(
        &schemas::attacked(),
        place(collection),
        operation,
        returns,
    ))
    .join(" ")
}

#[test]
fn operations() {
    let fine = [json!({"text": "a", "likes": 1})];
    let wrong = [json!({"text": "a"}), json!({"text": 1})];
    let unknown = [json!({"txt": "a"})];
    let insert = |documents, overwrite| DocumentOperation::Insert { documents, overwrite };
    assert_eq!(ask("users", DocumentOperation::Read, false), "");
    assert_eq!(ask("secrets", DocumentOperation::Read, false), "operation-not-allowed");
    assert_eq!(ask("other", DocumentOperation::Read, false), "unknown-collection");
    assert_eq!(ask("_users", DocumentOperation::Read, false), "unknown-collection");
    assert_eq!(ask("123", DocumentOperation::Read, false), "unknown-collection");
    assert_eq!(ask("people", DocumentOperation::Read, false), "unknown-collection");
    assert_eq!(ask("users", DocumentOperation::Remove, false), "operation-not-allowed");
    assert_eq!(ask("notes", DocumentOperation::Remove, true), "");
    assert_eq!(ask("notes", insert(&fine, Overwrite::Conflict), false), "");
    assert_eq!(
        ask("notes", insert(&fine, Overwrite::Update(Merge::default())), true),
        ""
    );
    assert_eq!(
        ask("users", insert(&fine, Overwrite::Conflict), false),
        "operation-not-allowed attribute-unknown"
    );
    assert_eq!(
        ask("notes", insert(&wrong, Overwrite::Conflict), false),
        "document-invalid"
    );
    assert_eq!(
        ask("notes", insert(&unknown, Overwrite::Conflict), false),
        "attribute-unknown"
    );
    let update = |documents| DocumentOperation::Update {
        documents,
        merge: Merge::default(),
    };
    assert_eq!(ask("notes", update(&fine), false), "");
    assert_eq!(ask("notes", update(&wrong), false), "document-invalid");
    assert_eq!(
        ask("notes", DocumentOperation::Replace { documents: &unknown }, false),
        "attribute-unknown"
    );
    let edges = [json!({"_from": "users/1", "_to": "secrets/1"})];
    assert_eq!(
        ask("friends", insert(&edges, Overwrite::Conflict), false),
        "document-invalid"
    );
    let edges = [json!({"_from": "users/1", "_to": "users/2", "since": 3})];
    assert_eq!(ask("friends", insert(&edges, Overwrite::Conflict), false), "");
    assert_eq!(
        ask("friends", insert(&edges, Overwrite::Replace), false),
        "operation-not-allowed"
    );
}

#[test]
fn stored_documents_are_reduced_to_what_may_be_read() {
    let set = schemas::attacked();
    let projection = Projection::of(&set, place("users")).unwrap();
    assert!(!projection.is_whole());
    let mut document = json!({
        "_key": "1", "_id": "users/1", "_rev": "x", "name": "a", "pw": "b", "stray": 1,
        "profile": {"city": "c", "pw": "d", "stray": 2}, "tags": ["e"]
    });
    projection.reduce(&mut document);
    assert_eq!(
        document,
        json!({"_key": "1", "_id": "users/1", "_rev": "x", "name": "a", "profile": {"city": "c"}, "tags": ["e"]})
    );
    let mut odd = json!({"profile": [{"city": "c", "pw": "d"}], "tags": {"pw": 1}});
    projection.reduce(&mut odd);
    assert_eq!(odd["profile"], json!([{"city": "c"}]));
    assert!(Projection::of(&set, place("secrets")).is_none());
    assert!(Projection::of(&set, place("other")).is_none());
}

#[test]
fn declared_collections_of_transactions() {
    let set = schemas::attacked();
    let ask = |read: &[&str], write: &[&str]| {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        rules(&judge_transaction(&set, None, "_system", &names(read), &names(write))).join(" ")
    };
    assert_eq!(ask(&["users"], &["notes"]), "");
    assert_eq!(ask(&["secrets"], &[]), "operation-not-allowed");
    assert_eq!(ask(&[], &["users"]), "operation-not-allowed");
    assert_eq!(ask(&["_users"], &["other"]), "unknown-collection");
}

#[test]
fn visible_names() {
    let set = schemas::attacked();
    let names: Vec<_> = visible(&set, None, "_system").into_iter().collect();
    assert_eq!(names, ["friends", "notes", "people", "social", "users"]);
    assert!(visible(&set, None, "other").is_empty());
}

#[test]
fn read_only_attributes_survive_documents_by_key() {
    let made = json!({
        "properties": {"made": {"readOnly": true}, "o": {"type": ["object", "null"], "properties": {"made": {"readOnly": true}}}},
        "x-mallku": {"allow": ["read", "insert", "update", "replace"]}
    });
    let set = schemas::attacked_with(&[("made_things.json", made)]);
    let ask = |operation: DocumentOperation<'_>| {
        let verdict = judge_documents(&set, place("made_things"), operation, false);
        rules(&verdict).join(" ")
    };
    let documents = &[json!({"_key": "k", "o": {"name": "x"}})];
    let insert = |overwrite| DocumentOperation::Insert { documents, overwrite };
    assert_eq!(ask(insert(Overwrite::Conflict)), "");
    assert_eq!(ask(insert(Overwrite::Replace)), "attribute-read-only");
    assert_eq!(ask(DocumentOperation::Replace { documents }), "attribute-read-only");
    for (merge_objects, keep_null, document, wanted) in [
        (true, true, json!({"o": {"name": "x"}}), ""),
        (false, true, json!({"o": {"name": "x"}}), "attribute-read-only"),
        (true, true, json!({"o": null}), "attribute-read-only"),
        (true, false, json!({"o": null}), "attribute-read-only"),
        (true, false, json!({"made": null}), "attribute-read-only"),
        (true, false, json!({"o": {"made": null}}), "attribute-read-only"),
        (true, false, json!({"name": null}), ""),
    ] {
        let merge = Merge {
            keep_null,
            merge_objects,
        };
        let given = [document];
        let documents = &given[..];
        assert_eq!(
            ask(DocumentOperation::Update { documents, merge }),
            wanted,
            "{documents:?} {merge:?}"
        );
        let overwrite = Overwrite::Update(merge);
        let inserted = ask(DocumentOperation::Insert { documents, overwrite });
        assert!(inserted.starts_with(wanted), "{documents:?} {merge:?}: {inserted}");
    }
}

#[test]
fn however_much_is_wrong_the_denials_are_few_and_short() {
    let set = schemas::attacked();
    let bounded = |verdict: &Verdict| {
        let (count, longest) = (
            verdict.denials.len(),
            verdict.denials.iter().map(|denial| denial.message.len()).max(),
        );
        assert!((1..=100).contains(&count), "{count}");
        assert!(longest < Some(2000), "{longest:?}");
    };
    let many: Vec<_> = (0..50_000).map(|at| json!({format!("unknown{at}"): 1})).collect();
    let wide: Map<String, Json> = (0..50_000).map(|at| (format!("unknown{at}"), 1.into())).collect();
    let long = json!({"x".repeat(1_000_000): 1});
    for documents in [
        many,
        vec![wide.into()],
        vec![long],
        vec![json!({"text": vec![1; 50_000]})],
    ] {
        let overwrite = Overwrite::Update(Merge {
            keep_null: false,
            merge_objects: true,
        });
        let documents = &documents[..];
        let operation = DocumentOperation::Insert { documents, overwrite };
        bounded(&judge_documents(&set, place("notes"), operation, false));
    }
    let names: BTreeSet<String> = (0..50_000).map(|at| format!("unknown{at}")).collect();
    bounded(&judge_transaction(&set, None, "_system", &names, &names));
}

#[test]
fn of_a_large_document_the_first_fault_is_told_and_none_is_missed() {
    let made = json!({
        "additionalProperties": false,
        "properties": {
            "numbers": {"type": "array", "items": {"type": "number"}},
            "a": {"type": "object", "required": ["b", "c"], "properties": {"b": {"type": "number"}, "c": {"type": "number"}}}
        },
        "required": ["a"],
        "x-mallku": {"allow": ["read", "insert", "update"]}
    });
    let set = schemas::attacked_with(&[("made.json", made)]);
    let update = |document: Json| {
        let documents = &[document];
        let merge = Merge::default();
        let operation = DocumentOperation::Update { documents, merge };
        judge_documents(&set, place("made"), operation, false)
    };
    let good = vec![json!(1); 20_000];
    let mut bad = good.clone();
    bad[19_999] = json!("x");
    assert_eq!(rules(&update(json!({"numbers": good}))), [""; 0]);
    assert_eq!(rules(&update(json!({"numbers": bad}))), ["document-invalid"]);
    // What `a` lacks is stored already, which is no fault in a merge; what comes after it may be one.
    assert_eq!(rules(&update(json!({"a": {"b": 1}}))), [""; 0]);
    for numbers in [bad, good] {
        let verdict = update(json!({"a": {"b": 1}, "numbers": numbers}));
        assert_eq!(rules(&verdict), ["document-invalid"]);
    }
    assert_eq!(update(json!({"numbers": vec!["x"; 20]})).denials.len(), 20);
    assert_eq!(update(json!({"numbers": vec!["x"; 20_000]})).denials.len(), 1);
}
