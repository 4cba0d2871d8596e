//! How sure this node is that it knows the newest state, and how far every node has come.
//!
//! A node is fresh while its last read of `log_head`, over a connection used for nothing else, is younger than the
//! lease, the log is the one it followed before (its epoch, and the leaf at its place), it has followed up to what it
//! read, and its clock is within a second of the database's.
//!
//! Rules: judged by the clock that never steps; a node that cannot prove it is fresh is not. May call: `db`, `tail`.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::Duration;

use super::store;
use super::tail::{Follower, Tail};
use crate::clock::{Clock, Timestamp};
use crate::db::{self, AnyConnection, Context, Location, Reader};
use crate::error::{Error, Result};
use crate::ids::uuid_v7;

/// After so long without proof only the floor is permitted.
const FLOOR_AFTER: Duration = Duration::minutes(15);
/// How far the clocks of node and database may be apart.
const SKEW: Duration = Duration::seconds(1);
/// Rows of nodes that have not been seen for so long are removed.
const FORGET_AFTER: Duration = Duration::days(1);

/// How sure a node is that it knows the newest state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// It has heard from the log within the lease.
    Fresh,
    /// It has not: nothing of class `pii` or `regulated` is permitted.
    Stale,
    /// It has not for long, or the log is another one: only the floor is permitted.
    Floor,
}

/// A node's pulse: its name, when it last knew the newest state, and how it finds out.
pub struct Pulse {
    node: String,
    lease: Duration,
    heard: AtomicI64,
    other_log: AtomicBool,
    beat: Mutex<Beat>,
}

#[derive(Default)]
struct Beat {
    connection: Option<AnyConnection>,
    place: Option<Place>,
    written: Option<(i64, u64)>,
}

/// Where in which log this node stands.
#[derive(Clone, PartialEq, Eq)]
struct Place {
    epoch: String,
    revision: u64,
    leaf: Option<Vec<u8>>,
}

impl Pulse {
    /// The pulse of a node that has just loaded its caches.
    pub fn new(context: &Context, lease: Duration) -> Self {
        Self {
            node: uuid_v7(context.clock.now(), context.entropy.as_ref()),
            lease,
            heard: AtomicI64::new(context.clock.steady_micros()),
            other_log: AtomicBool::new(false),
            beat: Mutex::default(),
        }
    }

    /// The name of this node in `nodes`.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// How fresh the node is by that clock. Reads no database.
    pub fn judge(&self, clock: &dyn Clock) -> Freshness {
        let silence = Duration::microseconds(clock.steady_micros() - self.heard.load(Ordering::Acquire));
        if self.other_log.load(Ordering::Acquire) || silence > FLOOR_AFTER {
            Freshness::Floor
        } else if silence > self.lease {
            Freshness::Stale
        } else {
            Freshness::Fresh
        }
    }

    /// Reads the head, follows up to it, says so in `nodes`. The caches are loaded afresh if the log is not the one
    /// that was followed before: shorter, begun again, or changed at this node's place.
    ///
    /// # Errors
    /// Whatever keeps the node from proving that it is fresh.
    pub fn beat(
        &self,
        location: &Location,
        context: &Context,
        tail: &Tail,
        followers: &[Arc<dyn Follower>],
    ) -> Result<()> {
        let mut beat = self.beat.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = context.clock.steady_micros();
        let mut connection = match beat.connection.take() {
            Some(connection) => connection,
            None => location.connect()?,
        };
        self.hear(&mut connection, &mut beat, context, tail, followers)?;
        self.heard.fetch_max(asked, Ordering::AcqRel);
        beat.connection = Some(connection);
        Ok(())
    }

    fn hear(
        &self,
        connection: &mut AnyConnection,
        beat: &mut Beat,
        context: &Context,
        tail: &Tail,
        followers: &[Arc<dyn Follower>],
    ) -> Result<()> {
        let known = beat.place.clone();
        if let Some(known) = known
            && place(connection, context, known.revision)?.is_none_or(|found| found != known)
        {
            tracing::error!(
                revision = known.revision,
                "the log is not the one that was followed: loading afresh"
            );
            self.other_log.store(true, Ordering::Release);
            beat.place = None;
        }
        // Also if that was found out before, and the load failed then.
        if self.other_log.load(Ordering::Acquire) {
            db::read_on(connection, context, |reader| tail.start(reader, followers))?;
            self.other_log.store(false, Ordering::Release);
        }
        let applied =
            tail.catch_up(|follow| db::read_on(connection, context, |reader| follow(reader)), followers)?;
        if beat.place.as_ref().is_none_or(|place| place.revision != applied) {
            beat.place = place(connection, context, applied)?;
        }
        self.write(connection, beat, context, applied)?;
        skew(connection, context)
    }

    /// Says where this node stands: at once when it has moved, else often enough to be seen within its lease.
    fn write(
        &self,
        connection: &mut AnyConnection,
        beat: &mut Beat,
        context: &Context,
        applied: u64,
    ) -> Result<()> {
        let now = context.clock.steady_micros();
        let half = self.lease.num_microseconds().unwrap_or(i64::MAX) / 2;
        if beat.written.is_some_and(|(at, revision)| revision == applied && now - at < half) {
            return Ok(());
        }
        let seen_at = context.clock.now();
        store::write_node(connection, &self.node, seen_at, applied, seen_at.minus(FORGET_AFTER))?;
        beat.written = Some((now, applied));
        Ok(())
    }

    /// Whether every node that was seen within its lease has applied `revision`; `here` is how far this one is.
    ///
    /// # Errors
    /// [`Error::Internal`] for a fault of the database.
    pub fn everywhere(&self, reader: &mut Reader<'_>, here: u64, revision: u64) -> Result<bool> {
        let since = reader.now.minus(self.lease);
        Ok(here >= revision && !store::somebody_lags(reader, &self.node, since, revision)?)
    }
}

/// The place of that revision in the log as it stands; `None` if the log has not begun, or does not reach there.
fn place(connection: &mut AnyConnection, context: &Context, revision: u64) -> Result<Option<Place>> {
    db::read_on(connection, context, |reader| {
        let Some((epoch, tree)) = store::find_head(reader)? else { return Ok(None) };
        if tree.size() < revision {
            return Ok(None);
        }
        Ok(Some(Place { epoch, revision, leaf: store::leaf(reader, revision)? }))
    })
}

fn skew(connection: &mut AnyConnection, context: &Context) -> Result<()> {
    if !context.clock.is_machine() {
        return Ok(());
    }
    let Some(theirs) = store::database_clock(connection)? else { return Ok(()) };
    if apart(theirs, context.clock.now()) > SKEW {
        tracing::error!("this node's clock and the database's are more than a second apart");
        return Err(Error::Unavailable("a clock that agrees with the database's", 5));
    }
    Ok(())
}

fn apart(one: Timestamp, other: Timestamp) -> Duration {
    one.since(other).abs()
}
