//! Who holds a position.

use diesel::dsl::exists;
use diesel::prelude::*;

use crate::accounts::State;
use crate::db::Reader;
use crate::db::schema::{accounts, applications};
use crate::error::Result;
use crate::ids::AccountId;

const GONE: [State; 2] = [State::Left, State::Erased];

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
