//! Rows of grants.

use diesel::prelude::*;
use serde::Serialize;

use crate::access::grants::{Filter, Grant, GrantState, Source};
use crate::access::own::Reach;
use crate::access::records::{from_json, to_json};
use crate::clock::Timestamp;
use crate::db::batch::{self, Kind};
use crate::db::schema::{grant_usage, grants, roles};
use crate::db::{Reader, Tx};
use crate::error::Result;
use crate::ids::{AccountId, GrantId, RequestId, TextId};

#[derive(Queryable)]
struct GrantRow {
    id: GrantId,
    account: AccountId,
    role: String,
    state: GrantState,
    scope: Option<String>,
    reason: Option<TextId>,
    source: Source,
    approvers: String,
    request: Option<RequestId>,
    valid_from: Timestamp,
    expires_at: Option<Timestamp>,
    created_at: Timestamp,
    confirmed_at: Timestamp,
    ended_at: Option<Timestamp>,
    revision: i64,
}

/// The columns of [`GrantRow`] in its order.
macro_rules! columns {
    () => {
        (
            grants::id,
            grants::account,
            grants::role,
            grants::state,
            grants::scope,
            grants::reason,
            grants::source,
            grants::approvers,
            grants::request,
            grants::valid_from,
            grants::expires_at,
            grants::created_at,
            grants::confirmed_at,
            grants::ended_at,
            grants::revision,
        )
    };
}

/// SQLite takes 32,766 parameters a statement. Whoever manages more people lists their grants by person.
const PARAMETERS: usize = 30_000;
const OPEN: [GrantState; 2] = [GrantState::Active, GrantState::Suspended];

fn read(row: GrantRow) -> Result<Grant> {
    Ok(Grant {
        id: row.id,
        account: row.account,
        role: row.role,
        state: row.state,
        scope: row.scope.as_deref().map(|text| from_json(text, "reading a grant's scope")).transpose()?,
        reason: row.reason,
        source: row.source,
        approvers: from_json(&row.approvers, "reading a grant's approvers")?,
        request: row.request,
        valid_from: row.valid_from,
        expires_at: row.expires_at,
        created_at: row.created_at,
        confirmed_at: row.confirmed_at,
        ended_at: row.ended_at,
        revision: row.revision.unsigned_abs(),
    })
}

fn read_all(rows: Vec<GrantRow>) -> Result<Vec<Grant>> {
    rows.into_iter().map(read).collect()
}

/// The grant of that id.
pub(crate) fn find(reader: &mut Reader<'_>, id: &GrantId) -> Result<Option<Grant>> {
    let row: Option<GrantRow> =
        grants::table.find(id).select(columns!()).first(reader.connection).optional()?;
    row.map(read).transpose()
}

/// The grants of an account that are not ended, by id.
pub(crate) fn open_of(reader: &mut Reader<'_>, account: &AccountId) -> Result<Vec<Grant>> {
    let rows: Vec<GrantRow> = grants::table
        .filter(grants::account.eq(account))
        .filter(grants::state.eq_any(OPEN))
        .order(grants::id)
        .select(columns!())
        .load(reader.connection)?;
    read_all(rows)
}

/// The grants of these accounts that are not ended, by id.
pub(crate) fn open_among(reader: &mut Reader<'_>, accounts: &[AccountId]) -> Result<Vec<Grant>> {
    let rows: Vec<GrantRow> = grants::table
        .filter(grants::account.eq_any(accounts))
        .filter(grants::state.eq_any(OPEN))
        .order(grants::id)
        .select(columns!())
        .load(reader.connection)?;
    read_all(rows)
}

/// The ids of a role's grants that are not ended.
pub(crate) fn open_of_role(reader: &mut Reader<'_>, role: &str) -> Result<Vec<GrantId>> {
    Ok(grants::table
        .filter(grants::role.eq(role))
        .filter(grants::state.eq_any(OPEN))
        .order(grants::id)
        .select(grants::id)
        .load(reader.connection)?)
}

