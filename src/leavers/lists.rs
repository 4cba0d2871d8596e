//! Looking at cases. Names are resolved by whoever shows them.
//!
//! Rule: a confidential case that lies ahead is shown only to those who handle leavers.

use std::collections::HashSet;

use serde::Serialize;
use utoipa::ToSchema;

use super::store::{self, Part};
use super::{Case, CaseState, Source, Step};
use crate::accounts;
use crate::clock::Timestamp;
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::ids::{AccountId, CaseId};
use crate::provisioning::tasks::lists as tasks;
use crate::vault;

/// Who looks: what they may see depends on it.
#[derive(Debug, Clone)]
pub struct Viewer {
    /// Who.
    pub account: AccountId,
    /// Whether they handle leavers, and so see every case also before its instant.
    pub handles: bool,
    /// Whether they see everybody's cases, or only those of their own team.
    pub everybody: bool,
}

/// One case with its steps.
///
/// # Errors
/// [`Error::NotFound`] if there is none that this viewer may see.
pub fn find(reader: &mut Reader<'_>, id: &CaseId, viewer: &Viewer) -> Result<(Case, Vec<Step>)> {
    let case = store::find(reader, id)?.ok_or(Error::NotFound("case"))?;
    if !visible(reader, &case, viewer)? {
        return Err(Error::NotFound("case"));
    }
    let steps = store::steps(reader, id)?;
    Ok((case, steps))
}

/// The confidential cases whose instant lies ahead: nobody but those who handle leavers may know of them.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn hidden(reader: &mut Reader<'_>) -> Result<HashSet<CaseId>> {
    store::hidden(reader)
}

fn visible(reader: &mut Reader<'_>, case: &Case, viewer: &Viewer) -> Result<bool> {
    if case.confidential && case.effective_at > reader.now && !viewer.handles {
        return Ok(case.opened_by == viewer.account.as_str());
    }
    if viewer.everybody || accounts::chain(reader, &case.account)?.contains(&viewer.account) {
        return Ok(true);
    }
    // Whoever has to take something away sees why.
    Ok(tasks::of_account(reader, &case.account)?.iter().any(|task| task.assignee == viewer.account))
}

/// Cases of a part (`running`, `coming`, `closed`, or all), newest first (those that are coming: the next first), and
/// the cursor of the next page.
///
/// # Errors
/// [`Error::Invalid`] for a part that there is not.
pub fn list(
    reader: &mut Reader<'_>,
    part: Option<&str>,
    viewer: &Viewer,
    cursor: Option<&str>,
    limit: i64,
) -> Result<(Vec<Case>, Option<String>)> {
    let part = match part {
        None => None,
        Some("running") => Some(Part::Running),
        Some("coming") => Some(Part::Coming),
        Some("closed") => Some(Part::Closed),
        Some(_) => return Err(Error::field("view", "must be running, coming or closed")),
    };
    let mut found = store::list(reader, part, !viewer.handles, cursor, limit + 1)?;
    let more = found.len() as i64 > limit;
    found.truncate(usize::try_from(limit).unwrap_or_default());
    let next = found.last().filter(|_| more).map(|last| last.id.to_string());
    let mut shown = Vec::with_capacity(found.len());
    for case in found {
        if visible(reader, &case, viewer)? {
            shown.push(case);
        }
    }
    Ok((shown, next))
}

/// How many cases run, for the navigation.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn running(reader: &mut Reader<'_>) -> Result<u64> {
    store::count_running(reader)
}

/// A case as callers see it; a list leaves the steps out.
#[derive(Serialize, ToSchema)]
pub struct CaseView {
    id: CaseId,
    account: AccountId,
    state: CaseState,
    source: Source,
    #[schema(required)]
    reason: Option<String>,
    confidential: bool,
    effective_at: Timestamp,
    known_at: Timestamp,
    deadline: Timestamp,
    breached_on_arrival: bool,
    #[schema(required)]
    closed_at: Option<Timestamp>,
    steps: Vec<Step>,
}

/// A case as callers see it.
///
/// # Errors
/// [`Error::Internal`] if the reason does not open.
pub fn case_view(reader: &mut Reader<'_>, case: &Case, steps: &[Step]) -> Result<CaseView> {
    Ok(CaseView {
        id: case.id.clone(),
        account: case.account.clone(),
        state: case.state,
        source: case.source,
        reason: case.reason.as_ref().map(|text| vault::show(reader, text)).transpose()?,
        confidential: case.confidential,
        effective_at: case.effective_at,
        known_at: case.known_at,
        deadline: case.deadline,
        breached_on_arrival: case.breached_on_arrival,
        closed_at: case.closed_at,
        steps: steps.to_vec(),
    })
}
