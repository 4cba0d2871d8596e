//! The ring and what goes into it.

use std::sync::mpsc::sync_channel;
use std::time::Duration;

use serde_json::json;

use super::ring::Taken;
use super::*;
use crate::decision::tests::{grant, noon, person, question, snapshot};
use crate::decision::{Freshness, Reason};
use crate::vault::for_tests;

/// A decision about a question of Ada, or of somebody else, as it comes to the ring.
fn entry_of(change: impl FnOnce(&mut Question<'_>)) -> Evaluation {
    let ada = person(1, "ada", vec![grant(1, "orders/address-reader"), grant(2, "orders/picker")]);
    let state = snapshot(&ada);
    let (properties, context) =
        (json!({ "shipped_at": null }), json!({ "purpose": "shipping", "records": 2 }));
    let mut asked = Question {
        properties: Some(&properties),
        context: Some(&context),
        ..question("orders/buyer-address", "read")
    };
    change(&mut asked);
    let decision = state.evaluate(noon(), Freshness::Fresh, &asked);
    entry((noon(), &"desk".into()), &asked, &state, &decision, &for_tests())
}

fn address() -> Evaluation {
    let entry = entry_of(|_| {});
    assert!(entry.is_pii_permit(), "{:?}", entry.decision.reason);
    entry
}

fn order() -> Evaluation {
    let entry = entry_of(|asked| asked.resource_type = "orders/order");
    assert!(entry.decision.permit());
    entry
}

fn taken(ring: &Ring) -> Taken {
    ring.take(Duration::ZERO, Vec::new())
}

#[test]
fn half_of_the_ring_is_for_personal_data_alone() {
    let ring = Ring::new(4);
    for _ in 0..3 {
        assert!(matches!(ring.push(order(), false), Recorded::Yes));
    }
    for _ in 0..2 {
        assert!(matches!(ring.push(address(), false), Recorded::Yes));
    }
    assert!(matches!(ring.push(address(), false), Recorded::No));
    assert!(matches!(ring.push(address(), true), Recorded::No));
    let all = taken(&ring);
    assert_eq!((all.entries.len(), all.overflow, all.denied), (4, 1, 2));
    assert!(matches!(ring.push(address(), true), Recorded::Awaited(_)));
    assert_eq!(taken(&ring).entries.len(), 1, "what was taken is gone");
}

#[test]
fn a_writer_that_refuses_or_is_gone_refuses_personal_data() {
    let ring = Ring::new(8);
    ring.refuse(true);
    assert!(matches!(ring.push(address(), false), Recorded::No));
    assert!(matches!(ring.push(order(), false), Recorded::Yes));
    ring.refuse(false);
    let Recorded::Awaited(mut outcome) = ring.push(address(), true) else { panic!("it waits") };
    let (sender, receiver) = sync_channel(1);
    assert!(ring.flush(sender));
    ring.close();
    assert!(outcome.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Closed));
    assert!(receiver.recv().is_err());
    assert!(matches!(ring.push(address(), false), Recorded::No));
    assert!(!ring.flush(sync_channel(1).0));
}

#[tokio::test]
async fn what_is_not_recorded_is_denied() {
    let decision = address().decision;
    assert!(Recorded::Yes.settle(decision.clone()).await.permit());
    for (answer, expected) in
        [(Some(true), Reason::Permitted), (Some(false), Reason::Recorder), (None, Reason::Recorder)]
    {
        let (waiter, outcome) = oneshot::channel();
        match answer {
            Some(answer) => waiter.send(answer).unwrap(),
            None => drop(waiter),
        }
        assert_eq!(Recorded::Awaited(outcome).settle(decision.clone()).await.reason, expected);
    }
    assert_eq!(Recorded::No.settle(decision).await.reason, Reason::Recorder);
}

#[test]
fn texts_of_a_caller_are_carried_only_where_the_log_needs_them() {
    let (address, order) = (address(), order());
    assert_eq!(address.permission.as_ref().map(Named::name), Some("orders/buyer-address:read"));
    let made_up = address.made_up.unwrap();
    assert!(matches!(&made_up.record, Some(Text::Plain(record)) if **record == *"1"));
    assert!(matches!(&made_up.purpose, Some(Purpose::Known(word)) if **word == *"shipping"));
    assert_eq!((made_up.records, made_up.subject.is_none()), (Some(2), true));
    assert!(order.made_up.is_none(), "a permit of other data is a number and nothing else");
    let denied = entry_of(|asked| asked.action = "export");
    let denied = (denied.decision.reason, denied.permission.is_some(), denied.made_up.is_none());
    assert_eq!(denied, (Reason::Permitted, true, false), "the role allows both");
    let denied = entry_of(|asked| (asked.resource_type, asked.context) = ("orders/buyer-address", None));
    assert_eq!((denied.decision.reason, denied.made_up.is_none()), (Reason::Purpose, true));
}

#[test]
fn names_that_nobody_has_and_what_the_catalogue_lacks_are_carried_as_hash_if_they_are_long() {
    let long = "x".repeat(LONGEST + 1);
    let entry = entry_of(|asked| asked.subject = "eve");
    assert!(matches!(entry.made_up.unwrap().subject, Some(Text::Plain(_))));
    let entry = entry_of(|asked| (asked.subject, asked.action) = (&*long.clone().leak(), long.leak()));
    let made_up = entry.made_up.unwrap();
    for text in [made_up.subject, made_up.permission] {
        let Some(Text::Hidden(hash)) = text else { panic!("it waits as it is") };
        assert_eq!((&hash[..5], hash.len()), ("hmac:", 69));
    }
}

#[test]
fn a_canary_is_noticed_whatever_the_answer() {
    let noticed = |change: fn(&mut Question<'_>)| entry_of(change).made_up.and_then(|made_up| made_up.canary);
    assert!(noticed(|asked| asked.resource = "canary-1").is_some(), "permitted");
    assert!(noticed(|asked| (asked.resource, asked.context) = ("canary-1", None)).is_some(), "denied");
    assert!(
        noticed(|asked| (asked.resource, asked.action) = ("canary-1", "burn")).is_some(),
        "no such action"
    );
    assert!(noticed(|asked| (asked.resource, asked.subject) = ("canary-1", "eve")).is_some(), "nobody");
    assert!(noticed(|asked| (asked.resource, asked.resource_type) = ("canary-1", "orders/order")).is_none());
    assert!(noticed(|_| {}).is_none());
}
