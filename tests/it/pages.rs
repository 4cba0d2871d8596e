//! Every page of the route table, made by the real service: with nothing in it, and in a house in which something has
//! happened.

use actix_web::http::Method;
use bailiwick::caller::Caller;
use bailiwick::http::guard::is_for_programs;
use bailiwick::http::routes::TABLE;
use bailiwick::signin::inviting::set_up_link;

use crate::support::{Browser, House, Life, Reply};

/// Pages that are asked for before the sign-in; each has a state of its own to be in.
const GATE: &[&str] = &[
    "/set-up/{token}",
    "/enrol/{token}",
    "/enrolment/totp",
    "/recover/{token}",
    "/unlock/{token}",
    "/workstation/{token}",
    "/sign-in",
    "/sign-in/totp",
    "/sign-in/password",
    // Only where identity providers are configured; tests/it/sso.rs looks at them.
    "/sign-in/with/{provider}",
    "/sign-in/with/{provider}/callback",
    "/sign-in/at/{provider}",
    "/enrol/{token}/with/{provider}",
    "/sign-out/with/{provider}",
    "/signed-out/{provider}",
    "/prove/with/{provider}",
    // Wants a fresh proof, and leads there.
    "/me/security/authenticator",
    // Only for who was sent here by a proxy.
    "/return",
];

/// The addresses of pages in the house.
fn pages() -> Vec<&'static str> {
    let pages = TABLE
        .iter()
        .filter(|row| row.method == Method::GET && !is_for_programs(row.path) && !GATE.contains(&row.path))
        .map(|row| row.path);
    pages.collect()
}

/// What is the matter with a page, as far as one can say without looking at it.
fn fault(reply: &Reply) -> Option<String> {
    let body = &reply.body;
    if !reply.header("content-type").starts_with("text/html") {
        return Some(format!("its kind is {}", reply.header("content-type")));
    }
    let heads = body.matches("<h1").count();
    if heads != 1 {
        return Some(format!("{heads} first headings"));
    }
    let title = body.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next());
    if title.is_none_or(|title| title.trim().is_empty()) {
        return Some("no title".to_owned());
    }
    let made_by_accident =
        [">none<", ">None<", ">undefined<", ">null<", "[object Object]", "{{", "{%", ">true<", ">false<"];
    made_by_accident.iter().find(|text| body.contains(**text)).map(|text| format!("it says {text}"))
}

/// Asks for a page as each of these readers; none may meet a fault of ours, and one at least must see it.
async fn look(address: &str, readers: &mut [(&str, &mut Browser)], faults: &mut Vec<String>) {
    let mut seen = false;
    for (who, browser) in readers {
        let reply = browser.get(address).await;
        match reply.status {
            200 => {
                seen = true;
                faults.extend(fault(&reply).map(|fault| format!("{address} as {who}: {fault}")));
            }
            403 | 404 => faults.extend(fault(&reply).map(|fault| format!("{address} as {who}: {fault}"))),
            status => faults.push(format!("{address} as {who}: {status} {}", reply.header("location"))),
        }
    }
    if !seen {
        faults.push(format!("{address}: nobody sees it"));
    }
}

