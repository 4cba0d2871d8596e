//! The index of this node: loaded whole at the start, then fed by the log.
//!
//! Rules: an event says which rows to read again, never what they hold; one page of the log is published as one state;
//! a catalogue that does not compile leaves the one before it in force, and says so. Calls `access`, `alarms`,
//! `organisation`.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::rows::{KillSwitchRow, PinRow, PolicyRows, RoleRow};
use super::store::{self, Positions};
use super::{Index, Snapshot};
use crate::access::attestations::Requirements;
use crate::access::{kill_switches, limits, named_networks, roles};
use crate::alarms;
use crate::db::Reader;
use crate::error::Result;
use crate::ids::AccountId;
use crate::log::event::{Change, Event};
use crate::log::store::events_after;
use crate::log::tail::Follower;
use crate::organisation;

/// How many subjects are read at a time: few questions to the database, and few rows in memory at once.
const PAGE: usize = 5_000;
/// How many events are read at a time that the index has not followed yet.
const MISSED: i64 = 1_000;

/// The index and what it needs to follow.
#[derive(Default)]
pub struct Live {
    index: Index,
    /// Who owned an application when the catalogue was read last: an event about it does not say who did before.
    owners: Mutex<HashSet<AccountId>>,
    /// What the roles in force required when the catalogue was read last.
    requirements: Mutex<Arc<Requirements>>,
}

impl Live {
    /// The index, to ask.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The newest state as this transaction sees it: what was committed since is in it too.
    ///
    /// # Errors
    /// [`crate::error::Error::Internal`] for a fault of the database.
    pub fn as_of(&self, reader: &mut Reader<'_>) -> Result<Snapshot> {
        let mut snapshot = (*self.index.snapshot()).clone();
        loop {
            let missed = events_after(reader, snapshot.revision(), MISSED)?;
            let Some(last) = missed.last() else { return Ok(snapshot) };
            let reached = last.number;
            snapshot = self.foresee(snapshot, reader, missed.iter().map(|event| &event.change))?;
            snapshot = snapshot.with_revision(reached);
        }
    }

    /// The state that changes bring about which the reader's transaction has made already; nothing is published.
    ///
    /// # Errors
    /// [`crate::error::Error::Internal`] for a fault of the database.
    pub fn foresee<'a>(
        &self,
        snapshot: Snapshot,
        reader: &mut Reader<'_>,
        changes: impl IntoIterator<Item = &'a Change>,
    ) -> Result<Snapshot> {
        let mut touched = Touched::of(changes);
        let mut requirements = self.requirements();
        if touched.policy {
            touched.subjects.extend(store::owners(reader)?);
            let before = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
            touched.subjects.extend(before.iter().cloned());
            drop(before);
            let after = Requirements::of(reader)?;
            touched.subjects.extend(store::holders(reader, &after.differing(&requirements))?);
            requirements = Arc::new(after);
        }
        advanced(snapshot, reader, touched, &requirements)
    }

    fn requirements(&self) -> Arc<Requirements> {
        Arc::clone(&self.requirements.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn take_requirements(&self, new: Requirements) -> Arc<Requirements> {
        let new = Arc::new(new);
        std::mem::replace(&mut *self.requirements.lock().unwrap_or_else(PoisonError::into_inner), new)
    }

    fn take_owners(&self, new: HashSet<AccountId>) -> HashSet<AccountId> {
        std::mem::replace(&mut *self.owners.lock().unwrap_or_else(PoisonError::into_inner), new)
    }
}

/// What a page of events touches.
#[derive(Default)]
struct Touched {
    subjects: BTreeSet<AccountId>,
    /// Those of them who came, went or moved: their manager may have become one thereby, or ceased to be one.
    moved: BTreeSet<AccountId>,
    policy: bool,
    kill_switches: bool,
    pins: bool,
}

impl Touched {
    fn of<'a>(changes: impl IntoIterator<Item = &'a Change>) -> Self {
        let mut touched = Self::default();
        for change in changes {
            touched.add(change);
        }
        touched
    }

    fn add(&mut self, change: &Change) {
        match change {
            Change::AccountChanged { account, manager_before, manager_after, .. } => {
                let managers = manager_before.iter().chain(manager_after);
                self.subjects.extend(managers.chain([account]).cloned());
                self.moved.insert(account.clone());
            }
            Change::AccountCreated { account, .. } | Change::AccountStateChanged { account, .. } => {
                self.subjects.insert(account.clone());
                self.moved.insert(account.clone());
            }
            Change::FactorEnrolled { account, .. }
            | Change::FactorRemoved { account, .. }
            | Change::IdentityLinked { account, .. }
            | Change::IdentityUnlinked { account, .. }
            | Change::PasskeyChanged { account, .. }
            | Change::KeyIssued { account, .. }
            | Change::KeyRevoked { account, .. }
            | Change::AttestationGiven { account, .. }
            | Change::AttestationEnded { account, .. }
            | Change::GrantAdded { account, .. }
            | Change::GrantKept { account, .. }
            | Change::GrantSuspended { account, .. }
            | Change::GrantResumed { account, .. }
            | Change::GrantRevoked { account, .. }
            | Change::GrantExpired { account, .. } => {
                self.subjects.insert(account.clone());
            }
            Change::CatalogueApplied { .. }
            | Change::ApplicationRetired { .. }
            | Change::RoleDefined { .. }
            | Change::RoleRetired { .. }
            | Change::SettingChanged { .. } => self.policy = true,
            Change::KillSwitchPulled { .. } | Change::KillSwitchLifted { .. } => self.kill_switches = true,
            Change::AlarmRaised { .. } | Change::AlarmSeenAgain { .. } | Change::AlarmStateChanged { .. } => {
                self.pins = true;
            }
            _ => {}
        }
    }
}

