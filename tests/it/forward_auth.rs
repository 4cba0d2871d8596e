//! A proxy asks for each request whether it may go on: who is answered, what a path means, what comes back.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use bailiwick::access::apply::{self, PolicyFile};
use bailiwick::access::{grants, kill_switches};
use bailiwick::accounts;
use bailiwick::error::Error;
use bailiwick::ids::AccountId;
use bailiwick::log::access::{Access, Books, Record};
use chrono::Duration;

use crate::support::{Browser, House, Member, Reply, wanted};

const PROXY: &str = "10.0.0.7";
const HOST: &str = "localhost:8444";

const DESK: &str = r#"
    key = "desk"
    owner = "grace"
    [[feature]]
    key = "letter"
    actions = ["read", "write"]
    [[feature]]
    key = "safe"
    actions = ["open"]
    [[feature]]
    key = "address"
    class = "pii"
    actions = ["read"]
    properties = ["marketplace"]
    scopes = ["marketplace"]
    [[role]]
    key = "clerk"
    [[role.allow]]
    feature = "letter"
    actions = ["read"]
    [[role.allow]]
    feature = "safe"
    actions = ["open"]
    mfa = true
    networks = ["203.0.113.0/24"]
    [[role]]
    key = "address-reader"
    access_role = true
    approval = ["manager", "owner"]
    max_duration = "90d"
    [[role.allow]]
    feature = "address"
    actions = ["read"]
    purposes = ["shipping"]
    [[route]]
    host = "localhost:8444"
    path = "/letters/{id}"
    methods = ["GET"]
    feature = "letter"
    action = "read"
    [[route]]
    host = "localhost:8444"
    path = "/letters/{id}"
    methods = ["PUT", "DELETE"]
    feature = "letter"
    action = "write"
    [[route]]
    host = "localhost:8444"
    path = "/{marketplace}/addresses/{id}"
    methods = ["GET"]
    feature = "address"
    action = "read"
    purpose = "shipping"
    [[route]]
    host = "localhost:8444"
    path = "/safe"
    methods = ["POST"]
    feature = "safe"
    action = "open"
    [[route]]
    host = "desk.example.com"
    path = "/*"
    methods = ["GET"]
    feature = "letter"
    action = "read"
"#;

/// A house that believes one proxy, with a desk that Grace owns and whose clerk is Clara.
async fn desk() -> (House, AccountId, Member) {
    let mut house = House::new();
    house.reopen_with(|config| config.trusted_proxies = vec!["10.0.0.0/24".parse().expect("a network")]);
    let grace = house.person("grace", None).await;
    let clerk = house.member("clara", &[]).await;
    let files = vec![PolicyFile { name: "desk.toml".to_owned(), text: DESK.to_owned() }];
    house.done(move |tx| apply::apply(tx, &files)).await;
    house.give(&clerk.id(), "desk/clerk", 30).await;
    (house, grace, clerk)
}

/// What nginx sends for a request.
fn nginx(method: &str, target: &str) -> TestRequest {
    TestRequest::get()
        .uri("/forward-auth")
        .insert_header(("x-original-uri", target.to_owned()))
        .insert_header(("x-original-method", method.to_owned()))
        .insert_header(("x-forwarded-host", HOST))
        .insert_header(("x-forwarded-proto", "https"))
        .insert_header(("x-forwarded-for", "203.0.113.9"))
}

/// Everything that was recorded, counts included.
fn flushed(house: &House) -> Vec<Record> {
    assert!(house.app.recorder().flush(), "the recorder writes");
    let today = house.now().utc().date_naive();
    Books::new(house.app.database().location(), house.data())
        .records(today, 0, 10_000)
        .expect("the day can be read")
}

async fn asked(who: &Browser, request: TestRequest) -> Reply {
    who.from_address(PROXY).from_origin(None).send(request).await
}

