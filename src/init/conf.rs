//! A linter for arangod's configuration file: what would end arangod, and what would open a way around the gate, named before
//! arangod sees it.
//!
//! By itself it knows the options that hardening is about and those that people invent or carry over from old releases. All of
//! the 600 that a release has it learns from that release, which lists them (`arangod --dump-options`): then an unknown one is
//! refused as arangod would refuse it (exit code 3). Without the list it is a warning.

mod known;
mod options;

use std::collections::BTreeMap;
use std::fmt;

pub use known::KnownOptions;
use options::{GONE, KNOWN, RENAMED, RULES, Wanted};

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The line's number, from 1.
    pub line: usize,
    /// The column, from 1, in characters: of the value where that is wrong, of the name otherwise.
    pub column: usize,
    /// Whether `run` refuses the file for it; a warning otherwise.
    pub refused: bool,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = if self.refused { "error" } else { "warning" };
        write!(formatter, "{}:{}: {level}: {}", self.line, self.column, self.message)
    }
}

/// Checks a configuration file's text, by the options that one arangod knows where they are given.
pub fn check(text: &str, known: Option<&KnownOptions>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut section = String::new();
    for (index, whole) in text.lines().enumerate() {
        let number = index + 1;
        let line = whole.trim();
        let name_at = column(whole, whole.len() - whole.trim_start().len());
        let mut find = |column, refused, message: String| {
            findings.push(Finding {
                line: number,
                column,
                refused,
                message,
            });
        };
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(file) = line.strip_prefix("@include") {
            let message = format!("`@include{file}` brings in a file that is not checked; write its lines here");
            find(name_at, true, message);
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            // `[name:enterprise]` counts for that build only.
            name.split(':')
                .next()
                .unwrap_or_default()
                .trim()
                .clone_into(&mut section);
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            let message = format!("`{line}` is neither `[section]` nor `name = value`; arangod ends with exit code 4");
            find(name_at, true, message);
            continue;
        };
        // Where a value is missing, the place is where it would be.
        let value_at = column(whole, whole.trim_end().len() - value.trim_start().len());
        let (key, value) = (key.trim(), value.trim());
        let option = if key.contains('.') || section.is_empty() {
            key.to_owned()
        } else {
            format!("{section}.{key}")
        };
        if value.contains('@') && value.matches('@').count() >= 2 {
            find(
                value_at,
                false,
                format!(
                    "`{option}`: `@NAME@` is replaced by an environment variable, and arangod's environment is empty"
                ),
            );
        }
        for Judgement {
            refused,
            of_value,
            message,
        } in judge(&option, value, known)
        {
            find(if of_value { value_at } else { name_at }, refused, message);
        }
        let repeatable = option == "log.level" || option == "log.output";
        if let Some(earlier) = seen.insert(option.clone(), number).filter(|_| !repeatable) {
            let message = format!("`{option}` stands in line {earlier} already; the later one counts");
            find(name_at, false, message);
        }
    }
    findings
}

/// The column of a byte's place in a line.
fn column(line: &str, byte: usize) -> usize {
    line.get(..byte).unwrap_or(line).chars().count() + 1
}

/// What is to be said of an option and its value.
struct Judgement {
    refused: bool,
    /// Whether it is the value that is wrong, and not the name.
    of_value: bool,
    message: String,
}

fn judge(option: &str, value: &str, known: Option<&KnownOptions>) -> Vec<Judgement> {
    let name = |refused, message| Judgement {
        refused,
        of_value: false,
        message,
    };
    if let Some(found) = rule(option, value) {
        return vec![found];
    }
    if let Some((_, new)) = RENAMED.iter().find(|(old, _)| *old == option) {
        return vec![name(false, format!("`{option}` is an old name; write `{new}`"))];
    }
    if let Some(known) = known {
        let found = match known.get(option) {
            Some(traits) => traits.findings(option, value),
            None => vec![Judgement {
                refused: true,
                of_value: false,
                message: format!(
                    "`{option}` does not exist in this arangod; {}",
                    instead(option, known.names())
                ),
            }],
        };
        return found;
    }
    if let Some((_, instead)) = GONE.iter().find(|(name, _)| *name == option) {
        return vec![name(
            true,
            format!("`{option}` does not exist; {instead} (arangod would end with exit code 3)"),
        )];
    }
    if KNOWN.contains(&option) || RULES.iter().any(|(name, ..)| *name == option) {
        return Vec::new();
    }
    vec![match near(
        option,
        KNOWN.iter().copied().chain(RULES.iter().map(|(name, ..)| *name)),
    ) {
        Some(known) => name(true, format!("`{option}` does not exist; did you mean `{known}`?")),
        None => name(
            false,
            format!(
                "`{option}` is not known here; if arangod does not know it either, it ends with exit code 3 (`--options` takes what \
                 `arangod --dump-options` prints)"
            ),
        ),
    }]
}

/// What an option must not be, whatever arangod thinks of it.
fn rule(option: &str, value: &str) -> Option<Judgement> {
    let (name, wanted, reason) = RULES.iter().find(|(name, ..)| *name == option)?;
    let (refused, remedy) = match wanted {
        Wanted::Absent => (true, "remove the line"),
        Wanted::On => (!is(value, true), "write `true`, or remove the line"),
        Wanted::Off => (!is(value, false), "write `false`, or remove the line"),
    };
    refused.then(|| Judgement {
        refused,
        of_value: *wanted != Wanted::Absent,
        message: format!("`{name} = {value}`: {reason}; {remedy}"),
    })
}

