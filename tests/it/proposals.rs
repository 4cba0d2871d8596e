//! Changes of what opens personal data: proposed by one, decided by another, never by one alone.

use bailiwick::access::apply::PolicyFile;
use bailiwick::access::proposals::{self, Brought};
use bailiwick::access::roles;
use bailiwick::error::Error;
use bailiwick::governed::SOURCES;
use bailiwick::log::event::Change;
use bailiwick::log::verify;
use chrono::Duration;
use serde_json::{Value, json};

use crate::support::{Browser, House, Member, Program, decision, id_of, may_read, person, shipped, wider};

fn approval(id: &str) -> String {
    format!("/api/v1/proposals/{id}/approval")
}

/// The question whether Ada may read an address for a purpose that the catalogue does not name yet.
fn for_customs() -> Value {
    let mut question = may_read("ada", "buyer-address");
    question["context"]["purpose"] = json!("customs");
    question
}

async fn kind(browser: &mut Browser, address: &str, body: Value, status: u16) -> String {
    let problem = browser.post(address, body).await.expect(status).json();
    problem["type"].as_str().expect("a type").trim_start_matches("/problems/").to_owned()
}

async fn purposes(house: &House) -> Vec<String> {
    let role = house.app.read(|reader| roles::role(reader, "orders/address-reader")).await.expect("the role");
    role.specification.allows[0].purposes.clone()
}

fn sound(house: &House) {
    let app = &house.app;
    let report = verify::all(app.database().location(), app.context(), SOURCES, None).expect("it is read");
    assert!(report.is_sound(), "{report}");
}

#[actix_web::test]
async fn one_proposes_and_another_with_authority_decides() {
    let house = House::new();
    let mut staff = house.staff().await;
    let mut officer = house.member("officer", &[]).await;
    house.give(&officer.id(), "bailiwick/security-officer", 30).await;
    let mut desk = house.order_desk(&staff.grace.id()).await;
    house.give(&staff.ada.id(), "orders/address-reader", 30).await;
    assert!(decision(&mut desk, &may_read("ada", "buyer-address")).await);
    let id = house.propose(&wider("customs")).await;
    assert!(!decision(&mut desk, &for_customs()).await, "nothing is in force yet");

    // Those who may not write catalogues, and own other applications, decide nothing; nor do keys and forged ids.
    for (who, status) in
        [(&mut staff.ada, 403), (&mut officer, 403), (&mut staff.mary, 403), (&mut staff.tomasz, 403)]
    {
        who.browser.post(&approval(&id), json!({})).await.expect(status);
    }
    let broad = house.key("broad", &staff.grace.id(), None, &["bailiwick/*:*"]).await;
    let mut robot = house.browser().await.with_key(&broad.token);
    assert_eq!(kind(&mut robot, &approval(&id), json!({}), 403).await, "not-yours-to-decide");
    let nobody = "0193a5f0-0000-7000-8000-000000000000";
    staff.priya.browser.post(&approval(nobody), json!({})).await.expect(404);
    let long = json!({ "note": "x".repeat(1_001) });
    staff.priya.browser.post(&approval(&id), long).await.expect(422);
    assert_eq!(purposes(&house).await, ["shipping", "returns"]);

    let shown = staff.grace.browser.get(&format!("/api/v1/proposals/{id}")).await.expect(200).json();
    let role = &shown["changes"]["applications"][0]["roles"][0];
    assert_eq!(role["role"], "orders/address-reader", "{shown}");
    let altered = role["altered"][0].as_str().expect("what changes");
    assert!(altered.contains("→ actions read, purposes shipping, returns, customs"), "{altered}");
    assert_eq!(shown["waits_for"].as_array().map(Vec::len), Some(2), "Priya, and Grace who owns it: {shown}");

    let note = json!({ "note": "Customs asked for it in writing" });
    let done = staff.grace.browser.post(&approval(&id), note).await.expect(200).json();
    assert_eq!(done["state"], "approved", "the owner of all that it changes may decide");
    assert!(decision(&mut desk, &for_customs()).await, "it is in force from the next question on");
    assert_eq!(kind(&mut staff.priya.browser, &approval(&id), json!({}), 409).await, "decided");
    let page = staff.priya.browser.get(&format!("/proposals/{id}")).await.expect(200).body;
    assert!(page.contains("approved, in force") && page.contains("Customs asked for it"), "{page}");
    sound(&house);
}

