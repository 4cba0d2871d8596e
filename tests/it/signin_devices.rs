//! Strangers who guess, and those whom that must not keep out: known devices, throttles, whoever tries many names.

use actix_web::test::TestRequest;
use bailiwick::app::App;
use bailiwick::error::Error;
use bailiwick::signin::Visitor;
use bailiwick::signin::hasher::Secret;
use chrono::Duration;
use serde_json::json;

use crate::support::{Browser, Enrolled, House, PASSWORD};

const DEVICE: &str = "__Host-device";

fn signed(username: &str, password: &str) -> serde_json::Value {
    json!({ "username": username, "password": password })
}

async fn wrong(gate: &mut Browser, username: &str, times: usize) {
    for _ in 0..times {
        gate.post("/api/v1/signin", signed(username, "wrong")).await.expect(401);
    }
}

/// Somebody whose browser is known, and a stranger elsewhere.
async fn known_and_stranger(house: &House) -> (Browser, Enrolled, Browser) {
    let mut browser = house.browser().await;
    let person = house.enrolled(&mut browser, "pnaka", &[]).await;
    let stranger = browser.other().from_address("192.0.2.9");
    (browser, person, stranger)
}

#[actix_web::test]
async fn a_stranger_who_guesses_keeps_no_known_device_out() {
    let house = House::new();
    let (mut browser, person, mut stranger) = known_and_stranger(&house).await;
    browser.delete("/api/v1/session", json!({})).await.expect(204);
    wrong(&mut stranger, "pnaka", 3).await;
    stranger.post("/api/v1/signin", signed("pnaka", PASSWORD)).await.expect(401);
    house.sign_in(&mut browser, &person).await;
    // And the lock stays for everybody else.
    stranger.post("/api/v1/signin", signed("pnaka", PASSWORD)).await.expect(401);
}

#[actix_web::test]
async fn what_fails_on_a_known_device_counts_on_both_counters_and_the_third_closes_the_device_too() {
    let house = House::new();
    let (mut browser, _, mut stranger) = known_and_stranger(&house).await;
    wrong(&mut browser, "pnaka", 2).await;
    let hashed = house.app.hashers().hashed();
    wrong(&mut stranger, "pnaka", 2).await;
    assert_eq!(house.app.hashers().hashed() - hashed, 1, "the account had one try left");
    browser.post("/api/v1/signin", signed("pnaka", "wrong")).await.expect(401);
    let hashed = house.app.hashers().hashed();
    browser.post("/api/v1/signin", signed("pnaka", PASSWORD)).await.expect(401);
    assert_eq!(house.app.hashers().hashed(), hashed, "the device is closed");
    house.advance(Duration::minutes(15));
    browser.post("/api/v1/signin", signed("pnaka", PASSWORD)).await.expect(200);
}

#[actix_web::test]
async fn a_device_is_known_to_one_account_for_thirty_days_and_until_the_password_changes() {
    let house = House::new();
    let (mut browser, person, mut stranger) = known_and_stranger(&house).await;
    let mut other = browser.other();
    house.enrolled(&mut other, "qlee", &[]).await;
    let token = browser.cookies[DEVICE].clone();
    assert_eq!(token.len(), 43);
    // Another's device is no device, and neither is one that nobody made.
    for cookie in [other.cookies[DEVICE].clone(), "A".repeat(43)] {
        let mut gate = stranger.other();
        gate.cookies.insert(DEVICE.to_owned(), cookie);
        wrong(&mut gate, "pnaka", 3).await;
        gate.post("/api/v1/signin", signed("pnaka", PASSWORD)).await.expect(401);
        house.advance(Duration::minutes(15));
    }
    let mut gate = stranger.other();
    for cookie in ["short".to_owned(), "A".repeat(4_000), "\u{fc}".repeat(43)] {
        gate.cookies.insert(DEVICE.to_owned(), cookie);
        gate.post("/api/v1/signin", signed("pnaka", PASSWORD)).await.expect(200);
    }
    house.advance(Duration::days(1));
    let mut gate = stranger.other();
    gate.cookies.insert(DEVICE.to_owned(), token.clone());
    wrong(&mut stranger, "pnaka", 3).await;
    gate.post("/api/v1/signin", signed("pnaka", PASSWORD)).await.expect(200);
    house.advance(Duration::days(30));
    wrong(&mut stranger, "pnaka", 3).await;
    gate.cookies.insert(DEVICE.to_owned(), token);
    gate.post("/api/v1/signin", signed("pnaka", PASSWORD)).await.expect(401);

    house.advance(Duration::minutes(15));
    house.sign_in(&mut browser, &person).await;
    let again = browser.cookies[DEVICE].clone();
    let change = json!({ "current_password": PASSWORD, "password": "Another 7 under the hill!" });
    browser.post("/api/v1/me/password", change).await.expect(200);
    wrong(&mut stranger, "pnaka", 3).await;
    gate.cookies.insert(DEVICE.to_owned(), again);
    gate.post("/api/v1/signin", signed("pnaka", "Another 7 under the hill!")).await.expect(401);
}

