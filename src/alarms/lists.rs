//! Looking at alarms. Names are resolved by whoever shows them.

use serde::Serialize;
use utoipa::ToSchema;

use super::store::{self, Filter};
use super::{Alarm, AlarmState, Rule, Severity, StepTaken, Told};
use crate::clock::Timestamp;
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::ids::{AccountId, AlarmId};
use crate::vault;

/// How a list of alarms is narrowed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Narrowing {
    /// Only those that are open, or only those that are closed.
    pub open: Option<bool>,
    /// Only those in this state.
    pub state: Option<AlarmState>,
    /// Only those of this rule.
    pub rule: Option<Rule>,
    /// Only those of this severity.
    pub severity: Option<Severity>,
}

/// One alarm.
///
/// # Errors
/// [`Error::NotFound`].
pub fn find(reader: &mut Reader<'_>, id: &AlarmId) -> Result<Alarm> {
    store::find(reader, id)?.ok_or(Error::NotFound("alarm"))
}

/// Alarms, newest first, and the cursor of the next page.
///
/// # Errors
/// [`Error::Invalid`] for a cursor that is none.
pub fn list(
    reader: &mut Reader<'_>,
    narrowing: &Narrowing,
    cursor: Option<&str>,
    limit: i64,
) -> Result<(Vec<Alarm>, Option<String>)> {
    let before = match cursor {
        None => None,
        Some(text) => {
            let unknown = || Error::field("cursor", "must be the `next` of a page before");
            Some(AlarmId::parse(text).ok_or_else(unknown)?)
        }
    };
    let filter = Filter { narrowing: *narrowing, before };
    let mut found = store::list(reader, &filter, limit + 1)?;
    let more = found.len() as i64 > limit;
    found.truncate(usize::try_from(limit).unwrap_or_default());
    let next = found.last().filter(|_| more).map(|last| last.id.to_string());
    Ok((found, next))
}

/// How many alarms are in each state that is not closed.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn count_open(reader: &mut Reader<'_>) -> Result<u64> {
    store::count_open(reader)
}

/// Open alarms of which nobody was told yet; at most `limit`.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn untold(reader: &mut Reader<'_>, limit: i64) -> Result<Vec<AlarmId>> {
    store::untold(reader, limit)
}

/// Who took a step, and when.
#[derive(Serialize, ToSchema)]
#[schema(as = AlarmStep)]
pub struct StepView {
    by: String,
    at: Timestamp,
}

/// An alarm as callers see it.
#[derive(Serialize, ToSchema)]
pub struct AlarmView {
    id: AlarmId,
    rule: Rule,
    severity: Severity,
    state: AlarmState,
    #[schema(required)]
    account: Option<AccountId>,
    about: String,
    denies: bool,
    #[schema(required)]
    threshold: Option<u64>,
    #[schema(required)]
    window_seconds: Option<u64>,
    observed: u64,
    samples: Vec<String>,
    #[schema(required)]
    note: Option<String>,
    sightings: u64,
    raised_by: String,
    raised_at: Timestamp,
    last_seen_at: Timestamp,
    told: Vec<Told>,
    #[schema(required)]
    acknowledged: Option<StepView>,
    #[schema(required)]
    investigated: Option<StepView>,
    #[schema(required)]
    closed: Option<StepView>,
    #[schema(required)]
    finding: Option<String>,
}

/// An alarm as callers see it.
///
/// # Errors
/// [`Error::Internal`] if a text does not open.
pub fn alarm_view(reader: &mut Reader<'_>, alarm: &Alarm) -> Result<AlarmView> {
    let step = |taken: &StepTaken| taken.clone().map(|(by, at)| StepView { by, at });
    Ok(AlarmView {
        id: alarm.id.clone(),
        rule: alarm.rule,
        severity: alarm.severity,
        state: alarm.state,
        account: alarm.account.clone(),
        about: alarm.about.clone(),
        denies: alarm.denies,
        threshold: alarm.threshold,
        window_seconds: alarm.window_seconds,
        observed: alarm.observed,
        samples: alarm.samples.clone(),
        note: alarm.note.as_ref().map(|text| vault::show(reader, text)).transpose()?,
        sightings: alarm.sightings,
        raised_by: alarm.raised_by.clone(),
        raised_at: alarm.raised_at,
        last_seen_at: alarm.last_seen_at,
        told: alarm.told.clone(),
        acknowledged: step(&alarm.acknowledged),
        investigated: step(&alarm.investigated),
        closed: step(&alarm.closed),
        finding: alarm.finding.as_ref().map(|text| vault::show(reader, text)).transpose()?,
    })
}
