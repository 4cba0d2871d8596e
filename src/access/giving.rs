//! Giving a role: every check, and the new grant.
//!
//! Rules: an account that may not hold a role does not get it; a grant ends no later than role and profile allow; two
//! roles that exclude each other are never held together but by a living exception; nobody holds the same role in the same scope twice: asking
//! again with a later end prolongs the grant there is. Whether the giver may give is judged before, in `requests`.
//! Calls `catalogue`, `scope`, `limits`, `people`, `positions`, `settings`, `exceptions`.

use super::catalogue::Application;
use super::ending::record_kept;
use super::grants::{Grant, GrantState, Source, living};
use super::lint::OWN_APPLICATION;
use super::records::{RoleRecord, split_role};
use super::scope::{self, Scope};
use super::store::{catalogue as catalogue_store, grants as store};
use super::{attestations, limits, people, positions, settings};
use crate::clock::Timestamp;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::exceptions::{self, ExceptionKind};
use crate::ids::{AccountId, GrantId, RequestId};
use crate::log::append::next_revision;
use crate::log::event::Change;
use crate::vault;

/// A grant that is wanted.
#[derive(Debug, Clone)]
pub struct NewGrant {
    /// For whom.
    pub account: AccountId,
    /// The role, `application/role`.
    pub role: String,
    /// What to limit it to.
    pub scope: Option<Scope>,
    /// Why: 3 to 1,000 characters.
    pub reason: String,
    /// How it comes about.
    pub source: Source,
    /// Who said yes.
    pub approvers: Vec<AccountId>,
    /// The request it comes from.
    pub request: Option<RequestId>,
    /// From when; now if left out.
    pub valid_from: Option<Timestamp>,
    /// Until when; needed.
    pub expires_at: Option<Timestamp>,
}

/// A wanted grant that keeps every rule, and what it would prolong.
pub struct Fit {
    /// The role in force.
    pub role: RoleRecord,
    scope: Option<Scope>,
    valid_from: Timestamp,
    expires_at: Timestamp,
    prolongs: Option<Grant>,
}

impl Fit {
    /// What the grant would be limited to, as it is kept.
    pub fn scope(&self) -> Option<&Scope> {
        self.scope.as_ref()
    }
}

/// The shortest reason, in characters.
pub const MIN_REASON: usize = 3;
/// The longest reason, in characters.
pub const MAX_REASON: usize = 1_000;

/// The reason without blanks around it.
///
/// # Errors
/// [`Error::Invalid`] if it is too short or too long.
pub fn checked_reason(reason: &str) -> Result<&str> {
    let reason = reason.trim();
    match reason.chars().count() {
        MIN_REASON..=MAX_REASON => Ok(reason),
        _ => {
            Err(Error::field("reason", format!("must have between {MIN_REASON} and {MAX_REASON} characters")))
        }
    }
}

/// Whether a grant could be given, without giving it: asked when access is asked for, and again when it is given.
///
/// # Errors
/// [`Error::Invalid`] for role, scope or bounds that do not fit; [`Error::NotFound`] for an unknown account;
/// [`Error::Conflict`] `account-gone`, `role-by-itself`, `prerequisite`, `excluded-role`, `already-held`,
/// `grant-suspended`.
pub fn fits(reader: &mut Reader<'_>, wanted: &NewGrant) -> Result<Fit> {
    checked_reason(&wanted.reason)?;
    let (application, role) = role_in_force(reader, &wanted.role)?;
    may_hold(reader, &wanted.account, &role)?;
    attestations::needed_for(reader, &wanted.account, &wanted.role)?;
    let scope = scope::checked(&application, &role.specification, wanted.scope.clone())?;
    let (valid_from, expires_at) = bounds(reader, &role, wanted.valid_from, wanted.expires_at)?;
    let held = living(reader, &wanted.account)?;
    let prolongs = prolonged(&held, &wanted.role, scope.as_ref(), expires_at)?;
    if prolongs.is_none() {
        excluded(reader, &wanted.account, &wanted.role, &held)?;
    }
    Ok(Fit { role, scope, valid_from, expires_at, prolongs })
}

