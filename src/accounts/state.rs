//! The states of an account and the steps between them: the one state machine that every use case goes through.
//!
//! Rules: a suspension for security gives way to nothing but a reinstatement; who was reinstated is what they were
//! before; coming back after leaving begins anew, without any credential; erased is the end. Pure.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::text_enum;

text_enum! {
    /// What an account stands for.
    pub enum Kind {
        /// One person.
        Person = "person",
        /// One piece of software, with a person who owns it.
        Service = "service",
    }
}

text_enum! {
    /// Where an account is on its way.
    pub enum State {
        /// Lacks only a credential; counts as active for decisions from the start date.
        Invited = "invited",
        /// In use.
        Active = "active",
        /// At rest, for the reason beside it.
        Suspended = "suspended",
        /// Gone.
        Left = "left",
        /// Gone, and the personal data with it.
        Erased = "erased",
    }
}

text_enum! {
    /// Why an account is at rest.
    pub enum Suspension {
        /// The person is away for long.
        Leave = "leave",
        /// Something is wrong.
        Security = "security",
        /// A review found no answer.
        Review = "review",
        /// Something that must be done first is not done, such as a training.
        Prerequisite = "prerequisite",
    }
}

/// Where an account stands, as its row has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The state.
    pub state: State,
    /// Why it is suspended; `None` in every other state.
    pub suspended_for: Option<Suspension>,
    /// When the suspension ends by itself; `None` if somebody must end it.
    pub suspended_until: Option<Timestamp>,
    /// When the first credential was enrolled; `None` while there is none.
    pub enrolled_at: Option<Timestamp>,
}

/// What moves an account from state to state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A credential was enrolled.
    Enrol,
    /// Somebody, or a rule, puts the account to rest.
    Suspend {
        /// Why.
        cause: Suspension,
        /// When it ends by itself, if it does.
        until: Option<Timestamp>,
    },
    /// Somebody ends the rest.
    Reinstate,
    /// The person is gone; the service is retired.
    Leave,
    /// The person comes back.
    Rehire,
    /// The personal data goes.
    Erase,
}

/// Whether an account counts at an instant. Judged, never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It counts.
    Active,
    /// Its start lies ahead.
    NotYet,
    /// It is at rest.
    Suspended,
    /// Its end has passed, or it left.
    Over,
}

impl Status {
    /// How every account begins: a person invited, a service in use.
    pub fn new(kind: Kind) -> Self {
        let state = match kind {
            Kind::Person => State::Invited,
            Kind::Service => State::Active,
        };
        Self::plain(state, None)
    }

    /// How somebody is recorded who was gone before this house knew of them.
    pub fn past() -> Self {
        Self::plain(State::Left, None)
    }

    fn plain(state: State, enrolled_at: Option<Timestamp>) -> Self {
        Self { state, suspended_for: None, suspended_until: None, enrolled_at }
    }

    /// The status as it counts at `now`: a suspension that has run out is over.
    #[must_use]
    pub fn at(self, kind: Kind, now: Timestamp) -> Self {
        match (self.state, self.suspended_until) {
            (State::Suspended, Some(until)) if until <= now => self.awake(kind),
            _ => self,
        }
    }

    fn awake(self, kind: Kind) -> Self {
        let usable = kind == Kind::Service || self.enrolled_at.is_some();
        Self::plain(if usable { State::Active } else { State::Invited }, self.enrolled_at)
    }

    /// The status after a step at `now`; `None` if the step is not possible from here.
    pub fn after(self, kind: Kind, step: Step, now: Timestamp) -> Option<Self> {
        use State as S;
        let before = self.at(kind, now);
        let gone = matches!(before.state, S::Left | S::Erased);
        match step {
            Step::Enrol if matches!(before.state, S::Invited | S::Active) => {
                Some(Self::plain(S::Active, before.enrolled_at.or(Some(now))))
            }
            Step::Suspend { cause, until } => {
                let held =
                    before.suspended_for == Some(Suspension::Security) && cause != Suspension::Security;
                (!gone && !held).then_some(Self {
                    state: S::Suspended,
                    suspended_for: Some(cause),
                    suspended_until: until,
                    enrolled_at: before.enrolled_at,
                })
            }
            Step::Reinstate if before.state == S::Suspended => Some(before.awake(kind)),
            Step::Leave if !gone => Some(Self::plain(S::Left, before.enrolled_at)),
            Step::Rehire if before.state == S::Left => Some(Self::new(kind)),
            Step::Erase if before.state == S::Left => Some(Self::plain(S::Erased, None)),
            Step::Enrol | Step::Reinstate | Step::Leave | Step::Rehire | Step::Erase => None,
        }
    }

