//! What must hold for any text: it is a tree or an error; a tree's printed form has the same tree; the normal form does not
//! change with layout. The fuzz target runs it, and `tests/aql_fuzzed.rs` on the kept corpus.

use mallku_db::aql::{self, ParseLimits, ast::Query};

pub(crate) fn check(text: &str) {
    let limits = ParseLimits::default();
    let (query, form) = match aql::normalise(text, &limits) {
        Ok(parsed) => parsed,
        Err(error) => {
            assert!(error.span.start <= error.span.end && error.span.end as usize <= text.len());
            assert!(text.is_char_boundary(error.span.start as usize) && text.is_char_boundary(error.span.end as usize));
            assert!(error.render(text, "query").len() < 4096);
            let _ = error.arangodb_message(text);
            return;
        }
    };
    // Parentheses that printing adds may cross a limit that the text kept just within.
    let printed = query.to_string();
    if let Ok(again) = aql::parse_with(&printed, &ParseLimits::WIDEST) {
        assert_eq!(tree(&query), tree(&again), "{printed}");
    } else {
        assert!(text.len() > 400, "{printed}");
    }
    if let Ok((_, same)) = aql::normalise(&format!("\n{text}\n"), &ParseLimits::WIDEST) {
        assert_eq!(form, same);
    } else {
        panic!("a blank line made a difference");
    }
}

/// The tree without its spans.
fn tree(query: &Query) -> String {
    let text = format!("{query:?}");
    let mut parts = text.split("Span { start: ");
    let mut tree = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        tree.push_str(part.split_once('}').map_or(part, |(_, rest)| rest));
    }
    tree
}
