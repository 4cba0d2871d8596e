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
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
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

/// The way into the writer: bounded, and never waited for.
struct Ring {
    sender: SyncSender<Message>,
    shared: Arc<Shared>,
}

impl Ring {
    fn new(size: usize) -> (Self, Receiver<Message>) {
        let (sender, receiver) = sync_channel(size);
        (Self { sender, shared: Arc::default() }, receiver)
    }

    fn push(&self, entry: Evaluation, strict: bool) -> Recorded {
        let pii = entry.is_pii_permit();
        if pii && self.shared.refuses.load(Ordering::Relaxed) {
            return Recorded::No;
        }
        let (waiter, outcome) = if pii && strict {
            let (waiter, outcome) = oneshot::channel();
            (Some(waiter), Recorded::Awaited(outcome))
        } else {
            (None, Recorded::Yes)
        };
        if self.sender.try_send(Message::Evaluation(entry, waiter)).is_ok() {
            outcome
        } else if pii {
            tracing::error!("the recorder is full: personal data is denied");
            Recorded::No
        } else {
            self.shared.overflow.fetch_add(1, Ordering::Relaxed);
            Recorded::Yes
        }
    }
}

/// The recorder of one node.
pub struct Recorder {
    ring: Ring,
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
        let (ring, messages) = Ring::new(RING);
        let writer = Writer::new(location, data, context, &ring.shared);
        let thread = thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || writer.run(&messages))
            .map_err(|cause| Error::internal("starting the recorder", cause))?;
        Ok(Self { ring, context: Arc::clone(context), strict, thread: Mutex::new(Some(thread)) })
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
        let strict = is_pii_permit(decision) && self.is_strict();
        self.ring.push(entry(now, asker, question, snapshot, decision), strict)
    }

    /// Takes in that a call to this house was refused: who called, the row of the route table, the problem type.
    pub fn refused(&self, now: Timestamp, caller: String, route: String, problem: &'static str) {
        let refusal = Refusal { at: now, caller, route, problem };
        if self.ring.sender.try_send(Message::Refusal(refusal)).is_err() {
            self.ring.shared.overflow.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Writes everything that was taken in, counts included, and waits for it. Returns whether it is durable.
    pub fn flush(&self) -> bool {
        let (sender, receiver) = sync_channel(1);
        self.ring.sender.send(Message::Flush(sender)).is_ok() && receiver.recv().unwrap_or(false)
    }

    /// Writes everything that was taken in and ends the recorder: what comes later finds no room.
    pub fn close(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = self.ring.sender.send(Message::Stop);
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::decision::tests::{grant, noon, person, question, snapshot};
    use crate::decision::{Freshness, Reason};

    /// Ada's reading of an address and of an order, as they come to the ring.
    fn entries() -> (Evaluation, Evaluation) {
        let ada = person(1, "ada", vec![grant(1, "orders/address-reader"), grant(2, "orders/picker")]);
        let state = snapshot(&ada);
        let (properties, context) =
            (json!({ "shipped_at": null }), json!({ "purpose": "shipping", "records": 2 }));
        let one = |resource_type| {
            let asked = Question {
                properties: Some(&properties),
                context: Some(&context),
                ..question(resource_type, "read")
            };
            let decision = state.evaluate(noon(), Freshness::Fresh, &asked);
            assert!(decision.permit(), "{:?}", decision.reason);
            entry(noon(), "desk", &asked, &state, &decision)
        };
        (one("orders/buyer-address"), one("orders/order"))
    }

    #[test]
    fn a_full_ring_refuses_personal_data_and_counts_the_rest() {
        let (ring, messages) = Ring::new(1);
        assert!(matches!(ring.push(entries().0, false), Recorded::Yes));
        assert!(matches!(ring.push(entries().0, false), Recorded::No));
        assert!(matches!(ring.push(entries().0, true), Recorded::No));
        assert!(matches!(ring.push(entries().1, true), Recorded::Yes));
        assert_eq!(ring.shared.overflow.load(Ordering::Relaxed), 1);
        drop(messages.recv());
        assert!(matches!(ring.push(entries().0, true), Recorded::Awaited(_)));
    }

    #[test]
    fn a_writer_that_refuses_or_is_gone_refuses_personal_data() {
        let (ring, messages) = Ring::new(8);
        ring.shared.refuses.store(true, Ordering::Relaxed);
        assert!(matches!(ring.push(entries().0, false), Recorded::No));
        assert!(matches!(ring.push(entries().1, false), Recorded::Yes));
        ring.shared.refuses.store(false, Ordering::Relaxed);
        drop(messages);
        assert!(matches!(ring.push(entries().0, false), Recorded::No));
    }

    #[tokio::test]
    async fn what_is_not_recorded_is_denied() {
        let decision = entries().0.decision;
        assert!(Recorded::Yes.settle(decision.clone()).await.permit());
        for (answer, expected) in
            [(Some(true), Reason::Permitted), (Some(false), Reason::Recorder), (None, Reason::Recorder)]
        {
            let (waiter, outcome) = oneshot::channel();
            match answer {
                Some(answer) => waiter.send(answer).unwrap(),
                None => drop(waiter),
            }
            assert_eq!(Recorded::Awaited(outcome).settle(decision.clone()).await.reason, expected);
        }
        assert_eq!(Recorded::No.settle(decision).await.reason, Reason::Recorder);
    }

    #[test]
    fn personal_texts_are_carried_for_permits_of_personal_data_only() {
        let (address, order) = entries();
        assert_eq!((address.resource.as_str(), address.records), ("1", Some(2)));
        assert!(matches!(address.purpose, Some(Purpose::Known(ref word)) if word == "shipping"));
        assert_eq!((order.resource.as_str(), order.records, order.purpose.is_none()), ("", None, true));
        assert_eq!(order.permission, "orders/order:read");
    }
}