#[actix_web::test]
async fn permitted_refused_and_signed_out() {
    let (house, grace, clerk) = desk().await;
    let yes = asked(&clerk.browser, nginx("GET", "/letters/7")).await.expect(200);
    assert_eq!(yes.header("x-bailiwick-account"), clerk.id().as_str());
    assert_eq!((yes.header("x-bailiwick-username"), yes.header("x-bailiwick-kind")), ("clara", "user"));
    assert_eq!((yes.body.as_str(), yes.header("set-cookie")), ("", ""));
    for (method, target) in [
        ("DELETE", "/letters/7"),
        ("POST", "/letters/7"),
        ("GET", "/letters"),
        ("GET", "/letters/../letters/7"),
        ("GET", "/Letters/7"),
        ("GET", "/elsewhere"),
    ] {
        let no = asked(&clerk.browser, nginx(method, target)).await.expect(403);
        assert_eq!((no.header("x-bailiwick-account"), no.body.as_str()), ("", ""), "{method} {target}");
    }
    let nobody = house.browser().await;
    let out = asked(&nobody, nginx("GET", "/letters/7?page=2&x=a%20b")).await.expect(401);
    assert!(out.header("www-authenticate").starts_with("Bearer"));
    assert_eq!(
        out.header("x-bailiwick-sign-in"),
        "https://localhost:8443/sign-in?next=/return%3Fto%3Dhttps%253A//localhost%253A8444/letters/7%253Fpage%253D2%2526x%253Da%252520b"
    );
    let out = asked(&nobody, nginx("PUT", "/letters/7")).await.expect(401);
    assert_eq!(out.header("x-bailiwick-sign-in"), "", "a form that was sent is not asked for again");
    asked(&nobody, nginx("GET", "/elsewhere")).await.expect(403);
    // A program with a key is answered as itself.
    let issued = house.key("printer", &grace, Some("desk"), &["desk/letter:read"]).await;
    let printer = nobody.with_key(&issued.token);
    let yes = asked(&printer, nginx("HEAD", "/letters/7")).await.expect(200);
    assert_eq!((yes.header("x-bailiwick-username"), yes.header("x-bailiwick-kind")), ("printer", "service"));
    asked(&printer, nginx("PUT", "/letters/7")).await.expect(403);
    let wrong = nobody.with_key("bwk_wrong");
    asked(&wrong, nginx("GET", "/letters/7")).await.expect(401);
    // What ended is over for a proxy in the same instant.
    house.advance(Duration::days(30));
    asked(&clerk.browser, nginx("GET", "/letters/7")).await.expect(401);
}

#[actix_web::test]
async fn every_method_and_every_address_below_is_answered_with_one_of_three() {
    let (_house, _, clerk) = desk().await;
    let methods =
        ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"];
    for method in methods {
        for address in [
            "/forward-auth",
            "/forward-auth/",
            "/forward-auth/letters/7",
            "/forward-auth//x",
            "/forward-auth/%00",
        ] {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            let bare = TestRequest::with_uri(address).method(method.clone()).insert_header(("host", HOST));
            let bare = bare.insert_header(("x-forwarded-for", "203.0.113.9"));
            let reply = asked(&clerk.browser, bare).await;
            let expected = match (method.as_str(), address) {
                ("GET" | "HEAD", "/forward-auth/letters/7") => 200,
                _ => 403,
            };
            assert_eq!(reply.status, expected, "{method} {address}");
        }
    }
    let long = format!("/letters/{}", "a".repeat(60_000));
    let query = format!("/letters/7?{}", "unknown=1&".repeat(5_000));
    let strange = |request: TestRequest| asked(&clerk.browser, request);
    strange(nginx("GET", &long)).await.expect(403);
    strange(nginx("GET", &query)).await.expect(200);
    let appended = TestRequest::get().uri(&format!("/forward-auth{query}")).insert_header(("host", HOST));
    let appended = appended.insert_header(("x-forwarded-for", "203.0.113.9"));
    strange(appended).await.expect(200);
    strange(nginx("GET", "/letters/7").append_header(("x-original-uri", "/letters/8"))).await.expect(403);
    strange(nginx("GET", "/letters/7").append_header(("x-original-method", "PUT"))).await.expect(403);
    strange(nginx("GET", "/letters/7").insert_header(("x-forwarded-host", "other.example")))
        .await
        .expect(403);
    strange(nginx("GET", "/letters/7").insert_header(("x-forwarded-host", "localhost"))).await.expect(403);
    strange(nginx("GET", "/letters/7").insert_header(("x-forwarded-proto", "http"))).await.expect(403);
    strange(nginx("GET", "/letters/7").insert_header(("x-forwarded-uri", "/letters/8"))).await.expect(403);
    strange(nginx("GET", "/letters/7").insert_header(("x-http-method-override", "DELETE"))).await.expect(403);
    strange(nginx("GET", "/letters/7").insert_header(("x-rewrite-url", "/letters/8"))).await.expect(403);
    let not_plain = actix_web::http::header::HeaderValue::from_bytes(b"/letters/\xff").expect("a value");
    strange(nginx("GET", "/").insert_header(("x-original-uri", not_plain))).await.expect(403);
    let nowhere = TestRequest::get().uri("/forward-auth/letters/7").insert_header(("host", HOST));
    strange(nowhere).await.expect(403);
    // A body is not read, whatever it is.
    let body = TestRequest::post().uri("/forward-auth").set_payload("x".repeat(3_000_000));
    strange(body.insert_header(("content-type", "application/json"))).await.expect(403);
}

