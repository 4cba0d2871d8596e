//! Numbering and hashing: the last step of every write transaction, before its commit.
//!
//! May call: `db`.

use super::event::{Event, VERSION};
use super::history;
use super::store::{self, StoredEvent};
use super::tree::leaf_hash;
use crate::db::Tx;
use crate::error::Result;

/// Gives the transaction's events the next numbers, appends their leaves to the tree and stores both with the new
/// head. Returns the log's size after it.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn commit_events(tx: &mut Tx<'_>) -> Result<u64> {
    let pending = std::mem::take(&mut tx.pending);
    let (epoch, mut frontier) = store::head(tx)?;
    if pending.is_empty() {
        return Ok(frontier.size());
    }
    let mut events = Vec::with_capacity(pending.len());
    let mut blocks = Vec::new();
    let mut rows = Vec::new();
    for entry in pending {
        let event = Event {
            version: VERSION,
            number: frontier.size() + 1,
            at: tx.now,
            actor: tx.caller.actor.clone(),
            subject: entry.change.subject().cloned(),
            change: entry.change,
            rows: entry.rows,
        };
        let body = event.text()?;
        rows.extend(event.rows.iter().map(|row| (event.number, row.clone())));
        let leaf = leaf_hash(body.as_bytes());
        frontier.append_noting(leaf, |block| blocks.push(block));
        events.push(StoredEvent::new(&event, tx.caller.label(), body, leaf));
    }
    store::insert(tx, &events)?;
    history::keep(tx, &rows)?;
    store::insert_blocks(tx, &blocks)?;
    store::set_head(tx, &epoch, &frontier)?;
    Ok(frontier.size())
}

/// The number that the next recorded event of this transaction will get: the revision that a row may carry.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn next_revision(tx: &mut Tx<'_>) -> Result<u64> {
    let (_, frontier) = store::head(tx)?;
    Ok(frontier.size() + 1 + tx.pending.len() as u64)
}
