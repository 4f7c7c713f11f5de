//! Arrays, objects, calls and subqueries.

use super::super::ast::{Expr, ExprKind, Member, MemberKey, Name, Span};
use super::super::error::{SyntaxError, num};
use super::super::functions;
use super::super::scope::ScopeKind;
use super::super::suggestion;
use super::super::token::Kind;
use super::{Parsed, Parser};
use std::borrow::Cow;

/// The parts of a literal with values spread into it: literals and values by turns.
#[derive(Default)]
struct Spread<'q> {
    parts: Vec<Expr<'q>>,
    /// The first `...`.
    span: Option<Span>,
}

impl<'q> Parser<'q> {
    pub(super) fn array(&mut self) -> Parsed<Expr<'q>> {
        let open = self.bump();
        self.enter_large()?;
        let mut elements = Vec::new();
        let mut spread = Spread::default();
        while !self.at(Kind::ArrayClose) {
            if self.at_spread() {
                let before = self.node_at(self.since(open.start), ExprKind::Array(std::mem::take(&mut elements)))?;
                self.spread(&mut spread, before)?;
            } else {
                elements.push(self.expression()?);
            }
            if !self.eat(Kind::Comma) {
                break;
            }
        }
        self.close(Kind::ArrayClose, open)?;
        self.leave_large();
        let last = self.node(open.start, ExprKind::Array(elements))?;
        self.joined(spread, last, "UNION", open.start)
    }

    pub(super) fn object(&mut self) -> Parsed<Expr<'q>> {
        let open = self.expect(Kind::ObjectOpen)?;
        self.enter_large()?;
        let mut members = Vec::new();
        let mut spread = Spread::default();
        while !self.at(Kind::ObjectClose) {
            if self.at_spread() {
                let before = self.node_at(self.since(open.start), ExprKind::Object(std::mem::take(&mut members)))?;
                self.spread(&mut spread, before)?;
            } else {
                members.push(self.member()?);
            }
            if !self.eat(Kind::Comma) {
                break;
            }
        }
        self.close(Kind::ObjectClose, open)?;
        self.leave_large();
        let last = self.node(open.start, ExprKind::Object(members))?;
        self.joined(spread, last, "MERGE", open.start)
    }

    /// `...` before an element or member: ArangoDB 4.0, as in `[1, ...list]` and `{a: 1, ...object}`. Where it stands, the
    /// older versions take neither of the tokens that it consists of there.
    fn at_spread(&self) -> bool {
        if !self.at(Kind::Range) {
            return false;
        }
        let next = self.after(self.token);
        next.kind == Kind::Dot && next.start == self.token.end
    }

    /// Takes `...value`, which comes after the elements or members of `before`.
    fn spread(&mut self, spread: &mut Spread<'q>, before: Expr<'q>) -> Parsed<()> {
        let start = self.bump().start;
        self.bump();
        spread.span.get_or_insert(self.since(start));
        spread.parts.push(before);
        spread.parts.push(self.expression()?);
        Ok(())
    }

    /// The literal itself, or what it means with values spread into it: a union of arrays, or a merge of objects in which
    /// the last attribute of a name counts.
    fn joined(&mut self, spread: Spread<'q>, last: Expr<'q>, function: &'static str, start: u32) -> Parsed<Expr<'q>> {
        let Some(span) = spread.span else { return Ok(last) };
        let mut args = spread.parts;
        args.push(last);
        self.node(
            start,
            ExprKind::Call {
                function: Name {
                    text: Cow::Borrowed(function),
                    span,
                },
                args,
            },
        )
    }

    fn member(&mut self) -> Parsed<Member<'q>> {
        let start = self.token.start;
        let key = match self.token.kind {
            Kind::Identifier | Kind::QuotedIdentifier => {
                let name = self.name()?;
                if !self.at(Kind::Colon) {
                    return self.shorthand(name);
                }
                MemberKey::Name(name)
            }
            Kind::String => MemberKey::Name(self.string_name()?),
            Kind::Parameter => MemberKey::Bind(self.bind()),
            Kind::ArrayOpen => {
                let open = self.bump();
                let key = self.expression()?;
                self.close(Kind::ArrayClose, open)?;
                MemberKey::Computed(Box::new(key))
            }
            _ => return Err(self.unexpected(&["an attribute name", "`}`"])),
        };
        self.expect(Kind::Colon)?;
        let value = self.expression()?;
        Ok(Member {
            key,
            value,
            span: self.since(start),
        })
    }

    /// `{x}`: a variable under its own name.
    fn shorthand(&mut self, name: Name<'q>) -> Parsed<Member<'q>> {
        let span = name.span;
        let Some(id) = self.variable(&name)? else {
            let message = format!("`{}` is not a variable, which `{{{0}}}` needs", name.text);
            let wording = format!("use of unknown variable '{}' in object literal", name.text);
            return Err(SyntaxError::new(span, num::VARIABLE_NAME_UNKNOWN, message)
                .worded(wording)
                .suggesting(format!("write the value: `{}: …`", name.text)));
        };
        let value = self.node_at(span, ExprKind::Variable(id))?;
        Ok(Member {
            key: MemberKey::Name(name),
            value,
            span,
        })
    }

    /// A call, from after the first part of the function's name on.
    pub(super) fn call(&mut self, first: Name<'q>) -> Parsed<Expr<'q>> {
        let function = self.function_name(first)?;
        let name = known_function(function)?;
        self.call_of(name)
    }

    /// `LIKE(…)`: the one function whose name is a reserved word.
    pub(super) fn like_call(&mut self) -> Parsed<Expr<'q>> {
        let span = self.bump().span();
        self.call_of(Name {
            text: Cow::Borrowed("LIKE"),
            span,
        })
    }

    fn call_of(&mut self, function: Name<'q>) -> Parsed<Expr<'q>> {
        let args = self.arguments()?;
        check_arguments(&function, args.len())?;
        if function.text == "DOCUMENT" {
            self.refuse_after_modification("a call of `DOCUMENT`", "function DOCUMENT", function.span)?;
        }
        self.node(function.span.start, ExprKind::Call { function, args })
    }

    /// `name::name`, upper-cased as ArangoDB does before it looks the function up.
    pub(super) fn function_name(&mut self, first: Name<'q>) -> Parsed<Name<'q>> {
        let start = first.span.start;
        let mut text = first.text;
        while self.eat(Kind::Scope) {
            let part = self.name()?;
            text = Cow::Owned(format!("{text}::{}", part.text));
        }
        let span = self.since(start);
        if text.bytes().any(|b| b.is_ascii_lowercase()) {
            text = match functions::lookup(&text) {
                Some(function) => Cow::Borrowed(function.name),
                None => Cow::Owned(text.to_ascii_uppercase()),
            };
        }
        Ok(Name { text, span })
    }

    /// `(a, b)`; each may be a query without parentheses of its own.
    pub(super) fn arguments(&mut self) -> Parsed<Vec<Expr<'q>>> {
        let open = self.expect(Kind::Open)?;
        self.enter()?;
        let mut args = Vec::new();
        if !self.at(Kind::Close) {
            loop {
                args.push(if self.token.kind.starts_statement() {
                    self.subquery()?
                } else {
                    self.recurse()?;
                    let arg = self.expression()?;
                    self.nesting -= 1;
                    arg
                });
                if !self.eat(Kind::Comma) {
                    break;
                }
            }
        }
        self.close(Kind::Close, open)?;
        self.leave();
        Ok(args)
    }

    /// The statements of a subquery, with a scope of their own.
    pub(super) fn subquery(&mut self) -> Parsed<Expr<'q>> {
        self.recurse()?;
        let outer = std::mem::take(&mut self.height);
        self.subqueries += 1;
        self.scopes.start(ScopeKind::Subquery);
        let block = self.block()?;
        self.scopes.end(&self.variables);
        self.nesting -= 1;
        let expr = self.node_at(block.span, ExprKind::Subquery(Box::new(block)))?;
        self.height = self.height.max(outer);
        Ok(expr)
    }
}

