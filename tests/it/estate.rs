//! The second journey: a firm whose people hold sixty things in three systems, two of which never ask, from the import
//! to a closed review whose report adds up. One story in acts; the clock is moved, never waited for.

use std::collections::BTreeSet;

use actix_web::test::TestRequest;
use bailiwick::access::apply::{self, PolicyFile};
use bailiwick::ids::AccountId;
use chrono::Duration;
use serde_json::{Value, json};

use crate::support::company::may;
use crate::support::{House, Member, id_of, shipped};

/// The people of the story: Dmitri administers, Oliver, Ingrid, Kwame and Eleanor decide, Grace owns the portal.
struct Estate {
    house: House,
    dmitri: Member,
    grace: Member,
    ingrid: Member,
    deciders: [Member; 3],
}

fn example(name: &str) -> String {
    let path = format!("{}/policies/examples/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).expect("an example")
}

#[actix_web::test]
async fn sixty_grants_in_three_systems_to_a_report_that_adds_up() {
    let mut estate = opening().await;
    what_is_there_is_imported(&mut estate).await;
    orphans_are_settled(&mut estate).await;
    let review = everything_is_decided(&mut estate).await;
    removals_are_done_seen_and_listed(&mut estate).await;
    the_report_adds_up(&mut estate, &review).await;
}

async fn opening() -> Estate {
    let house = House::new();
    let dmitri = house.set_up().await;
    house.import_people().await;
    let mut files = vec![shipped("orders.toml"), shipped("warehouse.toml")];
    files.extend(["marketplace", "accounting"].map(|name| PolicyFile {
        name: format!("{name}.toml"),
        text: example(&format!("systems/{name}.toml")),
    }));
    house.done(move |tx| apply::apply(tx, &files)).await;
    let grace = house.member("grace", &[]).await;
    let ingrid = house.member("ingrid.sorensen", &[]).await;
    let deciders = [
        house.member("oliver.pemberton", &[]).await,
        house.member("kwame.mensah", &[]).await,
        house.member("eleanor.whitcombe", &[]).await,
    ];
    Estate { house, dmitri, grace, ingrid, deciders }
}

async fn read_lists(estate: &mut Estate, csv: String) -> Value {
    estate.house.back_again(&mut estate.dmitri).await;
    let request = TestRequest::post().uri("/api/v1/grants/import").set_payload(csv);
    estate.dmitri.browser.send(request).await.expect(200).json()
}

async fn what_is_there_is_imported(estate: &mut Estate) {
    let report = read_lists(estate, example("grants.csv")).await;
    assert_eq!(
        (&report["matched"], &report["orphans"], &report["refused"]),
        (&json!(56), &json!(4), &json!(0))
    );
    let again = read_lists(estate, example("grants.csv")).await;
    assert_eq!(
        (&again["unchanged"], &again["matched"], &again["missing"]),
        (&json!(60), &json!(0), &json!([]))
    );
    let ines = {
        let list = estate.dmitri.browser.get("/api/v1/accounts?username=ines.evans").await.expect(200).json();
        AccountId::parse(&id_of(&list["items"][0])).expect("an id")
    };
    assert!(!may(&estate.house, &ines, "marketplace/buyer-details:read"), "a file opens no customers' data");
    assert!(may(&estate.house, &ines, "marketplace/listing:read"));
}

async fn orphans_are_settled(estate: &mut Estate) {
    estate.house.back_again(&mut estate.ingrid).await;
    estate.house.back_again(&mut estate.grace).await;
    let view = "/api/v1/holdings?view=orphans&limit=200";
    let brook = {
        let found = "/api/v1/accounts?username=ottoline.brook";
        let list = estate.dmitri.browser.get(found).await.expect(200).json();
        id_of(&list["items"][0])
    };
    let of = |list: &Value, login: &str| {
        let items = list["items"].as_array().expect("a list");
        let one = items.iter().find(|one| one["external_login"] == login);
        format!("/api/v1/holdings/{}", id_of(one.unwrap_or_else(|| panic!("no {login}: {list:#}"))))
    };
    let ingrid = &mut estate.ingrid.browser;
    let own = ingrid.get(view).await.expect(200).json();
    let service = json!({ "username": "accounting-export" });
    ingrid.post(&format!("{}/service", of(&own, "batch-export")), service).await.expect(200);
    ingrid.post(&format!("{}/claim", of(&own, "AC017")), json!({ "account": brook })).await.expect(200);
    let grace = &mut estate.grace.browser;
    let own = grace.get(view).await.expect(200).json();
    for login in ["paula_finch", "shared-desk"] {
        grace.post(&format!("{}/removal", of(&own, login)), json!({})).await.expect(200);
    }
}

/// How many go in each system: the first of each list, riskiest first.
const GOES: [(&str, usize); 3] = [("marketplace", 5), ("accounting", 3), ("warehouse", 2)];

async fn everything_is_decided(estate: &mut Estate) -> String {
    let due_at = estate.house.now().plus(Duration::days(10));
    let wanted = json!({ "name": "The first review", "due_at": due_at });
    estate.house.back_again(&mut estate.dmitri).await;
    let opened = estate.dmitri.browser.post("/api/v1/reviews", wanted).await.expect(201).json();
    assert_eq!((&opened["state"], &opened["population"]), (&json!("active"), &json!(59)), "{opened:#}");
    let path = format!("/api/v1/reviews/{}", id_of(&opened));
    let Estate { house, ingrid, deciders, .. } = estate;
    let (mut uses, mut left) = (BTreeSet::new(), GOES);
    let [oliver, kwame, eleanor] = deciders;
    for decider in [oliver, kwame, ingrid, eleanor] {
        house.back_again(decider).await;
        let list =
            decider.browser.get(&format!("{path}/items?reviewer=me&limit=200")).await.expect(200).json();
        let mut answers = Vec::new();
        for item in list["items"].as_array().expect("items") {
            uses.insert(item["last_used"].as_str().map(|text| text.len() < 10).unwrap_or_default());
            let going = left.iter_mut().find(|(system, left)| item["application"] == *system && *left > 0);
            answers.push(match going {
                Some((_, left)) => {
                    *left -= 1;
                    json!({ "item": item["id"], "decision": "revoke" })
                }
                None => json!({ "item": item["id"], "decision": "keep", "reason": "Needed for the job" }),
            });
        }
        let count = answers.len();
        decider.browser.post(&format!("{path}/decisions"), json!(answers)).await.expect(200);
        let signed = decider.browser.post(&format!("{path}/sign-off"), json!({})).await.expect(200).json();
        assert_eq!(signed["applied"], count, "{signed:#}");
    }
    assert_eq!(
        uses.len(),
        2,
        "dates, and never or unknown: what the lists say of use is before the reviewers"
    );
    let state = estate.dmitri.browser.get(&path).await.expect(200).json();
    assert_eq!(state["state"], "verifying", "decided, and not closed: {state:#}");
    path
}

/// Grace takes three away and Dmitri looks; the next lists do not have what else is gone; one hangs.
async fn removals_are_done_seen_and_listed(estate: &mut Estate) {
    estate.house.back_again(&mut estate.grace).await;
    estate.house.back_again(&mut estate.dmitri).await;
    let tasks = estate.grace.browser.get("/api/v1/tasks?view=mine&limit=200").await.expect(200).json();
    let of_review: Vec<Value> = tasks["items"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|task| task["origin"]["kind"] == "review")
        .cloned()
        .collect();
    assert_eq!((of_review.len(), tasks["items"].as_array().map(Vec::len)), (5, Some(7)), "{tasks:#}");
    let mut gone: Vec<(String, String)> = Vec::new();
    let key = |task: &Value| {
        let role = task["role"].as_str().expect("a role").split('/').nth(1).expect("its key").to_owned();
        (task["external_login"].as_str().expect("a login").to_owned(), role)
    };
    for task in &of_review[..3] {
        let path = format!("/api/v1/tasks/{}", id_of(task));
        let proof = json!({ "proof": "Removed under settings; the portal shows the user as deleted" });
        estate.grace.browser.post(&format!("{path}/completion"), proof).await.expect(200);
        estate.grace.browser.post(&format!("{path}/verification"), json!({})).await.expect(403);
        estate.dmitri.browser.post(&format!("{path}/verification"), json!({})).await.expect(200);
        gone.push(key(task));
    }
    gone.push(key(&of_review[3]));
    gone.push(("paula_finch".to_owned(), "lister".to_owned()));
    estate.house.back_again(&mut estate.ingrid).await;
    let ledger = estate.ingrid.browser.get("/api/v1/tasks?view=mine&limit=200").await.expect(200).json();
    gone.extend(ledger["items"].as_array().expect("a list").iter().map(key));
    assert_eq!(gone.len(), 8, "{ledger:#}");

    let whole = example("grants.csv");
    let stays = |line: &&str| {
        let cells: Vec<&str> = line.split(',').collect();
        cells[0] != "warehouse" && !gone.iter().any(|(login, role)| cells[1] == login && cells[4] == role)
    };
    let next: Vec<&str> = whole.lines().filter(stays).collect();
    let report = read_lists(estate, next.join("\n")).await;
    let confirmed = |system: &str| {
        let systems = report["systems"].as_array().expect("systems");
        systems.iter().find(|one| one["system"] == system).map(|one| one["confirmed"].clone())
    };
    assert_eq!(confirmed("marketplace"), Some(json!(2)), "{report:#}");
    assert_eq!((confirmed("accounting"), &report["drift"]), (Some(json!(3)), &json!(0)), "{report:#}");
}

async fn the_report_adds_up(estate: &mut Estate, review: &str) {
    estate.house.run_job("reviews.tend").await;
    let state = estate.dmitri.browser.get(review).await.expect(200).json();
    assert_eq!(state["state"], "verifying", "one is not gone, and its time is not over");
    estate.house.advance(Duration::hours(24));
    estate.house.run_job("reviews.tend").await;
    estate.house.back_again(&mut estate.dmitri).await;
    let dmitri = &mut estate.dmitri.browser;
    let state = dmitri.get(review).await.expect(200).json();
    assert_eq!(state["state"], "closed_with_exceptions", "{state:#}");
    let report = dmitri.get(&format!("{review}/report")).await.expect(200).json();
    let number =
        |system: &Value, name: &str| system[name].as_u64().unwrap_or_else(|| panic!("{name}: {system:#}"));
    let of = |key: &str| {
        let systems = report["systems"].as_array().expect("systems");
        systems.iter().find(|one| one["application"] == key).unwrap_or_else(|| panic!("no {key}: {report:#}"))
    };
    let columns = [
        "imported",
        "matched",
        "orphans",
        "items",
        "kept",
        "revoked",
        "confirmed_by_hand",
        "confirmed_by_list",
        "carried",
    ];
    let counts = |key: &str| columns.map(|name| number(of(key), name));
    assert_eq!(counts("marketplace"), [22, 20, 2, 20, 15, 5, 3, 1, 1], "{report:#}");
    assert_eq!(counts("accounting"), [17, 17, 0, 17, 14, 3, 0, 3, 0], "{report:#}");
    assert_eq!(counts("warehouse"), [21, 21, 0, 21, 19, 2, 0, 0, 0], "{report:#}");
    let all = ["marketplace", "accounting", "warehouse"].map(&counts);
    assert_eq!(all.iter().map(|row| row[0]).sum::<u64>(), 60, "sixty lines were imported");
    for [imported, matched, orphans, items, kept, revoked, ..] in all {
        assert_eq!((imported, items), (matched + orphans, kept + revoked));
    }
    assert_eq!((&report["difference"], &report["items"]), (&json!(0), &json!(59)));
    assert!(report["digest"].is_string(), "it is signed: {report:#}");
    let page =
        dmitri.get(&format!("/{}/report", review.trim_start_matches("/api/v1/"))).await.expect(200).body;
    assert!(
        page.contains("Systems that do not ask here") && page.contains("was not seen to be gone in its time")
    );
    let hangs = dmitri.get("/api/v1/tasks?view=overdue").await.expect(200).json();
    assert_eq!(hangs["items"].as_array().map(Vec::len), Some(2), "its task, and the shared login: {hangs:#}");
}
