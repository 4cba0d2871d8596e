//! Grants: what is refused, what is prolonged, how they end, and the floor.

use bailiwick::access::grants::{self, GrantState, NewGrant};
use bailiwick::access::{floor, kill_switches};
use bailiwick::accounts;
use bailiwick::clock::Timestamp;
use bailiwick::error::Error;
use bailiwick::ids::AccountId;
use chrono::Duration;

use crate::support::{Firm, House, decision, may_read, wanted};

async fn refused(house: &House, wanted: NewGrant) -> String {
    match house.write(move |tx| grants::grant(tx, &wanted)).await {
        Ok(granted) => panic!("granted: {granted:?}"),
        Err(Error::Conflict(slug, _)) => slug.to_owned(),
        Err(Error::Invalid(fields)) => fields[0].field.clone(),
        Err(other) => format!("{other:?}"),
    }
}

#[actix_web::test]
async fn a_grant_permits_in_the_very_next_question_and_a_revocation_denies() {
    let house = House::new();
    let Firm { grace, ada, .. } = house.firm().await;
    let mut desk = house.order_desk(&grace).await;
    let question = may_read("ada", "order");
    assert!(!decision(&mut desk, &question).await);
    let grant = house.give(&ada, "orders/order-clerk", 30).await;
    assert!(decision(&mut desk, &question).await);
    assert!(decision(&mut desk, &may_read("ADA", "orders/order")).await, "whatever the spelling");
    house.done(move |tx| grants::revoke(tx, &grant.id, "direct", Some("no longer needed"))).await;
    assert!(!decision(&mut desk, &question).await);
}

#[actix_web::test]
async fn a_grant_counts_from_its_first_instant_to_before_its_last_without_any_job() {
    let house = House::new();
    let Firm { grace, ada, .. } = house.firm().await;
    let mut desk = house.order_desk(&grace).await;
    let question = may_read("ada", "order");
    let (from, until) = (house.in_days(1), house.in_days(3));
    let wanted = NewGrant { valid_from: Some(from), ..wanted(&ada, "orders/order-clerk", Some(until)) };
    let grant = house.done(move |tx| grants::grant(tx, &wanted)).await;
    house.advance(Duration::days(1) - Duration::microseconds(1));
    assert!(!decision(&mut desk, &question).await, "not yet");
    house.advance(Duration::microseconds(1));
    assert!(decision(&mut desk, &question).await, "from its first instant");
    house.advance(Duration::days(2) - Duration::microseconds(1));
    assert!(decision(&mut desk, &question).await, "to before its last");
    house.advance(Duration::microseconds(1));
    assert!(!decision(&mut desk, &question).await, "not at its end");
    house.run_job("access.expire").await.expect("it runs here");
    let tidied = house.app.read(move |reader| grants::find(reader, &grant.id)).await.expect("it is kept");
    assert_eq!((tidied.state, tidied.ended_at), (GrantState::Expired, Some(until)));
}

#[actix_web::test]
async fn what_does_not_fit_is_refused() {
    let house = House::new();
    let Firm { ada, .. } = house.firm().await;
    let until = |days| Some(house.in_days(days));
    let clerk = |until: Option<Timestamp>| wanted(&ada, "orders/order-clerk", until);
    assert_eq!(refused(&house, clerk(None)).await, "expires_at", "no end");
    assert_eq!(refused(&house, clerk(until(0))).await, "expires_at", "no time");
    assert_eq!(refused(&house, clerk(until(366))).await, "expires_at", "longer than the profile");
    assert_eq!(refused(&house, wanted(&ada, "orders/address-reader", until(91))).await, "expires_at");
    assert_eq!(refused(&house, wanted(&ada, "orders/nothing", until(1))).await, "role");
    assert_eq!(refused(&house, wanted(&ada, "nothing", until(1))).await, "role");
    assert_eq!(refused(&house, NewGrant { reason: " a ".to_owned(), ..clerk(until(1)) }).await, "reason");
    assert_eq!(refused(&house, wanted(&ada, "bailiwick/employee", until(1))).await, "role-by-itself");
    assert_eq!(refused(&house, wanted(&ada, "bailiwick/manager", until(1))).await, "role-by-itself");
    let scope = |name: &str, values: &[&str]| {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        Some([(name.to_owned(), values)].into())
    };
    let scoped = |scope| NewGrant { scope, ..clerk(until(1)) };
    assert_eq!(refused(&house, scoped(scope("colour", &["red"]))).await, "scope");
    assert_eq!(refused(&house, scoped(scope("marketplace", &[]))).await, "scope.marketplace");
    let nobody = AccountId::new(house.now(), house.entropy.as_ref());
    assert!(refused(&house, wanted(&nobody, "orders/order-clerk", until(1))).await.contains("NotFound"));
    let gone = ada.clone();
    house.done(move |tx| accounts::mark_left(tx, &gone, "leaver")).await;
    assert_eq!(refused(&house, clerk(until(1))).await, "account-gone");
}

