//! What the house would do with a grant, from what it knows of its use. Pure.
//!
//! Rules: `unknown` is not `never`: where neither the house nor the system's own list says anything about use, there is
//! no advice.

use chrono::Duration;

use super::{Recommendation, Used};
use crate::access::catalogue::{Class, Integration};
use crate::clock::Timestamp;
use crate::provisioning::Use;
use crate::provisioning::holdings::LastUse;

/// A grant not used for so long should go.
const DORMANT: Duration = Duration::days(90);
/// A grant younger than this has not had time to be used.
const NEW: Duration = Duration::days(14);

/// What is known of a grant.
pub(super) struct Known {
    /// Whether its system asks here.
    pub(super) integration: Integration,
    /// When it was given here.
    pub(super) created_at: Timestamp,
    /// When it gave a permission here last.
    pub(super) used_at: Option<Timestamp>,
    /// What its system says.
    pub(super) said: Option<LastUse>,
}

/// What follows from it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Advised {
    pub(super) used: Used,
    pub(super) used_at: Option<Timestamp>,
    pub(super) recommendation: Recommendation,
}

/// What is known of the use of a grant, and what follows.
pub(super) fn of_use(known: &Known, now: Timestamp) -> Advised {
    let used_at = known.used_at.max(known.said.and_then(|said| said.at));
    let says_never = known.said.is_some_and(|said| said.used == Use::Never);
    // What came from a list is older than its grant here; if the list does not say how old, it may be new.
    let since = match known.said {
        Some(said) => said.since,
        None => Some(known.created_at),
    };
    let (used, recommendation) = match used_at {
        Some(at) if now.since(at) > DORMANT => (Used::On, Recommendation::Revoke),
        Some(_) => (Used::On, Recommendation::Keep),
        // What a system asks here is seen; what came from its list was used before, or not, unseen.
        None if !says_never && (known.integration != Integration::Decides || known.said.is_some()) => {
            (Used::Unknown, Recommendation::None)
        }
        None => match since {
            Some(since) if now.since(since) > NEW => (Used::Never, Recommendation::Revoke),
            Some(_) => (Used::Never, Recommendation::Keep),
            None => (Used::Never, Recommendation::None),
        },
    };
    Advised { used, used_at, recommendation }
}

/// The place of an item in the list: customers' data first, then what should go, then the rest.
pub(super) fn risk(class: Class, recommendation: Recommendation) -> i32 {
    let by_class = match class {
        Class::Pii => 0,
        Class::Regulated => 10,
        Class::Internal => 20,
    };
    let by_advice = match recommendation {
        Recommendation::Revoke => 0,
        Recommendation::None => 1,
        Recommendation::Keep => 2,
    };
    by_class + by_advice
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advice(
        integration: Integration,
        days: i64,
        used_at: Option<Timestamp>,
        said: Option<LastUse>,
    ) -> (Used, Recommendation) {
        let created_at = now().minus(Duration::days(days));
        let advised = of_use(&Known { integration, created_at, used_at, said }, now());
        (advised.used, advised.recommendation)
    }

    fn now() -> Timestamp {
        Timestamp::parse("2026-11-23T09:00:00Z").unwrap()
    }

    #[test]
    fn never_unknown_and_a_date_are_three_things() {
        let ago = |days| Some(now().minus(Duration::days(days)));
        let decides = |days, used_at| advice(Integration::Decides, days, used_at, None);
        assert_eq!(decides(200, None), (Used::Never, Recommendation::Revoke));
        assert_eq!(decides(200, ago(200)), (Used::On, Recommendation::Revoke));
        assert_eq!(decides(200, ago(3)), (Used::On, Recommendation::Keep));
        assert_eq!(decides(0, None), (Used::Never, Recommendation::Keep));
        assert_eq!(advice(Integration::Manual, 200, None, None), (Used::Unknown, Recommendation::None));
    }

    #[test]
    fn what_a_system_says_counts_as_what_was_seen_here() {
        let ago = |days| Some(now().minus(Duration::days(days)));
        let manual =
            |used, at, since| advice(Integration::Manual, 0, None, Some(LastUse { used, at, since }));
        assert_eq!(manual(Use::On, ago(3), None), (Used::On, Recommendation::Keep));
        assert_eq!(manual(Use::On, ago(120), None), (Used::On, Recommendation::Revoke));
        assert_eq!(manual(Use::Never, None, ago(300)), (Used::Never, Recommendation::Revoke));
        assert_eq!(manual(Use::Never, None, ago(3)), (Used::Never, Recommendation::Keep));
        assert_eq!(manual(Use::Never, None, None), (Used::Never, Recommendation::None));
        assert_eq!(manual(Use::Unknown, None, ago(300)), (Used::Unknown, Recommendation::None));
        let both = Some(LastUse { used: Use::On, at: ago(200), since: None });
        assert_eq!(advice(Integration::Decides, 300, ago(2), both), (Used::On, Recommendation::Keep));
    }

    #[test]
    fn customers_data_comes_first_and_what_should_go_before_what_may_stay() {
        assert!(risk(Class::Pii, Recommendation::Keep) < risk(Class::Regulated, Recommendation::Revoke));
        assert!(risk(Class::Pii, Recommendation::Revoke) < risk(Class::Pii, Recommendation::Keep));
    }
}
