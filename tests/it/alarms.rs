//! Alarms: raised once for what is seen often, taken on by one person, closed with a finding, denying while open.

use bailiwick::access::apply::{self, PolicyFile};
use bailiwick::access::grants;
use bailiwick::alarms::lists::{self, Narrowing};
use bailiwick::alarms::{self, Alarm, AlarmState, Rule, Severity, Sighting};
use bailiwick::app::App;
use bailiwick::caller::Caller;
use bailiwick::error::Error;
use bailiwick::ids::{AccountId, AlarmId};
use chrono::Duration;
use diesel::connection::SimpleConnection;
use serde_json::json;

use crate::support::{Firm, House, PASSWORD, decision, id_of, may_read};

fn all(house: &House, rule: Rule) -> Vec<Alarm> {
    let narrowing = Narrowing { rule: Some(rule), ..Narrowing::default() };
    house.app.read_now(|reader| lists::list(reader, &narrowing, None, 100)).expect("the alarms").0
}

#[track_caller]
fn only(house: &House, rule: Rule) -> Alarm {
    let mut found = all(house, rule);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

async fn raise(house: &House, account: Option<&AccountId>) -> AlarmId {
    let seen = Sighting::of(Rule::BroadKey, Severity::Warning).account(account).samples(["k1".to_owned()]);
    house.done(move |tx| alarms::raise(tx, seen)).await
}

fn sql(house: &House, statement: &str) {
    let run = |reader: &mut bailiwick::db::Reader<'_>| {
        reader.connection.batch_execute(statement).map_err(Into::into)
    };
    house.app.database().alone(run).expect("the statement runs");
}

#[actix_web::test]
async fn what_is_seen_again_goes_into_the_alarm_that_is_open() {
    let house = House::new();
    let first = raise(&house, None).await;
    house.advance(Duration::hours(1));
    assert_eq!(raise(&house, None).await, first);
    let someone = house.person("ada", None).await;
    let about_ada = raise(&house, Some(&someone)).await;
    assert_ne!(about_ada, first);
    let open = house.app.read_now(|reader| lists::find(reader, &first)).expect("it is there");
    assert_eq!((open.sightings, open.samples), (2, vec!["k1".to_owned()]));
    assert_eq!(open.last_seen_at.since(open.raised_at), Duration::hours(1));

    let id = first.clone();
    house.done(move |tx| alarms::acknowledge(tx, &id)).await;
    let id = first.clone();
    house.done(move |tx| alarms::close(tx, &id, "Made for a migration, revoked since", true)).await;
    assert_ne!(raise(&house, None).await, first, "what comes after the close is a new alarm");
    assert_eq!(all(&house, Rule::BroadKey).len(), 3, "and the old one stays");
}

#[actix_web::test]
async fn the_fifth_lock_within_a_day_raises_one_alarm() {
    let house = House::new();
    let mut browser = house.browser().await;
    let account = house.enrolled(&mut browser, "pnaka", &[]).await.account;
    let mut gate = browser.other();
    for round in 1..=6 {
        for username in ["pnaka", "nobody.at.all"] {
            for _ in 0..3 {
                let typed = json!({ "username": username, "password": "wrong" });
                gate.post("/api/v1/signin", typed).await.expect(401);
            }
        }
        assert_eq!(all(&house, Rule::RepeatedLock).len(), if round < 5 { 0 } else { 2 }, "round {round}");
        house.advance(Duration::minutes(16));
    }
    let found = all(&house, Rule::RepeatedLock);
    let of_account = found.iter().find(|alarm| alarm.account.as_ref() == Some(&account)).expect("hers");
    // The fifth holds: there is no sixth, however often somebody tries.
    assert_eq!((of_account.observed, of_account.threshold, of_account.sightings), (5, Some(5), 1));
    assert_eq!(of_account.window_seconds, Some(86_400));
    let of_nobody = found.iter().find(|alarm| alarm.account.is_none()).expect("that of the unknown name");
    assert!(!of_nobody.about.contains("nobody"), "a digest stands there, not what was typed");

    // Locks that lie further apart than a day are no reason.
    let mut slow = browser.other();
    house.enrolled(&mut slow, "slow", &[]).await;
    for _ in 0..5 {
        for _ in 0..3 {
            slow.post("/api/v1/signin", json!({ "username": "slow", "password": "wrong" })).await.expect(401);
        }
        house.advance(Duration::hours(6) + Duration::minutes(1));
    }
    assert_eq!(all(&house, Rule::RepeatedLock).len(), 2);
}

