//! What a tree in the making knows: the choices left, the variables, and which of them a place sees.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;

use mallku_db::aql::ast::{Bind, Name, Query, SourceRef, Span, VarId, Variable, VariableKind};

/// Builds a variant of an enum of the syntax tree, and counts it.
macro_rules! make {
    ($builder:expr, $kind:ident :: $variant:ident $($rest:tt)*) => {{
        $builder.made.borrow_mut().insert(concat!(stringify!($kind), "::", stringify!($variant)));
        $kind::$variant $($rest)*
    }};
}

/// What opened a scope.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum ScopeKind {
    Query,
    For,
    Collect,
}

/// An open scope, with what was visible before it.
pub(crate) struct Scope {
    pub(crate) kind: ScopeKind,
    pub(crate) outer: usize,
    pub(crate) old: Option<VarId>,
    pub(crate) new: Option<VarId>,
}

/// Builds a tree from a list of choices; when they run out, the shortest one is taken.
pub(crate) struct Builder<'c> {
    choices: &'c [u8],
    pub(crate) made: RefCell<BTreeSet<&'static str>>,
    pub(crate) depth: u32,
    pub(crate) variables: Vec<Variable<'static>>,
    pub(crate) visible: Vec<VarId>,
    pub(crate) old: Option<VarId>,
    pub(crate) new: Option<VarId>,
    pub(crate) currents: Vec<VarId>,
    pub(crate) scopes: Vec<Scope>,
    /// Whether a modification was built.
    pub(crate) modifies: bool,
    /// The names and bind keys of the collections written to, which nothing after that may use.
    pub(crate) written: Vec<String>,
    /// Whether a `PRUNE` condition is being built, which holds no subquery.
    pub(crate) pruning: bool,
}

