//! Compiled JSON Schemas, for documents, and compiled patterns, for attribute names.
//!
//! INVARIANT: nothing here reads a file or a network, and no regular expression runs for long, for documents come from
//! outside. One that gives up has not matched, so that the document is refused.

use std::sync::Arc;

use jsonschema::{Draft, PatternOptions};
use serde_json::Value;

/// A compiled JSON Schema of a collection's documents.
#[derive(Clone)]
pub struct Validator {
    schema: Arc<jsonschema::Validator>,
    /// System attributes that the schema does not speak of: they are no matter of the schema.
    aside: Vec<&'static str>,
}

/// What is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The attribute path, as names and array positions; empty for the document itself.
    pub path: Vec<String>,
    /// What is wrong there.
    pub message: String,
}

impl Validator {
    /// Compiles a schema; `aside` are the system attributes that it does not name at the top level.
    ///
    /// # Errors
    /// The message of the compiler, with the place in the schema as a JSON pointer.
    pub(super) fn compile(schema: &Value, draft: Draft, aside: Vec<&'static str>) -> Result<Self, (String, String)> {
        compile(schema, draft).map(|schema| Self {
            schema: Arc::new(schema),
            aside,
        })
    }

    /// Whether the document keeps the schema. `_key`, `_id`, `_rev`, `_from` and `_to` are left aside unless the
    /// schema names them: they are ArangoDB's, and part of every document.
    pub fn accepts(&self, document: &Value) -> bool {
        self.schema.is_valid(&self.without_system(document))
    }

    /// Everything that is wrong with the document; empty: it keeps the schema. Of a large document that does not, the
    /// first thing only: all of them would take many times its own memory. The document's own values are not repeated
    /// in the messages, for they may be secret.
    pub fn violations(&self, document: &Value) -> Vec<Violation> {
        let document = self.without_system(document);
        if self.schema.is_valid(&document) {
            return Vec::new();
        }
        if is_large(&document) {
            let first = self.schema.validate(&document).err();
            return first.into_iter().map(|error| violation(&error)).collect();
        }
        self.schema
            .iter_errors(&document)
            .map(|error| violation(&error))
            .collect()
    }

    fn without_system<'a>(&self, document: &'a Value) -> std::borrow::Cow<'a, Value> {
        let Value::Object(attributes) = document else {
            return std::borrow::Cow::Borrowed(document);
        };
        let dropped = |name: &str| self.aside.contains(&name);
        if !attributes.keys().any(|name| dropped(name)) {
            return std::borrow::Cow::Borrowed(document);
        }
        let kept = attributes.iter().filter(|(name, _)| !dropped(name));
        std::borrow::Cow::Owned(Value::Object(
            kept.map(|(name, value)| (name.clone(), value.clone())).collect(),
        ))
    }
}

/// Values of a document beyond which only the first violation is told.
const MANY_VALUES: usize = 10_000;

/// Whether [`Validator::violations`] tells the first thing only that is wrong with the document.
pub fn is_large(document: &Value) -> bool {
    count_values(document) > MANY_VALUES
}

/// The values that a value consists of, itself included.
pub fn count_values(value: &Value) -> usize {
    match value {
        Value::Array(elements) => 1 + elements.iter().map(count_values).sum::<usize>(),
        Value::Object(attributes) => 1 + attributes.values().map(count_values).sum::<usize>(),
        _ => 1,
    }
}

/// Bytes that a copy of a value takes beside its own place. An object has up to twice as many places as it fills, each
/// for a hash, a `String` and a `Value`; what is allocated is some bytes larger than what it is for.
pub fn copy_bytes(value: &Value) -> usize {
    const PLACE: usize = size_of::<u64>() + size_of::<String>() + size_of::<Value>();
    const ALLOCATION: usize = 32;
    match value {
        Value::Array(elements) => {
            let inner = elements.iter().map(|element| size_of::<Value>() + copy_bytes(element));
            ALLOCATION + inner.sum::<usize>()
        }
        Value::Object(members) => {
            let places = members.len().saturating_mul(2).max(3) * (PLACE + size_of::<usize>());
            let inner = members
                .iter()
                .map(|(name, value)| name.len() + ALLOCATION + copy_bytes(value));
            2 * ALLOCATION + places + inner.sum::<usize>()
        }
        Value::String(text) => ALLOCATION + text.len(),
        _ => 0,
    }
}

fn violation(error: &jsonschema::ValidationError<'_>) -> Violation {
    Violation {
        path: error.instance_path().into_iter().map(|part| part.to_string()).collect(),
        message: error.masked_with("the value").to_string(),
    }
}

impl std::fmt::Debug for Validator {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Validator")
    }
}

/// A regular expression of `patternProperties`.
#[derive(Clone)]
pub struct Pattern {
    source: String,
    /// `{"pattern": source}`: the same engine and dialect decide here as when a document is validated.
    schema: Arc<jsonschema::Validator>,
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn compile(source: &str, draft: Draft) -> Result<Self, String> {
        options(draft)
            // For names an engine that never gives up: whether a name is hidden must not hang on a limit.
            .with_pattern_options(PatternOptions::regex())
            .build(&serde_json::json!({ "pattern": source }))
            .map(|schema| Self {
                source: source.to_owned(),
                schema: Arc::new(schema),
            })
            .map_err(|error| error.to_string())
    }

    /// The pattern as written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether an attribute's name matches.
    pub fn matches(&self, name: &str) -> bool {
        self.schema.is_valid(&Value::String(name.to_owned()))
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl std::fmt::Debug for Pattern {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Pattern({})", self.source)
    }
}

/// Compiles a schema, or says where (a JSON pointer) and why it cannot be.
pub(super) fn compile(schema: &Value, draft: Draft) -> Result<jsonschema::Validator, (String, String)> {
    // The dialect is given: `$schema` may name our own meta-schema, for editors.
    let mut schema = std::borrow::Cow::Borrowed(schema);
    if schema.get("$schema").is_some()
        && let Some(object) = schema.to_mut().as_object_mut()
    {
        object.remove("$schema");
    }
    options(draft)
        // Pydantic writes look-ahead for a `Decimal`, so that patterns of values may backtrack, up to a limit.
        .with_pattern_options(PatternOptions::fancy_regex().backtrack_limit(BACKTRACKS))
        .build(&schema)
        .map_err(|error| (error.instance_path().to_string(), error.to_string()))
}

/// Steps of backtracking after which a pattern of a value gives up.
const BACKTRACKS: usize = 100_000;

fn options(draft: Draft) -> jsonschema::ValidationOptions<'static> {
    jsonschema::options()
        .with_draft(draft)
        // `format` is a note for readers in 2020-12 and an assertion by custom in draft-07; here it is always a note,
        // so that the same file means the same in both, and Python's naive datetimes are no violation of `date-time`.
        .should_validate_formats(false)
        .offline()
}