    /// Whether an account of this status counts at `now`, given its first and last instant. The start belongs to
    /// the time, the end does not.
    pub fn standing(
        self,
        starts_at: Option<Timestamp>,
        ends_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Standing {
        let resting = self.state == State::Suspended && self.suspended_until.is_none_or(|until| until > now);
        if matches!(self.state, State::Left | State::Erased) || ends_at.is_some_and(|end| end <= now) {
            Standing::Over
        } else if resting {
            Standing::Suspended
        } else if starts_at.is_some_and(|start| start > now) {
            Standing::NotYet
        } else {
            Standing::Active
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_micros(second * 1_000_000)
    }

    fn steps() -> impl Strategy<Value = Vec<(i64, Step)>> {
        let suspend = (0..4usize, proptest::option::of(0..2_000i64))
            .prop_map(|(cause, until)| Step::Suspend { cause: Suspension::ALL[cause], until: until.map(at) });
        let step = prop_oneof![
            3 => Just(Step::Enrol),
            4 => suspend,
            3 => Just(Step::Reinstate),
            1 => Just(Step::Leave),
            1 => Just(Step::Rehire),
            1 => Just(Step::Erase),
        ];
        proptest::collection::vec((1..200i64, step), 0..24)
    }

    proptest! {
        #[test]
        fn every_walk_keeps_the_rules(walk in steps(), service in any::<bool>()) {
            let kind = if service { Kind::Service } else { Kind::Person };
            let (mut status, mut second) = (Status::new(kind), 0);
            for (wait, step) in walk {
                second += wait;
                let now = at(second);
                let before = status.at(kind, now);
                let Some(after) = status.after(kind, step, now) else { continue };
                prop_assert_eq!(after.suspended_for.is_some(), after.state == State::Suspended);
                prop_assert!(after.suspended_until.is_none() || after.state == State::Suspended);
                if matches!(before.state, State::Left | State::Erased) {
                    prop_assert_ne!(after.standing(None, None, now), Standing::Suspended);
                    prop_assert!(matches!(step, Step::Rehire | Step::Erase));
                    prop_assert_eq!(after.enrolled_at, None, "nobody comes back with a credential");
                }
                prop_assert_ne!(before.state, State::Erased, "erased is the end");
                if before.suspended_for == Some(Suspension::Security) && after.state != State::Left {
                    prop_assert!(
                        step == Step::Reinstate || after.suspended_for == Some(Suspension::Security),
                        "security gives way to a reinstatement only"
                    );
                }
                if kind == Kind::Person && after.state == State::Active {
                    prop_assert!(after.enrolled_at.is_some(), "nobody is active without a credential");
                }
                status = after;
            }
        }
    }

    #[test]
    fn the_reinstated_are_what_they_were() {
        let cause = Step::Suspend { cause: Suspension::Leave, until: Some(at(100)) };
        for enrolled in [false, true] {
            let mut before = Status::new(Kind::Person);
            if enrolled {
                before = before.after(Kind::Person, Step::Enrol, at(1)).unwrap();
            }
            let resting = before.after(Kind::Person, cause, at(2)).unwrap();
            assert_eq!(resting.standing(None, None, at(99)), Standing::Suspended);
            assert_eq!(resting.standing(None, None, at(100)), Standing::Active);
            assert_eq!(resting.at(Kind::Person, at(100)), before);
            assert_eq!(resting.after(Kind::Person, Step::Reinstate, at(3)), Some(before));
        }
    }

    #[test]
    fn the_start_belongs_to_the_time_and_the_end_does_not() {
        let status = Status::new(Kind::Person);
        let judged = |now| status.standing(Some(at(10)), Some(at(20)), at(now));
        assert_eq!(judged(9), Standing::NotYet);
        assert_eq!(judged(10), Standing::Active);
        assert_eq!(judged(19), Standing::Active);
        assert_eq!(judged(20), Standing::Over);
    }
}
