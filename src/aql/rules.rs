//! Rules that ArangoDB applies to parts of a tree while parsing: what must be constant, and what it may be.

use super::ast::{Expr, ExprKind, Member, MemberKey, UnaryOp, VarId};
use super::error::{SyntaxError, num};
use super::functions;

/// `OPTIONS` must be an object whose values are known when the query is compiled (`validateOptions` in `grammar.y`).
pub(super) fn check_options(options: &Expr) -> Result<(), Box<SyntaxError>> {
    let ExprKind::Object(members) = &options.kind else {
        return Err(
            SyntaxError::new(options.span, num::PARSE, "`OPTIONS` must be an object")
                .worded("'OPTIONS' have to be an object"),
        );
    };
    match members.iter().find(|member| !is_constant_member(member)) {
        None => Ok(()),
        Some(member) => {
            let message = "a value in `OPTIONS` must be a literal or a bind parameter";
            Err(SyntaxError::new(member.span, num::COMPILE_TIME_OPTIONS, message)
                .worded("'OPTIONS' have to be known at query compile time"))
        }
    }
}

fn is_constant_member(member: &Member) -> bool {
    matches!(member.key, MemberKey::Name(_)) && is_constant(&member.value)
}

/// `AstNode::isConstant` as it stands while parsing: bind parameters count as constant, operators do not, but for a sign
/// before a literal, which the parser computes at once.
fn is_constant(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Null
        | ExprKind::Bool(_)
        | ExprKind::Int(_)
        | ExprKind::Double(_)
        | ExprKind::String(_)
        | ExprKind::Bind(_) => true,
        ExprKind::Array(elements) => elements.iter().all(is_constant),
        ExprKind::Object(members) => members.iter().all(is_constant_member),
        ExprKind::Attribute { base, .. } => is_constant(base),
        ExprKind::Unary {
            op: UnaryOp::Minus | UnaryOp::Plus,
            operand,
        } => is_constant(operand),
        _ => false,
    }
}

/// Whether ArangoDB can compute an expression before the query runs; `constant` tells it of variables.
pub(super) fn is_known_at_compile_time(expr: &Expr, constant: &dyn Fn(VarId) -> bool) -> bool {
    let known = |expr: &Expr| is_known_at_compile_time(expr, constant);
    match &expr.kind {
        ExprKind::Null
        | ExprKind::Bool(_)
        | ExprKind::Int(_)
        | ExprKind::Double(_)
        | ExprKind::String(_)
        | ExprKind::Bind(_) => true,
        ExprKind::Variable(id) => constant(*id),
        ExprKind::Array(elements) => elements.iter().all(known),
        ExprKind::Object(members) => members.iter().all(|member| {
            known(&member.value)
                && match &member.key {
                    MemberKey::Computed(key) => known(key),
                    MemberKey::Name(_) | MemberKey::Bind(_) => true,
                }
        }),
        ExprKind::Attribute { base, .. } | ExprKind::AttributeBind { base, .. } => known(base),
        ExprKind::Index { base, index } => known(base) && known(index),
        ExprKind::Unary { operand, .. } => known(operand),
        ExprKind::Binary { left, right, .. } => known(left) && known(right),
        ExprKind::Range { low, high } => known(low) && known(high),
        ExprKind::Ternary {
            condition,
            then,
            otherwise,
        } => known(condition) && then.as_deref().is_none_or(known) && known(otherwise),
        ExprKind::Call { function, args } => {
            functions::lookup(&function.text).is_some_and(|function| function.deterministic) && args.iter().all(known)
        }
        ExprKind::Source(_)
        | ExprKind::SourceBind(_)
        | ExprKind::Expansion(_)
        | ExprKind::Question(_)
        | ExprKind::Quantified { .. }
        | ExprKind::Subquery(_) => false,
    }
}

/// Whether a known `LIMIT` operand may turn out to be a number of rows.
pub(super) fn can_be_a_count(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::String(_) | ExprKind::Bool(_) | ExprKind::Array(_) | ExprKind::Object(_) | ExprKind::Range { .. } => {
            false
        }
        ExprKind::Int(value) => *value >= 0,
        ExprKind::Double(value) => *value >= 0.0,
        ExprKind::Unary {
            op: UnaryOp::Minus,
            operand,
        } => {
            !matches!(operand.kind, ExprKind::Int(1..))
                && !matches!(operand.kind, ExprKind::Double(value) if value > 0.0)
        }
        _ => true,
    }
}

/// `validateWindowSpec` in `grammar.y`.
pub(super) fn check_window_bounds(bounds: &Expr) -> Result<(), Box<SyntaxError>> {
    let ExprKind::Object(members) = &bounds.kind else {
        return Err(SyntaxError::new(
            bounds.span,
            num::PARSE,
            "the bounds of a `WINDOW` must be an object",
        ));
    };
    if members.is_empty() {
        let wording = "At least one WINDOW bound must be specified ('preceding'/'following')";
        return Err(
            SyntaxError::new(bounds.span, num::PARSE, "a `WINDOW` needs `preceding` or `following`").worded(wording),
        );
    }
    let mut seen: Vec<&str> = Vec::with_capacity(2);
    for member in members {
        let name = match &member.key {
            MemberKey::Name(name) => &*name.text,
            MemberKey::Bind(_) | MemberKey::Computed(_) => "",
        };
        if !matches!(name, "preceding" | "following") {
            let wording =
                format!("Invalid WINDOW attribute '{name}'; only \"preceding\" and \"following\" are supported");
            return Err(SyntaxError::new(
                member.span,
                num::PARSE,
                "a `WINDOW` has `preceding` and `following` only",
            )
            .worded(wording));
        }
        if seen.contains(&name) {
            let wording = format!("WINDOW attribute '{name}' is specified multiple times");
            return Err(SyntaxError::new(member.span, num::PARSE, format!("`{name}` stands twice")).worded(wording));
        }
        seen.push(name);
    }
    Ok(())
}

/// The example that `UPSERT` looks up by names its attributes literally, at every level (`Ast::makeConditionFromExample`;
/// <https://docs.arangodb.com/3.12/aql/high-level-operations/upsert/>). ArangoDB says so when it plans the query.
pub(super) fn check_example(example: &Expr) -> Result<(), Box<SyntaxError>> {
    let ExprKind::Object(members) = &example.kind else {
        return Ok(());
    };
    for member in members {
        if !matches!(member.key, MemberKey::Name(_)) {
            let message = "the example of an `UPSERT` needs literal attribute names";
            return Err(SyntaxError::new(member.span, num::PARSE, message)
                .worded("expecting object literal with literal attribute names in example")
                .without_position());
        }
        check_example(&member.value)?;
    }
    Ok(())
}

/// Whether an `INSERT` with these options may overwrite a document, so that `OLD` exists after it. A bound value counts.
pub(super) fn may_overwrite(options: &Expr) -> bool {
    let ExprKind::Object(members) = &options.kind else {
        return false;
    };
    members.iter().any(|member| {
        let MemberKey::Name(name) = &member.key else {
            return true;
        };
        match (&*name.text, &member.value.kind) {
            ("overwrite", ExprKind::Bool(true)) | ("overwrite" | "overwriteMode", ExprKind::Bind(_)) => true,
            ("overwriteMode", ExprKind::String(mode)) => matches!(&**mode, "update" | "replace"),
            _ => false,
        }
    })
}
