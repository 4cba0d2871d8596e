//! Sign-ins that were begun here and have not come back yet.
//!
//! Rules: a state is 256 random bits, kept as its digest, and works once, for ten minutes, in the browser that began it:
//! that browser's cookie is the same for all its attempts, so that two tabs do not take each other's. May call: `store`.

use aws_lc_rs::digest::{SHA256, digest};
use chrono::Duration;
use serde::{Deserialize, Serialize};

use super::providers::Provider;
use super::proving::Asked;
use super::{Beginning, store};
use crate::clock::Timestamp;
use crate::db::Reader;
use crate::entropy;
use crate::error::{Error, Result};
use crate::vault::Place;

/// For so long somebody may be away at the provider.
pub(super) const LASTS: Duration = Duration::minutes(10);

/// What the house alone knows of an attempt.
#[derive(Serialize, Deserialize)]
pub(super) struct Secrets {
    pub nonce: String,
    pub verifier: String,
    pub next: Option<String>,
    pub invitation: Option<String>,
    /// The session that a fresh proof is for; else it is a sign-in.
    pub proof: Option<Asked>,
    /// At a shared workstation: when it began, before which nobody's showing who they are counts.
    pub anew_since: Option<Timestamp>,
}

/// An attempt that was just begun.
pub(super) struct Begun {
    pub state: String,
    pub secrets: Secrets,
}

/// What came of an attempt that is said to have come back.
pub(super) enum Taken {
    /// It is this browser's, and it is used up now.
    Good(Secrets),
    /// It is this browser's, but was begun with another provider. It is used up now.
    MixedUp,
    /// It was used before; whether this is the first time that it came again.
    Again(bool),
    /// It is none of this browser's, or its time is over.
    Unknown,
}

/// Begins an attempt.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub(super) fn begin(
    reader: &mut Reader<'_>,
    provider: &Provider,
    beginning: &Beginning,
    proof: Option<Asked>,
) -> Result<Begun> {
    let state = entropy::token(reader.entropy());
    let secrets = Secrets {
        nonce: entropy::token(reader.entropy()),
        verifier: entropy::token(reader.entropy()),
        next: beginning.next.clone(),
        invitation: beginning.invitation.clone(),
        proof,
        anew_since: beginning.shared.then_some(reader.now),
    };
    let plain = serde_json::to_vec(&secrets).map_err(|cause| Error::internal("writing an attempt", cause))?;
    let key = fingerprint(&state);
    let sealed = reader.vault().seal(reader.entropy(), place(&key), &plain)?;
    let expires_at = reader.now.plus(LASTS);
    let row = store::NewAttempt {
        digest: &key,
        provider: &provider.settings.key,
        browser: &fingerprint(&beginning.browser),
        secrets: &sealed,
        expires_at,
    };
    store::insert_attempt(reader, &row)?;
    Ok(Begun { state, secrets })
}

/// Takes an attempt that is said to have come back: of any number who try, one gets it.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database or secrets that do not open.
pub(super) fn take(
    reader: &mut Reader<'_>,
    provider: &str,
    state: &str,
    browser: Option<&str>,
) -> Result<Taken> {
    let Some(browser) = browser else { return Ok(Taken::Unknown) };
    let (key, browser) = (fingerprint(state), fingerprint(browser));
    let Some((begun_with, sealed)) = store::take_attempt(reader, &key, &browser)? else {
        return Ok(match store::was_used(reader, &key, &browser)? {
            true => Taken::Again(store::mark_replayed(reader, &key)?),
            false => Taken::Unknown,
        });
    };
    if begun_with != provider {
        return Ok(Taken::MixedUp);
    }
    let plain = reader.vault().open(place(&key), &sealed)?;
    serde_json::from_slice(&plain)
        .map(Taken::Good)
        .map_err(|cause| Error::internal("reading an attempt", cause))
}

fn fingerprint(token: &str) -> String {
    hex::encode(digest(&SHA256, token.as_bytes()))
}

fn place(key: &str) -> Place<'_> {
    Place { table: "sso_attempts", column: "secrets", row: key }
}
