//! Printing: the canonical spelling, and that reading it back gives the same tree.

use super::super::ast::Query;
use super::super::parse;

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

#[track_caller]
fn round_trip(text: &str) -> String {
    let query = parse(text).unwrap_or_else(|error| panic!("{}", error.render(text, "query")));
    let printed = query.to_string();
    let again = parse(&printed).unwrap_or_else(|error| panic!("{}", error.render(&printed, text)));
    assert_eq!(tree(&query), tree(&again), "{text}\n{printed}");
    assert_eq!(printed, again.to_string());
    printed
}

#[test]
fn printing_keeps_the_tree_and_drops_needless_parentheses() {
    for (text, printed) in [
        ("return ((1+2))*3", "RETURN (1 + 2) * 3"),
        ("RETURN 1+(2*3)", "RETURN 1 + 2 * 3"),
        ("RETURN a-(b-c)", "RETURN a - (b - c)"),
        ("RETURN !a == b", "RETURN NOT a == b"),
        ("RETURN !(a == b)", "RETURN NOT (a == b)"),
        ("RETURN a ? b : c ? d : e", "RETURN a ? b : c ? d : e"),
        ("RETURN (a ? b : c) ? d : e", "RETURN (a ? b : c) ? d : e"),
        ("RETURN a ?: b", "RETURN a ? : b"),
        ("RETURN a == (b NOT LIKE c)", "RETURN a == (b NOT LIKE c)"),
        ("RETURN a == b NOT LIKE c", "RETURN a == (b NOT LIKE c)"),
        ("RETURN (a == b) NOT LIKE c", "RETURN (a == b) NOT LIKE c"),
        ("RETURN a NOT LIKE b IN c", "RETURN a NOT LIKE b IN c"),
        ("RETURN (a NOT LIKE b) IN c", "RETURN (a NOT LIKE b) IN c"),
        ("RETURN a NOT !~ b", "RETURN a =~ b"),
        ("RETURN a AND b ALL == c", "RETURN a AND b ALL == c"),
        ("RETURN (a AND b) ALL == c", "RETURN (a AND b) ALL == c"),
        ("RETURN a AT LEAST (1+1) IN b", "RETURN a AT LEAST (1 + 1) IN b"),
        ("RETURN ('abc')[0]", r#"RETURN ("abc")[0]"#),
        ("RETURN (-1).a", "RETURN (-1).a"),
        ("RETURN a[*].b[*].c[*].d", "RETURN a[*].b[*].c[*].d"),
        ("RETURN (a[*]).b", "RETURN (a[*]).b"),
        ("RETURN a[*].b[**].c", "RETURN (a[*].b)[**].c"),
        (
            "RETURN (a[* FILTER CURRENT.x LIMIT 1, 2 RETURN CURRENT.y]).z",
            "RETURN (a[* FILTER CURRENT.x LIMIT 1, 2 RETURN CURRENT.y]).z",
        ),
        (
            "RETURN a[*].b[? 2..3 FILTER CURRENT > 1].c",
            "RETURN a[*].b[? 2..3 FILTER CURRENT > 1].c",
        ),
        (
            "LET CURRENT = 1 RETURN a[* RETURN $CURRENT + CURRENT]",
            "LET CURRENT = 1 RETURN a[* RETURN $CURRENT + CURRENT]",
        ),
        (
            "RETURN {a: 1, 'b c': 2, [d]: 3, @e: 4, `for`: 5}",
            r#"RETURN {a: 1, "b c": 2, [d]: 3, @e: 4, "for": 5}"#,
        ),
        ("RETURN d.`a b`.`\\``", "RETURN d.`a b`.`\\``"),
        (
            "RETURN `a::b c`(1) + my::fn(2) + like('a', 'b')",
            "RETURN `A::B C`(1) + MY::FN(2) + LIKE(\"a\", \"b\")",
        ),
        (
            "RETURN [1.0, 1e300, 9223372036854775808, 1e999, 0x1f]",
            "RETURN [1.0, 1e300, 9.223372036854776e18, null, 31]",
        ),
        ("RETURN 'tab\\tand\\u0001'", "RETURN \"tab\\tand\\u0001\""),
        ("FOR x IN OLD RETURN x", "FOR x IN `OLD` RETURN x"),
        (
            "LET [a, , b, ,] = x, {c, d: {e}, `f g`: h} = y RETURN a",
            "LET [a, , b, ,] = x, {c: c, d: {e: e}, `f g`: h} = y RETURN a",
        ),
        (
            "RETURN LENGTH(FOR x IN y RETURN x)",
            "RETURN LENGTH(FOR x IN y RETURN x)",
        ),
        (
            "WITH a b, @@c FOR v IN 1..2 ANY 's/1' e, INBOUND @f PRUNE p = v.x == 1 OPTIONS {bfs: true} RETURN p",
            "WITH a, b, @@c FOR v IN 1..2 ANY \"s/1\" e, INBOUND @f PRUNE p = v.x == 1 OPTIONS {bfs: true} RETURN p",
        ),
        (
            "FOR v IN (@a OR @b) ANY (c OR d) ANY e RETURN v",
            "FOR v IN (@a OR @b) ANY (c OR d) ANY e RETURN v",
        ),
        (
            "FOR p IN 1..3 OUTBOUND K_PATHS 'a/1' to @t GRAPH g RETURN p",
            "FOR p IN 1..3 OUTBOUND K_PATHS \"a/1\" TO @t GRAPH \"g\" RETURN p",
        ),
        (
            "FOR d IN c COLLECT a = d.x AGGREGATE m = max(d.y) INTO g OPTIONS {method: 'sorted'} RETURN g",
            "FOR d IN c COLLECT a = d.x AGGREGATE m = MAX(d.y) INTO g OPTIONS {method: \"sorted\"} RETURN g",
        ),
        (
            "FOR d IN c COLLECT a = d.x INTO g KEEP d RETURN g",
            "FOR d IN c COLLECT a = d.x INTO g KEEP d RETURN g",
        ),
        (
            "FOR d IN c COLLECT WITH COUNT INTO n RETURN n",
            "FOR d IN c COLLECT WITH COUNT INTO n RETURN n",
        ),
        (
            "FOR d IN c WINDOW d.t WITH {preceding: 1} AGGREGATE s = SUM(d.x) RETURN s",
            "FOR d IN c WINDOW d.t WITH {preceding: 1} AGGREGATE s = SUM(d.x) RETURN s",
        ),
        ("REMOVE a IN b IN c", "REMOVE (a IN b) IN c"),
        (
            "UPSERT {a: 1} INSERT {} REPLACE {b: OLD.b} INTO c OPTIONS {exclusive: true} RETURN NEW",
            "UPSERT {a: 1} INSERT {} REPLACE {b: OLD.b} IN c OPTIONS {exclusive: true} RETURN NEW",
        ),
        (
            "UPSERT FILTER CURRENT.a == 1 INSERT {} UPDATE {} IN c",
            "UPSERT FILTER CURRENT.a == 1 INSERT {} UPDATE {} IN c",
        ),
        (
            "FOR d IN v SEARCH d.x IN [1] OPTIONS {collections: ['a']} SORT d.x 'desc', d.y DESC LIMIT @o, 3 RETURN DISTINCT d",
            "FOR d IN v SEARCH d.x IN [1] OPTIONS {collections: [\"a\"]} SORT d.x \"desc\", d.y DESC LIMIT @o, 3 RETURN DISTINCT d",
        ),
    ] {
        assert_eq!(round_trip(text), printed);
    }
}

#[test]
fn deep_trees_and_long_lists_come_back() {
    round_trip(&format!("RETURN {}1{}", "[".repeat(180), "]".repeat(180)));
    round_trip(&format!("RETURN 1{}", " + 1".repeat(490)));
    round_trip(&format!("RETURN {}1", "-".repeat(180)));
    round_trip(&format!("RETURN [{}1]", "1, ".repeat(10_000)));
}
