//! The decision point: may this subject do that with this, now?
//!
//! It answers from memory. A store reads rows ([`rows`]), `compile` makes them an index, changes of the log make one
//! state of it ([`Snapshot`]) into the next, and [`Index::evaluate`] asks the newest one, without a lock and without a
//! database.
//!
//! Rules: denied unless everything permits; judged against the clock at the instant of the question, so that
//! correctness waits for no job; what cannot be compiled is refused and the state before it stays; the compiled answer
//! equals that of casbin over the same rows ([`referee`]), except that no rows deny, that nothing may be called by an
//! empty name or `DEFAULT`, and that each `g` of a model has a graph of its own. May call `access::catalogue` and the
//! rooms below all slices; this part calls neither database nor network.

use std::sync::Arc;

use arc_swap::ArcSwap;
use serde_json::Value;

use crate::access::catalogue::Class;
use crate::clock::Timestamp;
use crate::ids::{AccountId, GrantId};
use crate::text_enum;

pub mod as_of;
pub mod authzen;
mod compare;
mod compile;
mod conditions;
pub mod described;
pub mod effect;
mod evaluate;
mod explain;
pub mod foresee;
pub mod forward_auth;
mod further;
mod given;
mod held;
mod holders;
pub mod http;
mod known;
mod live;
pub mod lookup;
mod model;
mod numbers;
mod page_token;
mod policy;
pub mod policy_test;
pub mod recorder;
pub mod referee;
mod routes;
pub mod rows;
mod sampling;
mod search;
pub mod searched;
mod slots;
mod snapshot;
mod stops;
mod store;
mod subject;
pub mod usage;
pub mod watch;

pub use crate::log::freshness::Freshness;
pub use compare::{Difference, Differences, Effect};
pub use compile::{FLOOR, MAX_LINKS, Refused};
pub use explain::{Bounds, Condition, Explanation, Way};
pub use given::Given;
pub use held::{Held, HeldPage};
pub use known::Known;
pub use live::Live;
pub use search::{MAX_CANDIDATES, Page};
pub use snapshot::Snapshot;
pub use subject::{MAX_NAME, RESERVED_NAME};

text_enum! {
    /// Why a question was answered as it was. The words are stable: callers may rely on them.
    pub enum Reason {
        /// Something gives the permission and nothing takes it.
        Permitted = "permitted",
        /// No subject of this type has this name.
        UnknownSubject = "unknown_subject",
        /// More than one subject has this name.
        AmbiguousSubject = "ambiguous_subject",
        /// The application has no such feature, or is not there, or not the caller's to ask about.
        UnknownFeature = "unknown_feature",
        /// The feature has no such action.
        UnknownAction = "unknown_action",
        /// Nothing the subject holds reaches the permission.
        NoGrant = "no_grant",
        /// The subject's time, or that of the grant, has not begun.
        NotYet = "not_yet",
        /// The grant is over.
        Expired = "expired",
        /// Something that the role requires, such as a training, is missing or over.
        Prerequisite = "prerequisite",
        /// The subject or the grant rests.
        Suspended = "suspended",
        /// The subject is gone.
        Left = "left",
        /// A role that the subject holds denies it, whatever others allow.
        DeniedByRule = "denied_by_rule",
        /// The subject has no strong factor, which an access role presumes.
        NoStrongFactor = "no_strong_factor",
        /// The grant is limited to other values, or the question does not say which it means.
        Scope = "scope",
        /// The purpose is missing or another.
        Purpose = "purpose",
        /// The record is too old, or the question does not say how old it is.
        Retention = "retention",
        /// The end user is in another network, or the question does not say where.
        Network = "network",
        /// The question does not say that the session was opened with a second factor.
        Mfa = "mfa",
        /// The question does not say that it comes from a managed device.
        ManagedDevice = "managed_device",
        /// It is outside the hours.
        Hours = "hours",
        /// The subject made it, or the question does not say who did.
        SamePerson = "same_person",
        /// The condition does not hold, or what it reads is missing.
        Condition = "condition",
        /// A kill switch is pulled.
        KillSwitch = "kill_switch",
        /// This node does not know whether it knows the newest state.
        Stale = "stale",
        /// The decision could not be recorded.
        Recorder = "recorder",
        /// Two ways of judging it differed; a person must clear it.
        Referee = "referee",
    }
}

impl Reason {
    /// Of several reasons against, the one that says most: how near the subject came to a permission.
    fn or_nearer(self, other: Self) -> Self {
        if other.nearness() > self.nearness() { other } else { self }
    }

