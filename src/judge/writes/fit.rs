//! Whether a written document keeps its collection's schema, as far as the document is known before the query runs.
//!
//! Constants go through the compiled JSON Schema. For the rest the shape has to suffice: the types that a value may
//! have are among those of the attribute, and the schema asks nothing further there.
//!
//! INVARIANT: what is not shown to fit is denied.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::aql::ast::Span;
use crate::judge::analysis::Analysis;
use crate::judge::message::{listed, nearest};
use crate::judge::names::collection_of_id;
use crate::judge::value::{Constant, Object, Path, Types, Value, each_element, push_name};
use crate::judge::verdict::{Denial, Rule};
use crate::schema::{Collection, Others, RoleSet, SYSTEM_ATTRIBUTES, Shape};

/// How a written document meets the stored one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::judge) enum Mode {
    /// It is the whole document afterwards.
    Whole,
    /// Its attributes replace or join those of the stored one.
    Merge {
        /// Whether an attribute set to null stays; else it is dropped.
        keep_null: bool,
        /// Whether objects are merged into stored objects; else they replace them.
        merge_objects: bool,
    },
}

/// Paths of a written document that are reported; beyond them it is `*`.
const MOST_PATHS: usize = 64;

/// Steps that trying one alternative counts for.
const COST_OF_A_CHOICE: usize = 16;

/// The alternatives of one place that are tried one by one.
const MOST_CHOICES: usize = 16;

impl<'a> Analysis<'a> {
    /// Checks a written document against the collection's schema.
    pub(super) fn check_document(&mut self, collection: &'a Collection, value: &Value<'a>, mode: Mode, span: Span) {
        for alternative in value.alternatives() {
            match alternative {
                // ArangoDB refuses to write what is no object.
                Value::Constant(Constant::Null) => {}
                Value::Constant(constant @ Constant::ElementOf { json, path, .. }) => {
                    self.inspect(constant);
                    match each_element(json, path) {
                        Some(documents) => {
                            for document in documents.into_iter().filter(|document| !document.is_null()) {
                                self.check_constant(collection, document, mode, span);
                            }
                        }
                        None => self.check_partly_known(collection, alternative, mode, span),
                    }
                }
                _ => match self.known_json(alternative, span) {
                    Some(json) => self.check_constant(collection, &json, mode, span),
                    None => self.check_partly_known(collection, alternative, mode, span),
                },
            }
        }
    }

    /// A document that is known as a whole.
    fn check_constant(&mut self, collection: &'a Collection, document: &Json, mode: Mode, span: Span) {
        let reported = check_json(collection, document, mode, self.roles);
        for denial in reported {
            self.deny(denial.at(span));
        }
    }

    /// A document of which parts are known only when the query runs.
    fn check_partly_known(&mut self, collection: &'a Collection, value: &Value<'a>, mode: Mode, span: Span) {
        let mut fit = Fit {
            collection,
            mode,
            span,
            skeleton: Json::Null,
            walked: Vec::new(),
            holes: Vec::new(),
            choices: Vec::new(),
            constants: false,
            listed: false,
        };
        let tied = match mode {
            Mode::Whole => collection.shape.constrained,
            Mode::Merge { .. } => collection.update_validator.is_none(),
        };
        match value {
            // A stored document of the same collection keeps its schema; its attributes were read, and those that
            // clients may not write are not written.
            Value::Part(part) if part.path.is_root() && std::ptr::eq(part.shape, &collection.shape) => {
                self.check_writable(collection, &collection.shape, &[], "", span);
            }
            Value::Object(_) if tied => self.deny(unproven(
                collection,
                "",
                "its schema ties attributes to one another, so only a document known as a whole can be checked",
                span,
            )),
            Value::Object(object) => {
                fit.skeleton = self.fit_object(&mut fit, object, &collection.shape, &mut Vec::new(), true);
                self.check_ends(collection, object, mode, span);
                if fit.constants || !fit.choices.is_empty() {
                    self.check_skeleton(&fit);
                }
            }
            _ if is_open(&collection.shape) && !tied && collection.edge.is_none() => {}
            _ => self.deny(unproven(
                collection,
                "",
                "what it holds is known only when the query runs",
                span,
            )),
        }
    }

