//! What the groups at a provider bring, and take away again.
//!
//! Rules: an ordinary role comes with the group and goes with it, at the next sign-in; an access role and a role of this
//! house itself are asked for, once for as long as the group is there, and given by nobody but those who approve. What
//! somebody here took away while the group was there stays away. A role that does not come says so in the log, and keeps
//! nobody from signing in. May call: `requests`, `access`.

use std::collections::BTreeSet;

use super::ACTOR;
use super::store::{self, Brought};
use crate::access::grants::{self, GrantState, NewGrant, Source};
use crate::access::lint::OWN_APPLICATION;
use crate::access::{limits, roles};
use crate::caller::Caller;
use crate::config::IdentityProvider;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::ids::AccountId;
use crate::log::event::Change;
use crate::requests::{self, Ask, Until};

/// Lets somebody's roles follow the groups that their provider says now.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub(super) fn follow(
    tx: &mut Tx<'_>,
    settings: &IdentityProvider,
    account: &AccountId,
    groups: &BTreeSet<String>,
) -> Result<()> {
    let of_groups = settings.groups.iter().filter(|(group, _)| groups.contains(*group));
    let wanted: BTreeSet<&String> = of_groups.flat_map(|(_, roles)| roles).collect();
    let known = store::brought(tx, account, &settings.key)?;
    for brought in known.iter().filter(|brought| !wanted.contains(&brought.role)) {
        forget(tx, (account, &settings.key), brought, "group_gone")?;
    }
    for role in wanted {
        let before = known.iter().find(|brought| brought.role == *role);
        if let Some(before) = before
            && !has_run_out(tx, before)?
        {
            continue;
        }
        let bring = |tx: &mut Tx<'_>| bring(tx, settings, account, role);
        if let Some(brought) = part(tx, (account, &settings.key), role, bring)? {
            store::note_brought(tx, account, &settings.key, &brought)?;
        }
    }
    Ok(())
}

/// Takes away whatever groups at a provider brought somebody.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub(super) fn take_all_away(tx: &mut Tx<'_>, account: &AccountId, provider: &str) -> Result<()> {
    for brought in store::brought(tx, account, provider)? {
        forget(tx, (account, provider), &brought, "unlinked")?;
    }
    Ok(())
}

fn forget(
    tx: &mut Tx<'_>,
    (account, provider): (&AccountId, &str),
    brought: &Brought,
    cause: &str,
) -> Result<()> {
    part(tx, (account, provider), &brought.role, |tx| take_away(tx, brought, cause))?;
    store::forget_brought(tx, account, provider, &brought.role)
}

/// Does one part; what the rules refuse is said in the log and changes nothing.
fn part<T>(
    tx: &mut Tx<'_>,
    (account, provider): (&AccountId, &str),
    role: &str,
    work: impl FnOnce(&mut Tx<'_>) -> Result<T>,
) -> Result<Option<T>> {
    let cause = match tx.savepoint(work) {
        Ok(value) => return Ok(Some(value)),
        // Held or asked for by other means: nothing to do, and nothing of the group's.
        Err(Error::Conflict("already-held" | "already-asked", _)) => return Ok(None),
        Err(Error::Conflict(cause, _) | Error::Forbidden(cause, _)) => cause,
        Err(Error::NotFound(_)) => "not-found",
        Err(Error::Invalid(_)) => "invalid",
        Err(other) => return Err(other),
    };
    tx.record(Change::GroupRoleWithheld {
        account: account.clone(),
        provider: provider.to_owned(),
        role: role.to_owned(),
        cause: cause.to_owned(),
    });
    Ok(None)
}

/// Whether what a group brought is over by its time alone: then it comes again. What somebody took away does not.
fn has_run_out(tx: &mut Tx<'_>, brought: &Brought) -> Result<bool> {
    let Some(grant) = &brought.grant else { return Ok(false) };
    let grant = grants::find(tx, grant)?;
    Ok(match grant.state {
        GrantState::Expired => true,
        GrantState::Active | GrantState::Suspended => !grant.lives(tx.now),
        GrantState::Revoked => false,
    })
}

fn take_away(tx: &mut Tx<'_>, brought: &Brought, cause: &str) -> Result<()> {
    if let Some(grant) = &brought.grant {
        grants::revoke(tx, grant, cause, None)?;
    }
    if let Some(request) = &brought.request {
        requests::take_back(tx, request, &Caller::house(ACTOR))?;
    }
    Ok(())
}

fn bring(tx: &mut Tx<'_>, settings: &IdentityProvider, account: &AccountId, role: &str) -> Result<Brought> {
    let record = roles::role(tx, role)?;
    // Held by other means: a group neither prolongs what it did not bring nor makes it its own.
    if grants::living(tx, account)?.iter().any(|grant| grant.role == role && grant.scope.is_none()) {
        return Err(Error::conflict("already-held", "The account holds this role already."));
    }
    let until = limits::latest_end(tx, &record, tx.now)?;
    let reason = format!("By a group at {}", settings.name);
    let mut brought = Brought { role: role.to_owned(), grant: None, request: None };
    if record.access_role || record.application == OWN_APPLICATION {
        if record.specification.approval.is_empty() {
            return Err(Error::conflict("no-approver", "Nobody would approve this role."));
        }
        let ask = Ask {
            account: Some(account.clone()),
            role: role.to_owned(),
            reason,
            scope: None,
            valid_from: None,
            until: Until::At(until),
        };
        brought.request = Some(requests::ask_for(tx, &ask, account)?.id);
        return Ok(brought);
    }
    let wanted = NewGrant {
        account: account.clone(),
        role: role.to_owned(),
        scope: None,
        reason,
        source: Source::Upstream,
        approvers: Vec::new(),
        request: None,
        valid_from: None,
        expires_at: Some(until),
    };
    brought.grant = Some(grants::grant(tx, &wanted)?.id);
    Ok(brought)
}
