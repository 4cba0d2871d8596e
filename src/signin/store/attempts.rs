//! Rows of `attempts`: `digest` is the keyed hash of the account or of the name that was typed, `failures` counts wrong ones
//! in a row since the last lock, `consecutive` all of them since the last right one, `in_flight` those not yet judged,
//! `held_at` says since when a lock holds that has no end. Every decision is one conditional statement.

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::Reader;
use crate::db::schema::attempts;
use crate::error::{Error, Result};
use crate::signin::lockout::Lock;

/// A counter as it stands.
#[derive(Debug, Clone, Copy, Queryable)]
pub struct Row {
    pub failures: i32,
    pub in_flight: i32,
    pub locked_until: Option<Timestamp>,
    pub changed_at: Timestamp,
    pub held_at: Option<Timestamp>,
    pub consecutive: i32,
}

type Columns = (
    attempts::failures,
    attempts::in_flight,
    attempts::locked_until,
    attempts::changed_at,
    attempts::held_at,
    attempts::consecutive,
);
const COLUMNS: Columns = (
    attempts::failures,
    attempts::in_flight,
    attempts::locked_until,
    attempts::changed_at,
    attempts::held_at,
    attempts::consecutive,
);

/// How many may be wrong in a row: so many until the next lock, and so many until the last.
#[derive(Debug, Clone, Copy)]
pub struct Most {
    pub failures: i32,
    pub consecutive: i32,
}

pub fn find(reader: &mut Reader<'_>, digest: &str) -> Result<Option<Row>> {
    Ok(attempts::table.find(digest).select(COLUMNS).first(reader.connection).optional()?)
}

/// Makes the counter unless another has just done so.
pub fn begin(reader: &mut Reader<'_>, digest: &str, of_account: bool) -> Result<()> {
    let inserted = diesel::insert_into(attempts::table)
        .values((
            attempts::digest.eq(digest),
            attempts::failures.eq(0),
            attempts::in_flight.eq(0),
            attempts::changed_at.eq(reader.now),
            attempts::of_account.eq(of_account),
        ))
        .execute(reader.connection);
    match inserted {
        Ok(_) => Ok(()),
        Err(diesel::result::Error::DatabaseError(diesel::result::DatabaseErrorKind::UniqueViolation, _)) => {
            Ok(())
        }
        Err(other) => Err(Error::from(other)),
    }
}

/// Opens a lock whose time is over: the counter begins anew.
pub fn release_lock(reader: &mut Reader<'_>, digest: &str) -> Result<()> {
    diesel::update(attempts::table.find(digest))
        .filter(attempts::locked_until.le(reader.now))
        .set((
            attempts::failures.eq(0),
            attempts::in_flight.eq(0),
            attempts::locked_until.eq(None::<Timestamp>),
        ))
        .execute(reader.connection)?;
    Ok(())
}

/// Forgets what has been in flight since before `before`: whoever had it crashed.
pub fn forget_in_flight(reader: &mut Reader<'_>, digest: &str, before: Timestamp) -> Result<()> {
    diesel::update(attempts::table.find(digest))
        .filter(attempts::in_flight.gt(0))
        .filter(attempts::changed_at.lt(before))
        .set(attempts::in_flight.eq(0))
        .execute(reader.connection)?;
    Ok(())
}

/// Forgets the failures since the last lock; those since the last right one stay.
pub fn forget_failures(reader: &mut Reader<'_>, digest: &str) -> Result<()> {
    diesel::update(attempts::table.find(digest))
        .filter(attempts::locked_until.is_null())
        .filter(attempts::held_at.is_null())
        .set((attempts::failures.eq(0), attempts::in_flight.eq(0), attempts::changed_at.eq(reader.now)))
        .execute(reader.connection)?;
    Ok(())
}

/// Reserves one attempt if failures and attempts in flight leave room below `most` and there is no lock.
pub fn reserve(reader: &mut Reader<'_>, digest: &str, most: Most) -> Result<bool> {
    let reserved = diesel::update(attempts::table.find(digest))
        .filter(attempts::locked_until.is_null())
        .filter(attempts::held_at.is_null())
        .filter((attempts::failures + attempts::in_flight).lt(most.failures))
        .filter((attempts::consecutive + attempts::in_flight).lt(most.consecutive))
        .set((attempts::in_flight.eq(attempts::in_flight + 1), attempts::changed_at.eq(reader.now)))
        .execute(reader.connection)?;
    Ok(reserved == 1)
}

/// Gives a reservation back unjudged.
pub fn give_back(reader: &mut Reader<'_>, digest: &str) -> Result<()> {
    diesel::update(attempts::table.find(digest))
        .filter(attempts::in_flight.gt(0))
        .set(attempts::in_flight.eq(attempts::in_flight - 1))
        .execute(reader.connection)?;
    Ok(())
}