/// The active grants of a role, by id.
pub(crate) fn active_of_role(reader: &mut Reader<'_>, role: &str) -> Result<Vec<Grant>> {
    let rows: Vec<GrantRow> = grants::table
        .filter(grants::role.eq(role))
        .filter(grants::state.eq(GrantState::Active))
        .order(grants::id)
        .select(columns!())
        .load(reader.connection)?;
    read_all(rows)
}

/// Grants whose end has passed and that are not tidied away yet, the oldest end first.
pub(crate) fn past_end(reader: &mut Reader<'_>, limit: i64) -> Result<Vec<Grant>> {
    let now = reader.now;
    let rows: Vec<GrantRow> = grants::table
        .filter(grants::expires_at.le(now))
        .filter(grants::state.eq_any(OPEN))
        .order((grants::expires_at, grants::id))
        .limit(limit)
        .select(columns!())
        .load(reader.connection)?;
    read_all(rows)
}

/// Grants that match, by id.
pub(crate) fn list(
    reader: &mut Reader<'_>,
    filter: &Filter,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Grant>> {
    let mut query =
        grants::table.inner_join(roles::table).select(columns!()).order(grants::id).limit(limit).into_boxed();
    query = match filter.state {
        Some(state) => query.filter(grants::state.eq(state)),
        None => query.filter(grants::state.eq_any(OPEN)),
    };
    if let Some(account) = &filter.account {
        query = query.filter(grants::account.eq(account));
    }
    if let Some(role) = &filter.role {
        query = query.filter(grants::role.eq(role));
    }
    if let Some(application) = &filter.app {
        query = query.filter(roles::application.eq(application));
    }
    if let Some(after) = after {
        query = query.filter(grants::id.gt(after));
    }
    if let Some(Reach::Own { team, applications, .. }) = &filter.reach {
        let team: Vec<&AccountId> = team.iter().take(PARAMETERS).collect();
        query = query.filter(grants::account.eq_any(team).or(roles::application.eq_any(applications)));
    }
    let rows: Vec<GrantRow> = query.load(reader.connection)?;
    read_all(rows)
}

/// All grants after `after` by id, whatever their state.
pub(crate) fn all_after(reader: &mut Reader<'_>, after: &str, limit: i64) -> Result<Vec<Grant>> {
    let rows: Vec<GrantRow> = grants::table
        .filter(grants::id.gt(after))
        .order(grants::id)
        .limit(limit)
        .select(columns!())
        .load(reader.connection)?;
    read_all(rows)
}

/// Writes a new grant.
pub(crate) fn insert(tx: &mut Tx<'_>, grant: &Grant) -> Result<()> {
    diesel::insert_into(grants::table)
        .values((
            (
                grants::id.eq(&grant.id),
                grants::account.eq(&grant.account),
                grants::role.eq(&grant.role),
                grants::state.eq(grant.state),
                grants::scope.eq(grant.scope.as_ref().map(to_json).transpose()?),
                grants::reason.eq(&grant.reason),
                grants::source.eq(grant.source),
                grants::approvers.eq(to_json(&grant.approvers)?),
                grants::request.eq(&grant.request),
            ),
            (
                grants::valid_from.eq(grant.valid_from),
                grants::expires_at.eq(grant.expires_at),
                grants::created_at.eq(grant.created_at),
                grants::confirmed_at.eq(grant.confirmed_at),
                grants::revision.eq(grant.revision.cast_signed()),
            ),
        ))
        .execute(tx.connection)?;
    Ok(())
}

/// A new grant as a batch carries it.
#[derive(Serialize)]
struct BatchGrant<'a> {
    id: &'a GrantId,
    account: &'a AccountId,
    role: &'a str,
    state: GrantState,
    source: Source,
    approvers: String,
    valid_from: String,
    expires_at: Option<String>,
    created_at: String,
    confirmed_at: String,
    revision: u64,
}

