//! Attestations: what somebody has shown, such as a training, who saw it, and until when it counts.
//!
//! Rules: a person records it who may write accounts, never for themselves or for their own service, and never a
//! program; it cannot lie ahead; an end that was said holds, and the age that a role allows; a role whose prerequisite
//! is missing or over does not count, at that instant and without a job. Nothing is deleted: what was recorded wrongly
//! ends now. Calls `requirement`, `accounts`, `store`.

use std::collections::HashMap;

use super::own;
use super::requirement::{self, Requirement, is_kind};
use super::store::{attestations as store, catalogue};
use crate::accounts;
use crate::caller::Actor;
use crate::clock::Timestamp;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::ids::{AccountId, AttestationId, TextId};
use crate::log::append::next_revision;
use crate::log::event::{Change, Row};
use crate::profile::Profile;
use crate::vault;

/// How many one account may have.
const MOST: usize = 500;

/// An attestation as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attestation {
    /// Which one.
    pub id: AttestationId,
    /// Whose.
    pub account: AccountId,
    /// Of what, such as `training:data-protection`.
    pub kind: String,
    /// When it was shown.
    pub given_at: Timestamp,
    /// The first instant at which it counts no more, if that was said.
    pub ends_at: Option<Timestamp>,
    /// Who recorded it, as the log names them.
    pub attested_by: String,
    /// What was seen, sealed.
    pub evidence: TextId,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// The revision of its last change.
    pub revision: u64,
}

impl Attestation {
    /// The first instant at which it counts no more for any role, by what was said and by the profile.
    pub fn end(&self, profile: &Profile) -> Option<Timestamp> {
        let needed =
            Requirement { kind: self.kind.clone(), max_age: requirement::profile_bound(&self.kind, profile) };
        match one_met(&needed, std::slice::from_ref(self)) {
            Met::Until(end) => Some(end),
            Met::Always | Met::Never => None,
        }
    }

    /// The digest of everything about it that decides.
    ///
    /// # Errors
    /// [`Error::Internal`] if it cannot be written as JSON.
    pub fn governed(&self) -> Result<Row> {
        let decides = (&self.account, &self.kind, self.given_at, self.ends_at);
        Row::of("attestations", self.id.as_str(), &decides)
    }
}

/// What is to be recorded.
#[derive(Debug, Clone)]
pub struct NewAttestation {
    /// Whose.
    pub account: AccountId,
    /// Of what.
    pub kind: String,
    /// When it was shown; now if left out.
    pub given_at: Option<Timestamp>,
    /// When it ends, if that is said.
    pub ends_at: Option<Timestamp>,
    /// What was seen: 3 to 1,000 characters.
    pub evidence: String,
}

/// Records that somebody has shown something. Whether the caller may write accounts is judged before.
///
/// # Errors
/// [`Error::Forbidden`] `own-account`, `not-yours-to-decide`; [`Error::Invalid`] for what does not do.
pub fn record(tx: &mut Tx<'_>, new: &NewAttestation) -> Result<Attestation> {
    let account = match accounts::find(tx, &new.account) {
        Err(Error::NotFound(_)) => return Err(Error::field("account", "there is no such account")),
        other => other?,
    };
    for_others(tx, &account)?;
    if !is_kind(&new.kind) {
        let advice = "must be one or two keys, such as training:data-protection";
        return Err(Error::field("kind", advice));
    }
    let given_at = new.given_at.unwrap_or(tx.now);
    if given_at > tx.now {
        return Err(Error::field("given_at", "cannot lie ahead"));
    }
    if new.ends_at.is_some_and(|end| end <= given_at) {
        return Err(Error::field("ends_at", "must lie after given_at"));
    }
    let evidence = vault::typed("evidence", &new.evidence)?;
    if store::of(tx, &new.account)?.len() >= MOST {
        return Err(Error::field("account", format!("has {MOST} attestations already")));
    }
    let attestation = Attestation {
        id: AttestationId::new(tx.now, tx.entropy()),
        account: new.account.clone(),
        kind: new.kind.clone(),
        given_at,
        ends_at: new.ends_at,
        attested_by: tx.caller.label(),
        evidence: vault::keep(tx, evidence)?,
        recorded_at: tx.now,
        revision: next_revision(tx)?,
    };
    store::insert(tx, &attestation)?;
    let change = Change::AttestationGiven {
        attestation: attestation.id.clone(),
        account: attestation.account.clone(),
        attestation_kind: attestation.kind.clone(),
        given_at: attestation.given_at,
        ends_at: attestation.ends_at,
    };
    let row = attestation.governed()?;
    tx.record_rows(change, vec![row]);
    Ok(attestation)
}

