//! Shared workstations: how a browser becomes one, what a session is there, who looks after them, and what it is worth to
//! steal their cookie.

use bailiwick::log::event::{Change, Event};
use bailiwick::signin::links::{self, Purpose};
use bailiwick::signin::sessions;
use bailiwick::signin::workstations;
use chrono::Duration;
use serde_json::{Value, json};

use crate::mail::mail_out;
use crate::support::smtp::{MailServer, Offers, header};
use crate::support::sso::{says, signed_in_to, through};
use crate::support::{Browser, Device, House, Member, PASSWORD};

const COOKIE: &str = "__Host-workstation";
const SESSION: &str = "__Host-session";
const DEVICE: &str = "__Host-device";
const ALL: &str = "/api/v1/workstations";

/// An administrator, a terminal that is the workstation "Packing table 3", and the address of that.
async fn packing_table(house: &House) -> (Member, Browser, String) {
    let mut admin = house.member("priya.raman", &["bailiwick/administrator"]).await;
    let (code, path) = registered(&mut admin, "Packing table 3").await;
    let mut terminal = admin.browser.other();
    become_it(&mut terminal, &code).await;
    (admin, terminal, path)
}

/// Registers a workstation; its code and its address.
async fn registered(admin: &mut Member, name: &str) -> (String, String) {
    let made = admin.browser.post(ALL, json!({ "name": name })).await.expect(201).json();
    (text(&made["code"]), format!("{ALL}/{}", text(&made["id"])))
}

async fn become_it(browser: &mut Browser, code: &str) {
    browser.submit("/workstation", &[("code", code)]).await.expect(200);
    assert_eq!(browser.cookies[COOKIE].len(), 43);
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

async fn session(browser: &mut Browser) -> Value {
    browser.get("/api/v1/session").await.expect(200).json()
}

/// How long a session lasts: without a request, and at most.
async fn limits(browser: &mut Browser) -> (Duration, Duration) {
    let session = session(browser).await;
    let at = |field: &str| {
        session[field].as_str().and_then(bailiwick::clock::Timestamp::parse).expect("an instant")
    };
    let idle = session["idle_seconds"].as_i64().expect("a number");
    (Duration::seconds(idle), at("ends_at").since(at("created_at")))
}

fn changes(house: &House) -> Vec<String> {
    let all = house.all_events().into_iter();
    all.filter_map(|event| match event.change {
        Change::WorkstationChanged { what, .. } => Some(what),
        _ => None,
    })
    .collect()
}

fn count(house: &House, wanted: impl Fn(&Event) -> bool) -> usize {
    house.all_events().iter().filter(|event| wanted(event)).count()
}

fn ended(house: &House, cause: &str) -> usize {
    count(house, |event| matches!(&event.change, Change::SessionEnded { cause: said, .. } if said == cause))
}

fn entered(house: &House) -> usize {
    count(house, |event| matches!(event.change, Change::WorkstationEntered { .. }))
}

#[actix_web::test]
async fn a_browser_becomes_a_workstation_by_a_code_that_works_once() {
    let house = House::new();
    let mut admin = house.member("priya.raman", &["bailiwick/administrator"]).await;
    let made = admin.browser.post(ALL, json!({ "name": "  Packing table 3 " })).await.expect(201).json();
    assert_eq!((made["name"].as_str(), made["state"].as_str()), (Some("Packing table 3"), Some("waiting")));
    assert_eq!(made["registered"]["by"], admin.person.account.as_str());
    let (code, path) = (text(&made["code"]), format!("{ALL}/{}", text(&made["id"])));
    let link = text(&made["address"]).replace("https://localhost:8443", "");
    assert_eq!(link, format!("/workstation/{}", code.replace('-', "")));

    // Looking uses nothing up and makes nothing of the browser.
    let mut terminal = admin.browser.other();
    for _ in 0..2 {
        let page = terminal.get(&link).await.expect(200).body;
        assert!(page.contains("Make it “Packing table 3”"), "{page}");
    }
    assert!(terminal.cookies.is_empty());
    assert_eq!(admin.browser.get(&path).await.expect(200).json()["state"], "waiting");

    let typed = format!(" {} ", code.to_uppercase());
    let reply = terminal.submit("/workstation", &[("code", &typed)]).await.expect(200);
    let set: Vec<_> = reply.headers.get_all("set-cookie").filter_map(|value| value.to_str().ok()).collect();
    let cookie = set.iter().find(|cookie| cookie.starts_with(COOKIE)).expect("the cookie");
    for part in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age=34560000"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert_eq!(reply.header("clear-site-data"), "\"cache\"");
    let shown = admin.browser.get(&path).await.expect(200).json();
    assert_eq!((&shown["state"], &shown["used_on"]), (&json!("in_use"), &json!(null)));
    assert!(shown["in_use_since"].is_string());

    let mut second = admin.browser.other();
    second.submit("/workstation", &[("code", &code)]).await.expect(422);
    second.get(&link).await.expect(404);
    assert!(second.cookies.is_empty());
    assert_eq!(changes(&house), ["registered", "in_use"]);
}

