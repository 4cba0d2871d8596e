//! `Idempotency-Key`: sent twice, done once, answered twice; raced, replayed, taken over, forgotten after a day.

use actix_web::test::TestRequest;
use bailiwick::caller::{Caller, Once};
use bailiwick::db::once;
use chrono::Duration;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable};
use serde_json::{Value, json};

use crate::support::{Browser, House, Member, PASSWORD, Reply};

const KEY: &str = "3b7f6c52-9d1c-4a6e-8f0e-7a1d6f6f0c11";

/// Somebody who may make services.
async fn administrator(house: &House) -> Member {
    house.member("priya.raman", &["bailiwick/administrator"]).await
}

fn person(name: &str) -> Value {
    json!({ "username": name, "given_name": "Wilma", "family_name": "Lanternfield" })
}

async fn send(browser: &mut Browser, path: &str, key: &str, body: &Value) -> Reply {
    let request = TestRequest::post().uri(path).insert_header(("idempotency-key", key)).set_json(body);
    browser.send(request).await
}

async fn create(browser: &mut Browser, key: &str, body: &Value) -> Reply {
    send(browser, "/api/v1/accounts", key, body).await
}

fn size(house: &House) -> u64 {
    house.app.read_now(|reader| bailiwick::log::store::size(reader.connection)).expect("the log")
}

fn slug(reply: &Reply) -> String {
    reply.json()["type"].as_str().unwrap_or_default().trim_start_matches("/problems/").to_owned()
}

#[actix_web::test]
async fn the_same_call_again_gets_the_same_answer_and_takes_no_second_effect() {
    let house = House::new();
    let mut priya = administrator(&house).await.browser;
    let first = create(&mut priya, KEY, &person("wilma")).await.expect(201);
    assert_eq!(first.header("idempotency-replayed"), "");
    let after = size(&house);
    for _ in 0..3 {
        let again = create(&mut priya, KEY, &person("wilma")).await.expect(201);
        assert_eq!(
            (again.body.as_str(), again.header("idempotency-replayed")),
            (first.body.as_str(), "true")
        );
    }
    assert_eq!(size(&house), after);
    let other = create(&mut priya, KEY, &person("wilma.second")).await.expect(422);
    assert_eq!(slug(&other), "idempotency-key-reused");
    // Another letter of the same body is another call, and so is another address.
    let other = create(&mut priya, KEY, &person("Wilma")).await.expect(422);
    assert_eq!(slug(&other), "idempotency-key-reused");
    let other =
        send(&mut priya, "/api/v1/accounts/search", KEY, &json!({ "text": "wilma" })).await.expect(422);
    assert_eq!(slug(&other), "idempotency-key-reused");
    assert_eq!(size(&house), after);
}

#[actix_web::test]
async fn a_key_belongs_to_who_sent_it_and_is_nobodys_without_a_sign_in() {
    let house = House::new();
    let mut priya = administrator(&house).await.browser;
    let mut nora = house.member("nora.carvalho", &["bailiwick/administrator"]).await.browser;
    create(&mut priya, KEY, &person("wilma")).await.expect(201);
    let taken = create(&mut nora, KEY, &person("wilma")).await.expect(409);
    assert_eq!(slug(&taken), "name-taken", "another's key is another key");
    let mut nobody = house.browser().await;
    let body = json!({ "username": "nobody.here", "password": "wrong" });
    for _ in 0..2 {
        let reply = send(&mut nobody, "/api/v1/signin", KEY, &body).await.expect(401);
        assert_eq!(reply.header("idempotency-replayed"), "");
    }
    // A question to the decision point changes nothing: it is asked anew each time.
    let grace = house.person("grace", None).await;
    let issued = house.key("desk", &grace, None, &["bailiwick/evaluation:ask"]).await;
    let mut desk = house.browser().await.with_key(&issued.token);
    for _ in 0..2 {
        let body = json!({ "subject": { "type": "user", "id": "x" }, "action": { "name": "y" }, "resource": { "type": "z", "id": "1" } });
        let reply = send(&mut desk, "/access/v1/evaluation", KEY, &body).await.expect(200);
        assert_eq!(reply.header("idempotency-replayed"), "");
    }
}

#[actix_web::test]
async fn what_was_refused_may_be_sent_again_with_its_key() {
    let house = House::new();
    let mut priya = administrator(&house).await.browser;
    create(&mut priya, KEY, &json!({ "username": "wilma" })).await.expect(422);
    create(&mut priya, KEY, &person("wilma")).await.expect(201);
    for wrong in ["", "a key", &"k".repeat(256), "schlüssel"] {
        let reply = create(&mut priya, wrong, &person("walter")).await.expect(400);
        assert_eq!(reply.json()["errors"][0]["field"], "idempotency-key", "{wrong}");
    }
}

#[actix_web::test]
async fn a_secret_is_not_kept_to_be_given_again() {
    let house = House::new();
    let (_, token) = house.invite("wilma", &[]).await;
    let mut browser = house.browser().await;
    browser.post("/api/v1/enrolment", json!({ "token": token, "password": PASSWORD })).await.expect(200);
    let first = send(&mut browser, "/api/v1/enrolment/totp", KEY, &json!({})).await.expect(200);
    assert!(first.json()["secret"].is_string());
    let again = send(&mut browser, "/api/v1/enrolment/totp", KEY, &json!({})).await.expect(409);
    assert_eq!(slug(&again), "answer-not-kept");
}

#[derive(QueryableByName)]
struct Kept {
    #[diesel(sql_type = Nullable<Binary>)]
    answer: Option<Vec<u8>>,
}

