//! The recorder's thread: gathers entries into batches and makes them durable.
//!
//! A batch is written when it has a thousand records, when twenty milliseconds have passed, or at once when somebody
//! waits for it. What cannot be written is kept and tried again; when too much is kept, nothing more is taken in.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::ledger::{Ledger, not_recorded};
use super::{Message, Shared, store};
use crate::db::{AnyConnection, Context, Location};
use crate::error::Result;
use crate::log::access::{Books, Draft};

const BATCH: usize = 1_000;
const GATHER: Duration = Duration::from_millis(20);
/// How long nothing may come before minutes are turned and the disk is looked at all the same.
const IDLE: Duration = Duration::from_secs(1);
/// How many records may wait for a database that does not take them.
const KEPT: usize = 20_000;
/// How often the disk is looked at.
const LOOK: Duration = Duration::from_secs(10);
/// Below so many percent of free space only permits of personal data stand one by one.
const COUNTS_ONLY_BELOW: u64 = 10;
/// Below so many percent of free space personal data is denied.
const DENIES_BELOW: u64 = 5;

/// Who waits for the batch under way.
#[derive(Default)]
struct Waiting {
    permits: Vec<(usize, oneshot::Sender<bool>)>,
    flushes: Vec<SyncSender<bool>>,
    stop: bool,
}

impl Waiting {
    fn is_urgent(&self) -> bool {
        self.stop || !self.permits.is_empty() || !self.flushes.is_empty()
    }
}

pub(super) struct Writer {
    books: Books,
    location: Location,
    data: PathBuf,
    context: Arc<Context>,
    shared: Arc<Shared>,
    ledger: Ledger,
    kept: Vec<Draft>,
    usage: Option<AnyConnection>,
    looked: Option<Instant>,
    disk_is_full: bool,
}

impl Writer {
    pub(super) fn new(
        location: &Location,
        data: &Path,
        context: &Arc<Context>,
        shared: &Arc<Shared>,
    ) -> Self {
        Self {
            books: Books::new(location, data),
            location: location.clone(),
            data: data.to_owned(),
            context: Arc::clone(context),
            shared: Arc::clone(shared),
            ledger: Ledger::default(),
            kept: Vec::new(),
            usage: None,
            looked: None,
            disk_is_full: false,
        }
    }

    pub(super) fn run(mut self, ring: &Receiver<Message>) {
        loop {
            self.look_at_disk();
            let mut waiting = self.gather(ring);
            let now = self.context.clock.now();
            self.ledger.take_overflow(now, self.shared.overflow.swap(0, Ordering::Relaxed));
            if waiting.stop || !waiting.flushes.is_empty() {
                self.ledger.close();
            } else {
                self.ledger.turn(now);
            }
            let durable = self.write(&mut waiting);
            self.write_uses();
            let stop = waiting.stop;
            for (_, permit) in waiting.permits {
                let _ = permit.send(durable);
            }
            for flush in waiting.flushes {
                let _ = flush.send(durable);
            }
            self.shared.refuses.store(self.disk_is_full || self.kept.len() >= KEPT, Ordering::Relaxed);
            if stop {
                return;
            }
        }
    }

    fn gather(&mut self, ring: &Receiver<Message>) -> Waiting {
        let mut waiting = Waiting::default();
        let mut patience = IDLE;
        let mut begun = None;
        while self.ledger.len() < BATCH {
            match ring.recv_timeout(patience) {
                Ok(message) => self.take(message, &mut waiting),
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => {
                    waiting.stop = true;
                    break;
                }
            }
            let begun = *begun.get_or_insert_with(Instant::now);
            patience =
                if waiting.is_urgent() { Duration::ZERO } else { GATHER.saturating_sub(begun.elapsed()) };
        }
        waiting
    }

    fn take(&mut self, message: Message, waiting: &mut Waiting) {
        match message {
            Message::Evaluation(entry, waiter) => {
                let place = self.ledger.take(&entry, &self.context.vault);
                if let (Some(place), Some(waiter)) = (place, waiter) {
                    waiting.permits.push((place, waiter));
                }
            }
            Message::Refusal(refusal) => self.ledger.take_refusal(refusal),
            Message::Flush(waiter) => waiting.flushes.push(waiter),
            Message::Stop => waiting.stop = true,
        }
    }

    /// Writes what is ready and what was kept. What could not be written is kept, without the permits that will now
    /// be answered as denials.
    fn write(&mut self, waiting: &mut Waiting) -> bool {
        let mut drafts = self.ledger.take_drafts();
        let date = self.context.clock.now().utc().date_naive();
        let outcome = self
            .append_kept(date)
            .and_then(|()| if drafts.is_empty() { Ok(()) } else { self.books.append(date, &drafts) });
        match outcome {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(%error, "the log access cannot be written");
                for (place, _) in &waiting.permits {
                    if let Some(draft) = drafts.get_mut(*place) {
                        not_recorded(&mut draft.access);
                    }
                }
                self.kept.append(&mut drafts);
                false
            }
        }
    }

    fn append_kept(&mut self, date: chrono::NaiveDate) -> Result<()> {
        while !self.kept.is_empty() {
            let count = self.kept.len().min(BATCH);
            self.books.append(date, &self.kept[..count])?;
            self.kept.drain(..count);
        }
        Ok(())
    }

    fn write_uses(&mut self) {
        let uses = self.ledger.uses();
        if uses.is_empty() {
            return;
        }
        let mut connection = match self.usage.take().map_or_else(|| self.location.connect(), Ok) {
            Ok(connection) => connection,
            Err(_) => return,
        };
        match store::write_uses(&mut connection, &uses) {
            Ok(()) => {
                self.usage = Some(connection);
                self.ledger.uses_written(&uses);
            }
            Err(error) => tracing::warn!(%error, "last uses of grants could not be written"),
        }
    }

    /// On PostgreSQL the disk is another machine's.
    fn look_at_disk(&mut self) {
        if self.location.is_postgresql() || self.looked.is_some_and(|looked| looked.elapsed() < LOOK) {
            return;
        }
        self.looked = Some(Instant::now());
        let Ok(disk) = rustix::fs::statvfs(&self.data) else { return };
        let free = (disk.f_bavail * 100).checked_div(disk.f_blocks).unwrap_or(100);
        self.ledger.counts_only = free < COUNTS_ONLY_BELOW;
        self.disk_is_full = free < DENIES_BELOW;
        if self.ledger.counts_only {
            tracing::error!(free, "the disk is nearly full");
        }
    }
}
