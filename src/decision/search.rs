//! Who can do this, and what can they do: lists page by page, each entry judged as a single question is.
//!
//! Rules: what a list names, a question permits, and what it leaves out, a question denies, at the same instant by the
//! same state; people are looked for among those who hold a role that reaches the permission, and among all only where
//! birth or position may give it; no page looks at more than so many candidates, so that a page may be short and still
//! have a next one; pages go on behind the last candidate, not behind a count. Pure.

use std::ops::Bound;

use super::evaluate::rows_permit;
use super::policy::Permission;
use super::snapshot::{Found, Snapshot};
use super::subject::{id_of, number_of};
use super::{Freshness, Question};
use crate::clock::Timestamp;
use crate::ids::AccountId;

/// The most candidates that are judged for one page: some ten milliseconds' worth.
pub const MAX_CANDIDATES: usize = 50_000;

/// Part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What was found, in the order of the list.
    pub items: Vec<T>,
    /// Where the next page goes on: give it as `after`. `None` at the end of the list.
    pub next: Option<T>,
}

impl<T> Default for Page<T> {
    /// An empty list.
    fn default() -> Self {
        Self { items: Vec::new(), next: None }
    }
}

impl<T: Clone> Page<T> {
    /// Keeps those candidates that pass, up to `limit`, and looks at `most` of them.
    fn of(
        candidates: impl Iterator<Item = T>,
        (limit, most): (usize, usize),
        mut passes: impl FnMut(&T) -> bool,
    ) -> Self {
        let mut page = Self::default();
        let mut candidates = candidates.peekable();
        let mut judged = 0;
        while let Some(candidate) = candidates.next() {
            judged += 1;
            let passed = passes(&candidate);
            let full = page.items.len() + usize::from(passed) >= limit || judged == most;
            if full && candidates.peek().is_some() {
                page.next = Some(candidate.clone());
            }
            if passed {
                page.items.push(candidate);
            }
            if full {
                break;
            }
        }
        page
    }
}

impl Snapshot {
    /// The subjects of the question's type of whom the question is true, in the order of their ids, from behind
    /// `after`. The question's own subject is not read.
    pub fn search_subjects(
        &self,
        now: Timestamp,
        freshness: Freshness,
        question: &Question<'_>,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Page<AccountId> {
        self.search_some_subjects(now, freshness, question, after, (limit, MAX_CANDIDATES))
    }

    /// The same, looking at so many candidates at most: for who has to watch the clock meanwhile.
    pub(super) fn search_some_subjects(
        &self,
        now: Timestamp,
        freshness: Freshness,
        question: &Question<'_>,
        after: Option<&AccountId>,
        bounds: (usize, usize),
    ) -> Page<AccountId> {
        let Some(permission) = self.asked(question) else { return Page::default() };
        let after = after.and_then(number_of);
        let permits = |account: &u128| {
            self.subject(*account).is_some_and(|subject| {
                let found = Found::One(subject);
                self.decide(now.micros(), freshness, question, Some(permission), &found).permit()
            })
        };
        let page = Page::of(self.candidates(permission, after), bounds, permits);
        Page { items: page.items.into_iter().filter_map(id_of).collect(), next: page.next.and_then(id_of) }
    }

    /// Everybody who could have a permission, in the order of their ids, from behind an account.
    pub(super) fn candidates<'a>(
        &'a self,
        permission: Permission<'a>,
        after: Option<u128>,
    ) -> Box<dyn Iterator<Item = u128> + 'a> {
        if permission.births().is_empty() {
            let roles = permission.reaches().iter().map(|reach| reach.role);
            return Box::new(self.holders.behind(roles, after));
        }
        let behind = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        Box::new(self.places.range(behind).map(|(account, _)| *account))
    }

    /// The registered records of the question's feature of which the question is true, in their order, from behind
    /// `after`. The question's own resource id is not read. Canaries are never listed.
    pub fn search_resources(
        &self,
        now: Timestamp,
        freshness: Freshness,
        question: &Question<'_>,
        after: Option<&str>,
        limit: usize,
    ) -> Page<String> {
        let permission = self.asked(question);
        let found = self.find(question.subject);
        let offer =
            question.feature().and_then(|(application, feature)| self.policy.offer(application, feature));
        let records = offer.map_or(&[][..], |offer| &offer.records);
        let behind = after.map_or(0, |after| records.partition_point(|record| **record <= *after));
        let page = Page::of(records[behind..].iter(), (limit, MAX_CANDIDATES), |record| {
            let question = Question { resource: record, ..*question };
            self.decide(now.micros(), freshness, &question, permission, &found).permit()
        });
        page.map(|record| record.to_string())
    }

    /// The actions of the question's feature for which the question is true, in the order of their names, from behind
    /// `after`. The question's own action is not read.
    pub fn search_actions(
        &self,
        now: Timestamp,
        freshness: Freshness,
        question: &Question<'_>,
        after: Option<&str>,
        limit: usize,
    ) -> Page<String> {
        let found = self.find(question.subject);
        let offer =
            question.feature().and_then(|(application, feature)| self.policy.offer(application, feature));
        let permissions = offer.into_iter().flat_map(|offer| self.policy.permissions_of(offer));
        let behind = permissions.filter(|permission| after.is_none_or(|after| permission.action() > after));
        let page = Page::of(behind, (limit, MAX_CANDIDATES), |permission| {
            let question = Question { action: permission.action(), ..*question };
            self.decide(now.micros(), freshness, &question, Some(*permission), &found).permit()
        });
        page.map(|permission| permission.action().to_owned())
    }

    /// Every permission `app/feature:action` that the rows give an account at `now`, whatever further conditions a
    /// single question must meet; in the order of application, feature and action, from behind `after`.
    pub fn permissions_of(
        &self,
        now: Timestamp,
        account: &AccountId,
        after: Option<&str>,
        limit: usize,
    ) -> Page<String> {
        let subject = number_of(account).and_then(|account| self.subject(account));
        let behind = self.policy.permissions_behind(after.and_then(names_in));
        let page = Page::of(behind, (limit, MAX_CANDIDATES), |permission| {
            subject.is_some_and(|subject| rows_permit(now.micros(), *permission, subject))
        });
        page.map(|permission| permission.name().to_owned())
    }

    /// Every name an account can be asked by, in the order of its row.
    pub fn names_of(&self, account: &AccountId) -> Vec<String> {
        let subject = number_of(account).and_then(|account| self.subject(account));
        let names = subject.into_iter().flat_map(|subject| subject.names());
        names.map(|name| String::from_utf8_lossy(name).into_owned()).collect()
    }
}

impl<T> Page<T> {
    fn map<U>(self, change: fn(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(change).collect(), next: self.next.map(change) }
    }
}

/// Application, feature and action of `app/feature:action`.
pub(super) fn names_in(permission: &str) -> Option<(&str, &str, &str)> {
    let (application, rest) = permission.split_once('/')?;
    let (feature, action) = rest.split_once(':')?;
    Some((application, feature, action))
}
