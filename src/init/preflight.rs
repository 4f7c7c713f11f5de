//! Everything that can be checked before the first child runs. Each fault is one sentence that says what to do.

use std::io;
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::config::{Config, RootPassword, Secret, Upstream};

use super::arangod::{Files, HARDENED_CONF, Launch};
use super::conf;
use super::datadir::{self, DataDirError, Past};
use super::limits::{self, DESCRIPTORS_WANTED, Limits};
use super::privileges::{self, Identities};
use super::report::Report;
use super::secret::{self, SecretError};
use super::version::Version;

/// Exit code for an invalid configuration, secret or directory.
pub(super) const INVALID: u8 = 3;
/// Tasks below which a cgroup is too small for arangod's 60 to 150 threads and its queries.
const TASKS_WANTED: u64 = 512;

/// Why nothing was started.
#[derive(Debug, thiserror::Error)]
pub(super) enum PreflightError {
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Data(#[from] DataDirError),
    #[error("{0}")]
    Refused(String),
    #[error("{message}")]
    Exec { code: u8, message: String },
}

impl PreflightError {
    /// The exit code that a user sees.
    pub(super) fn code(&self) -> u8 {
        match self {
            Self::Exec { code, .. } => *code,
            _ => INVALID,
        }
    }
}

/// What the supervisor needs to know to start.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) who: Identities,
    pub(super) launch: Launch,
    pub(super) files: Files,
    pub(super) past: Past,
    /// Root's password, if its secret could be read; needed where `past` is not [`Past::Ours`].
    pub(super) password: Option<Secret>,
}

/// Checks and prepares everything.
pub(super) fn prepare(config: &Config, report: &mut Report) -> Result<Prepared, PreflightError> {
    let who = Identities::here();
    if who != Identities::Same && !privileges::may_change_users() {
        return Err(refused(
            "started as root without the capabilities SETUID, SETGID and CHOWN, and so unable to give arangod a user of its own; \
             set `user: \"65532:0\"`, or grant them",
        ));
    }
    rustix::process::umask(who.umask());
    check_program(&config.arangod)?;
    check_processor()?;
    if config.upstream != Upstream::Unix(config.socket()) {
        // `Config::check_for_run` has it in better words; this is for callers that forgot it.
        return Err(refused(
            "the gate's upstream is not the socket of the database that is started here",
        ));
    }
    check_listen(config)?;
    prepare_run_dir(config, who)?;
    let past = prepare_data_dir(config, who, report)?;
    let mut files = Files::below(&config.run_dir, config);
    clear_socket(&files.socket)?;
    prepare_temp(&files.temp, who)?;
    let password = root_password(config, past, who, report)?;
    let version = super::detect::version(config, past, who, report)?;
    files.encryption_key = encryption_key(config, who, version, report)?;
    let secret = secret::random_hex().map_err(|error| refused(format!("no secret for tokens: {error}")))?;
    secret::write_private(&files.jwt, secret.as_bytes(), who.database_owner())?;
    write_conf(config, &files, who, report)?;
    if who != Identities::Same {
        privileges::drop_capabilities().map_err(|error| refused(format!("capabilities cannot be dropped: {error}")))?;
    }
    let limits = Limits::here();
    let descriptors = check_limits(limits, report);
    let launch = Launch::new(config, &files, limits, descriptors, version);
    Ok(Prepared {
        who,
        launch,
        files,
        past,
        password,
    })
}

fn refused(message: impl Into<String>) -> PreflightError {
    PreflightError::Refused(message.into())
}

fn exec_fault(code: u8, message: String) -> PreflightError {
    PreflightError::Exec { code, message }
}

/// 127 and 126 as a shell has them: no such file, not executable.
fn check_program(program: &Path) -> Result<(), PreflightError> {
    let shown = program.display();
    match std::fs::metadata(program) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(exec_fault(
            127,
            format!("{shown} is missing; build the image with arangod in it, or set MALLKU_ARANGOD"),
        )),
        Err(error) => Err(exec_fault(126, format!("{shown} cannot be examined: {error}"))),
        Ok(metadata) if !metadata.is_file() || metadata.permissions().mode() & 0o111 == 0 => Err(exec_fault(
            126,
            format!("{shown} is not an executable file; set MALLKU_ARANGOD to one"),
        )),
        Ok(_) => check_machine(program),
    }
}

