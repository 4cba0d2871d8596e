//! Existing access and tasks over HTTP and from the shell: who may, what the pages say, what is refused as a whole.

use actix_web::test::TestRequest;
use bailiwick::access::apply::{self, PolicyFile};
use serde_json::json;

use crate::support::estate::HEAD;
use crate::support::{House, Member, id_of};

/// A system that Grace keeps by hand, without customers' data.
const SHELF: &str = r#"
key = "shelf"
name = "Shelf planner"
owner = "grace"
integration = "manual"
[[feature]]
key = "plan"
class = "regulated"
actions = ["read"]
[[role]]
key = "planner"
name = "Plans shelves"
[[role.allow]]
feature = "plan"
actions = ["read"]
"#;

async fn furnished(house: &House) -> crate::support::Life {
    let life = house.lived_in().await;
    let files = vec![PolicyFile { name: "shelf.toml".to_owned(), text: SHELF.to_owned() }];
    house.done(move |tx| apply::apply(tx, &files)).await;
    life
}

async fn sent(member: &mut Member, path: &str, body: &str) -> crate::support::Reply {
    let request = TestRequest::post().uri(path).insert_header(("content-type", "text/csv"));
    member.browser.send(request.set_payload(body.to_owned())).await
}

#[actix_web::test]
async fn a_file_is_tried_then_imported_by_who_may_and_by_nobody_else() {
    let house = House::new();
    let mut life = furnished(&house).await;
    let file = format!("{HEAD}\nshelf,ada.l,,,planner,,never\nshelf,ghost,,,planner,,\n");
    let path = "/api/v1/grants/import";
    sent(&mut life.staff.grace, path, &file).await.expect(403);
    sent(&mut life.staff.mary, path, &file).await.expect(403);
    let tried =
        sent(&mut life.staff.priya, "/api/v1/grants/import?dry_run=true", &file).await.expect(200).json();
    assert_eq!((&tried["orphans"], &tried["dry_run"]), (&json!(2), &json!(true)), "{tried:#}");
    let holdings = "/api/v1/holdings?view=orphans&system=shelf";
    let none = life.staff.priya.browser.get(holdings).await.expect(200).json();
    assert_eq!(none["items"], json!([]), "a try writes nothing");
    let done = sent(&mut life.staff.priya, path, &file).await.expect(200).json();
    assert_eq!((&done["orphans"], done["revision"].is_u64()), (&json!(2), true));
    for (body, words) in [
        ("", "is empty"),
        ("system,external_login\n", "lacks the columns employee_id, email, role, granted_at, last_used"),
        ("system;external_login;employee_id;email;role;granted_at;last_used\n", "not separated by commas"),
    ] {
        let refused = sent(&mut life.staff.priya, path, body).await.expect(422);
        assert!(refused.body.contains(words), "{}", refused.body);
    }
    let owners = life.staff.grace.browser.get(holdings).await.expect(200).json();
    assert_eq!(owners["items"].as_array().map(Vec::len), Some(2), "the owner sees the own system's");
    let others = life.staff.tomasz.browser.get(holdings).await.expect(200).json();
    assert_eq!(others["items"], json!([]));
}

