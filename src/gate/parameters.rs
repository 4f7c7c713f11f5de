//! Query parameters: each route names the ones that it takes; they are read as values and written anew.

use std::collections::BTreeMap;

use super::percent;
use super::reply::Refusal;
use super::target::Target;
use crate::judge::Rule;

/// How a parameter is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// True or false, in arangod's spellings of true.
    Flag,
    /// A text that the route checks.
    Text,
    /// Means nothing here, and drivers send it.
    Dropped,
}

/// Parameters that let a client past a check, wherever they stand.
const REFUSED: &[&str] = &[
    "skipDocumentValidation",
    "isRestore",
    "isSynchronousReplication",
    "createCollection",
    "dropCollection",
    "dropCollections",
    "isSystem",
    "collection",
    "withData",
    "user",
    "serverId",
    "DBserver",
    "force",
    "forceCreate",
    "async",
    "global",
    "local",
];

/// The parameters of a request, typed.
#[derive(Debug, Default)]
pub struct Parameters {
    flags: BTreeMap<&'static str, bool>,
    texts: BTreeMap<&'static str, String>,
}

impl Parameters {
    /// Reads the parameters that a route takes.
    ///
    /// # Errors
    /// When there is another one, or a value that it cannot have.
    pub fn read(target: &Target, known: &[(&'static str, Kind)]) -> Result<Self, Refusal> {
        let mut parameters = Parameters::default();
        for (name, value) in &target.parameters {
            match known.iter().find(|(known, _)| known == name) {
                Some((name, Kind::Flag)) => {
                    // What a driver left undefined is as if it was not there.
                    if value != "undefined" {
                        parameters.flags.insert(name, flag(name, value)?);
                    }
                }
                Some((name, Kind::Text)) => {
                    parameters.texts.insert(name, value.clone());
                }
                Some((_, Kind::Dropped)) => {}
                None if REFUSED.contains(&name.as_str()) => {
                    let message = format!("query parameter {name:?} is not allowed");
                    return Err(Refusal::denied(Rule::OptionNotAllowed, message));
                }
                None => {
                    let message = format!("query parameter {name:?} is not known for this route");
                    return Err(Refusal::bad_parameter(message));
                }
            }
        }
        Ok(parameters)
    }

    /// A flag, where it was given.
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.flags.get(name).copied()
    }

    /// Whether a flag was given and is true.
    pub fn is(&self, name: &str) -> bool {
        self.flag(name) == Some(true)
    }

    /// A text, where it was given.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }
}

/// arangod takes `true`, `yes`, `on`, `y`, `1` and `✓` in any case as true and all else as false; here what is neither is
/// an error.
fn flag(name: &str, value: &str) -> Result<bool, Refusal> {
    match value.trim().to_lowercase().as_str() {
        "true" | "yes" | "on" | "y" | "1" | "✓" => Ok(true),
        "false" | "no" | "off" | "n" | "0" => Ok(false),
        _ => Err(Refusal::bad_parameter(format!(
            "query parameter {name:?} is neither true nor false"
        ))),
    }
}

/// A path and query string being written: every name encoded, every parameter as `name=value`.
#[derive(Debug)]
pub struct TargetWriter {
    text: String,
    parameters: bool,
}

impl TargetWriter {
    /// Begins with the database.
    pub fn new(database: &str) -> Self {
        let mut writer = TargetWriter {
            text: String::from("/_db"),
            parameters: false,
        };
        writer.push_name(database);
        writer
    }

    /// Begins without a database, for the routes that have none.
    pub fn server() -> Self {
        TargetWriter {
            text: String::new(),
            parameters: false,
        }
    }

    fn push_name(&mut self, name: &str) {
        self.text.push('/');
        percent::encode_into(name, &mut self.text);
    }

    /// Appends fixed words, such as `/_api/cursor`.
    #[must_use]
    pub fn words(mut self, words: &'static str) -> Self {
        self.text.push_str(words);
        self
    }

    /// Appends a segment with a name.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.push_name(name);
        self
    }

    /// Appends a parameter.
    #[must_use]
    pub fn parameter(mut self, name: &str, value: &str) -> Self {
        self.text.push(if self.parameters { '&' } else { '?' });
        self.parameters = true;
        percent::encode_into(name, &mut self.text);
        self.text.push('=');
        percent::encode_into(value, &mut self.text);
        self
    }

    /// Appends a flag, where it was given.
    #[must_use]
    pub fn flag(self, name: &str, value: Option<bool>) -> Self {
        match value {
            Some(value) => self.parameter(name, if value { "true" } else { "false" }),
            None => self,
        }
    }

    /// The whole.
    pub fn finish(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Parameters, u16> {
        let target = Target::parse(&format!("/_api/x?{query}")).map_err(|refusal| refusal.status)?;
        let known = [
            ("overwrite", Kind::Flag),
            ("overwriteMode", Kind::Text),
            ("details", Kind::Dropped),
        ];
        Parameters::read(&target, &known).map_err(|refusal| refusal.status)
    }

    #[test]
    fn every_spelling_of_true_is_true() {
        for value in ["true", "yes", "on", "y", "1", "%E2%9C%93", "%20TRUE", "Y", "+on+"] {
            assert!(read(&format!("overwrite={value}")).unwrap().is("overwrite"), "{value}");
        }
        for value in ["false", "0", "no", "undefined"] {
            assert!(!read(&format!("overwrite={value}")).unwrap().is("overwrite"), "{value}");
        }
        assert_eq!(read("overwrite=2").err(), Some(400));
        assert_eq!(read("overwrite=").err(), Some(400));
    }

    #[test]
    fn unknown_ones_are_refused() {
        assert_eq!(read("skipDocumentValidation=0").err(), Some(403));
        assert_eq!(read("isRestore=1").err(), Some(403));
        assert_eq!(read("collection=x").err(), Some(403));
        assert_eq!(read("overwrite%5B%5D=true").err(), Some(400));
        assert_eq!(read("over+write=1").err(), Some(400));
        assert!(read("details=whatever").is_ok());
    }

    #[test]
    fn what_is_written_has_one_reading() {
        let text = TargetWriter::new("my db")
            .words("/_api/document")
            .name("Stra\u{df}e \u{1f600}")
            .name("a%b+c/d")
            .flag("silent", Some(false))
            .flag("returnNew", None)
            .parameter("overwriteMode", "update&x")
            .finish();
        assert_eq!(
            text,
            "/_db/my%20db/_api/document/Stra%C3%9Fe%20%F0%9F%98%80/a%25b%2Bc%2Fd?silent=false&overwriteMode=update%26x"
        );
    }
}
