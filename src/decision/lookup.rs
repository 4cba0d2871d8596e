//! Who can, what can, today or at a past instant, and who said so.
//!
//! Rules: today is answered by the index that decides; the past by the histories of the rows; beside each grant stands
//! how it came about and who approved it, as of then. Calls `as_of`, `access`.

use std::collections::HashMap;

use super::as_of::AsOf;
use super::held::{Held, HeldPage};
use super::search::names_in;
use crate::access::past::{self, PastGrant};
use crate::app::App;
use crate::clock::Timestamp;
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::ids::{AccountId, GrantId};

/// The state after every event: what rows say now.
const NOW: u64 = i64::MAX.cast_unsigned();

/// The longest permission that is looked for, in bytes.
const MAX_PERMISSION: usize = 200;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a, T: ?Sized> {
    /// As of when; `None` for now.
    pub at: Option<Timestamp>,
    /// Behind which entry to begin.
    pub after: Option<&'a T>,
    /// About how many entries.
    pub limit: usize,
}

/// An answer: a page of a list, the event after which it was so, and the grants that its ways name.
pub struct Found<T> {
    /// The list.
    pub page: HeldPage<T>,
    /// The number of the last event that the answer takes in.
    pub revision: u64,
    /// The grants that the ways name.
    pub grants: HashMap<GrantId, PastGrant>,
}

/// Who holds a permission.
///
/// # Errors
/// [`Error::Invalid`] for a permission that is not there, or an instant that cannot be asked about.
pub fn holders(
    app: &App,
    reader: &mut Reader<'_>,
    permission: &str,
    place: &Place<'_, AccountId>,
) -> Result<Found<AccountId>> {
    let unknown =
        || Error::field("permission", "no catalogue had it then; it is written APPLICATION/FEATURE:ACTION");
    match place.at {
        None => {
            let state = app.decisions().snapshot();
            if !state.has_permission(permission) {
                return Err(unknown());
            }
            let page = state.holders(reader.now, permission, place.after, place.limit);
            found(reader, page, state.revision(), NOW)
        }
        Some(at) => {
            let past = AsOf::load(reader, at)?;
            if !past.has_permission(permission) {
                return Err(unknown());
            }
            let page = past.holders(reader, permission, place.after, place.limit)?;
            found(reader, page, past.revision(), past.revision())
        }
    }
}

/// What an account holds.
///
/// # Errors
/// [`Error::Invalid`] for an instant that cannot be asked about, or a place that is none.
pub fn holdings(
    app: &App,
    reader: &mut Reader<'_>,
    account: &AccountId,
    place: &Place<'_, str>,
) -> Result<Found<String>> {
    if place.after.is_some_and(|after| after.len() > MAX_PERMISSION || names_in(after).is_none()) {
        return Err(Error::field("cursor", "must be the next of the page before"));
    }
    match place.at {
        None => {
            let state = app.decisions().snapshot();
            let page = state.holdings(reader.now, account, place.after, place.limit);
            found(reader, page, state.revision(), NOW)
        }
        Some(at) => {
            let past = AsOf::load(reader, at)?;
            let page = past.holdings(reader, account, place.after, place.limit)?;
            found(reader, page, past.revision(), past.revision())
        }
    }
}

fn found<T>(reader: &mut Reader<'_>, page: HeldPage<T>, revision: u64, number: u64) -> Result<Found<T>> {
    let ways = page.items.iter().flat_map(|(_, ways)| ways);
    let mut ids: Vec<String> = ways.filter_map(grant_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let grants = past::grants(reader, number, &ids)?;
    let grants = grants.into_iter().map(|grant| (grant.id.clone(), grant)).collect();
    Ok(Found { page, revision, grants })
}

fn grant_id(way: &Held) -> Option<String> {
    way.grant.as_ref().map(ToString::to_string)
}
