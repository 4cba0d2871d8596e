//! What follows from the log: which events are mailed, to whom, and what is said.
//!
//! Rules: the log is read from where this job stood before, in order and at least once; rows are read again and no
//! payload is believed; an event that is older than a day is not mailed any more. What somebody does while enrolling for
//! the first time is no news to them.

use chrono::Duration;

use super::mail::{self, Template};
use super::store;
use crate::accounts;
use crate::app::App;
use crate::caller::Caller;
use crate::db::{Reader, Tx};
use crate::error::Result;
use crate::ids::AccountId;
use crate::jobs::Lease;
use crate::log::event::{Change, Event};
use crate::log::store::{events_after, size};
use crate::signin;
use crate::signin::links::Purpose;

/// How many events are looked at at once.
const PAGE: i64 = 500;
/// How many mails one transaction queues.
const CHUNK: usize = 50;
/// What happened longer ago is not mailed any more.
const NEWS: Duration = Duration::days(1);
/// So many days before the end of a password its owner is told, and again at each further step.
const STAGES: [i64; 4] = [14, 7, 3, 1];
/// How many passwords are looked at at once.
const PASSWORDS: i64 = 500;
/// For so long a mail that ended can still be looked up.
const KEPT: Duration = Duration::days(30);

/// A mail that an event asks for.
struct Due {
    template: Template,
    account: AccountId,
    about: String,
    cause: String,
}

/// The work of the job that follows the log.
///
/// # Errors
/// Whatever the database returns.
pub fn follow(app: &App, lease: &Lease) -> Result<String> {
    let mut queued = 0;
    loop {
        let (from, events) = app.read_now(|reader| {
            let from = store::cursor(reader)?;
            // Without a mail server nothing waits for one: this job stays near the end of the log, and does nothing.
            if app.config().mail.is_none() {
                let head = size(reader.connection)?;
                let far = head >= from + PAGE.unsigned_abs();
                return Ok((from, far.then_some((head, Vec::new()))));
            }
            let events = events_after(reader, from, PAGE)?;
            let due = due_of(reader, &events)?;
            Ok((from, events.last().map(|last| (last.number, due))))
        })?;
        let Some((to, due)) = events.filter(|(to, _)| *to > from) else { break };
        queued += queue(app, lease, &due, to)?;
    }
    Ok(format!("{queued} mails queued"))
}

/// Queues in handfuls; the last of them moves the cursor.
fn queue(app: &App, lease: &Lease, due: &[Due], to: u64) -> Result<usize> {
    let mut queued = 0;
    let chunks: Vec<&[Due]> = if due.is_empty() { vec![&[]] } else { due.chunks(CHUNK).collect() };
    let last = chunks.len() - 1;
    for (place, chunk) in chunks.into_iter().enumerate() {
        let done = app.write_now(&Caller::house("notify.follow"), |tx| {
            lease.check(tx)?;
            let mut queued = 0;
            for Due { template, account, about, cause } in chunk {
                queued += usize::from(mail::queue(tx, *template, account, about, cause)?);
            }
            if place == last {
                store::move_cursor(tx, to)?;
            }
            Ok(queued)
        })?;
        queued += done.value;
    }
    Ok(queued)
}

fn due_of(reader: &mut Reader<'_>, events: &[Event]) -> Result<Vec<Due>> {
    let from = reader.now.minus(NEWS);
    let mut all = Vec::new();
    for event in events.iter().filter(|event| event.at >= from) {
        all.extend(of_event(reader, event)?);
    }
    Ok(all)
}

