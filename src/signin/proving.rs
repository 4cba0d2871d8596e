//! Showing again who one is, for what wants a fresh proof: a passkey, or the password and a code; or at an identity
//! provider, which `sso` judges.
//!
//! Rules: the whole proof is asked for, never a part; what is wrong counts as it does at the sign-in; a proof that is
//! right exchanges the session for a new one, so that a token that was copied before is worth nothing for what it
//! opens. How old a proof may be says `caller`. May call: `accounts`.

use super::hasher::Secret;
use super::lockout::{self, Counter, Kind, Rules};
use super::passkeys::{self, Bound, Challenge, Purpose, Shown, Whom};
use super::sessions::{self, Issued, Session, Stage};
use super::{Progress, Visitor, choosing, entering, password, people, vouched};
use crate::accounts;
use crate::app::App;
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::{Error, Result};

/// Proves with the password and a code of the authenticator, or a recovery code.
///
/// # Errors
/// [`Error::Unauthenticated`] for wrong, used and locked alike; [`Error::Unavailable`] if too many sign in at once.
pub async fn prove(
    app: &App,
    session: Session,
    typed: Secret,
    code: Secret,
    visitor: Visitor,
) -> Result<Progress> {
    signed_in(&session)?;
    if typed.expose().len() > password::LONGEST_BYTES {
        return Err(Error::Unauthenticated);
    }
    let slot = app.hashers().slot().await?;
    app.to_its_end(move |app| {
        choosing::prove(app, &slot, &session.account, &typed).map_err(alike)?;
        drop(slot);
        let rules = app.read_now(|reader| Ok(Rules::of(&reader.profile())))?;
        let counter = Counter::of_account(&app.context().vault, &session.account, Kind::Code);
        let proved = lockout::judged(app, &counter, rules, || {
            let done = app.write_now(&session.caller(), |tx| {
                match entering::take_any_code(tx, &session.account, &code)? {
                    Some(method) => renew(tx, app, &session, &visitor, &["pwd", method]).map(Some),
                    None => Ok(None),
                }
            });
            done.map(|done| done.value)
        })?;
        proved.map(Progress::signed_in).ok_or(Error::Unauthenticated)
    })
    .await
}

/// A wrong password is refused as a wrong code is: which of them it was is not said.
fn alike(error: Error) -> Error {
    match error {
        Error::Invalid(_) => Error::Unauthenticated,
        other => other,
    }
}

/// Asks for one of one's passkeys.
///
/// # Errors
/// [`Error::Conflict`] `passkey-missing` or `passkeys-unavailable`.
pub async fn begin_passkey(app: &App, session: Session) -> Result<Challenge> {
    signed_in(&session)?;
    app.to_its_end(move |app| {
        let bound = Bound::Session(&session.id);
        passkeys::begin_showing(app, Purpose::Proof, &bound, Whom::of(&session))
    })
    .await
}

/// Proves with a passkey.
///
/// # Errors
/// [`Error::Unauthenticated`] for a key that does not count.
pub async fn prove_by_passkey(
    app: &App,
    session: Session,
    shown: Shown,
    visitor: Visitor,
) -> Result<Progress> {
    signed_in(&session)?;
    let shown = shown.checked()?;
    app.to_its_end(move |app| {
        let bound = Bound::Session(&session.id);
        let of = (&bound, Some(&session.account));
        let judged = passkeys::judge(app, Purpose::Proof, of, &shown)?.ok_or(Error::Unauthenticated)?;
        let proved = app.write_now(&session.caller(), |tx| {
            if !passkeys::use_up(tx, &judged)? {
                return Ok(None);
            }
            renew(tx, app, &session, &visitor, &["passkey"]).map(Some)
        })?;
        proved.value.map(Progress::signed_in).ok_or(Error::Unauthenticated)
    })
    .await
}

/// Exchanges the session of somebody for whom an identity provider vouches anew; whether it does is judged above, in
/// `sso`. From now on the session goes back to that sign-in there.
///
/// # Errors
/// [`Error::Unauthenticated`] if the session or its owner is not in use any more.
pub fn renew_by_provider(
    tx: &mut Tx<'_>,
    app: &App,
    session: &Session,
    (origin, shown_at): (&str, Timestamp),
    visitor: &Visitor,
) -> Result<Progress> {
    let mut issued = renew(tx, app, session, visitor, &[vouched::METHOD, "mfa"])?;
    sessions::go_back_to(tx, &mut issued, (origin, shown_at))?;
    Ok(Progress::signed_in(issued))
}

fn renew(
    tx: &mut Tx<'_>,
    app: &App,
    session: &Session,
    visitor: &Visitor,
    methods: &[&str],
) -> Result<Issued> {
    if !people::is_active(&accounts::find(tx, &session.account)?, tx.now) {
        return Err(Error::Unauthenticated);
    }
    sessions::renew(tx, app, session, visitor, methods)
}

fn signed_in(session: &Session) -> Result<()> {
    if session.stage == Stage::Full { Ok(()) } else { Err(Error::Unauthenticated) }
}
