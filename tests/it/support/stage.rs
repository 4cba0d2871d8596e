//! What has happened in the house of `calls`: each piece is something that a call is about.

use actix_web::test::TestRequest;
use bailiwick::accounts::{self, Changes};
use bailiwick::config::{Mail, Tls};
use bailiwick::signin::inviting::{Invitation, invite};
use bailiwick::signin::links::{self, Purpose};
use chrono::Duration;
use serde_json::json;

use super::firm::may_read;
use super::{Browser, House, Life, PASSWORD, id_of};

/// A system that is kept by hand.
pub const PAYROLL: &str = r#"
key = "payroll"
name = "Payroll"
owner = "grace"
environment = "production"
integration = "manual"
[[feature]]
key = "payslip"
actions = ["read"]
[[role]]
key = "clerk"
name = "Payroll clerk"
max_duration = "90d"
[[role.allow]]
feature = "payslip"
actions = ["read"]
"#;

/// The settings of an identity provider that nobody calls.
const PROVIDER: &str = r#"
[[identity_providers]]
key = "heron"
name = "Heron account"
issuer = "https://id.heron.example"
client_id = "bailiwick"
"#;

/// The house, with a mail server and an identity provider that nobody calls.
pub fn with_surroundings(mut house: House) -> House {
    let providers = house.read_providers(PROVIDER);
    house.reopen_with(|config| {
        config.identity_providers = providers;
        config.mail = Some(Mail {
            server: "localhost".to_owned(),
            port: 1,
            tls: Tls::StartTls,
            authorities: None,
            credentials: None,
            from: "access@firm.example".parse().expect("a mailbox"),
            reply_to: None,
        });
    });
    house
}

/// Somebody vouches for the provider.
pub async fn somebody_vouches(house: &House, life: &mut Life) -> String {
    let body = json!({ "evidence": "Seen in its console", "ends_at": house.in_days(90) });
    let address = "/api/v1/identity-providers/heron/attestations";
    id_of(&life.staff.priya.browser.post(address, body).await.expect(201).json())
}

/// The tokens of links that a mail would have brought to somebody with a mailbox.
pub async fn two_mailed_links(house: &House) -> Vec<(Purpose, String)> {
    let wanted = Invitation {
        username: "with.mailbox".to_owned(),
        email: Some("mailbox@firm.example".to_owned()),
        ..Invitation::default()
    };
    let invited = house.done(move |tx| invite(tx, wanted)).await;
    let (id, token) = (invited.account.id, invited.link.token);
    house.enrol(&mut house.browser().await, "with.mailbox", id.clone(), token).await;
    house
        .done(move |tx| {
            [Purpose::Unlock, Purpose::Recovery]
                .into_iter()
                .map(|purpose| Ok((purpose, links::make(tx, purpose, Some(&id))?.token)))
                .collect()
        })
        .await
}

/// Somebody leaves who held a role in a system that is kept by hand; the case.
pub async fn somebody_leaves(house: &House, life: &mut Life) -> String {
    let goes = house.member("ines.evans", &[]).await;
    house.give(&goes.id(), "payroll/clerk", 30).await;
    let effective_at = house.now().plus(Duration::minutes(1));
    let body = json!({ "account": goes.id(), "effective_at": effective_at, "reason": "Moves to the sea" });
    let case = id_of(&life.staff.priya.browser.post("/api/v1/leavers", body).await.expect(201).json());
    house.advance(Duration::minutes(2));
    house.run_job("leavers.run").await;
    case
}

/// Somebody below Mary who holds a role and asks for another: the person, and the request.
pub async fn somebody_asks(house: &House, life: &Life, username: &str) -> (String, String) {
    let mut member = house.member(username, &[]).await;
    let (id, mary) = (member.id(), life.staff.mary.id());
    let changes = Changes { manager: Some(Some(mary)), ..Changes::default() };
    house.done(move |tx| accounts::change(tx, &id, &changes)).await;
    house.give(&member.id(), "payroll/clerk", 30).await;
    let body = json!({ "role": "orders/address-reader", "reason": "Ships parcels", "duration": "20d" });
    let request = member.browser.post("/api/v1/requests", body).await.expect(201).json();
    (member.id().to_string(), id_of(&request))
}

