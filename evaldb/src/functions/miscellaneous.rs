//! Miscellaneous functions: documents by id, control flow, information, dynamic calls.

use super::{Entry, MANY, apply, arg, wrong_type};
use crate::error::{ArangoError, Result};
use crate::eval::Evaluator;
use crate::store::{DocumentSchema, decode_revision};
use crate::value::{Object, Text, Value};

pub(super) const TABLE: &[Entry] = &[
    ("DOCUMENT", 1, 2, document),
    ("COLLECTION_COUNT", 1, 1, |this, args| {
        let collection = this.database.shared(&arg(args, 0).to_text())?.clone();
        this.note(|trace| {
            trace.counted.insert(collection.name().clone());
        });
        Ok(Value::count(collection.len()))
    }),
    ("COLLECTIONS", 0, 0, |this, _| {
        let entry = |collection: &crate::store::Collection| {
            let id = Value::string(collection.id().to_string());
            Value::object(
                [
                    (Text::from("_id"), id),
                    (Text::from("name"), Value::String(collection.name().clone())),
                ]
                .into_iter()
                .collect(),
            )
        };
        Ok(Value::array(this.database.collections().map(entry).collect()))
    }),
    ("CURRENT_USER", 0, 0, |this, _| {
        Ok(this.options.user.clone().map_or(Value::Null, Value::from))
    }),
    ("CURRENT_DATABASE", 0, 0, |this, _| Ok(this.database.name().into())),
    ("VERSION", 0, 0, |_, _| Ok("3.12.0-evaldb".into())),
    ("SCHEMA_GET", 1, 1, |this, args| {
        let name = arg(args, 0).to_text();
        let name = name.split('/').next().unwrap_or_default();
        let schema = this.database.collection(name)?.schema();
        Ok(schema.map_or(Value::Null, |schema| Value::from_json(&schema.definition)))
    }),
    ("SCHEMA_VALIDATE", 2, 2, schema_validate),
    ("CHECK_DOCUMENT", 1, 1, |_, args| {
        Ok(matches!(arg(args, 0), Value::Object(_)).into())
    }),
    ("NOT_NULL", 1, MANY, |_, args| {
        Ok(args.iter().find(|value| !value.is_null()).cloned().unwrap_or_default())
    }),
    ("FIRST_LIST", 1, MANY, |_, args| {
        Ok(args
            .iter()
            .find(|value| matches!(value, Value::Array(_)))
            .cloned()
            .unwrap_or_default())
    }),
    ("FIRST_DOCUMENT", 1, MANY, |_, args| {
        Ok(args
            .iter()
            .find(|value| matches!(value, Value::Object(_)))
            .cloned()
            .unwrap_or_default())
    }),
    ("PASSTHRU", 1, 1, identity),
    ("NOOPT", 1, 1, identity),
    ("NOEVAL", 1, 1, identity),
    ("V8", 1, 1, identity),
    ("ASSERT", 2, 2, |_, args| {
        if arg(args, 0).is_true() {
            Ok(Value::Bool(true))
        } else {
            Err(ArangoError::new(1593, arg(args, 1).to_text().to_string()))
        }
    }),
    ("WARN", 2, 2, |this, args| {
        let holds = arg(args, 0).is_true();
        if !holds {
            this.warn(1594, arg(args, 1).to_text().to_string())?;
        }
        Ok(Value::Bool(holds))
    }),
    ("FAIL", 0, 1, |_, args| {
        Err(ArangoError::new(
            1569,
            format!("FAIL({}) called", arg(args, 0).to_text()),
        ))
    }),
    // Time stands still here: a query that sleeps is one that its test need not wait for.
    ("SLEEP", 1, 1, |_, _| Ok(Value::Null)),
    ("CALL", 1, MANY, |this, args| {
        dynamic(this, arg(args, 0), args.get(1..).unwrap_or_default())
    }),
    ("APPLY", 1, 2, |this, args| {
        let list = arg(args, 1).as_array().unwrap_or_default().to_vec();
        dynamic(this, arg(args, 0), &list)
    }),
    ("DECODE_REV", 1, 1, |this, args| {
        match arg(args, 0).as_str().and_then(decode_revision) {
            Some((millis, count)) => {
                let date = super::date::iso(i64::try_from(millis).unwrap_or(i64::MAX));
                let mut object = Object::new();
                object.set("date", date.into());
                object.set("count", Value::Int(i64::try_from(count).unwrap_or(0)));
                Ok(Value::object(object))
            }
            None => wrong_type(this, "DECODE_REV"),
        }
    }),
];

fn identity(_: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    Ok(arg(args, 0).clone())
}

fn document(this: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    let (collection, ids) = match args {
        [ids] => (None, ids),
        _ => (arg(args, 0).as_str().filter(|name| !name.is_empty()), arg(args, 1)),
    };
    let mut one = |id: &Value| {
        let id = match id {
            Value::Object(_) => this.attribute(id, "_id"),
            other => other.clone(),
        };
        let id = id.as_str()?;
        let full = match (collection, id.split_once('/')) {
            // An id of another collection is not found in this one.
            (Some(collection), Some((given, _))) if given != collection => return None,
            (Some(collection), None) => format!("{collection}/{id}"),
            _ => id.to_owned(),
        };
        this.fetch(&full)
    };
    Ok(match ids {
        Value::Array(ids) => Value::array(ids.items.iter().filter_map(one).collect()),
        id => one(id).unwrap_or_default(),
    })
}

fn schema_validate(_: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    let (document, schema) = (arg(args, 0), arg(args, 1));
    let mut result = Object::new();
    let valid = match schema {
        Value::Object(object) if !object.is_empty() => {
            let schema = DocumentSchema::new(&schema.to_json())?;
            schema.holds(document)
        }
        _ => true,
    };
    result.set("valid", valid.into());
    if !valid {
        result.set(
            "errorMessage",
            schema
                .text("message")
                .unwrap_or("document does not satisfy the schema")
                .into(),
        );
    }
    Ok(Value::object(result))
}

fn dynamic(this: &mut Evaluator<'_>, name: &Value, args: &[Value]) -> Result<Value> {
    let name = name.to_text().to_uppercase();
    if matches!(name.as_str(), "CALL" | "APPLY" | "V8" | "INTERNAL") {
        return Err(ArangoError::new(1578, format!("disallowed dynamic call to '{name}'")));
    }
    this.note(|trace| {
        trace.functions.insert(Text::from(name.as_str()));
    });
    apply(this, &name, args)
}
