//! Who holds a permission, what somebody holds, and how they came by it.
//!
//! Rules: a permission is held where [`Snapshot::evaluate`] can permit it, today or at a later beginning; each way to it
//! is shown with its terms, so that nobody takes a permission under conditions for one without. Pure.

use serde::Serialize;
use utoipa::ToSchema;

use super::compare::open_ways;
use super::policy::Permission;
use super::search::{MAX_CANDIDATES, names_in};
use super::snapshot::Snapshot;
use super::subject::{Subject, id_of, number_of};
use crate::clock::Timestamp;
use crate::ids::{AccountId, GrantId};

/// One way by which somebody holds a permission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Held {
    /// `grant`, `birthright`, `manager` or `owner`.
    pub by: String,
    /// The grant, if it is one.
    #[schema(required = false)]
    pub grant: Option<GrantId>,
    /// The roles from the one held to the one that allows it, `app/role`.
    pub roles: Vec<String>,
    /// From when, until when and under which conditions, in words.
    pub terms: String,
}

/// Part of a list of those who hold something, or of what somebody holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldPage<T> {
    /// Each with the ways by which it is held.
    pub items: Vec<(T, Vec<Held>)>,
    /// Behind which entry the next part begins; `None` at the end.
    pub next: Option<T>,
}

impl Snapshot {
    /// Whether the catalogue has this permission, `app/feature:action`.
    pub fn has_permission(&self, permission: &str) -> bool {
        self.permission_named(permission).is_some()
    }

    /// Who holds a permission at `now`, in the order of their ids, from behind `after`.
    pub fn holders(
        &self,
        now: Timestamp,
        permission: &str,
        after: Option<&AccountId>,
        limit: usize,
    ) -> HeldPage<AccountId> {
        let mut found = HeldPage { items: Vec::new(), next: None };
        let Some(permission) = self.permission_named(permission) else { return found };
        for (judged, account) in self.candidates(permission, after.and_then(number_of)).enumerate() {
            if found.items.len() >= limit || judged == MAX_CANDIDATES {
                return found;
            }
            found.next = id_of(account);
            let ways = self.subject(account).map(|subject| self.held(now, permission, subject));
            if let (Some(account), Some(ways)) = (id_of(account), ways.filter(|ways| !ways.is_empty())) {
                found.items.push((account, ways));
            }
        }
        found.next = None;
        found
    }

    /// What an account holds at `now`, in the order of application, feature and action, from behind `after`.
    pub fn holdings(
        &self,
        now: Timestamp,
        account: &AccountId,
        after: Option<&str>,
        limit: usize,
    ) -> HeldPage<String> {
        let mut found = HeldPage { items: Vec::new(), next: None };
        let Some(subject) = number_of(account).and_then(|account| self.subject(account)) else {
            return found;
        };
        for (judged, permission) in self.policy.permissions_behind(after.and_then(names_in)).enumerate() {
            if found.items.len() >= limit || judged == MAX_CANDIDATES {
                return found;
            }
            found.next = Some(permission.name().to_owned());
            let ways = self.held(now, permission, subject);
            if !ways.is_empty() {
                found.items.push((permission.name().to_owned(), ways));
            }
        }
        found.next = None;
        found
    }

    fn permission_named(&self, permission: &str) -> Option<Permission<'_>> {
        let (application, feature, action) = names_in(permission)?;
        self.permission(application, feature, action)
    }

    fn held(&self, now: Timestamp, permission: Permission<'_>, subject: &Subject) -> Vec<Held> {
        let ways = open_ways(self, now.micros(), permission, subject);
        let held = ways.into_iter().map(|way| Held {
            by: way.by.to_owned(),
            grant: way.grant.and_then(|grant| id_of(grant.id())),
            roles: self.chain(way.reach.role, way.role),
            terms: way.terms,
        });
        held.collect()
    }
}
