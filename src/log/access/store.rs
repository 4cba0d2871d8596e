//! The table of one day's records and its head. Its name is made of the date; on SQLite it stands alone in its file.

use chrono::NaiveDate;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Text};
use serde::Serialize;

use super::Record;
use crate::db::batch::{self, Kind};
use crate::db::{self, AnyConnection};
use crate::error::{Error, Result};
use crate::log::tree::{Frontier, Hash};

/// The advisory lock of the log `access` on PostgreSQL ("bw-acces" in ASCII).
const LOCK: i64 = 0x6277_2d61_6363_6573;

/// A record's row, ready to be inserted.
#[derive(Serialize)]
pub(super) struct NewRow {
    number: u64,
    at: String,
    subject: Option<String>,
    body: String,
    leaf: String,
}

impl NewRow {
    pub(super) fn new(record: &Record, body: String, leaf: Hash) -> Self {
        Self {
            number: record.number,
            at: batch::instant(record.at),
            subject: record.subject.as_ref().map(ToString::to_string),
            body,
            leaf: hex::encode(leaf),
        }
    }
}

/// A record's row.
#[derive(QueryableByName)]
pub(super) struct Row {
    #[diesel(sql_type = BigInt)]
    pub(super) number: i64,
    #[diesel(sql_type = Text)]
    pub(super) body: String,
    #[diesel(sql_type = Binary)]
    pub(super) leaf: Vec<u8>,
}

#[derive(QueryableByName)]
struct Head {
    #[diesel(sql_type = BigInt)]
    size: i64,
    #[diesel(sql_type = Binary)]
    frontier: Vec<u8>,
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

fn table(date: NaiveDate) -> String {
    format!("access_{}", date.format("%Y%m%d"))
}

/// Runs `f` in a transaction under the log's own lock.
pub(super) fn write<T>(
    connection: &mut AnyConnection,
    f: impl FnOnce(&mut AnyConnection) -> Result<T>,
) -> Result<T> {
    db::write_apart(connection, LOCK, f)
}

/// Makes the day's tables if they are not there.
pub(super) fn create(connection: &mut AnyConnection, date: NaiveDate) -> Result<()> {
    let name = table(date);
    let (bytes, none) =
        if db::connection_is_postgresql(connection) { ("BYTEA", "''") } else { ("BLOB", "x''") };
    let statements = format!(
        "CREATE TABLE IF NOT EXISTS {name} (number BIGINT PRIMARY KEY NOT NULL, at TIMESTAMP NOT NULL, \
         subject TEXT, body TEXT NOT NULL, leaf {bytes} NOT NULL); \
         CREATE INDEX IF NOT EXISTS {name}_subject ON {name} (subject, number); \
         CREATE TABLE IF NOT EXISTS {name}_head (size BIGINT NOT NULL, frontier {bytes} NOT NULL); \
         INSERT INTO {name}_head (size, frontier) SELECT 0, {none} \
         WHERE NOT EXISTS (SELECT 1 FROM {name}_head) AND NOT EXISTS (SELECT 1 FROM {name});"
    );
    write(connection, |connection| Ok(connection.batch_execute(&statements)?))
}

/// The day's frontier.
pub(super) fn head(connection: &mut AnyConnection, date: NaiveDate) -> Result<Frontier> {
    let statement = format!("SELECT size, frontier FROM {}_head", table(date));
    let head: Head = diesel::sql_query(statement).get_result(connection)?;
    Frontier::read(head.size.unsigned_abs(), &head.frontier)
}

pub(super) fn set_head(connection: &mut AnyConnection, date: NaiveDate, tree: &Frontier) -> Result<()> {
    let changed = diesel::sql_query(format!("UPDATE {}_head SET size = $1, frontier = $2", table(date)))
        .bind::<BigInt, _>(tree.size().cast_signed())
        .bind::<Binary, _>(tree.bytes())
        .execute(connection)?;
    if changed == 1 { Ok(()) } else { Err(Error::internal("writing the log access", "the day has no head")) }
}

pub(super) fn insert(connection: &mut AnyConnection, date: NaiveDate, rows: &[NewRow]) -> Result<()> {
    const COLUMNS: &[(&str, Kind)] = &[
        ("number", Kind::Whole),
        ("at", Kind::Instant),
        ("subject", Kind::Text),
        ("body", Kind::Text),
        ("leaf", Kind::Bytes),
    ];
    for chunk in rows.chunks(batch::LIMIT) {
        batch::insert(connection, &table(date), COLUMNS, chunk)?;
    }
    Ok(())
}

/// The day's records after `after`, oldest first.
pub(super) fn rows_after(
    connection: &mut AnyConnection,
    date: NaiveDate,
    after: u64,
    limit: i64,
) -> Result<Vec<Row>> {
    let statement =
        format!("SELECT number, body, leaf FROM {} WHERE number > $1 ORDER BY number LIMIT $2", table(date));
    Ok(diesel::sql_query(statement)
        .bind::<BigInt, _>(after.cast_signed())
        .bind::<BigInt, _>(limit)
        .load(connection)?)
}

/// The days that have a table, on PostgreSQL.
pub(super) fn days(connection: &mut AnyConnection) -> Result<Vec<NaiveDate>> {
    let statement = "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = current_schema() \
                     AND tablename ~ '^access_[0-9]{8}$'";
    let names: Vec<Name> = diesel::sql_query(statement).load(connection)?;
    let date = |name: &str| NaiveDate::parse_from_str(name.strip_prefix("access_")?, "%Y%m%d").ok();
    Ok(names.iter().filter_map(|row| date(&row.name)).collect())
}