    /// Checks an object's members one by one; gives the object with what is known of it.
    fn fit_object(
        &mut self,
        fit: &mut Fit<'a>,
        object: &Object<'a>,
        shape: &'a Shape,
        at: &mut Vec<String>,
        certain: bool,
    ) -> Json {
        let merging = matches!(
            fit.mode,
            Mode::Merge {
                merge_objects: true,
                ..
            }
        ) || (at.is_empty() && fit.mode != Mode::Whole);
        fit.walked.push(at.clone());
        let mut skeleton = serde_json::Map::new();
        let mut present: Vec<Cow<'a, str>> = Vec::new();
        if object.open && !is_open(shape) {
            self.deny(unproven(
                fit.collection,
                &dotted(at),
                "an attribute's name is known only when the query runs",
                fit.span,
            ));
        }
        for rest in &object.rest {
            for value in rest.value.alternatives() {
                match value {
                    Value::Part(part) if std::ptr::eq(part.shape, shape) => {
                        self.check_writable(fit.collection, shape, &rest.without, &dotted(at), fit.span);
                        if !part.optional && object.rest.len() == 1 && rest.value.alternatives().len() == 1 {
                            present.extend(
                                shape
                                    .required
                                    .iter()
                                    .filter(|name| !rest.without.iter().any(|without| without == name.as_str()))
                                    .map(|name| Cow::Borrowed(name.as_str())),
                            );
                        }
                    }
                    Value::Constant(constant) => {
                        self.inspect(constant);
                        match self.known_json(value, fit.span) {
                            Some(Cow::Borrowed(Json::Object(members))) => {
                                for (name, json) in members {
                                    if rest.without.iter().any(|without| without == name.as_str()) {
                                        continue;
                                    }
                                    let Constant::Bind { bind, .. } = constant else {
                                        continue;
                                    };
                                    let value = Value::Constant(Constant::Bind { bind: *bind, json });
                                    if rest.value.alternatives().len() == 1 {
                                        present.push(Cow::Borrowed(name));
                                    }
                                    self.fit_member(fit, name, &value, shape, at, &mut skeleton);
                                }
                            }
                            Some(json) if json.is_null() => {}
                            _ => self.deny(unproven(
                                fit.collection,
                                &dotted(at),
                                "what it holds is known only when the query runs",
                                fit.span,
                            )),
                        }
                    }
                    _ if is_open(shape) => {}
                    _ => self.deny(unproven(
                        fit.collection,
                        &dotted(at),
                        "it takes over attributes of another document",
                        fit.span,
                    )),
                }
            }
        }
        for member in &object.members {
            if !member.optional {
                present.push(member.name.clone());
            }
            self.fit_member(fit, &member.name, &member.value, shape, at, &mut skeleton);
        }
        // Merged into an object that is there and valid, the object need not have everything itself.
        let whole = match fit.mode {
            Mode::Whole => true,
            Mode::Merge { .. } => !(merging && certain),
        };
        if whole {
            for name in &shape.required {
                if !present.iter().any(|present| present == name.as_str()) && !system(at, name) {
                    self.deny(
                        invalid(
                            fit.collection,
                            &below(at, name),
                            &format!("`{}` is required, and may be missing here", below(at, name)),
                        )
                        .at(fit.span),
                    );
                }
            }
        }
        Json::Object(skeleton)
    }

    fn fit_member(
        &mut self,
        fit: &mut Fit<'a>,
        name: &str,
        value: &Value<'a>,
        shape: &'a Shape,
        at: &mut Vec<String>,
        skeleton: &mut serde_json::Map<String, Json>,
    ) {
        let Some(below_shape) = shape.attribute(name) else {
            self.deny(unknown(fit.collection, shape, at, name).at(fit.span));
            return;
        };
        let required = shape.required.contains(name);
        // `keepNull: false` drops what is set to null.
        let dropped = matches!(fit.mode, Mode::Merge { keep_null: false, .. });
        if dropped && required && self.known_types(value).meets(Types::NULL) {
            self.deny(
                invalid(
                    fit.collection,
                    &below(at, name),
                    &format!("`{}` is required, and null would drop it", below(at, name)),
                )
                .at(fit.span),
            );
            return;
        }
        if skeleton.contains_key(name) {
            self.deny(
                invalid(
                    fit.collection,
                    &below(at, name),
                    &format!("`{}` is given twice", below(at, name)),
                )
                .at(fit.span),
            );
        }
        at.push(name.to_owned());
        if let Some(json) = self.fit_value(fit, value, below_shape, at, required, dropped) {
            skeleton.insert(name.to_owned(), json);
        }
        at.pop();
    }

