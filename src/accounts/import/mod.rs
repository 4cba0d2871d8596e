//! The people file: from the personnel system's CSV to accounts.
//!
//! Rules: the file is the source for the people in it and says nothing about others; every row has a fate of its own;
//! the same file again changes nothing; nobody who has left comes back by a file, and an earlier end that was set here
//! stays. Mail must never reach another person, so an address belongs to one of those who claim it. Rows go managers
//! first, 200 a transaction; what is written is written also if a later part fails, and the file may be read again.
//! May call `sheet`, `app` (this is many short transactions), `organisation`, the rest of this slice.

mod apply;
mod claims;
mod plan;
mod report;
mod sheet;
mod usernames;

use aws_lc_rs::digest::{SHA256, digest};

pub use report::{Fate, Report, RowReport};
pub use sheet::{OPTIONAL, REQUIRED};

use super::Source;
use crate::app::App;
use crate::caller::Caller;
use crate::error::Result;
use crate::log::event::Change;
use crate::organisation;
use plan::Import;

/// Rows a transaction.
const CHUNK: usize = 200;

/// How far an import has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Rows done.
    pub done: usize,
    /// Rows of the file.
    pub total: usize,
}

/// Imports a people file, or only tries it. Runs on this thread for as long as it takes; `progress` hears of every
/// 200 rows.
///
/// # Errors
/// [`crate::error::Error::Invalid`] with one message if nothing of the file can be read; nothing is imported then.
/// Any other error ends it between two transactions: the rows before it are imported.
pub fn import_people(
    app: &App,
    caller: &Caller,
    bytes: &[u8],
    dry_run: bool,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report> {
    let sheet = sheet::read(bytes)?;
    let unknown_columns = sheet.unknown.clone();
    let zone = app.read_now(organisation::get)?.time_zone;
    let mut import = Import::of(sheet, zone);
    app.read_now(|reader| import.settle_addresses(reader))?;
    let order = import.order();
    let mut done = import.total() - order.len();
    progress(Progress { done, total: import.total() });
    for chunk in order.chunks(CHUNK) {
        if dry_run {
            app.read_now(|reader| import.rehearse(reader, chunk))?;
        } else {
            app.write_now(caller, |tx| import.perform(tx, chunk))?;
        }
        done += chunk.len();
        progress(Progress { done, total: import.total() });
    }
    let mut report = Report { dry_run, unknown_columns, rows: import.into_rows(), ..Report::default() };
    report.sum();
    report.revision = if dry_run { app.applied() } else { record(app, caller, bytes, &report)? };
    Ok(report)
}

/// Records that the file was read to its end; returns the revision.
fn record(app: &App, caller: &Caller, bytes: &[u8], report: &Report) -> Result<u64> {
    let change = Change::PeopleImported {
        source: Source::File.as_str().to_owned(),
        digest: hex::encode(digest(&SHA256, bytes)),
        added: report.added,
        changed: report.changed,
        unchanged: report.unchanged,
        refused: report.refused,
    };
    let done = app.write_now(caller, |tx| {
        tx.record(change);
        Ok(())
    })?;
    Ok(done.revision)
}
