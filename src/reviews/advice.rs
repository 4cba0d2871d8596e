//! What the house would do with a grant, from what it knows of its use. Pure.
//!
//! Rules: `unknown` is not `never`: a system that does not ask here says nothing about use, and so there is no advice.

use chrono::Duration;

use super::{Recommendation, Used};
use crate::access::catalogue::{Class, Integration};
use crate::clock::Timestamp;

/// A grant not used for so long should go.
const DORMANT: Duration = Duration::days(90);
/// A grant younger than this has not had time to be used.
const NEW: Duration = Duration::days(14);

/// What is known of the use of a grant, and what follows.
pub(super) fn of_use(
    integration: Integration,
    created_at: Timestamp,
    used_at: Option<Timestamp>,
    now: Timestamp,
) -> (Used, Recommendation) {
    match used_at {
        Some(at) if now.since(at) > DORMANT => (Used::On, Recommendation::Revoke),
        Some(_) => (Used::On, Recommendation::Keep),
        None if integration != Integration::Decides => (Used::Unknown, Recommendation::None),
        None if now.since(created_at) > NEW => (Used::Never, Recommendation::Revoke),
        None => (Used::Never, Recommendation::Keep),
    }
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

    #[test]
    fn never_unknown_and_a_date_are_three_things() {
        let now = Timestamp::parse("2026-11-23T09:00:00Z").unwrap();
        let long_ago = now.minus(Duration::days(200));
        let decides = |used_at| of_use(Integration::Decides, long_ago, used_at, now);
        assert_eq!(decides(None), (Used::Never, Recommendation::Revoke));
        assert_eq!(decides(Some(long_ago)), (Used::On, Recommendation::Revoke));
        assert_eq!(decides(Some(now.minus(Duration::days(3)))), (Used::On, Recommendation::Keep));
        assert_eq!(of_use(Integration::Manual, long_ago, None, now), (Used::Unknown, Recommendation::None));
        assert_eq!(of_use(Integration::Decides, now, None, now), (Used::Never, Recommendation::Keep));
    }

    #[test]
    fn customers_data_comes_first_and_what_should_go_before_what_may_stay() {
        assert!(risk(Class::Pii, Recommendation::Keep) < risk(Class::Regulated, Recommendation::Revoke));
        assert!(risk(Class::Pii, Recommendation::Revoke) < risk(Class::Pii, Recommendation::Keep));
    }
}
