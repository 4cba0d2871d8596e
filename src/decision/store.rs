//! Rows for the index: accounts, their grants and positions, a page or a handful at a time.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use diesel::prelude::*;

use super::Known;
use super::rows::{GrantRow, GrantState, SubjectKind, SubjectRow, SubjectState};
use crate::access::attestations::{self, Met, Requirements};
use crate::access::grants;
use crate::accounts::{self as people, Kind, State, names};
use crate::clock::Timestamp;
use crate::db::Reader;
use crate::db::schema::{accounts, applications, grants as grant_rows};
use crate::error::{Error, Result};
use crate::ids::{AccountId, GrantId};
use crate::log;

#[derive(Queryable)]
struct AccountRow {
    id: AccountId,
    kind: Kind,
    state: State,
    suspended_until: Option<Timestamp>,
    starts_at: Option<Timestamp>,
    ends_at: Option<Timestamp>,
    strong_factor: bool,
}

type Columns = (
    accounts::id,
    accounts::kind,
    accounts::state,
    accounts::suspended_until,
    accounts::starts_at,
    accounts::ends_at,
    accounts::strong_factor,
);
const COLUMNS: Columns = (
    accounts::id,
    accounts::kind,
    accounts::state,
    accounts::suspended_until,
    accounts::starts_at,
    accounts::ends_at,
    accounts::strong_factor,
);
/// SQLite takes 32,766 parameters a statement.
const PARAMETERS: usize = 5_000;
const OPEN: [grants::GrantState; 2] = [grants::GrantState::Active, grants::GrantState::Suspended];
const GONE: [State; 2] = [State::Left, State::Erased];

/// Who holds positions; for a whole load all of them, else those among the asked.
pub(super) struct Positions {
    managers: HashSet<AccountId>,
    owners: HashSet<AccountId>,
}

impl Positions {
    /// Of everybody.
    pub(super) fn all(reader: &mut Reader<'_>) -> Result<Self> {
        let now = reader.now;
        let managers: Vec<Option<AccountId>> = accounts::table
            .filter(accounts::manager.is_not_null())
            .filter(accounts::state.ne_all(GONE))
            .filter(accounts::ends_at.is_null().or(accounts::ends_at.gt(now)))
            .select(accounts::manager)
            .distinct()
            .load(reader.connection)?;
        Ok(Self { managers: managers.into_iter().flatten().collect(), owners: owners(reader)? })
    }

    /// Of these accounts.
    pub(super) fn among(reader: &mut Reader<'_>, ids: &[AccountId]) -> Result<Self> {
        let now = reader.now;
        let managers: Vec<Option<AccountId>> = accounts::table
            .filter(accounts::manager.eq_any(ids))
            .filter(accounts::state.ne_all(GONE))
            .filter(accounts::ends_at.is_null().or(accounts::ends_at.gt(now)))
            .select(accounts::manager)
            .distinct()
            .load(reader.connection)?;
        Ok(Self { managers: managers.into_iter().flatten().collect(), owners: owners(reader)? })
    }
}

/// The owners of applications in force.
pub(super) fn owners(reader: &mut Reader<'_>) -> Result<HashSet<AccountId>> {
    let owners: Vec<Option<AccountId>> = applications::table
        .filter(applications::owner.is_not_null())
        .filter(applications::retired_at.is_null())
        .select(applications::owner)
        .distinct()
        .load(reader.connection)?;
    Ok(owners.into_iter().flatten().collect())
}

/// Those whom these accounts name as manager.
pub(super) fn managers_of(reader: &mut Reader<'_>, ids: &BTreeSet<AccountId>) -> Result<Vec<AccountId>> {
    let ids: Vec<&AccountId> = ids.iter().collect();
    let mut found = Vec::new();
    for ids in ids.chunks(PARAMETERS) {
        let managers: Vec<Option<AccountId>> = accounts::table
            .filter(accounts::id.eq_any(ids.iter().copied()))
            .filter(accounts::manager.is_not_null())
            .select(accounts::manager)
            .distinct()
            .load(reader.connection)?;
        found.extend(managers.into_iter().flatten());
    }
    Ok(found)
}

/// The revision at which the reader's snapshot stands.
pub(super) fn revision(reader: &mut Reader<'_>) -> Result<u64> {
    log::store::size(reader.connection)
}

/// The ids of accounts after `after`, in their order.
pub(super) fn page(reader: &mut Reader<'_>, after: &str, limit: i64) -> Result<Vec<AccountId>> {
    Ok(accounts::table
        .filter(accounts::id.gt(after))
        .order(accounts::id)
        .limit(limit)
        .select(accounts::id)
        .load(reader.connection)?)
}

