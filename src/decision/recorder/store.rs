//! When each grant gave a permission last.

use std::collections::HashMap;

use diesel::prelude::*;
use serde::Serialize;

use crate::clock::Timestamp;
use crate::db::batch::{self, Kind};
use crate::db::schema::grant_usage;
use crate::db::{self, AnyConnection};
use crate::error::Result;
use crate::ids::GrantId;

/// The advisory lock on PostgreSQL under which nodes write last uses ("bw-usage" in ASCII).
const LOCK: i64 = 0x6277_2d75_7361_6765;

#[derive(Serialize)]
struct NewRow<'a> {
    grant_id: &'a GrantId,
    used_at: String,
}

/// Writes last uses; an older one never replaces a newer one.
pub(super) fn write_uses(connection: &mut AnyConnection, uses: &[(GrantId, Timestamp)]) -> Result<()> {
    for chunk in uses.chunks(batch::LIMIT) {
        db::write_apart(connection, LOCK, |connection| write_chunk(connection, chunk))?;
    }
    Ok(())
}

fn write_chunk(connection: &mut AnyConnection, uses: &[(GrantId, Timestamp)]) -> Result<()> {
    let ids: Vec<&GrantId> = uses.iter().map(|(grant, _)| grant).collect();
    let known: Vec<(GrantId, Timestamp)> =
        grant_usage::table.filter(grant_usage::grant_id.eq_any(ids)).load(connection)?;
    let known: HashMap<GrantId, Timestamp> = known.into_iter().collect();
    let newer = |(grant, at): &&(GrantId, Timestamp)| known.get(grant).is_none_or(|before| before < at);
    let newer: Vec<&(GrantId, Timestamp)> = uses.iter().filter(newer).collect();
    let replaced: Vec<&GrantId> =
        newer.iter().map(|(grant, _)| grant).filter(|grant| known.contains_key(*grant)).collect();
    diesel::delete(grant_usage::table.filter(grant_usage::grant_id.eq_any(replaced))).execute(connection)?;
    let rows: Vec<_> =
        newer.iter().map(|(grant_id, at)| NewRow { grant_id, used_at: batch::instant(*at) }).collect();
    batch::insert(connection, "grant_usage", &[("grant_id", Kind::Text), ("used_at", Kind::Instant)], &rows)
}
