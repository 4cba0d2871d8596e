//! Rows of `sessions`: `digest` is SHA-256 of the token as hex, `agent` the sealed name of the browser, `idle_seconds`
//! and `ends_at` its two ends, `network` the name of the network that it was seen in last, `workstation` the shared one
//! where it was begun,
//! `next_password` the hash of a new password that waits for the second factor.

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::schema::sessions;
use crate::db::{Reader, Tx};
use crate::error::Result;
use crate::ids::{AccountId, SessionId, WorkstationId};
use crate::signin::sessions::{Session, Stage};

/// A new row.
pub struct New {
    pub id: SessionId,
    pub digest: String,
    pub account: AccountId,
    pub stage: Stage,
    pub idle_seconds: i64,
    pub ends_at: Timestamp,
    pub agent: Vec<u8>,
    pub workstation: Option<WorkstationId>,
}

/// A session as its owner's list shows it; `agent` is sealed.
#[derive(Queryable)]
pub struct ListedRow {
    pub id: SessionId,
    pub created_at: Timestamp,
    pub seen_at: Timestamp,
    pub ends_at: Timestamp,
    pub idle_seconds: i64,
    pub agent: Vec<u8>,
    pub network: Option<String>,
    pub workstation: Option<WorkstationId>,
}

type Times = (Timestamp, Timestamp, Timestamp, i64, Timestamp);
type Where = (Option<String>, Option<WorkstationId>);
type Waiting = (Option<String>, Option<String>);
type Columns = (SessionId, AccountId, Stage, Times, Where, Waiting);

/// The session of that digest unless it was ended.
pub fn find(reader: &mut Reader<'_>, digest: &str) -> Result<Option<Session>> {
    let row: Option<Columns> = sessions::table
        .filter(sessions::digest.eq(digest))
        .filter(sessions::ended_at.is_null())
        .select((
            sessions::id,
            sessions::account,
            sessions::stage,
            (
                sessions::created_at,
                sessions::seen_at,
                sessions::proved_at,
                sessions::idle_seconds,
                sessions::ends_at,
            ),
            (sessions::network, sessions::workstation),
            (sessions::next_password, sessions::origin),
        ))
        .first(reader.connection)
        .optional()?;
    Ok(row.map(|(id, account, stage, times, (network, workstation), (next_password, origin))| Session {
        id,
        account,
        stage,
        created_at: times.0,
        seen_at: times.1,
        proved_at: (stage == Stage::Full).then_some(times.2),
        idle: chrono::Duration::seconds(times.3),
        ends_at: times.4,
        network,
        next_password,
        origin,
        workstation,
    }))
}

/// Writes a new session, begun, seen and proved now.
pub fn insert(reader: &mut Reader<'_>, new: &New) -> Result<()> {
    diesel::insert_into(sessions::table)
        .values((
            (
                sessions::id.eq(&new.id),
                sessions::digest.eq(&new.digest),
                sessions::account.eq(&new.account),
                sessions::stage.eq(new.stage),
                sessions::created_at.eq(reader.now),
                sessions::seen_at.eq(reader.now),
                sessions::proved_at.eq(reader.now),
            ),
            (
                sessions::idle_seconds.eq(new.idle_seconds),
                sessions::ends_at.eq(new.ends_at),
                sessions::agent.eq(&new.agent),
                sessions::workstation.eq(&new.workstation),
            ),
        ))
        .execute(reader.connection)?;
    Ok(())
}

/// Notes what a session goes back to, and when a second factor was shown.
pub fn set_origin(
    reader: &mut Reader<'_>,
    id: &SessionId,
    (origin, proved_at): (&str, Timestamp),
) -> Result<()> {
    diesel::update(sessions::table.find(id))
        .set((sessions::origin.eq(origin), sessions::proved_at.eq(proved_at)))
        .execute(reader.connection)?;
    Ok(())
}

/// Notes that something was asked in the session, unless that was noted at `stale_before` or later; a network that is
/// news is noted at once.
pub fn touch(
    reader: &mut Reader<'_>,
    id: &SessionId,
    stale_before: Timestamp,
    network: Option<&str>,
) -> Result<()> {
    let living = diesel::update(sessions::table.find(id)).filter(sessions::ended_at.is_null());
    let seen = (sessions::seen_at.eq(reader.now), sessions::network.eq(network));
    match network {
        Some(_) => living
            .filter(sessions::seen_at.lt(stale_before).or(sessions::network.is_null()))
            .set(seen)
            .execute(reader.connection)?,
        None => living.filter(sessions::seen_at.lt(stale_before)).set(seen).execute(reader.connection)?,
    };
    Ok(())
}

/// Keeps the hash of a new password until the second factor is shown.
pub fn keep_next_password(reader: &mut Reader<'_>, id: &SessionId, hash: &str) -> Result<bool> {
    let kept = diesel::update(sessions::table.find(id))
        .filter(sessions::ended_at.is_null())
        .set(sessions::next_password.eq(hash))
        .execute(reader.connection)?;
    Ok(kept == 1)
}

