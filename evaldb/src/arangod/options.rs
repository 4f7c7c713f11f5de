//! arangod's command line and configuration files, as far as somebody who starts a single server uses them.
//!
//! Invariant: every value in [`Options`] belongs to an option that this build knows and has the form that the option asks
//! for; what does not is a [`OptionsError`] with arangod's exit code. Authority: command line, then `<config>.local`, then
//! `<config>`; a list given in a stronger place replaces the weaker one as a whole.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

mod config_file;
mod table;
#[cfg(test)]
mod tests;

use table::{Kind, TABLE};

/// A release of ArangoDB, as in `3.12.4`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// First number.
    pub major: u16,
    /// Second number.
    pub minor: u16,
    /// Third number.
    pub patch: u16,
}

impl Version {
    /// The number in a database's `VERSION` file: patch releases do not change the files.
    pub fn files(self) -> u64 {
        u64::from(self.major) * 10_000 + u64::from(self.minor) * 100
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl FromStr for Version {
    type Err = OptionsError;

    fn from_str(text: &str) -> Result<Self, OptionsError> {
        let mut parts = text.split('.').map(str::parse::<u16>);
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor)), Some(Ok(patch)), None) => Ok(Version { major, minor, patch }),
            _ => Err(OptionsError::BadValue {
                name: "version".to_owned(),
                value: text.to_owned(),
            }),
        }
    }
}

/// Which build evaldb passes for.
#[derive(Clone, Copy, Debug)]
pub struct Build {
    /// The release whose options and version numbers are used.
    pub version: Version,
    /// Whether the enterprise edition's options exist.
    pub enterprise: bool,
}

impl Default for Build {
    fn default() -> Self {
        Build {
            version: Version {
                major: 3,
                minor: 12,
                patch: 4,
            },
            enterprise: false,
        }
    }
}

/// A command line or configuration file that arangod refuses.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OptionsError {
    /// The option's name is not known to this build.
    #[error("unknown option '{}{}'{}", dashes(.name), .name, suggestion(.near))]
    Unknown {
        /// As it was given, without dashes.
        name: String,
        /// Known names that look alike.
        near: Vec<String>,
    },
    /// The option exists and the value does not fit it.
    #[error("error setting value for option '--{name}': invalid value '{value}'")]
    BadValue {
        /// The option.
        name: String,
        /// What was given.
        value: String,
    },
    /// The option needs a value and stands at the end or before another option.
    #[error("no value specified for option '--{0}'")]
    NoValue(String),
    /// More than the data directory was given without an option's name.
    #[error("expected at most one database directory, got '{0}' and '{1}'")]
    TwoDirectories(String, String),
    /// A line of a configuration file is neither section, setting, comment nor include.
    #[error("error in file '{file}', line {line}: {message}")]
    BadLine {
        /// The file.
        file: String,
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// The configuration file cannot be read.
    #[error("cannot read config file '{0}'")]
    NoConfig(String),
    /// Two options exclude each other.
    #[error("{0}")]
    Conflict(String),
}

fn dashes(name: &str) -> &'static str {
    if name.len() == 1 { "-" } else { "--" }
}

fn suggestion(near: &[String]) -> String {
    near.iter().fold(String::new(), |mut text, name| {
        let _ = write!(
            text,
            "{} '--{name}'",
            if text.is_empty() {
                ". Did you mean one of these?"
            } else {
                ","
            }
        );
        text
    })
}

impl OptionsError {
    /// arangod's exit code for it (since 3.10).
    pub fn exit_code(&self) -> u8 {
        match self {
            OptionsError::Unknown { .. } | OptionsError::BadLine { .. } => 3,
            OptionsError::BadValue { .. }
            | OptionsError::NoValue(_)
            | OptionsError::TwoDirectories(..)
            | OptionsError::Conflict(_) => 4,
            OptionsError::NoConfig(_) => 6,
        }
    }
}

