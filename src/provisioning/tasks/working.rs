//! Doing a task: said to be done, seen to be done, handed over, refused, opened again.
//!
//! Rules: the named person says that it is done, and how they know; somebody else looks, who owns the system or looks
//! after all of them. A key does none of it: what it says is what the next list says.

use super::opening::{another, is_at_work};
use super::{Task, TaskState, lists, reconciling};
use crate::access::grants::checked_reason;
use crate::caller::Actor;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::ids::{AccountId, TaskId};
use crate::log::append::next_revision;
use crate::log::event::Change;
use crate::provisioning::store::tasks as store;
use crate::provisioning::{Viewer, holdings};
use crate::vault;

/// The task in this state, if the caller is a person who may see it.
fn task_in(tx: &mut Tx<'_>, id: &TaskId, viewer: &Viewer, states: &[TaskState]) -> Result<Task> {
    let task = lists::find(tx, id, viewer)?;
    if !matches!(tx.caller.actor, Actor::Person { .. }) {
        return Err(Error::forbidden("not-yours", "A person does this, not a key."));
    }
    if !states.contains(&task.state) {
        let advice = format!("This task is {}; it does not wait for that.", task.state);
        return Err(Error::conflict("not-waiting", advice));
    }
    Ok(task)
}

fn save(tx: &mut Tx<'_>, task: &mut Task) -> Result<()> {
    task.revision = next_revision(tx)?;
    store::update(tx, task)
}

/// Says that it is done, and how one knows.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] unless the caller is the named person or looks after all systems;
/// [`Error::Conflict`] unless it is open; [`Error::Invalid`] without a proof.
pub fn complete(tx: &mut Tx<'_>, id: &TaskId, proof: &str, viewer: &Viewer) -> Result<Task> {
    let mut task = task_in(tx, id, viewer, &[TaskState::Open])?;
    if task.assignee != viewer.account && !viewer.handles {
        return Err(Error::forbidden("not-yours", "This task waits for somebody else."));
    }
    if task.account.as_ref() == Some(&viewer.account) {
        return Err(Error::forbidden("self-approval", "Nobody proves that their own access is gone."));
    }
    let proof = checked_reason(proof).map_err(|_| {
        Error::field_by_clause(
            "proof",
            "must say in 3 to 1,000 characters how you know that it is gone",
            "O10",
        )
    })?;
    let text = vault::keep(tx, proof)?;
    task.proof = Some(text.clone());
    task.done = Some((viewer.account.clone(), tx.now));
    task.state = TaskState::Done;
    save(tx, &mut task)?;
    tx.record(Change::TaskDone { task: task.id.clone(), account: task.account.clone(), proof: text });
    Ok(task)
}

/// Says that one has looked and it is gone: the second look.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] for who did it, for whose access it is, and for who neither owns the
/// system nor looks after all of them; [`Error::Conflict`] unless it is said to be done.
pub fn verify(tx: &mut Tx<'_>, id: &TaskId, viewer: &Viewer) -> Result<Task> {
    let mut task = task_in(tx, id, viewer, &[TaskState::Done])?;
    second_person(tx, &task, viewer)?;
    let by = viewer.account.to_string();
    reconciling::verified(tx, &mut task, &by)?;
    Ok(task)
}

/// Says that one has looked and it is still there.
///
/// # Errors
/// As [`verify`]; [`Error::Invalid`] without a reason.
pub fn reopen(tx: &mut Tx<'_>, id: &TaskId, reason: &str, viewer: &Viewer) -> Result<Task> {
    let mut task = task_in(tx, id, viewer, &[TaskState::Done])?;
    second_person(tx, &task, viewer)?;
    task.note = Some(vault::keep(tx, checked_reason(reason)?)?);
    task.state = TaskState::Open;
    save(tx, &mut task)?;
    let cause = "a second look".to_owned();
    tx.record(Change::TaskReopened { task: task.id.clone(), account: task.account.clone(), cause });
    Ok(task)
}

fn second_person(tx: &mut Tx<'_>, task: &Task, viewer: &Viewer) -> Result<()> {
    let did_it = task.done.as_ref().is_some_and(|(by, _)| *by == viewer.account);
    if did_it || task.account.as_ref() == Some(&viewer.account) {
        let advice = "Somebody else looks: neither who did it nor whose access it was.";
        return Err(Error::forbidden("second-person", advice));
    }
    if viewer.handles || holdings::owns(tx, viewer, &task.system)? {
        return Ok(());
    }
    let advice = "The owner of the system looks, or whoever looks after all systems.";
    Err(Error::forbidden("not-yours", advice))
}

/// Hands it over to another person.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] unless it is the caller's, in the caller's system, or the caller looks
/// after all systems; [`Error::Invalid`] for a person who cannot do it.
pub fn hand_over(
    tx: &mut Tx<'_>,
    id: &TaskId,
    to: &AccountId,
    reason: &str,
    viewer: &Viewer,
) -> Result<Task> {
    let task = task_in(tx, id, viewer, &[TaskState::Open])?;
    if task.assignee != viewer.account && !viewer.handles && !holdings::owns(tx, viewer, &task.system)? {
        return Err(Error::forbidden("not-yours", "This task waits for somebody else."));
    }
    if *to == task.assignee {
        return Err(Error::field("to", "has this task already"));
    }
    if task.account.as_ref() == Some(to) {
        return Err(Error::field("to", "is the one from whom it is taken"));
    }
    let unknown = |error| match error {
        Error::NotFound(_) => Error::field("to", "must be a person who works here"),
        other => other,
    };
    if !is_at_work(tx, to).map_err(unknown)? {
        return Err(Error::field("to", "must be a person who works here and has signed in before"));
    }
    reassign(tx, task, to.clone(), Some(reason))
}

/// Says that one cannot do it: it goes to whoever stands in.
///
/// # Errors
/// As [`hand_over`]; [`Error::Conflict`] if there is nobody else.
pub fn refuse(tx: &mut Tx<'_>, id: &TaskId, reason: &str, viewer: &Viewer) -> Result<Task> {
    let task = task_in(tx, id, viewer, &[TaskState::Open])?;
    if task.assignee != viewer.account {
        return Err(Error::forbidden("not-yours", "This task waits for somebody else."));
    }
    match another(tx, &task)? {
        Some(to) => reassign(tx, task, to, Some(reason)),
        None => Err(Error::conflict("no-approver", "There is nobody else; hand it to somebody by name.")),
    }
}

/// Gives a task to another person; the house needs no reason.
pub(super) fn reassign(tx: &mut Tx<'_>, mut task: Task, to: AccountId, reason: Option<&str>) -> Result<Task> {
    let reason = match reason {
        Some(text) => Some(vault::keep(tx, checked_reason(text)?)?),
        None => None,
    };
    task.note = reason.clone().or(task.note);
    task.assignee = to;
    save(tx, &mut task)?;
    tx.record(Change::TaskHandedOver {
        task: task.id.clone(),
        account: task.account.clone(),
        assignee: task.assignee.clone(),
        reason,
    });
    Ok(task)
}