/// Ends one session; false if it had ended already. Whatever waited in it is forgotten.
pub fn end(reader: &mut Reader<'_>, id: &SessionId, cause: &str) -> Result<bool> {
    let ended = diesel::update(sessions::table.find(id))
        .filter(sessions::ended_at.is_null())
        .set((
            sessions::ended_at.eq(reader.now),
            sessions::ended_by.eq(cause),
            sessions::next_password.eq(None::<String>),
        ))
        .execute(reader.connection)?;
    Ok(ended == 1)
}

/// Ends every session of an account but `except`, and returns those that were full.
pub fn end_all(
    tx: &mut Tx<'_>,
    account: &AccountId,
    except: Option<&SessionId>,
    cause: &str,
) -> Result<Vec<SessionId>> {
    let kept = except.map_or("", SessionId::as_str);
    let ended: Vec<(SessionId, Stage)> = diesel::update(sessions::table)
        .filter(sessions::account.eq(account))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::id.ne(kept))
        .set((
            sessions::ended_at.eq(tx.now),
            sessions::ended_by.eq(cause),
            sessions::next_password.eq(None::<String>),
        ))
        .returning((sessions::id, sessions::stage))
        .get_results(tx.connection)?;
    Ok(ended.into_iter().filter(|(_, stage)| *stage == Stage::Full).map(|(id, _)| id).collect())
}

/// Ends every session that goes back to one of these origins, and returns whose they were and how far they had come.
pub fn end_of_origins(
    tx: &mut Tx<'_>,
    origins: &[String],
    cause: &str,
) -> Result<Vec<(SessionId, AccountId, Stage)>> {
    Ok(diesel::update(sessions::table)
        .filter(sessions::origin.eq_any(origins))
        .filter(sessions::ended_at.is_null())
        .set((
            sessions::ended_at.eq(tx.now),
            sessions::ended_by.eq(cause),
            sessions::next_password.eq(None::<String>),
        ))
        .returning((sessions::id, sessions::account, sessions::stage))
        .get_results(tx.connection)?)
}

/// Ends every session that was begun on a workstation and has not reached its last end, and returns whose they were and
/// how far they had come.
pub fn end_of_workstation(
    tx: &mut Tx<'_>,
    workstation: &WorkstationId,
    cause: &str,
) -> Result<Vec<(SessionId, AccountId, Stage)>> {
    Ok(diesel::update(sessions::table)
        .filter(sessions::workstation.eq(workstation))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::ends_at.gt(tx.now))
        .set((
            sessions::ended_at.eq(tx.now),
            sessions::ended_by.eq(cause),
            sessions::next_password.eq(None::<String>),
        ))
        .returning((sessions::id, sessions::account, sessions::stage))
        .get_results(tx.connection)?)
}

/// Whether the account had a full session on that workstation before this one, as far as sessions are kept.
pub fn was_on(reader: &mut Reader<'_>, workstation: &WorkstationId, now: &Session) -> Result<bool> {
    let before = sessions::table
        .filter(sessions::account.eq(&now.account))
        .filter(sessions::workstation.eq(workstation))
        .filter(sessions::stage.eq(Stage::Full))
        .filter(sessions::id.ne(&now.id));
    Ok(diesel::select(diesel::dsl::exists(before)).get_result(reader.connection)?)
}

/// The full sessions of an account that were not ended and whose last end lies ahead, newest first.
pub fn list(reader: &mut Reader<'_>, account: &AccountId) -> Result<Vec<ListedRow>> {
    Ok(sessions::table
        .filter(sessions::account.eq(account))
        .filter(sessions::stage.eq(Stage::Full))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::ends_at.gt(reader.now))
        .order((sessions::created_at.desc(), sessions::id.desc()))
        .limit(200)
        .select((
            sessions::id,
            sessions::created_at,
            sessions::seen_at,
            sessions::ends_at,
            sessions::idle_seconds,
            sessions::agent,
            sessions::network,
            sessions::workstation,
        ))
        .load(reader.connection)?)
}

/// Whose session this is, if it was not ended.
pub fn owner(reader: &mut Reader<'_>, id: &SessionId) -> Result<Option<AccountId>> {
    Ok(sessions::table
        .find(id)
        .filter(sessions::ended_at.is_null())
        .select(sessions::account)
        .first(reader.connection)
        .optional()?)
}

/// Deletes up to `limit` sessions whose last end lay before `before`; returns how many.
pub fn forget(tx: &mut Tx<'_>, before: Timestamp, limit: i64) -> Result<usize> {
    let old: Vec<SessionId> = sessions::table
        .filter(sessions::ends_at.lt(before))
        .order(sessions::id)
        .limit(limit)
        .select(sessions::id)
        .load(tx.connection)?;
    Ok(diesel::delete(sessions::table.filter(sessions::id.eq_any(&old))).execute(tx.connection)?)
}
