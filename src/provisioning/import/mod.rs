//! A system's own list of who has which role there, as a file: from CSV to holdings, grants and orphans.
//!
//! Rules: a file may hold the lists of several systems, each of them whole; every row has a fate of its own; the same
//! file again changes nothing. What is missing from a list is gone, unless rows of that list were refused or most of
//! what was known is missing: then the list is not believed to be whole, and says so. Rows go 100 a transaction; what
//! is written is written also if a later part fails, and the file may be read again. May call `sheet`, `app` (this is
//! many short transactions), `access::importing`, the rest of this slice.

mod ending;
mod perform;
mod plan;
mod report;
mod rows;

use aws_lc_rs::digest::{SHA256, digest};

pub use report::{Fate, Missing, Report, RowReport, SystemReport};
pub use rows::COLUMNS;

use super::store::holdings::{self as store, SystemList};
use crate::app::App;
use crate::caller::Caller;
use crate::db::Tx;
use crate::error::Result;
use crate::ids::uuid_v7;
use crate::log::append::next_revision;
use crate::log::event::Change;
use plan::Import;

/// Rows a transaction: some 20 ms of the log's lock.
const CHUNK: usize = 100;

/// How far an import has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Rows done.
    pub done: usize,
    /// Rows of the file.
    pub total: usize,
}

/// Imports the lists of systems, or only tries it. Runs on this thread for as long as it takes; `progress` hears of
/// every 100 rows.
///
/// # Errors
/// [`crate::error::Error::Invalid`] with one message if nothing of the file can be read; nothing is imported then.
/// Any other error ends it between two transactions: the rows before it are imported.
pub fn import_grants(
    app: &App,
    caller: &Caller,
    bytes: &[u8],
    dry_run: bool,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report> {
    let (rows, unknown_columns) = rows::read(bytes)?;
    let list = uuid_v7(app.context().clock.now(), app.context().entropy.as_ref());
    let mut import = app.read_now(|reader| Import::of(reader, rows, list))?;
    let order = import.order();
    let total = import.total();
    let mut done = total - order.len();
    progress(Progress { done, total });
    for chunk in order.chunks(CHUNK) {
        if dry_run {
            app.read_now(|reader| import.rehearse(reader, chunk))?;
        } else {
            app.write_now(caller, |tx| import.perform(tx, chunk))?;
        }
        done += chunk.len();
        progress(Progress { done, total });
    }
    let missing = ending::conclude(app, caller, &mut import, dry_run)?;
    let mut report = import.report(missing);
    (report.dry_run, report.unknown_columns) = (dry_run, unknown_columns);
    report.revision = if dry_run { app.applied() } else { record(app, caller, bytes, &import, &report)? };
    Ok(report)
}

/// Records that each system's list was read to its end; returns the revision.
fn record(app: &App, caller: &Caller, bytes: &[u8], import: &Import, report: &Report) -> Result<u64> {
    let file = hex::encode(digest(&SHA256, bytes));
    let done = app.write_now(caller, |tx| {
        report.systems.iter().try_for_each(|system| record_system(tx, import.list(), &file, system))
    })?;
    Ok(done.revision.max(app.applied()))
}

fn record_system(tx: &mut Tx<'_>, list: &str, file: &str, system: &SystemReport) -> Result<()> {
    let row = SystemList {
        id: list.to_owned(),
        system: system.system.clone(),
        digest: file.to_owned(),
        lines: system.rows,
        refused: system.refused,
        revision: next_revision(tx)?,
    };
    store::insert_list(tx, &row)?;
    tx.record(Change::GrantsImported {
        system: system.system.clone(),
        digest: file.to_owned(),
        matched: system.matched,
        known: system.known,
        orphans: system.orphans,
        unchanged: system.unchanged,
        refused: system.refused,
        drift: system.drift,
        confirmed: system.confirmed,
        gone: system.gone,
    });
    Ok(())
}