#[actix_web::test]
async fn a_session_there_lasts_as_long_as_the_stricter_limit_says() {
    let house = House::new();
    let (_, mut terminal, _) = packing_table(&house).await;
    let (mut one, mut two) = (house.browser().await, house.browser().await);
    let ada = house.enrolled(&mut one, "ada", &[]).await;
    let ines = house.enrolled(&mut two, "ines", &["bailiwick/administrator"]).await;
    assert_eq!(limits(&mut one).await, (Duration::minutes(30), Duration::hours(12)));
    assert_eq!(limits(&mut two).await, (Duration::minutes(15), Duration::hours(8)));

    let signed = json!({ "username": "ada", "password": PASSWORD });
    terminal.post("/api/v1/signin", signed).await.expect(200);
    assert_eq!(limits(&mut terminal).await, (Duration::minutes(2), Duration::minutes(10)), "half way");
    house.sign_in(&mut terminal, &ada).await;
    assert_eq!(limits(&mut terminal).await, (Duration::minutes(2), Duration::hours(9)));
    for _ in 0..3 {
        house.advance(Duration::seconds(119));
        terminal.get("/api/v1/me").await.expect(200);
    }
    house.advance(Duration::seconds(120));
    terminal.get("/api/v1/me").await.expect(401);
    // Whoever signs in next is not led to where somebody else was.
    assert_eq!(terminal.get("/me/security").await.expect(303).header("location"), "/sign-in");
    let elsewhere = one.other().get("/me/security").await.expect(303);
    assert_eq!(elsewhere.header("location"), "/sign-in?next=/me/security");

    house.sign_in(&mut terminal, &ines).await;
    assert_eq!(
        limits(&mut terminal).await,
        (Duration::minutes(2), Duration::hours(8)),
        "of each the stricter"
    );
    // And nobody else's session is any shorter for it.
    house.sign_in(&mut one, &ada).await;
    assert_eq!(limits(&mut one).await, (Duration::minutes(30), Duration::hours(12)));
}

#[actix_web::test]
async fn somebody_who_enrols_there_is_held_to_it_at_every_step() {
    let house = House::new();
    let (_, mut terminal, _) = packing_table(&house).await;
    let (_, token) = house.invite("pnaka", &[]).await;
    terminal.post("/api/v1/enrolment", json!({ "token": token, "password": PASSWORD })).await.expect(200);
    assert_eq!(limits(&mut terminal).await, (Duration::minutes(2), Duration::hours(1)));
    house.advance(Duration::minutes(2));
    terminal.post("/api/v1/enrolment/totp", json!({})).await.expect(401);

    house.enrolled(&mut terminal, "vokoro", &[]).await;
    assert_eq!(limits(&mut terminal).await, (Duration::minutes(2), Duration::hours(9)));
    assert!(!terminal.cookies.contains_key(DEVICE), "no device is remembered");
}

#[actix_web::test]
async fn a_node_that_was_not_asked_does_not_call_it_idle_too_soon() {
    let house = House::new();
    let (_, mut terminal, _) = packing_table(&house).await;
    house.enrolled(&mut terminal, "ada", &[]).await;
    let (other, token) = (house.second_node(), terminal.cookies[SESSION].clone());
    for _ in 0..3 {
        house.advance(Duration::seconds(50));
        terminal.get("/api/v1/me").await.expect(200);
    }
    house.advance(Duration::seconds(100));
    assert!(sessions::identify(&other, &token, None).await.expect("answers").is_some());
    house.advance(Duration::seconds(120));
    assert!(sessions::identify(&other, &token, None).await.expect("answers").is_none());
}

#[actix_web::test]
async fn no_device_is_known_there_and_the_one_it_was_counts_no_more() {
    let house = House::new();
    let mut admin = house.member("priya.raman", &["bailiwick/administrator"]).await;
    let mut terminal = house.browser().await;
    let ada = house.enrolled(&mut terminal, "ada", &[]).await;
    let device = terminal.cookies[DEVICE].clone();
    let (code, _) = registered(&mut admin, "Packing table 3").await;
    become_it(&mut terminal, &code).await;
    assert!(!terminal.cookies.contains_key(DEVICE) && !terminal.cookies.contains_key(SESSION));
    assert_eq!(ended(&house, "workstation_begun"), 1, "what was open there has ended");

    house.sign_in(&mut terminal, &ada).await;
    assert!(!terminal.cookies.contains_key(DEVICE));
    // Nor does the old device's cookie count beside it, nor without it.
    let (mut beside, mut without) = (terminal.other(), terminal.other());
    beside.cookies.insert(COOKIE.to_owned(), terminal.cookies[COOKIE].clone());
    for browser in [&mut beside, &mut without] {
        browser.cookies.insert(DEVICE.to_owned(), device.clone());
    }
    let wrong = json!({ "username": "ada", "password": "wrong" });
    let mut stranger = terminal.other().from_address("192.0.2.9");
    for _ in 0..3 {
        stranger.post("/api/v1/signin", wrong.clone()).await.expect(401);
    }
    let right = json!({ "username": "ada", "password": PASSWORD });
    for browser in [&mut beside, &mut without, &mut terminal] {
        browser.post("/api/v1/signin", right.clone()).await.expect(401);
    }
}