#[actix_web::test]
async fn traefik_caddy_and_envoy_are_understood() {
    let (house, _, clerk) = desk().await;
    let forwarded = |method: &str| {
        TestRequest::get()
            .uri("/forward-auth")
            .insert_header(("x-forwarded-uri", "/letters/7?x=1"))
            .insert_header(("x-forwarded-method", method.to_owned()))
            .insert_header(("x-forwarded-host", HOST))
            .insert_header(("x-forwarded-proto", "https"))
            .insert_header(("x-forwarded-for", "203.0.113.9"))
    };
    asked(&clerk.browser, forwarded("GET")).await.expect(200);
    asked(&clerk.browser, forwarded("PUT")).await.expect(403);
    let envoy = |method: Method| {
        TestRequest::with_uri("/forward-auth/letters/7?x=1")
            .method(method)
            .insert_header(("host", HOST))
            .insert_header(("x-forwarded-for", "203.0.113.9"))
    };
    asked(&clerk.browser, envoy(Method::GET)).await.expect(200);
    asked(&clerk.browser, envoy(Method::DELETE)).await.expect(403);
    let nobody = house.browser().await;
    let out = asked(&nobody, envoy(Method::GET)).await.expect(401);
    assert!(out.header("x-bailiwick-sign-in").starts_with("https://localhost:8443/sign-in?next="));
    // What a client adds of another proxy's words.
    asked(&clerk.browser, forwarded("PUT").insert_header(("x-original-method", "GET"))).await.expect(403);
    asked(&clerk.browser, envoy(Method::PUT).insert_header(("x-original-method", "GET"))).await.expect(403);
}

#[actix_web::test]
async fn nobody_but_a_trusted_proxy_is_answered() {
    let (house, _, clerk) = desk().await;
    for address in ["10.0.1.7", "127.0.0.1", "203.0.113.9"] {
        let mut direct = clerk.browser.from_address(address);
        let forged = nginx("GET", "/letters/7").insert_header(("x-forwarded-for", PROXY));
        let reply = direct.send(forged).await.expect(403);
        assert_eq!(reply.header("x-bailiwick-account"), "", "{address}");
        house.browser().await.from_address(address).send(nginx("GET", "/letters/7")).await.expect(403);
    }
    let refused = flushed(&house).into_iter().filter(
        |record| matches!(&record.access, Access::Refusal { route, .. } if route == "ANY /forward-auth"),
    );
    assert_eq!(refused.count(), 6, "each is in the log");
    let mut closed = house;
    closed.reopen_with(|config| config.trusted_proxies = Vec::new());
    let mut browser = closed.browser().await.from_address(PROXY);
    browser.cookies.clone_from(&clerk.browser.cookies);
    browser.send(nginx("GET", "/letters/7")).await.expect(403);
}

#[actix_web::test]
async fn a_key_bound_to_networks_is_used_from_where_the_client_is() {
    let (house, grace, _) = desk().await;
    let wanted = bailiwick::access::keys::NewKey {
        name: "scanner".to_owned(),
        owner: grace,
        allow: vec!["desk/letter:read".to_owned()],
        application: None,
        expires_at: house.in_days(9),
        asserts: None,
        networks: vec!["203.0.113.0/24".parse().expect("a network")],
    };
    let issued = house.done(move |tx| bailiwick::access::keys::issue(tx, &wanted)).await;
    let scanner = house.browser().await.with_key(&issued.token);
    let from = |said: &str| nginx("GET", "/letters/7").insert_header(("x-forwarded-for", said.to_owned()));
    asked(&scanner, from("203.0.113.9")).await.expect(200);
    asked(&scanner, from("198.51.100.1, 203.0.113.9, 10.0.0.9")).await.expect(200);
    for elsewhere in ["203.0.113.9, 198.51.100.1", "198.51.100.1", "nonsense", ""] {
        asked(&scanner, from(elsewhere)).await.expect(401);
    }
    // Who is no proxy says nothing about where it is.
    let mut direct = scanner.from_address("198.51.100.1");
    let ask = TestRequest::get().uri("/api/v1/me").insert_header(("x-forwarded-for", "203.0.113.9"));
    direct.send(ask).await.expect(401);
}

