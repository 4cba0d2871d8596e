//! What every answer has: headers, problems, request ids.

use serde_json::json;

use crate::support::House;

#[actix_web::test]
async fn the_house_is_live_and_ready_before_anybody_signed_in() {
    let house = House::new();
    let mut browser = house.browser().await;
    browser.get("/health/live").await.expect(200);
    assert_eq!(browser.get("/health/ready").await.expect(200).json()["state"], "ready");
}

#[actix_web::test]
async fn every_answer_has_the_security_headers_and_an_id() {
    let house = House::new();
    let mut browser = house.browser().await;
    for path in ["/health/live", "/nowhere", "/api/v1/nowhere"] {
        let reply = browser.get(path).await;
        assert!(reply.header("content-security-policy").starts_with("default-src 'none'"), "{path}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(reply.header("cache-control"), "no-store", "{path}");
        assert_eq!(reply.header("x-request-id").len(), 36, "{path}");
    }
}

#[actix_web::test]
async fn an_unknown_address_is_a_problem_for_programs_and_a_page_for_people() {
    let house = House::new();
    let mut browser = house.browser().await;
    let reply = browser.get("/api/v1/nowhere").await.expect(404);
    assert_eq!(reply.header("content-type"), "application/problem+json");
    assert_eq!(reply.json()["type"], "/problems/not-found");
    let reply = browser.get("/nowhere").await.expect(404);
    assert!(reply.header("content-type").starts_with("text/html"), "{}", reply.header("content-type"));
    assert!(reply.body.contains("<h1>There is no such thing here</h1>"), "{}", reply.body);
}

#[actix_web::test]
async fn a_known_address_with_another_method_is_405() {
    let house = House::new();
    let mut browser = house.browser().await;
    let reply = browser.post("/health/live", json!({})).await.expect(405);
    assert_eq!(reply.json()["type"], "/problems/method-not-allowed");
}
