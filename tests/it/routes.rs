//! The door: every row of the route table, tried as nobody, as everybody whom a role makes somebody, as a key without
//! permissions, and from another site.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::http::Method;
use actix_web::test::TestRequest;
use bailiwick::access::roles;
use bailiwick::http::guard::is_for_programs;
use bailiwick::http::routes::{Needs, Row, TABLE};

use crate::support::{Browser, Firm, House, Reply, same_as_committed};

/// What anybody may call, signed in or not. A new row here is a new way in: it wants a reason.
const OPEN: &[&str] = &[
    // No credentials, ready before the first run is completed; nothing but the state is said.
    "GET /health/live",
    "GET /health/ready",
    // What the calls are, the same for everybody: it stands in the sources too.
    "GET /openapi.json",
    // Style sheets and scripts, the same for everybody.
    "GET /static/{path:.*}",
    // What each clause asks for, in words: the rules for a password link to it before the sign-in.
    "GET /clauses",
    // What a client of the decision point has to know, as AuthZEN 1.0 has it.
    "GET /.well-known/authzen-configuration",
    // The first run and enrolment: what lets one in is the token of a link.
    "GET /set-up/{token}",
    "POST /first-run",
    "GET /enrol/{token}",
    "POST /enrol/{token}",
    "POST /api/v1/enrolment",
    // The further steps look at how far the session behind the cookie has come.
    "POST /api/v1/enrolment/totp",
    "POST /api/v1/enrolment/totp/confirmation",
    "POST /api/v1/enrolment/passkey/challenge",
    "POST /api/v1/enrolment/passkey",
    "POST /enrolment/passkey",
    "GET /enrolment/totp",
    "POST /enrolment/totp",
    // A forgotten password: the same answer for every name; what lets one on is the token of a link.
    "GET /recover",
    "POST /recover",
    "GET /recover/sent",
    "GET /recover/{token}",
    "POST /recover/{token}",
    // A lost second factor: password and a pass that somebody handed over.
    "GET /pass",
    "POST /pass",
    // Opening a lock: what opens is the token of a link.
    "GET /unlock/{token}",
    "POST /unlock/{token}",
    // Signing in and out.
    "GET /sign-in",
    "POST /sign-in",
    "POST /api/v1/signin",
    "GET /sign-in/totp",
    "POST /sign-in/totp",
    "POST /api/v1/signin/totp",
    "GET /sign-in/password",
    "POST /sign-in/password",
    "POST /api/v1/signin/password",
    // With a passkey: a challenge says nothing of anybody, and what answers it is judged by its signature.
    "POST /api/v1/signin/passkey/challenge",
    "POST /api/v1/signin/passkey",
    "POST /api/v1/signin/factor/challenge",
    "POST /api/v1/signin/factor",
    "GET /api/v1/session",
    "DELETE /api/v1/session",
    "POST /sign-out",
    "POST /next-person",
    // Looked at by the page of a shared workstation: how long the session behind the cookie lives, which who holds the
    // cookie may know.
    "GET /api/v1/session/remaining",
    "GET /idle",
    // A browser becomes a shared workstation: what makes it one is a code.
    "GET /workstation",
    "POST /workstation",
    "GET /workstation/{token}",
    // There and back by the company's identity provider; the handler judges what comes back.
    "GET /sign-in/with/{provider}",
    "GET /sign-in/with/{provider}/callback",
    "GET /sign-in/at/{provider}",
    "GET /enrol/{token}/with/{provider}",
    "GET /sign-out/with/{provider}",
    "GET /signed-out/{provider}",
    // A provider's word that somebody signed out there: what counts is its signature.
    "POST /api/v1/identity-providers/{provider}/logout",
    // Proxies alone are answered, and the handler judges whose request they ask about.
    "GET /forward-auth",
    "GET /forward-auth/{path:.*}",
    // A redirect to the page that changes a password.
    "GET /.well-known/change-password",
];

/// Who holds the roles that are given to somebody, one each.
const HOLDERS: &[&str] = &[
    "chloe.beaumont",
    "nora.carvalho",
    "karim.jensen",
    "lucas.nemeth",
    "emeka.kozlowski",
    "stefan.grabowski",
    "mihai.byrne",
];