#[actix_web::test]
async fn a_device_known_elsewhere_does_not_count_beside_a_workstation_s_cookie() {
    let house = House::new();
    let (_, terminal, _) = packing_table(&house).await;
    let mut home = house.browser().await;
    house.enrolled(&mut home, "ada", &[]).await;
    let mut stranger = home.other().from_address("192.0.2.9");
    for _ in 0..3 {
        stranger.post("/api/v1/signin", json!({ "username": "ada", "password": "wrong" })).await.expect(401);
    }
    let right = json!({ "username": "ada", "password": PASSWORD });
    let mut both = home.other();
    both.cookies.insert(DEVICE.to_owned(), home.cookies[DEVICE].clone());
    both.cookies.insert(COOKIE.to_owned(), terminal.cookies[COOKIE].clone());
    both.post("/api/v1/signin", right.clone()).await.expect(401);
    both.cookies.remove(COOKIE);
    both.post("/api/v1/signin", right).await.expect(200);
}

#[actix_web::test]
async fn next_person_ends_the_session_and_leaves_the_workstation_and_nothing_else() {
    let house = House::new();
    let (admin, mut terminal, _) = packing_table(&house).await;
    let ada = house.enrolled(&mut house.browser().await, "ada", &[]).await;
    house.sign_in(&mut terminal, &ada).await;
    for path in ["/", "/requests", "/me/security", "/clauses"] {
        let page = terminal.get(path).await.expect(200);
        assert!(page.body.contains("action=\"/next-person\""), "{path}: {}", page.body);
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
    }
    let refused = terminal.get("/people/new").await.expect(403).body;
    assert!(refused.contains("Next person"), "also where something is refused: {refused}");
    let mut foreign = terminal.from_origin(Some("https://evil.example"));
    foreign.submit("/next-person", &[]).await.expect(403);

    let (token, workstation) = (terminal.cookies[SESSION].clone(), terminal.cookies[COOKIE].clone());
    let left = terminal.submit("/next-person", &[]).await.expect(303);
    assert_eq!((left.header("location"), left.header("clear-site-data")), ("/sign-in", "\"cache\""));
    assert_eq!(terminal.cookies.keys().collect::<Vec<_>>(), [COOKIE]);
    assert_eq!(terminal.cookies[COOKIE], workstation);
    assert_eq!(ended(&house, "next_person"), 1);
    let mut copied = terminal.clone();
    copied.cookies.insert(SESSION.to_owned(), token);
    copied.get("/api/v1/me").await.expect(401);
    // Pressed again by somebody else, it is no fault.
    assert_eq!(terminal.submit("/next-person", &[]).await.expect(303).header("location"), "/sign-in");

    // Half way in it stands there too; before, there is nobody to make room for. Elsewhere it stands nowhere.
    let gate = terminal.get("/sign-in").await.expect(200).body;
    assert!(gate.contains("Packing table 3") && !gate.contains("Next person"), "{gate}");
    terminal.post("/api/v1/signin", json!({ "username": "ada", "password": PASSWORD })).await.expect(200);
    assert!(terminal.get("/sign-in/totp").await.expect(200).body.contains("Next person"));
    terminal.submit("/next-person", &[]).await.expect(303);
    terminal.get("/api/v1/session").await.expect(401);
    let mut office = admin.browser.clone();
    assert!(!office.get("/").await.expect(200).body.contains("Next person"));

    // Whoever signs out by the other button leaves as little.
    house.sign_in(&mut terminal, &ada).await;
    assert_eq!(terminal.submit("/sign-out", &[]).await.expect(303).header("clear-site-data"), "\"cache\"");
}

