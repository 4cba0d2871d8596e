//! Reviews and leavers in systems that do not ask here: what they decide is a task, and done is not assumed.

use bailiwick::access::grants::{self, GrantState, Source};
use bailiwick::error::Error;
use bailiwick::ids::{AccountId, CampaignId, CaseId};
use bailiwick::leavers::lists::Viewer as LeaverViewer;
use bailiwick::leavers::{self, CaseState, NewLeaver, StepKind, StepState};
use bailiwick::provisioning::tasks::{self, Origin, Task, TaskState};
use bailiwick::reviews::deciding::{self, Answer};
use bailiwick::reviews::lists::{self, Narrow};
use bailiwick::reviews::opening::{self, NewCampaign};
use bailiwick::reviews::{CampaignScope, CampaignState, Decision, Item, ItemState, Used};
use chrono::Duration;

use crate::support::House;
use crate::support::company::{Company, as_person, assert_sound, give, may, read, write};
use crate::support::estate::{company, import, keeper, owner, waiting};

fn open(house: &House, company: &Company, app: &str) -> CampaignId {
    let now = house.app.context().clock.now();
    let scope = CampaignScope { app: Some(app.to_owned()), ..CampaignScope::default() };
    let new = NewCampaign::by_hand("November", scope, now.plus(Duration::days(7)), now).expect("it may be");
    opening::open(&house.app, &as_person(house, &company.ada), &new).expect("it opens").value.id
}

fn items(house: &House, id: &CampaignId) -> Vec<Item> {
    read(house, |reader| lists::items(reader, id, &Narrow::default(), None, 200)).0
}

/// Drafts and signs one answer; how many were applied, and what came back.
fn decide(house: &House, who: &AccountId, item: &Item, decision: Decision) -> (u64, Vec<String>) {
    let caller = as_person(house, who);
    let answer = Answer {
        item: item.id.clone(),
        decision: Some(decision),
        reason: Some("Needed for the job".to_owned()),
        keep_until: None,
    };
    house.app.write_now(&caller, |tx| deciding::draft(tx, &item.campaign, &[answer])).expect("drafted");
    let signed = deciding::sign_off(&house.app, &caller, &item.campaign, None).expect("signed").value;
    let returned = signed.returned.into_iter().flat_map(|one| one.errors).map(|error| error.detail).collect();
    (signed.applied, returned)
}

fn state(house: &House, id: &CampaignId) -> CampaignState {
    read(house, |reader| lists::view(reader, id)).state
}

fn tend(house: &House) {
    bailiwick::jobs::run_now(&house.app, "reviews.tend").expect("the job runs");
}

/// Otto does a task, Ada looks.
fn finish(house: &House, company: &Company, task: &Task) {
    let by = |who| as_person(house, who);
    let otto = owner(&company.otto);
    house
        .app
        .write_now(&by(&company.otto), |tx| tasks::complete(tx, &task.id, "Deleted, ticket 7", &otto))
        .expect("done");
    let ada = keeper(&company.ada);
    house.app.write_now(&by(&company.ada), |tx| tasks::verify(tx, &task.id, &ada)).expect("seen");
}

#[test]
fn a_revocation_where_nobody_asks_is_verified_with_its_task() {
    let house = House::new();
    let company = company(&house);
    import(&house, &["ledger,cleo.c,E1,,clerk,2025-01-01,never"]);
    let id = open(&house, &company, "ledger");
    let item = items(&house, &id).remove(0);
    assert_eq!(item.used, Used::Never, "the list says so");
    assert_eq!(decide(&house, &company.mara, &item, Decision::Revoke).0, 1);
    let task = waiting(&house, &company).remove(0);
    assert_eq!(task.origin, Origin::Review(id.clone()));
    assert_eq!(state(&house, &id), CampaignState::Verifying);
    let otto = owner(&company.otto);
    house
        .app
        .write_now(&as_person(&house, &company.otto), |tx| tasks::complete(tx, &task.id, "Deleted", &otto))
        .expect("done");
    tend(&house);
    assert_eq!(state(&house, &id), CampaignState::Verifying, "done is not seen");
    let ada = keeper(&company.ada);
    house
        .app
        .write_now(&as_person(&house, &company.ada), |tx| tasks::verify(tx, &task.id, &ada))
        .expect("seen");
    tend(&house);
    assert_eq!(state(&house, &id), CampaignState::Closed);
    assert!(items(&house, &id)[0].verified.is_some());
    let (evidence, _) = read(&house, |reader| lists::report(reader, &id));
    let ledger = &evidence.systems[0];
    assert_eq!((ledger.imported, ledger.matched, ledger.confirmed_by_hand, ledger.carried), (1, 1, 1, 0));
    assert_sound(&house);
}