    /// Checks the value of an attribute; gives what is known of it, or `None` for what is dropped.
    fn fit_value(
        &mut self,
        fit: &mut Fit<'a>,
        value: &Value<'a>,
        shape: &'a Shape,
        at: &mut Vec<String>,
        required: bool,
        null_drops: bool,
    ) -> Option<Json> {
        if !self.step(fit.span) {
            return Some(Json::Null);
        }
        if !shape.write.admits(self.roles) {
            self.deny(read_only(fit.collection, &dotted(at)).at(fit.span));
            return Some(Json::Null);
        }
        if let Some(json) = self.known_json(value, fit.span) {
            if null_drops && json.is_null() {
                return None;
            }
            fit.constants = true;
            let merging = matches!(
                fit.mode,
                Mode::Merge {
                    merge_objects: true,
                    ..
                }
            );
            let mut found = Vec::new();
            walk(fit.collection, &json, shape, at, merging, self.roles, &mut found);
            if null_drops {
                check_dropped(fit.collection, &json, shape, at, self.roles, &mut found);
            }
            for denial in found {
                self.deny(denial.at(fit.span));
            }
            self.check_types(fit, &json, shape, at);
            return Some(json.into_owned());
        }
        if let Value::Object(object) = value
            && !shape.constrained
        {
            if !Types::OBJECT.within(Types::of_shape(shape)) {
                self.deny(wrong_type(fit.collection, &dotted(at), Types::OBJECT, shape).at(fit.span));
            }
            let certain = required && Types::of_shape(shape).within(Types::OBJECT);
            return Some(self.fit_object(fit, object, shape, at, certain));
        }
        let choices = self.choices(value, fit.span);
        if let Some(choices) = choices {
            let merging = matches!(
                fit.mode,
                Mode::Merge {
                    merge_objects: true,
                    ..
                }
            );
            let mut found = Vec::new();
            for choice in &choices {
                walk(fit.collection, choice, shape, at, merging, self.roles, &mut found);
            }
            for denial in found {
                self.deny(denial.at(fit.span));
            }
            for choice in &choices {
                self.check_types(fit, choice, shape, at);
            }
            let first = choices.first().cloned();
            fit.choices.push((at.clone(), choices));
            return first;
        }
        fit.holes.push(at.clone());
        self.fit_unknown(fit, value, shape, at, null_drops);
        Some(Json::Null)
    }

    /// Checks the types of a constant within a list: the list is no part of the skeleton that is validated in the end.
    fn check_types(&mut self, fit: &Fit<'a>, json: &Json, shape: &Shape, at: &[String]) {
        if fit.listed && !typed(json, shape) {
            self.deny(wrong_type(fit.collection, &dotted(at), Types::of_json(json), shape).at(fit.span));
        }
    }

    /// The constants that a value is one of.
    fn choices(&mut self, value: &Value<'a>, span: Span) -> Option<Vec<Json>> {
        if let Value::Constant(constant @ Constant::ElementOf { json, path, .. }) = value {
            self.inspect(constant);
            let choices = each_element(json, path).filter(|choices| !choices.is_empty())?;
            // Each one is validated with the rest of the document.
            let affordable = self.steps(choices.len().saturating_mul(COST_OF_A_CHOICE), span);
            return affordable.then(|| choices.into_iter().cloned().collect());
        }
        let alternatives = value.alternatives();
        if alternatives.len() > MOST_CHOICES {
            return None;
        }
        alternatives
            .iter()
            .map(|alternative| self.known_json(alternative, span).map(Cow::into_owned))
            .collect()
    }

