//! Requests: asked for, approved by those with authority and nobody else, granted for a time; and no side doors.

use bailiwick::access::keys::{self, Issued, NewKey};
use bailiwick::access::{grants, roles};
use bailiwick::accounts::{self, Changes};
use bailiwick::caller::{Actor, Caller};
use bailiwick::error::Error;
use bailiwick::ids::{AccountId, KeyId, RequestId};
use bailiwick::profile::Period;
use bailiwick::requests::lists::{self, Viewer};
use bailiwick::requests::{self, Approver, Ask, Asked, Request, RequestState, Until};
use chrono::Duration;

use crate::support::{Firm, House, decision, may_read, person};

const ADDRESS: &str = "orders/address-reader";

fn ask_for(account: &AccountId, role: &str, days: u32) -> Ask {
    Ask {
        account: Some(account.clone()),
        role: role.to_owned(),
        reason: "Prints labels for the returns desk".to_owned(),
        scope: None,
        valid_from: None,
        until: Until::For(Period::days(days)),
    }
}

/// A request with those who may answer it.
#[derive(Debug)]
struct Detailed {
    request: Request,
    approvers: Vec<Approver>,
}

impl House {
    async fn detailed(&self, request: Request) -> Detailed {
        let viewer = Viewer { account: request.account.clone(), everybody: true };
        let found = self.app.read(move |reader| lists::find(reader, &request.id, &viewer)).await;
        let (request, approvers) = found.expect("it is there");
        Detailed { request, approvers }
    }

    async fn asked(&self, account: &AccountId, role: &str) -> Detailed {
        let wanted = ask_for(account, role, 30);
        let caller = person(self, account);
        let asked = self.app.write(&caller, move |tx| requests::ask(tx, &wanted)).await;
        self.detailed(asked.unwrap_or_else(|error| panic!("{error:?}")).value).await
    }

    async fn approved_by(&self, account: &AccountId, id: &RequestId) -> Result<Detailed, String> {
        let id = id.clone();
        let caller = person(self, account);
        let done = self.app.write(&caller, move |tx| requests::approve(tx, &id, Some("fits"))).await;
        Ok(self.detailed(done.map_err(slug)?.value).await)
    }

    async fn waiting(&self, account: &AccountId) -> u64 {
        let account = account.clone();
        self.app.read(move |reader| lists::waiting_for(reader, &account)).await.expect("counted")
    }
}

fn slug(error: Error) -> String {
    match error {
        Error::Conflict(slug, _) | Error::Forbidden(slug, _) => slug.to_owned(),
        Error::Invalid(fields) => fields[0].field.clone(),
        other => format!("{other:?}"),
    }
}

fn deciders(detailed: &Detailed, step: i32) -> Vec<AccountId> {
    let of_step = detailed.approvers.iter().filter(|one| one.stage == step);
    of_step.map(|one| one.account.clone()).collect()
}

#[actix_web::test]
async fn manager_and_owner_approve_and_the_next_question_is_permitted() {
    let house = House::new();
    let Firm { grace, mary, ada, ben, .. } = house.firm().await;
    let mut desk = house.order_desk(&grace).await;
    let asked = house.asked(&ada, ADDRESS).await;
    assert_eq!((deciders(&asked, 0), deciders(&asked, 1)), (vec![mary.clone()], vec![grace.clone()]));
    let id = &asked.request.id;
    assert_eq!(house.approved_by(&ada, id).await.unwrap_err(), "self-approval");
    assert_eq!(house.approved_by(&ben, id).await.unwrap_err(), "not-yours-to-decide");
    let half = house.approved_by(&mary, id).await.expect("her manager may");
    assert_eq!(half.request.state, RequestState::Pending);
    assert!(!decision(&mut desk, &may_read("ada", "buyer-address")).await, "one of two is not enough");
    assert_eq!(house.approved_by(&mary, id).await.unwrap_err(), "not-yours-to-decide", "her step is taken");
    house.advance(Duration::days(5));
    let whole = house.approved_by(&grace, id).await.expect("the owner may");
    assert_eq!(whole.request.state, RequestState::Approved);
    assert!(decision(&mut desk, &may_read("ada", "buyer-address")).await);
    let grant = whole.request.grant.expect("it led to a grant");
    let grant = house.app.read(move |reader| grants::find(reader, &grant)).await.expect("the grant");
    assert_eq!(grant.expires_at, Some(house.in_days(30)), "the time counts from the approval");
    assert_eq!(grant.approvers, [mary, grace.clone()]);
    assert_eq!(house.approved_by(&grace, id).await.unwrap_err(), "decided");
}

