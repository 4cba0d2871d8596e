//! The recorder: what was decided goes into the log `access`, without the one who asks having to wait for a disk.
//!
//! Rules: a permit of personal data that cannot be recorded is a denial (reason `recorder`); under strict recording it
//! is answered only when its record is durable. Every such permit stands one by one, and the first twenty denials a
//! minute for each caller, subject and reason; the rest is counted. Whatever a caller made up is kept as keyed hash.
//! Calls from `http` into the ring are all that happens on their thread: they ask for memory only for what the caller
//! made up and the log must keep. May call: `log::access`, `vault`.

mod ledger;
mod ring;
mod store;
#[cfg(test)]
mod tests;
mod writer;

use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use serde_json::Value;
use tokio::sync::oneshot;

use super::numbers::Named;
use super::sampling::{Sample, Sampler};
use super::usage::Used;
use super::watch::Watch;
use super::{Decision, Question, Snapshot};
use crate::access::catalogue::Class;
use crate::clock::Timestamp;
use crate::db::{Context, Location};
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::profile::STRICTEST;
use crate::vault::Vault;
use ring::{Entry, Ring};
use writer::Writer;

/// How many entries may wait for the writer.
const RING: usize = 8_192;
/// The longest text of a caller, in bytes, that waits as it is; of a longer one its keyed hash waits.
const LONGEST: usize = 512;

/// One evaluation on its way to the log.
struct Evaluation {
    at: Timestamp,
    asker: Arc<str>,
    /// The permission, if the catalogue has it.
    permission: Option<Named>,
    made_up: Option<Box<MadeUp>>,
    decision: Decision,
}

/// What the caller wrote and the log needs, if only as keyed hash.
#[derive(Default)]
struct MadeUp {
    /// The name that nobody has.
    subject: Option<Text>,
    /// The permission that the catalogue does not have.
    permission: Option<Text>,
    /// The record, where it was permitted as personal data.
    record: Option<Text>,
    purpose: Option<Purpose>,
    records: Option<u64>,
    /// The canary that it was about: a word of the catalogue.
    canary: Option<Box<str>>,
}

impl MadeUp {
    fn is_empty(&self) -> bool {
        self.subject.is_none() && self.permission.is_none() && self.record.is_none() && self.canary.is_none()
    }
}

enum Purpose {
    /// A word of the catalogue.
    Known(Box<str>),
    /// Whatever the caller wrote.
    Unknown(Text),
}

/// A caller's text that becomes a keyed hash: by the writer, or at once if it is too long to wait in memory.
enum Text {
    Plain(Box<str>),
    Hidden(Box<str>),
}

impl Text {
    fn of(space: &str, text: &str, vault: &Vault) -> Self {
        if text.len() > LONGEST {
            Self::Hidden(hidden(vault, space, text).into())
        } else {
            Self::Plain(text.into())
        }
    }

    fn hidden(&self, space: &str, vault: &Vault) -> String {
        match self {
            Self::Plain(text) => hidden(vault, space, text),
            Self::Hidden(hash) => hash.to_string(),
        }
    }
}

/// A text that directory and catalogue do not know, as the log may carry it.
fn hidden(vault: &Vault, space: &str, text: &str) -> String {
    format!("hmac:{}", vault.trace(space, text))
}

impl Evaluation {
    fn is_pii_permit(&self) -> bool {
        is_pii_permit(&self.decision)
    }

