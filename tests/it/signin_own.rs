//! One's own sign-in: the fresh proof that changes want, the authenticator replaced and removed, recovery codes, and
//! sessions with the network that they were seen in.

use bailiwick::access::apply::{self, PolicyFile};
use chrono::Duration;
use serde_json::json;

use crate::support::{Device, House, PASSWORD};

const PROOF: &str = "/api/v1/me/proof";

#[actix_web::test]
async fn a_proof_is_renewed_with_password_and_code_and_exchanges_the_session() {
    let house = House::new();
    let mut browser = house.browser().await;
    let person = house.enrolled(&mut browser, "pnaka", &[]).await;
    house.advance(Duration::minutes(15));
    browser.post("/api/v1/me/recovery-codes", json!({})).await.expect(403);
    let before = browser.clone();
    let session = browser.get("/api/v1/session").await.json();
    let code = house.next_code(&person.secret);
    let body = json!({ "password": PASSWORD, "code": code });
    assert_eq!(browser.post(PROOF, body.clone()).await.expect(200).json()["state"], "signed_in");
    let renewed = browser.get("/api/v1/session").await.expect(200).json();
    assert_ne!(renewed["id"], session["id"]);
    let mut old = before;
    old.get("/api/v1/me").await.expect(401);
    browser.post(PROOF, body).await.expect(401);
    let codes = browser.post("/api/v1/me/recovery-codes", json!({})).await.expect(200).json();
    assert_eq!(codes["recovery_codes"].as_array().expect("codes").len(), 10);
}

#[actix_web::test]
async fn half_a_proof_is_none_and_counts_as_at_the_sign_in() {
    let house = House::new();
    let mut browser = house.browser().await;
    let person = house.enrolled(&mut browser, "pnaka", &[]).await;
    house.advance(Duration::minutes(20));
    for _ in 0..3 {
        let code = house.next_code(&person.secret);
        browser.post(PROOF, json!({ "password": "wrong", "code": code })).await.expect(401);
    }
    let code = house.next_code(&person.secret);
    browser.post(PROOF, json!({ "password": PASSWORD, "code": code })).await.expect(401);
    let signed = json!({ "username": "pnaka", "password": PASSWORD });
    browser.other().post("/api/v1/signin", signed.clone()).await.expect(401);

    let person = house.enrolled(&mut browser, "ievans", &[]).await;
    for _ in 0..3 {
        browser.post(PROOF, json!({ "password": PASSWORD, "code": "000000" })).await.expect(401);
    }
    let code = house.next_code(&person.secret);
    browser.post(PROOF, json!({ "password": PASSWORD, "code": code.clone() })).await.expect(401);
    let mut half = browser.other();
    half.post("/api/v1/signin", json!({ "username": "ievans", "password": PASSWORD })).await.expect(200);
    half.post("/api/v1/signin/totp", json!({ "code": code })).await.expect(401);
}

#[actix_web::test]
async fn a_passkey_renews_the_proof_of_its_owner_only() {
    let house = House::new();
    let mut browser = house.browser().await;
    house.enrolled(&mut browser, "pnaka", &[]).await;
    let mut device = Device::new(1);
    device.added(&mut browser, "Key").await;
    let mut other = browser.other();
    house.enrolled(&mut other, "ievans", &[]).await;
    let refused = other.post("/api/v1/me/proof/challenge", json!({})).await.expect(409).json();
    assert_eq!(refused["type"], "/problems/passkey-missing");
    Device::new(2).added(&mut other, "Key").await;
    house.advance(Duration::minutes(15));
    let asked = other.post("/api/v1/me/proof/challenge", json!({})).await.expect(200).json();
    other.post("/api/v1/me/proof/passkey", device.shown(&asked)).await.expect(401);
    other.post("/api/v1/me/recovery-codes", json!({})).await.expect(403);

    let before = browser.clone();
    let asked = browser.post("/api/v1/me/proof/challenge", json!({})).await.expect(200).json();
    let answer = device.shown(&asked);
    before.clone().post("/api/v1/me/proof/passkey", answer.clone()).await.expect(200);
    browser.post("/api/v1/me/proof/passkey", answer).await.expect(401);
    browser.get("/api/v1/me").await.expect(401);
}

