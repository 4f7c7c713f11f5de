//! Asking arangod for its version, once per binary: the answer is kept beside the data, because asking costs a start of the
//! large executable.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::config::Config;

use super::conf::KnownOptions;
use super::datadir::{self, Past};
use super::preflight::PreflightError;
use super::privileges::Identities;
use super::report::Report;
use super::secret;
use super::version::Version;

/// An answer takes arangod a tenth of a second; a binary that takes longer than this is not arangod.
const PATIENCE: Duration = Duration::from_secs(10);
/// The list of options of 3.12 has 400 KB.
const MOST_BYTES: u64 = 4 << 20;

/// arangod's version; `None`, with a word in the log, where it does not tell one.
pub(super) fn version(
    config: &Config,
    past: Past,
    who: Identities,
    report: &mut Report,
) -> Result<Option<Version>, PreflightError> {
    let stamp = stamp(&config.arangod);
    if past == Past::Ours {
        let cached = std::fs::read_to_string(cache(config)).unwrap_or_default();
        if let Some((_, text)) = cached
            .split_once('\n')
            .filter(|(first, _)| Some(*first) == stamp.as_deref())
        {
            return Ok(Version::parse(text));
        }
    }
    let text = match ask(&config.arangod, "--version", who) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied || error.raw_os_error() == Some(ENOEXEC) => {
            return Err(PreflightError::Exec {
                code: 126,
                message: format!("{} cannot be executed: {error}", config.arangod.display()),
            });
        }
        Err(error) => {
            report.warn(format!("arangod does not tell its version: {error}"));
            return Ok(None);
        }
    };
    let version = Version::parse(&text);
    match version {
        None => report.info("arangod does not tell its version; only options that every release knows are used"),
        Some(version) if !version.is_supported() => report.warn(format!(
            "arangod {} is not a release that was tested; 3.11.2 and later, 3.12 and 4.x are",
            version.number
        )),
        Some(_) => {}
    }
    if let Some(stamp) = stamp {
        // A first start has no directory of ours beside the data yet; when it is complete, the watch moves the answer there.
        let place = if past == Past::Ours {
            cache(config)
        } else {
            waiting(config)
        };
        // Where that fails, the next start asks again.
        let _ = secret::write_private(&place, format!("{stamp}\n{text}").as_bytes(), who.database_owner());
    }
    Ok(version)
}

/// Keeps a first start's answer for later starts, now that the data is marked as ours.
pub(super) fn keep(config: &Config) {
    if let Ok(answer) = std::fs::read(waiting(config)) {
        let _ = secret::write_private(&cache(config), &answer, None);
    }
}

/// Where the answer waits for the end of a first start.
fn waiting(config: &Config) -> PathBuf {
    config.run_dir.join("arangod-version")
}

const ENOEXEC: i32 = 8;

fn cache(config: &Config) -> PathBuf {
    datadir::own_dir(&config.data_dir).join("arangod-version")
}

/// What changes whenever the executable does.
fn stamp(program: &Path) -> Option<String> {
    let metadata = std::fs::metadata(program).ok()?;
    Some(format!(
        "{} {} {}.{:09}",
        metadata.ino(),
        metadata.len(),
        metadata.mtime(),
        metadata.mtime_nsec()
    ))
}

/// Every option that this arangod knows; `None`, with a word in the log, where it does not list them.
pub(super) fn options(config: &Config, who: Identities, report: &mut Report) -> Option<KnownOptions> {
    let known = ask(&config.arangod, "--dump-options", who).map(|text| KnownOptions::parse(&text));
    match known {
        Ok(Some(known)) => return Some(known),
        Ok(None) => report.info("arangod does not list its options; a configuration is checked by the best-known ones"),
        Err(error) => report.warn(format!("arangod does not list its options: {error}")),
    }
    None
}

fn ask(program: &Path, what: &str, who: Identities) -> io::Result<String> {
    let mut command = Command::new(program);
    command
        .arg(what)
        .env_clear()
        .env("HOME", "/")
        .env("GLIBCXX_FORCE_NEW", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    who.as_database(&mut command);
    let mut child = command.spawn()?;
    let answer = child
        .stdout
        .take()
        .map(|pipe| read_all(pipe, Instant::now() + PATIENCE));
    // Whatever it does now, it is not waited for: killed, and reaped here, before the supervisor's own reaping begins.
    let _ = child.kill();
    let _ = child.wait();
    answer.unwrap_or_else(|| Err(io::ErrorKind::BrokenPipe.into()))
}

fn read_all(pipe: std::process::ChildStdout, deadline: Instant) -> io::Result<String> {
    use std::io::Read;
    let mut bytes = Vec::new();
    let mut limited = pipe;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = rustix::event::Timespec::try_from(left).map_err(io::Error::other)?;
        let mut fds = [rustix::event::PollFd::new(&limited, rustix::event::PollFlags::IN)];
        if rustix::event::poll(&mut fds, Some(&timeout))? == 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let mut chunk = [0; 4096];
        let length = limited.read(&mut chunk)?;
        bytes.extend_from_slice(&chunk[..length]);
        if length == 0 || bytes.len() as u64 > MOST_BYTES {
            return Ok(String::from_utf8_lossy(&bytes).into_owned());
        }
    }
}
