//! Showing at a provider once more who one is, for what wants a fresh proof.
//!
//! Rules: whoever is signed in goes there and has to sign in anew (`prompt=login`, `max_age=0`); it counts for the session
//! that asked, in the browser that asked, for the subject that is linked to its owner, if the provider says that more than
//! one factor was shown, and when: not before it was asked for. A right proof exchanges the session, as every other does.
//! May call: `signin`.

use serde::{Deserialize, Serialize};

use super::linking;
use super::providers::Provider;
use super::refusal::Refusal;
use super::tokens::{Identity, SKEW};
use super::{sessions, store};
use crate::app::App;
use crate::caller::PROOF;
use crate::clock::Timestamp;
use crate::config::IdentityProvider;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::ids::{AccountId, SessionId};
use crate::signin::sessions::{Session, Stage};
use crate::signin::{Progress, Visitor, proving};

/// What a proof was asked for.
#[derive(Serialize, Deserialize)]
pub(super) struct Asked {
    session: SessionId,
    at: Timestamp,
}

/// Lets somebody who is signed in prove at a provider who they are.
///
/// # Errors
/// [`Error::Unauthenticated`] for whoever is not; [`Error::NotFound`] if they have no subject there, or the provider never
/// says that more than one factor was shown.
pub(super) fn ask(reader: &mut Reader<'_>, settings: &IdentityProvider, session: &Session) -> Result<Asked> {
    if session.stage != Stage::Full {
        return Err(Error::Unauthenticated);
    }
    if !attests(settings) || !store::has_link(reader, &session.account, &settings.key)? {
        return Err(Error::NotFound("identity"));
    }
    Ok(Asked { session: session.id.clone(), at: reader.now })
}

/// The providers at which an account can prove who it is.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn offered(
    reader: &mut Reader<'_>,
    providers: &[IdentityProvider],
    account: &AccountId,
) -> Result<Vec<IdentityProvider>> {
    let mut offered = Vec::new();
    for settings in providers.iter().filter(|settings| attests(settings)) {
        if store::has_link(reader, account, &settings.key)? {
            offered.push(settings.clone());
        }
    }
    Ok(offered)
}

/// Whether a provider can say that more than one factor was shown.
fn attests(settings: &IdentityProvider) -> bool {
    !settings.mfa_acr.is_empty() || !settings.mfa_amr.is_empty()
}

/// Exchanges the session that asked for one with a fresh proof.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub(super) fn prove(
    app: &App,
    provider: &Provider,
    identity: &Identity,
    (asked, session): (&Asked, Option<&Session>),
    visitor: &Visitor,
) -> Result<std::result::Result<Progress, Refusal>> {
    let own = session.filter(|session| session.id == asked.session && session.stage == Stage::Full);
    let Some(session) = own else { return Ok(Err(Refusal::SessionOver)) };
    let proved = app.write_now(&session.caller(), |tx| {
        let shown_at = match counts(tx, &provider.settings, identity, (asked, &session.account))? {
            Ok(shown_at) => shown_at,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let origin = sessions::begin(tx, &provider.settings, identity, &session.account)?;
        proving::renew_by_provider(tx, app, session, (&origin, shown_at), visitor).map(Ok)
    });
    match proved {
        Ok(proved) => Ok(proved.value),
        Err(Error::Unauthenticated) => Ok(Err(Refusal::SessionOver)),
        Err(other) => Err(other),
    }
}

/// When a factor was shown, if what the provider says is a proof.
fn counts(
    tx: &mut Tx<'_>,
    settings: &IdentityProvider,
    identity: &Identity,
    (asked, account): (&Asked, &AccountId),
) -> Result<std::result::Result<Timestamp, Refusal>> {
    let digests = linking::digests(tx.vault(), &settings.issuer, &identity.subject);
    if store::link(tx, &digests)?.is_none_or(|(_, linked)| linked != *account) {
        return Ok(Err(Refusal::OtherSubject));
    }
    if !identity.second_factor {
        return Ok(Err(Refusal::FactorMissing));
    }
    // Two clocks may be a minute apart, and no more: a provider that showed nothing anew says a time of before.
    let fits =
        |at: &Timestamp| *at >= asked.at.minus(SKEW) && *at <= tx.now.plus(SKEW) && tx.now.since(*at) < PROOF;
    Ok(identity.shown_at.filter(fits).map(|at| at.min(tx.now)).ok_or(Refusal::ProofOld))
}
