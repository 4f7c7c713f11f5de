//! The evaluator.

use mallku_db::aql::ast::Query;

use crate::error::{ArangoError, Result};
use crate::query::{BindVars, QueryOptions, QueryResult};
use crate::store::Database;

/// One run of a query.
pub(crate) struct Evaluator<'d> {
    database: &'d mut Database,
}

impl<'d> Evaluator<'d> {
    pub(crate) fn new(database: &'d mut Database, _: &Query<'_>, _: &BindVars, _: &QueryOptions) -> Result<Self> {
        Ok(Self { database })
    }

    pub(crate) fn run(self) -> Result<QueryResult> {
        Err(ArangoError::not_implemented(format!(
            "queries in {}",
            self.database.name()
        )))
    }
}
