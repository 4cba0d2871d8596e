//! One state of everything that decisions need: built whole, or from the one before by changing what changed.
//!
//! Rules: a snapshot never changes once it is published; two of them share all memory in which they agree; any order
//! of changes ends where building afresh would end; a name that two subjects have finds neither. Pure; calls `compile`
//! and what it makes.

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::quality::RandomState;

use super::Question;
use super::compile::{Refused, bits_of, compile};
use super::holders::Holders;
use super::known::Known;
use super::numbers::{Named, RoleNumbers};
use super::policy::{Permission, Policy};
use super::routes::Routes;
use super::rows::{KillSwitchRow, PinRow, PolicyRows, SubjectRow};
use super::slots::Slots;
use super::stops::{KillSwitches, Pins};
use super::subject::{Subject, number_of};
use crate::ids::AccountId;

/// Names are spread over so many small tables, so that a change copies one of them and not all.
const NAME_TABLES: usize = 4_096;

/// One state of the whole index. Copying it costs next to nothing.
#[derive(Clone)]
pub struct Snapshot {
    pub(super) revision: u64,
    hasher: RandomState,
    /// Each subject has a place for as long as the process lives; a place is empty once its subject is removed.
    pub(super) subjects: imbl::Vector<Option<Subject>>,
    /// The place of each account, in the order of their ids.
    pub(super) places: imbl::OrdMap<u128, u32>,
    /// The places of the subjects that have a name.
    names: imbl::Vector<Slots>,
    pub(super) holders: Holders,
    /// What conditions see of accounts; empty while none asks.
    known: imbl::HashMap<u128, Arc<Known>>,
    pub(super) roles: RoleNumbers,
    pub(super) policy: Arc<Policy>,
    pub(super) routes: Arc<Routes>,
    pub(super) kill_switches: Arc<KillSwitches>,
    pub(super) pins: Arc<Pins>,
}

impl Default for Snapshot {
    /// The state in which nobody and nothing is known, and so everything denied.
    fn default() -> Self {
        Self {
            revision: 0,
            hasher: RandomState::default(),
            subjects: imbl::Vector::new(),
            places: imbl::OrdMap::new(),
            names: std::iter::repeat_n(Slots::default(), NAME_TABLES).collect(),
            holders: Holders::default(),
            known: imbl::HashMap::new(),
            roles: RoleNumbers::default(),
            policy: Arc::default(),
            routes: Arc::default(),
            kill_switches: Arc::new(KillSwitches::of(&[])),
            pins: Arc::default(),
        }
    }
}

/// Whom a name means.
pub(super) enum Found<'a> {
    /// Nobody.
    Nobody,
    /// This subject.
    One(&'a Subject),
    /// More than one subject, and so nobody.
    Several,
}

impl Snapshot {
    /// The number of the last change this state contains.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// How many subjects there are.
    pub fn subject_count(&self) -> usize {
        self.places.len()
    }

    /// How many rows the policy has: each action of each allow and deny of each role counted once.
    pub fn policy_row_count(&self) -> usize {
        self.policy.row_count()
    }

    /// The same state under the number of a later change.
    #[must_use]
    pub fn with_revision(mut self, revision: u64) -> Self {
        self.revision = revision;
        self
    }

    /// The state with another catalogue.
    ///
    /// # Errors
    /// Everything in the catalogue that cannot be compiled; keep the state before it then.
    pub fn with_policy(mut self, rows: &PolicyRows) -> Result<Self, Refused> {
        self.policy = Arc::new(compile(rows, &self.policy, &mut self.roles, &self.hasher)?);
        self.routes = Arc::new(Routes::of(&rows.applications));
        Ok(self)
    }

    /// The state with these kill switches pulled and no others.
    #[must_use]
    pub fn with_kill_switches(mut self, rows: &[KillSwitchRow]) -> Self {
        self.kill_switches = Arc::new(KillSwitches::of(rows));
        self
    }

    /// The state with these pins and no others.
    #[must_use]
    pub fn with_pins(mut self, rows: &[PinRow]) -> Self {
        self.pins = Arc::new(Pins::of(rows));
        self
    }

