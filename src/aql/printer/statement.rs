//! Statements.

use std::fmt;

use super::super::ast::{
    Aggregate, Block, Collect, CollectInto, Direction, EdgeSource, Expr, For, Graph, PathKind, Paths, Pattern,
    SortDirection, SortKey, SourceRef, Statement, StatementKind, Traversal, Update, Upsert, UpsertLookup, Window,
};
use super::expression::{ORDER, RANGE};
use super::{Printer, write_quoted};

impl<'q> Printer<'_, 'q, '_> {
    pub(super) fn query(&mut self) -> fmt::Result {
        let query = self.query;
        if !query.with.is_empty() {
            self.text("WITH ")?;
            self.list(&query.with, Self::source)?;
            self.text(" ")?;
        }
        self.block(&query.body)
    }

    pub(super) fn block(&mut self, block: &Block<'q>) -> fmt::Result {
        for (at, statement) in block.statements.iter().enumerate() {
            if at > 0 {
                self.text(" ")?;
            }
            self.statement(statement)?;
        }
        Ok(())
    }

    fn statement(&mut self, statement: &Statement<'q>) -> fmt::Result {
        match &statement.kind {
            StatementKind::For(each) => self.for_loop(each),
            StatementKind::Traversal(traversal) => self.traversal(traversal),
            StatementKind::Paths(paths) => self.paths(paths),
            StatementKind::Let(assignments) => {
                self.text("LET ")?;
                self.list(assignments, |printer, assignment| {
                    printer.pattern(&assignment.target)?;
                    printer.text(" = ")?;
                    printer.expression(&assignment.value)
                })
            }
            StatementKind::Filter(condition) => self.after("FILTER ", condition),
            StatementKind::Sort(keys) => {
                self.text("SORT ")?;
                self.list(keys, Self::sort_key)
            }
            StatementKind::Limit(limit) => {
                self.text("LIMIT ")?;
                self.list(limit.offset.iter().chain([&limit.count]), Self::expression)
            }
            StatementKind::Collect(collect) => self.collect(collect),
            StatementKind::Window(window) => self.window(window),
            StatementKind::Insert(insert) => {
                self.text("INSERT ")?;
                self.operand(&insert.document, ORDER)?;
                self.target(" INTO ", &insert.target, insert.options.as_ref())
            }
            StatementKind::Update(update) => self.update(update),
            StatementKind::Remove(remove) => {
                self.text("REMOVE ")?;
                self.operand(&remove.key, ORDER)?;
                self.target(" IN ", &remove.target, remove.options.as_ref())
            }
            StatementKind::Upsert(upsert) => self.upsert(upsert),
            StatementKind::Return(returned) => self.after(
                if returned.distinct {
                    "RETURN DISTINCT "
                } else {
                    "RETURN "
                },
                &returned.expr,
            ),
        }
    }

    fn after(&mut self, keyword: &str, expr: &Expr<'q>) -> fmt::Result {
        self.text(keyword)?;
        self.expression(expr)
    }

    fn pattern(&mut self, pattern: &Pattern<'q>) -> fmt::Result {
        match pattern {
            Pattern::Variable(id) => self.variable(*id),
            Pattern::Array { slots, .. } => {
                self.text("[")?;
                self.list(slots, |printer, slot| {
                    slot.as_ref().map_or(Ok(()), |slot| printer.pattern(slot))
                })?;
                // A last slot that is skipped shows only by its comma.
                if matches!(slots.last(), Some(None)) {
                    self.text(",")?;
                }
                self.text("]")
            }
            Pattern::Object { fields, .. } => {
                self.text("{")?;
                self.list(fields, |printer, field| {
                    printer.name(&field.attribute.text)?;
                    printer.text(": ")?;
                    printer.pattern(&field.target)
                })?;
                self.text("}")
            }
        }
    }

    fn for_loop(&mut self, each: &For<'q>) -> fmt::Result {
        self.text("FOR ")?;
        self.pattern(&each.target)?;
        self.after(" IN ", &each.source)?;
        if let Some(search) = &each.search {
            self.after(" SEARCH ", search)?;
        }
        self.options(each.options.as_ref())
    }

    fn traversal(&mut self, traversal: &Traversal<'q>) -> fmt::Result {
        self.text("FOR ")?;
        let variables = [Some(traversal.vertex), traversal.edge, traversal.path];
        self.list(variables.into_iter().flatten(), Self::variable)?;
        self.start(traversal.depth.as_ref(), traversal.direction)?;
        self.operand(&traversal.start, RANGE)?;
        self.graph(&traversal.graph)?;
        if let Some(prune) = &traversal.prune {
            self.text(" PRUNE ")?;
            if let Some(variable) = prune.variable {
                self.variable(variable)?;
                self.text(" = ")?;
            }
            self.expression(&prune.condition)?;
        }
        self.options(traversal.options.as_ref())
    }

    fn paths(&mut self, paths: &Paths<'q>) -> fmt::Result {
        self.text("FOR ")?;
        self.list([Some(paths.first), paths.edge].into_iter().flatten(), Self::variable)?;
        self.start(paths.depth.as_ref(), paths.direction)?;
        self.text(match paths.kind {
            PathKind::Shortest => "SHORTEST_PATH ",
            PathKind::AllShortest => "ALL_SHORTEST_PATHS ",
            PathKind::KShortest => "K_SHORTEST_PATHS ",
            PathKind::KPaths => "K_PATHS ",
        })?;
        self.operand(&paths.start, RANGE)?;
        self.text(" TO ")?;
        self.operand(&paths.target, RANGE)?;
        self.graph(&paths.graph)?;
        self.options(paths.options.as_ref())
    }

