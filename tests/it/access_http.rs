//! Applications, roles, grants, requests and kill switches over HTTP, with sessions as people have them.

use serde_json::{Value, json};

use crate::support::{Browser, Enrolled, House, decision, may_read, shipped};

/// Grace administers and owns the order desk; Ada is below her.
struct Desk {
    house: House,
    grace: Browser,
    ada: Browser,
    people: [Enrolled; 2],
    asker: Browser,
}

async fn desk() -> Desk {
    let house = House::new();
    let mut grace = house.browser().await;
    let owner = house.enrolled(&mut grace, "grace", &["bailiwick/administrator"]).await;
    let mut ada = house.browser().await;
    let clerk = house.enrolled(&mut ada, "ada", &[]).await;
    let (below, above) = (clerk.account.clone(), owner.account.clone());
    house
        .done(move |tx| {
            use bailiwick::access::apply;
            let changes = bailiwick::accounts::Changes { manager: Some(Some(above)), ..Default::default() };
            bailiwick::accounts::change(tx, &below, &changes)?;
            apply::apply(
                tx,
                &[apply::PolicyFile { name: "orders.toml".to_owned(), text: shipped("orders.toml").text }],
            )
        })
        .await;
    let asker = house.order_desk(&owner.account).await;
    Desk { house, grace, ada, people: [owner, clerk], asker }
}

fn items(answer: &Value) -> &Vec<Value> {
    answer["items"].as_array().unwrap_or_else(|| panic!("no items: {answer}"))
}

#[actix_web::test]
async fn applications_and_roles_are_listed_page_by_page() {
    let Desk { house: _house, mut grace, mut ada, .. } = desk().await;
    let apps = grace.get("/api/v1/apps").await.expect(200).json();
    let keys: Vec<_> = items(&apps).iter().map(|app| app["key"].as_str().expect("a key")).collect();
    assert_eq!((keys, &apps["next"]), (vec!["bailiwick", "orders"], &Value::Null));
    assert_eq!(items(&apps)[1]["owner"]["username"], "grace");
    assert_eq!((&items(&apps)[1]["class"], &items(&apps)[0]["class"]), (&json!("pii"), &json!("regulated")));
    let first = grace.get("/api/v1/roles?app=orders&limit=4").await.expect(200).json();
    assert_eq!(items(&first).len(), 4);
    let next = first["next"].as_str().expect("there is more");
    let second =
        grace.get(&format!("/api/v1/roles?app=orders&limit=4&cursor={next}")).await.expect(200).json();
    assert_eq!((items(&second).len(), &second["next"]), (2, &Value::Null));
    let address = items(&first).iter().find(|role| role["id"] == "orders/address-reader").expect("listed");
    assert_eq!(address["approval"], json!(["manager", "owner"]));
    assert_eq!((&address["access_role"], &address["max_duration"]), (&json!(true), &json!("90d")));
    assert_eq!(address["permissions"], json!(["buyer-address:read"]));
    for path in ["/api/v1/apps", "/api/v1/roles", "/api/v1/grants", "/api/v1/kill-switches"] {
        ada.get(path).await.expect(403);
        ada.other().get(path).await.expect(401);
    }
    grace.get("/api/v1/roles?limit=0").await.expect(422);
}