#[actix_web::test]
async fn one_refusal_refuses_and_who_asked_may_withdraw() {
    let house = House::new();
    let Firm { grace, mary, ada, .. } = house.firm().await;
    let first = house.asked(&ada, ADDRESS).await.request.id;
    let id = first.clone();
    let caller = person(&house, &grace);
    let refused = house.app.write(&caller, move |tx| requests::refuse(tx, &id, Some("not now"))).await;
    assert_eq!(refused.expect("the owner may").value.state, RequestState::Refused);
    assert_eq!(house.approved_by(&mary, &first).await.unwrap_err(), "decided");
    let second = house.asked(&ada, ADDRESS).await.request.id;
    let id = second.clone();
    let other = house.app.write(&person(&house, &mary), move |tx| requests::withdraw(tx, &id)).await;
    assert_eq!(slug(other.unwrap_err()), "not-yours");
    let id = second.clone();
    let own = house.app.write(&person(&house, &ada), move |tx| requests::withdraw(tx, &id)).await;
    assert_eq!(own.expect("she may").value.state, RequestState::Withdrawn);
    assert_eq!(house.approved_by(&mary, &second).await.unwrap_err(), "decided");
}

#[actix_web::test]
async fn a_role_without_chain_is_given_at_once_and_one_word_of_several_is_enough() {
    let house = House::new();
    let Firm { tomasz, mary, ada, .. } = house.firm().await;
    let asked = house.asked(&ada, "warehouse/dock-planner").await;
    let mut both = deciders(&asked, 0);
    both.sort();
    assert_eq!(both, {
        let mut both = vec![mary, tomasz.clone()];
        both.sort();
        both
    });
    let approved = house.approved_by(&tomasz, &asked.request.id).await.expect("either may");
    assert_eq!(approved.request.state, RequestState::Approved);
    let text = "key = \"desk\"\nowner = \"grace\"\n[[feature]]\nkey = \"note\"\nactions = [\"read\"]\n\
                [[role]]\nkey = \"reader\"\n[[role.allow]]\nfeature = \"note\"\nactions = [\"read\"]\n";
    let file = bailiwick::access::apply::PolicyFile { name: "desk.toml".to_owned(), text: text.to_owned() };
    house.done(move |tx| bailiwick::access::apply::apply(tx, &[file])).await;
    assert_eq!(house.asked(&ada, "desk/reader").await.request.state, RequestState::Approved);
}

#[actix_web::test]
async fn the_line_above_decides_where_the_first_cannot_and_never_a_dead_end() {
    let house = House::new();
    let Firm { grace, mary, ada, tomasz, .. } = house.firm().await;
    house.give(&tomasz, "bailiwick/administrator", 90).await;
    let asked = house.asked(&mary, ADDRESS).await;
    assert_eq!(deciders(&asked, 0), std::slice::from_ref(&grace));
    assert_eq!(deciders(&asked, 1), std::slice::from_ref(&grace), "one person may take both steps");
    let both = house.approved_by(&grace, &asked.request.id).await.expect("she manages and owns");
    assert_eq!(both.request.state, RequestState::Approved);
    let own = house.asked(&grace, ADDRESS).await;
    assert_eq!(deciders(&own, 0), std::slice::from_ref(&tomasz), "nobody is above her: an administrator");
    assert_eq!(deciders(&own, 1), [tomasz], "nobody decides about her own");
    let away = mary.clone();
    let resting = (accounts::Suspension::Leave, None);
    house.done(move |tx| accounts::suspend(tx, &away, resting, None)).await;
    let asked = house.asked(&ada, "orders/order-clerk").await;
    assert_eq!(deciders(&asked, 0), [grace], "her manager is away");
}

