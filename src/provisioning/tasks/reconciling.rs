//! What a system's list says about tasks: confirmed, or still there.

use super::{Task, TaskState};
use crate::db::Tx;
use crate::error::Result;
use crate::ids::HoldingId;
use crate::log::append::next_revision;
use crate::log::event::Change;
use crate::provisioning::store::{holdings as holding_store, tasks as store};
use crate::provisioning::{GoneHow, HoldingState, holdings};

/// By whom a task is verified that a list confirms.
pub const BY_LIST: &str = "list";

/// A list does not have the login any more: its unfinished tasks are verified. Whether there were any.
pub(in crate::provisioning) fn confirm(tx: &mut Tx<'_>, holding: &HoldingId) -> Result<bool> {
    let tasks = store::unfinished_of_holding(tx, holding)?;
    for mut task in tasks.iter().cloned() {
        mark(tx, &mut task, BY_LIST)?;
    }
    Ok(!tasks.is_empty())
}

/// A list still has a login that somebody said to have taken away.
pub(in crate::provisioning) fn still_there(tx: &mut Tx<'_>, holding: &HoldingId) -> Result<()> {
    for mut task in store::unfinished_of_holding(tx, holding)? {
        if task.state != TaskState::Done {
            continue;
        }
        task.state = TaskState::Open;
        task.revision = next_revision(tx)?;
        store::update(tx, &task)?;
        let cause = "still in the list".to_owned();
        tx.record(Change::TaskReopened { task: task.id, account: task.account, cause });
    }
    Ok(())
}

/// A second person saw that it is gone.
pub(super) fn verified(tx: &mut Tx<'_>, task: &mut Task, by: &str) -> Result<()> {
    mark(tx, task, by)?;
    let Some(id) = &task.holding else { return Ok(()) };
    match holding_store::find(tx, id)? {
        Some(holding) if holding.state != HoldingState::Gone => holdings::end(tx, holding, GoneHow::Removed),
        _ => Ok(()),
    }
}

fn mark(tx: &mut Tx<'_>, task: &mut Task, by: &str) -> Result<()> {
    let revision = next_revision(tx)?;
    task.state = TaskState::Verified;
    task.verified = Some((by.to_owned(), tx.now, revision));
    task.revision = revision;
    store::update(tx, task)?;
    tx.record(Change::TaskVerified {
        task: task.id.clone(),
        account: task.account.clone(),
        by: by.to_owned(),
    });
    Ok(())
}
