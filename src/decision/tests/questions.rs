//! Single questions: each reason for an answer, each bound, each condition.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::decision::rows::PinRow;
use crate::decision::{FLOOR, Index};

#[test]
fn an_index_that_knows_nothing_denies() {
    let index = Index::default();
    let answer = index.evaluate(noon(), Freshness::Fresh, &question("orders/order", "read"));
    assert_eq!(answer.reason, Reason::UnknownSubject);
    assert!(!answer.permit());
}

#[test]
fn a_grant_permits_by_every_name_and_is_named_as_what_gave_it() {
    let state = snapshot(&person(1, "ada", vec![grant(11, "orders/picker"), grant(12, "orders/lead")]));
    let answer = ask(&state, "orders/order", "ship");
    assert!(answer.permit());
    assert_eq!(answer.grants().collect::<Vec<_>>(), [id::<GrantId>(11), id::<GrantId>(12)]);
    assert_eq!(answer.account(), Some(id(1)));
    assert_eq!(answer.revision, 7);
    let by_id = id::<AccountId>(1);
    let by_id = Question { subject: by_id.as_str(), ..question("orders/order", "ship") };
    assert!(state.evaluate(noon(), Freshness::Fresh, &by_id).permit());
}

#[test]
fn more_grants_than_fit_into_a_word_are_all_named() {
    let grants: Vec<GrantRow> = (0..130).map(|number| grant(100 + number, "orders/picker")).collect();
    let ids: Vec<GrantId> = grants.iter().map(|grant| grant.id.clone()).collect();
    let state = snapshot(&person(1, "ada", grants));
    assert_eq!(ask(&state, "orders/order", "read").grants().collect::<Vec<_>>(), ids);
}

#[test]
fn the_resource_type_may_name_the_application_but_not_another_than_the_callers() {
    let state = snapshot(&person(1, "ada", vec![grant(11, "orders/picker")]));
    let decide = |application, resource_type| {
        let question = Question { application, ..question(resource_type, "read") };
        state.evaluate(noon(), Freshness::Fresh, &question).reason
    };
    assert_eq!(decide(Some("orders"), "order"), Reason::Permitted);
    assert_eq!(decide(Some("orders"), "orders/order"), Reason::Permitted);
    assert_eq!(decide(Some("bailiwick"), "orders/order"), Reason::UnknownFeature);
    assert_eq!(decide(None, "order"), Reason::UnknownFeature);
}

#[test]
fn what_is_not_there_is_denied_and_named() {
    let state = snapshot(&person(1, "ada", vec![grant(11, "orders/picker")]));
    assert_eq!(reason(&state, "orders/nothing", "read"), Reason::UnknownFeature);
    assert_eq!(reason(&state, "nothing/order", "read"), Reason::UnknownFeature);
    assert_eq!(reason(&state, "orders/order", "burn"), Reason::UnknownAction);
    assert_eq!(reason(&state, "orders/buyer-address", "read"), Reason::NoGrant);
    for subject in ["", "DEFAULT", "grace"] {
        let question = Question { subject, ..question("orders/order", "read") };
        assert_eq!(state.evaluate(noon(), Freshness::Fresh, &question).reason, Reason::UnknownSubject);
    }
    let service = Question { subject_type: "service", ..question("orders/order", "read") };
    assert_eq!(state.evaluate(noon(), Freshness::Fresh, &service).reason, Reason::UnknownSubject);
}

#[test]
fn nobody_answers_to_an_empty_or_reserved_name() {
    let mut nameless = person(1, "ada", vec![grant(11, "orders/picker")]);
    nameless.names = vec![String::new(), "DEFAULT".to_owned(), "x".repeat(513)];
    let state = snapshot(&nameless);
    for subject in &nameless.names {
        let question = Question { subject, ..question("orders/order", "read") };
        assert_eq!(state.evaluate(noon(), Freshness::Fresh, &question).reason, Reason::UnknownSubject);
    }
}

#[test]
fn a_name_of_two_subjects_is_nobodys_until_one_of_them_loses_it() {
    let first = person(1, "ada", vec![grant(11, "orders/picker")]);
    let second = person(2, "ada", vec![]);
    for (one, other) in [(&first, &second), (&second, &first)] {
        let state = snapshot(one).with_subject(other);
        assert_eq!(reason(&state, "orders/order", "read"), Reason::AmbiguousSubject);
        let state = state.with_subject(&person(2, "eve", vec![]));
        assert_eq!(reason(&state, "orders/order", "read"), Reason::Permitted);
    }
}

