//! Reviews: population, drafts and ink, silence, verification, close.

use bailiwick::access::grants::{self, GrantState};
use bailiwick::caller::Caller;
use bailiwick::error::{Error, Result};
use bailiwick::exceptions::own;
use bailiwick::ids::{AccountId, CampaignId};
use bailiwick::reviews::deciding::{self, Answer, SignedOff};
use bailiwick::reviews::lists::{self, CampaignView, Narrow};
use bailiwick::reviews::opening::{self, NewCampaign};
use bailiwick::reviews::{Authority, CampaignScope, CampaignState, Decision, Item, ItemState};
use chrono::Duration;

use crate::support::House;
use crate::support::company::{Company, as_person, assert_sound, give, may, person, read, write};

const READ: &str = "orders/buyer-address:read";

fn open(house: &House, company: &Company, scope: CampaignScope) -> CampaignId {
    let now = house.app.context().clock.now();
    let new =
        NewCampaign::by_hand("November", scope, now.plus(Duration::days(7)), now).expect("it may be opened");
    opening::open(&house.app, &as_person(house, &company.ada), &new).expect("it opens").value.id
}

fn items(house: &House, id: &CampaignId) -> Vec<Item> {
    read(house, |reader| lists::items(reader, id, &Narrow::default(), None, 200)).0
}

fn item_of(house: &House, id: &CampaignId, account: &AccountId) -> Item {
    items(house, id).into_iter().find(|item| item.account == *account).expect("the account has an item")
}

fn view(house: &House, id: &CampaignId) -> CampaignView {
    read(house, |reader| lists::view(reader, id))
}

fn answer(item: &Item, decision: Decision, reason: Option<&str>) -> Answer {
    Answer {
        item: item.id.clone(),
        decision: Some(decision),
        reason: reason.map(str::to_owned),
        keep_until: None,
    }
}

fn draft(house: &House, caller: &Caller, id: &CampaignId, answers: &[Answer]) -> Vec<&'static str> {
    let done = house.app.write_now(caller, |tx| deciding::draft(tx, id, answers)).expect("drafts are taken");
    done.value.into_iter().map(|outcome| outcome.outcome).collect()
}

fn sign(house: &House, caller: &Caller, id: &CampaignId) -> Result<SignedOff> {
    deciding::sign_off(&house.app, caller, id, None).map(|done| done.value)
}

fn in_orders() -> CampaignScope {
    CampaignScope { app: Some("orders".to_owned()), ..CampaignScope::default() }
}

#[test]
fn every_grant_in_scope_has_one_item_and_its_manager_decides() {
    let house = House::new();
    let company = Company::found(&house);
    give(&house, &company.cleo, "orders/address-reader", 30);
    give(&house, &company.cleo, "orders/clerk", 30);
    give(&house, &company.pia, "orders/clerk", 30);
    let id = open(&house, &company, in_orders());
    let shown = view(&house, &id);
    assert_eq!((shown.state, shown.population, shown.progress.items), (CampaignState::Active, 3, 3));
    let found = items(&house, &id);
    assert!(found.iter().all(|item| item.reviewer.as_ref() == Some(&company.mara)));
    assert_eq!(found[0].role, "orders/address-reader", "customers' data comes first");
    let whole = open(&house, &company, CampaignScope::default());
    assert_eq!(view(&house, &whole).population, 4, "the administrator's grant is one of all grants");
}

#[test]
fn a_draft_changes_nothing_and_ink_acts_at_once() {
    let house = House::new();
    let company = Company::found(&house);
    let grant = give(&house, &company.cleo, "orders/address-reader", 30);
    let id = open(&house, &company, in_orders());
    let mara = as_person(&house, &company.mara);
    let item = item_of(&house, &id, &company.cleo);
    assert_eq!(draft(&house, &mara, &id, &[answer(&item, Decision::Revoke, None)]), ["drafted"]);
    assert!(may(&house, &company.cleo, READ), "a draft is pencil");
    assert_eq!(sign(&house, &mara, &id).expect("it is signed").applied, 1);
    assert!(!may(&house, &company.cleo, READ));
    assert_eq!(read(&house, |reader| grants::find(reader, &grant.id)).state, GrantState::Revoked);
    let shown = view(&house, &id);
    assert_eq!(shown.state, CampaignState::Closed, "decided and verified, it closes at once");
    let item = item_of(&house, &id, &company.cleo);
    let (_, verified) = item.verified.expect("it was seen to be gone");
    assert!(verified >= item.applied_revision.expect("it was applied"));
    let (evidence, signed) = read(&house, |reader| lists::report(reader, &id));
    assert!(signed);
    assert_eq!((evidence.difference, evidence.systems[0].revoked), (0, 1));
    assert_sound(&house);
}

