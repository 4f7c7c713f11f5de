//! What the gate tells Prometheus: requests and what became of them, how long decisions and the database took, connections,
//! and PID 1's counters from its state file.
//!
//! Labels are names of ours (classes, verdicts, rules), never a client's words: the number of series is bounded.

mod snapshot;

use std::path::PathBuf;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use super::audit::{Log, Outcome};
use super::door::Observer;
use crate::judge::Rule;
use crate::state::State;

use snapshot::Snapshot;
pub use snapshot::{Kind, Measurement};

/// The media type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Labels<const N: usize> = [(&'static str, &'static str); N];

/// The gate's metrics.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Labels<2>, Counter>,
    denials: Family<Labels<1>, Counter>,
    upstream_failures: Family<Labels<1>, Counter>,
    reloads: Family<Labels<1>, Counter>,
    decision: Histogram,
    upstream: Histogram,
    duration: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        // 20 µs to 2.6 s for decisions; a query may run for a minute.
        let decision = Histogram::new(exponential_buckets(0.000_02, 2.5, 13));
        let upstream = Histogram::new(exponential_buckets(0.000_1, 2.5, 16));
        let duration = Histogram::new(exponential_buckets(0.000_1, 2.5, 16));
        let mut metrics = Self {
            registry: Registry::with_prefix("mallku"),
            requests: Family::default(),
            denials: Family::default(),
            upstream_failures: Family::default(),
            reloads: Family::default(),
            decision,
            upstream,
            duration,
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("requests", "Requests by route class and verdict", self.requests.clone());
        registry.register(
            "denials",
            "Denials by rule; a request can have several",
            self.denials.clone(),
        );
        registry.register(
            "upstream_failures",
            "Requests that the database did not answer, by what went wrong",
            self.upstream_failures.clone(),
        );
        registry.register("reloads", "Reloads of the schema set by result", self.reloads.clone());
        registry.register(
            "decision_seconds",
            "Time to read and judge a request",
            self.decision.clone(),
        );
        registry.register(
            "upstream_seconds",
            "Time the database took to answer",
            self.upstream.clone(),
        );
        registry.register(
            "request_seconds",
            "Time from a request's first byte to its answer",
            self.duration.clone(),
        );
        // Every rule is there from the start, so that its first denial is an increase.
        for rule in Rule::ALL {
            drop(self.denials.get_or_create(&[("rule", rule.name())]));
        }
        for result in ["ok", "failed"] {
            drop(self.reloads.get_or_create(&[("result", result)]));
        }
    }

    /// A request was answered.
    pub fn request(&self, class: &'static str, verdict: Outcome, duration: Duration) {
        self.requests
            .get_or_create(&[("class", class), ("verdict", verdict.name())])
            .inc();
        self.duration.observe(duration.as_secs_f64());
    }

    /// A rule denied, or would have.
    pub fn denial(&self, rule: Rule) {
        self.denials.get_or_create(&[("rule", rule.name())]).inc();
    }

    /// A request was read and judged.
    pub fn decision(&self, duration: Duration) {
        self.decision.observe(duration.as_secs_f64());
    }

    /// The database answered.
    pub fn upstream(&self, duration: Duration) {
        self.upstream.observe(duration.as_secs_f64());
    }

    /// The database did not answer; `kind` is one of a few fixed words (`connect`, `timeout`, `broken`).
    pub fn upstream_failure(&self, kind: &'static str) {
        self.upstream_failures.get_or_create(&[("kind", kind)]).inc();
    }

    /// The schema set was loaded again, or was not.
    pub fn reload(&self, succeeded: bool) {
        let result = if succeeded { "ok" } else { "failed" };
        self.reloads.get_or_create(&[("result", result)]).inc();
    }

    /// The text that Prometheus scrapes. `sources` are read now.
    pub fn text(&self, sources: &Sources<'_>) -> String {
        let mut text = String::with_capacity(16 * 1024);
        let mut snapshot = Registry::with_prefix("mallku");
        snapshot.register_collector(Box::new(Snapshot::new(sources.measure())));
        // Writing to a String does not fail; both parts end in an end mark, of which one is enough.
        if encode(&mut text, &self.registry).is_err() {
            log::error!("the metrics cannot be written");
        }
        if let Some(end) = text.rfind("# EOF") {
            text.truncate(end);
        }
        if encode(&mut text, &snapshot).is_err() {
            log::error!("the metrics cannot be written");
        }
        text
    }
}

/// Where figures come from that are read at each scrape instead of being counted here.
#[derive(Default)]
pub struct Sources<'a> {
    /// The door.
    pub door: Option<&'a Observer>,
    /// The audit log.
    pub audit: Option<&'a Log>,
    /// The run directory with PID 1's state file; `None` where there is no PID 1 of ours.
    pub run_dir: Option<PathBuf>,
    /// What other parts measure: the cache of judged queries, the schema set in force, the pool of upstream connections.
    pub others: Vec<Measurement>,
}

impl Sources<'_> {
    fn measure(&self) -> Vec<Measurement> {
        let mut found = snapshot::process();
        if let Some(door) = self.door {
            found.extend(snapshot::door(&door.stats()));
        }
        if let Some(audit) = self.audit {
            found.push(Measurement::counter(
                "audit_lines",
                "Lines of the audit log written",
                audit.written(),
            ));
            found.push(Measurement::counter(
                "audit_dropped_lines",
                "Lines of the audit log dropped because its writer could not keep up",
                audit.dropped(),
            ));
        }
        if let Some(state) = self.run_dir.as_deref().and_then(|dir| State::read(dir).ok()) {
            found.extend(snapshot::init(&state));
        }
        found.extend(self.others.iter().cloned());
        found
    }
}

#[cfg(test)]
mod tests;
