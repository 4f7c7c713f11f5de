//! What the module as a whole promises: bounded depth, linear time, trees as ArangoDB's grammar has them.

use super::ast::*;
use super::*;

/// Openings that nest, with their ends.
const NESTING: [(&str, &str); 23] = [
    ("[", "]"),
    ("(", ")"),
    ("-", ""),
    ("!", ""),
    ("(RETURN ", ")"),
    ("{a:", "}"),
    ("{[", "]:1}"),
    ("FIRST(", ")"),
    ("FIRST(RETURN ", ")"),
    ("1?1:", ""),
    ("1?", ":1"),
    ("a[", "]"),
    ("a[* FILTER ", "]"),
    ("a[? ALL FILTER ", "]"),
    ("a AT LEAST (", ") == 1"),
    ("1+(", ")"),
    ("[... ", "]"),
    ("(FOR x IN ", " RETURN 1)"),
    ("NOT 1 == (", ")"),
    ("(a OR ", ")"),
    ("(LET x = ", " RETURN 1)"),
    ("(RETURN {a: ", "})[0]"),
    ("a OR b AND c == d IN e < f .. g + h * (", ")"),
];

fn nested(open: &str, close: &str, times: usize) -> String {
    format!("RETURN {}a{}", open.repeat(times), close.repeat(times))
}

/// Runs on a stack of a thread's usual size, whatever the test runner's is.
fn on_a_usual_stack(check: fn()) {
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(check).unwrap();
    if let Err(fault) = thread.join() {
        std::panic::resume_unwind(fault);
    }
}

#[test]
fn nesting_ends_in_an_error_whatever_the_limits() {
    on_a_usual_stack(|| {
        for limits in [
            ParseLimits::default(),
            ParseLimits::WIDEST,
            ParseLimits {
                bytes: usize::MAX,
                ..ParseLimits::default()
            },
        ] {
            for (open, close) in NESTING {
                let text = nested(open, close, 100_000);
                assert!(parse_with(&text, &limits).is_err(), "{open}");
                // Unclosed, so that the error is in the middle of the recursion.
                assert!(
                    parse_with(&format!("RETURN {}", open.repeat(100_000)), &limits).is_err(),
                    "{open}"
                );
            }
        }
        let patterns = format!("LET {}a{} = 1 RETURN 1", "[".repeat(100_000), "]".repeat(100_000));
        assert!(parse_with(&patterns, &ParseLimits::WIDEST).is_err());
        let upserts = "UPSERT FILTER (".repeat(100_000);
        assert!(parse_with(&upserts, &ParseLimits::WIDEST).is_err());
    });
}

#[test]
fn long_chains_end_in_an_error_as_in_arangodb() {
    for link in ["+1", " OR a", ".b", "[1]", "[*]", "[*].b", " == 1", "..1"] {
        let text = format!("RETURN a{}", link.repeat(100_000));
        let error = parse_with(&text, &ParseLimits::WIDEST)
            .map(|_| ())
            .map_err(|error| error.error_num);
        assert_eq!(error, Err(1524), "{link}");
        let allowed = format!("RETURN a{}", link.repeat(160));
        assert!(parse(&allowed).is_ok(), "{link}");
    }
}

#[test]
fn the_deepest_trees_can_be_walked_compared_and_dropped() {
    on_a_usual_stack(|| {
        for (open, close) in NESTING {
            let mut deepest = 0;
            for times in (1..520).rev() {
                let text = nested(open, close, times);
                if let Ok(query) = parse_with(&text, &ParseLimits::WIDEST) {
                    deepest = times;
                    let copy = query.clone();
                    assert!(copy == query);
                    let printed = query.to_string();
                    assert!(
                        !format!("{copy:?}").is_empty() && parse_with(&printed, &ParseLimits::WIDEST).is_ok(),
                        "{open}"
                    );
                    break;
                }
            }
            // Brackets alone nest as deep as the default limit lets them; what stands between counts as well.
            let least = match open {
                "[" | "(" | "{a:" | "{[" | "FIRST(" | "a[" | "-" | "!" | "a[* FILTER " => 200,
                "a OR b AND c == d IN e < f .. g + h * (" => 40,
                _ => 80,
            };
            assert!(deepest >= least, "{open}: {deepest}");
        }
    });
}

