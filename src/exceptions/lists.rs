//! Looking at exceptions and at decisions about oneself. Names are resolved by whoever shows them.

use serde::Serialize;
use utoipa::ToSchema;

use super::own::{Matter, OwnDecision, Window};
use super::{Exception, ExceptionKind, ExceptionState, store};
use crate::clock::Timestamp;
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::ids::{AccountId, ExceptionId, OwnDecisionId};
use crate::vault;

/// One exception.
///
/// # Errors
/// [`Error::NotFound`].
pub fn find(reader: &mut Reader<'_>, id: &ExceptionId) -> Result<Exception> {
    store::find(reader, id)?.ok_or(Error::NotFound("exception"))
}

/// Exceptions, newest first, and the cursor of the next page: those that wait or count (`living`), those that are over
/// (`past`), or all.
///
/// # Errors
/// [`Error::Invalid`] for a view or cursor that is none.
pub fn list(
    reader: &mut Reader<'_>,
    view: Option<&str>,
    cursor: Option<&str>,
    limit: i64,
) -> Result<(Vec<Exception>, Option<String>)> {
    let living = match view {
        None => None,
        Some("living") => Some(true),
        Some("past") => Some(false),
        Some(_) => return Err(Error::field("view", "must be living or past")),
    };
    let before = cursor.map(|text| ExceptionId::parse(text).ok_or_else(no_cursor)).transpose()?;
    let mut found = store::list(reader, living, before.as_ref(), limit + 1)?;
    let more = found.len() as i64 > limit;
    found.truncate(usize::try_from(limit).unwrap_or_default());
    let next = found.last().filter(|_| more).map(|last| last.id.to_string());
    Ok((found, next))
}

fn no_cursor() -> Error {
    Error::field("cursor", "must be the `next` of a page before")
}

/// Where an exception stands at this instant: also one whose end has passed and that no job has noted yet.
pub fn state_now(exception: &Exception, reader: &Reader<'_>) -> ExceptionState {
    let open = matches!(exception.state, ExceptionState::Proposed | ExceptionState::Approved);
    if open && exception.ends_at <= reader.now { ExceptionState::Expired } else { exception.state }
}

/// Decisions about oneself, newest first, and the cursor of the next page: those that wait, or all.
///
/// # Errors
/// [`Error::Invalid`] for a cursor that is none.
pub fn own_decisions(
    reader: &mut Reader<'_>,
    waiting: bool,
    cursor: Option<&str>,
    limit: i64,
) -> Result<(Vec<OwnDecision>, Option<String>)> {
    let before = cursor.map(|text| OwnDecisionId::parse(text).ok_or_else(no_cursor)).transpose()?;
    let mut found = store::list_own(reader, waiting, before.as_ref(), limit + 1)?;
    let more = found.len() as i64 > limit;
    found.truncate(usize::try_from(limit).unwrap_or_default());
    let next = found.last().filter(|_| more).map(|last| last.id.to_string());
    Ok((found, next))
}

/// Who took a step, and when.
#[derive(Serialize, ToSchema)]
#[schema(as = ExceptionStep)]
pub struct StepView {
    by: String,
    at: Timestamp,
}

/// An exception as callers see it.
#[derive(Serialize, ToSchema)]
pub struct ExceptionView {
    id: ExceptionId,
    kind: ExceptionKind,
    what: String,
    account: AccountId,
    state: ExceptionState,
    reason: String,
    control: String,
    asked_by: String,
    #[schema(required)]
    approved: Option<StepView>,
    created_at: Timestamp,
    ends_at: Timestamp,
    #[schema(required)]
    ended: Option<StepView>,
}

/// A decision about oneself as callers see it.
#[derive(Serialize, ToSchema)]
pub struct OwnDecisionView {
    id: OwnDecisionId,
    matter: Matter,
    thing: String,
    role: String,
    account: AccountId,
    state: Window,
    reason: String,
    opened_at: Timestamp,
    effective_at: Timestamp,
    #[schema(required)]
    objected_by: Option<String>,
    #[schema(required)]
    objected_at: Option<Timestamp>,
    #[schema(required)]
    objection: Option<String>,
}

/// An exception as callers see it.
///
/// # Errors
/// [`Error::Internal`] if a text does not open.
pub fn exception_view(reader: &mut Reader<'_>, exception: &Exception) -> Result<ExceptionView> {
    let step = |taken: &Option<(String, Timestamp)>| taken.clone().map(|(by, at)| StepView { by, at });
    Ok(ExceptionView {
        id: exception.id.clone(),
        kind: exception.kind,
        what: exception.what.clone(),
        account: exception.account.clone(),
        state: state_now(exception, reader),
        reason: vault::show(reader, &exception.reason)?,
        control: vault::show(reader, &exception.control)?,
        asked_by: exception.asked_by.clone(),
        approved: step(&exception.approved),
        created_at: exception.created_at,
        ends_at: exception.ends_at,
        ended: step(&exception.ended),
    })
}

/// A decision about oneself as callers see it.
///
/// # Errors
/// [`Error::Internal`] if a text does not open.
pub fn own_view(reader: &mut Reader<'_>, decision: &OwnDecision) -> Result<OwnDecisionView> {
    let (objected_by, objected_at) = decision.objected.clone().unzip();
    Ok(OwnDecisionView {
        id: decision.id.clone(),
        matter: decision.matter,
        thing: decision.thing.clone(),
        role: decision.role.clone(),
        account: decision.account.clone(),
        state: decision.state,
        reason: vault::show(reader, &decision.reason)?,
        opened_at: decision.opened_at,
        effective_at: decision.effective_at,
        objected_by,
        objected_at,
        objection: decision.objection.as_ref().map(|text| vault::show(reader, text)).transpose()?,
    })
}
