//! What the module as a whole promises: which texts are queries, and what tree each has.
use super::*;

#[test]
fn smoke() {
    for text in [
        "RETURN 1",
        "FOR u IN users FILTER u.age > 18 AND u.name LIKE 'a%' SORT u.name DESC LIMIT 10 RETURN {name: u.name, u}",
        "FOR v, e, p IN 1..2 OUTBOUND 'a/b' edges PRUNE x = v.a == 1 OPTIONS {order: 'bfs'} RETURN p",
    ] {
        parse(text).unwrap_or_else(|error| panic!("{}", error.render(text, "query")));
    }
}
