//! Taking somebody's subject at a provider away: with a fresh proof, where it matters by two people, and one's own never as
//! the last way in.

use bailiwick::accounts;
use bailiwick::ids::AccountId;
use bailiwick::log::event::Change;
use chrono::Duration;
use serde_json::{Value, json};

use crate::support::hostile_provider::HostileProvider;
use crate::support::sso::{says, signed_in_to, through, with};
use crate::support::{Browser, House, Member};

const ADDRESS: &str = "ada@firm.example";
const DESK: &[&str] = &["bailiwick/service-desk"];

/// A house in which Ada comes in by the provider; the browser that she came in with.
async fn linked() -> (House, HostileProvider, AccountId, Browser) {
    let (house, provider) = House::with_provider("");
    let ada = house.with_address("ada", ADDRESS).await;
    let mut browser = house.browser().await;
    signed_in_to(&through(&mut browser, &provider, says("0815", ADDRESS)).await, "/");
    (house, provider, ada, browser)
}

fn address(account: &AccountId) -> String {
    format!("/api/v1/accounts/{account}/identities")
}

async fn take_away(by: &mut Browser, account: &AccountId) -> crate::support::Reply {
    by.delete(&format!("{}/firm", address(account)), json!({})).await
}

async fn lives(browser: &mut Browser) -> bool {
    browser.get("/api/v1/me").await.status == 200
}

#[actix_web::test]
async fn a_subject_that_is_taken_away_opens_nothing_and_makes_room_for_the_next() {
    let (house, provider) = House::with_provider("");
    let ada = house.with_address("ada", ADDRESS).await;
    let mut desk = house.member("priya.raman", &["bailiwick/administrator"]).await;
    let mut browser = house.browser().await;
    signed_in_to(&through(&mut browser, &provider, says("0815", ADDRESS)).await, "/");
    through(&mut browser.other(), &provider, says("4711", ADDRESS)).await.expect(403);
    let address = format!("/api/v1/accounts/{ada}/identities");
    let listed = desk.browser.get(&address).await.expect(200).json();
    assert_eq!(
        (listed["items"][0]["provider"].as_str(), listed["items"][0]["linked_by"].as_str()),
        (Some("firm"), Some("address"))
    );
    browser.delete(&format!("{address}/firm"), json!({})).await.expect(403);
    desk.browser.delete(&format!("{address}/other"), json!({})).await.expect(404);
    desk.browser.delete(&format!("{address}/firm"), json!({})).await.expect(200);
    browser.get("/api/v1/me").await.expect(401);
    assert_eq!(desk.browser.get(&address).await.expect(200).json()["items"], json!([]));
    let name = format!("{}|0815", provider.issuer());
    let found = house.app.read_now(|reader| accounts::find_by_name(reader, &name)).expect("a look");
    assert!(found.is_none());
    let unknown = json!({ "sub": "0815", "amr": ["mfa"] });
    through(&mut browser.other(), &provider, unknown).await.expect(403);
    signed_in_to(&through(&mut browser.other(), &provider, says("4711", ADDRESS)).await, "/");
}

#[actix_web::test]
async fn it_wants_a_fresh_proof_of_a_person_who_is_somebody_else() {
    let (house, provider, ada, mut browser) = linked().await;
    let mut desk = house.member("karim.jensen", DESK).await;
    let robot = house.key("robot", &desk.id(), None, &["bailiwick/accounts:unlock"]).await;
    let mut robot = house.browser().await.with_key(&robot.token);
    let refused = take_away(&mut robot, &ada).await.expect(403).json();
    assert!(refused["type"].as_str().is_some_and(|kind| kind.ends_with("not-yours")), "{refused}");
    house.advance(Duration::minutes(15));
    let refused = take_away(&mut desk.browser, &ada).await.expect(403).json();
    assert!(refused["type"].as_str().is_some_and(|kind| kind.ends_with("proof-required")), "{refused}");
    assert!(lives(&mut browser).await);
    // The page leads to the proof; then it goes.
    let page = format!("/people/{ada}/identities/firm/removal");
    let led = desk.browser.submit(&page, &[]).await.expect(303);
    assert!(led.header("location").starts_with("/prove"), "{}", led.header("location"));
    house.back_again(&mut desk).await;
    // Nobody's own by this way, whatever they may do.
    let own = desk.id();
    house.give_address(&own, "karim@firm.example").await;
    let karim = json!({ "sub": "4711", "email": "karim@firm.example", "email_verified": true });
    let mut gate = house.browser().await;
    signed_in_to(&through(&mut gate, &provider, karim).await, "/sign-in/totp");
    let code = house.next_code(&desk.person.secret);
    signed_in_to(&gate.submit("/sign-in/totp", &[("code", &code)]).await, "/");
    let refused = take_away(&mut gate, &own).await.expect(403).json();
    assert!(refused["type"].as_str().is_some_and(|kind| kind.ends_with("own-account")), "{refused}");
    signed_in_to(&gate.submit(&page, &[]).await, &format!("/people/{ada}#identities"));
    assert!(!lives(&mut browser).await);
}

