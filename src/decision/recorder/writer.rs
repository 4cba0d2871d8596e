//! The recorder's thread: gathers entries into batches and makes them durable.
//!
//! It looks at the ring every twenty milliseconds, or at once when somebody waits for it or a whole batch is there.
//! What cannot be written is kept and tried again; when too much is kept, nothing more is taken in. What a person has
//! to look at is told to `watch`: it is never raised here, where permits would wait for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use tokio::sync::oneshot;

use super::ledger::{Ledger, not_recorded};
use super::ring::{BATCH, Entry, Ring, Taken};
use super::{Evaluation, RING, store};
use crate::alarms::{Rule, Severity};
use crate::clock::Timestamp;
use crate::db::{AnyConnection, Context, Location};
use crate::decision::subject::id_of;
use crate::decision::watch::{Notice, Watch};
use crate::disk::Disk;
use crate::error::Result;
use crate::ids::GrantId;
use crate::log::access::{Access, Books, Draft};

/// How long entries are gathered.
const GATHER: Duration = Duration::from_millis(20);
/// How many records may wait for a database that does not take them.
const KEPT: usize = 20_000;
/// How often the disk is looked at, in microseconds.
const LOOK: i64 = 10_000_000;
/// Below so many percent of free space only permits of personal data stand one by one.
const COUNTS_ONLY_BELOW: u64 = 10;
/// Below so many percent of free space personal data is denied.
const DENIES_BELOW: u64 = 5;

/// Who waits for which of the records under way.
type Waiting = Vec<(usize, oneshot::Sender<bool>)>;

pub(super) struct Writer {
    books: Books,
    location: Location,
    data: PathBuf,
    disk: Arc<dyn Disk>,
    context: Arc<Context>,
    ring: Arc<Ring>,
    watch: Arc<Watch>,
    ledger: Ledger,
    kept: Vec<Draft>,
    usage: Option<AnyConnection>,
    looked: Option<i64>,
    disk_is_full: bool,
}

impl Writer {
    pub(super) fn new(
        location: &Location,
        (data, disk): (&Path, &Arc<dyn Disk>),
        context: &Arc<Context>,
        ring: &Arc<Ring>,
        watch: &Arc<Watch>,
    ) -> Self {
        Self {
            books: Books::new(location, data),
            location: location.clone(),
            data: data.to_owned(),
            disk: Arc::clone(disk),
            context: Arc::clone(context),
            ring: Arc::clone(ring),
            watch: Arc::clone(watch),
            ledger: Ledger::default(),
            kept: Vec::new(),
            usage: None,
            looked: None,
            disk_is_full: false,
        }
    }

    pub(super) fn run(mut self) {
        let mut emptied = Vec::with_capacity(RING);
        loop {
            let mut taken = self.ring.take(GATHER, emptied);
            self.look_at_disk();
            let now = self.context.clock.now();
            let mut waiting = Waiting::new();
            for entry in taken.entries.drain(..) {
                self.take(entry, &mut waiting);
            }
            self.ledger.take_overflow(now, taken.overflow);
            self.tell_of_denied(taken.denied);
            let all = taken.end || !taken.flushes.is_empty();
            if all {
                self.ledger.close();
            } else {
                self.ledger.turn(now);
            }
            let durable = self.write(waiting);
            self.write_uses(if all { usize::MAX } else { BATCH });
            self.ring.refuse(self.disk_is_full || self.kept.len() >= KEPT);
            let Taken { entries, flushes, end, .. } = taken;
            for flush in flushes {
                let _ = flush.send(durable);
            }
            if end {
                return;
            }
            emptied = entries;
        }
    }

    fn take(&mut self, entry: Entry, waiting: &mut Waiting) {
        match entry {
            Entry::Evaluation(entry, waiter) => {
                self.tell_of_canary(&entry);
                let place = self.ledger.take(&entry, &self.context.vault);
                if let (Some(place), Some(waiter)) = (place, waiter) {
                    waiting.push((place, waiter));
                }
            }
            Entry::Refusal(refusal) => self.ledger.take_refusal(refusal),
            Entry::Usage(used, waiter) => waiting.push((self.ledger.take_usage(used), waiter)),
        }
    }

