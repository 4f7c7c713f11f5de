//! arangod as a child: its command line, its environment, and what its version allows.
//!
//! INVARIANT: no secret stands on the command line or in the environment, which `/proc` shows; only paths do. And nothing of
//! our own environment passes through unless it is named here.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::config::Config;

use super::limits::{DESCRIPTORS_WANTED, Limits};
use super::version::Version;

/// The hardened configuration that the binary carries.
pub(super) const HARDENED_CONF: &str = include_str!("../../arangodb.conf");

/// Variables that users may set for arangod, and that are passed on.
const PASSED_ON: [&str; 2] = [
    "ARANGODB_OVERRIDE_DETECTED_TOTAL_MEMORY",
    "ARANGODB_OVERRIDE_DETECTED_NUMBER_OF_CORES",
];

/// Files that a start needs, all below the run directory.
#[derive(Debug, Clone)]
pub(super) struct Files {
    pub(super) conf: PathBuf,
    pub(super) jwt: PathBuf,
    pub(super) temp: PathBuf,
    pub(super) socket: PathBuf,
    /// The encryption key, readable for the database's user.
    pub(super) encryption_key: Option<PathBuf>,
}

impl Files {
    pub(super) fn below(run_dir: &Path, config: &Config) -> Self {
        Self {
            conf: run_dir.join("arangod.conf"),
            jwt: run_dir.join("jwt"),
            temp: run_dir.join("temp"),
            socket: config.socket(),
            encryption_key: None,
        }
    }
}

/// Everything that a start of arangod is made of.
#[derive(Debug, Clone)]
pub(super) struct Launch {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<OsString>,
    pub(super) environment: Vec<(OsString, OsString)>,
}

impl Launch {
    pub(super) fn new(
        config: &Config,
        files: &Files,
        limits: Limits,
        descriptors: u64,
        version: Option<Version>,
    ) -> Self {
        Self {
            program: config.arangod.clone(),
            arguments: arguments(config, files, descriptors, version),
            environment: environment(&config.arangod, limits),
        }
    }
}

fn arguments(config: &Config, files: &Files, descriptors: u64, version: Option<Version>) -> Vec<OsString> {
    let mut line = CommandLine(Vec::new());
    // arangod would look into the working directory and $HOME without it.
    line.option("configuration", &files.conf);
    line.option("database.directory", &config.data_dir);
    let mut endpoint = OsString::from("unix://");
    endpoint.push(&files.socket);
    line.option("server.endpoint", endpoint);
    if config.direct_access {
        line.option("server.endpoint", "tcp://127.0.0.1:8529");
    }
    line.option("server.jwt-secret-keyfile", &files.jwt);
    // A user's own configuration file does not open these again.
    line.option("server.authentication", "true");
    line.option("server.authentication-unix-sockets", "true");
    line.option("server.authentication-system-only", "false");
    line.option("temp.path", &files.temp);
    line.option("log.output", "-");
    if descriptors < DESCRIPTORS_WANTED {
        line.option("server.descriptors-minimum", descriptors.to_string());
    }
    if let Some(key) = &files.encryption_key {
        line.option("rocksdb.encryption-keyfile", key);
    }
    for (name, value) in version.map(Version::extra_options).unwrap_or_default() {
        line.option(name, value);
    }
    line.0
}

struct CommandLine(Vec<OsString>);

impl CommandLine {
    fn option(&mut self, name: &str, value: impl Into<OsString>) {
        self.0.push(OsString::from(format!("--{name}")));
        self.0.push(value.into());
    }
}

fn environment(program: &Path, limits: Limits) -> Vec<(OsString, OsString)> {
    let mut variables: Vec<(OsString, OsString)> = Vec::new();
    let mut set = |name: &str, value: OsString| variables.push((name.into(), value));
    set("HOME", "/".into());
    set("PATH", "/nonexistent".into());
    set("GLIBCXX_FORCE_NEW", "1".into());
    // `/usr/sbin/arangod` has its files in `/usr/share/arangodb3`.
    let share = program
        .parent()
        .and_then(Path::parent)
        .map(|prefix| prefix.join("share/arangodb3"));
    if let Some(share) = share.filter(|share| share.is_dir()) {
        set("ICU_DATA", share.join("").into());
        set("ICU_DATA_LEGACY", share.join("").into());
        set("TZ_DATA", share.join("tzdata").into());
    }
    let given = PASSED_ON.map(|name| std::env::var_os(name).filter(|value| !value.is_empty()));
    let found = [limits.memory_for_database(), limits.cores];
    for ((name, given), found) in PASSED_ON.into_iter().zip(given).zip(found) {
        if let Some(value) = given.or_else(|| found.map(|number| number.to_string().into())) {
            set(name, value);
        }
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(vars: &[(&str, &str)]) -> Config {
        Config::from_vars(vars.iter().map(|(name, value)| (name.into(), value.into()))).unwrap()
    }

    fn line(vars: &[(&str, &str)], descriptors: u64) -> String {
        let config = config(vars);
        let files = Files::below(&config.run_dir, &config);
        let arguments = arguments(&config, &files, descriptors, None);
        arguments
            .iter()
            .map(|part| part.to_str().unwrap())
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn one_endpoint_and_it_is_the_socket() {
        assert_eq!(
            line(&[], 1 << 20),
            "--configuration /run/mallku/arangod.conf --database.directory /var/lib/arangodb3 --server.endpoint \
             unix:///run/mallku/arangod.sock --server.jwt-secret-keyfile /run/mallku/jwt --server.authentication true \
             --server.authentication-unix-sockets true --server.authentication-system-only false \
             --temp.path /run/mallku/temp --log.output -"
        );
    }

    #[test]
    fn the_loopback_opens_only_where_development_asks_for_it() {
        let open = line(
            &[
                ("MALLKU_SECURITY_LEVEL", "development"),
                ("DISABLE_DIRECT_ACCESS", "false"),
            ],
            1 << 20,
        );
        assert!(open.contains("--server.endpoint tcp://127.0.0.1:8529"));
        assert!(!line(&[("MALLKU_SECURITY_LEVEL", "development")], 1 << 20).contains("tcp"));
    }

    #[test]
    fn few_descriptors_are_told_to_arangod() {
        assert!(line(&[], 1024).ends_with("--server.descriptors-minimum 1024"));
    }

    #[test]
    fn limits_become_arangods_variables_and_nothing_else_does() {
        let limits = Limits {
            memory: Some(1000),
            cores: Some(2),
            tasks: None,
        };
        let variables = environment(Path::new("/nonexistent/sbin/arangod"), limits);
        let names: Vec<_> = variables
            .iter()
            .map(|(name, value)| format!("{}={}", name.display(), value.display()))
            .collect();
        assert_eq!(
            names,
            [
                "HOME=/",
                "PATH=/nonexistent",
                "GLIBCXX_FORCE_NEW=1",
                "ARANGODB_OVERRIDE_DETECTED_TOTAL_MEMORY=800",
                "ARANGODB_OVERRIDE_DETECTED_NUMBER_OF_CORES=2"
            ]
        );
    }
}
