//! Networks, factors, devices, hours, makers, conditions in CEL, registered records, and what applications call their
//! subjects.

use serde_json::{Map, json};

use super::*;
use crate::access::catalogue::Allow;
use crate::decision::{Condition, Known};

/// A desk whose clerks may approve an order under these lines; `more` is of the application.
fn desk(more: &str, class: &str, lines: &str) -> PolicyRows {
    let text = format!(
        r#"
        key = "desk"
        owner = "grace"
        {more}
        [[feature]]
        key = "order"
        class = "{class}"
        actions = ["read", "approve", "GET"]
        [[role]]
        key = "clerk"
        access_role = {}
        [[role.allow]]
        feature = "order"
        actions = ["approve", "GET"]
        {lines}
        [[record]]
        feature = "order"
        id = "old"
        properties = {{ status = "archived", marketplace = "DE", tags = ["a"] }}
        [[record]]
        feature = "order"
        id = "new"
        [[record]]
        feature = "order"
        id = "trap"
        canary = true
        properties = {{ status = "archived" }}
        "#,
        class == "pii"
    );
    PolicyRows {
        networks: BTreeMap::from([("office".to_owned(), vec!["10.1.0.0/16".parse().unwrap()])]),
        zone: Some(chrono_tz::Europe::Berlin),
        ..PolicyRows::of_catalogues(vec![application(&text)], BTreeMap::new())
    }
}

/// The desk with ada, a clerk, and eve, who is nothing.
fn state(rows: &PolicyRows) -> Snapshot {
    let eve = person(2, "eve", vec![]);
    let ada = person(1, "ada", vec![grant(11, "desk/clerk")]);
    Snapshot::default().with_policy(rows).unwrap().with_subject(&ada).with_subject(&eve)
}

fn known(zone: Option<chrono_tz::Tz>) -> Known {
    let attributes: Map<String, Value> = [("desks".to_owned(), json!(["uk"]))].into_iter().collect();
    Known { username: "ada".into(), department: Some("Sales".into()), attributes, zone }
}

fn asked<'a>(context: &'a Value, properties: &'a Value) -> Question<'a> {
    Question { context: Some(context), properties: Some(properties), ..question("desk/order", "approve") }
}

/// The reason under these lines, for this context and these properties.
fn under(lines: &str, context: Value, properties: Value) -> Reason {
    let state = state(&desk("", "internal", lines)).with_known(&id(1), known(None));
    state.evaluate(noon(), Freshness::Fresh, &asked(&context, &properties)).reason
}

#[test]
fn the_end_user_must_be_in_a_network_and_the_question_say_so() {
    for (address, expected) in [
        (json!("10.1.2.3"), Reason::Permitted),
        (json!("::ffff:10.1.2.3"), Reason::Permitted),
        (json!("192.0.2.7"), Reason::Permitted),
        (json!("10.2.0.1"), Reason::Network),
        (json!("somewhere"), Reason::Network),
        (json!(["10.1.2.3"]), Reason::Network),
        (json!(null), Reason::Network),
    ] {
        let context = json!({ "source_ip": address });
        assert_eq!(
            under("networks = [\"office\", \"192.0.2.7\"]", context.clone(), json!({})),
            expected,
            "{context}"
        );
    }
    assert_eq!(
        under("networks = [\"office\"]", json!({}), json!({ "source_ip": "10.1.2.3" })),
        Reason::Network
    );
}

#[test]
fn factor_and_device_count_only_where_they_are_true() {
    for (name, reason) in [("mfa", Reason::Mfa), ("managed_device", Reason::ManagedDevice)] {
        let lines = format!("{name} = true");
        assert_eq!(under(&lines, json!({ name: true }), json!({})), Reason::Permitted);
        for other in [json!({ name: false }), json!({ name: "true" }), json!({ name: 1 }), json!({})] {
            assert_eq!(under(&lines, other.clone(), json!({})), reason, "{other}");
        }
    }
}