#[test]
fn only_the_reviewer_decides_and_never_about_their_own() {
    let house = House::new();
    let company = Company::found(&house);
    give(&house, &company.cleo, "orders/clerk", 30);
    give(&house, &company.mara, "orders/clerk", 30);
    let id = open(&house, &company, in_orders());
    let of_cleo = item_of(&house, &id, &company.cleo);
    let of_mara = item_of(&house, &id, &company.mara);
    assert_eq!(of_mara.reviewer.as_ref(), Some(&company.ada));
    for caller in [&company.cleo, &company.pia, &company.ada] {
        let caller = as_person(&house, caller);
        assert_eq!(draft(&house, &caller, &id, &[answer(&of_cleo, Decision::Keep, None)]), ["refused"]);
    }
    let mara = as_person(&house, &company.mara);
    assert_eq!(draft(&house, &mara, &id, &[answer(&of_mara, Decision::Keep, None)]), ["refused"]);
    assert_eq!(draft(&house, &mara, &id, &[answer(&of_cleo, Decision::Keep, None)]), ["drafted"]);
    let nobody = house.app.write_now(&Caller::nobody(), |tx| deciding::draft(tx, &id, &[]));
    assert!(matches!(nobody, Err(Error::Unauthenticated)), "{nobody:?}");
}

#[test]
fn keeping_customers_data_needs_a_reason_before_it_is_signed() {
    let house = House::new();
    let company = Company::found(&house);
    give(&house, &company.cleo, "orders/address-reader", 30);
    let id = open(&house, &company, in_orders());
    let mara = as_person(&house, &company.mara);
    let item = item_of(&house, &id, &company.cleo);
    draft(&house, &mara, &id, &[answer(&item, Decision::Keep, None)]);
    let signed = sign(&house, &mara, &id).expect("signing answers");
    assert_eq!((signed.applied, signed.returned.len()), (0, 1));
    assert_eq!(signed.returned[0].errors[0].field, "reason");
    draft(&house, &mara, &id, &[answer(&item, Decision::Keep, Some("prints return labels"))]);
    assert_eq!(sign(&house, &mara, &id).expect("it is signed").applied, 1);
    assert_eq!(item_of(&house, &id, &company.cleo).state, ItemState::Keep);
    assert!(may(&house, &company.cleo, READ));
}

#[test]
fn a_grant_that_changed_since_it_was_drafted_comes_back() {
    let house = House::new();
    let company = Company::found(&house);
    let grant = give(&house, &company.cleo, "orders/clerk", 30);
    let id = open(&house, &company, in_orders());
    let mara = as_person(&house, &company.mara);
    let item = item_of(&house, &id, &company.cleo);
    draft(&house, &mara, &id, &[answer(&item, Decision::Revoke, None)]);
    let until = house.app.context().clock.now().plus(Duration::days(60));
    write(&house, |tx| grants::keep(tx, &grant.id, Some(until), "prolonged"));
    let signed = sign(&house, &mara, &id).expect("signing answers");
    assert_eq!((signed.applied, signed.returned.len()), (0, 1));
    let item = item_of(&house, &id, &company.cleo);
    assert!(item.draft.is_none() && item.state == ItemState::Pending);
    draft(&house, &mara, &id, &[answer(&item, Decision::Revoke, None)]);
    assert_eq!(sign(&house, &mara, &id).expect("it is signed").applied, 1);
}