    /// Writes what was kept and what is ready, a batch at a time, and tells whoever waits for a record. What could not
    /// be written is kept, without the permits that are answered as denials now. Returns whether all is durable.
    fn write(&mut self, waiting: Waiting) -> bool {
        let mut drafts = self.ledger.take_drafts();
        let date = self.context.clock.now().utc().date_naive();
        let (written, outcome) = self.append(date, &drafts);
        let mut denied = 0;
        for (place, waiter) in waiting {
            let _ = waiter.send(place < written);
            if let Some(draft) = drafts.get_mut(place).filter(|_| place >= written) {
                denied += u64::from(matches!(draft.access, Access::Permit { .. }));
                not_recorded(&mut draft.access);
            }
        }
        self.tell_of_denied(denied);
        if let Err(error) = &outcome {
            tracing::error!(%error, "the log access cannot be written");
            // Whoever told a volume is told that it was in vain, and tells it again.
            let kept = drafts.drain(written..).filter(|draft| !matches!(draft.access, Access::Usage { .. }));
            self.kept.extend(kept);
        }
        outcome.is_ok()
    }

    /// How many of the drafts were written.
    fn append(&mut self, date: NaiveDate, drafts: &[Draft]) -> (usize, Result<()>) {
        if let Err(error) = self.append_kept(date) {
            return (0, Err(error));
        }
        let mut written = 0;
        for batch in drafts.chunks(BATCH) {
            if let Err(error) = self.books.append(date, batch) {
                return (written, Err(error));
            }
            written += batch.len();
        }
        (written, Ok(()))
    }

    fn append_kept(&mut self, date: NaiveDate) -> Result<()> {
        while !self.kept.is_empty() {
            let count = self.kept.len().min(BATCH);
            self.books.append(date, &self.kept[..count])?;
            self.kept.drain(..count);
        }
        Ok(())
    }

    /// Writes last uses, but no more at a time than the ring can wait for.
    fn write_uses(&mut self, limit: usize) {
        let uses = self.ledger.uses(limit);
        if uses.is_empty() {
            return;
        }
        let mut connection = match self.usage.take().map_or_else(|| self.location.connect(), Ok) {
            Ok(connection) => connection,
            Err(_) => return,
        };
        let named: Vec<(GrantId, Timestamp)> =
            uses.iter().filter_map(|(grant, at)| Some((id_of(*grant)?, *at))).collect();
        match store::write_uses(&mut connection, &named) {
            Ok(()) => {
                self.usage = Some(connection);
                self.ledger.uses_written(&uses);
            }
            Err(error) => tracing::warn!(%error, "last uses of grants could not be written"),
        }
    }

    /// On PostgreSQL the disk is another machine's.
    fn look_at_disk(&mut self) {
        let now = self.context.clock.steady_micros();
        if self.location.is_postgresql() || self.looked.is_some_and(|looked| now - looked < LOOK) {
            return;
        }
        self.looked = Some(now);
        let Some(free) = self.disk.free(&self.data) else { return };
        self.ledger.counts_only = free < COUNTS_ONLY_BELOW;
        self.disk_is_full = free < DENIES_BELOW;
        if self.ledger.counts_only {
            tracing::error!(free, "the disk is nearly full");
            let severity = if self.disk_is_full { Severity::Critical } else { Severity::Warning };
            self.watch.see(Notice::of(Rule::DiskLow, severity).counting(free, COUNTS_ONLY_BELOW));
        }
    }

    fn tell_of_denied(&self, count: u64) {
        if count > 0 {
            tracing::error!(count, "personal data was denied: it could not be recorded");
            self.watch.see(Notice::of(Rule::RecorderFull, Severity::Critical).seen(count));
        }
    }

    fn tell_of_canary(&self, entry: &Evaluation) {
        let Some(canary) = entry.made_up().and_then(|made_up| made_up.canary.as_deref()) else { return };
        let decision = &entry.decision;
        let severity = if decision.permit() { Severity::Critical } else { Severity::Warning };
        let asked = entry.permission.as_ref().map(super::Named::name).unwrap_or("another action");
        let sample = format!("{canary}, {asked}: {}, asked by {}", decision.reason.as_str(), entry.asker);
        self.watch.see(Notice::of(Rule::CanaryAccess, severity).account(decision.account()).sample(sample));
    }
}

impl Drop for Writer {
    /// Whatever ends it: nobody waits for it any longer.
    fn drop(&mut self) {
        self.ring.close();
    }
}
