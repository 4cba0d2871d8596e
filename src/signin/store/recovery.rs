//! Rows of `recovery_asks`, whose names are sealed, and of `handovers`.

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::schema::{handovers, recovery_asks as asks};
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::ids::{AccountId, HandoverId, TextId};
use crate::signin::handing_over::{Handover, State, What};

pub fn count_asks(reader: &mut Reader<'_>) -> Result<i64> {
    Ok(asks::table.count().get_result(reader.connection)?)
}

pub fn insert_ask(reader: &mut Reader<'_>, id: &str, name: &[u8]) -> Result<()> {
    let values = (asks::id.eq(id), asks::name.eq(name), asks::asked_at.eq(reader.now));
    diesel::insert_into(asks::table).values(values).execute(reader.connection)?;
    Ok(())
}

/// Takes the oldest out of the box.
pub fn take_asks(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<(String, Vec<u8>)>> {
    let taken: Vec<(String, Vec<u8>)> =
        asks::table.order(asks::id).limit(limit).select((asks::id, asks::name)).load(tx.connection)?;
    let ids: Vec<&str> = taken.iter().map(|(id, _)| id.as_str()).collect();
    diesel::delete(asks::table.filter(asks::id.eq_any(&ids))).execute(tx.connection)?;
    Ok(taken)
}

type Columns = (HandoverId, AccountId, What, State, AccountId, TextId, Timestamp);
type Selected = (
    handovers::id,
    handovers::account,
    handovers::what,
    handovers::state,
    handovers::asked_by,
    handovers::words,
    handovers::asked_at,
);
const SELECTED: Selected = (
    handovers::id,
    handovers::account,
    handovers::what,
    handovers::state,
    handovers::asked_by,
    handovers::words,
    handovers::asked_at,
);

fn handover((id, account, what, state, asked_by, words, asked_at): Columns) -> Handover {
    Handover { id, account, what, state, asked_by, words, asked_at }
}

pub fn insert(tx: &mut Tx<'_>, new: &Handover) -> Result<()> {
    let values = (
        handovers::id.eq(&new.id),
        handovers::account.eq(&new.account),
        handovers::what.eq(new.what),
        handovers::state.eq(new.state),
        handovers::asked_by.eq(&new.asked_by),
        handovers::words.eq(&new.words),
        handovers::asked_at.eq(new.asked_at),
    );
    diesel::insert_into(handovers::table).values(values).execute(tx.connection)?;
    Ok(())
}

pub fn find(reader: &mut Reader<'_>, id: &HandoverId) -> Result<Option<Handover>> {
    let row: Option<Columns> =
        handovers::table.find(id).select(SELECTED).first(reader.connection).optional()?;
    Ok(row.map(handover))
}

pub fn waiting(reader: &mut Reader<'_>, account: &AccountId, since: Timestamp) -> Result<Vec<Handover>> {
    let rows: Vec<Columns> = handovers::table
        .filter(handovers::account.eq(account))
        .filter(handovers::state.eq(State::Waiting))
        .filter(handovers::asked_at.gt(since))
        .order(handovers::id)
        .select(SELECTED)
        .load(reader.connection)?;
    Ok(rows.into_iter().map(handover).collect())
}

/// Whether something was handed over to the account after `since`.
pub fn given_since(reader: &mut Reader<'_>, account: &AccountId, since: Timestamp) -> Result<bool> {
    let found: i64 = handovers::table
        .filter(handovers::account.eq(account))
        .filter(handovers::state.eq(State::Given))
        .filter(handovers::asked_at.gt(since))
        .count()
        .get_result(reader.connection)?;
    Ok(found > 0)
}

/// Ends what waits of the same kind: a new one takes its place.
pub fn withdraw_waiting(tx: &mut Tx<'_>, account: &AccountId, what: What) -> Result<()> {
    diesel::update(handovers::table)
        .filter(handovers::account.eq(account))
        .filter(handovers::what.eq(what))
        .filter(handovers::state.eq(State::Waiting))
        .set(handovers::state.eq(State::Withdrawn))
        .execute(tx.connection)?;
    Ok(())
}

/// Decides one that waits.
pub fn decide(tx: &mut Tx<'_>, id: &HandoverId, state: State, by: &AccountId) -> Result<()> {
    let decided = diesel::update(handovers::table.find(id))
        .filter(handovers::state.eq(State::Waiting))
        .set((handovers::state.eq(state), handovers::decided_by.eq(by)))
        .execute(tx.connection)?;
    if decided == 1 { Ok(()) } else { Err(Error::Stale) }
}
