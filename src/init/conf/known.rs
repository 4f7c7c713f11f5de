//! The options of one arangod, as it lists them itself: `arangod --dump-options`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Judgement, is};

/// All options of one release and edition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownOptions(BTreeMap<String, Traits>);

/// What the list says of an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Traits {
    kind: String,
    obsolete: bool,
    deprecated: Option<String>,
}

impl KnownOptions {
    /// Reads what `arangod --dump-options` prints; `None` where that is no list of options.
    pub fn parse(text: &str) -> Option<Self> {
        let Value::Object(options) = serde_json::from_str(text).ok()? else {
            return None;
        };
        let traits = |option: &Value| Traits {
            kind: option
                .get("type")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            obsolete: option.get("obsolete").and_then(Value::as_bool).unwrap_or(false),
            deprecated: deprecated(option.get("deprecatedIn")),
        };
        let options: BTreeMap<_, _> = options
            .iter()
            .map(|(name, option)| (name.clone(), traits(option)))
            .collect();
        (!options.is_empty()).then_some(Self(options))
    }

    pub(super) fn get(&self, option: &str) -> Option<&Traits> {
        self.0.get(option)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// A release, or a list of one for each series.
fn deprecated(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(release) => Some(release.clone()),
        Value::Array(releases) => {
            let releases: Vec<_> = releases.iter().filter_map(Value::as_str).collect();
            (!releases.is_empty()).then(|| releases.join(" and "))
        }
        _ => None,
    }
}

impl Traits {
    pub(super) fn findings(&self, option: &str, value: &str) -> Vec<Judgement> {
        let mut found = Vec::new();
        let mut name = |message| {
            found.push(Judgement {
                refused: false,
                of_value: false,
                message,
            });
        };
        if self.obsolete {
            name(format!("`{option}` has no effect in this arangod; remove the line"));
        } else if let Some(release) = &self.deprecated {
            name(format!("`{option}` is deprecated since {release}"));
        }
        if let Some(fault) = self.fault(value).filter(|_| !self.obsolete) {
            found.push(Judgement {
                refused: true,
                of_value: true,
                message: format!("`{option} = {value}`: {fault}; arangod would end with exit code 4"),
            });
        }
        found
    }

    /// What is certainly wrong with a value; sizes may have units, and texts may be anything.
    fn fault(&self, value: &str) -> Option<&'static str> {
        let numeric = ["int", "uint", "double", "size"]
            .iter()
            .any(|kind| self.kind.starts_with(kind));
        let is_number = value
            .trim_start_matches(['-', '+'])
            .starts_with(|c: char| c.is_ascii_digit() || c == '.');
        // `@NAME@` becomes something else first, and a list has a value in each line.
        if value.contains('@') || self.kind.ends_with("...") {
            None
        } else if self.kind == "boolean" && !is(value, true) && !is(value, false) {
            Some("neither true nor false")
        } else if numeric && !is_number {
            Some("not a number")
        } else {
            None
        }
    }
}
