//! Figures that are read at each scrape, as Prometheus families.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;

use crate::gate::door::Stats;
use crate::state::{Phase, State};

/// What kind of figure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
}

/// One figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    name: &'static str,
    help: &'static str,
    kind: Kind,
    label: Option<(&'static str, String)>,
    value: f64,
}

#[allow(clippy::cast_precision_loss, reason = "figures for people, exact up to 2^53")]
impl Measurement {
    /// A figure that only grows; Prometheus sees it with `_total` behind its name.
    pub fn counter(name: &'static str, help: &'static str, value: u64) -> Self {
        Self {
            name,
            help,
            kind: Kind::Counter,
            label: None,
            value: value as f64,
        }
    }

    /// A figure that goes up and down.
    pub fn gauge(name: &'static str, help: &'static str, value: f64) -> Self {
        Self {
            name,
            help,
            kind: Kind::Gauge,
            label: None,
            value,
        }
    }

    /// The same with a label. Measurements of one name stand together and differ in the label's value.
    #[must_use]
    pub fn labelled(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.label = Some((name, value.into()));
        self
    }
}

/// Measurements as a collector.
#[derive(Debug)]
pub(super) struct Snapshot(Vec<Measurement>);

impl Snapshot {
    pub(super) fn new(measurements: Vec<Measurement>) -> Self {
        Self(measurements)
    }
}

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        for family in self.0.chunk_by(|one, next| one.name == next.name) {
            let Some(first) = family.first() else {
                continue;
            };
            let kind = match first.kind {
                Kind::Counter => MetricType::Counter,
                Kind::Gauge => MetricType::Gauge,
            };
            let mut metric = encoder.encode_descriptor(first.name, first.help, None, kind)?;
            for measurement in family {
                let one = match &measurement.label {
                    None => {
                        encode_value(measurement, &mut metric)?;
                        continue;
                    }
                    Some((name, value)) => [(*name, value.as_str())],
                };
                let mut labelled = metric.encode_family(&one)?;
                encode_value(measurement, &mut labelled)?;
            }
        }
        Ok(())
    }
}

fn encode_value(
    measurement: &Measurement,
    metric: &mut prometheus_client::encoding::MetricEncoder<'_>,
) -> Result<(), std::fmt::Error> {
    match measurement.kind {
        Kind::Counter => metric.encode_counter::<[(&str, &str); 0], f64, u64>(&measurement.value, None),
        Kind::Gauge => metric.encode_gauge(&measurement.value),
    }
}

/// The door's figures.
pub(super) fn door(stats: &Stats) -> Vec<Measurement> {
    let mut found = Vec::new();
    for (phase, count) in &stats.connections {
        #[allow(clippy::cast_precision_loss, reason = "a number of connections")]
        let value = *count as f64;
        found.push(
            Measurement::gauge("connections", "Open connections by state", value).labelled("state", phase.name()),
        );
    }
    let counter = Measurement::counter;
    found.push(counter("connections_accepted", "Connections accepted", stats.accepted));
    found.push(counter(
        "connections_shed",
        "Connections closed to make room",
        stats.shed,
    ));
    found.push(counter(
        "slow_readers",
        "Connections closed because the client did not take its answer in time",
        stats.slow_readers,
    ));
    found.push(counter(
        "tls_handshakes_failed",
        "TLS handshakes that failed",
        stats.handshakes_failed,
    ));
    found.push(counter(
        "panics",
        "Faults of the gate that cost one request each",
        stats.panics,
    ));
    for (reason, count) in &stats.refusals {
        found.push(
            counter("door_refusals", "Requests that the door refused, by reason", *count)
                .labelled("reason", reason.name()),
        );
    }
    #[allow(clippy::cast_precision_loss, reason = "figures for people, exact up to 2^53")]
    let (queued, held) = (stats.queued as f64, stats.held_bytes as f64);
    found.push(Measurement::gauge(
        "requests_queued",
        "Requests that wait for a worker",
        queued,
    ));
    found.push(Measurement::gauge(
        "held_bytes",
        "Bytes held for unfinished requests and answers not taken yet",
        held,
    ));
    found
}

/// PID 1's figures, from its state file.
pub(super) fn init(state: &State) -> Vec<Measurement> {
    let counter = Measurement::counter;
    let phases = [
        Phase::Preflight,
        Phase::Starting,
        Phase::Ready,
        Phase::Degraded,
        Phase::Backoff,
        Phase::Stopping,
        Phase::Stopped,
    ];
    let mut found: Vec<Measurement> = phases
        .into_iter()
        .map(|phase| {
            let here = f64::from(u8::from(phase == state.phase));
            Measurement::gauge("container_phase", "1 for the phase that the container is in", here)
                .labelled("phase", phase.name())
        })
        .collect();
    found.push(counter(
        "database_starts",
        "Starts of the database",
        state.database.starts,
    ));
    found.push(counter(
        "database_restarts",
        "Starts of the database after an end that nobody asked for",
        state.database.restarts,
    ));
    found.push(counter(
        "gate_restarts",
        "Starts of the gate after an end that nobody asked for",
        state.gate.restarts,
    ));
    found.push(counter(
        "orphans_reaped",
        "Orphaned processes that PID 1 reaped",
        state.orphans_reaped,
    ));
    found.push(counter(
        "database_log_dropped_lines",
        "Lines of the database's log dropped because standard output was blocked",
        state.log_lines_dropped,
    ));
    found
}

/// The gate's own process, as far as /proc tells.
pub(super) fn process() -> Vec<Measurement> {
    let mut found = Vec::new();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kibibytes = |name: &str| -> Option<f64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_matches([':', ' ', '\t']).split(' ').next()?.parse().ok()
    };
    if let Some(resident) = kibibytes("VmRSS") {
        found.push(Measurement::gauge(
            "gate_resident_bytes",
            "Memory of the gate in use",
            resident * 1024.0,
        ));
    }
    if let Ok(entries) = std::fs::read_dir("/proc/self/fd") {
        let count = u32::try_from(entries.count()).unwrap_or(u32::MAX);
        found.push(Measurement::gauge(
            "gate_open_descriptors",
            "Open descriptors of the gate",
            f64::from(count),
        ));
    }
    found
}
