//! Bad input at every door: made from the route table and the description of the API, so that a new call is tried
//! without anybody thinking of it. Whatever is sent, a problem of a documented type comes back, and nothing changes.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use bailiwick::decision::authzen::MAX_BODY;
use bailiwick::http::BODY_LIMIT;
use bailiwick::http::problem::TYPES;
use bailiwick::http::routes::{Row, TABLE};
use bailiwick::log::event::Change;
use serde_json::{Value, json};

use crate::support::calls::{Call, Stage, Who, Words};
use crate::support::contract::{Field, body_of, fields, operation, present};
use crate::support::{House, Reply};

/// What somebody might send, and must never get back.
const SENT: &str = "Quarrelsome";

/// Calls that answer whatever a body holds beyond their own fields, and say so with 400: AuthZEN 1.0 wants both.
fn is_authzen(row: &Row) -> bool {
    row.path.starts_with("/access/v1/")
}

fn name(row: &Row) -> String {
    format!("{} {}", row.method, row.path)
}

/// Rows that take a JSON body.
fn rows() -> impl Iterator<Item = (&'static Row, &'static Value)> {
    TABLE.iter().filter_map(|row| {
        let operation = operation(row.method.as_str(), row.path)?;
        body_of(operation).map(|(schema, _)| (row, schema))
    })
}

/// How many events there are.
fn events(house: &House) -> u64 {
    house.app.read_now(|reader| bailiwick::log::store::size(reader.connection)).expect("the log")
}

/// What is wrong with an answer to bad input.
fn fault(reply: &Reply) -> Option<String> {
    if !(400..500).contains(&reply.status) {
        return Some(format!("{} {}", reply.status, reply.body));
    }
    if !reply.header("content-type").starts_with("application/problem+json") {
        return Some(format!("its kind is {}", reply.header("content-type")));
    }
    let problem = reply.json();
    let slug = problem["type"].as_str().unwrap_or_default().trim_start_matches("/problems/");
    if !TYPES.iter().any(|(known, _)| *known == slug) {
        return Some(format!("its type is {}", problem["type"]));
    }
    if problem["detail"].as_str().is_none_or(str::is_empty) {
        return Some("it does not say what is wrong".to_owned());
    }
    reply.body.contains(SENT).then(|| format!("it repeats what was sent: {}", reply.body))
}

/// Sends bytes as a body.
async fn send(stage: &mut Stage, who: Who, row: &Row, address: &str, kind: &str, body: Vec<u8>) -> Reply {
    let request = TestRequest::with_uri(address).method(row.method.clone());
    let request = request.insert_header(("content-type", kind.to_owned())).set_payload(body);
    stage.browser(who).send(request).await
}

/// The call of a row, to be spoilt.
fn call(stage: &Stage, row: &Row) -> Call {
    stage.calls(&name(row), &mut Words::default()).swap_remove(0)
}

#[actix_web::test]
async fn a_body_that_is_not_what_it_should_be_is_refused_everywhere() {
    let mut stage = Stage::new().await;
    let before = events(&stage.house);
    let mut faults = Vec::new();
    let deep = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth)).into_bytes();
    let json_kind = "application/json";
    for (row, _) in rows() {
        let limit = if is_authzen(row) { MAX_BODY } else { BODY_LIMIT };
        let Call { who, address, body } = call(&stage, row);
        let good = body.to_string().into_bytes();
        let mut not_text = good.clone();
        not_text.splice(1..1, b"\"\xff\xfe\":1,".iter().copied());
        let other = if body.is_array() { json!({ "a": SENT }) } else { json!([body.clone()]) };
        let tries: Vec<(&str, &str, Vec<u8>)> = vec![
            ("cut off", json_kind, good[..good.len() - 1].to_vec()),
            ("not JSON", json_kind, format!("{{{SENT}").into_bytes()),
            ("not UTF-8", json_kind, not_text),
            ("a word", json_kind, format!("\"{SENT}\"").into_bytes()),
            ("a number", json_kind, b"5".to_vec()),
            ("null", json_kind, b"null".to_vec()),
            ("blank", json_kind, b"  ".to_vec()),
            ("the other of list and object", json_kind, other.to_string().into_bytes()),
            ("twice", json_kind, [good.clone(), good.clone()].concat()),
            ("deep", json_kind, deep(200)),
            ("very deep", json_kind, deep(10_000)),
            ("too large", json_kind, format!("{{\"a\":\"{}\"}}", "a".repeat(limit)).into_bytes()),
            ("no kind", "", good.clone()),
            ("plain text", "text/plain", good.clone()),
            ("a form", "application/x-www-form-urlencoded", good.clone()),
            ("XML", "application/xml", good.clone()),
        ];
        for (what, kind, bytes) in tries {
            let reply = send(&mut stage, who, row, &address, kind, bytes).await;
            let wanted: &[u16] = match what {
                "too large" => &[413],
                _ if is_authzen(row) => &[400],
                "no kind" | "plain text" | "a form" | "XML" => &[415],
                _ => &[400, 422],
            };
            let wrong =
                fault(&reply).or_else(|| (!wanted.contains(&reply.status)).then(|| reply.body.clone()));
            faults.extend(wrong.map(|fault| format!("{} with {what}: {} {fault}", name(row), reply.status)));
        }
    }
    assert!(faults.is_empty(), "take bodies with `http::Json`, `JsonList` or `OptionalJson`: {faults:#?}");
    assert_eq!(events(&stage.house), before, "something was changed");
}

