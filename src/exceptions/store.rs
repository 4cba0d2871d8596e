//! Rows of exceptions and of decisions about oneself.

use diesel::prelude::*;

use super::own::{Matter, OwnDecision, Window};
use super::{Exception, ExceptionKind, ExceptionState};
use crate::clock::Timestamp;
use crate::db::schema::{exceptions, own_decisions};
use crate::db::{Reader, Tx};
use crate::error::Result;
use crate::ids::{AccountId, ExceptionId, OwnDecisionId, TextId};

const OPEN: [ExceptionState; 2] = [ExceptionState::Proposed, ExceptionState::Approved];

#[derive(Queryable)]
struct Row {
    id: ExceptionId,
    kind: ExceptionKind,
    what: String,
    account: AccountId,
    state: ExceptionState,
    reason: TextId,
    control: TextId,
    asked_by: String,
    approved_by: Option<String>,
    approved_at: Option<Timestamp>,
    created_at: Timestamp,
    ends_at: Timestamp,
    ended_by: Option<String>,
    ended_at: Option<Timestamp>,
    revision: i64,
}

impl Row {
    fn read(self) -> Exception {
        Exception {
            id: self.id,
            kind: self.kind,
            what: self.what,
            account: self.account,
            state: self.state,
            reason: self.reason,
            control: self.control,
            asked_by: self.asked_by,
            approved: self.approved_by.zip(self.approved_at),
            created_at: self.created_at,
            ends_at: self.ends_at,
            ended: self.ended_by.zip(self.ended_at),
            revision: self.revision.unsigned_abs(),
        }
    }
}

fn all(rows: Vec<Row>) -> Vec<Exception> {
    rows.into_iter().map(Row::read).collect()
}

fn by(step: &Option<(String, Timestamp)>) -> Option<String> {
    step.as_ref().map(|(by, _)| by.clone())
}

fn at(step: &Option<(String, Timestamp)>) -> Option<Timestamp> {
    step.as_ref().map(|(_, at)| *at)
}

pub(super) fn find(reader: &mut Reader<'_>, id: &ExceptionId) -> Result<Option<Exception>> {
    let row: Option<Row> =
        exceptions::table.find(id).select(exceptions::all_columns).first(reader.connection).optional()?;
    Ok(row.map(Row::read))
}

/// Every exception of one account from one rule.
pub(super) fn of(
    reader: &mut Reader<'_>,
    kind: ExceptionKind,
    what: &str,
    account: &AccountId,
) -> Result<Vec<Exception>> {
    let query = exceptions::table
        .filter(exceptions::account.eq(account))
        .filter(exceptions::kind.eq(kind))
        .filter(exceptions::what.eq(what))
        .order(exceptions::id);
    Ok(all(query.select(exceptions::all_columns).load(reader.connection)?))
}

pub(super) fn insert(tx: &mut Tx<'_>, exception: &Exception) -> Result<()> {
    diesel::insert_into(exceptions::table)
        .values((
            exceptions::id.eq(&exception.id),
            exceptions::kind.eq(exception.kind),
            exceptions::what.eq(&exception.what),
            exceptions::account.eq(&exception.account),
            exceptions::state.eq(exception.state),
            exceptions::reason.eq(&exception.reason),
            exceptions::control.eq(&exception.control),
            exceptions::asked_by.eq(&exception.asked_by),
            exceptions::created_at.eq(exception.created_at),
            exceptions::ends_at.eq(exception.ends_at),
            exceptions::revision.eq(exception.revision.cast_signed()),
        ))
        .execute(tx.connection)?;
    Ok(())
}

/// Writes what can change of an exception.
pub(super) fn update(tx: &mut Tx<'_>, exception: &Exception) -> Result<()> {
    diesel::update(exceptions::table.find(&exception.id))
        .set((
            exceptions::state.eq(exception.state),
            exceptions::approved_by.eq(by(&exception.approved)),
            exceptions::approved_at.eq(at(&exception.approved)),
            exceptions::ended_by.eq(by(&exception.ended)),
            exceptions::ended_at.eq(at(&exception.ended)),
            exceptions::revision.eq(exception.revision.cast_signed()),
        ))
        .execute(tx.connection)?;
    Ok(())
}

/// Exceptions by their ids, newest first; with `living` only those whose time runs, or is over.
pub(super) fn list(
    reader: &mut Reader<'_>,
    living: Option<bool>,
    before: Option<&ExceptionId>,
    limit: i64,
) -> Result<Vec<Exception>> {
    let now = reader.now;
    let mut query = exceptions::table
        .select(exceptions::all_columns)
        .order(exceptions::id.desc())
        .limit(limit)
        .into_boxed();
    query = match living {
        Some(true) => query.filter(exceptions::state.eq_any(OPEN)).filter(exceptions::ends_at.gt(now)),
        Some(false) => query.filter(exceptions::state.ne_all(OPEN).or(exceptions::ends_at.le(now))),
        None => query,
    };
    if let Some(before) = before {
        query = query.filter(exceptions::id.lt(before));
    }
    Ok(all(query.load(reader.connection)?))
}

/// Exceptions whose end has passed and is not noted yet.
pub(super) fn over(reader: &mut Reader<'_>, limit: i64) -> Result<Vec<Exception>> {
    let query = exceptions::table
        .filter(exceptions::state.eq_any(OPEN))
        .filter(exceptions::ends_at.le(reader.now))
        .order(exceptions::id)
        .limit(limit);
    Ok(all(query.select(exceptions::all_columns).load(reader.connection)?))
}

