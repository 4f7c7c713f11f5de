//! `POST /_api/explain`: a plan of the right shape. There is no optimizer, so there are no alternatives, costs or rules.

use super::query::{prepare, query_text};
use super::{Call, Fault, Method, Outcome, Reply};
use crate::value::Value;
use mallku_db::aql::ast::{Block, ExprKind, PathKind, Query, StatementKind};
use serde_json::json;

pub(super) fn explain(call: &Call) -> Outcome {
    if call.method != Method::Post {
        return Err(Fault::wrong_method());
    }
    let body = call.json_object()?;
    let prepared = prepare(call, query_text(&body)?, &body)?;
    let kinds = prepared.survey.sources.iter().map(|name| {
        let kind = if prepared.survey.targets.contains(name) {
            "write"
        } else {
            "read"
        };
        json!({ "name": name, "type": kind })
    });
    let collections: Vec<_> = kinds.collect();
    let plan = json!({
        "nodes": nodes(&prepared.query),
        "rules": [],
        "collections": collections,
        "variables": prepared.query.variables.iter().enumerate().map(|(id, variable)| {
            json!({ "id": id, "name": variable.name.text.as_ref() })
        }).collect::<Vec<_>>(),
        "estimatedCost": 0,
        "estimatedNrItems": 0,
        "isModificationQuery": !prepared.survey.targets.is_empty(),
    });
    let all = body
        .get("options")
        .and_then(|options| options.get("allPlans"))
        .is_some_and(Value::is_true);
    let mut answer = json!({ "warnings": [], "stats": { "rulesExecuted": 0, "rulesSkipped": 0, "plansCreated": 1 } });
    if all {
        answer["plans"] = json!([plan]);
    } else {
        answer["plan"] = plan;
        answer["cacheable"] = prepared.survey.targets.is_empty().into();
    }
    Ok(Reply::ok(200, answer))
}

/// The nodes of the main query, one after the other, as ArangoDB names them.
pub(super) fn nodes(query: &Query<'_>) -> serde_json::Value {
    let names = std::iter::once("SingletonNode").chain(block(&query.body));
    let nodes = names.enumerate().map(|(index, name)| {
        let id = index + 1;
        let dependencies: Vec<usize> = (index > 0).then_some(index).into_iter().collect();
        json!({ "type": name, "id": id, "dependencies": dependencies, "estimatedCost": 0, "estimatedNrItems": 0 })
    });
    nodes.collect()
}

fn block<'b>(block: &'b Block<'_>) -> impl Iterator<Item = &'static str> + 'b {
    block.statements.iter().flat_map(|statement| match &statement.kind {
        StatementKind::For(each) => match each.source.kind {
            _ if each.search.is_some() => vec!["EnumerateViewNode"],
            ExprKind::Source(_) | ExprKind::SourceBind(_) => vec!["EnumerateCollectionNode"],
            _ => vec!["CalculationNode", "EnumerateListNode"],
        },
        StatementKind::Traversal(_) => vec!["TraversalNode"],
        StatementKind::Paths(paths) if paths.kind == PathKind::Shortest => vec!["ShortestPathNode"],
        StatementKind::Paths(_) => vec!["EnumeratePathsNode"],
        StatementKind::Let(assignments) => assignments
            .iter()
            .map(|one| {
                if matches!(one.value.kind, ExprKind::Subquery(_)) {
                    "SubqueryNode"
                } else {
                    "CalculationNode"
                }
            })
            .collect(),
        StatementKind::Filter(_) => vec!["CalculationNode", "FilterNode"],
        StatementKind::Sort(_) => vec!["CalculationNode", "SortNode"],
        StatementKind::Limit(_) => vec!["LimitNode"],
        StatementKind::Collect(_) => vec!["CollectNode"],
        StatementKind::Window(_) => vec!["WindowNode"],
        StatementKind::Insert(_) => vec!["InsertNode"],
        StatementKind::Update(update) => vec![if update.replace { "ReplaceNode" } else { "UpdateNode" }],
        StatementKind::Remove(_) => vec!["RemoveNode"],
        StatementKind::Upsert(_) => vec!["UpsertNode"],
        StatementKind::Return(_) => vec!["CalculationNode", "ReturnNode"],
    })
}
