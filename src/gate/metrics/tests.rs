//! What a scrape shows.

use std::collections::BTreeMap;

use super::*;
use crate::state::{Database, Gate, Phase};

/// The samples of a scrape: name with labels → value.
fn samples(text: &str) -> BTreeMap<String, f64> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        })
        .collect()
}

#[test]
fn what_happens_is_counted_under_our_names() {
    let metrics = Metrics::default();
    metrics.request("aql", Outcome::Allow, Duration::from_millis(3));
    metrics.request("aql", Outcome::Allow, Duration::from_millis(3));
    metrics.request("document", Outcome::Deny, Duration::from_millis(1));
    metrics.denial(Rule::AttributeHidden);
    metrics.decision(Duration::from_micros(50));
    metrics.upstream(Duration::from_millis(2));
    metrics.upstream_failure("connect");
    metrics.reload(true);
    let text = metrics.text(&Sources::default());
    let samples = samples(&text);
    for (name, value) in [
        (r#"mallku_requests_total{class="aql",verdict="allow"}"#, 2.0),
        (r#"mallku_requests_total{class="document",verdict="deny"}"#, 1.0),
        (r#"mallku_denials_total{rule="attribute-hidden"}"#, 1.0),
        (r#"mallku_denials_total{rule="syntax"}"#, 0.0),
        (r#"mallku_upstream_failures_total{kind="connect"}"#, 1.0),
        (r#"mallku_reloads_total{result="ok"}"#, 1.0),
        (r#"mallku_reloads_total{result="failed"}"#, 0.0),
        ("mallku_decision_seconds_count", 1.0),
        ("mallku_upstream_seconds_sum", 0.002),
        ("mallku_request_seconds_count", 3.0),
    ] {
        assert_eq!(samples.get(name), Some(&value), "{name} in:\n{text}");
    }
    assert!(samples["mallku_gate_resident_bytes"] > 0.0);
    assert!(samples["mallku_gate_open_descriptors"] > 0.0);
    assert_eq!(text.matches("# EOF").count(), 1);
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn pid_1s_counters_come_from_its_state_file() {
    let dir = tempfile::tempdir().unwrap();
    let state = State {
        phase: Phase::Degraded,
        since_ms: 2,
        started_ms: 1,
        pid: 1,
        reason: "a secret-looking \"reason\"".to_owned(),
        database: Database {
            starts: 3,
            restarts: 2,
            ..Database::default()
        },
        gate: Gate {
            restarts: 1,
            ..Gate::default()
        },
        orphans_reaped: 9,
        log_lines_dropped: 4,
    };
    state.write(dir.path()).unwrap();
    let sources = Sources {
        run_dir: Some(dir.path().to_owned()),
        others: vec![Measurement::gauge("cache_entries", "Prepared queries kept", 12.0)],
        ..Sources::default()
    };
    let text = Metrics::default().text(&sources);
    let samples = samples(&text);
    for (name, value) in [
        (r#"mallku_container_phase{phase="degraded"}"#, 1.0),
        (r#"mallku_container_phase{phase="ready"}"#, 0.0),
        ("mallku_database_starts_total", 3.0),
        ("mallku_database_restarts_total", 2.0),
        ("mallku_gate_restarts_total", 1.0),
        ("mallku_orphans_reaped_total", 9.0),
        ("mallku_database_log_dropped_lines_total", 4.0),
        ("mallku_cache_entries", 12.0),
    ] {
        assert_eq!(samples.get(name), Some(&value), "{name} in:\n{text}");
    }
    // A state file that is gone or broken costs its own figures only.
    std::fs::write(dir.path().join(crate::state::FILE_NAME), "{").unwrap();
    assert!(!Metrics::default().text(&sources).contains("mallku_orphans"));
}

#[test]
fn each_family_is_described_once() {
    let door = crate::gate::door::Stats {
        connections: crate::gate::door::Phase::OPEN.iter().map(|&phase| (phase, 1)).collect(),
        refusals: crate::gate::door::Reason::ALL
            .iter()
            .map(|&reason| (reason, 2))
            .collect(),
        ..Default::default()
    };
    let sources = Sources {
        others: snapshot::door(&door),
        ..Sources::default()
    };
    let text = Metrics::default().text(&sources);
    let mut described: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    let count = described.len();
    described.sort_unstable();
    described.dedup();
    assert_eq!(described.len(), count, "{text}");
    assert!(
        text.contains(r#"mallku_door_refusals_total{reason="protocol"} 2"#),
        "{text}"
    );
    assert!(text.contains(r#"mallku_connections{state="idle"} 1"#), "{text}");
}

/// Every name that begins with ours, without what a histogram or a counter adds to it.
fn names(text: &str) -> std::collections::BTreeSet<String> {
    text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_')
        .filter(|word| word.starts_with("mallku_") && *word != "mallku_db")
        .map(|word| {
            let word = ["_bucket", "_count", "_sum"]
                .iter()
                .find_map(|end| word.strip_suffix(end))
                .unwrap_or(word);
            word.to_owned()
        })
        .collect()
}

#[test]
fn documentation_and_dashboard_name_what_there_is() {
    let dir = tempfile::tempdir().unwrap();
    let state = State {
        phase: Phase::Ready,
        since_ms: 2,
        started_ms: 1,
        pid: 1,
        reason: String::new(),
        database: Database::default(),
        gate: Gate::default(),
        orphans_reaped: 0,
        log_lines_dropped: 0,
    };
    state.write(dir.path()).unwrap();
    let door = crate::gate::door::Stats {
        connections: vec![(crate::gate::door::Phase::Idle, 1)],
        refusals: vec![(crate::gate::door::Reason::Malformed, 1)],
        ..Default::default()
    };
    let metrics = Metrics::default();
    metrics.request("aql", Outcome::Allow, Duration::ZERO);
    metrics.upstream_failure("connect");
    let log = Log::off();
    let text = metrics.text(&Sources {
        run_dir: Some(dir.path().to_owned()),
        audit: Some(&log),
        others: snapshot::door(&door),
        ..Sources::default()
    });
    let samples: String = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect::<Vec<_>>()
        .join("\n");
    let there = names(&samples);
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let documented = names(&std::fs::read_to_string(root.join("docs/metrics.md")).unwrap());
    let shown = names(&std::fs::read_to_string(root.join("deploy/grafana/mallku-db.json")).unwrap());
    let missing: Vec<_> = there.difference(&documented).collect();
    assert!(missing.is_empty(), "not in docs/metrics.md: {missing:?}");
    let unknown: Vec<_> = shown.difference(&documented).collect();
    assert!(unknown.is_empty(), "shown and not documented: {unknown:?}");
}
