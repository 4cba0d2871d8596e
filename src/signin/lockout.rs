//! Lockout: how often in a row a password or a code may be wrong before it is not asked any more for a while.
//!
//! Rules: an attempt is *reserved* before it is evaluated (failures and attempts in flight stay below the profile's
//! number), then settled; so of any number at the same moment no more are evaluated than may fail. A success forgets
//! the failures; what could not be evaluated gives its reservation back. Names that mean nobody have the same
//! counters. A known device has one of its own beside the name's. The end of a lock is judged when somebody tries. The
//! same name locked again and again raises an alarm, and that lock holds: until a person or a mailed link opens it, and
//! for a name that means nobody as long as no prober waits. So does the lock of an account whose password or codes were
//! wrong a hundred times in a row, however slowly. May call: `alarms`, `profile`, `log`.

use chrono::Duration;

use super::known_devices;
use super::store::attempts::{self as store, Most};
use crate::alarms::{self, Rule, Severity, Sighting};
use crate::app::App;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::db::{Reader, Tx};
use crate::error::Result;
use crate::ids::AccountId;
use crate::log::event::Change;
use crate::profile::Profile;
use crate::vault::Vault;

/// After so long a reservation is taken for lost in a crash; no evaluation lasts as long.
const LOST_AFTER: Duration = Duration::seconds(60);
/// After so long without another, failures are forgotten: an attacker may not fill the table with names.
const FORGOTTEN_AFTER: Duration = Duration::hours(24);

/// So many wrong ones since the last right one lock until a person opens it: the most that NIST SP 800-63B-4, section
/// 3.2.2, lets anybody try at one authenticator. No time that passes forgets them.
const MOST_CONSECUTIVE: i32 = 100;

/// A lock that holds has no end; a name that means nobody is forgotten after so long, or the table would only grow.
const HELD_NAMES_KEPT: Duration = Duration::days(90);

/// How many failures in a row lock, and for how long: `lockout.max_failures` and `lockout.duration` (O15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// This many failures in a row lock.
    pub failures: u32,
    /// So long is it locked.
    pub duration: Duration,
}

impl Rules {
    /// The profile's rules.
    pub fn of(profile: &Profile) -> Self {
        let lockout = profile.lockout();
        let minutes = lockout.duration.longest_minutes();
        Self {
            failures: lockout.max_failures.max(1),
            duration: Duration::minutes(i64::try_from(minutes).unwrap_or(i64::MAX / 60_000)),
        }
    }

    fn most(self) -> Most {
        let failures = i32::try_from(self.failures).unwrap_or(i32::MAX);
        Most { failures, consecutive: MOST_CONSECUTIVE }
    }
}

/// Everything that is counted.
pub const EVERYTHING: [Kind; 2] = [Kind::Password, Kind::Code];

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Wrong passwords.
    Password,
    /// Wrong codes, of an authenticator or for recovery: their own counter.
    Code,
}

impl Kind {
    fn space(self) -> &'static str {
        match self {
            Self::Password => "attempts.password",
            Self::Code => "attempts.code",
        }
    }
}

/// One counter: of an account in all its spellings, or of a name that means nobody.
#[derive(Debug, Clone)]
pub struct Counter {
    digest: String,
    account: Option<AccountId>,
    kind: Kind,
}

impl Counter {
    /// The account's counter.
    pub fn of_account(vault: &Vault, account: &AccountId, kind: Kind) -> Self {
        let digest = vault.trace(kind.space(), account.as_str());
        Self { digest, account: Some(account.clone()), kind }
    }

    /// The counter of a device that the account is known by, given the device's digest.
    pub fn of_device(vault: &Vault, account: &AccountId, device: &str) -> Self {
        let digest = vault.trace("attempts.device", device);
        Self { digest, account: Some(account.clone()), kind: Kind::Password }
    }

    /// What stands for it in events and samples.
    pub fn trace(&self) -> &str {
        &self.digest
    }

    /// The counter of a name that means nobody.
    pub fn of_name(vault: &Vault, name: &str) -> Self {
        let digest = vault.trace("attempts.name", name);
        Self { digest, account: None, kind: Kind::Password }
    }
}

/// What one attempt counts on.
#[derive(Debug, Clone)]
pub struct Counters {
    /// The name's, in every spelling.
    pub name: Counter,
    /// That of the known device it comes from.
    pub device: Option<Counter>,
}

/// An attempt that may be evaluated, and must be settled.
pub struct Reservation {
    counters: Vec<Counter>,
    rules: Rules,
}