#[actix_web::test]
async fn a_page_that_wants_a_proof_asks_for_it_and_comes_back_within_this_house_only() {
    let house = House::new();
    let mut browser = house.browser().await;
    let person = house.enrolled(&mut browser, "pnaka", &[]).await;
    house.advance(Duration::minutes(15));
    let led = browser.get("/me/security/authenticator").await.expect(303);
    assert_eq!(led.header("location"), "/prove?next=/me/security/authenticator");
    let page = browser.get("/prove?next=/me/security/authenticator").await.expect(200);
    assert!(page.body.contains("Is it still you"), "{}", page.body);
    let wrong = [("password", PASSWORD), ("code", "000000"), ("next", "/me/security")];
    let refused = browser.submit("/prove", &wrong).await.expect(401);
    assert!(refused.body.contains("wrong"), "{}", refused.body);
    let code = house.next_code(&person.secret);
    let fields = [("password", PASSWORD), ("code", code.as_str()), ("next", "https://evil.example/")];
    assert_eq!(browser.submit("/prove", &fields).await.expect(303).header("location"), "/");
    let page = browser.get("/me/security/authenticator").await.expect(200);
    assert!(page.body.contains("Replace your authenticator"), "{}", page.body);
    browser.other().get("/prove").await.expect(303);
}

#[actix_web::test]
async fn an_authenticator_is_replaced_by_its_first_code_and_counts_until_then() {
    let house = House::new();
    let mut browser = house.browser().await;
    let person = house.enrolled(&mut browser, "pnaka", &[]).await;
    let begun = browser.post("/api/v1/me/totp", json!({})).await.expect(200).json();
    let next = begun["secret"].as_str().expect("a secret").to_owned();
    assert_ne!(next, person.secret);
    let again = browser.post("/api/v1/me/totp", json!({})).await.expect(200).json();
    assert_eq!(again["secret"], next.as_str(), "what was begun is resumed");
    house.sign_in(&mut browser, &person).await;
    let path = "/api/v1/me/totp/confirmation";
    browser.post(path, json!({ "code": house.code(&person.secret) })).await.expect(422);
    let code = house.next_code(&next);
    let done = browser.post(path, json!({ "code": code.clone() })).await.expect(200).json();
    assert!(done["recovery_codes"].is_null(), "those that are left still count");
    browser.post(path, json!({ "code": code })).await.expect(409);

    let mut half = browser.other();
    let signed = json!({ "username": "pnaka", "password": PASSWORD });
    half.post("/api/v1/signin", signed).await.expect(200);
    let old = house.next_code(&person.secret);
    half.post("/api/v1/signin/totp", json!({ "code": old })).await.expect(401);
    half.post("/api/v1/signin/totp", json!({ "code": house.code(&next) })).await.expect(200);
}

#[actix_web::test]
async fn a_phished_password_and_an_old_session_change_no_factor() {
    let house = House::new();
    let mut browser = house.browser().await;
    house.enrolled(&mut browser, "pnaka", &[]).await;
    house.advance(Duration::minutes(16));
    for (path, method) in [("/api/v1/me/totp", "POST"), ("/api/v1/me/totp", "DELETE")] {
        let reply = match method {
            "POST" => browser.post(path, json!({})).await,
            _ => browser.delete(path, json!({})).await,
        };
        assert_eq!(reply.expect(403).json()["type"], "/problems/proof-required");
    }
    browser.post("/api/v1/me/totp/confirmation", json!({ "code": "123456" })).await.expect(403);
    let mut half = browser.other();
    half.post("/api/v1/signin", json!({ "username": "pnaka", "password": PASSWORD })).await.expect(200);
    half.post("/api/v1/me/totp", json!({})).await.expect(401);
    half.post("/api/v1/me/passkeys/challenge", json!({})).await.expect(401);
}

#[actix_web::test]
async fn the_only_strong_factor_is_not_removed_by_its_owner() {
    let house = House::new();
    let mut browser = house.browser().await;
    house.enrolled(&mut browser, "pnaka", &[]).await;
    let refused = browser.delete("/api/v1/me/totp", json!({})).await.expect(409).json();
    assert_eq!(refused["type"], "/problems/last-factor");
    let page = browser.submit("/me/security/authenticator/removal", &[]).await.expect(409);
    assert!(page.body.contains("Add another passkey"), "{}", page.body);
    Device::new(1).added(&mut browser, "Key").await;
    browser.delete("/api/v1/me/totp", json!({})).await.expect(200);
    browser.delete("/api/v1/me/totp", json!({})).await.expect(404);
}

