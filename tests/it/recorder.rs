//! The log `access`: what was permitted and denied stands there before anybody can rely on it, and holds nothing that
//! a caller made up.

use bailiwick::access::grants::{self, NewGrant};
use bailiwick::alarms::Rule;
use bailiwick::alarms::lists::{self, Narrowing};
use bailiwick::clock::Timestamp;
use bailiwick::db::{AnyConnection, Location};
use bailiwick::governed::SOURCES;
use bailiwick::ids::GrantId;
use bailiwick::log::access::{Access, Books, Record};
use bailiwick::log::command;
use chrono::{Duration, NaiveDate};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use serde_json::json;

use crate::support::{Browser, Firm, House, decision, may_read, wanted};

fn books(house: &House) -> Books {
    Books::new(house.app.database().location(), house.data())
}

fn today(house: &House) -> NaiveDate {
    house.now().utc().date_naive()
}

fn records(house: &House) -> Vec<Record> {
    books(house).records(today(house), 0, 10_000).expect("the day can be read")
}

/// Everything that was recorded, counts included.
fn flushed(house: &House) -> Vec<Record> {
    assert!(house.app.recorder().flush(), "the recorder writes");
    records(house)
}

/// The day's records as whoever owns the database reaches them.
fn day(house: &House) -> AnyConnection {
    let location = match house.app.database().location() {
        Location::Postgresql(url) => Location::Postgresql(url.clone()),
        Location::Sqlite(..) => Location::file(&house.data().join(format!("access/{}.db", today(house)))),
    };
    location.connect().expect("the day is there")
}

fn table(house: &House) -> String {
    format!("access_{}", today(house).format("%Y%m%d"))
}

/// A house where Ada may read addresses in the United Kingdom, and the desk that asks.
async fn desk() -> (House, Browser, Firm, GrantId) {
    let house = House::new();
    let firm = house.firm().await;
    let desk = house.order_desk(&firm.grace).await;
    let scope = Some([("marketplace".to_owned(), vec!["DE".to_owned(), "UK".to_owned()])].into());
    let wanted = NewGrant { scope, ..wanted(&firm.ada, "orders/address-reader", Some(house.in_days(30))) };
    let grant = house.done(move |tx| grants::grant(tx, &wanted)).await.id;
    (house, desk, firm, grant)
}

#[actix_web::test]
async fn a_permit_of_personal_data_is_durable_before_its_answer() {
    let (house, mut desk, firm, grant) = desk().await;
    let mut question = may_read("ada", "buyer-address");
    question["resource"]["id"] = json!("Order-4711");
    question["context"]["records"] = json!(3);
    assert!(decision(&mut desk, &question).await);
    let [record] = records(&house).try_into().expect("one record, without any waiting");
    assert_eq!((record.number, record.subject.as_ref(), record.at), (1, Some(&firm.ada), house.now()));
    let Access::Permit { asker, permission, record, purpose, scope, grants, revision, records } =
        record.access
    else {
        panic!("{record:?}");
    };
    assert_eq!((permission.as_str(), purpose.as_deref()), ("orders/buyer-address:read", Some("shipping")));
    assert_eq!((grants, records), (vec![grant], Some(3)));
    assert_eq!(revision, house.app.applied());
    assert_eq!(scope[0].property, "marketplace");
    assert_eq!(scope[0].values, ["DE", "UK"]);
    assert_eq!(asker.len(), 36, "the asking service's account");
    let expected = house.app.context().vault.trace("record", "Order-4711");
    assert_eq!(record, format!("hmac:{expected}"));
}

#[actix_web::test]
async fn a_batch_of_permits_stands_one_by_one_in_one_write() {
    let (house, mut desk, _, _) = desk().await;
    let mut batch = may_read("ada", "buyer-address");
    batch["evaluations"] = json!(vec![json!({}); 50]);
    let answer = desk.post("/access/v1/evaluations", batch).await.expect(200).json();
    assert!(answer["evaluations"].as_array().expect("a list").iter().all(|one| one["decision"] == true));
    let numbers: Vec<_> = records(&house).iter().map(|record| record.number).collect();
    assert_eq!(numbers, (1..=50).collect::<Vec<_>>());
}

