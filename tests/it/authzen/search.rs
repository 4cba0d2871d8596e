//! Searches: they find what questions permit, page by page.

use bailiwick::access::grants::{self, NewGrant};
use bailiwick::access::keys;
use bailiwick::accounts::{self, NewPerson};
use chrono::Duration;
use serde_json::{Value, json};

use super::{ONE, WHAT, WHICH, WHO, about, changed, library, whole};
use crate::support::{Browser, House, wanted};

/// What a search finds, over all its pages of two.
async fn all(asker: &mut Browser, address: &str, question: &Value) -> Vec<String> {
    let (mut found, mut token) = (Vec::new(), String::new());
    loop {
        let mut body = question.clone();
        body["page"] = json!({ "limit": 2, "token": token });
        let answer = asker.post(address, body).await.expect(200).json();
        let results = answer["results"].as_array().expect("results");
        assert!(results.len() <= 2 && answer["page"]["count"] == results.len());
        let name = |result: &Value| {
            let name = if address == WHAT { &result["name"] } else { &result["id"] };
            name.as_str().expect("a name").to_owned()
        };
        found.extend(results.iter().map(name));
        answer["page"]["next_token"].as_str().expect("a token").clone_into(&mut token);
        if token.is_empty() {
            return found;
        }
    }
}

#[actix_web::test]
async fn a_search_finds_what_questions_permit_and_nothing_else() {
    let house = House::new();
    let (_, mut asker) = library(&house).await;
    let people = ["ada", "ben", "grace", "mary", "tomasz.wisniewski"];
    let features: [(&str, &[&str]); 3] =
        [("book", &["burn", "lend", "read"]), ("garden", &["enter"]), ("nothing", &["read"])];
    let records = ["B-2", "b-1", "b-3", "b-4", "trap"];
    let mut permitted = Vec::new();
    for (kind, actions) in features {
        for (person, action) in people.iter().flat_map(|person| actions.iter().map(move |one| (person, one)))
        {
            let question = about(person, kind, action);
            if asker.post(ONE, question).await.expect(200).json()["decision"] == true {
                permitted.push((*person, kind, *action));
            }
        }
    }
    assert_eq!(permitted.len(), 1 + 3 + 2 + 5, "{permitted:?}");
    for (kind, actions) in features {
        for action in actions {
            let mut found = all(&mut asker, WHO, &about("", kind, action)).await;
            found.sort();
            let expected: Vec<_> =
                people.into_iter().filter(|one| permitted.contains(&(one, kind, action))).collect();
            assert_eq!(found, expected, "who may {action} {kind}?");
        }
        for person in people {
            let expected: Vec<_> =
                actions.iter().copied().filter(|one| permitted.contains(&(person, kind, one))).collect();
            assert_eq!(all(&mut asker, WHAT, &about(person, kind, "")).await, expected, "{person} {kind}");
            for action in actions {
                let found = all(&mut asker, WHICH, &about(person, kind, action)).await;
                let may = kind == "book" && permitted.contains(&(person, kind, action));
                let expected = if may { records[..3].to_vec() } else { Vec::new() };
                assert_eq!(found, expected, "what may {person} {action}?");
            }
        }
    }
    let services = changed(about("", "book", "read"), "/subject/type", Some(json!("service")));
    assert_eq!(all(&mut asker, WHO, &services).await, ["desk"], "its own key may read");
}

#[actix_web::test]
async fn a_search_judges_scope_with_the_properties_it_is_given() {
    let house = House::new();
    let (firm, mut asker) = library(&house).await;
    let scope = Some([("shelf".to_owned(), vec!["top".to_owned()])].into());
    let grant = wanted(&firm.grace, "library/reader", Some(house.in_days(9)));
    let grant = NewGrant { scope, ..grant };
    house.done(move |tx| grants::grant(tx, &grant)).await;
    for (shelf, finds) in [(json!("top"), true), (json!("low"), false), (json!(null), false)] {
        let place = "/resource/properties";
        let question = changed(about("grace", "book", "read"), place, Some(json!({ "shelf": shelf })));
        let found = |list: Vec<String>, name: &str| list.iter().any(|one| one == name);
        assert_eq!(found(all(&mut asker, WHO, &question).await, "grace"), finds, "{shelf}");
        assert_eq!(found(all(&mut asker, WHAT, &question).await, "read"), finds, "{shelf}");
        assert_eq!(found(all(&mut asker, WHICH, &question).await, "b-1"), finds, "{shelf}");
    }
    // A grant ends for a search at the instant at which it ends for a question.
    house.advance(Duration::days(30) - Duration::microseconds(1));
    assert_eq!(all(&mut asker, WHICH, &about("ada", "book", "read")).await.len(), 3);
    house.advance(Duration::microseconds(1));
    assert!(all(&mut asker, WHICH, &about("ada", "book", "read")).await.is_empty());
}

