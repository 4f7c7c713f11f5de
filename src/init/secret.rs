//! Secrets in files: reading them strictly, generating them, and writing them so that only their owner reads them.
//!
//! INVARIANT: no error and no log line repeats a byte of a secret.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ring::rand::{SecureRandom, SystemRandom};

use crate::config::Secret;

/// Longest password, in bytes.
const MOST_BYTES: u64 = 1024;

/// Why a secret cannot be used; each says what to do.
#[derive(Debug, thiserror::Error)]
pub(super) enum SecretError {
    #[error("the secret file {} is missing; mount it there, or name the right path", .0.display())]
    Missing(PathBuf),
    #[error("the secret {} is a directory; a mount whose source file is missing makes one, so create the source file first", .0.display())]
    Directory(PathBuf),
    #[error("the secret file {path} cannot be read by user {uid}: {error}; give it to that user (mode 0400), or to its group (0440)", path = .path.display())]
    Unreadable { path: PathBuf, uid: u32, error: io::Error },
    #[error("the secret file {} is empty; write the password into it", .0.display())]
    Empty(PathBuf),
    #[error("the secret file {} has {bytes} bytes; a password has {MOST_BYTES} at most", .path.display())]
    TooLong { path: PathBuf, bytes: u64 },
    #[error("the secret file {} is no text: {what}; write the password as one line of UTF-8", .path.display())]
    NoText { path: PathBuf, what: &'static str },
    #[error("the secret file {} may be read by everybody (mode {mode:03o}); run `chmod 400` on it", .path.display())]
    WorldReadable { path: PathBuf, mode: u32 },
    #[error("the secret file {} may be changed by everybody (mode {mode:03o}); run `chmod 400` on it", .path.display())]
    WorldWritable { path: PathBuf, mode: u32 },
    #[error("the encryption key {} has {bytes} bytes; it must have exactly 32", .path.display())]
    KeyLength { path: PathBuf, bytes: u64 },
    #[error("{} cannot be written: {error}", .path.display())]
    Unwritable { path: PathBuf, error: io::Error },
}

/// A password, and what deserves a word about how it was stored.
#[derive(Debug)]
pub(super) struct Password {
    pub(super) secret: Secret,
    pub(super) warnings: Vec<String>,
    /// Whether a line break at its end was taken off, as nearly every file has one.
    pub(super) line_break: bool,
}

/// Reads a password file.
///
/// Exactly one line break at the end is taken off, because editors and `echo` put it there; all else is the password.
pub(super) fn read_password(path: &Path) -> Result<Password, SecretError> {
    let mut warnings = Vec::new();
    let bytes = read(path, MOST_BYTES + 2, &mut warnings)?;
    let stripped = bytes
        .strip_suffix(b"\r\n")
        .or_else(|| bytes.strip_suffix(b"\n"))
        .unwrap_or(&bytes);
    let line_break = stripped.len() < bytes.len();
    if stripped.is_empty() {
        return Err(SecretError::Empty(path.to_owned()));
    }
    let length = stripped.len() as u64;
    if length > MOST_BYTES {
        return Err(SecretError::TooLong {
            path: path.to_owned(),
            bytes: length,
        });
    }
    let no_text = |what| SecretError::NoText {
        path: path.to_owned(),
        what,
    };
    let text = std::str::from_utf8(stripped).map_err(|_| no_text("it is not valid UTF-8"))?;
    if text.starts_with('\u{feff}') {
        return Err(no_text("it begins with a byte order mark"));
    }
    if text.chars().any(char::is_control) {
        return Err(no_text("it holds control characters or several lines"));
    }
    if text.trim() != text {
        warnings.push(format!(
            "the password in {} begins or ends with blanks, which belong to it",
            path.display()
        ));
    }
    Ok(Password {
        secret: Secret::new(text.to_owned()),
        warnings,
        line_break,
    })
}

/// Checks an encryption key file, whose content this process does not need.
pub(super) fn check_encryption_key(path: &Path) -> Result<Vec<String>, SecretError> {
    let mut warnings = Vec::new();
    let bytes = read(path, 33, &mut warnings)?.len() as u64;
    if bytes == 32 {
        Ok(warnings)
    } else {
        let bytes = std::fs::metadata(path).map_or(bytes, |metadata| metadata.len());
        Err(SecretError::KeyLength {
            path: path.to_owned(),
            bytes,
        })
    }
}

fn read(path: &Path, most: u64, warnings: &mut Vec<String>) -> Result<Vec<u8>, SecretError> {
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => SecretError::Missing(path.to_owned()),
        _ => SecretError::Unreadable {
            path: path.to_owned(),
            uid: rustix::process::geteuid().as_raw(),
            error,
        },
    };
    // A link is followed: Kubernetes mounts secrets as links. Non-blocking, so that a pipe in its place is no hang.
    let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(nonblocking)
        .open(path)
        .map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(SecretError::Directory(path.to_owned()));
    }
    let mode = metadata.mode() & 0o777;
    if mode & 0o002 != 0 {
        return Err(SecretError::WorldWritable {
            path: path.to_owned(),
            mode,
        });
    }
    if mode & 0o004 != 0 {
        // The mode of a mounted secret is the orchestrator's (Kubernetes 0644, Swarm 0444), and a word is all that helps.
        // On the root file system it is the user's own.
        if is_on_root(&metadata) {
            return Err(SecretError::WorldReadable {
                path: path.to_owned(),
                mode,
            });
        }
        warnings.push(format!(
            "the secret file {} may be read by everybody (mode {mode:03o}); mount it with mode 0400 or 0440",
            path.display()
        ));
    }
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

