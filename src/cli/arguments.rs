//! What a command takes, and how a call is read by it.

use std::ffi::{OsStr, OsString};
use std::fmt;

use super::{Exit, Streams};

/// A command: all that parsing, help and documentation know of it.
pub struct Command {
    /// One or two words: `check`, `schema check`.
    pub name: &'static str,
    /// One line for the overview.
    pub summary: &'static str,
    /// Paragraphs for its own help.
    pub details: &'static str,
    /// Its flags, beside `--help`.
    pub flags: &'static [Flag],
    /// What else it takes.
    pub operands: Operands,
    /// Does it.
    pub run: fn(&Arguments, &mut Streams<'_>) -> Exit,
}

/// A flag of a command.
#[derive(Debug, Clone, Copy)]
pub struct Flag {
    /// `schemas` for `--schemas`; empty where there is the short form only.
    pub long: &'static str,
    /// `p` for `-p`.
    pub short: Option<char>,
    /// What its value is called; `None`: it takes none.
    pub value: Option<&'static str>,
    /// Whether it may be given more than once.
    pub repeats: bool,
    /// One line of help.
    pub help: &'static str,
}

impl Flag {
    /// A flag `--long VALUE`.
    pub const fn value(long: &'static str, value: &'static str, help: &'static str) -> Self {
        Self {
            long,
            short: None,
            value: Some(value),
            repeats: false,
            help,
        }
    }

    /// A flag `--long` without a value.
    pub const fn switch(long: &'static str, help: &'static str) -> Self {
        Self {
            long,
            short: None,
            value: None,
            repeats: false,
            help,
        }
    }

