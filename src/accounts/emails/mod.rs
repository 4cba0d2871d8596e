//! Changes of e-mail addresses: who may be written to at the old one, and since when the new one is new.
//!
//! Rules: whoever changes the address of somebody else could have their links; so the old address hears of it, and for
//! a day the new one gets none that lets its reader in. The old address is sealed, and forgotten after some days.

mod store;

use chrono::Duration;

use crate::clock::Timestamp;
use crate::db::{Reader, Tx};
use crate::entropy::Entropy;
use crate::error::Result;
use crate::ids::{AccountId, uuid_v7};
use crate::vault::{Place, Vault};

/// For so long a new address gets no link that recovers.
pub const NEW_FOR: Duration = Duration::hours(24);
/// For so long an old address is kept: longer than a mail to it is tried.
const KEPT: Duration = Duration::days(7);

/// Notes that an address changed.
pub(super) fn note(tx: &mut Tx<'_>, account: &AccountId, former: Option<&str>) -> Result<()> {
    let id = uuid_v7(tx.now, tx.entropy());
    let seal =
        |vault: &Vault, entropy: &dyn Entropy, text: &str| vault.seal(entropy, place(&id), text.as_bytes());
    let former = former.map(|text| seal(tx.vault(), tx.entropy(), text)).transpose()?;
    store::insert(tx, &id, account, former)
}

/// The change of an account's address at that instant, if one left an old address behind.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn changed_at(reader: &mut Reader<'_>, account: &AccountId, at: Timestamp) -> Result<Option<String>> {
    store::changed_at(reader, account, at)
}

/// The address before a change; `None` once it is forgotten.
///
/// # Errors
/// [`crate::error::Error::Internal`] if it does not open.
pub fn former(reader: &mut Reader<'_>, change: &str) -> Result<Option<String>> {
    let sealed = store::former(reader, change)?;
    sealed.map(|sealed| reader.vault().open_text(place(change), &sealed)).transpose()
}

/// Whether the account's address is so new that it gets no link that recovers.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn is_new(reader: &mut Reader<'_>, account: &AccountId) -> Result<bool> {
    let since = reader.now.minus(NEW_FOR);
    store::changed_after(reader, account, since)
}

/// Deletes up to `limit` changes of a week ago or earlier; returns how many.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn forget(tx: &mut Tx<'_>, limit: i64) -> Result<usize> {
    let before = tx.now.minus(KEPT);
    store::forget(tx, before, limit)
}

fn place(id: &str) -> Place<'_> {
    Place { table: "email_changes", column: "former", row: id }
}