#[test]
fn hours_are_those_of_the_subject_else_of_the_organisation() {
    let rows = desk("", "internal", "hours = \"Mon-Fri 07:00-19:00\"");
    let state = state(&rows);
    assert!(state.reads_people());
    let (context, properties) = (json!({}), json!({}));
    let at = |state: &Snapshot, instant: &str| {
        state.evaluate(super::at(instant), Freshness::Fresh, &asked(&context, &properties)).reason
    };
    assert_eq!(at(&state, "2026-04-01T12:00:00Z"), Reason::Hours, "nothing is known of her");
    let berlin = state.clone().with_known(&id(1), known(None));
    let tokyo = state.with_known(&id(1), known(Some(chrono_tz::Asia::Tokyo)));
    // Wednesday 1 April 2026: Berlin is two hours ahead, Tokyo nine.
    for (instant, in_berlin, in_tokyo) in [
        ("2026-04-01T04:59:59.999999Z", false, true),
        ("2026-04-01T05:00:00Z", true, true),
        ("2026-04-01T09:59:59.999999Z", true, true),
        ("2026-04-01T10:00:00Z", true, false),
        ("2026-04-01T16:59:59.999999Z", true, false),
        ("2026-04-01T17:00:00Z", false, false),
    ] {
        let expected = |open| if open { Reason::Permitted } else { Reason::Hours };
        assert_eq!(at(&berlin, instant), expected(in_berlin), "Berlin {instant}");
        assert_eq!(at(&tokyo, instant), expected(in_tokyo), "Tokyo {instant}");
    }
}

#[test]
fn whoever_made_it_does_not_approve_it() {
    let account = id::<AccountId>(1).to_string();
    for (maker, expected) in [
        (json!("eve"), Reason::Permitted),
        (json!(" EVE "), Reason::Permitted),
        (json!("ada"), Reason::SamePerson),
        (json!("Ada"), Reason::SamePerson),
        (json!(account), Reason::SamePerson),
        (json!("somebody"), Reason::SamePerson),
        (json!(""), Reason::SamePerson),
        (json!(["eve"]), Reason::SamePerson),
        (json!(null), Reason::SamePerson),
    ] {
        let properties = json!({ "prepared_by": maker });
        assert_eq!(
            under("not_by = \"prepared_by\"", json!({}), properties.clone()),
            expected,
            "{properties}"
        );
    }
    assert_eq!(
        under("not_by = \"prepared_by\"", json!({ "prepared_by": "eve" }), json!({})),
        Reason::SamePerson
    );
}

#[test]
fn a_condition_sees_what_the_house_knows_and_what_the_caller_says() {
    let when = |text: &str| format!("when = '''{text}'''");
    for (text, expected) in [
        ("\"uk\" in subject.attributes.desks", Reason::Permitted),
        ("subject.username == \"ada\" && subject.department == \"Sales\"", Reason::Permitted),
        ("subject.id == \"00000000-0000-0000-0000-000000000001\"", Reason::Permitted),
        (
            "resource.type == \"order\" && resource.id == \"1\" && action.name == \"approve\"",
            Reason::Permitted,
        ),
        ("resource.properties.country != \"DE\" || \"eu\" in subject.attributes.desks", Reason::Permitted),
        ("context.amount < 10", Reason::Permitted),
        ("context.amount < 5", Reason::Condition),
        ("context.missing == 1", Reason::Condition),
        ("context.amount", Reason::Condition),
        ("context.amount / 0 == 1", Reason::Condition),
        ("size(subject.properties) == 0", Reason::Permitted),
    ] {
        let (context, properties) = (json!({ "amount": 7 }), json!({ "country": "UK" }));
        assert_eq!(under(&when(text), context, properties), expected, "{text}");
    }
    let rows = desk("", "internal", &when("subject.username == \"ada\""));
    let (context, properties) = (json!({}), json!({}));
    let unknown = state(&rows).evaluate(noon(), Freshness::Fresh, &asked(&context, &properties));
    assert_eq!(unknown.reason, Reason::Condition, "nothing is known of her");
    assert!(state(&rows).reads_people());
    assert!(!state(&desk("", "internal", &when("context.amount < 5"))).reads_people());
}

#[test]
fn properties_of_subject_and_action_come_from_the_caller() {
    let lines = "when = 'subject.properties.role == \"admin\" && action.properties.soft'";
    let state = state(&desk("", "internal", lines));
    let (admin, soft, hard) = (json!({ "role": "admin" }), json!({ "soft": true }), json!({ "soft": false }));
    let ask = |subject, action| {
        let question = Question {
            subject_properties: subject,
            action_properties: action,
            ..question("desk/order", "approve")
        };
        state.evaluate(noon(), Freshness::Fresh, &question).permit()
    };
    assert!(ask(Some(&admin), Some(&soft)));
    assert!(!ask(Some(&admin), Some(&hard)));
    assert!(!ask(Some(&admin), None) && !ask(None, Some(&soft)));
}

