//! The decision point over HTTPS, as AuthZEN 1.0 has it; keys; conditions on personal data.

use actix_web::test::TestRequest;
use bailiwick::access::grants::{self, NewGrant};
use bailiwick::access::keys;
use bailiwick::accounts;
use chrono::Duration;
use serde_json::{Value, json};

use crate::support::{Firm, House, decision, may, may_read, wanted};

const ONE: &str = "/access/v1/evaluation";
const MANY: &str = "/access/v1/evaluations";

#[actix_web::test]
async fn what_cannot_be_read_is_400_and_a_denial_is_200() {
    let house = House::new();
    let Firm { grace, .. } = house.firm().await;
    let mut desk = house.order_desk(&grace).await;
    let whole = may_read("nobody-here", "order");
    let denied = desk.post(ONE, whole.clone()).await.expect(200);
    assert_eq!(denied.body, r#"{"decision":false}"#);
    assert_eq!(denied.header("content-type"), "application/json");
    for part in ["subject", "action", "resource"] {
        let mut question = whole.clone();
        question.as_object_mut().expect("an object").remove(part);
        desk.post(ONE, question).await.expect(400);
    }
    for (kind, body) in [
        ("text/plain", whole.to_string()),
        ("application/json", "{".to_owned()),
        ("application/json", String::new()),
    ] {
        let request = TestRequest::post().uri(ONE).insert_header(("content-type", kind)).set_payload(body);
        desk.send(request).await.expect(400);
    }
    let request = TestRequest::post().uri(ONE).set_payload(whole.to_string());
    desk.send(request).await.expect(400);
    let typed = TestRequest::post()
        .uri(ONE)
        .insert_header(("content-type", "application/json; charset=utf-8"))
        .insert_header(("x-request-id", "abc-123"))
        .set_payload(whole.to_string());
    assert_eq!(desk.send(typed).await.expect(200).header("x-request-id"), "abc-123");
    let mut more = whole.clone();
    more["unknown"] = json!({ "deep": [1, 2, 3] });
    more["subject"]["more"] = json!(true);
    desk.post(ONE, more).await.expect(200);
}

#[actix_web::test]
async fn nobody_and_keys_without_the_permission_do_not_ask() {
    let house = House::new();
    let Firm { grace, .. } = house.firm().await;
    let question = may_read("ada", "order");
    let mut nobody = house.browser().await.from_origin(None);
    let reply = nobody.post(ONE, question.clone()).await.expect(401);
    assert!(reply.header("www-authenticate").starts_with("Bearer"));
    nobody.with_key("bwk_wrong").post(ONE, question.clone()).await.expect(401);
    let other = house.key("figures", &grace, Some("orders"), &["bailiwick/events:read"]).await;
    nobody.with_key(&other.token).post(ONE, question).await.expect(403);
    let metadata = nobody.get("/.well-known/authzen-configuration").await.expect(200).json();
    assert_eq!(metadata["policy_decision_point"], "https://localhost:8443");
    assert_eq!(metadata["access_evaluation_endpoint"], "https://localhost:8443/access/v1/evaluation");
}

#[actix_web::test]
async fn a_batch_has_defaults_order_and_short_circuits() {
    let house = House::new();
    let Firm { grace, ada, .. } = house.firm().await;
    let mut desk = house.order_desk(&grace).await;
    house.give(&ada, "orders/order-clerk", 30).await;
    let resource = |feature: &str| json!({ "resource": { "type": feature, "id": "1" } });
    let mut batch = json!({
        "subject": { "type": "user", "id": "ada" },
        "action": { "name": "read" },
        "evaluations": [resource("order"), resource("stock"), resource("refund"), {}],
    });
    let all = desk.post(MANY, batch.clone()).await.expect(200).json();
    let decisions = |answer: &Value| -> Vec<bool> {
        let list = answer["evaluations"].as_array().expect("a list");
        list.iter().map(|one| one["decision"].as_bool().expect("a decision")).collect()
    };
    assert_eq!(decisions(&all), [true, false, true, false]);
    assert_eq!(all["evaluations"][0], json!({ "decision": true }), "answers are bare");
    assert_eq!(all["evaluations"][3]["context"]["error"]["status"], 400, "an incomplete item says so");
    assert!(all.get("decision").is_none());
    for (semantic, expected) in [
        ("execute_all", vec![true, false, true, false]),
        ("deny_on_first_deny", vec![true, false]),
        ("permit_on_first_permit", vec![true]),
    ] {
        batch["options"] = json!({ "evaluations_semantic": semantic });
        assert_eq!(
            decisions(&desk.post(MANY, batch.clone()).await.expect(200).json()),
            expected,
            "{semantic}"
        );
    }
    batch["options"] = json!({ "evaluations_semantic": "sometimes" });
    desk.post(MANY, batch).await.expect(400);
    for mut single in [may_read("ada", "order"), may_read("ada", "stock")] {
        let expected = desk.post(ONE, single.clone()).await.expect(200).json();
        assert_eq!(desk.post(MANY, single.clone()).await.expect(200).json(), expected, "absent");
        single["evaluations"] = json!([]);
        assert_eq!(desk.post(MANY, single).await.expect(200).json(), expected, "empty");
    }
    desk.post(MANY, json!({ "evaluations": [] })).await.expect(400);
}

#[actix_web::test]
async fn personal_data_needs_purpose_age_and_an_access_role() {
    let house = House::new();
    let Firm { grace, ada, .. } = house.firm().await;
    let mut desk = house.order_desk(&grace).await;
    let scope = Some([("marketplace".to_owned(), vec!["UK".to_owned()])].into());
    let wanted = NewGrant { scope, ..wanted(&ada, "orders/address-reader", Some(house.in_days(30))) };
    house.done(move |tx| grants::grant(tx, &wanted)).await;
    let question = may_read("ada", "buyer-address");
    assert!(decision(&mut desk, &question).await);
    assert!(!decision(&mut desk, &may("ada", "buyer-address", "export")).await);
    let changed = |path: &str, value: Value| {
        let mut question = question.clone();
        *question.pointer_mut(path).expect("a place") = value;
        question
    };
    for (path, value, expected) in [
        ("/context/purpose", json!("curiosity"), false),
        ("/context/purpose", json!(["shipping"]), false),
        ("/resource/properties/shipped_at", json!(null), true),
        ("/resource/properties/shipped_at", json!("2026-10-23"), false),
        ("/resource/properties/shipped_at", json!("2026-10-24T09:00:00Z"), false),
        ("/resource/properties/shipped_at", json!("2026-10-24T09:00:01Z"), true),
        ("/resource/properties/marketplace", json!("DE"), false),
        ("/subject/type", json!("service"), false),
        ("/subject/id", json!(ada.as_str()), true),
        ("/resource/type", json!("warehouse/stock"), false),
    ] {
        assert_eq!(decision(&mut desk, &changed(path, value.clone())).await, expected, "{path} {value}");
    }
}

#[actix_web::test]
async fn reasons_are_for_those_who_may_have_them_and_ask() {
    let house = House::new();
    let Firm { grace, ada, .. } = house.firm().await;
    house.give(&ada, "orders/order-clerk", 30).await;
    let mut question = may_read("ada", "stock");
    question["context"]["explain"] = json!(true);
    let mut desk = house.order_desk(&grace).await;
    assert_eq!(desk.post(ONE, question.clone()).await.expect(200).body, r#"{"decision":false}"#);
    let allow = ["bailiwick/evaluation:ask", "bailiwick/evaluation:explain"];
    let explaining = house.key("explainer", &grace, Some("orders"), &allow).await;
    let mut explaining = house.browser().await.with_key(&explaining.token);
    let answer = explaining.post(ONE, question.clone()).await.expect(200).json();
    assert_eq!(answer["context"]["reason"], "unknown_feature");
    question["resource"]["type"] = json!("buyer-address");
    assert_eq!(
        explaining.post(ONE, question.clone()).await.json()["context"]["reason"],
        "no_grant",
        "allowed by name"
    );
    let everything = house.key("all-at-once", &grace, Some("orders"), &["bailiwick/*:*"]).await;
    let mut everything = house.browser().await.with_key(&everything.token);
    assert_eq!(
        everything.post(ONE, question.clone()).await.body,
        r#"{"decision":false}"#,
        "not about personal data"
    );
    question["resource"]["type"] = json!("order");
    let why = everything.post(ONE, question).await.json()["context"].clone();
    assert_eq!(why["reason"], "permitted");
    let way = &why["explanation"]["ways"][0];
    assert_eq!(
        (&way["roles"][0], &way["grant"], &way["effect"]),
        (&json!("orders/order-clerk"), &why["grants"][0], &json!("allow"))
    );
}

#[actix_web::test]
async fn an_explanation_shows_each_way_with_what_it_asks_for_and_was_given() {
    let house = House::new();
    let Firm { grace, ada, .. } = house.firm().await;
    house.give(&ada, "orders/address-reader", 30).await;
    let allow = ["bailiwick/evaluation:ask", "bailiwick/evaluation:explain"];
    let key = house.key("explainer", &grace, Some("orders"), &allow).await;
    let mut explaining = house.browser().await.with_key(&key.token);
    let mut question = may_read("ada", "buyer-address");
    question["context"] = json!({ "purpose": "marketing", "explain": true });
    let why = explaining.post(ONE, question).await.expect(200).json()["context"].clone();
    assert_eq!(
        (&why["reason"], &why["explanation"]["permission"]),
        (&json!("purpose"), &json!("orders/buyer-address:read"))
    );
    let way = &why["explanation"]["ways"][0];
    assert_eq!(way["outcome"], "purpose");
    let conditions = way["conditions"].as_array().expect("conditions");
    let purpose = conditions.iter().find(|one| one["condition"] == "purpose").expect("the purpose");
    assert_eq!((&purpose["given"], &purpose["holds"]), (&json!("marketing"), &json!(false)));
    assert!(way["bounds"]["expires_at"].is_string(), "{way}");
}

#[actix_web::test]
async fn a_key_ends_at_its_instant_and_at_its_revocation() {
    let house = House::new();
    let Firm { grace, .. } = house.firm().await;
    let issued = house.key("order-desk", &grace, Some("orders"), &["bailiwick/evaluation:ask"]).await;
    let mut desk = house.browser().await.with_key(&issued.token);
    let question = may_read("ada", "order");
    house.advance(Duration::days(90) - Duration::microseconds(1));
    desk.post(ONE, question.clone()).await.expect(200);
    house.advance(Duration::microseconds(1));
    desk.post(ONE, question.clone()).await.expect(401);
    let second = house.key("second-desk", &grace, Some("orders"), &["bailiwick/evaluation:ask"]).await;
    let mut desk = house.browser().await.with_key(&second.token);
    desk.post(ONE, question.clone()).await.expect(200);
    let key = second.key.clone();
    house.done(move |tx| keys::revoke(tx, &key, "direct")).await;
    desk.post(ONE, question.clone()).await.expect(401);
    let left =
        house.app.read(move |reader| grants::of_account(reader, &second.account)).await.expect("listed");
    assert_eq!(left, [], "its private roles ended with it");
    let third = house.key("third-desk", &grace, Some("orders"), &["bailiwick/evaluation:ask"]).await;
    let mut desk = house.browser().await.with_key(&third.token);
    house.done(move |tx| accounts::mark_left(tx, &third.account, "retired")).await;
    desk.post(ONE, question).await.expect(403);
}

#[actix_web::test]
async fn a_key_gets_no_personal_data_by_itself_and_stays_in_its_networks() {
    let house = House::new();
    let Firm { grace, .. } = house.firm().await;
    let allow = ["orders/buyer-address:read", "orders/order:read", "bailiwick/evaluation:ask"];
    let wanted = keys::NewKey {
        name: "label-printer".to_owned(),
        owner: grace,
        allow: allow.map(str::to_owned).to_vec(),
        application: Some("orders".to_owned()),
        expires_at: house.in_days(90),
        asserts: None,
        networks: vec!["10.1.0.0/16".parse().expect("a network")],
    };
    let issued = house.done(move |tx| keys::issue(tx, &wanted)).await;
    assert_eq!(issued.awaiting, ["orders/key-label-printer-pii"]);
    let browser = house.browser().await;
    browser.with_key(&issued.token).post(ONE, may_read("ada", "order")).await.expect(401);
    let mut inside = browser.with_key(&issued.token).from_address("10.1.2.3");
    let mut question = may_read("label-printer", "order");
    question["subject"]["type"] = json!("service");
    assert!(decision(&mut inside, &question).await);
    question["resource"]["type"] = json!("buyer-address");
    assert!(!decision(&mut inside, &question).await, "nobody has approved it");
}

#[actix_web::test]
async fn a_question_about_the_future_is_denied() {
    let house = House::new();
    let Firm { grace, ada, .. } = house.firm().await;
    let mut desk = house.order_desk(&grace).await;
    let mut question = may_read("ada", "order");
    let wanted = wanted(&ada, "orders/order-clerk", Some(house.in_days(30)));
    let revision = house.write(move |tx| grants::grant(tx, &wanted)).await.expect("granted").revision;
    question["context"]["min_revision"] = json!(revision);
    assert!(decision(&mut desk, &question).await);
    question["context"]["min_revision"] = json!(revision + 1);
    assert!(!decision(&mut desk, &question).await);
}
