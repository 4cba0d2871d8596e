//! Looking at tasks.
//!
//! Rule: the named person sees the own tasks, a system's owner those of the own systems, whoever looks after all
//! systems or audits them sees all.

use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::{Task, TaskState};
use crate::access::roles;
use crate::clock::Timestamp;
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::ids::{AccountId, GrantId, TaskId};
use crate::provisioning::store::{holdings as holding_store, tasks as store};
use crate::provisioning::{Viewer, holdings};
use crate::vault;

/// Which tasks a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What waits for the viewer.
    Mine,
    /// What waits for anybody.
    Waiting,
    /// What should be done by now.
    Overdue,
    /// Finished ones too.
    All,
}

impl Part {
    /// The part of that name.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is none.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "mine" => Ok(Self::Mine),
            "waiting" => Ok(Self::Waiting),
            "overdue" => Ok(Self::Overdue),
            "all" => Ok(Self::All),
            _ => Err(Error::field("view", "must be mine, waiting, overdue or all")),
        }
    }
}

/// The task of that id, if this viewer may see it.
///
/// # Errors
/// [`Error::NotFound`] otherwise.
pub fn find(reader: &mut Reader<'_>, id: &TaskId, viewer: &Viewer) -> Result<Task> {
    let task = store::find(reader, id)?.ok_or(Error::NotFound("task"))?;
    let involved =
        task.assignee == viewer.account || task.done.as_ref().is_some_and(|(by, _)| *by == viewer.account);
    if viewer.everything || viewer.handles || involved || holdings::owns(reader, viewer, &task.system)? {
        return Ok(task);
    }
    Err(Error::NotFound("task"))
}

/// Tasks of a part that this viewer may see, oldest first, and the cursor of the next page.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn list(
    reader: &mut Reader<'_>,
    part: Part,
    viewer: &Viewer,
    cursor: Option<&str>,
    limit: i64,
) -> Result<(Vec<Task>, Option<String>)> {
    let mut filter = store::Filter { unfinished: part != Part::All, ..store::Filter::default() };
    filter.overdue = part == Part::Overdue;
    if part == Part::Mine {
        filter.of = Some((viewer.account.clone(), Vec::new()));
        filter.state = Some(TaskState::Open);
    } else if !viewer.everything {
        filter.of = Some((viewer.account.clone(), roles::owned_by(reader, &viewer.account)?));
    }
    let mut found = store::list(reader, &filter, cursor, limit + 1)?;
    let more = found.len() as i64 > limit;
    found.truncate(usize::try_from(limit).unwrap_or_default());
    let next = found.last().filter(|_| more).map(|last| last.id.to_string());
    Ok((found, next))
}

/// How many tasks wait for somebody.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn waiting_for(reader: &mut Reader<'_>, account: &AccountId) -> Result<u64> {
    store::count_open_of(reader, account)
}

/// The tasks of a grant that ended, withdrawn ones left out.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn of_grant(reader: &mut Reader<'_>, grant: &GrantId) -> Result<Vec<Task>> {
    let mut tasks = store::of_grant(reader, grant)?;
    tasks.retain(|task| task.state != TaskState::Withdrawn);
    Ok(tasks)
}

/// The tasks of these grants, withdrawn ones left out.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn of_grants(reader: &mut Reader<'_>, grants: &[GrantId]) -> Result<HashMap<GrantId, Vec<Task>>> {
    let mut found: HashMap<GrantId, Vec<Task>> = HashMap::new();
    for task in store::of_grants(reader, grants)? {
        if let (Some(grant), true) = (task.grant.clone(), task.state != TaskState::Withdrawn) {
            found.entry(grant).or_default().push(task);
        }
    }
    Ok(found)
}

/// The tasks about somebody's access, by system, withdrawn ones left out.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn of_account(reader: &mut Reader<'_>, account: &AccountId) -> Result<Vec<Task>> {
    let mut tasks = store::of_account(reader, account)?;
    tasks.retain(|task| task.state != TaskState::Withdrawn);
    Ok(tasks)
}

/// The login that a task is about, if the system's list named it.
///
/// # Errors
/// [`Error::Internal`] if it does not open.
pub fn login(reader: &mut Reader<'_>, task: &Task) -> Result<Option<String>> {
    let Some(id) = &task.holding else { return Ok(None) };
    Ok(holding_store::find(reader, id)?.map(|holding| holding.named.login))
}

/// Why there is a task.
#[derive(Serialize, ToSchema)]
pub struct OriginView {
    kind: String,
    #[schema(required)]
    id: Option<String>,
}

/// Who did something, and when.
#[derive(Serialize, ToSchema)]
pub struct DoneView {
    by: AccountId,
    at: Timestamp,
}

/// How it was seen to be done: by whom or what, when, and at which revision.
#[derive(Serialize, ToSchema)]
pub struct VerifiedView {
    by: String,
    at: Timestamp,
    revision: u64,
}

/// A task as callers see it.
#[derive(Serialize, ToSchema)]
pub struct TaskView {
    id: TaskId,
    system: String,
    #[schema(required)]
    external_login: Option<String>,
    role: String,
    #[schema(required)]
    account: Option<AccountId>,
    #[schema(required)]
    grant: Option<GrantId>,
    origin: OriginView,
    assignee: AccountId,
    state: TaskState,
    opened_at: Timestamp,
    due_at: Timestamp,
    overdue: bool,
    #[schema(required)]
    note: Option<String>,
    #[schema(required)]
    proof: Option<String>,
    #[schema(required)]
    done: Option<DoneView>,
    #[schema(required)]
    verified: Option<VerifiedView>,
    revision: u64,
}

/// A task as callers see it.
///
/// # Errors
/// [`Error::Internal`] if a text does not open.
pub fn task_view(reader: &mut Reader<'_>, task: &Task) -> Result<TaskView> {
    let verified = task.verified.clone();
    Ok(TaskView {
        id: task.id.clone(),
        system: task.system.clone(),
        external_login: login(reader, task)?,
        role: task.role.clone(),
        account: task.account.clone(),
        grant: task.grant.clone(),
        origin: OriginView { kind: task.origin.word().to_owned(), id: task.origin.id().map(str::to_owned) },
        assignee: task.assignee.clone(),
        state: task.state,
        opened_at: task.opened_at,
        due_at: task.due_at,
        overdue: task.is_overdue(reader.now),
        note: task.note.as_ref().map(|text| vault::show(reader, text)).transpose()?,
        proof: task.proof.as_ref().map(|text| vault::show(reader, text)).transpose()?,
        done: task.done.clone().map(|(by, at)| DoneView { by, at }),
        verified: verified.map(|(by, at, revision)| VerifiedView { by, at, revision }),
        revision: task.revision,
    })
}
