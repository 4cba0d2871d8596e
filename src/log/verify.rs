//! The proof that nobody edited quietly: reads the whole log, computes its tree again and compares it with the head
//! and every signed checkpoint, then replays it against the governed tables.
//!
//! Rules: memory does not grow with the log, only with the number of governed rows; events are read in short
//! snapshots, the tables in one together with the newest events. While the stored leaves are honest the very event
//! that was changed is named; if text and leaf were rewritten together, the first interval between checkpoints that
//! no longer fits. May call: `db`, `vault`.

mod body;
mod check;
mod days;
mod replay;
mod report;

use std::sync::mpsc::{SyncSender, sync_channel};

use diesel::Queryable;

pub use days::{days, last_closed};
pub use report::{Difference, Report};

use super::checkpoint::Stored;
use super::event::{Event, Row};
use super::tree::Frontier;
use super::{proof, store};
use crate::clock::Timestamp;
use crate::db::{self, AnyConnection, Context, Location, Reader};
use crate::error::{Error, Result};
use check::Checker;
use report::Findings;

/// How many events are read at a time.
const PAGE: i64 = 4_096;

/// A governed table: one whose every row the log must account for.
pub struct Source {
    /// The table, as events name it.
    pub table: &'static str,
    /// Its primary key, one column.
    pub key: &'static str,
    /// The rows with an id greater than the one given, in order of id, at most so many, digested as events do.
    pub rows: fn(&mut Reader<'_>, &str, i64) -> Result<Vec<Row>>,
}

/// An event as its columns have it.
#[derive(Queryable)]
pub(super) struct EventRow {
    pub(super) number: i64,
    pub(super) at: Timestamp,
    pub(super) kind: String,
    pub(super) actor: String,
    pub(super) subject: Option<String>,
    pub(super) body: String,
    pub(super) leaf: Vec<u8>,
}

/// A piece of the log: events, and the checkpoints that were signed within it.
struct Page {
    events: Vec<EventRow>,
    checkpoints: Vec<Stored>,
}

impl Page {
    fn read(reader: &mut Reader<'_>, after: u64) -> Result<Self> {
        let events = store::rows_after(reader, after, PAGE)?;
        let end = events.last().map_or(after, |last| last.number.unsigned_abs());
        let checkpoints = store::checkpoints_between(reader, after, end, PAGE)?;
        Ok(Self { events, checkpoints })
    }

    fn end(&self) -> Option<u64> {
        self.events.last().map(|last| last.number.unsigned_abs())
    }

    fn is_full(&self) -> bool {
        self.events.len() as i64 == PAGE
    }
}

/// Verifies the whole log and the governed tables; with `against`, also that today's log extends the one that an old
/// checkpoint signed.
///
/// # Errors
/// A fault of the database; differences are not errors, they stand in the report.
pub fn all(
    location: &Location,
    context: &Context,
    sources: &[Source],
    against: Option<&str>,
) -> Result<Report> {
    let mut checker = Checker::new(&context.vault, Frontier::default(), Some(sources));
    if let Some(note) = against {
        checker.expect(note);
    }
    run(location, context, checker)
}

/// Verifies what was logged after the newest checkpoint that a complete check has already covered; the tables are
/// left to the complete check. Cheap enough for every start.
///
/// # Errors
/// As [`all`].
pub fn recent(location: &Location, context: &Context) -> Result<Report> {
    let mut connection = location.connect()?;
    let (tree, expected) = db::read_on(&mut connection, context, |reader| {
        let Some(stored) = last_verified(reader)? else { return Ok((Frontier::default(), None)) };
        let tree = proof::frontier(reader, stored.size)?;
        Ok((tree, Some(stored)))
    })?;
    let mut checker = Checker::new(&context.vault, tree, None);
    if let Some(stored) = expected {
        checker.meet(&stored);
    }
    run(location, context, checker)
}

fn last_verified(reader: &mut Reader<'_>) -> Result<Option<Stored>> {
    use super::event::Change;
    let filter = store::Filter { kind: Some("log_verified".to_owned()), ..store::Filter::default() };
    for (event, _) in store::list(reader, &filter, 10)? {
        if let Event { change: Change::LogVerified { size, complete: true, differences: 0, .. }, .. } = event
        {
            return store::checkpoint_up_to(reader, size);
        }
    }
    Ok(None)
}

/// One thread reads, this one computes; the newest events, the head and the tables are then read in one snapshot.
fn run(location: &Location, context: &Context, mut checker: Checker<'_>) -> Result<Report> {
    let mut connection = location.connect()?;
    let from = checker.number();
    std::thread::scope(|scope| -> Result<()> {
        let (sender, receiver) = sync_channel(2);
        let connection = &mut connection;
        let reading = scope.spawn(move || send_pages(connection, context, from, &sender));
        for page in receiver {
            checker.check(&page);
        }
        reading.join().map_err(|_| Error::internal("verifying the log", "its reader ended early"))?
    })?;
    db::read_on(&mut connection, context, |reader| {
        loop {
            let page = Page::read(reader, checker.number())?;
            checker.check(&page);
            if !page.is_full() {
                break;
            }
        }
        checker.finish(reader)
    })
}

fn send_pages(
    connection: &mut AnyConnection,
    context: &Context,
    mut after: u64,
    sender: &SyncSender<Page>,
) -> Result<()> {
    loop {
        let page = db::read_on(connection, context, |reader| Page::read(reader, after))?;
        let last = !page.is_full();
        after = page.end().unwrap_or(after);
        if sender.send(page).is_err() || last {
            return Ok(());
        }
    }
}
