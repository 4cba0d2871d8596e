//! Passwords over their life: chosen, changed, ended, never used again.

use bailiwick::accounts;
use bailiwick::signin::password::{self, Person};
use chrono::Duration;
use serde_json::{Value, json};

use crate::support::{Browser, House, PASSWORD};

const OTHERS: [&str; 11] = [
    "Meadow 1, wide and green!",
    "Meadow 2, wide and green!",
    "Meadow 3, wide and green!",
    "Meadow 4, wide and green!",
    "Meadow 5, wide and green!",
    "Meadow 6, wide and green!",
    "Meadow 7, wide and green!",
    "Meadow 8, wide and green!",
    "Meadow 9, wide and green!",
    "Meadow 10, wide and green!",
    "Meadow 11, wide and green!",
];

async fn refusal(browser: &mut Browser, path: &str, body: Value) -> (String, String) {
    let refused = browser.post(path, body).await.expect(422).json();
    let first = refused["errors"][0].clone();
    assert_eq!(refused["errors"].as_array().map(Vec::len), Some(1), "one rule at a time");
    assert_eq!(first["field"], "password");
    let text = |name: &str| first[name].as_str().unwrap_or_default().to_owned();
    (text("detail"), text("clause"))
}

#[actix_web::test]
async fn every_rule_is_refused_one_by_one_with_its_clause() {
    let house = House::new();
    let mut browser = house.browser().await;
    let (_, token) = house.invite("pnaka", &[]).await;
    for (password, detail, clause) in [
        ("Bridge 7!", "must have at least 12 characters", "O13.2"),
        ("BRIDGE 7 OVER THE LAKE!", "must hold a small letter", "O16"),
        ("bridge 7 over the lake!", "must hold a capital letter", "O16"),
        ("Bridge over the lake!", "must hold a digit", "O16"),
        ("Bridge 7 over the lake", "must hold a sign such as ! or ,", "O16"),
        ("Bridge 7 over Nakagawa!", "must hold no part of your name, username or mailbox", "DPP 1.4"),
        ("Bridge 7 over PNAKA's lake!", "must hold no part of your name, username or mailbox", "DPP 1.4"),
    ] {
        let body = json!({ "token": token, "password": password });
        let refused = refusal(&mut browser, "/api/v1/enrolment", body).await;
        assert_eq!(refused, (detail.to_owned(), clause.to_owned()), "{password}");
    }
    let long = json!({ "token": token, "password": format!("Aa1!{}", "x".repeat(300)) });
    assert!(refusal(&mut browser, "/api/v1/enrolment", long).await.0.contains("at most 256"));
    let body = json!({ "token": token, "password": PASSWORD });
    browser.post("/api/v1/enrolment", body).await.expect(200);
}

#[actix_web::test]
async fn the_page_lists_the_rules_with_their_clauses() {
    let house = House::new();
    let mut browser = house.browser().await;
    let (account, token) = house.invite("pnaka", &[]).await;
    let page = browser.get(&format!("/enrol/{token}")).await.expect(200).body;
    for part in
        ["data-rule=\"min_length\"", "data-value=\"12\"", "O13.2", "O16", "nakagawa", "None of your last 10"]
    {
        assert!(page.contains(part), "{part}");
    }
    let kinds: Vec<_> = house
        .app
        .read(move |reader| {
            let details = accounts::find_named(reader, &account)?.details;
            let person = Person { username: &details.username, ..Person::default() };
            Ok(password::rules(&reader.profile(), &person)
                .into_iter()
                .map(|rule| rule.kind)
                .collect::<Vec<_>>())
        })
        .await
        .expect("the rules are listed");
    let all =
        ["min_length", "min_lower", "min_upper", "min_digits", "min_special", "forbid_parts", "sent", "sent"];
    assert_eq!(kinds, all);
}

