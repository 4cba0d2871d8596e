//! The log over HTTP: events to follow and to look back, checkpoint, proof, the page.

use bailiwick::log::checkpoint;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::Duration;
use diesel::connection::SimpleConnection;
use serde_json::{Value, json};
use tlog_tiles::{Hash, check_record};

use crate::support::{Browser, Enrolled, House};

/// A house with an administrator at the screen and somebody without rights.
async fn house() -> (House, Browser, Enrolled, Browser, Enrolled) {
    let house = House::new();
    let mut grace = house.browser().await;
    let owner = house.enrolled(&mut grace, "grace", &["bailiwick/administrator"]).await;
    let mut ada = house.browser().await;
    let clerk = house.enrolled(&mut ada, "ada", &[]).await;
    (house, grace, owner, ada, clerk)
}

fn items(answer: &Value) -> &Vec<Value> {
    answer["items"].as_array().unwrap_or_else(|| panic!("no items: {answer}"))
}

fn numbers(answer: &Value) -> Vec<u64> {
    items(answer).iter().map(|event| event["number"].as_u64().expect("a number")).collect()
}

#[actix_web::test]
async fn events_are_followed_from_a_number_on_and_looked_back_at_from_the_newest() {
    let (house, mut grace, _, mut ada, _) = house().await;
    let newest = house.app.applied();
    let mut followed = Vec::new();
    let mut path = "/api/v1/events?after=0&limit=5".to_owned();
    loop {
        let answer = grace.get(&path).await.expect(200).json();
        followed.extend(numbers(&answer));
        let Some(next) = answer["next"].as_str() else { break };
        path = format!("/api/v1/events?after=0&limit=5&cursor={next}");
    }
    assert_eq!(followed, (1..=newest).collect::<Vec<_>>());
    let back = grace.get("/api/v1/events?limit=3").await.expect(200).json();
    assert_eq!(numbers(&back), [newest, newest - 1, newest - 2]);
    let next = back["next"].as_str().expect("there is more");
    let older = grace.get(&format!("/api/v1/events?limit=3&cursor={next}")).await.expect(200).json();
    assert_eq!(numbers(&older)[0], newest - 3);
    assert_eq!(numbers(&grace.get(&format!("/api/v1/events?after={newest}")).await.json()), [0; 0]);
    ada.get("/api/v1/events").await.expect(403);
    ada.other().get("/api/v1/events").await.expect(401);
}

#[actix_web::test]
async fn events_are_narrowed_by_kind_subject_and_time() {
    let (house, mut grace, owner, _, clerk) = house().await;
    house.advance(Duration::minutes(1));
    let between = house.now();
    house.advance(Duration::minutes(1));
    grace.post(&format!("/api/v1/accounts/{}/unlock", clerk.account), json!({ "reason": "A test" })).await;
    let started = grace.get("/api/v1/events?kind=session_started&subject=ada").await.expect(200).json();
    assert_eq!(items(&started).len(), 1);
    let event = &items(&started)[0];
    assert_eq!((&event["subject"], &event["kind"]), (&json!(clerk.account), &json!("session_started")));
    assert_eq!(event["actor"]["as"], "nobody", "who signs in is nobody until it is done");
    assert_eq!(event["leaf"].as_str().map(str::len), Some(64));
    let by_id = grace.get(&format!("/api/v1/events?subject={}", owner.account)).await.expect(200).json();
    assert!(items(&by_id).iter().all(|event| event["subject"] == json!(owner.account)));
    assert!(!items(&by_id).is_empty());
    let early = grace.get(&format!("/api/v1/events?to={between}&limit=200")).await.expect(200).json();
    let late = grace.get(&format!("/api/v1/events?from={between}&limit=200")).await.expect(200).json();
    assert_eq!((items(&early).len() + items(&late).len()) as u64, house.app.applied());
    for wrong in ["kind=nonsense", "subject=nobody-here", "limit=0", "limit=x", "cursor=x"] {
        let reply = grace.get(&format!("/api/v1/events?{wrong}")).await.expect(422).json();
        assert_eq!(reply["errors"][0]["field"], wrong.split('=').next().expect("a field"), "{reply}");
    }
}

