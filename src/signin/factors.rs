//! The strong factors of an account, whatever their kind: an authenticator, passkeys.
//!
//! Rule: nobody takes their own last one away. May call: `accounts`.

use super::{passkeys, totp};
use crate::accounts;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::ids::AccountId;
use crate::log::event::Change;

/// How many strong factors an account has.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub(super) fn count(reader: &mut Reader<'_>, account: &AccountId) -> Result<usize> {
    Ok(usize::from(totp::is_enrolled(reader, account)?) + passkeys::count(reader, account)?)
}

/// Whether an account has a strong factor.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub(super) fn has_any(reader: &mut Reader<'_>, account: &AccountId) -> Result<bool> {
    Ok(count(reader, account)? > 0)
}

/// Records that a factor was added, and with it that the account has a strong one.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub(super) fn record_new(tx: &mut Tx<'_>, account: &AccountId, change: Change) -> Result<()> {
    if accounts::find(tx, account)?.strong_factor {
        tx.record(change);
        return Ok(());
    }
    let row = accounts::set_strong_factor(tx, account, true)?;
    tx.record_rows(change, vec![row]);
    Ok(())
}

/// Refuses to take away the only strong factor of an account.
///
/// # Errors
/// [`Error::Conflict`] `last-factor`.
pub(super) fn check_another_stays(reader: &mut Reader<'_>, account: &AccountId) -> Result<()> {
    if count(reader, account)? > 1 {
        return Ok(());
    }
    let help = "It is the only thing besides your password that lets you in. Add another passkey or an authenticator \
                first; if you have lost it, the service desk helps.";
    Err(Error::conflict("last-factor", help))
}
