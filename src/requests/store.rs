//! Rows of requests and of those who may answer them.

use diesel::prelude::*;

use super::{Approver, Authority, Reply, Request, RequestState};
use crate::clock::Timestamp;
use crate::db::schema::{accounts, request_approvers, requests};
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::ids::{AccountId, GrantId, RequestId, TextId};

#[derive(Queryable)]
struct RequestRow {
    id: RequestId,
    account: AccountId,
    role: String,
    asked_by: String,
    state: RequestState,
    scope: Option<String>,
    reason: TextId,
    duration_seconds: Option<i64>,
    valid_from: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    stages: String,
    created_at: Timestamp,
    lapses_at: Timestamp,
    decided_at: Option<Timestamp>,
    grant_id: Option<GrantId>,
    revision: i64,
}

fn json<T: for<'de> serde::Deserialize<'de>>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|cause| Error::internal("reading a request", cause))
}

fn text(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|cause| Error::internal("writing a request", cause))
}

impl RequestRow {
    fn read(self) -> Result<Request> {
        Ok(Request {
            scope: self.scope.as_deref().map(json).transpose()?,
            stages: json(&self.stages)?,
            id: self.id,
            account: self.account,
            role: self.role,
            asked_by: self.asked_by,
            state: self.state,
            reason: self.reason,
            duration_seconds: self.duration_seconds,
            valid_from: self.valid_from,
            expires_at: self.expires_at,
            created_at: self.created_at,
            lapses_at: self.lapses_at,
            decided_at: self.decided_at,
            grant: self.grant_id,
            revision: self.revision.unsigned_abs(),
        })
    }
}

fn read_all(rows: Vec<RequestRow>) -> Result<Vec<Request>> {
    rows.into_iter().map(RequestRow::read).collect()
}

pub(super) fn find(reader: &mut Reader<'_>, id: &RequestId) -> Result<Option<Request>> {
    let row: Option<RequestRow> =
        requests::table.find(id).select(requests::all_columns).first(reader.connection).optional()?;
    row.map(RequestRow::read).transpose()
}

pub(super) fn insert(tx: &mut Tx<'_>, request: &Request) -> Result<()> {
    let scope = request.scope.as_ref().map(text).transpose()?;
    diesel::insert_into(requests::table)
        .values((
            requests::id.eq(&request.id),
            requests::account.eq(&request.account),
            requests::role.eq(&request.role),
            requests::asked_by.eq(&request.asked_by),
            requests::state.eq(request.state),
            requests::scope.eq(scope),
            requests::reason.eq(&request.reason),
            requests::duration_seconds.eq(request.duration_seconds),
            requests::valid_from.eq(request.valid_from),
            requests::expires_at.eq(request.expires_at),
            requests::stages.eq(text(&request.stages)?),
            requests::created_at.eq(request.created_at),
            requests::lapses_at.eq(request.lapses_at),
            requests::revision.eq(request.revision.cast_signed()),
        ))
        .execute(tx.connection)?;
    Ok(())
}

/// Writes what can change of a request.
pub(super) fn update(tx: &mut Tx<'_>, request: &Request) -> Result<()> {
    diesel::update(requests::table.find(&request.id))
        .set((
            requests::state.eq(request.state),
            requests::decided_at.eq(request.decided_at),
            requests::grant_id.eq(&request.grant),
            requests::revision.eq(request.revision.cast_signed()),
        ))
        .execute(tx.connection)?;
    Ok(())
}

/// Whether a request of the account for the role waits.
pub(super) fn waiting(reader: &mut Reader<'_>, account: &AccountId, role: &str) -> Result<bool> {
    let now = reader.now;
    let count: i64 = requests::table
        .filter(requests::account.eq(account))
        .filter(requests::role.eq(role))
        .filter(requests::state.eq(RequestState::Pending))
        .filter(requests::lapses_at.gt(now))
        .count()
        .get_result(reader.connection)?;
    Ok(count > 0)
}

/// How many requests of the account wait.
pub(super) fn count_waiting(reader: &mut Reader<'_>, account: &AccountId) -> Result<i64> {
    Ok(requests::table
        .filter(requests::account.eq(account))
        .filter(requests::state.eq(RequestState::Pending))
        .count()
        .get_result(reader.connection)?)
}

/// Pending requests whose time is over or whose subject has left.
pub(super) fn unanswered(reader: &mut Reader<'_>, limit: i64) -> Result<Vec<Request>> {
    let now = reader.now;
    let gone = accounts::state.eq_any(["left", "erased"]);
    let rows: Vec<RequestRow> = requests::table
        .inner_join(accounts::table.on(accounts::id.eq(requests::account)))
        .filter(requests::state.eq(RequestState::Pending))
        .filter(requests::lapses_at.le(now).or(gone))
        .order(requests::id)
        .limit(limit)
        .select(requests::all_columns)
        .load(reader.connection)?;
    read_all(rows)
}

