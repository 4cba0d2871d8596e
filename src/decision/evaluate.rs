//! One question, one decision.
//!
//! Rules: denied unless everything permits; asked in this order: kill switches, freshness, the subject's state, the
//! permission, pins, then grants with their bounds and conditions, of which one must hold; a denial that any counting
//! grant reaches overrides them all. No lock, no clock of its own, no memory asked for. Pure.

use super::conditions::{Conditions, Facts, Unconditional};
use super::given::Given;
use super::policy::{Birth, Permission, Reach};
use super::rows::SubjectKind;
use super::snapshot::{Found, Snapshot};
use super::subject::{Grant, Subject, number_of};
use super::{Decision, Freshness, Question, Reason};
use crate::access::catalogue::Class;
use crate::clock::Timestamp;
use crate::ids::AccountId;

impl Snapshot {
    /// Decides one question as of `now`, by a node that is as fresh as it says.
    pub fn evaluate(&self, now: Timestamp, freshness: Freshness, question: &Question<'_>) -> Decision {
        let now = now.micros();
        let permission = question
            .feature()
            .and_then(|(application, feature)| self.permission(application, feature, question.action));
        self.decide(now, freshness, question, permission, &self.find(question.subject))
    }

    /// The permission that a question is about.
    pub(super) fn asked(&self, question: &Question<'_>) -> Option<Permission<'_>> {
        let (application, feature) = question.feature()?;
        self.permission(application, feature, question.action)
    }

    /// The same for a subject and a permission that are found already.
    pub(super) fn decide(
        &self,
        now: i64,
        freshness: Freshness,
        question: &Question<'_>,
        permission: Option<Permission<'_>>,
        found: &Found<'_>,
    ) -> Decision {
        let mut given = match found {
            Found::One(subject) => Given::of(Subject::clone(subject)),
            Found::Nobody | Found::Several => Given::default(),
        };
        let gate = self.gate(now, freshness, question, permission, found);
        let judged = gate.and_then(|(subject, permission)| {
            weigh(now, permission, subject, &Facts { now, question, subject, state: self }, &mut given)
        });
        Decision {
            reason: judged.err().unwrap_or(Reason::Permitted),
            class: permission.map(|permission| permission.class()),
            permission: permission.map(|permission| permission.number()),
            revision: self.revision,
            given,
        }
    }

    /// Whether the rows alone permit it at `now`: neither kill switches, freshness, pins nor conditions are asked.
    /// This is what the referee must agree with.
    pub fn rows_permit(
        &self,
        now: Timestamp,
        subject: &str,
        (application, feature, action): (&str, &str, &str),
    ) -> bool {
        let now = now.micros();
        match (self.find(subject), self.permission(application, feature, action)) {
            (Found::One(subject), Some(permission)) => rows_permit(now, permission, subject),
            _ => false,
        }
    }

    /// By which grants the rows alone permit it at `now`, whatever a question would have to bring along; `None` if
    /// they do not.
    pub fn rows_give(
        &self,
        now: Timestamp,
        account: &AccountId,
        (application, feature, action): (&str, &str, &str),
    ) -> Option<Given> {
        let now = now.micros();
        let subject = self.subject(number_of(account)?)?;
        let permission = self.permission(application, feature, action)?;
        let mut given = Given::of(Subject::clone(subject));
        subject
            .may_act(now)
            .and_then(|()| weigh(now, permission, subject, &Unconditional, &mut given))
            .ok()?;
        Some(given)
    }

    /// Everything that can deny before a grant is looked at.
    fn gate<'a>(
        &'a self,
        now: i64,
        freshness: Freshness,
        question: &Question<'_>,
        permission: Option<Permission<'a>>,
        found: &Found<'a>,
    ) -> Result<(&'a Subject, Permission<'a>), Reason> {
        let account = match found {
            Found::One(subject) => Some(subject.account()),
            Found::Nobody | Found::Several => None,
        };
        let floor = permission.is_some_and(|permission| permission.floor());
        let (application, feature) = question.feature().unwrap_or_default();
        if !floor && self.kill_switches.stopping(application, feature, account).is_some() {
            return Err(Reason::KillSwitch);
        }
        if !floor && !freshness.permits(permission.map(|permission| permission.class())) {
            return Err(Reason::Stale);
        }
        let subject = match found {
            Found::One(subject) if self.is_of_type(subject, application, question.subject_type) => subject,
            Found::One(_) | Found::Nobody => return Err(Reason::UnknownSubject),
            Found::Several => return Err(Reason::AmbiguousSubject),
        };
        subject.may_act(now)?;
        let permission = permission.ok_or_else(|| self.unknown(question))?;
        if self.pins.hold(subject.account(), permission.name()) {
            return Err(Reason::Referee);
        }
        Ok((subject, permission))
    }