    fn nearness(self) -> u8 {
        match self {
            Self::Permitted => 15,
            Self::Condition => 14,
            Self::SamePerson => 13,
            Self::Hours => 12,
            Self::ManagedDevice => 11,
            Self::Mfa => 10,
            Self::Network => 9,
            Self::Retention => 8,
            Self::Purpose => 7,
            Self::Scope => 6,
            Self::NoStrongFactor => 5,
            Self::Suspended | Self::Prerequisite => 4,
            Self::NotYet => 3,
            Self::Expired => 2,
            Self::NoGrant => 1,
            _ => 0,
        }
    }
}

/// One question, in AuthZEN's words. It borrows everything from the request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Question<'a> {
    /// `subject.type`: `user`, `service`, or what the application calls its subjects.
    pub subject_type: &'a str,
    /// `subject.id`: any name of the subject.
    pub subject: &'a str,
    /// `subject.properties`.
    pub subject_properties: Option<&'a Value>,
    /// The application that the caller's key is bound to; `None` for a key of wider scope.
    pub application: Option<&'a str>,
    /// `resource.type`: a feature of that application, or `app/feature`.
    pub resource_type: &'a str,
    /// `resource.id`: the record, opaque.
    pub resource: &'a str,
    /// `action.name`.
    pub action: &'a str,
    /// `action.properties`.
    pub action_properties: Option<&'a Value>,
    /// `resource.properties`.
    pub properties: Option<&'a Value>,
    /// `context`.
    pub context: Option<&'a Value>,
    /// What the caller's key may assert in properties and context; `None` for what is usual for the feature.
    pub asserts: Option<&'a [String]>,
}

impl<'a> Question<'a> {
    /// The application and feature asked about; `None` if the caller does not say, or may not ask about it.
    pub fn feature(&self) -> Option<(&'a str, &'a str)> {
        match (self.resource_type.split_once('/'), self.application) {
            (Some((named, _)), Some(own)) if named != own => None,
            (Some(both), _) => Some(both),
            (None, Some(own)) => Some((own, self.resource_type)),
            (None, None) => None,
        }
    }
}

/// The answer to one question.
#[derive(Debug, Clone)]
pub struct Decision {
    /// Why.
    pub reason: Reason,
    /// The class of the feature, if the catalogue has the permission.
    pub class: Option<Class>,
    /// The number of the last change that was known when deciding.
    pub revision: u64,
    /// The permission's number in the policy of the state that decided.
    permission: Option<u32>,
    given: Given,
}

impl Decision {
    /// Whether it is permitted.
    pub fn permit(&self) -> bool {
        self.reason == Reason::Permitted
    }

    /// The grants that gave the permission: all of them, for each counts as used. Empty if it is denied, or given by
    /// birth or position.
    pub fn grants(&self) -> impl Iterator<Item = GrantId> {
        self.given.grants()
    }

    /// The same grants, as numbers.
    fn grant_numbers(&self) -> impl Iterator<Item = u128> {
        self.given.grant_numbers()
    }

    /// The account that was asked about, if exactly one has that name.
    pub fn account(&self) -> Option<AccountId> {
        self.given.account()
    }

    /// Whether exactly one account has the name that was asked about.
    pub fn is_about_somebody(&self) -> bool {
        self.given.is_of_somebody()
    }

    /// The properties, with their values, to which the grants that gave the permission were limited.
    pub fn limits(&self) -> impl Iterator<Item = (&str, impl Iterator<Item = &str>)> {
        self.given.limits()
    }

    /// The same, denied because it could not be recorded.
    #[must_use]
    pub fn not_recorded(mut self) -> Self {
        self.reason = Reason::Recorder;
        self.given.clear();
        self
    }
}

/// The newest state, for any number of readers. Begins empty, and so denies everything.
#[derive(Default)]
pub struct Index {
    newest: ArcSwap<Snapshot>,
}

impl Index {
    /// Decides one question by the newest state.
    pub fn evaluate(&self, now: Timestamp, freshness: Freshness, question: &Question<'_>) -> Decision {
        self.newest.load().evaluate(now, freshness, question)
    }

    /// The newest state, to ask several questions of one and the same, or to make the next from.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.newest.load_full()
    }

    /// Makes a state the newest. All changes of one transaction come in one state.
    pub fn publish(&self, snapshot: Snapshot) {
        self.newest.store(Arc::new(snapshot));
    }

    /// The number of the last change that the newest state contains.
    pub fn revision(&self) -> u64 {
        self.newest.load().revision()
    }
}

#[cfg(test)]
mod fault;
#[cfg(test)]
mod tests;
