//! Signing out here and there. A provider's word that somebody signed out there ends the sessions that go back to it, once,
//! and only if it is right.

use bailiwick::log::event::Change;
use bailiwick::signin::sessions;
use serde_json::{Value, json};

use crate::support::hostile_provider::{HostileProvider, Signed};
use crate::support::sso::{says, signed_in_to, through, with};
use crate::support::{Browser, House};

const ADDRESS: &str = "ada@firm.example";
const LOGOUT: &str = "/api/v1/identity-providers/firm/logout";

/// Two browsers of Ada's, in two sessions of the provider.
async fn two_sessions(house: &House, provider: &HostileProvider) -> (Browser, Browser) {
    let (mut one, mut two) = (house.browser().await, house.browser().await);
    signed_in_to(&through(&mut one, provider, says("0815", ADDRESS)).await, "/");
    let mut other = says("0815", ADDRESS);
    other["sid"] = json!("another");
    signed_in_to(&through(&mut two, provider, other).await, "/");
    (one, two)
}

async fn tell(house: &House, token: &str) -> u16 {
    let mut provider = house.browser().await.from_origin(None);
    provider.submit(LOGOUT, &[("logout_token", token)]).await.status
}

async fn lives(browser: &mut Browser) -> bool {
    browser.get("/api/v1/me").await.status == 200
}

#[actix_web::test]
async fn a_session_that_ended_there_ends_here() {
    let (house, provider) = House::with_provider("");
    house.with_address("ada", ADDRESS).await;
    let (mut one, mut two) = two_sessions(&house, &provider).await;
    assert_eq!(tell(&house, &provider.logout_token(json!({ "sid": "of 0815" }))).await, 200);
    assert_eq!((lives(&mut one).await, lives(&mut two).await), (false, true));
    let caused = house.all_events().into_iter().any(
        |event| matches!(event.change, Change::SessionEnded { cause, .. } if cause == "signed_out_at_provider"),
    );
    assert!(caused);
    let both = json!({ "sub": "0815", "sid": "another" });
    assert_eq!(tell(&house, &provider.logout_token(both)).await, 200);
    assert!(!lives(&mut two).await);
}

#[actix_web::test]
async fn a_subject_that_signed_out_everywhere_is_out_here_and_nobody_else_is() {
    let (house, provider) = House::with_provider("");
    house.with_address("ada", ADDRESS).await;
    house.with_address("ben", "ben@firm.example").await;
    let (mut one, mut two) = two_sessions(&house, &provider).await;
    let (mut ben, mut by_password) = (house.browser().await, house.browser().await);
    signed_in_to(&through(&mut ben, &provider, says("0816", "ben@firm.example")).await, "/");
    house.enrolled(&mut by_password, "pnaka", &[]).await;
    // Of a subject that is not known, and of a session that is somebody else's: right, and nothing to do.
    assert_eq!(tell(&house, &provider.logout_token(json!({ "sub": "nobody" }))).await, 200);
    assert_eq!(tell(&house, &provider.logout_token(json!({ "sub": "0816", "sid": "another" }))).await, 200);
    assert!(lives(&mut one).await && lives(&mut two).await && lives(&mut ben).await);
    assert_eq!(tell(&house, &provider.logout_token(json!({ "sub": "0815" }))).await, 200);
    assert!(!lives(&mut one).await && !lives(&mut two).await);
    assert!(lives(&mut ben).await && lives(&mut by_password).await);
}

