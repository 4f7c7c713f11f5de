//! The evaluator: walks the syntax tree, row by row.
//!
//! The statements of a block are run in segments. Within a segment rows flow one at a time, so that a `LIMIT` ends
//! its loops early; `SORT`, `COLLECT`, `WINDOW` and the modifications take all rows of the segment before them. Reads
//! therefore always see the data as it was before a modification of the same block.

mod collect;
mod expr;
pub(crate) mod inspect;
mod modify;
mod paths;
mod search;
mod source;
mod traverse;
mod window;

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Instant;

use mallku_db::aql::ast::{
    Assignment, Block, Expr, Limit, Pattern, Query, Return, SortDirection, SortKey, Statement, StatementKind,
};

use crate::error::{ArangoError, Result};
use crate::query::{BindVars, QueryOptions, QueryResult, Stats, Warning};
use crate::store::Database;
use crate::trace::Trace;
use crate::value::{ByValue, Text, Value, compare};

/// The values of all variables at one moment.
type Row = Vec<Value>;

/// Whether more rows are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    More,
    Enough,
}

/// What becomes of a row at the end of a segment.
type Sink<'s> = dyn FnMut(&mut Evaluator<'_>) -> Result<Flow> + 's;

/// How far a `LIMIT` has come.
struct LimitState {
    skip: usize,
    take: usize,
    seen: usize,
    /// Whether the rows beyond are still counted.
    counted: bool,
}

/// One run of a query.
pub(crate) struct Evaluator<'d> {
    pub(crate) database: &'d mut Database,
    query: &'d Query<'d>,
    binds: HashMap<&'d str, Value>,
    pub(crate) options: &'d QueryOptions,
    row: Row,
    warnings: Vec<Warning>,
    stats: Stats,
    pub(crate) trace: Option<Box<Trace>>,
    /// Collections that a traversal may take vertices from, when `WITH` is required.
    declared: BTreeSet<String>,
    pub(crate) regexes: HashMap<(String, bool), regex::Regex>,
    random: u64,
    pub(crate) now: i64,
    steps: u64,
}

impl<'d> Evaluator<'d> {
    pub(crate) fn new(
        database: &'d mut Database,
        query: &'d Query<'d>,
        bind_vars: &'d BindVars,
        options: &'d QueryOptions,
    ) -> Result<Self> {
        let found = inspect::inspect(query);
        for key in &found.binds {
            if !bind_vars.contains_key(*key) {
                return Err(ArangoError::new(
                    1551,
                    format!("no value specified for declared bind parameter '{key}'"),
                ));
            }
        }
        for (key, value) in bind_vars {
            if !found.binds.contains(key.as_str()) {
                return Err(ArangoError::new(
                    1552,
                    format!("bind parameter '{key}' was not declared in the query"),
                ));
            }
            if key.starts_with('@') && !value.is_string() {
                return Err(ArangoError::new(
                    1553,
                    format!("bind parameter '{key}' has an invalid value or type"),
                ));
            }
        }
        let now = options.now.unwrap_or_else(wall_millis);
        Ok(Self {
            declared: found.declared(database, bind_vars),
            row: vec![Value::Null; query.variables.len()],
            binds: bind_vars
                .iter()
                .map(|(key, value)| (key.as_str(), Value::from_json(value)))
                .collect(),
            trace: options.trace.then(Box::default),
            random: options.seed.unwrap_or_else(|| wall_nanos() | 1),
            warnings: Vec::new(),
            stats: Stats::default(),
            regexes: HashMap::new(),
            steps: 0,
            now,
            database,
            query,
            options,
        })
    }

    pub(crate) fn run(mut self) -> Result<QueryResult> {
        let rows = self.block(&self.query.body, true)?;
        if let Some(trace) = &mut self.trace {
            for row in &rows {
                trace.left(row);
            }
        }
        Ok(QueryResult {
            rows,
            warnings: self.warnings,
            stats: self.stats,
            trace: self.trace.map(|trace| *trace),
        })
    }

