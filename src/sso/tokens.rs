//! The ID token: when it counts, and what it says.
//!
//! Rules: signed with a key that the provider publishes, by an algorithm that belongs to it; of this issuer, for this
//! client and nobody else, with the nonce of this sign-in, within its time give or take a minute; at_hash and azp fit if
//! they are there. What it says about an address counts only if it says that the address is the person's own.

use std::collections::BTreeSet;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, Utc};
use openidconnect::core::{CoreIdToken, CoreIdTokenClaims, CoreIdTokenVerifier, CoreJsonWebKeySet};
use openidconnect::{
    AccessToken, AccessTokenHash, ClaimsVerificationError as Wrong, ClientId, IssuerUrl, Nonce,
    SignatureVerificationError as Unsigned,
};
use serde_json::{Map, Value};

use super::documents::Described;
use super::refusal::Refusal;
use crate::clock::Timestamp;
use crate::config::IdentityProvider;

/// So far two clocks may be apart.
pub(super) const SKEW: Duration = Duration::seconds(60);
/// So long ago a token may have been issued: no longer than somebody may be away.
pub(super) const OLDEST: Duration = Duration::minutes(10);
/// The largest token that is read, in bytes.
pub(super) const LARGEST: usize = 65_536;

const LONGEST_SUBJECT: usize = 255;
const LONGEST_SID: usize = 512;
const LONGEST_GROUP: usize = 500;
const MOST_GROUPS: usize = 5_000;

/// What a provider says of a person.
pub(super) struct Identity {
    pub subject: String,
    pub sid: Option<String>,
    /// The address, if the provider says that it is the person's own.
    pub address: Option<String>,
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    /// Whether more than one factor was shown there.
    pub second_factor: bool,
    /// When the person last showed who they are there, if the provider says so.
    pub shown_at: Option<Timestamp>,
    pub groups: BTreeSet<String>,
}

/// Both tokens of an answer.
pub(super) struct Tokens {
    pub id: String,
    pub access: Option<String>,
}

/// Checks an ID token and reads it.
pub(super) fn read(
    settings: &IdentityProvider,
    described: &Described,
    now: Timestamp,
    (tokens, nonce): (&Tokens, &str),
) -> Result<Identity, Refusal> {
    if tokens.id.len() > LARGEST {
        return Err(Refusal::TokenUnreadable);
    }
    let token = CoreIdToken::from_str(&tokens.id).map_err(|_| Refusal::TokenUnreadable)?;
    let issuer = IssuerUrl::new(settings.issuer.clone()).map_err(|_| Refusal::IssuerWrong)?;
    let keys = CoreJsonWebKeySet::new(described.keys.keys().clone());
    let verifier =
        CoreIdTokenVerifier::new_public_client(ClientId::new(settings.client_id.clone()), issuer, keys)
            .set_allowed_algs(described.algorithms.iter().cloned())
            .set_time_fn(move || now.minus(SKEW).utc())
            .set_issue_time_verifier_fn(move |at| issued_in_time(at, now));
    let claims = token.claims(&verifier, &Nonce::new(nonce.to_owned())).map_err(|wrong| refusal(&wrong))?;
    check_parties(settings, claims)?;
    check_access_token(&token, &verifier, claims, tokens.access.as_deref())?;
    let payload = payload(&tokens.id).ok_or(Refusal::TokenUnreadable)?;
    let not_before = payload.get("nbf").and_then(Value::as_i64);
    if not_before.is_some_and(|at| at > now.plus(SKEW).seconds()) {
        return Err(Refusal::TimeWrong);
    }
    identity(settings, &payload, claims.subject().as_str())
}

fn issued_in_time(at: DateTime<Utc>, now: Timestamp) -> Result<(), String> {
    let at = Timestamp::from(at);
    let fits = at <= now.plus(SKEW) && at >= now.minus(OLDEST + SKEW);
    if fits { Ok(()) } else { Err("issued long ago, or in the future".to_owned()) }
}

