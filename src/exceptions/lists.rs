//! Looking at exceptions and at decisions about oneself. Names are resolved by whoever shows them.

use serde_json::{Value, json};

use super::own::OwnDecision;
use super::{Exception, ExceptionState, store};
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::ids::{ExceptionId, OwnDecisionId};
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

/// An exception as callers see it.
///
/// # Errors
/// [`Error::Internal`] if a text does not open.
pub fn json(reader: &mut Reader<'_>, exception: &Exception) -> Result<Value> {
    let step = |taken: &Option<(String, crate::clock::Timestamp)>| match taken {
        Some((by, at)) => json!({ "by": by, "at": at }),
        None => Value::Null,
    };
    Ok(json!({
        "id": exception.id,
        "kind": exception.kind,
        "what": exception.what,
        "account": exception.account,
        "state": state_now(exception, reader),
        "reason": vault::show(reader, &exception.reason)?,
        "control": vault::show(reader, &exception.control)?,
        "asked_by": exception.asked_by,
        "approved": step(&exception.approved),
        "created_at": exception.created_at,
        "ends_at": exception.ends_at,
        "ended": step(&exception.ended),
    }))
}

/// A decision about oneself as callers see it.
///
/// # Errors
/// [`Error::Internal`] if a text does not open.
pub fn own_json(reader: &mut Reader<'_>, decision: &OwnDecision) -> Result<Value> {
    let objection = decision.objection.as_ref().map(|text| vault::show(reader, text)).transpose()?;
    Ok(json!({
        "id": decision.id,
        "matter": decision.matter,
        "thing": decision.thing,
        "role": decision.role,
        "account": decision.account,
        "state": decision.state,
        "reason": vault::show(reader, &decision.reason)?,
        "opened_at": decision.opened_at,
        "effective_at": decision.effective_at,
        "objected_by": decision.objected.as_ref().map(|(by, _)| by),
        "objected_at": decision.objected.as_ref().map(|(_, at)| at),
        "objection": objection,
    }))
}
