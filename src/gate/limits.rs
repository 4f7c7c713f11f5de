//! How much a user may do at a time: requests a second and requests at once, by role.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::reply::{Refusal, number};
use crate::judge::Rule;
use crate::schema::{EVERYBODY, RoleLimits, SchemaSet};

/// Most users that are counted; those that do nothing are forgotten first.
const MAX_KEYS: usize = 10_000;
/// Logins a second from one address: enough for a fleet behind one address, too few for guessing.
const LOGINS_PER_SECOND: f64 = 20.0;

/// Counts what users do.
#[derive(Debug, Default)]
pub struct Limiter {
    usage: Mutex<HashMap<String, Usage>>,
}

#[derive(Debug)]
struct Usage {
    tokens: f64,
    filled: Instant,
    running: u64,
}

/// One request that counts as running until this is dropped.
#[derive(Debug)]
pub struct Permit<'l> {
    limiter: &'l Limiter,
    key: Option<String>,
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if let Some(key) = &self.key {
            let mut usage = self.limiter.usage.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(usage) = usage.get_mut(key) {
                usage.running = usage.running.saturating_sub(1);
            }
        }
    }
}

/// The limits of a user: those of its roles, the most generous one of each kind; else everybody's.
fn limits_of(set: &SchemaSet, user: Option<&str>) -> RoleLimits {
    let by_role = &set.limits.by_role;
    let roles = set.roles.of(user);
    let held: Vec<&RoleLimits> = roles
        .iter()
        .filter(|role| *role != EVERYBODY)
        .filter_map(|role| by_role.get(role))
        .collect();
    let everybody = by_role.get(EVERYBODY);
    RoleLimits {
        requests_per_second: held
            .iter()
            .filter_map(|limits| limits.requests_per_second)
            .reduce(f64::max)
            .or_else(|| everybody.and_then(|limits| limits.requests_per_second)),
        concurrent: held
            .iter()
            .filter_map(|limits| limits.concurrent)
            .max()
            .or_else(|| everybody.and_then(|limits| limits.concurrent)),
    }
}

impl Limiter {
    /// Lets a request of a user begin.
    ///
    /// # Errors
    /// 429 when the user does too much already.
    pub fn enter(&self, set: &SchemaSet, user: Option<&str>, now: Instant) -> Result<Permit<'_>, Refusal> {
        if set.limits.by_role.is_empty() {
            return Ok(Permit {
                limiter: self,
                key: None,
            });
        }
        let limits = limits_of(set, user);
        self.take(format!("user {}", user.unwrap_or_default()), &limits, now)
    }

    /// Lets a login from an address begin.
    ///
    /// # Errors
    /// 429 when too many came from there.
    pub fn enter_login(&self, address: &str, now: Instant) -> Result<Permit<'_>, Refusal> {
        let limits = RoleLimits {
            requests_per_second: Some(LOGINS_PER_SECOND),
            concurrent: None,
        };
        self.take(format!("login {address}"), &limits, now)
    }

    fn take(&self, key: String, limits: &RoleLimits, now: Instant) -> Result<Permit<'_>, Refusal> {
        let mut all = self.usage.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MAX_KEYS && !all.contains_key(&key) {
            all.retain(|_, usage| {
                usage.running > 0 || now.saturating_duration_since(usage.filled) < Duration::from_secs(10)
            });
            if all.len() >= MAX_KEYS {
                return Err(too_much("too many users at once", 1));
            }
        }
        let burst = limits.requests_per_second.map_or(1.0, |rate| rate.max(1.0));
        let usage = all.entry(key.clone()).or_insert(Usage {
            tokens: burst,
            filled: now,
            running: 0,
        });
        if let Some(most) = limits.concurrent
            && usage.running >= most
        {
            return Err(too_much(&format!("more than {most} requests at once"), 1));
        }
        if let Some(rate) = limits.requests_per_second {
            let since = now.saturating_duration_since(usage.filled).as_secs_f64();
            usage.tokens = (usage.tokens + since * rate).min(burst);
            usage.filled = now;
            if usage.tokens < 1.0 {
                #[allow(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "between 1 and 3600"
                )]
                let wait = ((1.0 - usage.tokens) / rate).ceil().clamp(1.0, 3600.0) as u64;
                return Err(too_much(&format!("more than {rate} requests a second"), wait));
            }
            usage.tokens -= 1.0;
        } else {
            usage.filled = now;
        }
        usage.running += 1;
        Ok(Permit {
            limiter: self,
            key: Some(key),
        })
    }
}

fn too_much(what: &str, wait: u64) -> Refusal {
    let mut refusal = Refusal::denied(Rule::RateLimited, format!("{what}; try again in {wait} s"));
    refusal.status = 429;
    refusal.number = number::QUEUE_FULL;
    refusal.retry_after = Some(wait);
    refusal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(rate: Option<f64>, concurrent: Option<u64>) -> RoleLimits {
        RoleLimits {
            requests_per_second: rate,
            concurrent,
        }
    }

    #[test]
    fn a_rate_refills_with_time() {
        let limiter = Limiter::default();
        let start = Instant::now();
        let limits = limits(Some(2.0), None);
        let take = |at: Instant| {
            limiter
                .take("a".into(), &limits, at)
                .map(drop)
                .map_err(|refusal| (refusal.status, refusal.retry_after))
        };
        assert_eq!(take(start), Ok(()));
        assert_eq!(take(start), Ok(()));
        assert_eq!(take(start), Err((429, Some(1))));
        assert_eq!(take(start + Duration::from_millis(500)), Ok(()));
        assert_eq!(take(start + Duration::from_millis(500)), Err((429, Some(1))));
        let slow = RoleLimits {
            requests_per_second: Some(0.1),
            concurrent: None,
        };
        assert!(limiter.take("b".into(), &slow, start).is_ok());
        let refusal = limiter.take("b".into(), &slow, start).map(drop).unwrap_err();
        assert_eq!(refusal.retry_after, Some(10));
    }

    #[test]
    fn concurrency_counts_what_runs() {
        let limiter = Limiter::default();
        let now = Instant::now();
        let limits = limits(None, Some(1));
        let first = limiter.take("a".into(), &limits, now).unwrap();
        assert!(limiter.take("a".into(), &limits, now).is_err());
        assert!(limiter.take("b".into(), &limits, now).is_ok());
        drop(first);
        assert!(limiter.take("a".into(), &limits, now).is_ok());
    }

    #[test]
    fn the_table_is_bounded() {
        let limiter = Limiter::default();
        let now = Instant::now();
        let limits = limits(Some(1.0), None);
        for user in 0..MAX_KEYS {
            limiter.take(user.to_string(), &limits, now).map(drop).unwrap();
        }
        assert!(limiter.take("one more".into(), &limits, now).is_err());
        let later = now + Duration::from_secs(11);
        assert!(limiter.take("one more".into(), &limits, later).is_ok());
        assert_eq!(limiter.usage.lock().unwrap().len(), 1);
    }
}
