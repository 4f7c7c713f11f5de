//! The words that schema files may use: JSON Schema's and ours.

/// The keys of a file's own `x-mallku`.
pub(super) const MALLKU_KEYS: [&str; 12] = [
    "collection",
    "kind",
    "database",
    "allow",
    "from",
    "to",
    "collections",
    "definition",
    "edges",
    "orphans",
    "indexes",
    "provision",
];

/// The keys of an attribute's `x-mallku`.
pub(super) const ATTRIBUTE_KEYS: [&str; 2] = ["readers", "writers"];

/// The kinds of file.
pub(super) const KINDS: [&str; 4] = ["document", "edge", "view", "graph"];

/// The keys of `policy.json`.
pub(super) const POLICY_KEYS: [&str; 8] = [
    "$schema",
    "databases",
    "roles",
    "functions",
    "limits",
    "queries",
    "wholeDocument",
    "users",
];

/// How a keyword of JSON Schema holds other schemas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// No schema.
    None,
    /// One.
    One,
    /// A list.
    List,
    /// One, or a list of them (`items` of draft-07).
    OneOrList,
    /// An object of them.
    Map,
}

/// A keyword of JSON Schema.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keyword {
    pub(super) name: &'static str,
    pub(super) holds: Holds,
    /// Whether the schemas that it holds apply to the same value and not to a part of it.
    pub(super) in_place: bool,
    /// Whether it restricts a value beyond types, attributes and elements.
    pub(super) constrains: bool,
}

const fn plain(name: &'static str) -> Keyword {
    Keyword {
        name,
        holds: Holds::None,
        in_place: false,
        constrains: false,
    }
}

const fn limit(name: &'static str) -> Keyword {
    Keyword {
        constrains: true,
        ..plain(name)
    }
}

const fn child(name: &'static str, holds: Holds) -> Keyword {
    Keyword { holds, ..plain(name) }
}

const fn within(name: &'static str, holds: Holds) -> Keyword {
    Keyword {
        holds,
        constrains: true,
        ..plain(name)
    }
}

const fn same(name: &'static str, holds: Holds, constrains: bool) -> Keyword {
    Keyword {
        name,
        holds,
        in_place: true,
        constrains,
    }
}

/// JSON Schema 2020-12 and draft-07, validation and annotation, and `OpenAPI`'s `discriminator`, which Pydantic writes.
/// `$dynamicRef` and its like are left out: they make a schema's meaning depend on who refers to it.
pub(super) const KEYWORDS: [Keyword; 59] = [
    plain("$schema"),
    plain("$id"),
    plain("$ref"),
    plain("$comment"),
    child("$defs", Holds::Map),
    child("definitions", Holds::Map),
    plain("title"),
    plain("description"),
    plain("default"),
    plain("deprecated"),
    plain("readOnly"),
    plain("writeOnly"),
    plain("examples"),
    plain("example"),
    plain("discriminator"),
    plain("format"),
    plain("contentEncoding"),
    plain("contentMediaType"),
    child("contentSchema", Holds::One),
    plain("type"),
    limit("enum"),
    limit("const"),
    limit("multipleOf"),
    limit("maximum"),
    limit("exclusiveMaximum"),
    limit("minimum"),
    limit("exclusiveMinimum"),
    limit("maxLength"),
    limit("minLength"),
    limit("pattern"),
    limit("maxItems"),
    limit("minItems"),
    limit("uniqueItems"),
    limit("maxContains"),
    limit("minContains"),
    limit("maxProperties"),
    limit("minProperties"),
    plain("required"),
    limit("dependentRequired"),
    same("dependentSchemas", Holds::Map, true),
    same("dependencies", Holds::Map, true),
    child("properties", Holds::Map),
    child("patternProperties", Holds::Map),
    child("additionalProperties", Holds::One),
    within("unevaluatedProperties", Holds::One),
    within("propertyNames", Holds::One),
    child("items", Holds::OneOrList),
    within("prefixItems", Holds::List),
    within("additionalItems", Holds::One),
    within("unevaluatedItems", Holds::One),
    within("contains", Holds::One),
    same("allOf", Holds::List, false),
    same("anyOf", Holds::List, false),
    same("oneOf", Holds::List, false),
    same("not", Holds::One, true),
    same("if", Holds::One, true),
    same("then", Holds::One, true),
    same("else", Holds::One, true),
    plain("x-mallku"),
];

/// The keyword with this name.
pub(super) fn keyword(name: &str) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(|keyword| keyword.name == name)
}