#[actix_web::test]
async fn a_grant_is_given_listed_and_revoked() {
    let Desk { house, mut grace, mut ada, people, mut asker } = desk().await;
    let body = json!({
        "account": people[1].account,
        "role": "orders/order-clerk",
        "reason": "Christmas rota",
        "scope": { "marketplace": ["UK"] },
        "expires_at": house.in_days(30),
    });
    let given = grace.post("/api/v1/grants", body.clone()).await.expect(201).json();
    assert!(given["revision"].as_u64().is_some_and(|revision| revision == house.app.applied()));
    assert_eq!((&given["account"]["username"], &given["reason"]), (&json!("ada"), &json!("Christmas rota")));
    assert!(decision(&mut asker, &may_read("ada", "order")).await);
    assert_eq!(grace.post("/api/v1/grants", body).await.expect(409).json()["type"], "/problems/already-held");
    let listed = grace.get("/api/v1/grants?app=orders").await.expect(200).json();
    assert_eq!(items(&listed).len(), 1);
    let own = ada.get("/api/v1/me/access").await.expect(200).json();
    let held: Vec<_> =
        items(&own).iter().map(|held| (held["role"].as_str(), held["source"].as_str())).collect();
    assert_eq!(
        held,
        [(Some("orders/order-clerk"), Some("direct")), (Some("bailiwick/employee"), Some("birthright"))]
    );
    let path = format!("/api/v1/grants/{}", given["id"].as_str().expect("an id"));
    ada.delete(&path, json!({ "reason": "I want to" })).await.expect(403);
    assert_eq!(
        grace.delete(&path, json!({ "reason": "x" })).await.expect(422).json()["errors"][0]["field"],
        "reason"
    );
    let ended = grace.delete(&path, json!({ "reason": "rota is over" })).await.expect(200).json();
    assert_eq!(ended["state"], "revoked");
    assert!(!decision(&mut asker, &may_read("ada", "order")).await);
    for wrong in ["/api/v1/grants/x", "/api/v1/grants/0190aaaa-0000-7000-8000-000000000000"] {
        grace.delete(wrong, json!({ "reason": "no such" })).await.expect(404);
    }
}

#[actix_web::test]
async fn an_access_role_given_by_manager_and_owner_in_one_is_granted_and_by_others_pending() {
    let Desk { house, mut grace, mut ada, people, mut asker } = desk().await;
    let body = |account: &Enrolled| {
        json!({
            "account": account.account,
            "role": "orders/address-reader",
            "reason": "Prints labels",
            "expires_at": house.in_days(30),
        })
    };
    grace.post("/api/v1/grants", body(&people[1])).await.expect(201);
    assert!(decision(&mut asker, &may_read("ada", "buyer-address")).await);
    house.person("tomasz", None).await;
    let other = house.app.directory().search("tomasz", 1, |_, _| true).remove(0);
    house.give(&other, "bailiwick/administrator", 90).await;
    let own = grace.post("/api/v1/grants", body(&people[0])).await.expect(202).json();
    assert_eq!((&own["state"], &own["role"]), (&json!("pending"), &json!("orders/address-reader")));
    assert!(own["revision"].is_u64());
    ada.post("/api/v1/grants", body(&people[1])).await.expect(403);
}

