//! Taking every way in away, when somebody leaves: sessions, links, password, second factor, passkeys, recovery codes,
//! known devices.
//!
//! May call: nothing beyond this slice.

use super::links::{self, Purpose};
use super::store::credentials as store;
use super::{known_devices, passkeys, sessions, totp};
use crate::db::Tx;
use crate::error::Result;
use crate::ids::AccountId;

/// Ends every session of the account and forgets its credentials; returns how many sessions were full. `cause` is a
/// word of ours, such as "left". Who comes back begins anew.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn close(tx: &mut Tx<'_>, account: &AccountId, cause: &str) -> Result<usize> {
    let ended = sessions::end_all(tx, account, None, cause)?;
    links::void(tx, Purpose::Enrolment, Some(account))?;
    store::delete_password(tx, account)?;
    totp::remove(tx, account)?;
    known_devices::void(tx, account)?;
    passkeys::remove_all(tx, account)?;
    Ok(ended)
}