#[actix_web::test]
async fn the_first_twenty_denials_of_a_minute_stand_one_by_one_and_the_rest_is_counted() {
    let (house, mut desk, firm, _) = desk().await;
    for _ in 0..25 {
        assert!(!decision(&mut desk, &may_read("ben", "buyer-address")).await);
    }
    for nobody in 0..30 {
        assert!(!decision(&mut desk, &may_read(&format!("nobody-{nobody}"), "buyer-address")).await);
    }
    let all = flushed(&house);
    let denials: Vec<_> =
        all.iter().filter(|record| matches!(record.access, Access::Denial { .. })).collect();
    assert_eq!(denials.iter().filter(|record| record.subject.as_ref() == Some(&firm.ben)).count(), 20);
    assert_eq!(
        denials.iter().filter(|record| record.subject.is_none()).count(),
        20,
        "unknown names share twenty"
    );
    let counts: Vec<_> = all
        .iter()
        .filter_map(|record| match &record.access {
            Access::Denials { reason, count, .. } => Some((record.subject.clone(), reason.as_str(), *count)),
            _ => None,
        })
        .collect();
    assert_eq!(counts, [(None, "unknown_subject", 10), (Some(firm.ben.clone()), "no_grant", 5)]);
    house.advance(Duration::minutes(1));
    assert!(!decision(&mut desk, &may_read("ben", "buyer-address")).await);
    let now = house.now();
    let is_new = |record: &Record| record.at == now && matches!(record.access, Access::Denial { .. });
    assert!(flushed(&house).iter().any(is_new), "a new minute, twenty more");
}

#[actix_web::test]
async fn other_permits_are_counted_by_the_minute() {
    let (house, mut desk, firm, _) = desk().await;
    house.give(&firm.ada, "orders/order-clerk", 30).await;
    for _ in 0..7 {
        assert!(decision(&mut desk, &may_read("ada", "order")).await);
        house.advance(Duration::seconds(1));
    }
    let counts: Vec<_> = flushed(&house)
        .into_iter()
        .filter_map(|record| match record.access {
            Access::Permits { permission, count, first, last, .. } => {
                Some((permission, count, last.since(first)))
            }
            _ => None,
        })
        .collect();
    let asked = ("orders/order:read".to_owned(), 7, Duration::seconds(6));
    assert!(counts.contains(&asked), "{counts:?}");
    let own = counts.iter().find(|(permission, ..)| permission == "bailiwick/evaluation:ask");
    assert_eq!(own.map(|(_, count, _)| *count), Some(7), "the house's own permissions count too");
}

#[actix_web::test]
async fn what_callers_make_up_stands_nowhere() {
    let (house, mut desk, _, _) = desk().await;
    let personal = "Jane.Buyer@example.net";
    let mut question = may_read(personal, personal);
    question["action"]["name"] = json!(personal);
    question["resource"]["id"] = json!(personal);
    assert!(!decision(&mut desk, &question).await);
    let mut question = may_read("ada", "buyer-address");
    question["resource"]["id"] = json!(personal);
    assert!(decision(&mut desk, &question).await);
    question["context"]["purpose"] = json!(personal);
    assert!(!decision(&mut desk, &question).await);
    house.browser().await.get(&format!("/api/v1/{personal}?who={personal}")).await;
    house.browser().await.with_key(personal).get("/api/v1/me").await;
    let all = serde_json::to_string(&flushed(&house)).expect("text");
    for part in ["jane", "Jane", "example.net"] {
        assert!(!all.contains(part), "{part} stands in {all}");
    }
    assert!(all.contains("hmac:"));
}

