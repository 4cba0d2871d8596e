//! Opening tasks, and choosing who does them.
//!
//! Rules: a system that decides here needs none; where its list named the login there is one task for each login, else
//! one for the grant; what has a task gets no second one. Calls `access::roles`, `access::people`, `access::floor`.

use super::{Origin, Task, TaskState};
use crate::access::catalogue::Integration;
use crate::access::grants::Grant;
use crate::access::roles::ApplicationRecord;
use crate::access::{floor, people, roles};
use crate::accounts;
use crate::clock::Timestamp;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::ids::{AccountId, GrantId, TaskId};
use crate::log::append::next_revision;
use crate::log::event::Change;
use crate::provisioning::store::{holdings, tasks as store};
use crate::provisioning::{Holding, HoldingState};

/// Opens what a grant that ended, or rests, asks for; `due_at` if it is not the profile's.
pub(in crate::provisioning) fn for_grant(
    tx: &mut Tx<'_>,
    grant: &Grant,
    origin: &Origin,
    due_at: Option<Timestamp>,
) -> Result<()> {
    let Some(system) = carried_out_by_hand(tx, &grant.role)? else { return Ok(()) };
    let known = store::of_grant(tx, &grant.id)?;
    // A task from before the grant was last confirmed was about an earlier end.
    let stands = |task: &&Task| task.state != TaskState::Withdrawn && task.opened_at >= grant.confirmed_at;
    let logins = holdings::of_grant(tx, &grant.id)?;
    if logins.is_empty() {
        if !known.iter().any(|task| stands(&task)) {
            let wanted =
                Wanted { account: Some(grant.account.clone()), holding: None, grant: Some(grant), origin };
            open(tx, &system, &grant.role, wanted, due_at)?;
        }
        return Ok(());
    }
    for login in logins.iter().filter(|login| login.state != HoldingState::Gone) {
        let has = known.iter().filter(stands).any(|task| task.holding.as_ref() == Some(&login.id));
        if !has {
            let wanted = Wanted {
                account: Some(grant.account.clone()),
                holding: Some(login),
                grant: Some(grant),
                origin,
            };
            open(tx, &system, &grant.role, wanted, due_at)?;
        }
    }
    Ok(())
}

/// Opens the tasks of a grant of somebody who left; they are due with the case.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn for_leaver(tx: &mut Tx<'_>, grant: &Grant, origin: &Origin, due_at: Timestamp) -> Result<()> {
    for_grant(tx, grant, origin, Some(due_at))
}

/// Opens the task that removes a login of nobody known.
pub(in crate::provisioning) fn for_holding(
    tx: &mut Tx<'_>,
    holding: &Holding,
    origin: &Origin,
) -> Result<Task> {
    let system = roles::application(tx, &holding.system)?;
    let wanted = Wanted { account: holding.account.clone(), holding: Some(holding), grant: None, origin };
    open(tx, &system, &holding.role, wanted, None)
}

/// The system of a role, if what ends here has to be taken away there by hand.
fn carried_out_by_hand(reader: &mut Reader<'_>, role: &str) -> Result<Option<ApplicationRecord>> {
    let system = role.split_once('/').map(|(system, _)| system).unwrap_or_default();
    match roles::application(reader, system) {
        Ok(record) => {
            Ok(Some(record).filter(|record| record.specification.integration != Integration::Decides))
        }
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

struct Wanted<'a> {
    account: Option<AccountId>,
    holding: Option<&'a Holding>,
    grant: Option<&'a Grant>,
    origin: &'a Origin,
}

fn open(
    tx: &mut Tx<'_>,
    system: &ApplicationRecord,
    role: &str,
    wanted: Wanted<'_>,
    due_at: Option<Timestamp>,
) -> Result<Task> {
    let within = tx.profile().leaver().within.after(tx.now.utc()).map(Timestamp::from);
    let within = within.ok_or_else(|| Error::internal("opening a task", "beyond the calendar"))?;
    let task = Task {
        id: TaskId::new(tx.now, tx.entropy()),
        system: system.key.clone(),
        role: role.to_owned(),
        assignee: who(tx, system, wanted.account.as_ref())?,
        account: wanted.account,
        holding: wanted.holding.map(|holding| holding.id.clone()),
        grant: wanted.grant.map(|grant| grant.id.clone()),
        origin: wanted.origin.clone(),
        state: TaskState::Open,
        opened_at: tx.now,
        due_at: due_at.unwrap_or(within),
        note: None,
        proof: None,
        done: None,
        verified: None,
        revision: next_revision(tx)?,
    };
    store::insert(tx, &task)?;
    tx.record(Change::TaskOpened {
        task: task.id.clone(),
        system: task.system.clone(),
        account: task.account.clone(),
        assignee: task.assignee.clone(),
        due_at: task.due_at,
        origin: task.origin.word().to_owned(),
    });
    Ok(task)
}

/// Who does it: the system's owner, those above the owner, an administrator; the first who is in use and is not the
/// one from whom it is taken.
fn who(
    reader: &mut Reader<'_>,
    system: &ApplicationRecord,
    subject: Option<&AccountId>,
) -> Result<AccountId> {
    let mut candidates: Vec<AccountId> = system.owner.clone().into_iter().collect();
    if let Some(owner) = &system.owner {
        candidates.extend(accounts::chain(reader, owner)?);
    }
    candidates.extend(floor::administrators(reader)?);
    for candidate in &candidates {
        if Some(candidate) != subject && is_at_work(reader, candidate)? {
            return Ok(candidate.clone());
        }
    }
    // Nobody can be found who is at work: the first name stands there, and the task is overdue in sight of all.
    let other = candidates.iter().find(|candidate| Some(*candidate) != subject).or(candidates.first());
    other.cloned().ok_or(Error::NotFound("person"))
}

/// Whether somebody can be given a task now.
pub(super) fn is_at_work(reader: &mut Reader<'_>, account: &AccountId) -> Result<bool> {
    let standing = people::standing(reader, account)?;
    Ok(standing.person && standing.in_use)
}

/// Another person for a task: who does it if its person cannot.
pub(super) fn another(reader: &mut Reader<'_>, task: &Task) -> Result<Option<AccountId>> {
    let system = roles::application(reader, &task.system)?;
    let mut candidates: Vec<AccountId> = system.owner.clone().into_iter().collect();
    if let Some(owner) = &system.owner {
        candidates.extend(accounts::chain(reader, owner)?);
    }
    candidates.extend(floor::administrators(reader)?);
    for candidate in candidates {
        let fits = candidate != task.assignee && Some(&candidate) != task.account.as_ref();
        if fits && is_at_work(reader, &candidate)? {
            return Ok(Some(candidate));
        }
    }
    Ok(None)
}

/// Withdraws the unfinished tasks of a grant that counts again.
pub(in crate::provisioning) fn withdraw(tx: &mut Tx<'_>, grant: &GrantId) -> Result<()> {
    for mut task in store::of_grant(tx, grant)? {
        if !task.state.is_unfinished() {
            continue;
        }
        task.state = TaskState::Withdrawn;
        task.revision = next_revision(tx)?;
        store::update(tx, &task)?;
        tx.record(Change::TaskWithdrawn { task: task.id, account: task.account });
    }
    Ok(())
}