/// OpenID Connect Back-Channel Logout 1.0, 2.6 and 2.7: of a sign-in whose session there nobody named, a word about one
/// session of the subject may mean it.
#[actix_web::test]
async fn a_sign_in_without_a_session_of_the_provider_s_ends_with_any_of_its_subject() {
    let (house, provider) = House::with_provider("");
    house.with_address("ada", ADDRESS).await;
    house.with_address("ben", "ben@firm.example").await;
    let nameless = |subject: &str, address: &str| with(says(subject, address), json!({ "sid": null }));
    let (mut named, mut ada, mut ben) = (house.browser().await, house.browser().await, house.browser().await);
    signed_in_to(&through(&mut named, &provider, says("0815", ADDRESS)).await, "/");
    signed_in_to(&through(&mut ada, &provider, nameless("0815", ADDRESS)).await, "/");
    signed_in_to(&through(&mut ben, &provider, nameless("0816", "ben@firm.example")).await, "/");
    // By the session alone: none that is known.
    assert_eq!(tell(&house, &provider.logout_token(json!({ "sid": "another" }))).await, 200);
    assert!(lives(&mut named).await && lives(&mut ada).await && lives(&mut ben).await);
    // By both: hers that may be meant, not hers that is another, and nobody else's.
    assert_eq!(tell(&house, &provider.logout_token(json!({ "sub": "0815", "sid": "another" }))).await, 200);
    assert!(lives(&mut named).await && !lives(&mut ada).await && lives(&mut ben).await);
    // By the subject alone: all of his.
    assert_eq!(tell(&house, &provider.logout_token(json!({ "sub": "0816" }))).await, 200);
    assert!(lives(&mut named).await && !lives(&mut ben).await);
}

#[actix_web::test]
async fn a_session_that_is_half_way_in_ends_too() {
    let (house, provider) = House::with_provider("");
    let mut browser = house.browser().await;
    let person = house.enrolled_with_address(&mut browser, ("pnaka", ADDRESS), &[]).await;
    house.sign_in(&mut browser, &person).await;
    let one_factor =
        |sid: &str| json!({ "sub": "0815", "email": ADDRESS, "email_verified": true, "sid": sid });
    let mut gate = browser.other();
    signed_in_to(&through(&mut gate, &provider, one_factor("a")).await, "/sign-in/totp");
    assert_eq!(tell(&house, &provider.logout_token(json!({ "sid": "a" }))).await, 200);
    let code = house.next_code(&person.secret);
    gate.post("/api/v1/signin/totp", json!({ "code": code })).await.expect(401);
    // And one that was completed here goes back to the provider all the same.
    signed_in_to(&through(&mut gate, &provider, one_factor("b")).await, "/sign-in/totp");
    let code = house.next_code(&person.secret);
    gate.post("/api/v1/signin/totp", json!({ "code": code })).await.expect(200);
    assert_eq!(tell(&house, &provider.logout_token(json!({ "sid": "b" }))).await, 200);
    assert!(!lives(&mut gate).await);
    assert!(lives(&mut browser).await);
}

#[actix_web::test]
async fn a_word_to_sign_out_is_obeyed_once() {
    let (house, provider) = House::with_provider("");
    house.with_address("ada", ADDRESS).await;
    let (mut one, _) = two_sessions(&house, &provider).await;
    let token = provider.logout_token(json!({ "sub": "0815" }));
    assert_eq!(tell(&house, &token).await, 200);
    assert!(!lives(&mut one).await);
    signed_in_to(&through(&mut one, &provider, says("0815", ADDRESS)).await, "/");
    assert_eq!(tell(&house, &token).await, 400);
    assert!(lives(&mut one).await);
    // It is remembered for as long as it would count.
    house.advance(chrono::Duration::minutes(9));
    house.run_job("sso.tidy").await;
    assert_eq!(tell(&house, &token).await, 400);
}

