//! `INSERT`, `UPDATE`, `REPLACE`, `REMOVE` and `UPSERT`.

use super::super::ast::{
    Expr, ExprKind, Insert, Remove, SourceRef, Span, StatementKind, Update, Upsert, UpsertLookup, VarId, VariableKind,
};
use super::super::error::{SyntaxError, num};
use super::super::rules;
use super::super::token::{Kind, Token};
use super::{Parsed, Parser, Written, error};

impl<'q> Parser<'q> {
    pub(super) fn insert(&mut self) -> Parsed<StatementKind<'q>> {
        let keyword = self.bump();
        let document = self.before_target()?;
        let (target, options) = self.target_and_options()?;
        let new = self.result(VariableKind::New, keyword)?;
        // `OLD` exists only where a document may be overwritten (`Ast::createNodeInsert`).
        let old = self.pseudo_variable(VariableKind::Old, keyword.span())?;
        if options.as_ref().is_some_and(rules::may_overwrite) {
            self.scopes.old = Some(old);
        }
        Ok(StatementKind::Insert(Box::new(Insert {
            document,
            target,
            options,
            old,
            new,
        })))
    }

    pub(super) fn update(&mut self, replace: bool) -> Parsed<StatementKind<'q>> {
        let keyword = self.bump();
        let key = self.before_target()?;
        let document = if self.eat(Kind::With) {
            Some(self.before_target()?)
        } else {
            None
        };
        let (target, options) = self.target_and_options()?;
        let old = self.result(VariableKind::Old, keyword)?;
        let new = self.result(VariableKind::New, keyword)?;
        Ok(StatementKind::Update(Box::new(Update {
            replace,
            key,
            document,
            target,
            options,
            old,
            new,
        })))
    }

    pub(super) fn remove(&mut self) -> Parsed<StatementKind<'q>> {
        let keyword = self.bump();
        let key = self.before_target()?;
        let (target, options) = self.target_and_options()?;
        let old = self.result(VariableKind::Old, keyword)?;
        Ok(StatementKind::Remove(Box::new(Remove {
            key,
            target,
            options,
            old,
        })))
    }

    pub(super) fn upsert(&mut self) -> Parsed<StatementKind<'q>> {
        let keyword = self.bump();
        let (lookup, old) = if self.eat(Kind::Filter) {
            let old = self.result(VariableKind::Old, keyword)?;
            let current = self.pseudo_variable(VariableKind::Current, keyword.span())?;
            self.scopes.currents.push(current);
            let condition = self.expression()?;
            self.scopes.currents.pop();
            (UpsertLookup::Filter { current, condition }, old)
        } else {
            let example = self.upsert_example()?;
            (UpsertLookup::Example(example), self.result(VariableKind::Old, keyword)?)
        };
        self.expect(Kind::Insert)?;
        let insert = self.expression()?;
        let replace = match self.token.kind {
            Kind::Update => false,
            Kind::Replace => true,
            _ => return Err(self.unexpected(&["`UPDATE`", "`REPLACE`"])),
        };
        self.bump();
        let update = self.before_target()?;
        let (target, options) = self.target_and_options()?;
        let new = self.result(VariableKind::New, keyword)?;
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
        Ok(StatementKind::Upsert(Box::new(upsert)))
    }

    /// 3.11 parses any expression here and then wants an object literal or a bind parameter; 3.12 parses only these.
    fn upsert_example(&mut self) -> Parsed<Expr<'q>> {
        let example = self.expression()?;
        if matches!(example.kind, ExprKind::Object(_) | ExprKind::Bind(_)) {
            rules::check_example(&example)?;
            return Ok(example);
        }
        Err(error(
            example.span,
            "`UPSERT` looks up by an object, a bind parameter or a `FILTER`",
        ))
    }

    /// `OLD` or `NEW` of a modification, visible from here on.
    fn result(&mut self, kind: VariableKind, keyword: Token) -> Parsed<VarId> {
        let id = self.pseudo_variable(kind, keyword.span())?;
        if kind == VariableKind::Old {
            self.scopes.old = Some(id);
        } else {
            self.scopes.new = Some(id);
        }
        Ok(id)
    }

    /// Whether the `IN` at hand introduces the target of a modification. As in the tables of ArangoDB's parser, the token
    /// after the name decides: a collection is followed by what may follow the statement.
    pub(super) fn target_follows(&self) -> bool {
        let name = self.after(self.token);
        let named = name.kind.is_name() || matches!(name.kind, Kind::String | Kind::SourceParameter);
        named && {
            let next = self.after(name).kind;
            next.is_name() || next.starts_statement() || matches!(next, Kind::End | Kind::Close | Kind::Comma)
        }
    }

    /// `IN coll OPTIONS {…}` or `INTO coll OPTIONS {…}`.
    fn target_and_options(&mut self) -> Parsed<(SourceRef<'q>, Option<Expr<'q>>)> {
        if !matches!(self.token.kind, Kind::In | Kind::Into) {
            return Err(self.unexpected(&["`IN`", "`INTO`"]));
        }
        self.bump();
        let place = self.token.span();
        let target = match self.token.kind {
            Kind::SourceParameter => SourceRef::Bind(self.bind()),
            Kind::String => {
                let name = self.string_name()?;
                Self::source_name(name)?
            }
            kind if kind.is_name() => {
                let name = self.name()?;
                Self::source_name(name)?
            }
            Kind::Parameter => {
                let error = self.unexpected(&["a collection name", "a collection bind parameter"]);
                return Err(error.suggesting("a collection is bound with two at signs: `@@name`"));
            }
            _ => return Err(self.unexpected(&["a collection name", "a collection bind parameter"])),
        };
        let options = self.options()?;
        self.modifies = true;
        let written = match &target {
            SourceRef::Name(name) => Written::Name(name.text.clone()),
            SourceRef::Bind(bind) => Written::Bind(bind.key.clone()),
        };
        self.refuse_written(&written, place)?;
        self.written.insert(written);
        Ok((target, options))
    }

    /// ArangoDB refuses what would see a collection after a modification of it, another modification included
    /// (`Ast::validateAndOptimize`, where the order of the text is that of the tree, but for subqueries: these come before
    /// the statement that holds them). Two bind parameters may name one collection: left to the server.
    pub(super) fn refuse_written(&self, collection: &Written, span: Span) -> Parsed<()> {
        if !self.written.contains(collection) {
            return Ok(());
        }
        let name = self.slice(span);
        Err(after_modification(
            span,
            format!("`{name}` is modified before, after which the same query may not use it again"),
            &format!("collection '{name}'"),
        ))
    }

    /// Nor may anything that reads documents by itself come after any modification (there too).
    pub(super) fn refuse_after_modification(&self, what: &str, wording: &str, span: Span) -> Parsed<()> {
        if !self.modifies {
            return Ok(());
        }
        Err(after_modification(
            span,
            format!("{what} may not follow a modification"),
            wording,
        ))
    }
}

fn after_modification(span: Span, message: String, wording: &str) -> Box<SyntaxError> {
    SyntaxError::new(span, num::ACCESS_AFTER_MODIFICATION, message)
        .worded(format!("access after data-modification by {wording}"))
        .without_position()
}
