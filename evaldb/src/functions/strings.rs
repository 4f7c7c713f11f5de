//! String functions.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Entry, MANY, arg, check_size, wrong_type};
use crate::error::{ArangoError, Result};
use crate::eval::Evaluator;
use crate::value::{Object, Text, Value};

pub(super) const TABLE: &[Entry] = &[
    ("CHAR_LENGTH", 1, 1, |_, args| {
        Ok(Value::count(text(args, 0).chars().count()))
    }),
    ("CONCAT", 1, MANY, |_, args| concat(args, "")),
    ("CONCAT_SEPARATOR", 2, MANY, |_, args| {
        let separator = text(args, 0);
        concat(args.get(1..).unwrap_or_default(), &separator)
    }),
    ("CONTAINS", 2, 3, |_, args| {
        let (haystack, needle) = (text(args, 0), text(args, 1));
        let place = haystack
            .find(&*needle)
            .and_then(|byte| haystack.get(..byte))
            .map(|before| before.chars().count());
        Ok(if arg(args, 2).is_true() {
            place.map_or(Value::Int(-1), Value::count)
        } else {
            Value::Bool(place.is_some())
        })
    }),
    ("ENCODE_URI_COMPONENT", 1, 1, |_, args| {
        let mut out = String::new();
        for byte in text(args, 0).bytes() {
            if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
                out.push(char::from(byte));
            } else {
                let _ = write!(out, "%{byte:02X}");
            }
        }
        Ok(out.into())
    }),
    ("FIND_FIRST", 2, 4, |_, args| Ok(find(args, false))),
    ("FIND_LAST", 2, 4, |_, args| Ok(find(args, true))),
    ("IPV4_FROM_NUMBER", 1, 1, |this, args| {
        match u32::try_from(arg(args, 0).to_i64())
            .ok()
            .filter(|_| arg(args, 0).is_number())
        {
            Some(number) => Ok(std::net::Ipv4Addr::from(number).to_string().into()),
            None => wrong_type(this, "IPV4_FROM_NUMBER"),
        }
    }),
    ("IPV4_TO_NUMBER", 1, 1, |this, args| {
        match arg(args, 0).as_str().and_then(ipv4) {
            Some(address) => Ok(Value::Int(i64::from(u32::from(address)))),
            None => wrong_type(this, "IPV4_TO_NUMBER"),
        }
    }),
    ("IS_IPV4", 1, 1, |_, args| {
        Ok(arg(args, 0).as_str().and_then(ipv4).is_some().into())
    }),
    ("JSON_PARSE", 1, 1, |this, args| match arg(args, 0) {
        Value::String(text) => Ok(serde_json::from_str(text).unwrap_or_default()),
        _ => wrong_type(this, "JSON_PARSE"),
    }),
    ("JSON_STRINGIFY", 1, 1, |_, args| Ok(arg(args, 0).to_json_text().into())),
    ("LEFT", 2, 2, |_, args| {
        Ok(text(args, 0)
            .chars()
            .take(arg(args, 1).to_usize())
            .collect::<String>()
            .into())
    }),
    ("RIGHT", 2, 2, |_, args| {
        let text = text(args, 0);
        let skipped = text.chars().count().saturating_sub(arg(args, 1).to_usize());
        Ok(text.chars().skip(skipped).collect::<String>().into())
    }),
    ("LIKE", 2, 3, like),
    ("LOWER", 1, 1, |_, args| Ok(text(args, 0).to_lowercase().into())),
    ("UPPER", 1, 1, |_, args| Ok(text(args, 0).to_uppercase().into())),
    ("LTRIM", 1, 2, |_, args| Ok(trim(args, true, false))),
    ("RTRIM", 1, 2, |_, args| Ok(trim(args, false, true))),
    ("TRIM", 1, 2, |_, args| {
        Ok(match arg(args, 1) {
            kind if kind.is_number() => trim_blanks(args, kind.to_i64() != 2, kind.to_i64() != 1),
            _ => trim(args, true, true),
        })
    }),
    ("RANDOM_TOKEN", 1, 1, |this, args| {
        let length = arg(args, 0).to_i64();
        if !(0..=65_536).contains(&length) {
            return Err(ArangoError::bad_parameter("RANDOM_TOKEN: length out of range"));
        }
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let mut letter = || {
            let place = usize::try_from(this.random() % LETTERS.len() as u64).unwrap_or(0);
            LETTERS.get(place).copied().map_or('A', char::from)
        };
        Ok((0..length).map(|_| letter()).collect::<String>().into())
    }),
    ("REGEX_MATCHES", 2, 3, regex_matches),
    ("REGEX_REPLACE", 3, 4, regex_replace),
    ("REGEX_SPLIT", 2, 4, regex_split),
    ("REGEX_TEST", 2, 3, |this, args| {
        let text = text(args, 0);
        regex(this, &self::text(args, 1), arg(args, 2).is_true(), |regex| {
            regex.is_match(&text).into()
        })
    }),
    ("REPEAT", 2, 3, |this, args| {
        let (value, times, separator) = (text(args, 0), arg(args, 1).to_i64(), text(args, 2));
        let Ok(times) = usize::try_from(times) else {
            return wrong_type(this, "REPEAT");
        };
        check_size((value.len() + separator.len()).saturating_mul(times))?;
        Ok(vec![&*value; times].join(&separator).into())
    }),
    ("SPLIT", 1, 3, split),
    ("SUBSTITUTE", 2, 4, substitute),
    ("SUBSTRING", 2, 3, |_, args| {
        let text = text(args, 0);
        let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
        let start = arg(args, 1).to_i64();
        let start = if start < 0 {
            start.saturating_add(length).max(0)
        } else {
            start
        };
        let count = args.get(2).map_or(usize::MAX, Value::to_usize);
        Ok(text
            .chars()
            .skip(usize::try_from(start).unwrap_or(usize::MAX))
            .take(count)
            .collect::<String>()
            .into())
    }),
    ("SUBSTRING_BYTES", 2, 5, substring_bytes),
    ("TO_BASE64", 1, 1, |_, args| {
        Ok(STANDARD.encode(text(args, 0).as_bytes()).into())
    }),
    ("TO_CHAR", 1, 1, |this, args| {
        match u32::try_from(arg(args, 0).to_i64())
            .ok()
            .and_then(char::from_u32)
            .filter(|_| arg(args, 0).is_number())
        {
            Some(character) => Ok(character.to_string().into()),
            None => wrong_type(this, "TO_CHAR"),
        }
    }),
    ("TO_HEX", 1, 1, |_, args| {
        let mut out = String::new();
        for byte in text(args, 0).bytes() {
            let _ = write!(out, "{byte:02x}");
        }
        Ok(out.into())
    }),
    ("UUID", 0, 0, |this, _| {
        let (high, low) = (this.random(), this.random());
        Ok(format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xfff,
            (low >> 48 & 0x3fff) | 0x8000,
            low & 0xffff_ffff_ffff
        )
        .into())
    }),
];

