//! What the decision point notices while it answers, and a person has to look at: it becomes an alarm, on a thread of
//! its own, by the same way as every other write.
//!
//! Rules: whoever notices something leaves it here and goes on, so that no answer and no record waits for the log's
//! lock; the same thing raises at once, and is only counted for a minute then, so that nobody makes the log longer by
//! asking often; what could not be raised is kept and tried again. The thread also asks the referee about samples
//! (`sampling`). Calls `alarms` and `app`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::sampling::{self, Sample};
use crate::alarms::{self, Rule, Severity, Sighting};
use crate::app::{App, WeakApp};
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::ids::AccountId;

/// How many different things may wait; what comes beyond is told of the rule as a whole.
const THINGS: usize = 1_000;
/// How many samples one alarm is told of at a time.
const SAMPLES: usize = 5;
/// How long the same thing is only counted, in microseconds.
const QUIET: i64 = 60_000_000;
/// How often the thread looks by itself whether something is due.
const LOOK: Duration = Duration::from_secs(1);
/// How many samples may wait for the referee; those that come beyond are not asked.
const WAITING: usize = 16;
/// Answers go before.
const NICENESS: i32 = 10;

/// Something that was noticed.
#[derive(Debug, Clone)]
pub struct Notice {
    rule: Rule,
    severity: Severity,
    account: Option<AccountId>,
    about: String,
    denies: bool,
    sample: Option<String>,
    seen: u64,
    threshold: Option<u64>,
}

impl Notice {
    /// A notice of that rule, about the house as a whole until it is said about what.
    pub fn of(rule: Rule, severity: Severity) -> Self {
        let about = String::new();
        Self { rule, severity, account: None, about, denies: false, sample: None, seen: 1, threshold: None }
    }

    /// About this account.
    #[must_use]
    pub fn account(mut self, account: Option<AccountId>) -> Self {
        self.account = account;
        self
    }

    /// About this thing.
    #[must_use]
    pub fn about(mut self, thing: &str) -> Self {
        self.about = thing.to_owned();
        self
    }

    /// About this thing, which it denies to the account until a person has closed the alarm.
    #[must_use]
    pub fn denying(mut self, thing: &str) -> Self {
        self.about = thing.to_owned();
        self.denies = true;
        self
    }

    /// Ids and words of the catalogue that say more.
    #[must_use]
    pub fn sample(mut self, sample: String) -> Self {
        self.sample = Some(sample);
        self
    }

    /// How often it was seen.
    #[must_use]
    pub fn seen(mut self, times: u64) -> Self {
        self.seen = times;
        self
    }

    /// What was measured, and from where on it matters.
    #[must_use]
    pub fn counting(mut self, observed: u64, threshold: u64) -> Self {
        (self.seen, self.threshold) = (observed, Some(threshold));
        self
    }
}

type Thing = (Rule, Option<AccountId>, String);

/// What waits to be raised about one thing.
struct Waiting {
    notice: Option<Notice>,
    samples: Vec<String>,
    /// When it was raised last, by the clock that never steps.
    raised: Option<i64>,
}

#[derive(Default)]
struct State {
    things: BTreeMap<Thing, Waiting>,
    samples: VecDeque<Sample>,
    flushes: Vec<SyncSender<()>>,
    urgent: bool,
    end: bool,
}

/// What was noticed and is not an alarm yet.
#[derive(Default)]
pub struct Watch {
    state: Mutex<State>,
    woken: Condvar,
}

impl Watch {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves a notice. Never waits for anything.
    pub fn see(&self, notice: Notice) {
        let mut state = self.state();
        let mut thing = (notice.rule, notice.account.clone(), notice.about.clone());
        let mut notice = notice;
        if state.things.len() >= THINGS && !state.things.contains_key(&thing) && !notice.denies {
            (notice.account, notice.about) = (None, String::new());
            thing = (notice.rule, None, String::new());
        }
        let waiting =
            state.things.entry(thing).or_insert(Waiting { notice: None, samples: Vec::new(), raised: None });
        if let Some(sample) = notice.sample.take()
            && waiting.samples.len() < SAMPLES
            && !waiting.samples.contains(&sample)
        {
            waiting.samples.push(sample);
        }
        if let Some(before) = waiting.notice.take() {
            notice.severity = notice.severity.max(before.severity);
            notice.seen = if notice.threshold.is_some() { notice.seen } else { notice.seen + before.seen };
        }
        let first = waiting.raised.is_none();
        waiting.notice = Some(notice);
        if first {
            self.wake(state);
        }
    }