#[actix_web::test]
async fn a_word_that_is_not_right_ends_nothing() {
    let (house, provider) = House::with_provider("");
    house.with_address("ada", ADDRESS).await;
    let (mut one, mut two) = two_sessions(&house, &provider).await;
    let now = house.now().seconds();
    let right = json!({ "sub": "0815" });
    let mut tokens: Vec<(String, String)> = Vec::new();
    for signed in [
        Signed::Not,
        Signed::Emptily,
        Signed::ByAnother,
        Signed::ByUnknown,
        Signed::Shortly,
        Signed::WithThePublicKey,
        Signed::WithTheSecret,
    ] {
        provider.ways().signed = signed;
        tokens.push((format!("{signed:?}"), provider.logout_token(right.clone())));
    }
    provider.ways().signed = Signed::Rightly;
    for other in [
        json!({ "iss": "https://evil.example" }),
        json!({ "aud": "another" }),
        json!({ "aud": ["bailiwick", "another"] }),
        json!({ "aud": null }),
        json!({ "iat": null }),
        json!({ "iat": now - 700 }),
        json!({ "iat": now + 90 }),
        json!({ "iat": i64::MIN }),
        json!({ "exp": now - 61 }),
        json!({ "exp": "never" }),
        json!({ "jti": null }),
        json!({ "jti": "" }),
        json!({ "events": null }),
        json!({ "events": { "another": {} } }),
        json!({ "events": { "http://schemas.openid.net/event/backchannel-logout": true } }),
        json!({ "nonce": "n" }),
        json!({ "sub": null }),
        json!({ "sub": "" }),
        json!({ "sub": 5 }),
    ] {
        let mut says = right.clone();
        says.as_object_mut().expect("an object").extend(other.as_object().expect("an object").clone());
        tokens.push((other.to_string(), provider.logout_token(says)));
    }
    for text in ["", "a", "a.b.c", "..", "a.b.c.d", &"x".repeat(70_000)] {
        tokens.push((text.chars().take(9).collect(), text.to_owned()));
    }
    for (what, token) in &tokens {
        let wanted = if token.len() > 65_536 { 413 } else { 400 };
        assert_eq!(tell(&house, token).await, wanted, "{what}");
    }
    assert!(lives(&mut one).await && lives(&mut two).await);
    let mut stranger = house.browser().await.from_origin(None);
    stranger.submit("/api/v1/identity-providers/nobody/logout", &[("logout_token", "a")]).await.expect(404);
    assert_eq!(stranger.submit(LOGOUT, &[("other", "a")]).await.status, 400);
    assert_eq!(stranger.post(LOGOUT, Value::Null).await.status, 415);
}

#[actix_web::test]
async fn signing_out_offers_to_sign_out_there_too() {
    let (house, provider) = House::with_provider("");
    house.with_address("ada", ADDRESS).await;
    let mut browser = house.browser().await;
    signed_in_to(&through(&mut browser, &provider, says("0815", ADDRESS)).await, "/");
    let reply = browser.submit("/sign-out", &[]).await;
    signed_in_to(&reply, "/signed-out/firm");
    browser.get("/api/v1/me").await.expect(401);
    let page = browser.get("/signed-out/firm").await.expect(200).body;
    assert!(
        page.contains("/sign-out/with/firm") || page.contains("&#x2f;sign-out&#x2f;with&#x2f;firm"),
        "{page}"
    );
    let away = browser.get("/sign-out/with/firm").await.expect(303);
    let (address, query) = away.header("location").split_once('?').expect("a question");
    assert_eq!(address, format!("{}/end", provider.issuer()));
    let asked = crate::support::hostile_provider::form(query);
    assert_eq!(asked["post_logout_redirect_uri"], "https://localhost:8443/sign-in");
    for path in ["/sign-in/with/nobody", "/sign-in/at/nobody", "/signed-out/nobody", "/sign-out/with/nobody"]
    {
        browser.get(path).await.expect(404);
    }
}

#[actix_web::test]
async fn the_end_of_all_sessions_is_the_end_of_those_too() {
    let (house, provider) = House::with_provider("");
    let ada = house.with_address("ada", ADDRESS).await;
    let mut browser = house.browser().await;
    signed_in_to(&through(&mut browser, &provider, says("0815", ADDRESS)).await, "/");
    house.done(move |tx| sessions::end_all(tx, &ada, None, "left")).await;
    browser.get("/api/v1/me").await.expect(401);
}
