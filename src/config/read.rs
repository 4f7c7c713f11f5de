//! Parsing of the environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use super::*;

/// Variables of the `MALLKU_` family; any other name with that prefix is a fault.
const KNOWN: &[&str] = &[
    "MALLKU_ALLOW_ROOT",
    "MALLKU_ARANGOD",
    "MALLKU_ARANGOD_CONF",
    "MALLKU_AUDIT",
    "MALLKU_AUDIT_VALUES",
    "MALLKU_AUTO_UPGRADE",
    "MALLKU_DATA_DIR",
    "MALLKU_ENFORCE_SECURITY",
    "MALLKU_LISTEN",
    "MALLKU_LOG",
    "MALLKU_LOG_FORMAT",
    "MALLKU_MAX_CONNECTIONS",
    "MALLKU_PROBE_INTERVAL",
    "MALLKU_RECORD",
    "MALLKU_RUN_DIR",
    "MALLKU_SCHEMAS",
    "MALLKU_SECRETS_DIR",
    "MALLKU_SECURITY_LEVEL",
    "MALLKU_START_TIMEOUT",
    "MALLKU_STOP_TIMEOUT",
    "MALLKU_TLS_CERT",
    "MALLKU_TLS_KEY",
    "MALLKU_UPSTREAM",
    "MALLKU_WORKERS",
];

/// Variables for the project's own tests, which the product neither reads nor refuses.
const TEST_PREFIX: &str = "MALLKU_TEST_";

/// Other variables that are read; of the same families, an unknown one earns a warning.
const KNOWN_ARANGO: &[&str] = &[
    "ARANGODB_ENCRYPTION_KEYFILE",
    "ARANGODB_OVERRIDE_DETECTED_NUMBER_OF_CORES",
    "ARANGODB_OVERRIDE_DETECTED_TOTAL_MEMORY",
    "ARANGODB_ROOT_PASSWORD_FILE",
    "ARANGO_RANDOM_ROOT_PASSWORD",
    "ARANGO_ROOT_PASSWORD",
    "ARANGO_ROOT_PASSWORD_FILE",
];

/// Variables that official images put into the environment themselves; they mean nothing here and deserve no word.
const PACKAGE_ARANGO: &[&str] = &[
    "ARANGO_VERSION",
    "ARANGO_URL",
    "ARANGO_PACKAGE",
    "ARANGO_PACKAGE_URL",
    "ARANGO_SIGNATURE_URL",
];

