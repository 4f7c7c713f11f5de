//! The schema set in force, and its replacement while requests run.
//!
//! INVARIANT: a request holds one [`Policy`] from its first look to its last, so it never sees a mixture; a set with a
//! fault changes nothing and is shown in `/health` until a good one comes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

use crate::judge::Judge;
use crate::schema::{Faults, SchemaSet};

/// Bytes of verdicts that are kept for queries seen before.
const CACHE_BYTES: usize = 32 * 1024 * 1024;

/// A schema set in force.
#[derive(Debug)]
pub struct Policy {
    /// Judges by it.
    pub judge: Judge,
    /// Since when.
    pub since: SystemTime,
}

impl Policy {
    fn new(set: SchemaSet) -> Arc<Self> {
        Arc::new(Policy {
            judge: Judge::new(Arc::new(set), CACHE_BYTES),
            since: SystemTime::now(),
        })
    }

    /// The schema set.
    pub fn set(&self) -> &SchemaSet {
        self.judge.set()
    }
}

/// What a reload came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reloaded {
    /// Another set is in force.
    Changed,
    /// The files say what is in force already.
    Same,
    /// The files hold faults; nothing changed.
    Failed(String),
}

/// Where the schema set in force is found.
#[derive(Debug)]
pub struct PolicySlot {
    current: RwLock<Arc<Policy>>,
    dir: PathBuf,
    fault: Mutex<Option<String>>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// What the directory looked like when it was last loaded.
    loaded: Vec<FileState>,
    /// What it looked like at the last look.
    last: Vec<FileState>,
}

type FileState = (PathBuf, u64, Option<SystemTime>);

impl PolicySlot {
    /// Loads the set of a directory.
    ///
    /// # Errors
    /// With every fault of the set.
    pub fn open(dir: &Path) -> Result<Self, Faults> {
        let seen = files(dir);
        let set = SchemaSet::load(dir)?;
        Ok(PolicySlot {
            current: RwLock::new(Policy::new(set)),
            dir: dir.to_owned(),
            fault: Mutex::new(None),
            seen: Mutex::new(Seen {
                loaded: seen.clone(),
                last: seen,
            }),
        })
    }

    /// The policy in force now.
    pub fn load(&self) -> Arc<Policy> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Why the files on disk are not in force, where they are not.
    pub fn fault(&self) -> Option<String> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Loads the files again.
    pub fn reload(&self) -> Reloaded {
        let looks = files(&self.dir);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.loaded.clone_from(&looks);
        seen.last = looks;
        drop(seen);
        self.replace(SchemaSet::load(&self.dir))
    }

    /// Looks at the files, and loads them when they have changed and are at rest: a set that is being copied file by file
    /// changes from look to look. Meant to be called again and again, with a second or more in
    /// between.
    pub fn look(&self) -> Option<Reloaded> {
        let looks = files(&self.dir);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let at_rest = seen.last == looks;
        let changed = seen.loaded != looks;
        seen.last.clone_from(&looks);
        if !(changed && at_rest) {
            return None;
        }
        seen.loaded = looks;
        drop(seen);
        Some(self.replace(SchemaSet::load(&self.dir)))
    }

    fn replace(&self, loaded: Result<SchemaSet, Faults>) -> Reloaded {
        let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        match loaded {
            Ok(set) => {
                *fault = None;
                let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
                if current.set().digest == set.digest {
                    return Reloaded::Same;
                }
                log::info!(
                    "schema set {} is in force, in place of {}",
                    set.digest,
                    current.set().digest
                );
                *current = Policy::new(set);
                Reloaded::Changed
            }
            Err(faults) => {
                let text = faults.to_string();
                log::error!("the schema set was not changed, for its files have faults:\n{text}");
                *fault = Some(text.clone());
                Reloaded::Failed(text)
            }
        }
    }
}

/// The files of a schema set with size and time, in order: the schemas, and the approved queries.
fn files(dir: &Path) -> Vec<FileState> {
    let mut found = Vec::new();
    for folder in [dir.to_owned(), dir.join("queries")] {
        let Ok(entries) = std::fs::read_dir(folder) else {
            continue;
        };
        for entry in entries.flatten() {
            // Through links: a Kubernetes volume swaps them.
            if let Ok(metadata) = std::fs::metadata(entry.path())
                && metadata.is_file()
            {
                found.push((entry.path(), metadata.len(), metadata.modified().ok()));
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const OPEN: &str = r#"{"x-mallku":{"collection":"notes","allow":["read"]},"type":"object"}"#;
    const CLOSED: &str = r#"{"x-mallku":{"collection":"notes","allow":[]},"type":"object"}"#;

    #[test]
    fn a_good_set_replaces_and_a_bad_one_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("notes.json");
        fs::write(&file, OPEN).unwrap();
        let slot = PolicySlot::open(dir.path()).unwrap();
        let first = slot.load();
        assert_eq!(slot.reload(), Reloaded::Same);
        fs::write(&file, "{").unwrap();
        assert!(matches!(slot.reload(), Reloaded::Failed(_)));
        assert!(slot.fault().is_some());
        assert!(Arc::ptr_eq(&first, &slot.load()));
        fs::write(&file, CLOSED).unwrap();
        assert_eq!(slot.reload(), Reloaded::Changed);
        assert_eq!(slot.fault(), None);
        assert_ne!(first.set().digest, slot.load().set().digest);
    }

    #[test]
    fn changed_files_are_loaded_once_they_are_at_rest() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("notes.json");
        fs::write(&file, OPEN).unwrap();
        let slot = PolicySlot::open(dir.path()).unwrap();
        assert_eq!(slot.look(), None);
        fs::write(&file, CLOSED).unwrap();
        assert_eq!(slot.look(), None);
        assert_eq!(slot.look(), Some(Reloaded::Changed));
        assert_eq!(slot.look(), None);
    }
}
