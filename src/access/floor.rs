//! The floor: somebody can always administer.
//!
//! Rules: no change and no job leaves fewer than two people able to administer, or one while only one exists. Able is
//! a person in use with a grant of the administrator's role that counts now. The end of such a grant is no change and
//! cannot be refused, so the house warns of it, and prolongs it shortly before where the floor would break. Calls
//! `store`, `grants`, `alarms`.

use std::collections::BTreeSet;

use chrono::Duration;

use super::ending::prolong;
use super::grants::Grant;
use super::people;
use super::store::grants as store;
use crate::alarms::{self, Rule, Severity, Sighting};
use crate::clock::Timestamp;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::ids::AccountId;

/// The role whose holders can administer.
pub const ADMINISTRATOR: &str = "bailiwick/administrator";

/// How many people must stay able to administer, once there are so many.
const ENOUGH: usize = 2;
/// How long before its end a grant is prolonged that the floor needs, and by how much.
const NOTICE: Duration = Duration::days(1);
const RESPITE: Duration = Duration::days(7);
/// How long before its end a grant is warned of (DESIGN §4).
const WARNING: Duration = Duration::days(30);

/// The grants by which people can administer at `at`, judged by everything known now.
fn able(reader: &mut Reader<'_>, at: Timestamp) -> Result<Vec<Grant>> {
    let mut able = Vec::new();
    for grant in store::active_of_role(reader, ADMINISTRATOR)? {
        let counts = grant.valid_from <= at && grant.expires_at.is_none_or(|end| at < end);
        if counts {
            let standing = people::standing(reader, &grant.account)?;
            if standing.person && standing.in_use {
                able.push(grant);
            }
        }
    }
    Ok(able)
}

fn people_of<'a>(grants: impl IntoIterator<Item = &'a Grant>) -> usize {
    grants.into_iter().map(|grant| &grant.account).collect::<BTreeSet<_>>().len()
}

/// How many people can administer now.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn administrators(reader: &mut Reader<'_>) -> Result<Vec<AccountId>> {
    let now = reader.now;
    let accounts: BTreeSet<AccountId> = able(reader, now)?.into_iter().map(|grant| grant.account).collect();
    Ok(accounts.into_iter().collect())
}

/// Refuses to end or suspend a grant that the floor needs.
///
/// # Errors
/// [`Error::Conflict`] `floor`.
pub(super) fn without_grant(reader: &mut Reader<'_>, grant: &Grant) -> Result<()> {
    if grant.role != ADMINISTRATOR {
        return Ok(());
    }
    without(reader, |other| other.id != grant.id)
}

/// Refuses what would take an account out of use that the floor needs: leaving, suspension. Asked before an account is
/// suspended or a leaver is reported.
///
/// # Errors
/// [`Error::Conflict`] `floor`.
pub fn without_account(reader: &mut Reader<'_>, account: &AccountId) -> Result<()> {
    without(reader, |grant| &grant.account != account)
}

fn without(reader: &mut Reader<'_>, stays: impl Fn(&Grant) -> bool) -> Result<()> {
    let now = reader.now;
    let before = able(reader, now)?;
    let left = people_of(before.iter().filter(|grant| stays(grant)));
    if left < people_of(&before).min(ENOUGH) {
        let advice = "Too few people could administer then. Give another person the role bailiwick/administrator first.";
        return Err(Error::conflict("floor", advice));
    }
    Ok(())
}

/// Raises an alarm for each administrator's grant that ends within thirty days, once for each end; returns how many.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn warn(tx: &mut Tx<'_>) -> Result<usize> {
    let (now, soon) = (tx.now, tx.now.plus(WARNING));
    let mut raised = 0;
    for grant in able(tx, now)? {
        let Some(end) = grant.expires_at.filter(|end| *end < soon) else { continue };
        let at = end.seconds().unsigned_abs();
        if alarms::highest(tx, Rule::AdministratorEnds, grant.id.as_str())? >= at {
            continue;
        }
        let seen = Sighting::of(Rule::AdministratorEnds, Severity::Warning)
            .account(Some(&grant.account))
            .about(grant.id.as_str())
            .observed(at)
            .samples([format!("ends {end}")]);
        alarms::raise(tx, seen)?;
        raised += 1;
    }
    Ok(raised)
}

/// Prolongs administrators' grants that end within a day and that the floor needs; returns how many.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn prolong_needed(tx: &mut Tx<'_>) -> Result<usize> {
    let (now, soon) = (tx.now, tx.now.plus(NOTICE));
    let mut ending: Vec<Grant> = able(tx, now)?;
    let needed = people_of(&ending).min(ENOUGH);
    let mut staying = people_of(ending.iter().filter(|grant| lasts(grant, soon)));
    // The latest end first: of several that end, those are kept that were meant to last longest.
    ending.retain(|grant| !lasts(grant, soon));
    ending.sort_by_key(|grant| std::cmp::Reverse(grant.expires_at));
    let mut prolonged = 0;
    for grant in ending {
        if staying >= needed {
            break;
        }
        let until = grant.expires_at.unwrap_or(now).plus(RESPITE);
        prolong(tx, grant, until, "floor")?;
        (staying, prolonged) = (staying + 1, prolonged + 1);
    }
    Ok(prolonged)
}

fn lasts(grant: &Grant, at: Timestamp) -> bool {
    grant.expires_at.is_none_or(|end| at < end)
}
