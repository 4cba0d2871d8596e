//! Rows of API keys.

use diesel::prelude::*;

use crate::access::keys::KeyCaller;
use crate::access::records::{from_json, to_json};
use crate::clock::Timestamp;
use crate::db::schema::api_keys;
use crate::db::{Reader, Tx};
use crate::error::Result;
use crate::ids::{AccountId, KeyId};

#[derive(Queryable)]
struct KeyRow {
    id: KeyId,
    digest: String,
    account: AccountId,
    application: Option<String>,
    asserts: Option<String>,
    networks: String,
    explains_pii: bool,
    expires_at: Timestamp,
    revoked_at: Option<Timestamp>,
}

macro_rules! columns {
    () => {
        (
            api_keys::id,
            api_keys::digest,
            api_keys::account,
            api_keys::application,
            api_keys::asserts,
            api_keys::networks,
            api_keys::explains_pii,
            api_keys::expires_at,
            api_keys::revoked_at,
        )
    };
}

fn read(row: KeyRow) -> Result<(KeyCaller, String)> {
    let key = KeyCaller {
        account: row.account,
        key: row.id,
        application: row.application,
        asserts: row.asserts.as_deref().map(|text| from_json(text, "reading a key")).transpose()?,
        networks: from_json(&row.networks, "reading a key")?,
        explains_pii: row.explains_pii,
        expires_at: row.expires_at,
        revoked_at: row.revoked_at,
    };
    Ok((key, row.digest))
}

/// The keys that are neither revoked nor over, with their digests.
pub(crate) fn open(reader: &mut Reader<'_>) -> Result<Vec<(KeyCaller, String)>> {
    let now = reader.now;
    let rows: Vec<KeyRow> = api_keys::table
        .filter(api_keys::revoked_at.is_null())
        .filter(api_keys::expires_at.gt(now))
        .select(columns!())
        .load(reader.connection)?;
    rows.into_iter().map(read).collect()
}

/// The key of that id, with its digest.
pub(crate) fn find(reader: &mut Reader<'_>, id: &KeyId) -> Result<Option<(KeyCaller, String)>> {
    let row: Option<KeyRow> =
        api_keys::table.find(id).select(columns!()).first(reader.connection).optional()?;
    row.map(read).transpose()
}

/// The keys of a service, by id.
pub(crate) fn of_account(reader: &mut Reader<'_>, account: &AccountId) -> Result<Vec<KeyCaller>> {
    let rows: Vec<KeyRow> = api_keys::table
        .filter(api_keys::account.eq(account))
        .order(api_keys::id)
        .select(columns!())
        .load(reader.connection)?;
    rows.into_iter().map(|row| read(row).map(|(key, _)| key)).collect()
}

/// Writes a new key.
pub(crate) fn insert(tx: &mut Tx<'_>, key: &KeyCaller, digest: &str) -> Result<()> {
    let now = tx.now;
    diesel::insert_into(api_keys::table)
        .values((
            api_keys::id.eq(&key.key),
            api_keys::digest.eq(digest),
            api_keys::account.eq(&key.account),
            api_keys::application.eq(&key.application),
            api_keys::asserts.eq(key.asserts.as_ref().map(to_json).transpose()?),
            api_keys::networks.eq(to_json(&key.networks)?),
            api_keys::explains_pii.eq(key.explains_pii),
            api_keys::created_at.eq(now),
            api_keys::expires_at.eq(key.expires_at),
        ))
        .execute(tx.connection)?;
    Ok(())
}

/// Writes that a key was revoked.
pub(crate) fn revoke(tx: &mut Tx<'_>, key: &KeyCaller) -> Result<()> {
    diesel::update(api_keys::table.find(&key.key))
        .set(api_keys::revoked_at.eq(key.revoked_at))
        .execute(tx.connection)?;
    Ok(())
}
