//! Rows of `accounts`. What is personal stands in `details`, sealed; `department_digest` is a blind index of the
//! department, for lists narrowed by it.

use diesel::prelude::*;
use serde::Serialize;

use super::names::{self, NameRow};
use super::state::{Kind, State, Status, Suspension};
use super::{Account, Details, Filter, Named, Source, WorkerType};
use crate::clock::Timestamp;
use crate::db::batch::{self, Kind as Column};
use crate::db::schema::accounts;
use crate::db::{Reader, Tx};
use crate::error::Result;
use crate::ids::AccountId;
use crate::vault::Vault;

/// The space of departments' blind indexes.
pub(super) const DEPARTMENT: &str = "department";

/// An account's columns but the sealed one.
#[derive(Queryable)]
struct AccountRow {
    id: AccountId,
    kind: Kind,
    state: State,
    suspended_for: Option<Suspension>,
    suspended_until: Option<Timestamp>,
    enrolled_at: Option<Timestamp>,
    manager: Option<AccountId>,
    owner: Option<AccountId>,
    worker_type: Option<WorkerType>,
    time_zone: Option<String>,
    starts_at: Option<Timestamp>,
    ends_at: Option<Timestamp>,
    source: Source,
    strong_factor: bool,
    created_at: Timestamp,
    changed_at: Timestamp,
    revision: i64,
}

type Columns = (
    accounts::id,
    accounts::kind,
    accounts::state,
    accounts::suspended_for,
    accounts::suspended_until,
    accounts::enrolled_at,
    accounts::manager,
    accounts::owner,
    accounts::worker_type,
    accounts::time_zone,
    accounts::starts_at,
    accounts::ends_at,
    accounts::source,
    accounts::strong_factor,
    accounts::created_at,
    accounts::changed_at,
    accounts::revision,
);

const COLUMNS: Columns = (
    accounts::id,
    accounts::kind,
    accounts::state,
    accounts::suspended_for,
    accounts::suspended_until,
    accounts::enrolled_at,
    accounts::manager,
    accounts::owner,
    accounts::worker_type,
    accounts::time_zone,
    accounts::starts_at,
    accounts::ends_at,
    accounts::source,
    accounts::strong_factor,
    accounts::created_at,
    accounts::changed_at,
    accounts::revision,
);

impl From<AccountRow> for Account {
    fn from(row: AccountRow) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            status: Status {
                state: row.state,
                suspended_for: row.suspended_for,
                suspended_until: row.suspended_until,
                enrolled_at: row.enrolled_at,
            },
            manager: row.manager,
            owner: row.owner,
            worker_type: row.worker_type,
            time_zone: row.time_zone,
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            source: row.source,
            strong_factor: row.strong_factor,
            created_at: row.created_at,
            changed_at: row.changed_at,
            revision: row.revision.unsigned_abs(),
        }
    }
}

fn accounts_of(rows: Vec<AccountRow>) -> Vec<Account> {
    rows.into_iter().map(Account::from).collect()
}

fn opened(vault: &Vault, rows: Vec<(AccountRow, Vec<u8>)>) -> Result<Vec<Named>> {
    rows.into_iter()
        .map(|(row, sealed)| {
            let account = Account::from(row);
            let details = Details::open(vault, &account.id, &sealed)?;
            Ok(Named { account, details })
        })
        .collect()
}

pub(super) fn by_ids(reader: &mut Reader<'_>, ids: &[AccountId]) -> Result<Vec<Account>> {
    let rows = accounts::table.filter(accounts::id.eq_any(ids)).select(COLUMNS).load(reader.connection)?;
    Ok(accounts_of(rows))
}

pub(super) fn named_by_ids(reader: &mut Reader<'_>, ids: &[AccountId]) -> Result<Vec<Named>> {
    let rows = accounts::table
        .filter(accounts::id.eq_any(ids))
        .select((COLUMNS, accounts::details))
        .load(reader.connection)?;
    opened(reader.vault(), rows)
}

/// Accounts after `after` in order of id.
pub(super) fn page(reader: &mut Reader<'_>, after: &str, limit: i64) -> Result<Vec<Account>> {
    let rows = accounts::table
        .filter(accounts::id.gt(after))
        .order(accounts::id)
        .limit(limit)
        .select(COLUMNS)
        .load(reader.connection)?;
    Ok(accounts_of(rows))
}

/// Accounts with their details after `after` in order of id.
pub(super) fn named_page(reader: &mut Reader<'_>, after: &str, limit: i64) -> Result<Vec<Named>> {
    let rows = accounts::table
        .filter(accounts::id.gt(after))
        .order(accounts::id)
        .limit(limit)
        .select((COLUMNS, accounts::details))
        .load(reader.connection)?;
    opened(reader.vault(), rows)
}

