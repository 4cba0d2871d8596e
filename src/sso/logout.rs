//! The word of a provider that somebody signed out there (OpenID Connect Back-Channel Logout 1.0).
//!
//! Rules: the token is judged like an ID token, has the event and no nonce, names a subject or a session, and is obeyed
//! once; it ends sessions that go back to a sign-in at that provider, and no others. May call: `signin`.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::{CoreJsonWebKey, CoreJwsSigningAlgorithm as Algorithm};
use openidconnect::{JsonWebKey, JsonWebKeyAlgorithm, JsonWebKeyUse, JwsSigningAlgorithm};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::documents::Described;
use super::refusal::Refusal;
use super::tokens::{LARGEST, OLDEST, SKEW, payload};
use super::{ACTOR, linking, reach, sessions, store};
use crate::app::{App, Written};
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::config::IdentityProvider;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::signin;

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
const LONGEST: usize = 512;

#[derive(Deserialize)]
struct Header {
    alg: Algorithm,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<Value>,
}

/// What a token to sign out says.
struct Word {
    subject: Option<String>,
    sid: Option<String>,
    id: String,
    issued: i64,
}

/// Ends the sessions that a provider says are over; returns how many were full.
///
/// # Errors
/// [`Error::NotFound`] for an unknown provider; [`Error::Invalid`] for a token that does not count or came before;
/// [`Error::Unavailable`] if the provider's keys cannot be had.
pub async fn end_by_provider(app: &App, key: &str, token: String) -> Result<Written<usize>> {
    let provider = app.identity_providers().find(key)?;
    app.to_its_end(move |app| {
        let settings = &provider.settings;
        let now = app.context().clock.now();
        let described = reach(app, &provider, false)?;
        let word = match read(settings, &described, now, &token) {
            Err(Refusal::KeyUnknown) => read(settings, &*reach(app, &provider, true)?, now, &token),
            other => other,
        };
        let word = word.map_err(|refusal| {
            tracing::warn!(provider = %settings.key, %refusal, "a word to sign out does not count");
            Error::field("logout_token", "does not count")
        })?;
        app.write_now(&Caller::house(ACTOR), |tx| obey(tx, settings, &word))
    })
    .await
}

fn obey(tx: &mut Tx<'_>, settings: &IdentityProvider, word: &Word) -> Result<usize> {
    let seen = hex::encode(digest(&SHA256, format!("{}|{}", settings.key, word.id).as_bytes()));
    let forgotten = Timestamp::from_micros(word.issued.saturating_mul(1_000_000)).plus(OLDEST + SKEW + SKEW);
    if !store::keep_logout(tx, &seen, forgotten)? {
        return Err(Error::field("logout_token", "was obeyed before"));
    }
    let vault = tx.vault();
    let links = word.subject.as_deref().map(|subject| linking::digests(vault, &settings.issuer, subject));
    let sids = word.sid.as_deref().map(|sid| sessions::sids(vault, settings, sid));
    let origins = store::sessions_of(tx, &settings.key, links.as_deref(), sids.as_deref())?;
    signin::sessions::end_of_origins(tx, &origins, "signed_out_at_provider")
}

fn read(
    settings: &IdentityProvider,
    described: &Described,
    now: Timestamp,
    token: &str,
) -> std::result::Result<Word, Refusal> {
    if token.len() > LARGEST {
        return Err(Refusal::TokenUnreadable);
    }
    check_signature(described, token)?;
    let payload = payload(token).ok_or(Refusal::TokenUnreadable)?;
    let text = |claim: &str| {
        let found = payload.get(claim).and_then(Value::as_str);
        found.filter(|value| !value.is_empty() && value.len() <= LONGEST).map(str::to_owned)
    };
    if text("iss").as_deref() != Some(&settings.issuer) {
        return Err(Refusal::IssuerWrong);
    }
    if !is_for(&payload, &settings.client_id) {
        return Err(Refusal::AudienceWrong);
    }
    let issued = payload.get("iat").and_then(Value::as_i64).ok_or(Refusal::TimeWrong)?;
    let until = payload.get("exp").map(|value| value.as_i64().unwrap_or_default());
    let fresh = issued <= now.plus(SKEW).seconds() && issued >= now.minus(OLDEST + SKEW).seconds();
    if !fresh || until.is_some_and(|until| until <= now.minus(SKEW).seconds()) {
        return Err(Refusal::TimeWrong);
    }
    let is_event = payload.get("events").and_then(|events| events.get(EVENT)).is_some_and(Value::is_object);
    let (subject, sid) = (text("sub"), text("sid"));
    match text("jti") {
        Some(id) if is_event && !payload.contains_key("nonce") && (subject.is_some() || sid.is_some()) => {
            Ok(Word { subject, sid, id, issued })
        }
        _ => Err(Refusal::TokenUnreadable),
    }
}

/// Whether this client, and nobody beside it, is meant.
fn is_for(payload: &Map<String, Value>, client: &str) -> bool {
    match payload.get("aud") {
        Some(Value::String(one)) => one == client,
        Some(Value::Array(list)) => list.len() == 1 && list.iter().all(|one| one.as_str() == Some(client)),
        _ => false,
    }
}

fn check_signature(described: &Described, token: &str) -> std::result::Result<(), Refusal> {
    let (signed, signature) = token.rsplit_once('.').ok_or(Refusal::TokenUnreadable)?;
    let (header, _) =
        signed.split_once('.').filter(|(_, rest)| !rest.contains('.')).ok_or(Refusal::TokenUnreadable)?;
    let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| Refusal::TokenUnreadable)?;
    let header: Header = serde_json::from_slice(&header).map_err(|_| Refusal::AlgorithmRefused)?;
    let typed = header
        .typ
        .as_deref()
        .is_none_or(|typ| typ.eq_ignore_ascii_case("logout+jwt") || typ.eq_ignore_ascii_case("jwt"));
    if !typed || header.crit.is_some() {
        return Err(Refusal::TokenUnreadable);
    }
    if !described.algorithms.contains(&header.alg) {
        return Err(Refusal::AlgorithmRefused);
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Refusal::SignatureWrong)?;
    let fitting: Vec<_> = described
        .keys
        .keys()
        .iter()
        .filter(|key| header.kid.is_none() || key.key_id().map(|id| id.as_str()) == header.kid.as_deref())
        .filter(|key| signs_with(key, &header.alg))
        .collect();
    match fitting.as_slice() {
        [key] => key
            .verify_signature(&header.alg, signed.as_bytes(), &signature)
            .map_err(|_| Refusal::SignatureWrong),
        _ => Err(Refusal::KeyUnknown),
    }
}

/// Whether a key is one to sign with, by this algorithm.
fn signs_with(key: &CoreJsonWebKey, algorithm: &Algorithm) -> bool {
    let of_kind = algorithm.key_type().as_ref() == Some(key.key_type());
    let to_sign = key.key_use().is_none_or(JsonWebKeyUse::allows_signature);
    let by_it = match key.signing_alg() {
        JsonWebKeyAlgorithm::Unspecified => true,
        JsonWebKeyAlgorithm::Algorithm(own) => own == algorithm,
        JsonWebKeyAlgorithm::Unsupported => false,
    };
    of_kind && to_sign && by_it
}
