//! Rows of `one_time_links`: `digest` is SHA-256 of the token as hex; one conditional statement uses a link up.

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::schema::one_time_links as links;
use crate::db::{Reader, Tx};
use crate::error::Result;
use crate::ids::{AccountId, WorkstationId};
use crate::signin::links::{Link, Purpose};

type Columns = (Purpose, Option<AccountId>, Option<WorkstationId>, Timestamp);

fn link((purpose, account, workstation, expires_at): Columns) -> Link {
    Link { purpose, account, workstation, expires_at }
}

/// The link of that digest, if it can still be used.
pub fn find(reader: &mut Reader<'_>, digest: &str) -> Result<Option<Link>> {
    let row: Option<Columns> = links::table
        .find(digest)
        .filter(links::used_at.is_null())
        .filter(links::expires_at.gt(reader.now))
        .select((links::purpose, links::account, links::workstation, links::expires_at))
        .first(reader.connection)
        .optional()?;
    Ok(row.map(link))
}

pub fn insert(tx: &mut Tx<'_>, digest: &str, link: &Link) -> Result<()> {
    diesel::insert_into(links::table)
        .values((
            links::digest.eq(digest),
            links::purpose.eq(link.purpose),
            links::account.eq(&link.account),
            links::workstation.eq(&link.workstation),
            links::created_at.eq(tx.now),
            links::expires_at.eq(link.expires_at),
        ))
        .execute(tx.connection)?;
    Ok(())
}

/// Uses the link up: of any number who try, one gets it.
pub fn take(tx: &mut Tx<'_>, digest: &str, purpose: Purpose) -> Result<Option<Link>> {
    let now = tx.now;
    let row: Option<Columns> = diesel::update(links::table.find(digest))
        .filter(links::used_at.is_null())
        .filter(links::expires_at.gt(now))
        .filter(links::purpose.eq(purpose))
        .set(links::used_at.eq(now))
        .returning((links::purpose, links::account, links::workstation, links::expires_at))
        .get_result(tx.connection)
        .optional()?;
    Ok(row.map(link))
}

/// Makes unused links of that purpose and account worthless: a new one takes their place.
pub fn void(tx: &mut Tx<'_>, purpose: Purpose, account: Option<&AccountId>) -> Result<()> {
    let now = tx.now;
    let unused = links::table.filter(links::purpose.eq(purpose)).filter(links::used_at.is_null());
    match account {
        Some(account) => diesel::update(unused.filter(links::account.eq(account)))
            .set(links::used_at.eq(now))
            .execute(tx.connection)?,
        None => diesel::update(unused).set(links::used_at.eq(now)).execute(tx.connection)?,
    };
    Ok(())
}

/// Makes unused codes of a workstation worthless.
pub fn void_of_workstation(tx: &mut Tx<'_>, workstation: &WorkstationId) -> Result<()> {
    let now = tx.now;
    diesel::update(links::table.filter(links::workstation.eq(workstation)))
        .filter(links::used_at.is_null())
        .set(links::used_at.eq(now))
        .execute(tx.connection)?;
    Ok(())
}

/// Deletes up to `limit` links that ended before `before`; returns how many.
pub fn forget(reader: &mut Reader<'_>, before: Timestamp, limit: i64) -> Result<usize> {
    let old: Vec<String> = links::table
        .filter(links::expires_at.lt(before))
        .limit(limit)
        .select(links::digest)
        .load(reader.connection)?;
    Ok(diesel::delete(links::table.filter(links::digest.eq_any(&old))).execute(reader.connection)?)
}
