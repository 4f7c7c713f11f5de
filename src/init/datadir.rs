//! The database's directory: what its files say about its past, and the marker that a first start was completed.
//!
//! arangod writes its `SERVER` file before root's password is stored, so that file alone does not prove a first start
//! that came to its end. The marker, written last, does. Nothing unknown is ever deleted.

use std::io;
use std::path::{Path, PathBuf};

use super::secret::{self, SecretError};

/// Our directory below the data: marker and, when it was generated, root's password.
const OWN_DIR: &str = ".mallku";
const MARKER: &str = "initialised";
/// Longest marker or `SERVER` file that is read.
const MOST_BYTES: usize = 4096;

/// What a data directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Past {
    /// Nothing was ever here.
    Fresh,
    /// A first start that did not come to its end, or a database that another product made: only its root user's password
    /// tells them apart.
    Unmarked,
    /// Ours, complete.
    Ours,
}

/// Why a data directory cannot be used; each says what to do.
#[derive(Debug, thiserror::Error)]
pub(super) enum DataDirError {
    #[error("the data directory {} is missing and cannot be created: {error}; mount a volume there", .path.display())]
    Missing { path: PathBuf, error: io::Error },
    #[error("the data directory {} is no directory; mount a volume there", .0.display())]
    NoDirectory(PathBuf),
    #[error("the data directory {} cannot be read: {error}", .path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    #[error(
        "the data directory {} holds other files ({example}) and no database; mount an empty volume there, or the database's own",
        .path.display()
    )]
    Foreign { path: PathBuf, example: String },
    #[error(
        "the data directory {} was initialised and now holds no database; mount the right volume, or remove {} to begin anew",
        .path.display(), own_dir(.path).display()
    )]
    Emptied { path: PathBuf },
    #[error(
        "the data in {} belongs to another server than its marker says; mount the right volume, or remove {} to adopt the data",
        .path.display(), own_dir(.path).display()
    )]
    Swapped { path: PathBuf },
    #[error("the data in {} is of the storage engine `{engine}`, which no supported version reads", .path.display())]
    Engine { path: PathBuf, engine: String },
    #[error("the marker of a completed first start cannot be written: {0}")]
    Marker(#[from] SecretError),
}

/// Our own directory below the data.
pub(super) fn own_dir(data: &Path) -> PathBuf {
    data.join(OWN_DIR)
}

/// Reads a data directory's past off its files.
pub(super) fn past(data: &Path) -> Result<Past, DataDirError> {
    let unreadable = |error| DataDirError::Unreadable {
        path: data.to_owned(),
        error,
    };
    let mut others = Vec::new();
    let (mut server, mut engine, mut begun) = (false, false, false);
    for entry in std::fs::read_dir(data).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        match name.to_str() {
            Some("SERVER") => server = true,
            Some("ENGINE") => engine = true,
            // arangod's own directories: a first start was interrupted between them and the files above.
            Some("engine-rocksdb" | "databases" | "crashes") => begun = true,
            // What a volume, an interrupted first start (lock and language come first) or ourselves leave.
            Some("lost+found" | "LOCK" | "LANGUAGE" | OWN_DIR) => {}
            _ => others.push(name.to_string_lossy().into_owned()),
        }
    }
    let marker = read_bounded(&own_dir(data).join(MARKER)).map_err(unreadable)?;
    if !server && !engine {
        if marker.is_some() {
            return Err(DataDirError::Emptied { path: data.to_owned() });
        }
        others.sort();
        return match others.into_iter().next() {
            Some(example) => Err(DataDirError::Foreign {
                path: data.to_owned(),
                example,
            }),
            None if begun => Ok(Past::Unmarked),
            None => Ok(Past::Fresh),
        };
    }
    if let Some(engine) = read_bounded(&data.join("ENGINE")).map_err(unreadable)? {
        let engine = engine.trim();
        if !engine.is_empty() && engine != "rocksdb" {
            return Err(DataDirError::Engine {
                path: data.to_owned(),
                engine: engine.chars().take(32).collect(),
            });
        }
    }
    let Some(marker) = marker else {
        return Ok(Past::Unmarked);
    };
    let marked = marker.lines().find_map(|line| line.strip_prefix("server="));
    match (marked, server_id(data).map_err(unreadable)?) {
        (Some(marked), Some(found)) if marked != found => Err(DataDirError::Swapped { path: data.to_owned() }),
        _ => Ok(Past::Ours),
    }
}