/// An id that has the right shape and is nobody's.
const NOBODY: &str = "0193a5f0-0000-7000-8000-000000000000";

fn name(row: &Row) -> String {
    format!("{} {}", row.method, row.path)
}

/// The row's address with its parameters filled in: right in shape, of nothing that exists.
fn address(row: &Row) -> String {
    let mut address = String::new();
    let mut rest = row.path;
    while let Some((before, after)) = rest.split_once('{') {
        let (parameter, after) = after.split_once('}').expect("a closing brace");
        let value = match parameter {
            "token" => "not-a-token-that-anybody-was-ever-given-0000",
            "path:.*" => "nothing.css",
            "key" | "app" | "role" | "system" => "nothing",
            _ => NOBODY,
        };
        address.push_str(before);
        address.push_str(value);
        rest = after;
    }
    address + rest
}

/// Calls the row with an empty body of the kind that it takes.
async fn call(browser: &mut Browser, row: &Row) -> Reply {
    let request = TestRequest::with_uri(&address(row)).method(row.method.clone());
    let request = match row.method {
        Method::GET => request,
        _ if is_for_programs(row.path) => request.set_json(serde_json::json!({})),
        _ => request.set_form([("nothing", "")]),
    };
    browser.send(request).await
}

/// Whether an answer is the guard's word that this caller lacks the row's permission.
fn is_refused_by_guard(reply: &Reply, feature: &str, action: &str) -> bool {
    // What a template writes has its slashes spelt out.
    let body = reply.body.replace("&#x2f;", "/");
    reply.status == 403 && body.contains(&format!("bailiwick/{feature}:{action}"))
}

#[test]
fn what_is_open_to_anybody_is_listed_with_its_reason() {
    let open: BTreeSet<String> = TABLE.iter().filter(|row| row.needs == Needs::Nothing).map(name).collect();
    let listed: BTreeSet<String> = OPEN.iter().map(|row| (*row).to_owned()).collect();
    let (new, stale): (Vec<_>, Vec<_>) =
        (open.difference(&listed).collect(), listed.difference(&open).collect());
    assert!(
        new.is_empty() && stale.is_empty(),
        "open and not listed: {new:?}; listed and not open: {stale:?}"
    );
}

#[test]
fn no_row_stands_twice() {
    let mut seen = BTreeSet::new();
    for row in TABLE {
        assert!(seen.insert(name(row)), "{} stands twice", name(row));
    }
}

#[actix_web::test]
async fn nobody_gets_past_the_door() {
    let house = House::new();
    house.firm().await;
    let mut nobody = house.browser().await;
    for row in TABLE.iter().filter(|row| row.needs != Needs::Nothing) {
        for cookie in [None, Some("not-a-session")] {
            nobody.cookies.clear();
            nobody.cookies.extend(cookie.map(|value| ("__Host-session".to_owned(), value.to_owned())));
            let reply = call(&mut nobody, row).await;
            if is_for_programs(row.path) {
                assert_eq!(reply.status, 401, "{}: {}", name(row), reply.body);
                assert_eq!(reply.json()["type"], "/problems/unauthenticated", "{}", name(row));
            } else if row.method == Method::GET {
                assert_eq!(reply.status, 303, "{}: {}", name(row), reply.body);
                let location = reply.header("location");
                assert_eq!(location, format!("/sign-in?next={}", address(row)), "{}", name(row));
            } else {
                assert_eq!(reply.status, 401, "{}: {}", name(row), reply.body);
            }
        }
        let stranger = call(&mut nobody.with_key("bwk_not-a-key"), row).await;
        assert!(matches!(stranger.status, 401 | 303), "{}: a wrong key got {}", name(row), stranger.status);
    }
}

#[actix_web::test]
async fn a_key_without_permissions_gets_nowhere() {
    let house = House::new();
    let Firm { grace, .. } = house.firm().await;
    let key = house.key("idle", &grace, None, &["bailiwick/health:read"]).await;
    let mut idle = house.browser().await.with_key(&key.token);
    for row in TABLE {
        let Needs::Permission(feature, action) = row.needs else { continue };
        if (feature, action) == ("health", "read") {
            continue;
        }
        let reply = call(&mut idle, row).await;
        assert!(
            is_refused_by_guard(&reply, feature, action),
            "{}: {} {}",
            name(row),
            reply.status,
            reply.body
        );
    }
}