    /// Checks a value that is known only when the query runs: its types have to suffice.
    fn fit_unknown(&mut self, fit: &Fit<'a>, value: &Value<'a>, shape: &'a Shape, at: &[String], null_drops: bool) {
        for alternative in value.alternatives() {
            if !self.step(fit.span) {
                return;
            }
            let admitted = Types::of_shape(shape);
            let mut types = self.known_types(alternative);
            if null_drops {
                types = types.without(Types::NULL);
            }
            // The same attribute of the same schema: what is stored there is valid there.
            if let Value::Part(part) = alternative
                && std::ptr::eq(part.shape, shape)
                && (!part.optional || null_drops || admitted.meets(Types::NULL) && !shape.constrained)
            {
                self.check_writable(fit.collection, shape, &[], &dotted(at), fit.span);
                continue;
            }
            if !types.within(admitted) {
                self.deny(wrong_type(fit.collection, &dotted(at), types, shape).at(fit.span));
                continue;
            }
            if shape.constrained {
                self.deny(unproven(
                    fit.collection,
                    &dotted(at),
                    "its schema asks for more than a type, and the value is known only when the query runs",
                    fit.span,
                ));
                continue;
            }
            match alternative {
                Value::List(list) => self.fit_unknown(fit, &list.element, shape.element(), at, false),
                Value::Array(array) => {
                    for element in &array.elements {
                        self.fit_unknown(fit, element, shape.element(), at, false);
                    }
                }
                Value::Object(object) => {
                    let mut inner = Fit {
                        collection: fit.collection,
                        mode: Mode::Whole,
                        span: fit.span,
                        skeleton: Json::Null,
                        walked: Vec::new(),
                        holes: Vec::new(),
                        choices: Vec::new(),
                        constants: false,
                        listed: true,
                    };
                    let mut at = at.to_vec();
                    self.fit_object(&mut inner, object, shape, &mut at, false);
                    // A constant within would need its part of the JSON Schema.
                    if (inner.constants || !inner.choices.is_empty()) && any_constrained(shape) {
                        self.deny(unproven(
                            fit.collection,
                            &dotted(&at),
                            "its schema asks for more than types, and it is known only in part",
                            fit.span,
                        ));
                    }
                }
                Value::Constant(_) if self.known_json(alternative, fit.span).is_some() => {
                    let json = self
                        .known_json(alternative, fit.span)
                        .map(Cow::into_owned)
                        .unwrap_or_default();
                    let mut found = Vec::new();
                    walk(fit.collection, &json, shape, at, true, self.roles, &mut found);
                    for denial in found {
                        self.deny(denial.at(fit.span));
                    }
                    if any_constrained(shape) || !typed(&json, shape) {
                        self.deny(unproven(
                            fit.collection,
                            &dotted(at),
                            "it is one of several values, and its schema asks for more than types",
                            fit.span,
                        ));
                    }
                }
                _ if types.meets(Types::OBJECT.or(Types::ARRAY)) && !is_open_below(shape, types) => {
                    self.deny(unproven(
                        fit.collection,
                        &dotted(at),
                        "what it holds is known only when the query runs",
                        fit.span,
                    ));
                }
                _ => self.check_writable(fit.collection, shape, &[], &dotted(at), fit.span),
            }
        }
    }