#[actix_web::test]
async fn asking_how_long_it_lasts_is_no_request_that_counts() {
    let house = House::new();
    let (_, mut terminal, _) = packing_table(&house).await;
    let remaining = "/api/v1/session/remaining";
    assert_eq!(terminal.get(remaining).await.expect(200).json()["seconds"], 0);
    assert_eq!(terminal.get("/idle").await.expect(303).header("location"), "/sign-in");
    house.enrolled(&mut terminal, "ada", &[]).await;
    let page = terminal.get("/").await.expect(200).body;
    assert!(page.contains("data-idle=\"120\"") && page.contains("content=\"121;url=/idle\""), "{page}");
    let name = "Perrin Nakagawa";
    assert!(page.contains(name));
    for (later, left) in [(0, 120), (30, 90), (60, 30), (29, 1)] {
        house.advance(Duration::seconds(later));
        assert_eq!(terminal.get(remaining).await.expect(200).json()["seconds"], left);
        let aside = terminal.get("/idle").await.expect(200);
        assert_eq!(aside.header("refresh"), format!("{left}; url=/idle"));
        assert!(!aside.body.contains(name) && aside.body.contains("Next person"), "{}", aside.body);
    }
    house.advance(Duration::seconds(1));
    assert_eq!(terminal.get(remaining).await.expect(200).json()["seconds"], 0);
    let over = terminal.get("/idle").await.expect(303);
    assert_eq!((over.header("location"), over.header("clear-site-data")), ("/sign-in", "\"cache\""));
    assert!(!terminal.cookies.contains_key(SESSION));
}

#[actix_web::test]
async fn the_sign_in_page_there_fills_nothing_in_and_keeps_no_name() {
    let house = House::new();
    let (_, mut terminal, _) = packing_table(&house).await;
    let mut home = house.browser().await;
    let ada = house.enrolled(&mut home, "ada", &[]).await;
    let ordinary = home.other().get("/sign-in").await.expect(200).body;
    assert!(ordinary.contains("username webauthn") && ordinary.contains("data-offered"), "{ordinary}");
    let wrong = [("username", "ada"), ("password", "wrong")];
    assert!(home.other().submit("/sign-in", &wrong).await.expect(401).body.contains("value=\"ada\""));

    let first = terminal.get("/sign-in").await.expect(200).body;
    let after = terminal.submit("/sign-in", &wrong).await.expect(401).body;
    for page in [first, after] {
        for never in ["webauthn", "current-password", "data-offered", "value=\"ada\"", "ada"] {
            assert!(!page.contains(&format!("\"{never}\"")) && !page.contains("username webauthn"), "{page}");
        }
        assert!(
            page.contains("autocomplete=\"off\"") && page.contains("autocomplete=\"new-password\""),
            "{page}"
        );
        assert!(page.contains("your security key"), "a key that is carried may be shown: {page}");
    }
    // Nor is a passkey made that the terminal would keep; one on a key that is carried lets in.
    house.sign_in(&mut terminal, &ada).await;
    let mut device = Device::new(7);
    let asked = terminal.post("/api/v1/me/passkeys/challenge", json!({})).await.expect(200).json();
    let selection = &asked["public_key"]["authenticatorSelection"];
    assert_eq!(selection["authenticatorAttachment"], "cross-platform");
    terminal.post("/api/v1/me/passkeys", device.made(&asked, "Blue security key")).await.expect(201);
    terminal.submit("/next-person", &[]).await.expect(303);
    let asked = terminal.post("/api/v1/signin/passkey/challenge", json!({})).await.expect(200).json();
    assert_eq!(asked["public_key"]["hints"], json!(["security-key"]));
    terminal.post("/api/v1/signin/passkey", device.shown(&asked)).await.expect(200);
    assert_eq!(limits(&mut terminal).await, (Duration::minutes(2), Duration::hours(9)));
    let asked = home.post("/api/v1/me/passkeys/challenge", json!({})).await.expect(200).json();
    assert_eq!(asked["public_key"]["authenticatorSelection"]["authenticatorAttachment"], json!(null));
}

#[actix_web::test]
async fn ending_it_ends_what_is_open_there_and_the_browser_is_ordinary_again() {
    let house = House::new();
    let (mut admin, mut terminal, path) = packing_table(&house).await;
    let ada = house.enrolled(&mut house.browser().await, "ada", &[]).await;
    house.sign_in(&mut terminal, &ada).await;
    let mut half = terminal.clone();
    half.cookies.remove(SESSION);
    half.post("/api/v1/signin", json!({ "username": "ada", "password": PASSWORD })).await.expect(200);
    let (other, token) = (house.second_node(), terminal.cookies[SESSION].clone());
    assert!(sessions::identify(&other, &token, None).await.expect("answers").is_some());
    let spare = admin.browser.post(&format!("{path}/code"), json!({})).await.expect(200).json();

    let done = admin.browser.delete(&path, json!({})).await.expect(200).json();
    assert_eq!((&done["state"], &done["ended"]["by"]), (&json!("ended"), &json!(admin.person.account)));
    terminal.get("/api/v1/me").await.expect(401);
    half.get("/api/v1/session").await.expect(401);
    assert_eq!(ended(&house, "workstation_ended"), 1, "the full one; the other is no event");
    admin.browser.get("/api/v1/me").await.expect(200);
    let follower = other.clone();
    tokio::task::spawn_blocking(move || follower.catch_up()).await.expect("runs").expect("follows");
    assert!(sessions::identify(&other, &token, None).await.expect("answers").is_none());

    let code = text(&spare["code"]);
    terminal.submit("/workstation", &[("code", &code)]).await.expect(422);
    house.sign_in(&mut terminal, &ada).await;
    assert_eq!(limits(&mut terminal).await, (Duration::minutes(30), Duration::hours(12)));
    assert!(terminal.cookies.contains_key(DEVICE));
    assert!(!terminal.get("/").await.expect(200).body.contains("Next person"));

    for refused in [
        admin.browser.delete(&path, json!({})).await,
        admin.browser.patch(&path, json!({ "name": "Another" })).await,
        admin.browser.post(&format!("{path}/code"), json!({})).await,
    ] {
        assert_eq!(refused.expect(409).json()["type"], "/problems/workstation-ended");
    }
    assert_eq!(changes(&house), ["registered", "in_use", "code_made", "ended"]);
}

