//! Rows of `known_devices`: `digest` is SHA-256 of the token as hex.

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::Reader;
use crate::db::schema::known_devices as devices;
use crate::error::Result;
use crate::ids::AccountId;

/// Whether that is a device of the account that still counts.
pub fn counts(reader: &mut Reader<'_>, account: &AccountId, digest: &str) -> Result<bool> {
    let counting = devices::table
        .find(digest)
        .filter(devices::account.eq(account))
        .filter(devices::ends_at.gt(reader.now));
    Ok(diesel::select(diesel::dsl::exists(counting)).get_result(reader.connection)?)
}

pub fn insert(reader: &mut Reader<'_>, account: &AccountId, digest: &str, ends_at: Timestamp) -> Result<()> {
    diesel::insert_into(devices::table)
        .values((
            devices::digest.eq(digest),
            devices::account.eq(account),
            devices::since.eq(reader.now),
            devices::ends_at.eq(ends_at),
        ))
        .execute(reader.connection)?;
    Ok(())
}

/// The digests of an account's devices, the newest first.
pub fn of_account(reader: &mut Reader<'_>, account: &AccountId) -> Result<Vec<String>> {
    Ok(devices::table
        .filter(devices::account.eq(account))
        .order((devices::since.desc(), devices::digest.asc()))
        .select(devices::digest)
        .load(reader.connection)?)
}

pub fn delete(reader: &mut Reader<'_>, digests: &[String]) -> Result<usize> {
    Ok(diesel::delete(devices::table.filter(devices::digest.eq_any(digests))).execute(reader.connection)?)
}

/// Deletes up to `limit` devices that ended before now; returns how many.
pub fn forget(reader: &mut Reader<'_>, limit: i64) -> Result<usize> {
    let old: Vec<String> = devices::table
        .filter(devices::ends_at.le(reader.now))
        .limit(limit)
        .select(devices::digest)
        .load(reader.connection)?;
    delete(reader, &old)
}
