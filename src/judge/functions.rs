//! Function calls: whether the policy allows the function, and what its result holds of its arguments.
//!
//! INVARIANT: a function that is not spoken of here reads all its arguments as a whole, so that its result holds nothing
//! unread. Those spoken of use less, and each says why.

mod results;
mod search;
mod stored;

use std::borrow::Cow;

use super::analysis::Analysis;
use super::message::nearest;
use super::names::Named;
use super::value::{Constant, Member, Part, Rest, Types, Value};
use super::verdict::{Denial, Rule};
use crate::aql::ast::{Expr, ExprKind, Name, Span};
use crate::aql::functions::{self, Class};
use crate::schema::Operation;
use serde_json::Value as Json;

/// Levels that `FLATTEN` is followed through; a deeper one reads its whole argument.
const DEEPEST_FLATTEN: u32 = 8;

impl<'a> Analysis<'a> {
    /// Checks that the policy allows a function; operators that are calls in disguise come here too.
    pub(super) fn check_function(&mut self, name: &str, span: Span) -> Option<Class> {
        self.functions.insert(name.to_owned());
        let policy = &self.set.functions;
        if name.contains("::") {
            if policy.deny.contains(name) || !policy.allow.contains(name) {
                self.deny(Denial::function_not_allowed(
                    name,
                    "user-defined, that is JavaScript inside of the server",
                    span,
                ));
            }
            return None;
        }
        let Some(function) = functions::lookup(name) else {
            let denial = Denial::new(Rule::FunctionUnknown, format!("there is no function `{name}`")).at(span);
            self.deny(
                match nearest(name, functions::all().iter().map(|function| function.name)) {
                    Some(near) => denial.hint(format!("did you mean `{near}`?")),
                    None => denial.hint("a user-defined function is called with its namespace: `NAMESPACE::NAME()`"),
                },
            );
            return None;
        };
        let class = function.class.policy_name();
        let allowed = if policy.deny.contains(name) {
            false
        } else {
            policy.allow.contains(name) || (policy.allow.contains(class) && !policy.deny.contains(class))
        };
        if !allowed {
            self.deny(Denial::function_not_allowed(
                name,
                &format!("of the class `{class}`"),
                span,
            ));
        }
        Some(function.class)
    }

