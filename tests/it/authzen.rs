//! The OpenID AuthZEN Authorization API 1.0, rule by rule: structure, errors, headers, limits; below, searches.

mod search;

use actix_web::test::TestRequest;
use bailiwick::access::apply::{self, PolicyFile};
use bailiwick::decision::authzen::{MAX_BODY, MAX_DEPTH, MAX_QUESTIONS};
use serde_json::{Value, json};

use crate::support::{Browser, Firm, House};

const ONE: &str = "/access/v1/evaluation";
const MANY: &str = "/access/v1/evaluations";
const WHO: &str = "/access/v1/search/subject";
const WHICH: &str = "/access/v1/search/resource";
const WHAT: &str = "/access/v1/search/action";
const ALL: [&str; 5] = [ONE, MANY, WHO, WHICH, WHAT];

const LIBRARY: &str = r#"
    key = "library"
    owner = "grace"
    [[feature]]
    key = "book"
    actions = ["read", "lend", "burn"]
    scopes = ["shelf"]
    [[feature]]
    key = "garden"
    actions = ["enter"]
    [[role]]
    key = "reader"
    [[role.allow]]
    feature = "book"
    actions = ["read"]
    [[role]]
    key = "keeper"
    inherits = ["reader"]
    [[role.allow]]
    feature = "book"
    actions = ["lend", "burn"]
    [[role]]
    key = "gentle"
    inherits = ["reader"]
    [[role.deny]]
    feature = "book"
    actions = ["burn"]
    [[role]]
    key = "guest"
    birthright = true
    [[role.allow]]
    feature = "garden"
    actions = ["enter"]
    [[record]]
    feature = "book"
    id = "b-3"
    [[record]]
    feature = "book"
    id = "b-1"
    [[record]]
    feature = "book"
    id = "B-2"
    [[record]]
    feature = "book"
    id = "trap"
    canary = true
"#;

/// A library with a keeper, a reader, and one who would be a keeper but may burn nothing; the program that asks.
async fn library(house: &House) -> (Firm, Browser) {
    let firm = house.firm().await;
    let files = vec![PolicyFile { name: "library.toml".to_owned(), text: LIBRARY.to_owned() }];
    house.done(move |tx| apply::apply(tx, &files)).await;
    house.give(&firm.ada, "library/reader", 30).await;
    house.give(&firm.ben, "library/keeper", 30).await;
    house.give(&firm.mary, "library/keeper", 30).await;
    house.give(&firm.mary, "library/gentle", 30).await;
    let allow = ["bailiwick/evaluation:ask", "bailiwick/evaluation:search", "library/book:read"];
    let issued = house.key("desk", &firm.grace, Some("library"), &allow).await;
    let asker = house.browser().await.with_key(&issued.token);
    (firm, asker)
}

fn about(subject: &str, kind: &str, action: &str) -> Value {
    json!({
        "subject": { "type": "user", "id": subject },
        "action": { "name": action },
        "resource": { "type": kind, "id": "b-1" },
    })
}

/// The question, changed at one place; `None` takes the place away.
fn changed(mut body: Value, place: &str, value: Option<Value>) -> Value {
    let (parent, key) = place.rsplit_once('/').expect("a place");
    let object = body.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object");
    match value {
        Some(value) => drop(object.insert(key.to_owned(), value)),
        None => drop(object.remove(key)),
    }
    body
}

fn whole() -> Value {
    about("ada", "book", "read")
}

/// Every place at which a value is needed, with the calls that need it.
const NEEDED: [(&str, &[&str]); 7] = [
    ("/subject", &ALL),
    ("/subject/type", &ALL),
    ("/subject/id", &[ONE, MANY, WHICH, WHAT]),
    ("/action", &[ONE, MANY, WHO, WHICH]),
    ("/action/name", &[ONE, MANY, WHO, WHICH]),
    ("/resource", &ALL),
    ("/resource/type", &ALL),
];

#[actix_web::test]
async fn what_is_missing_or_of_the_wrong_type_is_400() {
    let house = House::new();
    let (_, mut asker) = library(&house).await;
    for (place, addresses) in NEEDED {
        for wrong in [None, Some(json!(null)), Some(json!(5)), Some(json!([])), Some(json!(true))] {
            for address in addresses {
                let reply = asker.post(address, changed(whole(), place, wrong.clone())).await.expect(400);
                assert_eq!(reply.header("content-type"), "application/problem+json", "{address}");
            }
        }
    }
    for address in [ONE, MANY, WHO, WHAT] {
        asker.post(address, changed(whole(), "/resource/id", None)).await.expect(400);
    }
    for place in ["/subject/properties", "/action/properties", "/resource/properties", "/context"] {
        for address in ALL.into_iter().filter(|address| *address != WHAT || place != "/action/properties") {
            for wrong in [json!([]), json!("x"), json!(3)] {
                asker.post(address, changed(whole(), place, Some(wrong))).await.expect(400);
            }
            asker.post(address, changed(whole(), place, Some(json!({})))).await.expect(200);
        }
    }
    for wrong in
        [json!([]), json!("x"), json!({ "limit": 0 }), json!({ "limit": "2" }), json!({ "limit": 1.5 })]
    {
        for address in [WHO, WHICH, WHAT] {
            asker.post(address, changed(whole(), "/page", Some(wrong.clone()))).await.expect(400);
        }
    }
    for wrong in
        [json!({ "evaluations": {} }), json!({ "options": { "evaluations_semantic": 1 } }), json!([])]
    {
        asker.post(MANY, wrong).await.expect(400);
    }
}

