//! Passkeys: made, named, removed; signing in with one alone and after the password; and everything that a device or a
//! browser may tell wrongly.

use bailiwick::accounts::{self, Suspension};
use bailiwick::alarms::Rule;
use bailiwick::alarms::lists::{self, Narrowing};
use bailiwick::ids::AccountId;
use bailiwick::log::event::Event;
use bailiwick::signin;
use chrono::Duration;
use serde_json::{Value, json};

use crate::support::{Browser, Device, Enrolled, House, PASSWORD};

const CHALLENGE: &str = "/api/v1/signin/passkey/challenge";
const SIGN_IN: &str = "/api/v1/signin/passkey";
const FACTOR_CHALLENGE: &str = "/api/v1/signin/factor/challenge";
const FACTOR: &str = "/api/v1/signin/factor";
const MINE: &str = "/api/v1/me/passkeys";

/// Somebody with an authenticator and a passkey, signed in.
async fn with_passkey(house: &House) -> (Browser, Enrolled, Device, String) {
    let mut browser = house.browser().await;
    let person = house.enrolled(&mut browser, "pnaka", &[]).await;
    let mut device = Device::new(7);
    let id = device.added(&mut browser, "Blue security key").await;
    (browser, person, device, id)
}

async fn challenge(browser: &mut Browser, path: &str) -> Value {
    browser.post(path, json!({})).await.expect(200).json()
}

/// Tries to sign in with the device in a fresh browser; returns the status.
async fn try_alone(browser: &Browser, device: &mut Device) -> u16 {
    let mut fresh = browser.other();
    let asked = challenge(&mut fresh, CHALLENGE).await;
    fresh.post(SIGN_IN, device.shown(&asked)).await.status
}

/// What happened to an account, as kinds of events.
fn kinds(house: &House, account: &AccountId) -> Vec<String> {
    let events = house.app.read_now(|reader| bailiwick::log::store::events_after(reader, 0, 1_000));
    let events = events.expect("the log");
    events.iter().filter(|event| event.subject.as_ref() == Some(account)).map(Event::kind).collect()
}

#[actix_web::test]
async fn a_passkey_signs_in_without_a_username_and_is_a_strong_factor() {
    let house = House::new();
    let (browser, person, mut device, id) = with_passkey(&house).await;
    let mut fresh = browser.other();
    let asked = challenge(&mut fresh, CHALLENGE).await;
    assert_eq!(asked["public_key"]["userVerification"], "required");
    assert_eq!(asked["public_key"]["rpId"], "localhost");
    assert_eq!(asked["public_key"]["allowCredentials"], json!([]), "nobody is named");
    let reply = fresh.post(SIGN_IN, device.shown(&asked)).await.expect(200);
    assert_eq!(reply.json()["state"], "signed_in");
    let me = fresh.get("/api/v1/me").await.expect(200).json();
    assert_eq!(me["id"], person.account.as_str());
    assert!(!me["proved_at"].is_null(), "it counts as a fresh proof");
    let mine = fresh.get(MINE).await.expect(200).json();
    assert_eq!(mine["items"][0]["id"], id.as_str());
    assert_eq!(mine["items"][0]["name"], "Blue security key");
    assert!(!mine["items"][0]["used_at"].is_null());
    assert!(kinds(&house, &person.account).contains(&"passkey_changed".to_owned()));
}

#[actix_web::test]
async fn what_is_asked_of_a_device_makes_it_find_the_key_by_itself_and_verify_its_owner() {
    let house = House::new();
    let mut browser = house.browser().await;
    let person = house.enrolled(&mut browser, "pnaka", &[]).await;
    let asked = challenge(&mut browser, "/api/v1/me/passkeys/challenge").await;
    let selection = &asked["public_key"]["authenticatorSelection"];
    assert_eq!(selection["residentKey"], "required");
    assert_eq!(selection["requireResidentKey"], true);
    assert_eq!(selection["userVerification"], "required");
    assert_eq!(asked["public_key"]["rp"]["id"], "localhost");
    let handle = asked["public_key"]["user"]["id"].as_str().expect("a handle");
    assert!(!handle.contains("pnaka") && !person.account.as_str().is_empty());
}