#[actix_web::test]
async fn authority_is_judged_when_somebody_decides() {
    let house = House::new();
    let Firm { mary, ada, tomasz, .. } = house.firm().await;
    let asked = house.asked(&ada, "orders/order-clerk").await;
    assert_eq!(deciders(&asked, 0), std::slice::from_ref(&mary));
    let (moved, manager) = (ada.clone(), tomasz.clone());
    house
        .done(move |tx| {
            let changes = Changes { manager: Some(Some(manager)), ..Changes::default() };
            accounts::change(tx, &moved, &changes)
        })
        .await;
    assert_eq!(house.approved_by(&mary, &asked.request.id).await.unwrap_err(), "not-yours-to-decide");
    house.run_job("requests.lapse").await.expect("it runs here");
    assert_eq!(house.waiting(&tomasz).await, 1, "the new manager is asked");
    assert_eq!(house.waiting(&mary).await, 0);
}

#[actix_web::test]
async fn what_would_not_be_given_is_not_asked_for() {
    let house = House::new();
    let Firm { ada, mary, ben, .. } = house.firm().await;
    let refused = async |caller: &AccountId, wanted: Ask| {
        let caller = person(&house, caller);
        slug(house.app.write(&caller, move |tx| requests::ask(tx, &wanted)).await.unwrap_err())
    };
    assert_eq!(refused(&ada, ask_for(&ada, ADDRESS, 91)).await, "expires_at");
    assert_eq!(refused(&ada, ask_for(&ada, "orders/nothing", 9)).await, "role");
    assert_eq!(refused(&ben, ask_for(&ada, ADDRESS, 9)).await, "not-yours-to-ask", "for a colleague");
    house.give(&ada, "orders/order-clerk", 30).await;
    assert_eq!(refused(&ada, ask_for(&ada, "orders/order-clerk", 9)).await, "already-held");
    house.give(&ada, "bailiwick/access-admin", 30).await;
    assert_eq!(refused(&ada, ask_for(&ada, "bailiwick/auditor", 9)).await, "excluded-role");
    let wanted = ask_for(&ada, ADDRESS, 9);
    let caller = person(&house, &mary);
    let for_her = house.app.write(&caller, move |tx| requests::ask(tx, &wanted)).await;
    let for_her = house.detailed(for_her.expect("her manager may ask").value).await;
    assert!(!deciders(&for_her, 0).contains(&mary), "but not approve what she asked for");
    assert_eq!(house.approved_by(&mary, &for_her.request.id).await.unwrap_err(), "self-approval");
    assert_eq!(refused(&ada, ask_for(&ada, ADDRESS, 9)).await, "already-asked");
}

#[actix_web::test]
async fn separation_of_duties_is_judged_again_when_the_last_word_falls() {
    let house = House::new();
    let Firm { grace, mary, ada, .. } = house.firm().await;
    house.give(&grace, "bailiwick/administrator", 90).await;
    let asked = house.asked(&ada, "bailiwick/security-officer").await;
    let id = asked.request.id;
    house.approved_by(&mary, &id).await.expect("her manager may");
    house.give(&ada, "bailiwick/access-admin", 30).await;
    assert_eq!(house.approved_by(&grace, &id).await.unwrap_err(), "excluded-role");
    let viewer = Viewer { account: ada, everybody: false };
    let still = house.app.read(move |reader| lists::find(reader, &id, &viewer)).await.expect("it is there").0;
    assert_eq!(still.state, RequestState::Pending, "nothing is half done");
}

