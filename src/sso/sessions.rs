//! Sign-ins that a provider vouched for: what a session here goes back to.
//!
//! May call: `linking` for digests, `store`.

use super::linking;
use super::store;
use super::tokens::Identity;
use crate::config::IdentityProvider;
use crate::db::Tx;
use crate::error::Result;
use crate::ids::{AccountId, uuid_v7};
use crate::vault::Vault;

const SPACE: &str = "sso_sid";

/// Notes a sign-in; returns what its sessions go back to.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub(super) fn begin(
    tx: &mut Tx<'_>,
    settings: &IdentityProvider,
    identity: &Identity,
    account: &AccountId,
) -> Result<String> {
    let id = uuid_v7(tx.now, tx.entropy());
    let digests = linking::digests(tx.vault(), &settings.issuer, &identity.subject);
    let link = store::link(tx, &digests)?.map(|(digest, _)| digest).unwrap_or_default();
    store::use_link(tx, &link)?;
    let sid = identity.sid.as_deref().and_then(|sid| sids(tx.vault(), settings, sid).pop());
    store::insert_session(tx, (&id, account), (&settings.key, &link, sid.as_deref()))?;
    Ok(id)
}

/// The digests under which a provider's session may be kept.
pub(super) fn sids(vault: &Vault, settings: &IdentityProvider, sid: &str) -> Vec<String> {
    vault.blind_indexes(SPACE, &linking::exactly(&settings.issuer, sid))
}