#[actix_web::test]
async fn refused_calls_to_the_house_itself_are_recorded_by_route() {
    let (house, mut desk, firm, _) = desk().await;
    house.browser().await.from_origin(None).post("/access/v1/evaluation", json!({})).await.expect(401);
    desk.get("/access/v1/evaluation").await.expect(405);
    let other = house.key("figures", &firm.grace, Some("orders"), &["bailiwick/events:read"]).await;
    let account = other.account.to_string();
    desk.with_key(&other.token).post("/access/v1/evaluation", json!({})).await.expect(403);
    let refusals: Vec<_> = flushed(&house)
        .into_iter()
        .filter_map(|record| match record.access {
            Access::Refusal { caller, route, problem } => Some((caller, route, problem)),
            _ => None,
        })
        .collect();
    let route = "POST /access/v1/evaluation".to_owned();
    assert_eq!(
        refusals,
        [
            ("nobody".to_owned(), route.clone(), "unauthenticated".to_owned()),
            (account, route, "forbidden".to_owned()),
        ]
    );
}

fn used_at(house: &House, grant: &GrantId) -> Option<Timestamp> {
    use bailiwick::db::schema::grant_usage::dsl;
    let grant = grant.clone();
    house
        .app
        .database()
        .alone(|reader| {
            Ok(dsl::grant_usage.find(&grant).select(dsl::used_at).first(reader.connection).optional()?)
        })
        .expect("asked")
}

#[actix_web::test]
async fn last_use_counts_for_every_grant_that_gave_the_permission() {
    let (house, mut desk, firm, first) = desk().await;
    let second = house.give(&firm.ada, "orders/address-reader", 60).await.id;
    let idle = house.give(&firm.ada, "orders/order-clerk", 60).await.id;
    assert!(decision(&mut desk, &may_read("ada", "buyer-address")).await);
    assert!(house.app.recorder().flush());
    let begun = house.now();
    assert_eq!((used_at(&house, &first), used_at(&house, &second)), (Some(begun), Some(begun)));
    assert_eq!(used_at(&house, &idle), None, "never used");
    house.advance(Duration::minutes(5));
    let mut question = may_read("ada", "buyer-address");
    question["resource"]["properties"]["marketplace"] = json!("FR");
    assert!(decision(&mut desk, &question).await, "only the second grant reaches France");
    assert!(house.app.recorder().flush());
    assert_eq!((used_at(&house, &first), used_at(&house, &second)), (Some(begun), Some(house.now())));
}

#[actix_web::test]
async fn what_cannot_be_recorded_is_denied_until_it_can_be() {
    let (house, mut desk, firm, _) = desk().await;
    house.give(&firm.ada, "orders/order-clerk", 30).await;
    assert!(decision(&mut desk, &may_read("ada", "buyer-address")).await);
    let name = table(&house);
    day(&house).batch_execute(&format!("ALTER TABLE {name} RENAME COLUMN leaf TO gone")).expect("renamed");
    assert!(!decision(&mut desk, &may_read("ada", "buyer-address")).await, "no record, no personal data");
    assert!(decision(&mut desk, &may_read("ada", "order")).await, "what is counted goes on");
    assert!(!house.app.recorder().flush());
    day(&house).batch_execute(&format!("ALTER TABLE {name} RENAME COLUMN gone TO leaf")).expect("renamed");
    assert!(decision(&mut desk, &may_read("ada", "buyer-address")).await);
    let reasons: Vec<_> = flushed(&house)
        .into_iter()
        .filter_map(|record| match record.access {
            Access::Denial { reason, .. } => Some(reason),
            _ => None,
        })
        .collect();
    assert_eq!(reasons, ["recorder"], "the denial was kept and written later");
    house.app.noticed();
    let narrowing = Narrowing { rule: Some(Rule::RecorderFull), ..Narrowing::default() };
    let raised =
        house.app.read_now(|reader| lists::list(reader, &narrowing, None, 10)).expect("the alarms").0;
    assert_eq!(raised.iter().map(|alarm| alarm.observed).collect::<Vec<_>>(), [1], "and a person is told");
}