#[test]
fn silence_goes_to_the_next_authority_and_then_suspends() {
    let house = House::new();
    let company = Company::found(&house);
    let grant = give(&house, &company.cleo, "orders/address-reader", 60);
    let id = open(&house, &company, in_orders());
    house.advance(Duration::days(7));
    run(&house);
    let item = item_of(&house, &id, &company.cleo);
    assert_eq!((item.reviewer.as_ref(), item.authority), (Some(&company.otto), Authority::Owner));
    assert!(may(&house, &company.cleo, READ), "until the last day it stays");
    house.advance(Duration::days(3));
    run(&house);
    assert!(!may(&house, &company.cleo, READ));
    assert_eq!(read(&house, |reader| grants::find(reader, &grant.id)).state, GrantState::Suspended);
    assert_eq!(item_of(&house, &id, &company.cleo).state, ItemState::NoResponse);
    assert_eq!(view(&house, &id).state, CampaignState::Closed);
    assert_sound(&house);
}

#[test]
fn a_drafted_revocation_suspends_at_the_due_date_and_can_still_be_signed() {
    let house = House::new();
    let company = Company::found(&house);
    give(&house, &company.cleo, "orders/clerk", 60);
    let id = open(&house, &company, in_orders());
    let mara = as_person(&house, &company.mara);
    let item = item_of(&house, &id, &company.cleo);
    draft(&house, &mara, &id, &[answer(&item, Decision::Revoke, None)]);
    house.advance(Duration::days(7));
    run(&house);
    assert!(!may(&house, &company.cleo, "orders/order:read"));
    let item = item_of(&house, &id, &company.cleo);
    let reviewer = as_person(&house, item.reviewer.as_ref().expect("somebody decides"));
    draft(&house, &reviewer, &id, &[answer(&item, Decision::Keep, Some("needed after all"))]);
    assert_eq!(sign(&house, &reviewer, &id).expect("it is signed").applied, 1);
    assert!(may(&house, &company.cleo, "orders/order:read"), "kept, it works again");
}

#[test]
fn a_month_has_one_review_that_opens_and_closes_inside_it_by_itself() {
    let house = House::new();
    let company = Company::found(&house);
    give(&house, &company.cleo, "orders/clerk", 120);
    // The house was set up on 23 November: its first month is December, opened on its first working day at six.
    house.advance(Duration::days(7));
    run(&house);
    assert_eq!(campaigns(&house).len(), 0, "still November");
    house.advance(Duration::hours(21));
    run(&house);
    run(&house);
    let opened = campaigns(&house);
    assert_eq!(opened.len(), 1);
    assert_eq!(opened[0].period.as_deref(), Some("2026-12"));
    for _ in 0..30 {
        house.advance(Duration::days(1));
        run(&house);
    }
    let closed = campaigns(&house);
    assert_eq!(closed.len(), 1, "never two in a month");
    assert!(closed[0].state.is_closed(), "{:?}", closed[0].state);
    let closed_at = closed[0].closed_at.expect("it closed").to_string();
    assert!(closed_at.as_str() < "2027-01-01", "{closed_at}");
    assert_sound(&house);
}

#[test]
fn with_nobody_else_the_subject_decides_and_it_is_an_exception() {
    let house = House::new();
    let company = Company::found(&house);
    let id = open(
        &house,
        &company,
        CampaignScope { app: Some("bailiwick".to_owned()), ..CampaignScope::default() },
    );
    let item = item_of(&house, &id, &company.ada);
    // Otto owns the order desk only; nobody stands above Ada and nobody else administers.
    assert_eq!((item.state, item.authority), (ItemState::Conflicted, Authority::Subject));
    let mut ada = as_person(&house, &company.ada);
    ada.proved_at = None;
    draft(&house, &ada, &id, &[answer(&item, Decision::Keep, Some("sole administrator"))]);
    let refused = sign(&house, &ada, &id).expect("signing answers");
    assert_eq!(refused.applied, 0, "it needs a fresh proof");
    let ada = as_person(&house, &company.ada);
    let signed = sign(&house, &ada, &id).expect("it is signed");
    assert_eq!((signed.applied, signed.waiting), (0, 1), "anybody may object for a day");
    house.advance(Duration::hours(24) - Duration::seconds(1));
    run(&house);
    assert_eq!(item_of(&house, &id, &company.ada).state, ItemState::Conflicted);
    house.advance(Duration::seconds(1));
    run(&house);
    assert_eq!(item_of(&house, &id, &company.ada).state, ItemState::Keep);
    assert_eq!(view(&house, &id).state, CampaignState::ClosedWithExceptions);
}

