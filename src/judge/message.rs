//! The words of every denial: what is wrong, naming the thing, and how to write it so that it passes.
//!
//! INVARIANT: a message names what the client wrote and what the schemas say, never a stored value and never a bind
//! value; the same query of another member of the same roles earns the same words.

use super::analysis::{Analysis, Place};
use super::value::{Part, Value, push_name};
use super::verdict::{Denial, Rule};
use crate::aql::ast::Span;
use crate::schema::{Allow, Collection, Operation, RoleSet, Shape};

/// Names that a hint lists before it says "and others".
const NAMES_IN_HINT: usize = 8;

impl Denial {
    /// A denial with a message only.
    pub(crate) fn new(rule: Rule, message: impl Into<String>) -> Self {
        Self {
            rule,
            message: message.into(),
            collection: None,
            attribute: None,
            span: None,
            hint: None,
        }
    }

    /// The same, with its place in the query.
    pub(crate) fn at(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    /// The same, with the way out.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same, about a collection, view or graph.
    pub(crate) fn about(mut self, collection: impl Into<String>) -> Self {
        self.collection = Some(collection.into());
        self
    }

    /// The same, about an attribute.
    pub(crate) fn attribute(mut self, path: impl Into<String>) -> Self {
        self.attribute = Some(path.into());
        self
    }

    /// The same with texts of bounded length: names in them come from the query.
    pub(super) fn clipped(mut self) -> Self {
        clip(&mut self.message, 600);
        for text in [&mut self.collection, &mut self.attribute].into_iter().flatten() {
            clip(text, 256);
        }
        if let Some(hint) = &mut self.hint {
            clip(hint, 800);
        }
        self
    }

    pub(super) fn too_intricate(span: Span) -> Self {
        Self::new(
            Rule::LimitExceeded,
            "the query nests its values so often that what it reads cannot be followed",
        )
        .at(span)
        .hint("use fewer variables that hold copies of other variables")
    }

    pub(super) fn bind_missing(key: &str, span: Span) -> Self {
        Self::new(Rule::BindMissing, format!("the bind parameter `@{key}` has no value"))
            .at(span)
            .hint(format!("give `bindVars` an attribute \"{key}\""))
    }

    pub(super) fn bind_unused(key: &str) -> Self {
        Self::new(
            Rule::BindUnused,
            format!("the bind value \"{key}\" is not used by the query"),
        )
        .hint("ArangoDB refuses bind values that no parameter takes: leave it out of `bindVars`")
    }

    pub(super) fn bind_type(key: &str, wanted: &str, span: Span) -> Self {
        Self::new(Rule::BindType, format!("the bind value \"{key}\" has to be {wanted}"))
            .at(span)
            .hint(format!("give it as a string: `{{\"{key}\": \"…\"}}`"))
    }

    pub(super) fn function_not_allowed(name: &str, what: &str, span: Span) -> Self {
        Self::new(
            Rule::FunctionNotAllowed,
            format!("the policy does not allow the function `{name}` ({what})"),
        )
        .at(span)
        .hint(format!(
            "do without it; where it is meant, add \"{name}\" to `functions.allow` of policy.json"
        ))
    }

    pub(super) fn database_not_served(database: &str, served: &[String]) -> Self {
        let served: Vec<&str> = served.iter().map(String::as_str).collect();
        let denial = Self::new(
            Rule::DatabaseNotServed,
            format!("the database `{database}` is not served"),
        );
        match nearest(database, served.iter().copied()) {
            Some(near) => denial.hint(format!("did you mean `{near}`?")),
            None => denial.hint(format!("served are: {}", listed(&served))),
        }
    }

    pub(super) fn not_approved() -> Self {
        Self::new(Rule::NotApproved, "the query is not among the approved ones")
            .hint("add it as a file to `schemas/queries`; literals, layout and comments do not matter")
    }

    pub(super) fn attribute_hidden(collection: &str, path: &str, span: Span) -> Self {
        Self::new(
            Rule::AttributeHidden,
            format!("the attribute `{path}` of `{collection}` is hidden: a query may not return, compare, sort or group by it"),
        )
        .about(collection)
        .attribute(path)
        .at(span)
        .hint("leave it out of the query; clients may at most write it")
    }

    pub(super) fn overwrites_hidden(collection: &str, path: &str, name: &str, span: Span) -> Self {
        Self::new(
            Rule::AttributeHidden,
            format!("`MERGE` puts a value in the place of `{path}` of `{collection}`, and that tells whether the hidden attribute is there"),
        )
        .about(collection)
        .attribute(path)
        .at(span)
        .hint(format!("take it out first: `MERGE(UNSET(…, \"{name}\"), …)`"))
    }

    pub(super) fn unknown_source(rule: Rule, kind: &str, name: &str, span: Span, known: &[&str]) -> Self {
        let denial = Self::new(rule, format!("the schema set has no {kind} `{name}` in this database"))
            .about(name)
            .at(span);
        match nearest(name, known.iter().copied()) {
            Some(near) => denial.hint(format!("did you mean `{near}`?")),
            None => denial.hint(format!(
                "add a schema file for `{name}`, or use one of: {}",
                listed(known)
            )),
        }
    }

    pub(super) fn reserved_source(rule: Rule, name: &str, span: Span) -> Self {
        let denial = Self::new(
            rule,
            format!("`{name}` cannot be the name of a collection that clients reach"),
        )
        .about(name)
        .at(span);
        if name.starts_with('_') {
            denial.hint("names that begin with `_` are ArangoDB's own collections, which no schema set can open")
        } else {
            denial.hint("a name begins with a letter; ArangoDB would take a number for a collection's internal id")
        }
    }

    pub(super) fn operation_not_allowed(
        name: &str,
        kind: &str,
        operation: Operation,
        allow: &Allow,
        roles: &RoleSet,
        span: Option<Span>,
    ) -> Self {
        let wanted = operation.name();
        let mut denial = Self::new(
            Rule::OperationNotAllowed,
            format!("the {kind} `{name}` does not allow `{wanted}` to this user"),
        )
        .about(name);
        denial.span = span;
        let allowed: Vec<&str> = Operation::ALL
            .into_iter()
            .filter(|&operation| allow.permits(roles, operation))
            .map(Operation::name)
            .collect();
        let others = Operation::ALL.len() > allowed.len() && allow.by_role.values().any(|set| set.contains(&operation));
        let tail = if others { "; another role may" } else { "" };
        if allowed.is_empty() {
            denial.hint(format!(
                "nothing is allowed there to this user{tail}: add \"{wanted}\" to `x-mallku.allow` of `{name}` if that is meant"
            ))
        } else {
            denial.hint(format!(
                "allowed there: {}{tail}; add \"{wanted}\" to `x-mallku.allow` of `{name}` if that is meant",
                allowed.join(", ")
            ))
        }
    }
}

impl<'a> Analysis<'a> {
    pub(super) fn attribute_unknown(&mut self, part: &Part<'a>, name: &str, span: Span) {
        let source = self.sources[part.source as usize].name.to_string();
        let path = joined(&part.path.display(), name);
        let known: Vec<&str> = readable_names(part.shape, self.roles).collect();
        let denial = Denial::new(
            Rule::AttributeUnknown,
            format!("`{source}` has no attribute `{path}`, and its schema admits none that it does not name"),
        )
        .about(source)
        .attribute(path)
        .at(span);
        let denial = match nearest(name, known.iter().copied()) {
            Some(near) => denial.hint(format!("did you mean `{near}`?")),
            None => denial.hint(format!("it has: {}", listed(&known))),
        };
        self.deny(denial);
    }

