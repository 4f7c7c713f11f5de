//! Type checks and casts.

use super::{Entry, arg};
use crate::error::Result;
use crate::eval::Evaluator;
use crate::functions::date;
use crate::store::is_key;
use crate::value::Value;

pub(super) const TABLE: &[Entry] = &[
    ("IS_NULL", 1, 1, |_, args| Ok(arg(args, 0).is_null().into())),
    ("IS_BOOL", 1, 1, |_, args| {
        Ok(matches!(arg(args, 0), Value::Bool(_)).into())
    }),
    ("IS_NUMBER", 1, 1, |_, args| Ok(arg(args, 0).is_number().into())),
    ("IS_STRING", 1, 1, |_, args| {
        Ok(matches!(arg(args, 0), Value::String(_)).into())
    }),
    ("IS_ARRAY", 1, 1, is_array),
    ("IS_LIST", 1, 1, is_array),
    ("IS_OBJECT", 1, 1, is_object),
    ("IS_DOCUMENT", 1, 1, is_object),
    ("IS_DATESTRING", 1, 1, |_, args| {
        Ok(arg(args, 0).as_str().is_some_and(date::is_date_string).into())
    }),
    ("IS_KEY", 1, 1, |_, args| {
        Ok(arg(args, 0).as_str().is_some_and(is_key).into())
    }),
    ("TYPENAME", 1, 1, |_, args| Ok(arg(args, 0).type_name().into())),
    ("TO_BOOL", 1, 1, |_, args| Ok(arg(args, 0).is_true().into())),
    ("TO_NUMBER", 1, 1, |_, args| Ok(arg(args, 0).to_number())),
    ("TO_STRING", 1, 1, |_, args| Ok(Value::String(arg(args, 0).to_text()))),
    ("TO_ARRAY", 1, 1, to_array),
    ("TO_LIST", 1, 1, to_array),
];

fn is_array(_: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    Ok(matches!(arg(args, 0), Value::Array(_)).into())
}

fn is_object(_: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    Ok(matches!(arg(args, 0), Value::Object(_)).into())
}

fn to_array(_: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    Ok(Value::array(arg(args, 0).to_list()))
}
