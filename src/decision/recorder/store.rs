//! When each grant gave a permission last.

use diesel::prelude::*;
use diesel::sql_types::{Text, Timestamp as Instant};

use crate::clock::Timestamp;
use crate::db::schema::grant_usage;
use crate::db::{self, AnyConnection};
use crate::error::Result;
use crate::ids::GrantId;

/// The advisory lock on PostgreSQL under which nodes write last uses ("bw-usage" in ASCII).
const LOCK: i64 = 0x6277_2d75_7361_6765;
/// How many are written in one transaction.
const CHUNK: usize = 200;

/// Writes last uses; an older one never replaces a newer one.
pub(super) fn write_uses(connection: &mut AnyConnection, uses: &[(GrantId, Timestamp)]) -> Result<()> {
    for chunk in uses.chunks(CHUNK) {
        db::write_apart(connection, LOCK, |connection| {
            chunk.iter().try_for_each(|(grant, at)| write_use(connection, grant, *at))
        })?;
    }
    Ok(())
}

fn write_use(connection: &mut AnyConnection, grant: &GrantId, at: Timestamp) -> Result<()> {
    let older = grant_usage::table.find(grant).filter(grant_usage::used_at.lt(at));
    if diesel::update(older).set(grant_usage::used_at.eq(at)).execute(connection)? == 0 {
        diesel::sql_query(
            "INSERT INTO grant_usage (grant_id, used_at) SELECT $1, $2 \
             WHERE NOT EXISTS (SELECT 1 FROM grant_usage WHERE grant_id = $1)",
        )
        .bind::<Text, _>(grant)
        .bind::<Instant, _>(at)
        .execute(connection)?;
    }
    Ok(())
}
