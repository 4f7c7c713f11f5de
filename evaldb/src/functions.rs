//! The functions of AQL: the table, and how a call is made.
//!
//! Each module holds one of the manual's groups. A function that is known to ArangoDB but missing here gives a clear
//! error (9) that names it.

#![allow(
    clippy::unnecessary_wraps,
    reason = "every function of the table has the same signature"
)]

mod arrays;
mod bits;
pub(crate) mod date;
mod digest;
mod geo;
mod miscellaneous;
mod numeric;
mod objects;
mod search;
mod strings;
mod text_distance;
mod types;

use std::collections::HashMap;
use std::sync::LazyLock;

use mallku_db::aql::ast::{Expr, ExprKind};

use crate::error::{ArangoError, Result};
use crate::eval::Evaluator;
use crate::value::{Text, Value};

/// A function's body.
type Body = fn(&mut Evaluator<'_>, &[Value]) -> Result<Value>;

/// Name, least and greatest number of arguments, body.
type Entry = (&'static str, usize, usize, Body);

/// No upper bound on the number of arguments.
const MANY: usize = usize::MAX;

static TABLE: LazyLock<HashMap<&'static str, (usize, usize, Body)>> = LazyLock::new(|| {
    [
        arrays::TABLE,
        bits::TABLE,
        date::TABLE,
        digest::TABLE,
        geo::TABLE,
        miscellaneous::TABLE,
        numeric::TABLE,
        objects::TABLE,
        search::TABLE,
        strings::TABLE,
        text_distance::TABLE,
        types::TABLE,
    ]
    .into_iter()
    .flatten()
    .map(|(name, least, most, body)| (*name, (*least, *most, *body)))
    .collect()
});

/// Calls a function by its upper-cased name on unevaluated arguments.
pub(crate) fn call(evaluator: &mut Evaluator<'_>, name: &str, args: &[Expr<'_>]) -> Result<Value> {
    evaluator.step()?;
    let mut values = Vec::with_capacity(args.len());
    for arg in args {
        values.push(match &arg.kind {
            // A bare collection is its name to the functions that take one.
            ExprKind::Source(source) if takes_collection(name) => Value::string(&*source.text),
            ExprKind::SourceBind(bind) if takes_collection(name) => evaluator.bind(&bind.key)?,
            _ => evaluator.eval(arg)?,
        });
    }
    evaluator.note(|trace| {
        trace.functions.insert(Text::from(name));
    });
    if matches!(name, "LENGTH" | "COUNT")
        && matches!(
            args,
            [Expr {
                kind: ExprKind::Source(_) | ExprKind::SourceBind(_),
                ..
            }]
        )
    {
        // ArangoDB rewrites this call in the same way (`Aql/Ast.cpp`).
        return apply(evaluator, "COLLECTION_COUNT", &values);
    }
    record(evaluator, name, &values);
    apply(evaluator, name, &values)
}

/// Calls a function by its upper-cased name.
pub(crate) fn apply(evaluator: &mut Evaluator<'_>, name: &str, values: &[Value]) -> Result<Value> {
    let Some((least, most, body)) = TABLE.get(name) else {
        return Err(if name.contains(':') {
            ArangoError::new(
                1582,
                format!("user-defined functions are not supported in the evaluation database: {name}()"),
            )
        } else if mallku_db::aql::functions::lookup(name).is_some() {
            ArangoError::not_implemented(format!("{name}()"))
        } else {
            ArangoError::new(1540, format!("usage of unknown function '{name}()'"))
        });
    };
    if !(*least..=*most).contains(&values.len()) {
        return Err(ArangoError::new(
            1541,
            format!(
                "invalid number of arguments for function '{name}()', expected number of arguments: minimum: {least}"
            ),
        ));
    }
    body(evaluator, values)
}

fn takes_collection(name: &str) -> bool {
    matches!(
        name,
        "LENGTH"
            | "COUNT"
            | "DOCUMENT"
            | "COLLECTION_COUNT"
            | "NEAR"
            | "WITHIN"
            | "WITHIN_RECTANGLE"
            | "FULLTEXT"
            | "IS_SAME_COLLECTION"
            | "SCHEMA_GET"
    )
}

