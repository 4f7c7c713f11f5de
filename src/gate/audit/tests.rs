//! What ends up in the audit log, and what does not hold anybody up.

use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};

use super::*;

/// Keeps what is written; while it has a gate to wait at, it waits.
#[derive(Clone, Default)]
struct Memory {
    bytes: Arc<Mutex<Vec<u8>>>,
    gate: Option<Arc<Mutex<Receiver<()>>>>,
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(gate) = &self.gate {
            let _ = gate.lock().unwrap().recv();
        }
        self.bytes.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Memory {
    fn gated() -> (Self, Sender<()>) {
        let (open, gate) = channel();
        let memory = Self {
            gate: Some(Arc::new(Mutex::new(gate))),
            ..Self::default()
        };
        (memory, open)
    }

    fn lines(&self) -> Vec<serde_json::Value> {
        let bytes = self.bytes.lock().unwrap();
        let text = std::str::from_utf8(&bytes).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[test]
fn a_record_is_one_line_with_what_is_known() {
    let memory = Memory::default();
    let log = Log::start(Some(Sink::to(Box::new(memory.clone())))).unwrap();
    let reads = BTreeMap::from([("episodes".to_owned(), BTreeSet::from(["title".to_owned()]))]);
    let writes = BTreeMap::from([(
        "notes".to_owned(),
        BTreeMap::from([(Operation::Insert, BTreeSet::from(["*".to_owned()]))]),
    )]);
    log.write(Record {
        request_id: Some("r-1"),
        client: Some("10.0.0.7".parse().unwrap()),
        user: Some("app\n\"x\""),
        database: Some("_system"),
        method: Some("POST"),
        route: Some("/_api/cursor"),
        class: Some("aql"),
        verdict: Outcome::Deny,
        status: 403,
        rules: &[Rule::AttributeHidden, Rule::WholeDocument],
        fingerprint: "9f2c",
        reads: Some(&reads),
        writes: Some(Writes(&writes)),
        duration: Duration::from_micros(1500),
        decision: Duration::from_micros(40),
        ..Record::default()
    });
    log.write(Record::default());
    drop(log);
    let lines = memory.lines();
    let mut first = lines[0].clone();
    let time = first["time"].take();
    assert!(
        time.as_str().unwrap().ends_with('Z') && time.as_str().unwrap().len() == 24,
        "{time}"
    );
    assert_eq!(
        first,
        serde_json::json!({
            "time": null, "requestId": "r-1", "client": "10.0.0.7", "user": "app\n\"x\"", "database": "_system",
            "method": "POST", "route": "/_api/cursor", "class": "aql", "verdict": "deny", "status": 403,
            "rules": ["attribute-hidden", "whole-document"], "fingerprint": "9f2c",
            "reads": {"episodes": ["title"]}, "writes": {"notes": {"insert": ["*"]}},
            "durationUs": 1500, "decisionUs": 40, "upstreamUs": 0,
        })
    );
    let names: Vec<&String> = lines[1].as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        ["time", "verdict", "status", "durationUs", "decisionUs", "upstreamUs"]
    );
}

#[test]
fn a_stuck_writer_costs_lines_and_never_time() {
    let (memory, open) = Memory::gated();
    let log = Log::with_capacity(Some(Sink::to(Box::new(memory.clone()))), 8).unwrap();
    // The writer holds at most one batch, the channel eight lines; everything else is dropped at once.
    for _ in 0..1000 {
        log.write(Record::default());
    }
    let dropped = log.dropped();
    assert!((900..1000).contains(&dropped), "{dropped}");
    drop(open);
    let counts = Arc::clone(&log.counts);
    drop(log);
    let lines = memory.lines();
    let records = lines.iter().filter(|line| line.get("verdict").is_some()).count() as u64;
    let said: u64 = lines.iter().filter_map(|line| line["dropped"].as_u64()).sum();
    assert_eq!((records, said), (1000 - dropped, dropped));
    assert_eq!(counts.written.load(Ordering::Relaxed), records);
}

#[test]
fn a_rotated_file_is_opened_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.log");
    let log = Log::start(Sink::open(&Audit::File(path.clone())).unwrap()).unwrap();
    let write = |count| {
        log.write(Record::default());
        let start = Instant::now();
        while log.written() < count {
            assert!(start.elapsed() < Duration::from_secs(20), "the line was not written");
            thread::yield_now();
        }
    };
    write(1);
    std::fs::rename(&path, dir.path().join("audit.log.1")).unwrap();
    log.reopen();
    write(2);
    for name in ["audit.log", "audit.log.1"] {
        assert_eq!(
            std::fs::read_to_string(dir.path().join(name)).unwrap().lines().count(),
            1,
            "{name}"
        );
    }
}

#[test]
fn a_file_that_cannot_be_opened_is_an_error_that_names_it() {
    let error = Sink::open(&Audit::File("/nowhere/audit.log".into())).err().unwrap();
    assert_eq!(error.to_string(), "cannot open the audit log /nowhere/audit.log");
    assert!(Sink::open(&Audit::Off).unwrap().is_none());
}

#[test]
fn a_flush_waits_for_the_lines_and_not_for_ever() {
    let memory = Memory::default();
    let log = Log::start(Some(Sink::to(Box::new(memory.clone())))).unwrap();
    for _ in 0..100 {
        log.write(Record::default());
    }
    log.flush(Duration::from_secs(20));
    assert_eq!(memory.lines().len(), 100);
    let (stuck, open) = Memory::gated();
    let log = Log::start(Some(Sink::to(Box::new(stuck)))).unwrap();
    log.write(Record::default());
    log.flush(Duration::from_millis(20));
    assert_eq!(log.written(), 0);
    drop(open);
}

#[test]
fn waiting_lines_are_bounded_by_their_bytes_as_well() {
    let (memory, open) = Memory::gated();
    let log = Log::start(Some(Sink::to(Box::new(memory.clone())))).unwrap();
    let user = "x".repeat(24_000);
    for _ in 0..1000 {
        log.write(Record {
            user: Some(&user),
            ..Record::default()
        });
    }
    assert!(log.counts.waiting.load(Ordering::Relaxed) <= CAPACITY_BYTES);
    assert!(log.dropped() > 500, "{}", log.dropped());
    drop(open);
    log.flush(Duration::from_mins(1));
    assert_eq!(log.counts.waiting.load(Ordering::Relaxed), 0);
    assert_eq!(log.written() + log.dropped(), 1000);
}

#[test]
fn a_long_name_keeps_no_request_out_of_the_log() {
    let memory = Memory::default();
    let log = Log::start(Some(Sink::to(Box::new(memory.clone())))).unwrap();
    let paths = BTreeSet::from(["x".repeat(2 * CAPACITY_BYTES)]);
    let writes = BTreeMap::from([("notes".to_owned(), BTreeMap::from([(Operation::Insert, paths)]))]);
    log.write(Record {
        user: Some("app"),
        fingerprint: "9f2c",
        writes: Some(Writes(&writes)),
        ..Record::default()
    });
    drop(log);
    let lines = memory.lines();
    assert_eq!(lines[0]["user"], "app");
    assert_eq!(lines[0]["fingerprint"], "9f2c");
    assert_eq!((&lines[0]["cut"], lines[0].get("writes")), (&true.into(), None));
}