/// Each own role, held alone (beside what everybody has) by somebody signed in. Positions are held by position.
async fn one_of_each(house: &House) -> Vec<(String, Browser)> {
    let staff = house.staff().await;
    let mut all = vec![
        ("employee".to_owned(), staff.ada.browser),
        ("manager".to_owned(), staff.mary.browser),
        ("owner".to_owned(), staff.tomasz.browser),
        ("administrator".to_owned(), staff.priya.browser),
    ];
    let own = house.app.read_now(|reader| roles::catalogue(reader, "bailiwick")).expect("the own catalogue");
    let mut people = HOLDERS.iter();
    for role in own.roles.into_iter().map(|role| role.key) {
        if !all.iter().any(|(held, _)| *held == role) {
            let holder = house.member(people.next().expect("enough people"), &[]).await;
            house.give(&holder.id(), &format!("bailiwick/{role}"), 30).await;
            all.push((role, holder.browser));
        }
    }
    all
}

#[actix_web::test]
async fn each_role_opens_its_rows_and_no_others() {
    let house = House::new();
    let mut holders = one_of_each(&house).await;
    let own = house.app.read_now(|reader| roles::catalogue(reader, "bailiwick")).expect("the own catalogue");
    let permitted: BTreeMap<String, BTreeSet<(String, String)>> = holders
        .iter()
        .map(|(role, _)| {
            let of = |key: &str| own.role(key).map(|role| own.permissions_of(role)).unwrap_or_default();
            let both = of(role).into_iter().chain(of("employee"));
            (role.clone(), both.map(|(feature, action)| (feature.to_owned(), action.to_owned())).collect())
        })
        .collect();
    let mut table = String::new();
    for row in TABLE {
        let needs = match row.needs {
            Needs::Nothing => "anybody".to_owned(),
            Needs::SignedIn => "signed in".to_owned(),
            Needs::Permission(feature, action) => format!("{feature}:{action}"),
        };
        let mut may = Vec::new();
        if let Needs::Permission(feature, action) = row.needs {
            let wanted = (feature.to_owned(), action.to_owned());
            for (role, browser) in &mut holders {
                let reply = call(browser, row).await;
                let refused = is_refused_by_guard(&reply, feature, action);
                let expected = !permitted[role].contains(&wanted);
                assert_eq!(refused, expected, "{} as {role}: {} {}", name(row), reply.status, reply.body);
                assert!(!matches!(reply.status, 401 | 500..), "{} as {role}: {}", name(row), reply.body);
                if !refused {
                    may.push(role.as_str());
                }
            }
        }
        let may = if may.contains(&"employee") { "everybody".to_owned() } else { may.join(" ") };
        table.push_str(format!("{:<62} {needs:<20} {may}", name(row)).trim_end());
        table.push('\n');
    }
    same_as_committed("routes.txt", &table);
}

#[actix_web::test]
async fn a_call_with_a_cookie_that_writes_comes_from_our_own_pages() {
    let house = House::new();
    let mut browser = house.browser().await;
    let person = house.enrolled(&mut browser, "ada", &[]).await;
    house.give(&person.account, "bailiwick/administrator", 30).await;
    for origin in [None, Some("https://localhost:8444"), Some("https://evil.example"), Some("null")] {
        for row in TABLE.iter().filter(|row| row.method != Method::GET) {
            let mut elsewhere = browser.from_origin(origin);
            let reply = call(&mut elsewhere, row).await;
            assert_eq!(reply.status, 403, "{} from {origin:?}: {}", name(row), reply.body);
            if is_for_programs(row.path) {
                assert_eq!(reply.json()["type"], "/problems/cross-site", "{}", name(row));
            }
            assert_eq!(elsewhere.cookies, browser.cookies, "{} touched the cookie", name(row));
        }
    }
    browser.get("/api/v1/me").await.expect(200);
}