pub(super) fn text(args: &[Value], place: usize) -> Text {
    arg(args, place).to_text()
}

fn concat(args: &[Value], separator: &str) -> Result<Value> {
    let parts = match args {
        [Value::Array(array)] => array.items.as_slice(),
        _ => args,
    };
    let parts: Vec<Text> = parts
        .iter()
        .filter(|part| !part.is_null())
        .map(Value::to_text)
        .collect();
    check_size(parts.iter().map(|part| part.len() + separator.len()).sum())?;
    Ok(parts.join(separator).into())
}

/// `FIND_FIRST` and `FIND_LAST`: the place in characters within a part of the text, both ends included.
fn find(args: &[Value], last: bool) -> Value {
    let haystack: Vec<char> = text(args, 0).chars().collect();
    let needle: Vec<char> = text(args, 1).chars().collect();
    let start = arg(args, 2).to_i64();
    let length = i64::try_from(haystack.len()).unwrap_or(i64::MAX);
    let end = args.get(3).filter(|end| !end.is_null()).map(Value::to_i64);
    if start < 0 || end.is_some_and(|end| end < start) {
        return Value::Int(-1);
    }
    let stop = end.map_or(length, |end| end.saturating_add(1).min(length));
    let range = usize::try_from(start).unwrap_or(usize::MAX)..usize::try_from(stop).unwrap_or(0);
    let Some(part) = haystack.get(range) else {
        return Value::Int(-1);
    };
    if needle.is_empty() {
        return Value::Int(if last { stop } else { start });
    }
    let mut places = part
        .windows(needle.len())
        .enumerate()
        .filter(|(_, window)| *window == needle)
        .map(|(place, _)| place);
    let place = if last { places.next_back() } else { places.next() };
    place
        .and_then(|place| i64::try_from(place).ok())
        .map_or(Value::Int(-1), |place| Value::Int(place + start))
}

