//! Whose a cursor or transaction is.
//!
//! arangod keeps both by user; the gate keeps more: the database, the server that holds it, and under which schema set the
//! query was judged. Bounded, and entries end with their time to live.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Most entries.
const MAX_ENTRIES: usize = 100_000;

/// What is known about one id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// Who opened it.
    pub user: Option<String>,
    /// In which database.
    pub database: String,
    /// The server that holds it.
    pub server: usize,
    /// The digest of the schema set by which it was judged.
    pub digest: String,
    /// How long it lives without use.
    pub ttl: Duration,
}

/// Ids with their owners.
#[derive(Debug, Default)]
pub struct Ownership {
    entries: Mutex<HashMap<String, (Owned, Instant)>>,
}

/// What the table says about an id.
#[derive(Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is the asker's own.
    Own(Owned),
    /// It is somebody else's, or of another database.
    Foreign,
    /// Nothing is known about it.
    Unknown,
}

impl Ownership {
    /// Notes an id.
    pub fn insert(&self, id: &str, owned: Owned, now: Instant) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= MAX_ENTRIES {
            entries.retain(|_, (owned, used)| now.saturating_duration_since(*used) < owned.ttl);
        }
        if entries.len() >= MAX_ENTRIES {
            make_room(&mut entries);
        }
        entries.insert(id.to_owned(), (owned, now));
    }

    /// Asks for an id, which renews its time.
    pub fn claim(&self, id: &str, user: Option<&str>, database: &str, now: Instant) -> Claim {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((owned, used)) = entries.get_mut(id) else {
            return Claim::Unknown;
        };
        if owned.user.as_deref() != user || owned.database != database {
            return Claim::Foreign;
        }
        if now.saturating_duration_since(*used) > owned.ttl {
            entries.remove(id);
            return Claim::Unknown;
        }
        *used = now;
        Claim::Own(owned.clone())
    }

    /// Whether an id is a user's, in whichever database.
    pub fn is_of(&self, id: &str, user: Option<&str>) -> bool {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(id).is_some_and(|(owned, _)| owned.user.as_deref() == user)
    }

    /// Forgets an id.
    pub fn remove(&self, id: &str) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// How many ids are known.
    pub fn len(&self) -> usize {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Forgets the oldest tenth of whoever has the most: who opens more than anybody can use takes nothing from others.
fn make_room(entries: &mut HashMap<String, (Owned, Instant)>) {
    let mut counts: HashMap<&Option<String>, usize> = HashMap::new();
    for (owned, _) in entries.values() {
        *counts.entry(&owned.user).or_default() += 1;
    }
    let Some((user, _)) = counts.into_iter().max_by_key(|(_, count)| *count) else {
        return;
    };
    let mut theirs: Vec<(Instant, &String)> = entries
        .iter()
        .filter(|(_, (owned, _))| owned.user == *user)
        .map(|(id, (_, used))| (*used, id))
        .collect();
    theirs.sort_unstable();
    // Several at once: looking through all of them is no work for each insertion.
    theirs.truncate(theirs.len().div_ceil(10));
    let ids: Vec<String> = theirs.into_iter().map(|(_, id)| id.clone()).collect();
    for id in ids {
        entries.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned() -> Owned {
        Owned {
            user: Some("app".into()),
            database: "shop".into(),
            server: 0,
            digest: "d".into(),
            ttl: Duration::from_secs(30),
        }
    }

    #[test]
    fn an_id_is_its_openers_in_its_database_for_its_time() {
        let table = Ownership::default();
        let start = Instant::now();
        table.insert("7", owned(), start);
        assert_eq!(table.claim("7", Some("app"), "shop", start), Claim::Own(owned()));
        assert_eq!(table.claim("7", Some("other"), "shop", start), Claim::Foreign);
        assert_eq!(table.claim("7", None, "shop", start), Claim::Foreign);
        assert_eq!(table.claim("7", Some("app"), "_system", start), Claim::Foreign);
        assert_eq!(table.claim("8", Some("app"), "shop", start), Claim::Unknown);
        let renewed = start + Duration::from_secs(20);
        assert_eq!(table.claim("7", Some("app"), "shop", renewed), Claim::Own(owned()));
        let late = renewed + Duration::from_secs(31);
        assert_eq!(table.claim("7", Some("app"), "shop", late), Claim::Unknown);
    }

    #[test]
    fn the_table_is_bounded() {
        let table = Ownership::default();
        let start = Instant::now();
        for number in 0..MAX_ENTRIES {
            table.entries.lock().unwrap().insert(
                number.to_string(),
                (owned(), start + Duration::from_micros(number as u64)),
            );
        }
        table.insert("new", owned(), start + Duration::from_secs(1));
        assert!(table.len() <= MAX_ENTRIES);
        assert_eq!(table.claim("0", Some("app"), "shop", start), Claim::Unknown);
        let newest = (MAX_ENTRIES - 1).to_string();
        assert_eq!(table.claim(&newest, Some("app"), "shop", start), Claim::Own(owned()));
    }

    #[test]
    fn who_fills_the_table_pushes_out_nobody_else() {
        let table = Ownership::default();
        let start = Instant::now();
        let other = Owned {
            user: Some("other".into()),
            ..owned()
        };
        table.insert("theirs", other.clone(), start);
        for number in 0..MAX_ENTRIES + MAX_ENTRIES / 10 {
            let when = start + Duration::from_micros(number as u64);
            table.insert(&number.to_string(), owned(), when);
        }
        assert_eq!(table.claim("theirs", Some("other"), "shop", start), Claim::Own(other));
    }
}
