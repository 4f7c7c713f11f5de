//! Explaining a query: judged as if it ran, for the plan holds constants and index fields.

use serde_json::Value;

use super::cursor::Query;
use super::passage::{failure, read_object, respond};
use super::{Context, Firewall};
use crate::gate::message::Response;
use crate::gate::parameters::{Parameters, TargetWriter};
use crate::gate::query_options::{self, Purpose};
use crate::gate::reply::Refusal;
use crate::gate::upstream::Method;

/// What is left of a plan's node where something is hidden: its kind and its cost, no index, no condition.
const NODE_MEMBERS: &[&str] = &[
    "type",
    "id",
    "dependencies",
    "estimatedCost",
    "estimatedNrItems",
    "collection",
    "depth",
];
/// What is left of a plan beside its nodes.
const PLAN_MEMBERS: &[&str] = &[
    "rules",
    "collections",
    "variables",
    "estimatedCost",
    "estimatedNrItems",
    "isModificationQuery",
];

impl Firewall {
    pub(super) fn explain(&self, context: &mut Context<'_>) -> Result<Response, Refusal> {
        Parameters::read(context.target, &[])?;
        let mut body = context.object()?;
        let query = Query::take(&mut body)?;
        let verdict = context.judge(&query);
        context.admit(&verdict.denials, Some(&query.text))?;
        let options = query_options::read(&mut body, &context.policy.set().limits, Purpose::Explain)
            .or_else(|fault| fault.settle(context.detect))?;
        let masked = !verdict.edits.is_empty();
        let target = TargetWriter::new(context.database()).words("/_api/explain").finish();
        let mut outgoing = Self::outgoing(context, Method::Post, target);
        outgoing.body = Some(query.rebuild(&verdict, options));
        let answer = self.send(context, outgoing)?;
        let whole = context.touched_readable() && !masked;
        if answer.status >= 400 {
            return failure(answer, whole);
        }
        let mut object = read_object(&answer)?;
        object.retain(|name, _| {
            matches!(
                name.as_str(),
                "plan" | "plans" | "cacheable" | "warnings" | "stats" | "error" | "code"
            )
        });
        if !whole {
            if let Some(plan) = object.get_mut("plan") {
                cut(plan);
            }
            if let Some(Value::Array(plans)) = object.get_mut("plans") {
                plans.iter_mut().for_each(cut);
            }
        }
        Ok(respond(answer, &Value::Object(object)))
    }
}

/// Cuts a plan down to kinds and costs.
fn cut(plan: &mut Value) {
    let Value::Object(plan) = plan else {
        *plan = Value::Null;
        return;
    };
    plan.retain(|name, _| name == "nodes" || PLAN_MEMBERS.contains(&name.as_str()));
    if let Some(Value::Array(nodes)) = plan.get_mut("nodes") {
        for node in nodes {
            match node {
                Value::Object(node) => {
                    node.retain(|name, value| NODE_MEMBERS.contains(&name.as_str()) && !value.is_object());
                }
                other => *other = Value::Null,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cut_plan_names_no_attribute() {
        let mut plan = json!({"nodes": [{"type": "IndexNode", "id": 1, "collection": "notes", "indexes": [{"fields": ["secret"]}],
            "condition": {"attribute": "secret"}, "estimatedCost": 3.5}], "rules": ["use-indexes"], "symbols": {"secret": 1}});
        cut(&mut plan);
        assert_eq!(
            plan,
            json!({"nodes": [{"type": "IndexNode", "id": 1, "collection": "notes", "estimatedCost": 3.5}], "rules": ["use-indexes"]})
        );
    }
}
