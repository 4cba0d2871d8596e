//! Why: the way from the subject to the permission, for people and as JSON.
//!
//! Rules: it explains the decision and makes none: the reason is the one that `evaluate` gives, and every way that
//! bears on it is shown with its own outcome. It repeats what the caller asserted, so that it goes back to callers and
//! never into a log. Pure.

use std::collections::{HashMap, VecDeque};

use serde::Serialize;
use serde_json::Value;

use super::conditions::{Conditions, Facts};
use super::policy::{Birth, Permission, Reach, Row};
use super::snapshot::{Found, Snapshot};
use super::subject::{Grant, Subject, id_of};
use super::{Freshness, Question, Reason};
use crate::access::catalogue::Class;
use crate::clock::Timestamp;
use crate::ids::{AccountId, GrantId, KillSwitchId};

/// A decision with everything that led to it.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// The decision.
    pub decision: bool,
    /// Why.
    pub reason: Reason,
    /// The same in one sentence.
    pub summary: String,
    /// As of when.
    pub decided_at: Timestamp,
    /// By the state after which change.
    pub revision: u64,
    /// The account, if exactly one has the name.
    pub subject: Option<AccountId>,
    /// The permission `app/feature:action`, if the catalogue has it.
    pub permission: Option<String>,
    /// Its class.
    pub class: Option<Class>,
    /// The kill switch that stops it.
    pub kill_switch: Option<KillSwitchId>,
    /// Every way from the subject to the permission, those that end before it included.
    pub ways: Vec<Way>,
}

/// One way from the subject to a row about the permission.
#[derive(Debug, Clone, Serialize)]
pub struct Way {
    /// How the subject holds the first role: `grant`, `birthright`, `manager` or `owner`.
    pub by: &'static str,
    /// The grant, if it is one.
    pub grant: Option<GrantId>,
    /// The roles from the one held to the one that says it, `app/role`.
    pub roles: Vec<String>,
    /// Whether that role allows it or denies it.
    pub effect: &'static str,
    /// The grant's bounds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounds: Option<Bounds>,
    /// What must hold, and whether it does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Whether this way permits, denies, or why it does not count.
    pub outcome: Reason,
    /// The same in one sentence.
    pub summary: String,
}

/// From when to when a grant counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Bounds {
    /// The first instant.
    pub valid_from: Option<Timestamp>,
    /// The first instant no more.
    pub expires_at: Option<Timestamp>,
}

/// One condition on one way.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Condition {
    /// What is asked: `strong_factor`, `scope.NAME`, `purpose`, `within.NAME`, `networks`, `mfa`, `managed_device`,
    /// `hours`, `not_by.NAME` or `when`.
    pub condition: String,
    /// What would hold, in words.
    pub wanted: String,
    /// What the caller said, if it may say it and did, or what is known of the record.
    pub given: Option<Value>,
    /// Whether it holds.
    pub holds: bool,
    /// Why a condition of the catalogue's own came to neither true nor false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<&'static str>,
}

impl Condition {
    pub(super) fn of(condition: &str, wanted: String, given: Option<&Value>, holds: bool) -> Self {
        Self { condition: condition.to_owned(), wanted, given: given.cloned(), holds, because: None }
    }
}

impl Snapshot {
    /// Explains what [`Snapshot::evaluate`] decides.
    pub fn explain(&self, now: Timestamp, freshness: Freshness, question: &Question<'_>) -> Explanation {
        let (permission, found) = (self.asked(question), self.find(question.subject));
        let decision = self.decide(now.micros(), freshness, question, permission, &found);
        let subject = match found {
            Found::One(subject) => Some(subject),
            Found::Nobody | Found::Several => None,
        };
        let (application, feature) = question.feature().unwrap_or_default();
        let floor = permission.is_some_and(|permission| permission.floor());
        let account = subject.map(|subject| subject.account());
        let stopping = self.kill_switches.stopping(application, feature, account).filter(|_| !floor);
        let ways = match (permission, subject) {
            (Some(permission), Some(subject)) => {
                self.ways(permission, &Facts { now: now.micros(), question, subject, state: self })
            }
            _ => Vec::new(),
        };
        Explanation {
            decision: decision.permit(),
            reason: decision.reason,
            summary: decision.reason.sentence().to_owned(),
            decided_at: now,
            revision: decision.revision,
            subject: decision.account(),
            permission: permission.map(|permission| permission.name().to_owned()),
            class: decision.class,
            kill_switch: stopping.cloned(),
            ways,
        }
    }

    fn ways(&self, permission: Permission<'_>, facts: &Facts<'_>) -> Vec<Way> {
        let rows = facts
            .subject
            .ways_to(permission)
            .flat_map(|(by, reach, grant)| permission.rows_of(reach).map(move |row| (by, reach, grant, row)));
        rows.map(|(by, reach, grant, row)| self.way(permission, facts, by, (reach, grant, row))).collect()
    }

