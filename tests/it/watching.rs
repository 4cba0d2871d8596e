//! What the decision point notices while it answers: canaries, a recorder without room, a disk that fills, an index
//! that differs from casbin. And a flood of denials, which changes nothing for others.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bailiwick::alarms::lists::{self, Narrowing};
use bailiwick::alarms::{self, Alarm, Rule, Severity};
use bailiwick::db::Reader;
use bailiwick::disk::Disk;
use bailiwick::log::access::{Access, Books, Record};
use chrono::Duration;
use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

use crate::support::{Browser, Firm, House, decision, may_read};

/// A disk that is as full as a test wants.
#[derive(Debug)]
struct ToldDisk(AtomicU64);

impl Disk for ToldDisk {
    fn free(&self, _: &Path) -> Option<u64> {
        Some(self.0.load(Ordering::SeqCst))
    }
}

fn noticed(house: &House, rule: Rule) -> Vec<Alarm> {
    assert!(house.app.recorder().flush(), "the recorder writes");
    raised(house, rule)
}

fn raised(house: &House, rule: Rule) -> Vec<Alarm> {
    house.app.noticed();
    let narrowing = Narrowing { rule: Some(rule), ..Narrowing::default() };
    house.app.read_now(|reader| lists::list(reader, &narrowing, None, 100)).expect("the alarms").0
}

fn records(house: &House) -> Vec<Record> {
    assert!(house.app.recorder().flush(), "the recorder writes");
    let today = house.now().utc().date_naive();
    let books = Books::new(house.app.database().location(), house.data());
    books.records(today, 0, 100_000).expect("the day can be read")
}

fn sql(house: &House, statement: &str) {
    let run = |reader: &mut Reader<'_>| reader.connection.batch_execute(statement).map_err(Into::into);
    house.app.database().alone(run).expect("the statement runs");
}

/// Ada, who may read addresses, and the desk that asks.
async fn desk(house: &House) -> (Browser, Firm) {
    let firm = house.firm().await;
    house.give(&firm.ada, "orders/address-reader", 30).await;
    (house.order_desk(&firm.grace).await, firm)
}

fn about(record: &str, subject: &str) -> Value {
    let mut question = may_read(subject, "buyer-address");
    question["resource"]["id"] = json!(record);
    question
}

#[actix_web::test]
async fn a_canary_alarms_whatever_the_answer_and_repeats_are_counted() {
    let house = House::new();
    let (mut desk, firm) = desk(&house).await;
    assert!(decision(&mut desk, &about("order-1", "ada")).await);
    assert_eq!(noticed(&house, Rule::CanaryAccess), []);
    let before = house.app.applied();
    assert!(decision(&mut desk, &about("canary-1", "ada")).await, "it is answered as any other");
    let found = noticed(&house, Rule::CanaryAccess);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].severity, found[0].account.as_ref()), (Severity::Critical, Some(&firm.ada)));
    assert!(found[0].samples[0].starts_with("canary-1, orders/buyer-address:read: permitted, asked by "));
    assert_eq!(house.app.applied(), before + 1);

    for _ in 0..30 {
        decision(&mut desk, &about("canary-1", "ada")).await;
    }
    assert_eq!(noticed(&house, Rule::CanaryAccess)[0].sightings, 1, "for a minute it is only counted");
    house.advance(Duration::minutes(1));
    let again = noticed(&house, Rule::CanaryAccess);
    assert_eq!((again[0].sightings, again[0].observed), (2, 30));

    let mut batch = about("order-2", "ben");
    let item = |record: &str| json!({ "resource": about(record, "ben")["resource"] });
    batch["evaluations"] = json!([item("order-3"), item("canary-1"), item("order-4")]);
    desk.post("/access/v1/evaluations", batch).await.expect(200);
    let mut unknown = about("canary-1", "nobody-here");
    unknown["action"]["name"] = json!("burn");
    assert!(!decision(&mut desk, &unknown).await);
    let found = noticed(&house, Rule::CanaryAccess);
    let of = |account| found.iter().find(|alarm| alarm.account.as_ref() == account).expect("an alarm");
    assert_eq!(of(Some(&firm.ben)).severity, Severity::Warning);
    assert!(of(Some(&firm.ben)).samples[0].contains("no_grant"));
    assert!(of(None).samples[0].contains("another action: unknown_subject"));
}

