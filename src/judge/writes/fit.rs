//! Whether a written document keeps its collection's schema, as far as the document is known before the query runs.
//!
//! Constants go through the compiled JSON Schema. For the rest the shape has to suffice: the types that a value may
//! have are among those of the attribute, and the schema asks nothing further there.
//!
//! INVARIANT: what is not shown to fit is denied.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::Value as Json;

use super::Mode;
use super::copied;
use super::kept::{Stored, replaced_value};
use super::known::{check_dropped, check_json, place_in, typed, walk};
use super::shapes::{any_constrained, is_open, is_open_below, meets_stored};
use super::words::{
    below, dotted, invalid, missing, missing_end, out_of_bounds, read_only, unknown, unproven, violated, wrong_end,
    wrong_type,
};
use crate::aql::ast::Span;
use crate::judge::analysis::Analysis;
use crate::judge::value::{Constant, Object, Part, Types, Value, each_element, push_name};
use crate::schema::{Collection, Others, SYSTEM_ATTRIBUTES, Shape, Validator, count_values, is_large};

/// Steps that trying one alternative counts for.
const COST_OF_A_CHOICE: usize = 16;
/// Values that are validated in the time of a step.
const VALUES_A_STEP: usize = 100;

/// The alternatives of one place that are tried one by one.
const MOST_CHOICES: usize = 16;

