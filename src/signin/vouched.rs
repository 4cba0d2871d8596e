//! The way in of somebody for whom an identity provider vouches.
//!
//! Rules: only an account that is active now gets in; what the provider does not vouch for, a second factor, is shown
//! here; who has none here and none there does not get in. No lock of this house's password stands in the way. Whom the
//! provider means is judged above, in `sso`. May call: `accounts`.

use super::sessions::{self, Opening, Stage};
use super::{Progress, Visitor, factors, passkeys, people, totp};
use crate::accounts::{self, Standing, State};
use crate::app::App;
use crate::clock::Timestamp;
use crate::config;
use crate::db::{Reader, Tx};
use crate::error::Result;
use crate::ids::AccountId;
use crate::log::event::Change;

/// Older than every proof that counts as fresh.
const STALE: chrono::Duration = chrono::Duration::days(1);

/// How a session says that an identity provider vouched.
pub(super) const METHOD: &str = "sso";

/// What an identity provider said.
pub struct Vouched<'a> {
    /// Whom it means.
    pub account: &'a AccountId,
    /// The sign-in there, for the sessions that go back to it.
    pub origin: &'a str,
    /// Who came back.
    pub visitor: &'a Visitor,
    /// Whether it vouches for a second factor.
    pub second_factor: bool,
    /// Whether a factor that is enrolled here is asked for all the same.
    pub shows_own_factor: bool,
    /// When that was shown there, if it says so. A session there may be old: without a word of when, what is shown
    /// there is no fresh proof of anything.
    pub shown_at: Option<Timestamp>,
}

/// Who can come in, and what is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Active, with a second factor here.
    WithFactor,
    /// Active, without a second factor here.
    WithoutFactor,
    /// Invited, and has begun: becomes active with the first sign-in.
    Invited,
    /// Nobody who may come in.
    Refused,
}

/// What an account needs to come in.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn admission(reader: &mut Reader<'_>, account: &AccountId) -> Result<Admission> {
    let found = accounts::find(reader, account)?;
    if found.kind != accounts::Kind::Person {
        return Ok(Admission::Refused);
    }
    if people::is_active(&found, reader.now) {
        let factor = factors::has_any(reader, account)?;
        return Ok(if factor { Admission::WithFactor } else { Admission::WithoutFactor });
    }
    let invited = found.status_at(reader.now).state == State::Invited;
    let begun = found.standing(reader.now) == Standing::Active;
    Ok(if invited && begun { Admission::Invited } else { Admission::Refused })
}

/// Makes an invited person active: their provider is their credential.
///
/// # Errors
/// [`crate::error::Error::Conflict`] for whoever is not invited.
pub fn activate(tx: &mut Tx<'_>, account: &AccountId) -> Result<()> {
    accounts::enrol(tx, account).map(drop)
}

/// Notes that the provider vouches for a second factor, for whoever has none noted yet.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn note_factor(tx: &mut Tx<'_>, account: &AccountId) -> Result<()> {
    if accounts::find(tx, account)?.strong_factor {
        return Ok(());
    }
    let row = accounts::set_strong_factor(tx, account, true)?;
    let enrolled =
        Change::FactorEnrolled { account: account.clone(), factor: "identity-provider".to_owned() };
    tx.record_rows(enrolled, vec![row]);
    Ok(())
}

/// Forgets that a provider vouched for a second factor, for whoever has none here: until one is shown anew, there or
/// here, what asks for a strong factor stays shut.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn forget_factor(tx: &mut Tx<'_>, account: &AccountId) -> Result<()> {
    if factors::has_any(tx, account)? || !accounts::find(tx, account)?.strong_factor {
        return Ok(());
    }
    let row = accounts::set_strong_factor(tx, account, false)?;
    let removed = Change::FactorRemoved { account: account.clone(), factor: "identity-provider".to_owned() };
    tx.record_rows(removed, vec![row]);
    Ok(())
}

/// Whether somebody comes in by strong means of their own, without any provider: a passkey, or a password and an
/// authenticator.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn enters_without(
    reader: &mut Reader<'_>,
    providers: &[config::IdentityProvider],
    account: &AccountId,
) -> Result<bool> {
    let by_passkey = passkeys::count(reader, account)? > 0;
    let by_code = totp::is_enrolled(reader, account)? && people::password_age(reader, account)?.is_some();
    Ok((by_passkey || by_code) && !elsewhere(reader, providers, account)?)
}

/// Begins the session: a full one if the provider vouches for a second factor, else one in which it is shown, or with
/// an invitation enrolled.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn enter(tx: &mut Tx<'_>, app: &App, vouched: &Vouched<'_>) -> Result<Progress> {
    let enrolled = factors::has_any(tx, vouched.account)?;
    let stage = if vouched.second_factor && !(vouched.shows_own_factor && enrolled) {
        Stage::Full
    } else if enrolled {
        Stage::Vouched
    } else {
        Stage::Enrolment
    };
    let opening = Opening { account: vouched.account, stage, visitor: vouched.visitor };
    let mut issued = sessions::open(tx, app, &opening)?;
    let shown_at = vouched.shown_at.unwrap_or_else(|| tx.now.minus(STALE)).min(tx.now);
    sessions::go_back_to(tx, &mut issued, (vouched.origin, shown_at))?;
    if stage != Stage::Full {
        return Ok(Progress::code_needed(Some(issued)));
    }
    tx.record(Change::SessionStarted {
        account: vouched.account.clone(),
        session: issued.session.id.clone(),
        methods: vec![METHOD.to_owned(), "mfa".to_owned()],
    });
    Ok(Progress::signed_in(issued))
}

/// Whether this person signs in at an identity provider and not with a password here. Who administers can always sign
/// in here: the house must be mendable when the provider is down.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub(super) fn elsewhere(
    reader: &mut Reader<'_>,
    providers: &[config::IdentityProvider],
    account: &AccountId,
) -> Result<bool> {
    if providers.iter().all(|provider| provider.required_for.is_empty()) {
        return Ok(false);
    }
    let address = accounts::find_named(reader, account)?.details.email.unwrap_or_default();
    Ok(config::required(providers, &address).is_some()
        && !crate::access::floor::administrators(reader)?.contains(account))
}
