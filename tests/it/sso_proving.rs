//! A fresh proof at the provider, for what wants one: shown anew, by whoever is signed in, with more than one factor.

use bailiwick::ids::AccountId;
use chrono::Duration;
use serde_json::{Value, json};

use crate::support::hostile_provider::{HostileProvider, form};
use crate::support::sso::{says, signed_in_to, through, with};
use crate::support::{Browser, House};

const ADDRESS: &str = "ada@firm.example";
const PROVE: &str = "/prove/with/firm?next=/me/security";

/// Ada, who has nothing but the provider, signed in by it an hour ago.
async fn signed_in() -> (House, HostileProvider, AccountId, Browser) {
    let (house, provider) = House::with_provider("");
    let ada = house.with_address("ada", ADDRESS).await;
    let mut browser = house.browser().await;
    let shown = with(says("0815", ADDRESS), json!({ "auth_time": house.now().seconds() }));
    signed_in_to(&through(&mut browser, &provider, shown).await, "/");
    house.advance(Duration::minutes(20));
    (house, provider, ada, browser)
}

async fn proved_at(browser: &mut Browser) -> Value {
    browser.get("/api/v1/me").await.expect(200).json()["proved_at"].clone()
}

/// Goes there for a proof and comes back.
async fn proves(browser: &mut Browser, provider: &HostileProvider, says: Value) -> crate::support::Reply {
    let away = browser.get(PROVE).await.expect(303);
    let back = provider.authorize(away.header("location"), says);
    browser.get(&back).await
}

/// What the provider says of her now, who showed it at that second.
fn shown(at: i64) -> Value {
    with(says("0815", ADDRESS), json!({ "auth_time": at }))
}

#[actix_web::test]
async fn whoever_has_no_factor_here_proves_it_where_they_have_one() {
    let (house, provider, _ada, mut browser) = signed_in().await;
    let page = browser.get("/prove?next=/me/security").await.expect(200).body;
    assert!(page.contains("Prove it at The firm"), "{page}");
    let away = browser.get(PROVE).await.expect(303);
    let asked = form(away.header("location").split_once('?').expect("a question").1);
    assert_eq!((asked["prompt"].as_str(), asked["max_age"].as_str()), ("login", "0"));
    house.advance(Duration::minutes(2));
    let before = browser.clone();
    let back = provider.authorize(away.header("location"), shown(house.now().seconds()));
    signed_in_to(&browser.get(&back).await, "/me/security");
    assert_eq!(proved_at(&mut browser).await.as_str(), Some(house.now().to_string().as_str()));
    // The session is another one, and goes back to the provider as before.
    before.clone().get("/api/v1/me").await.expect(401);
    browser.post("/api/v1/me/totp", json!({})).await.expect(200);
    let mut there = house.browser().await.from_origin(None);
    let word = provider.logout_token(json!({ "sid": "of 0815" }));
    let path = "/api/v1/identity-providers/firm/logout";
    there.submit(path, &[("logout_token", &word)]).await.expect(200);
    browser.get("/api/v1/me").await.expect(401);
    // A sign-in asks for nothing anew.
    let away = browser.get("/sign-in/with/firm").await.expect(303);
    assert!(!away.header("location").contains("max_age"));
}

