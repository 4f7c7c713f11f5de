//! What happens to a request between the door and ArangoDB: understood, judged, rebuilt, sent, and the answer filtered.
//!
//! INVARIANT: what goes upstream is written here from judged values; no byte of a client's request is copied unread. A
//! request that is refused reaches nobody.

mod cursor;
mod documents;
mod explain;
mod graphs;
mod import;
mod metadata;
mod own;
mod passage;
mod session;
#[cfg(test)]
mod tests;
mod trail;
mod transactions;
mod trust;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::body;
use super::budget::Share;
use super::credentials::Credentials;
use super::headers::Headers;
use super::instruments::Instruments;
use super::limits::Limiter;
use super::message::{Handler, Request, Response};
use super::ownership::Ownership;
use super::pace::Pace;
use super::reload::{Policy, PolicySlot, Reloaded};
use super::reply::{Refusal, number};
use super::route::{self, Call, Class, Found};
use super::target::Target;
use super::upstream::{Incoming, Method, Outgoing, Upstream, UpstreamError};
use super::vouched::Vouched;
use crate::config::{Config, Enforcement};
use crate::judge::{Denial, Rule};
use crate::state::{Phase, State};
use trail::Trail;

/// Where arangod tells everybody whether it serves.
const AVAILABILITY: &str = "/_admin/server/availability";
/// How much longer than a query may run the gate waits for its answer.
const GRACE: Duration = Duration::from_secs(15);

/// The part of the gate behind the door.
pub struct Firewall {
    policy: PolicySlot,
    upstream: Upstream,
    cursors: Ownership,
    transactions: Ownership,
    limiter: Limiter,
    vouched: Vouched,
    instruments: Arc<Instruments>,
    enforcement: Enforcement,
    allow_root: bool,
    run_dir: Option<PathBuf>,
    phase: PhaseWatch,
    request_prefix: u64,
    requests: AtomicU64,
    pace: Arc<Pace>,
}

/// One request, understood.
struct Context<'r> {
    request: &'r Request,
    method: Method,
    target: &'r Target,
    headers: Headers,
    credentials: Credentials,
    policy: Arc<Policy>,
    names: Vec<&'r str>,
    /// The graph that the collection is reached through.
    graph: Option<&'r str>,
    trail: &'r mut Trail,
    instruments: &'r Instruments,
    detect: bool,
    /// What the request's body takes of the budget.
    share: Share,
}

impl Context<'_> {
    fn user(&self) -> Option<&str> {
        self.credentials.user.as_deref()
    }

    fn database(&self) -> &str {
        &self.target.database
    }

    /// The n-th name of the path. Each route knows how many it has.
    fn name(&self, index: usize) -> &str {
        self.names.get(index).copied().unwrap_or_default()
    }

    /// Lets a request with these denials pass, or not. `query` is the text that they point into.
    fn admit(&mut self, denials: &[Denial], query: Option<&str>) -> Result<(), Refusal> {
        if denials.is_empty() {
            return Ok(());
        }
        let refusal = Refusal::judged(denials, query);
        if self.detect {
            self.trail
                .detected(denials.iter().map(|denial| denial.rule), &refusal.message);
            return Ok(());
        }
        self.trail.rules = denials.iter().map(|denial| denial.rule).collect();
        Err(refusal)
    }

    /// The same for a reason that the gate finds itself.
    fn admit_or(&mut self, refusal: Refusal) -> Result<(), Refusal> {
        match refusal.rule {
            Some(rule) if self.detect => {
                self.trail.detected([rule], &refusal.message);
                Ok(())
            }
            _ => Err(refusal),
        }
    }

    /// The body as JSON.
    fn json(&self) -> Result<Option<serde_json::Value>, Refusal> {
        let limits = &self.policy.set().limits;
        body::read_json(self.request, limits.body_bytes, limits.depth.min(200), &self.share)
    }

    /// Refuses a body where the route has none.
    fn no_body(&self) -> Result<(), Refusal> {
        // python-arango and arangosh send an empty object along.
        match self.json()? {
            None => Ok(()),
            Some(serde_json::Value::Object(object)) if object.is_empty() => Ok(()),
            Some(_) => Err(Refusal::bad_parameter("this request takes no body")),
        }
    }
}