#[actix_web::test]
async fn the_pages_lead_from_the_file_to_the_task_without_a_script() {
    let house = House::new();
    let mut life = furnished(&house).await;
    let ada = life.staff.ada.id().to_string();
    let text = format!("{HEAD}\nshelf,ada.l,,,planner,,\nshelf,ghost,,,planner,,\nshelf,batch,,,planner,,\n");
    let page = "/existing-access/import";
    let tried =
        life.staff.priya.browser.submit(page, &[("csv", &text), ("mode", "try")]).await.expect(200).body;
    assert!(tried.contains("Nothing has been written") && tried.contains("nobody known"), "{tried}");
    let wrong =
        life.staff.priya.browser.submit(page, &[("csv", "a,b\n1,2\n"), ("mode", "apply")]).await.expect(422);
    assert!(wrong.body.contains("lacks the columns"), "{}", wrong.body);
    life.staff.priya.browser.submit(page, &[("csv", &text), ("mode", "apply")]).await.expect(200);

    let grace = &mut life.staff.grace.browser;
    let list = grace.get("/existing-access").await.expect(200).body;
    assert!(list.contains("ghost") && list.contains("It is theirs"), "{list}");
    let items = grace.get("/api/v1/holdings?view=orphans").await.expect(200).json();
    let id = |login: &str| {
        let all = items["items"].as_array().expect("items");
        id_of(all.iter().find(|one| one["external_login"] == login).expect("the login"))
    };
    let claim = format!("/existing-access/{}/claim", id("ada.l"));
    let unknown = grace.submit(&claim, &[("username", "nobody.here")]).await.expect(422).body;
    assert!(unknown.contains("nobody has this username"), "{unknown}");
    grace.submit(&claim, &[("username", "grace")]).await.expect(422);
    grace.submit(&claim, &[("username", "ada")]).await.expect(303);
    grace
        .submit(&format!("/existing-access/{}/service", id("batch")), &[("username", "shelf-batch")])
        .await
        .expect(303);
    grace.submit(&format!("/existing-access/{}/removal", id("ghost")), &[]).await.expect(303);
    let held = grace.get("/api/v1/holdings?view=all&system=shelf").await.expect(200).json();
    assert!(held["items"].as_array().is_some_and(|all| all.iter().any(|one| one["account"] == ada.as_str())));

    let tasks = grace.get("/api/v1/tasks").await.expect(200).json();
    let task = id_of(&tasks["items"][0]);
    assert_eq!(tasks["items"][0]["external_login"], "ghost", "{tasks:#}");
    let shown = grace.get("/tasks").await.expect(200).body;
    assert!(shown.contains("ghost") && shown.contains(&format!("/tasks/{task}")), "{shown}");
    let path = format!("/tasks/{task}");
    let bare = grace.submit(&format!("{path}/completion"), &[("proof", "")]).await.expect(422).body;
    assert!(bare.contains("how you know that it is gone"), "{bare}");
    grace
        .submit(&format!("{path}/completion"), &[("proof", "Deleted; the shelf says unknown user")])
        .await
        .expect(303);
    grace.submit(&format!("{path}/verification"), &[]).await.expect(422);
    life.staff.ada.browser.get(&path).await.expect(404);
    let priya = &mut life.staff.priya.browser;
    let proof = priya.get(&path).await.expect(200).body;
    assert!(
        proof.contains("the shelf says unknown user") && proof.contains("I looked, it is gone"),
        "{proof}"
    );
    priya.submit(&format!("{path}/verification"), &[]).await.expect(303);
    let seen = priya.get(&format!("/api/v1/tasks/{task}")).await.expect(200).json();
    assert_eq!(
        (&seen["state"], seen["verified"]["revision"].is_u64()),
        (&json!("verified"), true),
        "{seen:#}"
    );
}

#[actix_web::test]
async fn callers_work_on_tasks_in_the_same_words() {
    let house = House::new();
    let mut life = furnished(&house).await;
    let file = format!("{HEAD}\nshelf,x,,,planner,,\n");
    sent(&mut life.staff.priya, "/api/v1/grants/import", &file).await.expect(200);
    let (mary, own) = (life.staff.mary.id(), life.staff.grace.id());
    let grace = &mut life.staff.grace.browser;
    let items = grace.get("/api/v1/holdings").await.expect(200).json();
    let holding = format!("/api/v1/holdings/{}", id_of(&items["items"][0]));
    grace.post(&format!("{holding}/claim"), json!({ "account": own })).await.expect(403);
    let task = id_of(&grace.post(&format!("{holding}/removal"), json!({})).await.expect(200).json());
    grace.post(&format!("{holding}/service"), json!({ "username": "late" })).await.expect(409);
    let path = format!("/api/v1/tasks/{task}");
    let over = json!({ "to": mary, "reason": "She has the login" });
    let moved = grace.post(&format!("{path}/hand-over"), over).await.expect(200).json();
    assert_eq!(moved["assignee"], mary.as_str(), "{moved:#}");
    let mary = &mut life.staff.mary.browser;
    let mine = mary.get("/api/v1/tasks?view=mine").await.expect(200).json();
    assert_eq!(id_of(&mine["items"][0]), task);
    mary.post(&format!("{path}/refusal"), json!({ "reason": "Not any more" })).await.expect(200);
    grace.post(&format!("{path}/completion"), json!({ "proof": "Deleted it" })).await.expect(200);
    grace.post(&format!("{path}/reopening"), json!({ "reason": "No, it is there" })).await.expect(403);
    let priya = &mut life.staff.priya.browser;
    priya.post(&format!("{path}/reopening"), json!({ "reason": "It still signs in" })).await.expect(200);
    let again = grace.get(&path).await.expect(200).json();
    assert_eq!((&again["state"], &again["note"]), (&json!("open"), &json!("It still signs in")), "{again:#}");
    grace.get("/api/v1/tasks?view=nothing").await.expect(422);
    grace.get("/api/v1/holdings?view=nothing").await.expect(422);
}
