//! What a hostile or broken provider sends, and what strangers send in its name: refused with an event, with nothing
//! else changed, and never with a fault of ours.

use serde_json::{Value, json};

use crate::support::hostile_provider::{HostileProvider, Signed};
use crate::support::sso::{says, signed_in_to, through};
use crate::support::{Browser, House, Reply};

const ADDRESS: &str = "ada@firm.example";

/// Goes there and comes back with what the provider answers now; nobody may come in.
async fn refused(house: &House, provider: &HostileProvider, says: Value) -> Reply {
    let mut browser = house.stranger().await;
    let reply = through(&mut browser, provider, says).await;
    assert!(!browser.cookies.contains_key("__Host-session"), "somebody is signed in");
    reply
}

/// Tries a token with these claims in place of the right ones; returns why it was refused.
async fn tried(house: &House, provider: &HostileProvider, signed: Signed, claims: Value) -> String {
    {
        let mut ways = provider.ways();
        ways.signed = signed;
        ways.claims = claims.as_object().expect("claims").clone();
    }
    let before = house.all_events().len();
    let reply = refused(house, provider, says("0815", ADDRESS)).await;
    assert_eq!(reply.status, 400, "{claims} {}", reply.body);
    let refusals = house.sso_refusals();
    assert_eq!(house.all_events().len(), before + 1, "the refusal is an event, and the only one");
    refusals.last().cloned().unwrap_or_default()
}

#[actix_web::test]
async fn a_token_that_is_not_signed_by_the_provider_s_key_opens_nothing() {
    let (house, provider) = House::with_provider("");
    house.with_address("ada", ADDRESS).await;
    for (signed, cause) in [
        (Signed::Not, "algorithm_refused"),
        (Signed::Emptily, "signature_wrong"),
        (Signed::ByAnother, "signature_wrong"),
        (Signed::ByUnknown, "key_unknown"),
        (Signed::Shortly, "signature_wrong"),
        (Signed::WithThePublicKey, "algorithm_refused"),
        (Signed::WithTheSecret, "algorithm_refused"),
    ] {
        assert_eq!(tried(&house, &provider, signed, json!({})).await, cause, "{signed:?}");
    }
}

#[actix_web::test]
async fn a_token_for_another_sign_in_opens_nothing() {
    let (house, provider) = House::with_provider("");
    house.with_address("ada", ADDRESS).await;
    let now = house.now().seconds();
    for (claims, cause) in [
        (json!({ "aud": "another" }), "audience_wrong"),
        (json!({ "aud": ["bailiwick", "another"] }), "audience_wrong"),
        (json!({ "aud": [] }), "audience_wrong"),
        (json!({ "azp": "another" }), "audience_wrong"),
        (json!({ "iss": "https://evil.example" }), "issuer_wrong"),
        (json!({ "iss": format!("{}/", provider.issuer()) }), "issuer_wrong"),
        (json!({ "nonce": "another" }), "nonce_wrong"),
        (json!({ "nonce": null }), "nonce_wrong"),
        (json!({ "iat": now - 200, "exp": now - 61 }), "time_wrong"),
        (json!({ "iat": now - 700, "exp": now + 300 }), "time_wrong"),
        (json!({ "iat": now + 62, "exp": now + 300 }), "time_wrong"),
        (json!({ "nbf": now + 62 }), "time_wrong"),
        (json!({ "at_hash": "AAAAAAAAAAAAAAAAAAAAAA" }), "tokens_differ"),
        (json!({ "sub": null }), "token_unreadable"),
        (json!({ "sub": "" }), "token_unreadable"),
        (json!({ "sub": "x".repeat(300) }), "token_unreadable"),
        (json!({ "exp": "soon" }), "token_unreadable"),
        (json!({ "exp": i64::MAX }), "token_unreadable"),
        (json!({ "sub": "x".repeat(70_000) }), "token_unreadable"),
        (json!({ "deep": deep(200) }), "token_unreadable"),
    ] {
        assert_eq!(tried(&house, &provider, Signed::Rightly, claims.clone()).await, cause, "{claims}");
    }
    // Two clocks may be a minute apart, either way.
    for claims in [json!({ "iat": now - 200, "exp": now - 50 }), json!({ "iat": now + 50, "nbf": now + 50 })]
    {
        provider.ways().claims = claims.as_object().expect("claims").clone();
        signed_in_to(&through(&mut house.browser().await, &provider, says("0815", ADDRESS)).await, "/");
    }
}

