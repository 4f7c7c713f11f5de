//! What every part of the gate reports to: metrics and audit log, and what a scrape reads beside them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::OnceLock;

use super::audit::{Log, Outcome, Record};
use super::door::{Observer, Refusal};
use super::message::Response;
use super::metrics::{CONTENT_TYPE, Measurement, Metrics, Sources};
use super::recording::Recording;

/// The instruments of a gate.
pub struct Instruments {
    /// Counters and histograms.
    pub metrics: Metrics,
    /// The audit log.
    pub audit: Log,
    /// Whether the audit log has literals and bind values.
    pub audit_values: bool,
    /// Where query shapes are recorded.
    pub recording: Option<Recording>,
    run_dir: Option<PathBuf>,
    door: OnceLock<Observer>,
}

impl Instruments {
    /// With this audit log; `run_dir` is where PID 1 keeps its state, when there is one of ours.
    pub fn new(audit: Log, run_dir: Option<PathBuf>) -> Self {
        Self {
            metrics: Metrics::default(),
            audit,
            audit_values: false,
            recording: None,
            run_dir,
            door: OnceLock::new(),
        }
    }

    /// Whether what a client asks is looked at once more when it was answered.
    pub fn keeps_queries(&self) -> bool {
        self.audit_values || self.recording.is_some()
    }

    /// The door is open, and its figures can be read.
    pub fn attach(&self, door: Observer) {
        let _ = self.door.set(door);
    }

    /// The door refused something before it was a request.
    pub fn refused_by_the_door(&self, refusal: &Refusal, peer: Option<SocketAddr>) {
        let rule = refusal.reason.rule();
        if let Some(rule) = rule {
            self.metrics.denial(rule);
        }
        self.audit.write(Record {
            client: peer.map(|peer| peer.ip()),
            verdict: if rule.is_some() {
                Outcome::Malformed
            } else {
                Outcome::None
            },
            status: refusal.reason.status(),
            rules: rule.as_slice(),
            reason: Some(&refusal.message),
            ..Record::default()
        });
    }

    /// The answer to `GET /metrics`, with what other parts measure.
    pub fn scrape(&self, others: Vec<Measurement>) -> Response {
        let text = self.metrics.text(&Sources {
            door: self.door.get(),
            audit: Some(&self.audit),
            run_dir: self.run_dir.clone(),
            others,
        });
        Response {
            status: 200,
            headers: vec![("Content-Type".to_owned(), CONTENT_TYPE.to_owned())],
            body: text.into_bytes(),
            close: false,
        }
    }
}
