//! Handing a way in over: whom it takes two people for, for how long, who reads why, and what a pass is worth.

use bailiwick::accounts::{self, Changes};
use bailiwick::ids::AccountId;
use bailiwick::signin::handing_over::{self, Handed, What};
use chrono::Duration;
use serde_json::json;

use crate::coming_back::{WORDS, agree, firm, hand, pass_on, submit};
use crate::mail::house_with;
use crate::support::smtp::{MailServer, Offers};
use crate::support::{House, PASSWORD, person};

async fn below(house: &House, account: &AccountId, manager: &AccountId) {
    let (account, manager) = (account.clone(), manager.clone());
    let changes = Changes { manager: Some(Some(manager)), ..Changes::default() };
    house.done(move |tx| accounts::change(tx, &account, &changes)).await;
}

#[actix_web::test]
async fn managers_and_owners_take_a_second_person_without_holding_any_role() {
    let house = House::new();
    let (mut staff, mut desk, _) = firm(&house).await;
    // Mary has people below her, Tomasz owns an application; neither holds a role.
    for (member, is) in [(&mut staff.mary, "a manager"), (&mut staff.tomasz, "an owner")] {
        let id = member.id().to_string();
        hand(&mut desk.browser, &id, "factor").await.expect(303);
        member.browser.get("/api/v1/me").await.expect(200);
        assert_eq!(
            agree(&mut desk.browser, &id).await.status,
            422,
            "{is}: nobody agrees to their own asking"
        );
    }
}

#[actix_web::test]
async fn a_second_thing_within_thirty_days_takes_a_second_person() {
    let house = House::new();
    let (_, desk, other) = firm(&house).await;
    let ben = house.member("ben", &[]).await.id();
    let gives = async |by: &AccountId| {
        let (caller, ben) = (person(&house, by), ben.clone());
        let given = house
            .app
            .write(&caller, move |tx| handing_over::ask(tx, &ben, What::Password, WORDS, false))
            .await
            .expect("it is asked")
            .value;
        matches!(given, Handed::Given(..))
    };
    assert!(gives(&desk.id()).await);
    assert!(!gives(&other.id()).await, "whoever asks for the second");
    house.advance(Duration::days(30) - Duration::seconds(1));
    assert!(!gives(&desk.id()).await, "what only waited is no second thing, and the first still counts");
    house.advance(Duration::seconds(1));
    assert!(gives(&desk.id()).await);
}

#[actix_web::test]
async fn the_button_that_invites_again_leads_nobody_into_an_account_that_matters() {
    let house = House::new();
    let (staff, mut desk, _) = firm(&house).await;
    let (plain, _) = house.invite("new.picker", &[]).await;
    let (manager, _) = house.invite("new.manager", &[]).await;
    let (reader, _) = house.invite("new.reader", &[]).await;
    below(&house, &staff.ada.id(), &manager).await;
    house.give(&reader, "orders/address-reader", 30).await;
    let page = desk.browser.submit(&format!("/people/{plain}/invitation"), &[]).await.expect(200).body;
    assert!(page.contains("/enrol/") || page.contains("&#x2f;enrol&#x2f;"), "{page}");
    for account in [manager, reader] {
        let page = desk.browser.submit(&format!("/people/{account}/invitation"), &[]).await.expect(409).body;
        assert!(page.contains("second person"), "{page}");
        assert!(!page.contains("/enrol/") && !page.contains("&#x2f;enrol&#x2f;"), "{page}");
    }
}

#[actix_web::test]
async fn how_somebody_was_recognised_is_read_by_who_decides_about_it() {
    let house = House::new();
    let (mut staff, mut desk, mut other) = firm(&house).await;
    let ada = staff.ada.id().to_string();
    hand(&mut desk.browser, &ada, "factor").await.expect(303);
    let mut auditor = house.member("nora.carvalho", &["bailiwick/auditor"]).await;
    let page = format!("/people/{ada}");
    // Who asked, who may agree, and her manager.
    for by in [&mut desk.browser, &mut other.browser, &mut staff.mary.browser] {
        let shown = by.get(&page).await.expect(200).body;
        assert!(shown.contains(WORDS) && shown.contains("name=\"handover\""), "{shown}");
    }
    // Grace is further up, and the auditor reads everything but this.
    for by in [&mut staff.grace.browser, &mut auditor.browser] {
        let shown = by.get(&page).await.expect(200).body;
        assert!(shown.contains("Waits for a second person"), "{shown}");
        assert!(!shown.contains(WORDS) && !shown.contains("Pass for a lost"), "{shown}");
        assert!(!shown.contains("name=\"handover\""), "{shown}");
    }
}

#[actix_web::test]
async fn a_pass_is_worth_nothing_where_the_domain_signs_in_elsewhere() {
    let (house, _provider) = House::with_provider("required_for = [\"firm.example\"]");
    let mut desk = house.member("karim.jensen", &["bailiwick/service-desk"]).await;
    let mut browser = house.browser().await;
    let elsewhere = ("pnaka", "p.nakagawa@firm.example");
    let there = house.enrolled_with_address(&mut browser, elsewhere, &[]).await.account;
    let here = house.enrolled(&mut browser, "ben", &[]).await.account;
    house.back_again(&mut desk).await;
    for (username, account, status) in [("pnaka", there, 401), ("ben", here, 303)] {
        let page = hand(&mut desk.browser, account.as_str(), "factor").await.expect(200).body;
        let shown = |text: &str| text.to_owned();
        let fields = [("username", shown(username)), ("password", shown(PASSWORD)), ("pass", pass_on(&page))];
        assert_eq!(submit(&mut browser.other(), fields).await, status, "{username}");
    }
}

#[actix_web::test]
async fn a_pass_is_worth_nothing_beside_a_password_that_has_ended() {
    let house = House::new();
    let (_, desk, _) = firm(&house).await;
    let ben = house.member("ben", &[]).await;
    let ends = async |browser: &mut crate::support::Browser| {
        let body = json!({ "username": "ben", "password": PASSWORD });
        let reply = browser.post("/api/v1/signin", body).await.expect(200).json();
        reply["state"] == "password_expired"
    };
    let mut gate = house.browser().await;
    while !ends(&mut gate).await {
        house.advance(Duration::days(30));
    }
    let (caller, id) = (person(&house, &desk.id()), ben.id());
    let ask = move |tx: &mut bailiwick::db::Tx<'_>| handing_over::ask(tx, &id, What::Factor, WORDS, false);
    let Handed::Given(_, made) = house.app.write(&caller, ask).await.expect("it is given").value else {
        panic!("it waits");
    };
    let fields = [("username", "ben".to_owned()), ("password", PASSWORD.to_owned()), ("pass", made.token)];
    assert_eq!(submit(&mut gate.other(), fields).await, 401);
}

#[actix_web::test]
async fn a_forgotten_password_is_asked_for_by_subnet() {
    let server = MailServer::start(Offers::StartTls);
    let house = house_with(server.settings());
    let browser = house.browser().await;
    let ask = async |address: &str| {
        browser.other().from_address(address).submit("/recover", &[("name", "nobody.at.all")]).await.status
    };
    for number in 0..20 {
        assert_eq!(ask(&format!("[2001:db8:1:2::{number:x}]")).await, 303, "{number}");
    }
    assert_eq!(ask("[2001:db8:1:2:ffff::1]").await, 429, "whoever has one address of a subnet has them all");
    assert_eq!(ask("[2001:db8:1:3::1]").await, 303);
}
