//! How much a user may do at a time: requests a second and requests at once, by role.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::reply::{Refusal, number};
use crate::judge::Rule;
use crate::schema::{EVERYBODY, RoleLimits, SchemaSet};

/// Most users that are counted; those that do nothing are forgotten first.
const MAX_KEYS: usize = 10_000;
/// Logins a second from one address: enough for a fleet behind one address, too few for guessing.
const LOGINS_PER_SECOND: f64 = 20.0;

/// Counts what users do, and apart from it who logs in: addresses cost nothing, and however many there are, they take no
/// user's place.
#[derive(Debug, Default)]
pub struct Limiter {
    users: Table,
    logins: Table,
}

#[derive(Debug, Default)]
struct Table {
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
    table: &'l Table,
    key: Option<String>,
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if let Some(key) = &self.key {
            let mut usage = self.table.usage.lock().unwrap_or_else(PoisonError::into_inner);
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
                table: &self.users,
                key: None,
            });
        }
        let limits = limits_of(set, user);
        self.users.take(user.unwrap_or_default().to_owned(), &limits, now)
    }

    /// Lets a login from an address begin. Whoever has one IPv6 address has all of its network, so these count by network.
    ///
    /// # Errors
    /// 429 when too many came from there.
    pub fn enter_login(&self, address: Option<IpAddr>, now: Instant) -> Result<Permit<'_>, Refusal> {
        let limits = RoleLimits {
            requests_per_second: Some(LOGINS_PER_SECOND),
            concurrent: None,
        };
        let key = match address.map(|address| address.to_canonical()) {
            Some(IpAddr::V6(address)) => {
                let [network @ .., _, _, _, _] = address.segments();
                format!("{network:x?}")
            }
            Some(address) => address.to_string(),
            None => String::new(),
        };
        self.logins.take(key, &limits, now)
    }
}

impl Table {
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
            table: self,
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
        let limiter = Table::default();
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
        let limiter = Table::default();
        let now = Instant::now();
        let limits = limits(None, Some(1));
        let first = limiter.take("a".into(), &limits, now).unwrap();
        assert!(limiter.take("a".into(), &limits, now).is_err());
        assert!(limiter.take("b".into(), &limits, now).is_ok());
        drop(first);
        assert!(limiter.take("a".into(), &limits, now).is_ok());
    }

    #[test]
    fn logins_from_many_addresses_take_no_users_place() {
        let limiter = Limiter::default();
        let now = Instant::now();
        for number in 0..=u32::try_from(MAX_KEYS).unwrap() {
            let _ = limiter.enter_login(Some(IpAddr::from(number.to_be_bytes())), now);
        }
        assert!(limiter.enter_login(Some([200, 0, 0, 1].into()), now).is_err());
        assert!(limiter.users.take("app".into(), &limits(Some(1.0), None), now).is_ok());
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        let limiter = Limiter::default();
        let now = Instant::now();
        let from = |text: &str| limiter.enter_login(text.parse().ok(), now).is_ok();
        assert_eq!(
            (0..30).filter(|host| from(&format!("2001:db8:1:2::{host}"))).count(),
            20
        );
        assert!(!from("2001:db8:1:2:ffff::1"));
        assert!(from("2001:db8:1:3::1"));
        assert_eq!((0..30).filter(|_| from("192.0.2.1")).count(), 20);
        assert!(!from("::ffff:192.0.2.1"));
        assert!(from("::ffff:192.0.2.2"));
    }

    #[test]
    fn the_table_is_bounded() {
        let limiter = Table::default();
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
