//! Who can what, why, and what would change: the calls and the pages.

use serde_json::json;

use crate::support::{House, shipped};

#[actix_web::test]
async fn who_can_and_who_said_so() {
    let house = House::new();
    let mut life = house.lived_in().await;
    let asked = json!({ "permission": "orders/order:update" });
    let found = life.staff.priya.browser.post("/api/v1/decisions/holders", asked).await.expect(200).json();
    let [one] = found["items"].as_array().expect("items").as_slice() else { panic!("{found}") };
    assert_eq!(one["account"]["username"], "ada");
    let way = &one["ways"][0];
    assert_eq!((&way["grant"], &way["roles"]), (&json!(life.grant), &json!(["orders/order-clerk"])));
    assert_eq!((&way["approvers"][0]["username"], &way["request"]), (&json!("mary"), &json!(life.request)));

    let account = one["account"]["id"].clone();
    let asked = json!({ "account": account, "limit": 2 });
    let held = life.staff.priya.browser.post("/api/v1/decisions/holdings", asked).await.expect(200).json();
    assert_eq!(held["items"].as_array().map(Vec::len), Some(2));
    let asked = json!({ "account": account, "limit": 200, "cursor": held["next"] });
    let rest = life.staff.priya.browser.post("/api/v1/decisions/holdings", asked).await.expect(200).json();
    let names: Vec<_> =
        rest["items"].as_array().expect("items").iter().map(|one| &one["permission"]).collect();
    assert!(names.contains(&&json!("orders/order:update")), "{rest}");

    let past = json!({ "permission": "orders/order:update", "at": "2026-11-22T00:00:00Z" });
    life.staff.priya.browser.post("/api/v1/decisions/holders", past).await.expect(422);
    for wrong in [
        json!({ "permission": "orders/order:fly" }),
        json!({ "permission": "" }),
        json!({ "permission": "orders/order:update", "at": "2036-01-01T00:00:00Z" }),
        json!({ "permission": "orders/order:update", "limit": 0 }),
    ] {
        life.staff.priya.browser.post("/api/v1/decisions/holders", wrong).await.expect(422);
    }
    let asked = json!({ "permission": "orders/order:update" });
    life.staff.ada.browser.post("/api/v1/decisions/holders", asked).await.expect(403);
}

#[actix_web::test]
async fn a_simulation_says_what_happens_and_does_nothing() {
    let house = House::new();
    let mut life = house.lived_in().await;
    let before = house.app.applied();
    let text = shipped("orders.toml")
        .text
        .replace("actions = [\"read\", \"update\"]", "actions = [\"read\", \"cancel\"]");
    let asked = json!({ "files": [{ "name": "orders.toml", "text": text }] });
    let found = life.staff.priya.browser.post("/api/v1/decisions/simulation", asked).await.expect(200).json();
    let all: Vec<_> = found["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|one| (one["account"]["username"].clone(), one["permission"].clone(), one["effect"].clone()))
        .collect();
    assert_eq!(
        all,
        [
            (json!("ada"), json!("orders/order:cancel"), json!("gains")),
            (json!("ada"), json!("orders/order:update"), json!("loses")),
        ]
    );
    let asked = json!({ "revoked": [life.grant], "given": [
        { "account": life.staff.mary.id(), "role": "orders/address-reader", "expires_at": house.in_days(20) },
    ] });
    let found = life.staff.priya.browser.post("/api/v1/decisions/simulation", asked).await.expect(200).json();
    let items = found["items"].as_array().expect("items");
    let gained = items.iter().find(|one| one["permission"] == "orders/buyer-address:read").expect("gained");
    assert_eq!((&gained["account"]["username"], &gained["effect"]), (&json!("mary"), &json!("gains")));
    assert!(
        gained["after"][0].as_str().is_some_and(|terms| terms.contains("purpose: one of shipping, returns"))
    );
    assert!(items.iter().any(|one| one["permission"] == "orders/order:read" && one["effect"] == "loses"));
    assert_eq!(house.app.applied(), before, "nothing is recorded");
    for wrong in [
        json!({}),
        json!({ "revoked": ["x"] }),
        json!({ "files": [{ "name": "a.toml", "text": "key = 1" }] }),
    ] {
        life.staff.priya.browser.post("/api/v1/decisions/simulation", wrong).await.expect(422);
    }
}

#[actix_web::test]
async fn the_pages_answer_and_put_faults_at_their_fields() {
    let house = House::new();
    let mut life = house.lived_in().await;
    let browser = &mut life.staff.priya.browser;
    let page = browser
        .submit("/decisions/who", &[("permission", "orders/order:update"), ("at", "")])
        .await
        .expect(200);
    assert!(page.body.contains("order-clerk") && page.body.contains("the request"), "{}", page.body);
    let page =
        browser.submit("/decisions/who", &[("permission", "orders/order:fly"), ("at", "")]).await.expect(200);
    assert!(page.body.contains("no catalogue had it then"));
    let page = browser
        .submit("/decisions/what", &[("username", "ada"), ("at", "2026-11-23T09:00")])
        .await
        .expect(200);
    assert!(page.body.contains("order:update"), "{}", page.body);
    let page =
        browser.submit("/decisions/what", &[("username", "nobody.here"), ("at", "soon")]).await.expect(200);
    assert!(page.body.contains("must be a day and a time of it"));
    let fields = [("username", "ada"), ("permission", "orders/buyer-address:read"), ("purpose", "shipping")];
    let page = browser.submit("/decisions/why", &fields).await;
    assert_eq!(page.status, 403, "explaining is the auditor's and the officer's");
}
