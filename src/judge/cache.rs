//! Verdicts on queries seen before.
//!
//! What a verdict depends on is the text, the database, the roles, which bind values there are, and those of them that
//! the judge looked at (a collection's name, an id, a written document; not a number that is compared). With all of that
//! equal, the verdict is equal, and a query that comes again costs a look-up.
//!
//! INVARIANT: bounded in bytes, whatever texts come: each shard has two generations, and when the younger is full the
//! older one is dropped. A flood of distinct texts displaces old entries and no more; what is used in between stays.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::{Map, Value as Json};

use super::limits::Size;
use super::value::Types;
use super::verdict::{Request, Verdict};
use super::{Approvals, judge_tracked, oversized};
use crate::schema::{RoleSet, SchemaSet};

/// Locks: enough that threads seldom meet.
const SHARDS: usize = 16;

/// Verdicts kept for one text; one whose verdict hangs on ever other values is judged anew each time.
const MOST_VARIANTS: usize = 8;

/// Bytes of bind values that a kept verdict may hang on.
const MOST_VALUE_BYTES: usize = 512;

/// What an entry costs beside its texts, roughly.
const OVERHEAD: usize = 384;

/// What a verdict hangs on beside the text, the database, the roles and the names of the bind values.
#[derive(Debug, Default)]
pub(super) struct Dependencies {
    /// Bind values that were looked at.
    pub(super) values: Vec<(String, Json)>,
    /// Bind values of which only the type was looked at.
    pub(super) types: Vec<(String, Types)>,
}

impl Dependencies {
    pub(super) fn extend(&mut self, other: Self) {
        self.values.extend(other.values);
        self.types.extend(other.types);
    }
}

/// A schema set with the verdicts on queries seen before. Cheap to share; a reload makes a new one.
#[derive(Debug)]
pub struct Judge {
    set: Arc<SchemaSet>,
    approvals: Approvals,
    /// The role sets that users have; the first is everybody's.
    roles: Vec<RoleSet>,
    /// The users that have more roles than everybody, with the index of theirs.
    users: HashMap<String, usize>,
    shards: Vec<RwLock<Shard>>,
    shard_bytes: usize,
    seeds: [u64; 2],
    hits: AtomicU64,
    misses: AtomicU64,
}

/// How the cache of a [`Judge`] does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheState {
    /// Verdicts found.
    pub hits: u64,
    /// Verdicts judged.
    pub misses: u64,
    /// Texts kept.
    pub entries: usize,
    /// Bytes that they take, roughly.
    pub bytes: usize,
}

#[derive(Debug, Default)]
struct Shard {
    young: Generation,
    old: Generation,
}

#[derive(Debug, Default)]
struct Generation {
    entries: HashMap<u64, Entry>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    text: Box<str>,
    database: Box<str>,
    roles: usize,
    variants: Vec<Variant>,
    bytes: usize,
}

#[derive(Debug)]
struct Variant {
    bind_keys: Vec<String>,
    depends: Dependencies,
    verdict: Arc<Verdict>,
}

