//! Who is told why: reasons and rates are for those whose credentials ArangoDB accepts.

use std::time::{Duration, Instant};

use super::trail::Trail;
use super::{Context, Firewall};
use crate::gate::credentials::Credentials;
use crate::gate::parameters::TargetWriter;
use crate::gate::reply::Refusal;
use crate::gate::upstream::{Method, Outgoing};
use crate::judge::Rule;

/// How long ArangoDB may take to say whether it accepts credentials.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether a refusal tells something about the policy. What a request lacks in itself, everybody may know.
fn tells(refusal: &Refusal) -> bool {
    !matches!(refusal.rule, None | Some(Rule::RequestMalformed | Rule::RateLimited))
}

impl Firewall {
    /// A refusal as this client may read it: 401 in its place where ArangoDB does not accept the credentials.
    pub(super) fn disclose(&self, context: &mut Context<'_>, refusal: Refusal) -> Refusal {
        // That root is not served is in the documentation; asking would tell whether a guess at its password was right.
        let about_root = context.credentials.privileged && !self.allow_root;
        if about_root || !tells(&refusal) {
            return refusal;
        }
        let served = context.policy.set().databases.contains(&context.target.database);
        let database = served.then_some(context.target.database.as_str());
        match self.vouch(&context.credentials, database, context.trail) {
            Ok(()) => refusal,
            Err(instead) => {
                context.trail.withheld(&refusal);
                instead
            }
        }
    }

    /// Lets credentials pass that ArangoDB accepts: for a database, or at all.
    ///
    /// # Errors
    /// 401 when it does not; 502 to 504 when it cannot be asked.
    pub(super) fn vouch(
        &self,
        credentials: &Credentials,
        database: Option<&str>,
        trail: &mut Trail,
    ) -> Result<(), Refusal> {
        let mark = self.vouched.mark(database, credentials.header.as_deref());
        match self.vouched.look(mark, Instant::now()) {
            Some(true) => return Ok(()),
            Some(false) => return Err(Refusal::unauthenticated()),
            None => {}
        }
        // Both cost ArangoDB a look at its users and nothing else. The version needs a right on the database, as does what
        // was asked for; the endpoints need none on any (`CommTask::canAccessPath` lets every user ask for them).
        let target = match database {
            Some(name) => TargetWriter::new(name).words("/_api/version"),
            None => TargetWriter::server().words("/_api/cluster/endpoints"),
        };
        let request = Outgoing {
            method: Method::Get,
            target: target.finish(),
            headers: credentials
                .header
                .iter()
                .map(|header| ("authorization", header.clone()))
                .collect(),
            body: None,
            timeout: PATIENCE,
            server: None,
        };
        let start = Instant::now();
        let result = self.upstream.send(&request);
        let took = start.elapsed();
        trail.upstream += took;
        self.instruments.metrics.upstream(took);
        let status = result.map_err(|error| self.no_answer(&error))?.status;
        // A single server has no endpoints to tell, and says so with 501 to those whom it knows.
        if status >= 500 && status != 501 {
            return Err(Refusal::not_ready("the database cannot check the credentials now"));
        }
        self.vouched.note(mark, status != 401, start);
        if status == 401 {
            return Err(Refusal::unauthenticated());
        }
        Ok(())
    }

    /// ArangoDB has answered 401: what it accepted before, it does not accept any more.
    pub(super) fn distrust(&self, credentials: &Credentials, database: &str) {
        let header = credentials.header.as_deref();
        for database in [Some(database), None] {
            self.vouched.forget(self.vouched.mark(database, header));
        }
    }
}