impl Firewall {
    /// With a policy and an upstream.
    pub fn new(config: &Config, policy: PolicySlot, upstream: Upstream, instruments: Arc<Instruments>) -> Self {
        let run_dir = match &config.upstream {
            // PID 1 writes its state before it starts the gate. Where there is none, there is no PID 1 of ours.
            crate::config::Upstream::Unix(path) if *path == config.socket() && config.state_file().exists() => {
                Some(config.run_dir.clone())
            }
            _ => None,
        };
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Firewall {
            policy,
            upstream,
            cursors: Ownership::default(),
            transactions: Ownership::default(),
            limiter: Limiter::default(),
            vouched: Vouched::default(),
            instruments,
            enforcement: config.enforcement,
            allow_root: config.allow_root,
            run_dir,
            phase: PhaseWatch::default(),
            request_prefix: u64::try_from(since.as_micros() & u128::from(u64::MAX)).unwrap_or(0),
            requests: AtomicU64::new(0),
            pace: Arc::default(),
        }
    }

    /// Loads the schema set again.
    pub fn reload(&self) {
        let outcome = self.policy.reload();
        self.instruments.metrics.reload(!matches!(outcome, Reloaded::Failed(_)));
    }

    /// How often to look after what changes by itself.
    pub fn pace(&self) -> &Arc<Pace> {
        &self.pace
    }

    /// Looks whether the schema set's files have changed. Meant to be called at the firewall's pace, from one thread.
    pub fn tend(&self) {
        if let Some(outcome) = self.policy.look() {
            self.instruments.metrics.reload(!matches!(outcome, Reloaded::Failed(_)));
        }
    }

    /// The servers of the database, by their numbers.
    pub fn servers(&self) -> std::ops::Range<usize> {
        0..self.upstream.servers().0
    }

    /// Looks whether a server of the database answers. Meant to be called at the firewall's pace, for each server from a
    /// thread of its own: one that hangs delays nobody's look at another.
    pub fn probe(&self, server: usize) {
        // Before PID 1 opens the gate nobody asks the database but PID 1.
        if self.require_ready().is_ok() {
            self.upstream.probe(server);
        }
    }

    fn answer(&self, request: &Request, trail: &mut Trail) -> Result<Response, Refusal> {
        let target = Target::parse(&request.target)?;
        if request.method == "OPTIONS" || Method::from_name(&request.method).is_none() {
            let mut refusal = Refusal::new(405, number::HTTP_METHOD_NOT_ALLOWED, "this method is not served");
            refusal.allow = Some("GET, HEAD, POST, PUT, PATCH, DELETE".into());
            return Err(refusal);
        }
        let method = Method::from_name(&request.method).unwrap_or(Method::Get);
        let headers = Headers::read(request)?;
        if let Some(id) = &headers.request_id {
            trail.request_id.clone_from(id);
        }
        if method.only_reads() && !request.body.is_empty() {
            return Err(Refusal::malformed(format!("a {} request has no body", method.name())).closing());
        }
        let found = route::find(method, &target);
        if let Some(found) = &found {
            trail.route = Some(found.route.path);
            trail.class = found.route.class;
            if let Some(response) = self.own(found.route.call, &target)? {
                return Ok(response);
            }
        }
        self.require_ready()?;
        trail.database = Some(target.database.clone());
        let policy = self.policy.load();
        let login = found.as_ref().is_some_and(|found| found.route.call == Call::Login);
        // A login says who it is in its body; drivers send their default credentials along, which mean nothing there.
        let credentials = if login {
            Credentials::none()
        } else {
            let now = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default()
                .as_secs();
            Credentials::read(request.header("authorization"), now)?
        };
        trail.user.clone_from(&credentials.user);
        let set = policy.set();
        // arangod answers both without credentials: whoever they name, nobody's rate is used up.
        let availability = found.as_ref().is_some_and(|found| found.route.path == AVAILABILITY);
        let served = set.databases.contains(&target.database);
        let counted = !login && !availability && !set.limits.by_role.is_empty();
        if counted {
            // Nobody uses up the rate of a user whose name is all that he knows.
            self.vouch(&credentials, served.then_some(target.database.as_str()), trail)?;
        }
        // Logins are counted by address, since any name can stand in them.
        let _permit = counted
            .then(|| self.limiter.enter(set, credentials.user.as_deref(), Instant::now()))
            .transpose()?;
        let mut names = found.as_ref().map(|found| found.names.clone()).unwrap_or_default();
        let in_graph = found.as_ref().is_some_and(|found| {
            matches!(
                found.route.call,
                Call::GraphRead | Call::GraphInsert | Call::GraphChange | Call::GraphRemove
            )
        });
        let graph = in_graph.then(|| names.remove(0));
        let mut context = Context {
            request,
            method,
            target: &target,
            headers,
            credentials,
            policy: Arc::clone(&policy),
            names,
            graph,
            trail,
            instruments: &self.instruments,
            detect: self.enforcement == Enforcement::Detect,
            share: self.upstream.budget().share(),
        };
        self.serve(found.as_ref(), &mut context)
            .map_err(|refusal| self.disclose(&mut context, refusal))
    }

