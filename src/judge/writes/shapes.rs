//! What a schema asks of an attribute, as far as a write has to know.

use super::Mode;
use crate::judge::value::Types;
use crate::schema::{Others, SYSTEM_ATTRIBUTES, Shape};

/// Whether a stored value of this shape keeps it when it is merged into another stored value of the same shape.
/// `top`: whether that is a whole document, whose own ties the caller knows of.
pub(super) fn meets_stored(shape: &Shape, mode: Mode, top: bool) -> bool {
    let Mode::Merge {
        keep_null,
        merge_objects,
    } = mode
    else {
        return true;
    };
    if !Types::of_shape(shape).meets(Types::OBJECT) || !(top || merge_objects) {
        return true;
    }
    let drops = !keep_null
        && shape.required.iter().any(|name| {
            let below = shape.attribute(name);
            below.is_none_or(|below| Types::of_shape(below).meets(Types::NULL))
        });
    (top || !shape.constrained) && !drops && shape.children().all(|below| meets_stored(below, mode, false))
}

/// Whether a shape takes any attributes with any values.
pub(super) fn is_open(shape: &Shape) -> bool {
    !shape.constrained
        && shape.required.is_empty()
        && shape.patterns.is_empty()
        && matches!(shape.others, Others::Open)
        && shape.attributes.iter().all(|(name, below)| {
            SYSTEM_ATTRIBUTES.contains(&name.as_str()) && below.types.len() == 1 && !below.constrained
        })
}

/// Whether a shape takes any content of an object or array of these types.
pub(super) fn is_open_below(shape: &Shape, types: Types) -> bool {
    (!types.meets(Types::OBJECT) || is_open(shape) && shape.attributes.is_empty())
        && (!types.meets(Types::ARRAY)
            || shape.items.as_deref().is_none_or(|items| {
                items.types.is_empty() && items.items.is_none() && items.attributes.is_empty() && is_open(items)
            }))
}

/// Whether a schema asks for more than types anywhere in this shape.
pub(super) fn any_constrained(shape: &Shape) -> bool {
    shape.constrained || shape.children().any(any_constrained)
}
