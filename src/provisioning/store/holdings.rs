//! Rows of holdings and of systems' lists.

use diesel::prelude::*;
use serde::Serialize;

use crate::clock::Timestamp;
use crate::db::batch::{self, Kind};
use crate::db::schema::{applications, holdings, system_lists};
use crate::db::{Reader, Tx};
use crate::error::Result;
use crate::ids::{AccountId, GrantId, HoldingId};
use crate::provisioning::{Doubt, GoneHow, Holding, HoldingState, Identity, Use};

#[derive(Queryable)]
struct HoldingRow {
    id: HoldingId,
    system: String,
    role: String,
    digest: String,
    sealed: Vec<u8>,
    state: HoldingState,
    doubt: Option<Doubt>,
    account: Option<AccountId>,
    grant_id: Option<GrantId>,
    drift: bool,
    brought_by: String,
    granted_at: Option<Timestamp>,
    used: Use,
    used_at: Option<Timestamp>,
    list: String,
    found_at: Timestamp,
    gone_at: Option<Timestamp>,
    gone_how: Option<GoneHow>,
    revision: i64,
}

fn read(reader: &Reader<'_>, row: HoldingRow) -> Result<Holding> {
    Ok(Holding {
        named: Identity::open(reader.vault(), &row.id, &row.sealed)?,
        id: row.id,
        system: row.system,
        role: row.role,
        digest: row.digest,
        state: row.state,
        doubt: row.doubt,
        account: row.account,
        grant: row.grant_id,
        drift: row.drift,
        brought_by: row.brought_by,
        granted_at: row.granted_at,
        used: row.used,
        used_at: row.used_at,
        list: row.list,
        found_at: row.found_at,
        gone_at: row.gone_at,
        gone_how: row.gone_how,
        revision: row.revision.unsigned_abs(),
    })
}

fn read_all(reader: &Reader<'_>, rows: Vec<HoldingRow>) -> Result<Vec<Holding>> {
    rows.into_iter().map(|row| read(reader, row)).collect()
}

/// The holding of that id.
pub(in crate::provisioning) fn find(reader: &mut Reader<'_>, id: &HoldingId) -> Result<Option<Holding>> {
    let row: Option<HoldingRow> =
        holdings::table.find(id).select(holdings::all_columns).first(reader.connection).optional()?;
    row.map(|row| read(reader, row)).transpose()
}

/// Holdings with one of these blind indexes, whatever their state.
pub(in crate::provisioning) fn by_digests(
    reader: &mut Reader<'_>,
    digests: &[String],
) -> Result<Vec<Holding>> {
    let rows: Vec<HoldingRow> = holdings::table
        .filter(holdings::digest.eq_any(digests))
        .select(holdings::all_columns)
        .load(reader.connection)?;
    read_all(reader, rows)
}

/// The holdings of a grant, whatever their state, by id.
pub(in crate::provisioning) fn of_grant(reader: &mut Reader<'_>, grant: &GrantId) -> Result<Vec<Holding>> {
    let rows: Vec<HoldingRow> = holdings::table
        .filter(holdings::grant_id.eq(grant))
        .order(holdings::id)
        .select(holdings::all_columns)
        .load(reader.connection)?;
    read_all(reader, rows)
}

/// Whether a grant has holdings that are not gone, but this one.
pub(in crate::provisioning) fn is_held_otherwise(
    reader: &mut Reader<'_>,
    grant: &GrantId,
    but: &HoldingId,
) -> Result<bool> {
    let others = holdings::table
        .filter(holdings::grant_id.eq(grant))
        .filter(holdings::id.ne(but))
        .filter(holdings::state.ne(HoldingState::Gone));
    Ok(diesel::select(diesel::dsl::exists(others)).get_result(reader.connection)?)
}

/// A grant's use as its system tells it: grant, use, when, since when it is held.
type GrantUse<G> = (G, Use, Option<Timestamp>, Option<Timestamp>);

/// What systems say about the use of these grants.
pub(in crate::provisioning) fn uses(
    reader: &mut Reader<'_>,
    grants: &[GrantId],
) -> Result<Vec<GrantUse<GrantId>>> {
    let rows: Vec<GrantUse<Option<GrantId>>> = holdings::table
        .filter(holdings::grant_id.eq_any(grants))
        .filter(holdings::state.ne(HoldingState::Gone))
        .select((holdings::grant_id, holdings::used, holdings::used_at, holdings::granted_at))
        .load(reader.connection)?;
    Ok(rows.into_iter().filter_map(|(grant, used, at, since)| Some((grant?, used, at, since))).collect())
}