#[actix_web::test]
async fn another_browser_takes_the_place_of_the_one_before() {
    let house = House::new();
    let (mut admin, mut terminal, path) = packing_table(&house).await;
    let ada = house.enrolled(&mut house.browser().await, "ada", &[]).await;
    house.sign_in(&mut terminal, &ada).await;
    let code = admin.browser.post(&format!("{path}/code"), json!({})).await.expect(200).json();
    terminal.get("/api/v1/me").await.expect(200);
    let mut second = terminal.other();
    become_it(&mut second, &text(&code["code"])).await;
    terminal.get("/api/v1/me").await.expect(401);
    assert_eq!(ended(&house, "workstation_moved"), 1);
    assert!(!terminal.get("/sign-in").await.expect(200).body.contains("Packing table 3"));
    assert!(second.get("/sign-in").await.expect(200).body.contains("Packing table 3"));
    house.sign_in(&mut terminal, &ada).await;
    assert_eq!(limits(&mut terminal).await.0, Duration::minutes(30), "an ordinary browser again");
}

#[actix_web::test]
async fn codes_that_are_forged_late_replaced_or_of_another_kind_make_nothing_of_a_browser() {
    let house = House::new();
    let mut admin = house.member("priya.raman", &["bailiwick/administrator"]).await;
    let (old, path) = registered(&mut admin, "Packing table 3").await;
    let (other, _) = registered(&mut admin, "Packing table 4").await;
    let newer = admin.browser.post(&format!("{path}/code"), json!({})).await.expect(200).json();
    let newer = text(&newer["code"]);
    let pnaka = house.person("pnaka", None).await;
    let pass = house.done(move |tx| links::make(tx, Purpose::Pass, Some(&pnaka))).await.token;
    let (_, enrolment) = house.invite("vokoro", &[]).await;
    let long = "a".repeat(60_000);
    let mut terminal = admin.browser.other();
    for wrong in [
        "",
        "short",
        "aaaa-aaaa-aaaa-aaaa",
        &old,
        &pass,
        &enrolment,
        "ａａａａａａａａａａａａａａａａ",
        &long,
    ] {
        let reply = terminal.submit("/workstation", &[("code", wrong)]).await;
        assert_eq!(reply.status, 422, "{wrong}: {}", reply.body);
        assert!(!reply.body.contains(wrong) || wrong.is_empty(), "what was typed does not come back");
    }
    terminal.get(&format!("/workstation/{pass}")).await.expect(404);
    let mut foreign = terminal.from_origin(Some("https://evil.example"));
    foreign.submit("/workstation", &[("code", &newer)]).await.expect(403);
    assert!(terminal.cookies.is_empty());
    // One workstation's new code leaves another's alone, and using one does too.
    become_it(&mut terminal, &newer).await;
    become_it(&mut terminal.other(), &other).await;

    let (late, _) = registered(&mut admin, "Packing table 5").await;
    house.advance(Duration::hours(24));
    let mut terminal = admin.browser.other();
    terminal.submit("/workstation", &[("code", &late)]).await.expect(422);
    terminal.get(&format!("/workstation/{}", late.replace('-', ""))).await.expect(404);
    // Who guesses has to wait.
    let mut refused = 0;
    for _ in 0..40 {
        let reply = terminal.submit("/workstation", &[("code", "aaaa-aaaa-aaaa-aaaa")]).await;
        refused += usize::from(reply.status == 429);
    }
    assert!(refused > 10, "{refused} were told to wait");
}

