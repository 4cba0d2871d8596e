//! Both databases behind one connection type: pools, migrations, transactions.
//!
//! Rules: the URL's scheme alone chooses the database; a write transaction is opened only by [`Database::write`];
//! reads see one snapshot. May call: `clock`, `entropy`, `error`, `caller`, `log` (to number and hash what a
//! write transaction recorded), `vault`, `profile`.

pub mod batch;
mod connection;
pub mod durability;
pub mod once;
pub mod schema;
mod tx;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::r2d2::{ManageConnection, Pool, PooledConnection};
use diesel::{Connection, PgConnection, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

pub use connection::AnyConnection;
pub use tx::{Context, Reader, Tx};

use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::log;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// The advisory lock that every write transaction takes first on PostgreSQL ("bailiwik" in ASCII).
const WRITE_LOCK: i64 = 0x6261_696c_6977_696b;

/// How every session on PostgreSQL begins. A commit that the server would acknowledge before it lies on the disk could
/// be lost after the answer has left, so `off` is not taken from the server; what is stricter than `on` stays.
const POSTGRESQL_SESSION: &str = "SET idle_in_transaction_session_timeout = '2s'; SET lock_timeout = '5s'; \
     SET TIME ZONE 'UTC'; \
     SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

/// Which database, from the URL's scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A server, by libpq's connection URL.
    Postgresql(String),
    /// A file, by its path, and how long a connection waits for whoever writes to it.
    Sqlite(String, Duration),
}

/// How long somebody who would write to an SQLite file waits for whoever does.
const PATIENCE: Duration = Duration::from_secs(5);

impl Location {
    /// Reads `postgres://…`, `postgresql://…`, `sqlite://PATH` or `sqlite:PATH`.
    ///
    /// # Errors
    /// [`Error::Invalid`] for any other scheme.
    pub fn parse(url: &str) -> Result<Self> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Postgresql(url.to_owned()));
        }
        match url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")) {
            Some(path) if !path.is_empty() => Ok(Self::Sqlite(path.to_owned(), PATIENCE)),
            _ => Err(Error::field("database", "must begin with postgres:// or sqlite://")),
        }
    }

    /// The SQLite file at `path`.
    pub fn file(path: &Path) -> Self {
        Self::Sqlite(path.to_string_lossy().into_owned(), PATIENCE)
    }

    /// The same place for somebody who waits so long; a server decides that for itself.
    #[must_use]
    pub fn waiting(self, patience: Duration) -> Self {
        match self {
            Self::Sqlite(path, _) => Self::Sqlite(path, patience),
            server @ Self::Postgresql(_) => server,
        }
    }

    /// The SQLite file at `path`, waited for as long as this place.
    pub fn beside(&self, path: &Path) -> Self {
        let other = Self::file(path);
        match self {
            Self::Sqlite(_, patience) => other.waiting(*patience),
            Self::Postgresql(_) => other,
        }
    }

    /// Whether this is PostgreSQL.
    pub fn is_postgresql(&self) -> bool {
        matches!(self, Self::Postgresql(_))
    }

    /// Opens a connection of its own, outside any pool (tail, recorder, heartbeat, migrations).
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the database cannot be reached.
    pub fn connect(&self) -> Result<AnyConnection> {
        self.open().map_err(|cause| {
            tracing::warn!(%cause, "the database cannot be reached");
            Error::Unavailable("the database", 5)
        })
    }

    fn open(&self) -> std::result::Result<AnyConnection, diesel::ConnectionError> {
        let settle = diesel::ConnectionError::CouldntSetupConfiguration;
        match self {
            Self::Postgresql(url) => {
                let mut connection = PgConnection::establish(url)?;
                connection.batch_execute(POSTGRESQL_SESSION).map_err(settle)?;
                Ok(AnyConnection::Postgresql(connection))
            }
            Self::Sqlite(path, patience) => {
                let mut connection = SqliteConnection::establish(path)?;
                connection
                    .batch_execute(&format!(
                        "PRAGMA busy_timeout = {}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                         PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;",
                        patience.as_millis()
                    ))
                    .map_err(settle)?;
                Ok(AnyConnection::Sqlite(connection))
            }
        }
    }
}

struct Manager(Location);

impl ManageConnection for Manager {
    type Connection = AnyConnection;
    type Error = diesel::ConnectionError;

    fn connect(&self) -> std::result::Result<AnyConnection, Self::Error> {
        self.0.open()
    }

