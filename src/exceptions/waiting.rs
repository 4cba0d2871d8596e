//! How many decisions about oneself wait for objections, in memory, for every page's navigation: follows the log.

use std::sync::atomic::{AtomicU64, Ordering};

use super::store;
use crate::db::Reader;
use crate::error::Result;
use crate::log::event::{Change, Event};
use crate::log::tail::Follower;

/// The count of this node.
#[derive(Default)]
pub struct Waiting {
    windows: AtomicU64,
}

impl Waiting {
    /// How many decisions wait.
    pub fn windows(&self) -> u64 {
        self.windows.load(Ordering::Relaxed)
    }

    fn renew(&self, reader: &mut Reader<'_>) -> Result<()> {
        self.windows.store(store::count_waiting_own(reader)?, Ordering::Relaxed);
        Ok(())
    }
}

impl Follower for Waiting {
    fn load(&self, reader: &mut Reader<'_>, _: u64) -> Result<()> {
        self.renew(reader)
    }

    fn follow(&self, reader: &mut Reader<'_>, events: &[Event], _: u64) -> Result<()> {
        if events.iter().any(|event| matches!(event.change, Change::OwnDecisionChanged { .. })) {
            self.renew(reader)?;
        }
        Ok(())
    }
}
