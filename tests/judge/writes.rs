//! Written documents: what fits a schema, what does not, and what cannot be known.

use mallku_db::schema::SchemaSet;
use serde_json::json;

use super::{rules, verdict};

fn set() -> SchemaSet {
    let all = json!(["read", "insert", "update", "replace", "remove"]);
    let users = json!({
        "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 2},
            "nick": {"type": "string"},
            "age": {"type": "integer", "minimum": 0},
            "level": {"enum": ["low", "high"]},
            "score": {"type": ["number", "null"]},
            "made": {"type": "string", "readOnly": true},
            "pw": {"type": "string", "writeOnly": true},
            "address": {
                "type": "object",
                "properties": {"city": {"type": "string"}, "zip": {"type": "string"}, "made": {"readOnly": true}},
                "required": ["city"],
                "additionalProperties": false
            },
            "home": {
                "anyOf": [
                    {
                        "type": "object",
                        "properties": {"city": {"type": "string"}, "zip": {"type": "string"}},
                        "required": ["city"]
                    },
                    {"type": "null"}
                ]
            },
            "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
            "words": {"type": "array", "items": {"type": "string"}},
            "flag": {"type": "boolean"},
            "extra": {}
        },
        "required": ["name", "address"],
        "additionalProperties": false,
        "x-mallku": {"allow": all}
    });
    let tied = json!({
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
        "x-mallku": {"allow": all}
    });
    let dropping = json!({
        "type": "object",
        "properties": {"o": {
            "type": "object",
            "properties": {"b": {"type": ["string", "null"]}, "c": {"type": "string"}},
            "required": ["b"]
        }},
        "x-mallku": {"allow": all}
    });
    let within = json!({
        "type": "object",
        "properties": {
            "o": {"type": "object", "required": ["a", "o"], "properties": {
                "a": {"type": "string"},
                "o": {"type": "object", "required": ["d"], "properties": {"d": {}, "q": {"type": "integer"}}}
            }}
        },
        "additionalProperties": false,
        "x-mallku": {"allow": all}
    });
    let nested = json!({
        "type": "object",
        "properties": {
            "tie": {
                "type": "object",
                "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
                "maxProperties": 1
            },
            "none": {"type": ["integer", "null"]},
            "box": {
                "type": "object",
                "properties": {"deep": {
                    "type": "object",
                    "properties": {"need": {"type": ["string", "null"]}},
                    "required": ["need"]
                }}
            }
        },
        "required": ["tie", "none"],
        "x-mallku": {"allow": all}
    });
    let knows = json!({
        "type": "object",
        "properties": {"since": {"type": "integer"}},
        "additionalProperties": false,
        "x-mallku": {"kind": "edge", "from": ["users"], "to": ["users", "tied"], "allow": all}
    });
    let rated = json!({
        "type": "object",
        "properties": {
            "rate": {"type": "number"},
            "grid": {"type": "array", "items": {"type": "array", "items": {"type": "string"}}}
        },
        "x-mallku": {"kind": "edge", "from": ["users"], "to": ["users"], "allow": all}
    });
    let keyed = json!({
        "type": "object",
        "properties": {"_key": {"type": "string", "pattern": "^[a-z]+$"}},
        "x-mallku": {"allow": all}
    });
    SchemaSet::from_files([
        ("rated.json", rated.to_string()),
        (
            "pairs7.json",
            json!({
                "$schema": "http://json-schema.org/draft-07/schema#",
                "properties": {"pair": {"type": "array", "items": [{"type": "string"}, {"type": "integer"}], "additionalItems": false}},
                "x-mallku": {"allow": all}
            })
            .to_string(),
        ),
        (
            "pairs20.json",
            json!({
                "properties": {"pair": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]}},
                "x-mallku": {"allow": all}
            })
            .to_string(),
        ),
        ("keyed.json", keyed.to_string()),
        ("loose.json", json!({"x-mallku": {"allow": all}}).to_string()),
        ("users.json", users.to_string()),
        ("tied.json", tied.to_string()),
        ("nested.json", nested.to_string()),
        ("within.json", within.to_string()),
        ("dropping.json", dropping.to_string()),
        ("knows.json", knows.to_string()),
    ])
    .unwrap_or_else(|faults| panic!("{faults}"))
}