#[actix_web::test]
async fn an_alarm_is_told_taken_on_and_closed_with_a_finding() {
    let house = House::new();
    let mut officer = house.member("karim.jensen", &["bailiwick/security-officer"]).await;
    let mut root = house.member("priya.raman", &["bailiwick/administrator"]).await;
    let id = raise(&house, None).await;
    house.run_job("notify.alarms").await.expect("it ran");
    let address = format!("/api/v1/alarms/{id}");
    let told = officer.browser.get(&address).await.expect(200).json()["told"].clone();
    let mut names: Vec<&str> =
        told.as_array().expect("people").iter().filter_map(|told| told["account"].as_str()).collect();
    names.sort_unstable();
    let mut expected = vec![officer.id().to_string(), root.id().to_string()];
    expected.sort_unstable();
    assert_eq!(names, expected);
    assert!(officer.browser.get("/").await.expect(200).body.contains("1 new"));

    let finding = json!({ "finding": "Made for a migration, revoked since" });
    let early = officer.browser.post(&format!("{address}/closure"), finding.clone()).await.expect(409);
    assert_eq!(early.json()["type"], "/problems/alarm-state");
    root.browser.post(&format!("{address}/acknowledgement"), json!({})).await.expect(403);
    let taken =
        officer.browser.post(&format!("{address}/acknowledgement"), json!({})).await.expect(200).json();
    assert_eq!(taken["state"], "acknowledged");
    assert_eq!(taken["acknowledged"]["by"], officer.id().as_str());
    let twice = officer.browser.post(&format!("{address}/acknowledgement"), json!({})).await.expect(409);
    assert!(twice.json()["detail"].as_str().expect("why").contains("quicker"));
    assert!(!officer.browser.get("/").await.expect(200).body.contains("1 new"));
    officer.browser.post(&format!("{address}/investigation"), json!({})).await.expect(200);
    for wrong in ["", "   short   ", &"x".repeat(4_001)] {
        let body = json!({ "finding": wrong });
        officer.browser.post(&format!("{address}/closure"), body).await.expect(422);
    }
    let page = format!("/alarms/{id}/closure");
    let refused = officer.browser.submit(&page, &[("finding", "no")]).await.expect(422);
    assert!(refused.body.contains("between 10 and 4000"), "{}", refused.body);
    let closed =
        officer.browser.post(&format!("{address}/closure"), finding.clone()).await.expect(200).json();
    assert_eq!(closed["finding"], finding["finding"]);
    officer.browser.post(&format!("{address}/closure"), finding).await.expect(409);
    let list = officer.browser.get("/api/v1/alarms?view=open").await.expect(200).json();
    assert_eq!(list["items"], json!([]));
    let list = officer.browser.get("/api/v1/alarms?view=closed&rule=broad-key").await.expect(200).json();
    assert_eq!(id_of(&list["items"][0]), id.as_str());
    officer.browser.get("/api/v1/alarms?view=lost").await.expect(422);
    officer.browser.get("/api/v1/alarms?cursor=lost").await.expect(422);
}

