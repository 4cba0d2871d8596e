//! How many proposals wait, in memory, for every page's navigation: follows the log.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::access::store::proposals as store;
use crate::db::Reader;
use crate::error::Result;
use crate::log::event::{Change, Event};
use crate::log::tail::Follower;

/// The count of this node.
#[derive(Default)]
pub struct Waiting {
    proposals: AtomicU64,
}

impl Waiting {
    /// How many proposals wait.
    pub fn proposals(&self) -> u64 {
        self.proposals.load(Ordering::Relaxed)
    }

    fn renew(&self, reader: &mut Reader<'_>) -> Result<()> {
        self.proposals.store(store::count_waiting(reader)?.unsigned_abs(), Ordering::Relaxed);
        Ok(())
    }
}

impl Follower for Waiting {
    fn load(&self, reader: &mut Reader<'_>, _: u64) -> Result<()> {
        self.renew(reader)
    }

    fn follow(&self, reader: &mut Reader<'_>, events: &[Event], _: u64) -> Result<()> {
        if events.iter().any(|event| matches!(event.change, Change::ProposalChanged { .. })) {
            self.renew(reader)?;
        }
        Ok(())
    }
}
