//! The ways in: first run, invitation, enrolment, sign-in, codes.

use bailiwick::caller::Caller;
use bailiwick::signin::Visitor;
use bailiwick::signin::inviting::{Invitation, invite, set_up_link};
use chrono::Duration;
use serde_json::json;

use crate::support::{House, PASSWORD};

#[actix_web::test]
async fn from_an_invitation_to_a_session_and_out_again() {
    let house = House::new();
    let mut browser = house.browser().await;
    let person = house.enrolled(&mut browser, "pnaka", &[]).await;
    assert_eq!(person.recovery_codes.len(), 10);

    let me = browser.get("/api/v1/me").await.expect(200).json();
    assert_eq!(me["username"], "pnaka");
    assert_eq!(me["id"], person.account.as_str());
    assert_eq!(me["state"], "active");
    assert_eq!(browser.get("/api/v1/session").await.expect(200).json()["state"], "signed_in");

    let cookie = browser.cookies.clone();
    browser.delete("/api/v1/session", json!({})).await.expect(204);
    assert!(!browser.cookies.contains_key("__Host-session"), "the cookie is taken away");
    browser.cookies = cookie;
    browser.get("/api/v1/me").await.expect(401);

    house.sign_in(&mut browser, &person).await;
    browser.get("/api/v1/me").await.expect(200);
}

#[actix_web::test]
async fn the_cookie_is_bound_to_the_host_and_out_of_reach_of_scripts() {
    let house = House::new();
    let mut browser = house.browser().await;
    let (_, token) = house.invite("pnaka", &[]).await;
    let reply =
        browser.post("/api/v1/enrolment", json!({ "token": token, "password": PASSWORD })).await.expect(200);
    let cookie = reply.header("set-cookie");
    assert!(cookie.starts_with("__Host-session="), "{cookie}");
    for part in ["; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
}

#[actix_web::test]
async fn a_link_works_once_and_looking_at_it_uses_nothing_up() {
    let house = House::new();
    let mut browser = house.browser().await;
    let (_, token) = house.invite("pnaka", &[]).await;
    for _ in 0..2 {
        let page = browser.get(&format!("/enrol/{token}")).await.expect(200);
        assert!(page.body.contains("Choose a password"), "{}", page.body);
    }
    let weak = json!({ "token": token, "password": "short" });
    let refused = browser.post("/api/v1/enrolment", weak).await.expect(422).json();
    assert_eq!(refused["errors"][0]["clause"], "O13.2");
    let body = json!({ "token": token, "password": PASSWORD });
    browser.other().post("/api/v1/enrolment", body.clone()).await.expect(200);
    browser.other().post("/api/v1/enrolment", body).await.expect(404);
    let page = browser.get(&format!("/enrol/{token}")).await.expect(404);
    assert!(page.body.contains("This link has ended"), "{}", page.body);
}

#[actix_web::test]
async fn a_link_ends_after_a_day_and_when_another_takes_its_place() {
    let house = House::new();
    let mut browser = house.browser().await;
    let (_, first) = house.invite("pnaka", &[]).await;
    let (_, second) = house.invite("pnaka", &[]).await;
    browser.get(&format!("/enrol/{first}")).await.expect(404);
    browser.get(&format!("/enrol/{second}")).await.expect(200);
    house.advance(Duration::hours(24) - Duration::seconds(1));
    browser.get(&format!("/enrol/{second}")).await.expect(200);
    house.advance(Duration::seconds(1));
    let body = json!({ "token": second, "password": PASSWORD });
    browser.post("/api/v1/enrolment", body).await.expect(404);
}

#[actix_web::test]
async fn of_many_who_use_a_link_at_once_one_does() {
    let house = House::new();
    let (_, token) = house.invite("pnaka", &[]).await;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (app, token) = (house.app.clone(), token.clone());
        calls.spawn(async move {
            let password = bailiwick::signin::hasher::Secret::new(PASSWORD);
            bailiwick::signin::set_password(&app, token, password, bailiwick::signin::Visitor::default())
                .await
                .is_ok()
        });
    }
    let done = calls.join_all().await.into_iter().filter(|done| *done).count();
    assert_eq!(done, 1);
}

