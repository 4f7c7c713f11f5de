//! The environment, read once: every variable that the product knows, parsed, checked and typed.
//!
//! INVARIANT: a value of [`Config`] holds no contradiction. Every fault of an environment is reported at once, by the name
//! of its variable, and no fault ever repeats the value of a secret. An unknown `MALLKU_*` variable is a fault: a misspelt
//! `MALLKU_ENFORCE_SECURITY` must not become a silent default.

mod fault;
mod read;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use fault::{ConfigError, Fault};

/// Where the database's socket is, in [`Config::run_dir`].
pub const SOCKET_NAME: &str = "arangod.sock";

/// The environment of `run` and `gate`.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where root's password comes from at first start.
    pub root_password: RootPassword,
    /// `ARANGODB_ENCRYPTION_KEYFILE`: 32 bytes, for encryption at rest.
    pub encryption_keyfile: Option<PathBuf>,
    /// `MALLKU_SECURITY_LEVEL`.
    pub security: SecurityLevel,
    /// `MALLKU_ENFORCE_SECURITY`.
    pub enforcement: Enforcement,
    /// `DISABLE_DIRECT_ACCESS=false`: the database also listens on 127.0.0.1:8529. Only ever `true` in development.
    pub direct_access: bool,
    /// `MALLKU_ALLOW_ROOT`: whether root and superuser tokens pass the gate.
    pub allow_root: bool,
    /// `MALLKU_SCHEMAS` as given; [`Config::schema_dir`] has the default.
    pub schemas: Option<PathBuf>,
    /// `MALLKU_LISTEN`: addresses of the gate, at least one.
    pub listen: Vec<SocketAddr>,
    /// `MALLKU_UPSTREAM`: where the gate finds the database.
    pub upstream: Upstream,
    /// `MALLKU_TLS_CERT` and `MALLKU_TLS_KEY`, which come together.
    pub tls: Option<TlsFiles>,
    /// `MALLKU_WORKERS`; `None`: from the number of cores.
    pub workers: Option<NonZeroUsize>,
    /// `MALLKU_MAX_CONNECTIONS`; `None`: the gate's own default.
    pub max_connections: Option<NonZeroUsize>,
    /// `MALLKU_STOP_TIMEOUT`: from the request to stop to the end of the process.
    pub stop_timeout: Duration,
    /// `MALLKU_START_TIMEOUT`: how long a start may show no sign of progress.
    pub start_timeout: Duration,
    /// `MALLKU_PROBE_INTERVAL`: how often the running database is asked whether it lives; six silences in a row are a hang.
    pub probe_interval: Duration,
    /// `MALLKU_LOG`, else `RUST_LOG`: a filter as `env_logger` has it.
    pub log: String,
    /// `MALLKU_LOG_FORMAT`.
    pub log_format: LogFormat,
    /// `MALLKU_AUDIT`.
    pub audit: Audit,
    /// `MALLKU_AUDIT_VALUES`: whether the audit log has literals and bind values.
    pub audit_values: bool,
    /// `MALLKU_RECORD`: where query shapes are recorded for `learn`.
    pub record: Option<PathBuf>,
    /// `MALLKU_AUTO_UPGRADE`: whether data of an older version is upgraded at start.
    pub auto_upgrade: bool,
    /// `MALLKU_ARANGOD`: the database's executable.
    pub arangod: PathBuf,
    /// `MALLKU_ARANGOD_CONF`: its configuration file; `None`: the hardened one that the binary carries.
    pub arangod_conf: Option<PathBuf>,
    /// `MALLKU_DATA_DIR`: the database's directory.
    pub data_dir: PathBuf,
    /// `MALLKU_RUN_DIR`: socket, state file and what else must not outlive the container.
    pub run_dir: PathBuf,
    /// `MALLKU_SECRETS_DIR`: where a generated root password is kept; `None`: beside the data.
    pub secrets_dir: Option<PathBuf>,
    /// Variables that are allowed and yet deserve a word in the log, each a whole sentence.
    pub warnings: Vec<String>,
}

/// Where root's password comes from at first start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootPassword {
    /// `ARANGODB_ROOT_PASSWORD_FILE` or `ARANGO_ROOT_PASSWORD_FILE`.
    File(PathBuf),
    /// `ARANGO_ROOT_PASSWORD`.
    Given(Secret),
    /// `ARANGO_RANDOM_ROOT_PASSWORD=1`: generated, and kept in the secrets directory.
    Random,
    /// Nothing was said; a first start refuses that.
    Missing,
}

/// Text that no log shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

/// `MALLKU_SECURITY_LEVEL`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecurityLevel {
    /// Nothing may weaken the walls.
    Production,
    /// Detecting instead of protecting, and direct access from the loopback, may be asked for.
    Development,
}

/// `MALLKU_ENFORCE_SECURITY`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enforcement {
    /// What is denied does not pass.
    Protect,
    /// What would be denied is logged and passes.
    Detect,
}

/// Where the gate finds the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upstream {
    /// A Unix socket: the database in the same container.
    Unix(PathBuf),
    /// Servers elsewhere, at least one; each is equally good.
    Servers(Vec<Server>),
}

/// A server elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Whether it is spoken to over TLS.
    pub tls: bool,
    /// Host name, IPv4 address, or IPv6 address in brackets.
    pub host: String,
    /// Port; 8529 where none was given.
    pub port: u16,
}

impl fmt::Display for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(formatter, "{scheme}://{}:{}", self.host, self.port)
    }
}

/// The gate's certificate chain and key, PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// `MALLKU_TLS_CERT`.
    pub cert: PathBuf,
    /// `MALLKU_TLS_KEY`.
    pub key: PathBuf,
}

/// `MALLKU_LOG_FORMAT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// A line for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// `MALLKU_AUDIT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audit {
    /// On standard output; the log goes to standard error.
    Stdout,
    /// In a file.
    File(PathBuf),
    /// Nowhere.
    Off,
}

impl Config {
    /// Reads this process's environment.
    pub fn from_process() -> Result<Self, ConfigError> {
        Self::from_vars(std::env::vars_os())
    }

    /// Reads an environment; no I/O, nothing but these variables decides.
    pub fn from_vars(vars: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Self, ConfigError> {
        read::read(vars)
    }

    /// The schema set's directory.
    pub fn schema_dir(&self) -> &Path {
        self.schemas.as_deref().unwrap_or(Path::new("/opt/mallku/schemas"))
    }

    /// The database's Unix socket when the database is ours.
    pub fn socket(&self) -> PathBuf {
        self.run_dir.join(SOCKET_NAME)
    }

    /// The file in which PID 1 keeps its state for the gate and for people.
    pub fn state_file(&self) -> PathBuf {
        self.run_dir.join(crate::state::FILE_NAME)
    }

    /// What more must hold for `run`, where the database is ours.
    pub fn check_for_run(&self) -> Result<(), ConfigError> {
        match &self.upstream {
            Upstream::Unix(path) if *path == self.socket() => Ok(()),
            Upstream::Unix(path) => Err(ConfigError::one(
                "MALLKU_UPSTREAM",
                format!(
                    "{} is not the socket of the database that `run` starts, which is {}; unset it",
                    path.display(),
                    self.socket().display()
                ),
            )),
            Upstream::Servers(_) => Err(ConfigError::one(
                "MALLKU_UPSTREAM",
                "names servers elsewhere, and `run` starts a database of its own; use `mallku-db gate`, or unset it",
            )),
        }
    }
}
