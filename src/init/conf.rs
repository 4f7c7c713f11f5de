//! A linter for arangod's configuration file: what would end arangod, and what would open a way around the gate, named before
//! arangod sees it.
//!
//! It knows the options that hardening is about and those that people invent or carry over from old releases, not all of the
//! 600 there are: an option that it does not know is a warning, and arangod itself has the last word (exit code 3).

mod options;

use std::collections::BTreeMap;
use std::fmt;

use options::{GONE, KNOWN, RULES, Wanted};

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The line's number, from 1.
    pub line: usize,
    /// Whether `run` refuses the file for it; a warning otherwise.
    pub refused: bool,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = if self.refused { "error" } else { "warning" };
        write!(formatter, "{}: {level}: {}", self.line, self.message)
    }
}

/// Checks a configuration file's text.
pub fn check(text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut section = String::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let mut find = |refused, message: String| {
            findings.push(Finding {
                line: number,
                refused,
                message,
            });
        };
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(file) = line.strip_prefix("@include") {
            find(
                true,
                format!("`@include{file}` brings in a file that is not checked; write its lines here"),
            );
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
            find(
                true,
                format!("`{line}` is neither `[section]` nor `name = value`; arangod ends with exit code 4"),
            );
            continue;
        };
        let (key, value) = (key.trim(), value.trim());
        let option = if key.contains('.') || section.is_empty() {
            key.to_owned()
        } else {
            format!("{section}.{key}")
        };
        if value.contains('@') && value.matches('@').count() >= 2 {
            find(
                false,
                format!(
                    "`{option}`: `@NAME@` is replaced by an environment variable, and arangod's environment is empty"
                ),
            );
        }
        if let Some(message) = judge(&option, value) {
            find(message.0, message.1);
        }
        let repeatable = option == "log.level" || option == "log.output";
        if let Some(earlier) = seen.insert(option.clone(), number).filter(|_| !repeatable) {
            find(
                false,
                format!("`{option}` stands in line {earlier} already; the later one counts"),
            );
        }
    }
    findings
}

fn judge(option: &str, value: &str) -> Option<(bool, String)> {
    if let Some((_, instead)) = GONE.iter().find(|(name, _)| *name == option) {
        return Some((
            true,
            format!("`{option}` does not exist; {instead} (arangod would end with exit code 3)"),
        ));
    }
    if let Some((name, wanted, reason)) = RULES.iter().find(|(name, ..)| *name == option) {
        let refused = match wanted {
            Wanted::Absent => true,
            Wanted::On => !is(value, true),
            Wanted::Off => !is(value, false),
        };
        if refused {
            let remedy = match wanted {
                Wanted::Absent => "remove the line",
                Wanted::On => "write `true`, or remove the line",
                Wanted::Off => "write `false`, or remove the line",
            };
            return Some((true, format!("`{name} = {value}`: {reason}; {remedy}")));
        }
        return None;
    }
    if KNOWN.contains(&option) {
        return None;
    }
    let near = KNOWN
        .iter()
        .chain(RULES.iter().map(|(name, ..)| name))
        .map(|known| (strsim::damerau_levenshtein(option, known), known))
        .filter(|(distance, _)| *distance <= 3)
        .min_by_key(|(distance, _)| *distance);
    Some(match near {
        Some((_, known)) => (true, format!("`{option}` does not exist; did you mean `{known}`?")),
        None => (
            false,
            format!("`{option}` is not known here; if arangod does not know it either, it ends with exit code 3"),
        ),
    })
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
        check(text).iter().map(ToString::to_string).collect()
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
            found[1].starts_with("5: error: `javascript.enable` does not exist; it is `javascript.enabled`"),
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
            assert!(check(line).iter().any(|finding| finding.refused), "{line}");
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
            let found = check(line);
            assert_eq!(found.len(), findings, "{line}: {found:?}");
            assert!(found.iter().all(|finding| !finding.refused), "{line}: {found:?}");
        }
    }

    #[test]
    fn a_misspelt_option_is_recognised() {
        let found = shown("[server]\nauthentification = true\n[query]\nmax-runtim = 1\n");
        assert_eq!(found.len(), 2);
        assert!(found[1].contains("did you mean `query.max-runtime`?"), "{found:?}");
    }
}
