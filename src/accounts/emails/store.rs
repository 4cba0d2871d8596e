//! Rows of `email_changes`: `former` is the sealed address before the change, if there was one.

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::schema::email_changes as changes;
use crate::db::{Reader, Tx};
use crate::error::Result;
use crate::ids::AccountId;

pub fn insert(tx: &mut Tx<'_>, id: &str, account: &AccountId, former: Option<Vec<u8>>) -> Result<()> {
    let values = (
        changes::id.eq(id),
        changes::account.eq(account),
        changes::former.eq(former),
        changes::changed_at.eq(tx.now),
    );
    diesel::insert_into(changes::table).values(values).execute(tx.connection)?;
    Ok(())
}

pub fn changed_at(reader: &mut Reader<'_>, account: &AccountId, at: Timestamp) -> Result<Option<String>> {
    Ok(changes::table
        .filter(changes::account.eq(account))
        .filter(changes::changed_at.eq(at))
        .filter(changes::former.is_not_null())
        .select(changes::id)
        .first(reader.connection)
        .optional()?)
}

pub fn former(reader: &mut Reader<'_>, id: &str) -> Result<Option<Vec<u8>>> {
    let found: Option<Option<Vec<u8>>> =
        changes::table.find(id).select(changes::former).first(reader.connection).optional()?;
    Ok(found.flatten())
}

pub fn changed_after(reader: &mut Reader<'_>, account: &AccountId, since: Timestamp) -> Result<bool> {
    let found: i64 = changes::table
        .filter(changes::account.eq(account))
        .filter(changes::changed_at.gt(since))
        .count()
        .get_result(reader.connection)?;
    Ok(found > 0)
}

pub fn forget(tx: &mut Tx<'_>, before: Timestamp, limit: i64) -> Result<usize> {
    let old: Vec<String> = changes::table
        .filter(changes::changed_at.lt(before))
        .limit(limit)
        .select(changes::id)
        .load(tx.connection)?;
    Ok(diesel::delete(changes::table.filter(changes::id.eq_any(&old))).execute(tx.connection)?)
}