#[actix_web::test]
async fn a_request_lapses_at_its_instant() {
    let house = House::new();
    let Firm { mary, ada, .. } = house.firm().await;
    let asked = house.asked(&ada, ADDRESS).await;
    house.advance(Duration::days(14));
    assert_eq!(house.approved_by(&mary, &asked.request.id).await.unwrap_err(), "decided");
    house.run_job("requests.lapse").await.expect("it runs here");
    let lapsed = house.detailed(asked.request).await.request;
    assert_eq!(lapsed.state, RequestState::Lapsed);
    let viewer = Viewer { account: ada, everybody: false };
    let mine = house.app.read(move |reader| lists::list(reader, "mine", None, &viewer, None, 9)).await;
    assert_eq!(mine.expect("listed").0.len(), 1, "history stays");
}

/// Gives as a caller; what came of it.
async fn gives(house: &House, caller: Caller, wanted: Ask) -> String {
    match house.app.write(&caller, move |tx| requests::give(tx, &wanted)).await {
        Ok(done) => match done.value {
            Asked::Given(..) => "granted".to_owned(),
            Asked::Waits(_) => "pending".to_owned(),
        },
        Err(error) => slug(error),
    }
}

#[actix_web::test]
async fn giving_is_no_side_door() {
    let house = House::new();
    let Firm { grace, mary, ada, ben, tomasz } = house.firm().await;
    house.give(&tomasz, "bailiwick/administrator", 90).await;
    house.give(&ben, "bailiwick/access-admin", 90).await;
    let stale = |account: &AccountId| Caller {
        proved_at: Some(house.now().minus(Duration::minutes(16))),
        ..person(&house, account)
    };
    let key = Caller {
        actor: Actor::Service {
            account: tomasz.clone(),
            key: KeyId::new(house.now(), house.entropy.as_ref()),
        },
        proved_at: Some(house.now()),
        once: None,
    };
    let address = |account: &AccountId| ask_for(account, ADDRESS, 30);
    for (caller, wanted, expected) in [
        // Ordinary roles: by permission to anybody, by position to one's own.
        (person(&house, &ben), ask_for(&ada, "orders/order-clerk", 30), "granted"),
        (person(&house, &mary), ask_for(&ada, "warehouse/picker", 30), "granted"),
        (person(&house, &mary), ask_for(&tomasz, "warehouse/picker", 30), "not-yours"),
        (person(&house, &grace), ask_for(&tomasz, "orders/order-clerk", 30), "granted"),
        (person(&house, &ada), ask_for(&ben, "orders/order-clerk", 30), "not-yours"),
        // Bailiwick's own: administrators assign them, and not to themselves.
        (person(&house, &ben), ask_for(&ada, "bailiwick/operator", 30), "pending"),
        (person(&house, &ben), ask_for(&ben, "bailiwick/administrator", 30), "pending"),
        (person(&house, &tomasz), ask_for(&ada, "bailiwick/people-admin", 30), "granted"),
        // Access roles: only as one approver, only with a fresh proof, never by key.
        (person(&house, &ben), address(&mary), "pending"),
        (stale(&mary), address(&ada), "pending"),
        (key, ask_for(&ben, ADDRESS, 30), "pending"),
    ] {
        let what = format!("{:?} gives {} to {:?}", caller.actor, wanted.role, wanted.account);
        assert_eq!(gives(&house, caller, wanted).await, expected, "{what}");
    }
}

