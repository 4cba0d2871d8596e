//! Asking, and giving directly: two ways to the same chain.
//!
//! Rules: everybody asks for themselves; for others ask those above them, the owner of the application or of the
//! service, and who may give. A role that needs no approval is given at once. Giving an access role directly is
//! asking: the giver counts as one approver only if the chain names them, with a fresh proof, never for themselves or
//! for their service, and a key never counts.

use chrono::Duration;

use super::chain::approvers;
use super::{Approver, Request, RequestState, answering, store};
use crate::access::grants::{self, Grant, NewGrant, Source};
use crate::access::roles;
use crate::access::scope::Scope;
use crate::accounts;
use crate::caller::Actor;
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::ids::{AccountId, RequestId};
use crate::log::append::next_revision;
use crate::log::event::Change;
use crate::profile::Period;
use crate::vault;

/// How long a request waits before it lapses *(ours)*.
const PATIENCE: Duration = Duration::days(14);
/// How old a proof may be when somebody gives an access role directly.
const PROOF: Duration = Duration::minutes(15);
/// How many requests of one account may wait at a time.
const WAITING: i64 = 50;

/// Until when a role is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Until this instant.
    At(Timestamp),
    /// For so long, counted from the approval.
    For(Period),
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Who is to get it; the caller if left out.
    pub account: Option<AccountId>,
    /// The role, `application/role`.
    pub role: String,
    /// Why: 3 to 1,000 characters.
    pub reason: String,
    /// What to limit it to.
    pub scope: Option<Scope>,
    /// From when; from the approval if left out.
    pub valid_from: Option<Timestamp>,
    /// Until when.
    pub until: Until,
}

/// What came of asking.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "one is made for each call, and taken apart at once")]
pub enum Asked {
    /// The role was given at once: no approval was needed, or the giver's was enough.
    Given(Option<Request>, Grant),
    /// It waits for approval.
    Waits(Request),
}

/// Asks for a role, for oneself or for somebody one answers for.
///
/// # Errors
/// [`Error::Forbidden`] for somebody else's account; whatever [`grants::fits`] refuses; [`Error::Conflict`]
/// `already-asked`, `no-approver`.
pub fn ask(tx: &mut Tx<'_>, wanted: &Ask) -> Result<Asked> {
    let asker = tx.caller.account().cloned().ok_or(Error::Unauthenticated)?;
    let account = wanted.account.clone().unwrap_or_else(|| asker.clone());
    if account != asker && !answers_for(tx, &asker, &account, &wanted.role)? {
        let advice =
            "You may ask for yourself, your team, your services, and for roles of applications you own.";
        return Err(Error::forbidden("not-yours-to-ask", advice));
    }
    begin(tx, wanted, account, Some(&asker))
}

/// Gives a role to an account: at once if it needs no approval, else as a request in which the giver's word may count.
/// Whether the caller may give at all (`grants:give`, or by position) is judged before.
///
/// # Errors
/// As [`ask`]; [`Error::Forbidden`] `self-approval` for oneself.
pub fn give(tx: &mut Tx<'_>, wanted: &Ask) -> Result<Asked> {
    let giver = tx.caller.account().cloned();
    let account =
        wanted.account.clone().ok_or_else(|| Error::field("account", "says who is to get the role"))?;
    if giver.as_ref() == Some(&account) {
        return Err(Error::forbidden(
            "self-approval",
            "Nobody gives a role to themselves; ask for it instead.",
        ));
    }
    let owned = accounts::find(tx, &account)?.owner;
    if owned.is_some() && owned == giver {
        return Err(Error::forbidden(
            "self-approval",
            "Nobody gives a role to their own service; ask for it instead.",
        ));
    }
    let asked = begin(tx, wanted, account, None)?;
    let Asked::Waits(request) = asked else { return Ok(asked) };
    let counts = matches!(tx.caller.actor, Actor::Person { .. })
        && tx.caller.proved_at.is_some_and(|at| tx.now.since(at) <= PROOF)
        && store::approvers(tx, &request.id)?
            .iter()
            .any(|approver| Some(&approver.account) == giver.as_ref());
    if !counts {
        return Ok(Asked::Waits(request));
    }
    let request = answering::approve(tx, &request.id, None)?;
    match request.grant.clone() {
        Some(grant) => Ok(Asked::Given(Some(request), grants::find(tx, &grant)?)),
        None => Ok(Asked::Waits(request)),
    }
}