    fn way(
        &self,
        permission: Permission<'_>,
        facts: &Facts<'_>,
        by: &'static str,
        (reach, grant, row): (&Reach, Option<Grant<'_>>, &Row),
    ) -> Way {
        let outcome = facts.outcome(permission, grant, row);
        let roles = self.chain(reach.role, row.role);
        let effect = if row.allows { "allow" } else { "deny" };
        let (held, said) =
            (roles.first().cloned().unwrap_or_default(), roles.last().cloned().unwrap_or_default());
        let through = if roles.len() > 1 { format!(", through {said},") } else { String::new() };
        Way {
            by,
            grant: grant.and_then(|grant| id_of(grant.id())),
            effect,
            bounds: grant.map(Grant::bounds),
            conditions: if row.allows { facts.conditions(permission, grant, row) } else { Vec::new() },
            outcome,
            summary: format!("{held} ({by}){through} says {effect}: {}", outcome.sentence()),
            roles,
        }
    }

    /// The shortest chain of inheritance from one role to another, both included.
    pub(super) fn chain(&self, from: u32, to: u32) -> Vec<String> {
        let mut before: HashMap<u32, u32> = HashMap::new();
        let mut queue = VecDeque::from([from]);
        while let Some(role) = queue.pop_front().filter(|role| *role != to) {
            for parent in self.policy.parents.get(&role).into_iter().flatten() {
                if *parent != from && !before.contains_key(parent) {
                    before.insert(*parent, role);
                    queue.push_back(*parent);
                }
            }
        }
        let mut chain = vec![to];
        while let Some(role) = chain.last().and_then(|role| before.get(role)) {
            chain.push(*role);
        }
        chain.iter().rev().map(|role| self.roles.name_of(*role).to_owned()).collect()
    }
}

impl Subject {
    /// How a subject comes to a permission: by a grant of a role that reaches it, or by birth or position.
    pub(super) fn ways_to<'a>(
        &'a self,
        permission: Permission<'a>,
    ) -> impl Iterator<Item = (&'static str, &'a Reach, Option<Grant<'a>>)> {
        let granted = self.roles().enumerate().filter_map(move |(position, role)| {
            let reach = permission.reach_of(role)?;
            Some(("grant", reach, Some(self.grant(position)?)))
        });
        let born = permission.births().iter().filter(|(birth, _)| birth.belongs_to(self));
        granted.chain(born.map(|(birth, reach)| (birth.word(), reach, None)))
    }
}

impl Facts<'_> {
    /// What this one row comes to, of which a way may show several.
    fn outcome(&self, permission: Permission<'_>, grant: Option<Grant<'_>>, row: &Row) -> Reason {
        let judged = grant.map_or(Ok(()), |grant| grant.counts(self.now)).and_then(|()| {
            if row.allows { self.met(permission, row, grant) } else { Err(Reason::DeniedByRule) }
        });
        judged.err().unwrap_or(Reason::Permitted)
    }

    /// Each condition on a row that allows, in the order in which they are asked.
    pub(super) fn conditions(
        &self,
        permission: Permission<'_>,
        grant: Option<Grant<'_>>,
        row: &Row,
    ) -> Vec<Condition> {
        let mut conditions = Vec::new();
        if self.needs_strong_factor(permission, row) {
            let wanted = "the subject can prove itself with more than a password".to_owned();
            conditions.push(Condition::of("strong_factor", wanted, None, self.subject.strong_factor()));
        }
        for (name, values) in grant.into_iter().flat_map(Grant::limits) {
            let wanted = format!("one of {}", values.collect::<Vec<_>>().join(", "));
            let (given, holds) = (self.property(permission, name), self.is_in(permission, name, values));
            conditions.push(Condition::of(&format!("scope.{name}"), wanted, given, holds));
        }
        if !row.purposes.is_empty() {
            let wanted = format!("one of {}", row.purposes.join(", "));
            let (given, holds) = (self.purpose(permission), self.has_purpose(permission, &row.purposes));
            conditions.push(Condition::of("purpose", wanted, given, holds));
        }
        if let Some(age) = &row.within {
            let wanted = format!("null, or a date less than {} days ago", age.days);
            let (given, holds) = (self.property(permission, &age.of), self.is_young(permission, age));
            conditions.push(Condition::of(&format!("within.{}", age.of), wanted, given, holds));
        }
        if let Some(further) = &row.further {
            self.each_further(permission, further, &mut conditions);
        }
        conditions
    }
}

impl Birth {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Right => "birthright",
            Self::Manager => "manager",
            Self::Owner => "owner",
        }
    }
}

impl Reason {
    /// The reason as a sentence for people, without names and without anything that a caller said.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Permitted => "It is permitted.",
            Self::UnknownSubject => "Nobody of this type is known by this name.",
            Self::AmbiguousSubject => "More than one subject has this name, so that it means nobody.",
            Self::UnknownFeature => "There is no such feature, or it is not this caller's to ask about.",
            Self::UnknownAction => "The feature has no such action.",
            Self::NoGrant => "No role that the subject holds gives this permission.",
            Self::NotYet => "The access has been given and has not begun.",
            Self::Expired => "The access has ended.",
            Self::Prerequisite => "Something that the role requires, such as a training, is missing or over.",
            Self::Suspended => "The subject or its access is suspended.",
            Self::Left => "The subject has left.",
            Self::DeniedByRule => "A role that the subject holds denies it, whatever other roles allow.",
            Self::NoStrongFactor => "The role presumes a strong factor, and the subject has none.",
            Self::Scope => "The access is limited to other values of a property, or the value is missing.",
            Self::Purpose => "The purpose is missing, or not one for which the role gives access.",
            Self::Retention => "The record is too old, or its date is missing.",
            Self::Network => {
                "The role asks for other networks, or the question does not say where it comes from."
            }
            Self::Mfa => {
                "The role asks for a session with a second factor, and the question does not say so."
            }
            Self::ManagedDevice => "The role asks for a managed device, and the question does not say so.",
            Self::Hours => "It is outside the hours of the role.",
            Self::SamePerson => "The subject made it, or the question does not name somebody known who did.",
            Self::Condition => "The role's condition does not hold, or what it reads is missing.",
            Self::KillSwitch => "A kill switch is pulled.",
            Self::Stale => "This node does not know whether it knows the newest state.",
            Self::Recorder => "The decision could not be recorded.",
            Self::Referee => "Two ways of judging it differed, and nobody has cleared it yet.",
        }
    }
}
