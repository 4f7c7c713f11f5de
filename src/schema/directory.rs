//! Reading a schema set's directory: which files belong to it, which are left aside, and which are faults because they
//! look as if they said something and would be read by nobody.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use super::fault::{Fault, Place, Source, nearest, quoted};

/// A larger file is no schema; reading stops there.
const FILE_BYTES: u64 = 4 << 20;

/// The folders of a set.
const FOLDERS: [&str; 2] = ["queries", "tests"];

/// What editors, patches and package managers leave behind.
const LEFTOVERS: [&str; 6] = [".bak", ".orig", ".rej", ".swp", ".swo", ".tmp"];

/// Formats that a schema could have been written in.
const OTHER_FORMATS: [&str; 3] = ["yaml", "yml", "toml"];

/// The files of a set, and what is wrong with the directory.
#[derive(Default)]
pub(super) struct Files {
    pub(super) sources: Vec<Source>,
    pub(super) faults: Vec<Fault>,
}

/// A folder of a set and what belongs there.
struct Folder<'a> {
    path: &'a Path,
    /// What stands before a file's name: nothing, or `queries/`.
    prefix: &'static str,
    /// The ending of the files that are read, with its dot.
    ending: &'static str,
    /// What such a file holds, in words.
    holds: &'static str,
    folders: &'static [&'static str],
}

/// Reads `*.json` in the directory and `queries/*.aql`.
pub(super) fn read(dir: &Path) -> Files {
    let mut files = Files::default();
    files.folder(&Folder {
        path: dir,
        prefix: "",
        ending: ".json",
        holds: "a schema or the policy",
        folders: &FOLDERS,
    });
    if files.sources.is_empty() && files.faults.is_empty() {
        // A mount that went wrong looks like this; a gate that refuses everything would hide it.
        let hint = "put one `*.json` file for each collection there; docs/schema.md has the format";
        files.say(dir, "holds no schema", hint);
    }
    let queries = dir.join("queries");
    if queries.is_dir() {
        files.folder(&Folder {
            path: &queries,
            prefix: "queries/",
            ending: ".aql",
            holds: "an approved query",
            folders: &[],
        });
    }
    files
}

impl Files {
    fn folder(&mut self, folder: &Folder<'_>) {
        let entries = match fs::read_dir(folder.path) {
            Ok(entries) => entries,
            Err(error) => return self.unreadable(folder.path, &error),
        };
        for entry in entries {
            match entry {
                Ok(entry) => self.entry(folder, &entry.path()),
                Err(error) => self.unreadable(folder.path, &error),
            }
        }
    }

    fn entry(&mut self, folder: &Folder<'_>, path: &Path) {
        let name = path.file_name().unwrap_or_default();
        let Some(name) = name.to_str() else {
            return self.say(path, "has a name that is not UTF-8", "rename it");
        };
        if is_left_aside(name) {
            return;
        }
        // Links are followed: Kubernetes mounts a ConfigMap's files as links into a directory whose name begins with dots.
        let kind = match fs::metadata(path) {
            Ok(metadata) => metadata.file_type(),
            Err(error) => return self.unreadable(path, &error),
        };
        if kind.is_dir() {
            if !folder.folders.contains(&name) {
                self.stray_folder(folder, path, name);
            }
        } else if !name.ends_with(folder.ending) {
            if looks_meant(name) {
                let message = format!(
                    "is not read: {} is in a file whose name ends in `{}`",
                    folder.holds, folder.ending
                );
                self.say(path, &message, &what_was_meant(folder, name));
            }
        } else if kind.is_file() {
            self.file(folder.prefix, path, name);
        } else {
            // A pipe would keep its reader waiting, a device would never end.
            self.say(path, "is no file", "put a plain file there, or a link to one");
        }
    }