impl Reservation {
    /// Reserves one attempt; `None`: it must not be evaluated. What comes from a known device counts on both counters,
    /// and a lock of the name, which strangers may have brought about, does not close the device.
    ///
    /// # Errors
    /// [`crate::error::Error::Internal`] for a fault of the database.
    pub fn take(app: &App, counters: &Counters, rules: Rules) -> Result<Option<Self>> {
        let reserve = |counter: &Counter| app.database().alone(|reader| reserve(reader, counter, rules));
        let mut reserved = Vec::with_capacity(2);
        if let Some(device) = &counters.device {
            if !reserve(device)? {
                return Ok(None);
            }
            reserved.push(device.clone());
        }
        if reserve(&counters.name)? {
            reserved.push(counters.name.clone());
        }
        Ok((!reserved.is_empty()).then_some(Self { counters: reserved, rules }))
    }

    /// Settles it on every counter.
    ///
    /// # Errors
    /// As [`settle`].
    pub fn settle(self, app: &App, outcome: Outcome) -> Result<()> {
        self.counters.iter().try_for_each(|counter| settle(app, counter, self.rules, outcome))
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was right.
    Right,
    /// It was wrong.
    Wrong,
    /// It was not evaluated.
    Unjudged,
}

/// Reserves one attempt. False: it must not be evaluated, because the counter is locked or full.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn reserve(reader: &mut Reader<'_>, counter: &Counter, rules: Rules) -> Result<bool> {
    let (now, digest) = (reader.now, counter.digest.as_str());
    let Some(row) = store::find(reader, digest)? else {
        store::begin(reader, digest, counter.account.is_some())?;
        return store::reserve(reader, digest, rules.most());
    };
    match row.locked_until {
        _ if row.held_at.is_some() => return Ok(false),
        Some(until) if now < until => return Ok(false),
        Some(_) => store::release_lock(reader, digest)?,
        None => {
            if row.changed_at < now.minus(FORGOTTEN_AFTER) {
                store::forget_failures(reader, digest)?;
            }
            if row.in_flight > 0 {
                store::forget_in_flight(reader, digest, now.minus(LOST_AFTER))?;
            }
        }
    }
    let reserved = store::reserve(reader, digest, rules.most())?;
    if reserved || store::find(reader, digest)?.is_some() {
        return Ok(reserved);
    }
    // The tidying forgot the old counter since it was looked at: that is no reason to refuse.
    store::begin(reader, digest, counter.account.is_some())?;
    store::reserve(reader, digest, rules.most())
}

/// Reserves an attempt, lets it be judged and settles it, on a blocking thread: `None` if it is locked, or was wrong.
///
/// # Errors
/// Whatever `judge` returns; the attempt then counts as not judged.
pub fn judged<T>(
    app: &App,
    counter: &Counter,
    rules: Rules,
    judge: impl FnOnce() -> Result<Option<T>>,
) -> Result<Option<T>> {
    if !app.database().alone(|reader| reserve(reader, counter, rules))? {
        return Ok(None);
    }
    let judged = judge();
    let outcome = match &judged {
        Ok(Some(_)) => Outcome::Right,
        Ok(None) => Outcome::Wrong,
        Err(_) => Outcome::Unjudged,
    };
    settle(app, counter, rules, outcome)?;
    judged
}

/// Settles a reservation, on a blocking thread. A failure that locks is an event, in the transaction that locks.
///
/// # Errors
/// [`crate::error::Error`] of the database; the reservation then counts until it is taken for lost.
pub fn settle(app: &App, counter: &Counter, rules: Rules, outcome: Outcome) -> Result<()> {
    let digest = counter.digest.as_str();
    match outcome {
        Outcome::Right => app.database().alone(|reader| store::succeed(reader, digest)),
        Outcome::Unjudged => app.database().alone(|reader| store::give_back(reader, digest)),
        Outcome::Wrong => {
            let most = rules.most();
            if app.database().alone(|reader| store::fail_without_lock(reader, digest, most))? {
                return Ok(());
            }
            app.write_now(&Caller::nobody(), |tx| fail(tx, counter, rules)).map(drop)
        }
    }
}

fn fail(tx: &mut Tx<'_>, counter: &Counter, rules: Rules) -> Result<()> {
    let Some(row) = store::fail(tx, &counter.digest)? else { return Ok(()) };
    let (most, is_last) = (rules.most(), row.consecutive >= MOST_CONSECUTIVE);
    if (row.failures < most.failures && !is_last) || row.locked_until.is_some() || row.held_at.is_some() {
        return Ok(());
    }
    let lock = if is_last {
        hold(tx, counter, row.consecutive)?
    } else {
        note_lock(tx, counter, tx.now.plus(rules.duration))?
    };
    let until = match lock {
        Lock::Until(until) => Some(until),
        Lock::Held => None,
    };
    let change = match (counter.kind, &counter.account) {
        (Kind::Code, Some(account)) => {
            Change::FactorLocked { account: account.clone(), factor: "totp".to_owned(), until }
        }
        (_, account) => {
            Change::PasswordLocked { account: account.clone(), trace: counter.digest.clone(), until }
        }
    };
    tx.record(change);
    Ok(())
}