/// Challenges are remembered for a while, so nobody has any number of them; whose turn it is can be seen by the address.
#[actix_web::test]
async fn an_address_that_asks_for_challenges_without_end_waits_and_nobody_else() {
    let house = House::new();
    let (browser, _, mut device, _) = with_passkey(&house).await;
    let mut stranger = browser.other().from_address("192.0.2.9");
    for _ in 0..60 {
        stranger.post(CHALLENGE, json!({})).await.expect(200);
    }
    let waits = stranger.post(CHALLENGE, json!({})).await.expect(429);
    assert_eq!(
        (waits.json()["type"].as_str(), waits.header("retry-after")),
        (Some("/problems/too-many"), "1")
    );
    // The way by the password has a measure of its own, and so has everybody else.
    stranger.post("/api/v1/signin", json!({ "username": "pnaka", "password": PASSWORD })).await.expect(200);
    assert_eq!(try_alone(&browser, &mut device).await, 200);
    house.advance(Duration::seconds(1));
    stranger.post(CHALLENGE, json!({})).await.expect(200);
}

#[actix_web::test]
async fn a_passkey_stands_in_for_the_code_after_the_password() {
    let house = House::new();
    let (browser, person, mut device, _) = with_passkey(&house).await;
    let mut half = browser.other();
    half.post(FACTOR_CHALLENGE, json!({})).await.expect(401);
    let signed = json!({ "username": "pnaka", "password": PASSWORD });
    half.post("/api/v1/signin", signed).await.expect(200);
    let asked = challenge(&mut half, FACTOR_CHALLENGE).await;
    assert_eq!(asked["public_key"]["allowCredentials"].as_array().expect("keys").len(), 1);
    device.says_whose = false;
    assert_eq!(half.post(FACTOR, device.shown(&asked)).await.expect(200).json()["state"], "signed_in");
    half.get("/api/v1/me").await.expect(200);
    // The choice stays: the code does it as well.
    house.sign_in(&mut half, &person).await;
}

#[actix_web::test]
async fn a_device_that_does_not_say_whose_key_it_is_signs_nobody_in_alone() {
    let house = House::new();
    let (browser, person, mut device, _) = with_passkey(&house).await;
    device.says_whose = false;
    assert_eq!(try_alone(&browser, &mut device).await, 401);
    device.says_whose = true;
    let right = std::mem::replace(&mut device.user, vec![1; 16]);
    assert_eq!(try_alone(&browser, &mut device).await, 401, "of somebody else");
    device.user = right;
    assert_eq!(try_alone(&browser, &mut device).await, 200);
    assert!(house.app.read_now(|r| signin::lockout::lock_of(r, &person.account)).expect("read").is_none());
}

#[actix_web::test]
async fn every_refusal_of_a_passkey_is_the_one_refusal_of_a_sign_in() {
    let house = House::new();
    let (browser, _, mut device, _) = with_passkey(&house).await;
    let mut fresh = browser.other();
    let wrong = json!({ "username": "nobody.at.all", "password": PASSWORD });
    let usual = fresh.post("/api/v1/signin", wrong).await.expect(401).body;
    let spoils: [fn(&mut Device); 4] = [
        |device| device.origin = "https://evil.example".to_owned(),
        |device| device.origin = "https://localhost:8444".to_owned(),
        |device| device.host = "evil.example".to_owned(),
        |device| device.verifies = false,
    ];
    for spoil in spoils {
        spoil(&mut device);
        let asked = challenge(&mut fresh, CHALLENGE).await;
        assert_eq!(fresh.post(SIGN_IN, device.shown(&asked)).await.expect(401).body, usual);
        device.be_honest();
    }
    // The id of the key with another key behind it, and a key that nobody knows.
    for number in [7, 8] {
        let mut stranger = Device { user: device.user.clone(), ..Device::new(number) };
        let asked = challenge(&mut fresh, CHALLENGE).await;
        assert_eq!(fresh.post(SIGN_IN, stranger.shown(&asked)).await.expect(401).body, usual);
    }
    assert_eq!(try_alone(&browser, &mut device).await, 200, "the key itself is as good as before");
}