#[actix_web::test]
async fn a_password_alone_enrols_no_second_factor() {
    let house = House::new();
    let mut browser = house.browser().await;
    let (_, token) = house.invite("pnaka", &[]).await;
    let body = json!({ "token": token, "password": PASSWORD });
    browser.post("/api/v1/enrolment", body).await.expect(200);

    // The session of the enrolment is lost; what is left is the password.
    let mut other = browser.other();
    let signed = json!({ "username": "pnaka", "password": PASSWORD });
    other.post("/api/v1/signin", signed).await.expect(401);
    other.post("/api/v1/enrolment/totp", json!({})).await.expect(401);

    // A person who is half way to signing in enrols nothing either.
    let begun = browser.post("/api/v1/enrolment/totp", json!({})).await.expect(200).json();
    let again = browser.post("/api/v1/enrolment/totp", json!({})).await.expect(200).json();
    assert_eq!(begun["secret"], again["secret"], "an enrolment is resumed, not begun anew");
    let code = house.code(begun["secret"].as_str().expect("a secret"));
    let path = "/api/v1/enrolment/totp/confirmation";
    browser.post(path, json!({ "code": code })).await.expect(200);
    let mut half = browser.other();
    half.post("/api/v1/signin", json!({ "username": "pnaka", "password": PASSWORD })).await.expect(200);
    half.post("/api/v1/enrolment/totp", json!({})).await.expect(401);
    half.get("/api/v1/me").await.expect(401);
    assert_eq!(half.get("/api/v1/session").await.expect(200).json()["state"], "totp_required");
}

#[actix_web::test]
async fn a_wrong_code_confirms_nothing_and_codes_lock() {
    let house = House::new();
    let mut browser = house.browser().await;
    let (_, token) = house.invite("pnaka", &[]).await;
    browser.post("/api/v1/enrolment", json!({ "token": token, "password": PASSWORD })).await.expect(200);
    let begun = browser.post("/api/v1/enrolment/totp", json!({})).await.expect(200).json();
    let right = house.code(begun["secret"].as_str().expect("a secret"));
    let wrong = if right == "000000" { "000001" } else { "000000" };
    let path = "/api/v1/enrolment/totp/confirmation";
    for _ in 0..3 {
        let refused = browser.post(path, json!({ "code": wrong })).await.expect(422).json();
        assert_eq!(refused["errors"][0]["field"], "code");
    }
    browser.post(path, json!({ "code": right })).await.expect(422);
}

#[actix_web::test]
async fn a_code_works_once_and_a_recovery_code_too() {
    let house = House::new();
    let mut browser = house.browser().await;
    let person = house.enrolled(&mut browser, "pnaka", &[]).await;
    let signed = json!({ "username": "pnaka", "password": PASSWORD });

    browser.post("/api/v1/signin", signed.clone()).await.expect(200);
    let code = house.next_code(&person.secret);
    browser.post("/api/v1/signin/totp", json!({ "code": code })).await.expect(200);
    let mut other = browser.other();
    other.post("/api/v1/signin", signed.clone()).await.expect(200);
    other.post("/api/v1/signin/totp", json!({ "code": code })).await.expect(401);

    let recovery = json!({ "code": person.recovery_codes[0].to_uppercase() });
    other.post("/api/v1/signin/totp", recovery.clone()).await.expect(200);
    let mut third = browser.other();
    third.post("/api/v1/signin", signed).await.expect(200);
    third.post("/api/v1/signin/totp", recovery).await.expect(401);
    let next = json!({ "code": person.recovery_codes[1] });
    third.post("/api/v1/signin/totp", next).await.expect(200);
}

#[actix_web::test]
async fn of_many_with_the_same_code_at_once_at_every_node_one_gets_in() {
    let house = House::new();
    let nodes = [house.app.clone(), house.second_node()];
    let mut browser = house.browser().await;
    let person = house.enrolled(&mut browser, "pnaka", &[]).await;
    let code = house.next_code(&person.secret);
    let mut sessions = Vec::new();
    for _ in 0..3 {
        let password = bailiwick::signin::hasher::Secret::new(PASSWORD);
        let progress =
            bailiwick::signin::sign_in(&house.app, "pnaka".to_owned(), password, Visitor::default()).await;
        sessions.push(progress.expect("the password is right").issued.expect("a session").session);
    }
    let mut calls = tokio::task::JoinSet::new();
    for (session, app) in sessions.into_iter().zip(nodes.into_iter().cycle()) {
        let code = bailiwick::signin::hasher::Secret::new(code.clone());
        calls.spawn(async move {
            bailiwick::signin::show_code(&app, session, code, Visitor::default()).await.is_ok()
        });
    }
    assert_eq!(calls.join_all().await.into_iter().filter(|done| *done).count(), 1);
}