pub(super) fn read(vars: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Config, ConfigError> {
    let mut reader = Reader::new(vars);
    let security = reader.choice(
        "MALLKU_SECURITY_LEVEL",
        &[
            ("production", SecurityLevel::Production),
            ("development", SecurityLevel::Development),
        ],
        SecurityLevel::Production,
    );
    let enforce = reader.boolean("MALLKU_ENFORCE_SECURITY", true);
    let no_direct_access = reader.boolean("DISABLE_DIRECT_ACCESS", true);
    if security == SecurityLevel::Production {
        reader.only_in_development("MALLKU_ENFORCE_SECURITY", enforce, "lets denied queries pass");
        reader.only_in_development("DISABLE_DIRECT_ACCESS", no_direct_access, "opens a way around the gate");
    }
    let run_dir = reader
        .absolute("MALLKU_RUN_DIR")
        .unwrap_or_else(|| PathBuf::from("/run/mallku"));
    reader.socket_length("MALLKU_RUN_DIR", &run_dir.join(SOCKET_NAME));
    let data_dir = reader
        .absolute("MALLKU_DATA_DIR")
        .unwrap_or_else(|| PathBuf::from("/var/lib/arangodb3"));
    if run_dir == data_dir {
        reader.fault("MALLKU_RUN_DIR", "must differ from MALLKU_DATA_DIR");
    }
    let upstream = reader
        .upstream()
        .unwrap_or_else(|| Upstream::Unix(run_dir.join(SOCKET_NAME)));
    let config = Config {
        root_password: reader.root_password(),
        encryption_keyfile: reader.path("ARANGODB_ENCRYPTION_KEYFILE"),
        security,
        enforcement: if enforce {
            Enforcement::Protect
        } else {
            Enforcement::Detect
        },
        direct_access: !no_direct_access,
        allow_root: reader.boolean("MALLKU_ALLOW_ROOT", false),
        schemas: reader.path("MALLKU_SCHEMAS"),
        listen: reader.listen(),
        upstream,
        tls: reader.tls(),
        workers: reader.count("MALLKU_WORKERS", 4096),
        max_connections: reader.count("MALLKU_MAX_CONNECTIONS", 1_000_000),
        stop_timeout: reader.duration("MALLKU_STOP_TIMEOUT", Duration::from_secs(8)),
        start_timeout: reader.duration("MALLKU_START_TIMEOUT", Duration::from_mins(2)),
        probe_interval: reader.duration("MALLKU_PROBE_INTERVAL", Duration::from_secs(5)),
        log: reader
            .text("MALLKU_LOG")
            .or_else(|| reader.text("RUST_LOG"))
            .unwrap_or_else(|| "info".to_owned()),
        log_format: reader.choice(
            "MALLKU_LOG_FORMAT",
            &[("text", LogFormat::Text), ("json", LogFormat::Json)],
            LogFormat::Text,
        ),
        audit: match reader.text("MALLKU_AUDIT").as_deref() {
            None | Some("stdout") => Audit::Stdout,
            Some("off") => Audit::Off,
            Some(file) => Audit::File(PathBuf::from(file)),
        },
        audit_values: reader.boolean("MALLKU_AUDIT_VALUES", false),
        record: reader.path("MALLKU_RECORD"),
        auto_upgrade: reader.boolean("MALLKU_AUTO_UPGRADE", false),
        arangod: reader
            .absolute("MALLKU_ARANGOD")
            .unwrap_or_else(|| PathBuf::from("/usr/sbin/arangod")),
        arangod_conf: reader.absolute("MALLKU_ARANGOD_CONF"),
        data_dir,
        run_dir,
        secrets_dir: reader.absolute("MALLKU_SECRETS_DIR"),
        warnings: Vec::new(),
    };
    reader.refuse_unknown();
    if config.audit_values {
        reader.warnings.push(
            "MALLKU_AUDIT_VALUES puts queries and bind values into the audit log, those of hidden attributes included:              which value belongs to which attribute cannot be told in general, so nothing is left out"
                .to_owned(),
        );
    }
    reader.finish(config)
}

struct Reader {
    vars: BTreeMap<String, OsString>,
    faults: Vec<Fault>,
    warnings: Vec<String>,
}

impl Reader {
    fn new(vars: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        // An empty value is a variable that was not set: compose files write `${X:-}` for an optional one.
        let vars = vars
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value))
            .collect();
        Self {
            vars,
            faults: Vec::new(),
            warnings: Vec::new(),
        }
    }

    fn fault(&mut self, variable: &str, message: impl Into<String>) {
        self.faults.push(Fault {
            variable: variable.to_owned(),
            message: message.into(),
        });
    }

    fn has(&self, variable: &str) -> bool {
        self.vars.contains_key(variable)
    }

    fn text(&mut self, variable: &str) -> Option<String> {
        let value = self.vars.get(variable)?;
        let Some(text) = value.to_str() else {
            self.fault(variable, "is not valid UTF-8");
            return None;
        };
        Some(text.to_owned())
    }

    fn path(&mut self, variable: &str) -> Option<PathBuf> {
        self.vars.get(variable).map(PathBuf::from)
    }

    /// A path that children with other working directories must understand alike.
    fn absolute(&mut self, variable: &str) -> Option<PathBuf> {
        let path = self.path(variable)?;
        if !path.is_absolute() {
            self.fault(variable, format!("{} is not an absolute path", path.display()));
        }
        Some(path)
    }

    fn choice<T: Copy>(&mut self, variable: &str, choices: &[(&str, T)], default: T) -> T {
        let Some(text) = self.text(variable) else {
            return default;
        };
        if let Some((_, value)) = choices.iter().find(|(name, _)| name.eq_ignore_ascii_case(&text)) {
            return *value;
        }
        let names: Vec<_> = choices.iter().map(|(name, _)| format!("`{name}`")).collect();
        self.fault(variable, format!("`{text}` is not {}", names.join(" or ")));
        default
    }

    fn boolean(&mut self, variable: &str, default: bool) -> bool {
        let Some(text) = self.text(variable) else {
            return default;
        };
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => true,
            "false" | "0" | "no" | "off" => false,
            _ => {
                self.fault(variable, format!("`{text}` is neither `true` nor `false`"));
                default
            }
        }
    }

    fn only_in_development(&mut self, variable: &str, safe: bool, effect: &str) {
        if !safe {
            self.fault(
                variable,
                format!(
                    "`false` {effect} and is refused in production; set MALLKU_SECURITY_LEVEL=development, or drop it"
                ),
            );
        }
    }

    fn count(&mut self, variable: &str, most: usize) -> Option<NonZeroUsize> {
        let text = self.text(variable)?;
        match text.parse::<NonZeroUsize>() {
            Ok(number) if number.get() <= most => Some(number),
            _ => {
                self.fault(variable, format!("`{text}` is not a number from 1 to {most}"));
                None
            }
        }
    }

    fn duration(&mut self, variable: &str, default: Duration) -> Duration {
        let Some(text) = self.text(variable) else {
            return default;
        };
        let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
        let scale = match unit {
            "ms" => 1,
            "" | "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => 0,
        };
        // A day is more than any runtime waits; the bound keeps later sums of durations far from overflow.
        if let Some(millis @ 1..=86_400_000) = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(scale)) {
            Duration::from_millis(millis)
        } else {
            self.fault(
                variable,
                format!("`{text}` is not a time above 0 and up to a day, such as `8`, `8s`, `500ms` or `2m`"),
            );
            default
        }
    }

    /// `sockaddr_un` holds 108 bytes with the closing zero, and one of arangod's code paths formats the path into 100.
    fn socket_length(&mut self, variable: &str, path: &Path) {
        let length = path.as_os_str().len();
        if length > 99 {
            self.fault(
                variable,
                format!(
                    "the socket's path {} has {length} bytes; 99 is the most",
                    path.display()
                ),
            );
        }
    }

    fn listen(&mut self) -> Vec<SocketAddr> {
        let default = vec![SocketAddr::from(([0, 0, 0, 0], 7474))];
        let Some(text) = self.text("MALLKU_LISTEN") else {
            return default;
        };
        let mut addresses = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match part.parse::<SocketAddr>() {
                Ok(address) if !addresses.contains(&address) => addresses.push(address),
                Ok(_) => self.fault("MALLKU_LISTEN", format!("`{part}` is there twice")),
                Err(_) => self.fault(
                    "MALLKU_LISTEN",
                    format!("`{part}` is not an address with a port, such as `0.0.0.0:7474` or `[::]:7474`"),
                ),
            }
        }
        if addresses.is_empty() { default } else { addresses }
    }

    fn upstream(&mut self) -> Option<Upstream> {
        let text = self.text("MALLKU_UPSTREAM")?;
        if let Some(path) = text.strip_prefix("unix:") {
            // `unix:///path` is how arangod itself writes it.
            let path = PathBuf::from(path.strip_prefix("//").unwrap_or(path));
            if !path.is_absolute() {
                self.fault("MALLKU_UPSTREAM", format!("{} is not an absolute path", path.display()));
            }
            self.socket_length("MALLKU_UPSTREAM", &path);
            return Some(Upstream::Unix(path));
        }
        let mut servers = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match server(part) {
                Some(server) if !servers.contains(&server) => servers.push(server),
                Some(_) => self.fault("MALLKU_UPSTREAM", format!("`{part}` is there twice")),
                None => self.fault(
                    "MALLKU_UPSTREAM",
                    format!(
                        "`{}` is neither `unix:/path` nor `http(s)://host:port`{}",
                        without_credentials(part),
                        if part.contains('@') {
                            "; credentials belong to the clients, not here"
                        } else {
                            ""
                        }
                    ),
                ),
            }
        }
        Some(Upstream::Servers(servers))
    }

    fn tls(&mut self) -> Option<TlsFiles> {
        match (self.path("MALLKU_TLS_CERT"), self.path("MALLKU_TLS_KEY")) {
            (Some(cert), Some(key)) => Some(TlsFiles { cert, key }),
            (Some(_), None) => {
                self.fault("MALLKU_TLS_CERT", "is set without MALLKU_TLS_KEY; TLS needs both");
                None
            }
            (None, Some(_)) => {
                self.fault("MALLKU_TLS_KEY", "is set without MALLKU_TLS_CERT; TLS needs both");
                None
            }
            (None, None) => None,
        }
    }

    fn root_password(&mut self) -> RootPassword {
        let mut found: Vec<(&str, RootPassword)> = Vec::new();
        for variable in ["ARANGODB_ROOT_PASSWORD_FILE", "ARANGO_ROOT_PASSWORD_FILE"] {
            if let Some(path) = self.path(variable) {
                found.push((variable, RootPassword::File(path)));
            }
        }
        if let Some(text) = self.text("ARANGO_ROOT_PASSWORD") {
            self.warnings.push(
                "ARANGO_ROOT_PASSWORD puts the password into the container's configuration, where everybody who may inspect it \
                 reads it; ARANGODB_ROOT_PASSWORD_FILE names a secret file instead"
                    .to_owned(),
            );
            found.push(("ARANGO_ROOT_PASSWORD", RootPassword::Given(Secret::new(text))));
        }
        if self.boolean("ARANGO_RANDOM_ROOT_PASSWORD", false) {
            found.push(("ARANGO_RANDOM_ROOT_PASSWORD", RootPassword::Random));
        }
        let mut found = found.into_iter();
        let Some((first_name, first)) = found.next() else {
            return RootPassword::Missing;
        };
        for (name, other) in found {
            if other != first {
                self.fault(
                    name,
                    format!("contradicts {first_name}; root's password has one source"),
                );
            }
        }
        first
    }

    fn refuse_unknown(&mut self) {
        let names: Vec<String> = self.vars.keys().cloned().collect();
        for name in names {
            if name.starts_with("MALLKU_") && !name.starts_with(TEST_PREFIX) && !KNOWN.contains(&name.as_str()) {
                let hint = nearest(&name)
                    .map(|known| format!("; did you mean {known}?"))
                    .unwrap_or_default();
                self.fault(&name, format!("is not a variable of mallku-db{hint}"));
            } else if name == "ARANGO_NO_AUTH" {
                self.fault(
                    &name,
                    "a database without authentication is not offered; drop it and set a root password",
                );
            } else if name == "ARANGODB_DEFAULT_ROOT_PASSWORD" {
                self.fault(
                    &name,
                    "arangod would reset root's password to it at every start; use ARANGODB_ROOT_PASSWORD_FILE",
                );
            } else if (name.starts_with("ARANGO_") || name.starts_with("ARANGODB_"))
                && !KNOWN_ARANGO.contains(&name.as_str())
                && !PACKAGE_ARANGO.contains(&name.as_str())
            {
                self.warnings.push(format!(
                    "{name} has no effect here and is not passed on to the database"
                ));
            }
        }
    }

    fn finish(mut self, mut config: Config) -> Result<Config, ConfigError> {
        if self.has("RUST_LOG") && self.has("MALLKU_LOG") {
            self.warnings
                .push("MALLKU_LOG is stronger than RUST_LOG, which has no effect".to_owned());
        }
        if self.faults.is_empty() {
            config.warnings = self.warnings;
            return Ok(config);
        }
        self.faults.sort_by(|a, b| a.variable.cmp(&b.variable));
        Err(ConfigError { faults: self.faults })
    }
}

fn server(text: &str) -> Option<Server> {
    let (tls, rest) = match text.split_once("://")? {
        ("http" | "tcp" | "http+tcp", rest) => (false, rest),
        ("https" | "ssl" | "http+ssl", rest) => (true, rest),
        _ => return None,
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = match rest.rfind(':') {
        Some(colon) if !rest[colon..].contains(']') => (&rest[..colon], rest[colon + 1..].parse().ok()?),
        _ => (rest, 8529),
    };
    let is_ipv6 = host
        .strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'))
        .is_some_and(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok());
    let is_name = !host.is_empty()
        && host
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    (port != 0 && (is_ipv6 || is_name)).then(|| Server {
        tls,
        host: host.to_owned(),
        port,
    })
}

/// A fault must not repeat a password that somebody put into a URL.
fn without_credentials(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(start), Some(end)) if start + 3 <= end => format!("{}://…{}", &url[..start], &url[end..]),
        (None, Some(end)) => format!("…{}", &url[end..]),
        _ => url.to_owned(),
    }
}

fn nearest(name: &str) -> Option<&'static str> {
    KNOWN
        .iter()
        .map(|known| (strsim::damerau_levenshtein(name, known), *known))
        .filter(|(distance, _)| *distance <= 6)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}