/// Refuses giving by position beyond it: managers give ordinary roles to their own, owners those of their application.
///
/// # Errors
/// [`Error::Forbidden`] `not-yours-to-give`.
pub(super) fn check_position(tx: &mut Tx<'_>, wanted: &Ask) -> Result<()> {
    let giver = tx.caller.account().cloned().ok_or(Error::Unauthenticated)?;
    let account =
        wanted.account.clone().ok_or_else(|| Error::field("account", "says who is to get the role"))?;
    if answers_for(tx, &giver, &account, &wanted.role)? {
        return Ok(());
    }
    let advice = "By position you give roles to your team, and roles of applications you own.";
    Err(Error::forbidden("not-yours-to-give", advice))
}

/// Whether somebody answers for an account or a role: above it, owner of the service, owner of the application.
fn answers_for(tx: &mut Tx<'_>, asker: &AccountId, account: &AccountId, role: &str) -> Result<bool> {
    let subject = match accounts::find(tx, account) {
        Err(Error::NotFound(_)) => return Err(Error::field("account", "there is no such account")),
        other => other?,
    };
    if subject.owner.as_ref() == Some(asker) || accounts::chain(tx, account)?.contains(asker) {
        return Ok(true);
    }
    let application = role.split_once('/').map_or(role, |(application, _)| application);
    Ok(roles::application(tx, application).ok().and_then(|record| record.owner).as_ref() == Some(asker))
}

fn begin(tx: &mut Tx<'_>, wanted: &Ask, account: AccountId, except: Option<&AccountId>) -> Result<Asked> {
    let grant = new_grant(tx.now, wanted, account.clone(), Source::Direct)?;
    let fit = grants::fits(tx, &grant)?;
    let steps = &fit.role.specification.approval;
    if steps.is_empty() && !fit.role.access_role {
        let given = grants::grant(
            tx,
            &NewGrant { approvers: tx.caller.account().cloned().into_iter().collect(), ..grant },
        )?;
        return Ok(Asked::Given(None, given));
    }
    if store::waiting(tx, &account, &wanted.role)? {
        return Err(Error::conflict("already-asked", "A request for this role waits already."));
    }
    if store::count_waiting(tx, &account)? >= WAITING {
        return Err(Error::conflict(
            "too-many-requests",
            "Fifty requests wait already; withdraw some first.",
        ));
    }
    let approvers = approvers(tx, &account, &fit.role.application, steps, except)?;
    let request = request(tx, wanted, account, steps.iter().map(ToString::to_string).collect())?;
    insert(tx, &request, &approvers)?;
    Ok(Asked::Waits(request))
}

/// The grant that the answer yes would bring about at `now`.
pub(super) fn new_grant(
    now: Timestamp,
    wanted: &Ask,
    account: AccountId,
    source: Source,
) -> Result<NewGrant> {
    let from = wanted.valid_from.unwrap_or(now).max(now);
    let expires_at = match wanted.until {
        Until::At(at) => at,
        Until::For(period) => end_of(period, from)?,
    };
    Ok(NewGrant {
        account,
        role: wanted.role.clone(),
        scope: wanted.scope.clone(),
        reason: wanted.reason.clone(),
        source,
        approvers: Vec::new(),
        request: None,
        valid_from: wanted.valid_from,
        expires_at: Some(expires_at),
    })
}

fn end_of(period: Period, from: Timestamp) -> Result<Timestamp> {
    let end = period.after(from.utc()).map(Timestamp::from);
    end.ok_or_else(|| Error::field("duration", "lies beyond the calendar"))
}

fn request(tx: &mut Tx<'_>, wanted: &Ask, account: AccountId, stages: Vec<String>) -> Result<Request> {
    let reason = vault::keep(tx, grants::checked_reason(&wanted.reason)?)?;
    let (duration_seconds, expires_at) = match wanted.until {
        Until::At(at) => (None, Some(at)),
        Until::For(period) => (Some(end_of(period, tx.now)?.since(tx.now).num_seconds()), None),
    };
    Ok(Request {
        id: RequestId::new(tx.now, tx.entropy()),
        account,
        role: wanted.role.clone(),
        asked_by: tx.caller.label(),
        state: RequestState::Pending,
        scope: wanted.scope.clone(),
        reason,
        duration_seconds,
        valid_from: wanted.valid_from,
        expires_at,
        stages,
        created_at: tx.now,
        lapses_at: tx.now.plus(PATIENCE),
        decided_at: None,
        grant: None,
        revision: next_revision(tx)?,
    })
}

fn insert(tx: &mut Tx<'_>, request: &Request, approvers: &[Approver]) -> Result<()> {
    store::insert(tx, request)?;
    store::insert_approvers(tx, &request.id, approvers)?;
    tx.record(Change::RequestMade {
        request: request.id.clone(),
        account: request.account.clone(),
        role: request.role.clone(),
    });
    Ok(())
}
