//! Coming back: a forgotten password by mail, a lost second factor in person, and what nobody can make of either.

use actix_web::test::TestRequest;
use bailiwick::accounts;
use bailiwick::signin::hasher::Secret;
use bailiwick::signin::inviting::{Invitation, invite_by_mail};
use bailiwick::signin::resetting;
use chrono::Duration;
use serde_json::json;

use crate::mail::{self, house_with, mail_out, set_email};
use crate::support::smtp::{MailServer, Offers, header, link};
use crate::support::{Browser, House, Member, PASSWORD, Staff, may_read};

const NEW: &str = "Another 8 bridges, please!";

/// Somebody enrolled, with a mailbox from the beginning, in a browser of their own.
async fn with_mailbox(house: &House, server: &MailServer, username: &str, email: &str) -> Member {
    let mut browser = house.browser().await;
    let person = mail::with_mailbox(house, server, &mut browser, (username, email)).await;
    house.advance(Duration::seconds(1));
    Member { browser, person }
}

/// Asks for a link and lets the house do what follows; how many mails went out.
async fn ask(house: &House, gate: &mut Browser, name: &str) -> usize {
    let reply = gate.submit("/recover", &[("name", name)]).await.expect(303);
    assert_eq!(reply.header("location"), "/recover/sent");
    house.run_job("signin.recover").await.expect("it ran");
    mail_out(house).await
}

async fn set(gate: &mut Browser, link: &str, password: &str) -> crate::support::Reply {
    gate.submit(link, &[("password", password), ("again", password)]).await
}

async fn first_step(gate: &mut Browser, username: &str, password: &str) -> u16 {
    gate.post("/api/v1/signin", json!({ "username": username, "password": password })).await.status
}

#[actix_web::test]
async fn a_mailed_link_renews_the_password_and_leaves_the_second_factor() {
    let server = MailServer::start(Offers::StartTls);
    let house = house_with(server.settings());
    let mut ada = with_mailbox(&house, &server, "pnaka", "p.nakagawa@firm.example").await;
    let mut gate = ada.browser.other();
    gate.get("/recover").await.expect(200);
    // By the address of the mailbox, and at once after the password was set: no minimum age stands in the way.
    assert_eq!(ask(&house, &mut gate, "P.Nakagawa@firm.example").await, 1);
    let mail = server.next();
    assert!(header(&mail, "Subject").starts_with("A new password at"));
    let link = link(&mail);
    assert!(link.starts_with("/recover/"), "{link}");
    for _ in 0..3 {
        gate.get(&link).await.expect(200);
    }
    assert_eq!(first_step(&mut gate, "pnaka", PASSWORD).await, 200, "looking changes nothing");
    set(&mut gate, &link, "short").await.expect(422);
    gate.from_origin(Some("https://evil.example"))
        .submit(&link, &[("password", NEW), ("again", NEW)])
        .await
        .expect(403);
    set(&mut gate, &link, NEW).await.expect(200);
    set(&mut gate, &link, "Yet another 9 bridges!").await.expect(404);
    gate.get(&link).await.expect(404);
    ada.browser.get("/api/v1/me").await.expect(401);
    assert_eq!(first_step(&mut gate, "pnaka", PASSWORD).await, 401);
    let body = json!({ "username": "pnaka", "password": NEW });
    let reply = gate.post("/api/v1/signin", body).await.expect(200).json();
    assert_eq!(reply["state"], "totp_required", "the second factor is asked as before");
    let code = house.next_code(&ada.person.secret);
    gate.post("/api/v1/signin/totp", json!({ "code": code })).await.expect(200);
    assert_eq!(mail_out(&house).await, 2);
    let mails = server.take(2);
    let mut subjects: Vec<_> = mails.iter().map(|mail| header(mail, "Subject")).collect();
    subjects.sort_unstable();
    assert_eq!(subjects, ["A sign-in from a new device", "Your password was changed"]);
}