/// Whoever matters, and why: a role that guards personal data, a role of this house, people below them, an application.
#[actix_web::test]
async fn of_whoever_matters_it_takes_two_people() {
    let (house, provider) = House::with_provider("");
    let firm = house.firm().await;
    house.give(&firm.ada, "orders/address-reader", 30).await;
    house.give(&firm.ben, "bailiwick/auditor", 30).await;
    let mut desk = house.member("karim.jensen", DESK).await;
    let mut other = house.member("lucas.nemeth", DESK).await;
    for (number, account) in [&firm.ada, &firm.ben, &firm.mary, &firm.tomasz].into_iter().enumerate() {
        let mail = format!("number{number}@firm.example");
        house.give_address(account, &mail).await;
        let mut browser = house.browser().await;
        signed_in_to(&through(&mut browser, &provider, says(&format!("s{number}"), &mail)).await, "/");
        house.back_again(&mut desk).await;
        house.back_again(&mut other).await;
        let waits = take_away(&mut desk.browser, account).await.expect(202).json();
        assert_eq!(waits["state"], "waiting");
        let again = take_away(&mut desk.browser, account).await.expect(403).json();
        assert!(again["type"].as_str().is_some_and(|kind| kind.ends_with("second-person")), "{again}");
        let listed = desk.browser.get(&address(account)).await.expect(200).json();
        assert_eq!(listed["items"][0]["removal"]["asked_by"], desk.id().as_str());
        assert!(lives(&mut browser).await, "nothing has changed yet");
        let done = take_away(&mut other.browser, account).await.expect(200).json();
        assert_eq!(done["state"], "removed");
        assert!(!lives(&mut browser).await);
    }
    let asked =
        |event: &bailiwick::log::event::Event| matches!(event.change, Change::IdentityRemovalAsked { .. });
    assert_eq!(house.all_events().iter().filter(|event| asked(event)).count(), 4);
}

#[actix_web::test]
async fn what_nobody_agrees_to_within_a_day_is_asked_anew() {
    let (house, _provider, ada, mut browser) = linked().await;
    house.give(&ada, "bailiwick/auditor", 30).await;
    let mut desk = house.member("karim.jensen", DESK).await;
    let mut other = house.member("lucas.nemeth", DESK).await;
    take_away(&mut desk.browser, &ada).await.expect(202);
    house.advance(Duration::hours(24));
    house.back_again(&mut other).await;
    let listed = other.browser.get(&address(&ada)).await.expect(200).json();
    assert_eq!(listed["items"][0]["removal"], Value::Null);
    take_away(&mut other.browser, &ada).await.expect(202);
    house.back_again(&mut desk).await;
    let page = desk.browser.get(&format!("/people/{ada}")).await.expect(200).body;
    assert!(page.contains("Waits for a second person") && page.contains("Agree and take it away"), "{page}");
    take_away(&mut desk.browser, &ada).await.expect(200);
    assert!(!lives(&mut browser).await);
    let page = desk.browser.get(&format!("/people/{ada}")).await.expect(200).body;
    assert!(page.contains("Linked to none"), "{page}");
}

