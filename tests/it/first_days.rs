//! The checklist of a new house: each item ticks itself when it is so, and the list goes when all of it is.

use bailiwick::access::grants;
use bailiwick::accounts::import::import_people;
use bailiwick::accounts::{self, Changes};
use bailiwick::app::App;
use bailiwick::control::{self, Asker, Command};
use bailiwick::log::command;
use serde_json::json;

use crate::support::{Browser, House, decision, may_read, shell, shipped};

const TITLES: [&str; 12] = [
    "Choose the time zone",
    "Choose the policy profile",
    "Give the house its public address",
    "Name a second administrator",
    "A second factor and recovery codes for every administrator",
    "Name a security officer",
    "Import your people",
    "A manager for everybody",
    "Describe your first application",
    "Let an application ask",
    "Open the first review",
    "Keep a checkpoint of the log elsewhere",
];

/// The titles that are ticked; `None` if there is no list.
async fn ticked(reader: &mut Browser) -> Option<Vec<&'static str>> {
    let page = reader.get("/").await.expect(200).body.replace("&#x2f;", "/");
    let (_, list) = page.split_once("Before the house is ready")?;
    let (list, _) = list.split_once("</section>").expect("its end");
    let rows: Vec<&str> = list.split("<li").skip(1).collect();
    assert_eq!(rows.len(), TITLES.len(), "{list}");
    let mut done = Vec::new();
    for (row, title) in rows.iter().zip(TITLES) {
        assert!(row.contains(title), "{title}: {row}");
        if row.starts_with(" class=\"is-met\"") {
            done.push(title);
        } else {
            assert!(row.contains("<a class=\"small\" href=\"/"), "{title} leads somewhere: {row}");
        }
    }
    Some(done)
}

/// Asserts that what was just done ticked these items, and no other changed.
#[track_caller]
fn assert_new(before: &mut Vec<&'static str>, after: Option<Vec<&'static str>>, new: &[&'static str]) {
    let after = after.expect("a list");
    let mut expected = [&before[..], new].concat();
    expected.sort_unstable();
    let mut sorted = after.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    *before = after;
}

#[actix_web::test]
async fn each_item_ticks_itself_and_the_list_goes_when_all_are_done() {
    let mut house = House::new();
    let mut priya = house.member("priya.raman", &["bailiwick/administrator"]).await;
    let mut seen = ticked(&mut priya.browser).await.expect("a list");
    assert_eq!(seen, [TITLES[4], TITLES[7]], "one administrator, enrolled, who is the head of the house");

    let settings = |profile: &'static str| {
        [
            ("name", "Heron Parcel"),
            ("time_zone", "Europe/London"),
            ("public_url", "https://access.heron-parcel.example"),
            ("profile", profile),
        ]
    };
    let wrong = priya.browser.submit("/settings", &settings("loose")).await.expect(422).body;
    assert!(wrong.contains("Heron Parcel"), "what was typed came back");
    assert_new(&mut seen, ticked(&mut priya.browser).await, &[]);
    priya.browser.submit("/settings", &settings("e2e-solutions")).await.expect(303);
    assert_new(&mut seen, ticked(&mut priya.browser).await, &TITLES[..2]);
    let again = priya.browser.submit("/settings", &settings("one-connection")).await.expect(422).body;
    assert!(again.contains("was chosen already"), "{again}");
    priya.browser.submit("/settings", &settings("e2e-solutions")[..3]).await.expect(303);

    // Whoever is only invited cannot administer yet, and has no manager either.
    let (grace, token) = house.invite("grace", &["bailiwick/administrator"]).await;
    let after = ticked(&mut priya.browser).await.expect("a list");
    assert!(
        !after.contains(&TITLES[3]) && after.contains(&TITLES[4]) && !after.contains(&TITLES[7]),
        "{after:?}"
    );
    let mut browser = house.browser().await;
    house.enrol(&mut browser, "grace", grace.clone(), token).await;
    let (head, report) = (priya.id(), grace.clone());
    let changes = Changes { manager: Some(Some(head.clone())), ..Changes::default() };
    house.done(move |tx| accounts::change(tx, &report, &changes)).await;
    assert_new(&mut seen, ticked(&mut priya.browser).await, &[TITLES[3]]);

    let officer = house.member("tomasz.wisniewski", &["bailiwick/security-officer"]).await.id();
    let changes = Changes { manager: Some(Some(head)), ..Changes::default() };
    house.done(move |tx| accounts::change(tx, &officer, &changes)).await;
    assert_new(&mut seen, ticked(&mut priya.browser).await, &[TITLES[5]]);
    assert_eq!(ticked(&mut browser).await, Some(seen.clone()), "every administrator sees it");

    people_and_applications(&house, &mut priya.browser, &mut seen).await;
    assert_eq!(seen.len(), TITLES.len() - 1, "all but the address: {seen:?}");

    house.reopen_with(|config| "https://access.heron-parcel.example".clone_into(&mut config.public_url));
    let mut moved = house.browser().await.from_origin(Some("https://access.heron-parcel.example"));
    house.sign_in(&mut moved, &priya.person).await;
    assert_eq!(ticked(&mut moved).await, None, "everything is done");
}