#[actix_web::test]
async fn of_many_terminals_with_one_code_one_becomes_the_workstation() {
    let house = House::new();
    let mut admin = house.member("priya.raman", &["bailiwick/administrator"]).await;
    let (code, path) = registered(&mut admin, "Packing table 3").await;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (app, code) = (house.app.clone(), bailiwick::signin::hasher::Secret::new(code.as_str()));
        calls.spawn(async move {
            let visitor = bailiwick::signin::Visitor::default();
            let nobody = bailiwick::caller::Caller::nobody();
            let taken = app.write(&nobody, move |tx| workstations::take(tx, &code, &visitor, None)).await;
            taken.ok().map(|done| done.value.1.expose().to_owned())
        });
    }
    let mut taken: Vec<String> = calls.join_all().await.into_iter().flatten().collect();
    assert_eq!(taken.len(), 1);
    let mut terminal = admin.browser.other();
    terminal.cookies.insert(COOKIE.to_owned(), taken.remove(0));
    assert!(terminal.get("/sign-in").await.expect(200).body.contains("Packing table 3"));
    assert_eq!(admin.browser.get(&path).await.expect(200).json()["state"], "in_use");
    assert_eq!(changes(&house), ["registered", "in_use"]);
}

#[actix_web::test]
async fn a_stolen_cookie_gives_nothing_but_stricter_limits() {
    let house = House::new();
    let (_, mut terminal, _) = packing_table(&house).await;
    let mut home = house.browser().await;
    let ada = house.enrolled(&mut home, "ada", &[]).await;
    house.sign_in(&mut terminal, &ada).await;
    let mut thief = terminal.other().from_address("192.0.2.9");
    thief.cookies.insert(COOKIE.to_owned(), terminal.cookies[COOKIE].clone());
    for (path, status) in [
        ("/api/v1/me", 401),
        ("/api/v1/session", 401),
        ("/api/v1/workstations", 401),
        ("/", 303),
        ("/workstations", 303),
    ] {
        thief.get(path).await.expect(status);
    }
    thief.submit("/next-person", &[]).await.expect(303);
    terminal.get("/api/v1/me").await.expect(200);

    // With a password and a code of their own they are in for as long as everybody there, and no longer known.
    let mut own = thief.other();
    let eve = house.enrolled(&mut own, "eve", &[]).await;
    house.sign_in(&mut thief, &eve).await;
    assert_eq!(limits(&mut thief).await, (Duration::minutes(2), Duration::hours(9)));
    assert!(!thief.cookies.contains_key(DEVICE));
    // With what they have of somebody else's they are in too, but not unseen: that person is told.
    let told = entered(&house);
    house.sign_in(&mut thief, &ada).await;
    assert_eq!(entered(&house), told, "ada was on it within the month");
    let vok = house.enrolled(&mut house.browser().await, "vokoro", &[]).await;
    house.sign_in(&mut thief, &vok).await;
    assert_eq!(entered(&house), told + 1);

    // One that nobody made is none at all.
    for forged in
        ["A".repeat(43), "short".to_owned(), "B".repeat(4_000), terminal.cookies[COOKIE].to_lowercase()]
    {
        let mut browser = thief.other();
        browser.cookies.insert(COOKIE.to_owned(), forged);
        house.sign_in(&mut browser, &eve).await;
        assert_eq!(limits(&mut browser).await, (Duration::minutes(30), Duration::hours(12)));
        assert!(browser.cookies.contains_key(DEVICE));
    }
}

#[actix_web::test]
async fn who_deletes_the_cookie_has_an_ordinary_browser_but_not_in_a_session_that_is_open() {
    let house = House::new();
    let (_, mut terminal, _) = packing_table(&house).await;
    let ada = house.enrolled(&mut house.browser().await, "ada", &[]).await;
    house.sign_in(&mut terminal, &ada).await;
    terminal.cookies.remove(COOKIE);
    assert!(terminal.get("/").await.expect(200).body.contains("Next person"));
    let code = house.next_code(&ada.secret);
    let proof = json!({ "password": PASSWORD, "code": code });
    terminal.post("/api/v1/me/proof", proof).await.expect(200);
    assert_eq!(
        limits(&mut terminal).await,
        (Duration::minutes(2), Duration::hours(9)),
        "renewed, and no longer"
    );
    house.sign_in(&mut terminal, &ada).await;
    assert_eq!(limits(&mut terminal).await.0, Duration::minutes(30));
}

#[actix_web::test]
async fn the_cookie_is_renewed_before_the_sign_in_and_only_while_it_counts() {
    let house = House::new();
    let (mut admin, mut terminal, path) = packing_table(&house).await;
    let renewed = |reply: &crate::support::Reply| {
        let set: Vec<_> =
            reply.headers.get_all("set-cookie").filter_map(|value| value.to_str().ok()).collect();
        set.iter().any(|cookie| cookie.starts_with(COOKIE) && cookie.contains("Max-Age=34560000"))
    };
    let before = terminal.cookies[COOKIE].clone();
    assert!(renewed(&terminal.get("/sign-in").await.expect(200)));
    assert_eq!(terminal.cookies[COOKIE], before);
    assert!(!renewed(&admin.browser.other().get("/sign-in").await.expect(200)));
    admin.browser.delete(&path, json!({})).await.expect(200);
    assert!(!renewed(&terminal.get("/sign-in").await.expect(200)));
}