/// An executable for another machine would end as "exec format error", or be taken for a shell script.
fn check_machine(program: &Path) -> Result<(), PreflightError> {
    /// `e_machine` of the ELF header for what this binary was built for.
    const MACHINE: Option<u16> = if cfg!(target_arch = "x86_64") {
        Some(62)
    } else if cfg!(target_arch = "aarch64") {
        Some(183)
    } else {
        None
    };
    let mut head = [0; 20];
    let length = std::fs::File::open(program).and_then(|mut file| io::Read::read(&mut file, &mut head));
    match length {
        Ok(length) if head.starts_with(b"\x7fELF") => {
            let found = u16::from_le_bytes([head[18], head[19]]);
            if length == head.len() && MACHINE.is_none_or(|machine| machine == found) {
                return Ok(());
            }
            Err(exec_fault(
                126,
                format!(
                    "{} was built for another machine or is damaged; use the image for {}",
                    program.display(),
                    std::env::consts::ARCH
                ),
            ))
        }
        // A script, or a file that may be executed and not read.
        _ => Ok(()),
    }
}

/// The vendor's x86-64 builds need SSE4.2 and AVX; without them arangod dies of SIGILL without a word.
///
/// The processor itself is asked: `/proc/cpuinfo` may be hidden, and takes milliseconds with many cores.
#[cfg(target_arch = "x86_64")]
fn check_processor() -> Result<(), PreflightError> {
    let features = [
        ("SSE4.2", std::is_x86_feature_detected!("sse4.2")),
        ("AVX", std::is_x86_feature_detected!("avx")),
    ];
    let missing: Vec<_> = features
        .into_iter()
        .filter_map(|(name, found)| (!found).then_some(name))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(refused(format!(
        "this processor, or the emulator in its place, lacks {}, which arangod needs; use another machine type",
        missing.join(" and ")
    )))
}

#[cfg(not(target_arch = "x86_64"))]
#[allow(clippy::unnecessary_wraps, reason = "on x86-64 it can fail")]
fn check_processor() -> Result<(), PreflightError> {
    Ok(())
}

/// A port that is taken is found before a database was started for nothing. The gate binds it for good.
fn check_listen(config: &Config) -> Result<(), PreflightError> {
    for address in &config.listen {
        TcpListener::bind(address).map_err(|error| {
            refused(format!(
                "the gate cannot listen on {address}: {error}; free the port, or set MALLKU_LISTEN"
            ))
        })?;
    }
    Ok(())
}

fn prepare_run_dir(config: &Config, who: Identities) -> Result<(), PreflightError> {
    let dir = &config.run_dir;
    let unusable = |error: io::Error| {
        refused(format!(
            "the run directory {} cannot be used by user {}: {error}; mount a tmpfs there (docker: `--tmpfs {0}:mode=1777`), or set \
             MALLKU_RUN_DIR",
            dir.display(),
            rustix::process::geteuid().as_raw()
        ))
    };
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(unusable)?;
    who.hand_over_run_dir(dir).map_err(unusable)?;
    probe_write(dir).map_err(unusable)
}

fn prepare_data_dir(config: &Config, who: Identities, report: &mut Report) -> Result<Past, PreflightError> {
    let dir = &config.data_dir;
    match std::fs::metadata(dir) {
        Ok(metadata) if !metadata.is_dir() => return Err(DataDirError::NoDirectory(dir.clone()).into()),
        Ok(_) => {}
        Err(_) => std::fs::DirBuilder::new()
            .mode(0o700)
            .create(dir)
            .map_err(|error| DataDirError::Missing {
                path: dir.clone(),
                error,
            })?,
    }
    // Before anything is handed over: a directory that is somebody else's is not ours to chown.
    let past = datadir::past(dir)?;
    let handed_over = who.hand_over_data(dir).map_err(|error| match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem => unwritable_data(dir, &error),
        _ => refused(format!(
            "the data directory {} cannot be handed over to arangod's user: {error}",
            dir.display()
        )),
    })?;
    if handed_over {
        report.info(format!("{} was given to arangod's user", dir.display()));
    }
    probe_write(dir).map_err(|error| unwritable_data(dir, &error))?;
    Ok(past)
}

fn unwritable_data(dir: &Path, error: &io::Error) -> PreflightError {
    let owner = std::fs::metadata(dir).map_or_else(
        |_| String::new(),
        |metadata| {
            format!(
                " (it belongs to {}:{}, mode {:03o})",
                metadata.uid(),
                metadata.gid(),
                metadata.mode() & 0o777
            )
        },
    );
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let remedy = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "the volume is full; enlarge it, or free space".to_owned()
        }
        io::ErrorKind::ReadOnlyFilesystem => "mount the volume for writing".to_owned(),
        _ => format!("run `chown -R {uid}:{gid}` on the volume, or set fsGroup in Kubernetes"),
    };
    refused(format!(
        "the data directory {} cannot be written by user {uid}:{gid}{owner}: {error}; {remedy}",
        dir.display()
    ))
}

