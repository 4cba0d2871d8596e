//! How many alarms wait, in memory, for every page's navigation: follows the log.

use std::sync::atomic::{AtomicU64, Ordering};

use super::store;
use crate::db::Reader;
use crate::error::Result;
use crate::log::event::{Change, Event};
use crate::log::tail::Follower;

/// The counts of this node.
#[derive(Default)]
pub struct Waiting {
    new: AtomicU64,
}

impl Waiting {
    /// How many alarms nobody has taken on.
    pub fn new_alarms(&self) -> u64 {
        self.new.load(Ordering::Relaxed)
    }

    fn renew(&self, reader: &mut Reader<'_>) -> Result<()> {
        self.new.store(store::count_new(reader)?, Ordering::Relaxed);
        Ok(())
    }
}

impl Follower for Waiting {
    fn load(&self, reader: &mut Reader<'_>, _: u64) -> Result<()> {
        self.renew(reader)
    }

    fn follow(&self, reader: &mut Reader<'_>, events: &[Event], _: u64) -> Result<()> {
        let counts = |event: &Event| {
            matches!(event.change, Change::AlarmRaised { .. } | Change::AlarmStateChanged { .. })
        };
        if events.iter().any(counts) {
            self.renew(reader)?;
        }
        Ok(())
    }
}
