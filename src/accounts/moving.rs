//! Steps from state to state: enrolled, suspended, reinstated, left, come back.
//!
//! Rules: the state machine decides what is possible ([`super::state`]); each step is one event with the row's digest;
//! what it means for sessions, grants and reviews is judged by those slices from the account itself.

use super::state::{Status, Step, Suspension};
use super::{Account, Details, find, store};
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::ids::{AccountId, TextId};
use crate::log::append;
use crate::log::event::{Change, Row};
use crate::vault;

/// A credential was enrolled: the invited become active.
///
/// # Errors
/// [`Error::Conflict`] if the account is at rest or gone.
pub fn enrol(tx: &mut Tx<'_>, id: &AccountId) -> Result<Account> {
    step(tx, id, Step::Enrol, ("enrolled", None))
}

/// Puts an account to rest. `reason` is what somebody typed, 3 to 1,000 characters.
///
/// # Errors
/// [`Error::Invalid`] for an end that does not lie ahead; [`Error::Conflict`] if the account is gone, or rests for
/// security already and is to rest for less.
pub fn suspend(
    tx: &mut Tx<'_>,
    id: &AccountId,
    (cause, until): (Suspension, Option<Timestamp>),
    reason: Option<&str>,
) -> Result<Account> {
    if until.is_some_and(|until| until <= tx.now) {
        return Err(Error::field("until", "must lie ahead"));
    }
    let reason = keep_reason(tx, reason)?;
    step(tx, id, Step::Suspend { cause, until }, (cause.as_str(), reason))
}

/// Ends an account's rest.
///
/// # Errors
/// [`Error::Conflict`] if it does not rest.
pub fn reinstate(tx: &mut Tx<'_>, id: &AccountId, reason: Option<&str>) -> Result<Account> {
    let reason = keep_reason(tx, reason)?;
    step(tx, id, Step::Reinstate, ("reinstated", reason))
}

/// Marks a person as gone, or a service as retired. `cause` is a word of ours, such as "leaver".
///
/// # Errors
/// [`Error::Conflict`] if it is gone already.
pub fn mark_left(tx: &mut Tx<'_>, id: &AccountId, cause: &str) -> Result<Account> {
    step(tx, id, Step::Leave, (cause, None))
}

/// Invites somebody again who had left: without credentials, and without the end that had passed.
///
/// # Errors
/// [`Error::Conflict`] if they had not left.
pub fn rehire(tx: &mut Tx<'_>, id: &AccountId, reason: Option<&str>) -> Result<Account> {
    let reason = keep_reason(tx, reason)?;
    step(tx, id, Step::Rehire, ("rehired", reason))
}

/// Notes whether the account has a strong factor enrolled; returns the row's digest, which the caller records with
/// the event that brought it about.
///
/// # Errors
/// [`Error::NotFound`] if there is no such account.
pub fn set_strong_factor(tx: &mut Tx<'_>, id: &AccountId, enrolled: bool) -> Result<Row> {
    let mut account = find(tx, id)?;
    account.strong_factor = enrolled;
    write(tx, &mut account, None)?;
    account.row()
}

/// A reason as it is kept; `None` if nobody gave one.
pub(super) fn keep_reason(tx: &mut Tx<'_>, reason: Option<&str>) -> Result<Option<TextId>> {
    let Some(reason) = reason.map(str::trim).filter(|reason| !reason.is_empty()) else { return Ok(None) };
    if !(3..=1_000).contains(&reason.chars().count()) {
        return Err(Error::field("reason", "must have 3 to 1,000 characters"));
    }
    vault::keep(tx, reason).map(Some)
}

/// Writes an account's row, and its details if they are given, with the number of the event that the caller records next.
pub(super) fn write(tx: &mut Tx<'_>, account: &mut Account, details: Option<&Details>) -> Result<()> {
    account.changed_at = tx.now;
    account.revision = append::next_revision(tx)?;
    store::update(tx, account, details)
}

fn step(
    tx: &mut Tx<'_>,
    id: &AccountId,
    step: Step,
    (cause, reason): (&str, Option<TextId>),
) -> Result<Account> {
    let mut account = find(tx, id)?;
    let before = account.status;
    account.status = before.after(account.kind, step, tx.now).ok_or_else(|| refusal(&before, step))?;
    if step == Step::Rehire {
        (account.starts_at, account.ends_at, account.strong_factor) = (None, None, false);
    } else if account.status == before {
        return Ok(account);
    }
    write(tx, &mut account, None)?;
    let change = Change::AccountStateChanged {
        account: account.id.clone(),
        from: before.state.as_str().to_owned(),
        to: account.status.state.as_str().to_owned(),
        cause: cause.to_owned(),
        reason,
    };
    let row = account.row()?;
    tx.record_rows(change, vec![row]);
    Ok(account)
}

fn refusal(before: &Status, step: Step) -> Error {
    let state = before.state;
    let detail = match step {
        Step::Enrol => format!("the account is {state}; nothing can be enrolled"),
        Step::Suspend { .. } if before.suspended_for == Some(Suspension::Security) => {
            "the account rests for security; reinstate it first".to_owned()
        }
        Step::Suspend { .. } => format!("the account has {state} and cannot be suspended"),
        Step::Reinstate => format!("the account is {state}; only a suspended one is reinstated"),
        Step::Leave => "the account has left already".to_owned(),
        Step::Rehire | Step::Erase => format!("the account is {state}; it must have left first"),
    };
    Error::conflict("account-state", detail)
}
