//! What a schema takes for certain of values that are computed when a query runs: numbers within bounds, and times as
//! `DATE_ISO8601` writes them.

use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::{Input, nfa::thompson, util::syntax};

use super::json::Node;
use super::vocabulary::keyword;

/// Numbers from `low` to `high`, both included; infinite where there is no bound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// The least.
    pub low: f64,
    /// The greatest.
    pub high: f64,
}

/// What a schema takes for certain, beside what its types say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Takes {
    /// Every number within these bounds, and no other; `None`: the schema asks more of a number.
    pub numbers: Option<Bounds>,
    /// Every time from 1970 to 2999 in the form `2026-01-02T03:04:05.678Z`.
    pub times: bool,
}

/// Whole numbers beyond this are not told apart by a double.
pub const EXACT: f64 = 9_007_199_254_740_992.0;

impl Bounds {
    /// Any number.
    pub const ALL: Self = Self {
        low: f64::NEG_INFINITY,
        high: f64::INFINITY,
    };

    /// Whether all of these numbers are among the others.
    pub fn within(self, other: Self) -> bool {
        self.low >= other.low && self.high <= other.high
    }

    /// The least bounds around both.
    #[must_use]
    pub fn around(self, other: Self) -> Self {
        Self {
            low: self.low.min(other.low),
            high: self.high.max(other.high),
        }
    }

    fn common(self, other: Self) -> Self {
        Self {
            low: self.low.max(other.low),
            high: self.high.min(other.high),
        }
    }
}

impl Takes {
    /// Anything.
    pub(super) const ALL: Self = Self {
        numbers: Some(Bounds::ALL),
        times: true,
    };
    /// Nothing for certain.
    pub(super) const NOTHING: Self = Self {
        numbers: None,
        times: false,
    };

    /// What the keywords of a schema itself leave.
    pub(super) fn of(node: &Node) -> Self {
        node.members().iter().fold(Self::ALL, |takes, member| {
            let number = || member.value.to_value().as_f64().filter(|number| number.abs() <= EXACT);
            let bounds = |bounds: Option<Bounds>| Self {
                numbers: takes.numbers.zip(bounds).map(|(left, right)| left.common(right)),
                ..takes
            };
            let from = |low: f64| Bounds { low, ..Bounds::ALL };
            let to = |high: f64| Bounds { high, ..Bounds::ALL };
            let times = |times: bool| Self {
                times: takes.times && times,
                ..takes
            };
            match member.key.as_str() {
                "minimum" => bounds(number().map(from)),
                "exclusiveMinimum" => bounds(number().map(|low| from(low.next_up()))),
                "maximum" => bounds(number().map(to)),
                "exclusiveMaximum" => bounds(number().map(|high| to(high.next_down()))),
                "multipleOf" => bounds(None),
                "minLength" => times(number().is_some_and(|least| least <= LENGTH)),
                "maxLength" => times(number().is_some_and(|most| most >= LENGTH)),
                "pattern" => times(member.value.text().is_some_and(takes_every_time)),
                // Of arrays and objects alone.
                "maxItems"
                | "minItems"
                | "uniqueItems"
                | "maxContains"
                | "minContains"
                | "contains"
                | "prefixItems"
                | "additionalItems"
                | "unevaluatedItems"
                | "maxProperties"
                | "minProperties"
                | "dependentRequired"
                | "propertyNames"
                | "unevaluatedProperties" => takes,
                other if keyword(other).is_some_and(|word| word.constrains) => Self::NOTHING,
                _ => takes,
            }
        })
    }

    /// What two schemas take of which a value keeps one, told by its type; numbers are of this one.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            numbers: self.numbers.filter(|_| other.numbers.is_some()),
            times: self.times && other.times,
        }
    }

    /// What two schemas take that both hold.
    pub(super) fn both(self, other: Self) -> Self {
        Self {
            numbers: self.numbers.zip(other.numbers).map(|(left, right)| left.common(right)),
            times: self.times && other.times,
        }
    }
}

/// The length of such a time.
const LENGTH: f64 = 24.0;

/// Whether a pattern matches every time from 1970 to 2999 in the form `2026-01-02T03:04:05.678Z`.
///
/// All of them go through the pattern's automaton at once: after each part of the text, the states that it may be in.
/// What the automaton cannot do (look-around) and what the two dialects may read differently counts as no match.
fn takes_every_time(pattern: &str) -> bool {
    same_in_both_dialects(pattern) && every_time_matches(pattern).unwrap_or(false)
}

