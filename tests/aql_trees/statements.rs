//! Statements, with the scopes that they open and close.

use mallku_db::aql::ast::{
    Aggregate, Assignment, Block, Collect, CollectInto, Direction, EdgeSource, Expr, ExprKind, For, Graph, Group,
    Insert, Limit, Member, MemberKey, PathKind, Paths, Pattern, PatternField, Prune, Remove, Return, SortDirection,
    SortKey, Span, Statement, StatementKind, Traversal, Update, Upsert, UpsertLookup, VarId, VariableKind, Window,
};

use super::builder::{Builder, ScopeKind, name};

type Built = StatementKind<'static>;

impl Builder<'_> {
    /// The statements of the query or of a subquery, in a scope of their own.
    pub(crate) fn block(&mut self) -> Block<'static> {
        self.depth += 1;
        self.open(ScopeKind::Query);
        let mut statements = Vec::new();
        if self.depth < 5 {
            for _ in 0..self.pick(5) {
                statements.push(self.statement());
            }
        }
        let ends = matches!(
            statements.last(),
            Some(
                StatementKind::Insert(_)
                    | StatementKind::Update(_)
                    | StatementKind::Remove(_)
                    | StatementKind::Upsert(_)
            )
        );
        if !ends || self.flip() {
            statements.push(self.returned());
        }
        self.close_nested();
        self.close();
        self.depth -= 1;
        let span = Span::default();
        let statements = statements.into_iter().map(|kind| Statement { kind, span }).collect();
        Block { statements, span }
    }

    fn statement(&mut self) -> Built {
        match self.pick(15) {
            0 | 1 => self.for_loop(),
            2 if !self.modifies => self.traversal(),
            2 | 3 => self.paths(),
            4 => self.let_statement(),
            5 => make!(self, StatementKind::Filter(self.expression())),
            6 => {
                let keys = self.list(2, Self::sort_key);
                make!(self, StatementKind::Sort(keys))
            }
            7 => {
                let limit = Limit {
                    offset: self.maybe(Self::count),
                    count: self.count(),
                };
                make!(self, StatementKind::Limit(Box::new(limit)))
            }
            8 | 9 => self.collect(),
            10 if !self.modifies => self.window(),
            11 => self.insert(),
            12 => self.update(),
            13 => self.remove(),
            _ => self.upsert(),
        }
    }

    fn returned(&mut self) -> Built {
        let distinct = self.scopes.last().is_some_and(|scope| scope.kind != ScopeKind::Query) && self.flip();
        let expr = self.expression();
        make!(self, StatementKind::Return(Return { distinct, expr }))
    }

    fn for_loop(&mut self) -> Built {
        let source = no_scalar(self.expression());
        self.open(ScopeKind::For);
        let viewed = matches!(source.kind, ExprKind::Source(_) | ExprKind::SourceBind(_));
        let (target, search) = if viewed && self.flip() {
            let target = self.variable_pattern(make!(self, VariableKind::For));
            (target, Some(self.expression()))
        } else {
            (self.pattern(make!(self, VariableKind::For), 0), None)
        };
        let options = self.options();
        let each = For {
            target,
            source,
            search,
            options,
        };
        make!(self, StatementKind::For(Box::new(each)))
    }

    fn variable_pattern(&mut self, kind: VariableKind) -> Pattern<'static> {
        let id = self.declare(kind);
        make!(self, Pattern::Variable(id))
    }

    fn pattern(&mut self, kind: VariableKind, depth: u32) -> Pattern<'static> {
        let span = Span::default();
        match self.pick(4) {
            2 if depth < 3 => {
                let slots = (0..self.pick(4))
                    .map(|_| self.maybe(|builder| builder.pattern(kind, depth + 1)))
                    .collect();
                make!(self, Pattern::Array { slots, span })
            }
            3 if depth < 3 => {
                let fields = (0..self.pick(3))
                    .map(|_| PatternField {
                        attribute: name(self.text()),
                        target: self.pattern(kind, depth + 1),
                    })
                    .collect();
                make!(self, Pattern::Object { fields, span })
            }
            _ => self.variable_pattern(kind),
        }
    }

    fn let_statement(&mut self) -> Built {
        let assignments = self.list(2, |builder| {
            let value = builder.expression();
            let target = builder.pattern(make!(builder, VariableKind::Let), 0);
            Assignment { target, value }
        });
        make!(self, StatementKind::Let(assignments))
    }

    fn direction(&mut self) -> Direction {
        match self.pick(3) {
            0 => make!(self, Direction::Outbound),
            1 => make!(self, Direction::Inbound),
            _ => make!(self, Direction::Any),
        }
    }

    fn graph(&mut self) -> Graph<'static> {
        match self.pick(3) {
            0 => make!(self, Graph::Named(name(self.one(&["g", "my graph", "g\"'"])))),
            1 => make!(self, Graph::NamedBind(self.bind())),
            _ => {
                let edges = self.list(2, |builder| EdgeSource {
                    direction: builder.maybe(Self::direction),
                    source: builder.source(),
                });
                make!(self, Graph::Edges(edges))
            }
        }
    }

    fn traversal(&mut self) -> Built {
        let depth = self.maybe(Self::steps);
        let direction = self.direction();
        // No subquery, which could modify something: a traversal may not follow that.
        let start = no_scalar(self.leaf());
        let graph = self.graph();
        self.open(ScopeKind::For);
        let vertex = self.declare(make!(self, VariableKind::Vertex));
        let edge = self.maybe(|builder| builder.declare(make!(builder, VariableKind::Edge)));
        let path = if edge.is_some() {
            self.maybe(|builder| builder.declare(make!(builder, VariableKind::Path)))
        } else {
            None
        };
        let prune = self.maybe(|builder| {
            let outer = std::mem::replace(&mut builder.pruning, true);
            let condition = builder.expression();
            builder.pruning = outer;
            let variable = builder.maybe(|builder| builder.declare(make!(builder, VariableKind::Prune)));
            Prune { variable, condition }
        });
        let options = self.options();
        let traversal = Traversal {
            vertex,
            edge,
            path,
            depth,
            direction,
            start,
            graph,
            prune,
            options,
        };
        make!(self, StatementKind::Traversal(Box::new(traversal)))
    }

    fn paths(&mut self) -> Built {
        let kind = match self.pick(4) {
            0 => make!(self, PathKind::Shortest),
            1 => make!(self, PathKind::AllShortest),
            2 => make!(self, PathKind::KShortest),
            _ => make!(self, PathKind::KPaths),
        };
        let depth = if kind == PathKind::KPaths {
            self.maybe(Self::steps)
        } else {
            None
        };
        let direction = self.direction();
        let (start, target) = (self.expression(), self.expression());
        let graph = self.graph();
        let options = self.options();
        self.open(ScopeKind::For);
        let (first, edge) = if kind == PathKind::Shortest {
            let vertex = self.declare(VariableKind::Vertex);
            (vertex, self.maybe(|builder| builder.declare(VariableKind::Edge)))
        } else {
            (self.declare(VariableKind::Path), None)
        };
        let paths = Paths {
            kind,
            first,
            edge,
            depth,
            direction,
            start,
            target,
            graph,
            options,
        };
        make!(self, StatementKind::Paths(Box::new(paths)))
    }

    fn sort_key(&mut self) -> SortKey<'static> {
        let expr = self.expression();
        let direction = match self.pick(3) {
            0 => make!(self, SortDirection::Ascending),
            1 => make!(self, SortDirection::Descending),
            _ => make!(self, SortDirection::Dynamic(Box::new(self.constant()))),
        };
        SortKey { expr, direction }
    }

    /// A literal or a bind parameter.
    fn constant(&mut self) -> Expr<'static> {
        let kind = match self.pick(3) {
            0 => ExprKind::String("x".into()),
            1 => ExprKind::Bool(true),
            _ => ExprKind::Bind(self.bind()),
        };
        expr(kind)
    }

    /// A number of rows.
    fn count(&mut self) -> Expr<'static> {
        match self.pick(3) {
            0 => expr(ExprKind::Int(3)),
            1 => expr(ExprKind::Bind(self.bind())),
            _ => {
                let (low, high) = (Box::new(self.count()), Box::new(expr(ExprKind::Int(1))));
                expr(ExprKind::Binary {
                    op: mallku_db::aql::ast::BinaryOp::Add,
                    left: low,
                    right: high,
                })
            }
        }
    }

    /// How far a traversal goes.
    fn steps(&mut self) -> Expr<'static> {
        if self.flip() {
            return self.count();
        }
        let (low, high) = (Box::new(expr(ExprKind::Int(0))), Box::new(self.count()));
        expr(ExprKind::Range { low, high })
    }

    fn options(&mut self) -> Option<Expr<'static>> {
        let key = self.one(&["", "", "exclusive", "indexHint", "for"]);
        (!key.is_empty()).then(|| object([(key, self.constant())]))
    }

    fn collect(&mut self) -> Built {
        let groups: Vec<Group<'static>> = if self.flip() {
            self.list(2, |builder| {
                let expr = builder.expression();
                let variable = builder.hidden(make!(builder, VariableKind::Group));
                Group { variable, expr }
            })
        } else {
            Vec::new()
        };
        let form = self.pick(4);
        let aggregates = if form == 1 { self.aggregates() } else { Vec::new() };
        let made: Vec<VarId> = groups
            .iter()
            .map(|group| group.variable)
            .chain(aggregates.iter().map(|aggregate| aggregate.variable))
            .collect();
        let counts = form == 0 || groups.is_empty() && aggregates.is_empty();
        let into = if counts {
            self.close_group(&made);
            let variable = self.declare(make!(self, VariableKind::Count));
            Some(make!(self, CollectInto::Count { variable }))
        } else {
            let into = self.maybe(|builder| builder.into(aggregates.is_empty()));
            self.close_group(&made);
            into.map(|into| self.declare_into(into))
        };
        let options = self.options();
        let collect = Collect {
            groups,
            aggregates,
            into,
            options,
        };
        make!(self, StatementKind::Collect(Box::new(collect)))
    }

    /// What `INTO` keeps, with a variable yet to be declared.
    fn into(&mut self, keeps: bool) -> CollectInto<'static> {
        let variable = VarId(0);
        match self.pick(3) {
            0 => {
                let expr = self.expression();
                make!(self, CollectInto::Projection { variable, expr })
            }
            1 if keeps && !self.visible.is_empty() => {
                let at = usize::from(self.pick(255)) % self.visible.len();
                let captured = self.visible[at..].iter().take(2).copied().collect();
                make!(
                    self,
                    CollectInto::Rows {
                        variable,
                        captured,
                        keep: true
                    }
                )
            }
            _ => {
                let captured = self.captured();
                make!(
                    self,
                    CollectInto::Rows {
                        variable,
                        captured,
                        keep: false
                    }
                )
            }
        }
    }

    fn declare_into(&mut self, mut into: CollectInto<'static>) -> CollectInto<'static> {
        let id = self.declare(make!(self, VariableKind::Into));
        match &mut into {
            CollectInto::Rows { variable, .. }
            | CollectInto::Projection { variable, .. }
            | CollectInto::Count { variable } => *variable = id,
        }
        into
    }

    /// Ends what a `COLLECT` ends, and shows what it made.
    fn close_group(&mut self, made: &[VarId]) {
        if self.close_nested() {
            self.open(ScopeKind::Collect);
        }
        self.visible.extend(made);
    }

    fn aggregates(&mut self) -> Vec<Aggregate<'static>> {
        self.list(2, |builder| {
            let (function, count) = builder.one(&[
                ("MAX", 1),
                ("LENGTH", 0),
                ("COUNT", 1),
                ("SORTED_UNIQUE", 1),
                ("PUSH", 1),
            ]);
            let args = (0..count).map(|_| builder.expression()).collect();
            let variable = builder.hidden(make!(builder, VariableKind::Aggregate));
            Aggregate {
                variable,
                function: name(function),
                args,
            }
        })
    }

    fn window(&mut self) -> Built {
        let range = self.maybe(Self::expression);
        let bounds = match self.pick(2) {
            0 => object([("preceding", expr(ExprKind::String("unbounded".into())))]),
            _ => object([("following", self.count()), ("preceding", self.count())]),
        };
        let aggregates = self.aggregates();
        self.visible
            .extend(aggregates.iter().map(|aggregate| aggregate.variable));
        let window = Window {
            range,
            bounds,
            aggregates,
        };
        make!(self, StatementKind::Window(Box::new(window)))
    }

    fn insert(&mut self) -> Built {
        let document = self.expression();
        let target = self.target();
        let overwrites = self.flip();
        let options = if overwrites {
            Some(object([("overwriteMode", expr(ExprKind::String("update".into())))]))
        } else {
            self.options()
        };
        self.modifies = true;
        let new = self.declare_new();
        let old = self.hidden(VariableKind::Old);
        if overwrites {
            self.old = Some(old);
        }
        let insert = Insert {
            document,
            target,
            options,
            old,
            new,
        };
        make!(self, StatementKind::Insert(Box::new(insert)))
    }

    fn update(&mut self) -> Built {
        let replace = self.flip();
        let key = self.expression();
        let document = self.maybe(Self::expression);
        let target = self.target();
        let options = self.options();
        self.modifies = true;
        let (old, new) = (self.declare_old(), self.declare_new());
        let update = Update {
            replace,
            key,
            document,
            target,
            options,
            old,
            new,
        };
        make!(self, StatementKind::Update(Box::new(update)))
    }

    fn remove(&mut self) -> Built {
        let key = self.expression();
        let target = self.target();
        let options = self.options();
        self.modifies = true;
        let old = self.declare_old();
        let remove = Remove {
            key,
            target,
            options,
            old,
        };
        make!(self, StatementKind::Remove(Box::new(remove)))
    }

    fn upsert(&mut self) -> Built {
        let (lookup, old) = match self.pick(3) {
            0 => {
                // Within a list an object may have names that are computed; as a value of the example it may not.
                let value = expr(ExprKind::Array(vec![self.expression()]));
                let example = object([("a", value), ("b c", object([]))]);
                (make!(self, UpsertLookup::Example(example)), self.declare_old())
            }
            1 => {
                let example = expr(ExprKind::Bind(self.bind()));
                (make!(self, UpsertLookup::Example(example)), self.declare_old())
            }
            _ => {
                let old = self.declare_old();
                let current = self.hidden(VariableKind::Current);
                self.currents.push(current);
                let condition = self.expression();
                self.currents.pop();
                (make!(self, UpsertLookup::Filter { current, condition }), old)
            }
        };
        let insert = self.expression();
        let replace = self.flip();
        let update = self.expression();
        let target = self.target();
        let options = self.options();
        self.modifies = true;
        let new = self.declare_new();
        let upsert = Upsert {
            lookup,
            insert,
            replace,
            update,
            target,
            options,
            old,
            new,
        };
        make!(self, StatementKind::Upsert(Box::new(upsert)))
    }
}

/// The expression, or an array of it where a `FOR` could not loop over a constant or a traversal start at one.
fn no_scalar(source: Expr<'static>) -> Expr<'static> {
    match source.kind {
        ExprKind::Null
        | ExprKind::Bool(_)
        | ExprKind::Int(_)
        | ExprKind::Double(_)
        | ExprKind::String(_)
        | ExprKind::Object(_)
        | ExprKind::Unary { .. } => expr(ExprKind::Array(vec![source])),
        _ => source,
    }
}

fn expr(kind: ExprKind<'static>) -> Expr<'static> {
    Expr {
        kind,
        span: Span::default(),
    }
}

fn object<const N: usize>(members: [(&'static str, Expr<'static>); N]) -> Expr<'static> {
    let members = members.map(|(key, value)| Member {
        key: MemberKey::Name(name(key)),
        value,
        span: Span::default(),
    });
    expr(ExprKind::Object(members.into()))
}