#[actix_web::test]
async fn a_change_ends_the_other_sessions_and_may_not_come_too_soon() {
    let house = House::new();
    let mut browser = house.browser().await;
    let person = house.enrolled(&mut browser, "pnaka", &[]).await;
    let body = json!({ "password": OTHERS[0], "current_password": PASSWORD });
    let (detail, clause) = refusal(&mut browser, "/api/v1/me/password", body.clone()).await;
    assert!(detail.starts_with("may be changed again from"), "{detail}");
    assert_eq!(clause, "DPP 1.4");

    house.advance(Duration::days(1));
    let mut other = browser.other();
    house.sign_in(&mut other, &person).await;
    house.sign_in(&mut browser, &person).await;
    let wrong = json!({ "password": OTHERS[0], "current_password": "wrong" });
    let refused = browser.post("/api/v1/me/password", wrong).await.expect(422).json();
    assert_eq!(refused["errors"][0]["field"], "current_password");
    browser.post("/api/v1/me/password", body).await.expect(200);
    browser.get("/api/v1/me").await.expect(200);
    other.get("/api/v1/me").await.expect(401);
    let old = json!({ "username": "pnaka", "password": PASSWORD });
    other.post("/api/v1/signin", old).await.expect(401);
    let new = json!({ "username": "pnaka", "password": OTHERS[0] });
    other.post("/api/v1/signin", new).await.expect(200);
}

#[actix_web::test]
async fn a_change_needs_the_present_password_or_a_fresh_proof() {
    let house = House::new();
    let mut browser = house.browser().await;
    let person = house.enrolled(&mut browser, "pnaka", &[]).await;
    house.advance(Duration::days(2));
    house.sign_in(&mut browser, &person).await;
    house.advance(Duration::minutes(15));
    let body = json!({ "password": OTHERS[0] });
    let refused = browser.post("/api/v1/me/password", body.clone()).await.expect(403).json();
    assert_eq!(refused["type"], "/problems/proof-required");
    house.sign_in(&mut browser, &person).await;
    browser.post("/api/v1/me/password", body).await.expect(200);
}

#[actix_web::test]
async fn guessing_at_the_change_of_a_password_locks_it_too() {
    let house = House::new();
    let mut browser = house.browser().await;
    let person = house.enrolled(&mut browser, "pnaka", &[]).await;
    house.advance(Duration::days(2));
    house.sign_in(&mut browser, &person).await;
    for _ in 0..3 {
        let wrong = json!({ "password": OTHERS[0], "current_password": "wrong" });
        browser.post("/api/v1/me/password", wrong).await.expect(422);
    }
    let right = json!({ "password": OTHERS[0], "current_password": PASSWORD });
    browser.post("/api/v1/me/password", right).await.expect(422);
    let signed = json!({ "username": "pnaka", "password": PASSWORD });
    browser.other().post("/api/v1/signin", signed).await.expect(401);
}

#[actix_web::test]
async fn a_password_that_has_ended_is_replaced_at_the_sign_in_once_the_code_is_right() {
    let house = House::new();
    let mut browser = house.browser().await;
    let person = house.enrolled(&mut browser, "pnaka", &[]).await;
    house.advance(Duration::days(90));
    let signed = json!({ "username": "pnaka", "password": PASSWORD });
    let mut gate = browser.other();
    let reply = gate.post("/api/v1/signin", signed.clone()).await.expect(200).json();
    assert_eq!(reply["state"], "password_expired");
    assert_eq!(gate.get("/api/v1/session").await.expect(200).json()["state"], "password_expired");

    let code = house.next_code(&person.secret);
    gate.post("/api/v1/signin/totp", json!({ "code": code })).await.expect(409);
    let (detail, clause) =
        refusal(&mut gate, "/api/v1/signin/password", json!({ "password": PASSWORD })).await;
    assert_eq!((detail.as_str(), clause.as_str()), ("must be none of your last 10", "DPP 1.4"));
    let reply = gate.post("/api/v1/signin/password", json!({ "password": OTHERS[0] })).await.expect(200);
    assert_eq!(reply.json()["state"], "totp_required");

    // Whoever has the old password alone has changed nothing yet.
    let reply = browser.other().post("/api/v1/signin", signed.clone()).await.expect(200).json();
    assert_eq!(reply["state"], "password_expired");
    let code = house.next_code(&person.secret);
    let reply = gate.post("/api/v1/signin/totp", json!({ "code": code })).await.expect(200).json();
    assert_eq!(reply["state"], "signed_in");
    browser.other().post("/api/v1/signin", signed).await.expect(401);
    let new = json!({ "username": "pnaka", "password": OTHERS[0] });
    assert_eq!(
        browser.other().post("/api/v1/signin", new).await.expect(200).json()["state"],
        "totp_required"
    );
}