#[actix_web::test]
async fn who_would_gain_by_it_does_not_decide_it() {
    let house = House::new();
    let mut staff = house.staff().await;
    house.give(&staff.grace.id(), "orders/address-reader", 30).await;
    let id = house.propose(&wider("customs")).await;
    assert_eq!(kind(&mut staff.grace.browser, &approval(&id), json!({}), 403).await, "self-approval");
    let page = staff.grace.browser.get(&format!("/proposals/{id}")).await.expect(200).body;
    assert!(page.contains("would give you more"), "{page}");
    staff.grace.browser.post(&format!("/api/v1/proposals/{id}/refusal"), json!({})).await.expect(200);

    // Whoever would become owner gains the owner's word.
    let orders = shipped("orders.toml");
    let text = orders.text.replacen("owner = \"grace\"", "owner = \"priya.raman\"", 1);
    let id = house.propose(&PolicyFile { text, ..orders }).await;
    assert_eq!(kind(&mut staff.priya.browser, &approval(&id), json!({}), 403).await, "self-approval");
    staff.grace.browser.post(&approval(&id), json!({})).await.expect(200);
}

#[actix_web::test]
async fn a_person_does_not_approve_what_they_proposed_and_proves_who_they_are() {
    let house = House::new();
    let mut staff = house.staff().await;
    let by = person(&house, &staff.priya.id());
    let files = vec![wider("customs")];
    let made = house.app.write(&by, move |tx| proposals::bring(tx, &files)).await.expect("proposed").value;
    let Brought::Proposed(proposal, _) = made else { panic!("applied at once") };
    let id = proposal.id.to_string();
    assert_eq!(kind(&mut staff.priya.browser, &approval(&id), json!({}), 403).await, "self-approval");
    let refusal = format!("/api/v1/proposals/{id}/refusal");
    assert_eq!(kind(&mut staff.priya.browser, &refusal, json!({}), 403).await, "self-approval");
    let withdrawal = format!("/api/v1/proposals/{id}/withdrawal");
    assert_eq!(kind(&mut staff.grace.browser, &withdrawal, json!({}), 403).await, "not-yours");
    house.advance(Duration::minutes(14));
    staff.grace.browser.get("/api/v1/me").await.expect(200);
    house.advance(Duration::minutes(2));
    assert_eq!(kind(&mut staff.grace.browser, &approval(&id), json!({}), 403).await, "proof-required");
    house.back_again(&mut staff.priya).await;
    let taken = staff.priya.browser.post(&withdrawal, json!({ "note": "Too wide" })).await.expect(200).json();
    assert_eq!(taken["state"], "withdrawn");
    house.back_again(&mut staff.grace).await;
    assert_eq!(kind(&mut staff.grace.browser, &approval(&id), json!({}), 409).await, "decided");
}

/// A house with one person, who owns the order desk and administers.
async fn alone(house: &House) -> Member {
    let dmitri = house.set_up().await;
    let orders = shipped("orders.toml");
    let text = orders.text.replacen("owner = \"grace\"", "owner = \"dmitri.voznesensky\"", 1);
    let files = vec![PolicyFile { text, ..orders }];
    house.done(move |tx| bailiwick::access::apply::apply(tx, &files)).await;
    dmitri
}

fn his(purpose: &str) -> PolicyFile {
    let file = wider(purpose);
    let text = file.text.replacen("owner = \"grace\"", "owner = \"dmitri.voznesensky\"", 1);
    PolicyFile { text, ..file }
}

