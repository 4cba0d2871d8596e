//! Raising: a sighting becomes an alarm, or goes into the one that is open about the same.

use chrono::Duration;

use super::store;
use super::{Alarm, AlarmState, Rule, Severity};
use crate::db::{Reader, Tx};
use crate::error::Result;
use crate::ids::{AccountId, AlarmId, TextId};
use crate::log::append::next_revision;
use crate::log::event::Change;

/// How many samples an alarm keeps.
const SAMPLES: usize = 20;
/// The longest sample, in characters: an id or a keyed digest.
const SAMPLE: usize = 120;

/// Something that raises an alarm.
#[derive(Debug, Clone)]
pub struct Sighting {
    rule: Rule,
    severity: Severity,
    account: Option<AccountId>,
    about: String,
    denies: bool,
    threshold: Option<u64>,
    window: Option<Duration>,
    observed: u64,
    samples: Vec<String>,
    note: Option<TextId>,
}

impl Sighting {
    /// A sighting by a rule, about the house as a whole until it is said about what.
    pub fn of(rule: Rule, severity: Severity) -> Self {
        Self {
            rule,
            severity,
            account: None,
            about: String::new(),
            denies: false,
            threshold: None,
            window: None,
            observed: 1,
            samples: Vec::new(),
            note: None,
        }
    }

    /// About this account.
    #[must_use]
    pub fn account(mut self, account: Option<&AccountId>) -> Self {
        self.account = account.cloned();
        self
    }

    /// About this thing: its id, or a keyed digest; never a name.
    #[must_use]
    pub fn about(mut self, thing: impl Into<String>) -> Self {
        self.about = thing.into();
        self
    }

    /// The account is denied everything until the alarm is closed; by some rules, the permission that it is about.
    #[must_use]
    pub fn denying(mut self) -> Self {
        self.denies = true;
        self
    }

    /// What was counted, from which number on it matters, and within which time.
    #[must_use]
    pub fn counted(mut self, observed: u64, threshold: u64, window: Option<Duration>) -> Self {
        (self.observed, self.threshold, self.window) = (observed, Some(threshold), window);
        self
    }

    /// What was observed, where nothing is counted against a threshold.
    #[must_use]
    pub fn observed(mut self, observed: u64) -> Self {
        self.observed = observed;
        self
    }

    /// Ids and keyed digests of what was seen.
    #[must_use]
    pub fn samples(mut self, samples: impl IntoIterator<Item = String>) -> Self {
        self.samples = samples.into_iter().map(|sample| sample.chars().take(SAMPLE).collect()).collect();
        self
    }

    /// What somebody wrote, sealed.
    #[must_use]
    pub fn note(mut self, note: TextId) -> Self {
        self.note = Some(note);
        self
    }
}

/// What an alarm is about in one text: there is one open alarm for each.
pub(super) fn open_key(rule: Rule, account: Option<&AccountId>, about: &str) -> String {
    format!("{rule}|{}|{about}", account.map(AccountId::as_str).unwrap_or_default())
}

/// Raises an alarm, or counts one more sighting in the one that is open about the same.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn raise(tx: &mut Tx<'_>, seen: Sighting) -> Result<AlarmId> {
    let key = open_key(seen.rule, seen.account.as_ref(), &seen.about);
    match store::open(tx, &key)? {
        Some(open) => see_again(tx, open, seen),
        None => begin(tx, seen),
    }
}

fn begin(tx: &mut Tx<'_>, seen: Sighting) -> Result<AlarmId> {
    let mut samples = seen.samples;
    trim(&mut samples);
    let alarm = Alarm {
        id: AlarmId::new(tx.now, tx.entropy()),
        rule: seen.rule,
        severity: seen.severity,
        account: seen.account,
        about: seen.about,
        state: AlarmState::New,
        denies: seen.denies,
        threshold: seen.threshold,
        window_seconds: seen.window.map(|window| window.num_seconds().unsigned_abs()),
        observed: seen.observed,
        samples,
        note: seen.note,
        told: Vec::new(),
        sightings: 1,
        raised_by: tx.caller.label(),
        raised_at: tx.now,
        last_seen_at: tx.now,
        acknowledged: None,
        investigated: None,
        closed: None,
        finding: None,
        revision: next_revision(tx)?,
    };
    store::insert(tx, &alarm)?;
    let row = alarm.governed()?;
    let change = Change::AlarmRaised {
        alarm: alarm.id.clone(),
        account: alarm.account,
        rule: alarm.rule.to_string(),
        severity: alarm.severity.to_string(),
    };
    tx.record_rows(change, vec![row]);
    Ok(alarm.id)
}

fn see_again(tx: &mut Tx<'_>, mut alarm: Alarm, seen: Sighting) -> Result<AlarmId> {
    alarm.severity = alarm.severity.max(seen.severity);
    alarm.denies |= seen.denies;
    alarm.observed = seen.observed;
    alarm.threshold = seen.threshold.or(alarm.threshold);
    alarm.window_seconds =
        seen.window.map(|window| window.num_seconds().unsigned_abs()).or(alarm.window_seconds);
    for sample in seen.samples {
        if !alarm.samples.contains(&sample) {
            alarm.samples.push(sample);
        }
    }
    trim(&mut alarm.samples);
    alarm.sightings += 1;
    alarm.last_seen_at = tx.now;
    alarm.revision = next_revision(tx)?;
    store::update(tx, &alarm)?;
    let row = alarm.governed()?;
    let change = Change::AlarmSeenAgain {
        alarm: alarm.id.clone(),
        account: alarm.account,
        rule: alarm.rule.to_string(),
        sightings: alarm.sightings,
    };
    tx.record_rows(change, vec![row]);
    Ok(alarm.id)
}

/// Keeps the newest samples.
fn trim(samples: &mut Vec<String>) {
    let surplus = samples.len().saturating_sub(SAMPLES);
    samples.drain(..surplus);
}

/// The highest number that any alarm of this rule, open or closed, has observed about a thing: for clocks, whose every
/// step raises once.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn highest(reader: &mut Reader<'_>, rule: Rule, about: &str) -> Result<u64> {
    store::highest(reader, rule, about)
}