/// Writes and removes a file: modes do not tell of read-only mounts, of full ones, nor of what a security module thinks.
/// It is not synced: that takes a disk milliseconds and finds no more of these.
fn probe_write(dir: &Path) -> io::Result<()> {
    let probe = dir.join(format!(".mallku-probe-{}", std::process::id()));
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&probe)
        .and_then(|mut file| io::Write::write_all(&mut file, b"probe"));
    let removed = std::fs::remove_file(&probe);
    written.and(removed)
}

/// Removes a socket that an earlier life left. Nothing else is ever removed, and no link is followed.
pub(super) fn clear_socket(socket: &Path) -> Result<(), PreflightError> {
    match std::fs::symlink_metadata(socket) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(refused(format!("{} cannot be examined: {error}", socket.display()))),
        Ok(metadata) if metadata.file_type().is_socket() => std::fs::remove_file(socket).map_err(|error| {
            refused(format!(
                "the old socket {} cannot be removed: {error}",
                socket.display()
            ))
        }),
        Ok(_) => Err(refused(format!(
            "{} is not a socket and is in the database's way; remove it, or set MALLKU_RUN_DIR",
            socket.display()
        ))),
    }
}

/// Our own directory for arangod's temporary files, emptied: crashes leave some behind.
fn prepare_temp(dir: &Path, who: Identities) -> Result<(), PreflightError> {
    let unusable = |error: io::Error| {
        refused(format!(
            "the temporary directory {} cannot be prepared: {error}",
            dir.display()
        ))
    };
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unusable(error)),
        _ => {}
    }
    std::fs::DirBuilder::new().mode(0o700).create(dir).map_err(unusable)?;
    if let Some((uid, gid)) = who.database_owner() {
        std::os::unix::fs::chown(dir, Some(uid), Some(gid)).map_err(unusable)?;
    }
    Ok(())
}

fn root_password(
    config: &Config,
    past: Past,
    who: Identities,
    report: &mut Report,
) -> Result<Option<Secret>, PreflightError> {
    match &config.root_password {
        RootPassword::File(path) => match secret::read_password(path) {
            Ok(password) => {
                for warning in password.warnings {
                    report.warn(warning);
                }
                // Said once in the data's life, for whoever wonders which password root has got.
                if password.line_break && past != Past::Ours {
                    report.info(format!(
                        "the line break at the end of {} does not belong to the password",
                        path.display()
                    ));
                }
                Ok(Some(password.secret))
            }
            // The database has its password already; the secret is not needed any more.
            Err(error) if past == Past::Ours => {
                report.warn(format!(
                    "{error}; the database has its password already, and the start goes on"
                ));
                Ok(None)
            }
            Err(error) => Err(error.into()),
        },
        RootPassword::Given(secret) => Ok(Some(secret.clone())),
        RootPassword::Random if past == Past::Ours => Ok(None),
        RootPassword::Random => random_password(config, who, report).map(Some),
        RootPassword::Missing if past == Past::Fresh => Err(refused(
            "a first start needs a password for root: set ARANGODB_ROOT_PASSWORD_FILE to a secret file, or \
             ARANGO_RANDOM_ROOT_PASSWORD=1 to have one generated",
        )),
        RootPassword::Missing => Ok(None),
    }
}