    fn file(&mut self, prefix: &str, path: &Path, name: &str) {
        let bytes = match read_file(path) {
            Ok(bytes) => bytes,
            Err(error) => return self.unreadable(path, &error),
        };
        match String::from_utf8(bytes) {
            Ok(text) => self.sources.push(Source {
                name: format!("{prefix}{name}"),
                shown: path.display().to_string(),
                text,
            }),
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                self.faults.push(Fault {
                    file: path.display().to_string(),
                    place: Some(place_of_byte(error.as_bytes(), valid)),
                    message: "this byte is not UTF-8".to_owned(),
                    hint: Some("save the file as UTF-8".to_owned()),
                });
            }
        }
    }

    fn stray_folder(&mut self, folder: &Folder<'_>, path: &Path, name: &str) {
        let hint = if name.ends_with(folder.ending) {
            "the name is a file's, and this is a folder".to_owned()
        } else if folder.folders.is_empty() {
            format!("move its files to `{}`", folder.prefix)
        } else {
            match nearest(name, FOLDERS) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!(
                    "schemas are in the directory itself, and its folders are {}; begin the name with a dot to keep it aside",
                    quoted(FOLDERS)
                ),
            }
        };
        self.say(path, "is a folder that nothing is read from", &hint);
    }

    fn say(&mut self, path: &Path, message: &str, hint: &str) {
        self.faults.push(Fault {
            file: path.display().to_string(),
            place: None,
            message: message.to_owned(),
            hint: Some(hint.to_owned()),
        });
    }

    fn unreadable(&mut self, path: &Path, error: &io::Error) {
        self.faults.push(Fault {
            file: path.display().to_string(),
            place: None,
            message: format!("cannot be read: {error}"),
            hint: None,
        });
    }
}

/// Hidden names, what editors leave behind, and the folder that every ext4 volume has.
fn is_left_aside(name: &str) -> bool {
    let hash = name.starts_with('#') && name.ends_with('#');
    name.starts_with('.')
        || name.ends_with('~')
        || hash
        || name == "lost+found"
        || LEFTOVERS.iter().any(|leftover| name.ends_with(leftover))
}

/// Whether a file that is not read was probably meant to be; a README is not.
fn looks_meant(name: &str) -> bool {
    let lower = name.to_lowercase();
    let stem = lower.split('.').next().unwrap_or_default();
    let written = [".json", ".aql"].iter().any(|part| lower.contains(part));
    let extension = Path::new(&lower).extension().unwrap_or_default();
    written || stem == "policy" || OTHER_FORMATS.iter().any(|format| extension == *format)
}

fn what_was_meant(folder: &Folder<'_>, name: &str) -> String {
    let stem = name.split('.').next().unwrap_or(name);
    let extension = Path::new(name).extension().unwrap_or_default();
    if folder.prefix.is_empty() && extension.eq_ignore_ascii_case("aql") {
        return format!("move it to `queries/{name}`");
    }
    if OTHER_FORMATS
        .iter()
        .any(|format| extension.eq_ignore_ascii_case(format))
    {
        format!("write it as JSON, in `{stem}{}`", folder.ending)
    } else {
        format!(
            "rename it to `{stem}{}`, or begin its name with a dot to keep it aside",
            folder.ending
        )
    }
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES {
        return Err(io::Error::other(format!("larger than {} MiB", FILE_BYTES >> 20)));
    }
    Ok(bytes)
}

/// The place of a byte in a text that is UTF-8 up to there.
fn place_of_byte(bytes: &[u8], at: usize) -> Place {
    let before = bytes.get(..at).unwrap_or_default();
    let start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |newline| newline + 1);
    let rest = bytes.get(start..).unwrap_or_default();
    let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Place {
        line: before.split(|byte| *byte == b'\n').count(),
        column: String::from_utf8_lossy(before.get(start..).unwrap_or_default())
            .chars()
            .count()
            + 1,
        length: 1,
        text: String::from_utf8_lossy(line).trim_end_matches('\r').to_owned(),
    }
}