#[actix_web::test]
async fn one_sees_by_its_name_where_one_is_signed_in() {
    let house = House::new();
    let (mut admin, mut terminal, path) = packing_table(&house).await;
    let mut home = house.browser().await;
    let ada = house.enrolled(&mut home, "ada", &[]).await;
    house.sign_in(&mut terminal, &ada).await;
    let list = home.get("/api/v1/me/sessions").await.expect(200).json();
    let names: Vec<_> =
        list["items"].as_array().expect("items").iter().map(|one| &one["workstation"]).collect();
    assert_eq!(names, [&json!("Packing table 3"), &json!(null)]);
    let id = path.rsplit('/').next().expect("an id");
    assert_eq!(session(&mut terminal).await["workstation"], id);
    admin.browser.patch(&path, json!({ "name": "Packing table 7" })).await.expect(200);
    for path in ["/me/security", "/"] {
        let page = home.get(path).await.expect(200).body;
        assert!(page.contains("Packing table 7") && !page.contains("Packing table 3"), "{path}: {page}");
    }
    assert!(terminal.get("/").await.expect(200).body.contains("Next person"));
    let used = admin.browser.get(&path).await.expect(200).json();
    assert_eq!(used["used_on"], "2026-11-23T00:00:00Z", "the day, and nothing more exact");
}

#[actix_web::test]
async fn whose_mailbox_is_known_hears_of_the_first_sign_in_there_and_by_its_name() {
    let server = MailServer::start(Offers::StartTls);
    let house = crate::mail::house_with(server.settings());
    let (_, mut terminal, _) = packing_table(&house).await;
    let mut home = house.browser().await;
    let ada = house.enrolled(&mut home, "ada", &[]).await;
    crate::mail::set_email(&house, ada.account.clone(), "ada@firm.example").await;
    let already = mail_out(&house).await;
    server.take(already);
    house.sign_in(&mut terminal, &ada).await;
    assert_eq!(mail_out(&house).await, 1);
    let mail = server.next();
    assert_eq!(header(&mail, "Subject"), "A sign-in on a shared workstation");
    assert!(mail.to_string().contains("Packing table 3"), "{mail}");
    for _ in 0..2 {
        terminal.submit("/next-person", &[]).await.expect(303);
        house.sign_in(&mut terminal, &ada).await;
    }
    assert_eq!(mail_out(&house).await, 0, "not with each shift");
}

#[actix_web::test]
async fn by_the_company_s_provider_the_limits_are_the_same_and_the_provider_asks_anew() {
    let (house, provider) = House::with_provider("");
    house.with_address("ada", "ada@firm.example").await;
    let mut admin = house.member("priya.raman", &["bailiwick/administrator"]).await;
    let (code, _) = registered(&mut admin, "Packing table 3").await;
    let mut terminal = admin.browser.other();
    let away = terminal.get("/sign-in/with/firm").await.expect(303);
    assert!(!away.header("location").contains("prompt="));
    become_it(&mut terminal, &code).await;
    let away = terminal.get("/sign-in/with/firm").await.expect(303);
    assert!(away.header("location").contains("prompt=login"));
    let back = provider.authorize(away.header("location"), says("0815", "ada@firm.example"));
    signed_in_to(&terminal.get(&back).await, "/");
    assert_eq!(limits(&mut terminal).await, (Duration::minutes(2), Duration::hours(9)));
    let left = terminal.submit("/next-person", &[]).await.expect(303);
    assert_eq!(left.header("location"), "/signed-out/firm", "the provider may still know them");
    let mut home = admin.browser.other();
    signed_in_to(&through(&mut home, &provider, says("0815", "ada@firm.example")).await, "/");
    assert_eq!(limits(&mut home).await.0, Duration::minutes(30));

    // A provider that lets in whom it remembers, and says so, lets nobody in here.
    let mut remembered = says("0815", "ada@firm.example");
    for (minutes, status) in [(61, 403), (2, 403), (0, 303)] {
        remembered["auth_time"] = json!(house.now().minus(Duration::minutes(minutes)).seconds());
        let reply = through(&mut terminal, &provider, remembered.clone()).await.expect(status);
        assert_eq!(reply.body.contains("shared workstation"), status == 403, "{}", reply.body);
        terminal.submit("/next-person", &[]).await.expect(303);
    }
    remembered["auth_time"] = json!(house.now().minus(Duration::minutes(61)).seconds());
    signed_in_to(&through(&mut home.other(), &provider, remembered).await, "/");
}