/// Exceptions in a state that end before an instant, but not yet.
pub(super) fn ending(
    reader: &mut Reader<'_>,
    state: ExceptionState,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<Exception>> {
    let query = exceptions::table
        .filter(exceptions::state.eq(state))
        .filter(exceptions::ends_at.gt(reader.now))
        .filter(exceptions::ends_at.le(before))
        .order(exceptions::id)
        .limit(limit);
    Ok(all(query.select(exceptions::all_columns).load(reader.connection)?))
}

// ---- decisions about oneself ----------------------------------------------------------------------------------------

#[derive(Queryable)]
struct OwnRow {
    id: OwnDecisionId,
    matter: Matter,
    thing: String,
    role: String,
    account: AccountId,
    state: Window,
    reason: TextId,
    opened_at: Timestamp,
    effective_at: Timestamp,
    objected_by: Option<String>,
    objected_at: Option<Timestamp>,
    objection: Option<TextId>,
    revision: i64,
}

impl OwnRow {
    fn read(self) -> OwnDecision {
        OwnDecision {
            id: self.id,
            matter: self.matter,
            thing: self.thing,
            role: self.role,
            account: self.account,
            state: self.state,
            reason: self.reason,
            opened_at: self.opened_at,
            effective_at: self.effective_at,
            objected: self.objected_by.zip(self.objected_at),
            objection: self.objection,
            revision: self.revision.unsigned_abs(),
        }
    }
}

pub(super) fn find_own(reader: &mut Reader<'_>, id: &OwnDecisionId) -> Result<Option<OwnDecision>> {
    let row: Option<OwnRow> = own_decisions::table
        .find(id)
        .select(own_decisions::all_columns)
        .first(reader.connection)
        .optional()?;
    Ok(row.map(OwnRow::read))
}

/// The decision about a thing that waits.
pub(super) fn waiting_own(
    reader: &mut Reader<'_>,
    matter: Matter,
    thing: &str,
) -> Result<Option<OwnDecision>> {
    let row: Option<OwnRow> = own_decisions::table
        .filter(own_decisions::matter.eq(matter))
        .filter(own_decisions::thing.eq(thing))
        .filter(own_decisions::state.eq(Window::Waiting))
        .select(own_decisions::all_columns)
        .first(reader.connection)
        .optional()?;
    Ok(row.map(OwnRow::read))
}

/// The latest decision about a thing that somebody objected to.
pub(super) fn objected_own(
    reader: &mut Reader<'_>,
    matter: Matter,
    thing: &str,
) -> Result<Option<OwnDecision>> {
    let row: Option<OwnRow> = own_decisions::table
        .filter(own_decisions::matter.eq(matter))
        .filter(own_decisions::thing.eq(thing))
        .filter(own_decisions::state.eq(Window::Objected))
        .order(own_decisions::id.desc())
        .select(own_decisions::all_columns)
        .first(reader.connection)
        .optional()?;
    Ok(row.map(OwnRow::read))
}

pub(super) fn insert_own(tx: &mut Tx<'_>, decision: &OwnDecision) -> Result<()> {
    diesel::insert_into(own_decisions::table)
        .values((
            own_decisions::id.eq(&decision.id),
            own_decisions::matter.eq(decision.matter),
            own_decisions::thing.eq(&decision.thing),
            own_decisions::role.eq(&decision.role),
            own_decisions::account.eq(&decision.account),
            own_decisions::state.eq(decision.state),
            own_decisions::reason.eq(&decision.reason),
            own_decisions::opened_at.eq(decision.opened_at),
            own_decisions::effective_at.eq(decision.effective_at),
            own_decisions::revision.eq(decision.revision.cast_signed()),
        ))
        .execute(tx.connection)?;
    Ok(())
}

/// Writes what can change of a decision.
pub(super) fn update_own(tx: &mut Tx<'_>, decision: &OwnDecision) -> Result<()> {
    diesel::update(own_decisions::table.find(&decision.id))
        .set((
            own_decisions::state.eq(decision.state),
            own_decisions::objected_by.eq(by(&decision.objected)),
            own_decisions::objected_at.eq(at(&decision.objected)),
            own_decisions::objection.eq(&decision.objection),
            own_decisions::revision.eq(decision.revision.cast_signed()),
        ))
        .execute(tx.connection)?;
    Ok(())
}

/// Decisions whose day is over and that nobody objected to.
pub(super) fn due_own(reader: &mut Reader<'_>, matter: Matter, limit: i64) -> Result<Vec<OwnDecision>> {
    let rows: Vec<OwnRow> = own_decisions::table
        .filter(own_decisions::state.eq(Window::Waiting))
        .filter(own_decisions::effective_at.le(reader.now))
        .filter(own_decisions::matter.eq(matter))
        .order((own_decisions::effective_at, own_decisions::id))
        .limit(limit)
        .select(own_decisions::all_columns)
        .load(reader.connection)?;
    Ok(rows.into_iter().map(OwnRow::read).collect())
}

pub(super) fn count_waiting_own(reader: &mut Reader<'_>) -> Result<u64> {
    let count: i64 = own_decisions::table
        .filter(own_decisions::state.eq(Window::Waiting))
        .count()
        .get_result(reader.connection)?;
    Ok(count.unsigned_abs())
}

/// Decisions by their ids, newest first.
pub(super) fn list_own(
    reader: &mut Reader<'_>,
    waiting: bool,
    before: Option<&OwnDecisionId>,
    limit: i64,
) -> Result<Vec<OwnDecision>> {
    let mut query = own_decisions::table
        .select(own_decisions::all_columns)
        .order(own_decisions::id.desc())
        .limit(limit)
        .into_boxed();
    if waiting {
        query = query.filter(own_decisions::state.eq(Window::Waiting));
    }
    if let Some(before) = before {
        query = query.filter(own_decisions::id.lt(before));
    }
    let rows: Vec<OwnRow> = query.load(reader.connection)?;
    Ok(rows.into_iter().map(OwnRow::read).collect())
}