#[actix_web::test]
async fn of_many_who_take_an_alarm_on_at_once_one_does() {
    let house = House::new();
    let id = raise(&house, None).await;
    let take = |app: &App| app.write_now(&Caller::shell(7), |tx| alarms::acknowledge(tx, &id).map(drop));
    let outcomes: Vec<Result<_, Error>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..20).map(|_| scope.spawn(|| take(&house.app))).collect();
        threads.into_iter().map(|thread| thread.join().expect("it ends")).collect()
    });
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let told = |outcome: &Result<_, Error>| matches!(outcome, Err(Error::Conflict("alarm-state", _)));
    assert_eq!(outcomes.iter().filter(|outcome| told(outcome)).count(), 19);
}

#[actix_web::test]
async fn whom_an_alarm_is_about_closes_it_only_if_nobody_else_can() {
    let house = House::new();
    let mut officer = house.member("karim.jensen", &["bailiwick/security-officer"]).await;
    let id = raise(&house, Some(&officer.id())).await;
    let address = format!("/api/v1/alarms/{id}");
    officer.browser.post(&format!("{address}/acknowledgement"), json!({})).await.expect(200);
    let finding = json!({ "finding": "I made the key for a migration" });
    let second = house.member("lucas.nemeth", &["bailiwick/security-officer"]).await;
    let own = officer.browser.post(&format!("{address}/closure"), finding.clone()).await.expect(403);
    assert_eq!(own.json()["type"], "/problems/own-alarm");
    let second = second.id();
    house
        .done(move |tx| {
            let held = grants::living(tx, &second)?;
            grants::revoke(tx, &held[0].id, "test", None)
        })
        .await;
    officer.browser.post(&format!("{address}/closure"), finding).await.expect(200);
}

#[actix_web::test]
async fn who_gains_by_a_difference_is_denied_until_it_is_explained() {
    let house = House::new();
    let Firm { grace, ada, ben, .. } = house.firm().await;
    let grant = house.give(&ada, "orders/order-clerk", 30).await;
    house.give(&ben, "orders/order-clerk", 30).await;
    let mut desk = house.order_desk(&grace).await;
    let question = may_read("ada", "order");
    assert!(decision(&mut desk, &question).await);

    sql(&house, &format!("UPDATE grants SET expires_at = '2027-06-30 00:00:00' WHERE id = '{}'", grant.id));
    house.run_job("log.verify").await.expect("it ran");
    let alarm = only(&house, Rule::LogVerification);
    assert_eq!(
        (alarm.account.as_ref(), alarm.severity, alarm.denies),
        (Some(&ada), Severity::Critical, true)
    );
    assert_eq!(alarm.samples, [format!("grants {}", grant.id)]);
    assert!(!decision(&mut desk, &question).await, "denied at once");
    assert!(decision(&mut desk, &may_read("ben", "order")).await, "and nobody else");
    house.run_job("log.verify").await.expect("it ran");
    assert_eq!(only(&house, Rule::LogVerification).sightings, 2);

    let end = grant.expires_at.expect("an end").utc().format("%Y-%m-%d %H:%M:%S%.6f");
    sql(&house, &format!("UPDATE grants SET expires_at = '{end}' WHERE id = '{}'", grant.id));
    house.run_job("log.verify").await.expect("it ran");
    assert!(!decision(&mut desk, &question).await, "until a person has said what it was");
    let id = alarm.id.clone();
    house.done(move |tx| alarms::acknowledge(tx, &id)).await;
    house.done(move |tx| alarms::close(tx, &alarm.id, "An operator changed a row by hand", true)).await;
    assert!(decision(&mut desk, &question).await);
}

#[actix_web::test]
async fn an_alarm_that_is_deleted_is_found_missing() {
    let house = House::new();
    let id = raise(&house, None).await;
    sql(&house, &format!("DELETE FROM alarms WHERE id = '{id}'"));
    house.run_job("log.verify").await.expect("it ran");
    let alarm = only(&house, Rule::LogVerification);
    assert_eq!((alarm.account, alarm.samples), (None, vec![format!("alarms {id}")]));
}