/// A name with a colon is a function of the user's, which ArangoDB looks for at run time only.
fn known_function(name: Name<'_>) -> Parsed<Name<'_>> {
    if name.text.contains(':') || functions::lookup(&name.text).is_some_and(|function| !function.internal()) {
        return Ok(name);
    }
    let wording = format!("usage of unknown function '{}()'", name.text);
    let message = format!("there is no function `{}`", name.text);
    let mut error = SyntaxError::new(name.span, num::FUNCTION_NAME_UNKNOWN, message)
        .worded(wording)
        .without_position();
    error.suggestion = suggestion::function(&name.text);
    Err(error)
}

fn check_arguments(name: &Name, given: usize) -> Parsed<()> {
    let Some(function) = functions::lookup(&name.text) else {
        return Ok(());
    };
    if function.takes(given) {
        return Ok(());
    }
    let most = function
        .max_args
        .map_or_else(|| "any number".to_owned(), |most| most.to_string());
    let (least, text) = (function.min_args, &name.text);
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    let message = match function.max_args {
        Some(most) if most == least => format!("`{text}` takes {least} argument{}, not {given}", plural(least.into())),
        Some(most) => format!("`{text}` takes {least} to {most} arguments, not {given}"),
        None => format!(
            "`{text}` takes at least {least} argument{}, not {given}",
            plural(least.into())
        ),
    };
    let wording = format!(
        "invalid number of arguments for function '{text}()', expected number of arguments: minimum: {least}, maximum: {most}"
    );
    Err(
        SyntaxError::new(name.span, num::FUNCTION_ARGUMENT_NUMBER_MISMATCH, message)
            .worded(wording)
            .without_position(),
    )
}
