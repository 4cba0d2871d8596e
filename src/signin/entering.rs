//! Signing in, step by step: username and password, then a code; between them a new password if the old one has ended.
//!
//! Rules: unknown, wrong, locked, not yet enrolled and gone are one answer and cost the same; every attempt is
//! reserved before it is evaluated and settled on a thread that runs to its end whoever goes away; the code is taken
//! in the transaction that begins the session. May call: `accounts`, `access`.

use super::hasher::{Secret, Slot, Verdict};
use super::lockout::{self, Counter, Kind, Outcome, Rules};
use super::people::{self, Known};
use super::sessions::{self, Issued, Opening, Session, Stage};
use super::store::credentials as store;
use super::{Progress, State, Visitor, choosing, known_devices, password, totp, vouched};
use crate::accounts;
use crate::app::{App, Written};
use crate::caller::Caller;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::ids::{AccountId, SessionId};

/// The first step: username and password.
///
/// # Errors
/// [`Error::Unauthenticated`] for unknown, wrong and locked alike; [`Error::TooMany`] for an address that tries too
/// often; [`Error::Unavailable`] if too many sign in at once.
pub async fn sign_in(app: &App, username: String, typed: Secret, visitor: Visitor) -> Result<Progress> {
    if typed.expose().len() > password::LONGEST_BYTES {
        return Err(Error::Unauthenticated);
    }
    let slot = app.hashers().slot().await?;
    app.to_its_end(move |app| {
        let typed = password::normalised(&typed);
        let providers = &app.config().identity_providers;
        let attempt = app.read_now(|reader| people::meet(reader, providers, &username, &visitor))?;
        let reservation = attempt.admit(app)?;
        let known = &attempt.known;
        let hash = known.as_ref().and_then(|known| known.hash.as_deref());
        let verdict = slot.verify_now(&typed, hash);
        reservation.settle(app, outcome_of(&verdict))?;
        match (verdict?, known) {
            (Verdict::Match { outdated }, Some(known)) if known.may_sign_in => {
                if outdated {
                    renew_hash(app, &slot, known, &typed);
                }
                begin(app, known, &visitor)
            }
            _ => {
                attempt.failed(app);
                Err(Error::Unauthenticated)
            }
        }
    })
    .await
}

fn outcome_of(verdict: &Result<Verdict>) -> Outcome {
    match verdict {
        Ok(Verdict::Match { .. }) => Outcome::Right,
        Ok(Verdict::Mismatch) => Outcome::Wrong,
        Err(_) => Outcome::Unjudged,
    }
}

/// Hashes a right password anew at today's cost. A failure is logged: the old hash is as right as before.
fn renew_hash(app: &App, slot: &Slot, known: &Known, typed: &Secret) {
    let Some(before) = &known.hash else { return };
    let outcome = slot.hash_now(typed).and_then(|hash| {
        let mut history = known.history.clone();
        if let Some(present) = history.first_mut() {
            present.clone_from(&hash);
        }
        let history = serde_json::to_string(&history)
            .map_err(|cause| Error::internal("writing former passwords", cause))?;
        app.database().alone(|reader| store::replace_hash(reader, &known.account, before, &hash, &history))
    });
    if let Err(error) = outcome {
        tracing::warn!(%error, account = %known.account, "a password keeps its cheaper hash");
    }
}

fn begin(app: &App, known: &Known, visitor: &Visitor) -> Result<Progress> {
    let opening = Opening { account: &known.account, stage: Stage::Password, visitor };
    let issued = app.database().alone(|reader| sessions::open(reader, app, &opening))?;
    Ok(if known.ended { Progress::password_ended(issued) } else { Progress::code_needed(Some(issued)) })
}

/// The second step: a code of the authenticator, or a recovery code. A new password that waits is set here.
///
/// # Errors
/// [`Error::Unauthenticated`] outside that step and for wrong, used and locked alike; [`Error::Conflict`]
/// `password-ended` if a new password has to be chosen first.
pub async fn show_code(app: &App, session: Session, code: Secret, visitor: Visitor) -> Result<Progress> {
    if !matches!(session.stage, Stage::Password | Stage::Vouched) {
        return Err(Error::Unauthenticated);
    }
    app.to_its_end(move |app| {
        let rules = app.read_now(|reader| Ok(Rules::of(&reader.profile())))?;
        let counter = Counter::of_account(&app.context().vault, &session.account, Kind::Code);
        if !app.database().alone(|reader| lockout::reserve(reader, &counter, rules))? {
            return Err(Error::Unauthenticated);
        }
        let entered = app.write_now(&Caller::nobody(), |tx| enter(tx, app, &session, &code, &visitor));
        let outcome = match &entered {
            Ok(Written { value: Some(_), .. }) => Outcome::Right,
            Ok(Written { value: None, .. }) => Outcome::Wrong,
            Err(_) => Outcome::Unjudged,
        };
        lockout::settle(app, &counter, rules, outcome)?;
        let (issued, device) = entered?.value.ok_or(Error::Unauthenticated)?;
        Ok(Progress { device, ..Progress::signed_in(issued) })
    })
    .await
}