    /// A call.
    pub(super) fn call(&mut self, function: &'a Name<'a>, args: &'a [Expr<'a>], span: Span) -> Value<'a> {
        let before = self.denials.len();
        let class = self.check_function(&function.text, function.span);
        let allowed = self.denials.len() == before;
        let value = match &*function.text {
            "LENGTH" | "COUNT" => self.length(args),
            "FIRST" | "LAST" => self.first(args),
            "NTH" => self.nth(args),
            "NOT_NULL" | "FIRST_DOCUMENT" | "FIRST_LIST" | "PASSTHRU" | "NOEVAL" | "NOOPT" => {
                self.one_of(&function.text, args)
            }
            "REVERSE" | "POP" | "SHIFT" | "SLICE" | "REMOVE_NTH" | "FLATTEN" => self.some_of(&function.text, args),
            "APPEND" => self.append(args),
            "PUSH" | "UNSHIFT" | "UNION" | "INTERLEAVE" => {
                let values = self.values(args);
                self.together(&function.text, &values)
            }
            "UNIQUE" | "SORTED" | "SORTED_UNIQUE" | "UNION_DISTINCT" | "INTERSECTION" | "MINUS" | "OUTERSECTION"
            | "REMOVE_VALUE" | "REMOVE_VALUES" => self.compared_elements(&function.text, args),
            "KEEP" => self.keep(args, span),
            "UNSET" => self.unset(args, span),
            "MERGE" => self.merge(args, span),
            "HAS" => self.has(args, span),
            "VALUE" => self.value_at(args, span),
            "TRANSLATE" => self.translate(args, span),
            "IS_NULL" | "IS_BOOL" | "IS_NUMBER" | "IS_STRING" | "IS_ARRAY" | "IS_LIST" | "IS_OBJECT"
            | "IS_DOCUMENT" | "TYPENAME" => self.type_of(&function.text, args),
            "CONCAT" => self.concat(args),
            "TO_ARRAY" | "TO_LIST" => self.array_of(args),
            "IS_SAME_COLLECTION" | "PARSE_IDENTIFIER" | "PARSE_KEY" | "PARSE_COLLECTION" => {
                self.identifier_parts(&function.text, args)
            }
            "BM25" | "TFIDF" | "OFFSET_INFO" | "EXISTS" | "ANALYZER" | "BOOST" | "TOKENS" | "PHRASE"
            | "NGRAM_MATCH" | "MINHASH_MATCH" => self.search_function(&function.text, args, span),
            "CALL" | "APPLY" => self.dynamic_call(&function.text, args, span),
            "DOCUMENT" | "COLLECTION_COUNT" | "NEAR" | "WITHIN" | "WITHIN_RECTANGLE" | "FULLTEXT" | "SCHEMA_GET"
            | "SHARD_ID" => self.stored_documents(&function.text, args, span),
            name => {
                let values: Vec<_> = args.iter().map(|arg| self.read_value(arg)).collect();
                match class {
                    // What a function of these classes gives is no content that a schema speaks of.
                    Some(_) => self
                        .computed(name, &values)
                        .unwrap_or_else(|| results::of(name, &values)),
                    None => Value::ANY,
                }
            }
        };
        // What a function that may not be called gives is nobody's: one reason for the call suffices.
        if allowed || !value.is_content() {
            self.bounded(value, span)
        } else {
            Value::ANY
        }
    }

    /// `LENGTH` of an array is its number of elements, whatever is in them; where the elements themselves are hidden, so is
    /// whether there is one. Of an object it is the number of attributes, and of a scalar its length as text.
    fn length(&mut self, args: &'a [Expr<'a>]) -> Value<'a> {
        if let [
            Expr {
                kind: ExprKind::Source(_) | ExprKind::SourceBind(_),
                ..
            },
        ] = args
        {
            self.collection_length(&args[0]);
            return Value::LENGTH;
        }
        for arg in args {
            let value = self.expr(arg);
            for alternative in value.alternatives() {
                match alternative {
                    Value::Array(_) | Value::List(_) => {}
                    Value::Part(part) if part.types().within(Types::ARRAY.or(Types::NULL)) => {
                        self.read_presence(alternative, true, arg.span);
                        self.elements(alternative, arg.span);
                    }
                    other => self.read(other, arg.span),
                }
            }
        }
        Value::LENGTH
    }

    fn first(&mut self, args: &'a [Expr<'a>]) -> Value<'a> {
        let [array] = args else { return self.read_all(args) };
        let value = self.expr(array);
        match &value {
            // One element, so both the first and the last.
            Value::Array(known) if known.elements.len() == 1 => known.elements[0].clone(),
            _ => {
                let element = self.elements(&value, array.span);
                Value::union([element, Value::NULL])
            }
        }
    }

    fn nth(&mut self, args: &'a [Expr<'a>]) -> Value<'a> {
        let [array, index] = args else {
            return self.read_all(args);
        };
        let value = self.expr(array);
        self.read_expr(index);
        let element = self.elements(&value, array.span);
        Value::union([element, Value::NULL])
    }

    /// One of the arguments, chosen by its type or by not being null.
    fn one_of(&mut self, name: &str, args: &'a [Expr<'a>]) -> Value<'a> {
        let mut values = Vec::with_capacity(args.len());
        for arg in args {
            let value = self.expr(arg);
            self.read_presence(&value, true, arg.span);
            values.push(value);
        }
        // The first argument of the kind that is looked for is only null when the last one can be of another kind.
        let wanted = match name {
            "FIRST_DOCUMENT" => Types::OBJECT,
            "FIRST_LIST" => Types::ARRAY,
            _ => Types::ANY.without(Types::NULL),
        };
        let never_null = values
            .last()
            .is_some_and(|last| is_object(last) && wanted == Types::OBJECT || self.known_types(last).within(wanted));
        let values: Vec<_> = values
            .into_iter()
            .filter_map(|value| if never_null { self.not_null(&value) } else { Some(value) })
            .collect();
        let union = Value::union(values);
        if never_null {
            union
        } else {
            Value::union([union, Value::NULL])
        }
    }

    /// The same value, known not to be null; `None` where it can be nothing else.
    pub(super) fn not_null(&mut self, value: &Value<'a>) -> Option<Value<'a>> {
        let mut left = Vec::new();
        for alternative in value.alternatives() {
            if !self.known_types(alternative).within(Types::NULL) {
                left.push(match alternative.clone() {
                    Value::Plain(types) => Value::Plain(types.without(Types::NULL)),
                    Value::Part(mut part) => {
                        part.optional = false;
                        Value::Part(part)
                    }
                    other => other,
                });
            }
        }
        (!left.is_empty()).then(|| Value::union(left))
    }

    /// An array with some elements of the first argument; the others are positions and numbers.
    fn some_of(&mut self, name: &str, args: &'a [Expr<'a>]) -> Value<'a> {
        let [array, others @ ..] = args else { return Value::NULL };
        let value = self.expr(array);
        let others: Vec<_> = others.iter().map(|other| (self.expr(other), other.span)).collect();
        for (other, span) in &others {
            self.read(other, *span);
        }
        let element = self.elements(&value, array.span);
        // `REVERSE` turns texts round as well.
        let turned = if name == "REVERSE" && value.types().meets(Types::STRING) {
            self.read(&value, array.span);
            Value::Plain(Types::STRING)
        } else {
            Value::list(element.clone())
        };
        if name != "FLATTEN" {
            return null_unless_array([&value], Types::ARRAY, Value::union([turned, Value::list(element)]));
        }
        let levels = match others.as_slice() {
            [] => Some(1),
            // Less than one level counts as one. https://github.com/arangodb/arangodb `functions::Flatten`
            [(depth, span), ..] => self
                .known_json(depth, *span)
                .and_then(|json| json.as_u64())
                .map(|levels| levels.max(1)),
        };
        match levels
            .and_then(|levels| u32::try_from(levels).ok())
            .filter(|&levels| levels <= DEEPEST_FLATTEN)
        {
            Some(levels) => {
                let element = self.flattened_elements(&value, levels + 1, array.span);
                null_unless_array([&value], Types::ARRAY, Value::list(element))
            }
            None => {
                self.read(&value, array.span);
                Value::list(Value::ANY)
            }
        }
    }

    /// `APPEND(list, more)` gives back `list` itself, whatever it is, where `more` is null or an empty array, and `more`
    /// itself where `list` is null (<https://github.com/arangodb/arangodb>, `functions::Append`).
    fn append(&mut self, args: &'a [Expr<'a>]) -> Value<'a> {
        let values = self.values(args);
        let mut results = vec![self.together("APPEND", &values)];
        if let [(list, _), (more, _), ..] = values.as_slice() {
            let types = self.known_types(list);
            if !types.within(Types::ARRAY) && self.may_be_nothing(more) {
                results.push(list.clone());
            }
            if types.meets(Types::NULL) && !self.known_types(more).within(Types::ARRAY) {
                results.push(more.clone());
            }
        }
        Value::union(results)
    }

    /// The values of arguments, not read yet, and where they stand.
    fn values(&mut self, args: &'a [Expr<'a>]) -> Vec<(Value<'a>, Span)> {
        args.iter().map(|arg| (self.expr(arg), arg.span)).collect()
    }

    /// Whether a value may be null or an array without elements.
    fn may_be_nothing(&mut self, value: &Value<'a>) -> bool {
        value.alternatives().iter().any(|alternative| match alternative {
            Value::Array(array) => array.elements.is_empty(),
            Value::Constant(constant @ Constant::Bind { json, .. }) => {
                self.inspect(constant);
                json.is_null() || json.as_array().is_some_and(Vec::is_empty)
            }
            other => self.known_types(other).meets(Types::ARRAY.or(Types::NULL)),
        })
    }

    /// An array with the elements of all arguments, or with an argument itself as element.
    fn together(&mut self, name: &str, values: &[(Value<'a>, Span)]) -> Value<'a> {
        let mut elements = Vec::new();
        for (index, (value, span)) in values.iter().enumerate() {
            // `APPEND(a, b, true)` and its like keep no value twice, so they compare.
            if index == 2 && matches!(name, "APPEND" | "PUSH" | "UNSHIFT") {
                for (value, span) in values {
                    self.read(value, *span);
                }
                break;
            }
            let types = self.known_types(value);
            let (itself, its_elements) = match name {
                "PUSH" | "UNSHIFT" if index == 1 => (true, false),
                // A second argument that is no array is appended itself.
                "APPEND" if index == 1 => (!types.within(Types::ARRAY), types.meets(Types::ARRAY)),
                _ => (false, types.meets(Types::ARRAY)),
            };
            if itself {
                elements.push(value.clone());
            }
            if its_elements && !is_empty(value) {
                let element = self.elements(value, *span);
                elements.push(element);
            }
        }
        let list = Value::list(Value::union(elements));
        match name {
            // Null counts as an empty array.
            "APPEND" | "PUSH" | "UNSHIFT" => null_unless_array(
                values.first().map(|(value, _)| value),
                Types::ARRAY.or(Types::NULL),
                list,
            ),
            _ => null_unless_array(values.iter().map(|(value, _)| value), Types::ARRAY, list),
        }
    }

    /// An array with elements of the arguments that were compared with one another; with those of the first argument
    /// alone where the others say what to leave out.
    fn compared_elements(&mut self, name: &str, args: &'a [Expr<'a>]) -> Value<'a> {
        let mut elements = Vec::new();
        let mut array = true;
        for (index, arg) in args.iter().enumerate() {
            let value = self.read_value(arg);
            let left_out = index > 0 && matches!(name, "REMOVE_VALUE" | "REMOVE_VALUES" | "MINUS");
            if !left_out && !is_empty(&value) {
                let element = self.elements(&value, arg.span);
                elements.push(element);
            }
            let types = self.known_types(&value);
            array &= match name {
                // Null counts as an empty array. https://github.com/arangodb/arangodb `functions::RemoveValue`
                "REMOVE_VALUE" => index > 0 || types.within(Types::ARRAY.or(Types::NULL)),
                // With null as its second argument it gives the first one back, whatever that is.
                // https://github.com/arangodb/arangodb `functions::RemoveValues`
                "REMOVE_VALUES" if index == 1 && types.meets(Types::NULL) && !array => return Value::ANY,
                _ => types.within(Types::ARRAY),
            };
        }
        let list = Value::list(Value::union(elements));
        if array { list } else { Value::union([list, Value::NULL]) }
    }

    /// The names that arguments give as strings or arrays of strings, and where; `None` where one is not known.
    fn names(&mut self, args: &'a [Expr<'a>]) -> Option<Vec<(Cow<'a, str>, Span)>> {
        let mut names = Vec::new();
        let mut known = true;
        for arg in args {
            let value = self.read_value(arg);
            match self.known_json(&value, arg.span) {
                Some(Cow::Borrowed(Json::String(name))) => names.push((Cow::Borrowed(name.as_str()), arg.span)),
                Some(Cow::Owned(Json::String(name))) => names.push((Cow::Owned(name), arg.span)),
                Some(json) if json.is_array() => match json.as_array() {
                    Some(list) if list.iter().all(Json::is_string) => {
                        let given = list.iter().filter_map(Json::as_str);
                        names.extend(given.map(|name| (Cow::Owned(name.to_owned()), arg.span)));
                    }
                    _ => known = false,
                },
                _ => known = false,
            }
        }
        known.then_some(names)
    }

    /// `KEEP(object, names…)` gives the named attributes and nothing else.
    fn keep(&mut self, args: &'a [Expr<'a>], span: Span) -> Value<'a> {
        let [object, names @ ..] = args else { return Value::NULL };
        let value = self.expr(object);
        let Some(names) = self.names(names) else {
            return self.any_attribute(&value, span);
        };
        let mut members = Vec::with_capacity(names.len());
        for (name, at) in names {
            // An attribute that is not there is left out, and is no null.
            // https://github.com/arangodb/arangodb `functions::Keep`
            let (part, optional) = match self.attribute(&value, &name, at) {
                Value::Part(part) => (
                    Value::Part(Part {
                        optional: false,
                        ..part
                    }),
                    part.optional,
                ),
                other => (other, true),
            };
            members.push(Member {
                name,
                value: part,
                optional,
            });
        }
        Self::null_unless_object(&value, Value::object(members, Vec::new(), false))
    }

    /// `UNSET(object, names…)` gives everything but the named attributes.
    fn unset(&mut self, args: &'a [Expr<'a>], span: Span) -> Value<'a> {
        let [object, names @ ..] = args else { return Value::NULL };
        let value = self.expr(object);
        let Some(without) = self.names(names) else {
            return self.any_attribute(&value, span);
        };
        let rest = vec![Rest {
            value: value.clone(),
            without: without.into_iter().map(|(name, _)| name).collect(),
        }];
        Self::null_unless_object(&value, Value::object(Vec::new(), rest, false))
    }

    /// What an object function gives: null, with a warning, where its argument is no object.
    fn null_unless_object(argument: &Value<'a>, object: Value<'a>) -> Value<'a> {
        if argument.alternatives().iter().all(is_object) {
            object
        } else {
            Value::union([object, Value::NULL])
        }
    }

    /// `MERGE`: attributes of later arguments replace those of earlier ones.
    fn merge(&mut self, args: &'a [Expr<'a>], span: Span) -> Value<'a> {
        let mut values: Vec<Value<'a>> = args.iter().map(|arg| self.expr(arg)).collect();
        // Whether each of the values is merged for certain: a list may be empty.
        let mut each = true;
        if let [single] = values.as_slice() {
            // One array of objects instead of many arguments.
            each = matches!(single, Value::Array(_)) || !single.types().meets(Types::ARRAY);
            values = match single {
                Value::Array(array) => array.elements.clone(),
                Value::List(list) => vec![list.element.clone(), list.element.clone()],
                other if other.types().meets(Types::ARRAY) => {
                    let element = self.elements(other, span);
                    vec![other.clone(), element]
                }
                _ => values,
            };
        }
        let certain = values.iter().all(|value| value.alternatives().iter().all(is_object));
        let mut members: Vec<Member<'a>> = Vec::new();
        let mut rest: Vec<Rest<'a>> = Vec::new();
        let mut open = false;
        for value in values {
            if !self.step(span) {
                return Value::ANY;
            }
            match &value {
                Value::Object(object) => {
                    open |= object.open;
                    let overrides_unknown = object.open || !object.rest.is_empty();
                    for member in &object.members {
                        self.keeps_no_place(&rest, &member.name, span);
                        if !member.optional {
                            members.retain(|earlier| earlier.name != member.name);
                            for earlier in &mut rest {
                                earlier.without.push(member.name.clone());
                            }
                        }
                    }
                    if overrides_unknown {
                        make_optional(&mut members);
                    }
                    members.extend(object.members.iter().cloned());
                    rest.extend(object.rest.iter().cloned());
                }
                Value::Constant(Constant::Null) => {}
                Value::Number(_) | Value::Time => make_optional(&mut members),
                Value::Plain(types) => {
                    open |= types.meets(Types::OBJECT);
                    make_optional(&mut members);
                }
                _ => {
                    make_optional(&mut members);
                    rest.push(Rest {
                        value: value.clone(),
                        without: Vec::new(),
                    });
                }
            }
        }
        if !each {
            make_optional(&mut members);
        }
        let object = Value::object(members, rest, open);
        if certain {
            object
        } else {
            Value::union([object, Value::NULL])
        }
    }

    /// An attribute that overwrites another takes its place in the order of attributes, and one that overwrites nothing
    /// comes last: a result tells whether a hidden one was there. (`VPackCollection::merge` walks the left object first.)
    fn keeps_no_place(&mut self, merged: &[Rest<'a>], name: &str, span: Span) {
        if let Some(part) = self.hiding(merged, name) {
            let source = self.sources[part.source as usize].name.to_string();
            let path = part.path.attribute(Cow::Owned(name.to_owned())).display();
            self.deny(Denial::overwrites_hidden(&source, &path, name, span));
        }
    }

    /// The stored content among what was merged, at any depth of merging, that has a hidden attribute of this name.
    fn hiding(&self, merged: &[Rest<'a>], name: &str) -> Option<Part<'a>> {
        merged
            .iter()
            .filter(|rest| rest.without.iter().all(|without| without != name))
            .flat_map(|rest| rest.value.alternatives())
            .find_map(|value| match value {
                Value::Part(part) => part
                    .shape
                    .attribute(name)
                    .is_some_and(|below| !below.read.admits(self.roles))
                    .then(|| part.clone()),
                Value::Object(object) => self.hiding(&object.rest, name),
                _ => None,
            })
    }

    /// `HAS(object, name)` tells whether an attribute is there, and no more of it.
    fn has(&mut self, args: &'a [Expr<'a>], span: Span) -> Value<'a> {
        let [object, name] = args else {
            return self.read_all(args);
        };
        let value = self.expr(object);
        let key = self.expr(name);
        self.read(&key, name.span);
        match self.known_string(&key) {
            Some(key) => {
                let part = self.attribute(&value, &key, name.span);
                self.read_presence(&part, true, span);
            }
            None => {
                self.any_attribute(&value, span);
            }
        }
        Value::Plain(Types::BOOL)
    }

    /// `VALUE(object, path)`.
    fn value_at(&mut self, args: &'a [Expr<'a>], span: Span) -> Value<'a> {
        let [object, path] = args else {
            return self.read_all(args);
        };
        let mut value = self.expr(object);
        let steps = self.expr(path);
        self.read(&steps, path.span);
        let Some(Json::Array(steps)) = self.known_copy(&steps, path.span) else {
            return self.any_attribute(&value, span);
        };
        // Null where there is no path, where it begins at no object, and where a position is none of an array.
        // https://github.com/arangodb/arangodb `functions::Value`
        let names_only = !steps.is_empty() && steps.iter().all(Json::is_string);
        let certain = names_only && value.alternatives().iter().all(is_object);
        for step in &steps {
            value = match step {
                Json::String(name) => self.attribute(&value, name, path.span),
                Json::Number(index) if index.is_i64() => self.position(&value, index.as_i64(), path.span),
                _ => return self.any_attribute(&value, span),
            };
        }
        if certain {
            value
        } else {
            Value::union([value, Value::NULL])
        }
    }

    /// `TRANSLATE(key, lookup, default)`: the attribute of `lookup` that `key` names, else `default`, else `key`.
    fn translate(&mut self, args: &'a [Expr<'a>], span: Span) -> Value<'a> {
        let [key, lookup, default @ ..] = args else {
            return self.read_all(args);
        };
        let subscript = self.expr(key);
        self.read(&subscript, key.span);
        let object = self.expr(lookup);
        let default = default.iter().map(|default| self.expr(default)).collect::<Vec<_>>();
        let found = match self.known_string(&subscript) {
            Some(name) => self.attribute(&object, &name, lookup.span),
            None => self.any_attribute(&object, span),
        };
        Value::union([found, subscript].into_iter().chain(default))
    }

    /// What type a value has; it is used no further.
    fn type_of(&mut self, name: &str, args: &'a [Expr<'a>]) -> Value<'a> {
        for arg in args {
            let value = self.expr(arg);
            self.read_presence(&value, true, arg.span);
        }
        Value::Plain(if name == "TYPENAME" { Types::STRING } else { Types::BOOL })
    }

    /// `CONCAT("users/", x)` is an id in `users`, whatever `x` is.
    fn concat(&mut self, args: &'a [Expr<'a>]) -> Value<'a> {
        let mut prefix = String::new();
        let mut open = true;
        for arg in args {
            let value = self.expr(arg);
            self.read(&value, arg.span);
            if !open || prefix.contains('/') {
                open = false;
                continue;
            }
            match &value {
                Value::Constant(Constant::String(text)) => prefix.push_str(text),
                Value::IdIn(collection) => {
                    prefix.push_str(collection);
                    prefix.push('/');
                }
                Value::Constant(Constant::Bind { .. }) => match self.known_string(&value) {
                    Some(text) => prefix.push_str(&text),
                    None => open = false,
                },
                _ => open = false,
            }
        }
        match prefix.split_once('/') {
            Some((collection, _)) if !collection.is_empty() => Value::IdIn(Cow::Owned(collection.to_owned())),
            _ => Value::Plain(Types::STRING),
        }
    }

    /// `TO_ARRAY`: an array stays, an object becomes its values, null nothing, a scalar an array of it.
    fn array_of(&mut self, args: &'a [Expr<'a>]) -> Value<'a> {
        let [arg] = args else { return self.read_all(args) };
        let value = self.expr(arg);
        let mut elements = Vec::new();
        for alternative in value.alternatives() {
            if alternative.types().meets(Types::OBJECT) {
                self.read(alternative, arg.span);
                elements.push(Value::ANY);
            }
            if !alternative.types().within(Types::ARRAY) {
                elements.push(alternative.clone());
            }
            let element = self.elements(alternative, arg.span);
            elements.push(element);
        }
        Value::list(Value::union(elements))
    }

    /// Functions that look at a document's `_id` only, or at an id itself.
    fn identifier_parts(&mut self, name: &str, args: &'a [Expr<'a>]) -> Value<'a> {
        for arg in args {
            if name == "IS_SAME_COLLECTION" && matches!(arg.kind, ExprKind::Source(_) | ExprKind::SourceBind(_)) {
                if let Some((collection, span)) = self.collection_argument(arg)
                    && let Named::Collection(collection) = self.resolve(&collection, span, false)
                {
                    self.check_operation(collection, Operation::Read, span);
                }
                continue;
            }
            let value = self.expr(arg);
            for alternative in value.alternatives() {
                if is_object(alternative) {
                    let id = self.attribute(alternative, "_id", arg.span);
                    self.read(&id, arg.span);
                } else {
                    self.read(alternative, arg.span);
                }
            }
        }
        match name {
            "IS_SAME_COLLECTION" => Value::Plain(Types::BOOL.or(Types::NULL)),
            "PARSE_IDENTIFIER" => Value::Plain(Types::OBJECT.or(Types::NULL)),
            _ => Value::Plain(Types::STRING.or(Types::NULL)),
        }
    }

    /// Reads all arguments; for calls whose number of arguments ArangoDB refuses.
    pub(super) fn read_all(&mut self, args: &'a [Expr<'a>]) -> Value<'a> {
        for arg in args {
            self.read_expr(arg);
        }
        Value::ANY
    }
}

/// Notes that something later may replace these attributes.
fn make_optional(members: &mut [Member<'_>]) {
    for member in members {
        member.optional = true;
    }
}

/// Whether a value is certainly an array without elements.
fn is_empty(value: &Value<'_>) -> bool {
    matches!(value, Value::Array(array) if array.elements.is_empty())
}

/// What an array function gives: null, with a warning, where an argument is of another type.
fn null_unless_array<'v, 'a: 'v>(
    arguments: impl IntoIterator<Item = &'v Value<'a>>,
    fine: Types,
    array: Value<'a>,
) -> Value<'a> {
    if arguments.into_iter().all(|argument| argument.types().within(fine)) {
        array
    } else {
        Value::union([array, Value::NULL])
    }
}

/// Whether a value is certainly an object.
pub(super) fn is_object(value: &Value<'_>) -> bool {
    match value {
        Value::Object(_) => true,
        Value::Part(part) => (part.path.is_root() && !part.optional) || part.types().within(Types::OBJECT),
        _ => false,
    }
}
