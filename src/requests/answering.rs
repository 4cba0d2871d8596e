//! Answering: approval, refusal, withdrawal, and what becomes of requests that nobody answers.
//!
//! Rules: only those whom the chain named answer, and never for themselves; a refusal by one ends it; the last
//! approval gives the role in the same transaction, by every rule as of now.

use chrono::Duration;

use super::{Reply, Request, RequestState, store};
use crate::access::grants::{self, MAX_REASON, NewGrant, Source};
use crate::accounts::{self, Standing};
use crate::app::App;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::{Error, Result};
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
    let (mut request, me) = answerable(tx, id)?;
    let note = kept(tx, note)?;
    let stages = record_answer(tx, &request, &me, Reply::Approved, note)?;
    let approvers = store::approvers(tx, id)?;
    let approved = |stage: i32| {
        approvers.iter().any(|approver| approver.stage == stage && approver.reply == Some(Reply::Approved))
    };
    let complete = (0..).take(request.stages.len()).all(approved);
    if complete {
        let who = approvers
            .iter()
            .filter(|approver| approver.reply == Some(Reply::Approved))
            .map(|approver| approver.account.clone());
        let mut who: Vec<AccountId> = who.collect();
        who.dedup();
        let grant = wanted(tx, &request, who)?;
        let given = grants::grant(tx, &grant)?;
        request.grant = Some(given.id);
        request.state = RequestState::Approved;
        request.decided_at = Some(tx.now);
    }
    save(tx, &mut request)?;
    for stage in stages {
        tx.record(Change::RequestApproved {
            request: id.clone(),
            account: request.account.clone(),
            role: request.role.clone(),
            stage: stage.unsigned_abs(),
            complete,
        });
    }
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
    let mut request = pending(tx, id)?;
    let me = tx.caller.account().cloned().ok_or(Error::Unauthenticated)?;
    if request.account != me && request.asked_by != me.as_str() {
        return Err(Error::forbidden(
            "not-yours",
            "Only who asked, or who was to get the role, can withdraw.",
        ));
    }
    request.state = RequestState::Withdrawn;
    request.decided_at = Some(tx.now);
    save(tx, &mut request)?;
    tx.record(Change::RequestWithdrawn {
        request: id.clone(),
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

/// The work of the job: every request that is over without an answer, a hundred a transaction.
///
/// # Errors
/// Whatever the database returns.
pub fn lapse_all(app: &App, lease: &Lease) -> Result<String> {
    let caller = Caller::house("requests.lapse");
    let mut total = 0;
    loop {
        let lapsed = app.write_now(&caller, |tx| {
            lease.check(tx)?;
            lapse(tx, 100)
        })?;
        if lapsed.value == 0 {
            return Ok(format!("{total} lapsed"));
        }
        total += lapsed.value;
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
    let me = tx.caller.account().cloned().ok_or(Error::Unauthenticated)?;
    let subject = accounts::find(tx, &request.account)?;
    if request.account == me || subject.owner.as_ref() == Some(&me) {
        let advice = "Nobody approves their own access, or that of their own service.";
        return Err(Error::forbidden("self-approval", advice));
    }
    let named = store::approvers(tx, id)?.iter().any(|approver| approver.account == me);
    let present = accounts::find(tx, &me)?.standing(tx.now) == Standing::Active;
    if !named || !present {
        return Err(Error::forbidden("not-yours-to-decide", "This request waits for somebody else."));
    }
    Ok((request, me))
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
