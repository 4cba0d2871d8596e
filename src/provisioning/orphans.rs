//! Access of nobody known: claimed for a person, declared to be a service's, or removed.
//!
//! Rules: the system's owner decides, or whoever looks after every system; nobody claims anything for themselves, since
//! that would be giving it; what was claimed is an imported grant like any other: it ends after one cadence, and an
//! access role rests until a reviewer keeps it, who is not the one that claimed it. May call `access::importing`.

use super::holdings::{self, owns};
use super::store::holdings as store;
use super::tasks::{self, Origin, Task};
use super::{Holding, HoldingState, Viewer};
use crate::access::importing::{self, Existing};
use crate::access::roles;
use crate::accounts::{self, Account, Kind, NewService, Standing};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::ids::{AccountId, HoldingId};
use crate::log::append::next_revision;
use crate::log::event::Change;

/// An orphan about which this viewer may decide.
fn own_orphan(tx: &mut Tx<'_>, id: &HoldingId, viewer: &Viewer) -> Result<Holding> {
    let holding = holdings::find(tx, id, viewer)?;
    if !viewer.handles && !owns(tx, viewer, &holding.system)? {
        return Err(Error::forbidden("not-yours-to-decide", "The owner of the system decides about it."));
    }
    if holding.state != HoldingState::Orphan {
        return Err(Error::conflict("decided", "It is decided already whose this is."));
    }
    Ok(holding)
}

/// Says whose it is.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] for oneself or another's system; [`Error::Conflict`] if it is decided, or
/// if the person has left.
pub fn claim(tx: &mut Tx<'_>, id: &HoldingId, person: &AccountId, viewer: &Viewer) -> Result<Holding> {
    let holding = own_orphan(tx, id, viewer)?;
    if *person == viewer.account {
        let advice = "Nobody says for themselves that access is theirs; ask whoever looks after the systems.";
        return Err(Error::forbidden("self-approval", advice));
    }
    let account = accounts::find(tx, person)?;
    if account.standing(tx.now) == Standing::Over {
        let advice = "This person has left; have the access removed.";
        return Err(Error::conflict("account-gone", advice));
    }
    settle(tx, holding, &account, "claimed")
}

/// Says that it is a service's, which is made for it; the system's owner answers for the service.
///
/// # Errors
/// As [`claim`]; [`Error::Invalid`] for a name that does not do.
pub fn declare(tx: &mut Tx<'_>, id: &HoldingId, name: &str, viewer: &Viewer) -> Result<Holding> {
    let holding = own_orphan(tx, id, viewer)?;
    let owner = roles::application(tx, &holding.system)?.owner.unwrap_or_else(|| viewer.account.clone());
    let new = NewService {
        username: name.to_owned(),
        owner,
        purpose: None,
        external_id: None,
        attributes: accounts::details::Attributes::default(),
    };
    let service = accounts::create_service(tx, new)?;
    settle(tx, holding, &service, "declared a service")
}

fn settle(tx: &mut Tx<'_>, mut holding: Holding, account: &Account, outcome: &str) -> Result<Holding> {
    let role = roles::role(tx, &holding.role)?;
    if let Some(why) = importing::refusal(&role) {
        return Err(Error::conflict("not-for-this-account", why));
    }
    let existing = Existing { account: account.id.clone(), role };
    let taken = importing::take_over(tx, &[existing])?;
    holding.grant = taken.into_iter().next().map(|taken| taken.grant);
    holding.account = Some(account.id.clone());
    (holding.state, holding.doubt, holding.drift) = (HoldingState::Held, None, false);
    holding.brought_by = tx.caller.label();
    holding.revision = next_revision(tx)?;
    store::update(tx, &holding)?;
    tx.record(Change::HoldingSettled {
        holding: holding.id.clone(),
        account: holding.account.clone(),
        outcome: format!("{outcome}, {}", if account.kind == Kind::Person { "person" } else { "service" }),
    });
    Ok(holding)
}

/// Has it removed: a task for the system's owner.
///
/// # Errors
/// As [`claim`].
pub fn remove(tx: &mut Tx<'_>, id: &HoldingId, viewer: &Viewer) -> Result<Task> {
    let mut holding = own_orphan(tx, id, viewer)?;
    (holding.state, holding.drift) = (HoldingState::Removing, false);
    holding.revision = next_revision(tx)?;
    store::update(tx, &holding)?;
    tx.record(Change::HoldingSettled {
        holding: holding.id.clone(),
        account: holding.account.clone(),
        outcome: "to be removed".to_owned(),
    });
    tasks::opening::for_holding(tx, &holding, &Origin::Orphan)
}
