//! Mask mode: a query that would return documents with hidden attributes is edited so that it returns the rest of them.
//!
//! INVARIANT: an edit is a proposal. The edited text is judged like any other, and only if it is admitted do the edits
//! become part of a verdict; otherwise the original denial stands.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::analysis::Analysis;
use super::value::{Object, Types, Value};
use super::verdict::Edit;
use crate::aql::ast::{Expr, ExprKind, MemberKey, Span};
use crate::schema::{Others, RoleSet, Shape};

/// Nesting of hidden attributes that is masked; what hides something deeper is dropped as a whole.
const DEEPEST: u32 = 8;

/// The edits that leave readable attributes only in what the query returns; `None` where there is no such edit.
pub(super) fn edits(analysis: &mut Analysis<'_>) -> Option<Vec<Edit>> {
    let (expr, value) = analysis.returned.clone()?;
    let mut edits = Vec::new();
    mask(analysis, expr, &value, &mut edits)?;
    edits.sort_by_key(|edit| edit.span.start);
    let apart = edits.windows(2).all(|pair| pair[0].span.end <= pair[1].span.start);
    (apart && !edits.is_empty()).then_some(edits)
}

/// The text with the edits made.
pub fn apply<'t>(text: &'t str, edits: &[Edit]) -> Cow<'t, str> {
    if edits.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + edits.iter().map(|edit| edit.text.len()).sum::<usize>());
    let mut at = 0;
    for edit in edits {
        out.push_str(text.get(at..edit.span.start as usize).unwrap_or_default());
        out.push_str(&edit.text);
        at = edit.span.end as usize;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    Cow::Owned(out)
}

fn mask<'a>(analysis: &mut Analysis<'a>, expr: &'a Expr<'a>, value: &Value<'a>, edits: &mut Vec<Edit>) -> Option<()> {
    if analysis.readable(value, expr.span) {
        return Some(());
    }
    match &expr.kind {
        ExprKind::Object(members) => {
            for member in members {
                let value = analysis.expr(&member.value);
                let shorthand = matches!(&member.key, MemberKey::Name(name) if name.span == member.value.span);
                let before = edits.len();
                mask(analysis, &member.value, &value, edits)?;
                if shorthand && let Some(edit) = edits.get_mut(before) {
                    let name = source(analysis, member.value.span)?;
                    edit.text = format!("{name}: {}", edit.text);
                }
            }
        }
        ExprKind::Array(elements) => {
            for element in elements {
                let value = analysis.expr(element);
                mask(analysis, element, &value, edits)?;
            }
        }
        ExprKind::Ternary {
            then: Some(then),
            otherwise,
            ..
        } => {
            for branch in [then, otherwise] {
                let value = analysis.expr(branch);
                mask(analysis, branch, &value, edits)?;
            }
        }
        // So that nested attributes of each are masked, and not left out of what they become together.
        ExprKind::Call { function, args } if passes_on(&function.text, args.len()) => {
            for arg in args {
                let value = analysis.expr(arg);
                mask(analysis, arg, &value, edits)?;
            }
        }
        _ => {
            let text = match &expr.kind {
                // The span of a subquery leaves its parentheses outside.
                ExprKind::Subquery(_) => format!("({})", source(analysis, expr.span)?),
                _ => source(analysis, expr.span)?.to_owned(),
            };
            let masked = if is_path(expr) {
                masked(analysis, &text, value, expr.span, DEEPEST)?
            } else {
                // Evaluated once, whatever it is.
                let inner = masked(analysis, "CURRENT", value, expr.span, DEEPEST)?;
                format!("FIRST([{text}][* RETURN {inner}])")
            };
            edits.push(Edit {
                span: expr.span,
                text: masked,
            });
        }
    }
    Some(())
}

/// Whether a function, called with this many arguments, gives what they hold and tells no more of them.
fn passes_on(function: &str, arguments: usize) -> bool {
    match function {
        "MERGE" | "UNION" => arguments > 1,
        "APPEND" | "PUSH" | "UNSHIFT" => arguments == 2,
        "NOT_NULL" => true,
        _ => false,
    }
}

fn source<'a>(analysis: &Analysis<'a>, span: Span) -> Option<&'a str> {
    analysis.text.get(span.start as usize..span.end as usize)
}

