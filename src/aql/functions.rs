//! The built-in functions: how they are called, since when, and what trusting them means.
//!
//! INVARIANT: what is not in the table is unknown, and unknown is an error; nothing here guesses.

mod table;

/// For a function that takes any number of arguments.
const MANY: u8 = u8::MAX;

/// A built-in function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// The name, in upper case.
    pub name: &'static str,
    /// Fewest arguments.
    pub min_args: u8,
    /// Most arguments over all versions; absent where there is no bound.
    pub max_args: Option<u8>,
    /// Most arguments in 3.11, where they were fewer.
    pub max_args_in_3_11: Option<u8>,
    /// What a policy lets it do.
    pub class: Class,
    /// Whether it reads stored data or reveals that of the server, beyond its arguments.
    pub reads_collections: bool,
    /// Whether equal arguments give equal results within a query, so that ArangoDB computes constant calls at once.
    pub deterministic: bool,
    /// The first release that has it.
    pub since: Release,
    /// The last release that has it.
    pub until: Option<Release>,
    /// What a policy's author should know.
    pub notes: &'static str,
}

/// The classes by which a policy allows and denies functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Only turns its arguments into a value.
    Pure,
    /// The same on coordinates: `GEO_*`, `DISTANCE`, `IS_IN_POLYGON`.
    Geo,
    /// Matches and scores of `SEARCH` and of vector indexes; some take the name of a stored analyzer.
    Search,
    /// Tells about the server or its schema.
    Info,
    /// Reads stored documents.
    Data,
    /// Calls by name, blocks, or carries values out in warnings and errors.
    Dangerous,
}

impl Class {
    /// All classes.
    pub const ALL: [Self; 6] = [
        Self::Pure,
        Self::Geo,
        Self::Search,
        Self::Info,
        Self::Data,
        Self::Dangerous,
    ];

    /// The name in a policy, as `@pure`.
    pub fn policy_name(self) -> &'static str {
        match self {
            Self::Pure => "@pure",
            Self::Geo => "@geo",
            Self::Search => "@search",
            Self::Info => "@info",
            Self::Data => "@data",
            Self::Dangerous => "@dangerous",
        }
    }

    /// The class of that name in a policy.
    pub fn from_policy_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.policy_name() == name)
    }
}

/// The releases that brought or took functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Release {
    /// 3.11 or before.
    V3_11,
    /// 3.12.0.
    V3_12_0,
    /// 3.12.1.
    V3_12_1,
    /// 3.12.4.
    V3_12_4,
    /// 3.12.6.
    V3_12_6,
    /// 4.0.
    V4_0,
    /// In the sources only.
    Unreleased,
}

impl Function {
    /// Whether it can be called with that many arguments in any version.
    pub fn takes(&self, arguments: usize) -> bool {
        arguments >= usize::from(self.min_args) && self.max_args.is_none_or(|most| arguments <= usize::from(most))
    }

    /// Whether a release has it.
    pub fn exists_in(&self, release: Release) -> bool {
        self.since <= release && self.until.is_none_or(|until| release <= until)
    }

    /// Whether ArangoDB keeps it for itself and refuses calls of it, or no release has it.
    pub fn internal(&self) -> bool {
        self.since == Release::Unreleased || self.notes.starts_with("internal")
    }

    const fn new(name: &'static str, min_args: u8, max_args: u8, class: Class) -> Self {
        Self {
            name,
            min_args,
            max_args: if max_args == MANY { None } else { Some(max_args) },
            max_args_in_3_11: None,
            class,
            reads_collections: false,
            deterministic: true,
            since: Release::V3_11,
            until: None,
            notes: "",
        }
    }

    const fn since(mut self, release: Release) -> Self {
        self.since = release;
        self
    }

    const fn until(mut self, release: Release) -> Self {
        self.until = Some(release);
        self
    }

    const fn at_most_in_3_11(mut self, most: u8) -> Self {
        self.max_args_in_3_11 = Some(most);
        self
    }

    const fn reading(mut self) -> Self {
        self.reads_collections = true;
        self
    }

    const fn varying(mut self) -> Self {
        self.deterministic = false;
        self
    }

    const fn note(mut self, notes: &'static str) -> Self {
        self.notes = notes;
        self
    }
}

const fn pure(name: &'static str, min_args: u8, max_args: u8) -> Function {
    Function::new(name, min_args, max_args, Class::Pure)
}

const fn geo(name: &'static str, min_args: u8, max_args: u8) -> Function {
    Function::new(name, min_args, max_args, Class::Geo)
}

const fn search(name: &'static str, min_args: u8, max_args: u8) -> Function {
    Function::new(name, min_args, max_args, Class::Search)
}

const fn info(name: &'static str, min_args: u8, max_args: u8) -> Function {
    Function::new(name, min_args, max_args, Class::Info)
}

const fn data(name: &'static str, min_args: u8, max_args: u8) -> Function {
    Function::new(name, min_args, max_args, Class::Data)
}

const fn dangerous(name: &'static str, min_args: u8, max_args: u8) -> Function {
    Function::new(name, min_args, max_args, Class::Dangerous)
}

/// Used between the parts of a cluster query; ArangoDB refuses direct calls.
const fn internal(name: &'static str, min_args: u8, max_args: u8) -> Function {
    Function::new(name, min_args, max_args, Class::Dangerous)
}