/// Records what of its arguments a function reads: all of them, but for functions that only pass values on or look at
/// named parts.
fn record(evaluator: &mut Evaluator<'_>, name: &str, values: &[Value]) {
    if evaluator.trace.is_none() {
        return;
    }
    match name {
        // The score of a match, not the document.
        "BM25" | "TFIDF" => {}
        "NOT_NULL" | "FIRST_DOCUMENT" | "FIRST_LIST" | "PASSTHRU" | "NOOPT" | "NOEVAL" | "V8" => {
            for value in values {
                evaluator.glanced(value);
            }
        }
        "HAS" => {
            let name = arg(values, 1).to_text();
            evaluator.used(arg(values, 1));
            evaluator.attribute(arg(values, 0), &name);
        }
        // What they make keeps its origin: it is read when it is used. `BOOST` and `ANALYZER` give their first argument.
        "BOOST" | "ANALYZER" | "KEEP" | "UNSET" | "KEEP_RECURSIVE" | "UNSET_RECURSIVE" => {
            for value in values.iter().skip(1) {
                evaluator.used(value);
            }
        }
        // The steps along the path record what they read.
        "VALUE" => evaluator.used(arg(values, 1)),
        // The value for what is not found is passed on.
        "TRANSLATE" => {
            evaluator.used(arg(values, 0));
            let name = arg(values, 0).to_text();
            let part = evaluator.attribute(arg(values, 1), &name);
            evaluator.used(&part);
        }
        "PARSE_IDENTIFIER" | "PARSE_COLLECTION" | "PARSE_KEY" | "IS_SAME_COLLECTION" => {
            for value in values {
                if matches!(value, Value::Object(_)) {
                    evaluator.attribute(value, "_id");
                } else {
                    evaluator.used(value);
                }
            }
        }
        "EXISTS" => {
            evaluator.glanced(arg(values, 0));
            values.iter().skip(1).for_each(|value| evaluator.used(value));
        }
        "MERGE" | "MERGE_RECURSIVE" => {
            for value in values {
                evaluator.glanced(value);
                evaluator.elements(value);
            }
        }
        "FLATTEN" => values.iter().for_each(|value| flattened(evaluator, value)),
        // When asked to, these compare what they add with what is there.
        "PUSH" | "APPEND" | "UNSHIFT" if arg(values, 2).is_true() => {
            for value in values {
                evaluator.used(value);
            }
        }
        "FIRST" | "LAST" | "NTH" | "SLICE" | "REVERSE" | "POP" | "SHIFT" | "PUSH" | "APPEND" | "UNSHIFT" | "VALUES"
        | "TO_ARRAY" | "UNION" | "INTERLEAVE" | "REMOVE_NTH" | "REPLACE_NTH" => {
            for value in values {
                // A function of arrays looks at nothing in an object, or passes it on as an element.
                if matches!(value, Value::Object(_)) && !matches!(name, "VALUES" | "TO_ARRAY") {
                    evaluator.glanced(value);
                } else {
                    shallow(evaluator, value);
                }
            }
        }
        "LENGTH" | "COUNT" | "IS_ARRAY" | "IS_LIST" | "IS_OBJECT" | "IS_DOCUMENT" | "IS_NULL" | "IS_BOOL"
        | "IS_NUMBER" | "IS_STRING" | "TYPENAME" => {
            for value in values {
                evaluator.glanced(value);
                // How many attributes an object has tells of each of them; a plain list of documents tells nothing.
                if matches!(name, "LENGTH" | "COUNT") && matches!(value, Value::Object(_)) {
                    evaluator.used(value);
                }
            }
        }
        _ => {
            // A function of arrays looks at nothing in an object: the result is null.
            let of_arrays = arrays::TABLE.iter().any(|(known, ..)| *known == name);
            for value in values {
                if of_arrays && matches!(value, Value::Object(_)) {
                    evaluator.glanced(value);
                } else {
                    evaluator.used(value);
                }
            }
        }
    }
}

/// The value itself and the scalars right in it are read; what is deeper keeps its own origin.
fn shallow(evaluator: &mut Evaluator<'_>, value: &Value) {
    evaluator.glanced(value);
    match value {
        Value::Object(object) => {
            for (name, _) in object.iter() {
                evaluator.attribute(value, name);
            }
        }
        Value::Array(_) => {
            evaluator.elements(value);
        }
        _ => {}
    }
}

/// The scalars of an array and of the arrays in it are read; objects keep their own origin.
fn flattened(evaluator: &mut Evaluator<'_>, value: &Value) {
    evaluator.glanced(value);
    for item in evaluator.elements(value).unwrap_or_default() {
        flattened(evaluator, &item);
    }
}

/// The attribute names that an argument gives: a string or an array of strings.
fn names_in(value: &Value) -> Vec<Text> {
    match value {
        Value::String(name) => vec![name.clone()],
        Value::Array(items) => items.items.iter().flat_map(names_in).collect(),
        _ => Vec::new(),
    }
}

/// The argument at a position, `null` when it was not given.
fn arg(values: &[Value], place: usize) -> &Value {
    static NULL: Value = Value::Null;
    values.get(place).unwrap_or(&NULL)
}

/// Notes that a function got an argument of the wrong type; the result is `null`.
fn wrong_type(evaluator: &mut Evaluator<'_>, function: &str) -> Result<Value> {
    evaluator.warn(
        1542,
        format!("invalid argument type in call to function '{function}()'"),
    )?;
    Ok(Value::Null)
}

/// Refuses results that would take more memory than a query may have.
fn check_size(length: usize) -> Result<()> {
    const LARGEST: usize = 64 << 20;
    if length > LARGEST {
        Err(ArangoError::new(
            32,
            "resource limit exceeded: query would use more memory than allowed",
        ))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_of_arangodb_is_there_or_named_as_missing() {
        let missing: Vec<&str> = mallku_db::aql::functions::all()
            .iter()
            .map(|function| function.name)
            .filter(|name| !TABLE.contains_key(name))
            .collect();
        assert_eq!(
            missing,
            [
                "APPROX_NEAR_COSINE",
                "APPROX_NEAR_INNER_PRODUCT",
                "APPROX_NEAR_L2",
                "DATE_TIMEZONES",
                "FULLTEXT",
                "GEO_AREA",
                "INTERNAL",
                "MAKE_DISTRIBUTE_GRAPH_INPUT",
                "MAKE_DISTRIBUTE_INPUT",
                "MAKE_DISTRIBUTE_INPUT_WITH_KEY_CREATION",
                "MINHASH",
                "MINHASH_COUNT",
                "MINHASH_ERROR",
                "MINHASH_MATCH",
                "NEAR",
                "OFFSET_INFO",
                "PARTITION",
                "PREGEL_RESULT",
                "SELECT_SMART_DISTRIBUTE_GRAPH_INPUT",
                "SHARD_ID",
                "TO_DOCUMENT_ID",
                "UNION_DISTINCT_STABLE",
                "WITHIN",
                "WITHIN_RECTANGLE",
            ]
        );
    }

    #[test]
    fn every_function_here_is_one_of_arangodb() {
        for name in TABLE.keys() {
            assert!(mallku_db::aql::functions::lookup(name).is_some(), "{name}");
        }
    }
}
