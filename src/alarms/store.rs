//! Rows of alarms.

use diesel::prelude::*;

use super::lists::Narrowing;
use super::raising::open_key;
use super::{Alarm, AlarmState, Rule, Severity, StepTaken};
use crate::clock::Timestamp;
use crate::db::schema::alarms;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::ids::{AccountId, AlarmId, TextId};

#[derive(Queryable)]
struct AlarmRow {
    id: AlarmId,
    rule: Rule,
    severity: Severity,
    account: Option<AccountId>,
    about: String,
    _open_key: Option<String>,
    state: AlarmState,
    denies: bool,
    threshold: Option<i64>,
    window_seconds: Option<i64>,
    observed: i64,
    samples: String,
    note: Option<TextId>,
    told: String,
    sightings: i64,
    raised_by: String,
    raised_at: Timestamp,
    last_seen_at: Timestamp,
    acknowledged_by: Option<String>,
    acknowledged_at: Option<Timestamp>,
    investigated_by: Option<String>,
    investigated_at: Option<Timestamp>,
    closed_by: Option<String>,
    closed_at: Option<Timestamp>,
    finding: Option<TextId>,
    revision: i64,
}

impl AlarmRow {
    fn read(self) -> Result<Alarm> {
        let wrong = |cause: serde_json::Error| Error::internal("reading an alarm", cause);
        Ok(Alarm {
            id: self.id,
            rule: self.rule,
            severity: self.severity,
            account: self.account,
            about: self.about,
            state: self.state,
            denies: self.denies,
            threshold: self.threshold.map(i64::unsigned_abs),
            window_seconds: self.window_seconds.map(i64::unsigned_abs),
            observed: self.observed.unsigned_abs(),
            samples: serde_json::from_str(&self.samples).map_err(wrong)?,
            note: self.note,
            told: serde_json::from_str(&self.told).map_err(wrong)?,
            sightings: self.sightings.unsigned_abs(),
            raised_by: self.raised_by,
            raised_at: self.raised_at,
            last_seen_at: self.last_seen_at,
            acknowledged: self.acknowledged_by.zip(self.acknowledged_at),
            investigated: self.investigated_by.zip(self.investigated_at),
            closed: self.closed_by.zip(self.closed_at),
            finding: self.finding,
            revision: self.revision.unsigned_abs(),
        })
    }
}

fn one(row: Option<AlarmRow>) -> Result<Option<Alarm>> {
    row.map(AlarmRow::read).transpose()
}

fn all(rows: Vec<AlarmRow>) -> Result<Vec<Alarm>> {
    rows.into_iter().map(AlarmRow::read).collect()
}

fn written(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|cause| Error::internal("writing an alarm", cause))
}

pub(super) fn find(reader: &mut Reader<'_>, id: &AlarmId) -> Result<Option<Alarm>> {
    one(alarms::table.find(id).select(alarms::all_columns).first(reader.connection).optional()?)
}

/// The open alarm of that key.
pub(super) fn open(reader: &mut Reader<'_>, key: &str) -> Result<Option<Alarm>> {
    let found = alarms::table.filter(alarms::open_key.eq(key)).select(alarms::all_columns);
    one(found.first(reader.connection).optional()?)
}

pub(super) fn insert(tx: &mut Tx<'_>, alarm: &Alarm) -> Result<()> {
    let key = open_key(alarm.rule, alarm.account.as_ref(), &alarm.about);
    diesel::insert_into(alarms::table)
        .values((
            alarms::id.eq(&alarm.id),
            alarms::rule.eq(alarm.rule),
            alarms::severity.eq(alarm.severity),
            alarms::account.eq(&alarm.account),
            alarms::about.eq(&alarm.about),
            alarms::open_key.eq(key),
            alarms::state.eq(alarm.state),
            alarms::denies.eq(alarm.denies),
            alarms::threshold.eq(alarm.threshold.map(u64::cast_signed)),
            alarms::window_seconds.eq(alarm.window_seconds.map(u64::cast_signed)),
            alarms::observed.eq(alarm.observed.cast_signed()),
            alarms::samples.eq(written(&alarm.samples)?),
            alarms::note.eq(&alarm.note),
            alarms::told.eq(written(&alarm.told)?),
            alarms::sightings.eq(alarm.sightings.cast_signed()),
            alarms::raised_by.eq(&alarm.raised_by),
            alarms::raised_at.eq(alarm.raised_at),
            alarms::last_seen_at.eq(alarm.last_seen_at),
            alarms::revision.eq(alarm.revision.cast_signed()),
        ))
        .execute(tx.connection)?;
    Ok(())
}

