//! A revocation, its answering node, the others, and whoever does not hear of it: `tests/load` measures the same.

use std::future::{Future, poll_fn};
use std::task::Poll;

use actix_web::test::TestRequest;
use bailiwick::app::App;
use bailiwick::decision::{Freshness, Question};
use bailiwick::governed::SOURCES;
use bailiwick::log::command;
use chrono::Duration;
use serde_json::json;

use crate::support::{Firm, House, decision, may_read};

/// What a node says about Ada and a feature of the order desk, by itself.
fn says(node: &App, feature: &str) -> bool {
    let properties = json!({ "shipped_at": null });
    let context = json!({ "purpose": "shipping" });
    let question = Question {
        subject_type: "user",
        subject: "ada",
        subject_properties: None,
        application: Some("orders"),
        resource_type: feature,
        resource: "1",
        action: "read",
        action_properties: None,
        properties: Some(&properties),
        context: Some(&context),
        asserts: None,
    };
    node.decisions().evaluate(node.context().clock.now(), node.freshness(), &question).permit()
}

#[actix_web::test]
async fn the_answering_node_denies_before_its_answer_and_another_when_it_hears_of_it() {
    let house = House::new();
    let Firm { grace, ada, .. } = house.firm().await;
    let grant = house.give(&ada, "orders/order-clerk", 30).await;
    let other = house.second_node();
    let mut officer = house.member("priya.raman", &["bailiwick/administrator"]).await;
    let mut desk = house.order_desk(&grace).await;
    assert!(decision(&mut desk, &may_read("ada", "order")).await && says(&other, "order"));
    let path = format!("/api/v1/grants/{}", grant.id);
    officer.browser.delete(&path, json!({ "reason": "Left the desk" })).await.expect(200);
    assert!(!decision(&mut desk, &may_read("ada", "order")).await);
    assert!(says(&other, "order"), "nobody has told it yet");
    other.heartbeat().expect("it hears");
    assert!(!says(&other, "order"));
}

#[actix_web::test]
async fn a_node_that_hears_nothing_denies_by_class_once_its_lease_is_over() {
    let house = House::new();
    let Firm { grace, ada, .. } = house.firm().await;
    for role in ["orders/address-reader", "orders/order-clerk", "orders/figures-reader"] {
        house.give(&ada, role, 30).await;
    }
    let desk = house.order_desk(&grace).await;
    let other = house.second_node();
    let mut beside = house.browser_of(&other).await.with_key(desk.key());
    let all = |node: &App| ["buyer-address", "order", "delivery-figures"].map(|feature| says(node, feature));
    house.advance(Duration::seconds(5));
    assert_eq!(all(&other), [true, true, true]);
    assert!(decision(&mut beside, &may_read("ada", "buyer-address")).await);
    house.advance(Duration::microseconds(1));
    assert_eq!((other.freshness(), all(&other)), (Freshness::Stale, [false, false, true]));
    beside.post("/access/v1/evaluation", may_read("ada", "buyer-address")).await.expect(403);
    assert_eq!(all(&house.app), [true, true, true], "the other node hears");
    house.advance(Duration::minutes(15));
    assert_eq!((other.freshness(), all(&other)), (Freshness::Floor, [false, false, false]));
    other.heartbeat().expect("it hears again");
    assert_eq!(all(&other), [true, true, true]);
}

/// Polls a call so many times and drops it, as the framework does when a client resets its connection. Between two polls
/// lies as much time as the database takes.
async fn given_up(house: &House, call: impl Future, polls: usize) {
    let mut call = Box::pin(call);
    for _ in 0..polls {
        let answered = poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_ready())).await;
        if answered {
            return;
        }
        house.app.read(|_| Ok(())).await.expect("a look at the database");
    }
}

#[actix_web::test]
async fn a_client_that_goes_away_in_the_middle_changes_nothing_of_it() {
    let house = House::new();
    let Firm { ada, .. } = house.firm().await;
    let other = house.second_node();
    let mut officer = house.member("priya.raman", &["bailiwick/administrator"]).await;
    let mut revoked = 0;
    for polls in 0..12 {
        let grant = house.give(&ada, "orders/order-clerk", 30).await;
        other.heartbeat().expect("it hears");
        assert!(says(&house.app, "order") && says(&other, "order"));
        let reason = json!({ "reason": "Left the desk" });
        let request = TestRequest::delete().uri(&format!("/api/v1/grants/{}", grant.id)).set_json(reason);
        given_up(&house, officer.browser.send(request), polls).await;
        // Whatever was begun has its turn before this.
        house.done(|_| Ok(())).await;
        let id = grant.id.clone();
        let found = house.app.read(move |reader| bailiwick::access::grants::find(reader, &id)).await;
        let lives = found.expect("the grant").state == bailiwick::access::grants::GrantState::Active;
        other.heartbeat().expect("it hears");
        assert_eq!((says(&house.app, "order"), says(&other, "order")), (lives, lives), "{polls} polls");
        if lives {
            let id = grant.id;
            house.done(move |tx| bailiwick::access::grants::revoke(tx, &id, "test", None)).await;
        } else {
            revoked += 1;
        }
    }
    assert!((1..12).contains(&revoked), "{revoked} of twelve came to their end");
    let report = command::verify(house.app.database(), house.data(), SOURCES, None).expect("verified");
    assert!(report.is_sound(), "{report}");
}
