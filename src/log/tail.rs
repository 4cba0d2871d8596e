//! Following the log: the one path into every cache of a node.
//!
//! Rules: in order, at least once, one reader at a time; a follower re-reads the rows that an event names and never
//! replays payloads; all events of one transaction are published at once. May call: `db`.

use std::sync::{Mutex, PoisonError};

use super::event::Event;
use super::store;
use crate::db::Reader;
use crate::error::Result;

const PAGE: i64 = 1_000;

/// Something that must follow every change: the decision index, the session cache, the directory.
pub trait Follower: Send + Sync {
    /// Loads everything afresh from the reader's snapshot, which stands at `revision`.
    ///
    /// # Errors
    /// Whatever makes the load impossible; the node does not start then.
    fn load(&self, reader: &mut Reader<'_>, revision: u64) -> Result<()>;

    /// Takes in events that were committed; the reader's snapshot stands at `revision` or later.
    ///
    /// # Errors
    /// Whatever makes it impossible; the tail stays where it was and tries again.
    fn follow(&self, reader: &mut Reader<'_>, events: &[Event], revision: u64) -> Result<()>;
}

/// A node's place in the log.
#[derive(Default)]
pub struct Tail {
    place: Mutex<u64>,
}

impl Tail {
    /// The revision up to which every follower has followed.
    pub fn applied(&self) -> u64 {
        *self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Loads all followers from one snapshot and stands at its revision.
    ///
    /// # Errors
    /// Whatever a follower returns.
    pub fn start(&self, reader: &mut Reader<'_>, followers: &[std::sync::Arc<dyn Follower>]) -> Result<()> {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        let revision = store::size(reader.connection)?;
        for follower in followers {
            follower.load(reader, revision)?;
        }
        *place = revision;
        Ok(())
    }

    /// Follows up to the newest event. `read` opens the snapshot, and does so while this thread holds the place, so
    /// no older snapshot can ever be applied over a newer one.
    ///
    /// # Errors
    /// Whatever a follower returns; the place stays where it was.
    pub fn catch_up(
        &self,
        read: impl FnOnce(&mut dyn FnMut(&mut Reader<'_>) -> Result<()>) -> Result<()>,
        followers: &[std::sync::Arc<dyn Follower>],
    ) -> Result<u64> {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        let mut reached = *place;
        read(&mut |reader| {
            let revision = store::size(reader.connection)?;
            while reached < revision {
                let events = store::events_after(reader, reached, PAGE)?;
                let Some(last) = events.last() else { break };
                let next = last.number;
                for follower in followers {
                    follower.follow(reader, &events, revision)?;
                }
                reached = next;
            }
            Ok(())
        })?;
        *place = reached;
        Ok(reached)
    }
}
