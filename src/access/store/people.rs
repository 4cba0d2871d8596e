//! What access must know of accounts: whether they can hold and use anything, and who is over whom.

use diesel::dsl::exists;
use diesel::prelude::*;

use crate::access::people::Standing;
use crate::clock::Timestamp;
use crate::db::Reader;
use crate::db::schema::{accounts, applications};
use crate::error::Result;
use crate::ids::AccountId;

#[derive(Queryable)]
struct StandingRow {
    id: AccountId,
    kind: String,
    state: String,
    manager: Option<AccountId>,
    owner: Option<AccountId>,
    starts_at: Option<Timestamp>,
    ends_at: Option<Timestamp>,
}

const GONE: [&str; 2] = ["left", "erased"];

/// How an account stands.
pub(crate) fn standing(reader: &mut Reader<'_>, account: &AccountId) -> Result<Option<Standing>> {
    let row: Option<StandingRow> = accounts::table
        .find(account)
        .select((
            accounts::id,
            accounts::kind,
            accounts::state,
            accounts::manager,
            accounts::owner,
            accounts::starts_at,
            accounts::ends_at,
        ))
        .first(reader.connection)
        .optional()?;
    let now = reader.now;
    Ok(row.map(|row| {
        let over = GONE.contains(&row.state.as_str()) || row.ends_at.is_some_and(|end| end <= now);
        Standing {
            account: row.id,
            person: row.kind == "person",
            gone: over,
            in_use: !over && row.state == "active" && row.starts_at.is_none_or(|start| start <= now),
            manager: row.manager,
            owner: row.owner,
        }
    }))
}

/// Whether somebody who is not gone names this account as manager.
pub(crate) fn has_reports(reader: &mut Reader<'_>, account: &AccountId) -> Result<bool> {
    let now = reader.now;
    let reports = accounts::table
        .filter(accounts::manager.eq(account))
        .filter(accounts::state.ne_all(GONE))
        .filter(accounts::ends_at.is_null().or(accounts::ends_at.gt(now)));
    Ok(diesel::select(exists(reports)).get_result(reader.connection)?)
}

/// Whether an application in force names this account as owner.
pub(crate) fn owns_application(reader: &mut Reader<'_>, account: &AccountId) -> Result<bool> {
    let owned = applications::table
        .filter(applications::owner.eq(account))
        .filter(applications::retired_at.is_null());
    Ok(diesel::select(exists(owned)).get_result(reader.connection)?)
}
