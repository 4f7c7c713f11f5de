//! Stream transactions: `/_api/transaction`.
//!
//! A transaction works on a copy of its database, taken at its begin, so it sees nothing of what others do meanwhile, and
//! nobody sees what it does. At its commit each document that it changed must still be as it was at the begin; otherwise the
//! commit fails with 1200 and changes nothing. ArangoDB reports that conflict already at the write.

use super::auth::text;
use super::collection::{need_read, need_write};
use super::{Call, Fault, Method, Outcome, Reply, data};
use crate::error::{ArangoError, Result};
use crate::store::{Collection, Database};
use crate::value::Value;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

/// How long the state of a transaction that has ended is remembered.
const REMEMBERED: Duration = Duration::from_mins(1);

/// The collections that a transaction declared.
#[derive(Clone, Debug, Default)]
struct Declared {
    read: BTreeSet<String>,
    write: BTreeSet<String>,
    exclusive: BTreeSet<String>,
    allow_implicit: bool,
}

impl Declared {
    fn may_read(&self, name: &str) -> bool {
        self.allow_implicit || self.read.contains(name) || self.may_write(name)
    }

    fn may_write(&self, name: &str) -> bool {
        self.write.contains(name) || self.exclusive.contains(name)
    }

    /// Whether two transactions cannot run at the same time.
    fn excludes(&self, other: &Declared) -> bool {
        let blocks = |a: &Declared, b: &Declared| a.exclusive.iter().any(|name| b.may_write(name));
        blocks(self, other) || blocks(other, self)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Running,
    Committed,
    Aborted,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            State::Running => "running",
            State::Committed => "committed",
            State::Aborted => "aborted",
        }
    }
}

struct Work {
    base: Database,
    current: Database,
}

struct Transaction {
    owner: String,
    database: String,
    declared: Declared,
    now: Mutex<Now>,
}

/// What changes about a transaction; locked while a request works in it.
struct Now {
    state: State,
    /// Present while it runs.
    work: Option<Work>,
    last_used: Instant,
}

impl Transaction {
    fn lock(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it runs; one that a request works in does.
    fn is_running(&self) -> bool {
        match self.now.try_lock() {
            Ok(now) => now.state == State::Running,
            Err(TryLockError::Poisoned(now)) => now.into_inner().state == State::Running,
            Err(TryLockError::WouldBlock) => true,
        }
    }
}

/// A transaction in use by a request.
pub(super) struct Handle(Arc<Transaction>);

impl Handle {
    pub(super) fn read<T>(
        &self,
        collection: &str,
        look: impl FnOnce(&Database) -> Result<T>,
    ) -> std::result::Result<T, Fault> {
        let mut now = self.0.lock();
        now.last_used = Instant::now();
        if !collection.is_empty() && !self.0.declared.may_read(collection) {
            return Err(undeclared(collection, "read").into());
        }
        Ok(look(&now.work.as_ref().ok_or_else(not_found)?.current)?)
    }

