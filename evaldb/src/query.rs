//! Running a query on a database.

use std::collections::BTreeSet;
use std::time::Instant;

use mallku_db::aql::{self, ParseLimits, ast};

use crate::error::{ArangoError, Result};
use crate::eval::Evaluator;
use crate::eval::inspect::inspect;
use crate::store::Database;
use crate::trace::Trace;
use crate::value::Value;

/// The values of the bind parameters by key: `x` for `@x`, `@x` for `@@x`.
pub type BindVars = serde_json::Map<String, serde_json::Value>;

/// How a query is run.
#[derive(Debug, Clone)]
pub struct QueryOptions {
    /// Whether the access trace is kept.
    pub trace: bool,
    /// Whether a warning ends the query with its error.
    pub fail_on_warning: bool,
    /// Whether the rows are counted that the last `LIMIT` of the main query kept back.
    pub full_count: bool,
    /// How many warnings are kept.
    pub max_warnings: usize,
    /// Seed of `RAND` and its relatives; without one every run differs.
    pub seed: Option<u64>,
    /// What `DATE_NOW` gives, in milliseconds since 1970; without one the time of day.
    pub now: Option<i64>,
    /// Evaluation steps after which the query is ended with 1500, so that no query runs for ever.
    pub max_steps: u64,
    /// When the query is ended with 1500, as `maxRuntime` asks for.
    pub deadline: Option<Instant>,
    /// What `CURRENT_USER` gives.
    pub user: Option<String>,
}

impl Default for QueryOptions {
    fn default() -> Self {
        Self {
            trace: false,
            fail_on_warning: false,
            full_count: false,
            max_warnings: 10,
            seed: None,
            now: None,
            max_steps: 200_000_000,
            deadline: None,
            user: None,
        }
    }
}

/// A warning that a query gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// ArangoDB's error number.
    pub code: u32,
    /// The text.
    pub message: String,
}

/// What a query did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Documents written.
    pub writes_executed: u64,
    /// Writes that failed and were ignored.
    pub writes_ignored: u64,
    /// Documents read by scanning collections.
    pub scanned_full: u64,
    /// Rows that `FILTER` dropped.
    pub filtered: u64,
    /// Rows before the last `LIMIT` of the main query, when asked for.
    pub full_count: Option<u64>,
}

/// The result of a query.
#[derive(Debug, Clone, Default)]
pub struct QueryResult {
    /// What `RETURN` gave, in order; empty for a query that ends in a modification.
    pub rows: Vec<Value>,
    /// The warnings, as many as are kept.
    pub warnings: Vec<Warning>,
    /// What it did.
    pub stats: Stats,
    /// What it touched, when that was wanted.
    pub trace: Option<Trace>,
}

/// Runs the text of a query: 1501 and its relatives when it is none, else as [`execute`].
pub fn run(database: &mut Database, text: &str, bind_vars: &BindVars, options: &QueryOptions) -> Result<QueryResult> {
    let limits = ParseLimits {
        bytes: 4 << 20,
        ..ParseLimits::WIDEST
    };
    let query = aql::parse_with(text, &limits)
        .map_err(|error| ArangoError::new(u32::from(error.error_num), error.arangodb_message(text)))?;
    execute(database, &query, bind_vars, options)
}

/// Runs a parsed query. A query that fails leaves the database as it was.
pub fn execute(
    database: &mut Database,
    query: &ast::Query<'_>,
    bind_vars: &BindVars,
    options: &QueryOptions,
) -> Result<QueryResult> {
    database.begin();
    let result = Evaluator::new(database, query, bind_vars, options).and_then(Evaluator::run);
    match result {
        Ok(_) => database.commit(),
        Err(_) => database.roll_back(),
    }
    result
}

/// What a query's text tells before it runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Survey {
    /// Every collection that it reads or writes by name, bind parameter, view or named graph.
    pub(crate) sources: BTreeSet<String>,
    /// The collections that it writes.
    pub(crate) targets: BTreeSet<String>,
    /// What the text names itself, bind parameters left out.
    pub(crate) named: Vec<String>,
    /// The keys of its bind parameters.
    pub(crate) binds: Vec<String>,
}

/// Looks at a query without running it. What does not exist is reported by the query itself.
pub(crate) fn survey(query: &ast::Query<'_>, database: &Database, bind_vars: &BindVars) -> Survey {
    let found = inspect(query);
    let mut sources = found.declared(database, bind_vars);
    // A view stands for its collections.
    sources.retain(|name| database.view(name).is_err());
    Survey {
        targets: found.written(bind_vars),
        named: found.named(),
        binds: found.binds.iter().map(|key| (*key).to_owned()).collect(),
        sources,
    }
}
