//! Rows of tasks by hand, and where the job that opens them stands in the log.

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::schema::{accounts, manual_tasks, settings};
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::ids::{AccountId, GrantId, HoldingId, TaskId, TextId};
use crate::provisioning::tasks::{Origin, Task, TaskState};

const UNFINISHED: [TaskState; 2] = [TaskState::Open, TaskState::Done];
const CURSOR: &str = "provisioning.follow";

#[derive(Queryable)]
struct TaskRow {
    id: TaskId,
    system: String,
    role: String,
    account: Option<AccountId>,
    holding: Option<HoldingId>,
    grant_id: Option<GrantId>,
    origin: String,
    origin_id: Option<String>,
    assignee: AccountId,
    state: TaskState,
    opened_at: Timestamp,
    due_at: Timestamp,
    note: Option<TextId>,
    proof: Option<TextId>,
    done_by: Option<AccountId>,
    done_at: Option<Timestamp>,
    verified_by: Option<String>,
    verified_at: Option<Timestamp>,
    verified_revision: Option<i64>,
    revision: i64,
}

impl TaskRow {
    fn read(self) -> Result<Task> {
        let verified = match (self.verified_by, self.verified_at, self.verified_revision) {
            (Some(by), Some(at), Some(revision)) => Some((by, at, revision.unsigned_abs())),
            _ => None,
        };
        let origin = Origin::read(&self.origin, self.origin_id.as_deref());
        Ok(Task {
            origin: origin.ok_or_else(|| Error::internal("reading a task", "an unknown origin"))?,
            id: self.id,
            system: self.system,
            role: self.role,
            account: self.account,
            holding: self.holding,
            grant: self.grant_id,
            assignee: self.assignee,
            state: self.state,
            opened_at: self.opened_at,
            due_at: self.due_at,
            note: self.note,
            proof: self.proof,
            done: self.done_by.zip(self.done_at),
            verified,
            revision: self.revision.unsigned_abs(),
        })
    }
}

fn read_all(rows: Vec<TaskRow>) -> Result<Vec<Task>> {
    rows.into_iter().map(TaskRow::read).collect()
}

pub(in crate::provisioning) fn find(reader: &mut Reader<'_>, id: &TaskId) -> Result<Option<Task>> {
    let row: Option<TaskRow> =
        manual_tasks::table.find(id).select(manual_tasks::all_columns).first(reader.connection).optional()?;
    row.map(TaskRow::read).transpose()
}

/// The tasks of a grant, by id.
pub(in crate::provisioning) fn of_grant(reader: &mut Reader<'_>, grant: &GrantId) -> Result<Vec<Task>> {
    let rows: Vec<TaskRow> = manual_tasks::table
        .filter(manual_tasks::grant_id.eq(grant))
        .order(manual_tasks::id)
        .select(manual_tasks::all_columns)
        .load(reader.connection)?;
    read_all(rows)
}

/// The tasks of these grants, by id.
pub(in crate::provisioning) fn of_grants(reader: &mut Reader<'_>, grants: &[GrantId]) -> Result<Vec<Task>> {
    let rows: Vec<TaskRow> = manual_tasks::table
        .filter(manual_tasks::grant_id.eq_any(grants))
        .order(manual_tasks::id)
        .select(manual_tasks::all_columns)
        .load(reader.connection)?;
    read_all(rows)
}

/// The tasks about somebody's access, by system.
pub(in crate::provisioning) fn of_account(reader: &mut Reader<'_>, account: &AccountId) -> Result<Vec<Task>> {
    let rows: Vec<TaskRow> = manual_tasks::table
        .filter(manual_tasks::account.eq(account))
        .order((manual_tasks::system, manual_tasks::id))
        .select(manual_tasks::all_columns)
        .load(reader.connection)?;
    read_all(rows)
}

/// The tasks of a holding that are not finished, by id.
pub(in crate::provisioning) fn unfinished_of_holding(
    reader: &mut Reader<'_>,
    holding: &HoldingId,
) -> Result<Vec<Task>> {
    let rows: Vec<TaskRow> = manual_tasks::table
        .filter(manual_tasks::holding.eq(holding))
        .filter(manual_tasks::state.eq_any(UNFINISHED))
        .order(manual_tasks::id)
        .select(manual_tasks::all_columns)
        .load(reader.connection)?;
    read_all(rows)
}

/// Those of these holdings of which somebody said that they are taken away.
pub(in crate::provisioning) fn said_to_be_done(
    reader: &mut Reader<'_>,
    holdings: &[HoldingId],
) -> Result<std::collections::HashSet<HoldingId>> {
    let found: Vec<Option<HoldingId>> = manual_tasks::table
        .filter(manual_tasks::holding.eq_any(holdings))
        .filter(manual_tasks::state.eq(TaskState::Done))
        .select(manual_tasks::holding)
        .load(reader.connection)?;
    Ok(found.into_iter().flatten().collect())
}

/// Open tasks of people who are not active.
pub(in crate::provisioning) fn open_of_absent(reader: &mut Reader<'_>, limit: i64) -> Result<Vec<Task>> {
    let now = reader.now;
    let absent = accounts::state.ne("active").or(accounts::ends_at.le(now).assume_not_null());
    let rows: Vec<TaskRow> = manual_tasks::table
        .inner_join(accounts::table.on(accounts::id.eq(manual_tasks::assignee)))
        .filter(manual_tasks::state.eq(TaskState::Open))
        .filter(absent)
        .order(manual_tasks::id)
        .limit(limit)
        .select(manual_tasks::all_columns)
        .load(reader.connection)?;
    read_all(rows)
}