#[actix_web::test]
async fn a_profile_may_do_without_canaries() {
    let house = House::new();
    let (mut desk, _) = desk(&house).await;
    house.app.context().profiles.choose("amazon-dpp").expect("a profile");
    assert!(!house.app.context().profiles.current().alarm().canary_access);
    assert!(decision(&mut desk, &about("canary-1", "ada")).await);
    assert_eq!(noticed(&house, Rule::CanaryAccess), []);
}

#[actix_web::test]
async fn recording_is_strict_where_the_profile_is_the_strictest_or_the_settings_say_so() {
    let mut house = House::new();
    assert!(house.app.recorder().is_strict());
    house.app.context().profiles.choose("e2e-solutions").expect("a profile");
    assert!(!house.app.recorder().is_strict());
    house.reopen_with(|config| config.strict_recording = true);
    house.app.context().profiles.choose("e2e-solutions").expect("a profile");
    assert!(house.app.recorder().is_strict());
}

#[actix_web::test]
async fn permits_that_are_not_strict_are_recorded_all_the_same() {
    let house = House::new();
    let (mut desk, _) = desk(&house).await;
    house.app.context().profiles.choose("e2e-solutions").expect("a profile");
    for _ in 0..40 {
        assert!(decision(&mut desk, &about("order-1", "ada")).await);
    }
    let all = records(&house);
    assert_eq!(all.iter().filter(|record| matches!(record.access, Access::Permit { .. })).count(), 40);
}

#[actix_web::test]
async fn a_filling_disk_is_told_then_counted_then_denies_personal_data() {
    let mut house = House::new();
    if house.on_postgresql() {
        return; // There the disk is another machine's.
    }
    let disk = Arc::new(ToldDisk(AtomicU64::new(50)));
    let told = disk.clone();
    house.reopen_with(move |config| config.disk = told);
    let (mut desk, firm) = desk(&house).await;
    house.give(&firm.ada, "orders/order-clerk", 30).await;
    let fill = |free| {
        disk.0.store(free, Ordering::SeqCst);
        house.advance(Duration::minutes(2));
        assert!(house.app.recorder().flush(), "the recorder writes");
        raised(&house, Rule::DiskLow)
    };
    assert_eq!(fill(10), []);
    let found = fill(9);
    assert_eq!((found[0].severity, found[0].observed, found[0].threshold), (Severity::Warning, 9, Some(10)));
    let denials =
        |all: &[Record]| all.iter().filter(|record| matches!(record.access, Access::Denial { .. })).count();
    let before = records(&house);
    for _ in 0..5 {
        assert!(!decision(&mut desk, &about("order-1", "ben")).await);
    }
    assert!(
        decision(&mut desk, &about("order-1", "ada")).await,
        "personal data is recorded one by one still"
    );
    let after = records(&house);
    assert_eq!(denials(&after), denials(&before), "denials are only counted");
    let counted = |record: &Record| matches!(record.access, Access::Denials { count: 5, .. });
    assert!(after.iter().any(counted));
    assert!(after.iter().any(|record| matches!(record.access, Access::Permit { .. })));

    assert_eq!(fill(4)[0].severity, Severity::Critical);
    assert!(!decision(&mut desk, &about("order-1", "ada")).await, "no room for its record");
    assert!(decision(&mut desk, &may_read("ada", "order")).await);
    let full = noticed(&house, Rule::RecorderFull);
    assert_eq!((full[0].severity, full[0].observed), (Severity::Critical, 1));
    // What is governed can still be changed: revoking goes on.
    house.give(&firm.ben, "orders/order-clerk", 30).await;
    fill(60);
    assert!(decision(&mut desk, &about("order-1", "ada")).await);
}