#[actix_web::test]
async fn a_challenge_is_answered_once_in_time_and_by_the_browser_that_asked() {
    let house = House::new();
    let (browser, _, mut device, _) = with_passkey(&house).await;
    let mut fresh = browser.other();
    let asked = challenge(&mut fresh, CHALLENGE).await;
    let answer = device.shown(&asked);

    let mut other = browser.other();
    other.post(SIGN_IN, answer.clone()).await.expect(401);
    challenge(&mut other, CHALLENGE).await;
    other.post(SIGN_IN, answer.clone()).await.expect(401);

    fresh.post(SIGN_IN, answer.clone()).await.expect(200);
    fresh.post(SIGN_IN, answer).await.expect(401);

    let late = challenge(&mut fresh, CHALLENGE).await;
    house.advance(Duration::minutes(5));
    fresh.post(SIGN_IN, device.shown(&late)).await.expect(401);
    let in_time = challenge(&mut fresh, CHALLENGE).await;
    house.advance(Duration::minutes(5) - Duration::seconds(1));
    fresh.post(SIGN_IN, device.shown(&in_time)).await.expect(200);
}

#[actix_web::test]
async fn a_wrong_answer_uses_the_challenge_up() {
    let house = House::new();
    let (browser, _, mut device, _) = with_passkey(&house).await;
    let mut fresh = browser.other();
    let asked = challenge(&mut fresh, CHALLENGE).await;
    device.verifies = false;
    fresh.post(SIGN_IN, device.shown(&asked)).await.expect(401);
    device.verifies = true;
    fresh.post(SIGN_IN, device.shown(&asked)).await.expect(401);
}

#[actix_web::test]
async fn a_challenge_serves_its_own_purpose_only() {
    let house = House::new();
    let (mut browser, _, mut device, _) = with_passkey(&house).await;
    let proof = challenge(&mut browser, "/api/v1/me/proof/challenge").await;
    browser.post(SIGN_IN, device.shown(&proof)).await.expect(401);
    let alone = challenge(&mut browser, CHALLENGE).await;
    browser.post("/api/v1/me/proof/passkey", device.shown(&alone)).await.expect(401);
    let asked = challenge(&mut browser, "/api/v1/me/proof/challenge").await;
    browser.post("/api/v1/me/proof/passkey", device.shown(&asked)).await.expect(200);
}

#[actix_web::test]
async fn of_many_who_answer_one_challenge_at_once_one_signs_in() {
    let house = House::new();
    let (browser, _, mut device, _) = with_passkey(&house).await;
    let mut fresh = browser.other();
    let asked = challenge(&mut fresh, CHALLENGE).await;
    let token = fresh.cookies["__Host-browser"].clone();
    let answer = device.shown(&asked);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (app, token, shown) = (house.app.clone(), token.clone(), shown(&answer));
        calls.spawn(async move {
            signin::passkeys::sign_in(&app, Some(token), shown, signin::Visitor::default()).await.is_ok()
        });
    }
    let done = calls.join_all().await.into_iter().filter(|done| *done).count();
    assert_eq!(done, 1);
}