    /// Runs the statements of a block and returns what its `RETURN` gives.
    pub(crate) fn block(&mut self, block: &Block<'_>, main: bool) -> Result<Vec<Value>> {
        let outer = self.row.clone();
        let mut limits = self.limits(&block.statements, main)?;
        let mut statements = block.statements.as_slice();
        let mut limits = limits.as_mut_slice();
        // What is assigned before the first loop outlives a COLLECT, and is there even when no row is.
        while let Some((
            Statement {
                kind: StatementKind::Let(assignments),
                ..
            },
            rest,
        )) = statements.split_first()
        {
            self.assign(assignments)?;
            statements = rest;
            limits = limits.get_mut(1..).unwrap_or_default();
        }
        let base = self.row.clone();
        let mut rows = vec![base.clone()];
        while let Some(end) = statements.iter().position(ends_segment) {
            let (segment, rest) = statements.split_at(end);
            let (segment_limits, rest_limits) = limits.split_at_mut(end);
            let Some((last, rest)) = rest.split_first() else { break };
            limits = rest_limits.get_mut(1..).unwrap_or_default();
            statements = rest;
            if let StatementKind::Return(last) = &last.kind {
                let result = self.return_rows(segment, segment_limits, rows, last)?;
                self.row = outer;
                if main && self.options.full_count {
                    self.stats.full_count = full_count(segment_limits).or(Some(result.len() as u64));
                }
                return Ok(result);
            }
            let mut kept = Vec::new();
            self.stream_all(segment, segment_limits, rows, &mut |this| {
                kept.push(this.row.clone());
                Ok(Flow::More)
            })?;
            rows = self.whole(last, kept, &base)?;
        }
        self.row = outer;
        Ok(Vec::new())
    }

    /// A statement that takes all rows at once.
    fn whole(&mut self, statement: &Statement<'_>, rows: Vec<Row>, base: &Row) -> Result<Vec<Row>> {
        match &statement.kind {
            StatementKind::Sort(keys) => self.sort(keys, rows),
            StatementKind::Collect(collect) => self.collect(collect, rows, base),
            StatementKind::Window(window) => self.window(window, rows),
            StatementKind::Insert(insert) => self.insert(insert, rows),
            StatementKind::Update(update) => self.update(update, rows),
            StatementKind::Remove(remove) => self.remove(remove, rows),
            StatementKind::Upsert(upsert) => self.upsert(upsert, rows),
            _ => Ok(rows),
        }
    }

