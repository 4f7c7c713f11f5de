//! The words of each rule: for people and for programs.

use mallku_db::judge::{Request, Rule, judge, render, to_json};
use mallku_db::schema::SchemaSet;
use serde_json::json;

use super::{schemas, verdict};

/// A rule, a query that it denies, bind values.
#[rustfmt::skip]
const TABLE: &[(Rule, &str, &str)] = &[
    (Rule::Syntax, "FOR u IN users\n  RETRUN u.name", ""),
    (Rule::UnknownCollection, "FOR u IN usres RETURN u", ""),
    (Rule::UnknownCollection, "FOR u IN _users RETURN u", ""),
    (Rule::UnknownCollection, "FOR u IN users COLLECT name = u.name RETURN u", ""),
    (Rule::UnknownCollection, "FOR user IN users RETURN usr.name", ""),
    (Rule::OperationNotAllowed, "FOR u IN users\n  FILTER u.age > 99\n  REMOVE u IN users", ""),
    (Rule::OperationNotAllowed, "FOR s IN secrets RETURN s", ""),
    (Rule::OperationNotAllowed, "RETURN users", ""),
    (Rule::UnknownView, "FOR u IN peple SEARCH u.name == 'a' RETURN u.name", ""),
    (Rule::UnknownGraph, "FOR v IN 1..2 ANY 'users/1' GRAPH 'socal' RETURN v.name", ""),
    (Rule::AttributeUnknown, "FOR u IN users RETURN u.nmae", ""),
    (Rule::AttributeUnknown, "INSERT {txt: 'a'} INTO notes", ""),
    (Rule::AttributeUnknown, "FOR v, e, p IN 1..2 ANY 'users/1' GRAPH social RETURN p.vertexes", ""),
    (Rule::AttributeHidden, "FOR u IN users\n  FILTER u.name == 'a' AND\n         u.profile.pw == @guess\n  RETURN u.name", r#"{"guess": "x"}"#),
    (Rule::AttributeHidden, "FOR u IN users RETURN KEEP(u, 'name', 'pw')", ""),
    (Rule::AttributeReadOnly, "UPDATE 'k' WITH {made: 'now'} IN made_things", ""),
    (Rule::AttributeReadOnly, "REPLACE 'k' WITH {name: 'x'} IN made_things", ""),
    (Rule::AttributeReadOnly, "UPDATE 'k' WITH {parts: [{name: 'x'}]} IN made_things", ""),
    (Rule::AttributeReadOnly, "UPDATE 'k' WITH {maker: null} IN made_things", ""),
    (Rule::WholeDocument, "FOR u IN users RETURN u", ""),
    (Rule::WholeDocument, "FOR u IN users RETURN MERGE(u.profile, {a: 1})", ""),
    (Rule::WholeDocument, "LET found = (FOR u IN users RETURN u) RETURN found", ""),
    (Rule::WholeDocument, "FOR v, e, p IN 1..2 ANY 'users/1' GRAPH social RETURN p", ""),
    (Rule::DynamicAttribute, "FOR u IN users RETURN u[CONCAT('na', 'me')]", ""),
    (Rule::DynamicCollection, "FOR n IN notes RETURN DOCUMENT(n.owner)", ""),
    (Rule::DocumentInvalid, "INSERT {text: 'a', likes: 'many'} INTO notes", ""),
    (Rule::DocumentInvalid, "FOR n IN notes UPDATE n WITH {likes: n.text} IN notes", ""),
    (Rule::DocumentInvalid, "INSERT {_from: 'users/1', _to: 'secrets/1'} INTO friends", ""),
    (Rule::DocumentInvalid, "FOR n IN notes UPDATE n WITH {likes: n.likes / 2} IN notes", ""),
    (Rule::FunctionNotAllowed, "RETURN SLEEP(10)", ""),
    (Rule::FunctionNotAllowed, "RETURN MY::FUNCTION(1)", ""),
    (Rule::FunctionUnknown, "RETURN LENGHT([1])", ""),
    (Rule::TraversalNeedsWith, "FOR v IN 1..2 ANY 'users/1' friends RETURN v.name", ""),
    (Rule::TraversalStart, "WITH users\nFOR u IN users\n  FOR v IN 1..2 ANY u.link friends\n    RETURN v.name", ""),
    (Rule::TraversalStart, "WITH users FOR v IN 1..2 ANY @start friends RETURN v.name", r#"{"start": "secrets/1"}"#),
    (Rule::TraversalTooDeep, "WITH users FOR v IN 1..20 ANY 'users/1' friends RETURN v.name", ""),
    (Rule::BindMissing, "FOR u IN users FILTER u.name == @name RETURN u.name", ""),
    (Rule::BindUnused, "FOR u IN users RETURN u.name", r#"{"name": "x"}"#),
    (Rule::BindType, "FOR u IN @@coll RETURN u.name", r#"{"@coll": ["users"]}"#),
    (Rule::OptionNotAllowed, "FOR u IN users OPTIONS {indexHnt: 'a'} RETURN u.name", ""),
    (Rule::OptionNotAllowed, "FOR u IN users OPTIONS {indexHint: 'a', forceIndexHint: true} RETURN u.name", ""),
];

/// Rules that judge requests and not queries; their words are tested with the gate.
const OF_THE_GATE: [Rule; 3] = [Rule::EndpointNotAllowed, Rule::RequestMalformed, Rule::RateLimited];

/// Rules that need another schema set than the table's.
const OTHERS: [Rule; 3] = [Rule::LimitExceeded, Rule::NotApproved, Rule::DatabaseNotServed];

fn told(set: &SchemaSet, query: &str, binds: &str, database: &str) -> (Vec<Rule>, String) {
    let binds = (!binds.is_empty()).then(|| serde_json::from_str(binds).unwrap());
    let request = Request {
        query,
        bind_vars: binds.as_ref(),
        user: None,
        database,
    };
    let verdict = judge(set, &request);
    let rules = verdict.denials.iter().map(|denial| denial.rule).collect();
    let json = serde_json::to_string_pretty(&to_json(&verdict, query)["denials"]).unwrap();
    (rules, format!("{}\n{json}", render(&verdict, query, "query.aql")))
}

fn told_by_table_set(query: &str, binds: &str) -> (Vec<Rule>, String) {
    let policy = json!({"limits": {"traversalDepth": 5}, "functions": {"allow": ["@pure", "DOCUMENT"]}});
    let part = json!({"properties": {"name": {"type": "string"}, "made": {"readOnly": true}}});
    let made = json!({"properties": {"made": {"readOnly": true}, "maker": part, "parts": {"items": part}}, "x-mallku": {"allow": ["read", "update", "replace"]}});
    let set = schemas::attacked_with(&[("policy.json", policy), ("made_things.json", made)]);
    told(&set, query, binds, "_system")
}

#[test]
fn each_rule_in_words() {
    let mut numbers = std::collections::BTreeMap::new();
    for (rule, query, binds) in TABLE {
        let (rules, text) = told_by_table_set(query, binds);
        assert!(rules.contains(rule), "{query}: wanted {}, got {rules:?}", rule.name());
        let number = numbers
            .entry(rule.name())
            .and_modify(|number| *number += 1)
            .or_insert(1);
        insta::with_settings!({description => *query, omit_expression => true, prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!(format!("{}-{number}", rule.name()), text);
        });
    }
}

#[test]
fn every_rule_has_words() {
    for rule in Rule::ALL {
        let told = TABLE.iter().any(|(told, ..)| told == rule);
        assert!(
            told || OF_THE_GATE.contains(rule) || OTHERS.contains(rule),
            "{}",
            rule.name()
        );
    }
}

#[test]
fn limits_approval_and_databases_in_words() {
    let policy = json!({"queries": "approved", "limits": {"queryBytes": 1000}});
    let set = schemas::attacked_with(&[("policy.json", policy), ("queries/one.aql", json!("RETURN 1"))]);
    let mut all = String::new();
    for (rule, query, database) in [
        (Rule::NotApproved, "FOR u IN users RETURN u.name", "_system"),
        (Rule::DatabaseNotServed, "RETURN 1", "sytem"),
        (
            Rule::LimitExceeded,
            &*format!("RETURN {}1", "1 + ".repeat(300)),
            "_system",
        ),
    ] {
        let (rules, text) = told(&set, query, "", database);
        assert_eq!(rules, [rule]);
        all.push_str(&text);
        all.push_str("\n\n");
    }
    insta::with_settings!({omit_expression => true, prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("limits-approval-databases", all);
    });
}

#[test]
fn all_denials_at_once_in_order() {
    let query = "FOR u IN users\n  FILTER u.pw == @x\n  INSERT u INTO secrets\n  RETURN SLEEP(1)";
    let (rules, text) = told_by_table_set(query, r#"{"y": 1}"#);
    assert_eq!(rules.len(), 6, "{text}");
    insta::with_settings!({omit_expression => true, prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("all-at-once", text);
    });
}

#[test]
fn a_verdict_in_json() {
    let query = "FOR u IN users INSERT {text: u._key} INTO notes RETURN LENGTH(NEW.text)";
    let set = schemas::attacked();
    let request = Request {
        query,
        bind_vars: None,
        user: None,
        database: "_system",
    };
    let verdict = judge(&set, &request);
    assert_eq!(
        to_json(&verdict, query),
        json!({
            "verdict": "allow",
            "fingerprint": verdict.fingerprint,
            "reads": {"users": ["_key"], "notes": ["text"]},
            "writes": {"notes": {"insert": ["text"]}},
            "functions": ["LENGTH"],
            "denials": [],
        })
    );
    assert_eq!(verdict.fingerprint.len(), 32);
}

#[test]
fn what_is_written_out_is_marked_where_it_stands() {
    let secret = json!({"x-mallku": {"allow": ["read"]}, "properties": {"pw": {"writeOnly": true}}});
    let set = SchemaSet::from_files([("users.json", secret.to_string())]).unwrap_or_else(|faults| panic!("{faults}"));
    for (query, marked) in [
        ("FOR u IN users RETURN {name: u.name, both: [1, u]}", "u]"),
        ("FOR u IN users COLLECT n = u.name INTO g RETURN {n, g}", "g}"),
        ("FOR u IN users RETURN MERGE(u, {a: 1})", "MERGE(u, {a: 1})"),
        ("FOR u IN users LET x = {a: 1, u} RETURN x", "x"),
    ] {
        let denials = verdict(&set, None, query, "").denials;
        let span = denials[0].span.unwrap();
        assert_eq!(denials.len(), 1, "{query}");
        assert!(query[span.start as usize..].starts_with(marked), "{query}: {span:?}");
    }
}