/// Writes new grants without scope, reason or request.
pub(crate) fn insert_many(tx: &mut Tx<'_>, all: &[Grant]) -> Result<()> {
    const COLUMNS: &[(&str, Kind)] = &[
        ("id", Kind::Text),
        ("account", Kind::Text),
        ("role", Kind::Text),
        ("state", Kind::Text),
        ("source", Kind::Text),
        ("approvers", Kind::Text),
        ("valid_from", Kind::Instant),
        ("expires_at", Kind::Instant),
        ("created_at", Kind::Instant),
        ("confirmed_at", Kind::Instant),
        ("revision", Kind::Whole),
    ];
    let row = |grant: &'_ Grant| -> Result<serde_json::Value> {
        let batch = BatchGrant {
            id: &grant.id,
            account: &grant.account,
            role: &grant.role,
            state: grant.state,
            source: grant.source,
            approvers: to_json(&grant.approvers)?,
            valid_from: batch::instant(grant.valid_from),
            expires_at: grant.expires_at.map(batch::instant),
            created_at: batch::instant(grant.created_at),
            confirmed_at: batch::instant(grant.confirmed_at),
            revision: grant.revision,
        };
        serde_json::to_value(batch).map_err(|cause| crate::error::Error::internal("writing grants", cause))
    };
    let rows = all.iter().map(row).collect::<Result<Vec<_>>>()?;
    batch::insert(tx.connection, "grants", COLUMNS, &rows)
}

/// Writes what can change while a grant is open.
pub(crate) fn update(tx: &mut Tx<'_>, grant: &Grant) -> Result<()> {
    diesel::update(grants::table.find(&grant.id))
        .set((
            grants::state.eq(grant.state),
            grants::reason.eq(&grant.reason),
            grants::source.eq(grant.source),
            grants::approvers.eq(to_json(&grant.approvers)?),
            grants::request.eq(&grant.request),
            grants::expires_at.eq(grant.expires_at),
            grants::confirmed_at.eq(grant.confirmed_at),
            grants::revision.eq(grant.revision.cast_signed()),
        ))
        .execute(tx.connection)?;
    Ok(())
}

/// Writes a grant's end and what brought it about.
pub(crate) fn end(tx: &mut Tx<'_>, grant: &Grant, cause: &str) -> Result<()> {
    diesel::update(grants::table.find(&grant.id))
        .set((
            grants::state.eq(grant.state),
            grants::ended_at.eq(grant.ended_at),
            grants::ended_by.eq(cause),
            grants::revision.eq(grant.revision.cast_signed()),
        ))
        .execute(tx.connection)?;
    Ok(())
}

/// The ids of an application's private roles whose grants were used.
pub(crate) fn used_private_roles(reader: &mut Reader<'_>, application: &str) -> Result<Vec<String>> {
    Ok(grants::table
        .inner_join(roles::table)
        .inner_join(grant_usage::table.on(grant_usage::grant_id.eq(grants::id)))
        .filter(roles::application.eq(application).and(roles::private_to.is_not_null()))
        .select(roles::id)
        .distinct()
        .load(reader.connection)?)
}

/// How many grants are not ended: of an application, of a role, or all.
pub fn count(reader: &mut Reader<'_>, application: Option<&str>, role: Option<&str>) -> Result<u64> {
    let mut query =
        grants::table.inner_join(roles::table).filter(grants::state.eq_any(OPEN)).count().into_boxed();
    if let Some(application) = application {
        query = query.filter(roles::application.eq(application.to_owned()));
    }
    if let Some(role) = role {
        query = query.filter(grants::role.eq(role.to_owned()));
    }
    let count: i64 = query.get_result(reader.connection)?;
    Ok(count.unsigned_abs())
}

/// The ids of every grant that these accounts have or had.
pub fn ids_of_accounts(reader: &mut Reader<'_>, accounts: &[AccountId]) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    for accounts in accounts.chunks(PARAMETERS) {
        let found: Vec<GrantId> = grants::table
            .filter(grants::account.eq_any(accounts))
            .order(grants::id)
            .select(grants::id)
            .load(reader.connection)?;
        ids.extend(found.into_iter().map(|id| id.to_string()));
    }
    Ok(ids)
}