#[test]
fn the_default_limits_are_the_documented_ones() {
    assert!(parse(&nested("[", "]", 200)).is_ok());
    assert!(parse(&nested("[", "]", 201)).is_err());
    assert!(parse(&format!("RETURN [{}1]", "1,".repeat(19_000))).is_ok());
    assert!(parse(&format!("RETURN [{}1]", "1,".repeat(20_000))).is_err());
    assert!(parse(&format!("RETURN 1{}", " ".repeat(64 * 1024 - 8))).is_ok());
    assert!(parse(&format!("RETURN 1{}", " ".repeat(64 * 1024 - 7))).is_err());
}

#[test]
fn many_variables_are_found_and_told_apart() {
    let names: Vec<String> = (0..10_000).map(|at| format!("v{at}")).collect();
    let declared: Vec<String> = names.iter().map(|name| format!("LET {name} = 1")).collect();
    let text = format!("{} RETURN [{}, other]", declared.join(" "), names.join(", "));
    let query = parse_with(&text, &ParseLimits::WIDEST).unwrap();
    let Some(Statement {
        kind: StatementKind::Return(returned),
        ..
    }) = query.body.statements.last()
    else {
        panic!()
    };
    let ExprKind::Array(elements) = &returned.expr.kind else {
        panic!()
    };
    for (at, element) in elements.iter().enumerate() {
        match &element.kind {
            ExprKind::Variable(id) => assert_eq!(id.index(), at),
            ExprKind::Source(name) => assert_eq!((at, &*name.text), (10_000, "other")),
            other => panic!("{other:?}"),
        }
    }
    let again = format!("{} LET v5000 = 2 RETURN 1", declared.join(" "));
    assert_eq!(parse_with(&again, &ParseLimits::WIDEST).unwrap_err().error_num, 1511);
}

#[test]
fn captures_are_bounded() {
    let text = (0..2000)
        .map(|at| format!("LET a{at} = 1 COLLECT b{at} = 1 INTO c{at} "))
        .collect::<String>()
        + "RETURN 1";
    assert_eq!(parse_with(&text, &ParseLimits::WIDEST).unwrap_err().error_num, 1524);
}

/// The tree of an expression in a short notation.
fn shape(text: &str) -> String {
    fn of(expr: &Expr) -> String {
        match &expr.kind {
            ExprKind::Source(name) => name.text.to_string(),
            ExprKind::Int(value) => value.to_string(),
            ExprKind::Variable(_) => "$".to_owned(),
            ExprKind::Binary { op, left, right } => format!("({op:?} {} {})", of(left), of(right)),
            ExprKind::Unary { op, operand } => format!("({op:?} {})", of(operand)),
            ExprKind::Range { low, high } => format!("(Range {} {})", of(low), of(high)),
            ExprKind::Ternary {
                condition,
                then,
                otherwise,
            } => {
                format!(
                    "(If {} {} {})",
                    of(condition),
                    then.as_deref().map_or("-".to_owned(), of),
                    of(otherwise)
                )
            }
            ExprKind::Quantified { op, left, right, .. } => format!("(Each{op:?} {} {})", of(left), of(right)),
            ExprKind::Attribute { base, name } => format!("{}.{}", of(base), name.text),
            ExprKind::Index { base, index } => format!("{}[{}]", of(base), of(index)),
            ExprKind::Expansion(e) => format!("(Map{} {} {})", e.levels, of(&e.base), of(&e.element)),
            ExprKind::Question(q) => format!("(Any{} {})", q.levels, of(&q.base)),
            other => format!("{other:?}"),
        }
    }
    let text = format!("RETURN {text}");
    let query = parse(&text).unwrap_or_else(|error| panic!("{}", error.render(&text, "query")));
    match &query.body.statements[0].kind {
        StatementKind::Return(returned) => of(&returned.expr),
        other => panic!("{other:?}"),
    }
}