#[test]
fn of_personal_data_a_caller_says_only_what_it_may() {
    let lines = "when = 'resource.properties.country == \"UK\"'\nnetworks = [\"office\"]\nmfa = true";
    let context = json!({ "source_ip": "10.1.2.3", "mfa": true });
    let properties = json!({ "country": "UK" });
    let reason = |more: &str, asserts: Option<&[String]>| {
        let state = state(&desk(more, "pii", lines));
        let question = Question { asserts, ..asked(&context, &properties) };
        state.evaluate(noon(), Freshness::Fresh, &question).reason
    };
    assert_eq!(reason("", None), Reason::Network, "an address is not what every key may say");
    let named = |names: &[&str]| -> Vec<String> { names.iter().map(|name| (*name).to_owned()).collect() };
    assert_eq!(reason("", Some(&named(&["source_ip"]))), Reason::Mfa);
    assert_eq!(reason("", Some(&named(&["source_ip", "mfa"]))), Reason::Condition);
    assert_eq!(reason("", Some(&named(&["source_ip", "mfa", "country"]))), Reason::Permitted);
    assert_eq!(reason("asserts = [\"source_ip\", \"mfa\", \"country\"]", None), Reason::Permitted);
    // What a condition reads of the record is what its callers are there to say; subject and action are not.
    let record = "when = 'resource.properties.country == \"UK\"'";
    let subject = "when = 'subject.properties.country == \"UK\"'";
    for (lines, expected) in [(record, Reason::Permitted), (subject, Reason::Condition)] {
        let state = state(&desk("", "pii", lines));
        let question = Question { subject_properties: Some(&properties), ..asked(&context, &properties) };
        assert_eq!(state.evaluate(noon(), Freshness::Fresh, &question).reason, expected, "{lines}");
    }
}

#[test]
fn what_is_known_of_a_record_wins_over_what_is_said() {
    let rows = desk("", "internal", "when = 'resource.properties.status != \"archived\"'");
    let state = state(&rows);
    let (context, active, nothing) = (json!({}), json!({ "status": "active" }), json!({}));
    let reason = |record, properties| {
        let question = Question { resource: record, ..asked(&context, properties) };
        state.evaluate(noon(), Freshness::Fresh, &question).reason
    };
    assert_eq!(reason("old", &active), Reason::Condition, "it is archived, whoever says otherwise");
    assert_eq!(reason("trap", &active), Reason::Condition);
    assert_eq!(reason("new", &active), Reason::Permitted, "what is not registered is the caller's to say");
    assert_eq!(reason("new", &nothing), Reason::Condition);
    assert_eq!(reason("other", &active), Reason::Permitted);
    let listed = |properties| {
        let question = asked(&context, properties);
        state.search_resources(noon(), Freshness::Fresh, &question, None, 10).items
    };
    assert_eq!(listed(&active), ["new"], "each record is judged by what is known of it");
    assert!(listed(&nothing).is_empty());
    let archived = desk("", "internal", "when = 'resource.properties.status == \"archived\"'");
    let state = super::further::state(&archived);
    let question = asked(&context, &active);
    let items = state.search_resources(noon(), Freshness::Fresh, &question, None, 10).items;
    assert_eq!(items, ["old"], "and a trap is never listed");
}

#[test]
fn scopes_too_go_by_what_is_known_of_a_record() {
    let scope = Some(BTreeMap::from([("marketplace".to_owned(), vec!["DE".to_owned()])]));
    let ada = person(1, "ada", vec![GrantRow { scope, ..grant(11, "desk/clerk") }]);
    let state = Snapshot::default().with_policy(&desk("", "internal", "")).unwrap().with_subject(&ada);
    let (context, uk, de) = (json!({}), json!({ "marketplace": "UK" }), json!({ "marketplace": "DE" }));
    for (record, properties, expected) in
        [("old", &uk, Reason::Permitted), ("new", &uk, Reason::Scope), ("new", &de, Reason::Permitted)]
    {
        let question = Question { resource: record, ..asked(&context, properties) };
        assert_eq!(state.evaluate(noon(), Freshness::Fresh, &question).reason, expected, "{record}");
    }
}