/// Writes the marker: the first start is complete, root has a password that was verified.
pub(super) fn mark(data: &Path, version: &str, owner: Option<(u32, u32)>) -> Result<(), DataDirError> {
    let own = own_dir(data);
    let unwritable = |error| SecretError::Unwritable {
        path: own.clone(),
        error,
    };
    make_own_dir(data, owner).map_err(unwritable)?;
    let server = server_id(data).map_err(unwritable)?.unwrap_or_default();
    let product = env!("CARGO_PKG_VERSION");
    let text = format!("product={product}\narangod={version}\nserver={server}\n");
    Ok(secret::write_lasting(&own.join(MARKER), text.as_bytes(), owner)?)
}

/// Creates our own directory below the data, for its owner alone.
pub(super) fn make_own_dir(data: &Path, owner: Option<(u32, u32)>) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, chown};
    let own = own_dir(data);
    match std::fs::DirBuilder::new().mode(0o700).create(&own) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && own.is_dir() => return Ok(()),
        Err(error) => return Err(error),
    }
    match owner {
        Some((uid, gid)) => chown(&own, Some(uid), Some(gid)),
        None => Ok(()),
    }
}

/// The `SERVER` file's content on one line; what it means is arangod's.
fn server_id(data: &Path) -> io::Result<Option<String>> {
    let text = read_bounded(&data.join("SERVER"))?;
    Ok(text.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")))
}

fn read_bounded(path: &Path) -> io::Result<Option<String>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(
            String::from_utf8_lossy(&bytes[..bytes.len().min(MOST_BYTES)]).into_owned(),
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dir(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        dir
    }

    const SERVER: (&str, &str) = ("SERVER", "{\"serverId\":\"1\"}");
    const ENGINE: (&str, &str) = ("ENGINE", "rocksdb\n");

    #[test]
    fn files_tell_the_past() {
        let cases: &[(&[(&str, &str)], Past)] = &[
            (&[], Past::Fresh),
            (&[("lost+found/x", "")], Past::Fresh),
            (&[("LOCK", "12"), ("LANGUAGE", "{}")], Past::Fresh),
            (&[(".mallku/root-password", "x")], Past::Fresh),
            (&[SERVER, ENGINE], Past::Unmarked),
            (&[ENGINE], Past::Unmarked),
            (&[SERVER], Past::Unmarked),
            (&[("LOCK", "1"), ("engine-rocksdb/000004.log", "")], Past::Unmarked),
            (
                &[SERVER, ENGINE, (".mallku/initialised", "server={\"serverId\":\"1\"}\n")],
                Past::Ours,
            ),
        ];
        for (files, expected) in cases {
            let dir = dir(files);
            assert_eq!(past(dir.path()).unwrap(), *expected, "{files:?}");
        }
    }

    #[test]
    fn what_must_not_be_touched_is_refused() {
        let cases: &[(&[(&str, &str)], &str)] = &[
            (&[("photos/cat", "")], "holds other files (photos)"),
            (&[(".mallku/initialised", "server=x\n")], "now holds no database"),
            (
                &[SERVER, ENGINE, (".mallku/initialised", "server=other\n")],
                "belongs to another server",
            ),
            (&[SERVER, ("ENGINE", "mmfiles")], "storage engine `mmfiles`"),
        ];
        for (files, expected) in cases {
            let dir = dir(files);
            let message = past(dir.path()).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn a_marked_directory_is_ours_until_its_server_changes() {
        let dir = dir(&[SERVER, ENGINE]);
        mark(dir.path(), "3.12.4", None).unwrap();
        assert_eq!(past(dir.path()).unwrap(), Past::Ours);
        mark(dir.path(), "3.12.5", None).unwrap();
        assert_eq!(past(dir.path()).unwrap(), Past::Ours);
        std::fs::write(dir.path().join("SERVER"), "{\"serverId\":\"2\"}").unwrap();
        assert!(matches!(past(dir.path()), Err(DataDirError::Swapped { .. })));
    }
}