/// The body of an answer as the use case takes it.
fn shown(body: &Value) -> signin::passkeys::Shown {
    let text = |name: &str| body[name].as_str().expect("a text").to_owned();
    signin::passkeys::Shown {
        ceremony: bailiwick::ids::CeremonyId::parse(&text("ceremony")).expect("an id"),
        credential_id: text("credential_id"),
        client_data: text("client_data"),
        authenticator_data: text("authenticator_data"),
        signature: text("signature"),
        user_handle: body["user_handle"].as_str().map(str::to_owned),
    }
}

#[actix_web::test]
async fn a_count_that_goes_back_is_refused_and_alarms() {
    let house = House::new();
    let (browser, person, mut device, _) = with_passkey(&house).await;
    device.counter = 20;
    assert_eq!(try_alone(&browser, &mut device).await, 200);
    for counter in [20, 4] {
        device.counter = counter;
        assert_eq!(try_alone(&browser, &mut device).await, 401, "counted {}", counter + 1);
        device.counter = 20;
    }
    let copied = Narrowing { rule: Some(Rule::PasskeyCopied), ..Narrowing::default() };
    let (copied, _) =
        house.app.read_now(|reader| lists::list(reader, &copied, None, 50)).expect("the alarms");
    assert_eq!(copied.len(), 1, "one alarm, seen twice");
    assert_eq!(copied[0].account.as_ref(), Some(&person.account));
    device.counter = 30;
    assert_eq!(try_alone(&browser, &mut device).await, 200, "the higher count goes on");
}

#[actix_web::test]
async fn a_device_that_does_not_count_is_as_welcome() {
    let house = House::new();
    let mut browser = house.browser().await;
    house.enrolled(&mut browser, "pnaka", &[]).await;
    let mut device = Device { counter: 0, ..Device::new(3) };
    device.added(&mut browser, "Synced").await;
    for _ in 0..3 {
        assert_eq!(try_alone(&browser, &mut device).await, 200);
    }
}

#[actix_web::test]
async fn wrong_passwords_and_codes_never_keep_a_passkey_out() {
    let house = House::new();
    let (browser, _, mut device, _) = with_passkey(&house).await;
    let mut guesser = browser.other();
    for _ in 0..5 {
        let wrong = json!({ "username": "pnaka", "password": "wrong" });
        guesser.post("/api/v1/signin", wrong).await.expect(401);
    }
    let right = json!({ "username": "pnaka", "password": PASSWORD });
    guesser.post("/api/v1/signin", right).await.expect(401);
    assert_eq!(try_alone(&browser, &mut device).await, 200);
}

#[actix_web::test]
async fn somebody_suspended_or_gone_is_refused_like_a_stranger() {
    let house = House::new();
    let (browser, person, mut device, _) = with_passkey(&house).await;
    let id = person.account.clone();
    house.done(move |tx| accounts::suspend(tx, &id, (Suspension::Security, None), None).map(drop)).await;
    assert_eq!(try_alone(&browser, &mut device).await, 401);
    let id = person.account.clone();
    house.done(move |tx| accounts::reinstate(tx, &id, None).map(drop)).await;
    assert_eq!(try_alone(&browser, &mut device).await, 200);

    let id = person.account.clone();
    house
        .done(move |tx| {
            accounts::mark_left(tx, &id, "leaver")?;
            signin::close(tx, &id, "left").map(drop)
        })
        .await;
    assert_eq!(try_alone(&browser, &mut device).await, 401);
    let left = house.app.read_now(|reader| signin::passkeys::count(reader, &person.account));
    assert_eq!(left.expect("counted"), 0, "who leaves leaves no key behind");
}

#[actix_web::test]
async fn a_challenge_outlives_nobody_who_is_suspended_meanwhile() {
    let house = House::new();
    let (browser, person, mut device, _) = with_passkey(&house).await;
    let mut fresh = browser.other();
    let asked = challenge(&mut fresh, CHALLENGE).await;
    let answer = device.shown(&asked);
    let id = person.account.clone();
    house.done(move |tx| accounts::suspend(tx, &id, (Suspension::Security, None), None).map(drop)).await;
    fresh.post(SIGN_IN, answer).await.expect(401);
}