#[actix_web::test]
async fn a_scope_limits_a_grant_to_its_values() {
    let house = House::new();
    let Firm { grace, ada, .. } = house.firm().await;
    let mut desk = house.order_desk(&grace).await;
    let scope = Some([("marketplace".to_owned(), vec!["DE".to_owned()])].into());
    let wanted = NewGrant { scope, ..wanted(&ada, "orders/order-clerk", Some(house.in_days(9))) };
    house.done(move |tx| grants::grant(tx, &wanted)).await;
    let mut question = may_read("ada", "order");
    assert!(!decision(&mut desk, &question).await, "UK");
    question["resource"]["properties"]["marketplace"] = "DE".into();
    assert!(decision(&mut desk, &question).await, "DE");
    question["resource"]["properties"].as_object_mut().expect("an object").remove("marketplace");
    assert!(!decision(&mut desk, &question).await, "unknown");
}

#[actix_web::test]
async fn the_same_role_again_prolongs_the_grant_there_is() {
    let house = House::new();
    let Firm { ada, .. } = house.firm().await;
    let first = house.give(&ada, "orders/order-clerk", 30).await;
    let shorter = wanted(&ada, "orders/order-clerk", Some(house.in_days(20)));
    assert_eq!(refused(&house, shorter).await, "already-held");
    house.advance(Duration::days(10));
    let longer = house.give(&ada, "orders/order-clerk", 60).await;
    assert_eq!((&longer.id, longer.expires_at), (&first.id, Some(house.in_days(60))));
    assert_eq!(longer.confirmed_at, house.now());
    let id = first.id.clone();
    house.done(move |tx| grants::suspend(tx, &id, "review")).await;
    let again = wanted(&ada, "orders/order-clerk", Some(house.in_days(90)));
    assert_eq!(
        refused(&house, again).await,
        "grant-suspended",
        "suspension is not got around by asking again"
    );
}

#[actix_web::test]
async fn suspended_denies_resumed_permits_and_keeping_moves_the_end() {
    let house = House::new();
    let Firm { grace, ada, .. } = house.firm().await;
    let mut desk = house.order_desk(&grace).await;
    let question = may_read("ada", "order");
    let id = house.give(&ada, "orders/order-clerk", 30).await.id;
    let grant = id.clone();
    house.done(move |tx| grants::suspend(tx, &grant, "review")).await;
    assert!(!decision(&mut desk, &question).await);
    let grant = id.clone();
    house.done(move |tx| grants::resume(tx, &grant, "review")).await;
    assert!(decision(&mut desk, &question).await);
    let (grant, until) = (id.clone(), house.in_days(40));
    let kept = house.done(move |tx| grants::keep(tx, &grant, Some(until), "review")).await;
    assert_eq!(kept.expires_at, Some(until));
    let (grant, until) = (id.clone(), house.in_days(400));
    assert!(house.write(move |tx| grants::keep(tx, &grant, Some(until), "review")).await.is_err());
    house.advance(Duration::days(40));
    let over = house.write(move |tx| grants::keep(tx, &id, None, "review")).await;
    assert!(matches!(over, Err(Error::Conflict("grant-over", _))), "{over:?}");
}