    fn made_up(&self) -> Option<&MadeUp> {
        self.made_up.as_deref()
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

/// The recorder of one node.
pub struct Recorder {
    ring: Arc<Ring>,
    context: Arc<Context>,
    watch: Arc<Watch>,
    strict: bool,
    sampler: Sampler,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// How a node records.
#[derive(Debug, Clone, Copy)]
pub struct Recording {
    /// Whether permits of personal data wait for their record whatever the profile says.
    pub strict: bool,
    /// Of so many decisions one is asked again of the referee; nought for none.
    pub sample: u32,
}

impl Recorder {
    /// Starts the recorder's thread. What a person has to look at is told to `watch`.
    ///
    /// # Errors
    /// [`Error::Internal`] if the thread cannot be started.
    pub fn start(
        location: &Location,
        (data, disk): (&Path, &Arc<dyn Disk>),
        context: &Arc<Context>,
        watch: &Arc<Watch>,
        how: Recording,
    ) -> Result<Self> {
        let ring = Arc::new(Ring::new(RING));
        let writer = Writer::new(location, (data, disk), context, &ring, watch);
        let thread = thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || writer.run())
            .map_err(|cause| Error::internal("starting the recorder", cause))?;
        Ok(Self {
            ring,
            context: Arc::clone(context),
            watch: Arc::clone(watch),
            strict: how.strict,
            sampler: Sampler::new(how.sample, context),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Takes a decision in. `asker` is who asked, by [`crate::caller::Caller::label`]; `snapshot` the state that
    /// decided.
    pub fn record(
        &self,
        now: Timestamp,
        asker: &Arc<str>,
        question: &Question<'_>,
        snapshot: &Snapshot,
        decision: &Decision,
    ) -> Recorded {
        if self.sampler.takes()
            && let Some(sample) = Sample::of(now, question, snapshot, decision)
        {
            self.watch.sample(sample);
        }
        let strict = is_pii_permit(decision) && self.is_strict();
        self.ring.push(entry((now, asker), question, snapshot, decision, &self.context.vault), strict)
    }

    /// Takes in that a call to this house was refused: who called, the row of the route table, the problem type.
    pub fn refused(&self, now: Timestamp, caller: String, route: String, problem: &'static str) {
        self.ring.push_other(Entry::Refusal(Refusal { at: now, caller, route, problem }));
    }

    /// Takes in how many records were retrieved under a permit. Waits until it is durable, and says whether it is.
    pub(super) fn used(&self, used: Used) -> bool {
        self.ring.push_and_wait(used)
    }

    /// Writes everything that was taken in, counts included, and waits for it. Returns whether it is durable.
    pub fn flush(&self) -> bool {
        let (sender, receiver) = sync_channel(1);
        self.ring.flush(sender) && receiver.recv().unwrap_or(false)
    }

    /// Writes everything that was taken in and ends the recorder: what comes later finds no room.
    pub fn close(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            self.ring.end();
            if thread.join().is_err() {
                tracing::error!("the recorder ended early");
            }
        }
    }

    /// Whether permits of personal data wait for their record: where the strictest profile is in force, or the node's
    /// settings say so. Settings can only tighten what the profile says.
    pub fn is_strict(&self) -> bool {
        self.strict || self.context.profiles.current().key == STRICTEST
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.ring.end();
    }
}

fn entry(
    (at, asker): (Timestamp, &Arc<str>),
    question: &Question<'_>,
    snapshot: &Snapshot,
    decision: &Decision,
    vault: &Vault,
) -> Evaluation {
    let mut made_up = MadeUp::default();
    if is_pii_permit(decision) {
        describe(&mut made_up, question, snapshot, vault);
    }
    if !decision.permit() && !decision.is_about_somebody() {
        made_up.subject = Some(Text::of("subject", question.subject, vault));
    }
    if decision.permission.is_none() {
        let (application, feature) = question.feature().unwrap_or(("", question.resource_type));
        let asked = [application, "/", feature, ":", question.action].concat();
        made_up.permission = Some(Text::of("permission", &asked, vault));
    }
    if snapshot.is_canary(question, decision.permission) {
        made_up.canary = Some(question.resource.into());
    }
    Evaluation {
        at,
        asker: Arc::clone(asker),
        permission: decision.permission.map(|number| snapshot.named(number)),
        made_up: (!made_up.is_empty()).then(|| Box::new(made_up)),
        decision: decision.clone(),
    }
}

/// What the record of a permit of personal data says further.
fn describe(made_up: &mut MadeUp, question: &Question<'_>, snapshot: &Snapshot, vault: &Vault) {
    let in_context = |name: &str| question.context.and_then(|context| context.get(name));
    let (application, feature) = question.feature().unwrap_or_default();
    made_up.record = Some(Text::of("record", question.resource, vault));
    made_up.records = in_context("records").and_then(Value::as_u64);
    made_up.purpose = in_context("purpose").and_then(Value::as_str).map(|purpose| {
        if snapshot.knows_purpose(application, feature, question.action, purpose) {
            Purpose::Known(purpose.into())
        } else {
            Purpose::Unknown(Text::of("purpose", purpose, vault))
        }
    });
}
