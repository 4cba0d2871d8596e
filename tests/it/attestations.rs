//! What a role requires: shown by somebody, seen by somebody else, and exact to the instant at which it ends.

use bailiwick::access::apply::{self, PolicyFile};
use bailiwick::governed::SOURCES;
use bailiwick::log::verify;
use chrono::Duration;
use serde_json::{Value, json};

use crate::support::{Browser, House, Staff, decision, id_of, may_read, shipped};

const TRAINING: &str = "training:data-protection";

/// The order desk's catalogue, whose addresses are read by people who were trained lately.
fn demanding(prerequisite: &str) -> PolicyFile {
    let orders = shipped("orders.toml");
    let (from, to) = (
        "key = \"address-reader\"\n",
        format!("key = \"address-reader\"\nrequires = [\"{prerequisite}\"]\n"),
    );
    assert!(orders.text.contains(from), "the role is there");
    PolicyFile { text: orders.text.replacen(from, &to, 1), ..orders }
}

/// Brings a file into force that one alone may not, as two would.
async fn force(house: &House, staff: &mut Staff, file: PolicyFile) {
    let id = house.propose(&file).await;
    staff.priya.browser.post(&format!("/api/v1/proposals/{id}/approval"), json!({})).await.expect(200);
}

fn asks() -> Value {
    json!({ "role": "orders/address-reader", "reason": "Packs the parcels", "duration": "60d" })
}

async fn kind(browser: &mut Browser, address: &str, body: Value, status: u16) -> String {
    let problem = browser.post(address, body).await.expect(status).json();
    problem["type"].as_str().expect("a type").trim_start_matches("/problems/").to_owned()
}

fn shown(account: &str) -> Value {
    json!({ "account": account, "kind": TRAINING, "evidence": "Certificate 4711" })
}

fn sound(house: &House) {
    let app = &house.app;
    let report = verify::all(app.database().location(), app.context(), SOURCES, None).expect("it is read");
    assert!(report.is_sound(), "{report}");
}

#[actix_web::test]
async fn a_role_waits_for_what_it_requires_and_stops_with_it_to_the_instant() {
    let house = House::new();
    let mut staff = house.staff().await;
    let mut desk = house.order_desk(&staff.grace.id()).await;
    force(&house, &mut staff, demanding("training:data-protection@1mo")).await;
    let ada = staff.ada.id().to_string();

    let refused = staff.ada.browser.post("/api/v1/requests", asks()).await.expect(409).json();
    assert_eq!(refused["type"], "/problems/prerequisite");
    let detail = refused["detail"].as_str().expect("why");
    assert!(detail.contains("training:data-protection, not older than 1 month"), "{detail}");

    let made = staff.priya.browser.post("/api/v1/attestations", shown(&ada)).await.expect(201).json();
    assert_eq!((&made["kind"], &made["ends_at"]), (&json!(TRAINING), &Value::Null));
    let request = id_of(&staff.ada.browser.post("/api/v1/requests", asks()).await.expect(201).json());
    let approval = format!("/api/v1/requests/{request}/approval");
    staff.mary.browser.post(&approval, json!({})).await.expect(200);
    let approved = staff.grace.browser.post(&approval, json!({})).await.expect(200).json();
    assert_eq!(approved["state"], "approved", "{approved}");
    assert!(decision(&mut desk, &may_read("ada", "buyer-address")).await);

    // One calendar month after Monday 23 November, 09:00, and not an instant earlier; no job has run.
    let end = bailiwick::clock::Timestamp::parse("2026-12-23T09:00:00Z").expect("an instant");
    house.advance(end.since(house.now()) - Duration::microseconds(1));
    let fresh = |day: &str| {
        let mut question = may_read("ada", "buyer-address");
        question["resource"]["properties"]["shipped_at"] = json!(day);
        question
    };
    assert!(decision(&mut desk, &fresh("2026-12-22")).await, "a microsecond before");
    house.advance(Duration::microseconds(1));
    assert!(!decision(&mut desk, &fresh("2026-12-22")).await, "at the instant");
    let caller = staff.grace.id();
    let officer = house
        .key("why", &caller, Some("orders"), &["bailiwick/evaluation:ask", "bailiwick/evaluation:explain"])
        .await;
    let mut why = house.browser().await.with_key(&officer.token);
    let mut question = fresh("2026-12-22");
    question["context"]["explain"] = json!(true);
    let told = why.post("/access/v1/evaluation", question).await.expect(200).body;
    assert!(told.contains("\"prerequisite\""), "{told}");

    // Shown again, it counts again from the next question on; ended early, it stops at once.
    house.back_again(&mut staff.priya).await;
    let again = staff.priya.browser.post("/api/v1/attestations", shown(&ada)).await.expect(201).json();
    assert!(decision(&mut desk, &fresh("2026-12-22")).await);
    let end = format!("/api/v1/attestations/{}/end", id_of(&again));
    staff.priya.browser.post(&end, json!({ "reason": "Somebody else’s certificate" })).await.expect(200);
    assert!(!decision(&mut desk, &fresh("2026-12-22")).await);
    house.back_again(&mut staff.ada).await;
    let page = staff.ada.browser.get("/").await.expect(200).body;
    assert!(page.contains("does not count: needs training:data-protection"), "{page}");
    sound(&house);
}