/// Checked options of one start.
#[derive(Debug, Default)]
pub struct Options {
    values: BTreeMap<&'static str, Vec<String>>,
}

impl Options {
    /// Reads the command line (without the program's name) and the configuration files that it names.
    ///
    /// # Errors
    /// The first thing that arangod would refuse.
    pub fn read(arguments: &[String], build: Build) -> Result<Options, OptionsError> {
        let mut given = Layer::new(build);
        given.command_line(arguments)?;
        let mut options = Options { values: given.values };
        // Without `--configuration` arangod looks for a file in several places. Here there is none unless it is named.
        let named = options
            .text("configuration")
            .or_else(|| options.text("config"))
            .map(str::to_owned);
        if let Some(file) = named.filter(|name| name != "none") {
            let main = PathBuf::from(&file);
            let local = PathBuf::from(format!("{file}.local"));
            for (path, required) in [(&local, false), (&main, true)] {
                if required || path.exists() {
                    options.fill_from(path, build)?;
                }
            }
        }
        options.check()?;
        Ok(options)
    }

    fn fill_from(&mut self, path: &Path, build: Build) -> Result<(), OptionsError> {
        let mut layer = Layer::new(build);
        config_file::read(path, build, &mut layer)?;
        for (name, values) in layer.values {
            self.values.entry(name).or_insert(values);
        }
        Ok(())
    }