/// Whether an expression is a variable or an attribute of one, which costs nothing to repeat.
fn is_path(expr: &Expr<'_>) -> bool {
    match &expr.kind {
        ExprKind::Variable(_) => true,
        ExprKind::Attribute { base, .. } => is_path(base),
        _ => false,
    }
}

/// The readable part of a value, as an expression over `text`.
fn masked<'a>(analysis: &mut Analysis<'a>, text: &str, value: &Value<'a>, span: Span, depth: u32) -> Option<String> {
    if analysis.readable(value, span) {
        return Some(text.to_owned());
    }
    let depth = depth.checked_sub(1)?;
    let mut shapes = Vec::new();
    let mut elements = Vec::new();
    let mut objects: Vec<&Object<'a>> = Vec::new();
    let mut nullable = false;
    for alternative in value.alternatives() {
        match alternative {
            Value::Part(part) => {
                if !part.permitted {
                    return None;
                }
                nullable |= part.optional;
                shapes.push(part.shape);
            }
            Value::List(list) => elements.push(list.element.clone()),
            Value::Array(array) => elements.extend(array.elements.iter().cloned()),
            Value::Object(object) => objects.push(object),
            plain if plain.types().within(Types::NULL) => nullable = true,
            _ => return None,
        }
    }
    let inner = match (shapes.as_slice(), elements.as_slice(), objects.as_slice()) {
        ([_, ..], [], []) => masked_shape(analysis.roles, text, &shapes, nullable, depth)?,
        ([], [_, ..], []) => {
            let element = Value::union(elements);
            let inner = masked(analysis, "CURRENT", &element, span, depth)?;
            format!("({text})[* RETURN {inner}]")
        }
        ([], [], [object]) => masked_object(analysis, text, object, span, depth)?,
        _ => return None,
    };
    Some(inner)
}

fn masked_object<'a>(
    analysis: &mut Analysis<'a>,
    text: &str,
    object: &Object<'a>,
    span: Span,
    depth: u32,
) -> Option<String> {
    if object.open {
        return None;
    }
    // An object over one open document keeps what no schema names.
    if let [rest] = object.rest.as_slice()
        && let Value::Part(part) = &rest.value
        && matches!(part.shape.others, Others::Open)
        && object
            .members
            .iter()
            .all(|member| analysis.readable(&member.value, span))
    {
        let hidden: Vec<&str> = part
            .shape
            .attributes
            .iter()
            .filter(|(name, below)| {
                !below.readable(analysis.roles) && !object.members.iter().any(|member| member.name == name.as_str())
            })
            .map(|(name, _)| name.as_str())
            .collect();
        return unset(text, &hidden);
    }
    let mut kept: BTreeSet<Cow<'_, str>> = BTreeSet::new();
    let mut nested = String::new();
    for rest in &object.rest {
        for alternative in rest.value.alternatives() {
            let Value::Part(part) = alternative else { return None };
            kept.extend(readable_names(analysis.roles, part.shape));
        }
    }
    for member in &object.members {
        if analysis.readable(&member.value, span) {
            kept.insert(member.name.clone());
        } else {
            kept.remove(&member.name);
            let name = quoted(&member.name)?;
            let inner = masked(analysis, &format!("{text}[{name}]"), &member.value, span, depth)?;
            if !nested.is_empty() {
                nested.push_str(", ");
            }
            let _ = write!(nested, "{name}: {inner}");
        }
    }
    let base = keep(text, kept.iter().map(AsRef::as_ref))?;
    Some(if nested.is_empty() {
        base
    } else {
        format!("MERGE({base}, {{{nested}}})")
    })
}

