//! What the command line does with the log. Each function answers with what is to be printed.

use std::io::Write;
use std::path::Path;

use super::verify::{self, Report, Source};
use super::{checkpoint, store};
use crate::db::Database;
use crate::error::{Error, Result};

/// How many events an export reads at a time.
const PAGE: i64 = 2_000;

/// `log verify [--against FILE]`: the whole log, the governed tables, and the days of the log `access` that are over;
/// `against` is the text of a checkpoint that was kept elsewhere, `data` the data directory.
///
/// # Errors
/// A fault of the database; differences stand in the report.
pub fn verify(database: &Database, data: &Path, sources: &[Source], against: Option<&str>) -> Result<Report> {
    let report = verify::all(database.location(), database.context(), sources, against)?;
    Ok(report.with(verify::days(database, data)?))
}

/// `log checkpoint`: the signed checkpoint of the log as it stands, and the key that verifies it.
///
/// # Errors
/// [`Error::NotFound`] if nothing was ever logged.
pub fn checkpoint(database: &Database) -> Result<(String, String)> {
    let stored = checkpoint::sign(database)?.ok_or(Error::NotFound("event"))?;
    let origin = checkpoint::read(&stored.note)?.origin;
    let key = checkpoint::Key::of_origin(&database.context().vault, origin)?;
    Ok((stored.note, key.verifier_key()))
}

/// `log export`: every event's canonical text, one a line, oldest first. Returns how many there were.
///
/// # Errors
/// [`Error::Internal`] if the output cannot be written.
pub fn export(database: &Database, after: u64, out: &mut dyn Write) -> Result<u64> {
    let failed = |cause| Error::internal("writing the export", cause);
    let (mut place, mut count) = (after, 0);
    loop {
        let page = database.read(|reader| store::rows_after(reader, place, PAGE))?;
        let Some(last) = page.last() else { break };
        place = last.number.unsigned_abs();
        count += page.len() as u64;
        for event in &page {
            out.write_all(event.body.as_bytes()).map_err(failed)?;
            out.write_all(b"\n").map_err(failed)?;
        }
    }
    out.flush().map_err(failed)?;
    Ok(count)
}
