//! Rows of `passwords`, `totp_factors` and `recovery_codes`: `hash` and `history` are PHC texts (the history a JSON
//! list, newest first, the present one at its head), `secret` and `next_secret` are sealed, the next one waiting to take
//! the other's place, `last_step` the newest step whose code was taken, `digest` of a recovery code a keyed hash.

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::schema::{passwords, recovery_codes, totp_factors};
use crate::db::{Reader, Tx};
use crate::error::Result;
use crate::ids::AccountId;

/// A password as it is kept.
#[derive(Queryable)]
pub struct PasswordRow {
    pub hash: String,
    pub history: String,
    pub set_at: Timestamp,
    pub must_change: bool,
}

/// A TOTP factor as it is kept.
#[derive(Queryable)]
pub struct TotpRow {
    pub secret: Vec<u8>,
    pub confirmed_at: Option<Timestamp>,
    pub last_step: i64,
    pub next_secret: Option<Vec<u8>>,
}

pub fn password(reader: &mut Reader<'_>, account: &AccountId) -> Result<Option<PasswordRow>> {
    Ok(passwords::table
        .find(account)
        .select((passwords::hash, passwords::history, passwords::set_at, passwords::must_change))
        .first(reader.connection)
        .optional()?)
}

/// Accounts with a password and when it was set, by id, from the one after `after`.
pub fn passwords_after(
    reader: &mut Reader<'_>,
    after: Option<&AccountId>,
    limit: i64,
) -> Result<Vec<(AccountId, Timestamp)>> {
    Ok(passwords::table
        .filter(passwords::account.gt(after.map_or("", AccountId::as_str)))
        .order(passwords::account)
        .limit(limit)
        .select((passwords::account, passwords::set_at))
        .load(reader.connection)?)
}

/// Sets the password; it need not be changed.
pub fn set_password(tx: &mut Tx<'_>, account: &AccountId, hash: &str, history: &str) -> Result<()> {
    let values = (
        passwords::hash.eq(hash),
        passwords::history.eq(history),
        passwords::set_at.eq(tx.now),
        passwords::must_change.eq(false),
    );
    let changed = diesel::update(passwords::table.find(account)).set(values).execute(tx.connection)?;
    if changed == 0 {
        diesel::insert_into(passwords::table)
            .values((
                passwords::account.eq(account),
                passwords::hash.eq(hash),
                passwords::history.eq(history),
                passwords::set_at.eq(tx.now),
                passwords::must_change.eq(false),
            ))
            .execute(tx.connection)?;
    }
    Ok(())
}

/// Puts a dearer hash of the same password in place of `before`, unless the password changed meanwhile.
pub fn replace_hash(
    reader: &mut Reader<'_>,
    account: &AccountId,
    before: &str,
    hash: &str,
    history: &str,
) -> Result<()> {
    diesel::update(passwords::table.find(account))
        .filter(passwords::hash.eq(before))
        .set((passwords::hash.eq(hash), passwords::history.eq(history)))
        .execute(reader.connection)?;
    Ok(())
}

/// Deletes the password, its history with it; says whether there was one.
pub fn delete_password(tx: &mut Tx<'_>, account: &AccountId) -> Result<bool> {
    Ok(diesel::delete(passwords::table.find(account)).execute(tx.connection)? == 1)
}

pub fn totp(reader: &mut Reader<'_>, account: &AccountId) -> Result<Option<TotpRow>> {
    Ok(totp_factors::table
        .find(account)
        .select((
            totp_factors::secret,
            totp_factors::confirmed_at,
            totp_factors::last_step,
            totp_factors::next_secret,
        ))
        .first(reader.connection)
        .optional()?)
}

/// Puts an unconfirmed factor in place of whatever is there.
pub fn put_totp(tx: &mut Tx<'_>, account: &AccountId, secret: &[u8]) -> Result<()> {
    delete_totp(tx, account)?;
    diesel::insert_into(totp_factors::table)
        .values((
            totp_factors::account.eq(account),
            totp_factors::secret.eq(secret),
            totp_factors::last_step.eq(0),
        ))
        .execute(tx.connection)?;
    Ok(())
}

pub fn delete_totp(tx: &mut Tx<'_>, account: &AccountId) -> Result<bool> {
    Ok(diesel::delete(totp_factors::table.find(account)).execute(tx.connection)? == 1)
}

/// Takes the code of `step`: true once, for whoever comes first, and for no step before it any more.
pub fn take_step(tx: &mut Tx<'_>, account: &AccountId, step: i64) -> Result<bool> {
    let taken = diesel::update(totp_factors::table.find(account))
        .filter(totp_factors::last_step.lt(step))
        .set(totp_factors::last_step.eq(step))
        .execute(tx.connection)?;
    Ok(taken == 1)
}

/// Confirms the factor; false if it was confirmed already.
pub fn confirm_totp(tx: &mut Tx<'_>, account: &AccountId) -> Result<bool> {
    let confirmed = diesel::update(totp_factors::table.find(account))
        .filter(totp_factors::confirmed_at.is_null())
        .set(totp_factors::confirmed_at.eq(tx.now))
        .execute(tx.connection)?;
    Ok(confirmed == 1)
}

/// Keeps a secret that waits to take the place of the confirmed one.
pub fn put_next_secret(tx: &mut Tx<'_>, account: &AccountId, sealed: &[u8]) -> Result<()> {
    diesel::update(totp_factors::table.find(account))
        .set(totp_factors::next_secret.eq(sealed))
        .execute(tx.connection)?;
    Ok(())
}

/// Puts a secret that waited in the place of the one before it, with the step whose code confirmed it.
pub fn replace_secret(tx: &mut Tx<'_>, account: &AccountId, sealed: &[u8], step: i64) -> Result<()> {
    diesel::update(totp_factors::table.find(account))
        .set((
            totp_factors::secret.eq(sealed),
            totp_factors::next_secret.eq(None::<Vec<u8>>),
            totp_factors::confirmed_at.eq(tx.now),
            totp_factors::last_step.eq(step),
        ))
        .execute(tx.connection)?;
    Ok(())
}

pub fn delete_recovery_codes(tx: &mut Tx<'_>, account: &AccountId) -> Result<()> {
    diesel::delete(recovery_codes::table.filter(recovery_codes::account.eq(account)))
        .execute(tx.connection)?;
    Ok(())
}

pub fn insert_recovery_code(tx: &mut Tx<'_>, account: &AccountId, digest: &str) -> Result<()> {
    diesel::insert_into(recovery_codes::table)
        .values((recovery_codes::account.eq(account), recovery_codes::digest.eq(digest)))
        .execute(tx.connection)?;
    Ok(())
}

/// Uses a recovery code up: true once.
pub fn take_recovery_code(tx: &mut Tx<'_>, account: &AccountId, digests: &[String]) -> Result<bool> {
    let taken = diesel::update(recovery_codes::table)
        .filter(recovery_codes::account.eq(account))
        .filter(recovery_codes::digest.eq_any(digests))
        .filter(recovery_codes::used_at.is_null())
        .set(recovery_codes::used_at.eq(tx.now))
        .execute(tx.connection)?;
    Ok(taken == 1)
}

/// How many recovery codes are left.
pub fn recovery_codes_left(reader: &mut Reader<'_>, account: &AccountId) -> Result<i64> {
    Ok(recovery_codes::table
        .filter(recovery_codes::account.eq(account))
        .filter(recovery_codes::used_at.is_null())
        .count()
        .get_result(reader.connection)?)
}