#[actix_web::test]
async fn conditions_see_where_the_client_is_and_how_it_proved_itself() {
    let (_house, _, clerk) = desk().await;
    asked(&clerk.browser, nginx("POST", "/safe")).await.expect(200);
    for elsewhere in ["198.51.100.1", "203.0.113.9, 198.51.100.1", "unknown", ""] {
        let request = nginx("POST", "/safe").insert_header(("x-forwarded-for", elsewhere.to_owned()));
        asked(&clerk.browser, request).await.expect(403);
    }
}

#[actix_web::test]
async fn what_a_proxy_lets_through_is_recorded_with_its_record() {
    let (house, _, clerk) = desk().await;
    let scope = Some([("marketplace".to_owned(), vec!["uk".to_owned()])].into());
    let grant = wanted(&clerk.id(), "desk/address-reader", Some(house.in_days(30)));
    let grant = grants::NewGrant { scope, ..grant };
    house.done(move |tx| grants::grant(tx, &grant)).await;
    asked(&clerk.browser, nginx("GET", "/uk/addresses/4711")).await.expect(200);
    asked(&clerk.browser, nginx("GET", "/de/addresses/4711")).await.expect(403);
    let records = flushed(&house);
    let permits: Vec<_> =
        records.iter().filter(|record| matches!(record.access, Access::Permit { .. })).collect();
    assert_eq!(permits.len(), 1, "{records:?}");
    let text = format!("{records:?}");
    assert!(!text.contains("4711") && !text.contains("clara"), "neither the record nor the name: {text}");
}

#[actix_web::test]
async fn a_stale_node_a_kill_switch_and_a_leaving_let_nothing_through() {
    let (house, _, clerk) = desk().await;
    house.clock.advance(Duration::minutes(16));
    asked(&clerk.browser, nginx("GET", "/letters/7")).await.expect(403);
    house.app.heartbeat().expect("the node hears from the log");
    asked(&clerk.browser, nginx("GET", "/letters/7")).await.expect(200);
    let pulled = house.done(|tx| kill_switches::pull(tx, "desk", "Canary opened")).await.id;
    asked(&clerk.browser, nginx("GET", "/letters/7")).await.expect(403);
    house.done(move |tx| kill_switches::lift(tx, &pulled)).await;
    asked(&clerk.browser, nginx("GET", "/letters/7")).await.expect(200);
    let account = clerk.id();
    house.done(move |tx| accounts::mark_left(tx, &account, "left")).await;
    asked(&clerk.browser, nginx("GET", "/letters/7")).await.expect(401);
}

#[actix_web::test]
async fn one_comes_back_to_known_hosts_of_the_own_name_only() {
    let (house, _, clerk) = desk().await;
    let mut browser = clerk.browser.clone();
    let to = "https://localhost:8444/letters/7?page=2";
    let page =
        browser.get("/return?to=https%3A%2F%2Flocalhost%3A8444%2Fletters%2F7%3Fpage%3D2").await.expect(200);
    assert_eq!(page.header("refresh"), format!("0; url={to}"));
    assert!(page.body.contains("localhost:8444"));
    for other in [
        "",
        "https://evil.example/",
        "https://desk.example.com/letters/7",
        "https://localhost:8444.evil.example/",
        "https://localhost:8444@evil.example/",
        "https://localhost:8444",
        "https://localhost:8445/",
        "https://localhost/",
        "http://localhost:8444/",
        "//localhost:8444/",
        "javascript:alert(1)//localhost:8444/",
        "https://localhost:8444/%0d%0aset-cookie:x",
        "https://localhost:8444/a b",
        "https://localhost:8444/\\evil",
        "HTTPS://localhost:8444/",
        "https:///localhost:8444/",
    ] {
        let encoded: String = other.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let reply = browser.get(&format!("/return?to={encoded}")).await;
        if other.contains("%0d") {
            // Encoded as it is it stays within the path.
            assert_eq!(reply.header("refresh"), format!("0; url={other}"));
            continue;
        }
        assert_eq!((reply.status, reply.header("refresh")), (404, ""), "{other}");
    }
    browser.get("/return").await.expect(404);
    let mut nobody = house.browser().await;
    assert_eq!(
        nobody.get("/return?to=https%3A%2F%2Flocalhost%3A8444%2F").await.expect(303).header("location"),
        "/sign-in?next=/return"
    );
    // The whole way: the sign-in goes on to the page that goes on.
    let out = asked(&nobody, nginx("GET", "/letters/7?page=2")).await.expect(401);
    let sign_in =
        out.header("x-bailiwick-sign-in").strip_prefix("https://localhost:8443").expect("here").to_owned();
    nobody.get(&sign_in).await.expect(200);
    let on = browser.get(&sign_in).await.expect(303).header("location").to_owned();
    assert_eq!(browser.get(&on).await.expect(200).header("refresh"), format!("0; url={to}"));
}

