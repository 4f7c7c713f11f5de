//! The words of denials of written documents.

use std::collections::BTreeSet;

use crate::aql::ast::Span;
use crate::judge::message::{listed, nearest};
use crate::judge::value::{Types, push_name};
use crate::judge::verdict::{Denial, Rule};
use crate::schema::{Bounds, Collection, Shape};

pub(super) fn dotted(at: &[String]) -> String {
    let mut text = String::new();
    for name in at {
        if !text.is_empty() {
            text.push('.');
        }
        push_name(&mut text, name);
    }
    text
}

pub(super) fn below(at: &[String], name: &str) -> String {
    let mut at = at.to_vec();
    at.push(name.to_owned());
    dotted(&at)
}

pub(super) fn invalid(collection: &Collection, path: &str, message: &str) -> Denial {
    Denial::new(
        Rule::DocumentInvalid,
        format!(
            "a document written to `{}` breaks its schema: {message}",
            collection.name
        ),
    )
    .about(collection.name.clone())
    .attribute(if path.is_empty() { "*" } else { path })
}

pub(super) fn violated(collection: &Collection, path: &[String], message: &str) -> Denial {
    let path = dotted(path);
    if path.is_empty() {
        invalid(collection, "*", message)
    } else {
        invalid(collection, &path, &format!("`{path}`: {message}"))
    }
}

pub(super) fn unproven(collection: &Collection, path: &str, why: &str, span: Span) -> Denial {
    let what = if path.is_empty() {
        "a document".to_owned()
    } else {
        format!("`{path}` of a document")
    };
    Denial::new(
        Rule::DocumentInvalid,
        format!(
            "{what} written to `{}` cannot be shown to keep its schema: {why}",
            collection.name
        ),
    )
    .about(collection.name.clone())
    .attribute(if path.is_empty() { "*" } else { path })
    .at(span)
    .hint("write it as a literal, or bind the whole document, so that it can be validated")
}

pub(super) fn out_of_bounds(collection: &Collection, path: &str, asked: Bounds, span: Span) -> Denial {
    let (range, clamp) = match (asked.low.is_finite(), asked.high.is_finite()) {
        (true, true) => (
            format!("from {} to {}", asked.low, asked.high),
            format!("MIN([{}, MAX([{}, value])])", asked.high, asked.low),
        ),
        (true, false) => (
            format!("of at least {}", asked.low),
            format!("MAX([{}, value])", asked.low),
        ),
        _ => (
            format!("of at most {}", asked.high),
            format!("MIN([{}, value])", asked.high),
        ),
    };
    unproven(
        collection,
        path,
        &format!("its schema asks for a number {range}, and this one may be another"),
        span,
    )
    .hint(format!("clamp it: `{clamp}`"))
}

pub(super) fn wrong_type(collection: &Collection, path: &str, types: Types, shape: &Shape) -> Denial {
    let denial = invalid(
        collection,
        path,
        &format!(
            "`{path}` has to be {}, but may be {}",
            Types::of_shape(shape).describe(),
            types.describe()
        ),
    );
    if types.meets(Types::NULL) && types.without(Types::NULL).within(Types::of_shape(shape)) {
        denial.hint("give a value for the case of null: `NOT_NULL(value, otherwise)`")
    } else {
        let wanted = Types::of_shape(shape);
        denial.hint(
            if wanted.meets(Types::INTEGER)
                && !Types::NUMBER.within(wanted)
                && types.without(Types::NULL).within(Types::NUMBER)
            {
                "make it whole: `FLOOR(value)`"
            } else if wanted.meets(Types::STRING) {
                "convert it, with `TO_STRING(value)`, or bind the value"
            } else if wanted.meets(Types::INTEGER) {
                "convert it, with `TO_NUMBER(value)`, or bind the value"
            } else if wanted.meets(Types::BOOL) {
                "convert it, with `TO_BOOL(value)`, or bind the value"
            } else {
                "bind the value, so that it can be validated"
            },
        )
    }
}

pub(super) fn unknown(collection: &Collection, shape: &Shape, at: &[String], name: &str) -> Denial {
    let path = below(at, name);
    let known: Vec<&str> = shape.attributes.keys().map(String::as_str).collect();
    let denial = Denial::new(
        Rule::AttributeUnknown,
        format!(
            "`{}` has no attribute `{path}`, and its schema admits none that it does not name",
            collection.name
        ),
    )
    .about(collection.name.clone())
    .attribute(path);
    match nearest(name, known.iter().copied()) {
        Some(near) => denial.hint(format!("did you mean `{near}`?")),
        None => denial.hint(format!("it has: {}", listed(&known))),
    }
}

pub(super) fn read_only(collection: &Collection, path: &str) -> Denial {
    Denial::new(
        Rule::AttributeReadOnly,
        format!(
            "the attribute `{path}` of `{}` may be read by this user but not written",
            collection.name
        ),
    )
    .about(collection.name.clone())
    .attribute(path)
    .hint("leave it out of the written document")
}

/// A read-only attribute that is not written, and gone afterwards.
pub(super) fn read_only_dropped(collection: &Collection, path: &str, message: String) -> Denial {
    Denial::new(Rule::AttributeReadOnly, message)
        .about(collection.name.clone())
        .attribute(path)
}

pub(super) fn missing_end(collection: &Collection, name: &str) -> Denial {
    invalid(collection, name, &format!("an edge needs its `{name}`"))
}

pub(super) fn wrong_end(collection: &Collection, name: &str, allowed: &BTreeSet<String>) -> Denial {
    let allowed: Vec<&str> = allowed.iter().map(String::as_str).collect();
    let allowed = listed(&allowed);
    invalid(
        collection,
        name,
        &format!("`{name}` has to be the id of a document in {allowed}"),
    )
    .hint(format!(
        "write an id such as \"collection/key\" with a collection out of: {allowed}"
    ))
}

/// A required attribute that may not be there.
pub(super) fn missing(collection: &Collection, at: &[String], name: &str) -> Denial {
    let path = below(at, name);
    invalid(
        collection,
        &path,
        &format!("`{path}` is required, and may be missing here"),
    )
}