    fn start(&mut self, depth: Option<&Expr<'q>>, direction: Direction) -> fmt::Result {
        self.text(" IN ")?;
        if let Some(depth) = depth {
            self.operand(depth, RANGE)?;
            self.text(" ")?;
        }
        self.direction(direction)
    }

    fn direction(&mut self, direction: Direction) -> fmt::Result {
        self.text(match direction {
            Direction::Outbound => "OUTBOUND ",
            Direction::Inbound => "INBOUND ",
            Direction::Any => "ANY ",
        })
    }

    fn graph(&mut self, graph: &Graph<'q>) -> fmt::Result {
        match graph {
            Graph::Named(name) => {
                self.text(" GRAPH ")?;
                write_quoted(self.out, &name.text, '"')
            }
            Graph::NamedBind(bind) => {
                self.text(" GRAPH ")?;
                self.bind(bind)
            }
            Graph::Edges(edges) => {
                self.text(" ")?;
                self.list(edges, |printer, edge: &EdgeSource| {
                    if let Some(direction) = edge.direction {
                        printer.direction(direction)?;
                    }
                    printer.source(&edge.source)
                })
            }
        }
    }

    fn source(&mut self, source: &SourceRef<'q>) -> fmt::Result {
        match source {
            SourceRef::Name(name) => self.name(&name.text),
            SourceRef::Bind(bind) => self.bind(bind),
        }
    }

    fn sort_key(&mut self, key: &SortKey<'q>) -> fmt::Result {
        self.expression(&key.expr)?;
        match &key.direction {
            SortDirection::Ascending => Ok(()),
            SortDirection::Descending => self.text(" DESC"),
            SortDirection::Dynamic(direction) => self.after(" ", direction),
        }
    }

    fn collect(&mut self, collect: &Collect<'q>) -> fmt::Result {
        self.text("COLLECT")?;
        if !collect.groups.is_empty() {
            self.text(" ")?;
            self.list(&collect.groups, |printer, group| {
                printer.variable(group.variable)?;
                printer.after(" = ", &group.expr)
            })?;
        }
        self.aggregates(&collect.aggregates)?;
        match &collect.into {
            None => {}
            Some(CollectInto::Count { variable }) => {
                self.text(" WITH COUNT INTO ")?;
                self.variable(*variable)?;
            }
            Some(CollectInto::Projection { variable, expr }) => {
                self.text(" INTO ")?;
                self.variable(*variable)?;
                self.after(" = ", expr)?;
            }
            Some(CollectInto::Rows {
                variable,
                captured,
                keep,
            }) => {
                self.text(" INTO ")?;
                self.variable(*variable)?;
                if *keep {
                    self.text(" KEEP ")?;
                    self.list(captured.iter().copied(), Self::variable)?;
                }
            }
        }
        self.options(collect.options.as_ref())
    }

    fn aggregates(&mut self, aggregates: &[Aggregate<'q>]) -> fmt::Result {
        if aggregates.is_empty() {
            return Ok(());
        }
        self.text(" AGGREGATE ")?;
        self.list(aggregates, |printer, aggregate| {
            printer.variable(aggregate.variable)?;
            write!(printer.out, " = {}(", aggregate.function.text)?;
            printer.list(&aggregate.args, Self::expression)?;
            printer.text(")")
        })
    }

    fn window(&mut self, window: &Window<'q>) -> fmt::Result {
        self.text("WINDOW ")?;
        if let Some(range) = &window.range {
            self.expression(range)?;
            self.text(" WITH ")?;
        }
        self.expression(&window.bounds)?;
        self.aggregates(&window.aggregates)
    }

    fn update(&mut self, update: &Update<'q>) -> fmt::Result {
        self.text(if update.replace { "REPLACE " } else { "UPDATE " })?;
        self.operand(&update.key, ORDER)?;
        if let Some(document) = &update.document {
            self.text(" WITH ")?;
            self.operand(document, ORDER)?;
        }
        self.target(" IN ", &update.target, update.options.as_ref())
    }

    fn upsert(&mut self, upsert: &Upsert<'q>) -> fmt::Result {
        match &upsert.lookup {
            UpsertLookup::Example(example) => self.after("UPSERT ", example)?,
            UpsertLookup::Filter { condition, .. } => self.after("UPSERT FILTER ", condition)?,
        }
        self.after(" INSERT ", &upsert.insert)?;
        self.text(if upsert.replace { " REPLACE " } else { " UPDATE " })?;
        self.operand(&upsert.update, ORDER)?;
        self.target(" IN ", &upsert.target, upsert.options.as_ref())
    }

    fn target(&mut self, word: &str, target: &SourceRef<'q>, options: Option<&Expr<'q>>) -> fmt::Result {
        self.text(word)?;
        self.source(target)?;
        self.options(options)
    }

    fn options(&mut self, options: Option<&Expr<'q>>) -> fmt::Result {
        options.map_or(Ok(()), |options| self.after(" OPTIONS ", options))
    }
}
