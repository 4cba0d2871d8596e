//! The keys of this node: found by their digest without asking the database, fed by the log.
//!
//! Rules: a key that is not here opens nothing; whether one counts is judged at the call. Calls `keys`, `store`.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

use super::keys::{KeyCaller, digest_of};
use super::store::keys as store;
use crate::clock::Timestamp;
use crate::db::Reader;
use crate::error::Result;
use crate::ids::KeyId;
use crate::log::event::{Change, Event};
use crate::log::tail::Follower;

#[derive(Default)]
struct Known {
    by_digest: HashMap<String, Arc<KeyCaller>>,
    by_id: HashMap<KeyId, Arc<KeyCaller>>,
}

/// The keys that this node knows.
#[derive(Default)]
pub struct Keys(RwLock<Known>);

impl Keys {
    /// The key of a token, if it counts at `now` for a call from `peer`.
    pub fn identify(&self, now: Timestamp, token: &str, peer: Option<IpAddr>) -> Option<Arc<KeyCaller>> {
        let digest = digest_of(token)?;
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.by_digest.get(&digest).filter(|key| key.counts(now, peer)).cloned()
    }

    /// The key of that id.
    pub fn of(&self, id: &KeyId) -> Option<Arc<KeyCaller>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).by_id.get(id).cloned()
    }

    fn put(&self, rows: Vec<(KeyCaller, String)>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for (key, digest) in rows {
            let key = Arc::new(key);
            known.by_id.insert(key.key.clone(), Arc::clone(&key));
            known.by_digest.insert(digest, key);
        }
    }
}

impl Follower for Keys {
    fn load(&self, reader: &mut Reader<'_>, _: u64) -> Result<()> {
        let rows = store::open(reader)?;
        self.put(rows);
        Ok(())
    }

    fn follow(&self, reader: &mut Reader<'_>, events: &[Event], _: u64) -> Result<()> {
        let touched = events.iter().filter_map(|event| match &event.change {
            Change::KeyIssued { key, .. } | Change::KeyRevoked { key, .. } => Some(key),
            _ => None,
        });
        let mut rows = Vec::new();
        for id in touched {
            rows.extend(store::find(reader, id)?);
        }
        self.put(rows);
        Ok(())
    }
}
