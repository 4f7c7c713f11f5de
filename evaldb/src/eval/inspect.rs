//! What a query's text tells before it runs: its bind parameters and the collections that it declares.

use std::collections::BTreeSet;

use mallku_db::aql::ast::*;

use crate::query::BindVars;
use crate::store::Database;

/// The findings.
#[derive(Default)]
pub(crate) struct Findings<'q> {
    /// The keys of all bind parameters.
    pub(crate) binds: BTreeSet<&'q str>,
    sources: BTreeSet<&'q str>,
    source_binds: BTreeSet<&'q str>,
    graphs: BTreeSet<&'q str>,
    graph_binds: BTreeSet<&'q str>,
    /// What modifications write to; each is also a source.
    targets: Vec<&'q SourceRef<'q>>,
}

impl Findings<'_> {
    /// The collections that the query names in any way, members of views and named graphs included.
    pub(crate) fn declared(&self, database: &Database, bind_vars: &BindVars) -> BTreeSet<String> {
        let bound = |keys: &BTreeSet<&str>| -> Vec<String> {
            keys.iter()
                .filter_map(|key| bind_vars.get(*key)?.as_str().map(str::to_owned))
                .collect()
        };
        let mut names: BTreeSet<String> = self.sources.iter().map(|name| (*name).to_owned()).collect();
        names.extend(bound(&self.source_binds));
        let graphs = self
            .graphs
            .iter()
            .map(|name| (*name).to_owned())
            .chain(bound(&self.graph_binds));
        for graph in graphs.filter_map(|name| database.graph(&name).ok()) {
            names.extend(graph.vertex_collections().into_iter().map(str::to_owned));
            names.extend(graph.edges.iter().map(|definition| definition.collection.clone()));
        }
        let viewed: Vec<String> = names
            .iter()
            .filter_map(|name| database.view(name).ok())
            .flat_map(|view| view.collections().into_iter().map(str::to_owned))
            .collect();
        names.extend(viewed);
        names
    }
}

impl Findings<'_> {
    /// The collections that modifications of the query write to.
    pub(crate) fn written(&self, bind_vars: &BindVars) -> BTreeSet<String> {
        let name = |target: &&SourceRef<'_>| match target {
            SourceRef::Name(name) => Some(name.text.to_string()),
            SourceRef::Bind(bind) => Some(bind_vars.get(bind.key.as_ref())?.as_str()?.to_owned()),
        };
        self.targets.iter().filter_map(name).collect()
    }

    /// The collections and views that the text itself names.
    pub(crate) fn named(&self) -> Vec<String> {
        self.sources.iter().map(|name| (*name).to_owned()).collect()
    }
}

pub(crate) fn inspect<'q>(query: &'q Query<'_>) -> Findings<'q> {
    let mut found = Findings::default();
    query.with.iter().for_each(|source| found.source(source));
    found.block(&query.body);
    found
}

impl<'q> Findings<'q> {
    fn bind(&mut self, bind: &'q Bind<'_>) {
        self.binds.insert(&bind.key);
    }

    fn source(&mut self, source: &'q SourceRef<'_>) {
        match source {
            SourceRef::Name(name) => {
                self.sources.insert(&name.text);
            }
            SourceRef::Bind(bind) => {
                self.bind(bind);
                self.source_binds.insert(&bind.key);
            }
        }
    }

    fn target(&mut self, target: &'q SourceRef<'_>) {
        self.source(target);
        self.targets.push(target);
    }

    fn graph(&mut self, graph: &'q Graph<'_>) {
        match graph {
            Graph::Named(name) => {
                self.graphs.insert(&name.text);
            }
            Graph::NamedBind(bind) => {
                self.bind(bind);
                self.graph_binds.insert(&bind.key);
            }
            Graph::Edges(edges) => edges.iter().for_each(|edge| self.source(&edge.source)),
        }
    }

    fn block(&mut self, block: &'q Block<'_>) {
        for statement in &block.statements {
            self.statement(&statement.kind);
        }
    }