#[actix_web::test]
async fn the_sixth_device_takes_the_place_of_the_oldest() {
    let house = House::new();
    let (browser, person, mut stranger) = known_and_stranger(&house).await;
    let mut devices = vec![browser.clone()];
    for _ in 0..5 {
        let mut device = browser.other();
        house.sign_in(&mut device, &person).await;
        devices.push(device);
    }
    wrong(&mut stranger, "pnaka", 3).await;
    let mut let_in = Vec::new();
    for device in &mut devices {
        let_in.push(device.post("/api/v1/signin", signed("pnaka", PASSWORD)).await.status);
    }
    assert_eq!(let_in, [401, 200, 200, 200, 200, 200]);
}

#[actix_web::test]
async fn an_address_that_tries_too_often_waits_and_the_lock_is_asked_before() {
    let house = House::new();
    let (mut browser, _, mut stranger) = known_and_stranger(&house).await;
    let mut locked = stranger.from_address("192.0.2.10");
    wrong(&mut locked, "nobody.at.all", 3).await;
    for _ in 0..60 {
        stranger.post("/api/v1/signin", signed("pnaka", PASSWORD)).await.expect(200);
    }
    let hashed = house.app.hashers().hashed();
    let waits = stranger.post("/api/v1/signin", signed("pnaka", PASSWORD)).await.expect(429);
    assert_eq!(
        (waits.json()["type"].as_str(), waits.header("retry-after")),
        (Some("/problems/too-many"), "1")
    );
    stranger.post("/api/v1/signin", signed("nobody.at.all", "wrong")).await.expect(401);
    let form = [("username", "pnaka"), ("password", PASSWORD)];
    let page = stranger.submit("/sign-in", &form).await.expect(429);
    assert!(page.body.contains("Wait a second") && page.header("retry-after") == "1", "{}", page.body);
    assert_eq!(house.app.hashers().hashed(), hashed, "nothing is hashed for who has to wait");
    locked.post("/api/v1/signin", signed("pnaka", PASSWORD)).await.expect(200);
    browser.from_address("192.0.2.9").post("/api/v1/signin", signed("pnaka", PASSWORD)).await.expect(200);
    house.advance(Duration::seconds(1));
    stranger.post("/api/v1/signin", signed("pnaka", PASSWORD)).await.expect(200);
    browser.post("/api/v1/signin", signed("pnaka", PASSWORD)).await.expect(200);
}

/// Only proxies that are trusted say for whom they call; here is none.
#[actix_web::test]
async fn nobody_says_by_a_header_where_they_come_from() {
    let house = House::new();
    let (_, _, mut stranger) = known_and_stranger(&house).await;
    let mut statuses = Vec::new();
    for number in 0..61 {
        let said = format!("198.51.100.{number}");
        let call = TestRequest::post().uri("/api/v1/signin").set_json(signed("pnaka", PASSWORD));
        let call = ["x-forwarded-for", "x-real-ip", "forwarded", "true-client-ip"]
            .into_iter()
            .fold(call, |call, name| call.insert_header((name, said.clone())));
        statuses.push(stranger.send(call).await.status);
    }
    assert_eq!(statuses, [vec![200; 60], vec![429]].concat());
}

