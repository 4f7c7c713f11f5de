//! Reading and writing one database, inside of a stream transaction when the request names one.

use super::auth::Identity;
use super::{Call, Fault};
use crate::error::{ArangoError, Result};
use crate::store::Database;

impl Call {
    /// Looks at the database: the transaction's view of it, where there is one.
    pub(super) fn read<T>(
        &self,
        collection: &str,
        look: impl FnOnce(&Database) -> Result<T>,
    ) -> std::result::Result<T, Fault> {
        match self.transaction()? {
            Some(transaction) => transaction.read(collection, look),
            None => self
                .service
                .with_server(|server| look(server.database(&self.database)?))
                .map_err(Fault::from),
        }
    }

    /// Changes documents of one collection.
    pub(super) fn write<T>(
        &self,
        collection: &str,
        change: impl FnOnce(&mut Database) -> Result<T>,
    ) -> std::result::Result<T, Fault> {
        self.write_all(&[collection], change)
    }

    /// Changes documents of these collections.
    pub(super) fn write_all<T>(
        &self,
        collections: &[&str],
        change: impl FnOnce(&mut Database) -> Result<T>,
    ) -> std::result::Result<T, Fault> {
        match self.transaction()? {
            Some(transaction) => transaction.write(collections, change),
            None => self
                .service
                .write(|server| change(server.database_mut(&self.database)?))
                .map_err(Fault::from),
        }
    }

    /// The transaction that the request is part of.
    pub(super) fn transaction(&self) -> std::result::Result<Option<super::transaction::Handle>, Fault> {
        let Some(id) = self.header("x-arango-trx-id") else {
            return Ok(None);
        };
        let digits: String = id.chars().take_while(char::is_ascii_digit).collect();
        let id = digits
            .parse::<u64>()
            .map_err(|_| Fault::bad(format!("invalid transaction ID '{id}'")))?;
        self.service
            .transactions()
            .find(id, self.who.name(), &self.database)
            .map(Some)
            .map_err(Fault::from)
    }

    /// Whose cursors and transactions the caller may use: the own ones, a superuser everybody's.
    pub(super) fn owns(&self, owner: &str) -> bool {
        self.who == Identity::Superuser || self.who.name() == owner
    }
}

/// An id in the path: digits only.
pub(super) fn number(text: &str, missing: fn() -> ArangoError) -> std::result::Result<u64, Fault> {
    text.parse().map_err(|_| missing().into())
}