pub(super) fn list(
    reader: &mut Reader<'_>,
    filter: &Filter,
    among: Option<&[AccountId]>,
    after: Option<&AccountId>,
    limit: u32,
) -> Result<Vec<Named>> {
    let mut query = accounts::table
        .select((COLUMNS, accounts::details))
        .order(accounts::id)
        .limit(i64::from(limit))
        .into_boxed();
    if let Some(kind) = filter.kind {
        query = query.filter(accounts::kind.eq(kind));
    }
    if let Some(state) = filter.state {
        query = query.filter(accounts::state.eq(state));
    }
    if let Some(manager) = &filter.manager {
        query = query.filter(accounts::manager.eq(manager));
    }
    if let Some(department) = &filter.department {
        query = query
            .filter(accounts::department_digest.eq_any(reader.vault().blind_indexes(DEPARTMENT, department)));
    }
    if let Some(owner) = &filter.owner {
        query = query.filter(accounts::owner.eq(owner));
    }
    if let Some(among) = among {
        query = query.filter(accounts::id.eq_any(among));
    }
    if let Some(after) = after {
        query = query.filter(accounts::id.gt(after));
    }
    let rows = query.load(reader.connection)?;
    opened(reader.vault(), rows)
}

/// Each department's blind index with one account that has it.
pub(super) fn departments(reader: &mut Reader<'_>) -> Result<Vec<(String, AccountId)>> {
    let rows: Vec<(Option<String>, Option<String>)> = accounts::table
        .filter(accounts::department_digest.is_not_null())
        .group_by(accounts::department_digest)
        .select((accounts::department_digest, diesel::dsl::min(accounts::id)))
        .limit(1_000)
        .load(reader.connection)?;
    let both = |(digest, id): (Option<String>, Option<String>)| Some((digest?, AccountId::parse(&id?)?));
    Ok(rows.into_iter().filter_map(both).collect())
}

pub(super) fn in_department(reader: &mut Reader<'_>, digest: &str) -> Result<Vec<AccountId>> {
    Ok(accounts::table
        .filter(accounts::department_digest.eq(digest))
        .select(accounts::id)
        .load(reader.connection)?)
}

pub(super) fn counts(reader: &mut Reader<'_>) -> Result<Vec<(Kind, State, u64)>> {
    let rows: Vec<(Kind, State, i64)> = accounts::table
        .group_by((accounts::kind, accounts::state))
        .select((accounts::kind, accounts::state, diesel::dsl::count_star()))
        .load(reader.connection)?;
    Ok(rows.into_iter().map(|(kind, state, count)| (kind, state, count.unsigned_abs())).collect())
}

pub(super) fn without_manager(reader: &mut Reader<'_>) -> Result<u64> {
    let count: i64 = accounts::table
        .filter(accounts::kind.eq(Kind::Person).and(accounts::manager.is_null()))
        .filter(accounts::state.ne_all([State::Left, State::Erased]))
        .count()
        .get_result(reader.connection)?;
    Ok(count.unsigned_abs())
}

pub(super) fn ended(reader: &mut Reader<'_>, limit: u32) -> Result<Vec<AccountId>> {
    let now = reader.now;
    Ok(accounts::table
        .filter(accounts::ends_at.le(now))
        .filter(accounts::kind.eq(Kind::Person))
        .filter(accounts::state.ne_all([State::Left, State::Erased]))
        .order((accounts::ends_at, accounts::id))
        .limit(i64::from(limit))
        .select(accounts::id)
        .load(reader.connection)?)
}

pub(super) fn reports(reader: &mut Reader<'_>, managers: &[AccountId], limit: i64) -> Result<Vec<Account>> {
    let rows = accounts::table
        .filter(accounts::manager.eq_any(managers))
        .order(accounts::id)
        .limit(limit)
        .select(COLUMNS)
        .load(reader.connection)?;
    Ok(accounts_of(rows))
}

pub(super) fn manager_of(reader: &mut Reader<'_>, id: &AccountId) -> Result<Option<AccountId>> {
    let manager: Option<Option<AccountId>> =
        accounts::table.find(id).select(accounts::manager).first(reader.connection).optional()?;
    Ok(manager.flatten())
}

/// A whole new account: its row and its names.
pub(super) struct Draft {
    pub(super) account: Account,
    pub(super) details: Details,
    pub(super) names: Vec<NameRow>,
}

/// An account as a batch carries it.
#[derive(Serialize)]
struct BatchAccount<'a> {
    id: &'a AccountId,
    kind: Kind,
    state: State,
    suspended_for: Option<Suspension>,
    suspended_until: Option<String>,
    enrolled_at: Option<String>,
    manager: &'a Option<AccountId>,
    owner: &'a Option<AccountId>,
    department_digest: Option<String>,
    worker_type: Option<WorkerType>,
    time_zone: &'a Option<String>,
    starts_at: Option<String>,
    ends_at: Option<String>,
    details: String,
    source: Source,
    strong_factor: bool,
    created_at: String,
    changed_at: String,
    revision: u64,
}

