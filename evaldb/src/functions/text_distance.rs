//! Similarity of strings: Levenshtein, n-grams, Soundex.

use super::strings::text;
use super::{Entry, arg, wrong_type};
use crate::error::Result;
use crate::eval::Evaluator;
use crate::value::{Text, Value};

pub(super) const TABLE: &[Entry] = &[
    ("LEVENSHTEIN_DISTANCE", 2, 2, |_, args| {
        Ok(Value::count(distance(
            &characters(args, 0),
            &characters(args, 1),
            false,
        )))
    }),
    ("LEVENSHTEIN_MATCH", 3, 6, |_, args| {
        let transpositions = args.get(3).is_none_or(Value::is_true);
        let found = distance(&characters(args, 0), &characters(args, 1), transpositions);
        Ok(Value::Bool(found <= arg(args, 2).to_usize()))
    }),
    ("NGRAM_SIMILARITY", 3, 3, |this, args| {
        ngram(this, args, "NGRAM_SIMILARITY", false)
    }),
    ("NGRAM_POSITIONAL_SIMILARITY", 3, 3, |this, args| {
        ngram(this, args, "NGRAM_POSITIONAL_SIMILARITY", true)
    }),
    ("NGRAM_MATCH", 2, 4, ngram_match),
    ("SOUNDEX", 1, 1, |_, args| Ok(soundex(&text(args, 0)).into())),
];

fn characters(args: &[Value], place: usize) -> Vec<char> {
    text(args, place).chars().collect()
}

/// The edit distance; with transpositions, that of Damerau and Levenshtein.
fn distance(left: &[char], right: &[char], transpositions: bool) -> usize {
    let mut rows: Vec<Vec<usize>> = vec![(0..=right.len()).collect()];
    let at = |rows: &Vec<Vec<usize>>, row: usize, column: usize| {
        rows.get(row)
            .and_then(|row| row.get(column))
            .copied()
            .unwrap_or(usize::MAX - 1)
    };
    for (i, from) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in right.iter().enumerate() {
            let before = row.last().copied().unwrap_or(0);
            let mut best = (at(&rows, i, j) + usize::from(from != to))
                .min(at(&rows, i, j + 1) + 1)
                .min(before + 1);
            let swapped =
                transpositions && i > 0 && j > 0 && left.get(i - 1) == Some(to) && right.get(j - 1) == Some(from);
            if swapped {
                best = best.min(at(&rows, i - 1, j - 1) + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    at(&rows, left.len(), right.len())
}

fn grams(text: &Text, size: usize) -> Vec<Vec<char>> {
    let characters: Vec<char> = text.chars().collect();
    characters.windows(size).map(<[char]>::to_vec).collect()
}

/// Length of the longest common sequence of n-grams, partial matches counted where positions matter.
#[allow(clippy::cast_precision_loss, reason = "no text has 2^53 n-grams")]
fn common(left: &[Vec<char>], right: &[Vec<char>], positional: bool) -> f64 {
    let mut before = vec![0.0; right.len() + 1];
    for from in left {
        let mut row = vec![0.0];
        for (place, to) in right.iter().enumerate() {
            let same = if positional {
                from.iter().zip(to).filter(|(a, b)| a == b).count() as f64 / from.len() as f64
            } else {
                f64::from(u8::from(from == to))
            };
            let diagonal = before.get(place).copied().unwrap_or(0.0) + same;
            let above = before.get(place + 1).copied().unwrap_or(0.0);
            let beside = row.last().copied().unwrap_or(0.0);
            row.push(diagonal.max(above).max(beside));
        }
        before = row;
    }
    before.last().copied().unwrap_or(0.0)
}

#[allow(clippy::cast_precision_loss, reason = "no text has 2^53 n-grams")]
fn ngram(evaluator: &mut Evaluator<'_>, args: &[Value], name: &str, positional: bool) -> Result<Value> {
    let size = arg(args, 2).to_usize();
    if size == 0 {
        return wrong_type(evaluator, name);
    }
    let (left, right) = (grams(&text(args, 0), size), grams(&text(args, 1), size));
    let longest = if positional {
        left.len().max(right.len())
    } else {
        right.len()
    };
    if left.is_empty() || right.is_empty() {
        return Ok(Value::number(f64::from(u8::from(text(args, 0) == text(args, 1)))));
    }
    Ok(Value::number(common(&left, &right, positional) / longest as f64))
}

/// Whether enough of the target's bigrams occur in the same order.
#[allow(clippy::cast_precision_loss, reason = "no text has 2^53 n-grams")]
fn ngram_match(_: &mut Evaluator<'_>, args: &[Value]) -> Result<Value> {
    let threshold = args.get(2).filter(|value| value.is_number()).map_or(0.7, Value::to_f64);
    let (left, right) = (grams(&text(args, 0), 2), grams(&text(args, 1), 2));
    if right.is_empty() {
        return Ok(Value::Bool(text(args, 0) == text(args, 1)));
    }
    Ok(Value::Bool(
        common(&left, &right, false) / right.len() as f64 >= threshold,
    ))
}

fn soundex(text: &str) -> String {
    let code = |letter: char| match letter {
        'B' | 'F' | 'P' | 'V' => '1',
        'C' | 'G' | 'J' | 'K' | 'Q' | 'S' | 'X' | 'Z' => '2',
        'D' | 'T' => '3',
        'L' => '4',
        'M' | 'N' => '5',
        'R' => '6',
        _ => '0',
    };
    let letters: Vec<char> = text
        .chars()
        .filter(char::is_ascii_alphabetic)
        .map(|letter| letter.to_ascii_uppercase())
        .collect();
    let Some((first, rest)) = letters.split_first() else {
        return String::new();
    };
    let mut out = String::from(*first);
    let mut last = code(*first);
    for letter in rest {
        let digit = code(*letter);
        if digit != '0' && digit != last {
            out.push(digit);
        }
        // H and W do not separate letters of the same code.
        if !matches!(letter, 'H' | 'W') {
            last = digit;
        }
    }
    out.extend(std::iter::repeat_n('0', 4_usize.saturating_sub(out.len())));
    out.truncate(4);
    out
}