fn deep(levels: usize) -> Value {
    (0..levels).fold(json!(1), |inner, _| json!([inner]))
}

#[actix_web::test]
async fn no_header_of_the_browser_s_says_where_the_provider_sends_people_back_to() {
    let (house, _provider) = House::with_provider("");
    let request = actix_web::test::TestRequest::get()
        .uri("/sign-in/with/firm")
        .insert_header(("host", "evil.example"))
        .insert_header(("x-forwarded-host", "evil.example"));
    let away = house.browser().await.send(request).await.expect(303);
    let (_, query) = away.header("location").split_once('?').expect("a question");
    let asked = crate::support::hostile_provider::form(query);
    assert_eq!(asked["redirect_uri"], "https://localhost:8443/sign-in/with/firm/callback");
}

#[actix_web::test]
async fn a_callback_is_used_once_whoever_brings_it_again() {
    let (house, provider) = House::with_provider("");
    house.with_address("ada", ADDRESS).await;
    let mut browser = house.browser().await;
    let away = browser.get("/sign-in/with/firm").await.expect(303);
    let back = provider.authorize(away.header("location"), says("0815", ADDRESS));
    signed_in_to(&browser.get(&back).await, "/");
    let session = browser.cookies["__Host-session"].clone();
    for _ in 0..3 {
        browser.get(&back).await.expect(400);
    }
    assert_eq!(browser.cookies["__Host-session"], session);
    assert_eq!(house.sso_refusals(), ["replayed"], "one event, however often it comes");
}

#[actix_web::test]
async fn of_a_callback_brought_many_times_at_once_one_comes_in() {
    let (house, provider) = House::with_provider("");
    house.with_address("ada", ADDRESS).await;
    let mut browser = house.browser().await;
    let away = browser.get("/sign-in/with/firm").await.expect(303);
    let back = provider.authorize(away.header("location"), says("0815", ADDRESS));
    let mut all: Vec<Browser> = (0..12).map(|_| browser.clone()).collect();
    let calls = all.iter_mut().map(|browser| browser.get(&back));
    let statuses: Vec<u16> = together(calls).await.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 303 | 400)), "{statuses:?}");
}

