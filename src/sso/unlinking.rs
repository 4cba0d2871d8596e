//! Taking somebody's subject at a provider away.
//!
//! Rules: it needs a fresh proof. Where handing a way in over needs a second person, so does this: one asks, another
//! agrees within a day. One's own goes only while another strong way in remains. With the subject go the sessions that
//! began by it, what its groups brought, and the second factor that the provider vouched for. May call: `signin`,
//! `accounts`.

use chrono::Duration;

use super::linking::place;
use super::roles;
use super::store::{self, KnownLink};
use crate::accounts;
use crate::caller::Actor;
use crate::config::IdentityProvider;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::ids::AccountId;
use crate::log::event::Change;
use crate::signin::{handing_over, sessions, vouched};

/// For so long it waits for a second person.
pub(super) const PATIENCE: Duration = Duration::hours(24);

crate::text_enum! {
    /// What came of it.
    pub enum Unlinked {
        /// It is taken away.
        Removed = "removed",
        /// Somebody else has to agree.
        Waiting = "waiting",
    }
}

/// Takes somebody's subject at a provider away, or asks a second person to agree; the second one says the same.
///
/// # Errors
/// [`Error::NotFound`] if there is none; [`Error::Forbidden`] `own-account`, `proof-required`, `not-yours` for whoever is
/// no person, and `second-person` for whoever asked already.
pub fn unlink(tx: &mut Tx<'_>, account: &AccountId, provider: &str) -> Result<Unlinked> {
    let Actor::Person { account: by, .. } = tx.caller.actor.clone() else {
        return Err(Error::forbidden("not-yours", "A person takes this away, who has proved who they are."));
    };
    if by == *account {
        let advice =
            "Your own you take away under My security; where that does not do, somebody else does it.";
        return Err(Error::forbidden("own-account", advice));
    }
    tx.caller.check_proof(tx.now)?;
    let link = store::link_of(tx, account, provider)?.ok_or(Error::NotFound("identity"))?;
    if handing_over::needs_second(tx, account)? {
        let since = tx.now.minus(PATIENCE);
        let asked =
            link.removal_asked_by.as_ref().filter(|_| link.removal_asked_at.is_some_and(|at| at > since));
        match asked {
            None => return ask(tx, account, provider, &link, &by),
            Some(before) if *before == by => {
                return Err(Error::forbidden(
                    "second-person",
                    "Somebody else has to agree. You asked for it.",
                ));
            }
            Some(_) => {}
        }
    }
    remove(tx, account, provider, &link)
}

fn ask(
    tx: &mut Tx<'_>,
    account: &AccountId,
    provider: &str,
    link: &KnownLink,
    by: &AccountId,
) -> Result<Unlinked> {
    store::ask_removal(tx, &link.digest, by)?;
    tx.record(Change::IdentityRemovalAsked { account: account.clone(), provider: provider.to_owned() });
    Ok(Unlinked::Waiting)
}

/// Takes one's own subject at a provider away.
///
/// # Errors
/// [`Error::NotFound`] if there is none; [`Error::Forbidden`] `proof-required`; [`Error::Conflict`] `last-factor` if
/// nothing else would let one in.
pub fn unlink_own(tx: &mut Tx<'_>, providers: &[IdentityProvider], provider: &str) -> Result<()> {
    let account = tx.caller.account().cloned().ok_or(Error::Unauthenticated)?;
    tx.caller.check_proof(tx.now)?;
    let link = store::link_of(tx, &account, provider)?.ok_or(Error::NotFound("identity"))?;
    if !vouched::enters_without(tx, providers, &account)? {
        let help = "Nothing else would let you in. Add a passkey first, or a password with an authenticator.";
        return Err(Error::conflict("last-factor", help));
    }
    remove(tx, &account, provider, &link).map(drop)
}

fn remove(tx: &mut Tx<'_>, account: &AccountId, provider: &str, link: &KnownLink) -> Result<Unlinked> {
    let name = tx.vault().open_text(place(&link.digest), &link.name)?;
    accounts::remove_federated_name(tx, account, &name)?;
    let origins = store::sessions_of(tx, provider, Some(std::slice::from_ref(&link.digest)), None)?;
    sessions::end_of_origins(tx, &origins, "unlinked")?;
    roles::take_all_away(tx, account, provider)?;
    store::delete_link(tx, &link.digest)?;
    tx.record(Change::IdentityUnlinked { account: account.clone(), provider: provider.to_owned() });
    vouched::forget_factor(tx, account)?;
    Ok(Unlinked::Removed)
}
