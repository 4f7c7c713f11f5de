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

/// `validateWindowSpec` in `grammar.y`, and what `ExecutionPlan::fromNodeWindow` and `WindowBounds` want of the values.
pub(super) fn check_window_bounds(
    bounds: &Expr,
    by_rows: bool,
    constant: &dyn Fn(VarId) -> bool,
) -> Result<(), Box<SyntaxError>> {
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
        check_window_bound(&member.value, by_rows, constant)?;
    }
    Ok(())
}

fn check_window_bound(bound: &Expr, by_rows: bool, constant: &dyn Fn(VarId) -> bool) -> Result<(), Box<SyntaxError>> {
    if !is_known_at_compile_time(bound, constant) {
        let message = "a bound of a `WINDOW` must be known before the query runs";
        return Err(SyntaxError::new(bound.span, num::COMPILE_TIME_OPTIONS, message)
            .worded("WINDOW bounds must be determined at compile time")
            .without_position());
    }
    let unbounded = matches!(&bound.kind, ExprKind::String(text) if matches!(&**text, "unbounded" | "inf"));
    if by_rows && !unbounded && (matches!(bound.kind, ExprKind::Null) || !can_be_a_count(bound)) {
        let message = "a bound in rows must be a number that is not negative, or \"unbounded\"";
        let wording = "WINDOW row spec is invalid; bounds must be positive integers or \"unbounded\"";
        return Err(SyntaxError::new(bound.span, num::BAD_PARAMETER, message)
            .worded(wording)
            .without_position());
    }
    Ok(())
}

/// The depth of a traversal or of `K_PATHS` is one whole number or a range of two, once the query is planned
/// (`getMinMaxDepths` in `ExecutionPlan.cpp`).
pub(super) fn check_depth(depth: &Expr, constant: &dyn Fn(VarId) -> bool) -> Result<(), Box<SyntaxError>> {
    let message = if !is_known_at_compile_time(depth, constant) {
        "a traversal depth must be known before the query runs"
    } else if can_be_a_depth(depth) {
        return Ok(());
    } else {
        "a traversal depth must be a whole number or a range of two, the lower first"
    };
    Err(SyntaxError::new(depth.span, num::PARSE, message)
        .worded("invalid traversal depth")
        .without_position())
}

fn can_be_a_depth(depth: &Expr) -> bool {
    let whole = |expr: &Expr| {
        !matches!(expr.kind, ExprKind::Null | ExprKind::Range { .. })
            && !matches!(expr.kind, ExprKind::Double(value) if value.fract() != 0.0)
            && can_be_a_count(expr)
    };
    match &depth.kind {
        ExprKind::Range { low, high } => {
            let ordered = !matches!((&low.kind, &high.kind), (ExprKind::Int(low), ExprKind::Int(high)) if low > high);
            ordered && whole(low) && whole(high)
        }
        _ => whole(depth),
    }
}

/// A constant start of a traversal must be a string or an object; ArangoDB warns of the arrays among the others
/// (`testCrazyStart1` and the next in `tests/js/client/aql/aql-graph-traverser-potentialErrors.js`).
pub(super) fn check_start(start: &Expr) -> Result<(), Box<SyntaxError>> {
    if !matches!(kind_of(start), Some("null" | "bool" | "int" | "double")) {
        return Ok(());
    }
    Err(
        SyntaxError::new(start.span, num::PARSE, "a traversal starts at a document or its `_id`")
            .worded("invalid start vertex. Must either be an _id string or an object with _id.")
            .without_position(),
    )
}

/// A constant that a `FOR` loops over must be an array (`Ast::optimizeFor`); `text` is how it is written.
pub(super) fn check_loop(source: &Expr, text: &str) -> Result<(), Box<SyntaxError>> {
    let Some(kind) = kind_of(source) else { return Ok(()) };
    let wording = format!(
        "collection or array expected as operand to FOR loop; you specified type '{kind}' with content '{text}'"
    );
    let message = format!("a `FOR` loops over an array, a collection or a view, not over a value of type {kind}");
    Err(SyntaxError::new(source.span, num::ARRAY_EXPECTED, message)
        .worded(wording)
        .without_position())
}

/// ArangoDB's name for the type of a constant that is no array.
fn kind_of(expr: &Expr) -> Option<&'static str> {
    match &expr.kind {
        ExprKind::Null => Some("null"),
        ExprKind::Bool(_) => Some("bool"),
        ExprKind::Int(_) => Some("int"),
        ExprKind::Double(_) => Some("double"),
        ExprKind::String(_) => Some("string"),
        ExprKind::Object(_) if is_constant(expr) => Some("object"),
        ExprKind::Unary {
            op: UnaryOp::Minus | UnaryOp::Plus,
            operand,
        } => kind_of(operand).filter(|kind| matches!(*kind, "int" | "double")),
        _ => None,
    }
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