#[actix_web::test]
async fn sessions_show_their_network_and_end_one_by_one_or_all() {
    let house = House::new();
    let networks = "[[network]]\nname = \"office\"\nranges = [\"203.0.113.0/24\"]\n".to_owned();
    let file = vec![PolicyFile { name: "networks.toml".to_owned(), text: networks }];
    house.done(move |tx| apply::apply(tx, &file)).await;
    let mut browser = house.browser().await.from_address("203.0.113.7");
    let person = house.enrolled(&mut browser, "pnaka", &[]).await;
    let mut elsewhere = browser.other().from_address("198.51.100.9");
    house.sign_in(&mut elsewhere, &person).await;
    elsewhere.get("/api/v1/me").await.expect(200);
    let page = browser.get("/me/security").await.expect(200).body;
    assert!(page.contains("office") && page.contains("elsewhere"), "{page}");
    let listed = browser.get("/api/v1/me/sessions").await.expect(200).json();
    let items = listed["items"].as_array().expect("sessions");
    let network = |current: bool| {
        items.iter().find(|one| one["current"] == current).expect("a session")["network"].clone()
    };
    assert_eq!((network(true), network(false)), (json!("office"), json!(null)));

    browser.delete("/api/v1/me/sessions", json!({})).await.expect(200);
    elsewhere.get("/api/v1/me").await.expect(401);
    browser.get("/api/v1/me").await.expect(200);
    house.sign_in(&mut elsewhere, &person).await;
    assert_eq!(browser.submit("/me/security/sessions/end", &[]).await.expect(303).status, 303);
    elsewhere.get("/api/v1/me").await.expect(401);
}

#[actix_web::test]
async fn whoever_may_suspend_ends_every_session_of_a_person() {
    let house = House::new();
    let mut boss = house.browser().await;
    let administrator = house.enrolled(&mut boss, "ada", &[]).await;
    house.give(&administrator.account, "bailiwick/security-officer", 30).await;
    let mut browser = house.browser().await;
    let person = house.enrolled(&mut browser, "pnaka", &[]).await;
    let page = format!("/people/{}", person.account);
    assert!(boss.get(&page).await.expect(200).body.contains("End 1 session"), "it is offered");
    let api = format!("/api/v1/accounts/{}/sessions", person.account);
    browser.delete(&api, json!({})).await.expect(403);
    boss.delete(&api, json!({})).await.expect(200);
    browser.get("/api/v1/me").await.expect(401);
    house.sign_in(&mut browser, &person).await;
    boss.submit(&format!("{page}/sessions/end"), &[]).await.expect(303);
    browser.get("/api/v1/me").await.expect(401);
    assert!(!boss.get(&page).await.expect(200).body.contains("End 1 session"));
}

#[actix_web::test]
async fn the_page_of_ones_own_security_teaches_and_shows() {
    let house = House::new();
    let mut browser = house.browser().await;
    house.enrolled(&mut browser, "pnaka", &[]).await;
    let page = browser.get("/me/security").await.expect(200).body;
    assert!(page.contains("No passkey yet") && page.contains("10 codes are left"), "{page}");
    let mut device = Device::new(1);
    let id = device.added(&mut browser, "Blue <key>").await;
    let page = browser.get("/me/security?done=passkey").await.expect(200).body;
    assert!(page.contains("Blue &lt;key&gt;") && page.contains("The passkey is added"), "{page}");
    let unnamed = browser.submit(&format!("/me/security/passkeys/{id}/name"), &[("name", " ")]).await;
    assert!(unnamed.expect(422).body.contains("1 to 60 characters"));
    let named = browser.submit(&format!("/me/security/passkeys/{id}/name"), &[("name", "Red")]).await;
    assert_eq!(named.expect(303).header("location"), "/me/security?done=renamed");
    let codes = browser.submit("/me/security/recovery-codes", &[]).await.expect(200).body;
    assert_eq!(codes.matches("<li><code>").count(), 10, "{codes}");
    let gone = browser.submit(&format!("/me/security/passkeys/{id}/removal"), &[]).await.expect(303);
    assert_eq!(gone.header("location"), "/me/security?done=passkey-removed");
    let events = house.app.read_now(|reader| bailiwick::log::store::events_after(reader, 0, 1_000));
    let texts: Vec<String> =
        events.expect("the log").iter().map(|event| event.text().expect("a text")).collect();
    assert!(texts.iter().all(|text| !text.contains("Blue") && !text.contains("Red\"")), "ids only");
}
