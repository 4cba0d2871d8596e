//! Whether the database keeps what it acknowledged: the settings that decide it, as they stand.
//!
//! What a session may decide for itself this program decides (see `db`): SQLite's `synchronous`, PostgreSQL's
//! `synchronous_commit`. What only the server's operator may decide, `fsync` and `full_page_writes`, is looked at by
//! `doctor` and at every start, and said aloud.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::AnyConnection;
use crate::error::Result;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Durability {
    /// The database and its version.
    pub engine: String,
    /// The settings that decide, with their values.
    pub settings: Vec<(String, String)>,
    /// The settings under which a crash could lose an acknowledged change, as they ought to be.
    pub loses: Vec<String>,
}

#[derive(QueryableByName)]
struct Setting {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    setting: String,
}

#[derive(QueryableByName)]
struct JournalMode {
    #[diesel(sql_type = Text)]
    journal_mode: String,
}

#[derive(QueryableByName)]
struct Synchronous {
    #[diesel(sql_type = BigInt)]
    synchronous: i64,
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}

/// Asks the database behind that connection.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn of(connection: &mut AnyConnection) -> Result<Durability> {
    match connection {
        AnyConnection::Postgresql(pg) => {
            let version: Version =
                diesel::sql_query("SELECT current_setting('server_version') AS version").get_result(pg)?;
            let found: Vec<Setting> = diesel::sql_query(
                "SELECT name, setting FROM pg_settings \
                 WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') ORDER BY name",
            )
            .load(pg)?;
            let settings: Vec<_> = found.into_iter().map(|row| (row.name, row.setting)).collect();
            let off = settings.iter().filter(|(_, value)| value == "off");
            let loses = off.map(|(name, _)| format!("{name} = on")).collect();
            Ok(Durability { engine: format!("PostgreSQL {}", version.version), settings, loses })
        }
        AnyConnection::Sqlite(sqlite) => {
            let version: Version =
                diesel::sql_query("SELECT sqlite_version() AS version").get_result(sqlite)?;
            let journal: JournalMode = diesel::sql_query("PRAGMA journal_mode").get_result(sqlite)?;
            let level: Synchronous = diesel::sql_query("PRAGMA synchronous").get_result(sqlite)?;
            let word = match level.synchronous {
                0 => "off",
                1 => "normal",
                2 => "full",
                _ => "extra",
            };
            let mut loses = Vec::new();
            if level.synchronous < 2 {
                loses.push("synchronous = full".to_owned());
            }
            let settings = vec![
                ("journal_mode".to_owned(), journal.journal_mode),
                ("synchronous".to_owned(), word.to_owned()),
            ];
            Ok(Durability { engine: format!("SQLite {}", version.version), settings, loses })
        }
    }
}