/// Gives a role to an account, or prolongs the grant of it that there is. Who calls this has made sure that those who
/// had to say yes have said so.
///
/// # Errors
/// As [`fits`].
pub fn grant(tx: &mut Tx<'_>, wanted: &NewGrant) -> Result<Grant> {
    let fit = fits(tx, wanted)?;
    let reason = vault::keep(tx, checked_reason(&wanted.reason)?)?;
    let revision = next_revision(tx)?;
    if let Some(known) = fit.prolongs {
        let longer = Grant {
            reason: Some(reason),
            source: wanted.source,
            approvers: wanted.approvers.clone(),
            request: wanted.request.clone(),
            expires_at: Some(fit.expires_at),
            confirmed_at: tx.now,
            revision,
            ..known
        };
        store::update(tx, &longer)?;
        return record_kept(tx, longer, "prolonged");
    }
    let new = Grant {
        id: GrantId::new(tx.now, tx.entropy()),
        account: wanted.account.clone(),
        role: wanted.role.clone(),
        state: GrantState::Active,
        scope: fit.scope,
        reason: Some(reason),
        source: wanted.source,
        approvers: wanted.approvers.clone(),
        request: wanted.request.clone(),
        valid_from: fit.valid_from,
        expires_at: Some(fit.expires_at),
        created_at: tx.now,
        confirmed_at: tx.now,
        ended_at: None,
        revision,
    };
    store::insert(tx, &new)?;
    let change = Change::GrantAdded {
        grant: new.id.clone(),
        account: new.account.clone(),
        role: new.role.clone(),
        source: new.source.as_str().to_owned(),
    };
    let row = new.governed()?;
    tx.record_rows(change, vec![row]);
    Ok(new)
}

fn role_in_force(reader: &mut Reader<'_>, id: &str) -> Result<(Application, RoleRecord)> {
    split_role(id)?;
    let unknown = || Error::field("role", "there is no such role in force");
    let role = catalogue_store::find_role(reader, id)?
        .filter(|role| role.retired_at.is_none())
        .ok_or_else(unknown)?;
    let record = catalogue_store::find_application(reader, &role.application)?
        .filter(|application| application.retired_at.is_none())
        .ok_or_else(unknown)?;
    let application = super::apply::whole(reader, &record)?;
    Ok((application, role))
}

fn may_hold(reader: &mut Reader<'_>, account: &AccountId, role: &RoleRecord) -> Result<()> {
    let standing = people::standing(reader, account)?;
    if standing.gone {
        let advice = "The account has left; access is given to people and services that are here.";
        return Err(Error::conflict("account-gone", advice));
    }
    if role.comes_by_itself() {
        let advice = "This role comes by itself, with employment or position, and cannot be given.";
        return Err(Error::conflict("role-by-itself", advice));
    }
    let other = role.private_to.as_ref().is_some_and(|owner| owner != account);
    let own_role_of_service =
        !standing.person && role.private_to.is_none() && role.application == OWN_APPLICATION;
    if other || own_role_of_service {
        let advice =
            "A service gets Bailiwick's own features with an API key, and nobody else's private role.";
        return Err(Error::conflict("not-for-this-account", advice));
    }
    Ok(())
}

/// The bounds of a wanted grant: not in the past, in order, and no longer than role and profile allow.
fn bounds(
    reader: &Reader<'_>,
    role: &RoleRecord,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
) -> Result<(Timestamp, Timestamp)> {
    let now = reader.now;
    let from = from.unwrap_or(now).max(now);
    let Some(until) = until else {
        return Err(Error::field_by_clause("expires_at", "every grant has an end; say until when", "O12"));
    };
    if until <= from {
        return Err(Error::field("expires_at", "must lie ahead, and after valid_from"));
    }
    let latest = limits::latest_end(reader, role, from)?;
    if from > limits::latest_end(reader, role, now)? {
        return Err(Error::field("valid_from", "lies too far ahead"));
    }
    if until > latest {
        let advice = format!("this role is given until {latest} at most");
        return Err(Error::field_by_clause("expires_at", advice, "O12"));
    }
    Ok((from, until))
}

/// The grant that the wanted one would only prolong.
fn prolonged(held: &[Grant], role: &str, scope: Option<&Scope>, until: Timestamp) -> Result<Option<Grant>> {
    let Some(known) = held.iter().find(|grant| grant.role == role && grant.scope.as_ref() == scope) else {
        return Ok(None);
    };
    if known.state == GrantState::Suspended {
        let advice = "The account holds this role, but it is suspended; a review decides about it first.";
        return Err(Error::conflict("grant-suspended", advice));
    }
    if known.expires_at.is_none_or(|end| until <= end) {
        let advice = "The account holds this role already, for at least as long; ask for a later end.";
        return Err(Error::conflict("already-held", advice));
    }
    Ok(Some(known.clone()))
}

fn excluded(reader: &mut Reader<'_>, account: &AccountId, role: &str, held: &[Grant]) -> Result<()> {
    let exclusions = settings::exclusions(reader)?;
    let positions = positions::of(reader, account)?;
    let held = held.iter().map(|grant| grant.role.as_str()).chain(positions.roles());
    for breach in exclusions.broken(role, held) {
        if exceptions::holds(reader, ExceptionKind::Exclusion, breach.key, account)? {
            continue;
        }
        let advice = format!(
            "{}: {} A firm too small to keep them apart asks for an exception from \"{}\".",
            breach.in_words(),
            breach.reason,
            breach.key
        );
        return Err(Error::conflict("excluded-role", advice));
    }
    Ok(())
}
