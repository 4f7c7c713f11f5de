//! Who may do what, read from the schema files themselves: the oracle must not share the code that it checks.

use std::collections::BTreeMap;

use evaldb::trace::Path;
use evaldb::value::ELEMENT;
use mallku_db::schema::Operation;
use serde_json::Value;

/// The rights of one user.
pub(crate) struct Rights {
    schemas: BTreeMap<String, Value>,
    staff: bool,
}

impl Rights {
    pub(crate) fn of(files: &[(String, String)], user: Option<&str>) -> Self {
        let schemas = files.iter().map(|(name, text)| {
            let schema = serde_json::from_str(text).unwrap();
            (name.trim_end_matches(".json").to_owned(), schema)
        });
        Self {
            schemas: schemas.collect(),
            staff: user == Some("ada"),
        }
    }

    /// Whether an operation on a collection, or reading a view or graph, is allowed.
    pub(crate) fn permits(&self, name: &str, operation: Operation) -> bool {
        let Some(allow) = self.schemas.get(name).map(|schema| &schema["x-mallku"]["allow"]) else {
            return false;
        };
        let holds = |list: &Value| {
            let operations = list.as_array().into_iter().flatten().filter_map(Value::as_str);
            operations.into_iter().any(|name| name == operation.name())
        };
        holds(allow) || holds(&allow["*"]) || (self.staff && holds(&allow["staff"]))
    }

    /// Whether every step of a path may be read or written. An attribute that a closed schema does not name is no
    /// secret: no document has it.
    pub(crate) fn admit(&self, collection: &str, path: &Path, write: bool) -> bool {
        let Some(schema) = self.schemas.get(collection) else {
            return false;
        };
        if path.first().is_some_and(|name| name.starts_with('_')) {
            return true;
        }
        let mut schemas = vec![schema];
        for step in path {
            let mut below = Vec::new();
            let mut closed = false;
            for schema in schemas {
                let branches = schema["anyOf"].as_array();
                for branch in branches.into_iter().flatten().chain([schema]) {
                    closed |= !children(branch, step, &mut below);
                }
            }
            if below.iter().any(|schema| !self.open(schema, write)) || (closed && below.is_empty() && write) {
                return false;
            }
            schemas = below;
        }
        true
    }

    /// Whether what a schema says of itself lets this user read or write.
    fn open(&self, schema: &Value, write: bool) -> bool {
        let (never, roles) = if write {
            ("readOnly", "writers")
        } else {
            ("writeOnly", "readers")
        };
        schema[never] != true && (self.staff || schema["x-mallku"][roles].is_null())
    }
}

/// Collects what a schema says of an attribute or of the elements; `false`: that there is no such attribute.
fn children<'s>(schema: &'s Value, step: &str, below: &mut Vec<&'s Value>) -> bool {
    if step == ELEMENT {
        below.extend(schema.get("items"));
        return true;
    }
    let before = below.len();
    below.extend(schema["properties"].get(step));
    for (pattern, schema) in schema["patternProperties"].as_object().into_iter().flatten() {
        let matches = match pattern.as_str() {
            "^x" => step.starts_with('x'),
            "1$" => step.ends_with('1'),
            other => panic!("a pattern that is not known here: {other}"),
        };
        below.extend(matches.then_some(schema));
    }
    match &schema["additionalProperties"] {
        _ if below.len() > before => true,
        Value::Bool(open) => *open,
        Value::Null => true,
        others => {
            below.push(others);
            true
        }
    }
}
