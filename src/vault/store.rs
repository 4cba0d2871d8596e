//! Rows of the vault: the key ring's wrapped keys and sealed texts.

use diesel::prelude::*;

use super::keyring::{Purpose, WrappedKey};
use crate::clock::Timestamp;
use crate::db::schema::{texts, vault_keys};
use crate::db::{AnyConnection, Reader, Tx};
use crate::error::Result;
use crate::ids::TextId;

pub(super) fn insert_text(tx: &mut Tx<'_>, id: &TextId, sealed: Vec<u8>) -> Result<()> {
    let now = tx.now;
    diesel::insert_into(texts::table)
        .values((texts::id.eq(id), texts::sealed.eq(sealed), texts::created_at.eq(now)))
        .execute(tx.connection)?;
    Ok(())
}

pub(super) fn find_text(reader: &mut Reader<'_>, id: &TextId) -> Result<Option<Vec<u8>>> {
    Ok(texts::table.find(id).select(texts::sealed).first(reader.connection).optional()?)
}

pub(super) fn keys(connection: &mut AnyConnection) -> Result<Vec<WrappedKey>> {
    let rows: Vec<(i32, Purpose, Vec<u8>)> = vault_keys::table
        .select((vault_keys::id, vault_keys::purpose, vault_keys::wrapped))
        .order(vault_keys::id)
        .load(connection)?;
    Ok(rows.into_iter().map(|(id, purpose, wrapped)| WrappedKey { id, purpose, wrapped }).collect())
}

pub(super) fn insert_key(connection: &mut AnyConnection, key: &WrappedKey, now: Timestamp) -> Result<()> {
    diesel::insert_into(vault_keys::table)
        .values((
            vault_keys::id.eq(key.id),
            vault_keys::purpose.eq(key.purpose),
            vault_keys::wrapped.eq(&key.wrapped),
            vault_keys::created_at.eq(now),
        ))
        .execute(connection)?;
    Ok(())
}
