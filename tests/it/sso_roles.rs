//! What the groups at a provider bring: ordinary roles that go away again, and requests for access roles.

use bailiwick::access::grants::{self, GrantState, Source};
use bailiwick::ids::AccountId;
use bailiwick::log::event::Change;
use bailiwick::requests;
use chrono::Duration;
use serde_json::{Value, json};

use crate::support::hostile_provider::HostileProvider;
use crate::support::sso::{signed_in_to, through};
use crate::support::{House, decision, may_read, person};

const GROUPS: &str = "groups_claim = \"roles\"\n[identity_providers.groups]\nclerks = [\"orders/order-clerk\"]\n\
                      shipping = [\"orders/address-reader\"]\nroots = [\"bailiwick/administrator\"]\n\
                      odd = [\"orders/no-such-role\"]";

/// Signs Ada in with these groups.
async fn signs_in(house: &House, provider: &HostileProvider, groups: Value) {
    let says = json!({
        "sub": "0815", "email": "ada@firm.example", "email_verified": true, "amr": ["mfa"], "roles": groups,
    });
    signed_in_to(&through(&mut house.browser().await, provider, says).await, "/");
}

/// The firm, and Ada with an address that the provider speaks for.
async fn firm(more: &str) -> (House, HostileProvider, AccountId) {
    let (house, provider) = House::with_provider(more);
    let firm = house.firm().await;
    let ada = firm.ada.clone();
    house.give_address(&ada, "ada@firm.example").await;
    (house, provider, ada)
}

fn held(house: &House, account: &AccountId) -> Vec<(String, Source, GrantState)> {
    let grants = house.app.read_now(|reader| grants::living(reader, account)).expect("grants");
    grants.into_iter().map(|grant| (grant.role, grant.source, grant.state)).collect()
}

fn withheld(house: &House) -> Vec<(String, String)> {
    let all = house.all_events().into_iter();
    all.filter_map(|event| match event.change {
        Change::GroupRoleWithheld { role, cause, .. } => Some((role, cause)),
        _ => None,
    })
    .collect()
}

#[actix_web::test]
async fn a_group_removed_at_the_provider_is_a_grant_removed_at_the_next_sign_in() {
    let (house, provider, ada) = firm(GROUPS).await;
    let mut desk = {
        let owner = house.person("desk.owner", None).await;
        house.order_desk(&owner).await
    };
    let question = may_read("ada", "order");
    assert!(!decision(&mut desk, &question).await);
    signs_in(&house, &provider, json!(["clerks", "unheard-of"])).await;
    assert_eq!(held(&house, &ada), [("orders/order-clerk".to_owned(), Source::Upstream, GrantState::Active)]);
    assert!(decision(&mut desk, &question).await);
    let by_subject = may_read(&format!("{}|0815", provider.issuer()), "order");
    assert!(decision(&mut desk, &by_subject).await, "applications may ask by issuer and subject");
    let before = house.all_events().len();
    signs_in(&house, &provider, json!(["clerks"])).await;
    assert_eq!(house.all_events().len(), before + 1, "what stays is no event beside the session");
    signs_in(&house, &provider, json!([])).await;
    assert_eq!(held(&house, &ada), []);
    assert!(!decision(&mut desk, &question).await);
    let gone = house
        .all_events()
        .into_iter()
        .any(|event| matches!(event.change, Change::GrantRevoked { cause, .. } if cause == "group_gone"));
    assert!(gone);
    // Back again with the group; and no word about groups is no group.
    signs_in(&house, &provider, json!("clerks")).await;
    assert_eq!(held(&house, &ada).len(), 1);
    signs_in(&house, &provider, Value::Null).await;
    assert_eq!(held(&house, &ada), []);
}

#[actix_web::test]
async fn an_access_role_is_asked_for_once_and_never_given() {
    let (house, provider, ada) = firm(GROUPS).await;
    for _ in 0..3 {
        signs_in(&house, &provider, json!(["shipping", "roots"])).await;
    }
    assert_eq!(held(&house, &ada), []);
    let made = |house: &House| {
        let all = house.all_events().into_iter();
        all.filter(|event| matches!(event.change, Change::RequestMade { .. })).count()
    };
    // Bailiwick's own roles are asked for too: who administers the provider does not administer the house by it.
    assert_eq!(made(&house), 2, "{:?}", withheld(&house));
    signs_in(&house, &provider, json!([])).await;
    let taken_back = house.all_events().into_iter().any(
        |event| matches!(&event.change, Change::RequestWithdrawn { role, .. } if role == "orders/address-reader"),
    );
    assert!(taken_back, "with the group goes the request that it made");
    signs_in(&house, &provider, json!(["shipping"])).await;
    assert_eq!(made(&house), 3);
    assert_eq!(held(&house, &ada), []);
}

