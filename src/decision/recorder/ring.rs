//! The way into the recorder: bounded, and never waited for.
//!
//! Rules: whoever puts something in holds the lock as long as a move takes, and wakes nobody unless somebody waits for
//! a disk or a whole batch is there; the writer looks by itself every twenty milliseconds. Half of the room is for
//! permits of personal data alone, so that no flood of other questions can deny them. Pure.

use std::sync::mpsc::SyncSender;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::{Evaluation, Recorded, Refusal};
use crate::decision::usage::Used;

/// How many entries wake the writer before its time.
pub(super) const BATCH: usize = 1_000;

/// What is on its way to the log.
pub(super) enum Entry {
    /// A decision, and who waits until it is durable.
    Evaluation(Evaluation, Option<oneshot::Sender<bool>>),
    /// A call to this house that was refused.
    Refusal(Refusal),
    /// A volume, and who waits until it is durable.
    Usage(Used, oneshot::Sender<bool>),
}

/// What lies in the ring.
#[derive(Default)]
pub(super) struct Taken {
    /// Oldest first.
    pub(super) entries: Vec<Entry>,
    /// Who waits until everything is durable.
    pub(super) flushes: Vec<SyncSender<bool>>,
    /// How many entries found no room that were no permits of personal data.
    pub(super) overflow: u64,
    /// How many permits of personal data were denied because they found none.
    pub(super) denied: u64,
    /// Whether nothing more will come.
    pub(super) end: bool,
    /// Whether the writer should not wait for more.
    urgent: bool,
}

#[derive(Default)]
struct State {
    waiting: Taken,
    /// Nothing more can be taken in just now.
    refuses: bool,
    /// Nobody takes anything out any more.
    over: bool,
}

pub(super) struct Ring {
    state: Mutex<State>,
    woken: Condvar,
    room: usize,
}

impl Ring {
    /// A ring with room for so many entries. The memory for them is there from the beginning.
    pub(super) fn new(room: usize) -> Self {
        let mut state = State::default();
        state.waiting.entries.reserve_exact(room);
        Self { state: Mutex::new(state), woken: Condvar::new(), room }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a decision in, whose answer waits for the disk if it is `strict`.
    pub(super) fn push(&self, entry: Evaluation, strict: bool) -> Recorded {
        if !entry.is_pii_permit() {
            self.push_other(Entry::Evaluation(entry, None));
            return Recorded::Yes;
        }
        let (waiter, outcome) = if strict {
            let (waiter, outcome) = oneshot::channel();
            (Some(waiter), Recorded::Awaited(outcome))
        } else {
            (None, Recorded::Yes)
        };
        let mut state = self.state();
        if state.over || state.refuses || state.waiting.entries.len() >= self.room {
            state.waiting.denied += 1;
            return Recorded::No;
        }
        state.waiting.entries.push(Entry::Evaluation(entry, waiter));
        self.wake_if(state, strict);
        outcome
    }

    /// Puts a volume in, and waits until it is durable. `false` if it cannot be.
    pub(super) fn push_and_wait(&self, used: Used) -> bool {
        let (waiter, outcome) = oneshot::channel();
        let mut state = self.state();
        if state.over || state.refuses || state.waiting.entries.len() >= self.room {
            return false;
        }
        state.waiting.entries.push(Entry::Usage(used, waiter));
        self.wake_if(state, true);
        outcome.blocking_recv().unwrap_or(false)
    }

    /// Puts in what may at worst be counted.
    pub(super) fn push_other(&self, entry: Entry) {
        let mut state = self.state();
        if state.over || state.waiting.entries.len() >= self.room / 2 {
            state.waiting.overflow += 1;
            return;
        }
        state.waiting.entries.push(entry);
        self.wake_if(state, false);
    }

    /// Wakes the writer if there is reason to; whoever wakes it is the only one who calls the system.
    fn wake_if(&self, mut state: MutexGuard<'_, State>, urgent: bool) {
        if !state.waiting.urgent && (urgent || state.waiting.entries.len() >= BATCH) {
            state.waiting.urgent = true;
            drop(state);
            self.woken.notify_one();
        }
    }

    /// Asks for everything to be made durable. `false` if nobody will do it.
    pub(super) fn flush(&self, waiter: SyncSender<bool>) -> bool {
        let mut state = self.state();
        if state.over {
            return false;
        }
        state.waiting.flushes.push(waiter);
        state.waiting.urgent = true;
        self.woken.notify_one();
        true
    }

    /// Lets the writer end when it has written what is there.
    pub(super) fn end(&self) {
        let mut state = self.state();
        state.waiting.end = true;
        state.waiting.urgent = true;
        self.woken.notify_one();
    }

    /// Whether the writer can take nothing more just now.
    pub(super) fn refuse(&self, refuses: bool) {
        self.state().refuses = refuses;
    }

    /// Takes everything out, at the latest after `patience`. `emptied` is a list whose memory is used again.
    pub(super) fn take(&self, patience: Duration, emptied: Vec<Entry>) -> Taken {
        let waited = self.woken.wait_timeout_while(self.state(), patience, |state| !state.waiting.urgent);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let next = Taken { entries: emptied, ..Taken::default() };
        std::mem::replace(&mut state.waiting, next)
    }

    /// Nobody takes anything out any more: whoever waits for a disk, or a place, waits in vain.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.over = true;
        state.waiting = Taken::default();
    }
}
