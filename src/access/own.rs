//! What somebody may do in Bailiwick itself by a grant, as opposed to a position: the reach of their permissions.
//!
//! Rule: who has a permission by a grant has it over everybody; who has it by position, over those they manage and the
//! applications they own (DESIGN §4). Calls `grants`, `roles`, `accounts`.

use std::collections::BTreeSet;

use super::grants::{self, Grant, GrantState};
use super::lint::OWN_APPLICATION;
use super::roles;
use crate::accounts;
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::ids::AccountId;

/// Over whom somebody has a permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Everybody.
    Everybody,
    /// Those below them and these applications, and themselves.
    Own {
        /// Whose permission it is.
        account: AccountId,
        /// Everybody below them.
        team: BTreeSet<AccountId>,
        /// The keys of their applications.
        applications: BTreeSet<String>,
    },
}

impl Reach {
    /// Whether a role of this application for this account lies within.
    pub fn covers(&self, account: &AccountId, application: &str) -> bool {
        match self {
            Self::Everybody => true,
            Self::Own { team, applications, .. } => {
                team.contains(account) || applications.contains(application)
            }
        }
    }
}

/// The reach of the permission `bailiwick/feature:action` that `account` has somehow.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn reach(reader: &mut Reader<'_>, account: &AccountId, permission: (&str, &str)) -> Result<Reach> {
    if by_grant(reader, account, permission)? {
        return Ok(Reach::Everybody);
    }
    Ok(Reach::Own {
        team: accounts::team(reader, account)?.into_iter().map(|below| below.id).collect(),
        applications: roles::owned_by(reader, account)?.into_iter().collect(),
        account: account.clone(),
    })
}

/// Whether a grant of theirs that counts now gives `bailiwick/feature:action`.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn by_grant(reader: &mut Reader<'_>, account: &AccountId, permission: (&str, &str)) -> Result<bool> {
    let counting = counting(reader, account)?;
    if counting.is_empty() {
        return Ok(false);
    }
    let catalogue = roles::catalogue(reader, OWN_APPLICATION)?;
    for grant in counting {
        let role = roles::role(reader, &grant.role)?;
        if role.retired_at.is_none() && catalogue.permissions_of(&role.specification).contains(&permission) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a grant of theirs of this role counts now.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn holds(reader: &mut Reader<'_>, account: &AccountId, role: &str) -> Result<bool> {
    Ok(counting(reader, account)?.iter().any(|grant| grant.role == role))
}

/// The grants of Bailiwick's own roles that count now.
fn counting(reader: &mut Reader<'_>, account: &AccountId) -> Result<Vec<Grant>> {
    let now = reader.now;
    let mut own = grants::living(reader, account)?;
    own.retain(|grant| {
        grant.state == GrantState::Active
            && grant.valid_from <= now
            && grant.role.split_once('/').is_some_and(|(application, _)| application == OWN_APPLICATION)
    });
    Ok(own)
}

/// Refuses what lies outside somebody's reach.
///
/// # Errors
/// [`Error::Forbidden`] `not-yours`.
pub fn within(reach: &Reach, account: &AccountId, application: &str) -> Result<()> {
    if reach.covers(account, application) {
        return Ok(());
    }
    let advice = "By position one decides about those one manages, and about one's own applications.";
    Err(Error::forbidden("not-yours", advice))
}