fn of_event(reader: &mut Reader<'_>, event: &Event) -> Result<Vec<Due>> {
    let Some(account) = event.subject.clone() else { return Ok(Vec::new()) };
    let template = match &event.change {
        Change::LinkDue { purpose, .. } if purpose == Purpose::Enrolment.as_str() => Template::Invitation,
        Change::LinkDue { purpose, .. } if purpose == Purpose::Recovery.as_str() => Template::Recovery,
        Change::PasswordLocked { .. } => Template::Locked,
        Change::FactorLocked { .. } => Template::CodeLocked,
        Change::PasswordSet { .. } if was_enrolled(reader, event)? => Template::PasswordChanged,
        Change::FactorEnrolled { .. } if was_enrolled(reader, event)? => Template::FactorAdded,
        Change::IdentityLinked { .. } if was_enrolled(reader, event)? => Template::IdentityLinked,
        Change::FactorRemoved { .. } if was_enrolled(reader, event)? => Template::FactorRemoved,
        Change::DeviceRemembered { .. } if was_enrolled(reader, event)? => Template::NewDevice,
        Change::WorkstationEntered { workstation, .. } if was_enrolled(reader, event)? => {
            let (about, cause) = (workstation.to_string(), event.at.micros().to_string());
            return Ok(vec![Due { template: Template::WorkstationEntered, account, about, cause }]);
        }
        Change::PasskeyChanged { what, .. } if was_enrolled(reader, event)? => match what.as_str() {
            "added" => Template::FactorAdded,
            "removed" => Template::FactorRemoved,
            _ => return Ok(Vec::new()),
        },
        Change::AccountChanged { fields, .. } if fields.iter().any(|field| field == "email") => {
            return to_both_addresses(reader, event, account);
        }
        _ => return Ok(Vec::new()),
    };
    // What one transaction records twice is one thing to its reader.
    let cause = event.at.micros().to_string();
    Ok(vec![Due { template, account, about: String::new(), cause }])
}

/// Whether whom the event is about had a way in before it.
fn was_enrolled(reader: &mut Reader<'_>, event: &Event) -> Result<bool> {
    let Some(account) = &event.subject else { return Ok(false) };
    let enrolled = accounts::find(reader, account)?.status.enrolled_at;
    Ok(enrolled.is_some_and(|at| at < event.at))
}

fn to_both_addresses(reader: &mut Reader<'_>, event: &Event, account: AccountId) -> Result<Vec<Due>> {
    let cause = event.at.micros().to_string();
    let mut both = vec![Due {
        template: Template::EmailChanged,
        account: account.clone(),
        about: String::new(),
        cause: cause.clone(),
    }];
    if let Some(change) = accounts::emails::changed_at(reader, &account, event.at)? {
        both.push(Due { template: Template::FormerEmail, account, about: change, cause });
    }
    Ok(both)
}

/// The work of the job that tells people in time that their password ends, once at each stage. It also forgets mails
/// that ended a month ago.
///
/// # Errors
/// Whatever the database returns.
pub fn warn_of_ends(app: &App, lease: &Lease) -> Result<String> {
    let house = Caller::house("notify.ends");
    let mut told = 0;
    let mut after = None;
    while app.config().mail.is_some() {
        let ending = app.read_now(|reader| {
            let until = reader.now.plus(Duration::days(STAGES[0]));
            signin::passwords_that_end(reader, until, after.as_ref(), PASSWORDS)
        })?;
        let Some((last, _)) = ending.last() else { break };
        after = Some(last.clone());
        for chunk in ending.chunks(CHUNK) {
            let done = app.write_now(&house, |tx| {
                lease.check(tx)?;
                warn(tx, chunk)
            })?;
            told += done.value;
        }
    }
    let gone = app.write_now(&house, |tx| {
        lease.check(tx)?;
        let before = tx.now.minus(KEPT);
        store::forget(tx, before, PASSWORDS)
    })?;
    Ok(format!("{told} people told, {} mails forgotten", gone.value))
}

fn warn(tx: &mut Tx<'_>, ending: &[(AccountId, crate::clock::Timestamp)]) -> Result<usize> {
    let mut told = 0;
    for (account, ends_at) in
        ending.iter().filter(|(_, ends_at)| *ends_at > tx.now).cloned().collect::<Vec<_>>()
    {
        let left = ends_at.since(tx.now);
        let Some(stage) = STAGES.iter().rev().find(|days| left <= Duration::days(**days)) else { continue };
        let cause = format!("{} {stage}", ends_at.micros());
        told += usize::from(mail::queue(tx, Template::PasswordEnds, &account, "", &cause)?);
    }
    Ok(told)
}
