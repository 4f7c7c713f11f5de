//! The data directory: its marker files in arangod's places, the lock, and the version check.
//!
//! Invariant: a [`DataDirectory`] holds the lock on its directory for as long as it lives.

use super::StartError;
use super::clock;
use super::journal::{Journal, Level};
use super::options::{Build, Options};
use ring::rand::{SecureRandom, SystemRandom};
use rustix::fs::{FlockOperation, fcntl_lock};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

/// What is in a data directory before anything is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Missing,
    Empty,
    /// Something, but no server's mark.
    Files,
    /// A server's `SERVER` file.
    Populated,
}

/// How a database's files compare to this build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FilesVersion {
    Absent,
    Matching,
    Older(u64),
    Newer(u64),
    Unreadable,
}

/// A locked data directory.
pub(crate) struct DataDirectory {
    path: PathBuf,
    _lock: File,
}

impl DataDirectory {
    pub(super) fn look(path: &Path) -> Result<Found, StartError> {
        let Ok(metadata) = std::fs::metadata(path) else {
            return Ok(Found::Missing);
        };
        if !metadata.is_dir() {
            return Err(StartError::new(
                1,
                "1db3c",
                format!("database path '{}' is not a directory", path.display()),
            ));
        }
        if path.join("SERVER").is_file() {
            return Ok(Found::Populated);
        }
        let mut entries = std::fs::read_dir(path).map_err(|error| unusable(path, &error))?;
        Ok(
            if entries.any(|entry| entry.is_ok_and(|entry| entry.file_name() != "lost+found")) {
                Found::Files
            } else {
                Found::Empty
            },
        )
    }

    /// `--database.required-directory-state`.
    pub(super) fn check_required_state(found: Found, options: &Options) -> Result<(), StartError> {
        let required = options.text("database.required-directory-state").unwrap_or("any");
        let holds = match required {
            "existing" => found != Found::Missing,
            "non-existing" => found == Found::Missing,
            "empty" => matches!(found, Found::Missing | Found::Empty),
            "populated" => found == Found::Populated,
            _ => true,
        };
        if holds {
            Ok(())
        } else {
            Err(StartError::new(
                1,
                "25a3b",
                format!("database directory is expected to be '{required}', but it is not"),
            ))
        }
    }

