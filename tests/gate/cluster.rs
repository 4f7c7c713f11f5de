//! Several coordinators: who is asked, what is repeated elsewhere, and what stays where it began.

use serde_json::json;

use crate::coordinator::{Act, Coordinator, alive, usual};
use crate::process::{Gate, wait_for};

const NOTES: (&str, &str) = (
    "notes",
    r#"{"type":"object","x-mallku":{"allow":["read","insert","remove"]}}"#,
);
const QUERY: &str = "FOR n IN notes RETURN n._key";

fn before(coordinators: &[&Coordinator]) -> Gate {
    let servers: Vec<_> = coordinators
        .iter()
        .map(|coordinator| format!("http://127.0.0.1:{}", coordinator.port))
        .collect();
    Gate::start(&servers.join(","), &[NOTES], &[])
}

/// How many requests each has seen.
fn counts(coordinators: &[&Coordinator]) -> Vec<usize> {
    coordinators
        .iter()
        .map(|coordinator| coordinator.seen().len())
        .collect()
}

#[test]
fn a_dead_coordinator_costs_no_request_and_is_asked_again_when_it_is_back() {
    let (one, two) = (Coordinator::plain(usual), Coordinator::plain(usual));
    let gate = before(&[&one, &two]);
    for _ in 0..4 {
        assert_eq!(gate.query("app", QUERY).0, 201);
    }
    assert_eq!(counts(&[&one, &two]), [2, 2]);
    one.die();
    // Writes included: where no connection is made, nothing can have been executed.
    for _ in 0..6 {
        assert_eq!(gate.query("app", QUERY).0, 201);
        let (status, answer) = gate.ask("app", "POST", "/_api/document/notes", r#"{"a":1}"#);
        assert!(status < 300, "{status} {answer}");
    }
    assert_eq!(counts(&[&one, &two]), [0, 12]);
    let answering = || gate.ask_with("GET", "/health", "", b"").json()["database"]["answering"].as_u64();
    wait_for("the gate's look at the servers", || {
        (answering() == Some(1)).then_some(())
    });
}

#[test]
fn a_coordinator_that_says_it_is_not_ready_is_passed_over() {
    let stopping = Coordinator::plain(|_| Act::Answer(503, json!({"error": true, "code": 503, "errorNum": 30})));
    let ready = Coordinator::plain(usual);
    let gate = before(&[&stopping, &ready]);
    for _ in 0..6 {
        assert_eq!(gate.query("app", QUERY).0, 201);
    }
    assert_eq!(counts(&[&ready]), [6]);
}

#[test]
fn a_write_that_broke_off_is_repeated_nowhere_and_a_read_is() {
    let broken = |request: &_| alive(request).unwrap_or(Act::HangUp);
    let (one, two) = (Coordinator::plain(broken), Coordinator::plain(broken));
    let gate = before(&[&one, &two]);
    let (status, answer) = gate.ask("app", "POST", "/_api/document/notes", r#"{"a":1}"#);
    assert_eq!(status, 502, "{answer}");
    assert!(answer.to_string().contains("the outcome is not known"), "{answer}");
    assert_eq!(counts(&[&one, &two]).iter().sum::<usize>(), 1);
    let (status, _) = gate.ask("app", "DELETE", "/_api/document/notes/1", "");
    assert_eq!(status, 502);
    assert_eq!(counts(&[&one, &two]).iter().sum::<usize>(), 1);
    let (status, _) = gate.ask("app", "GET", "/_api/document/notes/1", "");
    assert_eq!(status, 502);
    let (first, second) = (one.seen().len(), two.seen().len());
    assert!(first >= 1 && second >= 1, "{first} {second}");
}

#[test]
fn a_cursor_stays_with_its_coordinator_and_ends_with_it() {
    let (one, two) = (Coordinator::plain(usual), Coordinator::plain(usual));
    let gate = before(&[&one, &two]);
    let (status, answer) = gate.query("app", QUERY);
    assert_eq!((status, answer["id"].as_str()), (201, Some("77")));
    let owner = usize::from(counts(&[&one, &two]) == [0, 1]);
    let both = [&one, &two];
    let next = || gate.ask("app", "POST", "/_api/cursor/77", "");
    // The usual answer says that there is no more, which forgets nothing yet: arangod is asked each time.
    for _ in 0..4 {
        assert_eq!(next().0, 200);
    }
    assert_eq!((both[owner].seen().len(), both[1 - owner].seen().len()), (4, 0));
    both[owner].die();
    // Nobody else can have it: said as a passing trouble, for the coordinator may come back with its cursor lost.
    let (status, answer) = next();
    assert_eq!((status, answer["errorNum"].as_u64()), (503, Some(503)), "{answer}");
    assert_eq!(both[1 - owner].seen().len(), 0);
    // Whatever else is asked for goes on.
    assert_eq!(gate.query("app", QUERY).0, 201);
}

#[test]
fn a_coordinator_that_breaks_off_in_the_middle_of_a_cursor_is_no_short_result() {
    let one = Coordinator::plain(|request| {
        if request.line.ends_with("/_api/cursor/77") {
            Act::HangUp
        } else {
            usual(request)
        }
    });
    let gate = before(&[&one]);
    assert_eq!(gate.query("app", QUERY).0, 201);
    let (status, answer) = gate.ask("app", "POST", "/_api/cursor/77", "");
    assert_eq!(status, 502, "{answer}");
    assert_eq!(answer["error"], true);
}

#[test]
fn a_transaction_stays_with_its_coordinator() {
    let (one, two) = (Coordinator::plain(usual), Coordinator::plain(usual));
    let gate = before(&[&one, &two]);
    let (status, answer) = gate.ask(
        "app",
        "POST",
        "/_api/transaction/begin",
        r#"{"collections":{"write":["notes"]}}"#,
    );
    assert_eq!(status, 201, "{answer}");
    let owner = usize::from(counts(&[&one, &two]) == [0, 1]);
    let both = [&one, &two];
    let lines = format!(
        "Authorization: {}\r\nx-arango-trx-id: 88\r\n",
        crate::process::basic("app", "pw")
    );
    for _ in 0..3 {
        let query = json!({ "query": QUERY }).to_string();
        assert_eq!(
            gate.ask_with("POST", "/_api/cursor", &lines, query.as_bytes()).status,
            201
        );
    }
    assert!(gate.ask("app", "PUT", "/_api/transaction/88", "").0 < 300);
    let seen = both[owner].seen();
    assert_eq!((seen.len(), both[1 - owner].seen().len()), (4, 0), "{seen:?}");
    both[owner].die();
    let answer = gate.ask_with(
        "POST",
        "/_api/cursor",
        &lines,
        json!({ "query": QUERY }).to_string().as_bytes(),
    );
    assert_eq!(answer.status, 503, "{}", answer.json());
    assert_eq!(both[1 - owner].seen().len(), 0);
}
