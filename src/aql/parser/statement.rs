//! Statements: which one begins here, and the small ones.

use super::super::ast::{
    Assignment, Block, Expr, ExprKind, Limit, Return, SortDirection, SortKey, SourceRef, Statement, StatementKind,
    Window,
};
use super::super::error::{SyntaxError, num};
use super::super::rules;
use super::super::scope::ScopeKind;
use super::super::token::Kind;
use super::{Parsed, Parser, error};

impl<'q> Parser<'q> {
    /// `WITH a, b` at the very start of the text; the commas may be left out.
    pub(super) fn with_list(&mut self) -> Parsed<Vec<SourceRef<'q>>> {
        let mut with = Vec::new();
        if !self.eat(Kind::With) {
            return Ok(with);
        }
        loop {
            with.push(self.source()?);
            let comma = self.eat(Kind::Comma);
            if !comma && !self.at_source() {
                return Ok(with);
            }
        }
    }

    fn at_source(&self) -> bool {
        self.token.kind.is_name() || matches!(self.token.kind, Kind::Parameter | Kind::SourceParameter)
    }

    /// A collection where nothing else can stand: a name, `@@x`, or `@x` under the key `x`.
    pub(super) fn source(&mut self) -> Parsed<SourceRef<'q>> {
        match self.token.kind {
            Kind::Parameter | Kind::SourceParameter => Ok(SourceRef::Bind(self.bind())),
            kind if kind.is_name() => {
                let name = self.name()?;
                Self::source_name(name)
            }
            _ => Err(self.unexpected(&["a collection name", "a bind parameter"])),
        }
    }

    /// Statements up to a `RETURN` or the last modification.
    pub(super) fn block(&mut self) -> Parsed<Block<'q>> {
        let start = self.token.start;
        let mut statements = Vec::with_capacity(4);
        loop {
            let first = self.token;
            let kind = self.statement()?;
            self.nodes = self.nodes.saturating_add(1);
            let more = self.token.kind.starts_statement();
            let finished = matches!(kind, StatementKind::Return(_)) || (kind.modifies() && !more);
            statements.push(Statement {
                kind,
                span: self.since(first.start),
            });
            if finished {
                break;
            }
        }
        self.scopes.end_nested(&self.variables);
        Ok(Block {
            statements,
            span: self.since(start),
        })
    }

    fn statement(&mut self) -> Parsed<StatementKind<'q>> {
        match self.token.kind {
            Kind::For => self.for_loop(),
            Kind::Let => self.let_statement(),
            Kind::Filter => {
                self.bump();
                Ok(StatementKind::Filter(self.expression()?))
            }
            Kind::Return => self.return_statement(),
            Kind::Collect => self.collect(),
            Kind::Sort => self.sort(),
            Kind::Limit => self.limit(),
            Kind::Window => self.window(),
            Kind::Insert => self.insert(),
            Kind::Update => self.update(false),
            Kind::Replace => self.update(true),
            Kind::Remove => self.remove(),
            Kind::Upsert => self.upsert(),
            Kind::End if self.end > 0 => {
                let error = self.unexpected(&["a statement", "`RETURN`"]);
                Err(error.suggesting("a query ends in `RETURN` or in a modification"))
            }
            _ if self.end > 0 => Err(self.unexpected(&["the next statement"])),
            _ => Err(self.unexpected(&["a statement"])),
        }
    }

    fn let_statement(&mut self) -> Parsed<StatementKind<'q>> {
        self.bump();
        let mut assignments = Vec::with_capacity(1);
        loop {
            let pattern = self.unbound_pattern()?;
            self.expect(Kind::Assign)?;
            let value = self.expression()?;
            let constant = rules::is_known_at_compile_time(&value, &|id| self.marks[id.index()].constant);
            let target = self.bind_let(pattern, constant)?;
            assignments.push(Assignment { target, value });
            if !self.eat(Kind::Comma) {
                return Ok(StatementKind::Let(assignments));
            }
        }
    }

    fn return_statement(&mut self) -> Parsed<StatementKind<'q>> {
        self.bump();
        let distinct = self.at(Kind::Distinct);
        if distinct {
            let token = self.bump();
            if matches!(self.scopes.kind(), ScopeKind::Main | ScopeKind::Subquery) {
                return Err(error(token.span(), "`RETURN DISTINCT` needs a `FOR` in the same query")
                    .worded("cannot use DISTINCT modifier on top-level query element"));
            }
        }
        Ok(StatementKind::Return(Return {
            distinct,
            expr: self.expression()?,
        }))
    }

    fn sort(&mut self) -> Parsed<StatementKind<'q>> {
        self.bump();
        let mut keys = Vec::with_capacity(1);
        loop {
            let expr = self.expression()?;
            keys.push(SortKey {
                expr,
                direction: self.sort_direction()?,
            });
            if !self.eat(Kind::Comma) {
                return Ok(StatementKind::Sort(keys));
            }
        }
    }

    fn sort_direction(&mut self) -> Parsed<SortDirection<'q>> {
        Ok(match self.token.kind {
            Kind::Asc => {
                self.bump();
                SortDirection::Ascending
            }
            Kind::Desc => {
                self.bump();
                SortDirection::Descending
            }
            Kind::Parameter => {
                let bind = self.bind();
                let direction = self.apart(|parser| parser.node(bind.span.start, ExprKind::Bind(bind)))?;
                SortDirection::Dynamic(Box::new(direction))
            }
            _ => match self.apart(Self::literal)? {
                Some(direction) => SortDirection::Dynamic(Box::new(direction)),
                None => SortDirection::Ascending,
            },
        })
    }

    fn limit(&mut self) -> Parsed<StatementKind<'q>> {
        self.bump();
        let first = self.limit_operand()?;
        let limit = if self.eat(Kind::Comma) {
            Limit {
                offset: Some(first),
                count: self.limit_operand()?,
            }
        } else {
            Limit {
                offset: None,
                count: first,
            }
        };
        Ok(StatementKind::Limit(Box::new(limit)))
    }

    /// ArangoDB needs a number here once it has put in the bind values and computed what is constant
    /// (`ExecutionPlan::fromNodeLimit`).
    fn limit_operand(&mut self) -> Parsed<Expr<'q>> {
        let operand = self.expression()?;
        if rules::is_known_at_compile_time(&operand, &|id| self.marks[id.index()].constant) {
            if rules::can_be_a_count(&operand) {
                return Ok(operand);
            }
            let message = "a `LIMIT` operand must be a number that is not negative";
            return Err(SyntaxError::new(operand.span, num::NUMBER_OUT_OF_RANGE, message)
                .worded("number out of range")
                .without_position());
        }
        Err(
            error(operand.span, "a `LIMIT` operand must be known before the query runs")
                .suggesting("use a number or a bind parameter"),
        )
    }

    fn window(&mut self) -> Parsed<StatementKind<'q>> {
        let keyword = self.bump();
        if self.modifies {
            let message = "`WINDOW` may not follow a modification";
            return Err(
                SyntaxError::new(keyword.span(), num::WINDOW_AFTER_MODIFICATION, message)
                    .worded("window operation after data-modification")
                    .without_position(),
            );
        }
        let (range, bounds) = if self.at(Kind::ObjectOpen) {
            let object = self.apart(Self::object)?;
            if self.at(Kind::Aggregate) {
                (None, object)
            } else {
                (
                    Some(self.apart(|parser| parser.continued(object))?),
                    self.window_bounds()?,
                )
            }
        } else {
            (Some(self.expression()?), self.window_bounds()?)
        };
        let aggregates = self.aggregates()?;
        rules::check_window_bounds(&bounds, range.is_none(), &|id| self.marks[id.index()].constant)?;
        for aggregate in &aggregates {
            self.marks[aggregate.variable.index()].pending = false;
        }
        Ok(StatementKind::Window(Box::new(Window {
            range,
            bounds,
            aggregates,
        })))
    }

    fn window_bounds(&mut self) -> Parsed<Expr<'q>> {
        self.expect(Kind::With)?;
        self.apart(Self::object)
    }

    /// `OPTIONS {…}`, where nothing else may follow.
    pub(super) fn options(&mut self) -> Parsed<Option<Expr<'q>>> {
        if !self.token.kind.is_name() {
            return Ok(None);
        }
        if !self.eat_word("OPTIONS") {
            return Err(self.unexpected_word(&["`OPTIONS`", "the next statement"], "'OPTIONS'"));
        }
        let options = self.apart(Self::object)?;
        rules::check_options(&options)?;
        Ok(Some(options))
    }
}
