//! The leaver: the last day stands in the file, access ends with it, the case follows.

use bailiwick::clock::Timestamp;
use chrono::Duration;
use serde_json::json;

use super::{Story, may_read_address};
use crate::support::decision;

/// Niklas's last day is 18 December: until its last microsecond in the company's zone everything works, at midnight
/// nothing does, though no job has run. Then the jobs do the rest.
pub async fn the_leaver_of_the_file_is_gone_at_the_instant(story: &mut Story) {
    let house = &story.house;
    let end: Timestamp = Timestamp::parse("2026-12-19T00:00:00Z").expect("an instant");
    house.advance(end.since(house.now()) - Duration::minutes(10));
    house.back_again(&mut story.niklas).await;
    let question = may_read_address("niklas.engstroem", "2026-12-10", "UK");

    house.advance(end.since(house.now()) - Duration::microseconds(1));
    assert!(decision(&mut story.desk, &question).await, "one microsecond before");
    story.niklas.browser.get("/api/v1/me").await.expect(200);
    house.advance(Duration::microseconds(1));
    assert!(!decision(&mut story.desk, &question).await, "at the instant");
    story.niklas.browser.get("/api/v1/me").await.expect(401);
    story.niklas.browser.get("/requests").await.expect(303);
    let (status, body) = {
        let mut stranger = house.browser().await;
        let right = house.try_password(&mut stranger, "niklas.engstroem", crate::support::PASSWORD).await;
        let wrong = house.try_password(&mut stranger, "niklas.engstroem", "Bridge 9 over the lake!").await;
        assert_eq!(right, wrong, "who has left is refused like anybody");
        right
    };
    assert_eq!(status, 401, "{body}");

    house.advance(Duration::minutes(1));
    house.run_jobs().await;
    the_case_is_closed_and_verified(story).await;
}

async fn the_case_is_closed_and_verified(story: &mut Story) {
    let house = &story.house;
    house.back_again(&mut story.dmitri).await;
    let dmitri = &mut story.dmitri.browser;
    let niklas = story.niklas.id();
    let list = dmitri.get("/api/v1/leavers?view=closed&limit=200").await.expect(200).json();
    let cases = list["items"].as_array().expect("a list");
    let case = cases.iter().find(|case| case["account"] == niklas.as_str());
    let id = case.and_then(|case| case["id"].as_str()).unwrap_or_else(|| panic!("not closed: {list:#}"));
    let case = dmitri.get(&format!("/api/v1/leavers/{id}")).await.expect(200).json();
    assert_eq!((&case["state"], &case["breached_on_arrival"]), (&json!("closed"), &json!(false)), "{case:#}");
    assert_eq!(case["effective_at"], "2026-12-19T00:00:00Z", "{case:#}");
    assert!(case["closed_at"].is_string(), "{case:#}");
    let steps = case["steps"].as_array().expect("its steps");
    let open = |step: &&serde_json::Value| !matches!(step["state"].as_str(), Some("applied" | "verified"));
    assert!(!steps.is_empty() && steps.iter().filter(open).count() == 0, "{case:#}");
    let page = dmitri.get(&format!("/leavers/{id}")).await.expect(200).body;
    assert!(page.contains("Niklas Engström"), "{page}");
    let state = dmitri.get(&format!("/api/v1/accounts/{niklas}")).await.expect(200).json();
    assert_eq!(state["state"], "left", "{state}");
}