/// Query, bind values, the rules that deny.
#[rustfmt::skip]
const TABLE: &[(&str, &str, &str)] = &[
    // Known as a whole.
    ("INSERT {name: 'ab', address: {city: 'x'}} INTO users", "", ""),
    ("INSERT @d INTO users", r#"{"d": {"name": "ab", "address": {"city": "x"}, "pw": "y"}}"#, ""),
    ("INSERT {name: 'a', address: {city: 'x'}} INTO users", "", "document-invalid"),
    ("INSERT {name: 'ab'} INTO users", "", "document-invalid"),
    ("INSERT {name: 'ab', address: {}} INTO users", "", "document-invalid"),
    ("INSERT {name: 'ab', address: {city: 'x'}, nme: 1} INTO users", "", "attribute-unknown"),
    ("INSERT {name: 'ab', address: {city: 'x', street: 1}} INTO users", "", "attribute-unknown"),
    ("INSERT {name: 'ab', address: {city: 'x'}, made: 'now'} INTO users", "", "attribute-read-only"),
    ("INSERT {name: 'ab', address: {city: 'x', made: 1}} INTO users", "", "attribute-read-only"),
    ("INSERT @d INTO users", r#"{"d": {"name": "ab", "address": {"city": "x"}, "made": "y"}}"#, "attribute-read-only"),
    ("INSERT @d INTO users", r#"{"d": 7}"#, "document-invalid"),
    ("INSERT {name: @n, address: @a, age: @g} INTO users", r#"{"n": "ab", "a": {"city": "x"}, "g": -1}"#, "document-invalid"),
    ("INSERT {_key: 'k', name: 'ab', address: {city: 'x'}} INTO users", "", ""),
    // Known in part.
    ("FOR u IN users INSERT {name: u.nick, address: {city: 'x'}} INTO users", "", "document-invalid"),
    ("FOR u IN users INSERT {name: u.name, address: u.address} INTO users", "", "attribute-read-only"),
    ("FOR u IN users INSERT {name: u.name, address: {city: u.address.city}} INTO users", "", ""),
    ("INSERT {name: UPPER(@n), address: {city: 'x'}} INTO users", r#"{"n": "ab"}"#, "document-invalid"),
    ("INSERT {name: 'ab', nick: UPPER(@n), address: {city: 'x'}} INTO users", r#"{"n": "ab"}"#, ""),
    ("INSERT {name: 'a', nick: UPPER(@n), address: {city: 'x'}} INTO users", r#"{"n": "ab"}"#, "document-invalid"),
    ("INSERT {name: 'ab', nick: UPPER(@n)} INTO users", r#"{"n": "ab"}"#, "document-invalid"),
    ("INSERT {name: 'ab', nick: LENGTH([1]), address: {city: 'x'}} INTO users", "", "document-invalid"),
    ("INSERT {name: 'ab', score: 1 / 2, address: {city: 'x'}} INTO users", "", ""),
    ("INSERT {name: 'ab', nick: 1 == 1 ? 'a' : 'b', level: 1 == 1 ? 'low' : 'high', address: {city: 'x'}} INTO users", "", ""),
    ("INSERT {name: 'ab', level: 1 == 1 ? 'low' : 'none', address: {city: 'x'}} INTO users", "", "document-invalid"),
    ("FOR u IN users INSERT {name: 'ab', level: u.level, address: {city: 'x'}} INTO users", "", "document-invalid"),
    ("FOR u IN users UPDATE u WITH {level: NOT_NULL(u.level, 'low')} IN users", "", "document-invalid"),
    ("FOR u IN users INSERT u INTO users", "", "whole-document attribute-read-only"),
    ("FOR u IN users INSERT {[u.nick]: 1, name: 'ab', address: {city: 'x'}} INTO users", "", "document-invalid"),
    ("FOR x IN [{name: 'ab', address: {city: 'x'}}, {name: 'b', address: {city: 'x'}}] INSERT x INTO users", "", "document-invalid"),
    ("FOR x IN @docs INSERT x INTO users", r#"{"docs": [{"name": "ab", "address": {"city": "x"}}, {"name": "b"}]}"#, "document-invalid"),
    ("FOR x IN @docs INSERT {name: x.n, address: {city: 'x'}} INTO users", r#"{"docs": [{"n": "ab"}, {"n": "cd"}]}"#, ""),
    ("FOR x IN @docs INSERT {name: x.n, address: {city: 'x'}} INTO users", r#"{"docs": [{"n": "ab"}, {"n": "c"}]}"#, "document-invalid"),
    ("FOR x IN @docs INSERT MERGE(x, {nick: 'n'}) INTO users", r#"{"docs": [{"name": "ab", "address": {"city": "x"}}]}"#, ""),
    ("FOR x IN @docs INSERT MERGE(x, {nick: 'n'}) INTO users", r#"{"docs": [{"name": "ab", "address": {"city": "x"}}, {"name": "cd"}]}"#, "document-invalid"),
    ("FOR x IN @docs INSERT MERGE(x, {nick: 5}) INTO users", r#"{"docs": [{"name": "ab", "address": {"city": "x"}}]}"#, "document-invalid"),
    ("FOR x IN @docs INSERT MERGE({nick: 'n'}, x) INTO users", r#"{"docs": [{"name": "ab", "address": {"city": "x"}, "zip": 1}]}"#, "attribute-unknown"),
    ("FOR x IN @docs INSERT MERGE(x, {nick: 'n'}) INTO users", r#"{"docs": [{"name": "ab", "address": {"city": "x"}, "made": "now"}]}"#, "attribute-read-only"),
    ("FOR x IN @docs INSERT UNSET(x, 'made') INTO users", r#"{"docs": [{"name": "ab", "address": {"city": "x"}, "made": "now"}]}"#, ""),
    ("FOR x IN @docs UPDATE 'k' WITH MERGE(x, {age: 3}) IN users", r#"{"docs": [{"nick": "ab"}, {"age": -1}, 7]}"#, ""),
    ("INSERT MERGE(@d, {nick: 'n'}) INTO users", r#"{"d": {"name": "ab", "address": {"city": "x"}}}"#, ""),
    ("INSERT MERGE(@d, {nick: 'n'}) INTO users", r#"{"d": {"name": "ab", "address": {"city": "x"}, "zip": 1}}"#, "attribute-unknown"),
    // What functions give.
    ("INSERT {name: 'ab', address: {city: 'x'}, words: SPLIT(@t, ' ')} INTO users", r#"{"t": "a b"}"#, ""),
    ("INSERT {name: 'ab', address: {city: 'x'}, words: SPLIT(@t, @s)} INTO users", r#"{"t": "a b", "s": {}}"#, "document-invalid"),
    ("INSERT {name: 'ab', address: {city: 'x'}, words: SPLIT(@t)} INTO users", r#"{"t": 5}"#, "document-invalid"),
    ("FOR u IN users UPDATE u WITH {words: SPLIT(u.age)} IN users", "", "document-invalid"),
    ("FOR u IN users UPDATE u WITH {words: SPLIT(u.nick, ' ', -1)} IN users", "", "document-invalid"),
    ("FOR u IN users UPDATE u WITH {score: COSINE_SIMILARITY([[1, 2]], [1, 2])} IN users", "", "document-invalid"),
    ("FOR u IN users UPDATE u WITH {score: L1_DISTANCE(u.extra, [1, 2])} IN users", "", "document-invalid"),
    ("FOR u IN users UPDATE u WITH {score: L2_DISTANCE(u.extra, [1, 2])} IN users", "", "document-invalid"),
    ("FOR u IN users UPDATE u WITH {score: DECAY_GAUSS([20, 41], 40, 5, 5, 0.5)} IN users", "", "document-invalid"),
    ("FOR u IN users UPDATE u WITH {score: DECAY_EXP(u.extra, 40, 5, 5, 0.5)} IN users", "", "document-invalid"),
    ("FOR u IN users UPDATE u WITH {nick: NOT_NULL(DATE_UTCTOLOCAL(u.made, 'Europe/Berlin'), '')} IN users", "", ""),
    ("FOR u IN users UPDATE u WITH {nick: NOT_NULL(DATE_UTCTOLOCAL(u.made, 'Europe/Berlin', true), '')} IN users", "", "document-invalid"),
    ("FOR u IN users UPDATE u WITH {nick: NOT_NULL(DATE_LOCALTOUTC(u.made, 'Europe/Berlin', true), '')} IN users", "", "document-invalid"),
    ("FOR u IN users UPDATE u WITH {flag: LIKE(u.name, u.nick)} IN users", "", "document-invalid"),
    ("FOR u IN users UPDATE u WITH {flag: u.name LIKE 'a%'} IN users", "", ""),
    ("FOR u IN users UPDATE u WITH {flag: u.name LIKE u.nick} IN users", "", "document-invalid"),
    ("FOR u IN users UPDATE u WITH {flag: u.name NOT LIKE u.nick} IN users", "", ""),
    ("FOR u IN users UPDATE u WITH {words: APPEND(u.words, ['a'])} IN users", "", ""),
    ("FOR u IN users UPDATE u WITH {words: APPEND(u.words, 'a')} IN users", "", "document-invalid"),
    ("FOR u IN users UPDATE u WITH {words: APPEND(u.words, @w)} IN users", r#"{"w": []}"#, "document-invalid"),
    ("FOR u IN users UPDATE u WITH {words: APPEND(u.nick || '', [])} IN users", "", "document-invalid"),
    ("FOR u IN users UPDATE u WITH {words: APPEND(NOT_NULL(u.words, []), @w)} IN users", r#"{"w": []}"#, ""),
    ("FOR u IN users UPDATE u WITH {words: APPEND(NOT_NULL(u.words, []), 'a')} IN users", "", ""),
    ("FOR u IN users UPDATE u WITH {words: REMOVE_VALUES('a', null)} IN users", "", "document-invalid"),
    ("FOR u IN users INSERT {grid: FLATTEN([['a']], 0), _from: u._id, _to: u._id} INTO rated", "", "document-invalid"),
    ("FOR u IN users UPDATE u WITH {nick: FIRST_DOCUMENT({a: 1}.b, 'x')} IN users", "", "document-invalid"),
    ("FOR u IN users UPDATE u WITH {words: FIRST_LIST(u.extra, 'x')} IN users", "", "document-invalid"),
    ("FOR u IN users UPDATE u WITH {words: FIRST_LIST(u.words, ['x'])} IN users", "", ""),
    ("FOR u IN users UPDATE u WITH {nick: VALUE(['x'], [0])} IN users", "", "document-invalid"),
    ("FOR u IN users UPDATE u WITH {nick: VALUE({a: 'x'}, ['a'])} IN users", "", ""),
    ("FOR u IN users UPDATE u WITH {nick: VALUE('x', [])} IN users", "", "document-invalid"),
    ("FOR n IN nested UPDATE n WITH {x: 1, `none`: n.`none` + n.text} IN nested", "", "document-invalid"),
    ("FOR u IN users UPDATE u WITH {age: MAX([0, FLOOR(u.nick * 2)])} IN users", "", ""),
    // Positions have their own types in both dialects.
    ("FOR u IN users INSERT {pair: [LENGTH(u.words), u.name]} INTO pairs7", "", "document-invalid"),
    ("FOR u IN users INSERT {pair: [LENGTH(u.words), u.name]} INTO pairs20", "", "document-invalid"),
    ("INSERT {pair: ['a', 1]} INTO pairs7", "", ""),
    ("INSERT {pair: [1, 'a']} INTO pairs7", "", "document-invalid"),
    // What `KEEP` leaves is there as it was, or not at all.
    ("FOR n IN nested REPLACE n WITH KEEP(n, 'tie', 'none') IN nested", "", ""),
    ("FOR n IN nested REPLACE n WITH KEEP(n, 'tie') IN nested", "", "document-invalid"),
    ("FOR n IN nested INSERT {tie: n.tie, `none`: 1, copy: KEEP(n, 'none')} INTO nested", "", ""),
    ("FOR u IN users INSERT MERGE(KEEP(u, 'name', 'nick', 'tags', 'level'), {address: {city: 'x'}}) INTO users", "", ""),
    ("FOR u IN users INSERT MERGE(KEEP(u, 'nick'), {address: {city: 'x'}}) INTO users", "", "document-invalid"),
    ("FOR u IN users INSERT {name: 'ab', nick: KEEP(u, 'nick').nick, address: {city: 'x'}} INTO users", "", "document-invalid"),
    ("UPSERT {name: 'ab'} INSERT MERGE(KEEP(OLD, 'name'), {address: {city: 'x'}}) UPDATE {} IN users", "", "document-invalid"),
    // A list of objects to merge may be empty.
    ("LET m = MERGE(FOR u IN users RETURN {name: 'ab', address: {city: 'x'}}) INSERT m INTO users", "", "document-invalid"),
    ("LET m = MERGE(FOR u IN users RETURN {nick: 'ab'}) INSERT {name: 'ab', nick: m.nick, address: {city: 'x'}} INTO users", "", "document-invalid"),
    ("FOR u IN users INSERT MERGE(u.age > 1 ? [] : [{name: 'ab', address: {city: 'x'}}]) INTO users", "", "document-invalid"),
    ("FOR u IN users INSERT MERGE([{name: 'ab'}, {address: {city: u.address.city}}]) INTO users", "", ""),
    ("FOR n IN nested INSERT MERGE(FOR o IN nested RETURN o) INTO nested", "", "document-invalid"),
    // `keepNull: false` drops what is null within an object as well, whichever of several the object is.
    ("UPDATE 'k' WITH {o: {b: null}} IN dropping", "", ""),
    ("UPDATE 'k' WITH {o: {b: null}} IN dropping OPTIONS {keepNull: false}", "", "document-invalid"),
    ("UPDATE 'k' WITH {o: 1 == 1 ? {b: null} : {b: 'x'}} IN dropping", "", ""),
    ("UPDATE 'k' WITH {o: 1 == 1 ? {b: null} : {b: 'x'}} IN dropping OPTIONS {keepNull: false}", "", "document-invalid"),
    ("UPDATE 'k' WITH {o: 1 == 1 ? {b: 'y'} : {b: 'x'}} IN dropping OPTIONS {keepNull: false}", "", ""),
    ("UPDATE 'k' WITH {o: 1 == 1 ? {b: null, c: UPPER('x')} : {b: 'x', c: UPPER('y')}} IN dropping", "", ""),
    ("UPDATE 'k' WITH {o: 1 == 1 ? {b: null, c: UPPER('x')} : {b: 'x', c: UPPER('y')}} IN dropping OPTIONS {keepNull: false}", "", "document-invalid"),
    ("UPDATE 'k' WITH {o: 1 == 1 ? {b: null} : {b: 'x', c: UPPER('y')}} IN dropping OPTIONS {keepNull: false}", "", "document-invalid"),
    ("UPDATE 'k' WITH {o: 1 == 1 ? {b: 'z'} : {b: 'x', c: UPPER('y')}} IN dropping OPTIONS {keepNull: false}", "", ""),
    ("FOR x IN [{b: null}, {b: 'x'}] UPDATE 'k' WITH {o: x} IN dropping OPTIONS {keepNull: false}", "", "document-invalid"),
    ("FOR x IN @l UPDATE 'k' WITH {o: x} IN dropping OPTIONS {keepNull: false}", r#"{"l": [{"b": "y"}, {"b": null}]}"#, "document-invalid"),
    ("FOR x IN @l UPDATE 'k' WITH {o: x} IN dropping OPTIONS {keepNull: false}", r#"{"l": [{"b": "y"}, {"b": "z"}]}"#, ""),
    ("FOR x IN @l UPDATE 'k' WITH {o: MERGE(x, {c: 'y'})} IN dropping OPTIONS {keepNull: false}", r#"{"l": [{"b": "y"}, {"b": null}]}"#, "document-invalid"),
    ("FOR x IN @l UPDATE 'k' WITH x IN dropping OPTIONS {keepNull: false}", r#"{"l": [{"o": {"b": "y"}}, {"o": {"b": null}}]}"#, "document-invalid"),
    ("FOR d IN dropping UPDATE d WITH {o: d.o} IN dropping OPTIONS {keepNull: false}", "", "document-invalid"),
    ("FOR d IN dropping UPDATE d WITH {o: NOT_NULL(d.o, {b: 'x'})} IN dropping OPTIONS {keepNull: false}", "", "document-invalid"),
    ("FOR d IN dropping UPDATE d WITH {o: {b: d.o.b}} IN dropping OPTIONS {keepNull: false}", "", "document-invalid"),
    // What ties the attributes of one value concerns updates of that value.
    ("UPDATE 'k' WITH {`none`: 1} IN nested", "", ""),
    ("FOR n IN nested UPDATE n WITH {`none`: n.`none` + 1} IN nested", "", ""),
    ("UPDATE 'k' WITH {tie: {a: 1}} IN nested", "", "document-invalid"),
    // What is required within an object is there only where the object is.
    ("FOR i IN 1..2 UPDATE 'k' WITH {o: {a: 'x', o: {q: i}}} IN within", "", "document-invalid"),
    ("FOR i IN 1..2 UPDATE 'k' WITH {o: {a: TO_STRING(i), o: {q: 1}}} IN within", "", "document-invalid"),
    ("FOR i IN 1..2 UPDATE 'k' WITH {o: {a: TO_STRING(i), o: {q: i, d: i}}} IN within", "", ""),
    ("FOR i IN 1..2 UPDATE 'k' WITH {o: {a: 'x', o: {q: i}}} IN within OPTIONS {keepNull: false}", "", "document-invalid"),
    ("UPDATE 'k' WITH {tie: {a: 1}} IN nested OPTIONS {mergeObjects: false}", "", ""),
    ("UPDATE 'k' WITH {tie: {a: 1, b: 2}} IN nested OPTIONS {mergeObjects: false}", "", "document-invalid"),
    ("UPDATE 'k' WITH {tie: {a: LENGTH([1])}} IN nested", "", "document-invalid"),
    ("UPDATE 'k' WITH {tie: @t} IN nested", r#"{"t": {"a": 1}}"#, "document-invalid"),
    ("UPDATE 'k' WITH @u IN nested", r#"{"u": {"none": 1, "tie": {"a": 1}}}"#, "document-invalid"),
    ("UPDATE 'k' WITH @u IN nested", r#"{"u": {"none": 1}}"#, ""),
    // Updates.
    ("UPDATE 'k' WITH {age: 3} IN users", "", ""),
    ("UPDATE 'k' WITH {age: -3} IN users", "", "document-invalid"),
    ("UPDATE 'k' WITH {name: null} IN users", "", "document-invalid"),
    ("UPDATE 'k' WITH {name: null} IN users OPTIONS {keepNull: false}", "", "document-invalid"),
    ("UPDATE 'k' WITH {nick: null} IN users OPTIONS {keepNull: false}", "", ""),
    ("UPDATE 'k' WITH {nick: null} IN users OPTIONS {keepNull: @keep}", r#"{"keep": true}"#, "document-invalid"),
    ("UPDATE 'k' WITH {address: {city: null}} IN users OPTIONS {keepNull: false}", "", "document-invalid"),
    ("UPDATE 'k' WITH {address: {city: null}, nick: UPPER('a')} IN users OPTIONS {keepNull: false}", "", "document-invalid"),
    ("UPDATE 'k' WITH {address: {made: null}} IN users OPTIONS {keepNull: false}", "", "attribute-read-only"),
    ("UPDATE 'k' WITH {nick: 'a'} IN users OPTIONS {keepNull: null}", "", "option-not-allowed"),
    ("UPDATE 'k' WITH {made: null} IN users OPTIONS {keepNull: false}", "", "attribute-read-only"),
    ("FOR u IN users UPDATE u WITH {nick: u.words[0]} IN users OPTIONS {keepNull: false}", "", ""),
    ("FOR u IN users UPDATE u WITH {home: {city: 'x', zip: u.nick}} IN users OPTIONS {keepNull: false}", "", "document-invalid"),
    ("FOR u IN users UPDATE u WITH {address: {zip: u.nick}} IN users OPTIONS {keepNull: false}", "", "document-invalid"),
    ("FOR n IN nested UPDATE n WITH {box: {x: n._key, deep: {need: null}}} IN nested OPTIONS {keepNull: false}", "", "document-invalid"),
    ("FOR n IN nested UPDATE n WITH {box: {x: n._key, deep: {need: null}}} IN nested", "", ""),
    ("FOR n IN nested UPDATE n WITH {x: n._key, box: n.x ? {deep: {need: null}} : {deep: {need: 'a'}}} IN nested OPTIONS {keepNull: false}", "", "document-invalid"),
    ("FOR n IN nested UPDATE n WITH {box: n.x ? {deep: {need: n.box.deep.need}} : {}} IN nested OPTIONS {keepNull: false}", "", "document-invalid"),
    ("FOR n IN nested UPDATE n WITH {box: n.x ? {deep: {need: n.box.deep.need}} : {}} IN nested", "", ""),
    ("FOR n IN nested FOR b IN @b UPDATE n WITH {box: b.c, x: n._key} IN nested OPTIONS {keepNull: false}", r#"{"b": [{"c": {"deep": {"need": null}}}]}"#, "document-invalid"),
    ("FOR n IN nested UPDATE n WITH {box: n.x ? @b : {deep: {need: n._key}}} IN nested OPTIONS {keepNull: false}", r#"{"b": {"deep": {"need": null}}}"#, "document-invalid"),
    ("FOR n IN nested UPDATE n WITH {box: n.x ? @b : {deep: {need: n._key}}} IN nested", r#"{"b": {"deep": {"need": null}}}"#, ""),
    ("FOR u IN users UPDATE u WITH {address: {zip: NOT_NULL(u.nick, '')}} IN users OPTIONS {keepNull: false}", "", ""),
    ("UPDATE 'k' WITH {address: {zip: '1'}} IN users", "", ""),
    ("UPDATE 'k' WITH {address: {zip: @z}} IN users", r#"{"z": "1"}"#, ""),
    ("UPDATE 'k' WITH {address: {zip: 1}} IN users", "", "document-invalid"),
    ("UPDATE 'k' WITH {address: {zip: '1'}} IN users OPTIONS {mergeObjects: false}", "", "attribute-read-only document-invalid"),
    ("UPDATE 'k' WITH {address: {city: '1'}} IN users OPTIONS {mergeObjects: false}", "", "attribute-read-only"),
    ("UPDATE 'k' WITH {home: {city: '1'}} IN users OPTIONS {mergeObjects: false}", "", ""),
    ("UPDATE 'k' WITH {home: {zip: '1'}} IN users OPTIONS {mergeObjects: false}", "", "document-invalid"),
    ("UPDATE 'k' WITH {home: {zip: '1'}} IN users", "", "document-invalid"),
    ("UPDATE 'k' WITH {home: {city: '1'}} IN users", "", ""),
    ("UPDATE 'k' WITH {home: null} IN users", "", ""),
    ("FOR u IN users UPDATE u WITH {address: {zip: u.nick}} IN users", "", "document-invalid"),
    ("FOR u IN users UPDATE u WITH {address: {zip: TO_STRING(u.nick)}} IN users", "", ""),
    ("FOR u IN users UPDATE u WITH {tags: PUSH(u.tags, 'x')} IN users", "", "document-invalid"),
    ("FOR u IN users UPDATE u WITH {extra: u.tags} IN users", "", ""),
    ("FOR u IN users UPDATE u WITH {extra: {x: [u.tags, u.name]}} IN users", "", ""),
    ("UPDATE 'k' WITH {name: 'xy'} IN users OPTIONS {nme: 1}", "", "option-not-allowed"),
    ("UPDATE 'k' WITH {name: 'xy'} IN users OPTIONS {keepNull: RAND() > 1}", "", "syntax"),
    ("UPDATE 'k' WITH {age: 3} IN users OPTIONS {versionAttribute: 'pw'}", "", "attribute-hidden"),
    ("UPDATE 'k' WITH {age: 3} IN users OPTIONS {versionAttribute: 'age'}", "", ""),
    // Schemas that tie attributes to one another.
    ("INSERT {a: 1} INTO tied", "", ""),
    ("INSERT {a: 1, b: 1} INTO tied", "", "document-invalid"),
    ("UPDATE 'k' WITH {b: 1} IN tied", "", "document-invalid"),
    ("REPLACE 'k' WITH {b: 1} IN tied", "", ""),
    ("INSERT {a: LENGTH([1])} INTO tied", "", "document-invalid"),
    ("FOR t IN tied INSERT t INTO tied", "", ""),
    ("FOR t IN tied REPLACE t WITH MERGE(t, {b: 1}) IN tied", "", "document-invalid"),
    ("FOR t IN tied FOR o IN tied UPDATE t WITH o IN tied", "", "document-invalid"),
    ("FOR t IN tied REPLACE 'k' WITH t IN tied", "", ""),
    ("FOR u IN users FOR o IN users UPDATE u WITH {home: o.home} IN users", "", ""),
    ("FOR n IN nested FOR o IN nested UPDATE n WITH o IN nested", "", "document-invalid"),
    ("FOR n IN nested FOR o IN nested UPDATE n WITH o IN nested OPTIONS {mergeObjects: false}", "", ""),
    ("FOR n IN nested FOR o IN nested UPDATE n WITH {tie: o.tie} IN nested", "", "document-invalid"),
    ("FOR n IN nested FOR o IN nested UPDATE n WITH {tie: o.tie} IN nested OPTIONS {mergeObjects: false}", "", ""),
    ("FOR n IN nested FOR o IN nested UPDATE n WITH MERGE(o, {x: 1}) IN nested", "", "document-invalid"),
    ("FOR n IN nested FOR o IN nested UPDATE n WITH o IN nested OPTIONS {keepNull: false, mergeObjects: false}", "", "document-invalid"),
    ("FOR n IN nested REPLACE n WITH MERGE(n, {x: 1}) IN nested", "", ""),
    // Edges.
    ("INSERT {_from: 'users/1', _to: 'tied/1'} INTO knows", "", ""),
    ("INSERT {_from: 'tied/1', _to: 'tied/1'} INTO knows", "", "document-invalid"),
    ("INSERT {_from: 'users/1'} INTO knows", "", "document-invalid"),
    ("INSERT {_from: 'users', _to: 'tied/1'} INTO knows", "", "document-invalid"),
    ("FOR u IN users FOR t IN tied INSERT {_from: u._id, _to: t._id, since: 1} INTO knows", "", ""),
    ("FOR u IN users FOR t IN tied INSERT {_from: t._id, _to: u._id, since: 1} INTO knows", "", "document-invalid"),
    ("UPDATE 'k' WITH {since: 2} IN knows", "", ""),
    ("UPDATE 'k' WITH {_to: 'users/7'} IN knows", "", ""),
    ("UPDATE 'k' WITH {_from: 'tied/7'} IN knows", "", "document-invalid"),
    ("UPDATE 'k' WITH @p IN knows", r#"{"p": {"_from": "tied/7"}}"#, "document-invalid"),
    ("FOR e IN knows INSERT {_from: e._from, _to: e._to} INTO knows", "", ""),
    ("FOR e IN knows INSERT {_from: e._to, _to: e._to} INTO knows", "", "document-invalid"),
    ("INSERT MERGE({_from: 'users/1', _to: 'users/2'}, @e) INTO knows", r#"{"e": {"_to": "secrets/1"}}"#, "document-invalid"),
    ("INSERT MERGE({_from: 'users/1', _to: 'users/2'}, @e) INTO knows", r#"{"e": {"since": 1}}"#, ""),
    // Which operation it is.
    ("UPSERT {nick: 'x'} INSERT {name: 'xy', address: {city: 'x'}} UPDATE {age: OLD.age + 1} IN users", "", ""),
    ("UPSERT {nick: 'x'} INSERT {name: 'xy', address: {city: 'x'}} UPDATE {age: OLD.age - 1} IN users", "", "document-invalid"),
    // Numbers within bounds.
    ("FOR u IN users UPDATE u WITH {age: u.age * 2} IN users", "", ""),
    ("FOR u IN users UPDATE u WITH {age: u.age * -1} IN users", "", "document-invalid"),
    ("FOR u IN users UPDATE u WITH {age: u.age + @n} IN users", r#"{"n": 1}"#, ""),
    ("FOR u IN users UPDATE u WITH {age: u.age + @n} IN users", r#"{"n": -1}"#, "document-invalid"),
    ("FOR u IN users UPDATE u WITH {age: u.age + @n} IN users", r#"{"n": 0.5}"#, "document-invalid"),
    ("FOR u IN users UPDATE u WITH {age: u.age + u.score} IN users", "", "document-invalid"),
    ("FOR u IN users UPDATE u WITH {age: MAX([0, u.age - 1])} IN users", "", ""),
    ("FOR u IN users UPDATE u WITH {age: MAX([u.age - 1, u.score])} IN users", "", "document-invalid"),
    ("FOR u IN users UPDATE u WITH {age: ABS(u.age - 9)} IN users", "", ""),
    ("FOR u IN users UPDATE u WITH {age: LENGTH(u.tags)} IN users", "", ""),
    ("FOR u IN users UPDATE u WITH {age: FLOOR(u.age / 2)} IN users", "", ""),
    ("FOR u IN users UPDATE u WITH {age: u.age / 2} IN users", "", "document-invalid"),
    ("FOR u IN users UPDATE u WITH {age: 1 - 2} IN users", "", "document-invalid"),
    ("FOR u IN users UPDATE u WITH {age: u.age} IN users", "", "document-invalid"),
    ("FOR u IN users UPDATE u WITH {age: u.age || 0} IN users", "", ""),
    // No double holds these, so that they are null.
    ("FOR n IN nested UPDATE n WITH {tie: {a: n.x + 1}} IN nested OPTIONS {mergeObjects: false}", "", "document-invalid"),
    ("FOR u IN users INSERT {since: 1, rate: u.nick + 1, _from: u._id, _to: u._id} INTO rated", "", "document-invalid"),
    ("FOR u IN users INSERT {since: 1, rate: @n * 2, _from: u._id, _to: u._id} INTO rated", r#"{"n": "inf"}"#, "document-invalid"),
    ("FOR u IN users INSERT {since: 1, rate: @n * 2, _from: u._id, _to: u._id} INTO rated", r#"{"n": 3}"#, ""),
    ("LET twice = @n * 2 FOR u IN users INSERT {rate: twice, _from: u._id, _to: u._id} INTO rated", r#"{"n": 1.5}"#, ""),
    ("LET twice = @n * 2 FOR u IN users INSERT {rate: twice, _from: u._id, _to: u._id} INTO rated", r#"{"n": 1e308}"#, "document-invalid"),
    ("FOR u IN users FOR n IN @n INSERT {rate: n * 2, _from: u._id, _to: u._id} INTO rated", r#"{"n": [1.5, 2]}"#, ""),
    ("FOR u IN users FOR n IN @n INSERT {rate: n * 2, _from: u._id, _to: u._id} INTO rated", r#"{"n": [1.5, 1e308]}"#, "document-invalid"),
    // Names and keys that are known only when the query runs.
    ("FOR u IN users INSERT {[u.name]: 1} INTO keyed", "", "document-invalid"),
    ("FOR n IN nested INSERT n INTO keyed", "", "document-invalid"),
    ("FOR n IN nested INSERT MERGE(n, {x: 1}) INTO keyed", "", "document-invalid"),
    ("FOR n IN nested INSERT MERGE(n, {x: 1}) INTO loose", "", ""),
    ("UPDATE 'k' WITH {age: 1e308 * 10} IN users", "", "document-invalid"),
    ("UPDATE 'k' WITH {age: 1e308 + 1e308} IN users", "", "document-invalid"),
    ("FOR u IN users UPDATE u WITH {age: u.age / 0} IN users", "", "document-invalid"),
    // A key that is none.
    ("INSERT {_key: 7, name: 'ab', address: {city: 'x'}} INTO users", "", "document-invalid"),
    ("INSERT @d INTO users", r#"{"d": {"_key": 7, "name": "ab", "address": {"city": "x"}}}"#, "document-invalid"),
    // Null is dropped by what chooses another value.
    ("INSERT {name: 'ab', nick: NOT_NULL(@n, 'x'), address: {city: 'x'}} INTO users", r#"{"n": null}"#, ""),
    ("INSERT {name: 'ab', nick: @n || 'x', address: {city: 'x'}} INTO users", r#"{"n": null}"#, ""),
    ("INSERT {name: 'ab', nick: @n ?: 'x', address: {city: 'x'}} INTO users", r#"{"n": null}"#, ""),
    ("INSERT {name: 'ab', nick: @n && 'x', address: {city: 'x'}} INTO users", r#"{"n": null}"#, "document-invalid"),
    ("INSERT {name: 'ab', nick: NOT_NULL('x', @n), address: {city: 'x'}} INTO users", r#"{"n": 7}"#, "document-invalid"),
    // An edge without an end is not written.
    ("LET a = FIRST(FOR u IN users RETURN u._id) INSERT {_from: a, _to: 'users/1'} INTO knows", "", ""),
    ("LET a = FIRST(FOR u IN users RETURN u) UPDATE 'k' WITH {_to: a._id} IN knows", "", ""),
    ("LET a = FIRST(FOR u IN users RETURN u.nick) INSERT {_from: a, _to: 'users/1'} INTO knows", "", "document-invalid"),
    ("INSERT {_from: null, _to: 'users/1'} INTO knows", "", "document-invalid"),
    ("UPSERT {nick: 'x'} INSERT {name: 'xy', address: {city: 'x'}} UPDATE {age: 1} IN users", "", ""),
    ("UPSERT {nick: 'x'} INSERT {name: 'xy'} UPDATE {age: 1} IN users", "", "document-invalid"),
    ("UPSERT {pw: 'x'} INSERT {name: 'xy', address: {city: 'x'}} UPDATE {age: 1} IN users", "", "attribute-hidden"),
    ("UPSERT @e INSERT {name: 'xy', address: {city: 'x'}} UPDATE {age: 1} IN users", r#"{"e": {"pw": "x"}}"#, "attribute-hidden"),
    ("INSERT {name: 'xy', address: {city: 'x'}} INTO users OPTIONS {overwriteMode: 'other'}", "", "option-not-allowed"),
    ("INSERT {name: 'xy', address: {city: 'x'}} INTO users OPTIONS {overwriteMode: 'replace', overwriteMode: 'ignore'}", "", "option-not-allowed"),
];

#[test]
fn written_documents() {
    let set = set();
    let mut failures = Vec::new();
    for (query, binds, wanted) in TABLE {
        let verdict = verdict(&set, None, query, binds);
        let found = rules(&verdict).join(" ");
        if found != *wanted {
            let said: Vec<_> = verdict.denials.iter().map(|denial| denial.message.as_str()).collect();
            failures.push(format!("{query} {binds}\n  wanted {wanted:?}, got {found:?} {said:?}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Query, bind values, the rules that deny: read-only attributes survive every write but a removal.
#[rustfmt::skip]
const KEPT: &[(&str, &str, &str)] = &[
    // A replacement drops what it does not name.
    ("REPLACE 'k' WITH {name: 'x'} IN top", "", "attribute-read-only"),
    ("REPLACE 'k' WITH @d IN top", r#"{"d": {"name": "x"}}"#, "attribute-read-only"),
    ("FOR d IN top REPLACE d WITH {name: TO_STRING(d.name)} IN top", "", "attribute-read-only"),
    ("FOR d IN top REPLACE d WITH UNSET(d, 'made') IN top", "", "attribute-read-only"),
    ("REPLACE 'k' WITH {name: 'x'} IN nested", "", "attribute-read-only"),
    ("REPLACE 'k' WITH {name: 'x'} IN listed", "", "attribute-read-only"),
    ("REPLACE 'k' WITH {name: 'x'} IN others", "", "attribute-read-only"),
    ("REPLACE 'k' WITH {name: 'x'} IN staffed", "", "attribute-read-only"),
    ("REPLACE 'k' WITH {name: 'x'} IN plain", "", ""),
    ("INSERT {_key: 'k', name: 'x'} INTO top OPTIONS {overwriteMode: 'replace'}", "", "attribute-read-only"),
    ("INSERT {_key: 'k', name: 'x'} INTO top OPTIONS {overwrite: true}", "", "attribute-read-only"),
    ("INSERT {_key: 'k', name: 'x'} INTO plain OPTIONS {overwriteMode: 'replace'}", "", ""),
    ("UPSERT {name: 'x'} INSERT {name: 'x'} REPLACE {name: 'y'} IN top", "", "attribute-read-only"),
    ("UPSERT {name: 'x'} INSERT {name: 'x'} REPLACE {name: 'y'} IN plain", "", ""),
    // What does not replace leaves them.
    ("INSERT {_key: 'k', name: 'x'} INTO top", "", ""),
    ("INSERT {_key: 'k', name: 'x'} INTO top OPTIONS {overwriteMode: 'ignore'}", "", ""),
    ("INSERT {_key: 'k', name: 'x'} INTO top OPTIONS {overwriteMode: 'update'}", "", ""),
    ("UPSERT {name: 'x'} INSERT {name: 'x'} UPDATE {name: 'y'} IN top", "", ""),
    ("UPDATE 'k' WITH {name: 'x'} IN top", "", ""),
    ("REMOVE 'k' IN top", "", ""),
    // An update drops what the values that it sets held.
    ("UPDATE 'k' WITH {made: null} IN top OPTIONS {keepNull: false}", "", "attribute-read-only"),
    ("UPDATE 'k' WITH {o: {name: 'x'}} IN nested", "", ""),
    ("UPDATE 'k' WITH {o: {name: UPPER('x')}} IN nested", "", ""),
    ("UPDATE 'k' WITH {o: {deep: {name: UPPER('x')}}} IN nested", "", ""),
    ("UPDATE 'k' WITH @d IN nested", r#"{"d": {"o": {"deep": {"name": "x"}}}}"#, ""),
    ("UPDATE 'k' WITH {o: {name: 'x'}} IN nested OPTIONS {mergeObjects: false}", "", "attribute-read-only"),
    ("UPDATE 'k' WITH {o: {name: UPPER('x')}} IN nested OPTIONS {mergeObjects: false}", "", "attribute-read-only"),
    ("UPDATE 'k' WITH @d IN nested OPTIONS {mergeObjects: false}", r#"{"d": {"o": {"name": "x"}}}"#, "attribute-read-only"),
    ("UPDATE 'k' WITH {name: 'x'} IN nested OPTIONS {mergeObjects: false}", "", ""),
    ("UPDATE 'k' WITH {o: null} IN nested", "", "attribute-read-only"),
    ("UPDATE 'k' WITH {o: null} IN nested OPTIONS {keepNull: false}", "", "attribute-read-only"),
    ("UPDATE 'k' WITH {o: {deep: null}} IN nested", "", "attribute-read-only"),
    ("UPDATE 'k' WITH {o: {deep: null, name: UPPER('x')}} IN nested OPTIONS {keepNull: false}", "", "attribute-read-only"),
    ("UPDATE 'k' WITH {o: 1 == 1 ? null : {name: 'x'}} IN nested", "", "attribute-read-only"),
    ("UPDATE 'k' WITH {o: FIRST(FOR n IN nested RETURN n.o)} IN nested", "", "attribute-read-only"),
    ("INSERT {_key: 'k', o: {name: 'x'}} INTO nested", "", ""),
    ("INSERT {_key: 'k', o: {name: 'x'}} INTO nested OPTIONS {overwriteMode: 'update', mergeObjects: false}", "", "attribute-read-only"),
    ("UPDATE 'k' WITH {l: [{name: 'x'}]} IN listed", "", "attribute-read-only"),
    ("UPDATE 'k' WITH {l: [{name: UPPER('x')}]} IN listed", "", "attribute-read-only"),
    ("UPDATE 'k' WITH {l: (FOR i IN 1..2 RETURN {name: 'x'})} IN listed", "", "attribute-read-only"),
    ("UPDATE 'k' WITH {l: []} IN listed", "", "attribute-read-only"),
    ("INSERT {l: [{name: 'x'}]} INTO listed", "", ""),
];

#[test]
fn read_only_attributes_survive() {
    let all = json!(["read", "insert", "update", "replace", "remove"]);
    let (name, made) = (json!({"type": "string"}), json!({"readOnly": true}));
    let collection =
        |properties: serde_json::Value| json!({"type": "object", "properties": properties, "x-mallku": {"allow": all}});
    let item = json!({"type": "object", "properties": {"name": name, "made": made}});
    let nested = json!({"type": ["object", "null"], "properties": {"name": name, "deep": {"type": ["object", "null"], "properties": {"name": name, "made": made}}}});
    let mut others = collection(json!({"name": name}));
    others["additionalProperties"] = made.clone();
    let files = [
        (
            "plain.json",
            collection(json!({"name": name, "pw": {"writeOnly": true}})),
        ),
        ("top.json", collection(json!({"name": name, "made": made}))),
        ("nested.json", collection(json!({"name": name, "o": nested}))),
        (
            "listed.json",
            collection(json!({"name": name, "l": {"type": "array", "items": item}})),
        ),
        ("others.json", others),
        (
            "staffed.json",
            collection(json!({"name": name, "made": {"x-mallku": {"writers": ["staff"]}}})),
        ),
        ("policy.json", json!({"roles": {"staff": {"users": ["ana"]}}})),
    ];
    let set = SchemaSet::from_files(files.map(|(name, schema)| (name, schema.to_string())))
        .unwrap_or_else(|faults| panic!("{faults}"));
    let mut failures = Vec::new();
    for (query, binds, wanted) in KEPT {
        let verdict = verdict(&set, None, query, binds);
        let found = rules(&verdict).join(" ");
        if found != *wanted {
            let said: Vec<_> = verdict.denials.iter().map(|denial| denial.message.as_str()).collect();
            failures.push(format!("{query} {binds}\n  wanted {wanted:?}, got {found:?} {said:?}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let staff = verdict(&set, Some("ana"), "REPLACE 'k' WITH {name: 'x'} IN staffed", "");
    assert!(
        staff.admitted(),
        "those who may write an attribute may replace the document"
    );
}

#[test]
fn documents_are_copied_where_their_attributes_mean_the_same() {
    let all = json!(["read", "insert", "update", "replace"]);
    let closed = |properties: serde_json::Value, required: serde_json::Value| {
        json!({"x-mallku": {"allow": all}, "type": "object", "properties": properties, "required": required,
            "additionalProperties": false, "$defs": {"Short": {"type": "string", "maxLength": 5}}})
    };
    let (name, tags) = (
        json!({"$ref": "#/$defs/Short"}),
        json!({"type": "array", "items": {"type": "string"}}),
    );
    let live = closed(json!({"name": name, "tags": tags}), json!(["name"]));
    let mut longer = closed(json!({"name": name, "tags": tags}), json!(["name"]));
    longer["$defs"]["Short"]["maxLength"] = json!(6);
    let mut draft7 = live.clone();
    draft7["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    let mut tied = live.clone();
    tied["dependentRequired"] = json!({"tags": ["name"]});
    let mut open = live.clone();
    open["additionalProperties"] = json!(true);
    let mut other = live.clone();
    other["allOf"] = json!([{"properties": {"name": {"minLength": 2}, "tags": {}}}]);
    let mut keyed = live.clone();
    keyed["properties"]["_key"] = json!({"type": "string", "pattern": "^[a-z]+$"});
    let pair = |first: &str| {
        closed(
            json!({"a": {"type": first}, "b": {"$ref": "#/properties/a"}}),
            json!([]),
        )
    };
    let tree = |extra: serde_json::Value| {
        closed(
            json!({"leaves": {"type": "array", "items": {"$ref": "#"}}, "x": extra}),
            json!([]),
        )
    };
    let by_way = |first: &str| {
        let mut schema = closed(json!({"a": {"type": first}, "b": {"$ref": "#/$defs/Same"}}), json!([]));
        schema["$defs"] = json!({"Same": {"$ref": "#/properties/a"}});
        schema
    };
    let files = [
        ("live.json", live.clone()),
        (
            "archive.json",
            closed(
                json!({"name": name, "tags": tags, "at": {"type": "string"}}),
                json!(["name"]),
            ),
        ),
        (
            "stamped.json",
            closed(
                json!({"name": name, "tags": tags, "at": {"type": "string"}}),
                json!(["name", "at"]),
            ),
        ),
        ("named.json", closed(json!({"name": name}), json!([]))),
        (
            "marked.json",
            closed(
                json!({"name": name, "tags": tags, "mark": {"readOnly": true}}),
                json!([]),
            ),
        ),
        ("anything.json", closed(json!({"name": {}, "tags": {}}), json!([]))),
        ("longer.json", longer),
        ("draft7.json", draft7),
        ("tied.json", tied),
        ("open.json", open),
        ("other.json", other),
        ("keyed.json", keyed.clone()),
        ("keyed2.json", keyed),
        ("texts.json", pair("string")),
        ("numbers.json", pair("number")),
        ("tree.json", tree(json!({"type": "string"}))),
        ("trees.json", tree(json!({"type": "number"}))),
        ("ways.json", by_way("string")),
        ("others.json", by_way("number")),
    ];
    let set = SchemaSet::from_files(files.map(|(name, schema)| (name, schema.to_string())))
        .unwrap_or_else(|faults| panic!("{faults}"));
    let mut failures = Vec::new();
    for (query, wanted) in [
        ("FOR x IN live INSERT x INTO archive", ""),
        ("FOR x IN live INSERT MERGE(x, {at: 'now'}) INTO archive", ""),
        (
            "FOR x IN live INSERT MERGE(x, {at: 7}) INTO archive",
            "document-invalid",
        ),
        (
            "FOR x IN live INSERT MERGE(x, {name: 'too long'}) INTO archive",
            "document-invalid",
        ),
        ("FOR x IN live INSERT UNSET(x, 'tags') INTO archive", ""),
        ("FOR x IN live INSERT UNSET(x, 'name') INTO archive", "document-invalid"),
        ("FOR x IN live REPLACE x WITH x IN archive", ""),
        ("FOR x IN live UPDATE x WITH x IN archive", "document-invalid"),
        ("FOR x IN live INSERT x INTO stamped", "document-invalid"),
        ("FOR x IN live INSERT MERGE(x, {at: 'now'}) INTO stamped", ""),
        ("FOR x IN live INSERT x INTO named", "document-invalid"),
        ("FOR x IN live INSERT UNSET(x, 'tags') INTO named", ""),
        ("FOR x IN named INSERT x INTO live", "document-invalid"),
        ("FOR x IN live INSERT x INTO marked", "attribute-read-only"),
        ("FOR x IN live INSERT x INTO anything", ""),
        ("FOR x IN anything INSERT x INTO live", "document-invalid"),
        ("FOR x IN live INSERT x INTO longer", "document-invalid"),
        ("FOR x IN live INSERT x INTO draft7", "document-invalid"),
        ("FOR x IN live INSERT x INTO tied", "document-invalid"),
        ("FOR x IN open INSERT x INTO live", "document-invalid"),
        ("FOR x IN live INSERT x INTO open", ""),
        ("FOR x IN live INSERT x INTO other", "document-invalid"),
        (
            "FOR x IN live FOR y IN live INSERT (x.name == 'a' ? x : y) INTO archive",
            "",
        ),
        ("LET x = FIRST(FOR y IN live RETURN y) INSERT x INTO archive", ""),
        // A key goes with its document.
        ("FOR x IN live INSERT x INTO keyed", "document-invalid"),
        ("FOR x IN live INSERT MERGE(x, {_key: 'a'}) INTO keyed", ""),
        ("FOR x IN live INSERT UNSET(x, '_key') INTO keyed", ""),
        ("FOR x IN keyed INSERT x INTO keyed2", ""),
        ("FOR x IN keyed INSERT x INTO live", ""),
        // The same text, and another meaning.
        ("FOR x IN texts INSERT UNSET(x, 'a') INTO numbers", "document-invalid"),
        ("FOR x IN tree INSERT UNSET(x, 'x') INTO trees", "document-invalid"),
        ("FOR x IN ways INSERT UNSET(x, 'a') INTO others", "document-invalid"),
    ] {
        let found = rules(&verdict(&set, None, query, "")).join(" ");
        if found != wanted {
            failures.push(format!("{query}\n  wanted {wanted:?}, got {found:?}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn an_overwriting_insert_is_the_operation_that_it_is() {
    let notes = json!({"x-mallku": {"allow": ["read", "insert"]}});
    let set = SchemaSet::from_files([("notes.json", notes.to_string())]).unwrap_or_else(|faults| panic!("{faults}"));
    for (options, wanted) in [
        ("{}", ""),
        ("{overwriteMode: 'conflict'}", ""),
        ("{overwriteMode: 'ignore'}", ""),
        ("{overwriteMode: 'update'}", "operation-not-allowed"),
        ("{overwriteMode: 'replace'}", "operation-not-allowed"),
        ("{overwrite: true}", "operation-not-allowed"),
        ("{overwrite: false}", ""),
    ] {
        let query = format!("INSERT {{_key: 'a'}} INTO notes OPTIONS {options}");
        assert_eq!(rules(&verdict(&set, None, &query, "")).join(" "), wanted, "{options}");
    }
}
