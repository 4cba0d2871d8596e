//! What follows from the log: a grant that ended has its task, a grant that counts again needs none, and a task whose
//! person is gone gets another.
//!
//! Rules: the log is read from where this job stood before, in order and at least once; rows are read again and no
//! payload is believed; what has its task gets no second one. Reviews and leavers open theirs at once, and leavers with
//! a deadline of their own.

use super::opening::{another, for_grant, is_at_work, withdraw};
use super::working::reassign;
use super::{Origin, TaskState};
use crate::access::grants::{self, GrantState};
use crate::app::App;
use crate::caller::Caller;
use crate::db::Tx;
use crate::error::Result;
use crate::ids::GrantId;
use crate::jobs::Lease;
use crate::log::event::{Change, Event};
use crate::log::store::events_after;
use crate::provisioning::store::tasks as store;

/// How many events are looked at at once.
const PAGE: i64 = 500;
/// How many grants one transaction takes.
const CHUNK: usize = 50;

/// The work of the job.
pub(in crate::provisioning) fn run(app: &App, lease: &Lease) -> Result<String> {
    let house = Caller::house("provisioning.follow");
    let mut opened = 0;
    loop {
        let events = app.read_now(|reader| {
            let at = store::cursor(reader)?;
            events_after(reader, at, PAGE)
        })?;
        let Some(last) = events.last().map(|event| event.number) else { break };
        let touched: Vec<GrantId> = events.iter().filter_map(touched).collect();
        for chunk in touched.chunks(CHUNK) {
            app.write_now(&house, |tx| {
                lease.check(tx)?;
                chunk.iter().try_for_each(|grant| follow(tx, grant))
            })?;
        }
        opened += touched.len();
        app.database().alone(|reader| store::move_cursor(reader, last))?;
    }
    let moved = app.write_now(&house, |tx| {
        lease.check(tx)?;
        replace(tx)
    })?;
    Ok(format!("{opened} grants followed, {} tasks moved", moved.value))
}

/// The grant that an event ended, or let count again.
fn touched(event: &Event) -> Option<GrantId> {
    match &event.change {
        // Leavers open theirs themselves, with the deadline of the case.
        Change::GrantRevoked { cause, .. } if cause == "leaver" => None,
        Change::GrantRevoked { grant, .. }
        | Change::GrantExpired { grant, .. }
        | Change::GrantSuspended { grant, .. }
        | Change::GrantResumed { grant, .. } => Some(grant.clone()),
        _ => None,
    }
}

fn follow(tx: &mut Tx<'_>, id: &GrantId) -> Result<()> {
    let grant = grants::find(tx, id)?;
    match grant.state {
        GrantState::Active => withdraw(tx, id),
        GrantState::Suspended | GrantState::Revoked | GrantState::Expired => {
            for_grant(tx, &grant, &Origin::Grant, None)
        }
    }
}

/// Another person for the open tasks of those who are not at work any more.
fn replace(tx: &mut Tx<'_>) -> Result<usize> {
    let mut moved = 0;
    for task in store::open_of_absent(tx, CHUNK as i64)? {
        if task.state != TaskState::Open || is_at_work(tx, &task.assignee)? {
            continue;
        }
        if let Some(to) = another(tx, &task)? {
            reassign(tx, task, to, None)?;
            moved += 1;
        }
    }
    Ok(moved)
}
