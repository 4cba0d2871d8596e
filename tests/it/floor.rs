//! Kill switches on the house itself, on everything and on the officer's own account: what is needed to put things
//! right goes on, over HTTPS and on the host, and nothing else does.

use bailiwick::access::kill_switches;
use bailiwick::caller::Caller;
use serde_json::{Value, json};

use crate::support::{House, Member, Program, id_of};

async fn pull(officer: &mut Member, target: &str) -> String {
    let body = json!({ "target": target, "reason": "Somebody is in the house" });
    id_of(&officer.browser.post("/api/v1/kill-switches", body).await.expect(201).json())
}

async fn lift(officer: &mut Member, id: &str) {
    let lifted = officer.browser.delete(&format!("/api/v1/kill-switches/{id}"), json!({})).await;
    assert!(lifted.expect(200).json()["lifted_at"].is_string());
}

/// The officer signs in anew, sees what is pulled and reads the log, and can do nothing else.
async fn only_the_floor_works(house: &House, officer: &mut Member, pulled: usize) {
    house.back_again(officer).await;
    officer.browser.get("/api/v1/me").await.expect(200);
    let listed = officer.browser.get("/api/v1/kill-switches").await.expect(200).json();
    let listed = listed["items"].as_array().expect("items").iter();
    assert_eq!(listed.filter(|one| one["lifted_at"].is_null()).count(), pulled);
    officer.browser.get("/api/v1/log/checkpoint").await.expect(200);
    officer.browser.get("/health/ready").await.expect(200);
    for stopped in ["/api/v1/alarms", "/api/v1/accounts", "/api/v1/grants"] {
        officer.browser.get(stopped).await.expect(403);
    }
}

#[actix_web::test]
async fn whatever_is_stopped_the_floor_is_not() {
    let house = House::new();
    let mut officer = house.member("karim.jensen", &["bailiwick/security-officer"]).await;
    officer.browser.get("/api/v1/alarms").await.expect(200);
    let own = officer.id().to_string();
    for target in ["bailiwick", "*", &own] {
        let id = pull(&mut officer, target).await;
        only_the_floor_works(&house, &mut officer, 1).await;
        lift(&mut officer, &id).await;
        officer.browser.get("/api/v1/alarms").await.expect(200);
    }
    let mut all = Vec::new();
    for target in ["bailiwick", "*", &own, "bailiwick/kill-switches", "bailiwick/sign-in"] {
        all.push(pull(&mut officer, target).await);
    }
    only_the_floor_works(&house, &mut officer, 5).await;
    for id in &all {
        lift(&mut officer, id).await;
    }
    officer.browser.get("/api/v1/alarms").await.expect(200);
}

#[test]
fn the_hosts_commands_work_while_everything_is_stopped() {
    let program = Program::new();
    let invited = program.json(&["invite", "priya.raman", "--role", "bailiwick/administrator"]);
    let account = invited["account"].as_str().expect("an id").to_owned();
    let app = program.open();
    for target in ["*", "bailiwick", &account] {
        let pulled = app.write_now(&Caller::shell(1000), |tx| kill_switches::pull(tx, target, "a drill"));
        pulled.expect("it is pulled");
    }
    drop(app);
    // Stopped first, then beside a server that denies.
    for served in [false, true] {
        let _server = served.then(|| program.serve());
        let listed = program.json(&["kill-switch", "list"]);
        let pulled: Vec<&Value> = listed["items"].as_array().expect("items").iter().collect();
        assert_eq!(pulled.len(), if served { 2 } else { 3 });
        let recovered = program.run(&["recover", "administrator", "priya.raman"]).done();
        assert!(recovered.out.contains("/enrol/"), "{recovered:?}");
        assert_eq!(program.json(&["log", "verify"])["differences"], json!([]));
        program.run(&["log", "checkpoint"]).done();
        program.run(&["kill-switch", "lift", &id_of(pulled[0])]).done();
    }
    let left = program.json(&["kill-switch", "list"]);
    assert_eq!(left["items"].as_array().map(Vec::len), Some(1));
}