#[actix_web::test]
async fn what_is_no_proof_renews_nothing() {
    let (house, provider, _ada, mut browser) = signed_in().await;
    house.with_address("eve", "eve@firm.example").await;
    signed_in_to(&through(&mut house.browser().await, &provider, says("666", "eve@firm.example")).await, "/");
    browser.cookies.clear();
    signed_in_to(&through(&mut browser, &provider, says("0815", ADDRESS)).await, "/");
    let (before, session) = (proved_at(&mut browser).await, browser.cookies["__Host-session"].clone());
    let now = house.now().seconds();
    for (claims, cause) in [
        (json!({ "auth_time": null }), "proof_old"),
        (json!({ "auth_time": now - 61 }), "proof_old"),
        (json!({ "auth_time": now - 16 * 60 }), "proof_old"),
        (json!({ "auth_time": now + 62 }), "proof_old"),
        (json!({ "auth_time": "now" }), "token_unreadable"),
        (json!({ "auth_time": i64::MAX }), "token_unreadable"),
        (json!({ "sub": "666" }), "other_subject"),
        (json!({ "sub": "of nobody" }), "other_subject"),
        (json!({ "amr": ["pwd"] }), "factor_missing"),
        (json!({ "amr": null }), "factor_missing"),
        (json!({ "nonce": "another" }), "nonce_wrong"),
    ] {
        browser = browser.from_address(&format!("10.9.0.{}", 1 + house.sso_refusals().len()));
        let reply = proves(&mut browser, &provider, with(shown(now), claims.clone())).await;
        assert_eq!(reply.status, 403, "{claims} {}", reply.body);
        assert!(reply.body.contains("This does not show that it is you"), "{}", reply.body);
        assert_eq!(house.sso_refusals().last().map(String::as_str), Some(cause), "{claims}");
        assert_eq!(browser.cookies["__Host-session"], session);
    }
    assert_eq!(proved_at(&mut browser).await, before);
    browser.post("/api/v1/me/totp", json!({})).await.expect(403);
    // Clocks may be a minute apart.
    let reply = proves(&mut browser, &provider, shown(now - 60)).await;
    signed_in_to(&reply, "/me/security");
    browser.post("/api/v1/me/totp", json!({})).await.expect(200);
}

#[actix_web::test]
async fn a_proof_is_for_the_session_that_asked_and_counts_once() {
    let (house, provider, ada, mut browser) = signed_in().await;
    let mut other = browser.clone();
    // Another session of hers in the same browser.
    other.cookies.remove("__Host-session");
    let old = with(says("0815", ADDRESS), json!({ "auth_time": house.now().seconds() - 3_600 }));
    signed_in_to(&through(&mut other, &provider, old).await, "/");
    let away = browser.get(PROVE).await.expect(303);
    let back = provider.authorize(away.header("location"), shown(house.now().seconds()));
    other.get(&back).await.expect(403);
    assert_eq!(house.sso_refusals(), ["session_over"]);
    other.post("/api/v1/me/totp", json!({})).await.expect(403);
    // Brought again by whom it was for: it was used.
    browser.get(&back).await.expect(400);
    assert_eq!(house.sso_refusals(), ["session_over", "replayed"]);
    // By a browser that is signed in nowhere, and by one that did not ask.
    let away = browser.get(PROVE).await.expect(303);
    let back = provider.authorize(away.header("location"), shown(house.now().seconds()));
    house.browser().await.get(&back).await.expect(400);
    signed_in_to(&browser.get(&back).await, "/me/security");
    let reply = browser.get(&back).await.expect(400);
    assert!(!reply.headers.contains_key("set-cookie"));
    // What was begun before the session ended is for nobody.
    let away = browser.get(PROVE).await.expect(303);
    let back = provider.authorize(away.header("location"), shown(house.now().seconds()));
    house.done(move |tx| bailiwick::signin::sessions::end_all(tx, &ada, None, "left")).await;
    browser.get(&back).await.expect(403);
    assert!(browser.get("/api/v1/me").await.status == 401);
}

#[actix_web::test]
async fn only_a_provider_that_knows_somebody_and_can_say_so_is_offered() {
    let (mut house, provider) = House::with_provider("");
    let mut pnaka = house.member("pnaka", &[]).await;
    let offers =
        async |browser: &mut Browser| browser.get("/prove").await.expect(200).body.contains("Prove it at");
    assert!(!offers(&mut pnaka.browser).await);
    pnaka.browser.get(PROVE).await.expect(404);
    pnaka.browser.get("/prove/with/nobody").await.expect(404);
    house.browser().await.get(PROVE).await.expect(303);
    house.give_address(&pnaka.id(), ADDRESS).await;
    let mut gate = house.browser().await;
    signed_in_to(&through(&mut gate, &provider, says("0815", ADDRESS)).await, "/sign-in/totp");
    // Half way in is not in.
    assert_ne!(gate.get(PROVE).await.header("location").split('?').next(), Some(provider.issuer().as_str()));
    house.back_again(&mut pnaka).await;
    assert!(offers(&mut pnaka.browser).await);
    let without = house.settings("firm", &provider, "").replace("mfa_amr = [\"mfa\"]", "");
    house.know(&without);
    let mut again = house.browser().await;
    house.sign_in(&mut again, &pnaka.person).await;
    assert!(!offers(&mut again).await);
    again.get(PROVE).await.expect(404);
}
