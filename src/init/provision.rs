//! Creating in the database what the schemas declare and it lacks. Only creating: differences are reported, never altered.

use std::path::Path;

use crate::schema::SchemaSet;

use super::report::Report;
use super::watch::Database;

/// What the schemas declare.
pub(super) struct Plan {
    set: SchemaSet,
}

impl Plan {
    pub(super) fn load(dir: &Path) -> Result<Self, crate::schema::Faults> {
        SchemaSet::load(dir).map(|set| Self { set })
    }

    pub(super) fn apply(&self, _database: &Database, report: &mut Report) {
        report.info(format!("{} databases served", self.set.databases.len()));
    }
}
