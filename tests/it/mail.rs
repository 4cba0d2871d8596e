//! Mail: out of a real house, over a real line, into a real mail server.

use bailiwick::accounts::{Changes, change};
use bailiwick::alarms::{Rule, Severity, Sighting, lists, raise};
use bailiwick::config::Mail;
use bailiwick::ids::AccountId;
use bailiwick::notify::Mailer;
use bailiwick::notify::mail::{Counts, counts};
use bailiwick::organisation::{Wishes, set};
use bailiwick::signin::inviting::{Invitation, invite_by_mail};
use chrono::Duration;
use serde_json::json;

use crate::support::smtp::{MailServer, Offers, header, link};
use crate::support::{Browser, House, PASSWORD};

/// A house that sends its mail through these settings.
pub fn house_with(mail: Mail) -> House {
    let mut house = House::new();
    house.reopen_with(|config| config.mail = Some(mail));
    house
}

/// Lets the house see what is to be mailed, and mail it.
pub async fn mail_out(house: &House) -> usize {
    house.run_job("notify.follow").await.expect("it ran");
    send(house).await
}

async fn send(house: &House) -> usize {
    let app = house.app.clone();
    tokio::task::spawn_blocking(move || Mailer::new(app).expect("templates").send_due().expect("the outbox"))
        .await
        .expect("it ends")
}

/// Somebody with a mailbox, invited by mail.
pub async fn invited(house: &House, username: &str, email: Option<&str>) -> AccountId {
    let wanted = Invitation {
        username: username.to_owned(),
        given_name: Some("Perrin".to_owned()),
        family_name: Some("Nakagawa".to_owned()),
        email: email.map(str::to_owned),
        ..Invitation::default()
    };
    house.done(move |tx| invite_by_mail(tx, wanted)).await.account.id
}

/// Gives somebody a mailbox, as a people file would.
pub async fn set_email(house: &House, id: AccountId, email: &str) {
    let changes = Changes { email: Some(Some(email.to_owned())), ..Changes::default() };
    house.done(move |tx| change(tx, &id, &changes)).await;
}

fn outbox(house: &House) -> Counts {
    house.app.read_now(counts).expect("the outbox")
}

fn alarms(house: &House) -> Vec<bailiwick::alarms::Alarm> {
    let narrowing = lists::Narrowing { rule: Some(Rule::MailFails), ..lists::Narrowing::default() };
    house.app.read_now(|reader| lists::list(reader, &narrowing, None, 10)).expect("alarms").0
}

async fn guess(gate: &mut Browser, username: &str, times: usize) {
    for _ in 0..times {
        gate.post("/api/v1/signin", json!({ "username": username, "password": "wrong" })).await.expect(401);
    }
}

#[actix_web::test]
async fn an_invitation_goes_to_the_mailbox_and_its_link_leads_in_once() {
    let server = MailServer::start_for(Offers::StartTls, Some(("house", "a secret of the house")));
    let house = house_with(server.settings_for("house", "a secret of the house"));
    let account = invited(&house, "pnaka", Some("p.nakagawa@firm.example")).await;
    assert_eq!(mail_out(&house).await, 1);
    let mail = server.next();
    assert_eq!(mail["to"], json!(["p.nakagawa@firm.example"]));
    assert_eq!((&mail["encrypted"], &mail["user"]), (&json!(true), &json!(true)));
    assert_eq!(header(&mail, "From"), "Bailiwick <access@firm.example>");
    assert_eq!(header(&mail, "Reply-To"), "desk@firm.example");
    assert_eq!(header(&mail, "Auto-Submitted"), "auto-generated");
    assert!(!header(&mail, "Subject").to_lowercase().contains("nakagawa"), "no name in a subject");
    let link = link(&mail);
    let html = mail["html"].as_str().expect("HTML").replace("&#x2f;", "/");
    assert!(html.contains(&format!("href=\"https://localhost:8443{link}\"")), "{html}");
    assert_eq!(mail_out(&house).await, 0, "one event is one mail");

    let mut browser = house.browser().await;
    browser.get(&link).await.expect(200);
    browser.get(&link).await.expect(200);
    let token = link.trim_start_matches("/enrol/").to_owned();
    house.enrol(&mut browser, "pnaka", account, token).await;
    browser.other().get(&link).await.expect(404);
    assert_eq!(mail_out(&house).await, 0, "what one does while enrolling is no news");
}

