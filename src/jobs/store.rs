//! Rows of jobs: when each is due, who holds it. Each function is one conditional statement.

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::Reader;
use crate::db::schema::jobs;
use crate::error::Result;

pub(super) fn ensure(reader: &mut Reader<'_>, name: &str, due_at: Timestamp) -> Result<()> {
    let known: i64 = jobs::table.filter(jobs::name.eq(name)).count().get_result(reader.connection)?;
    if known > 0 {
        return Ok(());
    }
    let row = (jobs::name.eq(name), jobs::due_at.eq(due_at), jobs::fence.eq(0));
    match diesel::insert_into(jobs::table).values(row).execute(reader.connection) {
        // Another node was quicker: the row is there, which is all that was wanted.
        Ok(_)
        | Err(diesel::result::Error::DatabaseError(diesel::result::DatabaseErrorKind::UniqueViolation, _)) => {
            Ok(())
        }
        Err(cause) => Err(cause.into()),
    }
}

/// Takes a job that is due and not held; its next time is set at once, so that a failed run waits for it.
pub(super) fn take(
    reader: &mut Reader<'_>,
    name: &str,
    holder: &str,
    next: Timestamp,
    held_until: Timestamp,
) -> Result<Option<i64>> {
    let now = reader.now;
    let free = jobs::held_until.is_null().or(jobs::held_until.le(now));
    Ok(diesel::update(jobs::table.filter(jobs::name.eq(name)).filter(jobs::due_at.le(now)).filter(free))
        .set((
            jobs::holder.eq(holder),
            jobs::held_until.eq(held_until),
            jobs::due_at.eq(next),
            jobs::fence.eq(jobs::fence + 1),
        ))
        .returning(jobs::fence)
        .get_result(reader.connection)
        .optional()?)
}

pub(super) fn make_due(reader: &mut Reader<'_>, name: &str) -> Result<()> {
    let now = reader.now;
    ensure(reader, name, now)?;
    diesel::update(jobs::table.find(name)).set(jobs::due_at.eq(now)).execute(reader.connection)?;
    Ok(())
}

pub(super) fn release(reader: &mut Reader<'_>, name: &str, holder: &str, report: &str) -> Result<()> {
    let now = reader.now;
    diesel::update(jobs::table.find(name).filter(jobs::holder.eq(holder)))
        .set((
            jobs::holder.eq(None::<String>),
            jobs::held_until.eq(None::<Timestamp>),
            jobs::ran_at.eq(now),
            jobs::report.eq(report),
        ))
        .execute(reader.connection)?;
    Ok(())
}

pub(super) fn fence(reader: &mut Reader<'_>, name: &str) -> Result<Option<i64>> {
    Ok(jobs::table.find(name).select(jobs::fence).first(reader.connection).optional()?)
}
