//! The description of the API and the route table say the same; every input has its limits written down.

use std::collections::BTreeSet;

use bailiwick::http::routes::{Needs, TABLE};
use serde_json::Value;

use crate::support::House;
use crate::support::contract::{self, body_of, document, fields, operation, resolved};

/// Addresses for programs that are no calls.
const NO_CALLS: &[&str] = &[
    // Style sheets and scripts.
    "/static/{path:.*}",
    // Proxies ask it in headers of their own; docs/forward-auth.md says how.
    "/forward-auth",
    "/forward-auth/{path:.*}",
];

/// Whether an address is for programs, and so to be described.
fn is_call(path: &str) -> bool {
    bailiwick::http::guard::is_for_programs(path) && !NO_CALLS.contains(&path)
}

#[test]
fn every_call_is_described_and_nothing_else() {
    let rows: BTreeSet<String> = TABLE
        .iter()
        .filter(|row| is_call(row.path))
        .map(|row| format!("{} {}", row.method, row.path))
        .collect();
    let described: BTreeSet<String> = document()["paths"]
        .as_object()
        .expect("paths")
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().expect("a path").keys();
            methods.map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    let missing: Vec<_> = rows.difference(&described).collect();
    let stale: Vec<_> = described.difference(&rows).collect();
    assert!(
        missing.is_empty(),
        "put `#[utoipa::path(…)]` above the handler and its name into the list of src/http/openapi.rs: {missing:#?}"
    );
    assert!(stale.is_empty(), "described, but not in the route table: {stale:#?}");
}

#[test]
fn every_call_says_who_may_call_it_and_what_comes_back() {
    let mut names = BTreeSet::new();
    for row in TABLE.iter().filter(|row| is_call(row.path)) {
        let place = format!("{} {}", row.method, row.path);
        let operation = operation(row.method.as_str(), row.path).expect("it is described");
        let name = operation["operationId"].as_str().expect("a name");
        assert!(names.insert(name), "{place}: {name} is used twice");
        let security = operation["security"].as_array().expect("security");
        assert_eq!(security.is_empty(), row.needs == Needs::Nothing, "{place}: {security:?}");
        if let Needs::Permission(feature, action) = row.needs {
            let said = operation["description"].as_str().unwrap_or_default();
            assert!(said.contains(&format!("bailiwick/{feature}:{action}")), "{place}: {said}");
        }
        let responses = operation["responses"].as_object().expect("responses");
        let good = responses.iter().filter(|(status, _)| status.starts_with(['2', '3']));
        assert!(good.count() > 0, "{place}: what does it answer?");
        for (status, response) in responses {
            let Some(content) = response["content"].as_object() else { continue };
            for (kind, content) in content {
                let schema = resolved(&content["schema"]);
                assert!(schema.is_object(), "{place}: {status} as {kind} has no schema");
                let problem = status.starts_with(['4', '5']);
                assert_eq!(kind == "application/problem+json", problem, "{place}: {status} as {kind}");
            }
        }
    }
}

#[test]
fn parameters_of_a_path_are_described() {
    for row in TABLE.iter().filter(|row| is_call(row.path)) {
        let operation = operation(row.method.as_str(), row.path).expect("it is described");
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let described: BTreeSet<&str> = parameters
            .iter()
            .filter(|one| one["in"] == "path")
            .filter_map(|one| one["name"].as_str())
            .collect();
        let named: BTreeSet<&str> =
            row.path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
        assert_eq!(described, named, "{}", row.path);
    }
}

/// What a schema lacks to be a limit.
fn unlimited(schema: &Value) -> Option<&'static str> {
    let schema = contract::present(schema);
    if let Some(choices) = schema["anyOf"].as_array() {
        return choices.iter().find_map(unlimited);
    }
    let has = |kind: &str| {
        schema["type"] == kind
            || schema["type"].as_array().is_some_and(|all| all.iter().any(|one| one == kind))
    };
    let there = |name: &str| !schema[name].is_null();
    if has("string") && !there("maxLength") && !there("enum") && !there("format") {
        Some("max_length")
    } else if has("array") && !there("maxItems") {
        Some("max_items")
    } else if has("integer") && !there("maximum") && !there("format") {
        Some("maximum")
    } else {
        None
    }
}

#[test]
fn every_input_has_its_limit_written_down() {
    let mut faults = Vec::new();
    for row in TABLE.iter().filter(|row| is_call(row.path)) {
        // AuthZEN wants an answer: who has a name that long is nobody, and the body has its limit.
        if row.path.starts_with("/access/v1/") {
            continue;
        }
        let operation = operation(row.method.as_str(), row.path).expect("it is described");
        let place = format!("{} {}", row.method, row.path);
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let lacking = unlimited(&parameter["schema"]);
            faults.extend(lacking.map(|what| format!("{place}: {} lacks {what}", parameter["name"])));
        }
        for field in body_of(operation).map(|(schema, _)| fields(schema)).unwrap_or_default() {
            let lacking = unlimited(&field.schema);
            faults.extend(lacking.map(|what| format!("{place}: {} lacks {what}", field.place.join("."))));
        }
    }
    assert!(
        faults.is_empty(),
        "say it with #[schema(max_length = …)] and refuse what is longer: {faults:#?}"
    );
}

#[actix_web::test]
async fn anybody_may_read_the_description() {
    let house = House::new();
    let reply = house.browser().await.get("/openapi.json").await.expect(200);
    assert!(reply.header("content-type").starts_with("application/json"));
    assert_eq!(&reply.json(), document());
    assert!(reply.json()["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
}

#[test]
fn the_validator_of_the_tests_refuses_what_is_not_described() {
    let schema = serde_json::json!({
        "type": "object", "required": ["a"],
        "properties": { "a": { "type": "string", "enum": ["x"] }, "b": { "type": ["integer", "null"] } }
    });
    let fits = |text: &str| contract::fits(&serde_json::from_str(text).expect("JSON"), &schema).is_ok();
    assert!(fits(r#"{"a":"x"}"#) && fits(r#"{"a":"x","b":null}"#));
    for wrong in [r"{}", r#"{"a":"y"}"#, r#"{"a":1}"#, r#"{"a":"x","b":"1"}"#, r#"{"a":"x","c":1}"#, "[]"] {
        assert!(!fits(wrong), "{wrong}");
    }
}