/// Writes new accounts with their names; at most 200 a call.
pub(super) fn insert(tx: &mut Tx<'_>, drafts: &[Draft]) -> Result<()> {
    const COLUMNS: &[(&str, Column)] = &[
        ("id", Column::Text),
        ("kind", Column::Text),
        ("state", Column::Text),
        ("suspended_for", Column::Text),
        ("suspended_until", Column::Instant),
        ("enrolled_at", Column::Instant),
        ("manager", Column::Text),
        ("owner", Column::Text),
        ("department_digest", Column::Text),
        ("worker_type", Column::Text),
        ("time_zone", Column::Text),
        ("starts_at", Column::Instant),
        ("ends_at", Column::Instant),
        ("details", Column::Bytes),
        ("source", Column::Text),
        ("strong_factor", Column::Truth),
        ("created_at", Column::Instant),
        ("changed_at", Column::Instant),
        ("revision", Column::Whole),
    ];
    let rows: Vec<BatchAccount<'_>> =
        drafts.iter().map(|draft| batch_account(tx, draft)).collect::<Result<_>>()?;
    batch::insert(tx.connection, "accounts", COLUMNS, &rows)?;
    let names: Vec<&NameRow> = drafts.iter().flat_map(|draft| &draft.names).collect();
    names::insert(tx, &names)
}

fn batch_account<'a>(reader: &Reader<'_>, draft: &'a Draft) -> Result<BatchAccount<'a>> {
    let Draft { account, details, .. } = draft;
    let sealed = details.seal(reader.vault(), reader.entropy(), &account.id)?;
    Ok(BatchAccount {
        id: &account.id,
        kind: account.kind,
        state: account.status.state,
        suspended_for: account.status.suspended_for,
        suspended_until: account.status.suspended_until.map(batch::instant),
        enrolled_at: account.status.enrolled_at.map(batch::instant),
        manager: &account.manager,
        owner: &account.owner,
        department_digest: department_digest(reader, details),
        worker_type: account.worker_type,
        time_zone: &account.time_zone,
        starts_at: account.starts_at.map(batch::instant),
        ends_at: account.ends_at.map(batch::instant),
        details: hex::encode(sealed),
        source: account.source,
        strong_factor: account.strong_factor,
        created_at: batch::instant(account.created_at),
        changed_at: batch::instant(account.changed_at),
        revision: account.revision,
    })
}

fn department_digest(reader: &Reader<'_>, details: &Details) -> Option<String> {
    details.department.as_deref().map(|department| reader.vault().blind_index(DEPARTMENT, department))
}

/// Writes an account's row as it stands now; its details only if they are given.
pub(super) fn update(tx: &mut Tx<'_>, account: &Account, details: Option<&Details>) -> Result<()> {
    let status = &account.status;
    let sealed = details.map(|details| details.seal(tx.vault(), tx.entropy(), &account.id)).transpose()?;
    let department = details.map(|details| department_digest(tx, details));
    diesel::update(accounts::table.find(&account.id))
        .set((
            accounts::state.eq(status.state),
            accounts::suspended_for.eq(status.suspended_for),
            accounts::suspended_until.eq(status.suspended_until),
            accounts::enrolled_at.eq(status.enrolled_at),
            accounts::manager.eq(&account.manager),
            accounts::owner.eq(&account.owner),
            accounts::worker_type.eq(account.worker_type),
            accounts::time_zone.eq(&account.time_zone),
            accounts::starts_at.eq(account.starts_at),
            accounts::ends_at.eq(account.ends_at),
            accounts::strong_factor.eq(account.strong_factor),
            accounts::changed_at.eq(account.changed_at),
            accounts::revision.eq(account.revision.cast_signed()),
            sealed.map(|sealed| accounts::details.eq(sealed)),
            department.map(|digest| accounts::department_digest.eq(digest)),
        ))
        .execute(tx.connection)?;
    Ok(())
}

/// Seals and writes an account's details, and nothing else.
pub(super) fn update_details(tx: &mut Tx<'_>, id: &AccountId, details: &Details) -> Result<()> {
    let sealed = details.seal(tx.vault(), tx.entropy(), id)?;
    let changed = accounts::details.eq(sealed);
    diesel::update(accounts::table.find(id)).set(changed).execute(tx.connection)?;
    Ok(())
}

/// The services of an owner that are not retired.
pub(super) fn owned_services(reader: &mut Reader<'_>, owner: &AccountId) -> Result<Vec<AccountId>> {
    Ok(accounts::table
        .filter(accounts::owner.eq(owner))
        .filter(accounts::kind.eq(Kind::Service))
        .filter(accounts::state.ne_all([State::Left, State::Erased]))
        .order(accounts::id)
        .limit(1_000)
        .select(accounts::id)
        .load(reader.connection)?)
}
