//! What becomes of a grant: revoked, suspended, resumed, kept, run out.
//!
//! Rules: a grant that is over stays over; no change leaves fewer people able to administer than `floor` says; each
//! change records one event with the grant's row. Calls `floor`, `limits`, `giving`.

use super::giving::checked_reason;
use super::grants::{Grant, GrantState, find};
use super::store::{catalogue as catalogue_store, grants as store};
use super::{attestations, floor, limits};
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::ids::GrantId;
use crate::log::append::next_revision;
use crate::log::event::Change;
use crate::vault;

/// Ends a grant before its time. A grant that is over already stays as it is.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] `floor` if too few people could administer then.
pub fn revoke(tx: &mut Tx<'_>, id: &GrantId, cause: &str, reason: Option<&str>) -> Result<Grant> {
    let known = find(tx, id)?;
    if matches!(known.state, GrantState::Revoked | GrantState::Expired) {
        return Ok(known);
    }
    floor::without_grant(tx, &known)?;
    let reason = match reason {
        Some(text) => Some(vault::keep(tx, checked_reason(text)?)?),
        None => None,
    };
    let ended =
        Grant { state: GrantState::Revoked, ended_at: Some(tx.now), revision: next_revision(tx)?, ..known };
    store::end(tx, &ended, cause)?;
    let change = Change::GrantRevoked {
        grant: ended.id.clone(),
        account: ended.account.clone(),
        role: ended.role.clone(),
        cause: cause.to_owned(),
        reason,
    };
    let row = ended.governed()?;
    tx.record_rows(change, vec![row]);
    Ok(ended)
}

/// Ends every grant of a role; returns how many.
///
/// # Errors
/// As [`revoke`].
pub fn revoke_role(tx: &mut Tx<'_>, role: &str, cause: &str) -> Result<usize> {
    let open = store::open_of_role(tx, role)?;
    for id in &open {
        revoke(tx, id, cause, None)?;
    }
    Ok(open.len())
}

/// Lets a grant rest until somebody decides. One that rests already, or is over, stays as it is.
///
/// # Errors
/// As [`revoke`].
pub fn suspend(tx: &mut Tx<'_>, id: &GrantId, cause: &str) -> Result<Grant> {
    let known = find(tx, id)?;
    if known.state != GrantState::Active {
        return Ok(known);
    }
    floor::without_grant(tx, &known)?;
    let resting = Grant { state: GrantState::Suspended, revision: next_revision(tx)?, ..known };
    store::update(tx, &resting)?;
    let change = Change::GrantSuspended {
        grant: resting.id.clone(),
        account: resting.account.clone(),
        role: resting.role.clone(),
        cause: cause.to_owned(),
    };
    let row = resting.governed()?;
    tx.record_rows(change, vec![row]);
    Ok(resting)
}

/// Lets a resting grant count again. One that does not rest stays as it is.
///
/// # Errors
/// [`Error::NotFound`].
pub fn resume(tx: &mut Tx<'_>, id: &GrantId, cause: &str) -> Result<Grant> {
    let known = find(tx, id)?;
    if known.state != GrantState::Suspended {
        return Ok(known);
    }
    let active = Grant { state: GrantState::Active, revision: next_revision(tx)?, ..known };
    store::update(tx, &active)?;
    let change = Change::GrantResumed {
        grant: active.id.clone(),
        account: active.account.clone(),
        role: active.role.clone(),
        cause: cause.to_owned(),
    };
    let row = active.governed()?;
    tx.record_rows(change, vec![row]);
    Ok(active)
}

/// Confirms a grant, and moves its end if one is given. A resting grant goes on resting: see [`resume`].
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] `grant-over`, `prerequisite`; [`Error::Invalid`] for an end that is too late or past.
pub fn keep(tx: &mut Tx<'_>, id: &GrantId, until: Option<Timestamp>, cause: &str) -> Result<Grant> {
    let known = find(tx, id)?;
    if !known.lives(tx.now) {
        return Err(Error::conflict("grant-over", "The grant is over; ask for the role anew."));
    }
    attestations::needed_for(tx, &known.account, &known.role)?;
    let expires_at = match until {
        None => known.expires_at,
        Some(until) => {
            let role = catalogue_store::find_role(tx, &known.role)?.ok_or(Error::NotFound("role"))?;
            let from = known.valid_from.max(tx.now);
            if until <= from {
                return Err(Error::field("keep_until", "must lie ahead"));
            }
            let latest = limits::latest_end(tx, &role, from)?;
            if until > latest {
                let advice = format!("this role is kept until {latest} at most");
                return Err(Error::field_by_clause("keep_until", advice, "O12"));
            }
            Some(until)
        }
    };
    let kept = Grant { expires_at, confirmed_at: tx.now, revision: next_revision(tx)?, ..known };
    store::update(tx, &kept)?;
    record_kept(tx, kept, cause)
}

/// Moves a grant's end without anybody's decision; for the floor alone.
pub(super) fn prolong(tx: &mut Tx<'_>, known: Grant, until: Timestamp, cause: &str) -> Result<Grant> {
    let longer = Grant { expires_at: Some(until), revision: next_revision(tx)?, ..known };
    store::update(tx, &longer)?;
    record_kept(tx, longer, cause)
}

pub(super) fn record_kept(tx: &mut Tx<'_>, kept: Grant, cause: &str) -> Result<Grant> {
    let change = Change::GrantKept {
        grant: kept.id.clone(),
        account: kept.account.clone(),
        role: kept.role.clone(),
        expires_at: kept.expires_at,
        cause: cause.to_owned(),
    };
    let row = kept.governed()?;
    tx.record_rows(change, vec![row]);
    Ok(kept)
}

/// Tidies up grants whose end has passed, at most `limit`; returns how many there were.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn expire(tx: &mut Tx<'_>, limit: i64) -> Result<usize> {
    let over = store::past_end(tx, limit)?;
    let count = over.len();
    for known in over {
        let ended = Grant {
            state: GrantState::Expired,
            ended_at: known.expires_at,
            revision: next_revision(tx)?,
            ..known
        };
        store::end(tx, &ended, "expired")?;
        let change = Change::GrantExpired {
            grant: ended.id.clone(),
            account: ended.account.clone(),
            role: ended.role.clone(),
        };
        let row = ended.governed()?;
        tx.record_rows(change, vec![row]);
    }
    Ok(count)
}