async fn together(calls: impl Iterator<Item = impl Future<Output = Reply>>) -> Vec<Reply> {
    let mut calls: Vec<_> = calls.map(|call| (Box::pin(call), None)).collect();
    std::future::poll_fn(|context| {
        let mut all = true;
        for (call, reply) in &mut calls {
            if reply.is_none() {
                match call.as_mut().poll(context) {
                    std::task::Poll::Ready(done) => *reply = Some(done),
                    std::task::Poll::Pending => all = false,
                }
            }
        }
        if all { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    calls.into_iter().filter_map(|(_, reply)| reply).collect()
}

#[actix_web::test]
async fn one_provider_s_answer_is_not_taken_for_another_s() {
    let (mut house, honest) = House::with_provider("");
    house.with_address("ada", ADDRESS).await;
    let evil = HostileProvider::start(house.clock.clone());
    let settings = [
        house.settings("firm", &honest, "domains = [\"firm.example\"]"),
        house.settings("evil", &evil, "domains = [\"evil.example\"]"),
    ];
    let settings = settings.concat();
    house.know(&settings);
    let mut browser = house.browser().await;
    // Begun with the one, brought back by the address of the other.
    let away = browser.get("/sign-in/with/evil").await.expect(303);
    let back = evil.authorize(away.header("location"), says("0815", ADDRESS));
    browser.get(&back.replace("/with/evil/", "/with/firm/")).await.expect(400);
    // Its own address, with the name of the other, or with no name although it says that it names itself.
    for iss in ["&iss=https://evil.example", ""] {
        let away = browser.get("/sign-in/with/firm").await.expect(303);
        let back = honest.authorize(away.header("location"), says("0815", ADDRESS));
        let (without, _) = back.split_once("&iss=").expect("a name");
        browser.get(&format!("{without}{iss}")).await.expect(400);
    }
    assert!(!browser.cookies.contains_key("__Host-session"));
    assert_eq!(house.sso_refusals(), ["mixed_up", "issuer_wrong"], "what comes again is counted");
    assert!(!honest.ways().asked.contains(&"/token".to_owned()), "no code was sent to anybody");
    // The evil one signs for itself alone: the same subject there is somebody else.
    let away = browser.get("/sign-in/with/evil").await.expect(303);
    let back = evil.authorize(away.header("location"), says("0815", ADDRESS));
    browser.get(&back).await.expect(403);
}

#[actix_web::test]
async fn an_address_that_is_not_the_person_s_own_takes_nothing_over() {
    let (house, provider) = House::with_provider("create_accounts = true");
    house.with_address("ada", ADDRESS).await;
    house.with_address("eve", "ada@elsewhere.example").await;
    // What is neither yes nor no is no ID token at all.
    for (value, status) in [(json!(false), 403), (json!(null), 403), (json!("true"), 400), (json!(1), 400)] {
        let claims = json!({ "sub": "666", "email": ADDRESS, "email_verified": value, "amr": ["mfa"] });
        refused(&house, &provider, claims).await.expect(status);
    }
    for address in ["ada@elsewhere.example", "ada@firm.example.evil.example", "ada", "@firm.example"] {
        refused(&house, &provider, says("666", address)).await.expect(403);
    }
    let causes = house.sso_refusals();
    assert_eq!(causes[..4], ["nobody_known", "nobody_known", "token_unreadable", "token_unreadable"]);
    assert_eq!(causes[4..], ["nobody_known"; 4]);
}

#[actix_web::test]
async fn who_is_of_another_tenant_does_not_come_in() {
    let (house, provider) =
        House::with_provider("required_claims = { hd = \"firm.example\" }\ncreate_accounts = true");
    let mut mine = says("0815", "ada+new@firm.example");
    mine["given_name"] = json!("Ada");
    for other in [json!(null), json!("evil.example"), json!(["firm.example"])] {
        mine["hd"] = other;
        refused(&house, &provider, mine.clone()).await.expect(403);
    }
    assert_eq!(house.sso_refusals(), ["claim_missing"; 3]);
    mine["hd"] = json!("firm.example");
    signed_in_to(&through(&mut house.browser().await, &provider, mine).await, "/");
}

#[actix_web::test]
async fn a_second_subject_does_not_take_the_place_of_the_first() {
    let (house, provider) = House::with_provider("");
    house.with_address("ada", ADDRESS).await;
    signed_in_to(&through(&mut house.browser().await, &provider, says("Ab", ADDRESS)).await, "/");
    // Another subject with her address; also one that differs in a capital alone.
    for subject in ["666", "ab", "AB"] {
        refused(&house, &provider, says(subject, ADDRESS)).await.expect(403);
    }
    assert_eq!(house.sso_refusals(), ["other_subject"; 3]);
    // Her own subject by somebody else's invitation.
    let (_, token) = house.invite("pnaka", &[]).await;
    let mut browser = house.browser().await;
    let away = browser.get(&format!("/enrol/{token}/with/firm")).await.expect(303);
    let back = provider.authorize(away.header("location"), says("Ab", ADDRESS));
    browser.get(&back).await.expect(403);
    assert_eq!(house.sso_refusals().last().map(String::as_str), Some("other_subject"));
    browser.get(&format!("/enrol/{token}")).await.expect(200);
}

#[actix_web::test]
async fn a_subject_that_looks_like_somebody_s_username_is_nobody_s() {
    let (house, provider) = House::with_provider("");
    house.person("ada", None).await;
    refused(&house, &provider, json!({ "sub": "ada", "preferred_username": "ada", "amr": ["mfa"] }))
        .await
        .expect(403);
    assert_eq!(house.sso_refusals(), ["nobody_known"]);
}

#[actix_web::test]
async fn a_provider_that_does_not_answer_as_it_should_is_a_page_and_an_event() {
    const DISCOVERY: &str = "/.well-known/openid-configuration";
    type Change = fn(&HostileProvider);
    let cases: &[(&str, Change)] = &[
        ("too_slow", |provider| provider.ways().hangs_at = Some(DISCOVERY)),
        ("too_large", |provider| provider.ways().floods_at = Some(DISCOVERY)),
        ("too_large", |provider| provider.ways().floods_at = Some("/jwks")),
        ("unreadable", |provider| provider.ways().fails_at = Some((DISCOVERY, 500))),
        ("unreadable", |provider| provider.ways().redirects_at = Some(DISCOVERY)),
        ("other_issuer", |provider| say(provider, "issuer", json!("https://evil.example"))),
        ("other_issuer", |provider| {
            let own = format!("{}/", provider.issuer());
            say(provider, "issuer", json!(own));
        }),
        ("unreadable", |provider| say(provider, "token_endpoint", json!("http://127.0.0.1/token"))),
        ("unreadable", |provider| say(provider, "authorization_endpoint", json!("javascript:alert(1)"))),
        ("unreadable", |provider| say(provider, "jwks_uri", json!(null))),
    ];
    for (cause, change) in cases {
        let (house, provider) = House::with_provider("");
        change(&provider);
        let mut browser = house.browser().await;
        let reply = browser.get("/sign-in/with/firm").await.expect(503);
        assert_eq!(reply.header("retry-after"), "10");
        let failed = house.all_events().into_iter().find_map(|event| match event.change {
            bailiwick::log::event::Change::IdentityProviderFailed { cause, .. } => Some(cause),
            _ => None,
        });
        assert_eq!(failed.as_deref(), Some(*cause));
    }
}

fn say(provider: &HostileProvider, name: &str, value: Value) {
    let mut ways = provider.ways();
    ways.discovery.insert(name.to_owned(), value);
}

#[actix_web::test]
async fn a_provider_whose_certificate_nobody_vouches_for_is_not_spoken_to() {
    let (mut house, provider) = House::with_provider("");
    let other = HostileProvider::start(house.clock.clone());
    let settings = house.settings("firm", &provider, "");
    house.secret_file("firm.pem", other.authority());
    house.know(&settings);
    house.browser().await.get("/sign-in/with/firm").await.expect(503);
    assert!(provider.ways().asked.is_empty());
}

#[actix_web::test]
async fn codes_that_bring_no_tokens_open_nothing() {
    let (house, provider) = House::with_provider("");
    house.with_address("ada", ADDRESS).await;
    // Known before anything goes wrong.
    house.browser().await.get("/sign-in/with/firm").await.expect(303);
    let mut causes = Vec::new();
    for (status, cause) in [(500, "provider_failed"), (400, "code_refused"), (200, "token_unreadable")] {
        provider.ways().fails_at = Some(("/token", status));
        let wanted = if status == 500 { 503 } else { 400 };
        refused(&house, &provider, says("0815", ADDRESS)).await.expect(wanted);
        causes.push(cause);
    }
    provider.ways().fails_at = None;
    provider.ways().redirects_at = Some("/token");
    refused(&house, &provider, says("0815", ADDRESS)).await.expect(503);
    provider.ways().redirects_at = None;
    provider.ways().floods_at = Some("/token");
    refused(&house, &provider, says("0815", ADDRESS)).await.expect(503);
    provider.ways().floods_at = None;
    provider.ways().hangs_at = Some("/token");
    refused(&house, &provider, says("0815", ADDRESS)).await.expect(503);
    provider.ways().hangs_at = None;
    causes.extend(["provider_failed"; 3]);
    assert_eq!(house.sso_refusals(), causes);
    signed_in_to(&through(&mut house.browser().await, &provider, says("0815", ADDRESS)).await, "/");
}

#[actix_web::test]
async fn what_strangers_send_to_the_callback_is_refused_and_fills_no_log() {
    let (house, provider) = House::with_provider("");
    let before = house.all_events().len();
    let mut browser = house.browser().await;
    browser.get("/sign-in/with/firm").await.expect(303);
    let state = "A".repeat(43);
    let callback = "/sign-in/with/firm/callback";
    for query in [
        String::new(),
        format!("?code=x&state={state}"),
        format!("?state={state}"),
        "?code=x".to_owned(),
        format!("?code=x&state={state}&state={state}"),
        format!("?code={}&state={state}", "x".repeat(6_001)),
        format!("?code=x&state={}", "y".repeat(500)),
        "?code=%FF%FE&state=%00".to_owned(),
        "?error=server_error&error_description=%3Cscript%3E".to_owned(),
    ] {
        let reply = browser.get(&format!("{callback}{query}")).await;
        assert!((400..500).contains(&reply.status), "{query}: {} {}", reply.status, reply.body);
        assert!(!reply.body.contains("<script>"), "{query}");
    }
    assert_eq!(house.all_events().len(), before);
    assert!(!provider.ways().asked.contains(&"/token".to_owned()));
    // No turn at the provider, no question: what nobody began costs nobody anything.
    let asked = provider.ways().asked.len();
    browser.cookies.insert("__Host-browser".to_owned(), "%00;drop".to_owned());
    house.advance(chrono::Duration::hours(2));
    assert_eq!(browser.get(&format!("{callback}?code=x&state={state}")).await.status, 400);
    assert_eq!(provider.ways().asked.len(), asked, "not even what it publishes is asked for");
}

#[actix_web::test]
async fn who_stops_at_the_provider_is_told_so() {
    let (house, provider) = House::with_provider("");
    let mut browser = house.browser().await;
    let away = browser.get("/sign-in/with/firm").await.expect(303);
    let back = provider.authorize(away.header("location"), says("0815", ADDRESS));
    let (before, after) = (back.find("code=").expect("a code"), back.find("&state").expect("a state"));
    let stopped = format!("{}error=access_denied{}", &back[..before], &back[after..]);
    let reply = browser.get(&stopped).await.expect(400);
    assert!(reply.body.contains("did not sign you in"), "{}", reply.body);
    assert_eq!(house.sso_refusals(), ["provider_refused"]);
}

#[actix_web::test]
async fn new_keys_are_taken_at_once_and_asked_for_once_a_minute() {
    let (house, provider) = House::with_provider("");
    house.with_address("ada", ADDRESS).await;
    let asked = |provider: &HostileProvider| {
        provider.ways().asked.iter().filter(|path| path.as_str() == "/jwks").count()
    };
    signed_in_to(&through(&mut house.browser().await, &provider, says("0815", ADDRESS)).await, "/");
    provider.rotate();
    signed_in_to(&through(&mut house.browser().await, &provider, says("0815", ADDRESS)).await, "/");
    assert_eq!(asked(&provider), 2);
    provider.rotate();
    for _ in 0..3 {
        refused(&house, &provider, says("0815", ADDRESS)).await.expect(400);
    }
    assert_eq!((asked(&provider), house.sso_refusals()), (2, vec!["key_unknown".to_owned(); 3]));
    house.advance(chrono::Duration::seconds(61));
    signed_in_to(&through(&mut house.browser().await, &provider, says("0815", ADDRESS)).await, "/");
    // The key of before is gone with the document that published it.
    assert_eq!(asked(&provider), 3);
}