/// Whether ECMAScript and the automaton's own dialect certainly read a pattern alike, on ASCII texts.
fn same_in_both_dialects(pattern: &str) -> bool {
    if !pattern.is_ascii() || pattern.contains("{,") || pattern.replace("(?:", "(").contains("(?") {
        return false;
    }
    let mut class = false;
    let mut before = ' ';
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        let same = match character {
            '\\' => characters
                .next()
                .is_some_and(|escaped| "dDwWsS".contains(escaped) || escaped.is_ascii_punctuation()),
            // `[[]`, `[a&&b]`, `[a--b]`, `[a~~b]` are operations on classes here and characters there; `[]` and `[^]`
            // begin a class here and are one there.
            '[' => !std::mem::replace(&mut class, true),
            '&' | '-' | '~' => !class || before != character,
            ']' if class => {
                class = false;
                before != '[' && before != '^'
            }
            _ => true,
        };
        if !same {
            return false;
        }
        before = if character == '\\' { ' ' } else { character };
    }
    true
}

fn every_time_matches(pattern: &str) -> Option<bool> {
    let automaton = DFA::builder()
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .thompson(thompson::Config::new().utf8(false).nfa_size_limit(Some(1 << 20)))
        .build(pattern)
        .ok()?;
    let mut cache = automaton.create_cache();
    let mut states = vec![automaton.start_state_forward(&mut cache, &Input::new("")).ok()?];
    let numbers = |from: u16, to: u16, width: usize| (from..=to).map(|number| format!("{number:0width$}")).collect();
    let text = |text: &str| vec![text.to_owned()];
    let parts: [Vec<String>; 14] = [
        numbers(1970, 2999, 4),
        text("-"),
        numbers(1, 12, 2),
        text("-"),
        numbers(1, 31, 2),
        text("T"),
        numbers(0, 23, 2),
        text(":"),
        numbers(0, 59, 2),
        text(":"),
        numbers(0, 59, 2),
        text("."),
        numbers(0, 999, 3),
        text("Z"),
    ];
    for part in &parts {
        let mut next = Vec::new();
        for state in states {
            for text in part {
                let (state, matched) = follow(&automaton, &mut cache, state, text)?;
                if !matched && !next.contains(&state) {
                    next.push(state);
                }
            }
        }
        states = next;
    }
    for state in states {
        if !automaton.next_eoi_state(&mut cache, state).ok()?.is_match() {
            return Some(false);
        }
    }
    // A state is worth nothing once the cache was emptied.
    Some(cache.clear_count() == 0)
}

/// The state after a text, and whether the pattern has matched already.
fn follow(automaton: &DFA, cache: &mut Cache, state: LazyStateID, text: &str) -> Option<(LazyStateID, bool)> {
    let mut state = state;
    for byte in text.bytes() {
        state = automaton.next_state(cache, state, byte).ok()?;
        if state.is_match() {
            return Some((state, true));
        }
    }
    Some((state, false))
}

#[cfg(test)]
mod tests {
    use super::takes_every_time;

    #[test]
    fn patterns_that_every_time_keeps() {
        for pattern in [
            "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}",
            "^[0-9]{4}-[0-9]{2}-[0-9]{2}T",
            "^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])T([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d+)?(Z|[+-]\\d{2}:\\d{2})$",
            "T",
            "Z$",
            "^(?:19|2\\d)\\d{2}-",
            "",
        ] {
            assert!(takes_every_time(pattern), "{pattern}");
        }
    }

    #[test]
    fn patterns_that_some_time_breaks() {
        for pattern in [
            "^20\\d\\d-",
            "^\\d{4}-\\d{2}-\\d{2}$",
            "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}Z$",
            "^\\d{4}-\\d{2}-(0[1-9]|[12]\\d|30)T",
            "[1-9]Z$",
            "^[a-z]+$",
            "^(?=2)\\d",
            "^\\d{4}-\\d{2}-\\d{2}T\\A",
            "[[0-9]-",
            "^[\\d&&[2]]",
            "^[^]",
            "^\\d{,4}",
            "(?<year>\\d)",
        ] {
            assert!(!takes_every_time(pattern), "{pattern}");
        }
    }
}
