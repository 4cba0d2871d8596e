//! Signing in by the company's identity provider: the good way, who is meant, and what stands in its way.

use bailiwick::accounts::{self, Suspension};
use bailiwick::log::event::Change;
use chrono::Duration;
use serde_json::json;

use crate::mail::{mail_out, set_email};
use crate::support::hostile_provider::HostileProvider;
use crate::support::smtp::{MailServer, Offers, header};
use crate::support::sso::{says, signed_in_to, through};
use crate::support::{Browser, House, PASSWORD};

const ADDRESS: &str = "ada@firm.example";

/// The links that were made, as account and way.
fn linked(house: &House) -> Vec<(String, String)> {
    let all = house.all_events().into_iter();
    all.filter_map(|event| match event.change {
        Change::IdentityLinked { account, by, .. } => Some((account.to_string(), by)),
        _ => None,
    })
    .collect()
}

/// How the last session began.
fn methods(house: &House) -> Vec<String> {
    let all = house.all_events().into_iter();
    let mut began = all.filter_map(|event| match event.change {
        Change::SessionStarted { methods, .. } => Some(methods),
        _ => None,
    });
    began.next_back().unwrap_or_default()
}

async fn me(browser: &mut Browser) -> String {
    browser.get("/api/v1/me").await.expect(200).json()["username"].as_str().expect("a username").to_owned()
}

#[actix_web::test]
async fn whoever_the_provider_speaks_for_is_linked_once_and_comes_in() {
    let (house, provider) = House::with_provider("");
    let ada = house.with_address("ada", ADDRESS).await;
    let mut browser = house.browser().await;
    signed_in_to(&through(&mut browser, &provider, says("0815", ADDRESS)).await, "/");
    assert_eq!(me(&mut browser).await, "ada");
    assert_eq!(methods(&house), ["sso", "mfa"]);
    assert_eq!(linked(&house), [(ada.to_string(), "address".to_owned())]);

    // From now on by issuer and subject alone, whatever the address says.
    let mut again = browser.other();
    signed_in_to(&through(&mut again, &provider, json!({ "sub": "0815", "amr": ["mfa"] })).await, "/");
    assert_eq!(me(&mut again).await, "ada");
    assert_eq!(linked(&house).len(), 1);
    let name = format!("{}|0815", provider.issuer());
    let found = house.app.read_now(|reader| accounts::find_by_name(reader, &name)).expect("a look");
    assert_eq!(found.map(|account| account.id), Some(ada), "applications can ask by that name");
}

#[actix_web::test]
async fn the_page_offers_the_provider_and_one_goes_on_where_one_wanted() {
    let (house, provider) = House::with_provider("");
    house.with_address("ada", ADDRESS).await;
    let mut browser = house.browser().await;
    let page = browser.get("/sign-in?next=/requests").await.expect(200).body;
    assert!(page.contains("Continue with The firm"), "{page}");
    for (next, on) in [("/requests", "/requests"), ("//evil.example", "/"), ("https://evil.example", "/")] {
        let mut browser = house.browser().await;
        let away = browser.get(&format!("/sign-in/with/firm?next={next}")).await.expect(303);
        let back = provider.authorize(away.header("location"), says("0815", ADDRESS));
        signed_in_to(&browser.get(&back).await, on);
    }
}

#[actix_web::test]
async fn the_session_of_before_is_not_the_one_of_after() {
    let (house, provider) = House::with_provider("");
    let mut browser = house.browser().await;
    house.enrolled_with_address(&mut browser, ("pnaka", ADDRESS), &[]).await;
    let mut fixed = browser.other();
    fixed.post("/api/v1/signin", json!({ "username": "pnaka", "password": PASSWORD })).await.expect(200);
    let before = fixed.cookies["__Host-session"].clone();
    signed_in_to(&through(&mut fixed, &provider, says("0815", ADDRESS)).await, "/sign-in/totp");
    assert_ne!(fixed.cookies["__Host-session"], before);
}