    fn statement(&mut self, statement: &'q StatementKind<'_>) {
        match statement {
            StatementKind::For(each) => {
                self.expr(&each.source);
                self.maybe(each.search.as_ref());
                self.maybe(each.options.as_ref());
            }
            StatementKind::Traversal(traversal) => {
                self.maybe(traversal.depth.as_ref());
                self.expr(&traversal.start);
                self.graph(&traversal.graph);
                self.maybe(traversal.prune.as_ref().map(|prune| &prune.condition));
                self.maybe(traversal.options.as_ref());
            }
            StatementKind::Paths(paths) => {
                self.maybe(paths.depth.as_ref());
                self.expr(&paths.start);
                self.expr(&paths.target);
                self.graph(&paths.graph);
                self.maybe(paths.options.as_ref());
            }
            StatementKind::Let(assignments) => assignments.iter().for_each(|assignment| self.expr(&assignment.value)),
            StatementKind::Filter(condition) => self.expr(condition),
            StatementKind::Sort(keys) => {
                for key in keys {
                    self.expr(&key.expr);
                    if let SortDirection::Dynamic(direction) = &key.direction {
                        self.expr(direction);
                    }
                }
            }
            StatementKind::Limit(limit) => self.limit(limit),
            StatementKind::Collect(collect) => {
                collect.groups.iter().for_each(|group| self.expr(&group.expr));
                collect
                    .aggregates
                    .iter()
                    .flat_map(|aggregate| &aggregate.args)
                    .for_each(|arg| self.expr(arg));
                if let Some(CollectInto::Projection { expr, .. }) = &collect.into {
                    self.expr(expr);
                }
                self.maybe(collect.options.as_ref());
            }
            StatementKind::Window(window) => {
                self.maybe(window.range.as_ref());
                self.expr(&window.bounds);
                window
                    .aggregates
                    .iter()
                    .flat_map(|aggregate| &aggregate.args)
                    .for_each(|arg| self.expr(arg));
            }
            StatementKind::Insert(insert) => {
                self.expr(&insert.document);
                self.target(&insert.target);
                self.maybe(insert.options.as_ref());
            }
            StatementKind::Update(update) => {
                self.expr(&update.key);
                self.maybe(update.document.as_ref());
                self.target(&update.target);
                self.maybe(update.options.as_ref());
            }
            StatementKind::Remove(remove) => {
                self.expr(&remove.key);
                self.target(&remove.target);
                self.maybe(remove.options.as_ref());
            }
            StatementKind::Upsert(upsert) => {
                match &upsert.lookup {
                    UpsertLookup::Example(example) => self.expr(example),
                    UpsertLookup::Filter { condition, .. } => self.expr(condition),
                }
                self.expr(&upsert.insert);
                self.expr(&upsert.update);
                self.target(&upsert.target);
                self.maybe(upsert.options.as_ref());
            }
            StatementKind::Return(last) => self.expr(&last.expr),
        }
    }

    fn maybe(&mut self, expr: Option<&'q Expr<'_>>) {
        if let Some(expr) = expr {
            self.expr(expr);
        }
    }

    fn limit(&mut self, limit: &'q Limit<'_>) {
        self.maybe(limit.offset.as_ref());
        self.expr(&limit.count);
    }

    fn quantifier(&mut self, quantifier: &'q Quantifier<'_>) {
        if let Quantifier::AtLeast(count) | Quantifier::Count(count) = quantifier {
            self.expr(count);
        }
    }

    fn expr(&mut self, expr: &'q Expr<'_>) {
        match &expr.kind {
            ExprKind::Null
            | ExprKind::Bool(_)
            | ExprKind::Int(_)
            | ExprKind::Double(_)
            | ExprKind::String(_)
            | ExprKind::Variable(_) => {}
            ExprKind::Source(name) => {
                self.sources.insert(&name.text);
            }
            ExprKind::SourceBind(bind) => {
                self.bind(bind);
                self.source_binds.insert(&bind.key);
            }
            ExprKind::Bind(bind) => self.bind(bind),
            ExprKind::Array(items) => items.iter().for_each(|item| self.expr(item)),
            ExprKind::Object(members) => {
                for member in members {
                    match &member.key {
                        MemberKey::Name(_) => {}
                        MemberKey::Bind(bind) => self.bind(bind),
                        MemberKey::Computed(key) => self.expr(key),
                    }
                    self.expr(&member.value);
                }
            }
            ExprKind::Attribute { base, .. } => self.expr(base),
            ExprKind::AttributeBind { base, bind } => {
                self.expr(base);
                self.bind(bind);
            }
            ExprKind::Index { base, index } => {
                self.expr(base);
                self.expr(index);
            }
            ExprKind::Expansion(expansion) => {
                self.expr(&expansion.base);
                self.maybe(expansion.filter.as_ref());
                if let Some(limit) = &expansion.limit {
                    self.limit(limit);
                }
                self.maybe(expansion.projection.as_ref());
                self.expr(&expansion.element);
            }
            ExprKind::Question(question) => {
                self.expr(&question.base);
                if let Some(quantifier) = &question.quantifier {
                    self.quantifier(quantifier);
                }
                self.maybe(question.filter.as_ref());
            }
            ExprKind::Unary { operand, .. } => self.expr(operand),
            ExprKind::Binary { left, right, .. } | ExprKind::Range { low: left, high: right } => {
                self.expr(left);
                self.expr(right);
            }
            ExprKind::Quantified {
                quantifier,
                left,
                right,
                ..
            } => {
                self.quantifier(quantifier);
                self.expr(left);
                self.expr(right);
            }
            ExprKind::Ternary {
                condition,
                then,
                otherwise,
            } => {
                self.expr(condition);
                self.maybe(then.as_deref());
                self.expr(otherwise);
            }
            ExprKind::Call { args, .. } => args.iter().for_each(|arg| self.expr(arg)),
            ExprKind::Subquery(block) => self.block(block),
        }
    }
}
