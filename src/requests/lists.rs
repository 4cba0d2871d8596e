//! Looking at requests. Names are resolved by whoever shows them.
//!
//! Rule: a request is seen by who asked, by whom it is for, by those who may answer it, and by whoever may read all.

use serde::Serialize;
use utoipa::ToSchema;

use super::store::{self, Whose};
use super::{Approver, Authority, Reply, Request, RequestState};
use crate::access::scope::{self, Scope};
use crate::clock::Timestamp;
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::ids::{AccountId, GrantId, RequestId};
use crate::vault;

/// Who looks.
#[derive(Debug, Clone)]
pub struct Viewer {
    /// Who.
    pub account: AccountId,
    /// Whether they see everybody's requests.
    pub everybody: bool,
}

/// One request with those who may answer it.
///
/// # Errors
/// [`Error::NotFound`] if there is none that the viewer may see.
pub fn find(reader: &mut Reader<'_>, id: &RequestId, viewer: &Viewer) -> Result<(Request, Vec<Approver>)> {
    let request = store::find(reader, id)?.ok_or(Error::NotFound("request"))?;
    let approvers = store::approvers(reader, id)?;
    let concerned = request.account == viewer.account
        || request.asked_by == viewer.account.as_str()
        || approvers.iter().any(|approver| approver.account == viewer.account);
    if viewer.everybody || concerned { Ok((request, approvers)) } else { Err(Error::NotFound("request")) }
}

/// Requests that wait for the viewer (`decide`), concern the viewer (`mine`), or `all`; newest first, with the cursor
/// of the next page.
///
/// # Errors
/// [`Error::Invalid`] for another word; [`Error::Forbidden`] for `all` without the permission.
pub fn list(
    reader: &mut Reader<'_>,
    view: &str,
    state: Option<RequestState>,
    viewer: &Viewer,
    cursor: Option<&str>,
    limit: i64,
) -> Result<(Vec<Request>, Option<String>)> {
    let whose = match view {
        "decide" => Whose::ToDecide(viewer.account.clone()),
        "mine" => Whose::Mine(viewer.account.clone()),
        "all" if viewer.everybody => Whose::All,
        "all" => return Err(Error::forbidden("forbidden", "You may see requests that concern you.")),
        _ => return Err(Error::field("view", "must be decide, mine or all")),
    };
    let mut found = store::list(reader, &whose, state, cursor, limit + 1)?;
    let more = found.len() as i64 > limit;
    found.truncate(usize::try_from(limit).unwrap_or_default());
    let next = found.last().filter(|_| more).map(|last| last.id.to_string());
    Ok((found, next))
}

/// How many requests wait for somebody, for the navigation.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn waiting_for(reader: &mut Reader<'_>, account: &AccountId) -> Result<u64> {
    store::count_to_decide(reader, account)
}

/// Those who may answer a request, in the order of its stages.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn approvers(reader: &mut Reader<'_>, request: &RequestId) -> Result<Vec<Approver>> {
    store::approvers(reader, request)
}

/// Somebody who may answer a request, as callers see it.
#[derive(Serialize, ToSchema)]
pub struct ApproverView {
    stage: i32,
    approver: AccountId,
    authority: Authority,
    #[schema(required)]
    answer: Option<Reply>,
    #[schema(required)]
    note: Option<String>,
    #[schema(required)]
    at: Option<Timestamp>,
}

/// A request as callers see it, but for whom it is: names are the business of whoever shows them.
#[derive(Serialize, ToSchema)]
pub struct Plain {
    id: RequestId,
    /// Who is to get the role.
    #[serde(skip)]
    pub account: AccountId,
    role: String,
    asked_by: String,
    state: RequestState,
    #[schema(schema_with = scope::schema)]
    scope: Option<Scope>,
    reason: String,
    #[schema(required)]
    duration_seconds: Option<i64>,
    #[schema(required)]
    valid_from: Option<Timestamp>,
    #[schema(required)]
    expires_at: Option<Timestamp>,
    stages: Vec<String>,
    approvers: Vec<ApproverView>,
    created_at: Timestamp,
    lapses_at: Timestamp,
    #[schema(required)]
    decided_at: Option<Timestamp>,
    #[schema(required)]
    grant: Option<GrantId>,
}

/// A request as callers see it.
///
/// # Errors
/// [`Error::Internal`] if a text does not open.
pub fn plain(reader: &mut Reader<'_>, request: &Request, approvers: &[Approver]) -> Result<Plain> {
    let mut chain = Vec::with_capacity(approvers.len());
    for approver in approvers {
        chain.push(ApproverView {
            stage: approver.stage,
            approver: approver.account.clone(),
            authority: approver.authority,
            answer: approver.reply,
            note: approver.note.as_ref().map(|note| vault::show(reader, note)).transpose()?,
            at: approver.answered_at,
        });
    }
    Ok(Plain {
        id: request.id.clone(),
        account: request.account.clone(),
        role: request.role.clone(),
        asked_by: request.asked_by.clone(),
        state: state_now(request, reader.now),
        scope: request.scope.clone(),
        reason: vault::show(reader, &request.reason)?,
        duration_seconds: request.duration_seconds,
        valid_from: request.valid_from,
        expires_at: request.expires_at,
        stages: request.stages.clone(),
        approvers: chain,
        created_at: request.created_at,
        lapses_at: request.lapses_at,
        decided_at: request.decided_at,
        grant: request.grant.clone(),
    })
}

/// The state as it counts now: a request past its time has lapsed, whether or not the job has run.
pub fn state_now(request: &Request, now: Timestamp) -> RequestState {
    match request.state {
        RequestState::Pending if request.lapses_at <= now => RequestState::Lapsed,
        state => state,
    }
}