#[actix_web::test]
async fn who_has_no_mailbox_is_not_written_to_and_nothing_fails() {
    let server = MailServer::start(Offers::Implicit);
    let house = house_with(server.settings());
    let mut browser = house.browser().await;
    house.enrolled(&mut browser, "pnaka", &[]).await;
    guess(&mut browser.other(), "pnaka", 3).await;
    assert_eq!(mail_out(&house).await, 0);
    assert_eq!(outbox(&house), Counts { waiting: 0, given_up: 0 });
}

#[actix_web::test]
async fn a_lock_is_told_and_its_link_opens_it_by_the_button_alone() {
    let server = MailServer::start(Offers::Implicit);
    let house = house_with(server.settings());
    let mut browser = house.browser().await;
    with_mailbox(&house, &server, &mut browser, ("pnaka", "p.nakagawa@firm.example")).await;
    let mut gate = browser.other();
    for lock in 1..=5 {
        guess(&mut gate, "pnaka", 3).await;
        assert_eq!(mail_out(&house).await, 1, "lock {lock}");
        let mail = server.next();
        assert_eq!(header(&mail, "Subject"), "Your password is locked");
        if lock < 5 {
            house.advance(Duration::minutes(15));
            continue;
        }
        // The fifth within a day holds, for a week and more, until somebody opens it.
        assert!(mail["text"].as_str().expect("a text").contains("fifth"), "{mail}");
        house.advance(Duration::hours(20));
        let right = json!({ "username": "pnaka", "password": PASSWORD });
        gate.post("/api/v1/signin", right.clone()).await.expect(401);
        let link = link(&mail);
        gate.get(&link).await.expect(200);
        gate.post("/api/v1/signin", right.clone()).await.expect(401);
        gate.from_origin(Some("https://evil.example")).submit(&link, &[]).await.expect(403);
        gate.submit(&link, &[]).await.expect(200);
        gate.submit(&link, &[]).await.expect(404);
        gate.post("/api/v1/signin", right).await.expect(200);
    }
}

/// Somebody enrolled, with a mailbox from the beginning; the mail of the invitation is taken.
pub async fn with_mailbox(
    house: &House,
    server: &MailServer,
    browser: &mut Browser,
    (username, email): (&str, &str),
) -> crate::support::Enrolled {
    let account = invited(house, username, Some(email)).await;
    assert_eq!(mail_out(house).await, 1);
    let token = link(&server.next()).trim_start_matches("/enrol/").to_owned();
    let person = house.enrol(browser, username, account, token).await;
    assert_eq!(mail_out(house).await, 0);
    person
}

#[actix_web::test]
async fn a_changed_password_and_a_changed_address_are_told_to_both_addresses() {
    let server = MailServer::start(Offers::StartTls);
    let house = house_with(server.settings());
    let mut browser = house.browser().await;
    let person = with_mailbox(&house, &server, &mut browser, ("pnaka", "p.nakagawa@firm.example")).await;
    house.advance(Duration::days(2));
    house.sign_in(&mut browser, &person).await;
    let body = json!({ "current_password": PASSWORD, "password": "Another 8 bridges, please!" });
    browser.post("/api/v1/me/password", body).await.expect(200);
    assert_eq!(mail_out(&house).await, 1);
    assert_eq!(header(&server.next(), "Subject"), "Your password was changed");

    let mut root = house.member("priya.raman", &["bailiwick/administrator"]).await;
    let address = format!("/api/v1/accounts/{}", person.account);
    root.browser.patch(&address, json!({ "email": "taken.over@evil.example" })).await.expect(200);
    assert_eq!(mail_out(&house).await, 2);
    let mails = server.take(2);
    let to: Vec<&str> = mails.iter().filter_map(|mail| mail["to"][0].as_str()).collect();
    assert_eq!(to, ["p.nakagawa@firm.example", "taken.over@evil.example"]);
    assert!(mails[0]["text"].as_str().expect("a text").contains("changed to another"));
}

