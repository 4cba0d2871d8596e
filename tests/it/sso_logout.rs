//! A provider's word that somebody signed out there: ends the sessions that go back to it, once, and only if it is right.

use bailiwick::log::event::Change;
use serde_json::{Value, json};

use crate::support::hostile_provider::{HostileProvider, Signed};
use crate::support::sso::{says, signed_in_to, through};
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

#[actix_web::test]
async fn a_session_that_is_half_way_in_ends_too() {
    let (house, provider) = House::with_provider("");
    let mut browser = house.browser().await;
    let person = house.enrolled(&mut browser, "pnaka", &[]).await;
    let id = person.account.clone();
    let changes =
        bailiwick::accounts::Changes { email: Some(Some(ADDRESS.to_owned())), ..Default::default() };
    house.done(move |tx| bailiwick::accounts::change(tx, &id, &changes)).await;
    house.advance(chrono::Duration::days(1));
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