#[test]
fn an_application_may_call_its_subjects_otherwise() {
    let types = "subject_types = [\"identity\", { type = \"robot\", stands_for = \"service\" }]";
    let mut robot = person(3, "arm-1", vec![grant(13, "desk/clerk")]);
    robot.kind = SubjectKind::Service;
    let state = state(&desk(types, "internal", "")).with_subject(&robot);
    for (subject, word, expected) in [
        ("ada", "user", true),
        ("ada", "identity", true),
        ("ada", "robot", false),
        ("ada", "service", false),
        ("ada", "person", false),
        ("ada", "", false),
        ("arm-1", "service", true),
        ("arm-1", "robot", true),
        ("arm-1", "identity", false),
    ] {
        let question = Question { subject, subject_type: word, ..question("desk/order", "GET") };
        assert_eq!(
            state.evaluate(noon(), Freshness::Fresh, &question).permit(),
            expected,
            "{subject} {word}"
        );
    }
    let question = Question { subject_type: "identity", ..question("desk/order", "GET") };
    let people = state.search_subjects(noon(), Freshness::Fresh, &question, None, 10).items;
    assert_eq!(people, [id::<AccountId>(1)], "the robot is none");
    let elsewhere = snapshot(&person(1, "ada", vec![grant(11, "orders/picker")]));
    let question = Question { subject_type: "identity", ..super::question("orders/order", "read") };
    assert_eq!(elsewhere.evaluate(noon(), Freshness::Fresh, &question).reason, Reason::UnknownSubject);
}

#[test]
fn an_explanation_shows_each_condition_and_nothing_that_is_sealed() {
    let lines = "networks = [\"office\"]\nmfa = true\nmanaged_device = true\nhours = \"Mon-Fri 07:00-19:00\"\n\
                 not_by = \"prepared_by\"\nwhen = 'resource.properties.amount < 10 && \"uk\" in subject.attributes.desks'";
    let state = state(&desk("", "internal", lines)).with_known(&id(1), known(None));
    let context = json!({ "source_ip": "10.2.0.1", "mfa": true });
    let properties = json!({ "prepared_by": "eve", "amount": 70, "secret": "not to be repeated" });
    let told = state.explain(noon(), Freshness::Fresh, &asked(&context, &properties));
    assert_eq!(told.reason, Reason::Network);
    let shown: Vec<_> = told.ways[0]
        .conditions
        .iter()
        .map(|Condition { condition, given, holds, .. }| (condition.as_str(), given.clone(), *holds))
        .collect();
    let expected = [
        ("networks", Some(json!("10.2.0.1")), false),
        ("mfa", Some(json!(true)), true),
        ("managed_device", None, false),
        ("hours", None, true),
        ("not_by.prepared_by", Some(json!("eve")), true),
        ("when", Some(json!({ "resource.properties.amount": 70 })), false),
    ];
    assert_eq!(shown, expected);
    let text = serde_json::to_string(&told).unwrap();
    assert!(!text.contains("not to be repeated") && !text.contains("Sales") && !text.contains("[\"uk\"]"));
    let nothing = json!({});
    let told = state.explain(noon(), Freshness::Fresh, &asked(&nothing, &nothing));
    assert_eq!(told.ways[0].conditions[5].because, Some("something it reads is missing"));
    assert_eq!(format!("{:?}", known(None)), "Known(..)");
}

#[test]
fn conditions_are_read_once_and_kept_for_the_next_policy() {
    let rows = desk("", "internal", "when = 'context.amount < 5'");
    let first = Snapshot::default().with_policy(&rows).unwrap();
    let second = first.clone().with_policy(&rows).unwrap();
    let of = |state: &Snapshot| std::sync::Arc::clone(&state.policy.expressions["context.amount < 5"]);
    assert!(std::sync::Arc::ptr_eq(&of(&first), &of(&second)));
    let other = second.with_policy(&desk("", "internal", "")).unwrap();
    assert!(other.policy.expressions.is_empty());
}

#[test]
fn a_row_without_conditions_asks_for_nothing_besides() {
    let plain = Allow { feature: "order".to_owned(), actions: vec!["read".to_owned()], ..Allow::default() };
    let mut rows = desk("", "internal", "mfa = true");
    rows.roles[0].role.allows.push(Allow { actions: vec!["approve".to_owned()], ..plain });
    let (context, properties) = (json!({}), json!({}));
    let answer = state(&rows).evaluate(noon(), Freshness::Fresh, &asked(&context, &properties));
    assert!(answer.permit(), "one of two rows that holds is enough");
}