#[test]
fn bounds_are_exact_to_the_microsecond() {
    let mut row = grant(11, "orders/picker");
    row.valid_from = noon();
    row.expires_at = Some(noon_and(10));
    let mut subject = person(1, "ada", vec![row]);
    let judge = |subject: &SubjectRow, micros| {
        let state = snapshot(subject);
        state.evaluate(noon_and(micros), Freshness::Fresh, &question("orders/order", "read")).reason
    };
    let expected =
        [(-1, Reason::NotYet), (0, Reason::Permitted), (9, Reason::Permitted), (10, Reason::Expired)];
    for (micros, reason) in expected {
        assert_eq!(judge(&subject, micros), reason, "grant at {micros}");
    }
    subject.grants = vec![grant(11, "orders/picker")];
    subject.valid_from = Some(noon());
    subject.valid_until = Some(noon_and(10));
    for state in [SubjectState::Active, SubjectState::Invited] {
        subject.state = state;
        let expected =
            [(-1, Reason::NotYet), (0, Reason::Permitted), (9, Reason::Permitted), (10, Reason::Left)];
        for (micros, reason) in expected {
            assert_eq!(judge(&subject, micros), reason, "{state:?} at {micros}");
        }
    }
}

#[test]
fn who_rests_or_is_gone_may_nothing() {
    let mut subject = person(1, "ada", vec![grant(11, "orders/picker")]);
    let states = [
        (SubjectState::Suspended { until: None }, Reason::Suspended),
        (SubjectState::Suspended { until: Some(noon_and(1)) }, Reason::Suspended),
        (SubjectState::Suspended { until: Some(noon()) }, Reason::Permitted),
        (SubjectState::Left, Reason::Left),
        (SubjectState::Erased, Reason::Left),
    ];
    for (state, expected) in states {
        subject.state = state;
        assert_eq!(reason(&snapshot(&subject), "orders/order", "read"), expected, "{state:?}");
    }
}

#[test]
fn grants_that_rest_or_are_over_give_nothing() {
    for (state, expected) in
        [(GrantState::Suspended, Reason::Suspended), (GrantState::Ended, Reason::NoGrant)]
    {
        let row = GrantRow { state, ..grant(11, "orders/picker") };
        assert_eq!(reason(&snapshot(&person(1, "ada", vec![row])), "orders/order", "read"), expected);
    }
    let nowhere = person(1, "ada", vec![grant(11, "orders/retired"), grant(12, "warehouse/picker")]);
    assert_eq!(reason(&snapshot(&nowhere), "orders/order", "read"), Reason::NoGrant);
}

#[test]
fn a_denial_overrides_unless_its_grant_does_not_count() {
    let mut rows = vec![grant(11, "orders/picker"), grant(12, "orders/trainee")];
    let state = snapshot(&person(1, "ada", rows.clone()));
    let answer = ask(&state, "orders/order", "ship");
    assert_eq!(answer.reason, Reason::DeniedByRule);
    assert_eq!(answer.grants().count(), 0);
    assert!(ask(&state, "orders/order", "read").permit());
    rows[1].expires_at = Some(noon());
    assert_eq!(reason(&snapshot(&person(1, "ada", rows)), "orders/order", "ship"), Reason::Permitted);
}

#[test]
fn birthright_and_position_give_roles_to_persons_who_may_act() {
    let mut subject = person(1, "ada", vec![]);
    let answer = ask(&snapshot(&subject), "bailiwick/requests", "ask");
    assert!(answer.permit());
    assert_eq!(answer.grants().count(), 0);
    assert_eq!(reason(&snapshot(&subject), "bailiwick/requests", "decide"), Reason::NoGrant);
    subject.is_manager = true;
    assert_eq!(reason(&snapshot(&subject), "bailiwick/requests", "decide"), Reason::Permitted);
    assert_eq!(reason(&snapshot(&subject), "bailiwick/apps", "read"), Reason::NoGrant);
    subject.is_owner = true;
    assert_eq!(reason(&snapshot(&subject), "bailiwick/apps", "read"), Reason::Permitted);
    subject.state = SubjectState::Left;
    assert_eq!(reason(&snapshot(&subject), "bailiwick/requests", "ask"), Reason::Left);
    subject.state = SubjectState::Active;
    subject.kind = SubjectKind::Service;
    let state = snapshot(&subject);
    for (feature, action) in [("bailiwick/requests", "ask"), ("bailiwick/requests", "decide")] {
        let question = Question { subject_type: "service", ..question(feature, action) };
        assert_eq!(state.evaluate(noon(), Freshness::Fresh, &question).reason, Reason::NoGrant);
    }
}

