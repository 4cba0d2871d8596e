//! How an exception begins and ends: asked for, approved by somebody else, ended before its time.

use chrono::Duration;

use super::own::{self, Matter};
use super::{Exception, ExceptionKind, ExceptionState, store};
use crate::accounts;
use crate::clock::Timestamp;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::ids::{AccountId, ExceptionId};
use crate::log::append::next_revision;
use crate::log::event::Change;
use crate::vault;

/// The longest that an exception may last *(ours)*.
const LONGEST: Duration = Duration::days(366);

/// An exception that is asked for.
#[derive(Debug, Clone)]
pub struct Ask {
    /// What it is from.
    pub kind: ExceptionKind,
    /// The rule's key; that there is such a rule was seen before.
    pub what: String,
    /// For whom.
    pub account: AccountId,
    /// Why: 3 to 1,000 characters.
    pub reason: String,
    /// What is done instead: 3 to 1,000 characters.
    pub control: String,
    /// Until when.
    pub ends_at: Timestamp,
}

/// Asks for an exception; it counts once somebody else has approved it.
///
/// # Errors
/// [`Error::Invalid`] for an account, text or end that does not do; [`Error::Conflict`] `already-asked` while one for
/// the same waits or counts.
pub fn ask(tx: &mut Tx<'_>, wanted: &Ask) -> Result<Exception> {
    accounts::find(tx, &wanted.account).map_err(|_| Error::field("account", "there is no such account"))?;
    let (reason, control) =
        (vault::typed("reason", &wanted.reason)?, vault::typed("control", &wanted.control)?);
    if wanted.ends_at <= tx.now || wanted.ends_at > tx.now.plus(LONGEST) {
        return Err(Error::field("ends_at", "must lie ahead, by a year at most"));
    }
    let known = store::of(tx, wanted.kind, &wanted.what, &wanted.account)?;
    if known.iter().any(|known| known.lives(tx.now) || known.state == ExceptionState::Proposed) {
        let advice = "There is such an exception already, or it waits for approval.";
        return Err(Error::conflict("already-asked", advice));
    }
    let exception = Exception {
        id: ExceptionId::new(tx.now, tx.entropy()),
        kind: wanted.kind,
        what: wanted.what.clone(),
        account: wanted.account.clone(),
        state: ExceptionState::Proposed,
        reason: vault::keep(tx, reason)?,
        control: vault::keep(tx, control)?,
        asked_by: tx.caller.label(),
        approved: None,
        created_at: tx.now,
        ends_at: wanted.ends_at,
        ended: None,
        revision: next_revision(tx)?,
    };
    store::insert(tx, &exception)?;
    record(tx, &exception);
    Ok(exception)
}

fn record(tx: &mut Tx<'_>, exception: &Exception) {
    tx.record(Change::ExceptionChanged {
        exception: exception.id.clone(),
        account: exception.account.clone(),
        exception_kind: exception.kind.to_string(),
        what: exception.what.clone(),
        state: exception.state.to_string(),
        ends_at: exception.ends_at,
    });
}

fn save(tx: &mut Tx<'_>, exception: &mut Exception) -> Result<()> {
    exception.revision = next_revision(tx)?;
    store::update(tx, exception)?;
    record(tx, exception);
    Ok(())
}

/// Approves an exception. Whom it is for, and who asked, cannot while anybody else can (`others`); where nobody else
/// can, their word waits a day for objections.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] `self-approval`, `proof-required`; [`Error::Conflict`] `decided`,
/// `objections`.
pub fn approve(tx: &mut Tx<'_>, id: &ExceptionId, others: bool) -> Result<Exception> {
    let mut exception = proposed(tx, id)?;
    let me = tx.caller.account().cloned().ok_or(Error::Unauthenticated)?;
    if exception.account == me || exception.asked_by == me.as_str() {
        if others {
            let advice = "Somebody else approves an exception for you, or one that you asked for.";
            return Err(Error::forbidden("self-approval", advice));
        }
        let reason = exception.reason.clone();
        own::open(tx, Matter::Exception, id.as_str(), &exception.what, reason)?;
        return Ok(exception);
    }
    approved_by(tx, &mut exception, me.as_str())?;
    Ok(exception)
}

pub(super) fn approved_by(tx: &mut Tx<'_>, exception: &mut Exception, by: &str) -> Result<()> {
    exception.state = ExceptionState::Approved;
    exception.approved = Some((by.to_owned(), tx.now));
    save(tx, exception)
}

/// The exception if it still waits for approval and its end lies ahead.
pub(super) fn proposed(tx: &mut Tx<'_>, id: &ExceptionId) -> Result<Exception> {
    let exception = store::find(tx, id)?.ok_or(Error::NotFound("exception"))?;
    if exception.state != ExceptionState::Proposed || exception.ends_at <= tx.now {
        return Err(Error::conflict("decided", "This exception does not wait for approval any more."));
    }
    Ok(exception)
}

/// Ends an exception before its time, or turns down one that waits.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] `decided` if it is over.
pub fn end(tx: &mut Tx<'_>, id: &ExceptionId) -> Result<Exception> {
    let mut exception = store::find(tx, id)?.ok_or(Error::NotFound("exception"))?;
    let open = matches!(exception.state, ExceptionState::Proposed | ExceptionState::Approved);
    if !open || exception.ends_at <= tx.now {
        return Err(Error::conflict("decided", "This exception is over already."));
    }
    exception.state = ExceptionState::Ended;
    exception.ended = Some((tx.caller.label(), tx.now));
    save(tx, &mut exception)?;
    Ok(exception)
}

/// Notes that an exception's time is over; that was judged at its instant.
pub(super) fn expire(tx: &mut Tx<'_>, mut exception: Exception) -> Result<()> {
    exception.state = ExceptionState::Expired;
    exception.ended = Some((tx.caller.label(), exception.ends_at));
    save(tx, &mut exception)
}

/// Whether a living exception suspends a rule for an account, now.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn holds(reader: &mut Reader<'_>, kind: ExceptionKind, what: &str, account: &AccountId) -> Result<bool> {
    let now = reader.now;
    Ok(store::of(reader, kind, what, account)?.iter().any(|exception| exception.lives(now)))
}
