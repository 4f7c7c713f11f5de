//! `COLLECT` and the aggregates that it shares with `WINDOW`.

use super::super::ast::{Aggregate, Collect, CollectInto, Group, Name, StatementKind, VarId, VariableKind};
use super::super::error::{SyntaxError, num};
use super::super::functions::{self, aggregate_takes};
use super::super::scope::ScopeKind;
use super::super::suggestion::{did_you_mean, nearest};
use super::super::token::Kind;
use super::{MAX_CAPTURED, Parsed, Parser, error};

impl<'q> Parser<'q> {
    pub(super) fn collect(&mut self) -> Parsed<StatementKind<'q>> {
        let keyword = self.bump();
        let groups = match self.token.kind {
            Kind::With | Kind::Aggregate => Vec::new(),
            kind if kind.is_name() => self.groups()?,
            _ => return Err(self.unexpected(&["a variable name", "`AGGREGATE`", "`WITH COUNT`"])),
        };
        let aggregates = if self.at(Kind::Aggregate) {
            self.aggregates()?
        } else {
            Vec::new()
        };
        let made: Vec<VarId> = groups
            .iter()
            .map(|group| group.variable)
            .chain(aggregates.iter().map(|a| a.variable))
            .collect();
        let into = match self.token.kind {
            Kind::With if aggregates.is_empty() => Some(self.count_into(&made)?),
            Kind::Into => Some(self.into(&made, aggregates.is_empty(), keyword.start)?),
            _ => {
                if self.at_word("KEEP") {
                    return Err(error(self.token.span(), "`KEEP` needs `INTO`").worded("use of 'KEEP' without 'INTO'"));
                }
                self.close_scopes(&made);
                None
            }
        };
        let options = self.options()?;
        Ok(StatementKind::Collect(Box::new(Collect {
            groups,
            aggregates,
            into,
            options,
        })))
    }

    /// `a = expr, b = expr`; the variables are visible from here on and may not be used until the statement ends.
    fn groups(&mut self) -> Parsed<Vec<Group<'q>>> {
        let mut groups = Vec::with_capacity(1);
        loop {
            let name = self.name()?;
            self.expect(Kind::Assign)?;
            let expr = self.expression()?;
            let variable = self.declare(name, VariableKind::Group)?;
            self.marks[variable.index()].pending = true;
            groups.push(Group { variable, expr });
            if !self.eat(Kind::Comma) {
                return Ok(groups);
            }
        }
    }

    /// `AGGREGATE a = SUM(x), …`; the variables stay pending.
    pub(super) fn aggregates(&mut self) -> Parsed<Vec<Aggregate<'q>>> {
        self.expect(Kind::Aggregate)?;
        let mut aggregates = Vec::with_capacity(1);
        loop {
            let name = self.name()?;
            self.expect(Kind::Assign)?;
            if !self.token.kind.is_name() {
                return Err(self.unexpected(&["an aggregate function"]));
            }
            let first = self.name()?;
            let function = self.function_name(first)?;
            if !self.at(Kind::Open) {
                let error = self.unexpected(&["`(`"]);
                return Err(error.suggesting("an aggregate is a single call, as in `n = SUM(x.y)`"));
            }
            let args = self.arguments()?;
            check_aggregate(&function, args.len())?;
            let variable = self.declare(name, VariableKind::Aggregate)?;
            self.marks[variable.index()].pending = true;
            aggregates.push(Aggregate {
                variable,
                function,
                args,
            });
            if !self.eat(Kind::Comma) {
                return Ok(aggregates);
            }
        }
    }

    /// `WITH COUNT INTO n`
    fn count_into(&mut self, made: &[VarId]) -> Parsed<CollectInto<'q>> {
        self.bump();
        if !self.token.kind.is_name() {
            return Err(self.unexpected(&["`COUNT`"]));
        }
        if !self.eat_word("COUNT") {
            return Err(self.unexpected_word(&["`COUNT`"], "'COUNT'"));
        }
        self.expect(Kind::Into)?;
        let name = self.name()?;
        self.close_scopes(made);
        Ok(CollectInto::Count {
            variable: self.declare(name, VariableKind::Count)?,
        })
    }

    /// `INTO g`, `INTO g = expr`, `INTO g KEEP a, b`. Its variable may have the name of one that the statement hides.
    fn into(&mut self, made: &[VarId], keep_allowed: bool, start: u32) -> Parsed<CollectInto<'q>> {
        self.bump();
        let name = self.name()?;
        let projection = if self.eat(Kind::Assign) {
            Some(self.expression()?)
        } else {
            None
        };
        // After `INTO g` a name is `OPTIONS` when an object follows it.
        let options = self.after(self.token).kind == Kind::ObjectOpen;
        let kept = if self.token.kind.is_name() && !options {
            Some(self.keep(keep_allowed, projection.is_some())?)
        } else {
            None
        };
        let keep = kept.is_some();
        let captured = match (kept, &projection) {
            (Some(kept), _) => kept,
            (None, Some(_)) => Vec::new(),
            (None, None) => self.captured(start)?,
        };
        self.close_scopes(made);
        let variable = self.declare(name, VariableKind::Into)?;
        Ok(match projection {
            Some(expr) => CollectInto::Projection { variable, expr },
            None => CollectInto::Rows {
                variable,
                captured,
                keep,
            },
        })
    }

    /// `KEEP a, b`. ArangoDB's grammar has it after `INTO g = expr` too, where two things would say what is kept: refused.
    fn keep(&mut self, allowed: bool, projected: bool) -> Parsed<Vec<VarId>> {
        if !self.at_word("KEEP") {
            return Err(self.unexpected_word(&["`KEEP`", "`OPTIONS`", "the next statement"], "'KEEP'"));
        }
        if projected {
            return Err(error(self.token.span(), "`INTO … = …` and `KEEP` exclude each other"));
        }
        if !allowed {
            return Err(self.unexpected(&["`OPTIONS`", "the next statement"]));
        }
        self.eat_word("KEEP");
        let mut kept = Vec::with_capacity(1);
        loop {
            let name = self.name()?;
            let Some(id) = self.variable(&name)? else {
                let message = format!("`KEEP` of `{}`, which is not a variable", name.text);
                let wording = format!("use of unknown variable '{}' for KEEP", name.text);
                return Err(error(name.span, message).worded(wording));
            };
            kept.push(id);
            if !self.eat(Kind::Comma) {
                return Ok(kept);
            }
        }
    }

    /// What `INTO g` captures, without what the statement itself makes.
    fn captured(&mut self, start: u32) -> Parsed<Vec<VarId>> {
        let mut captured = self.scopes.captured();
        captured.retain(|id| !self.marks[id.index()].pending);
        self.captured += captured.len();
        if self.captured > MAX_CAPTURED {
            let span = self.since(start);
            return Err(
                SyntaxError::new(span, num::TOO_MUCH_NESTING, "the query captures too many variables")
                    .worded("too much nesting or too many objects")
                    .without_position(),
            );
        }
        Ok(captured)
    }

    /// Ends the scopes that the statement closes and shows what it made in its own.
    fn close_scopes(&mut self, made: &[VarId]) {
        for id in made {
            self.marks[id.index()].pending = false;
        }
        if self.scopes.collect_closes() {
            self.scopes.end_nested(&self.variables);
            self.scopes.start(ScopeKind::Collect);
            for &id in made {
                self.scopes.declare(id, &self.variables);
            }
        }
    }
}

/// Whether a name is an aggregate function's that takes so many arguments.
fn check_aggregate(function: &Name, given: usize) -> Parsed<()> {
    let text = &*function.text;
    match aggregate_takes(text, given) {
        Some(true) => Ok(()),
        Some(false) => {
            let message = format!("`{text}` as an aggregate takes one argument, not {given}");
            let wording = format!(
                "invalid number of arguments for function '{text}()', expected number of arguments: minimum: 1, maximum: 1"
            );
            Err(
                SyntaxError::new(function.span, num::FUNCTION_ARGUMENT_NUMBER_MISMATCH, message)
                    .worded(wording)
                    .without_position(),
            )
        }
        None => {
            let message = format!("`{text}` is not an aggregate function");
            let error = SyntaxError::new(function.span, num::INVALID_AGGREGATE_EXPRESSION, message)
                .worded("unknown aggregate function used");
            Err(
                match did_you_mean(nearest(text, functions::AGGREGATES.iter().copied())) {
                    Some(suggestion) => error.suggesting(suggestion),
                    None => error,
                },
            )
        }
    }
}
