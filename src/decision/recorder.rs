//! The recorder: what was decided goes into the log `access`, without the one who asks having to wait for a disk.
//!
//! Rules: a permit of personal data that cannot be recorded is a denial (reason `recorder`); under strict recording it
//! is answered only when its record is durable. Every such permit stands one by one, and the first twenty denials a
//! minute for each caller, subject and reason; the rest is counted. Whatever a caller made up is kept as keyed hash.
//! Calls from `http` into the ring are all that happens on their thread. May call: `log::access`, `vault`.

mod ledger;
mod store;
mod writer;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use serde_json::Value;
use tokio::sync::oneshot;

use super::{Decision, Question, Snapshot};
use crate::access::catalogue::Class;
use crate::clock::Timestamp;
use crate::db::{Context, Location};
use crate::error::{Error, Result};
use crate::profile::STRICTEST;
use writer::Writer;

/// How many entries may wait for the writer.
const RING: usize = 8_192;

/// One evaluation on its way to the log.
struct Evaluation {
    at: Timestamp,
    asker: String,
    subject: String,
    permission: String,
    resource: String,
    purpose: Option<Purpose>,
    records: Option<u64>,
    decision: Decision,
}

enum Purpose {
    /// A word of the catalogue.
    Known(String),
    /// Whatever the caller wrote.
    Unknown(String),
}

impl Evaluation {
    fn is_pii_permit(&self) -> bool {
        is_pii_permit(&self.decision)
    }
}

fn is_pii_permit(decision: &Decision) -> bool {
    decision.permit() && decision.class == Some(Class::Pii)
}

/// A call to this house that was refused.
struct Refusal {
    at: Timestamp,
    caller: String,
    route: String,
    problem: &'static str,
}

enum Message {
    Evaluation(Evaluation, Option<oneshot::Sender<bool>>),
    Refusal(Refusal),
    Flush(SyncSender<bool>),
    Stop,
}

/// Whether a decision may be answered as it is.
#[derive(Debug)]
pub enum Recorded {
    /// It may: it is recorded, or will be within milliseconds, or needs no record of its own.
    Yes,
    /// It may as soon as this says so.
    Awaited(oneshot::Receiver<bool>),
    /// It may not: there is no room for its record.
    No,
}

impl Recorded {
    /// The decision, or its denial if it cannot be recorded; waits for the disk where recording is strict.
    pub async fn settle(self, decision: Decision) -> Decision {
        let recorded = match self {
            Self::Yes => true,
            Self::No => false,
            Self::Awaited(outcome) => outcome.await.unwrap_or(false),
        };
        if recorded { decision } else { decision.not_recorded() }
    }
}

/// What callers and writer share.
#[derive(Default)]
struct Shared {
    /// Set while nothing more can be taken in.
    refuses: AtomicBool,
    /// What found no room and was not a permit of personal data.
    overflow: AtomicU64,
}

/// The recorder of one node.
pub struct Recorder {
    ring: SyncSender<Message>,
    shared: Arc<Shared>,
    context: Arc<Context>,
    strict: Option<bool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Recorder {
    /// Starts the recorder's thread. `strict` overrides whether permits of personal data wait for their record; the
    /// profile decides otherwise.
    ///
    /// # Errors
    /// [`Error::Internal`] if the thread cannot be started.
    pub fn start(
        location: &Location,
        data: &Path,
        context: &Arc<Context>,
        strict: Option<bool>,
    ) -> Result<Self> {
        let (recorder, ring) = Self::without_writer(context, strict, RING);
        let writer = Writer::new(location, data, context, &recorder.shared);
        let thread = thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || writer.run(&ring))
            .map_err(|cause| Error::internal("starting the recorder", cause))?;
        *recorder.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(recorder)
    }

    fn without_writer(
        context: &Arc<Context>,
        strict: Option<bool>,
        size: usize,
    ) -> (Self, Receiver<Message>) {
        let (ring, receiver) = sync_channel(size);
        let recorder = Self {
            ring,
            shared: Arc::default(),
            context: Arc::clone(context),
            strict,
            thread: Mutex::default(),
        };
        (recorder, receiver)
    }

    /// Takes a decision in. `asker` is who asked, by [`crate::caller::Caller::label`]; `snapshot` the state that
    /// decided.
    pub fn record(
        &self,
        now: Timestamp,
        asker: &str,
        question: &Question<'_>,
        snapshot: &Snapshot,
        decision: &Decision,
    ) -> Recorded {
        let pii = is_pii_permit(decision);
        if pii && self.shared.refuses.load(Ordering::Relaxed) {
            return Recorded::No;
        }
        let entry = entry(now, asker, question, snapshot, decision);
        let (sender, outcome) = if pii && self.is_strict() {
            let (sender, receiver) = oneshot::channel();
            (Some(sender), Recorded::Awaited(receiver))
        } else {
            (None, Recorded::Yes)
        };
        match self.ring.try_send(Message::Evaluation(entry, sender)) {
            Ok(()) => outcome,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) if pii => {
                tracing::error!("the recorder is full: personal data is denied");
                Recorded::No
            }
            Err(_) => {
                self.shared.overflow.fetch_add(1, Ordering::Relaxed);
                Recorded::Yes
            }
        }
    }

    /// Takes in that a call to this house was refused: who called, the row of the route table, the problem type.
    pub fn refused(&self, now: Timestamp, caller: String, route: String, problem: &'static str) {
        let refusal = Refusal { at: now, caller, route, problem };
        if self.ring.try_send(Message::Refusal(refusal)).is_err() {
            self.shared.overflow.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Writes everything that was taken in, counts included, and waits for it. Returns whether it is durable.
    pub fn flush(&self) -> bool {
        let (sender, receiver) = sync_channel(1);
        self.ring.send(Message::Flush(sender)).is_ok() && receiver.recv().unwrap_or(false)
    }

    /// Writes everything that was taken in and ends the recorder: what comes later finds no room.
    pub fn close(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = self.ring.send(Message::Stop);
            if thread.join().is_err() {
                tracing::error!("the recorder ended early");
            }
        }
    }

    /// Whether permits of personal data wait for their record.
    pub fn is_strict(&self) -> bool {
        self.strict.unwrap_or_else(|| self.context.profiles.current().key == STRICTEST)
    }
}

fn entry(
    now: Timestamp,
    asker: &str,
    question: &Question<'_>,
    snapshot: &Snapshot,
    decision: &Decision,
) -> Evaluation {
    let (application, feature) = question.feature().unwrap_or(("", question.resource_type));
    let in_context = |name: &str| question.context.and_then(|context| context.get(name));
    let pii = is_pii_permit(decision);
    let one_by_one = |text: &str| if pii { text.to_owned() } else { String::new() };
    let purpose = in_context("purpose").and_then(Value::as_str).filter(|_| pii).map(|purpose| {
        if snapshot.knows_purpose(application, feature, question.action, purpose) {
            Purpose::Known(purpose.to_owned())
        } else {
            Purpose::Unknown(purpose.to_owned())
        }
    });
    Evaluation {
        at: now,
        asker: asker.to_owned(),
        subject: if decision.permit() { String::new() } else { question.subject.to_owned() },
        permission: [application, "/", feature, ":", question.action].concat(),
        resource: one_by_one(question.resource),
        purpose,
        records: in_context("records").and_then(Value::as_u64).filter(|_| pii),
        decision: decision.clone(),
    }
}
