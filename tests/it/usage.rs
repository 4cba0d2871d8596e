//! How much was retrieved under a permit: told once, by the key that asked, recorded before the answer.

use bailiwick::error::Result;
use bailiwick::log::access::{Access, Books, Record};
use chrono::Duration;
use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

use crate::support::{Browser, Firm, House, decision, may_read};

const USAGE: &str = "/api/v1/usage";

fn volumes(house: &House) -> Vec<Record> {
    assert!(house.app.recorder().flush(), "the recorder writes");
    let today = house.now().utc().date_naive();
    let all = Books::new(house.app.database().location(), house.data()).records(today, 0, 10_000);
    let is_volume = |record: &Record| matches!(record.access, Access::Usage { .. });
    all.expect("the day can be read").into_iter().filter(is_volume).collect()
}

/// A desk that asks, and a question about an address that Ada may read, whose permit gets a name.
async fn desk(house: &House) -> (Browser, Firm, Value) {
    let firm = house.firm().await;
    house.give(&firm.ada, "orders/address-reader", 30).await;
    let mut question = may_read("ada", "buyer-address");
    question["resource"]["id"] = json!("order-4711");
    question["context"]["usage"] = json!(true);
    (house.order_desk(&firm.grace).await, firm, question)
}

async fn named(desk: &mut Browser, question: &Value) -> String {
    let answer = desk.post("/access/v1/evaluation", question.clone()).await.expect(200).json();
    answer["context"]["evaluation"].as_str().expect("a name").to_owned()
}

fn told(evaluation: &str, records: u64) -> Value {
    json!({ "evaluation": evaluation, "records": records })
}

#[actix_web::test]
async fn a_volume_is_recorded_once_beside_its_permit() {
    let house = House::new();
    let (mut desk, firm, question) = desk(&house).await;
    let name = named(&mut desk, &question).await;
    let permitted_at = house.now();
    house.advance(Duration::minutes(3));
    assert_eq!(desk.post(USAGE, told(&name, 250)).await.expect(200).json(), json!({ "records": 250 }));
    let today = house.now().utc().date_naive();
    let books = Books::new(house.app.database().location(), house.data());
    let all = books.records(today, 0, 100).expect("without any waiting");
    let volume = all.iter().find_map(|record| match &record.access {
        Access::Usage { permission, record: hash, permitted_at, records, .. } => {
            Some((record.subject.clone(), permission.as_str(), hash.clone(), *permitted_at, *records))
        }
        _ => None,
    });
    let hash = all.iter().find_map(|record| match &record.access {
        Access::Permit { record, .. } => Some(record.clone()),
        _ => None,
    });
    let expected = (Some(firm.ada), "orders/buyer-address:read", hash.expect("a permit"), permitted_at, 250);
    assert_eq!(volume, Some(expected));
    desk.post(USAGE, told(&name, 250)).await.expect(200);
    let other = desk.post(USAGE, told(&name, 251)).await.expect(409).json();
    assert_eq!(other["type"], "/problems/usage-told");
    assert_eq!(volumes(&house).len(), 1);
}

#[actix_web::test]
async fn only_the_key_that_asked_tells_and_only_within_a_day() {
    let house = House::new();
    let (mut desk, firm, question) = desk(&house).await;
    let name = named(&mut desk, &question).await;
    let other = house.key("other-desk", &firm.grace, Some("orders"), &["bailiwick/evaluation:ask"]).await;
    let mut other = desk.with_key(&other.token);
    other.post(USAGE, told(&name, 1)).await.expect(422);
    let figures = house.key("figures", &firm.grace, Some("orders"), &["bailiwick/events:read"]).await;
    desk.with_key(&figures.token).post(USAGE, told(&name, 1)).await.expect(403);
    desk.other().post(USAGE, told(&name, 1)).await.expect(401);
    for wrong in [
        told("", 1),
        told(&name[1..], 1),
        told(&name.replace('.', ""), 1),
        told(&"x".repeat(1_025), 1),
        told(&name, 1_000_000_001),
        json!({ "evaluation": name, "records": -1 }),
        json!({ "evaluation": name, "records": 1.5 }),
        json!({ "evaluation": name }),
        json!({ "evaluation": name, "records": 1, "of": "ada" }),
    ] {
        let status = desk.post(USAGE, wrong.clone()).await.status;
        assert!(matches!(status, 400 | 422), "{wrong}: {status}");
    }
    assert_eq!(volumes(&house), []);
    house.advance(Duration::hours(24) - Duration::microseconds(1));
    desk.post(USAGE, told(&name, 0)).await.expect(200);
    house.advance(Duration::microseconds(1));
    desk.post(USAGE, told(&name, 0)).await.expect(422);
    house.advance(Duration::days(2));
    assert_eq!(house.run_job("decision.tidy").await.as_deref(), Some("forgot 1 volumes"));
}