#[actix_web::test]
async fn the_first_run_makes_an_administrator_once() {
    let house = House::new();
    let mut browser = house.browser().await;
    let made = house.app.write(&Caller::house("start"), set_up_link).await.expect("not set up yet").value;
    let page = browser.get(&format!("/set-up/{}", made.token)).await.expect(200);
    assert!(page.body.contains("Set up Bailiwick"));
    let fields = [
        ("token", made.token.as_str()),
        ("organisation", "Corriden Parcels"),
        ("time_zone", "Europe/London"),
        ("public_url", "https://localhost:8443"),
        ("profile", "strictest"),
        ("username", "grace"),
        ("given_name", "Grace"),
        ("family_name", "Adeyemi"),
        ("email", ""),
    ];
    let wrong: Vec<_> = fields
        .iter()
        .map(|(name, value)| (*name, if *name == "username" { "admin" } else { *value }))
        .collect();
    let refused = browser.submit("/first-run", &wrong).await.expect(422);
    assert!(refused.body.contains("Corriden Parcels"), "what was typed comes back");
    let reply = browser.submit("/first-run", &fields).await.expect(303);
    let link = reply.header("location").to_owned();
    assert!(link.starts_with("/enrol/"), "{link}");
    assert!(browser.get(&link).await.expect(200).body.contains("Welcome, Grace"));
    browser.submit("/first-run", &fields).await.expect(404);
    let again = house.app.write(&Caller::house("start"), set_up_link).await;
    assert!(again.is_err(), "there is no second first run");
    assert_eq!(house.app.organisation().name, "Corriden Parcels");
    assert!(browser.get("/sign-in").await.expect(200).body.contains("To Corriden Parcels"));

    let (owner, administrators) = house
        .app
        .read(|reader| {
            let own = bailiwick::access::roles::application(reader, "bailiwick")?;
            Ok((own.owner, bailiwick::access::floor::administrators(reader)?))
        })
        .await
        .expect("the catalogue is there");
    let grace = house.app.read(|reader| bailiwick::accounts::find_by_name(reader, "grace")).await;
    let grace = grace.expect("found").expect("Grace").id;
    assert_eq!(owner.as_ref(), Some(&grace));
    assert!(administrators.is_empty(), "nobody administers before enrolling");
    let token = link.trim_start_matches("/enrol/");
    house.enrol(&mut browser, "grace", grace.clone(), token.to_owned()).await;
    let administrators = house.app.read(bailiwick::access::floor::administrators).await.expect("counted");
    assert_eq!(administrators, [grace]);
}

#[actix_web::test]
async fn the_set_up_link_ends_after_an_hour_and_when_another_is_made() {
    let house = House::new();
    let mut browser = house.browser().await;
    let made = |house: &House| {
        let app = house.app.clone();
        async move { app.write(&Caller::house("start"), set_up_link).await.expect("made").value.token }
    };
    let (first, second) = (made(&house).await, made(&house).await);
    browser.get(&format!("/set-up/{first}")).await.expect(404);
    house.advance(Duration::minutes(59));
    browser.get(&format!("/set-up/{second}")).await.expect(200);
    house.advance(Duration::minutes(1));
    browser.get(&format!("/set-up/{second}")).await.expect(404);
}

#[actix_web::test]
async fn nobody_enrols_before_the_first_day_or_after_the_last() {
    let house = House::new();
    let mut browser = house.browser().await;
    let now = house.app.context().clock.now();
    let person = bailiwick::accounts::NewPerson {
        username: Some("pnaka".to_owned()),
        given_name: Some("Perrin".to_owned()),
        starts_at: Some(now.plus(Duration::hours(1))),
        ends_at: Some(now.plus(Duration::hours(2))),
        ..bailiwick::accounts::NewPerson::default()
    };
    let create = |tx: &mut bailiwick::db::Tx<'_>| {
        bailiwick::accounts::create_person(tx, person)?;
        invite(tx, Invitation { username: "pnaka".to_owned(), ..Invitation::default() })
    };
    let token = house.app.write(&Caller::shell(0), create).await.expect("invited").value.link.token;
    let body = json!({ "token": token, "password": PASSWORD });
    let refused = browser.post("/api/v1/enrolment", body.clone()).await.expect(409).json();
    assert_eq!(refused["type"], "/problems/not-in-use");
    house.advance(Duration::hours(1));
    browser.post("/api/v1/enrolment", body).await.expect(200);
    house.advance(Duration::minutes(20));
    browser.post("/api/v1/enrolment/totp", json!({})).await.expect(200);
    house.advance(Duration::minutes(20));
    browser.post("/api/v1/enrolment/totp", json!({})).await.expect(200);
    house.advance(Duration::minutes(20));
    browser.post("/api/v1/enrolment/totp", json!({})).await.expect(401);
}