/// Whose requests a list shows.
#[derive(Debug, Clone)]
pub(super) enum Whose {
    /// Those that wait for this approver.
    ToDecide(AccountId),
    /// Those of this account, or asked by it.
    Mine(AccountId),
    /// All.
    All,
}

/// Requests, newest first, from the one before `before`.
pub(super) fn list(
    reader: &mut Reader<'_>,
    whose: &Whose,
    state: Option<RequestState>,
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<Request>> {
    let now = reader.now;
    let mut query =
        requests::table.select(requests::all_columns).order(requests::id.desc()).limit(limit).into_boxed();
    query = match whose {
        Whose::ToDecide(approver) => {
            let waits = request_approvers::table
                .filter(request_approvers::approver.eq(approver))
                .filter(request_approvers::answer.is_null())
                .select(request_approvers::request);
            query
                .filter(requests::state.eq(RequestState::Pending))
                .filter(requests::lapses_at.gt(now))
                .filter(requests::id.eq_any(waits))
        }
        Whose::Mine(account) => {
            query.filter(requests::account.eq(account).or(requests::asked_by.eq(account.to_string())))
        }
        Whose::All => query,
    };
    if let Some(state) = state {
        query = query.filter(requests::state.eq(state));
    }
    if let Some(before) = before.and_then(RequestId::parse) {
        query = query.filter(requests::id.lt(before));
    }
    read_all(query.load(reader.connection)?)
}

/// How many requests wait for an approver.
pub(super) fn count_to_decide(reader: &mut Reader<'_>, approver: &AccountId) -> Result<u64> {
    let now = reader.now;
    let count: i64 = request_approvers::table
        .inner_join(requests::table)
        .filter(request_approvers::approver.eq(approver))
        .filter(request_approvers::answer.is_null())
        .filter(requests::state.eq(RequestState::Pending))
        .filter(requests::lapses_at.gt(now))
        .count()
        .get_result(reader.connection)?;
    Ok(count.unsigned_abs())
}

// ---- approvers ------------------------------------------------------------------------------------------------------

type ApproverRow = (i32, AccountId, Authority, Option<Reply>, Option<TextId>, Option<Timestamp>);

pub(super) fn insert_approvers(tx: &mut Tx<'_>, request: &RequestId, approvers: &[Approver]) -> Result<()> {
    for approver in approvers {
        diesel::insert_into(request_approvers::table)
            .values((
                request_approvers::request.eq(request),
                request_approvers::stage.eq(approver.stage),
                request_approvers::approver.eq(&approver.account),
                request_approvers::authority.eq(approver.authority),
            ))
            .execute(tx.connection)?;
    }
    Ok(())
}

/// Takes out somebody who lost the authority without having answered.
pub(super) fn remove_approver(tx: &mut Tx<'_>, request: &RequestId, gone: &Approver) -> Result<()> {
    let row = request_approvers::table.find((request, gone.stage, &gone.account));
    diesel::delete(row).execute(tx.connection)?;
    Ok(())
}

/// Those who may answer a request, by stage.
pub(super) fn approvers(reader: &mut Reader<'_>, request: &RequestId) -> Result<Vec<Approver>> {
    let rows: Vec<ApproverRow> = request_approvers::table
        .filter(request_approvers::request.eq(request))
        .order((request_approvers::stage, request_approvers::approver))
        .select((
            request_approvers::stage,
            request_approvers::approver,
            request_approvers::authority,
            request_approvers::answer,
            request_approvers::note,
            request_approvers::answered_at,
        ))
        .load(reader.connection)?;
    let read = |(stage, account, authority, reply, note, answered_at)| Approver {
        stage,
        account,
        authority,
        reply,
        note,
        answered_at,
    };
    Ok(rows.into_iter().map(read).collect())
}

/// Writes an approver's answer to every stage that still waits for it; returns those stages.
pub(super) fn answer(
    tx: &mut Tx<'_>,
    request: &RequestId,
    approver: &AccountId,
    reply: Reply,
    note: Option<&TextId>,
    at: Timestamp,
) -> Result<Vec<i32>> {
    Ok(diesel::update(
        request_approvers::table
            .filter(request_approvers::request.eq(request))
            .filter(request_approvers::approver.eq(approver))
            .filter(request_approvers::answer.is_null()),
    )
    .set((
        request_approvers::answer.eq(reply),
        request_approvers::note.eq(note),
        request_approvers::answered_at.eq(at),
    ))
    .returning(request_approvers::stage)
    .get_results(tx.connection)?)
}
