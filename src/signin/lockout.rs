//! Lockout: how often in a row a password or a code may be wrong before it is not asked any more for a while.
//!
//! Rules: an attempt is *reserved* before it is evaluated (failures and attempts in flight stay below the profile's
//! number), then settled; so of any number at the same moment no more are evaluated than may fail. A success forgets
//! the failures; what could not be evaluated gives its reservation back. Names that mean nobody have the same
//! counters. The end of a lock is judged when somebody tries. The same name locked again and again raises an alarm. May
//! call: `alarms`, `profile`, `log`.

use chrono::Duration;

use super::store::attempts as store;
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

    fn most(self) -> i32 {
        i32::try_from(self.failures).unwrap_or(i32::MAX)
    }
}

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

    /// The counter of a name that means nobody.
    pub fn of_name(vault: &Vault, name: &str) -> Self {
        let digest = vault.trace("attempts.name", name);
        Self { digest, account: None, kind: Kind::Password }
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
        store::begin(reader, digest)?;
        return store::reserve(reader, digest, rules.most());
    };
    match row.locked_until {
        Some(until) if now < until => return Ok(false),
        Some(_) => store::release_lock(reader, digest)?,
        None => {
            if row.changed_at < now.minus(FORGOTTEN_AFTER) {
                store::clear(reader, digest)?;
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
    store::begin(reader, digest)?;
    store::reserve(reader, digest, rules.most())
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
    if row.failures < rules.most() || row.locked_until.is_some() {
        return Ok(());
    }
    let until = tx.now.plus(rules.duration);
    note_lock(tx, counter, until)?;
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

/// Locks, and raises an alarm if that was the profile's so-manieth lock of the same name within its time (E10.1).
fn note_lock(tx: &mut Tx<'_>, counter: &Counter, until: Timestamp) -> Result<()> {
    let Some((count, window)) = tx.profile().alarm().repeated_lock.limit else {
        return store::lock(tx, &counter.digest, until, &[]);
    };
    let window = Duration::minutes(i64::try_from(window.longest_minutes()).unwrap_or(i64::MAX / 60_000));
    let begun = tx.now.minus(window).micros();
    let mut recent = store::recent_locks(tx, &counter.digest)?;
    recent.push(tx.now.micros());
    recent.retain(|at| *at > begun);
    // The newest are enough to know that the number is reached.
    let surplus = recent.len().saturating_sub(count as usize);
    recent.drain(..surplus);
    store::lock(tx, &counter.digest, until, &recent)?;
    if recent.len() < count as usize {
        return Ok(());
    }
    let seen = Sighting::of(Rule::RepeatedLock, Severity::Warning)
        .account(counter.account.as_ref())
        .about(counter.digest.as_str())
        .counted(recent.len() as u64, count.into(), Some(window));
    alarms::raise(tx, seen).map(drop)
}

/// Until when the password of an account is locked; `None` if it is not.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn locked_until(reader: &mut Reader<'_>, account: &AccountId) -> Result<Option<Timestamp>> {
    let counter = Counter::of_account(reader.vault(), account, Kind::Password);
    let until = store::find(reader, &counter.digest)?.and_then(|row| row.locked_until);
    Ok(until.filter(|until| reader.now < *until))
}

/// Opens what is locked and forgets what failed: password and codes. Says whether there was anything.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn unlock(tx: &mut Tx<'_>, account: &AccountId) -> Result<bool> {
    let changed = begin_anew(tx, account)?;
    if changed {
        tx.record(Change::PasswordUnlocked { account: account.clone() });
    }
    Ok(changed)
}

/// Forgets what failed and opens what is locked, without an event of its own: for a password that was just set.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn begin_anew(tx: &mut Tx<'_>, account: &AccountId) -> Result<bool> {
    let mut changed = false;
    for kind in [Kind::Password, Kind::Code] {
        let counter = Counter::of_account(tx.vault(), account, kind);
        changed |= store::clear(tx, &counter.digest)?;
    }
    Ok(changed)
}

/// Deletes up to `limit` counters that nothing has happened to for a day; returns how many.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn forget(reader: &mut Reader<'_>, limit: i64) -> Result<usize> {
    let before = reader.now.minus(FORGOTTEN_AFTER);
    store::forget(reader, before, limit)
}