#[test]
fn an_access_role_presumes_a_strong_factor() {
    let mut subject = person(1, "ada", vec![grant(11, "orders/address-reader")]);
    let (properties, context) = (json!({ "shipped_at": null }), json!({ "purpose": "shipping" }));
    assert_eq!(about_address(&snapshot(&subject), &properties, &context), Reason::Permitted);
    subject.strong_factor = false;
    assert_eq!(about_address(&snapshot(&subject), &properties, &context), Reason::NoStrongFactor);
}

#[test]
fn the_purpose_must_be_one_of_those_named() {
    let state = snapshot(&person(1, "ada", vec![grant(11, "orders/address-reader")]));
    let properties = json!({ "shipped_at": null });
    let expected = [
        (json!({ "purpose": "shipping" }), Reason::Permitted),
        (json!({ "purpose": "returns" }), Reason::Permitted),
        (json!({ "purpose": "marketing" }), Reason::Purpose),
        (json!({ "purpose": ["shipping"] }), Reason::Purpose),
        (json!({}), Reason::Purpose),
        (json!("shipping"), Reason::Purpose),
    ];
    for (context, reason) in expected {
        assert_eq!(about_address(&state, &properties, &context), reason, "{context}");
    }
}

#[test]
fn a_record_grows_too_old_at_the_instant() {
    let state = snapshot(&person(1, "ada", vec![grant(11, "orders/address-reader")]));
    let context = json!({ "purpose": "shipping" });
    // Thirty days before noon, and around it.
    let expected = [
        (json!({ "shipped_at": null }), Reason::Permitted),
        (json!({ "shipped_at": "2026-03-02T12:00:00.000001Z" }), Reason::Permitted),
        (json!({ "shipped_at": "2026-03-02T14:00:00.000001+02:00" }), Reason::Permitted),
        (json!({ "shipped_at": "2026-03-02T12:00:00Z" }), Reason::Retention),
        (json!({ "shipped_at": "2026-03-03" }), Reason::Permitted),
        (json!({ "shipped_at": "2026-03-02" }), Reason::Retention),
        (json!({ "shipped_at": "yesterday" }), Reason::Retention),
        (json!({ "shipped_at": 1_770_000_000 }), Reason::Retention),
        (json!({}), Reason::Retention),
    ];
    for (properties, reason) in expected {
        assert_eq!(about_address(&state, &properties, &context), reason, "{properties}");
    }
}

#[test]
fn a_scope_limits_the_grant_and_what_is_not_said_is_outside() {
    let scope = BTreeMap::from([("marketplace".to_owned(), vec!["UK".to_owned(), "DE".to_owned()])]);
    let row = GrantRow { scope: Some(scope), ..grant(11, "orders/address-reader") };
    let state = snapshot(&person(1, "ada", vec![row.clone()]));
    let context = json!({ "purpose": "shipping" });
    let expected = [
        (json!({ "shipped_at": null, "marketplace": "UK" }), Reason::Permitted),
        (json!({ "shipped_at": null, "marketplace": "DE" }), Reason::Permitted),
        (json!({ "shipped_at": null, "marketplace": "FR" }), Reason::Scope),
        (json!({ "shipped_at": null, "marketplace": ["UK"] }), Reason::Scope),
        (json!({ "shipped_at": null }), Reason::Scope),
    ];
    for (properties, reason) in &expected {
        assert_eq!(about_address(&state, properties, &context), *reason, "{properties}");
    }
    // A second grant without that limit permits, and it alone counts as used.
    let state = snapshot(&person(1, "ada", vec![row, grant(12, "orders/address-reader")]));
    let (properties, _) = &expected[2];
    let question = Question {
        properties: Some(properties),
        context: Some(&context),
        ..question("orders/buyer-address", "read")
    };
    let answer = state.evaluate(noon(), Freshness::Fresh, &question);
    assert!(answer.permit());
    assert_eq!(answer.grants().collect::<Vec<_>>(), [id::<GrantId>(12)]);
}