    /// A name in an expression that is neither a variable's nor a collection's.
    pub(super) fn unknown_variable(&mut self, name: &str, span: Span) {
        let variables = || self.query.variables.iter().map(|variable| &*variable.name.text);
        let hint = if variables().any(|variable| variable == name) {
            format!(
                "`{name}` is declared elsewhere: a `COLLECT` hides what came before it (name it there, or use `INTO`), and a subquery \
                 hides what is in it"
            )
        } else {
            let resources = self.resources;
            let collections = resources.collections.keys().chain(resources.views.keys());
            match nearest(name, variables().chain(collections.map(String::as_str))) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "declare it with `LET` or `FOR`; a text needs quotes".to_owned(),
            }
        };
        let denial = Denial::new(
            Rule::UnknownCollection,
            format!("no variable `{name}` is visible here, and the schema set has no collection or view of that name"),
        );
        self.deny(denial.about(name).at(span).hint(hint));
    }

    /// An attribute that no path has.
    pub(super) fn no_part_of_a_path(&mut self, name: &str, span: Span) {
        let denial = Denial::new(Rule::AttributeUnknown, format!("a path has no attribute `{name}`"))
            .attribute(name)
            .at(span);
        self.deny(denial.hint("it has `vertices` and `edges`, and `weights` or `weight` where edges are weighted"));
    }

    pub(super) fn whole_document(&mut self, part: &Part<'a>, hidden: &[String], span: Span) {
        let source = self.sources[part.source as usize].name.to_string();
        let at = part.path.display();
        let hidden: Vec<String> = hidden
            .iter()
            .map(|path| if path.is_empty() { at.clone() } else { joined(&at, path) })
            .collect();
        let names: Vec<&str> = hidden.iter().map(String::as_str).collect();
        let what = if part.path.is_root() {
            format!("a document of `{source}`")
        } else {
            format!("`{at}` of `{source}`")
        };
        let denial = Denial::new(
            Rule::WholeDocument,
            format!(
                "{what} is used as a whole, but holds what is hidden: {}",
                listed(&names)
            ),
        )
        .about(source)
        .attribute(hidden.first().map_or("*", String::as_str))
        .at(span);
        let hint = self.how_to_name(part, span);
        self.deny(denial.hint(hint));
    }

