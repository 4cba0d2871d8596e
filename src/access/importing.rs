//! Taking over access that another system gave: the grants of a file, many at once.
//!
//! Rules: nobody has approved it, so it ends after one cadence of the reviews unless a reviewer keeps it, and what is
//! dangerous rests until then: an access role, and a role that excludes one that the account holds. The house's own
//! roles, those that come by themselves and the private ones of services never come from a file. Whoever holds a role
//! already keeps the grant there is. Calls `grants`, `limits`, `settings`, `positions`.

use std::collections::HashMap;

use super::grants::{Grant, GrantState, Source};
use super::lint::OWN_APPLICATION;
use super::records::RoleRecord;
use super::store::grants as store;
use super::{limits, positions, settings};
use crate::clock::Timestamp;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::ids::{AccountId, GrantId};
use crate::log::append::next_revision;
use crate::log::event::Change;

/// A role that an account has in another system.
#[derive(Debug, Clone)]
pub struct Existing {
    /// Whose.
    pub account: AccountId,
    /// Which role.
    pub role: RoleRecord,
}

/// What became of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Its grant.
    pub grant: GrantId,
    /// Whether the grant is new.
    pub new: bool,
    /// The role held that this one excludes, if there is one.
    pub excludes: Option<String>,
}

/// Why a role cannot come from a file; `None` if it can.
pub fn refusal(role: &RoleRecord) -> Option<&'static str> {
    match () {
        () if role.application == OWN_APPLICATION => {
            Some("Bailiwick's own roles are given here, never imported")
        }
        () if role.retired_at.is_some() => Some("this role is out of use"),
        () if role.comes_by_itself() => Some("this role comes by itself, with employment or position"),
        () if role.private_to.is_some() => Some("this role is private to a service"),
        () => None,
    }
}

/// The grants of these accounts that are not ended.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn open_among(reader: &mut Reader<'_>, accounts: &[AccountId]) -> Result<Vec<Grant>> {
    store::open_among(reader, accounts)
}

/// Takes over existing access; one answer for each, in order. At most 500 at once.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn take_over(tx: &mut Tx<'_>, existing: &[Existing]) -> Result<Vec<Taken>> {
    let mut accounts: Vec<AccountId> = existing.iter().map(|one| one.account.clone()).collect();
    accounts.sort_unstable();
    accounts.dedup();
    let mut held: HashMap<AccountId, Vec<Grant>> = HashMap::new();
    let now = tx.now;
    for grant in open_among(tx, &accounts)?.into_iter().filter(|grant| grant.lives(now)) {
        held.entry(grant.account.clone()).or_default().push(grant);
    }
    let mut taken = Vec::with_capacity(existing.len());
    let mut new: Vec<Grant> = Vec::new();
    let first = next_revision(tx)?;
    for one in existing {
        let own = held.entry(one.account.clone()).or_default();
        let same = own.iter().find(|grant| grant.role == one.role.id && grant.scope.is_none());
        if let Some(known) = same {
            taken.push(Taken { grant: known.id.clone(), new: false, excludes: None });
            continue;
        }
        let excludes = excluded(tx, &one.account, &one.role.id, own)?;
        let grant = grant_of(tx, one, excludes.is_some(), first + new.len() as u64)?;
        taken.push(Taken { grant: grant.id.clone(), new: true, excludes });
        own.push(grant.clone());
        new.push(grant);
    }
    store::insert_many(tx, &new)?;
    for grant in new {
        let row = grant.governed()?;
        let change = Change::GrantAdded {
            grant: grant.id,
            account: grant.account,
            role: grant.role,
            source: grant.source.as_str().to_owned(),
        };
        tx.record_rows(change, vec![row]);
    }
    Ok(taken)
}

fn excluded(
    reader: &mut Reader<'_>,
    account: &AccountId,
    role: &str,
    held: &[Grant],
) -> Result<Option<String>> {
    let exclusions = settings::exclusions(reader)?;
    if !exclusions.name(role) {
        return Ok(None);
    }
    let positions = positions::of(reader, account)?;
    let others = held.iter().map(|grant| grant.role.as_str()).chain(positions.roles());
    Ok(exclusions.broken(role, others).first().map(|breach| breach.with.join(", ")))
}

fn grant_of(tx: &Tx<'_>, existing: &Existing, excluded: bool, revision: u64) -> Result<Grant> {
    let rests = existing.role.access_role || excluded;
    Ok(Grant {
        id: GrantId::new(tx.now, tx.entropy()),
        account: existing.account.clone(),
        role: existing.role.id.clone(),
        state: if rests { GrantState::Suspended } else { GrantState::Active },
        scope: None,
        reason: None,
        source: Source::Imported,
        approvers: Vec::new(),
        request: None,
        valid_from: tx.now,
        expires_at: Some(end(tx, &existing.role)?),
        created_at: tx.now,
        confirmed_at: tx.now,
        ended_at: None,
        revision,
    })
}

/// One cadence from now, or the role's own longest time if that is shorter.
fn end(reader: &Reader<'_>, role: &RoleRecord) -> Result<Timestamp> {
    let now = reader.now;
    let cadence = reader.profile().review().cadence.after(now.utc()).map(Timestamp::from);
    let cadence =
        cadence.ok_or_else(|| Error::internal("ending an imported grant", "beyond the calendar"))?;
    Ok(cadence.min(limits::latest_end(reader, role, now)?))
}

impl Grant {
    /// Whether it came from a file and nobody has decided about it yet.
    pub fn awaits_first_word(&self) -> bool {
        self.source == Source::Imported && self.confirmed_at == self.created_at
    }
}

/// The end that an imported grant gets from the first who keeps it without naming one; `None` for any other grant.
///
/// # Errors
/// [`Error::NotFound`] if its role is not there.
pub fn end_when_kept(reader: &mut Reader<'_>, grant: &Grant) -> Result<Option<Timestamp>> {
    if !grant.awaits_first_word() {
        return Ok(None);
    }
    let role = super::roles::role(reader, &grant.role)?;
    limits::latest_end(reader, &role, reader.now).map(Some)
}