#[actix_web::test]
async fn a_day_verifies_and_a_flipped_byte_in_it_is_named() {
    let (house, mut desk, _, _) = desk().await;
    for _ in 0..5 {
        assert!(decision(&mut desk, &may_read("ada", "buyer-address")).await);
    }
    let count = flushed(&house).len() as u64;
    let verified = || books(&house).verify(today(&house)).expect("read");
    let (day_tree, differences) = verified();
    assert_eq!((day_tree.size, differences.len()), (count, 0));
    let name = table(&house);
    let flip = format!("UPDATE {name} SET body = replace(body, 'shipping', 'returns') WHERE number = 3");
    day(&house).batch_execute(&flip).expect("flipped");
    let date = today(&house);
    let (_, differences) = verified();
    assert_eq!(
        differences,
        [
            format!("access {date}: record 3 does not match its leaf"),
            format!("access {date}: the head is not the one of the records")
        ]
    );
    day(&house).batch_execute(&format!("DELETE FROM {name} WHERE number = 2")).expect("deleted");
    assert_eq!(verified().1[0], format!("access {date}: record 2 is missing"));
}

#[actix_web::test]
async fn every_day_has_books_of_its_own_and_closing_writes_what_waits() {
    let (house, mut desk, _, _) = desk().await;
    let first = today(&house);
    assert!(decision(&mut desk, &may_read("ada", "buyer-address")).await);
    house.advance(Duration::days(1));
    assert!(decision(&mut desk, &may_read("ada", "buyer-address")).await);
    assert!(!decision(&mut desk, &may_read("ben", "buyer-address")).await);
    house.app.close();
    assert_eq!(books(&house).days().expect("listed"), [first, today(&house)]);
    assert!(records(&house).iter().any(|record| matches!(record.access, Access::Denial { .. })));
    let denied = decision(&mut desk, &may_read("ada", "buyer-address")).await;
    assert!(!denied, "a recorder that has ended takes nothing more");
}

#[actix_web::test]
async fn a_day_that_is_over_is_closed_and_cannot_change_any_more() {
    let (house, mut desk, _, _) = desk().await;
    assert!(decision(&mut desk, &may_read("ada", "buyer-address")).await);
    flushed(&house);
    let (name, mut connection) = (table(&house), day(&house));
    house.advance(Duration::days(1));
    assert!(decision(&mut desk, &may_read("ada", "buyer-address")).await);
    assert_eq!(house.run_job("log.close-days").await.as_deref(), Some("1 days"));
    assert_eq!(house.run_job("log.close-days").await.as_deref(), Some("0 days"));
    let verified = || command::verify(house.app.database(), house.data(), SOURCES, None).expect("verified");
    assert!(verified().is_sound(), "{}", verified());
    // Whoever owns the day takes its last record away and sets the head back: only the closing event tells.
    let date = today(&house).pred_opt().expect("a day before");
    let kept = books(&house).records(date, 0, 1).expect("read");
    let mut tree = bailiwick::log::tree::Frontier::default();
    let body = serde_json_canonicalizer::to_string(&kept[0]).expect("text");
    tree.append(bailiwick::log::tree::leaf_hash(body.as_bytes()));
    let frontier = hex::encode(tree.bytes());
    let bytes =
        if house.on_postgresql() { format!("decode('{frontier}', 'hex')") } else { format!("x'{frontier}'") };
    connection
        .batch_execute(&format!(
            "DELETE FROM {name} WHERE number > 1; UPDATE {name}_head SET size = 1, frontier = {bytes}"
        ))
        .expect("taken away");
    let first = verified().first().expect("a difference").to_owned();
    assert!(first.starts_with(&format!("access {date}: the day is not as event ")), "{first}");
}