    fn is_valid(&self, connection: &mut AnyConnection) -> std::result::Result<(), Self::Error> {
        connection.batch_execute("SELECT 1").map_err(diesel::ConnectionError::CouldntSetupConfiguration)
    }

    fn has_broken(&self, connection: &mut AnyConnection) -> bool {
        <AnyConnection as Connection>::TransactionManager::is_broken_transaction_manager(connection)
    }
}

/// The database of this house: a pool for reads and writes, and the context that every use case gets.
pub struct Database {
    location: Location,
    pool: Pool<Manager>,
    context: Arc<Context>,
}

impl Database {
    /// Opens a pool of so many connections, for one of which nobody waits longer than `patience`.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the database cannot be reached.
    pub fn open(
        location: Location,
        (size, patience): (u32, Duration),
        context: Arc<Context>,
    ) -> Result<Self> {
        let pool = Pool::builder()
            .max_size(size)
            // None is opened in advance: a command that ends while a thread of the pool still speaks TLS would end in
            // the middle of libpq's own clean-up, and crash.
            .min_idle(Some(0))
            .connection_timeout(patience)
            .test_on_check_out(location.is_postgresql())
            .build(Manager(location.clone()))
            .map_err(|cause| {
                tracing::warn!(%cause, "the database cannot be reached");
                Error::Unavailable("the database", 5)
            })?;
        Ok(Self { location, pool, context })
    }

    /// Where the database is.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Clock, entropy, keys and profile, as use cases get them.
    pub fn context(&self) -> &Arc<Context> {
        &self.context
    }

    fn checked_out(&self) -> Result<PooledConnection<Manager>> {
        self.pool.get().map_err(|_| Error::Unavailable("the database", 2))
    }