    /// The part of [`Firewall::answer`] that knows who asks.
    fn serve(&self, found: Option<&Found<'_>>, context: &mut Context<'_>) -> Result<Response, Refusal> {
        if !self.allow_root
            && let Err(refusal) = context.credentials.refuse_root()
        {
            context.admit_or(refusal)?;
        }
        let (method, target) = (context.method, context.target);
        let Some(found) = found else {
            let reason = route::refusal_reason(target);
            let words: Vec<_> = target
                .segments
                .iter()
                .take(3)
                .map(super::target::Segment::name)
                .collect();
            let message = format!("{} /{} is not served: {reason}", method.name(), words.join("/"));
            context.admit_or(Refusal::denied(Rule::EndpointNotAllowed, message))?;
            return self.pass_on(context);
        };
        let everywhere = matches!(found.route.call, Call::Login | Call::Renew)
            || found.route.path == AVAILABILITY
            // arangojs asks for its transactions without naming a database.
            || found.route.call == Call::TransactionList && target.database == "_system";
        if !everywhere && !context.policy.set().databases.contains(&target.database) {
            // The same text whether it exists or not.
            let message = format!("database {:?} is not served here", target.database);
            context.admit_or(Refusal::denied(Rule::DatabaseNotServed, message))?;
        }
        if let Some(id) = context.headers.transaction.clone() {
            self.require_transaction(context, &id)?;
        }
        self.dispatch(found.route.call, found.route.class, context)
    }

    fn dispatch(&self, call: Call, class: Class, context: &mut Context<'_>) -> Result<Response, Refusal> {
        match call {
            Call::CursorCreate => self.cursor_create(context),
            Call::CursorNext => self.cursor_next(context),
            Call::CursorDelete => self.cursor_delete(context),
            Call::Explain => self.explain(context),
            Call::ParseQuery => self.parse_query(context),
            Call::DocumentRead => self.document_read(context),
            Call::DocumentInsert => self.document_insert(context),
            Call::DocumentReplace | Call::DocumentUpdate => self.document_change(context),
            Call::DocumentRemove => self.document_remove(context),
            Call::DocumentsReplace if context.target.parameter("onlyget").is_some() => self.documents_read(context),
            Call::DocumentsReplace | Call::DocumentsUpdate => self.documents_change(context),
            Call::DocumentsRemove => self.documents_remove(context),
            Call::Edges => self.edges(context),
            Call::GraphRead => self.graph_read(context),
            Call::GraphInsert | Call::GraphChange => self.graph_write(context),
            Call::GraphRemove => self.graph_remove(context),
            Call::Import => self.import(context),
            Call::TransactionBegin => self.transaction_begin(context),
            Call::TransactionList => self.transaction_list(context),
            Call::TransactionStatus => self.transaction_status(context),
            Call::Login => self.login(context),
            Call::Renew => self.renew(context),
            Call::Version => self.version(context),
            Call::Plain => self.plain(context),
            Call::ClusterEndpoints => Err(Refusal::new(
                501,
                number::NOT_IMPLEMENTED,
                "this is a single server: there are no other endpoints",
            )),
            Call::Telemetrics => Err(Refusal::new(403, number::HTTP_FORBIDDEN, "telemetrics are not served")),
            _ => {
                debug_assert_eq!(class, Class::Metadata);
                self.metadata(call, context)
            }
        }
    }

    /// Sends a request with the headers that go with every one, and turns a missing answer into a refusal.
    fn send(&self, context: &mut Context<'_>, mut outgoing: Outgoing) -> Result<Incoming, Refusal> {
        if let Some(header) = &context.credentials.header {
            outgoing.headers.push(("authorization", header.clone()));
        }
        if let Some(id) = &context.headers.transaction {
            outgoing.headers.push(("x-arango-trx-id", id.clone()));
            if outgoing.server.is_none() {
                outgoing.server = self.transaction_server(context, id);
            }
        }
        if context.headers.dirty_read {
            outgoing.headers.push(("x-arango-allow-dirty-read", "true".into()));
        }
        if let Some(seconds) = &context.headers.queue_time {
            outgoing.headers.push(("x-arango-queue-time-seconds", seconds.clone()));
        }
        context.trail.decided();
        let start = Instant::now();
        let result = self.upstream.send(&outgoing);
        let took = start.elapsed();
        context.trail.upstream += took;
        self.instruments.metrics.upstream(took);
        let answer = result.map_err(|error| self.no_answer(&error))?;
        if answer.status == 401 {
            self.distrust(&context.credentials, context.database());
        }
        Ok(answer)
    }