#[actix_web::test]
async fn the_word_of_the_only_one_waits_a_day_for_objections() {
    let house = House::new();
    let mut dmitri = alone(&house).await;
    let id = house.propose(&his("customs")).await;
    dmitri.browser.post(&approval(&id), json!({})).await.expect(422);
    let note = json!({ "note": "There is nobody else yet" });
    let waits = dmitri.browser.post(&approval(&id), note.clone()).await.expect(200).json();
    assert_eq!(waits["state"], "proposed");
    assert_eq!(kind(&mut dmitri.browser, &approval(&id), note.clone(), 409).await, "objections");
    house.advance(Duration::hours(24) - Duration::seconds(1));
    house.run_job("access.proposals").await.expect("it ran");
    assert_eq!(purposes(&house).await, ["shipping", "returns"], "the day is not over");
    house.advance(Duration::seconds(1));
    house.run_job("access.proposals").await.expect("it ran");
    assert_eq!(purposes(&house).await, ["shipping", "returns", "customs"]);

    // An objection stops the next one for good.
    house.back_again(&mut dmitri).await;
    let mut ines = house.member("ines.evans", &[]).await;
    let id = house.propose(&his("fun")).await;
    dmitri.browser.post(&approval(&id), note).await.expect(200);
    let own = ines.browser.get("/api/v1/own-decisions").await.expect(200).json();
    let objection = format!("/api/v1/own-decisions/{}/objection", id_of(&own["items"][0]));
    ines.browser.post(&objection, json!({ "reason": "Fun is no purpose" })).await.expect(200);
    house.run_job("access.proposals").await.expect("it ran");
    let shown = dmitri.browser.get(&format!("/api/v1/proposals/{id}")).await.expect(200).json();
    assert_eq!((&shown["state"], &shown["note"]), (&json!("refused"), &json!("Fun is no purpose")));
    house.advance(Duration::hours(25));
    house.run_job("access.proposals").await.expect("it ran");
    assert_eq!(purposes(&house).await, ["shipping", "returns", "customs"]);
    sound(&house);
}

#[actix_web::test]
async fn what_another_change_overtook_is_proposed_anew() {
    let house = House::new();
    let mut staff = house.staff().await;
    let first = house.propose(&wider("customs")).await;
    assert_eq!(house.propose(&wider("customs")).await, first, "the same is proposed once");
    let second = house.propose(&wider("recall")).await;
    staff.priya.browser.post(&approval(&second), json!({})).await.expect(200);
    assert_eq!(kind(&mut staff.priya.browser, &approval(&first), json!({}), 409).await, "overtaken");
    let page = staff.priya.browser.get(&format!("/proposals/{first}")).await.expect(200).body;
    assert!(page.contains("cannot be approved any more") && !page.contains("/approval\""), "{page}");
    house.run_job("access.proposals").await.expect("it ran");
    let over = staff.priya.browser.get(&format!("/api/v1/proposals/{first}")).await.expect(200).json();
    assert_eq!(over["state"], "lapsed");
    let again = house.propose(&wider("customs")).await;
    assert_ne!(again, first);
    house.advance(Duration::days(14));
    house.back_again(&mut staff.priya).await;
    assert_eq!(kind(&mut staff.priya.browser, &approval(&again), json!({}), 409).await, "decided");
    let past = staff.priya.browser.get("/api/v1/proposals?view=past").await.expect(200).json();
    assert_eq!(past["items"].as_array().map(Vec::len), Some(3));
}