#[actix_web::test]
async fn an_invitation_finds_who_is_there_and_gives_no_access_role() {
    let house = House::new();
    let (account, _) = house.invite("pnaka", &["bailiwick/auditor"]).await;
    let again = Invitation {
        username: "PNAKA".to_owned(),
        email: Some("p@corriden.example".to_owned()),
        ..Invitation::default()
    };
    let found = house.app.write(&Caller::shell(0), |tx| invite(tx, again)).await.expect("found").value;
    assert_eq!((found.account.id, found.created, found.ignored), (account, false, true));
    let wanted = Invitation {
        username: "other".to_owned(),
        given_name: Some("Other".to_owned()),
        roles: vec!["orders/address-reader".to_owned()],
        ..Invitation::default()
    };
    assert!(house.app.write(&Caller::shell(0), |tx| invite(tx, wanted)).await.is_err());
}

#[actix_web::test]
async fn without_a_script_the_pages_lead_from_the_link_to_the_session() {
    let house = House::new();
    let mut browser = house.browser().await;
    let (_, token) = house.invite("pnaka", &[]).await;
    let enrol = format!("/enrol/{token}");
    let pair = [("password", PASSWORD), ("again", "something else")];
    assert!(browser.submit(&enrol, &pair).await.expect(422).body.contains("not the same"));
    let pair = [("password", PASSWORD), ("again", PASSWORD)];
    let reply = browser.submit(&enrol, &pair).await.expect(303);
    assert_eq!(reply.header("location"), "/enrolment/totp");
    let page = browser.get("/enrolment/totp").await.expect(200).body;
    let secret = page.split("id=\"secret\">").nth(1).and_then(|rest| rest.split('<').next());
    let secret = secret.expect("the secret").replace(' ', "");
    browser.submit("/enrolment/totp", &[("code", "000 000 0")]).await.expect(422);
    let code = house.code(&secret);
    let page = browser.submit("/enrolment/totp", &[("code", &code)]).await.expect(200);
    assert!(page.body.contains("Your recovery codes"));
    browser.get("/api/v1/me").await.expect(200);

    let reply = browser.submit("/sign-out", &[]).await.expect(303);
    assert_eq!(reply.header("location"), "/sign-in");
    let typed = [("username", "pnaka"), ("password", "wrong"), ("next", "/reviews")];
    let page = browser.submit("/sign-in", &typed).await.expect(401);
    assert!(page.body.contains("value=\"pnaka\"") && !page.body.contains("wrong\""), "{}", page.body);
    let typed = [("username", "pnaka"), ("password", PASSWORD), ("next", "/reviews")];
    let reply = browser.submit("/sign-in", &typed).await.expect(303);
    assert_eq!(reply.header("location"), "/sign-in/totp?next=/reviews");
    browser.get("/sign-in/totp?next=/reviews").await.expect(200);
    let code = house.next_code(&secret);
    let reply =
        browser.submit("/sign-in/totp", &[("code", &code), ("next", "//evil.example")]).await.expect(303);
    assert_eq!(reply.header("location"), "/");
    browser.get("/me/password").await.expect(200);
}

#[actix_web::test]
async fn a_form_of_another_site_signs_nobody_in() {
    let house = House::new();
    let mut browser = house.browser().await;
    house.enrolled(&mut browser, "pnaka", &[]).await;
    let mut foreign = browser.other().from_origin(Some("https://evil.example"));
    let typed = [("username", "pnaka"), ("password", PASSWORD)];
    foreign.submit("/sign-in", &typed).await.expect(403);
    assert!(foreign.cookies.is_empty());
}
