//! Enrolling with a passkey as the second factor, for people without a phone or who like it better.
//!
//! Rules: as with an authenticator, nothing of it without the link: the session of stage `enrolment` carries it. May
//! call: `accounts`.

use webauthn_rs::prelude::Passkey;

use super::Purpose;
use super::ceremony::Challenge;
use super::registering::{self, Made};
use crate::accounts;
use crate::app::App;
use crate::caller::Caller;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::signin::sessions::{self, Issued, Session, Stage};
use crate::signin::{Progress, Visitor, totp, vouched};

/// Asks the device of somebody who enrols for a key.
///
/// # Errors
/// [`Error::Unauthenticated`] outside an enrolment; [`Error::Conflict`] `passkeys-unavailable`.
pub async fn begin_enrolment(app: &App, session: Session) -> Result<Challenge> {
    enrolling(&session)?;
    app.to_its_end(move |app| registering::begin(app, &session, Purpose::Enrolment)).await
}

/// Takes it as the second factor; the person is then signed in and sees the recovery codes, once.
///
/// # Errors
/// [`Error::Unauthenticated`] outside an enrolment; [`Error::Conflict`] `challenge-over` or `passkey-known`;
/// [`Error::Invalid`] for what is not as it was asked for.
pub async fn enrol(app: &App, session: Session, made: Made, visitor: Visitor) -> Result<Progress> {
    enrolling(&session)?;
    let made = made.checked()?;
    app.to_its_end(move |app| {
        let passkey = registering::judge(app, &session, Purpose::Enrolment, &made)?;
        let done = app.write_now(&Caller::nobody(), |tx| {
            complete(tx, app, &session, (&passkey, &made.name), &visitor)
        })?;
        let (issued, codes) = done.value;
        Ok(Progress { recovery_codes: Some(codes), ..Progress::signed_in(issued) })
    })
    .await
}

fn complete(
    tx: &mut Tx<'_>,
    app: &App,
    session: &Session,
    (passkey, name): (&Passkey, &str),
    visitor: &Visitor,
) -> Result<(Issued, Vec<String>)> {
    accounts::enrol(tx, &session.account)?;
    registering::add(tx, &session.account, passkey, name)?;
    // An authenticator that was begun and not confirmed is none.
    totp::remove(tx, &session.account)?;
    let codes = totp::new_recovery_codes(tx, &session.account)?;
    let first = if session.origin.is_some() { vouched::METHOD } else { "pwd" };
    let issued = sessions::raise(tx, app, session, visitor, &[first, "passkey"])?;
    Ok((issued, codes))
}

fn enrolling(session: &Session) -> Result<()> {
    if session.stage == Stage::Enrolment { Ok(()) } else { Err(Error::Unauthenticated) }
}
