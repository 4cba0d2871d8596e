//! Which volumes were told: one row for each evaluation.

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as Cause};

use crate::clock::Timestamp;
use crate::db::Reader;
use crate::db::once::PATIENCE;
use crate::db::schema::usage_reports;
use crate::error::Result;

/// What was known of an evaluation.
pub(super) enum Taken {
    /// Nothing: whoever asked has it now.
    New,
    /// So many records, and whether the log has them.
    Before { records: i64, recorded: bool },
}

/// Takes an evaluation, each of which is told of once. Whoever took it and has not come to an end within
/// [`PATIENCE`] is taken for dead.
pub(super) fn take(reader: &mut Reader<'_>, evaluation: &str, records: i64) -> Result<Taken> {
    let silent = reader.now.minus(PATIENCE);
    let dead = usage_reports::table.find(evaluation).filter(usage_reports::recorded.eq(false));
    diesel::delete(dead.filter(usage_reports::at.le(silent))).execute(reader.connection)?;
    let inserted = diesel::insert_into(usage_reports::table)
        .values((
            usage_reports::evaluation.eq(evaluation),
            usage_reports::records.eq(records),
            usage_reports::recorded.eq(false),
            usage_reports::at.eq(reader.now),
        ))
        .execute(reader.connection);
    match inserted {
        Ok(_) => return Ok(Taken::New),
        Err(Cause::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => {}
        Err(other) => return Err(other.into()),
    }
    let (records, recorded) = usage_reports::table
        .find(evaluation)
        .select((usage_reports::records, usage_reports::recorded))
        .first(reader.connection)?;
    Ok(Taken::Before { records, recorded })
}

/// The log has it.
pub(super) fn mark_recorded(reader: &mut Reader<'_>, evaluation: &str) -> Result<()> {
    diesel::update(usage_reports::table.find(evaluation))
        .set(usage_reports::recorded.eq(true))
        .execute(reader.connection)?;
    Ok(())
}

/// It was not told after all.
pub(super) fn forget(reader: &mut Reader<'_>, evaluation: &str) -> Result<()> {
    let row = usage_reports::table.find(evaluation).filter(usage_reports::recorded.eq(false));
    diesel::delete(row).execute(reader.connection)?;
    Ok(())
}

/// Forgets what was told before; returns how many.
pub(super) fn tidy(reader: &mut Reader<'_>, before: Timestamp) -> Result<usize> {
    Ok(diesel::delete(usage_reports::table.filter(usage_reports::at.lt(before)))
        .execute(reader.connection)?)
}