#[actix_web::test]
async fn pages_with_nothing_in_them_are_whole() {
    let house = House::new();
    let mut root = house.member("priya.raman", &["bailiwick/administrator"]).await;
    let mut auditor = house.member("chloe.beaumont", &["bailiwick/auditor"]).await;
    let mut nobody_special = house.member("ada", &[]).await;
    let mut faults = Vec::new();
    for pattern in pages().into_iter().filter(|pattern| !pattern.contains('{')) {
        let mut readers = [
            ("administrator", &mut root.browser),
            ("auditor", &mut auditor.browser),
            ("employee", &mut nobody_special.browser),
        ];
        look(pattern, &mut readers, &mut faults).await;
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The address of a page about something that happened. A new page with a parameter needs its line here.
fn address(pattern: &str, life: &Life) -> String {
    let thing = match pattern {
        _ if !pattern.contains('{') => return pattern.to_owned(),
        _ if pattern.starts_with("/people/") => life.staff.ada.id().to_string(),
        _ if pattern.starts_with("/applications/") => "orders".to_owned(),
        _ if pattern.starts_with("/requests/") => life.request.clone(),
        _ if pattern.starts_with("/reviews/") => life.campaign.clone(),
        _ if pattern.starts_with("/leavers/") => life.case.clone(),
        _ if pattern.starts_with("/tasks/") => life.task.clone(),
        _ if pattern.starts_with("/proposals/") => life.proposal.clone(),
        _ if pattern.starts_with("/alarms/") => life.alarm.clone(),
        _ => panic!("{pattern}: what stands behind this parameter?"),
    };
    let (before, rest) = pattern.split_once('{').expect("a parameter");
    let (_, after) = rest.split_once('}').expect("its end");
    assert!(!after.contains('{'), "{pattern}: two parameters");
    format!("{before}{thing}{after}")
}

#[actix_web::test]
async fn pages_of_a_house_that_is_lived_in_are_whole() {
    let house = House::new();
    let mut life = house.lived_in().await;
    let mut auditor = house.member("chloe.beaumont", &["bailiwick/auditor"]).await;
    let mut faults = Vec::new();
    let mut addresses: Vec<String> = pages().into_iter().map(|pattern| address(pattern, &life)).collect();
    addresses.extend([
        format!("/requests/{}", life.waiting),
        format!("/reviews/{}?item={}", life.campaign, life.item),
        format!("/reviews/{}?view=all", life.campaign),
        "/requests?view=mine".to_owned(),
        "/requests?view=decide".to_owned(),
        "/leavers?view=coming".to_owned(),
        "/leavers?view=closed".to_owned(),
        "/existing-access?view=all".to_owned(),
        "/existing-access?view=drift".to_owned(),
        "/tasks?view=all".to_owned(),
        "/proposals?view=past".to_owned(),
        "/alarms?view=closed".to_owned(),
        "/alarms?severity=critical&rule=repeated-lock".to_owned(),
    ]);
    for address in addresses {
        let mut readers = [
            ("administrator", &mut life.staff.priya.browser),
            ("auditor", &mut auditor.browser),
            ("manager", &mut life.staff.mary.browser),
            ("owner", &mut life.staff.grace.browser),
            ("employee", &mut life.staff.ada.browser),
        ];
        look(&address, &mut readers, &mut faults).await;
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[actix_web::test]
async fn pages_of_the_gate_are_whole() {
    let house = House::new();
    let mut browser = house.browser().await;
    let set_up = house.app.write(&Caller::house("start"), set_up_link).await.expect("not set up yet").value;
    let (_, token) = house.invite("ada", &[]).await;
    let mut invited = browser.other();
    let body = serde_json::json!({ "token": token, "password": crate::support::PASSWORD });
    let pages = [
        ("/sign-in".to_owned(), 200),
        (format!("/set-up/{}", set_up.token), 200),
        (format!("/enrol/{token}"), 200),
        ("/enrol/gone-long-ago".to_owned(), 404),
    ];
    for (address, status) in pages {
        let reply = browser.get(&address).await.expect(status);
        assert_eq!(fault(&reply), None, "{address}");
    }
    invited.post("/api/v1/enrolment", body).await.expect(200);
    assert_eq!(fault(&invited.get("/enrolment/totp").await.expect(200)), None);
    let person = house.member("grace", &[]).await.person;
    let mut half = browser.other();
    let typed = serde_json::json!({ "username": person.username, "password": crate::support::PASSWORD });
    half.post("/api/v1/signin", typed).await.expect(200);
    assert_eq!(fault(&half.get("/sign-in/totp").await.expect(200)), None);
    // Without the step that a page belongs to one is led to where the way begins.
    for address in ["/enrolment/totp", "/sign-in/totp", "/sign-in/password"] {
        let reply = browser.get(address).await;
        assert!(matches!(reply.status, 303 | 401), "{address}: {}", reply.status);
    }
}
