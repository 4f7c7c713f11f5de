//! The gate's own endpoints: health for probes and people, metrics for Prometheus.

use serde_json::{Map, Value, json};

use super::Firewall;
use crate::config::Enforcement;
use crate::gate::message::Response;
use crate::gate::metrics::Measurement;
use crate::gate::reply::{Refusal, json_response};
use crate::gate::route::Call;
use crate::gate::target::Target;
use crate::state::{Phase, State};

/// How things stand, in one word.
fn status(ready: bool, state: Option<&State>) -> &'static str {
    match state.map(|state| state.phase) {
        _ if ready => "healthy",
        Some(Phase::Preflight | Phase::Starting | Phase::Backoff) => "starting",
        Some(Phase::Stopping | Phase::Stopped) => "stopping",
        Some(Phase::Ready | Phase::Degraded) | None => "unhealthy",
    }
}

impl Firewall {
    /// Answers the gate's own endpoints; `None` for any other route.
    pub(super) fn own(&self, call: Call, target: &Target) -> Result<Option<Response>, Refusal> {
        let response = match call {
            Call::Health => self.health(),
            Call::Alive => json_response(200, &json!({"status": "alive"})),
            Call::Ready => {
                let ready = self.is_ready();
                let mut response = json_response(
                    if ready { 200 } else { 503 },
                    &json!({"status": if ready { "ready" } else { "not ready" }}),
                );
                if !ready {
                    response.headers.push(("Retry-After".into(), "1".into()));
                }
                response
            }
            Call::Metrics => self.instruments.scrape(self.measure()),
            _ => return Ok(None),
        };
        if target.database != "_system" {
            return Err(Refusal::malformed("the gate's own endpoints belong to no database"));
        }
        Ok(Some(response))
    }

    fn state(&self) -> Option<State> {
        self.run_dir.as_deref().and_then(|dir| State::read(dir).ok())
    }

    /// Whether requests would reach a database that answers.
    fn is_ready(&self) -> bool {
        let open = self.run_dir.is_none() || self.state().is_some_and(|state| state.phase == Phase::Ready);
        open && self.upstream.is_healthy()
    }

    fn health(&self) -> Response {
        let state = self.state();
        let ready = self.is_ready();
        let policy = self.policy.load();
        let (servers, answering) = self.upstream.servers();
        let mut schemas = Map::new();
        schemas.insert("digest".into(), policy.set().digest.clone().into());
        schemas.insert("databases".into(), json!(policy.set().databases));
        if let Some(fault) = self.policy.fault() {
            // The set in force still protects; the fault is for whoever changed the files.
            schemas.insert("fault".into(), fault.into());
        }
        let mut body = Map::new();
        body.insert("status".into(), status(ready, state.as_ref()).into());
        body.insert("version".into(), env!("CARGO_PKG_VERSION").into());
        let mode = match self.enforcement {
            Enforcement::Protect => "protect",
            Enforcement::Detect => "detect",
        };
        body.insert("mode".into(), mode.into());
        body.insert("schemas".into(), Value::Object(schemas));
        let mut database = Map::new();
        database.insert("servers".into(), servers.into());
        database.insert("answering".into(), answering.into());
        if let Some(state) = &state {
            database.insert("phase".into(), state.phase.name().into());
            database.insert("version".into(), state.database.version.clone().into());
            database.insert("restarts".into(), state.database.restarts.into());
            if !state.reason.is_empty() {
                database.insert("reason".into(), state.reason.clone().into());
            }
        }
        body.insert("database".into(), Value::Object(database));
        let mut response = json_response(if ready { 200 } else { 503 }, &Value::Object(body));
        if !ready {
            response.headers.push(("Retry-After".into(), "1".into()));
        }
        response
    }

    fn measure(&self) -> Vec<Measurement> {
        let cache = self.policy.load().judge.cache_state();
        let (servers, answering) = self.upstream.servers();
        let wide = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        #[allow(clippy::cast_precision_loss, reason = "a gauge")]
        let gauge =
            |name: &'static str, help: &'static str, count: usize| Measurement::gauge(name, help, wide(count) as f64);
        vec![
            Measurement::counter(
                "cache_hits",
                "Verdicts found among those on queries seen before",
                cache.hits,
            ),
            Measurement::counter("cache_misses", "Verdicts judged anew", cache.misses),
            gauge("cache_entries", "Queries whose verdicts are kept", cache.entries),
            gauge("cache_bytes", "Bytes that kept verdicts take", cache.bytes),
            gauge("upstream_servers", "Servers of the database", servers),
            gauge(
                "upstream_servers_answering",
                "Servers of the database that answered last",
                answering,
            ),
            gauge("open_cursors", "Cursors whose owner is known", self.cursors.len()),
            gauge(
                "open_transactions",
                "Transactions whose owner is known",
                self.transactions.len(),
            ),
        ]
    }
}