#[test]
fn operators_bind_as_in_arangodbs_grammar() {
    for (text, tree) in [
        ("a + b * c", "(Add a (Mul b c))"),
        ("a - b - c", "(Sub (Sub a b) c)"),
        ("a OR b AND c", "(Or a (And b c))"),
        ("a == b IN c", "(Eq a (In b c))"),
        ("a < b == c", "(Eq (Lt a b) c)"),
        ("a IN 1..2", "(In a (Range 1 2))"),
        (
            "3..4 NOT IN 1..2 NOT IN 7..8",
            "(NotIn (NotIn (Range 3 4) (Range 1 2)) (Range 7 8))",
        ),
        ("1..2 + 3", "(Range 1 (Add 2 3))"),
        ("NOT a IN b", "(In (Not a) b)"),
        ("!a == b", "(Eq (Not a) b)"),
        ("-a * b", "(Mul (Minus a) b)"),
        ("- - a", "(Minus (Minus a))"),
        ("a == b NOT LIKE c", "(Eq a (NotLike b c))"),
        ("a IN b NOT LIKE c", "(NotLike (In a b) c)"),
        ("a NOT LIKE b == c", "(Eq (NotLike a b) c)"),
        ("a NOT LIKE b IN c", "(NotLike a (In b c))"),
        ("a NOT LIKE b NOT LIKE c", "(NotLike a (NotLike b c))"),
        ("a NOT !~ b", "(Matches a b)"),
        ("a AND b ALL == c", "(And a (EachEq b c))"),
        ("a == b ALL == c", "(EachEq (Eq a b) c)"),
        ("a ALL == b == c", "(Eq (EachEq a b) c)"),
        ("a ALL IN b AND c", "(And (EachIn a b) c)"),
        ("a ALL < b == c", "(Eq (EachLt a b) c)"),
        ("a AND b AT LEAST (1) == c", "(And a (EachEq b c))"),
        ("NOT a ALL == b", "(EachEq (Not a) b)"),
        ("NOT a ALL !~ b", "(Not (EachNotMatches a b))"),
        ("a ? b : c ? d : e", "(If a b (If c d e))"),
        ("a ? b ? c : d : e", "(If a (If b c d) e)"),
        ("a OR b ? c : d", "(If (Or a b) c d)"),
        ("a ?: b", "(If a - b)"),
        ("a.b[0].c", "a.b[0].c"),
        ("-a.b", "(Minus a.b)"),
    ] {
        assert_eq!(shape(text), tree, "{text}");
    }
}

#[test]
fn suffixes_chain_upon_expansions_as_in_arangodbs_grammar() {
    for (text, tree) in [
        ("a[*].b", "(Map1 a $.b)"),
        ("(a[*]).b", "(Map1 a $).b"),
        ("a[*].b[0].c", "(Map1 a $.b[0].c)"),
        ("a[*].b[*].c", "(Map1 a (Map1 $.b $.c))"),
        ("a[*][*]", "(Map1 a (Map1 $ $))"),
        // The third goes on what the second gives for each element, not on the second's elements.
        ("a[*].b[*].c[*].d", "(Map1 a (Map1 (Map1 $.b $.c) $.d))"),
        ("a[*].b[**].c", "(Map2 (Map1 a $.b) $.c)"),
        ("a[**][*]", "(Map2 a (Map1 $ $))"),
        ("a[?].b", "(Any1 a).b"),
        ("a[*][?].b", "(Map1 a (Any1 $).b)"),
        ("a[*][??]", "(Any2 (Map1 a $))"),
        ("a.b[*]", "(Map1 a.b $)"),
    ] {
        assert_eq!(shape(text), tree, "{text}");
    }
}

#[test]
fn the_last_in_that_a_collection_follows_is_the_target() {
    let removed = |text: &str| match parse(text).map(|query| query.body.statements.into_iter().next().map(|s| s.kind)) {
        Ok(Some(StatementKind::Remove(remove))) => match remove.target {
            SourceRef::Name(name) => name.text.into_owned(),
            SourceRef::Bind(bind) => bind.key.into_owned(),
        },
        other => panic!("{other:?}"),
    };
    assert_eq!(removed("REMOVE a IN b"), "b");
    assert_eq!(removed("REMOVE a IN b IN c"), "c");
    assert_eq!(removed("REMOVE a IN b IN @@c"), "@c");
    assert_eq!(removed("REMOVE (a IN b) IN 'c' OPTIONS {}"), "c");
    assert_eq!(removed("REMOVE a IN b FOR x IN y RETURN x"), "b");
    assert_eq!(removed("REMOVE a + b IN c RETURN OLD"), "c");
}