#[test]
fn an_objection_leaves_the_item_open_until_silence_suspends_or_the_subject_gives_it_back() {
    let house = House::new();
    let company = Company::found(&house);
    let extra = give(&house, &company.ada, "bailiwick/security-officer", 90);
    let scope = CampaignScope { role: Some(extra.role.clone()), ..CampaignScope::default() };
    let id = open(&house, &company, scope);
    let item = item_of(&house, &id, &company.ada);
    let ada = as_person(&house, &company.ada);
    draft(&house, &ada, &id, &[answer(&item, Decision::Keep, Some("nobody else watches"))]);
    assert_eq!(sign(&house, &ada, &id).expect("it is signed").waiting, 1);
    let window = read(&house, |reader| own::waiting(reader, own::Matter::ReviewItem, item.id.as_str()));
    let pia = as_person(&house, &company.pia);
    let object = |tx: &mut bailiwick::db::Tx<'_>| own::object(tx, &window.expect("it waits").id, "I watch");
    house.app.write_now(&pia, object).expect("anybody may object");
    house.advance(Duration::hours(25));
    run(&house);
    assert_eq!(item_of(&house, &id, &company.ada).state, ItemState::Conflicted, "it never took effect");
    let ada = as_person(&house, &company.ada);
    draft(&house, &ada, &id, &[answer(&item, Decision::Revoke, Some("Pia is right"))]);
    assert_eq!(sign(&house, &ada, &id).expect("giving back waits for nobody").applied, 1);
    assert_eq!(item_of(&house, &id, &company.ada).state, ItemState::Revoke);
}

#[test]
fn a_grant_that_ends_meanwhile_leaves_nothing_to_decide() {
    let house = House::new();
    let company = Company::found(&house);
    let grant = give(&house, &company.cleo, "orders/clerk", 30);
    let id = open(&house, &company, in_orders());
    write(&house, |tx| grants::revoke(tx, &grant.id, "direct", None));
    house.advance(Duration::minutes(2));
    run(&house);
    assert_eq!(item_of(&house, &id, &company.cleo).state, ItemState::Superseded);
    assert_eq!(view(&house, &id).state, CampaignState::Closed);
}

#[test]
fn an_absent_reviewer_is_replaced() {
    let house = House::new();
    let company = Company::found(&house);
    give(&house, &company.cleo, "orders/clerk", 30);
    let id = open(&house, &company, in_orders());
    write(&house, |tx| bailiwick::accounts::mark_left(tx, &company.mara, "leaver"));
    house.advance(Duration::minutes(2));
    run(&house);
    assert_eq!(item_of(&house, &id, &company.cleo).reviewer.as_ref(), Some(&company.ada));
}

#[test]
fn two_sign_the_same_drafts_at_once_and_each_is_applied_once() {
    let house = House::new();
    let company = Company::found(&house);
    for number in 0..20 {
        let somebody = person(&house, &format!("picker{number}"), Some(&company.mara));
        give(&house, &somebody, "orders/clerk", 30);
    }
    let id = open(&house, &company, in_orders());
    let mara = as_person(&house, &company.mara);
    let answers: Vec<_> =
        items(&house, &id).iter().map(|item| answer(item, Decision::Revoke, None)).collect();
    draft(&house, &mara, &id, &answers);
    let applied: u64 = std::thread::scope(|scope| {
        let signers: Vec<_> = (0..4).map(|_| scope.spawn(|| sign(&house, &mara, &id))).collect();
        signers
            .into_iter()
            .map(|signer| match signer.join().expect("no panic") {
                Ok(signed) => signed.applied,
                Err(Error::Conflict(..)) => 0,
                Err(error) => panic!("{error}"),
            })
            .sum()
    });
    assert_eq!(applied, 20);
    assert_eq!(view(&house, &id).state, CampaignState::Closed);
    assert_sound(&house);
}

fn campaigns(house: &House) -> Vec<CampaignView> {
    read(house, |reader| lists::campaigns(reader, None, 50)).0
}

fn run(house: &House) {
    bailiwick::jobs::run_due(&house.app).expect("jobs run");
    for job in ["reviews.open", "reviews.tend"] {
        bailiwick::jobs::run_now(&house.app, job).expect("the job runs");
    }
}