#[actix_web::test]
async fn ten_names_from_one_address_raise_an_alarm_and_close_it_and_no_known_device() {
    let house = House::new();
    let (mut browser, _, _) = known_and_stranger(&house).await;
    let mut officer = house.member("karim.jensen", &["bailiwick/security-officer"]).await;
    let mut stranger = browser.other();
    for number in 0..10 {
        let username = if number == 4 { "pnaka".to_owned() } else { format!("guess{number}") };
        stranger.post("/api/v1/signin", signed(&username, "wrong")).await.expect(401);
    }
    let closed = stranger.post("/api/v1/signin", signed("guess11", "wrong")).await.expect(429);
    assert_eq!(closed.json()["type"], "/problems/too-many");
    assert!(closed.header("retry-after").parse::<u32>().is_ok_and(|seconds| (890..=901).contains(&seconds)));
    // The same address, and a device that is known there.
    browser.post("/api/v1/signin", signed("pnaka", PASSWORD)).await.expect(200);
    stranger.from_address("192.0.2.77").post("/api/v1/signin", signed("pnaka", PASSWORD)).await.expect(200);

    house.app.noticed();
    let alarms = officer.browser.get("/api/v1/alarms?view=open&rule=guessing").await.expect(200).json();
    let alarm = &alarms["items"][0];
    assert_eq!((&alarm["observed"], &alarm["threshold"]), (&json!(10), &json!(10)), "{alarm}");
    let text = alarm.to_string();
    assert!(!text.contains("127.0.0.1") && !text.contains("guess9"), "{text}");
    let page =
        officer.browser.get(&format!("/alarms/{}", alarm["id"].as_str().expect("an id"))).await.expect(200);
    assert!(page.body.contains("One source tries many names"), "{}", page.body);
    house.advance(Duration::minutes(16));
    stranger.post("/api/v1/signin", signed("pnaka", PASSWORD)).await.expect(200);
}

/// A shift begins: many people behind one address, some of whom mistype once.
#[actix_web::test]
async fn at_the_beginning_of_a_shift_nobody_is_kept_out() {
    let house = House::new();
    let mut browser = house.browser().await;
    let mut people = Vec::new();
    for number in 0..30 {
        let mut own = browser.other().from_address(&format!("10.0.{number}.1"));
        people.push(house.enrolled(&mut own, &format!("picker{number}"), &[]).await);
    }
    browser = browser.other().from_address("203.0.113.5");
    let mut kept_out = 0;
    for number in 0..150 {
        let person = &people[number % people.len()];
        let mut terminal = browser.other();
        if number % 20 == 7 {
            terminal.post("/api/v1/signin", signed(&person.username, "mistyped")).await.expect(401);
        }
        let reply = terminal.post("/api/v1/signin", signed(&person.username, PASSWORD)).await;
        kept_out += usize::from(reply.status != 200);
        house.advance(Duration::seconds(4));
    }
    assert_eq!(kept_out, 0);
}

/// 200 wrong guesses at once, from 50 addresses and in every spelling, at every node there is.
#[actix_web::test]
async fn of_two_hundred_guesses_at_two_nodes_three_are_evaluated() {
    let house = House::new();
    let (mut browser, _, mut stranger) = known_and_stranger(&house).await;
    let second = if house.on_postgresql() { house.second_node() } else { house.app.clone() };
    let nodes = [house.app.clone(), second.clone()];
    let hashed = || {
        let other = if house.on_postgresql() { second.hashers().hashed() } else { 0 };
        house.app.hashers().hashed() + other
    };
    let before = hashed();
    let refused = std::thread::scope(|scope| {
        let begin = |number: usize| {
            let app = nodes[number % 2].clone();
            scope.spawn(move || guess(&app, number))
        };
        let guesses: Vec<_> = (0..200).map(begin).collect();
        guesses.into_iter().map(|guess| usize::from(guess.join().expect("a guess ends"))).sum::<usize>()
    });
    assert_eq!(refused, 200);
    assert_eq!(hashed() - before, 3);
    // The counter is there for everybody: the right password is refused, and taken when the time is over.
    stranger.post("/api/v1/signin", signed("pnaka", PASSWORD)).await.expect(401);
    browser.post("/api/v1/signin", signed("pnaka", PASSWORD)).await.expect(200);
    house.advance(Duration::minutes(15));
    stranger.post("/api/v1/signin", signed("pnaka", PASSWORD)).await.expect(200);
}

/// Whether a guess is refused as every other is.
fn guess(app: &App, number: usize) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let username = ["pnaka", "PNAKA", " pnaka ", "Pnaka"][number % 4].to_owned();
    let address = Some(std::net::IpAddr::from([192, 0, (number % 50) as u8, 1]));
    let visitor = Visitor { address, ..Visitor::default() };
    let typed = Secret::new(format!("guess {number}"));
    let outcome = runtime.block_on(bailiwick::signin::sign_in(app, username, typed, visitor));
    matches!(outcome, Err(Error::Unauthenticated))
}