#[actix_web::test]
async fn a_removed_passkey_lets_nobody_in_and_the_last_strong_factor_stays() {
    let house = House::new();
    let (mut browser, _, mut device, id) = with_passkey(&house).await;
    let path = format!("{MINE}/{id}");
    let mut second = Device::new(8);
    let other = second.added(&mut browser, "Second").await;
    browser.delete(&path, json!({})).await.expect(200);
    browser.delete(&path, json!({})).await.expect(404);
    assert_eq!(try_alone(&browser, &mut device).await, 401);
    browser.delete("/api/v1/me/totp", json!({})).await.expect(200);
    let refused = browser.delete(&format!("{MINE}/{other}"), json!({})).await.expect(409).json();
    assert_eq!(refused["type"], "/problems/last-factor");
    assert_eq!(try_alone(&browser, &mut second).await, 200);
}

#[actix_web::test]
async fn a_passkey_is_known_once_and_belongs_to_one_person() {
    let house = House::new();
    let (mut browser, _, mut device, id) = with_passkey(&house).await;
    let asked = challenge(&mut browser, "/api/v1/me/passkeys/challenge").await;
    assert_eq!(asked["public_key"]["excludeCredentials"].as_array().expect("keys").len(), 1);
    let again = browser.post(MINE, device.made(&asked, "Again")).await.status;
    assert!(matches!(again, 409 | 422), "{again}");

    let mut other = house.browser().await;
    house.enrolled(&mut other, "ievans", &[]).await;
    let asked = challenge(&mut other, "/api/v1/me/passkeys/challenge").await;
    let refused = other.post(MINE, device.made(&asked, "Theirs")).await.expect(409).json();
    assert_eq!(refused["type"], "/problems/passkey-known");
    other.delete(&format!("{MINE}/{id}"), json!({})).await.expect(404);
    other.patch(&format!("{MINE}/{id}"), json!({ "name": "Mine" })).await.expect(404);
}

#[actix_web::test]
async fn what_a_device_makes_wrongly_is_not_added() {
    let house = House::new();
    let mut browser = house.browser().await;
    house.enrolled(&mut browser, "pnaka", &[]).await;
    let spoils: [fn(&mut Device); 3] = [
        |device| device.origin = "https://evil.example".to_owned(),
        |device| device.host = "evil.example".to_owned(),
        |device| device.verifies = false,
    ];
    for spoil in spoils {
        let mut device = Device::new(5);
        spoil(&mut device);
        let asked = challenge(&mut browser, "/api/v1/me/passkeys/challenge").await;
        let refused = browser.post(MINE, device.made(&asked, "Wrong")).await.expect(422).json();
        assert_eq!(refused["errors"][0]["field"], "attestation");
    }
    let mut device = Device::new(5);
    let asked = challenge(&mut browser, "/api/v1/me/passkeys/challenge").await;
    let unnamed = browser.post(MINE, device.made(&asked, "  ")).await.expect(422).json();
    assert_eq!(unnamed["errors"][0]["field"], "name");
    let body = device.made(&asked, "Right");
    browser.post(MINE, body.clone()).await.expect(201);
    assert_eq!(browser.post(MINE, body).await.expect(409).json()["type"], "/problems/challenge-over");
    let others = challenge(&mut browser, "/api/v1/me/passkeys/challenge").await;
    let mut other = house.browser().await;
    house.enrolled(&mut other, "ievans", &[]).await;
    let stolen = Device::new(6).made(&others, "Stolen");
    assert_eq!(other.post(MINE, stolen).await.expect(409).json()["type"], "/problems/challenge-over");
    assert_eq!(browser.get(MINE).await.json()["items"].as_array().expect("a list").len(), 1);
}