    /// How to name what is readable of a part instead of using all of it.
    fn how_to_name(&self, part: &Part<'a>, span: Span) -> String {
        let excerpt = self.excerpt(span).filter(|text| {
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_.$".contains(&byte))
        });
        let edge = self.sources[part.source as usize]
            .collection
            .is_some_and(|collection| collection.edge.is_some());
        let (shape, place) = match (&part.shape.items, self.place) {
            (Some(items), Place::Itself) => (&**items, Place::Element),
            _ => (part.shape, self.place),
        };
        let readable: Vec<&str> = readable_names(shape, self.roles).collect();
        let Some(first) = readable.first() else {
            return "name the attributes that are needed instead".to_owned();
        };
        let kept: Vec<String> = readable.iter().take(3).map(|name| format!("\"{name}\"")).collect();
        let kept = format!("{}{}", kept.join(", "), if readable.len() > 3 { ", …" } else { "" });
        match (excerpt, place) {
            (Some(text), Place::Itself) => format!(
                "name what is needed, such as `{text}.{first}`, or keep the readable attributes only: `KEEP({text}, {kept})`"
            ),
            (Some(text), Place::Element) => format!(
                "name what is needed of each, such as `{text}[*].{first}`, or keep the readable attributes only: `{text}[* RETURN KEEP(CURRENT, {kept})]`"
            ),
            (Some(text), Place::Path) => {
                let parts = if edge { "edges" } else { "vertices" };
                format!("name what is needed of its {parts}, such as `{text}.{parts}[*].{first}`")
            }
            (None, _) | (_, Place::Inside) => format!("use the readable attributes only: {}", listed(&readable)),
        }
    }

    /// Denies a step onto an attribute whose name is known only when the query runs.
    pub(super) fn dynamic_attribute(&mut self, value: &Value<'a>, span: Span) {
        let denial = Denial::new(
            Rule::DynamicAttribute,
            "the attribute's name is known only when the query runs, and not all attributes here may be read",
        )
        .at(span)
        .hint("write the name as a string or a bind parameter, or restrict the object with KEEP first");
        let source = value.alternatives().iter().find_map(|value| match value {
            Value::Part(part) => Some(self.sources[part.source as usize].name.to_string()),
            _ => None,
        });
        self.deny(match source {
            Some(source) => denial.about(source),
            None => denial,
        });
    }

    pub(super) fn operation_denied(&mut self, source: u32, operation: Operation, span: Span) {
        let source = self.sources[source as usize].clone();
        if let Some(collection) = source.collection {
            self.deny(Denial::operation_not_allowed(
                &source.name,
                "collection",
                operation,
                &collection.allow,
                self.roles,
                Some(span),
            ));
        }
    }
}

fn clip(text: &mut String, most: usize) {
    if text.len() > most {
        let mut at = most;
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        text.truncate(at);
        text.push('…');
    }
}

/// The top-level attributes that may be read in full, system attributes last.
fn readable_names<'s>(shape: &'s Shape, roles: &'s RoleSet) -> impl Iterator<Item = &'s str> {
    let system = |name: &str| name.starts_with('_');
    let readable = || shape.attributes.iter().filter(|(_, below)| below.readable(roles));
    readable()
        .filter(move |(name, _)| !system(name))
        .chain(readable().filter(move |(name, _)| system(name)))
        .map(|(name, _)| name.as_str())
}

/// `path.name`, where the path of a whole document is `*`.
fn joined(path: &str, name: &str) -> String {
    if path == "*" {
        return name.to_owned();
    }
    let mut text = path.to_owned();
    if !name.starts_with('[') {
        text.push('.');
    }
    if name.contains(['.', '[', '/', '*']) {
        text.push_str(name);
    } else {
        push_name(&mut text, name);
    }
    text
}

/// `` `a`, `b` and 3 others ``.
pub(super) fn listed(names: &[&str]) -> String {
    if names.is_empty() {
        return "nothing".to_owned();
    }
    let mut text = String::new();
    for (index, name) in names.iter().take(NAMES_IN_HINT).enumerate() {
        if index > 0 {
            text.push_str(", ");
        }
        text.push('`');
        text.push_str(name);
        text.push('`');
    }
    match names.len().saturating_sub(NAMES_IN_HINT) {
        0 => {}
        1 => text.push_str(" and one other"),
        more => {
            text.push_str(" and ");
            text.push_str(&more.to_string());
            text.push_str(" others");
        }
    }
    text
}

/// The known name that a misspelt one probably stands for.
pub(super) fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    if name.len() > 64 {
        return None;
    }
    let allowed = (name.chars().count() / 3).clamp(1, 3);
    known
        .filter(|candidate| !candidate.starts_with('_') || name.starts_with('_'))
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&name.to_lowercase(), &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|&(distance, _)| distance <= allowed)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// A collection's name for a report.
pub(super) fn kind_of(collection: &Collection) -> &'static str {
    if collection.edge.is_some() {
        "edge collection"
    } else {
        "collection"
    }
}
