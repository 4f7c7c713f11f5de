//! Bulk import: read completely, judged like an insert, and sent on in one form.
//!
//! arangod reads line-wise bodies with a parser that checks neither duplicate attributes nor UTF-8; what goes on is one JSON
//! array written here.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::documents::is_key;
use super::passage::{failure, read_object, respond};
use super::{Context, Firewall};
use crate::gate::body;
use crate::gate::budget::Share;
use crate::gate::json::{self, JsonLimits};
use crate::gate::message::Response;
use crate::gate::parameters::{Kind, Parameters, TargetWriter};
use crate::gate::reply::{Refusal, number};
use crate::gate::target::Target;
use crate::gate::upstream::Method;
use crate::judge::Rule;
use crate::judge::documents::{DocumentOperation, Merge, Overwrite, Place, judge_documents};

/// Longest prefix of an edge's ends: a collection's name and the slash behind it.
const MAX_PREFIX: usize = 257;

const IMPORT: &[(&str, Kind)] = &[
    ("type", Kind::Text),
    ("onDuplicate", Kind::Text),
    ("complete", Kind::Flag),
    ("details", Kind::Flag),
    ("overwrite", Kind::Flag),
    ("waitForSync", Kind::Flag),
    ("fromPrefix", Kind::Text),
    ("toPrefix", Kind::Text),
    ("overwriteCollectionPrefix", Kind::Flag),
];

impl Firewall {
    pub(super) fn import(&self, context: &mut Context<'_>) -> Result<Response, Refusal> {
        // The collection is named by a parameter here; the others are read without it.
        let mut target: Target = context.target.clone();
        let collection = target
            .parameter("collection")
            .map(str::to_owned)
            .ok_or_else(|| Refusal::bad_parameter("\"collection\" is missing"))?;
        target.parameters.retain(|(name, _)| name != "collection");
        let parameters = Parameters::read(&target, IMPORT)?;
        if parameters.is("overwrite") {
            let message = "import with \"overwrite\" would empty the collection first";
            return Err(Refusal::denied(Rule::OptionNotAllowed, message));
        }
        let overwrite = match parameters.text("onDuplicate") {
            None | Some("error") => Overwrite::Conflict,
            Some("ignore") => Overwrite::Ignore,
            Some("replace") => Overwrite::Replace,
            Some("update") => Overwrite::Update(Merge::default()),
            Some(_) => {
                return Err(Refusal::bad_parameter(
                    "\"onDuplicate\" is one of error, ignore, replace, update",
                ));
            }
        };
        let is_edge = context.may_be_edges(&collection);
        let documents = documents(context, &parameters)?;
        for name in ["fromPrefix", "toPrefix"] {
            let prefix = parameters.text(name).unwrap_or_default();
            if prefix.len() > MAX_PREFIX {
                let message = format!("{name:?} is longer than the name of a collection can be");
                return Err(Refusal::bad_parameter(message));
            }
            body::take(
                &context.share,
                documents.len().saturating_mul(prefix.len()).saturating_mul(2),
            )?;
        }
        let documents: Vec<Value> = documents
            .into_iter()
            .map(|document| complete(document, &parameters, is_edge))
            .collect::<Result<_, _>>()?;
        let place = Place {
            user: context.credentials.user.as_deref(),
            database: &context.target.database,
            collection: &collection,
        };
        let operation = DocumentOperation::Insert {
            documents: &documents,
            overwrite,
        };
        context.take_copy(&documents)?;
        let verdict = judge_documents(context.policy.set(), place, operation, false);
        let denials = verdict.denials.clone();
        context.trail.verdict = Some(std::sync::Arc::new(verdict));
        context.admit(&denials, None)?;
        let readable = context.all_readable([collection.as_str()]);
        let mut writer = TargetWriter::new(context.database())
            .words("/_api/import")
            .parameter("collection", &collection)
            .parameter("type", "array")
            .flag("complete", parameters.flag("complete"))
            // Details quote documents and the attributes of unique indexes.
            .flag("details", parameters.flag("details").map(|details| details && readable))
            .flag("waitForSync", parameters.flag("waitForSync"));
        if let Some(action) = parameters.text("onDuplicate") {
            writer = writer.parameter("onDuplicate", action);
        }
        let mut outgoing = Self::outgoing(context, Method::Post, writer.finish());
        outgoing.body = Some(Value::Array(documents).to_string().into_bytes());
        let answer = self.send(context, outgoing)?;
        if answer.status >= 400 {
            return failure(answer, readable);
        }
        let mut object = read_object(&answer)?;
        object.retain(|name, _| {
            matches!(
                name.as_str(),
                "error" | "code" | "created" | "errors" | "empty" | "updated" | "ignored"
            ) || (readable && name == "details")
        });
        Ok(respond(answer, &Value::Object(object)))
    }
}

/// The documents of the body, in whichever form it has them.
fn documents(context: &Context<'_>, parameters: &Parameters) -> Result<Vec<Value>, Refusal> {
    body::check_media_type(context.request)?;
    let limits = &context.policy.set().limits;
    let bytes = body::inflate(context.request, limits.body_bytes, &context.share)?;
    body::take_tree(&context.share, &bytes)?;
    let json_limits = JsonLimits {
        depth: limits.depth.min(200),
        ..JsonLimits::default()
    };
    let array = || match json::parse(&bytes, json_limits) {
        Ok(Value::Array(items)) => Ok(items),
        Ok(_) => Err(Refusal::new(
            400,
            number::DOCUMENT_TYPE_INVALID,
            "an array of documents is expected",
        )),
        Err(error) => Err(Refusal::corrupted_json(format!(
            "the body is not acceptable JSON: {error}"
        ))),
    };
    match parameters.text("type") {
        Some("array" | "list") => array(),
        Some("documents") => lines(&bytes, json_limits),
        Some("auto") => {
            // The same reading as arangod's: what begins with a bracket is an array.
            if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
                array()
            } else {
                lines(&bytes, json_limits)
            }
        }
        None => headed(lines(&bytes, json_limits)?, &context.share),
        Some(_) => Err(Refusal::bad_parameter(
            "\"type\" is one of array, list, documents, auto",
        )),
    }
}