#[actix_web::test]
async fn adding_and_removing_want_a_fresh_proof_and_renaming_does_not() {
    let house = House::new();
    let (mut browser, _, _, id) = with_passkey(&house).await;
    let asked = challenge(&mut browser, "/api/v1/me/passkeys/challenge").await;
    house.advance(Duration::minutes(15));
    for reply in [
        browser.post("/api/v1/me/passkeys/challenge", json!({})).await,
        browser.post(MINE, Device::new(9).made(&asked, "Late")).await,
        browser.delete(&format!("{MINE}/{id}"), json!({})).await,
    ] {
        let refused = reply.expect(403).json();
        assert_eq!(refused["type"], "/problems/proof-required");
        assert_eq!(refused["proof_at"], "/prove");
    }
    let renamed = browser.patch(&format!("{MINE}/{id}"), json!({ "name": " Red key " })).await.expect(200);
    assert_eq!(renamed.json()["name"], "Red key");
}

#[actix_web::test]
async fn somebody_without_a_phone_enrols_with_a_passkey() {
    let house = House::new();
    let mut browser = house.browser().await;
    let (account, token) = house.invite("pnaka", &[]).await;
    browser.post("/api/v1/enrolment", json!({ "token": token, "password": PASSWORD })).await.expect(200);
    let mut device = Device::new(2);
    let asked = challenge(&mut browser, "/api/v1/enrolment/passkey/challenge").await;
    let done = browser.post("/api/v1/enrolment/passkey", device.made(&asked, "Key")).await.expect(200).json();
    assert_eq!(done["state"], "signed_in");
    assert_eq!(done["recovery_codes"].as_array().expect("codes").len(), 10);
    assert_eq!(browser.get("/api/v1/me").await.expect(200).json()["state"], "active");
    let strong = house.app.read_now(|reader| accounts::find(reader, &account));
    assert!(strong.expect("an account").strong_factor);
    assert_eq!(try_alone(&browser, &mut device).await, 200);

    // With the password: the passkey, or a recovery code; there is no authenticator.
    let mut half = browser.other();
    let signed = json!({ "username": "pnaka", "password": PASSWORD });
    half.post("/api/v1/signin", signed.clone()).await.expect(200);
    half.post("/api/v1/signin/totp", json!({ "code": "123456" })).await.expect(401);
    let code = done["recovery_codes"][0].as_str().expect("a code");
    half.post("/api/v1/signin/totp", json!({ "code": code })).await.expect(200);
    browser.other().post("/api/v1/enrolment/passkey/challenge", json!({})).await.expect(401);
}

#[actix_web::test]
async fn an_authenticator_that_was_begun_and_not_confirmed_gives_no_codes_that_count() {
    let house = House::new();
    let mut browser = house.browser().await;
    let (_, token) = house.invite("pnaka", &[]).await;
    browser.post("/api/v1/enrolment", json!({ "token": token, "password": PASSWORD })).await.expect(200);
    let asked = challenge(&mut browser, "/api/v1/enrolment/passkey/challenge").await;
    let body = Device::new(2).made(&asked, "Key");
    browser.post("/api/v1/enrolment/passkey", body).await.expect(200);
    let begun = browser.post("/api/v1/me/totp", json!({})).await.expect(200).json();
    let code = house.code(begun["secret"].as_str().expect("a secret"));
    let mut half = browser.other();
    let signed = json!({ "username": "pnaka", "password": PASSWORD });
    half.post("/api/v1/signin", signed).await.expect(200);
    half.post("/api/v1/signin/totp", json!({ "code": code })).await.expect(401);
}

#[actix_web::test]
async fn a_house_that_is_a_bare_address_says_that_passkeys_need_a_name() {
    let mut house = House::new();
    house.reopen_with(|config| config.public_url = "https://127.0.0.1:8443".to_owned());
    let refused = house.browser().await.post(CHALLENGE, json!({})).await.expect(409).json();
    assert_eq!(refused["type"], "/problems/passkeys-unavailable");
}