/// The library leaves `azp` to us: if it is there, it is this client.
fn check_parties(settings: &IdentityProvider, claims: &CoreIdTokenClaims) -> Result<(), Refusal> {
    match claims.authorized_party() {
        Some(party) if party.as_str() != settings.client_id => Err(Refusal::AudienceWrong),
        _ => Ok(()),
    }
}

fn check_access_token(
    token: &CoreIdToken,
    verifier: &CoreIdTokenVerifier<'_>,
    claims: &CoreIdTokenClaims,
    access: Option<&str>,
) -> Result<(), Refusal> {
    let Some(wanted) = claims.access_token_hash() else { return Ok(()) };
    let access = AccessToken::new(access.ok_or(Refusal::TokensDiffer)?.to_owned());
    let algorithm = token.signing_alg().map_err(|_| Refusal::AlgorithmRefused)?;
    let key = token.signing_key(verifier).map_err(|_| Refusal::KeyUnknown)?;
    let found = AccessTokenHash::from_token(&access, algorithm, key).map_err(|_| Refusal::TokensDiffer)?;
    if found == *wanted { Ok(()) } else { Err(Refusal::TokensDiffer) }
}

fn refusal(wrong: &Wrong) -> Refusal {
    match wrong {
        Wrong::Expired(_) => Refusal::TimeWrong,
        Wrong::InvalidAudience(_) => Refusal::AudienceWrong,
        Wrong::InvalidIssuer(_) => Refusal::IssuerWrong,
        Wrong::InvalidNonce(_) => Refusal::NonceWrong,
        Wrong::SignatureVerification(Unsigned::NoMatchingKey) => Refusal::KeyUnknown,
        Wrong::SignatureVerification(
            Unsigned::DisallowedAlg(_) | Unsigned::NoSignature | Unsigned::UnsupportedAlg(_),
        ) => Refusal::AlgorithmRefused,
        Wrong::SignatureVerification(_) => Refusal::SignatureWrong,
        _ => Refusal::TokenUnreadable,
    }
}

/// The second part of a token, as JSON.
pub(super) fn payload(token: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?).ok()
}

fn identity(
    settings: &IdentityProvider,
    payload: &Map<String, Value>,
    subject: &str,
) -> Result<Identity, Refusal> {
    if subject.is_empty() || subject.len() > LONGEST_SUBJECT {
        return Err(Refusal::TokenUnreadable);
    }
    let text = |claim: &str| payload.get(claim).and_then(Value::as_str);
    if settings.required_claims.iter().any(|(claim, value)| text(claim) != Some(value)) {
        return Err(Refusal::ClaimMissing);
    }
    let own = payload.get(&settings.email_verified_claim) == Some(&Value::Bool(true));
    let acr = text("acr").is_some_and(|acr| settings.mfa_acr.contains(acr));
    let amr = texts(payload.get("amr"), 50).iter().any(|method| settings.mfa_amr.contains(method));
    Ok(Identity {
        subject: subject.to_owned(),
        sid: text("sid").filter(|sid| !sid.is_empty() && sid.len() <= LONGEST_SID).map(str::to_owned),
        address: text("email").filter(|_| own).map(str::to_owned),
        given_name: text("given_name").map(str::to_owned),
        family_name: text("family_name").map(str::to_owned),
        second_factor: acr || amr,
        shown_at: payload.get("auth_time").and_then(Value::as_i64).and_then(instant),
        groups: texts(payload.get(&settings.groups_claim), MOST_GROUPS),
    })
}

/// The instant of so many seconds, unless it lies beyond all that are meant.
fn instant(seconds: i64) -> Option<Timestamp> {
    let micros = seconds.checked_mul(1_000_000).filter(|micros| *micros > 0)?;
    Some(Timestamp::from_micros(micros))
}

/// A list of words, or one word alone.
fn texts(value: Option<&Value>, most: usize) -> BTreeSet<String> {
    let words: Vec<&Value> = match value {
        Some(Value::Array(list)) => list.iter().take(most).collect(),
        Some(word) => vec![word],
        None => Vec::new(),
    };
    let words = words.into_iter().filter_map(Value::as_str).filter(|word| word.len() <= LONGEST_GROUP);
    words.map(str::to_owned).collect()
}