/// Links lead to the configured public address, whatever a browser calls this house.
#[actix_web::test]
async fn no_header_says_where_a_mailed_link_leads() {
    let server = MailServer::start(Offers::StartTls);
    let house = house_with(server.settings());
    let ada = with_mailbox(&house, &server, "pnaka", "p.nakagawa@firm.example").await;
    let call = ["host", "x-forwarded-host", "x-original-host", "x-host"]
        .into_iter()
        .fold(TestRequest::post().uri("/recover"), |call, name| call.insert_header((name, "evil.example")))
        .insert_header(("forwarded", "host=evil.example"))
        .set_form([("name", "pnaka")]);
    ada.browser.other().send(call).await.expect(303);
    house.run_job("signin.recover").await.expect("it ran");
    assert_eq!(mail_out(&house).await, 1);
    let mail = server.next();
    assert!(!mail.to_string().contains("evil.example"), "{mail}");
    assert!(link(&mail).starts_with("/recover/"), "{mail}");
}

#[actix_web::test]
async fn every_name_gets_the_same_answer_and_nothing_is_hashed() {
    let server = MailServer::start(Offers::StartTls);
    let house = house_with(server.settings());
    with_mailbox(&house, &server, "pnaka", "p.nakagawa@firm.example").await;
    let mut browser = house.browser().await;
    house.enrolled(&mut browser, "nomail", &[]).await;
    house.invite("invited", &[]).await;
    with_mailbox(&house, &server, "locked", "locked@firm.example").await;
    let mut gate = browser.other();
    for _ in 0..3 {
        assert_eq!(first_step(&mut gate, "locked", "wrong").await, 401);
    }
    assert_eq!(mail_out(&house).await, 1);
    server.next();
    let before = house.app.hashers().hashed();
    let mut answers = Vec::new();
    let long = "x".repeat(5_000);
    let names = ["pnaka", "locked", "nomail", "invited", "nobody.at.all", "", "a\u{202e}b", long.as_str()];
    for name in names {
        let reply = gate.submit("/recover", &[("name", name)]).await;
        answers.push((reply.status, reply.body.clone(), reply.header("location").to_owned()));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert!(gate.cookies.is_empty());
    house.run_job("signin.recover").await.expect("it ran");
    assert_eq!(house.app.hashers().hashed(), before);
    assert_eq!(mail_out(&house).await, 2, "who is known, in use and has a mailbox");
}

#[actix_web::test]
async fn asking_is_measured_by_name_and_by_address() {
    let server = MailServer::start(Offers::StartTls);
    let house = house_with(server.settings());
    with_mailbox(&house, &server, "pnaka", "p.nakagawa@firm.example").await;
    let mut gate = house.browser().await;
    let mut sent = 0;
    for _ in 0..6 {
        sent += ask(&house, &mut gate, "pnaka").await;
        house.advance(Duration::seconds(1));
    }
    assert_eq!(sent, 3);
    let links: Vec<String> = server.take(3).iter().map(link).collect();
    for _ in 0..14 {
        gate.submit("/recover", &[("name", "nobody.at.all")]).await.expect(303);
    }
    let refused = gate.submit("/recover", &[("name", "nobody.at.all")]).await.expect(429);
    let wait: u64 = refused.header("retry-after").parse().expect("seconds");
    assert!((1..=30).contains(&wait), "{wait}");
    gate.from_address("192.0.2.7").submit("/recover", &[("name", "pnaka")]).await.expect(303);
    house.advance(Duration::seconds(31));
    gate.submit("/recover", &[("name", "nobody.at.all")]).await.expect(303);
    // Any of the links opens, and the first that is used closes the others.
    set(&mut gate, &links[0], NEW).await.expect(200);
    for other in &links[1..] {
        gate.get(other).await.expect(404);
    }
}

#[actix_web::test]
async fn a_link_ends_after_a_day_and_goes_to_nobody_who_is_not_in_use() {
    let server = MailServer::start(Offers::StartTls);
    let house = house_with(server.settings());
    let ada = with_mailbox(&house, &server, "pnaka", "p.nakagawa@firm.example").await;
    let mut gate = house.browser().await;
    assert_eq!(ask(&house, &mut gate, "pnaka").await, 1);
    let first = link(&server.next());
    house.advance(Duration::hours(24));
    gate.get(&first).await.expect(404);
    set(&mut gate, &first, NEW).await.expect(404);
    assert_eq!(ask(&house, &mut gate, "pnaka").await, 1);
    let second = link(&server.next());
    let id = ada.id();
    house.done(move |tx| accounts::suspend(tx, &id, (accounts::state::Suspension::Leave, None), None)).await;
    gate.get(&second).await.expect(404);
    set(&mut gate, &second, NEW).await.expect(404);
    assert_eq!(ask(&house, &mut gate, "pnaka").await, 0);
}

#[actix_web::test]
async fn a_changed_address_is_no_way_in_for_a_day_whoever_changed_it() {
    let server = MailServer::start(Offers::StartTls);
    let house = house_with(server.settings());
    let ada = with_mailbox(&house, &server, "pnaka", "p.nakagawa@firm.example").await;
    let mut gate = house.browser().await;
    // A link that was on its way before the change is dead after it.
    assert_eq!(ask(&house, &mut gate, "pnaka").await, 1);
    let before = link(&server.next());
    set_email(&house, ada.id(), "taken.over@evil.example").await;
    assert_eq!(mail_out(&house).await, 2);
    server.take(2);
    set(&mut gate, &before, NEW).await.expect(404);
    assert_eq!(ask(&house, &mut gate, "pnaka").await, 0);
    house.advance(Duration::hours(23));
    assert_eq!(ask(&house, &mut gate, "pnaka").await, 0);
    house.advance(Duration::hours(1));
    assert_eq!(ask(&house, &mut gate, "pnaka").await, 1);
    assert_eq!(server.next()["to"], json!(["taken.over@evil.example"]));
}

#[actix_web::test]
async fn an_address_changed_by_the_people_file_is_no_way_in_and_the_old_one_hears_of_it() {
    let server = MailServer::start(Offers::StartTls);
    let house = house_with(server.settings());
    let mut root = house.member("priya.raman", &["bailiwick/administrator"]).await;
    let head =
        "employee_id,username,given_name,family_name,email,manager,department,job_title,start_date,end_date";
    let mut import = async |email: &str| {
        let list = format!("{head}\nE-7,pnaka,Perrin,Nakagawa,{email},,Returns,Clerk,2026-01-01,\n");
        let request = TestRequest::post().uri("/api/v1/accounts/import").set_payload(list);
        root.browser.send(request).await.expect(200);
    };
    import("p.nakagawa@firm.example").await;
    let id = house.app.read(|reader| accounts::find_by_any(reader, "pnaka")).await.expect("she is known").id;
    let wanted = Invitation { username: "pnaka".to_owned(), ..Invitation::default() };
    house.done(move |tx| invite_by_mail(tx, wanted)).await;
    assert_eq!(mail_out(&house).await, 1);
    let token = link(&server.next()).trim_start_matches("/enrol/").to_owned();
    house.enrol(&mut house.browser().await, "pnaka", id, token).await;
    house.advance(Duration::seconds(1));
    import("taken.over@evil.example").await;
    let mut gate = house.browser().await;
    assert_eq!(ask(&house, &mut gate, "pnaka").await, 2, "two are told, and none has a link");
    let mails = server.take(2);
    let to: Vec<&str> = mails.iter().filter_map(|mail| mail["to"][0].as_str()).collect();
    assert_eq!(to, ["p.nakagawa@firm.example", "taken.over@evil.example"]);
    assert!(mails.iter().all(|mail| !mail["text"].as_str().unwrap_or_default().contains("/recover/")));
}

#[actix_web::test]
async fn without_mail_the_answer_is_still_the_same_and_nothing_is_kept() {
    let house = House::new();
    let mut browser = house.browser().await;
    house.enrolled(&mut browser, "pnaka", &[]).await;
    let mut gate = browser.other();
    for name in ["pnaka", "nobody.at.all"] {
        let reply = gate.submit("/recover", &[("name", name)]).await.expect(303);
        assert_eq!(reply.header("location"), "/recover/sent");
    }
    assert_eq!(house.run_job("signin.recover").await.expect("it ran"), "0 names looked at");
    assert!(gate.get("/recover/sent").await.expect(200).body.contains("sends no mail"));
}

#[actix_web::test]
async fn of_twenty_who_use_a_link_at_once_one_gets_it() {
    let server = MailServer::start(Offers::StartTls);
    let house = house_with(server.settings());
    with_mailbox(&house, &server, "pnaka", "p.nakagawa@firm.example").await;
    assert_eq!(ask(&house, &mut house.browser().await, "pnaka").await, 1);
    let token = link(&server.next()).trim_start_matches("/recover/").to_owned();
    let won: usize = std::thread::scope(|scope| {
        let take = |number: usize| {
            let (app, token) = (house.app.clone(), token.clone());
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let new = Secret::new(format!("Another {number} bridges, please!"));
                let set = resetting::set_password(&app, token, new);
                usize::from(runtime.expect("a runtime").block_on(set).is_ok())
            })
        };
        let threads: Vec<_> = (0..20).map(take).collect();
        threads.into_iter().map(|thread| thread.join().expect("it ends")).sum()
    });
    assert_eq!(won, 1);
}