/// An object within a document that is written.
#[derive(Clone, Copy)]
struct Level<'a> {
    shape: &'a Shape,
    /// Whether every stored document has an object there, into which this one is merged.
    stored: bool,
}

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
                    None => match self.with_each_element(alternative, span) {
                        Some(documents) => {
                            for document in documents {
                                self.check_partly_known(collection, &document, mode, span);
                            }
                        }
                        None => self.check_partly_known(collection, alternative, mode, span),
                    },
                },
            }
        }
    }

    /// The objects that one is which takes over the attributes of each element of a bound array: `MERGE(x, {…})` in
    /// `FOR x IN @documents`.
    fn with_each_element(&mut self, value: &Value<'a>, span: Span) -> Option<Vec<Value<'a>>> {
        let Value::Object(object) = value else { return None };
        let (place, constant) = object
            .rest
            .iter()
            .enumerate()
            .find_map(|(place, rest)| match &rest.value {
                Value::Constant(constant @ Constant::ElementOf { .. }) => Some((place, constant)),
                _ => None,
            })?;
        let Constant::ElementOf { bind, json, path } = constant else {
            return None;
        };
        self.inspect(constant);
        let elements = each_element(json, path)?;
        let size = object.members.len().saturating_add(COST_OF_A_CHOICE);
        if !self.steps(elements.len().saturating_mul(size), span) {
            return None;
        }
        let with = |json: &'a Json| {
            let mut rest = object.rest.clone();
            rest[place].value = Value::Constant(Constant::Bind { bind: *bind, json });
            Value::object(object.members.clone(), rest, object.open)
        };
        // Of what is no object, `MERGE` and its like make null, which is not written.
        Some(elements.into_iter().filter(|json| json.is_object()).map(with).collect())
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
            pinned: Vec::new(),
        };
        let tied = match mode {
            Mode::Whole => collection.shape.constrained,
            Mode::Merge { .. } => collection.update_validator.is_none(),
        };
        match value {
            // A stored document of the same collection keeps its schema; its attributes were read, and those that
            // clients may not write are not written.
            Value::Part(part) if part.path.is_root() && std::ptr::eq(part.shape, &raw const collection.shape) => {
                if (tied && mode != Mode::Whole) || !meets_stored(&collection.shape, mode, true) {
                    self.deny(unproven(
                        collection,
                        "",
                        "two valid documents can make an invalid one when they are merged",
                        span,
                    ));
                }
                self.check_writable(collection, &collection.shape, &[], "", span);
            }
            Value::Part(part) if self.copied_from(part, collection, mode, &[]).is_some() => {
                self.check_writable(collection, &collection.shape, &[], "", span);
                let source = self.copied_from(part, collection, mode, &[]);
                let given = source.map_or_else(Vec::new, |source| copied::present(part, source, &[]));
                for name in &collection.shape.required {
                    if !given.contains(&name.as_str()) && !system(&[], name) {
                        self.deny(missing(collection, &[], name).at(span));
                    }
                }
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

    /// The collection of which a written document is a copy, where its attributes are valid in this one.
    fn copied_from(
        &self,
        part: &Part<'a>,
        target: &Collection,
        mode: Mode,
        without: &[Cow<'a, str>],
    ) -> Option<&'a Collection> {
        let source = self.sources[part.source as usize].collection?;
        let whole = mode == Mode::Whole && part.path.is_root();
        (whole && copied::takes_attributes_of(target, source, without)).then_some(source)
    }

    /// Checks an object's members one by one; gives the object with what is known of it. `certain`: whatever document is
    /// written to has an object there.
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
        let level = Level { shape, stored: certain };
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
                    Value::Part(part) if std::ptr::eq(part.shape, shape) && meets_stored(shape, fit.mode, true) => {
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
                    Value::Part(part)
                        if at.is_empty()
                            && self
                                .copied_from(part, fit.collection, fit.mode, &rest.without)
                                .is_some() =>
                    {
                        self.check_writable(fit.collection, shape, &rest.without, "", fit.span);
                        if let Some(source) = self.copied_from(part, fit.collection, fit.mode, &rest.without)
                            && object.rest.len() == 1
                            && rest.value.alternatives().len() == 1
                        {
                            let names = copied::present(part, source, &rest.without);
                            present.extend(names.into_iter().map(Cow::Borrowed));
                        }
                    }
                    Value::Constant(constant) => {
                        self.inspect(constant);
                        match self.known_json(value, fit.span) {
                            Some(Cow::Borrowed(Json::Object(members))) => {
                                let without: HashSet<&str> = rest.without.iter().map(AsRef::as_ref).collect();
                                for (name, json) in members {
                                    if without.contains(name.as_str()) {
                                        continue;
                                    }
                                    let Constant::Bind { bind, .. } = constant else {
                                        continue;
                                    };
                                    let value = Value::Constant(Constant::Bind { bind: *bind, json });
                                    if rest.value.alternatives().len() == 1 {
                                        present.push(Cow::Borrowed(name));
                                    }
                                    self.fit_member(fit, name, &value, level, at, &mut skeleton);
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
            self.fit_member(fit, &member.name, &member.value, level, at, &mut skeleton);
        }
        // Merged into an object that is there and valid, the object need not have everything itself.
        let whole = match fit.mode {
            Mode::Whole => true,
            Mode::Merge { .. } => !(merging && certain),
        };
        if whole {
            for name in &shape.required {
                if !present.iter().any(|present| present == name.as_str()) && !system(at, name) {
                    self.deny(missing(fit.collection, at, name).at(fit.span));
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
        level: Level<'a>,
        at: &mut Vec<String>,
        skeleton: &mut serde_json::Map<String, Json>,
    ) {
        let shape = level.shape;
        let Some(below_shape) = shape.attribute(name) else {
            self.deny(unknown(fit.collection, shape, at, name).at(fit.span));
            return;
        };
        let required = shape.required.contains(name);
        // An edge whose end is no id is not written: ArangoDB refuses it with the error 1233.
        // https://github.com/arangodb/arangodb `TRI_ERROR_ARANGO_INVALID_EDGE_ATTRIBUTE`
        let end = fit.collection.edge.is_some() && at.is_empty() && (name == "_from" || name == "_to");
        // `keepNull: false` drops what is set to null.
        let dropped = fit.mode.drops_null();
        if dropped && required && !end && self.known_types(value).meets(Types::NULL) {
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
        // In an object that takes the place of another value, null stays. https://github.com/arangodb/arangodb
        // `mergeObjectsForUpdate`
        let null_is_not_written = dropped && at.is_empty() || (end && !matches!(value, Value::Constant(_)));
        at.push(name.to_owned());
        if let Some(json) = self.fit_value(
            fit,
            value,
            below_shape,
            at,
            level.stored && required,
            null_is_not_written,
        ) {
            skeleton.insert(name.to_owned(), json);
        }
        at.pop();
    }

    /// Checks the value of an attribute; gives what is known of it, or `None` for what is dropped. `there`: whatever document is
    /// written to has the attribute.
    fn fit_value(
        &mut self,
        fit: &mut Fit<'a>,
        value: &Value<'a>,
        shape: &'a Shape,
        at: &mut Vec<String>,
        there: bool,
        null_drops: bool,
    ) -> Option<Json> {
        if !self.step(fit.span) {
            return Some(Json::Null);
        }
        if !shape.write.admits(self.roles) {
            self.deny(read_only(fit.collection, &dotted(at)).at(fit.span));
            fit.holes.push(at.clone());
            return Some(Json::Null);
        }
        if let Some(json) = self.known_json(value, fit.span) {
            if null_drops && json.is_null() {
                self.check_replaced(fit, shape, at);
                return None;
            }
            fit.constants = true;
            let stored = fit.mode.stored(at.len());
            let mut found = Vec::new();
            walk(fit.collection, &json, shape, at, stored, self.roles, &mut found);
            if fit.mode.drops_null() {
                check_dropped(fit.collection, &json, shape, at, self.roles, &mut found);
            }
            for denial in found {
                self.deny(denial.at(fit.span));
            }
            self.check_types(fit, &json, shape, at);
            return Some(self.copied(json, fit.span).unwrap_or_default());
        }
        if let Value::Object(object) = value
            && !shape.constrained
        {
            if !Types::OBJECT.within(Types::of_shape(shape)) {
                self.deny(wrong_type(fit.collection, &dotted(at), Types::OBJECT, shape).at(fit.span));
            }
            if fit.mode.stored(at.len()) == Stored::Replaced {
                self.check_replaced(fit, shape, at);
            }
            let certain = there && Types::of_shape(shape).within(Types::OBJECT);
            return Some(self.fit_object(fit, object, shape, at, certain));
        }
        let choices = self.choices(value, fit.span);
        if let Some(choices) = choices {
            let stored = fit.mode.stored(at.len());
            let mut found = Vec::new();
            for choice in &choices {
                walk(fit.collection, choice, shape, at, stored, self.roles, &mut found);
                if fit.mode.drops_null() {
                    check_dropped(fit.collection, choice, shape, at, self.roles, &mut found);
                }
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
        if fit.mode.stored(at.len()) != Stored::Nothing {
            self.check_replaced(fit, shape, at);
        }
        self.fit_unknown(fit, value, shape, at, null_drops);
        Some(Json::Null)
    }

    /// Denies a value that takes the place of one with read-only attributes in it.
    fn check_replaced(&mut self, fit: &Fit<'a>, shape: &Shape, at: &[String]) {
        if let Some(denial) = replaced_value(fit.collection, shape, at, self.roles) {
            self.deny(denial.at(fit.span));
        }
    }

    /// Checks the types of a constant: in a list, or in an object with alternatives, the validation of the skeleton in the
    /// end does not tell.
    fn check_types(&mut self, fit: &mut Fit<'a>, json: &Json, shape: &Shape, at: &[String]) {
        if any_constrained(shape) {
            fit.pinned.push(at.to_vec());
        }
        if !typed(json, shape) {
            self.deny(wrong_type(fit.collection, &dotted(at), Types::of_json(json), shape).at(fit.span));
        }
    }

    /// The constants that a value is one of.
    fn choices(&mut self, value: &Value<'a>, span: Span) -> Option<Vec<Json>> {
        if let Value::Constant(constant @ Constant::ElementOf { json, path, .. }) = value {
            self.inspect(constant);
            let choices = each_element(json, path).filter(|choices| !choices.is_empty())?;
            // Each one is validated with the rest of the document.
            if !self.steps(choices.len().saturating_mul(COST_OF_A_CHOICE), span) {
                return None;
            }
            let copies = choices
                .into_iter()
                .map(|choice| self.copied(Cow::Borrowed(choice), span));
            return copies.collect();
        }
        let alternatives = value.alternatives();
        if alternatives.len() > MOST_CHOICES {
            return None;
        }
        alternatives
            .iter()
            .map(|alternative| self.known_copy(alternative, span))
            .collect()
    }

    /// Checks a value that is known only when the query runs: its types have to suffice.
    fn fit_unknown(&mut self, fit: &Fit<'a>, value: &Value<'a>, shape: &'a Shape, at: &[String], null_drops: bool) {
        // An element's own shape is looked at nowhere else.
        if !shape.write.admits(self.roles) {
            self.deny(read_only(fit.collection, &dotted(at)).at(fit.span));
            return;
        }
        for alternative in value.alternatives() {
            if !self.step(fit.span) {
                return;
            }
            let admitted = Types::of_shape(shape);
            let mut types = self.known_types(alternative);
            if null_drops {
                if types.within(Types::NULL) {
                    continue;
                }
                types = types.without(Types::NULL);
            }
            // The same attribute of the same schema: what is stored there is valid there.
            if let Value::Part(part) = alternative
                && std::ptr::eq(part.shape, shape)
                && meets_stored(shape, fit.mode, false)
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
                self.fit_computed(fit, alternative, types, shape, at);
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
                    // Whole in itself, though nulls may be dropped from it.
                    let mode = if fit.mode.drops_null() {
                        Mode::Merge {
                            keep_null: false,
                            merge_objects: false,
                        }
                    } else {
                        Mode::Whole
                    };
                    let mut inner = Fit {
                        collection: fit.collection,
                        mode,
                        span: fit.span,
                        skeleton: Json::Null,
                        walked: Vec::new(),
                        holes: Vec::new(),
                        choices: Vec::new(),
                        constants: false,
                        pinned: Vec::new(),
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
                    let json = self.known_copy(alternative, fit.span).unwrap_or_default();
                    let mut found = Vec::new();
                    walk(fit.collection, &json, shape, at, Stored::Merged, self.roles, &mut found);
                    if fit.mode.drops_null() {
                        check_dropped(fit.collection, &json, shape, &mut at.to_vec(), self.roles, &mut found);
                    }
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

    /// Checks a computed value of the right types where the schema asks for more: for bounds, or for the form of a time.
    fn fit_computed(&mut self, fit: &Fit<'a>, value: &Value<'a>, types: Types, shape: &'a Shape, at: &[String]) {
        if matches!(value, Value::Time) && shape.takes.times {
            return;
        }
        let asked = shape
            .takes
            .numbers
            .filter(|_| types.within(Types::NUMBER.or(Types::NULL)));
        let Some(asked) = asked else {
            self.deny(unproven(
                fit.collection,
                &dotted(at),
                "its schema asks for more than a type, and the value is known only when the query runs",
                fit.span,
            ));
            return;
        };
        if self.bounds(value).is_some_and(|bounds| !bounds.within(asked)) {
            self.deny(out_of_bounds(fit.collection, &dotted(at), asked, fit.span));
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
        // Each choice has the whole looked at again.
        let choices = fit.choices.iter().map(|(_, choices)| choices.len()).sum::<usize>();
        let each = count_values(&fit.skeleton) / VALUES_A_STEP + 1;
        if !self.steps(choices.saturating_mul(each), fit.span) {
            return;
        }
        self.check_violations(fit, validator, &fit.skeleton);
        if choices == 0 {
            return;
        }
        let mut document = fit.skeleton.clone();
        for (path, choices) in &fit.choices {
            for choice in choices.iter().skip(1) {
                if let Some(place) = place_in(&mut document, path) {
                    *place = choice.clone();
                }
                self.check_violations(fit, validator, &document);
            }
            if let (Some(place), Some(first)) = (place_in(&mut document, path), choices.first()) {
                *place = first.clone();
            }
        }
    }

    fn check_violations(&mut self, fit: &Fit<'a>, validator: &Validator, document: &Json) {
        let violations = validator.violations(document);
        // All of them are told, unless the document is large.
        let only = violations.len() == 1 && is_large(document);
        for violation in violations {
            let in_hole = fit.holes.iter().any(|hole| violation.path.starts_with(hole));
            // Where an object has alternatives, what is wrong in it is reported at the object itself.
            let alternatives = violation.message.contains("Of' keyword");
            let hides = alternatives && fit.pinned.iter().any(|pinned| pinned.starts_with(&violation.path));
            if !in_hole && (hides || !fit.walked.contains(&violation.path)) {
                self.deny(violated(fit.collection, &violation.path, &violation.message).at(fit.span));
            } else if only {
                self.deny(unproven(
                    fit.collection,
                    "",
                    "it is too large to be checked where it is known only in part",
                    fit.span,
                ));
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
    /// Paths of constants of which the schema asks more than a type.
    pinned: Vec<Vec<String>>,
    /// Whether the skeleton has constants.
    constants: bool,
}

/// Whether a name is an attribute of every document that ArangoDB sets itself.
fn system(at: &[String], name: &str) -> bool {
    at.is_empty() && SYSTEM_ATTRIBUTES[..3].contains(&name)
}
