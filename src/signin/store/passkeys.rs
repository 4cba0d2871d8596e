//! Rows of `passkeys` and `passkey_ceremonies`: `digest` is the blind index of the credential's id, `credential` what
//! webauthn-rs keeps of it and `name` what its owner calls it, both sealed; `counter` how often the device has counted
//! it; `bound_to` the session or browser that a ceremony belongs to, `state` what webauthn-rs keeps of it, sealed.

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::schema::{passkey_ceremonies as ceremonies, passkeys};
use crate::db::{Reader, Tx};
use crate::error::Result;
use crate::ids::{AccountId, CeremonyId, PasskeyId};
use crate::signin::passkeys::Purpose;

/// A passkey as it is kept; `credential` and `name` are sealed.
#[derive(Queryable)]
pub struct Row {
    pub id: PasskeyId,
    pub account: AccountId,
    pub credential: Vec<u8>,
    pub name: Vec<u8>,
    pub created_at: Timestamp,
    pub used_at: Option<Timestamp>,
}

type Columns = (
    passkeys::id,
    passkeys::account,
    passkeys::credential,
    passkeys::name,
    passkeys::created_at,
    passkeys::used_at,
);

const COLUMNS: Columns = (
    passkeys::id,
    passkeys::account,
    passkeys::credential,
    passkeys::name,
    passkeys::created_at,
    passkeys::used_at,
);

/// The passkeys of an account, the oldest first.
pub fn list(reader: &mut Reader<'_>, account: &AccountId) -> Result<Vec<Row>> {
    Ok(passkeys::table
        .filter(passkeys::account.eq(account))
        .order((passkeys::created_at, passkeys::id))
        .limit(100)
        .select(COLUMNS)
        .load(reader.connection)?)
}

pub fn count(reader: &mut Reader<'_>, account: &AccountId) -> Result<i64> {
    Ok(passkeys::table.filter(passkeys::account.eq(account)).count().get_result(reader.connection)?)
}

/// The passkey with that id, if it is the account's.
pub fn find(reader: &mut Reader<'_>, account: &AccountId, id: &PasskeyId) -> Result<Option<Row>> {
    Ok(passkeys::table
        .find(id)
        .filter(passkeys::account.eq(account))
        .select(COLUMNS)
        .first(reader.connection)
        .optional()?)
}

/// The passkey whose credential has one of these blind indexes.
pub fn by_digest(reader: &mut Reader<'_>, digests: &[String]) -> Result<Option<Row>> {
    Ok(passkeys::table
        .filter(passkeys::digest.eq_any(digests))
        .select(COLUMNS)
        .first(reader.connection)
        .optional()?)
}

/// A new row.
pub struct New<'a> {
    pub id: &'a PasskeyId,
    pub account: &'a AccountId,
    pub digest: &'a str,
    pub credential: &'a [u8],
    pub name: &'a [u8],
    pub counter: i64,
}

pub fn insert(tx: &mut Tx<'_>, new: &New<'_>) -> Result<()> {
    diesel::insert_into(passkeys::table)
        .values((
            passkeys::id.eq(new.id),
            passkeys::account.eq(new.account),
            passkeys::digest.eq(new.digest),
            passkeys::credential.eq(new.credential),
            passkeys::name.eq(new.name),
            passkeys::counter.eq(new.counter),
            passkeys::created_at.eq(tx.now),
        ))
        .execute(tx.connection)?;
    Ok(())
}

/// Notes a use with the device's count: true unless the count is not above the one before. Devices that do not count
/// say nought every time.
pub fn used(tx: &mut Tx<'_>, id: &PasskeyId, counter: i64, credential: &[u8]) -> Result<bool> {
    let values =
        (passkeys::counter.eq(counter), passkeys::credential.eq(credential), passkeys::used_at.eq(tx.now));
    let row = diesel::update(passkeys::table.find(id));
    let counted = match counter {
        0 => row.filter(passkeys::counter.eq(0)).set(values).execute(tx.connection)?,
        _ => row.filter(passkeys::counter.lt(counter)).set(values).execute(tx.connection)?,
    };
    Ok(counted == 1)
}

pub fn rename(tx: &mut Tx<'_>, id: &PasskeyId, name: &[u8]) -> Result<()> {
    diesel::update(passkeys::table.find(id)).set(passkeys::name.eq(name)).execute(tx.connection)?;
    Ok(())
}

pub fn delete(tx: &mut Tx<'_>, id: &PasskeyId) -> Result<bool> {
    Ok(diesel::delete(passkeys::table.find(id)).execute(tx.connection)? == 1)
}

/// Begins a ceremony.
pub fn begin(
    reader: &mut Reader<'_>,
    id: &CeremonyId,
    (purpose, bound_to): (Purpose, &str),
    state: &[u8],
    expires_at: Timestamp,
) -> Result<()> {
    diesel::insert_into(ceremonies::table)
        .values((
            ceremonies::id.eq(id),
            ceremonies::purpose.eq(purpose),
            ceremonies::bound_to.eq(bound_to),
            ceremonies::state.eq(state),
            ceremonies::expires_at.eq(expires_at),
        ))
        .execute(reader.connection)?;
    Ok(())
}

/// Takes a ceremony: of any number who try, one gets its state.
pub fn take(
    reader: &mut Reader<'_>,
    id: &CeremonyId,
    (purpose, bound_to): (Purpose, &str),
) -> Result<Option<Vec<u8>>> {
    let now = reader.now;
    Ok(diesel::delete(ceremonies::table.find(id))
        .filter(ceremonies::purpose.eq(purpose))
        .filter(ceremonies::bound_to.eq(bound_to))
        .filter(ceremonies::expires_at.gt(now))
        .returning(ceremonies::state)
        .get_result(reader.connection)
        .optional()?)
}

/// Deletes up to `limit` ceremonies whose time is over; returns how many.
pub fn forget(reader: &mut Reader<'_>, limit: i64) -> Result<usize> {
    let old: Vec<CeremonyId> = ceremonies::table
        .filter(ceremonies::expires_at.le(reader.now))
        .limit(limit)
        .select(ceremonies::id)
        .load(reader.connection)?;
    Ok(diesel::delete(ceremonies::table.filter(ceremonies::id.eq_any(&old))).execute(reader.connection)?)
}