/// Takes the code and begins the full session; `None` if the code is not right.
fn enter(
    tx: &mut Tx<'_>,
    app: &App,
    session: &Session,
    code: &Secret,
    visitor: &Visitor,
) -> Result<Option<(Issued, Option<Secret>)>> {
    let first = check_half_way(tx, session)?;
    let Some(method) = take_any_code(tx, &session.account, code)? else { return Ok(None) };
    let issued = complete(tx, app, session, visitor, &[first, method])?;
    let device = known_devices::remember(tx, &issued.session, visitor)?;
    Ok(Some((issued, device)))
}

/// Looks whether a session after the first step may go on to the second factor, and says how that step was taken.
///
/// # Errors
/// [`Error::Unauthenticated`] if not; [`Error::Conflict`] `password-ended` if a new password has to be chosen first.
pub(super) fn check_half_way(reader: &mut Reader<'_>, session: &Session) -> Result<&'static str> {
    let account = accounts::find(reader, &session.account)?;
    if !people::is_active(&account, reader.now) {
        return Err(Error::Unauthenticated);
    }
    if session.stage == Stage::Vouched {
        return Ok(vouched::METHOD);
    }
    password_step_counts(reader, session)?;
    Ok("pwd")
}

/// Takes a code of the authenticator or a recovery code, and says which it was; `None` if it is neither.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub(super) fn take_any_code(
    tx: &mut Tx<'_>,
    account: &AccountId,
    code: &Secret,
) -> Result<Option<&'static str>> {
    // One that was begun and never confirmed is none.
    if totp::is_enrolled(tx, account)? && totp::take_code(tx, account, code)? {
        return Ok(Some("otp"));
    }
    Ok(totp::take_recovery_code(tx, account, code)?.then_some("recovery"))
}

/// Begins the full session after the second factor, and sets the new password that waits.
///
/// # Errors
/// [`Error::Unauthenticated`] if the session has ended meanwhile.
pub(super) fn complete(
    tx: &mut Tx<'_>,
    app: &App,
    session: &Session,
    visitor: &Visitor,
    methods: &[&str],
) -> Result<Issued> {
    if let Some(hash) = &session.next_password {
        choosing::set(tx, &session.account, hash, session)?;
    }
    sessions::raise(tx, app, session, visitor, methods)
}

/// Whether the step before the code still counts: a password that was set since makes it worthless.
fn password_step_counts(reader: &mut Reader<'_>, session: &Session) -> Result<()> {
    let age = people::password_age(reader, &session.account)?.ok_or(Error::Unauthenticated)?;
    if age.set_at > session.created_at {
        return Err(Error::Unauthenticated);
    }
    if age.ended && session.next_password.is_none() {
        return Err(Error::conflict("password-ended", "Choose a new password first."));
    }
    Ok(())
}

/// What comes next in a session.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn next_state(reader: &mut Reader<'_>, session: &Session) -> Result<State> {
    Ok(match session.stage {
        Stage::Full => State::SignedIn,
        Stage::Enrolment | Stage::Vouched => State::TotpRequired,
        Stage::Password => {
            let ended = people::password_age(reader, &session.account)?.is_some_and(|age| age.ended);
            if ended && session.next_password.is_none() {
                State::PasswordExpired
            } else {
                State::TotpRequired
            }
        }
    })
}

/// Ends the session that asks, whatever its stage.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub async fn sign_out(app: &App, session: Session) -> Result<()> {
    let caller = session.caller();
    app.write(&caller, move |tx| sessions::end_own(tx, &session, "signed_out")).await.map(drop)
}

/// Ends the session that asks on a shared workstation, so that the next person can sign in.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub async fn make_room(app: &App, session: Session) -> Result<()> {
    let caller = session.caller();
    app.write(&caller, move |tx| sessions::end_own(tx, &session, "next_person")).await.map(drop)
}

/// Ends one of one's own sessions.
///
/// # Errors
/// [`Error::NotFound`] if one has no such session.
pub async fn end_session(app: &App, caller: &Caller, id: SessionId) -> Result<Written<()>> {
    let account = caller.account().cloned().ok_or(Error::Unauthenticated)?;
    app.write(caller, move |tx| sessions::end(tx, &account, &id, "ended_by_owner")).await
}