/// Locks after the last wrong one that there may be, which an alarm says.
fn hold(tx: &mut Tx<'_>, counter: &Counter, consecutive: i32) -> Result<Lock> {
    store::lock(tx, &counter.digest, Lock::Held, &[])?;
    let count = u64::try_from(consecutive).unwrap_or_default();
    let seen = Sighting::of(Rule::RepeatedLock, Severity::Warning)
        .account(counter.account.as_ref())
        .about(counter.digest.as_str())
        .counted(count, MOST_CONSECUTIVE.unsigned_abs().into(), None);
    alarms::raise(tx, seen)?;
    Ok(Lock::Held)
}

/// Locks. If that was the profile's so-manieth lock of the same name within its time (E10.1), it holds, and an alarm
/// says so.
fn note_lock(tx: &mut Tx<'_>, counter: &Counter, until: Timestamp) -> Result<Lock> {
    let Some((count, window)) = tx.profile().alarm().repeated_lock.limit else {
        store::lock(tx, &counter.digest, Lock::Until(until), &[])?;
        return Ok(Lock::Until(until));
    };
    let window = Duration::minutes(i64::try_from(window.longest_minutes()).unwrap_or(i64::MAX / 60_000));
    let begun = tx.now.minus(window).micros();
    let mut recent = store::recent_locks(tx, &counter.digest)?;
    recent.push(tx.now.micros());
    recent.retain(|at| *at > begun);
    // The newest are enough to know that the number is reached.
    let surplus = recent.len().saturating_sub(count as usize);
    recent.drain(..surplus);
    let lock = if recent.len() < count as usize { Lock::Until(until) } else { Lock::Held };
    store::lock(tx, &counter.digest, lock, &recent)?;
    if lock != Lock::Held {
        return Ok(lock);
    }
    let seen = Sighting::of(Rule::RepeatedLock, Severity::Warning)
        .account(counter.account.as_ref())
        .about(counter.digest.as_str())
        .counted(recent.len() as u64, count.into(), Some(window));
    alarms::raise(tx, seen)?;
    Ok(lock)
}

/// How long a lock lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// Until that instant.
    Until(Timestamp),
    /// Until a person or a mailed link opens it.
    Held,
}

/// How the password of an account is locked; `None` if it is not.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn lock_of(reader: &mut Reader<'_>, account: &AccountId) -> Result<Option<Lock>> {
    let counter = Counter::of_account(reader.vault(), account, Kind::Password);
    let Some(row) = store::find(reader, &counter.digest)? else { return Ok(None) };
    if row.held_at.is_some() {
        return Ok(Some(Lock::Held));
    }
    Ok(row.locked_until.filter(|until| reader.now < *until).map(Lock::Until))
}

/// Opens what is locked and forgets what failed. Says whether there was anything. A mailbox opens the password alone:
/// whoever has it could otherwise try codes without end.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn unlock(tx: &mut Tx<'_>, account: &AccountId, kinds: &[Kind]) -> Result<bool> {
    let changed = begin_anew(tx, account, kinds)?;
    if changed {
        tx.record(Change::PasswordUnlocked { account: account.clone() });
    }
    Ok(changed)
}

/// Forgets what failed and opens what is locked, without an event of its own: for a password that was just set.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn begin_anew(tx: &mut Tx<'_>, account: &AccountId, kinds: &[Kind]) -> Result<bool> {
    let mut changed = false;
    let mut counters: Vec<_> =
        kinds.iter().map(|kind| Counter::of_account(tx.vault(), account, *kind)).collect();
    if kinds.contains(&Kind::Password) {
        for device in known_devices::of_account(tx, account)? {
            counters.push(Counter::of_device(tx.vault(), account, &device));
        }
    }
    for counter in &counters {
        changed |= store::clear(tx, &counter.digest)?;
    }
    Ok(changed)
}

/// Deletes up to `limit` counters that nothing has happened to for a day, and those that have held for three months;
/// returns how many. Somebody known who has not been here for so long has no password in force any more.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn forget(reader: &mut Reader<'_>, limit: i64) -> Result<usize> {
    let (before, held_before) = (reader.now.minus(FORGOTTEN_AFTER), reader.now.minus(HELD_NAMES_KEPT));
    store::forget(reader, (before, held_before), limit)
}
