//! Rows of `workstations`: `name` is sealed, `digest` the keyed hash of the token in the browser's cookie.

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::schema::workstations;
use crate::db::{Reader, Tx};
use crate::error::Result;
use crate::ids::WorkstationId;

/// A workstation as it is kept.
#[derive(Debug, Queryable)]
pub struct Row {
    pub id: WorkstationId,
    pub name: Vec<u8>,
    pub digest: Option<String>,
    pub registered_by: String,
    pub registered_at: Timestamp,
    pub in_use_since: Option<Timestamp>,
    pub used_on: Option<Timestamp>,
    pub ended_by: Option<String>,
    pub ended_at: Option<Timestamp>,
}

pub fn find(reader: &mut Reader<'_>, id: &WorkstationId) -> Result<Option<Row>> {
    let query = workstations::table.find(id).select(workstations::all_columns);
    Ok(query.first(reader.connection).optional()?)
}

/// Which workstation a browser is, unless that one has ended.
pub fn by_digest(reader: &mut Reader<'_>, digest: &str) -> Result<Option<WorkstationId>> {
    Ok(workstations::table
        .filter(workstations::digest.eq(digest))
        .filter(workstations::ended_at.is_null())
        .select(workstations::id)
        .first(reader.connection)
        .optional()?)
}

/// All that have not ended.
pub fn living(reader: &mut Reader<'_>) -> Result<Vec<Row>> {
    Ok(workstations::table
        .filter(workstations::ended_at.is_null())
        .order(workstations::id)
        .select(workstations::all_columns)
        .load(reader.connection)?)
}

/// Workstations by their ids, newest first; with `living` only those that have not ended, or have.
pub fn list(
    reader: &mut Reader<'_>,
    living: Option<bool>,
    before: Option<&WorkstationId>,
    limit: i64,
) -> Result<Vec<Row>> {
    let mut query = workstations::table
        .select(workstations::all_columns)
        .order(workstations::id.desc())
        .limit(limit)
        .into_boxed();
    query = match living {
        Some(true) => query.filter(workstations::ended_at.is_null()),
        Some(false) => query.filter(workstations::ended_at.is_not_null()),
        None => query,
    };
    if let Some(before) = before {
        query = query.filter(workstations::id.lt(before));
    }
    Ok(query.load(reader.connection)?)
}

pub fn insert(tx: &mut Tx<'_>, id: &WorkstationId, name: &[u8], by: &str) -> Result<()> {
    diesel::insert_into(workstations::table)
        .values((
            workstations::id.eq(id),
            workstations::name.eq(name),
            workstations::registered_by.eq(by),
            workstations::registered_at.eq(tx.now),
        ))
        .execute(tx.connection)?;
    Ok(())
}

pub fn rename(tx: &mut Tx<'_>, id: &WorkstationId, name: &[u8]) -> Result<()> {
    diesel::update(workstations::table.find(id)).set(workstations::name.eq(name)).execute(tx.connection)?;
    Ok(())
}

/// Makes a browser the workstation, in the place of the one before; false if it has ended.
pub fn put_in_use(tx: &mut Tx<'_>, id: &WorkstationId, digest: &str) -> Result<bool> {
    let put = diesel::update(workstations::table.find(id))
        .filter(workstations::ended_at.is_null())
        .set((workstations::digest.eq(digest), workstations::in_use_since.eq(tx.now)))
        .execute(tx.connection)?;
    Ok(put == 1)
}

/// Notes the day on which somebody signed in there, once.
pub fn used(reader: &mut Reader<'_>, id: &WorkstationId, day: Timestamp) -> Result<()> {
    diesel::update(workstations::table.find(id))
        .filter(workstations::used_on.is_null().or(workstations::used_on.lt(day)))
        .set(workstations::used_on.eq(day))
        .execute(reader.connection)?;
    Ok(())
}

/// Ends a workstation, and its browser is none any more; false if it had ended already.
pub fn end(tx: &mut Tx<'_>, id: &WorkstationId, by: &str) -> Result<bool> {
    let ended = diesel::update(workstations::table.find(id))
        .filter(workstations::ended_at.is_null())
        .set((
            workstations::digest.eq(None::<String>),
            workstations::ended_at.eq(tx.now),
            workstations::ended_by.eq(by),
        ))
        .execute(tx.connection)?;
    Ok(ended == 1)
}
