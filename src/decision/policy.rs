//! The catalogue as the index keeps it: for each permission, which role reaches it and under which conditions.
//!
//! Rules: a role is a number that never changes while the process lives; a permission knows every role from which a
//! grant reaches it, so that a subject's grants need no walk along inheritance. Pure; made by `compile`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::slots::Slots;
use crate::access::catalogue::Class;

/// Numbers for names of roles. Only ever grows: a number once given out means the same role for ever.
#[derive(Clone, Default)]
pub(super) struct RoleNumbers {
    numbers: imbl::HashMap<Arc<str>, u32>,
    names: imbl::Vector<Arc<str>>,
}

impl RoleNumbers {
    /// The number of a role `app/role`, a new one if it has none yet.
    pub(super) fn number_of(&mut self, role: &str) -> u32 {
        if let Some(number) = self.numbers.get(role) {
            return *number;
        }
        // Four thousand million roles do not fit into the memory either; the last number then means them all.
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        let name: Arc<str> = role.into();
        self.names.push_back(Arc::clone(&name));
        self.numbers.insert(name, number);
        number
    }

    /// The role that has this number.
    pub(super) fn name_of(&self, number: u32) -> &str {
        self.names.get(number as usize).map_or("", |name| name)
    }
}

/// The age that a date of the record may have.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Age {
    /// The property of the resource that holds the date.
    pub(super) of: Box<str>,
    /// How old it may be, in days and in microseconds.
    pub(super) days: u32,
    pub(super) micros: i64,
}

/// One row of the policy: a role allows or denies a permission.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The role that says so itself.
    pub(super) role: u32,
    pub(super) allows: bool,
    /// Whether that role is an access role, so that the subject needs a strong factor.
    pub(super) strong: bool,
    /// `context.purpose` must be one of these; empty means any or none.
    pub(super) purposes: Box<[Box<str>]>,
    pub(super) within: Option<Age>,
}

/// What gives a role without a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Birth {
    /// Being a person who may act.
    Right,
    /// Being somebody's manager.
    Manager,
    /// Being an application's owner.
    Owner,
}

/// The rows that a role reaches, its own and inherited ones, as a part of [`Permission::reached`].
#[derive(Debug)]
pub(super) struct Reach {
    pub(super) role: u32,
    first: u32,
    count: u32,
    /// Whether one of the rows denies.
    pub(super) denies: bool,
}

/// `app/feature:action` with everything that bears on it.
#[derive(Debug)]
pub(super) struct Permission {
    pub(super) name: Box<str>,
    feature_at: usize,
    action_at: usize,
    pub(super) class: Class,
    /// Whether kill switches and leases do not reach it.
    pub(super) floor: bool,
    /// What a caller whose key lists nothing may assert; `None` for everything.
    pub(super) asserts: Option<Arc<[Box<str>]>>,
    /// One bit for each role that reaches it, by the low six bits of the role's number.
    mask: u64,
    /// In the order of the roles' numbers.
    pub(super) reach: Box<[Reach]>,
    pub(super) births: Box<[(Birth, Reach)]>,
    reached: Box<[u32]>,
    pub(super) rows: Box<[Row]>,
}

/// What `compile` gathers for a permission.
pub(super) struct Draft<'a> {
    pub(super) application: &'a str,
    pub(super) feature: &'a str,
    pub(super) action: &'a str,
    pub(super) class: Class,
    pub(super) floor: bool,
    pub(super) asserts: Option<Arc<[Box<str>]>>,
    pub(super) rows: Vec<Row>,
    /// Role and row, for each row that a grant of the role reaches.
    pub(super) reach: Vec<(u32, u32)>,
    pub(super) births: Vec<(Birth, u32, u32)>,
}