    /// Leaves a sample for the referee, if there is room.
    pub(super) fn sample(&self, sample: Sample) {
        let mut state = self.state();
        if state.samples.len() < WAITING {
            state.samples.push_back(sample);
            self.wake(state);
        }
    }

    fn wake(&self, mut state: MutexGuard<'_, State>) {
        if !state.urgent {
            state.urgent = true;
            drop(state);
            self.woken.notify_one();
        }
    }

    /// Waits until everything that is due is done.
    pub fn flush(&self) {
        let (sender, receiver) = sync_channel(1);
        let mut state = self.state();
        if state.end {
            return;
        }
        state.flushes.push(sender);
        self.wake(state);
        let _ = receiver.recv();
    }

    fn end(&self) {
        let mut state = self.state();
        state.end = true;
        self.wake(state);
    }

    /// Waits for something to do; what asks for it, and whether this is the end.
    fn wait(&self) -> (VecDeque<Sample>, Vec<SyncSender<()>>, bool) {
        let idle = |state: &mut State| !state.urgent && !state.end;
        let waited = self.woken.wait_timeout_while(self.state(), LOOK, idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.urgent = false;
        (std::mem::take(&mut state.samples), std::mem::take(&mut state.flushes), state.end)
    }

    /// What is due at this instant of the steady clock. What has long been quiet is forgotten.
    fn due(&self, now: i64) -> Vec<(Thing, Notice, Vec<String>)> {
        let mut state = self.state();
        let is_quiet = |waiting: &Waiting| waiting.raised.is_some_and(|raised| now - raised < QUIET);
        state.things.retain(|_, waiting| waiting.notice.is_some() || is_quiet(waiting));
        let due = state.things.iter_mut().filter(|(_, waiting)| !is_quiet(waiting));
        due.filter_map(|(thing, waiting)| {
            let notice = waiting.notice.take()?;
            waiting.raised = Some(now);
            Some((thing.clone(), notice, std::mem::take(&mut waiting.samples)))
        })
        .collect()
    }

    /// Puts back what could not be raised, to be tried again.
    fn put_back(&self, thing: Thing, notice: Notice, samples: Vec<String>) {
        let mut state = self.state();
        if let Some(waiting) = state.things.get_mut(&thing) {
            waiting.raised = None;
            waiting.samples = samples;
            if waiting.notice.is_none() {
                waiting.notice = Some(notice);
            }
        }
    }

    fn run(&self, house: &WeakApp) {
        // On Linux niceness belongs to the thread.
        if let Err(cause) = rustix::process::nice(NICENESS) {
            tracing::warn!(%cause, "the watching thread keeps its priority");
        }
        loop {
            let (samples, flushes, end) = self.wait();
            let Some(app) = house.upgrade() else { return };
            for sample in samples {
                self.ask_referee(&app, &sample);
            }
            for (thing, notice, samples) in self.due(app.context().clock.steady_micros()) {
                if let Err(error) = raise(&app, &notice, &samples) {
                    tracing::warn!(%error, "an alarm could not be raised yet");
                    self.put_back(thing, notice, samples);
                }
            }
            for flush in flushes {
                let _ = flush.send(());
            }
            if end {
                return;
            }
        }
    }

    /// Nobody is left to wait for.
    fn is_over(&self) {
        let mut state = self.state();
        state.end = true;
        state.flushes.clear();
    }

    fn ask_referee(&self, app: &App, sample: &Sample) {
        match sampling::judge(app, sample) {
            Ok(Some(notice)) => self.see(notice),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "the referee could not be asked"),
        }
    }
}