async fn people_and_applications(house: &House, priya: &mut Browser, seen: &mut Vec<&'static str>) {
    const FILE: &str = "employee_id,username,given_name,family_name,email,manager,department,job_title,start_date,\
                        end_date\nHP-1,nora.carvalho,Nora,Carvalho,,,,,2026-01-05,\n";
    blocking(house, |app| import_people(app, &shell(), FILE.as_bytes(), false, &mut |_| {}).map(drop)).await;
    let after = ticked(priya).await.expect("a list");
    assert!(
        after.contains(&TITLES[6]) && !after.contains(&TITLES[7]),
        "two people without a manager: {after:?}"
    );
    let nora = house.app.read_now(|reader| accounts::find_by_name(reader, "nora.carvalho"));
    let nora = nora.expect("read").expect("she is there").id;
    house.done(move |tx| accounts::mark_left(tx, &nora, "test")).await;
    assert_new(seen, ticked(priya).await, &[TITLES[6]]);

    let files = vec![shipped("orders.toml"), shipped("warehouse.toml")];
    house.done(move |tx| bailiwick::access::apply::apply(tx, &files)).await;
    assert_new(seen, ticked(priya).await, &[TITLES[8]]);

    let grace = house
        .app
        .read_now(|reader| accounts::find_by_name(reader, "grace"))
        .expect("read")
        .expect("grace")
        .id;
    let mut desk = house.order_desk(&grace).await;
    assert_new(seen, ticked(priya).await, &[]);
    assert!(!decision(&mut desk, &may_read("grace", "buyer-address")).await);
    assert!(house.app.recorder().flush());
    assert!(house.app.read_now(grants::used_by_a_key).expect("read"));
    assert_new(seen, ticked(priya).await, &[TITLES[9]]);

    let review = json!({ "name": "First", "scope": { "app": "bailiwick" }, "due_at": house.in_days(7) });
    priya.post("/api/v1/reviews", review).await.expect(201);
    assert_new(seen, ticked(priya).await, &[TITLES[10]]);

    blocking(house, |app| command::checkpoint(app.database()).map(drop)).await;
    assert_new(seen, ticked(priya).await, &[]);
    blocking(house, |app| {
        let (note, _) = command::checkpoint(app.database())?;
        let verify = Command::LogVerify { against: Some(note) };
        let output = control::execute(app, &shell(), verify, &mut Asker::new(&mut |_| Ok(())))?;
        assert!(!output.wrong, "{output:?}");
        Ok(())
    })
    .await;
    assert_new(seen, ticked(priya).await, &[TITLES[11]]);
}

/// Work of the shell, on a thread that may wait.
async fn blocking(house: &House, work: impl FnOnce(&App) -> bailiwick::error::Result<()> + Send + 'static) {
    let app = house.app.clone();
    tokio::task::spawn_blocking(move || work(&app)).await.expect("it runs").expect("it is done");
}

#[actix_web::test]
async fn who_does_not_administer_sees_no_list_and_changes_no_setting() {
    let house = House::new();
    house.member("priya.raman", &["bailiwick/administrator"]).await;
    for (username, role, status) in [
        ("ada", None, 403),
        ("chloe.beaumont", Some("bailiwick/auditor"), 200),
        ("tomasz.wisniewski", Some("bailiwick/security-officer"), 403),
    ] {
        let mut member = house.member(username, role.as_slice()).await;
        assert_eq!(ticked(&mut member.browser).await, None, "{username}");
        let page = member.browser.get("/settings").await.expect(status).body;
        assert!(!page.contains(">Save<"), "{username}: {page}");
        let fields = [("name", "Mine"), ("time_zone", "UTC"), ("public_url", "https://mine.example")];
        member.browser.submit("/settings", &fields).await.expect(403);
    }
    assert_eq!(house.app.organisation().name, "");
}