/// What a list of holdings may be narrowed by.
#[derive(Debug, Clone, Default)]
pub(in crate::provisioning) struct Filter {
    /// Only in this state.
    pub state: Option<HoldingState>,
    /// Only what turned up after the first list.
    pub drift: bool,
    /// Only of these systems.
    pub systems: Option<Vec<String>>,
}

/// Holdings that match and are not gone, by id from the one after `after`.
pub(in crate::provisioning) fn list(
    reader: &mut Reader<'_>,
    filter: &Filter,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Holding>> {
    let mut query = holdings::table
        .filter(holdings::state.ne(HoldingState::Gone))
        .order(holdings::id)
        .limit(limit)
        .select(holdings::all_columns)
        .into_boxed();
    if let Some(state) = filter.state {
        query = query.filter(holdings::state.eq(state));
    }
    if filter.drift {
        query = query.filter(holdings::drift.eq(true));
    }
    if let Some(systems) = &filter.systems {
        query = query.filter(holdings::system.eq_any(systems.clone()));
    }
    if let Some(after) = after.and_then(HoldingId::parse) {
        query = query.filter(holdings::id.gt(after));
    }
    let rows: Vec<HoldingRow> = query.load(reader.connection)?;
    read_all(reader, rows)
}

/// Holdings of a system that are not gone and were not in the list `list`, by id from the one after `after`.
pub(in crate::provisioning) fn missing(
    reader: &mut Reader<'_>,
    system: &str,
    list: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<Holding>> {
    let rows: Vec<HoldingRow> = holdings::table
        .filter(holdings::system.eq(system))
        .filter(holdings::state.ne(HoldingState::Gone))
        .filter(holdings::list.ne(list))
        .filter(holdings::id.gt(after))
        .order(holdings::id)
        .limit(limit)
        .select(holdings::all_columns)
        .load(reader.connection)?;
    read_all(reader, rows)
}

/// The ids of all holdings of a system that are not gone.
pub(in crate::provisioning) fn living_ids(reader: &mut Reader<'_>, system: &str) -> Result<Vec<HoldingId>> {
    Ok(holdings::table
        .filter(holdings::system.eq(system))
        .filter(holdings::state.ne(HoldingState::Gone))
        .order(holdings::id)
        .select(holdings::id)
        .load(reader.connection)?)
}

/// A holding as a batch carries it.
#[derive(Serialize)]
struct BatchHolding<'a> {
    id: &'a HoldingId,
    system: &'a str,
    role: &'a str,
    digest: &'a str,
    sealed: String,
    state: HoldingState,
    doubt: Option<Doubt>,
    account: Option<&'a AccountId>,
    grant_id: Option<&'a GrantId>,
    drift: bool,
    brought_by: &'a str,
    granted_at: Option<String>,
    used: Use,
    used_at: Option<String>,
    list: &'a str,
    found_at: String,
    revision: u64,
}

/// Writes new holdings.
pub(in crate::provisioning) fn insert(tx: &mut Tx<'_>, all: &[Holding]) -> Result<()> {
    const COLUMNS: &[(&str, Kind)] = &[
        ("id", Kind::Text),
        ("system", Kind::Text),
        ("role", Kind::Text),
        ("digest", Kind::Text),
        ("sealed", Kind::Bytes),
        ("state", Kind::Text),
        ("doubt", Kind::Text),
        ("account", Kind::Text),
        ("grant_id", Kind::Text),
        ("drift", Kind::Truth),
        ("brought_by", Kind::Text),
        ("granted_at", Kind::Instant),
        ("used", Kind::Text),
        ("used_at", Kind::Instant),
        ("list", Kind::Text),
        ("found_at", Kind::Instant),
        ("revision", Kind::Whole),
    ];
    let mut rows = Vec::with_capacity(all.len());
    for holding in all {
        let sealed = holding.named.seal(tx.vault(), tx.entropy(), &holding.id)?;
        rows.push(BatchHolding {
            id: &holding.id,
            system: &holding.system,
            role: &holding.role,
            digest: &holding.digest,
            sealed: hex::encode(sealed),
            state: holding.state,
            doubt: holding.doubt,
            account: holding.account.as_ref(),
            grant_id: holding.grant.as_ref(),
            drift: holding.drift,
            brought_by: &holding.brought_by,
            granted_at: holding.granted_at.map(batch::instant),
            used: holding.used,
            used_at: holding.used_at.map(batch::instant),
            list: &holding.list,
            found_at: batch::instant(holding.found_at),
            revision: holding.revision,
        });
    }
    batch::insert(tx.connection, "holdings", COLUMNS, &rows)
}

/// Notes that a list had these holdings.
pub(in crate::provisioning) fn seen(tx: &mut Tx<'_>, ids: &[HoldingId], list: &str) -> Result<()> {
    diesel::update(holdings::table.filter(holdings::id.eq_any(ids)))
        .set(holdings::list.eq(list))
        .execute(tx.connection)?;
    Ok(())
}

/// Writes what can change of a holding.
pub(in crate::provisioning) fn update(tx: &mut Tx<'_>, holding: &Holding) -> Result<()> {
    diesel::update(holdings::table.find(&holding.id))
        .set((
            holdings::state.eq(holding.state),
            holdings::doubt.eq(holding.doubt),
            holdings::account.eq(&holding.account),
            holdings::grant_id.eq(&holding.grant),
            holdings::drift.eq(holding.drift),
            holdings::brought_by.eq(&holding.brought_by),
            holdings::granted_at.eq(holding.granted_at),
            holdings::used.eq(holding.used),
            holdings::used_at.eq(holding.used_at),
            holdings::list.eq(&holding.list),
            holdings::found_at.eq(holding.found_at),
            holdings::gone_at.eq(holding.gone_at),
            holdings::gone_how.eq(holding.gone_how),
            holdings::revision.eq(holding.revision.cast_signed()),
        ))
        .execute(tx.connection)?;
    Ok(())
}

/// How many holdings a system had that were not gone before `since`: those of somebody known, and the others.
pub(in crate::provisioning) fn tally(
    reader: &mut Reader<'_>,
    system: &str,
    since: Timestamp,
) -> Result<(u64, u64)> {
    let counted = |known: bool, reader: &mut Reader<'_>| -> Result<u64> {
        let mut query = holdings::table
            .filter(holdings::system.eq(system))
            .filter(holdings::gone_at.is_null().or(holdings::gone_at.ge(since).assume_not_null()))
            .into_boxed();
        query = match known {
            true => query.filter(holdings::grant_id.is_not_null()),
            false => query.filter(holdings::grant_id.is_null()),
        };
        let count: i64 = query.count().get_result(reader.connection)?;
        Ok(count.unsigned_abs())
    };
    Ok((counted(true, reader)?, counted(false, reader)?))
}