#[actix_web::test]
async fn what_somebody_took_away_stays_away_while_the_group_is_there() {
    let (house, provider, ada) = firm(GROUPS).await;
    signs_in(&house, &provider, json!(["clerks"])).await;
    let grant = house.app.read_now(|reader| grants::living(reader, &ada)).expect("grants").remove(0);
    house.done(move |tx| grants::revoke(tx, &grant.id, "review", None)).await;
    signs_in(&house, &provider, json!(["clerks"])).await;
    assert_eq!(held(&house, &ada), []);
    signs_in(&house, &provider, json!([])).await;
    signs_in(&house, &provider, json!(["clerks"])).await;
    assert_eq!(held(&house, &ada).len(), 1, "the group was gone, and is there anew");
    // What rests after a review goes on resting.
    let grant = house.app.read_now(|reader| grants::living(reader, &ada)).expect("grants").remove(0);
    house.done(move |tx| grants::suspend(tx, &grant.id, "review")).await;
    signs_in(&house, &provider, json!(["clerks"])).await;
    assert_eq!(held(&house, &ada)[0].2, GrantState::Suspended);
}

#[actix_web::test]
async fn what_ran_out_by_its_time_alone_comes_again() {
    let (house, provider, ada) = firm(GROUPS).await;
    signs_in(&house, &provider, json!(["clerks"])).await;
    let end = house.app.read_now(|reader| grants::living(reader, &ada)).expect("grants")[0].expires_at;
    house.advance(end.expect("every grant ends").since(house.now()) + Duration::seconds(1));
    assert_eq!(held(&house, &ada), []);
    signs_in(&house, &provider, json!(["clerks"])).await;
    assert_eq!(held(&house, &ada).len(), 1);
}

#[actix_web::test]
async fn what_was_given_by_other_means_is_none_of_the_group_s() {
    let (house, provider, ada) = firm(GROUPS).await;
    house.give(&ada, "orders/order-clerk", 30).await;
    signs_in(&house, &provider, json!(["clerks"])).await;
    signs_in(&house, &provider, json!([])).await;
    assert_eq!(held(&house, &ada), [("orders/order-clerk".to_owned(), Source::Direct, GrantState::Active)]);
    assert!(withheld(&house).is_empty(), "{:?}", withheld(&house));
}

#[actix_web::test]
async fn a_role_that_cannot_be_given_is_said_and_keeps_nobody_out() {
    let (house, provider, ada) = firm(GROUPS).await;
    signs_in(&house, &provider, json!(["odd", "clerks"])).await;
    assert_eq!(withheld(&house), [("orders/no-such-role".to_owned(), "not-found".to_owned())]);
    assert_eq!(held(&house, &ada).len(), 1);
}

#[actix_web::test]
async fn one_provider_takes_nothing_away_that_another_brought() {
    let (mut house, first, ada) = firm(GROUPS).await;
    let second = HostileProvider::start(house.clock.clone());
    let more = format!(
        "domains = [\"firm.example\"]
{GROUPS}"
    );
    let settings = [house.settings("firm", &first, &more), house.settings("other", &second, &more)].concat();
    house.know(&settings);
    signs_in(&house, &first, json!(["clerks"])).await;
    let mut browser = house.browser().await;
    let away = browser.get("/sign-in/with/other").await.expect(303);
    let says = json!({ "sub": "4711", "email": "ada@firm.example", "email_verified": true, "amr": ["mfa"] });
    signed_in_to(&browser.get(&second.authorize(away.header("location"), says)).await, "/");
    assert_eq!(held(&house, &ada).len(), 1);
}

/// What people approved because a group asked for it goes with the group: nobody asked for it but the group.
#[actix_web::test]
async fn an_access_role_that_a_group_asked_for_is_revoked_when_the_group_goes() {
    let (house, provider, ada) = firm(GROUPS).await;
    let mut desk = {
        let owner = house.person("desk.owner", None).await;
        house.order_desk(&owner).await
    };
    signs_in(&house, &provider, json!(["shipping"])).await;
    let made = house.all_events().into_iter().find_map(|event| match event.change {
        Change::RequestMade { request, .. } => Some(request),
        _ => None,
    });
    let request = made.expect("it was asked for");
    let question = may_read("ada", "buyer-address");
    for approver in ["mary", "grace"] {
        let by =
            house.app.read_now(|reader| bailiwick::accounts::find_by_any(reader, approver)).expect("known");
        let (caller, request) = (person(&house, &by.id), request.clone());
        let approved = house.app.write(&caller, move |tx| requests::approve(tx, &request, None)).await;
        approved.unwrap_or_else(|error| panic!("{approver}: {error:?}"));
    }
    assert_eq!(held(&house, &ada).len(), 1);
    assert!(decision(&mut desk, &question).await);
    signs_in(&house, &provider, json!(["shipping"])).await;
    assert_eq!(held(&house, &ada).len(), 1, "it stays as long as the group is there");
    signs_in(&house, &provider, json!([])).await;
    assert_eq!(held(&house, &ada), []);
    assert!(!decision(&mut desk, &question).await);
    let revoked = house
        .all_events()
        .into_iter()
        .any(|event| matches!(event.change, Change::GrantRevoked { cause, .. } if cause == "taken_back"));
    assert!(revoked);
}