/// Four decimal numbers without padding.
fn ipv4(text: &str) -> Option<std::net::Ipv4Addr> {
    text.parse().ok()
}

fn like(this: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    let (value, pattern) = (text(args, 0), text(args, 1));
    regex(this, &like_pattern(&pattern), arg(args, 2).is_true(), |regex| {
        regex.is_match(&value).into()
    })
}

/// The regular expression of a `LIKE` pattern: `_` one character, `%` any number, a backslash takes the next literally.
fn like_pattern(pattern: &str) -> String {
    let mut out = String::from("(?s)^");
    let mut characters = pattern.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '%' => out.push_str(".*"),
            '_' => out.push('.'),
            '\\' => {
                let escaped = characters
                    .next_if(|next| matches!(next, '%' | '_' | '\\'))
                    .unwrap_or('\\');
                out.push_str(&regex::escape(&escaped.to_string()));
            }
            other => out.push_str(&regex::escape(&other.to_string())),
        }
    }
    out.push('$');
    out
}

/// Runs a function with a compiled pattern; a bad pattern gives `null` and a warning (1543).
fn regex(
    this: &mut Evaluator<'_>,
    pattern: &str,
    insensitive: bool,
    function: impl FnOnce(&regex::Regex) -> Value,
) -> Result<Value> {
    let key = (pattern.to_owned(), insensitive);
    if !this.regexes.contains_key(&key) {
        match regex::RegexBuilder::new(pattern).case_insensitive(insensitive).build() {
            Ok(compiled) => {
                this.regexes.insert(key.clone(), compiled);
            }
            Err(_) => {
                this.warn(1543, "invalid regex value")?;
                return Ok(Value::Null);
            }
        }
    }
    Ok(this.regexes.get(&key).map_or(Value::Null, function))
}

fn regex_matches(this: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    let value = text(args, 0);
    regex(this, &text(args, 1), arg(args, 2).is_true(), |regex| {
        match regex.captures(&value) {
            Some(found) => Value::array(
                found
                    .iter()
                    .map(|group| group.map_or_else(|| "".into(), |group| group.as_str().into()))
                    .collect(),
            ),
            None => Value::Null,
        }
    })
}

fn regex_replace(this: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    let (value, replacement) = (text(args, 0), text(args, 2));
    regex(this, &text(args, 1), arg(args, 3).is_true(), |regex| {
        regex.replace_all(&value, &*replacement).into_owned().into()
    })
}

fn regex_split(this: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    let value = text(args, 0);
    let limit = args
        .get(3)
        .filter(|limit| !limit.is_null())
        .map_or(usize::MAX, Value::to_usize);
    regex(this, &text(args, 1), arg(args, 2).is_true(), |regex| {
        // Groups of the pattern are kept between the parts, as ICU does it.
        let mut parts: Vec<Value> = Vec::new();
        let mut from = 0;
        for found in regex.captures_iter(&value) {
            let Some(whole) = found.get(0) else { continue };
            if whole.is_empty() && (whole.start() == 0 || whole.start() == value.len()) {
                continue;
            }
            parts.push(value.get(from..whole.start()).unwrap_or_default().into());
            parts.extend(
                found
                    .iter()
                    .skip(1)
                    .map(|group| group.map_or_else(|| "".into(), |group| group.as_str().into())),
            );
            from = whole.end();
        }
        parts.push(value.get(from..).unwrap_or_default().into());
        parts.truncate(limit);
        Value::array(parts)
    })
}

fn trim(args: &[Value], left: bool, right: bool) -> Value {
    match args.get(1) {
        None => trim_blanks(args, left, right),
        Some(characters) => {
            let characters: Vec<char> = characters.to_text().chars().collect();
            trimmed(&text(args, 0), left, right, |character| characters.contains(&character))
        }
    }
}

fn trim_blanks(args: &[Value], left: bool, right: bool) -> Value {
    trimmed(&text(args, 0), left, right, char::is_whitespace)
}

fn trimmed(text: &str, left: bool, right: bool, unwanted: impl Fn(char) -> bool) -> Value {
    let text = if left { text.trim_start_matches(&unwanted) } else { text };
    let text = if right { text.trim_end_matches(&unwanted) } else { text };
    text.into()
}

