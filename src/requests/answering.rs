//! Answering: approval, refusal, withdrawal, and what becomes of requests that nobody answers.
//!
//! Rules: only people whom the chain names at that moment answer, and never for themselves, for their services or what
//! they asked for; a refusal by one ends it; the last approval gives the role in the same transaction, by every rule as
//! of now.

use chrono::Duration;

use super::chain;
use super::store::{self, Whose};
use super::{Approver, Authority, Reply, Request, RequestState};
use crate::access::approval::ApprovalStep;
use crate::access::grants::{self, MAX_REASON, NewGrant, Source};
use crate::access::records::split_role;
use crate::accounts;
use crate::app::App;
use crate::caller::{Actor, Caller};
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::exceptions::own::{self, Matter, OwnDecision};
use crate::ids::{AccountId, RequestId, TextId};
use crate::jobs::Lease;
use crate::log::append::next_revision;
use crate::log::event::Change;
use crate::vault;

/// Approves the stages of a request in which the caller is named; with the last one the role is given.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] `self-approval`, `not-yours-to-decide`; [`Error::Conflict`] `decided`, or
/// what has come in the way of the grant meanwhile.
pub fn approve(tx: &mut Tx<'_>, id: &RequestId, note: Option<&str>) -> Result<Request> {
    let (request, me) = answerable(tx, id)?;
    let note = kept(tx, note)?;
    if !decides_about_themselves(tx, id, &me)? {
        return approve_as(tx, request, &me, note);
    }
    let needed = || Error::field("note", "deciding about yourself needs a reason");
    own::open(tx, Matter::Request, id.as_str(), &request.role, note.ok_or_else(needed)?)?;
    Ok(request)
}

/// Whether somebody is named for lack of anybody else.
fn decides_about_themselves(tx: &mut Tx<'_>, id: &RequestId, me: &AccountId) -> Result<bool> {
    let named = store::approvers(tx, id)?;
    Ok(named.iter().any(|one| one.account == *me && one.authority == Authority::Subject))
}

/// Decisions about oneself to which nobody objected for a day: they count as the approval now, by every rule as of now.
/// Returns how many there were.
///
/// # Errors
/// Whatever the database returns.
fn after_objections(tx: &mut Tx<'_>, limit: i64) -> Result<usize> {
    let due = own::due(tx, Matter::Request, limit)?;
    let count = due.len();
    for decision in due {
        let took_effect = match tx.savepoint(|tx| take_effect(tx, &decision)) {
            Ok(took_effect) => took_effect,
            Err(error @ (Error::Internal(_) | Error::Unavailable(..))) => return Err(error),
            Err(_) => false,
        };
        own::settle(tx, decision, took_effect)?;
    }
    Ok(count)
}

fn take_effect(tx: &mut Tx<'_>, decision: &OwnDecision) -> Result<bool> {
    let Some(id) = RequestId::parse(&decision.thing) else { return Ok(false) };
    let request = pending(tx, &id)?;
    let me = &decision.account;
    // Somebody else may have come to be able to decide meanwhile: then it is theirs.
    let named = reroute(tx, &request)?;
    if !named.iter().any(|one| one.account == *me && one.authority == Authority::Subject) {
        return Ok(false);
    }
    approve_as(tx, request, me, Some(decision.reason.clone()))?;
    Ok(true)
}

/// Approves for the giver of an access role what the chain lets them approve: giving is asking and answering in one.
pub(super) fn approve_as_giver(tx: &mut Tx<'_>, id: &RequestId) -> Result<Request> {
    let request = pending(tx, id)?;
    let me = person(&tx.caller.actor)?;
    approve_as(tx, request, &me, None)
}

fn approve_as(tx: &mut Tx<'_>, request: Request, me: &AccountId, note: Option<TextId>) -> Result<Request> {
    let stages = record_answer(tx, &request, me, Reply::Approved, note)?;
    let request = complete(tx, request)?;
    for (place, stage) in stages.iter().enumerate() {
        tx.record(Change::RequestApproved {
            request: request.id.clone(),
            account: request.account.clone(),
            role: request.role.clone(),
            stage: stage.unsigned_abs(),
            complete: request.state == RequestState::Approved && place + 1 == stages.len(),
        });
    }
    Ok(request)
}

/// Gives the role once every stage has its approval.
pub(super) fn complete(tx: &mut Tx<'_>, mut request: Request) -> Result<Request> {
    let approvers = store::approvers(tx, &request.id)?;
    let said_yes = || approvers.iter().filter(|approver| approver.reply == Some(Reply::Approved));
    let approved = |stage: i32| said_yes().any(|approver| approver.stage == stage);
    if (0..).take(request.stages.len()).all(approved) {
        let mut who: Vec<AccountId> = Vec::new();
        for approver in said_yes() {
            if !who.contains(&approver.account) {
                who.push(approver.account.clone());
            }
        }
        let grant = wanted(tx, &request, who)?;
        request.grant = Some(grants::grant(tx, &grant)?.id);
        request.state = RequestState::Approved;
        request.decided_at = Some(tx.now);
    }
    save(tx, &mut request)?;
    Ok(request)
}