/// Puts a value into the place of a field; `None` takes the field away.
fn spoilt(body: &Value, field: &Field, value: Option<Value>) -> Option<Value> {
    let mut body = body.clone();
    let (last, path) = field.place.split_last()?;
    let mut at = &mut body;
    for part in path {
        at = match part.as_str() {
            "0" => at.as_array_mut()?.first_mut()?,
            name => at.get_mut(name).filter(|inner| !inner.is_null())?,
        };
    }
    match (at, value) {
        (Value::Array(list), Some(value)) if last == "0" => *list.first_mut()? = value,
        (Value::Object(object), Some(value)) => drop(object.insert(last.clone(), value)),
        (Value::Object(object), None) => drop(object.remove(last)?),
        _ => return None,
    }
    Some(body)
}

/// What a field must not be: of another kind, beyond its limits, another word.
fn wrong_values(field: &Field) -> Vec<(String, Value)> {
    let schema = present(&field.schema);
    let may = |kind: &str| {
        schema["type"] == kind
            || schema["type"].as_array().is_some_and(|all| all.iter().any(|one| one == kind))
    };
    let text = may("string") || schema["anyOf"].is_array();
    let mut wrong = Vec::new();
    let mut add = |what: &str, value: Value| wrong.push((what.to_owned(), value));
    if !may("object") {
        add("an object", json!({ "a": SENT }));
    }
    if !may("array") {
        add("a list", json!([SENT]));
    }
    if !text {
        add("a text", json!(SENT));
    }
    if !may("integer") {
        add("a number", json!(5));
    }
    if !may("boolean") {
        add("true", json!(true));
    }
    if text && (schema["format"].is_string() || schema["enum"].is_array() || schema["anyOf"].is_array()) {
        add("another word", json!(SENT));
        add("nothing", json!(""));
    }
    if text {
        add("U+0000", json!(format!("a\0{SENT}")));
    }
    if let Some(most) = schema["maxLength"].as_u64() {
        add("too long", json!("ä".repeat(usize::try_from(most).expect("a size") + 1)));
    }
    if let Some(least) = schema["minLength"].as_u64() {
        add("too short", json!("ä".repeat(usize::try_from(least).expect("a size") - 1)));
    }
    if let Some(most) = schema["maximum"].as_f64() {
        add("too large", json!(most as u64 + 1));
        add("far too large", json!(u64::MAX));
    }
    if may("integer") {
        add("negative", json!(-1));
        add("a fraction", json!(1.5));
    }
    wrong
}

/// What the fields of AuthZEN's questions may be beyond their kind: names that nobody has, with the answer `false`.
fn is_answered(what: &str) -> bool {
    matches!(what, "U+0000" | "too long" | "too short" | "nothing")
}