impl Judge {
    /// A judge with room for about this many bytes of verdicts.
    pub fn new(set: Arc<SchemaSet>, cache_bytes: usize) -> Self {
        let mut roles = vec![RoleSet::everybody()];
        let mut users = HashMap::new();
        for user in set.roles.users.values().flatten() {
            let held = set.roles.of(Some(user));
            let index = roles.iter().position(|known| *known == held).unwrap_or_else(|| {
                roles.push(held);
                roles.len() - 1
            });
            users.insert(user.clone(), index);
        }
        let random = RandomState::new();
        let seed = |number: u64| {
            let mut hasher = random.build_hasher();
            hasher.write_u64(number);
            hasher.finish()
        };
        Self {
            approvals: Approvals::of(&set),
            set,
            roles,
            users,
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            shard_bytes: cache_bytes / SHARDS,
            seeds: [seed(1), seed(2)],
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }

    /// The schema set that it judges by.
    pub fn set(&self) -> &Arc<SchemaSet> {
        &self.set
    }

    /// The verdict on a query; the same as [`judge`](super::judge()) gives.
    pub fn judge(&self, request: &Request<'_>) -> Arc<Verdict> {
        if let Some(denial) = oversized(&self.set, request) {
            return Arc::new(Verdict {
                denials: vec![denial],
                ..Verdict::default()
            });
        }
        let roles = request.user.and_then(|user| self.users.get(user)).copied().unwrap_or(0);
        let hash = self.hash(request, roles);
        #[allow(clippy::cast_possible_truncation, reason = "only the low bits choose a shard")]
        let shard = &self.shards[hash as usize % SHARDS];
        if let Some(verdict) = Self::find(shard, hash, request, roles) {
            self.hits.fetch_add(1, Ordering::Relaxed);
            return verdict;
        }
        self.misses.fetch_add(1, Ordering::Relaxed);
        let (verdict, depends) = judge_tracked(&self.set, &self.approvals, &self.roles[roles], request);
        let verdict = Arc::new(verdict);
        self.keep(shard, hash, request, roles, depends, &verdict);
        verdict
    }

    /// How the cache does.
    pub fn cache_state(&self) -> CacheState {
        let mut state = CacheState {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            ..CacheState::default()
        };
        for shard in &self.shards {
            let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
            state.entries += shard.young.entries.len() + shard.old.entries.len();
            state.bytes += shard.young.bytes + shard.old.bytes;
        }
        state
    }

    fn find(shard: &RwLock<Shard>, hash: u64, request: &Request<'_>, roles: usize) -> Option<Arc<Verdict>> {
        {
            let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(entry) = shard.young.entries.get(&hash) {
                return entry.verdict(request, roles);
            }
            shard.old.entries.get(&hash)?.verdict(request, roles)?;
        }
        // Used again: it goes with the young ones.
        let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
        let entry = shard.old.take(hash)?;
        let verdict = entry.verdict(request, roles);
        shard.young.put(hash, entry);
        verdict
    }

    fn keep(
        &self,
        shard: &RwLock<Shard>,
        hash: u64,
        request: &Request<'_>,
        roles: usize,
        depends: Dependencies,
        verdict: &Arc<Verdict>,
    ) {
        let mut size = Size::new(MOST_VALUE_BYTES, usize::MAX);
        let hangs_on_little = depends.values.iter().all(|(_, value)| size.value(value, 1).is_ok());
        if !hangs_on_little {
            return;
        }
        let bind_keys: Vec<String> = request.bind_vars.into_iter().flat_map(Map::keys).cloned().collect();
        let cost = OVERHEAD
            + bind_keys.iter().map(|key| key.len() + 32).sum::<usize>()
            + depends.values.len().saturating_mul(64)
            + size.bytes()
            + verdict_bytes(verdict);
        let variant = Variant {
            bind_keys,
            depends,
            verdict: Arc::clone(verdict),
        };
        let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
        let known = shard.young.take(hash).or_else(|| shard.old.take(hash));
        let mut entry = known
            .filter(|entry| entry.is_of(request, roles) && entry.variants.len() < MOST_VARIANTS)
            .unwrap_or_else(|| Entry {
                text: request.query.into(),
                database: request.database.into(),
                roles,
                variants: Vec::new(),
                bytes: request.query.len() + request.database.len() + OVERHEAD,
            });
        entry.variants.push(variant);
        entry.bytes = entry.bytes.saturating_add(cost);
        if entry.bytes > self.shard_bytes / 4 {
            return;
        }
        if shard.young.bytes.saturating_add(entry.bytes) > self.shard_bytes / 2 {
            shard.old = std::mem::take(&mut shard.young);
        }
        shard.young.put(hash, entry);
    }

    /// A hash of what names an entry, keyed so that nobody outside can aim for collisions. It folds the text 16 bytes
    /// at a time, for a query that comes again should cost little more than reading it.
    fn hash(&self, request: &Request<'_>, roles: usize) -> u64 {
        let mut state = self.seeds[0] ^ roles as u64;
        for text in [request.database.as_bytes(), request.query.as_bytes()] {
            let mut chunks = text.chunks_exact(16);
            for chunk in &mut chunks {
                state = self.fold(state, word(&chunk[..8]), word(&chunk[8..]));
            }
            let mut tail = [0; 16];
            let rest = chunks.remainder();
            tail[..rest.len()].copy_from_slice(rest);
            state = self.fold(state ^ text.len() as u64, word(&tail[..8]), word(&tail[8..]));
        }
        state
    }

    fn fold(&self, state: u64, left: u64, right: u64) -> u64 {
        let product = u128::from(left ^ state) * u128::from(right ^ self.seeds[1] | 1);
        #[allow(clippy::cast_possible_truncation, reason = "both halves are kept")]
        let (low, high) = (product as u64, (product >> 64) as u64);
        low ^ high ^ state.rotate_left(29)
    }
}

fn word(bytes: &[u8]) -> u64 {
    bytes.try_into().map_or(0, u64::from_le_bytes)
}

impl Generation {
    fn take(&mut self, hash: u64) -> Option<Entry> {
        let entry = self.entries.remove(&hash)?;
        self.bytes = self.bytes.saturating_sub(entry.bytes);
        Some(entry)
    }

    fn put(&mut self, hash: u64, entry: Entry) {
        self.bytes = self.bytes.saturating_add(entry.bytes);
        if let Some(replaced) = self.entries.insert(hash, entry) {
            self.bytes = self.bytes.saturating_sub(replaced.bytes);
        }
    }
}

impl Entry {
    fn is_of(&self, request: &Request<'_>, roles: usize) -> bool {
        self.roles == roles && *self.text == *request.query && *self.database == *request.database
    }

    fn verdict(&self, request: &Request<'_>, roles: usize) -> Option<Arc<Verdict>> {
        if !self.is_of(request, roles) {
            return None;
        }
        let variant = self.variants.iter().find(|variant| variant.fits(request.bind_vars))?;
        Some(Arc::clone(&variant.verdict))
    }
}

impl Variant {
    fn fits(&self, binds: Option<&Map<String, Json>>) -> bool {
        let Some(binds) = binds else {
            return self.bind_keys.is_empty();
        };
        binds.len() == self.bind_keys.len()
            && self.bind_keys.iter().all(|key| binds.contains_key(key))
            && self
                .depends
                .values
                .iter()
                .all(|(key, value)| binds.get(key) == Some(value))
            && self
                .depends
                .types
                .iter()
                .all(|(key, types)| binds.get(key).is_some_and(|value| Types::of_json(value) == *types))
    }
}

/// What a verdict takes, roughly.
fn verdict_bytes(verdict: &Verdict) -> usize {
    let denials = verdict.denials.iter().map(|denial| {
        let texts = [&denial.collection, &denial.attribute, &denial.hint];
        128 + denial.message.len() + texts.into_iter().flatten().map(String::len).sum::<usize>()
    });
    let reads = verdict
        .reads
        .iter()
        .map(|(name, paths)| 96 + name.len() + paths.iter().map(|path| 32 + path.len()).sum::<usize>());
    let writes = verdict.writes.iter().map(|(name, operations)| {
        96 + name.len() + operations.values().flatten().map(|path| 64 + path.len()).sum::<usize>()
    });
    let edits = verdict.edits.iter().map(|edit| 32 + edit.text.len());
    denials.chain(reads).chain(writes).chain(edits).sum::<usize>() + verdict.functions.len() * 48
}