#[actix_web::test]
async fn roles_that_exclude_each_other_are_not_held_together() {
    let house = House::new();
    let Firm { ada, mary, .. } = house.firm().await;
    house.give(&ada, "bailiwick/access-admin", 30).await;
    for other in ["bailiwick/security-officer", "bailiwick/auditor", "bailiwick/service-desk"] {
        assert_eq!(
            refused(&house, wanted(&ada, other, Some(house.in_days(30)))).await,
            "excluded-role",
            "{other}"
        );
    }
    let auditor = wanted(&mary, "bailiwick/auditor", Some(house.in_days(30)));
    assert_eq!(refused(&house, auditor).await, "excluded-role", "a manager audits nobody");
}

#[actix_web::test]
async fn two_people_stay_able_to_administer_and_one_while_only_one_exists() {
    let house = House::new();
    let Firm { grace, ada, ben, mary, .. } = house.firm().await;
    let first = house.give(&grace, floor::ADMINISTRATOR, 100).await.id;
    let floor_holds = async |id: &bailiwick::ids::GrantId| {
        let id = id.clone();
        let ended = house.write(move |tx| grants::revoke(tx, &id, "direct", None)).await;
        matches!(ended, Err(Error::Conflict("floor", _)))
    };
    assert!(floor_holds(&first).await, "the only one");
    let second = house.give(&ada, floor::ADMINISTRATOR, 100).await.id;
    assert!(floor_holds(&first).await && floor_holds(&second).await, "one of two");
    let third = house.give(&ben, floor::ADMINISTRATOR, 100).await.id;
    let leaving = ada.clone();
    house.app.read(move |reader| floor::without_account(reader, &leaving)).await.expect("two would be left");
    assert!(!floor_holds(&third).await, "one of three");
    let gone = ada.clone();
    house.done(move |tx| accounts::mark_left(tx, &gone, "leaver")).await;
    assert!(!floor_holds(&second).await, "who is gone does not count");
    let leaving = grace.clone();
    let only = house.app.read(move |reader| floor::without_account(reader, &leaving)).await;
    assert!(matches!(only, Err(Error::Conflict("floor", _))), "{only:?}");
    let other = mary.clone();
    house
        .app
        .read(move |reader| floor::without_account(reader, &other))
        .await
        .expect("she does not administer");
}

#[actix_web::test]
async fn the_house_prolongs_an_administrator_whom_the_floor_needs() {
    let house = House::new();
    let Firm { grace, ada, ben, .. } = house.firm().await;
    house.give(&grace, floor::ADMINISTRATOR, 10).await;
    house.give(&ada, floor::ADMINISTRATOR, 11).await;
    house.give(&ben, floor::ADMINISTRATOR, 40).await;
    for _ in 0..30 {
        house.advance(Duration::days(1) - Duration::minutes(1));
        house.run_job("access.expire").await.expect("it runs here");
    }
    let able = house.app.read(floor::administrators).await.expect("counted");
    assert_eq!(
        able,
        {
            let mut two = vec![ada, ben];
            two.sort();
            two
        },
        "Grace's grant ended, Ada's was needed"
    );
}

#[actix_web::test]
async fn a_kill_switch_stops_its_target_until_it_is_lifted() {
    let house = House::new();
    let Firm { grace, ada, .. } = house.firm().await;
    let mut desk = house.order_desk(&grace).await;
    house.give(&ada, "orders/order-clerk", 30).await;
    let question = may_read("ada", "order");
    for target in ["orders".to_owned(), "orders/order".to_owned(), ada.to_string()] {
        let pulled = target.clone();
        let id = house.done(move |tx| kill_switches::pull(tx, &pulled, "looks like a theft")).await.id;
        assert!(!decision(&mut desk, &question).await, "{target}");
        assert!(
            decision(&mut desk, &may_read("ada", "delivery-figures")).await == (target == "orders/order")
        );
        house.done(move |tx| kill_switches::lift(tx, &id)).await;
        assert!(decision(&mut desk, &question).await, "{target} lifted");
    }
    house.done(|tx| kill_switches::pull(tx, "*", "everything stops")).await;
    assert_eq!(
        desk.post("/access/v1/evaluation", question.clone()).await.status,
        403,
        "asking is stopped too"
    );
    for wrong in ["orders/nothing", "nothing", "", "orders/order/x"] {
        let stopped = house.write(move |tx| kill_switches::pull(tx, wrong, "a reason")).await;
        assert!(matches!(stopped, Err(Error::Invalid(_))), "{wrong}");
    }
}
