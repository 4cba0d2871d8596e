//! What the log does by itself: following what other processes write, a checkpoint each second and at each day's end,
//! the proof of what is new at every start, the nightly proof of the whole.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::access::Books;
use super::event::Change;
use super::verify::{self, Report};
use super::wake::Listener;
use super::{checkpoint, command};
use crate::app::{App, WeakApp};
use crate::caller::Caller;
use crate::db::Tx;
use crate::error::Result;
use crate::governed::SOURCES;
use crate::jobs::Lease;

/// What follows from a verification that found differences, in the transaction that records it.
pub type Follow = fn(&mut Tx<'_>, &Report) -> Result<()>;

/// Verifies the whole log and the governed tables, and records the outcome with what follows from it.
///
/// # Errors
/// A fault of the database; a difference is an outcome.
pub fn verify(app: &App, lease: &Lease, follow: Follow) -> Result<String> {
    let report = command::verify(app.database(), &app.config().data, SOURCES, None)?;
    app.write_now(&Caller::house("log.verify"), |tx| {
        lease.check(tx)?;
        tx.record(report.change());
        if report.is_sound() { Ok(()) } else { follow(tx, &report) }
    })?;
    checkpoint::sign(app.database())?;
    Ok(told(&report))
}

/// Signs the log as it stands at the end of the day.
///
/// # Errors
/// A fault of the database.
pub fn checkpoint(app: &App, _lease: &Lease) -> Result<String> {
    let stored = checkpoint::sign(app.database())?;
    Ok(stored.map_or_else(|| "nothing to sign".to_owned(), |stored| format!("size {}", stored.size)))
}

/// Closes the days of the log `access` that are over: size and root of each become an event, so that the day cannot
/// change any more without being found out.
///
/// # Errors
/// A fault of the database.
pub fn close_days(app: &App, lease: &Lease) -> Result<String> {
    let books = Books::new(app.database().location(), &app.config().data);
    let today = app.context().clock.now().utc().date_naive();
    let last = verify::last_closed(app.database())?;
    let over = books.days()?.into_iter().filter(|day| *day < today && last.is_none_or(|last| *day > last));
    let mut count = 0;
    for date in over {
        let (day, differences) = books.verify(date)?;
        for difference in differences {
            tracing::error!(difference, "THE LOG OF ACCESS DOES NOT VERIFY");
        }
        app.write_now(&Caller::house("log.close-days"), |tx| {
            lease.check(tx)?;
            tx.record(Change::AccessDayClosed { day: date.to_string(), size: day.size, root: day.root });
            Ok(())
        })?;
        count += 1;
    }
    Ok(format!("{count} days"))
}

/// Verifies at a start: first what is new since the last complete proof, which is quick, then everything. Runs on a
/// thread of its own, beside the serving. A difference is recorded; that all is well is recorded by the nightly job.
///
/// # Errors
/// A fault of the database.
pub fn verify_at_start(app: &App, follow: Follow) -> Result<()> {
    let (location, context) = (app.database().location(), app.context());
    let recent = verify::recent(location, context)?;
    told(&recent);
    let complete = verify::all(location, context, SOURCES, None)?;
    told(&complete);
    for report in [recent, complete].iter().filter(|report| !report.is_sound()) {
        app.write_now(&Caller::house("log.start"), |tx| {
            tx.record(report.change());
            follow(tx, report)
        })?;
    }
    Ok(())
}

/// How long the follower waits before it asks again whether somebody has written.
const TICK: Duration = Duration::from_millis(5);
/// So many ticks make a second: then it proves that it is fresh, whether woken or not.
const TICKS: u32 = 200;

/// Follows the log until the house is gone: at once when another process writes, and each second in any case.
pub fn follow(house: &WeakApp, stop: &Receiver<()>) {
    let mut listener = None;
    let mut ticks = 0;
    while let Some(app) = house.upgrade() {
        if listener.is_none() && ticks == 0 {
            listener = Listener::new(app.database().location()).ok();
        }
        let woken = match listener.as_mut().map(Listener::woken) {
            Some(Ok(woken)) => woken,
            Some(Err(_)) => {
                listener = None;
                true
            }
            None => false,
        };
        if (woken || ticks == 0)
            && let Err(error) = app.heartbeat()
        {
            tracing::warn!(%error, "this node cannot prove that it knows the newest state");
        }
        drop(app);
        ticks = (ticks + 1) % TICKS;
        if stop.recv_timeout(TICK) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}

/// Signs what is new; cheap when nothing is. Any node does it, each second.
///
/// # Errors
/// A fault of the database.
pub fn sign(app: &App) -> Result<()> {
    checkpoint::sign(app.database()).map(drop)
}

fn told(report: &Report) -> String {
    match report.first() {
        None => {
            tracing::info!(size = report.size, complete = report.complete, "the log verifies");
            format!("{} events, {} rows: as the log says", report.size, report.rows)
        }
        Some(first) => {
            let differences = report.differences.len() as u64 + report.further;
            tracing::error!(first, differences, "THE LOG DOES NOT VERIFY");
            let noun = if differences == 1 { "difference" } else { "differences" };
            format!("{differences} {noun}, the first: {first}")
        }
    }
}