#[actix_web::test]
async fn what_is_not_json_or_does_not_say_so_is_400() {
    let house = House::new();
    let (_, mut asker) = library(&house).await;
    for address in ALL {
        for kind in ["", "text/plain", "application/problem+json", "application/xml", "application/json5"] {
            let request = TestRequest::post().uri(address).insert_header(("content-type", kind));
            asker.send(request.set_payload(whole().to_string())).await.expect(400);
        }
        for kind in ["application/json", "Application/JSON; charset=utf-8", "application/json;v=1"] {
            let request = TestRequest::post().uri(address).insert_header(("content-type", kind));
            asker.send(request.set_payload(whole().to_string())).await.expect(200);
        }
        let twice = format!("{{\"subject\":{{}},{}", &whole().to_string()[1..]);
        let two_ids = whole().to_string().replace(r#""id":"ada""#, r#""id":"ada","id":"ben""#);
        for body in ["", " ", "{", "[]", "null", "\"x\"", "{}{}", "\u{feff}{}", &twice, &two_ids] {
            let request =
                TestRequest::post().uri(address).insert_header(("content-type", "application/json"));
            asker.send(request.set_payload(body.to_owned())).await.expect(400);
        }
        asker.get(address).await.expect(405);
        let more = changed(whole(), "/more", Some(json!({ "deep": [1, { "er": null }] })));
        asker.post(address, more).await.expect(200);
    }
}

#[actix_web::test]
async fn limits_are_where_they_are_said_to_be() {
    let house = House::new();
    let (_, mut asker) = library(&house).await;
    let typed = |address: &str, body: String| {
        let request = TestRequest::post().uri(address).insert_header(("content-type", "application/json"));
        request.set_payload(body)
    };
    let sized = |size: usize| {
        let bare = changed(whole(), "/more", Some(json!(""))).to_string();
        bare.replace(r#""more":"""#, &format!(r#""more":"{}""#, "m".repeat(size - bare.len())))
    };
    let nested = |depth: usize| {
        let lists = format!("{}{}", "[".repeat(depth - 1), "]".repeat(depth - 1));
        format!("{{\"more\":{lists},{}", &whole().to_string()[1..])
    };
    for address in ALL {
        asker.send(typed(address, sized(MAX_BODY))).await.expect(200);
        asker.send(typed(address, sized(MAX_BODY + 1))).await.expect(413);
        asker.send(typed(address, nested(MAX_DEPTH))).await.expect(200);
        asker.send(typed(address, nested(MAX_DEPTH + 1))).await.expect(400);
        let brackets = format!("{{\"more\":\"\\\"{}\",{}", "[{".repeat(100), &whole().to_string()[1..]);
        asker.send(typed(address, brackets)).await.expect(200);
    }
    let batch = |size: usize| changed(whole(), "/evaluations", Some(vec![json!({}); size].into()));
    let answers = asker.post(MANY, batch(MAX_QUESTIONS)).await.expect(200).json();
    assert_eq!(answers["evaluations"].as_array().map(Vec::len), Some(MAX_QUESTIONS));
    asker.post(MANY, batch(MAX_QUESTIONS + 1)).await.expect(400);
    // Whoever has so long a name is nobody, and what is called so is not there.
    for place in ["/subject/id", "/subject/type", "/action/name", "/resource/type"] {
        let long = changed(whole(), place, Some(json!("a".repeat(100_000))));
        assert_eq!(asker.post(ONE, long).await.expect(200).body, r#"{"decision":false}"#);
    }
    let many = changed(whole(), "/page", Some(json!({ "limit": u64::MAX })));
    asker.post(WHO, many).await.expect(200);
}

#[actix_web::test]
async fn the_requests_id_comes_back_with_every_answer() {
    let house = House::new();
    let (firm, mut asker) = library(&house).await;
    let other = house.key("other", &firm.grace, Some("library"), &["bailiwick/events:read"]).await;
    let mut forbidden = house.browser().await.with_key(&other.token);
    let mut nobody = house.browser().await.from_origin(None);
    for address in ALL {
        let asking = |id: &str, body: String| {
            let request =
                TestRequest::post().uri(address).insert_header(("content-type", "application/json"));
            request.insert_header(("x-request-id", id.to_owned())).set_payload(body)
        };
        let id = "bfe9eb29-ab87-4ca3-be83-a1d5d8305716";
        let (good, large) = (whole().to_string(), " ".repeat(MAX_BODY + 1));
        let replies = [
            asker.send(asking(id, good.clone())).await.expect(200),
            asker.send(asking(id, "{".to_owned())).await.expect(400),
            asker.send(asking(id, large)).await.expect(413),
            forbidden.send(asking(id, good.clone())).await.expect(403),
            nobody.send(asking(id, good.clone())).await.expect(401),
        ];
        for reply in &replies {
            assert_eq!(reply.header("x-request-id"), id);
        }
        assert!(replies[4].header("www-authenticate").starts_with("Bearer"));
        for strange in ["a".repeat(129), "two words".to_owned(), "ä".to_owned()] {
            let reply = asker.send(asking(&strange, good.clone())).await.expect(200);
            assert_eq!(reply.header("x-request-id").len(), 36, "an id of ours in the place of {strange}");
        }
    }
}

#[actix_web::test]
async fn the_metadata_says_where_everything_is_and_nothing_empty() {
    let house = House::new();
    let answer = house.browser().await.from_origin(None).get("/.well-known/authzen-configuration").await;
    let at = |path: &str| format!("https://localhost:8443/access/v1/{path}");
    assert_eq!(
        answer.expect(200).json(),
        json!({
            "policy_decision_point": "https://localhost:8443",
            "access_evaluation_endpoint": at("evaluation"),
            "access_evaluations_endpoint": at("evaluations"),
            "search_subject_endpoint": at("search/subject"),
            "search_resource_endpoint": at("search/resource"),
            "search_action_endpoint": at("search/action"),
        })
    );
}
