//! `FOR` in all its forms: over a value or a source, a traversal, the path searches.

use super::super::ast::{
    Direction, EdgeSource, Expr, ExprKind, For, Graph, Name, PathKind, Paths, Prune, StatementKind, Traversal,
    VariableKind,
};
use super::super::error::{SyntaxError, num};
use super::super::rules;
use super::super::scope::ScopeKind;
use super::super::token::Kind;
use super::pattern::Unbound;
use super::{Parsed, Parser, error};

/// What stands between `FOR` and `IN`.
struct Outputs<'q> {
    first: Unbound<'q>,
    more: Vec<Name<'q>>,
    start: u32,
}

impl<'q> Parser<'q> {
    pub(super) fn for_loop(&mut self) -> Parsed<StatementKind<'q>> {
        self.bump();
        let outputs = self.outputs()?;
        self.expect(Kind::In)?;
        if let Some(direction) = self.direction() {
            return self.graph_loop(outputs, None, direction);
        }
        let source = self.for_source()?;
        match self.direction() {
            Some(direction) => self.graph_loop(outputs, Some(source), direction),
            None => self.plain_loop(outputs, source),
        }
    }

    fn outputs(&mut self) -> Parsed<Outputs<'q>> {
        let start = self.token.start;
        let first = self.unbound_pattern()?;
        let mut more = Vec::new();
        if matches!(first, Unbound::Name(_)) {
            while self.eat(Kind::Comma) {
                more.push(self.name()?);
            }
        }
        Ok(Outputs { first, more, start })
    }

    /// A collection may be called `OLD`, `NEW` or `CURRENT`, and be named here without quotes.
    fn for_source(&mut self) -> Parsed<Expr<'q>> {
        let suffixed = |kind| matches!(kind, Kind::Open | Kind::Scope | Kind::Dot | Kind::ArrayOpen);
        if self.at(Kind::Identifier) && matches!(self.slice(self.token.span()), "OLD" | "NEW" | "CURRENT") {
            let name = self.decoded_name(self.token)?;
            let current = name.text == "CURRENT" && !self.scopes.currents.is_empty();
            if !suffixed(self.after(self.token).kind) && !current && self.variable(&name)?.is_none() {
                let start = self.bump().start;
                let source = self.read(name)?;
                return self.apart(|parser| parser.node(start, source));
            }
        }
        self.expression()
    }

    fn plain_loop(&mut self, outputs: Outputs<'q>, source: Expr<'q>) -> Parsed<StatementKind<'q>> {
        if !outputs.more.is_empty() {
            return Err(error(
                self.since(outputs.start),
                "a `FOR` over a value, collection or view has one variable",
            )
            .worded("Collections and views FOR loops only allow a single return variable"));
        }
        rules::check_loop(&source, self.slice(source.span))?;
        let pattern = matches!(outputs.first, Unbound::Array { .. } | Unbound::Object { .. });
        self.scopes.start(ScopeKind::For);
        let target = self.bind_pattern(outputs.first, VariableKind::For)?;
        let keyword = self.token;
        let search = if self.eat_word("SEARCH") {
            let condition = self.expression()?;
            if pattern {
                return Err(error(
                    keyword.span(),
                    "`SEARCH` and a destructuring pattern exclude each other",
                )
                .worded("SEARCH condition is incompatible with destructuring"));
            }
            if !matches!(source.kind, ExprKind::Source(_) | ExprKind::SourceBind(_)) {
                return Err(error(keyword.span(), "`SEARCH` needs a view").worded("SEARCH condition used on non-view"));
            }
            Some(condition)
        } else {
            None
        };
        let options = self.for_options(search.is_some())?;
        Ok(StatementKind::For(Box::new(For {
            target,
            source,
            search,
            options,
        })))
    }

    /// Here ArangoDB takes any expression and then wants it to be an object.
    fn for_options(&mut self, searched: bool) -> Parsed<Option<Expr<'q>>> {
        if !self.token.kind.is_name() {
            return Ok(None);
        }
        if !self.eat_word("OPTIONS") {
            return Err(if searched {
                self.unexpected_word(&["`OPTIONS`", "the next statement"], "'SEARCH' and 'OPTIONS'")
            } else {
                self.unexpected_word(
                    &["`SEARCH`", "`OPTIONS`", "the next statement"],
                    "'SEARCH' or 'OPTIONS'",
                )
            });
        }
        let options = self.expression()?;
        rules::check_options(&options)?;
        Ok(Some(options))
    }

    /// A direction, if one is at hand; it is taken.
    fn direction(&mut self) -> Option<Direction> {
        let direction = match self.token.kind {
            Kind::Outbound => Direction::Outbound,
            Kind::Inbound => Direction::Inbound,
            Kind::Any => Direction::Any,
            _ => return None,
        };
        self.bump();
        Some(direction)
    }

    fn graph_loop(
        &mut self,
        outputs: Outputs<'q>,
        depth: Option<Expr<'q>>,
        direction: Direction,
    ) -> Parsed<StatementKind<'q>> {
        if let Some(depth) = &depth {
            rules::check_depth(depth, &|id| self.marks[id.index()].constant)?;
        }
        let kind = match self.token.kind {
            Kind::KPaths => PathKind::KPaths,
            Kind::ShortestPath if depth.is_none() => PathKind::Shortest,
            Kind::AllShortestPaths if depth.is_none() => PathKind::AllShortest,
            Kind::KShortestPaths if depth.is_none() => PathKind::KShortest,
            Kind::ShortestPath | Kind::AllShortestPaths | Kind::KShortestPaths => {
                let error = self.unexpected(&["a start vertex", "`K_PATHS`"]);
                return Err(error.suggesting("of the path searches only `K_PATHS` takes a depth"));
            }
            _ => return self.traversal(outputs, depth, direction),
        };
        self.paths(kind, outputs, depth, direction)
    }

    fn paths(
        &mut self,
        kind: PathKind,
        outputs: Outputs<'q>,
        depth: Option<Expr<'q>>,
        direction: Direction,
    ) -> Parsed<StatementKind<'q>> {
        let keyword = self.bump();
        let name = keyword.kind.spelling().trim_matches('`');
        let start = self.expression()?;
        if !self.token.kind.is_name() {
            return Err(self.unexpected(&["`TO`"]));
        }
        if !self.eat_word("TO") {
            return Err(self.unexpected_word(&["`TO`"], "'TO'"));
        }
        let target = self.expression()?;
        let graph = self.graph()?;
        let options = self.options()?;
        let most = if kind == PathKind::Shortest { 2 } else { 1 };
        let mut names = plain_names(outputs, name, most)?.into_iter();
        self.scopes.start(ScopeKind::For);
        let role = if kind == PathKind::Shortest {
            VariableKind::Vertex
        } else {
            VariableKind::Path
        };
        let Some(first) = names.next() else {
            return Err(self.unexpected(&["a variable name"]));
        };
        let first = self.declare(first, role)?;
        let edge = names
            .next()
            .map(|edge| self.declare(edge, VariableKind::Edge))
            .transpose()?;
        Ok(StatementKind::Paths(Box::new(Paths {
            kind,
            first,
            edge,
            depth,
            direction,
            start,
            target,
            graph,
            options,
        })))
    }

    fn traversal(
        &mut self,
        outputs: Outputs<'q>,
        depth: Option<Expr<'q>>,
        direction: Direction,
    ) -> Parsed<StatementKind<'q>> {
        let start = self.expression()?;
        rules::check_start(&start)?;
        let graph = self.graph()?;
        self.refuse_after_modification("a traversal", "traversal", self.since(outputs.start))?;
        let mut names = plain_names(outputs, "Traversal", 3)?.into_iter();
        self.scopes.start(ScopeKind::For);
        let Some(vertex) = names.next() else {
            return Err(self.unexpected(&["a variable name"]));
        };
        let vertex = self.declare(vertex, VariableKind::Vertex)?;
        let edge = names
            .next()
            .map(|edge| self.declare(edge, VariableKind::Edge))
            .transpose()?;
        let path = names
            .next()
            .map(|path| self.declare(path, VariableKind::Path))
            .transpose()?;
        let prune = if self.eat_word("PRUNE") {
            Some(self.prune()?)
        } else {
            None
        };
        let options = self.traversal_options(prune.is_some())?;
        Ok(StatementKind::Traversal(Box::new(Traversal {
            vertex,
            edge,
            path,
            depth,
            direction,
            start,
            graph,
            prune,
            options,
        })))
    }

    /// ArangoDB reads `OPTIONS name = {…}` here as well, which declares a variable by accident: refused.
    fn traversal_options(&mut self, pruned: bool) -> Parsed<Option<Expr<'q>>> {
        if self.token.kind.is_name() && !self.at_word("OPTIONS") {
            return Err(if pruned {
                self.unexpected_word(&["`OPTIONS`", "the next statement"], "'OPTIONS'")
            } else {
                self.unexpected_word(&["`PRUNE`", "`OPTIONS`", "the next statement"], "'PRUNE' or 'OPTIONS'")
            });
        }
        self.options()
    }

    fn prune(&mut self) -> Parsed<Prune<'q>> {
        let start = self.token.start;
        let named = self.token.kind.is_name() && self.after(self.token).kind == Kind::Assign;
        let name = if named { Some(self.name()?) } else { None };
        if named {
            self.bump();
        }
        let subqueries = self.subqueries;
        let condition = self.expression()?;
        if self.subqueries > subqueries {
            return Err(error(self.since(start), "a `PRUNE` condition may not hold a subquery")
                .worded("PRUNE condition must not use a subquery"));
        }
        let variable = name.map(|name| self.declare(name, VariableKind::Prune)).transpose()?;
        Ok(Prune { variable, condition })
    }

    fn graph(&mut self) -> Parsed<Graph<'q>> {
        if !self.eat(Kind::Graph) {
            return self.edges();
        }
        match self.token.kind {
            Kind::Parameter => Ok(Graph::NamedBind(self.bind())),
            Kind::String => {
                let name = self.string_name()?;
                graph_name(name)
            }
            kind if kind.is_name() => {
                let name = self.name()?;
                graph_name(name)
            }
            _ => Err(self.unexpected(&["a graph name", "a bind parameter"])),
        }
    }

    fn edges(&mut self) -> Parsed<Graph<'q>> {
        let mut edges = Vec::with_capacity(1);
        loop {
            let direction = self.direction();
            if direction.is_none() && !self.token.kind.is_name() {
                if let Kind::Parameter | Kind::SourceParameter = self.token.kind {
                } else {
                    return Err(self.unexpected(&["`GRAPH`", "an edge collection", "a direction"]));
                }
            }
            edges.push(EdgeSource {
                direction,
                source: self.source()?,
            });
            if !self.eat(Kind::Comma) {
                return Ok(Graph::Edges(edges));
            }
        }
    }
}