    /// Creates what is missing and takes the lock. A held lock is exit code 22; a stale file is taken over.
    pub(super) fn open(path: &Path, journal: &Journal, refuse_lock: bool) -> Result<DataDirectory, StartError> {
        std::fs::create_dir_all(path).map_err(|error| unusable(path, &error))?;
        let file = path.join("LOCK");
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&file)
            .map_err(|error| unusable(&file, &error))?;
        let mut owner = String::new();
        let _ = lock.read_to_string(&mut owner);
        if refuse_lock || fcntl_lock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(StartError::new(
                22,
                "5e8e5",
                format!(
                    "database is locked by process {}; please check if another instance is running",
                    owner.trim()
                ),
            ));
        }
        if !owner.trim().is_empty() {
            journal.write(
                Level::Warning,
                "3c0a7",
                "general",
                &format!(
                    "lock file '{}' of process {} was left behind",
                    file.display(),
                    owner.trim()
                ),
            );
        }
        let write = lock
            .set_len(0)
            .and_then(|()| lock.rewind())
            .and_then(|()| lock.write_all(std::process::id().to_string().as_bytes()));
        write.map_err(|error| unusable(&file, &error))?;
        Ok(DataDirectory {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Writes the marker files that are missing and checks those that are there.
    pub(super) fn mark(&self, build: Build, options: &Options) -> Result<(), StartError> {
        match std::fs::read_to_string(self.path.join("ENGINE")) {
            Ok(engine) if engine.trim() != "rocksdb" => {
                return Err(StartError::new(
                    25,
                    "5c7b5",
                    format!("unsupported storage engine '{}'", engine.trim()),
                ));
            }
            Ok(_) => {}
            Err(_) => self.write("ENGINE", b"rocksdb")?,
        }
        self.check_language(options)?;
        std::fs::create_dir_all(self.path.join("engine-rocksdb/journals"))
            .map_err(|error| unusable(&self.path, &error))?;
        if !self.path.join("SERVER").exists() {
            let server = serde_json::json!({
                "build": build.version.to_string(),
                "serverId": random_number()?.to_string(),
                "createdTime": clock::iso_seconds(clock::now().as_secs()),
            });
            self.write("SERVER", server.to_string().as_bytes())?;
        }
        Ok(())
    }

    fn check_language(&self, options: &Options) -> Result<(), StartError> {
        let (kind, wanted) = match (options.text("icu-language"), options.text("default-language")) {
            (Some(_), Some(_)) => {
                return Err(StartError::new(
                    1,
                    "d8a98",
                    "only one of '--default-language' and '--icu-language' may be given",
                ));
            }
            (Some(icu), None) => ("icu", icu),
            (None, default) => ("default", default.unwrap_or("")),
        };
        let stored = std::fs::read_to_string(self.path.join("LANGUAGE")).ok();
        let stored = stored.and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok());
        let Some(stored) = stored else {
            return self.write("LANGUAGE", serde_json::json!({ kind: wanted }).to_string().as_bytes());
        };
        let same = stored.get(kind).and_then(serde_json::Value::as_str) == Some(wanted);
        if same || wanted.is_empty() || !options.flag("default-language-check", true) {
            return Ok(());
        }
        Err(StartError::new(
            1,
            "8c0f3",
            format!("specified language '{wanted}' does not match that of the database: {stored}"),
        ))
    }

    pub(super) fn files_version(&self, build: Build) -> FilesVersion {
        let Ok(text) = std::fs::read_to_string(self.version_file()) else {
            return FilesVersion::Absent;
        };
        let parsed: Option<serde_json::Value> = serde_json::from_str(&text).ok();
        match parsed.and_then(|file| file.get("version")?.as_u64()) {
            None => FilesVersion::Unreadable,
            Some(version) if version == build.version.files() => FilesVersion::Matching,
            Some(version) if version < build.version.files() => FilesVersion::Older(version),
            Some(version) => FilesVersion::Newer(version),
        }
    }

    pub(super) fn write_version(&self, build: Build) -> Result<(), StartError> {
        let file = self.version_file();
        if let Some(parent) = file.parent() {
            std::fs::create_dir_all(parent).map_err(|error| unusable(parent, &error))?;
        }
        let content = serde_json::json!({ "version": build.version.files(), "tasks": {} });
        std::fs::write(&file, content.to_string()).map_err(|error| unusable(&file, &error))
    }

    fn version_file(&self) -> PathBuf {
        self.path.join("databases/database-1/VERSION")
    }

    /// Where the data is kept over a restart.
    pub(crate) fn snapshot_file(&self) -> PathBuf {
        self.path.join("engine-rocksdb/evaldb-snapshot.json")
    }

    /// The directory itself.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// This server's number, from its `SERVER` file.
    pub(crate) fn server_id(&self) -> String {
        let text = std::fs::read_to_string(self.path.join("SERVER")).unwrap_or_default();
        let server: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        server
            .get("serverId")
            .and_then(serde_json::Value::as_str)
            .unwrap_or("0")
            .to_owned()
    }

    /// Removes the lock file, as an orderly stop does; the lock itself ends with the process.
    pub(super) fn close(&self) {
        let _ = std::fs::remove_file(self.path.join("LOCK"));
    }

    fn write(&self, name: &str, content: &[u8]) -> Result<(), StartError> {
        let file = self.path.join(name);
        std::fs::write(&file, content).map_err(|error| unusable(&file, &error))
    }
}

fn unusable(path: &Path, error: &std::io::Error) -> StartError {
    StartError::new(1, "bd432", format!("cannot use '{}': {error}", path.display()))
}

fn random_number() -> Result<u64, StartError> {
    let mut bytes = [0; 8];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| StartError::new(1, "00000", "no randomness for a server id"))?;
    // Positive and within 48 bits, as arangod's ids are.
    Ok((u64::from_le_bytes(bytes) >> 16).max(1))
}