#[actix_web::test]
async fn a_proof_is_as_old_as_what_was_shown_at_the_provider() {
    let (house, provider) = House::with_provider("");
    house.with_address("ada", ADDRESS).await;
    let now = house.now();
    let ago = |span: Duration| json!(now.minus(span).seconds());
    for (shown, proved) in [
        (ago(Duration::minutes(5)), now.minus(Duration::minutes(5))),
        (ago(Duration::minutes(-9)), now),
        (json!(null), now.minus(Duration::days(1))),
    ] {
        let mut browser = house.browser().await;
        let mut says = says("0815", ADDRESS);
        says["auth_time"] = shown;
        signed_in_to(&through(&mut browser, &provider, says).await, "/");
        let me = browser.get("/api/v1/me").await.expect(200).json();
        assert_eq!(me["proved_at"].as_str(), Some(proved.to_string().as_str()));
    }
}

#[actix_web::test]
async fn two_tabs_do_not_take_each_other_s_sign_in() {
    let (house, provider) = House::with_provider("");
    house.with_address("ada", ADDRESS).await;
    let mut browser = house.browser().await;
    let first = browser.get("/sign-in/with/firm").await.expect(303);
    let second = browser.get("/sign-in/with/firm").await.expect(303);
    for away in [second, first] {
        let back = provider.authorize(away.header("location"), says("0815", ADDRESS));
        signed_in_to(&browser.get(&back).await, "/");
    }
    assert!(house.sso_refusals().is_empty());
}

#[actix_web::test]
async fn a_callback_opens_nothing_in_another_browser() {
    let (house, provider) = House::with_provider("");
    house.with_address("ada", ADDRESS).await;
    let (mut begun, mut other) = (house.browser().await, house.browser().await);
    let away = begun.get("/sign-in/with/firm").await.expect(303);
    let back = provider.authorize(away.header("location"), says("0815", ADDRESS));
    for _ in 0..2 {
        other.get(&back).await.expect(400);
        other.get("/sign-in/with/firm").await.expect(303);
    }
    assert!(!other.cookies.contains_key("__Host-session"));
    signed_in_to(&begun.get(&back).await, "/");
}

#[actix_web::test]
async fn nobody_is_away_for_more_than_ten_minutes() {
    let (house, provider) = House::with_provider("");
    house.with_address("ada", ADDRESS).await;
    let mut browser = house.browser().await;
    let away = browser.get("/sign-in/with/firm").await.expect(303);
    house.advance(Duration::minutes(10));
    let back = provider.authorize(away.header("location"), says("0815", ADDRESS));
    browser.get(&back).await.expect(400);
    assert!(!browser.cookies.contains_key("__Host-session"));
    house.advance(Duration::hours(2));
    let tidied = house.run_job("sso.tidy").await;
    assert_eq!(tidied.as_deref(), Some("forgot 1 rows"));
}

#[actix_web::test]
async fn an_invitation_links_whatever_the_address_is_and_is_used_up_by_it() {
    let (house, provider) = House::with_provider("");
    let (account, token) = house.invite("pnaka", &[]).await;
    let mut browser = house.browser().await;
    let page = browser.get(&format!("/enrol/{token}")).await.expect(200).body;
    assert!(page.contains(&format!("{token}/with/firm")), "{page}");
    let start = format!("/enrol/{token}/with/firm");
    let (first, second) = (browser.get(&start).await.expect(303), browser.get(&start).await.expect(303));
    browser.get(&format!("/enrol/{token}")).await.expect(200);
    let mine = json!({ "sub": "0815", "email": "someone@elsewhere.example", "amr": ["mfa"] });
    let back = provider.authorize(first.header("location"), mine);
    signed_in_to(&browser.get(&back).await, "/");
    assert_eq!(me(&mut browser).await, "pnaka");
    assert_eq!(linked(&house), [(account.to_string(), "invitation".to_owned())]);

    // A second subject by the same link: it has ended.
    browser.get(&format!("/enrol/{token}")).await.expect(404);
    let mut other = browser.clone();
    let back = provider.authorize(second.header("location"), json!({ "sub": "4711", "amr": ["mfa"] }));
    other.get(&back).await.expect(403);
    assert_eq!(house.sso_refusals(), ["link_ended"]);
}

#[actix_web::test]
async fn nobody_is_led_from_elsewhere_to_sign_their_subject_over_to_another_s_invitation() {
    let (house, provider) = House::with_provider("");
    let (_, token) = house.invite("pnaka", &[]).await;
    let start = format!("/enrol/{token}/with/firm");
    for origin in [None, Some("https://evil.example")] {
        let mut led = house.browser().await.from_origin(origin);
        signed_in_to(&led.get(&start).await, &format!("/enrol/{token}"));
    }
    let mut typed = house.browser().await.from_origin(None);
    let request =
        actix_web::test::TestRequest::get().uri(&start).insert_header(("sec-fetch-site", "cross-site"));
    signed_in_to(&typed.send(request).await, &format!("/enrol/{token}"));
    let request =
        actix_web::test::TestRequest::get().uri(&start).insert_header(("sec-fetch-site", "same-origin"));
    let away = typed.send(request).await.expect(303);
    assert!(away.header("location").starts_with(&provider.issuer()));
}