    fn return_rows(
        &mut self,
        segment: &[Statement<'_>],
        limits: &mut [Option<LimitState>],
        rows: Vec<Row>,
        last: &Return<'_>,
    ) -> Result<Vec<Value>> {
        let mut result = Vec::new();
        let mut seen = HashSet::new();
        self.stream_all(segment, limits, rows, &mut |this| {
            let value = this.eval(&last.expr)?;
            if last.distinct {
                this.used(&value);
                if !seen.insert(ByValue(value.clone())) {
                    return Ok(Flow::More);
                }
            }
            result.push(value);
            Ok(Flow::More)
        })?;
        Ok(result)
    }

    fn stream_all(
        &mut self,
        segment: &[Statement<'_>],
        limits: &mut [Option<LimitState>],
        rows: Vec<Row>,
        sink: &mut Sink<'_>,
    ) -> Result<()> {
        for row in rows {
            self.row = row;
            if self.stream(segment, limits, sink)? == Flow::Enough {
                break;
            }
        }
        Ok(())
    }

    /// Sends the current row through the statements of a segment.
    fn stream(
        &mut self,
        statements: &[Statement<'_>],
        limits: &mut [Option<LimitState>],
        sink: &mut Sink<'_>,
    ) -> Result<Flow> {
        self.step()?;
        let (Some((statement, rest)), Some((limit, limits))) = (statements.split_first(), limits.split_first_mut())
        else {
            return sink(self);
        };
        match &statement.kind {
            StatementKind::For(each) => self.each(each, &mut |this| this.stream(rest, limits, sink)),
            StatementKind::Traversal(traversal) => {
                self.traverse(traversal, &mut |this| this.stream(rest, limits, sink))
            }
            StatementKind::Paths(paths) => self.paths(paths, &mut |this| this.stream(rest, limits, sink)),
            StatementKind::Let(assignments) => {
                self.assign(assignments)?;
                self.stream(rest, limits, sink)
            }
            StatementKind::Filter(condition) => {
                if self.condition(condition)? {
                    self.stream(rest, limits, sink)
                } else {
                    self.stats.filtered += 1;
                    Ok(Flow::More)
                }
            }
            StatementKind::Limit(_) => match limit {
                Some(state) => {
                    state.seen += 1;
                    if state.seen <= state.skip {
                        return Ok(if state.take == 0 && !state.counted {
                            Flow::Enough
                        } else {
                            Flow::More
                        });
                    }
                    if state.seen - state.skip > state.take {
                        return Ok(if state.counted { Flow::More } else { Flow::Enough });
                    }
                    let last = state.seen - state.skip == state.take && !state.counted;
                    let flow = self.stream(rest, limits, sink)?;
                    Ok(if last { Flow::Enough } else { flow })
                }
                None => self.stream(rest, limits, sink),
            },
            _ => self.stream(rest, limits, sink),
        }
    }

    fn assign(&mut self, assignments: &[Assignment<'_>]) -> Result<()> {
        for assignment in assignments {
            let value = self.eval(&assignment.value)?;
            self.bind_pattern(&assignment.target, value);
        }
        Ok(())
    }

    fn limits(&mut self, statements: &[Statement<'_>], main: bool) -> Result<Vec<Option<LimitState>>> {
        let mut limits = Vec::with_capacity(statements.len());
        for statement in statements {
            limits.push(match &statement.kind {
                StatementKind::Limit(limit) => Some(self.limit(limit)?),
                _ => None,
            });
        }
        if main
            && self.options.full_count
            && let Some(last) = limits.iter_mut().rev().find_map(Option::as_mut)
        {
            last.counted = true;
        }
        Ok(limits)
    }

    fn limit(&mut self, limit: &Limit<'_>) -> Result<LimitState> {
        let mut bound = |expr: &Expr<'_>| {
            let value = self.eval(expr)?;
            match value {
                Value::Int(number) if number >= 0 => Ok(Some(value.to_usize())),
                Value::Double(number) if number >= 0.0 => Ok(Some(value.to_usize())),
                Value::Null => Ok(None),
                _ => Err(ArangoError::new(1504, "LIMIT value is not a number or is out of range")),
            }
        };
        let skip = limit.offset.as_ref().map_or(Ok(None), &mut bound)?;
        let take = bound(&limit.count)?;
        Ok(LimitState {
            skip: skip.unwrap_or(0),
            // A count of `null` keeps everything (`ExecutionPlan::fromNodeLimit`); python-arango sends it.
            take: take.unwrap_or(usize::MAX),
            seen: 0,
            counted: false,
        })
    }

    fn sort(&mut self, keys: &[SortKey<'_>], rows: Vec<Row>) -> Result<Vec<Row>> {
        let mut descending = Vec::with_capacity(keys.len());
        for key in keys {
            descending.push(match &key.direction {
                SortDirection::Ascending => false,
                SortDirection::Descending => true,
                SortDirection::Dynamic(direction) => match self.eval(direction)? {
                    Value::String(text) => text.eq_ignore_ascii_case("DESC"),
                    value => !value.is_true(),
                },
            });
        }
        let mut keyed = Vec::with_capacity(rows.len());
        for row in rows {
            self.row = row;
            let mut values = Vec::with_capacity(keys.len());
            for key in keys {
                let value = self.eval(&key.expr)?;
                self.used(&value);
                values.push(value);
            }
            keyed.push((values, std::mem::take(&mut self.row)));
        }
        keyed.sort_by(|(left, _), (right, _)| {
            for ((left, right), descending) in left.iter().zip(right).zip(&descending) {
                let order = compare(left, right);
                if order != Ordering::Equal {
                    return if *descending { order.reverse() } else { order };
                }
            }
            Ordering::Equal
        });
        Ok(keyed.into_iter().map(|(_, row)| row).collect())
    }

    /// Gives a value to a variable or to the variables of a pattern.
    pub(crate) fn bind_pattern(&mut self, pattern: &Pattern<'_>, value: Value) {
        match pattern {
            Pattern::Variable(variable) => self.set(*variable, value),
            Pattern::Array { slots, .. } => {
                for (index, slot) in slots.iter().enumerate() {
                    if let Some(slot) = slot {
                        let item = self.element(&value, i64::try_from(index).unwrap_or(i64::MAX));
                        self.bind_pattern(slot, item);
                    }
                }
            }
            Pattern::Object { fields, .. } => {
                for field in fields {
                    let part = self.attribute(&value, &field.attribute.text);
                    self.bind_pattern(&field.target, part);
                }
            }
        }
    }

    pub(crate) fn set(&mut self, variable: mallku_db::aql::ast::VarId, value: Value) {
        if let Some(slot) = self.row.get_mut(variable.index()) {
            *slot = value;
        }
    }

    /// Counts a step of work and ends a query that takes too many, or too long.
    pub(crate) fn step(&mut self) -> Result<()> {
        /// The clock is looked at once in so many steps.
        const STEPS_PER_LOOK: u64 = 1024;
        self.steps += 1;
        let late = |deadline: Instant| self.steps.is_multiple_of(STEPS_PER_LOOK) && Instant::now() >= deadline;
        if self.steps > self.options.max_steps || self.options.deadline.is_some_and(late) {
            return Err(ArangoError::new(1500, "query killed"));
        }
        Ok(())
    }

    /// Notes a warning; an error where the query's options say so.
    pub(crate) fn warn(&mut self, code: u32, message: impl Into<String>) -> Result<()> {
        let message = message.into();
        if self.options.fail_on_warning {
            return Err(ArangoError::new(code, message));
        }
        if self.warnings.len() < self.options.max_warnings {
            self.warnings.push(Warning { code, message });
        }
        Ok(())
    }

    /// The next random number (xorshift64*).
    pub(crate) fn random(&mut self) -> u64 {
        let mut state = self.random.max(1);
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        self.random = state;
        state.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Records that a value had an effect as a whole.
    pub(crate) fn used(&mut self, value: &Value) {
        if let Some(trace) = &mut self.trace {
            trace.used(value);
        }
    }

    /// Records that it had an effect what kind of value this is or how many elements it has, but not what is in it.
    pub(crate) fn glanced(&mut self, value: &Value) {
        if let Some(trace) = &mut self.trace
            && let Some(origin) = value.origin()
            && !origin.path.is_empty()
        {
            trace
                .reads
                .entry(origin.collection.clone())
                .or_default()
                .insert(origin.path.clone());
        }
    }

    pub(crate) fn bind(&self, key: &str) -> Result<Value> {
        self.binds
            .get(key)
            .cloned()
            .ok_or_else(|| ArangoError::new(1551, format!("no value specified for declared bind parameter '{key}'")))
    }

    pub(crate) fn note(&mut self, record: impl FnOnce(&mut Trace)) {
        if let Some(trace) = &mut self.trace {
            record(trace);
        }
    }

    pub(crate) fn variable_name(&self, variable: mallku_db::aql::ast::VarId) -> Text {
        self.query
            .variables
            .get(variable.index())
            .map_or_else(|| Text::from(""), |known| Text::from(&*known.name.text))
    }
}

fn ends_segment(statement: &Statement<'_>) -> bool {
    !matches!(
        statement.kind,
        StatementKind::For(_)
            | StatementKind::Traversal(_)
            | StatementKind::Paths(_)
            | StatementKind::Let(_)
            | StatementKind::Filter(_)
            | StatementKind::Limit(_)
    )
}

fn full_count(limits: &[Option<LimitState>]) -> Option<u64> {
    limits
        .iter()
        .rev()
        .flatten()
        .find(|state| state.counted)
        .map(|state| state.seen as u64)
}

fn wall_millis() -> i64 {
    i64::try_from(wall_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

fn wall_nanos() -> u64 {
    let elapsed = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
}