    fn name(&self) -> String {
        match (self.long, self.short) {
            ("", Some(short)) => short.to_string(),
            (long, _) => long.to_owned(),
        }
    }
}

/// What a command takes beside its flags.
#[derive(Debug, Clone, Copy)]
pub enum Operands {
    /// Nothing.
    None,
    /// At most one, with its name.
    One(&'static str),
    /// Any number, with their name.
    Many(&'static str),
    /// A command line of its own: the first operand ends the flags.
    CommandLine(&'static str),
}

/// The arguments of a call, known to fit the command.
#[derive(Debug, Default)]
pub struct Arguments {
    flags: Vec<(String, OsString)>,
    /// The operands in order.
    pub operands: Vec<OsString>,
}

impl Arguments {
    /// Whether a flag is given, by its long name (or its short one where it has no other).
    pub fn has(&self, flag: &str) -> bool {
        self.count(flag) > 0
    }

    /// How many times a flag is given.
    pub fn count(&self, flag: &str) -> usize {
        self.values(flag).count()
    }

    /// The value of a flag.
    pub fn value(&self, flag: &str) -> Option<&OsStr> {
        self.flags
            .iter()
            .find(|(name, _)| name == flag)
            .map(|(_, value)| value.as_os_str())
    }

    /// The values of a flag that may be given more than once.
    pub fn values(&self, flag: &str) -> impl Iterator<Item = &OsStr> {
        self.flags
            .iter()
            .filter(move |(name, _)| name == flag)
            .map(|(_, value)| value.as_os_str())
    }

    /// The value of a flag as text.
    ///
    /// # Errors
    /// A value that is no UTF-8.
    pub fn text(&self, flag: &str) -> Result<Option<&str>, UsageError> {
        match self.value(flag).map(|value| (value, value.to_str())) {
            None => Ok(None),
            Some((_, Some(text))) => Ok(Some(text)),
            Some((value, None)) => Err(UsageError::new(format!("`{}` is no UTF-8", value.display()))),
        }
    }

    /// The value of a flag, which is one of these words; the first of them without the flag.
    ///
    /// # Errors
    /// Any other word.
    pub fn choice(&self, flag: &str, known: &[&'static str]) -> Result<&'static str, UsageError> {
        let Some(word) = self.text(flag)? else {
            return Ok(known.first().copied().unwrap_or_default());
        };
        known
            .iter()
            .copied()
            .find(|choice| *choice == word)
            .ok_or_else(|| UsageError::new(format!("`--{flag} {word}`: known are {}", known.join(", "))))
    }
}

/// A call that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct UsageError {
    message: String,
}

impl UsageError {
    /// With what is wrong.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

/// What a call asks for.
pub(super) enum Call {
    Run(&'static Command, Arguments),
    Help(Option<&'static Command>),
    Version,
}

/// Reads a call by the table.
pub(super) fn parse(words: Vec<OsString>, commands: &'static [&'static Command]) -> Result<Call, UsageError> {
    let mut words = words.into_iter();
    let Some(first) = words.next() else {
        return Err(UsageError::new("no command\n\nTry `mallku-db --help`."));
    };
    let first = first.to_string_lossy().into_owned();
    match first.as_str() {
        "--help" | "-h" => return Ok(Call::Help(None)),
        "--version" | "-V" => return Ok(Call::Version),
        "help" => {
            return help(
                &words
                    .map(|word| word.to_string_lossy().into_owned())
                    .collect::<Vec<_>>(),
                commands,
            );
        }
        _ => {}
    }
    let rest: Vec<OsString> = words.collect();
    let second = rest.first().and_then(|word| word.to_str());
    if let Some(command) = second.and_then(|second| find(&format!("{first} {second}"), commands)) {
        return arguments(command, rest.into_iter().skip(1).collect());
    }
    if let Some(command) = find(&first, commands) {
        return arguments(command, rest);
    }
    let group: Vec<&str> = commands
        .iter()
        .map(|command| command.name)
        .filter(|name| name.starts_with(&format!("{first} ")))
        .collect();
    if !group.is_empty() {
        return match second {
            None | Some("--help" | "-h") => Err(UsageError::new(format!("one of: {}", group.join(", ")))),
            Some(second) => Err(unknown(&format!("{first} {second}"), commands)),
        };
    }
    Err(unknown(&first, commands))
}

fn help(words: &[String], commands: &'static [&'static Command]) -> Result<Call, UsageError> {
    let name = words.join(" ");
    if name.is_empty() {
        return Ok(Call::Help(None));
    }
    find(&name, commands)
        .map(|command| Call::Help(Some(command)))
        .ok_or_else(|| unknown(&name, commands))
}

fn find(name: &str, commands: &'static [&'static Command]) -> Option<&'static Command> {
    commands.iter().copied().find(|command| command.name == name)
}

fn unknown(name: &str, commands: &[&Command]) -> UsageError {
    let names = commands.iter().map(|command| command.name);
    let what = if name.starts_with('-') {
        "unknown flag"
    } else {
        "unknown command"
    };
    match nearest(name, names) {
        Some(near) => UsageError::new(format!("{what} `{name}`: did you mean `{near}`?")),
        None => UsageError::new(format!("{what} `{name}`\n\nTry `mallku-db --help`.")),
    }
}

fn nearest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    known
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= 2)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn arguments(command: &'static Command, words: Vec<OsString>) -> Result<Call, UsageError> {
    use lexopt::Arg;
    let mut found = Arguments::default();
    let mut parser = lexopt::Parser::from_args(words);
    let wrong = |error: lexopt::Error| UsageError::new(format!("{error}"));
    loop {
        let flag = match parser.next().map_err(wrong)? {
            None => break,
            Some(Arg::Short('h') | Arg::Long("help")) => return Ok(Call::Help(Some(command))),
            Some(Arg::Value(operand)) => {
                found.operands.push(operand);
                if matches!(command.operands, Operands::CommandLine(_)) {
                    found.operands.extend(parser.raw_args().map_err(wrong)?);
                    break;
                }
                continue;
            }
            Some(Arg::Short(short)) => {
                let known = command.flags.iter().find(|flag| flag.short == Some(short));
                known.ok_or_else(|| no_flag(command, &format!("-{short}")))?
            }
            Some(Arg::Long(long)) => {
                let known = command.flags.iter().find(|flag| flag.long == long);
                known.ok_or_else(|| no_flag(command, &format!("--{long}")))?
            }
        };
        let value = if flag.value.is_some() {
            parser.value().map_err(wrong)?
        } else {
            OsString::new()
        };
        if found.has(&flag.name()) && !flag.repeats {
            return Err(UsageError::new(format!("`--{}` is given twice", flag.name())));
        }
        found.flags.push((flag.name(), value));
    }
    let most = match command.operands {
        Operands::None => 0,
        Operands::One(_) => 1,
        Operands::Many(_) | Operands::CommandLine(_) => usize::MAX,
    };
    if let Some(extra) = found.operands.get(most) {
        return Err(UsageError::new(format!(
            "`{}` is one argument too many\n\n{}",
            extra.display(),
            try_help(command)
        )));
    }
    Ok(Call::Run(command, found))
}

fn no_flag(command: &Command, given: &str) -> UsageError {
    let known: Vec<String> = command
        .flags
        .iter()
        .filter(|flag| !flag.long.is_empty())
        .map(|flag| format!("--{}", flag.long))
        .chain(["--help".to_owned()])
        .collect();
    match nearest(given, known.iter().map(String::as_str)) {
        Some(near) if given.len() > 2 => UsageError::new(format!(
            "`{}` has no flag `{given}`: did you mean `{near}`?",
            command.name
        )),
        _ => UsageError::new(format!(
            "`{}` has no flag `{given}`\n\n{}",
            command.name,
            try_help(command)
        )),
    }
}

fn try_help(command: &Command) -> String {
    format!("Try `mallku-db {} --help`.", command.name)
}
