//! What exists and is not what the schemas say: told, never altered; and where it reaches more, the gate stays closed.

use std::fs;

use crate::container::{Container, Running};

const VERTEX: &str = r#"{"type":"object","x-mallku":{"allow":["read"]}}"#;

fn schema(container: &Container, name: &str, text: &str) {
    container.write(&format!("schemas/{name}.json"), text, 0o644);
}

/// Starts once with the schemas as they are, so that everything exists.
fn created(container: &Container) {
    let mut running = container.ready();
    running.wait_for("provisioning:");
    assert_eq!(running.stop(), 0);
}

fn tells(running: &Running, sentences: &[&str]) {
    for sentence in sentences {
        running.wait_for(sentence);
    }
}

#[test]
fn differences_are_told_one_by_one_and_nothing_is_altered() {
    let container = Container::new();
    schema(
        &container,
        "person",
        r#"{"type":"object","required":["name"],"properties":{"name":{"type":"string"}},
            "x-mallku":{"allow":["read","insert"],"indexes":[{"type":"ttl","name":"old","fields":["at"],"expireAfter":60}]}}"#,
    );
    schema(
        &container,
        "texts",
        r#"{"x-mallku":{"kind":"view","collections":["person"],"allow":["read"],
            "definition":{"type":"arangosearch","links":{"person":{"includeAllFields":true}}}}}"#,
    );
    let policy = |allow: &str| {
        schema(
            &container,
            "notes",
            &format!(r#"{{"type":"object","x-mallku":{{"allow":["{allow}"]}}}}"#),
        );
        let app = container.path("app").display().to_string();
        schema(
            &container,
            "policy",
            &format!(r#"{{"users":{{"app":{{"passwordFile":"{app}","database":"_system"}}}}}}"#),
        );
    };
    policy("insert");
    container.write("app", "app-password", 0o400);
    std::os::unix::fs::chown(container.path("app"), Some(65532), Some(65532)).unwrap();
    created(&container);
    // The same start again finds no difference: what was created is what is wanted.
    let mut running = container.ready();
    running.wait_for("provisioning: nothing to create");
    assert_eq!(running.count("it is left as it is"), 0, "{}", running.log());
    assert_eq!(running.stop(), 0);
    schema(
        &container,
        "person",
        r#"{"type":"object","required":["name"],"properties":{"name":{"type":"number"}},
            "x-mallku":{"allow":["read","insert"],"indexes":[{"type":"ttl","name":"old","fields":["at"],"expireAfter":5}]}}"#,
    );
    schema(
        &container,
        "texts",
        r#"{"x-mallku":{"kind":"view","collections":["person"],"allow":["read"],
            "definition":{"type":"arangosearch","links":{"person":{"includeAllFields":false}}}}}"#,
    );
    policy("read");
    for _ in 0..2 {
        let mut running = container.ready();
        tells(
            &running,
            &[
                "collection `person` has another validation rule: `properties.name.type` is \"string\", the schemas say \"number\"; it \
                 is left as it is",
                "index \"old\" of `person` is another in the database: `expireAfter` is 60, the schemas say 5; it is left as it is",
                "view `texts` is defined otherwise in the database: `links.person.includeAllFields` is true, the schemas say false",
                "user `app` has `rw` on _system/notes, where `ro` is all that its roles need; it is left as it is",
                "provisioning: nothing to create, 4 differences",
            ],
        );
        assert_eq!(running.stop(), 0);
    }
}

#[test]
fn a_view_that_spans_more_than_its_schema_says_keeps_the_gate_closed() {
    let container = Container::new();
    schema(&container, "a", VERTEX);
    schema(&container, "b", VERTEX);
    let view = |collections: &str| {
        schema(
            &container,
            "all",
            &format!(
                r#"{{"x-mallku":{{"kind":"view","provision":true,"collections":{collections},"allow":["read"]}}}}"#
            ),
        );
    };
    view(r#"["a","b"]"#);
    created(&container);
    view(r#"["a"]"#);
    let (code, log) = container.outcome();
    assert_eq!(code, 3, "{log}");
    assert!(
        log.contains("the gate stays closed: view `all` also spans `b`, which its schema does not name"),
        "{log}"
    );
    assert!(!log.contains("the gate is open"), "{log}");
    // Where nothing is enforced, it is said.
    let container = container
        .with("MALLKU_SECURITY_LEVEL", "development")
        .with("MALLKU_ENFORCE_SECURITY", "false");
    let mut running = container.ready();
    running.wait_for("view `all` also spans `b`");
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_graph_that_leads_further_than_its_schema_says_keeps_the_gate_closed() {
    let container = Container::new();
    for name in ["a", "b"] {
        schema(&container, name, VERTEX);
    }
    let edge = |name: &str, to: &str| {
        schema(
            &container,
            name,
            &format!(r#"{{"type":"object","x-mallku":{{"kind":"edge","from":["a"],"to":{to},"allow":["read"]}}}}"#),
        );
    };
    let graph = |edges: &str| {
        schema(
            &container,
            "net",
            &format!(r#"{{"x-mallku":{{"kind":"graph","provision":false,"edges":{edges},"allow":["read"]}}}}"#),
        );
    };
    edge("e", r#"["a","b"]"#);
    edge("f", r#"["a"]"#);
    schema(
        &container,
        "net",
        r#"{"x-mallku":{"kind":"graph","edges":["e","f"],"allow":["read"]}}"#,
    );
    created(&container);
    // Compared even where it is not created here.
    edge("e", r#"["a"]"#);
    graph(r#"["e"]"#);
    let (code, log) = container.outcome();
    assert_eq!(code, 3, "{log}");
    for sentence in [
        "graph `net` lets the edges `e` lead to `b`, which their schema does not name",
        "graph `net` also has the edges `f`, which its schema does not name",
    ] {
        assert!(log.contains(sentence), "no `{sentence}` in\n{log}");
    }
    // Less than the schemas say is a difference, and harmless.
    edge("e", r#"["a","b"]"#);
    edge("g", r#"["b"]"#);
    graph(r#"["e","f","g"]"#);
    let mut running = container.ready();
    running.wait_for("graph `net` does not have the edges `g`; it is left as it is");
    assert_eq!(running.stop(), 0);
    assert!(fs::metadata(container.path("data/SERVER")).is_ok());
}
