//! Looking at holdings, and ending one.
//!
//! Rule: a system's owner sees the own systems; whoever looks after connections, or audits them, sees all.

use std::collections::HashMap;

use super::store::holdings::{self as store, Filter};
use super::{GoneHow, Holding, HoldingState, Use, Viewer};
use crate::access::roles;
use crate::clock::Timestamp;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::ids::{GrantId, HoldingId};
use crate::log::append::next_revision;
use crate::log::event::Change;

/// What is known of a grant's last use from its system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastUse {
    /// Date, never or unknown.
    pub used: Use,
    /// The date.
    pub at: Option<Timestamp>,
    /// Since when it is held there.
    pub since: Option<Timestamp>,
}

/// Which holdings a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Those of nobody known.
    Orphans,
    /// Those that turned up after the first list.
    Drift,
    /// All that are not gone.
    All,
}

impl Part {
    /// The part of that name.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is none.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "orphans" => Ok(Self::Orphans),
            "drift" => Ok(Self::Drift),
            "all" => Ok(Self::All),
            _ => Err(Error::field("view", "must be orphans, drift or all")),
        }
    }
}

/// The holding of that id, if this viewer may see it.
///
/// # Errors
/// [`Error::NotFound`] otherwise.
pub fn find(reader: &mut Reader<'_>, id: &HoldingId, viewer: &Viewer) -> Result<Holding> {
    let holding = store::find(reader, id)?.ok_or(Error::NotFound("holding"))?;
    if viewer.everything || owns(reader, viewer, &holding.system)? {
        return Ok(holding);
    }
    Err(Error::NotFound("holding"))
}

/// Whether somebody owns a system.
pub(super) fn owns(reader: &mut Reader<'_>, viewer: &Viewer, system: &str) -> Result<bool> {
    let owner = roles::application(reader, system).ok().and_then(|record| record.owner);
    Ok(owner.as_ref() == Some(&viewer.account))
}

/// Holdings of a part that this viewer may see, and the cursor of the next page.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn list(
    reader: &mut Reader<'_>,
    part: Part,
    system: Option<&str>,
    viewer: &Viewer,
    cursor: Option<&str>,
    limit: i64,
) -> Result<(Vec<Holding>, Option<String>)> {
    let mut systems = match viewer.everything {
        true => None,
        false => Some(roles::owned_by(reader, &viewer.account)?),
    };
    if let Some(system) = system {
        let may = systems.as_ref().is_none_or(|own| own.iter().any(|one| one == system));
        systems = Some(may.then(|| system.to_owned()).into_iter().collect());
    }
    let filter = Filter {
        state: (part == Part::Orphans).then_some(HoldingState::Orphan),
        drift: part == Part::Drift,
        systems,
    };
    let mut found = store::list(reader, &filter, cursor, limit + 1)?;
    let more = found.len() as i64 > limit;
    found.truncate(usize::try_from(limit).unwrap_or_default());
    let next = found.last().filter(|_| more).map(|last| last.id.to_string());
    Ok((found, next))
}

/// When the newest list of each system in force was read; `None` if none ever was.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn newest_lists(reader: &mut Reader<'_>) -> Result<Vec<(String, Option<Timestamp>)>> {
    store::newest_lists(reader)
}

/// How many holdings a system had that were not gone before `since`: those that belong to a grant, and the others.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn tally(reader: &mut Reader<'_>, system: &str, since: Timestamp) -> Result<(u64, u64)> {
    store::tally(reader, system, since)
}

/// Whether this caller brought the access of a grant here, by reading a list or by claiming it.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn brought_by(reader: &mut Reader<'_>, grant: &GrantId, label: &str) -> Result<bool> {
    Ok(store::of_grant(reader, grant)?.iter().any(|holding| holding.brought_by == label))
}

/// What the systems say about the last use of these grants: the newest date, else never, else nothing.
pub(super) fn last_uses(reader: &mut Reader<'_>, grants: &[GrantId]) -> Result<HashMap<GrantId, LastUse>> {
    let mut found: HashMap<GrantId, LastUse> = HashMap::new();
    for (grant, used, at, since) in store::uses(reader, grants)? {
        let said = LastUse { used, at, since };
        let known = found.entry(grant).or_insert(said);
        // A date says more than never, and never more than nothing.
        let says_more = (at > known.at) || (known.at.is_none() && used == Use::Never);
        let since = known.since.into_iter().chain(since).min();
        *known = LastUse { since, ..if says_more { said } else { *known } };
    }
    Ok(found)
}

/// Marks a holding as gone. The grant that it belonged to is another matter.
pub(super) fn end(tx: &mut Tx<'_>, mut holding: Holding, how: GoneHow) -> Result<()> {
    holding.state = HoldingState::Gone;
    (holding.gone_at, holding.gone_how) = (Some(tx.now), Some(how));
    holding.revision = next_revision(tx)?;
    store::update(tx, &holding)?;
    tx.record(Change::HoldingGone {
        holding: holding.id,
        system: holding.system,
        account: holding.account,
        how: how.to_string(),
    });
    Ok(())
}