/// Generates root's password once; an interrupted first start finds it again.
fn random_password(config: &Config, who: Identities, report: &mut Report) -> Result<Secret, PreflightError> {
    let dir = config
        .secrets_dir
        .clone()
        .unwrap_or_else(|| datadir::own_dir(&config.data_dir));
    let path = dir.join("root-password");
    match secret::read_password(&path) {
        Ok(password) => return Ok(password.secret),
        Err(SecretError::Missing(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let unwritable = |error| SecretError::Unwritable {
        path: path.clone(),
        error,
    };
    if config.secrets_dir.is_none() {
        datadir::make_own_dir(&config.data_dir, who.database_owner()).map_err(unwritable)?;
    }
    let password = secret::random_hex().map_err(unwritable)?;
    secret::write_lasting(&path, password.as_bytes(), who.database_owner())?;
    report.info(format!("root's password was generated and is in {}", path.display()));
    Ok(Secret::new(password))
}

fn encryption_key(
    config: &Config,
    who: Identities,
    version: Option<Version>,
    report: &mut Report,
) -> Result<Option<PathBuf>, PreflightError> {
    let Some(path) = &config.encryption_keyfile else {
        return Ok(None);
    };
    for warning in secret::check_encryption_key(path)? {
        report.warn(warning);
    }
    if let Some(version) = version.filter(|version| !version.has_encryption()) {
        return Err(refused(format!(
            "ARANGODB_ENCRYPTION_KEYFILE is set, and arangod {} in its community edition cannot encrypt; use 3.12.5 or later, an \
             enterprise build, or an encrypted volume without this variable",
            version.number
        )));
    }
    let Some(owner) = who.database_owner() else {
        return Ok(Some(path.clone()));
    };
    // The key is root's, and arangod is not root: a copy in memory, for it alone.
    let copy = config.run_dir.join("encryption-key");
    let key = std::fs::read(path).map_err(|error| SecretError::Unreadable {
        path: path.clone(),
        uid: 0,
        error,
    })?;
    secret::write_private(&copy, &key, Some(owner))?;
    Ok(Some(copy))
}

/// Puts the configuration, ours or the user's, where arangod's user cannot have written a `.local` file beside it, which would
/// be stronger.
fn write_conf(config: &Config, files: &Files, who: Identities, report: &mut Report) -> Result<(), PreflightError> {
    let text = match &config.arangod_conf {
        None => HARDENED_CONF.to_owned(),
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| {
                refused(format!(
                    "MALLKU_ARANGOD_CONF: {} cannot be read: {error}",
                    path.display()
                ))
            })?;
            // Costs a start of the large executable, for those only who bring a file of their own.
            let known = super::detect::options(config, who, report);
            let findings = conf::check(&text, known.as_ref());
            for finding in &findings {
                let line = format!("{}:{finding}", path.display());
                if finding.refused {
                    report.error(line);
                } else {
                    report.warn(line);
                }
            }
            if findings.iter().any(|finding| finding.refused) {
                return Err(refused(format!(
                    "{} must not be used as it is; `mallku-db conf check` says why",
                    path.display()
                )));
            }
            text
        }
    };
    Ok(secret::write_private(
        &files.conf,
        text.as_bytes(),
        who.database_owner(),
    )?)
}

/// Warns of limits that are too small for arangod, and in a container of those that are missing.
fn check_limits(limits: Limits, report: &mut Report) -> u64 {
    let descriptors = limits::raise_descriptors();
    if descriptors < DESCRIPTORS_WANTED {
        report.warn(format!(
            "only {descriptors} files may be open, arangod wants {DESCRIPTORS_WANTED}; raise `ulimits.nofile` of the container"
        ));
    }
    if let Some(tasks) = limits.tasks.filter(|tasks| *tasks < TASKS_WANTED) {
        report.warn(format!(
            "only {tasks} tasks may run, arangod wants {TASKS_WANTED}; raise `pids_limit` of the container"
        ));
    }
    if let Some(memory) = limits.memory.filter(|bytes| *bytes < 1 << 30) {
        report.warn(format!(
            "the container has {} MiB of memory; arangod wants 1024",
            memory >> 20
        ));
    }
    if std::process::id() == 1 {
        for sentence in missing_limits(limits) {
            report.warn(sentence);
        }
    }
    descriptors
}

/// What nobody has limited may starve everything else on the host.
fn missing_limits(limits: Limits) -> Vec<&'static str> {
    let memory = "the container has no memory limit, so the database may take all that the host has; set `mem_limit`";
    let tasks = "the container has no limit of processes, so a fault may take all that the host has; set `pids_limit`";
    let found = [(limits.memory, memory), (limits.tasks, tasks)];
    found
        .into_iter()
        .filter(|(limit, _)| limit.is_none())
        .map(|(_, sentence)| sentence)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_socket_is_ever_removed_from_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("arangod.sock");
        clear_socket(&path).unwrap();
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        clear_socket(&path).unwrap();
        assert!(!path.exists());
        std::fs::write(&path, "precious").unwrap();
        assert!(clear_socket(&path).unwrap_err().to_string().contains("is not a socket"));
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(clear_socket(&path).is_err());
        std::fs::remove_dir(&path).unwrap();
        let elsewhere = dir.path().join("elsewhere");
        drop(std::os::unix::net::UnixListener::bind(&elsewhere).unwrap());
        std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
        assert!(clear_socket(&path).is_err());
        assert!(elsewhere.exists());
    }

    #[test]
    fn each_limit_that_is_missing_is_named() {
        let named = |memory, tasks| {
            let limits = Limits {
                memory,
                tasks,
                cores: None,
            };
            missing_limits(limits).join("\n")
        };
        assert_eq!(named(Some(1 << 30), Some(512)), "");
        assert!(named(None, Some(512)).contains("`mem_limit`"));
        assert!(named(Some(1 << 30), None).contains("`pids_limit`"));
    }

    #[test]
    fn a_program_is_missing_or_not_executable_as_in_a_shell() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("arangod");
        assert_eq!(check_program(&file).unwrap_err().code(), 127);
        std::fs::write(&file, "").unwrap();
        assert_eq!(check_program(&file).unwrap_err().code(), 126);
        assert_eq!(check_program(dir.path()).unwrap_err().code(), 126);
    }
}