fn is_on_root(metadata: &std::fs::Metadata) -> bool {
    std::fs::metadata("/").is_ok_and(|root| root.dev() == metadata.dev())
}

/// 32 random bytes as 64 hexadecimal digits: at arangod's limit of 64 bytes for an HMAC secret, and free of blanks and zeros,
/// which arangod would trim or stumble over.
pub(super) fn random_hex() -> io::Result<String> {
    let mut bytes = [0; 32];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| io::Error::other("the kernel gives no random numbers"))?;
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    Ok(bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect())
}

/// Writes a file of mode 0400 for `owner` in place of any older one, complete before it has its name.
///
/// For what the next start writes anew: a disk would need tens of milliseconds to make it last.
pub(super) fn write_private(path: &Path, content: &[u8], owner: Option<(u32, u32)>) -> Result<(), SecretError> {
    write_next(path, content, owner)
        .and_then(|_| std::fs::rename(next(path), path))
        .map_err(|error| unwritable(path, error))
}

/// The same for what must outlive a loss of power, from this moment on.
pub(super) fn write_lasting(path: &Path, content: &[u8], owner: Option<(u32, u32)>) -> Result<(), SecretError> {
    write_next(path, content, owner)
        .and_then(|file| file.sync_all())
        .and_then(|()| std::fs::rename(next(path), path))
        .and_then(|()| sync_parent(path))
        .map_err(|error| unwritable(path, error))
}

fn unwritable(path: &Path, error: io::Error) -> SecretError {
    SecretError::Unwritable {
        path: path.to_owned(),
        error,
    }
}

fn next(path: &Path) -> PathBuf {
    path.with_extension("next")
}

fn write_next(path: &Path, content: &[u8], owner: Option<(u32, u32)>) -> io::Result<File> {
    let next = next(path);
    match std::fs::remove_file(&next) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o400)
        .open(&next)?;
    file.write_all(content)?;
    if let Some((uid, gid)) = owner {
        std::os::unix::fs::fchown(&file, Some(uid), Some(gid))?;
    }
    Ok(file)
}

/// Makes a rename or a new file in a directory last.
fn sync_parent(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn secret(content: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).unwrap();
        (dir, path)
    }

    #[test]
    fn one_line_break_at_the_end_is_no_part_of_a_password() {
        let cases: &[(&[u8], &str, usize, bool)] = &[
            (b"hunter2", "hunter2", 0, false),
            (b"hunter2\n", "hunter2", 0, true),
            (b"hunter2\r\n", "hunter2", 0, true),
            (b" two words ", " two words ", 1, false),
            ("pässwörd".as_bytes(), "pässwörd", 0, false),
        ];
        for (content, expected, warnings, line_break) in cases {
            let (_dir, path) = secret(content);
            let password = read_password(&path).unwrap();
            assert_eq!(password.secret.reveal(), *expected);
            assert_eq!(password.warnings.len(), *warnings, "{:?}", password.warnings);
            assert_eq!(password.line_break, *line_break);
            assert!(password.warnings.iter().all(|warning| !warning.contains("hunter2")));
        }
    }

    #[test]
    fn what_is_no_password_is_refused_without_showing_it() {
        let cases: &[(&[u8], &str)] = &[
            (b"", "is empty"),
            (b"\n", "is empty"),
            (b"\r\n", "is empty"),
            (b"one\ntwo\n", "several lines"),
            (b"zero\0", "control characters"),
            (b"\xff\xfe", "not valid UTF-8"),
            (b"\xef\xbb\xbfhunter2", "byte order mark"),
            (&[b'x'; 1025], "1024 at most"),
            (&vec![b'x'; 100_000], "1024 at most"),
        ];
        for (content, expected) in cases {
            let (_dir, path) = secret(content);
            let message = read_password(&path).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
            assert!(message.contains(path.to_str().unwrap()));
            assert!(!message.contains("hunter2"));
        }
    }

    #[test]
    fn what_is_no_readable_file_says_what_to_do() {
        let (dir, path) = secret(b"hunter2");
        let missing = read_password(&dir.path().join("none")).unwrap_err().to_string();
        assert!(missing.contains("is missing; mount it there"), "{missing}");
        let directory = read_password(dir.path()).unwrap_err().to_string();
        assert!(directory.contains("is a directory"), "{directory}");
        for (mode, expected) in [
            (0o644, "may be read by everybody"),
            (0o602, "may be changed by everybody"),
        ] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            match read_password(&path) {
                Err(error) => assert!(error.to_string().contains(expected), "{error}"),
                // A test directory that is a mount of its own counts as an orchestrator's.
                Ok(password) => assert!(mode == 0o644 && password.warnings[0].contains(expected)),
            }
        }
    }

    #[test]
    fn a_link_is_followed_as_kubernetes_needs_it() {
        let (dir, path) = secret(b"hunter2");
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(read_password(&link).unwrap().secret.reveal(), "hunter2");
    }

    #[test]
    fn a_generated_secret_is_its_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("jwt");
        let (one, two) = (random_hex().unwrap(), random_hex().unwrap());
        assert_eq!(one.len(), 64);
        assert_ne!(one, two);
        for content in [&one, &two] {
            write_private(&path, content.as_bytes(), None).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), *content);
            assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o400);
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_encryption_key_has_32_bytes() {
        let (_dir, path) = secret(&[7; 32]);
        assert!(check_encryption_key(&path).unwrap().is_empty());
        for length in [0, 31, 33, 64] {
            let (_dir, path) = secret(&vec![7; length]);
            let message = check_encryption_key(&path).unwrap_err().to_string();
            assert!(message.contains(&format!("has {length} bytes")), "{message}");
        }
    }
}
