//! Enrolment: a one-time link, a password, a second factor; and nothing of it without the link. The second factor of
//! this file is an authenticator; `passkeys` has the other way.
//!
//! Rules: the link is used up when the password is set, in the same transaction; from then on the session of stage
//! `enrolment` carries it to its end. A password alone never enrols a factor. May call: `accounts`, `organisation`.

use super::hasher::Secret;
use super::links::{self, Link, Purpose};
use super::lockout::{self, Counter, Kind, Outcome, Rules};
use super::sessions::{self, Issued, Opening, Session, Stage};
use super::totp::{self, Enrolment};
use super::{Progress, Visitor, choosing, factors, known_devices, passkeys, password, people, vouched};
use crate::accounts::{self, Standing};
use crate::app::App;
use crate::caller::Caller;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::ids::AccountId;
use crate::log::event::Change;
use crate::organisation;

/// Whom a link is for, and when it ends; using nothing up.
///
/// # Errors
/// [`Error::NotFound`] if the link was used, has ended or never was; [`Error::Conflict`] `not-in-use` if the account
/// does not count now.
pub fn look(reader: &mut Reader<'_>, token: &str) -> Result<(AccountId, Link)> {
    let link = links::look(reader, Purpose::Enrolment, token)?;
    let account = link.account.clone().ok_or(Error::NotFound("link"))?;
    check_standing(reader, &account)?;
    Ok((account, link))
}

/// Sets the password behind a link, which is used up by it.
///
/// # Errors
/// As [`look`]; [`Error::Invalid`] naming the first rule that is not met, and the link stays as it was.
pub async fn set_password(app: &App, token: String, new: Secret, visitor: Visitor) -> Result<Progress> {
    let known = token.clone();
    let (account, _) = app.read(move |reader| look(reader, &known)).await?;
    if new.expose().len() > password::LONGEST_BYTES {
        return Err(Error::field("password", format!("must have at most {} characters", password::LONGEST)));
    }
    let slot = app.hashers().slot().await?;
    app.to_its_end(move |app| {
        let hash = choosing::choose(app, &slot, &account, &new)?;
        drop(slot);
        let written =
            app.write_now(&Caller::nobody(), |tx| take_link(tx, app, &token, (&account, &hash), &visitor))?;
        Ok(Progress::code_needed(Some(written.value)))
    })
    .await
}

fn take_link(
    tx: &mut Tx<'_>,
    app: &App,
    token: &str,
    (account, hash): (&AccountId, &str),
    visitor: &Visitor,
) -> Result<Issued> {
    links::take(tx, Purpose::Enrolment, token)?;
    check_standing(tx, account)?;
    choosing::set_by_link(tx, account, hash)?;
    // Who is in use with a second factor goes on with it: a link renews the password and nothing else. Who was
    // invited, for the first time or again, begins anew.
    let active = people::is_active(&accounts::find(tx, account)?, tx.now);
    let stage = if active && factors::has_any(tx, account)? {
        Stage::Password
    } else {
        totp::remove(tx, account)?;
        passkeys::remove_all(tx, account)?;
        Stage::Enrolment
    };
    sessions::open(tx, app, &Opening { account, stage, visitor })
}

/// Begins the second factor, or shows again the one that waits.
///
/// # Errors
/// [`Error::Unauthenticated`] outside an enrolment; [`Error::Conflict`] `factor-enrolled` if there is one.
pub async fn begin_factor(app: &App, session: Session) -> Result<Enrolment> {
    enrolling(&session)?;
    let begun = app
        .write(&Caller::nobody(), move |tx| {
            let issuer = organisation::get(tx)?.name;
            let issuer = if issuer.is_empty() { "Bailiwick".to_owned() } else { issuer };
            let details = accounts::find_named(tx, &session.account)?.details;
            totp::begin(tx, &session.account, &issuer, &details.username)
        })
        .await?;
    Ok(begun.value)
}

/// Confirms the second factor with its first code; the person is then signed in and sees the recovery codes, once.
///
/// # Errors
/// [`Error::Unauthenticated`] outside an enrolment; [`Error::Invalid`] for a code that is wrong, or asked too often;
/// [`Error::Conflict`] `factor-missing` if none was begun.
pub async fn confirm_factor(app: &App, session: Session, code: Secret, visitor: Visitor) -> Result<Progress> {
    enrolling(&session)?;
    app.to_its_end(move |app| {
        let rules = app.read_now(|reader| Ok(Rules::of(&reader.profile())))?;
        let counter = Counter::of_account(&app.context().vault, &session.account, Kind::Code);
        if !app.database().alone(|reader| lockout::reserve(reader, &counter, rules))? {
            return Err(totp::wrong_code());
        }
        let done = app.write_now(&Caller::nobody(), |tx| complete(tx, app, &session, &code, &visitor));
        let outcome = match &done {
            Ok(_) => Outcome::Right,
            Err(Error::Invalid(_)) => Outcome::Wrong,
            Err(_) => Outcome::Unjudged,
        };
        lockout::settle(app, &counter, rules, outcome)?;
        let (issued, device, codes) = done?.value;
        Ok(Progress { recovery_codes: Some(codes), device, ..Progress::signed_in(issued) })
    })
    .await
}

fn complete(
    tx: &mut Tx<'_>,
    app: &App,
    session: &Session,
    code: &Secret,
    visitor: &Visitor,
) -> Result<(Issued, Option<Secret>, Vec<String>)> {
    let codes = totp::confirm(tx, &session.account, code)?;
    accounts::enrol(tx, &session.account)?;
    let row = accounts::set_strong_factor(tx, &session.account, true)?;
    let enrolled = Change::FactorEnrolled { account: session.account.clone(), factor: "totp".to_owned() };
    tx.record_rows(enrolled, vec![row]);
    let first = if session.origin.is_some() { vouched::METHOD } else { "pwd" };
    let issued = sessions::raise(tx, app, session, visitor, &[first, "otp"])?;
    let device = known_devices::remember(tx, &issued.session, visitor)?;
    Ok((issued, device, codes))
}

fn enrolling(session: &Session) -> Result<()> {
    if session.stage == Stage::Enrolment { Ok(()) } else { Err(Error::Unauthenticated) }
}

fn check_standing(reader: &mut Reader<'_>, account: &AccountId) -> Result<()> {
    let account = accounts::find(reader, account)?;
    match account.standing(reader.now) {
        Standing::Active => Ok(()),
        Standing::NotYet => {
            let from = account.starts_at.map(|at| at.to_string()).unwrap_or_default();
            Err(Error::conflict("not-in-use", format!("The account begins at {from}; come back then.")))
        }
        Standing::Suspended | Standing::Over => {
            Err(Error::conflict("not-in-use", "The account is not in use. Ask the service desk."))
        }
    }
}
