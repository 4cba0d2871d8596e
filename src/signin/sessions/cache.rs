//! The sessions that a node has met: fed by look-ups, emptied by the log.
//!
//! Rules: any event about an account lets its sessions be read afresh when they are next shown; what was read before
//! something was forgotten is not kept after it. May call: `log` for the tail.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::{Session, Stage};
use crate::accounts::Account;
use crate::clock::Timestamp;
use crate::db::Reader;
use crate::error::Result;
use crate::ids::AccountId;
use crate::log::event::Event;
use crate::log::tail::Follower;

/// How many sessions a node keeps in memory; beyond, it forgets them all and reads them again as they come.
const KEPT: usize = 200_000;

/// SHA-256 of a token.
pub(super) type Key = [u8; 32];

/// A session that lives, as far as this node knows.
pub(super) struct Entry {
    pub session: Session,
    pub account: Account,
    /// When something was last asked here, in microseconds.
    last: AtomicI64,
    /// When that was last written down.
    pub noted: AtomicI64,
}

impl Entry {
    pub fn seen_at(&self) -> Timestamp {
        Timestamp::from_micros(self.last.load(Ordering::Acquire))
    }

    pub fn seen(&self, now: Timestamp) {
        self.last.fetch_max(now.micros(), Ordering::AcqRel);
    }
}

/// The sessions that this node has met: fed by look-ups, emptied by the log.
#[derive(Default)]
pub struct Sessions(RwLock<Kept>);

#[derive(Default)]
struct Kept {
    entries: HashMap<Key, Arc<Entry>>,
    of: HashMap<AccountId, Vec<Key>>,
    /// Grows with everything that is forgotten: what was read before must not be kept after.
    generation: u64,
}

impl Kept {
    fn forget(&mut self, account: &AccountId) {
        self.generation += 1;
        for key in self.of.remove(account).unwrap_or_default() {
            self.entries.remove(&key);
        }
    }

    fn clear(&mut self) {
        self.generation += 1;
        self.entries.clear();
        self.of.clear();
    }
}

impl Sessions {
    pub(super) fn get(&self, key: &Key) -> Option<Arc<Entry>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).entries.get(key).cloned()
    }

    pub(super) fn generation(&self) -> u64 {
        self.0.read().unwrap_or_else(PoisonError::into_inner).generation
    }

    pub(super) fn forget(&self, account: &AccountId) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).forget(account);
    }

    pub(super) fn keep(
        &self,
        generation: u64,
        key: Key,
        session: &Session,
        account: Account,
        noted: &AtomicI64,
    ) {
        if session.stage != Stage::Full {
            return;
        }
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if kept.generation != generation {
            return;
        }
        if kept.entries.len() >= KEPT {
            kept.clear();
        }
        let noted = noted.load(Ordering::Acquire);
        let entry = Entry {
            session: session.clone(),
            account,
            last: AtomicI64::new(noted),
            noted: AtomicI64::new(noted),
        };
        if kept.entries.insert(key, Arc::new(entry)).is_none() {
            kept.of.entry(session.account.clone()).or_default().push(key);
        }
    }
}

impl Follower for Sessions {
    fn load(&self, _reader: &mut Reader<'_>, _revision: u64) -> Result<()> {
        self.0.write().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(())
    }

    /// Any event about an account lets its sessions be read afresh when they are next shown.
    fn follow(&self, _reader: &mut Reader<'_>, events: &[Event], _revision: u64) -> Result<()> {
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for account in events.iter().filter_map(|event| event.subject.as_ref()) {
            kept.forget(account);
        }
        Ok(())
    }
}
