//! The review: opened by the administrator, decided by the manager on the page, closed by itself with its report.

use chrono::Duration;
use serde_json::{Value, json};

use super::{Grants, Story, may_read_address};
use crate::support::{decision, id_of};

/// Oliver drafts and signs on the page that Inês loses the role; the next question is answered no. What is left is
/// decided, and the review closes with its report.
pub async fn a_review_takes_it_away(story: &mut Story, grants: &Grants) {
    let house = &story.house;
    house.back_again(&mut story.dmitri).await;
    let due_at = house.now().plus(Duration::days(10));
    let body = json!({ "name": "Order desk, November", "scope": { "app": "orders" }, "due_at": due_at });
    let opened = story.dmitri.browser.post("/api/v1/reviews", body).await.expect(201).json();
    assert_eq!(opened["state"], "active", "{opened}");
    let review = id_of(&opened);

    house.back_again(&mut story.oliver).await;
    let items = items_of(story, &review, "&reviewer=me").await;
    let item = |grant: &str| {
        let found = items.iter().find(|item| item["grant"] == grant);
        id_of(found.unwrap_or_else(|| panic!("no item for {grant}: {items:#?}")))
    };
    let (ines, niklas) = (item(&grants.ines), item(&grants.niklas));
    assert_eq!(items.len(), 2, "{items:#?}");

    let question = may_read_address("ines.evans", "2026-11-20", "UK");
    revoke_on_the_page(story, &review, &ines, &question).await;
    keep_the_rest(story, &review, &niklas).await;
    story.house.run_jobs().await;
    it_closed_with_its_report(story, &review).await;
    assert!(decision(&mut story.desk, &may_read_address("niklas.engstroem", "2026-11-20", "UK")).await);
}

async fn items_of(story: &mut Story, review: &str, query: &str) -> Vec<Value> {
    let path = format!("/api/v1/reviews/{review}/items?limit=200{query}");
    let list = story.oliver.browser.get(&path).await.expect(200).json();
    list["items"].as_array().expect("a list").clone()
}

async fn revoke_on_the_page(story: &mut Story, review: &str, item: &str, question: &Value) {
    let page = format!("/reviews/{review}");
    let oliver = &mut story.oliver.browser;
    let bench = oliver.get(&format!("{page}?item={item}")).await.expect(200).body;
    assert!(bench.contains("Inês Evans") && bench.contains(&format!("name=\"verdict-{item}\"")), "{bench}");

    let (verdict, reason) = (format!("verdict-{item}"), format!("reason-{item}"));
    let fields =
        [(verdict.as_str(), "revoke"), (reason.as_str(), "Prints no labels any more"), ("view", "risk")];
    let reply = oliver.submit(&format!("{page}/drafts"), &fields).await.expect(303);
    let bench = oliver.get(reply.header("location")).await.expect(200).body;
    assert!(bench.contains("1 draft"), "{bench}");
    assert!(decision(&mut story.desk, question).await, "a draft changes nothing");

    let reply = oliver.submit(&format!("{page}/sign-off"), &[]).await.expect(303);
    assert!(!decision(&mut story.desk, question).await, "the very next question is answered no");
    oliver.get(reply.header("location")).await.expect(200);
}

/// Keeping access to customers' data needs a reason: without one the draft stays a draft.
async fn keep_the_rest(story: &mut Story, review: &str, item: &str) {
    let path = format!("/api/v1/reviews/{review}");
    let decisions = format!("{path}/decisions");
    let sign_off = format!("{path}/sign-off");
    let keep = json!([{ "item": item, "decision": "keep" }]);
    story.oliver.browser.post(&decisions, keep).await.expect(200);
    let signed = story.oliver.browser.post(&sign_off, json!({})).await.expect(200).json();
    assert_eq!(signed["applied"], 0, "{signed}");
    assert_eq!(signed["returned"].as_array().map(Vec::len), Some(1), "{signed}");
    let keep = json!([{ "item": item, "decision": "keep", "reason": "Prints labels until he leaves" }]);
    story.oliver.browser.post(&decisions, keep).await.expect(200);
    let signed = story.oliver.browser.post(&sign_off, json!({})).await.expect(200).json();
    assert_eq!(signed["applied"], 1, "{signed}");
}

async fn it_closed_with_its_report(story: &mut Story, review: &str) {
    let oliver = story.oliver.id();
    let items = items_of(story, review, "").await;
    let dmitri = &mut story.dmitri.browser;
    let path = format!("/api/v1/reviews/{review}");
    let closed = dmitri.get(&path).await.expect(200).json();
    assert_eq!(closed["state"], "closed", "{closed}");
    assert!(closed["closed_at"].is_string(), "{closed}");
    let report = dmitri.get(&format!("{path}/report")).await.expect(200).json();
    assert_eq!(
        (&report["population"], &report["items"], &report["difference"]),
        (&json!(2), &json!(2), &json!(0))
    );
    assert!(report["population_query"].as_str().is_some_and(|query| query.contains("application = orders")));
    assert!(report["population_revision"].as_u64().is_some_and(|revision| revision > 0));
    assert_eq!(report["systems"][0]["application"], "orders", "{report}");
    assert_eq!((&report["systems"][0]["kept"], &report["systems"][0]["revoked"]), (&json!(1), &json!(1)));
    assert!(report["digest"].is_string(), "a closed review's report is signed: {report}");
    for item in &items {
        assert_eq!(item["decided"]["by"], oliver.as_str(), "{item}");
        assert!(item["decided"]["at"].is_string(), "{item}");
        let revoked = item["state"] == "revoke";
        assert_eq!(item["verified_revision"].is_u64(), revoked, "{item}");
    }
    let page = dmitri.get(&format!("/reviews/{review}/report")).await.expect(200).body;
    assert!(page.contains("Inês Evans") && page.contains("Oliver Pemberton"), "{page}");
}