    /// The state with one subject added, or put in the place of what was known of it.
    #[must_use]
    pub fn with_subject(mut self, row: &SubjectRow) -> Self {
        let Some(subject) = Subject::of(row, |role| self.roles.number_of(role)) else { return self };
        let account = subject.account();
        let (place, before) = match self.places.get(&account) {
            Some(place) => (*place, self.subjects.get(*place as usize).cloned().flatten()),
            None => {
                // Places end long after the memory for them does; a subject without one is unknown.
                let Ok(place) = u32::try_from(self.subjects.len()) else { return self };
                self.subjects.push_back(None);
                self.places.insert(account, place);
                (place, None)
            }
        };
        self.holders.change(account, before.as_ref(), Some(&subject));
        if before.as_ref().is_none_or(|before| !before.has_names_of(&subject)) {
            if let Some(before) = before {
                self.rename(&before, place, Slots::remove);
            }
            self.rename(&subject, place, Slots::insert);
        }
        self.subjects.set(place as usize, Some(subject));
        self
    }

    /// Whether some condition asks for what is known of accounts.
    pub fn reads_people(&self) -> bool {
        self.policy.reads_people
    }

    /// The state in which this is known of an account.
    #[must_use]
    pub fn with_known(mut self, account: &AccountId, known: Known) -> Self {
        if let Some(account) = number_of(account) {
            self.known.insert(account, Arc::new(known));
        }
        self
    }

    /// The state in which nothing is known of anybody.
    #[must_use]
    pub fn with_nobody_known(mut self) -> Self {
        self.known = imbl::HashMap::new();
        self
    }

    /// What conditions see of an account.
    pub(super) fn known(&self, account: u128) -> Option<&Known> {
        self.known.get(&account).map(|known| &**known)
    }

    /// The state without one subject.
    #[must_use]
    pub fn without_subject(mut self, account: &AccountId) -> Self {
        if let Some(account) = number_of(account) {
            self.known.remove(&account);
        }
        if let Some(place) = number_of(account).and_then(|account| self.places.remove(&account))
            && let Some(Some(before)) = self.subjects.get(place as usize).cloned()
        {
            self.rename(&before, place, Slots::remove);
            self.holders.change(before.account(), Some(&before), None);
            self.subjects.set(place as usize, None);
        }
        self
    }

    fn rename(&mut self, subject: &Subject, place: u32, change: fn(&mut Slots, u32, u32)) {
        for name in subject.names() {
            let (table, bits) = self.spread(name);
            if let Some(names) = self.names.get_mut(table) {
                change(names, bits, place);
            }
        }
    }

    fn spread(&self, name: &[u8]) -> (usize, u32) {
        let hash = self.hasher.hash_one(name);
        ((hash >> 32) as usize % NAME_TABLES, hash as u32)
    }

    /// The subject that this name means.
    pub(super) fn find(&self, name: &str) -> Found<'_> {
        let (table, bits) = self.spread(name.as_bytes());
        let Some(names) = self.names.get(table) else { return Found::Nobody };
        let mut found = Found::Nobody;
        for place in names.candidates(bits) {
            match self.subjects.get(place as usize) {
                Some(Some(subject)) if subject.is_called(name) => match found {
                    Found::Nobody => found = Found::One(subject),
                    _ => return Found::Several,
                },
                _ => {}
            }
        }
        found
    }

    /// The subject of this account.
    pub(super) fn subject(&self, account: u128) -> Option<&Subject> {
        self.subjects.get(*self.places.get(&account)? as usize)?.as_ref()
    }

    /// Whether some role reaches this permission for this purpose by name, so that the word is the catalogue's.
    pub fn knows_purpose(&self, application: &str, feature: &str, action: &str, purpose: &str) -> bool {
        let rows = self.permission(application, feature, action).into_iter().flat_map(Permission::rows);
        rows.flat_map(|row| row.purposes.iter()).any(|known| **known == *purpose)
    }

    /// Whether a question is about a canary, whatever the answer. `permission` is the one that it was decided by.
    pub(super) fn is_canary(&self, question: &Question<'_>, permission: Option<u32>) -> bool {
        let found = permission.and_then(|number| self.policy.at(number as usize));
        if found.is_some_and(|found| !found.watched()) {
            return false;
        }
        let Some((application, feature)) = question.feature() else { return false };
        let offer = self.policy.offer(application, feature);
        offer.is_some_and(|offer| {
            offer.canaries.binary_search_by(|one| (**one).cmp(question.resource)).is_ok()
        })
    }

    /// The permission of that number, to be kept.
    pub(super) fn named(&self, permission: u32) -> Named {
        Named::of(&self.policy, permission)
    }

    /// The permission of these names.
    pub(super) fn permission(
        &self,
        application: &str,
        feature: &str,
        action: &str,
    ) -> Option<Permission<'_>> {
        let bits = bits_of(&self.hasher, application, feature, action);
        self.policy.permission(bits, (application, feature, action))
    }
}
