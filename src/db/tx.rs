//! What a use case holds: a connection, the time, the caller and the means of the house.
//!
//! [`Reader`] may look, [`Tx`] may also change and must record what it changed. A function that only reads takes a
//! `Reader` and can be called with either.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use diesel::Connection;
use diesel::connection::TransactionManager;

use super::AnyConnection;
use crate::caller::Caller;
use crate::clock::{Clock, Timestamp};
use crate::entropy::Entropy;
use crate::error::Result;
use crate::log::event::{Change, Row};
use crate::profile::{InForce, Profile};
use crate::vault::Vault;

/// The means of the house, the same for every use case.
pub struct Context {
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where randomness comes from.
    pub entropy: Arc<dyn Entropy>,
    /// The key ring for sealed columns and blind indexes.
    pub vault: Vault,
    /// The policy profiles and the one in force.
    pub profiles: InForce,
}

/// A look at one snapshot of the database.
pub struct Reader<'a> {
    /// The connection; only `store.rs` files use it.
    pub connection: &'a mut AnyConnection,
    /// The instant of this use case; for a write, taken after the log's lock.
    pub now: Timestamp,
    /// The means of the house.
    pub context: &'a Context,
}

impl<'a> Reader<'a> {
    pub(super) fn new(connection: &'a mut AnyConnection, context: &'a Context) -> Self {
        Self { now: context.clock.now(), connection, context }
    }

    /// The key ring.
    pub fn vault(&self) -> &'a Vault {
        &self.context.vault
    }

    /// The policy profile in force.
    pub fn profile(&self) -> Arc<Profile> {
        self.context.profiles.current()
    }

    /// The source of randomness.
    pub fn entropy(&self) -> &'a dyn Entropy {
        self.context.entropy.as_ref()
    }
}

/// An event waiting for its number.
pub struct Pending {
    /// What changed.
    pub change: Change,
    /// The governed rows that changed, with their digests.
    pub rows: Vec<Row>,
}

/// One use case's transaction.
pub struct Tx<'a> {
    reader: Reader<'a>,
    /// Who acts.
    pub caller: Caller,
    pub(crate) pending: Vec<Pending>,
}

impl<'a> Tx<'a> {
    pub(super) fn new(reader: Reader<'a>, caller: Caller) -> Self {
        Self { reader, caller, pending: Vec::new() }
    }

    /// Records a change that touches no governed row.
    pub fn record(&mut self, change: Change) {
        self.pending.push(Pending { change, rows: Vec::new() });
    }

    /// Records a change together with the digests of the governed rows as they stand now.
    pub fn record_rows(&mut self, change: Change, rows: Vec<Row>) {
        self.pending.push(Pending { change, rows });
    }

    /// Runs a part that may fail without taking the rest with it: on an error its changes and events are undone.
    ///
    /// # Errors
    /// Whatever `f` returns.
    pub fn savepoint<T>(&mut self, f: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        type Manager = <AnyConnection as Connection>::TransactionManager;
        let recorded = self.pending.len();
        Manager::begin_transaction(self.reader.connection)?;
        match f(self) {
            Ok(value) => {
                Manager::commit_transaction(self.reader.connection).map(|()| value).map_err(Into::into)
            }
            Err(error) => {
                self.pending.truncate(recorded);
                Manager::rollback_transaction(self.reader.connection)?;
                Err(error)
            }
        }
    }
}

impl<'a> Deref for Tx<'a> {
    type Target = Reader<'a>;

    fn deref(&self) -> &Reader<'a> {
        &self.reader
    }
}

impl DerefMut for Tx<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.reader
    }
}