/// What a page says somebody else has to be told: link or pass.
fn on_slip(page: &str, begins: &str) -> String {
    let page = page.replace("&#x2f;", "/");
    let code =
        page.split("<code class=\"link\">").skip(1).map(|part| part.split('<').next().unwrap_or_default());
    code.map(str::to_owned)
        .find(|text| text.starts_with(begins))
        .unwrap_or_else(|| panic!("no {begins}: {page}"))
}

pub fn pass_on(page: &str) -> String {
    let code = page.split("<code class=\"link\">").skip(1).filter_map(|part| part.split('<').next());
    code.map(str::to_owned)
        .find(|text| text.len() == 19 && !text.contains('/'))
        .unwrap_or_else(|| panic!("{page}"))
}

pub const WORDS: &str = "Stands before me, badge 4711 seen";

pub async fn hand(by: &mut Browser, account: &str, what: &str) -> crate::support::Reply {
    by.submit(&format!("/people/{account}/handovers"), &[("what", what), ("words", WORDS)]).await
}

/// The one thing that waits on the page of somebody, decided.
pub async fn agree(by: &mut Browser, account: &str) -> crate::support::Reply {
    let page = by.get(&format!("/people/{account}")).await.expect(200).body;
    let id = page.split("name=\"handover\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    let id = id.unwrap_or_else(|| panic!("nothing waits: {page}")).to_owned();
    by.submit(&format!("/people/{account}/handovers/approval"), &[("handover", &id)]).await
}

/// A firm with two at the service desk; Ada may read addresses.
pub async fn firm(house: &House) -> (Staff, Member, Member) {
    let staff = house.staff().await;
    house.give(&staff.ada.id(), "orders/address-reader", 30).await;
    let (one, two) = ("karim.jensen", "lucas.nemeth");
    let desk = house.member(one, &["bailiwick/service-desk"]).await;
    (staff, desk, house.member(two, &["bailiwick/service-desk"]).await)
}

#[actix_web::test]
async fn a_lost_phone_of_somebody_who_opens_personal_data_takes_two_and_pauses_it_until_the_next() {
    let house = House::new();
    let (mut staff, mut desk, mut other) = firm(&house).await;
    let mut orders = house.order_desk(&staff.grace.id()).await;
    let may = async |orders: &mut Browser| {
        orders.post("/access/v1/evaluation", may_read("ada", "buyer-address")).await.expect(200).json()["decision"]
            .clone()
    };
    assert_eq!(may(&mut orders).await, true);
    let ada = staff.ada.id().to_string();
    // The desk alone gets nothing, and has changed nothing.
    hand(&mut desk.browser, &ada, "factor").await.expect(303);
    assert_eq!(agree(&mut desk.browser, &ada).await.status, 422);
    staff.ada.browser.get("/api/v1/me").await.expect(200);
    assert_eq!(may(&mut orders).await, true);
    // Neither does Ada herself, nor somebody who only sees her page.
    hand(&mut staff.ada.browser, &ada, "factor").await;
    staff.ada.browser.get("/api/v1/me").await.expect(200);
    let page = agree(&mut staff.mary.browser, &ada).await.expect(200).body;
    let pass = pass_on(&page);
    // From this second on: no session, no personal data.
    staff.ada.browser.get("/api/v1/me").await.expect(401);
    assert_eq!(may(&mut orders).await, false);
    agree_again_is_refused(&mut other.browser, &ada).await;

    let mut gate = staff.ada.browser.other();
    let shown = |password: &str, pass: &str| {
        [("username", "ada".to_owned()), ("password", password.to_owned()), ("pass", pass.to_owned())]
    };
    for (password, pass, status) in [(PASSWORD, "k7wm-4hzq-29tn-vbxe", 401), ("wrong", pass.as_str(), 401)] {
        assert_eq!(submit(&mut gate, shown(password, pass)).await, status);
        assert!(gate.cookies.is_empty());
    }
    // The password alone opens nothing.
    assert_eq!(first_step(&mut gate, "ada", PASSWORD).await, 401);
    house.advance(Duration::minutes(16));
    assert_eq!(submit(&mut gate, shown(PASSWORD, &pass.to_uppercase())).await, 303);
    assert_eq!(may(&mut orders).await, false, "not before the next factor is there");
    gate.get("/api/v1/me").await.expect(401);
    let secret = gate.post("/api/v1/enrolment/totp", json!({})).await.expect(200).json()["secret"].clone();
    let code = house.code(secret.as_str().expect("a secret"));
    gate.post("/api/v1/enrolment/totp/confirmation", json!({ "code": code })).await.expect(200);
    gate.get("/api/v1/me").await.expect(200);
    assert_eq!(may(&mut orders).await, true);
    assert_eq!(submit(&mut gate.other(), shown(PASSWORD, &pass)).await, 401, "a pass works once");
}

async fn agree_again_is_refused(by: &mut Browser, account: &str) {
    let page = by.get(&format!("/people/{account}")).await.expect(200).body;
    assert!(!page.contains("name=\"handover\""), "nothing waits any more");
}

pub async fn submit(gate: &mut Browser, fields: [(&str, String); 3]) -> u16 {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    gate.submit("/pass", &fields).await.status
}

#[actix_web::test]
async fn a_pass_ends_after_an_hour_and_is_given_by_the_desk_alone_to_whom_nothing_opens() {
    let house = House::new();
    let (staff, mut desk, mut other) = firm(&house).await;
    let ben = house.member("ben", &[]).await;
    let id = ben.id().to_string();
    // Whoever is not at the desk is not offered it, and does not get it.
    let (mut mary, mut priya) = (staff.mary.browser.clone(), staff.priya.browser.clone());
    assert_ne!(hand(&mut mary, &id, "factor").await.status, 200);
    let pass = pass_on(&hand(&mut desk.browser, &id, "factor").await.expect(200).body);
    house.advance(Duration::hours(1));
    let shown = [("username", "ben".to_owned()), ("password", PASSWORD.to_owned()), ("pass", pass)];
    assert_eq!(submit(&mut house.browser().await, shown).await, 401);
    // A second thing within a day takes a second person: password and factor in one hand are the whole person.
    house.sign_in(&mut desk.browser, &desk.person).await;
    hand(&mut desk.browser, &id, "password").await.expect(303);
    house.sign_in(&mut other.browser, &other.person).await;
    let link =
        on_slip(&agree(&mut other.browser, &id).await.expect(200).body, "https://localhost:8443/recover/");
    let mut gate = house.browser().await;
    set(&mut gate, link.trim_start_matches("https://localhost:8443"), NEW).await.expect(200);
    assert!(gate.cookies.is_empty(), "a new password lets nobody in whose second factor is lost");
    assert_eq!(first_step(&mut gate, "ben", NEW).await, 401);
    // And so does whoever administers, though no personal data opens to them.
    house.sign_in(&mut priya, &staff.priya.person).await;
    hand(&mut desk.browser, &staff.priya.id().to_string(), "factor").await.expect(303);
    priya.get("/api/v1/me").await.expect(200);
}

#[actix_web::test]
async fn a_manager_hands_a_slip_to_somebody_without_a_mailbox_and_says_how_they_know_them() {
    let house = House::new();
    let mut staff = house.staff().await;
    let (id, _) = house.invite("new.picker", &[]).await;
    let (account, mary) = (id.clone(), staff.mary.id());
    let changes = accounts::Changes { manager: Some(Some(mary)), ..accounts::Changes::default() };
    house.done(move |tx| accounts::change(tx, &account, &changes)).await;
    let address = id.to_string();
    // Not a colleague's manager, and not without words.
    assert_ne!(hand(&mut staff.ada.browser, &address, "enrolment").await.status, 200);
    let path = format!("/people/{address}/handovers");
    let page =
        staff.mary.browser.submit(&path, &[("what", "enrolment"), ("words", " ")]).await.expect(422).body;
    assert!(page.contains("how you know that it is this person"), "{page}");
    let page = hand(&mut staff.mary.browser, &address, "enrolment").await.expect(200).body;
    assert!(page.contains("data:image&#x2f;svg+xml;base64,") || page.contains("data:image/svg+xml;base64,"));
    let link = on_slip(&page, "https://localhost:8443/enrol/");
    let token = link.rsplit('/').next().expect("a token").to_owned();
    let mut browser = house.browser().await;
    house.enrol(&mut browser, "new.picker", id, token).await;
    browser.other().get(link.trim_start_matches("https://localhost:8443")).await.expect(404);
    // How she was known is on record, sealed; the event has its id only.
    let log = staff.priya.browser.get("/api/v1/events?kind=handover_changed").await.expect(200).body;
    assert!(log.contains("given") && !log.contains("4711"), "{log}");
    // With a fresh proof only.
    house.advance(Duration::minutes(16));
    let (other, _) = house.invite("next.picker", &[]).await;
    let (account, mary) = (other.clone(), staff.mary.id());
    let changes = accounts::Changes { manager: Some(Some(mary)), ..accounts::Changes::default() };
    house.done(move |tx| accounts::change(tx, &account, &changes)).await;
    let led = hand(&mut staff.mary.browser, &other.to_string(), "enrolment").await.expect(303);
    assert!(led.header("location").starts_with("/prove"), "{}", led.header("location"));
}

#[actix_web::test]
async fn whoever_has_a_mailbox_gets_mail_and_no_slip_and_hears_that_a_factor_is_gone() {
    let server = MailServer::start(Offers::StartTls);
    let house = house_with(server.settings());
    let ben = with_mailbox(&house, &server, "ben", "ben@firm.example").await;
    let mut desk = house.member("karim.jensen", &["bailiwick/service-desk"]).await;
    let id = ben.id().to_string();
    let page = hand(&mut desk.browser, &id, "password").await.expect(422).body;
    assert!(page.contains("has a mailbox"), "{page}");
    hand(&mut desk.browser, &id, "factor").await.expect(200);
    assert_eq!(mail_out(&house).await, 1);
    assert_eq!(header(&server.next(), "Subject"), "A second factor was removed");
}
