//! Choosing a password: every rule looked at, the former ones compared, hashed before the transaction that sets it.
//!
//! Rules: a new password ends every other session of its owner, whatever lock there was, and every known device. May call: `accounts`.

use super::hasher::{Secret, Slot};
use super::links::{self, Purpose};
use super::lockout::{self, Counter, Kind, Outcome, Rules};
use super::people::{self, person};
use super::sessions::{self, Session, Stage};
use super::store::{credentials as store, sessions as session_store};
use super::{Progress, breached, known_devices, password};
use crate::accounts;
use crate::app::{App, Written};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::ids::AccountId;
use crate::log::event::Change;

/// Judges a new password and hashes it, on a blocking thread and in one's turn.
///
/// # Errors
/// [`Error::Invalid`] naming the first rule that is not met.
pub(super) fn choose(app: &App, slot: &Slot, account: &AccountId, new: &Secret) -> Result<String> {
    let (profile, details, former) = app.read_now(|reader| {
        let former = match store::password(reader, account)? {
            Some(row) => people::history(&row.history)?,
            None => Vec::new(),
        };
        Ok((reader.profile(), accounts::find_named(reader, account)?.details, former))
    })?;
    password::check(&profile, &person(&details), new)?;
    breached::check(app.config().breached_passwords.as_deref(), &person(&details), new)?;
    let new = password::normalised(new);
    for hash in former.iter().take(password::compared_with(&profile)) {
        if slot.verify_now(&new, Some(hash))?.is_match() {
            return Err(password::used_before(&profile));
        }
    }
    slot.hash_now(&new)
}

/// Sets a chosen password: it joins the history, opens what was locked and ends every session but `except`.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub(super) fn set(tx: &mut Tx<'_>, account: &AccountId, hash: &str, except: &Session) -> Result<()> {
    set_only(tx, account, hash)?;
    sessions::end_all(tx, account, Some(&except.id), "password_changed").map(drop)
}

/// As [`set`], but ends every session: for a password that comes by a link.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub(super) fn set_by_link(tx: &mut Tx<'_>, account: &AccountId, hash: &str) -> Result<()> {
    set_only(tx, account, hash)?;
    sessions::end_all(tx, account, None, "password_changed").map(drop)
}

fn set_only(tx: &mut Tx<'_>, account: &AccountId, hash: &str) -> Result<()> {
    let mut history = match store::password(tx, account)? {
        Some(row) => people::history(&row.history)?,
        None => Vec::new(),
    };
    history.insert(0, hash.to_owned());
    history.truncate(password::compared_with(&tx.profile()));
    let history = serde_json::to_string(&history)
        .map_err(|cause| Error::internal("writing former passwords", cause))?;
    store::set_password(tx, account, hash, &history)?;
    tx.record(Change::PasswordSet { account: account.clone() });
    // Whoever asked for a link before this cannot undo it with that link.
    for purpose in [Purpose::Recovery, Purpose::Reset] {
        links::void(tx, purpose, Some(account))?;
    }
    lockout::begin_anew(tx, account, &[Kind::Password])?;
    known_devices::void(tx, account)
}

/// The step of who signs in with a password that has ended: the new one waits in the session until the code is right.
///
/// # Errors
/// [`Error::Unauthenticated`] outside that step; [`Error::Conflict`] `password-in-force` if nothing has to be chosen;
/// [`Error::Invalid`] naming the first rule that is not met.
pub async fn choose_at_sign_in(app: &App, session: Session, new: Secret) -> Result<Progress> {
    if session.stage != Stage::Password {
        return Err(Error::Unauthenticated);
    }
    let slot = app.hashers().slot().await?;
    app.to_its_end(move |app| {
        let age = app.read_now(|reader| people::password_age(reader, &session.account))?;
        if !age.is_some_and(|age| age.ended) {
            let help = "Your password has not ended. Go on with your code.";
            return Err(Error::conflict("password-in-force", help));
        }
        let hash = choose(app, &slot, &session.account, &new)?;
        if !app.database().alone(|reader| session_store::keep_next_password(reader, &session.id, &hash))? {
            return Err(Error::Unauthenticated);
        }
        Ok(Progress::code_needed(None))
    })
    .await
}

/// Changes one's own password. Needs the present one, or a second factor shown in the last 15 minutes.
///
/// # Errors
/// [`Error::Forbidden`] `proof-required` without either; [`Error::Invalid`] for a wrong present password, a rule that is
/// not met or a change that comes too soon.
pub async fn change(
    app: &App,
    session: Session,
    present: Option<Secret>,
    new: Secret,
) -> Result<Written<()>> {
    let slot = app.hashers().slot().await?;
    app.to_its_end(move |app| {
        match &present {
            Some(present) => prove(app, &slot, &session.account, present)?,
            None => session.caller().check_proof(app.context().clock.now())?,
        }
        app.read_now(|reader| {
            let age = people::password_age(reader, &session.account)?;
            match age.filter(|age| !age.ended) {
                Some(age) => password::check_age(&reader.profile(), age.set_at, reader.now),
                None => Ok(()),
            }
        })?;
        let hash = choose(app, &slot, &session.account, &new)?;
        app.write_now(&session.caller(), |tx| set(tx, &session.account, &hash, &session))
    })
    .await
}

/// Shows the present password once more; a wrong one counts as it does at the sign-in.
pub(super) fn prove(app: &App, slot: &Slot, account: &AccountId, present: &Secret) -> Result<()> {
    let wrong = || Error::field("current_password", "is not right, or is locked for the moment");
    let (rules, hash) = app.read_now(|reader| {
        let hash = store::password(reader, account)?.map(|row| row.hash);
        Ok((Rules::of(&reader.profile()), hash))
    })?;
    let counter = Counter::of_account(&app.context().vault, account, Kind::Password);
    if !app.database().alone(|reader| lockout::reserve(reader, &counter, rules))? {
        return Err(wrong());
    }
    let verdict = slot.verify_now(&password::normalised(present), hash.as_deref());
    let outcome = match &verdict {
        Ok(verdict) if verdict.is_match() => Outcome::Right,
        Ok(_) => Outcome::Wrong,
        Err(_) => Outcome::Unjudged,
    };
    lockout::settle(app, &counter, rules, outcome)?;
    if verdict?.is_match() { Ok(()) } else { Err(wrong()) }
}

/// Opens what is locked for whoever has the link that was mailed to them.
///
/// # Errors
/// [`Error::NotFound`] if the link was used, has ended or never was.
pub fn unlock_by_link(tx: &mut Tx<'_>, token: &str) -> Result<()> {
    let link = links::take(tx, Purpose::Unlock, token)?;
    let account = link.account.ok_or(Error::NotFound("link"))?;
    lockout::unlock(tx, &account, &[Kind::Password]).map(drop)
}

/// Opens what is locked for an account: for the service desk.
///
/// # Errors
/// [`Error::NotFound`] if there is no such account.
pub fn unlock(tx: &mut Tx<'_>, account: &AccountId) -> Result<()> {
    accounts::find(tx, account)?;
    lockout::unlock(tx, account, &lockout::EVERYTHING).map(drop)
}