/// Ends an attestation now: it was recorded wrongly, or does not hold any more. One that is over stays as it is.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`] without a reason; [`Error::Forbidden`] as [`record`].
pub fn end(tx: &mut Tx<'_>, id: &AttestationId, reason: &str) -> Result<Attestation> {
    let mut attestation = store::find(tx, id)?.ok_or(Error::NotFound("attestation"))?;
    let account = accounts::find(tx, &attestation.account)?;
    for_others(tx, &account)?;
    let reason = vault::typed("reason", reason)?;
    if attestation.ends_at.is_some_and(|end| end <= tx.now) {
        return Ok(attestation);
    }
    attestation.ends_at = Some(tx.now);
    attestation.revision = next_revision(tx)?;
    store::update(tx, &attestation)?;
    let change = Change::AttestationEnded {
        attestation: attestation.id.clone(),
        account: attestation.account.clone(),
        attestation_kind: attestation.kind.clone(),
        reason: vault::keep(tx, reason)?,
    };
    let row = attestation.governed()?;
    tx.record_rows(change, vec![row]);
    Ok(attestation)
}

/// A person attests, and for somebody else.
fn for_others(tx: &Tx<'_>, account: &accounts::Account) -> Result<()> {
    let Actor::Person { account: me, .. } = &tx.caller.actor else {
        let advice = "A person attests, signed in as themselves.";
        return Err(Error::forbidden("not-yours-to-decide", advice));
    };
    if account.id == *me || account.owner.as_ref() == Some(me) {
        let advice = "Somebody else attests what you, or your service, have shown.";
        return Err(Error::forbidden("own-account", advice));
    }
    Ok(())
}

/// The attestations of an account, newest first, as far as a reader may see them: their own, or within their reach.
///
/// # Errors
/// [`Error::Invalid`] for anybody else, whether there is such an account or not.
pub fn visible(reader: &mut Reader<'_>, me: &AccountId, account: &AccountId) -> Result<Vec<Attestation>> {
    if me != account {
        let reach = own::reach(reader, me, ("accounts", "read"))?;
        if !reach.covers(account, "") {
            return Err(Error::field("account", "must be your own, or one of those whom you may see"));
        }
    }
    let mut found = store::of(reader, account)?;
    found.reverse();
    Ok(found)
}

/// The attestations of an account, newest first.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn of(reader: &mut Reader<'_>, account: &AccountId) -> Result<Vec<Attestation>> {
    let mut found = store::of(reader, account)?;
    found.reverse();
    Ok(found)
}

/// What the roles in force need, by their ids; roles that need nothing are not in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requirements(HashMap<String, Vec<Requirement>>);

impl Requirements {
    /// By the catalogue and profile in force.
    ///
    /// # Errors
    /// [`Error::Internal`] for a fault of the database.
    pub fn of(reader: &mut Reader<'_>) -> Result<Self> {
        let profile = reader.profile();
        let mut all = HashMap::new();
        for record in super::roles::applications(reader)? {
            let application = super::apply::whole(reader, &record)?;
            for role in &application.roles {
                let needs = requirement::of_role(&application, role, &profile);
                if !needs.is_empty() {
                    all.insert(format!("{}/{}", application.key, role.key), needs);
                }
            }
        }
        Ok(Self(all))
    }

    /// Whether no role needs anything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What a role needs.
    pub fn role(&self, id: &str) -> &[Requirement] {
        self.0.get(id).map_or(&[], Vec::as_slice)
    }

    /// The roles that need something else than in `other`.
    pub fn differing(&self, other: &Self) -> Vec<String> {
        let roles = self.0.keys().chain(other.0.keys().filter(|role| !self.0.contains_key(*role)));
        roles.filter(|role| self.role(role) != other.role(role)).cloned().collect()
    }
}