/// What to write in place of an option that this arangod does not know.
fn instead<'k>(option: &str, names: impl Iterator<Item = &'k str>) -> String {
    if let Some((_, instead)) = GONE.iter().find(|(name, _)| *name == option) {
        return (*instead).to_owned();
    }
    match near(option, names) {
        Some(name) => format!("did you mean `{name}`?"),
        None => "arangod would end with exit code 3".to_owned(),
    }
}

fn near<'k>(option: &str, names: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    // Three letters make another word of a short name.
    let most = (option.len() / 8 + 1).min(3);
    names
        .map(|known| (strsim::damerau_levenshtein(option, known), known))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// A boolean as arangod reads it.
fn is(value: &str, wanted: bool) -> bool {
    let words: &[&str] = if wanted {
        &["true", "yes", "on", "1", "y"]
    } else {
        &["false", "no", "off", "0", "n"]
    };
    words.iter().any(|word| word.eq_ignore_ascii_case(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        check(text, None).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn our_own_file_has_nothing_to_find() {
        assert_eq!(shown(super::super::arangod::HARDENED_CONF), Vec::<String>::new());
    }

    #[test]
    fn invented_options_are_named_with_the_real_ones() {
        let found = shown(
            "[server]\ndisable-admin-interface = true\nauthentication = true\n[javascript]\nenable = false\n\
             [http]\nkeep-alive = true\nmaximal-body-size = 1\n[cluster]\nagency-size = 1\n\
             [network]\nmax-connections-per-endpoint = 3\n",
        );
        assert_eq!(found.len(), 6, "{found:#?}");
        assert!(
            found[1].starts_with("5:1: error: `javascript.enable` does not exist; it is `javascript.enabled`"),
            "{}",
            found[1]
        );
        assert!(
            found
                .iter()
                .all(|line| line.contains("error: ") && line.contains("does not exist"))
        );
    }

    #[test]
    fn what_opens_a_way_around_the_gate_is_refused() {
        for line in [
            "server.authentication = false",
            "server.authentication-system-only = true",
            "server.endpoint = tcp://0.0.0.0:8529",
            "database.auto-upgrade = true",
            "javascript.allow-admin-execute = yes",
            "database.password = hunter2",
            "server.uid = nobody",
            "@include other.conf",
            "nonsense",
        ] {
            assert!(check(line, None).iter().any(|finding| finding.refused), "{line}");
        }
    }

    #[test]
    fn what_is_fine_or_unknown_is_not_refused() {
        for (line, findings) in [
            ("server.authentication = true", 0),
            ("[query]\nmemory-limit = 1GB", 0),
            ("[rocksdb]\nsome-future-thing = 1", 1),
            ("[log]\nlevel = info\nlevel = requests=warning", 0),
            ("[query]\nmax-runtime = 1\nmax-runtime = 2", 1),
        ] {
            let found = check(line, None);
            assert_eq!(found.len(), findings, "{line}: {found:?}");
            assert!(found.iter().all(|finding| !finding.refused), "{line}: {found:?}");
        }
    }

    #[test]
    fn places_are_those_of_the_name_or_the_value() {
        assert_eq!(
            shown("[server]\n  authentication =  false\n  ä = 1\n"),
            [
                "2:21: error: `server.authentication = false`: every request would be a superuser's; write `true`, or remove the line",
                "3:3: warning: `server.ä` is not known here; if arangod does not know it either, it ends with exit code 3 \
                 (`--options` takes what `arangod --dump-options` prints)"
            ]
        );
    }

    #[test]
    fn with_arangods_own_list_nothing_is_left_open() {
        let known = KnownOptions::parse(
            r#"{"query.max-runtime":{"type":"double","obsolete":false,"deprecatedIn":null},
                "log.color":{"type":"boolean","obsolete":false,"deprecatedIn":["v3.12.0"]},
                "foxx.queues":{"type":"boolean","obsolete":true},
                "cache.size":{"type":"uint64"},
                "server.authentication":{"type":"boolean"}}"#,
        )
        .unwrap();
        let found: Vec<_> = check(
            "[query]\nmax-runtim = 1\nmax-runtime = fast\n[log]\ncolor = true\n[foxx]\nqueues = true\n[cache]\nsize = 64MiB\n\
             [ldap]\nenabled = true\n[server]\ntrusted-origin = *\nauthentication = off\n[x]\ny = 1\n[log]\ncolor = maybe\n",
            Some(&known),
        )
        .iter()
        .map(ToString::to_string)
        .collect();
        assert_eq!(
            found,
            [
                "2:1: error: `query.max-runtim` does not exist in this arangod; did you mean `query.max-runtime`?",
                "3:15: error: `query.max-runtime = fast`: not a number; arangod would end with exit code 4",
                "5:1: warning: `log.color` is deprecated since v3.12.0",
                "7:1: warning: `foxx.queues` has no effect in this arangod; remove the line",
                "11:1: error: `ldap.enabled` does not exist in this arangod; it went with 3.12",
                "13:1: warning: `server.trusted-origin` is an old name; write `http.trusted-origin`",
                "14:18: error: `server.authentication = off`: every request would be a superuser's; write `true`, or remove the line",
                "16:1: error: `x.y` does not exist in this arangod; arangod would end with exit code 3",
                "18:1: warning: `log.color` is deprecated since v3.12.0",
                "18:9: error: `log.color = maybe`: neither true nor false; arangod would end with exit code 4",
                "18:1: warning: `log.color` stands in line 5 already; the later one counts",
            ]
        );
        assert_eq!(KnownOptions::parse("no list"), None);
        assert_eq!(KnownOptions::parse("{}"), None);
    }

    #[test]
    fn a_misspelt_option_is_recognised() {
        let found = shown("[server]\nauthentification = true\n[query]\nmax-runtim = 1\n");
        assert_eq!(found.len(), 2);
        assert!(found[1].contains("did you mean `query.max-runtime`?"), "{found:?}");
    }
}