/// The variables of a graph statement, which takes no patterns and `most` names.
fn plain_names<'q>(outputs: Outputs<'q>, statement: &str, most: usize) -> Parsed<Vec<Name<'q>>> {
    let span = super::super::ast::Span {
        start: outputs.start,
        end: outputs.start,
    };
    let Unbound::Name(first) = outputs.first else {
        let wording = format!("{statement} does not support array/object destructuring");
        return Err(
            SyntaxError::new(span, num::PARSE, "a graph statement takes no destructuring pattern").worded(wording),
        );
    };
    let mut names = vec![first];
    names.extend(outputs.more);
    if names.len() > most {
        let (message, wording) = match (statement, most) {
            ("Traversal", _) => (
                "a traversal has at most a vertex, an edge and a path variable".to_owned(),
                "Traversals only have one, two or three return variables".to_owned(),
            ),
            (_, 2) => (
                format!("`{statement}` has at most a vertex and an edge variable"),
                format!("{statement} must have one or two return variables"),
            ),
            _ => (
                format!("`{statement}` has one variable, the path"),
                format!("{statement} only has one return variable"),
            ),
        };
        return Err(SyntaxError::new(span, num::PARSE, message).worded(wording));
    }
    Ok(names)
}

fn graph_name(name: Name<'_>) -> Parsed<Graph<'_>> {
    if name.text.is_empty() {
        return Err(error(name.span, "a graph name may not be empty"));
    }
    Ok(Graph::Named(name))
}