#[actix_web::test]
async fn a_password_that_ends_is_told_once_at_each_stage() {
    let server = MailServer::start(Offers::StartTls);
    let house = house_with(server.settings());
    let mut browser = house.browser().await;
    with_mailbox(&house, &server, &mut browser, ("pnaka", "p.nakagawa@firm.example")).await;
    let mut told = Vec::new();
    for day in 1..=91 {
        house.advance(Duration::days(1));
        for _ in 0..2 {
            house.run_job("notify.ends").await.expect("it ran");
            if send(&house).await > 0 {
                assert_eq!(header(&server.next(), "Subject"), "Your password ends before long");
                told.push(day);
            }
        }
    }
    assert_eq!(told, [76, 83, 87, 89]);
}

#[actix_web::test]
async fn alarms_are_mailed_to_those_who_may_read_them_and_the_alarm_says_so() {
    let server = MailServer::start(Offers::StartTls);
    let house = house_with(server.settings());
    let officer = house.member("karim.jensen", &["bailiwick/security-officer"]).await;
    set_email(&house, officer.id(), "karim@firm.example").await;
    mail_out(&house).await;
    server.next();
    let seen = Sighting::of(Rule::BroadKey, Severity::Critical);
    let alarm = house.done(move |tx| raise(tx, seen)).await;
    house.run_job("notify.alarms").await.expect("it ran");
    assert_eq!(send(&house).await, 1);
    let mail = server.next();
    let text = mail["text"].as_str().expect("a text");
    assert!(
        text.contains(&format!("https://localhost:8443/alarms/{alarm}")) && !text.contains("Karim Jensen")
    );
    let told = house.app.read_now(|reader| lists::find(reader, &alarm)).expect("it is there").told;
    assert!(told.iter().any(|told| told.by == "mail" && told.account == officer.id()), "{told:?}");
}

#[actix_web::test]
async fn what_is_put_off_comes_later_under_the_same_id_and_every_link_of_it_opens() {
    let server = MailServer::start(Offers::StartTls);
    let house = house_with(server.settings());
    invited(&house, "pnaka", Some("later-2@firm.example")).await;
    assert_eq!(mail_out(&house).await, 0);
    assert_eq!(send(&house).await, 0, "not before its time");
    house.advance(Duration::seconds(61));
    assert_eq!(send(&house).await, 0, "the second try");
    house.advance(Duration::seconds(119));
    assert_eq!(send(&house).await, 0, "not before its time");
    house.advance(Duration::seconds(2));
    assert_eq!(send(&house).await, 1);
    let mail = server.next();
    assert!(header(&mail, "Message-ID").ends_with("@firm.example>"));
    assert_eq!(outbox(&house), Counts { waiting: 0, given_up: 0 });
    house.browser().await.get(&link(&mail)).await.expect(200);
    assert!(alarms(&house).is_empty());
}

#[actix_web::test]
async fn what_the_server_will_not_have_is_given_up_with_an_alarm_that_names_nobody() {
    let server = MailServer::start(Offers::StartTls);
    let house = house_with(server.settings());
    invited(&house, "pnaka", Some("never@firm.example")).await;
    invited(&house, "qnaka", Some("q@firm.example")).await;
    assert_eq!(mail_out(&house).await, 1, "the next one goes out all the same");
    assert_eq!(outbox(&house), Counts { waiting: 0, given_up: 1 });
    let found = alarms(&house);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].samples[1], "refused (550)");
    assert!(found[0].samples.iter().all(|sample| !sample.contains('@')), "{:?}", found[0].samples);
}

