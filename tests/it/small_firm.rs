//! A firm of three people who all administer: from the set-up link to a closed review, without a dead end and without
//! anybody silently approving their own access.

use bailiwick::access::apply::{self, PolicyFile};
use bailiwick::alarms::Rule;
use bailiwick::alarms::lists::{self, Narrowing};
use bailiwick::governed::SOURCES;
use bailiwick::log::verify;
use chrono::Duration;
use serde_json::{Value, json};

use crate::support::{Browser, House, Member, decision, id_of, may_read};

const ORDERS: &str = r#"
key = "orders"
name = "Order desk"
owner = "dmitri.voznesensky"
[[feature]]
key = "buyer-address"
class = "pii"
actions = ["read"]
[[feature]]
key = "buyer-phone"
class = "pii"
actions = ["read"]
[[role]]
key = "address-reader"
access_role = true
approval = ["manager", "owner"]
[[role.allow]]
feature = "buyer-address"
actions = ["read"]
[[role]]
key = "phone-reader"
access_role = true
approval = ["manager", "owner"]
[[role.allow]]
feature = "buyer-phone"
actions = ["read"]
"#;

const DMITRI: &str = "dmitri.voznesensky";

struct Three {
    house: House,
    dmitri: Member,
    ines: Member,
    niklas: Member,
    desk: Browser,
}

#[actix_web::test]
async fn a_firm_of_three_gets_from_the_set_up_link_to_a_closed_review() {
    let house = House::new();
    let dmitri = house.set_up().await;
    let file = PolicyFile { name: "orders.toml".to_owned(), text: ORDERS.to_owned() };
    house.done(move |tx| apply::apply(tx, &[file])).await;
    let desk = house.order_desk(&dmitri.id()).await;
    let (dmitri, desk) = alone_he_waits_a_day_for_objections(&house, dmitri, desk).await;
    let ines = house.member("ines.evans", &[]).await;
    let niklas = house.member("niklas.engstroem", &[]).await;
    let mut three = Three { house, dmitri, ines, niklas, desk };
    somebody_without_a_role_objects(&mut three).await;
    with_three_who_administer_somebody_else_decides(&mut three).await;
    two_roles_are_combined_by_an_exception(&mut three).await;
    a_review_closes(&mut three).await;
    let app = &three.house.app;
    let report = verify::all(app.database().location(), app.context(), SOURCES, None).expect("it is read");
    assert!(report.is_sound(), "{report}");
}

async fn asks(member: &mut Member, role: &str) -> String {
    let wanted = json!({ "role": role, "reason": "Packs the parcels", "duration": "60d" });
    id_of(&member.browser.post("/api/v1/requests", wanted).await.expect(201).json())
}

fn approval(request: &str) -> String {
    format!("/api/v1/requests/{request}/approval")
}

/// On the first day there is nobody but Dmitri: his word needs a proof and a reason, is seen by everybody and waits.
async fn alone_he_waits_a_day_for_objections(
    house: &House,
    mut dmitri: Member,
    mut desk: Browser,
) -> (Member, Browser) {
    let request = asks(&mut dmitri, "orders/address-reader").await;
    let approve = approval(&request);
    dmitri.browser.post(&approve, json!({})).await.expect(422);
    house.advance(Duration::minutes(14));
    dmitri.browser.get("/api/v1/me").await.expect(200);
    house.advance(Duration::minutes(2));
    let note = json!({ "note": "I pack alone until the others are here" });
    let stale = dmitri.browser.post(&approve, note.clone()).await.expect(403).json();
    assert_eq!(stale["type"], "/problems/proof-required");
    house.back_again(&mut dmitri).await;
    let decided = dmitri.browser.post(&approve, note.clone()).await.expect(200).json();
    assert_eq!((&decided["state"], &decided["grant"]), (&json!("pending"), &Value::Null));
    assert_eq!(dmitri.browser.post(&approve, note).await.expect(409).json()["type"], "/problems/objections");
    let page = dmitri.browser.get(&format!("/requests/{request}")).await.expect(200).body;
    assert!(page.contains("unless somebody objects"), "{page}");
    let own = dmitri.browser.get("/api/v1/own-decisions").await.expect(200).json()["items"][0].clone();
    let refused = format!("/api/v1/own-decisions/{}/objection", id_of(&own));
    dmitri.browser.post(&refused, json!({ "reason": "changed my mind" })).await.expect(403);

    let question = may_read(DMITRI, "buyer-address");
    house.advance(Duration::hours(24) - Duration::seconds(1));
    house.run_job("requests.lapse").await.expect("it ran");
    assert!(!decision(&mut desk, &question).await, "the day is not over");
    house.advance(Duration::seconds(1));
    house.run_job("requests.lapse").await.expect("it ran");
    assert!(decision(&mut desk, &question).await, "nobody objected");
    let narrowing = Narrowing { rule: Some(Rule::OwnDecision), ..Narrowing::default() };
    let alarms = house.app.read_now(|reader| lists::list(reader, &narrowing, None, 10)).expect("alarms").0;
    assert_eq!(alarms.len(), 1, "it was no secret");
    house.back_again(&mut dmitri).await;
    (dmitri, desk)
}