#[actix_web::test]
async fn an_invited_person_whose_provider_shows_one_factor_enrols_the_second_here() {
    let (house, provider) = House::with_provider("");
    let (_, token) = house.invite("pnaka", &[]).await;
    let mut browser = house.browser().await;
    let away = browser.get(&format!("/enrol/{token}/with/firm")).await.expect(303);
    let back = provider.authorize(away.header("location"), json!({ "sub": "0815" }));
    signed_in_to(&browser.get(&back).await, "/enrolment/totp");
    browser.get("/api/v1/me").await.expect(401);
    let secret = browser.post("/api/v1/enrolment/totp", json!({})).await.expect(200).json();
    let code = house.code(secret["secret"].as_str().expect("a secret"));
    let path = "/api/v1/enrolment/totp/confirmation";
    browser.post(path, json!({ "code": code })).await.expect(200);
    assert_eq!(me(&mut browser).await, "pnaka");
    assert_eq!(methods(&house), ["sso", "otp"]);
}

#[actix_web::test]
async fn what_the_provider_does_not_vouch_for_is_asked_here() {
    let (house, provider) = House::with_provider("");
    let mut browser = house.browser().await;
    let person = house.enrolled_with_address(&mut browser, ("pnaka", ADDRESS), &[]).await;
    let mut gate = browser.other();
    let one_factor =
        json!({ "sub": "0815", "email": ADDRESS, "email_verified": true, "amr": ["pwd"], "acr": "0" });
    signed_in_to(&through(&mut gate, &provider, one_factor).await, "/sign-in/totp");
    gate.get("/api/v1/me").await.expect(401);
    gate.get("/sign-in/totp").await.expect(200);
    signed_in_to(&gate.get("/sign-in/password").await, "/sign-in");
    let code = house.next_code(&person.secret);
    let reply = gate.submit("/sign-in/totp", &[("code", &code)]).await;
    signed_in_to(&reply, "/");
    assert_eq!(me(&mut gate).await, "pnaka");
    assert_eq!(methods(&house), ["sso", "otp"]);
}

#[actix_web::test]
async fn without_a_second_factor_anywhere_nobody_comes_in() {
    let (house, provider) = House::with_provider("create_accounts = true");
    house.with_address("ada", ADDRESS).await;
    let before = house.all_events().len();
    for address in [ADDRESS, "new@firm.example"] {
        let mut browser = house.browser().await;
        let one_factor = json!({ "sub": address, "email": address, "email_verified": true });
        through(&mut browser, &provider, one_factor).await.expect(403);
        assert!(!browser.cookies.contains_key("__Host-session"));
    }
    assert_eq!(house.sso_refusals(), ["factor_missing", "factor_missing"]);
    assert_eq!(house.all_events().len(), before + 2, "nothing else happened");
}

#[actix_web::test]
async fn an_account_is_made_only_where_that_is_allowed_and_for_those_the_provider_speaks_for() {
    let new = json!({
        "sub": "0815", "email": "new.person@firm.example", "email_verified": true, "amr": ["mfa"],
        "given_name": "New", "family_name": "Person",
    });
    let (house, provider) = House::with_provider("");
    through(&mut house.browser().await, &provider, new.clone()).await.expect(403);
    assert_eq!(house.sso_refusals(), ["nobody_known"]);

    let (house, provider) = House::with_provider("create_accounts = true");
    let mut elsewhere = new.clone();
    elsewhere["email"] = json!("new.person@elsewhere.example");
    through(&mut house.browser().await, &provider, elsewhere).await.expect(403);
    let mut nameless = new.clone();
    nameless["given_name"] = json!(null);
    nameless["family_name"] = json!("x".repeat(500));
    through(&mut house.browser().await, &provider, nameless).await.expect(403);
    assert_eq!(house.sso_refusals(), ["nobody_known", "account_not_made"]);
    let mut browser = house.browser().await;
    signed_in_to(&through(&mut browser, &provider, new).await, "/");
    let me = browser.get("/api/v1/me").await.expect(200).json();
    assert_eq!(
        (me["state"].as_str(), me["email"].as_str()),
        (Some("active"), Some("new.person@firm.example"))
    );
    assert_eq!(linked(&house).len(), 1);
}

