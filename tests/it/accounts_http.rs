//! Accounts over HTTP: the calls, whom each caller sees, and the pages.

use actix_web::test::TestRequest;
use serde_json::{Value, json};

use crate::support::{Browser, House};

const HEAD: &str =
    "employee_id,username,given_name,family_name,email,manager,department,job_title,start_date,end_date";

/// A house with an administrator signed in.
async fn administered() -> (House, Browser) {
    let house = House::new();
    let mut browser = house.browser().await;
    house.enrolled(&mut browser, "perrin", &["bailiwick/administrator"]).await;
    (house, browser)
}

async fn create(browser: &mut Browser, body: Value) -> Value {
    browser.post("/api/v1/accounts", body).await.expect(201).json()
}

fn person(username: &str, family: &str) -> Value {
    json!({ "kind": "person", "username": username, "given_name": "Cleo", "family_name": family })
}

fn usernames(list: &Value) -> Vec<&str> {
    list["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| item["username"].as_str().expect("a name"))
        .collect()
}

#[actix_web::test]
async fn a_person_is_created_found_changed_suspended_and_reinstated() {
    let (_house, mut admin) = administered().await;
    let body = json!({
        "username": "cleo", "given_name": "Cleo", "family_name": "Corriden", "employee_id": "E-1042",
        "email": "cleo@example.com", "manager": "perrin", "department": "Returns", "end_date": "2026-12-31",
        "attributes": { "desks": ["eu"] },
    });
    let cleo = create(&mut admin, body).await;
    assert_eq!((&cleo["kind"], &cleo["state"]), (&json!("person"), &json!("invited")));
    assert_eq!(cleo["ends_at"], "2027-01-01T00:00:00Z");
    assert_eq!(cleo["attributes"]["desks"], json!(["eu"]));
    assert!(cleo["revision"].as_u64() > Some(0) && cleo["manager"].is_string());
    let path = format!("/api/v1/accounts/{}", cleo["id"].as_str().expect("an id"));
    assert_eq!(admin.get(&path).await.expect(200).json()["display_name"], "Cleo Corriden");
    for query in ["username=CLEO", "employee_id=e-1042", "username=cleo&state=invited&kind=person"] {
        let found = admin.get(&format!("/api/v1/accounts?{query}")).await.expect(200).json();
        assert_eq!(usernames(&found), ["cleo"], "{query}");
        assert_eq!(found["next"], Value::Null);
    }
    for query in ["username=nobody", "username=cleo&state=left", "employee_id=1"] {
        let found = admin.get(&format!("/api/v1/accounts?{query}")).await.expect(200).json();
        assert_eq!(usernames(&found), [""; 0], "{query}");
    }
    let found = admin.post("/api/v1/accounts/search", json!({ "text": "corr" })).await.expect(200).json();
    assert_eq!(usernames(&found), ["cleo"]);

    let changed =
        admin.patch(&path, json!({ "family_name": "Adeyemi", "email": null })).await.expect(200).json();
    assert_eq!((&changed["family_name"], &changed["email"]), (&json!("Adeyemi"), &Value::Null));
    assert_eq!(changed["given_name"], "Cleo");
    let ends = admin.patch(&path, json!({ "ends_at": "2026-12-24T12:00:00Z" })).await.expect(200).json();
    assert_eq!(ends["ends_at"], "2026-12-24T12:00:00Z");

    let rests =
        admin.post(&format!("{path}/suspend"), json!({ "cause": "leave", "reason": "A long journey" })).await;
    assert_eq!(rests.expect(200).json()["suspended_for"], "leave");
    let stored = admin.get(&path).await.expect(200).json();
    assert_eq!((&stored["state"], &stored["standing"]), (&json!("suspended"), &json!("suspended")));
    let back = admin.send(TestRequest::post().uri(&format!("{path}/reinstate"))).await.expect(200).json();
    assert_eq!(back["state"], "invited");
    let problem = admin.post(&format!("{path}/reinstate"), json!({})).await.expect(409).json();
    assert_eq!(problem["type"], "/problems/account-state");
}

#[actix_web::test]
async fn a_service_names_its_owner() {
    let (_house, mut admin) = administered().await;
    let body = json!({ "kind": "service", "username": "label-printer", "owner": "perrin", "purpose": "Prints labels" });
    let service = create(&mut admin, body).await;
    assert_eq!((&service["state"], &service["purpose"]), (&json!("active"), &json!("Prints labels")));
    let ownerless = json!({ "kind": "service", "username": "robot" });
    let problem = admin.post("/api/v1/accounts", ownerless).await.expect(422).json();
    assert_eq!(
        (&problem["errors"][0]["field"], &problem["errors"][0]["clause"]),
        (&json!("owner"), &json!("E5.2"))
    );
}

#[actix_web::test]
async fn what_makes_no_sense_is_refused_by_field() {
    let (_house, mut admin) = administered().await;
    create(&mut admin, person("cleo", "Corriden")).await;
    let refused = [
        (person("admin", "Corriden"), 422, "username"),
        (json!({ "username": "nina" }), 422, "family_name"),
        (json!({ "given_name": "x".repeat(101) }), 422, "given_name"),
        (json!({ "family_name": "Lee", "manager": "nobody" }), 422, "manager"),
        (json!({ "family_name": "Lee", "email": "nonsense" }), 422, "email"),
    ];
    for (body, status, field) in refused {
        let problem = admin.post("/api/v1/accounts", body).await.expect(status).json();
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
    let problem = admin.post("/api/v1/accounts", person("CLEO", "Lee")).await.expect(409).json();
    assert_eq!(problem["type"], "/problems/name-taken");
    assert!(!problem.to_string().to_lowercase().contains("cleo"), "{problem}");
    admin.post("/api/v1/accounts", json!({ "family_name": "Lee", "shoe_size": 41 })).await.expect(422);
    admin.post("/api/v1/accounts", json!({ "family_name": "Lee", "end_date": "soon" })).await.expect(422);
    admin.get("/api/v1/accounts?limit=201").await.expect(422);
    admin.get("/api/v1/accounts?cursor=x").await.expect(422);
    admin.get("/api/v1/accounts?state=asleep").await.expect(400);
    admin.get("/api/v1/accounts/0193e0a2-7c41-7000-8000-000000000001").await.expect(404);
}

#[actix_web::test]
async fn lists_go_on_where_they_stopped() {
    let (_house, mut admin) = administered().await;
    for number in 0..5 {
        create(&mut admin, person(&format!("cleo{number}"), "Corriden")).await;
    }
    let (mut cursor, mut seen) = (String::new(), Vec::new());
    for _ in 0..3 {
        let list = admin.get(&format!("/api/v1/accounts?limit=2{cursor}")).await.expect(200).json();
        seen.extend(usernames(&list).into_iter().map(str::to_owned));
        cursor = list["next"].as_str().map(|next| format!("&cursor={next}")).unwrap_or_default();
    }
    seen.sort();
    assert_eq!(seen, ["cleo0", "cleo1", "cleo2", "cleo3", "cleo4", "perrin"], "each once");
    assert_eq!(cursor, "");
}

#[actix_web::test]
async fn managers_see_their_team_and_others_see_nobody() {
    let (house, mut admin) = administered().await;
    let mut mary = admin.other();
    house.enrolled(&mut mary, "mary", &[]).await;
    admin.other().get("/api/v1/accounts").await.expect(401);
    mary.get("/api/v1/accounts").await.expect(403);
    mary.get("/people").await.expect(403);
    let below = create(
        &mut admin,
        json!({ "username": "ben", "given_name": "Ben", "family_name": "Lee", "manager": "mary" }),
    )
    .await;
    let two_below = json!({ "username": "ann", "given_name": "Ann", "family_name": "Lee", "manager": "ben" });
    create(&mut admin, two_below).await;
    let other = create(&mut admin, person("zoe", "Lee")).await;
    // All were made at the same instant, so that chance alone orders them.
    let list = mary.get("/api/v1/accounts").await.expect(200).json();
    let mut team = usernames(&list);
    team.sort_unstable();
    assert_eq!(team, ["ann", "ben", "mary"]);
    let found = mary.post("/api/v1/accounts/search", json!({ "text": "lee" })).await.expect(200).json();
    assert_eq!(usernames(&found), ["ann", "ben"]);
    let path = |account: &Value| format!("/accounts/{}", account["id"].as_str().expect("an id"));
    mary.get(&format!("/api/v1{}", path(&below))).await.expect(200);
    mary.get(&format!("/api/v1{}", path(&other))).await.expect(404);
    mary.patch(&format!("/api/v1{}", path(&below)), json!({ "job_title": "Lead" })).await.expect(403);
    let page = mary.get("/people").await.expect(200).body;
    assert!(page.contains("Lee, Ben") && !page.contains("Lee, Cleo"), "{page}");
    mary.get(&format!("/people/{}", other["id"].as_str().expect("an id"))).await.expect(404);
}

#[actix_web::test]
async fn nobody_chooses_their_own_manager_and_the_last_administrator_stays() {
    let (_house, mut admin) = administered().await;
    let me = admin.get("/api/v1/accounts?username=perrin").await.expect(200).json()["items"][0].clone();
    let path = format!("/api/v1/accounts/{}", me["id"].as_str().expect("an id"));
    create(&mut admin, person("cleo", "Corriden")).await;
    for body in [json!({ "manager": "cleo" }), json!({ "end_date": null })] {
        let problem = admin.patch(&path, body).await.expect(403).json();
        assert_eq!(problem["type"], "/problems/own-account");
    }
    admin.patch(&path, json!({ "job_title": "Director" })).await.expect(200);
    let problem =
        admin.post(&format!("{path}/suspend"), json!({ "reason": "going away" })).await.expect(409).json();
    assert_eq!(problem["type"], "/problems/floor");
}

#[actix_web::test]
async fn the_register_orders_by_name_and_finds_without_an_address() {
    let (_house, mut admin) = administered().await;
    for (username, family, department) in [("cleo", "Zuse", "Returns"), ("cleo.b", "Ångström", "Packing")] {
        let mut body = person(username, family);
        body["department"] = json!(department);
        create(&mut admin, body).await;
    }
    let page = admin.get("/people").await.expect(200).body;
    let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text} in {page}"));
    assert!(
        place("Ångström, Cleo") < place("Nakagawa, Perrin")
            && place("Nakagawa, Perrin") < place("Zuse, Cleo")
    );
    assert!(page.contains("<option value=\"\" selected>Any</option>"), "{page}");
    let value =
        page.split("<option value=\"").find(|part| part.contains(">Returns<")).expect("the department");
    let value = value.split('"').next().expect("its value").to_owned();
    let narrowed = admin.get(&format!("/people?department={value}&state=invited")).await.expect(200).body;
    assert!(narrowed.contains("Zuse, Cleo") && !narrowed.contains("Ångström, Cleo"), "{narrowed}");
    let found = admin.submit("/people/search", &[("text", "angstr")]).await.expect(200).body;
    assert!(found.contains("Ångström, Cleo") && !found.contains("Zuse, Cleo"), "{found}");
    let none = admin.submit("/people/search", &[("text", "<b>")]).await.expect(200).body;
    assert!(none.contains("&lt;b&gt;") && !none.contains("<b>"), "{none}");
}

#[actix_web::test]
async fn inviting_by_hand_shows_the_link_once() {
    let (house, mut admin) = administered().await;
    admin.get("/people/new").await.expect(200);
    let wrong = [("given_name", "Cleo"), ("family_name", "Corriden"), ("username", "admin")];
    let again = admin.submit("/people", &wrong).await.expect(422).body;
    assert!(again.contains("value=\"Corriden\"") && again.contains("E5.2"), "{again}");
    let right =
        [("given_name", "Cleo"), ("family_name", "Corriden"), ("username", "cleo"), ("manager", "perrin")];
    let page = admin.submit("/people", &right).await.expect(200).body;
    let token = page.split("enrol&#x2f;").nth(1).and_then(|rest| rest.get(..43)).expect("a link").to_owned();
    let list = admin.get("/api/v1/accounts?username=cleo").await.expect(200).json();
    let path = format!("/people/{}", list["items"][0]["id"].as_str().expect("an id"));
    let page = admin.get(&path).await.expect(200).body;
    assert!(page.contains("Cleo Corriden") && !page.contains("enrol&#x2f;"), "{page}");
    let body = json!({ "token": token, "password": crate::support::PASSWORD });
    admin.other().post("/api/v1/enrolment", body).await.expect(200);

    let again = admin.submit(&format!("{path}/invitation"), &[]).await.expect(200).body;
    assert!(again.contains("enrol&#x2f;") && !again.contains(&token), "a fresh one takes its place");
    admin.submit(&format!("{path}/suspension"), &[("reason", "An odd call")]).await.expect(303);
    let page = admin.get(&path).await.expect(200).body;
    assert!(page.contains("Suspended") && page.contains("An odd call"), "{page}");
    admin.submit(&format!("{path}/reinstatement"), &[("reason", "All is well")]).await.expect(303);
    let mut cleo = admin.other();
    let cleo = house.enrolled(&mut cleo, "nina", &[]).await;
    admin.submit(&format!("/people/{}/invitation", cleo.account), &[]).await.expect(409);
}

#[actix_web::test]
async fn the_people_file_is_tried_first_and_then_imported() {
    let (_house, mut admin) = administered().await;
    admin.get("/people/import").await.expect(200);
    let csv = format!("{HEAD},badge\n1,cleo,Cleo,Corriden,,,Returns,Clerk,,,7\n2,admin,Al,Xu,,,,,,,8\n");
    let tried = admin.submit("/people/import", &[("csv", &csv), ("mode", "try")]).await.expect(200).body;
    assert!(
        tried.contains("What would happen") && tried.contains("badge") && tried.contains("E5.2"),
        "{tried}"
    );
    let none = admin.get("/api/v1/accounts?username=cleo").await.expect(200).json();
    assert_eq!(usernames(&none), [""; 0]);
    let done = admin.submit("/people/import", &[("csv", &csv), ("mode", "apply")]).await.expect(200).body;
    assert!(done.contains("What happened") && done.contains("Corriden"), "{done}");
    let broken =
        admin.submit("/people/import", &[("csv", "a,b\n1,2"), ("mode", "apply")]).await.expect(422).body;
    assert!(broken.contains("lacks the columns employee_id"), "{broken}");

    let request = TestRequest::post().uri("/api/v1/accounts/import").set_payload(csv.clone());
    let report = admin.send(request).await.expect(200).json();
    assert_eq!((&report["unchanged"], &report["refused"]), (&json!(1), &json!(1)));
    assert_eq!(report["rows"][1]["fate"], "refused");
    let request = TestRequest::post().uri("/api/v1/accounts/import?dry_run=true").set_payload("x");
    admin.send(request).await.expect(422);
    let page = admin.get("/people").await.expect(200).body;
    assert!(page.contains("the people file was read on 23 Nov 2026"), "{page}");
}