#[test]
fn a_caller_asserts_only_what_its_key_lists() {
    let state = snapshot(&person(1, "ada", vec![grant(11, "orders/address-reader")]));
    let (properties, context) = (json!({ "shipped_at": null }), json!({ "purpose": "shipping" }));
    let decide = |asserts: &[&str]| {
        let asserts: Vec<String> = asserts.iter().map(|&name| name.to_owned()).collect();
        let question = Question {
            properties: Some(&properties),
            context: Some(&context),
            asserts: Some(&asserts),
            ..question("orders/buyer-address", "read")
        };
        state.evaluate(noon(), Freshness::Fresh, &question).reason
    };
    assert_eq!(decide(&["purpose", "shipped_at"]), Reason::Permitted);
    assert_eq!(decide(&["shipped_at"]), Reason::Purpose);
    assert_eq!(decide(&["purpose"]), Reason::Retention);
}

#[test]
fn a_kill_switch_stops_what_it_names_but_never_the_floor() {
    let subject = person(1, "ada", vec![grant(11, "orders/picker")]);
    let account = id::<AccountId>(1).to_string();
    let stopped = |target: &str, resource_type: &str, action: &str| {
        let state = snapshot(&subject).with_kill_switches(&[kill_switch(target)]);
        reason(&state, resource_type, action) == Reason::KillSwitch
    };
    for target in ["*", "orders", "orders/order", account.as_str()] {
        assert!(stopped(target, "orders/order", "read"), "{target}");
        assert!(!stopped(target, "bailiwick/sign-in", "use"), "{target}");
    }
    for target in ["warehouse", "orders/listing", "00000000-0000-0000-0000-000000000002"] {
        assert!(!stopped(target, "orders/order", "read"), "{target}");
    }
    assert!(stopped("bailiwick", "bailiwick/requests", "ask"));
    assert!(!stopped("bailiwick/sign-in", "bailiwick/sign-in", "use"));
    let lifted = snapshot(&subject).with_kill_switches(&[kill_switch("*")]).with_kill_switches(&[]);
    assert_eq!(reason(&lifted, "orders/order", "read"), Reason::Permitted);
}

#[test]
fn a_node_that_is_not_fresh_permits_less() {
    let state = snapshot(&person(1, "ada", vec![grant(11, "orders/picker")]));
    let decide = |freshness, resource_type, action| {
        state.evaluate(noon(), freshness, &question(resource_type, action)).reason
    };
    let expected = [
        (Freshness::Fresh, "orders/listing", "read", Reason::Permitted),
        (Freshness::Stale, "orders/order", "read", Reason::Permitted),
        (Freshness::Stale, "orders/listing", "read", Reason::Stale),
        (Freshness::Stale, "orders/buyer-address", "read", Reason::Stale),
        (Freshness::Floor, "orders/order", "read", Reason::Stale),
        (Freshness::Floor, "bailiwick/requests", "ask", Reason::Stale),
        (Freshness::Floor, "bailiwick/sign-in", "use", Reason::Permitted),
    ];
    for (freshness, resource_type, action, reason) in expected {
        assert_eq!(decide(freshness, resource_type, action), reason, "{freshness:?} {resource_type}");
    }
}

#[test]
fn a_pin_denies_until_it_is_cleared() {
    let state = snapshot(&person(1, "ada", vec![grant(11, "orders/picker")]));
    let pin = |permission: Option<&str>| PinRow { account: id(1), permission: permission.map(str::to_owned) };
    let pinned = state.clone().with_pins(&[pin(Some("orders/order:read"))]);
    assert_eq!(reason(&pinned, "orders/order", "read"), Reason::Referee);
    assert_eq!(reason(&pinned, "orders/order", "ship"), Reason::Permitted);
    let pinned = state.clone().with_pins(&[pin(None)]);
    assert_eq!(reason(&pinned, "orders/order", "ship"), Reason::Referee);
    assert_eq!(reason(&pinned.with_pins(&[]), "orders/order", "read"), Reason::Permitted);
}

#[test]
fn a_decision_that_could_not_be_recorded_is_a_denial() {
    let state = snapshot(&person(1, "ada", vec![grant(11, "orders/picker")]));
    let answer = ask(&state, "orders/order", "read").not_recorded();
    assert_eq!((answer.permit(), answer.reason), (false, Reason::Recorder));
    assert_eq!(answer.grants().count(), 0);
}

#[test]
fn the_floor_is_part_of_the_shipped_catalogue() {
    let own = application(include_str!("../../../policies/apps/bailiwick.toml"));
    for feature in FLOOR {
        assert!(own.feature(feature).is_some(), "{feature}");
    }
}
