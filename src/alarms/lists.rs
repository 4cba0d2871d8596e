//! Looking at alarms. Names are resolved by whoever shows them.

use serde_json::{Value, json};

use super::store::{self, Filter};
use super::{Alarm, AlarmState, Rule, Severity};
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::ids::AlarmId;
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

/// An alarm as callers see it.
///
/// # Errors
/// [`Error::Internal`] if a text does not open.
pub fn json(reader: &mut Reader<'_>, alarm: &Alarm) -> Result<Value> {
    let note = alarm.note.as_ref().map(|text| vault::show(reader, text)).transpose()?;
    let finding = alarm.finding.as_ref().map(|text| vault::show(reader, text)).transpose()?;
    let step = |taken: &super::StepTaken| match taken {
        Some((by, at)) => json!({ "by": by, "at": at }),
        None => Value::Null,
    };
    Ok(json!({
        "id": alarm.id,
        "rule": alarm.rule,
        "severity": alarm.severity,
        "state": alarm.state,
        "account": alarm.account,
        "about": alarm.about,
        "denies": alarm.denies,
        "threshold": alarm.threshold,
        "window_seconds": alarm.window_seconds,
        "observed": alarm.observed,
        "samples": alarm.samples,
        "note": note,
        "sightings": alarm.sightings,
        "raised_by": alarm.raised_by,
        "raised_at": alarm.raised_at,
        "last_seen_at": alarm.last_seen_at,
        "told": alarm.told,
        "acknowledged": step(&alarm.acknowledged),
        "investigated": step(&alarm.investigated),
        "closed": step(&alarm.closed),
        "finding": finding,
    }))
}