    /// Reads in one snapshot: everything that `f` sees is of one instant and one revision.
    ///
    /// # Errors
    /// Whatever `f` returns, or [`Error::Unavailable`] without a connection.
    pub fn read<T>(&self, f: impl FnOnce(&mut Reader<'_>) -> Result<T>) -> Result<T> {
        let mut connection = self.checked_out()?;
        read_on(&mut connection, &self.context, f)
    }

    /// Runs one statement that records no event (attempt counters, session touch, job leases), outside the log's lock.
    ///
    /// # Errors
    /// Whatever `f` returns, or [`Error::Unavailable`] without a connection.
    pub fn alone<T>(&self, f: impl FnOnce(&mut Reader<'_>) -> Result<T>) -> Result<T> {
        let mut connection = self.checked_out()?;
        f(&mut Reader::new(&mut connection, &self.context))
    }

    /// One use case, one transaction: takes the log's lock, runs `f`, numbers and hashes its events, commits.
    /// Returns what `f` returned and the log's size after it: the revision of this change, or the newest one if
    /// `f` recorded nothing. Only [`crate::app::App`] calls this, so that caches follow before the answer leaves.
    ///
    /// # Errors
    /// Whatever `f` returns (nothing is changed then); [`Error::Unavailable`] if the outcome is unknown.
    pub fn write<T>(&self, caller: &Caller, f: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<(T, u64)> {
        let mut connection = self.checked_out()?;
        begin_write(&mut connection, WRITE_LOCK)?;
        let mut tx = Tx::new(Reader::new(&mut connection, &self.context), caller.clone());
        let outcome = f(&mut tx)
            .and_then(|value| log::append::commit_events(&mut tx).map(|revision| (value, revision)))
            .and_then(|done| once::mark(&mut tx).map(|()| done));
        drop(tx);
        match outcome {
            Ok(done) => commit(&mut connection).map(|()| done),
            Err(error) => {
                roll_back(&mut connection);
                Err(error)
            }
        }
    }

    /// Brings the schema up to this version.
    ///
    /// # Errors
    /// [`Error::Internal`] naming the migration that failed.
    pub fn migrate(location: &Location) -> Result<()> {
        let failed = |cause| Error::internal("bringing the schema up to date", cause);
        match location.connect()? {
            AnyConnection::Postgresql(mut connection) => {
                let lock = format!("SELECT pg_advisory_lock({WRITE_LOCK})");
                connection.batch_execute(&lock).map_err(Error::from)?;
                connection.run_pending_migrations(MIGRATIONS).map(drop).map_err(failed)
            }
            AnyConnection::Sqlite(mut connection) => {
                connection.run_pending_migrations(MIGRATIONS).map(drop).map_err(failed)
            }
        }
    }
}

/// Reads in one snapshot on a connection of the caller's own.
///
/// # Errors
/// Whatever `f` returns.
pub fn read_on<T>(
    connection: &mut AnyConnection,
    context: &Context,
    f: impl FnOnce(&mut Reader<'_>) -> Result<T>,
) -> Result<T> {
    match connection {
        AnyConnection::Postgresql(pg) => {
            AnsiTransactionManager::begin_transaction_sql(
                pg,
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            )?;
        }
        AnyConnection::Sqlite(sqlite) => {
            AnsiTransactionManager::begin_transaction_sql(sqlite, "BEGIN DEFERRED")?
        }
    }
    let outcome = f(&mut Reader::new(connection, context));
    roll_back(connection);
    outcome
}

/// Writes in one transaction that is no use case and touches nothing that the log governs (the log `access`, last
/// use), on a connection of the caller's own. On PostgreSQL only holders of the same `lock` wait for each other.
///
/// # Errors
/// Whatever `f` returns (nothing is changed then), or [`Error::Unavailable`] without the lock.
pub fn write_apart<T>(
    connection: &mut AnyConnection,
    lock: i64,
    f: impl FnOnce(&mut AnyConnection) -> Result<T>,
) -> Result<T> {
    type Manager = <AnyConnection as Connection>::TransactionManager;
    begin_write(connection, lock)?;
    let outcome = f(connection).and_then(|value| {
        Manager::commit_transaction(connection)?;
        Ok(value)
    });
    if outcome.is_err() {
        roll_back(connection);
    }
    outcome
}

fn begin_write(connection: &mut AnyConnection, lock: i64) -> Result<()> {
    match connection {
        AnyConnection::Postgresql(pg) => {
            AnsiTransactionManager::begin_transaction_sql(pg, "BEGIN ISOLATION LEVEL READ COMMITTED")?;
            let lock = format!("SELECT pg_advisory_xact_lock({lock})");
            if let Err(cause) = pg.batch_execute(&lock) {
                tracing::warn!(%cause, "the log's lock was not to be had");
                let _ = AnsiTransactionManager::rollback_transaction(pg);
                return Err(Error::Unavailable("the log's lock", 2));
            }
        }
        AnyConnection::Sqlite(sqlite) => {
            AnsiTransactionManager::begin_transaction_sql(sqlite, "BEGIN IMMEDIATE").map_err(|cause| {
                tracing::warn!(%cause, "the database's write lock was not to be had");
                Error::Unavailable("the log's lock", 2)
            })?;
        }
    }
    Ok(())
}

fn commit(connection: &mut AnyConnection) -> Result<()> {
    if connection_is_postgresql(connection) {
        // Listeners hear of it only if the commit succeeds.
        connection.batch_execute("NOTIFY bailiwick_changes")?;
    }
    <AnyConnection as Connection>::TransactionManager::commit_transaction(connection).map_err(|cause| {
        tracing::error!(%cause, "the outcome of a commit is unknown");
        Error::Unavailable("the outcome of the change; ask again with the same Idempotency-Key", 1)
    })
}

fn roll_back(connection: &mut AnyConnection) {
    if let Err(cause) = <AnyConnection as Connection>::TransactionManager::rollback_transaction(connection) {
        tracing::warn!(%cause, "a transaction could not be rolled back");
    }
}

/// Whether this connection speaks to PostgreSQL.
pub fn connection_is_postgresql(connection: &AnyConnection) -> bool {
    matches!(connection, AnyConnection::Postgresql(_))
}

impl From<diesel::result::Error> for Error {
    /// Every fault of the database that a store did not expect is ours. Values never enter the text: PostgreSQL's
    /// messages can quote them, so only the kind is kept.
    fn from(cause: diesel::result::Error) -> Self {
        match cause {
            // PostgreSQL keeps no U+0000 in a text; every other character may come.
            diesel::result::Error::DatabaseError(_, detail)
                if detail.message().starts_with("invalid byte sequence for encoding") =>
            {
                Self::field("text", "must not hold the character U+0000")
            }
            diesel::result::Error::DatabaseError(kind, detail) => Self::Internal(format!(
                "database: {kind:?} on {:?} {:?}",
                detail.table_name(),
                detail.constraint_name()
            )),
            other => Self::Internal(format!("database: {other}")),
        }
    }
}