/// The grant that the request asked for, as of now: a duration counts from the approval.
fn wanted(tx: &mut Tx<'_>, request: &Request, approvers: Vec<AccountId>) -> Result<NewGrant> {
    let from = request.valid_from.unwrap_or(tx.now).max(tx.now);
    let expires_at = match (request.expires_at, request.duration_seconds) {
        (Some(at), _) => Some(at),
        (None, seconds) => seconds.map(|seconds| from.plus(Duration::seconds(seconds))),
    };
    Ok(NewGrant {
        account: request.account.clone(),
        role: request.role.clone(),
        scope: request.scope.clone(),
        reason: vault::show(tx, &request.reason)?,
        source: Source::Request,
        approvers,
        request: Some(request.id.clone()),
        valid_from: request.valid_from,
        expires_at,
    })
}

/// Refuses a request; one word is enough.
///
/// # Errors
/// As [`approve`].
pub fn refuse(tx: &mut Tx<'_>, id: &RequestId, note: Option<&str>) -> Result<Request> {
    let (mut request, me) = answerable(tx, id)?;
    let note = kept(tx, note)?;
    let stages = record_answer(tx, &request, &me, Reply::Refused, note)?;
    request.state = RequestState::Refused;
    request.decided_at = Some(tx.now);
    save(tx, &mut request)?;
    tx.record(Change::RequestRefused {
        request: id.clone(),
        account: request.account.clone(),
        role: request.role.clone(),
        stage: stages.first().copied().unwrap_or_default().unsigned_abs(),
    });
    Ok(request)
}

/// Takes a request back: who asked, or who was to get the role.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] for anybody else; [`Error::Conflict`] `decided`.
pub fn withdraw(tx: &mut Tx<'_>, id: &RequestId) -> Result<Request> {
    let request = pending(tx, id)?;
    let me = tx.caller.account().cloned().ok_or(Error::Unauthenticated)?;
    if request.account != me && request.asked_by != me.as_str() {
        return Err(Error::forbidden(
            "not-yours",
            "Only who asked, or who was to get the role, can withdraw.",
        ));
    }
    withdrawn(tx, request)
}

/// Takes back what a part of the house asked for by itself; what was granted by it ends, for the reason is gone.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] for what somebody else asked for.
pub fn take_back(tx: &mut Tx<'_>, id: &RequestId, asker: &Caller) -> Result<()> {
    let request = store::find(tx, id)?.ok_or(Error::NotFound("request"))?;
    if request.asked_by != asker.label() {
        return Err(Error::forbidden("not-yours", "The house takes back only what it asked for itself."));
    }
    if let Some(grant) = &request.grant {
        return grants::revoke(tx, grant, "taken_back", None).map(drop);
    }
    match pending(tx, id) {
        Err(Error::Conflict("decided", _)) => Ok(()),
        other => withdrawn(tx, other?).map(drop),
    }
}

fn withdrawn(tx: &mut Tx<'_>, mut request: Request) -> Result<Request> {
    request.state = RequestState::Withdrawn;
    request.decided_at = Some(tx.now);
    save(tx, &mut request)?;
    tx.record(Change::RequestWithdrawn {
        request: request.id.clone(),
        account: request.account.clone(),
        role: request.role.clone(),
    });
    Ok(request)
}

/// Ends requests that found no answer in their time, or whose subject has left; at most `limit`; returns how many.
///
/// # Errors
/// Whatever the database returns.
pub fn lapse(tx: &mut Tx<'_>, limit: i64) -> Result<usize> {
    let over = store::unanswered(tx, limit)?;
    let count = over.len();
    for mut request in over {
        request.state = RequestState::Lapsed;
        request.decided_at = Some(tx.now);
        save(tx, &mut request)?;
        tx.record(Change::RequestLapsed {
            request: request.id.clone(),
            account: request.account.clone(),
            role: request.role.clone(),
        });
    }
    Ok(count)
}

/// The work of the job: what nobody objected to takes effect, and every request that is over without an answer, a hundred a transaction.
///
/// # Errors
/// Whatever the database returns.
pub fn lapse_all(app: &App, lease: &Lease) -> Result<String> {
    let caller = Caller::house("requests.lapse");
    let mut total = 0;
    app.write_now(&caller, |tx| {
        lease.check(tx)?;
        after_objections(tx, 100)
    })?;
    loop {
        let lapsed = app.write_now(&caller, |tx| {
            lease.check(tx)?;
            lapse(tx, 100)
        })?;
        total += lapsed.value;
        if lapsed.value == 0 {
            break;
        }
    }
    let rerouted = reroute_all(app, lease, &caller)?;
    Ok(format!("{total} lapsed, {rerouted} pending"))
}