#[actix_web::test]
async fn a_server_without_encryption_or_with_another_certificate_gets_nothing() {
    let (plain, other) = (MailServer::start(Offers::NoTls), MailServer::start(Offers::Implicit));
    let right = MailServer::start(Offers::StartTls);
    let mut house = house_with(plain.settings());
    invited(&house, "pnaka", Some("p.nakagawa@firm.example")).await;
    assert_eq!(mail_out(&house).await, 0);
    assert_eq!(fault(&house), "the server offers no STARTTLS");
    // The certificate of another server is trusted, this one's is not.
    for wrong in [&right, &other] {
        let mut settings = wrong.settings();
        settings.authorities = plain.settings().authorities;
        house.reopen_with(|config| config.mail = Some(settings));
        house.advance(Duration::hours(2));
        assert_eq!(send(&house).await, 0);
        assert!(fault(&house).starts_with("the "), "{}", fault(&house));
    }
    // Nor one that bears another name.
    let mut settings = right.settings();
    settings.server = "127.0.0.1".to_owned();
    house.reopen_with(|config| config.mail = Some(settings));
    house.advance(Duration::hours(2));
    assert_eq!(send(&house).await, 0);
    house.reopen_with(|config| config.mail = Some(right.settings()));
    house.advance(Duration::hours(2));
    assert_eq!(send(&house).await, 1);
    assert_eq!(right.next()["encrypted"], json!(true));
}

/// What happened at the last try, as `doctor` says it.
fn fault(house: &House) -> String {
    let mail = house.app.config().mail.clone().expect("mail is set up");
    bailiwick::notify::mail::sending::reachable(&mail).expect_err("it cannot be reached")
}

#[actix_web::test]
async fn a_server_that_is_away_for_an_hour_is_an_alarm_and_for_a_day_the_end() {
    let server = MailServer::start(Offers::StartTls);
    let settings = server.settings();
    drop(server);
    let house = house_with(settings);
    invited(&house, "pnaka", Some("p.nakagawa@firm.example")).await;
    assert_eq!(mail_out(&house).await, 0);
    for _ in 0..40 {
        house.advance(Duration::minutes(10));
        send(&house).await;
    }
    let found = alarms(&house);
    assert_eq!((found.len(), found[0].sightings), (1, 1), "{found:?}");
    assert_eq!(outbox(&house), Counts { waiting: 1, given_up: 0 });
    house.advance(Duration::hours(18));
    send(&house).await;
    assert_eq!(outbox(&house), Counts { waiting: 0, given_up: 1 });
    assert_eq!(alarms(&house)[0].sightings, 2);
}

fn person_form() -> [(&'static str, &'static str); 7] {
    [
        ("username", "pnaka"),
        ("given_name", "Perrin"),
        ("family_name", "Nakagawa"),
        ("email", "p.nakagawa@firm.example"),
        ("manager", ""),
        ("department", ""),
        ("job_title", ""),
    ]
}

#[actix_web::test]
async fn without_a_mail_server_links_are_shown_and_nothing_waits_for_one() {
    let house = House::new();
    let mut root = house.member("priya.raman", &["bailiwick/administrator"]).await;
    let fields = person_form();
    let page = root.browser.submit("/people", &fields).await.expect(200).body.replace("&#x2f;", "/");
    assert!(page.contains("https://localhost:8443/enrol/"), "{page}");
    house.run_job("notify.follow").await.expect("it ran");
    assert_eq!(outbox(&house), Counts { waiting: 0, given_up: 0 });
    assert!(root.browser.get("/settings").await.expect(200).body.contains("No mail server is set up"));
}

