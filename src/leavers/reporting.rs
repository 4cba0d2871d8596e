//! How a case begins: somebody reports it, or the account has an end.
//!
//! Rules: reporting sets the account's end, and so access ends at the instant whatever happens to the case; a person
//! has one open case; a case that lies ahead follows the account's end, and is withdrawn when that is taken away.

use chrono::Duration;

use super::store;
use super::{Case, CaseState, Source};
use crate::access::floor;
use crate::accounts::{self, Changes, Kind, State};
use crate::clock::Timestamp;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::ids::{AccountId, CaseId};
use crate::log::append::next_revision;
use crate::log::event::Change;
use crate::vault;

/// How far ahead an end may lie.
const FARTHEST: Duration = Duration::days(2 * 366);
/// How far back an end may lie: later news is a matter for the people file, as a person already gone.
const EARLIEST: Duration = Duration::days(366);

/// What somebody reports.
#[derive(Debug, Clone)]
pub struct NewLeaver {
    /// Who leaves.
    pub account: AccountId,
    /// The first instant at which access is over.
    pub effective_at: Timestamp,
    /// Why: 3 to 1,000 characters.
    pub reason: String,
    /// Whether only those who handle it see the case before the instant.
    pub confidential: bool,
}

/// Opens a case and sets the account's end.
///
/// # Errors
/// [`Error::Invalid`] for a time or reason that does not do; [`Error::Conflict`] if the person has an open case, has
/// left, or is needed by the floor.
pub fn report(tx: &mut Tx<'_>, new: &NewLeaver) -> Result<Case> {
    let account =
        accounts::find(tx, &new.account).map_err(|_| Error::field("account", "there is no such person"))?;
    if account.kind != Kind::Person {
        return Err(Error::field("account", "must be a person; a service is retired by its owner"));
    }
    if matches!(account.status.state, State::Left | State::Erased) {
        return Err(Error::conflict("already-left", "This person has left already."));
    }
    if tx.caller.account() == Some(&new.account) {
        return Err(Error::forbidden("own-leaving", "Somebody else has to report that you leave."));
    }
    if let Some(open) = store::open_of(tx, &new.account)? {
        if open.state != CaseState::Reported || open.effective_at <= new.effective_at {
            return Err(Error::conflict("case-open", format!("There is a case already: {}.", open.id)));
        }
        return bring_forward(tx, open, new);
    }
    check_instant(tx.now, new.effective_at)?;
    floor::without_account(tx, &new.account)?;
    end_account(tx, &new.account, new.effective_at)?;
    let reason = vault::keep(tx, crate::access::grants::checked_reason(&new.reason)?)?;
    let opened = open(tx, &new.account, new.effective_at, Source::Reported)?;
    let case = Case { reason: Some(reason), confidential: new.confidential, ..opened };
    store::insert(tx, &case)?;
    Ok(case)
}

/// News of an earlier end for somebody whose case lies ahead: the earlier end holds.
fn bring_forward(tx: &mut Tx<'_>, case: Case, new: &NewLeaver) -> Result<Case> {
    check_instant(tx.now, new.effective_at)?;
    end_account(tx, &new.account, new.effective_at)?;
    move_to(tx, case, new.effective_at)
}

fn check_instant(now: Timestamp, at: Timestamp) -> Result<()> {
    if at > now.plus(FARTHEST) {
        return Err(Error::field("effective_at", "lies more than two years ahead"));
    }
    if at < now.minus(EARLIEST) {
        return Err(Error::field(
            "effective_at",
            "lies more than a year back; import the person as already gone",
        ));
    }
    Ok(())
}

fn end_account(tx: &mut Tx<'_>, account: &AccountId, at: Timestamp) -> Result<()> {
    let changes = Changes { ends_at: Some(Some(at)), ..Changes::default() };
    accounts::change(tx, account, &changes).map(drop)
}

fn deadline(reader: &Reader<'_>, effective_at: Timestamp) -> Result<Timestamp> {
    let end = reader.profile().leaver().within.after(effective_at.utc()).map(Timestamp::from);
    end.ok_or_else(|| Error::field("effective_at", "lies beyond the calendar"))
}

/// A case, recorded but not yet inserted.
fn open(tx: &mut Tx<'_>, account: &AccountId, effective_at: Timestamp, source: Source) -> Result<Case> {
    let deadline = deadline(tx, effective_at)?;
    let case = Case {
        id: CaseId::new(tx.now, tx.entropy()),
        account: account.clone(),
        state: CaseState::Reported,
        source,
        reason: None,
        confidential: false,
        effective_at,
        known_at: tx.now,
        deadline,
        breached_on_arrival: tx.now > deadline,
        opened_by: tx.caller.label(),
        closed_at: None,
        revision: next_revision(tx)?,
    };
    tx.record(Change::LeaverReported {
        case: case.id.clone(),
        account: account.clone(),
        effective_at,
        source: source.to_string(),
    });
    Ok(case)
}

fn move_to(tx: &mut Tx<'_>, mut case: Case, effective_at: Timestamp) -> Result<Case> {
    case.effective_at = effective_at;
    case.deadline = deadline(tx, effective_at)?;
    case.breached_on_arrival = case.known_at > case.deadline;
    case.revision = next_revision(tx)?;
    store::update(tx, &case)?;
    tx.record(Change::LeaverReported {
        case: case.id.clone(),
        account: case.account.clone(),
        effective_at,
        source: "moved".to_owned(),
    });
    Ok(case)
}

/// Takes a case back before its instant: the person stays, and the account has no end any more.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] once the instant has come.
pub fn withdraw(tx: &mut Tx<'_>, id: &CaseId) -> Result<Case> {
    let case = store::find(tx, id)?.ok_or(Error::NotFound("case"))?;
    if case.state != CaseState::Reported || case.effective_at <= tx.now {
        return Err(Error::conflict(
            "in-effect",
            "Access has ended already. Somebody who returns starts with nothing.",
        ));
    }
    let changes = Changes { ends_at: Some(None), ..Changes::default() };
    accounts::change(tx, &case.account, &changes)?;
    set_withdrawn(tx, case)
}

fn set_withdrawn(tx: &mut Tx<'_>, mut case: Case) -> Result<Case> {
    tx.record(Change::LeaverStateChanged {
        case: case.id.clone(),
        account: case.account.clone(),
        from: case.state.to_string(),
        to: CaseState::Withdrawn.to_string(),
    });
    case.state = CaseState::Withdrawn;
    case.closed_at = Some(tx.now);
    case.revision = next_revision(tx)?;
    store::update(tx, &case)?;
    Ok(case)
}

/// Opens cases for people who have an end and no case, and lets cases that lie ahead follow their account's end.
/// At most `limit` of each; returns how many it touched.
///
/// # Errors
/// Whatever the database returns.
pub fn follow_ends(tx: &mut Tx<'_>, limit: i64) -> Result<usize> {
    let new = store::without_case(tx, limit)?;
    let mut touched = new.len();
    for (account, end) in new {
        let case = open(tx, &account, end, Source::EndDate)?;
        store::insert(tx, &case)?;
    }
    for (case, end) in store::moved(tx, limit)? {
        touched += 1;
        match end {
            Some(end) => move_to(tx, case, end).map(drop)?,
            None => set_withdrawn(tx, case).map(drop)?,
        }
    }
    Ok(touched)
}