    fn check(&self) -> Result<(), OptionsError> {
        if self.flag("database.auto-upgrade", false) && !self.flag("database.upgrade-check", true) {
            return Err(OptionsError::Conflict(
                "cannot specify both '--database.auto-upgrade true' and '--database.upgrade-check false'".to_owned(),
            ));
        }
        if self.text("server.jwt-secret-keyfile").is_some() && self.text("server.jwt-secret-folder").is_some() {
            return Err(OptionsError::Conflict(
                "please specify either '--server.jwt-secret-keyfile' or '--server.jwt-secret-folder', but not both"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    /// The last value given for an option.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values
            .get(name)
            .and_then(|values| values.last())
            .map(String::as_str)
    }

    /// Every value given for a list.
    pub fn list(&self, name: &str) -> &[String] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }

    /// A boolean option's value.
    pub fn flag(&self, name: &str, default: bool) -> bool {
        self.text(name).and_then(parse_bool).unwrap_or(default)
    }

    /// A number of seconds, or another number with a fraction.
    pub fn number(&self, name: &str, default: f64) -> f64 {
        self.text(name).and_then(|text| text.parse().ok()).unwrap_or(default)
    }

    /// Every option that was set, with its values, for the options interface.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &[String])> {
        self.values.iter().map(|(name, values)| (*name, values.as_slice()))
    }
}

/// The options that this build knows as `--dump-options` prints them: name to a few words about it.
pub fn dump(build: Build) -> serde_json::Value {
    TABLE
        .iter()
        .filter_map(|row| {
            let kind = row.kind_in(build.version, build.enterprise)?;
            let (section, _) = row.name.split_once('.').unwrap_or(("", row.name));
            let value = serde_json::json!({
                "section": section,
                "type": match kind {
                    Kind::Bool => "boolean",
                    Kind::Number => "uint64",
                    Kind::Double => "double",
                    Kind::List => "string...",
                    Kind::Text | Kind::Choice(_) | Kind::Obsolete => "string",
                },
                "obsolete": kind == Kind::Obsolete,
                "requiresValue": kind != Kind::Bool,
            });
            Some((row.name.to_owned(), value))
        })
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// One source of options, checked as it is filled.
struct Layer {
    build: Build,
    values: BTreeMap<&'static str, Vec<String>>,
}

impl Layer {
    fn new(build: Build) -> Self {
        Layer {
            build,
            values: BTreeMap::new(),
        }
    }

    fn known(&self, given: &str) -> Result<(&'static str, Kind), OptionsError> {
        let name = table::RENAMED
            .iter()
            .find(|(old, _)| *old == given)
            .map_or(given, |(_, new)| new);
        TABLE
            .iter()
            .find(|row| row.name == name)
            .and_then(|row| Some((row.name, row.kind_in(self.build.version, self.build.enterprise)?)))
            .ok_or_else(|| OptionsError::Unknown {
                name: given.to_owned(),
                near: self.alike(given),
            })
    }

    fn alike(&self, given: &str) -> Vec<String> {
        let last = given.rsplit('.').next().unwrap_or(given);
        TABLE
            .iter()
            .filter(|row| row.kind_in(self.build.version, self.build.enterprise).is_some())
            .filter(|row| {
                last.len() > 2
                    && row
                        .name
                        .split(['.', '-'])
                        .any(|part| part == last || row.name.ends_with(last))
            })
            .take(4)
            .map(|row| row.name.to_owned())
            .collect()
    }

    fn set(&mut self, name: &'static str, kind: Kind, value: &str) -> Result<(), OptionsError> {
        if !fits(kind, value) {
            return Err(OptionsError::BadValue {
                name: name.to_owned(),
                value: value.to_owned(),
            });
        }
        if kind == Kind::Obsolete {
            return Ok(());
        }
        let values = self.values.entry(name).or_default();
        if kind != Kind::List {
            values.clear();
        }
        values.push(value.to_owned());
        Ok(())
    }

    fn command_line(&mut self, arguments: &[String]) -> Result<(), OptionsError> {
        let mut rest = arguments.iter().peekable();
        while let Some(argument) = rest.next() {
            let Some(body) = option_body(argument) else {
                // A bare argument is the data directory.
                if let Some(earlier) = self.values.get("database.directory").and_then(|values| values.last()) {
                    return Err(OptionsError::TwoDirectories(earlier.clone(), argument.clone()));
                }
                self.set("database.directory", Kind::Text, argument)?;
                continue;
            };
            if let Some((name, value)) = body.split_once('=') {
                let (name, kind) = self.known(name)?;
                self.set(name, kind, value)?;
                continue;
            }
            let (name, kind) = self.known(body)?;
            let next_is_value = rest.peek().is_some_and(|next| match kind {
                Kind::Bool => parse_bool(next).is_some(),
                // A lone dash is a value: `--log.output -`.
                _ => !next.starts_with("--") && (option_body(next).is_none() || next.as_str() == "-"),
            });
            match kind {
                Kind::Bool | Kind::Obsolete if !next_is_value => self.set(name, kind, "true")?,
                _ => match rest.next_if(|_| next_is_value) {
                    Some(value) => self.set(name, kind, value)?,
                    None => return Err(OptionsError::NoValue(name.to_owned())),
                },
            }
        }
        Ok(())
    }
}

/// The name part of `--name`, `-c`, `-D`, `-h`; `None` for anything that is not an option.
fn option_body(argument: &str) -> Option<&str> {
    match argument {
        "-c" => Some("configuration"),
        "-D" => Some("define"),
        "-h" => Some("help"),
        _ => argument.strip_prefix("--").filter(|body| !body.is_empty()),
    }
}

fn parse_bool(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

fn fits(kind: Kind, value: &str) -> bool {
    match kind {
        Kind::Bool => parse_bool(value).is_some(),
        Kind::Number => is_size(value),
        Kind::Double => value.parse::<f64>().is_ok_and(f64::is_finite),
        Kind::Text | Kind::List | Kind::Obsolete => true,
        Kind::Choice(words) => words.contains(&value),
    }
}

fn is_size(value: &str) -> bool {
    let digits = value.len() - value.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let suffix = value[digits..].to_ascii_lowercase();
    const SUFFIXES: &[&str] = &[
        "", "%", "b", "k", "kb", "kib", "m", "mb", "mib", "g", "gb", "gib", "t", "tb", "tib",
    ];
    value[..digits].parse::<u64>().is_ok() && SUFFIXES.contains(&suffix.as_str())
}