#[actix_web::test]
async fn none_of_the_last_ten_comes_back_and_the_one_before_them_may() {
    let house = House::new();
    let mut browser = house.browser().await;
    let (_, token) = house.invite("pnaka", &[]).await;
    browser.post("/api/v1/enrolment", json!({ "token": token, "password": PASSWORD })).await.expect(200);
    for (place, password) in OTHERS.iter().enumerate() {
        let (_, token) = house.invite("pnaka", &[]).await;
        let oldest = json!({ "token": token, "password": PASSWORD });
        if place < 10 {
            let (detail, _) = refusal(&mut browser, "/api/v1/enrolment", oldest).await;
            assert_eq!(detail, "must be none of your last 10", "after {place} others");
        }
        browser.post("/api/v1/enrolment", json!({ "token": token, "password": password })).await.expect(200);
    }
    let (_, token) = house.invite("pnaka", &[]).await;
    browser.post("/api/v1/enrolment", json!({ "token": token, "password": PASSWORD })).await.expect(200);
}

#[actix_web::test]
async fn a_hash_made_more_cheaply_is_renewed_at_the_sign_in() {
    let mut house = House::new();
    let mut browser = house.browser().await;
    house.enrolled(&mut browser, "pnaka", &[]).await;
    house.reopen_with(|config| config.hash.memory_kib = 16);
    let mut browser = house.browser().await;
    let signed = json!({ "username": "pnaka", "password": PASSWORD });
    let before = house.app.hashers().hashed();
    browser.post("/api/v1/signin", signed.clone()).await.expect(200);
    assert_eq!(house.app.hashers().hashed() - before, 2, "compared, then hashed anew");
    browser.post("/api/v1/signin", signed).await.expect(200);
    assert_eq!(house.app.hashers().hashed() - before, 3, "compared only");
}

#[actix_web::test]
async fn a_password_that_others_know_is_refused_by_list_and_by_guessing_and_the_link_stays() {
    let mut house = House::new();
    let list = house.data().join("ranges");
    std::fs::create_dir(&list).expect("a directory");
    // Every range of a whole list, as far as these passwords ask for it.
    for (password, stolen) in [(PASSWORD, true), (OTHERS[0], false)] {
        let hash = sha1(password);
        let suffix = if stolen { hash[5..].to_owned() } else { "0".repeat(35) };
        std::fs::write(list.join(format!("{}.txt", &hash[..5])), format!("{suffix}:12\r\n"))
            .expect("a range");
    }
    house.reopen_with(|config| config.breached_passwords = Some(list));
    let mut browser = house.browser().await;
    let (_, token) = house.invite("pnaka", &[]).await;
    let body = json!({ "token": token, "password": PASSWORD });
    let (detail, clause) = refusal(&mut browser, "/api/v1/enrolment", body).await;
    assert!(detail.contains("stolen elsewhere") && clause.is_empty(), "{detail}");
    let page = browser.get(&format!("/enrol/{token}")).await.expect(200).body;
    assert!(page.contains("None that is easily guessed, or was stolen elsewhere"), "{page}");
    let body = json!({ "token": token, "password": OTHERS[0] });
    browser.post("/api/v1/enrolment", body).await.expect(200);

    let house = House::new();
    let (_, token) = house.invite("pnaka", &[]).await;
    let body = json!({ "token": token, "password": "Password1234!" });
    let (detail, _) = refusal(&mut house.browser().await, "/api/v1/enrolment", body).await;
    assert!(detail.contains("easily guessed"), "{detail}");
}

fn sha1(text: &str) -> String {
    use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
    hex::encode_upper(digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()).as_ref())
}
