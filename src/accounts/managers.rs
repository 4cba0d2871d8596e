//! Who reports to whom: direct reports, whole teams, the chain upwards.
//!
//! Rules: a manager is a person; nobody is above themselves; every walk is bounded, so that a circle that came in
//! some other way ends it.

use std::collections::HashSet;

use super::state::{Kind, Standing};
use super::{Account, find, store};
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::ids::AccountId;

/// The longest chain of managers that is walked.
pub const DEEPEST: usize = 64;
/// The most people that a team may have before the walk ends.
pub const LARGEST: usize = 100_000;

/// The people who report to `manager` directly, gone ones included, ordered by id.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn reports(reader: &mut Reader<'_>, manager: &AccountId) -> Result<Vec<Account>> {
    store::reports(reader, std::slice::from_ref(manager), LARGEST as i64)
}

/// Everybody below `manager`, level by level, gone ones included.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn team(reader: &mut Reader<'_>, manager: &AccountId) -> Result<Vec<Account>> {
    let mut seen = HashSet::from([manager.clone()]);
    let mut level = vec![manager.clone()];
    let mut everybody = Vec::new();
    for _ in 0..DEEPEST {
        let mut next = Vec::new();
        for managers in level.chunks(1_000) {
            next.extend(store::reports(reader, managers, LARGEST as i64)?);
        }
        next.retain(|account| seen.insert(account.id.clone()));
        if next.is_empty() || everybody.len() + next.len() > LARGEST {
            break;
        }
        level = next.iter().map(|account| account.id.clone()).collect();
        everybody.append(&mut next);
    }
    Ok(everybody)
}

/// The managers above an account, nearest first.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn chain(reader: &mut Reader<'_>, id: &AccountId) -> Result<Vec<AccountId>> {
    let mut above: Vec<AccountId> = Vec::new();
    let mut current = id.clone();
    while above.len() < DEEPEST {
        let Some(manager) = store::manager_of(reader, &current)? else { break };
        if manager == *id || above.contains(&manager) {
            break;
        }
        above.push(manager.clone());
        current = manager;
    }
    Ok(above)
}

/// Refuses a manager who is no person, or would stand above themselves.
pub(super) fn check(reader: &mut Reader<'_>, id: &AccountId, manager: &AccountId) -> Result<()> {
    if manager == id || chain(reader, manager)?.contains(id) {
        return Err(Error::field("manager", "would stand above themselves"));
    }
    match find(reader, manager) {
        Ok(found) if found.kind == Kind::Person => Ok(()),
        Ok(_) | Err(Error::NotFound(_)) => Err(Error::field("manager", "must be a person")),
        Err(error) => Err(error),
    }
}

/// Refuses a manager who is gone. Who was set by hand must be there; a file may still name who has left.
pub(super) fn check_works_here(reader: &mut Reader<'_>, manager: &AccountId) -> Result<()> {
    match find(reader, manager) {
        Ok(found) if found.standing(reader.now) == Standing::Over => {
            Err(Error::field("manager", "must be a person who works here"))
        }
        Ok(_) | Err(Error::NotFound(_)) => Ok(()),
        Err(error) => Err(error),
    }
}
