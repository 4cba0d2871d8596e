//! Rows of `mails`: `reason` says why there is one and keeps the same thing from being mailed twice, `about` has ids,
//! `attempts` grows with each try, and whoever tries knows by it whether the row is still theirs. And where the job
//! stands that follows the log.

use diesel::prelude::*;

use super::mail::{Mail, State, Template};
use crate::clock::Timestamp;
use crate::db::schema::{mails, settings};
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::ids::{AccountId, MailId};

const CURSOR: &str = "notify.followed";

type Columns = (MailId, Template, AccountId, String, i32, Timestamp);

fn mail(row: Columns) -> Mail {
    let (id, template, account, about, attempts, created_at) = row;
    Mail { id, template, account, about, attempts, created_at }
}

pub fn is_queued(reader: &mut Reader<'_>, reason: &str) -> Result<bool> {
    let found: i64 = mails::table.filter(mails::reason.eq(reason)).count().get_result(reader.connection)?;
    Ok(found > 0)
}

pub fn insert(
    tx: &mut Tx<'_>,
    id: &MailId,
    reason: &str,
    template: Template,
    account: &AccountId,
    about: &str,
) -> Result<()> {
    let values = (
        mails::id.eq(id),
        mails::reason.eq(reason),
        mails::template.eq(template),
        mails::account.eq(account),
        mails::about.eq(about),
        mails::state.eq(State::Waiting),
        mails::attempts.eq(0),
        mails::due_at.eq(tx.now),
        mails::created_at.eq(tx.now),
    );
    diesel::insert_into(mails::table).values(values).execute(tx.connection)?;
    Ok(())
}

/// Takes the mail that has been due for longest, until `until`: of any number who try, one gets it.
pub fn claim(reader: &mut Reader<'_>, until: Timestamp) -> Result<Option<Mail>> {
    let now = reader.now;
    let due: Option<MailId> = mails::table
        .filter(mails::state.eq(State::Waiting))
        .filter(mails::due_at.le(now))
        .order((mails::due_at, mails::id))
        .select(mails::id)
        .first(reader.connection)
        .optional()?;
    let Some(id) = due else { return Ok(None) };
    let row: Option<Columns> = diesel::update(mails::table.find(&id))
        .filter(mails::state.eq(State::Waiting))
        .filter(mails::due_at.le(now))
        .set((mails::due_at.eq(until), mails::attempts.eq(mails::attempts + 1)))
        .returning((
            mails::id,
            mails::template,
            mails::account,
            mails::about,
            mails::attempts,
            mails::created_at,
        ))
        .get_result(reader.connection)
        .optional()?;
    Ok(row.map(mail))
}

/// Whether anything is due.
pub fn any_due(reader: &mut Reader<'_>) -> Result<bool> {
    let due: i64 = mails::table
        .filter(mails::state.eq(State::Waiting))
        .filter(mails::due_at.le(reader.now))
        .count()
        .get_result(reader.connection)?;
    Ok(due > 0)
}

/// Lets a mail wait until `due_at`, unless somebody else has it by now.
pub fn postpone(reader: &mut Reader<'_>, mail: &Mail, due_at: Timestamp, fault: &str) -> Result<()> {
    diesel::update(mails::table.find(&mail.id))
        .filter(mails::state.eq(State::Waiting))
        .filter(mails::attempts.eq(mail.attempts))
        .set((mails::due_at.eq(due_at), mails::fault.eq(fault)))
        .execute(reader.connection)?;
    Ok(())
}

/// Ends a mail, unless somebody else has it by now.
pub fn end(reader: &mut Reader<'_>, mail: &Mail, state: State, fault: Option<&str>) -> Result<()> {
    diesel::update(mails::table.find(&mail.id))
        .filter(mails::state.eq(State::Waiting))
        .filter(mails::attempts.eq(mail.attempts))
        .set((mails::state.eq(state), mails::ended_at.eq(reader.now), mails::fault.eq(fault)))
        .execute(reader.connection)?;
    Ok(())
}

pub fn count(reader: &mut Reader<'_>, state: State, since: Option<Timestamp>) -> Result<u64> {
    let since = since.unwrap_or(Timestamp::from_micros(0));
    let found: i64 = mails::table
        .filter(mails::state.eq(state))
        .filter(mails::created_at.ge(since))
        .count()
        .get_result(reader.connection)?;
    Ok(found.unsigned_abs())
}

/// Deletes up to `limit` mails that ended before `before`; returns how many.
pub fn forget(tx: &mut Tx<'_>, before: Timestamp, limit: i64) -> Result<usize> {
    let old: Vec<MailId> =
        mails::table.filter(mails::ended_at.lt(before)).limit(limit).select(mails::id).load(tx.connection)?;
    Ok(diesel::delete(mails::table.filter(mails::id.eq_any(&old))).execute(tx.connection)?)
}

/// The number of the last event that was followed; nought before the first.
pub fn cursor(reader: &mut Reader<'_>) -> Result<u64> {
    let value: Option<String> =
        settings::table.find(CURSOR).select(settings::value).first(reader.connection).optional()?;
    value.map_or(Ok(0), |value| value.parse().map_err(|cause| Error::internal("reading a cursor", cause)))
}

/// Moves on, in the transaction of what was done on the way.
pub fn move_cursor(tx: &mut Tx<'_>, to: u64) -> Result<()> {
    let value = to.to_string();
    let changed = diesel::update(settings::table.find(CURSOR))
        .set(settings::value.eq(&value))
        .execute(tx.connection)?;
    if changed == 0 {
        diesel::insert_into(settings::table)
            .values((settings::name.eq(CURSOR), settings::value.eq(&value)))
            .execute(tx.connection)?;
    }
    Ok(())
}