    pub(super) fn write<T>(
        &self,
        collections: &[&str],
        change: impl FnOnce(&mut Database) -> Result<T>,
    ) -> std::result::Result<T, Fault> {
        let mut now = self.0.lock();
        now.last_used = Instant::now();
        if let Some(other) = collections.iter().find(|name| !self.0.declared.may_write(name)) {
            return Err(undeclared(other, "write").into());
        }
        Ok(change(&mut now.work.as_mut().ok_or_else(not_found)?.current)?)
    }
}

fn undeclared(collection: &str, access: &str) -> ArangoError {
    ArangoError::new(
        1652,
        format!("unregistered collection used in transaction: {collection} [{access}]"),
    )
}

fn not_found() -> ArangoError {
    ArangoError::new(1655, "transaction not found")
}

/// Every transaction that runs or has ended lately.
#[derive(Default)]
pub(super) struct Transactions {
    all: Mutex<BTreeMap<u64, Arc<Transaction>>>,
    /// Told whenever one ends.
    ended: Condvar,
}

impl Transactions {
    pub(super) fn find(&self, id: u64, owner: &str, database: &str) -> Result<Handle> {
        let handle = self.all().get(&id).cloned().map(Handle).ok_or_else(not_found)?;
        let fits = (owner.is_empty() || handle.0.owner == owner) && handle.0.database == database;
        if fits { Ok(handle) } else { Err(not_found()) }
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Transaction>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Aborts what was idle for too long and forgets what ended long ago.
    fn sweep(&self, idle: Duration) {
        let now = Instant::now();
        self.all().retain(|_, transaction| {
            let Ok(mut at) = transaction.now.try_lock() else {
                return true;
            };
            let unused = now.duration_since(at.last_used);
            if at.state == State::Running && unused > idle {
                at.state = State::Aborted;
                at.work = None;
                at.last_used = now;
            }
            at.state == State::Running || unused < REMEMBERED
        });
    }

    fn begin(&self, transaction: Transaction, wait: Duration) -> Result<u64> {
        let limit = Instant::now() + wait;
        let mut all = self.all();
        loop {
            let blocked = all.values().any(|other| {
                other.database == transaction.database
                    && other.declared.excludes(&transaction.declared)
                    && other.is_running()
            });
            if !blocked {
                let id = all.keys().last().map_or(4096, |last| last + 4);
                all.insert(id, Arc::new(transaction));
                return Ok(id);
            }
            let left = limit.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ArangoError::new(18, "timeout waiting to lock key"));
            }
            all = self
                .ended
                .wait_timeout(all, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

pub(super) fn handle(call: &Call) -> Outcome {
    let transactions = call.service.transactions();
    transactions.sweep(Duration::from_secs_f64(
        call.service
            .options()
            .number("transaction.streaming-idle-timeout", 60.0)
            .clamp(0.0, 120.0),
    ));
    match (call.method, call.rest(2).as_slice()) {
        (Method::Post, ["begin"]) => begin(call),
        (Method::Get, []) => Ok(list(call)),
        (Method::Get, [id]) => {
            let handle = find(call, id)?;
            let state = handle.0.lock().state;
            Ok(answer(200, id, state))
        }
        (Method::Put, [id]) => end(call, id, State::Committed),
        (Method::Delete, ["write"]) => Ok(abort_writers(call)),
        (Method::Delete, [id]) => end(call, id, State::Aborted),
        (Method::Post, []) => Err(Fault::new(
            501,
            9,
            "JavaScript transactions need JavaScript, which evaldb has not",
        )),
        (Method::Get | Method::Post | Method::Put | Method::Delete, _) => Err(Fault::unknown_path(&call.path)),
        _ => Err(Fault::wrong_method()),
    }
}

fn answer(status: u16, id: &str, state: State) -> Reply {
    Reply::result(status, json!({ "id": id, "status": state.name() }))
}

fn find(call: &Call, id: &str) -> std::result::Result<Handle, Fault> {
    let id = data::number(id, not_found)?;
    Ok(call.service.transactions().find(id, call.who.name(), &call.database)?)
}

fn begin(call: &Call) -> Outcome {
    let body = call.json_object()?;
    let collections = body
        .get("collections")
        .filter(|collections| collections.as_object().is_some());
    let collections = collections.ok_or_else(|| Fault::bad("missing/invalid collections"))?;
    let declared = Declared {
        read: names(collections.get("read"))?,
        write: names(collections.get("write"))?,
        exclusive: names(collections.get("exclusive"))?,
        allow_implicit: body.get("allowImplicit").is_none_or(Value::is_true),
    };
    for name in &declared.read {
        need_read(call, name)?;
    }
    for name in declared.write.iter().chain(&declared.exclusive) {
        need_write(call, name)?;
    }
    let database = call
        .service
        .with_server(|server| server.database(&call.database).cloned())?;
    for name in declared.read.iter().chain(&declared.write).chain(&declared.exclusive) {
        database.collection(name)?;
    }
    let seconds = body.get("lockTimeout").map_or(900.0, Value::to_f64);
    let wait = if seconds > 0.0 { seconds.min(900.0) } else { 900.0 };
    let transaction = Transaction {
        owner: call.who.name().to_owned(),
        database: call.database.clone(),
        declared,
        now: Mutex::new(Now {
            state: State::Running,
            work: None,
            last_used: Instant::now(),
        }),
    };
    let id = call
        .service
        .transactions()
        .begin(transaction, Duration::from_secs_f64(wait))?
        .to_string();
    // Its view begins now: what others committed while this one waited for its lock belongs to it.
    let fresh = call
        .service
        .with_server(|server| server.database(&call.database).cloned())?;
    let work = Work {
        base: fresh.clone(),
        current: fresh,
    };
    find(call, &id)?.0.lock().work = Some(work);
    Ok(answer(201, &id, State::Running))
}

/// A name or a list of names.
fn names(value: Option<&Value>) -> std::result::Result<BTreeSet<String>, Fault> {
    let bad = || Fault::bad("missing/invalid collections");
    match value {
        None | Some(Value::Null) => Ok(BTreeSet::new()),
        Some(Value::String(name)) => Ok(BTreeSet::from([name.to_string()])),
        Some(list) => {
            let list = list.as_array().ok_or_else(bad)?;
            list.iter()
                .map(|name| name.as_str().map(str::to_owned).ok_or_else(bad))
                .collect()
        }
    }
}

fn list(call: &Call) -> Reply {
    let all = call.service.transactions().all();
    // Whatever database the request names: arangojs asks without one.
    let own = all.iter().filter(|(_, one)| call.owns(&one.owner) && one.is_running());
    let shown: Vec<_> = own
        .map(|(id, _)| json!({ "id": id.to_string(), "state": State::Running.name() }))
        .collect();
    Reply::json(200, &json!({ "transactions": shown }))
}

fn end(call: &Call, id: &str, wanted: State) -> Outcome {
    let handle = find(call, id)?;
    let mut now = handle.0.lock();
    match (now.state, wanted) {
        (State::Running, _) => {}
        // Ending it again in the same way is no error.
        (before, wanted) if before == wanted => return Ok(answer(200, id, before)),
        (before, _) => {
            return Err(ArangoError::new(1653, format!("transaction {id} is {} already", before.name())).into());
        }
    }
    let work = now.work.take();
    now.last_used = Instant::now();
    now.state = State::Aborted;
    if let (State::Committed, Some(work)) = (wanted, work) {
        let declared = &handle.0.declared;
        let writes: Vec<String> = declared.write.union(&declared.exclusive).cloned().collect();
        let committed = call
            .service
            .write(|server| commit(server.database_mut(&call.database)?, &work, &writes));
        call.service.transactions().ended.notify_all();
        committed?;
        now.state = State::Committed;
    }
    call.service.transactions().ended.notify_all();
    Ok(answer(200, id, now.state))
}

fn abort_writers(call: &Call) -> Reply {
    let all: Vec<Arc<Transaction>> = call.service.transactions().all().values().cloned().collect();
    for transaction in all {
        let writes = !(transaction.declared.write.is_empty() && transaction.declared.exclusive.is_empty());
        if writes && call.owns(&transaction.owner) {
            let mut now = transaction.lock();
            if now.state == State::Running {
                now.state = State::Aborted;
                now.work = None;
            }
        }
    }
    call.service.transactions().ended.notify_all();
    Reply::ok(200, json!({}))
}

/// Brings the changes of a transaction into the database, all or none.
fn commit(target: &mut Database, work: &Work, collections: &[String]) -> Result<()> {
    let mut merged = target.clone();
    for name in collections {
        let (base, current) = (work.base.shared(name)?, work.current.shared(name)?);
        if Arc::ptr_eq(base, current) {
            continue;
        }
        if Arc::ptr_eq(base, target.shared(name)?) {
            merged.take_collection(name, &work.current)?;
        } else {
            merge(&mut merged, name, base, current)?;
        }
    }
    *target = merged;
    Ok(())
}

/// Applies the difference of two states of a collection to a third one.
fn merge(target: &mut Database, name: &str, base: &Collection, current: &Collection) -> Result<()> {
    let revision = |document: Option<&Value>| {
        document
            .and_then(|document| document.get("_rev"))
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let keys: BTreeSet<&str> = base
        .documents()
        .chain(current.documents())
        .filter_map(|document| text(document, "_key"))
        .collect();
    for key in keys {
        let (before, after) = (base.get(key), current.get(key));
        if revision(before) == revision(after) {
            continue;
        }
        if revision(target.collection(name)?.get(key)) != revision(before) {
            return Err(ArangoError::new(1200, format!("write-write conflict; key: {key}")));
        }
        target.put_raw(name, key, after.cloned())?;
    }
    Ok(())
}
