//! What every request shares: the data, the options, the secrets, and the keeping of the snapshot file.

use super::cursor::Cursors;
use super::transaction::Transactions;
use super::{auth, call::Call};
use crate::arangod::options::{Build, Options};
use crate::arangod::{DataDirectory, Event, Journal, JwtSecrets, Progress};
use crate::error::Result;
use crate::store::Server;
use crate::unruly::Unruly;
use std::io::Write;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// Documents reach the disk within this time, as with `--rocksdb.sync-interval`; definitions and users at once.
const SYNC_INTERVAL: Duration = Duration::from_millis(100);

/// How long a stop waits for requests that are being answered.
const DRAIN_LIMIT: Duration = Duration::from_secs(5);

/// The running server.
pub(crate) struct Service {
    server: RwLock<Server>,
    options: Options,
    build: Build,
    directory: DataDirectory,
    secrets: JwtSecrets,
    unruly: &'static Unruly,
    journal: Arc<Journal>,
    events: Mutex<Sender<Event>>,
    progress: Progress,
    cursors: Cursors,
    transactions: Transactions,
    started: Instant,
    in_flight: AtomicUsize,
    /// Counts changes of the data.
    changes: AtomicU64,
    /// The count that the snapshot file holds.
    saved: Mutex<u64>,
}

impl Service {
    pub(crate) fn start(
        options: Options,
        build: Build,
        directory: DataDirectory,
        secrets: JwtSecrets,
        unruly: &'static Unruly,
        journal: Arc<Journal>,
        events: Sender<Event>,
    ) -> Arc<Service> {
        Arc::new(Service {
            server: RwLock::new(Server::new()),
            options,
            build,
            directory,
            secrets,
            unruly,
            journal,
            events: Mutex::new(events),
            progress: Progress::default(),
            cursors: Cursors::default(),
            transactions: Transactions::default(),
            started: Instant::now(),
            in_flight: AtomicUsize::new(0),
            changes: AtomicU64::new(0),
            saved: Mutex::new(0),
        })
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn build(&self) -> Build {
        self.build
    }

    pub(crate) fn directory(&self) -> &DataDirectory {
        &self.directory
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    pub(crate) fn progress(&self) -> &Progress {
        &self.progress
    }

    pub(super) fn secrets(&self) -> &JwtSecrets {
        &self.secrets
    }

    pub(super) fn unruly(&self) -> &'static Unruly {
        self.unruly
    }

    pub(super) fn cursors(&self) -> &Cursors {
        &self.cursors
    }

    pub(super) fn transactions(&self) -> &Transactions {
        &self.transactions
    }

    pub(super) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// Looks at the data.
    pub(super) fn with_server<T>(&self, look: impl FnOnce(&Server) -> T) -> T {
        look(&self.server.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes documents; they are kept a little later.
    pub(super) fn write<T>(&self, change: impl FnOnce(&mut Server) -> T) -> T {
        let result = change(&mut self.server.write().unwrap_or_else(PoisonError::into_inner));
        self.changes.fetch_add(1, Ordering::Release);
        result
    }

    /// Changes definitions or users, completely or not at all; they are kept before this returns.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Server) -> Result<T>) -> Result<T> {
        let result = self.write(|server| {
            let before = server.clone();
            change(server).inspect_err(|_| *server = before)
        })?;
        if let Err(error) = self.save() {
            self.journal
                .write(crate::arangod::Level::Error, "a0d3b", "engines", &error);
        }
        Ok(result)
    }

    /// Reads the snapshot file, if there is one.
    pub(crate) fn load(&self) -> std::result::Result<(), String> {
        let file = self.directory.snapshot_file();
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(format!("{}: {error}", file.display())),
        };
        let restored = Server::from_snapshot(&text).map_err(|error| error.message)?;
        *self.server.write().unwrap_or_else(PoisonError::into_inner) = restored;
        Ok(())
    }

    /// Writes the snapshot file when something changed since the last time; a crash leaves the old or the new one.
    pub(crate) fn save(&self) -> std::result::Result<(), String> {
        let mut saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = self.changes.load(Ordering::Acquire);
        if *saved == changes {
            return Ok(());
        }
        let text = self
            .with_server(Clone::clone)
            .to_snapshot()
            .map_err(|error| error.message)?;
        let file = self.directory.snapshot_file();
        let fresh = file.with_extension("tmp");
        let write = std::fs::File::create(&fresh)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .and_then(|()| std::fs::rename(&fresh, &file));
        write.map_err(|error| format!("cannot write {}: {error}", file.display()))?;
        *saved = changes;
        Ok(())
    }

    /// Keeps the snapshot file up to date in the background.
    pub(crate) fn keep_saving(self: &Arc<Self>) {
        let service = self.clone();
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(SYNC_INTERVAL);
                if let Err(error) = service.save() {
                    service
                        .journal
                        .write(crate::arangod::Level::Error, "a0d3b", "engines", &error);
                }
            }
        });
    }

    pub(super) fn shut_down(&self) {
        let _ = self
            .events
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .send(Event::Shutdown);
    }

    /// Counts a request that is being answered.
    pub(super) fn enter(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::AcqRel);
        InFlight(self.clone())
    }

    /// Waits until the requests that are being answered are done, or for a few seconds.
    pub(crate) fn drain(&self) {
        let limit = Instant::now() + DRAIN_LIMIT;
        while self.in_flight.load(Ordering::Acquire) > 0 && Instant::now() < limit {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// A request that is being answered, until it is dropped.
pub(super) struct InFlight(Arc<Service>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Call {
    /// Whether the caller may read a collection.
    pub(super) fn may_read(&self, collection: &str) -> bool {
        auth::collection_grant(&self.service, &self.who, &self.database, collection)
            >= crate::arangod::accounts::Grant::Read
    }
}
