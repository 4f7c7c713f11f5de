//! The statements of a query, in order.
//!
//! INVARIANT: every expression of every statement is evaluated once, so that each access in it is judged and each bind
//! parameter in it is seen.

use super::analysis::Analysis;
use super::limits::Rows;
use super::options;
use super::value::{Member, Types, Value};
use crate::aql::ast::{
    Aggregate, Block, Collect, CollectInto, Expr, ExprKind, For, Pattern, SortDirection, SortKey, StatementKind, VarId,
    Window,
};

impl<'a> Analysis<'a> {
    /// The whole query.
    pub(super) fn run(&mut self) {
        self.check_with();
        let query = self.query;
        if let Some((expr, value)) = self.block(&query.body) {
            self.read_written_out(expr, &value);
            self.returned = Some((expr, value));
        }
        self.check_unused_binds();
    }

    /// Uses a value as a whole; where it is written out as an object or array, each part at its own place.
    fn read_written_out(&mut self, expr: &'a Expr<'a>, value: &Value<'a>) {
        match (&expr.kind, value) {
            (ExprKind::Object(written), Value::Object(object)) if object.is_written_out(written) => {
                for (written, member) in written.iter().zip(&object.members) {
                    self.read_written_out(&written.value, &member.value);
                }
            }
            (ExprKind::Array(written), Value::Array(array)) if written.len() == array.elements.len() => {
                for (written, element) in written.iter().zip(&array.elements) {
                    self.read_written_out(written, element);
                }
            }
            _ => self.read(value, expr.span),
        }
    }