#[actix_web::test]
async fn a_leaver_who_is_not_proved_to_be_out_alarms_at_each_step_of_the_clock() {
    let house = House::new();
    let mut staff = house.staff().await;
    let text = "key = \"courier\"\nname = \"Courier portal\"\nowner = \"grace\"\nintegration = \"manual\"\n\
                [[feature]]\nkey = \"parcel\"\nactions = [\"read\"]\n\
                [[role]]\nkey = \"user\"\n[[role.allow]]\nfeature = \"parcel\"\nactions = [\"read\"]\n";
    let file = PolicyFile { name: "courier.toml".to_owned(), text: text.to_owned() };
    house.done(move |tx| apply::apply(tx, &[file])).await;
    house.give(&staff.ada.id(), "courier/user", 30).await;
    let body = json!({ "account": staff.ada.id(), "effective_at": house.now(), "reason": "End of contract" });
    let case = id_of(&staff.priya.browser.post("/api/v1/leavers", body).await.expect(201).json());
    let mut seen = Vec::new();
    for _ in 0..13 {
        house.run_job("leavers.run").await.expect("it ran");
        house.run_job("leavers.run").await.expect("it ran");
        let found = all(&house, Rule::LeaverClock);
        seen.extend(found.first().map(|alarm| (alarm.observed, alarm.severity, alarm.sightings)));
        house.advance(Duration::hours(2));
    }
    seen.dedup();
    let steps = [
        (4, Severity::Notice, 1),
        (12, Severity::Warning, 2),
        (20, Severity::Warning, 3),
        (24, Severity::Critical, 4),
    ];
    assert_eq!(seen, steps);
    let alarm = only(&house, Rule::LeaverClock);
    assert_eq!((alarm.about.as_str(), alarm.account), (case.as_str(), Some(staff.ada.id())));
}

#[actix_web::test]
async fn an_administrators_end_is_announced_thirty_days_ahead_and_once() {
    let house = House::new();
    let root = house.member("priya.raman", &[]).await;
    house.give(&root.id(), "bailiwick/administrator", 45).await;
    house.run_job("access.expire").await.expect("it ran");
    assert_eq!(all(&house, Rule::AdministratorEnds), []);
    house.advance(Duration::days(15) + Duration::hours(1));
    for _ in 0..2 {
        house.run_job("access.expire").await.expect("it ran");
        let alarm = only(&house, Rule::AdministratorEnds);
        assert_eq!((alarm.account, alarm.state, alarm.sightings), (Some(root.id()), AlarmState::New, 1));
    }
}

#[actix_web::test]
async fn a_person_reports_what_no_rule_noticed() {
    let house = House::new();
    let mut officer = house.member("karim.jensen", &["bailiwick/security-officer"]).await;
    let text = "Canary Quillfeather called and asked for a password";
    let body = json!({ "severity": "warning", "text": text });
    let made = officer.browser.post("/api/v1/alarms", body).await.expect(201).json();
    assert_eq!((&made["rule"], &made["note"]), (&json!("reported"), &json!(text)));
    let ghost =
        json!({ "severity": "warning", "text": text, "account": "0193a5f0-0000-7000-8000-000000000000" });
    officer.browser.post("/api/v1/alarms", ghost).await.expect(422);
    officer.browser.post("/api/v1/alarms", json!({ "severity": "grave", "text": text })).await.expect(422);
    let page = officer.browser.get(&format!("/alarms/{}", id_of(&made))).await.expect(200).body;
    assert!(page.contains("Canary Quillfeather"));
    let events = house.app.read_now(|reader| bailiwick::log::store::events_after(reader, 0, 1_000));
    let log: String =
        events.expect("the log").into_iter().map(|event| event.text().expect("its text")).collect();
    assert!(!log.contains("Quillfeather"), "what people type never stands in the log");
    assert!(!log.contains(PASSWORD));
}