impl Permission {
    pub(super) fn of(draft: Draft<'_>) -> Self {
        let mut reached = Vec::with_capacity(draft.reach.len() + draft.births.len());
        let mut group = |mut pairs: Vec<(u32, u32)>| -> Vec<Reach> {
            pairs.sort_unstable();
            pairs.dedup();
            let one = |pairs: &[(u32, u32)]| {
                let first = reached.len();
                reached.extend(pairs.iter().map(|(_, row)| *row));
                Reach {
                    role: pairs[0].0,
                    first: u32::try_from(first).unwrap_or(u32::MAX),
                    count: u32::try_from(pairs.len()).unwrap_or(0),
                    denies: pairs.iter().any(|(_, row)| !draft.rows[*row as usize].allows),
                }
            };
            pairs.chunk_by(|left, right| left.0 == right.0).map(one).collect()
        };
        let reach: Box<[Reach]> = group(draft.reach).into();
        let births = [Birth::Right, Birth::Manager, Birth::Owner].into_iter().flat_map(|birth| {
            let own = draft.births.iter().filter(|(how, _, _)| *how == birth);
            let reached = group(own.map(|(_, role, row)| (*role, *row)).collect());
            reached.into_iter().map(move |reach| (birth, reach))
        });
        let births = births.collect();
        Self {
            name: format!("{}/{}:{}", draft.application, draft.feature, draft.action).into(),
            feature_at: draft.application.len() + 1,
            action_at: draft.application.len() + draft.feature.len() + 2,
            class: draft.class,
            floor: draft.floor,
            asserts: draft.asserts,
            mask: reach.iter().fold(0, |mask, reach| mask | 1 << (reach.role & 63)),
            reach,
            births,
            reached: reached.into(),
            rows: draft.rows.into(),
        }
    }

    /// The application's key.
    pub(super) fn application(&self) -> &str {
        &self.name[..self.feature_at - 1]
    }

    /// The feature's key.
    pub(super) fn feature(&self) -> &str {
        &self.name[self.feature_at..self.action_at - 1]
    }

    /// Application, feature and action.
    pub(super) fn names(&self) -> (&str, &str, &str) {
        (self.application(), self.feature(), self.action())
    }

    /// The action.
    pub(super) fn action(&self) -> &str {
        &self.name[self.action_at..]
    }

    /// What a grant of this role reaches here, if anything.
    pub(super) fn reach_of(&self, role: u32) -> Option<&Reach> {
        if self.mask >> (role & 63) & 1 == 0 {
            return None;
        }
        let found = self.reach.binary_search_by_key(&role, |reach| reach.role).ok()?;
        self.reach.get(found)
    }

    /// The rows behind a reach of this permission.
    pub(super) fn rows_of(&self, reach: &Reach) -> impl Iterator<Item = &Row> {
        let numbers = &self.reached[reach.first as usize..(reach.first + reach.count) as usize];
        numbers.iter().filter_map(|number| self.rows.get(*number as usize))
    }
}

/// A feature with its permissions, one behind the other, and in their order its registered records, but no canaries:
/// a list that named them would lead people there.
#[derive(Debug)]
pub(super) struct Offer {
    pub(super) first: usize,
    pub(super) count: usize,
    pub(super) records: Box<[Box<str>]>,
}

/// The whole catalogue.
#[derive(Default)]
pub(super) struct Policy {
    /// In the order of application, feature and action.
    pub(super) permissions: Box<[Permission]>,
    pub(super) index: Slots,
    /// Application, then feature.
    pub(super) offers: BTreeMap<Box<str>, BTreeMap<Box<str>, Offer>>,
    /// The roles from which a role inherits directly.
    pub(super) parents: HashMap<u32, Box<[u32]>>,
    /// How many rows were compiled, each action of each allow and deny of each role counted once.
    pub(super) rows: usize,
}

impl Policy {
    /// The permission of these names, if the catalogue has it.
    pub(super) fn permission(&self, bits: u32, names: (&str, &str, &str)) -> Option<&Permission> {
        let candidates =
            self.index.candidates(bits).filter_map(|number| self.permissions.get(number as usize));
        candidates.into_iter().find(|found| found.names() == names)
    }

    /// The feature of these names, if the catalogue has it.
    pub(super) fn offer(&self, application: &str, feature: &str) -> Option<&Offer> {
        self.offers.get(application)?.get(feature)
    }

    /// The permissions of a feature.
    pub(super) fn permissions_of(&self, offer: &Offer) -> &[Permission] {
        &self.permissions[offer.first..offer.first + offer.count]
    }
}