#[test]
fn collect_into_captures_what_it_closes() {
    let captured = |text: &str| {
        let query = parse(text).unwrap_or_else(|error| panic!("{}", error.render(text, "query")));
        let names = |ids: &[VarId]| {
            ids.iter()
                .map(|id| query.variables[id.index()].name.text.to_string())
                .collect::<Vec<_>>()
        };
        query
            .body
            .statements
            .iter()
            .rev()
            .find_map(|statement| match &statement.kind {
                StatementKind::Collect(collect) => match &collect.into {
                    Some(CollectInto::Rows { captured, .. }) => Some(names(captured).join(" ")),
                    _ => None,
                },
                _ => None,
            })
    };
    for (text, names) in [
        (
            "LET a = 1 FOR b IN c LET d = 1 FOR e IN f COLLECT g = b INTO h RETURN h",
            "b d e",
        ),
        ("LET a = 1 COLLECT g = a INTO h RETURN h", "a"),
        (
            "FOR a IN b COLLECT c = a.x FOR d IN e COLLECT f = d INTO g RETURN g",
            "c d",
        ),
        ("FOR a IN b COLLECT c = a AGGREGATE d = MAX(a.x) INTO g RETURN g", "a"),
        ("FOR a IN b LET c = 1 COLLECT d = a INTO g KEEP c RETURN g", "c"),
        (
            "FOR a IN b UPDATE a WITH {} IN b COLLECT c = a.x INTO g RETURN g",
            "a OLD NEW",
        ),
    ] {
        assert_eq!(captured(text).as_deref(), Some(names), "{text}");
    }
}

#[test]
fn arangodbs_wording_has_the_place_and_the_text_there() {
    for (text, message) in [
        (
            "RETURN 1 +",
            "AQL: syntax error, unexpected end of query string near '+' at position 1:10 (while parsing)",
        ),
        (
            "RETURN 1 + ",
            "AQL: syntax error, unexpected end of query string near ' ' at position 1:11 (while parsing)",
        ),
        (
            "\nRETURN 1 + ",
            "AQL: syntax error, unexpected end of query string near ' ' at position 2:11 (while parsing)",
        ),
        (
            "FOR x IN y\n  RETRN x",
            "AQL: unexpected qualifier 'RETRN', expecting 'SEARCH' or 'OPTIONS' near 'RETRN x' at position 2:3 (while parsing)",
        ),
        (
            "RETURN FOO(1)",
            "AQL: usage of unknown function 'FOO()' (while parsing)",
        ),
        (
            "LET x = 1 LET x = 2 RETURN x",
            "AQL: variable 'x' is assigned multiple times (while parsing)",
        ),
        ("", "AQL: query is empty (while parsing)"),
        (
            "RETURN 1 RETURN 234567890123456789012345678901234567890",
            "AQL: syntax error, unexpected RETURN declaration near 'RETURN 2345678901234567890123456...' at position 1:10 (while parsing)",
        ),
    ] {
        assert_eq!(parse(text).unwrap_err().arangodb_message(text), message);
    }
}

#[test]
fn a_misspelling_gets_a_suggestion() {
    for (text, hint) in [
        ("FRO x IN y RETURN x", "did you mean `FOR`?"),
        ("FOR x IN y FLITER x.a RETURN x", "did you mean `FILTER`?"),
        ("FOR x IN y RETRN x", "did you mean `RETURN`?"),
        ("RETURN LENGHT([1])", "did you mean `LENGTH`?"),
        (
            "FOR x IN y COLLECT AGGREGATE a = AVGE(x) RETURN a",
            "did you mean `AVG`?",
        ),
        ("RETURN (1", "the bracket opened at 1:8 is not closed"),
        (
            "RETURN x.filter",
            "`FILTER` is a reserved word; as a name it needs backticks",
        ),
        ("RETURN a & b", "did you mean `&&`?"),
        ("RETURN 1;", "a request holds one query, without a semicolon"),
        ("INSERT {} INTO @c", "a collection is bound with two at signs: `@@name`"),
    ] {
        assert_eq!(parse(text).unwrap_err().suggestion.as_deref(), Some(hint), "{text}");
    }
}