    /// Denies writing all attributes of a shape where some are read-only.
    fn check_writable(
        &mut self,
        collection: &'a Collection,
        shape: &Shape,
        without: &[Cow<'a, str>],
        at: &str,
        span: Span,
    ) {
        for (name, below) in &shape.attributes {
            let own = at.is_empty() && SYSTEM_ATTRIBUTES[..3].contains(&name.as_str());
            if own || without.iter().any(|without| without == name.as_str()) {
                continue;
            }
            if !below.writable(self.roles) {
                let mut path = at.to_owned();
                if !path.is_empty() {
                    path.push('.');
                }
                push_name(&mut path, name);
                self.deny(read_only(collection, &path).at(span));
            }
        }
        let others = shape
            .patterns
            .iter()
            .map(|(_, shape)| shape)
            .chain(shape.overlap.as_deref());
        let like = match &shape.others {
            Others::Like(shape) => Some(&**shape),
            Others::Absent | Others::Open => None,
        };
        let unwritable = others
            .chain(like)
            .chain(shape.items.as_deref())
            .any(|below| !below.writable(self.roles));
        if unwritable || !shape.write.admits(self.roles) {
            self.deny(read_only(collection, if at.is_empty() { "*" } else { at }).at(span));
        }
    }

    /// Validates what is known of a document. Only what is wrong with constants counts: of the objects around them,
    /// their members were checked.
    fn check_skeleton(&mut self, fit: &Fit<'a>) {
        let validator = match fit.mode {
            Mode::Whole => &fit.collection.validator,
            Mode::Merge { .. } => match &fit.collection.update_validator {
                Some(validator) => validator,
                None => return,
            },
        };
        let mut documents = vec![fit.skeleton.clone()];
        for (path, choices) in &fit.choices {
            for choice in choices.iter().skip(1) {
                let mut document = fit.skeleton.clone();
                if let Some(place) = place_in(&mut document, path) {
                    *place = choice.clone();
                }
                documents.push(document);
            }
        }
        for document in &documents {
            for violation in validator.violations(document) {
                let in_hole = fit.holes.iter().any(|hole| violation.path.starts_with(hole));
                if !in_hole && !fit.walked.contains(&violation.path) {
                    self.deny(violated(fit.collection, &violation.path, &violation.message).at(fit.span));
                }
            }
        }
    }

    /// Checks that an edge's ends are in the collections that the schema names.
    fn check_ends(&mut self, collection: &'a Collection, object: &Object<'a>, mode: Mode, span: Span) {
        let Some(ends) = &collection.edge else { return };
        let whole = Value::object(object.members.clone(), object.rest.clone(), object.open);
        for (name, allowed) in [("_from", &ends.from), ("_to", &ends.to)] {
            let given = object
                .members
                .iter()
                .any(|member| member.name == name && !member.optional);
            let possible = given
                || object.open
                || !object.rest.is_empty()
                || object.members.iter().any(|member| member.name == name);
            if !given && mode == Mode::Whole && object.rest.is_empty() && !object.open {
                self.deny(missing_end(collection, name).at(span));
                continue;
            }
            if !possible {
                continue;
            }
            let end = self.attribute(&whole, name, span);
            match self.id_collections(&end) {
                Some(collections) => {
                    for found in collections {
                        if !allowed.contains(found.as_ref()) {
                            self.deny(wrong_end(collection, name, allowed).at(span));
                        }
                    }
                }
                None => self.deny(wrong_end(collection, name, allowed).at(span).hint(
                    "use an id as literal or bind value, the `_id` of a document, or `CONCAT(\"collection/\", key)`",
                )),
            }
        }
    }
}

/// A check of a partly known document under way.
struct Fit<'a> {
    collection: &'a Collection,
    mode: Mode,
    span: Span,
    /// The document with null in the place of what is not known.
    skeleton: Json,
    /// Paths of the objects whose members were checked one by one.
    walked: Vec<Vec<String>>,
    /// Paths of what is not known.
    holes: Vec<Vec<String>>,
    /// Paths of what is one of several constants; the skeleton has the first.
    choices: Vec<(Vec<String>, Vec<Json>)>,
    /// Whether the skeleton has constants.
    constants: bool,
    /// Whether this is an object in a list: then no skeleton is validated.
    listed: bool,
}