#[actix_web::test]
async fn permits_have_names_only_for_who_wants_them_and_denials_have_none() {
    let house = House::new();
    let (mut desk, firm, mut question) = desk(&house).await;
    let ask = "/access/v1/evaluation";
    let mut denied = question.clone();
    denied["subject"]["id"] = json!("ben");
    assert_eq!(desk.post(ask, denied).await.expect(200).body, r#"{"decision":false}"#);
    let mut batch = question.clone();
    let item = |record: &str| {
        let mut resource = question["resource"].clone();
        resource["id"] = json!(record);
        json!({ "resource": resource })
    };
    batch["evaluations"] = json!([item("order-1"), item("order-2")]);
    let all = desk.post("/access/v1/evaluations", batch).await.expect(200).json();
    let names: Vec<&str> =
        (0..2).filter_map(|number| all["evaluations"][number]["context"]["evaluation"].as_str()).collect();
    assert_eq!(names.len(), 2);
    assert_ne!(names[0], names[1], "each has its own");
    question["context"].as_object_mut().expect("an object").remove("usage");
    assert_eq!(desk.post(ask, question.clone()).await.expect(200).body, r#"{"decision":true}"#);
    let allow = ["bailiwick/evaluation:ask", "bailiwick/evaluation:explain"];
    let explaining = house.key("explainer", &firm.grace, Some("orders"), &allow).await;
    question["context"]["explain"] = json!(true);
    let answer = desk.with_key(&explaining.token).post(ask, question).await.expect(200).json();
    assert!(answer["context"]["evaluation"].is_string(), "{answer}");
    assert_eq!(answer["context"]["reason"], "permitted");
}

#[actix_web::test]
async fn two_hundred_who_tell_the_same_at_once_make_one_record() {
    let house = House::new();
    let (mut desk, _, question) = desk(&house).await;
    let name = named(&mut desk, &question).await;
    let calls = (0..200).map(|_| {
        let (mut desk, body) = (desk.clone(), told(&name, 12));
        async move { desk.post(USAGE, body).await.status }
    });
    let statuses = futures_of(calls).await;
    assert!(statuses.iter().all(|status| matches!(status, 200 | 409)), "{statuses:?}");
    assert!(statuses.contains(&200));
    assert_eq!(volumes(&house).len(), 1);
}

/// Runs calls side by side.
#[expect(clippy::disallowed_methods, reason = "calls that really run beside each other")]
async fn futures_of<F: Future<Output = u16> + 'static>(calls: impl Iterator<Item = F>) -> Vec<u16> {
    let running: Vec<_> = calls.map(actix_web::rt::spawn).collect();
    let mut statuses = Vec::with_capacity(running.len());
    for call in running {
        statuses.push(call.await.expect("it ends"));
    }
    statuses
}

#[actix_web::test]
async fn what_cannot_be_recorded_was_not_told() {
    let house = House::new();
    let (mut desk, _, question) = desk(&house).await;
    let name = named(&mut desk, &question).await;
    let day = house.now().utc().format("access_%Y%m%d").to_string();
    let rename = |from: &str, to: &str| -> Result<()> {
        let statement = format!("ALTER TABLE {day} RENAME COLUMN {from} TO {to}");
        let location = match house.app.database().location() {
            bailiwick::db::Location::Sqlite(..) => {
                let file = format!("access/{}.db", house.now().utc().date_naive());
                bailiwick::db::Location::file(&house.data().join(file))
            }
            postgresql => postgresql.clone(),
        };
        location.connect()?.batch_execute(&statement).map_err(Into::into)
    };
    rename("leaf", "gone").expect("renamed");
    desk.post(USAGE, told(&name, 5)).await.expect(503);
    rename("gone", "leaf").expect("renamed");
    assert_eq!(volumes(&house), []);
    desk.post(USAGE, told(&name, 7)).await.expect(200);
    assert!(decision(&mut desk, &question).await);
    assert_eq!(volumes(&house).len(), 1);
}