#[test]
fn what_other_languages_write_gets_the_aql_for_it() {
    for (text, hint) in [
        (
            "SELECT name FROM users",
            "AQL reads with `FOR x IN collection … RETURN x`",
        ),
        ("FOR x IN y WHERE x.a RETURN x", "AQL filters with `FILTER`"),
        (
            "FOR x IN y ORDER BY x.a RETURN x",
            "AQL sorts with `SORT`, as in `SORT x.a DESC`",
        ),
        (
            "FOR x IN y FILTER x.a IS NULL RETURN x",
            "`== null` and `!= null` compare with null",
        ),
        (
            "FOR x IN y FILTER x.a BETWEEN 1 AND 2 RETURN x",
            "write `x >= low AND x <= high`",
        ),
        (
            "FOR x IN y FILTER x.a <> 1 RETURN x",
            "`!=` tells whether two values differ",
        ),
        ("FOR x IN y FILTER x.a = 1 RETURN x", "`==` compares"),
        (
            "FOR x IN y LIMIT 5 OFFSET 10 RETURN x",
            "AQL writes `LIMIT offset, count`",
        ),
        ("FOR x OF y RETURN x", "did you mean `IN`?"),
        (
            "INSERT INTO users {}",
            "the document stands first: `INSERT {…} INTO collection`",
        ),
        (
            "UPDATE 'a' SET {} IN c",
            "the changes stand after `WITH`, as in `UPDATE key WITH {…} IN collection`",
        ),
        ("DELETE 'a' IN c", "AQL deletes with `REMOVE key IN collection`"),
        ("RETURN a ?? b", "`a ?: b` is `a` if that is true, else `b`"),
        ("RETURN a?.b", "an attribute of null is null: a plain `.` will do"),
        ("RETURN 2 ** 3", "`POW(a, b)` is the power"),
        ("RETURN 1 # one", "a comment is `// …` or `/* … */`"),
        ("RETURN “a”", "a string stands in straight quotes"),
        ("RETURN 'it's'", "a quote within a string of its like needs a backslash"),
        ("RETURN COALESCE(a, b)", "AQL has `NOT_NULL`"),
        ("RETURN SUBSTR('a', 1)", "AQL has `SUBSTRING`"),
    ] {
        assert_eq!(parse(text).unwrap_err().suggestion.as_deref(), Some(hint), "{text}");
    }
}

#[test]
fn a_word_or_sign_out_of_place_gets_its_place() {
    for (text, hint) in [
        ("FOR x IN y COLLECT a = x.a, RETURN a", "remove the comma before it"),
        ("RETURN CONCAT('a', )", "remove the comma before it"),
        ("RETURN [1, , 2]", "remove the comma before it"),
        (
            "FOR x IN y COLLECT a = x.a AGGREGATE n = SUM(x.b) INTO g KEEP x RETURN g",
            "`KEEP` stands after `COLLECT … INTO g`, where there is no `AGGREGATE`",
        ),
        (
            "FOR v IN ANY 'a/1' e OPTIONS {} PRUNE v.a RETURN v",
            "`PRUNE` stands in a traversal, once and before `OPTIONS`",
        ),
        (
            "FOR x IN y FILTER x.a SEARCH x.b RETURN x",
            "`SEARCH` stands once, right after `FOR … IN view`",
        ),
        (
            "FOR x IN y COLLECT AGGREGATE n = x.a RETURN n",
            "an aggregate is a single call, as in `n = SUM(x.y)`",
        ),
        ("RETURN {a: [1, (2}]", "the bracket opened at 1:16 is not closed"),
    ] {
        assert_eq!(parse(text).unwrap_err().suggestion.as_deref(), Some(hint), "{text}");
    }
}

#[test]
fn an_error_about_a_long_name_stays_short() {
    let name = "é".repeat(50_000);
    for text in [
        format!("LET `{name}` = 1 LET `{name}` = 2 RETURN 1"),
        format!("RETURN {{`{name}`}}"),
        format!("RETURN `{name}`(1)"),
        format!("RETURN 1 `{name}`"),
        format!("FOR x IN y COLLECT AGGREGATE a = `{name}`(x) RETURN a"),
        format!("FOR x IN y WINDOW {{\"{name}\": 1}} AGGREGATE a = MAX(x) RETURN a"),
        format!("FOR x IN y COLLECT a = x INTO g KEEP `{name}` RETURN a"),
    ] {
        let error = parse_with(&text, &ParseLimits::WIDEST).unwrap_err();
        assert!(error.render(&text, "query").len() < 4096, "{error}");
        assert!(error.arangodb_message(&text).len() < 1024, "{error}");
        assert!(error.suggestion.unwrap_or_default().len() < 1024);
    }
}

#[test]
fn a_syntax_error_is_shown_like_a_compilers() {
    let text = "FOR u IN users\n  FLITER u.age > 18\n  RETURN u";
    insta::assert_snapshot!(parse(text).unwrap_err().render(text, "users.aql"), @r"
    error[syntax]: expected `SEARCH`, `OPTIONS` or the next statement, found the name `FLITER`
     --> users.aql:2:3
      |
    2 |   FLITER u.age > 18
      |   ^^^^^^
      = hint: did you mean `FILTER`?
    ");
}
