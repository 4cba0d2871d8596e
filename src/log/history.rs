//! What governed rows said in the past: the texts whose digests stand in the log.
//!
//! Rules: written in the transaction of the event that names the row, and never changed; kept as long as `changes`; a
//! text is worth as much as its digest in the event of the same number, which `digest` computes anew. May call: `db`.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::event::Row;
use super::store;
use super::verify::Source;
use crate::clock::Timestamp;
use crate::db::batch::{self, Kind};
use crate::db::schema::{change_events, row_history};
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};

/// How many ids go into one statement.
const CHUNK: usize = 1_000;
/// How many rows are read at a time when a history begins.
const PAGE: i64 = 1_000;

/// One row as a change left it.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName, Queryable)]
pub struct Past {
    /// The row's primary key.
    #[diesel(sql_type = Text)]
    pub row_id: String,
    /// The number of the event.
    #[diesel(sql_type = BigInt)]
    pub number: i64,
    /// The governed columns as canonical JSON.
    #[diesel(sql_type = Text)]
    pub body: String,
}

impl Past {
    /// The governed columns.
    ///
    /// # Errors
    /// [`Error::Internal`] if an older version wrote what this one cannot read.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(&self.body).map_err(|cause| Error::internal("reading a row's history", cause))
    }
}

#[derive(Serialize)]
struct Written<'a> {
    table_name: &'a str,
    row_id: &'a str,
    number: u64,
    body: &'a str,
}

/// Keeps what the rows of events say; each comes with its event's number.
pub(super) fn keep(tx: &mut Tx<'_>, rows: &[(u64, Row)]) -> Result<()> {
    const COLUMNS: &[(&str, Kind)] =
        &[("table_name", Kind::Text), ("row_id", Kind::Text), ("number", Kind::Whole), ("body", Kind::Text)];
    let mut written = Vec::with_capacity(rows.len());
    for (number, row) in rows {
        written.push(Written { table_name: &row.table, row_id: &row.id, number: *number, body: row.text() });
    }
    for chunk in written.chunks(batch::LIMIT) {
        batch::insert(tx.connection, "row_history", COLUMNS, chunk)?;
    }
    Ok(())
}

/// Begins the history of a house that was there before histories were kept: what every governed row says now.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn begin(tx: &mut Tx<'_>, sources: &[Source]) -> Result<()> {
    let number = store::size(tx.connection)?;
    let any: Option<i64> =
        row_history::table.select(diesel::dsl::min(row_history::number)).first(tx.connection)?;
    if number == 0 || any.is_some() {
        return Ok(());
    }
    for source in sources {
        let mut after = String::new();
        loop {
            let rows = (source.rows)(tx, &after, PAGE)?;
            let Some(last) = rows.last() else { break };
            after.clone_from(&last.id);
            let numbered: Vec<(u64, Row)> = rows.into_iter().map(|row| (number, row)).collect();
            keep(tx, &numbered)?;
        }
    }
    Ok(())
}

/// The first instant of which histories tell; `None` if they tell of all time.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn begins(reader: &mut Reader<'_>) -> Result<Option<Timestamp>> {
    let first: Option<i64> =
        row_history::table.select(diesel::dsl::min(row_history::number)).first(reader.connection)?;
    let Some(first) = first else { return Ok(None) };
    // The house's own catalogue is the first governed row of every house.
    let catalogue: Option<i64> = change_events::table
        .filter(change_events::kind.eq("catalogue_applied"))
        .select(diesel::dsl::min(change_events::number))
        .first(reader.connection)?;
    if catalogue.is_none_or(|catalogue| first <= catalogue) {
        return Ok(None);
    }
    Ok(change_events::table.find(first).select(change_events::at).first(reader.connection).optional()?)
}

/// The number of the last event before or at an instant; nought if there is none.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn number_at(reader: &mut Reader<'_>, at: Timestamp) -> Result<u64> {
    let last: Option<i64> = change_events::table
        .filter(change_events::at.le(at))
        .select(diesel::dsl::max(change_events::number))
        .first(reader.connection)?;
    Ok(last.unwrap_or(0).cast_unsigned())
}

/// Every row of a table as event `number` or an earlier one left it, in the order of their ids from behind `after`.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn page(reader: &mut Reader<'_>, table: &str, number: u64, after: &str, limit: i64) -> Result<Vec<Past>> {
    let statement = "SELECT h.row_id, h.number, h.body FROM row_history h JOIN (\
         SELECT row_id, MAX(number) AS number FROM row_history \
         WHERE table_name = $1 AND number <= $2 AND row_id > $3 \
         GROUP BY row_id ORDER BY row_id LIMIT $4) newest \
         ON newest.row_id = h.row_id AND newest.number = h.number \
         WHERE h.table_name = $1 ORDER BY h.row_id";
    Ok(diesel::sql_query(statement)
        .bind::<Text, _>(table)
        .bind::<BigInt, _>(number.cast_signed())
        .bind::<Text, _>(after)
        .bind::<BigInt, _>(limit)
        .load(reader.connection)?)
}

/// These rows of a table as event `number` or an earlier one left them, in the order of their ids.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn of_rows(reader: &mut Reader<'_>, table: &str, number: u64, ids: &[String]) -> Result<Vec<Past>> {
    let mut found: Vec<Past> = Vec::new();
    for ids in ids.chunks(CHUNK) {
        let all: Vec<Past> = row_history::table
            .filter(row_history::table_name.eq(table))
            .filter(row_history::row_id.eq_any(ids))
            .filter(row_history::number.le(number.cast_signed()))
            .order((row_history::row_id, row_history::number))
            .select((row_history::row_id, row_history::number, row_history::body))
            .load(reader.connection)?;
        for past in all {
            match found.last_mut().filter(|last| last.row_id == past.row_id) {
                Some(last) => *last = past,
                None => found.push(past),
            }
        }
    }
    found.sort_by(|one, other| one.row_id.cmp(&other.row_id));
    Ok(found)
}