/// Inês has just begun and may decide nothing; she may object all the same, and that stops it.
async fn somebody_without_a_role_objects(three: &mut Three) {
    let Three { house, dmitri, ines, desk, .. } = three;
    let request = asks(dmitri, "orders/phone-reader").await;
    let note = json!({ "note": "Buyers call me back" });
    dmitri.browser.post(&approval(&request), note).await.expect(200);
    let page = ines.browser.get("/objections").await.expect(200).body;
    assert!(page.contains("Buyers call me back") && page.contains("1 open"), "{page}");
    let list = ines.browser.get("/api/v1/own-decisions").await.expect(200).json();
    let own = format!("/objections/{}", id_of(&list["items"][0]));
    ines.browser.submit(&own, &[("reason", "")]).await.expect(422);
    ines.browser.submit(&own, &[("reason", "The phone is mine to answer")]).await.expect(303);
    ines.browser.submit(&own, &[("reason", "Once more")]).await.expect(422);
    house.advance(Duration::hours(25));
    house.run_job("requests.lapse").await.expect("it ran");
    assert!(!decision(desk, &may_read(DMITRI, "buyer-phone")).await, "an objection stops it for good");
    house.back_again(dmitri).await;
    let withdrawal = format!("/api/v1/requests/{request}/withdrawal");
    dmitri.browser.post(&withdrawal, json!({})).await.expect(200);
}

/// Once three administer, nobody decides about themselves any more.
async fn with_three_who_administer_somebody_else_decides(three: &mut Three) {
    let Three { house, dmitri, ines, niklas, desk } = three;
    for person in [ines.id(), niklas.id()] {
        let role = json!({ "account": person, "role": "bailiwick/administrator", "reason": "We are three",
                           "expires_at": house.in_days(300) });
        dmitri.browser.post("/api/v1/grants", role).await.expect(201);
    }
    let request = asks(dmitri, "orders/phone-reader").await;
    let note = json!({ "note": "Buyers call me back" });
    let own = dmitri.browser.post(&approval(&request), note.clone()).await.expect(403).json();
    assert_eq!(own["type"], "/problems/self-approval");
    house.back_again(ines).await;
    assert!(!decision(desk, &may_read(DMITRI, "buyer-phone")).await);
    let approved = ines.browser.post(&approval(&request), note).await.expect(200).json();
    assert_eq!(approved["state"], "approved");
    assert!(decision(desk, &may_read(DMITRI, "buyer-phone")).await);
}

/// Inês watches and gives access, which exclude each other: an exception that Niklas approves lets her.
async fn two_roles_are_combined_by_an_exception(three: &mut Three) {
    let Three { house, dmitri, ines, niklas, .. } = three;
    let combined = ines.id();
    let give = |role: &str| json!({ "account": combined, "role": role, "reason": "We are three", "expires_at": house.in_days(90) });
    dmitri.browser.post("/api/v1/grants", give("bailiwick/security-officer")).await.expect(201);
    let refused =
        dmitri.browser.post("/api/v1/grants", give("bailiwick/access-admin")).await.expect(409).json();
    assert_eq!(refused["type"], "/problems/excluded-role");
    assert!(refused["detail"].as_str().expect("why").contains("giving-and-watching"), "{refused}");
    let wanted = json!({ "kind": "exclusion", "what": "giving-and-watching", "account": ines.id(),
                         "reason": "We are three", "control": "Niklas reads the log each Monday",
                         "ends_at": house.in_days(60) });
    let made = id_of(&dmitri.browser.post("/api/v1/exceptions", wanted).await.expect(201).json());
    let approve = format!("/api/v1/exceptions/{made}/approval");
    for own in [&mut *ines, &mut *dmitri] {
        let refused = own.browser.post(&approve, json!({})).await.expect(403).json();
        assert_eq!(refused["type"], "/problems/self-approval");
    }
    dmitri.browser.post("/api/v1/grants", give("bailiwick/access-admin")).await.expect(409);
    house.back_again(niklas).await;
    assert_eq!(niklas.browser.post(&approve, json!({})).await.expect(200).json()["state"], "approved");
    dmitri.browser.post("/api/v1/grants", give("bailiwick/access-admin")).await.expect(201);
}

/// Each item is decided by somebody else than whom it is about, and the review closes by itself.
async fn a_review_closes(three: &mut Three) {
    let Three { house, dmitri, ines, niklas, .. } = three;
    let body = json!({ "name": "Everything", "scope": {}, "due_at": house.in_days(10) });
    let review = id_of(&dmitri.browser.post("/api/v1/reviews", body).await.expect(201).json());
    let mut decided = 0;
    for reviewer in [dmitri, ines, niklas] {
        let mine = format!("/api/v1/reviews/{review}/items?reviewer=me&limit=200");
        let items = reviewer.browser.get(&mine).await.expect(200).json()["items"].clone();
        let items = items.as_array().expect("a list").clone();
        assert!(items.iter().all(|item| item["account"]["id"] != reviewer.id().as_str()), "{items:?}");
        let keep = |item: &Value| json!({ "item": id_of(item), "decision": "keep", "reason": "Still packs" });
        let answers: Vec<Value> = items.iter().map(keep).collect();
        decided += answers.len();
        if answers.is_empty() {
            continue;
        }
        let path = format!("/api/v1/reviews/{review}");
        reviewer.browser.post(&format!("{path}/decisions"), json!(answers)).await.expect(200);
        reviewer.browser.post(&format!("{path}/sign-off"), json!({})).await.expect(200);
    }
    assert!(decided >= 8, "{decided}");
    house.run_job("reviews.tend").await.expect("it ran");
    let app = &house.app;
    let id = bailiwick::ids::CampaignId::parse(&review).expect("its id");
    let state = app
        .read_now(|reader| bailiwick::reviews::lists::campaigns(reader, None, 10))
        .expect("the reviews")
        .0
        .into_iter()
        .find(|campaign| campaign.id == id)
        .expect("the review")
        .state;
    assert_eq!(state, bailiwick::reviews::CampaignState::Closed);
}