#[actix_web::test]
async fn a_giver_counts_once_where_the_chain_names_them() {
    let house = House::new();
    let Firm { grace, mary, ada, tomasz, .. } = house.firm().await;
    house.give(&tomasz, "bailiwick/administrator", 90).await;
    let mut desk = house.order_desk(&grace).await;
    assert_eq!(gives(&house, person(&house, &mary), ask_for(&ada, ADDRESS, 30)).await, "pending");
    assert!(!decision(&mut desk, &may_read("ada", "buyer-address")).await);
    let viewer = Viewer { account: grace.clone(), everybody: false };
    let waiting = house.app.read(move |reader| lists::list(reader, "decide", None, &viewer, None, 9)).await;
    let (waiting, _) = waiting.expect("listed");
    assert_eq!(waiting.len(), 1);
    house.approved_by(&grace, &waiting[0].id).await.expect("the owner may");
    assert!(decision(&mut desk, &may_read("ada", "buyer-address")).await);
    // Who is manager and owner at once has said both words.
    let both = ask_for(&mary, ADDRESS, 30);
    assert_eq!(gives(&house, person(&house, &grace), both).await, "granted");
    let own = ask_for(&grace, ADDRESS, 30);
    assert_eq!(gives(&house, person(&house, &grace), own).await, "pending", "never for oneself");
}

/// Issues a key as the shell does, and asks for what opens personal data.
async fn issued(house: &House, wanted: NewKey) -> (Issued, Request) {
    house
        .done(move |tx| {
            let issued = keys::issue(tx, &wanted)?;
            let ask = ask_for(&issued.account, &issued.awaiting[0], 90);
            match requests::give(tx, &ask)? {
                Asked::Waits(request) => Ok((issued, request)),
                Asked::Given(..) => panic!("nobody has approved it"),
            }
        })
        .await
}

#[actix_web::test]
async fn a_keys_personal_data_waits_for_somebody_who_does_not_own_the_service() {
    let house = House::new();
    let Firm { grace, mary, tomasz, .. } = house.firm().await;
    house.give(&tomasz, "bailiwick/administrator", 90).await;
    let wanted = |name: &str, owner: &AccountId| NewKey {
        name: name.to_owned(),
        owner: owner.clone(),
        allow: vec!["orders/buyer-address:read".to_owned(), "bailiwick/evaluation:ask".to_owned()],
        application: Some("orders".to_owned()),
        expires_at: house.in_days(90),
        asserts: None,
        networks: vec!["127.0.0.0/8".parse().expect("a network")],
    };
    let key = wanted("label-printer", &mary);
    let (issued, request) = issued(&house, key).await;
    let mut printer = house.browser().await.with_key(&issued.token);
    let mut question = may_read("label-printer", "buyer-address");
    question["subject"]["type"] = "service".into();
    assert!(!decision(&mut printer, &question).await);
    assert_eq!(
        house.approved_by(&mary, &request.id).await.unwrap_err(),
        "self-approval",
        "the service is hers"
    );
    house.approved_by(&grace, &request.id).await.expect("the owner of the order desk may");
    assert!(decision(&mut printer, &question).await);
    let key = wanted("second-printer", &grace);
    let (_, second) = self::issued(&house, key).await;
    assert_eq!(house.approved_by(&grace, &second.id).await.unwrap_err(), "self-approval");
    house.approved_by(&tomasz, &second.id).await.expect("an administrator in her place");
    let role =
        house.app.read(|reader| roles::role(reader, "orders/key-label-printer-pii")).await.expect("private");
    assert!(role.access_role && role.private_to.is_some());
}

#[actix_web::test]
async fn two_approvals_at_once_grant_once() {
    let house = House::new();
    let Firm { grace, mary, ada, .. } = house.firm().await;
    let asked = house.asked(&ada, ADDRESS).await;
    let id = asked.request.id;
    let (first, second) = tokio::join!(house.approved_by(&mary, &id), house.approved_by(&grace, &id));
    assert!(first.is_ok() && second.is_ok(), "{first:?} {second:?}");
    let held = house.app.read(move |reader| grants::living(reader, &ada)).await.expect("listed");
    assert_eq!(held.len(), 1);
}
