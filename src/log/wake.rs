//! Hearing at once that another process has written: PostgreSQL's NOTIFY, SQLite's `data_version`.
//!
//! Rules: a connection of its own; a hint only, for whoever hears nothing still looks each second. May call: `db`.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::db::{AnyConnection, Location};
use crate::error::{Error, Result};

/// What listens.
pub struct Listener {
    connection: AnyConnection,
    version: i64,
}

#[derive(QueryableByName)]
struct DataVersion {
    #[diesel(sql_type = BigInt)]
    data_version: i64,
}

impl Listener {
    /// Begins to listen.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the database cannot be reached.
    pub fn new(location: &Location) -> Result<Self> {
        let mut connection = location.connect()?;
        if let AnyConnection::Postgresql(pg) = &mut connection {
            pg.batch_execute("LISTEN bailiwick_changes")?;
        }
        let mut listener = Self { connection, version: 0 };
        listener.woken()?;
        Ok(listener)
    }

    /// Whether somebody has written since this was asked last. Does not wait.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the connection is gone.
    pub fn woken(&mut self) -> Result<bool> {
        match &mut self.connection {
            AnyConnection::Postgresql(pg) => {
                let mut heard = false;
                for notification in pg.notifications_iter() {
                    notification.map_err(|_| Error::Unavailable("the database", 1))?;
                    heard = true;
                }
                Ok(heard)
            }
            AnyConnection::Sqlite(sqlite) => {
                let now: DataVersion = diesel::sql_query("PRAGMA data_version").get_result(sqlite)?;
                let before = std::mem::replace(&mut self.version, now.data_version);
                Ok(before != now.data_version)
            }
        }
    }
}