// ---- lists ----------------------------------------------------------------------------------------------------------

/// A list that was read to its end.
pub(in crate::provisioning) struct SystemList {
    pub(in crate::provisioning) id: String,
    pub(in crate::provisioning) system: String,
    pub(in crate::provisioning) digest: String,
    pub(in crate::provisioning) lines: u64,
    pub(in crate::provisioning) refused: u64,
    pub(in crate::provisioning) revision: u64,
}

pub(in crate::provisioning) fn insert_list(tx: &mut Tx<'_>, list: &SystemList) -> Result<()> {
    diesel::insert_into(system_lists::table)
        .values((
            system_lists::id.eq(&list.id),
            system_lists::system.eq(&list.system),
            system_lists::at.eq(tx.now),
            system_lists::digest.eq(&list.digest),
            system_lists::read_by.eq(tx.caller.label()),
            system_lists::lines.eq(list.lines.cast_signed()),
            system_lists::refused.eq(list.refused.cast_signed()),
            system_lists::revision.eq(list.revision.cast_signed()),
        ))
        .execute(tx.connection)?;
    Ok(())
}

/// When each system's newest list was read, by system; systems that do not decide here and have none are among them.
pub(in crate::provisioning) fn newest_lists(
    reader: &mut Reader<'_>,
) -> Result<Vec<(String, Option<Timestamp>)>> {
    Ok(applications::table
        .left_join(system_lists::table.on(system_lists::system.eq(applications::key)))
        .filter(applications::retired_at.is_null())
        .group_by(applications::key)
        .order(applications::key)
        .select((applications::key, diesel::dsl::max(system_lists::at.nullable())))
        .load(reader.connection)?)
}

/// Whether a list of this system was read to its end before.
pub(in crate::provisioning) fn has_list(reader: &mut Reader<'_>, system: &str) -> Result<bool> {
    let lists = system_lists::table.filter(system_lists::system.eq(system));
    Ok(diesel::select(diesel::dsl::exists(lists)).get_result(reader.connection)?)
}
