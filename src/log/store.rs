//! Rows of the log: head, events, checkpoints.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use serde::Serialize;

use super::checkpoint::Stored;
use super::event::Event;
use super::tree::{Block, Frontier, Hash};
use super::verify::{EventRow, Source};
use crate::clock::Timestamp;
use crate::db::batch::{self, Kind};
use crate::db::schema::{change_events, checkpoints, log_head, log_roots, nodes};
use crate::db::{self, AnyConnection, Reader, Tx};
use crate::error::{Error, Result};
use crate::ids::uuid_v7;

const HEAD: i32 = 1;

/// An event's row, ready to be inserted.
#[derive(Serialize)]
pub(super) struct StoredEvent {
    number: u64,
    at: String,
    kind: String,
    actor: String,
    subject: Option<String>,
    body: String,
    leaf: String,
}

impl StoredEvent {
    pub(super) fn new(event: &Event, actor: String, body: String, leaf: Hash) -> Self {
        Self {
            number: event.number,
            at: batch::instant(event.at),
            kind: event.kind(),
            actor,
            subject: event.subject.as_ref().map(ToString::to_string),
            body,
            leaf: hex::encode(leaf),
        }
    }
}

/// The epoch and the frontier; a new log gets its epoch here.
pub(super) fn head(tx: &mut Tx<'_>) -> Result<(String, Frontier)> {
    if let Some(found) = find_head(tx)? {
        return Ok(found);
    }
    let epoch = uuid_v7(tx.now, tx.entropy());
    diesel::insert_into(log_head::table)
        .values((
            log_head::id.eq(HEAD),
            log_head::epoch.eq(&epoch),
            log_head::size.eq(0),
            log_head::frontier.eq(Vec::<u8>::new()),
        ))
        .execute(tx.connection)?;
    Ok((epoch, Frontier::default()))
}

/// The epoch and the frontier, if the log has begun.
///
/// # Errors
/// [`Error::Internal`] for a damaged head.
pub fn find_head(reader: &mut Reader<'_>) -> Result<Option<(String, Frontier)>> {
    let row: Option<(String, i64, Vec<u8>)> = log_head::table
        .find(HEAD)
        .select((log_head::epoch, log_head::size, log_head::frontier))
        .first(reader.connection)
        .optional()?;
    row.map(|(epoch, size, bytes)| Ok((epoch, Frontier::read(size.unsigned_abs(), &bytes)?))).transpose()
}

/// The log's size: the newest revision.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn size(connection: &mut AnyConnection) -> Result<u64> {
    let size: Option<i64> = log_head::table.find(HEAD).select(log_head::size).first(connection).optional()?;
    Ok(size.unwrap_or(0).unsigned_abs())
}

pub(super) fn set_head(tx: &mut Tx<'_>, epoch: &str, frontier: &Frontier) -> Result<()> {
    diesel::update(log_head::table.find(HEAD).filter(log_head::epoch.eq(epoch)))
        .set((log_head::size.eq(frontier.size().cast_signed()), log_head::frontier.eq(frontier.bytes())))
        .execute(tx.connection)?;
    Ok(())
}

pub(super) fn insert(tx: &mut Tx<'_>, events: &[StoredEvent]) -> Result<()> {
    const COLUMNS: &[(&str, Kind)] = &[
        ("number", Kind::Whole),
        ("at", Kind::Instant),
        ("kind", Kind::Text),
        ("actor", Kind::Text),
        ("subject", Kind::Text),
        ("body", Kind::Text),
        ("leaf", Kind::Bytes),
    ];
    for chunk in events.chunks(batch::LIMIT) {
        batch::insert(tx.connection, "change_events", COLUMNS, chunk)?;
    }
    Ok(())
}

pub(super) fn insert_blocks(tx: &mut Tx<'_>, blocks: &[Block]) -> Result<()> {
    for block in blocks {
        diesel::insert_into(log_roots::table)
            .values((
                log_roots::level.eq(block.level.cast_signed()),
                log_roots::position.eq(block.position.cast_signed()),
                log_roots::hash.eq(block.root.to_vec()),
            ))
            .execute(tx.connection)?;
    }
    Ok(())
}

/// The stored hashes of one level of the tree, from position `from` up to and without `to`: of level 0 the leaves,
/// of level 1 the roots of complete blocks of 256 leaves, and so on.
///
/// # Errors
/// [`Error::Internal`] if one is missing or is not a hash.
pub(super) fn hashes(reader: &mut Reader<'_>, level: u32, from: u64, to: u64) -> Result<Vec<Hash>> {
    let damaged = || Error::internal("reading the log's tree", "a hash is missing or damaged");
    let found = hashes_found(reader, level, from, to)?;
    if found.len() as u64 != to - from {
        return Err(damaged());
    }
    found.iter().map(|(_, hash)| Hash::try_from(hash.as_slice()).map_err(|_| damaged())).collect()
}

