//! Reading JSON objects whose keys are all known: the wrong type, the unknown key and the value out of range are faults.

use super::fault::Report;
use super::json::{Json, Node, Span};

/// A value and the place it came from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Placed<T> {
    pub(super) at: Span,
    pub(super) value: T,
}

impl Placed<String> {
    pub(super) fn as_str(&self) -> &str {
        &self.value
    }
}

impl Report<'_> {
    /// Checks that the node is an object with known keys only. `what` names it in messages, as in "`limits`".
    pub(super) fn object<'n>(&mut self, node: &'n Node, what: &str, known: &[&str]) -> Option<&'n Node> {
        if !self.is_object(node, what) {
            return None;
        }
        for member in node.members() {
            if !known.contains(&member.key.as_str()) {
                self.unknown(member.key_at, &format!("key in {what}:"), &member.key, known);
            }
        }
        Some(node)
    }

    pub(super) fn is_object(&mut self, node: &Node, what: &str) -> bool {
        let object = matches!(node.value, Json::Object(_));
        if !object {
            self.say(node.at, format!("{what} must be an object, not {}", node.kind()));
        }
        object
    }

    pub(super) fn string(&mut self, node: &Node, what: &str) -> Option<Placed<String>> {
        let Some(text) = node.text() else {
            self.say(node.at, format!("{what} must be a string, not {}", node.kind()));
            return None;
        };
        if text.is_empty() {
            self.say(node.at, format!("{what} is empty"));
            return None;
        }
        Some(Placed {
            at: node.at,
            value: text.to_owned(),
        })
    }

    pub(super) fn boolean(&mut self, node: &Node, what: &str) -> Option<bool> {
        if let Json::Bool(value) = node.value {
            return Some(value);
        }
        self.hint(
            node.at,
            format!("{what} must be a boolean, not {}", node.kind()),
            "write `true` or `false`",
        );
        None
    }

    /// A list of different strings.
    pub(super) fn strings(&mut self, node: &Node, what: &str) -> Vec<Placed<String>> {
        let Json::Array(elements) = &node.value else {
            let hint = node.text().map(|text| format!("write `[\"{text}\"]`"));
            let message = format!("{what} must be a list of strings, not {}", node.kind());
            self.faults.push(self.source.fault(node.at, message, hint));
            return Vec::new();
        };
        let mut strings = Vec::<Placed<String>>::new();
        for element in elements {
            let Some(string) = self.string(element, &format!("an element of {what}")) else {
                continue;
            };
            if strings.iter().any(|other| other.value == string.value) {
                self.say(element.at, format!("`{}` is twice in {what}", string.value));
            } else {
                strings.push(string);
            }
        }
        strings
    }

    /// A list that says something: strings, at least one.
    pub(super) fn some_strings(&mut self, node: &Node, what: &str) -> Vec<Placed<String>> {
        if matches!(&node.value, Json::Array(elements) if elements.is_empty()) {
            self.say(node.at, format!("{what} is empty"));
        }
        self.strings(node, what)
    }

    /// A string or a list of strings.
    pub(super) fn one_or_more(&mut self, node: &Node, what: &str) -> Vec<Placed<String>> {
        match node.value {
            Json::String(_) => self.string(node, what).into_iter().collect(),
            _ => self.some_strings(node, what),
        }
    }

    /// A whole number within a range.
    pub(super) fn count(&mut self, node: &Node, what: &str, min: u64, max: u64) -> Option<u64> {
        let number = match &node.value {
            Json::Number(number) => number.as_u64(),
            _ => None,
        };
        if let Some(number) = number.filter(|number| (min..=max).contains(number)) {
            return Some(number);
        }
        let found = self.found(node);
        self.say(
            node.at,
            format!("{what} must be a whole number from {min} to {max}, not {found}"),
        );
        None
    }

    /// A number above zero, up to a maximum.
    pub(super) fn positive(&mut self, node: &Node, what: &str, max: f64) -> Option<f64> {
        let number = match &node.value {
            Json::Number(number) => number.as_f64(),
            _ => None,
        };
        if let Some(number) = number.filter(|number| *number > 0.0 && *number <= max) {
            return Some(number);
        }
        let found = self.found(node);
        self.say(
            node.at,
            format!("{what} must be a number above 0, up to {max}, not {found}"),
        );
        None
    }

    fn found(&self, node: &Node) -> String {
        match node.value {
            Json::Number(_) => self
                .source
                .text
                .get(node.at.start..node.at.end)
                .unwrap_or_default()
                .to_owned(),
            _ => node.kind().to_owned(),
        }
    }

    /// The name of a collection, view or graph, as ArangoDB has them (without extended names): a letter, then letters,
    /// digits, `_` and `-`, at most 256 bytes. Names that begin with `_` are the system's.
    pub(super) fn resource_name(&mut self, name: &Placed<String>, what: &str) {
        let text = name.as_str();
        if text.starts_with('_') {
            let hint = "system collections are not reachable through the gate; choose a name that starts with a letter";
            self.hint(
                name.at,
                format!("the {what} name `{text}` starts with `_`, which is ArangoDB's own"),
                hint,
            );
        } else if !text.starts_with(|first: char| first.is_ascii_alphabetic()) {
            self.say(name.at, format!("the {what} name `{text}` must start with a letter"));
        } else if let Some(wrong) = text
            .chars()
            .find(|char| !char.is_ascii_alphanumeric() && !"_-".contains(*char))
        {
            let hint = "letters, digits, `_` and `-` are allowed";
            self.hint(name.at, format!("the {what} name `{text}` contains `{wrong}`"), hint);
        } else if text.len() > 256 {
            self.say(name.at, format!("the {what} name is longer than 256 bytes"));
        }
    }

    /// A database's name: `_system`, or a letter, then letters, digits, `_` and `-`, at most 64 bytes.
    pub(super) fn database_name(&mut self, name: &Placed<String>) {
        let text = name.as_str();
        let plain = text.starts_with(|first: char| first.is_ascii_alphabetic())
            && text
                .chars()
                .all(|char| char.is_ascii_alphanumeric() || "_-".contains(char))
            && text.len() <= 64;
        if !plain && text != "_system" {
            let hint = "a letter, then letters, digits, `_` and `-`, at most 64 bytes; or `_system`";
            self.hint(name.at, format!("`{text}` is no database name"), hint);
        }
    }
}