    /// Refuses while PID 1 says that the database is not for clients: it starts, is provisioned, or ends.
    fn require_ready(&self) -> Result<(), Refusal> {
        let Some(run_dir) = self.run_dir.as_deref() else {
            return Ok(());
        };
        match self.phase.now(run_dir) {
            Some(Phase::Ready | Phase::Degraded) => Ok(()),
            Some(phase) => {
                let reason = State::read(run_dir).map(|state| state.reason).unwrap_or_default();
                let colon = if reason.is_empty() { "" } else { ": " };
                Err(Refusal::not_ready(format!(
                    "the database is not ready ({}){colon}{reason}",
                    phase.name()
                )))
            }
            // Fail closed: nobody has said that it is ready.
            None => Err(Refusal::not_ready(
                "the database is not ready: its state cannot be read",
            )),
        }
    }

    fn no_answer(&self, error: &UpstreamError) -> Refusal {
        let (kind, refusal) = match error {
            // Nothing was sent: safe to repeat, and drivers know it.
            UpstreamError::Unreachable(_) => ("connect", Refusal::not_ready("the database is not ready")),
            // From here on it may have been executed: never a status that drivers repeat a write on.
            UpstreamError::Lost(_) => (
                "broken",
                Refusal::new(
                    502,
                    number::INTERNAL,
                    "the connection to the database broke; the outcome is not known",
                ),
            ),
            UpstreamError::TimedOut => (
                "timeout",
                Refusal::new(
                    504,
                    number::HTTP_GATEWAY_TIMEOUT,
                    "the database did not answer in time; the outcome is not known",
                ),
            ),
            UpstreamError::Unusable(why) => (
                "unusable",
                Refusal::new(
                    502,
                    number::INTERNAL,
                    format!("the database's answer cannot be passed on: {why}"),
                ),
            ),
            UpstreamError::NoRoom(error) => ("room", passage::no_room(error)),
        };
        log::warn!("{error}");
        self.instruments.metrics.upstream_failure(kind);
        refusal
    }

    /// How long to wait for an answer: as long as a query may run, and a little.
    fn patience(policy: &Policy) -> Duration {
        let runtime = Duration::try_from_secs_f64(policy.set().limits.max_runtime).unwrap_or(Duration::from_mins(1));
        runtime.saturating_add(GRACE)
    }

    /// A request to the database, without headers.
    fn outgoing(context: &Context<'_>, method: Method, target: String) -> Outgoing {
        Outgoing {
            method,
            target,
            headers: Vec::new(),
            body: None,
            timeout: Self::patience(&context.policy),
            server: None,
        }
    }
}

/// The phase that PID 1 has written, read anew when the last look is too old.
#[derive(Debug, Default)]
struct PhaseWatch(Mutex<Option<(Instant, Option<Phase>)>>);

impl PhaseWatch {
    /// How old a look may be.
    const AGE: Duration = Duration::from_millis(100);

    fn now(&self, run_dir: &Path) -> Option<Phase> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((when, phase)) = *last
            && when.elapsed() < Self::AGE
        {
            return phase;
        }
        let phase = State::read(run_dir).ok().map(|state| state.phase);
        *last = Some((Instant::now(), phase));
        phase
    }
}

impl Handler for Firewall {
    fn handle(&self, request: Request) -> Response {
        let sequence = self.requests.fetch_add(1, Ordering::Relaxed);
        self.pace.heed(request.received);
        let mut trail = Trail::new(&request, format!("{:x}-{sequence:x}", self.request_prefix));
        let mut response = match self.answer(&request, &mut trail) {
            Ok(response) => response,
            Err(refusal) => {
                trail.refused(&refusal);
                refusal.into_response()
            }
        };
        response.headers.push(("X-Request-Id".into(), trail.request_id.clone()));
        trail.write(&self.instruments, response.status);
        response
    }

    fn is_own(&self, target: &str) -> bool {
        let path = target.split('?').next().unwrap_or_default();
        matches!(path, "/health" | "/livez" | "/readyz" | "/metrics")
    }

    fn body_limit(&self) -> Option<usize> {
        Some(self.policy.load().set().limits.body_bytes)
    }

    fn refused(&self, refusal: &super::door::Refusal, peer: Option<std::net::SocketAddr>) {
        self.instruments.refused_by_the_door(refusal, peer);
    }
}

impl super::serve::Service for Firewall {
    fn reload(&self) {
        Firewall::reload(self);
    }
}