/// As [`hashes`], but what is there, damaged or not, each with its position.
pub(super) fn hashes_found(
    reader: &mut Reader<'_>,
    level: u32,
    from: u64,
    to: u64,
) -> Result<Vec<(i64, Vec<u8>)>> {
    let (first, end) = (from.cast_signed(), to.cast_signed());
    if level == 0 {
        let events = change_events::table
            .filter(change_events::number.gt(first).and(change_events::number.le(end)))
            .order(change_events::number)
            .select((change_events::number - 1, change_events::leaf));
        return Ok(events.load(reader.connection)?);
    }
    let blocks = log_roots::table
        .filter(log_roots::level.eq(level.cast_signed()))
        .filter(log_roots::position.ge(first).and(log_roots::position.lt(end)))
        .order(log_roots::position)
        .select((log_roots::position, log_roots::hash));
    Ok(blocks.load(reader.connection)?)
}

/// The events after `after`, oldest first, at most `limit`.
///
/// # Errors
/// [`Error::Internal`] if an event cannot be read back.
pub fn events_after(reader: &mut Reader<'_>, after: u64, limit: i64) -> Result<Vec<Event>> {
    let bodies: Vec<(i64, String)> = change_events::table
        .filter(change_events::number.gt(after.cast_signed()))
        .order(change_events::number)
        .limit(limit)
        .select((change_events::number, change_events::body))
        .load(reader.connection)?;
    bodies
        .into_iter()
        .map(|(number, body)| {
            serde_json::from_str(&body)
                .map_err(|cause| Error::internal(&format!("reading event {number}"), cause))
        })
        .collect()
}

type CheckpointRow = (i64, Timestamp, String);

fn stored((size, at, note): CheckpointRow) -> Stored {
    Stored { size: size.unsigned_abs(), at, note }
}

/// The newest checkpoint of at most that size.
pub(super) fn checkpoint_up_to(reader: &mut Reader<'_>, size: u64) -> Result<Option<Stored>> {
    let row: Option<CheckpointRow> = checkpoints::table
        .filter(checkpoints::size.le(size.cast_signed()))
        .order(checkpoints::size.desc())
        .select((checkpoints::size, checkpoints::at, checkpoints::note))
        .first(reader.connection)
        .optional()?;
    Ok(row.map(stored))
}

/// The checkpoints of more than `after` and at most `to` leaves, smallest first, at most `limit`.
pub(super) fn checkpoints_between(
    reader: &mut Reader<'_>,
    after: u64,
    to: u64,
    limit: i64,
) -> Result<Vec<Stored>> {
    let to = i64::try_from(to).unwrap_or(i64::MAX);
    let rows: Vec<CheckpointRow> = checkpoints::table
        .filter(checkpoints::size.gt(after.cast_signed()).and(checkpoints::size.le(to)))
        .order(checkpoints::size)
        .limit(limit)
        .select((checkpoints::size, checkpoints::at, checkpoints::note))
        .load(reader.connection)?;
    Ok(rows.into_iter().map(stored).collect())
}

/// Stores a checkpoint; if another node was quicker with this size, its checkpoint stays.
pub(super) fn insert_checkpoint(reader: &mut Reader<'_>, checkpoint: &Stored) -> Result<()> {
    let row = (
        checkpoints::size.eq(checkpoint.size.cast_signed()),
        checkpoints::at.eq(checkpoint.at),
        checkpoints::note.eq(&checkpoint.note),
    );
    match diesel::insert_into(checkpoints::table).values(row).execute(reader.connection) {
        Ok(_)
        | Err(diesel::result::Error::DatabaseError(diesel::result::DatabaseErrorKind::UniqueViolation, _)) => {
            Ok(())
        }
        Err(cause) => Err(cause.into()),
    }
}

/// The events after `after` as their columns have them, oldest first, at most `limit`.
pub(super) fn rows_after(reader: &mut Reader<'_>, after: u64, limit: i64) -> Result<Vec<EventRow>> {
    Ok(change_events::table
        .filter(change_events::number.gt(after.cast_signed()))
        .order(change_events::number)
        .limit(limit)
        .select((
            change_events::number,
            change_events::at,
            change_events::kind,
            change_events::actor,
            change_events::subject,
            change_events::body,
            change_events::leaf,
        ))
        .load(reader.connection)?)
}

