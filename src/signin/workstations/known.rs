//! The workstations of this node: found by their digest and called by their names without asking the database, for what
//! every page shows; fed by the log. What a session becomes is decided from the rows.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use super::{Workstation, digest_shown, opened, store};
use crate::db::Reader;
use crate::error::Result;
use crate::ids::WorkstationId;
use crate::log::event::{Change, Event};
use crate::log::tail::Follower;
use crate::signin::Visitor;
use crate::vault::Vault;

#[derive(Default)]
struct Known {
    by_digest: HashMap<String, WorkstationId>,
    names: HashMap<WorkstationId, String>,
}

impl Known {
    fn put(&mut self, digest: Option<String>, workstation: Workstation) {
        if let Some(digest) = digest {
            self.by_digest.insert(digest, workstation.id.clone());
        }
        self.names.insert(workstation.id, workstation.name);
    }
}

/// The workstations that this node knows and that have not ended.
#[derive(Default)]
pub struct Workstations(RwLock<Known>);

impl Workstations {
    /// The workstation that a browser shows that it is.
    pub fn shown(&self, vault: &Vault, visitor: &Visitor) -> Option<WorkstationId> {
        let digest = digest_shown(vault, visitor)?;
        self.0.read().unwrap_or_else(PoisonError::into_inner).by_digest.get(&digest).cloned()
    }

    /// What people call a workstation that has not ended.
    pub fn name(&self, id: &WorkstationId) -> Option<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).names.get(id).cloned()
    }
}

impl Follower for Workstations {
    fn load(&self, reader: &mut Reader<'_>, _: u64) -> Result<()> {
        let mut fresh = Known::default();
        for mut row in store::living(reader)? {
            fresh.put(row.digest.take(), opened(reader.vault(), row)?);
        }
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    fn follow(&self, reader: &mut Reader<'_>, events: &[Event], _: u64) -> Result<()> {
        for event in events {
            let Change::WorkstationChanged { workstation: id, .. } = &event.change else { continue };
            let row = store::find(reader, id)?.filter(|row| row.ended_at.is_none());
            let row = match row {
                Some(mut row) => Some((row.digest.take(), opened(reader.vault(), row)?)),
                None => None,
            };
            let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
            known.by_digest.retain(|_, other| other != id);
            known.names.remove(id);
            if let Some((digest, workstation)) = row {
                known.put(digest, workstation);
            }
        }
        Ok(())
    }
}