#[actix_web::test]
async fn a_stranger_s_guessing_never_keeps_the_provider_s_people_out() {
    let (house, provider) = House::with_provider("");
    let mut browser = house.browser().await;
    let person = house.enrolled_with_address(&mut browser, ("pnaka", ADDRESS), &[]).await;
    for _ in 0..4 {
        let wrong = json!({ "username": "pnaka", "password": "Wrong 7 horses!" });
        browser.other().post("/api/v1/signin", wrong).await.expect(401);
    }
    assert!(house.all_events().iter().any(|event| matches!(event.change, Change::PasswordLocked { .. })));
    let mut gate = browser.other();
    signed_in_to(&through(&mut gate, &provider, says("0815", ADDRESS)).await, "/sign-in/totp");
    let code = house.next_code(&person.secret);
    signed_in_to(&gate.submit("/sign-in/totp", &[("code", &code)]).await, "/");
}

/// Whoever may change addresses would be whomever they like.
#[actix_web::test]
async fn an_address_of_today_is_no_way_in_and_the_first_time_the_own_factor_is_asked_for() {
    let (house, provider) = House::with_provider("");
    let mut browser = house.browser().await;
    let person = house.enrolled(&mut browser, "pnaka", &[]).await;
    let id = person.account.clone();
    let changes = accounts::Changes { email: Some(Some(ADDRESS.to_owned())), ..Default::default() };
    house.done(move |tx| accounts::change(tx, &id, &changes)).await;
    house.advance(Duration::hours(23));
    through(&mut browser.other(), &provider, says("0815", ADDRESS)).await.expect(403);
    assert_eq!(
        (house.sso_refusals().as_slice(), linked(&house).len()),
        (&["nobody_known".to_owned()][..], 0)
    );
    house.advance(Duration::hours(1));
    let mut gate = browser.other();
    signed_in_to(&through(&mut gate, &provider, says("0815", ADDRESS)).await, "/sign-in/totp");
    gate.get("/api/v1/me").await.expect(401);
    let code = house.next_code(&person.secret);
    signed_in_to(&gate.submit("/sign-in/totp", &[("code", &code)]).await, "/");
    // From then on the provider's word is enough.
    signed_in_to(&through(&mut browser.other(), &provider, says("0815", ADDRESS)).await, "/");
}

#[actix_web::test]
async fn who_is_not_in_use_does_not_come_in_and_a_stranger_cannot_tell() {
    let (house, provider) = House::with_provider("");
    let ada = house.with_address("ada", ADDRESS).await;
    let mut browser = house.browser().await;
    signed_in_to(&through(&mut browser, &provider, says("0815", ADDRESS)).await, "/");
    let rests = ada.clone();
    house.done(move |tx| accounts::suspend(tx, &rests, (Suspension::Leave, None), None)).await;
    let mut strangers = Vec::new();
    for _ in 0..3 {
        strangers.push(house.stranger().await);
    }
    let body = |reply: crate::support::Reply| {
        let reply = reply.expect(403);
        reply.body.split("Reference").next().expect("a page").to_owned()
    };
    let rests = body(through(&mut strangers[0], &provider, says("0815", ADDRESS)).await);
    let left = ada.clone();
    house.done(move |tx| accounts::mark_left(tx, &left, "leaver")).await;
    let left = body(through(&mut strangers[1], &provider, says("0815", ADDRESS)).await);
    let unknown = body(through(&mut strangers[2], &provider, says("4711", "x@firm.example")).await);
    assert_eq!(house.sso_refusals(), ["not_in_use", "not_in_use", "nobody_known"]);
    assert_eq!((&rests, &left), (&unknown, &unknown));

    // Who comes back is invited anew; the old link alone opens nothing, the invitation does.
    let back = ada.clone();
    house.done(move |tx| accounts::rehire(tx, &back, None)).await;
    through(&mut browser.other(), &provider, says("0815", ADDRESS)).await.expect(403);
    let (_, token) = house.invite("ada", &[]).await;
    let mut again = browser.other();
    let away = again.get(&format!("/enrol/{token}/with/firm")).await.expect(303);
    let callback = provider.authorize(away.header("location"), says("0815", ADDRESS));
    signed_in_to(&again.get(&callback).await, "/");
}