/// Finds those who may answer each pending request now, a hundred a transaction; returns how many there are. One for
/// whom nobody is left keeps those it had.
fn reroute_all(app: &App, lease: &Lease, caller: &Caller) -> Result<usize> {
    let (mut before, mut total): (Option<String>, usize) = (None, 0);
    loop {
        let state = Some(RequestState::Pending);
        let page = app.read_now(|reader| store::list(reader, &Whose::All, state, before.as_deref(), 100))?;
        let Some(last) = page.last() else { return Ok(total) };
        before = Some(last.id.to_string());
        total += page.len();
        app.write_now(caller, |tx| {
            lease.check(tx)?;
            for request in &page {
                match tx.savepoint(|tx| reroute(tx, request)) {
                    Ok(_) | Err(Error::Conflict("no-approver", _)) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        })?;
    }
}

fn pending(tx: &mut Tx<'_>, id: &RequestId) -> Result<Request> {
    let request = store::find(tx, id)?.ok_or(Error::NotFound("request"))?;
    if request.state != RequestState::Pending || request.lapses_at <= tx.now {
        return Err(Error::conflict(
            "decided",
            "This request is over: it was decided, withdrawn, or lapsed.",
        ));
    }
    Ok(request)
}

/// The request and the caller, if the caller may answer it now.
fn answerable(tx: &mut Tx<'_>, id: &RequestId) -> Result<(Request, AccountId)> {
    let request = pending(tx, id)?;
    let me = person(&tx.caller.actor)?;
    let subject = accounts::find(tx, &request.account)?;
    let asked = request.asked_by == me.as_str();
    let approvers = reroute(tx, &request)?;
    let alone = approvers.iter().any(|one| one.account == me && one.authority == Authority::Subject);
    if !alone && (request.account == me || subject.owner.as_ref() == Some(&me) || asked) {
        let advice = "Nobody approves their own access, that of their own service, or what they asked for.";
        return Err(Error::forbidden("self-approval", advice));
    }
    if !approvers.iter().any(|approver| approver.account == me && approver.reply.is_none()) {
        return Err(Error::forbidden("not-yours-to-decide", "This request waits for somebody else."));
    }
    Ok((request, me))
}

/// The person who acts. Answering is for people: neither a key nor the house has authority over anybody.
fn person(actor: &Actor) -> Result<AccountId> {
    match actor {
        Actor::Person { account, .. } => Ok(account.clone()),
        Actor::Nobody => Err(Error::Unauthenticated),
        _ => Err(Error::forbidden("not-yours-to-decide", "A person answers this, signed in as themselves.")),
    }
}

/// Brings those who may answer the open stages of a pending request up to date: who has the authority now is among
/// them, who lost it without having answered is not. Returns all of them.
fn reroute(tx: &mut Tx<'_>, request: &Request) -> Result<Vec<Approver>> {
    let steps: Vec<ApprovalStep> = request
        .stages
        .iter()
        .map(|text| ApprovalStep::try_from(text.clone()))
        .collect::<std::result::Result<_, _>>()
        .map_err(|cause| Error::internal("reading a chain", cause))?;
    let (application, _) = split_role(&request.role)?;
    let asker = AccountId::parse(&request.asked_by);
    let current = chain::approvers(tx, &request.account, application, &steps, asker.as_ref())?;
    let known = store::approvers(tx, &request.id)?;
    let taken = |stage: i32| known.iter().any(|one| one.stage == stage && one.reply == Some(Reply::Approved));
    let same = |a: &Approver, b: &Approver| (a.stage, &a.account) == (b.stage, &b.account);
    let open = |one: &&Approver| one.reply.is_none() && !taken(one.stage);
    for gone in known.iter().filter(open).filter(|one| !current.iter().any(|now| same(now, one))) {
        store::remove_approver(tx, &request.id, gone)?;
    }
    let new: Vec<Approver> = current
        .into_iter()
        .filter(|now| !taken(now.stage) && !known.iter().any(|one| same(now, one)))
        .collect();
    store::insert_approvers(tx, &request.id, &new)?;
    store::approvers(tx, &request.id)
}

fn kept(tx: &mut Tx<'_>, note: Option<&str>) -> Result<Option<TextId>> {
    let Some(note) = note.map(str::trim).filter(|note| !note.is_empty()) else { return Ok(None) };
    if note.chars().count() > MAX_REASON {
        return Err(Error::field("note", format!("may have {} characters at most", MAX_REASON)));
    }
    vault::keep(tx, note).map(Some)
}

/// Writes the caller's answer to every stage in which they are named; returns the stages.
fn record_answer(
    tx: &mut Tx<'_>,
    request: &Request,
    me: &AccountId,
    reply: Reply,
    note: Option<TextId>,
) -> Result<Vec<i32>> {
    let now: Timestamp = tx.now;
    store::answer(tx, &request.id, me, reply, note.as_ref(), now)
}

fn save(tx: &mut Tx<'_>, request: &mut Request) -> Result<()> {
    request.revision = next_revision(tx)?;
    store::update(tx, request)
}
