//! What a person vouches for in the place of an identity provider: that its own rules about passwords, locks and second
//! factors are what the policies ask for (O13–O16), which this house cannot see.
//!
//! Rules: a person says so, with a fresh proof, what they saw, and an end within a year; it is never changed, ended early
//! if need be, and kept. It opens nothing by itself: while a configured provider is without one, or it ends before long,
//! an alarm says so. Calls `store`, `alarms`.

use chrono::Duration;

use super::store;
use crate::alarms::{self, Rule, Severity, Sighting};
use crate::app::App;
use crate::caller::{Actor, Caller};
use crate::clock::Timestamp;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::ids::{AttestationId, TextId};
use crate::jobs::Lease;
use crate::log::event::Change;
use crate::vault;

/// The longest that anybody may vouch for.
const LONGEST: Duration = Duration::days(366);
/// So long before the end it is time for another.
const BEFORE_LONG: Duration = Duration::days(14);

/// An attestation about a provider as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attestation {
    /// Which one.
    pub id: AttestationId,
    /// The key of the provider.
    pub provider: String,
    /// The first instant at which it counts no more.
    pub ends_at: Timestamp,
    /// What was seen, sealed.
    pub evidence: TextId,
    /// Who vouches, as the log names them.
    pub attested_by: String,
    /// When it was recorded.
    pub recorded_at: Timestamp,
}

/// Records what a person saw of a provider's rules.
///
/// # Errors
/// [`Error::Forbidden`] for programs and without a fresh proof; [`Error::Invalid`] for an end that is not ahead or too
/// far, and for evidence that says nothing.
pub fn attest(tx: &mut Tx<'_>, provider: &str, evidence: &str, ends_at: Timestamp) -> Result<Attestation> {
    by_a_person(tx)?;
    if ends_at <= tx.now || ends_at > tx.now.plus(LONGEST) {
        return Err(Error::field("ends_at", "must lie ahead, within a year"));
    }
    let attestation = Attestation {
        id: AttestationId::new(tx.now, tx.entropy()),
        provider: provider.to_owned(),
        ends_at,
        evidence: vault::keep(tx, vault::typed("evidence", evidence)?)?,
        attested_by: tx.caller.label(),
        recorded_at: tx.now,
    };
    store::insert_attestation(tx, &attestation)?;
    tx.record(Change::ProviderAttested {
        attestation: attestation.id.clone(),
        provider: attestation.provider.clone(),
        ends_at,
    });
    Ok(attestation)
}

/// Ends an attestation now. One that is over stays as it is.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`] without a reason; [`Error::Forbidden`] as [`attest`].
pub fn end_attestation(
    tx: &mut Tx<'_>,
    provider: &str,
    id: &AttestationId,
    reason: &str,
) -> Result<Attestation> {
    by_a_person(tx)?;
    let found = store::attestation(tx, id)?.filter(|found| found.provider == provider);
    let mut attestation = found.ok_or(Error::NotFound("attestation"))?;
    let reason = vault::typed("reason", reason)?;
    if attestation.ends_at > tx.now {
        attestation.ends_at = tx.now;
        store::end_attestation(tx, id)?;
        let (attestation, provider) = (id.clone(), provider.to_owned());
        let reason = vault::keep(tx, reason)?;
        tx.record(Change::ProviderAttestationEnded { attestation, provider, reason });
    }
    Ok(attestation)
}

/// The attestation of a provider that counts the longest, if one counts now.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn in_force(reader: &mut Reader<'_>, provider: &str) -> Result<Option<Attestation>> {
    let latest = store::latest_attestation(reader, provider)?;
    Ok(latest.filter(|attestation| reader.now < attestation.ends_at))
}

/// The attestations of a provider, newest first, and the cursor of the next page.
///
/// # Errors
/// [`Error::Invalid`] for a cursor that is none.
pub fn list(
    reader: &mut Reader<'_>,
    provider: &str,
    cursor: Option<&str>,
    limit: i64,
) -> Result<(Vec<Attestation>, Option<String>)> {
    let no_cursor = || Error::field("cursor", "must be the `next` of a page before");
    let before = cursor.map(|text| AttestationId::parse(text).ok_or_else(no_cursor)).transpose()?;
    let mut found = store::attestations(reader, provider, before.as_ref(), limit + 1)?;
    let is_whole = found.len() <= usize::try_from(limit).unwrap_or(usize::MAX);
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next = if is_whole { None } else { found.last().map(|last| last.id.to_string()) };
    Ok((found, next))
}

/// Looks once a day whether every provider is vouched for, and raises an alarm for each that is not, or not for long.
///
/// # Errors
/// A fault of the database.
pub fn look(app: &App, lease: &Lease) -> Result<String> {
    let keys: Vec<&str> = app.config().identity_providers.iter().map(|one| one.key.as_str()).collect();
    let done = app.write_now(&Caller::house("sso.attestations"), |tx| {
        lease.check(tx)?;
        let mut missing = 0;
        for key in &keys {
            let end = in_force(tx, key)?.map(|attestation| attestation.ends_at);
            if end.is_some_and(|end| end > tx.now.plus(BEFORE_LONG)) {
                continue;
            }
            let left = end.map_or(0, |end| end.since(tx.now).num_days().unsigned_abs());
            let days = BEFORE_LONG.num_days().unsigned_abs();
            let seen = Sighting::of(Rule::ProviderUnattested, Severity::Warning).about(*key);
            alarms::raise(tx, seen.counted(left, days, None))?;
            missing += 1;
        }
        Ok(missing)
    })?;
    Ok(format!("{} of {} providers want somebody to vouch for them", done.value, keys.len()))
}

fn by_a_person(tx: &Tx<'_>) -> Result<()> {
    if !matches!(tx.caller.actor, Actor::Person { .. }) {
        let advice = "A person vouches for a provider, in a session of their own; a program cannot.";
        return Err(Error::forbidden("not-yours-to-decide", advice));
    }
    tx.caller.check_proof(tx.now)
}