#[actix_web::test]
async fn what_a_catalogue_begins_to_require_holds_for_those_who_have_the_role() {
    let house = House::new();
    let mut staff = house.staff().await;
    let key = house.key("order-desk", &staff.grace.id(), Some("orders"), &["bailiwick/evaluation:ask"]).await;
    let mut desk = house.browser().await.with_key(&key.token);
    let question = may_read("ada", "buyer-address");
    house.give(&staff.ada.id(), "orders/address-reader", 30).await;
    assert!(decision(&mut desk, &question).await);
    force(&house, &mut staff, demanding("clearance")).await;
    assert!(!decision(&mut desk, &question).await);
    let again = house.started_again();
    again.heartbeat().expect("the node hears from the log");
    let mut other = Browser::open(again).await.with_key(&key.token);
    assert!(!decision(&mut other, &question).await, "a node that starts now says the same");
    force(&house, &mut staff, shipped("orders.toml")).await;
    assert!(decision(&mut desk, &question).await, "what is required no more holds nobody back");
}

#[actix_web::test]
async fn a_person_attests_for_others_only() {
    let house = House::new();
    let mut staff = house.staff().await;
    let (priya, ada) = (staff.priya.id().to_string(), staff.ada.id().to_string());
    let calls = "/api/v1/attestations";
    assert_eq!(kind(&mut staff.priya.browser, calls, shown(&priya), 403).await, "own-account");
    assert_eq!(kind(&mut staff.mary.browser, calls, shown(&ada), 403).await, "forbidden", "not by position");
    let broad = house.key("broad", &staff.grace.id(), None, &["bailiwick/*:*"]).await;
    let mut robot = house.browser().await.with_key(&broad.token);
    assert_eq!(kind(&mut robot, calls, shown(&ada), 403).await, "not-yours-to-decide");
    let own = house.key("own-robot", &staff.priya.id(), None, &["bailiwick/health:read"]).await;
    assert_eq!(kind(&mut staff.priya.browser, calls, shown(own.account.as_str()), 403).await, "own-account");
    let nobody = "0193a5f0-0000-7000-8000-000000000000";
    for (field, wrong) in [
        ("account", json!(nobody)),
        ("kind", json!("Training!")),
        ("kind", json!("a:b:c")),
        ("given_at", json!("2027-01-01T00:00:00Z")),
        ("ends_at", json!("2026-01-01T00:00:00Z")),
        ("evidence", json!("x")),
        ("evidence", json!("x".repeat(1_001))),
    ] {
        let mut body = shown(&ada);
        body[field] = wrong;
        let refused = staff.priya.browser.post(calls, body).await.expect(422).json();
        assert_eq!(refused["errors"][0]["field"], field, "{refused}");
    }
    staff.priya.browser.post(calls, shown(&ada)).await.expect(201);
    let of = format!("{calls}?account={ada}");
    for (reader, status) in [(&mut staff.ada, 200), (&mut staff.mary, 200), (&mut staff.tomasz, 422)] {
        reader.browser.get(&of).await.expect(status);
    }
    let mine = staff.ada.browser.get(calls).await.expect(200).json();
    assert_eq!(mine["items"][0]["evidence"], "Certificate 4711");

    // The form of the page.
    let page = format!("/people/{ada}/attestations");
    let fields = [
        ("kind", "clearance"),
        ("given_on", "2026-11-20"),
        ("last_day", "2026-11-30"),
        ("evidence", "Paper"),
    ];
    staff.priya.browser.submit(&page, &fields).await.expect(303);
    let wrong =
        staff.priya.browser.submit(&page, &[("kind", "Clear!"), ("evidence", "Paper")]).await.expect(422);
    assert!(wrong.body.contains("one or two keys"), "{}", wrong.body);
    staff.ada.browser.submit(&page, &fields).await.expect(403);
    let list = staff.ada.browser.get(calls).await.expect(200).json();
    let clearance = list["items"].as_array().into_iter().flatten().find(|one| one["kind"] == "clearance");
    assert_eq!(clearance.map(|one| &one["ends_at"]), Some(&json!("2026-12-01T00:00:00Z")), "{list}");
}