    /// A subquery: an array of what it returns.
    pub(super) fn subquery(&mut self, block: &'a Block<'a>) -> Value<'a> {
        self.nesting += 1;
        let returned = self.block(block);
        self.nesting -= 1;
        match returned {
            Some((_, value)) => self.bounded(Value::list(value), block.span),
            None => Value::array(Vec::new()),
        }
    }

    /// The statements of a query or subquery: what it returns, not read yet.
    fn block(&mut self, block: &'a Block<'a>) -> Option<(&'a Expr<'a>, Value<'a>)> {
        let mut rows = Rows::one();
        let mut returned = None;
        let before = self.writing;
        self.writing |= block.statements.iter().any(|statement| statement.kind.modifies());
        for statement in &block.statements {
            if !self.step(statement.span) {
                break;
            }
            match &statement.kind {
                StatementKind::For(it) => self.for_loop(it, &mut rows),
                StatementKind::Traversal(it) => {
                    rows.unbounded(None);
                    self.traversal(it, statement.span);
                }
                StatementKind::Paths(it) => {
                    rows.unbounded(None);
                    self.paths(it, statement.span);
                }
                StatementKind::Let(assignments) => {
                    for assignment in assignments {
                        let value = self.expr(&assignment.value);
                        self.bind_pattern(&assignment.target, &value);
                    }
                }
                StatementKind::Filter(condition) => {
                    self.condition(condition);
                    rows.filtered(condition);
                }
                StatementKind::Sort(keys) => self.sort(keys),
                StatementKind::Limit(limit) => {
                    self.read_limit(limit);
                    rows.at_most(self.limit_count(&limit.count));
                }
                StatementKind::Collect(it) => self.collect(it, &mut rows),
                StatementKind::Window(it) => self.window(it),
                StatementKind::Insert(it) => self.insert(it),
                StatementKind::Update(it) => self.update(it),
                StatementKind::Remove(it) => self.remove(it),
                StatementKind::Upsert(it) => self.upsert(it),
                StatementKind::Return(it) => {
                    let value = self.expr(&it.expr);
                    if it.distinct {
                        self.read(&value, it.expr.span);
                    }
                    returned = Some((&it.expr, value));
                }
            }
        }
        self.writing = before;
        self.check_rows(&rows, block.span);
        returned
    }

    fn for_loop(&mut self, it: &'a For<'a>, rows: &mut Rows) {
        let search = it.search.is_some();
        let element = match &it.source.kind {
            ExprKind::Source(name) => self.documents(&name.text, name.span, search),
            ExprKind::SourceBind(bind) => match self.bound_name(bind) {
                Some(name) => self.documents(&name, bind.span, search),
                None => Value::ANY,
            },
            _ => {
                let source = self.expr(&it.source);
                rows.times(self.known_length(&it.source, &source));
                self.elements(&source, it.source.span)
            }
        };
        if matches!(it.source.kind, ExprKind::Source(_) | ExprKind::SourceBind(_)) {
            // Documents of one collection; those of several may have the same key.
            rows.unbounded(match (&it.target, &element) {
                (Pattern::Variable(variable), Value::Part(_)) => Some(*variable),
                _ => None,
            });
        }
        self.bind_pattern(&it.target, &element);
        if let Some(search) = &it.search {
            self.condition(search);
        }
        if let Some(given) = &it.options {
            let allowed = if search { options::SEARCH } else { options::FOR };
            let given = self.options(given, allowed);
            if search {
                self.check_search_collections(&given, &it.source);
            }
        }
    }

    fn sort(&mut self, keys: &'a [SortKey<'a>]) {
        for key in keys {
            self.read_expr(&key.expr);
            if let SortDirection::Dynamic(direction) = &key.direction {
                self.read_expr(direction);
            }
        }
    }

    fn collect(&mut self, it: &'a Collect<'a>, rows: &mut Rows) {
        // Groups and aggregates see the variables as they were before.
        let groups: Vec<_> = it
            .groups
            .iter()
            .map(|group| {
                let value = self.expr(&group.expr);
                self.read(&value, group.expr.span);
                (group.variable, value)
            })
            .collect();
        let aggregates = self.aggregates(&it.aggregates);
        let into = it.into.as_ref().map(|into| match into {
            CollectInto::Rows { variable, captured, .. } => {
                let members = captured
                    .iter()
                    .map(|&captured| Member {
                        name: self.query.variables[captured.index()].name.text.clone(),
                        value: self.variable(captured),
                        optional: false,
                    })
                    .collect();
                (*variable, Value::list(Value::object(members, Vec::new(), false)))
            }
            CollectInto::Projection { variable, expr } => {
                let value = self.expr(expr);
                (*variable, Value::list(value))
            }
            CollectInto::Count { variable } => (*variable, Value::Plain(Types::INTEGER)),
        });
        if let Some(given) = &it.options {
            self.options(given, options::COLLECT);
        }
        rows.grouped();
        if groups.is_empty() && !gathers(it) {
            rows.at_most(Some(1));
        }
        for (variable, value) in groups.into_iter().chain(aggregates).chain(into) {
            self.assign(variable, value);
        }
    }

    fn aggregates(&mut self, aggregates: &'a [Aggregate<'a>]) -> Vec<(VarId, Value<'a>)> {
        aggregates
            .iter()
            .map(|aggregate| {
                let name = &*aggregate.function.text;
                self.check_function(name, aggregate.function.span);
                let mut value = Value::NULL;
                for arg in &aggregate.args {
                    value = self.expr(arg);
                    // These count rows, whatever the rows hold.
                    if !matches!(name, "LENGTH" | "COUNT") {
                        self.read(&value, arg.span);
                    }
                }
                let result = match name {
                    "LENGTH" | "COUNT" | "COUNT_DISTINCT" | "COUNT_UNIQUE" => Value::Plain(Types::INTEGER),
                    "UNIQUE" | "SORTED_UNIQUE" | "PUSH" => Value::list(value),
                    "MIN" | "MAX" => Value::union([value, Value::NULL]),
                    _ => Value::Plain(Types::NUMBER.or(Types::NULL)),
                };
                (aggregate.variable, result)
            })
            .collect()
    }

    fn window(&mut self, it: &'a Window<'a>) {
        if let Some(range) = &it.range {
            self.read_expr(range);
        }
        self.read_expr(&it.bounds);
        for (variable, value) in self.aggregates(&it.aggregates) {
            self.assign(variable, value);
        }
    }
}

/// Whether a `COLLECT` keeps something of each row, so that one result holds as much as all rows do.
fn gathers(it: &Collect<'_>) -> bool {
    let lists = |aggregate: &Aggregate<'_>| matches!(&*aggregate.function.text, "UNIQUE" | "SORTED_UNIQUE" | "PUSH");
    let into = it.into.as_ref();
    into.is_some_and(|into| !matches!(into, CollectInto::Count { .. })) || it.aggregates.iter().any(lists)
}