#[actix_web::test]
async fn a_request_goes_its_way() {
    let Desk { mut grace, mut ada, mut asker, house, people } = desk().await;
    let body = json!({ "role": "orders/address-reader", "reason": "Prints labels", "duration": "30d" });
    let made = ada.post("/api/v1/requests", body.clone()).await.expect(201).json();
    let path = format!("/api/v1/requests/{}", made["id"].as_str().expect("an id"));
    assert_eq!((&made["state"], &made["stages"]), (&json!("pending"), &json!(["manager", "owner"])));
    assert_eq!(made["approvers"][0]["approver"], json!(people[0].account));
    assert_eq!(made["account"]["username"], "ada");
    assert_eq!(
        ada.post("/api/v1/requests", body).await.expect(409).json()["type"],
        "/problems/already-asked"
    );
    ada.post(&format!("{path}/approval"), json!({})).await.expect(403);
    let waiting = grace.get("/api/v1/requests?view=decide").await.expect(200).json();
    assert_eq!(items(&waiting).len(), 1);
    assert_eq!(items(&ada.get("/api/v1/requests?view=decide").await.json()).len(), 0);
    assert_eq!(items(&ada.get("/api/v1/requests").await.json()).len(), 1);
    let mut stranger = house.browser().await;
    house.enrolled(&mut stranger, "ben", &[]).await;
    stranger.get(&path).await.expect(404);
    assert_eq!(items(&stranger.get("/api/v1/requests").await.expect(200).json()).len(), 0);
    let approved = grace.post(&format!("{path}/approval"), json!({ "note": "until Christmas" })).await;
    let approved = approved.expect(200).json();
    assert_eq!(
        (&approved["state"], &approved["approvers"][1]["answer"]),
        (&json!("approved"), &json!("approved"))
    );
    assert_eq!(approved["approvers"][0]["note"], "until Christmas");
    assert!(decision(&mut asker, &may_read("ada", "buyer-address")).await);
    assert_eq!(
        grace.post(&format!("{path}/refusal"), json!({})).await.expect(409).json()["type"],
        "/problems/decided"
    );
    let second =
        json!({ "role": "orders/refund-releaser", "reason": "Rota", "expires_at": house.in_days(9) });
    let second = ada.post("/api/v1/requests", second).await.expect(201).json();
    let path = format!("/api/v1/requests/{}/withdrawal", second["id"].as_str().expect("an id"));
    assert_eq!(ada.post(&path, json!({})).await.expect(200).json()["state"], "withdrawn");
    for wrong in [
        json!({ "role": "orders/order-clerk", "reason": "Rota" }),
        json!({ "role": "x", "reason": "Rota", "duration": "1d" }),
    ] {
        ada.post("/api/v1/requests", wrong).await.expect(422);
    }
}

#[actix_web::test]
async fn a_kill_switch_is_pulled_and_lifted_even_while_everything_stands() {
    let Desk { house: _house, mut grace, mut ada, mut asker, .. } = desk().await;
    let body = json!({ "target": "*", "reason": "Somebody is in the house" });
    ada.post("/api/v1/kill-switches", body.clone()).await.expect(403);
    let pulled = grace.post("/api/v1/kill-switches", body).await.expect(201).json();
    grace.get("/api/v1/grants").await.expect(403);
    assert_eq!(asker.post("/access/v1/evaluation", may_read("ada", "order")).await.status, 403);
    let listed = grace.get("/api/v1/kill-switches").await.expect(200).json();
    assert_eq!(items(&listed)[0]["target"], "*");
    let path = format!("/api/v1/kill-switches/{}", pulled["id"].as_str().expect("an id"));
    assert!(grace.delete(&path, json!({})).await.expect(200).json()["lifted_at"].is_string());
    grace.get("/api/v1/grants").await.expect(200);
    let wrong = json!({ "target": "nothing", "reason": "a reason" });
    grace.post("/api/v1/kill-switches", wrong).await.expect(422);
}

#[actix_web::test]
async fn by_position_one_reads_and_ends_ones_own_alone() {
    let Desk { house, people, .. } = desk().await;
    let mut mary = house.browser().await;
    let manager = house.enrolled(&mut mary, "mary", &[]).await;
    let (below, above) = (people[1].account.clone(), manager.account.clone());
    house
        .done(move |tx| {
            let changes = bailiwick::accounts::Changes { manager: Some(Some(above)), ..Default::default() };
            bailiwick::accounts::change(tx, &below, &changes)
        })
        .await;
    let hers = house.give(&people[1].account, "orders/order-clerk", 30).await;
    let other = house.give(&people[0].account, "orders/order-clerk", 30).await;
    let seen = mary.get("/api/v1/grants").await.expect(200).json();
    let seen: Vec<_> =
        items(&seen).iter().map(|grant| grant["id"].as_str().expect("an id").to_owned()).collect();
    assert_eq!(seen, [hers.id.to_string()]);
    let reason = json!({ "reason": "not needed" });
    mary.delete(&format!("/api/v1/grants/{}", other.id), reason.clone()).await.expect(403);
    mary.delete(&format!("/api/v1/grants/{}", hers.id), reason).await.expect(200);
}
