//! Handling: taking an alarm on, finding out, closing it with a finding.
//!
//! Rules: each step is taken once, and of two who take it at the same time the second is told; no step leads back.

use super::lists;
use super::store;
use super::{Alarm, AlarmState, Rule, Severity, Sighting, Told, raise};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::ids::{AccountId, AlarmId, TextId};
use crate::log::append::next_revision;
use crate::log::event::Change;
use crate::vault;

/// The shortest finding, in characters.
const SHORTEST: usize = 10;
/// The longest.
pub const LONGEST: usize = 4_000;

/// Takes a new alarm on: from now on the caller answers for it.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] `alarm-state` if somebody was quicker.
pub fn acknowledge(tx: &mut Tx<'_>, id: &AlarmId) -> Result<Alarm> {
    let mut alarm = lists::find(tx, id)?;
    if alarm.state != AlarmState::New {
        return Err(moved_on(&alarm));
    }
    alarm.acknowledged = Some((tx.caller.label(), tx.now));
    move_to(tx, alarm, AlarmState::Acknowledged, None)
}

/// Begins to find out what is behind an alarm that was taken on.
///
/// # Errors
/// As [`acknowledge`].
pub fn investigate(tx: &mut Tx<'_>, id: &AlarmId) -> Result<Alarm> {
    let mut alarm = lists::find(tx, id)?;
    match alarm.state {
        AlarmState::Acknowledged => {}
        AlarmState::New => {
            let advice = "Acknowledge the alarm first: somebody has to answer for it.";
            return Err(Error::conflict("alarm-state", advice));
        }
        AlarmState::Investigating | AlarmState::Closed => return Err(moved_on(&alarm)),
    }
    alarm.investigated = Some((tx.caller.label(), tx.now));
    move_to(tx, alarm, AlarmState::Investigating, None)
}

/// Closes an alarm with what was found; whoever it denied is judged as before. `others` says whether anybody but the
/// caller can handle alarms.
///
/// # Errors
/// [`Error::Invalid`] without a finding; [`Error::Forbidden`] `own-alarm` for whom it is about, while others can close
/// it; [`Error::Conflict`] `alarm-state` before somebody took it on, or once it is closed.
pub fn close(tx: &mut Tx<'_>, id: &AlarmId, finding: &str, others: bool) -> Result<Alarm> {
    let mut alarm = lists::find(tx, id)?;
    match alarm.state {
        AlarmState::Acknowledged | AlarmState::Investigating => {}
        AlarmState::New => {
            let advice = "Acknowledge the alarm first: somebody has to answer for it.";
            return Err(Error::conflict("alarm-state", advice));
        }
        AlarmState::Closed => return Err(moved_on(&alarm)),
    }
    if others && alarm.account.is_some() && alarm.account.as_ref() == tx.caller.account() {
        let advice = "This alarm is about you; somebody else closes it.";
        return Err(Error::forbidden("own-alarm", advice));
    }
    let finding = vault::keep(tx, checked("finding", finding)?)?;
    alarm.closed = Some((tx.caller.label(), tx.now));
    alarm.finding = Some(finding.clone());
    move_to(tx, alarm, AlarmState::Closed, Some(finding))
}

/// A finding, or what somebody reports, without blanks around it.
fn checked<'a>(field: &str, text: &'a str) -> Result<&'a str> {
    let text = text.trim();
    match text.chars().count() {
        SHORTEST..=LONGEST => Ok(text),
        _ => {
            let detail =
                format!("must have between {SHORTEST} and {LONGEST} characters; an auditor reads it");
            Err(Error::field(field, detail))
        }
    }
}

fn moved_on(alarm: &Alarm) -> Error {
    let detail = match alarm.state {
        AlarmState::New => "The alarm is new.",
        AlarmState::Acknowledged => "Somebody else was quicker: the alarm is acknowledged already.",
        AlarmState::Investigating => "Somebody else was quicker: the alarm is being investigated already.",
        AlarmState::Closed => "The alarm is closed. What is seen from now on raises a new one.",
    };
    Error::conflict("alarm-state", detail)
}

fn move_to(tx: &mut Tx<'_>, mut alarm: Alarm, to: AlarmState, finding: Option<TextId>) -> Result<Alarm> {
    let from = alarm.state;
    alarm.state = to;
    alarm.revision = next_revision(tx)?;
    store::update(tx, &alarm)?;
    let row = alarm.governed()?;
    let change = Change::AlarmStateChanged {
        alarm: alarm.id.clone(),
        account: alarm.account.clone(),
        rule: alarm.rule.to_string(),
        from: from.to_string(),
        to: to.to_string(),
        finding,
    };
    tx.record_rows(change, vec![row]);
    Ok(alarm)
}

/// Notes who was told of an alarm, and how.
///
/// # Errors
/// [`Error::NotFound`].
pub fn note_told(tx: &mut Tx<'_>, id: &AlarmId, people: &[AccountId], by: &str) -> Result<Alarm> {
    let mut alarm = lists::find(tx, id)?;
    let new: Vec<Told> = people
        .iter()
        .filter(|person| !alarm.told.iter().any(|told| told.account == **person && told.by == by))
        .map(|person| Told { account: person.clone(), by: by.to_owned(), at: tx.now })
        .collect();
    if new.is_empty() {
        return Ok(alarm);
    }
    let people = new.len() as u64;
    alarm.told.extend(new);
    alarm.revision = next_revision(tx)?;
    store::update(tx, &alarm)?;
    tx.record(Change::AlarmTold {
        alarm: alarm.id.clone(),
        account: alarm.account.clone(),
        rule: alarm.rule.to_string(),
        people,
    });
    Ok(alarm)
}

/// Somebody noticed something that no rule did: it becomes an alarm of its own.
///
/// # Errors
/// [`Error::Invalid`] for a text that is too short or too long.
pub fn report(
    tx: &mut Tx<'_>,
    severity: Severity,
    account: Option<&AccountId>,
    text: &str,
) -> Result<AlarmId> {
    let note = vault::keep(tx, checked("text", text)?)?;
    let seen = Sighting::of(Rule::Reported, severity).account(account).about(note.as_str()).note(note);
    raise(tx, seen)
}

/// Lets an account be judged as before although alarms about it are open: for whoever is recovered on the host. The
/// alarms stay open.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn release(tx: &mut Tx<'_>, account: &AccountId) -> Result<usize> {
    let denying = store::denying(tx, account)?;
    let count = denying.len();
    for mut alarm in denying {
        alarm.denies = false;
        let state = alarm.state;
        move_to(tx, alarm, state, None)?;
    }
    Ok(count)
}