#[actix_web::test]
async fn all_files_of_one_apply_wait_together() {
    let house = House::new();
    let mut staff = house.staff().await;
    house.give(&staff.mary.id(), "bailiwick/access-admin", 30).await;
    let warehouse = shipped("warehouse.toml");
    let harmless = PolicyFile {
        text: warehouse.text.replacen("name = \"", "name = \"New ", 1),
        name: warehouse.name.clone(),
    };
    let files = vec![harmless, wider("customs")];
    let given = files.clone();
    let tried = house.done(move |tx| proposals::tried(tx, &given)).await;
    assert!(tried.1 && tried.0.applications.iter().all(|one| one.changed), "{tried:?}");
    house.done(move |tx| proposals::bring(tx, &files)).await;
    let open = staff.priya.browser.get("/api/v1/proposals?view=open").await.expect(200).json();
    let id = id_of(&open["items"][0]);
    assert_eq!(open["items"][0]["applications"], json!(["warehouse", "orders"]));
    let name =
        || house.app.read_now(|reader| Ok(roles::application(reader, "warehouse")?.specification.name));
    assert!(
        name().expect("a look").is_none_or(|name| !name.starts_with("New ")),
        "nothing of it is in force"
    );
    assert_eq!(kind(&mut staff.grace.browser, &approval(&id), json!({}), 403).await, "not-yours-to-decide");
    staff.priya.browser.post(&approval(&id), json!({})).await.expect(200);
    assert!(name().expect("a look").is_some_and(|name| name.starts_with("New ")));
}

#[actix_web::test]
async fn of_two_hundred_approvals_at_once_one_counts() {
    let house = House::new();
    let staff = house.staff().await;
    let id = house.propose(&wider("customs")).await;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let (mut browser, address) = (staff.priya.browser.clone(), approval(&id));
        calls.spawn_local(async move { browser.post(&address, json!({})).await.status });
    }
    let answers = calls.join_all().await;
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1, "{answers:?}");
    assert!(answers.iter().all(|status| matches!(status, 200 | 409 | 429 | 503)), "{answers:?}");
    let log = house.app.read_now(|reader| {
        let events = bailiwick::log::store::events_after(reader, 0, 100_000)?;
        let applied = |change: &Change| matches!(change, Change::CatalogueApplied { basis, .. } if basis == "second-person");
        let approved = |change: &Change| matches!(change, Change::ProposalChanged { state, .. } if state == "approved");
        let count = |of: &dyn Fn(&Change) -> bool| events.iter().filter(|event| of(&event.change)).count();
        Ok((count(&applied), count(&approved)))
    });
    assert_eq!(log.expect("the log"), (0, 1), "roles changed, the application did not");
}

#[actix_web::test]
async fn what_is_too_large_is_not_kept() {
    let house = House::new();
    house.staff().await;
    let file = wider("customs");
    let text = format!("{}\n# {}\n", file.text, "x".repeat(2 * 1024 * 1024));
    let files = vec![PolicyFile { text, ..file }];
    match house.write(move |tx| proposals::bring(tx, &files)).await {
        Err(Error::Invalid(_)) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_shell_says_that_it_waits() {
    let program = Program::new();
    program.run(&["invite", "ada", "--role", "bailiwick/administrator"]).done();
    program.run(&["invite", "grace"]).done();
    program.run(&["invite", "tomasz.wisniewski"]).done();
    let policies = concat!(env!("CARGO_MANIFEST_DIR"), "/policies/apps");
    program.run(&["apply", policies]).done();
    let directory = program.data().join("wider");
    std::fs::create_dir(&directory).expect("a directory");
    std::fs::write(directory.join("orders.toml"), wider("customs").text).expect("a file");
    let directory = directory.to_string_lossy();
    let tried = program.run(&["apply", &directory, "--dry-run"]).done();
    assert!(tried.err.contains("would wait for a second person"), "{}", tried.err);
    let waits = program.run(&["apply", &directory]).with(3);
    assert!(
        waits.out.contains("/proposals/") && waits.err.contains("nothing is in force yet"),
        "{}",
        waits.out
    );
    let again = program.run(&["apply", &directory, "--json"]).with(3).json();
    assert!(waits.out.contains(again["proposal"]["id"].as_str().expect("an id")), "{again}");
    let log = program.run(&["log", "export"]).done().out;
    assert_eq!(log.matches("\"kind\":\"proposal_changed\"").count(), 1);
    assert!(!log.contains("customs"), "no text of a file stands in the log");
    program.run(&["log", "verify"]).done();
}
