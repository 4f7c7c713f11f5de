//! Which variables a place in the query sees, kept as ArangoDB's `Scopes` keeps them.
//!
//! INVARIANT: a name is visible at most once, for declaring a visible name is an error; so opening and closing scopes is
//! pushing and popping one list. `OLD`, `NEW` and `CURRENT` stand beside it: they may be declared again.

use std::borrow::Cow;
use std::collections::HashMap;

use super::ast::{VarId, Variable};

/// What opened a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScopeKind {
    Main,
    Subquery,
    For,
    Collect,
}

impl ScopeKind {
    /// Whether `RETURN` and `COLLECT` close it.
    fn is_nested(self) -> bool {
        matches!(self, Self::For | Self::Collect)
    }
}

#[derive(Debug)]
struct Scope {
    kind: ScopeKind,
    /// How many variables were visible before it.
    outer: usize,
    old: Option<VarId>,
    new: Option<VarId>,
}

/// Up to this many visible variables are searched one by one, which is faster than hashing.
const SEARCHED: usize = 24;

/// The open scopes.
#[derive(Debug)]
pub(super) struct Scopes<'q> {
    open: Vec<Scope>,
    visible: Vec<VarId>,
    /// The visible variables by name, once they are many.
    index: Option<HashMap<Cow<'q, str>, VarId>>,
    /// The visible `OLD`.
    pub(super) old: Option<VarId>,
    /// The visible `NEW`.
    pub(super) new: Option<VarId>,
    /// The `CURRENT` of each open array operator or `UPSERT FILTER`.
    pub(super) currents: Vec<VarId>,
}

impl<'q> Scopes<'q> {
    /// Only the main scope is open.
    pub(super) fn new() -> Self {
        let main = Scope {
            kind: ScopeKind::Main,
            outer: 0,
            old: None,
            new: None,
        };
        let mut open = Vec::with_capacity(8);
        open.push(main);
        Self {
            open,
            visible: Vec::with_capacity(8),
            index: None,
            old: None,
            new: None,
            currents: Vec::new(),
        }
    }

    pub(super) fn start(&mut self, kind: ScopeKind) {
        self.open.push(Scope {
            kind,
            outer: self.visible.len(),
            old: self.old,
            new: self.new,
        });
    }

    /// Closes the innermost scope. The main scope stays.
    pub(super) fn end(&mut self, variables: &[Variable<'q>]) {
        if self.open.len() > 1
            && let Some(scope) = self.open.pop()
        {
            self.leave(&scope, variables);
        }
    }

    /// Closes the scopes of `FOR` and `COLLECT` up to the (sub)query that holds them.
    pub(super) fn end_nested(&mut self, variables: &[Variable<'q>]) {
        while self.kind().is_nested() {
            self.end(variables);
        }
    }

    fn leave(&mut self, scope: &Scope, variables: &[Variable<'q>]) {
        if let Some(index) = &mut self.index {
            for id in &self.visible[scope.outer..] {
                index.remove(&variables[id.index()].name.text);
            }
        }
        self.visible.truncate(scope.outer);
        self.old = scope.old;
        self.new = scope.new;
    }

    /// The kind of the innermost scope.
    pub(super) fn kind(&self) -> ScopeKind {
        self.open.last().map_or(ScopeKind::Main, |scope| scope.kind)
    }

    /// Whether a `COLLECT` here closes any scope.
    pub(super) fn collect_closes(&self) -> bool {
        self.kind().is_nested()
    }

    /// The variables that a `COLLECT … INTO` here captures: those of the `FOR` and `COLLECT` scopes that it closes, or
    /// all of the (sub)query where there is none (`ExecutionPlan`'s `UserVarFinder`).
    pub(super) fn captured(&self) -> Vec<VarId> {
        let nested = self
            .open
            .iter()
            .rposition(|scope| !scope.kind.is_nested())
            .map_or(0, |base| base + 1);
        let Some(first) = self.open.get(nested).or(self.open.last()) else {
            return Vec::new();
        };
        let mut captured = self.visible[first.outer..].to_vec();
        captured.extend(self.old.filter(|_| self.old != first.old));
        captured.extend(self.new.filter(|_| self.new != first.new));
        captured
    }

    /// Makes a variable visible.
    pub(super) fn declare(&mut self, id: VarId, variables: &[Variable<'q>]) {
        self.visible.push(id);
        if let Some(index) = &mut self.index {
            index.insert(variables[id.index()].name.text.clone(), id);
        } else if self.visible.len() > SEARCHED {
            let named = |id: &VarId| (variables[id.index()].name.text.clone(), *id);
            self.index = Some(self.visible.iter().map(named).collect());
        }
    }

    /// The visible variable of that name; pseudo variables are not found by it.
    pub(super) fn find(&self, name: &str, variables: &[Variable<'q>]) -> Option<VarId> {
        match &self.index {
            Some(index) => index.get(name).copied(),
            None => self
                .visible
                .iter()
                .rev()
                .copied()
                .find(|id| variables[id.index()].name.text == name),
        }
    }
}
