//! Signing in with a passkey: alone, or in place of a code after the password.
//!
//! Rules: unknown, wrong, replayed and not in use are one refusal; no counter of wrong passwords or codes is asked or
//! changed; who has to sign in at an identity provider is refused, as with a password. May call: `accounts`.

use super::Purpose;
use super::ceremony::{Bound, Challenge};
use super::showing::{self, Judged, Shown, Whom};
use crate::accounts;
use crate::app::App;
use crate::caller::Caller;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::signin::sessions::{self, Issued, Session, Stage};
use crate::signin::{Progress, Visitor, entering, people, vouched};

/// Asks the browser for whichever key it has for this house.
///
/// # Errors
/// [`Error::Conflict`] `passkeys-unavailable`; [`Error::TooMany`] for an address that asks too often.
pub async fn begin_sign_in(app: &App, browser: String, visitor: Visitor) -> Result<Challenge> {
    app.to_its_end(move |app| {
        let source = app.read_now(|reader| people::source(reader, &visitor))?;
        app.throttle().admit_challenge(&source).map_err(Error::TooMany)?;
        let shared = app.workstations().shown(&app.context().vault, &visitor).is_some();
        showing::begin(app, Purpose::SignIn, &Bound::Browser(&browser), Whom { account: None, shared })
    })
    .await
}

/// Signs in whose key was shown.
///
/// # Errors
/// [`Error::Unauthenticated`] for everything but a key of somebody in use, shown rightly to this browser's challenge.
pub async fn sign_in(app: &App, browser: Option<String>, shown: Shown, visitor: Visitor) -> Result<Progress> {
    let shown = shown.checked()?;
    let browser = browser.ok_or(Error::Unauthenticated)?;
    app.to_its_end(move |app| {
        let bound = Bound::Browser(&browser);
        let judged = showing::judge(app, Purpose::SignIn, (&bound, None), &shown)?;
        let judged = judged.ok_or(Error::Unauthenticated)?;
        let entered = app.write_now(&Caller::nobody(), |tx| enter(tx, app, &judged, &visitor))?;
        entered.value.map(Progress::signed_in).ok_or(Error::Unauthenticated)
    })
    .await
}

fn enter(tx: &mut Tx<'_>, app: &App, judged: &Judged, visitor: &Visitor) -> Result<Option<Issued>> {
    let account = accounts::find(tx, &judged.account)?;
    let elsewhere = vouched::elsewhere(tx, &app.config().identity_providers, &account.id)?;
    if elsewhere || !people::is_active(&account, tx.now) || !showing::use_up(tx, judged)? {
        return Ok(None);
    }
    sessions::begin(tx, app, &account.id, visitor, &["passkey"]).map(Some)
}

/// Asks for a key of whoever has given the right password, or for whom an identity provider vouches.
///
/// # Errors
/// [`Error::Unauthenticated`] outside that step; [`Error::Conflict`] `passkey-missing` or `passkeys-unavailable`.
pub async fn begin_second_factor(app: &App, session: Session) -> Result<Challenge> {
    half_way(&session)?;
    app.to_its_end(move |app| {
        let bound = Bound::Session(&session.id);
        showing::begin(app, Purpose::SecondFactor, &bound, Whom::of(&session))
    })
    .await
}

/// Takes it in place of a code. A new password that waits is set here, as with a code.
///
/// # Errors
/// [`Error::Unauthenticated`] outside that step and for a key that does not count; [`Error::Conflict`]
/// `password-ended` if a new password has to be chosen first.
pub async fn take_second_factor(
    app: &App,
    session: Session,
    shown: Shown,
    visitor: Visitor,
) -> Result<Progress> {
    half_way(&session)?;
    let shown = shown.checked()?;
    app.to_its_end(move |app| {
        let bound = Bound::Session(&session.id);
        let of = (&bound, Some(&session.account));
        let judged = showing::judge(app, Purpose::SecondFactor, of, &shown)?.ok_or(Error::Unauthenticated)?;
        let entered = app.write_now(&Caller::nobody(), |tx| {
            let first = entering::check_half_way(tx, &session)?;
            if !showing::use_up(tx, &judged)? {
                return Ok(None);
            }
            entering::complete(tx, app, &session, &visitor, &[first, "passkey"]).map(Some)
        })?;
        entered.value.map(Progress::signed_in).ok_or(Error::Unauthenticated)
    })
    .await
}

fn half_way(session: &Session) -> Result<()> {
    match session.stage {
        Stage::Password | Stage::Vouched => Ok(()),
        Stage::Enrolment | Stage::Full => Err(Error::Unauthenticated),
    }
}