#[derive(QueryableByName)]
struct RowId {
    #[diesel(sql_type = Text)]
    id: String,
}

/// The keys of a governed table's rows after `after`, in their order, whatever the other columns hold.
pub(super) fn ids_after(
    reader: &mut Reader<'_>,
    source: &Source,
    after: &str,
    limit: i64,
) -> Result<Vec<String>> {
    let Source { table, key, .. } = source;
    let statement = format!("SELECT {key} AS id FROM {table} WHERE {key} > $1 ORDER BY {key} LIMIT $2");
    let rows: Vec<RowId> = diesel::sql_query(statement)
        .bind::<Text, _>(after)
        .bind::<BigInt, _>(limit)
        .load(reader.connection)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// The leaf of the event of that number, if it is there.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn leaf(reader: &mut Reader<'_>, number: u64) -> Result<Option<Vec<u8>>> {
    Ok(change_events::table
        .find(number.cast_signed())
        .select(change_events::leaf)
        .first(reader.connection)
        .optional()?)
}

/// What a list of events may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only events of this kind.
    pub kind: Option<String>,
    /// Only events about this account.
    pub subject: Option<String>,
    /// Only events at or after this instant.
    pub from: Option<Timestamp>,
    /// Only events before this instant.
    pub to: Option<Timestamp>,
    /// Only events with a smaller number: the cursor of a list that shows the newest first.
    pub before: Option<u64>,
    /// Only events with a larger number: the cursor of a reader that follows.
    pub after: Option<u64>,
}

/// Events that match; oldest first with `after`, newest first otherwise.
///
/// # Errors
/// [`Error::Internal`] if an event cannot be read back.
pub fn list(reader: &mut Reader<'_>, filter: &Filter, limit: i64) -> Result<Vec<(Event, Vec<u8>)>> {
    let mut query =
        change_events::table.select((change_events::body, change_events::leaf)).limit(limit).into_boxed();
    if let Some(kind) = &filter.kind {
        query = query.filter(change_events::kind.eq(kind));
    }
    if let Some(subject) = &filter.subject {
        query = query.filter(change_events::subject.eq(subject));
    }
    if let Some(from) = filter.from {
        query = query.filter(change_events::at.ge(from));
    }
    if let Some(to) = filter.to {
        query = query.filter(change_events::at.lt(to));
    }
    if let Some(before) = filter.before {
        query = query.filter(change_events::number.lt(before.cast_signed()));
    }
    query = match filter.after {
        Some(after) => {
            query.filter(change_events::number.gt(after.cast_signed())).order(change_events::number.asc())
        }
        None => query.order(change_events::number.desc()),
    };
    let rows: Vec<(String, Vec<u8>)> = query.load(reader.connection)?;
    rows.into_iter()
        .map(|(body, leaf)| {
            Ok((
                serde_json::from_str(&body).map_err(|cause| Error::internal("reading an event", cause))?,
                leaf,
            ))
        })
        .collect()
}

/// Writes how far a node is; a new node's row takes the place of those not seen since `forget_before`.
pub(super) fn write_node(
    connection: &mut AnyConnection,
    node: &str,
    seen_at: Timestamp,
    applied: u64,
    forget_before: Timestamp,
) -> Result<()> {
    let place = (nodes::seen_at.eq(seen_at), nodes::applied.eq(applied.cast_signed()));
    if diesel::update(nodes::table.find(node)).set(place).execute(connection)? == 0 {
        diesel::insert_into(nodes::table).values((nodes::id.eq(node), place)).execute(connection)?;
        diesel::delete(nodes::table.filter(nodes::seen_at.lt(forget_before))).execute(connection)?;
    }
    Ok(())
}

/// Whether another node than `node`, seen since `since`, has not applied `revision` yet.
pub(super) fn somebody_lags(
    reader: &mut Reader<'_>,
    node: &str,
    since: Timestamp,
    revision: u64,
) -> Result<bool> {
    let lagging: i64 = nodes::table
        .filter(nodes::id.ne(node).and(nodes::seen_at.ge(since)))
        .filter(nodes::applied.lt(revision.cast_signed()))
        .count()
        .get_result(reader.connection)?;
    Ok(lagging > 0)
}

/// The database's clock; `None` where it is this machine's.
pub(super) fn database_clock(connection: &mut AnyConnection) -> Result<Option<Timestamp>> {
    if !db::connection_is_postgresql(connection) {
        return Ok(None);
    }
    let now = diesel::dsl::sql::<diesel::sql_types::Timestamp>("clock_timestamp() AT TIME ZONE 'UTC'");
    Ok(Some(diesel::select(now).get_result(connection)?))
}
