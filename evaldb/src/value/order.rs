//! ArangoDB's total order over all values, its equality, and a hash that agrees with the equality.
//!
//! `null` < `false` < `true` < numbers < strings < arrays < objects. Strings are compared as ArangoDB's collation for
//! `en_US` does it, as far as letters, digits, punctuation, Latin accents and case go: first without accents and case,
//! then by accents, then lower before upper case, and in the end by code point so that only equal strings are equal.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use super::{Object, Text, Value};

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Int(_) | Value::Double(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}

/// ArangoDB's order.
pub(crate) fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Int(left), Value::Int(right)) => left.cmp(right),
        (Value::Int(_) | Value::Double(_), Value::Int(_) | Value::Double(_)) => {
            left.to_f64().partial_cmp(&right.to_f64()).unwrap_or(Ordering::Equal)
        }
        (Value::String(left), Value::String(right)) => collate(left, right),
        (Value::Array(left), Value::Array(right)) => {
            let pairs = left.items.iter().zip(&right.items);
            pairs
                .map(|(left, right)| compare(left, right))
                .find(|order| *order != Ordering::Equal)
                .unwrap_or_else(|| left.items.len().cmp(&right.items.len()))
        }
        (Value::Object(left), Value::Object(right)) => compare_objects(left, right),
        _ => rank(left).cmp(&rank(right)),
    }
}

/// Attribute by attribute in the order of all names; one that is missing counts as `null`.
fn compare_objects(left: &Object, right: &Object) -> Ordering {
    let mut names: Vec<&Text> = left.iter().chain(right.iter()).map(|(name, _)| name).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let order = compare(
            left.get(name).unwrap_or(&Value::Null),
            right.get(name).unwrap_or(&Value::Null),
        );
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

/// ArangoDB's equality.
pub(crate) fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::String(left), Value::String(right)) => left == right,
        (Value::Array(left), Value::Array(right)) => {
            left.items.len() == right.items.len()
                && left
                    .items
                    .iter()
                    .zip(&right.items)
                    .all(|(left, right)| equal(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            let covers = |some: &Object, other: &Object| {
                some.iter()
                    .all(|(name, value)| equal(value, other.get(name).unwrap_or(&Value::Null)))
            };
            covers(left, right) && covers(right, left)
        }
        _ => compare(left, right) == Ordering::Equal,
    }
}

/// A value as key of a hash table, by ArangoDB's equality.
#[derive(Clone, Debug)]
pub(crate) struct ByValue(pub(crate) Value);

impl PartialEq for ByValue {
    fn eq(&self, other: &Self) -> bool {
        equal(&self.0, &other.0)
    }
}

impl Eq for ByValue {}

impl Hash for ByValue {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(digest(&self.0));
    }
}

/// A hash that is the same for equal values and over runs; also what `HASH` returns.
pub(crate) fn digest(value: &Value) -> u64 {
    let mix = |kind: u8, bytes: &[u8]| {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ u64::from(kind);
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        hash
    };
    match value {
        Value::Null => mix(0, &[]),
        Value::Bool(value) => mix(1, &[u8::from(*value)]),
        Value::Int(_) | Value::Double(_) => mix(2, &(value.to_f64() + 0.0).to_bits().to_le_bytes()),
        Value::String(text) => mix(3, text.as_bytes()),
        Value::Array(array) => array
            .items
            .iter()
            .fold(mix(4, &[]), |hash, item| mix(4, &(hash ^ digest(item)).to_le_bytes())),
        // Neither the order of the attributes nor those that are null matter.
        Value::Object(object) => {
            object
                .iter()
                .filter(|(_, value)| !value.is_null())
                .fold(mix(5, &[]), |hash, (name, value)| {
                    hash.wrapping_add(mix(
                        5,
                        &(mix(3, name.as_bytes()) ^ digest(value).rotate_left(17)).to_le_bytes(),
                    ))
                })
        }
    }
}

/// Compares two strings as ArangoDB's default collation does it.
pub(crate) fn collate(left: &str, right: &str) -> Ordering {
    if left == right {
        return Ordering::Equal;
    }
    by_key(left, right, |weight| weight.primary)
        .then_with(|| by_key(left, right, |weight| weight.accent))
        .then_with(|| by_key(left, right, |weight| weight.upper))
        .then_with(|| left.cmp(right))
}

fn by_key(left: &str, right: &str, key: impl Fn(Weight) -> u32) -> Ordering {
    left.chars()
        .map(weight)
        .map(&key)
        .cmp(right.chars().map(weight).map(&key))
}