#[test]
fn what_hangs_past_its_deadline_is_an_exception_and_carried_on() {
    let house = House::new();
    let company = company(&house);
    import(&house, &["ledger,cleo.c,E1,,clerk,,", "ledger,pia,E2,,clerk,,"]);
    let id = open(&house, &company, "ledger");
    for item in items(&house, &id) {
        decide(&house, &company.mara, &item, Decision::Revoke);
    }
    let tasks = waiting(&house, &company);
    finish(&house, &company, &tasks[0]);
    tend(&house);
    assert_eq!(state(&house, &id), CampaignState::Verifying);
    house.advance(Duration::hours(24) - Duration::microseconds(1));
    tend(&house);
    assert_eq!(state(&house, &id), CampaignState::Verifying, "its time is not over");
    house.advance(Duration::microseconds(1));
    tend(&house);
    assert_eq!(state(&house, &id), CampaignState::ClosedWithExceptions);
    let (evidence, signed) = read(&house, |reader| lists::report(reader, &id));
    assert!(signed);
    assert_eq!((evidence.systems[0].confirmed_by_hand, evidence.systems[0].carried), (1, 1));
    assert_eq!(waiting(&house, &company).len(), 1, "the task goes on");
    finish(&house, &company, &tasks[1]);
    assert_eq!(waiting(&house, &company).len(), 0);
}

#[test]
fn silence_where_nobody_asks_is_taken_away_by_hand_too() {
    let house = House::new();
    let company = company(&house);
    import(&house, &["ledger,cleo.c,E1,,clerk,,"]);
    let id = open(&house, &company, "ledger");
    let suspends_at = read(&house, |reader| lists::view(reader, &id)).suspends_at;
    house.advance(suspends_at.since(house.app.context().clock.now()));
    tend(&house);
    assert_eq!(items(&house, &id)[0].state, ItemState::NoResponse);
    let task = waiting(&house, &company).remove(0);
    assert_eq!(task.origin, Origin::Review(id));
}

#[test]
fn an_access_role_from_a_list_counts_when_somebody_else_keeps_it() {
    let house = House::new();
    let company = company(&house);
    let csv = format!(
        "{}\norders,cleo,E1,,address-reader,,\norders,pia,E2,,address-reader,,\n",
        crate::support::estate::HEAD
    );
    let mara = as_person(&house, &company.mara);
    bailiwick::provisioning::import::import_grants(&house.app, &mara, csv.as_bytes(), false, &mut |_| ())
        .expect("Mara reads the list");
    let id = open(&house, &company, "orders");
    let item = items(&house, &id).into_iter().find(|item| item.account == company.cleo).expect("hers");
    let (applied, returned) = decide(&house, &company.mara, &item, Decision::Keep);
    assert_eq!(applied, 0, "who brought it here does not have the first word");
    assert!(returned[0].contains("neither who brought it here"), "{returned:?}");
    assert!(!may(&house, &company.cleo, "orders/buyer-address:read"));

    let due_at = read(&house, |reader| lists::view(reader, &id)).due_at;
    house.advance(due_at.since(house.app.context().clock.now()));
    tend(&house);
    let item = items(&house, &id).into_iter().find(|item| item.account == company.cleo).expect("hers");
    assert_eq!(item.reviewer.as_ref(), Some(&company.otto), "the owner decides then");
    let before = read(&house, |reader| grants::find(reader, &item.grant));
    assert_eq!(decide(&house, &company.otto, &item, Decision::Keep).0, 1);
    assert!(may(&house, &company.cleo, "orders/buyer-address:read"), "kept by somebody with authority");
    let kept = read(&house, |reader| grants::find(reader, &item.grant));
    assert_eq!((kept.state, kept.source), (GrantState::Active, Source::Imported));
    assert!(kept.expires_at > before.expires_at, "it lasts as long as any grant of this role");
    assert!(!may(&house, &company.pia, "orders/buyer-address:read"));
    assert_sound(&house);
}

#[test]
fn an_imported_grant_that_nobody_keeps_ends_after_one_cadence() {
    let house = House::new();
    let company = company(&house);
    import(&house, &["ledger,cleo.c,E1,,clerk,,", "orders,cleo,E1,,clerk,,"]);
    house.advance(Duration::days(32));
    assert!(!may(&house, &company.cleo, "orders/order:read"), "judged by the clock");
    bailiwick::jobs::run_now(&house.app, "access.expire").expect("the job runs");
    bailiwick::jobs::run_now(&house.app, "provisioning.follow").expect("the job runs");
    let tasks = waiting(&house, &company);
    assert_eq!((tasks.len(), tasks[0].system.as_str()), (1, "ledger"));
}