/// What is wrong with a document that is known as a whole.
pub(in crate::judge) fn check_json(
    collection: &Collection,
    document: &Json,
    mode: Mode,
    roles: &RoleSet,
) -> Vec<Denial> {
    let Json::Object(members) = document else {
        return vec![invalid(collection, "*", "a document has to be an object")];
    };
    let mut found = Vec::new();
    let (merging, keep_null) = match mode {
        Mode::Whole => (false, true),
        Mode::Merge {
            keep_null,
            merge_objects,
        } => (merge_objects, keep_null),
    };
    let stripped;
    let effective = if keep_null {
        document
    } else {
        check_dropped(
            collection,
            document,
            &collection.shape,
            &mut Vec::new(),
            roles,
            &mut found,
        );
        stripped = without_nulls(document);
        &stripped
    };
    walk_members(
        collection,
        effective,
        &collection.shape,
        &mut Vec::new(),
        merging,
        roles,
        &mut found,
    );
    if let Some(ends) = &collection.edge {
        for (name, allowed) in [("_from", &ends.from), ("_to", &ends.to)] {
            match members.get(name) {
                Some(Json::String(id)) => {
                    let inside = collection_of_id(id).is_some_and(|end| allowed.contains(end));
                    if !inside {
                        found.push(wrong_end(collection, name, allowed));
                    }
                }
                Some(_) => found.push(wrong_end(collection, name, allowed)),
                None if mode == Mode::Whole => found.push(missing_end(collection, name)),
                None => {}
            }
        }
    }
    let violations = match mode {
        Mode::Whole => collection.validator.violations(effective),
        Mode::Merge { .. } => match &collection.update_validator {
            Some(validator) => validator.violations(effective),
            None => {
                found.push(invalid(
                    collection,
                    "*",
                    "its schema ties attributes to one another, so an update cannot be checked without the stored document",
                ).hint("replace the whole document instead"));
                Vec::new()
            }
        },
    };
    let merged = match mode {
        Mode::Merge {
            merge_objects: true, ..
        } => merged_levels(effective, &collection.shape),
        _ => Vec::new(),
    };
    for violation in violations {
        // What an object lacks that is merged into a valid one is there already.
        if merged.contains(&violation.path) && violation.message.ends_with("is a required property") {
            continue;
        }
        // The name of an attribute that does not exist was denied by its own rule.
        let known = found.iter().any(|denial| denial.rule == Rule::AttributeUnknown);
        if !(known && violation.message.contains("Additional properties")) {
            found.push(violated(collection, &violation.path, &violation.message));
        }
    }
    found
}

/// Checks the names in a known value against a shape: that they exist and may be written. `merging`: an object is
/// merged into a stored one, which a schema that asks for more than types does not survive for certain.
fn walk(
    collection: &Collection,
    json: &Json,
    shape: &Shape,
    at: &[String],
    merging: bool,
    roles: &RoleSet,
    found: &mut Vec<Denial>,
) {
    if !shape.write.admits(roles) {
        found.push(read_only(collection, &dotted(at)));
        return;
    }
    match json {
        Json::Object(_) => {
            if merging && shape.constrained {
                found.push(
                    invalid(
                        collection,
                        &dotted(at),
                        "its schema ties attributes to one another, and the object is merged into the stored one",
                    )
                    .hint("give the whole object and `OPTIONS {mergeObjects: false}`"),
                );
            }
            walk_members(collection, json, shape, &mut at.to_vec(), merging, roles, found);
        }
        Json::Array(elements) => {
            for element in elements {
                walk(collection, element, shape.element(), at, false, roles, found);
            }
        }
        _ => {}
    }
}

fn walk_members(
    collection: &Collection,
    json: &Json,
    shape: &Shape,
    at: &mut Vec<String>,
    merging: bool,
    roles: &RoleSet,
    found: &mut Vec<Denial>,
) {
    for (name, value) in json.as_object().into_iter().flatten() {
        // ArangoDB's own: it takes `_key` for the look-up or the new document, and sets the others itself.
        if at.is_empty() && SYSTEM_ATTRIBUTES[..3].contains(&name.as_str()) && shape.attribute(name).is_none() {
            continue;
        }
        match shape.attribute(name) {
            Some(below) => {
                at.push(name.clone());
                walk(collection, value, below, at, merging, roles, found);
                at.pop();
            }
            None => found.push(unknown(collection, shape, at, name)),
        }
    }
}

/// Paths of the objects in an update that are certainly merged into a stored object which keeps their schema.
fn merged_levels(update: &Json, shape: &Shape) -> Vec<Vec<String>> {
    let mut levels = Vec::new();
    let mut pending = vec![(update, shape, Vec::new())];
    while let Some((json, shape, at)) = pending.pop() {
        for (name, value) in json.as_object().into_iter().flatten() {
            let Some(below) = shape.attributes.get(name) else {
                continue;
            };
            let there = shape.required.contains(name) && Types::of_shape(below).within(Types::OBJECT);
            if value.is_object() && there && !below.constrained {
                let mut path = at.clone();
                path.push(name.clone());
                levels.push(path.clone());
                pending.push((value, below, path));
            }
        }
    }
    levels
}

