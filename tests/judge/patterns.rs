//! Patterns of ArangoDB's documentation, on data like its own, that have to pass unchanged. A rule that denies one of
//! them gets in the way.

use super::{rules, schemas, verdict};

/// Query and bind values.
type Row = (&'static str, &'static str);

#[rustfmt::skip]
const READING: &[Row] = &[
    ("RETURN 1", ""),
    ("RETURN [1, 2, 3]", ""),
    ("RETURN CONCAT(@a, ' ', @b)", r#"{"a": "x", "b": "y"}"#),
    ("FOR u IN users RETURN u.name", ""),
    ("FOR u IN users RETURN u._key", ""),
    ("FOR u IN users RETURN u._id", ""),
    ("FOR u IN users RETURN { name: u.name, age: u.age }", ""),
    ("FOR u IN users RETURN { user: { isActive: u.active ? 'yes' : 'no', name: u.name } }", ""),
    ("FOR u IN @@coll RETURN u.name", r#"{"@coll": "users"}"#),
    ("FOR u IN `users` RETURN u.`name`", ""),
    ("FOR u IN users FILTER u.status == 'active' RETURN u.name", ""),
    ("FOR u IN users FILTER u.age >= @min && u.age <= @max RETURN u.name", r#"{"min": 1, "max": 9}"#),
    ("FOR u IN users FILTER u.active == true AND u.age > 30 OR u.gender == 'f' RETURN u.name", ""),
    ("FOR u IN users FILTER u.name IN ['a', 'b'] RETURN u.name", ""),
    ("FOR u IN users FILTER u.name NOT IN @names RETURN u.name", r#"{"names": ["a"]}"#),
    ("FOR u IN users FILTER u.email LIKE '%@example.org' RETURN u.name", ""),
    ("FOR u IN users FILTER LIKE(u.name, 'a%', true) RETURN u.name", ""),
    ("FOR u IN users FILTER u.name =~ '^[a-z]+$' RETURN u.name", ""),
    ("FOR u IN users FILTER u.country == null RETURN u.name", ""),
    ("FOR u IN users FILTER HAS(u, 'email') RETURN u.email", ""),
    ("FOR u IN users FILTER u.address.city == 'Cologne' RETURN u.address", ""),
    ("FOR u IN users FILTER u['age'] > 3 RETURN u['name']", ""),
    ("FOR u IN users FILTER u.@attr == @value RETURN u.name", r#"{"attr": "age", "value": 3}"#),
    ("FOR u IN users RETURN u.@path", r#"{"path": ["address", "city"]}"#),
    ("FOR u IN users SORT u.lastName, u.firstName DESC LIMIT 10 RETURN u.name", ""),
    ("FOR u IN users SORT u.age DESC LIMIT 5, 10 RETURN { name: u.name }", ""),
    ("FOR u IN users LIMIT @offset, @count RETURN u.name", r#"{"offset": 0, "count": 10}"#),
    ("FOR u IN users SORT NULL RETURN u.name", ""),
    ("FOR u IN users SORT RAND() LIMIT 1 RETURN u.name", ""),
    ("FOR u IN users LET n = CONCAT(u.firstName, ' ', u.lastName) RETURN { name: n }", ""),
    ("FOR u IN users RETURN DISTINCT u.city", ""),
    ("FOR u IN users RETURN KEEP(u, 'name', 'age')", ""),
    ("FOR u IN users RETURN KEEP(u, ['name', 'age'])", ""),
    ("FOR u IN users RETURN KEEP(u, @attrs)", r#"{"attrs": ["name", "age"]}"#),
    ("FOR u IN users RETURN UNSET(u, 'password')", ""),
    ("FOR u IN users RETURN UNSET(u, '_id', '_rev', 'password')", ""),
    ("FOR u IN users RETURN MERGE(UNSET(u, 'password'), { full: u.name })", ""),
    ("FOR u IN users RETURN MERGE(KEEP(u, 'name'), { orders: (FOR o IN orders FILTER o.user == u._key RETURN o) })", ""),
    ("FOR p IN products RETURN p", ""),
    ("FOR p IN products FILTER p._key == @key RETURN p", r#"{"key": "1"}"#),
    ("FOR p IN products RETURN MERGE(p, { priceWithTax: p.price * 1.19 })", ""),
    ("FOR p IN products FILTER 'red' IN p.tags RETURN p", ""),
    ("FOR p IN products FILTER p.tags ANY == 'red' RETURN p.name", ""),
    ("FOR p IN products FILTER ['a', 'b'] ALL IN p.tags RETURN p", ""),
    ("FOR p IN products FOR t IN p.tags COLLECT tag = t WITH COUNT INTO n SORT n DESC RETURN { tag, n }", ""),
    ("FOR u IN users RETURN u.friends[*].name", ""),
    ("FOR u IN users RETURN u.friends[* FILTER CURRENT.age > u.age].name", ""),
    ("FOR u IN users RETURN u.friends[* LIMIT 1 RETURN CONCAT(CURRENT.name, ' is a friend of ', u.name)]", ""),
    ("FOR u IN users RETURN u.friends[* FILTER CURRENT.age > 40 LIMIT 0, 2 RETURN UPPER(CURRENT.name)]", ""),
    ("FOR u IN users FILTER u.friends[? 1..2 FILTER CURRENT.age > 40] RETURN u.name", ""),
    ("FOR u IN users FILTER u.friends[? ANY FILTER CURRENT.name == 'x'] RETURN u.name", ""),
    ("FOR u IN users RETURN u.friends[0].name", ""),
    ("FOR u IN users RETURN LAST(u.friends).name", ""),
    ("FOR u IN users RETURN LENGTH(u.friends)", ""),
    ("FOR u IN users RETURN { name: u.name, hobbies: SLICE(u.hobbies, 0, 2) }", ""),
    ("FOR u IN users LET friends = u.friends FOR f IN friends RETURN { u: u.name, f: f.name }", ""),
    ("RETURN LENGTH(users)", ""),
    ("RETURN COUNT(FOR u IN users FILTER u.active RETURN 1)", ""),
    ("RETURN LENGTH(FOR u IN users RETURN u)", ""),
    ("RETURN SUM(FOR o IN orders RETURN o.total)", ""),
    ("RETURN MAX((FOR o IN orders RETURN o.total))", ""),
    ("LET x = (FOR u IN users FILTER u.name == 'a' RETURN u.age)[0] RETURN x", ""),
    ("LET u = FIRST(FOR u IN users FILTER u._key == @k RETURN u) RETURN u.name", r#"{"k": "1"}"#),
    ("LET u = FIRST(FOR u IN users FILTER u._key == @k RETURN u) FILTER u != null RETURN { n: u.name }", r#"{"k": "1"}"#),
    ("FOR u IN users FOR o IN orders FILTER o.user == u._key RETURN { user: u.name, total: o.total }", ""),
    ("FOR u IN users LET os = (FOR o IN orders FILTER o.user == u._key RETURN o.total) RETURN { u: u.name, os }", ""),
    ("FOR u IN users FILTER LENGTH(FOR o IN orders FILTER o.user == u._key LIMIT 1 RETURN 1) > 0 RETURN u.name", ""),
    ("FOR i IN 1..10 RETURN i * i", ""),
    ("FOR i IN 1..3 FOR j IN [ 'a', 'b' ] RETURN [i, j]", ""),
    ("FOR y IN 2010..2013 FOR q IN 1..4 RETURN { y, q }", ""),
    ("FOR o IN orders FOR i IN o.items COLLECT p = i.product AGGREGATE n = SUM(i.qty) RETURN { p, n }", ""),
    ("FOR u IN users LET { name, age } = u RETURN CONCAT(name, age)", ""),
    ("FOR { name, address: { city } } IN users RETURN { name, city }", ""),
    ("FOR [a, b] IN [[1, 2], [3, 4]] RETURN a + b", ""),
    ("FOR u IN users RETURN u.age > 30 ? u.name : null", ""),
    ("FOR u IN users RETURN u.country ?: 'unknown'", ""),
    ("FOR u IN users RETURN u.country || 'unknown'", ""),
    ("FOR u IN users RETURN NOT_NULL(u.country, 'unknown')", ""),
    ("FOR u IN users FILTER u.dateCreated >= DATE_TIMESTAMP('2020-01-01') RETURN DATE_ISO8601(u.dateCreated)", ""),
    ("FOR u IN users RETURN DATE_FORMAT(u.dateCreated, '%yyyy-%mm')", ""),
    ("FOR u IN users FILTER CONTAINS(LOWER(u.name), LOWER(@q)) RETURN u.name", r#"{"q": "a"}"#),
    ("FOR u IN users RETURN SUBSTRING(u.name, 0, 3)", ""),
    ("FOR u IN users RETURN SHA256(u.email)", ""),
    ("FOR u IN users OPTIONS { indexHint: 'byName' } FILTER u.name == 'a' RETURN u.name", ""),
    ("FOR u IN users OPTIONS { maxProjections: 7 } RETURN u.name", ""),
    ("FOR u IN users OPTIONS { useCache: false } FILTER u._key == 'a' RETURN u.name", ""),
    ("RETURN UNIQUE(FOR u IN users RETURN u.city)", ""),
    ("RETURN UNION_DISTINCT((FOR u IN users RETURN u.city), (FOR p IN products RETURN p.name))", ""),
    ("RETURN FLATTEN(FOR u IN users RETURN u.hobbies)", ""),
    ("RETURN FLATTEN((FOR u IN users RETURN u.friends), 1)[*].name", ""),
    ("FOR u IN users RETURN TRANSLATE(u.city, { a: 'A' }, 'other')", ""),
    ("FOR u IN users RETURN ZIP(['n', 'a'], [u.name, u.age])", ""),
    ("FOR u IN users RETURN { [CONCAT('k', u._key)]: u.name }", ""),
    ("FOR u IN users RETURN PARSE_IDENTIFIER(u._id).key", ""),
    ("FOR u IN users RETURN PARSE_IDENTIFIER(u)", ""),
    ("FOR u IN users FILTER IS_SAME_COLLECTION('users', u) RETURN u.name", ""),
    ("FOR p IN products RETURN ATTRIBUTES(p)", ""),
    ("FOR p IN products FOR a IN ATTRIBUTES(p) RETURN p[a]", ""),
];

#[rustfmt::skip]
const GROUPING: &[Row] = &[
    ("FOR u IN users COLLECT city = u.city RETURN { city }", ""),
    ("FOR u IN users COLLECT city = u.city, age = u.age RETURN { city, age }", ""),
    ("FOR u IN users COLLECT city = u.city INTO groups RETURN { city, names: groups[*].u.name }", ""),
    ("FOR u IN users COLLECT city = u.city INTO groups = u.name RETURN { city, groups }", ""),
    ("FOR u IN users COLLECT city = u.city INTO groups = { name: u.name, age: u.age } RETURN { city, groups }", ""),
    ("FOR u IN users LET n = u.name COLLECT city = u.city INTO g KEEP n RETURN { city, names: g[*].n }", ""),
    ("FOR u IN users COLLECT WITH COUNT INTO length RETURN length", ""),
    ("FOR u IN users COLLECT age = u.age WITH COUNT INTO length RETURN { age, length }", ""),
    ("FOR u IN users COLLECT AGGREGATE minAge = MIN(u.age), maxAge = MAX(u.age) RETURN { minAge, maxAge }", ""),
    ("FOR u IN users COLLECT g = FLOOR(u.age / 5) * 5 AGGREGATE n = LENGTH(1) RETURN { g, n }", ""),
    ("FOR u IN users COLLECT a = u.active AGGREGATE ids = UNIQUE(u._key) RETURN { a, ids }", ""),
    ("FOR u IN users COLLECT a = u.active INTO g RETURN { a, n: LENGTH(g) }", ""),
    ("FOR u IN users COLLECT c = u.city INTO g OPTIONS { method: 'sorted' } SORT LENGTH(g) DESC LIMIT 3 RETURN c", ""),
    ("FOR u IN users COLLECT c = u.city INTO g RETURN { c, oldest: MAX(g[*].u.age) }", ""),
    ("FOR u IN users SORT u.dateCreated WINDOW { preceding: 1, following: 1 } AGGREGATE s = AVG(u.score) RETURN { n: u.name, s }", ""),
    ("FOR u IN users WINDOW u.dateCreated WITH { preceding: 10 } AGGREGATE s = SUM(u.score), n = COUNT() RETURN s", ""),
    ("FOR o IN orders COLLECT y = o.year, m = o.month AGGREGATE t = SUM(o.total) SORT y, m RETURN { y, m, t }", ""),
    ("FOR p IN products COLLECT c = p.category INTO g RETURN { c, products: g[*].p }", ""),
];

#[rustfmt::skip]
const GRAPHS: &[Row] = &[
    ("FOR v IN 1..3 OUTBOUND 'persons/1' GRAPH 'imdb' RETURN v.title", ""),
    ("FOR v IN 1..1 OUTBOUND 'persons/1' GRAPH imdb RETURN v", ""),
    ("FOR v, e, p IN 1..2 ANY @start GRAPH @graph RETURN v.name", r#"{"start": "persons/1", "graph": "knows_graph"}"#),
    ("FOR v, e IN 1..1 OUTBOUND 'persons/1' GRAPH 'imdb' RETURN { movie: v.title, roles: e.roles }", ""),
    ("FOR v, e, p IN 1..3 ANY 'persons/1' GRAPH 'knows_graph' FILTER p.edges[*].since ALL > 2000 RETURN v.name", ""),
    ("FOR v, e, p IN 1..3 ANY 'persons/1' GRAPH 'knows_graph' FILTER p.vertices[1].name == 'x' RETURN p.vertices[*].name", ""),
    ("FOR v, e, p IN 1..3 ANY 'persons/1' GRAPH 'knows_graph' RETURN CONCAT_SEPARATOR(' -> ', p.vertices[*]._key)", ""),
    ("FOR v, e, p IN 1..3 ANY 'persons/1' GRAPH 'knows_graph' PRUNE v.name == 'x' RETURN v.name", ""),
    ("FOR v, e, p IN 1..3 ANY 'persons/1' GRAPH 'knows_graph' PRUNE cond = e.since < 2000 FILTER cond RETURN v.name", ""),
    ("FOR v IN 1..3 ANY 'persons/1' GRAPH 'knows_graph' OPTIONS { order: 'bfs', uniqueVertices: 'global' } RETURN v.name", ""),
    ("FOR v, e, p IN 1..3 ANY 'persons/1' GRAPH 'knows_graph' OPTIONS { order: 'weighted', weightAttribute: 'distance' } RETURN p.weights", ""),
    ("FOR v IN 1..2 ANY 'persons/1' GRAPH 'imdb' OPTIONS { vertexCollections: 'movies' } RETURN v.title", ""),
    ("WITH persons, movies FOR v IN 1..2 OUTBOUND 'persons/1' acts_in RETURN v.title", ""),
    ("WITH persons FOR p IN persons FILTER p.name == @n FOR f IN 1..1 ANY p knows RETURN f.name", r#"{"n": "x"}"#),
    ("WITH persons FOR p IN persons FOR f IN 1..1 OUTBOUND p._id knows RETURN { p: p.name, f: f.name }", ""),
    ("WITH persons FOR v IN 1..1 OUTBOUND CONCAT('persons/', @key) knows RETURN v.name", r#"{"key": "1"}"#),
    ("WITH persons, movies FOR v IN 1..2 OUTBOUND 'persons/1' acts_in, INBOUND knows RETURN v._key", ""),
    ("WITH persons FOR v IN 1..3 OUTBOUND @start @@edges RETURN v.name", r#"{"start": "persons/1", "@edges": "knows"}"#),
    ("FOR v IN 2 ANY 'persons/1' GRAPH 'knows_graph' RETURN DISTINCT v.name", ""),
    ("FOR v IN 0..2 ANY 'persons/1' GRAPH 'knows_graph' COLLECT WITH COUNT INTO n RETURN n", ""),
    ("FOR v, e IN OUTBOUND SHORTEST_PATH 'persons/1' TO 'persons/2' GRAPH 'knows_graph' RETURN [v.name, e.since]", ""),
    ("FOR v, e IN ANY SHORTEST_PATH @a TO @b GRAPH 'knows_graph' OPTIONS { weightAttribute: 'distance', defaultWeight: 1 } RETURN v.name", r#"{"a": "persons/1", "b": "persons/2"}"#),
    ("FOR p IN ANY ALL_SHORTEST_PATHS 'persons/1' TO 'persons/2' GRAPH 'knows_graph' RETURN p.vertices[*].name", ""),
    ("FOR p IN ANY K_SHORTEST_PATHS 'persons/1' TO 'persons/2' GRAPH 'knows_graph' LIMIT 3 RETURN { p: p.vertices[*]._key, w: p.weight }", ""),
    ("FOR p IN 1..4 ANY K_PATHS 'persons/1' TO 'persons/2' GRAPH 'knows_graph' RETURN p.edges[*].since", ""),
    ("FOR m IN movies FOR p IN 1..1 INBOUND m GRAPH 'imdb' COLLECT t = m.title WITH COUNT INTO n RETURN { t, n }", ""),
    ("FOR e IN knows FILTER e._from == 'persons/1' RETURN e._to", ""),
    ("FOR e IN knows RETURN e", ""),
    ("FOR e IN acts_in FOR m IN movies FILTER m._id == e._to RETURN m", ""),
    ("LET s = FIRST(FOR p IN persons FILTER p.name == 'x' RETURN p._id) FOR v IN 1..1 ANY s GRAPH 'knows_graph' RETURN v.name", ""),
    ("FOR s IN ['persons/1', 'persons/2'] FOR v IN 1..1 ANY s GRAPH 'knows_graph' RETURN v.name", ""),
    ("FOR s IN @starts FOR v IN 1..1 ANY s GRAPH 'knows_graph' RETURN v.name", r#"{"starts": ["persons/1", "persons/2"]}"#),
];

#[rustfmt::skip]
const SEARCHING: &[Row] = &[
    ("FOR d IN articles_view SEARCH d.title == 'x' RETURN d.title", ""),
    ("FOR d IN articles_view SEARCH ANALYZER(d.title IN TOKENS('quick fox', 'text_en'), 'text_en') SORT BM25(d) DESC LIMIT 10 RETURN d.title", ""),
    ("FOR d IN articles_view SEARCH PHRASE(d.body, 'quick fox', 'text_en') RETURN { t: d.title, s: TFIDF(d) }", ""),
    ("FOR d IN articles_view SEARCH ANALYZER(STARTS_WITH(d.title, ['a', 'b']), 'identity') RETURN d.title", ""),
    ("FOR d IN articles_view SEARCH EXISTS(d.rating) AND d.rating > 3 RETURN d.title", ""),
    ("FOR d IN articles_view SEARCH d.rating IN 1..5 OPTIONS { collections: ['articles'] } RETURN d.title", ""),
    ("FOR d IN articles_view SEARCH BOOST(d.title == 'a', 2.5) OR d.title == 'b' SORT BM25(d) DESC RETURN d.title", ""),
    ("FOR d IN articles_view SEARCH LEVENSHTEIN_MATCH(d.title, 'quikc', 2) RETURN d.title", ""),
    ("FOR d IN articles_view SEARCH MIN_MATCH(d.title == 'a', d.body == 'b', d.rating > 1, 2) RETURN d.title", ""),
    ("FOR d IN articles_view SEARCH NGRAM_MATCH(d.title, 'x', 0.5, 'identity') RETURN d.title", ""),
    ("FOR a IN articles FILTER GEO_DISTANCE(a.location, GEO_POINT(7, 50)) < 1000 RETURN a.title", ""),
    ("FOR a IN articles SORT DISTANCE(a.location[1], a.location[0], 50, 7) LIMIT 3 RETURN a.title", ""),
];

#[rustfmt::skip]
const WRITING: &[Row] = &[
    ("INSERT { name: 'Ned', age: 41 } INTO users", ""),
    ("INSERT { name: 'Ned' } INTO users RETURN NEW._key", ""),
    ("INSERT { name: 'Ned', password: 'x' } INTO users LET n = NEW RETURN KEEP(n, '_key', 'name')", ""),
    ("INSERT @doc INTO users RETURN NEW.name", r#"{"doc": {"name": "x", "hobbies": ["a"], "address": {"city": "y"}}}"#),
    ("INSERT { _key: @key, name: @name, dateCreated: DATE_NOW() } INTO @@c", r#"{"key": "1", "name": "x", "@c": "users"}"#),
    ("FOR d IN @docs INSERT d INTO users", r#"{"docs": [{"name": "a"}, {"name": "b", "age": 3}]}"#),
    ("FOR d IN [{ name: 'a' }, { name: 'b' }] INSERT d INTO users", ""),
    ("FOR i IN 1..100 INSERT { name: CONCAT('user', i), age: 18 + i, active: true } INTO users", ""),
    ("FOR i IN 1..100 INSERT { name: CONCAT('user', i), score: RAND() * 100, status: 'active' } INTO users", ""),
    ("FOR p IN products FILTER p.price > 3 INSERT p INTO logs", ""),
    ("FOR p IN products INSERT MERGE(p, { copied: true }) INTO logs", ""),
    ("INSERT { user: 'x', at: DATE_ISO8601(DATE_NOW()), details: @any } INTO logs", r#"{"any": [1, {"a": 2}]}"#),
    ("INSERT { name: 'x' } INTO products OPTIONS { overwriteMode: 'replace' } RETURN OLD.name", ""),
    ("INSERT { _key: 'a', name: 'x' } INTO users OPTIONS { overwriteMode: 'update', keepNull: false } RETURN NEW.name", ""),
    ("INSERT { _key: 'a', name: 'x' } INTO users OPTIONS { overwriteMode: 'ignore' }", ""),
    ("INSERT { name: 'x' } INTO users OPTIONS { waitForSync: true, ignoreErrors: true }", ""),
    ("INSERT { _from: 'persons/1', _to: 'persons/2', since: 1999 } INTO knows", ""),
    ("INSERT { _from: @from, _to: @to } INTO knows", r#"{"from": "persons/1", "to": "persons/2"}"#),
    ("FOR a IN persons FOR b IN persons FILTER a.born == b.born INSERT { _from: a._id, _to: b._id } INTO knows", ""),
    ("INSERT { _from: CONCAT('persons/', @a), _to: CONCAT('movies/', @b), roles: [@r] } INTO acts_in", r#"{"a": "1", "b": "2", "r": "x"}"#),
    ("FOR e IN knows INSERT { _from: e._to, _to: e._from } INTO knows", ""),
    ("UPDATE 'k' WITH { age: 42 } IN users", ""),
    ("UPDATE @key WITH { age: @age, status: @status } IN users RETURN NEW.age", r#"{"key": "1", "age": 3, "status": "active"}"#),
    ("UPDATE { _key: 'k' } WITH { age: 42 } IN users", ""),
    ("UPDATE { _key: 'k', age: 42 } IN users", ""),
    ("UPDATE @key WITH @patch IN users", r#"{"key": "1", "patch": {"age": 3, "address": {"city": "x"}}}"#),
    ("FOR u IN users UPDATE u WITH { name: CONCAT(u.firstName, ' ', u.lastName) } IN users", ""),
    ("FOR u IN users FILTER u.active UPDATE u WITH { logins: u.logins + 1 } IN users", ""),
    ("FOR u IN users UPDATE u WITH { logins: u.logins + @n } IN users", r#"{"n": 2}"#),
    ("FOR u IN users UPDATE u._key WITH { city: u.address.city != null ? 'known' : 'unknown' } IN users", ""),
    ("FOR u IN users UPDATE u WITH { status: u.age > 3 ? 'active' : 'inactive' } IN users", ""),
    ("FOR u IN users UPDATE u WITH { hobbies: PUSH(u.hobbies, 'x') } IN users", ""),
    ("FOR u IN users UPDATE u WITH { hobbies: APPEND(u.hobbies, ['a', 'b'], true) } IN users", ""),
    ("UPDATE 'k' WITH { country: null } IN users OPTIONS { keepNull: false }", ""),
    ("UPDATE 'k' WITH { gender: null } IN users OPTIONS { keepNull: false }", ""),
    ("FOR u IN users UPDATE u WITH { address: { city: 'x' } } IN users OPTIONS { mergeObjects: false }", ""),
    ("UPDATE 'k' WITH { password: @p } IN users", r#"{"p": "secret"}"#),
    ("FOR u IN users FILTER u.city == 'x' UPDATE u WITH { active: false } IN users OPTIONS { ignoreErrors: true } RETURN { old: OLD.active, new: NEW.active }", ""),
    ("REPLACE 'k' WITH { name: 'x' } IN products", ""),
    ("REPLACE { _key: 'k', name: 'x' } IN products", ""),
    ("FOR p IN products REPLACE p WITH { name: p.name, price: p.price * 2 } IN logs", ""),
    ("FOR p IN products REPLACE p WITH MERGE(p, { seen: true }) IN products", ""),
    ("REMOVE 'k' IN users", ""),
    ("REMOVE { _key: 'k' } IN users", ""),
    ("REMOVE @key IN users RETURN OLD.name", r#"{"key": "1"}"#),
    ("FOR u IN users FILTER u.status == 'deleted' REMOVE u IN users", ""),
    ("FOR u IN users FILTER u.age > 99 REMOVE u._key IN users OPTIONS { ignoreErrors: true }", ""),
    ("FOR i IN 1..1000 REMOVE { _key: CONCAT('test', i) } IN users", ""),
    ("UPSERT { name: 'x' } INSERT { name: 'x', logins: 1 } UPDATE { logins: OLD.logins + 1 } IN users", ""),
    ("UPSERT { name: @n } INSERT { name: @n, logins: 1 } UPDATE { logins: OLD.logins + 1 } IN users RETURN { doc: NEW.name, type: OLD ? 'update' : 'insert' }", r#"{"n": "x"}"#),
    ("UPSERT { _key: @k } INSERT @doc REPLACE @doc IN products", r#"{"k": "1", "doc": {"name": "x"}}"#),
    ("UPSERT FILTER CURRENT.age > 3 INSERT { name: 'x' } UPDATE { age: 4 } IN users", ""),
    ("FOR d IN @docs UPSERT { _key: d._key } INSERT d UPDATE d IN logs", r#"{"docs": [{"_key": "1", "a": 1}]}"#),
    ("LET removed = (FOR u IN users FILTER u.age > 99 REMOVE u IN users RETURN OLD._key) RETURN LENGTH(removed)", ""),
];

fn check(table: &[Row]) {
    let set = schemas::documented();
    let mut failures = Vec::new();
    for (query, binds) in table {
        let verdict = verdict(&set, None, query, binds);
        if !verdict.admitted() {
            let said: Vec<_> = verdict
                .denials
                .iter()
                .map(|denial| format!("{}: {}", denial.rule.name(), denial.message))
                .collect();
            failures.push(format!("{query}\n    {:?} {}", rules(&verdict), said.join("\n    ")));
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        table.len(),
        failures.join("\n")
    );
}

#[test]
fn reading() {
    check(READING);
}

#[test]
fn grouping() {
    check(GROUPING);
}

#[test]
fn graphs() {
    check(GRAPHS);
}

#[test]
fn searching() {
    check(SEARCHING);
}

#[test]
fn writing() {
    check(WRITING);
}