fn leave(house: &House, company: &Company) -> CaseId {
    let new = NewLeaver {
        account: company.cleo.clone(),
        effective_at: house.app.context().clock.now(),
        reason: "end of contract".to_owned(),
        confidential: false,
    };
    let id = write_as(house, &company.ada, &new);
    bailiwick::jobs::run_now(&house.app, "leavers.run").expect("the job runs");
    id
}

fn write_as(house: &House, who: &AccountId, new: &NewLeaver) -> CaseId {
    house.app.write_now(&as_person(house, who), |tx| leavers::report(tx, new)).expect("reported").value.id
}

fn case(
    house: &House,
    who: &AccountId,
    id: &CaseId,
) -> bailiwick::error::Result<(leavers::Case, Vec<leavers::Step>)> {
    let viewer = LeaverViewer { account: who.clone(), handles: false, everybody: false };
    house.app.read_now(|reader| leavers::lists::find(reader, id, &viewer))
}

#[test]
fn a_leavers_systems_are_clear_when_their_tasks_are_verified() {
    let house = House::new();
    let company = company(&house);
    import(
        &house,
        &["ledger,cleo.c,E1,,clerk,,", "ledger,cleo.batch,E1,,customer-reader,,", "orders,cleo,E1,,clerk,,"],
    );
    let id = leave(&house, &company);
    let (open, steps) =
        case(&house, &company.otto, &id).expect("whoever has to take something away sees why");
    assert!(matches!(case(&house, &company.pia, &id), Err(Error::NotFound(_))));
    assert_eq!(open.state, CaseState::Targets);
    let target = |steps: &[leavers::Step], system: &str| {
        steps
            .iter()
            .find(|step| step.kind == StepKind::Target && step.target == system)
            .cloned()
            .expect("a target")
    };
    assert_eq!(target(&steps, "ledger").state, StepState::Manual);
    assert_eq!(target(&steps, "orders").state, StepState::Verified, "it asks here, and was asked");
    let tasks = waiting(&house, &company);
    assert_eq!(tasks.len(), 2, "one for each login");
    assert!(
        tasks.iter().all(|task| task.due_at == open.deadline && task.origin == Origin::Leaver(id.clone()))
    );
    finish(&house, &company, &tasks[0]);
    bailiwick::jobs::run_now(&house.app, "leavers.run").expect("the job runs");
    assert_eq!(case(&house, &company.otto, &id).expect("the case").0.state, CaseState::Targets);
    finish(&house, &company, &tasks[1]);
    bailiwick::jobs::run_now(&house.app, "leavers.run").expect("the job runs");
    let (closed, steps) = case(&house, &company.mara, &id).expect("the case");
    assert_eq!(closed.state, CaseState::Closed);
    let evidence = target(&steps, "ledger").evidence.expect("what shows it");
    assert_eq!(evidence["tasks"].as_array().map(Vec::len), Some(2), "{evidence}");
    assert_sound(&house);
}

#[test]
fn whoever_handles_leavers_gives_a_word_and_not_the_second_one_too() {
    let house = House::new();
    let company = company(&house);
    give(&house, &company.cleo, "ledger/clerk", 30);
    let id = leave(&house, &company);
    let confirm = |who: &AccountId| {
        let by = as_person(&house, who);
        house
            .app
            .write_now(&by, |tx| leavers::confirm_target(tx, &id, "ledger", "Deleted, ticket 9"))
            .map(drop)
    };
    confirm(&company.ada).expect("her word");
    assert_eq!(waiting(&house, &company)[0].state, TaskState::Done);
    assert!(matches!(confirm(&company.ada), Err(Error::Forbidden("second-person", _))));
    confirm(&company.otto).expect("somebody else's look");
    assert!(matches!(confirm(&company.otto), Err(Error::Conflict("not-waiting", _))));
    bailiwick::jobs::run_now(&house.app, "leavers.run").expect("the job runs");
    assert_eq!(case(&house, &company.mara, &id).expect("the case").0.state, CaseState::Closed);
}

#[test]
fn a_kept_grant_that_rested_needs_no_task_any_more() {
    let house = House::new();
    let company = company(&house);
    let grant = give(&house, &company.cleo, "ledger/clerk", 30);
    write(&house, |tx| grants::suspend(tx, &grant.id, "by hand"));
    bailiwick::jobs::run_now(&house.app, "provisioning.follow").expect("the job runs");
    assert_eq!(waiting(&house, &company).len(), 1);
    let id = open(&house, &company, "ledger");
    let item = items(&house, &id).remove(0);
    assert_eq!(decide(&house, &company.mara, &item, Decision::Keep).0, 1);
    assert_eq!(waiting(&house, &company).len(), 0);
    assert_eq!(state(&house, &id), CampaignState::Closed);
}