#[actix_web::test]
async fn a_domain_that_signs_in_elsewhere_has_no_password_here_and_administrators_have() {
    let (house, _provider) = House::with_provider("required_for = [\"firm.example\"]");
    let mut browser = house.browser().await;
    let priya = ("priya.raman", "root@firm.example");
    let root = house.enrolled_with_address(&mut browser, priya, &["bailiwick/administrator"]).await;
    house.enrolled_with_address(&mut browser, ("pnaka", ADDRESS), &[]).await;
    let mut gate = browser.other();
    let right = gate.post("/api/v1/signin", json!({ "username": "pnaka", "password": PASSWORD })).await;
    let wrong = gate.post("/api/v1/signin", json!({ "username": "nobody.x", "password": PASSWORD })).await;
    assert_eq!((right.status, &right.body), (401, &wrong.body));
    house.sign_in(&mut gate, &root).await;

    // The page goes by the domain that was typed, whoever it is of.
    for typed in [ADDRESS, "nobody@FIRM.example"] {
        let mut gate = browser.other();
        let reply =
            gate.submit("/sign-in", &[("username", typed), ("password", "x"), ("next", "/log")]).await;
        signed_in_to(&reply, "/sign-in/at/firm?next=/log");
        let page = gate.get(reply.header("location")).await.expect(200).body;
        assert!(page.contains("Continue with The firm"), "{page}");
    }
    let other =
        gate.other().submit("/sign-in", &[("username", "a@elsewhere.example"), ("password", "x")]).await;
    assert_eq!(other.status, 401);
}

#[actix_web::test]
async fn while_the_provider_is_down_the_page_says_so_and_administrators_get_in() {
    let (house, provider) = House::with_provider("required_for = [\"firm.example\"]");
    let mut browser = house.browser().await;
    let root = house.enrolled(&mut browser, "priya.raman", &["bailiwick/administrator"]).await;
    provider.ways().fails_at = Some(("/.well-known/openid-configuration", 502));
    let failures = |house: &House| {
        let all = house.all_events().into_iter();
        all.filter(|event| matches!(event.change, Change::IdentityProviderFailed { .. })).count()
    };
    for _ in 0..3 {
        let reply = browser.other().get("/sign-in/with/firm").await.expect(503);
        assert_eq!(reply.header("retry-after"), "10");
        assert!(reply.body.contains("Try again"), "{}", reply.body);
        house.advance(Duration::seconds(11));
    }
    assert_eq!(failures(&house), 1, "an outage is one event");
    let mut gate = browser.other();
    house.sign_in(&mut gate, &root).await;
    gate.get("/api/v1/me").await.expect(200);
    provider.ways().fails_at = None;
    house.advance(Duration::seconds(11));
    browser.other().get("/sign-in/with/firm").await.expect(303);
}

#[actix_web::test]
async fn a_new_way_in_is_told_to_whose_account_it_opens() {
    let server = MailServer::start(Offers::Implicit);
    let mut house = House::new();
    let provider = HostileProvider::start(house.clock.clone());
    let settings = house.settings("firm", &provider, "domains = [\"firm.example\"]");
    house.know_and(&settings, |config| config.mail = Some(server.settings()));
    let mut browser = house.browser().await;
    let person = house.enrolled(&mut browser, "pnaka", &[]).await;
    house.advance(Duration::minutes(1));
    set_email(&house, person.account.clone(), ADDRESS).await;
    mail_out(&house).await;
    server.next();
    house.advance(Duration::days(1));
    mail_out(&house).await;
    let mut gate = browser.other();
    signed_in_to(&through(&mut gate, &provider, says("0815", ADDRESS)).await, "/sign-in/totp");
    assert_eq!(mail_out(&house).await, 1);
    assert_eq!(header(&server.next(), "Subject"), "A new way into your account");
    let code = house.next_code(&person.secret);
    signed_in_to(&gate.submit("/sign-in/totp", &[("code", &code)]).await, "/");
    signed_in_to(&through(&mut browser.other(), &provider, says("0815", ADDRESS)).await, "/");
    assert_eq!(mail_out(&house).await, 1, "the way in is told the first time alone");
    assert_eq!(header(&server.next(), "Subject"), "A sign-in from a new device");
}