#[actix_web::test]
async fn only_whoever_may_looks_after_them() {
    let house = House::new();
    let (mut admin, _, path) = packing_table(&house).await;
    let mut auditor = house.member("chloe.beaumont", &["bailiwick/auditor"]).await;
    let mut ada = house.member("ada", &[]).await;
    auditor.browser.get(ALL).await.expect(200);
    let page = auditor.browser.get("/workstations").await.expect(200).body;
    assert!(page.contains("Packing table 3") && !page.contains("Register and show the code"), "{page}");
    let id = path.rsplit('/').next().expect("an id").to_owned();
    for member in [&mut auditor, &mut ada] {
        member.browser.post(ALL, json!({ "name": "Mine" })).await.expect(403);
        member.browser.patch(&path, json!({ "name": "Mine" })).await.expect(403);
        member.browser.post(&format!("{path}/code"), json!({})).await.expect(403);
        member.browser.delete(&path, json!({})).await.expect(403);
        member.browser.submit("/workstations", &[("name", "Mine")]).await.expect(403);
        for act in ["name", "code", "end"] {
            member
                .browser
                .submit(&format!("/workstations/{id}/{act}"), &[("name", "Mine")])
                .await
                .expect(403);
        }
    }
    ada.browser.get(ALL).await.expect(403);
    ada.browser.get("/workstations").await.expect(403);
    assert_eq!(admin.browser.get(&path).await.expect(200).json()["state"], "in_use");
    assert_eq!(changes(&house), ["registered", "in_use"]);
}

#[actix_web::test]
async fn names_are_one_of_a_kind_and_lists_come_page_by_page() {
    let house = House::new();
    let (mut admin, _, path) = packing_table(&house).await;
    for (name, status) in [
        ("", 422),
        ("   ", 422),
        ("a\nb", 422),
        (&"x".repeat(61), 422),
        ("packing TABLE 3", 409),
        (&"ü".repeat(60), 201),
        ("Bay 4", 201),
    ] {
        admin.browser.post(ALL, json!({ "name": name })).await.expect(status);
    }
    admin.browser.patch(&path, json!({ "name": "bay 4" })).await.expect(409);
    admin.browser.patch(&path, json!({ "name": "PACKING table 3" })).await.expect(200);
    let first = admin.browser.get(&format!("{ALL}?limit=2")).await.expect(200).json();
    let next = text(&first["next"]);
    let rest = admin.browser.get(&format!("{ALL}?limit=2&cursor={next}")).await.expect(200).json();
    let names = |page: &Value| page["items"].as_array().expect("items").len();
    assert_eq!((names(&first), names(&rest), &rest["next"]), (2, 1, &json!(null)));
    assert_eq!(rest["items"][0]["name"], "PACKING table 3");
    admin.browser.get(&format!("{ALL}?cursor=x")).await.expect(422);
    admin.browser.get(&format!("{ALL}?view=x")).await.expect(422);
    admin.browser.delete(&path, json!({})).await.expect(200);
    let past = admin.browser.get(&format!("{ALL}?view=past")).await.expect(200).json();
    assert_eq!((names(&past), &past["items"][0]["state"]), (1, &json!("ended")));
    // The name of one that has ended is free.
    admin.browser.post(ALL, json!({ "name": "Packing table 3" })).await.expect(201);
}

#[actix_web::test]
async fn the_page_does_all_that_the_calls_do() {
    let house = House::new();
    let mut admin = house.member("priya.raman", &["bailiwick/administrator"]).await;
    assert!(admin.browser.get("/workstations").await.expect(200).body.contains("No shared workstation yet"));
    let page = admin.browser.submit("/workstations", &[("name", "Packing table 3")]).await.expect(200).body;
    let code = page.split("Type this code: <code class=\"link\">").nth(1).and_then(|rest| rest.get(..19));
    let mut terminal = admin.browser.other();
    become_it(&mut terminal, code.expect("a code")).await;
    let found = admin.browser.get(ALL).await.expect(200).json();
    let id = text(&found["items"][0]["id"]);
    let taken = admin.browser.submit("/workstations", &[("name", "Packing table 3")]).await.expect(409);
    assert!(taken.body.contains("Another workstation has this name."), "{}", taken.body);
    admin.browser.submit("/workstations", &[("name", "")]).await.expect(422);
    admin.browser.submit(&format!("/workstations/{id}/name"), &[("name", "")]).await.expect(422);
    admin.browser.submit(&format!("/workstations/{id}/name"), &[("name", "Bay 4")]).await.expect(303);
    assert!(terminal.get("/sign-in").await.expect(200).body.contains("Bay 4"));
    admin.browser.submit(&format!("/workstations/{id}/code"), &[]).await.expect(200);
    admin.browser.submit(&format!("/workstations/{id}/end"), &[]).await.expect(303);
    admin.browser.submit(&format!("/workstations/{id}/end"), &[]).await.expect(409);
    let past = admin.browser.get("/workstations?view=past").await.expect(200).body;
    assert!(past.contains("Bay 4") && past.contains("ended"), "{past}");
    let log = admin.browser.get("/log").await.expect(200).body;
    assert!(log.contains("registered a shared workstation"), "{log}");
}