fn raise(app: &App, notice: &Notice, samples: &[String]) -> Result<()> {
    if notice.rule == Rule::CanaryAccess && !app.context().profiles.current().alarm().canary_access {
        return Ok(());
    }
    app.write_now(&Caller::house("decision.watch"), |tx| {
        let seen = Sighting::of(notice.rule, notice.severity)
            .account(notice.account.as_ref())
            .about(notice.about.as_str())
            .samples(samples.iter().cloned());
        let seen = match notice.threshold {
            Some(threshold) => seen.counted(notice.seen, threshold, None),
            None => seen.observed(notice.seen),
        };
        alarms::raise(tx, if notice.denies { seen.denying() } else { seen })
    })?;
    Ok(())
}

/// The thread that watches for one node. Dropping it lets the thread end.
pub struct Watcher {
    watch: Arc<Watch>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Watcher {
    /// For what is noticed there. The thread starts with [`Watcher::start`].
    pub fn new(watch: Arc<Watch>) -> Self {
        Self { watch, thread: Mutex::default() }
    }

    /// Starts the thread.
    ///
    /// # Errors
    /// [`Error::Internal`] if it cannot be started.
    pub fn start(&self, house: WeakApp) -> Result<()> {
        let watch = Arc::clone(&self.watch);
        let thread = thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || {
                watch.run(&house);
                watch.is_over();
            })
            .map_err(|cause| Error::internal("starting the watching thread", cause))?;
        *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(())
    }

    /// What waits there.
    pub fn watch(&self) -> &Arc<Watch> {
        &self.watch
    }

    /// Does what is due and ends the thread.
    pub fn close(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            self.watch.end();
            if thread.join().is_err() {
                tracing::error!("the watching thread ended early");
            }
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.watch.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::tests::id;

    fn canary(account: u128) -> Notice {
        Notice::of(Rule::CanaryAccess, Severity::Warning).account(Some(id(account)))
    }

    #[test]
    fn the_same_thing_is_due_at_once_and_counted_for_a_minute_then() {
        let watch = Watch::default();
        watch.see(canary(1).sample("one".to_owned()));
        let [(thing, notice, samples)] = watch.due(0).try_into().unwrap();
        assert_eq!((notice.seen, samples), (1, vec!["one".to_owned()]));
        for _ in 0..3 {
            watch.see(canary(1));
        }
        watch.see(Notice { severity: Severity::Critical, ..canary(1) });
        watch.see(canary(2));
        let due: Vec<Thing> = watch.due(QUIET - 1).into_iter().map(|(thing, _, _)| thing).collect();
        assert_eq!(due, [(Rule::CanaryAccess, Some(id(2)), String::new())]);
        let [(again, notice, _)] = watch.due(QUIET).try_into().unwrap();
        assert_eq!((&again, notice.seen, notice.severity), (&thing, 4, Severity::Critical));
        assert!(watch.due(2 * QUIET).is_empty());
        assert!(watch.state().things.is_empty(), "what is quiet is forgotten");
    }

    #[test]
    fn what_could_not_be_raised_is_due_again() {
        let watch = Watch::default();
        watch.see(canary(1).sample("one".to_owned()));
        let [(thing, notice, samples)] = watch.due(0).try_into().unwrap();
        watch.put_back(thing, notice, samples);
        let [(_, notice, samples)] = watch.due(1).try_into().unwrap();
        assert_eq!((notice.seen, samples.len()), (1, 1));
    }

    #[test]
    fn beyond_so_many_things_the_rule_as_a_whole_is_told_of_but_what_denies_never_is_lost() {
        let watch = Watch::default();
        for account in 0..THINGS as u128 + 10 {
            watch.see(canary(account));
        }
        watch.see(Notice { rule: Rule::RefereeDiffers, ..canary(1) }.denying("orders/order:read"));
        let due = watch.due(0);
        assert_eq!(due.len(), THINGS + 2);
        let (_, rest, _) = due.iter().find(|((_, account, _), _, _)| account.is_none()).unwrap();
        assert_eq!(rest.seen, 10);
        assert!(due.iter().any(|((rule, _, about), _, _)| {
            *rule == Rule::RefereeDiffers && about == "orders/order:read"
        }));
    }
}