/// The readable part of stored content with one of these shapes.
fn masked_shape(roles: &RoleSet, text: &str, shapes: &[&Shape], nullable: bool, depth: u32) -> Option<String> {
    let types = shapes
        .iter()
        .map(|shape| Types::of_shape(shape))
        .reduce(Types::or)
        .unwrap_or(Types::ANY);
    let with_items: Vec<&Shape> = shapes.iter().filter_map(|shape| shape.items.as_deref()).collect();
    let array = types.meets(Types::ARRAY) && with_items.iter().any(|items| !items.readable(roles));
    let object = shapes.iter().any(|shape| hides_attributes(roles, shape));
    let object_text = masked_attributes(roles, text, shapes, depth);
    let array_text = if array {
        let inner = masked_shape(roles, "CURRENT", &with_items, true, depth.checked_sub(1)?)?;
        Some(format!("{text}[* RETURN {inner}]"))
    } else {
        None
    };
    let only_objects = types.within(Types::OBJECT) && !nullable;
    match (object, array_text) {
        (true, None) if only_objects => object_text,
        (true, None) => Some(format!("(IS_OBJECT({text}) ? {} : null)", object_text?)),
        (false, Some(array)) => Some(format!("(IS_ARRAY({text}) ? {array} : null)")),
        (true, Some(array)) => Some(format!(
            "(IS_OBJECT({text}) ? {} : IS_ARRAY({text}) ? {array} : null)",
            object_text?
        )),
        (false, None) => Some(text.to_owned()),
    }
}

fn hides_attributes(roles: &RoleSet, shape: &Shape) -> bool {
    let like = match &shape.others {
        Others::Like(shape) => Some(&**shape),
        Others::Absent | Others::Open => None,
    };
    let patterns = shape
        .patterns
        .iter()
        .map(|(_, shape)| shape)
        .chain(shape.overlap.as_deref());
    shape
        .attributes
        .values()
        .chain(patterns)
        .chain(like)
        .any(|below| !below.readable(roles))
}

/// The readable attributes of an object with one of these shapes.
fn masked_attributes(roles: &RoleSet, text: &str, shapes: &[&Shape], depth: u32) -> Option<String> {
    let names: BTreeSet<&str> = shapes
        .iter()
        .flat_map(|shape| shape.attributes.keys())
        .map(String::as_str)
        .collect();
    let mut kept = Vec::new();
    let mut dropped = Vec::new();
    let mut nested = Vec::new();
    for name in names {
        let below: Vec<&Shape> = shapes.iter().filter_map(|shape| shape.attribute(name)).collect();
        if below.iter().all(|below| below.readable(roles)) {
            kept.push(name);
            continue;
        }
        dropped.push(name);
        if below.iter().all(|below| below.read.admits(roles)) && depth > 0 {
            let quoted = quoted(name)?;
            let place = format!("{text}[{quoted}]");
            if let Some(inner) = masked_shape(roles, &place, &below, true, depth - 1) {
                nested.push(format!("HAS({text}, {quoted}) ? {{{quoted}: {inner}}} : {{}}"));
            }
        }
    }
    // Where attributes that no schema names are open, they stay; so what is hidden must be named in full.
    let open = shapes.iter().all(|shape| {
        matches!(shape.others, Others::Open)
            && shape.patterns.iter().all(|(_, below)| below.readable(roles))
            && shape.overlap.as_deref().is_none_or(|below| below.readable(roles))
    });
    let base = if open {
        unset(text, &dropped)?
    } else {
        keep(text, kept.into_iter())?
    };
    if nested.is_empty() {
        return Some(base);
    }
    Some(format!("MERGE({base}, {})", nested.join(", ")))
}

fn readable_names<'s>(roles: &RoleSet, shape: &'s Shape) -> Vec<Cow<'s, str>> {
    shape
        .attributes
        .iter()
        .filter(|(_, below)| below.readable(roles))
        .map(|(name, _)| Cow::Borrowed(name.as_str()))
        .collect()
}

fn keep<'n>(text: &str, names: impl Iterator<Item = &'n str>) -> Option<String> {
    let mut out = format!("KEEP({text}");
    let mut any = false;
    for name in names {
        let _ = write!(out, ", {}", quoted(name)?);
        any = true;
    }
    // `KEEP` wants a name.
    Some(if any { out + ")" } else { "{}".to_owned() })
}

fn unset(text: &str, names: &[&str]) -> Option<String> {
    let mut out = format!("UNSET({text}");
    for name in names {
        let _ = write!(out, ", {}", quoted(name)?);
    }
    Some(out + ")")
}

/// A name as a string of AQL, whose escapes are those of JSON.
fn quoted(name: &str) -> Option<String> {
    serde_json::to_string(name).ok()
}