#[actix_web::test]
async fn results_have_their_keys_and_no_others() {
    let house = House::new();
    let (_, mut asker) = library(&house).await;
    let bodies = [
        (WHO, r#"{"results":[{"type":"user","id":"ben"}]}"#),
        (
            WHICH,
            r#"{"results":[{"type":"book","id":"B-2"},{"type":"book","id":"b-1"},{"type":"book","id":"b-3"}]}"#,
        ),
        (WHAT, r#"{"results":[{"name":"burn"},{"name":"lend"},{"name":"read"}]}"#),
    ];
    for (address, expected) in bodies {
        let answer = asker.post(address, about("ben", "book", "burn")).await.expect(200);
        assert_eq!(answer.body, expected);
        assert_eq!(answer.header("content-type"), "application/json");
    }
    let paged = changed(about("", "book", "burn"), "/page", Some(json!({})));
    let expected = r#"{"page":{"next_token":"","count":1},"results":[{"type":"user","id":"ben"}]}"#;
    assert_eq!(asker.post(WHO, paged).await.expect(200).body, expected, "the page comes first");
    // The type is repeated as it was asked for, and a key of wider scope names the application.
    let grace = house.app.directory().search("grace", 1, |_, _| true).remove(0);
    let wide = house.key("wide", &grace, None, &["bailiwick/evaluation:search"]).await;
    let mut wide = house.browser().await.with_key(&wide.token);
    let answer = wide.post(WHICH, about("ada", "library/book", "read")).await.expect(200).json();
    assert_eq!(answer["results"][0], json!({ "type": "library/book", "id": "B-2" }));
    assert_eq!(wide.post(WHICH, whole()).await.expect(200).body, r#"{"results":[]}"#);
}

#[actix_web::test]
async fn what_nobody_knows_finds_nothing_and_what_is_looked_for_is_not_read() {
    let house = House::new();
    let (_, mut asker) = library(&house).await;
    for (address, place, value) in [
        (WHO, "/subject/type", json!("robot")),
        (WHO, "/resource/type", json!("nothing")),
        (WHO, "/resource/type", json!("orders/order")),
        (WHO, "/action/name", json!("paint")),
        (WHICH, "/subject/id", json!("nobody")),
        (WHICH, "/subject/type", json!("robot")),
        (WHICH, "/resource/type", json!("nothing")),
        (WHAT, "/subject/id", json!("nobody")),
        (WHAT, "/resource/type", json!("nothing")),
    ] {
        let body = changed(whole(), place, Some(value));
        let answer = asker.post(address, body).await.expect(200);
        assert_eq!(answer.body, r#"{"results":[]}"#, "{address} {place}");
    }
    for (address, place) in [(WHO, "/subject/id"), (WHICH, "/resource/id"), (WHAT, "/action")] {
        let expected = asker.post(address, changed(whole(), place, None)).await.expect(200).body;
        assert!(expected.len() > 20, "{expected}");
        for value in [json!("zz"), json!(""), json!(7), json!(null), json!({ "name": 3 })] {
            let answer = asker.post(address, changed(whole(), place, Some(value))).await.expect(200);
            assert_eq!(answer.body, expected, "{address}");
        }
    }
}

#[actix_web::test]
async fn a_page_goes_on_only_for_its_own_search() {
    let house = House::new();
    let (firm, mut asker) = library(&house).await;
    let paged = |page: Value| changed(about("ben", "book", "read"), "/page", Some(page));
    let first = asker.post(WHICH, paged(json!({ "limit": 1 }))).await.expect(200).json();
    let token = first["page"]["next_token"].as_str().expect("a token").to_owned();
    let next = |token: &str| paged(json!({ "token": token }));
    let second = asker.post(WHICH, next(&token)).await.expect(200).json();
    assert_eq!(second["results"], json!([{ "type": "book", "id": "b-1" }]), "the limit is that of before");
    let rest = asker.post(WHICH, paged(json!({ "token": token, "limit": 50 }))).await.expect(200).json();
    assert_eq!(
        (rest["results"].as_array().map(Vec::len), &rest["page"]["next_token"]),
        (Some(2), &json!(""))
    );
    // What is looked for is not read on the next page either.
    let other_id = changed(next(&token), "/resource/id", Some(json!("b-77")));
    asker.post(WHICH, other_id).await.expect(200);
    for (place, value) in [
        ("/subject/id", json!("ada")),
        ("/action/name", json!("lend")),
        ("/resource/properties", json!({})),
        ("/context", json!({ "purpose": "x" })),
    ] {
        asker.post(WHICH, changed(next(&token), place, Some(value))).await.expect(400);
    }
    asker.post(WHO, next(&token)).await.expect(400);
    let same = ["bailiwick/evaluation:search"];
    let other = house.key("other", &firm.grace, Some("library"), &same).await;
    house.browser().await.with_key(&other.token).post(WHICH, next(&token)).await.expect(400);
    let (said, mark) = token.split_once('.').expect("two parts");
    let more = format!("{said}A.{mark}");
    let swapped = format!("{said}.{}", mark.chars().rev().collect::<String>());
    for forged in [&more, &swapped, said, ".", "x", &format!(".{mark}"), &token.repeat(100)] {
        asker.post(WHICH, next(forged)).await.expect(400);
    }
    house.advance(Duration::hours(1) - Duration::microseconds(1));
    asker.post(WHICH, next(&token)).await.expect(200);
    house.advance(Duration::microseconds(1));
    asker.post(WHICH, next(&token)).await.expect(400);
}

#[actix_web::test]
async fn a_token_is_good_on_another_node_and_after_a_start() {
    let house = House::new();
    let (_, mut asker) = library(&house).await;
    let paged = |page: Value| changed(about("ben", "book", "read"), "/page", Some(page));
    let first = asker.post(WHICH, paged(json!({ "limit": 2 }))).await.expect(200).json();
    let again = house.started_again();
    let mut there = Browser::of(again).await.asking_like(&asker);
    let second = paged(json!({ "token": first["page"]["next_token"] }));
    let answer = there.post(WHICH, second).await.expect(200).json();
    assert_eq!(answer["results"], json!([{ "type": "book", "id": "b-3" }]));
}

#[actix_web::test]
async fn people_are_called_as_other_systems_call_them() {
    let house = House::new();
    let (_, mut asker) = library(&house).await;
    let new = NewPerson {
        username: Some("rick".to_owned()),
        given_name: Some("Rick".to_owned()),
        family_name: Some("Example".to_owned()),
        external_id: Some("CiRmZDA2MTRkMy1jMzlhLTQ3ODEtYjdiZA".to_owned()),
        ..NewPerson::default()
    };
    let rick = house
        .done(move |tx| {
            let account = accounts::create_person(tx, new)?.id;
            accounts::enrol(tx, &account)?;
            Ok(account)
        })
        .await;
    house.give(&rick, "library/keeper", 30).await;
    let mut found = all(&mut asker, WHO, &about("", "book", "burn")).await;
    found.sort();
    assert_eq!(found, ["CiRmZDA2MTRkMy1jMzlhLTQ3ODEtYjdiZA", "ben"], "in its own spelling");
    for name in ["CiRmZDA2MTRkMy1jMzlhLTQ3ODEtYjdiZA", "rick", rick.as_str()] {
        let answer = asker.post(ONE, about(name, "book", "burn")).await.expect(200);
        assert_eq!(answer.body, r#"{"decision":true}"#, "{name}");
    }
}

#[actix_web::test]
async fn whoever_may_only_ask_learns_no_names() {
    let house = House::new();
    let (firm, _) = library(&house).await;
    let issued = house.key("asker", &firm.grace, Some("library"), &["bailiwick/evaluation:ask"]).await;
    let mut asker = house.browser().await.with_key(&issued.token);
    asker.post(ONE, whole()).await.expect(200);
    for address in [WHO, WHICH, WHAT] {
        let reply = asker.post(address, whole()).await.expect(403);
        assert!(!reply.body.contains("ada"), "{}", reply.body);
    }
    let allow = ["bailiwick/evaluation:search"];
    let searcher = house.key("searcher", &firm.grace, Some("library"), &allow).await;
    let mut searching = house.browser().await.with_key(&searcher.token);
    searching.post(WHO, whole()).await.expect(200);
    searching.post(ONE, whole()).await.expect(403);
    let key = searcher.key.clone();
    house.done(move |tx| keys::revoke(tx, &key, "direct")).await;
    searching.post(WHO, whole()).await.expect(401);
}

#[actix_web::test]
async fn a_search_of_a_state_that_is_not_there_yet_finds_nothing() {
    let house = House::new();
    let (firm, mut asker) = library(&house).await;
    let written = house.write(move |tx| accounts::set_strong_factor(tx, &firm.ada, true).map(drop)).await;
    let revision = written.expect("written").revision;
    let at = |revision: u64| changed(whole(), "/context", Some(json!({ "min_revision": revision })));
    assert_eq!(
        asker.post(WHICH, at(revision)).await.expect(200).json()["results"].as_array().map(Vec::len),
        Some(3)
    );
    for address in [WHO, WHICH, WHAT] {
        assert_eq!(asker.post(address, at(revision + 1_000)).await.expect(200).body, r#"{"results":[]}"#);
    }
}