#[actix_web::test]
async fn an_event_is_proved_against_the_checkpoint_that_everybody_gets() {
    let (house, mut grace, _, mut ada, _) = house().await;
    let signed = grace.get("/api/v1/log/checkpoint").await.expect(200).json();
    let note = signed["checkpoint"].as_str().expect("a note");
    let read = checkpoint::read(note).expect("a checkpoint");
    assert_eq!((signed["size"].as_u64(), &signed["root"]), (Some(read.size), &json!(hex::encode(read.root))));
    let verifier = signed["verifier_key"].as_str().expect("a key");
    let verifier = signed_note::StandardVerifier::new(verifier).expect("a verifier key");
    let list = signed_note::VerifierList::new(vec![Box::new(verifier)]);
    let number = house.app.applied();
    let proof = grace.get(&format!("/api/v1/log/proof?event={number}")).await.expect(200).json();
    let proved = signed_note::Note::from_bytes(proof["checkpoint"].as_str().expect("a note").as_bytes());
    proved.expect("a note").verify(&list).expect("signed by the same key");
    let hash = |value: &Value| Hash::parse_hash(value.as_str().expect("Base64")).expect("a hash");
    let path: Vec<_> = proof["audit_path"].as_array().expect("a path").iter().map(hash).collect();
    let (size, index) =
        (proof["tree_size"].as_u64().expect("a size"), proof["leaf_index"].as_u64().expect("an index"));
    check_record(&path, size, hash(&proof["root_hash"]), index, hash(&proof["leaf_hash"])).expect("it holds");
    let event = grace.get(&format!("/api/v1/events?after={}&limit=1", number - 1)).await.expect(200).json();
    let leaf = STANDARD.encode(hex::decode(items(&event)[0]["leaf"].as_str().expect("a leaf")).expect("hex"));
    assert_eq!(proof["leaf_hash"], json!(leaf), "the proof is about this very event");
    grace.get("/api/v1/log/proof?event=0").await.expect(404);
    grace.get("/api/v1/log/proof?event=100000").await.expect(404);
    ada.get("/api/v1/log/proof?event=1").await.expect(403);
    ada.get("/api/v1/log/checkpoint").await.expect(403);
}

#[actix_web::test]
async fn the_page_tells_what_happened_and_keeps_what_was_asked() {
    let (house, mut grace, _, mut ada, _) = house().await;
    house.run_job("log.verify").await;
    let page = grace.get("/log").await.expect(200).body;
    for expected in ["Verified to", "enrolled a second factor", "Last checkpoint", "signed in"] {
        assert!(page.contains(expected), "{expected} is missing in {page}");
    }
    let one = grace.get("/log?kind=session_started&subject=ada&from=&to=2026-11-23").await.expect(200).body;
    assert!(one.contains("Perrin Nakagawa signed in") && !one.contains("enrolled a second factor"), "{one}");
    assert!(one.contains("value=\"ada\"") && one.contains("Show everything"));
    let none = grace.get("/log?to=2026-11-22").await.expect(200).body;
    assert!(none.contains("No event matches"));
    let wrong = grace.get("/log?subject=nobody-here&from=yesterday").await.expect(200).body;
    assert!(wrong.contains("nobody is called so") && wrong.contains("Write a day as"), "{wrong}");
    ada.get("/log").await.expect(403);
}

#[actix_web::test]
async fn the_page_says_so_when_the_log_does_not_verify() {
    let (house, mut grace, ..) = house().await;
    let flip = "UPDATE change_events SET actor = 'shell:7' WHERE number = 2";
    let run = |reader: &mut bailiwick::db::Reader<'_>| Ok(reader.connection.batch_execute(flip)?);
    house.app.database().alone(run).expect("flipped");
    house.run_job("log.verify").await;
    let page = grace.get("/log").await.expect(200).body;
    assert!(page.contains("The log does not verify") && page.contains("1 difference, found"), "{page}");
}

#[actix_web::test]
async fn a_confidential_case_is_not_seen_in_the_log_before_its_instant() {
    let (house, mut grace, _, _, clerk) = house().await;
    let mut auditor = house.browser().await;
    house.enrolled(&mut auditor, "otto", &["bailiwick/auditor"]).await;
    let body = json!({
        "account": clerk.account, "effective_at": house.in_days(3), "reason": "Decided on Monday", "confidential": true,
    });
    grace.post("/api/v1/leavers", body).await.expect(201);
    let number = house.app.applied();
    let path = format!("/api/v1/events?after={}&limit=1", number - 1);
    let seen = auditor.get(&path).await.expect(200).json();
    assert_eq!((&items(&seen)[0]["kind"], items(&seen)[0].get("subject")), (&json!("withheld"), None));
    assert_eq!(grace.get(&path).await.expect(200).json()["items"][0]["kind"], "leaver_reported");
    let asked = auditor.get("/api/v1/events?kind=leaver_reported").await.expect(200).json();
    assert_eq!(items(&asked).len(), 0);
    assert!(!auditor.get("/log").await.expect(200).body.contains("reported a leaver"));
    assert!(grace.get("/log").await.expect(200).body.contains("reported a leaver"));
    house.advance(Duration::days(3));
    let mut auditor = house.browser().await;
    house.enrolled(&mut auditor, "olga", &["bailiwick/auditor"]).await;
    assert_eq!(auditor.get(&path).await.expect(200).json()["items"][0]["kind"], "leaver_reported");
}
