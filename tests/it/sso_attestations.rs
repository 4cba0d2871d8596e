//! Vouching for an identity provider's own rules: who does, until when, and what says so when nobody does.

use bailiwick::alarms::lists::{self, Narrowing};
use bailiwick::alarms::{Alarm, Rule};
use bailiwick::log::event::Change;
use chrono::Duration;
use serde_json::json;

use crate::support::House;

const ATTESTATIONS: &str = "/api/v1/identity-providers/firm/attestations";

fn alarms(house: &House) -> Vec<Alarm> {
    let narrowing = Narrowing { rule: Some(Rule::ProviderUnattested), ..Narrowing::default() };
    house.app.read_now(|reader| lists::list(reader, &narrowing, None, 10)).expect("alarms").0
}

async fn look(house: &House) -> String {
    house.run_job("sso.attestations").await.expect("it ran")
}

#[actix_web::test]
async fn while_nobody_vouches_for_a_provider_an_alarm_says_so() {
    let (house, _provider) = House::with_provider("");
    let mut priya = house.member("priya.raman", &["bailiwick/administrator"]).await.browser;
    assert_eq!(look(&house).await, "1 of 1 providers want somebody to vouch for them");
    let raised = alarms(&house);
    assert_eq!((raised.len(), raised[0].about.as_str(), raised[0].observed), (1, "firm", 0));

    let ends_at = house.in_days(30);
    let body = json!({ "evidence": "14 characters, five tries, keys for all: its console, page 3", "ends_at": ends_at });
    let made = priya.post(ATTESTATIONS, body).await.expect(201).json();
    assert_eq!(made["provider"], "firm");
    assert_eq!(look(&house).await, "0 of 1 providers want somebody to vouch for them");
    let page = priya.get("/settings").await.expect(200).body;
    assert!(page.contains("its console, page 3") && page.contains("Vouch for it anew"), "{page}");
    // Two weeks before the end it is time for another, and the alarm that is open says how long there is.
    house.advance(Duration::days(17));
    assert_eq!(look(&house).await, "1 of 1 providers want somebody to vouch for them");
    let again = alarms(&house);
    assert_eq!((again.len(), again[0].sightings, again[0].observed), (1, 2, 13));
    house.advance(Duration::days(13));
    look(&house).await;
    assert_eq!(alarms(&house)[0].observed, 0);
}

#[actix_web::test]
async fn what_a_person_vouches_for_has_an_end_and_a_reason_and_is_kept() {
    let (house, _provider) = House::with_provider("");
    let mut priya = house.member("priya.raman", &["bailiwick/administrator"]).await.browser;
    let body = |days: i64, evidence: &str| json!({ "evidence": evidence, "ends_at": house.in_days(days) });
    for (body, field) in
        [(body(0, "Seen"), "ends_at"), (body(367, "Seen"), "ends_at"), (body(30, " x "), "evidence")]
    {
        let refused = priya.post(ATTESTATIONS, body).await.expect(422).json();
        assert_eq!(refused["errors"][0]["field"], field, "{refused}");
    }
    priya.post("/api/v1/identity-providers/other/attestations", body(30, "Seen")).await.expect(404);
    let mut ids = Vec::new();
    for days in [10, 366, 20] {
        house.advance(Duration::seconds(1));
        ids.push(priya.post(ATTESTATIONS, body(days, "Seen")).await.expect(201).json()["id"].clone());
    }
    let first = priya.get(&format!("{ATTESTATIONS}?limit=2")).await.expect(200).json();
    assert_eq!(first["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(first["items"][0]["id"], ids[2], "newest first");
    let next = first["next"].as_str().expect("a cursor");
    let second = priya.get(&format!("{ATTESTATIONS}?cursor={next}")).await.expect(200).json();
    assert_eq!((second["items"].as_array().map(Vec::len), &second["items"][0]["id"]), (Some(1), &ids[0]));
    priya.get(&format!("{ATTESTATIONS}?cursor=x")).await.expect(422);

    let end = format!("{ATTESTATIONS}/{}/end", ids[1].as_str().expect("an id"));
    priya.post(&end, json!({ "reason": "" })).await.expect(422);
    let elsewhere = end.replace("/firm/", "/other/");
    priya.post(&elsewhere, json!({ "reason": "It changed" })).await.expect(404);
    let ended = priya.post(&end, json!({ "reason": "It allows four digits now" })).await.expect(200).json();
    assert_eq!(ended["ends_at"], json!(house.now()));
    let count = house.all_events().len();
    priya.post(&end, json!({ "reason": "It allows four digits now" })).await.expect(200);
    assert_eq!(house.all_events().len(), count, "what is over stays as it is");
    let events = house.all_events();
    let told = |event: &&bailiwick::log::event::Event| {
        matches!(&event.change, Change::ProviderAttested { .. } | Change::ProviderAttestationEnded { .. })
    };
    assert_eq!(events.iter().filter(told).count(), 4);
}

#[actix_web::test]
async fn programs_people_without_a_fresh_proof_and_everybody_else_vouch_for_nothing() {
    let (house, _provider) = House::with_provider("");
    let mut priya = house.member("priya.raman", &["bailiwick/administrator"]).await.browser;
    let mut officer = house.member("karim.jensen", &["bailiwick/security-officer"]).await.browser;
    let body = json!({ "evidence": "Seen in its console", "ends_at": house.in_days(30) });
    officer.post(ATTESTATIONS, body.clone()).await.expect(403);
    priya.other().post(ATTESTATIONS, body.clone()).await.expect(401);
    let owner = house.person("grace", None).await;
    let key = house.key("settings", &owner, None, &["bailiwick/profile:write"]).await;
    let mut program = house.browser().await.with_key(&key.token);
    let refused = program.post(ATTESTATIONS, body.clone()).await.expect(403).json();
    assert_eq!(refused["type"], "/problems/not-yours-to-decide");
    house.advance(Duration::minutes(14));
    priya.get("/settings").await.expect(200);
    house.advance(Duration::minutes(2));
    let refused = priya.post(ATTESTATIONS, body).await.expect(403).json();
    assert_eq!(refused["type"], "/problems/proof-required");
    let form = [("evidence", "Seen in its console"), ("last_day", "2026-12-24")];
    let page = priya.submit("/settings/identity-providers/firm/attestations", &form).await;
    assert_eq!((page.status, page.header("location").starts_with("/prove")), (303, true));
}

#[actix_web::test]
async fn the_form_of_the_settings_says_what_does_not_do() {
    let (house, _provider) = House::with_provider("");
    let mut priya = house.member("priya.raman", &["bailiwick/administrator"]).await.browser;
    let address = "/settings/identity-providers/firm/attestations";
    for (day, said) in [("", "must be a day"), ("2031-01-01", "within a year")] {
        let form = [("evidence", "Seen in its console"), ("last_day", day)];
        let page = priya.submit(address, &form).await.expect(422).body;
        assert!(page.contains(said) && page.contains("Seen in its console"), "{page}");
    }
    let form = [("evidence", "Seen in its console"), ("last_day", "2026-12-24")];
    let reply = priya.submit(address, &form).await.expect(303);
    assert_eq!(reply.header("location"), "/settings#identity-providers");
    assert!(priya.get("/settings").await.expect(200).body.contains("Seen in its console"));
    priya.submit("/settings/identity-providers/other/attestations", &form).await.expect(404);
}
