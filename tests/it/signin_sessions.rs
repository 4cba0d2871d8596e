//! Sessions: a new token at every rise, two ends, and death by judgement on every node.

use bailiwick::accounts;
use bailiwick::caller::Caller;
use bailiwick::signin::sessions;
use chrono::Duration;
use serde_json::json;

use crate::support::{House, PASSWORD};

const COOKIE: &str = "__Host-session";

#[actix_web::test]
async fn every_rise_of_privilege_brings_a_new_token_and_kills_the_old() {
    let house = House::new();
    let mut browser = house.browser().await;
    let person = house.enrolled(&mut browser, "pnaka", &[]).await;
    let mut gate = browser.other();
    gate.post("/api/v1/signin", json!({ "username": "pnaka", "password": PASSWORD })).await.expect(200);
    let half = gate.cookies[COOKIE].clone();
    let code = house.next_code(&person.secret);
    gate.post("/api/v1/signin/totp", json!({ "code": code })).await.expect(200);
    let full = gate.cookies[COOKIE].clone();
    assert_ne!(half, full);
    assert_ne!(full, browser.cookies[COOKIE]);
    gate.get("/api/v1/me").await.expect(200);
    gate.cookies.insert(COOKIE.to_owned(), half);
    gate.get("/api/v1/session").await.expect(401);
    gate.get("/api/v1/me").await.expect(401);
}

#[actix_web::test]
async fn an_employee_s_session_ends_after_half_an_hour_of_rest() {
    let house = House::new();
    let mut browser = house.browser().await;
    house.enrolled(&mut browser, "pnaka", &[]).await;
    for _ in 0..3 {
        house.advance(Duration::minutes(29));
        browser.get("/api/v1/me").await.expect(200);
    }
    house.advance(Duration::minutes(30));
    browser.get("/api/v1/me").await.expect(401);
}

#[actix_web::test]
async fn no_session_outlives_twelve_hours() {
    let house = House::new();
    let mut browser = house.browser().await;
    house.enrolled(&mut browser, "pnaka", &[]).await;
    for _ in 0..48 {
        browser.get("/api/v1/me").await.expect(200);
        house.advance(Duration::minutes(15));
    }
    browser.get("/api/v1/me").await.expect(401);
}

#[actix_web::test]
async fn an_administrator_s_session_is_shorter() {
    let house = House::new();
    let mut browser = house.browser().await;
    house.enrolled(&mut browser, "pnaka", &["bailiwick/administrator"]).await;
    let session = browser.get("/api/v1/session").await.expect(200).json();
    assert_eq!(session["idle_seconds"], 15 * 60);
    house.advance(Duration::minutes(14));
    browser.get("/api/v1/me").await.expect(200);
    house.advance(Duration::minutes(15));
    browser.get("/api/v1/me").await.expect(401);
}

#[actix_web::test]
async fn a_node_that_saw_nothing_asks_before_it_calls_a_session_idle() {
    let house = House::new();
    let mut browser = house.browser().await;
    house.enrolled(&mut browser, "pnaka", &[]).await;
    let other = house.second_node();
    let token = browser.cookies[COOKIE].clone();
    assert!(
        sessions::identify(&other, &token, None).await.expect("answers").is_some(),
        "at once, without a log entry"
    );
    for _ in 0..3 {
        house.advance(Duration::minutes(20));
        browser.get("/api/v1/me").await.expect(200);
    }
    assert!(sessions::identify(&other, &token, None).await.expect("answers").is_some());
    house.advance(Duration::minutes(30));
    assert!(sessions::identify(&other, &token, None).await.expect("answers").is_none());
}

#[actix_web::test]
async fn signing_out_is_known_to_another_node_once_it_has_followed() {
    let house = House::new();
    let mut browser = house.browser().await;
    house.enrolled(&mut browser, "pnaka", &[]).await;
    let other = house.second_node();
    let token = browser.cookies[COOKIE].clone();
    assert!(sessions::identify(&other, &token, None).await.expect("answers").is_some());
    browser.delete("/api/v1/session", json!({})).await.expect(204);
    let follower = other.clone();
    tokio::task::spawn_blocking(move || follower.catch_up()).await.expect("runs").expect("follows");
    assert!(sessions::identify(&other, &token, None).await.expect("answers").is_none());
}

