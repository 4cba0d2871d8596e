//! What the log does by itself: the nightly proof of the whole, the proof of what is new at every start, the
//! checkpoint at each day's end.

use super::checkpoint;
use super::verify::{self, Report};
use crate::app::App;
use crate::caller::Caller;
use crate::error::Result;
use crate::governed::SOURCES;
use crate::jobs::Lease;

/// Verifies the whole log and the governed tables, and records the outcome.
///
/// # Errors
/// A fault of the database; a difference is an outcome.
pub fn verify(app: &App, lease: &Lease) -> Result<String> {
    let report = verify::all(app.database().location(), app.context(), SOURCES, None)?;
    app.write_now(&Caller::house("log.verify"), |tx| {
        lease.check(tx)?;
        tx.record(report.change());
        Ok(())
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

/// Verifies at a start: first what is new since the last complete proof, which is quick, then everything. Runs on a
/// thread of its own, beside the serving. A difference is recorded; that all is well is recorded by the nightly job.
///
/// # Errors
/// A fault of the database.
pub fn verify_at_start(app: &App) -> Result<()> {
    let (location, context) = (app.database().location(), app.context());
    let recent = verify::recent(location, context)?;
    told(&recent);
    let complete = verify::all(location, context, SOURCES, None)?;
    told(&complete);
    for report in [recent, complete].iter().filter(|report| !report.is_sound()) {
        app.write_now(&Caller::house("log.start"), |tx| {
            tx.record(report.change());
            Ok(())
        })?;
    }
    Ok(())
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