/// With `keepNull: false` an attribute set to null is dropped, so that one that is required must not be null, and one
/// that clients may not write is not theirs to drop.
fn check_dropped(
    collection: &Collection,
    json: &Json,
    shape: &Shape,
    at: &mut Vec<String>,
    roles: &RoleSet,
    found: &mut Vec<Denial>,
) {
    for (name, value) in json.as_object().into_iter().flatten() {
        let Some(shape_below) = shape.attribute(name) else {
            if value.is_null() {
                found.push(unknown(collection, shape, at, name));
            }
            continue;
        };
        if value.is_null() {
            let path = below(at, name);
            if shape.required.contains(name) || shape.constrained {
                found.push(invalid(
                    collection,
                    &path,
                    &format!("`{path}` is required, and null would drop it"),
                ));
            }
            if !shape_below.write.admits(roles) {
                found.push(read_only(collection, &path));
            }
        } else {
            at.push(name.clone());
            check_dropped(collection, value, shape_below, at, roles, found);
            at.pop();
        }
    }
}

/// The document without the attributes of its own that are null. Whether ArangoDB drops those of objects in it depends
/// on what is stored, so they have to be valid as they are as well.
fn without_nulls(json: &Json) -> Json {
    match json {
        Json::Object(members) => Json::Object(
            members
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// The attribute paths that a written value sets, for the report.
pub(super) fn written_paths(value: &Value<'_>) -> Vec<String> {
    let mut paths = Vec::new();
    for alternative in value.alternatives() {
        collect_paths(alternative, &Path::root(), &mut paths);
    }
    if paths.len() > MOST_PATHS {
        vec!["*".to_owned()]
    } else {
        paths
    }
}

fn collect_paths<'a>(value: &Value<'a>, at: &Path<'a>, paths: &mut Vec<String>) {
    if paths.len() > MOST_PATHS {
        return;
    }
    match value {
        Value::Object(object) if object.rest.is_empty() && !object.open && !object.members.is_empty() => {
            for member in &object.members {
                collect_paths(&member.value, &at.attribute(member.name.clone()), paths);
            }
        }
        Value::Object(object) if at.is_root() && object.rest.is_empty() && !object.open => {}
        Value::Constant(Constant::Bind {
            json: Json::Object(members),
            ..
        }) if at.is_root() => {
            for name in members.keys() {
                paths.push(at.attribute(Cow::Borrowed(name.as_str())).display());
            }
        }
        Value::Constant(Constant::ElementOf { json, path, .. }) if at.is_root() => {
            let documents = each_element(json, path).unwrap_or_default();
            for name in documents
                .into_iter()
                .filter_map(Json::as_object)
                .flat_map(serde_json::Map::keys)
            {
                let path = at.attribute(Cow::Borrowed(name.as_str())).display();
                if !paths.contains(&path) {
                    paths.push(path);
                }
                if paths.len() > MOST_PATHS {
                    return;
                }
            }
        }
        Value::Constant(Constant::Null) if at.is_root() => {}
        _ => paths.push(at.display()),
    }
}

/// Whether a shape takes any attributes with any values.
fn is_open(shape: &Shape) -> bool {
    !shape.constrained
        && shape.required.is_empty()
        && shape.patterns.is_empty()
        && matches!(shape.others, Others::Open)
        && shape
            .attributes
            .iter()
            .all(|(name, below)| SYSTEM_ATTRIBUTES.contains(&name.as_str()) && below.attributes.is_empty())
}

/// Whether a shape takes any content of an object or array of these types.
fn is_open_below(shape: &Shape, types: Types) -> bool {
    (!types.meets(Types::OBJECT) || is_open(shape) && shape.attributes.is_empty())
        && (!types.meets(Types::ARRAY)
            || shape.items.as_deref().is_none_or(|items| {
                items.types.is_empty() && items.items.is_none() && items.attributes.is_empty() && is_open(items)
            }))
}

/// Whether a schema asks for more than types anywhere in this shape.
fn any_constrained(shape: &Shape) -> bool {
    shape.constrained || shape.children().any(any_constrained)
}

/// Whether a known value has the types of a shape, throughout.
fn typed(json: &Json, shape: &Shape) -> bool {
    Types::of_json(json).within(Types::of_shape(shape))
        && match json {
            Json::Object(members) => {
                shape.required.iter().all(|name| members.contains_key(name))
                    && members
                        .iter()
                        .all(|(name, value)| shape.attribute(name).is_some_and(|below| typed(value, below)))
            }
            Json::Array(elements) => elements.iter().all(|element| typed(element, shape.element())),
            _ => true,
        }
}

fn place_in<'j>(document: &'j mut Json, path: &[String]) -> Option<&'j mut Json> {
    path.iter().try_fold(document, |json, name| json.get_mut(name.as_str()))
}

