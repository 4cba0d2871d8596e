//! Asking, and giving directly: two ways to the same chain.
//!
//! Rules: everybody asks for themselves; for others ask those above them, the owner of the application or of the
//! service, and who may give. A role that needs no approval is given at once. An ordinary role is given by whoever may
//! give, by position to their own alone, and to themselves by nobody; Bailiwick's own roles by administrators. Giving
//! an access role is asking: the giver counts as one approver only if the chain names them, with a fresh proof, never
//! for themselves or for their service, and a key never counts.

use chrono::Duration;

use super::chain::approvers;
use super::{Approver, Authority, Request, RequestState, answering, store};
use crate::access::grants::{self, Grant, NewGrant, Source};
use crate::access::lint::OWN_APPLICATION;
use crate::access::scope::Scope;
use crate::access::{floor::ADMINISTRATOR, own, roles};
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
/// The permission to give roles.
const GIVE: (&str, &str) = ("grants", "give");
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

/// What came of giving.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "one is made for each call, and taken apart at once")]
pub enum Asked {
    /// The role was given; with the request, if the giver's word was all the approval that it needed.
    Given(Option<Request>, Grant),
    /// It waits for approval.
    Waits(Request),
}

/// Asks for a role, for oneself or for somebody one answers for. Where nobody has to approve it, it is given at once.
///
/// # Errors
/// [`Error::Forbidden`] for somebody else's account; whatever [`grants::fits`] refuses; [`Error::Conflict`]
/// `already-asked`, `no-approver`.
pub fn ask(tx: &mut Tx<'_>, wanted: &Ask) -> Result<Request> {
    let asker = tx.caller.account().cloned().ok_or(Error::Unauthenticated)?;
    let account = wanted.account.clone().unwrap_or_else(|| asker.clone());
    if account != asker
        && !answers_for(tx, &asker, &account, &wanted.role)?
        && !own::by_grant(tx, &asker, GIVE)?
    {
        let advice =
            "You may ask for yourself, your team, your services, and for roles of applications you own.";
        return Err(Error::forbidden("not-yours-to-ask", advice));
    }
    begin(tx, wanted, account, Some(&asker))
}

/// Asks for a role in somebody's place, for a part of the house that asks by itself: nobody's word counts for it.
///
/// # Errors
/// As [`ask`].
pub fn ask_for(tx: &mut Tx<'_>, wanted: &Ask, account: &AccountId) -> Result<Request> {
    begin(tx, wanted, account.clone(), None)
}

/// Gives a role to an account: an ordinary one at once, an access role as a request in which the giver's word may
/// count. Whether the caller has `grants:give` somehow is judged before.
///
/// # Errors
/// As [`ask`]; [`Error::Forbidden`] `not-yours` beyond a position's reach; `self-approval` for an ordinary role of
/// one's own.
pub fn give(tx: &mut Tx<'_>, wanted: &Ask) -> Result<Asked> {
    let account =
        wanted.account.clone().ok_or_else(|| Error::field("account", "says who is to get the role"))?;
    let grant = new_grant(tx.now, wanted, account.clone(), Source::Direct)?;
    let fit = grants::fits(tx, &grant)?;
    let own_role = fit.role.application == OWN_APPLICATION && fit.role.private_to.is_none();
    let mut others_decide = fit.role.access_role;
    if let Some(giver) = tx.caller.account().cloned() {
        let reach = own::reach(tx, &giver, GIVE)?;
        own::within(&reach, &account, &fit.role.application)?;
        others_decide |= own_role && !own::holds(tx, &giver, ADMINISTRATOR)?;
        if giver == account && !others_decide {
            let advice = "Nobody gives a role to themselves; ask for it instead.";
            return Err(Error::forbidden("self-approval", advice));
        }
    }
    if others_decide {
        return ask_for_the_rest(tx, wanted, account);
    }
    let approvers = match &tx.caller.actor {
        Actor::Person { account, .. } => vec![account.clone()],
        _ => Vec::new(),
    };
    grants::grant(tx, &NewGrant { approvers, ..grant }).map(|given| Asked::Given(None, given))
}

/// Asks for what giving alone cannot bring about; the giver's word counts if it may.
fn ask_for_the_rest(tx: &mut Tx<'_>, wanted: &Ask, account: AccountId) -> Result<Asked> {
    let giver = tx.caller.account().cloned();
    let counts = counting_giver(tx, &account, &wanted.role)?;
    // A giver whose word does not count now does not answer later what they asked for themselves.
    let except = if counts { None } else { giver.as_ref() };
    let mut request = begin(tx, wanted, account, except)?;
    if counts {
        request = answering::approve_as_giver(tx, &request.id)?;
    }
    match request.grant.clone() {
        Some(grant) => Ok(Asked::Given(Some(request), grants::find(tx, &grant)?)),
        None => Ok(Asked::Waits(request)),
    }
}

/// Whether the giver's word counts as an approval: a person with a fresh proof whom the chain itself names.
fn counting_giver(tx: &mut Tx<'_>, account: &AccountId, role: &str) -> Result<bool> {
    let Actor::Person { account: giver, .. } = tx.caller.actor.clone() else { return Ok(false) };
    if !tx.caller.has_fresh_proof(tx.now) {
        return Ok(false);
    }
    let role = roles::role(tx, role)?;
    let named = approvers(tx, account, &role.application, &role.specification.approval, None)?;
    Ok(named
        .iter()
        .any(|one| one.account == giver && matches!(one.authority, Authority::Manager | Authority::Owner)))
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

fn begin(tx: &mut Tx<'_>, wanted: &Ask, account: AccountId, except: Option<&AccountId>) -> Result<Request> {
    let grant = new_grant(tx.now, wanted, account.clone(), Source::Direct)?;
    let fit = grants::fits(tx, &grant)?;
    let steps = &fit.role.specification.approval;
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
    // Where nobody has to approve it, the request stands for the history alone.
    if steps.is_empty() { answering::complete(tx, request) } else { Ok(request) }
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