    /// Whether the word means what the subject is, everywhere or in this application.
    fn is_of_type(&self, subject: &Subject, application: &str, word: &str) -> bool {
        let kind = subject.kind();
        word == kind.type_name() || self.policy.subject_type(application, word) == Some(kind)
    }

    fn unknown(&self, question: &Question<'_>) -> Reason {
        let offer =
            question.feature().and_then(|(application, feature)| self.policy.offer(application, feature));
        if offer.is_some() { Reason::UnknownAction } else { Reason::UnknownFeature }
    }
}

/// Whether the rows alone permit it.
pub(super) fn rows_permit(now: i64, permission: Permission<'_>, subject: &Subject) -> bool {
    let mut given = Given::default();
    subject.may_act(now).is_ok() && weigh(now, permission, subject, &Unconditional, &mut given).is_ok()
}

impl Freshness {
    /// Whether a node this fresh may permit something of this class, outside the floor.
    fn permits(self, class: Option<Class>) -> bool {
        match self {
            Self::Fresh => true,
            Self::Stale => class.is_none_or(|class| class == Class::Internal),
            Self::Floor => false,
        }
    }
}

impl Birth {
    /// Whether a subject that may act has this by birth or position.
    pub(super) fn belongs_to(self, subject: &Subject) -> bool {
        subject.kind() == SubjectKind::Person
            && match self {
                Self::Right => true,
                Self::Manager => subject.is_manager(),
                Self::Owner => subject.is_owner(),
            }
    }
}

/// Lays all that the subject holds on the scales. Marks in `given` each grant that gave the permission.
fn weigh(
    now: i64,
    permission: Permission<'_>,
    subject: &Subject,
    conditions: &impl Conditions,
    given: &mut Given,
) -> Result<(), Reason> {
    let granted = subject.roles().enumerate().filter_map(|(position, role)| {
        let reach = permission.reach_of(role)?;
        Some((reach, Some((position, subject.grant(position)?))))
    });
    let born = permission.births().iter().filter(|(birth, _)| birth.belongs_to(subject));
    let mut best = Reason::NoGrant;
    for (reach, held) in granted.chain(born.map(|(_, reach)| (reach, None))) {
        match counts(now, permission, reach, held.map(|(_, grant)| grant), conditions) {
            Ok(()) => {
                best = Reason::Permitted;
                if let Some((position, _)) = held {
                    given.add(position);
                }
            }
            Err(Reason::DeniedByRule) => {
                given.clear();
                return Err(Reason::DeniedByRule);
            }
            Err(reason) => best = best.or_nearer(reason),
        }
    }
    if best == Reason::Permitted { Ok(()) } else { Err(best) }
}

/// Whether one grant, or a role held by birth, gives the permission, else why not.
pub(super) fn counts(
    now: i64,
    permission: Permission<'_>,
    reach: &Reach,
    grant: Option<Grant<'_>>,
    conditions: &impl Conditions,
) -> Result<(), Reason> {
    grant.map_or(Ok(()), |grant| grant.counts(now))?;
    if reach.denies {
        return Err(Reason::DeniedByRule);
    }
    // One row that asks for nothing further is enough, and no other can do better: most permissions are like this.
    if reach.plain && permission.class() != Class::Pii {
        return conditions.in_scope(permission, grant);
    }
    let mut best = Reason::NoGrant;
    for row in permission.rows_of(reach) {
        match conditions.met(permission, row, grant) {
            Ok(()) => return Ok(()),
            Err(reason) => best = best.or_nearer(reason),
        }
    }
    Err(best)
}