/// What the provider vouched for goes with it: whoever has no factor here has none.
#[actix_web::test]
async fn with_the_subject_goes_the_factor_that_the_provider_vouched_for() {
    let (house, provider, ada, _browser) = linked().await;
    let strong = |account: &AccountId| {
        house.app.read_now(|reader| accounts::find(reader, account)).expect("an account").strong_factor
    };
    let mut desk = house.member("karim.jensen", DESK).await;
    assert!(strong(&ada));
    take_away(&mut desk.browser, &ada).await.expect(200);
    assert!(!strong(&ada));
    signed_in_to(&through(&mut house.browser().await, &provider, says("0815", ADDRESS)).await, "/");
    assert!(strong(&ada), "shown there anew");
    // Whoever has one here keeps it.
    let mut gate = house.browser().await;
    let pnaka = house.enrolled_with_address(&mut gate, ("pnaka", "p@firm.example"), &[]).await;
    signed_in_to(&through(&mut gate, &provider, says("4711", "p@firm.example")).await, "/sign-in/totp");
    house.back_again(&mut desk).await;
    take_away(&mut desk.browser, &pnaka.account).await.expect(200);
    assert!(strong(&pnaka.account));
}

#[actix_web::test]
async fn one_s_own_goes_with_a_fresh_proof_while_something_else_lets_one_in() {
    let (house, provider) = House::with_provider("");
    let mut browser = house.browser().await;
    let person = house.enrolled_with_address(&mut browser, ("pnaka", ADDRESS), &[]).await;
    let mut pnaka = Member { browser, person };
    house.back_again(&mut pnaka).await;
    let page = pnaka.browser.get("/me/security").await.expect(200).body;
    assert!(page.contains("You are linked to none"), "{page}");
    let mut by_provider = house.browser().await;
    signed_in_to(&through(&mut by_provider, &provider, says("0815", ADDRESS)).await, "/sign-in/totp");
    let code = house.next_code(&pnaka.person.secret);
    signed_in_to(&by_provider.submit("/sign-in/totp", &[("code", &code)]).await, "/");
    let listed = pnaka.browser.get("/api/v1/me/identities").await.expect(200).json();
    assert_eq!(listed["items"][0]["provider"], "firm");
    let page = pnaka.browser.get("/me/security").await.expect(200).body;
    assert!(page.contains("The firm") && page.contains("Remove the link to The firm?"), "{page}");

    let path = "/me/security/identities/firm/removal";
    house.advance(Duration::minutes(15));
    let led = pnaka.browser.submit(path, &[]).await.expect(303);
    assert!(led.header("location").starts_with("/prove"), "{}", led.header("location"));
    pnaka.browser.delete("/api/v1/me/identities/firm", json!({})).await.expect(403);
    assert!(lives(&mut by_provider).await);
    house.back_again(&mut pnaka).await;
    pnaka.browser.delete("/api/v1/me/identities/other", json!({})).await.expect(404);
    signed_in_to(&pnaka.browser.submit(path, &[]).await, "/me/security?done=identity");
    assert!(lives(&mut pnaka.browser).await && !lives(&mut by_provider).await);
    assert_eq!(pnaka.browser.get("/api/v1/me/identities").await.expect(200).json()["items"], json!([]));
}

#[actix_web::test]
async fn the_last_way_in_stays() {
    let (house, provider, _ada, _browser) = linked().await;
    let now = house.now().seconds();
    let mut fresh = house.browser().await;
    let shown = with(says("0815", ADDRESS), json!({ "auth_time": now }));
    signed_in_to(&through(&mut fresh, &provider, shown).await, "/");
    let page = fresh.get("/me/security").await.expect(200).body;
    assert!(page.contains("Nothing else lets you in") && !page.contains("Remove the link"), "{page}");
    let refused = fresh.delete("/api/v1/me/identities/firm", json!({})).await.expect(409).json();
    assert!(refused["type"].as_str().is_some_and(|kind| kind.ends_with("last-factor")), "{refused}");
    let page = fresh.submit("/me/security/identities/firm/removal", &[]).await.expect(409).body;
    assert!(page.contains("Nothing else would let you in"), "{page}");
    assert!(lives(&mut fresh).await);

    // Nor where password and code are refused, since the domain signs in at the provider.
    let (house, provider) = House::with_provider("required_for = [\"firm.example\"]");
    let mut gate = house.browser().await;
    let person = house.enrolled_with_address(&mut gate, ("pnaka", ADDRESS), &[]).await;
    signed_in_to(&through(&mut gate, &provider, says("0815", ADDRESS)).await, "/sign-in/totp");
    let code = house.next_code(&person.secret);
    signed_in_to(&gate.submit("/sign-in/totp", &[("code", &code)]).await, "/");
    gate.delete("/api/v1/me/identities/firm", json!({})).await.expect(409);
    assert!(lives(&mut gate).await);
}
