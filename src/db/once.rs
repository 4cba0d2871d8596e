//! Rows of `idempotency`: a call that carries a key is carried out once. `digest` is the keyed hash of caller and key,
//! `request_digest` that of the call itself, `holder` the attempt that carries it out now, `done` whether its effect is
//! committed, `answer` the sealed body of its answer.
//!
//! Rules: each step is one conditional statement outside the log's lock but [`mark`], which stands inside the
//! transaction of the effect: an attempt whose row has passed to another cannot commit, so that an effect happens once
//! also if the outcome of a commit was unknown, or a node died.

use chrono::Duration;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as Cause};

use super::schema::idempotency;
use super::{Reader, Tx};
use crate::caller::Once;
use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// For so long a key is remembered.
pub const KEPT: Duration = Duration::hours(24);
/// After so long without a word an attempt is taken for dead, and another may take its place.
pub const PATIENCE: Duration = Duration::seconds(60);

/// What is known of a key.
#[derive(Debug, Queryable)]
pub struct Known {
    /// The keyed hash of the call that came with it first.
    pub request_digest: String,
    /// The attempt that carries it out, or did.
    pub holder: String,
    /// Whether its effect is committed.
    pub done: bool,
    /// The status of its answer, once there is one.
    pub status: Option<i32>,
    /// The sealed body of its answer, if that is kept.
    pub answer: Option<Vec<u8>>,
    /// When the attempt began.
    pub at: Timestamp,
}

/// Takes the key for this attempt, if nobody has it. What is older than [`KEPT`] counts no more.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn take(reader: &mut Reader<'_>, once: &Once, request_digest: &str) -> Result<bool> {
    let over = reader.now.minus(KEPT);
    diesel::delete(idempotency::table.find(&once.digest).filter(idempotency::at.le(over)))
        .execute(reader.connection)?;
    let inserted = diesel::insert_into(idempotency::table)
        .values((
            idempotency::digest.eq(&once.digest),
            idempotency::request_digest.eq(request_digest),
            idempotency::holder.eq(&once.holder),
            idempotency::done.eq(false),
            idempotency::at.eq(reader.now),
        ))
        .execute(reader.connection);
    match inserted {
        Ok(_) => Ok(true),
        Err(Cause::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Ok(false),
        Err(other) => Err(other.into()),
    }
}

/// What is known of a key; `None` if nothing.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn find(reader: &mut Reader<'_>, digest: &str) -> Result<Option<Known>> {
    let columns = (
        idempotency::request_digest,
        idempotency::holder,
        idempotency::done,
        idempotency::status,
        idempotency::answer,
        idempotency::at,
    );
    Ok(idempotency::table.find(digest).select(columns).first(reader.connection).optional()?)
}

/// Takes the place of an attempt that has committed nothing and is silent since before [`PATIENCE`].
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn take_over(reader: &mut Reader<'_>, once: &Once, silent: &str) -> Result<bool> {
    let before = reader.now.minus(PATIENCE);
    let row = idempotency::table.find(&once.digest);
    let taken = diesel::update(row.filter(idempotency::holder.eq(silent)))
        .filter(idempotency::done.eq(false))
        .filter(idempotency::status.is_null())
        .filter(idempotency::at.le(before))
        .set((idempotency::holder.eq(&once.holder), idempotency::at.eq(reader.now)))
        .execute(reader.connection)?;
    Ok(taken == 1)
}

/// Marks the effect as committed, in its own transaction. Called by `Database::write` before it commits.
///
/// # Errors
/// [`Error::Conflict`] `in-flight` if another attempt has taken the place of this one.
pub fn mark(tx: &mut Tx<'_>) -> Result<()> {
    let Some(once) = tx.caller.once.clone() else { return Ok(()) };
    let row = idempotency::table.find(&once.digest);
    let marked = diesel::update(row.filter(idempotency::holder.eq(&once.holder)))
        .set(idempotency::done.eq(true))
        .execute(tx.connection)?;
    if marked == 1 { Ok(()) } else { Err(in_flight()) }
}

/// The refusal while another attempt carries the same call out.
pub fn in_flight() -> Error {
    let help = "A call with this Idempotency-Key is being carried out; ask again with it in a second.";
    Error::conflict("in-flight", help)
}

/// Keeps the answer; without a body it is only known that there was one.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn keep(reader: &mut Reader<'_>, once: &Once, status: u16, answer: Option<&[u8]>) -> Result<()> {
    let row = idempotency::table.find(&once.digest);
    diesel::update(row.filter(idempotency::holder.eq(&once.holder)))
        .set((idempotency::status.eq(i32::from(status)), idempotency::answer.eq(answer)))
        .execute(reader.connection)?;
    Ok(())
}

/// Forgets the key if nothing was committed with it: the call was refused and may be made again. Whether it was.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn give_back(reader: &mut Reader<'_>, once: &Once) -> Result<bool> {
    let row = idempotency::table.find(&once.digest);
    let gone = diesel::delete(row.filter(idempotency::holder.eq(&once.holder)))
        .filter(idempotency::done.eq(false))
        .execute(reader.connection)?;
    Ok(gone == 1)
}

/// Forgets keys that are older than [`KEPT`]; how many.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn tidy(reader: &mut Reader<'_>) -> Result<usize> {
    let over = reader.now.minus(KEPT);
    Ok(diesel::delete(idempotency::table.filter(idempotency::at.le(over))).execute(reader.connection)?)
}