#[actix_web::test]
async fn with_one_nobody_but_the_person_sees_the_link_and_a_trial_says_what_became_of_it() {
    let server = MailServer::start(Offers::StartTls);
    let house = house_with(server.settings());
    let mut root = house.member("priya.raman", &["bailiwick/administrator"]).await;
    let fields = person_form();
    let page = root.browser.submit("/people", &fields).await.expect(200).body;
    assert!(!page.replace("&#x2f;", "/").contains("/enrol/") && page.contains("mailbox"), "{page}");
    let page = root.browser.submit("/settings/mail-trial", &[]).await.expect(409).body;
    assert!(page.contains("you have no e-mail address here"), "{page}");
    set_email(&house, root.id(), "priya@firm.example").await;
    root.browser.submit("/settings/mail-trial", &[]).await.expect(200);
    assert_eq!(server.next()["to"], json!(["priya@firm.example"]));
}

#[actix_web::test]
async fn nothing_of_a_name_breaks_into_a_header_or_the_html() {
    let server = MailServer::start(Offers::StartTls);
    let house = house_with(server.settings());
    let wanted = Invitation {
        username: "pnaka".to_owned(),
        given_name: Some("<b>Bold</b> & Søren {{ 7*7 }}".to_owned()),
        email: Some("p.nakagawa@firm.example".to_owned()),
        ..Invitation::default()
    };
    house.done(move |tx| invite_by_mail(tx, wanted)).await;
    let name = Wishes { name: Some("Firm: Søren & Söhne".to_owned()), ..Wishes::default() };
    house.done(move |tx| set(tx, &name)).await;
    assert_eq!(mail_out(&house).await, 1);
    let mail = server.next();
    assert_eq!(header(&mail, "Subject"), "Your way in at Firm: Søren & Söhne");
    assert!(mail["text"].as_str().expect("a text").contains("<b>Bold</b> & Søren {{ 7*7 }}"));
    let html = mail["html"].as_str().expect("HTML");
    assert!(html.contains("&lt;b&gt;Bold&lt;") && !html.contains("<b>"), "{html}");
    let names: Vec<&str> =
        mail["headers"].as_array().expect("headers").iter().filter_map(|pair| pair[0].as_str()).collect();
    let expected = [
        "Auto-Submitted",
        "Content-Type",
        "Date",
        "From",
        "MIME-Version",
        "Message-ID",
        "Reply-To",
        "Subject",
        "To",
    ];
    let mut names = names;
    names.sort_unstable();
    assert_eq!(names, expected);
}

#[actix_web::test]
async fn a_sign_in_from_a_new_device_is_told_once() {
    let server = MailServer::start(Offers::StartTls);
    let house = house_with(server.settings());
    let mut browser = house.browser().await;
    let person = with_mailbox(&house, &server, &mut browser, ("pnaka", "p.nakagawa@firm.example")).await;
    house.sign_in(&mut browser, &person).await;
    assert_eq!(mail_out(&house).await, 0, "the browser of the enrolment is known");
    let mut other = browser.other();
    house.sign_in(&mut other, &person).await;
    assert_eq!(mail_out(&house).await, 1);
    assert_eq!(header(&server.next(), "Subject"), "A sign-in from a new device");
    house.sign_in(&mut other, &person).await;
    assert_eq!(mail_out(&house).await, 0);
}

#[actix_web::test]
async fn of_many_that_carry_mail_at_once_one_sends_each() {
    let server = MailServer::start(Offers::StartTls);
    let house = house_with(server.settings());
    for number in 0..20 {
        invited(&house, &format!("person{number}"), Some(&format!("person{number}@firm.example"))).await;
    }
    house.run_job("notify.follow").await.expect("it ran");
    let sent: usize = std::thread::scope(|scope| {
        let carry = |_| {
            let app = house.app.clone();
            scope.spawn(move || Mailer::new(app).expect("templates").send_due().expect("the outbox"))
        };
        let carriers: Vec<_> = (0..4).map(carry).collect();
        carriers.into_iter().map(|carrier| carrier.join().expect("it ends")).sum()
    });
    assert_eq!(sent, 20);
    let mut to: Vec<String> = server.take(20).iter().map(|mail| mail["to"].to_string()).collect();
    to.dedup();
    assert_eq!(to.len(), 20, "each of them once");
    assert_eq!(outbox(&house), Counts { waiting: 0, given_up: 0 });
}
