//! What is wrong with an environment: every fault, by the name of its variable.

use std::fmt;

/// One thing that is wrong with a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The variable's name.
    pub variable: String,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.variable, self.message)
    }
}

/// Everything that is wrong with an environment, at least one fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", list(.faults))]
pub struct ConfigError {
    /// The faults, in the order of the variables' names.
    pub faults: Vec<Fault>,
}

impl ConfigError {
    /// An error of a single fault.
    pub fn one(variable: &str, message: impl Into<String>) -> Self {
        Self {
            faults: vec![Fault {
                variable: variable.to_owned(),
                message: message.into(),
            }],
        }
    }
}

fn list(faults: &[Fault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