#[actix_web::test]
async fn answers_are_sealed_and_forgotten_after_a_day() {
    let house = House::new();
    let mut priya = administrator(&house).await;
    let first = create(&mut priya.browser, KEY, &person("wilma")).await.expect(201);
    let rows: Vec<Kept> = house
        .app
        .read_now(|reader| Ok(diesel::sql_query("SELECT answer FROM idempotency").load(reader.connection)?))
        .expect("the table");
    let sealed = rows[0].answer.as_ref().expect("an answer");
    assert!(sealed.len() > first.body.len());
    assert!(!sealed.windows(12).any(|part| part == b"Lanternfield"), "it lies open");
    house.run_job("http.tidy").await;
    assert_eq!(keys(&house), 1);
    house.advance(once::KEPT);
    house.run_job("http.tidy").await;
    assert_eq!(keys(&house), 0);
    house.back_again(&mut priya).await;
    let reply = create(&mut priya.browser, KEY, &person("wilma")).await.expect(409);
    assert_eq!(slug(&reply), "name-taken", "the key is new again");
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

fn keys(house: &House) -> i64 {
    let count: Count = house
        .app
        .read_now(|reader| {
            Ok(diesel::sql_query("SELECT COUNT(*) AS count FROM idempotency")
                .get_result(reader.connection)?)
        })
        .expect("the table");
    count.count
}

#[actix_web::test]
#[expect(clippy::disallowed_methods, reason = "calls that really run beside each other")]
async fn two_hundred_at_once_take_effect_once() {
    let house = House::new();
    let priya = administrator(&house).await.browser;
    let before = size(&house);
    let body = person("wilma");
    let calls: Vec<_> = (0..200)
        .map(|_| {
            let (mut browser, body) = (priya.clone(), body.clone());
            actix_web::rt::spawn(async move { create(&mut browser, KEY, &body).await })
        })
        .collect();
    let mut done = Vec::new();
    for call in calls {
        let reply = call.await.expect("it ends");
        match reply.status {
            201 => done.push(reply.body),
            409 => assert_eq!(slug(&reply), "in-flight"),
            // A database that is too busy has taken no key.
            503 => assert_eq!(slug(&reply), "unavailable"),
            other => panic!("{other}: {}", reply.body),
        }
    }
    assert!(!done.is_empty() && done.iter().all(|body| *body == done[0]), "{done:?}");
    assert_eq!(size(&house), before + 1, "it took effect once");
    let mut after = priya.clone();
    assert_eq!(create(&mut after, KEY, &body).await.expect(201).body, done[0]);
}

/// Takes a key as an attempt on some node does, and calls the use case under it.
fn attempt(holder: &str) -> Caller {
    let once = Once { digest: "a-key-of-a-test".to_owned(), holder: holder.to_owned() };
    Caller { once: Some(once), ..Caller::shell(1000) }
}

fn taken(house: &House, caller: &Caller) -> bool {
    let once = caller.once.clone().expect("a key");
    house.app.database().alone(|reader| once::take(reader, &once, "a-call")).expect("a statement")
}

fn create_now(house: &House, caller: &Caller, username: &str) -> bailiwick::error::Result<()> {
    let new = bailiwick::accounts::NewPerson {
        username: Some(username.to_owned()),
        family_name: Some("Lanternfield".to_owned()),
        ..Default::default()
    };
    house.app.write_now(caller, |tx| bailiwick::accounts::create_person(tx, new)).map(|_| ())
}

#[test]
fn an_attempt_that_was_replaced_cannot_commit_any_more() {
    let house = House::new();
    let (dead, next) = (attempt("dead"), attempt("next"));
    assert!(taken(&house, &dead));
    assert!(!taken(&house, &next));
    let replace = |house: &House| {
        let once = next.once.clone().expect("a key");
        house.app.database().alone(|reader| once::take_over(reader, &once, "dead")).expect("a statement")
    };
    house.advance(once::PATIENCE - Duration::microseconds(1));
    assert!(!replace(&house), "not before its time");
    house.advance(Duration::microseconds(1));
    assert!(replace(&house));
    let before = size(&house);
    assert!(create_now(&house, &dead, "wilma").is_err(), "the one that was thought dead comes too late");
    assert_eq!(size(&house), before);
    create_now(&house, &next, "wilma").expect("the next one commits");
    house.advance(once::PATIENCE);
    let third = Once { digest: "a-key-of-a-test".to_owned(), holder: "third".to_owned() };
    let taken =
        house.app.database().alone(|reader| once::take_over(reader, &third, "next")).expect("a statement");
    assert!(!taken, "what is committed is not done again");
}

/// Of a commit whose outcome is unknown the key knows whether it happened. PostgreSQL only: there the line to the
/// server breaks in the middle of the commit.
#[actix_web::test]
async fn an_unknown_outcome_is_503_and_the_key_decides() {
    let house = House::new();
    if !house.on_postgresql() {
        return;
    }
    let mut priya = administrator(&house).await.browser;
    let run = |sql: &str| {
        let mut connection = house.app.database().location().connect().expect("a connection");
        connection.batch_execute(sql).expect("it runs");
    };
    run("CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
         CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON accounts DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW EXECUTE FUNCTION cut();");
    let before = size(&house);
    let reply = create(&mut priya, KEY, &person("wilma")).await.expect(503);
    assert!(reply.body.contains("Idempotency-Key"), "{}", reply.body);
    assert_eq!(size(&house), before, "this time it was not committed");
    run("DROP TRIGGER cut ON accounts");
    create(&mut priya, KEY, &person("wilma")).await.expect(201);
    create(&mut priya, KEY, &person("wilma")).await.expect(201);
    assert_eq!(size(&house), before + 1);
}
