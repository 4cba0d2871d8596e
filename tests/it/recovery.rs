//! The way back in for an administrator: by the host's command alone, with every way in of before gone.

use bailiwick::access::floor;
use bailiwick::accounts::{self, Suspension};
use bailiwick::alarms::lists::{self, Narrowing};
use bailiwick::alarms::{self, Alarm, Rule, Severity, Sighting};
use bailiwick::error::Error;
use bailiwick::signin::recovery::recover_administrator;
use serde_json::json;

use crate::support::{House, PASSWORD, Program};

fn recoveries(house: &House) -> Vec<Alarm> {
    let narrowing = Narrowing { rule: Some(Rule::AdministratorRecovered), ..Narrowing::default() };
    house.app.read_now(|reader| lists::list(reader, &narrowing, None, 100)).expect("the alarms").0
}

#[actix_web::test]
async fn an_administrator_who_is_stopped_in_every_way_comes_back() {
    let house = House::new();
    let mut root = house.member("priya.raman", &["bailiwick/administrator"]).await;
    let mut other = house.member("lucas.nemeth", &["bailiwick/administrator"]).await;
    let (id, by) = (root.id(), root.id());
    house
        .done(move |tx| {
            accounts::suspend(tx, &id, (Suspension::Security, None), Some("Under suspicion"))?;
            let seen = Sighting::of(Rule::LogVerification, Severity::Critical).account(Some(&id));
            alarms::raise(tx, seen.denying())
        })
        .await;
    root.browser.get("/api/v1/me").await.expect(401);
    let typed = json!({ "username": "priya.raman", "password": PASSWORD });
    root.browser.other().post("/api/v1/signin", typed.clone()).await.expect(401);

    let recovered = house.done(|tx| recover_administrator(tx, "priya.raman")).await;
    assert_eq!(recovered.account.id, by);
    root.browser.cookies.clear();
    root.browser.post("/api/v1/signin", typed).await.expect(401);
    let person = house.enrol(&mut root.browser, "priya.raman", by.clone(), recovered.link.token).await;
    assert_ne!(person.secret, root.person.secret, "the second factor is a new one");
    root.browser.get("/api/v1/alarms").await.expect(200);
    let alarm = recoveries(&house).remove(0);
    assert_eq!((alarm.account, alarm.severity), (Some(by), Severity::Critical));
    assert_eq!(alarm.raised_by, "shell:1000", "the host's user is named");
    house.run_job("notify.alarms").await.expect("it ran");
    assert!(other.browser.get("/alarms").await.expect(200).body.contains("recovered on the host"));
}

#[actix_web::test]
async fn nobody_becomes_an_administrator_by_it_while_there_is_one() {
    let house = House::new();
    let root = house.member("priya.raman", &["bailiwick/administrator"]).await;
    let mut ada = house.member("ada", &[]).await;
    let refused = house.write(|tx| recover_administrator(tx, "ada").map(drop)).await;
    assert!(matches!(refused, Err(Error::Forbidden("not-yours-to-give", _))), "{refused:?}");
    assert!(house.write(|tx| recover_administrator(tx, "nobody").map(drop)).await.is_err());
    ada.browser.get("/api/v1/me").await.expect(200);
    assert_eq!(recoveries(&house), []);

    // The last administrator leaves all the same; then somebody who is here can be made one on the host.
    let gone = root.id();
    house.done(move |tx| accounts::mark_left(tx, &gone, "leaver")).await;
    let refused = house.write(|tx| recover_administrator(tx, "priya.raman").map(drop)).await;
    assert!(matches!(refused, Err(Error::Conflict("not-in-use", _))), "{refused:?}");
    let link = house.done(|tx| recover_administrator(tx, "ada")).await.link;
    ada.browser.get("/api/v1/me").await.expect(401);
    let account = ada.id();
    house.enrol(&mut ada.browser, "ada", account.clone(), link.token).await;
    assert_eq!(house.app.read_now(floor::administrators).expect("the administrators"), [account]);
}

#[test]
fn the_command_prints_the_link_and_alarms_with_and_without_a_server() {
    let program = Program::new();
    program.run(&["invite", "ada", "--role", "bailiwick/administrator"]).done();
    let alone = program.run(&["recover", "administrator", "ada"]).done();
    assert!(alone.last_line().starts_with("https://localhost:8443/enrol/"), "{alone:?}");
    let server = program.serve();
    let served = program.json(&["recover", "administrator", "ada"]);
    let link = served["link"].as_str().expect("a link");
    assert!(link.starts_with(&format!("https://localhost:{}/enrol/", server.port)), "{link}");
    let refused = program.run(&["recover", "administrator", "nobody"]).with(1);
    assert!(refused.err.contains("nobody who is known here"), "{}", refused.err);
    let log = program.run(&["log", "export"]).done().out;
    assert_eq!(log.matches("\"kind\":\"alarm_raised\"").count(), 1);
    assert_eq!(log.matches("\"kind\":\"alarm_seen_again\"").count(), 1);
    let token = link.rsplit('/').next().expect("a token");
    assert!(!log.contains(token), "the token is nowhere");
    program.run(&["log", "verify"]).done();
}