/// One JSON value a line.
fn lines(bytes: &[u8], limits: JsonLimits) -> Result<Vec<Value>, Refusal> {
    let mut values = Vec::new();
    let mut left = limits.values;
    for (index, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let value = json::parse(line, JsonLimits { values: left, ..limits })
            .map_err(|error| Refusal::corrupted_json(format!("line {} is not acceptable JSON: {error}", index + 1)))?;
        // Each value of a line is at least two bytes of it; counting them so keeps the whole bounded.
        left = left.saturating_sub(line.len() / 16 + 1);
        values.push(value);
    }
    Ok(values)
}

/// A first line of attribute names, then lines of values.
fn headed(lines: Vec<Value>, share: &Share) -> Result<Vec<Value>, Refusal> {
    let mut lines = lines.into_iter();
    let bad = || {
        Refusal::new(
            400,
            number::DOCUMENT_TYPE_INVALID,
            "lines of arrays are expected, attribute names first",
        )
    };
    let Some(Value::Array(head)) = lines.next() else {
        return Err(bad());
    };
    let mut names: Vec<String> = Vec::with_capacity(head.len());
    let mut known: HashSet<String> = HashSet::with_capacity(head.len());
    for name in head {
        match name {
            Value::String(name) if known.insert(name.clone()) => names.push(name),
            _ => return Err(bad()),
        }
    }
    // Each document gets a copy of every name, and they are written out again: a body may become many times its size.
    let copied = names.iter().map(String::len).sum::<usize>();
    body::take(share, lines.len().saturating_mul(copied).saturating_mul(2))?;
    lines
        .map(|line| match line {
            Value::Array(values) if values.len() == names.len() => {
                Ok(Value::Object(names.iter().cloned().zip(values).collect()))
            }
            _ => Err(bad()),
        })
        .collect()
}

/// A document as it will be stored: prefixes applied, system attributes as arangod treats them.
fn complete(document: Value, parameters: &Parameters, is_edge: bool) -> Result<Value, Refusal> {
    let Value::Object(mut object) = document else {
        return Err(Refusal::new(
            400,
            number::DOCUMENT_TYPE_INVALID,
            "a document must be an object",
        ));
    };
    object.remove("_id");
    object.remove("_rev");
    match object.get("_key") {
        None => {}
        Some(Value::String(key)) if is_key(key) => {}
        Some(_) => return Err(Refusal::new(400, number::DOCUMENT_KEY_BAD, "illegal document key")),
    }
    for (name, prefix) in [("_from", "fromPrefix"), ("_to", "toPrefix")] {
        if !is_edge {
            object.remove(name);
            continue;
        }
        if let Some(prefix) = parameters.text(prefix) {
            prefixed(
                &mut object,
                name,
                prefix.trim_end_matches('/'),
                parameters.is("overwriteCollectionPrefix"),
            );
        }
    }
    Ok(Value::Object(object))
}

fn prefixed(object: &mut Map<String, Value>, name: &str, prefix: &str, replace: bool) {
    let Some(Value::String(end)) = object.get(name) else {
        return;
    };
    let end = match end.split_once('/') {
        Some((_, key)) if replace => format!("{prefix}/{key}"),
        Some(_) => return,
        None => format!("{prefix}/{end}"),
    };
    object.insert(name.to_owned(), end.into());
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::gate::budget::Budget;

    #[test]
    fn lines_are_read_strictly() {
        let limits = JsonLimits::default();
        assert_eq!(
            lines(b"{\"a\":1}\r\n\n{\"a\":2}", limits).unwrap(),
            [json!({"a": 1}), json!({"a": 2})]
        );
        assert!(lines(b"{\"a\":1,\"a\":2}", limits).is_err());
        assert!(lines(b"{\"a\":\xff}", limits).is_err());
        let share = Arc::new(Budget::default()).share();
        assert_eq!(
            headed(vec![json!(["a", "b"]), json!([1, 2])], &share).unwrap(),
            [json!({"a": 1, "b": 2})]
        );
        assert!(headed(vec![json!(["a", "a"]), json!([1, 2])], &share).is_err());
        assert!(headed(vec![json!(["a"]), json!([1, 2])], &share).is_err());
    }

    #[test]
    fn names_that_each_line_repeats_take_room_before_they_are_copied() {
        let budget = Arc::new(Budget::new(1_000_000, Duration::ZERO));
        let long = "x".repeat(10_000);
        let lines = |rows: usize| {
            let mut lines = vec![json!([long])];
            lines.resize(rows + 1, json!([1]));
            lines
        };
        assert_eq!(headed(lines(10), &budget.share()).unwrap().len(), 10);
        let refusal = headed(lines(1000), &budget.share()).unwrap_err();
        assert_eq!((refusal.status, refusal.number), (503, number::QUEUE_FULL));
    }

    #[test]
    fn a_first_line_of_many_names_is_read_in_linear_time() {
        // Compared with each other, they would take minutes.
        let names: Vec<String> = (0..300_000).map(|name| name.to_string()).collect();
        let share = Arc::new(Budget::default()).share();
        assert_eq!(headed(vec![json!(names)], &share).unwrap(), Vec::<Value>::new());
    }
}