impl Follower for Live {
    fn load(&self, reader: &mut Reader<'_>, revision: u64) -> Result<()> {
        let mut snapshot = with_policy(Snapshot::default(), reader)?;
        snapshot = snapshot.with_kill_switches(&pulled(reader)?).with_pins(&pinned(reader)?);
        let positions = Positions::all(reader)?;
        self.take_requirements(Requirements::of(reader)?);
        let requirements = self.requirements();
        let mut after = String::new();
        loop {
            let ids = store::page(reader, &after, PAGE.cast_signed() as i64)?;
            let Some(last) = ids.last() else { break };
            after = last.to_string();
            for subject in store::subjects(reader, &ids, &positions, &requirements)? {
                snapshot = snapshot.with_subject(&subject);
            }
            snapshot = with_known(snapshot, reader, &ids)?;
        }
        self.take_owners(store::owners(reader)?);
        self.index.publish(snapshot.with_revision(revision));
        Ok(())
    }

    fn follow(&self, reader: &mut Reader<'_>, events: &[Event], revision: u64) -> Result<()> {
        let mut touched = Touched::of(events.iter().map(|event| &event.change));
        if touched.policy {
            let owners = store::owners(reader)?;
            touched.subjects.extend(owners.iter().cloned());
            touched.subjects.extend(self.take_owners(owners));
            let before = self.take_requirements(Requirements::of(reader)?);
            touched.subjects.extend(store::holders(reader, &self.requirements().differing(&before))?);
        }
        let requirements = self.requirements();
        let snapshot = advanced((*self.index.snapshot()).clone(), reader, touched, &requirements)?;
        let reached = events.last().map_or(revision, |event| event.number);
        self.index.publish(snapshot.with_revision(reached));
        Ok(())
    }
}

/// The state after what was touched is read again.
fn advanced(
    mut snapshot: Snapshot,
    reader: &mut Reader<'_>,
    mut touched: Touched,
    requirements: &Requirements,
) -> Result<Snapshot> {
    if touched.policy {
        let knew = snapshot.reads_people();
        snapshot = with_policy(snapshot, reader)?;
        if snapshot.reads_people() != knew {
            snapshot = with_everybody_known(snapshot.with_nobody_known(), reader)?;
        }
    }
    if touched.kill_switches {
        snapshot = snapshot.with_kill_switches(&pulled(reader)?);
    }
    if touched.pins {
        snapshot = snapshot.with_pins(&pinned(reader)?);
    }
    touched.subjects.extend(store::managers_of(reader, &touched.moved)?);
    let ids: Vec<AccountId> = touched.subjects.into_iter().collect();
    for ids in ids.chunks(PAGE) {
        let positions = Positions::among(reader, ids)?;
        for subject in store::subjects(reader, ids, &positions, requirements)? {
            snapshot = snapshot.with_subject(&subject);
        }
        snapshot = with_known(snapshot, reader, ids)?;
    }
    Ok(snapshot)
}

/// The catalogue in force, as the reader's transaction sees it.
pub(super) fn policy_rows(reader: &mut Reader<'_>) -> Result<PolicyRows> {
    let applications = roles::applications(reader)?.into_iter().map(|record| record.specification).collect();
    let all = roles::roles(reader, None)?;
    let role =
        |record: roles::RoleRecord| RoleRow { application: record.application, role: record.specification };
    Ok(PolicyRows {
        applications,
        roles: all.into_iter().map(role).collect(),
        day_parameters: limits::day_parameters(reader),
        networks: named_networks::in_force(reader)?.by_name(),
        zone: Some(organisation::get(reader)?.time_zone),
    })
}

fn with_policy(snapshot: Snapshot, reader: &mut Reader<'_>) -> Result<Snapshot> {
    let rows = policy_rows(reader)?;
    match snapshot.clone().with_policy(&rows) {
        Ok(next) => Ok(next),
        Err(refused) => {
            tracing::error!(%refused, "the catalogue does not compile; the one before it stays in force");
            Ok(snapshot)
        }
    }
}

/// With what conditions see of these accounts, if any condition asks.
fn with_known(mut snapshot: Snapshot, reader: &mut Reader<'_>, ids: &[AccountId]) -> Result<Snapshot> {
    if snapshot.reads_people() {
        for (account, known) in store::known(reader, ids)? {
            snapshot = snapshot.with_known(&account, known);
        }
    }
    Ok(snapshot)
}

/// The same for everybody: a catalogue has the first condition that asks.
fn with_everybody_known(mut snapshot: Snapshot, reader: &mut Reader<'_>) -> Result<Snapshot> {
    let mut after = String::new();
    while snapshot.reads_people() {
        let ids = store::page(reader, &after, PAGE.cast_signed() as i64)?;
        let Some(last) = ids.last() else { break };
        after = last.to_string();
        snapshot = with_known(snapshot, reader, &ids)?;
    }
    Ok(snapshot)
}

fn pulled(reader: &mut Reader<'_>) -> Result<Vec<KillSwitchRow>> {
    let pulled = kill_switches::pulled(reader)?;
    Ok(pulled.into_iter().map(|switch| KillSwitchRow { id: switch.id, target: switch.target }).collect())
}

/// Whom an open alarm denies everything, or one permission.
fn pinned(reader: &mut Reader<'_>) -> Result<Vec<PinRow>> {
    let denied = alarms::denied(reader)?;
    Ok(denied.into_iter().map(|(account, permission)| PinRow { account, permission }).collect())
}