/// Writes what can change of an alarm.
pub(super) fn update(tx: &mut Tx<'_>, alarm: &Alarm) -> Result<()> {
    let by = |step: &StepTaken| step.as_ref().map(|(by, _)| by.clone());
    let at = |step: &StepTaken| step.as_ref().map(|(_, at)| *at);
    let key = (alarm.state != AlarmState::Closed)
        .then(|| open_key(alarm.rule, alarm.account.as_ref(), &alarm.about));
    diesel::update(alarms::table.find(&alarm.id))
        .set((
            alarms::severity.eq(alarm.severity),
            alarms::open_key.eq(key),
            alarms::state.eq(alarm.state),
            alarms::denies.eq(alarm.denies),
            alarms::threshold.eq(alarm.threshold.map(u64::cast_signed)),
            alarms::window_seconds.eq(alarm.window_seconds.map(u64::cast_signed)),
            alarms::observed.eq(alarm.observed.cast_signed()),
            alarms::samples.eq(written(&alarm.samples)?),
            alarms::told.eq(written(&alarm.told)?),
            alarms::sightings.eq(alarm.sightings.cast_signed()),
            alarms::last_seen_at.eq(alarm.last_seen_at),
            alarms::acknowledged_by.eq(by(&alarm.acknowledged)),
            alarms::acknowledged_at.eq(at(&alarm.acknowledged)),
            alarms::investigated_by.eq(by(&alarm.investigated)),
            alarms::investigated_at.eq(at(&alarm.investigated)),
            alarms::closed_by.eq(by(&alarm.closed)),
            alarms::closed_at.eq(at(&alarm.closed)),
            alarms::finding.eq(&alarm.finding),
            alarms::revision.eq(alarm.revision.cast_signed()),
        ))
        .execute(tx.connection)?;
    Ok(())
}

/// Which alarms are wanted.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    pub narrowing: Narrowing,
    pub before: Option<AlarmId>,
}

/// Alarms by their ids, newest first.
pub(super) fn list(reader: &mut Reader<'_>, filter: &Filter, limit: i64) -> Result<Vec<Alarm>> {
    let narrowing = &filter.narrowing;
    let mut query =
        alarms::table.select(alarms::all_columns).order(alarms::id.desc()).limit(limit).into_boxed();
    query = match narrowing.open {
        Some(true) => query.filter(alarms::state.ne(AlarmState::Closed)),
        Some(false) => query.filter(alarms::state.eq(AlarmState::Closed)),
        None => query,
    };
    if let Some(state) = narrowing.state {
        query = query.filter(alarms::state.eq(state));
    }
    if let Some(rule) = narrowing.rule {
        query = query.filter(alarms::rule.eq(rule));
    }
    if let Some(severity) = narrowing.severity {
        query = query.filter(alarms::severity.eq(severity));
    }
    if let Some(before) = &filter.before {
        query = query.filter(alarms::id.lt(before));
    }
    all(query.load(reader.connection)?)
}

/// Alarms after `after` by id.
pub(super) fn after(reader: &mut Reader<'_>, after: &str, limit: i64) -> Result<Vec<Alarm>> {
    let query = alarms::table.filter(alarms::id.gt(after)).order(alarms::id).limit(limit);
    all(query.select(alarms::all_columns).load(reader.connection)?)
}

pub(super) fn count_new(reader: &mut Reader<'_>) -> Result<u64> {
    let count: i64 =
        alarms::table.filter(alarms::state.eq(AlarmState::New)).count().get_result(reader.connection)?;
    Ok(count.unsigned_abs())
}

pub(super) fn count_open(reader: &mut Reader<'_>) -> Result<u64> {
    let count: i64 =
        alarms::table.filter(alarms::state.ne(AlarmState::Closed)).count().get_result(reader.connection)?;
    Ok(count.unsigned_abs())
}

pub(super) fn untold(reader: &mut Reader<'_>, limit: i64) -> Result<Vec<AlarmId>> {
    let query = alarms::table
        .filter(alarms::state.ne(AlarmState::Closed))
        .filter(alarms::told.eq("[]"))
        .order(alarms::id)
        .limit(limit);
    Ok(query.select(alarms::id).load(reader.connection)?)
}

pub(super) fn denied(reader: &mut Reader<'_>) -> Result<Vec<(AccountId, Rule, String)>> {
    let query = alarms::table
        .filter(alarms::state.ne(AlarmState::Closed))
        .filter(alarms::denies.eq(true))
        .filter(alarms::account.is_not_null());
    let columns = (alarms::account, alarms::rule, alarms::about);
    let found: Vec<(Option<AccountId>, Rule, String)> = query.select(columns).load(reader.connection)?;
    Ok(found.into_iter().filter_map(|(account, rule, about)| Some((account?, rule, about))).collect())
}

pub(super) fn highest(reader: &mut Reader<'_>, rule: Rule, about: &str) -> Result<u64> {
    let query = alarms::table.filter(alarms::rule.eq(rule)).filter(alarms::about.eq(about));
    let highest: Option<i64> =
        query.select(diesel::dsl::max(alarms::observed)).get_result(reader.connection)?;
    Ok(highest.unwrap_or_default().unsigned_abs())
}

/// The open alarms that deny this account.
pub(super) fn denying(reader: &mut Reader<'_>, account: &AccountId) -> Result<Vec<Alarm>> {
    let query = alarms::table
        .filter(alarms::state.ne(AlarmState::Closed))
        .filter(alarms::denies.eq(true))
        .filter(alarms::account.eq(account))
        .order(alarms::id);
    all(query.select(alarms::all_columns).load(reader.connection)?)
}