/// What a list of tasks may be narrowed by.
#[derive(Debug, Clone, Default)]
pub(in crate::provisioning) struct Filter {
    /// Only those that wait for somebody.
    pub unfinished: bool,
    /// Only in this state.
    pub state: Option<TaskState>,
    /// Only those whose time is over.
    pub overdue: bool,
    /// Only those of this person or in these systems.
    pub of: Option<(AccountId, Vec<String>)>,
}

/// Tasks that match, by id from the one after `after`.
pub(in crate::provisioning) fn list(
    reader: &mut Reader<'_>,
    filter: &Filter,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Task>> {
    let now = reader.now;
    let mut query = manual_tasks::table
        .select(manual_tasks::all_columns)
        .order(manual_tasks::id)
        .limit(limit)
        .into_boxed();
    if filter.unfinished {
        query = query.filter(manual_tasks::state.eq_any(UNFINISHED));
    }
    if let Some(state) = filter.state {
        query = query.filter(manual_tasks::state.eq(state));
    }
    if filter.overdue {
        query = query.filter(manual_tasks::due_at.le(now));
    }
    if let Some((person, systems)) = &filter.of {
        let own = manual_tasks::assignee.eq(person.clone());
        query = query.filter(own.or(manual_tasks::system.eq_any(systems.clone())));
    }
    if let Some(after) = after.and_then(TaskId::parse) {
        query = query.filter(manual_tasks::id.gt(after));
    }
    let rows: Vec<TaskRow> = query.load(reader.connection)?;
    read_all(rows)
}

/// How many tasks wait for a person.
pub(in crate::provisioning) fn count_open_of(reader: &mut Reader<'_>, account: &AccountId) -> Result<u64> {
    let count: i64 = manual_tasks::table
        .filter(manual_tasks::assignee.eq(account))
        .filter(manual_tasks::state.eq(TaskState::Open))
        .count()
        .get_result(reader.connection)?;
    Ok(count.unsigned_abs())
}

pub(in crate::provisioning) fn insert(tx: &mut Tx<'_>, task: &Task) -> Result<()> {
    diesel::insert_into(manual_tasks::table)
        .values((
            manual_tasks::id.eq(&task.id),
            manual_tasks::system.eq(&task.system),
            manual_tasks::role.eq(&task.role),
            manual_tasks::account.eq(&task.account),
            manual_tasks::holding.eq(&task.holding),
            manual_tasks::grant_id.eq(&task.grant),
            manual_tasks::origin.eq(task.origin.word()),
            manual_tasks::origin_id.eq(task.origin.id()),
            manual_tasks::assignee.eq(&task.assignee),
            manual_tasks::state.eq(task.state),
            manual_tasks::opened_at.eq(task.opened_at),
            manual_tasks::due_at.eq(task.due_at),
            manual_tasks::revision.eq(task.revision.cast_signed()),
        ))
        .execute(tx.connection)?;
    Ok(())
}

/// Writes what can change of a task.
pub(in crate::provisioning) fn update(tx: &mut Tx<'_>, task: &Task) -> Result<()> {
    let (done, verified) = (task.done.as_ref(), task.verified.as_ref());
    diesel::update(manual_tasks::table.find(&task.id))
        .set((
            manual_tasks::assignee.eq(&task.assignee),
            manual_tasks::state.eq(task.state),
            manual_tasks::note.eq(&task.note),
            manual_tasks::proof.eq(&task.proof),
            manual_tasks::done_by.eq(done.map(|(by, _)| by)),
            manual_tasks::done_at.eq(done.map(|(_, at)| *at)),
            manual_tasks::verified_by.eq(verified.map(|(by, ..)| by)),
            manual_tasks::verified_at.eq(verified.map(|(_, at, _)| *at)),
            manual_tasks::verified_revision.eq(verified.map(|(.., revision)| revision.cast_signed())),
            manual_tasks::revision.eq(task.revision.cast_signed()),
        ))
        .execute(tx.connection)?;
    Ok(())
}

// ---- where the job stands -------------------------------------------------------------------------------------------

/// The number of the last event that was followed.
pub(in crate::provisioning) fn cursor(reader: &mut Reader<'_>) -> Result<u64> {
    let value: Option<String> =
        settings::table.find(CURSOR).select(settings::value).first(reader.connection).optional()?;
    value.map_or(Ok(0), |value| value.parse().map_err(|cause| Error::internal("reading a cursor", cause)))
}

/// Moves on, never back: a node that was slower changes nothing.
pub(in crate::provisioning) fn move_cursor(reader: &mut Reader<'_>, to: u64) -> Result<()> {
    if cursor(reader)? >= to {
        return Ok(());
    }
    let value = to.to_string();
    let changed = diesel::update(settings::table.find(CURSOR))
        .set(settings::value.eq(&value))
        .execute(reader.connection)?;
    if changed == 0 {
        diesel::insert_into(settings::table)
            .values((settings::name.eq(CURSOR), settings::value.eq(&value)))
            .execute(reader.connection)?;
    }
    Ok(())
}