#[actix_web::test]
async fn a_review_does_not_keep_what_does_not_count() {
    let house = House::new();
    let mut staff = house.staff().await;
    house.give(&staff.ada.id(), "orders/address-reader", 30).await;
    force(&house, &mut staff, demanding("clearance")).await;
    let body = json!({ "name": "Readers", "scope": { "role": "orders/address-reader" }, "due_at": house.in_days(10) });
    let review = id_of(&staff.priya.browser.post("/api/v1/reviews", body).await.expect(201).json());
    let path = format!("/api/v1/reviews/{review}");
    let items = staff.mary.browser.get(&format!("{path}/items?reviewer=me")).await.expect(200).json();
    let item = id_of(&items["items"][0]);
    let keep = json!([{ "item": item, "decision": "keep", "reason": "Still packs" }]);
    staff.mary.browser.post(&format!("{path}/decisions"), keep).await.expect(200);
    let signed = staff.mary.browser.post(&format!("{path}/sign-off"), json!({})).await.expect(200).json();
    assert_eq!(signed["applied"], 0, "{signed}");
    assert!(signed["returned"].to_string().contains("clearance"), "it says what is missing: {signed}");
    let clear = json!({ "account": staff.ada.id(), "kind": "clearance", "evidence": "Seen on paper" });
    staff.priya.browser.post("/api/v1/attestations", clear).await.expect(201);
    let signed = staff.mary.browser.post(&format!("{path}/sign-off"), json!({})).await.expect(200).json();
    assert_eq!(signed["applied"], 1, "{signed}");
}

const RULES: &str = "[[at_most]]\nkey = \"two-of-the-desk\"\nroles = [\"orders/order-clerk\", \"warehouse/picker\", \
                     \"warehouse/dock-planner\"]\ncount = 2\nreason = \"Who does it all checks themselves.\"\n";

fn rules(text: &str) -> Vec<PolicyFile> {
    vec![PolicyFile { name: "sod.toml".to_owned(), text: text.to_owned() }]
}

#[actix_web::test]
async fn of_some_roles_nobody_holds_more_than_so_many() {
    let house = House::new();
    let mut staff = house.staff().await;
    let ben = house.person("ben", Some(&staff.mary.id())).await;
    for role in ["orders/order-clerk", "warehouse/picker", "warehouse/dock-planner"] {
        house.give(&ben, role, 30).await;
    }
    let applied = house.done(move |tx| apply::apply(tx, &rules(RULES))).await;
    assert!(applied.exclusions_changed);
    assert_eq!(applied.violations.len(), 1, "what is held already is said and stays: {applied:?}");
    assert_eq!((applied.violations[0].account.clone(), applied.violations[0].roles.len()), (ben, 3));
    let exported = house.app.read(bailiwick::access::export::export).await.expect("exported");
    let file = exported.into_iter().find(|file| file.name == "sod.toml").expect("the rules");
    let again = house.done(move |tx| apply::apply(tx, &[file])).await;
    assert!(!again.exclusions_changed, "exported without loss");

    let ada = staff.ada.id();
    house.give(&ada, "orders/order-clerk", 30).await;
    house.give(&ada, "warehouse/picker", 30).await;
    let third = json!({ "account": ada, "role": "warehouse/dock-planner", "reason": "Plans the dock", "duration": "20d" });
    for calls in ["/api/v1/requests", "/api/v1/grants"] {
        let refused = staff.priya.browser.post(calls, third.clone()).await;
        assert_eq!(refused.status, 409, "{calls}: {}", refused.body);
        assert_eq!(refused.json()["type"], "/problems/excluded-role");
        assert!(refused.body.contains("two-of-the-desk"), "{}", refused.body);
    }
    let wanted = json!({ "kind": "exclusion", "what": "two-of-the-desk", "account": ada, "reason": "A small night shift",
                         "control": "Mary counts the parcels", "ends_at": house.in_days(20) });
    let made = id_of(&staff.priya.browser.post("/api/v1/exceptions", wanted).await.expect(201).json());
    let second = house.member("second.administrator", &["bailiwick/administrator"]).await;
    let mut second = second.browser;
    second.post(&format!("/api/v1/exceptions/{made}/approval"), json!({})).await.expect(200);
    staff.priya.browser.post("/api/v1/grants", third).await.expect(201);
}

#[actix_web::test]
async fn lifting_a_rule_about_access_roles_needs_a_second_person() {
    let house = House::new();
    house.staff().await;
    let rule = "[[exclusion]]\nkey = \"reading-and-picking\"\nrole = \"orders/address-reader\"\n\
                with = [\"warehouse/picker\"]\nreason = \"Whoever packs reads no more than the label.\"\n";
    house.done(move |tx| apply::apply(tx, &rules(rule))).await;
    let lifted = house.write(move |tx| apply::apply(tx, &rules(RULES))).await;
    assert!(matches!(lifted, Err(bailiwick::error::Error::Conflict("second-person", _))), "{lifted:?}");
    house.propose(&rules(RULES)[0]).await;
    let both = format!("{rule}{RULES}");
    assert!(
        house.done(move |tx| apply::apply(tx, &rules(&both))).await.exclusions_changed,
        "more is no loosening"
    );
}
