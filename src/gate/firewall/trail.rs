//! What is noted of a request while it is handled, for the audit log and the metrics.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use crate::gate::audit::{Outcome, Record, Writes};
use crate::gate::instruments::Instruments;
use crate::gate::message::Request;
use crate::gate::reply::Refusal;
use crate::gate::route::Class;
use crate::judge::{Rule, Verdict};

/// Bytes of a query, and of its bind values, that the audit log takes: thousands of lines may wait for its writer.
const MAX_VALUE_BYTES: usize = 4096;

fn cut(text: &str) -> &str {
    let mut end = text.len().min(MAX_VALUE_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

fn json_bytes(values: &Map<String, Value>) -> usize {
    serde_json::to_string(values).map_or(usize::MAX, |text| text.len())
}

/// The trail of one request.
#[derive(Debug)]
pub(super) struct Trail {
    pub(super) request_id: String,
    pub(super) user: Option<String>,
    pub(super) database: Option<String>,
    pub(super) route: Option<&'static str>,
    pub(super) class: Class,
    pub(super) rules: Vec<Rule>,
    pub(super) verdict: Option<Arc<Verdict>>,
    pub(super) upstream: Duration,
    /// The query and its bind values, where the instruments keep queries.
    pub(super) query: Option<(String, Option<Map<String, Value>>)>,
    outcome: Outcome,
    reason: Option<String>,
    client: Option<IpAddr>,
    method: String,
    received: Instant,
    begun: Instant,
    decision: Option<Duration>,
    withheld: bool,
}

impl Trail {
    pub(super) fn new(request: &Request, request_id: String) -> Self {
        Trail {
            request_id,
            user: None,
            database: None,
            route: None,
            class: Class::Denied,
            rules: Vec::new(),
            verdict: None,
            upstream: Duration::ZERO,
            query: None,
            outcome: Outcome::None,
            reason: None,
            client: request.peer.map(|peer| peer.ip()),
            method: request.method.clone(),
            received: request.received,
            begun: Instant::now(),
            decision: None,
            withheld: false,
        }
    }

    /// The request was judged and goes on.
    pub(super) fn decided(&mut self) {
        if self.decision.is_none() {
            self.decision = Some(self.begun.elapsed());
        }
        if self.outcome == Outcome::None {
            self.outcome = Outcome::Allow;
        }
    }

    /// The request would have been refused.
    pub(super) fn detected(&mut self, rules: impl IntoIterator<Item = Rule>, reason: &str) {
        self.outcome = Outcome::Detect;
        self.rules.extend(rules);
        log::warn!("would be denied: {reason}");
        self.reason = Some(reason.to_owned());
    }

    /// The request was refused, and the client is told only that its credentials are not accepted.
    pub(super) fn withheld(&mut self, refusal: &Refusal) {
        self.refused(refusal);
        self.reason = Some("the credentials were not accepted; the client was not told which rules refuse".to_owned());
        self.withheld = true;
    }

    /// The request was refused.
    pub(super) fn refused(&mut self, refusal: &Refusal) {
        if self.withheld {
            return;
        }
        if let Some(rule) = refusal.rule {
            self.outcome = Outcome::Deny;
            if self.rules.is_empty() {
                self.rules.push(rule);
            }
        } else if self.decision.is_none() {
            self.outcome = Outcome::None;
        }
        // A rule's message may repeat a word of the client's query, but never a literal or a bind value; a reason
        // without a rule is the gate's own.
        if refusal.rule.is_none() || refusal.denials.is_empty() {
            self.reason = Some(refusal.message.clone());
        }
    }

    /// Writes the record and counts.
    pub(super) fn write(self, instruments: &Instruments, status: u16) {
        let duration = self.received.elapsed();
        let decision = self.decision.unwrap_or_else(|| self.begun.elapsed());
        let metrics = &instruments.metrics;
        metrics.request(self.class.name(), self.outcome, duration);
        for rule in &self.rules {
            metrics.denial(*rule);
        }
        if self.class == Class::Own {
            return;
        }
        metrics.decision(decision);
        let verdict = self.verdict.as_deref();
        // Whom the database does not know fills no recording.
        if let (Some(recording), Some(verdict), Some((text, _))) = (&instruments.recording, verdict, &self.query)
            && status != 401
        {
            let database = self.database.as_deref().unwrap_or_default();
            recording.note(text, self.user.as_deref(), database, verdict);
        }
        let values = self.query.as_ref().filter(|_| instruments.audit_values);
        let text = values.map(|(text, _)| cut(text));
        let bind_vars = values.and_then(|(_, values)| values.as_ref());
        let few = bind_vars.filter(|values| json_bytes(values) <= MAX_VALUE_BYTES);
        instruments.audit.write(Record {
            request_id: Some(&self.request_id),
            client: self.client,
            user: self.user.as_deref(),
            database: self.database.as_deref(),
            method: Some(&self.method),
            route: self.route,
            class: Some(self.class.name()),
            verdict: self.outcome,
            status,
            rules: &self.rules,
            reason: self.reason.as_deref(),
            fingerprint: verdict.map_or("", |verdict| verdict.fingerprint.as_str()),
            reads: verdict.map(|verdict| &verdict.reads),
            writes: verdict.map(|verdict| Writes(&verdict.writes)),
            masked: verdict.is_some_and(|verdict| !verdict.edits.is_empty()),
            query: text,
            bind_vars: few,
            cut: text.map(str::len) != values.map(|(text, _)| text.len()) || few.is_some() != bind_vars.is_some(),
            duration,
            decision,
            upstream: self.upstream,
            ..Record::default()
        });
    }
}