#[actix_web::test]
async fn routes_that_could_mislead_are_refused_with_file_line_and_remedy() {
    let house = House::new();
    house.person("grace", None).await;
    let whole = |routes: &str| {
        format!(
            "key = \"desk\"\nowner = \"grace\"\n[[feature]]\nkey = \"letter\"\nactions = [\"read\"]\n[[role]]\nkey = \"clerk\"\n\
             [[role.allow]]\nfeature = \"letter\"\nactions = [\"read\"]\n{routes}"
        )
    };
    let route = |host: &str, path: &str, methods: &str, feature: &str, action: &str| {
        format!(
            "[[route]]\nhost = \"{host}\"\npath = \"{path}\"\nmethods = {methods}\nfeature = \"{feature}\"\naction = \"{action}\"\n"
        )
    };
    let good = |path: &str| route("a.example", path, "[\"GET\"]", "letter", "read");
    let tries = [
        (route("A.example", "/", "[\"GET\"]", "letter", "read"), 12, "the host"),
        (route("a.example:443", "/", "[\"GET\"]", "letter", "read"), 12, "the port"),
        (good("letters"), 13, "does not begin"),
        (good("/a/../b"), 13, "\"..\""),
        (good("/a//b"), 13, "two slashes"),
        (good("/a%2fb"), 13, "a character"),
        (good("/a/*/b"), 13, "a star"),
        (good("/{id}/{id}"), 13, "one name"),
        (good("/{shop}/x"), 13, "nothing reads the property"),
        (route("a.example", "/", "[]", "letter", "read"), 14, "no method"),
        (route("a.example", "/", "[\"get\"]", "letter", "read"), 14, "no method \"get\""),
        (route("a.example", "/", "[\"GET\", \"GET\"]", "letter", "read"), 14, "named twice"),
        (route("a.example", "/", "[\"GET\"]", "leter", "read"), 15, "no feature"),
        (route("a.example", "/", "[\"GET\"]", "letter", "reed"), 16, "no action"),
        (good("/") + "purpose = \"\"\n", 17, "empty"),
        (good("/x/{id}") + good("/x/new").as_str(), 19, "above takes all"),
        (good("/x/{id}") + good("/x/{id}").as_str(), 19, "above takes all"),
        (good("/{id}/new") + good("/x/{id}").as_str(), 19, "fits some of the same"),
        (good("/x/*") + good("/x/y/{id}").as_str(), 19, "above takes all"),
    ];
    for (routes, line, what) in tries {
        let files = vec![PolicyFile { name: "desk.toml".to_owned(), text: whole(&routes) }];
        let refused = house.write(move |tx| apply::apply(tx, &files)).await.expect_err(what);
        let Error::Invalid(fields) = refused else { panic!("{refused:?}") };
        let found = fields.iter().find(|field| field.detail.contains(what));
        let found = found.unwrap_or_else(|| panic!("{what}: {fields:?}"));
        assert_eq!(found.field, format!("desk.toml:{line}"), "{what}: {fields:?}");
        assert!(found.detail.contains("; "), "a remedy: {}", found.detail);
    }
    let files = vec![PolicyFile {
        name: "desk.toml".to_owned(),
        text: whole(&(good("/x/new") + good("/x/{id}").as_str())),
    }];
    house.done(move |tx| apply::apply(tx, &files)).await;
    let other = whole(&good("/y")).replace("\"desk\"", "\"other\"");
    let files = vec![PolicyFile { name: "other.toml".to_owned(), text: other }];
    let refused =
        house.write(move |tx| apply::apply(tx, &files)).await.expect_err("one host, two applications");
    assert!(refused.to_string().contains("the application \"desk\" has routes of the host"), "{refused}");
}

#[actix_web::test]
async fn other_routes_beside_personal_data_need_a_second_person() {
    let (house, _, clerk) = desk().await;
    let moved =
        DESK.replace("path = \"/{marketplace}/addresses/{id}\"", "path = \"/{marketplace}/letters/{id}\"");
    let files = vec![PolicyFile { name: "desk.toml".to_owned(), text: moved }];
    let refused = house.write(move |tx| apply::apply(tx, &files)).await.expect_err("nobody else has seen it");
    assert!(matches!(refused, Error::Conflict("second-person", _)), "{refused:?}");
    asked(&clerk.browser, nginx("GET", "/uk/letters/7")).await.expect(403);
    asked(&clerk.browser, nginx("GET", "/letters/7")).await.expect(200);
}