#[actix_web::test]
async fn a_flood_of_denials_leaves_few_rows_and_harms_nobody() {
    let house = House::new();
    let (mut desk, firm) = desk(&house).await;
    let other = house.key("second-desk", &firm.grace, Some("orders"), &["bailiwick/evaluation:ask"]).await;
    let mut other = house.browser().await.with_key(&other.token);
    let batch = |subject: fn(usize) -> String, feature: &str| {
        let one = |number: usize| json!({ "subject": { "type": "user", "id": subject(number) } });
        let mut batch = may_read("ben", feature);
        batch["evaluations"] = (0..1_000).map(one).collect();
        batch
    };
    let floods = [
        batch(|number| format!("nobody-{number}"), "buyer-address"),
        batch(|_| "ben".to_owned(), "buyer-address"),
        batch(|_| "ben".to_owned(), "no-such-feature"),
        batch(|_| "ada".to_owned(), "buyer-phone"),
    ];
    let before = records(&house).len();
    for round in 0..100 {
        let flood = floods[round % floods.len()].clone();
        desk.post("/access/v1/evaluations", flood).await.expect(200);
        if round % 10 == 0 {
            assert!(decision(&mut other, &about("order-1", "ada")).await, "round {round}");
        }
    }
    let all = records(&house);
    let (mut alone, mut counted) = (0, 0);
    for record in &all[before..] {
        match &record.access {
            Access::Denial { .. } => alone += 1,
            Access::Denials { count, .. } | Access::Overflow { count } => counted += count,
            _ => {}
        }
    }
    assert!((20..=80).contains(&alone), "{alone} stand one by one");
    assert_eq!(alone + counted, 100_000, "every one is counted");
    assert!(all.len() - before < 200, "{} rows", all.len());
    let permits = all.iter().filter(|record| matches!(record.access, Access::Permit { .. }));
    assert_eq!(permits.count(), 10, "the other key's permits stand one by one");
    assert_eq!(raised(&house, Rule::RecorderFull), []);
}

#[actix_web::test]
async fn where_index_and_referee_differ_the_permission_is_denied_until_a_person_has_looked() {
    let mut house = House::new();
    house.reopen_with(|config| config.referee_sample = 1);
    let (mut desk, firm) = desk(&house).await;
    let grant = house.give(&firm.ada, "orders/order-clerk", 30).await;
    let question = may_read("ada", "order");
    let mut other = question.clone();
    other["action"]["name"] = json!("update");
    for question in [&question, &other, &may_read("ben", "order"), &about("order-1", "ada")] {
        decision(&mut desk, question).await;
        house.app.noticed();
    }
    assert_eq!(raised(&house, Rule::RefereeDiffers), [], "they agree");

    sql(&house, &format!("UPDATE grants SET state = 'suspended' WHERE id = '{}'", grant.id));
    assert!(decision(&mut desk, &question).await, "the index does not know");
    let found = raised(&house, Rule::RefereeDiffers);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].account.as_ref(), found[0].about.as_str()), (Some(&firm.ada), "orders/order:read"));
    assert_eq!(found[0].denied_permission(), Some("orders/order:read"));
    assert!(found[0].samples[0].starts_with("the index permits, casbin denies, at revision "));
    assert!(!decision(&mut desk, &question).await, "denied from now on");
    assert!(decision(&mut desk, &about("order-1", "ada")).await, "and nothing else of hers");
    sql(&house, &format!("UPDATE grants SET state = 'active' WHERE id = '{}'", grant.id));
    assert!(!decision(&mut desk, &question).await, "until a person has said what it was");

    let id = found[0].id.clone();
    house.done(move |tx| alarms::acknowledge(tx, &id)).await;
    let id = found[0].id.clone();
    house.done(move |tx| alarms::close(tx, &id, "An operator changed a row by hand", true)).await;
    assert!(decision(&mut desk, &question).await);
    assert!(decision(&mut desk, &other).await);
    house.app.noticed();
}

#[actix_web::test]
async fn a_grant_that_only_the_database_knows_differs_too_and_permits_nothing() {
    let mut house = House::new();
    house.reopen_with(|config| config.referee_sample = 1);
    let (mut desk, firm) = desk(&house).await;
    let grant = house.give(&firm.ben, "orders/order-clerk", 30).await;
    house
        .done({
            let id = grant.id.clone();
            move |tx| bailiwick::access::grants::revoke(tx, &id, "test", None)
        })
        .await;
    assert!(!decision(&mut desk, &may_read("ben", "order")).await);
    assert_eq!(raised(&house, Rule::RefereeDiffers), []);
    sql(&house, &format!("UPDATE grants SET state = 'active' WHERE id = '{}'", grant.id));
    assert!(!decision(&mut desk, &may_read("ben", "order")).await);
    let found = raised(&house, Rule::RefereeDiffers);
    assert!(found[0].samples[0].starts_with("the index denies, casbin permits"), "{found:?}");
}
