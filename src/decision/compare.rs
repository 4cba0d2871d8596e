//! What would change: two states of the index held against each other, account by account.
//!
//! Rules: whoever may act or will, and holds a grant that counts or will, is taken to hold what its role reaches,
//! under the terms that role and grant name; terms are compared as they are written, so that a purpose more or a later
//! end is a change too; what a denial takes away is not held. Both states must have numbered their roles alike, so one
//! of them is made from the other. Pure.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::conditions::Facts;
use super::policy::{Permission, Reach};
use super::snapshot::Snapshot;
use super::subject::{Grant, Subject, id_of, number_of};
use super::{Question, Reason};
use crate::clock::Timestamp;
use crate::ids::AccountId;
use crate::text_enum;

/// The most accounts that are looked at for one page.
const MAX_ACCOUNTS: usize = 20_000;

text_enum! {
    /// What becomes of one permission of one account.
    pub enum Effect {
        /// It did not have it and would.
        Gains = "gains",
        /// It has it and would not any more.
        Loses = "loses",
        /// It keeps it, under other terms.
        Changes = "changes",
    }
}

/// One permission of one account that would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Difference {
    /// Whose.
    pub account: AccountId,
    /// `app/feature:action`.
    pub permission: String,
    /// What becomes of it.
    #[schema(value_type = String)]
    pub effect: Effect,
    /// The terms under which it is held, one entry for each way; empty where it is not held.
    pub before: Vec<String>,
    /// The terms under which it would be held.
    pub after: Vec<String>,
}

/// Part of a comparison: the whole of some accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Differences {
    /// In the order of accounts and permissions.
    pub items: Vec<Difference>,
    /// Behind which account the next part begins; `None` at the end.
    pub next: Option<AccountId>,
}

/// Nothing is asked; terms are read off the rows.
const NOTHING: Question<'static> = Question {
    subject_type: "",
    subject: "",
    application: None,
    resource_type: "",
    subject_properties: None,
    resource: "",
    action: "",
    action_properties: None,
    properties: None,
    context: None,
    asserts: None,
};

impl Snapshot {
    /// What `next` permits otherwise than this state, as of `now`: about `limit` entries, never part of an account,
    /// from behind the account `after`.
    pub fn differences(
        &self,
        next: &Self,
        now: Timestamp,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Differences {
        let changed = self.changed_permissions(next);
        let behind = after.and_then(number_of).map_or(Bound::Unbounded, Bound::Excluded);
        let own = self.places.range((behind, Bound::Unbounded)).map(|(account, _)| *account);
        let added = next.places.range((behind, Bound::Unbounded)).map(|(account, _)| *account);
        let mut found = Differences::default();
        let all = OnceCell::new();
        for (looked_at, account) in merged(own, added).enumerate() {
            if found.items.len() >= limit || looked_at == MAX_ACCOUNTS {
                return found;
            }
            let (before, after) = (self.subject(account), next.subject(account));
            let same = before.zip(after).is_some_and(|(before, after)| before.is(after));
            if !same {
                let all = all.get_or_init(|| self.all_permissions(next));
                self.differ(next, now.micros(), all, (before, after), &mut found.items);
            } else if !changed.is_empty() {
                self.differ(next, now.micros(), &changed, (before, after), &mut found.items);
            }
            found.next = id_of(account);
        }
        found.next = None;
        found
    }

    /// How each permission of an account differs.
    fn differ(
        &self,
        next: &Self,
        now: i64,
        permissions: &BTreeSet<(String, String, String)>,
        (before, after): (Option<&Subject>, Option<&Subject>),
        found: &mut Vec<Difference>,
    ) {
        for (application, feature, action) in permissions {
            let terms = |state: &Self, subject: Option<&Subject>| {
                let permission = state.permission(application, feature, action)?;
                Some(terms_of(state, now, permission, subject?))
            };
            let was = terms(self, before).unwrap_or_default();
            let would = terms(next, after).unwrap_or_default();
            let effect = match (was.is_empty(), would.is_empty()) {
                _ if was == would => continue,
                (true, _) => Effect::Gains,
                (_, true) => Effect::Loses,
                _ => Effect::Changes,
            };
            let Some(account) = before.or(after).and_then(|subject| id_of(subject.account())) else {
                continue;
            };
            let permission = format!("{application}/{feature}:{action}");
            found.push(Difference { account, permission, effect, before: was, after: would });
        }
    }

    /// The permissions about which the two catalogues do not say the same.
    fn changed_permissions(&self, next: &Self) -> BTreeSet<(String, String, String)> {
        if Arc::ptr_eq(&self.policy, &next.policy) {
            return BTreeSet::new();
        }
        let says = |state: &Self, (application, feature, action): &(String, String, String)| {
            state.permission(application, feature, action).map(statement)
        };
        let mut all = self.all_permissions(next);
        all.retain(|names| says(self, names) != says(next, names));
        all
    }

    fn all_permissions(&self, next: &Self) -> BTreeSet<(String, String, String)> {
        let both = self.policy.permissions_behind(None).chain(next.policy.permissions_behind(None));
        let owned = |permission: Permission<'_>| {
            let (application, feature, action) = permission.names();
            (application.to_owned(), feature.to_owned(), action.to_owned())
        };
        both.map(owned).collect()
    }
}