/// The aggregate functions of `COLLECT` and `WINDOW` (`Aggregator.cpp`); `PUSH` from 3.12.4.
pub const AGGREGATES: [&str; 21] = [
    "LENGTH",
    "COUNT",
    "MIN",
    "MAX",
    "SUM",
    "AVERAGE",
    "AVG",
    "VARIANCE",
    "VARIANCE_SAMPLE",
    "VARIANCE_POPULATION",
    "STDDEV",
    "STDDEV_SAMPLE",
    "STDDEV_POPULATION",
    "UNIQUE",
    "SORTED_UNIQUE",
    "COUNT_DISTINCT",
    "COUNT_UNIQUE",
    "BIT_AND",
    "BIT_OR",
    "BIT_XOR",
    "PUSH",
];

/// Whether an aggregate function takes that many arguments; `None` for what is no aggregate function. `name` must be in
/// upper case.
pub(super) fn aggregate_takes(name: &str, arguments: usize) -> Option<bool> {
    let taken = arguments == 1 || matches!(name, "LENGTH" | "COUNT");
    AGGREGATES.contains(&name).then_some(taken)
}

/// All functions, by name.
pub fn all() -> &'static [Function] {
    &table::TABLE
}

/// Longer names are no function's.
const LONGEST: usize = 48;

/// The function of that name, whatever its case.
pub fn lookup(name: &str) -> Option<&'static Function> {
    let mut buffer = [0; LONGEST];
    let upper = buffer.get_mut(..name.len())?;
    upper.copy_from_slice(name.as_bytes());
    upper.make_ascii_uppercase();
    let first = *upper.first()?;
    let (from, to) = range_of(first);
    let candidates = &table::TABLE[from..to];
    let at = candidates
        .binary_search_by(|function| function.name.as_bytes().cmp(upper))
        .ok()?;
    candidates.get(at)
}

/// Where the functions that begin with a letter stand in the table.
fn range_of(letter: u8) -> (usize, usize) {
    match letter.checked_sub(b'A') {
        Some(at @ 0..26) => (STARTS[at as usize], STARTS[at as usize + 1]),
        _ => (0, 0),
    }
}

/// The first function at or after each letter.
static STARTS: [usize; 27] = {
    let mut starts = [table::TABLE.len(); 27];
    let mut at = table::TABLE.len();
    while at > 0 {
        at -= 1;
        let mut letter = (table::TABLE[at].name.as_bytes()[0] - b'A') as usize;
        loop {
            starts[letter] = at;
            if letter == 0 || starts[letter - 1] < at {
                break;
            }
            letter -= 1;
        }
    }
    starts
};

#[cfg(test)]
mod tests {
    use super::*;

    fn count(release: Release) -> usize {
        all().iter().filter(|function| function.exists_in(release)).count()
    }

    #[test]
    fn every_version_has_its_functions() {
        assert_eq!(all().len(), 266);
        assert_eq!(count(Release::V3_11), 254);
        assert_eq!(count(Release::V3_12_0), 258);
        assert_eq!(count(Release::V3_12_6), 262);
        assert_eq!(count(Release::V4_0), 263);
    }

    #[test]
    fn the_table_is_sorted_and_each_entry_is_found_in_any_case() {
        assert!(all().is_sorted_by(|a, b| a.name < b.name));
        for function in all() {
            assert_eq!(lookup(function.name), Some(function));
            assert_eq!(lookup(&function.name.to_lowercase()), Some(function));
            assert!(
                function.max_args.is_none_or(|most| most >= function.min_args),
                "{}",
                function.name
            );
        }
        for unknown in [
            "",
            "ABSS",
            "A",
            "Z",
            "ZZZ",
            "_",
            "0",
            "ÄBS",
            "MY::ABS",
            &"A".repeat(1000),
        ] {
            assert_eq!(lookup(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn what_reads_data_or_runs_code_is_in_no_harmless_class() {
        let class = |name| lookup(name).unwrap().class;
        for name in [
            "DOCUMENT",
            "COLLECTION_COUNT",
            "FULLTEXT",
            "NEAR",
            "WITHIN",
            "WITHIN_RECTANGLE",
            "PREGEL_RESULT",
        ] {
            assert_eq!(class(name), Class::Data, "{name}");
        }
        for name in [
            "CALL", "APPLY", "V8", "FAIL", "WARN", "ASSERT", "SLEEP", "NOOPT", "NOEVAL",
        ] {
            assert_eq!(class(name), Class::Dangerous, "{name}");
        }
        for name in [
            "COLLECTIONS",
            "SCHEMA_GET",
            "SHARD_ID",
            "VERSION",
            "CURRENT_USER",
            "CURRENT_DATABASE",
        ] {
            assert_eq!(class(name), Class::Info, "{name}");
        }
        for name in ["GEO_DISTANCE", "DISTANCE", "IS_IN_POLYGON", "GEO_POINT"] {
            assert_eq!(class(name), Class::Geo, "{name}");
        }
        for name in ["TOKENS", "BM25", "PHRASE", "EXISTS", "IN_RANGE", "APPROX_NEAR_L2"] {
            assert_eq!(class(name), Class::Search, "{name}");
        }
        assert_eq!(class("CONCAT"), Class::Pure);
    }
}