#[actix_web::test]
async fn whoever_leaves_or_rests_is_out_at_that_instant() {
    let house = House::new();
    let mut browser = house.browser().await;
    let person = house.enrolled(&mut browser, "pnaka", &[]).await;
    browser.get("/api/v1/me").await.expect(200);
    let (id, caller) = (person.account.clone(), Caller::shell(0));
    let rest = (accounts::Suspension::Leave, None);
    house.app.write(&caller, move |tx| accounts::suspend(tx, &id, rest, None)).await.expect("suspended");
    browser.get("/api/v1/me").await.expect(401);
    let id = person.account.clone();
    house.app.write(&caller, move |tx| accounts::reinstate(tx, &id, None)).await.expect("reinstated");
    browser.get("/api/v1/me").await.expect(200);

    let ends_at = house.app.context().clock.now().plus(Duration::minutes(5));
    let id = person.account.clone();
    let changes = accounts::Changes { ends_at: Some(Some(ends_at)), ..accounts::Changes::default() };
    house.app.write(&caller, move |tx| accounts::change(tx, &id, &changes)).await.expect("an end is set");
    house.advance(Duration::minutes(5) - Duration::seconds(1));
    browser.get("/api/v1/me").await.expect(200);
    house.advance(Duration::seconds(1));
    browser.get("/api/v1/me").await.expect(401);
    let signed = json!({ "username": "pnaka", "password": PASSWORD });
    browser.other().post("/api/v1/signin", signed).await.expect(401);
}

#[actix_web::test]
async fn leaving_takes_every_way_in() {
    let house = House::new();
    let mut browser = house.browser().await;
    let person = house.enrolled(&mut browser, "pnaka", &[]).await;
    let id = person.account.clone();
    let ended = house
        .app
        .write(&Caller::house("leavers"), move |tx| bailiwick::signin::close(tx, &id, "left"))
        .await
        .expect("closed");
    assert_eq!(ended.value, 1);
    browser.get("/api/v1/me").await.expect(401);
    let id = person.account.clone();
    let left = house.app.read(move |reader| sessions::living(reader, &id)).await.expect("counted");
    assert_eq!(left, 0);
    let signed = json!({ "username": "pnaka", "password": PASSWORD });
    browser.other().post("/api/v1/signin", signed).await.expect(401);
}

#[actix_web::test]
async fn one_sees_and_ends_one_s_own_sessions_only() {
    let house = House::new();
    let mut first = house.browser().await;
    let person = house.enrolled(&mut first, "pnaka", &[]).await;
    let mut second = first.other();
    house.sign_in(&mut second, &person).await;
    let list = second.get("/api/v1/me/sessions").await.expect(200).json();
    let items = list["items"].as_array().expect("items");
    assert_eq!(items.len(), 2);
    assert_eq!(items.iter().filter(|item| item["current"] == true).count(), 1);
    let other = items.iter().find(|item| item["current"] == false).expect("the other one");
    let path = format!("/api/v1/me/sessions/{}", other["id"].as_str().expect("an id"));

    let mut stranger = first.other();
    house.enrolled(&mut stranger, "vokoro", &[]).await;
    stranger.delete(&path, json!({})).await.expect(404);
    second.delete(&path, json!({})).await.expect(200);
    first.get("/api/v1/me").await.expect(401);
    second.get("/api/v1/me").await.expect(200);
}

#[actix_web::test]
async fn a_cookie_alone_does_not_write_from_another_site() {
    let house = House::new();
    let mut browser = house.browser().await;
    house.enrolled(&mut browser, "pnaka", &[]).await;
    let mut foreign = browser.from_origin(Some("https://evil.example"));
    foreign.delete("/api/v1/session", json!({})).await.expect(403);
    browser.get("/api/v1/me").await.expect(200);
}

#[actix_web::test]
async fn a_cookie_that_is_no_token_opens_nothing_and_breaks_nothing() {
    let house = House::new();
    let mut browser = house.browser().await;
    house.enrolled(&mut browser, "pnaka", &[]).await;
    let token = browser.cookies[COOKIE].clone();
    let spoilt = [
        String::new(),
        token[..42].to_owned(),
        format!("{token}A"),
        token.to_lowercase(),
        "A".repeat(8_000),
        "\u{fc}".repeat(43),
        format!("\"{token}"),
        "%00".to_owned(),
    ];
    let mut other = browser.other();
    for cookie in spoilt {
        other.cookies.insert(COOKIE.to_owned(), cookie.clone());
        let reply = other.get("/api/v1/me").await;
        assert_eq!(reply.status, 401, "{cookie}");
        assert_eq!(other.get("/").await.expect(303).header("location"), "/sign-in?next=/", "{cookie}");
    }
    browser.get("/api/v1/me").await.expect(200);
}

#[actix_web::test]
async fn what_ended_long_ago_is_tidied_away() {
    let house = House::new();
    let mut browser = house.browser().await;
    house.enrolled(&mut browser, "pnaka", &[]).await;
    house.advance(Duration::days(40));
    let app = house.app.clone();
    let report = tokio::task::spawn_blocking(move || bailiwick::jobs::run_now(&app, "signin.tidy"))
        .await
        .expect("runs")
        .expect("tidies");
    assert_eq!(report.as_deref(), Some("forgot 1 counters, 1 links, 1 devices, 2 sessions, 0 old addresses"));
}
