//! The connection type that diesel's derive makes of both databases.

use diesel::{PgConnection, SqliteConnection};

/// A connection to either database.
#[derive(diesel::MultiConnection)]
pub enum AnyConnection {
    /// A PostgreSQL server.
    Postgresql(PgConnection),
    /// An SQLite file.
    Sqlite(SqliteConnection),
}