/// How long prerequisites are met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Met {
    /// For good.
    Always,
    /// Until this instant, which does not belong to it.
    Until(Timestamp),
    /// One is missing.
    Never,
}

impl Met {
    /// Whether they are met at an instant.
    pub fn at(self, now: Timestamp) -> bool {
        match self {
            Self::Always => true,
            Self::Until(end) => now < end,
            Self::Never => false,
        }
    }

    fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Never, _) | (_, Self::Never) => Self::Never,
            (Self::Until(a), Self::Until(b)) => Self::Until(a.min(b)),
            (Self::Always, rest) | (rest, Self::Always) => rest,
        }
    }

    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Always, _) | (_, Self::Always) => Self::Always,
            (Self::Until(a), Self::Until(b)) => Self::Until(a.max(b)),
            (Self::Never, rest) | (rest, Self::Never) => rest,
        }
    }
}

/// How long one prerequisite is met by these attestations of one account.
pub fn one_met(needed: &Requirement, attestations: &[Attestation]) -> Met {
    let of_kind = attestations.iter().filter(|one| one.kind == needed.kind);
    let ends = of_kind.map(|one| match (needed.end_of(one.given_at), one.ends_at) {
        (None, None) => Met::Always,
        (Some(end), None) | (None, Some(end)) => Met::Until(end),
        (Some(a), Some(b)) => Met::Until(a.min(b)),
    });
    ends.fold(Met::Never, Met::or)
}

/// How long all prerequisites are met by these attestations of one account.
pub fn met(needed: &[Requirement], attestations: &[Attestation]) -> Met {
    needed.iter().fold(Met::Always, |met, one| met.with(one_met(one, attestations)))
}

/// What an account lacks for a role now.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn lacking(reader: &mut Reader<'_>, account: &AccountId, role: &str) -> Result<Vec<Requirement>> {
    let needed = needs(reader, role)?;
    if needed.is_empty() {
        return Ok(needed);
    }
    let (now, has) = (reader.now, store::of(reader, account)?);
    Ok(needed.into_iter().filter(|one| !one_met(one, &has).at(now)).collect())
}

/// What a role in force needs.
fn needs(reader: &mut Reader<'_>, role: &str) -> Result<Vec<Requirement>> {
    let Some((key, own)) = role.split_once('/') else { return Ok(Vec::new()) };
    let Some(record) = catalogue::find_application(reader, key)? else { return Ok(Vec::new()) };
    let application = super::apply::whole(reader, &record)?;
    let profile = reader.profile();
    Ok(application
        .role(own)
        .map(|role| requirement::of_role(&application, role, &profile))
        .unwrap_or_default())
}

/// Refuses a role whose prerequisites an account lacks; the refusal names them and says how to get them.
///
/// # Errors
/// [`Error::Conflict`] `prerequisite`.
pub fn needed_for(reader: &mut Reader<'_>, account: &AccountId, role: &str) -> Result<()> {
    let lacking = lacking(reader, account, role)?;
    if lacking.is_empty() {
        return Ok(());
    }
    let named: Vec<String> = lacking.iter().map(Requirement::in_words).collect();
    let advice = format!(
        "The role needs {}. It is missing or over: whoever looks after people records it on the person's page once it \
         was shown.",
        named.join("; ")
    );
    Err(Error::conflict("prerequisite", advice))
}

/// The attestations of these accounts.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn among(
    reader: &mut Reader<'_>,
    accounts: &[AccountId],
) -> Result<HashMap<AccountId, Vec<Attestation>>> {
    let mut found: HashMap<AccountId, Vec<Attestation>> = HashMap::new();
    for attestation in store::among(reader, accounts)? {
        found.entry(attestation.account.clone()).or_default().push(attestation);
    }
    Ok(found)
}

/// The digests of attestations after `after` by id, for the log's replay.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn governed(reader: &mut Reader<'_>, after: &str, limit: i64) -> Result<Vec<Row>> {
    store::all_after(reader, after, limit)?.iter().map(Attestation::governed).collect()
}