pub(crate) fn name(text: impl Into<Cow<'static, str>>) -> Name<'static> {
    Name {
        text: text.into(),
        span: Span::default(),
    }
}

impl<'c> Builder<'c> {
    pub(crate) fn new(choices: &'c [u8]) -> Self {
        Self {
            choices,
            made: RefCell::default(),
            depth: 0,
            variables: Vec::new(),
            visible: Vec::new(),
            old: None,
            new: None,
            currents: Vec::new(),
            scopes: Vec::new(),
            modifies: false,
            written: Vec::new(),
            pruning: false,
        }
    }

    pub(crate) fn query(mut self) -> (Query<'static>, BTreeSet<&'static str>) {
        let with = if self.pick(3) == 1 {
            self.list(3, Self::source)
        } else {
            Vec::new()
        };
        let body = self.block();
        let query = Query {
            with,
            body,
            variables: self.variables,
        };
        (query, self.made.into_inner())
    }

    pub(crate) fn pick(&mut self, of: u8) -> u8 {
        let Some((first, rest)) = self.choices.split_first() else {
            return 0;
        };
        self.choices = rest;
        first % of
    }

    pub(crate) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        let at = self.pick(u8::try_from(of.len()).unwrap());
        of[usize::from(at)]
    }

    pub(crate) fn flip(&mut self) -> bool {
        self.pick(2) == 1
    }

    pub(crate) fn maybe<T>(&mut self, build: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.flip().then(|| build(self))
    }

    /// One to `most` items.
    pub(crate) fn list<T>(&mut self, most: u8, mut build: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..=self.pick(most)).map(|_| build(self)).collect()
    }

    /// A text of any sort that may name an attribute or be a string.
    pub(crate) fn text(&mut self) -> &'static str {
        self.one(&[
            "a",
            "_key",
            "for",
            "b c",
            "é",
            "x`y´z",
            "q\"'\\",
            "\n\t\u{1}",
            "🥑",
            "1",
            "NULL",
            "$x",
            "IN",
            "",
        ])
    }

    pub(crate) fn bind(&mut self) -> Bind<'static> {
        Bind {
            key: self.one(&["a", "B1", "0", "_x", "a__"]).into(),
            span: Span::default(),
        }
    }

    pub(crate) fn source_bind(&mut self) -> Bind<'static> {
        let key = self.unwritten(&["@c", "@C1", "@0", "@_x"], "@w");
        Bind {
            key: key.into(),
            span: Span::default(),
        }
    }

    /// A name that no variable has.
    pub(crate) fn collection(&mut self) -> Name<'static> {
        let names = [
            "c", "_users", "c-d", "é c", "filter", "OPTIONS", "c`´", "OLD", "NEW", "CURRENT", "$c",
        ];
        let free = self.unwritten(&names, "w");
        name(free)
    }

    /// One of the names that nothing writes to, or a new one.
    fn unwritten(&mut self, names: &[&'static str], new: &str) -> String {
        let chosen = self.one(names);
        if self.written.iter().all(|written| written != chosen) {
            return chosen.to_owned();
        }
        format!("{new}{}", self.written.len())
    }

    pub(crate) fn source(&mut self) -> SourceRef<'static> {
        match self.pick(3) {
            0 => make!(self, SourceRef::Name(self.collection())),
            1 => make!(self, SourceRef::Bind(self.source_bind())),
            _ => make!(self, SourceRef::Bind(self.bind())),
        }
    }

    pub(crate) fn target(&mut self) -> SourceRef<'static> {
        if self.flip() {
            let bind = self.source_bind();
            self.written.push(bind.key.to_string());
            make!(self, SourceRef::Bind(bind))
        } else {
            let name = self.collection();
            self.written.push(name.text.to_string());
            make!(self, SourceRef::Name(name))
        }
    }

    /// A variable that no place sees yet.
    pub(crate) fn hidden(&mut self, kind: VariableKind) -> VarId {
        let id = VarId(u32::try_from(self.variables.len()).unwrap());
        let text: Cow<'static, str> = match kind {
            VariableKind::Old => "OLD".into(),
            VariableKind::New => "NEW".into(),
            VariableKind::Current => "CURRENT".into(),
            _ => {
                let form = self.one(&["v#", "$v#", "_v#", "v #", "é#", "for#", "v`#"]);
                form.replace('#', &id.0.to_string()).into()
            }
        };
        self.variables.push(Variable { name: name(text), kind });
        id
    }

    pub(crate) fn declare(&mut self, kind: VariableKind) -> VarId {
        let id = self.hidden(kind);
        self.visible.push(id);
        id
    }

    pub(crate) fn declare_old(&mut self) -> VarId {
        let id = self.hidden(make!(self, VariableKind::Old));
        self.old = Some(id);
        id
    }

    pub(crate) fn declare_new(&mut self) -> VarId {
        let id = self.hidden(make!(self, VariableKind::New));
        self.new = Some(id);
        id
    }

    pub(crate) fn open(&mut self, kind: ScopeKind) {
        self.scopes.push(Scope {
            kind,
            outer: self.visible.len(),
            old: self.old,
            new: self.new,
        });
    }

    pub(crate) fn close(&mut self) {
        let scope = self.scopes.pop().unwrap();
        self.visible.truncate(scope.outer);
        self.old = scope.old;
        self.new = scope.new;
    }

    /// Closes the scopes of loops and groups up to the (sub)query that holds them; whether there were any.
    pub(crate) fn close_nested(&mut self) -> bool {
        let mut closed = false;
        while self.scopes.last().is_some_and(|scope| scope.kind != ScopeKind::Query) {
            self.close();
            closed = true;
        }
        closed
    }

    /// What a `COLLECT … INTO` here captures.
    pub(crate) fn captured(&self) -> Vec<VarId> {
        let base = self
            .scopes
            .iter()
            .rposition(|scope| scope.kind == ScopeKind::Query)
            .unwrap();
        let first = self.scopes.get(base + 1).unwrap_or(&self.scopes[base]);
        let mut captured = self.visible[first.outer..].to_vec();
        captured.extend(self.old.filter(|_| self.old != first.old));
        captured.extend(self.new.filter(|_| self.new != first.new));
        captured
    }
}