#[actix_web::test]
async fn a_field_that_is_not_what_it_should_be_is_refused_everywhere() {
    let mut stage = Stage::new().await;
    let before = events(&stage.house);
    let mut faults = Vec::new();
    let mut tried = 0;
    for (row, schema) in rows() {
        for Call { who, address, body } in stage.calls(&name(row), &mut Words::default()) {
            let mut tries: Vec<(String, Value)> = Vec::new();
            for field in fields(schema) {
                let place = field.place.join(".");
                if field.required && spoilt(&body, &field, None).is_some() {
                    tries.extend(spoilt(&body, &field, None).map(|body| (format!("without {place}"), body)));
                    tries.extend(
                        spoilt(&body, &field, Some(Value::Null)).map(|body| (format!("{place} null"), body)),
                    );
                }
                for (what, value) in wrong_values(&field) {
                    if !(is_authzen(row) && is_answered(&what)) {
                        tries.extend(
                            spoilt(&body, &field, Some(value)).map(|body| (format!("{place} {what}"), body)),
                        );
                    }
                }
            }
            if !is_authzen(row) {
                let mut more = body.clone();
                let object = if more.is_array() { &mut more[0] } else { &mut more };
                object[SENT] = json!(SENT);
                tries.push(("an unknown field".to_owned(), more));
            }
            for (what, body) in tries {
                tried += 1;
                let bytes = body.to_string().into_bytes();
                let reply = send(&mut stage, who, row, &address, "application/json", bytes).await;
                // One entry of a list that is wrong is answered by itself.
                let by_itself = row.path.ends_with("/decisions") && reply.status == 200;
                if by_itself && reply.json()["items"][0]["outcome"] == "refused" && !reply.body.contains(SENT)
                {
                    continue;
                }
                faults.extend(fault(&reply).map(|fault| format!("{} with {what}: {fault}", name(row))));
            }
        }
    }
    assert!(tried > 500, "{tried} tries");
    assert!(faults.is_empty(), "{} of {tried}: {faults:#?}", faults.len());
    // Wrong names and passwords are tried one after the other, as by somebody who guesses: that locks, and is an alarm.
    let mut new = stage.house.all_events().split_off(usize::try_from(before).expect("a count"));
    new.retain(|event| match &event.change {
        Change::AlarmRaised { rule, .. } => rule != "guessing",
        change => !matches!(change, Change::PasswordLocked { .. }),
    });
    assert!(new.is_empty(), "something was changed: {new:?}");
}

#[actix_web::test]
async fn a_parameter_that_is_not_what_it_should_be_is_refused_everywhere() {
    let mut stage = Stage::new().await;
    let before = events(&stage.house);
    let mut faults = Vec::new();
    let long = "a".repeat(513);
    for row in TABLE.iter().filter(|row| row.path.starts_with("/api/") && row.method == Method::GET) {
        let described = operation("GET", row.path).expect("it is described");
        let base = row.path.replace("{id}", &stage.life.campaign).replace("{item}", &stage.life.item);
        let mut tries = vec![format!("{base}?{SENT}=1"), format!("{base}?{}", "a=1&".repeat(2_100))];
        for parameter in described["parameters"].as_array().into_iter().flatten() {
            let (name, schema) = (parameter["name"].as_str().expect("a name"), present(&parameter["schema"]));
            if parameter["in"] != "query" {
                continue;
            }
            tries.push(format!("{base}?{name}={long}"));
            tries.push(format!("{base}?{name}=%00"));
            let free = schema["enum"].is_null() && schema["format"].is_null();
            let text = schema["type"].to_string().contains("string");
            if !(free && text) {
                tries.push(format!("{base}?{name}={SENT}"));
                tries.push(format!("{base}?{name}=-1"));
                tries.push(format!("{base}?{name}="));
            }
            if let Some(most) = schema["maximum"].as_f64() {
                tries.push(format!("{base}?{name}={}", most as u64 + 1));
            }
        }
        for address in tries {
            let reply = stage.browser(Who::Priya).get(&address).await;
            let address: String = address.chars().take(90).collect();
            faults.extend(fault(&reply).map(|fault| format!("{address}: {fault}")));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!(events(&stage.house), before, "something was changed");
}

#[actix_web::test]
async fn an_address_that_is_none_and_a_method_that_is_none_are_problems_too() {
    let mut stage = Stage::new().await;
    let before = events(&stage.house);
    let mut faults = Vec::new();
    let long = format!("/api/v1/accounts/{}", "a".repeat(2_000));
    let unknown =
        ["/api/v1/Quarrelsome", "/api/v1", "/access/v1/search/nothing", "/api/v1/accounts/%00", &long];
    for address in unknown {
        let reply = stage.browser(Who::Priya).get(address).await;
        faults.extend(fault(&reply).map(|fault| format!("GET {address}: {fault}")));
    }
    let calls = || TABLE.iter().filter(|row| operation(row.method.as_str(), row.path).is_some());
    for row in calls() {
        let address = row.path.replace("{id}", SENT).replace("{item}", SENT).replace("{system}", SENT);
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let request = TestRequest::with_uri(&address).method(method.clone());
            if calls().any(|other| other.path == row.path && other.method == method) {
                if row.path.contains('{') && row.method == method {
                    let request =
                        request.insert_header(("content-type", "application/json")).set_payload("{}");
                    let reply = stage.browser(Who::Priya).send(request).await;
                    faults.extend(fault(&reply).map(|fault| format!("{method} {address}: {fault}")));
                }
                continue;
            }
            let reply = stage.browser(Who::Priya).send(request).await;
            let wrong = fault(&reply).or_else(|| (reply.status != 405).then(|| reply.body.clone()));
            faults.extend(wrong.map(|fault| format!("{method} {address}: {} {fault}", reply.status)));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!(events(&stage.house), before, "something was changed");
}