fn split(this: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    let value = text(args, 0);
    let Some(separator) = args.get(1) else {
        return Ok(Value::array(vec![arg(args, 0).clone()]));
    };
    let limit = match args.get(2) {
        None | Some(Value::Null) => usize::MAX,
        Some(limit) if limit.to_i64() < 0 => return wrong_type(this, "SPLIT"),
        Some(limit) => limit.to_usize(),
    };
    let separators: Vec<Text> = match separator {
        Value::Array(array) => array.items.iter().map(Value::to_text).collect(),
        other => vec![other.to_text()],
    };
    let mut parts: Vec<Value> = Vec::new();
    if separators.iter().any(|separator| separator.is_empty()) {
        parts.extend(value.chars().map(|character| character.to_string().into()));
    } else {
        let mut rest: &str = &value;
        while let Some((place, length)) = separators
            .iter()
            .filter_map(|separator| rest.find(&**separator).map(|place| (place, separator.len())))
            .min_by_key(|(place, length)| (*place, usize::MAX - length))
        {
            parts.push(rest.get(..place).unwrap_or_default().into());
            rest = rest.get(place + length..).unwrap_or_default();
        }
        parts.push(rest.into());
    }
    parts.truncate(limit);
    Ok(Value::array(parts))
}

fn substitute(_: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    let value = text(args, 0);
    let limited = |limit: Option<&Value>| {
        limit
            .filter(|limit| !limit.is_null())
            .map_or(usize::MAX, Value::to_usize)
    };
    let (pairs, limit): (Vec<(Text, Text)>, usize) = match arg(args, 1) {
        Value::Object(mapping) => (table(mapping), limited(args.get(2))),
        Value::Array(searches) => {
            let replacement = |place: usize| match arg(args, 2) {
                Value::Array(list) => list.items.get(place).map_or_else(|| Text::from(""), Value::to_text),
                other => other.to_text(),
            };
            let pairs = searches
                .items
                .iter()
                .enumerate()
                .map(|(place, search)| (search.to_text(), replacement(place)));
            (pairs.collect(), limited(args.get(3)))
        }
        search => (vec![(search.to_text(), text(args, 2))], limited(args.get(3))),
    };
    let pairs: Vec<_> = pairs.into_iter().filter(|(search, _)| !search.is_empty()).collect();
    let mut out = String::new();
    let mut rest: &str = &value;
    for _ in 0..limit {
        let found = pairs
            .iter()
            .filter_map(|(search, replacement)| rest.find(&**search).map(|place| (place, search, replacement)))
            .min_by_key(|(place, search, _)| (*place, usize::MAX - search.len()));
        let Some((place, search, replacement)) = found else {
            break;
        };
        out.push_str(rest.get(..place).unwrap_or_default());
        out.push_str(replacement);
        check_size(out.len())?;
        rest = rest.get(place + search.len()..).unwrap_or_default();
    }
    out.push_str(rest);
    Ok(out.into())
}

fn table(mapping: &Object) -> Vec<(Text, Text)> {
    mapping
        .iter()
        .map(|(search, replacement)| (search.clone(), replacement.to_text()))
        .collect()
}

/// A part by byte positions; it must begin and end between characters.
fn substring_bytes(this: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    let text = text(args, 0);
    let length = i64::try_from(text.len()).unwrap_or(i64::MAX);
    let start = arg(args, 1).to_i64();
    let start = if start < 0 {
        start.saturating_add(length).max(0)
    } else {
        start.min(length)
    };
    let end = match args.get(2).filter(|count| !count.is_null()) {
        None => length,
        Some(count) => start.saturating_add(count.to_i64().max(0)).min(length),
    };
    // The context arguments widen the part by so many characters on either side.
    let left = arg(args, 3).to_usize();
    let right = args.get(4).map_or(left, Value::to_usize);
    let (start, end) = (usize::try_from(start).unwrap_or(0), usize::try_from(end).unwrap_or(0));
    match (text.get(..start), text.get(start..end), text.get(end..)) {
        (Some(before), Some(part), Some(after)) => {
            let before: String = before
                .chars()
                .rev()
                .take(left)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .collect();
            let after: String = after.chars().take(right).collect();
            Ok(format!("{before}{part}{after}").into())
        }
        _ => wrong_type(this, "SUBSTRING_BYTES"),
    }
}