/// Two ordered sequences as one, each element once.
fn merged(one: impl Iterator<Item = u128>, other: impl Iterator<Item = u128>) -> impl Iterator<Item = u128> {
    let (mut one, mut other) = (one.peekable(), other.peekable());
    std::iter::from_fn(move || match (one.peek().copied(), other.peek().copied()) {
        (Some(left), Some(right)) => {
            if left <= right {
                one.next();
            }
            if right <= left {
                other.next();
            }
            Some(left.min(right))
        }
        (Some(_), None) => one.next(),
        (None, _) => other.next(),
    })
}

/// All that a catalogue says about one permission, to be compared.
fn statement(permission: Permission<'_>) -> Vec<String> {
    let said = |how: &str, reach: &Reach| {
        let rows = permission.rows_of(reach).map(|row| format!("{row:?}"));
        format!("{how} {} {}", reach.role, rows.collect::<Vec<_>>().join(" "))
    };
    let granted = permission.reaches().iter().map(|reach| said("grant", reach));
    let born = permission.births().iter().map(|(birth, reach)| said(birth.word(), reach));
    granted.chain(born).chain([format!("{:?}", permission.class())]).collect()
}

/// The terms under which a subject holds a permission, one entry for each way, in order and each once.
fn terms_of(state: &Snapshot, now: i64, permission: Permission<'_>, subject: &Subject) -> Vec<String> {
    let all: BTreeSet<String> =
        open_ways(state, now, permission, subject).into_iter().map(|way| way.terms).collect();
    all.into_iter().collect()
}

/// A way from a subject to a row that allows a permission.
pub(super) struct OpenWay<'a> {
    pub(super) by: &'static str,
    pub(super) reach: &'a Reach,
    pub(super) grant: Option<Grant<'a>>,
    /// The role that allows it.
    pub(super) role: u32,
    /// Bounds and conditions in words.
    pub(super) terms: String,
}

/// Every way by which a subject holds a permission, or will; none if a denial takes it away.
pub(super) fn open_ways<'a>(
    state: &Snapshot,
    now: i64,
    permission: Permission<'a>,
    subject: &'a Subject,
) -> Vec<OpenWay<'a>> {
    let begins = match subject.may_act(now) {
        Ok(()) => None,
        Err(Reason::NotYet) => Some("from the beginning of employment".to_owned()),
        Err(_) => return Vec::new(),
    };
    let facts = Facts { now, question: &NOTHING, subject, state };
    let mut ways = Vec::new();
    for (by, reach, grant) in subject.ways_to(permission) {
        let counts = grant.map_or(Ok(()), |grant| grant.counts(now));
        if !matches!(&counts, Ok(()) | Err(Reason::NotYet)) {
            continue;
        }
        if reach.denies {
            return Vec::new();
        }
        for row in permission.rows_of(reach) {
            let wanted = facts.conditions(permission, grant, row).into_iter();
            let conditions = wanted.map(|condition| format!("{}: {}", condition.condition, condition.wanted));
            let bounds = grant.into_iter().flat_map(|grant| bounds(grant, counts.is_err()));
            let parts: Vec<String> = begins.clone().into_iter().chain(bounds).chain(conditions).collect();
            let terms = if parts.is_empty() { "without conditions".to_owned() } else { parts.join("; ") };
            ways.push(OpenWay { by, reach, grant, role: row.role, terms });
        }
    }
    ways
}

/// From when, if that lies ahead, and until when a grant counts.
fn bounds(grant: Grant<'_>, lies_ahead: bool) -> impl Iterator<Item = String> {
    let bounds = grant.bounds();
    let from = bounds.valid_from.filter(|_| lies_ahead).map(|from| format!("from {from}"));
    from.into_iter().chain(bounds.expires_at.map(|end| format!("until {end}")))
}