/// A review of the payroll: the campaign, and an item that waits for Mary.
pub async fn a_second_review(house: &House, life: &mut Life) -> (String, String) {
    let due_at = house.now().plus(Duration::days(14));
    let review = json!({ "name": "Payroll", "scope": { "app": "payroll" }, "due_at": due_at });
    let campaign = id_of(&life.staff.priya.browser.post("/api/v1/reviews", review).await.expect(201).json());
    let items = format!("/api/v1/reviews/{campaign}/items?reviewer=me");
    let items = life.staff.mary.browser.get(&items).await.expect(200).json();
    (campaign, id_of(&items["items"][0]))
}

/// A security officer, who takes the first alarm on and reports another.
pub async fn a_second_alarm(house: &House, life: &Life) -> (Browser, String) {
    let mut officer = house.member("karim.jensen", &["bailiwick/security-officer"]).await.browser;
    let taken_on = format!("/api/v1/alarms/{}/acknowledgement", life.alarm);
    officer.post(&taken_on, json!({})).await.expect(200);
    let body = json!({ "severity": "warning", "text": "A door stood open over night" });
    let alarm = id_of(&officer.post("/api/v1/alarms", body).await.expect(201).json());
    (officer, alarm)
}

/// Logins of the payroll that belong to nobody known.
pub async fn logins_of_nobody(life: &mut Life) -> Vec<String> {
    let head = "system,external_login,employee_id,email,role,granted_at,last_used";
    let list = format!("{head}\npayroll,robot-1,,,clerk,,\npayroll,robot-2,,,clerk,,never\n");
    let request = TestRequest::post().uri("/api/v1/grants/import").set_payload(list);
    let priya = &mut life.staff.priya.browser;
    priya.send(request).await.expect(200);
    let found = priya.get("/api/v1/holdings?view=orphans&system=payroll").await.expect(200).json();
    found["items"].as_array().expect("a list").iter().map(id_of).collect()
}

/// Somebody who follows a link and has begun the second factor, and somebody who has given the password only.
pub async fn half_way_in(house: &House, nobody: &Browser) -> (Browser, Browser) {
    let (_, token) = house.invite("quentin.invited", &[]).await;
    let mut invited = nobody.other();
    invited.post("/api/v1/enrolment", json!({ "token": token, "password": PASSWORD })).await.expect(200);
    invited.post("/api/v1/enrolment/totp", json!({})).await.expect(200);
    house.member("half.way", &[]).await;
    let mut half = nobody.other();
    half.post("/api/v1/signin", json!({ "username": "half.way", "password": PASSWORD })).await.expect(200);
    (invited, half)
}

/// Four changes of the order desk that touch personal data and wait.
pub async fn four_proposals(house: &House) -> Vec<String> {
    let mut made = Vec::new();
    for purpose in ["customs", "recall", "claims", "audits"] {
        made.push(house.propose(&super::wider(purpose)).await);
    }
    made
}

/// A permit that the desk got by name, to tell how much was retrieved.
pub async fn a_permit_by_name(desk: &mut Browser) -> String {
    let mut question = may_read("ada", "order");
    question["context"]["usage"] = json!(true);
    let answer = desk.post("/access/v1/evaluation", question).await.expect(200).json();
    answer["context"]["evaluation"].as_str().unwrap_or_else(|| panic!("no name: {answer}")).to_owned()
}

/// A shared workstation that waits for its browser.
pub async fn a_workstation(life: &mut Life) -> String {
    let body = json!({ "name": "Packing table 3" });
    let made = life.staff.priya.browser.post("/api/v1/workstations", body).await.expect(201);
    id_of(&made.json())
}

/// Somebody has shown something; what was recorded of it.
pub async fn something_shown(life: &mut Life, account: &str) -> String {
    let body = json!({ "account": account, "kind": "clearance", "evidence": "Seen on paper" });
    id_of(&life.staff.priya.browser.post("/api/v1/attestations", body).await.expect(201).json())
}
