//! Changing how one signs in: an authenticator added, replaced or removed, new recovery codes, sessions ended.
//!
//! Rules: factors change with a fresh proof only, never by a password alone; a wrong code counts as it does at the
//! sign-in; the change is an event and ends nothing by itself. May call: `accounts`, `organisation`.

use super::factors;
use super::hasher::Secret;
use super::lockout::{self, Counter, Kind, Rules};
use super::sessions::{self, Session};
use super::totp::{self, Enrolment};
use crate::accounts;
use crate::app::{App, Written};
use crate::db::Tx;
use crate::error::Result;
use crate::ids::AccountId;
use crate::log::event::Change;
use crate::organisation;

/// Begins an authenticator, beside passkeys or in the place of the present one, which counts until the new one is
/// confirmed.
///
/// # Errors
/// [`crate::error::Error::Forbidden`] `proof-required`.
pub async fn begin_authenticator(app: &App, session: Session) -> Result<Enrolment> {
    let begun = app
        .write(&session.caller(), move |tx| {
            tx.caller.check_proof(tx.now)?;
            let issuer = organisation::get(tx)?.name;
            let issuer = if issuer.is_empty() { "Bailiwick".to_owned() } else { issuer };
            let details = accounts::find_named(tx, &session.account)?.details;
            totp::begin_next(tx, &session.account, &issuer, &details.username)
        })
        .await?;
    Ok(begun.value)
}

/// Confirms it with its first code. Who has no recovery codes gets some, this once.
///
/// # Errors
/// [`crate::error::Error::Forbidden`] `proof-required`; [`crate::error::Error::Invalid`] for a code that is wrong, or
/// asked too often; [`crate::error::Error::Conflict`] `factor-missing` if nothing was begun.
pub async fn confirm_authenticator(
    app: &App,
    session: Session,
    code: Secret,
) -> Result<Written<Option<Vec<String>>>> {
    app.to_its_end(move |app| {
        session.caller().check_proof(app.context().clock.now())?;
        let rules = app.read_now(|reader| Ok(Rules::of(&reader.profile())))?;
        let counter = Counter::of_account(&app.context().vault, &session.account, Kind::Code);
        let done = lockout::judged(app, &counter, rules, || {
            let done = app.write_now(&session.caller(), |tx| confirm(tx, &session.account, &code))?;
            Ok(done.value.map(|codes| Written { value: codes, revision: done.revision }))
        })?;
        done.ok_or_else(totp::wrong_code)
    })
    .await
}

fn confirm(tx: &mut Tx<'_>, account: &AccountId, code: &Secret) -> Result<Option<Option<Vec<String>>>> {
    if !totp::confirm_next(tx, account, code)? {
        return Ok(None);
    }
    let change = Change::FactorEnrolled { account: account.clone(), factor: "totp".to_owned() };
    factors::record_new(tx, account, change)?;
    if totp::recovery_codes_left(tx, account)? > 0 {
        return Ok(Some(None));
    }
    totp::new_recovery_codes(tx, account).map(|codes| Some(Some(codes)))
}

/// Removes the authenticator, where a passkey stays.
///
/// # Errors
/// [`crate::error::Error::Forbidden`] `proof-required`; [`crate::error::Error::NotFound`] if there is none;
/// [`crate::error::Error::Conflict`] `last-factor`.
pub async fn remove_authenticator(app: &App, session: Session) -> Result<Written<()>> {
    app.write(&session.caller(), move |tx| {
        tx.caller.check_proof(tx.now)?;
        if totp::is_enrolled(tx, &session.account)? {
            factors::check_another_stays(tx, &session.account)?;
        }
        totp::remove_authenticator(tx, &session.account)
    })
    .await
}

/// Makes new recovery codes; those before them are worth nothing any more.
///
/// # Errors
/// [`crate::error::Error::Forbidden`] `proof-required`.
pub async fn renew_recovery_codes(app: &App, session: Session) -> Result<Written<Vec<String>>> {
    app.write(&session.caller(), move |tx| {
        tx.caller.check_proof(tx.now)?;
        let codes = totp::new_recovery_codes(tx, &session.account)?;
        let account = session.account.clone();
        tx.record(Change::FactorEnrolled { account, factor: "recovery_codes".to_owned() });
        Ok(codes)
    })
    .await
}

/// Ends every session of one's own but the one that asks; returns how many were full.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub async fn end_other_sessions(app: &App, session: Session) -> Result<Written<usize>> {
    app.write(&session.caller(), move |tx| {
        sessions::end_all(tx, &session.account, Some(&session.id), "ended_by_owner")
    })
    .await
}

/// Ends every session of an account: for an administrator, the security officer, or whoever may suspend.
///
/// # Errors
/// [`crate::error::Error::NotFound`] if there is no such account.
pub fn end_sessions_of(tx: &mut Tx<'_>, account: &AccountId) -> Result<usize> {
    accounts::find(tx, account)?;
    sessions::end_all(tx, account, None, "ended_by_administrator")
}