/// Settles a reservation as right: what failed before is forgotten.
pub fn succeed(reader: &mut Reader<'_>, digest: &str) -> Result<()> {
    diesel::update(attempts::table.find(digest))
        .set((attempts::failures.eq(0), attempts::consecutive.eq(0), attempts::changed_at.eq(reader.now)))
        .execute(reader.connection)?;
    give_back(reader, digest)
}

/// Settles a reservation as wrong if that does not lock; false if it would, and nothing is changed then.
pub fn fail_without_lock(reader: &mut Reader<'_>, digest: &str, most: Most) -> Result<bool> {
    let counted = diesel::update(attempts::table.find(digest))
        .filter(attempts::in_flight.gt(0))
        .filter((attempts::failures + 1).lt(most.failures))
        .filter((attempts::consecutive + 1).lt(most.consecutive))
        .set((
            attempts::failures.eq(attempts::failures + 1),
            attempts::consecutive.eq(attempts::consecutive + 1),
            attempts::in_flight.eq(attempts::in_flight - 1),
            attempts::changed_at.eq(reader.now),
        ))
        .execute(reader.connection)?;
    Ok(counted == 1)
}

/// Settles a reservation as wrong and returns the counter after it; its row stays ours until the transaction ends.
pub fn fail(reader: &mut Reader<'_>, digest: &str) -> Result<Option<Row>> {
    let now = reader.now;
    let row = diesel::update(attempts::table.find(digest))
        .set((
            attempts::failures.eq(attempts::failures + 1),
            attempts::consecutive.eq(attempts::consecutive + 1),
            attempts::changed_at.eq(now),
        ))
        .returning(COLUMNS)
        .get_result(reader.connection)
        .optional()?;
    give_back(reader, digest)?;
    Ok(row)
}

/// Locks a counter and keeps when it was locked of late, the newest last.
pub fn lock(reader: &mut Reader<'_>, digest: &str, lock: Lock, recent: &[i64]) -> Result<()> {
    let recent = serde_json::to_string(recent).map_err(|cause| Error::internal("writing locks", cause))?;
    let (until, held_at) = match lock {
        Lock::Until(until) => (Some(until), None),
        Lock::Held => (None, Some(reader.now)),
    };
    diesel::update(attempts::table.find(digest))
        .set((
            attempts::locked_until.eq(until),
            attempts::held_at.eq(held_at),
            attempts::recent_locks.eq(recent),
        ))
        .execute(reader.connection)?;
    Ok(())
}

/// When a counter was locked of late, in microseconds since 1970.
pub fn recent_locks(reader: &mut Reader<'_>, digest: &str) -> Result<Vec<i64>> {
    let text: Option<Option<String>> =
        attempts::table.find(digest).select(attempts::recent_locks).first(reader.connection).optional()?;
    let text = text.flatten().unwrap_or_else(|| "[]".to_owned());
    serde_json::from_str(&text).map_err(|cause| Error::internal("reading locks", cause))
}

/// Begins the counter anew; true if there was anything that stood in the way.
pub fn clear(reader: &mut Reader<'_>, digest: &str) -> Result<bool> {
    diesel::update(attempts::table.find(digest))
        .set(attempts::consecutive.eq(0))
        .execute(reader.connection)?;
    // Somebody has looked at a lock that held: the locks before it count no more.
    diesel::update(attempts::table.find(digest))
        .filter(attempts::held_at.is_not_null())
        .set(attempts::recent_locks.eq(None::<String>))
        .execute(reader.connection)?;
    let cleared = diesel::update(attempts::table.find(digest))
        .filter(
            attempts::failures
                .gt(0)
                .or(attempts::locked_until.is_not_null())
                .or(attempts::held_at.is_not_null()),
        )
        .set((
            attempts::failures.eq(0),
            attempts::in_flight.eq(0),
            attempts::locked_until.eq(None::<Timestamp>),
            attempts::held_at.eq(None::<Timestamp>),
            attempts::changed_at.eq(reader.now),
        ))
        .execute(reader.connection)?;
    Ok(cleared == 1)
}

/// Deletes up to `limit` counters that nothing has happened to since `before`, those that hold only if they do so since
/// before `held_before`, and no account's that has failed since it was last right; returns how many.
pub fn forget(
    reader: &mut Reader<'_>,
    (before, held_before): (Timestamp, Timestamp),
    limit: i64,
) -> Result<usize> {
    let old: Vec<String> = attempts::table
        .filter(attempts::changed_at.lt(before))
        .filter(attempts::locked_until.is_null().or(attempts::locked_until.lt(reader.now)))
        .filter(attempts::held_at.is_null().or(attempts::held_at.lt(held_before)))
        .filter(attempts::of_account.eq(false).or(attempts::consecutive.eq(0)))
        .limit(limit)
        .select(attempts::digest)
        .load(reader.connection)?;
    let deleted = diesel::delete(attempts::table)
        .filter(attempts::digest.eq_any(&old))
        .filter(attempts::changed_at.lt(before))
        .execute(reader.connection)?;
    Ok(deleted)
}