#[derive(Clone, Copy)]
struct Weight {
    primary: u32,
    accent: u32,
    upper: u32,
}

/// The order of ASCII punctuation in the root collation.
const PUNCTUATION: &str = "\t\n\u{b}\u{c}\r _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$";

fn weight(character: char) -> Weight {
    let (base, accent) = unaccented(character);
    let lower = base.to_lowercase().next().unwrap_or(base);
    let primary = match lower {
        '0'..='9' => 0x100 + u32::from(lower),
        'a'..='z' => 0x200 + u32::from(lower),
        _ if lower.is_ascii() => PUNCTUATION
            .chars()
            .position(|known| known == lower)
            .and_then(|place| u32::try_from(place).ok())
            .unwrap_or(0),
        _ => 0x1000 + u32::from(lower),
    };
    Weight {
        primary,
        accent,
        upper: u32::from(base.is_uppercase()),
    }
}

/// A Latin letter without its accent, and a number for the accent.
fn unaccented(character: char) -> (char, u32) {
    let bases: [(char, &str); 24] = [
        ('A', "ÀÁÂÃÄÅĀĂĄ"),
        ('a', "àáâãäåāăą"),
        ('C', "ÇĆĈĊČ"),
        ('c', "çćĉċč"),
        ('E', "ÈÉÊËĒĔĖĘĚ"),
        ('e', "èéêëēĕėęě"),
        ('I', "ÌÍÎÏĪĬĮ"),
        ('i', "ìíîïīĭį"),
        ('N', "ÑŃŅŇ"),
        ('n', "ñńņň"),
        ('O', "ÒÓÔÕÖØŌŎŐ"),
        ('o', "òóôõöøōŏő"),
        ('S', "ŚŜŞŠ"),
        ('s', "śŝşš"),
        ('U', "ÙÚÛÜŪŬŮŰ"),
        ('u', "ùúûüūŭůű"),
        ('Y', "ÝŸ"),
        ('y', "ýÿ"),
        ('Z', "ŹŻŽ"),
        ('z', "źżž"),
        ('G', "ĜĞĠĢ"),
        ('g', "ĝğġģ"),
        ('L', "ĹĻĽŁ"),
        ('l', "ĺļľł"),
    ];
    if character.is_ascii() {
        return (character, 0);
    }
    for (base, accented) in bases {
        if let Some(place) = accented.chars().position(|known| known == character) {
            return (base, u32::try_from(place).unwrap_or(0) + 1);
        }
    }
    (character, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        Value::from_json(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn the_order_of_the_manual() {
        // The manual's list of values in ascending order ("Type and value order").
        let ascending = [
            "null",
            "false",
            "true",
            "0",
            "1",
            "1.5",
            "2",
            "\"\"",
            "\" \"",
            "\"0\"",
            "\"a\"",
            "\"A\"",
            "\"b\"",
            "[]",
            "[0]",
            "[0,2]",
            "[1]",
            "[\"\"]",
            "{}",
            "{\"c\":1}",
            "{\"b\":1}",
            "{\"a\":1}",
        ];
        for (index, left) in ascending.iter().enumerate() {
            for (other, right) in ascending.iter().enumerate() {
                assert_eq!(
                    compare(&value(left), &value(right)),
                    index.cmp(&other),
                    "{left} against {right}"
                );
                assert_eq!(
                    equal(&value(left), &value(right)),
                    index == other,
                    "{left} equals {right}"
                );
            }
        }
    }

    #[test]
    fn equal_values_have_equal_hashes() {
        for (left, right) in [
            ("1", "1.0"),
            ("{\"a\":1,\"b\":[2]}", "{\"b\":[2.0],\"a\":1}"),
            ("{\"a\":null}", "{}"),
            ("0", "-0.0"),
        ] {
            assert!(equal(&value(left), &value(right)), "{left} {right}");
            assert_eq!(digest(&value(left)), digest(&value(right)), "{left} {right}");
        }
    }

    #[test]
    fn strings_are_collated() {
        let mut words = vec![
            "Banana", "apple", "ähnlich", "zebra", "Apple", "_x", "1a", "azure", "é", "e",
        ];
        words.sort_by(|left, right| collate(left, right));
        assert_eq!(
            words,
            [
                "_x", "1a", "ähnlich", "apple", "Apple", "azure", "Banana", "e", "é", "zebra"
            ]
        );
    }
}
