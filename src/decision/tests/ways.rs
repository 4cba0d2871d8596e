//! Explanations: they say what was decided, and every way that bears on it.

use proptest::prelude::*;
use serde_json::json;

use super::differential::{cases, compiled};
use super::worlds::{instants, permissions, world};
use super::*;
use crate::decision::Explanation;

fn explain(state: &Snapshot, question: &Question<'_>) -> Explanation {
    state.explain(noon(), Freshness::Fresh, question)
}

#[test]
fn the_way_is_told_from_the_grant_to_the_row() {
    let state = snapshot(&person(1, "ada", vec![grant(11, "orders/lead")]));
    let told = serde_json::to_value(explain(&state, &question("orders/order", "ship"))).unwrap();
    let expected = json!({
        "decision": true,
        "reason": "permitted",
        "summary": "It is permitted.",
        "decided_at": "2026-04-01T12:00:00Z",
        "revision": 7,
        "subject": "00000000-0000-0000-0000-000000000001",
        "permission": "orders/order:ship",
        "class": "internal",
        "kill_switch": null,
        "ways": [{
            "by": "grant",
            "grant": "00000000-0000-0000-0000-00000000000b",
            "roles": ["orders/lead", "orders/picker"],
            "effect": "allow",
            "bounds": { "valid_from": "2026-03-31T12:00:00Z", "expires_at": "2026-04-02T12:00:00Z" },
            "outcome": "permitted",
            "summary": "orders/lead (grant), through orders/picker, says allow: It is permitted.",
        }],
    });
    assert_eq!(told, expected);
}

#[test]
fn conditions_show_what_is_wanted_and_what_was_given() {
    let scope = BTreeMap::from([("marketplace".to_owned(), vec!["UK".to_owned()])]);
    let row = GrantRow { scope: Some(scope), ..grant(11, "orders/address-reader") };
    let state = snapshot(&person(1, "ada", vec![row]));
    let (properties, context) = (
        json!({ "marketplace": "UK", "shipped_at": "2026-01-01", "secret": "not to be repeated" }),
        json!({ "purpose": "shipping" }),
    );
    let asked = Question {
        properties: Some(&properties),
        context: Some(&context),
        ..question("orders/buyer-address", "read")
    };
    let told = explain(&state, &asked);
    assert_eq!(told.reason, Reason::Retention);
    let conditions = &told.ways[0].conditions;
    let shown: Vec<_> = conditions
        .iter()
        .map(|one| (one.condition.as_str(), one.given.as_ref().and_then(Value::as_str), one.holds))
        .collect();
    let expected = [
        ("strong_factor", None, true),
        ("scope.marketplace", Some("UK"), true),
        ("purpose", Some("shipping"), true),
        ("within.shipped_at", Some("2026-01-01"), false),
    ];
    assert_eq!(shown, expected);
    assert!(!serde_json::to_string(&told).unwrap().contains("not to be repeated"));
}

#[test]
fn birth_denials_and_kill_switches_are_told() {
    let ada = person(1, "ada", vec![grant(11, "orders/picker"), grant(12, "orders/trainee")]);
    let state = snapshot(&ada);
    let told = explain(&state, &question("orders/order", "ship"));
    let effects: Vec<_> = told.ways.iter().map(|way| (way.effect, way.outcome)).collect();
    assert_eq!(effects, [("allow", Reason::Permitted), ("deny", Reason::DeniedByRule)]);
    assert_eq!((told.decision, told.reason), (false, Reason::DeniedByRule));
    let told = explain(&state, &question("bailiwick/requests", "ask"));
    assert_eq!((told.ways[0].by, told.ways[0].grant.as_ref()), ("birthright", None));
    let stopped = state.with_kill_switches(&[kill_switch("orders")]);
    let told = explain(&stopped, &question("orders/order", "read"));
    assert_eq!((told.reason, told.kill_switch), (Reason::KillSwitch, Some(id(1))));
}

#[test]
fn what_is_unknown_is_told_without_a_way() {
    let state = snapshot(&person(1, "ada", vec![]));
    let told = explain(&state, &Question { subject: "eve", ..question("orders/order", "read") });
    assert_eq!((told.reason, told.subject, told.ways.len()), (Reason::UnknownSubject, None, 0));
    let told = explain(&state, &question("orders/order", "burn"));
    assert_eq!((told.reason, told.permission), (Reason::UnknownAction, None));
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn an_explanation_never_differs_from_the_decision(world in world(), now in 0..4usize) {
        let Some(state) = compiled(&world) else { return Ok(()) };
        let now = instants()[now];
        for account in world.subjects.iter().map(|row| &row.account) {
            for (application, feature, action) in permissions() {
                let asked = Question {
                    subject: account.as_str(),
                    application: Some(application),
                    ..question(feature, action)
                };
                let decided = state.evaluate(now, Freshness::Fresh, &asked);
                let told = state.explain(now, Freshness::Fresh, &asked);
                prop_assert_eq!((told.decision, told.reason), (decided.permit(), decided.reason));
                let outcomes: Vec<Reason> = told.ways.iter().map(|way| way.outcome).collect();
                if decided.permit() {
                    prop_assert!(outcomes.contains(&Reason::Permitted));
                    prop_assert!(!outcomes.contains(&Reason::DeniedByRule));
                    let told: std::collections::BTreeSet<_> = told.ways.iter()
                        .filter(|way| way.outcome == Reason::Permitted)
                        .filter_map(|way| way.grant.clone())
                        .collect();
                    prop_assert_eq!(told, decided.grants().collect());
                }
                if decided.reason == Reason::DeniedByRule {
                    prop_assert!(outcomes.contains(&Reason::DeniedByRule));
                }
            }
        }
    }
}