/// The subjects of these accounts, with names and grants that are not over; ids that mean nothing are left out.
pub(super) fn subjects(
    reader: &mut Reader<'_>,
    ids: &[AccountId],
    positions: &Positions,
    requirements: &Requirements,
) -> Result<Vec<SubjectRow>> {
    let rows: Vec<AccountRow> =
        accounts::table.filter(accounts::id.eq_any(ids)).select(COLUMNS).load(reader.connection)?;
    let mut names_of = resolving_names(reader, ids)?;
    let mut grants_of = open_grants(reader, ids, requirements)?;
    let subject = |row: AccountRow| SubjectRow {
        names: names_of.remove(&row.id).unwrap_or_default(),
        grants: grants_of.remove(&row.id).unwrap_or_default(),
        kind: match row.kind {
            Kind::Person => SubjectKind::Person,
            Kind::Service => SubjectKind::Service,
        },
        state: match row.state {
            State::Invited => SubjectState::Invited,
            State::Active => SubjectState::Active,
            State::Suspended => SubjectState::Suspended { until: row.suspended_until },
            State::Left => SubjectState::Left,
            State::Erased => SubjectState::Erased,
        },
        valid_from: row.starts_at,
        valid_until: row.ends_at,
        strong_factor: row.strong_factor,
        is_manager: positions.managers.contains(&row.id),
        is_owner: positions.owners.contains(&row.id),
        account: row.id,
    };
    Ok(rows.into_iter().map(subject).collect())
}

/// What conditions see of these accounts.
pub(super) fn known(reader: &mut Reader<'_>, ids: &[AccountId]) -> Result<Vec<(AccountId, Known)>> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(1_000) {
        let named = people::named(reader, ids)?;
        found.extend(named.into_iter().map(|named| (named.account.id.clone(), Known::from(named))));
    }
    Ok(found)
}

/// The names by which accounts can be asked for now, folded.
fn resolving_names(reader: &mut Reader<'_>, ids: &[AccountId]) -> Result<HashMap<AccountId, Vec<String>>> {
    let now = reader.now;
    let mut found: HashMap<AccountId, Vec<String>> = HashMap::with_capacity(ids.len());
    for name in names::of_accounts(reader, ids)? {
        if name.until.is_none_or(|until| until > now) {
            found.entry(name.account).or_default().push(name.folded);
        }
    }
    Ok(found)
}

type Granted = (GrantId, AccountId, String, grants::GrantState, Timestamp, Option<Timestamp>, Option<String>);

fn open_grants(
    reader: &mut Reader<'_>,
    ids: &[AccountId],
    requirements: &Requirements,
) -> Result<HashMap<AccountId, Vec<GrantRow>>> {
    let attested = if requirements.is_empty() { HashMap::new() } else { attestations::among(reader, ids)? };
    let rows: Vec<Granted> = grant_rows::table
        .filter(grant_rows::account.eq_any(ids))
        .filter(grant_rows::state.eq_any(OPEN))
        .order(grant_rows::id)
        .select((
            grant_rows::id,
            grant_rows::account,
            grant_rows::role,
            grant_rows::state,
            grant_rows::valid_from,
            grant_rows::expires_at,
            grant_rows::scope,
        ))
        .load(reader.connection)?;
    let mut found: HashMap<AccountId, Vec<GrantRow>> = HashMap::new();
    for (id, account, role, state, valid_from, expires_at, scope) in rows {
        let state = match state {
            grants::GrantState::Active => GrantState::Active,
            grants::GrantState::Suspended => GrantState::Suspended,
            grants::GrantState::Revoked | grants::GrantState::Expired => GrantState::Ended,
        };
        let scope = scope.as_deref().map(read_scope).transpose()?;
        let has = attested.get(&account).map_or(&[][..], Vec::as_slice);
        let met = attestations::met(requirements.role(&role), has);
        let (state, expires_at) = bound_by(met, state, expires_at);
        found.entry(account).or_default().push(GrantRow { id, role, state, valid_from, expires_at, scope });
    }
    Ok(found)
}

/// A grant ends with what its role requires, if that is before its own end.
fn bound_by(met: Met, state: GrantState, end: Option<Timestamp>) -> (GrantState, Option<Timestamp>) {
    // What was never shown ended before everything.
    let until = match met {
        Met::Always => return (state, end),
        Met::Until(until) => until,
        Met::Never => Timestamp::from_micros(0),
    };
    if state == GrantState::Active && end.is_none_or(|end| until < end) {
        return (GrantState::Bound, Some(until));
    }
    (state, end)
}

/// The accounts that hold any of these roles.
pub(super) fn holders(reader: &mut Reader<'_>, roles: &[String]) -> Result<Vec<AccountId>> {
    let mut found = Vec::new();
    for roles in roles.chunks(PARAMETERS) {
        let accounts: Vec<AccountId> = grant_rows::table
            .filter(grant_rows::role.eq_any(roles))
            .filter(grant_rows::state.eq_any(OPEN))
            .select(grant_rows::account)
            .distinct()
            .load(reader.connection)?;
        found.extend(accounts);
    }
    Ok(found)
}

fn read_scope(text: &str) -> Result<BTreeMap<String, Vec<String>>> {
    serde_json::from_str(text).map_err(|cause| Error::internal("reading a grant's scope", cause))
}
