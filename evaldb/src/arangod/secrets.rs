//! The secrets that sign and verify tokens: `--server.jwt-secret-keyfile`, `-folder`, or a random one for each start.

use super::StartError;
use super::options::Options;
use ring::rand::{SecureRandom, SystemRandom};
use std::ffi::OsStr;
use std::path::Path;
use std::sync::{PoisonError, RwLock};

/// arangod refuses a longer HMAC secret.
const MAX_SECRET_BYTES: usize = 64;

/// The first signs, all verify.
pub(crate) struct JwtSecrets {
    current: RwLock<Vec<Vec<u8>>>,
}

impl JwtSecrets {
    /// Reads what the options name.
    pub(crate) fn load(options: &Options) -> Result<JwtSecrets, StartError> {
        read(options).map(|secrets| JwtSecrets {
            current: RwLock::new(secrets),
        })
    }

    /// Reads the file or folder again (`POST /_admin/server/jwt`); a failure leaves the old secrets in force.
    pub(crate) fn reload(&self, options: &Options) -> Result<(), StartError> {
        if options.text("server.jwt-secret-keyfile").is_some() || options.text("server.jwt-secret-folder").is_some() {
            let fresh = read(options)?;
            *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
        Ok(())
    }

    /// Calls `look` with each secret, the signing one first, until it finds something.
    pub(crate) fn find<T>(&self, look: impl FnMut(&Vec<u8>) -> Option<T>) -> Option<T> {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .find_map(look)
    }

    /// The secret that signs.
    pub(crate) fn signing(&self) -> Vec<u8> {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .first()
            .cloned()
            .unwrap_or_default()
    }
}

fn read(options: &Options) -> Result<Vec<Vec<u8>>, StartError> {
    if let Some(file) = options.text("server.jwt-secret-keyfile") {
        return Ok(vec![read_file(Path::new(file))?]);
    }
    if let Some(folder) = options.text("server.jwt-secret-folder") {
        return read_folder(Path::new(folder));
    }
    match options.text("server.jwt-secret") {
        Some(secret) if secret.len() > MAX_SECRET_BYTES => Err(too_long("--server.jwt-secret")),
        Some(secret) if !secret.is_empty() => Ok(vec![secret.as_bytes().to_vec()]),
        _ => random().map(|secret| vec![secret]),
    }
}

/// An empty file is not an error: arangod then makes up a secret, and every token of somebody else fails.
fn read_file(path: &Path) -> Result<Vec<u8>, StartError> {
    let content = std::fs::read(path).map_err(|error| {
        StartError::new(
            1,
            "d3617",
            format!(
                "unable to read content of jwt-secret file '{}': {error}",
                path.display()
            ),
        )
    })?;
    let secret = content.trim_ascii().to_vec();
    if secret.len() > MAX_SECRET_BYTES {
        return Err(too_long(&path.display().to_string()));
    }
    if secret.is_empty() { random() } else { Ok(secret) }
}

fn read_folder(folder: &Path) -> Result<Vec<Vec<u8>>, StartError> {
    let unreadable = |error: std::io::Error| {
        StartError::new(
            1,
            "4922f",
            format!("empty or unreadable jwt-secret-folder '{}': {error}", folder.display()),
        )
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // Hidden files, `.tmp` files and links are skipped.
        let plain = entry.file_type().is_ok_and(|kind| kind.is_file());
        if plain && !name.starts_with('.') && entry.path().extension() != Some(OsStr::new("tmp")) {
            names.push(entry.path());
        }
    }
    names.sort();
    if names.is_empty() {
        return Err(unreadable(std::io::Error::from(std::io::ErrorKind::NotFound)));
    }
    names.iter().map(|path| read_file(path)).collect()
}

fn random() -> Result<Vec<u8>, StartError> {
    let mut bytes = vec![0; 32];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| StartError::new(1, "00000", "no randomness for a JWT secret"))?;
    Ok(bytes)
}

fn too_long(source: &str) -> StartError {
    StartError::new(
        1,
        "9abfc",
        format!("given JWT secret in '{source}' is too long, maximum length is {MAX_SECRET_BYTES}"),
    )
}