/// Whether a name is an attribute of every document that ArangoDB sets itself.
fn system(at: &[String], name: &str) -> bool {
    at.is_empty() && SYSTEM_ATTRIBUTES[..3].contains(&name)
}

fn dotted(at: &[String]) -> String {
    let mut text = String::new();
    for name in at {
        if !text.is_empty() {
            text.push('.');
        }
        push_name(&mut text, name);
    }
    text
}

fn below(at: &[String], name: &str) -> String {
    let mut at = at.to_vec();
    at.push(name.to_owned());
    dotted(&at)
}

fn invalid(collection: &Collection, path: &str, message: &str) -> Denial {
    Denial::new(
        Rule::DocumentInvalid,
        format!(
            "a document written to `{}` breaks its schema: {message}",
            collection.name
        ),
    )
    .about(collection.name.clone())
    .attribute(if path.is_empty() { "*" } else { path })
}

fn violated(collection: &Collection, path: &[String], message: &str) -> Denial {
    let path = dotted(path);
    if path.is_empty() {
        invalid(collection, "*", message)
    } else {
        invalid(collection, &path, &format!("`{path}`: {message}"))
    }
}

fn unproven(collection: &Collection, path: &str, why: &str, span: Span) -> Denial {
    let what = if path.is_empty() {
        "a document".to_owned()
    } else {
        format!("`{path}` of a document")
    };
    Denial::new(
        Rule::DocumentInvalid,
        format!(
            "{what} written to `{}` cannot be shown to keep its schema: {why}",
            collection.name
        ),
    )
    .about(collection.name.clone())
    .attribute(if path.is_empty() { "*" } else { path })
    .at(span)
    .hint("write it as a literal, or bind the whole document, so that it can be validated")
}

fn wrong_type(collection: &Collection, path: &str, types: Types, shape: &Shape) -> Denial {
    let denial = invalid(
        collection,
        path,
        &format!(
            "`{path}` has to be {}, but may be {}",
            Types::of_shape(shape).describe(),
            types.describe()
        ),
    );
    if types.meets(Types::NULL) && types.without(Types::NULL).within(Types::of_shape(shape)) {
        denial.hint("give a value for the case of null: `NOT_NULL(value, otherwise)`")
    } else {
        denial.hint("convert it, with TO_STRING, TO_NUMBER or TO_BOOL, or bind the value")
    }
}

fn unknown(collection: &Collection, shape: &Shape, at: &[String], name: &str) -> Denial {
    let path = below(at, name);
    let known: Vec<&str> = shape.attributes.keys().map(String::as_str).collect();
    let denial = Denial::new(
        Rule::AttributeUnknown,
        format!(
            "`{}` has no attribute `{path}`, and its schema admits none that it does not name",
            collection.name
        ),
    )
    .about(collection.name.clone())
    .attribute(path);
    match nearest(name, known.iter().copied()) {
        Some(near) => denial.hint(format!("did you mean `{near}`?")),
        None => denial.hint(format!("it has: {}", listed(&known))),
    }
}

fn read_only(collection: &Collection, path: &str) -> Denial {
    Denial::new(
        Rule::AttributeReadOnly,
        format!(
            "the attribute `{path}` of `{}` may be read by this user but not written",
            collection.name
        ),
    )
    .about(collection.name.clone())
    .attribute(path)
    .hint("leave it out of the written document")
}

fn missing_end(collection: &Collection, name: &str) -> Denial {
    invalid(collection, name, &format!("an edge needs its `{name}`"))
}

fn wrong_end(collection: &Collection, name: &str, allowed: &BTreeSet<String>) -> Denial {
    let allowed: Vec<&str> = allowed.iter().map(String::as_str).collect();
    let allowed = listed(&allowed);
    invalid(
        collection,
        name,
        &format!("`{name}` has to be the id of a document in {allowed}"),
    )
    .hint(format!(
        "write an id such as \"collection/key\" with a collection out of: {allowed}"
    ))
}
